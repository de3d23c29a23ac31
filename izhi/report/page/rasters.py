"""Spikes as a page holds them: of all places where they are few enough, else of some."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from izhi.report.page.grid import Grid

MOST_SPIKES = 400_000
"""Spikes that a page holds."""


def rasters(
    file: Any, grid: Grid, first: NDArray[np.int64] | None = None
) -> dict[str, NDArray[Any]] | None:
    """Return the spikes of points that a page shows; None where the study kept none.

    Parameters
    ----------
    file
        The dataset, a ``netCDF4.Dataset`` without automatic scaling.
    grid
        How the study is shown.
    first
        Points that come before all others.

    Returns
    -------
    dict
        ``point``, their numbers; ``count``, spikes of each of their cells that is shown; ``time``,
        all spikes in order of point, then cell, in seconds.
    """
    if "spikes" not in file.groups:
        return None
    group, cells = file["spikes"], len(grid.labels["cell"])
    count = np.asarray(group["spike_count"][:], np.int64).reshape(-1, cells)
    columns = grid.columns["cell"]
    chosen = _affordable(count[:, columns].sum(axis=1), grid.points.ravel(), first)
    start = (np.cumsum(count) - count.ravel()).reshape(count.shape)
    time = group["spike_time"]
    if chosen.size == len(count) and columns.size == cells:
        times = [np.asarray(time[:])]
    else:
        times = [_read(time, start[point], count[point], columns) for point in chosen.tolist()]
    scale = float(time.scale_factor) if "scale_factor" in time.ncattrs() else 1.0
    return {
        "point": chosen.astype(np.int32),
        "count": count[np.ix_(chosen, columns)].astype(np.int32),
        "time": (np.concatenate([np.empty(0), *times]) * scale).astype(np.float32),
    }


def _affordable(
    spikes: NDArray[np.int64], places: NDArray[np.int32], first: NDArray[np.int64] | None
) -> NDArray[np.int64]:
    """Return the points whose spikes are shown: as many as can be, spread over all places."""
    places = places.astype(np.int64)
    before = np.empty(0, np.int64) if first is None else first
    total = int(spikes[places].sum())
    every = max(1, -(-total // MOST_SPIKES))
    wanted = np.concatenate([before, places[::every]])
    wanted = wanted[np.sort(np.unique(wanted, return_index=True)[1])]
    return np.sort(wanted[np.cumsum(spikes[wanted]) <= MOST_SPIKES])


def _read(
    time: Any, start: NDArray[np.int64], count: NDArray[np.int64], columns: NDArray[np.int64]
) -> NDArray[Any]:
    """Return the spikes of the cells of one point, as they are stored."""
    found = np.asarray(time[start[0] : start[-1] + count[-1]])
    if columns.size == count.size:
        return found
    at = start - start[0]
    return np.concatenate([found[at[c] : at[c] + count[c]] for c in columns.tolist()])
