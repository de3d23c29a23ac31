"""Checks a study: files against the log, points against the plan, the dataset, bits again."""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from izhi import netcdf
from izhi.config.sweep import Sweep
from izhi.engine import prepare
from izhi.errors import StudyError
from izhi.study import (
    contents,
    dataset,
    description,
    header,
    log,
    overview,
    parallel,
    provenance,
    resume,
    shardfile,
    shards,
    statistics,
    table,
    versions,
    window,
    worker,
)
from izhi.study import folder as folders
from izhi.study.digest import Digest, same_bits
from izhi.study.execute import make_plan
from izhi.study.extend import Place
from izhi.study.folder import UNREADABLE, StudyFolder
from izhi.study.logcheck import LogCheck
from izhi.study.restate import as_gathered
from izhi.study.resume import Grid
from izhi.study.statistics import Columns
from izhi.study.window import Source
from izhi.sweep.plan import Plan, Shard

if TYPE_CHECKING:
    import xarray as xr


@dataclass
class Verdict:
    """What was checked, and what is wrong.

    Attributes
    ----------
    passed
        What was checked and is as it should be, in words.
    problems
        What is wrong, each with the file or point that is.
    notes
        What one should know, though nothing is wrong.
    """

    passed: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def check(self, what: str, problems: Sequence[str]) -> bool:
        """Note a check; return whether all was well."""
        self.problems += problems
        if not problems:
            self.passed.append(what)
        return not problems


def verify(path: Path, sample: int = 0, remark: Callable[[str], None] = print) -> Verdict:
    """Check a study, and simulate some of its points again.

    Parameters
    ----------
    path
        The study's folder.
    sample
        Number of points to simulate again, drawn at random.
    remark
        Where to say what takes long.

    Raises
    ------
    StudyError
        When it is no study, or one that is being written.
    """
    found_study = overview.overview(path)
    folder, events = found_study.folder, found_study.events
    if log.is_held(folder.log):
        raise log.held(folder.log)
    verdict = Verdict(notes=_notes(folder, events))
    held = resume.grids(folder)
    plans = _plans(held)
    log_check = LogCheck(folder, events, plans)
    problems = _description_problems(folder, held)
    problems += [f"{folder.log}: {problem}" for problem in log_check.plan_problems()]
    verdict.check("log.jsonl and study.yaml", problems)
    bad = _file_problems(folder, events)
    logged = resume.checksums(events)
    verdict.check(f"{len(logged)} shards and the dataset: their SHA-256", list(bad.values()))
    if not _check_inputs(verdict, folder, held):
        return verdict
    plan = plans[held[-1].fingerprint]
    where = resume.places(held, plan.sweep, folder)
    whole = [folder.shards / name for name in sorted(logged) if name not in bad]
    found, problems = _points(whole, where, plan)
    problems += log_check.shard_problems(found)
    problems += log_check.failure_problems(found)
    problems += _missing(plan, found, resume.failed(events))
    verdict.check(f"{plan.points:,} points, each in one shard", problems)
    gathered = log_check.gathered
    version = int((gathered or {}).get("statistics", 1))  # the first versions did not say
    with tempfile.TemporaryDirectory(prefix="izhi-") as parts:
        try:
            columns = Columns.of(plan)
            stored = [Source.read(path, points, columns) for path, points in found.items()]
            workers = parallel.workers_here(plan)
            sources = as_gathered(plan, stored, version, Path(parts), workers)
        except (StudyError, *UNREADABLE) as error:
            verdict.check("statistics", [f"{folder.shards}: {error}"])
            return verdict
        if gathered is not None and not verdict.problems:
            verdict.problems += [f"{folder.log}: {p}" for p in log_check.gathering_problems(stored)]
            _compare(verdict, folder, plan, sources, log_check.until_gathered)
        total = min(sample, sum(points.size for points in found.values()))
        if total:
            remark(f"simulating {total} point{'s' * (total > 1)} again ...")
            told = _other_bits(folder, plan, sources, held[-1].fingerprint, total)
            what = "the same bits, the same statistics"
            verdict.check(f"{total} points, simulated again: {what}", told)
    return verdict


def _notes(folder: StudyFolder, events: list[dict[str, Any]]) -> list[str]:
    several = versions.of_study(events)
    notes = [several] if several else []
    put_aside = {str(e.get("shard")) for e in events if e["event"] == "damaged"}
    notes += [f"{path}: was in the way of a shard and put aside; nothing reads it"
              for path in _further_shards(folder, {}) if _is_aside(path, put_aside)]  # fmt: skip
    notes += [f"{path}: was left by a run that was killed" for path in _orphaned(folder, events)]
    if (folder.path / "report.html").is_file():
        notes.append("report.html is not checked; izhi report writes it anew")
    return notes


def _description_problems(folder: StudyFolder, held: list[Grid]) -> list[str]:
    if not folder.log.is_file():
        return [f"{folder.log}: is not there"]
    problems = [f"{folder.log}: line {number} is no event" for number in log.damaged(folder.log)]
    try:
        if _known_by(resume.grids_of_config(folder)[-1]) != _known_by(held[-1]):
            problems.append(f"{folder.config}: not what the log says")
    except StudyError as error:
        problems.append(str(error))
    try:
        logged = resume.grids_of_log(folder)
        if not logged:
            problems.append(f"{folder.log}: does not say what was planned")
        elif _known_by(logged[-1]) != _known_by(held[-1]):
            problems.append(f"{folder.log}: not what study.yaml says")
    except StudyError as error:
        problems.append(str(error))
    return problems


def _known_by(grid: Grid) -> tuple[str, str]:
    """Return what a study's spikes and its statistics are known by."""
    return grid.fingerprint, statistics.digest(statistics.settings_of(grid.sweep))


def _file_problems(folder: StudyFolder, events: list[dict[str, Any]]) -> dict[str, str]:
    """Return what is wrong with files, by their names."""
    expected = resume.logged_files(folder, events)
    gathered = any(event["event"] == "gathered" for event in events)
    for path in (folder.dataset, folder.summary)[: 1 + gathered]:
        expected.setdefault(path, "")
    problems = {}
    for path, sha256 in expected.items():
        if why := folders.unreadable(path):
            problems[path.name] = f"{path}: {why}"
        elif (digest := folders.sha256(path)) is None:
            problems[path.name] = f"{path}: cannot be read to its end"
        elif digest != sha256:
            problems[path.name] = f"{path}: its SHA-256 is not the logged one"
    for path in folders.unfinished(folder):
        problems[path.name] = f"{path}: was left unfinished"
    put_aside = {str(e.get("shard")) for e in events if e["event"] == "damaged"}
    further = [p for p in _further_shards(folder, expected) if not _is_aside(p, put_aside)]
    diffs = {*folder.path.glob("changes-*.diff")} - {*expected, *_orphaned(folder, events)}
    for path in [*further, *sorted(diffs)]:
        problems.setdefault(path.name, f"{path}: is not in the log")
    return problems


def _further_shards(folder: StudyFolder, expected: Collection[Path]) -> list[Path]:
    """Return what lies in the folder of shards and is not expected there."""
    there = folder.shards.iterdir() if folder.shards.is_dir() else ()
    return sorted(path for path in there if path not in expected)


def _is_aside(path: Path, names: Collection[str]) -> bool:
    """Whether a run gave a file this name, because one of some names was in a shard's way."""
    name, aside, number = path.name.rpartition(".aside")
    return bool(aside) and name in names and re.fullmatch(r"(-\d+)?", number) is not None


def _orphaned(folder: StudyFolder, events: list[dict[str, Any]]) -> list[Path]:
    """Return files of changes that the log need not tell of.

    A run that is killed between storing one and logging its plan leaves one, whose name is that of
    its contents.
    """
    kinds = [e["event"] for e in events if e["event"] in ("started", *versions.PLANS)]
    killed = any(kind == after == "started" for kind, after in pairwise([*kinds, "started"]))
    logged = provenance.diffs(events)
    return [
        path for path in sorted(folder.path.glob("changes-*.diff")) if killed
        and path.name not in logged and provenance.is_named_by_contents(path)
    ]  # fmt: skip


def _check_inputs(verdict: Verdict, folder: StudyFolder, held: list[Grid]) -> bool:
    """Compare files of data with the study's configs; return whether all was well."""
    needed = folders.input_files(folder, held[-1].sweep)
    expected = {p: d for grid in held for p, d in folders.input_files(folder, grid.sweep).items()}
    problems = [f"{path}: {folders.unreadable(path) or f'not what {where} held'}"
                for path, (digest, where) in expected.items()
                if (path in needed or path.exists())
                and folders.sha256(path) != digest]  # fmt: skip
    there = folder.inputs.iterdir() if folder.inputs.is_dir() else ()
    further = {*there} - {*expected, *folders.unfinished(folder)}
    problems += [f"{path}: no file of data of this study" for path in sorted(further)]
    if not expected and not further:
        return True
    return verdict.check(f"{len(needed)} files of data: their SHA-256", problems)


def _plans(held: list[Grid]) -> dict[str, Plan]:
    """Return the plan of each sweep of a study, by fingerprint; that of the last one comes last."""
    result: dict[str, Plan] = {}
    for grid in held:
        result.pop(grid.fingerprint, None)
        result[grid.fingerprint] = make_plan(grid.sweep)
    return result


def _points(
    paths: list[Path],
    where: dict[str, Place],
    plan: Plan,
) -> tuple[dict[Path, NDArray[np.int64]], list[str]]:
    """Return the points of shard files, in the plan's numbers, and what is wrong with them."""
    batch_of = contents.batches(plan)
    found, problems = {}, []
    for path in paths:
        try:
            points = resume.renumbered(path, where)
            contents.check(path, points, plan, batch_of)
        except StudyError as error:
            problems.append(f"{path}: {error}")
            continue
        if plan.batches[batch_of[points[0]]].structure.digest != path.name.split("-")[0]:
            problems.append(f"{path}: its points are of other structures than its name says")
        found[path] = points
    return found, problems


def _missing(
    plan: Plan, found: dict[Path, NDArray[np.int64]], failed: NDArray[np.int64]
) -> list[str]:
    times = np.zeros(plan.points, np.int64)
    for points in found.values():
        times[points] += 1
    twice = np.flatnonzero(times > 1)
    times[failed[failed < plan.points]] += 1
    problems = []
    for numbers, what in ((np.flatnonzero(times == 0), "not run"), (twice, "in two shards")):
        if numbers.size:
            problems.append(f"{_these(plan.sweep, numbers)}: {what}; a further run repairs it")
    return problems


def _these(sweep: Sweep, numbers: NDArray[np.int64]) -> str:
    """Return points in words: how many, and the first by its labels."""
    at = ", ".join(
        f"{name}={value}" for name, value in shards.labels(sweep, int(numbers[0])).items()
    )
    first = f"point {numbers[0]}" + (f" ({at})" if at else "")
    return first if numbers.size == 1 else f"{numbers.size:,} points, the first of them {first}"


def _compare(
    verdict: Verdict,
    folder: StudyFolder,
    plan: Plan,
    sources: Sequence[Source],
    events: list[dict[str, Any]],
) -> None:
    """Compare dataset and table with the shards, window by window, and these with the digest."""
    failed = resume.failed(events)
    expected = _expected(plan, sources, events)
    columns = Columns.of(plan)
    digest = Digest(plan.sweep.axes, columns)
    try:
        with netcdf.open(folder.dataset) as file:
            file.set_auto_maskandscale(False)
            if not any(variable.name in file.variables for variable in columns.drawn):
                columns = replace(columns, draws=None)  # by a version that did not store draws
            problems = [
                f"{folder.dataset}: {problem}" for problem in header.problems(file, expected)
            ]
            if not problems:
                values = _values(file, plan, sources, failed, expected.traces)
                problems = [*_different(folder, plan, values, digest)]
                if digest.hexdigest() != str(events[-1].get("digest")):
                    problems.append(
                        f"{folder.shards}: the digest of the results is not the logged one"
                    )
    except UNREADABLE as error:
        problems = [f"{folder.dataset}: cannot be compared with the shards: {error}"]
    verdict.check("the dataset, against the shards", problems)
    lines = [*_table(folder, plan, sources, failed, columns)]
    if lines and not [*_table(folder, plan, sources, failed, columns, earlier=True)]:
        lines = []
    verdict.check("summary.csv, against the shards", lines)


def _expected(
    plan: Plan, sources: Sequence[Source], events: list[dict[str, Any]]
) -> header.Expected:
    """Return what the dataset is to be that the last one of some events gathered."""
    from izhi.study import traces

    traced = window.traced(plan, sources)
    plans = [event for event in events if event["event"] in versions.PLANS]
    planned = plans[-1] if plans else {}
    config = {key: planned[key] for key in (*description.of(plan.sweep), "drawn") if key in planned}
    return header.Expected(
        plan,
        sources,
        traces.traces(plan, traced) if traced else None,
        {
            "title": "",
            "izhi_version": "",
            "versions": versions.of_dataset(events),
            "config": json.dumps(config, ensure_ascii=False),
        },
        _optional(plan, events),
    )


def _optional(plan: Plan, events: list[dict[str, Any]]) -> set[str]:
    """Return what the dataset need not have, by what the log shows of the version that wrote it."""
    if "versions" in events[-1]:
        return set()
    later = header.later_names(plan)
    if any(event["event"] == "shard_done" and "versions" in event for event in events):
        later.remove("versions")
    return later


def _different(
    folder: StudyFolder, plan: Plan, values: Iterator[_Pair], digest: Digest
) -> Iterator[str]:
    """Say what a dataset has that the shards have not, with the points; feed the digest."""
    different: dict[str, list[NDArray[np.int64]]] = {}
    for pair in values:
        if pair.digested:
            digest.add(pair.name, pair.ours)
        if (bad := pair.different()) is not None:
            different.setdefault(pair.name, []).append(bad)
    for name, numbers in different.items():
        points = np.unique(np.concatenate(numbers))
        at = f" at {_these(plan.sweep, points)}" if points.size else ""
        yield f"{folder.dataset}: {name} is not what the shards hold{at}"


@dataclass(frozen=True)
class _Pair:
    """A variable by the shards and by the dataset, and the point of each row of the former.

    The digest of a study is not of all variables.
    """

    name: str
    points: NDArray[np.int64]
    ours: NDArray[Any]
    theirs: NDArray[Any]
    digested: bool = True

    def different(self) -> NDArray[np.int64] | None:
        """Return the points at which the two differ; None where they do not."""
        if self.ours.shape != self.theirs.shape:
            return self.points[:1]
        same = same_bits(self.ours, self.theirs)
        return None if same.all() else self.points[np.nonzero(~same)[0]]


def _values(
    file: Any,
    plan: Plan,
    sources: Sequence[Source],
    failed: NDArray[np.int64],
    traces: xr.Dataset | None,
) -> Iterator[_Pair]:
    """Give each variable of each window: by the shards, then by the dataset."""
    columns, written = Columns.of(plan), 0
    drawn = {variable.name for variable in columns.drawn}
    count = dataset.spike_counts(plan, sources)
    spikes = file["spikes"] if "spikes" in file.groups else None
    for part in window.windows(plan.sweep.shape, sources, failed):
        points = np.arange(part.first, part.stop)
        ours = window.read(part, columns)
        if dataset.PRESENT in file.variables:
            ours[dataset.PRESENT] = window.present(part, columns)
        for name, values in ours.items():
            if name in drawn and name not in file.variables:
                continue  # by a version that did not store it
            theirs = np.reshape(file[name][part.box or ...], values.shape)
            yield _Pair(name, points, values, theirs, name != dataset.PRESENT)
        if spikes is not None:
            times = dataset.spikes(part, count, spikes["spike_time"].dtype)
            theirs = spikes["spike_time"][written : written + times.size]
            written += times.size
            of = np.repeat(points, count[points].sum(axis=1))
            yield _Pair("spike_time", of, times, theirs)
            yield from _trains(spikes, points, plan.cells)
    every = np.arange(plan.points)
    if spikes is not None:
        trains = np.reshape(spikes["spike_count"][:], count.shape)
        yield _Pair("train_count", every, count, trains)
    if traces is not None:
        yield from _traces(file["traces"], traces)


def _trains(spikes: Any, points: NDArray[np.int64], cells: Sequence[str]) -> Iterator[_Pair]:
    """Yield which point and which cell each train of some points is of."""
    trains = slice(int(points[0]) * len(cells), (int(points[-1]) + 1) * len(cells))
    of = np.repeat(points, len(cells))
    yield _Pair("spikes/point", of, of, spikes["point"][trains], digested=False)
    labels = np.array([label.encode() for label in cells])
    letters = np.tile(labels.view("S1").reshape(labels.size, -1), (points.size, 1))
    spikes["cell"].set_auto_chartostring(False)
    yield _Pair("spikes/cell", of, letters, spikes["cell"][trains], digested=False)


def _traces(group: Any, expected: xr.Dataset) -> Iterator[_Pair]:
    """Yield all variables of the traces."""
    every = expected["trace"].values
    digested = ("trace", *expected.data_vars)
    for name in (*digested, *(set(expected.variables) - set(digested))):
        variable, stored = expected[name], group[name]
        first = np.broadcast_to(every[:1], variable.shape[:1])
        of = every if variable.dims[0] == "trace" else first
        yield _Pair(f"traces/{name}", of, variable.values, stored[:], name in digested)


def _table(
    folder: StudyFolder,
    plan: Plan,
    sources: Sequence[Source],
    failed: NDArray[np.int64],
    columns: Columns,
    *,
    earlier: bool = False,
) -> Iterator[str]:
    """Compare the table with the shards, line by line; say where it differs first."""
    number = 0
    with open(folder.summary, "rb") as file:
        layout = table.layout(plan.sweep.axes, columns)
        for part in (None, *window.windows(plan.sweep.shape, sources, failed)):
            if part is None:
                lines = layout.header.splitlines(keepends=True)
            else:
                lines = table.rows(layout, part, window.read(part, columns), earlier=earlier)
            for line in lines:
                number += 1
                expected = line.encode()
                if file.readline(len(expected) + 1) != expected:
                    yield f"{folder.summary}: line {number:,} is not what the shards hold"
                    return
        if file.read(1):
            yield f"{folder.summary}: has more lines than there are results"


def _other_bits(
    folder: StudyFolder, plan: Plan, sources: Sequence[Source], fingerprint: str, sample: int
) -> list[str]:
    """Simulate some points again and compare every number with what the study holds."""
    ends = np.cumsum([source.points.size for source in sources])
    chosen = np.sort(np.random.default_rng().choice(int(ends[-1]), sample, replace=False))
    rows: dict[int, list[int]] = {}
    for number in chosen.tolist():
        at = int(np.searchsorted(ends, number, side="right"))
        rows.setdefault(at, []).append(number - int(ends[at] - sources[at].points.size))
    batch_of = contents.batches(plan)
    needed = {int(batch_of[sources[at].points[0]]) for at in rows}
    compiled = {n for n in needed if plan.batches[n].engine == "compiled"}
    builds = prepare.builds(plan, compiled)
    problems = []
    for at, some in rows.items():
        source = sources[at]
        points = source.points[some]
        shard = Shard(0, int(batch_of[points[0]]), points)
        again = worker.simulate(shards.task(plan, shard, builds, folder, fingerprint))
        stored = shardfile.read(source.path).take(np.array(some))
        other = points[~stored.same_points(again)]
        if other.size:
            problems.append(
                f"{source.path}: {_these(plan.sweep, other)}: other results when run again"
            )
        # of the settings that hold now, which may be others than those of the shard file
        held = shardfile.read_rows(source.statistics, slice(None))
        for name, values in again.statistics.items():
            bad = _Pair(name, points, values, held[name][some]).different()
            if bad is not None:
                problems.append(f"{source.path}: {_these(plan.sweep, np.unique(bad))}: another "
                                f"{name} when run again")  # fmt: skip
    return problems
