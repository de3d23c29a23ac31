"""Values of expressions on arrays: what follows from parameters alone, before anything runs."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from izhi import units
from izhi.errors import ConfigError
from izhi.exponential import exp
from izhi.functions import FUNCTIONS, log, power
from izhi.models.dimensions import CONSTANTS, UNITS, undefined
from izhi.models.equations import expression as safe

_OPERATORS: Mapping[type[ast.AST], Callable[..., Any]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul,
    ast.Div: np.divide, ast.Mod: np.mod,
    ast.USub: operator.neg, ast.UAdd: operator.pos, ast.Not: np.logical_not,
    ast.Lt: operator.lt, ast.LtE: operator.le, ast.Gt: operator.gt, ast.GtE: operator.ge,
    ast.Eq: operator.eq, ast.NotEq: operator.ne, ast.And: np.logical_and, ast.Or: np.logical_or,
}  # fmt: skip
_MOST_POWER = 64
_FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "abs": np.abs, "ceil": np.ceil, "clip": np.clip, "exp": exp, "floor": np.floor,
    "int": np.trunc, "sign": np.sign, "sqrt": np.sqrt, **FUNCTIONS,
}  # fmt: skip


def evaluate(text: str, values: Mapping[str, Any]) -> NDArray[np.float64]:
    """Return the value of an expression, number by number.

    Parameters
    ----------
    text
        An expression in Brian2's notation.
    values
        SI values of its names, as arrays that broadcast. Units need not be among them.

    Returns
    -------
    ndarray
        SI values, of the shape that the names' values broadcast to.

    Raises
    ------
    ConfigError
        For a name that is not there, and a function that has no value before a run.
    """
    tree = ast.parse(" ".join(safe(text).split()), mode="eval").body
    with np.errstate(all="ignore"):
        return np.asarray(_value(tree, values), np.float64)


def _value(node: ast.expr, values: Mapping[str, Any]) -> Any:
    if isinstance(node, ast.Constant):
        return np.float64(node.value)  # type: ignore[arg-type]
    if isinstance(node, ast.Name):
        return _named(node.id, values)
    if isinstance(node, ast.UnaryOp):
        return _OPERATORS[type(node.op)](_value(node.operand, values))
    if isinstance(node, ast.BinOp):
        return _chain(node, values)
    if isinstance(node, ast.BoolOp):
        first, *others = (_value(value, values) for value in node.values)
        for other in others:
            first = _OPERATORS[type(node.op)](first, other)
        return first
    if isinstance(node, ast.Compare):
        return _comparison(node, values)
    assert isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    if node.func.id not in _FUNCTIONS:
        raise ConfigError(f"{ast.unparse(node)}: {node.func.id}() has no value before a run")
    return _FUNCTIONS[node.func.id](*(_value(argument, values) for argument in node.args))


def _named(name: str, values: Mapping[str, Any]) -> Any:
    if name in values:
        return values[name]
    if name in UNITS:
        return units.with_unit(1.0, name).si
    if name in CONSTANTS:
        return CONSTANTS[name]
    raise ConfigError(undefined(name, dict.fromkeys(values, units.NUMBER)))


def _chain(node: ast.BinOp, values: Mapping[str, Any]) -> Any:
    """Return the value of a + b + c + ..., a chain of left operands of any length."""
    chain: list[ast.BinOp] = []
    first: ast.expr = node
    while isinstance(first, ast.BinOp):
        chain.append(first)
        first = first.left
    value = _value(first, values)
    for operation in reversed(chain):
        right = _value(operation.right, values)
        if isinstance(operation.op, ast.Pow):
            value = _power(value, right)
        else:
            value = _OPERATORS[type(operation.op)](value, right)
    return value


def _power(base: Any, exponent: Any) -> Any:
    """Return a power as generated code has it, without the library's where it is whole or a half.

    Others are exp(n*log(x)): nan of what is negative.
    """
    if np.ndim(exponent) or abs(exponent) > _MOST_POWER:
        return exp(exponent * log(base))
    size = abs(float(exponent))
    if size == 0.5:
        found = np.sqrt(base)
    elif size.is_integer():
        found = power(base, int(size))
    else:
        return exp(exponent * log(base))
    return found if exponent >= 0 else np.divide(1.0, found)


def _comparison(node: ast.Compare, values: Mapping[str, Any]) -> Any:
    terms = [_value(term, values) for term in (node.left, *node.comparators)]
    found: Any = True
    for compare, left, right in zip(node.ops, terms[:-1], terms[1:], strict=True):
        found = np.logical_and(found, _OPERATORS[type(compare)](left, right))
    return found
