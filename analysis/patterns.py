"""Draws the 20 patterns of Izhikevich (2004) as Fig. 1 of the paper does: voltage above input.

python -m analysis.patterns docs/patterns.png
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from numpy.typing import NDArray

import izhi

matplotlib.use("Agg")

import matplotlib.pyplot as plt

PATTERNS = (
    "tonic_spiking", "phasic_spiking", "tonic_bursting", "phasic_bursting", "mixed_mode",
    "spike_frequency_adaptation", "class_1_excitable", "class_2_excitable", "spike_latency",
    "subthreshold_oscillations", "resonator", "integrator", "rebound_spike", "rebound_burst",
    "threshold_variability", "bistability", "depolarizing_afterpotential", "accommodation",
    "inhibition_induced_spiking", "inhibition_induced_bursting",
)  # fmt: skip
"""In the order of the paper's letters, A to T."""

PEAK = 30.0
"""mV: where spikes end."""

Traces = tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]
"""Time in ms, membrane potential and input in mV."""


def record(folder: Path, patterns: Sequence[str] = PATTERNS) -> dict[str, Traces]:
    """Run patterns and return their traces; those of one time step are one study."""
    sweep = izhi.plan([f"+pattern=choice({','.join(patterns)})"]).sweep
    steps = [base.values["simulation.dt"].number for base in sweep.bases]  # type: ignore[union-attr]
    found: dict[str, Traces] = {}
    for dt in sorted(set(steps)):
        names = [name for name, step in zip(patterns, steps, strict=True) if step == dt]
        study = izhi.run(
            [f"+pattern=choice({','.join(names)})", "record.traces=all",
             f"record.interval={dt} ms"],
            name=f"patterns_{dt}", dir=folder, progress=False,
        )  # fmt: skip
        found |= {name: _traces(study, name, number) for number, name in enumerate(names)}
    return found


def _traces(study: Any, name: str, number: int) -> Traces:
    """Return the traces of a point, with a sample at the peak of each spike."""
    traces = study.traces.isel(trace=number, cell=0)
    kept = np.isfinite(traces["v"].values)
    t, v, current = (1e3 * traces[key].values[kept] for key in ("time", "v", "I"))
    # a spike's time is the start of its step, and a sample is the state at the start of one
    after = np.rint(1e3 * study.spike_times("cell0", pattern=name) / (t[1] - t[0])).astype(int) + 1
    after = after[after < t.size]
    return (
        np.insert(t, after, t[after]), np.insert(v, after, PEAK),
        np.insert(current, after, current[after]),
    )  # fmt: skip


def draw(traces: dict[str, Traces], picture: Path) -> None:
    """Draw all patterns, five rows of four."""
    figure = plt.figure(figsize=(11, 10.5))
    grid = figure.add_gridspec(5, 4, hspace=0.32, wspace=0.12, left=0.02, right=0.98,
                               top=0.965, bottom=0.02)  # fmt: skip
    for number, name in enumerate(PATTERNS):
        both = grid[divmod(number, 4)].subgridspec(2, 1, height_ratios=[4, 1], hspace=0.05)
        _panel(figure.add_subplot(both[0]), figure.add_subplot(both[1]), *traces[name])
        words = name.replace("_", " ").replace("inhibition induced", "inhibition-induced")
        figure.axes[-2].set_title(f"({chr(ord('A') + number)}) {words}", fontsize=10, pad=3)
    _magnify(figure.axes[2 * PATTERNS.index("subthreshold_oscillations")],
             *traces["subthreshold_oscillations"])  # fmt: skip
    figure.savefig(picture, dpi=150)


def _panel(
    upper: Any, lower: Any, t: NDArray[np.float64], v: NDArray[np.float64],
    current: NDArray[np.float64],
) -> None:  # fmt: skip
    upper.plot(t, v, color="black", linewidth=0.8)
    upper.set_ylim(-95, 32)
    lower.plot(t, current, color="#4c78a8", linewidth=1.2, drawstyle="steps-post")
    spread = np.ptp(current)
    below = current.min() - 0.8 * spread
    lower.set_ylim(below - 0.3 * spread, current.max() + 0.15 * spread)
    lower.plot([t[-1] - 20, t[-1]], [below, below], color="black", linewidth=2)
    lower.text(t[-1] - 20, below, "20 ms ", ha="right", va="center", fontsize=7)
    for axes in (upper, lower):
        axes.set_xlim(0, t[-1])
        axes.axis("off")


def _magnify(
    axes: Any, t: NDArray[np.float64], v: NDArray[np.float64], current: NDArray[np.float64]
) -> None:
    """Draw what comes after the spike once more, 20 times as large, as the paper does."""
    late = t > 55
    axes.plot(t[late], -10 + 20 * (v[late] - v[late].mean()), color="#e45756", linewidth=0.8)
    axes.text(t[-1], 15, "x 20", ha="right", va="bottom", fontsize=8, color="#e45756")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as studies:
        draw(record(Path(studies)), Path(sys.argv[1]))
