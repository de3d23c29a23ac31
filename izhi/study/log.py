"""The study's log: one JSON object a line, appended and flushed to the disk as things happen.

Who appends holds the log locked, and with it the study: there is one writer at a time. The lock
ends with its holder, however that ends; see :mod:`izhi.locks`.
"""

from __future__ import annotations

import json
import os
import platform
import random
import time
import uuid
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from io import FileIO
from pathlib import Path
from typing import Any

from izhi import locks
from izhi.errors import StorageError, StudyError

ENDS = ("gathered", "interrupted", "stopped")
"""Events that end a run in order; without one it was killed."""

_FIELDS = {
    "time": str, "event": str, "command": list, "shard": str, "points": int, "failed": int,
    "diverged": int, "digest": str, "line": int, "point": int, "statistics": int,
    "recomputed": int,
}  # fmt: skip
"""The kinds of what others read of an event; a line that has another is none."""

_A_LOOK = 0.1
"""Seconds for which who only asks whether a log is held may hold it."""

_A_MOMENT = 1.0
"""Seconds in which who has just locked a log says who that is."""


class Writer:
    """A log that is locked and appended to.

    Parameters
    ----------
    file
        The log, open for reading and appending without a buffer, and locked.

    Attributes
    ----------
    run
        What this run is known by, also to workers on other machines.
    """

    def __init__(self, file: FileIO) -> None:
        self._file = file
        self.run = uuid.uuid4().hex

    def append(self, event: str, **details: Any) -> None:
        """Append an event; it is on the disk when this returns.

        Raises
        ------
        StorageError
            When it cannot be written.
        """
        stamp = datetime.now(UTC).isoformat(timespec="milliseconds")
        line = json.dumps({"time": stamp, "event": event, **details}, ensure_ascii=False)
        try:
            # names that are not UTF-8 have lone surrogates, which JSON has an escape for
            written = line.encode("utf-8", errors="backslashreplace")
            data = memoryview(self._cut_off() + written + b"\n")
            while data:
                data = data[os.write(self._file.fileno(), data) :]
            os.fsync(self._file.fileno())
        except OSError as error:
            raise StorageError(
                f"{self._file.name}: cannot be written: {error.strerror}; make room and run the "
                "same command again"
            ) from error

    def _cut_off(self) -> bytes:
        """Return what ends the line before, if that was cut off."""
        size = os.fstat(self._file.fileno()).st_size
        return b"" if not size or os.pread(self._file.fileno(), 1, size - 1) == b"\n" else b"\n"


@contextmanager
def writing(path: Path) -> Iterator[Writer]:
    """Hold a study's log, alone, and give what appends to it.

    Parameters
    ----------
    path
        The log; it is made where there is none.

    Raises
    ------
    StudyError
        When another process holds it, naming that process, or when it is a hard link.
    StorageError
        When the log cannot be written or locked.
    """
    try:
        file = open(path, "ab+", buffering=0)  # noqa: SIM115
    except OSError as error:
        raise StorageError(f"{path}: cannot be written: {error.strerror}") from error
    with file:
        _check_only_name(file, path)
        with _locked(file, path):
            yield Writer(file)


def _check_only_name(file: FileIO, path: Path) -> None:
    """Check that a log is in one study: what is appended to a hard link is in all of them."""
    names = os.fstat(file.fileno()).st_nlink
    if names > 1:
        raise StudyError(
            f"{path}: this file has {names} names (hard links), so that writing this study would "
            "change another one; copy the study with cp -r and write the copy"
        )


@contextmanager
def _locked(file: FileIO, path: Path) -> Iterator[None]:
    deadline = time.monotonic() + _A_LOOK
    while True:
        with ExitStack() as stack:
            try:
                locked = stack.enter_context(locks.attempt(file, path))
            except locks.LockError as error:
                raise StorageError(
                    f"{path}: {error.strerror}; choose a study.dir on a file system that can lock "
                    "files"
                ) from error
            except OSError as error:  # of a mark
                raise StorageError(f"{path}: cannot be written: {error.strerror}") from error
            if locked:
                yield
                return
        if time.monotonic() > deadline:
            raise held(path)
        time.sleep(random.uniform(0.005, 0.015))  # two that met do not meet again


def held(path: Path) -> StudyError:
    """Return the error of a log that another process holds: who holds it, and what to do.

    Parameters
    ----------
    path
        The log.

    Returns
    -------
    StudyError
        It names the file to remove where a machine that has crashed may have left its lock.
    """
    remedy = "wait for its end, or choose another name"
    mark = locks.far_mark(path)
    if mark is not None:
        remedy += f"; if that machine runs it no more, remove {mark}"
    study = path.parent
    return StudyError(
        f"study.name = {study.name}: {study} is being written by {holder(path)}; {remedy}"
    )


def is_held(path: Path) -> bool:
    """Whether some process holds a log.

    Raises
    ------
    StudyError
        When that cannot be found out.
    """
    try:
        return locks.is_locked(path)
    except locks.LockError as error:
        raise StudyError(
            f"{path}: {error.strerror}, so that nobody knows whether a run is writing the study"
        ) from error
    except OSError:  # there is none, or none that can be read, which whoever reads it says
        return False


UNKNOWN = "unknown"
"""The state of a study whose log is not there, tells of no run, or has a lock that fails."""


def state(path: Path, otherwise: str) -> str:
    """Return "running" for a log that is held, else `otherwise`; "unknown" where the lock fails."""
    try:
        return "running" if is_held(path) else otherwise
    except StudyError:
        return UNKNOWN


def holder(path: Path) -> str:
    """Return in words who holds a log: process, host, since when."""
    deadline = time.monotonic() + _A_MOMENT
    while True:
        last = next((e for e in reversed(read(path)) if e["event"] in ("started", *ENDS)), None)
        if last is not None and last["event"] == "started":
            return who(last)
        if time.monotonic() > deadline:
            return "another process"
        time.sleep(0.02)


def who(event: dict[str, Any]) -> str:
    """Return in words who runs, from the event that begins a run."""
    return (f"process {event.get('pid')} on {event.get('host')} "
            f"since {str(event['time'])[:19].replace('T', ' ')} UTC")  # fmt: skip


def started(command: Iterable[str], run: str = "") -> dict[str, Any]:
    """Return what the event that begins a run tells: who runs what."""
    return {"command": list(command), "pid": os.getpid(), "host": platform.node(), "run": run}


def read(path: Path) -> list[dict[str, Any]]:
    """Return the events of a log; lines that are none, such as one that was cut off, are left out.

    Raises
    ------
    StudyError
        When there is no log.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise StudyError(f"{path}: cannot be read: {error.strerror}") from error
    return events(data)


def events(data: bytes) -> list[dict[str, Any]]:
    """Return the events in some lines of a log; lines that are none are left out."""
    return [event for line in data.split(b"\n") if (event := _event(line)) is not None]


def _event(line: bytes) -> dict[str, Any] | None:
    try:
        event = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(event, dict) or not {"time", "event"} <= event.keys():
        return None
    whole = all(
        type(event[name]) is kind and (kind is not int or 0 <= event[name] < 1 << 63)
        for name, kind in _FIELDS.items()
        if name in event
    )
    if whole and "shard" in event and event["shard"] != os.path.basename(event["shard"]):
        return None  # of another folder
    return event if whole and all(isinstance(w, str) for w in event.get("command", ())) else None


def last_digest(events: Iterable[Mapping[str, Any]]) -> str | None:
    """Return the digest of the results that were gathered last; None where no event has one."""
    digests = [event["digest"] for event in events
               if event["event"] == "gathered" and event.get("digest")]  # fmt: skip
    return digests[-1] if digests else None


def damaged(path: Path) -> list[int]:
    """Return the numbers of the lines, from 1, that are no events.

    A line that was cut off is none of them where a run was killed: the last one, or the one before
    a new start. Nor is one that a later run has found.
    """
    bad: list[int] = []
    for number, line in enumerate(path.read_bytes().split(b"\n"), 1):
        event = _event(line)
        if event is None and line.strip():
            bad.append(number)
        elif event is not None and event["event"] == "started" and bad[-1:] == [number - 1]:
            bad.pop()
        elif event is not None and event["event"] == "damaged" and event.get("line") in bad:
            bad.remove(event["line"])
    return bad
