"""Values known beforehand: of the published model cells, and from arithmetic."""

import itertools
import subprocess
import sys
import tracemalloc
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from izhi.spikes import (
    STATISTICS,
    Settings,
    Trains,
    burst_count,
    burst_rate,
    bursts,
    chosen,
    firing_rate,
    first_spike_latency,
    isi,
    isi_cv,
    isi_mean,
    spike_count,
    spikes_per_burst,
    summary_statistics,
)

# Spike times in ms of the cells of Izhikevich (2003) at rest, with I = 10 from 20 ms to 1000 ms,
# integrated to convergence: the first spikes, and then the limit cycle.
ONSET, DURATION = 0.020, 0.980
ALL = Settings(tuple(STATISTICS))
CH_CYCLE = [1.811239, 2.114217, 2.655911, 4.779838, 47.950129]
CH_FIRST = [23.741439, 25.110825, 26.606643, 28.266393, 30.152675, 32.388449, 35.315519, 81.373299]


def cell(first, cycle, n_spikes):
    steps = itertools.islice(itertools.cycle(cycle), n_spikes - len(first))
    return np.concatenate([first, first[-1] + np.cumsum(list(steps))]) / 1000


CELLS = {
    "CH": cell(CH_FIRST, CH_CYCLE, 87),
    "RS": cell([23.741439, 44.695662, 89.552340, 134.364753], [44.812414], 23),
    "FS": cell([23.532987, 27.484652, 32.944246, 39.765616], [7.342650], 134),
    "TC": cell([22.360621, 24.886128, 27.456812], [3.673304], 272),
    "IB": cell([23.741, 25.9, 29.7], [31.2], 34),
}


def pack(*parts):
    parts = [np.asarray(part, dtype=float) for part in parts]
    return Trains(np.concatenate([[], *parts]), np.array([part.size for part in parts], dtype=int))


@pytest.fixture(scope="module")
def cells():
    statistics = summary_statistics(
        pack(*CELLS.values()), replace(ALL, start=ONSET), duration=ONSET + DURATION, onset=ONSET
    )
    return {
        name: {key: value[i] for key, value in statistics.items()} for i, name in enumerate(CELLS)
    }


@pytest.mark.parametrize(
    ("name", "count", "latency", "mean", "mean_tolerance", "cv"),
    [
        ("CH", 87, 3.741439, 11.147245, 1e-6, 1.576200),
        ("RS", 23, 3.741439, 43.729962, 1e-6, 0.113654),
        # Its cycle has not quite settled after the four spikes that are known.
        ("FS", 134, 3.532987, 7.298540, 1e-3, 0.046108),
    ],
)
def test_cells_of_the_2003_paper(cells, name, count, latency, mean, mean_tolerance, cv):
    got = cells[name]
    assert got["spike_count"] == count
    assert got["firing_rate"] == pytest.approx(count / 0.98)
    assert got["first_spike_latency"] == pytest.approx(latency / 1000, abs=1e-9)
    assert got["isi_mean"] * 1000 == pytest.approx(mean, abs=mean_tolerance)
    assert got["isi_cv"] == pytest.approx(cv, abs=1e-6)


@pytest.mark.parametrize(
    ("name", "count", "size"),
    [("CH", 17, 87 / 17), ("IB", 1, 3), ("RS", 0, np.nan), ("FS", 1, np.nan), ("TC", 1, np.nan)],
)
def test_bursts_of_the_cells(cells, name, count, size):
    assert cells[name]["burst_count"] == count
    assert cells[name]["burst_rate"] == pytest.approx(count / 0.98 * 60)
    assert cells[name]["spikes_per_burst"] == pytest.approx(size, nan_ok=True)


def test_each_burst_of_the_chattering_cell():
    trains = pack(CELLS["RS"], CELLS["CH"], [])
    found = bursts(trains)
    assert len(found) == 17
    assert found.train.tolist() == [1] * 17
    assert found.n_spikes.tolist() == [7] + [5] * 16
    assert found.first.tolist() == [23, *range(30, 110, 5)]
    assert found.start[:2] == pytest.approx([0.023741439, 0.081373299], abs=1e-12)
    duration = (found.end - found.start)[1:]
    assert duration == pytest.approx(0.011361205, abs=1e-12)
    assert (found.n_spikes[1:] - 1) / duration == pytest.approx(352.0753, abs=1e-4)
    assert found.n_spikes[1:] / duration == pytest.approx(440.0942, abs=1e-4)
    assert found.start[2:] - found.end[1:-1] == pytest.approx(0.047950129, abs=1e-12)
    assert np.diff(found.start[1:]) == pytest.approx(0.059311334, abs=1e-12)


def test_the_endless_cycle_of_the_chattering_cell():
    n_cycles = 40
    period = sum(CH_CYCLE) / 1000
    train = np.concatenate([[0], np.cumsum(CH_CYCLE * n_cycles)]) / 1000
    assert isi_cv(pack(train))[0] == pytest.approx(1.523632, abs=1e-6)
    assert isi_mean(pack(train))[0] == pytest.approx(period / 5)
    window = pack(train[:-1])
    assert firing_rate(window, n_cycles * period)[0] == pytest.approx(84.300920, abs=1e-6)
    assert burst_rate(bursts(window), n_cycles * period)[0] == pytest.approx(1011.611, abs=1e-3)


def test_all_spikes_are_one_burst_at_the_time_scale_of_cultures():
    found = bursts(pack(CELLS["CH"], CELLS["RS"]), max_interval=0.17)
    assert found.n_spikes.tolist() == [87, 23]


def test_intervals_do_not_cross_trains():
    interval, train = isi(pack([], [1, 2, 4], [5], [], [3, 3.5], []))
    assert interval.tolist() == [1, 2, 0.5]
    assert train.tolist() == [1, 1, 4]


def test_two_intervals_in_turn():
    # CV of a, b, a, b, ... is |a - b| / (a + b).
    train = np.concatenate([[0], np.cumsum([0.25, 0.75] * 20)])
    assert isi_cv(pack(train))[0] == 0.5
    assert isi_mean(pack(train))[0] == 0.5


def test_numpy_agrees_with_population_and_not_with_sample_deviation():
    train = np.cumsum([0, 0.3, 4.5, 6.7, 9.3])
    interval = np.diff(train)
    assert isi_cv(pack(train))[0] == pytest.approx(np.std(interval) / np.mean(interval))
    assert isi_cv(pack(train))[0] != pytest.approx(np.std(interval, ddof=1) / np.mean(interval))


def test_a_variation_near_rounding_is_not_lost():
    # With the mean of squares minus the square of the mean it would be.
    small = 2.0**-30
    train = np.concatenate([[0], np.cumsum([1 - small, 1 + small] * 8)])
    assert isi_cv(pack(train))[0] == pytest.approx(small, rel=1e-6)


def test_few_spikes():
    trains = pack([], [0.5], [0.5, 0.6], [0.5, 0.5], [])
    np.testing.assert_allclose(isi_mean(trains), [np.nan, np.nan, 0.1, 0.0, np.nan])
    np.testing.assert_array_equal(isi_cv(trains), [np.nan, np.nan, 0.0, np.nan, np.nan])


@pytest.mark.parametrize("order", [1, 2, 4])
def test_gamma_process(order):
    train = np.cumsum(np.random.default_rng(order).gamma(order, 1 / order, 400_000))
    assert isi_cv(pack(train))[0] == pytest.approx(order**-0.5, rel=0.01)


def test_rate_over_one_window_or_each_its_own():
    trains = pack([1, 2], [], [1, 2, 3])
    assert spike_count(trains).tolist() == [2, 0, 3]
    assert firing_rate(trains, 4).tolist() == [0.5, 0, 0.75]
    assert firing_rate(trains, [4, 1, 6]).tolist() == [0.5, 0, 0.5]


def test_the_count_is_a_copy():
    trains = pack([1, 2])
    spike_count(trains)[0] = 7
    assert trains.count.tolist() == [2]


@pytest.mark.parametrize("duration", [0, -1, np.nan, np.inf, [1, 0, 1]])
def test_no_rate_without_a_window(duration):
    trains = pack([1], [1], [1])
    with pytest.raises(ValueError, match="duration must be positive and finite, got"):
        firing_rate(trains, duration)
    with pytest.raises(ValueError, match="duration must be positive and finite, got"):
        burst_rate(bursts(trains), duration)


@pytest.mark.parametrize("value", [[1, 1], [[1, 1, 1]], [1]])
def test_values_per_train_are_one_per_train(value):
    trains = pack([1], [1], [1])
    message = r"must be a number or one number per train, of shape \(3,\); got shape \("
    with pytest.raises(ValueError, match="duration " + message):
        firing_rate(trains, value)
    with pytest.raises(ValueError, match="onset " + message):
        first_spike_latency(trains, value)


def test_latency():
    trains = pack([], [0.1, 0.3], [0.1, 0.2, 0.6], [0.1], [0.2], [])
    np.testing.assert_allclose(
        first_spike_latency(trains, 0.2), [np.nan, 0.1, 0, np.nan, 0, np.nan], atol=1e-15
    )
    np.testing.assert_allclose(
        first_spike_latency(trains, [0, 0, 0.25, 0.05, np.nan, 0]),
        [np.nan, 0.1, 0.35, 0.05, np.nan, np.nan],
    )
    assert first_spike_latency(pack([-0.3, -0.1]), -0.2)[0] == pytest.approx(0.1)
    assert first_spike_latency(pack([-0.2]), np.nextafter(-0.2, 0))[0] == 0


@pytest.mark.parametrize("dt", [1e-4, 5e-5, 1e-5, 2.5e-4, 1e-3])
def test_a_spike_on_the_step_of_the_onset_has_latency_zero(dt):
    step = np.arange(1, 20_000)
    trains = Trains((step * dt).repeat(2), np.full(step.size, 2))
    for onset in (step * dt, step / round(1 / dt), np.nextafter(step * dt, np.inf)):
        latency = first_spike_latency(trains, onset)
        assert latency.min() >= 0
        assert latency.max() < 1e-6 * dt


@pytest.mark.parametrize("dt", [1e-4, 5e-5, 1e-5, 2.5e-4, 1e-3])
def test_a_spike_on_the_step_before_the_onset_is_before_it(dt):
    step = np.arange(1, 20_000)
    trains = Trains(np.stack([(step - 1) * dt, (step + 1) * dt], axis=1).ravel(), np.full(19999, 2))
    np.testing.assert_allclose(first_spike_latency(trains, step * dt), dt, rtol=1e-6)


def test_an_infinite_onset_is_refused():
    with pytest.raises(ValueError, match="onset must not be infinite"):
        first_spike_latency(pack([1.0]), np.inf)


@pytest.mark.parametrize("dt", [1e-4, 5e-5, 1e-5, 2.5e-4])
@pytest.mark.parametrize("phase", [0, 1, 7, 123_456])
def test_an_interval_equal_to_the_threshold_is_within(dt, phase):
    steps = round(0.010 / dt)
    train = (phase + steps * np.arange(3000)) * dt
    raw = np.diff(train)
    assert (raw > 0.010).any(), "rounding is to be put to the test"
    found = bursts(pack(train))
    assert found.n_spikes.tolist() == [3000]
    assert bursts(pack((phase + (steps + 1) * np.arange(3000)) * dt)).n_spikes.size == 0


def test_fewest_spikes():
    trains = pack([0, 1, 10, 11, 12, 20, 30, 31, 32, 33], [40, 41])
    assert bursts(trains, 1.0, 2).n_spikes.tolist() == [2, 3, 4, 2]
    assert bursts(trains, 1.0).first.tolist() == [2, 6]
    assert bursts(trains, 1.0, 4).n_spikes.tolist() == [4]
    assert bursts(trains, 1.0, 5).n_spikes.tolist() == []
    found = bursts(trains, 1.0, 2)
    assert burst_count(found).tolist() == [3, 1]
    assert burst_rate(found, [30, 60]).tolist() == [6, 1]
    assert spikes_per_burst(found).tolist() == [3, 2]


def test_a_burst_does_not_cross_trains():
    trains = pack([], [0.001, 0.002], [], [0.003, 0.004, 0.005], [0.006])
    found = bursts(trains)
    assert (found.train.tolist(), found.first.tolist(), found.n_spikes.tolist()) == ([3], [2], [3])


@pytest.mark.parametrize("max_interval", [0, -1, np.nan, np.inf])
def test_no_bursts_without_a_threshold(max_interval):
    with pytest.raises(ValueError, match="max_interval must be positive and finite, got"):
        bursts(pack([1.0]), max_interval)


def test_one_spike_is_not_a_burst():
    with pytest.raises(ValueError, match="min_spikes must be at least 2, got 1"):
        bursts(pack([1.0]), min_spikes=1)
    with pytest.raises(TypeError):
        bursts(pack([1.0]), min_spikes=2.5)


@pytest.mark.parametrize("parts", [[], [[]], [[], []], [[1.0]], [[], [1.0], []]])
def test_almost_nothing(parts):
    trains = pack(*parts)
    statistics = summary_statistics(trains, duration=2.0, onset=0.5)
    n_spikes = [len(part) for part in parts]
    assert statistics["spike_count"].tolist() == n_spikes
    assert statistics["firing_rate"].tolist() == [n / 2 for n in n_spikes]
    latency = [0.5 if part else np.nan for part in parts]
    np.testing.assert_array_equal(statistics["first_spike_latency"], latency)
    assert statistics["burst_count"].tolist() == statistics["burst_rate"].tolist()
    assert not statistics["burst_count"].any()
    for name in ("isi_mean", "isi_cv", "spikes_per_burst"):
        assert statistics[name].shape == (len(parts),)
        assert np.isnan(statistics[name]).all()


def test_the_table_of_statistics():
    assert {what.units for what in STATISTICS.values()} == {"1", "Hz", "s", "1/min", "charge"}
    for name, what in STATISTICS.items():
        assert what.per in ("cell", "projection"), name
        assert what.long_name
        assert what.comment.endswith((".", "tonic."))
        assert bool(what.words) == (what.dtype == np.int8)
    statistics = summary_statistics(pack([1.0]), duration=2, onset=0)
    assert list(statistics) == chosen(ALL, "cell")
    for name, values in statistics.items():
        assert values.dtype == STATISTICS[name].dtype
    with pytest.raises(TypeError):
        STATISTICS["spike_count"] = STATISTICS["isi_cv"]


def test_a_million_spikes_take_a_few_times_their_memory():
    n_spikes = 1_000_000
    rng = np.random.default_rng(0)
    time = np.sort(rng.random(n_spikes))
    train = rng.integers(0, 200_000, n_spikes, dtype=np.int32)
    tracemalloc.start()
    try:
        trains = Trains.from_events(time, train, 200_000)
        making = tracemalloc.get_traced_memory()[1]
        tracemalloc.reset_peak()
        before = tracemalloc.get_traced_memory()[0]
        summary_statistics(trains, duration=1.0, onset=0.5)
        peak = tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()
    assert making < 6 * time.nbytes
    assert peak < 6 * time.nbytes


def test_import_loads_numpy_and_nothing_heavy():
    code = """
import sys, numpy
before = set(sys.modules)
import izhi.spikes
new = {name.partition(".")[0] for name in set(sys.modules) - before} - set(sys.stdlib_module_names)
assert new <= {"izhi", "numpy"}, new
"""
    repository = Path(__file__).resolve().parents[2]
    subprocess.run([sys.executable, "-B", "-c", code], cwd=repository, check=True)
