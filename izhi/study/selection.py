"""Choosing among the results of a study: values of its axes and cells, as one writes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from izhi.errors import StudyError, did_you_mean
from izhi.study.accessor import position

if TYPE_CHECKING:
    import xarray as xr


def by_axis(axes: Sequence[str], point: Mapping[str, Any]) -> dict[str, Any]:
    """Return what was given for axes under their names; a name's dots may be written as ``_``.

    Raises
    ------
    StudyError
        When there is no such axis.
    """
    names = {**{name: name for name in axes}, **{name.replace(".", "_"): name for name in axes}}
    for name in point:
        if name not in names:
            raise StudyError(f"{name}: no such axis{did_you_mean(name, axes)}")
    return {names[name]: value for name, value in point.items()}


def points(dataset: xr.Dataset, point: Mapping[str, Any]) -> NDArray[np.int64]:
    """Return the numbers of the points with the given values, in order.

    Parameters
    ----------
    dataset
        The dataset of a study.
    point
        A value, or several, by axis; all values of the axes that are left out.

    Raises
    ------
    StudyError
        When an axis or a value does not exist, or none is given.
    """
    axes = [str(name) for name in dataset["status"].dims]
    chosen = np.ones(dataset["status"].shape, np.bool_)
    for name, given in by_axis(axes, point).items():
        here = np.zeros(dataset.sizes[name], np.bool_)
        here[[position(dataset[name], value) for value in _several(name, given)]] = True
        chosen &= here.reshape([-1 if axis == name else 1 for axis in axes])
    return np.flatnonzero(chosen.ravel())


def cells(dataset: xr.Dataset, cell: Any) -> NDArray[np.int64]:
    """Return the numbers of the cells with the given label or labels, in order; of all for None.

    Raises
    ------
    StudyError
        When a cell does not exist, or none is given.
    """
    if cell is None:
        return np.arange(dataset.sizes["cell"])
    return np.unique([position(dataset["cell"], label) for label in _several("cell", cell)])


def _several(name: str, given: Any) -> list[Any]:
    several = list(given) if isinstance(given, list | tuple | np.ndarray) else [given]
    if not several:
        raise StudyError(f"{name} = []: expected one value or more")
    return several
