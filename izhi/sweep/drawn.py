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

_MOST_DRAWS = 1_000_000
"""Draws that are held at a time, where only what comes of them is kept."""

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


def of_noise(
    seed: NDArray[np.int64], population: str, stimulus: str, count: int
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Return what cells draw a stimulus's numbers from, as low and high halves.

    Returns
    -------
    tuple
        Arrays of shape (points or 1, cells).
    """
    each, row = np.unique(seed, return_inverse=True)
    bits = draws.then(draws.key(each[:, None], population, stimulus), np.arange(count))
    found = np.ascontiguousarray(bits[row] if len(each) > 1 else bits)
    halves = found.astype("<u8").view("<i4").reshape(*found.shape, 2)
    return halves[..., 0].astype(np.int32), halves[..., 1].astype(np.int32)


def connections(
    probability: NDArray[np.float64], seed: NDArray[np.int64], owner: str,
    counts: tuple[int, int], itself: bool,
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:  # fmt: skip
    """Return who projects onto whom at random, by source and then by target.

    Whether there is a synapse depends on the seed, the projection and the two cells alone: with a
    higher probability, or more cells, there are further synapses beside the same ones.

    Parameters
    ----------
    probability, seed
        One for each point or one for all.
    owner
        Name of the projection.
    counts
        Number of source and of target cells.
    itself
        Whether both are one population, in which no cell projects onto itself.

    Returns
    -------
    first_of
        Number of each source cell's first synapse, and at last that of all synapses, shape
        (points or 1, sources + 1).
    target
        Target cell of each synapse, shape (points or 1, most synapses of a point).
    """
    every = np.stack(np.broadcast_arrays(probability, seed.astype(np.float64)), axis=1)
    each, row = np.unique(every, axis=0, return_inverse=True)
    found = [_connected(p, draws.key(np.uint64(s), owner), counts, itself) for p, s in each]
    first_of = np.zeros((len(found), counts[0] + 1), np.int32)
    target = np.zeros((len(found), max(1, *(len(t) for _, t in found))), np.int32)
    for at, (synapses, targets) in enumerate(found):
        np.cumsum(synapses, out=first_of[at, 1:])
        target[at, : len(targets)] = targets
    row = row.ravel() if len(found) > 1 else np.zeros(1, np.int64)
    return first_of[row], target[row]


def _connected(
    probability: float, key: draws.Bits, counts: tuple[int, int], itself: bool
) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """Return how many synapses each source cell has, and the targets of all."""
    sources, targets = counts
    some = max(1, _MOST_DRAWS // targets)
    number, found = [], []
    for first in range(0, sources, some):
        source = np.arange(first, min(first + some, sources))[:, None]
        bits = draws.then(draws.then(key, source), np.arange(targets))
        there = draws.uniform(bits) < probability
        if itself:
            there &= source != np.arange(targets)
        number.append(there.sum(axis=1))
        found.append(np.nonzero(there)[1].astype(np.int32))
    return np.concatenate(number), np.concatenate(found)


def of_synapses(
    lines: tuple[Line, ...], given: Parameters, seed: NDArray[np.int64], owner: str,
    source: NDArray[np.int32], target: NDArray[np.int32],
) -> dict[str, NDArray[Any]]:  # fmt: skip
    """Return what the synapses of a projection have; see :func:`of_cells`.

    Parameters
    ----------
    lines, given, seed
        As for cells.
    owner
        Name of the projection.
    source, target
        Cells of each synapse, shape (points or 1, synapses).
    """

    def bits(name: str) -> draws.Bits:
        each, row = np.unique(seed, return_inverse=True)
        if len(target) > 1:  # other synapses at every point
            each, row = np.broadcast_to(seed, len(target)), np.arange(len(target))
        of_sources = draws.then(draws.key(each[:, None], owner, name), np.arange(source.max() + 1))
        at = np.broadcast_to(source, (len(each), source.shape[1]))
        found = draws.then(np.take_along_axis(of_sources, at, axis=1), target)
        return found[row] if len(each) > 1 else found

    return _checked(heterogeneity.values(lines, given, bits), f"{owner}.synapse")


def sources(first_of: NDArray[np.int32], size: int) -> NDArray[np.int32]:
    """Return the source cell of each synapse, shape (points or 1, size); 0 where there is none."""
    found = np.zeros((len(first_of), size), np.int32)
    for at, row in enumerate(first_of):
        found[at, : row[-1]] = np.repeat(np.arange(len(row) - 1, dtype=np.int32), np.diff(row))
    return found


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
