"""Checks a study: files against the log, points against the plan, the dataset, bits again."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import netCDF4
import numpy as np
from numpy.typing import NDArray

from izhi.config.sweep import Sweep
from izhi.engine import prepare
from izhi.errors import StudyError
from izhi.study import (
    dataset,
    log,
    overview,
    parallel,
    resume,
    shardfile,
    shards,
    statistics,
    window,
    worker,
)
from izhi.study import folder as folders
from izhi.study.digest import Digest
from izhi.study.execute import make_plan
from izhi.study.extend import Place
from izhi.study.folder import UNREADABLE, StudyFolder
from izhi.study.restate import as_gathered
from izhi.study.resume import Grid
from izhi.study.statistics import Columns
from izhi.study.window import Source, Window
from izhi.sweep.plan import Plan, Shard


@dataclass
class Verdict:
    """What was checked, and what is wrong.

    Attributes
    ----------
    passed
        What was checked and is as it should be, in words.
    problems
        What is wrong, each with the file or point that is.
    """

    passed: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

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
        raise StudyError(f"{path}: is being written by {log.holder(folder.log)}")
    verdict = Verdict()
    held = resume.grids(folder)
    verdict.check("log.jsonl and study.yaml", _description_problems(folder, held))
    bad = _file_problems(folder, events)
    logged = resume.checksums(events)
    verdict.check(f"{len(logged)} shards and the dataset: their SHA-256", list(bad.values()))
    kept = folders.input_files(folder, held[-1].sweep)
    if kept:
        other = [f"{path}: not what {where} held" for path, (digest, where) in kept.items()
                 if folders.sha256(path) != digest]  # fmt: skip
        verdict.check(f"{len(kept)} files of data: their SHA-256", other)
        if other:
            return verdict
    plan = make_plan(held[-1].sweep)
    where = resume.places(held, plan.sweep, folder)
    whole = [folder.shards / name for name in sorted(logged) if name not in bad]
    found, problems = _points(whole, where, plan)
    failed = resume.failed(events)
    problems += _missing(plan, found, failed)
    verdict.check(f"{plan.points:,} points, each in one shard", problems)
    gathered = next((e for e in reversed(events) if e["event"] == "gathered"), None)
    if gathered is not None and not verdict.problems:
        told = _dataset_problems(folder, plan, found, failed, gathered)
        verdict.check("the dataset, against the shards", told)
    total = min(sample, sum(points.size for points in found.values()))
    if total:
        remark(f"simulating {total} point{'s' * (total > 1)} again ...")
        told = _other_bits(folder, plan, found, held[-1].fingerprint, total)
        verdict.check(f"{total} points, simulated again: the same bits", told)
    return verdict


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
    if all(event["event"] != "gathered" for event in events):
        expected[folder.dataset] = ""
    problems = {}
    for path, sha256 in expected.items():
        if not path.is_file():
            problems[path.name] = f"{path}: is not there"
        elif folders.sha256(path) != sha256:
            problems[path.name] = f"{path}: its SHA-256 is not the logged one"
    for path in folders.unfinished(folder):
        problems[path.name] = f"{path}: was left unfinished"
    for path in sorted(folder.shards.glob("*.nc")):
        if path not in expected and path.name not in problems:
            problems[path.name] = f"{path}: is not in the log"
    return problems


def _points(
    paths: list[Path], where: dict[str, Place], plan: Plan
) -> tuple[dict[Path, NDArray[np.int64]], list[str]]:
    """Return the points of shard files, in the plan's numbers, and what is wrong with them."""
    structure_of = np.empty(plan.points, np.int64)
    for shard in plan.shards:
        structure_of[shard.points] = shard.batch
    found, problems = {}, []
    for path in paths:
        try:
            points = resume.renumbered(path, where)
        except StudyError as error:
            problems.append(f"{path}: {error}")
            continue
        here = {plan.batches[n].structure.digest for n in np.unique(structure_of[points])}
        if here != {path.name.split("-")[0]}:
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


def _dataset_problems(
    folder: StudyFolder,
    plan: Plan,
    found: dict[Path, NDArray[np.int64]],
    failed: NDArray[np.int64],
    gathered: dict[str, Any],
) -> list[str]:
    """Compare the dataset with the shards, window by window, and the shards with the digest."""
    columns = Columns.of(plan)
    digest = Digest(plan.sweep.axes, columns)
    different: dict[str, list[NDArray[np.int64]]] = {}
    try:
        stored = [Source.read(path, points, columns) for path, points in found.items()]
        with (
            tempfile.TemporaryDirectory(prefix="izhi-") as parts,
            netCDF4.Dataset(str(folder.dataset)) as file,
        ):
            version = int(gathered.get("statistics", 1))  # the first ones did not say
            workers = parallel.workers_here(plan)
            sources = as_gathered(plan, stored, version, Path(parts), workers)
            file.set_auto_maskandscale(False)
            problems = [*_label_problems(file, plan)]
            for part, name, ours, theirs in _values(file, plan, sources, failed):
                digest.add(name, ours)
                if not np.array_equal(ours, theirs, equal_nan=ours.dtype.kind == "f"):
                    different.setdefault(name, []).append(_rows(ours, theirs) + part.first)
    except UNREADABLE as error:
        return [f"{folder.dataset}: cannot be compared with the shards: {error}"]
    for name, numbers in different.items():
        these = _these(plan.sweep, np.unique(np.concatenate(numbers)))
        problems.append(f"{folder.dataset}: {name} is not what the shards hold at {these}")
    if digest.hexdigest() != str(gathered.get("digest")):
        problems.append(f"{folder.shards}: the digest of the results is not the logged one")
    return [str(folder.dataset) + ": " + p if p.startswith("its ") else p for p in problems]


def _label_problems(file: Any, plan: Plan) -> Iterator[str]:
    for name, labels in ((a.name, a.labels) for a in plan.sweep.axes):
        if file[name][:].tolist() != labels.tolist():
            yield f"its axis {name} is not the study's"
    for name, expected in (("cell", plan.cells), ("projection", plan.synapses)):
        if name in file.variables and tuple(file[name][:].tolist()) != expected:
            yield f"its {name}s are not the study's"


def _values(
    file: Any, plan: Plan, sources: Sequence[Source], failed: NDArray[np.int64]
) -> Iterator[tuple[Window, str, NDArray[Any], NDArray[Any]]]:
    """Give each variable of each window: by the shards, then by the dataset; points come first."""
    columns, written = Columns.of(plan), 0
    drawn = {variable.name for variable in columns.drawn}
    count = dataset.spike_counts(plan, sources)
    spikes = file["spikes"] if "spikes" in file.groups else None
    parts = window.windows(plan.sweep.shape, sources, failed)
    for part in parts:
        for name, ours in window.read(part, columns).items():
            if name in drawn and name not in file.variables:
                continue  # by a version that did not store it
            yield part, name, ours, np.reshape(file[name][part.box or ...], ours.shape)
        if spikes is not None:
            ours = dataset.spikes(part, count, spikes["spike_time"].dtype)
            theirs = spikes["spike_time"][written : written + ours.size]
            written += ours.size
            yield part, "spike_time", ours, theirs
    everything = parts[0] if parts else None
    if spikes is not None and everything is not None:
        theirs = np.reshape(spikes["spike_count"][:], count.shape)
        yield everything, "train_count", count, theirs
    if traced := window.traced(plan, sources):
        from izhi.study.traces import traces

        expected = traces(plan, traced)
        for name in ("trace", *expected.data_vars):
            ours = expected[name].values
            yield parts[0], f"traces/{name}", ours, file["traces"][name][:]


def _rows(ours: NDArray[Any], theirs: NDArray[Any]) -> NDArray[np.int64]:
    """Return the first indices at which two arrays differ."""
    if ours.shape != theirs.shape:
        return np.zeros(1, np.int64)
    same = (ours == theirs) | ((ours != ours) & (theirs != theirs))
    return np.unique(np.nonzero(~same)[0])


def _other_bits(
    folder: StudyFolder,
    plan: Plan,
    found: dict[Path, NDArray[np.int64]],
    fingerprint: str,
    sample: int,
) -> list[str]:
    """Simulate some points again and compare every number with what the shards hold."""
    paths, ends = list(found), np.cumsum([points.size for points in found.values()])
    chosen = np.sort(np.random.default_rng().choice(int(ends[-1]), sample, replace=False))
    rows: dict[Path, list[int]] = {}
    for number in chosen.tolist():
        shard_number = int(np.searchsorted(ends, number, side="right"))
        path = paths[shard_number]
        rows.setdefault(path, []).append(number - int(ends[shard_number] - found[path].size))
    batch_of = np.empty(plan.points, np.int64)
    for shard in plan.shards:
        batch_of[shard.points] = shard.batch
    needed = {int(batch_of[found[path][0]]) for path in rows}
    compiled = {n for n in needed if plan.batches[n].engine == "compiled"}
    builds = prepare.builds(plan, compiled)
    problems = []
    for path, some in rows.items():
        points = found[path][some]
        shard = Shard(0, int(batch_of[points[0]]), points)
        again = worker.simulate(shards.task(plan, shard, builds, folder, fingerprint))
        stored = shardfile.read(path).take(np.array(some))
        other = points[~stored.same_points(again)]
        if other.size:
            problems.append(f"{path}: {_these(plan.sweep, other)}: other results when run again")
    return problems
