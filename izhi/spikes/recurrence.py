"""Linear recurrences along trains, without a loop over spikes."""

from __future__ import annotations

import numpy as np

from izhi.spikes.trains import FloatArray, IntArray


def recurrence(factor: FloatArray, addend: FloatArray, count: IntArray) -> FloatArray:
    """Return ``y_i = factor_i * y_{i-1} + addend_i`` along each train; y_1 is its addend.

    Neighbours are taken together, two by two from the beginning of each train, which leaves a
    recurrence of half the length, and so on (G. E. Blelloch, 1990, Prefix sums and their
    applications). So the work is proportional to the number of values, and the bits of a train do
    not depend on the trains beside it.

    Parameters
    ----------
    factor
        Factors, train after train; the first of each train is not used.
    addend
        Addends, as many.
    count
        How many of them belong to each train.

    Returns
    -------
    FloatArray
        As many values. For factors from 0 to 1 and addends of one sign, their relative error is
        that of some additions.
    """
    if factor.shape != addend.shape or factor.size != count.sum():
        raise ValueError(
            f"factor and addend must have {count.sum()} values, as count says; got "
            f"{factor.size} and {addend.size}"
        )
    if not count.size or count.max() < 2:
        return addend.copy()
    start = np.cumsum(count) - count
    place = np.arange(factor.size) - np.repeat(start, count)
    odd = np.flatnonzero(place & 1)
    result = addend.copy()
    result[odd] = recurrence(
        factor[odd] * factor[odd - 1], factor[odd] * addend[odd - 1] + addend[odd], count // 2
    )
    even = np.flatnonzero((place & 1 == 0) & (place > 0))
    result[even] += factor[even] * result[even - 1]
    return result
