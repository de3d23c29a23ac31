"""Cells that differ in their parameters have the bits of scripts in which these are constants.

The equations are other ones than those of the package: exponential integrate and fire with
adaptation, in several ways to integrate them, and a synapse with a time constant of its own.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from izhi.engine import runtime
from izhi.engine.shared import share

ADAPTIVE = """
dv/dt = (g_L*(E_L - v) + g_L*D_T*exp((v - v_T)/D_T) + I - w)/C : volt
dw/dt = (a*(v - E_L) - w)/tau_w : amp
"""
LEAKY = """
dv/dt = (E_L - v + R*I)/tau : volt
"""
DECAYING = "dx/dt = -x/tau_x : 1 (event-driven)"

SETS: dict[str, list[dict[str, tuple[float, str]]]] = {
    ADAPTIVE: [
        {"C": (281e-12, "farad"), "g_L": (30e-9 + 1.1e-9 * k, "siemens"), "E_L": (-70.6e-3, "volt"),
         "v_T": (-50.4e-3, "volt"), "D_T": (2e-3 + 0.07e-3 * k, "volt"),
         "tau_w": (144e-3 - 3e-3 * k, "second"), "a": (4e-9 + 0.3e-9 * k, "siemens"),
         "I": (0.8e-9 + 0.03e-9 * k, "amp")}
        for k in (0, 2, 4)
    ],
    LEAKY: [
        {"E_L": (-70e-3 + 0.3e-3 * k, "volt"), "R": (50e6 + 1.7e6 * k, "ohm"),
         "I": (0.6e-9 + 0.01e-9 * k, "amp"), "tau": (20e-3 - 0.7e-3 * k, "second")}
        for k in (0, 2, 4)
    ],
}  # fmt: skip
STEPS = 1000


def final(equations: str, method: str, sets: list[dict[str, Any]], how: str) -> NDArray[np.float64]:
    """Return the state at the end for some sets of parameters, shape (variables, sets)."""
    with runtime.quiet_brian() as b2:
        units = {name: getattr(b2, unit) for name, (_, unit) in sets[0].items()}
        declared = "".join(f"{name} : {unit} (constant)\n" for name, (_, unit) in sets[0].items())
        constants = {name: sets[0][name][0] * unit for name, unit in units.items()}
        given = how != "constants"
        cells = b2.NeuronGroup(
            len(sets), equations + (declared if given else ""),
            threshold="v > -40*mV", reset="v = -60*mV", method=method,
            namespace={"mV": b2.mV, **({} if given else constants)},
        )  # fmt: skip
        cells.v = -65 * b2.mV
        if given:
            for name in units:
                setattr(cells, f"{name}_", np.array([values[name][0] for values in sets]))
                if how == "shared":
                    share(cells, name)
        b2.Network(cells).run(STEPS * b2.defaultclock.dt, namespace={})
        return np.array([getattr(cells, f"{x}_") for x in sorted(cells.equations.diff_eq_names)])


@pytest.mark.parametrize(
    ("equations", "method"),
    [(ADAPTIVE, "euler"), (ADAPTIVE, "rk4"), (LEAKY, "rk2"), (LEAKY, "exponential_euler"),
     (LEAKY, "exact"),
     *(pytest.param(*other, marks=pytest.mark.soak)
       for other in ((ADAPTIVE, "rk2"), (LEAKY, "euler"), (LEAKY, "rk4")))],
)  # fmt: skip
def test_cells_of_replicas_have_the_bits_of_scripts(equations, method) -> None:
    sets = SETS[equations]
    scripts = np.hstack([final(equations, method, [one], "constants") for one in sets])
    assert np.unique(scripts).size == scripts.size and np.isfinite(scripts).all()
    assert np.array_equal(final(equations, method, sets, "shared"), scripts)


def test_without_that_the_bits_are_others() -> None:
    sets = SETS[ADAPTIVE]
    scripts = np.hstack([final(ADAPTIVE, "euler", [one], "constants") for one in sets])
    assert not np.array_equal(final(ADAPTIVE, "euler", sets, "unmarked"), scripts)


def test_synapses_of_replicas_have_the_bits_of_scripts() -> None:
    taus, rates = [11e-3, 17.3e-3, 29.9e-3], [7e-3, 9.1e-3, 3.3e-3]

    def states(taus: list[float], rates: list[float], how: str) -> NDArray[np.float64]:
        with runtime.quiet_brian() as b2:
            n, constant = len(taus), how == "constants"
            source = b2.NeuronGroup(
                n, "dv/dt = 1/T : 1\nT : second (constant)", threshold="v > 1", reset="v = 0",
                method="euler", namespace={},
            )  # fmt: skip
            source.T = rates * b2.second
            synapses = b2.Synapses(
                source, source,
                DECAYING + ("" if constant else "\ntau_x : second (constant)"),
                on_pre="x += 0.3*(1 - x)",
                namespace={"tau_x": taus[0] * b2.second} if constant else {},
            )  # fmt: skip
            synapses.connect(j="i")
            if not constant:
                synapses.tau_x = taus * b2.second
                share(synapses, "tau_x")
            b2.Network(source, synapses).run(STEPS * b2.defaultclock.dt, namespace={})
            return np.array(synapses.x_)

    scripts = [states([tau], [rate], "constants") for tau, rate in zip(taus, rates, strict=True)]
    assert np.array_equal(states(taus, rates, "shared"), np.concatenate(scripts))
