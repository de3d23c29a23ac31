"""Parameter values over points, as small arrays that broadcast over the axes.

Points are numbered in row-major order of the axes: the last axis runs fastest. A *grid* is an array
with one dimension per axis, of that axis's length where the value varies along it and 1 elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from izhi.config.sweep import Base, Sweep
from izhi.units import Quantity


def count(sweep: Sweep) -> int:
    """Return the number of points."""
    total = 1
    for length in sweep.shape:
        total *= length
    return total


def grid(sweep: Sweep, key: str) -> NDArray[np.float64]:
    """Return the SI values of a key; nan where a base does not hold it."""
    if (found := sweep.along(key)) is not None:
        number, axis = found
        shape = [1] * len(sweep.axes)
        shape[number] = len(axis)
        return np.asarray(axis.values, dtype=float).reshape(shape)
    table = np.array([_number(base.values.get(key)) for base in sweep.bases])
    return np.asarray(table[sweep.base_of])


def grid_by_base(sweep: Sweep, key_of: Callable[[Base], str]) -> NDArray[np.float64]:
    """Return the SI values of a parameter whose key depends on the base."""
    by_key: dict[str, list[int]] = {}
    for number in sweep.used:
        by_key.setdefault(key_of(sweep.bases[number]), []).append(number)
    (first, _), *others = by_key.items()
    result = grid(sweep, first)
    for key, numbers in others:
        result = np.where(np.isin(sweep.base_of, numbers), grid(sweep, key), result)
    return result


def _number(value: Any) -> float:
    if isinstance(value, Quantity):
        return value.si
    return float(value) if isinstance(value, int | float) else np.nan


def index(sweep: Sweep, points: NDArray[np.int64]) -> tuple[NDArray[np.int64], ...]:
    """Return the position of points along each axis: one number where all have the same."""
    found = np.unravel_index(points, sweep.shape) if sweep.axes else ()
    return tuple(p[0] if (p == p[0]).all() else p for p in found)


def take(values: NDArray[Any], position: tuple[NDArray[np.int64], ...]) -> NDArray[Any]:
    """Return a grid's values at points whose axis positions are given.

    One value where it varies along no axis on which the points do, else one per point.
    """
    at = tuple(p if n > 1 else 0 for p, n in zip(position, values.shape, strict=True))
    return np.atleast_1d(values[at])
