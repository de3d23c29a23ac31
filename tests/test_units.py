"""Text with units on one side, SI floats on the other: the same bits as in a Brian2 script."""

from __future__ import annotations

import math

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from izhi import units
from izhi.errors import ConfigError
from izhi.units import AMPERE, HERTZ, NUMBER, OHM, SECOND, VOLT, Quantity

brian2 = pytest.importorskip("brian2")

NUMBERS = st.floats(-1e12, 1e12, allow_subnormal=False) | st.integers(-(10**9), 10**9).map(float)
PREFIXED = [
    *("volt", "mvolt", "uvolt", "nvolt", "kvolt", "mV"),
    *("second", "msecond", "usecond", "ms", "us"),
    *("amp", "mamp", "uamp", "namp", "pamp", "ampere", "mA", "uA", "nA", "pA"),
    *("ohm", "kohm", "Mohm", "Gohm"),
    *("hertz", "khertz", "Mhertz", "Hz", "kHz", "MHz"),
    *("siemens", "msiemens", "usiemens", "nsiemens", "mS", "uS", "nS"),
    *("farad", "mfarad", "ufarad", "nfarad", "pfarad", "uF", "nF", "pF"),
    *("coulomb", "ncoulomb", "metre", "meter", "mmetre", "um", "umetre"),
    *("mole", "mmole", "molar", "mmolar", "umolar", "mM", "uM", "nM"),
]


def brian2_unit(name: str):
    return getattr(brian2, name, None) or getattr(brian2.units.allunits, name)


def same_bits(a: float, b: float) -> bool:
    return a == b and math.copysign(1, a) == math.copysign(1, b)


@pytest.mark.parametrize(
    ("text", "si", "dimension", "number", "unit"),
    [
        ("10 mV", 0.01, VOLT, 10, "mV"),
        ("10mV", 0.01, VOLT, 10, "mV"),
        ("  -65 mV\n", -0.065, VOLT, -65, "mV"),
        ("10*mV", 0.01, VOLT, 10, "mV"),
        ("10 * mV", 0.01, VOLT, 10, "mV"),
        ("1e-3*volt", 1e-3, VOLT, 1e-3, "volt"),
        ("+.5e2 mvolt", 0.05, VOLT, 50, "mvolt"),
        ("5.", 5, NUMBER, 5, ""),
        ("0.6", 0.6, NUMBER, 0.6, ""),
        ("0.02/ms", 20, HERTZ, 0.02, "1/ms"),
        ("0.02 /ms", 20, HERTZ, 0.02, "1/ms"),
        ("0.02 1/ms", 20, HERTZ, 0.02, "1/ms"),
        ("0.02*ms**-1", 20, HERTZ, 0.02, "ms**-1"),
        ("0.02 ms^-1", 20, HERTZ, 0.02, "ms^-1"),
        ("20 Hz", 20, HERTZ, 20, "Hz"),
        ("2 kHz", 2000, HERTZ, 2, "kHz"),
        ("300 ms", 0.3, SECOND, 300, "ms"),
        ("1 second", 1, SECOND, 1, "second"),
        ("7 us", 7e-6, SECOND, 7, "us"),
        ("7 µs", 7e-6, SECOND, 7, "µs"),
        ("7 μs", 7e-6, SECOND, 7, "μs"),
        ("10 nA", 1e-8, AMPERE, 10, "nA"),
        ("10 namp", 1e-8, AMPERE, 10, "namp"),
        ("1 Mohm", 1e6, OHM, 1, "Mohm"),
        ("1 MΩ", 1e6, OHM, 1, "MΩ"),
        ("2 mV/nA", 2e6, OHM, 2, "mV/nA"),
        ("3 nA*Mohm", 3e-3, VOLT, 3, "nA*Mohm"),
        ("3 V*s/ms", 3e3, VOLT, 3, "V*s/ms"),
        ("2 m**2", 2, (2, 0, 0, 0, 0), 2, "m**2"),
        ("2 mm^2", 2e-6, (2, 0, 0, 0, 0), 2, "mm^2"),
        ("1 kg", 1, (0, 1, 0, 0, 0), 1, "kg"),
        ("1 mmolar", 1, (-3, 0, 0, 0, 1), 1, "mmolar"),
        (4, 4, NUMBER, 4, ""),
        (0.25, 0.25, NUMBER, 0.25, ""),
    ],
)
def test_quantities_are_read(text, si, dimension, number, unit) -> None:
    quantity = units.parse(text)
    assert quantity == Quantity(pytest.approx(si, rel=1e-15), dimension, number, unit)
    assert type(quantity.si) is type(quantity.number) is float


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"'' is no quantity; write a number and a unit, as in 10 mV"),
        ("mV", r"'mV' is no quantity"),
        ("ten mV", r"'ten mV' is no quantity"),
        ("1..2 mV", r"'1\.\.2 mV' is no quantity"),
        ("1.2.3", r"'1\.2\.3' is no quantity"),
        ("10 mv", r"'mv' is no unit; did you mean mV\?"),
        ("10 MV/parsec", r"'parsec' is no unit; "),
        ("10 millivolt", r"'millivolt' is no unit"),
        ("10 mV;", r"'mV;' is no unit"),
        ("10 mV*", r"'mV\*' is no unit"),
        ("10 s***2", r"'s\*\*\*2' is no unit"),
        ("10 s**1.5", r"'s\*\*1\.5' is no unit"),
        ("10 s**12345", r"'s\*\*12345' is no unit"),
        ("(10)*mV", r"'\(10\)\*mV' is no quantity"),
        ("__import__('os')", r"is no quantity"),
        ("2*__class__", r"'__class__' is no unit"),
        ("nan", r"nan is not finite"),
        ("-inf", r"-inf is not finite"),
        (".inf", r"\.inf is not finite"),
        (float("nan"), r"nan is not finite"),
        (float("inf"), r"inf is not finite"),
        (10**400, r"0\.\.\. is not finite"),
        ("1e400 mV", r"1e400 mV is not finite"),
        ("1e308 GV", r"1e308 GV is not finite in SI units"),
        ("1 Gs**12", r"'Gs\*\*12' is no unit: its scale is beyond all measure"),
        ("0 ms**99/s**98", r"is no unit: its scale is beyond all measure"),
        ("9" * 300, r"'9{40}'\.\.\. is too long for a quantity"),
        (True, r"True is no quantity"),
        (None, r"None is no quantity"),
        ([1, 2], r"\[1, 2\] is no quantity"),
        (b"10 mV", r"b'10 mV' is no quantity"),
    ],
)
def test_what_is_no_quantity_is_an_error(text, message) -> None:
    with pytest.raises(ConfigError, match=message):
        units.parse(text)


@given(NUMBERS, st.sampled_from(PREFIXED))
@example(0.1, "mV")
@example(-65.0, "mV")
def test_a_product_has_the_bits_of_brian2(number: float, unit: str) -> None:
    expected = float(number * brian2_unit(unit))
    assert same_bits(units.parse(f"{number!r} {unit}").si, expected)
    assert same_bits(units.parse(f"{number!r}*{unit}").si, expected)
    assert same_bits(units.with_unit(number, unit).si, expected)


@given(NUMBERS, st.sampled_from(PREFIXED))
@example(0.02, "ms")
@example(0.07, "ms")
def test_a_quotient_has_the_bits_of_brian2(number: float, unit: str) -> None:
    expected = float(number / brian2_unit(unit))
    assert same_bits(units.parse(f"{number!r}/{unit}").si, expected)
    assert same_bits(units.with_unit(number, f"1/{unit}").si, expected)


@given(NUMBERS, st.lists(st.tuples(st.sampled_from("*/"), st.sampled_from(PREFIXED)), max_size=3))
def test_products_and_quotients_go_from_left_to_right_as_in_python(number, factors) -> None:
    expected, text = number, repr(number)
    for operator, unit in factors:
        value = float(brian2_unit(unit))
        expected = expected * value if operator == "*" else expected / value
        text += f"{operator}{unit}"
    assert same_bits(units.parse(text).si, expected)


@given(NUMBERS, st.sampled_from(PREFIXED), st.integers(-3, 3).filter(bool))
@example(0.07, "ms", -1)
def test_powers_have_the_bits_of_brian2(number: float, unit: str, power: int) -> None:
    expected = float(number * brian2_unit(unit) ** power)
    assert same_bits(units.parse(f"{number!r}*{unit}**{power}").si, expected)
    assert same_bits(units.parse(f"{number!r} {unit}^{power}").si, expected)


@pytest.mark.parametrize("unit", PREFIXED)
def test_dimensions_are_those_of_brian2(unit: str) -> None:
    # Brian2: metre, kilogram, second, ampere, kelvin, mole, candela
    theirs = tuple(round(x) for x in brian2.get_dimensions(brian2_unit(unit))._dims)
    assert units.dimension_of(unit) == (*theirs[:4], theirs[5])
    assert theirs[4] == theirs[6] == 0


@given(st.text(max_size=60) | st.text(alphabet="0123456789.eE+-*/^ mVsAHzohm1µΩ", max_size=40))
@example("1e-400 mV")
@example("0/s**999")
@example("\u0661\u0660 mV")
@example("10 mV\x00")
@example("1 " + "s" * 190)
def test_any_text_is_a_quantity_or_a_config_error(text: str) -> None:
    try:
        quantity = units.parse(text)
    except ConfigError as error:
        assert str(error)
    else:
        assert math.isfinite(quantity.si) and math.isfinite(quantity.number)
        assert len(quantity.dimension) == 5
        # what was read can be written and read again
        assert units.parse(f"{quantity.number!r} {quantity.unit}") == quantity


@given(
    st.none() | st.booleans() | st.integers() | st.floats() | st.binary()
    | st.lists(st.integers(), max_size=2) | st.complex_numbers()
)  # fmt: skip
def test_anything_is_a_quantity_or_a_config_error(value) -> None:
    try:
        assert math.isfinite(units.parse(value).si)
    except ConfigError as error:
        assert str(error)


@given(NUMBERS, st.sampled_from(["mV", "V", "1/ms", "ms", "nA", "Mohm", "Hz", "pF"]))
def test_a_number_comes_back_in_the_unit_it_was_written_in(number: float, unit: str) -> None:
    assert same_bits(units.in_unit(units.parse(f"{number} {unit}"), unit), number)


@pytest.mark.parametrize(
    ("text", "unit", "number"),
    [
        ("1000 uV", "mV", 1),
        ("0.3 s", "ms", 300),
        ("0.0001 s", "ms", 0.1),
        ("20 Hz", "1/ms", 0.02),
        ("0.02/ms", "Hz", 20),
        ("70 mV", "V", 0.07),
        ("2 mV/nA", "Mohm", 2),
        ("0 mV", "V", 0),
        ("0.25", "", 0.25),
    ],
)
def test_labels_in_another_unit_are_the_numbers_one_would_write(text, unit, number) -> None:
    assert units.in_unit(units.parse(text), unit) == number


@given(st.integers(-(10**6), 10**6), st.integers(0, 6))
def test_decimals_stay_what_they_are_in_another_unit(digits: int, shift: int) -> None:
    in_mv = float(f"{digits}e-{shift}")
    assert units.in_unit(units.parse(f"{digits}e-{shift + 3} V"), "mV") == in_mv


def test_a_wrong_dimension_is_named() -> None:
    with pytest.raises(ConfigError, match=r"^10 mV is not a time$"):
        units.in_unit(units.parse("10 mV"), "ms")
    with pytest.raises(ConfigError, match=r"^10 mV is not a quantity in m$"):
        units.in_unit(units.parse("10 mV"), "um")
    with pytest.raises(ConfigError, match=r"'parsec' is no unit"):
        units.dimension_of("parsec")


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_a_number_that_is_not_finite_gets_no_unit(number: float) -> None:
    with pytest.raises(ConfigError, match="is not finite"):
        units.with_unit(number, "mV")


def test_dimensions_have_names_and_examples() -> None:
    named = {VOLT: "a voltage", AMPERE: "a current", SECOND: "a time", HERTZ: "a rate",
             OHM: "a resistance", NUMBER: "a plain number"}  # fmt: skip
    for dimension, name in named.items():
        assert units.name_of(dimension) == name
        assert units.dimension_of(units.example_unit(dimension)) == dimension
    assert units.name_of(units.dimension_of("nS/um**2")) == "a quantity in S/m^2"
