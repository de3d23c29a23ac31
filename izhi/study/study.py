"""A study on disk, opened for reading."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from izhi.errors import ConfigError, StudyError, did_you_mean
from izhi.study import log, resume
from izhi.study.folder import UNREADABLE, StudyFolder, sha256
from izhi.sweep.checks import match

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

_SMALL = 1 << 26
"""Bytes of a dataset up to which its SHA-256 is looked at when it is opened: 0.1 s or less."""


class Study:
    """The results of a sweep.

    Parameters
    ----------
    path
        The study's folder.

    Raises
    ------
    StudyError
        When there is no dataset in it.
    """

    def __init__(self, path: Path | str) -> None:
        self.folder = StudyFolder(Path(path))
        if not self.folder.dataset.is_file():
            near = [p.name for p in self.path.parent.glob("*") if (p / "dataset.nc").is_file()]
            why = "no dataset.nc in it" if self.path.is_dir() else "no such folder"
            hint = did_you_mean(self.path.name, near) if near else ""
            raise StudyError(f"{self.path}: {why}{hint}")

    def __repr__(self) -> str:
        """Return the path and the sizes of the dimensions."""
        sizes = ", ".join(f"{name}: {n}" for name, n in self.dataset.sizes.items())
        return f"<izhi.Study {self.path} ({sizes})>"

    @property
    def path(self) -> Path:
        """The study's folder."""
        return self.folder.path

    @cached_property
    def dataset(self) -> xr.Dataset:
        """Statistics by axes and cell, read lazily; see the attributes of each variable."""
        return self._groups["/"]

    @cached_property
    def spikes(self) -> xr.Dataset:
        """All spikes as a CF contiguous ragged array: ``spike_time``, ``spike_count`` by train.

        Raises
        ------
        StudyError
            When the study was run with ``record.spikes=false``.
        """
        return self._group("spikes", "run with record.spikes=true to keep them")

    @cached_property
    def traces(self) -> xr.Dataset:
        """Membrane potential, recovery variable and current of the chosen points.

        Raises
        ------
        StudyError
            When the study recorded none.
        """
        return self._group("traces", "choose points with record.traces to record them")

    @cached_property
    def _groups(self) -> dict[str, xr.Dataset]:
        # One handle for all groups: netCDF 4.10.1 may crash the process when a file is open more
        # than once and one of the handles is closed.
        import xarray as xr

        try:
            self._check_whole()
            groups = dict(xr.open_groups(self.folder.dataset, engine="netcdf4"))
            if not {"status", "cell"} <= set(groups["/"].variables):
                raise ValueError("it has no status of points, or no cells")
        except UNREADABLE as error:
            said = " ".join(str(error).split())[:200]
            raise StudyError(f"{self.folder.dataset}: is no dataset of a study: {said}") from error
        return groups

    def _check_whole(self) -> None:
        """Check a small dataset against the log: netCDF may read in a damaged one for ever."""
        path = self.folder.dataset
        if path.stat().st_size > _SMALL or not self.folder.log.is_file():
            return
        logged = resume.logged_files(self.folder, self.log).get(path)
        if logged not in (None, sha256(path)) and not log.is_held(self.folder.log):
            raise StudyError(
                f"{path}: not the file that the study's log tells of; run the study again, which "
                "writes it anew"
            )

    def _group(self, name: str, otherwise: str) -> xr.Dataset:
        found = self._groups.get(f"/{name}")
        if found is None:
            raise StudyError(f"{self.path}: no {name} in this study; {otherwise}")
        return found

    @property
    def axes(self) -> list[str]:
        """Names of the swept dimensions."""
        return [str(name) for name in self.dataset["status"].dims]

    def summary(self) -> pd.DataFrame:
        """Return one row per point and cell.

        Returns
        -------
        pandas.DataFrame
            Indexed by the axes and ``cell``; a column for each statistic, and ``status``.
        """
        import pandas as pd

        dataset, axes = self.dataset, self.axes
        cells = dataset.sizes["cell"]
        columns: dict[str, Any] = {
            str(name): variable.transpose(*axes, "cell").values.ravel()
            for name, variable in dataset.data_vars.items()
            if "cell" in variable.dims
        }
        columns["status"] = np.repeat(dataset["status"].values.ravel(), cells)
        levels = [dataset[name].values for name in [*axes, "cell"]]
        if axes:
            index: pd.Index = pd.MultiIndex.from_product(levels, names=[*axes, "cell"])
        else:
            index = pd.Index(levels[0], name="cell")
        present = columns["spike_count"] >= 0
        table = pd.DataFrame(columns, index=index)
        # rows of cells that a point's circuit does not have say nothing; failed points do
        return table if present.all() else table[present | (columns["status"] != 0)]

    def spike_times(self, cell: str, **point: Any) -> NDArray[np.float64]:
        """Return the spike times of one cell at one point.

        Parameters
        ----------
        cell
            A label of the ``cell`` coordinate, such as ``"post0"``.
        **point
            A value for each axis, by its name: text, a number in the axis's unit, or a quantity
            (``amplitude="8 mV"``). Axes with a single value may be left out.

        Returns
        -------
        ndarray
            Seconds.

        Raises
        ------
        StudyError
            When the cell, an axis or a value does not exist, or an axis is missing.
        """
        dataset = self.dataset
        cells = [str(label) for label in dataset["cell"].values]
        if cell not in cells:
            raise StudyError(f"cell = {cell}: no such cell{did_you_mean(str(cell), cells)}")
        by_name = {**{name: name for name in self.axes},
                   **{name.replace(".", "_"): name for name in self.axes}}  # fmt: skip
        for name in point:
            if name not in by_name:
                raise StudyError(f"{name}: no such axis{did_you_mean(name, self.axes)}")
        given = {by_name[name]: value for name, value in point.items()}
        position = []
        for name in self.axes:
            coordinate = dataset[name]
            if name not in given and coordinate.size > 1:
                raise StudyError(f"{name}: say which of its {coordinate.size} values is meant")
            position.append(_position(coordinate, given[name]) if name in given else 0)
        shape = tuple(dataset.sizes[name] for name in self.axes)
        number = int(np.ravel_multi_index(position, shape)) if shape else 0
        train = number * len(cells) + cells.index(cell)
        first = self._offsets[train : train + 2]
        return np.asarray(self.spikes["spike_time"][first[0] : first[1]].values, np.float64)

    @cached_property
    def _offsets(self) -> NDArray[np.int64]:
        count = np.asarray(self.spikes["spike_count"].values, np.int64)
        return np.concatenate([[0], np.cumsum(count)])

    @property
    def log(self) -> list[dict[str, Any]]:
        """The events of the study's log."""
        return log.read(self.folder.log)

    def close(self) -> None:
        """Close the files; the next access opens them again."""
        for opened in self.__dict__.pop("_groups", {}).values():
            opened.close()
        for name in ("dataset", "spikes", "traces", "_offsets"):
            self.__dict__.pop(name, None)


def _position(coordinate: xr.DataArray, value: Any) -> int:
    """Return where on an axis a value is."""
    labels = coordinate.values
    if labels.dtype.kind not in "if":
        labels = labels.astype(object)
    unit = coordinate.attrs.get("units", "")
    try:
        found = match(labels, "" if unit == "1" else unit, value, str(coordinate.name))
    except ConfigError as error:
        raise StudyError(str(error)) from None
    return int(np.argmax(found))
