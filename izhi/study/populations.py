"""Which population of the circuit each cell of a study is of: a label alone does not tell.

The cells of a population ``e`` may be e0 to e19 where another population has the name ``e1``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from izhi.config.sweep import Base, Sweep
from izhi.models import circuit


def of_cells(sweep: Sweep, cells: Sequence[str]) -> NDArray[Any]:
    """Return the populations that cells are of, shape (bases, cells); "" where there is none."""
    numbers = {cell: n for n, cell in enumerate(cells)}
    result = np.full((len(sweep.bases), len(cells)), "", object)
    for base in sweep.used:
        for name in circuit.names(sweep.bases[base], "populations"):
            most = _largest(sweep, sweep.bases[base], f"circuit.populations.{name}.count")
            found = [numbers[label] for i in range(most) if (label := f"{name}{i}") in numbers]
            result[base, found] = name
    return result


def groups(sweep: Sweep, cells: Sequence[str]) -> dict[str, NDArray[np.int64]]:
    """Return the numbers of the cells that each population has, at any point, by its name."""
    populations = of_cells(sweep, cells)
    names = dict.fromkeys(populations.ravel().tolist())
    return {name: np.flatnonzero((populations == name).any(axis=0)) for name in names if name}


def _largest(sweep: Sweep, base: Base, key: str) -> int:
    """Return the largest value of a whole-number key."""
    swept = [axis.labels for axis in sweep.axes if axis.key == key]
    return int(max(swept[0]) if swept else base.values[key])  # type: ignore[arg-type]
