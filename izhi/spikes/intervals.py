"""Interspike intervals: their mean and how much they vary."""

from __future__ import annotations

import numpy as np

from izhi.spikes.trains import FloatArray, IntArray, Trains, sum_per_train


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
    interval = np.diff(trains.time)[trains.joined]
    train = np.repeat(np.arange(len(trains), dtype=np.int64), _interval_count(trains))
    return interval, train


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


def isi_cv(trains: Trains) -> FloatArray:
    """Return the coefficient of variation of the interspike intervals of each train.

    It is the standard deviation over the mean, with the population's standard deviation (ddof 0)
    and all intervals, as in scipy.stats.variation and Elephant; eFEL takes ddof 1 and leaves out
    the first interval.

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
    count = _interval_count(trains)
    deviation, train = isi(trains)
    deviation -= mean[train]
    np.square(deviation, out=deviation)
    with np.errstate(invalid="ignore"):
        cv: FloatArray = np.sqrt(sum_per_train(deviation, count) / count) / mean
    return cv


def _interval_count(trains: Trains) -> IntArray:
    return np.maximum(trains.count - 1, 0)
