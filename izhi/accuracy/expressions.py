"""Expressions of the time and a state, made into functions once and evaluated many times.

A function is put together from small ones, one for each part of the checked expression. Numbers
are plain floats: a step of an adaptive method needs a dozen values of a few variables, for which
arrays cost more than they save.

An expression may jump: a stimulus compares the time, or takes the rest of a division by a period.
No method of high order steps across a jump without paying for it, so whatever jumps at times that
can be told beforehand is a *switch*, whose value is held from one such time to the next.
"""

from __future__ import annotations

import ast
import contextlib
import math
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from izhi import draws, units
from izhi.errors import ConfigError
from izhi.models import declarations, dimensions
from izhi.models.dimensions import UNITS
from izhi.models.equations import expression as safe

Function = Callable[[float, list[float]], float]
"""Of the time in seconds and the state in SI units."""

UNDEFINED = (ArithmeticError, ValueError)
"""What Python raises where an expression has no finite value."""

_SAME = 1e-12
"""Seconds: jumps that are closer to each other are one."""

_TIMES = ("t", "t_in_timesteps")
_OPERATORS: Mapping[type[ast.AST], Callable[..., float]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul,
    ast.Div: operator.truediv, ast.Mod: operator.mod, ast.Pow: math.pow,
    ast.Lt: operator.lt, ast.LtE: operator.le, ast.Gt: operator.gt, ast.GtE: operator.ge,
    ast.Eq: operator.eq, ast.NotEq: operator.ne,
}  # fmt: skip


def _clip(x: float, low: float, high: float) -> float:
    return low if x < low else high if x > high else x


def _sign(x: float) -> float:
    return float((x > 0) - (x < 0))


def _exprel(x: float) -> float:
    return math.expm1(x) / x if x else 1.0


def _draw(of: Callable[[draws.Bits], Any]) -> Callable[..., float]:
    """Return what a stimulus draws from a cell's two halves of bits, a whole number and a place."""

    def drawn(low: float, high: float, number: float, place: float = 0) -> float:
        halves = np.array([int(low) & _HALF, int(high) & _HALF], np.uint32).astype(np.int32)
        return float(of(np.atleast_1d(draws.at(halves[0], halves[1], number, place)))[0])

    return drawn


_HALF = 0xFFFFFFFF
_FUNCTIONS: Mapping[str, Callable[..., float]] = {
    "abs": abs, "arccos": math.acos, "arcsin": math.asin, "arctan": math.atan, "ceil": math.ceil,
    "clip": _clip, "cos": math.cos, "cosh": math.cosh, "exp": math.exp, "expm1": math.expm1,
    "exprel": _exprel, "floor": math.floor, "int": math.trunc, "log": math.log,
    "log10": math.log10, "log1p": math.log1p, "sign": _sign, "sin": math.sin, "sinh": math.sinh,
    "sqrt": math.sqrt, "tan": math.tan, "tanh": math.tanh,
    "normal_at": _draw(draws.normal), "uniform_at": _draw(draws.uniform),
}  # fmt: skip
_JUMPING = ("ceil", "floor", "int", "sign")


@dataclass(frozen=True)
class Term:
    """A part of an expression.

    Attributes
    ----------
    at
        Its value.
    moves
        Whether that changes with the time from one jump to the next.
    jumps
        Whether it changes with the time at jumps.
    feels
        Whether it depends on the state.
    """

    at: Function
    moves: bool = False
    jumps: bool = False
    feels: bool = False

    @property
    def fixed(self) -> bool:
        """Whether it is a number."""
        return not (self.moves or self.jumps or self.feels)


def constant(value: float) -> Term:
    """Return a number."""
    return Term(lambda t, y: value)


def element(k: int) -> Term:
    """Return a variable of the state."""
    return Term(lambda t, y: y[k], feels=True)


@dataclass
class Switches:
    """What jumps at times that can be told beforehand.

    Attributes
    ----------
    indices
        What each of them is at a time; and what follows from them alone, to be computed once.
    sources
        Numbers of those that are switches.
    roots
        Times of jumps that expressions name.
    held
        What they are taken to be; empty where they follow the time.
    """

    indices: list[Function] = field(default_factory=list)
    sources: list[int] = field(default_factory=list)
    roots: list[float] = field(default_factory=list)
    held: list[float] = field(default_factory=list)

    def add(self, index: Function) -> Term:
        """Return what is held from one jump to the next."""
        k, held = len(self.indices), self.held
        self.indices.append(index)
        return Term(lambda t, y: held[k] if held else index(t, y), jumps=True)

    def hold(self, t: float) -> None:
        """Take all of them to be what they are at a time."""
        self.held.clear()
        self.held += [index(t, []) for index in self.indices]

    def times(self, end: float, resolution: float) -> list[float]:
        """Return the times before the end at which one of them jumps, in rising order.

        Parameters
        ----------
        end
            In seconds.
        resolution
            Of two jumps that are closer to each other, both may be missed, unless an expression
            names their times.
        """
        self.held.clear()
        found = [root for root in self.roots if 0 < root < end]
        grid = np.linspace(0, end, math.ceil(end / resolution) + 1).tolist()
        for index in map(self.indices.__getitem__, self.sources):
            values = [index(t, []) for t in grid]
            found += [
                _jump(index, left, right, before)
                for left, right, before, after in zip(
                    grid[:-1], grid[1:], values[:-1], values[1:], strict=True
                )
                if before != after
            ]
        found.sort()
        return [t for t, last in zip(found, [0.0, *found], strict=False) if t - last > _SAME]


def _jump(index: Function, left: float, right: float, before: float) -> float:
    """Return the first number at which a switch is another than before, by bisection."""
    while left < (middle := left + (right - left) / 2) < right:
        if index(middle, []) == before:
            left = middle
        else:
            right = middle
    return right


@dataclass(frozen=True)
class Reader:
    """Makes functions of expressions.

    Attributes
    ----------
    names
        What the names in them stand for.
    switches
        Where what jumps is held; None to have it follow the time.
    """

    names: Mapping[str, Term]
    switches: Switches | None = None

    def read(self, text: str) -> Term:
        """Return the value of an expression.

        Raises
        ------
        ConfigError
            For what has no value at a point of time: random numbers, the time step.
        """
        return self._term(_tree(text))

    def condition(self, text: str) -> Function:
        """Return a function that is positive where a condition holds, and 0 at its border."""
        return self._signed(_tree(text))

    def _term(self, node: ast.expr) -> Term:
        if isinstance(node, ast.Constant):
            return constant(float(node.value))  # type: ignore[arg-type]
        if isinstance(node, ast.Name):
            return self._name(node.id)
        if isinstance(node, ast.UnaryOp):
            return self._unary(node)
        if isinstance(node, ast.BinOp):
            return self._chain(node)
        if isinstance(node, ast.BoolOp):
            parts = [self._term(value) for value in node.values]
            every = all if isinstance(node.op, ast.And) else any
            values = [part.at for part in parts]
            return self._joined(lambda t, y: float(every(value(t, y) for value in values)), parts)
        if isinstance(node, ast.Compare):
            return self._comparison(node)
        assert isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
        return self._call(node.func.id, node.args)

    def _name(self, name: str) -> Term:
        if name in self.names:
            return self.names[name]
        if name in _TIMES:
            return Term(lambda t, y: t, moves=True)
        if name in UNITS:
            return constant(units.with_unit(1.0, name).si)
        numbers = {"e": math.e, "pi": math.pi, "inf": math.inf, "True": 1.0, "False": 0.0}
        if name not in numbers:
            raise ConfigError(f"{name}: random, or no number; there are no exact spike times then")
        return constant(numbers[name])

    def _unary(self, node: ast.UnaryOp) -> Term:
        inner = self._term(node.operand)
        value = inner.at
        if isinstance(node.op, ast.USub):
            return self._joined(lambda t, y: -value(t, y), [inner])
        if isinstance(node.op, ast.Not):
            return self._joined(lambda t, y: float(not value(t, y)), [inner])
        return inner

    def _chain(self, node: ast.BinOp) -> Term:
        """Return a + b - c ..., a chain of left operands of any length, in one function."""
        chain: list[ast.BinOp] = []
        first: ast.expr = node
        while isinstance(first, ast.BinOp) and not isinstance(first.op, ast.Mod):
            chain.append(first)
            first = first.left
        start = self._rest(first) if isinstance(first, ast.BinOp) else self._term(first)
        if not chain:
            return start
        parts = [self._term(one.right) for one in reversed(chain)]
        operations = [_OPERATORS[type(one.op)] for one in reversed(chain)]
        return self._joined(_chained(start, operations, parts), [start, *parts])

    def _rest(self, node: ast.BinOp) -> Term:
        """Return a % b as a - b*floor(a/b), whose floor is what jumps."""
        left, right = self._term(node.left), self._term(node.right)
        a, b = left.at, right.at
        times = self._held(self._joined(lambda t, y: math.floor(a(t, y) / b(t, y)), [left, right]))
        n = times.at
        return self._joined(lambda t, y: a(t, y) - b(t, y) * n(t, y), [left, right])

    def _comparison(self, node: ast.Compare) -> Term:
        terms = [self._term(one) for one in (node.left, *node.comparators)]
        pairs = [
            (_OPERATORS[type(one)], left.at, right.at)
            for one, left, right in zip(node.ops, terms[:-1], terms[1:], strict=True)
        ]

        def value(t: float, y: list[float]) -> float:
            return float(all(holds(a(t, y), b(t, y)) for holds, a, b in pairs))

        found = self._joined(value, terms)
        if self.switches is not None and _is_time(node.left) and terms[1].fixed:
            self.switches.roots.append(terms[1].at(0.0, []))
        return self._held(found)

    def _call(self, name: str, arguments: list[ast.expr]) -> Term:
        if name not in _FUNCTIONS:
            raise ConfigError(f"{name}(): there are no exact spike times to compare with")
        parts = [self._term(one) for one in arguments]
        function, values = _FUNCTIONS[name], [part.at for part in parts]
        if len(values) == 1:
            inner = values[0]
            found = self._joined(lambda t, y: function(inner(t, y)), parts)
        else:
            found = self._joined(lambda t, y: function(*(value(t, y) for value in values)), parts)
        jumps = name in _JUMPING and not isinstance(arguments[0], ast.Compare | ast.BoolOp)
        return self._held(found) if jumps else found

    def _joined(self, value: Function, parts: list[Term]) -> Term:
        """Return what is made of parts; where it is a number, or is held, it is computed once."""
        moves, jumps, feels = (
            any(getattr(part, flag) for part in parts) for flag in ("moves", "jumps", "feels")
        )
        found = Term(value, moves, jumps, feels)
        if found.fixed:
            with contextlib.suppress(*UNDEFINED):
                return constant(float(value(0.0, [])))
        if jumps and not moves and not feels and self.switches is not None:
            return self.switches.add(value)
        return found

    def _held(self, term: Term) -> Term:
        """Return a switch for what jumps with the time alone."""
        if self.switches is None or term.feels or not term.moves:
            return term
        self.switches.sources.append(len(self.switches.indices))
        return self.switches.add(term.at)

    def _signed(self, node: ast.expr) -> Function:
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            inner = self._signed(node.operand)
            return lambda t, y: -inner(t, y)
        if isinstance(node, ast.BoolOp):
            parts = [self._signed(value) for value in node.values]
            extreme = min if isinstance(node.op, ast.And) else max
            return lambda t, y: extreme(part(t, y) for part in parts)
        if isinstance(node, ast.Compare):
            return self._difference(node)
        value = self._term(node).at
        return lambda t, y: value(t, y) - 0.5

    def _difference(self, node: ast.Compare) -> Function:
        terms = [self._term(one).at for one in (node.left, *node.comparators)]
        upwards = [isinstance(one, ast.Gt | ast.GtE) for one in node.ops]
        pairs = list(zip(upwards, terms[:-1], terms[1:], strict=True))
        if len(pairs) == 1 and upwards[0]:
            _, a, b = pairs[0]
            return lambda t, y: a(t, y) - b(t, y)
        return lambda t, y: min(
            a(t, y) - b(t, y) if up else b(t, y) - a(t, y) for up, a, b in pairs
        )


def _chained(start: Term, operations: list[Callable[..., float]], parts: list[Term]) -> Function:
    """Return the function of a chain: short ones, and those with a number in front, are quicker."""
    begins, steps = start.at, list(zip(operations, [part.at for part in parts], strict=True))
    if len(steps) == 1:
        operate, other = steps[0]
        if start.fixed:
            number = begins(0.0, [])
            return lambda t, y: operate(number, other(t, y))
        if parts[0].fixed:
            number = other(0.0, [])
            return lambda t, y: operate(begins(t, y), number)
        return lambda t, y: operate(begins(t, y), other(t, y))

    def value(t: float, y: list[float]) -> float:
        x = begins(t, y)
        for operate, other in steps:
            x = operate(x, other(t, y))
        return x

    return value


def add(names: dict[str, Term], inner: Mapping[str, str], switches: Switches | None) -> None:
    """Add what subexpressions stand for to the names, each after those that it uses."""
    left = dict(inner)
    while left:
        for name, text in inner.items():
            if name in left and not dimensions.names(text) & left.keys():
                names[name] = Reader(names, switches).read(left.pop(name))


def is_condition(text: str) -> bool:
    """Whether an expression is true or false."""
    tree = _tree(text)
    negated = isinstance(tree, ast.UnaryOp) and isinstance(tree.op, ast.Not)
    return negated or isinstance(tree, ast.Compare | ast.BoolOp)


def _tree(text: str) -> ast.expr:
    return ast.parse(" ".join(safe(text).split()), mode="eval").body


def _is_time(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id in _TIMES


Statement = tuple[int, Callable[..., float] | None, Function]
"""Which variable changes, by what operation (None: it is replaced), with what."""


def statements(
    text: str, names: Mapping[str, Term], variables: Mapping[str, int]
) -> list[Statement]:
    """Return statements such as a reset's.

    Parameters
    ----------
    text
        By line or semicolon.
    names
        What the names in them stand for.
    variables
        Positions in the state of what they may change. What else they assign is put behind.
    """
    scope, at = dict(names), dict(variables)
    found: list[Statement] = []
    for line in declarations.statements(text):
        name, sign, term = declarations.parts(line)
        value = Reader(scope).read(term).at
        if name not in at:
            at[name] = max(at.values(), default=-1) + 1
            scope[name] = element(at[name])
        operation = {"": None, "+": operator.add, "-": operator.sub, "*": operator.mul,
                     "/": operator.truediv}[sign]  # fmt: skip
        found.append((at[name], operation, value))
    return found


def run(found: list[Statement], t: float, y: list[float]) -> list[float]:
    """Return a state after statements."""
    size = max([len(y), *(k + 1 for k, *_ in found)])
    after = [*y, *[0.0] * (size - len(y))]
    for k, operate, value in found:
        new = value(t, after)
        after[k] = new if operate is None else operate(after[k], new)
    return after[: len(y)]
