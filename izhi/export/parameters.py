"""The parameters of a study: every key that was swept or set, with its values and unit."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from izhi import units
from izhi.config.keys import QuantityKey, key_of
from izhi.errors import ConfigError
from izhi.units import Quantity

_NOT_RESULTS = ("study.", "run.", "record.")
"""Starts of keys on which no result depends."""


@dataclass(frozen=True)
class Parameter:
    """A key with all values that it has in a study.

    Attributes
    ----------
    key
        The dotted key.
    kind
        A data type of schema.org: ``Float``, ``Integer``, ``Boolean`` or ``Text``.
    values
        The different values, in order; numbers in `unit`.
    unit
        The unit of the numbers; ``""`` where there is none.
    axis
        Name of the dimension, where the key was swept.
    """

    key: str
    kind: str
    values: list[Any]
    unit: str
    axis: str | None


def parameters(asked: Mapping[str, Any]) -> list[Parameter]:
    """Return the parameters of a study, the swept ones first.

    Parameters
    ----------
    asked
        Axes and composed configs, as in the attribute ``config`` of a dataset. What does not
        change results (``run``, ``record`` and ``study``) is left out.
    """
    axes = [
        Parameter(
            axis["key"], _kind(axis["values"]), axis["values"], axis["unit"] or "", named["name"]
        )
        for named in asked["axes"]
        for axis in (named, *named.get("links", ()))
    ]
    swept = {axis.key for axis in axes}
    values: dict[str, list[Any]] = {}
    for config in asked["configs"]:
        for key, value in config.items():
            if key not in swept and not key.startswith(_NOT_RESULTS):
                known = values.setdefault(key, [])
                if value not in known:
                    known.append(value)
    return [*axes, *(_parameter(key, known) for key, known in values.items())]


def _parameter(key: str, values: list[Any]) -> Parameter:
    quantities = [_quantity(key, value) for value in values]
    found = {None if quantity is None else quantity.unit for quantity in quantities}
    if len(found) == 1 and None not in found:
        numbers = [quantity.number for quantity in quantities if quantity is not None]
        return Parameter(key, "Float", numbers, found.pop() or "", None)
    kind = _kind(values)
    if kind == "Text":
        values = [v if isinstance(v, str) else json.dumps(v, ensure_ascii=False) for v in values]
    return Parameter(key, kind, values, "", None)


def _quantity(key: str, value: Any) -> Quantity | None:
    """Return a value of a config as a quantity; None for words such as ``rest``."""
    if not isinstance(key_of(key), QuantityKey) or not isinstance(value, str):
        return None
    try:
        return units.parse(value)
    except ConfigError:
        return None


def _kind(values: Sequence[Any]) -> str:
    types = {type(value) for value in values}
    if types == {bool}:
        return "Boolean"
    if types == {int}:
        return "Integer"
    return "Float" if types and types <= {int, float} else "Text"
