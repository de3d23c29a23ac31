"""Doubts on what states start at: far from where they rest, beyond a threshold, or inert."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from izhi.models import declarations, dimensions
from izhi.models.cell import Cell
from izhi.models.circuit import Projection
from izhi.models.declarations import Declaration
from izhi.sweep.doubts.doubt import Doubt
from izhi.sweep.doubts.scene import (
    Scene,
    after,
    amount,
    neuron_at_start,
    resolved,
    slope,
    synapse_at_start,
    value_at,
    value_of,
)  # fmt: skip

_FAR = 0.25
"""Of a state's rest, or of its start where that is larger: nearer to it, it soon is there."""

_NOTHING = 1e-15

_ROUNDING = 1e-8
"""Of a state's start: a rest nearer to 0 is what the difference quotient leaves of 0."""


def of_neuron(scene: Scene, population: str, cell: Cell) -> Iterator[Doubt]:
    """Give the doubts on what a neuron's states start at, and on its reset."""
    values = neuron_at_start(scene, population, cell)
    group = scene.group(population, "neuron")
    crossing = dimensions.names(cell.threshold) & set(cell.states)
    resting = dict(cell.rest)
    for one in cell.declared:
        given = one.name in cell.starts
        if one.kind == "state" and not (given and one.name in crossing):
            way = "rest" if one.name in resting else ""
            yield from _start(scene, group, cell.declared, one, values, given, way)
    yield from _threshold(scene, group, cell, values, min(crossing, default=None))


def of_synapse(scene: Scene, projection: Projection) -> Iterator[Doubt]:
    """Give the doubts on what a synapse's states start at, and on what its first spike does."""
    values = synapse_at_start(scene, projection)
    group = scene.group(projection.name, "synapse")
    synapse = projection.synapse
    found: list[Doubt] = []
    for one in synapse.declared:
        if one.kind == "state":
            given = one.name in synapse.starts
            found += _start(scene, group, synapse.declared, one, values, given)
    yield from found or _inert(scene, group, projection, values)


def _start(
    scene: Scene, group: str, declared: Sequence[Declaration], one: Declaration,
    values: Mapping[str, Any], given: bool, way: str = "",
) -> Iterator[Doubt]:  # fmt: skip
    """Doubt a state that starts far from where its own equation rests."""
    key = f"{group}.{one.name}_0"
    if given and scene.swept(key):
        return
    inner = {other.name: other.expression for other in declared if other.kind == "subexpression"}
    rate, change = slope(declared, one, values)
    start = values[one.name]
    if declarations.degree(one.expression, {one.name}, inner) != 1:
        if not given and scene.first(np.abs(rate) > _NOTHING) is not None:
            zero = amount(0.0, one.dimension)
            yield Doubt(key, f"missing; {one.name} starts at {zero}, where {one.left} is not 0")
        return
    rest = start - rate / change
    rest = np.where(np.abs(rest) < _ROUNDING * np.abs(start), 0.0, rest)
    apart, size = np.abs(start - rest), np.maximum(np.abs(start), np.abs(rest))
    at = scene.first((apart > _FAR * size) & (apart > _NOTHING) & np.isfinite(rest))
    if at is None:
        return
    here, there = (amount(value_at(found, at), one.dimension) for found in (start, rest))
    missing = "" if given else "missing; "
    way = f"{key}={way}" if way else f"{key}='{there}'" if " " in there else f"{key}={there}"
    yield Doubt(key, f"{missing}{one.name} starts at {here}, but rests at {there}; give {way}")


def _threshold(
    scene: Scene, group: str, cell: Cell, values: Mapping[str, Any], name: str | None
) -> Iterator[Doubt]:
    """Doubt a neuron that spikes at once, or goes on to spike in every step."""
    at = scene.first(value_of(cell.threshold, values) > 0)
    if at is not None and name is not None:
        kind = next(one.dimension for one in cell.declared if one.name == name)
        start = amount(value_at(values[name], at), kind)
        yield Doubt(
            f"{group}.{name}_0",
            f"{name} starts at {start}, where {cell.threshold} holds: every cell spikes at once",
        )
    if cell.reset:
        left = resolved(cell.declared, after(cell.reset, values))
        at = scene.first(value_of(cell.threshold, left) > 0)
        said = f"{cell.threshold} still holds after it: a cell that has spiked does so in each step"
    elif not cell.refractory:
        at = scene.first(True)
        said = f"missing; a cell spikes in every step in which {cell.threshold} holds"
    else:
        at = None
    if at is not None:
        yield Doubt(f"{group}.reset", said)


def _inert(
    scene: Scene, group: str, projection: Projection, values: Mapping[str, Any]
) -> Iterator[Doubt]:
    """Doubt a synapse whose first spikes change nothing, at whatever point."""
    synapse = projection.synapse
    before = {**values}
    reached = [
        declarations.parts(line)[0] for line in declarations.statements(synapse.on_pre)
        if declarations.parts(line)[0].endswith("_post")
    ]  # fmt: skip
    before |= dict.fromkeys(reached, 0.0)
    now = after(synapse.on_pre, before)
    if not all(scene.always(np.asarray(now[name]) == 0) for name in reached):
        return
    zero = [name for name, _ in synapse.parameters if scene.always(np.asarray(values[name]) == 0)]
    for name in zero[:1]:
        yield Doubt(f"{group}.{name}", "0 at all points, and a spike does nothing with it")
    if not zero:
        yield Doubt(f"{group}.on_pre", f"a spike adds 0 to {', '.join(reached)} at the start")
