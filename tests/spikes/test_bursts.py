"""What bursts are made of, which of them a window cuts, and the edges of the surprise."""

import math

import numpy as np
import pytest

from izhi import spikes
from izhi.spikes import Trains


def test_worked_numbers_of_the_surprise_in_both_bases() -> None:
    n, duration, mean = 5, 0.011361205, 0.011862267
    assert spikes.poisson_surprise(n, duration, mean) == pytest.approx(4.103978, abs=1e-6)
    neuroexplorer = spikes.poisson_surprise(n + 1, duration, mean) / math.log(10)
    assert neuroexplorer == pytest.approx(2.515353, abs=1e-6)


def test_surprise_at_the_edges() -> None:
    found = spikes.poisson_surprise([1, 2, 3], 0.0, 1.0)
    assert found.tolist() == [0.0, math.inf, math.inf]
    assert spikes.poisson_surprise([], [], []).shape == (0,)
    many = spikes.poisson_surprise(100_000, 90_000.0, 1.0)
    assert many == pytest.approx(540.319830, abs=1e-5)  # scipy.stats.poisson.logsf(99998, 9e4)
    with pytest.raises(ValueError, match="n_spikes must be at least 1"):
        spikes.poisson_surprise(0, 1.0, 1.0)


def bursts_of(intervals_ms):
    return Trains(0.02 + np.cumsum([0, *intervals_ms]) / 1000, [len(intervals_ms) + 1])


def test_a_burst_exceeds_the_limit_of_surprise() -> None:
    trains = bursts_of([40, 55, 2, 2, 2, 2, 61, 48, 37])
    (burst,) = zip(*[getattr(spikes.poisson_surprise_bursts(trains, 1.0), name).tolist()
                     for name in ("first", "n_spikes", "start", "end")], strict=True)  # fmt: skip
    assert burst[:2] == (2, 5)
    limit = float(spikes.poisson_surprise(5, burst[3] - burst[2], spikes.isi_mean(trains)[0]))
    assert limit > 5
    assert len(spikes.poisson_surprise_bursts(trains, np.nextafter(limit, 0))) == 1
    assert len(spikes.poisson_surprise_bursts(trains, limit)) == 0


def test_burst_statistics_are_those_of_each_burst() -> None:
    trains = bursts_of([2, 3, 50, 4, 4, 4, 60, 2, 2])
    found = spikes.bursts(trains)
    assert spikes.burst_count(found).tolist() == [3]
    assert spikes.burst_rate(found, 2.0).tolist() == [90]
    assert spikes.spikes_per_burst(found) == pytest.approx((3 + 4 + 3) / 3)
    assert spikes.burst_duration(found) == pytest.approx((5 + 12 + 4) / 3e3)
    assert spikes.intraburst_frequency(found) == pytest.approx((400 + 250 + 500) / 3)
    assert spikes.interburst_interval(found) == pytest.approx(0.055)
    assert spikes.burst_share(found).tolist() == [1]
    one = spikes.bursts(bursts_of([2, 3, 50, 50]))
    assert np.isnan(spikes.interburst_interval(one)).all()
    assert spikes.burst_share(one) == pytest.approx(3 / 5)
    none = spikes.bursts(Trains([0.1, 0.5], [2, 0]))
    assert spikes.burst_share(none)[0] == 0 and np.isnan(spikes.burst_share(none)[1])
    assert np.isnan(spikes.burst_duration(none)).all()
    tied = spikes.bursts(Trains([0.1] * 3, [3]))
    assert spikes.burst_duration(tied) == 0 and np.isnan(spikes.intraburst_frequency(tied)).all()


def test_bursts_that_a_window_may_have_cut_are_left_out() -> None:
    trains = bursts_of([2, 3, 50, 4, 4, 4, 60, 2, 2])  # bursts from 20, 75 and 147 ms on
    found = spikes.bursts(trains)
    last = trains.time[-1]
    for start, stop, n in [
        (-np.inf, np.inf, 3), (0.0101, last + 0.0101, 2), (0.0099, last + 0.0101, 3),
        (0.0099, last + 0.0099, 2), (-np.inf, last, 2), (0.01, np.inf, 2),
    ]:  # fmt: skip
        assert len(spikes.whole(found, start, stop)) == n
    longer = spikes.max_interval_bursts(trains, 0.01, 0.02, 0.02)
    assert len(spikes.whole(longer, -np.inf, last + 0.019)) == 2
    assert len(spikes.whole(longer, -np.inf, last + 0.021)) == 3


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda t: spikes.max_interval_bursts(t, 0.02, 0.01),
         "end_interval must be at least begin_interval, 0.02 s; got 0.01 s"),
        (lambda t: spikes.max_interval_bursts(t, min_gap=-1),
         "min_gap must be finite and not negative, got -1 s"),
        (lambda t: spikes.max_interval_bursts(t, min_duration=math.nan),
         "min_duration must be finite and not negative, got nan s"),
        (lambda t: spikes.log_isi_bursts(t, void=2), "void must be from 0 to 1, got 2"),
        (lambda t: spikes.log_isi_bursts(t, longest_interval=0),
         "longest_interval must be positive and finite, got 0 s"),
        (lambda t: spikes.poisson_surprise_bursts(t, limit=-1),
         "limit must not be negative, got -1"),
        (lambda t: spikes.poisson_surprise_bursts(t, min_spikes=1),
         "min_spikes must be at least 2, got 1"),
        (lambda t: spikes.lvr(t, -0.1), "refractory must be finite and not negative, got -0.1 s"),
    ],
)  # fmt: skip
def test_limits_that_make_no_sense(call, said) -> None:
    with pytest.raises(ValueError) as caught:
        call(Trains([0.1, 0.2], [2]))
    assert str(caught.value) == said


def test_without_a_peak_below_the_core_there_are_no_bursts_by_log_isi() -> None:
    slow = spikes.Trains(np.cumsum([0.2] * 20 + [0.004] * 2), [22])
    assert spikes.burst_count(spikes.bursts(slow)) == 1
    assert spikes.burst_count(spikes.log_isi_bursts(slow, core_interval=0.003)) == 0
    fast = spikes.Trains(np.cumsum([0.0005] * 20), [20])  # below the histogram's first edge
    assert spikes.burst_count(spikes.log_isi_bursts(fast)) == 0


def test_bins_next_but_one_are_one_peak_of_log_isi() -> None:
    """Intervals of 2 and 3.2 ms are two bins apart: they are no two kinds for a threshold."""
    within = [0.002] * 10 + [0.0032] * 4
    alone = spikes.Trains(np.cumsum(within), [14])
    assert np.isnan(spikes.log_isi_threshold(alone)).all()
    assert spikes.burst_count(spikes.log_isi_bursts(alone, core_interval=0.01)) == 1
    both = spikes.Trains(np.cumsum(within + [0.06] * 5), [19])
    # the first of the empty bins up to 60 ms lies between them, and its lower edge is the threshold
    assert spikes.log_isi_threshold(both) == pytest.approx(10 ** (3 * 2 / 19) / 1000)
