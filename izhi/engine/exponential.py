"""The exponential function with the same bits everywhere, in numpy and in generated C++.

Libraries compute ``exp`` with different last bits, and one library does so on different processors.
This one takes sums, products and integer operations only, which IEEE 754 and two's complement
define to the last bit, in a fixed order and without a branch, so that loops over it vectorise.

With k the whole number nearest to x/ln 2, ``exp(x) = 2^k * exp(h - low)``, where h is x - k*ln 2
without rounding, by the first bits of ln 2, and low what the others make of it (W. J. Cody and W.
Waite, Software Manual for the Elementary Functions, 1980). exp(h) is its Taylor series, summed
after Estrin; what ``1 + h`` loses by rounding is known (T. J. Dekker, Numer. Math. 18:224, 1971)
and added to the small terms. So the result is rounded once, and again only where it is subnormal.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

_LEAST, _MOST = -746.0, 710.0
"""Beyond them the result is 0 or inf, whatever the argument."""

_PER_LN2 = 1.4426950408889634  # 1/ln 2

_LN2_HIGH = float.fromhex("0x1.62e42fefa38p-1")
"""The first 42 bits of ln 2: its product with a k of 11 bits is exact."""

_LN2_LOW = float.fromhex("0x1.ef35793c7673p-45")
"""The next 53 bits of ln 2."""

_SHIFT = 1.5 * 2.0**52 + 2046
"""Added to a number, it leaves the nearest whole number, plus 2046, in the sum's last 12 bits.

Half of these, rounded down, and the other half are the exponents of two powers of 2 whose product
is 2^k, each with its bias of 1023: two factors, because one would not reach the subnormal numbers.
"""

_SERIES = np.array([1 / math.factorial(n) for n in range(3, 15)])
"""Coefficients of ``(exp(h) - 1 - h - h**2/2) / h**3``; the rest is below 0.001 ulp of exp(h)."""


def exp(argument: ArrayLike) -> NDArray[np.float64] | np.float64:
    """Return e to the power of `argument`.

    Parameters
    ----------
    argument
        Numbers, any shape.

    Returns
    -------
    ndarray or float64
        Of the same shape. Overflow gives inf and underflow 0; neither warns.
    """
    given = np.asarray(argument, np.float64)
    with np.errstate(all="ignore"):
        x: NDArray[np.float64] = np.minimum(np.maximum(given.ravel(), _LEAST), _MOST)
        shifted = x * _PER_LN2 + _SHIFT
        k = shifted - _SHIFT
        h = x - k * _LN2_HIGH
        low = k * _LN2_LOW
        h2 = h * h
        h4 = h2 * h2
        pairs = _SERIES[0::2, None] + _SERIES[1::2, None] * h
        first, second, third = pairs[0::2] + pairs[1::2] * h2
        small = 0.5 * h2 + h * h2 * (first + (second + third * h4) * h4)
        large = 1.0 + h
        lost = h - (large - 1.0)
        result = large + (lost + (small - low * (large + small)))
        both = shifted.view(np.int64) & 4095
        half = both >> 1
        result *= (half << 52).view(np.float64)
        result *= ((both - half) << 52).view(np.float64)
    return result.reshape(given.shape)[()]  # type: ignore[no-any-return]


_c = _SERIES.tolist()

CPP = f"""
inline double portable_exp(const double argument)
{{
    const double above = argument < {_LEAST} ? {_LEAST} : argument;
    const double x = above > {_MOST} ? {_MOST} : above;
    const double shifted = x * {_PER_LN2} + {_SHIFT};
    const double k = shifted - {_SHIFT};
    const double h = x - k * {_LN2_HIGH};
    const double low = k * {_LN2_LOW};
    const double h2 = h * h;
    const double h4 = h2 * h2;
    const double first = ({_c[0]} + {_c[1]} * h) + ({_c[2]} + {_c[3]} * h) * h2;
    const double second = ({_c[4]} + {_c[5]} * h) + ({_c[6]} + {_c[7]} * h) * h2;
    const double third = ({_c[8]} + {_c[9]} * h) + ({_c[10]} + {_c[11]} * h) * h2;
    const double small = 0.5 * h2 + h * h2 * (first + (second + third * h4) * h4);
    const double large = 1.0 + h;
    const double lost = h - (large - 1.0);
    const double result = large + (lost + (small - low * (large + small)));
    int64_t both;
    std::memcpy(&both, &shifted, 8);
    both &= 4095;
    const int64_t half = both >> 1, powers[] = {{ half << 52, (both - half) << 52 }};
    double one, other;
    std::memcpy(&one, &powers[0], 8);
    std::memcpy(&other, &powers[1], 8);
    return result * one * other;
}}
"""
"""The same operations in the same order as a C++ function, ``portable_exp``."""
