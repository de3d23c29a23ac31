"""Traces for a page: which points have them, where they are from, how much room they take."""

from __future__ import annotations

import sys
import zlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from izhi.config import inputs
from izhi.errors import StudyError
from izhi.report.samples import cells, contents, recorded
from izhi.report.samples.cells import Cells
from izhi.report.samples.choice import Places, spread
from izhi.report.samples.contents import Samples
from izhi.report.samples.origin import Origin, same_spikes
from izhi.report.samples.projections import Projections
from izhi.report.samples.recorded import Recorded
from izhi.study import overview, shardfile
from izhi.study.study import Study
from izhi.sweep import structures
from izhi.sweep.structures import StructurePoints
from izhi.units import VOLT

_MOST_VALUES = 8_000_000
"""Samples of all traces, equal ones counted as often as they are."""

_MOST_BYTES = 2_000_000
"""Of all traces, compressed: with the library of the page, less than 6 MB."""

_LONGEST = 30.0
"""Seconds of simulation, by estimate, where it was not said how many points there should be."""


def samples(
    study: Study,
    count: int | None = None,
    simulate: bool = True,
    among: Sequence[Places] | None = None,
    remark: Callable[[str], None] | None = None,
) -> Samples | None:
    """Return the traces of some points; None where there are none.

    Points with stored traces are among them. The others are spread evenly over the axes, and are
    simulated once more, in memory. Points that failed or were not run have no traces.

    Parameters
    ----------
    study
        The study.
    count
        Over how many points others are spread at most; by default as many as fit on a page
        and can be simulated in half a minute.
    simulate
        Whether there are others than those with stored traces.
    among
        For each axis, the positions of the values that may be taken; all by default.
    remark
        Where to say what takes long; on stderr by default.

    Raises
    ------
    StudyError
        When the dataset does not say what was asked for.
    EngineError
        When a program cannot be built or fails.
    """
    inputs.look_in(study.path)
    sweep = overview.asked(study)
    found = structures.find(sweep)
    status = study.dataset["status"].transpose(*study.axes).values.ravel()
    there = np.isin(status, (shardfile.DONE, shardfile.DIVERGED))
    most, fine = _room(found, recorded.FEW), True
    while True:
        held = _stored(study, there, most)
        others = most - held.size if count is None else min(most - held.size, count)
        shown = spread(sweep.axes, others, among) if simulate and others else held
        new = np.setdiff1d(shown[there[shown]], held)
        points = np.union1d(held, new)
        if points.size == 0:
            return None
        fine = fine and points.size <= _room(found, recorded.MANY)
        each = recorded.MANY if fine else recorded.FEW
        interval = partial(recorded.thinned, each)
        plan = recorded.plan_of(sweep, found, new, interval)
        if count is None and plan.running > _LONGEST and new.size > 1:
            most = held.size + max(1, int(new.size * _LONGEST / plan.running))
            continue
        stored = recorded.stored(study, recorded.plan_of(sweep, found, held, interval), each)
        again = recorded.again(plan, remark or _said)
        result = _collected(study, points, status, stored, again)
        size = _packed_size(result)
        if size <= _MOST_BYTES or (points.size == 1 and not fine):
            return result
        most = most if fine else max(1, int(0.9 * points.size * _MOST_BYTES / size))
        fine = False


def _said(text: str) -> None:
    print(text, file=sys.stderr)


def _room(found: Sequence[StructurePoints], samples: int) -> int:
    """Return how many points there may be, of so many samples each."""

    def size(group: StructurePoints) -> int:
        structure = replace(group.structure, trace_interval=group.structure.dt)
        shown = sum(number.size for _, number in cells.shown(structure.circuit))
        return shown * len(structure.traced) * min(structure.samples, samples)

    return max(1, _MOST_VALUES // max(map(size, found)))


def _stored(study: Study, there: NDArray[np.bool_], most: int) -> NDArray[np.int64]:
    """Return the points whose traces are stored; some of them, where they are too many."""
    try:
        points = study.traces["trace"].values.astype(np.int64)
    except StudyError:  # it has none
        return np.empty(0, np.int64)
    points = points[there[points]]
    if points.size <= most:
        return points
    return points[np.round(np.linspace(0, points.size - 1, most)).astype(np.int64)]


def _packed_size(result: Samples) -> int:
    packed = {id(trace.packed): trace.packed for trace in result.traces}.values()
    arrays = {id(a): a for one in packed for a in (one.time, one.values)}
    return sum(len(zlib.compress(array.tobytes(), 1)) for array in arrays.values())


def _collected(
    study: Study,
    points: NDArray[np.int64],
    status: NDArray[np.int8],
    stored: Iterable[Recorded],
    again: Iterable[Recorded],
) -> Samples:
    """Return what is shown of points, which come in parts of one structure each."""
    found = Cells(points, status[points] != shardfile.DIVERGED)
    synapses, origin = Projections(points), Origin()
    for part in stored:
        origin = origin.with_stored(part)
        found.add(part)
        synapses.add(part)
    for part in again:
        origin = origin.with_again(part, same_spikes(study, part))
        found.add(part)
        synapses.add(part)
    traces = (*found.traces(), *synapses.traces())
    labels = [str(label) for label in study.dataset["cell"].values]
    none = np.full(points.size, np.nan)
    factor = contents.unit(VOLT)[1]
    peak = np.stack([found.peak.get(label, none) for label in labels], axis=1) * factor
    return Samples(
        points.astype(np.int32), origin.duration, origin.in_words(synapses.remarks), traces,
        peak.astype(np.float32),
    )  # fmt: skip
