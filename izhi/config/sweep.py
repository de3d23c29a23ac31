"""What the config room hands on: axes, and the checked values of all other keys."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from izhi import units
from izhi.config.keys import Value
from izhi.errors import ConfigError
from izhi.units import Dimension, Quantity


@dataclass(frozen=True)
class Axis:
    """One swept key.

    Attributes
    ----------
    key
        The dotted config key: ``"synapse.U_0"``.
    name
        The dataset's dimension: ``"U_0"``.
    labels
        Coordinate, one for each value: numbers in `unit`, or text (dtype object).
    unit
        The unit of the labels; None where they are text or whole numbers.
    values
        The checked values (SI floats for quantities, dtype object else); None for an axis of
        choices, whose values are in the bases.
    dimension
        The dimension of the values where they are quantities.
    links
        Further keys whose values go along: those that refer to this one, ``${stimulus.amplitude}``.
    """

    key: str
    name: str
    labels: NDArray[Any]
    unit: str | None
    values: NDArray[Any] | None
    dimension: Dimension | None = None
    links: tuple[Axis, ...] = ()

    @classmethod
    def of(cls, key: str, values: list[Value], unit: str | None) -> Axis:
        """Return the axis of checked values, labelled in `unit` where they can be."""
        quantities = [value for value in values if isinstance(value, Quantity)]
        if not quantities:
            kind = np.int64 if all(type(v) is int for v in values) else object
            text = np.array(values, dtype=kind)
            return cls(key, key, text, None, np.array(values, dtype=object))
        dimensions = {q.dimension for q in quantities if np.isfinite(q.si)}
        if len(dimensions) > 1:
            kinds = " and ".join(sorted(map(units.name_of, dimensions)))
            raise ConfigError(f"{key}: one axis holds {kinds}; its values need one dimension")
        si = np.array([q.si for q in quantities])
        dimension = next(iter(dimensions), quantities[0].dimension)
        if not np.isfinite(si).all():  # a word such as rest among the values
            labels = [q.unit if not np.isfinite(q.si) else f"{_shortest(q.number)} {q.unit}".strip()
                      for q in quantities]  # fmt: skip
            return cls(key, key, np.array(labels, dtype=object), None, si, dimension)
        if unit is None or units.dimension_of(unit) != dimension:
            unit = quantities[0].unit
        numbers = np.array([units.in_unit(q, unit) for q in quantities])
        return cls(key, key, numbers, unit, si, dimension)

    @property
    def in_one_unit(self) -> list[Any]:
        """The labels; those of quantities beside words as numbers in the unit of the first one."""
        if self.dimension is None or self.unit is not None:
            return list(self.labels)
        assert self.values is not None
        kept = np.isfinite(self.values)
        quantities = [units.parse(label) for label in self.labels[kept]]
        numbers = iter([units.in_unit(q, quantities[0].unit) for q in quantities])
        return [next(numbers) if is_number else label
                for label, is_number in zip(self.labels, kept, strict=True)]  # fmt: skip

    def at(self, kept: NDArray[np.int64]) -> Axis:
        """Return the axis with the values at some places alone."""
        values = None if self.values is None else self.values[kept]
        links = tuple(link.at(kept) for link in self.links)
        return replace(self, labels=self.labels[kept], values=values, links=links)

    def renamed(self, name: str) -> Axis:
        """Return the axis under another dimension name."""
        return replace(self, name=name)

    def __len__(self) -> int:
        """Return the number of values."""
        return len(self.labels)


def _shortest(number: float) -> str:
    """Return a number as text that reads back as the same: two values never have one label."""
    text = f"{number:g}"
    return text if float(text) == number else repr(number)


@dataclass(frozen=True)
class Base:
    """The composed config of one combination of choices.

    Attributes
    ----------
    values
        Checked values by dotted key, without the keys that an axis varies.
    swept
        What the config held for the keys that an axis varies.
    drawn
        The neuron type that was drawn, by group: ``{"neuron": "chattering"}``.
    """

    values: Mapping[str, Value]
    swept: Mapping[str, Any]
    drawn: Mapping[str, str] = field(default_factory=dict)

    def has(self, key: str) -> bool:
        """Whether the config holds `key`, swept or not."""
        return key in self.values or key in self.swept


@dataclass(frozen=True)
class Sweep:
    """All that was asked for, checked value by value.

    Attributes
    ----------
    axes
        The swept keys, in the order in which they were given.
    bases
        The composed configs.
    base_of
        Number of the base, shape one per axis: that axis's length where it selects bases, else 1.
    choices
        The choice made in each group of the first base.
    overrides
        The overrides as given.
    """

    axes: tuple[Axis, ...]
    bases: tuple[Base, ...]
    base_of: NDArray[np.int64]
    choices: Mapping[str, str]
    overrides: tuple[str, ...]

    @property
    def shape(self) -> tuple[int, ...]:
        """Lengths of the axes."""
        return tuple(len(axis) for axis in self.axes)

    @property
    def used(self) -> list[int]:
        """Numbers of the bases that points use."""
        return [int(i) for i in np.unique(self.base_of)]

    def along(self, key: str) -> tuple[int, Axis] | None:
        """Return the number of the axis along which a key's values go, with them; else None."""
        for number, axis in enumerate(self.axes):
            for one in (axis, *axis.links):
                if one.key == key and one.values is not None:
                    return number, one
        return None

    def setting(self, key: str) -> Any:
        """Return a value that holds for the whole study."""
        return self.bases[self.used[0]].values[key]

    @property
    def command(self) -> tuple[str, ...]:
        """The command that runs this sweep."""
        return ("izhi", "run", *["-m"] * bool(self.axes), *self.overrides)
