"""A spike train of a run beside the exact one: spikes that match, how late they are, intervals."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

APART = 1.5
"""Ratio of two intervals from which on trains have parted: a burst has a spike more, or less."""


@dataclass(frozen=True)
class Comparison:
    """How far a train is from the exact one.

    Attributes
    ----------
    spikes, exact
        Number of spikes of each.
    matched
        Number of spikes up to which the trains are alike, one by one.
    time_error
        The largest error of a matched spike's time, in seconds; nan where none is matched.
    interval_error
        Relative error of the mean interval in the second half of the matched spikes; nan where
        fewer than three are matched.
    """

    spikes: int
    exact: int
    matched: int
    time_error: float
    interval_error: float

    @property
    def parted(self) -> bool:
        """Whether the trains part before the shorter one ends."""
        return self.matched < min(self.spikes, self.exact)


def compare(train: NDArray[np.float64], exact: NDArray[np.float64]) -> Comparison:
    """Hold a train against the exact one.

    Parameters
    ----------
    train, exact
        Spike times in seconds, in rising order.
    """
    matched = _matched(train, exact)
    late = np.abs(train[:matched] - exact[:matched])
    return Comparison(
        train.size, exact.size, matched,
        float(late.max()) if matched else np.nan,
        _interval_error(train[:matched], exact[:matched]),
    )  # fmt: skip


def _matched(train: NDArray[np.float64], exact: NDArray[np.float64]) -> int:
    """Return how many spikes match: up to an interval that is far longer or shorter than its own.

    Errors of spike times add up, so that spikes are matched by their numbers, not by their times.
    """
    shorter = min(train.size, exact.size)
    ratio = np.diff(train[:shorter]) / np.diff(exact[:shorter])
    apart = np.flatnonzero((ratio > APART) | (ratio < 1 / APART))
    return int(apart[0]) + 1 if apart.size else shorter


def _interval_error(train: NDArray[np.float64], exact: NDArray[np.float64]) -> float:
    if train.size < 3:
        return np.nan
    first = train.size // 2
    return float((train[-1] - train[first]) / (exact[-1] - exact[first]) - 1)
