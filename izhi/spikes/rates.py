"""How many spikes, how often, and how soon."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from izhi.spikes.trains import ROUNDING, FloatArray, IntArray, Trains, count_before, per_train


def spike_count(trains: Trains) -> IntArray:
    """Return the number of spikes of each train.

    Parameters
    ----------
    trains
        The spike trains.
    """
    return trains.count.copy()


def firing_rate(trains: Trains, duration: ArrayLike) -> FloatArray:
    """Return the mean firing rate of each train.

    Parameters
    ----------
    trains
        The spike trains.
    duration
        Length in seconds of the window in which the spikes were recorded, for all trains or each.

    Returns
    -------
    FloatArray
        Spikes over duration, in Hz.
    """
    return trains.count / positive_duration(trains, duration)


def first_spike_latency(trains: Trains, onset: ArrayLike) -> FloatArray:
    """Return the time from the onset to the first spike at or after it, for each train.

    A spike which comes before the onset by no more than rounding (see `ROUNDING`) is a spike at
    the onset, and its latency is zero.

    Parameters
    ----------
    trains
        The spike trains.
    onset
        Start of the stimulus in seconds, for all trains or each; NaN for a train without one.

    Returns
    -------
    FloatArray
        Seconds; NaN where there is no such spike.
    """
    onset = per_train(trains, onset, "onset")
    if np.isinf(onset).any():
        raise ValueError("onset must not be infinite; give NaN for a train without a stimulus")
    before = count_before(trains, onset)
    found = (before < trains.count) & ~np.isnan(onset)
    latency = np.full(len(trains), np.nan)
    first = (trains.offset[:-1] + before)[found]
    latency[found] = np.maximum(trains.time[first] - onset[found], 0.0)
    return latency


def firing_rate_during(trains: Trains, start: ArrayLike, stop: ArrayLike) -> FloatArray:
    """Return the mean firing rate of each train in a window.

    Parameters
    ----------
    trains
        The spike trains.
    start, stop
        Edges of the window in seconds, for all trains or each; see `Trains.during`.

    Returns
    -------
    FloatArray
        Spikes over the length of the window, in Hz; NaN where the window is empty.
    """
    start, stop = per_train(trains, start, "start"), per_train(trains, stop, "stop")
    count = count_before(trains, stop) - count_before(trains, start)
    length = stop - start
    rate = np.full(len(trains), np.nan)
    np.divide(count, length, out=rate, where=length > ROUNDING * np.abs(stop))
    return rate


def binned_count(trains: Trains, edges: ArrayLike) -> IntArray:
    """Return the number of spikes of each train in each bin.

    Parameters
    ----------
    trains
        The spike trains.
    edges
        Edges of the bins in seconds, ascending. A bin has its first edge but not its last, and a
        spike that lies before an edge by no more than rounding (see `ROUNDING`) lies at it.

    Returns
    -------
    IntArray
        Shape (trains, bins).
    """
    edges = _edges(edges)
    place = np.searchsorted(edges - ROUNDING * np.abs(edges), trains.time, side="right")
    # one bin more on either side, for the spikes that lie in none
    key = trains.train * (edges.size + 1) + place
    count = np.bincount(key, minlength=len(trains) * (edges.size + 1))
    return count.reshape(len(trains), edges.size + 1)[:, 1:-1]


def binned_rate(trains: Trains, edges: ArrayLike) -> FloatArray:
    """Return the firing rate of each train in each bin.

    Parameters
    ----------
    trains
        The spike trains.
    edges
        Edges of the bins in seconds, ascending; see `binned_count`.

    Returns
    -------
    FloatArray
        Hz, shape (trains, bins).
    """
    rate: FloatArray = binned_count(trains, edges) / np.diff(_edges(edges))
    return rate


def peristimulus_histogram(trains: Trains, onset: ArrayLike, edges: ArrayLike) -> FloatArray:
    """Return the firing rate after the onset of the stimulus, averaged over trains.

    Parameters
    ----------
    trains
        The spike trains: trials, or cells of a population.
    onset
        Start of the stimulus in seconds, for all trains or each; a train with NaN is left out.
    edges
        Edges of the bins in seconds after the onset, ascending; see `binned_count`.

    Returns
    -------
    FloatArray
        Hz, shape (bins,); NaN where no train has an onset.
    """
    edges, onset = _edges(edges), per_train(trains, onset, "onset")
    time = trains.time - np.repeat(onset, trains.count)
    # how far times and onsets are rounded, which the difference inherits
    slack = ROUNDING * np.maximum(np.abs(edges), np.nanmax(np.abs(onset), initial=0.0))
    place = np.searchsorted(edges - slack, time[~np.isnan(time)], side="right")
    count = np.bincount(place, minlength=edges.size + 1)[1 : edges.size]
    n_trains = np.count_nonzero(~np.isnan(onset))
    with np.errstate(invalid="ignore"):
        rate: FloatArray = count / np.diff(edges) / np.float64(n_trains)
    return rate


def instantaneous_rate(trains: Trains, time: ArrayLike) -> FloatArray:
    """Return the inverse of the interspike interval that holds each of some times.

    Estimates with a kernel, which are smooth and need a bandwidth, are Elephant's
    ``instantaneous_rate``.

    Parameters
    ----------
    trains
        The spike trains.
    time
        Times in seconds, ascending. An interval has its first spike but not its last.

    Returns
    -------
    FloatArray
        Hz, shape (trains, times); NaN before the first spike of a train and from its last one on.
    """
    time = _edges(time, "time")
    first = np.searchsorted(time + ROUNDING * np.abs(time), trains.time)  # at or after the spike
    count = np.bincount(
        trains.train * (time.size + 1) + first, minlength=len(trains) * (time.size + 1)
    )
    passed = np.cumsum(count.reshape(len(trains), time.size + 1), axis=1)[:, :-1]
    inside = (passed > 0) & (passed < trains.count[:, None])
    rate = np.full(passed.shape, np.nan)
    spike = (trains.offset[:-1, None] + passed)[inside]
    rate[inside] = 1 / (trains.time[spike] - trains.time[spike - 1])
    return rate


def positive_duration(trains: Trains, duration: ArrayLike) -> FloatArray:
    """Return the duration of each train's window, once it is known to be one.

    Parameters
    ----------
    trains
        The spike trains.
    duration
        Seconds, for all trains or each.
    """
    duration = per_train(trains, duration, "duration")
    wrong = ~((duration > 0) & np.isfinite(duration))
    if wrong.any():
        raise ValueError(
            f"duration must be positive and finite, got {duration[np.argmax(wrong)]} s"
        )
    return duration


def _edges(value: ArrayLike, name: str = "edges") -> FloatArray:
    edges = np.asarray(value, dtype=np.float64)
    if edges.ndim != 1 or not np.isfinite(edges).all() or (np.diff(edges) <= 0).any():
        raise ValueError(f"{name} must be finite numbers in ascending order, of one dimension")
    if name == "edges" and edges.size < 2:
        raise ValueError(f"edges must be two or more, got {edges.size}")
    return edges
