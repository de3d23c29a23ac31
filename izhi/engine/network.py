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

from izhi.models import neuron, stimulus, synapse
from izhi.models.circuit import Population, Projection
from izhi.sweep.structures import Structure


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
    spikes = {name: b2.SpikeMonitor(group, name=f"spikes_{name}") for name, group in cells.items()}
    traces = {}
    if structure.trace_interval is not None:
        traces = {
            name: b2.StateMonitor(
                group, ["v", "u", "I"], record=True, name=f"traces_{name}",
                dt=structure.trace_interval * b2.second,
            )
            for name, group in cells.items()
        }  # fmt: skip
    network = b2.Network(*cells.values(), *synapses.values(), *spikes.values(), *traces.values())
    return FoldedNetwork(network, cells, synapses, spikes, traces)


def namespace() -> dict[str, Any]:
    """Return the constants of the equations as Brian2 quantities."""
    import brian2 as b2

    units = {"1/mV": 1 / b2.mV, "mV": b2.mV, "ms": b2.ms, "1": 1}
    return {name: value * units[unit] for name, (value, unit) in neuron.CONSTANTS.items()}


def _cells(structure: Structure, population: Population, replicas: int) -> Any:
    import brian2 as b2

    incoming = [p for p in structure.circuit.projections if p.target == population.name]
    current = population.current
    synaptic = [synapse.current_name(p.name) for p in incoming]
    equations = "".join(synapse.current_equations(p.name, current) for p in incoming)
    terms = stimulus.terms() if population.stimulus is not None else []
    if terms:
        equations += stimulus.equations(current)
    return b2.NeuronGroup(
        replicas * population.count,
        neuron.equations(current, terms, synaptic) + equations,
        threshold=neuron.THRESHOLD,
        reset=neuron.RESET,
        method=structure.method,
        namespace=namespace(),
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
        model=model.equations.format(**fill),
        on_pre=model.on_pre.format(**fill),
        namespace=namespace(),
        name=f"synapses_{projection.name}",
    )
    source, sink = synapse_ends(structure, projection, replicas)
    synapses.connect(i=source, j=sink)
    for name, value in model.start:
        setattr(synapses, name, value)
    if projection.delayed:
        # any array makes Brian2 keep a delay for each synapse; the values come later
        synapses.pre.delay = np.zeros(source.size) * b2.second
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


def variables(
    structure: Structure, parameters: dict[str, NDArray[Any]], replicas: int
) -> dict[str, NDArray[Any]]:
    """Lay the parameters of points out over the cells and synapses of a network.

    Parameters
    ----------
    structure
        What is simulated.
    parameters
        One value per point, by owner and name; see :func:`izhi.sweep.plan.parameters`.
    replicas
        Copies of the circuit in the network; those beyond the points repeat the last point.

    Returns
    -------
    dict
        Initial values by Brian2's object and variable: ``"cells_pre.a"``.
    """
    circuit = structure.circuit
    result: dict[str, NDArray[Any]] = {}

    def laid(owner: str, name: str, times: int) -> NDArray[Any]:
        values = parameters[f"{owner}.{name}"]
        padded = np.concatenate([values, np.repeat(values[-1:], replicas - values.size)])
        return np.repeat(padded, times)

    for population in circuit.populations:
        owner, group = population.name, f"cells_{population.name}"
        names = [name for name in neuron.PARAMETERS if name != "a_step"] + ["R"]
        if population.stimulus is not None:
            names += stimulus.PARAMETERS
        for name in names:
            result[f"{group}.{name}"] = laid(owner, name, population.count)
        result[f"{group}.a_step"] = laid(owner, "a", population.count) * structure.dt
        for state in neuron.STATE:
            result[f"{group}.{state}"] = laid(owner, f"{state}_0", population.count)
    for projection in circuit.projections:
        pairs = len(circuit.pairs(projection))
        target = circuit.population(projection.target)
        model, group = synapse.MODELS[projection.synapse], f"synapses_{projection.name}"
        for name in model.parameters:
            result[f"{group}.{name}"] = laid(projection.name, name, pairs)
        for rate, time in model.rates:
            result[f"{group}.{rate}"] = 1.0 / laid(projection.name, time, pairs)
        if projection.delayed:
            result[f"{group}.delay"] = laid(projection.name, "delay", pairs)
        tau_s = laid(projection.name, "tau_s", target.count)
        result[f"cells_{target.name}.{projection.name}_decay"] = structure.dt / tau_s
    return result
