"""Names in expressions that stand for other expressions: what they lead to, and what they say.

An expression that is put in the place of its name may grow with every line that names it twice, so
that what an expression depends on is found without.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from functools import lru_cache

from izhi.errors import ConfigError
from izhi.models import dimensions
from izhi.models.equations import expression

_LONGEST = 20_000
"""Characters of an expression in whose place of names others are put."""


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


def reached(text: str, expressions: Mapping[str, str]) -> set[str]:
    """Return the names that an expression depends on, by way of others, too.

    Names of functions and units are among them.

    Parameters
    ----------
    text
        The expression.
    expressions
        By name, what follows from others.
    """
    names, new = set[str](), set(_names(text))
    while new:
        names |= new
        new = set[str]().union(*(_names(expressions[n]) for n in new & expressions.keys())) - names
    return names


@lru_cache(maxsize=4096)
def _names(text: str) -> frozenset[str]:
    tree = ast.parse(" ".join(expression(text).split()), mode="eval")
    return frozenset(node.id for node in ast.walk(tree) if isinstance(node, ast.Name))


def expanded(expressions: Mapping[str, str]) -> dict[str, str]:
    """Return expressions that name each other with each put into the others.

    Parameters
    ----------
    expressions
        Expressions by name, of which none follows from itself.

    Raises
    ------
    ConfigError
        When one of them grows too long.
    """
    result: dict[str, str] = {}
    waiting = dict(expressions)
    while waiting:
        ready = [
            name for name, text in waiting.items() if not waiting.keys() & dimensions.names(text)
        ]
        for name in ready:
            result[name] = substituted(waiting[name], result)
            if len(result[name]) > _LONGEST:
                raise ConfigError(
                    f"{name}: longer than {_LONGEST:,} characters with all that it names put in"
                )
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
