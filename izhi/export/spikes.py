"""All spikes of a study, piece by piece."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from izhi import interrupts

if TYPE_CHECKING:
    import xarray as xr


def pieces(
    spikes: xr.Dataset, most: int
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]]:
    """Cut the spikes of all trains into pieces; a train may be cut, too.

    Parameters
    ----------
    spikes
        A study's ``spikes``.
    most
        The most spikes of a piece.

    Yields
    ------
    tuple
        Numbers of the trains that spike in the piece, how many of its spikes each has, and the
        times in seconds, train after train.
    """
    stops = np.cumsum(spikes["spike_count"].values, dtype=np.int64)
    total = spikes.sizes["spike"]
    for first in range(0, total, most):
        interrupts.check()
        stop = min(first + most, total)
        begin, end = np.searchsorted(stops, (first, stop - 1), side="right")
        trains = np.arange(begin, end + 1)
        count = np.diff(np.clip(stops[trains], first, stop), prepend=first)
        spiking = count > 0
        times = np.asarray(spikes["spike_time"][first:stop].values, np.float64)
        yield trains[spiking], count[spiking], times
