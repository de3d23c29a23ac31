"""The cells that are shown: their states and current, equal ones once, and their peaks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from izhi.models.circuit import Circuit, Population
from izhi.report.samples import contents
from izhi.report.samples.contents import Trace
from izhi.report.samples.peaks import peaks
from izhi.report.samples.recorded import Recorded
from izhi.report.samples.rows import Rows
from izhi.units import Dimension

MOST = 10
"""Cells of a population that have traces: the first ones."""

Key = tuple[str, Dimension]
"""Name and dimension of a variable: populations may have others of the same name."""


@dataclass
class Cells:
    """Traces of cells, while they are collected.

    Attributes
    ----------
    points
        Numbers of all points, rising.
    sound
        Whether each of them did not diverge.
    rows
        The different traces of each variable.
    row
        By cell and variable, the row of each point.
    peak
        By cell, where its spikes are drawn to at each point, in volts.
    """

    points: NDArray[np.int64]
    sound: NDArray[np.bool_]
    rows: dict[Key, Rows] = field(default_factory=dict)
    row: dict[tuple[str, Key], NDArray[np.int32]] = field(default_factory=dict)
    peak: dict[str, NDArray[np.float64]] = field(default_factory=dict)

    def add(self, recorded: Recorded) -> None:
        """Add points of one structure."""
        at = np.searchsorted(self.points, recorded.points)
        for population, number in shown(recorded.structure.circuit):
            for name, dimension in _variables(population):
                rows = self.rows.setdefault((name, dimension), Rows())
                for k, cell in enumerate(number):
                    values = recorded.traces[name][:, cell]
                    found = rows.add(recorded.time, values, self.sound[at])
                    key = (f"{population.name}{k}", (name, dimension))
                    self.row.setdefault(key, self._none())[at] = found
            level = peaks(recorded, population, number, "v")
            for k in range(number.size):
                label = f"{population.name}{k}"
                empty = np.full(self.points.size, np.nan)
                self.peak.setdefault(label, empty)[at] = level[:, k]

    def _none(self) -> NDArray[np.int32]:
        return np.full(self.points.size, -1, np.int32)

    def traces(self) -> Iterator[Trace]:
        """Give the traces, variable by variable."""
        for name, dimension in sorted(self.rows, key=lambda key: key[0] == "I"):
            rows = self.rows[name, dimension]
            if not rows.found:
                continue
            unit, factor = contents.unit(dimension)
            packed = rows.packed(factor)
            for (label, key), row in self.row.items():
                if key == (name, dimension):
                    title = contents.title(name)
                    yield Trace(name, title, unit, "cell", label, row, packed)


def shown(circuit: Circuit) -> Iterator[tuple[Population, NDArray[np.int64]]]:
    """Give each population with the numbers, in the circuit, of its cells that are shown."""
    first = 0
    for population in circuit.populations:
        yield population, first + np.arange(min(population.count, MOST))
        first += population.count


def _variables(population: Population) -> Iterator[Key]:
    neuron = population.neuron
    for one in neuron.declared:
        if one.kind == "state":
            yield one.name, one.dimension
    if neuron.input is not None:
        yield "I", neuron.input
