"""An existing Dask cluster: finding its scheduler, and joblib's backend for it."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Any

from izhi.errors import ConfigError

_PATIENCE = 10
"""Seconds in which a scheduler answers."""


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


def workers(scheduler: str | None) -> int:
    """Return the number of threads of a cluster's workers, at least 1."""
    with connected(scheduler) as client:
        return max(1, int(sum(client.ncores().values())))


@contextmanager
def backend(scheduler: str | None) -> Iterator[None]:
    """Have joblib send its work to a cluster."""
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

    with connected(scheduler) as client, parallel_config(backend=Backend(client=client)):
        yield


def is_death(error: BaseException) -> bool:
    """Whether an error says that a task killed as many workers as Dask allows."""
    return type(error).__name__ == "KilledWorker"
