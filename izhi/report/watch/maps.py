"""Maps of a study that fill as its shards come in, in memory that does not grow with its points.

Neighbouring values of the axes are joined until there are few enough places. Of each statistic and
cell there is a sum and a number of values for each place, and of words how often each comes, so
that a shard is looked at once, whatever is shown later.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from izhi.config.sweep import Axis
from izhi.report.page.grid import Blocks
from izhi.spikes import STATISTICS
from izhi.study import shardfile

PLACES = 4096
"""The most places of all axes together."""

LABELS = 16
"""The most cells, and the most synapses, that have maps."""

_FIRST = "firing_rate"


@dataclass(frozen=True)
class Choice:
    """What is shown: a statistic of a cell or projection over two axes.

    Attributes
    ----------
    statistic, label
        Which one, of what.
    x, y
        Numbers of the axes; the same where there is only one, -1 where there is none.
    at
        For each axis the place that is shown; None for the mean of all.
    """

    statistic: str
    label: str
    x: int
    y: int
    at: tuple[int | None, ...]


@dataclass
class Maps:
    """Sums over the points of each place.

    Attributes
    ----------
    axes
        The axes of the study.
    blocks
        How their values become places.
    cells, projections
        Labels of those that have maps.
    points, unseen
        Points that are in the maps; points whose statistics were computed with other settings.
    version
        Rises with everything that is added.
    """

    axes: tuple[Axis, ...]
    blocks: tuple[Blocks, ...]
    cells: list[str] = field(default_factory=list)
    projections: list[str] = field(default_factory=list)
    points: int = 0
    unseen: int = 0
    version: int = 0
    _sums: dict[tuple[str, str], NDArray[np.float64]] = field(default_factory=dict)
    _status: dict[int, NDArray[np.float64]] = field(default_factory=dict)

    @classmethod
    def of(cls, axes: tuple[Axis, ...]) -> Maps:
        """Return the empty maps over some axes."""
        per = joined([len(axis) for axis in axes], PLACES)
        blocks = (Blocks.of(axis.labels, n) for axis, n in zip(axes, per, strict=True))
        return cls(axes, tuple(blocks))

    @property
    def shape(self) -> tuple[int, ...]:
        """Places along the axes."""
        return tuple(block.starts.size for block in self.blocks)

    def place(self, points: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the places of points."""
        if not self.axes:
            return np.zeros(points.size, np.int64)
        at = np.unravel_index(points, tuple(map(len, self.axes)))
        places = [
            np.argsort(block.order)[values] // block.per
            for values, block in zip(at, self.blocks, strict=True)
        ]
        return np.asarray(np.ravel_multi_index(places, self.shape), np.int64)

    def add(
        self,
        points: NDArray[np.int64],
        rows: Mapping[str, NDArray[Any]],
        cells: Sequence[str],
        projections: Sequence[str],
    ) -> None:
        """Add the results of some points.

        Parameters
        ----------
        points
            Their numbers.
        rows
            ``"status"`` of shape (points,), statistics of shape (points, cells) or (points,
            projections).
        cells, projections
            Labels of these.

        Raises
        ------
        ValueError
            When a statistic has not one column for each label; nothing is added then.
        """
        labels = {"cell": list(cells), "projection": list(projections)}
        for name, values in rows.items():
            shape = (points.size, len(labels[STATISTICS[name].per])) if name in STATISTICS else None
            if shape not in (None, np.shape(values)):
                raise ValueError(f"{name} is of shape {np.shape(values)}, not {shape}")
        place, status = self.place(points), np.asarray(rows["status"])
        self._count(shardfile.DONE, place)
        self._count(shardfile.DIVERGED, place[status == shardfile.DIVERGED])
        for name, values in rows.items():
            if name not in STATISTICS:
                continue
            per = STATISTICS[name].per
            for label, column in zip(labels[per], values.T, strict=True):
                if self._shown(label, self.projections if per == "projection" else self.cells):
                    self._sum(name, label, place, column)
        self.points += points.size
        self.version += 1

    def fail(self, point: int) -> None:
        """Mark a point that failed."""
        if 0 <= point < math.prod(map(len, self.axes)):
            self._count(shardfile.FAILED, self.place(np.array([point], np.int64)))
            self.version += 1

    def _shown(self, label: str, labels: list[str]) -> bool:
        if label not in labels and len(labels) < LABELS:
            labels.append(label)
        return label in labels

    def _count(self, status: int, place: NDArray[np.int64]) -> None:
        n = math.prod(self.shape)
        counts = self._status.setdefault(status, np.zeros(n))
        counts += np.bincount(place, minlength=n)

    def _sum(self, name: str, label: str, place: NDArray[np.int64], values: NDArray[Any]) -> None:
        """Add values to a statistic's sums, shape (2 or words, places)."""
        n, words = math.prod(self.shape), STATISTICS[name].words
        sums = self._sums.setdefault((name, label), np.zeros((len(words) or 2, n)))
        there = values >= 0 if STATISTICS[name].dtype.kind == "i" else np.isfinite(values)
        if words:
            there &= values < len(words)
        place, values = place[there], values[there]
        if words:
            at = values.astype(np.int64) * n + place
            sums += np.bincount(at, minlength=sums.size).reshape(sums.shape)
            return
        sums[0] += np.bincount(place, values, n)
        sums[1] += np.bincount(place, minlength=n)

    @property
    def statistics(self) -> list[str]:
        """The statistics that have maps, in the order of the dataset."""
        there = {name for name, _ in self._sums}
        return [name for name in STATISTICS if name in there]

    def labels(self, statistic: str) -> list[str]:
        """Return what a statistic has maps of."""
        every = self.projections if STATISTICS[statistic].per == "projection" else self.cells
        return [label for label in every if (statistic, label) in self._sums]

    def choice(self, asked: Mapping[str, str]) -> Choice | None:
        """Return what was asked for, as far as there is such a thing; None without any results.

        Parameters
        ----------
        asked
            ``statistic``, ``label``; numbers of axes ``x`` and ``y``; ``at``, a place or nothing
            for each axis, with commas between.
        """
        if not self.statistics:
            return None
        usual = _FIRST if _FIRST in self.statistics else self.statistics[0]
        statistic = _among(asked.get("statistic"), self.statistics, usual)
        labels = self.labels(statistic)
        label = _among(asked.get("label"), labels, labels[-1])
        axes = [str(n) for n in range(len(self.axes))] or ["-1"]
        x = int(_among(asked.get("x"), axes, axes[-1]))
        others = [n for n in axes if int(n) != x] or axes
        y = int(_among(asked.get("y"), others, others[0]))
        at = (asked.get("at", "") + "," * len(axes)).split(",")
        return Choice(statistic, label, x, y, tuple(
            int(word) if n not in (x, y) and word.isdecimal() and int(word) < length else None
            for n, (word, length) in enumerate(zip(at, self.shape, strict=False))
        ))  # fmt: skip

    def values(self, choice: Choice) -> NDArray[np.float64]:
        """Return a map, shape (y, x): means, or numbers of words; NaN where there is nothing yet.

        A word is the most frequent one of its place.
        """
        sums = self._over(choice, self._sums[choice.statistic, choice.label])
        if STATISTICS[choice.statistic].words:
            return np.where(sums.any(axis=0), sums.argmax(axis=0), np.nan)
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray(sums[0] / sums[1])

    def marked(self, choice: Choice, status: int) -> list[tuple[int, int]]:
        """Return the places (x, y) of a map with points that failed or diverged."""
        if status not in self._status:
            return []
        found = np.argwhere(self._over(choice, self._status[status][None])[0])
        return [(int(x), int(y)) for y, x in found]

    def _over(self, choice: Choice, sums: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return sums of shape (n, places) as (n, y, x), over what else there is."""
        if not self.axes:
            return sums[:, :, None]
        kept = [n for n in range(len(self.axes)) if n in (choice.x, choice.y)]
        box = sums.reshape(-1, *self.shape)
        index = tuple(slice(None) if at is None else slice(at, at + 1) for at in choice.at)
        others = tuple(n + 1 for n in range(len(self.axes)) if n not in kept)
        over = box[(slice(None), *index)].sum(axis=others)
        if len(kept) == 1:
            return np.asarray(over[:, None, :])
        return np.asarray(over if choice.y < choice.x else over.swapaxes(1, 2))


def joined(shape: Sequence[int], most: int) -> tuple[int, ...]:
    """Return how many neighbouring values of each axis are joined for at most `most` places."""
    per = [1] * len(shape)

    def places() -> list[int]:
        return [-(-length // n) for length, n in zip(shape, per, strict=True)]

    while math.prod(places()) > most:
        per[int(np.argmax(places()))] *= 2
    return tuple(per)


def _among(word: str | None, known: Sequence[str], otherwise: str) -> str:
    return word if word is not None and word in known else otherwise
