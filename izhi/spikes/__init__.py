"""Statistics of spike trains: thousands to millions at once, with numpy alone.

Every function takes `Trains` or what was found in them and returns an array with one value per
train, in time and memory proportional to the number of spikes and trains. Times are in seconds.

The function `bursts` has the name of its module; import what else is there by
``from izhi.spikes.bursts import ...``.
"""

from izhi.spikes.bursts import (
    MAX_INTERVAL,
    MIN_SPIKES,
    Bursts,
    burst_count,
    burst_rate,
    bursts,
    spikes_per_burst,
)
from izhi.spikes.intervals import isi, isi_cv, isi_mean
from izhi.spikes.rates import firing_rate, first_spike_latency, spike_count
from izhi.spikes.summary import STATISTICS, Statistic, summary_statistics
from izhi.spikes.trains import ROUNDING, Trains

# Grouped by purpose: the trains, all statistics at once, each by itself, bursts.
__all__ = [  # noqa: RUF022
    "Trains",
    "ROUNDING",
    #
    "STATISTICS",
    "Statistic",
    "summary_statistics",
    #
    "spike_count",
    "firing_rate",
    "first_spike_latency",
    "isi",
    "isi_mean",
    "isi_cv",
    #
    "MAX_INTERVAL",
    "MIN_SPIKES",
    "Bursts",
    "bursts",
    "burst_count",
    "burst_rate",
    "spikes_per_burst",
]
