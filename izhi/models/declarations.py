"""What equations declare, and what is wrong with them: names, units, statements, linearity.

All of it is found without Brian2, before anything is built, and said in one line that begins with
the key that holds the text.
"""

from __future__ import annotations

import ast
import keyword
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from izhi import units
from izhi.config.keys import METHODS
from izhi.errors import ConfigError
from izhi.models import dimensions
from izhi.models import equations as safe
from izhi.models.evaluate import evaluate
from izhi.portable import FUNCTIONS
from izhi.units import NUMBER, SECOND, Dimension

DIVIDE = "; divide it by a time, such as (...)/tau"
"""What is said of a slope that is none."""

_RESERVED = {
    "t": "the time", "dt": "the time step", "i": "a cell's number", "j": "a cell's number",
    "N": "a number of cells", "lastspike": "the time of a cell's last spike",
    "since_crossing": "the time since a cell crossed its threshold",
    "not_refractory": "whether a cell is refractory", "escapes": "a count of izhi's",
    "t_in_timesteps": "the number of the time step",
    "noise_low": "half of what random numbers are drawn from",
    "noise_high": "half of what random numbers are drawn from",
}  # fmt: skip
_MOST_EXACT = 4
"""Most states for `exact`, and two where some depend on each other: sympy takes up to a minute
for these, and does not end for more."""

_CONSTANTS = ("e", "pi", "inf", "True", "False")

_IDENTIFIER = re.compile(r"(?<![\w.])[A-Za-z]\w*")

FLAGS_OF_STEP = frozenset(["constant over dt", "shared"])
"""Flags that change no value of an expression of parameters and the time of the step alone."""


@dataclass(frozen=True)
class Declaration:
    """One line of equations.

    Attributes
    ----------
    kind
        ``"state"`` for ``dx/dt = ...``, ``"subexpression"`` for ``x = ...``, ``"parameter"`` for
        ``x : unit``.
    name
        What is declared.
    expression
        The right side; ``""`` for a parameter.
    unit
        As written: ``"volt"``.
    flags
        As written, without parentheses.
    """

    kind: str
    name: str
    expression: str
    unit: str
    flags: tuple[str, ...] = ()

    @property
    def left(self) -> str:
        """The left side: ``"dv/dt"`` or ``"I"``."""
        return f"d{self.name}/dt" if self.kind == "state" else self.name

    @property
    def dimension(self) -> Dimension:
        """The dimension of the variable."""
        return units.dimension_of(self.unit)


def lines(text: str) -> list[str]:
    """Return the lines of equations or statements, without comments; brackets join lines."""
    found: list[str] = []
    for line in text.split("\n"):
        line = line.partition("#")[0].strip()
        if found and found[-1].count("(") > found[-1].count(")"):
            found[-1] += " " + line
        elif line:
            found.append(line)
    return found


def without_comments(texts: Mapping[str, str], names: Collection[str]) -> dict[str, str]:
    """Return texts of which some, statements or expressions, are without comments.

    A bracket that is closed on another line is on one line. A text that has neither stays as it is,
    since structures are known by their texts.
    """
    return {
        name: "\n".join(lines(text)) if name in names and _has_comments(text) else text
        for name, text in texts.items()
    }


def _has_comments(text: str) -> bool:
    return "#" in text or any(line.count("(") != line.count(")") for line in text.splitlines())


def parse(text: str, key: str) -> tuple[Declaration, ...]:
    """Return what equations declare.

    Parameters
    ----------
    text
        Equations in Brian2's notation.
    key
        The key that holds them, for errors.

    Raises
    ------
    ConfigError
        Naming the line that is no equation, the name that cannot be one, the unit that is none.
    """
    found: dict[str, Declaration] = {}
    for line in lines(text):
        declaration = _declaration(line, key)
        if declaration.name in found:
            raise ConfigError(f"{key}: {declaration.name} is declared twice")
        found[declaration.name] = declaration
    return tuple(found.values())


def _declaration(line: str, key: str) -> Declaration:
    try:
        safe.equations(line)
    except ConfigError as error:
        raise ConfigError(f"{key}: {str(error).removeprefix('equations: ')}") from None
    declaration = split(line)
    check_name(declaration.name, key)
    if declaration.unit in ("boolean", "integer"):
        raise ConfigError(
            f"{key}: {declaration.name}: declare it : 1, which numbers, true and false all are"
        )
    try:
        units.dimension_of(declaration.unit)
    except ConfigError as error:
        raise ConfigError(f"{key}: {declaration.name}: {error}") from None
    return declaration


def split(line: str) -> Declaration:
    """Return the parts of a declaration that :func:`izhi.models.equations.equations` accepts."""
    match = safe.DECLARATION.fullmatch(line.strip())
    assert match is not None
    kind = "state" if match["state"] else "subexpression" if match["name"] else "parameter"
    name = match["state"] or match["name"] or match["parameter"]
    flags = tuple(flag.strip() for flag in (match["flags"] or "").split(",") if flag.strip())
    return Declaration(kind, name, (match["term"] or "").strip(), match["unit"].strip(), flags)


def is_reserved(name: str) -> bool:
    """Return whether a name stands for something in all equations: a unit, the time, exp."""
    try:
        check_name(name, "")
    except ConfigError:
        return True
    return False


def check_flags(
    declared: Sequence[Declaration], allowed: Mapping[str, Collection[str]], key: str
) -> None:
    """Check that declarations have flags only that mean something where they are.

    Parameters
    ----------
    declared
        What :func:`parse` found.
    allowed
        The flags by kind of declaration.
    key
        The key that holds them, for errors.

    Raises
    ------
    ConfigError
        Naming the first flag that means nothing.
    """
    for one in declared:
        for flag in one.flags:
            possible = allowed.get(one.kind, ())
            if flag not in possible:
                expected = f"({' or '.join(possible)}) or no flag" if possible else "no flag"
                raise ConfigError(f"{key}: {one.left} cannot be ({flag}); expected {expected}")


def check_shared(
    shared: Declaration, declared: Sequence[Declaration], key: str,
    entering: str = "", sharing: str = "cells",
) -> None:  # fmt: skip
    """Check that what all cells or synapses share follows from parameters and the time.

    Parameters
    ----------
    shared
        A declaration with the flag.
    declared
        All that are declared with it.
    key
        The key that holds them, for errors.
    entering
        The name of what enters each cell by itself; ``""`` for nothing.
    sharing
        ``"cells"`` or ``"synapses"``.
    """
    if shared.kind != "subexpression":
        raise ConfigError(f"{key}: {shared.left}: only x = ... can be shared")
    own = {d.name for d in declared if d.kind != "parameter" and "shared" not in d.flags}
    for name in sorted(dimensions.names(shared.expression) & {*own, entering}):
        raise ConfigError(
            f"{key}: {shared.name} is shared by all {sharing}, but {name} is not; leave the flag "
            "out"
        )


def check_name(name: str, key: str) -> None:
    """Check that a name can be given to a variable or a parameter.

    Raises
    ------
    ConfigError
        When it stands for something else.
    """
    if keyword.iskeyword(name):
        raise ConfigError(f"{key}: {name} is a word of Python, and cannot be a name")
    if name in dimensions.UNITS:
        raise ConfigError(f"{key}: {name} is a unit, and cannot be a name")
    if name in _RESERVED:
        raise ConfigError(f"{key}: {name} stands for {_RESERVED[name]}, and cannot be declared")
    if name in FUNCTIONS or name in _CONSTANTS:
        raise ConfigError(f"{key}: {name} is a function or a constant, and cannot be a name")


def check_starts(declared: Sequence[Declaration], known: Mapping[str, object], key: str) -> None:
    """Check that equations do not name what a state starts at, which is no constant.

    Raises
    ------
    ConfigError
        When they do.
    """
    starts = {f"{d.name}_0": d.name for d in declared if d.kind == "state"}
    for line in declared:
        for name in dimensions.ordered_names(line.expression) if line.expression else ():
            if name in starts and name in known:
                raise ConfigError(
                    f"{key}: {line.left}: {name} is what {starts[name]} starts at; give a constant "
                    "another name"
                )


def check(
    declared: Sequence[Declaration], known: Mapping[str, Dimension], key: str
) -> dict[str, Dimension]:
    """Check the units and names of equations.

    Parameters
    ----------
    declared
        What :func:`parse` found.
    known
        Dimensions of what is given from outside: parameters, constants, inputs.
    key
        The key that holds the equations, for errors.

    Returns
    -------
    dict
        The dimensions of all names that may be used beside them.

    Raises
    ------
    ConfigError
        Naming the equation and the term in it that is off, or the name that is not there.
    """
    found = {**known, "t": SECOND, "dt": SECOND}
    for one in declared:
        if one.kind == "parameter":
            if one.name not in known:
                raise ConfigError(f"{key}: {one.name} : {one.unit} is declared, but has no value")
            if known[one.name] != one.dimension:
                raise ConfigError(
                    f"{key}: {one.name} is declared as {units.name_of(one.dimension)}, but given "
                    f"as {units.name_of(known[one.name])}"
                )
        elif one.name in known:
            raise ConfigError(f"{key}: {one.name} is declared, but is a parameter as well")
    found |= {one.name: one.dimension for one in declared}
    for one in declared:
        if one.expression:
            wanted = one.dimension
            if one.kind == "state":
                wanted = tuple(  # type: ignore[assignment]
                    d - s for d, s in zip(one.dimension, SECOND, strict=True)
                )
            _check_right_side(one, found, wanted, f"{key}: {one.left}")
    _check_circles(declared, key)
    return found


def _check_right_side(
    one: Declaration, known: Mapping[str, Dimension], wanted: Dimension, where: str
) -> None:
    try:
        of_expression(one.expression, known, wanted, where)
    except ConfigError as error:
        if one.kind == "state" and _is(one.expression, known, one.dimension):
            raise ConfigError(f"{error}{DIVIDE}") from None
        raise


def _is(text: str, known: Mapping[str, Dimension], kind: Dimension) -> bool:
    try:
        return dimensions.dimension(text, known) == kind
    except ConfigError:
        return False


def of_expression(
    text: str, known: Mapping[str, Dimension], wanted: Dimension | None, where: str
) -> Dimension:
    """Return the dimension of an expression; see :func:`izhi.models.dimensions.dimension`.

    Raises
    ------
    ConfigError
        Beginning with `where`.
    """
    try:
        for name in dimensions.ordered_names(text):
            if name not in known:
                raise ConfigError(_undefined(name, known, where))
        found = dimensions.dimension(text, known, wanted)
        _check_finite(text)
        return found
    except ConfigError as error:
        said = str(error).removeprefix("equations: ")
        again = f"{text}: "  # where it is the whole of a key's value
        said = said.removeprefix(again) if where.endswith(f" = {text}") else said
        raise ConfigError(f"{where}: {said}") from None


def _check_finite(text: str) -> None:
    """Check that terms without variables have a value: sympy makes symbols of 1/0 and sqrt(-1)."""
    tree = ast.parse(" ".join(text.split()), mode="eval").body
    for node in reversed(list(ast.walk(tree))):  # the innermost first
        if not isinstance(node, ast.BinOp | ast.Call):
            continue
        term = ast.unparse(node)
        if not dimensions.names(term) and not _draws(node) and not np.isfinite(evaluate(term, {})):
            raise ConfigError(f"the term {term} has no finite value")


def _draws(node: ast.expr) -> bool:
    return any(isinstance(n, ast.Name) and n.id in safe.NOISE for n in ast.walk(node))


def _undefined(name: str, known: Mapping[str, Dimension], where: str) -> str:
    """Return what is said of a name that is not there: the nearest one, or how to give it."""
    said = dimensions.undefined(name, known)
    if f"{name}_post" in known:
        return f"{said}; did you mean {name}_post, that of the target?"
    if name.endswith("_pre"):
        return f"{said}; a synapse sees the target's variables, such as v_post, not the source's"
    if name in _CONSTANTS:
        return f"{said}; write its value"
    if name.endswith("_post"):
        return (
            f"{said}; the target has no {name.removesuffix('_post')}: give its equation as target"
        )
    group = where.partition(":")[0].partition(" = ")[0].rpartition(".")[0].removesuffix(".rest")
    return said if "did you mean" in said else f"{said}; give it a value, as {group}.{name}"


def _check_circles(declared: Sequence[Declaration], key: str) -> None:
    """Check that no subexpression is defined by itself."""
    uses = {
        one.name: dimensions.names(one.expression)
        for one in declared if one.kind == "subexpression"
    }  # fmt: skip
    left = dict(uses)
    while left:
        ready = [name for name, used in left.items() if not used & left.keys()]
        if not ready:
            raise ConfigError(f"{key}: {' and '.join(sorted(left))}: defined by each other")
        for name in ready:
            del left[name]


def check_condition(
    text: str, known: Mapping[str, Dimension], key: str,
    expected: str = "a condition such as v > v_th",
) -> None:  # fmt: skip
    """Check that an expression is true or false, as a threshold is.

    Raises
    ------
    ConfigError
        When it is not, or its terms do not fit.
    """
    of_expression(text, known, None, f"{key} = {text}")
    tree = ast.parse(" ".join(text.split()), mode="eval").body
    while isinstance(tree, ast.UnaryOp) and isinstance(tree.op, ast.Not):
        tree = tree.operand
    if not isinstance(tree, ast.Compare | ast.BoolOp):
        raise ConfigError(f"{key} = {text}: expected {expected}")


def check_statements(
    text: str, known: Mapping[str, Dimension], writable: Collection[str], key: str,
    constants: Collection[str] = (),
) -> set[str]:  # fmt: skip
    """Check statements such as a reset.

    Parameters
    ----------
    text
        Statements, by line or semicolon.
    known
        Dimensions of the names that they may use.
    writable
        Names that they may change; others that they assign are their own, for later statements.
    key
        The key that holds them, for errors.
    constants
        Names of what is one number for all points. What begins as such a number, Brian2 takes for
        one number for all cells to the end.

    Returns
    -------
    set of str
        The names that they change.

    Raises
    ------
    ConfigError
        Naming the statement.
    """
    scope, changed = dict(known), set()
    same_for_all = {*constants, "t", "dt"}
    for line in statements(text):
        try:
            safe.statements(line)
        except ConfigError as error:
            raise ConfigError(f"{key}: {str(error).removeprefix('equations: ')}") from None
        name, operator, term = parts(line)
        if name in known and name not in writable:
            raise ConfigError(
                f"{key}: {line}: {name} does not change; {', '.join(sorted(writable))} can"
            )
        if operator and name not in scope:
            said = _undefined(name, scope, key)
            if "give it a value" in said:
                said = f"{said.partition(';')[0]}; there is no equation d{name}/dt = ..."
            raise ConfigError(f"{key}: {line}: {said}")
        wanted = scope.get(name) if operator in ("", "+", "-") else NUMBER
        kind = of_expression(term, scope, wanted, f"{key}: {line}")
        if name in writable:
            changed.add(name)
        else:
            check_name(name, key)
            if name in same_for_all:
                raise ConfigError(
                    f"{key}: {line}: {name} is one number for all cells and cannot be changed; "
                    "give the new value a name of its own"
                )
            if name not in scope and dimensions.names(term) <= same_for_all:
                same_for_all.add(name)
            scope.setdefault(name, kind)
    return changed


def names_of_statements(text: str) -> set[str]:
    """Return the names that statements read, those that they make themselves among them."""
    return {name for line in statements(text) for name in dimensions.names(parts(line)[2])}


def assigned(text: str) -> list[str]:
    """Return the names that statements write to, states and names that they make themselves."""
    return [parts(statement)[0] for statement in statements(text)]


def identifiers(text: str) -> list[str]:
    """Return all names in a text, those of functions and units among them."""
    names: list[str] = _IDENTIFIER.findall(text)
    return names


def renamed(text: str, names: Mapping[str, str]) -> str:
    """Return a text with other names in the place of some."""
    return _IDENTIFIER.sub(lambda found: names.get(found[0], found[0]), text)


def statements(text: str) -> list[str]:
    """Return statements one by one, without comments."""
    return [part.strip() for line in lines(text) for part in line.split(";") if part.strip()]


def parts(statement: str) -> tuple[str, str, str]:
    """Return the name, operator (``""`` for =, ``"+"`` for +=) and right side of a statement."""
    match = re.fullmatch(r"(\w+)\s*([-+*/]?)=(.*)", statement, re.DOTALL)
    assert match is not None
    return match[1], match[2], match[3].strip()


def methods(declared: Sequence[Declaration]) -> tuple[str, ...]:
    """Return the methods that can integrate equations.

    ``exact`` needs equations that are linear in all state variables together, each of which names
    at least one of these and not the time, and ``exponential_euler`` equations of which each is
    linear in its own variable.
    """
    return tuple(method for method in METHODS if not _hindrance(method, declared))


def check_method(
    method: str, declared: Sequence[Declaration], key: str, whose: str, but: Collection[str] = ()
) -> None:  # fmt: skip
    """Check that a method can integrate equations.

    Parameters
    ----------
    method
        Its name.
    declared
        All equations of the cells, with what synapses add to them.
    key
        The key that holds the method, for errors.
    whose
        What they are the equations of: ``"pre"``.
    but
        Methods that something else rules out.

    Raises
    ------
    ConfigError
        Naming the equation that it cannot integrate, and the methods that can.
    """
    found = _hindrance(method, declared)
    if found:
        one, why = found
        possible = ", ".join(m for m in methods(declared) if m not in but)
        raise ConfigError(f"{key} = {method}: {one.left} of {whose} {why}; use one of {possible}")


def _hindrance(method: str, declared: Sequence[Declaration]) -> tuple[Declaration, str] | None:
    """Return an equation that a method cannot integrate, and why; None for none."""
    if method not in ("exponential_euler", "exact"):
        return None
    states = [one for one in declared if one.kind == "state"]
    # what is constant over a step is a number to both
    inner = {
        one.name: one.expression for one in declared
        if one.kind == "subexpression" and "constant over dt" not in one.flags
    }  # fmt: skip
    for one in states:
        variables = [one.name] if method == "exponential_euler" else [s.name for s in states]
        if degree(one.expression, variables, inner) > 1:
            return one, f"is not linear in {', '.join(variables)}"
        if method == "exact" and degree(one.expression, ["t"], inner) > 0:
            return one, "changes with the time within a step"
        if method == "exact" and degree(one.expression, variables, inner) == 0:
            return one, f"names none of {', '.join(variables)}"  # its matrix has no inverse
        if method == "exact" and len(states) > 2:
            such = " that depend on each other" if _is_circular(states, inner) else ""
            most = 2 if such else _MOST_EXACT
            if len(states) > most:
                return one, f"is one of {len(states)} equations{such}; exact solves at most {most}"
    return None


def _is_circular(states: Sequence[Declaration], inner: Mapping[str, str]) -> bool:
    """Whether some states depend on each other, by way of any others."""
    uses = {
        one.name: {s.name for s in states if s != one and degree(one.expression, [s.name], inner)}
        for one in states
    }
    while ready := [name for name, used in uses.items() if not used & uses.keys()]:
        for name in ready:
            del uses[name]
    return bool(uses)


def check_sizes(declared: Sequence[Declaration], whose: str) -> None:
    """Check that equations are of a size that generated code can have.

    Brian2 replaces subexpressions in equations by what they stand for.

    Parameters
    ----------
    declared
        All equations of the cells, with what synapses add to them.
    whose
        What they are the equations of: ``"pre"``.

    Raises
    ------
    ConfigError
        Naming the first equation that is too large.
    """
    sizes: dict[str, safe.Size] = {}
    left = list(declared)
    inner = {one.name for one in declared if _is_replaced(one)}
    while left:
        waiting = {one.name for one in left} & inner
        ready = [one for one in left if not dimensions.names(one.expression or "0") & waiting]
        if not ready:
            raise ConfigError(f"{' and '.join(sorted(waiting))} of {whose}: defined by each other")
        for one in ready:
            left.remove(one)
            tree = ast.parse(" ".join((one.expression or "0").split()), mode="eval").body
            where = f"{one.left} of {whose}, with all subexpressions that it names"
            size = safe.check_size(tree, sizes, where)
            if _is_replaced(one):
                sizes[one.name] = size


def lasting_flags(declared: Declaration) -> tuple[str, ...]:
    """Return the flags of a declaration without those of `FLAGS_OF_STEP`.

    Brian2 would compute such an expression before the step, into an array of its own.
    """
    return tuple(flag for flag in declared.flags if flag not in FLAGS_OF_STEP)


def _is_replaced(one: Declaration) -> bool:
    return one.kind == "subexpression" and "constant over dt" not in one.flags


def degree(text: str, variables: Collection[str], inner: Mapping[str, str]) -> int:
    """Return 0 for an expression without the variables, 1 where it is linear in them, else 2.

    Parameters
    ----------
    text
        The expression.
    variables
        Names.
    inner
        Expressions of the subexpressions that it may name.
    """
    tree = ast.parse(" ".join(safe.expression(text).split()), mode="eval").body
    return _degree(tree, variables, inner)


def _degree(node: ast.AST, variables: Collection[str], inner: Mapping[str, str]) -> int:
    if isinstance(node, ast.Name):
        if node.id in inner:
            return degree(inner[node.id], variables, inner)
        return int(node.id in variables)
    degrees = [_degree(part, variables, inner) for part in ast.iter_child_nodes(node)]
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.UAdd):
        return max(degrees)
    if isinstance(node, ast.BinOp):
        left, _, right = degrees
        if isinstance(node.op, ast.Add | ast.Sub):
            return max(left, right)
        if isinstance(node.op, ast.Mult):
            return min(2, left + right)
        if isinstance(node.op, ast.Div):
            return 2 if right else left
    return 2 * any(degrees)
