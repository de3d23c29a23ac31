"""Whether Brian2 can generate code for equations: tried before anything is built or run.

Brian2 hands equations to sympy, which takes them apart and simplifies them. It fails on some that
are right in themselves: where it finds a constant not to be real (``arcsin(7) < x``) or to
be a division by zero (``1/(a - a)``), where it goes too deep. Which these are only sympy knows, so
equations with functions in comparisons, with remainders, divisions by sums, or functions that sympy
knows much of, are tried.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable

from izhi.engine import network, runtime
from izhi.engine.names import cells_group, unmangled
from izhi.errors import ConfigError
from izhi.models import assembly
from izhi.models.circuit import Circuit
from izhi.models.equations import NOISE
from izhi.sweep.structures import Structure

_HARMLESS = ("exp", "exprel", "sin", "cos", "int", "floor", "abs", "clip", *NOISE)
"""Functions that sympy leaves as they are, whatever their arguments, if these are not constant."""


def check(structures: Iterable[Structure]) -> None:
    """Check that code can be generated for structures.

    Raises
    ------
    ConfigError
        Naming the population and what Brian2 says of its equations.
    """
    for structure in structures:
        if _is_unusual(structure.circuit):
            refusal = _refusal(structure)
            if refusal is not None:
                raise ConfigError(refusal)


def _is_unusual(circuit: Circuit) -> bool:
    """Whether equations have something in them on which sympy may fail."""
    equations = [each for projection in circuit.projections for each in projection.synapse.declared]
    for population in circuit.populations:
        system = assembly.system(circuit, population)
        equations += [each for each in system if each.name != assembly.DRIVE]
    texts = [each.expression for each in equations if each.expression]
    return any(_has_unusual(ast.parse(" ".join(text.split()), mode="eval")) for text in texts)


def _has_unusual(tree: ast.AST) -> bool:
    return any(map(_is_unusual_node, ast.walk(tree)))


def _is_unusual_node(node: ast.AST) -> bool:
    """Whether sympy may find something in a node: a constant, a zero, what is not real."""
    if isinstance(node, ast.Call):
        return ast.unparse(node.func) not in _HARMLESS or not any(map(_names, node.args))
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow):
        exponent = node.right
        return not (isinstance(exponent, ast.Constant) and isinstance(exponent.value, int))
    if isinstance(node, ast.Compare):
        parts = [part for term in (node.left, *node.comparators) for part in ast.walk(term)]
        return any(isinstance(part, ast.Call | ast.Pow) for part in parts) or not _names(node)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):  # by what may be 0
        parts = list(ast.walk(node.right))
        return any(isinstance(part, ast.Call | ast.Add | ast.Sub) for part in parts)
    return isinstance(node, ast.Mod)


def _names(node: ast.AST) -> bool:
    return any(isinstance(part, ast.Name) for part in ast.walk(node))


def _refusal(structure: Structure) -> str | None:
    """Return the message for equations that Brian2 cannot take, in a line; None where it can.

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
    group = re.search(r"cells_\d{4}", str(error))
    names = [p.name for p in structure.circuit.populations]
    of = [f" of {name}" for name in names if group and cells_group(names, name) == group[0]]
    while error.__cause__ is not None:
        error = error.__cause__
    reason = unmangled(" ".join(str(error).split()))[:300]
    return (
        f"equations{''.join(of)}: Brian2 cannot generate code for these equations: {reason}; "
        "write them in another way"
    )
