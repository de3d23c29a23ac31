"""Synapses as configs write them: what is read, and what is said of those that are wrong."""

from __future__ import annotations

from typing import Any

import pytest

from izhi import units
from izhi.errors import ConfigError
from izhi.models import synapse
from izhi.units import AMPERE, VOLT

CELL = {"v": VOLT, "u": VOLT}
TEXTS = ("equations", "on_pre", "target", "current")
STATIC = {
    "on_pre": "s_post += weight", "target": "ds/dt = -s/tau_s : current", "current": "s",
    "weight": "4 mV", "tau_s": "5 ms", "delay": "0 ms",
}  # fmt: skip
TSODYKS_MARKRAM = {
    "equations": "du_S/dt = -u_S/tau_f : 1 (event-driven)\n"
                 "dx_S/dt = (1 - x_S)/tau_d : 1 (event-driven)",
    "on_pre": "u_S += U_0*(1 - u_S)\nr_S = u_S*x_S\nx_S -= r_S\ns_post += weight*r_S",
    "target": "ds/dt = -s/tau_s : current", "current": "s",
    "U_0": "0.6", "tau_f": "300 ms", "tau_d": "500 ms", "weight": "8 mV", "tau_s": "5 ms",
    "x_S_0": "1", "delay": "0 ms",
}  # fmt: skip
CONDUCTANCE = {
    "on_pre": "g_post += weight", "target": "dg/dt = -g/tau_s : siemens", "current": "g*(E - v)",
    "weight": "2 nS", "tau_s": "5 ms", "E": "0 mV",
}  # fmt: skip
ALPHA = {
    "on_pre": "x_post += weight", "current": "s", "weight": "4 mV", "tau_s": "5 ms",
    "target": "ds/dt = (x - s)/tau_s : current\ndx/dt = -x/tau_s : current",
}  # fmt: skip
DELTA = {"on_pre": "v_post += weight", "weight": "4 mV"}


def but(config: dict[str, Any], **changed: str | None) -> dict[str, Any]:
    return {k: v for k, v in {**config, **changed}.items() if v is not None}


def read(config: dict[str, Any], current: units.Dimension | None = VOLT) -> synapse.Synapse:
    parameters = {k: units.parse(v).dimension for k, v in config.items() if k not in TEXTS}
    texts = {k: v for k, v in config.items() if k in TEXTS}
    return synapse.read(texts, parameters, {}, CELL, current, "synapse")


def test_parameters_belong_to_the_synapse_or_its_target() -> None:
    found = read(TSODYKS_MARKRAM)
    assert set(dict(found.parameters)) == {"U_0", "tau_f", "tau_d", "weight"}
    assert set(dict(found.target_parameters)) == {"tau_s"}
    assert [one.name for one in found.declared] == ["u_S", "x_S"]
    assert [(one.name, one.unit) for one in found.target] == [("s", "volt")]


@pytest.mark.parametrize(
    ("config", "current"),
    [(STATIC, VOLT), (but(STATIC, weight="4 nA"), AMPERE), (CONDUCTANCE, AMPERE), (ALPHA, VOLT),
     (DELTA, VOLT), (DELTA, None)],
)  # fmt: skip
def test_other_synapses(config, current) -> None:
    assert read(config, current).on_pre == config["on_pre"]


OWN = "du_S/dt = -u_S/tau_f : 1 (event-driven)"

# Each row: a synapse, and what is said of it.
WRONG = [
    (but(STATIC, on_pre=None), "synapse.on_pre: missing; a synapse does something at a spike"),
    # the third script of the Brian forum thread: it releases, and nothing receives
    (but(TSODYKS_MARKRAM, on_pre="u_S += U_0*(1 - u_S)\nr_S = u_S*x_S\nx_S -= r_S", weight=None),
     "synapse.on_pre: reaches no cell; add to a variable of the target, such as s_post += weight"),
    (but(TSODYKS_MARKRAM, U_0=None), "synapse.on_pre: u_S += U_0*(1 - u_S): U_0 is not defined"),
    (but(TSODYKS_MARKRAM, U_0=None, u_0="0.6"), "U_0 is not defined, but u_0 is: names differ by"),
    (but(TSODYKS_MARKRAM, U_0="0.6 mV"), "the term U_0 * (1 - u_S) is a voltage, but should be a"),
    (but(TSODYKS_MARKRAM, tau_f="3 mV"), "du_S/dt: the term -u_S / tau_f is a quantity in 1/V, b"),
    (but(TSODYKS_MARKRAM, tau_f="300"), "du_S/dt: the term -u_S / tau_f is a plain number, but s"),
    (but(TSODYKS_MARKRAM, equations=OWN), "r_S = u_S*x_S: x_S is not defined"),
    (but(TSODYKS_MARKRAM, equations=OWN.replace(" (event-driven)", "")),
     "synapse.equations: du_S/dt: a synapse's own equations are (event-driven); what goes on in "),
    (but(TSODYKS_MARKRAM, equations=OWN.replace("-u_S", "-u_S*u_S")),
     "du_S/dt: an event-driven equation is solved from spike to spike, and has to be linear in u"),
    (but(TSODYKS_MARKRAM, equations=OWN + "\ndx_S/dt = 1/tau_d : 1 (event-driven)"),
     "dx_S/dt: an event-driven equation is solved from spike to spike, and has to name u_S or x_S, "
     "as -x_S/tau does"),
    (but(TSODYKS_MARKRAM, equations=OWN.replace("-u_S", "t/tau_f - u_S")),
     "synapse.equations: du_S/dt: an event-driven equation is solved from spike to spike, and can"),
    (but(TSODYKS_MARKRAM, equations=OWN.replace("-u_S", "x - u_S") + "\nx = sin(t/tau_f) : 1"),
     "synapse.equations: du_S/dt: an event-driven equation is solved from spike to spike, and can"),
    (but(TSODYKS_MARKRAM, equations=OWN.replace("driven", "driven, constant")),
     "synapse.equations: du_S/dt cannot be (constant); expected (event-driven) or no flag"),
    (but(TSODYKS_MARKRAM, equations=OWN + "\nx = u_S : 1 (clock-driven)"),
     "synapse.equations: x cannot be (clock-driven); expected (constant over dt or shared) or no"),
    (but(TSODYKS_MARKRAM, equations=OWN + "\nx = u_S : 1 (shared)"),
     "synapse.equations: x is shared by all synapses, but u_S is not; leave the flag out"),
    (but(STATIC, target=STATIC["target"] + " (clock-driven)"),
     "synapse.target: ds/dt cannot be (clock-driven); expected (unless refractory) or no flag"),
    (but(STATIC, target=STATIC["target"] + " (shared)"),
     "synapse.target: ds/dt cannot be (shared)"),
    (but(TSODYKS_MARKRAM, on_pre="S_post += weight"), "S_post += weight: S_post is not defined, b"),
    (but(TSODYKS_MARKRAM, on_pre="tau_f = 3*ms"), "tau_f = 3*ms: tau_f does not change; s_post"),
    (but(STATIC, on_pre="s_post += weigth"), "weigth is not defined; did you mean weight?"),
    (but(STATIC, weight="4 nA"), "s_post += weight: the term weight is a current, but should be a"),
    (but(STATIC, weight="4"), "the term weight is a plain number, but should be a voltage"),
    (but(STATIC, on_pre="v_post += weight"), "synapse.on_pre: never changes s, which is what the"),
    (but(STATIC, current=None), "synapse.current: missing; s would reach no cell, write what ente"),
    (but(STATIC, current="s/tau_s"), "synapse.current: the term s / tau_s is a quantity in V/s, "),
    (but(STATIC, tau_s="5"), "synapse.target: ds/dt: the term -s / tau_s is a voltage, but should"),
    (but(STATIC, delay="3 mV"), "synapse.delay: expected a time, not a voltage"),
    (but(STATIC, U_0="0.6"), "synapse.U_0: the equations do not use it"),
    (but(STATIC, wieght="4 mV"), "synapse.wieght: the equations do not use it; did you mean weig"),
    (but(STATIC, target="dv/dt = -v/tau_s : current", current="v"),
     "synapse.target: v is a variable of the target's neuron; give it another name"),
    (but(DELTA, on_pre="v_post += weight*v_post", v_post="2"),
     "synapse.v_post: v_post is v of the target; give what the synapse has another name"),
    (but(CONDUCTANCE), "synapse.current: the term g * (E - v) is a current, but should be a volta"),
]  # fmt: skip


@pytest.mark.parametrize(("config", "said"), WRONG, ids=[row[1][:50] for row in WRONG])
def test_synapses_that_are_wrong(config, said) -> None:
    with pytest.raises(ConfigError) as error:
        read(config)
    assert str(error.value).startswith("synapse.")
    assert said in str(error.value)


@pytest.mark.parametrize("config", [STATIC, TSODYKS_MARKRAM, DELTA, ALPHA])
def test_which_synapses_are_known_by_their_equations(config) -> None:
    found = read(config)
    assert found.exponential == (config in (STATIC, TSODYKS_MARKRAM))
    assert found.releases == (config is TSODYKS_MARKRAM)


def test_a_reversal_potential_has_a_unit() -> None:
    with pytest.raises(ConfigError, match=r"^synapse\.current: the term E is a plain number, but "):
        read(but(CONDUCTANCE, E="0"), AMPERE)


def test_a_cell_without_input_takes_no_current() -> None:
    for config in (STATIC, but(CONDUCTANCE)):
        with pytest.raises(ConfigError, match="the target cell has no I that a current could ent"):
            read(config, None)
    assert read(DELTA, None).parameters == (("weight", VOLT),)
    assert not read(DELTA, None).target_parameters
