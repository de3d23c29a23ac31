"""A cell in continuous time: slopes of its state, when it spikes, what a spike does to it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from izhi.accuracy import expressions
from izhi.accuracy.expressions import Function, Reader, Statement, Switches
from izhi.errors import ConfigError
from izhi.models import assembly, dimensions
from izhi.models.circuit import Population
from izhi.models.evaluate import evaluate
from izhi.sweep.structures import Structure

Values = Mapping[str, Any]
"""SI values of a point by owner and name: a number, or one for each cell or synapse of the owner.

See :func:`izhi.sweep.plan.parameters`.
"""

Refractory = Callable[[float, list[float], float], float]
"""Of the time, the state and the time of the last spike; positive while a cell is refractory."""


@dataclass(frozen=True)
class Cell:
    """The equations of one cell of a point.

    Attributes
    ----------
    states
        Names of its state variables, with those of synaptic currents.
    start
        What they are at time 0.
    slopes
        Their derivatives.
    resting
        Whether each of them rests while the cell is refractory.
    spiking
        Positive where the threshold's condition holds.
    reset
        What a spike does.
    refractory
        Until when it cannot spike again; None where it always can.
    switches
        What of it jumps with the time.
    jumps
        Times at which it does.
    """

    states: tuple[str, ...]
    start: tuple[float, ...]
    slopes: tuple[Function, ...]
    resting: tuple[bool, ...]
    spiking: Function
    reset: tuple[Statement, ...]
    refractory: Refractory | None
    switches: Switches
    jumps: tuple[float, ...]

    def derivative(self, refractory: bool) -> Any:
        """Return the derivative of the state as a function of the time and the state."""
        slopes = [
            (lambda t, y: 0.0) if refractory and rests else slope
            for slope, rests in zip(self.slopes, self.resting, strict=True)
        ]
        nowhere = np.full(len(slopes), np.nan)

        def derivative(t: float, y: NDArray[np.float64]) -> NDArray[np.float64]:
            state = y.tolist()
            try:
                return np.array([slope(t, state) for slope in slopes])
            except expressions.UNDEFINED:
                return nowhere  # the step is tried again, and is shorter then

        return derivative


def number(value: Any, k: int) -> float:
    """Return what a cell or synapse has of a value that all may share."""
    return float(value[k] if np.ndim(value) else value)


def of(structure: Structure, population: Population, values: Values, k: int = 0) -> Cell:
    """Return a cell of a population.

    Parameters
    ----------
    structure
        The circuit that it is in.
    population
        Its population.
    values
        Those of the point.
    k
        The cell's number in its population.

    Raises
    ------
    ConfigError
        For equations without an exact solution: with random numbers, or the time step in them.
    """
    found = assembly.assemble(structure.circuit, population, structure.v_max)
    _check_steps(structure, population)
    declared = assembly.system(structure.circuit, population)
    # what only a reset changes, a count of spikes, is a variable without a slope
    evolving = [one for one in declared if one.kind != "subexpression"]
    states = [one.name for one in evolving]
    names = {name: expressions.constant(value) for name, value, _ in found.constants}
    names |= {name: expressions.element(k) for k, name in enumerate(states)}
    given = {one.name: number(values[one.parameter], k) for one in found.given}
    given |= _edges(structure, population, values)
    names |= {n: expressions.constant(value) for n, value in given.items() if n not in states}
    names["dt"] = expressions.constant(0.0)  # a stimulus may round the time to a step
    switches = Switches()
    inner = {one.name: one.expression for one in declared if one.kind == "subexpression"}
    expressions.add(names, inner, switches)
    reader, neuron = Reader(names, switches), population.neuron
    slopes = [reader.read(one.expression or "0") for one in evolving]
    live = Reader(names)
    return Cell(
        tuple(states),
        tuple(given.get(name, 0.0) for name in states),
        tuple(slope.at for slope in slopes),
        tuple("unless refractory" in one.flags for one in evolving),
        live.condition(neuron.threshold),
        tuple(
            expressions.statements(neuron.reset, names, {name: k for k, name in enumerate(states)})
        ),
        _refractory(neuron.refractory, live) if neuron.refractory else None,
        switches,
        tuple(switches.times(structure.duration, structure.dt)),
    )


def _check_steps(structure: Structure, population: Population) -> None:
    """Check that what goes on in a cell does not depend on the time step.

    A threshold may round the time to a step, but what it draws is drawn once a step.
    """
    if population.neuron.noise:
        raise ConfigError(
            f"{population.name}: the threshold draws at random; there are no exact spike times then"
        )
    if population.neuron.trains is not None:
        raise ConfigError(
            f"{population.name}: its spikes are from {population.neuron.trains.file}: there are no "
            "exact spike times for samples"
        )
    for name, wave in population.stimuli:
        if wave.recording is not None:
            raise ConfigError(
                f"{population.name}: {name}.file = {wave.recording.file}: there are no exact spike "
                "times for samples"
            )
    projections = [p for p in structure.circuit.projections if p.target == population.name]
    target = [one for p in projections for one in p.synapse.target]
    for one in (*population.neuron.declared, *target):
        if one.expression and "dt" in dimensions.names(one.expression):
            raise ConfigError(
                f"{population.name}: {one.left} names the time step dt; there are no exact spike "
                "times then"
            )


def _refractory(text: str, reader: Reader) -> Refractory:
    if expressions.is_condition(text):
        holds = reader.condition(text)
        return lambda t, y, last: holds(t, y)
    period = reader.read(text).at
    return lambda t, y, last: period(t, y) - (t - last)


def _edges(structure: Structure, population: Population, values: Values) -> dict[str, float]:
    """Return the edges of stimuli: times, where a run has steps."""
    called = assembly.names(structure.circuit, population)
    result = {}
    for name, wave in population.stimuli:
        own = {one: values[f"{population.name}.{name}.{one}"] for one in wave.given}
        for edge in wave.edges:
            result[called[name, edge.name]] = float(evaluate(edge.time, own))
    return result
