"""Equations that are wrong, each with the line that says so."""

from __future__ import annotations

import pytest

from izhi import units
from izhi.config.keys import METHODS
from izhi.errors import ConfigError
from izhi.models.declarations import (
    check,
    check_condition,
    check_statements,
    methods,
    of_expression,
    parse,
)
from izhi.units import AMPERE, HERTZ, NUMBER, SECOND, VOLT

KEY = "neuron.equations"
KNOWN = {
    "a": HERTZ, "b": NUMBER, "c": VOLT, "d": VOLT, "v_th": VOLT, "R": NUMBER, "I": VOLT,
    "C1": units.dimension_of("1/mV"), "C2": NUMBER, "C3": VOLT, "tau_m": SECOND, "U_0": NUMBER,
    "I_0": AMPERE,
}  # fmt: skip
V = "dv/dt = (C1*v**2 + C2*v + C3 - u + R*I)/tau_m : volt\n"
U = "du/dt = a*(b*v - u) : volt\n"

# Each row: equations, and what is said of them.
WRONG = [
    ("dv/dt = v/tau_m", "dv/dt = v/tau_m: expected dx/dt = ... : unit, x = ... : unit or x : unit"),
    ("v' = v/tau_m : volt", "v' = v/tau_m : volt: expected dx/dt = ... : unit, x = ... : unit or"),
    (V + U + "v = 3*mV : volt", "v is declared twice"),
    ("dms/dt = 1/tau_m : 1", "ms is a unit, and cannot be a name"),
    ("t : second", "t stands for the time, and cannot be declared"),
    ("dt = 1*ms : second", "dt stands for the time step, and cannot be declared"),
    ("dexp/dt = 1/tau_m : 1", "exp is a function or a constant, and cannot be a name"),
    ("dv/dt = v/tau_m : volts", "volts is no unit; did you mean volt?"),
    ("dv/dt = v/tau_m : mV", "mV is no unit; write volt, whatever the size"),
    ("dv/dt = v/tau_m : volt (constat)", "no such flag as constat"),
    ("dv/dt = v/tau_m + xi*volt : volt", "xi is noise, and a point is the same every time"),
    ("dv/dt = v/tau_m + rand() : volt", "rand() draws at random, and a point is the same every"),
    (V, "dv/dt: u is not defined"),
    (V.replace("C3", "c3") + U, "dv/dt: c3 is not defined, but C3 is: names differ by case"),
    (V.replace("tau_m", "Ms") + U, "dv/dt: Ms is not defined; did you mean the unit ms?"),
    (V.replace("C3", "140") + U, "dv/dt: the term 140 is a plain number, but should be a voltage"),
    (V.replace("R*I", "I_0") + U, "dv/dt: the term I_0 is a current, but should be a voltage"),
    (V.replace("/tau_m", "") + U, "is a voltage, but should be a quantity in V/s"),
    (V + U.replace("a*", "b*"), "du/dt: the term b * (b * v - u) is a voltage, but should be a qu"),
    (V + U.replace(": volt", ": volt/second"), "dv/dt: the term u is a quantity in V/s, but shou"),
    (V + U.replace("volt", "1"), "dv/dt: the term u is a plain number, but should be a voltage"),
    (V + U + "x = 3*w : 1\nw = x/2 : 1", "w and x: defined by each other"),
    (V + U + "x = x/2 : 1", "x: defined by each other"),
    (V + U + "I_app : volt", "I_app : volt is declared, but has no value"),
    (V + U + "I_0 : volt", "I_0 is declared as a voltage, but given as a current"),
    (V + U + "c = 3*mV : volt", "c is declared, but is a parameter as well"),
    (V + U + "x = exp(v) : 1", "x: the term v is a voltage, but should be a plain number"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "said"), WRONG, ids=[row[1][:40] for row in WRONG])
def test_equations_that_are_wrong(text, said) -> None:
    with pytest.raises(ConfigError) as error:
        check(parse(text, KEY), KNOWN, KEY)
    assert str(error.value).startswith(f"{KEY}: ")
    assert said in str(error.value)


def test_equations_that_are_right() -> None:
    text = f"""
        # the membrane
        {V}
        {U}  # recovery
        long = (v
                + u) : volt
        R : 1 (constant)
        """
    found = parse(text, KEY)
    assert [(one.kind, one.name, one.unit) for one in found] == [
        ("state", "v", "volt"), ("state", "u", "volt"), ("subexpression", "long", "volt"),
        ("parameter", "R", "1"),
    ]  # fmt: skip
    assert found[2].expression == "(v + u)"
    assert found[3].flags == ("constant",)
    scope = check(found, KNOWN, KEY)
    assert scope["v"] == scope["long"] == VOLT and scope["t"] == SECOND


SCOPE = {**KNOWN, "v": VOLT, "u": VOLT, "t": SECOND}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("v", "neuron.threshold = v: expected a condition such as v > v_th"),
        ("int(v > v_th)", "neuron.threshold = int(v > v_th): expected a condition such as v > v_"),
        ("v > 30", "neuron.threshold = v > 30: the term 30 is a plain number, but should be a vo"),
        ("v > V_th", "V_th is not defined, but v_th is: names differ by case; did you mean it?"),
        ("v >", "neuron.threshold = v >: not an expression; it ends with an operator"),
    ],
)
def test_thresholds_that_are_wrong(text, said) -> None:
    with pytest.raises(ConfigError) as error:
        check_condition(text, SCOPE, "neuron.threshold")
    assert said in str(error.value)


@pytest.mark.parametrize("text", ["v > v_th", "not (v <= v_th)", "v > v_th and t > 5*ms"])
def test_thresholds_that_are_right(text) -> None:
    check_condition(text, SCOPE, "neuron.threshold")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("v = c; u + d", "neuron.reset: u + d: expected x = ... or x += ..."),
        ("c = v", "neuron.reset: c = v: c does not change; u, v can"),
        ("v = c; u += 8", "u += 8: the term 8 is a plain number, but should be a voltage"),
        ("v = a", "v = a: the term a is a rate, but should be a voltage"),
        ("u *= d", "u *= d: the term d is a voltage, but should be a plain number"),
        ("U += d", "U += d: U is not defined, but u is: names differ by case; did you mean it?"),
        ("v = e", "v = e: e is not defined; write its value"),
        ("exp = 3", "exp is a function or a constant, and cannot be a name"),
    ],
)
def test_resets_that_are_wrong(text, said) -> None:
    with pytest.raises(ConfigError) as error:
        check_statements(text, {k: v for k, v in SCOPE.items()}, ("v", "u"), "neuron.reset")
    assert str(error.value).startswith("neuron.reset: ")
    assert said in str(error.value)


def test_statements_may_have_names_of_their_own() -> None:
    text = "r = U_0*(1 - b)  # released\nv += r*d\n u *= 2"
    assert check_statements(text, SCOPE, ("v", "u"), "neuron.reset") == {"v", "u"}


EXPLICIT = {m for m in METHODS if m not in ("exponential_euler", "exact")}
ALL = set(METHODS)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (V + U, EXPLICIT),
        ("dv/dt = (c - v + R*I)/tau_m : volt", ALL),
        ("dv/dt = (c - v - w)/tau_m : volt\ndw/dt = a*(v - w) : volt", ALL),
        ("dv/dt = g*(c - v)/tau_m : volt\ndg/dt = -g/tau_m : 1", ALL - {"exact"}),
        ("dv/dt = (c - v + x)/tau_m : volt\nx = v*v/c : volt", EXPLICIT),
        ("dv/dt = (c - v + x)/tau_m : volt\nx = v*v/c : volt (constant over dt)", ALL),
        ("dv/dt = (c - exp(v/c)*c)/tau_m : volt", EXPLICIT),
        ("dv/dt = c/(1 + v/c)/tau_m : volt", EXPLICIT),
        ("dv/dt = (c - v*int(t > 5*ms))/tau_m : volt", ALL - {"exact"}),
    ],
)
def test_methods_that_can_integrate(text, expected) -> None:
    assert set(methods(parse(text, KEY))) == expected


WITHOUT_VALUE = ("1 / 0", "1 / ceil(-0.7)", "log(0)", "sqrt(-1)", "(-2) ** 0.5", "arcsin(2)",
                 "1 / 0 ** 2", "1e+308 * 10", "1 / (2 - 2)")  # fmt: skip


@pytest.mark.parametrize("term", WITHOUT_VALUE)
def test_terms_without_a_finite_value_are_refused(term) -> None:
    """Brian2 fails on what sympy makes of them: infinity, or a complex number."""
    for text in (term, f"v*({term})", f"int(v > {term})", f"exp(-({term}))"):
        with pytest.raises(ConfigError, match="has no finite value") as error:
            of_expression(text, {"v": NUMBER}, None, "neuron.reset")
        assert str(error.value).startswith(f"neuron.reset: the term {term} has")
    for text in ("1/v", "log(v)", "1/ceil(-0.7*v)", "2**0.5", "1/sqrt(2)", "exp(-1000)"):
        of_expression(text, {"v": NUMBER}, None, "neuron.reset")
