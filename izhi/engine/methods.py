"""Integration methods that Brian2 does not have, as it takes them: what writes a step as code."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class SemiImplicit:
    """The published numerics of E. M. Izhikevich (2004).

    One state variable after the other makes a step of forward Euler's with the new values of those
    before it. (Which model to use for cortical spiking neurons?, IEEE Trans. Neural Netw. 15:1063;
    the scheme is that of its script, figure1.m.)

    Attributes
    ----------
    states
        The state variables in the order of the equations, which Brian2 does not keep.
    """

    states: tuple[str, ...]

    def __call__(self, equations: Any, variables: Any = None, method_options: Any = None) -> str:
        """Return the code of a step."""
        return "\n".join(f"{name} += dt*({equations[name].expr.code})" for name in self.states)


def updater(method: str, states: tuple[str, ...]) -> Any:
    """Return what Brian2 takes for a method: its own name of it, or what writes a step."""
    return SemiImplicit(states) if method == "semi_implicit" else method
