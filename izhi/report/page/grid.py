"""The statistics of a study as the page shows them: all points, or means of neighbours.

A page holds some twenty thousand places. A study with more points has neighbouring values of its
longest numeric axes joined, block by block in the order of the values, variable by variable.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from izhi.config.sweep import Sweep
from izhi.spikes import STATISTICS
from izhi.study import populations

MOST_PLACES = 20_000
"""Points that are shown as they are."""

MOST_VALUES = 2_000_000
"""Values that a page holds; with many cells, only some of each population are shown."""


@dataclass(frozen=True)
class Blocks:
    """An axis as it is shown.

    Attributes
    ----------
    order
        Positions of the values: as they are, or rising where neighbours are joined.
    starts
        Where each place begins in that order.
    per
        How many values a place has; the last one may have fewer.
    """

    order: NDArray[np.int64]
    starts: NDArray[np.int64]
    per: int

    @classmethod
    def of(cls, labels: NDArray[Any], per: int) -> Blocks:
        """Return an axis with `per` neighbouring values to a place."""
        order = np.arange(labels.size)
        if per > 1 and labels.dtype.kind in "if":
            order = np.argsort(labels, kind="stable")
        return cls(order, np.arange(0, labels.size, per), per)

    @property
    def middle(self) -> NDArray[np.int64]:
        """Position of the value in the middle of each place."""
        stops = np.append(self.starts[1:], self.order.size)
        middle: NDArray[np.int64] = self.order[(self.starts + stops - 1) // 2]
        return middle

    def labels(self, labels: NDArray[Any]) -> list[Any]:
        """Return what the places are called: by the mean of their numbers, or first and last."""
        if self.per == 1:
            return list(labels.tolist())
        stops = [*self.starts[1:].tolist(), self.order.size]
        parts = [labels[self.order[a:b]] for a, b in zip(self.starts, stops, strict=True)]
        if labels.dtype.kind in "if":
            return [float(f"{part.mean():.6g}") for part in parts]
        return [str(part[0]) if len(part) == 1 else f"{part[0]} ... {part[-1]}" for part in parts]


@dataclass(frozen=True)
class Grid:
    """How the points and cells of a study become the places and columns of a page.

    Attributes
    ----------
    names
        Names of the axes.
    blocks
        The axes as they are shown.
    labels
        Labels of all cells and projections: ``{"cell": [...], "projection": [...]}``.
    columns
        Which of them are shown.
    aggregation
        What a place stands for, in a sentence; ``""`` where it is one point.
    """

    names: tuple[str, ...]
    blocks: tuple[Blocks, ...]
    labels: dict[str, list[str]]
    columns: dict[str, NDArray[np.int64]]
    aggregation: str

    @property
    def shape(self) -> tuple[int, ...]:
        """Number of places along each axis."""
        return tuple(block.starts.size for block in self.blocks)

    @property
    def points(self) -> NDArray[np.int32]:
        """The number of the point in the middle of each place."""
        if not self.blocks:
            return np.zeros((), np.int32)
        full = tuple(block.order.size for block in self.blocks)
        middles = np.ix_(*(block.middle for block in self.blocks))
        return np.ravel_multi_index(middles, full).astype(np.int32)

    def shown(self, per: str) -> list[str]:
        """Return the labels of the cells or projections that are shown."""
        return [self.labels[per][column] for column in self.columns[per].tolist()]


def plan(file: Any, sweep: Sweep) -> Grid:
    """Return how a study is shown.

    Parameters
    ----------
    file
        The dataset, a ``netCDF4.Dataset`` without automatic scaling.
    sweep
        What the dataset is of.
    """
    axes = [np.asarray(file[axis.name][:]) for axis in sweep.axes]
    labels = {per: [str(label) for label in file[per][:]] if per in file.dimensions else []
              for per in ("cell", "projection")}  # fmt: skip
    per = joined([labels.size for labels in axes], [labels.dtype.kind in "if" for labels in axes])
    blocks = tuple(Blocks.of(*pair) for pair in zip(axes, per, strict=True))
    places = math.prod(block.starts.size for block in blocks)
    kinds = [file[name].dimensions[-1] for name in statistics(file)]
    total = sum(len(labels[kind]) for kind in kinds)
    share = min(1.0, MOST_VALUES / max(1, places * total))
    columns = {kind: np.arange(len(found)) for kind, found in labels.items()}
    if share < 1:
        columns["cell"] = some(populations.groups(sweep, labels["cell"]).values(), share)
        columns["projection"] = some(_by_source(sweep, labels["projection"]), share)
    names = tuple(axis.name for axis in sweep.axes)
    return Grid(names, blocks, labels, columns, _in_words(names, blocks, labels, columns))


def statistics(file: Any) -> list[str]:
    """Return the names of the statistics that a dataset has."""
    return [name for name in file.variables if name in STATISTICS]


def joined(lengths: Sequence[int], numeric: Sequence[bool], most: int = MOST_PLACES) -> list[int]:
    """Return how many neighbouring values of each axis are joined to have few enough places.

    The longest numeric axis is halved again and again; others only where no numeric one is left.
    """
    per = [1] * len(lengths)

    def now(axis: int) -> int:
        return -(-lengths[axis] // per[axis])

    while math.prod(map(now, range(len(lengths)))) > most:
        left = [axis for axis in range(len(lengths)) if now(axis) > 1]
        per[max(left, key=lambda axis: (numeric[axis] and now(axis) > 2, now(axis)))] *= 2
    return per


def some(groups: Iterable[NDArray[np.int64]], share: float) -> NDArray[np.int64]:
    """Return a share of all columns: the first ones of each group, of each one at least."""
    first = [group[: max(1, int(group.size * share))] for group in groups]
    return np.unique(np.concatenate([np.empty(0, np.int64), *first]))


def _by_source(sweep: Sweep, labels: Sequence[str]) -> Iterator[NDArray[np.int64]]:
    """Give the numbers of labels such as ``pre_to_post.pre0`` by projection and population."""
    parts = np.array([label.split(".") for label in labels], object).reshape(-1, 2)
    for projection in dict.fromkeys(parts[:, 0].tolist()):
        own = np.flatnonzero(parts[:, 0] == projection)
        for cells in populations.groups(sweep, parts[own, 1].tolist()).values():
            yield own[cells]


def _in_words(
    names: Sequence[str],
    blocks: Sequence[Blocks],
    labels: dict[str, list[str]],
    columns: dict[str, NDArray[np.int64]],
) -> str:
    several = [
        f"{block.per:,} neighbouring values of {name}"
        for name, block in zip(names, blocks, strict=True) if block.per > 1
    ]  # fmt: skip
    said = []
    if several:
        said.append(
            f"Each place of a map is the mean of up to {' and '.join(several)} (of words, the most "
            "frequent one; of states, the worst)."
        )
    for kind, shown in columns.items():
        if shown.size < len(labels[kind]):
            said.append(f"Of {len(labels[kind]):,} {kind}s, {shown.size:,} are shown.")
    return " ".join(said)


def values(grid: Grid, variable: Any) -> NDArray[Any]:
    """Return a statistic as it is shown.

    Parameters
    ----------
    grid
        How the study is shown.
    variable
        The statistic, a variable of the dataset.

    Returns
    -------
    ndarray
        Shape (places..., cells or projections): float32 with NaN where there is none; int8 for
        words and int32 for counts that are not joined, with -1 where there is none.
    """
    columns = grid.columns[variable.dimensions[-1]]
    whole = columns.size == len(grid.labels[variable.dimensions[-1]])
    found = np.asarray(variable[...] if whole else variable[..., columns])
    words = hasattr(variable, "flag_meanings")
    if all(block.per == 1 for block in grid.blocks):
        kind = np.float32 if found.dtype.kind == "f" else np.int8 if words else np.int32
        return found.astype(kind)
    if words:
        return _most_frequent(grid, found, len(variable.flag_meanings.split()))
    return _mean(grid, found)


def status(grid: Grid, variable: Any) -> NDArray[np.int8]:
    """Return the worst state in each place: by rising number, done, not run, failed, diverged."""
    found = np.asarray(variable[...], np.int8)
    return _reduced(grid, found, np.maximum)


def _mean(grid: Grid, found: NDArray[Any]) -> NDArray[np.float32]:
    there = ~np.isnan(found) if found.dtype.kind == "f" else found >= 0
    total = _reduced(grid, np.where(there, found, 0).astype(np.float64), np.add)
    number = _reduced(grid, there.astype(np.int32), np.add)
    with np.errstate(invalid="ignore"):
        return np.asarray(total / number, np.float32)


def _most_frequent(grid: Grid, found: NDArray[Any], words: int) -> NDArray[np.int8]:
    best: NDArray[Any] | None = None
    for word in range(words):
        number = _reduced(grid, (found == word).astype(np.int32), np.add)
        if best is None:
            best, most = np.where(number > 0, np.int8(0), np.int8(-1)), number
        else:
            best, most = np.where(number > most, np.int8(word), best), np.maximum(number, most)
    assert best is not None
    return best


def _reduced(grid: Grid, found: NDArray[Any], operation: np.ufunc) -> NDArray[Any]:
    """Join the values of each place, one axis after the other."""
    for axis, block in enumerate(grid.blocks):
        if block.per > 1:
            found = operation.reduceat(np.take(found, block.order, axis), block.starts, axis)
    return found
