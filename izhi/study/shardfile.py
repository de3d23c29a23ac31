"""Shard files: the results of one run of points, as netCDF.

The SHA-256 of each comes after its end, where netCDF does not look: a file that was stored by a
process that was killed before the log knew is known to be whole before any of it is believed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from izhi import netcdf
from izhi.errors import StudyError
from izhi.spikes import STATISTICS
from izhi.study import versions
from izhi.study.digest import same_bits
from izhi.study.folder import UNREADABLE, Written, write_atomic

_MOST_POINTS = 20_000_000
"""More are in no study, see :mod:`izhi.study.description`."""

DONE, NOT_RUN, FAILED, DIVERGED = 0, 1, 2, 3
"""The state of a point, as stored in ``status``."""


@dataclass(frozen=True)
class ShardData:
    """The results of some points of one structure.

    Attributes
    ----------
    points
        Numbers of the points.
    cells, synapses
        Labels of the circuit's cells and synapses.
    status
        State of each point.
    statistics
        By name, arrays of shape (points, cells) or (points, synapses).
    stated
        What these statistics are known by, see :func:`izhi.study.statistics.digest`.
    count
        Spikes of each train, shape (points, cells).
    step
        Times of all spikes in time steps, train after train, with a fraction where resets are
        located inside the step; None where spikes are not kept.
    dt
        The time step in seconds.
    traces
        By variable, arrays of shape (points, cells, samples).
    interval
        Seconds between samples; None without traces.
    """

    points: NDArray[np.int64]
    cells: tuple[str, ...]
    synapses: tuple[str, ...]
    status: NDArray[np.int8]
    statistics: dict[str, NDArray[Any]]
    stated: str
    count: NDArray[np.int64]
    step: NDArray[Any] | None
    dt: float
    traces: dict[str, NDArray[np.float64]]
    interval: float | None

    def take(self, rows: NDArray[np.int64]) -> ShardData:
        """Return the results of some of the points."""
        ends = np.cumsum(self.count.sum(axis=1))
        starts = ends - self.count.sum(axis=1)
        step = self.step
        if step is not None:
            parts = [step[starts[row] : ends[row]] for row in rows]
            step = np.concatenate([np.empty(0, step.dtype), *parts])
        return replace(
            self,
            points=self.points[rows],
            status=self.status[rows],
            statistics={name: values[rows] for name, values in self.statistics.items()},
            count=self.count[rows],
            step=step,
            traces={name: samples[rows] for name, samples in self.traces.items()},
        )

    def same_points(self, other: ShardData) -> NDArray[np.bool_]:
        """Return which points have the same bits in every result, in two of the same points.

        Statistics that were computed in different ways are not compared.
        """
        same = (self.status == other.status) & (self.count == other.count).all(axis=1)
        pairs = [(self.traces, other.traces)]
        if self.stated == other.stated:
            pairs.append((self.statistics, other.statistics))
        for ours, theirs in pairs:
            for name, values in ours.items():
                equal = same_bits(values, theirs[name])
                same &= equal.reshape(same.size, -1).all(axis=1)
        for row in np.flatnonzero(same):
            one = np.array([row])
            same[row] = np.array_equal(self.take(one).step, other.take(one).step)  # type: ignore[arg-type]
        return np.asarray(same, np.bool_)


def write(
    path: Path, data: ShardData, fingerprint: str, made_by: Mapping[str, str] | None = None
) -> Written:
    """Write a shard file atomically; return its checksum.

    Parameters
    ----------
    path
        The file.
    data
        The results.
    fingerprint
        What the study is known by.
    made_by
        The versions that made the results, see :mod:`izhi.study.versions`.
    """
    return write_atomic(
        path, lambda temporary: _write(temporary, data, fingerprint, made_by or {}), True
    )


def _write(path: Path, data: ShardData, fingerprint: str, made_by: Mapping[str, str]) -> None:
    with netcdf.open(path, "w") as file:
        file.setncatts(
            {
                "fingerprint": fingerprint,
                "stated": data.stated,
                "cells": json.dumps(data.cells),
                "synapses": json.dumps(data.synapses),
                "dt": data.dt,
                "versions": json.dumps(dict(made_by)),
            }
        )
        file.createDimension("point", data.points.size)
        file.createDimension("cell", len(data.cells))
        if data.synapses:
            file.createDimension("projection", len(data.synapses))

        def put(name: str, dimensions: tuple[str, ...], values: NDArray[Any]) -> None:
            variable = file.createVariable(name, values.dtype, dimensions)
            variable[...] = values

        put("point", ("point",), data.points)
        put("status", ("point",), data.status)
        put("train_count", ("point", "cell"), data.count.astype(np.int32))
        for name, values in data.statistics.items():
            put(f"statistic_{name}", ("point", STATISTICS[name].per), values)
        if data.step is not None:
            file.createDimension("spike", data.step.size)
            put("spike_step", ("spike",), data.step)
        for name, samples in data.traces.items():
            if "sample" not in file.dimensions:
                file.createDimension("sample", samples.shape[-1])
            put(f"trace_{name}", ("point", "cell", "sample"), samples)
        if data.interval is not None:
            file.interval = data.interval


def read_points(path: Path) -> tuple[str, NDArray[np.int64]]:
    """Return the fingerprint of the study that a shard file is of, and its points.

    Raises
    ------
    StudyError
        When it cannot be read.
    """
    try:
        with netcdf.open(path) as file:
            file.set_auto_maskandscale(False)
            point = file["point"]
            if str(point.dtype) != "int64" or point.ndim != 1 or point.size > _MOST_POINTS:
                raise StudyError("its points are no list of whole numbers")
            return str(file.fingerprint), np.asarray(point[:], np.int64)
    except UNREADABLE as error:
        raise StudyError(f"it cannot be read: {error}") from error


def read_versions(path: Path) -> dict[str, str]:
    """Return the versions that made a shard file; empty where it does not say."""
    return versions.read(read_all_versions(path))


def read_all_versions(path: Path) -> dict[str, Any]:
    """Return what a shard file says of versions, whatever that is; empty where it does not."""
    try:
        with netcdf.open(path) as file:
            told = json.loads(file.versions)
    except UNREADABLE:
        return {}
    return told if isinstance(told, dict) else {"": told}


@dataclass(frozen=True)
class Head:
    """What a shard file is of: labels, spikes of its trains (points, cells), its statistics."""

    cells: tuple[str, ...]
    synapses: tuple[str, ...]
    count: NDArray[np.int32]
    stated: str


def read_head(path: Path) -> Head:
    """Return what a shard file is of."""
    with netcdf.open(path) as file:
        file.set_auto_maskandscale(False)
        cells, synapses = (tuple(json.loads(labels)) for labels in (file.cells, file.synapses))
        return Head(cells, synapses, file["train_count"][:], str(file.stated))


@dataclass(frozen=True)
class Results:
    """What a shard file holds, but for spikes and traces; `rows` as from :func:`read_rows`."""

    fingerprint: str
    points: NDArray[np.int64]
    cells: tuple[str, ...]
    synapses: tuple[str, ...]
    stated: str
    rows: dict[str, NDArray[Any]]


def read_results(path: Path) -> Results:
    """Return what a shard file holds, but for spikes and traces; it is opened once."""
    with netcdf.open(path) as file:
        file.set_auto_maskandscale(False)
        cells, synapses = (tuple(json.loads(labels)) for labels in (file.cells, file.synapses))
        points = np.asarray(file["point"][:], np.int64)
        rows = _rows(file, slice(None))
        return Results(str(file.fingerprint), points, cells, synapses, str(file.stated), rows)


def read_rows(path: Path, rows: slice) -> dict[str, NDArray[Any]]:
    """Return ``status`` and the statistics of some of a shard file's points, by name."""
    with netcdf.open(path) as file:
        file.set_auto_maskandscale(False)
        return _rows(file, rows)


def _rows(file: Any, rows: slice) -> dict[str, NDArray[Any]]:
    return {
        name.removeprefix("statistic_"): variable[rows]
        for name, variable in file.variables.items()
        if name == "status" or name.startswith("statistic_")
    }


def read_steps(path: Path, spikes: slice) -> tuple[NDArray[Any], float]:
    """Return some of a shard file's spikes in time steps, and the step in seconds."""
    with netcdf.open(path) as file:
        file.set_auto_maskandscale(False)
        return np.asarray(file["spike_step"][spikes]), float(file.dt)


def read(path: Path) -> ShardData:
    """Read a shard file."""
    with netcdf.open(path) as file:
        file.set_auto_maskandscale(False)
        variables = file.variables
        return ShardData(
            points=variables["point"][:],
            cells=tuple(json.loads(file.cells)),
            synapses=tuple(json.loads(file.synapses)),
            status=variables["status"][:],
            statistics={n[10:]: v[:] for n, v in variables.items() if n.startswith("statistic_")},
            stated=str(file.stated),
            count=variables["train_count"][:],
            step=variables["spike_step"][:] if "spike_step" in variables else None,
            dt=float(file.dt),
            traces={n[6:]: v[:] for n, v in variables.items() if n.startswith("trace_")},
            interval=float(file.interval) if "interval" in file.ncattrs() else None,
        )
