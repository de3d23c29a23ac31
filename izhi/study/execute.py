"""Runs a plan: builds, shards in parallel, dataset, summary."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib import metadata
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from izhi.config.sweep import Sweep
from izhi.engine import prepare
from izhi.errors import EngineError, StudyError
from izhi.study import description, gather, log, parallel, resume, window
from izhi.study import folder as folders
from izhi.study.folder import StudyFolder
from izhi.study.parallel import Job
from izhi.study.profile import Profile
from izhi.study.study import Study
from izhi.study.window import Source
from izhi.study.worker import Outcome
from izhi.sweep import plan as plans
from izhi.sweep import structures
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


def make_plan(sweep: Sweep) -> Plan:
    """Return the plan of a sweep on this machine, after checking all points."""
    found = structures.find(sweep)
    return plans.make_plan(sweep, found, prepare.machine(sweep, found))


def execute(sweep: Sweep, *, progress: bool = True, profile: Profile | None = None) -> Report:
    """Run a sweep, or what is missing of it, and gather the study.

    Parameters
    ----------
    sweep
        What was asked for.
    progress
        Whether a progress bar and remarks go to stderr.
    profile
        Where to note how long each stage took; it may have begun before.

    Raises
    ------
    ConfigError
        Before anything is built or written.
    StudyError
        When the folder holds another study.
    """
    start = time.perf_counter()
    profile = profile or Profile(start)
    profile.mark("composing")

    def remark(text: str) -> None:
        if progress:
            print(text, file=sys.stderr, flush=True)

    plan = make_plan(sweep)
    folder = folders.study_folder(sweep)
    folders.check_writable(folder, plan)
    fingerprint = resume.fingerprint(plan)
    done = resume.open_folder(folder, plan, fingerprint)
    job = parallel.Job(plan, resume.remaining(plan, done), {}, folder, fingerprint)
    profile.mark("planning")
    try:
        job = _built(job, done, remark)
        profile.mark("building")
        outcomes = parallel.run(job, remark, progress, profile)
        profile.mark("shards")
        failed = [o for o in outcomes if o.error is not None]
        failed_points = np.concatenate([np.empty(0, np.int64), *(o.points for o in failed)])
        sources = _sources(plan.cells, done, outcomes)
        rows = _gather(job.plan, folder, sources, failed_points, profile, progress)
    except KeyboardInterrupt:
        folders.remove_unfinished(folder)
        log.append(folder.log, "interrupted")
        raise KeyboardInterrupt(
            f"the same command with study.name={folder.path.name} goes on"
        ) from None
    seconds = time.perf_counter() - start
    log.append(folder.log, "gathered", seconds=round(seconds, 3), failed=int(failed_points.size))
    return Report(
        Study(folder.path),
        plan.points,
        rows,
        sum(o.points.size for o in outcomes if o.error is None),
        int(failed_points.size),
        seconds,
        _engines(job),
        failed[0].error if failed else None,
        profile,
    )


def _engines(job: Job) -> tuple[str, ...]:
    """Return the engines that the shards ran on, each with why."""
    used = [job.plan.batches[number] for number in sorted({s.batch for s in job.shards})]
    why = {batch.engine: batch.why for batch in reversed(used)}
    return tuple(f"{engine} engine ({why[engine]})" for engine in sorted(why))


def _built(job: Job, done: dict[Path, NDArray[np.int64]], remark: Callable[[str], None]) -> Job:
    """Return the job with the builds that it needs; without a working compiler, on numpy."""
    plan = job.plan
    if any(batch.why == plans.NO_COMPILER for batch in plan.batches):
        remark("no C++ compiler (g++) found: using the numpy engine")
    needed = {shard.batch for shard in job.shards if plan.batches[shard.batch].engine == "compiled"}
    missing = sum(plan.batches[number].build for number in needed)
    if missing:
        remark(f"building {missing} C++ program{'s' * (missing > 1)}, once and for all ...")
    start = time.perf_counter()
    try:
        builds = prepare.builds(plan, needed)
    except EngineError as error:
        log.append(job.folder.log, "build_failed", reason=str(error))
        if plan.sweep.setting("run.engine") == "compiled":
            raise
        remark(f"{error}\nusing the numpy engine")
        without = plans.Machine(plan.workers, compiler=False, built=frozenset())
        plan = plans.make_plan(plan.sweep, structures.find(plan.sweep), without)
        return replace(job, plan=plan, shards=resume.remaining(plan, done))
    for number, build in builds.items():
        log.append(
            job.folder.log, "built", structure=plan.batches[number].structure.digest,
            fresh=plan.batches[number].build,
            seconds=round(time.perf_counter() - start, 3), key=build.program.parent.name,
        )  # fmt: skip
    return replace(job, builds=builds)


def _sources(
    cells: tuple[str, ...], done: dict[Path, NDArray[np.int64]], outcomes: list[Outcome]
) -> list[Source]:
    """Return the shard files, the new ones without opening them again."""
    return [
        *(Source.read(path, points, cells) for path, points in done.items()),
        *(Source(o.path, o.points, window.places(o.cells, cells), o.count)
          for o in outcomes if o.error is None),
    ]  # fmt: skip


def _gather(
    plan: Plan,
    folder: StudyFolder,
    sources: list[Source],
    failed: NDArray[np.int64],
    profile: Profile,
    progress: bool,
) -> int:
    free = shutil.disk_usage(folder.path).free
    if free < plan.disk // 8:
        raise StudyError(
            f"{folder.path}: {folders.size(free)} left on the disk, too little to gather the "
            "dataset; make room and run the same command again"
        )
    attributes = {
        "title": folder.path.name,
        "izhi_version": metadata.version("izhi"),
        "config": description.as_json(plan),
    }
    return gather.gather(
        plan, folder, sources, failed, attributes, parallel.workers(plan), profile, progress
    )
