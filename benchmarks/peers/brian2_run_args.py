"""One C++ program, run once per point: ``python -m benchmarks.peers.brian2_run_args``.

Brian2's standalone mode with parameters that are given at run time, its own compiler flags. By
default the program is started as its documentation shows, from its folder with parameters as
arguments; ``--device`` goes through ``device.run(run_args=...)``.
"""

from __future__ import annotations

import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks import points as p
from benchmarks.peers import Result, arguments, chosen, needs, report

CELLS = """
a : hertz (shared, constant)
b : 1 (shared, constant)
c : volt (shared, constant)
d : volt (shared, constant)
"""
DRIVEN = "amplitude : volt (shared, constant)"
RELEASE = "U_0 : 1 (shared, constant)"


def build(folder: Path) -> tuple[Any, Any]:
    """Compile the program; return its groups, the synapses among them, and its spike monitors."""
    import brian2 as b2

    from benchmarks.peers import circuit

    b2.set_device("cpp_standalone", build_on_run=False, directory=str(folder))
    circuit.STEP += f"\n{DRIVEN}"
    network, groups, monitors = circuit.build(circuit.constants(), f"\n{CELLS}", RELEASE)
    network.run(p.STEPS * p.DT * b2.ms, namespace={})
    b2.device.build(directory=str(folder), run=False)
    return (*groups, network["synapses"]), monitors


def values(row: Sequence[float]) -> dict[str, float]:
    """Return a point's parameters, and where its cells start, by Brian2's names, in SI units."""
    a, b, c, d, release, amplitude = row
    cells = {"a": a / 0.001, "b": b, "c": c * 0.001, "d": d * 0.001, "u": b * p.V_START * 0.001}
    both = {f"{group}.{name}": v for group in ("pre", "post") for name, v in cells.items()}
    return {**both, "pre.amplitude": amplitude * 0.001, "synapses.U_0": release}


def by_program(folder: Path, row: Sequence[float], files: list[list[str]]) -> list[Any]:
    """Start the program once; return cell numbers and times of its spikes."""
    given = [f"{name}={value!r}" for name, value in values(row).items()]
    subprocess.run(["./main", *given], cwd=folder, check=True, capture_output=True)
    found: list[NDArray[Any]] = []
    for index, times in files:
        found += [np.fromfile(folder / index, np.int32), np.fromfile(folder / times)]
    return found


def by_device(objects: Sequence[Any], row: Sequence[float], monitors: Sequence[Any]) -> list[Any]:
    """Let Brian2's device start the program once; return cell numbers and times of its spikes."""
    import brian2 as b2

    of = {owner.name: owner for owner in objects}
    arguments = {}
    for name, value in values(row).items():
        owner, variable = name.split(".")
        view = getattr(of[owner], variable)
        arguments[view] = b2.Quantity.with_dimensions(value, view.dim)
    b2.device.run(run_args=arguments)
    return [np.asarray(array) for m in monitors for array in (m.i[:], m.t[:] / b2.second)]


def main() -> None:
    """Time the runs."""
    parser = arguments(__doc__, 100)
    parser.add_argument("--device", action="store_true")
    given = parser.parse_args()
    needs(brian2="brian2")
    start = time.perf_counter()
    import brian2 as b2

    from benchmarks.peers import circuit

    circuit.quiet()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        objects, monitors = build(folder)
        files = [
            ["results/" + b2.device.get_array_filename(m.variables[v]) for v in ("i", "t")]
            for m in monitors
        ]
        rows = chosen(given.points).rows()
        ready = time.perf_counter()
        if given.device:
            spikes = [by_device(objects, row, monitors) for row in rows]
        else:
            spikes = [by_program(folder, row, files) for row in rows]
        seconds = time.perf_counter() - ready
    count = sum(times.size for found in spikes for times in found[1::2])
    way = "device.run(run_args)" if given.device else "the program started"
    how = f"one cpp_standalone program, {way} for each point, Brian2's default flags, one core"
    report(Result(len(rows), ready - start, seconds, count, how), "brian2")


if __name__ == "__main__":
    main()
