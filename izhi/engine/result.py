"""What an engine hands back for a shard."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from izhi.sweep.structures import Structure


@dataclass(frozen=True)
class Raw:
    """Spikes and traces of a shard.

    Attributes
    ----------
    step
        Time of every spike in time steps, ordered by train and time; int32, or float64 where a
        spike lies where its threshold is crossed, inside the step.
    count
        Spikes of each train, shape (points, cells); int64.
    sound
        Whether a point's state was finite and within bounds, shape (points,).
    traces
        All states and ``I``, each of shape (points, cells, samples); NaN for cells without.
    """

    step: NDArray[np.int32] | NDArray[np.float64]
    count: NDArray[np.int64]
    sound: NDArray[np.bool_]
    traces: dict[str, NDArray[np.float64]] = field(default_factory=dict)


def fold_back(
    structure: Structure,
    n_points: int,
    spikes: dict[str, tuple[NDArray[Any], NDArray[Any]]],
    sound: dict[str, NDArray[np.bool_]],
    traces: dict[str, dict[str, NDArray[np.float64]]],
) -> Raw:
    """Give each point its own spikes back.

    Parameters
    ----------
    structure
        What was simulated.
    n_points
        Points of the shard; replicas beyond are padding and dropped.
    spikes
        By population: cell numbers in the network and time steps, in order of time.
    sound
        By population: whether a cell's state was finite and within bounds.
    traces
        By population and variable: samples of shape (cells in the network, samples).
    """
    circuit = structure.circuit
    n_cells = len(circuit.cells)
    trains, steps, all_sound = [], [], np.ones(n_points, bool)
    first = 0
    parts: dict[str, list[NDArray[np.float64]]] = {}
    for population in circuit.populations:
        index, step = spikes[population.name]
        replica, cell = np.divmod(np.asarray(index, np.int32), np.int32(population.count))
        kept = replica < n_points
        trains.append((replica * np.int32(n_cells) + (cell + np.int32(first)))[kept])
        steps.append(step[kept])
        all_sound &= sound[population.name].reshape(-1, population.count)[:n_points].all(axis=1)
        of_population = traces.get(population.name, {})
        for name in structure.traced:
            without = np.full((population.count, structure.samples), np.nan)
            samples = of_population.get(name, np.tile(without, (n_points, 1)))
            shaped = samples.reshape(-1, population.count, samples.shape[-1])[:n_points]
            parts.setdefault(name, []).append(shaped)
        first += population.count
    train = np.concatenate(trains)
    order = np.argsort(train, kind="stable")
    count = np.bincount(train, minlength=n_points * n_cells)
    return Raw(
        np.concatenate(steps)[order],
        count.reshape(n_points, n_cells).astype(np.int64),
        all_sound,
        {name: np.concatenate(arrays, axis=1) for name, arrays in parts.items()},
    )
