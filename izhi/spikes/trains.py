"""Ragged spike trains as two flat arrays, and the arithmetic that every statistic shares."""

from __future__ import annotations

import operator
from dataclasses import dataclass
from typing import Any, Self, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

FloatArray: TypeAlias = NDArray[np.float64]
IntArray: TypeAlias = NDArray[np.int64]
BoolArray: TypeAlias = NDArray[np.bool_]

ROUNDING = 1e-9
"""Relative difference below which two times are the same.

A spike time is ``k * dt`` in floating point, so times that are equal on the grid differ in their
last bits. This is far above those bits and far below any time step.
"""

_DIGIT = 16


@dataclass(frozen=True, eq=False)
class Trains:
    """Many spike trains, one after the other.

    Attributes
    ----------
    time
        All spike times in seconds, ascending within each train.
    count
        Number of spikes of each train; zero is allowed anywhere.

    Raises
    ------
    ValueError
        If the arrays do not fit each other, or a train is not in ascending order.
    """

    time: FloatArray
    count: IntArray

    def __post_init__(self) -> None:
        time = _times(self.time)
        count = _integers(self.count, "count")
        if count.size and count.min() < 0:
            first = int(np.argmax(count < 0))
            raise ValueError(f"count must not be negative; train {first} has {count[first]}")
        if count.sum() != time.size:
            raise ValueError(
                f"count must add up to the number of spikes: it adds up to {count.sum()}, "
                f"and time has {time.size}"
            )
        object.__setattr__(self, "time", time)
        object.__setattr__(self, "count", count)
        backwards = (time[1:] < time[:-1]) & self.joined
        if backwards.any():
            spike = int(np.argmax(backwards))
            train = int(np.searchsorted(self.offset, spike, side="right")) - 1
            raise ValueError(
                f"the spikes of a train must be in ascending order; in train {train}, "
                f"{float(time[spike])!r} s comes before {float(time[spike + 1])!r} s"
            )

    def __len__(self) -> int:
        return self.count.size

    @property
    def offset(self) -> IntArray:
        """Where each train starts in `time`, and at last where the last one ends."""
        offset = np.zeros(len(self) + 1, dtype=np.int64)
        np.cumsum(self.count, out=offset[1:])
        return offset

    @property
    def train(self) -> IntArray:
        """Number of the train of each spike."""
        return np.repeat(np.arange(len(self), dtype=np.int64), self.count)

    @property
    def joined(self) -> BoolArray:
        """Whether each spike but the last is in the same train as the spike after it."""
        joined = np.ones(max(self.time.size - 1, 0), dtype=np.bool_)
        edge = self.offset[1:-1]
        joined[edge[(edge > 0) & (edge < self.time.size)] - 1] = False
        return joined

    @classmethod
    def from_events(cls, time: ArrayLike, train: ArrayLike, n_trains: int) -> Self:
        """Sort the events of all trains, recorded together, into trains.

        Parameters
        ----------
        time
            Times of the spikes in seconds, ascending for each train.
        train
            Number of the train of each spike.
        n_trains
            How many trains there are; those without a spike are empty.

        Raises
        ------
        ValueError
            If the arrays do not fit each other, a number is not that of a train, or the spikes of
            a train are not in ascending order.
        """
        time, train = _times(time), _integers(train, "train")
        n_trains = operator.index(n_trains)
        if n_trains < 0:
            raise ValueError(f"n_trains must not be negative, got {n_trains}")
        if train.size != time.size:
            raise ValueError(
                f"time and train must be of one length, got {time.size} and {train.size}"
            )
        if train.size and not 0 <= train.min() <= train.max() < n_trains:
            wrong = int(train.min() if train.min() < 0 else train.max())
            raise ValueError(f"train must be from 0 to n_trains - 1 = {n_trains - 1}, got {wrong}")
        return cls(time[_order(train, n_trains)], np.bincount(train, minlength=n_trains))


def per_train(trains: Trains, value: ArrayLike, name: str) -> FloatArray:
    """Return a value per train, given one for each or one for all.

    Parameters
    ----------
    trains
        The trains.
    value
        A number, or as many numbers as there are trains.
    name
        What to call the value in an error.
    """
    array = np.asarray(value, dtype=np.float64)
    if array.shape not in {(), (len(trains),)}:
        raise ValueError(
            f"{name} must be a number or one number per train, of shape ({len(trains)},); "
            f"got shape {array.shape}"
        )
    return np.broadcast_to(array, len(trains))


def sum_per_train(value: NDArray[Any], count: IntArray) -> NDArray[Any]:
    """Add up values that lie train after train.

    Parameters
    ----------
    value
        The values: numbers, or truth values to be counted.
    count
        How many of them belong to each train.
    """
    dtype = np.int64 if value.dtype == np.bool_ else value.dtype
    total = np.zeros(count.size, dtype=dtype)
    # For an empty segment, reduceat returns the value at its start instead of zero.
    filled = count > 0
    start = (np.cumsum(count) - count)[filled]
    if start.size:
        total[filled] = np.add.reduceat(value, start, dtype=dtype)
    return total


def _times(value: ArrayLike) -> FloatArray:
    time = np.asarray(value, dtype=np.float64)
    if time.ndim != 1:
        raise ValueError(f"time must have one dimension, got shape {time.shape}")
    finite = np.isfinite(time)
    if not finite.all():
        spike = int(np.argmin(finite))
        raise ValueError(f"time must be finite; spike {spike} is at {time[spike]} s")
    return time


def _integers(value: ArrayLike, name: str) -> IntArray:
    array = np.asarray(value)
    if array.ndim != 1:
        raise ValueError(f"{name} must have one dimension, got shape {array.shape}")
    if array.dtype.kind not in "iu" and array.size:
        raise ValueError(f"{name} must be integers, got {array.dtype}")
    return array.astype(np.int64, copy=False)


def _order(train: IntArray, n_trains: int) -> IntArray:
    """Sort stably in linear time: numpy has a radix sort, but for 16-bit integers only."""
    order = np.argsort(train.astype(np.uint16), kind="stable")
    for shift in range(_DIGIT, (n_trains - 1).bit_length(), _DIGIT):
        digit = (train >> shift).astype(np.uint16)
        order = order[np.argsort(digit[order], kind="stable")]
    return order
