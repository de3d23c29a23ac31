"""Operators and numbers in generated code, in a form whose bits no library and no compiler decides.

Brian2 leaves ``x**n`` to numpy and to C's ``pow``, which round differently. Here each power becomes
a call before either sees it: ``_product(x, n)`` for a whole n that is written as a number,
``_sqrt(x)`` for a root, ``_power(x, y)`` else. The remainder ``x % y``, which has the sign of y,
becomes ``_remainder(x, y)``. Whole numbers become doubles: C++ would compute with 32 bits.
"""

from __future__ import annotations

import ast
import copy
from typing import Any, TypeGuard

import numpy as np

from izhi.portable import power, product, remainder, square_root

_LARGEST_PRODUCT = 64
"""The largest exponent of a product."""


def written_out(statement: Any, number: bool = False) -> Any:
    """Return a statement of Brian2's with its powers and remainders as calls.

    What is true or false is a number wherever it is calculated with: numpy would take a sum of two
    comparisons for ``or``. So it is as a whole, where `number` says so.

    Where one flag such as ``not_refractory`` comes in and it saves time, Brian2 computes an
    expression simplified for each of its values, which may round otherwise. So it is here, by
    ``_where``.
    """
    body = _written_out(statement.expr, number)
    if _splits(statement):
        ((flag, _),) = next(iter(statement.boolean_simplified_expressions))
        cases = {
            value: _written_out(expression, number)
            for ((_, value),), expression in statement.boolean_simplified_expressions.items()
        }
        condition = _as_condition(ast.Name(flag, ast.Load()))
        body = _call("_where", condition, cases[True], cases[False])
    changed = copy.copy(statement)  # Brian2 keeps what it made for equal code
    changed.expr = ast.unparse(ast.fix_missing_locations(body))
    changed.used_boolean_variables = changed.boolean_simplified_expressions = None
    return changed


def _written_out(expression: str, number: bool) -> ast.expr:
    body: ast.expr = _Operators().visit(ast.parse(expression, mode="eval").body)
    return _as_number(body) if number else body


def _splits(statement: Any) -> bool:
    """Whether Brian2's code for numpy would compute a statement by the value of a flag."""
    return (
        len(statement.used_boolean_variables or ()) == 1
        and np.issubdtype(statement.dtype, np.floating)
        and statement.complexity_std > sum(statement.complexities.values())
    )


class _Operators(ast.NodeTransformer):
    def visit_Constant(self, node: ast.Constant) -> ast.expr:
        """Replace a whole number by a double."""
        if isinstance(node.value, int) and not isinstance(node.value, bool):
            return ast.Constant(float(node.value))
        return node

    def visit_Name(self, node: ast.Name) -> ast.expr:
        """Write out what Brian2 finds constants to be that are no finite number.

        No variable has such a name: see :mod:`izhi.engine.names`.
        """
        infinity = ast.BinOp(ast.Constant(1e200), ast.Mult(), ast.Constant(1e200))
        if node.id == "nan":
            return ast.BinOp(infinity, ast.Sub(), infinity)
        return infinity if node.id == "inf" else node

    def visit_Call(self, node: ast.Call) -> ast.expr:
        """Give functions numbers."""
        return ast.Call(node.func, [_as_number(self.visit(a)) for a in node.args], [])

    def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.expr:
        """Give a sign a number, and ``not`` a condition."""
        self.generic_visit(node)
        as_operand = _as_condition if isinstance(node.op, ast.Not) else _as_number
        return ast.UnaryOp(node.op, as_operand(node.operand))

    def visit_BoolOp(self, node: ast.BoolOp) -> ast.expr:
        """Give ``and`` and ``or`` conditions: numpy has no other way to combine arrays."""
        return ast.BoolOp(node.op, [_as_condition(self.visit(value)) for value in node.values])

    def visit_Compare(self, node: ast.Compare) -> ast.expr:
        """Compare numbers."""
        terms = [_as_number(self.visit(term)) for term in (node.left, *node.comparators)]
        return ast.Compare(terms[0], node.ops, terms[1:])

    def visit_BinOp(self, node: ast.BinOp) -> ast.expr:
        """Replace a power or remainder by a call, a negative power by one over a call."""
        self.generic_visit(node)
        node.left, node.right = _as_number(node.left), _as_number(node.right)
        if isinstance(node.op, ast.Mod):
            return _call("_remainder", node.left, node.right)
        if isinstance(node.op, ast.Div) and not any(map(_is_name, ast.walk(node))):
            # Python itself would divide numbers that are written out, and refuse to divide by 0
            return ast.BinOp(_call("_product", node.left, ast.Constant(1)), node.op, node.right)
        if not isinstance(node.op, ast.Pow):
            return node
        exponent = _number(node.right)
        size = abs(exponent)
        if size == 0.5:
            root: ast.expr = _call("_sqrt", node.left)
        elif size.is_integer() and size <= _LARGEST_PRODUCT:
            root = _call("_product", node.left, ast.Constant(int(size)))
        elif _is_exponential(node.left):
            # sympy makes exp(x)**(1/18) of exp(x/18) where it takes terms apart
            return _call("exp", ast.BinOp(node.right, ast.Mult(), node.left.args[0]))
        else:
            return _call("_power", node.left, node.right)
        return root if exponent > 0 else ast.BinOp(ast.Constant(1.0), ast.Div(), root)


def _is_name(node: ast.AST) -> bool:
    return isinstance(node, ast.Name)


def _is_condition(node: ast.expr) -> bool:
    """Whether an expression is true or false by its form."""
    is_not = isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not)
    return is_not or isinstance(node, ast.Compare | ast.BoolOp)


def _as_number(node: ast.expr) -> ast.expr:
    """Return an expression that is 1.0 or 0.0 for one that is true or false; others stay."""
    is_flag = isinstance(node, ast.Name) and node.id == "not_refractory"
    return _call("_double", node) if is_flag or _is_condition(node) else node


def _as_condition(node: ast.expr) -> ast.expr:
    """Return an expression that is true or false for a number; others stay."""
    if _is_condition(node) or (isinstance(node, ast.Constant) and isinstance(node.value, bool)):
        return node
    return ast.Compare(node, [ast.NotEq()], [ast.Constant(0.0)])


def _number(node: ast.expr) -> float:
    """Return the value of a number, with a sign or without; nan for anything else."""
    try:
        return float(ast.literal_eval(node))
    except (ValueError, TypeError):
        return float("nan")


def _is_exponential(node: ast.expr) -> TypeGuard[ast.Call]:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "exp"


def _call(name: str, *arguments: ast.expr) -> ast.Call:
    return ast.Call(ast.Name(name, ast.Load()), list(arguments), [])


NAMESPACE = {
    "_product": product, "_power": power, "_sqrt": square_root, "_remainder": remainder,
    "_where": lambda condition, one, other: np.where(condition, one, other)[()],
    "_double": lambda condition: np.asarray(condition, np.float64)[()],
}  # fmt: skip
"""What generated Python calls; ``templates/program.cpp`` has the same for C++."""
