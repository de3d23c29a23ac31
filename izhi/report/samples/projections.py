"""The synapses that are shown: their own states and what they release, replayed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from izhi.models import declarations, dimensions
from izhi.models.synapse import Synapse
from izhi.report.samples import cells, contents
from izhi.report.samples.contents import Trace
from izhi.report.samples.recorded import Recorded
from izhi.report.samples.replay import Replay, UnknownReplay
from izhi.report.samples.rows import Packed, ends_of, padded, quantised
from izhi.report.samples.synapses import MOST_SPIKES, Synapses
from izhi.sweep.structures import Structure
from izhi.units import Dimension


@dataclass(frozen=True, eq=False)
class _Part:
    """Synapses of a projection at the points of one structure, replayed.

    Attributes
    ----------
    synapse
        Their equations.
    labels
        Of the cells that project.
    row
        Row of the replay for each point and cell, -1 for none; shape (points, cells).
    replay
        The replay.
    """

    synapse: Synapse
    labels: tuple[str, ...]
    row: NDArray[np.int32]
    replay: Replay


@dataclass
class Projections:
    """Traces of synapses, while they are collected.

    Attributes
    ----------
    points
        Numbers of all points, rising.
    synapses
        The different ones, by projection and structure.
    number
        Which of them there are for each point and source cell.
    remarks
        What is left out, in words.
    """

    points: NDArray[np.int64]
    synapses: dict[tuple[str, Structure], Synapses] = field(default_factory=dict)
    number: dict[tuple[str, Structure], NDArray[np.int32]] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)

    def add(self, recorded: Recorded) -> None:
        """Add points of one structure."""
        circuit = recorded.structure.circuit
        if recorded.count is None:
            return
        at = np.searchsorted(self.points, recorded.points)
        shown = {population.name: number.size for population, number in cells.shown(circuit)}
        for projection in circuit.projections:
            if projection.synapse.static:
                continue
            key, size = (projection.name, recorded.structure), shown[projection.source]
            synapses = self.synapses.setdefault(key, Synapses(recorded.structure, projection))
            none = np.full((self.points.size, size), -1, np.int32)
            self.number.setdefault(key, none)[at] = synapses.add(recorded, np.arange(size))

    def traces(self) -> Iterator[Trace]:
        """Give the traces, projection by projection; note what is left out."""
        for name in dict.fromkeys(name for name, _ in self.synapses):
            parts = [part for key in self.synapses if key[0] == name
                     for part in self._replayed(key)]  # fmt: skip
            yield from _traces(name, parts, self.points.size)

    def _replayed(self, key: tuple[str, Structure]) -> Iterator[_Part]:
        synapses, number = self.synapses[key], self.number[key]
        if synapses.left_out:
            self.remarks.append(
                f"{key[0]}: not shown after trains of more than {MOST_SPIKES:,} spikes."
            )
        if not synapses.rows:
            return
        if synapses.projection.synapse.drawn:
            self.remarks.append(f"{key[0]}: of a cell, its first synapse is shown.")
        try:
            replay, row = synapses.replayed()
        except UnknownReplay as error:
            self.remarks.append(f"{key[0]}: its states are not shown: {error}.")
            return
        source = synapses.projection.source
        labels = tuple(f"{source}{k}" for k in range(number.shape[1]))
        yield _Part(
            synapses.projection.synapse, labels, np.where(number < 0, -1, row[number]), replay
        )


def _traces(name: str, parts: list[_Part], points: int) -> Iterator[Trace]:
    """Give the traces of a projection, variable by variable; times are shared where they can be."""
    times: dict[tuple[int, ...], NDArray[np.float32]] = {}
    for variable in dict.fromkeys(v for part in parts for v in part.replay.values):
        with_it = tuple(n for n, part in enumerate(parts) if variable in part.replay.values)
        own = [parts[n] for n in with_it]
        if with_it not in times:
            times[with_it] = padded([row for part in own for row in part.replay.time])
        values = padded([row for part in own for row in part.replay.values[variable]])
        unit, factor = contents.unit(_dimension(own[0].synapse, variable))
        packed = Packed(times[with_it], *quantised(values, ends_of(values), factor))
        row: dict[str, NDArray[np.int32]] = {}
        first = 0
        for part in own:
            for k, label in enumerate(part.labels):
                into = row.setdefault(label, np.full(points, -1, np.int32))
                there = part.row[:, k] >= 0
                into[there] = first + part.row[there, k]
            first += len(part.replay.time)
        for label, at in row.items():
            title = contents.title(variable)
            yield Trace(variable, title, unit, "projection", f"{name}.{label}", at, packed)


def _dimension(synapse: Synapse, variable: str) -> Dimension:
    """Return the dimension of a state, or of what a spike computes."""
    known = {name: kind for name, _, kind in synapse.constants}
    known |= {**dict(synapse.parameters), **{one.name: one.dimension for one in synapse.declared}}
    for line in declarations.statements(synapse.on_pre):
        name, _, text = declarations.parts(line)
        if variable not in known and not name.endswith("_post"):
            known.setdefault(name, dimensions.dimension(text, known))
    return known[variable]
