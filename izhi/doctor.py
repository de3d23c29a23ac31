"""What izhi has to work with on this machine: ``izhi doctor``."""

from __future__ import annotations

import fcntl
import os
import platform
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from izhi import locks

PACKAGES = ("izhi", "brian2", "numpy", "netCDF4")
"""Whose versions are told; results depend on them."""

_PROGRAM = "#include <cmath>\nint main() { return std::sqrt(4.0) == 2.0 ? 0 : 1; }\n"

_LONGEST = 60.0
"""Seconds that the compiler has for a program of two lines."""


@dataclass(frozen=True)
class Finding:
    """Something that was looked at.

    Attributes
    ----------
    well
        Whether it is as it should be.
    name
        What was looked at.
    text
        What it is, or what is wrong with it and what follows from that.
    """

    well: bool
    name: str
    text: str


def examine(studies: Path) -> list[Finding]:
    """Look at versions, compiler, cache, locks, cores and configs; nothing is left behind.

    Parameters
    ----------
    studies
        The folder that studies are written to; it need not exist.
    """
    return [
        Finding(True, "python", f"{platform.python_version()}, {_system()}"),
        *_versions(),
        _compiler(),
        _cache(),
        _lock(studies),
        Finding(True, "cores", f"{len(os.sched_getaffinity(0))} of {os.cpu_count()}")
        if hasattr(os, "sched_getaffinity")
        else Finding(True, "cores", str(os.cpu_count())),
        *_configs(),
    ]


def _system() -> str:
    """Return the system's name; platform.platform() would run the first uname on the PATH."""
    libc = "".join(platform.libc_ver())
    words = [platform.system(), platform.release(), platform.machine()]
    return "-".join(words) + (f" with {libc}" if libc else "")


def _versions() -> Iterator[Finding]:
    for name in PACKAGES:
        try:
            yield Finding(True, name, metadata.version(name))
        except metadata.PackageNotFoundError:
            yield Finding(False, name, "not installed; pip install izhi installs it")


def _compiler() -> Finding:
    from izhi.engine import cache

    path = cache.compiler()
    if path is None:
        name = (os.environ.get("CXX", "").split() or ["g++"])[0]
        return Finding(
            False, "compiler", f"no {name} on the PATH: only the numpy engine works; install g++, "
            "or name a compiler in CXX",
        )  # fmt: skip
    version = cache.toolchain()["compiler"]
    problem = _tried()
    if problem:
        return Finding(False, "compiler", f"{path} ({version}): {problem}")
    return Finding(True, "compiler", f"{path} ({version}) compiles, and what it compiles runs")


def _tried() -> str:
    """Return what goes wrong with a tiny program, compiled as those of sweeps are."""
    from izhi.engine import build, compilers

    with tempfile.TemporaryDirectory(prefix="izhi-") as folder:
        source, program = Path(folder, "tiny.cpp"), Path(folder, "tiny")
        source.write_text(_PROGRAM)
        compiler = compilers.command() or ("g++",)
        command = [*compiler, *build.flags("native"), str(source), "-o", str(program)]
        for words, what in ((command, "does not compile"), ([str(program)], "does not run")):
            try:
                done = subprocess.run(
                    words, cwd=folder, env=compilers.environment(), capture_output=True, text=True,
                    timeout=_LONGEST, check=False,
                )  # fmt: skip
            except (OSError, subprocess.TimeoutExpired) as error:
                return f"a tiny program {what}: {error}"
            if done.returncode:
                said = " ".join(done.stderr.split())[:200]
                return f"a tiny program {what}: {said or f'exit status {done.returncode}'}"
    return ""


def _cache() -> Finding:
    from izhi.engine import cache

    folder = cache.root()
    try:
        with tempfile.TemporaryFile(dir=_there(folder)):
            return Finding(True, "cache", f"{folder} can be written")
    except OSError as error:
        return Finding(
            False, "cache", f"{folder} cannot be written ({error.strerror}): set XDG_CACHE_HOME"
        )


def _lock(studies: Path) -> Finding:
    name = "studies"
    try:
        with tempfile.TemporaryFile(dir=_there(studies)) as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                if error.errno not in locks.WITHOUT:
                    return Finding(False, name, f"{studies} cannot be locked ({error.strerror})")
                return Finding(
                    True, name, f"{studies} can be written; it is on a file system without flock "
                    f"({error.strerror}): izhi locks by files there"
                )  # fmt: skip
    except OSError as error:
        return Finding(False, name, f"{studies} cannot be written ({error.strerror})")
    return Finding(True, name, f"{studies} can be written and locked")


def _there(folder: Path) -> Path:
    """Return a folder, or the nearest one above it that exists."""
    folder = folder.absolute()
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return folder


def _configs() -> Iterator[Finding]:
    from izhi.config.folder import conf_folder

    folder = conf_folder()
    if (folder / "config.yaml").is_file():
        groups = sum(path.is_dir() for path in folder.iterdir())
        yield Finding(True, "configs", f"{folder}, {groups} groups")
    else:
        yield Finding(False, "configs", f"{folder}: no config.yaml in it; install izhi again")
    own = Path("conf").absolute()
    if own.is_dir() and own != folder.absolute():
        yield Finding(True, "own configs", f"{own}, with --config-dir conf")
