"""Doubts on the time step: too coarse for what changes fast, longer than what is to be seen."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from izhi.models.cell import Cell
from izhi.models.circuit import Population, Projection
from izhi.models.declarations import Declaration
from izhi.sweep.doubts.doubt import Doubt
from izhi.sweep.doubts.scene import (
    Scene,
    amount,
    neuron_at_start,
    slope,
    synapse_at_start,
    value_at,
    value_of,
)
from izhi.units import HERTZ, SECOND

_COARSE = 0.2
"""Of a time constant: explicit methods of low order are off by per cents in longer steps."""

_LOCATED = ("located_rk2", "located_rk4")
_STEPPED = ("euler", "rk2", "rk4", *_LOCATED)
"""Methods whose error grows with the step; the others solve what is linear exactly, or are to be
what was published."""

_NEARLY = 1e-6


def of_neuron(scene: Scene, population: Population) -> Iterator[Doubt]:
    """Give the doubts on the time step for a neuron: near its rest, and near its threshold."""
    if population.method not in _STEPPED:
        return
    cell = population.neuron
    group = scene.group(population.name, "neuron")
    values = neuron_at_start(scene, population.name, cell)
    kinds = dict(cell.parameters) | {name: kind for name, _, kind in cell.constants}
    for one in cell.declared:
        if one.kind == "state":
            _, change = slope(cell.declared, one, values)
            yield from _coarse(scene, group, one, change, kinds, values)
    if population.method not in _LOCATED:  # the overshoot of these is no error
        yield from _at_threshold(scene, group, cell, values)


def of_synapse(scene: Scene, projection: Projection) -> Iterator[Doubt]:
    """Give the doubts on the time step for a synapse, what its target feels, and its delay."""
    synapse = projection.synapse
    group = scene.group(projection.name, "synapse")
    values = synapse_at_start(scene, projection)
    kinds = dict((*synapse.parameters, *synapse.target_parameters))
    kinds |= {name: kind for name, _, kind in synapse.constants}
    method = scene.structure.circuit.population(projection.target).method
    for one in (*synapse.declared, *synapse.target):
        if one.kind == "state" and (one in synapse.declared or method in _STEPPED):
            declared = synapse.declared if one in synapse.declared else synapse.target
            _, change = slope(declared, one, values)
            solved = one in synapse.declared  # exactly, from spike to spike
            yield from _coarse(scene, group, one, change, kinds, values, 1.0 if solved else _COARSE)
    if synapse.delay and "delay" in values:
        yield from _delay(scene, f"{group}.delay", values["delay"])


def _coarse(
    scene: Scene, group: str, one: Declaration, change: Any, kinds: Mapping[str, Any],
    values: Mapping[str, Any], most: float = _COARSE,
) -> Iterator[Doubt]:  # fmt: skip
    dt = scene.structure.dt
    at = scene.first(-change * dt > most * (1 + _NEARLY))  # what grows has no rest to be near
    if at is None:
        return
    constant = 1 / abs(value_at(change, at))
    same = [
        name for name, kind in kinds.items()
        if kind in (SECOND, HERTZ)
        and np.isclose(value_at(values.get(name, np.nan), at) ** (1 if kind == SECOND else -1),
                       constant)
    ]  # fmt: skip
    key = f"{group}.{same[0]}" if same else "simulation.dt"
    yield Doubt(
        key,
        f"{one.left} of {group} has a time constant of {amount(constant, SECOND)}, for which steps "
        f"of {amount(dt, SECOND)} are coarse; give simulation.dt="
        f"'{amount(_lower(constant * _COARSE / 2), SECOND)}'",
    )


def _lower(time: float) -> float:
    """Return a round time that is not longer: 1, 2 or 5 times a power of ten."""
    power = 10.0 ** np.floor(np.log10(time) + 1e-9)  # may be a little above the time
    return float(power * max(n for n in (0.5, 1, 2, 5) if n * power <= time * (1 + 1e-9)))


def _at_threshold(
    scene: Scene, group: str, cell: Cell, values: Mapping[str, Any]
) -> Iterator[Doubt]:
    """Doubt steps in which a cell runs far beyond its threshold.

    Where a slope is a polynomial, that is: an exponential is past all measure at its threshold.
    """
    tree = ast.parse(" ".join(cell.threshold.split()), mode="eval").body
    if not (
        isinstance(tree, ast.Compare)
        and len(tree.ops) == 1
        and isinstance(tree.ops[0], ast.Gt | ast.GtE)
        and isinstance(tree.left, ast.Name)
        and tree.left.id in cell.states
    ):
        return
    one = next(one for one in cell.declared if one.name == tree.left.id)
    if any("(" in other.expression and _calls(other) for other in cell.declared):
        return
    there = value_of(ast.unparse(tree.comparators[0]), values)
    _, change = slope(cell.declared, one, {**values, one.name: there})
    at = scene.first(change * scene.structure.dt > 1 + _NEARLY)
    if at is not None:
        constant = 1 / value_at(change, at)
        yield Doubt(
            "simulation.dt",
            f"{amount(scene.structure.dt, SECOND)} is coarse for {group}: near the threshold "
            f"{one.name} grows with a time constant of {amount(constant, SECOND)}, and intervals "
            f"come out too long; izhi converge measures by how much",
        )


def _calls(one: Declaration) -> bool:
    if not one.expression:
        return False
    tree = ast.parse(" ".join(one.expression.split()), mode="eval")
    return any(isinstance(node, ast.Call) for node in ast.walk(tree))


def _delay(scene: Scene, key: str, delay: Any) -> Iterator[Doubt]:
    dt = scene.structure.dt
    steps = np.asarray(delay) / dt
    at = scene.first(np.abs(steps - np.round(steps)) > _NEARLY * np.maximum(1, steps))
    if at is not None:
        acts = int(value_at(steps, at) + 0.5) * dt
        yield Doubt(
            key,
            f"{scene.written(key, at)} is no multiple of simulation.dt = {amount(dt, SECOND)}: it "
            f"acts after {amount(acts, SECOND)}",
        )


def of_stimuli(scene: Scene, population: Population) -> Iterator[Doubt]:
    """Give the doubts on the time step for stimuli: pulses and periods of less than a few."""
    dt = scene.structure.dt
    for stimulus, wave in population.stimuli:
        group = f"{scene.group(population.name, 'stimulus')}{stimulus.removeprefix('stimulus')}"
        values = {
            name: scene.grid(population.name, "stimulus", f"{stimulus}.{name}".split(".", 1)[1])
            for name in wave.given
        }  # fmt: skip
        edges = {edge.time for edge in wave.edges}
        for name, kind in wave.parameters:
            if kind == SECOND and name not in edges:
                at = scene.first((values[name] > 0) & (values[name] < dt * (1 - _NEARLY)))
                said = f"is shorter than a time step (simulation.dt = {amount(dt, SECOND)})"
            elif kind == HERTZ:
                at = scene.first(values[name] * dt > _COARSE)
                said = f"has less than 5 time steps (simulation.dt = {amount(dt, SECOND)}) a period"
            else:
                continue
            if at is not None:
                key = f"{group}.{name}"
                yield Doubt(key, f"{scene.written(key, at)} {said}")
        yield from _edges(scene, group, sorted(edges), values)


def _edges(
    scene: Scene, group: str, edges: list[str], values: Mapping[str, Any]
) -> Iterator[Doubt]:
    """Doubt edges that lie within a time step."""
    dt = scene.structure.dt
    times = {edge: value_of(edge, values) for edge in edges}
    for n, first in enumerate(edges):
        for other in edges[n + 1 :]:
            apart = np.abs(times[first] - times[other])
            at = scene.first((apart > 0) & (apart < dt * (1 - _NEARLY)))
            if at is not None:
                yield Doubt(
                    group,
                    f"{first} and {other} are {amount(value_at(apart, at), SECOND)} apart, less "
                    f"than a time step (simulation.dt = {amount(dt, SECOND)})",
                )
