"""The cache of builds: one folder for each structure, capacity, toolchain and processor."""

from __future__ import annotations

import functools
import hashlib
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from izhi.errors import EngineError
from izhi.sweep.plan import build_digest
from izhi.sweep.structures import Structure

_SOURCES = ("engine/build.py", "engine/network.py", "models/neuron.py", "models/stimulus.py",
            "models/synapse.py")  # fmt: skip


@dataclass(frozen=True)
class Build:
    """A program that simulates shards of a structure.

    Attributes
    ----------
    program
        The executable.
    replicas
        Copies of the circuit in its network.
    outputs
        Names of the files that it writes, by role; see :mod:`izhi.engine.build`.
    """

    program: Path
    replicas: int
    outputs: dict[str, Any]


def root() -> Path:
    """Return the folder of the cache: ``$XDG_CACHE_HOME/izhi``."""
    base = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return Path(base) / "izhi" / "builds"


def compiler() -> str | None:
    """Return the C++ compiler's path, or None where there is none (or no make)."""
    name = os.environ.get("CXX", "").split() or ["g++"]
    found = shutil.which(name[0])
    return found if found and shutil.which("make") else None


@functools.cache
def toolchain() -> dict[str, str]:
    """Return what a build depends on besides its structure: versions, compiler, processor."""
    package = Path(__file__).resolve().parents[1]
    sources = hashlib.sha256(b"".join((package / name).read_bytes() for name in _SOURCES))
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


def folder_of(structure: Structure, replicas: int) -> Path:
    """Return where the build of a structure lies, or would lie."""
    key = json.dumps([asdict(structure), replicas, toolchain()], sort_keys=True)
    digest = hashlib.sha256(key.encode()).hexdigest()[:16]
    return root() / f"{build_digest(structure, replicas)}-{digest}"


def find(structure: Structure, replicas: int) -> Build | None:
    """Return the cached build of a structure, or None where there is none that is whole."""
    folder = folder_of(structure, replicas)
    try:
        description = json.loads((folder / "build.json").read_text())
    except (OSError, ValueError):
        return None
    program = folder / "main"
    if not os.access(program, os.X_OK):
        return None
    return Build(program, replicas, description["outputs"])


def make(structure: Structure, replicas: int) -> Build:
    """Return the build of a structure, building it if the cache has none.

    Raises
    ------
    EngineError
        With the last lines of what the compiler said.
    """
    found = find(structure, replicas)
    if found is not None:
        return found
    target = folder_of(structure, replicas)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        work = Path(tempfile.mkdtemp(prefix=".building-", dir=target.parent))
    except OSError as error:
        raise EngineError(
            f"{target.parent}: the cache of builds cannot be written: {error}"
        ) from error
    try:
        _run_build(structure, replicas, work)
        _keep_only(work, ("main", "build.json", "static_arrays"))
        (work / "results").mkdir(exist_ok=True)
        try:
            work.rename(target)
        except OSError:  # another process was faster, or left something broken
            if find(structure, replicas) is None:
                shutil.rmtree(target, ignore_errors=True)
                work.rename(target)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    built = find(structure, replicas)
    if built is None:
        raise EngineError(f"{target}: the build is not whole")
    return built


def _run_build(structure: Structure, replicas: int, work: Path) -> None:
    request = {"structure": asdict(structure), "replicas": replicas, "folder": str(work)}
    done = subprocess.run(
        [sys.executable, "-m", "izhi.engine.build"],
        input=json.dumps(request), capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode != 0 or not (work / "build.json").is_file() or not (work / "main").is_file():
        # what the compiler and make say comes before Python's traceback, which ends in one line
        said, _, trace = done.stderr.partition("Traceback (most recent call last)")
        lines = said.strip().splitlines()[-8:] + trace.strip().splitlines()[-1:]
        raise EngineError("\n".join(["building the C++ program failed:", *lines]))


def _keep_only(folder: Path, names: tuple[str, ...]) -> None:
    for entry in folder.iterdir():
        if entry.name not in names:
            shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
