"""Bursts that would be a surprise in a Poisson process of the train's own rate."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from izhi.spikes.burst import MIN_SPIKES, Bursts, check_spikes, found
from izhi.spikes.intervals import isi_mean
from izhi.spikes.trains import ROUNDING, BoolArray, FloatArray, IntArray, Trains

SURPRISE = 5.0
"""Default of the least surprise of a burst, in natural units."""

_STEPS = 8
"""Terms of a sum that are added before it is looked at whether more are needed."""

_LOOK_AHEAD = 10
"""Spikes among which one is looked for that makes a burst more of a surprise."""


def poisson_surprise(n_spikes: ArrayLike, duration: ArrayLike, mean: ArrayLike) -> FloatArray:
    """Return how improbable it is that so many spikes come so soon in a Poisson process.

    ``S = -ln P(X >= n - 1)``, with X Poisson distributed of mean duration / mean interval: after
    its first spike a burst has n - 1 more. Natural logarithm and n - 1 as in sjemea (R);
    NeuroExplorer has ``-log10 P(X >= n)``, which is ``poisson_surprise(n + 1, ...) / ln 10``. After
    C. R. Legendy and M. Salcman (1985), Bursts and recurrences of bursts in the spike trains of
    spontaneously active striate cortex neurons.

    Parameters
    ----------
    n_spikes
        Numbers of spikes, at least 1.
    duration
        Times from the first spike to the last, in seconds.
    mean
        Mean interspike intervals of the trains, in seconds.

    Returns
    -------
    FloatArray
        Of the common shape of all three; infinite where the spikes are at one time.
    """
    count = np.asarray(n_spikes, np.int64) - 1
    expected = np.asarray(duration, np.float64) / np.asarray(mean, np.float64)
    count, expected = np.broadcast_arrays(count, expected)
    if count.size and (count.min() < 0 or not (expected >= 0).all()):
        raise ValueError("n_spikes must be at least 1, duration not negative, and mean positive")
    logs = np.concatenate([[0.0], np.cumsum(np.log(np.arange(1, count.max(initial=0) + 1)))])
    with np.errstate(divide="ignore"):
        # the largest term of the sum that makes the probability, or its complement
        rare = expected < count + 1
        top = np.where(rare, count, np.maximum(count - 1, 0))
        term = top * np.log(np.where(expected > 0, expected, 1.0)) - expected - logs[top]
        term = np.where((expected == 0) & (top > 0), -np.inf, term)
        sums = _series(count, expected, rare)
        result = np.where(
            rare, -term - np.log(sums), -np.log1p(-np.exp(np.minimum(term, 0.0)) * sums)
        )
    result[count == 0] = 0.0
    return np.asarray(np.maximum(result, 0.0))


def _series(count: IntArray, expected: FloatArray, rare: BoolArray) -> FloatArray:
    """Return the sum of the Poisson terms from `count` upwards, or below it, over the first."""
    result = np.ones(count.size)
    left = np.arange(count.size)
    n, up = count.ravel().astype(np.float64), rare.ravel()
    sign = np.where(up, 1.0, -1.0)
    over = np.where(up, 1.0, expected.ravel())  # the ratio of a term to the one before it is
    mean = np.where(up, expected.ravel(), 1.0)  # mean / (n + step), or (n - step) / mean
    term, total = np.ones(count.size), np.ones(count.size)
    first = 1
    while left.size:
        for step in range(first, first + _STEPS):
            moved = np.maximum(n + sign * step, 0.0)
            term = term * np.where(sign > 0, mean / np.where(moved > 0, moved, 1.0), moved / over)
            total += term
        result[left] = total
        more = term > 1e-17 * total
        left = left[more]
        n, sign, over, mean, term, total = (
            values[more] for values in (n, sign, over, mean, term, total)
        )
        first += _STEPS
    return result.reshape(count.shape)


def poisson_surprise_bursts(
    trains: Trains, limit: float = SURPRISE, min_spikes: int = MIN_SPIKES
) -> Bursts:
    """Find the bursts of each train that are a surprise by more than a limit.

    It begins with three spikes whose two intervals are shorter than half the train's mean. Then the
    first of the next ten spikes (or as many as there are) with which the surprise (see
    `poisson_surprise`) is larger joins, with those before it, and so on; a spike with which it is
    not, after an interval of more than twice the mean, ends the search. Then the first spike is
    left out as long as that makes the surprise larger and three spikes are left. The next search
    begins after the burst; where the surprise is not above the limit, at the spike after the first
    of the three.

    Thresholds and look ahead as in sjemea (R); NeuroExplorer ends the search at an interval above
    the mean, and has another surprise.

    Parameters
    ----------
    trains
        The spike trains.
    limit
        The surprise that a burst must exceed, in natural units.
    min_spikes
        The fewest spikes in a burst, at least two.
    """
    check_spikes(min_spikes)
    if not limit >= 0:
        raise ValueError(f"limit must not be negative, got {limit}")
    search = _Search.of(trains)
    firsts, lasts = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
    train = np.flatnonzero(trains.count > 2)
    cursor = trains.offset[:-1][train]
    while train.size:
        seed = search.seed_from[cursor]
        here = seed < trains.offset[1:][train]
        train, seed = train[here], seed[here]
        first, last, surprise = search.lengthened(train, seed)
        first, surprise = search.shortened(train, first, last, surprise)
        kept = (surprise > limit) & (last - first + 1 >= min_spikes)
        firsts.append(first[kept])
        lasts.append(last[kept])
        cursor = np.where(kept, last, seed) + 1
    first, last = np.concatenate(firsts), np.concatenate(lasts)
    order = np.argsort(first, kind="stable")
    first, last = first[order], last[order]
    return found(trains, first, last, 2 * search.mean[trains.train_of(first)])


@dataclass(frozen=True, eq=False)
class _Search:
    """What the search for bursts looks at; it takes one burst of each train at a time.

    Attributes
    ----------
    time
        Times of all spikes.
    mean
        Mean interval of each train.
    end
        Where the last spike of each train is.
    seed_from
        The next spike, from each on, with which a search begins; at last, where there is none.
    """

    time: FloatArray
    mean: FloatArray
    end: IntArray
    seed_from: IntArray

    @classmethod
    def of(cls, trains: Trains) -> _Search:
        mean = isi_mean(trains)
        half = np.repeat(mean, trains.count)[:-1] / 2 * (1 - ROUNDING)
        short = (np.diff(trains.time) < half) & trains.joined
        n = trains.time.size
        seed = np.full(n + 1, n, dtype=np.int64)
        starts = np.flatnonzero(short[:-1] & short[1:])
        seed[starts] = starts
        return cls(
            trains.time, mean, trains.offset[1:] - 1, np.minimum.accumulate(seed[::-1])[::-1]
        )

    def surprise(self, train: IntArray, first: IntArray, last: IntArray) -> FloatArray:
        return poisson_surprise(
            last - first + 1, self.time[last] - self.time[first], self.mean[train]
        )

    def lengthened(self, train: IntArray, seed: IntArray) -> tuple[IntArray, IntArray, FloatArray]:
        """Return first and last spikes and surprise of the longest bursts from some seeds on."""
        last = seed + 2
        surprise = self.surprise(train, seed, last)
        growing = np.arange(train.size)
        while growing.size:
            # most often it is the very next spike with which a burst grows
            grown = self._grow(train, seed, last, surprise, growing, 1)
            left = growing[~grown]
            more = self._grow(train, seed, last, surprise, left, _LOOK_AHEAD)
            growing = np.concatenate([growing[grown], left[more]])
        return seed, last, surprise

    def _grow(
        self,
        train: IntArray,
        seed: IntArray,
        last: IntArray,
        surprise: FloatArray,
        some: IntArray,
        n_ahead: int,
    ) -> BoolArray:
        """Lengthen some bursts by the first spike ahead that helps; return which were."""
        end = self.end[train[some], None]
        ahead = last[some, None] + np.arange(1, n_ahead + 1)
        inside = ahead <= end
        ahead = np.minimum(ahead, end)
        long = self.time[ahead] - self.time[ahead - 1] > (
            2 * (1 + ROUNDING) * self.mean[train[some], None]
        )
        # seen, unless a spike before it ended the search
        inside[:, 1:] &= ~np.logical_or.accumulate(long, axis=1)[:, :-1]
        there = self.surprise(train[some, None], seed[some, None], ahead)
        better = inside & (there > surprise[some, None])
        grown = np.asarray(better.any(axis=1))
        at = better.argmax(axis=1)[grown]
        last[some[grown]] = ahead[grown, at]
        surprise[some[grown]] = there[grown, at]
        return grown

    def shortened(
        self, train: IntArray, first: IntArray, last: IntArray, surprise: FloatArray
    ) -> tuple[IntArray, FloatArray]:
        """Return first spikes and surprise after leaving out spikes that made it smaller."""
        first = first.copy()
        going = np.flatnonzero(last - first > 2)
        while going.size:
            there = self.surprise(train[going], first[going] + 1, last[going])
            better = there > surprise[going]
            going, there = going[better], there[better]
            first[going] += 1
            surprise[going] = there
            going = going[last[going] - first[going] > 2]
        return first, surprise
