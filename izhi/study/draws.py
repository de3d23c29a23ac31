"""What was drawn at random for cells and synapses, as variables of the dataset.

These are functions of the seed and of what is swept: no shard file holds them, and they are
computed again where a dataset is written or checked.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from izhi import units
from izhi.config import keys
from izhi.config.sweep import Axis, Base, Sweep
from izhi.errors import ConfigError
from izhi.models import circuit as circuits
from izhi.models import heterogeneity
from izhi.models.cell import Cell
from izhi.models.circuit import Circuit, Population, Projection
from izhi.models.synapse import Synapse
from izhi.spikes import STATISTICS
from izhi.sweep import plan as plans
from izhi.sweep import points
from izhi.sweep.drawn import sources
from izhi.sweep.plan import Drawn, Plan, Shard
from izhi.units import Dimension, Quantity

CONNECTION = "connection"
"""The dimension of synapses, each labelled by projection, source and target cell."""

MOST_CONNECTIONS = 10_000
"""Synapses from which on what was drawn for them is not stored."""

MOST_VALUES = 20_000_000
"""Values of a variable from which on it is not stored."""

ABSENT = -1
"""The number of a neuron type where none was drawn."""


@dataclass(frozen=True)
class Variable:
    """Something that was drawn.

    Attributes
    ----------
    name
        Its name in the dataset.
    per
        What has one: ``"cell"`` or ``"connection"``.
    units
        The unit that it is given in.
    long_name, comment
        What it is, and the expression.
    line
        Its name in the config; ``""`` for the neuron type.
    owners
        The populations or projections that have it, each with the number of its batch.
    words
        What the values stand for, from 0 on; empty where they are numbers.
    """

    name: str
    per: str
    units: str
    long_name: str
    comment: str
    line: str
    owners: tuple[tuple[int, str], ...]
    words: tuple[str, ...] = ()

    @property
    def dtype(self) -> np.dtype[Any]:
        """The type of its values."""
        return np.dtype(np.int8 if self.words else np.float64)


@dataclass(frozen=True, eq=False)
class Draws:
    """All that was drawn for the cells and synapses of a study.

    Attributes
    ----------
    plan
        The plan.
    variables
        What is stored of it.
    connections
        Labels of the synapses of all circuits for which something was drawn.
    """

    plan: Plan
    variables: tuple[Variable, ...]
    connections: tuple[str, ...]

    @classmethod
    def of(cls, plan: Plan) -> Draws:
        """Return what is stored of what a plan draws."""
        connections = _connections(plan)
        variables = [*_types(plan), *_lines(plan, "neuron", "cell")]
        if connections:
            variables += _lines(plan, "synapse", CONNECTION)
        axes = {axis.name for axis in plan.sweep.axes}
        return cls(plan, tuple(_distinct(variables, axes)), connections or ())

    def labels(self, variable: Variable) -> tuple[str, ...]:
        """Return the labels of what a variable is of."""
        return self.connections if variable.per == CONNECTION else self.plan.cells

    def read(self, first: int, stop: int) -> dict[str, NDArray[Any]]:
        """Return what was drawn for some points in a row.

        Parameters
        ----------
        first, stop
            Numbers of the first point and of the one after the last.

        Returns
        -------
        dict
            Arrays of shape (points, cells) or (points, connections) by name; NaN or `ABSENT` where
            nothing was drawn.
        """
        result: dict[str, NDArray[Any]] = {}
        for variable in self.variables:
            shape = (stop - first, len(self.labels(variable)))
            fill = ABSENT if variable.words else np.nan
            result[variable.name] = np.full(shape, fill, variable.dtype)
        batch_of = self._batch_of[first:stop]
        for batch in np.unique(batch_of).tolist():
            rows = np.flatnonzero(batch_of == batch)
            self._fill(result, batch, rows, first)
        return result

    @cached_property
    def _batch_of(self) -> NDArray[np.int64]:
        batch_of = np.empty(self.plan.points, np.int64)
        for shard in self.plan.shards:
            batch_of[shard.points] = shard.batch
        return batch_of

    @cached_property
    def _place(self) -> dict[str, int]:
        return {label: n for labels in (self.plan.cells, self.connections)
                for n, label in enumerate(labels)}  # fmt: skip

    def _fill(
        self, result: dict[str, NDArray[Any]], batch: int, rows: NDArray[np.int64], first: int
    ) -> None:
        """Write what was drawn for points of one structure."""
        shard = Shard(0, batch, rows + first)
        drawn = plans.draws(self.plan, shard)
        circuit = self.plan.batches[batch].structure.circuit
        for variable in self.variables:
            if variable.words:
                self._fill_types(result[variable.name], variable.words, circuit, shard, rows)
                continue
            scale = units.with_unit(1.0, variable.units).si
            for number, owner in variable.owners:
                if number == batch:
                    values = drawn[owner].values[variable.line] / scale
                    if variable.per == "cell":
                        self._fill_cells(result[variable.name], circuit, owner, rows, values)
                    else:
                        at = self._places(circuit, owner)
                        _fill_synapses(result[variable.name], at, drawn[owner], rows, values)

    def _fill_types(
        self, table: NDArray[Any], words: tuple[str, ...], circuit: Circuit, shard: Shard,
        rows: NDArray[np.int64],
    ) -> None:  # fmt: skip
        sweep = self.plan.sweep
        base_of = points.take(sweep.base_of, points.index(sweep, shard.points))
        for number in np.unique(base_of).tolist():
            base = sweep.bases[number]
            here = rows[np.broadcast_to(base_of == number, rows.shape)]
            for population in circuit.populations:
                word = base.drawn.get(circuits.group_of(base, population.name, "neuron"))
                if word is not None:
                    number_of_word = np.array([[words.index(word)]])
                    self._fill_cells(table, circuit, population.name, here, number_of_word)

    def _fill_cells(
        self, table: NDArray[Any], circuit: Circuit, owner: str, rows: NDArray[np.int64],
        values: NDArray[Any],
    ) -> None:  # fmt: skip
        count = circuit.population(owner).count
        columns = np.array([self._place[f"{owner}{n}"] for n in range(count)], np.int64)
        table[np.ix_(rows, columns)] = np.broadcast_to(values, (rows.size, count))

    def _places(self, circuit: Circuit, owner: str) -> NDArray[np.int64]:
        """Return the place of each source and target cell's synapse among the connections."""
        projection = next(p for p in circuit.projections if p.name == owner)
        counts = (circuit.population(name).count for name in (projection.source, projection.target))
        places = np.full(tuple(counts), -1)
        for (source, target), label in zip(
            _pairs(circuit, projection), _labels(circuit, projection), strict=True
        ):
            places[source, target] = self._place[label]
        return places


def _fill_synapses(
    table: NDArray[Any], places: NDArray[np.int64], drawn: Drawn, rows: NDArray[np.int64],
    values: NDArray[Any],
) -> None:  # fmt: skip
    """Write what was drawn for synapses, which may be others at every point."""
    assert drawn.first_of is not None and drawn.target is not None
    shape = (rows.size, drawn.target.shape[1])
    there = np.arange(shape[1]) < drawn.first_of[:, -1:]
    column = places[sources(drawn.first_of, shape[1]), drawn.target]
    there, column, row, values = (
        np.broadcast_to(array, shape) for array in (there, column, rows[:, None], values)
    )
    table[row[there], column[there]] = values[there]


def _pairs(circuit: Circuit, projection: Projection) -> list[tuple[int, int]]:
    """Return source and target cell of all synapses that a projection has at some point."""
    if projection.connect == "random":
        projection = replace(projection, connect="all")
    return [(source, target) for source, target in circuit.pairs(projection).tolist()]


def _labels(circuit: Circuit, projection: Projection) -> list[str]:
    start, source, target = projection.name, projection.source, projection.target
    return [f"{start}.{source}{i}.{target}{j}" for i, j in _pairs(circuit, projection)]


def _connections(plan: Plan) -> tuple[str, ...] | None:
    """Return the labels of the synapses for which something is drawn; None where these are many."""
    labels: dict[str, None] = {}
    for batch in plan.batches:
        circuit = batch.structure.circuit
        for projection in circuit.projections:
            if projection.synapse.drawn:
                if circuit.most_synapses(projection) > MOST_CONNECTIONS:
                    return None
                labels |= dict.fromkeys(_labels(circuit, projection))
    few = len(labels) <= MOST_CONNECTIONS and len(labels) * plan.points <= MOST_VALUES
    return tuple(labels) if few else None


def _types(plan: Plan) -> Iterator[Variable]:
    """Give the variable of the drawn neuron types, where there are any."""
    types = [word for n in plan.sweep.used for word in plan.sweep.bases[n].drawn.values()]
    if types:
        yield Variable(
            "neuron_type", "cell", "1", "drawn neuron type",
            "The neuron type that neuron=random, or a file like it, drew by simulation.seed; "
            f"{ABSENT} where none was drawn.",
            "", (), tuple(sorted(set(types))),
        )  # fmt: skip


def _lines(plan: Plan, kind: str, per: str) -> list[Variable]:
    """Return a variable for each name and dimension drawn for neurons, or for synapses."""
    variables: dict[tuple[str, Dimension], Variable] = {}
    texts: dict[tuple[str, Dimension], dict[str, None]] = {}
    for number, batch in enumerate(plan.batches):
        circuit = batch.structure.circuit
        owners = circuit.populations if kind == "neuron" else circuit.projections
        for owner in owners:
            model = owner.neuron if isinstance(owner, Population) else owner.synapse
            if not model.drawn:
                continue
            base = _config_of(plan, number)
            group = circuits.group_of(base, owner.name, kind)
            for name, dimension in _dimensions(plan.sweep, base, group, model).items():
                at = name, dimension
                line = f"{group}.{keys.DRAWN[kind]}.{name}"
                text = "swept" if line in base.swept else base.values[line]
                texts.setdefault(at, {})[f"{line}: {text}"] = None
                before = variables.get(at) or Variable(
                    f"{kind}_{name}", per,
                    _unit(plan.sweep, base, f"{group}.{name}", dimension),
                    f"{name} of each {'cell' if kind == 'neuron' else 'synapse'}", "", name, (),
                )  # fmt: skip
                variables[at] = replace(before, owners=(*before.owners, (number, owner.name)))
    return [
        replace(variable, comment=f"{'; '.join(texts[at])}; drawn by simulation.seed.")
        for at, variable in variables.items()
    ]


def _config_of(plan: Plan, batch: int) -> Base:
    """Return a config of a batch: what is drawn is the same in all of them."""
    first = next(shard.points[:1] for shard in plan.shards if shard.batch == batch)
    base_of = points.take(plan.sweep.base_of, points.index(plan.sweep, first))
    return plan.sweep.bases[int(np.ravel(base_of)[0])]


def _dimensions(
    sweep: Sweep, base: Base, group: str, model: Cell | Synapse
) -> dict[str, Dimension]:  # fmt: skip
    """Return the dimensions of what is drawn."""
    known = {name: dimension for name, _, dimension in model.constants}
    for name in model.given:
        quantity = base.values.get(f"{group}.{name}")
        axis = _axis(sweep, f"{group}.{name}")
        if axis is not None and axis.dimension is not None:
            known[name] = axis.dimension
        elif isinstance(quantity, Quantity):
            known[name] = quantity.dimension
    own = [*model.parameters, *(model.target_parameters if isinstance(model, Synapse) else ())]
    return heterogeneity.dimensions_of(model.drawn, known | dict(own))


def _axis(sweep: Sweep, key: str) -> Axis | None:
    return next((axis for axis in sweep.axes if axis.key == key), None)


def _unit(sweep: Sweep, base: Base, key: str, dimension: Dimension) -> str:
    """Return the unit that a parameter is written in; of other names that of the dimension."""
    axis, quantity = _axis(sweep, key), base.values.get(key)
    if axis is not None and axis.unit:
        return axis.unit
    if isinstance(quantity, Quantity) and quantity.unit and quantity.dimension == dimension:
        try:
            if units.dimension_of(quantity.unit) == dimension:
                return quantity.unit
        except ConfigError:  # a word such as rest
            pass
    return units.symbol(dimension)


def _distinct(variables: list[Variable], axes: set[str]) -> Iterator[Variable]:
    """Give variables under names that no axis, statistic or other variable has."""
    taken = axes | STATISTICS.keys() | {"status"}
    for variable in variables:
        name = variable.name
        while name in taken:
            name += "_drawn"
        taken.add(name)
        yield replace(variable, name=name)
