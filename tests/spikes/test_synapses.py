"""The release of synapses: published recurrences, known numbers, and Brian2's own integration."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from izhi.spikes import (
    Settings,
    Synapses,
    Trains,
    paired_pulse_ratio,
    recurrence,
    release,
    steady_release_ratio,
    synapse_statistics,
)

# U_0, tau_f and tau_d: depressing (Stimberg et al. 2019), facilitating and neutral (De Pitta and
# Brunel 2016), and the fast synapse of the forum thread
SETS = {
    "depressing": (0.6, 1 / 3.33, 1 / 2.0),
    "facilitating": (0.15, 1 / 2.0, 1 / 2.0),
    "neutral": (0.5, 1 / 3.0, 1 / 3.0),
    "thread": (0.8, 0.030, 0.050),
}


def regular(rate, n):
    return Trains(np.arange(n) / rate, [n])


@pytest.mark.parametrize(
    ("name", "rate", "expected"),
    [
        ("depressing", 1, 0.55576482), ("depressing", 10, 0.17527023),
        ("depressing", 50, 0.03914463), ("facilitating", 1, 0.16511774),
        ("facilitating", 5, 0.20402204), ("facilitating", 10, 0.15281529),
        ("facilitating", 50, 0.03887190), ("neutral", 10, 0.24286713), ("thread", 1, 0.8),
        ("thread", 10, 0.71551274), ("thread", 20, 0.56030011), ("thread", 50, 0.31696821),
        ("thread", 100, 0.17897019),
    ],
)  # fmt: skip
def test_the_steady_state_of_a_regular_train(name, rate, expected) -> None:
    assert release(regular(rate, 200), *SETS[name])[-1] == pytest.approx(expected, abs=1e-8)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("depressing", [0.6, 0.36713594, 0.15396302, 0.10350771, 0.09584241]),
        ("facilitating", [0.15, 0.22934970, 0.23712660, 0.20548554, 0.16593848]),
        ("neutral", [0.5, 0.40739772, 0.22532229, 0.15718603, 0.14148844]),
        ("thread", [0.8, 0.58588337, 0.56216453, 0.56042576, 0.56030828]),
    ],
)
def test_the_first_spikes_at_20_hz(name, expected) -> None:
    trains = regular(20, 5)
    value = release(trains, *SETS[name])
    assert value == pytest.approx(expected, abs=1e-8)
    U_0, tau_f, tau_d = SETS[name]
    ratio = (1 + (1 - U_0) * np.exp(-0.05 / tau_f)) * (1 - U_0 * np.exp(-0.05 / tau_d))
    assert paired_pulse_ratio(trains, value) == pytest.approx(ratio, rel=1e-12)


def literal(time, U_0, tau_f, tau_d):
    found, u, x, last = [], 0.0, 1.0, None
    for t in time:
        if last is not None:
            u *= np.exp(-(t - last) / tau_f)
            x = 1 - (1 - x) * np.exp(-(t - last) / tau_d)
        u += U_0 * (1 - u)
        found.append(u * x)
        x -= u * x
        last = t
    return found


trains_of = st.lists(
    st.lists(st.integers(0, 3000), max_size=40).map(lambda steps: np.cumsum(steps) * 1e-4),
    max_size=6,
)


@settings(deadline=None)
@given(trains_of, st.data())
def test_release_is_that_of_a_loop_over_spikes(parts, data) -> None:
    number = st.floats(0.001, 2)
    U_0 = [data.draw(st.floats(0, 1)) for _ in parts]
    tau_f, tau_d = ([data.draw(number) for _ in parts] for _ in range(2))
    trains = Trains(np.concatenate([[], *parts]), [len(part) for part in parts])
    found = release(trains, U_0, tau_f, tau_d)
    expected = [
        r for n, part in enumerate(parts) for r in literal(part, U_0[n], tau_f[n], tau_d[n])
    ]
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-13)
    for n, part in enumerate(parts):  # to the bit, wherever the train is
        alone = release(Trains(part, [len(part)]), U_0[n], tau_f[n], tau_d[n])
        first = trains.offset[n]
        assert found[first : first + len(part)].tolist() == alone.tolist()


@settings(deadline=None)
@given(st.lists(st.integers(0, 70), max_size=8), st.integers(0, 2**31))
def test_a_recurrence_is_that_of_a_loop(count, seed) -> None:
    rng = np.random.default_rng(seed)
    factor, addend = rng.random((2, sum(count)))
    expected, at = [], 0
    for n in count:
        y = 0.0
        for i in range(at, at + n):
            y = factor[i] * y * (i > at) + addend[i]
            expected.append(y)
        at += n
    found = recurrence(factor, addend, np.array(count, int))
    np.testing.assert_allclose(found, expected, rtol=1e-13)


def statistics(parts, U_0=0.6, target=20.0, **given):
    n = len(parts)
    plastic = [None if U_0 is None else np.full(n, value) for value in (U_0, 0.3, 0.5)]
    return synapse_statistics(
        Synapses(
            Trains(np.concatenate([[], *parts]), [len(part) for part in parts]), *plastic,
            np.full(n, 4e-5), np.full(n, target), np.full(n, 2.0),
            Settings(("release_mean", "paired_pulse_ratio", "steady_release_ratio",
                      "transmitted_charge", "transfer_ratio"), **given),
        )
    )  # fmt: skip


def test_statistics_of_synapses() -> None:
    parts = [[], [0.1], [0.1, 0.2], np.arange(8) / 10]
    found = statistics(parts)
    r = [np.array(literal(part, 0.6, 0.3, 0.5)) for part in parts]
    mean = [np.nan, *(part.mean() for part in r[1:])]
    ratio = [np.nan, np.nan, *(part[1] / part[0] for part in r[2:])]
    steady = [np.nan, np.nan, np.nan, r[3][-5:].mean() / r[3][0]]
    np.testing.assert_allclose(found["release_mean"], mean)
    np.testing.assert_allclose(found["paired_pulse_ratio"], ratio)
    np.testing.assert_allclose(found["steady_release_ratio"], steady)
    np.testing.assert_allclose(found["transmitted_charge"], [part.sum() * 4e-5 for part in r])
    np.testing.assert_allclose(found["transfer_ratio"], [np.nan, 40, 20, 5])


def test_the_window_cuts_spikes_not_what_the_synapse_remembers() -> None:
    time = np.arange(8) / 10
    found = statistics([time], start=0.15, stop=0.55)
    r = np.array(literal(time, 0.6, 0.3, 0.5))[2:6]
    assert found["release_mean"] == pytest.approx(r.mean())
    assert found["transmitted_charge"] == pytest.approx(r.sum() * 4e-5)
    assert found["paired_pulse_ratio"] == pytest.approx(r[1] / r[0])
    assert found["transfer_ratio"] == pytest.approx(20 / (4 / 0.4))


def test_a_static_synapse_releases_all() -> None:
    found = statistics([[], np.arange(8) / 10], U_0=None)
    np.testing.assert_allclose(found["release_mean"], [np.nan, 1])
    np.testing.assert_allclose(found["transmitted_charge"], [0, 8 * 4e-5])


def test_a_synapse_that_releases_nothing_has_no_ratios() -> None:
    trains = regular(10, 8)
    value = release(trains, 0.0, 0.3, 0.5)
    assert value.tolist() == [0.0] * 8
    assert np.isnan(paired_pulse_ratio(trains, value)).all()
    assert np.isnan(steady_release_ratio(trains, value)).all()


def test_what_is_no_synapse_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^U_0 must be from 0 to 1$"):
        release(regular(10, 3), 1.1, 0.3, 0.5)
    with pytest.raises(ValueError, match=r"^tau_d must be positive, got 0.0 s$"):
        release(regular(10, 3), 0.5, 0.3, 0.0)
    with pytest.raises(ValueError, match=r"^factor and addend must have 3 values, as count says"):
        recurrence(np.ones(3), np.ones(2), np.array([3]))
