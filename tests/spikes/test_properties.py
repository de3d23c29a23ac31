"""Every statistic against a slow literal version, on trains made to be awkward.

Trains are drawn as whole numbers of steps, and the literal versions decide with whole numbers and
fractions; izhi.spikes gets the same spikes as ``k * dt`` in floating point.
"""

import itertools
import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from izhi.spikes import (
    Trains,
    burst_count,
    burst_rate,
    bursts,
    firing_rate,
    first_spike_latency,
    isi,
    isi_cv,
    isi_mean,
    spike_count,
    spikes_per_burst,
    summary_statistics,
)

# Step in seconds, and how many of them are 10 ms.
GRIDS = [(1e-4, 100), (5e-5, 200), (1e-5, 1000), (2.5e-4, 40)]


@st.composite
def grid_trains(draw):
    """Trains of whole numbers: with ties, and intervals at, just below and just above 10 ms."""
    dt, limit = draw(st.sampled_from(GRIDS))
    step = st.sampled_from([0, 1, 2, limit - 1, limit, limit, limit, limit + 1, 3 * limit])
    train = st.builds(
        lambda start, steps: [start + sum(steps[:i]) for i in range(len(steps) + 1)],
        st.integers(0, 20_000),
        st.lists(step, max_size=12),
    )
    trains = draw(st.lists(st.one_of(st.just([]), train), max_size=8))
    return dt, limit, trains


def pack(parts, dt=1.0):
    steps = np.array([k for part in parts for k in part], dtype=np.int64)
    return Trains(steps * dt, np.array([len(part) for part in parts], dtype=np.int64))


def literal_bursts(part, limit, min_spikes):
    """Index of the first spike and number of spikes of each burst."""
    found, run = [], []
    for index, k in enumerate(part):
        if run and k - part[run[-1]] > limit:
            found.append(run)
            run = []
        run.append(index)
    found.append(run)
    return [(run[0], len(run)) for run in found if len(run) >= min_spikes]


@settings(deadline=None)
@given(grid_trains())
def test_intervals(drawn):
    dt, _, parts = drawn
    interval, train = isi(pack(parts, dt))
    expected = [
        (number, later - earlier)
        for number, part in enumerate(parts)
        for earlier, later in itertools.pairwise(part)
    ]
    assert train.tolist() == [number for number, _ in expected]
    np.testing.assert_allclose(interval, [k * dt for _, k in expected], atol=1e-12)


@settings(deadline=None)
@given(grid_trains())
def test_mean_and_variation(drawn):
    dt, _, parts = drawn
    trains = pack(parts, dt)
    for part, mean, cv in zip(parts, isi_mean(trains), isi_cv(trains), strict=True):
        intervals = [Fraction(b - a) for a, b in itertools.pairwise(part)]
        if not intervals:
            assert math.isnan(mean) and math.isnan(cv)
            continue
        exact = sum(intervals) / len(intervals)
        assert mean == pytest.approx(float(exact) * dt, abs=1e-12)
        if exact == 0:
            assert math.isnan(cv)
            continue
        variance = sum((x - exact) ** 2 for x in intervals) / len(intervals)
        assert cv == pytest.approx(math.sqrt(variance) / float(exact), abs=1e-7)
        if len(intervals) == 1:
            assert cv == 0


@settings(deadline=None)
@given(grid_trains(), st.integers(2, 5))
def test_bursts(drawn, min_spikes):
    dt, limit, parts = drawn
    trains = pack(parts, dt)
    found = bursts(trains, 0.010, min_spikes)
    literal = [literal_bursts(part, limit, min_spikes) for part in parts]

    expected = []
    position = 0
    for number, (part, of_part) in enumerate(zip(parts, literal, strict=True)):
        for first, size in of_part:
            ends = (part[first] * dt, part[first + size - 1] * dt)
            expected.append((number, position + first, size, *ends))
        position += len(part)
    columns = (found.train, found.first, found.n_spikes, found.start, found.end)
    assert list(zip(*(column.tolist() for column in columns), strict=True)) == expected

    counts = [len(of_part) for of_part in literal]
    assert burst_count(found).tolist() == counts
    np.testing.assert_allclose(burst_rate(found, 2.5), [n / 2.5 * 60 for n in counts])
    means = [
        sum(size for _, size in of_part) / len(of_part) if of_part else math.nan
        for of_part in literal
    ]
    np.testing.assert_allclose(spikes_per_burst(found), means)


@settings(deadline=None)
@given(grid_trains(), st.data())
def test_latency(drawn, data):
    dt, _, parts = drawn
    spikes = [k for part in parts for k in part]
    at = st.integers(0, 25_000)
    if spikes:
        near = st.builds(lambda k, d: max(k + d, 0), st.sampled_from(spikes), st.integers(-1, 1))
        at = near | at
    onset = data.draw(st.lists(at, min_size=len(parts), max_size=len(parts)))
    # 1 / dt is a whole number, so this is the same instant with other last bits.
    written = [k / round(1 / dt) for k in onset]
    latency = first_spike_latency(pack(parts, dt), written)
    for part, start, got in zip(parts, onset, latency, strict=True):
        later = [k - start for k in part if k >= start]
        if not later:
            assert math.isnan(got)
        else:
            assert got == pytest.approx(later[0] * dt, abs=1e-9)
            assert got >= 0


@settings(deadline=None)
@given(grid_trains(), st.floats(0.1, 1e3))
def test_count_and_rate(drawn, duration):
    dt, _, parts = drawn
    trains = pack(parts, dt)
    assert spike_count(trains).tolist() == [len(part) for part in parts]
    expected = [len(part) / duration for part in parts]
    np.testing.assert_allclose(firing_rate(trains, duration), expected)


@settings(deadline=None)
@given(grid_trains(), st.randoms(use_true_random=False))
def test_each_train_has_its_result_wherever_it_is(drawn, random):
    dt, _, parts = drawn
    order = list(range(len(parts)))
    random.shuffle(order)
    duration, onset = np.arange(1.0, 1 + len(parts)), 0.1 * np.arange(len(parts))
    together = summary_statistics(pack(parts, dt), duration=duration, onset=onset)
    moved = summary_statistics(
        pack([parts[i] for i in order], dt), duration=duration[order], onset=onset[order]
    )
    for name, values in together.items():
        np.testing.assert_array_equal(moved[name], values[order], err_msg=name)
    for i, part in enumerate(parts):
        alone = summary_statistics(pack([part], dt), duration=duration[i], onset=onset[i])
        for name, values in together.items():
            np.testing.assert_array_equal(alone[name], values[i : i + 1], err_msg=name)


@settings(deadline=None)
@given(grid_trains())
def test_events_in_order_of_time_give_the_same_trains(drawn):
    dt, _, parts = drawn
    events = sorted((k, number) for number, part in enumerate(parts) for k in part)
    time = np.array([k for k, _ in events], dtype=np.int64) * dt
    made = Trains.from_events(time, [number for _, number in events], len(parts))
    expected = pack(parts, dt)
    assert made.time.tolist() == expected.time.tolist()
    assert made.count.tolist() == expected.count.tolist()


@settings(deadline=None)
@given(
    st.lists(st.lists(st.floats(0, 1, allow_subnormal=False), max_size=30).map(sorted), max_size=6),
    st.floats(1e-3, 1),
)
def test_times_off_the_grid(parts, max_interval):
    trains = Trains(
        np.array([t for part in parts for t in part]),
        np.array([len(part) for part in parts], dtype=np.int64),
    )
    counts = burst_count(bursts(trains, max_interval))
    widened = max_interval * (1 + 1e-9)
    assert counts.tolist() == [len(literal_bursts(part, widened, 3)) for part in parts]
    for part, cv in zip(parts, isi_cv(trains), strict=True):
        if len(part) > 1 and part[-1] - part[0] > 1e-6:
            intervals = np.diff(part)
            assert cv == pytest.approx(np.std(intervals) / np.mean(intervals), abs=1e-9)
