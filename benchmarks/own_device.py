"""The same folded network in Brian2's own C++ device: what izhi's device is held against.

It runs in a process of its own, since Brian2's devices keep global state.
"""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from izhi.engine import network, runtime
from izhi.engine.build import flags
from izhi.sweep.structures import Structure


@dataclass(frozen=True)
class Request:
    """A network and the values of its variables.

    Attributes
    ----------
    structure, replicas
        What is simulated, and how many copies of it.
    values
        One value for each cell or synapse, by Brian2's object and variable.
    strict
        Whether to compile with izhi's strict flags, to compare bits, in place of Brian2's default
        ones, to measure speed.
    runs
        How often the program is run and timed.
    """

    structure: Structure
    replicas: int
    values: dict[str, NDArray[Any]]
    strict: bool
    runs: int = 1


@dataclass(frozen=True)
class Answer:
    """Seconds of the build and of each run, and per population the spikes: cell and step."""

    build: float
    runs: list[float]
    spikes: dict[str, tuple[NDArray[np.int32], NDArray[np.int32]]]


def ask(request: Request) -> Answer:
    """Simulate in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "request").write_bytes(pickle.dumps(request))
        root = str(Path(__file__).resolve().parents[1])
        subprocess.run(
            [sys.executable, "-c", "from benchmarks import own_device; own_device.main()", folder],
            check=True, cwd=root, stdout=subprocess.DEVNULL,
        )  # fmt: skip
        answer: Answer = pickle.loads((Path(folder) / "answer").read_bytes())
        return answer


def simulate(request: Request, folder: Path) -> Answer:
    """Build and run the network with Brian2's own device."""
    structure = request.structure
    with runtime.quiet_brian() as b2:
        if request.strict:
            # strict arithmetic has the same bits however far it is optimised, and builds sooner
            b2.prefs.codegen.cpp.extra_compile_args_gcc = [*flags(), "-O1"]
        b2.prefs.devices.cpp_standalone.extra_make_args_unix = [f"-j{os.cpu_count() or 1}"]
        start = time.perf_counter()
        b2.set_device("cpp_standalone", build_on_run=False, directory=str(folder))
        folded = network.build(structure, request.replicas)
        groups = {obj.name: obj for obj in (*folded.cells.values(), *folded.synapses.values())}
        for name, values in request.values.items():
            owner, variable = name.split(".")
            if variable == "delay":
                groups[owner].pre.delay = values * b2.second
            else:
                setattr(groups[owner], variable + "_" * (values.dtype != np.int32), values)
        folded.network.run(structure.duration * b2.second, namespace={})
        b2.device.build(directory=str(folder), compile=True, run=False)
        build = time.perf_counter() - start
        runs = []
        for _ in range(request.runs):
            start = time.perf_counter()
            b2.device.run(str(folder), "results", with_output=False)
            spikes = {
                name: (np.array(m.i), np.rint(np.array(m.t_) / structure.dt).astype(np.int32))
                for name, m in folded.spikes.items()
            }
            runs.append(time.perf_counter() - start)
        return Answer(build, runs, spikes)


def main() -> None:
    """Answer the request in a folder."""
    folder = Path(sys.argv[1])
    request: Request = pickle.loads((folder / "request").read_bytes())
    answer = simulate(request, folder / "project")
    (folder / "answer").write_bytes(pickle.dumps(answer))


if __name__ == "__main__":
    main()
