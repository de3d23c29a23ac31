"""Cells over time, as a study has them stored, or simulated again."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from izhi.config.sweep import Sweep
from izhi.errors import StudyError, did_you_mean
from izhi.models.cell import INPUT
from izhi.models.circuit import Population, group_of
from izhi.report.figures.places import part, sweep_of
from izhi.report.figures.recorded import Numbers, Recorded
from izhi.report.samples import recorded as again
from izhi.study import execute, shards
from izhi.study.study import Study
from izhi.sweep import plan as plans
from izhi.sweep import points, structures
from izhi.sweep.plan import Plan
from izhi.sweep.structures import Structure


def of(
    what: Study | Sweep, chosen: Sequence[NDArray[np.int64]], cell: str | None
) -> list[Recorded]:
    """Return a cell at points, in order.

    Parameters
    ----------
    what
        A study, whose stored traces are taken where it has them; or a sweep.
    chosen
        Positions on each axis; the points are all their combinations.
    cell
        The cell's label; None for the first one.

    Raises
    ------
    StudyError
        When there is no such cell.
    ConfigError
        For points that cannot be run.
    """
    sweep = part(sweep_of(what), chosen)
    if isinstance(what, Study):
        numbers = _numbers(what, chosen)
        if (stored := _stored(what, numbers, sweep, cell)) is not None:
            return stored
    return _simulated(sweep, cell)


def _numbers(study: Study, chosen: Sequence[NDArray[np.int64]]) -> NDArray[np.int64]:
    """Return the numbers of points that are all combinations of positions on the axes."""
    shape = study.dataset["status"].shape
    if not shape:
        return np.zeros(1, np.int64)
    return np.ravel_multi_index(np.ix_(*chosen), shape).ravel()


def _stored(
    study: Study, numbers: NDArray[np.int64], sweep: Sweep, cell: str | None
) -> list[Recorded] | None:  # fmt: skip
    """Return what a study has stored of a cell at points; None where it lacks any of them."""
    try:
        traces, spikes = study.traces, study.spikes
    except StudyError:
        return None
    rows = {int(number): row for row, number in enumerate(traces["trace"].values)}
    if not set(numbers.tolist()) <= rows.keys():
        return None
    plan = execute.make_plan(sweep)
    label = _checked(plan, cell)
    if label not in traces["cell"].values:
        return None
    cells = study.dataset["cell"].values.tolist()
    ends = np.concatenate([[0], np.cumsum(spikes["spike_count"].values)])
    found = []
    for number, (shard, row) in zip(numbers.tolist(), _rows(plan), strict=True):
        train = number * len(cells) + cells.index(label)
        here = traces.isel(trace=rows[number]).sel(cell=label)
        point = _Point(
            sweep, int(shard.points[row]), plan.batches[shard.batch].structure,
            plans.parameters(plan, shard), row,
        )  # fmt: skip
        found.append(_recorded(
            point, label, np.asarray(here["time"].values, np.float64),
            {str(name): here[name].values for name in here.data_vars},
            np.asarray(spikes["spike_time"][ends[train] : ends[train + 1]].values, np.float64),
        ))  # fmt: skip
    return found


def _rows(plan: Plan) -> list[tuple[plans.Shard, int]]:
    """Return shard and row of all points, in order."""
    found = {int(n): (shard, row) for shard in plan.shards for row, n in enumerate(shard.points)}
    return [found[number] for number in range(plan.points)]


def _simulated(sweep: Sweep, cell: str | None) -> list[Recorded]:
    """Simulate a cell at all points of a sweep."""
    every = np.arange(points.count(sweep))
    plan = again.plan_of(sweep, structures.find(sweep), every, again.every_step)
    label = _checked(plan, cell)
    found: dict[int, Recorded] = {}
    for piece in again.again(plan, lambda text: print(text, file=sys.stderr)):
        cells = piece.structure.circuit.cells
        assert piece.count is not None
        ends = np.concatenate([[0], np.cumsum(piece.count)])
        for row, number in enumerate(piece.points.tolist()):
            k = _index(cells, label, sweep, number)
            train = row * len(cells) + k
            traces = {name: values[row, k] for name, values in piece.traces.items()}
            step = np.asarray(piece.step[ends[train] : ends[train + 1]], np.float64)
            found[number] = _recorded(
                _Point(sweep, number, piece.structure, piece.parameters, row), label, piece.time,
                traces, step * piece.structure.dt,
            )  # fmt: skip
    return [found[number] for number in sorted(found)]


def _checked(plan: Plan, cell: str | None) -> str:
    """Return the label of a cell that is there; of the first one for None."""
    if cell is None:
        return plan.cells[0]
    if cell not in plan.cells:
        raise StudyError(f"cell = {cell}: no such cell{did_you_mean(cell, plan.cells)}")
    return cell


def _index(cells: Sequence[str], label: str, sweep: Sweep, number: int) -> int:
    if label not in cells:
        where = shards.in_words(sweep, number)
        raise StudyError(f"cell = {label}: no such cell at {where}{did_you_mean(label, cells)}")
    return cells.index(label)


@dataclass(frozen=True)
class _Point:
    """A point of a sweep, and its row in the parameters of points of one structure."""

    sweep: Sweep
    number: int
    structure: Structure
    parameters: Mapping[str, NDArray[Any]]
    row: int


def _recorded(
    point: _Point, label: str, time: Numbers, traces: Mapping[str, Numbers], spikes: Numbers
) -> Recorded:
    structure, circuit = point.structure, point.structure.circuit
    population, k = next(
        (p, k) for p in circuit.populations for k in range(p.count) if f"{p.name}{k}" == label
    )
    if not population.neuron.states:
        raise StudyError(f"cell = {label}: a source of spikes has no potential to draw")
    kept = np.isfinite(traces[INPUT])
    return Recorded(
        _kind(point, population.name), _labels(point), label, len(circuit.cells) == 1, population,
        _values(point, population, k), time[kept],
        {name: traces[name][kept] for name in population.neuron.states}, traces[INPUT][kept],
        spikes, 0.0 if population.located else structure.dt,
        structure.duration,
    )  # fmt: skip


def _labels(point: _Point) -> dict[str, str]:
    """Return a point's value on each axis in words, with its unit."""
    unit = {axis.name: axis.unit or "" for axis in point.sweep.axes}
    return {
        name: f"{f'{value:g}' if isinstance(value, float) else value} {unit[name]}".strip()
        for name, value in shards.labels(point.sweep, point.number).items()
    }


def _kind(point: _Point, population: str) -> str:
    """Return the choice that a cell's neuron comes from; the pattern where there is one."""
    sweep = point.sweep
    number = np.broadcast_to(sweep.base_of, sweep.shape).ravel()[point.number]
    group = group_of(sweep.bases[number], population, "neuron")
    swept = zip(sweep.axes, shards.labels(sweep, point.number).values(), strict=True)
    chosen = {**sweep.choices, **{axis.key: label for axis, label in swept}}
    found = (chosen.get(name) for name in ("pattern", f"neuron@{group}", "neuron"))
    return str(next(choice for choice in found if choice not in (None, "None")))


def _values(point: _Point, population: Population, k: int) -> dict[str, float]:
    """Return what a cell's neuron has of parameters and constants."""
    found = {name: value for name, value, _ in population.neuron.constants}
    for name, _ in population.neuron.parameters:
        values = point.parameters[f"{population.name}.{name}"]
        own = values[point.row if len(values) > 1 else 0]
        found[name] = float(own[k] if np.ndim(own) else own)
    return found
