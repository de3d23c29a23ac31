"""Locks between processes: the kernel's where the file system has them, else marks in its folder.

A network file system may be mounted without ``flock``. There, who wants a lock makes a file whose
name says which process on which machine it is, looks who else has one, and takes its own away again
where somebody has. Of two that do so at a time, the later one sees the earlier one's. No name is
used twice, so that all who can tell that its process has ended can remove it: on its machine.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import functools
import hashlib
import os
import platform
import re
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

WITHOUT = {errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOTSUP, errno.EINVAL}
"""What a file system without ``flock`` says."""


class LockError(OSError):
    """Whether a file is locked cannot be found out."""


@contextmanager
def attempt(file: IO[bytes], path: Path, lasting: float | None = None) -> Iterator[bool]:
    """Try to lock a file; say whether it is locked as long as this lasts.

    Parameters
    ----------
    file
        The file, open.
    path
        Its name.
    lasting
        Seconds for which the mark of a process on another machine is believed; None for ever.

    Raises
    ------
    LockError
        When it cannot be locked for another reason than that it is.
    OSError
        When its folder cannot be read or written.
    """
    kernels = _flock(file, fcntl.LOCK_EX)
    if kernels is False:
        yield False
        return
    mark = None if kernels else _Mark.of_this_process(path)
    try:
        if mark is not None:
            mark.path.touch(exist_ok=False)
        yield not [m for m in _living(path) if m != mark and not m.older_than(lasting)]
    finally:
        if mark is not None:
            mark.path.unlink(missing_ok=True)


def is_locked(path: Path) -> bool:
    """Whether a process has locked a file.

    Raises
    ------
    LockError
        When that cannot be found out.
    OSError
        When the file cannot be opened.
    """
    with open(path, "rb") as file:
        return _flock(file, fcntl.LOCK_SH) is False or bool(_living(path, tidy=False))


def far_mark(path: Path) -> Path | None:
    """Return the mark of a process on another machine, which may have ended without removing it."""
    return next((mark.path for mark in _living(path) if not mark.is_near), None)


def _flock(file: IO[bytes], how: int) -> bool | None:
    """Return whether the kernel locks a file; None where it cannot lock any on this file system."""
    try:
        fcntl.flock(file, how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        if error.errno in WITHOUT:
            return None
        raise LockError(error.errno, f"cannot be locked: {error.strerror}") from error
    return True


@dataclass(frozen=True)
class _Mark:
    """A file that says who has a lock, or wants it.

    Attributes
    ----------
    path
        The file: ``.<name>.lock-<process>-<its start>-<machine>-<random>-<host>``.
    pid, start
        The process, and when it began, in the machine's own count; 0 where that is not known.
    machine
        What tells machines, and containers on them, apart.
    """

    path: Path
    pid: int
    start: int
    machine: str

    @classmethod
    def of_this_process(cls, path: Path) -> _Mark:
        pid = os.getpid()
        start = _start(pid) or 0
        host = re.sub(r"[^\w.]", "_", platform.node())[:40]
        name = f"{_prefix(path)}{pid}-{start}-{_machine()}-{secrets.token_hex(4)}-{host}"
        return cls(path.with_name(name), pid, start, _machine())

    @classmethod
    def of(cls, path: Path, prefix: str) -> _Mark | None:
        """Return what a file's name says; None where it is no mark."""
        parts = path.name.removeprefix(prefix).split("-")
        if len(parts) != 5 or not parts[0].isdecimal() or not parts[1].isdecimal():
            return None
        return cls(path, int(parts[0]), int(parts[1]), parts[2])

    @property
    def is_near(self) -> bool:
        """Whether the process is one of this machine."""
        return self.machine == _machine()

    @property
    def has_ended(self) -> bool:
        """Whether the process is known to have ended."""
        if not self.is_near:
            return False
        start = _start(self.pid)
        return start is None or bool(start and self.start and start != self.start)

    def older_than(self, seconds: float | None) -> bool:
        """Whether a mark of another machine was made so long ago."""
        if seconds is None or self.is_near:
            return False
        try:
            return time.time() - self.path.stat().st_mtime > seconds
        except OSError:  # it is gone
            return True


def _living(path: Path, tidy: bool = True) -> list[_Mark]:
    """Return the marks of processes that may live; remove the others, if they are to be tidied."""
    prefix, living = _prefix(path), []
    for entry in os.scandir(path.parent):
        mark = _Mark.of(Path(entry.path), prefix) if entry.name.startswith(prefix) else None
        if mark is None:
            continue
        if not mark.has_ended:
            living.append(mark)
        elif tidy:
            with contextlib.suppress(OSError):
                mark.path.unlink()
    return living


def _prefix(path: Path) -> str:
    return f".{path.name.removeprefix('.')}.lock-"


def _start(pid: int) -> int | None:
    """Return when a process began, 0 where the system does not say; None where there is none."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return None
    except OSError:  # another user's
        pass
    try:
        fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
    except OSError:
        return 0
    return None if fields[0] in (b"Z", b"X") else int(fields[19])


@functools.cache
def _machine() -> str:
    """Return what two processes have in common that can look at each other."""
    told = [platform.node()]
    with contextlib.suppress(OSError):
        told.append(Path("/proc/sys/kernel/random/boot_id").read_text())
    with contextlib.suppress(OSError):
        told.append(os.readlink("/proc/self/ns/pid"))
    return hashlib.sha256("\n".join(told).encode()).hexdigest()[:12]
