"""Expressions of plain numbers, right by construction: trees of all that `izhi check` accepts."""

from __future__ import annotations

from collections.abc import Sequence

from izhi.models.equations import FUNCTIONS
from tests.random_models.choices import Choices

LITERALS = (
    "1", "0", "2", "0.5", "3", "0.1", "1.5", "-1", "10", "0.25", "-0.0", "7", "1e-3", "-0.7",
    "2.5e9", "-3e9", "1e300", "1e-300", "5e-324", "1e10",
)  # fmt: skip
TAME = 12
"""How many of the literals are neither huge nor tiny."""

EXPONENTS = ("2", "3", "0.5", "4", "1", "-1", "-2", "0", "-0.5", "5", "1.5", "7", "(-3)", "20")
_SAFE = {
    "log": "1 + abs({})", "log10": "1 + abs({})", "log1p": "abs({})", "sqrt": "abs({})",
    "arcsin": "clip({}, -1, 1)", "arccos": "clip({}, -1, 1)", "exp": "clip({}, -5, 5)",
    "expm1": "clip({}, -5, 5)", "sinh": "clip({}, -5, 5)", "cosh": "clip({}, -5, 5)",
    "exprel": "clip({}, -5, 5)", "tan": "clip({}, -1.5, 1.5)",
}  # fmt: skip
ONE = tuple(sorted(set(FUNCTIONS) - {"clip", "timestep", "int"}))
ROUNDING = ("floor", "ceil", "int", "sign", "abs")


class Expressions:
    """Makes expressions of some atoms.

    Attributes
    ----------
    atoms
        What stands for a number: names, and texts such as ``v/mV`` in parentheses.
    exponents
        Names that may be exponents, besides numbers.
    """

    def __init__(
        self, choices: Choices, atoms: Sequence[str], exponents: Sequence[str] = ()
    ) -> None:
        self.choices, self.atoms, self.exponents = choices, list(atoms), list(exponents)

    def leaf(self) -> str:
        """Return an atom or a number."""
        if self.atoms and not self.choices.chance(25):
            return self.choices.pick(self.atoms)
        tame = not self.choices.chance(12)
        return self.choices.pick(LITERALS[:TAME] if tame else LITERALS)

    def number(self, depth: int) -> str:
        """Return an expression of a number, of at most that many levels."""
        if depth <= 0:
            return self.leaf()
        kind = self.choices.weighted([
            (18, "leaf"), (20, "sum"), (20, "product"), (8, "quotient"), (14, "function"),
            (9, "power"), (5, "rounding"), (4, "remainder"), (5, "condition"), (3, "clip"),
            (4, "minus"), (2, "integers"), (2, "truth"),
        ])  # fmt: skip
        if kind == "leaf":
            return self.leaf()
        first = self.number(depth - 1)
        if kind in ("sum", "product", "quotient", "remainder"):
            second = self.number(depth - 1)
            sign = {"product": "*", "quotient": "/", "remainder": "%"}.get(kind, "+")
            if kind == "sum" and self.choices.chance(50):
                sign = "-"
            if kind in ("quotient", "remainder") and not self.choices.chance(20):
                second = f"1.5 + abs({second})"
            return f"({first}) {sign} ({second})"
        if kind == "minus":
            return f"-({first})"
        if kind == "power":
            return self._power(first)
        if kind == "rounding":
            scale = "" if not self.choices.chance(15) else self.choices.pick(("3e9*", "-1e10*"))
            text = f"{self.choices.pick(ROUNDING)}({scale}({first}))"
            return f"1/{text}" if self.choices.chance(15) else text
        if kind == "condition":
            text = self.condition(depth - 1)
            return f"({first})*({text})" if self.choices.chance(3) else f"int({text})"
        if kind == "clip":
            return f"clip({first}, {self.leaf()}, {self.leaf()})"
        if kind == "integers":
            whole = self.choices.pick(("timestep(t, dt)", "int({})", "floor({})"))
            whole = whole.format(first)
            return f"{whole} {self.choices.pick('/*-+%')} {self.choices.pick(('2', '3', '4'))}"
        if kind == "truth":
            return self._truth(first)
        return self.call(self.choices.pick(ONE), first)

    def _truth(self, number: str) -> str:
        """Return an expression in which conditions are numbers, or numbers conditions."""
        condition = self.condition(1)
        return self.choices.pick((
            f"({number}) * (True + True)", f"int(({number}) and True)", f"int(not not ({number}))",
            f"-(True and ({condition}))", f"abs(not ({condition}) or False)",
            f"int(({condition}) or ({number}) or False)",
            f"exp(({condition}) or False) - exp(True)",
        ))  # fmt: skip

    def call(self, name: str, argument: str) -> str:
        """Return a call, most of the time with an argument for which the function is defined."""
        safe = _SAFE.get(name, "{}")
        text = argument if self.choices.chance(10) else safe.format(f"({argument})")
        return f"{name}({text})"

    def _power(self, base: str) -> str:
        if self.exponents and self.choices.chance(25):
            base = base if self.choices.chance(20) else f"abs({base})"
            return f"({base})**{self.choices.pick(self.exponents)}"
        return f"({base})**{self.choices.pick(EXPONENTS)}"

    def condition(self, depth: int) -> str:
        """Return a condition."""
        kind = self.choices.weighted([(60, "compare"), (15, "and"), (15, "or"), (10, "not")])
        if kind == "compare" or depth <= 0:
            sign = self.choices.pick((">", "<", ">=", "<=", "==", "!="))
            return f"({self.number(min(depth, 1))}) {sign} ({self.number(min(depth, 1))})"
        first = self.condition(depth - 1)
        if kind == "not":
            return f"not ({first})"
        return f"({first}) {kind} ({self.condition(depth - 1)})"

    def bounded(self, depth: int) -> str:
        """Return an expression that mostly stays small."""
        text = self.number(depth)
        frame = self.choices.pick(("{}", "clip({}, -3, 3)", "tanh({})", "sin({})"))
        return frame.format(f"({text})")
