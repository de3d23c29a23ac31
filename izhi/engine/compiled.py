"""The compiled engine: runs a cached program on the points of a shard.

The program takes its points on stdin and gives its results on stdout, so nothing passes through the
disk; ``templates/program.cpp`` is the other end of both. All parts begin at multiples of 8 bytes.
"""

from __future__ import annotations

import signal
import subprocess
from typing import Any

import numpy as np
from numpy.typing import NDArray

from izhi.engine.cache import Build
from izhi.engine.network import tables, trains, variables
from izhi.engine.result import Raw
from izhi.errors import EngineError
from izhi.models import waveform
from izhi.models.trains import CELLS, FIRST
from izhi.sweep.plan import FIRST_OF, TARGET
from izhi.sweep.structures import Structure


def simulate(
    build: Build, structure: Structure, parameters: dict[str, NDArray[Any]], n_points: int
) -> Raw:
    """Simulate points with a compiled program.

    Parameters
    ----------
    build
        A build of `structure`.
    structure
        What is simulated.
    parameters
        One SI value per point, or one for all; see :func:`izhi.sweep.plan.parameters`.
    n_points
        Number of points.

    Raises
    ------
    EngineError
        When the program fails or its results are not whole.
    """
    given = _input(build, structure, parameters, n_points)
    done = subprocess.run(
        [str(build.program)], cwd=build.program.parent,  # where no library lies to be taken
        input=given, capture_output=True, check=False,
    )  # fmt: skip
    said = done.stderr.decode(errors="replace").strip()[-400:]
    if done.returncode < 0:
        name = signal.Signals(-done.returncode).name
        raise EngineError(f"{build.program} was ended by {name}: {said or 'it said nothing'}")
    if done.returncode != 0:
        raise EngineError(f"{build.program} ended with status {done.returncode}: {said}")
    if said:
        raise EngineError(f"{build.program}: {said}")
    return _result(build, done.stdout, structure, n_points)


def _input(
    build: Build, structure: Structure, parameters: dict[str, NDArray[Any]], n_points: int
) -> bytes:
    given = {variable.name: variable for variable in variables(structure)}
    changes = _changes(structure, parameters)
    parts: list[NDArray[Any]] = [
        np.array([structure.steps, n_points], np.int64), changes.astype(np.uint8),
        _order(structure, parameters, n_points),
    ]  # fmt: skip
    parts += [np.ascontiguousarray(parameters[name]) for _, name in tables(structure)]
    for population in trains(structure):
        parts += [
            np.ascontiguousarray(parameters[f"{population.name}.{name}"]) for name in (FIRST, CELLS)
        ]
    for projection in filter(structure.circuit.passed, structure.circuit.projections):
        for name in (FIRST_OF, TARGET):
            values = parameters[f"{projection.name}.{name}"]
            parts += [np.array(values.shape, np.int64), np.ascontiguousarray(values, np.int32)]
    for name, dtype in build.inputs:
        values = parameters[given[name].parameter]
        if name.endswith(".delay"):
            values = structure.within_run(values)
        shape = (len(values), values[0].size)  # of points, of a point's elements; 1 for all alike
        parts += [np.array(shape, np.int64), np.ascontiguousarray(values, dtype)]
    return b"".join(part.tobytes() + bytes(-part.nbytes % 8) for part in parts)


def _changes(structure: Structure, parameters: dict[str, NDArray[Any]]) -> NDArray[np.bool_]:
    """Return the time steps at which the drive of any cell may differ from the step before."""
    driven = [
        (p.name, name, wave) for p in structure.circuit.populations for name, wave in p.stimuli
    ]
    if not all(wave.steady for *_, wave in driven):
        return np.ones(structure.steps, np.bool_)
    found = []
    for population, name, wave in driven:
        given = {n: parameters[f"{population}.{name}.{n}"] for n in wave.given}
        found += [parameters[f"{population}.{name}.{edge.name}"] for edge in wave.edges]
        found += [r.steps(given, structure.dt, structure.steps) for r in wave.recurrences]
    return waveform.changes(structure.steps, *found)


def _order(
    structure: Structure, parameters: dict[str, NDArray[Any]], n_points: int
) -> NDArray[np.int64]:
    """Return the points in an order in which those whose driven cells are alike stand together.

    These cells then spike in the same steps, and what a step with a spike costs is shared.
    """
    driven = {p.name for p in structure.circuit.populations if p.stimuli}
    names = sorted(parameters, key=lambda name: name.split(".")[0] not in driven)
    found = (parameters[name] for name in names if parameters[name].shape == (n_points,))
    varying = [values for values in found if np.any(values != values[0])]
    return np.lexsort(varying[::-1]) if varying else np.arange(n_points)


def _result(build: Build, output: bytes, structure: Structure, n_points: int) -> Raw:
    data = np.frombuffer(output, np.uint8)
    cells, at = len(structure.circuit.cells), 0

    def take(dtype: Any, size: int) -> NDArray[Any]:
        nonlocal at
        n_bytes = size * np.dtype(dtype).itemsize
        if at + n_bytes > data.size:
            raise EngineError(
                f"{build.program} gave {data.size} bytes, expected at least {at + n_bytes}"
            )
        part: NDArray[Any] = data[at : at + n_bytes].view(dtype)
        at += n_bytes + -n_bytes % 8
        return part

    points, spikes = (int(size) for size in take(np.int64, 2))
    if points != n_points:
        raise EngineError(f"{build.program} gave results of {points} points, expected {n_points}")
    count = take(np.int32, points * cells).reshape(points, cells).astype(np.int64)
    sound = take(np.bool_, points)
    step = take(np.float64 if structure.located else np.int32, spikes)
    samples = structure.samples
    traces = {
        name: take(np.float64, points * cells * samples).reshape(points, cells, samples)
        for name in structure.traced
    }  # fmt: skip
    if at != data.size:
        raise EngineError(f"{build.program} gave {data.size} bytes, expected {at}")
    return Raw(step, count, sound, traces)
