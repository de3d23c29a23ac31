"""The picture of a neuron's trace: membrane potential above input."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from izhi.config.sweep import Sweep
from izhi.models.cell import INPUT
from izhi.report import colours
from izhi.report.figures import cells, places, scales, style
from izhi.report.figures.recorded import Recorded
from izhi.study.study import Study


@style.styled
def trace(
    what: Study | Sweep, *, cell: str | None = None, width: float = 1, **labels: Any
) -> Figure:
    """Draw a cell's membrane potential above its input, each spike up to its peak.

    Parameters
    ----------
    what
        A study, whose stored traces are drawn where it has them and simulated again where not; or
        a sweep from :func:`izhi.config.compose.compose`.
    cell
        The cell's label; by default the first cell.
    width
        In columns: 1, 1.5 or 2.
    **labels
        The label on each axis, as for `dataset.izhi.sel`.

    Returns
    -------
    matplotlib.figure.Figure
        Two panels over one time axis, the type as title.

    Raises
    ------
    StudyError
        When a cell, an axis or a label does not exist, or an axis is left over.
    ConfigError
        For another width, and what cannot be run.
    """
    sweep = places.sweep_of(what)
    chosen = places.of(sweep, labels)
    places.unspread(sweep, chosen)
    figure = style.picture(width, 60)
    (shown,) = cells.of(what, chosen, cell)
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=[3, 1])
    _draw(upper, lower, shown)
    figure.suptitle(scales.words(shown.kind))
    figure.set_label(shown.kind)
    upper.set_title(shown.details, fontsize=style.SMALL)
    return figure


def _draw(upper: Axes, lower: Axes, shown: Recorded) -> None:
    time, unit = scales.of_time(shown.duration)
    name = shown.potential
    potential, of_potential = scales.of(shown.dimension(name))
    current, of_current = scales.of(shown.dimension(INPUT))
    t, v = shown.with_peaks()
    upper.plot(time * t, potential * v, color=colours.POTENTIAL, linewidth=0.8)
    lower.step(time * shown.time, current * shown.input, where="post", color=colours.STIMULUS)
    upper.set_ylabel(scales.label("voltage" if name == "v" else name, of_potential))
    lower.set_ylabel(scales.label("input", of_current))
    lower.set_xlabel(scales.label("time", unit))
    lower.set_xlim(0, time * shown.duration)
    _widen(lower, current * shown.input)
    figure = upper.get_figure()
    assert isinstance(figure, Figure)
    figure.align_ylabels()


def _widen(axes: Axes, values: Any) -> None:
    """Leave room above and below, around a constant too."""
    low, high = float(np.min(values)), float(np.max(values))
    room = 0.15 * (high - low) or 0.15 * abs(high) or 1.0
    axes.set_ylim(low - room, high + room)
