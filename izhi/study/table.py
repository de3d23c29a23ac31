"""The summary table as text: one row per point and cell, a window at a time."""

from __future__ import annotations

import csv
import io
import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from izhi.config.sweep import Axis
from izhi.spikes import STATISTICS
from izhi.study import shardfile, window
from izhi.study.draws import Variable
from izhi.study.statistics import Columns
from izhi.study.window import ABSENT, Window

COMMENT = "#"
"""What the line with the units begins with."""

_SEPARATING = {COMMENT, ";", "\t"}
"""Signs that divide lines, here or for a spreadsheet in another country."""

_FORMULA = re.compile(r"\s*[=+@\uff1d\uff0b\uff0d\uff20-]")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?( [^\s=+@-]+)?")

_HOW = f'read with pandas.read_csv(path, comment="{COMMENT}")'


@dataclass(frozen=True)
class Layout:
    """What the rows of all windows share.

    Attributes
    ----------
    axes
        Names of the axes.
    units
        Their units; None or empty for those that have none.
    labels
        Their labels as text.
    columns
        Cells and statistics.
    """

    axes: tuple[str, ...]
    units: tuple[str | None, ...]
    labels: tuple[tuple[str, ...], ...]
    columns: Columns

    @property
    def names(self) -> list[str]:
        """Names of the columns: statistics of cells, and what was drawn for cells."""
        return [*self._statistics, *(drawn.name for drawn in self._drawn)]

    @property
    def _statistics(self) -> list[str]:
        return [name for name in self.columns.names if STATISTICS[name].per == "cell"]

    @property
    def _drawn(self) -> list[Variable]:
        return [drawn for drawn in self.columns.drawn if drawn.per == "cell"]

    @property
    def words(self) -> dict[str, tuple[str, ...]]:
        """What the values of each column stand for; empty where they are numbers."""
        words = {name: STATISTICS[name].words for name in self._statistics}
        return words | {drawn.name: drawn.words for drawn in self._drawn}

    @property
    def header(self) -> str:
        """The first two lines: a comment with the units, and the names of the columns."""
        units = [
            *((name, unit) for name, unit in zip(self.axes, self.units, strict=True)),
            *((name, STATISTICS[name].units) for name in self._statistics),
            *((drawn.name, drawn.units) for drawn in self._drawn),
        ]
        told = ", ".join(f"{name} {unit}" for name, unit in units if unit not in ("1", "", None))
        return f"{COMMENT} units: {told}; {_HOW}\n" + one_line(
            [*self.axes, "cell", *self.names, "status"]
        )


def layout(axes: Sequence[Axis], columns: Columns) -> Layout:
    """Return the layout of a study's table."""
    labels = tuple(tuple(_word(label) for label in axis.labels.tolist()) for axis in axes)
    names, units = tuple(axis.name for axis in axes), tuple(axis.unit for axis in axes)
    return Layout(names, units, labels, columns)


def write_part(layout: Layout, part: Window, folder: Path, number: int) -> tuple[int, int]:
    """Write the rows of a window to a file named by its number; return that and how many."""
    lines = rows(layout, part, window.read(part, layout.columns))
    (folder / str(number)).write_text("".join(lines), encoding="utf-8")
    return number, len(lines)


def rows(
    layout: Layout, part: Window, values: dict[str, NDArray[Any]], *, earlier: bool = False
) -> list[str]:
    """Return the rows of a window, with their line ends.

    Parameters
    ----------
    layout
        What all windows share.
    part
        The window.
    values
        Its statistics, see :func:`izhi.study.window.read`.
    earlier
        As an earlier version of izhi wrote them: of a point that has diverged, also rows of cells
        that its circuit does not have.
    """
    cells = [_word(cell) for cell in layout.columns.cells]
    labels = [names[s] for names, s in zip(layout.labels, part.box, strict=True)]
    starts = [",".join((*point, "")) for point in itertools.product(*labels)]
    status = np.repeat(values["status"], len(cells))
    # Rows of cells that a point's circuit does not have say nothing; failed points do.
    simulated = [shardfile.DONE] if earlier else [shardfile.DONE, shardfile.DIVERGED]
    kept = (values["spike_count"].ravel() != ABSENT) | ~np.isin(status, simulated)
    columns = [
        [start + cell for start in starts for cell in cells],
        *(_words(values[name].ravel(), words) for name, words in layout.words.items()),
        _words(status),
    ]
    lines = map(",".join, zip(*columns, strict=True))
    return [line + "\n" for line in itertools.compress(lines, kept.tolist())]


def _words(values: NDArray[Any], names: Sequence[str] = ()) -> list[str]:
    """Return numbers as text, each different one made once; NaN is empty.

    Where numbers stand for names, these are taken; another number is empty.
    """
    different, where = np.unique(values, return_inverse=True)
    numbers = different.tolist()
    if names:
        words = np.array([names[n] if 0 <= n < len(names) else "" for n in numbers], dtype=object)
    else:
        words = np.array([_word(value) for value in numbers], dtype=object)
    return words[where].tolist()  # type: ignore[no-any-return]


def _word(value: Any) -> str:
    """Return a value as a field: the shortest text that reads back as the same value."""
    if isinstance(value, float):
        return "" if value != value else repr(value)
    return one_line([inert(value)]).removesuffix("\n") if isinstance(value, str) else str(value)


def inert(text: str) -> str:
    """Return a text that no spreadsheet takes for a formula: with an apostrophe before such a one.

    Quantities stay as they are: -65 mV is none.
    """
    return f"'{text}" if _FORMULA.match(text) and not _NUMBER.fullmatch(text) else text


def one_line(fields: Sequence[str]) -> str:
    """Return fields as a line; what begins a comment or may divide fields elsewhere is quoted."""
    text = io.StringIO()
    for number, field in enumerate(fields):
        text.write("," * (number > 0))
        whole = not set(field) & _SEPARATING
        quoted: Literal[0, 1] = csv.QUOTE_MINIMAL if whole else csv.QUOTE_ALL
        csv.writer(text, lineterminator="", quoting=quoted).writerow([field])
    return text.getvalue() + "\n"
