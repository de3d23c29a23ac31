"""What is not wrong, but probably not meant."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Doubt:
    """One line that a user should read before trusting a sweep.

    Attributes
    ----------
    key
        The config key that it is about: ``"neuron.u_0"``.
    text
        What is off, and what would be right.
    """

    key: str
    text: str

    def __str__(self) -> str:
        return f"{self.key}: {self.text}"
