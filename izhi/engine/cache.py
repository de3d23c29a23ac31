"""The cache of builds: one folder for each structure, capacity, toolchain and processor."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import json
import os
import platform
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from importlib import metadata
from io import BufferedWriter
from pathlib import Path

from izhi import children, locks
from izhi.errors import EngineError
from izhi.sweep.structures import Structure

_SOURCES = (
    *(f"engine/{name}.py" for name in
      ("build", "device", "methods", "network", "powers", "schedule", "shared")),
    "engine/templates/*.cpp", "exponential.py", "functions.py", "draws.py", "models/*.py",
)  # fmt: skip

_WORK = ".building-"
_OLD = 3600.0
"""Seconds after which nobody works in a folder of a build any more."""

_LARGE = 64
"""Cells of a circuit that fills vectors by itself."""

_HOT = 64
"""Bytes of a cell that every time step touches: its state and what its equations read."""


@dataclass(frozen=True)
class Build:
    """A program that simulates shards of a structure.

    Attributes
    ----------
    program
        The executable.
    inputs
        Names and numpy types of the variables that it takes, in order.
    """

    program: Path
    inputs: tuple[tuple[str, str], ...]


def root() -> Path:
    """Return the folder of the cache: ``$XDG_CACHE_HOME/izhi``."""
    base = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return Path(base) / "izhi" / "builds"


def compiler() -> str | None:
    """Return the C++ compiler's path, or None where there is none."""
    name = os.environ.get("CXX", "").split() or ["g++"]
    found = shutil.which(name[0])
    return found


@functools.cache
def toolchain() -> dict[str, str]:
    """Return what a build depends on besides its structure: versions, compiler, processor."""
    package = Path(__file__).resolve().parents[1]
    files = [path for name in _SOURCES for path in sorted(package.glob(name))]
    sources = hashlib.sha256(b"".join(path.read_bytes() for path in files))
    found = compiler()
    version = ""
    if found:
        shown = subprocess.run([found, "--version"], capture_output=True, text=True, check=False)
        version = (shown.stdout.splitlines() or [""])[0]
    return {
        "brian2": metadata.version("brian2"),
        "numpy": metadata.version("numpy"),
        "python": platform.python_version(),
        "compiler": version,
        "cpu": _processor(),
        "sources": sources.hexdigest()[:16],
    }


def _processor() -> str:
    """Return what ``-march=native`` depends on."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.machine() + platform.processor()
    wanted = ("model name", "flags", "Features", "CPU part")
    first = {line.split(":")[0].strip(): line for line in reversed(lines) if ":" in line}
    text = "\n".join(first[name] for name in wanted if name in first)
    return platform.machine() + "-" + hashlib.sha256(text.encode()).hexdigest()[:12]


def replicas(structure: Structure) -> int:
    """Return how many replicas a program runs at a time: what the first-level cache holds.

    Half of the cache is for what is touched now and then: parameters of resets and synapses. A
    multiple of 8 fills the widest vectors; so do the cells of one large circuit.
    """
    cells = len(structure.circuit.cells)
    fewest = 8 if cells < _LARGE else 1
    return max(fewest, _cache_size() // 2 // (_HOT * cells) // fewest * fewest)


@functools.cache
def _cache_size() -> int:
    """Return the size of the first-level data cache, 32 KiB where it is not known."""
    try:
        text = Path("/sys/devices/system/cpu/cpu0/cache/index0/size").read_text()
        return int(text.strip().removesuffix("K")) * 1024
    except (OSError, ValueError):
        return 32 * 1024


def folder_of(structure: Structure) -> Path:
    """Return where the build of a structure lies, or would lie; the duration is no part of it."""
    timeless = replace(structure, duration=0.0, circuit=structure.circuit.without_recordings)
    told = [asdict(timeless), replicas(structure), toolchain()]
    key = json.dumps(told, sort_keys=True)
    return root() / hashlib.sha256(key.encode()).hexdigest()[:24]


def find(structure: Structure) -> Build | None:
    """Return the cached build of a structure, or None where there is none that is whole."""
    folder = folder_of(structure)
    try:
        description = json.loads((folder / "build.json").read_text())
    except (OSError, ValueError):
        return None
    program = folder / "main"
    try:
        whole = hashlib.sha256(program.read_bytes()).hexdigest() == description["sha256"]
        inputs = tuple((str(name), str(dtype)) for name, dtype in description["inputs"])
    except (OSError, KeyError, TypeError, ValueError):
        return None
    return Build(program, inputs) if whole and os.access(program, os.X_OK) else None


def make(structure: Structure) -> Build:
    """Return the build of a structure, building it if the cache has none.

    Raises
    ------
    EngineError
        With the last lines of what the compiler said.
    """
    found = find(structure)
    if found is not None:
        return found
    target = folder_of(structure)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with _alone(target.with_name(f".{target.name}.lock")):
            return find(structure) or _make(structure, target)
    except OSError as error:
        raise EngineError(
            f"{target.parent}: the cache of builds cannot be written: {error}"
        ) from error


@contextlib.contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Wait until no other process, or thread, makes the same build; leave no file behind."""
    while True:
        with open(path, "wb") as file, locks.attempt(file, path, _OLD) as locked:
            if locked and _is_named(file, path):  # the one before may have removed what is locked
                try:
                    yield
                finally:
                    path.unlink(missing_ok=True)
                return
        _stopped.wait(0.05)
        _check_not_stopped()


def _check_not_stopped() -> None:
    if _stopped.is_set():
        raise EngineError("the build was stopped")


def _is_named(file: BufferedWriter, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False


def _make(structure: Structure, target: Path) -> Build:
    _remove_old(target.parent)
    work = Path(tempfile.mkdtemp(prefix=_WORK, dir=target.parent))
    try:
        _run_build(structure, work)
        _seal(work)
        _keep_only(work, ("main", "build.json", "program.cpp"))
        try:
            work.rename(target)
        except OSError:  # another process was faster, or left something broken
            if find(structure) is None:
                shutil.rmtree(target, ignore_errors=True)
                work.rename(target)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    built = find(structure)
    if built is None:
        raise EngineError(f"{target}: the build is not whole")
    return built


def _run_build(structure: Structure, work: Path) -> None:
    _check_not_stopped()
    request = {
        "structure": asdict(structure), "replicas": replicas(structure), "folder": str(work)
    }  # fmt: skip
    with subprocess.Popen(
        children.command("izhi.engine.build:main"), cwd=work, stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        start_new_session=True,  # so that it can be stopped with the compiler that it starts
        env={**os.environ, "TMPDIR": str(work)},  # what a compiler that is stopped leaves
    ) as process:  # fmt: skip
        _under_way.add(process)
        try:
            _, said = process.communicate(json.dumps(request))
        finally:
            _under_way.discard(process)
    if (
        process.returncode != 0
        or not (work / "build.json").is_file()
        or not (work / "main").is_file()
    ):
        # what the compiler and make say comes before Python's traceback, which ends in one line;
        # Brian2's last one only says that there is another above
        said, _, trace = said.partition("Traceback (most recent call last)")
        first, _, _ = trace.partition("\n\nThe above exception was the direct cause")
        lines = said.strip().splitlines()[-8:] + first.strip().splitlines()[-1:]
        raise EngineError("\n".join(["building the C++ program failed:", *lines]))


def _seal(work: Path) -> None:
    """Note the program's checksum beside it: a program that is damaged is built again."""
    told = json.loads((work / "build.json").read_text())
    told["sha256"] = hashlib.sha256((work / "main").read_bytes()).hexdigest()
    (work / "build.json").write_text(json.dumps(told))


_under_way: set[subprocess.Popen[str]] = set()
_stopped = threading.Event()


@contextlib.contextmanager
def stopped_when_left() -> Iterator[None]:
    """End the builds that are under way in this process when this is left early."""
    _stopped.clear()
    try:
        yield
    except BaseException:
        _stopped.set()
        _end_builds()
        raise


def _end_builds() -> None:
    for process in list(_under_way):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


def _remove_old(folder: Path) -> None:
    """Remove what builds left that were killed."""
    for work in folder.glob(f"{_WORK}*"):
        with contextlib.suppress(OSError):
            if time.time() - work.stat().st_mtime > _OLD:
                shutil.rmtree(work, ignore_errors=True)


def _keep_only(folder: Path, names: tuple[str, ...]) -> None:
    for entry in folder.iterdir():
        if entry.name not in names:
            shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
