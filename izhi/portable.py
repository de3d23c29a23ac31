"""The functions and operators of equations, in one table: numpy and C++, the same bits in both.

Equations may call the functions of `FUNCTIONS` and no others. What the table says of a function
holds in equations that Brian2 generates code for, on both engines, and in expressions that are
evaluated before a run (:mod:`izhi.models.evaluate`). Every function takes and gives doubles:
integers would be 32 bits wide in one place and 64 in another, and comparisons are 1.0 or 0.0.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from izhi import exponential, functions

Numbers = NDArray[np.float64]

_MOST_FACTORS = 64
"""The largest whole exponent whose power is a product."""


@dataclass(frozen=True)
class PortableFunction:
    """A function that equations may call.

    Attributes
    ----------
    n_arguments
        Number of its arguments.
    numpy
        The function for arrays.
    cpp
        Its definition in C++, named ``portable_`` and its name.
    """

    n_arguments: int
    numpy: Callable[..., Any]
    cpp: str


def _quiet(function: Callable[..., Any]) -> Callable[..., Any]:
    """Let a function take whatever numpy takes for numbers, and never warn."""

    def of_numbers(*arguments: ArrayLike) -> Any:
        with np.errstate(all="ignore"):
            return function(*(np.asarray(argument, np.float64) for argument in arguments))[()]

    of_numbers.__name__, of_numbers.__doc__ = function.__name__, function.__doc__
    return of_numbers


@_quiet
def clip(x: Numbers, low: Numbers, high: Numbers) -> Numbers:
    """Return x within bounds; the lower one where the bounds are in the wrong order."""
    return np.where(x < low, low, np.where(x > high, high, x))


@_quiet
def sign(x: Numbers) -> Numbers:
    """Return 1, 0 or -1; nan stays nan."""
    return np.where(x > 0, 1.0, np.where(x < 0, -1.0, np.where(x == 0, 0.0, x)))


@_quiet
def ceil(x: Numbers) -> Numbers:
    """Return the next whole number, however large; 0.0 rather than -0.0."""
    return np.ceil(x) + 0.0


@_quiet
def floor(x: Numbers) -> Numbers:
    """Return the last whole number, however large."""
    return np.floor(x) + 0.0


@_quiet
def truncate(x: Numbers) -> Numbers:
    """Return x without its fraction, however large; 0.0 rather than -0.0."""
    return np.trunc(x) + 0.0


@_quiet
def timestep(t: Numbers, dt: Numbers) -> Numbers:
    """Return the number of a time's step; a time just below the grid is on it, as in Brian2."""
    return np.trunc((t + 1e-3 * dt) / dt) + 0.0


@_quiet
def absolute(x: Numbers) -> Numbers:
    """Return the absolute value."""
    return np.abs(x)


@_quiet
def square_root(x: Numbers) -> Numbers:
    """Return the square root: nan of what is negative."""
    return np.sqrt(x)


@_quiet
def remainder(x: Numbers, y: Numbers) -> Numbers:
    """Return what is left of x once it is divided by y, of the sign of y but for rounding."""
    return np.asarray(x - y * np.floor(x / y))


@_quiet
def power(x: Numbers, exponent: Numbers) -> Numbers:
    """Return a power: a product for whole exponents up to 64, a root for 1/2.

    The product is that of the halves where the exponent is even, and of one factor less and x
    else. Other powers are exp(exponent*log(x)): nan of what is negative, but for larger whole
    exponents. A negative exponent is one over the power.
    """
    x, exponent = np.broadcast_arrays(x, exponent)
    size = np.abs(exponent)
    is_whole = size == np.floor(size)
    whole = is_whole & (size <= _MOST_FACTORS)
    factors = np.where(whole, size, 0.0).astype(np.int64)
    product = np.ones_like(x)
    for bit in range(int(factors.max(initial=0)).bit_length() - 1, -1, -1):
        product = product * product
        product = np.where(factors >> bit & 1, product * x, product)
    positive = np.where(whole, product, np.sqrt(x))
    found = np.where(exponent < 0, 1.0 / positive, positive)
    if (whole | (size == 0.5)).all():
        return found
    general = exponential.exp(exponent * functions.log(np.where(is_whole, np.abs(x), x)))
    is_odd = is_whole & (np.fmod(size, 2.0) == 1.0)
    general = np.where(is_odd & np.signbit(x), -general, general)
    return np.where(whole | (size == 0.5), found, general)


def product(x: ArrayLike, n: int) -> Numbers:
    """Return :func:`power` for a whole exponent from 0 on, in fewer steps."""
    x = np.asarray(x, np.float64)
    if n < 2:
        return x if n else np.ones_like(x)
    if n % 2:
        return np.asarray(product(x, n - 1) * x)
    half = product(x, n // 2)
    return half * half


_CEIL, _FLOOR, _TRUNC = (
    f"inline double portable_{name}(const double x) {{ return std::{function}(x) + 0.0; }}"
    for name, function in (("ceil", "ceil"), ("floor", "floor"), ("int", "trunc"))
)

FUNCTIONS: dict[str, PortableFunction] = {
    "exp": PortableFunction(1, exponential.exp, exponential.CPP),
    **{
        name: PortableFunction(1, function, functions.CPP[name])
        for name, function in functions.FUNCTIONS.items()
    },
    "abs": PortableFunction(
        1, absolute, "inline double portable_abs(const double x) { return std::fabs(x); }"
    ),
    "ceil": PortableFunction(1, ceil, _CEIL),
    "floor": PortableFunction(1, floor, _FLOOR),
    "int": PortableFunction(1, truncate, _TRUNC),
    "sqrt": PortableFunction(
        1, square_root, "inline double portable_sqrt(const double x) { return std::sqrt(x); }"
    ),
    "sign": PortableFunction(1, sign, """
inline double portable_sign(const double x)
{
    return x > 0 ? 1.0 : x < 0 ? -1.0 : x == 0 ? 0.0 : x;
}"""),
    "clip": PortableFunction(3, clip, """
inline double portable_clip(const double x, const double low, const double high)
{
    return x < low ? low : x > high ? high : x;
}"""),
    "timestep": PortableFunction(2, timestep, """
inline double portable_timestep(const double t, const double dt)
{
    return std::trunc((t + 1e-3 * dt) / dt) + 0.0;
}"""),
}  # fmt: skip
"""What equations may call, by name; a function stands behind those that its C++ calls."""

OPERATORS: dict[str, PortableFunction] = {
    "power": PortableFunction(2, power, f"""
inline double portable_power(const double x, const double exponent)
{{
    const double size = std::fabs(exponent);
    const bool whole = size == std::floor(size);
    double positive;
    if (whole && size <= {_MOST_FACTORS})
    {{
        const int factors = (int)size;
        positive = 1.0;
        for (int bit = {_MOST_FACTORS.bit_length() - 1}; bit >= 0; bit--)
        {{
            positive *= positive;
            if (factors >> bit & 1)
                positive *= x;
        }}
    }}
    else if (size == 0.5)
        positive = std::sqrt(x);
    else
    {{
        positive = portable_exp(exponent * portable_log(whole ? std::fabs(x) : x));
        return whole && std::fmod(size, 2.0) == 1.0 && std::signbit(x) ? -positive : positive;
    }}
    return exponent < 0 ? 1.0 / positive : positive;
}}
// a power with a small whole exponent that is known when the program is compiled
template <int n> inline double portable_product(const double x)
{{
    const double part = portable_product<n % 2 ? n - 1 : n / 2>(x);
    return n % 2 ? part * x : part * part;
}}
template <> inline double portable_product<0>(double) {{ return 1.0; }}
template <> inline double portable_product<1>(const double x) {{ return x; }}"""),
    "remainder": PortableFunction(2, remainder, """
inline double portable_remainder(const double x, const double y)
{
    return x - y * std::floor(x / y);
}"""),
}  # fmt: skip
"""What the operators ``**`` and ``%`` become."""

CPP = "\n".join(function.cpp for function in [*FUNCTIONS.values(), *OPERATORS.values()])
"""The C++ of all functions and operators, in an order in which it compiles."""
