"""The cells of Izhikevich (2003), integrated to convergence here, and their statistics.

The step is to 10 at 20 ms, from v = -65 and u = b v; a spike is the crossing of 30 mV. The numbers
expected are of an independent integration and of Elephant's definitions.
"""

import functools
import math

import numpy as np
import pytest

from izhi import spikes
from izhi.spikes import REGIMES, STATISTICS, Settings, Trains, summary_statistics

# a, b, c, d
TYPES = {
    "RS": (0.02, 0.2, -65.0, 8.0),
    "IB": (0.02, 0.2, -55.0, 4.0),
    "CH": (0.02, 0.2, -50.0, 2.0),
    "FS": (0.1, 0.2, -65.0, 2.0),
    "LTS": (0.02, 0.25, -65.0, 2.0),
    "TC": (0.02, 0.25, -65.0, 0.05),
    "RZ": (0.1, 0.26, -65.0, 2.0),
}
ONSET, STOP = 20.0, 1000.0


def runge_kutta(v, u, h, current, a, b):
    def slope(v, u):
        return 0.04 * v * v + 5 * v + 140 - u + current, a * (b * v - u)

    v1, u1 = slope(v, u)
    v2, u2 = slope(v + h / 2 * v1, u + h / 2 * u1)
    v3, u3 = slope(v + h / 2 * v2, u + h / 2 * u2)
    v4, u4 = slope(v + h * v3, u + h * u3)
    return v + h / 6 * (v1 + 2 * v2 + 2 * v3 + v4), u + h / 6 * (u1 + 2 * u2 + 2 * u3 + u4)


@functools.cache
def spike_times(name, h=0.02):
    """Return the spike times in ms: fourth order, the crossing located by the secant method."""
    a, b, c, d = TYPES[name]
    v, u, t, found = -65.0, b * -65.0, 0.0, []
    for current, end in ((0.0, ONSET), (10.0, STOP)):
        while t < end:
            step = min(h, end - t)
            if v > -30:  # the upstroke is steep
                step = min(step, h / 8)
            v_new, u_new = runge_kutta(v, u, step, current, a, b)
            if v_new >= 30:
                low, high = 0.0, step
                for _ in range(50):
                    middle = (low + high) / 2
                    if runge_kutta(v, u, middle, current, a, b)[0] >= 30:
                        high = middle
                    else:
                        low = middle
                step = high
                _, u_new = runge_kutta(v, u, step, current, a, b)
                v_new, u_new = c, u_new + d
                found.append(t + step)
            v, u, t = v_new, u_new, t + step
    return tuple(found)


def trains_of(*names):
    parts = [np.array(spike_times(name)) / 1000 for name in names]
    return Trains(np.concatenate(parts), [part.size for part in parts])


@pytest.mark.parametrize(
    ("name", "mean", "cv", "cv2", "lv", "lvr", "adaptation", "ratio"),
    [
        ("RS", 43.729962, 0.113654, 0.034637, 0.018845, 0.024572, 0.017272, 0.467599),
        ("CH", 11.147245, 1.576200, 0.846921, 0.925422, 1.443889, 0.074464, 0.286492),
        ("FS", 7.298540, 0.046108, 0.004665, 0.000887, 0.002616, 0.002333, 0.538180),
        ("TC", 3.602442, 0.057482, 0.001388, 0.000012, 0.000053, 0.000694, 0.687530),
    ],
)
def test_intervals(name, mean, cv, cv2, lv, lvr, adaptation, ratio) -> None:
    trains = trains_of(name)
    digits = {"abs": 1.5e-6}
    assert spikes.isi_mean(trains) * 1000 == pytest.approx(mean, **digits)
    assert spikes.isi_cv(trains) == pytest.approx(cv, **digits)
    assert spikes.cv2(trains) == pytest.approx(cv2, **digits)
    assert spikes.lv(trains) == pytest.approx(lv, **digits)
    assert spikes.lvr(trains) == pytest.approx(lvr, **digits)
    assert spikes.adaptation_index(trains) == pytest.approx(adaptation, **digits)
    assert 1 / spikes.adaptation_ratio(trains) == pytest.approx(ratio, **digits)


@pytest.mark.parametrize("detect", [spikes.bursts, spikes.max_interval_bursts])
def test_bursts(detect) -> None:
    names = ["CH", "IB", "RS", "FS", "TC", "RZ"]
    found = detect(trains_of(*names))
    sizes = [found.n_spikes[found.train == n].tolist() for n in range(len(names))]
    assert sizes[0] == [7] + [5] * 16
    assert sizes[1] == [3] and sizes[2] == []
    assert sizes[3:] == [[134], [272], [192]]  # tonic, but at less than 10 ms
    steady = found.where((found.train == 0) & (found.n_spikes == 5))
    assert steady.end - steady.start == pytest.approx(0.011361205, abs=1e-8)
    assert spikes.intraburst_frequency(steady)[0] == pytest.approx(352.0753, abs=1e-3)
    assert steady.start[1:] - steady.end[:-1] == pytest.approx(0.047950129, abs=1e-8)
    assert spikes.burst_share(found)[0] == 1
    period = np.diff(steady.start).mean()
    assert 60 / period == pytest.approx(1011.611, abs=1e-3)


def test_thresholds_for_cultures_take_a_train_for_one_burst() -> None:
    found = spikes.max_interval_bursts(trains_of("CH", "RS"), 0.17, 0.3, 0.2, 0.01, 3)
    assert found.n_spikes.tolist() == [87, 23]


def test_the_surprise_of_a_steady_burst() -> None:
    trains = trains_of("CH")
    first = spikes.bursts(trains).first[1]
    duration = trains.time[first + 4] - trains.time[first]
    # of the endless cycle, five intervals in 59.311334 ms
    s = spikes.poisson_surprise(5, duration, 0.059311334 / 5)
    assert s == pytest.approx(4.103978, abs=1e-5)
    other = spikes.poisson_surprise(6, duration, 0.059311334 / 5) / math.log(10)
    assert other == pytest.approx(2.515353, abs=1e-5)


def test_the_histogram_of_a_train_without_noise_has_voids_within_bursts() -> None:
    """The last interval of each burst, 4.78 ms, is beyond an empty bin from 3.4 to 4.3 ms."""
    trains = trains_of("CH", "RS")
    threshold = spikes.log_isi_threshold(trains)
    assert threshold[0] * 1000 == pytest.approx(10 ** (10 / 19))  # the lower edge
    assert math.isnan(threshold[1])  # one peak only
    found = spikes.log_isi_bursts(trains, core_interval=0.01)
    assert found.n_spikes.tolist() == [7] + [4] * 16


def test_half_the_step_gives_the_same_trains() -> None:
    for name in ("RS", "CH"):
        fine = np.array(spike_times(name, h=0.01))
        assert np.abs(fine - spike_times(name)).max() < 1e-5  # ms


def test_each_type_has_the_regime_of_its_name() -> None:
    settings = Settings(tuple(STATISTICS), start=ONSET / 1000)
    found = summary_statistics(trains_of(*TYPES), settings, duration=1.0, onset=0.02)
    assert dict(zip(TYPES, (REGIMES[n] for n in found["regime"]), strict=True)) == {
        "RS": "adapting", "IB": "bursting", "CH": "bursting", "FS": "tonic", "LTS": "adapting",
        "TC": "tonic", "RZ": "tonic",
    }  # fmt: skip
    at = list(TYPES).index
    assert found["burst_rate"][at("CH")] == pytest.approx(17 / 0.98 * 60)
    assert found["spikes_per_burst"][at("CH")] == pytest.approx(87 / 17)
    assert found["interburst_interval"][at("CH")] == pytest.approx(0.04795, abs=2e-4)
    assert found["first_spike_latency"][at("FS")] == pytest.approx(0.003532987, abs=1e-8)
    assert np.isnan(found["spikes_per_burst"][at("FS")])  # the recording's end cuts it
    assert math.isnan(found["interburst_interval"][at("IB")])
