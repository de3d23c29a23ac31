"""Equations and statements in Brian2's notation, checked before a code generator sees them.

Brian2 turns text into sympy expressions, into Python and into C++, partly by way of Python's own
evaluation. What gets there is therefore read first, term by term, and only arithmetic, comparisons,
names and known functions pass. All equations go through here, izhi's own included.
"""

from __future__ import annotations

import ast
import keyword
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate

from izhi.errors import ConfigError, did_you_mean
from izhi.models import slips
from izhi.portable import FUNCTIONS

NOISE = ("normal_at", "uniform_at")
"""Numbers that a cell has for each whole number, for stimuli: functions, and no streams."""

_RANDOM = ("rand", "randn", "poisson")
_UNITS = frozenset(
    ["1", "volt", "amp", "ampere", "ohm", "siemens", "farad", "coulomb", "second", "hertz", "Hz",
     "metre", "meter", "kilogram", "mole", "mmolar", "kelvin", "joule", "watt", "newton", "pascal",
     "integer", "boolean"]
)  # fmt: skip
_FLAGS = frozenset(
    ["constant", "constant over dt", "shared", "linked", "unless refractory", "event-driven",
     "clock-driven", "summed"]
)  # fmt: skip

_LONGEST = 20_000
_LONGEST_NAME = 100
_DEEPEST = 30
MOST_LEVELS = 150
"""Most operators inside one another: Brian2 writes a bracket for each, and Python reads 200."""

TOO_MANY_LEVELS = (
    f"more than {MOST_LEVELS} operators inside one another, as in a sum of so many terms; "
    "expected fewer"
)

_MOST_PARTS = 6_000
"""Most names and numbers of an expression: Brian2 takes seconds for a thousand."""

_WEIGHTS = {"abs": 2, "ceil": 2, "floor": 2, "sqrt": 2, "clip": 4}
"""By function, how often Brian2 looks at an argument for its unit: nested ones multiply."""

_CHAINS = {ast.Add: "+", ast.Sub: "+", ast.Mult: "*", ast.Div: "*"}
"""By operator, what becomes a single sum or product with others of its kind."""

_MOST_POWER = 20
_NAME = r"[A-Za-z]\w*"
DECLARATION = re.compile(
    rf"(?:(?:d(?P<state>{_NAME})/dt|(?P<name>{_NAME}))\s*=(?P<term>[^:]+)|(?P<parameter>{_NAME}))"
    r"\s*:(?P<unit>[^:()]+)(?:\((?P<flags>[^()]*)\))?",
    re.ASCII,
)
_STATEMENT = re.compile(rf"(?P<name>{_NAME})\s*(?:[-+*/]?=)(?P<term>[^=].*)", re.ASCII)
_FOREIGN = re.compile(r"[^\w\s+\-*/%().,<>=!]", re.ASCII)
_NUMBER_LIKE = re.compile(r"(?<![\w.])\.?\d(?:[eE][+-]?\d|[\w.])*", re.ASCII)
_NUMBER = re.compile(r"(?:\d{1,30}\.?\d{0,30}|\.\d{1,30})(?:[eE][+-]?\d{1,3})?", re.ASCII)
_UNIT = re.compile(r"(1|[A-Za-z]+)(?:\*\*-?\d)?", re.ASCII)

_OPERATORS = (
    ast.Add, ast.Sub, ast.Mult, ast.Div, ast.Pow, ast.Mod, ast.USub, ast.UAdd, ast.Not, ast.And,
    ast.Or, ast.Lt, ast.LtE, ast.Gt, ast.GtE, ast.Eq, ast.NotEq, ast.Load,
)  # fmt: skip
_TERMS = (ast.BinOp, ast.UnaryOp, ast.BoolOp, ast.Compare, ast.Call, ast.Name, ast.Constant)


@lru_cache(maxsize=256)
def equations(text: str) -> str:
    """Return equations as they are: ``dx/dt = ... : unit``, ``x = ... : unit``, ``x : unit``.

    Parameters
    ----------
    text
        One declaration a line, with Brian2's flags in parentheses behind the unit.

    Raises
    ------
    ConfigError
        Naming the line or the term that is no equation.
    """
    for line in filter(None, map(str.strip, text.split("\n"))):
        found = DECLARATION.fullmatch(line)
        if found is None:
            slip = slips.of_declaration(line)
            said = f"expected dx/dt = ... : unit, x = ... : unit or x : unit{slip}"
            raise _refused(line, said)
        _check_name(found["state"] or found["name"] or found["parameter"], line)
        _check_unit(found["unit"].strip(), line)
        for flag in filter(None, (found["flags"] or "").split(",")):
            if flag.strip() not in _FLAGS:
                raise _refused(line, f"no such flag as {_cut(flag.strip())}")
        if found["term"] is not None:
            expression(found["term"])
    return text


@lru_cache(maxsize=256)
def statements(text: str) -> str:
    """Return what a spike does as it is: ``x = ...`` or ``x += ...``, by line or semicolon.

    Raises
    ------
    ConfigError
        Naming the statement or the term that is none.
    """
    for line in filter(None, map(str.strip, re.split("[;\n]", text))):
        found = _STATEMENT.fullmatch(line)
        if found is None:
            raise _refused(line, "expected x = ... or x += ...")
        _check_name(found["name"], line)
        several = slips.of_statement(found["term"])
        if several:
            raise _refused(line, f"not a statement{several}")
        expression(found["term"])
    return text


@lru_cache(maxsize=1024)
def expression(text: str) -> str:
    """Return an expression as it is: numbers, names, arithmetic, comparisons, known functions.

    Raises
    ------
    ConfigError
        Naming the term that is something else.
    """
    if len(text) > _LONGEST:
        raise _refused(text, f"longer than {_LONGEST:,} characters")
    foreign = _FOREIGN.search(text)
    if foreign:
        said = f"{foreign[0]!a} has no place in an equation{slips.of_sign(foreign[0])}"
        raise _refused(text, said)
    for number in _NUMBER_LIKE.findall(text):
        if not _NUMBER.fullmatch(number):
            raise _refused(number, f"not a number{slips.of_number(number)}")
    brackets = accumulate({"(": 1, ")": -1}.get(character, 0) for character in text)
    if max(brackets, default=0) > MOST_LEVELS:
        raise _refused(text, f"more than {MOST_LEVELS} brackets inside one another")
    try:
        tree = ast.parse(" ".join(text.split()), mode="eval").body
    except (RecursionError, MemoryError):
        raise _refused(text, TOO_MANY_LEVELS) from None
    except (SyntaxError, ValueError):
        raise _refused(text, f"not an expression{slips.of_expression(text)}") from None
    _check_tree(tree)
    return text


def _check_tree(tree: ast.expr) -> None:
    """Check all nodes of an expression, without recursion: it is not known how deep they go."""
    left: list[tuple[ast.AST, int, int, int]] = [(tree, 0, 0, 0)]
    while left:
        node, depth, powers, level = left.pop()
        if level > MOST_LEVELS and isinstance(node, ast.expr):
            raise _refused(tree, TOO_MANY_LEVELS)
        if not isinstance(node, _TERMS + _OPERATORS):
            raise _refused(
                node if isinstance(node, ast.expr) else tree,
                "only numbers, names, + - * / % **, comparisons and known functions have a place "
                "in an equation",
            )
        if depth > _DEEPEST:
            raise _refused(tree, f"nested deeper than {_DEEPEST} levels")
        if isinstance(node, ast.Name):
            _check_name(node.id, node.id)
        elif isinstance(node, ast.Constant):
            if isinstance(node.value, str | bytes | complex) or node.value in (None, ...):
                raise _refused(node, "not a number")
        elif isinstance(node, ast.Call):
            _check_call(node)
        elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow):
            powers += 1
            _check_power(node, powers)
        for child in ast.iter_child_nodes(node):
            # a + b + c + ... is a chain of left operands, however long
            chained = isinstance(node, ast.BinOp) and child is node.left
            left.append((child, depth if chained else depth + 1, powers, level + 1))
    check_size(tree, {}, _beginning(tree))


@dataclass(frozen=True)
class Size:
    """How large an expression becomes in generated code.

    Attributes
    ----------
    terms
        Number of terms of a sum, or of factors of a product; brackets between them are dissolved.
    depth
        Most operators and functions inside one another in a term.
    parts
        Number of names and numbers that Brian2 looks at.
    operator
        ``"+"`` of a sum, ``"*"`` of a product, else ``""``.
    """

    terms: int = 1
    depth: int = 0
    parts: int = 1
    operator: str = ""

    @property
    def levels(self) -> int:
        """Number of brackets inside one another: one for each term or factor but the first."""
        return self.terms - 1 + self.depth


def check_size(tree: ast.expr, inner: Mapping[str, Size], where: str) -> Size:
    """Return the size of an expression that generated code can have.

    Parameters
    ----------
    tree
        The expression, of at most `MOST_LEVELS` levels.
    inner
        Sizes of the subexpressions that it may name.
    where
        What the message begins with.

    Raises
    ------
    ConfigError
        For an expression that is too large.
    """
    found = _size(tree, inner)
    if found.levels > MOST_LEVELS:
        raise ConfigError(f"{where}: {TOO_MANY_LEVELS}")
    if found.parts > _MOST_PARTS:
        raise ConfigError(
            f"{where}: more than {_MOST_PARTS:,} names and numbers, where those inside abs, ceil, "
            "floor and sqrt count twice and those inside clip four times; expected fewer"
        )
    return found


def _size(node: ast.expr, inner: Mapping[str, Size]) -> Size:
    if isinstance(node, ast.Name):
        return inner.get(node.id, Size())
    if isinstance(node, ast.UnaryOp) and not isinstance(node.op, ast.Not):
        return _size(node.operand, inner)
    if isinstance(node, ast.BinOp) and type(node.op) in _CHAINS:
        operator = _CHAINS[type(node.op)]
        left, right = _size(node.left, inner), _size(node.right, inner)
        if operator == "*" and isinstance(node.left, ast.Constant):
            return right  # sympy multiplies each term
        same = [side if side.operator == operator else Size(1, side.levels, side.parts)
                for side in (left, right)]  # fmt: skip
        terms, parts = (sum(getattr(side, name) for side in same) for name in ("terms", "parts"))
        return Size(terms, max(side.depth for side in same), parts, operator)
    weight, operands = 1, [n for n in ast.iter_child_nodes(node) if isinstance(n, ast.expr)]
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        weight, operands = _WEIGHTS.get(node.func.id, 1), node.args
    sizes = [_size(operand, inner) for operand in operands]
    depth = max((size.levels for size in sizes), default=-1) + 1
    return Size(1, depth, max(1, weight * sum(size.parts for size in sizes)))


def _check_call(node: ast.Call) -> None:
    if not isinstance(node.func, ast.Name) or node.keywords:
        raise _refused(node, "not a call of a function by its name")
    if node.func.id in _RANDOM:
        raise _refused(
            node, f"{node.func.id}() draws at random, and a point is the same every time"
        )
    if node.func.id not in (*FUNCTIONS, *NOISE):
        near = did_you_mean(node.func.id, FUNCTIONS)
        raise _refused(node, f"no such function as {node.func.id}{near}")
    n_arguments = FUNCTIONS[node.func.id].n_arguments if node.func.id in FUNCTIONS else 1
    if len(node.args) != n_arguments and node.func.id in FUNCTIONS:
        plural = "s" * (n_arguments > 1)
        raise _refused(
            node, f"{node.func.id} takes {n_arguments} argument{plural}, not {len(node.args)}"
        )


def _check_power(node: ast.BinOp, powers: int) -> None:
    """Check that a power stays small: sympy computes 10**10**10 to its last digit."""
    exponent = node.right
    if isinstance(exponent, ast.UnaryOp) and isinstance(exponent.op, ast.USub):
        exponent = exponent.operand
    small = isinstance(exponent, ast.Name) or (
        isinstance(exponent, ast.Constant)
        and isinstance(exponent.value, int | float)
        and exponent.value <= _MOST_POWER
    )
    if not small or powers > 2:
        raise _refused(node, f"an exponent is a name or a number up to {_MOST_POWER}")


def _check_name(name: str, where: str) -> None:
    if len(name) > _LONGEST_NAME or name.startswith("_") or keyword.iskeyword(name):
        raise _refused(where, f"{_cut(name)} is no name for a variable")
    if name == "xi" or name.startswith("xi_"):
        raise _refused(where, "xi is noise, and a point is the same every time")


def _check_unit(unit: str, where: str) -> None:
    for factor in re.split(r"(?<!\*)[*/](?!\*)", unit):
        found = _UNIT.fullmatch(factor.strip())
        if found is None or found[1] not in _UNITS:
            near = slips.of_unit(factor.strip(), _UNITS)
            raise _refused(where, f"{_cut(unit)} is no unit{near}")


def _refused(term: ast.AST | str, why: str) -> ConfigError:
    return ConfigError(f"{_beginning(term)}: {why}")


def _beginning(term: ast.AST | str) -> str:
    try:
        text = term if isinstance(term, str) else ast.unparse(term)
    except RecursionError:
        text = "an expression"
    return f"equations: {_cut(text)}"


def _cut(text: str) -> str:
    line = " ".join(ascii(text)[1:-1].split())
    return line if len(line) <= 80 else line[:77] + "..."
