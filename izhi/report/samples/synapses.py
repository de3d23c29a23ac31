"""The synapses of a projection that are shown: each pair of train and parameters once."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from izhi.models.circuit import Circuit, Projection
from izhi.report.samples.recorded import Recorded
from izhi.report.samples.replay import Replay, replay
from izhi.sweep.plan import FIRST_OF
from izhi.sweep.structures import Structure

MOST_SPIKES = 2_000
"""Of a presynaptic train: of more, neither a picture nor a page makes anything."""


@dataclass
class Synapses:
    """Synapses of a projection at points of one structure, while they are collected.

    Attributes
    ----------
    structure, projection
        Whose they are.
    rows
        The different ones: time steps of their events, and values, as bytes, with their numbers.
    left_out
        How many have too many spikes.
    """

    structure: Structure
    projection: Projection
    rows: dict[tuple[bytes, bytes], int] = field(default_factory=dict)
    left_out: int = 0

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the values that a synapse's own states depend on, and at last of its delay."""
        synapse = self.projection.synapse
        own = {one.name for one in synapse.declared}
        starts = [f"{name}_0" for name in synapse.starts if name in own]
        return (*(name for name, _ in synapse.parameters), *starts, "delay")

    def add(self, recorded: Recorded, sources: NDArray[np.int64]) -> NDArray[np.int32]:
        """Add synapses; return the number of each, -1 for those that are not there.

        Parameters
        ----------
        recorded
            Points, with their spikes.
        sources
            Which cells of the source population project.

        Returns
        -------
        ndarray
            Shape (points, sources). Where the synapses of a cell differ, its first one is meant.
        """
        assert recorded.count is not None
        circuit, n = self.structure.circuit, recorded.points.size
        ends = np.cumsum(recorded.count).reshape(recorded.count.shape)
        first_cell = circuit.cells.index(f"{self.projection.source}0")
        events = np.floor(recorded.step + 1e-6).astype(np.int32)
        values, there = self._values(recorded, sources)
        found = np.full((n, sources.size), -1, np.int32)
        for (point, k), cell in zip(np.argwhere(there), sources[np.nonzero(there)[1]], strict=True):
            column = first_cell + cell
            stop = int(ends[point, column])
            train = events[stop - int(recorded.count[point, column]) : stop]
            if train.size > MOST_SPIKES:
                self.left_out += 1
                continue
            key = (train.tobytes(), values[point, k].tobytes())
            found[point, k] = self.rows.setdefault(key, len(self.rows))
        return found

    def _values(
        self, recorded: Recorded, sources: NDArray[np.int64]
    ) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """Return the values of synapses, (points, sources, names), and which of them exist."""
        n, name = recorded.points.size, self.projection.name
        circuit, shape = self.structure.circuit, (recorded.points.size, sources.size)
        first_of = _first_of(circuit, self.projection, recorded)
        first, there = first_of[:, sources], np.diff(first_of, axis=1)[:, sources] > 0
        parts = []
        for parameter in self.names:
            given = recorded.parameters.get(f"{name}.{parameter}", np.zeros(1))
            if given.ndim == 2:
                at = np.broadcast_to(np.where(there, first, 0), shape)
                given = np.take_along_axis(np.broadcast_to(given, (n, given.shape[1])), at, axis=1)
            else:
                given = given[:, None]
            parts.append(np.broadcast_to(given, shape))
        return np.stack(parts, axis=-1), np.broadcast_to(there, shape)

    def replayed(self) -> tuple[Replay, NDArray[np.int32]]:
        """Return all synapses over time, and in which row of it each of them is.

        Raises
        ------
        UnknownReplay
            When what happens does not follow from the presynaptic spikes alone.
        """
        keys = sorted(self.rows)  # equal trains one after the other: quick to pack
        row = np.empty(len(keys), np.int32)
        row[[self.rows[key] for key in keys]] = np.arange(len(keys))
        table = np.array([np.frombuffer(values) for _, values in keys])
        *columns, delay = table.reshape(len(keys), -1).T
        dt, steps = self.structure.dt, self.structure.steps
        trains = [
            np.frombuffer(train, np.int32) + int(late / dt + 0.5)
            for (train, _), late in zip(keys, delay, strict=True)
        ]
        events = np.full((len(keys), max((t.size for t in trains), default=0)), np.nan)
        for at, train in enumerate(trains):
            felt = train[train < steps]
            events[at, : felt.size] = felt * dt
        values = dict(zip(self.names[:-1], columns, strict=True))
        return replay(self.projection.synapse, values, events, self.structure.duration), row


def _first_of(circuit: Circuit, projection: Projection, recorded: Recorded) -> NDArray[np.int64]:
    """Return the number of each source cell's first synapse, (points or 1, sources + 1)."""
    name = f"{projection.name}.{FIRST_OF}"
    if name in recorded.parameters:
        return recorded.parameters[name].astype(np.int64)
    every = np.arange(circuit.population(projection.source).count + 1)
    return np.searchsorted(circuit.pairs(projection)[:, 0], every)[None]
