"""Generated code in which what is one number for a replica is computed as one number for all.

In a script a parameter is one number for all cells. What follows from such numbers alone, ``dt*a``
or ``C3 + R*I``, Brian2 computes once, before the loop over cells, and to find it there it orders
sums and products anew: that decides the bits. In a folded network the same parameter differs from
replica to replica. Here Brian2 orders the arithmetic as it would for a script, and what it finds to
be the same for all is then computed for each cell: the bits are those of the script.
"""

from __future__ import annotations

import ast
import copy
import functools
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

import numpy as np
from brian2.codegen.generators.numpy_generator import NumpyCodeGenerator
from brian2.codegen.translation import make_statements
from brian2.core.functions import Function
from brian2.core.variables import ArrayVariable, AuxiliaryVariable
from brian2.parsing.bast import brian_ast
from brian2.parsing.statements import parse_statement
from brian2.utils.stringtools import get_identifiers

from izhi.engine.names import mangled
from izhi.engine.powers import written_out
from izhi.models import assembly
from izhi.portable import FUNCTIONS

Blocks: TypeAlias = dict[str, list[Any]]
"""Brian2's statements by block of code."""

_DRIVE = mangled(assembly.DRIVE)
_MARK = "izhi_shared"
_TOLD = "_izhi_told"


def share(group: Any, name: str) -> None:
    """Mark a variable of a group of cells or synapses as one number for each replica."""
    setattr(group.variables[name], _MARK, True)


def tell(synapses: Any) -> None:
    """Mark synapses as those whose number a program is told with its points."""
    setattr(synapses, _TOLD, True)


def is_told(owner: Any) -> bool:
    """Whether code is of synapses that `tell` marked."""
    return getattr(getattr(owner, "synapses", owner), _TOLD, False)


class SharedNumbers:
    """A code generator, to be put before one of Brian2's, that heeds what `share` marked."""

    variables: Any
    translate_statement_sequence: Any

    def translate(self, code: dict[str, str], dtype: Any) -> Any:
        """Return the code of all blocks, as Brian2's method of that name."""
        seen = {name: _as_scalar(variable) for name, variable in self.variables.items()}
        seen |= {name: _of_doubles(seen[name]) for name in seen.keys() & FUNCTIONS.keys()}
        shared = {name for name, variable in seen.items() if variable is not self.variables[name]}
        scalar, of_replicas, vector = {}, {}, {}
        for block, text in code.items():
            first, vector[block] = make_statements(
                text, seen | _changed_locals(text, seen), dtype, optimise=True, blockname=block
            )
            scalar[block], of_replicas[block] = _parted(map(self.written_out, first), shared)
            vector[block] = list(map(self.written_out, vector[block]))
        return self.joined(scalar, of_replicas, vector)

    def written_out(self, statement: Any) -> Any:
        """Return a statement with operators as calls; what it declares is a double.

        Brian2 would declare a variable that begins as a whole number, or as true or false, as such,
        in C++ alone. The condition of a threshold is true or false.
        """
        is_double = statement.op == ":=" and statement.var not in self.variables
        statement = written_out(statement, number=is_double or statement.subexpression)
        if is_double:
            statement.dtype = np.float64
        return statement

    def joined(self, scalar: Blocks, of_replicas: Blocks, vector: Blocks) -> Any:
        """Return the code, given what is the same for all, for a replica, and for no two cells."""
        vector = {block: of_replicas[block] + then for block, then in vector.items()}
        return self.translate_statement_sequence(scalar, vector)


def changing(statements: list[Any], variables: Mapping[str, Any]) -> set[str]:
    """Return what statements read or make that is not the same throughout a run.

    What drives the cells is left out: it changes, but when it does is known.
    """
    moving = {
        name for name, variable in variables.items()
        if isinstance(variable, ArrayVariable)
        and not (variable.constant or (name == _DRIVE and getattr(variable, _MARK, False)))
    }  # fmt: skip
    for statement in statements:
        if get_identifiers(statement.expr) & moving:
            moving.add(statement.var)
    return moving


def _changed_locals(text: str, variables: Mapping[str, Any]) -> dict[str, AuxiliaryVariable]:
    """Return the local variables that code assigns more than once, as variables of each cell.

    Brian2 takes what begins as one number for all cells, as in ``old = b; old += x``, for such a
    number to the end, and refuses to change it.
    """
    lines = filter(None, map(str.strip, re.split(r"[;\n]", text)))
    assignments = [parse_statement(line)[::2] for line in lines]
    times = Counter(name for name, _ in assignments)
    changed = dict[str, AuxiliaryVariable]()
    for name, expression in assignments:
        if times[name] > 1 and name not in {*variables, *changed}:
            first_value = brian_ast(expression, {**variables, **changed})
            dtype = bool if first_value.dtype == "boolean" else np.float64
            changed[name] = AuxiliaryVariable(name, dtype=dtype)
    return changed


def _as_scalar(variable: Any) -> Any:
    if not getattr(variable, _MARK, False):
        return variable
    found = copy.copy(variable)
    found.scalar = True
    return found


@functools.cache
def _of_doubles(function: Function) -> Function:
    """Return a function of Brian2's as one that gives a double, as those of izhi's table do."""
    of_doubles = copy.copy(function)
    of_doubles._return_type = "float"
    return of_doubles


def _parted(statements: Iterable[Any], shared: set[str]) -> tuple[list[Any], list[Any]]:
    """Return statements that hold for all replicas, and those that differ between them."""
    differing = set(shared)
    for_all, for_each = [], []
    for statement in statements:
        if (get_identifiers(statement.expr) | {statement.var}) & differing:
            differing.add(statement.var)
            each = copy.copy(statement)  # Brian2 keeps what it made for equal code
            each.scalar = False
            for_each.append(each)
        else:
            for_all.append(statement)
    return for_all, for_each


def _commute(statements: list[Any], variable_indices: Mapping[str, str]) -> bool:
    """Whether each statement may run on all synapses before the next: all cells end up the same.

    So it is where what a synapse changes of a cell is changed once, and read by no statement.
    """
    of_cells = [s for s in statements if s.op != ":=" and variable_indices[s.var] != "_idx"]
    changed = {s.var for s in of_cells}
    read = set[str]().union(*(get_identifiers(s.expr) for s in statements))
    return all(s.inplace for s in of_cells) and len(changed) == len(of_cells) and not changed & read


class SharedNumpyGenerator(SharedNumbers, NumpyCodeGenerator):
    """Brian2's generator for numpy."""

    def vectorise_code(
        self, statements: list[Any], variables: Any, variable_indices: Any, index: str = "_idx"
    ) -> list[str]:
        """Return the code of synapses: a loop over them where their order decides the result.

        Brian2 runs each statement on all synapses before the next statement, and lets synapses
        assign to cells that are refractory. In C++ one synapse follows another.
        """
        self._use_ufunc_at_vectorisation = _commute(statements, variable_indices)
        lines: list[str] = super().vectorise_code(statements, variables, variable_indices, index)
        return lines

    def translate_statement(self, statement: Any) -> str:
        """Return a statement; what is assigned has the variable's type, and an array of its own.

        A number that is written out, such as the 0 of ``x = 0``, would stay one of Python's, whose
        0 has no sign and does not divide. Brian2 changes arrays in place: after ``old = x; x += 1``
        both names would stand for the new values. A function may return its argument, too.
        """
        if statement.op not in ("=", ":="):
            return str(super().translate_statement(statement))
        is_other = isinstance(ast.parse(statement.expr, mode="eval").body, ast.Name | ast.Call)
        convert = "array" if is_other else "asarray"
        value, dtype = self.translate_expression(statement.expr), np.dtype(statement.dtype).name
        return f"{statement.var} = _numpy.{convert}({value}, '{dtype}')[()]"  # a number stays one

    def conditional_write(
        self, line: str, statement: Any, variables: Any, conditional_write_vars: Any,
        created_vars: Any,
    ) -> str:  # fmt: skip
        """Return a statement that changes only cells for which a condition holds.

        Brian2 would index all that the statement names, also what is a single number.
        """
        condition = conditional_write_vars.get(statement.var)
        if condition is None:
            return line
        at = re.fullmatch(r"(_numpy\.\w+\.at)\((\w+), (\w+), (.*)\)", line)
        if at is not None:  # of synapses, which may write to one cell more than once
            ufunc, array, index, expression = at.groups()
            kept = f"_numpy.broadcast_to({expression}, {index}.shape)[{condition}]"
            return f"{ufunc}({array}, {index}[{condition}], {kept})"
        expression = self.translate_expression(statement.expr)
        if statement.op != "=":
            expression = f"{statement.var} {statement.op[:-1]} ({expression})"
        return f"{statement.var}[:] = _numpy.where({condition}, {expression}, {statement.var})"
