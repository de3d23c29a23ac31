"""States and spikes of points: as a study has them stored, or simulated once more in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from izhi.config.keys import Value
from izhi.config.sweep import Sweep
from izhi.engine import prepare
from izhi.engine.cache import Build
from izhi.errors import StudyError
from izhi.study import shards, worker
from izhi.study.folder import StudyFolder
from izhi.study.study import Study
from izhi.sweep import plan as plans
from izhi.sweep.plan import Plan
from izhi.sweep.structures import Structure, StructurePoints

FEW, MANY = 1_000, 10_000
"""The most samples of a trace, of many points and of few: a second in steps of 1 or of 0.1 ms."""

_TOGETHER = 32_000_000
"""Bytes of samples that are held at a time."""

_LONG = 3.0
"""Seconds that one wants to be told of."""

_SPIKES = 4_000_000
"""Spikes of a study that are read at once, where only some of them are asked for."""

_HERE: dict[str, Value] = {
    "run.n_jobs": 1, "run.backend": "sequential", "run.scheduler": None,
}  # fmt: skip
"""No result depends on this; a report is made in this process."""


@dataclass(frozen=True, eq=False)
class Recorded:
    """Points of one structure with their states and spikes.

    Attributes
    ----------
    structure
        What was simulated.
    points
        Numbers of the points.
    parameters
        Their parameters, see :func:`izhi.sweep.plan.parameters`.
    time
        Of the samples, in seconds.
    traces
        By variable, arrays of shape (points, cells, samples).
    count
        Spikes of each train, shape (points, cells); None where they are not known.
    step
        Times of all spikes in time steps, train after train.
    """

    structure: Structure
    points: NDArray[np.int64]
    parameters: dict[str, NDArray[Any]]
    time: NDArray[np.float64]
    traces: dict[str, NDArray[np.float64]]
    count: NDArray[np.int64] | None
    step: NDArray[Any]


def stored(study: Study, plan: Plan, most: int) -> Iterator[Recorded]:
    """Give points whose traces a study has, as stored, but for samples that are too many.

    Parameters
    ----------
    study
        The study.
    plan
        A plan of these points that :func:`plan_of` made.
    most
        The most samples of a trace.
    """
    if not plan.shards:
        return
    rows = {int(point): row for row, point in enumerate(study.traces["trace"].values)}
    time = study.traces["time"].values
    for shard in plan.shards:
        structure = plan.batches[shard.batch].structure
        within = np.flatnonzero(time < structure.duration - structure.dt / 2)
        within = within[:: max(1, -(-within.size // most))]
        found = study.traces.isel(trace=[rows[int(p)] for p in shard.points], time=within)
        found = found.sel(cell=list(structure.circuit.cells))
        traces = {str(name): found[name].values for name in found.data_vars}
        count, step = spikes(study, structure, shard.points)
        yield Recorded(structure, shard.points, plans.parameters(plan, shard), time[within],
                       traces, count, step)  # fmt: skip


def again(plan: Plan, remark: Callable[[str], None]) -> Iterator[Recorded]:
    """Simulate the points of a plan that :func:`plan_of` made; nothing is written.

    Parameters
    ----------
    plan
        The plan.
    remark
        Where to say what takes long.

    Raises
    ------
    EngineError
        When a build or a program fails.
    """
    builds = _builds(plan, remark)
    if plan.running > _LONG:
        number = sum(batch.points for batch in plan.batches)
        remark(f"simulating {number:,} points once more, about {plan.running:.0f} s ...")
    for shard in plan.shards:
        task = shards.task(plan, shard, builds, StudyFolder(Path()), "")
        raw = worker.results(task)
        interval = task.structure.trace_interval or 0.0
        time = np.asarray(np.arange(task.structure.samples) * interval, np.float64)
        yield Recorded(
            task.structure, shard.points, task.parameters, time, raw.traces, raw.count, raw.step
        )


def _builds(plan: Plan, remark: Callable[[str], None]) -> dict[int, Build]:
    compiled = {n for n, batch in enumerate(plan.batches) if batch.engine == "compiled"}
    missing = sum(plan.batches[n].build for n in compiled)
    if missing:
        remark(f"building {missing} C++ program{'s' * (missing > 1)}, once and for all ...")
    return prepare.builds(plan, compiled)


def every_step(structure: Structure) -> float:
    """Return the seconds between samples of which none is left out."""
    return structure.dt


def plan_of(
    sweep: Sweep,
    found: tuple[StructurePoints, ...],
    points: NDArray[np.int64],
    interval: Callable[[Structure], float],
) -> Plan:
    """Return a plan of some points that records traces, in shards that fit into memory.

    Parameters
    ----------
    sweep
        The study's.
    found
        Its structures.
    points
        The points.
    interval
        Seconds between samples, such as :func:`every_step`.
    """
    chosen: dict[Structure, list[NDArray[np.int64]]] = {}
    for group in found:
        here = group.points[np.isin(group.points, points)]
        if here.size:
            structure = replace(group.structure, trace_interval=interval(group.structure))
            chosen.setdefault(structure, []).append(here)
    parts = tuple(StructurePoints(s, np.sort(np.concatenate(p))) for s, p in chosen.items())
    together = min((max(1, _TOGETHER // _size(s)) for s in chosen), default=1)
    settings: dict[str, Value] = {**_HERE, "run.shard_points": together}
    bases = tuple(replace(base, values={**base.values, **settings}) for base in sweep.bases)
    sweep = replace(sweep, bases=bases)
    return plans.make_plan(sweep, parts, prepare.machine(sweep, parts))


def thinned(most: int, structure: Structure) -> float:
    """Return the seconds between samples of which there are so many at most, as far as they fit."""
    steps = -(-structure.steps // most)
    all_steps = _size(replace(structure, trace_interval=structure.dt))
    return max(steps, -(-all_steps // _TOGETHER)) * structure.dt


def _size(structure: Structure) -> int:
    """Return the bytes of a point's samples."""
    return 8 * len(structure.traced) * len(structure.circuit.cells) * structure.samples


def spikes(
    study: Study, structure: Structure, points: NDArray[np.int64]
) -> tuple[NDArray[np.int64] | None, NDArray[Any]]:
    """Return the spikes that a study has of points of one structure.

    Returns
    -------
    count
        Spikes of each train, shape (points, cells); None where the study kept no spikes.
    step
        Their times in time steps, train after train.
    """
    labels = [str(label) for label in study.dataset["cell"].values]
    columns = np.array([labels.index(cell) for cell in structure.circuit.cells])
    try:
        every = study.spikes["spike_count"].values.astype(np.int64)
    except StudyError:  # it kept none
        return None, np.empty(0)
    stop = np.cumsum(every)
    trains = (points[:, None] * len(labels) + columns).ravel()
    step = _times(study, stop[trains] - every[trains], stop[trains]) / structure.dt
    if not structure.located:
        step = np.round(step)
    return every[trains].reshape(points.size, columns.size), step


def _times(study: Study, first: NDArray[np.int64], stop: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return spike times from and to some places, in seconds; what lies together is read so."""
    time: Any = study.spikes["spike_time"]
    time = time.values if time.size <= _SPIKES else time
    begins = np.flatnonzero(np.append(True, first[1:] != stop[:-1]))
    ends = np.append(begins[1:], first.size) - 1
    parts = [np.asarray(time[a:b]) for a, b in zip(first[begins], stop[ends], strict=True)]
    return np.concatenate([np.empty(0), *parts])
