"""Interspike intervals: how long they are, how much they vary, and how they change along a train.

In the formulas, I_1 to I_m are the intervals of a train in their order.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from izhi.spikes.trains import FloatArray, IntArray, Trains, reduce_per_train, sum_per_train

REFRACTORY = 0.005
"""Default of the refractoriness constant of LvR, in seconds: that of Shinomoto et al. (2009)."""


_BLOCK = 1 << 17
"""Spikes that are looked at at a time: what is made of them stays in the processor's cache."""


def isi(trains: Trains) -> tuple[FloatArray, IntArray]:
    """Return all interspike intervals, train after train.

    Parameters
    ----------
    trains
        The spike trains.

    Returns
    -------
    interval
        The intervals in seconds.
    train
        Number of the train of each interval.
    """
    train = np.repeat(np.arange(len(trains), dtype=np.int64), trains.interval_count)
    return trains.interval.copy(), train


def isi_mean(trains: Trains) -> FloatArray:
    """Return the mean interspike interval of each train.

    Parameters
    ----------
    trains
        The spike trains.

    Returns
    -------
    FloatArray
        Seconds; NaN where a train has fewer than two spikes.
    """
    several = trains.count > 1
    offset = trains.offset
    mean = np.full(len(trains), np.nan)
    # The intervals add up to the time from the first spike to the last.
    extent = trains.time[offset[1:][several] - 1] - trains.time[offset[:-1][several]]
    mean[several] = extent / (trains.count[several] - 1)
    return mean


def isi_median(trains: Trains) -> FloatArray:
    """Return the median interspike interval of each train.

    Of an even number of intervals it is the mean of the two in the middle.

    Parameters
    ----------
    trains
        The spike trains.

    Returns
    -------
    FloatArray
        Seconds; NaN where a train has fewer than two spikes.
    """
    median = np.full(len(trains), np.nan)
    count = trains.interval_count
    start = np.cumsum(count) - count
    # Trains of one length at a time: of n spikes there are at most sqrt(2 n) different lengths.
    order = np.argsort(count, kind="stable")
    ordered = count[order]
    edges = np.flatnonzero(np.diff(ordered, prepend=0))  # none of no intervals
    for alike in np.split(order, edges)[1:]:
        length = int(count[alike[0]])
        rows = trains.interval[start[alike][:, None] + np.arange(length)]
        middle = [(length - 1) // 2, length // 2]
        median[alike] = np.partition(rows, middle, axis=1)[:, middle].mean(axis=1)
    return median


def isi_min(trains: Trains) -> FloatArray:
    """Return the shortest interspike interval of each train.

    Parameters
    ----------
    trains
        The spike trains.

    Returns
    -------
    FloatArray
        Seconds; NaN where a train has fewer than two spikes.
    """
    return reduce_per_train(np.minimum, trains.interval, trains.interval_count, np.nan)


def isi_cv(trains: Trains) -> FloatArray:
    """Return the coefficient of variation of the interspike intervals of each train.

    It is the standard deviation over the mean, with the population's standard deviation (ddof 0)
    and all intervals, as in scipy.stats.variation, Elephant and IPFX; eFEL takes ddof 1 and leaves
    out the first interval.

    Parameters
    ----------
    trains
        The spike trains.

    Returns
    -------
    FloatArray
        Zero for a single interval; NaN where a train has fewer than two spikes, and where all its
        spikes are at one time.
    """
    mean = isi_mean(trains)
    count = trains.interval_count
    deviation = trains.interval - np.repeat(mean, count)
    np.square(deviation, out=deviation)
    with np.errstate(invalid="ignore"):
        cv: FloatArray = np.sqrt(sum_per_train(deviation, count) / count) / mean
    return cv


def cv2(trains: Trains) -> FloatArray:
    """Return the local coefficient of variation CV2 of each train.

    The mean of ``2 |I_{i+1} - I_i| / (I_{i+1} + I_i)`` over the m - 1 pairs of successive
    intervals, of G. R. Holt et al. (1996), Comparison of discharge variability in vitro and in
    vivo in cat visual cortex neurons, as in Elephant. It is 1 for a Poisson process and 0 for a
    periodic train, and slow changes of the rate hardly move it.

    Parameters
    ----------
    trains
        The spike trains.

    Returns
    -------
    FloatArray
        NaN where a train has fewer than three spikes, or three at one time.
    """
    return 2 * _mean_of_pairs(trains, lambda a, b: np.abs(b - a) / (b + a))


def lv(trains: Trains) -> FloatArray:
    """Return the local variation LV of each train.

    The mean of ``3 (I_i - I_{i+1})^2 / (I_i + I_{i+1})^2`` over the m - 1 pairs of successive
    intervals, of S. Shinomoto et al. (2003), Differences in spiking patterns among cortical
    neurons, as in Elephant. It is 1 for a Poisson process and 0 for a periodic train.

    Parameters
    ----------
    trains
        The spike trains.

    Returns
    -------
    FloatArray
        NaN where a train has fewer than three spikes, or three at one time.
    """
    return 3 * _mean_of_pairs(trains, lambda a, b: np.square((b - a) / (b + a)))


def lvr(trains: Trains, refractory: float = REFRACTORY) -> FloatArray:
    """Return the local variation LvR of each train, which allows for refractoriness.

    The mean of ``3 (1 - 4 I_i I_{i+1} / s^2) (1 + 4 R / s)`` over the m - 1 pairs of successive
    intervals, with ``s = I_i + I_{i+1}``, of S. Shinomoto et al. (2009), Relating neuronal firing
    patterns to functional differentiation of cerebral cortex, as in Elephant, which takes bare
    numbers for R as milliseconds.

    Parameters
    ----------
    trains
        The spike trains.
    refractory
        The refractoriness constant R in seconds.

    Returns
    -------
    FloatArray
        NaN where a train has fewer than three spikes, or three at one time.
    """
    if not 0 <= refractory < math.inf:
        raise ValueError(f"refractory must be finite and not negative, got {refractory} s")

    def term(a: FloatArray, b: FloatArray) -> FloatArray:
        total = a + b
        # 1 - 4 a b / (a + b)^2 = (b - a)^2 / (a + b)^2, without the cancellation
        value = np.square((b - a) / total)
        value *= 1 + 4 * refractory / total
        return value

    return 3 * _mean_of_pairs(trains, term)


def adaptation_index(trains: Trains) -> FloatArray:
    """Return the adaptation index of each train.

    The mean of ``(I_{i+1} - I_i) / (I_{i+1} + I_i)`` over the m - 1 pairs of successive intervals:
    above 0 where a cell slows down. All intervals count, as in IPFX; eFEL's adaptation_index leaves
    out some of the first spikes and its adaptation_index2 the first. Both have the difference over
    the sum, and this sign, in their code, if not in all of their documentation.

    Parameters
    ----------
    trains
        The spike trains.

    Returns
    -------
    FloatArray
        From -1 to 1; NaN where a train has fewer than three spikes, or three at one time.
    """
    return _mean_of_pairs(trains, lambda a, b: (b - a) / (b + a))


def adaptation_ratio(trains: Trains) -> FloatArray:
    """Return the last interspike interval of each train over its first.

    It is above 1 where a cell slows down. Others give its inverse, first over last.

    Parameters
    ----------
    trains
        The spike trains.

    Returns
    -------
    FloatArray
        NaN where a train has fewer than three spikes, or its first two at one time.
    """
    ratio = np.full(len(trains), np.nan)
    several = trains.count > 2
    last = np.cumsum(trains.interval_count)[several] - 1
    first = last - trains.count[several] + 2
    with np.errstate(invalid="ignore", divide="ignore"):
        found = trains.interval[last] / trains.interval[first]
    ratio[several] = np.where(np.isinf(found), np.nan, found)
    return ratio


def gain(rate: ArrayLike, current: ArrayLike, axis: int = -1) -> FloatArray:
    """Return the slope of the f-I curve: how much the firing rate grows with the current.

    Central differences of second order, for any spacing, and one-sided ones at the ends
    (`numpy.gradient`).

    Parameters
    ----------
    rate
        Firing rates, with the currents along one axis.
    current
        The currents, rising or falling.
    axis
        The axis of `rate` along which the currents lie.

    Returns
    -------
    FloatArray
        Of the shape of `rate`, in its unit over that of `current`; NaN next to a NaN.
    """
    rate, current = np.asarray(rate, np.float64), np.asarray(current, np.float64)
    steps = np.diff(current)
    if current.ndim != 1 or current.size < 2 or not ((steps > 0).all() or (steps < 0).all()):
        raise ValueError("current must be two or more numbers that rise or fall, of one dimension")
    if rate.ndim == 0 or rate.shape[axis] != current.size:
        raise ValueError(
            f"rate must have {current.size} values along axis {axis}, one for each current; "
            f"got shape {rate.shape}"
        )
    return np.asarray(np.gradient(rate, current, axis=axis), np.float64)


def _mean_of_pairs(
    trains: Trains, term: Callable[[FloatArray, FloatArray], FloatArray]
) -> FloatArray:
    """Return the mean of a term over the pairs of successive intervals of each train.

    The term is computed of all neighbours, also where one train ends and the next begins, and what
    lies between is summed up apart: that is quicker than to leave it out before.
    """
    mean = np.empty(len(trains))
    for part, block in trains.blocks(_BLOCK):
        value = np.zeros(block.time.size + 1)
        interval = np.diff(block.time)
        count = np.maximum(block.count - 2, 0)
        several = count > 0
        edges = np.empty(2 * np.count_nonzero(several), dtype=np.int64)
        edges[::2] = block.offset[:-1][several]
        edges[1::2] = edges[::2] + count[several]
        with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
            if edges.size:
                value[: interval.size - 1] = term(interval[:-1], interval[1:])
                total = np.zeros(count.size)
                total[several] = np.add.reduceat(value, edges)[::2]
                mean[part] = total / count
            else:
                mean[part] = np.nan
    return mean
