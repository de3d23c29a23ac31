"""Firing regimes: each word by trains made for it, and what the rule must not do."""

import numpy as np
import pytest

from izhi.spikes import REGIMES, Trains, regime


def word(intervals, stop=1.0, first=0.02, **limits):
    """Return the regime of one train, given by its intervals in ms."""
    time = first + np.concatenate([[0.0], np.cumsum(np.asarray(intervals, float))]) / 1000
    (number,) = regime(Trains(time, [time.size]), stop, **limits)
    return REGIMES[number]


CHATTERING = [1.8, 2.1, 2.7, 4.8, 48] * 16


def test_no_spike_one_spike_two_spikes() -> None:
    trains = Trains([0.1, 0.2, 0.3], [0, 1, 2])
    assert [REGIMES[n] for n in regime(trains, 1.0)] == ["silent", "single_spike", "tonic"]
    assert regime(trains, 1.0).dtype == np.int8
    assert regime(Trains([], []), 1.0).shape == (0,)


@pytest.mark.parametrize("interval", [2, 3.7, 7.3, 9.99, 10, 10.01, 45, 200])
def test_equal_intervals_of_any_length_are_tonic_not_one_long_burst(interval) -> None:
    n = int(979 / interval)
    assert word([interval] * n) == "tonic"


def test_a_train_is_seen_until_its_stimulus_ends() -> None:
    fast = [3.7] * 100  # until 390 ms
    assert word(fast, stop=0.393) == "tonic"
    assert word(fast, stop=1.0) == "bursting"  # then silent for longer than thrice an interval


def test_a_tonic_train_that_slows_over_the_longest_interval_of_a_burst_is_no_burst() -> None:
    assert word([4.9, 5.2, 5.6, 6, 6.4, 6.8, 7.2, 7.6, 8, 8.6, *[9.4] * 90], stop=0.95) == "tonic"
    assert word([5.3, 5.7, 6.2, 7.3, 8.5, 9.6, 10.4, *[11] * 80]) == "adapting"
    assert word([7, 8.5, 9.6, 10.4, *[11] * 80]) == "tonic"


def test_bursts_again_and_again_or_once() -> None:
    assert word(CHATTERING) == "bursting"
    assert word([2.5, 4.2, 39.5, *[31.6] * 28]) == "bursting"  # one, then single spikes
    assert word([2.5, 4.2]) == "bursting"  # one, then silence
    assert word([2.5]) == "tonic"  # two spikes are none


def test_limits_are_limits() -> None:
    doublet = [5, 5, 15, 15, 15]
    assert word(doublet) == "bursting"
    assert word(doublet, separation=3.01) == "adapting"
    assert word([5, 5, 14.9, 15, 15]) == "adapting"
    assert word([5, 5, 14.9, 15, 15], separation=2.9) == "bursting"
    assert word(doublet, min_spikes=4) == "adapting"
    assert word(doublet, max_interval=0.0049) == "adapting"
    assert word(doublet, max_interval=0.005) == "bursting"
    assert word([20, 30, 40, 40]) == "adapting"
    assert word([20, 30, 39.9, 39.9]) == "tonic"
    assert word([20, 30, 39.9, 39.9], slowing=1.9) == "adapting"
    assert word([40, 40, 20]) == "tonic"  # a cell that speeds up does not adapt


def test_what_varies_from_interval_to_interval_is_irregular() -> None:
    rng = np.random.default_rng(1)
    poisson = rng.exponential(30, 500)
    assert word(poisson, stop=20.0) == "irregular"
    regular = rng.gamma(16, 2, 500)  # LV 3/33
    assert word(regular, stop=20.0) in ("tonic", "adapting")
    assert word([12, 33, 12, 33, 12, 33]) == "irregular"
    assert word([12, 33, 12, 33, 12, 33], irregularity=0.7) == "adapting"


def test_each_train_has_its_regime_wherever_it_is() -> None:
    parts = [[], [0.1], *(0.02 + np.cumsum([0, *i]) / 1000
             for i in (CHATTERING, [7.3] * 100, [20, 30, 40, 40], [12, 33] * 9))]  # fmt: skip
    count = [len(part) for part in parts]
    stop = [1.0, 1.0, 0.98, 0.76, 0.5, 0.5]
    together = regime(Trains(np.concatenate(parts), count), stop)
    alone = [regime(Trains(part, [len(part)]), s)[0] for part, s in zip(parts, stop, strict=True)]
    assert together.tolist() == alone
    assert [REGIMES[n] for n in together] == [
        "silent", "single_spike", "bursting", "tonic", "adapting", "irregular",
    ]  # fmt: skip
