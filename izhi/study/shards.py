"""Running the shards of a plan: a progress bar, a line in the log for each, failures alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from izhi import interrupts
from izhi.config.sweep import Sweep
from izhi.engine import cache
from izhi.engine.cache import Build
from izhi.errors import EngineError, StorageError
from izhi.study import failures, parallel, statistics, versions
from izhi.study.failures import Attempt
from izhi.study.folder import StudyFolder, write_atomic, write_bytes
from izhi.study.log import Writer
from izhi.study.parallel import Workers
from izhi.study.profile import Profile
from izhi.study.worker import Outcome, Task, file_name
from izhi.sweep import plan as plans
from izhi.sweep.plan import Plan, Shard


@dataclass(frozen=True)
class Job:
    """What is to be run.

    Attributes
    ----------
    plan
        The plan.
    shards
        Its shards, without the points that are done.
    builds
        Programs by number of the batch.
    folder
        Where the study lies.
    fingerprint
        What the study is known by.
    run
        What this run is known by.
    """

    plan: Plan
    shards: list[Shard]
    builds: dict[int, Build]
    folder: StudyFolder
    fingerprint: str
    run: str


@dataclass(frozen=True)
class Results:
    """What became of all shards.

    Attributes
    ----------
    stored
        Outcomes of the shards, and parts of shards, whose results are on the disk.
    failed
        Numbers of the points that failed alone, with the reasons.
    """

    stored: list[Outcome] = field(default_factory=list)
    failed: dict[int, str] = field(default_factory=dict)


def run(
    job: Job, record: Writer, remark: Callable[[str], None], progress: bool, profile: Profile
) -> Results:
    """Run all shards, in workers where there are several, and log each as it ends.

    Parameters
    ----------
    job
        What is to be run.
    record
        The log.
    remark
        Where to say what went wrong first.
    progress
        Whether to draw a progress bar on stderr, if that is a terminal.
    profile
        Where to note what the workers did.

    Raises
    ------
    StorageError
        When results cannot be written.
    EngineError
        At the first failure with ``run.on_failure=stop``; when no point at all can be run.
    """
    from tqdm import tqdm

    where = parallel.Workers.of(job.plan, len(job.shards))
    profile.workers = where.number
    total = sum(shard.points.size for shard in job.shards)
    with (
        tqdm(total=total, unit=" points", disable=None if progress else True, smoothing=0.1) as bar,
        where.ready(),
    ):
        running = _Running(job, where, record, remark, bar, profile)
        again = running.round(map(Attempt, _tasks(job)))
        again = running.probed(running.round(iter(again)))
        while again:
            again = running.round(iter(again))
    return running.results


def _tasks(job: Job) -> Iterator[Task]:
    for shard in job.shards:
        yield task(job.plan, shard, job.builds, job.folder, job.fingerprint, job.run)


def task(
    plan: Plan,
    shard: Shard,
    builds: Mapping[int, Build],
    folder: StudyFolder,
    fingerprint: str,
    run: str = "",
) -> Task:
    """Return a shard with all that is needed to run it anywhere."""
    batch = plan.batches[shard.batch]
    name = file_name(batch.structure, fingerprint, shard.points)
    return Task(
        shard.points,
        batch.structure,
        plans.parameters(plan, shard),
        *plans.stimulus_times(plan, shard),
        statistics.settings_of(plan.sweep),
        batch.engine,
        builds.get(shard.batch),
        (folder.shards / name).absolute(),
        fingerprint,
        bool(plan.sweep.setting("record.spikes")),
        run,
        bool(plan.sweep.setting("run.engine") == "compiled"),
        cache.toolchain()["sources"],
        versions.here(batch.engine == "compiled"),
    )


@dataclass
class _Running:
    """Shards while they run, and what became of those that are done."""

    job: Job
    where: Workers
    record: Writer
    remark: Callable[[str], None]
    bar: Any
    profile: Profile
    results: Results = field(default_factory=Results)
    shown: bool = False

    def round(self, attempts: Iterator[Attempt]) -> list[Attempt]:
        """Try all of them once; return what to try next."""
        again: list[Attempt] = []
        settings = self.job.plan.sweep.setting
        with closing(parallel.returned(attempts, self.where)) as outcomes:
            for attempt, outcome in outcomes:
                interrupts.check()
                self.profile.add(outcome.busy)
                if outcome.data is not None:
                    outcome = self._written(outcome)
                if outcome.error is None:
                    self.results.stored.append(outcome)
                    self._note(outcome, "shard_done")
                    self.bar.update(outcome.points.size)
                    continue
                self._note(outcome, "shard_failed")
                self._check(outcome, str(settings("run.on_failure")) == "stop")
                following = failures.after(attempt, outcome)
                again += following
                if not following:
                    self._give_up(outcome)
        return again

    def probed(self, attempts: list[Attempt]) -> list[Attempt]:
        """Try some points of a large shard that failed alone; return what is left to try.

        Where not one of them runs, the points are not what is wrong, and to try each one of
        thousands would only take long.

        Raises
        ------
        EngineError
            When none of these points runs.
        """
        large = next((a for a in attempts if a.task.points.size > failures.LARGE), None)
        if large is None:
            return attempts
        alone, rest = failures.probes(large)
        before = len(self.results.stored)
        self.round(iter(alone))
        if len(self.results.stored) == before:
            raise EngineError(
                f"{len(alone)} points were tried alone and none of them runs: "
                f"{next(reversed(self.results.failed.values()))}"
            )
        return [rest if attempt is large else attempt for attempt in attempts]

    def _check(self, outcome: Outcome, stop: bool) -> None:
        """Show the first failure; end the run where no other shard would fare better."""
        if outcome.cause == "storage":
            raise StorageError(f"{outcome.error}; make room and run the same command again")
        if stop:
            raise EngineError(f"stopped at the first failure: {outcome.error}")
        if not self.shown:
            self.bar.clear()
            self.remark(
                f"{outcome.points.size} points, from point {outcome.points[0]} on, failed: "
                f"{outcome.error}\ntrying them again ..."
            )
        self.shown = True

    def _written(self, outcome: Outcome) -> Outcome:
        """Write the shard file that a worker sent because it does not see the study's folder."""
        data = outcome.data or b""
        try:
            written = write_atomic(outcome.path, lambda path: write_bytes(path, data))
        except OSError as error:
            raise StorageError(f"{outcome.path}: cannot be written: {error.strerror}") from error
        return replace(outcome, written=written, data=None)

    def _give_up(self, outcome: Outcome) -> None:
        """Note that a point failed alone."""
        point, reason = int(outcome.points[0]), str(outcome.error)
        self.results.failed[point] = reason
        at = labels(self.job.plan.sweep, point)
        self.record.append("point_failed", point=point, at=at, reason=reason)
        self.bar.update(1)

    def _note(self, outcome: Outcome, event: str) -> None:
        """Write what became of a shard to the log."""
        told: dict[str, Any] = {"shard": outcome.path.name, "first": int(outcome.points[0]),
                                "points": int(outcome.points.size),
                                "seconds": round(outcome.seconds, 4)}  # fmt: skip
        if outcome.written is not None:
            told["spikes"] = int(outcome.count.sum(dtype=np.int64))
            told |= {"sha256": outcome.written.sha256, "bytes": outcome.written.bytes}
            told["versions"] = dict(outcome.versions)
        if outcome.diverged:
            told["diverged"] = outcome.diverged
        if outcome.error is not None:
            told["reason"] = outcome.error
        self.record.append(event, **told)


def labels(sweep: Sweep, point: int) -> dict[str, Any]:
    """Return the values of a point's axes, by their names."""
    at = np.unravel_index(point, sweep.shape) if sweep.axes else ()
    return {a.name: a.labels[i].item() if hasattr(a.labels[i], "item") else a.labels[i]
            for a, i in zip(sweep.axes, at, strict=True)}  # fmt: skip


def in_words(sweep: Sweep, point: int) -> str:
    """Return a point by its number and labels: ``"point 3 (neuron=chattering, U_0=0.5)"``."""
    at = ", ".join(f"{name}={value}" for name, value in labels(sweep, point).items())
    return f"point {point}" + (f" ({at})" if at else "")
