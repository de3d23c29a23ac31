"""The models that a composed config holds, read from its texts and the units of its values."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from operator import itemgetter
from typing import Any

import numpy as np

from izhi.config import keys
from izhi.config.sweep import Base, Sweep
from izhi.models import cell
from izhi.models.cell import Cell
from izhi.units import Dimension, Quantity


def values(sweep: Sweep, base: Base, key: str) -> list[Any]:
    """Return all values of a key, one where it is not swept."""
    for axis in sweep.axes:
        if axis.key == key and axis.values is not None:
            return list(axis.values)
    return [base.values.get(key)]


def dimension(sweep: Sweep, base: Base, key: str) -> Dimension | None:
    """Return the dimension of a key's value, swept or not."""
    for axis in sweep.axes:
        if axis.key == key and axis.values is not None:
            return axis.dimension
    value = base.values.get(key)
    return value.dimension if isinstance(value, Quantity) else None


def neuron(sweep: Sweep, base: Base, group: str, chosen: Mapping[str, Any]) -> Cell:
    """Return the neuron of a config.

    Parameters
    ----------
    sweep, base
        The sweep, and one of its composed configs.
    group
        Where the neuron is in it: ``"neuron"`` or ``"post.neuron"``.
    chosen
        Values of axes that are no parameters, such as texts and constants.

    Raises
    ------
    ConfigError
        Naming what is wrong with it.
    """
    texts: dict[str, str] = {}
    parameters: dict[str, Dimension | None] = {}
    constants: dict[str, Quantity] = {}
    rest: dict[str, str] = {}
    for key in [*base.values, *base.swept]:
        if not key.startswith(f"{group}."):
            continue
        above, _, name = key.removeprefix(f"{group}.").rpartition(".")
        value = chosen.get(key, base.values.get(key))
        if above == "constants":
            constants[name] = value
        elif above == "rest":
            rest[name] = value
        elif name in keys.NEURON_TEXTS:
            texts[name] = str(value)
        elif isinstance(keys.key_of(key), keys.QuantityKey):
            parameters[name] = _kind(sweep, base, key)
    # sorted: a structure is the same whichever of its parameters are swept
    held = (texts, constants, rest, parameters)
    return _read(*(tuple(sorted(one.items(), key=itemgetter(0))) for one in held), group)


@lru_cache(maxsize=256)
def _read(texts: Any, constants: Any, rest: Any, parameters: Any, group: str) -> Cell:
    return cell.read(dict(texts), dict(parameters), dict(constants), group, dict(rest))


def _kind(sweep: Sweep, base: Base, key: str) -> Dimension | None:
    """Return a parameter's dimension; None where all of its values are the word rest."""
    given = values(sweep, base, key)
    numbers = [value.si if isinstance(value, Quantity) else value for value in given]
    return None if np.isnan(np.array(numbers, float)).all() else dimension(sweep, base, key)
