"""What is not wrong in a sweep, but probably not meant: looked for once, on few of its values."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from dataclasses import replace

import numpy as np

from izhi.config.sweep import Sweep
from izhi.sweep.doubts import effects, repeats, rows, sources, starts, timing, wiring
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
    with np.errstate(all="ignore"):  # what never ends is inf, what is not there nan
        few = thinned(sweep)
        scenes = [Scene(few, one.structure, _bases(sweep, structures, one)) for one in structures]
        found: list[Doubt] = [*repeats.find(sweep.overrides)]
        seen: set[Hashable] = set()
        for scene in scenes:
            found += _of_models(scene, seen)
        found += wiring.unconnected(sweep, scenes)
        found += effects.find(sweep, scenes)
        found += effects.late_window(sweep, scenes)
    return tuple(dict.fromkeys(found))


def _of_models(scene: Scene, seen: set[Hashable]) -> Iterator[Doubt]:
    """Give the doubts on models that have not been seen: structures may differ by other things."""
    circuit, dt = scene.structure.circuit, scene.structure.dt
    for population in circuit.populations:
        one: Hashable = (replace(population, count=1), dt, scene.bases)
        if one in seen:
            continue
        seen.add(one)
        yield from starts.of_neuron(scene, population.name, population.neuron)
        yield from rows.of_neuron(scene, population)
        yield from timing.of_neuron(scene, population)
        yield from sources.of_neuron(scene, population)
        yield from timing.of_stimuli(scene, population)
        yield from wiring.of_neuron(scene, population)
    for projection in circuit.projections:
        one = (projection, circuit.population(projection.target).method, dt, scene.bases)
        if one in seen:
            continue
        seen.add(one)
        yield from starts.of_synapse(scene, projection)
        yield from timing.of_synapse(scene, projection)
        yield from wiring.of_synapse(scene, projection)
    yield from wiring.sparse(scene)
    yield from wiring.driven_alike(scene)


def _bases(
    sweep: Sweep, structures: tuple[StructurePoints, ...], one: StructurePoints
) -> tuple[int, ...]:
    """Return the numbers of the composed configs that a structure's points have."""
    if len(sweep.used) == 1 or len(structures) == 1:
        return tuple(sweep.used)
    every = np.broadcast_to(sweep.base_of, sweep.shape).ravel()
    return tuple(int(number) for number in np.unique(every[one.points]))
