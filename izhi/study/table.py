"""The summary table as text: one row per point and cell, a window at a time."""

from __future__ import annotations

import csv
import io
import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from izhi.config.sweep import Axis
from izhi.spikes import STATISTICS
from izhi.study import shardfile, window
from izhi.study.window import ABSENT, Window


@dataclass(frozen=True)
class Layout:
    """What the rows of all windows share: names of the axes, their labels as text, the cells."""

    axes: tuple[str, ...]
    labels: tuple[tuple[str, ...], ...]
    cells: tuple[str, ...]

    @property
    def header(self) -> str:
        """The first line."""
        return _line([*self.axes, "cell", *STATISTICS, "status"])


def layout(axes: Sequence[Axis], cells: tuple[str, ...]) -> Layout:
    """Return the layout of a study's table."""
    labels = tuple(tuple(_word(label) for label in axis.labels.tolist()) for axis in axes)
    return Layout(tuple(axis.name for axis in axes), labels, tuple(map(_word, cells)))


def write_part(layout: Layout, part: Window, folder: Path, number: int) -> tuple[int, int]:
    """Write the rows of a window to a file named by its number; return that and how many."""
    lines = rows(layout, part, window.read(part, len(layout.cells)))
    (folder / str(number)).write_text("".join(lines), encoding="utf-8")
    return number, len(lines)


def rows(layout: Layout, part: Window, values: dict[str, NDArray[Any]]) -> list[str]:
    """Return the rows of a window, with their line ends.

    Parameters
    ----------
    layout
        What all windows share.
    part
        The window.
    values
        Its statistics, see :func:`izhi.study.window.read`.
    """
    cells = len(layout.cells)
    labels = [names[s] for names, s in zip(layout.labels, part.box, strict=True)]
    starts = [",".join((*point, "")) for point in itertools.product(*labels)]
    status = np.repeat(values["status"], cells)
    # Rows of cells that a point's circuit does not have say nothing; failed points do.
    kept = (values["spike_count"].ravel() != ABSENT) | (status != shardfile.DONE)
    columns = [
        [start + cell for start in starts for cell in layout.cells],
        *(_words(values[name].ravel()) for name in STATISTICS),
        _words(status),
    ]
    lines = map(",".join, zip(*columns, strict=True))
    return [line + "\n" for line in itertools.compress(lines, kept.tolist())]


def _words(values: NDArray[Any]) -> list[str]:
    """Return numbers as text, each different one made once; NaN is empty."""
    different, where = np.unique(values, return_inverse=True)
    words = np.array([_word(value) for value in different.tolist()], dtype=object)
    return words[where].tolist()  # type: ignore[no-any-return]


def _word(value: Any) -> str:
    """Return a value as a field: the shortest text that reads back as the same value."""
    if isinstance(value, float):
        return "" if value != value else repr(value)
    return _line([str(value)]).removesuffix("\n") if isinstance(value, str) else str(value)


def _line(fields: Sequence[str]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(fields)
    return text.getvalue()
