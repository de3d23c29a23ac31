"""Running shards in parallel, with a progress bar and a line in the log for each."""

from __future__ import annotations

import signal
import warnings
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from multiprocessing import resource_tracker
from typing import Any

import numpy as np

from izhi.config import keys
from izhi.engine import prepare
from izhi.engine.cache import Build
from izhi.study import log, worker
from izhi.study.folder import StudyFolder
from izhi.study.profile import Profile
from izhi.sweep import plan as plans
from izhi.sweep.plan import Plan, Shard

START = 1.5
"""Seconds of work below which workers do not pay: each imports what it needs first."""

LARGE = 50_000
"""Points of a sweep that surely pays for workers, whatever a point is."""


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
    """

    plan: Plan
    shards: list[Shard]
    builds: dict[int, Build]
    folder: StudyFolder
    fingerprint: str


def _tasks(job: Job) -> Iterator[worker.Task]:
    plan = job.plan
    for shard in job.shards:
        batch = plan.batches[shard.batch]
        name = f"{batch.structure.digest}-{shard.points[0]:09d}-{shard.points.size}.nc"
        yield worker.Task(
            shard.points,
            batch.structure,
            plans.parameters(plan, shard),
            plans.onset(plan, shard),
            job.builds.get(shard.batch),
            (job.folder.shards / name).absolute(),
            job.fingerprint,
            bool(plan.sweep.setting("record.spikes")),
        )


def workers(plan: Plan) -> int:
    """Return how many processes run a plan: one where starting more takes longer than the work.

    A number that was asked for is taken as it is.
    """
    short = plan.running < START and int(plan.sweep.setting("run.n_jobs")) < 1
    return 1 if short else max(1, plan.workers)


@contextmanager
def _deaf_to_interrupts() -> Iterator[None]:
    """Block Ctrl-C, and let the processes that are started here never hear of it.

    It reaches all processes of a terminal, and those that are still importing would each print
    where they are. The one that was asked ends the others.
    """
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    resource_tracker.ensure_running()  # whose start would unblock it
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def results(parallel: Any, tasks: Iterable[Any]) -> Iterator[Generator[Any]]:
    """Give what joblib's workers return; when left early, end them without joblib's advice."""
    with ExitStack() as stack:
        with _deaf_to_interrupts():
            returned = parallel(tasks)
            stack.callback(_end, returned)
        yield returned


def _end(returned: Generator[Any]) -> None:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*You could benefit from adjusting the input task")
        returned.close()


@contextmanager
def starting(points: int, config: Mapping[str, Any]) -> Iterator[None]:
    """Have the workers of a large sweep start while something else is done; joblib keeps them.

    Parameters
    ----------
    points
        Number of points of the sweep.
    config
        One of its configs, as composed.
    """
    asked = keys.check_value("run.n_jobs", config["run.n_jobs"])
    backend = keys.check_value("run.backend", config["run.backend"])
    assert isinstance(asked, int)
    n_jobs = prepare.workers(asked, str(backend))
    if points < LARGE or n_jobs == 1 or backend != "loky":
        yield
        return
    from joblib import Parallel, delayed

    parallel = Parallel(n_jobs=n_jobs, backend="loky", return_as="generator_unordered")
    with results(parallel, (delayed(worker.get_ready)() for _ in range(n_jobs))) as ready:
        yield
        for _ in ready:
            pass


def run(
    job: Job, remark: Callable[[str], None], progress: bool, profile: Profile
) -> list[worker.Outcome]:
    """Run all shards, in workers where there are several, and log each as it ends.

    Parameters
    ----------
    job
        What is to be run.
    remark
        Where to say what went wrong first.
    progress
        Whether to draw a progress bar on stderr, if that is a terminal.
    profile
        Where to note what the workers did.
    """
    from joblib import Parallel, delayed
    from tqdm import tqdm

    plan, failed = job.plan, 0
    n_jobs = min(workers(plan), max(1, len(job.shards)))
    backend = "sequential" if n_jobs == 1 else str(plan.sweep.setting("run.backend"))
    run_shard = worker.run_apart if backend == "loky" else worker.run
    parallel = Parallel(n_jobs=n_jobs, backend=backend, return_as="generator_unordered")
    profile.workers = n_jobs
    total = sum(shard.points.size for shard in job.shards)
    outcomes: list[worker.Outcome] = []
    with (
        tqdm(total=total, unit=" points", disable=None if progress else True, smoothing=0.1) as bar,
        results(parallel, (delayed(run_shard)(task) for task in _tasks(job))) as returned,
    ):
        for outcome in returned:
            outcomes.append(outcome)
            profile.add(outcome.busy)
            bar.update(outcome.points.size)
            _note(job.folder, outcome)
            if outcome.error is not None and not failed:
                bar.clear()
                remark(f"{outcome.points.size} points, from point {outcome.points[0]} on, failed: "
                       f"{outcome.error}")  # fmt: skip
            failed += outcome.error is not None
    return outcomes


def _note(folder: StudyFolder, outcome: worker.Outcome) -> None:
    log.append(
        folder.log, "shard_done" if outcome.error is None else "shard_failed",
        shard=outcome.path.name, first=int(outcome.points[0]), points=int(outcome.points.size),
        seconds=round(outcome.seconds, 4), spikes=int(outcome.count.sum(dtype=np.int64)),
        **({"diverged": outcome.diverged} if outcome.diverged else {}),
        **({"reason": outcome.error} if outcome.error is not None else {}),
    )  # fmt: skip
