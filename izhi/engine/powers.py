"""Powers and remainders in generated code, in a form whose bits no library decides.

Brian2 leaves ``x**n`` to numpy and to C's ``pow``, which round differently. Here each power becomes
``_power(x, n)`` before either sees it, for whole n, a product of a fixed order; a root becomes
``_sqrt(x)``, and the remainder ``x % y``, which has the sign of y, ``_remainder(x, y)``.
"""

from __future__ import annotations

import ast
import copy
from typing import Any, TypeGuard

import numpy as np

from izhi.errors import EngineError
from izhi.functions import power, remainder


def written_out(statement: Any) -> Any:
    """Return a statement of Brian2's with its powers and remainders as calls.

    Raises
    ------
    EngineError
        For an exponent that is neither a whole number nor a half.
    """
    if "**" not in statement.expr and "%" not in statement.expr:
        return statement
    tree = _Powers().visit(ast.parse(statement.expr, mode="eval"))
    found = copy.copy(statement)  # Brian2 keeps what it made for equal code
    found.expr = ast.unparse(ast.fix_missing_locations(tree))
    return found


class _Powers(ast.NodeTransformer):
    def visit_BinOp(self, node: ast.BinOp) -> ast.expr:
        """Replace a power or remainder by a call, a negative power by one over a call."""
        self.generic_visit(node)
        if isinstance(node.op, ast.Mod):
            return _call("_remainder", node.left, node.right)
        if not isinstance(node.op, ast.Pow):
            return node
        try:
            exponent = float(ast.literal_eval(node.right))
        except (ValueError, TypeError):
            exponent = np.nan
        size = abs(exponent)
        if size == 0.5:
            power: ast.expr = _call("_sqrt", node.left)
        elif _is_exponential(node.left) and np.isfinite(exponent) and not size.is_integer():
            # sympy makes exp(x)**(1/18) of exp(x/18) where it takes terms apart
            return _call("exp", ast.BinOp(node.right, ast.Mult(), node.left.args[0]))
        elif size.is_integer():
            power = _call("_power", node.left, ast.Constant(int(size)))
        else:
            raise EngineError(
                f"{ast.unparse(node)}: a power has a whole number for an exponent, or 0.5; "
                "write exp(n*log(x)) for others"
            )
        return power if exponent > 0 else ast.BinOp(ast.Constant(1.0), ast.Div(), power)


def _is_exponential(node: ast.expr) -> TypeGuard[ast.Call]:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "exp"


def _call(name: str, *arguments: ast.expr) -> ast.Call:
    return ast.Call(ast.Name(name, ast.Load()), list(arguments), [])


NAMESPACE = {"_power": power, "_sqrt": np.sqrt, "_remainder": remainder}
"""What generated Python calls; ``templates/program.cpp`` has the same for C++."""
