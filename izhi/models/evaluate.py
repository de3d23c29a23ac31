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
from izhi.models.dimensions import CONSTANTS, UNITS, undefined
from izhi.models.equations import expression as safe
from izhi.portable import FUNCTIONS, power, remainder

_OPERATORS: Mapping[type[ast.AST], Callable[..., Any]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul,
    ast.Div: np.divide, ast.Mod: remainder, ast.Pow: power,
    ast.USub: operator.neg, ast.UAdd: operator.pos, ast.Not: np.logical_not,
    ast.Lt: operator.lt, ast.LtE: operator.le, ast.Gt: operator.gt, ast.GtE: operator.ge,
    ast.Eq: operator.eq, ast.NotEq: operator.ne, ast.And: np.logical_and, ast.Or: np.logical_or,
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
        operand = _value(node.operand, values)
        is_sign = not isinstance(node.op, ast.Not)
        return _OPERATORS[type(node.op)](_number(operand) if is_sign else operand)
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
    if node.func.id not in FUNCTIONS:
        raise ConfigError(f"{ast.unparse(node)}: {node.func.id}() has no value before a run")
    return FUNCTIONS[node.func.id].numpy(*(_value(argument, values) for argument in node.args))


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
        value = _OPERATORS[type(operation.op)](_number(value), _number(right))
    return value


def _number(value: Any) -> Any:
    """Return 1.0 or 0.0 for what is true or false: sums of these are no sums of numbers."""
    return np.asarray(value, np.float64)[()]


def _comparison(node: ast.Compare, values: Mapping[str, Any]) -> Any:
    terms = [_value(term, values) for term in (node.left, *node.comparators)]
    found: Any = True
    for compare, left, right in zip(node.ops, terms[:-1], terms[1:], strict=True):
        found = np.logical_and(found, _OPERATORS[type(compare)](left, right))
    return found
