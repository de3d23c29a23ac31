"""Elementary functions with the same bits everywhere, in numpy and in generated C++.

They are built as the exponential is (:mod:`izhi.exponential`): of sums, products, quotients and
steps that are exact, in a fixed order, once in numpy and once as C++ text. Arguments are reduced
exactly (W. J. Cody and W. Waite, Software Manual for the Elementary Functions, 1980), and what is
left has a Taylor series. They are meant for equations, not for the last half unit in the last
place: their largest errors are below 2 such units (``tests/test_functions.py``); sine and cosine
hold that up to arguments of a million.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

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


def remainder(x: ArrayLike, y: ArrayLike) -> Numbers:
    """Return what is left of x once it is divided by y, of the sign of y but for rounding."""
    x, y = np.asarray(x, np.float64), np.asarray(y, np.float64)
    return np.asarray(x - y * np.floor(x / y))


def power(x: Any, n: int) -> Numbers:
    """Return the n-th power as a product: of halves where n is even, of one less and x else."""
    if n < 2:
        return np.asarray(x if n else np.ones_like(x), np.float64)
    if n % 2:
        return np.asarray(power(x, n - 1) * x)
    half = power(x, n // 2)
    return half * half


FUNCTIONS: dict[str, Callable[[ArrayLike], Numbers]] = {
    "sin": sin, "cos": cos, "log": log, "expm1": expm1, "exprel": exprel, "tanh": tanh,
    "sinh": sinh, "cosh": cosh,
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

CPP: dict[str, str] = {
    "sin": _TURNED.replace("NAME", "portable_sin").replace("QUARTERS", "0.0"),
    "cos": _TURNED.replace("NAME", "portable_cos").replace("QUARTERS", "1.0"),
    "log": f"""
inline double portable_log(const double x)
{{
    const bool small = x < {_NORMAL!r};
    const double given = small ? x * {_RAISED!r} : x;
    int64_t bits;
    std::memcpy(&bits, &given, 8);
    bits += {_ONE - _ROOT_HALF}LL;
    const double k = (double)((bits >> 52) - 1023) - (small ? 54.0 : 0.0);
    const int64_t mantissa = (bits & {_MANTISSA}LL) + {_ROOT_HALF}LL;
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
"""By Brian2's name: the same operations in the same order as a C++ function, ``portable_...``."""

NEED_EXP = ("expm1", "exprel", "tanh", "sinh", "cosh")
"""Those whose C++ calls ``portable_exp``."""
