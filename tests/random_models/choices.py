"""Choices that hypothesis makes, and shrinks: the first of all options is the simplest."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, TypeVar

from hypothesis import strategies as st

T = TypeVar("T")


@lru_cache(maxsize=512)
def _up_to(most: int) -> Any:
    return st.integers(0, most)


class Choices:
    """What a generator asks, answered by hypothesis's `draw`."""

    def __init__(self, draw: Callable[[Any], Any]) -> None:
        self.draw = draw

    def number(self, least: int, most: int) -> int:
        """Return a whole number, both ends included."""
        return least + int(self.draw(_up_to(most - least)))

    def pick(self, options: Sequence[T]) -> T:
        """Return one of some options."""
        return options[self.number(0, len(options) - 1)]

    def chance(self, percent: int) -> bool:
        """Return whether something rare is so, in so many of a hundred cases."""
        return self.number(0, 99) >= 100 - percent

    def weighted(self, options: Sequence[tuple[int, T]]) -> T:
        """Return one of some options, each with its weight."""
        at = self.number(0, sum(weight for weight, _ in options) - 1)
        for weight, option in options:
            if at < weight:
                return option
            at -= weight
        raise AssertionError
