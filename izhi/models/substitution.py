"""Expressions put in the place of names in other expressions."""

from __future__ import annotations

import ast
from collections.abc import Mapping

from izhi.models import dimensions


def substituted(text: str, expressions: Mapping[str, str]) -> str:
    """Return an expression with expressions in the place of names.

    Parameters
    ----------
    text
        The expression.
    expressions
        By name, what takes its place.
    """
    tree = ast.parse(" ".join(text.split()), mode="eval")
    return ast.unparse(_Substitution(expressions).visit(tree))


def expanded(expressions: Mapping[str, str]) -> dict[str, str]:
    """Return expressions that name each other with each put into the others.

    Parameters
    ----------
    expressions
        Expressions by name, of which none follows from itself.
    """
    result: dict[str, str] = {}
    waiting = dict(expressions)
    while waiting:
        ready = [
            name for name, text in waiting.items() if not waiting.keys() & dimensions.names(text)
        ]
        for name in ready:
            result[name] = substituted(waiting[name], result)
        waiting = {name: text for name, text in waiting.items() if name not in result}
    return result


class _Substitution(ast.NodeTransformer):
    def __init__(self, expressions: Mapping[str, str]) -> None:
        self.trees = {
            name: ast.parse(" ".join(text.split()), mode="eval").body
            for name, text in expressions.items()
        }

    def visit_Name(self, node: ast.Name) -> ast.expr:
        """Return what stands for a name."""
        return self.trees.get(node.id, node)
