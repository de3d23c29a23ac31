"""Draws the firing regime of each neuron type over the amplitude of a step.

izhi run -m +experiment=preset_regimes study.name=preset_regimes
python -m analysis.preset_regimes studies/preset_regimes docs/preset_regimes.png
"""

from __future__ import annotations

import sys
from pathlib import Path

import matplotlib
import numpy as np

import izhi

matplotlib.use("Agg")

import matplotlib.pyplot as plt
from matplotlib.colors import BoundaryNorm, ListedColormap

COLOURS = ("#f2f2f2", "#bdbdbd", "#4c78a8", "#72b7b2", "#e45756", "#eeca3b")
"""Of the regimes, in their order: calm ones are blue, bursts red."""


def draw(study: Path, picture: Path) -> None:
    """Draw the map of a study."""
    dataset = izhi.open_study(study).dataset
    regime = dataset["regime"].isel(cell=0)
    words = [word.replace("_", " ") for word in regime.attrs["flag_meanings"].split()]
    amplitude = dataset["amplitude"].values
    step = amplitude[1] - amplitude[0]
    edges = np.append(amplitude - step / 2, amplitude[-1] + step / 2)
    names = [str(name).replace("_", " ") for name in dataset["neuron"].values]
    figure, axes = plt.subplots(figsize=(9, 3.4), layout="constrained")
    mesh = axes.pcolormesh(
        edges, np.arange(len(names) + 1), regime.transpose("neuron", "amplitude").values,
        cmap=ListedColormap(COLOURS),
        norm=BoundaryNorm(np.arange(len(words) + 1) - 0.5, len(words)),
        edgecolors="white", linewidth=0.2,
    )  # fmt: skip
    axes.set_yticks(np.arange(len(names)) + 0.5, names)
    axes.invert_yaxis()
    axes.axvline(10, color="black", linewidth=1, linestyle=":")  # Fig. 2 of the paper
    axes.set_xlabel(f"amplitude of the step ({dataset['amplitude'].attrs['units']})")
    bar = figure.colorbar(mesh, ticks=np.arange(len(words)), pad=0.01)
    bar.ax.set_yticklabels(words)
    bar.ax.invert_yaxis()
    figure.savefig(picture, dpi=150)


if __name__ == "__main__":
    draw(Path(sys.argv[1]), Path(sys.argv[2]))
