"""The phase plane of a neuron with two states: nullclines, fixed points, a trajectory."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from izhi import units
from izhi.config.sweep import Sweep
from izhi.errors import ConfigError
from izhi.models.cell import INPUT
from izhi.report import colours
from izhi.report.figures import cells, places, scales, style
from izhi.report.figures.plane import FixedPoint, Plane, box
from izhi.report.figures.recorded import Recorded
from izhi.study.study import Study

Numbers = NDArray[np.float64]

_KINDS = {
    "stable node": ("o", True),
    "stable focus": ("s", True),
    "centre": ("D", False),
    "unstable node": ("o", False),
    "unstable focus": ("s", False),
    "saddle": ("X", False),
}
"""Marker, and whether it is filled."""  # fmt: skip


@style.styled
def phase(
    what: Study | Sweep, *, cell: str | None = None, input: str | float | None = None,
    width: float = 1, **labels: Any,
) -> Figure:  # fmt: skip
    """Draw the phase plane of a cell with two states: nullclines, fixed points and what it did.

    Parameters
    ----------
    what
        A study or a sweep, see :func:`izhi.report.figures.trace`.
    cell
        The cell's label; by default the first cell.
    input
        At which input: ``"4 mV"``; a bare number is in the unit of the figure. By default that of
        the trajectory's beginning, and the one that is farthest from it.
    width
        In columns: 1, 1.5 or 2.
    **labels
        The label on each axis.

    Returns
    -------
    matplotlib.figure.Figure
        One panel.

    Raises
    ------
    StudyError
        When something does not exist, an axis is left over, or the neuron has not two states.
    ConfigError
        For an input that is none, another width, and what cannot be run.
    """
    sweep = places.sweep_of(what)
    chosen = places.of(sweep, labels)
    places.unspread(sweep, chosen)
    figure = style.picture(width, 72)
    (shown,) = cells.of(what, chosen, cell)
    plane = Plane.of(shown)
    _draw(figure, plane, _inputs(shown, input))
    return figure


def _inputs(shown: Recorded, given: str | float | None) -> list[float]:
    """Return the inputs to draw nullclines at, in SI units."""
    if given is None:
        first = float(shown.input[0])
        other = float(shown.input[np.argmax(np.abs(shown.input - first))])
        return [first] if other == first else [first, other]
    dimension = shown.dimension(INPUT)
    try:
        found = units.parse(given)
        if found.dimension == units.NUMBER:
            return [found.si / scales.of(dimension)[0]]
    except ConfigError as error:
        raise ConfigError(f"input = {given}: {error}") from None
    if found.dimension != dimension:
        raise ConfigError(
            f"input = {given}: {units.name_of(found.dimension)}, but the neuron's input is "
            f"{units.name_of(dimension)}"
        )
    return [found.si]


def _draw(figure: Figure, plane: Plane, inputs: list[float]) -> None:
    shown, axes = plane.shown, figure.add_subplot()
    scale = np.array([scales.of(shown.dimension(name))[0] for name in (plane.x, plane.y)])
    _trajectory(axes, plane, scale)
    factor, unit = scales.of(shown.dimension(INPUT))
    low, high = box(shown, plane.x, plane.y)
    for current, dashes in zip(inputs, ("-", "--"), strict=False):
        at = f"{factor * current:.4g} {unit}".strip()
        _lines(axes, plane.nullcline(plane.x, current), scale, color=colours.BLUE, linestyle=dashes,
               label=f"d{plane.x}/dt = 0 at {INPUT} = {at}")  # fmt: skip
        found = plane.fixed_points(current)
        _points(axes, found, scale)
        for point in found:
            place = np.array([point.x, point.y])
            low, high = np.minimum(low, place), np.maximum(high, place)
    _lines(axes, plane.nullcline(plane.y, inputs[-1]), scale, color=colours.VERMILION,
           label=f"d{plane.y}/dt = 0")  # fmt: skip
    room = (high - low) * [0.06, 0.2]
    left, right = scale * (low - room), scale * (high + room)
    axes.set(xlim=(left[0], right[0]), ylim=(left[1], right[1]))
    names = {"v": "membrane potential v", "u": "recovery variable u"}
    for write, name in ((axes.set_xlabel, plane.x), (axes.set_ylabel, plane.y)):
        write(scales.label(names.get(name, name), scales.of(shown.dimension(name))[1]))
    figure.suptitle(scales.words(shown.kind))
    figure.set_label(shown.kind)
    axes.set_title(shown.details, fontsize=style.SMALL)
    _legend(figure, axes)


def _lines(axes: Axes, lines: list[Numbers], scale: Numbers, label: str, **look: Any) -> None:
    for line in lines:
        axes.plot(*(scale * line).T, label=label, linewidth=1.2, **look)
        label = "_"  # one entry of the legend


def _trajectory(axes: Axes, plane: Plane, scale: Numbers) -> None:
    """Draw where the cell went: lines between spikes, dots for resets."""
    shown = plane.shown
    time, x = shown.with_peaks(plane.x)
    way = scale * np.stack([x, shown.with_peaks(plane.y)[1]], axis=1)
    spikes = shown.spikes if shown.population.neuron.reset else shown.spikes[:0]
    resets = np.searchsorted(time, spikes + shown.delay - 1e-9)
    label = "trajectory"
    for piece in np.split(way, resets + 1):
        axes.plot(*piece.T, color=colours.POTENTIAL, linewidth=0.5, label=label, zorder=1.5)
        label = "_"
    label = "reset"
    for k in resets[resets + 1 < len(way)]:
        axes.plot(*way[k : k + 2].T, color="#8c8c8c", linewidth=0.5, linestyle=":", label=label,
                  zorder=1.4)  # fmt: skip
        label = "_"


def _points(axes: Axes, found: list[FixedPoint], scale: Numbers) -> None:
    for point in found:
        marker, full = _KINDS[point.kind]
        axes.plot(
            scale[0] * point.x, scale[1] * point.y, marker, label=point.kind, markersize=5,
            markeredgecolor="black", markerfacecolor="black" if full else "white", zorder=4,
        )  # fmt: skip


def _legend(figure: Figure, axes: Axes) -> None:
    """Put the legend below, where it hides nothing; each entry once."""
    handles, labels = axes.get_legend_handles_labels()
    once = dict(zip(labels, handles, strict=True))
    for last in (*_KINDS, "trajectory", "reset"):  # nullclines come first
        if last in once:
            once[last] = once.pop(last)
    figure.legend(list(once.values()), list(once), loc="outside lower center", ncols=2)
