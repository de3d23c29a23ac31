"""Dimensions of equations: what each term is, and which term does not fit the others.

Brian2 checks units too, but late, after an import of a second, and it names two sides of an
operator in base units. Here a term is named with what it is and what it should be: in a sum, what
the left side of the equation wants, or most other terms are.
"""

from __future__ import annotations

import ast
import difflib
import math
from collections import Counter
from collections.abc import Mapping
from fractions import Fraction

from izhi import units
from izhi.errors import ConfigError
from izhi.models.equations import NOISE
from izhi.models.equations import expression as safe
from izhi.units import NUMBER, Dimension

UNITS: Mapping[str, Dimension] = {
    name: units.dimension_of(name)
    for name in (
        "volt", "mV", "amp", "mA", "uA", "nA", "pA", "second", "ms", "us", "hertz", "Hz", "kHz",
        "MHz", "ohm", "kohm", "Mohm", "Gohm", "siemens", "uS", "nS", "farad", "uF", "nF", "pF",
        "metre", "cm", "mm", "um", "mole", "molar", "mM", "uM", "nM", "mmolar", "umolar", "nmolar",
    )
}  # fmt: skip
"""Units that equations may name: those that mean the same to Brian2."""

CONSTANTS: Mapping[str, float] = {"pi": math.pi}
"""Numbers that equations may name."""

_OF_NUMBERS = frozenset(
    ["exp", "log", "log10", "log1p", "expm1", "exprel", "sin", "cos", "tan", "sinh", "cosh",
     "tanh", "arcsin", "arccos", "arctan"]
)  # fmt: skip
_OTHER_UNITS = {"msecond": "ms", "msec": "ms", "sec": "second", "s": "second", "V": "volt",
                "mvolt": "mV", "mVolt": "mV", "A": "amp", "uamp": "uA", "namp": "nA", "pamp": "pA",
                "S": "siemens", "nsiemens": "nS", "F": "farad", "pfarad": "pF",
                "ohms": "ohm", "MOhm": "Mohm", "volts": "volt", "ampere": "amp"}  # fmt: skip
"""Other ways to write units, in Brian2 or elsewhere, and the one to write in equations."""

_KEEPING = frozenset(["abs", "clip", "ceil", "floor"])


def dimension(
    text: str, known: Mapping[str, Dimension], wanted: Dimension | None = None
) -> Dimension:
    """Return the dimension of an expression.

    Parameters
    ----------
    text
        An expression in Brian2's notation.
    known
        Dimensions of the names that it may use; units need not be among them.
    wanted
        What the expression should be, where that is known.

    Raises
    ------
    ConfigError
        Naming the term that does not fit, what it is and what it should be, or the name that is
        not there.
    """
    safe(text)
    tree = ast.parse(" ".join(text.split()), mode="eval").body
    found = _Terms(known).of(tree, wanted)
    if wanted is not None and found != wanted:
        raise _wrong(tree, found, wanted)
    return found


def unit(dimension: Dimension) -> str:
    """Return a dimension in units that equations may name: ``"volt"``, ``"volt*second**-1"``."""
    for name in ("1", "volt", "amp", "second", "hertz", "ohm", "siemens", "farad"):
        if units.dimension_of(name) == dimension:
            return name
    metre, kilogram, second, amp, mole = dimension
    # of the units that equations may name a kilogram is none: it is 1 V A s^3/m^2
    powers = (metre - 2 * kilogram, kilogram, second + 3 * kilogram, amp + kilogram, mole)
    bases = zip(("metre", "volt", "second", "amp", "mole"), powers, strict=True)
    return "*".join(name if n == 1 else f"{name}**{n}" for name, n in bases if n)


def names(text: str) -> set[str]:
    """Return the names of variables and parameters that an expression uses.

    Names of units and constants are not among them.
    """
    return set(ordered_names(text))


def ordered_names(text: str) -> list[str]:
    """Return the names that :func:`names` gives, as they come in the expression."""
    tree = ast.parse(" ".join(safe(text).split()), mode="eval").body
    called = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    found = [
        node for node in ast.walk(tree)
        if isinstance(node, ast.Name) and id(node) not in called
        and node.id not in UNITS and node.id not in CONSTANTS
    ]  # fmt: skip
    return [node.id for node in sorted(found, key=lambda node: node.col_offset)]


class _Terms:
    """Finds the dimension of each node of an expression from those of its names."""

    def __init__(self, known: Mapping[str, Dimension]) -> None:
        self.known = known

    def of(self, node: ast.expr, wanted: Dimension | None = None) -> Dimension:
        """Return the dimension of a node; `wanted` only helps to say which term is off."""
        if isinstance(node, ast.Name):
            return self._name(node.id)
        if isinstance(node, ast.UnaryOp) and not isinstance(node.op, ast.Not):
            return self.of(node.operand, wanted)
        if isinstance(node, ast.BinOp):
            _check_numbers(node)
            if isinstance(node.op, ast.Add | ast.Sub):
                return self._sum(_summands(node), wanted)
            if isinstance(node.op, ast.Mod):
                return self._sum([node.left, node.right], wanted)
            if isinstance(node.op, ast.Pow):
                return self._power(node)
            return self._product(node, wanted)
        if isinstance(node, ast.Call):
            return self._call(node, wanted)
        if isinstance(node, ast.Compare):
            self._sum([node.left, *node.comparators], None)
        elif isinstance(node, ast.BoolOp):
            for value in node.values:
                self._condition(value)
        elif isinstance(node, ast.UnaryOp):
            self._condition(node.operand)
        return NUMBER

    def _name(self, name: str) -> Dimension:
        found = self.known.get(name, NUMBER if name in CONSTANTS else UNITS.get(name))
        if found is None:
            raise ConfigError(undefined(name, self.known))
        return found

    def _sum(self, terms: list[ast.expr], wanted: Dimension | None) -> Dimension:
        found = [self.of(term, wanted) for term in terms]
        kinds = Counter(found)
        if len(kinds) == 1:
            return found[0]
        should = kinds.most_common(1)[0][0] if wanted is None else wanted
        off = next(k for k, kind in enumerate(found) if kind != should)
        raise _wrong(terms[off], found[off], should)

    def _product(self, node: ast.BinOp, wanted: Dimension | None) -> Dimension:
        """Return a product's or quotient's dimension; a sum in it is told what it should be."""
        divided = isinstance(node.op, ast.Div)
        left_wanted = right_wanted = None
        if wanted is not None and _holds_sum(node.left) and not _holds_sum(node.right):
            left_wanted = _times(wanted, self.of(node.right), 1 if divided else -1)
        elif wanted is not None and _holds_sum(node.right) and not _holds_sum(node.left):
            left = self.of(node.left)
            right_wanted = _times(left, wanted, -1) if divided else _times(wanted, left, -1)
        left, right = self.of(node.left, left_wanted), self.of(node.right, right_wanted)
        return _times(left, right, -1 if divided else 1)

    def _power(self, node: ast.BinOp) -> Dimension:
        base, exponent = self.of(node.left), self.of(node.right)
        if exponent != NUMBER:
            raise _wrong(node.right, exponent, NUMBER)
        if base == NUMBER:
            return NUMBER
        try:
            power = Fraction(str(ast.literal_eval(node.right)))
        except (ValueError, SyntaxError):
            raise ConfigError(
                f"the term {ast.unparse(node)}: {ast.unparse(node.left)} is {_said(base)}, and "
                "only a plain number has a power that is not written as a number"
            ) from None
        return _raised(node, base, power)

    def _call(self, node: ast.Call, wanted: Dimension | None) -> Dimension:
        assert isinstance(node.func, ast.Name)
        name, arguments = node.func.id, node.args
        if not arguments:
            raise ConfigError(f"the term {ast.unparse(node)}: {name} takes an argument")
        if name in NOISE and name not in self.known:
            raise ConfigError(f"the term {ast.unparse(node)}: only a stimulus and a threshold draw")
        if name in NOISE and len(arguments) > 1:
            raise ConfigError(
                f"the term {ast.unparse(node)}: {name} takes one whole number, such as "
                "floor(t/interval)"
            )
        if name in (*_OF_NUMBERS, *NOISE):
            for argument in arguments:
                found = self.of(argument, NUMBER)
                if found != NUMBER:
                    raise _wrong(argument, found, NUMBER)
            return NUMBER
        if name in _KEEPING:
            return self._sum(arguments, wanted)
        if name == "timestep":
            for argument in arguments:
                found = self.of(argument, units.SECOND)
                if found != units.SECOND:
                    raise _wrong(argument, found, units.SECOND)
            return NUMBER
        found = self.of(arguments[0])
        if name == "sqrt":
            return _raised(node, found, Fraction(1, 2))
        return NUMBER  # int, sign

    def _condition(self, node: ast.expr) -> None:
        found = self.of(node)
        if found != NUMBER:
            raise _wrong(node, found, NUMBER)


def undefined(name: str, known: Mapping[str, Dimension]) -> str:
    """Return what is said of a name that is not there, with the nearest one that is."""
    same = [other for other in known if other.casefold() == name.casefold()]
    if same:
        return f"{name} is not defined, but {same[0]} is: names differ by case; did you mean it?"
    if name in _OTHER_UNITS:
        return f"{name} is not defined; did you mean the unit {_OTHER_UNITS[name]}?"
    unit = [other for other in UNITS if other.casefold() == name.casefold()]
    if unit:
        return f"{name} is not defined; did you mean the unit {unit[0]}?"
    folded = {other.casefold(): other for other in known}
    near = difflib.get_close_matches(name.casefold(), folded, n=1, cutoff=0.75)
    near = near or [other for other in folded if sorted(other) == sorted(name.casefold())]
    return f"{name} is not defined" + (f"; did you mean {folded[near[0]]}?" if near else "")


def _summands(node: ast.expr) -> list[ast.expr]:
    """Return the terms of a sum, without recursion into the chain of its left operands."""
    terms: list[ast.expr] = []
    while isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Sub):
        terms.append(node.right)
        node = node.left
    return [node, *reversed(terms)]


def _check_numbers(node: ast.BinOp) -> None:
    """Check that nothing is calculated with what is true or false, which C++ alone lets pass."""
    for side in (node.left, node.right):
        not_number = isinstance(side, ast.UnaryOp) and isinstance(side.op, ast.Not)
        if not_number or isinstance(side, ast.Compare | ast.BoolOp):
            text = ast.unparse(side)
            raise ConfigError(f"the term {text} is true or false; write int({text}) for 1 or 0")


def _holds_sum(node: ast.expr) -> bool:
    """Whether a factor is a sum, or a product with one."""
    if isinstance(node, ast.UnaryOp):
        return _holds_sum(node.operand)
    if not isinstance(node, ast.BinOp):
        return False
    if isinstance(node.op, ast.Mult | ast.Div):
        return _holds_sum(node.left) or _holds_sum(node.right)
    return isinstance(node.op, ast.Add | ast.Sub)


def _times(a: Dimension, b: Dimension, power: int) -> Dimension:
    return tuple(x + power * y for x, y in zip(a, b, strict=True))  # type: ignore[return-value]


def _raised(node: ast.expr, base: Dimension, power: Fraction) -> Dimension:
    found = [power * exponent for exponent in base]
    if any(exponent.denominator != 1 for exponent in found):
        raise ConfigError(f"the term {ast.unparse(node)}: {_said(base)} has no such power")
    return tuple(map(int, found))  # type: ignore[return-value]


def _said(dimension: Dimension) -> str:
    return units.name_of(dimension)


def _wrong(term: ast.expr, found: Dimension, wanted: Dimension) -> ConfigError:
    return ConfigError(
        f"the term {ast.unparse(term)} is {_said(found)}, but should be {_said(wanted)}"
    )
