"""A statistic along an axis of numbers: the f-I curve, and others like it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure

from izhi.errors import StudyError
from izhi.report import colours
from izhi.report.figures import chosen, scales, style
from izhi.study.study import Study

if TYPE_CHECKING:
    import xarray as xr

MARKERS = "osD^vX<P>*hp"
"""Of lines, which differ in colour, marker and dashes; as many as there can be lines."""

_DASHES = ("-", "--", ":", "-.")
_MOST_MARKED = 12


@style.styled
def fi(
    study: Study, *, of: str = "firing_rate", x: str | None = None, y: str | None = None,
    width: float = 1, **labels: Any,
) -> Figure:  # fmt: skip
    """Draw a statistic along an axis of numbers, one line for each value of another.

    Parameters
    ----------
    study
        The study.
    of
        The statistic's name.
    x
        The axis; by default the amplitude where it is free, else the last one with numbers.
    y
        The axis whose values are lines; by default the other one that has several labels.
    width
        In columns: 1, 1.5 or 2.
    **labels
        Labels on the other axes, and of the cell or projection, as for `dataset.izhi.sel`.

    Returns
    -------
    matplotlib.figure.Figure
        Lines that differ in colour, marker and dashes, with a legend beside or below; points that
        diverged have a cross.

    Raises
    ------
    StudyError
        When something does not exist, an axis is left over, or there is none with numbers.
    ConfigError
        For another width.
    """
    found = chosen.select(study, of, labels)
    x, y = _axes(found, of, x, y)
    found = chosen.check_rest(found, of, x, y)
    names = _names(found, y)
    rows = -(-len(names) // 2) if y else 0
    figure = style.picture(width, 55 + 3.5 * rows)
    axes = figure.add_subplot()
    at = np.asarray(found[x].values, np.float64)
    order = np.argsort(at)
    for number, name in enumerate(names):
        own = found if y is None else found.isel({y: number})
        axes.plot(
            at[order], own[of].values[order], color=colours.LINES[number % len(colours.LINES)],
            linestyle=_DASHES[number % len(_DASHES)], marker=MARKERS[number],
            markevery=max(1, -(-at.size // _MOST_MARKED)), label=name,
        )  # fmt: skip
        lost = chosen.diverged(own)
        if lost.any():
            axes.plot(
                at[lost], own[of].values[lost], "x", color="black", label="_diverged", zorder=3
            )
    axes.set_xlabel(chosen.said(found, x))
    axes.set_ylabel(chosen.title(found[of]))
    axes.set_title(chosen.details(study, found), fontsize=style.SMALL)
    if y is not None:
        title = "" if found[y].dtype.kind in "UO" else chosen.said(found, y)
        figure.legend(loc="outside lower center", ncols=2, title=title or None, handlelength=3.5)
    return figure


def _axes(
    found: xr.Dataset, of: str, x: str | None, y: str | None
) -> tuple[str, str | None]:  # fmt: skip
    """Return the axis of numbers, and that of lines; None for a single line."""
    for name, given in (("x", x), ("y", y)):
        if given is not None:
            chosen.check_axis(found, of, name, given)
    if found[of].attrs.get("flag_meanings"):
        raise StudyError(f"of = {of}: its values are words; --kind heatmap draws them")
    free = [name for name in chosen.free(found, of) if name != y]
    if x is None:
        numeric = [name for name in free if chosen.is_numeric(found, name)]
        if not numeric:
            there = ", ".join(map(str, found[of].dims)) or "nothing"
            raise StudyError(f"fi: needs an axis with several numbers; {there} is swept")
        x = "amplitude" if "amplitude" in numeric else numeric[-1]
    if not chosen.is_numeric(found, x):
        raise StudyError(f"x = {x}: its values are no numbers")
    if x == y:
        raise StudyError(f"y = {y}: x is the same axis")
    rest = [name for name in free if name != x]
    return x, y or (rest[0] if len(rest) == 1 else None)


def _names(found: xr.Dataset, y: str | None) -> list[str]:
    """Return what the lines are called."""
    if y is None:
        return [""]
    if found.sizes[y] > len(MARKERS):
        few = ",".join(chosen.words(found, y)[:2])
        raise StudyError(
            f"{y}: {found.sizes[y]} lines cannot be told apart; give at most {len(MARKERS)} "
            f"values, as in {y}={few}"
        )
    return [scales.words(word) for word in chosen.words(found, y)]
