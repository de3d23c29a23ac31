"""Which points have traces: spread over the axes, with their ends, and never too many."""

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from izhi.config.sweep import Axis
from izhi.report.samples.choice import spread


def axis(labels) -> Axis:
    dtype = object if isinstance(labels[0], str) else float
    return Axis("key", "name", np.array(labels, dtype), None, None)


NUMBERS = st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=40, unique=True).map(axis)
TEXTS = st.integers(1, 6).map(lambda n: axis([f"type {k}" for k in range(n)]))
AXES = st.lists(st.one_of(NUMBERS, TEXTS), max_size=4)


def places(axes, points):
    """Return the positions on each axis, and check that the points are their product."""
    found = [np.unique(p) for p in np.unravel_index(points, [len(a) for a in axes])]
    assert math.prod(len(p) for p in found) == len(points)
    return found


@given(AXES, st.integers(1, 3000))
def test_points_are_a_product_with_all_ends_and_few_enough(axes, most) -> None:
    points = spread(axes, most)
    assert 1 <= len(points) <= most
    assert (np.diff(points) > 0).all() and np.array_equal(points, spread(axes, most))
    sizes = [len(a) for a in axes]
    if not axes or math.prod(sizes) <= most:
        assert np.array_equal(points, np.arange(math.prod(sizes)))
        return
    found = places(axes, points)
    if math.prod(min(2, size) for size in sizes) > most:
        return
    for one, at in zip(axes, found, strict=True):
        labels = one.labels if one.labels.dtype != object else np.arange(len(one))
        assert {labels.min(), labels.max()} <= set(labels[at])
        gaps = np.diff(np.flatnonzero(np.isin(np.sort(labels), labels[at])))
        assert gaps.size == 0 or gaps.max() - gaps.min() <= 1


@given(AXES, st.integers(1, 3000))
def test_axes_of_text_give_up_last(axes, most) -> None:
    texts = [a.labels.dtype == object for a in axes]
    least = math.prod(
        len(a) if text else min(2, len(a)) for a, text in zip(axes, texts, strict=True)
    )
    if axes and least <= most:
        for one, text, at in zip(axes, texts, places(axes, spread(axes, most)), strict=True):
            assert not text or len(at) == len(one)


@given(AXES.filter(bool), st.integers(1, 200), st.data())
def test_only_the_given_positions_are_taken(axes, most, data) -> None:
    among = [
        np.array(sorted(data.draw(st.sets(st.integers(0, len(a) - 1), min_size=1)))) for a in axes
    ]
    found = places(axes, spread(axes, most, among))
    for at, allowed in zip(found, among, strict=True):
        assert set(at) <= set(allowed)


def test_the_default_sweep_thinned_keeps_its_seven_types() -> None:
    axes = [axis(list("abcdefg")), axis(np.arange(1, 10) / 10), axis(np.arange(4.0, 15.0))]
    neuron, U_0, amplitude = places(axes, spread(axes, 200))
    assert neuron.size == 7 and U_0.tolist() == [0, 2, 4, 6, 8] and amplitude.size == 5
