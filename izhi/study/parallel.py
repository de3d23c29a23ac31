"""The processes that shards run in: how many, when they start, how they end."""

from __future__ import annotations

import os
import re
import signal
import threading
import warnings
from collections.abc import Generator, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from multiprocessing import resource_tracker
from pathlib import Path
from typing import Any

from izhi.config import keys
from izhi.engine import prepare
from izhi.study import worker
from izhi.study.failures import Attempt
from izhi.study.profile import Profile
from izhi.study.worker import Outcome
from izhi.sweep.plan import Plan

START = 1.5
"""Seconds of work below which workers do not pay: each imports what it needs first."""

LARGE = 50_000
"""Points of a sweep that surely pays for workers, whatever a point is."""


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
    where they are. The one that was asked ends the others. A request to end, which reaches one
    process, only waits.
    """
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


def returned(
    attempts: Iterator[Attempt], n_jobs: int, backend: str
) -> Generator[tuple[Attempt, Outcome]]:
    """Run attempts in workers and give their outcomes as they come, in any order.

    Parameters
    ----------
    attempts
        What to try; taken only as fast as the workers work.
    n_jobs
        Number of workers; with one, shards run in this process.
    backend
        ``run.backend``.
    """
    apart: list[Attempt] = []

    def together() -> Iterator[Attempt]:
        for attempt in attempts:
            if attempt.apart:
                apart.append(attempt)
            else:
                yield attempt

    rest = together()
    while (yield from _until_one_dies(rest, n_jobs, backend)):
        pass
    for attempt in apart:
        yield from _until_one_dies(iter([attempt]), n_jobs, backend)


def _until_one_dies(
    attempts: Iterator[Attempt], n_jobs: int, backend: str
) -> Generator[tuple[Attempt, Outcome], None, bool]:
    """Run attempts; when a worker dies, those that were under way have failed.

    Returns
    -------
    bool
        Whether a worker died; the attempts may hold more.
    """
    from joblib import Parallel, delayed
    from joblib.externals.loky.process_executor import BrokenProcessPool

    backend = "sequential" if n_jobs == 1 else backend
    run_shard = worker.run_apart if backend == "loky" else worker.run
    parallel = Parallel(n_jobs=n_jobs, backend=backend, return_as="generator_unordered")
    under_way: dict[Path, Attempt] = {}

    def tasks() -> Iterator[Any]:
        for attempt in attempts:
            under_way[attempt.task.path] = attempt
            yield delayed(run_shard)(attempt.task)

    try:
        with results(parallel, tasks()) as outcomes:
            for outcome in outcomes:
                yield under_way.pop(outcome.path), outcome
    except BrokenProcessPool as error:
        codes = re.findall(r"SIG\w+|EXIT\(\d+\)", str(error).split("exit codes", 1)[-1])
        reason = f"its process ended ({', '.join(dict.fromkeys(codes)) or 'nobody knows why'})"
        for attempt in under_way.values():
            yield attempt, worker.failed(attempt.task, Profile(), reason, "process")
        return True
    return False
