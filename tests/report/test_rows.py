"""Rows of samples: equal ones once, in whole numbers, whatever diverged beside them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from izhi.report.samples.rows import LEVELS, NONE, Rows

VALUES = st.lists(
    st.lists(st.floats(-100, 100, width=32), min_size=4, max_size=4), min_size=1, max_size=6
)


@given(st.lists(VALUES, min_size=1, max_size=3), st.sampled_from([1.0, 1e3]))
def test_values_come_back_to_half_a_level(parts, factor) -> None:
    rows, time, found = Rows(), np.arange(4.0), []
    for part in parts:
        values = np.array(part)
        found.append(rows.add(time, values, np.ones(len(values), bool)))
    every, row = np.concatenate([np.array(part) for part in parts]), np.concatenate(found)
    packed = rows.packed(factor)
    assert len(packed.values) == len({tuple(np.array(r, np.float32).tobytes()) for r in every})
    offset, step = packed.scale
    back = offset + step * packed.values[row]
    size = every.max() - every.min()
    assert np.abs(back - every * factor).max() <= factor * (0.501 * size / LEVELS + 1e-5)
    assert packed.time.tolist() == [0, 1, 2, 3]


def test_what_diverged_neither_sets_the_scale_nor_is_shown_beyond_it() -> None:
    rows = Rows()
    values = np.array([[-65.0, 30.0], [-65.0, 1e300], [-60.0, 100.0], [np.nan, np.inf]])
    row = rows.add(np.arange(2.0), values, np.array([True, False, False, False]))
    assert row.tolist() == [0, 1, 2, -1]
    packed = rows.packed(1.0)
    assert packed.scale == pytest.approx((-17.5, 95 / LEVELS))
    assert packed.values[1].tolist() == [-LEVELS // 2, NONE]
    assert packed.values[2, 1] == pytest.approx(117.5 * LEVELS / 95, abs=1)


def test_rows_of_other_times_are_as_long_as_the_longest() -> None:
    rows = Rows()
    rows.add(np.array([0.0, 1.0]), np.array([[1.0, 2.0]]), np.array([True]))
    rows.add(np.array([0.0, 0.5, 1.0]), np.array([[2.0, 2.0, 2.0]]), np.array([True]))
    packed = rows.packed(1.0)
    np.testing.assert_array_equal(packed.time, [[0, 1, np.nan], [0, 0.5, 1]])
    assert packed.values[0, 2] == NONE and (packed.values[1] == LEVELS // 2).all()


def test_what_never_changes_is_exact() -> None:
    rows = Rows()
    rows.add(np.arange(3.0), np.full((2, 3), 0.01), np.ones(2, bool))
    packed = rows.packed(1e3)
    assert len(packed.values) == 1 and not packed.values.any() and packed.scale[0] == 10
