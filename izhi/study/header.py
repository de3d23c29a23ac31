"""Whether a dataset is what gathering would write, besides its results."""

from __future__ import annotations

import tempfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from izhi import netcdf
from izhi.study import dataset, traces
from izhi.study.digest import Digest, same_bits
from izhi.study.draws import CONNECTION
from izhi.study.statistics import Columns
from izhi.study.window import Source
from izhi.sweep.plan import Plan

if TYPE_CHECKING:
    import xarray as xr

_TEXTS = {"title", "long_name", "comment", "history", "izhi_version"}
"""Attributes that change no number's meaning; texts differ from version to version."""


@dataclass(frozen=True)
class Expected:
    """What a dataset is compared with.

    Attributes
    ----------
    plan
        The study's plan.
    sources
        Its shard files.
    traces
        Its traces; None where there are none.
    attributes
        Global attributes on top of the usual ones.
    optional
        Names that the dataset need not have, because earlier versions of izhi did not write them.
    """

    plan: Plan
    sources: Sequence[Source]
    traces: xr.Dataset | None
    attributes: Mapping[str, str]
    optional: Collection[str]

    def write(self, path: Path) -> None:
        """Write a dataset without results, and with one sample of one trace."""

        def write_traces(file: Any) -> None:
            if self.traces is not None:
                traces.write(file, self.traces.isel(trace=slice(0, 1), time=slice(0, 1)))

        digest = Digest(self.plan.sweep.axes, Columns.of(self.plan))
        dataset.write(path, self.plan, self.sources, [], self.attributes, digest, write_traces)


def later_names(plan: Plan) -> set[str]:
    """Return the names in a dataset that earlier versions of izhi did not write."""
    drawn = {variable.name for variable in Columns.of(plan).drawn}
    return {dataset.PRESENT, CONNECTION, "versions", "coordinates", *drawn}


def problems(file: Any, expected: Expected) -> Iterator[str]:
    """Say what is wrong with a dataset besides its results.

    Parameters
    ----------
    file
        The dataset, open, without masks and scales.
    expected
        What it should be.
    """
    with tempfile.TemporaryDirectory(prefix="izhi-") as folder:
        path = Path(folder) / "empty.nc"
        expected.write(path)
        with netcdf.open(path) as empty:
            empty.set_auto_maskandscale(False)
            yield from _group_problems(empty, file, "", expected.optional)
            yield from _label_problems(empty, file)


def _group_problems(
    expected: Any, file: Any, prefix: str, optional: Collection[str]
) -> Iterator[str]:
    """Compare attributes, dimensions, variables, types and groups of a group, and those in it."""
    name = prefix.rstrip("/")
    yield from _attribute_problems(expected, file, f"{name}: " if name else "", optional)
    sized = name != "traces"  # of which little is expected here
    ours, theirs = (
        {d: len(dim) if sized else None for d, dim in group.dimensions.items()}
        for group in (expected, file)
    )
    for dimension in sorted(ours.keys() ^ theirs.keys()):
        if dimension not in {*optional, *expected.variables, *file.variables}:
            yield f"{prefix}{dimension} is a dimension of one of study and dataset only"
    for missing in sorted(expected.variables.keys() - file.variables.keys() - {*optional}):
        yield f"{prefix}{missing} is missing"
    for further in sorted(file.variables.keys() - expected.variables.keys()):
        yield f"{prefix}{further} is a variable that the study does not have"
    for both in sorted(expected.variables.keys() & file.variables.keys()):
        yield from _variable_problems(expected[both], file[both], prefix + both, sized)
    for missing in sorted(expected.groups.keys() - file.groups.keys()):
        yield f"{prefix}{missing} is missing"
    for further in sorted(file.groups.keys() - expected.groups.keys()):
        yield f"{prefix}{further} is a group that the study does not have"
    for both in sorted(expected.groups.keys() & file.groups.keys()):
        yield from _group_problems(
            expected.groups[both], file.groups[both], f"{prefix}{both}/", optional
        )
    for kind in sorted({*file.cmptypes, *file.vltypes, *file.enumtypes}):
        yield f"{prefix}{kind} is a type that the study does not have"


def _variable_problems(expected: Any, variable: Any, name: str, sized: bool) -> Iterator[str]:
    layouts = [
        (str(v.dtype), v.dimensions, v.shape if sized else None) for v in (expected, variable)
    ]
    if layouts[0] != layouts[1]:
        yield f"{name} is of another type or shape than the study's"
    yield from _attribute_problems(expected, variable, f"{name}: ", ())


def _attribute_problems(
    expected: Any, file: Any, where: str, optional: Collection[str]
) -> Iterator[str]:
    """Compare the attributes of a group or a variable."""
    ours, theirs = ({name: o.getncattr(name) for name in o.ncattrs()} for o in (expected, file))
    for name in sorted({*ours, *theirs} - _TEXTS):
        if name not in theirs and name in optional:
            continue
        if name not in ours or name not in theirs or not _same(ours[name], theirs[name]):
            yield f"{where}its {name} is not the study's"


def _same(a: Any, b: Any) -> bool:
    """Whether two attributes are of one type and have the same values."""
    one, two = np.asarray(a), np.asarray(b)
    same = one.dtype == two.dtype and one.shape == two.shape
    return bool(same and same_bits(one, two).all())


def _label_problems(expected: Any, file: Any) -> Iterator[str]:
    """Compare the labels of axes, cells, projections and synapses."""
    for name in sorted(expected.dimensions.keys() & expected.variables.keys()):
        if name in file.variables and file[name].shape == expected[name].shape:
            labels = [np.asarray(group[name][:]) for group in (expected, file)]
            if not same_bits(*labels).all():
                yield f"its {name} is not the study's"
