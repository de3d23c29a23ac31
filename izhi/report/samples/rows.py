"""Rows of samples as a page holds them: equal ones once, whole numbers of 16 bits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

LEVELS = 4_000
"""Steps between the least and the greatest value: finer than a screen, and quick to pack."""

NONE = -32_768
"""Where there is no value."""

_MOST = 32_767


@dataclass(frozen=True, eq=False)
class Packed:
    """Samples of a variable, of all that have it.

    Attributes
    ----------
    time
        In seconds, of shape (samples,), or (rows, samples) where rows differ; NaN behind the end.
    values
        Whole numbers, shape (rows, samples); `NONE` for none.
    scale
        Offset and factor: a value is ``offset + factor*number``.
    """

    time: NDArray[np.float32]
    values: NDArray[np.int16]
    scale: tuple[float, float]


@dataclass
class Rows:
    """Rows of samples of one variable, while they are collected.

    Attributes
    ----------
    found
        The different rows, times and values as bytes of float32, with their numbers.
    times
        The different times.
    ends
        Least and greatest value of points that did not diverge.
    """

    found: dict[tuple[bytes, bytes], int] = field(default_factory=dict)
    times: dict[bytes, bytes] = field(default_factory=dict)
    ends: tuple[float, float] = (np.inf, -np.inf)

    def add(
        self, time: NDArray[np.float64], values: NDArray[np.float64], sound: NDArray[np.bool_]
    ) -> NDArray[np.int32]:
        """Add rows; return the number of each, -1 for those without any value.

        Parameters
        ----------
        time
            In seconds.
        values
            SI values, shape (rows, samples).
        sound
            Whether a row is of a point that did not diverge.
        """
        at = time.astype(np.float32).tobytes()
        at = self.times.setdefault(at, at)
        there = np.asarray(np.isfinite(values).any(axis=1))
        if (sound & there).any():
            own = ends_of(values[sound & there])
            self.ends = min(self.ends[0], own[0]), max(self.ends[1], own[1])
        with np.errstate(over="ignore"):
            short = values.astype(np.float32)
        return np.array(
            [self.found.setdefault((at, row.tobytes()), len(self.found)) if known else -1
             for row, known in zip(short, there.tolist(), strict=True)], np.int32,
        )  # fmt: skip

    def packed(self, factor: float) -> Packed:
        """Return all rows, their values multiplied by a factor, which makes a unit of SI units."""
        values = padded([_numbers(row) for _, row in self.found])
        ends = self.ends
        if ends[0] > ends[1]:  # all diverged
            ends = ends_of(values)
        if len(self.times) == 1:
            time = _numbers(next(iter(self.times)))
        else:
            time = padded([_numbers(at) for at, _ in self.found])
        return Packed(time, *quantised(values, ends, factor))


def _numbers(data: bytes) -> NDArray[np.float32]:
    return np.frombuffer(data, np.float32)


def padded(rows: Sequence[NDArray[np.floating]]) -> NDArray[np.float32]:
    """Return rows as one array, as long as the longest; NaN behind the others' ends."""
    found = np.full((len(rows), max(map(len, rows), default=0)), np.nan, np.float32)
    for number, row in enumerate(rows):
        found[number, : len(row)] = row
    return found


def ends_of(values: NDArray[np.floating]) -> tuple[float, float]:
    """Return the least and the greatest finite value; 0 and 0 where there is none."""
    finite = values[np.isfinite(values)]
    return (float(finite.min()), float(finite.max())) if finite.size else (0.0, 0.0)


def quantised(
    values: NDArray[np.floating], ends: tuple[float, float], factor: float = 1.0
) -> tuple[NDArray[np.int16], tuple[float, float]]:
    """Return whole numbers in the place of values, and offset and factor of the scale.

    What lies beyond the ends by more than eight times their distance, of points that diverged, is
    left out.
    """
    middle, step = (ends[0] + ends[1]) / 2, (ends[1] - ends[0]) / LEVELS or 1.0
    with np.errstate(over="ignore", invalid="ignore"):
        number = np.round((values.astype(np.float64) - middle) / step)
    number[~(np.abs(number) <= _MOST)] = NONE
    return number.astype(np.int16), (middle * factor, step * factor)
