"""An existing Dask cluster: finding its scheduler, asking for izhi, joblib's backend for it."""

from __future__ import annotations

import pkgutil
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Any

from izhi.errors import ConfigError, EngineError

_PATIENCE = 10
"""Seconds in which a scheduler answers, and in which a cluster without workers starts one."""

_NEEDED = "izhi.study.worker:run_far.__name__"
"""What is asked for: the name of the function that shards are sent to."""

_NAMED = 4
"""Machines that an error names."""


@contextmanager
def connected(scheduler: str | None) -> Iterator[Any]:
    """Give a client of a scheduler.

    Raises
    ------
    ConfigError
        When no scheduler answers, or Dask is not installed.
    """
    if scheduler is None:
        raise ConfigError(
            "run.scheduler: missing; run.backend=dask needs the address of a Dask scheduler, such "
            "as run.scheduler=tcp://10.0.0.1:8786"
        )
    try:
        from distributed import Client
    except ImportError:
        raise ConfigError(
            "run.backend = dask: needs the package distributed: pip install 'izhi[dask]'"
        ) from None
    try:
        client: Any = Client(scheduler, timeout=_PATIENCE, set_as_default=False)  # type: ignore[no-untyped-call, unused-ignore]
    except (OSError, TimeoutError, ValueError) as error:
        said = " ".join(str(error).split())[:200]
        raise ConfigError(f"run.scheduler = {scheduler}: no scheduler answers: {said}") from error
    with client:
        yield client


def _check_izhi(client: Any) -> None:
    """Have the scheduler and all workers import what runs shards.

    Without it, a worker ends when it unpickles its first shard, and a run on such workers waits
    for ever. What is sent here is known to any Python.
    """
    asked = client.run(pkgutil.resolve_name, _NEEDED, on_error="return")
    answers = {f"worker {address}": answer for address, answer in asked.items()}
    try:
        client.run_on_scheduler(pkgutil.resolve_name, _NEEDED)
    except Exception as error:
        answers = {"the scheduler": error, **answers}
    lacking = {
        name: " ".join(str(answer).split())[:200]
        for name, answer in answers.items()
        if isinstance(answer, Exception) and not isinstance(answer, OSError)
    }  # an OSError is a worker that has just ended, as workers may
    if lacking:
        names = [*lacking][:_NAMED]
        rest = len(lacking) - len(names)
        raise EngineError(
            f"izhi cannot be imported on {', '.join(names)}{f' and {rest} more' * (rest > 0)}: "
            f"{lacking[names[0]]}; install the same izhi there as here: pip install 'izhi[dask]'"
        )


def _wait_for_a_worker(client: Any) -> None:
    """Wait until there is a worker; a cluster that starts workers for work is given some."""
    if client.ncores():
        return
    try:
        client.submit(int, pure=False).result(timeout=_PATIENCE)
    except TimeoutError:
        raise EngineError(
            f"{client.scheduler.address}: the scheduler has no worker, nor had one after "
            f"{_PATIENCE} s; start one: dask worker {client.scheduler.address}"
        ) from None


def workers(scheduler: str | None) -> int:
    """Return the number of threads of a cluster's workers, at least 1.

    Raises
    ------
    ConfigError
        When no scheduler answers, or Dask is not installed.
    EngineError
        When izhi is not installed on the scheduler or a worker.
    """
    with connected(scheduler) as client:
        _check_izhi(client)
        return max(1, int(sum(client.ncores().values())))


@contextmanager
def backend(scheduler: str | None) -> Iterator[None]:
    """Have joblib send its work to a cluster.

    Raises
    ------
    ConfigError
        When no scheduler answers, or Dask is not installed.
    EngineError
        When izhi is not installed on the scheduler or a worker, or there is no worker.
    """
    from joblib import parallel_config
    from joblib._dask import DaskDistributedBackend

    class Backend(DaskDistributedBackend):
        """Joblib's own, but for two things.

        That one never returns where a task killed more workers than Dask allows, and where a
        cluster has a single thread, it does the work in this process.
        """

        def effective_n_jobs(self, n_jobs: int) -> int:
            return max(2, int(super().effective_n_jobs(n_jobs)))

        def submit(self, func: Any, callback: Any = None) -> Any:
            future = super().submit(func, callback)
            future.add_done_callback(lambda f: callback(f) if f.exception() else None)
            return future

        def retrieve_result_callback(self, out: Any) -> Any:
            return (
                out.result() if isinstance(out, Future) else super().retrieve_result_callback(out)
            )

    with connected(scheduler) as client:
        _wait_for_a_worker(client)
        _check_izhi(client)
        with parallel_config(backend=Backend(client=client)):
            yield


def is_death(error: BaseException) -> bool:
    """Whether an error says that a task killed as many workers as Dask allows."""
    return type(error).__name__ == "KilledWorker"
