"""How alike trains are: of pairs of cells, and of populations."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from izhi.exponential import exp
from izhi.spikes.recurrence import recurrence
from izhi.spikes.trains import ROUNDING, FloatArray, IntArray, Trains, per_train, sum_per_train

TILE = 0.005
"""Default of the half width of a tile around a spike, in seconds."""

TOLERANCE = 1e-5
"""Default of by how much of its time a spike may lie outside of a tile."""


def spike_time_tiling(
    trains: Trains,
    first: ArrayLike,
    second: ArrayLike,
    start: ArrayLike,
    stop: ArrayLike,
    dt: float = TILE,
    tolerance: float = TOLERANCE,
) -> FloatArray:
    """Return the spike-time tiling coefficient of pairs of trains.

    ``((P_A - T_B) / (1 - P_A T_B) + (P_B - T_A) / (1 - P_B T_A)) / 2``, with P_A the share of the
    spikes of A within `dt` of one of B, and T_A the share of the window within `dt` of a spike of
    A; a term whose ``P T`` is 1 is 1. After C. S. Cutts and S. J. Eglen (2014), Detecting pairwise
    correlations in spike trains.

    A spike at b is within `dt` of one at a for ``|a - b| <= dt + tolerance |b|``. That is what
    Elephant 1.2 does, with a tolerance of 1e-5: at 1 s, 10 microseconds; with 0 it is the authors'
    definition, to the last bit.

    Parameters
    ----------
    trains
        The spike trains, all spikes in their windows.
    first, second
        Numbers of the trains of each pair.
    start, stop
        Edges of the windows in seconds, for all trains or each; those of a pair are the same.
    dt
        Half width of a tile in seconds.
    tolerance
        Share of a spike's time by which it may lie outside.

    Returns
    -------
    FloatArray
        From -1 to 1; NaN where one of the trains is empty.
    """
    if not 0 < dt < math.inf:
        raise ValueError(f"dt must be positive and finite, got {dt} s")
    first, second = _pairs(trains, first, second)
    tiled = _tiled_share(trains, per_train(trains, start, "start"),
                         per_train(trains, stop, "stop"), dt)  # fmt: skip
    merged = _Merged.of(trains, first, second)
    near = merged.near(dt, tolerance)
    with np.errstate(invalid="ignore", divide="ignore"):
        share = [
            sum_per_train(near & (merged.sign == sign), merged.count) / trains.count[numbers]
            for sign, numbers in ((1, first), (-1, second))
        ]
        return (_term(share[0], tiled[second]) + _term(share[1], tiled[first])) / 2


def _term(share: FloatArray, tiled: FloatArray) -> FloatArray:
    return np.where(share * tiled == 1, 1.0, (share - tiled) / (1 - share * tiled))


def _tiled_share(trains: Trains, start: FloatArray, stop: FloatArray, dt: float) -> FloatArray:
    """Return the share of each window within `dt` of a spike; NaN of an empty train."""
    inner = sum_per_train(np.minimum(trains.interval, 2 * dt), trains.interval_count)
    result = np.full(len(trains), np.nan)
    some = trains.count > 0
    begin = trains.time[trains.offset[:-1][some]] - start[some]
    end = stop[some] - trains.time[trains.offset[1:][some] - 1]
    covered = inner[some] + np.minimum(begin, dt) + np.minimum(end, dt)
    result[some] = covered / (stop - start)[some]
    return result


def van_rossum_distance(
    trains: Trains, first: ArrayLike, second: ArrayLike, tau: float
) -> FloatArray:
    """Return the distance of M. C. W. van Rossum (2001) between the trains of pairs.

    Each spike of the one train is an exponential that decays with `tau`, each of the other a
    negative one, and the distance is the root of the integral of the square of their sum, times
    2/tau: 1 between a train of one spike and one without, as in Elephant. Van Rossum has half the
    square. One recurrence along both trains gives it in linear time once they are merged (C.
    Houghton and T. Kreuz, 2012, On the efficient calculation of van Rossum distances), and gives 0
    for equal trains.

    Parameters
    ----------
    trains
        The spike trains.
    first, second
        Numbers of the trains of each pair.
    tau
        Time constant in seconds. With a short one the distance counts spikes that do not coincide,
        with a long one the difference in their numbers.
    """
    if not 0 < tau < math.inf:
        raise ValueError(f"tau must be positive and finite, got {tau} s")
    merged = _Merged.of(trains, *_pairs(trains, first, second))
    decay = np.asarray(exp(-np.maximum(np.diff(merged.time, prepend=0.0), 0.0) / tau))
    sign = merged.sign.astype(np.float64)
    trace = recurrence(decay, sign, merged.count) - sign  # of the spikes before each
    square = merged.count + 2 * sum_per_train(sign * trace, merged.count)
    distance: FloatArray = np.sqrt(np.maximum(square, 0.0))
    return distance


def pairwise_correlation(
    trains: Trains, first: ArrayLike, second: ArrayLike, edges: ArrayLike
) -> FloatArray:
    """Return Pearson's correlation coefficient of the spike counts of pairs of trains.

    As Elephant's ``correlation_coefficient`` of binned trains.

    Parameters
    ----------
    trains
        The spike trains.
    first, second
        Numbers of the trains of each pair.
    edges
        Edges of the bins in seconds, ascending; see `izhi.spikes.binned_count`.

    Returns
    -------
    FloatArray
        From -1 to 1; NaN where one of the trains has the same count in all bins.
    """
    first, second = _pairs(trains, first, second)
    counts = _Counts.of(trains, edges)
    a, b = counts.take(first), counts.take(second)
    # both lists of filled bins ascend, pair after pair
    at = np.minimum(np.searchsorted(b.key, a.key), max(b.key.size - 1, 0))
    product = np.zeros(a.key.size, np.int64)
    if b.key.size:
        product = np.where(b.key[at] == a.key, a.count * b.count[at], 0)
    n = counts.n_bins
    covariance = n * sum_per_train(product, a.filled) - a.total * b.total
    with np.errstate(invalid="ignore", divide="ignore"):
        correlation: FloatArray = covariance / np.sqrt(a.variance * b.variance)
    return correlation


def global_synchrony(trains: Trains, group: ArrayLike, edges: ArrayLike) -> FloatArray:
    """Return how synchronous the cells of populations are, chi.

    The standard deviation over time of the population's mean spike count, over the root mean of the
    variances of its cells, all with ddof 0: 1 for cells that fire together, 1/sqrt(n) for n
    independent ones. After D. Golomb and J. Rinzel (1994), Clustering in globally coupled
    inhibitory neurons, with spike counts for membrane potentials.

    Parameters
    ----------
    trains
        The spike trains.
    group
        Number of the population of each train, from 0 on; -1 for one of none.
    edges
        Edges of the bins in seconds, ascending; see `izhi.spikes.binned_count`.

    Returns
    -------
    FloatArray
        One value per population, from 0 to 1; NaN for one of fewer than two trains, or where each
        has the same count in all bins.
    """
    group = np.asarray(group)
    if group.shape != (len(trains),) or group.dtype.kind not in "iu":
        raise ValueError(f"group must be one whole number per train, of shape ({len(trains)},)")
    counts = _Counts.of(trains, edges)
    n_groups = int(group.max(initial=-1)) + 1
    size = np.bincount(group[group >= 0], minlength=n_groups)
    of_bin = np.repeat(group, counts.filled)
    own = of_bin >= 0
    key = of_bin[own] * counts.n_bins + counts.key[own] % counts.n_bins
    place, where = np.unique(key, return_inverse=True)
    together = np.bincount(where, counts.count[own], minlength=place.size)
    of_place = place // counts.n_bins
    square = np.bincount(of_place, together**2, minlength=n_groups)
    total = np.bincount(of_place, together, minlength=n_groups)
    n = counts.n_bins
    alone = np.bincount(group[group >= 0], counts.variance[group >= 0], minlength=n_groups)
    with np.errstate(invalid="ignore", divide="ignore"):
        chi: FloatArray = np.sqrt((n * square - total**2) / (size * alone))
    chi[(size < 2) | (alone == 0)] = np.nan
    return chi


def _pairs(trains: Trains, first: ArrayLike, second: ArrayLike) -> tuple[IntArray, IntArray]:
    a, b = np.asarray(first), np.asarray(second)
    if a.ndim != 1 or a.shape != b.shape:
        raise ValueError(
            f"first and second must have one shape, of one dimension; got {a.shape} and {b.shape}"
        )
    for numbers, name in ((a, "first"), (b, "second")):
        if numbers.size and (
            numbers.dtype.kind not in "iu" or numbers.min() < 0 or numbers.max() >= len(trains)
        ):
            raise ValueError(f"{name} must be numbers of trains, from 0 to {len(trains) - 1}")
    return a.astype(np.int64), b.astype(np.int64)


@dataclass(frozen=True, eq=False)
class _Merged:
    """The spikes of both trains of each pair in order of time, pair after pair.

    Attributes
    ----------
    time
        Their times.
    sign
        1 for a spike of the first train, -1 for one of the second.
    count
        Number of spikes of each pair.
    """

    time: FloatArray
    sign: NDArray[np.int8]
    count: IntArray

    @classmethod
    def of(cls, trains: Trains, first: IntArray, second: IntArray) -> _Merged:
        a, b = trains.take(first), trains.take(second)
        time = np.concatenate([a.time, b.time])
        order = np.lexsort((time, np.concatenate([a.train, b.train])))
        sign = np.ones(time.size, np.int8)
        sign[a.time.size :] = -1
        return cls(time[order], sign[order], a.count + b.count)

    def near(self, dt: float, tolerance: float) -> NDArray[np.bool_]:
        """Return which spikes are within a tile of one of the other train.

        The next one before and the next one after are as near as any.
        """
        n = self.time.size
        pair = np.repeat(np.arange(self.count.size), self.count)
        place = np.arange(n)
        near = np.zeros(n, np.bool_)
        for sign in (1, -1):
            other = self.sign == -sign
            before = np.maximum.accumulate(np.where(other, place, -1))
            after = np.minimum.accumulate(np.where(other, place, n)[::-1])[::-1]
            for at in (before, after):
                there = np.flatnonzero((self.sign == sign) & (at >= 0) & (at < n))
                there = there[pair[at[there]] == pair[there]]
                theirs = self.time[at[there]]
                # numpy.isclose, of which this is the definition, in its order
                near[there] |= np.abs(self.time[there] - theirs) <= dt + tolerance * np.abs(theirs)
        return near


@dataclass(frozen=True, eq=False)
class _Counts:
    """The filled bins of trains: their keys (train times number of bins, plus bin) and counts."""

    key: IntArray
    count: IntArray
    filled: IntArray
    n_bins: int

    @classmethod
    def of(cls, trains: Trains, edges: ArrayLike) -> _Counts:
        edges = np.asarray(edges, np.float64)
        if edges.ndim != 1 or edges.size < 2 or not (np.diff(edges) > 0).all():
            raise ValueError("edges must be two or more numbers in ascending order")
        n_bins = edges.size - 1
        bin = np.searchsorted(edges - ROUNDING * np.abs(edges), trains.time, side="right") - 1
        inside = (bin >= 0) & (bin < n_bins)
        key, count = np.unique(trains.train[inside] * n_bins + bin[inside], return_counts=True)
        return cls(key, count, np.bincount(key // n_bins, minlength=len(trains)), n_bins)

    def take(self, number: IntArray) -> _Counts:
        """Return the bins of some of the trains, one after the other."""
        filled = self.filled[number]
        shift = np.repeat(np.cumsum(self.filled)[number] - np.cumsum(filled), filled)
        at = shift + np.arange(shift.size)
        key = np.repeat(np.arange(number.size), filled) * self.n_bins + self.key[at] % self.n_bins
        return _Counts(key, self.count[at], filled, self.n_bins)

    @property
    def total(self) -> IntArray:
        """Number of spikes of each train."""
        return np.asarray(sum_per_train(self.count, self.filled))

    @property
    def variance(self) -> FloatArray:
        """Variance of each train's counts, times the square of the number of bins."""
        square = sum_per_train(self.count**2, self.filled)
        return np.asarray(self.n_bins * square - self.total**2, np.float64)
