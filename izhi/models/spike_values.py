"""Subexpressions of a synapse's states in what a spike does: their values where they are used.

A spike changes states, and a subexpression of them with it. Brian2 2.10 computes the subexpression
once, in C++ from the states as they were before the spike, in numpy from what they are by then.
So what a spike does has variables of its own in the place of such subexpressions, each assigned
before the statement that reads it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from izhi.models import declarations, dimensions
from izhi.models.declarations import Declaration
from izhi.models.substitution import reached


def assigned_where_used(
    on_pre: str, declared: Sequence[Declaration], taken: Collection[str]
) -> str:
    """Return statements in which variables stand for subexpressions of states.

    Parameters
    ----------
    on_pre
        Statements.
    declared
        States and subexpressions that the statements may name.
    taken
        Names that no variable may have.
    """
    expressions = {line.name: line.expression for line in declared if line.kind == "subexpression"}
    states = {line.name for line in declared if line.kind == "state"}
    needs = {name: reached(text, expressions) for name, text in expressions.items()}
    moving = {name: text for name, text in expressions.items() if needs[name] & states}
    if not moving.keys() & declarations.names_of_statements(on_pre):
        return on_pre
    variables = dict[str, str]()
    every = {*taken, *expressions, *states, *declarations.identifiers(on_pre)}
    lines = []
    for statement in declarations.statements(on_pre):
        name, operator, term = declarations.parts(statement)
        for used in _in_order(term, moving):
            if used not in variables:
                value = declarations.renamed(moving[used], variables)
                variables[used] = _new(used, every)
                lines.append(f"{variables[used]} = {value}")
        lines.append(f"{name} {operator}= {declarations.renamed(term, variables)}")
        variables = {used: new for used, new in variables.items() if name not in needs[used]}
    return "\n".join(lines)


def _in_order(term: str, moving: Mapping[str, str]) -> list[str]:
    """Return the subexpressions that a term needs, each after those that it needs itself."""
    order: dict[str, None] = {}

    def add(text: str) -> None:
        for name in dimensions.ordered_names(text):
            if name in moving and name not in order:
                add(moving[name])
                order[name] = None

    add(term)
    return list(order)


def _new(name: str, every: set[str]) -> str:
    """Return a name that stands where the other does in alphabetical order, and note it.

    Brian2 orders the terms of sums and products by name, which decides the last bits.
    """
    while name in every:
        name += "0"
    every.add(name)
    return name
