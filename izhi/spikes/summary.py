"""The statistics that are kept of every train, and what each of them is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from izhi.spikes.bursts import (
    MAX_INTERVAL,
    MIN_SPIKES,
    burst_count,
    burst_rate,
    bursts,
    spikes_per_burst,
)
from izhi.spikes.intervals import isi_cv, isi_mean
from izhi.spikes.rates import firing_rate, first_spike_latency, spike_count
from izhi.spikes.trains import Trains


@dataclass(frozen=True)
class Statistic:
    """What a statistic is.

    Attributes
    ----------
    units
        The unit it is given in.
    long_name
        Its name in words.
    comment
        Its definition in one sentence, with when it is NaN.
    dtype
        The type of its values.
    """

    units: str
    long_name: str
    comment: str
    dtype: np.dtype[Any]


_COUNT: np.dtype[Any] = np.dtype(np.int32)
_REAL: np.dtype[Any] = np.dtype(np.float64)

STATISTICS: Mapping[str, Statistic] = MappingProxyType(
    {
        "spike_count": Statistic(
            "1", "number of spikes", "Spikes in the recorded window; never NaN.", _COUNT
        ),
        "firing_rate": Statistic(
            "Hz",
            "mean firing rate",
            "Number of spikes over the duration of the recorded window; never NaN.",
            _REAL,
        ),
        "first_spike_latency": Statistic(
            "s",
            "first-spike latency",
            "Time from the onset of the stimulus to the first spike at or after it; NaN where "
            "there is no such spike or no stimulus.",
            _REAL,
        ),
        "isi_mean": Statistic(
            "s",
            "mean interspike interval",
            "Mean of all interspike intervals; NaN with fewer than two spikes.",
            _REAL,
        ),
        "isi_cv": Statistic(
            "1",
            "coefficient of variation of the interspike intervals",
            "Standard deviation (ddof 0) of all interspike intervals over their mean, 0 for a "
            "single interval; NaN with fewer than two spikes, or with all spikes at one time.",
            _REAL,
        ),
        "burst_count": Statistic(
            "1",
            "number of bursts",
            f"Bursts in the recorded window, a burst being a longest run of at least {MIN_SPIKES} "
            f"spikes with intervals of at most {1000 * MAX_INTERVAL:g} ms; never NaN.",
            _COUNT,
        ),
        "burst_rate": Statistic(
            "1/min",
            "burst rate",
            "Number of bursts (see burst_count) over the duration of the recorded window; never "
            "NaN.",
            _REAL,
        ),
        "spikes_per_burst": Statistic(
            "1",
            "mean number of spikes per burst",
            "Spikes in bursts (see burst_count) over the number of bursts; NaN with no burst.",
            _REAL,
        ),
    }
)
"""What each of `summary_statistics` is: for the attributes of a dataset, and for the reader."""


def summary_statistics(
    trains: Trains, duration: ArrayLike, onset: ArrayLike
) -> dict[str, NDArray[Any]]:
    """Return every statistic of `STATISTICS` for each train.

    Parameters
    ----------
    trains
        The spike trains.
    duration
        Length in seconds of the window in which the spikes were recorded, for all trains or each.
    onset
        Start of the stimulus in seconds, for all trains or each; NaN for a train without one.

    Returns
    -------
    dict
        An array per statistic, in the order and of the types of `STATISTICS`.
    """
    found = bursts(trains)
    values: dict[str, NDArray[Any]] = {
        "spike_count": spike_count(trains),
        "firing_rate": firing_rate(trains, duration),
        "first_spike_latency": first_spike_latency(trains, onset),
        "isi_mean": isi_mean(trains),
        "isi_cv": isi_cv(trains),
        "burst_count": burst_count(found),
        "burst_rate": burst_rate(found, duration),
        "spikes_per_burst": spikes_per_burst(found),
    }
    return {name: values[name].astype(what.dtype) for name, what in STATISTICS.items()}
