"""Units of equations, and values of expressions, against Brian2 and Python."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from izhi import units
from izhi.engine import runtime
from izhi.errors import ConfigError
from izhi.models import dimensions
from izhi.models.dimensions import UNITS, dimension, names
from izhi.models.evaluate import evaluate
from izhi.units import AMPERE, HERTZ, NUMBER, SECOND, VOLT

KNOWN = {
    "v": VOLT, "u": VOLT, "I": VOLT, "I_app": AMPERE, "a": HERTZ, "b": NUMBER, "tau": SECOND,
    "C1": units.dimension_of("1/mV"), "C2": NUMBER, "C3": VOLT, "R": NUMBER, "t": SECOND,
    "U_0": NUMBER,
}  # fmt: skip
SLOPE = units.dimension_of("V/s")
NOT_VOLT = "is a plain number, but should be a voltage"

# Each row: an expression, what it should be, and what is said of it.
WRONG = [
    ("(C1*v**2 + C2*v + 140 - u + R*I)/tau", SLOPE, f"the term 140 {NOT_VOLT}"),
    ("(C1*v**2 + C2*v + C3 - u + R*I_app)/tau", SLOPE,
     "the term R * I_app is a current, but should be a voltage"),
    ("C1*v**2 + C2*v + C3 - u + R*I", SLOPE,
     "the term C1 * v ** 2 + C2 * v + C3 - u + R * I is a voltage, but should be a quantity in "
     "V/s"),
    ("(0.04*v**2 + C2*v + C3 - u)/tau", SLOPE,
     "the term 0.04 * v ** 2 is a quantity in V^2, but should be a voltage"),
    ("v*v - C3/tau", VOLT, "the term v * v is a quantity in V^2, but should be a voltage"),
    ("a*(C3*v - u)", SLOPE, "the term C3 * v is a quantity in V^2, but should be a voltage"),
    ("b*(b*v - u)", SLOPE,
     "the term b * (b * v - u) is a voltage, but should be a quantity in V/s"),
    ("v - u/2 + tau", VOLT, "the term tau is a time, but should be a voltage"),
    ("-(v - 3)", VOLT, f"the term 3 {NOT_VOLT}"),
    ("exp((v - u)/tau)", None,
     "the term (v - u) / tau is a quantity in V/s, but should be a plain number"),
    ("v > 30", None, f"the term 30 {NOT_VOLT}"),
    ("v > u and tau > 3", None, "the term 3 is a plain number, but should be a time"),
    ("v and b > 1", None, "the term v is a voltage, but should be a plain number"),
    ("not v", None, "the term v is a voltage, but should be a plain number"),
    ("clip(v, u, 3)", None, f"the term 3 {NOT_VOLT}"),
    ("t % v", None, "the term v is a voltage, but should be a time"),
    ("v**0.5", None, "the term v ** 0.5: a voltage has no such power"),
    ("sqrt(v)", None, "the term sqrt(v): a voltage has no such power"),
    ("v**b", None, "the term v ** b: v is a voltage, and only a plain number has a power that is "
                   "not written as a number"),
    ("b**v", None, "the term v is a voltage, but should be a plain number"),
    ("timestep(v, tau)", None, "the term v is a voltage, but should be a time"),
    ("exp()", None, "equations: exp(): exp takes 1 argument, not 0"),
    ("u_0*b", None, "u_0 is not defined, but U_0 is: names differ by case; did you mean it?"),
    ("30*mv", None, "mv is not defined; did you mean the unit mV?"),
    ("tua*b", None, "tua is not defined; did you mean tau?"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "wanted", "said"), WRONG, ids=[row[0] for row in WRONG])
def test_the_term_that_is_off_is_named(text, wanted, said) -> None:
    with pytest.raises(ConfigError) as error:
        dimension(text, KNOWN, wanted)
    assert str(error.value) == said


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("(C1*v**2 + C2*v + C3 - u + R*I)/tau", "V/s"), ("a*(b*v - u)", "V/s"),
        ("sqrt(v*u)", "V"), ("v**-2", "1/V^2"), ("int(v > 30*mV)*I_app", "A"),
        ("abs(v) + clip(u, -1*volt, v)", "V"), ("exp(-t/tau) + sign(v)", "1"),
        ("timestep(t - tau, 1*ms) % 3", "1"), ("0.7*nS/mV*(v + 60*mV)*(v + 40*mV)/(100*pF)", "V/s"),
        ("v" + " + v" * 150, "V"),
    ],
)  # fmt: skip
def test_dimensions(text, expected) -> None:
    found = units.dimension_of(expected)
    assert dimension(text, KNOWN) == dimension(text, KNOWN, found) == found


def test_units_of_equations_are_those_of_brian2() -> None:
    with runtime.quiet_brian():
        from brian2.core.namespace import DEFAULT_UNITS

        for name, kind in UNITS.items():
            m, _, kg, s, A, _, mol, _ = (
                round(DEFAULT_UNITS[name].dim.get_dimension(i))
                for i in ("m", "m", "kg", "s", "A", "K", "mol", "cd")
            )
            assert (m, kg, s, A, mol) == kind, name
            assert float(DEFAULT_UNITS[name]) == units.with_unit(1.0, name).si


_ATOMS = ["v", "u", "I_app", "a", "b", "tau", "C1", "3", "0.5", "mV", "ms", "Mohm"]


def terms() -> st.SearchStrategy[str]:
    """Give random expressions of the names above; most do not fit together."""
    return st.recursive(
        st.sampled_from(_ATOMS),
        lambda inner: st.one_of(
            st.builds("({} {} {})".format, inner, st.sampled_from("+-*/"), inner),
            st.builds("(-{})".format, inner),
            st.builds("{}({})".format, st.sampled_from(["exp", "abs", "sqrt"]), inner),
            st.builds("({})**{}".format, inner, st.sampled_from(["2", "3", "-1"])),
        ),
        max_leaves=6,
    )


@given(terms())
def test_dimensions_are_those_that_brian2_finds(text) -> None:
    with runtime.quiet_brian():
        from brian2.core.functions import DEFAULT_FUNCTIONS
        from brian2.core.namespace import DEFAULT_UNITS
        from brian2.core.variables import Constant, Variable
        from brian2.parsing.expressions import parse_expression_dimensions
        from brian2.units import DimensionMismatchError
        from brian2.units.fundamentalunits import get_or_create_dimension

        scope = {
            name: Variable(name, dimensions=get_or_create_dimension(kg=k[1], m=k[0], s=k[2],
                                                                    A=k[3], mol=k[4]))
            for name, k in KNOWN.items()
        } | {name: Constant(name, 1.0, dimensions=DEFAULT_UNITS[name].dim) for name in UNITS} | {
            name: DEFAULT_FUNCTIONS[name] for name in ("exp", "abs", "sqrt")
        }  # fmt: skip
        try:
            theirs = parse_expression_dimensions(text, scope)
        except (DimensionMismatchError, SyntaxError):
            theirs = None
        try:
            ours = dimension(text, KNOWN)
        except ConfigError as error:
            assert theirs is None or any(
                said in str(error) for said in ("has no such power", "an exponent is a name")
            )
        else:
            assert theirs is not None
            assert theirs == get_or_create_dimension(
                m=ours[0], kg=ours[1], s=ours[2], A=ours[3], mol=ours[4]
            )


def test_names_are_those_of_variables() -> None:
    assert names("exp(v/mV) + int(t > onset)*3") == {"v", "t", "onset"}


@given(terms(), st.lists(st.floats(0.1, 10), min_size=7, max_size=7))
def test_values_are_those_of_python(text, numbers) -> None:
    values = dict(zip(["v", "u", "I_app", "a", "b", "tau", "C1"], numbers, strict=True))
    scope = {**values, "mV": 1e-3, "ms": 1e-3, "Mohm": 1e6, "exp": math.exp, "sqrt": math.sqrt}
    try:
        expected = eval(text, {"__builtins__": {"abs": abs}}, scope)
    except (ValueError, ZeroDivisionError, OverflowError):
        return
    found = evaluate(text, {name: np.full(3, value) for name, value in values.items()})
    assert found == pytest.approx(np.full_like(found, expected), rel=1e-9, nan_ok=True)


def test_a_term_of_thousands_of_factors_is_refused() -> None:
    with pytest.raises(ConfigError, match="more than 150 operators inside one another"):
        dimension("b" + "*b" * 1_500, KNOWN)


def test_values_of_conditions() -> None:
    a, b = np.array([1.0, 2.0, 3.0]), 2.0
    assert evaluate("a > b or a == 1", {"a": a, "b": b}).tolist() == [1, 0, 1]
    assert evaluate("not (0 < a <= b)", {"a": a, "b": b}).tolist() == [0, 0, 1]
    assert evaluate("int(a > b)*5 % 3", {"a": a, "b": b}).tolist() == [0, 0, 2]
    assert evaluate("a" + " + a" * 150, {"a": 1.0}) == 151


def test_what_has_no_value_is_named() -> None:
    with pytest.raises(ConfigError, match=r"^normal_at\(a\): normal_at\(\) has no value before"):
        evaluate("normal_at(a)", {"a": 1.0})
    with pytest.raises(ConfigError, match=r"^B is not defined, but b is: names differ by case"):
        evaluate("B*2", {"b": 2.0})


def test_every_dimension_has_a_name() -> None:
    for unit, text in (("V/s", "V/s"), ("nS/mV", "S/V"), ("V^2", "V^2"), ("1/mV", "1/V"),
                       ("pA*ms", "C"), ("mol*kg*V", "m^2 kg^2 s^-3 A^-1 mol")):  # fmt: skip
        assert units.name_of(units.dimension_of(unit)) == f"a quantity in {text}"
    assert dimensions.dimension("1/tau", KNOWN) == HERTZ
