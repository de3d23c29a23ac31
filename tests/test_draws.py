"""Random numbers: functions of seed, names and counts, with the moments that they should have."""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from izhi import draws

from .slow_draws import MOST, slow_key, slow_then

COUNTS = st.integers(0, 2**31 - 1)


def test_the_bits_are_those_of_splitmix64() -> None:
    # the first outputs from state 0, as its authors' and Java's implementations give them
    first = [int(draws.then(np.uint64(0), k)) for k in range(3)]
    assert first == [0xE220A8397B1DCDAF, 0x6E789E6AA1B965F4, 0x06C45D188009454F]


@given(COUNTS, st.lists(st.text(max_size=9), max_size=3), st.lists(COUNTS, min_size=1, max_size=9))
def test_keys_and_counts_are_what_whole_numbers_give(seed, words, counts) -> None:
    found = draws.then(draws.key(seed, *words), np.array(counts))
    assert found.tolist() == [slow_then(slow_key(seed, *words), count) for count in counts]


@given(st.integers(0, MOST))
def test_uniform_numbers_lie_between_0_and_1_and_are_symmetric(bits: int) -> None:
    one, other = draws.uniform(np.array([bits, MOST - bits], np.uint64))
    assert 0 < one < 1
    assert one == 1 - other


@given(st.one_of(st.floats(2.0**-53, 1 - 2.0**-53), st.floats(1e-300, 1e-3)))
def test_normal_quantiles_are_those_of_the_standard_library(p: float) -> None:
    found = float(draws.normal_quantile(np.array([p]))[0])
    assert math.isclose(found, NormalDist().inv_cdf(p), rel_tol=1e-14, abs_tol=1e-15)


MOMENTS = {
    "uniform": (0.5, 1 / 12, 0, -1.2),
    "normal": (0, 1, 0, 0),
    "exponential": (1, 1, 2, 6),
}


@pytest.mark.parametrize("name", MOMENTS)
def test_moments_are_those_of_the_distribution(name: str) -> None:
    n = 250_000
    bits = draws.then(draws.key(7, "moments"), np.arange(n))
    x = getattr(draws, name)(bits)
    mean, variance, skewness, excess = MOMENTS[name]
    z = (x - mean) / math.sqrt(variance)
    assert abs(z.mean()) < 4 / math.sqrt(n)
    assert abs((z**2).mean() - 1) < 4 * math.sqrt((excess + 2) / n)
    assert abs((z**3).mean() - skewness) < 0.1
    assert abs((z**4).mean() - 3 - excess) < (1.5 if excess > 1 else 0.05)


@pytest.mark.parametrize("shape", [(500, 500), (2, 125_000)])
def test_neighbours_in_any_count_have_nothing_to_do_with_each_other(shape) -> None:
    rows, columns = shape
    first = draws.then(draws.key(np.arange(rows)[:, None], "a"), np.arange(columns))
    second = draws.then(draws.then(draws.key(3, "a"), np.arange(rows)[:, None]), np.arange(columns))
    for bits in (first, second):
        x = draws.normal(bits)
        limit = 4.5 / math.sqrt(x.size)
        assert abs((x[1:] * x[:-1]).mean()) < limit * math.sqrt(rows / (rows - 1))
        assert abs((x[:, 1:] * x[:, :-1]).mean()) < limit
        assert np.unique(bits).size == bits.size
