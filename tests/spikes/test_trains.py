"""Trains are made, checked and taken apart correctly."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from izhi.spikes import Trains


def test_offset_train_and_joined_with_empty_trains_everywhere():
    trains = Trains(np.array([1.0, 2.0, 0.5, 0.5, 0.7]), np.array([0, 2, 0, 0, 3, 0]))
    assert len(trains) == 6
    assert trains.offset.tolist() == [0, 0, 2, 2, 2, 5, 5]
    assert trains.train.tolist() == [1, 1, 4, 4, 4]
    assert trains.joined.tolist() == [True, False, True, True]
    assert trains.offset.dtype == trains.train.dtype == trains.count.dtype == np.int64


@pytest.mark.parametrize("n_trains", [0, 1, 4])
def test_no_spikes(n_trains):
    trains = Trains.from_events([], [], n_trains)
    assert len(trains) == n_trains
    assert trains.offset.tolist() == [0] * (n_trains + 1)
    assert trains.train.size == trains.joined.size == trains.time.size == 0


def test_arrays_are_converted_and_the_dataclass_is_frozen():
    trains = Trains(np.array([1, 2], dtype=np.float32), np.array([2], dtype=np.uint8))
    assert trains.time.dtype == np.float64
    assert trains.count.dtype == np.int64
    with pytest.raises(AttributeError):
        trains.time = np.zeros(2)


@pytest.mark.parametrize(
    ("time", "count", "message"),
    [
        ([[1.0]], [1], r"time must have one dimension, got shape \(1, 1\)"),
        ([1.0], [[1]], r"count must have one dimension, got shape \(1, 1\)"),
        ([1.0], [1.0], "count must be integers, got float64"),
        ([1.0], [True], "count must be integers, got bool"),
        ([1.0, 2.0], [3, -1], "count must not be negative; train 1 has -1"),
        ([1.0, 2.0], [1], "it adds up to 1, and time has 2"),
        ([1.0], [1, 1], "it adds up to 2, and time has 1"),
        ([1.0, np.nan], [2], "time must be finite; spike 1 is at nan s"),
        ([np.inf], [1], "time must be finite; spike 0 is at inf s"),
        ([9.0, 1.0, 3.0, 2.0], [1, 0, 3], "in train 2, 3.0 s comes before 2.0 s"),
    ],
)
def test_what_is_not_trains_is_refused(time, count, message):
    with pytest.raises(ValueError, match=message):
        Trains(np.array(time), np.array(count))


@pytest.mark.parametrize(
    ("time", "train", "n_trains", "message"),
    [
        ([1.0], [0, 1], 2, "of one length, got 1 and 2"),
        ([1.0], [2], 2, "from 0 to n_trains - 1 = 1, got 2"),
        ([1.0], [-1], 2, "from 0 to n_trains - 1 = 1, got -1"),
        ([1.0], [0.0], 2, "train must be integers, got float64"),
        ([], [], -1, "n_trains must not be negative, got -1"),
        ([2.0, 1.5, 1.0], [0, 1, 0], 2, "in train 0, 2.0 s comes before 1.0 s"),
    ],
)
def test_events_that_do_not_fit_are_refused(time, train, n_trains, message):
    with pytest.raises(ValueError, match=message):
        Trains.from_events(time, train, n_trains)


@settings(deadline=None)
@given(st.lists(st.integers(0, 5)))
def test_events_become_trains(numbers):
    time = np.arange(len(numbers)) * 1e-4
    trains = Trains.from_events(time, numbers, 7)
    parts = np.split(trains.time, trains.offset[1:-1])
    for train, part in enumerate(parts):
        expected = [t for t, number in zip(time, numbers, strict=True) if number == train]
        assert part.tolist() == expected


@pytest.mark.parametrize("n_trains", [2**16 - 1, 2**16, 2**16 + 1, 2**17 + 3, 2**32 + 5])
@pytest.mark.parametrize("dtype", [np.int32, np.int64, np.uint64])
def test_events_are_sorted_stably_for_many_trains(n_trains, dtype):
    from izhi.spikes.trains import _order

    highest = min(n_trains - 1, np.iinfo(dtype).max)
    rng = np.random.default_rng(1)
    train = np.concatenate(
        [[0, highest, 0, highest], rng.integers(0, highest + 1, 500), rng.integers(0, 9, 500)]
    ).astype(dtype)
    order = _order(train.astype(np.int64), n_trains)
    assert order.tolist() == sorted(range(train.size), key=lambda i: int(train[i]))


def test_events_keep_their_order_within_a_train_beyond_16_bits():
    train = np.array([65536, 0, 131072, 65536, 0, 1, 65537], dtype=np.int32)
    trains = Trains.from_events(np.arange(7.0), train, 131073)
    assert trains.time.tolist() == [1, 4, 5, 0, 3, 6, 2]
    assert trains.train.tolist() == [0, 0, 1, 65536, 65536, 65537, 131072]
