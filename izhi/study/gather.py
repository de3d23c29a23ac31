"""From shard files to one labelled dataset."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from izhi.config.sweep import Axis
from izhi.spikes import STATISTICS
from izhi.study import shardfile
from izhi.study.folder import StudyFolder, write_atomic
from izhi.study.shardfile import NOT_RUN, ShardData
from izhi.sweep.plan import Plan

if TYPE_CHECKING:
    import xarray as xr

ABSENT = -1
"""A count where there is none: the point was not run, or its circuit has no such cell."""

_STATUS = {"flag_values": np.array([0, 1, 2, 3], np.int8),
           "flag_meanings": "done not_run failed diverged"}  # fmt: skip


def axis_coordinate(axis: Axis) -> tuple[tuple[str], NDArray[Any], dict[str, str]]:
    """Return an axis as a coordinate variable."""
    attributes = {"long_name": axis.key}
    if axis.unit is not None:
        attributes["units"] = axis.unit or "1"
    labels = axis.labels
    if labels.dtype == object:
        labels = np.array([str(label) for label in labels])
    return (axis.name,), labels, attributes


def gather(
    plan: Plan,
    folder: StudyFolder,
    paths: Iterable[Path],
    failed: NDArray[np.int64],
    attributes: dict[str, str],
) -> None:
    """Put shard files together, by the labels of their points and cells, and write the dataset.

    Parameters
    ----------
    plan
        The plan.
    folder
        Where ``dataset.nc`` goes.
    paths
        The shard files.
    failed
        Numbers of points that failed.
    attributes
        Global attributes on top of the usual ones.
    """
    import xarray as xr

    shards = [shardfile.read(path) for path in paths]
    shape, names = plan.sweep.shape, tuple(axis.name for axis in plan.sweep.axes)
    status = np.full(plan.points, NOT_RUN, np.int8)
    status[failed] = shardfile.FAILED
    values = {
        name: np.full((plan.points, len(plan.cells)), ABSENT if what.dtype.kind == "i" else np.nan,
                      what.dtype)
        for name, what in STATISTICS.items()
    }  # fmt: skip
    for shard in shards:
        status[shard.points] = shard.status
        cells = np.array([plan.cells.index(cell) for cell in shard.cells])
        for name, array in values.items():
            array[np.ix_(shard.points, cells)] = shard.statistics[name]
    coordinates: dict[str, Any] = {axis.name: axis_coordinate(axis) for axis in plan.sweep.axes}
    coordinates["cell"] = ("cell", np.array(plan.cells), {"long_name": "cell of the circuit"})
    variables: dict[str, Any] = {
        name: ((*names, "cell"), array.reshape(*shape, len(plan.cells)), _attributes(name))
        for name, array in values.items()
    }
    variables["status"] = (names, status.reshape(shape), {"long_name": "state of the point",
                                                          **_STATUS})  # fmt: skip
    root = xr.Dataset(variables, coordinates, _global_attributes(plan, attributes))
    groups = {"spikes": _spikes(plan, shards)} if _has_spikes(shards) else {}
    if any(shard.traces for shard in shards):
        groups["traces"] = _traces(plan, shards)

    def write(path: Path) -> None:
        root.to_netcdf(path, engine="netcdf4")
        for name, group in groups.items():
            group.to_netcdf(path, mode="a", group=name, engine="netcdf4")

    write_atomic(folder.dataset, write)


def _attributes(name: str) -> dict[str, str]:
    what = STATISTICS[name]
    comment = what.comment
    if what.dtype.kind == "i":
        comment += f" {ABSENT} where the point was not run or its circuit has no such cell."
    return {"units": what.units, "long_name": what.long_name, "comment": comment}


def _global_attributes(plan: Plan, attributes: dict[str, str]) -> dict[str, str]:
    now = datetime.now(UTC).isoformat(timespec="seconds")
    command = shlex.join(["izhi", "run", *["-m"] * bool(plan.sweep.axes), *plan.sweep.overrides])
    return {
        "Conventions": "CF-1.11",
        "history": f"{now} {command}",
        "source": "izhi, simulated with Brian2",
        **attributes,
    }


def _has_spikes(shards: list[ShardData]) -> bool:
    return any(shard.step is not None for shard in shards)


def _spikes(plan: Plan, shards: list[ShardData]) -> xr.Dataset:
    """Return all spikes as a CF contiguous ragged array: trains in order of point, then cell."""
    import xarray as xr

    count = np.zeros((plan.points, len(plan.cells)), np.int64)
    for shard in shards:
        cells = np.array([plan.cells.index(cell) for cell in shard.cells])
        count[np.ix_(shard.points, cells)] = shard.count
    starts = np.cumsum(count) - count.ravel()
    steps_of = {shard.dt for shard in shards}
    on_one_grid = len(steps_of) == 1
    time = np.empty(int(count.sum()), np.int32 if on_one_grid else np.float64)
    for shard in shards:
        if shard.step is None:
            continue
        cells = np.array([plan.cells.index(cell) for cell in shard.cells])
        trains = shard.points[:, None] * len(plan.cells) + cells
        lengths = shard.count.ravel()
        shift = np.repeat(starts[trains.ravel()] - (np.cumsum(lengths) - lengths), lengths)
        spikes = shard.step if on_one_grid else np.multiply(shard.step, shard.dt)
        time[shift + np.arange(shift.size)] = spikes
    attributes: dict[str, Any] = {"long_name": "time of the spike", "units": "s"}
    if on_one_grid:
        attributes["scale_factor"] = next(iter(steps_of))
    n_cells = len(plan.cells)
    return xr.Dataset(
        {
            "spike_time": ("spike", time, attributes),
            "spike_count": ("train", count.ravel(), {
                "long_name": "number of spikes of the train", "sample_dimension": "spike"}),
            "point": ("train", np.repeat(np.arange(plan.points), n_cells), {
                "long_name": "number of the point, in row-major order of the axes"}),
            "cell": ("train", np.tile(np.array(plan.cells), plan.points), {
                "long_name": "cell of the circuit"}),
        },
        attrs={"featureType": "timeSeries"},
    )  # fmt: skip


def _traces(plan: Plan, shards: list[ShardData]) -> xr.Dataset:
    """Return the traces of all traced points: (trace, cell, time), aligned by label."""
    import xarray as xr

    parts = []
    for shard in (s for s in shards if s.traces):
        samples = next(iter(shard.traces.values())).shape[-1]
        time = np.arange(samples) * (shard.interval or 0.0)
        parts.append(
            xr.Dataset(
                {name: (("trace", "cell", "time"), values)
                 for name, values in shard.traces.items()},
                {"trace": shard.points, "cell": list(shard.cells), "time": time},
            )
        )  # fmt: skip
    merged = xr.concat(
        parts, dim="trace", join="outer", coords="minimal", compat="equals", data_vars="all"
    ).sortby("trace")
    merged = merged.reindex(cell=[c for c in plan.cells if c in merged["cell"].values])
    points = merged["trace"].values
    position = np.unravel_index(points, plan.sweep.shape) if plan.sweep.axes else ()
    for axis, at in zip(plan.sweep.axes, position, strict=True):
        _, labels, attributes = axis_coordinate(axis)
        merged.coords[axis.name] = ("trace", labels[at], attributes)
    merged["trace"].attrs["long_name"] = "number of the point, in row-major order of the axes"
    merged["time"].attrs.update(units="s", long_name="time")
    for name, text in (("v", "membrane potential"), ("u", "recovery variable"),
                       ("I", "input current")):  # fmt: skip
        unit = "V" if name != "I" else _current_unit(plan)
        merged[name].attrs.update(units=unit, long_name=text)
    return merged


def _current_unit(plan: Plan) -> str:
    kinds = {p.current for batch in plan.batches for p in batch.structure.circuit.populations}
    return {"volt": "V", "amp": "A"}[kinds.pop()] if len(kinds) == 1 else "V or A"


def config_json(plan: Plan) -> str:
    """Return the composed configs and axes as one JSON string."""
    return json.dumps(description(plan), ensure_ascii=False)


def description(plan: Plan) -> dict[str, Any]:
    """Return axes, composed configs and overrides as plain data, for a reader and for comparing."""
    from izhi.config.keys import shown
    from izhi.units import Quantity

    def plain(value: Any) -> Any:
        return shown(value) if isinstance(value, Quantity) else value

    sweep = plan.sweep
    return {
        "overrides": list(sweep.overrides),
        "choices": dict(sweep.choices),
        "axes": [
            {"key": axis.key, "name": axis.name, "unit": axis.unit, "values": axis.labels.tolist()}
            for axis in sweep.axes
        ],
        "configs": [
            {key: plain(value) for key, value in sweep.bases[n].values.items()} for n in sweep.used
        ],
    }
