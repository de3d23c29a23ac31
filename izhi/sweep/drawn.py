"""What is drawn at random for the points of a shard: functions of the seed, never of a stream.

Points of one seed have the same numbers, whatever else differs between them: what their results
differ by is what was swept. Points of other seeds have others.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from izhi import draws
from izhi.config import keys
from izhi.errors import ConfigError
from izhi.models import heterogeneity
from izhi.models.heterogeneity import Line

Parameters = Mapping[str, NDArray[Any]]


def of_cells(
    lines: tuple[Line, ...], given: Parameters, seed: NDArray[np.int64], owner: str, count: int
) -> dict[str, NDArray[Any]]:
    """Return what the cells of a population have.

    Parameters
    ----------
    lines
        The neuron's lines.
    given
        Values of parameters and constants, one for each point or one for all, shape (points, 1).
    seed
        Likewise, shape (points,).
    owner, count
        Name of the population, and its number of cells.

    Returns
    -------
    dict
        By name of the line: arrays of shape (points or 1, cells or 1).
    """

    def bits(name: str) -> draws.Bits:
        each, row = np.unique(seed, return_inverse=True)
        found = draws.then(draws.key(each[:, None], owner, name), np.arange(count))
        return found[row] if len(each) > 1 else found

    return _checked(heterogeneity.values(lines, given, bits), f"{owner}.neuron")


def of_synapses(
    lines: tuple[Line, ...], given: Parameters, seed: NDArray[np.int64], owner: str,
    pairs: NDArray[np.int32],
) -> dict[str, NDArray[Any]]:  # fmt: skip
    """Return what the synapses of a projection have; see :func:`of_cells`.

    Parameters
    ----------
    lines, given, seed
        As for cells.
    owner
        Name of the projection.
    pairs
        Source and target cells, shape (synapses, 2).
    """

    def bits(name: str) -> draws.Bits:
        each, row = np.unique(seed, return_inverse=True)
        source = draws.then(draws.key(each[:, None], owner, name), pairs[:, 0])
        found = draws.then(source, pairs[:, 1])
        return found[row] if len(each) > 1 else found

    return _checked(heterogeneity.values(lines, given, bits), f"{owner}.synapse")


def _checked(values: dict[str, NDArray[Any]], group: str) -> dict[str, NDArray[Any]]:
    """Check that what was drawn is what the parameters of these names may be."""
    section = keys.DRAWN[group.rpartition(".")[2]]
    for name, drawn in values.items():
        key = keys.key_of(f"{group}.{name}")
        ends = (float(drawn.min()), float(drawn.max()))
        for value in ends:
            if not np.isfinite(value):
                raise ConfigError(f"{group}.{section}.{name}: is not finite for every draw")
            if isinstance(key, keys.QuantityKey) and not key.holds(value):
                raise ConfigError(
                    f"{group}.{section}.{name}: from {ends[0]:g} to {ends[1]:g} in SI units; "
                    f"{key.rule}"
                )
    return values
