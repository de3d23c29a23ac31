"""What a figure of statistics shows: which axes stay, which labels the others have."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from izhi.errors import StudyError, did_you_mean
from izhi.report.figures import places, scales
from izhi.study.accessor import LABELS
from izhi.study.shardfile import DIVERGED
from izhi.study.study import Study

if TYPE_CHECKING:
    import xarray as xr


def select(study: Study, of: str, labels: Mapping[str, Any]) -> xr.Dataset:
    """Return a statistic and the status at labels; of cells and projections the first by default.

    Parameters
    ----------
    study
        The study.
    of
        The statistic's name.
    labels
        By axis, cell or projection: a label, or several.

    Raises
    ------
    StudyError
        When a statistic, an axis or a label does not exist.
    """
    dataset = study.dataset
    known = [str(name) for name in dataset.data_vars if name != "status"]
    if of not in known:
        raise StudyError(f"of = {of}: no such statistic{did_you_mean(of, known)}")
    for label in LABELS:
        if label in labels and label not in dataset[of].dims:
            there = next((one for one in LABELS if one in dataset[of].dims), "point")
            raise StudyError(f"{label} = {labels[label]}: {of} is one of a {there}")
    found = dataset[[of, "status"]].izhi.sel(**labels).izhi.done
    first = {label: 0 for label in LABELS if label in found[of].dims and label not in labels}
    result: xr.Dataset = found.isel(first)
    return result


def is_numeric(dataset: xr.Dataset, axis: str) -> bool:
    """Whether an axis has numbers for labels."""
    return bool(dataset[axis].dtype.kind in "iuf")


def free(dataset: xr.Dataset, of: str) -> list[str]:
    """Return the axes on which there are several labels."""
    return [str(name) for name in dataset[of].dims if dataset.sizes[name] > 1]


def check_axis(dataset: xr.Dataset, of: str, name: str, given: str) -> None:
    """Check that an axis is there.

    Raises
    ------
    StudyError
        Naming the option that it was given with.
    """
    axes = [str(axis) for axis in dataset[of].dims]
    if given not in axes:
        near = did_you_mean(given, axes) or "; nothing is swept"
        raise StudyError(f"{name} = {given}: no such axis{near}")


def check_rest(dataset: xr.Dataset, of: str, *shown: str | None) -> xr.Dataset:
    """Return a dataset with no other axes than those that are shown.

    Raises
    ------
    StudyError
        Naming an axis that has several labels, with an example of what to give.
    """
    for axis in dataset[of].dims:
        if axis not in shown and dataset.sizes[axis] > 1:
            raise StudyError(places.several(str(axis), words(dataset, str(axis))))
    rest = {axis: 0 for axis in dataset[of].dims if axis not in shown}
    return dataset.isel(rest)


def words(dataset: xr.Dataset, axis: str) -> list[str]:
    """Return the labels of an axis as text, without units."""
    values = np.atleast_1d(dataset[axis].values).tolist()
    return [f"{value:.6g}" if isinstance(value, float) else str(value) for value in values]


def said(dataset: xr.Dataset, axis: str) -> str:
    """Return what to write at an axis: its name and unit."""
    return scales.label(axis, str(dataset[axis].attrs.get("units", "")))


def title(variable: xr.DataArray) -> str:
    """Return what a statistic is, with its unit."""
    name = str(variable.attrs.get("long_name", variable.name))
    return scales.label(name, str(variable.attrs.get("units", "")))


def details(study: Study, dataset: xr.Dataset) -> str:
    """Return what the points that are shown have in common."""
    several = {label for label in LABELS if study.dataset.sizes.get(label, 0) > 1}
    found = []
    for name in (*LABELS, *study.axes):
        if name in dataset.coords and not dataset[name].dims:
            (word,) = words(dataset, name)
            unit = str(dataset[name].attrs.get("units", "")).replace("1", "")
            if name in several:
                found.append(word)
            elif name not in LABELS:
                found.append(f"{name} = {scales.words(word)} {unit}".strip())
    return ", ".join(found)


def diverged(dataset: xr.Dataset) -> Any:
    """Return where points have diverged."""
    return dataset["status"].values == DIVERGED
