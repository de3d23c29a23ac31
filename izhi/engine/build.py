"""Builds the C++ program of a structure, in a process of its own that calls `main`.

Brian2's devices keep global state and an import of it takes a second, so a build never happens in
the process that plans and gathers.
"""

from __future__ import annotations

import dataclasses
import json
import os
import platform
import shlex
import shutil
import signal
import subprocess
import sys
import typing
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from izhi import children
from izhi.engine import compilers, network, runtime
from izhi.engine.names import mangled
from izhi.models import recording
from izhi.sweep.structures import Structure

# Compilers know this option for x86 only, where they avoid the widest vectors unless told.
_WIDE = ("-mprefer-vector-width=512",) * (platform.machine() in ("x86_64", "AMD64"))


def flags(processor: str = "native") -> tuple[str, ...]:
    """Return the compiler's flags for programs on a processor, named as for ``-march``.

    Strict IEEE arithmetic: no fast-math and no contraction, so that the bits of a point depend
    neither on where in a vector it lies nor on the processor. The two -fno flags change no result;
    they let loops vectorise.
    """
    return (
        "-w", "-O3", f"-march={processor}", *_WIDE, "-std=c++14",
        "-ffp-contract=off", "-fno-math-errno", "-fno-trapping-math",
    )  # fmt: skip


def structure_from(data: dict[str, Any]) -> Structure:
    """Return a structure from what ``dataclasses.asdict`` made of it."""
    found: Structure = _restored(Structure, data)
    return found


def _restored(kind: Any, data: Any) -> Any:
    """Return data of JSON as what a type hint says that they are."""
    if isinstance(kind, type) and dataclasses.is_dataclass(kind):
        hints = typing.get_type_hints(kind)
        return kind(**{name: _restored(hints[name], value) for name, value in data.items()})
    parts = typing.get_args(kind)
    if typing.get_origin(kind) is tuple:
        each = parts[:1] * len(data) if parts[-1] is Ellipsis else parts
        return tuple(map(_restored, each, data))
    if data is not None and type(None) in parts:
        return _restored(next(part for part in parts if part is not type(None)), data)
    return data


def write(structure: Structure, replicas: int, path: Path) -> list[list[str]]:
    """Write the program of a structure as a C++ file.

    Parameters
    ----------
    structure
        What is simulated.
    replicas
        Copies of the circuit in a block.
    path
        The file.

    Returns
    -------
    list
        Names and numpy types of the variables that the program takes, in its order.
    """
    with runtime.quiet_brian() as b2:
        from izhi.engine import device

        b2.set_device("izhi", build_on_run=False)
        folded = network.build(structure, replicas)
        folded.network.run(structure.end * b2.second, namespace={})
        given = network.variables(structure)
        groups = {obj.name: obj for obj in (*folded.cells.values(), *folded.synapses.values())}
        types = b2.get_device().write(
            path, replicas, _cells(device, structure, folded),
            _projections(device, structure, folded),
            [(_variable(groups, g.name), g.each) for g in given],
            [_variable(groups, name) for name, _ in network.tables(structure)],
            [folded.cells[p.name].variables[mangled(recording.NAME)]
             for p in network.trains(structure)],
            tuple(map(mangled, structure.traced)),
            structure.v_max,
            structure.located,
        )  # fmt: skip
        return [[g.name, dtype] for g, dtype in zip(given, types, strict=True)]


def _variable(groups: dict[str, Any], name: str) -> Any:
    owner, _, variable = name.partition(".")
    group = groups[owner]
    return (group.pre if variable == "delay" else group).variables[variable]


def _cells(device: Any, structure: Structure, folded: network.FoldedNetwork) -> list[Any]:
    result, first = [], 0
    for population in structure.circuit.populations:
        result.append(
            device.Cells(
                folded.cells[population.name],
                population.count,
                first,
                population.neuron.bounded,
                tuple(map(mangled, network.traced(population))),
            )
        )
        first += population.count
    return result


def _projections(device: Any, structure: Structure, folded: network.FoldedNetwork) -> list[Any]:
    circuit = structure.circuit
    return [
        device.Projection(
            folded.synapses[p.name],
            circuit.population(p.source).count,
            circuit.population(p.target).count,
            None if circuit.passed(p) else circuit.pairs(p),
        )
        for p in circuit.projections
    ]


def compile_program(
    source: Path, program: Path, processor: str = "native", compiler: Sequence[str] | None = None
) -> str:
    """Compile a program for a processor, and see that its arithmetic is strict.

    Parameters
    ----------
    source
        The C++ file.
    program
        The executable to write.
    processor
        As in ``-march``.
    compiler
        The compiler's command; by default that of this environment.

    Returns
    -------
    str
        The command, without its files.

    Raises
    ------
    SystemExit
        When it fails; what the compiler says goes to stderr.
    """
    with runtime.quiet_brian() as brian2:
        package = Path(brian2.__file__).parent
    headers = [package / "devices" / "cpp_standalone", package / "synapses"]
    include = [f"-I{folder}" for folder in headers]
    command = [*(compiler or compilers.command() or ["g++"]), *flags(processor), *include]
    files = [str(source), str(compilers.CHECK), "-o", str(program)]
    environment = {**compilers.environment(), "LC_ALL": "C"}
    if subprocess.run([*command, *files], env=environment).returncode != 0:
        sys.exit(1)
    _check_strict(program, command)
    return shlex.join(command)


def _check_strict(program: Path, command: Sequence[str]) -> None:
    """End where a program finds its own arithmetic not to be strict; it runs without points."""
    try:
        done = subprocess.run(
            [str(program)], stdin=subprocess.DEVNULL, capture_output=True, text=True,
            errors="replace",
        )  # fmt: skip
    except PermissionError:  # nothing can be run there, which who asked for the program finds
        return
    if compilers.NOT_STRICT in done.stderr:
        print(f"{done.stderr.strip()}; set CXX to another: {command[0]}", file=sys.stderr)
        sys.exit(1)


def main() -> None:
    """Read a request on stdin, build in the given folder, write ``build.json`` there."""
    request = json.load(sys.stdin)
    folder = Path(request["folder"])
    children.end_with(request["parent"], lambda: _end(folder))
    structure = structure_from(request["structure"])
    inputs = write(structure, request["replicas"], folder / "program.cpp")
    command = compile_program(folder / "program.cpp", folder / "main", compiler=request["compiler"])
    told = {
        "structure": request["structure"], "replicas": request["replicas"], "inputs": inputs,
        "command": command,
    }  # fmt: skip
    (folder / "build.json").write_text(json.dumps(told))


def _end(folder: Path) -> None:
    """Leave nothing of a build that nobody waits for any more, nor the compiler running."""
    shutil.rmtree(folder, ignore_errors=True)
    os.killpg(0, signal.SIGKILL)  # a build has a session of its own
