"""Synapses: what a presynaptic spike does to the synaptic current of its target.

The synaptic current decays exponentially and is integrated with the target cell; one current for
each projection, so that projections may differ in their time constant.

Tsodyks-Markram synapses follow M. Stimberg et al. (2019), Modeling neuron-glia interactions with
the Brian 2 simulator: u_S decays to 0 with tau_f, x_S recovers to 1 with tau_d; at a spike
``u_S += U_0*(1 - u_S)``, ``r_S = u_S*x_S``, ``x_S -= r_S``, and the target receives ``weight*r_S``.
x_S has to start at 1: Brian2 starts everything at 0, which makes the first spikes release little.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class SynapseModel:
    """A synapse in Brian2's notation.

    Attributes
    ----------
    equations
        Equations, with ``{current}`` for the unit of the synaptic current.
    on_pre
        What a presynaptic spike does, with ``{target}`` for the synaptic current.
    parameters
        Per-synapse parameters; `delay` and the target's `tau_s` come on top.
    start
        State that does not start at 0.
    """

    equations: str
    on_pre: str
    parameters: tuple[str, ...]
    start: tuple[tuple[str, float], ...] = ()


MODELS: dict[str, SynapseModel] = {
    "static": SynapseModel(
        equations="weight : {current} (constant)",
        on_pre="{target} += weight",
        parameters=("weight",),
    ),
    "tsodyks_markram": SynapseModel(
        equations="""
            du_S/dt = -u_S/tau_f : 1 (event-driven)
            dx_S/dt = (1 - x_S)/tau_d : 1 (event-driven)
            r_S : 1
            U_0 : 1 (constant)
            tau_f : second (constant)
            tau_d : second (constant)
            weight : {current} (constant)
            """,
        on_pre="""
            u_S += U_0*(1 - u_S)
            r_S = u_S*x_S
            x_S -= r_S
            {target} += weight*r_S
            """,
        parameters=("U_0", "tau_f", "tau_d", "weight"),
        start=(("x_S", 1.0),),
    ),
}


def current_name(projection: str) -> str:
    """Return the name of a projection's synaptic current in its target cells."""
    return f"{projection}_I"


def current_equations(projection: str, current: str) -> str:
    """Return the equations of a projection's synaptic current in its target cells."""
    name = current_name(projection)
    return f"""
        d{name}/dt = -{name}/{projection}_tau_s : {current}
        {projection}_tau_s : second (constant)
        """
