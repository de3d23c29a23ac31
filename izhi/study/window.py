"""Windows: stretches of points that are put together at a time, out of the shards that hold them.

A study may have more points than memory, and its shards need not hold them in order: structures
may take turns along any axis. So what is made of all points is made window by window, by label.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from izhi import interrupts
from izhi.spikes import STATISTICS
from izhi.study import shardfile
from izhi.study.shardfile import Head
from izhi.study.statistics import Columns
from izhi.sweep.plan import Plan

POINTS = 16_384
"""The most points of a window."""

ABSENT = -1
"""A count where there is none: the point was not run, or its circuit has no such cell."""


@dataclass(frozen=True)
class Source:
    """A shard file.

    Attributes
    ----------
    path
        The file.
    points
        Numbers of its points, rising.
    cells, synapses
        Where its cells and synapses are among those of the study.
    count
        Spikes of its trains, shape (points, cells).
    stated
        What its statistics are known by.
    statistics
        The file to take the statistics from: itself, or one with other ones.
    """

    path: Path
    points: NDArray[np.int64]
    cells: NDArray[np.int64]
    synapses: NDArray[np.int64]
    count: NDArray[np.int32]
    stated: str
    statistics: Path

    @classmethod
    def of(cls, path: Path, points: NDArray[np.int64], head: Head, columns: Columns) -> Source:
        """Return a shard file whose points are known, in a study of some cells and synapses."""
        cells, synapses = (
            np.array([labels.index(label) for label in own], np.int64)
            for own, labels in ((head.cells, columns.cells), (head.synapses, columns.synapses))
        )
        return cls(path, points, cells, synapses, head.count, head.stated, path)

    @classmethod
    def read(cls, path: Path, points: NDArray[np.int64], columns: Columns) -> Source:
        """Return a shard file whose points are known, after looking into it."""
        return cls.of(path, points, shardfile.read_head(path), columns)


@dataclass(frozen=True)
class Part:
    """What a window takes from a shard file: its rows and spikes, and where they go."""

    source: Path
    statistics: Path
    rows: slice
    spikes: slice
    at: slice | NDArray[np.int64]
    cells: NDArray[np.int64]
    synapses: NDArray[np.int64]


@dataclass(frozen=True)
class Window:
    """Points in a row that are a box over the axes.

    Attributes
    ----------
    first, stop
        Numbers of the first point and of the one after the last.
    box
        The box, one slice for each axis.
    parts
        Where the results are.
    failed
        Those of the points that failed, counted from `first`.
    """

    first: int
    stop: int
    box: tuple[slice, ...]
    parts: tuple[Part, ...]
    failed: NDArray[np.int64]


def boxes(shape: Sequence[int], most: int) -> Iterator[tuple[int, int, tuple[slice, ...]]]:
    """Cut all points into boxes of at most `most` points, in order.

    Parameters
    ----------
    shape
        Lengths of the axes; the last one runs fastest.
    most
        The most points of a box, at least 1.

    Yields
    ------
    tuple
        Number of the first point, number after the last, one slice for each axis.
    """
    if not shape:
        yield 0, 1, ()
        return
    axis, inner = len(shape) - 1, 1
    while axis > 0 and inner * shape[axis] <= most:
        inner *= shape[axis]
        axis -= 1
    step = max(1, most // inner)
    whole = tuple(slice(0, n) for n in shape[axis + 1 :])
    for number, outer in enumerate(np.ndindex(*shape[:axis])):
        lead = tuple(slice(i, i + 1) for i in outer)
        for start in range(0, shape[axis], step):
            stop = min(start + step, shape[axis])
            row = number * shape[axis]
            yield (row + start) * inner, (row + stop) * inner, (*lead, slice(start, stop), *whole)


def windows(
    shape: Sequence[int], sources: Sequence[Source], failed: NDArray[np.int64], most: int = POINTS
) -> list[Window]:
    """Return windows over all points.

    Parameters
    ----------
    shape
        Lengths of the axes.
    sources
        The shard files.
    failed
        Numbers of points that failed.
    most
        The most points of a window.
    """
    failed = np.sort(failed)
    firsts = np.array([source.points[0] for source in sources], np.int64)
    lasts = np.array([source.points[-1] for source in sources], np.int64)
    result = []
    for first, stop, box in boxes(shape, most):
        near = np.flatnonzero((firsts < stop) & (lasts >= first))
        parts = [part for n in near if (part := _part(sources[n], first, stop))]
        bad = slice(*np.searchsorted(failed, [first, stop]))
        result.append(Window(first, stop, box, tuple(parts), failed[bad] - first))
    return result


def _part(source: Source, first: int, stop: int) -> Part | None:
    rows = slice(*np.searchsorted(source.points, [first, stop]).tolist())
    at = source.points[rows] - first
    if at.size == 0:
        return None
    start, end = int(at[0]), int(at[-1]) + 1
    compact = slice(start, end) if end - start == at.size else at
    before = int(source.count[: rows.start].sum(dtype=np.int64))
    spikes = slice(before, before + int(source.count[rows].sum(dtype=np.int64)))
    return Part(
        source.path, source.statistics, rows, spikes, compact, source.cells, source.synapses
    )


def read(window: Window, columns: Columns) -> dict[str, NDArray[Any]]:
    """Return the statistics, draws and the status of a window's points, by label.

    Parameters
    ----------
    window
        The window.
    columns
        Cells, synapses and statistics of the study.

    Returns
    -------
    dict
        Arrays of shape (points, cells), (points, synapses) or (points, connections) by name;
        ``"status"`` of shape (points,). NaN or `ABSENT` where there is no result.
    """
    interrupts.check()
    size = window.stop - window.first
    result: dict[str, NDArray[Any]] = {
        name: np.full(
            (size, len(columns.labels(name))), ABSENT if dtype.kind == "i" else np.nan, dtype
        )
        for name in columns.names
        for dtype in (STATISTICS[name].dtype,)
    }
    status = np.full(size, shardfile.NOT_RUN, np.int8)
    status[window.failed] = shardfile.FAILED
    for part in window.parts:
        found = shardfile.read_rows(part.statistics, part.rows)
        status[part.at] = found.pop("status")
        for name, values in found.items():
            own = part.synapses if STATISTICS[name].per == "projection" else part.cells
            everywhere = np.array_equal(own, np.arange(len(columns.labels(name))))
            to = part.at if everywhere else np.ix_(np.arange(size)[part.at], own)
            result[name][to] = values
    if columns.draws is not None:
        result |= columns.draws.read(window.first, window.stop)
    result["status"] = status
    return result


def present(window: Window, columns: Columns) -> NDArray[np.int8]:
    """Return 1 where a point's circuit has a projection from a cell, shape (points, synapses).

    0 where it has none, and where the point has no results.
    """
    result = np.zeros((window.stop - window.first, len(columns.synapses)), np.int8)
    rows = np.arange(len(result))
    for part in window.parts:
        result[np.ix_(rows[part.at], part.synapses)] = 1
    return result


def traced(plan: Plan, sources: Sequence[Source]) -> list[Source]:
    """Return the shard files that hold traces."""
    digests = {b.structure.digest for b in plan.batches if b.structure.trace_interval is not None}
    return [s for s in sources if s.path.name.split("-")[0] in digests]
