"""Resets located inside the step: a scheme that keeps its order through spikes.

A reset on the grid makes every integration method first order: the cell goes on from its reset at
the end of the step in which it crossed the threshold, late by up to a step. Here the reset itself
goes back to the crossing, and on from there. Let h be how far the variable that crosses is above
the threshold, at the end of the step, and y any state variable. Along h, instead of along the time,

    dt/dh = 1/(dh/dt)        dy/dh = (dy/dt)/(dh/dt)

lead from the end of the step to h = 0 in one Runge-Kutta step of known length, -h, so that nothing
has to be searched for (M. Henon, 1982, On the numerical computation of Poincare maps, Physica D
5:412). Then comes the reset, and one more Runge-Kutta step along the time since the crossing. All
that is written as statements of the reset, which fold like any other.

That the lag of the grid can be corrected at the crossing is from M. Hopkins and S. Furber (2015),
Accuracy and efficiency in fixed-point neural ODE solvers, Neural Comput. 27:2148.
"""

from __future__ import annotations

import ast
from collections.abc import Collection, Mapping, Sequence

from izhi.errors import ConfigError
from izhi.models import declarations, dimensions
from izhi.models.cell import Cell
from izhi.models.declarations import Declaration
from izhi.models.substitution import expanded, reached, substituted

SINCE = "since_crossing"
"""The variable that holds the time from the crossing to the end of the step, in seconds."""

DECLARED = f"{SINCE} : second"
"""What the equations of a cell need beside their own."""

_OWN = "located_"
"""What the names of all that the scheme computes begin with."""

_STAGES: Mapping[str, tuple[tuple[float, float], ...]] = {
    "rk2": ((0.5, 0.0), (1.0, 1.0)),
    "rk4": ((0.5, 1.0), (0.5, 2.0), (1.0, 1.0), (0.5, 1.0)),
}
"""By method: what part of a step each stage moves a state by, and how often that counts."""

_LONGEST = 10
"""Time steps that a stage may lead back: where nothing rises, a kick was what crossed."""

_SLIGHT = 0.01
"""Time steps by which states move to see how fast a threshold that depends on them does."""


def base(method: str) -> str:
    """Return the method of the steps between spikes: ``"rk4"`` of ``"located_rk4"``."""
    return method.removeprefix("located_")


def check(cell: Cell, method: str, group: str) -> None:
    """Check that the crossings of a neuron's threshold can be located.

    Parameters
    ----------
    cell
        The neuron.
    method
        ``"located_rk2"`` or ``"located_rk4"``.
    group
        Where the neuron is, for errors: ``"neuron"``.

    Raises
    ------
    ConfigError
        When the threshold is none that a variable crosses upwards; for a threshold or a reset that
        names the time, and for a refractory period.
    """
    obstacle = _obstacle(cell, method)
    if obstacle:
        raise ConfigError(f"{group}.{obstacle}")


def possible(cell: Cell) -> bool:
    """Return whether :func:`check` would pass a neuron."""
    return not _obstacle(cell, "")


def _obstacle(cell: Cell, method: str) -> str:
    """Return why the crossings of a neuron's threshold cannot be located; "" where they can."""
    threshold = f"threshold = {cell.threshold}"
    if crossed(cell.threshold, cell.states) is None:
        return (
            f"{threshold}: {method} needs one of the form v > v_th, a state variable "
            f"({', '.join(cell.states)}) above a value"
        )
    subexpressions = _moving(cell.declared)
    # t is that of the step's beginning: the crossing would be off by up to a step
    if _names_time(cell.threshold, subexpressions):
        return (
            f"{threshold}: t is that of the step's beginning, but {method} needs a threshold "
            f"within the step; let a state follow the time, or use {base(method)}"
        )
    for statement in declarations.statements(cell.reset):
        if _names_time(declarations.parts(statement)[2], subexpressions):
            return (
                f"reset: {statement}: t is that of the step's beginning, but {method} resets "
                f"inside the step; let a state follow the time, or use {base(method)}"
            )
    if cell.refractory:
        return (
            f"refractory = {cell.refractory}: a refractory period ends on the grid, but {method} "
            f"resets inside the step; use {base(method)}"
        )
    return ""


def _names_time(text: str, subexpressions: Mapping[str, str]) -> bool:
    return "t" in reached(text, subexpressions)


def crossed(threshold: str, states: Collection[str]) -> tuple[str, str] | None:
    """Return the variable that crosses the threshold, and the threshold."""
    tree = ast.parse(" ".join(threshold.split()), mode="eval").body
    if (
        isinstance(tree, ast.Compare)
        and len(tree.ops) == 1
        and isinstance(tree.ops[0], ast.Gt | ast.GtE)
        and isinstance(tree.left, ast.Name)
        and tree.left.id in states
    ):
        return tree.left.id, ast.unparse(tree.comparators[0])
    return None


def reset(system: Sequence[Declaration], threshold: str, reset: str, method: str) -> str:
    """Return the statements of a reset that is located inside the step.

    Parameters
    ----------
    system
        All states and subexpressions of the cells. What is constant over a step stays what it is.
    threshold, reset
        Of the neuron, as :func:`check` wants them.
    method
        ``"rk2"`` or ``"rk4"``, as the steps between the spikes are made.
    """
    slopes = slopes_of(system)
    parts = crossed(threshold, slopes)
    assert parts is not None
    crossing, level = parts[0], substituted(parts[1], _inner(system))
    unit = next(dimensions.unit(one.dimension) for one in system if one.name == crossing)
    own = beginning(system, threshold, reset)
    back = _back(slopes, crossing, level, unit, method, own)
    return "\n".join([*back, f"{crossing} = {level}", reset, *step(slopes, method, own, "part")])


def beginning(system: Sequence[Declaration], *texts: str) -> str:
    """Return what names of the scheme's own begin with, as no name that is used in equations does.

    Parameters
    ----------
    system
        All states and subexpressions of the cells.
    texts
        Expressions and statements that stand beside them.
    """
    every = [*(one.name for one in system), *(one.expression for one in system), *texts]
    used = {name for text in every for name in declarations.identifiers(text)}
    found = _OWN
    while any(name.startswith(found) for name in used):
        found += "x_"
    return found


def slopes_of(system: Sequence[Declaration]) -> dict[str, str]:
    """Return the right side of each state's equation, with subexpressions put in."""
    inner = _inner(system)
    return {one.name: substituted(one.expression, inner) for one in system if one.kind == "state"}


def _inner(system: Sequence[Declaration]) -> dict[str, str]:
    """Return the subexpressions that change within a step, each with the others put in."""
    return expanded(_moving(system))


def _moving(system: Sequence[Declaration]) -> dict[str, str]:
    """Return the subexpressions that change within a step."""
    return {
        line.name: line.expression for line in system
        if line.kind == "subexpression" and "constant over dt" not in line.flags
    }  # fmt: skip


def step(slopes: Mapping[str, str], method: str, own: str, part: str = "") -> list[str]:
    """Return one Runge-Kutta step for all states at once.

    States are counted in names: names that consist of theirs could be those of other states.

    Parameters
    ----------
    slopes
        The right side of each state's equation.
    method
        ``"rk2"`` or ``"rk4"``.
    own
        What the names of the step's variables begin with; see :func:`beginning`.
    part
        Which of these variables is the part of the time step, the last one, that the step is long;
        all of it by default.
    """
    times = f"{own}{part}*" if part else ""
    moves = {n: f"{own}step_{number}_" for number, n in enumerate(slopes)}
    statements, place = [], 0.0
    for k, (length, _) in enumerate(_STAGES[method]):
        at = {n: f"({n} + {moves[n]}{k - 1})" if k else n for n in slopes}
        at["t"] = f"(t + dt - {times}{1 - place}*dt)"
        for n, slope in slopes.items():
            statements.append(f"{moves[n]}{k} = {times}({length}*dt*({substituted(slope, at)}))")
        place = length
    return statements + [f"{n} = {n} + {_total(moves[n], method)}" for n in slopes]


def _total(name: str, method: str) -> str:
    """Return what all stages together move a state by."""
    stages = _STAGES[method]
    terms = [f"{often}*{name}{k}" for k, (_, often) in enumerate(stages) if often]
    total = " + ".join(term.removeprefix("1.0*") for term in terms)
    each = 1 / sum(length * often for length, often in stages)
    return total if each == 1 else f"{each}*({total})"


def _back(
    slopes: Mapping[str, str], crossing: str, level: str, unit: str, method: str, own: str
) -> list[str]:
    """Return the step back to the crossing: one Runge-Kutta step along the height."""
    follows = _moves(slopes, level)
    speeds = {n: f"{own}slope_{number}_" for number, n in enumerate(slopes)}
    ways = {n: f"{own}way_{number}_" for number, n in enumerate(slopes)}
    # neither may be 0: a height of 0 takes no time, and what does not rise takes the longest
    statements = [
        f"{own}height = {crossing} - ({level})",
        f"{own}least = {1 / _LONGEST}*{own}height + 1e-30*{unit}",
    ]
    for k, (length, _) in enumerate(_STAGES[method]):
        at = {n: f"({n} - {ways[n]}{k - 1})" if k else n for n in slopes}
        at["t"] = f"(t + dt - {own}back_{k - 1}*dt)" if k else "(t + dt)"
        statements += [f"{speeds[n]}{k} = dt*({substituted(slopes[n], at)})" for n in slopes]
        rise = f"{speeds[crossing]}{k}"
        if follows:
            rise += f" - {_rise_of(level, at, {n: f'{speeds[n]}{k}' for n in slopes})}"
        statements += [
            f"{own}rise_{k} = clip({rise}, {own}least, 1e300*{unit})",
            f"{own}back_{k} = {length}*{own}height/{own}rise_{k}",
        ]
        for n in slopes:
            way = f"{own}back_{k}*{speeds[n]}{k}"
            if n == crossing and not follows:
                way = f"{length}*{own}height"
            statements.append(f"{ways[n]}{k} = {way}")
    statements += [
        f"{own}time = {_total(f'{own}back_', method)}",
        f"{own}part = clip({own}time, 0, 1)",
        f"{SINCE} = dt*{own}part",
        f"{own}share = {own}part/({own}time + 1e-30)",
    ]
    return statements + [f"{n} = {n} - {own}share*({_total(ways[n], method)})" for n in slopes]


def _moves(slopes: Mapping[str, str], level: str) -> bool:
    """Return whether a threshold depends on states."""
    return bool(slopes.keys() & dimensions.names(level))


def _rise_of(level: str, at: Mapping[str, str], speeds: Mapping[str, str]) -> str:
    """Return how far a threshold that depends on states moves in a time step."""
    ahead, behind = (
        substituted(
            level, {n: f"({at[n]} {sign} {_SLIGHT}*{speed})" for n, speed in speeds.items()}
        )
        for sign in "+-"
    )
    return f"{0.5 / _SLIGHT}*(({ahead}) - ({behind}))"
