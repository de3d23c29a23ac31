"""The one boundary for units: text such as ``"10 mV"`` on one side, SI floats on the other.

Brian2 has units of its own, but importing it takes a second and configs are read long before a
network is built; so the few dimensions that circuits of point neurons need are handled here.
A number is scaled exactly as Brian2 scales it (``10*mV`` is ``10 * 0.001``, ``0.02/ms`` is
``0.02 / 0.001``), so that a value means the same bits in a config and in a Brian2 script.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from functools import lru_cache

from izhi.errors import ConfigError, did_you_mean

Dimension = tuple[int, int, int, int, int]
"""Exponents of metre, kilogram, second, ampere and mole."""

NUMBER: Dimension = (0, 0, 0, 0, 0)
SECOND: Dimension = (0, 0, 1, 0, 0)
HERTZ: Dimension = (0, 0, -1, 0, 0)
AMPERE: Dimension = (0, 0, 0, 1, 0)
VOLT: Dimension = (2, 1, -3, -1, 0)
OHM: Dimension = (2, 1, -3, -2, 0)
SIEMENS: Dimension = (-2, -1, 3, 2, 0)

_BASE: dict[str, tuple[Dimension, tuple[str, ...]]] = {
    "V": (VOLT, ("volt", "volts")),
    "A": (AMPERE, ("amp", "amps", "ampere", "amperes")),
    "s": (SECOND, ("second", "seconds", "sec")),
    "Hz": (HERTZ, ("hertz",)),
    "ohm": (OHM, ("ohms", "Ω")),
    "S": (SIEMENS, ("siemens",)),
    "F": ((-2, -1, 4, 2, 0), ("farad", "farads")),
    "C": ((0, 0, 1, 1, 0), ("coulomb", "coulombs")),
    "m": ((1, 0, 0, 0, 0), ("metre", "meter")),
    "g": ((0, 1, 0, 0, 0), ("gram",)),
    "mol": ((0, 0, 0, 0, 1), ("mole",)),
    "molar": ((-3, 0, 0, 0, 1), ("M",)),
}
# Powers of ten
_OWN_SCALE = {"g": -3, "molar": 3}
_PREFIX = {
    "": 0, "f": -15, "p": -12, "n": -9, "u": -6, "µ": -6, "μ": -6,
    "m": -3, "c": -2, "k": 3, "M": 6, "G": 9,
}  # fmt: skip
_NAMES = {VOLT: "a voltage", AMPERE: "a current", SECOND: "a time", HERTZ: "a rate",
          OHM: "a resistance", NUMBER: "a plain number"}  # fmt: skip
_EXAMPLES = {VOLT: "mV", AMPERE: "nA", SECOND: "ms", HERTZ: "1/ms", OHM: "Mohm"}

_QUANTITY = re.compile(r"\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)(?![\d.])\s*(.*?)\s*", re.S)
_FACTOR = re.compile(r"\s*([*/]?)\s*(1(?![\w.])|[^\W\d]\w*)\s*(?:(?:\^|\*\*)\s*([+-]?\d+))?\s*")
_LONGEST = 200


def _units() -> dict[str, tuple[int, Dimension]]:
    table: dict[str, tuple[int, Dimension]] = {}
    for name, (dimension, spellings) in _BASE.items():
        for spelling in (name, *spellings):
            for prefix, scale in _PREFIX.items():
                table.setdefault(prefix + spelling, (scale + _OWN_SCALE.get(name, 0), dimension))
    for name, (dimension, _) in _BASE.items():  # a base unit wins over a prefixed namesake
        table[name] = (_OWN_SCALE.get(name, 0), dimension)
    return table


_TABLE = _units()


@dataclass(frozen=True)
class Quantity:
    """A number in SI units, with the number and unit as they were written.

    Attributes
    ----------
    si
        The value in SI units.
    dimension
        Exponents of metre, kilogram, second, ampere and mole.
    number
        The number as written, in `unit`.
    unit
        The unit as written; ``""`` for a plain number.
    """

    si: float
    dimension: Dimension
    number: float
    unit: str


def name_of(dimension: Dimension) -> str:
    """Return words for a dimension: ``"a voltage"``, ``"a quantity in V/s"``."""
    return _NAMES.get(dimension) or f"a quantity in {symbol(dimension)}"


@lru_cache(maxsize=256)
def symbol(dimension: Dimension) -> str:
    """Return the shortest unit of a dimension: one or two that have a name, else the base units.

    Of a plain number it is ``"1"``, as CF has it.
    """
    if dimension == NUMBER:
        return "1"
    named = {symbol: base for symbol, (base, _) in _BASE.items() if symbol not in ("g", "Hz")}
    powers: dict[tuple[int, ...], str] = {}
    for n in (1, 2):
        for symbol, base in named.items():
            powers.setdefault(tuple(n * x for x in base), _power(symbol, n))
    if dimension in powers:
        return powers[dimension]
    ratios = {NUMBER: "1", **powers}
    found = []
    for above, text in ratios.items():
        below = tuple(a - x for a, x in zip(above, dimension, strict=True))
        if below in powers:
            found.append(f"{text}/{powers[below]}")
    for a, text in powers.items():
        rest = tuple(x - y for x, y in zip(dimension, a, strict=True))
        if rest in powers:
            found.append(f"{text} {powers[rest]}")
    if found:  # a ratio with a coulomb in it is right, but nobody's
        return min(found, key=lambda text: ("C" in text.split("/")[0], len(text)))
    bases = zip(("m", "kg", "s", "A", "mol"), dimension, strict=True)
    return " ".join(_power(symbol, n) for symbol, n in bases if n)


def _power(symbol: str, n: int) -> str:
    return symbol if n == 1 else f"{symbol}^{n}"


def example_unit(dimension: Dimension) -> str:
    """Return a customary unit of a dimension: ``"mV"``."""
    return _EXAMPLES.get(dimension, "")


@lru_cache(maxsize=1024)
def _factors(unit: str) -> tuple[tuple[tuple[str, int], ...], Dimension]:
    """Split a unit expression into (operator, power of ten) factors and its dimension."""
    dimension = [0, 0, 0, 0, 0]
    factors: list[tuple[str, int]] = []
    position = 0
    while position < len(unit):
        match = _FACTOR.match(unit, position)
        if match is None or len(match.group(3) or "") > 3:
            raise ConfigError(f"{unit!r} is no unit")
        operator, name, power = match.groups()
        position = match.end()
        exponent = int(power or 1)
        if name == "1":
            continue
        if name not in _TABLE:
            common = ["mV", "V", "uV", "ms", "s", "us", "nA", "pA", "uA", "A", "Hz", "kHz",
                      "ohm", "kohm", "Mohm", "nS", "pF", "mmolar", "umolar"]  # fmt: skip
            raise ConfigError(f"{name!r} is no unit{did_you_mean(name, common)}")
        scale, factor_dimension = _TABLE[name]
        factors.append((operator, scale * exponent))
        sign = -1 if operator == "/" else 1
        dimension = [
            d + sign * exponent * f for d, f in zip(dimension, factor_dimension, strict=True)
        ]
    if sum(abs(power) for _, power in factors) > 99:
        raise ConfigError(f"{unit!r} is no unit: its scale is beyond all measure")
    return tuple(factors), tuple(dimension)  # type: ignore[return-value]


def _scale(number: float, factors: tuple[tuple[str, int], ...]) -> float:
    for operator, power in factors:
        number = number / 10.0**power if operator == "/" else number * 10.0**power
    return number


def _cut(given: object) -> str:
    try:
        text = str(given)
    except ValueError:  # Python writes no whole number of more than 4300 digits
        text = "a number of thousands of digits"
    return text if len(text) <= 80 else text[:77] + "..."


def parse(text: str | float | int) -> Quantity:
    """Read a quantity such as ``"10 mV"``, ``"0.02/ms"``, ``"1e-3*volt"`` or ``0.6``.

    Raises
    ------
    ConfigError
        For text that is no number with a unit, an unknown unit, or a number that is not finite.
    """
    if isinstance(text, bool) or not isinstance(text, str | int | float):
        raise ConfigError(f"{_cut(text)} is no quantity; write a number and a unit, as in 10 mV")
    if isinstance(text, str):
        if len(text) > _LONGEST:
            raise ConfigError(f"{text[:40]!r}... is too long for a quantity")
        if text.strip().lower().lstrip("+-") in ("nan", "inf", "infinity", ".nan", ".inf"):
            raise ConfigError(f"{text} is not finite")
        if re.search(r"\d,\d|−", text):
            raise ConfigError(
                f"{text!r} is no quantity; write - and a decimal point, as in -1.5 mV"
            )
        match = _QUANTITY.fullmatch(text)
        if match is None:
            raise ConfigError(f"{text!r} is no quantity; write a number and a unit, as in 10 mV")
        number, unit = float(match.group(1)), match.group(2)
    else:
        try:
            number, unit = float(text), ""
        except OverflowError:
            number, unit = math.inf, ""
    if not math.isfinite(number):
        raise ConfigError(f"{_cut(text)} is not finite")
    factors, dimension = _factors(unit)
    try:
        si = _scale(number, factors)
    except (OverflowError, ZeroDivisionError):
        si = math.inf
    if not math.isfinite(si):
        raise ConfigError(f"{text} is not finite in SI units")
    unit = unit.lstrip("*").strip()
    return Quantity(si, dimension, number, "1" + unit if unit.startswith("/") else unit)


def with_unit(number: float, unit: str) -> Quantity:
    """Return a bare number as a quantity in `unit`."""
    if not math.isfinite(number):
        raise ConfigError(f"{number} is not finite")
    factors, dimension = _factors(unit)
    return Quantity(_scale(number, factors), dimension, number, unit)


def in_unit(quantity: Quantity, unit: str) -> float:
    """Return a quantity's number in `unit`, as written where it was written in that unit."""
    if quantity.unit == unit:
        return quantity.number
    factors, dimension = _factors(unit)
    if dimension != quantity.dimension:
        raise ConfigError(f"{quantity.number:g} {quantity.unit} is not {name_of(dimension)}")
    number = quantity.si / _scale(1.0, factors)
    # 1000 uV is 1 mV, not 0.9999999999999999 mV: labels are for reading and selecting
    return float(f"{number:.15g}")


def dimension_of(unit: str) -> Dimension:
    """Return the dimension of a unit expression."""
    return _factors(unit)[1]
