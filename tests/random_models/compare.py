"""Where two results of the same points differ, in a line."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from izhi.engine.result import Raw
from izhi.sweep.structures import Structure


def difference(structure: Structure, ours: Raw, theirs: Raw) -> str | None:
    """Return the first difference between two results, None where all bits are the same.

    Parameters
    ----------
    structure
        What was simulated.
    ours, theirs
        Spikes and traces of the same points.
    """
    found = [d for d in (_traces(structure, ours, theirs), _spikes(structure, ours, theirs)) if d]
    if found:
        return min(found)[1]
    if not np.array_equal(ours.sound, theirs.sound):
        point = int(np.argmax(ours.sound != theirs.sound))
        return f"point {point}: sound is {ours.sound[point]}, {theirs.sound[point]}"
    return None


def _traces(structure: Structure, ours: Raw, theirs: Raw) -> tuple[int, str] | None:
    """Return the first step in which any state differs, and how."""
    first: tuple[int, str] | None = None
    for name in structure.traced:
        a, b = ours.traces[name], theirs.traces[name]
        if a.shape != b.shape:
            return 0, f"{name}: shapes {a.shape}, {b.shape}"
        different = ~same_bits(a, b)
        if different.any():
            step = int(np.argmax(different.any(axis=(0, 1))))
            point, cell = (int(k) for k in np.argwhere(different[:, :, step])[0])
            said = (
                f"point {point}, {structure.circuit.cells[cell]}, step {step}: {name} is "
                f"{a[point, cell, step]!r}, {b[point, cell, step]!r}"
            )
            if first is None or step < first[0]:
                first = step, said
    return first


def same_bits(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return where numbers have the same bits, or are both no numbers."""
    return (a.view(np.int64) == b.view(np.int64)) | (np.isnan(a) & np.isnan(b))


def _spikes(structure: Structure, ours: Raw, theirs: Raw) -> tuple[int, str] | None:
    trains = [_trains(raw) for raw in (ours, theirs)]
    for number, (a, b) in enumerate(zip(*trains, strict=True)):
        if not np.array_equal(a, b, equal_nan=True):
            point, cell = divmod(number, len(structure.circuit.cells))
            n = min(len(a), len(b))
            at = int(np.argmax(a[:n] != b[:n])) if (a[:n] != b[:n]).any() else n
            step = min(float(x[at]) for x in (a, b) if at < len(x))
            said = (
                f"point {point}, {structure.circuit.cells[cell]}: spikes at steps "
                f"{_shown(a[at:])}, {_shown(b[at:])} (of {len(a)}, {len(b)})"
            )
            return int(step), said
    return None


def _trains(raw: Raw) -> list[NDArray[Any]]:
    ends = np.cumsum(raw.count.ravel())
    return np.split(raw.step, ends[:-1])


def _shown(steps: NDArray[Any]) -> str:
    return "none" if not len(steps) else " ".join(f"{step:g}" for step in steps[:3])
