"""What a page holds: all that its script draws, as JSON beside one block of numbers."""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from izhi.config.sweep import Sweep
from izhi.report import colours
from izhi.report.page import grid as grids
from izhi.report.page import models, provenance, rasters
from izhi.report.page.grid import Grid
from izhi.study.folder import StudyFolder

if TYPE_CHECKING:
    from izhi.report.samples import Samples

STATUS = ("done", "not run", "failed", "diverged")
"""States of a point in words, by their numbers."""

_LEVEL = 6
"""How hard the payload is compressed: higher levels make it hardly smaller."""

_ALIGNED = 4
"""Bytes at whose multiples JSON ends and arrays begin."""


def collect(
    file: Any,
    folder: StudyFolder,
    sweep: Sweep,
    events: Sequence[Mapping[str, Any]],
    samples: Samples | None = None,
) -> dict[str, Any]:
    """Return what the page of a study shows, as plain data with numpy arrays in it.

    Parameters
    ----------
    file
        The dataset, a ``netCDF4.Dataset`` without automatic scaling.
    folder
        The study's folder.
    sweep
        What the dataset is of.
    events
        The study's log.
    samples
        Traces of some points; None for none.
    """
    grid = grids.plan(file, sweep)
    return {
        "title": folder.path.resolve().name,
        "facts": provenance.facts(folder, events, np.asarray(file["status"][...])),
        "aggregation": grid.aggregation,
        "axes": [_axis(file, sweep, grid, number) for number in range(len(sweep.axes))],
        "cells": grid.shown("cell"),
        "projections": grid.shown("projection"),
        "statistics": [_statistic(file[name], grid) for name in grids.statistics(file)],
        "status": grids.status(grid, file["status"]),
        "status_words": list(STATUS),
        "points": grid.points,
        "models": models.models(sweep),
        "provenance": provenance.provenance(folder, sweep, events),
        "config": provenance.config(sweep),
        "rasters": rasters.rasters(
            file, grid, None if samples is None else samples.point.astype(np.int64)
        ),
        "samples": None if samples is None else _samples(samples, grid),
        "colours": {**colours.REGIMES, **colours.STATUS},
    }


def _axis(file: Any, sweep: Sweep, grid: Grid, number: int) -> dict[str, Any]:
    axis, block = sweep.axes[number], grid.blocks[number]
    labels = np.asarray(file[axis.name][:])
    return {
        "name": axis.name, "key": axis.key, "unit": axis.unit or "", "per": block.per,
        "labels": block.labels(labels), "numeric": labels.dtype.kind in "if",
    }  # fmt: skip


def _statistic(variable: Any, grid: Grid) -> dict[str, Any]:
    told = {name: variable.getncattr(name) for name in variable.ncattrs()}
    told = {name: str(text) for name, text in told.items()}  # whatever the file has there
    words = told.get("flag_meanings", "").split()
    values = grids.values(grid, variable)
    return {
        "name": variable.name, "title": told.get("long_name", variable.name),
        "unit": "" if told.get("units", "1") == "1" else told["units"],
        "per": variable.dimensions[-1], "words": words or None,
        "comment": told.get("comment", ""),
        "values": np.where(values < len(words), values, np.int8(-1)) if words else values,
    }  # fmt: skip


def _samples(samples: Samples, grid: Grid) -> dict[str, Any]:
    traces = [
        {
            "variable": trace.variable, "title": trace.title, "unit": trace.unit,
            "of": trace.of, "label": trace.label, "row": trace.row, "time": trace.packed.time,
            "values": trace.packed.values, "scale": list(trace.packed.scale),
        }
        for trace in samples.traces
    ]  # fmt: skip
    return {
        "point": samples.point, "duration": samples.duration, "origin": samples.origin,
        "traces": traces, "peak": samples.peak[:, grid.columns["cell"]],
    }  # fmt: skip


@dataclass(frozen=True)
class Packed:
    """A payload as a page holds it.

    Attributes
    ----------
    text
        The bytes, compressed and in base64.
    json_length
        How many of the bytes, once unpacked, are JSON.
    """

    text: bytes
    json_length: int


def pack(data: Mapping[str, Any]) -> Packed:
    """Return plain data with numpy arrays in it as a page holds it."""
    blob = _Blob()
    written = json.dumps(blob.put(data), ensure_ascii=False, allow_nan=False)
    encoded = written.encode(errors="replace")
    encoded += b" " * (-len(encoded) % _ALIGNED)
    packed = zlib.compress(b"".join([encoded, *blob.parts]), _LEVEL)
    return Packed(base64.b64encode(packed), len(encoded))


@dataclass
class _Blob:
    """Arrays one after the other, each once, however often it is used."""

    parts: list[bytes] = field(default_factory=list)
    size: int = 0
    told: dict[int, dict[str, Any]] = field(default_factory=dict)

    def put(self, value: Any) -> Any:
        """Return data with a description of each array in its place."""
        if isinstance(value, np.ndarray):
            if id(value) not in self.told:  # all arrays live as long as the data do
                self.told[id(value)] = self._array(value)
            return self.told[id(value)]
        if isinstance(value, Mapping):
            return {str(name): self.put(inner) for name, inner in value.items()}
        if isinstance(value, list | tuple):
            return [self.put(inner) for inner in value]
        return value.item() if isinstance(value, np.generic) else value

    def _array(self, array: NDArray[Any]) -> dict[str, Any]:
        data = array.astype(array.dtype.newbyteorder("<"), copy=False).tobytes()
        told = {"dtype": array.dtype.name, "shape": list(array.shape), "offset": self.size}
        data += b"\0" * (-len(data) % _ALIGNED)
        self.parts.append(data)
        self.size += len(data)
        return told
