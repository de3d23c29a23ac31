"""The compiled engine: runs a cached program on the parameters of a shard.

The program ends with status 0 even when it could not write its results (a full disk, a missing
folder), so every file is checked for its size before it is believed.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from izhi.engine.cache import Build
from izhi.engine.network import variables
from izhi.engine.result import Raw, fold_back
from izhi.errors import EngineError
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
        Number of points, at most the build's replicas.
    scratch
        Where parameters and results pass through files; the system's temporary folder by default.

    Raises
    ------
    EngineError
        When the program fails or its results are not whole.
    """
    work = Path(tempfile.mkdtemp(prefix="izhi-shard-", dir=scratch))
    try:
        _run(build, work, variables(structure, parameters, build.replicas))
        return _collect(build, structure, work, n_points)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _run(build: Build, work: Path, values: dict[str, NDArray[Any]]) -> None:
    arguments = []
    for name, array in values.items():
        if not np.isfinite(array).all():  # the program would take "nan" for a file's name
            raise EngineError(f"{name}: not finite")
        path = work / f"{name}.in"
        array.tofile(path)
        arguments.append(f"{name}={path}")
    done = subprocess.run(
        [str(build.program), "--results_dir", f"{work}{os.sep}", *arguments],
        cwd=build.program.parent, capture_output=True, text=True, check=False,
    )  # fmt: skip
    said = (done.stderr + done.stdout).strip()
    if done.returncode != 0:
        raise EngineError(f"{build.program} ended with status {done.returncode}: {said[-400:]}")
    if said:
        raise EngineError(f"{build.program}: {said[-400:]}")


def _collect(build: Build, structure: Structure, work: Path, n_points: int) -> Raw:
    spikes, state, traces = {}, {}, {}
    for population in structure.circuit.populations:
        name, cells = population.name, build.replicas * population.count
        index_file, time_file = build.outputs["spikes"][name]
        time = _read(work / time_file, np.float64, None)
        index = _read(work / index_file, np.int32, time.size)
        spikes[name] = (index, np.rint(time / structure.dt).astype(np.int32))
        state[name] = [_read(work / f, np.float64, cells) for f in build.outputs["state"][name]]
        samples = {
            variable: _read(work / file, np.float64, None).reshape(-1, cells).T
            for variable, file in build.outputs["traces"].get(name, {}).items()
        }
        if samples:
            traces[name] = samples
    return fold_back(structure, n_points, spikes, state, traces)


def _read(path: Path, dtype: Any, size: int | None) -> NDArray[Any]:
    try:
        found = path.stat().st_size
    except OSError:
        raise EngineError(
            f"{path.name}: the program wrote no such file; is the disk full?"
        ) from None
    width = np.dtype(dtype).itemsize
    if found % width or (size is not None and found != size * width):
        raise EngineError(f"{path.name}: {found} bytes, expected {size} values; is the disk full?")
    return np.fromfile(path, dtype)
