"""In which units figures show SI numbers, and how they are said on axes."""

from __future__ import annotations

from izhi.units import AMPERE, NUMBER, SECOND, VOLT, Dimension, symbol

_CUSTOMARY = {VOLT: (1e3, "mV"), AMPERE: (1e12, "pA"), SECOND: (1e3, "ms"), NUMBER: (1.0, "")}
_LONG = 2.0
"""Seconds from which on times are in seconds, not in milliseconds."""


def of(dimension: Dimension) -> tuple[float, str]:
    """Return what to multiply SI numbers by, and the unit that they have then."""
    return _CUSTOMARY.get(dimension) or (1.0, symbol(dimension))


def of_time(duration: float) -> tuple[float, str]:
    """Return the same for times of a run that lasts for some seconds."""
    return (1.0, "s") if duration > _LONG else _CUSTOMARY[SECOND]


def label(name: str, unit: str) -> str:
    """Return what to write on an axis: ``"time (ms)"``."""
    return f"{name} ({unit})" if unit not in ("", "1") else name


def words(name: str) -> str:
    """Return a name from a config as words; what follows a slash and signs stay as they are."""
    return name.replace("inhibition_induced", "inhibition-induced").replace("_", " ")
