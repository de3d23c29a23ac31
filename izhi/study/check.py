"""What is wrong in a sweep, and what is probably not meant; nothing is built or written."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from izhi import floats
from izhi.config.sweep import Sweep
from izhi.engine import prepare
from izhi.errors import ConfigError
from izhi.study import statistics
from izhi.sweep import doubts, points, structures
from izhi.sweep import plan as plans
from izhi.sweep.doubts import Doubt
from izhi.sweep.plan import Machine, Shard
from izhi.sweep.structures import Structure, StructurePoints
from izhi.sweep.wrong import wrong

_MOST_DRAWS = 1_000_000
"""Numbers that are drawn to see whether parameters may have them: about half a second."""


@dataclass(frozen=True)
class Check:
    """What was looked at, and what was found.

    Attributes
    ----------
    points, structures
        Points of the sweep, and structures that they have.
    errors
        What cannot be run; the first of them is what ``izhi run`` ends with.
    doubts
        What is probably not meant; looked for where there is no error.
    """

    points: int
    structures: int
    errors: tuple[ConfigError, ...]
    doubts: tuple[Doubt, ...]


def check(sweep: Sweep) -> Check:
    """Check a sweep whose values have been checked one by one.

    What is drawn for cells and synapses, such as delays, is drawn for all points where these are
    no more than a million numbers; else for as many points, evenly spread over each structure's.
    """
    try:
        statistics.settings_of(sweep)
        prepare.check_compiler(sweep)
        found = structures.find(sweep)
        prepare.check_equations(sweep, found)
        _check_draws(sweep, found)
    except ConfigError as error:
        said = {str(other): other for other in (error, *wrong(sweep))}
        return Check(points.count(sweep), 0, tuple(said.values()), ())
    return Check(points.count(sweep), len(found), (), doubts.find(sweep, found))


@floats.usual()
def _check_draws(sweep: Sweep, found: tuple[StructurePoints, ...]) -> None:
    """Check that parameters may be what is drawn for them, as a run does before it simulates."""
    plan = plans.make_plan(sweep, found, Machine(workers=1, compiler=False, built=frozenset()))
    drawing = [(number, one) for number, one in enumerate(found) if _draws(one.structure)]
    for number, one in drawing:
        most = _MOST_DRAWS // (len(drawing) * _draws(one.structure))
        rows = np.linspace(0, one.points.size - 1, min(max(most, 1), one.points.size))
        plans.draws(plan, Shard(0, number, one.points[rows.astype(np.int64)]))


def _draws(structure: Structure) -> int:
    """Return how many numbers are drawn for a point."""
    circuit = structure.circuit
    of_cells = sum(len(p.neuron.drawn) * p.count for p in circuit.populations)
    of_synapses = (len(p.synapse.drawn) * circuit.most_synapses(p) for p in circuit.projections)
    return int(of_cells + sum(of_synapses))
