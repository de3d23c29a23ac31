"""What is not wrong in a sweep, but probably not meant: looked for once, on few of its values."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from izhi.config.sweep import Sweep
from izhi.sweep.doubts import starts
from izhi.sweep.doubts.doubt import Doubt
from izhi.sweep.doubts.scene import Scene, thinned
from izhi.sweep.structures import StructurePoints

__all__ = ["Doubt", "find"]


def find(sweep: Sweep, structures: tuple[StructurePoints, ...]) -> tuple[Doubt, ...]:
    """Return the doubts on a sweep whose points have been checked, each once.

    Parameters
    ----------
    sweep
        What was asked for.
    structures
        Its points, sorted.
    """
    few = thinned(sweep)
    found: list[Doubt] = []
    for structure in structures:
        found += _of_models(Scene(few, structure.structure, _bases(sweep, structures, structure)))
    return tuple(dict.fromkeys(found))


def _of_models(scene: Scene) -> Iterator[Doubt]:
    for population in scene.structure.circuit.populations:
        yield from starts.of_neuron(scene, population.name, population.neuron)
    for projection in scene.structure.circuit.projections:
        yield from starts.of_synapse(scene, projection)


def _bases(
    sweep: Sweep, structures: tuple[StructurePoints, ...], one: StructurePoints
) -> tuple[int, ...]:
    """Return the numbers of the composed configs that a structure's points have."""
    if len(sweep.used) == 1 or len(structures) == 1:
        return tuple(sweep.used)
    every = np.broadcast_to(sweep.base_of, sweep.shape).ravel()
    return tuple(int(number) for number in np.unique(every[one.points]))
