"""All models of a sweep that are wrong, where one error would hide the others."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from izhi.config.sweep import Base, Sweep
from izhi.errors import ConfigError
from izhi.models import circuit as circuits
from izhi.sweep import models


def wrong(sweep: Sweep) -> Iterator[ConfigError]:
    """Give the error of each model, as it is with the first value of each axis."""
    chosen = {axis.key: axis.values[0] for axis in sweep.axes if axis.values is not None}
    for number in sweep.used:
        for read in _models(sweep, sweep.bases[number], chosen):
            try:
                read()
            except ConfigError as error:
                yield error


def _models(sweep: Sweep, base: Base, chosen: dict[str, Any]) -> Iterator[Callable[[], Any]]:
    """Give what reads each model: neurons first, since the others refer to them."""
    populations = circuits.names(base, "populations")
    for name in populations:
        yield partial(models.neuron, sweep, base, name, chosen)
    for name in populations:
        yield partial(models.stimuli, sweep, base, name, chosen)
    for name in circuits.names(base, "projections"):
        key = f"circuit.projections.{name}.target"
        target = chosen.get(key, base.values.get(key))
        if target in populations:
            yield partial(models.synapse, sweep, base, name, target, chosen)
