"""Traces: the sampled state of the points that were chosen for it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from izhi.study import shardfile
from izhi.study.dataset import axis_coordinate
from izhi.study.window import Source
from izhi.sweep.plan import Plan
from izhi.units import VOLT, symbol

if TYPE_CHECKING:
    import xarray as xr


def traces(plan: Plan, sources: Sequence[Source]) -> xr.Dataset:
    """Return the traces of all traced points: (trace, cell, time), aligned by label."""
    import xarray as xr

    parts = []
    for source in sources:
        shard = shardfile.read(source.path)
        samples = next(iter(shard.traces.values())).shape[-1]
        time = np.arange(samples) * (shard.interval or 0.0)
        parts.append(
            xr.Dataset(
                {name: (("trace", "cell", "time"), values)
                 for name, values in shard.traces.items()},
                {"trace": source.points, "cell": list(shard.cells), "time": time},
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
    for name, found in _units(plan).items():
        if name in merged:
            merged[name].attrs.update(units=found, long_name=_LONG_NAMES.get(name, name))
    return merged


def write(file: Any, found: xr.Dataset) -> None:
    """Write traces to a group of an open file, while `izhi.netcdf.LOCK` is held."""
    from xarray.backends import NetCDF4DataStore
    from xarray.backends.locks import DummyLock

    group = file.createGroup("traces")
    # to_netcdf would lock only a part of its work
    store = NetCDF4DataStore(group, lock=DummyLock())  # type: ignore[no-untyped-call]
    found.dump_to_store(store)


_LONG_NAMES = {"v": "membrane potential", "u": "recovery variable", "I": "input current"}


def _units(plan: Plan) -> dict[str, str]:
    """Return the units of traces; more than one where populations differ."""
    found: dict[str, dict[str, None]] = {}
    for batch in plan.batches:
        for population in batch.structure.circuit.populations:
            neuron = population.neuron
            kinds = {one.name: one.dimension for one in neuron.declared if one.kind == "state"}
            kinds["I"] = VOLT if neuron.input is None else neuron.input
            for name, kind in kinds.items():
                found.setdefault(name, {})[symbol(kind)] = None
    return {name: " or ".join(sorted(symbols, reverse=True)) for name, symbols in found.items()}
