"""The common selections on a study's dataset, as ``dataset.izhi``.

Opening a study registers the accessor; ``import izhi.study.accessor`` does so for datasets that are
opened with xarray alone.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from izhi.errors import ConfigError, StudyError, did_you_mean
from izhi.spikes import gain
from izhi.study import description, populations
from izhi.study.shardfile import DIVERGED, DONE
from izhi.sweep.checks import match

LABELS = ("cell", "projection", "connection")
"""Dimensions of a dataset that are no axes."""


@xr.register_dataset_accessor("izhi")  # type: ignore[no-untyped-call]
class Selections:
    """Selections on the dataset of a study, by the labels of its axes.

    Parameters
    ----------
    dataset
        The dataset of a study.
    """

    def __init__(self, dataset: xr.Dataset) -> None:
        self._dataset = dataset

    @property
    def axes(self) -> list[str]:
        """Names of the swept dimensions."""
        return [str(name) for name in self._dataset.dims if name not in LABELS]

    def sel(self, **labels: Any) -> xr.Dataset:
        """Select by labels of axes, cells and projections.

        Parameters
        ----------
        **labels
            A label, or a list of them, by the name of a dimension: text, a number in the axis's
            unit, or a quantity (``amplitude="8 mV"``); a dot in a name is written ``_``. A label
            that is given twice is there once.

        Returns
        -------
        xarray.Dataset
            Without the dimensions of which one label was given.

        Raises
        ------
        StudyError
            When a dimension or a label does not exist.
        """
        names = [str(name) for name in self._dataset.dims]
        known = {name.replace(".", "_"): name for name in names} | {name: name for name in names}
        places: dict[str, Any] = {}
        for name, value in labels.items():
            if name not in known:
                raise StudyError(f"{name}: no such axis{did_you_mean(name, names)}")
            coordinate = self._dataset[known[name]]
            many = isinstance(value, list | tuple | np.ndarray)
            found = [position(coordinate, one) for one in (value if many else [value])]
            places[known[name]] = list(dict.fromkeys(found)) if many else found[0]
        return self._dataset.isel(places)

    @property
    def done(self) -> xr.Dataset:
        """The dataset with NaN in place of results of points that were not run, or failed.

        Statistics that are whole numbers become floating point numbers.
        """
        status = self._dataset["status"]
        run = (status == DONE) | (status == DIVERGED)
        found = self._dataset.copy()
        for name, variable in self._dataset.data_vars.items():
            if name != "status" and any(label in variable.dims for label in LABELS):
                present = run & (variable >= 0) if variable.dtype.kind == "i" else run
                found[name] = variable.where(present)
        return found

    def population(self, name: str) -> xr.Dataset:
        """Select the cells of a population.

        Parameters
        ----------
        name
            Its name in the circuit: ``"pre"`` for the cells ``pre0``, ``pre1``, ...

        Raises
        ------
        StudyError
            When there is no such population, or the dataset has lost its attributes, which tell of
            the populations.
        """
        cells = [str(label) for label in self._dataset["cell"].values]
        if "config" not in self._dataset.attrs:
            raise StudyError(
                f"population = {name}: the dataset has lost its attributes, which say what cells a "
                "population has; keep them, as with xarray.set_options(keep_attrs=True)"
            )
        sweep = description.of_dataset(self._dataset, f"population = {name}: the dataset")
        known = populations.groups(sweep, cells)
        if name not in known:
            raise StudyError(f"population = {name}: no such population{did_you_mean(name, known)}")
        return self._dataset.isel(cell=known[name])

    def map(self, name: str, x: str, y: str, **labels: Any) -> xr.DataArray:
        """Return a variable over two axes, as for a picture.

        Parameters
        ----------
        name
            The variable; one with words for numbers, such as ``regime``, gives the words.
        x, y
            Names of the axes that stay.
        **labels
            Labels of the others, as for :meth:`sel`; one with a single label may be left out.

        Returns
        -------
        xarray.DataArray
            Of dimensions (y, x).

        Raises
        ------
        StudyError
            When an axis is left over, or something does not exist.
        """
        _check_variable(self._dataset, name)
        found = self._dataset[[name]].izhi.sel(**labels)[name]
        for axis in (x, y):
            _check_axis(found, axis)
        for dimension in set(found.dims) - {x, y}:
            if found.sizes[dimension] > 1:
                raise StudyError(
                    f"{dimension}: say which of its {found.sizes[dimension]} labels is meant"
                )
            found = found.isel({dimension: 0})
        return in_words(found.transpose(y, x))

    def gain(self, axis: str, of: str = "firing_rate") -> xr.DataArray:
        """Return the slope of a variable along an axis: of the f-I curve, along the amplitude.

        Parameters
        ----------
        axis
            Name of the axis.
        of
            Name of the variable.

        Returns
        -------
        xarray.DataArray
            Of the variable's dimensions, in its unit over that of the axis (``Hz/mV``); see
            `izhi.spikes.gain`.

        Raises
        ------
        StudyError
            When the axis has no numbers, or fewer than two, or the values of `of` are words.
        """
        _check_variable(self._dataset, of)
        variable = self._dataset.izhi.done[of]
        _check_axis(variable, axis)
        if "flag_meanings" in variable.attrs:
            raise StudyError(f"{of}: has no slope; its values are words")
        values = self._dataset[axis].values
        try:
            found = gain(variable.values, values, variable.dims.index(axis))
        except ValueError as error:  # text, one value, or values that go up and down
            raise StudyError(f"{axis}: has no slope; {error}") from None
        unit = self._dataset[axis].attrs.get("units", "1")
        result: xr.DataArray = variable.copy(data=found).rename("gain")
        result.attrs = {
            "long_name": f"slope of {of} along {axis}",
            "units": f"{variable.attrs.get('units', '1')}/{unit}".removesuffix("/1"),
        }
        return result


def _check_variable(dataset: xr.Dataset, name: str) -> None:
    if name not in dataset.data_vars:
        known = [str(n) for n in dataset.data_vars]
        raise StudyError(f"{name}: no such variable{did_you_mean(name, known)}")


def _check_axis(variable: xr.DataArray, axis: str) -> None:
    if axis not in variable.dims:
        near = did_you_mean(axis, map(str, variable.dims))
        raise StudyError(f"{axis}: no axis of {variable.name}{near}")


def in_words(variable: xr.DataArray) -> xr.DataArray:
    """Return a variable whose numbers stand for words as those words; others as they are.

    A number without a word, of a point that was not run, is empty.
    """
    if "flag_meanings" not in variable.attrs:
        return variable
    words = np.array([*variable.attrs["flag_meanings"].split(), ""], dtype=object)
    number = variable.values.astype(np.int64)
    number = np.where((number >= 0) & (number < words.size - 1), number, words.size - 1)
    result = variable.copy(data=words[number])
    result.attrs = {k: v for k, v in variable.attrs.items() if not k.startswith("flag_")}
    return result


def position(coordinate: xr.DataArray, value: Any) -> int:
    """Return where on an axis a label is.

    Raises
    ------
    StudyError
        When it is not there.
    """
    labels: NDArray[Any] = coordinate.values
    if labels.dtype.kind not in "if":
        labels = labels.astype(object)
    if coordinate.name in LABELS and value not in labels.tolist():
        kind, known = str(coordinate.name), labels.tolist()
        raise StudyError(f"{kind} = {value}: no such {kind}{did_you_mean(str(value), known)}")
    unit = coordinate.attrs.get("units", "")
    try:
        return match(labels, "" if unit == "1" else unit, value, str(coordinate.name))
    except ConfigError as error:
        raise StudyError(str(error)) from None


def names(given: str | Iterable[str]) -> list[str]:
    """Return one or several names as a list."""
    return [given] if isinstance(given, str) else list(given)
