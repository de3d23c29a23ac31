"""Runs a plan: builds, shards in parallel, dataset, summary."""

from __future__ import annotations

import contextlib
import shutil
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from importlib import metadata
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from izhi import floats, interrupts
from izhi.config.sweep import Sweep
from izhi.engine import compilers, prepare
from izhi.errors import EngineError, IzhiError, StorageError
from izhi.study import (
    description,
    gather,
    log,
    parallel,
    restate,
    resume,
    shards,
    statistics,
    versions,
)
from izhi.study import folder as folders
from izhi.study.folder import StudyFolder
from izhi.study.gather import Gathered
from izhi.study.log import Writer
from izhi.study.profile import Profile
from izhi.study.shardfile import Head
from izhi.study.shards import Job
from izhi.study.statistics import Columns
from izhi.study.study import Study
from izhi.study.window import Source
from izhi.study.worker import Outcome
from izhi.sweep import doubts, structures
from izhi.sweep import plan as plans
from izhi.sweep.plan import Plan


@dataclass(frozen=True)
class Report:
    """What a run did.

    Attributes
    ----------
    study
        The study.
    points, rows
        Points of the study, rows of its table.
    computed, failed
        Points computed now, points that failed.
    seconds
        Time taken.
    engines
        Engines used, with why.
    first_error
        Why the first shard that failed did.
    profile
        Where the time went.
    """

    study: Study
    points: int
    rows: int
    computed: int
    failed: int
    seconds: float
    engines: tuple[str, ...]
    first_error: str | None
    profile: Profile


@floats.usual()
def make_plan(sweep: Sweep) -> Plan:
    """Return the plan of a sweep on this machine, after checking all points."""
    statistics.settings_of(sweep)
    found = structures.find(sweep)
    plan = plans.make_plan(sweep, found, prepare.machine(sweep, found))
    return replace(plan, doubts=doubts.find(sweep, found))


@floats.usual()
def execute(
    sweep: Sweep,
    *,
    progress: bool = True,
    profile: Profile | None = None,
    command: Sequence[str] | None = None,
    study: StudyFolder | None = None,
) -> Report:
    """Run a sweep, or what is missing of it, and gather the study.

    Parameters
    ----------
    sweep
        What was asked for.
    progress
        Whether a progress bar and remarks go to stderr.
    profile
        Where to note how long each stage took; it may have begun before.
    command
        What the user called; by default the command that runs this sweep.
    study
        A study of this sweep whose statistics are to be computed anew, and nothing else.

    Raises
    ------
    ConfigError
        Before anything is built or written.
    StudyError
        When the folder holds another study, or another process is writing it.
    StorageError
        When there is too little room, or no leave, to write.
    EngineError
        When what fails is not a point.
    """
    start = time.perf_counter()
    profile = profile or Profile(start)
    profile.mark("composing")
    plan = make_plan(sweep)
    folder = study or folders.study_folder(sweep)
    folders.check_own(folder)
    folders.check_writable(folder, plan)
    resume.check_free(folder)
    if study is None:
        folder = folders.create(folder, sweep)
    with log.writing(folder.log) as record:
        try:
            return _execute(
                plan, folder, record, progress, profile, command or sweep.command, start,
                study is not None,
            )  # fmt: skip
        except KeyboardInterrupt:
            _stopped(folder, record, "interrupted")
            raise KeyboardInterrupt(
                f"the same command with study.name={folder.path.name} goes on"
            ) from None
        except OSError as error:
            _stopped(folder, record, "stopped", reason=str(error))
            raise StorageError(f"{folder.path}: cannot be written: {error}") from error


def _stopped(folder: StudyFolder, record: Writer, event: str, **told: str) -> None:
    """Leave nothing unfinished, and say in the log, if it can be written, how it ended."""
    folders.remove_unfinished(folder)
    with contextlib.suppress(StorageError):
        record.append(event, **told)


def _execute(
    plan: Plan,
    folder: StudyFolder,
    record: Writer,
    progress: bool,
    profile: Profile,
    command: Sequence[str],
    start: float,
    summarise: bool,
) -> Report:
    """Run a plan in a folder whose log is held."""

    def remark(text: str) -> None:
        if progress:
            print(text, file=sys.stderr, flush=True)

    done = resume.open_folder(folder, plan, record, command, remark, summarise)
    folders.keep_inputs(folder, plan.sweep)
    for doubt in () if summarise else plan.doubts:
        remark(f"warning: {doubt}")
        record.append("doubt", key=doubt.key, text=doubt.text)
    fingerprint = description.fingerprint(plan.sweep)
    left = [] if summarise else resume.remaining(plan, done)
    job = Job(plan, left, {}, folder, fingerprint, record.run)
    profile.mark("planning")
    try:
        job = _built(job, done, record, remark)
        profile.mark("building")
        results = shards.run(job, record, remark, progress, profile)
        _doubt_resets(plan, results.stored, record, remark)
        profile.mark("shards")
        sources = _sources(plan, done, results.stored)
        failed = (
            resume.failed(log.read(folder.log))
            if summarise
            else np.array(sorted(results.failed), np.int64)
        )
        interrupts.check()
        recomputed = restate.recomputed(plan, sources, statistics.VERSION)
        here = versions.here(compiled=False)
        made = versions.of_shards(log.read(folder.log)).values()
        made_by = [versions.in_words(made), versions.recomputed(recomputed, here, made)]
        if made_by[1]:
            remark(f"warning: {made_by[1]}")
            record.append("warning", text=made_by[1])
        words = "; ".join(filter(None, made_by))
        gathered = _gather(job.plan, folder, sources, failed, words, profile, progress)
    except IzhiError as error:
        _stopped(folder, record, "stopped", reason=str(error))
        raise
    folders.remove_unfinished(folder)
    seconds = time.perf_counter() - start
    record.append(
        "gathered", seconds=round(seconds, 3), failed=int(failed.size),
        diverged=gathered.diverged, digest=gathered.digest, statistics=statistics.VERSION,
        versions=here, recomputed=recomputed,
        files={name: asdict(written) for name, written in gathered.files.items()},
    )  # fmt: skip
    return Report(
        Study(folder.path),
        plan.points,
        gathered.rows,
        sum(o.points.size for o in results.stored),
        int(failed.size),
        seconds,
        _engines(job),
        next(iter(results.failed.values()), None),
        profile,
    )


def _doubt_resets(
    plan: Plan, outcomes: Sequence[Outcome], record: Writer, remark: Callable[[str], None]
) -> None:
    """Warn of cells that spike in every time step: only their results show it."""
    examples = sorted(outcome.example for outcome in outcomes if outcome.example is not None)
    if not examples:
        return
    point, cell = examples[0]
    total = sum(outcome.incessant for outcome in outcomes)
    where = f"{shards.in_words(plan.sweep, point)}, {cell}"
    text = (
        f"{total:,} point{'s' * (total > 1)}, the first of them {where}: a cell spikes in one time "
        "step after the other: its reset leaves it above the threshold, or what drives it lifts it "
        "over it within a step"
    )
    key = "neuron.reset"
    remark(f"warning: {key}: {text}")
    record.append("doubt", key=key, text=text)


def _engines(job: Job) -> tuple[str, ...]:
    """Return the engines that the shards ran on, each with why."""
    used = [job.plan.batches[number] for number in sorted({s.batch for s in job.shards})]
    why = {batch.engine: batch.why for batch in reversed(used)}
    return tuple(f"{engine} engine ({why[engine]})" for engine in sorted(why))


def _built(
    job: Job,
    done: dict[Path, NDArray[np.int64]],
    record: Writer,
    remark: Callable[[str], None],
) -> Job:
    """Return the job with the builds that it needs; without a working compiler, on numpy."""
    plan = job.plan

    def warn(text: str) -> None:
        remark(text)
        record.append("warning", text=text)

    if any(batch.why == plans.NO_COMPILER for batch in plan.batches):
        warn(f"no C++ compiler ({compilers.name()}) found: using the numpy engine")
    if plan.sweep.setting("run.backend") == "dask":
        return job  # each worker builds for its own processor
    needed = {shard.batch for shard in job.shards if plan.batches[shard.batch].engine == "compiled"}
    missing = sum(plan.batches[number].build for number in needed)
    if missing:
        remark(f"building {missing} C++ program{'s' * (missing > 1)}, once and for all ...")
    start = time.perf_counter()
    try:
        builds = prepare.builds(plan, needed, remark)
    except EngineError as error:
        if plan.sweep.setting("run.engine") == "compiled":
            raise
        warn(f"{error}\nusing the numpy engine")
        without = plans.Machine(
            plan.workers, compiler=False, built=frozenset(), why="no C++ program could be built"
        )
        plan = plans.make_plan(plan.sweep, structures.find(plan.sweep), without)
        return replace(job, plan=plan, shards=resume.remaining(plan, done))
    for number, build in builds.items():
        record.append(
            "built", structure=plan.batches[number].structure.digest,
            fresh=plan.batches[number].build,
            seconds=round(time.perf_counter() - start, 3), key=build.program.parent.name,
            compiler=build.command,
        )  # fmt: skip
    for note in dict.fromkeys(build.note for build in builds.values() if build.note):
        warn(note)
    return replace(job, builds=builds)


def _sources(
    plan: Plan, done: dict[Path, NDArray[np.int64]], outcomes: list[Outcome]
) -> list[Source]:
    """Return the shard files, the new ones without opening them again."""
    columns = Columns.of(plan)
    stated = statistics.digest(statistics.settings_of(plan.sweep))
    return [
        *(Source.read(path, points, columns) for path, points in done.items()),
        *(Source.of(o.path, o.points, Head(o.cells, o.synapses, o.count, stated), columns)
          for o in outcomes),
    ]  # fmt: skip


def _gather(
    plan: Plan,
    folder: StudyFolder,
    sources: list[Source],
    failed: NDArray[np.int64],
    made_by: str,
    profile: Profile,
    progress: bool,
) -> Gathered:
    free = shutil.disk_usage(folder.path).free
    if free < plan.disk // 8:
        raise _no_room(folder, free)
    attributes = {
        "title": folder.path.name,
        "izhi_version": metadata.version("izhi"),
        "versions": made_by,
        "config": description.as_json(plan.sweep),
    }
    try:
        return gather.gather(
            plan,
            folder,
            sources,
            failed,
            attributes,
            parallel.workers_here(plan),
            profile,
            progress,
        )
    except (OSError, RuntimeError) as error:  # netCDF knows no better for a full disk
        raise _no_room(folder, shutil.disk_usage(folder.path).free, error) from error


def _no_room(folder: StudyFolder, free: int, error: Exception | None = None) -> StorageError:
    said = "too little to gather the dataset" if error is None else f"and gathering failed: {error}"
    return StorageError(
        f"{folder.path}: {folders.size(free)} free on the disk, {said}; all shards are there: make "
        f"room and run the same command again with study.name={folder.path.name}"
    )
