"""What differs between two studies: configs key by key, versions, results point by point."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from izhi import netcdf
from izhi.config import keys
from izhi.config.sweep import Axis, Base, Sweep
from izhi.errors import StudyError
from izhi.study import extend, log, resume, shards, versions
from izhi.study.description import NOT_RESULTS, written
from izhi.study.folder import UNREADABLE, StudyFolder
from izhi.study.overview import check_gathered
from izhi.study.study import Study
from izhi.sweep import points as numbering
from izhi.units import Quantity

_TRAINS = 1_000_000
"""Trains whose spikes are compared at a time."""


@dataclass(frozen=True)
class Difference:
    """Points at which a result differs.

    Attributes
    ----------
    name
        The variable.
    points
        Number of points at which it differs.
    largest
        The largest difference, as far as there is a number: nan against a value is none.
    where
        The point and cell where that is, in words; or the first one.
    a, b
        The two values there.
    numbers
        Numbers of these points in the first study.
    """

    name: str
    points: int
    largest: float
    where: str
    a: Any
    b: Any
    numbers: NDArray[np.int64]


@dataclass(frozen=True)
class Comparison:
    """What differs between two studies.

    Attributes
    ----------
    configs, versions
        Lines of what differs.
    compared
        Number of points that both have.
    only
        Points, cells, projections, connections and traces that only one of them has, in words.
    results
        Variables that differ.
    """

    configs: list[str]
    versions: list[str]
    compared: int
    only: list[str]
    results: list[Difference]

    @property
    def same_results(self) -> bool:
        """Whether both have the same points with the same results, to the bit."""
        return not self.only and not self.results


def compare(a: Path, b: Path) -> Comparison:
    """Compare two studies by the labels of their points.

    Raises
    ------
    StudyError
        When one of them cannot be read, or they have no points in common.
    """
    for path in (a, b):
        with closing(Study(path)) as study:
            check_gathered(study)
    folders = StudyFolder(a), StudyFolder(b)
    ours, theirs = (resume.grids(folder)[-1].sweep for folder in folders)
    differing = [*_versions(*map(environment, folders)), *_several(folders)]
    common = _common(ours, theirs)
    results: list[Difference] = []
    only = list(common.only)
    if common.a.size:
        try:
            results = [*_results(folders, (ours, theirs), common, only)]
        except UNREADABLE as error:
            raise StudyError(f"{a} and {b}: cannot be compared: {error}") from error
    return Comparison([*_configs(ours, theirs)], differing, common.a.size, only, results)


def _configs(a: Sweep, b: Sweep) -> Iterator[str]:
    """Give what was asked for differently."""
    ours, theirs = (
        {one.key: one for axis in sweep.axes for one in (axis, *axis.links)} for sweep in (a, b)
    )
    for key in dict.fromkeys([*ours, *theirs]):
        left, right = (
            extend.shown(sweep[key]) if key in sweep else _stated(other, key)
            for sweep, other in ((ours, a), (theirs, b))
        )
        if left != right:
            yield f"{key}: {left} | {right}"
    for key in dict.fromkeys([*_values(a), *_values(b)]):
        if key in ours or key in theirs or key.startswith(NOT_RESULTS):
            continue
        left, right = (", ".join(_values(sweep).get(key, ["none"])) for sweep in (a, b))
        if left != right:
            yield f"{key}: {left} | {right}"


def _stated(sweep: Sweep, key: str) -> str:
    found = _values(sweep).get(key)
    return ", ".join(found) if found else sweep.choices.get(key, "none")


def _values(sweep: Sweep) -> dict[str, list[str]]:
    """Return the values of each key over all configs, as text."""
    result: dict[str, list[str]] = {}
    for number in sweep.used:
        for key, text in _texts(sweep.bases[number]).items():
            values = result.setdefault(key, [])
            if text not in values:
                values.append(text)
    return result


def _texts(base: Base) -> dict[str, str]:
    return {key: written(value) if isinstance(value, Quantity) else keys.shown(value)
            for key, value in base.values.items()}  # fmt: skip


def environment(folder: StudyFolder) -> dict[str, str]:
    """Return what a study's results were last computed with, as flat text."""
    events = log.read(folder.log) if folder.log.is_file() else []
    found: dict[str, Any] = next((e["environment"] for e in reversed(events)
                  if isinstance(e.get("environment"), dict)), {})  # fmt: skip
    return dict(_flat(found))


def _flat(tree: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for name, value in tree.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", str(value)


def _several(studies: Sequence[StudyFolder]) -> Iterator[str]:
    """Say of each study what its log does not tell, or that its points are of several versions."""
    for study in studies:
        if not study.log.is_file():
            yield f"{study.path}: unknown; it has no log"
        elif said := versions.of_study(log.read(study.log)):
            yield f"{study.path}: {said}"


def _versions(a: Mapping[str, str], b: Mapping[str, str]) -> Iterator[str]:
    for key in dict.fromkeys([*a, *b]):
        if a.get(key) != b.get(key):
            yield f"{key}: {a.get(key, 'none')} | {b.get(key, 'none')}"


@dataclass(frozen=True)
class _Common:
    """The points that two sweeps have in common, in the same order: their numbers in each."""

    a: NDArray[np.int64]
    b: NDArray[np.int64]
    only: list[str]


def _common(a: Sweep, b: Sweep) -> _Common:
    only: list[str] = []
    left, right = ({axis.key: axis for axis in sweep.axes} for sweep in (a, b))
    shared = [key for key in left if key in right]
    at_a: dict[str, NDArray[np.int64]] = {}
    at_b: dict[str, NDArray[np.int64]] = {}
    for dimension, key in enumerate(shared):
        found = _joined(left[key], right[key])
        for axis, at, where, name in ((left[key], found[0], at_a, "first"),
                                      (right[key], found[1], at_b, "second")):  # fmt: skip
            if at.size < len(axis):
                only.append(f"{key}: {len(axis) - at.size:,} of {len(axis):,} values only in the "
                            f"{name}")  # fmt: skip
            where[key] = at.reshape([-1 if n == dimension else 1 for n in range(len(shared))])
    for mine, other, sweep, where, name in ((left, right, b, at_a, "first"),
                                            (right, left, a, at_b, "second")):  # fmt: skip
        for key in mine.keys() - other.keys():
            stated = extend.stated(sweep, mine[key])
            where[key] = np.array([] if isinstance(stated, str) else [stated], np.int64)
            if len(mine[key]) > where[key].size:
                only.append(f"{key}: swept only in the {name}")
    numbers = _numbers(a, at_a), _numbers(b, at_b)
    if not all(part.size for part in numbers):  # what one sweep states, the other does not have
        numbers = numbers[0][:0], numbers[1][:0]
    return _Common(*numbers, only)


def _joined(a: Axis, b: Axis) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the positions of the values that both axes have."""
    where = {value: n for n, value in enumerate(extend.values(b))}
    pairs = [(n, where[v]) for n, v in enumerate(extend.values(a)) if v in where]
    return (np.array([n for n, _ in pairs], np.int64), np.array([m for _, m in pairs], np.int64))


def _numbers(sweep: Sweep, at: Mapping[str, NDArray[np.int64]]) -> NDArray[np.int64]:
    if not sweep.axes:
        return np.zeros(1, np.int64)
    index = np.broadcast_arrays(*(at[axis.key] for axis in sweep.axes))
    return np.ravel_multi_index(tuple(index), sweep.shape).ravel()


def _results(
    folders: tuple[StudyFolder, StudyFolder],
    sweeps: tuple[Sweep, Sweep],
    common: _Common,
    only: list[str],
) -> Iterator[Difference]:
    """Give the variables that differ; to `only` goes what only one study has."""
    with netcdf.open(folders[0].dataset) as a, netcdf.open(folders[1].dataset) as b:
        for file in (a, b):
            file.set_auto_maskandscale(False)
        shared = {
            name: _Shared.of(*(_labels(file, name) for file in (a, b)))
            for name in ("cell", "projection", "connection")
        }
        only += [line for name, labels in shared.items() for line in labels.only(name)]
        cells = shared["cell"]
        told = _Told(sweeps[0], common.a, cells.labels)
        for name in a.variables:
            if name not in b.variables or name in a.dimensions:
                continue
            left, right = (
                _words(file[name], np.reshape(file[name][...], (numbering.count(sweep), -1))[rows])
                for file, sweep, rows in zip((a, b), sweeps, (common.a, common.b), strict=True)
            )
            of = shared.get(a[name].dimensions[-1]) if a[name].dimensions else None
            if of is not None:
                left, right = left[:, of.a], right[:, of.b]
            if found := told.difference(name, left, right, of.labels if of else []):
                yield found
        if "spikes" in a.groups and "spikes" in b.groups:
            trains = [
                (numbers[:, None] * file.dimensions["cell"].size + column).ravel()
                for numbers, file, column in ((common.a, a, cells.a), (common.b, b, cells.b))
            ]
            if found := told.spikes(_Trains.of(a, trains[0]), _Trains.of(b, trains[1])):
                yield found
        traces = _Traces.of(a, common.a), _Traces.of(b, common.b)
        only += _only_traced(*traces)
        yield from _trace_differences(told, *traces)


def _labels(file: Any, name: str) -> list[str]:
    """Return the labels of a dimension; none where there is no such dimension."""
    return [str(label) for label in file[name][:]] if name in file.variables else []


def _words(variable: Any, values: NDArray[Any]) -> NDArray[Any]:
    """Return the words that codes stand for, since another study may number them otherwise."""
    if "flag_meanings" not in variable.ncattrs():
        return values
    codes = np.atleast_1d(variable.flag_values).tolist()
    words = dict(zip(codes, variable.flag_meanings.split(), strict=True))
    different, where = np.unique(values, return_inverse=True)
    names = np.array([words.get(code, "none") for code in different.tolist()], object)
    return np.asarray(names[where.reshape(values.shape)])


@dataclass(frozen=True)
class _Traces:
    """The traces of a dataset: where each compared point is, by its place among these points."""

    variables: Mapping[str, Any]
    rows: Mapping[int, int]
    cells: list[str]
    time: NDArray[np.float64]

    @classmethod
    def of(cls, file: Any, points: NDArray[np.int64]) -> _Traces:
        """Return the traces of some points; without any where the dataset has no traces."""
        group = file.groups.get("traces")
        if group is None:
            return cls({}, {}, [], np.empty(0))
        variables = {
            name: variable
            for name, variable in group.variables.items()
            if variable.dimensions == ("trace", "cell", "time")
        }
        row_of = {int(point): row for row, point in enumerate(group["trace"][:])}
        rows = {n: row_of[p] for n, p in enumerate(points.tolist()) if p in row_of}
        time = np.asarray(group["time"][:], np.float64)
        return cls(variables, rows, _labels(group, "cell"), time)


def _only_traced(a: _Traces, b: _Traces) -> Iterator[str]:
    """Say which traces only one of two studies has, at points that both have."""
    for ours, theirs, name in ((a, b, "first"), (b, a, "second")):
        if missing := len(ours.rows.keys() - theirs.rows.keys()):
            yield f"traces: of {missing:,} points only in the {name}"
    if not (a.rows.keys() & b.rows.keys()):
        return
    for ours, theirs, name in ((a, b, "first"), (b, a, "second")):
        if variables := [v for v in ours.variables if v not in theirs.variables]:
            yield f"traces: {_listed(variables)} only in the {name}"
        if times := np.setdiff1d(ours.time, theirs.time).size:
            yield f"traces: {times:,} of {ours.time.size:,} times only in the {name}"


def _trace_differences(told: _Told, a: _Traces, b: _Traces) -> Iterator[Difference]:
    """Give the traces that differ at points, cells and times that both studies have."""
    points = sorted(a.rows.keys() & b.rows.keys())
    cells = _Shared.of(a.cells, b.cells)
    _, at_a, at_b = np.intersect1d(a.time, b.time, return_indices=True)
    for name in a.variables:
        if name not in b.variables:
            continue
        differences = []
        for point in points:  # one at a time: the traces of all may not fit into memory
            left = np.asarray(a.variables[name][a.rows[point]])[np.ix_(cells.a, at_a)]
            right = np.asarray(b.variables[name][b.rows[point]])[np.ix_(cells.b, at_b)]
            if found := told.samples(f"traces/{name}", point, left, right, cells.labels):
                differences.append(found)
        if differences:
            # the first of the largest ones; nan, no number, comes last
            largest = min(differences, key=lambda d: -d.largest if d.largest == d.largest else 0.0)
            numbers = np.concatenate([d.numbers for d in differences])
            yield replace(largest, points=numbers.size, numbers=numbers)


_MOST_LISTED = 5
"""Labels that are listed one by one."""


def _listed(labels: Sequence[str]) -> str:
    rest = len(labels) - _MOST_LISTED
    return ", ".join(labels[:_MOST_LISTED]) + (f" and {rest:,} more" if rest > 0 else "")


@dataclass(frozen=True)
class _Shared:
    """The labels that both of two datasets have, and where each has them."""

    labels: list[str]
    a: NDArray[np.int64]
    b: NDArray[np.int64]

    only_a: list[str]
    only_b: list[str]

    @classmethod
    def of(cls, a: list[str], b: list[str]) -> _Shared:
        place_a, place_b = ({label: n for n, label in enumerate(names)} for names in (a, b))
        labels = [label for label in a if label in place_b]
        at_a, at_b = (np.array([at[x] for x in labels], np.int64) for at in (place_a, place_b))
        only_a, only_b = ([x for x in names if x not in other]
                          for names, other in ((a, place_b), (b, place_a)))  # fmt: skip
        return cls(labels, at_a, at_b, only_a, only_b)

    def only(self, name: str) -> Iterator[str]:
        """Say which labels of a dimension only one of the datasets has."""
        for labels, which in ((self.only_a, "first"), (self.only_b, "second")):
            if labels:
                yield f"{name}: {_listed(labels)} only in the {which}"


@dataclass(frozen=True)
class _Trains:
    """Some trains of a dataset: their first spikes, their lengths, and all spikes' times."""

    first: NDArray[np.int64]
    count: NDArray[np.int64]
    time: Any
    scale: float

    @classmethod
    def of(cls, file: Any, trains: NDArray[np.int64]) -> _Trains:
        group = file["spikes"]
        count = np.asarray(group["spike_count"][:], np.int64)
        first = np.cumsum(count) - count
        time = group["spike_time"]
        scale = float(time.scale_factor) if "scale_factor" in time.ncattrs() else 1.0
        return cls(first[trains], count[trains], time, scale)

    def seconds(self, trains: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return the spikes of some trains, one after the other, in seconds."""
        first, count = self.first[trains], self.count[trains]
        if not count.sum():
            return np.empty(0)
        start, stop = int(first.min()), int((first + count).max())
        found = np.asarray(self.time[start:stop])
        if stop - start == count.sum() and np.all(np.diff(first) >= 0):
            return found * self.scale
        shift = np.repeat(first - start - (np.cumsum(count) - count), count)
        return np.asarray(found[shift + np.arange(shift.size)] * self.scale)


@dataclass(frozen=True)
class _Told:
    """Puts differences into words: the sweep, the points that are compared, the cells."""

    sweep: Sweep
    points: NDArray[np.int64]
    cells: list[str]

    def difference(
        self, name: str, a: NDArray[Any], b: NDArray[Any], labels: list[str]
    ) -> Difference | None:
        """Return how two arrays of shape (points, labels or 1) differ; None where they do not."""
        if (difference := _differing(a, b)) is None:
            return None
        bad, at, largest = difference
        label = f", {labels[at[1]]}" if len(labels) > 1 else ""
        where = shards.in_words(self.sweep, int(self.points[at[0]])) + label
        rows = bad.any(axis=1)
        return Difference(
            name, int(rows.sum()), largest, where, _plain(a[at]), _plain(b[at]), self.points[rows]
        )

    def samples(
        self, name: str, point: int, a: NDArray[Any], b: NDArray[Any], cells: Sequence[str]
    ) -> Difference | None:
        """Return how a point's traces of shape (cells, times) differ; None where they do not."""
        if (difference := _differing(a, b)) is None:
            return None
        _, at, largest = difference
        number = self.points[[point]]
        where = f"{shards.in_words(self.sweep, int(number[0]))}, {cells[int(at[0])]}"
        return Difference(name, 1, largest, where, _plain(a[at]), _plain(b[at]), number)

    def spikes(self, a: _Trains, b: _Trains) -> Difference | None:
        """Return how trains differ: those of other lengths, and spikes at other times."""
        n_cells = len(self.cells)
        differ = a.count != b.count
        largest, where, pair = 0.0, -1, (0.0, 0.0)
        for start in range(0, differ.size, _TRAINS):
            trains = np.arange(start, min(start + _TRAINS, differ.size))
            same = trains[~differ[trains]]
            ours, theirs = a.seconds(same), b.seconds(same)
            bad = np.flatnonzero(ours != theirs)
            if bad.size:
                train_of = np.repeat(same, a.count[same])
                differ[train_of[bad]] = True
                most = bad[int(np.argmax(np.abs(ours[bad] - theirs[bad])))]
                if abs(ours[most] - theirs[most]) > largest:
                    largest = float(abs(ours[most] - theirs[most]))
                    where, pair = int(train_of[most]), (float(ours[most]), float(theirs[most]))
        if not differ.any():
            return None
        if where < 0:  # only numbers of spikes
            where = int(np.argmax(differ))
            largest, pair = float("nan"), (float("nan"), float("nan"))
        numbers = self.points[differ.reshape(-1, n_cells).any(axis=1)]
        words = shards.in_words(self.sweep, int(self.points[where // n_cells]))
        cell = self.cells[where % n_cells]
        return Difference("spike_time", numbers.size, largest, f"{words}, {cell}", *pair, numbers)


def _differing(
    a: NDArray[Any], b: NDArray[Any]
) -> tuple[NDArray[np.bool_], tuple[np.intp, ...], float] | None:
    """Return where arrays differ, the place of the largest difference, and that, nan for words."""
    bad = (a != b) & ~((a != a) & (b != b))
    if not bad.any():
        return None
    size = np.full(bad.shape, np.nan)
    if a.dtype != object:
        size = np.where(bad, np.abs(a.astype(np.float64) - b.astype(np.float64)), 0.0)
    some = np.isfinite(size) & bad
    place = int(np.argmax(np.where(some, size, -1.0) if some.any() else bad))
    at = np.unravel_index(place, bad.shape)
    return bad, at, float(size[at]) if some.any() else float("nan")


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value
