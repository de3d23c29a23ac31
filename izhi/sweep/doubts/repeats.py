"""Doubts on keys that are given twice on one command line."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from izhi.config.keys import shown
from izhi.sweep.doubts.doubt import Doubt


def find(overrides: Sequence[str]) -> Iterator[Doubt]:
    """Give the keys that more than one override gives a value, of which the last one holds.

    What is deleted first and then added is meant to be.
    """
    values: dict[str, str] = {}
    for override in overrides:
        key, _, value = override.lstrip("+~").partition("=")
        if key in values:
            last = "deleted" if override.startswith("~") else shown(value)
            yield Doubt(key, f"given twice, {shown(values[key])} and then {last}, which holds")
        if not override.startswith("~"):
            values[key] = value
