"""Bursts by the void between the peaks of a train's interval histogram (logISI)."""

from __future__ import annotations

import numpy as np

from izhi.spikes.burst import MIN_SPIKES, Bursts, check_positive, check_spikes, close, found, runs
from izhi.spikes.trains import ROUNDING, BoolArray, FloatArray, IntArray, Trains, sum_per_train

VOID = 0.7
"""Default of how empty the histogram must be between two peaks, from 0 to 1."""
CORE_INTERVAL = 0.1
"""Default of the longest interval in the core of a burst, in seconds."""
LONGEST_INTERVAL = 1.0
"""Default of the threshold, in seconds, from which on it is none of bursts."""

_BINS = 10
"""Bins of the histogram in a decade."""

_CELLS = 1 << 22
"""Most values of the histograms that are made at a time."""


def log_isi_threshold(
    trains: Trains, void: float = VOID, core_interval: float = CORE_INTERVAL
) -> FloatArray:
    """Return the interval that parts those within bursts from those between, for each train.

    Of the histogram of the intervals' logarithms, ten bins a decade with an edge at 1 ms, the
    highest peak below `core_interval` is that of the intervals within bursts. The first later peak
    from which it is parted well enough is that of those between: with g_min the lowest count
    between peaks of g_1 and g_2, ``1 - g_min / sqrt(g_1 g_2)`` is at least `void`. The threshold is
    the centre of the lowest bin between them, the first of several.

    After V. Pasquale, S. Martinoia and M. Chiappalone (2010), A self-adapting approach for the
    detection of bursts and network bursts in neuronal cultures. In the code of E. Cotterill et al.
    (2016) the histogram is smoothed by lowess with f = 0.05, which leaves one of fewer than 80 bins
    as it is; here none is smoothed. So the few intervals of a train without noise, which fill some
    bins and leave others empty, may be parted within a burst. A peak is a bin that exceeds the one
    before it and is followed, after any of the same height, by a lower one.

    Parameters
    ----------
    trains
        The spike trains. Intervals of zero, which have no logarithm, are left out.
    void
        How empty the histogram must be between the peaks, from 0 to 1.
    core_interval
        Where the first peak must lie below, in seconds.

    Returns
    -------
    FloatArray
        Seconds; NaN where there are no two such peaks.
    """
    if not 0 <= void <= 1:
        raise ValueError(f"void must be from 0 to 1, got {void}")
    check_positive(core_interval, "core_interval")
    threshold = np.full(len(trains), np.nan)
    counted = trains.interval > 0
    if not counted.any():
        return threshold
    interval = trains.interval[counted]
    count = sum_per_train(counted, trains.interval_count)
    place = np.floor(_log(interval * 1000)).astype(np.int64)
    lowest = int(place.min())
    n_bins = int(place.max()) - lowest + 1
    place -= lowest
    n_core = int(np.ceil(_log(core_interval * 1000 * (1 - 2 * ROUNDING)))) - lowest
    ends = np.concatenate([[0], np.cumsum(count)])
    step = max(_CELLS // n_bins, 1)
    for start in range(0, len(trains), step):
        part = slice(start, min(start + step, len(trains)))
        row = np.repeat(np.arange(part.stop - start), count[part])
        key = row * n_bins + place[ends[start] : ends[part.stop]]
        height = np.bincount(key, minlength=(part.stop - start) * n_bins).reshape(-1, n_bins)
        centre = _lowest_between(height.T, n_core, void) + lowest + 0.5
        threshold[part] = 10 ** (centre / _BINS) / 1000
    return threshold


def log_isi_bursts(
    trains: Trains,
    void: float = VOID,
    core_interval: float = CORE_INTERVAL,
    longest_interval: float = LONGEST_INTERVAL,
    min_spikes: int = MIN_SPIKES,
) -> Bursts:
    """Find the bursts of each train by a threshold that its own intervals give.

    With a threshold (see `log_isi_threshold`) below `core_interval`, a burst is a run of at least
    `min_spikes` spikes whose intervals are at most the threshold. With one from there up to
    `longest_interval`, it is a run with such intervals that holds a core, `min_spikes` spikes with
    intervals of at most `core_interval`. Without a threshold, or with a longer one, bursts are
    these cores alone. Two cores in one run are one burst.

    The default of `core_interval` is that of the authors, for cultures; for the cells of Izhikevich
    (2003) it is better 10 ms.

    Parameters
    ----------
    trains
        The spike trains.
    void, core_interval
        See `log_isi_threshold`.
    longest_interval
        The threshold from which on it is none, in seconds.
    min_spikes
        The fewest spikes in a burst or in its core, at least two.
    """
    check_positive(longest_interval, "longest_interval")
    check_spikes(min_spikes)
    limit = log_isi_threshold(trains, void, core_interval)
    limit[np.isnan(limit) | (limit >= longest_interval * (1 - ROUNDING))] = core_interval
    first, last = runs(close(trains, _each(trains, limit)))
    core, core_last = runs(close(trains, _each(trains, np.minimum(limit, core_interval))))
    core = core[core_last - core + 1 >= min_spikes]
    at = np.searchsorted(core, first)
    holds = at < core.size
    holds[holds] = core[at[holds]] < last[holds]
    first, last = first[holds], last[holds]
    return found(trains, first, last, limit[trains.train_of(first)])


def _log(milliseconds: FloatArray | float) -> FloatArray:
    """Return where intervals are on the histogram's axis; at an edge rounding counts upwards."""
    return np.asarray(_BINS * np.log10(np.multiply(milliseconds, 1 + ROUNDING)))


def _each(trains: Trains, limit: FloatArray) -> FloatArray:
    """Return the limit of a train for each pair of neighbours; at joins it does not matter."""
    return np.repeat(limit, trains.count)[:-1]


def _lowest_between(height: IntArray, n_core: int, void: float) -> FloatArray:
    """Return the lowest bin between the first two peaks that are parted; NaN where none are.

    Parameters
    ----------
    height
        Histograms, shape (bins, trains).
    n_core
        Number of bins in which the first peak must lie.
    void
        How empty it must be between them.
    """
    n_bins, n_trains = height.shape
    peak = _peaks(height)
    everyone = np.arange(n_trains)
    inside = np.where(peak[: max(n_core, 0)], height[: max(n_core, 0)], 0)
    result = np.full(n_trains, np.nan)
    if not inside.size:
        return result
    first = inside.argmax(axis=0)
    g_1 = inside[first, everyone]
    lowest = np.full(n_trains, np.iinfo(np.int64).max)
    where = np.zeros(n_trains, dtype=np.int64)
    for bin in range(n_bins):
        later = (bin > first) & (g_1 > 0)
        reached = later & peak[bin] & np.isnan(result)
        if reached.any():
            depth = 1 - lowest[reached] / np.sqrt(g_1[reached] * height[bin, reached])
            parted = np.flatnonzero(reached)[depth >= void - ROUNDING]
            result[parted] = where[parted]
        lower = later & (height[bin] < lowest)
        lowest[lower] = height[bin, lower]
        where[lower] = bin
    return result


def _peaks(height: IntArray) -> BoolArray:
    """Return which bins are peaks; outside a histogram there is nothing."""
    bounded = np.pad(height, ((1, 1), (0, 0)))
    falls = np.ones(height.shape, dtype=np.bool_)
    for bin in range(height.shape[0] - 2, -1, -1):
        after = height[bin + 1]
        falls[bin] = (after < height[bin]) | ((after == height[bin]) & falls[bin + 1])
    peaks: BoolArray = (bounded[1:-1] > bounded[:-2]) & falls
    return peaks
