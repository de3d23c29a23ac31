"""Trains beside exact ones: what matches, when they part, how large errors are."""

from __future__ import annotations

import numpy as np
import pytest

from izhi.accuracy.compare import compare

REGULAR = np.arange(1, 21) * 10e-3


def test_a_train_that_is_slower_by_two_per_cent() -> None:
    found = compare(1.02 * REGULAR[:18], REGULAR)
    assert (found.spikes, found.exact, found.matched, found.parted) == (18, 20, 18, False)
    assert found.time_error == pytest.approx(0.02 * 180e-3)
    assert found.interval_error == pytest.approx(0.02)


def test_errors_that_add_up_to_intervals_are_no_parting() -> None:
    found = compare(1.2 * REGULAR, REGULAR)
    assert found.matched == 20
    assert found.time_error == pytest.approx(40e-3)


def test_a_burst_with_a_spike_less_is_where_trains_part() -> None:
    burst = np.array([0.0, 2.0, 4.0, 7.0, 11.0])
    exact = np.concatenate([burst + 60 * k for k in range(4)]) * 1e-3
    short = np.concatenate([burst, burst + 60, burst[:4] + 120, burst + 170]) * 1e-3
    found = compare(short, exact)
    assert (found.matched, found.parted) == (14, True)
    assert found.time_error == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize(
    ("train", "exact", "matched"), [([], [], 0), ([0.1], [], 0), ([], [0.1], 0), ([0.1], [0.2], 1)]
)
def test_trains_with_next_to_no_spikes(train, exact, matched) -> None:
    found = compare(np.array(train), np.array(exact))
    assert found.matched == matched and not found.parted
    assert np.isnan(found.time_error) == (matched == 0)
    assert np.isnan(found.interval_error)
