"""Measures of pairs and populations against slow versions, on a grid and at its edges."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from izhi import spikes
from izhi.spikes import Trains

DT = 1e-4
STOP = 0.2  # 2000 steps

trains_of = st.lists(
    st.lists(st.sampled_from([0, 50, 100, 150, 1999]) | st.integers(0, 1999), max_size=12).map(
        sorted
    ),
    min_size=1,
    max_size=5,
)


def packed(parts):
    time = np.array([k * DT for part in parts for k in part], float)
    return Trains(time, np.array([len(part) for part in parts], int))


def every_pair(parts):
    pairs = list(itertools.product(range(len(parts)), repeat=2))
    return pairs, np.array([a for a, _ in pairs]), np.array([b for _, b in pairs])


def literal_tiling(a, b, width):
    """Count with whole numbers of steps; the tiled time by marking half steps."""
    if not a or not b:
        return math.nan

    def share(x, y):
        return sum(any(abs(s - t) <= width for t in y) for s in x) / len(x)

    def tiled(x):
        covered = np.zeros(2000, bool)
        for s in x:
            covered[max(s - width, 0) : s + width] = True
        return covered.mean()

    def term(p, t):
        return 1.0 if p * t == 1 else (p - t) / (1 - p * t)

    return (term(share(a, b), tiled(b)) + term(share(b, a), tiled(a))) / 2


@settings(deadline=None)
@given(trains_of, st.sampled_from([1, 50, 51, 2000]))
def test_tiling(parts, width) -> None:
    pairs, first, second = every_pair(parts)
    found = spikes.spike_time_tiling(packed(parts), first, second, 0.0, STOP, width * DT)
    expected = [literal_tiling(parts[a], parts[b], width) for a, b in pairs]
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9)


def test_the_tolerance_of_a_tile_is_elephants_or_none() -> None:
    trains = Trains([1.0, 1.005008], [1, 1])
    arguments = (trains, [0], [1], 0.0, 2.0, 0.005)
    near = spikes.spike_time_tiling(*arguments)
    far = spikes.spike_time_tiling(*arguments, tolerance=0.0)
    assert near == pytest.approx(1.0) and far < 0


@settings(deadline=None)
@given(trains_of, st.sampled_from([0.001, 0.01, 1.0]))
def test_distance(parts, tau) -> None:
    pairs, first, second = every_pair(parts)
    found = spikes.van_rossum_distance(packed(parts), first, second, tau)
    for (a, b), distance in zip(pairs, found, strict=True):
        signed = [(k * DT, 1) for k in parts[a]] + [(k * DT, -1) for k in parts[b]]
        square = math.fsum(
            x * y * math.exp(-abs(s - t) / tau) for s, x in signed for t, y in signed
        )
        assert distance**2 == pytest.approx(max(square, 0), rel=1e-9, abs=1e-11)
        if a == b:
            assert distance == 0
        assert distance == pytest.approx(found[pairs.index((b, a))], rel=1e-9)


def test_a_spike_alone_is_at_distance_one() -> None:
    trains = Trains([0.1, 0.1, 0.2], [1, 0, 2])
    found = spikes.van_rossum_distance(trains, [0, 0, 1], [1, 2, 1], 1e-6)
    assert found == pytest.approx([1, 1, 0])
    assert spikes.van_rossum_distance(trains, [1], [2], 1e6) == pytest.approx(2)  # |0 - 2|


@settings(deadline=None)
@given(trains_of, st.sampled_from([1, 3, 40]))
def test_correlation_and_synchrony(parts, n_bins) -> None:
    width = 2000 // n_bins
    edges = np.arange(n_bins + 1) * width * DT
    counts = np.array(
        [[sum(n * width <= k < (n + 1) * width for k in part) for n in range(n_bins)]
         for part in parts], float,
    )  # fmt: skip
    trains = packed(parts)
    np.testing.assert_array_equal(spikes.binned_count(trains, edges), counts)
    pairs, first, second = every_pair(parts)
    found = spikes.pairwise_correlation(trains, first, second, edges)
    deviation = counts - counts.mean(axis=1, keepdims=True)
    for (a, b), value in zip(pairs, found, strict=True):
        norm = math.sqrt(np.sum(deviation[a] ** 2) * np.sum(deviation[b] ** 2))
        expected = np.sum(deviation[a] * deviation[b]) / norm if norm > 1e-9 else math.nan
        assert value == pytest.approx(expected, abs=1e-9, nan_ok=True)
    group = np.arange(len(parts)) % 3 - 1
    chi = spikes.global_synchrony(trains, group, edges)
    assert chi.shape == (group.max(initial=-1) + 1,)
    for number, value in enumerate(chi):
        members = counts[group == number]
        alone = members.var(axis=1).mean() if len(members) > 1 else 0.0
        expected = math.sqrt(members.mean(axis=0).var() / alone) if alone > 1e-9 else math.nan
        assert value == pytest.approx(expected, abs=1e-9, nan_ok=True)


def test_cells_that_fire_together_and_cells_that_do_not() -> None:
    rng = np.random.default_rng(0)
    together = np.sort(rng.random(500)) * 10
    alone = [np.sort(rng.random(500)) * 10 for _ in range(25)]
    trains = Trains(np.concatenate([together, together, *alone]), [500] * 27)
    chi = spikes.global_synchrony(trains, [0, 0] + [1] * 25, np.arange(1001) * 0.01)
    assert chi[0] == pytest.approx(1, abs=1e-12)
    assert chi[1] == pytest.approx(0.2, abs=0.01)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda t: spikes.spike_time_tiling(t, [0], [2], 0, 1),
         "second must be numbers of trains, from 0 to 1"),
        (lambda t: spikes.van_rossum_distance(t, [0, 1], [1], 0.01),
         "first and second must have one shape, of one dimension; got (2,) and (1,)"),
        (lambda t: spikes.van_rossum_distance(t, [0], [1], 0.0),
         "tau must be positive and finite, got 0.0 s"),
        (lambda t: spikes.spike_time_tiling(t, [0], [1], 0, 1, -1),
         "dt must be positive and finite, got -1 s"),
        (lambda t: spikes.pairwise_correlation(t, [0], [1], [1.0]),
         "edges must be two or more numbers in ascending order"),
        (lambda t: spikes.global_synchrony(t, [0], [0, 1]),
         "group must be one whole number per train, of shape (2,)"),
    ],
)  # fmt: skip
def test_what_is_no_pair_is_refused(call, said) -> None:
    with pytest.raises(ValueError) as caught:
        call(Trains([0.1, 0.2], [1, 1]))
    assert str(caught.value) == said
