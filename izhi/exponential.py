"""The exponential function with the same bits everywhere, in numpy and in generated C++.

Libraries compute ``exp`` with different last bits, and one library does so on different processors.
This one takes sums, products and integer operations only, which IEEE 754 and two's complement
define to the last bit, in a fixed order and without a branch, so that loops over it vectorise.

It is the method of P. T. P. Tang (ACM Trans. Math. Softw. 15:144, 1989). With k the whole number
nearest to 128*x/ln 2, ``exp(x) = 2^(k/128) * exp(r)``. The rest r is exact but for its last bits,
because ln 2 is split in two (W. J. Cody and W. Waite, Software Manual for the Elementary Functions,
1980). 2^(k/128) is a power of 2 times one of 128 roots from a table, in two parts as well; exp(r)
is its Taylor series to the fifth order, the remainder being below 0.005 units in the last place.
What is small is added up first, so that the result is rounded once, and again only where it is
subnormal.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

_LEAST, _MOST = -746.0, 710.0
"""Beyond them the result is 0 or inf, as it is some way before."""

_STEPS = 184.6649652337873  # 128/ln 2

_HIGH = float.fromhex("0x1.62e42fef8p-8")
"""The first 35 bits of ln 2/128: its product with a k of 18 bits is exact."""

_LOW = float.fromhex("0x1.1cf79abc9e3b4p-43")
"""The next 53 bits of ln 2/128."""

_SHIFT = 1.5 * 2.0**52 + 2046 * 128
"""Added to a number, it leaves the nearest whole number, plus 2046*128, in the sum's last 19 bits.

The last 7 of these are the number of the root. Half of the others, rounded down, and the other half
are the exponents of two powers of 2, each with its bias of 1023. It takes two to reach the
subnormal numbers.
"""


def _root(j: int) -> tuple[float, float]:
    """Return 2^(j/128) as the nearest double and the rest."""
    root = 1 << (j + 128 * 120)
    for _ in range(7):
        root = math.isqrt(root)  # in the end with 120 binary places
    nearest = root / 2**120
    return nearest, (root - int(nearest * 2**120)) / 2**120


_ROOTS, _RESTS = np.array([_root(j) for j in range(128)]).T.copy()
_C2, _C3, _C4, _C5 = (1 / math.factorial(n) for n in (2, 3, 4, 5))


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
    x = given.ravel()
    with np.errstate(all="ignore"):
        shifted = x * _STEPS + _SHIFT
        k = shifted - _SHIFT
        r = (x - k * _HIGH) - k * _LOW
        r2 = r * r
        small = r + r2 * ((_C2 + _C3 * r) + (_C4 + _C5 * r) * r2)
        bits = shifted.view(np.int64)
        j = bits & 127
        both = bits >> 7 & 4095
        half = both >> 1
        root = _ROOTS[j]
        result = root + (_RESTS[j] + root * small)
        result *= (half << 52).view(np.float64)
        result *= (both - half << 52).view(np.float64)
    result[x < _LEAST] = 0.0
    result[x > _MOST] = np.inf
    return result.reshape(given.shape)[()]  # type: ignore[no-any-return]


CPP = f"""
alignas(64) static const double exp_roots[] = {{ {", ".join(map(repr, _ROOTS.tolist()))} }};
alignas(64) static const double exp_rests[] = {{ {", ".join(map(repr, _RESTS.tolist()))} }};
inline double portable_exp(const double x)
{{
    const double shifted = x * {_STEPS} + {_SHIFT};
    const double k = shifted - {_SHIFT};
    const double r = (x - k * {_HIGH}) - k * {_LOW};
    const double r2 = r * r;
    const double small = r + r2 * (({_C2} + {_C3} * r) + ({_C4} + {_C5} * r) * r2);
    uint64_t bits;
    std::memcpy(&bits, &shifted, 8);
    const uint64_t j = bits & 127, both = bits >> 7 & 4095, half = both >> 1;
    const uint64_t first = half << 52, second = both - half << 52;
    double one, other;
    std::memcpy(&one, &first, 8);
    std::memcpy(&other, &second, 8);
    const double root = exp_roots[j];
    const double result = (root + (exp_rests[j] + root * small)) * one * other;
    const double above = x < {_LEAST} ? 0.0 : result;
    return x > {_MOST} ? HUGE_VAL : above;
}}
"""
"""The same operations in the same order as a C++ function, ``portable_exp``."""
