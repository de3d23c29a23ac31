"""A stimulus as a config writes it: a current as an expression of the time and of parameters.

Where the time is compared with what follows from parameters alone, ``t >= onset``, steps are
compared instead: floating-point times that lie on the grid up to rounding would fall on either side
of it. Where periods are counted, ``floor((t - onset)/period)``, or taken away,
``(t - onset) % period``, the time is taken a thousandth of a step later, to the same end. A
stimulus that compares times and counts periods, and does nothing else with the time, changes at
known steps only, and is computed at no others.
"""

from __future__ import annotations

import ast
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from izhi.errors import ConfigError
from izhi.models import declarations, dimensions, noise, recording
from izhi.models.declarations import Declaration, lasting_flags
from izhi.models.equations import NOISE
from izhi.models.equations import expression as safe
from izhi.models.evaluate import evaluate
from izhi.models.recording import Recording
from izhi.models.substitution import expanded, reached, substituted
from izhi.units import NUMBER, Dimension

NEVER = 2**31 - 1
"""The step of an edge that lies beyond every simulation."""

_FLAGS = {"subexpression": ("constant over dt", "shared"), "parameter": ("constant", "shared")}
_TIME = "t"
_DT = "dt"
_STEP = "t_in_timesteps"
_BEFORE = "before_"
"""Beginning of the name of an edge before which a comparison holds, where it need be no number."""
_LATER = "_t_later"
"""Stands for the time in a floor or a remainder until the whole expression is written: where one of
these is inside another, the time is moved once. No name in a config begins with an underscore."""
_NEARLY = 1e-3
"""Of a time step: a time so close to the grid is on it, as Brian2 has it."""
_MARGIN = 1e-5
"""Of a time step: more than what arithmetic rounds in the step of a recurrence."""

_MIRRORED: Mapping[type[ast.cmpop], ast.cmpop] = {
    ast.Lt: ast.Gt(), ast.LtE: ast.GtE(), ast.Gt: ast.Lt(), ast.GtE: ast.LtE(),
}  # fmt: skip


@dataclass(frozen=True)
class Edge:
    """A time with which the time is compared.

    Attributes
    ----------
    name
        What stands for its step in the expression.
    time
        Expression of parameters, in seconds.
    after
        False for the first step at or after the time, True for the first one after it.
    """

    name: str
    time: str
    after: bool

    @property
    def later(self) -> bool:
        """Whether the comparison holds from the step on, or else before it.

        It never holds where the time is not a number, as that of ``n/rate`` where both are 0. Where
        that cannot be, the two kinds of comparisons have the same edge.
        """
        return not self.name.startswith(_BEFORE)

    def step(self, values: Mapping[str, Any], dt: float) -> NDArray[np.int32]:
        """Return the step for some values of the parameters.

        Parameters
        ----------
        values
            SI values of the parameters, arrays that broadcast.
        dt
            The time step in seconds.
        """
        with np.errstate(over="ignore"):  # of what is without end
            position = evaluate(self.time, values) / dt
        step = np.floor(position + _NEARLY) + 1 if self.after else np.ceil(position - _NEARLY)
        step = np.where(np.isnan(step), NEVER if self.later else -NEVER, step)
        return np.asarray(np.clip(step, -NEVER, NEVER), np.int32)


@dataclass(frozen=True)
class Recurrence:
    """Times at which a count of periods goes up: ``first + k*period`` for every whole k.

    Attributes
    ----------
    first, period
        Expressions of parameters, in seconds.
    """

    first: str
    period: str

    def steps(self, values: Mapping[str, Any], dt: float, steps: int) -> NDArray[np.int64]:
        """Return the steps at which the count may go up, in any order.

        Parameters
        ----------
        values
            SI values of the parameters, arrays that broadcast.
        dt
            The time step in seconds.
        steps
            Number of time steps.
        """
        with np.errstate(over="ignore"):
            first, period = np.broadcast_arrays(
                *(np.atleast_1d(evaluate(text, values)) / dt for text in (self.first, self.period))
            )
        found = []
        for start, length in np.unique(np.stack([first, period], axis=-1), axis=0):
            if not 1 <= length < np.inf:
                return np.arange(steps)
            counts = np.arange(np.ceil(-start / length), np.floor((steps - start) / length) + 1)
            position = start + counts * length - _NEARLY
            # where rounding could decide, both steps are taken: one of them changes nothing
            found += [np.ceil(position - _MARGIN), np.ceil(position + _MARGIN)]
        every = np.concatenate(found)
        return np.asarray(every[(every >= 0) & (every < steps)], np.int64)


@dataclass(frozen=True)
class Waveform:
    """A stimulus, checked.

    Attributes
    ----------
    current
        The expression, with steps in the place of times that are compared.
    declared
        Subexpressions that it names, likewise.
    edges
        The times that are compared.
    recurrences
        The counts of periods.
    parameters
        Name and dimension of the parameters that the expressions use once the edges are taken out.
    given
        Names of all parameters, those of edges among them.
    steady
        Whether the current changes at edges and recurrences only.
    noise
        Names of the two halves of what a cell's own numbers are drawn from, as whole numbers; none
        for a current that is the same for all cells.
    recording
        What ``recorded`` is in the expressions; None where they do not name it.
    """

    current: str
    declared: tuple[Declaration, ...]
    edges: tuple[Edge, ...]
    recurrences: tuple[Recurrence, ...]
    parameters: tuple[tuple[str, Dimension], ...]
    given: tuple[str, ...]
    steady: bool
    noise: tuple[str, ...] = ()
    recording: Recording | None = None

    @property
    def whole(self) -> tuple[str, ...]:
        """Names of the whole numbers that points give: steps of edges, and the noise's."""
        return (*(edge.name for edge in self.edges), *self.noise)


def read(
    texts: Mapping[str, str], parameters: Mapping[str, Dimension], wanted: Dimension, key: str
) -> Waveform:
    """Return a stimulus from its texts, or what is wrong with them.

    Parameters
    ----------
    texts
        ``current``, and ``equations`` of subexpressions where they are given.
    parameters
        Dimensions of all parameters of its config.
    wanted
        Dimension of the ``I`` that it enters.
    key
        Where it is: ``"stimulus"``.

    Raises
    ------
    ConfigError
        Naming the key, and the line or term that is off.
    """
    current = " ".join(declarations.lines(texts.get("current", "")))
    if not current:
        raise ConfigError(
            f"{key}.current: missing; a stimulus is a current, an expression of t; stimulus=none "
            "is without"
        )
    for name in parameters:
        declarations.check_name(name, f"{key}.{name}")
    of_file = recording.read(texts, key)
    known = {**parameters, **({recording.NAME: of_file.dimension} if of_file else {})}
    declared = declarations.parse(texts.get("equations", ""), f"{key}.equations")
    for one in declared:
        if one.kind == "state":
            raise ConfigError(
                f"{key}.equations: {one.left}: a stimulus has no state; write x = ... : unit, an "
                "expression of t"
            )
    declarations.check_flags(declared, _FLAGS, f"{key}.equations")
    known |= dict.fromkeys(NOISE, NUMBER)
    scope = declarations.check(declared, known, f"{key}.equations")
    declarations.of_expression(current, scope, wanted, f"{key}.current")
    noise.check_numbers([current, *(d.expression for d in declared if d.expression)], key)
    steps = _Steps(scope, declared, f"{key}.current")
    found = steps.of(current)
    inner = tuple(
        Declaration(one.kind, one.name, steps.of(one.expression), one.unit, lasting_flags(one))
        for one in declared if one.kind == "subexpression"
    )  # fmt: skip
    used = dimensions.names(found).union(*(dimensions.names(one.expression) for one in inner))
    if of_file and recording.NAME not in used:
        raise ConfigError(f"{key}.file: the current does not use {recording.NAME}")
    of_edges: set[str] = set()
    for edge in steps.edges.values():
        of_edges |= dimensions.names(edge.time)
    for name in parameters:
        if name not in used | of_edges:
            raise ConfigError(f"{key}.{name}: the current does not use it")
    return Waveform(
        found, inner, tuple(steps.edges.values()), tuple(dict.fromkeys(steps.recurrences)),
        tuple((name, kind) for name, kind in parameters.items() if name in used),
        tuple(parameters),
        not steps.moving and of_file is None,
        noise.STREAM if used & set(noise.STREAM) else (),
        of_file,
    )  # fmt: skip


class _Steps(ast.NodeTransformer):
    """Replaces comparisons of the time by comparisons of steps, and collects the edges.

    Attributes
    ----------
    edges, recurrences
        What was found.
    moving
        Whether the time comes in anywhere else.
    draws
        Number of draws so far.
    """

    def __init__(
        self, scope: Mapping[str, Dimension], declared: Sequence[Declaration], key: str
    ) -> None:
        self.scope, self.key = scope, key
        self.subexpressions = {d.name: d.expression for d in declared if d.expression}
        self.edges: dict[tuple[str, bool, bool], Edge] = {}
        self.recurrences: list[Recurrence] = []
        self.moving = False
        self.draws = 0

    def of(self, text: str) -> str:
        """Return an expression with steps in the place of times."""
        tree = ast.parse(" ".join(safe(text).split()), mode="eval")
        text = ast.unparse(ast.fix_missing_locations(self.visit(tree)))
        return substituted(text, {_LATER: f"{_TIME} + {_NEARLY}*{_DT}"})

    def visit_Name(self, node: ast.Name) -> ast.expr:
        """Note the time where it stands by itself."""
        self.moving |= node.id in (_TIME, _DT)
        return node

    def visit_Call(self, node: ast.Call) -> ast.expr:
        """Take the time in a floor a little later; count periods where it is divided by one."""
        if noise.called(node):
            arguments = list(map(self.visit, node.args))
            self.draws += 1
            return noise.with_stream(node, arguments, self.draws - 1)
        if not (isinstance(node.func, ast.Name) and node.func.id == "floor"):
            return self.generic_visit(node)  # type: ignore[return-value]
        (argument,) = node.args
        if not self._recurs(argument):
            argument = self.visit(argument)
        return ast.Call(node.func, [_Later().visit(argument)], [])

    def _recurs(self, argument: ast.expr) -> bool:
        """Whether an expression is of the form (t - first)/period, which is then noted."""
        if not isinstance(argument, ast.BinOp) or not isinstance(argument.op, ast.Div):
            return False
        zero = _zero_of(argument.left)
        if zero is None:
            return False
        first, period = self._constant(zero), self._constant(argument.right)
        if first is None or period is None:
            return False
        self.recurrences.append(Recurrence(first, period))
        return True

    def visit_BinOp(self, node: ast.BinOp) -> ast.expr:
        """Take the time in what is left of it after whole periods a little later, too."""
        node = self.generic_visit(node)  # type: ignore[assignment]
        if isinstance(node.op, ast.Mod):
            node.left = _Later().visit(node.left)
        return node

    def visit_Compare(self, node: ast.Compare) -> ast.expr:
        """Split a < b < c, which Brian2 does not know, and replace times by steps."""
        terms = [node.left, *node.comparators]
        parts = [
            self._single(left, operator, right)
            for left, operator, right in zip(terms[:-1], node.ops, terms[1:], strict=True)
        ]
        return parts[0] if len(parts) == 1 else ast.BoolOp(ast.And(), parts)

    def _single(self, left: ast.expr, operator: ast.cmpop, right: ast.expr) -> ast.expr:
        if _is_time(right) and type(operator) in _MIRRORED:
            left, operator, right = right, _MIRRORED[type(operator)], left
        time = self._constant(right)
        if not _is_time(left) or time is None:
            return ast.Compare(self.visit(left), [operator], [self.visit(right)])
        if isinstance(operator, ast.Eq | ast.NotEq):
            raise ConfigError(
                f"{self.key}: {ast.unparse(left)} {'=' if isinstance(operator, ast.Eq) else '!'}= "
                f"{ast.unparse(right)}: compare the time by >= and <"
            )
        after = isinstance(operator, ast.Gt | ast.LtE)
        later = isinstance(operator, ast.Gt | ast.GtE)
        name = self._edge(time, after, later)
        return ast.Compare(
            ast.Name(_STEP, ast.Load()), [ast.GtE() if later else ast.Lt()],
            [ast.Name(name, ast.Load())],
        )  # fmt: skip

    def _edge(self, time: str, after: bool, later: bool) -> str:
        """Return the name of an edge; a parameter's own, as in onset_step, where it is one."""
        later |= _is_a_number(ast.parse(time, mode="eval").body)
        key = time, after, later
        if key not in self.edges:
            own = [f"{time}_step"] if time.isidentifier() and not after else []
            taken = {*self.scope, *(edge.name for edge in self.edges.values())}
            kind = "edge_" if later else _BEFORE
            numbered = (f"{kind}{number}_step" for number in itertools.count(len(self.edges)))
            name = next(name for name in itertools.chain(own, numbered) if name not in taken)
            self.edges[key] = Edge(name, time, after)
        return self.edges[key].name

    def _constant(self, node: ast.expr) -> str | None:
        """Return an expression of parameters alone; None where the time, or draws, come in."""
        text = ast.unparse(node)
        names = reached(text, self.subexpressions)
        if names & {_TIME, _DT, "timestep", recording.NAME, *NOISE}:
            return None
        needed = {n: self.subexpressions[n] for n in names & self.subexpressions.keys()}
        try:
            return safe(substituted(text, expanded(needed)))
        except ConfigError as error:
            raise ConfigError(f"{self.key}: {text}: {error}") from None


def _is_a_number(time: ast.expr) -> bool:
    """Whether an expression is a number whatever its parameters are, infinite ones among them."""
    match time:
        case ast.Name() | ast.Constant():
            return True
        case ast.UnaryOp(op=ast.USub(), operand=inner):
            return _is_a_number(inner)
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            return _is_a_number(left) and _is_a_number(right)
        case ast.BinOp(left=left, op=ast.Sub(), right=right):
            return _is_a_number(left) and not dimensions.names(ast.unparse(right))
        case ast.BinOp(left=left, op=ast.Mult() | ast.Div(), right=ast.Constant(value=value)):
            return bool(value) and _is_a_number(left)
        case ast.BinOp(left=ast.Constant(value=value), op=ast.Mult(), right=right):
            return bool(value) and _is_a_number(right)
    return False


class _Later(ast.NodeTransformer):
    def visit_Name(self, node: ast.Name) -> ast.expr:
        """Put what stands for a time a little later in the place of t."""
        return ast.Name(_LATER, node.ctx) if node.id == _TIME else node


def _zero_of(node: ast.expr) -> ast.expr | None:
    """Return at which time t - a, t + a, ... is zero; None for what is no such sum."""
    if _is_time(node):
        return ast.parse("0*second", mode="eval").body
    if not isinstance(node, ast.BinOp) or not isinstance(node.op, ast.Add | ast.Sub):
        return None
    zero, other = _zero_of(node.left), node.right
    if zero is None and isinstance(node.op, ast.Add):
        zero, other = _zero_of(node.right), node.left
    if zero is None:
        return None
    return ast.BinOp(zero, ast.Add() if isinstance(node.op, ast.Sub) else ast.Sub(), other)


def _is_time(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id == _TIME


def changes(steps: int, *at: NDArray[np.integer[Any]]) -> NDArray[np.bool_]:
    """Return the time steps at which a steady stimulus may differ from the step before.

    Parameters
    ----------
    steps
        Number of time steps.
    at
        Steps of all edges and recurrences of all points.

    Returns
    -------
    ndarray
        One truth value for each time step; the first is True.
    """
    found = np.zeros(steps, np.bool_)
    found[:1] = True
    for values in at:
        found[values[(values >= 0) & (values < steps)]] = True
    return found
