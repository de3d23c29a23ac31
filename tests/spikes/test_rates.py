"""Windows, bins and rates over time, against counting by hand."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from izhi import spikes
from izhi.spikes import Trains

DT = 1e-4
LATE = spikes.Settings(("isi_cv",), start=2.0)

trains_of = st.lists(
    st.lists(st.sampled_from([0, 30, 300, 999]) | st.integers(0, 1000), max_size=12).map(sorted),
    max_size=6,
)


def packed(parts):
    time = np.array([k * DT for part in parts for k in part], float)
    return Trains(time, np.array([len(part) for part in parts], int))


def within(part, start, stop):
    return [k for k in part if start <= k < stop]


@settings(deadline=None)
@given(trains_of, st.lists(st.integers(0, 1000), min_size=2, max_size=8, unique=True).map(sorted))
def test_bins(parts, edges) -> None:
    # the same instants as the spikes', with other last bits
    found = spikes.binned_count(packed(parts), np.array(edges) / 10_000)
    expected = [[len(within(part, a, b)) for a, b in itertools.pairwise(edges)] for part in parts]
    assert found.tolist() == expected
    assert found.shape == (len(parts), len(edges) - 1)
    rate = spikes.binned_rate(packed(parts), np.array(edges) / 10_000)
    np.testing.assert_allclose(rate, found / (np.diff(edges) / 10_000))


@settings(deadline=None)
@given(trains_of, st.integers(0, 500), st.integers(1, 500), st.data())
def test_windows(parts, start, length, data) -> None:
    stop = start + length
    cut = packed(parts).during(start / 10_000, stop / 10_000)
    expected = [within(part, start, stop) for part in parts]
    assert cut.count.tolist() == [len(part) for part in expected]
    assert cut.time.tolist() == packed(expected).time.tolist()
    starts = [data.draw(st.integers(0, 500)) for _ in parts]
    own = packed(parts).during(np.array(starts) / 10_000, np.inf)
    assert own.count.tolist() == [
        len(within(p, a, 2000)) for p, a in zip(parts, starts, strict=True)
    ]
    rate = spikes.firing_rate_during(packed(parts), start / 10_000, stop / 10_000)
    np.testing.assert_allclose(rate, [len(part) / length * 10_000 for part in expected])
    assert np.isnan(spikes.firing_rate_during(packed(parts), 0.02, 0.02)).all()


@settings(deadline=None)
@given(trains_of, st.integers(1, 20))
def test_blocks_are_all_trains_once(parts, size) -> None:
    trains = packed(parts)
    seen, counts = [], []
    for part, block in trains.blocks(size):
        seen += range(part.start, part.stop)
        counts += block.count.tolist()
        first, stop = trains.offset[part.start], trains.offset[part.stop]
        assert block.time.tolist() == trains.time[first:stop].tolist()
    assert seen == list(range(len(parts)))
    assert counts == [len(part) for part in parts]


@settings(deadline=None)
@given(trains_of, st.data())
def test_some_trains(parts, data) -> None:
    if not parts:
        return
    number = data.draw(st.lists(st.integers(0, len(parts) - 1), max_size=8))
    found = packed(parts).take(np.array(number, int))
    assert found.time.tolist() == packed([parts[n] for n in number]).time.tolist()
    assert found.count.tolist() == [len(parts[n]) for n in number]


def test_trains_by_their_offsets() -> None:
    trains = Trains.from_offsets([0.1, 0.2, 0.3], [0, 2, 2, 3])
    assert trains.count.tolist() == [2, 0, 1]
    assert trains.offset.tolist() == [0, 2, 2, 3]
    for offset, said in [
        ([0, 2], "offset must go from 0 to the number of spikes, which is 3; got 0 to 2"),
        ([1, 3], "offset must go from 0 to the number of spikes, which is 3; got 1 to 3"),
        ([], "offset must go from 0 to the number of spikes, which is 3; got none"),
        ([0, 3, 2, 3], "count must not be negative; train 1 has -1"),
    ]:
        with pytest.raises(ValueError) as caught:
            Trains.from_offsets([0.1, 0.2, 0.3], offset)
        assert str(caught.value) == said


def test_the_histogram_around_the_stimulus() -> None:
    parts = [[200, 250, 260, 400], [310, 350, 900], [100]]
    found = spikes.peristimulus_histogram(
        packed(parts), [0.02, 0.03, np.nan], [0, 0.005, 0.01, 0.1]
    )
    # after the onsets: 0, 50, 60, 200 and 10, 50, 600 steps; two trains
    assert found == pytest.approx([2 / 0.005 / 2, 3 / 0.005 / 2, 2 / 0.09 / 2])
    assert np.isnan(spikes.peristimulus_histogram(packed(parts), np.nan, [0, 1])).all()


@settings(deadline=None)
@given(trains_of, st.lists(st.integers(0, 1100), min_size=1, max_size=8, unique=True).map(sorted))
def test_the_rate_at_a_time_is_that_of_the_interval_around_it(parts, times) -> None:
    found = spikes.instantaneous_rate(packed(parts), np.array(times) / 10_000)
    assert found.shape == (len(parts), len(times))
    for part, row in zip(parts, found, strict=True):
        for t, value in zip(times, row, strict=True):
            before = [k for k in part if k <= t]
            after = [k for k in part if k > t]
            expected = 1 / ((after[0] - before[-1]) * DT) if before and after else math.nan
            assert value == pytest.approx(expected, nan_ok=True)


def test_gain_is_the_slope_along_an_axis() -> None:
    current = np.array([0, 1, 3, 4, 6])
    rate = np.stack([2 * current + 1, current**2])
    assert spikes.gain(rate, current)[0] == pytest.approx(2)
    assert spikes.gain(rate, current)[1, 1:-1] == pytest.approx(2 * current[1:-1])
    assert spikes.gain(rate.T, current, axis=0) == pytest.approx(spikes.gain(rate, current).T)
    assert spikes.gain(rate[:, ::-1], current[::-1])[0] == pytest.approx(2)
    with pytest.raises(ValueError, match=r"^current must be two or more numbers that rise or fall"):
        spikes.gain([1, 2, 3], [0, 1, 1])
    with pytest.raises(ValueError, match=r"^rate must have 3 values along axis -1, one for each"):
        spikes.gain([1, 2], [0, 1, 2])


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda t: spikes.binned_count(t, [0.1]), "edges must be two or more, got 1"),
        (lambda t: spikes.binned_count(t, [0.2, 0.1]),
         "edges must be finite numbers in ascending order, of one dimension"),
        (lambda t: spikes.instantaneous_rate(t, [[0.1]]),
         "time must be finite numbers in ascending order, of one dimension"),
        (lambda t: t.during([0, 0, 0], 1),
         "start must be a number or one number per train, of shape (2,); got shape (3,)"),
        (lambda t: spikes.summary_statistics(t, LATE, duration=1),
         "the analysis window from 2.0 s to inf s is empty, or begins after the recording's end at "
         "1.0 s"),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_refused(call, said) -> None:
    with pytest.raises(ValueError) as caught:
        call(Trains([0.1, 0.2], [1, 1]))
    assert str(caught.value) == said
