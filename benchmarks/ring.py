"""A circuit that nothing was tuned to: rings of 50 cells, static synapses, every delay its own."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

import izhi
from benchmarks.own_device import Request
from izhi.engine.network import variables
from izhi.sweep import plan as plans
from izhi.sweep.structures import Structure

CELLS = 50


def structure(duration: str = "1 s") -> tuple[Structure, dict[str, NDArray[Any]]]:
    """Return the structure of a ring, with the parameters of one point."""
    plan = izhi.plan(
        ["circuit=ring", "synapse=static", "synapse.delay=1 ms", "stimulus.amplitude=10",
         f"simulation.duration={duration}", "run.engine=compiled"]
    )  # fmt: skip
    return plan.batches[0].structure, plans.parameters(plan, plan.shards[0])


def parameters(one: dict[str, NDArray[Any]], replicas: int) -> dict[str, NDArray[Any]]:
    """Return parameters of rings whose cells get 3 to 9 mV and whose delays are 0 to 8 ms.

    Every parameter has one value for each cell or synapse, shape (replicas, cells).
    """
    random, size = np.random.default_rng(5), (replicas, CELLS)
    return {name: np.full(size, value) for name, value in one.items()} | {
        "cell.stimulus.amplitude": random.uniform(3e-3, 9e-3, size),
        "cell.v_0": random.uniform(-70e-3, -55e-3, size),
        "onward.delay": random.uniform(0, 8e-3, size),
        "onward.weight": random.uniform(1e-3, 6e-3, size),
    }


def request(
    found: Structure, given: dict[str, NDArray[Any]], replicas: int, strict: bool, runs: int = 1
) -> Request:
    """Return the same for Brian2's own device."""
    values = {variable.name: given[variable.parameter].ravel() for variable in variables(found)}
    return Request(found, replicas, values, strict, runs)
