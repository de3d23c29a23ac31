"""Random numbers in equations: functions of a cell and a whole number, never of a stream.

``normal_at(n)`` and ``uniform_at(n)`` are the numbers that a cell has for the whole number n. What
they are drawn from, 64 bits for each cell, comes with the points as two whole numbers, and is put
in front of n before code is generated.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable

from izhi.errors import ConfigError
from izhi.models.equations import NOISE
from izhi.models.equations import expression as safe

STREAM = ("noise_low", "noise_high")
"""Names of the two halves of what a cell's numbers are drawn from."""

WITHOUT_PLACE = len(STREAM) + 1
"""Number of arguments of a call with a stream that names no place, which is place 0."""


def called(node: ast.AST) -> bool:
    """Whether a node is a call of one of these functions."""
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in NOISE


def with_stream(node: ast.Call, arguments: list[ast.expr], place: int) -> ast.Call:
    """Return a call of one of these functions with what its numbers are drawn from.

    Parameters
    ----------
    node
        The call.
    arguments
        Its whole number.
    place
        Number of calls of the same stream before it: draws at two places are independent, whatever
        their whole numbers are.
    """
    stream = [ast.Name(name, ast.Load()) for name in STREAM]
    return ast.Call(node.func, [*stream, *arguments, *[ast.Constant(place)][: bool(place)]], [])


def check_numbers(texts: Iterable[str], key: str) -> None:
    """Check that no two draws of a stream are written alike: a reader would take them for the same.

    Parameters
    ----------
    texts
        All expressions that draw from the same stream.
    key
        The key that holds them, for errors.

    Raises
    ------
    ConfigError
        Naming the second draw.
    """
    numbers: set[str] = set()
    for text in texts:
        tree = ast.parse(" ".join(safe(text).split()), mode="eval")
        for call in filter(called, ast.walk(tree)):
            assert isinstance(call, ast.Call)
            number = ast.unparse(call.args[0])
            if number in numbers:
                raise ConfigError(
                    f"{key}: {ast.unparse(call)}: a second draw with the number {number}; name the "
                    "draw in an equation where the same value is meant, or give it a number of its "
                    f"own, such as -1 - ({number})"
                )
            numbers.add(number)


def streamed(text: str) -> tuple[str, tuple[str, ...]]:
    """Return an expression whose calls have what their numbers are drawn from, and its names.

    It comes back as it is, with no names, where it calls none of these functions.
    """
    tree = ast.parse(" ".join(safe(text).split()), mode="eval")
    if not any(map(called, ast.walk(tree))):
        return text, ()
    return ast.unparse(ast.fix_missing_locations(_Streams().visit(tree))), STREAM


class _Streams(ast.NodeTransformer):
    def __init__(self) -> None:
        self.draws = 0

    def visit_Call(self, node: ast.Call) -> ast.expr:
        """Put the stream in front of a call's arguments."""
        arguments = [self.visit(argument) for argument in node.args]
        if called(node):
            self.draws += 1
            return with_stream(node, arguments, self.draws - 1)
        return ast.Call(node.func, arguments, [])
