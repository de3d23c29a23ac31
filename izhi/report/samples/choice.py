"""Which points are shown with their traces: some of each axis, spread evenly, ends among them."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from izhi.config.sweep import Axis

Places = NDArray[np.int64]
"""Positions on an axis."""


def spread(
    axes: Sequence[Axis], most: int, among: Sequence[Places] | None = None
) -> NDArray[np.int64]:
    """Return points that are spread evenly over the axes: a product of some values of each.

    Axes of text keep all values as long as those of numbers have any between their ends to give
    up, and all axes keep their ends as long as `most` lets them.

    Parameters
    ----------
    axes
        The axes.
    most
        How many points there may be; 1 or more.
    among
        For each axis, the positions of the values that may be taken; all by default.

    Returns
    -------
    ndarray
        Numbers of the points, rising.
    """
    if not axes:
        return np.zeros(1, np.int64)
    rising = [_rising(axis, among[n] if among else None) for n, axis in enumerate(axes)]
    kept = _kept([len(places) for places in rising], [_is_numeric(axis) for axis in axes], most)
    chosen = [
        np.sort(places[np.round(np.linspace(0, len(places) - 1, number)).astype(np.int64)])
        for places, number in zip(rising, kept, strict=True)
    ]
    shape = tuple(len(axis) for axis in axes)
    return np.ravel_multi_index(np.ix_(*chosen), shape).ravel().astype(np.int64)


def _is_numeric(axis: Axis) -> bool:
    return axis.labels.dtype != object


def _rising(axis: Axis, among: Places | None) -> Places:
    """Return the positions on an axis in the order of its labels, where these are numbers."""
    places = np.arange(len(axis)) if among is None else np.sort(among)
    return places[np.argsort(axis.labels[places], kind="stable")] if _is_numeric(axis) else places


def _kept(sizes: Sequence[int], numeric: Sequence[bool], most: int) -> list[int]:
    """Return how many values of each axis are kept: the longest axis gives up first."""
    kept = list(sizes)
    every = range(len(kept))
    numbers = [n for n in every if numeric[n]]
    for fewest, which in ((2, numbers), (2, every), (1, numbers), (1, every)):
        while math.prod(kept) > most:
            longest = max(which, key=kept.__getitem__, default=None)
            if longest is None or kept[longest] <= fewest:
                break
            kept[longest] -= 1
    return kept
