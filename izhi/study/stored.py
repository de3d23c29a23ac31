"""The groups of a dataset as xarray's, without a file that stays open.

What is small is read in at once. What is large is read piece by piece, when it is asked for; the
file is opened for each piece, see :mod:`izhi.netcdf`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from xarray.backends import AbstractDataStore, BackendArray
from xarray.core import indexing

from izhi import netcdf
from izhi.errors import StudyError

_ROOM = 1 << 28
"""Bytes of the variables of a small file; where there are more, it holds less than it says."""


def groups(path: Path, data: bytes | None) -> dict[str, xr.Dataset]:
    """Return the groups of a dataset, by path: ``"/"``, ``"/spikes"``, ``"/traces"``.

    Parameters
    ----------
    path
        The file.
    data
        What it holds; None where that is to be read when it is asked for.

    Raises
    ------
    StudyError
        Also when values are read that are in the file no more.
    """
    if data is not None:
        with netcdf.open(path, memory=data) as file:
            if _size(file) <= _ROOM:
                return {name: _dataset(group, None) for name, group in _groups(file)}
    with netcdf.open(path) as file:
        version = _Version.of(path)
        return {name: _dataset(group, version) for name, group in _groups(file)}


def _groups(file: Any) -> list[tuple[str, Any]]:
    return [("/", file), *((group.path, group) for group in file.groups.values())]


def _size(file: Any) -> int:
    """Return how many bytes the variables of a file take, with 64 for a text of any length."""
    sizes = (
        int(variable.size) * (64 if variable.dtype is str else variable.dtype.itemsize)
        for _, group in _groups(file)
        for variable in group.variables.values()
    )
    return sum(sizes)


def _dataset(group: Any, version: _Version | None) -> xr.Dataset:
    variables = {name: _variable(group, name, version) for name in group.variables}
    attributes = {name: group.getncattr(name) for name in group.ncattrs()}
    return xr.open_dataset(_Store(variables, attributes))  # type: ignore[arg-type, unused-ignore]


def _variable(group: Any, name: str, version: _Version | None) -> xr.Variable:
    variable = _raw(group, name)
    dtype = _TEXT if variable.dtype is str else np.dtype(variable.dtype)
    data: Any
    if version is None:
        data = np.asarray(variable[...], dtype)
    else:
        data = indexing.LazilyIndexedArray(
            _Values(version, group.path, name, tuple(variable.shape), dtype)
        )
    attributes = {name: variable.getncattr(name) for name in variable.ncattrs()}
    return xr.Variable(variable.dimensions, data, attributes, {"dtype": variable.dtype})


_TEXT = np.dtype("O", metadata={"element_type": str})
"""How xarray knows text of any length."""


def _raw(group: Any, name: str) -> Any:
    variable = group.variables[name]
    variable.set_auto_maskandscale(False)
    variable.set_auto_chartostring(False)
    return variable


class _Store(AbstractDataStore):
    """Variables and attributes of a group, for xarray to decode."""

    def __init__(self, variables: Mapping[str, xr.Variable], attributes: Mapping[str, Any]) -> None:
        self._variables, self._attributes = variables, attributes

    def get_variables(self) -> Mapping[str, xr.Variable]:
        return self._variables

    def get_attrs(self) -> Mapping[str, Any]:
        return self._attributes


@dataclass(frozen=True)
class _Version:
    """A file as it was at a time: its place on the disk, its size, and when it changed."""

    path: Path
    stamp: tuple[int, int, int, int]

    @classmethod
    def of(cls, path: Path) -> _Version:
        """Return a file as it is now."""
        state = os.stat(path)
        return cls(path.absolute(), (state.st_dev, state.st_ino, state.st_size, state.st_mtime_ns))

    def check(self) -> None:
        """Check that the file is still that.

        Raises
        ------
        StudyError
            When another took its place.
        """
        if not self.path.is_file() or _Version.of(self.path) != self:
            raise StudyError(
                f"{self.path}: is not the file any more that was opened; open the study again"
            )


class _Values(BackendArray):
    """What a variable holds, read from the file when it is asked for."""

    def __init__(
        self, version: _Version, group: str, name: str, shape: tuple[int, ...], dtype: Any
    ) -> None:
        self.version, self.group, self.name = version, group, name
        self.shape, self.dtype = shape, dtype

    def __getitem__(self, key: indexing.ExplicitIndexer) -> Any:
        """Return some of the values, as xarray asks for them."""
        return indexing.explicit_indexing_adapter(
            key, self.shape, indexing.IndexingSupport.OUTER, self._read
        )

    def _read(self, key: tuple[Any, ...]) -> NDArray[Any]:
        with netcdf.LOCK:
            self.version.check()
            with netcdf.open(self.version.path) as file:
                group = file if self.group == "/" else file[self.group]  # which knows no "/"
                values = _raw(group, self.name)[key]
        return np.asarray(values, self.dtype)
