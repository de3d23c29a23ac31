"""Bursts by the void between the peaks of a train's interval histogram (logISI)."""

from __future__ import annotations

import numpy as np

from izhi.spikes.burst import MIN_SPIKES, Bursts, check_positive, check_spikes, close, found, runs
from izhi.spikes.trains import (
    ROUNDING,
    BoolArray,
    FloatArray,
    IntArray,
    Trains,
    reduce_per_train,
    sum_per_train,
)

VOID = 0.7
"""Default of how empty the histogram must be between two peaks, from 0 to 1."""
CORE_INTERVAL = 0.1
"""Default of the longest interval in the core of a burst, in seconds."""
LONGEST_INTERVAL = 1.0
"""Default of the threshold, in seconds, from which on it is none of bursts."""

_BINS = 10
"""Edges of the histogram in a decade."""

_APART = 2
"""Bins on either side that a peak exceeds."""

_NONE = -1.0
"""A limit that no interval keeps to."""

_CELLS = 1 << 22
"""Most values of the histograms that are made at a time."""


def log_isi_threshold(
    trains: Trains, void: float = VOID, core_interval: float = CORE_INTERVAL
) -> FloatArray:
    """Return the interval that parts those within bursts from those between, for each train.

    The histogram of the intervals' logarithms goes from 1 ms to the first power of ten, 10^n ms,
    that no interval exceeds; 10 n edges part it evenly. A peak is a bin, neither the first nor the
    last, that exceeds the two before it and is not below the two after it. The highest peak that
    begins below `core_interval` is that of the intervals within bursts. The first later peak from
    which it is parted well enough is that of those between: with g_min the lowest count between
    peaks of g_1 and g_2, ``1 - g_min / sqrt(g_1 g_2)`` is at least `void`. The threshold is the
    lower edge of the lowest bin between them, the first of several.

    After V. Pasquale, S. Martinoia and M. Chiappalone (2010), A self-adapting approach for the
    detection of bursts and network bursts in neuronal cultures, J. Comput. Neurosci. 29:213, and as
    in their program and that of E. Cotterill et al. (2016), edges and distance of peaks included.
    There the histogram is smoothed by lowess with f = 0.05, which leaves one of fewer than 80 bins
    as it is; here none is smoothed.

    Parameters
    ----------
    trains
        The spike trains. Intervals of less than 1 ms are not in the histogram.
    void
        How empty the histogram must be between the peaks, from 0 to 1.
    core_interval
        Where the first peak must lie below, in seconds.

    Returns
    -------
    FloatArray
        Seconds; NaN where there are no two such peaks.
    """
    threshold = _thresholds(trains, void, core_interval)
    threshold[threshold == _NONE] = np.nan
    return threshold


def _thresholds(trains: Trains, void: float, core_interval: float) -> FloatArray:
    """Return the thresholds, `_NONE` where there is not even a first peak."""
    if not 0 <= void <= 1:
        raise ValueError(f"void must be from 0 to 1, got {void}")
    check_positive(core_interval, "core_interval")
    threshold = np.full(len(trains), _NONE)
    log = _log10(trains.interval * 1000)
    longest = reduce_per_train(np.maximum, log, trains.interval_count, -np.inf)
    # an edge itself is below the next power of ten
    decades = np.ceil(np.maximum(longest - 2 * ROUNDING, 0.0)).astype(np.int64)
    counted = log >= 0
    if not counted.any():
        return threshold
    count = sum_per_train(counted, trains.interval_count)
    width = decades / np.maximum(_BINS * decades - 1, 1)  # in powers of ten
    n_bins = max(_BINS * int(decades.max()) - 1, 1)
    ends = np.concatenate([[0], np.cumsum(count)])
    of_train = np.repeat(np.arange(len(trains)), count)
    with np.errstate(divide="ignore", invalid="ignore"):  # of a histogram without bins
        place = np.floor(np.nan_to_num(log[counted] / width[of_train], posinf=0.0) + ROUNDING)
    place = place.astype(np.int64)
    place = np.clip(place, 0, np.maximum(_BINS * decades[of_train] - 2, 0))
    step = max(_CELLS // n_bins, 1)
    for start in range(0, len(trains), step):
        part = slice(start, min(start + step, len(trains)))
        here = slice(ends[start], ends[part.stop])
        key = (of_train[here] - start) * n_bins + place[here]
        height = np.bincount(key, minlength=(part.stop - start) * n_bins).reshape(-1, n_bins)
        core = _log10(np.array(core_interval * 1000 * (1 - 2 * ROUNDING)))
        with np.errstate(divide="ignore", invalid="ignore"):
            n_core = np.where(decades[part] > 0, core / width[part], 0.0)
        last = _BINS * decades[part] - 2
        lowest, analysed = _lowest_between(height.T, n_core, last, void)
        threshold[part] = np.where(analysed, 10 ** (lowest * width[part]) / 1000, _NONE)
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
    these cores alone; where the histogram has no peak below `core_interval`, there are none. Two
    cores in one run are one burst.

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
    limit = _thresholds(trains, void, core_interval)
    limit[np.isnan(limit) | (limit >= longest_interval * (1 - ROUNDING))] = core_interval
    first, last = runs(close(trains, _each(trains, limit)))
    core, core_last = runs(close(trains, _each(trains, np.minimum(limit, core_interval))))
    core = core[core_last - core + 1 >= min_spikes]
    at = np.searchsorted(core, first)
    holds = at < core.size
    holds[holds] = core[at[holds]] < last[holds]
    first, last = first[holds], last[holds]
    return found(trains, first, last, limit[trains.train_of(first)])


def _log10(milliseconds: FloatArray) -> FloatArray:
    """Return logarithms; at an edge rounding counts upwards."""
    with np.errstate(divide="ignore"):
        return np.asarray(np.log10(np.multiply(milliseconds, 1 + ROUNDING)))


def _each(trains: Trains, limit: FloatArray) -> FloatArray:
    """Return the limit of a train for each pair of neighbours; at joins it does not matter."""
    return np.repeat(limit, trains.count)[:-1]


def _lowest_between(
    height: IntArray, n_core: FloatArray, last: IntArray, void: float
) -> tuple[FloatArray, BoolArray]:
    """Return the lowest bin between the first two peaks that are parted; NaN where none are.

    Parameters
    ----------
    height
        Histograms, shape (bins, trains).
    n_core
        Bins below which the first peak must begin, of each train.
    last
        The last bin of each train's histogram.
    void
        How empty it must be between them.

    Returns
    -------
    lowest, analysed
        The bins; and which trains have a first peak at all.
    """
    n_bins, n_trains = height.shape
    bins = np.arange(n_bins)[:, None]
    peak = _peaks(height) & (bins > 0) & (bins < last)
    inside = np.where(peak & (bins < n_core), height, 0)
    first = inside.argmax(axis=0)
    g_1 = inside[first, np.arange(n_trains)]
    result = np.full(n_trains, np.nan)
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
    return result, g_1 > 0


def _peaks(height: IntArray) -> BoolArray:
    """Return which bins are peaks, of equal ones the first; outside a histogram is nothing."""
    padded = np.pad(height, ((_APART, _APART), (0, 0)))
    n_bins = height.shape[0]
    before = np.max([padded[k : k + n_bins] for k in range(_APART)], axis=0)
    after = np.max([padded[_APART + k : _APART + k + n_bins] for k in (1, _APART)], axis=0)
    peaks: BoolArray = (height > before) & (height >= after)
    return peaks
