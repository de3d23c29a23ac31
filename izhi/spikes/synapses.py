"""What synapses with short-term plasticity make of their presynaptic trains."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from izhi.exponential import exp
from izhi.spikes.recurrence import recurrence
from izhi.spikes.trains import FloatArray, Trains, per_train, sum_per_train


def release(
    trains: Trains,
    U_0: ArrayLike,
    tau_f: ArrayLike,
    tau_d: ArrayLike,
    u_0: ArrayLike = 0.0,
    x_0: ArrayLike = 1.0,
) -> FloatArray:
    """Return the release of a Tsodyks-Markram synapse at each presynaptic spike.

    With D the interval before a spike, u its release probability and x the resources before it::

        u_1 = U_0    u_n = U_0 + (1 - U_0) u_{n-1} exp(-D/tau_f)
        x_1 = 1      x_n = 1 - (1 - x_{n-1} (1 - u_{n-1})) exp(-D/tau_d)
        r_n = u_n x_n

    which is the synapse of the models solved exactly between spikes, from rest at the first spike
    (M. V. Tsodyks and H. Markram, 1997, and with facilitation M. Tsodyks, K. Pawelzik and
    H. Markram, 1998, Neural Computation 10:821; in this form M. Stimberg et al., 2019). From other
    starts u_1 and x_1 follow likewise, D being the time of the first spike. NEST's tsodyks2_synapse
    releases the same; synapses in which u decays to U_0 (G. Mongillo et al., 2008) do not.

    Parameters
    ----------
    trains
        The presynaptic spike trains, from the beginning of the simulation on.
    U_0
        Release probability at rest, for all trains or each.
    tau_f, tau_d
        Time constants in seconds of the decay of facilitation and the recovery of resources.
    u_0, x_0
        Gained release probability and resources at time 0; by default both are at rest.

    Returns
    -------
    FloatArray
        r of each spike, train after train as in `Trains.time`.
    """
    U_0 = per_train(trains, U_0, "U_0")
    if not ((U_0 >= 0) & (U_0 <= 1)).all():
        raise ValueError("U_0 must be from 0 to 1")
    count = trains.count
    interval = np.diff(trains.time, prepend=0.0)
    first = trains.offset[:-1][count > 0]
    interval[first] = trains.time[first]  # of no effect from rest
    facilitated, depressed = (
        np.asarray(exp(-interval / np.repeat(_positive(trains, tau, name), count)))
        for tau, name in ((tau_f, "tau_f"), (tau_d, "tau_d"))
    )
    u_start, x_start = (
        per_train(trains, start, name)[count > 0] for start, name in ((u_0, "u_0"), (x_0, "x_0"))
    )
    U_each = np.repeat(U_0, count)
    gained = U_each.copy()
    gained[first] += (1 - U_each[first]) * facilitated[first] * u_start
    u = recurrence((1 - U_each) * facilitated, gained, count)
    left = np.zeros_like(u)
    left[1:] = 1 - u[:-1]
    recovered = 1 - depressed
    recovered[first] = 1 - (1 - x_start) * depressed[first]
    x = recurrence(left * depressed, recovered, count)
    return u * x


def first_release(trains: Trains, value: FloatArray, number: int = 1) -> FloatArray:
    """Return the value of one spike of each train, counted from 1.

    Parameters
    ----------
    trains
        The spike trains.
    value
        A value of each spike, train after train, such as its `release`.
    number
        Which of the spikes.

    Returns
    -------
    FloatArray
        NaN where a train has fewer spikes.
    """
    result = np.full(len(trains), np.nan)
    has = trains.count >= number
    result[has] = value[trains.offset[:-1][has] + number - 1]
    return result


def total(trains: Trains, value: FloatArray) -> FloatArray:
    """Return the sum of a value over the spikes of each train.

    Parameters
    ----------
    trains
        The spike trains.
    value
        A value of each spike, train after train, such as its `release`.
    """
    return sum_per_train(value, trains.count)


def mean_per_train(trains: Trains, value: FloatArray) -> FloatArray:
    """Return the mean of a value over the spikes of each train.

    Parameters
    ----------
    trains
        The spike trains.
    value
        A value of each spike, train after train, such as its `release`.

    Returns
    -------
    FloatArray
        NaN where a train has no spikes.
    """
    with np.errstate(invalid="ignore"):
        mean: FloatArray = sum_per_train(value, trains.count) / trains.count
    return mean


def paired_pulse_ratio(trains: Trains, value: FloatArray) -> FloatArray:
    """Return the release at the second spike of each train over that at the first.

    Parameters
    ----------
    trains
        The presynaptic spike trains.
    value
        The `release` of each spike.

    Returns
    -------
    FloatArray
        NaN where a train has fewer than two spikes, or the first releases nothing.
    """
    return _ratio(first_release(trains, value, 2), first_release(trains, value))


def steady_release_ratio(trains: Trains, value: FloatArray, last: int = 5) -> FloatArray:
    """Return the mean release at the last spikes of each train over that at its first.

    Below 1 a synapse depresses, above 1 it facilitates.

    Parameters
    ----------
    trains
        The presynaptic spike trains.
    value
        The `release` of each spike.
    last
        How many spikes are taken for the steady state.

    Returns
    -------
    FloatArray
        NaN where a train has no more spikes than that, or the first releases nothing.
    """
    place = np.arange(trains.time.size) - np.repeat(trains.offset[1:], trains.count)
    total = sum_per_train(np.where(place >= -last, value, 0.0), trains.count)
    steady = np.where(trains.count > last, total / last, np.nan)
    return _ratio(steady, first_release(trains, value))


def _ratio(above: FloatArray, below: FloatArray) -> FloatArray:
    ratio = np.full(above.shape, np.nan)
    np.divide(above, below, out=ratio, where=below > 0)
    return ratio


def _positive(trains: Trains, value: ArrayLike, name: str) -> FloatArray:
    each = per_train(trains, value, name)
    if not (each > 0).all():
        raise ValueError(f"{name} must be positive, got {each[np.argmin(each > 0)]} s")
    return each
