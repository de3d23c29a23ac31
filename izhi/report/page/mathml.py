"""Equations in Brian2's notation, typeset as presentation MathML.

Terms and factors keep the author's order. What cannot be read as an equation is shown as it is
written; all text is escaped.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence
from html import escape

from izhi.errors import ConfigError
from izhi.models.declarations import lines
from izhi.models.equations import DECLARATION
from izhi.models.equations import expression as checked

_LETTERS = dict(zip(
    ("alpha beta gamma delta epsilon zeta eta theta iota kappa lambda_ mu nu omicron pi rho sigma "
     "tau upsilon phi chi psi omega Gamma Delta Theta Lambda Xi Pi Sigma Upsilon Phi Psi "
     "Omega").replace("lambda_", "lambda").split(),
    "αβγδεζηθικλμνοπρστυφχψωΓΔΘΛΞΠΣΥΦΨΩ", strict=True,
))  # fmt: skip

_SIGNS = {
    ast.Add: "+", ast.Sub: "−", ast.Lt: "<", ast.LtE: "≤", ast.Gt: ">", ast.GtE: "≥",
    ast.Eq: "=", ast.NotEq: "≠",
}  # fmt: skip

_OR, _AND, _NOT, _COMPARED, _SUM, _PRODUCT, _SIGN, _POWER, _ATOM = range(9)
"""How closely the parts of a term hold together."""

_STATEMENT = re.compile(r"\s*([A-Za-z]\w*)\s*([-+*/]?)=(.*)", re.ASCII | re.DOTALL)

_AROUND = {"abs": ("|", "|"), "floor": ("⌊", "⌋"), "ceil": ("⌈", "⌉")}


def equation(line: str) -> str:
    """Return one declaration, ``dv/dt = ... : volt``, without its unit and flags.

    Parameters
    ----------
    line
        A line of equations.
    """
    found = DECLARATION.fullmatch(line.strip())
    if found is None or found["term"] is None:
        return _math(_text(line))
    left = name(found["name"]) if found["name"] else _slope(found["state"])
    return _math(left, _operator("="), _expression(found["term"]))


def equations(text: str) -> list[str]:
    """Return all declarations of a text but those that only name a parameter."""
    return [equation(line) for line in lines(text) if "=" in line]


def current(source: str, expression: str) -> str:
    """Return what a stimulus or a projection gives: its part of ``I``, and the expression."""
    return _math(_part(source), _operator("="), _expression(expression))


def inputs(population: str, sources: Sequence[str]) -> str:
    """Return what the ``I`` of a population is the sum of."""
    total = _operator("+").join(map(_part, sources))
    return _math(_part(population), _operator("="), f"<mrow>{total}</mrow>")


def _part(of: str) -> str:
    return f"<msub><mi>I</mi><mtext>{escape(of)}</mtext></msub>"


def condition(text: str) -> str:
    """Return a condition or another expression."""
    return _math(_expression(text))


def statements(text: str) -> list[str]:
    """Return what a spike does: ``u += d`` becomes u ← u + d."""
    parts = [part.strip() for line in lines(text) for part in line.split(";")]
    return [_statement(part) for part in parts if part]


def symbol(text: str) -> str:
    """Return a name by itself."""
    return _math(name(text))


def name(text: str) -> str:
    """Return a name: what follows the first ``_``, or digits at its end, is a subscript."""
    first, *rest = [part for part in text.split("_") if part] or [text]
    numbered = re.fullmatch(r"([A-Za-z]+)(\d+)", first)
    if numbered:
        first, rest = numbered[1], [numbered[2], *rest]
    if not rest:
        return _identifier(first)
    below = _operator(",").join(map(_identifier, rest))
    return f"<msub>{_identifier(first)}<mrow>{below}</mrow></msub>"


def _identifier(text: str) -> str:
    kind = "mn" if text.isdigit() else "mi"
    return f"<{kind}>{escape(_LETTERS.get(text, text))}</{kind}>"


def _statement(text: str) -> str:
    found = _STATEMENT.fullmatch(text)
    if found is None:
        return _math(_text(text))
    left, sign, term = found[1], found[2], found[3].strip()
    if sign:
        term = f"{left} {sign} {term}" if sign == "+" else f"{left} {sign} ({term})"
    return _math(name(left), _operator("←"), _expression(term))


def _math(*parts: str) -> str:
    return f'<math display="block"><mrow>{"".join(parts)}</mrow></math>'


def _text(text: str) -> str:
    return f"<mtext>{escape(' '.join(text.split()))}</mtext>"


def _operator(sign: str) -> str:
    return f"<mo>{escape(sign)}</mo>"


def _slope(state: str) -> str:
    return f"<mfrac><mrow><mi>d</mi>{name(state)}</mrow><mrow><mi>d</mi><mi>t</mi></mrow></mfrac>"


def _expression(text: str) -> str:
    line = " ".join(text.split())
    try:
        tree = ast.parse(checked(line), mode="eval").body
        return _Writer(line).write(tree)[0]
    except (ConfigError, SyntaxError, ValueError, RecursionError, MemoryError):
        return _text(text)


class _Writer:
    """Writes the parts of one expression, each with how closely it holds together."""

    def __init__(self, line: str) -> None:
        self.line = line

    def write(self, node: ast.expr) -> tuple[str, int]:
        """Return a part as MathML, and how closely it holds together."""
        match node:
            case ast.Constant():
                return self._number(node), _ATOM
            case ast.Name():
                return name(node.id), _ATOM
            case ast.BinOp():
                return self._binary(node)
            case ast.UnaryOp(op=ast.Not()):
                return _word("not") + self.inside(node.operand, _NOT), _NOT
            case ast.UnaryOp():
                sign = "−" if isinstance(node.op, ast.USub) else "+"
                return _operator(sign) + self.inside(node.operand, _SIGN), _SIGN
            case ast.BoolOp():
                level, word = (_AND, "and") if isinstance(node.op, ast.And) else (_OR, "or")
                return _word(word).join(self.inside(n, level + 1) for n in node.values), level
            case ast.Compare():
                return self._compared(node), _COMPARED
            case ast.Call():
                return self._call(node)
        raise ValueError("no part of an equation")

    def inside(self, node: ast.expr, least: int) -> str:
        """Return a part, in brackets where it holds together less than what is around it."""
        text, level = self.write(node)
        return f"<mrow>{text}</mrow>" if level >= least else _bracketed(text)

    def _right(self, node: ast.expr, least: int) -> str:
        """Return what follows another sign, which no sign of its own may follow."""
        return self.inside(node, _ATOM if isinstance(node, ast.UnaryOp) else least)

    def _number(self, node: ast.Constant) -> str:
        written = ast.get_source_segment(self.line, node) or repr(node.value)
        digits, _, exponent = written.lower().partition("e")
        if not exponent or isinstance(node.value, bool):
            return f"<mn>{escape(written)}</mn>"
        power = f"<msup><mn>10</mn>{_signed(exponent)}</msup>"
        return f"<mrow><mn>{escape(digits)}</mn>{_operator('×')}{power}</mrow>"

    def _binary(self, node: ast.BinOp) -> tuple[str, int]:
        match node.op:
            case ast.Div():
                above, below = self.write(node.left)[0], self.write(node.right)[0]
                return f"<mfrac><mrow>{above}</mrow><mrow>{below}</mrow></mfrac>", _PRODUCT
            case ast.Pow():
                base, exponent = self.inside(node.left, _ATOM), self.write(node.right)[0]
                return f"<msup>{base}<mrow>{exponent}</mrow></msup>", _POWER
            case ast.Mult():
                sign = _times(node.left, node.right)
                left, right = self.inside(node.left, _PRODUCT), self._right(node.right, _PRODUCT)
                return left + _operator(sign) + right, _PRODUCT
            case ast.Mod():
                left, right = self.inside(node.left, _PRODUCT), self._right(node.right, _POWER)
                return left + _word("mod") + right, _SUM
        left, right = self.inside(node.left, _SUM), self._right(node.right, _PRODUCT)
        return left + _operator(_SIGNS[type(node.op)]) + right, _SUM

    def _compared(self, node: ast.Compare) -> str:
        parts = [self.inside(node.left, _SUM)]
        for operator, right in zip(node.ops, node.comparators, strict=True):
            parts += [_operator(_SIGNS[type(operator)]), self.inside(right, _SUM)]
        return "".join(parts)

    def _call(self, node: ast.Call) -> tuple[str, int]:
        assert isinstance(node.func, ast.Name)
        function = node.func.id
        given = [f"<mrow>{self.write(argument)[0]}</mrow>" for argument in node.args]
        if len(given) == 1 and function == "sqrt":
            return f"<msqrt>{given[0]}</msqrt>", _ATOM
        if len(given) == 1 and function in _AROUND:
            before, after = _AROUND[function]
            return _fenced(given[0], before, after), _ATOM
        if function == "int" and isinstance(node.args[0], ast.Compare | ast.BoolOp):
            return _fenced(given[0], "[", "]"), _ATOM  # 1 where it holds, else 0
        listed = _operator(",").join(given)
        return f"<mi>{escape(function)}</mi><mo>&#x2061;</mo>{_bracketed(listed)}", _ATOM


def _signed(exponent: str) -> str:
    sign = _operator("−") if exponent[0] == "-" else ""
    return f"<mrow>{sign}<mn>{escape(exponent.lstrip('+-'))}</mn></mrow>"


def _times(left: ast.expr, right: ast.expr) -> str:
    """Return the sign of a product: a dot where two words or a number would run together."""
    while isinstance(left, ast.BinOp) and isinstance(left.op, ast.Mult):
        left = left.right
    while isinstance(right, ast.BinOp) and isinstance(right.op, ast.Mult | ast.Pow):
        right = right.left
    return "⋅" if _word_like(left) or _word_like(right) or _is_number(right) else "\u2062"


def _word_like(node: ast.expr) -> bool:
    if isinstance(node, ast.Call):
        return True
    if not isinstance(node, ast.Name):
        return False
    first = node.id.partition("_")[0].rstrip("0123456789")
    return len(first) > 1 and first not in _LETTERS


def _is_number(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant)


def _word(text: str) -> str:
    return f"<mspace width='0.3em'/><mtext>{text}</mtext><mspace width='0.3em'/>"


def _bracketed(text: str) -> str:
    return _fenced(text, "(", ")")


def _fenced(text: str, before: str, after: str) -> str:
    return f"<mrow>{_operator(before)}{text}{_operator(after)}</mrow>"
