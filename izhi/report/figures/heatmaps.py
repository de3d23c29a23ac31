"""A statistic over two axes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import BoundaryNorm, ListedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from izhi.errors import StudyError
from izhi.report import colours
from izhi.report.figures import chosen, scales, style
from izhi.study.study import Study

if TYPE_CHECKING:
    import xarray as xr

_ROW = 5.0
"""Millimetres that a row with a name has at least."""

_LETTER = 2.6
"""Millimetres that a place needs for a letter in it."""


@style.styled
def heatmap(
    study: Study, *, of: str = "firing_rate", x: str | None = None, y: str | None = None,
    width: float = 1, **labels: Any,
) -> Figure:  # fmt: skip
    """Draw a statistic over two axes.

    Points without a result are hatched, those that diverged are marked with a cross. Words, such
    as regimes, have a colour each, and a letter where there is room.

    Parameters
    ----------
    study
        The study.
    of
        The statistic's name.
    x, y
        Names of the axes; by default those that have several labels, the one with numbers as x.
    width
        In columns: 1, 1.5 or 2.
    **labels
        Labels on the other axes, and of the cell or projection, as for `dataset.izhi.sel`; of cells
        the first one by default.

    Returns
    -------
    matplotlib.figure.Figure
        A map with its scale or legend.

    Raises
    ------
    StudyError
        When something does not exist, or an axis is left over.
    ConfigError
        For another width.
    """
    found = chosen.select(study, of, labels)
    x, y = _axes(found, of, x, y)
    found = chosen.check_rest(found, of, x, y).transpose(y, x)
    rows = 0 if chosen.is_numeric(found, y) else found.sizes[y]
    figure = style.picture(width, max(58, 24 + _ROW * rows))
    axes = figure.add_subplot()
    words = found[of].attrs.get("flag_meanings", "").split()
    draw = _words if words else _numbers
    draw(figure, axes, found[of], [_edges(found, name) for name in (x, y)])
    _mark(axes, found, of, x, y)
    axes.set_xlabel(chosen.said(found, x))
    axes.set_ylabel(chosen.said(found, y))
    axes.set_title(chosen.details(study, found), fontsize=style.SMALL)
    return figure


def _axes(found: xr.Dataset, of: str, x: str | None, y: str | None) -> tuple[str, str]:
    """Return the two axes: those that were named, else such as have several labels."""
    for name, given in (("x", x), ("y", y)):
        if given is not None:
            chosen.check_axis(found, of, name, given)
    if x is not None and x == y:
        raise StudyError(f"y = {y}: x is the same axis")
    free = [name for name in chosen.free(found, of) if name not in (x, y)]
    if (x is None) + (y is None) > len(free):
        there = f"; {', '.join(free)} alone has several values" if free else ""
        raise StudyError(f"heatmap: needs two axes with several values{there}")
    if x is None:
        x = next((name for name in reversed(free) if chosen.is_numeric(found, name)), free[-1])
        free.remove(x)
    return x, y or free[-1]


def _places(found: xr.Dataset, axis: str) -> NDArray[np.float64]:
    """Return where the labels of an axis are."""
    numeric = chosen.is_numeric(found, axis)
    values = found[axis].values if numeric else np.arange(found.sizes[axis])
    return np.asarray(values, np.float64)


def _edges(found: xr.Dataset, axis: str) -> NDArray[np.float64]:
    """Return the edges of the places of an axis, half way between labels."""
    at = _places(found, axis)
    if at.size == 1:
        return np.asarray([at[0] - 0.5, at[0] + 0.5], np.float64)
    middle = (at[1:] + at[:-1]) / 2
    edges = [2 * at[0] - middle[0], *middle, 2 * at[-1] - middle[-1]]
    return np.asarray(edges, np.float64)


def _numbers(figure: Figure, axes: Axes, variable: xr.DataArray, edges: list[Any]) -> None:
    mesh = axes.pcolormesh(*edges, variable.values, cmap=colours.NUMBERS, rasterized=True)
    whole = np.all(np.mod(variable.values[np.isfinite(variable.values)], 1) == 0)
    ticks = MaxNLocator("auto", integer=True, steps=[1, 2, 5, 10]) if whole else None
    bar = figure.colorbar(mesh, ax=axes, pad=0.02, aspect=25, ticks=ticks)
    bar.set_label(chosen.title(variable))
    bar.outline.set_visible(False)


def _words(figure: Figure, axes: Axes, variable: xr.DataArray, edges: list[Any]) -> None:
    words = variable.attrs["flag_meanings"].split()
    hues, letters = colours.words(words), colours.letters(words)
    axes.pcolormesh(
        *edges, variable.values, cmap=ListedColormap(hues), rasterized=True,
        norm=BoundaryNorm(np.arange(len(words) + 1) - 0.5, len(words)),
    )  # fmt: skip
    room = [25.4 * figure.get_figwidth() * 0.6 / (edges[0].size - 1),
            25.4 * figure.get_figheight() * 0.6 / (edges[1].size - 1)]  # fmt: skip
    lettered = min(room) >= _LETTER
    if lettered:
        _letter(axes, variable.values, edges, hues, letters)
    names = [f"{letter}  {scales.words(word)}" if lettered else scales.words(word)
             for letter, word in zip(letters, words, strict=True)]  # fmt: skip
    patches = [Patch(facecolor=hue, edgecolor="#8c8c8c", linewidth=0.4, label=name)
               for hue, name in zip(hues, names, strict=True)]  # fmt: skip
    figure.legend(handles=patches, loc="outside lower center", ncols=3,
                  title=variable.attrs.get("long_name", variable.name))  # fmt: skip


def _letter(axes: Axes, values: Any, edges: list[Any], hues: Any, letters: Any) -> None:
    middle = [(edge[1:] + edge[:-1]) / 2 for edge in edges]
    for row, column in np.argwhere(np.isfinite(values)):
        n = int(values[row, column])
        dark = hues[n] in (colours.BLUE, colours.BLACK)
        axes.text(middle[0][column], middle[1][row], letters[n], ha="center", va="center",
                  fontsize=5, color="white" if dark else "black")  # fmt: skip


def _mark(axes: Axes, found: xr.Dataset, of: str, x: str, y: str) -> None:
    """Hatch what is not there, cross what diverged, write labels at the axes."""
    if found[of].isnull().any():  # behind a full map its lines would show at the edges
        style.no_result(axes)
    across, up = _places(found, x), _places(found, y)
    rows, columns = np.nonzero(chosen.diverged(found))
    axes.plot(across[columns], up[rows], "x", color="black", markersize=3, markeredgewidth=0.8)
    for which, name in (("x", x), ("y", y)):
        if not chosen.is_numeric(found, name):
            given = [scales.words(word) for word in chosen.words(found, name)]
            style.name_categories(axes, which, given)
    if not chosen.is_numeric(found, y):
        axes.invert_yaxis()
