"""A study on disk, opened for reading."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from izhi import floats
from izhi.errors import StudyError, no_folder
from izhi.study import log, resume
from izhi.study.folder import UNREADABLE, StudyFolder, check_own, meant

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    import xarray as xr
    from neo import SpikeTrain

_SMALL = 1 << 26
"""Bytes of a dataset that is read in, its SHA-256 looked at, when it is opened: 0.1 s or less."""


class Study:
    """The results of a sweep.

    Parameters
    ----------
    path
        The study's folder.

    Raises
    ------
    StudyError
        When there is no dataset in it, or a link in it leads to elsewhere.
    """

    def __init__(self, path: Path | str) -> None:
        self.folder = StudyFolder(Path(path))
        check_own(self.folder)
        if not self.folder.dataset.is_file():
            why = "no dataset.nc in it" if self.path.is_dir() else no_folder(self.path)
            raise StudyError(f"{self.path}: {why}{meant(self.path, 'dataset.nc')}")

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
    @floats.usual()
    def _groups(self) -> dict[str, xr.Dataset]:
        import izhi.study.accessor  # noqa: F401  (dataset.izhi)
        from izhi.study import stored

        try:
            groups = stored.groups(self.folder.dataset, self._whole())
            if not {"status", "cell"} <= set(groups["/"].variables):
                raise ValueError("it has no status of points, or no cells")
        except UNREADABLE as error:
            said = " ".join(str(error).split())[:200]
            raise StudyError(f"{self.folder.dataset}: is no dataset of a study: {said}") from error
        return groups

    def _whole(self) -> bytes | None:
        """Return a small dataset as it should be by the log; None for a large one.

        It is looked at first, because netCDF may read in a damaged one for ever.
        """
        path = self.folder.dataset
        if path.stat().st_size > _SMALL:
            return None
        data = path.read_bytes()
        if self.folder.log.is_file():
            logged = resume.logged_files(self.folder, self.log).get(path)
            here = hashlib.sha256(data).hexdigest()
            if logged not in (None, here) and not log.is_held(self.folder.log):
                raise StudyError(
                    f"{path}: not the file that the study's log tells of; run the study again, "
                    "which writes it anew"
                )
        return data

    def _group(self, name: str, otherwise: str) -> xr.Dataset:
        found = self._groups.get(f"/{name}")
        if found is None:
            raise StudyError(
                f"{self.path}: no {name} in this study; {self._lost(name) or otherwise}"
            )
        return found

    def _lost(self, name: str) -> str:
        """Return why there are no spikes, or traces, that were to be recorded; else empty."""
        from izhi.study.overview import asked

        if not asked(self).setting(f"record.{name}"):
            return ""
        reasons = [event["reason"] for event in self.log if event["event"] == "point_failed"]
        first = f" ({reasons[0]})" if reasons else ""
        return f"every point that was to record them failed{first}; see {self.folder.log}"

    @property
    def axes(self) -> list[str]:
        """Names of the swept dimensions."""
        return [str(name) for name in self.dataset["status"].dims]

    @floats.usual()
    def summary(self, per: str = "cell") -> pd.DataFrame:
        """Return one row per point and cell.

        Parameters
        ----------
        per
            ``"cell"``; or ``"projection"`` for the statistics of synapses, one row per point,
            projection and cell that projects.

        Returns
        -------
        pandas.DataFrame
            Indexed by the axes and ``cell``; a column for each statistic, and ``status``. The units
            of columns and index levels are in ``attrs["units"]``, their names in words in
            ``attrs["long_name"]``.

        Raises
        ------
        StudyError
            When there are no such rows.
        """
        from izhi.study import tables

        return tables.summary(self.dataset, per)

    @floats.usual()
    def table(
        self,
        by: str | Iterable[str],
        of: str | Iterable[str],
        agg: Any = "mean",
        per: str = "cell",
        **labels: Any,
    ) -> pd.DataFrame:
        """Return statistics grouped by axes and put together.

        Parameters
        ----------
        by
            Names of axes, ``"cell"``, or a statistic that is a word, such as ``"regime"``.
        of
            Names of statistics.
        agg
            What is made of the values of a group, as for pandas' ``agg``: ``"mean"``, ``"median"``,
            ``"count"``, a function, or a list of them. NaN are left out.
        per
            ``"cell"`` or ``"projection"``, see :meth:`summary`.
        **labels
            Which labels of axes or cells are taken, by name: ``cell="post0"``,
            ``amplitude=["8 mV", "10 mV"]``; by default all. Points that were not run or failed are
            left out.

        Returns
        -------
        pandas.DataFrame
            A row for each group in the order of the axes, a column for each statistic; units as in
            :meth:`summary`.

        Raises
        ------
        StudyError
            When a name or a label does not exist, or words are to be averaged.
        """
        from izhi.study import tables

        held = {
            name: value if isinstance(value, list | tuple | np.ndarray) else [value]
            for name, value in labels.items()
        }
        return tables.table(self.dataset.izhi.sel(**held), by, of, agg, per)

    @floats.usual()
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
            Seconds; empty too where the network of the point has no such cell, or the point has no
            results: its ``spike_count`` is -1 then.

        Raises
        ------
        StudyError
            When the cell, an axis or a value does not exist, or an axis is missing.
        """
        from izhi.study.accessor import position
        from izhi.study.selection import by_axis

        dataset = self.dataset
        at_cell = position(dataset["cell"], cell)
        given = by_axis(self.axes, point)
        places = []
        for name in self.axes:
            coordinate = dataset[name]
            if name not in given and coordinate.size > 1:
                raise StudyError(f"{name}: say which of its {coordinate.size} values is meant")
            places.append(position(coordinate, given[name]) if name in given else 0)
        shape = tuple(dataset.sizes[name] for name in self.axes)
        number = int(np.ravel_multi_index(places, shape)) if shape else 0
        train = number * dataset.sizes["cell"] + at_cell
        first = self._offsets[train : train + 2]
        return np.asarray(self.spikes["spike_time"][first[0] : first[1]].values, np.float64)

    @floats.usual()
    def to_neo(self, cell: str | Sequence[str] | None = None, **point: Any) -> list[SpikeTrain]:
        """Return spike trains for Neo, and with it for Elephant.

        Parameters
        ----------
        cell
            A label of the ``cell`` coordinate, or several; all cells by default.
        **point
            A value, or a list of values, for each axis, as in :meth:`spike_times`; all values of
            the axes that are left out.

        Returns
        -------
        list of neo.SpikeTrain
            In order of point, then cell; without the points that failed or were not run, and the
            cells that a point's circuit does not have. Times are in seconds, from 0 s to the
            point's ``simulation.duration``; the sampling rate is 1/dt. The annotations are the
            value on each axis, and its unit as ``<axis>_units`` where it has one; ``cell``,
            ``population``, ``point`` (its number), ``status``, ``study`` (its path) and
            ``digest`` (of the results, where the log has it).

        Raises
        ------
        StudyError
            When a cell, an axis or a value does not exist, or the study was run with
            ``record.spikes=false``.
        IzhiError
            When neo is not installed.
        """
        from izhi.study import neo

        return neo.spike_trains(self, cell, point)

    @cached_property
    def _offsets(self) -> NDArray[np.int64]:
        count = np.asarray(self.spikes["spike_count"].values, np.int64)
        return np.concatenate([[0], np.cumsum(count)])

    @property
    def log(self) -> list[dict[str, Any]]:
        """The events of the study's log."""
        return log.read(self.folder.log)

    @property
    def digest(self) -> str | None:
        """Digest of the results; None where the log does not have it."""
        return log.last_digest(self.log)

    def close(self) -> None:
        """Forget what was read; the next access reads the file as it is then."""
        for name in ("_groups", "dataset", "spikes", "traces", "_offsets"):
            self.__dict__.pop(name, None)
