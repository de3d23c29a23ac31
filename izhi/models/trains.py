"""Spike trains from a file: times and the numbers of the cells that spike."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from izhi.errors import ConfigError
from izhi.models import recording
from izhi.models.recording import NEARLY, Recording

FIRST, CELLS = "recorded.first", "recorded.cells"
"""Parameters: the number of spikes before each step, and the cell of each spike.

A parameter of a user's has no dot in its name.
"""


def read(texts: Mapping[str, str], key: str) -> Recording | None:
    """Return where a neuron's spikes are taken from; None for one without a file.

    Raises
    ------
    ConfigError
        For a neuron that should have one.
    """
    if not recording.has_file(texts, key, "spike_file"):
        return None
    sha256, column, time, time_unit = (
        texts.get(name, "") for name in ("sha256", "column", "time", "time_unit")
    )
    return Recording(texts["file"], sha256, column, time, "", time_unit, "")


@lru_cache(maxsize=16)
def events(
    recorded: Recording, key: str, count: int, dt: float, steps: int
) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """Return the spikes of each time step.

    A spike comes in the first step at or after its time; those after the last step do not come.

    Parameters
    ----------
    recorded
        The file.
    key
        The neuron's, for errors.
    count
        Number of cells of the population.
    dt
        Time step in seconds.
    steps
        Number of time steps.

    Returns
    -------
    first
        Number of the spikes before each step, shape (steps + 1,).
    cells
        The cell of each spike, in the order of the steps.

    Raises
    ------
    ConfigError
        For a file that cannot be read, times before 0, cells that are not there, and two spikes
        of a cell in one step.
    """
    where = f"{key}.file = {recorded.file}"
    time, numbers = recording.times(recorded, key)
    late = ~((time >= 0) & np.isfinite(time))
    other = ~((numbers >= 0) & (numbers < count) & (numbers == np.floor(numbers)))
    if late.any():
        raise ConfigError(f"{where}: spike {np.argmax(late) + 1}: a time is a number from 0 s on")
    if other.any():
        row = int(np.argmax(other))
        raise ConfigError(
            f"{where}: spike {row + 1}: cell {numbers[row]:g}; the population has the cells 0 to "
            f"{count - 1}"
        )
    position = np.ceil(np.minimum(time / dt, steps + 1) - NEARLY).astype(np.int64)
    cells = numbers.astype(np.int32)
    order = np.lexsort((cells, position))
    position, cells = position[order], cells[order]
    twice = (np.diff(position) == 0) & (np.diff(cells) == 0) & (position[1:] < steps)
    if twice.any():
        at = int(np.argmax(twice))
        raise ConfigError(
            f"{where}: cell {cells[at]} spikes twice in the time step at {position[at] * dt:g} s; "
            "give a smaller simulation.dt"
        )
    first = np.searchsorted(position, np.arange(steps + 1))
    return first.astype(np.int64), cells[: first[-1]]
