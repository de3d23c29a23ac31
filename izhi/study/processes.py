"""Workers of joblib's that find no module in the working folder; see :mod:`izhi.children`.

joblib has its workers look for modules wherever the process does that starts them, before they are
told anything else. Workers of the program that calls izhi find what they did: joblib knows them by
another environment.

Workers that are ended before their time end without a traceback of joblib's.
"""

from __future__ import annotations

import queue
import threading
from multiprocessing import resource_tracker
from typing import Any
from unittest import mock

from joblib._parallel_backends import LokyBackend
from joblib.externals.loky.backend import popen_loky_posix, spawn
from joblib.externals.loky.backend import resource_tracker as loky_tracker
from joblib.externals.loky.backend.context import LokyContext
from joblib.externals.loky.backend.process import LokyProcess

from izhi import children

_launching = threading.Lock()

_as_joblib_prepares = spawn.get_preparation_data


def _prepared(*arguments: Any) -> dict[str, Any]:
    """Return what a worker is told first, with another search path."""
    data: dict[str, Any] = _as_joblib_prepares(*arguments)
    return {**data, "sys_path": children.search_path()}


class _Popen(popen_loky_posix.Popen):  # type: ignore[misc, unused-ignore]
    """Starts a worker."""

    __module__ = popen_loky_posix.__name__  # what the worker runs

    def _launch(self, process_obj: Any) -> None:
        with _launching, mock.patch.object(spawn, "get_preparation_data", _prepared):
            super()._launch(process_obj)


class _Process(LokyProcess):  # type: ignore[misc, unused-ignore]
    @staticmethod
    def _Popen(process_obj: Any) -> Any:
        return _Popen(process_obj)


class _Context(LokyContext):  # type: ignore[misc, unused-ignore]
    Process = _Process


class _WorkIds(queue.Queue[int]):
    """Numbers of the tasks that wait to be handed out: none, once the workers are to be killed.

    joblib's executor drops all tasks when its workers are to be killed, and then asks this queue
    for the next one; a dropped task's number is a KeyError in its thread, which prints a traceback.
    """

    def __init__(self, flags: Any) -> None:
        super().__init__()
        self._flags = flags

    def get(self, block: bool = True, timeout: float | None = None) -> int:
        if self._flags.kill_workers:
            raise queue.Empty
        return super().get(block, timeout)


class Backend(LokyBackend):  # type: ignore[misc, unused-ignore]
    """joblib's own, but for where workers look for modules and how they are ended."""

    def _prepare_worker_env(self, n_jobs: int) -> dict[str, str]:
        return {**super()._prepare_worker_env(n_jobs), **children.safe_variables()}

    def configure(self, *arguments: Any, **settings: Any) -> int:
        """Have workers, none of which is started yet."""
        start_trackers()
        count = int(super().configure(*arguments, **settings))
        self._workers._context = _Context()
        if self._workers._executor_manager_thread is None:
            self._workers._work_ids = _WorkIds(self._workers._flags)
        return count


def start_trackers() -> None:
    """Start the processes that clean up after workers, if they are not running."""
    with children.started_safely():
        resource_tracker.ensure_running()
        loky_tracker.ensure_running()
