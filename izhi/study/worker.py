"""What a worker does with a shard: simulate, summarise, write. Imports neither Hydra nor xarray."""

from __future__ import annotations

import gc
import os
import platform
import shutil
import tempfile
import traceback
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from izhi import children
from izhi.engine.cache import Build
from izhi.engine.result import Raw
from izhi.errors import EngineError
from izhi.spikes import Settings
from izhi.study import log, shardfile, statistics, versions
from izhi.study.folder import Written
from izhi.study.profile import Profile
from izhi.sweep.structures import Structure


@dataclass(frozen=True)
class Task:
    """A shard with all that is needed to run it anywhere.

    Attributes
    ----------
    points
        Numbers of the points.
    structure
        What is simulated.
    parameters
        One value per point or one for all, by owner and name.
    onset, offset
        Start and end of each cell's stimulus in seconds, of shape (points or 1, cells).
    settings
        Which statistics are computed.
    engine
        ``"numpy"`` or ``"compiled"``.
    build
        The program to run; None for the numpy engine, and on a cluster, where each worker has its
        own.
    path
        The shard file to write.
    fingerprint
        What the study is known by.
    keep_spikes
        Whether the spikes are stored, not only their statistics.
    run
        What the run is known by that this is a part of.
    strict
        Whether the engine was asked for: no other may take its place.
    code
        What izhi's own code is known by where the run goes on.
    versions
        What makes the results, see :mod:`izhi.study.versions`.
    """

    points: NDArray[np.int64]
    structure: Structure
    parameters: dict[str, NDArray[Any]]
    onset: NDArray[np.float64]
    offset: NDArray[np.float64]
    settings: Settings
    engine: str
    build: Build | None
    path: Path
    fingerprint: str
    keep_spikes: bool
    run: str = ""
    strict: bool = False
    code: str = ""
    versions: Mapping[str, str] = field(default_factory=dict)

    def part(self, rows: NDArray[np.int64]) -> Task:
        """Return the task of some of the points, with a file of its own."""
        n = self.points.size
        points = self.points[rows]
        return replace(
            self,
            points=points,
            parameters={k: v[rows] if len(v) == n else v for k, v in self.parameters.items()},
            onset=self.onset[rows] if len(self.onset) == n else self.onset,
            offset=self.offset[rows] if len(self.offset) == n else self.offset,
            path=self.path.with_name(file_name(self.structure, self.fingerprint, points)),
        )


def file_name(structure: Structure, fingerprint: str, points: NDArray[np.int64]) -> str:
    """Return the name of a shard file: no other points of a study ever have it."""
    return f"{structure.digest}-{fingerprint[:8]}-{points[0]:09d}-{points.size}.nc"


@dataclass(frozen=True)
class Outcome:
    """What became of a shard.

    Attributes
    ----------
    points
        Numbers of the points.
    path
        The shard file.
    cells, synapses
        Labels of the circuit's cells and synapses.
    count
        Spikes of each train, shape (points, cells); no points where the shard failed.
    diverged
        Number of points whose state diverged.
    busy
        Seconds by what was done.
    written
        The shard file's checksum; None when the shard failed.
    error
        Why the shard failed; None when it did not.
    data
        The shard file itself, from a worker that does not see the study's folder.
    cause
        What kind of failure it was: ``"points"`` may be at fault, or the ``"storage"`` of the file,
        or the ``"process"`` that it ran in ended.
    versions
        What made the results.
    incessant
        Number of points at which a cell spikes in one time step after the other.
    example
        The first of these points, and the first of these cells.
    """

    points: NDArray[np.int64]
    path: Path
    cells: tuple[str, ...]
    synapses: tuple[str, ...]
    count: NDArray[np.int32]
    diverged: int
    busy: dict[str, float]
    written: Written | None
    error: str | None
    cause: str = "points"
    data: bytes | None = None
    versions: Mapping[str, str] = field(default_factory=dict)
    incessant: int = 0
    example: tuple[int, str] | None = None

    @property
    def seconds(self) -> float:
        """Time that it took."""
        return sum(self.busy.values())


def get_ready(parent: int) -> None:
    """Make a process of joblib's fit for shards; importing this module was most of it.

    joblib has its processes collect garbage once a second. What was imported is none, and walking
    through it took 2 % of a worker's time.

    Parameters
    ----------
    parent
        The process that started this one; it may have ended since.
    """
    gc.freeze()
    children.end_with(parent, lambda: os._exit(1))


def run_far(task: Task) -> Outcome:
    """Run a shard on another machine, with a program for its own processor.

    Where there is no compiler, the numpy engine gives the same bits. Where the study's folder is
    not to be seen, the file goes back with the outcome.
    """
    from izhi.engine import cache

    if task.code != cache.toolchain()["sources"]:
        reason = f"{platform.node()}: another version of izhi; install the same on all workers"
        return failed(task, Profile(), reason)
    if task.engine == "compiled":
        try:
            task = replace(task, build=cache.make(task.structure))
        except EngineError as error:
            if task.strict:
                return failed(task, Profile(), f"{platform.node()}: {error}")
            task = replace(task, engine="numpy")
    task = replace(task, versions=versions.here(task.engine == "compiled"))
    if _is_here(task):
        return run(task)
    with tempfile.TemporaryDirectory(prefix="izhi-") as folder:
        path = Path(folder) / task.path.name
        outcome = replace(run(replace(task, path=path)), path=task.path)
        return outcome if outcome.error else replace(outcome, data=path.read_bytes())


def _is_here(task: Task) -> bool:
    """Whether the study's folder is the one that the run goes on in."""
    path = task.path.parents[1] / "log.jsonl"
    if not path.is_file():
        return False
    runs = [event.get("run") for event in log.read(path) if event["event"] == "started"]
    return runs[-1:] == [task.run]


def run(task: Task) -> Outcome:
    """Run a shard; what goes wrong is returned, so that the other shards go on."""
    profile = Profile()
    try:
        data = simulate(task, profile)
    except (EngineError, OSError, MemoryError) as error:
        return failed(task, profile, f"{type(error).__name__}: {error}")
    except Exception:
        return failed(task, profile, traceback.format_exc())
    try:
        written = shardfile.write(task.path, data, task.fingerprint, task.versions)
    except (OSError, RuntimeError) as error:  # netCDF knows no better for a full disk
        return failed(task, profile, _storage(task.path.parent, error), "storage")
    profile.mark("writing")
    diverged = int(np.count_nonzero(data.status == shardfile.DIVERGED))
    count = data.count.astype(np.int32)
    incessant, example = _incessant(task, data)
    return Outcome(
        task.points,
        task.path,
        data.cells,
        data.synapses,
        count,
        diverged,
        profile.stages,
        written,
        None,
        versions=task.versions,
        incessant=incessant,
        example=example,
    )


_MANY = 10
"""Spikes in one time step after the other that no neuron with a reset below its threshold has."""


def _incessant(task: Task, data: shardfile.ShardData) -> tuple[int, tuple[int, str] | None]:
    """Return at how many points a cell spikes in every step for a while, and the first of them."""
    n_cells = len(data.cells)
    looked_at = [
        bool(p.neuron.states or p.neuron.drawn)
        for p in task.structure.circuit.populations
        for _ in range(p.count)
    ]
    some = np.flatnonzero((data.count >= _MANY) & looked_at)
    if data.step is None or not some.size:
        return 0, None
    ends = np.cumsum(data.count.ravel())
    spikes = np.arange(_MANY, data.step.size + 1)
    # so many spikes take no more steps than that, and are of one train
    long = data.step[spikes - 1] - data.step[spikes - _MANY] < _MANY - 0.5
    train = np.searchsorted(ends, spikes - 1, side="right")
    long &= (train == np.searchsorted(ends, spikes - _MANY, side="right")) & np.isin(train, some)
    trains = train[long]
    if not trains.size:
        return 0, None
    point, cell = divmod(int(trains[0]), n_cells)
    points = np.unique(trains // n_cells)
    return points.size, (int(data.points[point]), data.cells[cell])


def _storage(folder: Path, error: Exception) -> str:
    try:
        free = shutil.disk_usage(folder).free
    except OSError:
        free = 0
    return f"{folder}: cannot be written ({free:,} bytes free): {error}"


def failed(task: Task, profile: Profile, reason: str, cause: str = "points") -> Outcome:
    """Return the outcome of a shard that failed."""
    profile.mark("failing")
    circuit = task.structure.circuit
    none = np.empty((0, len(circuit.cells)), np.int32)
    return Outcome(
        task.points,
        task.path,
        circuit.cells,
        circuit.synapses,
        none,
        0,
        profile.stages,
        None,
        reason.strip(),
        cause,
    )


def results(task: Task) -> Raw:
    """Simulate a shard; return what the engine gives."""
    structure, n = task.structure, task.points.size
    if task.build is None:
        from izhi.engine import runtime

        return runtime.simulate(structure, task.parameters, n)
    from izhi.engine import compiled

    return compiled.simulate(task.build, structure, task.parameters, n)


def simulate(task: Task, profile: Profile | None = None) -> shardfile.ShardData:
    """Simulate a shard and compute its statistics.

    Parameters
    ----------
    task
        The shard.
    profile
        Where to note how long simulation and statistics took.
    """
    profile = profile or Profile()
    structure = task.structure
    raw = results(task)
    profile.mark("simulating")
    recipe = statistics.Recipe(task.settings, structure, task.parameters, task.onset, task.offset)
    found = statistics.compute(recipe, raw.step, raw.count)
    profile.mark("statistics")
    return shardfile.ShardData(
        points=task.points,
        cells=structure.circuit.cells,
        synapses=structure.circuit.synapses,
        status=np.where(raw.sound, shardfile.DONE, shardfile.DIVERGED).astype(np.int8),
        statistics=found,
        stated=statistics.digest(task.settings),
        count=raw.count,
        step=raw.step if task.keep_spikes else None,
        dt=structure.dt,
        traces=raw.traces,
        interval=structure.trace_interval,
    )
