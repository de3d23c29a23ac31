"""The processes that shards run in: how many, when they start, how they end."""

from __future__ import annotations

import os
import re
import signal
import threading
from collections.abc import Generator, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from multiprocessing import resource_tracker
from pathlib import Path
from typing import Any

from izhi import children
from izhi.config import keys
from izhi.engine import cluster, prepare
from izhi.silence import warnings_ignored
from izhi.study import worker
from izhi.study.failures import Attempt
from izhi.study.profile import Profile
from izhi.study.worker import Outcome
from izhi.sweep.plan import Plan

START = 1.5
"""Seconds of work below which workers do not pay: each imports what it needs first."""

_AHEAD = "3*n_jobs"
"""Shards that are handed out before they are asked for; workers that join later take of these."""

LARGE = 50_000
"""Points of a sweep that surely pays for workers, whatever a point is."""


def workers(plan: Plan) -> int:
    """Return how many processes run a plan: one where starting more takes longer than the work.

    A number that was asked for is taken as it is.
    """
    short = plan.running < START and int(plan.sweep.setting("run.n_jobs")) < 1
    return 1 if short else max(1, plan.workers)


def workers_here(plan: Plan) -> int:
    """Return how many processes of this machine put a study together."""
    if plan.sweep.setting("run.backend") == "dask":
        return prepare.workers(-1, "loky")
    return workers(plan)


@contextmanager
def _deaf_to_interrupts() -> Iterator[None]:
    """Block Ctrl-C, and let the processes that are started here never hear of it.

    It reaches all processes of a terminal, and those that are still importing would each print
    where they are. The one that was asked ends the others. A request to end, which reaches one
    process, only waits.
    """
    with children.started_safely():
        resource_tracker.ensure_running()  # whose start would unblock it
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    asked: list[int] = []
    handlers = {}
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGTERM, signal.SIGHUP):
            if callable(signal.getsignal(number)):
                handlers[number] = signal.signal(number, lambda n, _: asked.append(n))
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        if asked:
            os.kill(os.getpid(), asked[0])


_WORKERS = threading.RLock()
"""Held by the thread that uses joblib's worker processes.

joblib has one set of them: another thread that needs more, or is left early, would end them.
"""


@contextmanager
def results(parallel: Any, tasks: Iterable[Any]) -> Iterator[Generator[Any]]:
    """Give what joblib's workers return; when left early, end them without joblib's advice."""
    with ExitStack() as stack:
        if parallel.n_jobs != 1:
            stack.enter_context(_WORKERS)
        with _deaf_to_interrupts():
            returned = parallel(tasks)
            stack.callback(_end, returned)
        yield returned


def _end(returned: Generator[Any]) -> None:
    with warnings_ignored():
        returned.close()


def processes(number: int, backend: str, **settings: Any) -> Any:
    """Return a ``joblib.Parallel`` that gives what is done as it comes.

    Processes of this machine end with the one that started them, however that ends.

    Parameters
    ----------
    number
        How many.
    backend
        joblib's name of it; ``"dask"`` for the cluster that this process is connected to.
    **settings
        Further settings of joblib's.
    """
    from joblib import Parallel

    if backend == "loky":
        from izhi.study.processes import Backend

        settings["backend"] = Backend(initializer=worker.get_ready, initargs=(os.getpid(),))
    elif backend != "dask":
        settings["backend"] = backend
    return Parallel(n_jobs=number, return_as="generator_unordered", **settings)


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
    n_jobs = prepare.workers(asked, "loky") if backend == "loky" and points >= LARGE else 1
    if n_jobs == 1:
        yield
        return
    from joblib import delayed

    nothing = (delayed(int)() for _ in range(n_jobs))
    with results(processes(n_jobs, "loky"), nothing) as ready:
        yield
        for _ in ready:
            pass


@dataclass(frozen=True)
class Workers:
    """Where shards run.

    Attributes
    ----------
    number
        Number of workers; with one, shards run in this process, if the backend is not a cluster.
    backend
        ``run.backend``.
    scheduler
        ``run.scheduler``.
    """

    number: int
    backend: str
    scheduler: str | None

    @classmethod
    def of(cls, plan: Plan, shards: int) -> Workers:
        """Return the workers for some shards of a plan."""
        setting = plan.sweep.setting
        number, backend = min(workers(plan), max(1, shards)), str(setting("run.backend"))
        if number == 1 and backend != "dask":
            backend = "sequential"
        return cls(number, backend, setting("run.scheduler"))

    @contextmanager
    def ready(self) -> Iterator[None]:
        """Be connected to the cluster, if there is one, as long as this lasts."""
        with cluster.backend(self.scheduler) if self.backend == "dask" else nullcontext():
            yield


def returned(attempts: Iterator[Attempt], where: Workers) -> Generator[tuple[Attempt, Outcome]]:
    """Run attempts in workers and give their outcomes as they come, in any order.

    Parameters
    ----------
    attempts
        What to try; taken only as fast as the workers work.
    where
        The workers.
    """
    apart: list[Attempt] = []

    def together() -> Iterator[Attempt]:
        for attempt in attempts:
            if attempt.apart:
                apart.append(attempt)
            else:
                yield attempt

    rest = together()
    while (yield from _until_one_dies(rest, where)):
        pass
    for attempt in apart:
        yield from _until_one_dies(iter([attempt]), where)


def _until_one_dies(
    attempts: Iterator[Attempt], where: Workers
) -> Generator[tuple[Attempt, Outcome], None, bool]:
    """Run attempts; when a worker dies, those that were under way have failed.

    Returns
    -------
    bool
        Whether a worker died; the attempts may hold more.
    """
    from joblib import delayed

    run_shard = worker.run_far if where.backend == "dask" else worker.run
    parallel = processes(where.number, where.backend, pre_dispatch=_AHEAD)
    under_way: dict[Path, Attempt] = {}

    def tasks() -> Iterator[Any]:
        for attempt in attempts:
            under_way[attempt.task.path] = attempt
            yield delayed(run_shard)(attempt.task)

    try:
        with results(parallel, tasks()) as outcomes:
            for outcome in outcomes:
                yield under_way.pop(outcome.path), outcome
    except Exception as error:
        reason = _death(error)
        if reason is None:
            raise
        for attempt in under_way.values():
            yield attempt, worker.failed(attempt.task, Profile(), reason, "process")
        return True
    return False


def _death(error: Exception) -> str | None:
    """Return why a worker died; None where an error is about something else."""
    from joblib.externals.loky.process_executor import BrokenProcessPool

    if isinstance(error, BrokenProcessPool):
        codes = re.findall(r"SIG\w+|EXIT\(\d+\)", str(error).split("exit codes", 1)[-1])
        return f"its process ended ({', '.join(dict.fromkeys(codes)) or 'nobody knows why'})"
    return "its process ended, on several workers" if cluster.is_death(error) else None
