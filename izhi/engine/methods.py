"""Integration methods that Brian2 does not have, as it takes them: what writes a step as code."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from izhi.config.keys import LOCATED
from izhi.engine.names import mangled, mangled_statements
from izhi.models import assembly, declarations, located
from izhi.models.circuit import Circuit, Population
from izhi.models.declarations import Declaration
from izhi.sweep.structures import Structure


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


@dataclass(frozen=True)
class Written:
    """A step that is written already."""

    code: str

    def __call__(self, equations: Any, variables: Any = None, method_options: Any = None) -> str:
        """Return the code of a step."""
        return self.code


def updater(method: str, system: Sequence[Declaration]) -> Any:
    """Return what Brian2 takes for a method: its own name of it, or what writes a step.

    Parameters
    ----------
    method
        One of :data:`izhi.config.keys.METHODS`.
    system
        All states and subexpressions of the cells.
    """
    if method in LOCATED:
        slopes, own = located.slopes_of(system), located.beginning(system)
        step = located.step(slopes, located.base(method), own)
        return Written(mangled_statements("\n".join(step)))
    if method == "semi_implicit":
        return SemiImplicit(tuple(mangled(d.name) for d in system if d.kind == "state"))
    return method


@lru_cache(maxsize=64)
def why_not_exact(structure: Structure, population: Population) -> str:
    """Return why Brian2 cannot solve the equations of a population exactly; ``""`` where it can."""
    from izhi.engine import network, runtime

    with runtime.quiet_brian():
        try:
            cells = network.build(structure, 1).cells[population.name]
            cells.state_updater.update_abstract_code({})
        except Exception as error:  # sympy raises what it happens to meet
            if "complex" in str(error):
                return "their solution oscillates"
            if type(error).__name__ == "UnsupportedEquationsException":
                return "their matrix has no inverse"
            return f"sympy does not solve them ({type(error).__name__})"
    return ""


def others(circuit: Circuit, population: Population) -> list[str]:
    """Return the methods beside its own that can integrate the cells of a population."""
    system = assembly.system(circuit, population)
    ruled_out = () if located.possible(population.neuron) else LOCATED
    return [method for method in declarations.methods(system)
            if method not in (population.method, *ruled_out)]  # fmt: skip
