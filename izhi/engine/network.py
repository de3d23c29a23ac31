"""The folded network: many replicas of a circuit, side by side in one Brian2 network.

Cell i of replica r is number ``r*count + i`` of its population's group; synapse k of replica r is
number ``r*n_synapses + k`` of its projection. Everything that a config can vary is a per-cell or
per-synapse constant, whether it varies in this sweep or not: one code serves all sweeps of a
structure, and a point's arithmetic does not depend on what else is swept.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from izhi.models import dimensions, stimulus, synapse
from izhi.models.cell import Cell
from izhi.models.circuit import Population, Projection
from izhi.models.equations import equations, expression, statements
from izhi.sweep.structures import Structure
from izhi.units import VOLT, Dimension


@dataclass(frozen=True)
class FoldedNetwork:
    """Brian2 objects by name of population or projection."""

    network: Any
    cells: dict[str, Any]
    synapses: dict[str, Any]
    spikes: dict[str, Any]
    traces: dict[str, Any]


def build(structure: Structure, replicas: int) -> FoldedNetwork:
    """Build the network in Brian2's active device, with all parameters still at 0.

    Parameters
    ----------
    structure
        What is simulated.
    replicas
        Copies of the circuit.
    """
    import brian2 as b2

    b2.defaultclock.dt = structure.dt * b2.second
    cells = {p.name: _cells(structure, p, replicas) for p in structure.circuit.populations}
    synapses = {p.name: _synapses(structure, p, replicas, cells) for p in
                structure.circuit.projections}  # fmt: skip
    _share(structure, {group.name: group for group in (*cells.values(), *synapses.values())})
    spikes = {name: b2.SpikeMonitor(group, name=f"spikes_{name}") for name, group in cells.items()}
    traces = {}
    if structure.trace_interval is not None:
        traces = {
            name: b2.StateMonitor(
                group, list(traced(structure.circuit.population(name))), record=True,
                name=f"traces_{name}",
                dt=structure.trace_interval * b2.second,
            )
            for name, group in cells.items()
        }  # fmt: skip
    network = b2.Network(*cells.values(), *synapses.values(), *spikes.values(), *traces.values())
    return FoldedNetwork(network, cells, synapses, spikes, traces)


def _share(structure: Structure, groups: dict[str, Any]) -> None:
    """Mark what is one number for a replica: its parameters, and what drives its cells."""
    from izhi.engine.shared import share

    for given in variables(structure):
        owner, _, name = given.name.partition(".")
        if name != "delay" and groups[owner].variables[name].constant:
            share(groups[owner], name)
    for population in structure.circuit.populations:
        if population.stimulus is not None:
            share(groups[f"cells_{population.name}"], "drive")


def traced(population: Population) -> tuple[str, ...]:
    """Return the variables whose traces a population has."""
    return (*population.neuron.states, "I")


def _quantity(value: float, dimension: Dimension) -> Any:
    import brian2 as b2

    kinds = zip(("m", "kg", "s", "A", "mol"), dimension, strict=True)
    return b2.Quantity(value, dim=b2.get_or_create_dimension(**dict(kinds)))


def _namespace(cell: Cell, v_max: float) -> dict[str, Any]:
    """Return a neuron's constants as Brian2's quantities."""
    found = {name: _quantity(value, kind) for name, value, kind in cell.constants}
    return {**found, "v_max": _quantity(v_max, VOLT)}


def _equations(cell: Cell, drive: list[str], current: str) -> str:
    """Return the equations of cells, with what they receive put in as I."""
    lines = []
    for one in cell.declared:
        flags = f" ({', '.join(one.flags)})" if one.flags else ""
        lines.append(f"{one.left} = {one.expression} : {one.unit}{flags}")
    lines += [f"{name} : {dimensions.unit(kind)} (constant)" for name, kind in cell.parameters]
    lines.append(f"I = {' + '.join(drive) or f'0*{current}'} : {current}")
    lines.append("escapes : integer")
    return "\n".join(lines) + "\n"


def _cells(structure: Structure, population: Population, replicas: int) -> Any:
    import brian2 as b2

    incoming = [p for p in structure.circuit.projections if p.target == population.name]
    current = population.current
    synaptic = [synapse.current_name(p.name) for p in incoming]
    declared = "".join(synapse.current_equations(p.name, current) for p in incoming)
    drive = []
    if population.stimulus is not None:
        drive = ["drive"]
        declared += f"drive = {' + '.join(stimulus.terms())} : {current} (constant over dt)\n"
        declared += stimulus.equations(current)
    cell = population.neuron
    # a v beyond v_max, where no potential is, leaves no trace after the reset: it is counted
    counted = "escapes += int(v > v_max)\n" if cell.bounded else ""
    return b2.NeuronGroup(
        replicas * population.count,
        equations(_equations(cell, [*drive, *synaptic], current) + declared),
        threshold=expression(cell.threshold),
        reset=statements(counted + cell.reset),
        refractory=expression(cell.refractory) if cell.refractory else False,
        method=structure.method,
        namespace=_namespace(cell, structure.v_max),
        name=f"cells_{population.name}",
    )


def _synapses(
    structure: Structure, projection: Projection, replicas: int, cells: dict[str, Any]
) -> Any:
    import brian2 as b2

    circuit = structure.circuit
    model = synapse.MODELS[projection.synapse]
    target = circuit.population(projection.target)
    fill = {"current": target.current, "target": f"{synapse.current_name(projection.name)}_post"}
    synapses = b2.Synapses(
        cells[projection.source],
        cells[projection.target],
        model=equations(model.equations.format(**fill)),
        on_pre=statements(model.on_pre.format(**fill)),
        # None: one for each synapse
        delay=None if projection.delayed else 0 * b2.second,
        namespace={},
        name=f"synapses_{projection.name}",
    )
    source, sink = synapse_ends(structure, projection, replicas)
    synapses.connect(i=source, j=sink)
    for name, value in model.start:
        setattr(synapses, name, value)
    return synapses


def synapse_ends(
    structure: Structure, projection: Projection, replicas: int
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Return source and target cell numbers of all synapses of a projection."""
    circuit = structure.circuit
    pairs = np.array(circuit.pairs(projection), np.int32).reshape(-1, 2)
    replica = np.arange(replicas, dtype=np.int32)[:, None]
    source = replica * circuit.population(projection.source).count + pairs[:, 0]
    sink = replica * circuit.population(projection.target).count + pairs[:, 1]
    return source.ravel(), sink.ravel()


@dataclass(frozen=True)
class Variable:
    """A variable of the network that points give.

    Attributes
    ----------
    name
        Brian2's object and variable: ``"cells_pre.a"``.
    each
        Elements of it in one replica, all with the point's one value.
    parameter
        The parameter that it comes from: ``"pre.a"``; see :func:`izhi.sweep.plan.parameters`.
    """

    name: str
    each: int
    parameter: str


def variables(structure: Structure) -> list[Variable]:
    """Return all variables that points give, in the order in which a program takes them."""
    circuit = structure.circuit
    result: list[Variable] = []
    for population in circuit.populations:
        owner, group, each = population.name, f"cells_{population.name}", population.count
        names = [name for name, _ in population.neuron.parameters]
        if population.stimulus is not None:
            names += stimulus.PARAMETERS
        result += [Variable(f"{group}.{name}", each, f"{owner}.{name}") for name in names]
        starts = population.neuron.starts
        result += [Variable(f"{group}.{s}", each, f"{owner}.{s}_0") for s in starts]
    for projection in circuit.projections:
        each = len(circuit.pairs(projection))
        model, owner = synapse.MODELS[projection.synapse], projection.name
        group, target = f"synapses_{owner}", circuit.population(projection.target)
        names = [*model.parameters, *["delay"] * projection.delayed]
        result += [Variable(f"{group}.{name}", each, f"{owner}.{name}") for name in names]
        time = f"cells_{target.name}.{owner}_tau_s"
        result.append(Variable(time, target.count, f"{owner}.tau_s"))
    return result
