"""Random numbers as functions of what they are for: no stream, no state, the same bits everywhere.

A number is drawn for a seed and some names and counts: a population, a parameter, a cell. These
are taken in one after the other, each time by the output of SplitMix64 that has this count, from
the state reached before (G. L. Steele, D. Lea and C. H. Flood, Fast splittable pseudorandom number
generators, OOPSLA 2014). So it does not matter what else is drawn, in which order, or where.

Normal numbers are the quantiles of uniform ones by M. J. Wichura's rational approximations
(algorithm AS 241, Applied Statistics 37:477, 1988), which are good to some 16 digits.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from izhi.functions import log, polynomial, polynomial_text

Bits = NDArray[np.uint64]

_WEYL = 0x9E3779B97F4A7C15
"""The odd whole number nearest to 2^64 divided by the golden ratio."""
_FIRST, _SECOND = 0xBF58476D1CE4E5B9, 0x94D049BB133111EB

_MOST_NUMBER = 9e18
"""Beyond it a double is no count."""

_NEAR = 0.425
_SQUARE = 0.180625
_FAR = 5.0
_CENTRE = (
    (3.3871328727963666080e0, 1.3314166789178437745e2, 1.9715909503065514427e3,
     1.3731693765509461125e4, 4.5921953931549871457e4, 6.7265770927008700853e4,
     3.3430575583588128105e4, 2.5090809287301226727e3),
    (1.0, 4.2313330701600911252e1, 6.8718700749205790830e2, 5.3941960214247511077e3,
     2.1213794301586595867e4, 3.9307895800092710610e4, 2.8729085735721942674e4,
     5.2264952788528545610e3),
)  # fmt: skip
_TAIL = (
    (1.42343711074968357734e0, 4.63033784615654529590e0, 5.76949722146069140550e0,
     3.64784832476320460504e0, 1.27045825245236838258e0, 2.41780725177450611770e-1,
     2.27238449892691845833e-2, 7.74545014278341407640e-4),
    (1.0, 2.05319162663775882187e0, 1.67638483018380384940e0, 6.89767334985100004550e-1,
     1.48103976427480074590e-1, 1.51986665636164571966e-2, 5.47593808499534494600e-4,
     1.05075007164441684324e-9),
)  # fmt: skip
_END = (
    (6.65790464350110377720e0, 5.46378491116411436990e0, 1.78482653991729133580e0,
     2.96560571828504891230e-1, 2.65321895265761230930e-2, 1.24266094738807843860e-3,
     2.71155556874348757815e-5, 2.01033439929228813265e-7),
    (1.0, 5.99832206555887937690e-1, 1.36929880922735805310e-1, 1.48753612908506148525e-2,
     7.86869131145613259100e-4, 1.84631831751005468180e-5, 1.42151175831644588870e-7,
     2.04426310338993978564e-15),
)  # fmt: skip
"""Numerators and denominators by rising powers: near 1/2, in the tails, and at their ends."""


def key(seed: ArrayLike, *words: str) -> Bits:
    """Return what numbers for a seed and some names are drawn from.

    Parameters
    ----------
    seed
        Whole numbers from 0 on, of any shape.
    words
        Names, such as those of a population and a parameter.
    """
    found = then(np.uint64(0), seed)
    for word in words:
        digest = hashlib.sha256(word.encode()).digest()
        found = then(found, np.uint64(int.from_bytes(digest[:8], "little")))
    return found


def then(bits: Any, count: ArrayLike) -> Bits:
    """Return bits for a count, such as the number of a cell, on top of those for what came before.

    Parameters
    ----------
    bits
        What :func:`key` or this function gave.
    count
        Whole numbers from 0 on, of a shape that broadcasts with that of `bits`.
    """
    with np.errstate(over="ignore"):
        steps = np.asarray(count).astype(np.uint64) + np.uint64(1)
        x = np.array(bits + steps * np.uint64(_WEYL))
        x ^= x >> np.uint64(30)
        x *= np.uint64(_FIRST)
        x ^= x >> np.uint64(27)
        x *= np.uint64(_SECOND)
        x ^= x >> np.uint64(31)
        return x


def at(low: ArrayLike, high: ArrayLike, number: ArrayLike, place: float = 0) -> Bits:
    """Return a cell's bits for a whole number.

    Parameters
    ----------
    low, high
        The halves of the 64 bits that the cell's numbers are drawn from, as int32.
    number
        The whole number as a double; one that is too large for 64 bits, or not finite, counts as
        the smallest.
    place
        A whole number from 0 on: bits at one place are independent of those at another.
    """
    halves = (np.asarray(half, np.int32).astype(np.uint32).astype(np.uint64)
              for half in (low, high))  # fmt: skip
    first, last = halves
    number = np.asarray(number, np.float64)
    small = np.abs(number) < _MOST_NUMBER
    count = np.where(small, number, 0.0).astype(np.int64)
    bits = first | last << np.uint64(32)
    bits = then(bits, np.uint64(place)) if place else bits
    return then(bits, np.where(small, count, np.iinfo(np.int64).min))


def uniform(bits: Bits) -> NDArray[np.float64]:
    """Return uniform numbers: 52 bits and a half, so never 0 and never 1."""
    return ((bits >> np.uint64(12)).astype(np.float64) + 0.5) * 2.0**-52


def normal(bits: Bits) -> NDArray[np.float64]:
    """Return standard normal numbers."""
    return normal_quantile(uniform(bits))


def exponential(bits: Bits) -> NDArray[np.float64]:
    """Return exponentially distributed numbers of mean 1."""
    return np.asarray(-log(uniform(bits)))


def normal_quantile(p: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return below what a standard normal number is with probability p, 0 < p < 1."""
    q = p - 0.5
    near = np.abs(q) <= _NEAR
    found = np.empty_like(q)
    found[near] = q[near] * _ratio(_SQUARE - q[near] * q[near], _CENTRE)
    beyond = ~near
    away = np.sqrt(-log(np.minimum(p[beyond], 1.0 - p[beyond])))
    tail = np.where(away <= _FAR, _ratio(away - 1.6, _TAIL), _ratio(away - _FAR, _END))
    found[beyond] = np.where(q[beyond] < 0, -tail, tail)
    return found


def _ratio(x: NDArray[np.float64], coefficients: Sequence[Sequence[float]]) -> Any:
    above, below = coefficients
    return polynomial(x, above) / polynomial(x, below)


def _ratio_text(name: str, coefficients: Sequence[Sequence[float]]) -> str:
    above, below = coefficients
    return f"{polynomial_text(name, above)} / {polynomial_text(name, below)}"


_CPP = f"""
inline uint64_t draw_then(const uint64_t bits, const uint64_t count)
{{
    uint64_t x = bits + (count + 1) * {_WEYL}ULL;
    x = (x ^ (x >> 30)) * {_FIRST}ULL;
    x = (x ^ (x >> 27)) * {_SECOND}ULL;
    return x ^ (x >> 31);
}}
inline double draw_uniform(const uint64_t bits)
{{
    return ((double)(int64_t)(bits >> 12) + 0.5) * {2.0**-52!r};
}}
inline double draw_normal(const uint64_t bits)
{{
    const double p = draw_uniform(bits), q = p - 0.5;
    if (std::fabs(q) <= {_NEAR!r})
    {{
        const double r = {_SQUARE!r} - q * q;
        return q * ({_ratio_text("r", _CENTRE)});
    }}
    const double away = std::sqrt(-portable_log(q < 0 ? p : 1.0 - p));
    double tail;
    if (away <= {_FAR!r})
    {{
        const double r = away - 1.6;
        tail = {_ratio_text("r", _TAIL)};
    }}
    else
    {{
        const double r = away - {_FAR!r};
        tail = {_ratio_text("r", _END)};
    }}
    return q < 0 ? -tail : tail;
}}
"""

_AT = """
inline double portable_NAME_at(const int32_t low, const int32_t high, const double number,
                               const double place)
{
    uint64_t bits = (uint64_t)(uint32_t)high << 32 | (uint32_t)low;
    if (place > 0)
        bits = draw_then(bits, (uint64_t)place);
    const bool small = std::fabs(number) < LARGEST;
    return draw_NAME(draw_then(bits, (uint64_t)(small ? (int64_t)number : INT64_MIN)));
}
"""
CPP = _CPP + "".join(
    _AT.replace("NAME", name).replace("LARGEST", repr(_MOST_NUMBER))
    for name in ("normal", "uniform")
)
"""The same operations in the same order in C++, ``portable_normal_at`` and ``portable_uniform_at``.

They take a cell's bits as two halves, a whole number and a place; ``portable_log`` has to be there.
"""
