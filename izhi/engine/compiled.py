"""The compiled engine: runs a cached program on the points of a shard.

One file goes in and one comes out; ``templates/program.cpp`` is the other end of both. All their
parts begin at multiples of 8 bytes.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from izhi.engine.cache import Build
from izhi.engine.network import variables
from izhi.engine.result import Raw
from izhi.errors import EngineError
from izhi.models import stimulus
from izhi.sweep.structures import Structure


def simulate(
    build: Build,
    structure: Structure,
    parameters: dict[str, NDArray[Any]],
    n_points: int,
    scratch: Path | None = None,
) -> Raw:
    """Simulate points with a compiled program.

    Parameters
    ----------
    build
        A build of `structure`.
    structure
        What is simulated.
    parameters
        One SI value per point; see :func:`izhi.sweep.plan.parameters`.
    n_points
        Number of points.
    scratch
        Where parameters and results pass through files; the system's temporary folder by default.

    Raises
    ------
    EngineError
        When the program fails or its results are not whole.
    """
    work = Path(tempfile.mkdtemp(prefix="izhi-shard-", dir=scratch))
    try:
        _write_input(work / "input", build, structure, parameters, n_points)
        _run(build, work / "input", work / "output")
        return _read_output(work / "output", structure, n_points)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _write_input(
    path: Path,
    build: Build,
    structure: Structure,
    parameters: dict[str, NDArray[Any]],
    n_points: int,
) -> None:
    given = {variable.name: variable for variable in variables(structure)}
    changes = stimulus.changes(parameters, structure.steps)
    parts: list[NDArray[Any]] = [
        np.array([structure.steps, n_points], np.int64), changes.astype(np.uint8),
    ]  # fmt: skip
    for name, dtype in build.inputs:
        values = given[name].values(structure, parameters)
        if not np.isfinite(values).all():
            raise EngineError(f"{name}: not finite")
        parts += [np.array([values.size], np.int64), np.ascontiguousarray(values, dtype)]
    with open(path, "wb") as file:
        for part in parts:
            file.write(part.tobytes())
            file.write(bytes(-part.nbytes % 8))


def _run(build: Build, source: Path, target: Path) -> None:
    done = subprocess.run(
        [str(build.program), str(source), str(target)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    said = (done.stderr + done.stdout).strip()[-400:]
    if done.returncode != 0:
        raise EngineError(f"{build.program} ended with status {done.returncode}: {said}")
    if said:
        raise EngineError(f"{build.program}: {said}")


def _read_output(path: Path, structure: Structure, n_points: int) -> Raw:
    try:
        data = np.fromfile(path, np.uint8)
    except OSError:
        raise EngineError(
            f"{path.name}: the program wrote no such file; is the disk full?"
        ) from None
    cells, at = len(structure.circuit.cells), 0

    def take(dtype: Any, size: int) -> NDArray[Any]:
        nonlocal at
        n_bytes = size * np.dtype(dtype).itemsize
        if at + n_bytes > data.size:
            raise EngineError(
                f"{path.name}: {data.size} bytes, expected at least {at + n_bytes}; is the disk "
                "full?"
            )
        part: NDArray[Any] = data[at : at + n_bytes].view(dtype)
        at += n_bytes + -n_bytes % 8
        return part

    points, spikes = (int(size) for size in take(np.int64, 2))
    if points != n_points:
        raise EngineError(f"{path.name}: results of {points} points, expected {n_points}")
    count = take(np.int32, points * cells).reshape(points, cells).astype(np.int64)
    finite = take(np.bool_, points)
    step = take(np.int32, spikes)
    samples = structure.samples
    traces = {
        name: take(np.float64, points * cells * samples).reshape(points, cells, samples)
        for name in ("v", "u", "I") if structure.trace_interval is not None
    }  # fmt: skip
    if at != data.size:
        raise EngineError(f"{path.name}: {data.size} bytes, expected {at}; is the disk full?")
    return Raw(step, count, finite, traces)
