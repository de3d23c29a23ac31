"""What a spike transmits, from a synapse's equations: against integrals that are known."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from izhi import units
from izhi.models import charge, synapse
from izhi.units import VOLT

CELL = {"v": VOLT, "u": VOLT}
TEXTS = ("equations", "on_pre", "target", "current")
RELEASE = {
    "equations": "du_S/dt = -u_S/tau_f : 1 (event-driven)\n"
                 "dx_S/dt = (1 - x_S)/tau_d : 1 (event-driven)",
    "U_0": "0.6", "tau_f": "300 ms", "tau_d": "500 ms", "x_S_0": "1",
}  # fmt: skip
PLASTIC = "u_S += U_0*(1 - u_S)\nr_S = u_S*x_S\nx_S -= r_S\n"
WEIGHT = {"weight": "4 mV", "tau_s": "5 ms"}
STATIC = {"on_pre": "s_post += weight", "target": "ds/dt = -s/tau_s : current", "current": "s"}
ALPHA = {
    "on_pre": "x_post += weight*exp(1)", "current": "s",
    "target": "ds/dt = (x - s)/tau_s : current\ndx/dt = -x/tau_s : current",
}  # fmt: skip


def transmitted(**config: str) -> float:
    """Return the charge of a full release in mV ms."""
    texts = {k: v for k, v in config.items() if k in TEXTS}
    quantities = {k: units.parse(v) for k, v in config.items() if k not in TEXTS}
    kinds = {name: quantity.dimension for name, quantity in quantities.items()}
    found = synapse.read(texts, kinds, {}, CELL, VOLT, "synapse")
    values = {name: np.array([quantity.si]) for name, quantity in quantities.items()}
    return float(charge.transmitted(found, values)[0] * 1e6)


KNOWN: list[tuple[dict[str, Any], float]] = [
    (STATIC, 20),
    (ALPHA, 4 * math.e * 5),
    ({**STATIC, "current": "3*s - s/2"}, 50),
    ({**STATIC, "target": "gone = s/tau_s : current/second\nds/dt = -gone : current"}, 20),
    ({**STATIC, "on_pre": "half = weight/2\ns_post += half\ns_post -= half/4"}, 7.5),
    # releases that reach the target by other equations, and in another order
    ({**RELEASE, **ALPHA, "on_pre": PLASTIC + "x_post += exp(1)*weight*r_S"}, 4 * math.e * 5),
    ({**RELEASE, **STATIC, "on_pre": "u_S += U_0*(1 - u_S)\nr_S = u_S*x_S\ns_post += weight*r_S\n"
      "x_S -= r_S"}, 20),
]  # fmt: skip


@pytest.mark.parametrize(("config", "expected"), KNOWN)
def test_charges_that_are_known(config, expected) -> None:
    assert transmitted(**WEIGHT, **config) == pytest.approx(expected, rel=1e-13)


UNKNOWN: list[dict[str, Any]] = [
    {"on_pre": "v_post += weight"},
    {**STATIC, "current": "s*v/weight"},
    {**STATIC, "current": "s*s/weight"},
    {**STATIC, "target": "ds/dt = -s/tau_s*(1 + sin(t/tau_s)) : current"},
    {**STATIC, "target": "ds/dt = s/tau_s : current"},
    {**STATIC, "target": "ds/dt = (weight - s)/tau_s : current"},
    {**STATIC, "on_pre": "s_post = weight"},
    {**STATIC, "on_pre": "s_post += weight*s_post/weight"},
    {**RELEASE, **STATIC, "on_pre": PLASTIC + "s_post += weight*r_S*r_S"},
    {**RELEASE, **STATIC, "on_pre": PLASTIC + "s_post += weight*x_S"},
]


@pytest.mark.parametrize("config", UNKNOWN)
def test_a_charge_that_does_not_follow_from_parameters_is_nan(config) -> None:
    used = WEIGHT if "tau_s" in str(config) else {"weight": "4 mV"}
    assert math.isnan(transmitted(**{**used, **config}))


times = st.floats(0.1, 500)


@settings(max_examples=50, deadline=None)
@given(st.lists(times, min_size=1, max_size=4), st.floats(-10, 10), st.randoms())
def test_a_cascade_hands_on_all_that_comes(taus, weight, random) -> None:
    """The integral of each stage's x/tau is that of the first; the equations are in any order."""
    lines = ["dx0/dt = -x0/tau0 : current"]
    lines += [f"dx{n}/dt = x{n - 1}/tau{n - 1} - x{n}/tau{n} : current"
              for n in range(1, len(taus))]  # fmt: skip
    random.shuffle(lines)
    given_times = {f"tau{n}": f"{tau!r} ms" for n, tau in enumerate(taus)}
    last = len(taus) - 1
    found = transmitted(
        on_pre="x0_post += weight", target="\n".join(lines), current=f"x{last}",
        weight=f"{weight!r} mV", **given_times,
    )  # fmt: skip
    assert found == pytest.approx(weight * taus[-1], rel=1e-9, abs=1e-12)


@settings(max_examples=50, deadline=None)
@given(times, st.floats(0.05, 5))
def test_an_oscillation_that_fades(tau, damping) -> None:
    """x'' + 2 d x'/tau + x/tau**2 = 0 from a kick of y: the integral of x is w tau."""
    found = transmitted(
        on_pre="y_post += weight", current="x", damping=repr(damping), weight="4 mV",
        tau=f"{tau!r} ms",
        target="dx/dt = y/tau : current\ndy/dt = -(x + 2*damping*y)/tau : current",
    )  # fmt: skip
    assert found == pytest.approx(4 * tau, rel=1e-9)
