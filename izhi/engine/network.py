"""The folded network: many replicas of a circuit, side by side in one Brian2 network.

Cell i of replica r is number ``r*count + i`` of its population's group; synapse k of replica r is
number ``r*n_synapses + k`` of its projection. Variables and groups have names of their own
(:mod:`izhi.engine.names`). Everything that a config can vary is a per-cell or
per-synapse constant, whether it varies in this sweep or not: one code serves all sweeps of a
structure, and a point's arithmetic does not depend on what else is swept.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from izhi.engine.names import (
    cells_group,
    mangled,
    mangled_expression,
    mangled_number,
    mangled_statements,
    synapses_group,
)
from izhi.models import assembly, declarations, dimensions, located, recording
from izhi.models.circuit import Circuit, Population, Projection
from izhi.models.equations import equations, expression, statements
from izhi.sweep.structures import Structure
from izhi.units import Dimension

_NO_SPIKE = -1e300
"""Seconds at which cells that have not spiked last did so, beyond any refractory period."""


@dataclass(frozen=True)
class FoldedNetwork:
    """Brian2 objects by name of population or projection."""

    network: Any
    cells: dict[str, Any]
    synapses: dict[str, Any]
    spikes: dict[str, Any]
    traces: dict[str, Any]


DRIVE_UPDATE = "drive_"
"""Beginning of the names of the code that computes what drives cells."""

Ends = tuple[NDArray[np.int32], NDArray[np.int32]]
"""Source and target cells of all synapses of a projection in a network."""


def build(
    structure: Structure, replicas: int, connected: Mapping[str, Ends] | None = None
) -> FoldedNetwork:
    """Build the network in Brian2's active device, with all parameters still at 0.

    Parameters
    ----------
    structure
        What is simulated.
    replicas
        Copies of the circuit.
    connected
        Who projects onto whom, of the projections that programs are told of; in a program it is
        not known yet, and one synapse in each replica stands for all.
    """
    import brian2 as b2

    b2.defaultclock.dt = structure.dt * b2.second
    cells = {p.name: _cells(structure, p, replicas) for p in structure.circuit.populations}
    told = connected or {}
    synapses = {
        p.name: _synapses(structure, p, replicas, cells, told.get(p.name))
        for p in structure.circuit.projections
        if p.name not in told or told[p.name][0].size  # Brian2 knows no synapses without one
    }
    _share(structure, {group.name: group for group in (*cells.values(), *synapses.values())})
    spikes = {p.name: _spikes(p, cells[p.name]) for p in structure.circuit.populations}
    traces = {}
    if structure.trace_interval is not None:
        traces = {
            p.name: b2.StateMonitor(
                cells[p.name], [mangled(name) for name in traced(p)], record=True,
                name=f"traces_{cells[p.name].name}",
                dt=structure.sample_steps * structure.dt * b2.second,
            )
            for p in structure.circuit.populations
        }  # fmt: skip
    network = b2.Network(*cells.values(), *synapses.values(), *spikes.values(), *traces.values())
    return FoldedNetwork(network, cells, synapses, spikes, traces)


def _cells_name(circuit: Circuit, population: str) -> str:
    return cells_group([p.name for p in circuit.populations], population)


def _synapses_name(circuit: Circuit, projection: str) -> str:
    return synapses_group([p.name for p in circuit.projections], projection)


def _share(structure: Structure, groups: dict[str, Any]) -> None:
    """Mark what is one number for a replica: its parameters, and what drives its cells."""
    from izhi.engine.shared import share, tell

    circuit = structure.circuit
    for projection in filter(circuit.passed, circuit.projections):
        group = groups.get(_synapses_name(circuit, projection.name))
        if group is not None:
            tell(group)
    for given in variables(structure):
        owner, _, name = given.name.partition(".")
        if owner not in groups:
            continue
        differs = given.parameter in circuit.drawn
        if name != "delay" and not differs and groups[owner].variables[name].constant:
            share(groups[owner], name)
    for population in circuit.populations:
        group = groups[_cells_name(circuit, population.name)]
        driving = assembly.shared(circuit, population)
        if population.stimuli:
            called = assembly.names(circuit, population)
            quiet = [(owner, wave) for owner, wave in population.stimuli if not wave.noise]
            driving += [called[owner, d.name] for owner, wave in quiet for d in wave.declared]
            if len(quiet) == len(population.stimuli):
                driving.append(assembly.DRIVE)
        for name in driving:
            share(group, mangled(name))


def traced(population: Population) -> tuple[str, ...]:
    """Return the variables whose traces a population has."""
    return (*population.neuron.states, "I")


def tables(structure: Structure) -> list[tuple[str, str]]:
    """Return the variables that take another value in each step, with what they come from.

    Returns
    -------
    list
        Brian2's object and variable, and the parameter that holds a value for each step.
    """
    circuit = structure.circuit
    result = []
    for p in circuit.populations:
        group, called = _cells_name(circuit, p.name), assembly.names(circuit, p)
        result += [
            (f"{group}.{mangled(called[owner, recording.NAME])}",
             f"{p.name}.{owner}.{recording.NAME}")
            for owner, wave in p.stimuli if wave.recording is not None
        ]  # fmt: skip
    return result


def trains(structure: Structure) -> list[Population]:
    """Return the populations whose cells spike as a file has it."""
    return [p for p in structure.circuit.populations if p.neuron.trains is not None]


def _namespace(constants: tuple[tuple[str, float, Dimension], ...]) -> dict[str, Any]:
    """Return constants as Brian2's quantities."""
    import brian2 as b2

    bases = ("m", "kg", "s", "A", "mol")
    return {
        mangled(name): b2.Quantity(
            value, dim=b2.get_or_create_dimension(**dict(zip(bases, kind, strict=True)))
        )
        for name, value, kind in constants
    }


def _equations(text: str, own: Collection[str] | None = None) -> str:
    """Return equations with all names as they are called, once they are checked."""
    mangled_declarations = (
        replace(
            declared, name=mangled(declared.name),
            expression=mangled_number(declared.expression, own) if declared.expression else "",
        ) for line in equations(text).splitlines()
        for declared in [declarations.split(line)]
    )  # fmt: skip
    return "\n".join(map(assembly.declaration, mangled_declarations))


def _cells(structure: Structure, population: Population, replicas: int) -> Any:
    import brian2 as b2

    from izhi.engine.methods import updater
    from izhi.engine.target import NOISE

    assembled = assembly.assemble(structure.circuit, population, structure.v_max)
    system = assembly.system(structure.circuit, population)
    noisy = population.neuron.noise or any(wave.noise for _, wave in population.stimuli)
    refractory = assembled.refractory
    cells = b2.NeuronGroup(
        replicas * population.count,
        _equations(assembled.equations),
        threshold=mangled_expression(expression(assembled.threshold)),
        reset=mangled_statements(statements(assembled.reset)),
        refractory=mangled_expression(expression(refractory)) if refractory else False,
        method=updater(population.method, system),
        namespace=_namespace(assembled.constants) | (NOISE if noisy else {}),
        name=_cells_name(structure.circuit, population.name),
    )
    if refractory:
        cells.variables["lastspike"].set_value(_NO_SPIKE * b2.second)
    if assembled.drive:
        # before all that is constant over a step, which may name I
        cells.run_regularly(
            f"{mangled(assembly.DRIVE)} = {mangled_number(expression(assembled.drive))}",
            when="before_start", order=-1, name=f"{DRIVE_UPDATE}{cells.name}",
        )  # fmt: skip
    return cells


def _spikes(population: Population, cells: Any) -> Any:
    """Record spikes; where they lie inside the step, after the resets, which find out where."""
    import brian2 as b2

    beside = {}
    if population.located:
        beside = {"variables": [mangled(located.SINCE)], "when": "after_resets"}
    return b2.SpikeMonitor(cells, name=f"spikes_{cells.name}", **beside)


def _synapses(
    structure: Structure, projection: Projection, replicas: int, cells: dict[str, Any],
    ends: Ends | None,
) -> Any:  # fmt: skip
    import brian2 as b2

    synapse, owner = projection.synapse, projection.name
    called = assembly.synapse_names(structure.circuit, projection)
    own = set(called.values())
    constants = tuple((called[owner, name], si, kind) for name, si, kind in synapse.constants)
    declared = [
        assembly.declaration(assembly.as_called(o, owner, called)) for o in synapse.declared
    ]
    declared += [f"{called[owner, name]} : {dimensions.unit(kind)} (constant)"
                 for name, kind in synapse.parameters]  # fmt: skip
    on_pre = statements(assembly.on_pre(structure.circuit, projection))
    synapses = b2.Synapses(
        cells[projection.source],
        cells[projection.target],
        model=_equations("\n".join(declared), own),
        on_pre=mangled_statements(on_pre, own),
        # None: one for each synapse
        delay=None if projection.delayed else 0 * b2.second,
        namespace=_namespace(constants),
        name=_synapses_name(structure.circuit, owner),
    )
    source, sink = ends or _ends(structure, projection, replicas)
    synapses.connect(i=source, j=sink)
    return synapses


def _ends(structure: Structure, projection: Projection, replicas: int) -> Ends:
    circuit = structure.circuit
    passed = circuit.passed(projection)
    pairs = np.zeros((1, 2), np.int32) if passed else circuit.pairs(projection)
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
        Elements of it in one replica, all with the point's one value or each with its own; 0 for
        those of synapses whose number a program is told.
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
        group = _cells_name(circuit, population.name)
        assembled = assembly.assemble(circuit, population, structure.v_max)
        result += [Variable(f"{group}.{mangled(given.name)}", population.count, given.parameter)
                   for given in assembled.given]  # fmt: skip
    for projection in circuit.projections:
        each = 0 if circuit.passed(projection) else len(circuit.pairs(projection))
        synapse, owner = projection.synapse, projection.name
        called = assembly.synapse_names(circuit, projection)
        own = [(mangled(called[owner, name]), name) for name, _ in synapse.parameters]
        own += [("delay", "delay")] * projection.delayed
        own += [(mangled(called[owner, s]), f"{s}_0")
                for s in synapse.starts if s not in synapse.felt]  # fmt: skip
        group = _synapses_name(circuit, owner)
        result += [Variable(f"{group}.{name}", each, f"{owner}.{parameter}")
                   for name, parameter in own]  # fmt: skip
    return result
