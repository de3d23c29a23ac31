"""Builds the C++ program of a structure: ``python -m izhi.engine.build``, a process of its own.

Brian2's standalone device keeps global state and an import of it takes a second, so a build never
happens in the process that plans and gathers.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

from izhi.engine import network, runtime
from izhi.models.circuit import Circuit, Population, Projection
from izhi.sweep.structures import Structure

FLAGS = (
    "-w", "-O3", "-march=native", "-std=c++14",
    "-ffp-contract=off", "-fno-math-errno", "-fno-trapping-math",
)  # fmt: skip
"""Strict IEEE arithmetic: no fast-math and no contraction, so that the bits of a point do not
depend on where in a vector it lies. The two -fno flags change no result; they let loops
vectorise."""


def structure_from(data: dict[str, Any]) -> Structure:
    """Return a structure from what ``dataclasses.asdict`` made of it."""
    circuit = data["circuit"]
    return Structure(
        **{
            **data,
            "circuit": Circuit(
                tuple(Population(**p) for p in circuit["populations"]),
                tuple(Projection(**p) for p in circuit["projections"]),
            ),
        }
    )


def build(structure: Structure, replicas: int, folder: Path) -> dict[str, Any]:
    """Generate and compile the program of a structure.

    Parameters
    ----------
    structure
        What is simulated.
    replicas
        Copies of the circuit in the network.
    folder
        Where the sources go.

    Returns
    -------
    dict
        By role, the names of the files that the program writes to its results folder.
    """
    with runtime.quiet_brian() as b2:
        b2.prefs.codegen.cpp.extra_compile_args_gcc = list(FLAGS)
        b2.prefs.codegen.cpp.extra_compile_args = list(FLAGS)
        b2.prefs.devices.cpp_standalone.extra_make_args_unix = [f"-j{os.cpu_count() or 1}"]
        b2.set_device("cpp_standalone", build_on_run=False, directory=str(folder))
        folded = network.build(structure, replicas)
        # Before the run, not just before its first step, where Brian2 would put it: the queues of
        # delayed spikes are laid out in between.
        b2.device.apply_run_args()
        folded.network.run(structure.duration * b2.second, namespace={})
        b2.device.build(directory=str(folder), compile=True, run=False, clean=False)
        return _outputs(b2.device, folded)


def _outputs(device: Any, folded: network.FoldedNetwork) -> dict[str, Any]:
    def name(owner: Any, variable: str) -> str:
        return Path(device.get_array_filename(owner.variables[variable])).name

    return {
        "spikes": {n: [name(m, "i"), name(m, "t")] for n, m in folded.spikes.items()},
        "state": {n: [name(g, "v"), name(g, "u")] for n, g in folded.cells.items()},
        "traces": {n: {v: name(m, v) for v in ("v", "u", "I")} for n, m in folded.traces.items()},
    }


def main() -> None:
    """Read a request on stdin, build in the given folder, write ``build.json`` there."""
    request = json.load(sys.stdin)
    folder = Path(request["folder"])
    outputs = build(structure_from(request["structure"]), request["replicas"], folder)
    with open(folder / "build.json", "w") as file:
        json.dump({"structure": request["structure"], "replicas": request["replicas"],
                   "outputs": outputs}, file)  # fmt: skip


if __name__ == "__main__":
    main()
