"""Resets located inside the step: a scheme that keeps its order through spikes.

A reset on the grid makes every integration method first order: the cell goes on from its reset at
the end of the step in which it crossed the threshold, late by up to a step. Here the reset itself
says when the crossing was and goes on from there. With f the slope of the variable that crosses,
x, and g that of another one, y, and theta the threshold, the time since the crossing and what y did
in it are

    s = integral of dx/f from theta to x        y - y(crossing) = integral of (g/f) dx

at the y of the end of the step. Gauss and Legendre's rule with four points takes both, since beyond
a threshold the slope is smooth; so the equations may be any. Then comes the reset, and one more
Runge-Kutta step of length s. All that is written as statements of the reset, which fold like any
other.

That a lag can be corrected at the crossing is from M. Hopkins and S. Furber (2015), Accuracy and
efficiency in fixed-point neural ODE solvers, Neural Comput. 27:2148.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping

from izhi.errors import ConfigError
from izhi.models.cell import Cell

SINCE = "since_crossing"
"""The variable that holds the time from the crossing to the end of the step, in seconds."""

DECLARED = f"{SINCE} : second"
"""What the equations of a cell need beside their own."""

# Abscissae and weights of the rule on [0, 1]
_POINTS = (
    (0.06943184420297371, 0.17392742256872692),
    (0.33000947820757187, 0.32607257743127305),
    (0.6699905217924281, 0.32607257743127305),
    (0.9305681557970262, 0.17392742256872692),
)

_STAGES: Mapping[str, tuple[tuple[float, ...], tuple[float, ...]]] = {
    "rk2": ((0.0, 0.5), (0.0, 1.0)),
    "rk4": ((0.0, 0.5, 0.5, 1.0), (1 / 6, 1 / 3, 1 / 3, 1 / 6)),
}
"""By method: where each stage lies, from the stage before, and its weight."""


def reset(cell: Cell, method: str, key: str) -> str:
    """Return the statements of a reset that is located inside the step.

    Parameters
    ----------
    cell
        The neuron; each of its states is one of its own equations.
    method
        ``"rk2"`` or ``"rk4"``, as the steps between the spikes are made.
    key
        Where the neuron is, for errors: ``"neuron"``.

    Raises
    ------
    ConfigError
        When the threshold is none that a variable crosses upwards.
    """
    crossing, threshold = _crossing(cell, key)
    slopes = slopes_of(cell)
    others = [name for name in slopes if name != crossing]
    statements = [f"located_from = {threshold}", f"located_way = {crossing} - located_from"]
    for k, (place, _) in enumerate(_POINTS):
        at = {crossing: f"(located_from + {place}*located_way)"}
        statements.append(f"located_f{k} = {_with(slopes[crossing], at)}")
        statements += [f"located_{n}{k} = {_with(slopes[n], at)}" for n in others]
    sums = {
        name: " + ".join(
            f"{weight}*{f'located_{name}{k}' if name else '1'}/located_f{k}"
            for k, (_, weight) in enumerate(_POINTS)
        )
        for name in ("", *others)
    }
    # nothing moves while a slope does not lead up: the crossing is at the end of the step then
    statements.append(f"{SINCE} = clip(located_way*({sums['']}), 0*second, dt)")
    statements += [f"{name} = {name} - located_way*({sums[name]})" for name in others]
    statements += [f"{crossing} = located_from", cell.reset]
    return "\n".join([*statements, *_step(slopes, method)])


def _crossing(cell: Cell, key: str) -> tuple[str, str]:
    """Return the variable that crosses the threshold, and the threshold."""
    tree = ast.parse(cell.threshold, mode="eval").body
    if (
        isinstance(tree, ast.Compare)
        and len(tree.ops) == 1
        and isinstance(tree.ops[0], ast.Gt | ast.GtE)
        and isinstance(tree.left, ast.Name)
        and tree.left.id in cell.states
    ):
        return tree.left.id, ast.unparse(tree.comparators[0])
    raise ConfigError(
        f"{key}.threshold = {cell.threshold}: a located reset needs one of the form v > v_th, a "
        f"state variable ({', '.join(cell.states)}) above a value"
    )


def slopes_of(cell: Cell) -> dict[str, str]:
    """Return the right side of each state's equation, with subexpressions put in."""
    inner: dict[str, str] = {}
    left = [one for one in cell.declared if one.kind == "subexpression"]
    while left:
        waiting = {one.name for one in left}
        for one in left:
            if not waiting & _names(one.expression):
                inner[one.name] = _with(one.expression, inner)
        left = [one for one in left if one.name not in inner]
    return {
        one.name: _with(one.expression, inner) for one in cell.declared if one.kind == "state"
    }  # fmt: skip


def _step(slopes: Mapping[str, str], method: str) -> list[str]:
    """Return one step of length `SINCE` for all states at once."""
    places, weights = _STAGES[method]
    statements: list[str] = []
    for k, place in enumerate(places):
        at = {
            name: f"({name} + {place}*{SINCE}*located_{name}_k{k - 1})" if k else name
            for name in slopes
        }
        statements += [f"located_{n}_k{k} = {_with(slopes[n], at)}" for n in slopes]
    for name in slopes:
        total = " + ".join(
            f"{weight}*located_{name}_k{k}" for k, weight in enumerate(weights) if weight
        )
        statements.append(f"{name} = {name} + {SINCE}*({total})")
    return statements


def _names(text: str) -> set[str]:
    tree = ast.parse(text, mode="eval")
    return {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}


class _Put(ast.NodeTransformer):
    def __init__(self, texts: Mapping[str, str]) -> None:
        self.trees = {name: ast.parse(text, mode="eval").body for name, text in texts.items()}

    def visit_Name(self, node: ast.Name) -> ast.expr:
        """Return what stands for a name."""
        return self.trees.get(node.id, node)


def _with(text: str, put: Mapping[str, str]) -> str:
    """Return an expression with expressions in the place of names."""
    return ast.unparse(_Put(put).visit(ast.parse(text, mode="eval")))
