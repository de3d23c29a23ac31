"""The two-to-one circuit in Brian2, as its users write it."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

import brian2 as b2
import numpy as np
from numpy.typing import NDArray

from benchmarks import points as p

NEURON = """
dv/dt = (C1*v**2 + C2*v + C3 - u + I)/ms : volt
du/dt = a*(b*v - u) : volt
"""
STEP = "I = amplitude*int(t >= onset) : volt"
RECEIVED = "dI/dt = -I/tau_s : volt"
SYNAPSE = """
du_S/dt = -u_S/tau_f : 1 (event-driven)
dx_S/dt = (1 - x_S)/tau_d : 1 (event-driven)
"""
ON_PRE = """
u_S += U_0*(1 - u_S)
r_S = u_S*x_S
x_S -= r_S
I_post += weight*r_S
"""


def constants() -> dict[str, Any]:
    """Return what all points have in common."""
    ms, mV = b2.ms, b2.mV
    return {
        "C1": p.C1 / mV, "C2": p.C2, "C3": p.C3 * mV, "v_th": p.V_TH * mV, "onset": p.ONSET * ms,
        "tau_f": p.TAU_F * ms, "tau_d": p.TAU_D * ms, "tau_s": p.TAU_S * ms,
        "weight": p.WEIGHT * mV,
    }  # fmt: skip


def parameters(row: Sequence[float]) -> dict[str, Any]:
    """Return the parameters of a point, a row of :meth:`benchmarks.points.Points.rows`."""
    a, b, c, d, release, amplitude = row
    mV = b2.mV
    return {
        "a": a / b2.ms, "b": b, "c": c * mV, "d": d * mV, "U_0": release,
        "amplitude": amplitude * mV,
    }  # fmt: skip


def build(namespace: dict[str, Any], extra: str = "", release: str = "") -> Any:
    """Return a network and its spike monitors.

    Parameters
    ----------
    namespace
        Constants of the equations.
    extra, release
        Declarations of parameters that the cells, or the synapses, have themselves.
    """
    groups = []
    for name, count, current in (("pre", 2, STEP), ("post", 1, RECEIVED)):
        group = b2.NeuronGroup(
            count, NEURON + current + extra, threshold="v > v_th", reset="v = c; u += d",
            method="euler", namespace=namespace, name=name,
        )  # fmt: skip
        group.v = p.V_START * b2.mV
        groups.append(group)
    synapses = b2.Synapses(
        *groups, SYNAPSE + release, on_pre=ON_PRE, namespace=namespace, name="synapses"
    )
    synapses.connect()
    synapses.x_S = 1
    monitors = [b2.SpikeMonitor(group, name=f"spikes_{group.name}") for group in groups]
    return b2.Network(*groups, synapses, *monitors), groups, monitors


def quiet() -> None:
    """Silence Brian2's remarks."""
    logging.getLogger("brian2").setLevel(logging.ERROR)


def trains(monitors: Sequence[Any]) -> list[NDArray[np.float64]]:
    """Return the spike times of each cell in seconds."""
    return [
        np.asarray(train / b2.second)
        for monitor in monitors
        for train in monitor.spike_trains().values()
    ]


def simulate(row: Sequence[float]) -> list[NDArray[np.float64]]:
    """Return the spike times of one point, from a network of its own."""
    b2.start_scope()
    network, groups, monitors = build({**constants(), **parameters(row)})
    for group in groups:
        group.u = "b*v"
    network.run(p.STEPS * p.DT * b2.ms, namespace={})
    return trains(monitors)
