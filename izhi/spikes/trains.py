"""Ragged spike trains as two flat arrays, and the arithmetic that every statistic shares."""

from __future__ import annotations

import operator
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
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

    @cached_property
    def offset(self) -> IntArray:
        """Where each train starts in `time`, and at last where the last one ends."""
        offset = np.zeros(len(self) + 1, dtype=np.int64)
        np.cumsum(self.count, out=offset[1:])
        return offset

    @property
    def train(self) -> IntArray:
        """Number of the train of each spike."""
        return np.repeat(np.arange(len(self), dtype=np.int64), self.count)

    @cached_property
    def joined(self) -> BoolArray:
        """Whether each spike but the last is in the same train as the spike after it."""
        return _joined(self.offset, self.time.size)

    @cached_property
    def interval(self) -> FloatArray:
        """All interspike intervals in seconds, train after train."""
        return np.diff(self.time)[self.joined]

    @property
    def interval_count(self) -> IntArray:
        """Number of interspike intervals of each train."""
        return np.maximum(self.count - 1, 0)

    def train_of(self, spike: IntArray) -> IntArray:
        """Return the number of the train of some spikes, given by their places in `time`."""
        return np.searchsorted(self.offset, spike, side="right") - 1

    def take(self, number: IntArray) -> Self:
        """Return some of the trains, by their numbers."""
        count = self.count[number]
        shift = np.repeat(self.offset[:-1][number] - (np.cumsum(count) - count), count)
        return self._whole(self.time[shift + np.arange(shift.size)], count)

    def during(self, start: ArrayLike, stop: ArrayLike) -> Self:
        """Return the trains with only the spikes of a window, which has its start but not its stop.

        A spike that lies before either edge by no more than rounding (see `ROUNDING`) lies at it,
        so that windows side by side share no spike and lose none.

        Parameters
        ----------
        start, stop
            Edges of the window in seconds, for all trains or each.
        """
        kept = self.within(start, stop)
        return self._whole(self.time[kept], sum_per_train(kept, self.count))

    def within(self, start: ArrayLike, stop: ArrayLike) -> BoolArray:
        """Return which spikes `during` keeps."""
        return ~_before(self, start, "start") & _before(self, stop, "stop")

    def blocks(self, n_spikes: int) -> Iterator[tuple[slice, Self]]:
        """Yield a few trains at a time: which they are, and the trains themselves.

        What is computed block by block stays in the processor's cache, and takes little memory.

        Parameters
        ----------
        n_spikes
            Number of spikes (or trains without spikes) of a block, exceeded by less than a train.
        """
        size = self.offset + np.arange(len(self) + 1)
        first = 0
        while first < len(self):
            stop = max(int(np.searchsorted(size, size[first] + n_spikes)), first + 1)
            stop = min(stop, len(self))
            part = slice(first, stop)
            spikes = slice(self.offset[first], self.offset[stop])
            yield part, self._whole(self.time[spikes], self.count[part])
            first = stop

    @classmethod
    def _whole(cls, time: FloatArray, count: IntArray) -> Self:
        """Return trains that are known to be right, without checking them."""
        trains = cls.__new__(cls)
        object.__setattr__(trains, "time", time)
        object.__setattr__(trains, "count", count)
        return trains

    @classmethod
    def from_offsets(cls, time: ArrayLike, offset: ArrayLike) -> Self:
        """Return trains that are given by where each of them starts.

        Parameters
        ----------
        time
            All spike times in seconds, train after train.
        offset
            Where each train starts in `time`, and at last where the last one ends.

        Raises
        ------
        ValueError
            If the arrays do not fit each other, or a train is not in ascending order.
        """
        time, offset = _times(time), _integers(offset, "offset")
        if not offset.size or offset[0] != 0 or offset[-1] != time.size:
            raise ValueError(
                f"offset must go from 0 to the number of spikes, which is {time.size}; got "
                + (f"{offset[0]} to {offset[-1]}" if offset.size else "none")
            )
        return cls(time, np.diff(offset))

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
    dtype = np.dtype(np.int64) if value.dtype == np.bool_ else value.dtype
    return reduce_per_train(np.add, value, count, dtype.type(0))


def reduce_per_train(
    function: np.ufunc, value: NDArray[Any], count: IntArray, empty: Any
) -> NDArray[Any]:
    """Apply a function of two values along each train's values: their sum, their minimum.

    Parameters
    ----------
    function
        The function.
    value
        The values, train after train.
    count
        How many of them belong to each train.
    empty
        The result of a train that has none.
    """
    dtype = np.asarray(empty).dtype
    result = np.full(count.size, empty, dtype=dtype)
    # For an empty segment, reduceat returns the value at its start.
    filled = count > 0
    start = (np.cumsum(count) - count)[filled]
    if start.size:
        result[filled] = function.reduceat(value, start, dtype=dtype)
    return result


def count_before(trains: Trains, time: ArrayLike) -> IntArray:
    """Return the number of spikes of each train that come before a time by more than rounding.

    Parameters
    ----------
    trains
        The trains.
    time
        Seconds, for all trains or each; no spike comes before NaN.
    """
    return sum_per_train(_before(trains, time, "time"), trains.count)


def _before(trains: Trains, time: ArrayLike, name: str) -> BoolArray:
    """Return which spikes come before a time by more than rounding."""
    given = per_train(trains, time, name)
    with np.errstate(invalid="ignore"):
        edge = np.where(np.isinf(given), given, given - ROUNDING * np.abs(given))
    each = edge[:1] if np.ndim(time) == 0 else np.repeat(edge, trains.count)
    return trains.time < each if each.size else np.zeros(trains.time.size, np.bool_)


def _joined(offset: IntArray, n_spikes: int) -> BoolArray:
    joined = np.ones(max(n_spikes - 1, 0), dtype=np.bool_)
    edge = offset[1:-1]
    joined[edge[(edge > 0) & (edge < n_spikes)] - 1] = False
    return joined


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
