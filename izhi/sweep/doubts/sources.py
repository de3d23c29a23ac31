"""Doubts on sources of spikes: a cell spikes once in a time step at most, whatever its rate."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from izhi.models import declarations, dimensions
from izhi.models.cell import Cell
from izhi.models.circuit import Population
from izhi.sweep.doubts.doubt import Doubt
from izhi.sweep.doubts.scene import (
    At,
    Scene,
    amount,
    neuron_at_start,
    value_at,
    value_of,
)
from izhi.units import HERTZ, SECOND

_FEW = 0.2
"""Spikes a time step up to which a source is what it is said to be, to some per cent."""

_LOST = 0.95
"""Of the spikes that are due: where fewer come, the rate is notably lower."""

_LITTLE = 1e-6
"""Of a rate: so little of it that no two spikes fall into a step."""

_NEARLY = 1e-6

_REMEDY = "give a lower rate, or a smaller simulation.dt"


def of_neuron(scene: Scene, population: Population) -> Iterator[Doubt]:
    """Give the doubts on the rate of a population that is a source of spikes."""
    cell = population.neuron
    if cell.states or cell.input is not None or cell.trains is not None:
        return
    values = neuron_at_start(scene, population.name, cell)
    group = scene.group(population.name, "neuron")
    tree = ast.parse(" ".join(cell.threshold.split()), mode="eval")
    chances = [text for node in ast.walk(tree) for text in _chances(node)]
    for text in chances:
        for name in sorted(_rates(cell) & dimensions.names(text)):
            yield from _random(scene, f"{group}.{name}", text, name, values)
    counted = {declarations.parts(line)[0] for line in declarations.statements(cell.reset)}
    used = dimensions.names(cell.threshold)
    if not chances and counted & used and "t" in used:
        for name in sorted(_rates(cell) & used):
            yield from _regular(scene, f"{group}.{name}", values[name])


def _rates(cell: Cell) -> set[str]:
    return {name for name, dimension in cell.parameters if dimension == HERTZ}


def _chances(node: ast.AST) -> Iterator[str]:
    """Give what a uniform random number is compared with: the chance of a spike in a step."""
    if isinstance(node, ast.Compare) and len(node.ops) == 1:
        left, right = node.left, node.comparators[0]
        if _is_uniform(left) and isinstance(node.ops[0], ast.Lt | ast.LtE):
            yield ast.unparse(right)
        if _is_uniform(right) and isinstance(node.ops[0], ast.Gt | ast.GtE):
            yield ast.unparse(left)


def _is_uniform(node: ast.expr) -> bool:
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "uniform_at"
    )


def _random(
    scene: Scene, key: str, text: str, name: str, values: Mapping[str, Any]
) -> Iterator[Doubt]:
    """Doubt a chance in a step that is no longer a rate of a Poisson process."""
    chance = np.minimum(value_of(text, values), 1.0)
    rare = value_of(text, {**values, name: _LITTLE * np.asarray(values[name])})
    due = rare / _LITTLE  # were there no limit to the spikes of a step
    at = scene.first(chance < _LOST * due)
    if at is not None:
        yield _too_many(scene, key, due, chance, at)
        return
    at = scene.first(chance > _FEW * (1 + _NEARLY))
    if at is not None:
        variation = np.sqrt(1 - value_at(chance, at))
        yield Doubt(
            key,
            f"{_said(scene, key, due, at)}: the intervals of a cell have a coefficient of "
            f"variation of {variation:.2g}, those of a Poisson process of 1; {_REMEDY}",
        )


def _regular(scene: Scene, key: str, rate: Any) -> Iterator[Doubt]:
    """Doubt a regular train of more than a spike a step, or of unequal intervals."""
    due = np.asarray(rate) * scene.structure.dt
    at = scene.first(due > 1 + _NEARLY)
    if at is not None:
        yield _too_many(scene, key, due, np.minimum(due, 1.0), at)
        return
    steps = 1 / due
    whole = np.abs(steps - np.round(steps)) < 1e-3
    at = scene.first((due > _FEW * (1 + _NEARLY)) & ~whole)
    if at is not None:
        few = int(value_at(steps, at))
        yield Doubt(
            key,
            f"{_said(scene, key, due, at)}: intervals are of {few} and of {few + 1} steps, not "
            f"regular; {_REMEDY}",
        )


def _too_many(scene: Scene, key: str, due: Any, chance: Any, at: At) -> Doubt:
    realised = value_at(chance, at) / scene.structure.dt
    return Doubt(
        key,
        f"{_said(scene, key, due, at)}, but a cell spikes once in a step at most: it spikes at "
        f"{realised:.6g} Hz; {_REMEDY}",
    )


def _said(scene: Scene, key: str, due: Any, at: At) -> str:
    dt = amount(scene.structure.dt, SECOND)
    number = value_at(due, at)
    return f"{scene.written(key, at)} is {number:.3g} spikes a time step (simulation.dt = {dt})"
