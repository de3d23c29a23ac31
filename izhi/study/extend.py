"""Going on with a study by a larger sweep: where its points are in the new one, by their labels.

A study grows by more values of its axes and by further axes. On a further axis its points lie at
the value that their configs state. Axes and values keep their order, so that points keep theirs.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from izhi import units
from izhi.config import keys
from izhi.config.sweep import Axis, Base, Sweep
from izhi.study.description import results_of, written
from izhi.sweep import points
from izhi.units import Dimension, Quantity


@dataclass(frozen=True)
class Place:
    """Where the points of a sweep are in a larger one.

    Attributes
    ----------
    shape
        Lengths of the smaller sweep's axes.
    within
        Lengths of the larger sweep's axes.
    along
        For each axis of the larger sweep: number of the smaller one's axis, or None.
    positions
        For each axis of the larger sweep: positions of the smaller one's values, rising; one
        position for an axis that it does not have.
    """

    shape: tuple[int, ...]
    within: tuple[int, ...]
    along: tuple[int | None, ...]
    positions: tuple[NDArray[np.int64], ...]

    def renumber(self, numbers: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the larger sweep's numbers of points of the smaller one, in the same order."""
        if not self.within:
            return numbers
        at = np.unravel_index(numbers, self.shape) if self.shape else ()
        found = [
            np.broadcast_to(where[0], numbers.shape) if axis is None else where[at[axis]]
            for axis, where in zip(self.along, self.positions, strict=True)
        ]
        return np.asarray(np.ravel_multi_index(found, self.within), np.int64)


def place(old: Sweep, new: Sweep) -> Place | list[str]:
    """Return where a study's points are in a new sweep, or what keeps it from growing into it.

    Parameters
    ----------
    old
        The study's sweep.
    new
        The sweep that was asked for.

    Returns
    -------
    Place or list of str
        The differences key by key, where the new sweep does not hold every old point.
    """
    differences = [*_axis_differences(old, new)]
    if differences:
        return differences
    number = {axis.key: n for n, axis in enumerate(old.axes)}
    along, positions = [], []
    for axis in new.axes:
        found = number.get(axis.key)
        along.append(found)
        if found is not None:
            positions.append(_positions(old.axes[found], axis))
            continue
        at = stated(old, axis)
        if isinstance(at, str):
            differences.append(at)
        elif apart := [link for link in axis.links if not _is_stated(old, link, at)]:
            differences.append(
                f"{apart[0].key}: another value there; it goes along {axis.key} here"
            )
        else:
            positions.append(np.array([at], np.int64))
    if differences:
        return differences
    result = Place(old.shape, new.shape, tuple(along), tuple(positions))
    differences = [*_config_differences(old, new, result)]
    return differences or result


def values(axis: Axis) -> list[Any]:
    """Return what an axis's values are compared by: SI values, or text and whole numbers."""
    return list(axis.labels if axis.dimension is None else map(repr, axis.values.tolist()))  # type: ignore[union-attr]


def _positions(old: Axis, new: Axis) -> NDArray[np.int64]:
    where = {value: n for n, value in enumerate(values(new))}
    return np.array([where[value] for value in values(old)], np.int64)


def _links(axis: Axis, kept: NDArray[np.int64] | None = None) -> dict[str, list[Any]]:
    """Return what goes along with an axis, or with some of its values, by key."""
    few = axis if kept is None else axis.at(kept)
    return {link.key: values(link) for link in few.links}


def _is_stated(old: Sweep, link: Axis, at: int) -> bool:
    """Whether all points of a study have the value of a key at one place of an axis."""
    return {repr(number) for number in points.grid(old, link.key).ravel().tolist()} == {
        values(link)[at]
    }


def _axis_differences(old: Sweep, new: Sweep) -> Iterator[str]:
    theirs = {axis.key: axis for axis in new.axes}
    for axis in old.axes:
        other = theirs.get(axis.key)
        if other is None:
            yield f"{axis.key}: {shown(axis)} there, not swept here"
            continue
        if (axis.unit, axis.name, axis.dimension) != (other.unit, other.name, other.dimension):
            yield (f"{axis.key}: an axis {axis.name} in {axis.unit or 'no unit'} there, "
                   f"{other.name} in {other.unit or 'no unit'} here")  # fmt: skip
            continue
        held = set(values(other))
        gone = [word for word, value in zip(_words(axis), values(axis), strict=True)
                if value not in held]  # fmt: skip
        if gone:
            digits = _rounded(axis.values, other.values, axis.dimension)
            yield (f"{axis.key}: {shown(axis)} there, {shown(other)} here, "
                   f"without {_few(gone)}{digits}")  # fmt: skip
        elif _links(axis) != _links(other, _positions(axis, other)):
            yield f"{axis.key}: other keys go along with it there than here, or with other values"
        elif np.any(np.diff(_positions(axis, other)) < 0):
            yield (f"{axis.key}: {shown(axis)} there, {shown(other)} here; "
                   "its values have to keep their order")  # fmt: skip
    before = [axis.key for axis in old.axes]
    order = [axis.key for axis in new.axes if axis.key in before]
    if order != before and len(order) == len(before):
        yield (f"axes: {' '.join(before)} there, {' '.join(order)} here; "
               "they have to keep their order")  # fmt: skip


def stated(old: Sweep, axis: Axis) -> int | str:
    """Return the position of a study's points on a further axis, or why they have none."""
    if axis.values is None:  # a choice of files
        group = axis.key.lstrip("+~")
        given: set[Any] = {old.choices.get(group, "null").replace("None", "null")}
    elif axis.dimension is None:
        given = {old.bases[n].values.get(axis.key) for n in old.used}
    else:
        numbers = np.unique(points.grid(old, axis.key))
        given = {repr(number) for number in numbers.tolist()}
    if len(given) > 1:
        return f"{axis.key}: differs from point to point there, so it cannot be an axis here"
    where = {value: n for n, value in enumerate(values(axis))}
    value = given.pop()
    if value in where:
        return where[value]
    there = _of(old.bases[old.used[0]], axis.key, old.choices.get(axis.key))
    digits = _rounded(points.grid(old, axis.key), axis.values, axis.dimension)
    return f"{axis.key}: {there} there, {shown(axis)} here; that value has to be among them{digits}"


def _rounded(there: Any, here: Any, dimension: Dimension | None) -> str:
    """Return the digits of a value that is there, and here but for rounding: 9 mV and 9000 uV.

    They are not one value: results of the one would pass for results of the other.
    """
    if dimension is None:
        return ""
    unit = "" if dimension == units.NUMBER else f" {units.symbol(dimension)}"
    others = np.atleast_1d(here)
    for value in np.unique(there).tolist():
        near = others[np.isclose(others, value, rtol=1e-12, atol=0)]
        if near.size and value not in others:
            return (f": {value!r}{unit} there, {float(near[0])!r}{unit} here; write it as it was "
                    "written there")  # fmt: skip
    return ""


def _config_differences(old: Sweep, new: Sweep, where: Place) -> Iterator[str]:
    """Give the keys whose values differ between a study's points and the same points here."""
    swept = {one.key for axis in new.axes for one in (axis, *axis.links) if one.values is not None}
    seen: set[str] = set()
    for here, there in sorted(_pairs(old, new, where)):
        a, b = results_of(old.bases[there]), results_of(new.bases[here])
        for key in dict.fromkeys([*a, *b]):
            if a.get(key) == b.get(key) or key in seen or key in swept:
                continue
            seen.add(key)
            left, right = (base.values.get(key) for base in (old.bases[there], new.bases[here]))
            digits = ""
            if isinstance(left, Quantity) and isinstance(right, Quantity):
                digits = _rounded(left.si, right.si, left.dimension)
            yield (f"{key}: {_of(old.bases[there], key)} there, {_of(new.bases[here], key)} here"
                   f"{digits}")  # fmt: skip
    numbers = new.bases[new.used[0]].values.get("record.traces")
    if isinstance(numbers, list) and old.shape != new.shape:
        yield ("record.traces: point numbers change when a study grows; choose the points by "
               "values, such as {neuron: chattering}")  # fmt: skip


def _pairs(old: Sweep, new: Sweep, where: Place) -> set[tuple[int, int]]:
    """Return which config here stands for which config there."""
    index = [
        at if length > 1 else np.zeros(1, np.int64)
        for at, length in zip(where.positions, new.base_of.shape, strict=True)
    ]
    here = new.base_of[np.ix_(*index)] if index else new.base_of
    # what is left are the old axes in their order, which is that of the new ones
    further = tuple(n for n, axis in enumerate(where.along) if axis is None)
    here, there = np.broadcast_arrays(here.squeeze(axis=further), old.base_of)
    return set(zip(here.ravel().tolist(), there.ravel().tolist(), strict=True))


def _of(base: Base, key: str, otherwise: str | None = None) -> str:
    if key not in base.values:
        return otherwise or "none"
    value = base.values[key]
    return written(value) if isinstance(value, Quantity) else keys.shown(value)


def shown(axis: Axis) -> str:
    """Return an axis's values in words: ``"6, 8, 10 mV"``."""
    return _few(_words(axis)) + (f" {axis.unit}" if axis.unit else "")


def _words(axis: Axis) -> list[str]:
    if axis.labels.dtype == object:  # a choice may have the name 1.0
        return [str(label) for label in axis.labels]
    return [str(label).removesuffix(".0") for label in axis.labels]


def _few(words: list[str]) -> str:
    return ", ".join(words if len(words) <= 6 else [*words[:4], "...", words[-1]])
