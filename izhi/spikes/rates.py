"""How many spikes, how often, and how soon."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from izhi.spikes.trains import ROUNDING, FloatArray, IntArray, Trains, per_train, sum_per_train


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
    earliest = onset - ROUNDING * np.abs(onset)
    before = sum_per_train(trains.time < np.repeat(earliest, trains.count), trains.count)
    found = before < trains.count
    latency = np.full(len(trains), np.nan)
    first = (trains.offset[:-1] + before)[found]
    latency[found] = np.maximum(trains.time[first] - onset[found], 0.0)
    return latency


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
