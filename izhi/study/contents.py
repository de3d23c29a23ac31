"""Whether a shard file holds what its points need: a file with the right SHA-256 may not.

Everything that reads shards takes for granted what is checked here.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from izhi import netcdf
from izhi.errors import StudyError
from izhi.spikes import STATISTICS
from izhi.study import statistics
from izhi.study.folder import UNREADABLE
from izhi.study.shardfile import DIVERGED, DONE
from izhi.sweep.plan import Plan
from izhi.sweep.structures import Structure

_SPIKES = 1 << 22
"""Spikes that are looked at a time."""


def batches(plan: Plan) -> NDArray[np.int64]:
    """Return the number of the batch that each point of a plan is of."""
    result = np.empty(plan.points, np.int64)
    for shard in plan.shards:
        result[shard.points] = shard.batch
    return result


def check(path: Path, points: NDArray[np.int64], plan: Plan, batch_of: NDArray[np.int64]) -> None:
    """Check the contents of a shard file, the times of its spikes included.

    Parameters
    ----------
    path
        The file.
    points
        Its points, in the plan's numbers.
    plan
        The plan.
    batch_of
        From :func:`batches`.

    Raises
    ------
    StudyError
        Saying what is wrong.
    """
    different = np.unique(batch_of[points])
    if different.size != 1:
        raise StudyError("its points are of several structures")
    structure = plan.batches[int(different[0])].structure
    try:
        with netcdf.open(path) as file:
            file.set_auto_maskandscale(False)
            _check_labels(file, structure)
            count = _check_counts(file, points.size, structure)
            if str(_attribute(file, "stated")) == _stated(plan):
                _check_statistics(file, points.size, structure, plan)
            if plan.sweep.setting("record.spikes"):
                _check_spikes(file, count, structure)
            _check_traces(file, points.size, structure)
    except UNREADABLE as error:
        raise StudyError(f"it cannot be read: {' '.join(str(error).split())[:200]}") from error


_NAMES = {"point", "status", "train_count", "spike_step"}
_ATTRIBUTES = {"fingerprint", "stated", "cells", "synapses", "dt", "versions", "interval"}
_DIMENSIONS = {"point", "cell", "projection", "spike", "sample"}


def check_names(path: Path, plan: Plan) -> None:
    """Check that a shard file has nothing besides what a shard of a plan has.

    Raises
    ------
    StudyError
        Naming what it has. A run does not look: a later version of izhi may store more.
    """
    with netcdf.open(path) as file:
        known = _NAMES | {f"statistic_{name}" for name in STATISTICS}
        if not plan.sweep.setting("record.spikes"):
            known.remove("spike_step")
        variables = {name for name in file.variables if not name.startswith("trace_")}
        kinds = {**file.cmptypes, **file.vltypes, **file.enumtypes}
        for what, further in (
            ("variable", variables - known),
            ("attribute", set(file.ncattrs()) - _ATTRIBUTES),
            ("dimension", set(file.dimensions) - _DIMENSIONS),
            ("group", set(file.groups)),
            ("type", set(kinds)),
        ):
            for name in sorted(further):
                raise StudyError(f"{name} is a further {what}")
        for name, variable in file.variables.items():
            for attribute in variable.ncattrs():
                raise StudyError(f"{name} has an attribute, {attribute}; it is written without")


def _stated(plan: Plan) -> str:
    return statistics.digest(statistics.settings_of(plan.sweep))


def _attribute(file: Any, name: str) -> Any:
    if name not in file.ncattrs():
        raise StudyError(f"its attribute {name} is missing")
    return file.getncattr(name)


def _check_labels(file: Any, structure: Structure) -> None:
    circuit = structure.circuit
    for name, expected in (("cells", circuit.cells), ("synapses", circuit.synapses)):
        labels = json.loads(_attribute(file, name))
        if labels != list(expected):
            raise StudyError(f"its {name} are not those of its points' circuit")
    if not np.array_equal(_attribute(file, "dt"), structure.dt):
        raise StudyError("its dt is not that of its points")


def _variable(file: Any, name: str, dtype: Any, shape: tuple[int, ...]) -> Any:
    """Return a variable of a type and a shape."""
    if name not in file.variables:
        raise StudyError(f"{name} is missing")
    variable = file[name]
    if str(variable.dtype) != str(np.dtype(dtype)):
        raise StudyError(f"{name} is of type {variable.dtype}, not {np.dtype(dtype)}")
    if variable.shape != shape:
        raise StudyError(f"{name} is of shape {variable.shape}, not {shape}")
    if variable.ncattrs():  # such as a scale
        raise StudyError(f"{name} has an attribute, {variable.ncattrs()[0]}; it is written without")
    return variable


def _check_counts(file: Any, points: int, structure: Structure) -> NDArray[np.int64]:
    _variable(file, "point", np.int64, (points,))
    status = _variable(file, "status", np.int8, (points,))[:]
    if not np.isin(status, (DONE, DIVERGED)).all():
        raise StudyError("status is neither done nor diverged for each point")
    cells = len(structure.circuit.cells)
    count = _variable(file, "train_count", np.int32, (points, cells))[:].astype(np.int64)
    if count.min(initial=0) < 0 or count.max(initial=0) > structure.steps:
        raise StudyError(f"train_count is not from 0 to the number of steps, {structure.steps}")
    return np.asarray(count)


def _check_statistics(file: Any, points: int, structure: Structure, plan: Plan) -> None:
    circuit = structure.circuit
    labels = {"cell": len(circuit.cells), "projection": len(circuit.synapses)}
    expected = [
        name for name in statistics.settings_of(plan.sweep).measures if labels[STATISTICS[name].per]
    ]
    for name in expected:
        what = STATISTICS[name]
        shape = (points, labels[what.per])
        values = _variable(file, f"statistic_{name}", what.dtype, shape)
        if what.dtype.kind == "i" and values[:].min(initial=0) < 0:
            raise StudyError(f"statistic_{name} is negative")
        if what.words and values[:].max(initial=0) >= len(what.words):
            raise StudyError(f"statistic_{name} is not from 0 to {len(what.words) - 1}")
    names = {name for name in file.variables if name.startswith("statistic_")}
    if further := sorted(names - {f"statistic_{name}" for name in expected}):
        raise StudyError(f"{further[0]} is a statistic that its points do not have")


def _check_spikes(file: Any, count: NDArray[np.int64], structure: Structure) -> None:
    """Check that spikes lie within the simulation, and rise within each train."""
    located = structure.located
    number = int(count.sum())
    if "spike_step" in file.variables and file["spike_step"].shape != (number,):
        raise StudyError(
            f"train_count sums to {number:,}, but spike_step has {file['spike_step'].size:,} spikes"
        )
    steps = _variable(file, "spike_step", np.float64 if located else np.int32, (number,))
    last = structure.steps if located else structure.steps - 1
    firsts = np.cumsum(count.ravel()) - count.ravel()
    before = -1.0
    for start in range(0, number, _SPIKES):
        block = steps[start : start + _SPIKES].astype(np.float64)
        if not ((block >= 0) & (block <= last)).all():
            raise StudyError(f"spike_step is not from 0 to {last}, the simulation's end")
        rise = np.diff(block, prepend=before)
        falls = np.flatnonzero(rise < 0 if located else rise <= 0) + start
        if not np.isin(falls, firsts).all():
            raise StudyError("spike_step does not rise within a train")
        before = float(block[-1])


def _check_traces(file: Any, points: int, structure: Structure) -> None:
    names = {name.removeprefix("trace_") for name in file.variables if name.startswith("trace_")}
    if names != set(structure.traced):
        raise StudyError(
            f"its traces are of {', '.join(sorted(names)) or 'nothing'}, not of "
            f"{', '.join(sorted(structure.traced)) or 'nothing'}"
        )
    shape = (points, len(structure.circuit.cells), structure.samples)
    for name in structure.traced:
        _variable(file, f"trace_{name}", np.float64, shape)
    interval: Any = file.getncattr("interval") if "interval" in file.ncattrs() else np.nan
    expected = np.nan if structure.trace_interval is None else structure.trace_interval
    if isinstance(interval, str) or not np.array_equal(interval, expected, equal_nan=True):
        raise StudyError("its interval is not that of its points' traces")
