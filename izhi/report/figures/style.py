"""How all figures look: sizes of journals' columns, fonts, and files that are the same each time.

Widths and the size of text are those that Cell Press asks for in its figure guidelines: 85, 114 or
174 mm for 1, 1.5 or 2 columns, text of 6 to 8 points at that size. Other journals' columns are
within a few millimetres of these.

Figures are made without pyplot, in settings that hold while one is drawn: those of a notebook that
draws beside them stay as they are.
"""

from __future__ import annotations

import functools
import io
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import matplotlib.style
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from PIL import Image

from izhi.errors import ConfigError, StorageError, StudyError, did_you_mean
from izhi.report import colours
from izhi.study.folder import write_atomic

WIDTHS = {1.0: 85.0, 1.5: 114.0, 2.0: 174.0}
"""Millimetres, by the number of columns."""

FORMATS = ("png", "pdf", "svg")
DPI = 300
"""Of the formats that have pixels."""

SMALL = 7.0
"""Points of what explains; all other text has 8."""

_INCH = 25.4
_STYLE = {
    "font.size": 8, "axes.labelsize": 8, "axes.titlesize": 8, "figure.titlesize": 8,
    "xtick.labelsize": 7, "ytick.labelsize": 7, "legend.fontsize": 7,
    "font.family": "DejaVu Sans",  # it comes with matplotlib: the same on all machines
    "axes.spines.top": False, "axes.spines.right": False, "axes.linewidth": 0.6,
    "xtick.major.width": 0.6, "ytick.major.width": 0.6, "xtick.major.size": 2.5,
    "ytick.major.size": 2.5, "lines.linewidth": 1.0, "lines.markersize": 3.5,
    "legend.frameon": False, "hatch.linewidth": 0.4, "hatch.color": "#8c8c8c",
    "svg.fonttype": "none", "pdf.fonttype": 42,  # text stays text
    "svg.hashsalt": "izhi",  # the same names of parts each time
    "path.simplify_threshold": 0.05,
}  # fmt: skip
_DATELESS: dict[str, dict[str, Any]] = {
    "png": {"Software": None}, "pdf": {"CreationDate": None}, "svg": {"Date": None}
}  # fmt: skip

P = ParamSpec("P")
R = TypeVar("R")


class Picture(Figure):
    """A figure that a notebook shows without pyplot."""

    def _repr_png_(self) -> bytes:
        return as_bytes(self, "png", dpi=150)


def styled(draw: Callable[P, R]) -> Callable[P, R]:
    """Have a function draw in this style, whatever settings matplotlib has."""

    @functools.wraps(draw)
    def inside(*args: P.args, **kwargs: P.kwargs) -> R:
        with matplotlib.style.context(["default", _STYLE]):
            return draw(*args, **kwargs)

    return inside


def picture(width: float, height: float) -> Picture:
    """Return an empty figure.

    Parameters
    ----------
    width
        In columns: 1, 1.5 or 2.
    height
        In millimetres.

    Raises
    ------
    ConfigError
        For another width.
    """
    if width not in WIDTHS:
        shown = f"{width}".removesuffix(".0")
        raise ConfigError(f"width = {shown}: expected 1, 1.5 or 2 columns")
    return Picture(figsize=(WIDTHS[width] / _INCH, height / _INCH), layout="constrained")


def check_target(path: Path) -> None:
    """Check that a figure can be written to a file.

    Raises
    ------
    ConfigError
        When its name does not end in one of `FORMATS`.
    StudyError
        When there is no such folder, or a folder of that name.
    """
    ending = path.suffix.removeprefix(".").lower()
    if ending not in FORMATS:
        given = f"no format {ending}" if ending else "names no format"
        near = did_you_mean(ending, FORMATS) if ending else ""
        near = near if "did you mean" in near else "; expected .png, .pdf or .svg"
        raise ConfigError(f"{path}: {given}{near}")
    if not path.parent.is_dir():
        raise StudyError(f"{path}: no folder {path.parent} to write it to")
    if path.is_dir():
        raise StudyError(f"{path}: is a folder")


def save(figure: Figure, path: Path | str) -> Path:
    """Write a figure to a file, in the place of one that is there.

    The same figure is the same bytes: no date is in it. Text is kept as text.

    Parameters
    ----------
    figure
        The figure.
    path
        A name that ends in one of `FORMATS`.

    Returns
    -------
    Path
        What was written.

    Raises
    ------
    ConfigError
        For another format.
    StudyError
        When there is no such folder.
    StorageError
        When it cannot be written.
    """
    path = Path(path)
    check_target(path)
    data = as_bytes(figure, path.suffix[1:].lower())
    try:
        write_atomic(path, lambda temporary: _write(temporary, data))
    except OSError as error:
        raise StorageError(f"{path}: cannot be written: {error.strerror or error}") from error
    return path


def _write(path: Path, data: bytes) -> None:
    path.write_bytes(data)


@styled
def as_bytes(figure: Figure, kind: str, dpi: float = DPI) -> bytes:
    """Return a figure as a file of one of `FORMATS`."""
    buffer, small = io.BytesIO(), io.BytesIO()
    figure.savefig(buffer, format=kind, dpi=dpi, metadata=_DATELESS[kind])
    if kind != "png":
        return buffer.getvalue()
    # nothing shines through the white: without its opacity, a file is a fifth smaller
    with Image.open(buffer) as image:
        image.convert("RGB").save(small, "png", optimize=True, dpi=(dpi, dpi))
    return small.getvalue()


def name_categories(axes: Axes, which: str, names: Sequence[str]) -> None:
    """Name the whole numbers on an axis; below it, long names are slanted."""
    axis = axes.xaxis if which == "x" else axes.yaxis
    axis.set_ticks(range(len(names)), names)
    if which == "x" and (len(names) > 4 or max(map(len, names)) > 8):
        axis.set_tick_params(rotation=40)
        for label in axes.get_xticklabels():
            label.set(ha="right", rotation_mode="anchor")
    axis.set_tick_params(length=0)


def no_result(axes: Axes) -> None:
    """Hatch the ground, which shows where there is no result."""
    axes.patch.set(facecolor=colours.NOTHING, edgecolor="#8c8c8c", hatch="//////", linewidth=0)
