"""The cache of builds: one folder for each structure, capacity, toolchain and processor."""

from __future__ import annotations

import contextlib
import errno
import functools
import hashlib
import json
import math
import os
import platform
import secrets
import shutil
import signal
import stat
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from importlib import metadata
from io import BufferedWriter
from pathlib import Path

from izhi import children, locks
from izhi.engine import compilers
from izhi.errors import EngineError
from izhi.sweep.structures import Structure

_SOURCES = (
    *(f"engine/{name}.py" for name in
      ("build", "device", "methods", "names", "network", "powers", "schedule", "shared",
       "target")),
    "engine/strict.cpp", "engine/templates/*.cpp", "exponential.py", "functions.py",
    "portable.py", "draws.py",
    "models/*.py",
)  # fmt: skip

_WORK = ".building-"
_MAKER = "maker"
"""A file that is locked as long as somebody works in a folder of a build."""

_OLD = 3600.0
"""Seconds after which nobody works in a folder of a build any more, where that is not known."""

_PATIENCE = 5.0
"""Seconds after which a remark is made that another process builds the same program."""

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
    command
        The command that compiled it, without its files.
    note
        Why it lies elsewhere than in the cache.
    """

    program: Path
    inputs: tuple[tuple[str, str], ...]
    command: str = ""
    note: str = ""


def root() -> Path:
    """Return the folder of the cache: ``$XDG_CACHE_HOME/izhi``, or else ``~/.cache/izhi``.

    A path that depends on the working folder is none.
    """
    base = os.environ.get("XDG_CACHE_HOME", "")
    home = os.path.expanduser("~")
    if not os.path.isabs(base):
        base = os.path.join(home, ".cache") if os.path.isabs(home) else _temporary()
    return Path(base) / "izhi" / "builds"


def spare() -> Path:
    """Return where programs are kept if the cache cannot be written: ``$TMPDIR/izhi-<user>``."""
    return Path(_temporary()) / f"izhi-{os.geteuid()}" / "builds"


def _temporary() -> str:
    folder = os.environ.get("TMPDIR", "")
    return folder if os.path.isabs(folder) else "/tmp"


def _check_private(folder: Path) -> None:
    """Check that a folder is this user's, and that nobody else can write there."""
    state = folder.lstat()
    private = state.st_uid == os.geteuid() and not stat.S_IMODE(state.st_mode) & 0o077
    if not (stat.S_ISDIR(state.st_mode) and private):
        raise PermissionError(errno.EACCES, "expected a folder of this user's alone", str(folder))


def compiler() -> str | None:
    """Return the C++ compiler's path, or None where there is none.

    Raises
    ------
    ConfigError
        For options in ``CXX`` that may change results.
    """
    command = compilers.command()
    return command[0] if command else None


def toolchain() -> dict[str, str]:
    """Return what a build depends on besides its structure: versions, compiler, processor."""
    return {
        "brian2": metadata.version("brian2"),
        "numpy": metadata.version("numpy"),
        "python": platform.python_version(),
        "cpu": _processor(),
        "sources": _sources(),
        **compilers.description(),
    }


@functools.cache
def _sources() -> str:
    """Return a hash of all code that a program follows from."""
    package = Path(__file__).resolve().parents[1]
    files = [path for name in _SOURCES for path in sorted(package.glob(name))]
    return hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()[:16]


@functools.cache
def _processor() -> str:
    """Return what ``-march=native`` depends on."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.machine()  # platform.processor() would run the first uname on the PATH
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


def folder_of(structure: Structure, base: Path | None = None) -> Path:
    """Return where the build of a structure lies, or would lie; the duration is no part of it."""
    timeless = replace(structure, duration=0.0, circuit=structure.circuit.without_recordings)
    told = [asdict(timeless), replicas(structure), toolchain()]
    key = json.dumps(told, sort_keys=True)
    return (base or root()) / hashlib.sha256(key.encode()).hexdigest()[:24]


def find(structure: Structure) -> Build | None:
    """Return the cached build of a structure, or None where there is none that is whole."""
    folder = folder_of(structure)
    return _whole(folder) or _whole_spare(spare() / folder.name)


def _whole_spare(folder: Path) -> Build | None:
    try:
        _check_private(spare().parent)
    except OSError:
        return None
    return _whole(folder)


def _whole(folder: Path) -> Build | None:
    try:
        description = json.loads((folder / "build.json").read_text())
    except (OSError, ValueError):
        return None
    program = folder / "main"
    try:
        whole = hashlib.sha256(program.read_bytes()).hexdigest() == description["sha256"]
        inputs = tuple((str(name), str(dtype)) for name, dtype in description["inputs"])
        command = str(description.get("command", ""))
    except (AttributeError, OSError, KeyError, TypeError, ValueError):
        return None
    return Build(program, inputs, command) if whole and os.access(program, os.X_OK) else None


def make(
    structure: Structure,
    stopped: threading.Event | None = None,
    remark: Callable[[str], None] = lambda text: None,
) -> Build:
    """Return the build of a structure, building it if the cache has none.

    Parameters
    ----------
    structure
        The structure.
    stopped
        Set when the build is to be given up; see :func:`stopped_when_left`.
    remark
        Takes one line when another process makes the same build and takes long.

    Raises
    ------
    EngineError
        With the last lines of what the compiler said; when neither the cache nor the folder for
        temporary files can be written.
    """
    stopped = stopped or threading.Event()
    build = _whole(folder_of(structure))
    if build is not None:
        return build
    build = find(structure)
    if build is not None:
        why = _refusal()
        return replace(build, note=_kept_elsewhere(why)) if why else build
    try:
        return _make_in(root(), structure, stopped, remark)
    except OSError as error:
        why = _reason(error)
    try:
        spare().parent.mkdir(mode=0o700, exist_ok=True)
        _check_private(spare().parent)
        build = _make_in(spare(), structure, stopped, remark)
        return replace(build, note=_kept_elsewhere(why))
    except OSError as error:
        raise EngineError(
            f"{root()}: the cache of builds cannot be written: {why}; nor can {spare()}: "
            f"{_reason(error)}; set XDG_CACHE_HOME to a folder that can"
        ) from error


def _kept_elsewhere(why: str) -> str:
    return f"{root()}: the cache of builds cannot be written: {why}; programs are in {spare()}"


def _refusal() -> str | None:
    """Return why nothing can be written into the cache, None where something can."""
    try:
        root().mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=root()):
            return None
    except OSError as error:
        return _reason(error)


def _reason(error: OSError) -> str:
    where = "" if error.filename is None or Path(error.filename) == root() else error.filename
    return f"{error.strerror or error}{f' ({where})' * bool(where)}"


def _make_in(
    base: Path, structure: Structure, stopped: threading.Event, remark: Callable[[str], None]
) -> Build:
    base.mkdir(parents=True, exist_ok=True)
    target = folder_of(structure, base)
    with _alone(target.with_name(f".{target.name}.lock"), stopped, remark):
        return _whole(target) or _make(structure, target, stopped)


@contextlib.contextmanager
def _alone(path: Path, stopped: threading.Event, remark: Callable[[str], None]) -> Iterator[None]:
    """Wait until no other process, or thread, makes the same build; leave no file behind."""
    late = time.monotonic() + _PATIENCE
    while True:
        with open(path, "wb") as file, locks.attempt(file, path, _OLD) as locked:
            if locked and _is_named(file, path):  # the one before may have removed what is locked
                try:
                    yield
                finally:
                    path.unlink(missing_ok=True)
                return
        stopped.wait(0.05)
        _check_not_stopped(stopped)
        if time.monotonic() > late:
            late = math.inf
            remark(f"waiting for another process that builds the same program: {_holder(path)}")


def _holder(path: Path) -> str:
    mark = locks.far_mark(path)
    if mark is None:
        return f"it has locked {path}"
    return f"{mark} names its machine; if that builds nothing any more, remove this file"


def _check_not_stopped(stopped: threading.Event) -> None:
    if stopped.is_set():
        raise EngineError("the build was stopped")


def _is_named(file: BufferedWriter, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False


def _make(structure: Structure, target: Path, stopped: threading.Event) -> Build:
    _remove_left(target.parent)
    work = Path(tempfile.mkdtemp(prefix=_WORK, dir=target.parent))
    try:
        with open(work / _MAKER, "wb") as file, locks.attempt(file, work / _MAKER, _OLD):
            _run_build(structure, work, stopped)
            _seal(work)
            if not os.access(work / "main", os.X_OK):
                raise OSError(errno.EACCES, "no program can be run there")
            _keep_only(work, ("main", "build.json", "program.cpp"))
            _put(work, target)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    built = _whole(target)
    if built is None:
        raise EngineError(f"{target}: the build is not whole")
    return built


def _put(work: Path, target: Path) -> None:
    """Give a build its place, which may hold something broken: a folder, a file, a link."""
    try:
        work.rename(target)
    except OSError:
        if _whole(target) is not None:  # another process was faster
            return
        broken = target.with_name(f"{_WORK}{secrets.token_hex(4)}")
        target.rename(broken)
        work.rename(target)
        _remove(broken)


def _remove(path: Path) -> None:
    with contextlib.suppress(OSError):
        if path.is_symlink() or not path.is_dir():
            path.unlink()
            return
        path.chmod(0o700)
    shutil.rmtree(path, ignore_errors=True)


def _run_build(structure: Structure, work: Path, stopped: threading.Event) -> None:
    _check_not_stopped(stopped)
    request = {
        "structure": asdict(structure), "replicas": replicas(structure), "folder": str(work),
        "compiler": compilers.command(), "parent": os.getpid(),
    }  # fmt: skip
    with subprocess.Popen(
        children.command("izhi.engine.build:main"), cwd=work, stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        start_new_session=True,  # so that it can be stopped with the compiler that it starts
        env={**compilers.environment(), "TMPDIR": str(work)},  # what a stopped compiler leaves
    ) as process:  # fmt: skip
        _under_way[process] = stopped
        try:
            _, said = process.communicate(json.dumps(request))
        finally:
            del _under_way[process]
    if (
        process.returncode != 0
        or not (work / "build.json").is_file()
        or not (work / "main").is_file()
    ):
        _check_room(said)
        # what the compiler and make say comes before Python's traceback, which ends in one line;
        # Brian2's last one only says that there is another above
        said, _, trace = said.partition("Traceback (most recent call last)")
        first, _, _ = trace.partition("\n\nThe above exception was the direct cause")
        lines = said.strip().splitlines()[-8:] + first.strip().splitlines()[-1:]
        raise EngineError("\n".join(["building the C++ program failed:", *lines]))


def _check_room(said: str) -> None:
    """Raise the error of a full disk where a build failed by it."""
    for number in (errno.ENOSPC, errno.EDQUOT):
        if os.strerror(number) in said:
            raise OSError(number, os.strerror(number))


def _seal(work: Path) -> None:
    """Note the program's checksum beside it: a program that is damaged is built again."""
    told = json.loads((work / "build.json").read_text())
    told["sha256"] = hashlib.sha256((work / "main").read_bytes()).hexdigest()
    (work / "build.json").write_text(json.dumps(told))


_under_way: dict[subprocess.Popen[str], threading.Event] = {}
"""The builds of this process, each with what tells it to stop."""


@contextlib.contextmanager
def stopped_when_left() -> Iterator[threading.Event]:
    """Yield an event for :func:`make`; end the builds that got it when this is left early.

    Builds of other threads go on.
    """
    stopped = threading.Event()
    try:
        yield stopped
    except BaseException:
        stopped.set()
        _end_builds(stopped)
        raise


def _end_builds(stopped: threading.Event) -> None:
    for process, theirs in list(_under_way.items()):
        if theirs is stopped:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


def _remove_left(folder: Path) -> None:
    """Remove what builds left whose process was killed."""
    for work in folder.glob(f"{_WORK}*"):
        with contextlib.suppress(OSError):
            if _is_left(work):
                _remove(work)


def _is_left(work: Path) -> bool:
    maker = work / _MAKER
    try:
        with open(maker, "r+b") as file, locks.attempt(file, maker, _OLD) as nobody:
            return nobody
    except OSError:  # it is about to be made, or removed
        return time.time() - work.lstat().st_mtime > _OLD


def _keep_only(folder: Path, names: tuple[str, ...]) -> None:
    for entry in folder.iterdir():
        if entry.name not in names:
            shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
