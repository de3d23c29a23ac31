"""Whether a dataset says of its numbers what the study says: axes, types, units, what was asked."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from izhi import netcdf
from izhi.errors import StudyError
from izhi.study import dataset, description, statistics, window
from izhi.study.digest import Digest
from izhi.study.statistics import Columns
from izhi.study.window import Source
from izhi.sweep.plan import Plan

TEXTS = {"long_name", "comment", "coordinates"}
"""Attributes that change no number's meaning; texts differ from version to version."""


def problems(file: Any, plan: Plan, sources: Sequence[Source], made_by: str) -> Iterator[str]:
    """Say what is wrong with a dataset besides its results.

    Parameters
    ----------
    file
        The dataset, open.
    plan
        The study's plan.
    sources
        Its shard files.
    made_by
        The versions that made its points, in words.
    """
    yield from _asked(file, plan)
    if "versions" in file.ncattrs() and file.getncattr("versions") != made_by:
        yield "its versions are not those of the log"
    for axis in plan.sweep.axes:
        if axis.name not in file.variables or file[axis.name][:].tolist() != axis.labels.tolist():
            yield f"its axis {axis.name} is not the study's"
    for name, labels in (("cell", plan.cells), ("projection", plan.synapses)):
        if name in file.variables and tuple(file[name][:].tolist()) != labels:
            yield f"its {name}s are not the study's"
    with tempfile.TemporaryDirectory(prefix="izhi-") as folder:
        path = Path(folder) / "empty.nc"
        dataset.write(path, plan, sources, [], {}, Digest(plan.sweep.axes, Columns.of(plan)))
        with netcdf.open(path) as expected:
            yield from _layout(expected, file, "", Columns.of(plan))
            groups = {*expected.groups, *(["traces"] if window.traced(plan, sources) else [])}
            yield from (f"{name} is missing" for name in sorted(groups - set(file.groups)))
            for name in sorted(set(file.groups) - groups):
                yield f"{name} is a group that the study does not have"
            if "spikes" in expected.groups and "spikes" in file.groups:
                yield from _layout(expected["spikes"], file["spikes"], "spikes/", Columns.of(plan))


def _asked(file: Any, plan: Plan) -> Iterator[str]:
    """Compare what was asked for, but for how it was run."""
    try:
        asked = description.read(json.loads(file.getncattr("config")), "config")
    except (AttributeError, TypeError, ValueError, RecursionError, StudyError):
        yield "it does not say what was asked for"
        return
    settings = [statistics.digest(statistics.settings_of(s)) for s in (asked, plan.sweep)]
    prints = [description.fingerprint(sweep) for sweep in (asked, plan.sweep)]
    if settings[0] != settings[1] or prints[0] != prints[1]:
        yield "its config is not the study's"


def _layout(expected: Any, file: Any, group: str, columns: Columns) -> Iterator[str]:
    """Compare names, types, dimensions and units of all variables of a group."""
    ours, theirs = set(expected.variables), set(file.variables)
    for name in sorted(theirs - ours):
        yield f"{group}{name} is a variable that the study does not have"
    drawn = {variable.name for variable in columns.drawn}
    for name in sorted(
        ours - theirs - {dataset.PRESENT, *drawn}
    ):  # not written by earlier versions
        yield f"{group}{name} is missing"
    for name in sorted(ours & theirs):
        one, two = expected[name], file[name]
        if (str(one.dtype), one.dimensions, one.shape) != (
            str(two.dtype), two.dimensions, two.shape,
        ):  # fmt: skip
            yield f"{group}{name} is of another type or shape than the study's"
        for attribute in sorted({*one.ncattrs(), *two.ncattrs()} - TEXTS):
            values = [v.getncattr(attribute) if attribute in v.ncattrs() else None
                      for v in (one, two)]  # fmt: skip
            if not np.array_equal(np.asarray(values[0]), np.asarray(values[1])):
                yield f"{group}{name}: its {attribute} is not the study's"
