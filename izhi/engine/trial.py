"""Whether Brian2 can generate code for equations: tried before anything is built or run.

Brian2 hands equations to sympy, which takes them apart and simplifies them. It fails on some that
are right in themselves: where it finds a constant not to be real (``arcsin(7) < x``), where it
cannot solve a system for the method ``exact``, where it goes too deep. Which these are only sympy
knows, so equations that are more than sums, products and exponentials are tried.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable

from izhi.engine import network, runtime
from izhi.engine.names import cells_group, unmangled
from izhi.errors import ConfigError
from izhi.models import assembly
from izhi.models.circuit import Circuit, Population
from izhi.sweep.structures import Structure

_HARMLESS = ("exp", "exprel")
_UNUSUAL = (ast.Compare, ast.BoolOp, ast.Mod, ast.Not)


def check(structures: Iterable[Structure]) -> None:
    """Check that code can be generated for structures.

    Raises
    ------
    ConfigError
        Naming the population and what Brian2 says of its equations.
    """
    for structure in structures:
        if any(_is_unusual(structure.circuit, p) for p in structure.circuit.populations):
            refusal = _refusal(structure)
            if refusal is not None:
                raise ConfigError(refusal)


def _is_unusual(circuit: Circuit, population: Population) -> bool:
    """Whether equations go through sympy and have something in them on which it may fail."""
    system = assembly.system(circuit, population)
    states = [declared for declared in system if declared.kind == "state"]
    if population.method == "exact" and len(states) > 1:
        return True
    texts = [d.expression for d in system if d.expression and "constant over dt" not in d.flags]
    return any(_has_unusual(ast.parse(" ".join(text.split()), mode="eval")) for text in texts)


def _has_unusual(tree: ast.AST) -> bool:
    return any(
        isinstance(node, _UNUSUAL)
        or (isinstance(node, ast.Call) and ast.unparse(node.func) not in _HARMLESS)
        or (
            isinstance(node, ast.BinOp)
            and isinstance(node.op, ast.Pow)
            and not isinstance(node.right, ast.Constant)
        )
        for node in ast.walk(tree)
    )


def _refusal(structure: Structure) -> str | None:
    """Return what is said of equations that Brian2 cannot take, in a line; None where it can.

    The code of one replica is generated, and no step of it is run.
    """
    with runtime.quiet_brian() as b2:
        try:
            network.build(structure, 1).network.run(0 * b2.second, namespace={})
        except Exception as error:
            return _said(structure, error)
    return None


def _said(structure: Structure, error: BaseException) -> str:
    """Return an error of Brian2's as one of the equations of a population."""
    found = re.search(r"cells_\d{4}", str(error))
    names = [p.name for p in structure.circuit.populations]
    of = [f" of {name}" for name in names if found and cells_group(names, name) == found[0]]
    while error.__cause__ is not None:
        error = error.__cause__
    reason = unmangled(" ".join(str(error).split()))[:300]
    return (
        f"equations{''.join(of)}: Brian2 cannot generate code for these equations: {reason}; "
        "write them in another way"
    )
