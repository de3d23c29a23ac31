"""What variables and groups are called in Brian2 and in C++: never as users call them.

A variable gets two zeros behind its name. No word of Python, C++ or Brian2 ends like that, nor do
the suffixes ``_pre`` and ``_post``, which mean something to Brian2. And the order of any two names
stays what it was, because no character of a name comes before a zero: Brian2 and sympy order the
terms of sums and products by name, which decides the last bits of their values. Groups are numbered
in the order in which Brian2 would run groups of the users' names.

Brian2 and sympy take numbers, whole numbers and what is true or false for one another in ways that
Python does not. Texts are written here so that these mean what they mean in Python.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Collection

from izhi.models import declarations, noise
from izhi.models.dimensions import CONSTANTS, UNITS
from izhi.models.equations import NOISE
from izhi.portable import FUNCTIONS

_SUFFIX = "00"
_POST = "_post"
_OF_BRIAN = frozenset(
    ["t", "dt", "t_in_timesteps", "True", "False", *FUNCTIONS, *NOISE, *UNITS, *CONSTANTS]
)


def mangled(name: str) -> str:
    """Return what a variable is called in generated code."""
    return name if name in _OF_BRIAN else name + _SUFFIX


def unmangled(text: str) -> str:
    """Return a message about generated code with names as users call them."""
    return re.sub(rf"\b([A-Za-z]\w*?){_SUFFIX}\b", r"\1", text)


def mangled_expression(text: str, own: Collection[str] | None = None) -> str:
    """Return an expression with all names as they are called in generated code.

    Comparisons of several terms, which Brian2 does not know, become comparisons of two. What is
    true or false is a number where it is calculated with, and a number that is not 0 is true in
    ``and``, ``or`` and ``not``, as in Python. A power of whole numbers that are written out, such
    as ``2**-1``, is one over a power: Brian2 takes it for a whole number, 0.

    Parameters
    ----------
    text
        An expression in Brian2's notation.
    own
        The names of a synapse's own variables, where it is a synapse's expression: of the other
        names, those that end in ``_post`` are variables of the target.
    """
    return ast.unparse(ast.fix_missing_locations(_tree(text, own)))


def mangled_number(text: str, own: Collection[str] | None = None) -> str:
    """Return an expression likewise where a number is wanted: a condition becomes 1 or 0."""
    return ast.unparse(ast.fix_missing_locations(_as_number(_tree(text, own))))


def _tree(text: str, own: Collection[str] | None) -> ast.expr:
    parsed = ast.parse(" ".join(text.split()), mode="eval").body
    renamed: ast.expr = _Names(own).visit(parsed)
    return renamed


def mangled_statements(text: str, own: Collection[str] | None = None) -> str:
    """Return statements likewise, one a line; see :func:`mangled_expression`.

    An assignment such as ``v = v/mV*2*mV`` gets its value by way of a local variable: Brian2 makes
    ``v *= 2`` of it, and then misses the unit. So it is of ``x = x*b/b``.
    """
    names = _Names(own)
    lines = []
    for statement in declarations.statements(text):
        name, operator, expression = declarations.parts(statement)
        variable, value = names.of(name), mangled_number(expression, own)
        if not operator and _loses_names(value, variable):
            lines.append(f"{variable}_new = {value}")
            value = f"{variable}_new"
        lines.append(f"{variable} {operator}= {value}")
    return "\n".join(lines)


def _loses_names(expression: str, variable: str) -> bool:
    """Whether names cancel out where Brian2 collects the terms of a variable in its new value."""
    named = _named(expression)
    if variable not in named:
        return False
    import sympy
    from brian2.parsing.sympytools import str_to_sympy, sympy_to_str

    value, old = str_to_sympy(expression), sympy.Symbol(variable, real=True)
    try:
        terms = sympy.collect(value, old, exact=True, evaluate=False)
    except AttributeError:  # as of a condition: Brian2 leaves the assignment as it is
        return False
    kept = set[str]().union(*(_named(sympy_to_str(term)) for term in terms.values()))
    return not named - {variable} <= kept


def _named(expression: str) -> set[str]:
    nodes = ast.walk(ast.parse(expression, mode="eval"))
    return {node.id for node in nodes if isinstance(node, ast.Name)}


class _Names(ast.NodeTransformer):
    def __init__(self, own: Collection[str] | None) -> None:
        self.own = own

    def of(self, name: str) -> str:
        """Return what a name is called."""
        if self.own is not None and name not in self.own and name.endswith(_POST):
            return mangled(name.removesuffix(_POST)) + _POST
        return mangled(name)

    def visit_Call(self, node: ast.Call) -> ast.expr:
        """Keep the function's name; give it numbers, and a draw its place."""
        arguments = [self.visit(argument) for argument in node.args]
        if ast.unparse(node.func) != "int":
            arguments = list(map(_as_number, arguments))
        if noise.called(node) and len(arguments) == noise.WITHOUT_PLACE:
            arguments.append(ast.Constant(0))
        return ast.Call(node.func, arguments, [])

    def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.expr:
        """Give a sign a number, and ``not`` a condition."""
        operand = self.visit(node.operand)
        is_not = isinstance(node.op, ast.Not)
        return ast.UnaryOp(node.op, _as_condition(operand) if is_not else _as_number(operand))

    def visit_BoolOp(self, node: ast.BoolOp) -> ast.expr:
        """Give ``and`` and ``or`` conditions."""
        return ast.BoolOp(node.op, [_as_condition(self.visit(value)) for value in node.values])

    def visit_BinOp(self, node: ast.BinOp) -> ast.expr:
        """Calculate with numbers, and divide by powers of whole numbers that are written out."""
        left, right = _as_number(self.visit(node.left)), _as_number(self.visit(node.right))
        if isinstance(node.op, ast.Pow) and isinstance(right, ast.UnaryOp) and _is_number(left):
            return ast.BinOp(ast.Constant(1), ast.Div(), ast.BinOp(left, node.op, right.operand))
        return ast.BinOp(left, node.op, right)

    def visit_Name(self, node: ast.Name) -> ast.expr:
        """Replace a name."""
        return ast.Name(self.of(node.id), ast.Load())

    def visit_Compare(self, node: ast.Compare) -> ast.expr:
        """Split a < b < c."""
        terms = [_as_number(self.visit(term)) for term in (node.left, *node.comparators)]
        pairs: list[ast.expr] = [
            ast.Compare(left, [operator], [right])
            for left, operator, right in zip(terms[:-1], node.ops, terms[1:], strict=True)
        ]
        return pairs[0] if len(pairs) == 1 else ast.BoolOp(ast.And(), pairs)


def _is_condition(node: ast.expr) -> bool:
    """Whether an expression is true or false by its form."""
    is_not = isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not)
    is_flag = isinstance(node, ast.Constant) and isinstance(node.value, bool)
    return is_not or is_flag or isinstance(node, ast.Compare | ast.BoolOp)


def _as_number(node: ast.expr) -> ast.expr:
    """Return an expression that is 1 or 0 for one that is true or false; others stay."""
    if isinstance(node, ast.Constant) and isinstance(node.value, bool):
        return ast.Constant(int(node.value))
    return ast.Call(ast.Name("int", ast.Load()), [node], []) if _is_condition(node) else node


def _as_condition(node: ast.expr) -> ast.expr:
    """Return whether a number is not 0; what is true or false stays."""
    return node if _is_condition(node) else ast.Compare(node, [ast.NotEq()], [ast.Constant(0)])


def _is_number(node: ast.expr) -> bool:
    """Whether an expression consists of numbers alone."""
    return not any(isinstance(part, ast.Name) for part in ast.walk(node))


def cells_group(names: Collection[str], population: str) -> str:
    """Return the name of a population's group, given the names of all populations."""
    return f"cells_{sorted(names).index(population):04d}"


def synapses_group(names: Collection[str], projection: str) -> str:
    """Return the name of a projection's group, given the names of all projections.

    Groups run by their names, and add to a variable in that order: it is that of the names with
    what Brian2 calls the pathway of a projection.
    """
    pathways = sorted(f"{name}_pre" for name in names)
    return f"synapses_{pathways.index(f'{projection}_pre'):06d}"
