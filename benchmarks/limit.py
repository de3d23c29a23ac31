"""The circuit written out by hand in C, as a measure of what the machine can do.

``python -m benchmarks.limit --points 10080 --cores 1 --build strict`` compiles ``limit.c`` if that
has not been done yet, runs it on the sweep of :mod:`benchmarks.points`, and prints one JSON line.
The strict build computes what izhi computes, bit for bit; the fast one may round differently.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import platform
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.points import NEURON_STEPS, Points, points

SOURCE = Path(__file__).with_name("limit.c")
FLAGS = {
    "strict": ["-O3", "-march=native", "-ffp-contract=off", "-fno-math-errno",
               "-fno-trapping-math"],
    "fast": ["-Ofast", "-march=native"],
}  # fmt: skip


def compiled(build: str) -> Path:
    """Return the program, compiled on the first call for this source, build and processor."""
    compiler = os.environ.get("CC", "gcc")
    command = [compiler, *FLAGS[build], str(SOURCE), "-lm", "-lpthread", "-o"]
    cpu = Path("/proc/cpuinfo")
    flags = [li for li in cpu.read_text().splitlines() if "flags" in li] if cpu.exists() else []
    version = subprocess.run([compiler, "-dumpfullversion"], capture_output=True, check=True).stdout
    key = [SOURCE.read_text(), *command, platform.machine(), *flags[:1], version.decode()]
    digest = hashlib.sha256("\n".join(key).encode()).hexdigest()[:16]
    program = Path(tempfile.gettempdir()) / f"izhi-limit-{os.getuid()}" / f"{build}-{digest}"
    if not program.exists():
        program.parent.mkdir(mode=0o700, exist_ok=True)
        unfinished = program.with_suffix(f".{os.getpid()}")
        subprocess.run([*command, str(unfinished)], check=True)
        unfinished.replace(program)
    return program


def together(sweep: Points) -> Points:
    """Return the points with U_0 running fastest.

    The driven cells do not depend on U_0, so those of neighbouring points then spike in the same
    step, and what a spike costs is shared by the lanes of a vector.
    """
    keys = (sweep.U_0, sweep.amplitude, sweep.d, sweep.c, sweep.b, sweep.a)
    return sweep[np.lexsort(keys)]


def run(sweep: Points, cores: int, build: str, spikes: Path | None = None) -> dict[str, Any]:
    """Simulate points and return the figures.

    Parameters
    ----------
    sweep
        What to simulate.
    cores
        Number of threads, which take the points in turns.
    build
        ``"strict"`` or ``"fast"``.
    spikes
        Where the spikes go, if anywhere: int32 pairs of 3*point + cell and time step.
    """
    program = compiled(build)
    with tempfile.NamedTemporaryFile(suffix=".points") as file:
        sweep.si().tofile(file.name)
        command = [str(program), file.name, str(cores), *([str(spikes)] if spikes else [])]
        said = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    steps = len(sweep) * NEURON_STEPS
    return {
        "points": len(sweep), "seconds": float(said[0]), "spikes": int(said[1]),
        "neuron_steps": steps, "ns_per_neuron_step": 1e9 * float(said[0]) / steps,
        "cores": cores, "flags": " ".join(FLAGS[build]),
    }  # fmt: skip


def main() -> None:
    """Run the sweep and print the figures as a line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--points", type=int, default=693)
    parser.add_argument("--cores", type=int, default=1)
    parser.add_argument("--build", choices=FLAGS, default="strict")
    parser.add_argument(
        "--order", choices=("sweep", "together"), default="sweep",
        help="together: U_0 runs fastest, so that spikes coincide within a vector",
    )  # fmt: skip
    parser.add_argument("--spikes", type=Path, help="write (3*point + cell, step) as int32 here")
    given = parser.parse_args()
    sweep = points(given.points)
    if given.order == "together":
        sweep = together(sweep)
    print(json.dumps(run(sweep, given.cores, given.build, given.spikes)))


if __name__ == "__main__":
    main()
