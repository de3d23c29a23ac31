"""Parameters that differ from cell to cell, or from synapse to synapse: expressions with draws.

A config gives a parameter one value; under ``per_cell`` (``per_synapse``) it says what each cell
(synapse) makes of it. ``c: c + 15*mV*r**2`` reads: the c of a cell is that of the config, and 15 mV
times its own r squared, where r is another line, ``r: uniform(0, 1)``. A line's own name on the
right is the config's value, all other names are what the cell has.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from izhi import draws, units
from izhi.errors import ConfigError, did_you_mean
from izhi.exponential import exp
from izhi.models import declarations, dimensions, equations
from izhi.models.evaluate import evaluate
from izhi.units import NUMBER, Dimension

DISTRIBUTIONS: Mapping[str, tuple[str, ...]] = {
    "uniform": ("low", "high"),
    "normal": ("mean", "sd"),
    "lognormal": ("median", "sigma"),
    "exponential": ("mean",),
}
"""Their arguments; sigma is the standard deviation of the logarithm."""

_LONGEST = 2_000

Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class Draw:
    """A call of a distribution in a line.

    Attributes
    ----------
    name
        What stands for it in the line's expression, and what its numbers are drawn by.
    distribution
        One of `DISTRIBUTIONS`.
    arguments
        Expressions.
    """

    name: str
    distribution: str
    arguments: tuple[str, ...]


@dataclass(frozen=True)
class Line:
    """What each cell or synapse has under a name.

    Attributes
    ----------
    name
        A parameter, or what other lines use.
    expression
        Of parameters, of other lines, and of its draws.
    draws
        Its draws, the inner ones first.
    """

    name: str
    expression: str
    draws: tuple[Draw, ...]

    @property
    def names(self) -> set[str]:
        """The parameters and lines that it uses."""
        texts = [self.expression, *(text for draw in self.draws for text in draw.arguments)]
        return set().union(*map(dimensions.names, texts)) - {draw.name for draw in self.draws}


def read(
    texts: Mapping[str, str],
    known: Mapping[str, Dimension],
    key: str,
    resting: Mapping[str, str | None] | None = None,
) -> tuple[tuple[Line, ...], dict[str, Dimension]]:
    """Return lines in an order in which they can be computed, and the dimensions of their names.

    Parameters
    ----------
    texts
        Expressions by name.
    known
        Dimensions of parameters and constants.
    key
        Where it is: ``"neuron.per_cell"``.
    resting
        Parameters that are the word rest alone, and what that is as an expression where the neuron
        says so; no line can use them.

    Raises
    ------
    ConfigError
        Naming the line and the term that is off.
    """
    lines = _ordered({name: _line(name, text, key) for name, text in texts.items()}, key)
    scope = dict(known)
    for line in lines:
        where = f"{key}.{line.name} = {texts[line.name]}"
        for name in sorted(line.names & (resting or {}).keys() - scope.keys()):
            raise ConfigError(f"{where}: {_no_number(name, resting or {}, key)}")
        inner: dict[str, Dimension] = {}
        for draw in line.draws:
            inner[draw.name] = _of_draw(draw, {**scope, **inner}, where)
        wanted = known.get(line.name)
        found = declarations.of_expression(line.expression, {**scope, **inner}, wanted, where)
        scope[line.name] = found
    return lines, scope


def _no_number(name: str, resting: Mapping[str, str | None], key: str) -> str:
    """Return what is said of the word rest in a line."""
    group = key.rpartition(".")[0]
    there = f"write ({resting[name]}) in its place, or " if resting[name] else ""
    return f"{name} is rest, which is no number here; {there}give {group}.{name} a number"


def dimensions_of(lines: tuple[Line, ...], known: Mapping[str, Dimension]) -> dict[str, Dimension]:
    """Return the dimensions of lines that have been read, by name.

    Parameters
    ----------
    lines
        The lines, in an order in which they can be computed.
    known
        Dimensions of parameters and constants.
    """
    scope = dict(known)
    for line in lines:
        inner: dict[str, Dimension] = {}
        for draw in line.draws:
            inner[draw.name] = _of_draw(draw, {**scope, **inner}, line.name)
        scope[line.name] = declarations.of_expression(
            line.expression, {**scope, **inner}, known.get(line.name), line.name
        )
    return {line.name: scope[line.name] for line in lines}


def _line(name: str, text: str, key: str) -> Line:
    declarations.check_name(name, f"{key}.{name}")
    where = f"{key}.{name} = {text[:80]}"
    if len(text) > _LONGEST:
        raise ConfigError(f"{where}: longer than {_LONGEST:,} characters")
    try:
        tree = ast.parse(" ".join(text.split()), mode="eval")
        calls = _Calls(name, where)
        found = ast.unparse(ast.fix_missing_locations(calls.visit(tree)))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise ConfigError(f"{where}: not an expression") from None
    for part in [found, *(argument for draw in calls.found for argument in draw.arguments)]:
        try:
            equations.expression(part)
        except ConfigError as error:
            said = str(error).removeprefix("equations: ")
            raise ConfigError(f"{where}: {said}") from None
    return Line(name, found, tuple(calls.found))


class _Calls(ast.NodeTransformer):
    """Puts names in the place of calls of distributions, and collects these."""

    def __init__(self, name: str, where: str) -> None:
        self.name, self.where = name, where
        self.found: list[Draw] = []

    def visit_Call(self, node: ast.Call) -> ast.expr:
        """Replace a call of a distribution."""
        self.generic_visit(node)
        if not isinstance(node.func, ast.Name) or node.func.id not in DISTRIBUTIONS:
            return node
        wanted = DISTRIBUTIONS[node.func.id]
        if len(node.args) != len(wanted) or node.keywords:
            raise ConfigError(
                f"{self.where}: {node.func.id} takes {' and '.join(wanted)}: "
                f"{node.func.id}({', '.join(wanted)})"
            )
        drawn = f"{self.name}_draw{len(self.found)}"
        self.found.append(Draw(drawn, node.func.id, tuple(map(ast.unparse, node.args))))
        return ast.Name(drawn, ast.Load())


def _of_draw(draw: Draw, scope: Mapping[str, Dimension], where: str) -> Dimension:
    first, *others = (
        declarations.of_expression(text, scope, None, where) for text in draw.arguments
    )
    for name, text, found in zip(
        DISTRIBUTIONS[draw.distribution][1:], draw.arguments[1:], others, strict=True
    ):
        wanted = NUMBER if name == "sigma" else first
        if found != wanted:
            raise ConfigError(
                f"{where}: {name} of {draw.distribution} is {text}, {units.name_of(found)}, but "
                f"should be {units.name_of(wanted)}"
            )
    return first


def _ordered(lines: dict[str, Line], key: str) -> tuple[Line, ...]:
    """Return lines so that each comes after those that it uses."""
    left, found = dict(sorted(lines.items())), []
    while left:
        ready = [name for name, line in left.items() if not (line.names - {name}) & left.keys()]
        if not ready:
            raise ConfigError(f"{key}: {' and '.join(left)}: defined by each other")
        found += [left.pop(name) for name in ready]
    return tuple(found)


def check_used(
    lines: tuple[Line, ...], used: Collection[str], states: Collection[str], key: str
) -> None:
    """Check that every line is used: by equations, by a state that starts at it, by another line.

    Raises
    ------
    ConfigError
        Naming the line.
    """
    named = {f"{state}_0" for state in states}.union(
        used, *(line.names - {line.name} for line in lines)
    )
    for line in lines:
        if line.name not in named:
            near = did_you_mean(line.name, used)
            near = near if "did you mean" in near else ""
            raise ConfigError(f"{key}.{line.name}: nothing uses it{near}")


def values(
    lines: tuple[Line, ...], given: Mapping[str, NDArray[Any]], draw: Callable[[str], draws.Bits]
) -> dict[str, Numbers]:
    """Return what all cells, or synapses, of some points have.

    Parameters
    ----------
    lines
        What is computed.
    given
        SI values of parameters and constants, of shape (points, 1) or (1, 1).
    draw
        Gives the bits of a draw, by its name, of shape (points or 1, cells).

    Returns
    -------
    dict
        By name: arrays of shape (points or 1, cells or 1).
    """
    found: dict[str, Any] = dict(given)
    for line in lines:
        scope = dict(found)
        for one in line.draws:
            arguments: list[Numbers] = [evaluate(text, scope) for text in one.arguments]
            scope[one.name] = _distributed(one.distribution, arguments, draw(one.name))
        found[line.name] = np.atleast_2d(evaluate(line.expression, scope))
    return {line.name: found[line.name] for line in lines}


def _distributed(distribution: str, arguments: list[Numbers], bits: draws.Bits) -> Numbers:
    first, last = arguments[0], arguments[-1]
    if distribution == "uniform":
        return first + (last - first) * draws.uniform(bits)
    if distribution == "normal":
        return first + last * draws.normal(bits)
    if distribution == "lognormal":
        return np.asarray(first * exp(last * draws.normal(bits)))
    return first * draws.exponential(bits)
