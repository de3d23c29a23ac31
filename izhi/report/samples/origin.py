"""Where traces are from, in words, and whether they belong to the spikes of the study."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from izhi.report.samples import cells
from izhi.report.samples.recorded import Recorded, spikes
from izhi.study.study import Study


@dataclass(frozen=True)
class Origin:
    """What was put together.

    Attributes
    ----------
    stored, again
        Numbers of points whose traces were stored, and that were simulated again.
    other
        Of the latter, those with other spikes than the study has.
    duration
        Of the longest, in seconds.
    some_cells
        Whether cells are left out.
    no_spikes
        Whether the spikes of any point are not known.
    """

    stored: int = 0
    again: int = 0
    other: int = 0
    duration: float = 0.0
    some_cells: bool = False
    no_spikes: bool = False

    def with_stored(self, part: Recorded) -> Origin:
        """Return the origin of a part with stored traces beside the others."""
        return replace(self._with(part), stored=self.stored + part.points.size)

    def with_again(self, part: Recorded, same: NDArray[np.bool_]) -> Origin:
        """Return the origin of a simulated part beside the others."""
        other = self.other + int(np.count_nonzero(~same))
        return replace(self._with(part), again=self.again + part.points.size, other=other)

    def _with(self, part: Recorded) -> Origin:
        circuit = part.structure.circuit
        shown = sum(number.size for _, number in cells.shown(circuit))
        return replace(
            self,
            duration=max(self.duration, part.structure.duration),
            some_cells=self.some_cells or shown < len(circuit.cells),
            no_spikes=self.no_spikes or part.count is None,
        )

    def in_words(self, remarks: Sequence[str]) -> str:
        """Return sentences on where traces are from and what is left out."""
        said = []
        if self.stored:
            said.append(f"Stored with the study: {_points(self.stored)}.")
        if self.again:
            said.append(f"Simulated once more for this report: {_points(self.again)}.")
        if self.other:
            said.append(
                f"Of these, {_points(self.other)} did not give the spikes that are stored: the "
                "study may be from another version of izhi."
            )
        if self.some_cells:
            said.append(f"The first {cells.MOST} cells of each population are shown.")
        if self.no_spikes:
            said.append("States of synapses are not shown where spikes were not recorded.")
        return " ".join([*said, *dict.fromkeys(remarks)])


def _points(number: int) -> str:
    return f"{number:,} point{'s' * (number != 1)}"


def same_spikes(study: Study, part: Recorded) -> NDArray[np.bool_]:
    """Return which points of a part have the spikes that the study has, or as many of them."""
    assert part.count is not None
    count, step = spikes(study, part.structure, part.points)
    if count is None:
        return np.asarray((_counts(study, part) == part.count).all(axis=1))
    same = np.asarray((count == part.count).all(axis=1))
    if not same.all():
        return same
    equal = np.isclose(step, part.step, rtol=0, atol=1e-6)
    point = np.repeat(np.arange(same.size), count.sum(axis=1))
    same[point[~equal]] = False
    return same


def _counts(study: Study, part: Recorded) -> NDArray[np.int64]:
    found = study.dataset["spike_count"].transpose(*study.axes, "cell")
    labels = [str(label) for label in found["cell"].values]
    columns = np.array([labels.index(cell) for cell in part.structure.circuit.cells])
    values = found.values.reshape(-1, len(labels))
    return np.asarray(values[np.ix_(part.points, columns)], np.int64)
