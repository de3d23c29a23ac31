"""Draws the rhythms of the network of 2003: a raster, the population's rate, and its spectrum.

izhi run -m +experiment=network_2003 'simulation.seed=range(0,10)' 'simulation.duration=2 s' \
    study.name=network_2003_seeds
python -m analysis.network_2003 studies/network_2003_seeds docs/network_2003.png
"""

from __future__ import annotations

import sys
from pathlib import Path

import matplotlib
import numpy as np
from numpy.typing import NDArray

import izhi
from izhi.report import colours

matplotlib.use("Agg")

import matplotlib.pyplot as plt

BIN = 1e-3
"""Seconds in which spikes are counted."""

WINDOW = 500
"""Bins of a window of the spectrum: it resolves 2 Hz."""

SHOWN = 1.0
"""Seconds of the raster."""

COLOURS = (colours.BLUE, colours.VERMILION)


def spikes(study: izhi.Study) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Return point, number of the cell and time in seconds of all spikes."""
    found = study.spikes
    count = found["spike_count"].values
    number = {cell: n for n, cell in enumerate(study.dataset["cell"].values)}
    cell = np.array([number[cell] for cell in found["cell"].values])
    return np.repeat(found["point"].values, count), np.repeat(cell, count), found.spike_time.values


def rates(
    point: NDArray[np.int64], time: NDArray[np.float64], duration: float, cells: int
) -> NDArray[np.float64]:
    """Return the mean rate of the cells in each bin, in Hz, shape (points, bins)."""
    bins = round(duration / BIN)
    at = point * bins + np.minimum((time / BIN + 1e-6).astype(np.int64), bins - 1)
    count = np.bincount(at, minlength=(int(point.max()) + 1) * bins)
    return count.reshape(-1, bins) / (cells * BIN)


def spectrum(
    rate: NDArray[np.float64], transient: float = 0.1
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return frequencies, and the power of rates by Welch's method, averaged over points.

    Parameters
    ----------
    rate
        Shape (points, bins).
    transient
        Seconds that are left out at the beginning, when all cells start alike.
    """
    rate = rate[:, round(transient / BIN) :]
    windows = np.lib.stride_tricks.sliding_window_view(rate, WINDOW, axis=1)[:, :: WINDOW // 2]
    windows = (windows - rate.mean()) * np.hanning(WINDOW)
    power = np.abs(np.fft.rfft(windows)) ** 2
    frequency: NDArray[np.float64] = np.asarray(np.fft.rfftfreq(WINDOW, BIN), np.float64)
    return frequency, power.mean(axis=(0, 1))


def draw(path: Path, picture: Path) -> None:
    """Draw a study of several seeds."""
    study = izhi.open_study(path)
    cells = study.dataset["cell"].values
    inhibitory = np.char.startswith(cells.astype(str), "i")
    point, cell, time = spikes(study)
    duration = float(time.max()) + BIN
    rate = rates(point, time, duration, len(cells))
    figure, (raster, shape, power) = plt.subplots(
        3, 1, figsize=(9, 9), layout="constrained", height_ratios=[4, 1.3, 1.7]
    )
    first = (point == 0) & (time < SHOWN)
    for kind, colour in enumerate(COLOURS):
        own = first & (inhibitory[cell] == kind)
        raster.plot(time[own], cell[own], ".", markersize=1.5, color=colour)
    raster.set(xlim=(0, SHOWN), ylim=(0, len(cells)), ylabel="cell (inhibitory: red)")
    shown = rate[0, : round(SHOWN / BIN)]
    shape.plot((np.arange(shown.size) + 0.5) * BIN, shown, color="black", linewidth=0.7)
    shape.set(xlim=(0, SHOWN), ylim=(0, None), xlabel="time (s)", ylabel="rate of all cells (Hz)")
    frequency, found = spectrum(rate)
    own = (frequency > 1) & (frequency <= 80)
    power.plot(frequency[own], found[own] / found[own].max(), color="black")
    power.set(xlim=(0, 80), ylim=(0, None), xlabel="frequency (Hz)",
              ylabel=f"power of the rate,\nmean of {len(rate)} seeds")  # fmt: skip
    figure.savefig(picture, dpi=130)


if __name__ == "__main__":
    draw(Path(sys.argv[1]), Path(sys.argv[2]))
