"""Statistics of spike trains: thousands to millions at once, with numpy alone.

Every function takes `Trains` or what was found in them and returns an array with one value per
train, in time and memory proportional to the number of spikes and trains. Times are in seconds.
A value is NaN only where the measure is not defined, which its documentation says.
"""

from izhi.spikes.burst import (
    MAX_INTERVAL,
    MIN_SPIKES,
    Bursts,
    burst_count,
    burst_duration,
    burst_rate,
    burst_share,
    bursts,
    interburst_interval,
    intraburst_frequency,
    max_interval_bursts,
    spikes_per_burst,
    whole,
)
from izhi.spikes.intervals import (
    REFRACTORY,
    adaptation_index,
    adaptation_ratio,
    cv2,
    gain,
    isi,
    isi_cv,
    isi_mean,
    isi_median,
    isi_min,
    lv,
    lvr,
)
from izhi.spikes.log_isi import log_isi_bursts, log_isi_threshold
from izhi.spikes.rates import (
    binned_count,
    binned_rate,
    firing_rate,
    firing_rate_during,
    first_spike_latency,
    instantaneous_rate,
    peristimulus_histogram,
    spike_count,
)
from izhi.spikes.recorded import Cells, Synapses
from izhi.spikes.recurrence import recurrence
from izhi.spikes.regimes import REGIMES, regime
from izhi.spikes.settings import DETECTORS, Settings
from izhi.spikes.summary import (
    STATISTICS,
    Statistic,
    chosen,
    summary_statistics,
    synapse_statistics,
)
from izhi.spikes.surprise import poisson_surprise, poisson_surprise_bursts
from izhi.spikes.synapses import paired_pulse_ratio, release, steady_release_ratio
from izhi.spikes.synchrony import (
    global_synchrony,
    pairwise_correlation,
    spike_time_tiling,
    van_rossum_distance,
)
from izhi.spikes.trains import ROUNDING, Trains

# Grouped by purpose: the trains, all statistics at once, each by itself.
__all__ = [  # noqa: RUF022
    "Trains",
    "ROUNDING",
    #
    "STATISTICS",
    "DETECTORS",
    "Statistic",
    "Settings",
    "Cells",
    "Synapses",
    "chosen",
    "summary_statistics",
    "synapse_statistics",
    #
    "spike_count",
    "firing_rate",
    "firing_rate_during",
    "first_spike_latency",
    "binned_count",
    "binned_rate",
    "peristimulus_histogram",
    "instantaneous_rate",
    #
    "isi",
    "isi_mean",
    "isi_median",
    "isi_min",
    "isi_cv",
    "cv2",
    "lv",
    "lvr",
    "REFRACTORY",
    "adaptation_index",
    "adaptation_ratio",
    "gain",
    #
    "MAX_INTERVAL",
    "MIN_SPIKES",
    "Bursts",
    "bursts",
    "max_interval_bursts",
    "log_isi_bursts",
    "log_isi_threshold",
    "poisson_surprise_bursts",
    "poisson_surprise",
    "whole",
    "burst_count",
    "burst_rate",
    "spikes_per_burst",
    "burst_duration",
    "intraburst_frequency",
    "interburst_interval",
    "burst_share",
    #
    "REGIMES",
    "regime",
    #
    "release",
    "paired_pulse_ratio",
    "steady_release_ratio",
    "recurrence",
    #
    "spike_time_tiling",
    "van_rossum_distance",
    "pairwise_correlation",
    "global_synchrony",
]
