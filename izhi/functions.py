"""Elementary functions with the same bits everywhere, in numpy and in generated C++.

Which functions equations may call is the table of :mod:`izhi.portable`. Those of this module are
built as the exponential is (:mod:`izhi.exponential`): of sums, products, quotients and
steps that are exact, in a fixed order, once in numpy and once as C++ text. Arguments are reduced
exactly (W. J. Cody and W. Waite, Software Manual for the Elementary Functions, 1980), and what is
left has a Taylor series. They are meant for equations, not for the last half unit in the last
place: ``tests/test_functions.py`` has a bound of 0.8 to 4 such units for each; sine, cosine and
tangent hold theirs up to arguments of a million.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from fractions import Fraction

import numpy as np
from numpy.typing import ArrayLike, NDArray

from izhi.exponential import exp

Numbers = NDArray[np.float64]

_WHOLE = 1.5 * 2.0**52
"""Added to a number and taken away again, it leaves the nearest whole number."""

_TWO_OVER_PI = 2 / math.pi
_PI_HALVES = (
    float.fromhex("0x1.921fb544p+0"),
    float.fromhex("0x1.0b4611a6p-34"),
    float.fromhex("0x1.3198a2e037073p-69"),
)
"""Pi/2 in parts of 33, 33 and 53 bits: products of the first two with 20 bits are exact."""

_LN_2 = (float.fromhex("0x1.62e42feep-1"), float.fromhex("0x1.a39ef35793c76p-33"))
"""ln 2 in parts of 32 and 53 bits."""

_ROOT_HALF = 0x3FE6A09E667F3BCD
"""Bits of the square root of 1/2, where the mantissas of logarithms begin."""
_ONE = 0x3FF0000000000000
_MANTISSA = 0x000FFFFFFFFFFFFF
_NORMAL = 2.0**-1022
_RAISED = 2.0**54

_LOG10_E = 0.4342944819032518

_ATAN_KNOTS = (
    (0.4375, 0.0, 0.0),
    (0.6875, 4.63647609000806093515e-01, 2.26987774529616870924e-17),
    (1.1875, 7.85398163397448278999e-01, 3.06161699786838301793e-17),
    (2.4375, 9.82793723247329054082e-01, 1.39033110312309984516e-17),
    (math.inf, 1.57079632679489655800e00, 6.12323399573676603587e-17),
)
"""By the largest argument: the arctangent of 0, 1/2, 1, 3/2 and infinity as a double and the rest.

(The scheme and the numbers are those of the FreeBSD library's s_atan.c.)
"""

_SERIES = 0.5
"""Below it, tanh, sinh and expm1 are series: their formulas lose digits there."""


def _taylor(terms: Sequence[Fraction]) -> list[float]:
    return [float(term) for term in terms]


def _odd_tangents(n: int) -> list[Fraction]:
    """Return the Taylor coefficients of tanh(x)/x in x^2, from tanh' = 1 - tanh^2."""
    found = [Fraction(1)]
    for k in range(1, n):
        square = sum((found[i] * found[k - 1 - i] for i in range(k)), Fraction(0))
        found.append(-square / (2 * k + 1))
    return found


_factorial = math.factorial
_SIN = _taylor([Fraction((-1) ** k, _factorial(2 * k + 1)) for k in range(1, 9)])
_COS = _taylor([Fraction((-1) ** k, _factorial(2 * k)) for k in range(2, 10)])
_LOG = _taylor([Fraction(2, 2 * k + 1) for k in range(1, 17)])
_TANH = _taylor(_odd_tangents(17)[1:])
_SINH = _taylor([Fraction(1, _factorial(2 * k + 1)) for k in range(1, 9)])
_ATAN = _taylor([Fraction((-1) ** k, 2 * k + 3) for k in range(22)])
_EXPREL = _taylor([Fraction(1, _factorial(k + 1)) for k in range(1, 15)])


def polynomial(x: Numbers, coefficients: Sequence[float]) -> Numbers:
    """Return the value of a polynomial with coefficients by rising powers."""
    *others, last = coefficients
    value = np.full_like(x, last)
    for coefficient in reversed(others):
        value = value * x + coefficient
    return value


def polynomial_text(name: str, coefficients: Sequence[float]) -> str:
    """Return a polynomial of a variable as C++, in the order of :func:`polynomial`."""
    *others, last = coefficients
    text = repr(last)
    for coefficient in reversed(others):
        text = f"({text} * {name} + {coefficient!r})"
    return text


def _elementwise(function: Callable[[Numbers], Numbers]) -> Callable[[ArrayLike], Numbers]:
    """Let a function of a flat array take whatever numpy takes for numbers, and never warn."""

    def of(argument: ArrayLike) -> Numbers:
        given = np.asarray(argument, np.float64)
        with np.errstate(all="ignore"):
            return function(given.ravel()).reshape(given.shape)[()]

    of.__name__, of.__doc__ = function.__name__, function.__doc__
    return of


def _turned(x: Numbers, quarters: float) -> Numbers:
    """Return the sine of x plus so many quarters of a turn."""
    k = (x * _TWO_OVER_PI + _WHOLE) - _WHOLE
    r = ((x - k * _PI_HALVES[0]) - k * _PI_HALVES[1]) - k * _PI_HALVES[2]
    z = r * r
    sine = r + r * z * polynomial(z, _SIN)
    cosine = (1.0 - 0.5 * z) + z * z * polynomial(z, _COS)
    turn = k + quarters
    half = np.floor((turn - 4.0 * np.floor(turn * 0.25)) * 0.5)
    odd = turn - 2.0 * np.floor(turn * 0.5)
    return ((1.0 - odd) * sine + odd * cosine) * (1.0 - 2.0 * half)


@_elementwise
def sin(x: Numbers) -> Numbers:
    """Return the sine."""
    return _turned(x, 0.0)


@_elementwise
def cos(x: Numbers) -> Numbers:
    """Return the cosine."""
    return _turned(x, 1.0)


@_elementwise
def log(x: Numbers) -> Numbers:
    """Return the natural logarithm: -inf of 0, nan of what is negative."""
    small = x < _NORMAL
    bits = np.where(small, x * _RAISED, x).view(np.int64) + (_ONE - _ROOT_HALF)
    k = ((bits >> 52) - 1023).astype(np.float64) - np.where(small, 54.0, 0.0)
    f = ((bits & _MANTISSA) + _ROOT_HALF).view(np.float64) - 1.0
    s = f / (2.0 + f)
    z = s * s
    half = 0.5 * f * f
    rest = s * (half + z * polynomial(z, _LOG)) + k * _LN_2[1]
    found = k * _LN_2[0] - ((half - rest) - f)
    found = np.where(x == 0, -np.inf, np.where(x > 1.7976931348623157e308, x, found))
    return np.where(x >= 0, found, np.nan)


@_elementwise
def tan(x: Numbers) -> Numbers:
    """Return the tangent."""
    return np.asarray(_turned(x, 0.0) / _turned(x, 1.0))


@_elementwise
def log10(x: Numbers) -> Numbers:
    """Return the logarithm to base 10."""
    return np.asarray(log(x) * _LOG10_E, np.float64)


@_elementwise
def log1p(x: Numbers) -> Numbers:
    """Return log(1 + x): -inf of -1, nan of what is less."""
    u = 1.0 + x
    return np.asarray(log(u) + np.where((u > 0) & (u < np.inf), (x - (u - 1.0)) / u, 0.0))


@_elementwise
def arctan(x: Numbers) -> Numbers:
    """Return the arctangent."""
    a = np.abs(x)
    (low, _, _), (half, *at_half), (one, *at_one), (three, *at_three), (_, *at_end) = _ATAN_KNOTS
    is_low, is_half, is_one, is_three = a < low, a < half, a < one, a < three
    t = np.where(is_low, a, np.where(is_half, (2.0 * a - 1.0) / (2.0 + a), np.where(
        is_one, (a - 1.0) / (a + 1.0), np.where(is_three, (a - 1.5) / (1.0 + 1.5 * a), -1.0 / a)
    )))  # fmt: skip
    high, rest = (
        np.where(is_low, 0.0, np.where(is_half, at_half[k], np.where(
            is_one, at_one[k], np.where(is_three, at_three[k], at_end[k])
        ))) for k in (0, 1)
    )  # fmt: skip
    z = t * t
    return np.asarray(np.copysign(high - ((t * z * polynomial(z, _ATAN) - rest) - t), x))


@_elementwise
def arcsin(x: Numbers) -> Numbers:
    """Return the arcsine: nan beyond 1."""
    return np.asarray(arctan(x / np.sqrt((1.0 - x) * (1.0 + x))))


@_elementwise
def arccos(x: Numbers) -> Numbers:
    """Return the arccosine: nan beyond 1."""
    return np.asarray(2.0 * arctan(np.sqrt((1.0 - x) / (1.0 + x))), np.float64)


@_elementwise
def expm1(x: Numbers) -> Numbers:
    """Return exp(x) - 1."""
    return np.where(np.abs(x) < _SERIES, x + x * x * polynomial(x, _EXPREL), exp(x) - 1.0)


@_elementwise
def exprel(x: Numbers) -> Numbers:
    """Return (exp(x) - 1)/x, which is 1 at 0."""
    series = 1.0 + x * polynomial(x, _EXPREL)
    return np.where(np.abs(x) < _SERIES, series, (exp(x) - 1.0) / x)


@_elementwise
def tanh(x: Numbers) -> Numbers:
    """Return the hyperbolic tangent."""
    z = x * x
    series = x + x * z * polynomial(z, _TANH)
    far = 1.0 - 2.0 / (exp(2.0 * np.abs(x)) + 1.0)
    return np.where(np.abs(x) < _SERIES, series, np.where(x < 0, -far, far))


@_elementwise
def sinh(x: Numbers) -> Numbers:
    """Return the hyperbolic sine."""
    z = x * x
    e = np.asarray(exp(x))
    return np.where(
        np.abs(x) < _SERIES, x + x * z * polynomial(z, _SINH), 0.5 * e - 0.5 / e
    )  # fmt: skip


@_elementwise
def cosh(x: Numbers) -> Numbers:
    """Return the hyperbolic cosine."""
    e = np.asarray(exp(x))
    return 0.5 * e + 0.5 / e


FUNCTIONS: dict[str, Callable[[ArrayLike], Numbers]] = {
    "sin": sin, "cos": cos, "log": log, "expm1": expm1, "exprel": exprel, "tanh": tanh,
    "sinh": sinh, "cosh": cosh, "tan": tan, "log10": log10, "log1p": log1p, "arctan": arctan,
    "arcsin": arcsin, "arccos": arccos,
}  # fmt: skip
"""By Brian2's name: the functions for arrays."""

_TURNED = f"""
inline double NAME(const double x)
{{
    const double k = (x * {_TWO_OVER_PI!r} + {_WHOLE!r}) - {_WHOLE!r};
    const double r = ((x - k * {_PI_HALVES[0]!r}) - k * {_PI_HALVES[1]!r}) - k * {_PI_HALVES[2]!r};
    const double z = r * r;
    const double sine = r + r * z * {polynomial_text("z", _SIN)};
    const double cosine = (1.0 - 0.5 * z) + z * z * {polynomial_text("z", _COS)};
    const double turn = k + QUARTERS;
    const double half = std::floor((turn - 4.0 * std::floor(turn * 0.25)) * 0.5);
    const double odd = turn - 2.0 * std::floor(turn * 0.5);
    return ((1.0 - odd) * sine + odd * cosine) * (1.0 - 2.0 * half);
}}
"""


def _arctan_text() -> str:
    """Return the arctangent as C++, with the numbers of its knots."""
    (low, _, _), (half, *at_half), (one, *at_one), (three, *at_three), (_, *at_end) = _ATAN_KNOTS
    high, rest = (
        f"low ? 0.0 : half ? {at_half[k]!r} : one ? {at_one[k]!r} : three ? {at_three[k]!r} : "
        f"{at_end[k]!r}" for k in (0, 1)
    )  # fmt: skip
    return f"""
inline double portable_arctan(const double x)
{{
    const double a = std::fabs(x);
    const bool low = a < {low!r}, half = a < {half!r}, one = a < {one!r}, three = a < {three!r};
    const double t = low ? a : half ? (2.0 * a - 1.0) / (2.0 + a) : one ? (a - 1.0) / (a + 1.0)
                     : three ? (a - 1.5) / (1.0 + 1.5 * a) : -1.0 / a;
    const double high = {high};
    const double rest = {rest};
    const double z = t * t;
    return std::copysign(high - ((t * z * {polynomial_text("z", _ATAN)} - rest) - t), x);
}}
"""


CPP: dict[str, str] = {
    "sin": _TURNED.replace("NAME", "portable_sin").replace("QUARTERS", "0.0"),
    "cos": _TURNED.replace("NAME", "portable_cos").replace("QUARTERS", "1.0"),
    "log": f"""
inline double portable_log(const double x)
{{
    const bool small = x < {_NORMAL!r};
    const double given = small ? x * {_RAISED!r} : x;
    uint64_t bits;
    std::memcpy(&bits, &given, 8);
    bits += {_ONE - _ROOT_HALF}ULL;
    const double k = (double)((int64_t)(bits >> 52) - 1023) - (small ? 54.0 : 0.0);
    const uint64_t mantissa = (bits & {_MANTISSA}ULL) + {_ROOT_HALF}ULL;
    double f;
    std::memcpy(&f, &mantissa, 8);
    f = f - 1.0;
    const double s = f / (2.0 + f);
    const double z = s * s;
    const double half = 0.5 * f * f;
    const double rest = s * (half + z * {polynomial_text("z", _LOG)}) + k * {_LN_2[1]!r};
    const double found = k * {_LN_2[0]!r} - ((half - rest) - f);
    const double at_end = x == 0 ? -HUGE_VAL : x > 1.7976931348623157e308 ? x : found;
    return x >= 0 ? at_end : std::nan("");
}}
""",
    "tan": """
inline double portable_tan(const double x) { return portable_sin(x) / portable_cos(x); }
""",
    "log10": f"""
inline double portable_log10(const double x) {{ return portable_log(x) * {_LOG10_E!r}; }}
""",
    "log1p": """
inline double portable_log1p(const double x)
{
    const double u = 1.0 + x;
    return portable_log(u) + (u > 0 && u < HUGE_VAL ? (x - (u - 1.0)) / u : 0.0);
}
""",
    "arctan": _arctan_text(),
    "arcsin": """
inline double portable_arcsin(const double x)
{
    return portable_arctan(x / std::sqrt((1.0 - x) * (1.0 + x)));
}
""",
    "arccos": """
inline double portable_arccos(const double x)
{
    return 2.0 * portable_arctan(std::sqrt((1.0 - x) / (1.0 + x)));
}
""",
    "expm1": f"""
inline double portable_expm1(const double x)
{{
    const double series = x + x * x * {polynomial_text("x", _EXPREL)};
    return std::fabs(x) < {_SERIES} ? series : portable_exp(x) - 1.0;
}}
""",
    "exprel": f"""
inline double portable_exprel(const double x)
{{
    const double series = 1.0 + x * {polynomial_text("x", _EXPREL)};
    return std::fabs(x) < {_SERIES} ? series : (portable_exp(x) - 1.0) / x;
}}
""",
    "tanh": f"""
inline double portable_tanh(const double x)
{{
    const double z = x * x;
    const double series = x + x * z * {polynomial_text("z", _TANH)};
    const double far = 1.0 - 2.0 / (portable_exp(2.0 * std::fabs(x)) + 1.0);
    return std::fabs(x) < {_SERIES} ? series : x < 0 ? -far : far;
}}
""",
    "sinh": f"""
inline double portable_sinh(const double x)
{{
    const double z = x * x;
    const double e = portable_exp(x);
    return std::fabs(x) < {_SERIES} ? x + x * z * {polynomial_text("z", _SINH)} : 0.5 * e - 0.5 / e;
}}
""",
    "cosh": """
inline double portable_cosh(const double x)
{
    const double e = portable_exp(x);
    return 0.5 * e + 0.5 / e;
}
""",
}
"""By Brian2's name: the same operations in the same order as a C++ function, ``portable_...``.

A function stands behind those that it calls; ``portable_exp`` has to be there.
"""
