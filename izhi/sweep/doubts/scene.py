"""A structure with the values of its parameters, thinned: a doubt is not worth a look per point."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from izhi import units
from izhi.config import keys
from izhi.config.sweep import Axis, Sweep
from izhi.errors import ConfigError
from izhi.models import circuit as circuits
from izhi.models import declarations, dimensions
from izhi.models.cell import Cell
from izhi.models.circuit import Projection
from izhi.models.declarations import Declaration
from izhi.models.evaluate import evaluate
from izhi.sweep import points
from izhi.sweep.structures import Structure
from izhi.units import AMPERE, HERTZ, NUMBER, SECOND, VOLT, Dimension

_MOST = 50_000
"""Combinations of values that are looked at."""

_UNITS = {VOLT: ("mV", 1e-3), AMPERE: ("pA", 1e-12), SECOND: ("ms", 1e-3), HERTZ: ("Hz", 1.0),
          NUMBER: ("", 1.0), units.dimension_of("S"): ("nS", 1e-9)}  # fmt: skip

_CHANGES: Mapping[str, Callable[[Any, Any], Any]] = {
    "": lambda before, given: given,
    "+": np.add, "-": np.subtract, "*": np.multiply, "/": np.divide,
}  # fmt: skip

At = tuple[int, ...]
"""A combination of values, by its place on each axis."""


def thinned(sweep: Sweep) -> Sweep:
    """Return a sweep with few values of each axis, the least and the greatest among them.

    Choices of files are all kept: their number is bounded, and each may be off in its own way.
    """
    choices = [len(axis) for axis in sweep.axes if axis.values is None]
    for most in (9, 5, 3, 2, 1):
        sizes = [min(len(axis), most) for axis in sweep.axes if axis.values is not None]
        if np.prod([*choices, *sizes], dtype=float) <= _MOST:
            break
    base_of, axes = sweep.base_of, []
    for number, axis in enumerate(sweep.axes):
        kept = np.arange(len(axis)) if axis.values is None else _spread(axis, most)
        if base_of.shape[number] > 1:
            base_of = np.take(base_of, kept, number)
        axes.append(axis.at(kept))
    return replace(sweep, axes=tuple(axes), base_of=base_of)


def _spread(axis: Axis, most: int) -> NDArray[np.int64]:
    """Return the places of a few values of an axis, evenly spread over them by size."""
    assert axis.values is not None
    order = np.arange(len(axis))
    if axis.values.dtype != object:
        order = np.argsort(axis.values, kind="stable")
    few = np.unique(np.linspace(0, len(axis) - 1, min(most, len(axis))).round().astype(int))
    return np.sort(order[few])


@dataclass(frozen=True)
class Scene:
    """A structure, and what its parameters are.

    Attributes
    ----------
    sweep
        The axes, thinned.
    structure
        What is simulated.
    bases
        Numbers of the composed configs that have this structure.
    """

    sweep: Sweep
    structure: Structure
    bases: tuple[int, ...]

    def group(self, owner: str, kind: str, at: At | None = None) -> str:
        """Return the group of a population's neuron or stimulus, or of a projection's synapse."""
        number = self.bases[0] if at is None else int(_taken(self.sweep.base_of, at))
        return circuits.group_of(self.sweep.bases[number], owner, kind)

    def groups(self, owner: str, kind: str) -> set[str]:
        """Return the groups that it comes from in all configs of this structure."""
        bases = map(self.sweep.bases.__getitem__, self.bases)
        return {circuits.group_of(base, owner, kind) for base in bases}

    def grid(self, owner: str, kind: str, name: str) -> NDArray[np.float64]:
        """Return the SI values of a parameter; nan where a config does not hold it."""
        return points.grid_by_base(
            self.sweep, lambda base: f"{circuits.group_of(base, owner, kind)}.{name}"
        )

    def first(self, found: Any) -> At | None:
        """Return the first combination for which something holds; None where it never does."""
        here = np.isin(self.sweep.base_of, self.bases) & np.nan_to_num(found).astype(bool)
        every = np.broadcast_to(here, self.sweep.shape)
        if not every.any():
            return None
        return tuple(int(i) for i in np.unravel_index(int(np.argmax(every)), every.shape))

    def always(self, found: Any) -> bool:
        """Whether something holds for all combinations."""
        return self.first(~np.asarray(found, bool)) is None

    def swept(self, key: str) -> bool:
        """Whether a key is an axis, or goes along one."""
        alone = any(axis.key == key for axis in self.sweep.axes)
        return alone or self.sweep.along(key) is not None

    def has(self, key: str) -> bool:
        """Whether some config of this structure holds a key."""
        return any(self.sweep.bases[number].has(key) for number in self.bases)

    def written(self, key: str, at: At) -> str:
        """Return a value as it was written."""
        if (found := self.sweep.along(key)) is not None:
            return f"{found[1].labels[at[found[0]]]} {found[1].unit or ''}".strip()
        number = int(_taken(self.sweep.base_of, at))
        return keys.shown(self.sweep.bases[number].values.get(key))


def value_at(values: Any, at: At) -> float:
    """Return the value of a grid at one combination."""
    return float(_taken(np.asarray(values, float), at))


def _taken(values: NDArray[Any], at: At) -> Any:
    places = at if values.ndim else ()
    return values[tuple(i if n > 1 else 0 for i, n in zip(places, values.shape, strict=True))]


def amount(si: float, dimension: Dimension) -> str:
    """Return a value with a unit: ``"-13 mV"``."""
    unit, scale = _UNITS.get(dimension, (units.symbol(dimension), 1.0))
    return f"{si / scale + 0.0:.4g} {unit}".strip()


def value_of(text: str, values: Mapping[str, Any]) -> NDArray[np.float64]:
    """Return the value of an expression; nan where it has none before a run."""
    try:
        return evaluate(text, values)
    except ConfigError:
        return np.asarray(np.nan)


def neuron_at_start(scene: Scene, population: str, cell: Cell) -> dict[str, Any]:
    """Return the values of all names of a neuron at the start, before any input."""
    values: dict[str, Any] = {"t": 0.0, "dt": scene.structure.dt, "I": 0.0}
    values |= {name: si for name, si, _ in cell.constants}
    for name in cell.given:
        values[name] = scene.grid(population, "neuron", name)
    values |= {line.name: np.nan for line in cell.drawn}  # differs, and is not doubted
    for state, expression in cell.rest:
        start = values[f"{state}_0"]
        values[f"{state}_0"] = np.where(np.isnan(start), value_of(expression, values), start)
    for state in cell.states:
        values[state] = values[f"{state}_0"] if state in cell.starts else 0.0
    return resolved(cell.declared, values)


def synapse_at_start(scene: Scene, projection: Projection) -> dict[str, Any]:
    """Return the values of all names of a synapse, its target's states for it among them."""
    synapse = projection.synapse
    values: dict[str, Any] = {"t": 0.0, "dt": scene.structure.dt}
    values |= {name: si for name, si, _ in synapse.constants}
    values |= {name: scene.grid(projection.name, "synapse", name) for name in synapse.given}
    values |= {line.name: np.nan for line in synapse.drawn}
    for one in (*synapse.declared, *synapse.target):
        if one.kind == "state":
            values[one.name] = values.get(f"{one.name}_0", 0.0)
    return resolved((*synapse.declared, *synapse.target), values)


def resolved(declared: Sequence[Declaration], values: Mapping[str, Any]) -> dict[str, Any]:
    """Return values with those of subexpressions, from what they depend on."""
    found = dict(values)
    left = [one for one in declared if one.kind == "subexpression"]
    while left:
        waiting = {one.name for one in left}
        for one in left:
            if not dimensions.names(one.expression) & waiting:
                found[one.name] = value_of(one.expression, found)
                waiting.remove(one.name)
        left = [one for one in left if one.name in waiting]
    return found


def slope(
    declared: Sequence[Declaration], one: Declaration, values: Mapping[str, Any]
) -> tuple[Any, Any]:
    """Return how fast a state changes, and how much that changes with the state itself."""

    def rate(at: Any) -> NDArray[np.float64]:
        return value_of(one.expression, resolved(declared, {**values, one.name: at}))

    here = np.asarray(values[one.name], float)
    little = np.where(here == 0, 1e-6, 1e-6 * np.abs(here))
    return rate(here), (rate(here + little) - rate(here - little)) / (2 * little)


def after(statements: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return what values are after statements, as far as they are known."""
    now = dict(values)
    for line in declarations.statements(statements):
        name, operator, term = declarations.parts(line)
        now[name] = _CHANGES[operator](now.get(name, np.nan), value_of(term, now))
    return now
