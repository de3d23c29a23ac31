"""A single cell over time: its state and input at a point, its equations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from izhi.errors import ConfigError
from izhi.models import dimensions, located
from izhi.models.cell import INPUT
from izhi.models.circuit import Population
from izhi.models.evaluate import evaluate
from izhi.units import VOLT, Dimension

Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class Recorded:
    """A cell at a point, over time; all in SI units.

    Attributes
    ----------
    kind
        The choice of its neuron, or the pattern: ``"chattering"``.
    labels
        The value on each swept axis, in words, by the axis's name.
    cell
        Its label.
    alone
        Whether it is the only cell of its circuit.
    population
        Its equations.
    values
        Its parameters and constants, by name.
    time
        Of the samples, in seconds.
    states
        By name, at these times.
    input
        What stimuli and synapses add up to, at these times.
    spikes
        Times of its spikes in seconds.
    delay
        Seconds from a spike's time to its reset: the time step, or 0 where resets are located.
    duration
        Of the run, in seconds.
    """

    kind: str
    labels: Mapping[str, str]
    cell: str
    alone: bool
    population: Population
    values: Mapping[str, float]
    time: Numbers
    states: Mapping[str, Numbers]
    input: Numbers
    spikes: Numbers
    delay: float
    duration: float

    @property
    def details(self) -> str:
        """What tells this cell from others of its kind, in words."""
        shown = [] if self.alone else [self.cell]
        shown += [f"{name} = {label}" for name, label in self.labels.items()
                  if label != self.kind]  # fmt: skip
        return ", ".join(shown)

    @property
    def potential(self) -> str:
        """The name of the state that is drawn: ``v``, or the first one."""
        return "v" if "v" in self.states else next(iter(self.states))

    def dimension(self, name: str) -> Dimension:
        """Return the dimension of a state, or of the input."""
        if name == INPUT:
            return VOLT if self.population.neuron.input is None else self.population.neuron.input
        return next(o.dimension for o in self.population.neuron.declared if o.name == name)

    def value(self, text: str, state: Mapping[str, Any]) -> Numbers:
        """Return the value of an expression of the neuron's.

        Parameters
        ----------
        text
            The expression.
        state
            SI values of its states and input, as arrays of one shape.

        Raises
        ------
        ConfigError
            For an expression of the time, or of what is drawn at random.
        """
        names: dict[str, Any] = {**self.values, **state}
        inner = {one.name: one.expression for one in self.population.neuron.declared
                 if one.kind == "subexpression"}  # fmt: skip
        while ready := [n for n, t in inner.items() if not dimensions.names(t) & inner.keys()]:
            names |= {name: evaluate(inner.pop(name), names) for name in ready}
        shape = np.broadcast_shapes(*map(np.shape, state.values()))
        return np.broadcast_to(evaluate(text, names), shape)

    def peaks(self) -> Numbers:
        """Return the potential from which each spike is reset; NaN where the neuron has no such."""
        unknown = np.full(self.spikes.size, np.nan)
        neuron = self.population.neuron
        level = located.crossed(neuron.threshold, neuron.states)
        if not neuron.reset or level is None or level[0] != self.potential or not self.time.size:
            return unknown
        before = np.clip(np.searchsorted(self.time, self.spikes + _NEAR) - 1, 0, None)
        state = {name: values[before] for name, values in self.states.items()}
        try:
            return self.value(level[1], {**state, INPUT: self.input[before]})
        except ConfigError:
            return unknown

    def with_peaks(self, name: str | None = None) -> tuple[Numbers, Numbers]:
        """Return times and a state, by default the potential with each spike up to its peak."""
        values, peaks = self.states[name or self.potential], self.peaks()
        kept = np.isfinite(peaks)
        at = self.spikes[kept] + self.delay
        places = np.searchsorted(self.time, at - _NEAR)
        if name in (None, self.potential):
            return np.insert(self.time, places, at), np.insert(values, places, peaks[kept])
        before = np.clip(places - 1, 0, None)
        return np.insert(self.time, places, at), np.insert(values, places, values[before])


_NEAR = 1e-9
"""Seconds within which two times are one."""
