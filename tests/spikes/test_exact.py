"""Measures and burst detectors against tests/spikes/exact.py, on many trains at once.

Trains are whole numbers of steps of 0.1 ms, with intervals of zero, at the thresholds and one step
to either side. The literal versions get them as fractions and so decide exactly; izhi.spikes gets
``k * dt`` in floating point, all trains in one `Trains`, where a mistake at a join shows.
"""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from izhi.spikes import (
    Trains,
    adaptation_index,
    adaptation_ratio,
    burst_count,
    burst_duration,
    burst_rate,
    burst_share,
    bursts,
    cv2,
    interburst_interval,
    intraburst_frequency,
    isi_cv,
    isi_mean,
    isi_median,
    isi_min,
    log_isi_bursts,
    log_isi_threshold,
    lv,
    lvr,
    max_interval_bursts,
    poisson_surprise,
    poisson_surprise_bursts,
    spikes_per_burst,
)
from tests.spikes import exact

DT, SECOND = 1e-4, 10_000  # steps in a second


def steps_of(start, intervals):
    return np.concatenate([[start], start + np.cumsum(np.asarray(intervals, dtype=int))]).tolist()


def pack(parts):
    steps = np.array([k for part in parts for k in part], dtype=np.int64)
    return Trains(steps * DT, np.array([len(part) for part in parts], dtype=np.int64))


def as_fractions(part):
    return [Fraction(k, SECOND) for k in part]


def per_train(found):
    """Bursts of each train as pairs of the first and the last spike's index in it."""
    pairs = [[] for _ in range(len(found.trains))]
    for train, first, n in zip(found.train, found.first, found.n_spikes, strict=True):
        within = int(first - found.trains.offset[train])
        pairs[train].append((within, within + int(n) - 1))
    return pairs


def random_intervals(kind, seed, m):
    """Poisson or bursty intervals, in steps."""
    rng = np.random.default_rng(seed)
    if kind == "poisson":
        return np.rint(rng.exponential(rng.choice([20, 300]), m)).astype(int)
    short = np.rint(rng.gamma(4, rng.choice([5, 20]), m)).astype(int)
    long = np.rint(rng.gamma(4, rng.choice([100, 1000]), m)).astype(int)
    return np.where(rng.random(m) < rng.choice([0.6, 0.85, 0.95]), short, long)


def many_trains(*intervals):
    """Trains of these intervals, of runs of them, and random ones; empty ones among them."""
    pool = sorted({max(k, 0) for k in intervals})
    one = st.sampled_from(pool)
    run = st.builds(lambda k, n: [k] * n, one, st.integers(1, 25))
    some = st.one_of(
        st.lists(one, max_size=20),
        st.lists(run, max_size=6).map(lambda runs: [k for run in runs for k in run]),
        st.builds(
            random_intervals,
            st.sampled_from(["poisson", "bursty"]),
            st.integers(0, 2**32 - 1),
            st.integers(0, 80),
        ),
    )
    train = st.builds(steps_of, st.integers(0, 10**6), some)
    return st.lists(st.one_of(train, train, train, st.just([])), max_size=6)


def around(*thresholds):
    return [k + d for k in thresholds for d in (-1, 0, 0, 1)]


# Measures

MEASURES = {
    isi_mean: exact.isi_mean,
    isi_median: exact.isi_median,
    isi_min: exact.isi_min,
    isi_cv: exact.isi_cv,
    cv2: exact.cv2,
    lv: exact.lv,
    lvr: exact.lvr,
    adaptation_index: exact.adaptation_index,
    adaptation_ratio: exact.adaptation_ratio,
}


@pytest.mark.parametrize("fast", MEASURES, ids=lambda fast: fast.__name__)
@settings(deadline=None)
@given(parts=many_trains(0, 0, 1, 2, 50, 100, 1000))
def test_measures(fast, parts):
    expected = [MEASURES[fast](as_fractions(part)) for part in parts]
    # The times themselves are rounded, to 1e-14 s, which is 1e-10 of a step.
    np.testing.assert_allclose(fast(pack(parts)), expected, rtol=1e-8, atol=1e-6)


@settings(deadline=None)
@given(
    st.lists(st.lists(st.floats(1 / 64, 10, width=32), max_size=30), max_size=6), st.floats(0, 0.02)
)
def test_measures_off_the_grid(parts, refractory):
    """Without rounding in the way, they agree to the last digits."""
    parts = [np.cumsum([0.0, *part]).tolist() for part in parts]
    trains = Trains(
        np.array([t for part in parts for t in part]),
        np.array([len(part) for part in parts], dtype=np.int64),
    )
    for fast, literal in MEASURES.items():
        expected = [literal([Fraction(t) for t in part]) for part in parts]
        np.testing.assert_allclose(fast(trains), expected, rtol=1e-12, atol=1e-14)
    expected = [exact.lvr([Fraction(t) for t in part], refractory) for part in parts]
    np.testing.assert_allclose(lvr(trains, refractory), expected, rtol=1e-12, atol=1e-14)


# Detectors


@settings(deadline=None)
@given(st.integers(1, 300), st.integers(2, 6), st.data())
def test_fixed_interval(limit, min_spikes, data):
    parts = data.draw(many_trains(0, 1, 3 * limit, *around(limit)))
    found = bursts(pack(parts), limit / SECOND, min_spikes)
    limit = Fraction(limit, SECOND)
    assert per_train(found) == [
        exact.fixed_interval_bursts(as_fractions(part), limit, min_spikes) for part in parts
    ]


@settings(deadline=None, max_examples=100)
@given(
    begin=st.integers(1, 200),
    more=st.sampled_from([0, 1, 50]),
    gap=st.integers(0, 500),
    duration=st.integers(0, 200),
    min_spikes=st.integers(2, 6),
    data=st.data(),
)
def test_max_interval(begin, more, gap, duration, min_spikes, data):
    thresholds = begin, begin + more, gap, duration
    parts = data.draw(many_trains(0, 1, *around(*thresholds)))
    found = max_interval_bursts(pack(parts), *(k / SECOND for k in thresholds), min_spikes)
    assert per_train(found) == [
        exact.max_interval_bursts(
            as_fractions(part), *(Fraction(k, SECOND) for k in thresholds), min_spikes
        )
        for part in parts
    ]


def test_max_interval_must_not_begin_with_longer_intervals_than_it_ends_with():
    with pytest.raises(ValueError, match="begin_interval"):
        max_interval_bursts(pack([[0, 1]]), 0.02, 0.01, 0, 0, 3)


# Intervals in many bins, among them the edges that are whole numbers of steps: 0.1, 1, 10, 100 ms
# and 1 s.
LOG_POOL = [0, 1, 2, 5, *around(10), 20, 30, *around(100), 300, *around(1000), 3000, 9999, 10_000]
VOIDS = ["0.2", "0.5", "0.7", "0.9", "1"]


@settings(deadline=None, max_examples=100)
@given(
    parts=many_trains(*LOG_POOL),
    void=st.sampled_from(VOIDS),
    core=st.sampled_from([10, 50, 100, 1000]),
    longest=st.sampled_from([1000, 10_000]),
    min_spikes=st.integers(2, 6),
)
def test_log_isi(parts, void, core, longest, min_spikes):
    trains, trains_exact = pack(parts), [as_fractions(part) for part in parts]
    given_void, given_core = Fraction(void), Fraction(core, SECOND)
    threshold = [exact.log_isi_threshold(part, given_void, given_core) for part in trains_exact]
    np.testing.assert_allclose(
        log_isi_threshold(trains, float(void), core / SECOND), threshold, rtol=1e-9
    )
    found = log_isi_bursts(trains, float(void), core / SECOND, longest / SECOND, min_spikes)
    assert per_train(found) == [
        exact.log_isi_bursts(part, given_void, given_core, Fraction(longest, SECOND), min_spikes)
        for part in trains_exact
    ]


RANGES = (0, 0.1), (0.1, 0.15), (0.15, np.inf)  # of thresholds


def test_log_isi_on_histograms_of_several_parts():
    """Each of the four ways to make bursts of a threshold, or of none, is met often."""
    rng = np.random.default_rng(0)
    parts = []
    for _ in range(400):
        scale = [10 ** rng.uniform(1, 3.1), 10 ** rng.uniform(2, 4.9)]
        sizes = rng.integers([10, 10], [80, 40])
        steps = [
            np.rint(rng.lognormal(np.log(s), 0.5, n)) for s, n in zip(scale, sizes, strict=True)
        ]
        parts.append(steps_of(0, rng.permutation(np.concatenate(steps))))
    trains, trains_exact = pack(parts), [as_fractions(part) for part in parts]
    defaults = Fraction("0.7"), Fraction("0.1")
    threshold = [exact.log_isi_threshold(part, *defaults) for part in trains_exact]
    np.testing.assert_allclose(log_isi_threshold(trains), threshold, rtol=1e-9)
    for longest in (1.0, 0.15):
        assert per_train(log_isi_bursts(trains, 0.7, 0.1, longest)) == [
            exact.log_isi_bursts(part, *defaults, longest, 3) for part in trains_exact
        ]
    assert per_train(log_isi_bursts(trains)) == per_train(log_isi_bursts(trains, 0.7, 0.1, 1.0, 3))
    threshold = np.array(threshold)
    assert np.isnan(threshold).sum() > 10
    assert [np.sum((a <= threshold) & (threshold < b)) > 10 for a, b in RANGES] == [True] * 3


@settings(deadline=None)
@given(
    parts=many_trains(0, 1, 1, 1, 2, 3, 4, 8, 40),
    limit=st.sampled_from([0.0, 0.5, 2.0, 5.0]),
    min_spikes=st.integers(2, 6),
)
def test_poisson_surprise(parts, limit, min_spikes):
    found = poisson_surprise_bursts(pack(parts), limit, min_spikes)
    assert per_train(found) == [
        exact.poisson_surprise_bursts(as_fractions(part), limit, min_spikes) for part in parts
    ]


@st.composite
def trains_around_their_means(draw):
    """Trains with an even mean interval, and intervals of half and twice that, or a step off."""
    parts = []
    for _ in range(draw(st.integers(1, 4))):
        half = draw(st.integers(2, 40))
        short = st.sampled_from([0, 1, *around(half)])
        burst = st.lists(short, min_size=2, max_size=12)
        pause = st.sampled_from(around(4 * half))
        pieces = draw(st.lists(st.tuples(burst, pause), min_size=1, max_size=5))
        found = [k for intervals, after in pieces for k in [*intervals, after]]
        # The last interval makes the mean what it should be.
        while (rest := 2 * half * (len(found) + 1) - sum(found)) < 0:
            found.append(half)
        parts.append(steps_of(draw(st.integers(0, 10**6)), [*found, rest]))
    return parts


@settings(deadline=None, max_examples=40)
@given(parts=trains_around_their_means(), limit=st.sampled_from([0.0, 0.5, 2.0]))
def test_poisson_surprise_with_intervals_of_half_and_twice_the_mean(parts, limit):
    found = poisson_surprise_bursts(pack(parts), limit)
    assert per_train(found) == [
        exact.poisson_surprise_bursts(as_fractions(part), limit, 3) for part in parts
    ]


def test_poisson_surprise_on_long_trains():
    rng = np.random.default_rng(1)
    kinds = rng.choice(["poisson", "bursty"], 60)
    parts = [steps_of(7, random_intervals(kind, seed, 300)) for seed, kind in enumerate(kinds)]
    found = per_train(poisson_surprise_bursts(pack(parts), 3.0))
    assert found == [exact.poisson_surprise_bursts(as_fractions(part), 3.0, 3) for part in parts]
    sizes = [last - first + 1 for of_part in found for first, last in of_part]
    assert len(sizes) > 100
    assert max(sizes) > 20


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(2, 3000), st.integers(0, 10**6), st.integers(1, 10_000)), max_size=20
    )
)
def test_the_surprise_itself(rows):
    n, duration, interval = np.array(rows, dtype=np.int64).reshape(-1, 3).T
    surprise = poisson_surprise(n, duration * DT, interval * DT)
    expected = [exact.poisson_surprise(n, d, Fraction(interval)) for n, d, interval in rows]
    np.testing.assert_allclose(surprise, expected, rtol=1e-10, atol=1e-15)


def test_the_surprise_of_one_burst_in_both_conventions():
    n, duration, interval = 5, 0.011361205, 0.011862267
    assert poisson_surprise(n, duration, interval) == pytest.approx(4.103978, abs=1e-6)
    # Others take P(X >= n) where here it is P(X >= n - 1), and the decimal logarithm.
    decimal = poisson_surprise(n + 1, duration, interval) / math.log(10)
    assert decimal == pytest.approx(2.515353, abs=1e-6)


@pytest.mark.parametrize("n", [2, 3, 4])
def test_the_surprise_of_few_spikes_in_closed_form(n):
    for x in (1e-6, 0.1, 1.0, 5.0):
        below = math.exp(-x) * sum(x**k / math.factorial(k) for k in range(n - 1))
        if 1 - below > 1e-4:
            assert poisson_surprise(n, x, 1.0) == pytest.approx(-math.log(1 - below), rel=1e-10)
        else:
            leading = x ** (n - 1) / math.factorial(n - 1)
            assert poisson_surprise(n, x, 1.0) == pytest.approx(-math.log(leading), rel=1e-6)


# What the bursts are like


@settings(deadline=None)
@given(parts=many_trains(0, 1, 2, *around(100), 300), min_spikes=st.integers(2, 5))
def test_burst_statistics(parts, min_spikes):
    found = bursts(pack(parts), 0.01, min_spikes)
    literal = [
        (
            as_fractions(part),
            exact.fixed_interval_bursts(as_fractions(part), Fraction(1, 100), min_spikes),
        )
        for part in parts
    ]
    assert burst_count(found).tolist() == [len(of_part) for _, of_part in literal]
    got = {
        exact.burst_rate: burst_rate(found, 30.0),
        exact.spikes_per_burst: spikes_per_burst(found),
        exact.burst_duration: burst_duration(found),
        exact.intraburst_frequency: intraburst_frequency(found),
        exact.interburst_interval: interburst_interval(found),
        exact.burst_share: burst_share(found),
    }
    for statistic, values in got.items():
        window = (30.0,) if statistic is exact.burst_rate else ()
        expected = [float(statistic(part, of_part, *window)) for part, of_part in literal]
        np.testing.assert_allclose(
            values, expected, rtol=1e-7, atol=1e-9, err_msg=statistic.__name__
        )


def test_worked_bursts_of_each_detector():
    """One train whose bursts are told by hand, in ms: three quick, a pair, five slow, one alone."""
    train = [0, 4, 8, 60, 64, 200, 212, 224, 236, 248, 900]
    trains = pack([[], [10 * t for t in train], [5]])
    assert per_train(bursts(trains)) == [[], [(0, 2)], []]
    assert per_train(max_interval_bursts(trains, 0.005, 0.012, 0.06, 0, 3)) == [[], [(0, 4)], []]
    assert per_train(max_interval_bursts(trains, 0.012, 0.012, 0.052, 0, 2)) == [
        [],
        [(0, 2), (3, 4), (5, 9)],
        [],
    ]
    assert per_train(max_interval_bursts(trains, 0.012, 0.012, 0, 0.008, 3)) == [
        [],
        [(0, 2), (5, 9)],
        [],
    ]


def test_a_chattering_cell_is_one_burst_by_what_is_used_for_cultures():
    cycle = [18, 21, 27, 48, 480]
    trains = pack([steps_of(0, cycle * 17), steps_of(0, [448] * 22)])
    found = max_interval_bursts(trains, 0.17, 0.3, 0.2, 0.01, 3)
    assert per_train(found) == [[(0, 85)], [(0, 22)]]
