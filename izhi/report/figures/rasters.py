"""Spikes over time, a row for each cell of a point, or for each value of an axis."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from izhi.errors import StudyError, did_you_mean
from izhi.report import colours
from izhi.report.figures import chosen, places, scales, style
from izhi.study import selection
from izhi.study.study import Study
from izhi.study.trains import TrainTable, train_table

_FEW = 40
"""Rows that are named one by one, and whose spikes are bars; those of more are dots."""

_ROW = 4.5
"""Millimetres of a row that is named."""


@dataclass(frozen=True)
class Rows:
    """What a raster shows.

    Attributes
    ----------
    names
        Of the rows.
    spikes
        Times in seconds, an array for each row.
    groups
        What each row belongs to, which gives it its colour: a population.
    duration
        Seconds.
    label
        Of the rows' axis.
    details
        What the rows have in common.
    """

    names: list[str]
    spikes: list[NDArray[np.float64]]
    groups: list[str]
    duration: float
    label: str
    details: str


@style.styled
def raster(
    study: Study, *, cell: str | None = None, y: str | None = None, width: float = 1, **labels: Any
) -> Figure:  # fmt: skip
    """Draw spikes over time: of all cells at a point, or of one cell along an axis.

    Parameters
    ----------
    study
        The study.
    cell
        With `y`, the cell, by default the first one; without, the only one to draw.
    y
        The axis whose labels are rows; by default rows are cells.
    width
        In columns: 1, 1.5 or 2.
    **labels
        Labels on the axes, as for `dataset.izhi.sel`; one on each but `y`.

    Returns
    -------
    matplotlib.figure.Figure
        One panel; cells of a population have one colour.

    Raises
    ------
    StudyError
        When something does not exist, an axis is left over, or the study kept no spikes.
    ConfigError
        For another width.
    """
    if y is not None and y not in study.axes:
        near = did_you_mean(y, study.axes) or "; nothing is swept"
        raise StudyError(f"y = {y}: no such axis{near}")
    found = study.dataset[["status"]].izhi.sel(**labels)
    for axis in study.axes:
        if axis != y and axis in found.dims and found.sizes[axis] > 1:
            raise StudyError(places.several(axis, chosen.words(found, axis)))
    rows = _rows(study, cell, y, labels)
    named = len(rows.names) <= _FEW
    figure = style.picture(width, max(40, 18 + _ROW * len(rows.names)) if named else 80)
    _draw(figure.add_subplot(), rows, named)
    return figure


def _rows(study: Study, cell: str | None, y: str | None, labels: Mapping[str, Any]) -> Rows:
    first = str(study.dataset["cell"].values[0])
    numbers = selection.cells(study.dataset, (cell or first) if y else cell)
    points = selection.points(study.dataset, labels)
    table = train_table(study, points, numbers)
    if not table.point.size:
        raise StudyError(f"{study.path}: no results at this point")
    cells = study.dataset["cell"].values
    held = dict(labels) if y is None else {**labels, "cell": str(cells[numbers[0]])}
    found = study.dataset[["status", "cell"]].izhi.sel(**held).squeeze(
        [axis for axis in study.axes if axis != y and study.dataset.sizes[axis] == 1])  # fmt: skip
    if y is None:
        names, label = [str(cells[n]) for n in table.cell], "cell"
    else:
        at = table.at[study.axes.index(y)]
        names = [scales.words(chosen.words(study.dataset, y)[n]) for n in at]
        label = "" if study.dataset[y].dtype.kind in "UO" else chosen.said(study.dataset, y)
    return Rows(
        names, _spikes(study, table), table.population.tolist(), float(table.duration.max()), label,
        chosen.details(study, found),
    )  # fmt: skip


def _spikes(study: Study, table: TrainTable) -> list[NDArray[np.float64]]:
    """Return the spike times of each train, read point by point."""
    time = study.spikes["spike_time"]
    found: list[NDArray[np.float64]] = []
    for point in np.unique(table.point):
        own = table.point == point
        first, stop = table.first[own], table.stop[own]
        stretch = np.asarray(time[first[0] : stop[-1]].values, np.float64)
        found += [stretch[a:b] for a, b in zip(first - first[0], stop - first[0], strict=True)]
    return found


def _draw(axes: Axes, rows: Rows, named: bool) -> None:
    factor, unit = scales.of_time(rows.duration)
    order = list(dict.fromkeys(rows.groups))
    mark: dict[str, Any] = {"marker": "|", "markersize": 7.0}
    if not named:
        mark = {"marker": ".", "markersize": 0.8}
    for number, (times, group) in enumerate(zip(rows.spikes, rows.groups, strict=True)):
        colour = colours.LINES[order.index(group) % len(colours.LINES)]
        where = np.full(times.size, number)
        axes.plot(factor * times, where, color=colour, linestyle="", markeredgewidth=0.6, **mark)
    axes.set_xlim(0, factor * rows.duration)
    axes.set_ylim(len(rows.names) - 0.4, -0.6)
    if named:
        style.name_categories(axes, "y", rows.names)
        axes.set_ylabel("" if rows.label == "cell" else rows.label)
    else:
        some = np.unique(np.linspace(0, len(rows.names) - 1, 6).round().astype(int))
        axes.set_yticks(some, [rows.names[n] for n in some])
        axes.set_ylabel(rows.label)
        for number, group in enumerate(order if len(order) > 1 else []):  # beside its rows
            own = [n for n, other in enumerate(rows.groups) if other == group]
            axes.annotate(
                group, (1.01, (own[0] + own[-1]) / 2), xycoords=axes.get_yaxis_transform(),
                va="center", color=colours.LINES[number % len(colours.LINES)],
                annotation_clip=False,
            )  # fmt: skip
    axes.set_xlabel(scales.label("time", unit))
    axes.set_title(rows.details, fontsize=style.SMALL)
