"""What text in equations that cannot be read was probably meant to be."""

from __future__ import annotations

import re

from izhi.errors import did_you_mean

_SIGNS = {
    "^": "a power is written **", ";": "write one a line", "\u2212": "write -",
    "\u2013": "write -", "\u00d7": "write *", "\u00b7": "write *", "\u22c5": "write *",
    "'": "a slope is written dv/dt", "\u2019": "a slope is written dv/dt", "[": "write (",
    "{": "write (", "&": "write and", "|": "write or", "\u00b5": "write u, as in uA",
    "\u03bc": "write u, as in uA", "\u2265": "write >=", "\u2264": "write <=",
}  # fmt: skip
_BETWEEN = re.compile(r"([\w.)]+)\s+([A-Za-z(]\w*)", re.ASCII)
_WORDS = ("and", "or", "not")


def of_sign(sign: str) -> str:
    """Return what is written in the place of a sign, after a semicolon; ``""`` where unknown."""
    return f"; {_SIGNS[sign]}" if sign in _SIGNS else ""


def of_expression(text: str) -> str:
    """Return why a text is not an expression, after a semicolon; ``""`` where that is unknown."""
    opened, closed = text.count("("), text.count(")")
    if opened != closed:
        return "; a bracket is not closed" if opened > closed else "; there is a ) too many"
    if re.search(r"(?<![<>=!])=(?!=)", text):
        return "; a comparison is written >, >=, <, <= or =="
    for before, after in _BETWEEN.findall(text):
        if before not in _WORDS and after not in _WORDS:
            return f"; there is no operator between {before} and {after}"
    if re.search(r"[-+*/<>=,]\s*$", text):
        return "; it ends with an operator"
    return ""


def of_statement(text: str) -> str:
    """Return how several statements are written, after a semicolon; ``""`` for a single one."""
    several = re.search(r",\s*\w+\s*[-+*/]?=(?!=)", text)
    return "; statements are separated by ; or by lines" if several else ""


def of_number(text: str) -> str:
    """Return how a number with something glued to it is written, after a semicolon."""
    found = re.fullmatch(r"([\d.]+)([A-Za-z]\w*)", text)
    return f"; write {found[1]}*{found[2]}" if found else ""


def of_declaration(line: str) -> str:
    """Return how a line that declares nothing is written, after a semicolon."""
    if re.match(r"\w+\s*'", line):
        return "; a slope is written dv/dt"
    if ":" not in line:
        return "; its unit is missing, as in : volt"
    if line.count(":") > 1:
        return "; two colons, or two equations in one line"
    if re.match(r"d\w+/dt\s*[^=\s]", line):
        return "; = is missing"
    return ""


def of_unit(unit: str, known: frozenset[str]) -> str:
    """Return the unit that was meant, after a semicolon: equations have no prefixes there."""
    scaled = {"mV": "volt", "uV": "volt", "V": "volt", "ms": "second", "s": "second", "A": "amp",
              "nA": "amp", "pA": "amp", "uA": "amp", "mA": "amp", "nS": "siemens", "S": "siemens",
              "pF": "farad", "nF": "farad", "F": "farad", "kHz": "Hz", "Mohm": "ohm"}  # fmt: skip
    if unit in scaled:
        return f"; write {scaled[unit]}, whatever the size of its values"
    near = did_you_mean(unit, known)
    return near if "did you mean" in near else ""
