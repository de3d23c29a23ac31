"""The digest of a study's results: equal where every number is, whoever computed it how."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from izhi.config.sweep import Axis
from izhi.study.statistics import Columns


def same_bits(a: NDArray[Any], b: NDArray[Any]) -> NDArray[np.bool_]:
    """Return where two arrays of one shape hold the same numbers, the sign of 0 included.

    All NaN are the same: there are many bit patterns of NaN, and processors differ.
    """
    same = a == b
    if a.dtype.kind == "f" and b.dtype.kind == "f":
        same &= np.signbit(a) == np.signbit(b)
        same |= np.isnan(a) & np.isnan(b)
    return np.asarray(same, np.bool_)


class Digest:
    """A SHA-256 over labels and results, fed variable by variable, each in the order of the points.

    Neither shards nor windows, files, times or names of studies are part of it, nor is what was
    drawn before anything was simulated.

    Parameters
    ----------
    axes, columns
        Labels of the results.
    """

    def __init__(self, axes: Sequence[Axis], columns: Columns) -> None:
        told = [[axis.name, axis.key, axis.unit, axis.labels.tolist()] for axis in axes]
        self._labels = [told, list(columns.cells), list(columns.synapses)]
        self._variables: dict[str, Any] = {}
        self._drawn = {variable.name for variable in columns.drawn}

    def add(self, name: str, values: NDArray[Any]) -> None:
        """Add the next values of a variable."""
        if name in self._drawn:
            return
        if name not in self._variables:
            self._variables[name] = hashlib.sha256(values.dtype.newbyteorder("<").str.encode())
        if values.dtype.kind == "f":  # there are many bit patterns of NaN, and processors differ
            values = np.where(np.isnan(values), np.nan, values)
        data = np.ascontiguousarray(values, values.dtype.newbyteorder("<"))
        self._variables[name].update(data.reshape(-1).view(np.uint8))

    def parts(self) -> dict[str, str]:
        """Return a digest for each variable."""
        return {name: found.hexdigest() for name, found in sorted(self._variables.items())}

    def hexdigest(self) -> str:
        """Return the digest of all that was added."""
        text = json.dumps([self._labels, self.parts()], ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()
