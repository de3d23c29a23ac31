"""Bursts: what they are made of, and two ways to find them by the lengths of intervals.

Other ways are in `izhi.spikes.log_isi` and `izhi.spikes.surprise`. No way fits all cells: the fast
spiking and the thalamo-cortical cell of Izhikevich (2003) fire tonically at intervals that are
shorter than those within the bursts of others; see `izhi.spikes.regimes`.
"""

from __future__ import annotations

import math
import operator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from izhi.spikes.rates import positive_duration
from izhi.spikes.trains import (
    ROUNDING,
    BoolArray,
    FloatArray,
    IntArray,
    Trains,
    per_train,
    sum_per_train,
)

# By these the chattering and the intrinsically bursting cell of Izhikevich (2003) burst and the
# regular spiking one does not.
MAX_INTERVAL = 0.010
"""Default of the longest interval in a burst, in seconds."""
MIN_SPIKES = 3
"""Default of the fewest spikes in a burst."""

_MINUTE = 60.0


@dataclass(frozen=True, eq=False)
class Bursts:
    """The bursts of many trains, one after the other in the order of the trains.

    Attributes
    ----------
    trains
        The spike trains in which they were found.
    train
        Number of the train of each burst.
    first
        Where each burst's first spike is in `Trains.time`; the others follow it.
    n_spikes
        Number of spikes of each burst.
    start
        Time of the first spike of each burst in seconds.
    end
        Time of the last spike of each burst in seconds.
    reach
        How far from a burst, in seconds, a further spike could still have belonged to it.
    """

    trains: Trains
    train: IntArray
    first: IntArray
    n_spikes: IntArray
    start: FloatArray
    end: FloatArray
    reach: FloatArray

    def __len__(self) -> int:
        return self.first.size

    def where(self, kept: BoolArray) -> Bursts:
        """Return some of the bursts."""
        names = ("train", "first", "n_spikes", "start", "end", "reach")
        return replace(self, **{name: getattr(self, name)[kept] for name in names})


def bursts(
    trains: Trains, max_interval: float = MAX_INTERVAL, min_spikes: int = MIN_SPIKES
) -> Bursts:
    """Find the bursts of each train by a fixed interval.

    A burst is a run of at least `min_spikes` spikes whose intervals are at most `max_interval`,
    as long as it can be. An interval that exceeds `max_interval` by no more than rounding (see
    `ROUNDING`) is within it.

    Parameters
    ----------
    trains
        The spike trains.
    max_interval
        The longest interval in a burst, in seconds.
    min_spikes
        The fewest spikes in a burst, at least two.
    """
    check_positive(max_interval, "max_interval")
    check_spikes(min_spikes)
    first, last = runs(close(trains, max_interval))
    enough = last - first + 1 >= min_spikes
    return found(trains, first[enough], last[enough], max_interval)


def max_interval_bursts(
    trains: Trains,
    begin_interval: float = MAX_INTERVAL,
    end_interval: float = MAX_INTERVAL,
    min_gap: float = 2 * MAX_INTERVAL,
    min_duration: float = 0.0,
    min_spikes: int = MIN_SPIKES,
) -> Bursts:
    """Find the bursts of each train by the five thresholds of the max interval method.

    A burst begins with the first interval of at most `begin_interval` and goes on as long as
    intervals are at most `end_interval`. Bursts of a train that are less than `min_gap` apart, from
    the last spike of one to the first of the next, become one, with the spikes between them. Then
    those shorter than `min_duration`, or of fewer than `min_spikes` spikes, are left out. Lengths
    that differ by no more than rounding (see `ROUNDING`) are equal.

    The method and its signs at the thresholds are those of NeuroExplorer's manual; sjemea (R) has a
    burst begin below `begin_interval` only. Thresholds for cultures (170 ms, 300 ms, 200 ms, 10 ms,
    3 in E. Cotterill et al., 2016, A comparison of computational methods for detecting bursts in
    neuronal spike trains) take any train of the 2003 cells for one burst; the defaults here are of
    their scale.

    Parameters
    ----------
    trains
        The spike trains.
    begin_interval
        The longest interval with which a burst begins, in seconds.
    end_interval
        The longest interval with which it goes on, in seconds, at least `begin_interval`.
    min_gap
        The shortest gap between two bursts, in seconds.
    min_duration
        The shortest duration of a burst, in seconds.
    min_spikes
        The fewest spikes in a burst, at least two.
    """
    check_positive(begin_interval, "begin_interval")
    check_positive(end_interval, "end_interval")
    check_spikes(min_spikes)
    if begin_interval > end_interval:
        raise ValueError(
            f"end_interval must be at least begin_interval, {begin_interval} s; got "
            f"{end_interval} s"
        )
    for value, name in ((min_gap, "min_gap"), (min_duration, "min_duration")):
        if not 0 <= value < math.inf:
            raise ValueError(f"{name} must be finite and not negative, got {value} s")
    first, last = runs(close(trains, end_interval))
    begins = np.flatnonzero(close(trains, begin_interval))
    at = np.searchsorted(begins, first)
    begun = at < begins.size
    begun[begun] = begins[at[begun]] < last[begun]
    first, last = begins[at[begun]], last[begun]

    number = trains.train_of(first)
    gap = trains.time[first[1:]] - trains.time[last[:-1]]
    apart = (number[1:] != number[:-1]) | (gap >= min_gap * (1 - ROUNDING))
    edge = np.ones(min(first.size, 1), dtype=np.bool_)
    first, last = first[np.concatenate([edge, apart])], last[np.concatenate([apart, edge])]

    duration = trains.time[last] - trains.time[first]
    enough = (last - first + 1 >= min_spikes) & (duration >= min_duration * (1 - ROUNDING))
    return found(trains, first[enough], last[enough], max(end_interval, min_gap))


def whole(bursts: Bursts, start: ArrayLike, stop: ArrayLike) -> Bursts:
    """Return the bursts that the edges of a window cannot have cut.

    A burst may be cut where an edge is within its `Bursts.reach`: spikes beyond the edge might have
    belonged to it. It counts as a burst, but how large and how long it is, is not known; so the
    mean sizes, durations and frequencies of a study are those of the other bursts. Most other
    programs take all bursts for whole.

    Parameters
    ----------
    bursts
        The bursts.
    start, stop
        Edges of the window in seconds, for all trains or each; infinite for an edge that cuts
        nothing, such as the beginning of a simulation.
    """
    start = per_train(bursts.trains, start, "start")[bursts.train]
    stop = per_train(bursts.trains, stop, "stop")[bursts.train]
    reach = bursts.reach * (1 + ROUNDING)
    return bursts.where((bursts.start - start > reach) & (stop - bursts.end > reach))


def burst_count(bursts: Bursts) -> IntArray:
    """Return the number of bursts of each train.

    Parameters
    ----------
    bursts
        The bursts.
    """
    return np.bincount(bursts.train, minlength=len(bursts.trains))


def burst_rate(bursts: Bursts, duration: ArrayLike) -> FloatArray:
    """Return how often each train bursts.

    Parameters
    ----------
    bursts
        The bursts.
    duration
        Length in seconds of the window in which the spikes were recorded, for all trains or each.

    Returns
    -------
    FloatArray
        Bursts over duration, per minute.
    """
    return burst_count(bursts) / positive_duration(bursts.trains, duration) * _MINUTE


def spikes_per_burst(bursts: Bursts) -> FloatArray:
    """Return the mean number of spikes in the bursts of each train.

    Parameters
    ----------
    bursts
        The bursts.

    Returns
    -------
    FloatArray
        NaN where a train has no burst.
    """
    return _mean(bursts, bursts.n_spikes)


def burst_duration(bursts: Bursts) -> FloatArray:
    """Return the mean duration of the bursts of each train, from first to last spike.

    Parameters
    ----------
    bursts
        The bursts.

    Returns
    -------
    FloatArray
        Seconds; NaN where a train has no burst.
    """
    return _mean(bursts, bursts.end - bursts.start)


def intraburst_frequency(bursts: Bursts) -> FloatArray:
    """Return the mean firing frequency within the bursts of each train.

    Of a burst it is the number of its intervals over its duration, ``(n - 1) / duration``, as one
    over the mean interval; eFEL takes ``n / duration``, which is more.

    Parameters
    ----------
    bursts
        The bursts.

    Returns
    -------
    FloatArray
        Hz; NaN where a train has no burst, or none whose spikes are at more than one time.
    """
    some = bursts.where(bursts.end > bursts.start)
    return _mean(some, (some.n_spikes - 1) / (some.end - some.start))


def interburst_interval(bursts: Bursts) -> FloatArray:
    """Return the mean interval between the bursts of each train.

    It goes from the last spike of a burst to the first of the next, as in E. Cotterill et al.
    (2016); the period from start to start is longer by a burst's duration.

    Parameters
    ----------
    bursts
        The bursts.

    Returns
    -------
    FloatArray
        Seconds; NaN where a train has fewer than two bursts.
    """
    same = bursts.train[1:] == bursts.train[:-1]
    gap = (bursts.start[1:] - bursts.end[:-1])[same]
    gaps = np.maximum(burst_count(bursts) - 1, 0)
    with np.errstate(invalid="ignore"):
        mean: FloatArray = sum_per_train(gap, gaps) / gaps
    return mean


def burst_share(bursts: Bursts) -> FloatArray:
    """Return the share of the spikes of each train that lie in bursts.

    Parameters
    ----------
    bursts
        The bursts.

    Returns
    -------
    FloatArray
        From 0 to 1; NaN where a train has no spikes.
    """
    within = np.bincount(bursts.train, bursts.n_spikes, minlength=len(bursts.trains))
    with np.errstate(invalid="ignore"):
        share: FloatArray = within / bursts.trains.count
    return share


def _mean(bursts: Bursts, value: FloatArray | IntArray) -> FloatArray:
    """Return the mean over the bursts of each train; NaN where there is none."""
    total = np.bincount(bursts.train, value, minlength=len(bursts.trains))
    with np.errstate(invalid="ignore"):
        mean: FloatArray = total / burst_count(bursts)
    return mean


# ---------------------------------------------------------------- for those that find bursts


def close(trains: Trains, limit: float | FloatArray) -> BoolArray:
    """Return whether each spike but the last is followed, in its train, within a limit.

    Parameters
    ----------
    trains
        The spike trains.
    limit
        Seconds, for all or for each pair of neighbours in `Trains.time`.
    """
    near: BoolArray = np.diff(trains.time) <= limit * (1 + ROUNDING)
    near &= trains.joined
    return near


def runs(near: BoolArray) -> tuple[IntArray, IntArray]:
    """Return the first and the last spike of each longest run of spikes that follow one another.

    Parameters
    ----------
    near
        Whether each spike but the last and the one after it are of one run.
    """
    edged = np.zeros(near.size + 2, dtype=np.bool_)
    edged[1:-1] = near
    edge = np.flatnonzero(edged[1:] != edged[:-1])
    return edge[::2], edge[1::2]


def found(trains: Trains, first: IntArray, last: IntArray, reach: float | FloatArray) -> Bursts:
    """Return bursts by their first and last spikes, with the reach of all or of each."""
    return Bursts(
        trains=trains,
        train=trains.train_of(first),
        first=first,
        n_spikes=last - first + 1,
        start=trains.time[first],
        end=trains.time[last],
        reach=np.broadcast_to(np.asarray(reach, np.float64), first.shape),
    )


def check_positive(value: float, name: str) -> None:
    """Check that a length of time is one."""
    if not 0 < value < math.inf:
        raise ValueError(f"{name} must be positive and finite, got {value} s")


def check_spikes(min_spikes: int) -> None:
    """Check the fewest spikes in a burst."""
    if operator.index(min_spikes) < 2:
        raise ValueError(f"min_spikes must be at least 2, got {min_spikes}")
