"""Doubts on rows of parameters that go round with an error in them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from izhi.models.circuit import Population
from izhi.sweep.doubts.doubt import Doubt
from izhi.sweep.doubts.scene import Scene

_RESONATOR = {"a": 100.0, "b": 0.25, "c": -65e-3, "d": 8e-3}
"""As posted in the Brian forum, "Run error with modeling izhikevich neuron" (2021); SI units."""


def of_neuron(scene: Scene, population: Population) -> Iterator[Doubt]:
    """Give the doubts on the numbers of a neuron of Izhikevich (2003)."""
    if not set(_RESONATOR) <= {name for name, _ in population.neuron.parameters}:
        return
    found = [
        np.isclose(scene.grid(population.name, "neuron", name), value)
        for name, value in _RESONATOR.items()
    ]
    if scene.first(np.logical_and.reduce(np.broadcast_arrays(*found))) is not None:
        yield Doubt(
            f"{scene.group(population.name, 'neuron')}.b",
            "0.25 with a = 0.1/ms and d = 8 mV is a resonator as posted in a forum; Izhikevich "
            "(2003) has b = 0.26 and d = 2 mV (neuron=resonator), which fires at twice the rate",
        )
