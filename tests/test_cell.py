"""Neurons as configs write them: what is read, and what is said of those that are wrong."""

from __future__ import annotations

from typing import Any

import pytest

from izhi import units
from izhi.errors import ConfigError
from izhi.models import cell
from izhi.units import AMPERE, NUMBER, VOLT

IZHIKEVICH = {
    "equations": "dv/dt = (C1*v**2 + C2*v + C3 - u + R*I)/tau_m : volt\n"
                 "du/dt = a*(b*v - u) : volt",
    "threshold": "v > v_th",
    "reset": "v = c\nu += d",
    "a": "0.02/ms", "b": "0.2", "c": "-65 mV", "d": "8 mV", "v_th": "30 mV", "R": "1",
    "v_0": "-65 mV", "u_0": "-13 mV",
}  # fmt: skip
CONSTANTS = {"C1": "0.04/mV", "C2": "5", "C3": "140 mV", "tau_m": "1 ms"}
BOOK = {  # Izhikevich (2007)
    "equations": "dv/dt = (k*(v - v_r)*(v - v_t) - u + I)/C : volt\n"
                 "du/dt = a*(b*(v - v_r) - u) : amp",
    "threshold": "v >= v_peak", "reset": "v = c; u += d",
    "C": "100 pF", "k": "0.7 nS/mV", "v_r": "-60 mV", "v_t": "-40 mV", "v_peak": "35 mV",
    "a": "0.03/ms", "b": "-2 nS", "c": "-50 mV", "d": "100 pA",
}  # fmt: skip
ADAPTIVE = {  # Brette and Gerstner (2005)
    "equations": "dv/dt = (g_L*(E_L - v) + g_L*D_T*exp((v - v_T)/D_T) + I - w)/C : volt "
                 "(unless refractory)\n"
                 "dw/dt = (a*(v - E_L) - w)/tau_w : amp",
    "threshold": "v > 0*mV", "reset": "v = v_r\nw += b", "refractory": "2*ms",
    "C": "281 pF", "g_L": "30 nS", "E_L": "-70.6 mV", "v_T": "-50.4 mV", "D_T": "2 mV",
    "tau_w": "144 ms", "a": "4 nS", "b": "0.0805 nA", "v_r": "-70.6 mV", "v_0": "-70.6 mV",
}  # fmt: skip
LEAKY = {
    "equations": "dv/dt = (E_L - v + R*I)/tau : volt", "threshold": "v > v_th", "reset": "v = c",
    "E_L": "-70 mV", "R": "1", "tau": "10 ms", "v_th": "-50 mV", "c": "-60 mV",
}  # fmt: skip


def read(config: dict[str, Any], constants: dict[str, str] | None = None) -> cell.Cell:
    texts = {k: v for k, v in config.items() if k in ("equations", "threshold", "reset",
                                                      "refractory")}  # fmt: skip
    return cell.read(
        texts,
        {k: units.parse(v).dimension for k, v in config.items() if k not in texts},
        {k: units.parse(v) for k, v in (constants or {}).items()},
        "neuron",
    )


def test_the_neuron_of_2003() -> None:
    found = read(IZHIKEVICH, CONSTANTS)
    assert found.states == ("v", "u")
    assert {name for name, _ in found.parameters} == {"a", "b", "c", "d", "v_th", "R"}
    assert ("C3", 140 * 0.001, VOLT) in found.constants
    assert found.input == VOLT


@pytest.mark.parametrize(("config", "current"), [(BOOK, AMPERE), (ADAPTIVE, AMPERE), (LEAKY, VOLT)])
def test_other_neurons(config, current) -> None:
    assert read(config).input == current


def test_the_input_follows_the_parameters() -> None:
    assert read({**LEAKY, "R": "1 Mohm"}).input == AMPERE
    assert read({**IZHIKEVICH, "R": "1 Mohm"}, CONSTANTS).input == AMPERE
    numbers = {"equations": "dv/dt = (1 - v + I)/tau : 1", "threshold": "v > 1", "tau": "5 ms"}
    assert read(numbers).input == NUMBER
    assert read({**numbers, "equations": "dv/dt = (1 - v)/tau : 1"}).input is None


def but(config: dict[str, Any], **changed: str | None) -> dict[str, Any]:
    return {k: v for k, v in {**config, **changed}.items() if v is not None}


V = "dv/dt = (E_L - v + R*I)/tau : volt"

# Each row: a neuron, and what is said of it.
WRONG = [
    (but(LEAKY, equations=None), "neuron.equations: missing; a neuron has equations and a thresho"),
    (but(LEAKY, threshold=""), "neuron.threshold: missing; a neuron has equations and a threshold"),
    (but(LEAKY, equations="v = 3*mV : volt"), "neuron.equations: no state variable; write dv/dt"),
    (but(LEAKY, equations=V + "\nI : volt"), "neuron.equations: I stands for what stimuli and sy"),
    (but(LEAKY, equations=V + " (event-driven)"), "dv/dt: event-driven is for synapses"),
    (but(LEAKY, equations=V + "\nx = v : volt (unless refractory)"), "x: only dx/dt can be unles"),
    (but(LEAKY, equations=V + " (constant)"),
     "neuron.equations: dv/dt cannot be (constant); expecte"),
    (but(LEAKY, equations=V + " (constant over dt)"),
     "dv/dt cannot be (constant over dt); expected ("),
    (but(LEAKY, equations=V + "\nx = v : volt (constant)"),
     "neuron.equations: x cannot be (constant)"),
    (but(LEAKY, equations=V + "\nn : 1 (constant)", reset="n += 1"),
     "n is constant, but the reset ch"),
    (but(LEAKY, reset="drive = c\nv = drive"),
     "neuron.reset: drive stands for what all stimuli add"),
    (but(LEAKY, tau="10 mV"), "neuron.equations: dv/dt: the term (E_L - v + R * I) / tau is a pl"),
    (but(LEAKY, tau="10"), "is a voltage, but should be a quantity in V/s"),
    (but(LEAKY, E_L="-70"), "dv/dt: the term E_L is a plain number, but should be a voltage"),
    (but(LEAKY, R="1 nS"), "dv/dt: the term R * I is a current, but should be a voltage"),
    (but(LEAKY, tau=None), "neuron.equations: dv/dt: tau is not defined"),
    (but(LEAKY, tau=None, Tau="10 ms"), "tau is not defined, but Tau is: names differ by case; "),
    (but(LEAKY, v_th="-50"), "neuron.threshold = v > v_th: the term v_th is a plain number, but s"),
    (but(LEAKY, threshold="v"), "neuron.threshold = v: expected a condition such as v > v_th"),
    (but(LEAKY, threshold="v > -50"), "the term -50 is a plain number, but should be a voltage"),
    (but(LEAKY, threshold="v > v_thr"), "v_thr is not defined; did you mean v_th?"),
    (but(LEAKY, reset="v = C"), "neuron.reset: v = C: C is not defined, but c is: names differ"),
    (but(LEAKY, reset="v = -60"), "v = -60: the term -60 is a plain number, but should be a volta"),
    (but(LEAKY, reset="c = v"), "neuron.reset: c = v: c does not change; v can"),
    (but(LEAKY, reset="v == c"), "neuron.reset: v == c: expected x = ... or x += ..."),
    (but(LEAKY, refractory="2"), "neuron.refractory = 2: expected a time such as 2*ms, or a co"),
    (but(LEAKY, refractory="2*mV"), "neuron.refractory = 2*mV: expected a time such as 2*ms, or"),
    (but(LEAKY, refractory="tau_ref"), "neuron.refractory = tau_ref: tau_ref is not defined"),
    (but(LEAKY, x="5 mV"), "neuron.x: the equations do not use it"),
    (but(LEAKY, u_0="5 mV"), "neuron.u_0: the equations do not use it"),
    (but(LEAKY, v_0="5 ms"), "neuron.v_0: a time, but v is a voltage"),
    (but(LEAKY, ms="5"), "neuron.ms: ms is a unit, and cannot be a name"),
    (but(LEAKY, t="5 ms"), "neuron.t: t stands for the time, and cannot be declared"),
    (but(ADAPTIVE, I="5 nA"), "neuron.I: what stimuli and synapses add up to; it is no parameter"),
]  # fmt: skip


@pytest.mark.parametrize(("config", "said"), WRONG, ids=[row[1][:50] for row in WRONG])
def test_neurons_that_are_wrong(config, said) -> None:
    with pytest.raises(ConfigError) as error:
        read(config)
    assert str(error.value).startswith("neuron.")
    assert said in str(error.value)


def test_a_constant_is_no_parameter_as_well() -> None:
    with pytest.raises(ConfigError, match=r"^neuron\.C1: is among the constants as well"):
        read({**IZHIKEVICH, "C1": "0.04/mV"}, CONSTANTS)


# The equations of the Brian forum thread "Run error with modeling izhikevich neuron" (2021).
THREAD = {
    "equations": "dv/dt = (0.04/ms/mV)*v**2 + (5/ms)*v + 140*mV/ms - u + I : volt\n"
                 "du/dt = a*(b*v - u) : volt/second",
    "threshold": "v > v_th", "reset": "v = c; u = u + d",
    "a": "0.02/ms", "b": "0.2/ms", "c": "-65 mV", "v_th": "30 mV",
}  # fmt: skip


def test_the_first_script_of_the_thread() -> None:
    said = r"u = u \+ d: the term d is a plain number, but should be a quantity in V/s"
    with pytest.raises(ConfigError, match=said):
        read({**THREAD, "d": "6"})
    with pytest.raises(ConfigError, match="the term d is a voltage, but should be a quantity in"):
        read({**THREAD, "d": "6 mV"})
    right = read({**THREAD, "d": "6 mV/ms"})
    assert right.input == units.dimension_of("mV/ms")  # not a current: 12 uA cannot enter
