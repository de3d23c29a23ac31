"""Bursts by a fixed interval: runs of spikes that follow each other closely enough."""

from __future__ import annotations

import math
import operator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from izhi.spikes.rates import positive_duration
from izhi.spikes.trains import ROUNDING, FloatArray, IntArray, Trains

# By these the chattering and the intrinsically bursting cell of Izhikevich (2003) burst and the
# regular spiking one does not. The fast spiking and the thalamo-cortical cell fire tonically at
# shorter intervals, so each of their trains is one long burst.
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
    """

    trains: Trains
    train: IntArray
    first: IntArray
    n_spikes: IntArray
    start: FloatArray
    end: FloatArray

    def __len__(self) -> int:
        return self.first.size


def bursts(
    trains: Trains, max_interval: float = MAX_INTERVAL, min_spikes: int = MIN_SPIKES
) -> Bursts:
    """Find the bursts of each train.

    A burst is a run of at least `min_spikes` spikes whose intervals are at most `max_interval`,
    as long as it can be. An interval that exceeds `max_interval` by no more than rounding (see
    `ROUNDING`) is within it. Bursts that the window cuts are bursts like the others.

    Parameters
    ----------
    trains
        The spike trains.
    max_interval
        The longest interval in a burst, in seconds.
    min_spikes
        The fewest spikes in a burst, at least two.
    """
    if not 0 < max_interval < math.inf:
        raise ValueError(f"max_interval must be positive and finite, got {max_interval} s")
    if operator.index(min_spikes) < 2:
        raise ValueError(f"min_spikes must be at least 2, got {min_spikes}")
    # close[i + 1] says whether spikes i and i + 1 are in one run; both ends of it are False.
    close = np.zeros(trains.time.size + 1, dtype=np.bool_)
    close[1:-1] = np.diff(trains.time) <= max_interval * (1 + ROUNDING)
    close[1:-1] &= trains.joined
    edge = np.flatnonzero(close[1:] != close[:-1])
    first, last = edge[::2], edge[1::2]
    enough = last - first + 1 >= min_spikes
    first, last = first[enough], last[enough]
    return Bursts(
        trains=trains,
        train=trains.train[first],
        first=first,
        n_spikes=last - first + 1,
        start=trains.time[first],
        end=trains.time[last],
    )


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
    n_spikes = np.bincount(bursts.train, bursts.n_spikes, minlength=len(bursts.trains))
    with np.errstate(invalid="ignore"):
        mean: FloatArray = n_spikes / burst_count(bursts)
    return mean
