"""What a page is given of the traces of some points."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from izhi import units
from izhi.report.samples.rows import Packed
from izhi.units import Dimension

_TITLES = {
    "v": "membrane potential", "u": "recovery variable", "I": "input current",
    "u_S": "release probability", "x_S": "available resources", "r_S": "released resources",
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class Trace:
    """A variable of a cell, or of what a cell has in a projection, at all points shown.

    Attributes
    ----------
    variable, title, unit
        What it is: ``"v"``, ``"membrane potential"``, ``"mV"``; no unit for a number.
    of
        ``"cell"`` or ``"projection"``.
    label
        Of the cell or projection, as in the dataset.
    row
        Row of the values for each point, -1 for none; shape (points,).
    packed
        Times and values; one and the same object for all traces that share them.
    """

    variable: str
    title: str
    unit: str
    of: str
    label: str
    row: NDArray[np.int32]
    packed: Packed


@dataclass(frozen=True, eq=False)
class Samples:
    """The traces of some points of a study.

    Attributes
    ----------
    point
        Numbers of the points, rising.
    duration
        Of the longest, in seconds.
    origin
        Where they are from, and what is left out, in sentences.
    traces
        The traces, those of cells first.
    peak
        Where spikes are drawn to, in the unit of ``v``, shape (points, cells of the dataset);
        NaN where that is not known.
    """

    point: NDArray[np.int32]
    duration: float
    origin: str
    traces: tuple[Trace, ...]
    peak: NDArray[np.float32]


def title(variable: str) -> str:
    """Return what a variable is called in words; its name where there are none."""
    return _TITLES.get(variable, variable)


def unit(dimension: Dimension) -> tuple[str, float]:
    """Return the unit that values are shown in, and what SI values are multiplied by."""
    if dimension == units.NUMBER:
        return "", 1.0
    name = units.example_unit(dimension) or units.symbol(dimension)
    return name, units.in_unit(units.Quantity(1.0, dimension, 1.0, units.symbol(dimension)), name)
