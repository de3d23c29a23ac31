"""What each spike train of a study is: its point, its cell, how long it was recorded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from izhi.study import populations
from izhi.study.overview import asked
from izhi.study.study import Study
from izhi.sweep import points as numbering


@dataclass(frozen=True)
class TrainTable:
    """Trains that have results, in order of point, then cell: each array has a value for each.

    Attributes
    ----------
    point, cell
        Numbers of the point and of the cell.
    at
        Position on each axis.
    population
        Name of the population that the cell is of.
    status
        State of the point in words: ``"done"`` or ``"diverged"``.
    duration, dt
        How long it was recorded, and the time step, in seconds.
    first, stop
        Where its spikes begin and end among all spikes of the study.
    """

    point: NDArray[np.int64]
    cell: NDArray[np.int64]
    at: tuple[NDArray[np.int64], ...]
    population: NDArray[Any]
    status: NDArray[Any]
    duration: NDArray[np.float64]
    dt: NDArray[np.float64]
    first: NDArray[np.int64]
    stop: NDArray[np.int64]


def train_table(
    study: Study,
    points: NDArray[np.int64] | None = None,
    cells: NDArray[np.int64] | None = None,
) -> TrainTable:
    """Return the trains of a study.

    Parameters
    ----------
    study
        The study.
    points, cells
        Numbers of the points and of the cells whose trains are meant; of all by default. Points
        without results, and cells that a point's circuit does not have, are left out.

    Raises
    ------
    StudyError
        When the study kept no spikes.
    """
    dataset, sweep = study.dataset, asked(study)
    stop = np.cumsum(study.spikes["spike_count"].values, dtype=np.int64)
    there = dataset["spike_count"].transpose(*study.axes, "cell").values >= 0
    there = there.reshape(-1, dataset.sizes["cell"])
    meant = np.zeros_like(there)
    rows = np.arange(there.shape[0]) if points is None else points
    columns = np.arange(there.shape[1]) if cells is None else cells
    meant[np.ix_(rows, columns)] = True
    point, cell = np.nonzero(there & meant)
    number = point * there.shape[1] + cell

    def of_points(grid: NDArray[Any]) -> NDArray[Any]:
        return np.broadcast_to(grid, sweep.shape).ravel()[point]

    of_cells = populations.of_cells(sweep, [str(label) for label in dataset["cell"].values])
    return TrainTable(
        point,
        cell,
        np.unravel_index(point, sweep.shape) if sweep.axes else (),
        of_cells[of_points(sweep.base_of), cell],
        _states(study)[of_points(dataset["status"].values)],
        of_points(numbering.grid(sweep, "simulation.duration")),
        of_points(numbering.grid(sweep, "simulation.dt")),
        np.concatenate([[0], stop])[number],
        stop[number],
    )


def _states(study: Study) -> NDArray[Any]:
    """Return the states of a point in words, by their numbers."""
    told = study.dataset["status"].attrs
    words = np.full(max(told["flag_values"]) + 1, "", object)
    words[told["flag_values"]] = told["flag_meanings"].split()
    return words
