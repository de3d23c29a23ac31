"""C++ programs that are ready soon: written in this process, compiled with less optimisation.

izhi's own builds start a process that imports Brian2, and take seconds for what optimisation brings
in long simulations. The bits are the same, which the tests of izhi's own builds hold.
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from izhi.engine import build, cache, runtime
from izhi.sweep.structures import Structure

QUICK = ("-w", "-march=native", "-std=c++14", "-ffp-contract=off", "-fno-math-errno",
         "-fno-trapping-math")  # fmt: skip
"""Flags with which a program compiles in less than half the time."""

_HEADERS = ("algorithm", "cmath", "cstdint", "cstdio", "cstring", "numeric", "vector")
_WRITING = threading.Lock()


class BuildFailed(Exception):
    """A program does not compile."""


def build_here(structure: Structure, work: Path, stopped: threading.Event) -> None:
    """Build a program in a folder, as the process does that izhi starts for it."""
    replicas = cache.replicas(structure)
    with fresh_device():
        inputs = build.write(structure, replicas, work / "program.cpp")
    flags = ("-O1", *QUICK)
    compile_with(flags, work)
    content = {"structure": asdict(structure), "replicas": replicas, "inputs": inputs,
               "command": " ".join([*compiler(), *flags])}  # fmt: skip
    (work / "build.json").write_text(json.dumps(content))


def compile_with(flags: tuple[str, ...], work: Path) -> None:
    """Compile the program of a folder."""
    with _WRITING:
        header = _precompiled(flags)
    done = subprocess.run(
        [*compiler(), *flags, *_include(), "-include", str(header), str(work / "program.cpp"),
         "-o", str(work / "main")],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode != 0:
        lines = [line for line in done.stderr.splitlines() if "error" in line]
        raise BuildFailed("; ".join(lines[:3]) or done.stderr[:400])


@functools.cache
def _precompiled(flags: tuple[str, ...]) -> Path:
    """Compile the headers of all programs once."""
    header = Path(_folder().name, f"headers{abs(hash(flags))}.h")
    header.write_text("".join(f"#include <{name}>\n" for name in _HEADERS))
    subprocess.run(
        [*compiler(), *flags, "-x", "c++-header", str(header), "-o", f"{header}.gch"], check=True
    )
    return header


@functools.cache
def _folder() -> tempfile.TemporaryDirectory[str]:
    """Make the folder of this process's headers, which is removed when the process ends."""
    return tempfile.TemporaryDirectory(prefix="izhi-headers-")


def compiler() -> list[str]:
    """Return the compiler's command."""
    return os.environ.get("CXX", "").split() or ["g++"]


def _include() -> list[str]:
    with runtime.quiet_brian() as brian2:
        package = Path(brian2.__file__).parent
    return [f"-I{package / 'devices' / 'cpp_standalone'}", f"-I{package / 'synapses'}"]


@contextlib.contextmanager
def fresh_device() -> Iterator[None]:
    """Let a program be written with a device that knows of no other, and leave Brian2 as it was."""
    with runtime.quiet_brian() as brian2:
        from izhi.engine import device

        brian2.all_devices["izhi"] = device.FoldedDevice()
        try:
            yield
        finally:
            brian2.set_device("runtime")
