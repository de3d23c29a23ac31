"""netCDF files: one thread at a time, and no file open longer than it takes to read or write it.

The C libraries of netCDF and HDF5 crash the process when two threads use them, even on two files.
So every file is opened, used and closed while `LOCK` is held, and nothing keeps a handle.

They crash, too, when a file that contains text is opened again after some of three handles on it
were closed (HDF5 1.14.6 and 2.2.0, in netCDF4 1.7.4 to 1.7.5.1). Two of the three may be a user's,
opened with xarray. So a file that is read is handed to HDF5 as memory, which shares nothing with
other handles on the same file.

No file is opened that refers to other files, see :mod:`izhi.hdf5`.

HDF5 locks the files that it opens, and a file system may have no locks. Files of studies need none:
they are written under a name that nobody else knows, and change no more.

netCDF reads settings for files of the web from ``.ncrc``, ``.daprc`` and ``.dodsrc``, also of the
working folder, which may come from a stranger; a pipe of such a name would stop it for ever.
"""

from __future__ import annotations

import mmap
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from izhi import hdf5


class _Alone:
    """A re-entrant lock; while it is held, xarray reads no netCDF in other threads, either."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._entered = 0
        self._of_xarray: Any = None

    def __enter__(self) -> None:
        self._lock.acquire()
        if not self._entered:
            try:
                self._of_xarray = _of_xarray()
                if self._of_xarray is not None:
                    self._of_xarray.acquire()
            except BaseException:
                self._lock.release()
                raise
        self._entered += 1

    @contextmanager
    def for_xarray(self) -> Iterator[None]:
        """Hold the lock while a user's code opens, writes or closes files with xarray.

        xarray takes its own lock for some of that, so it is left to xarray; not while `LOCK` is
        held, and without Dask, whose threads would wait for it.
        """
        with self._lock:
            yield

    def __exit__(self, *error: object) -> None:
        self._entered -= 1
        if not self._entered and self._of_xarray is not None:
            self._of_xarray.release()
        self._lock.release()


def _of_xarray() -> Any:
    """Return xarray's own lock around netCDF, which is not re-entrant; None without xarray.

    xarray takes it for files that a user opens with it. No file is opened through xarray here.
    """
    return getattr(sys.modules.get("xarray.backends.netCDF4_"), "NETCDF4_PYTHON_LOCK", None)


LOCK = _Alone()
"""Held by the thread that uses netCDF."""


@contextmanager
def open(path: Path | str, mode: str = "r", *, memory: bytes | None = None) -> Iterator[Any]:
    """Give an open ``netCDF4.Dataset``, and the libraries with it, to this thread alone.

    What takes long and needs no netCDF belongs outside.

    Parameters
    ----------
    path
        The file.
    mode
        ``"r"``, ``"w"`` or ``"a"``.
    memory
        What the file holds; then `path` is only a name.

    Raises
    ------
    OSError, RuntimeError
        When it cannot be opened, read or written, or refers to other files.
    """
    with LOCK:
        with own_settings():
            import netCDF4
        contents = _contents(path) if mode == "r" and memory is None else memory
        if mode != "w":
            _check(path, contents, memory is None)
        file: Any = netCDF4.Dataset.__new__(netCDF4.Dataset)
        try:
            _open(file, str(path), mode, memory=contents)
            yield file
        finally:  # here, and not in whichever thread collects it as garbage
            if file.isopen():
                file.close()


def _check(path: Path | str, contents: bytes | mmap.mmap | None, is_file: bool) -> None:
    """Check a file before netCDF follows its references; an unchanged file only once."""
    stamp: tuple[int, ...] = ()
    if is_file:
        state = os.stat(path)
        stamp = state.st_dev, state.st_ino, state.st_size, state.st_mtime_ns, state.st_ctime_ns
        if stamp in _checked:
            return
    hdf5.check_self_contained(str(path), contents if isinstance(contents, bytes) else None)
    if is_file:
        _checked.add(stamp)


_checked: set[tuple[int, ...]] = set()
"""Files that refer to no others: device, inode, size, times of the last changes."""

_MAPPED = 1 << 20
"""Size in bytes from which a file is mapped instead of read."""


def _contents(path: Path | str) -> bytes | mmap.mmap:
    """Return the bytes of a file; of a large one, only those that are looked at are read."""
    with Path(path).open("rb") as file:
        if os.fstat(file.fileno()).st_size < _MAPPED:
            return file.read()
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)


def _open(file: Any, path: str, mode: str, **settings: Any) -> None:
    try:
        type(file).__init__(file, path, mode, **settings)
    except PermissionError as error:
        if not os.access(path, os.R_OK if mode == "r" else os.W_OK):
            raise
        raise OSError(
            error.errno, f"HDF5 cannot lock it; set {_SWITCH}=FALSE before Python starts", path
        ) from error


_SWITCH = "HDF5_USE_FILE_LOCKING"
"""The variable that HDF5 reads, once, when it is imported."""

_SETTINGS = {_SWITCH: "FALSE", "NCRCENV_RC": os.devnull}
"""Variables that the libraries read when they are imported.

``NCRCENV_RC`` names the one file of settings that netCDF reads. Its other variable,
``NCRCENV_IGNORE``, would also have it forget the certificates that netCDF4 sets.
"""


@contextmanager
def own_settings() -> Iterator[None]:
    """Have netCDF and HDF5, imported here, lock no files and read no settings, unless told to."""
    missing = {name: value for name, value in _SETTINGS.items() if not os.environ.get(name)}
    before = {name: os.environ.get(name) for name in missing}
    os.environ.update(missing)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
