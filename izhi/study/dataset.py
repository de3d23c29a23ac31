"""The dataset: all points in one netCDF file, written window by window."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from izhi import netcdf
from izhi.config.sweep import Axis
from izhi.spikes import STATISTICS, Statistic
from izhi.study import shardfile, window
from izhi.study.digest import Digest
from izhi.study.draws import CONNECTION, Variable
from izhi.study.statistics import Columns, charge_unit
from izhi.study.window import ABSENT, Source, Window
from izhi.sweep.plan import Plan

_STATUS = {"long_name": "state of the point", "flag_values": np.array([0, 1, 2, 3], np.int8),
           "flag_meanings": "done not_run failed diverged"}  # fmt: skip

PRESENT = "has_projection"
"""The coordinate that says which rows of projections there are: any number of one may be NaN."""

_PRESENT = {"long_name": "whether the circuit of the point has the projection from the cell",
            "flag_values": np.array([0, 1], np.int8), "flag_meanings": "no yes"}  # fmt: skip


def axis_coordinate(axis: Axis) -> tuple[tuple[str], NDArray[Any], dict[str, str]]:
    """Return an axis as a coordinate variable."""
    attributes = {"long_name": axis.key}
    if axis.unit is not None:
        attributes["units"] = axis.unit or "1"
    labels = axis.labels
    if labels.dtype == object:
        labels = np.array([str(label) for label in labels])
    return (axis.name,), labels, attributes


def write(
    path: Path,
    plan: Plan,
    sources: Sequence[Source],
    windows: Sequence[Window],
    attributes: Mapping[str, str],
    digest: Digest,
    beside: Callable[[Any], None] = lambda file: None,
) -> int:
    """Write the dataset, with the spikes where they were kept.

    The file is written at one go. HDF5 may lock it, and a process that another thread starts
    shares the lock until it runs its program: to open the file again could fail.

    Parameters
    ----------
    path
        The file.
    plan
        The plan.
    sources
        The shard files.
    windows
        Windows over all points, in order.
    attributes
        Global attributes on top of the usual ones.
    digest
        Where to add what is written.
    beside
        Given the open file, writes what is to be in it besides.

    Returns
    -------
    int
        Number of points whose state diverged.
    """
    diverged = 0
    with netcdf.open(path, "w") as file:
        file.set_fill_off()  # every value is written
        file.setncatts({**_global_attributes(plan), **attributes})
        names = tuple(axis.name for axis in plan.sweep.axes)
        for axis in plan.sweep.axes:
            _, labels, told = axis_coordinate(axis)
            _coordinate(file, axis.name, labels).setncatts(told)
        columns = Columns.of(plan)
        _coordinate(file, "cell", np.array(plan.cells)).long_name = "cell of the circuit"
        of_projections = any(columns.labels(n) is columns.synapses for n in columns.names)
        if of_projections:
            synapse = _coordinate(file, "projection", np.array(plan.synapses))
            synapse.long_name = "projection, and cell that projects"
        variables = {
            name: _variable(
                file, name, what.dtype, (*names, what.per), _attributes(what, charge_unit(plan))
            )
            for name in columns.names
            for what in (STATISTICS[name],)
        }
        if columns.draws is not None and columns.draws.connections:
            labels = np.array(columns.draws.connections)
            told_of = "synapse: projection, cell that projects, and cell that it projects onto"
            _coordinate(file, CONNECTION, labels).long_name = told_of
        variables |= {
            drawn.name: _variable(file, drawn.name, drawn.dtype, (*names, drawn.per), _told(drawn))
            for drawn in columns.drawn
        }
        status = _variable(file, "status", np.int8, names, _STATUS)
        if of_projections:
            dimensions = (*names, "projection")
            present = _variable(file, PRESENT, np.int8, dimensions, _PRESENT)
            file.coordinates = PRESENT  # xarray takes it for no statistic
        trains = None
        if sources and plan.sweep.setting("record.spikes"):
            trains = _Spikes.create(file.createGroup("spikes"), plan, sources)
        for part in windows:
            values = window.read(part, columns)
            shape = tuple(s.stop - s.start for s in part.box)
            status[part.box or ...] = values["status"].reshape(shape)
            diverged += int(np.count_nonzero(values["status"] == shardfile.DIVERGED))
            for name, variable in variables.items():
                variable[(*part.box, slice(None))] = values[name].reshape(*shape, -1)
            if of_projections:
                there = window.present(part, columns)
                present[(*part.box, slice(None))] = there.reshape(*shape, -1)
            for name, found in values.items():
                digest.add(name, found)
            if trains is not None:
                digest.add("spike_time", trains.write(part))
        if trains is not None:
            digest.add("train_count", trains.count)
        beside(file)
    return diverged


def _coordinate(file: Any, name: str, labels: NDArray[Any]) -> Any:
    file.createDimension(name, labels.size)
    text = labels.dtype.kind in "UO"
    variable = file.createVariable(name, str if text else labels.dtype, (name,))
    variable[:] = labels.astype(object) if text else labels
    return variable


def _variable(
    group: Any, name: str, dtype: Any, dimensions: tuple[str, ...], attributes: Mapping[str, Any]
) -> Any:
    variable = group.createVariable(name, dtype, dimensions)
    variable.setncatts(attributes)
    variable.set_auto_maskandscale(False)
    return variable


def _attributes(what: Statistic, charge: str) -> dict[str, Any]:
    comment = what.comment
    if what.dtype.kind == "i":
        comment += f" {ABSENT} where the point was not run or its circuit has no such cell."
    told: dict[str, Any] = {"long_name": what.long_name, "comment": comment}
    if what.words:
        return told | _flags(what.words, what.dtype)
    return told | {"units": charge if what.units == "charge" else what.units}


def _told(drawn: Variable) -> dict[str, Any]:
    """Return the attributes of what was drawn."""
    told: dict[str, Any] = {"long_name": drawn.long_name, "comment": drawn.comment}
    if drawn.words:
        return told | _flags(drawn.words, drawn.dtype)
    return told | {"units": drawn.units}


def _flags(words: Sequence[str], dtype: np.dtype[Any]) -> dict[str, Any]:
    return {
        "flag_values": np.arange(len(words), dtype=dtype),
        "flag_meanings": " ".join(words),
    }


def _global_attributes(plan: Plan) -> dict[str, str]:
    now = datetime.now(UTC).isoformat(timespec="seconds")
    command = shlex.join(plan.sweep.command)
    return {
        "Conventions": "CF-1.11",
        "history": f"{now} {command}",
        "source": "izhi, simulated with Brian2",
    }


@dataclass
class _Spikes:
    """The group of spikes, a CF contiguous ragged array: trains in order of point, then cell."""

    time: Any
    point: Any
    cell: Any
    count: NDArray[np.int32]
    letters: NDArray[Any]
    written: int = 0

    @classmethod
    def create(cls, group: Any, plan: Plan, sources: Sequence[Source]) -> _Spikes:
        count = spike_counts(plan, sources)
        grids = {batch.structure.dt for batch in plan.batches}
        # all times are whole steps of one length
        whole = len(grids) == 1 and not any(batch.structure.located for batch in plan.batches)
        group.featureType = "timeSeries"
        group.createDimension("spike", int(count.sum(dtype=np.int64)))
        group.createDimension("train", count.size)
        told: dict[str, Any] = {"long_name": "time of the spike", "units": "s"}
        if whole:
            told["scale_factor"] = next(iter(grids))
        dtype = np.int32 if whole else np.float64
        time = _variable(group, "spike_time", dtype, ("spike",), told)
        told = {"long_name": "number of spikes of the train", "sample_dimension": "spike"}
        _variable(group, "spike_count", np.int32, ("train",), told)[:] = count.ravel()
        told = {"long_name": "number of the point, in row-major order of the axes"}
        point = _variable(group, "point", np.int32, ("train",), told)
        labels = np.array([label.encode() for label in plan.cells])
        group.createDimension("letter", labels.itemsize)
        told = {"long_name": "cell of the circuit", "_Encoding": "utf-8"}
        cell = _variable(group, "cell", "S1", ("train", "letter"), told)
        return cls(time, point, cell, count, labels.view("S1").reshape(labels.size, -1))

    def write(self, part: Window) -> NDArray[Any]:
        """Append the trains of the next window; return their spikes as they are stored."""
        cells, points = len(self.letters), np.arange(part.first, part.stop)
        trains = slice(part.first * cells, part.stop * cells)
        self.point[trains] = np.repeat(points, cells)
        self.cell[trains] = np.tile(self.letters, (points.size, 1))
        found = spikes(part, self.count, self.time.dtype)
        self.time[self.written : self.written + found.size] = found
        self.written += found.size
        return found


def spike_counts(plan: Plan, sources: Sequence[Source]) -> NDArray[np.int32]:
    """Return the spikes of all trains, shape (points, cells)."""
    count = np.zeros((plan.points, len(plan.cells)), np.int32)
    for source in sources:
        count[np.ix_(source.points, source.cells)] = source.count
    return count


def spikes(part: Window, count: NDArray[np.int32], dtype: Any) -> NDArray[Any]:
    """Return the spikes of a window, train after train, as steps or as seconds.

    Parameters
    ----------
    part
        The window.
    count
        Spikes of all trains, shape (points, cells).
    dtype
        Of whole numbers for time steps, else seconds.
    """
    here = count[part.first : part.stop]
    starts = (np.cumsum(here) - here.ravel()).reshape(here.shape)
    result = np.empty(int(here.sum(dtype=np.int64)), dtype)
    for piece in part.parts:
        steps, dt = shardfile.read_steps(piece.source, piece.spikes)
        values = steps if result.dtype == np.int32 else steps * dt
        if isinstance(piece.at, slice) and np.array_equal(piece.cells, np.arange(here.shape[1])):
            first = starts[piece.at.start, 0]
            result[first : first + values.size] = values
            continue
        trains = np.ix_(np.arange(part.stop - part.first)[piece.at], piece.cells)
        lengths = here[trains].ravel()
        shift = np.repeat(starts[trains].ravel() - (np.cumsum(lengths) - lengths), lengths)
        result[shift + np.arange(steps.size)] = values
    return result
