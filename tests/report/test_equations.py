"""Equations typeset as MathML: structure, the author's order, nothing of a text that is markup."""

import re
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from izhi.report.page import mathml


def shown(text):
    """Return MathML in short: fractions (a)/(b), subscripts a_{b}, powers a^{b}, brackets kept."""
    return _short(ElementTree.fromstring(text))


def _short(node):
    parts = [_short(child) for child in node]
    forms = {"mfrac": "({})/({})", "msub": "{}_{{{}}}", "msup": "{}^{{{}}}", "msqrt": "√({})"}
    if node.tag in forms:
        return forms[node.tag].format(*parts)
    own = (node.text or "").replace("\u2061", "").replace("\u2062", " ")
    return " " * (node.tag == "mspace") + own + "".join(parts)


@pytest.mark.parametrize(
    "line, wanted",
    [
        ("dv/dt = (C1*v**2 + C2*v + C3 - u + R*I)/tau_m : volt   # membrane potential",
         "(dv)/(dt)=(C_{1} v^{2}+C_{2} v+C_{3}−u+R I)/(τ_{m})"),
        ("du/dt = a*(b*v - u) : volt", "(du)/(dt)=a (b v−u)"),
        ("dx_S/dt = (1 - x_S)/tau_d : 1 (event-driven)", "(dx_{S})/(dt)=(1−x_{S})/(τ_{d})"),
        ("on = int(t >= onset and t < offset) : 1", "on=[t≥onset and t<offset]"),
    ],
)  # fmt: skip
def test_declarations(line, wanted):
    (found,) = mathml.equations(line)
    assert shown(found) == wanted


@pytest.mark.parametrize(
    "text, wanted",
    [
        ("v > v_th", "v>v_{th}"),
        ("a - (b - c)", "a−(b−c)"),
        ("a - b - c", "a−b−c"),
        ("(a + b)*c", "(a+b) c"),
        ("2*-x", "2 (−x)"),
        ("-x**2", "−x^{2}"),
        ("(-x)**2", "(−x)^{2}"),
        ("(a/b)**2", "((a)/(b))^{2}"),
        ("a**-tau", "a^{−τ}"),
        ("a*2*b", "a⋅2 b"),
        ("weight*gain", "weight⋅gain"),
        ("exp(-(v - V_T)/Delta_T)", "exp((−(v−V_{T}))/(Δ_{T}))"),
        ("sqrt(abs(x)) + floor(y)", "√(|x|)+⌊y⌋"),
        ("1e-3*x", "1×10^{−3} x"),
        ("0.04*x", "0.04 x"),
        ("not (a < b or c != d) and e == f", " not (a<b  or  c≠d)  and  e=f"),
        ("a + b % c", "a+(b  mod  c)"),
        ("clip(x, 0, 1)", "clip(x,0,1)"),
        ("I_S_post", "I_{S,post}"),
    ],
)
def test_expressions(text, wanted):
    assert " ".join(shown(mathml.condition(text)).split()) == " ".join(wanted.split())


def test_statements_assign():
    text = "u_S += U_0*(1 - u_S)\nx_S -= r_S + y; v *= a + b  # and so on"
    assert [*map(shown, mathml.statements(text))] == [
        "u_{S}←u_{S}+U_{0} (1−u_{S})", "x_{S}←x_{S}−(r_{S}+y)", "v←v (a+b)",
    ]  # fmt: skip


def test_what_goes_into_a_population():
    assert shown(mathml.inputs("post", ["stimulus", "pre_to_post"])) == (
        "I_{post}=I_{stimulus}+I_{pre_to_post}"
    )


@pytest.mark.parametrize("text", [
    "<script>alert(1)</script>", "v > </mtext><img src=x onerror=alert(1)>", "a = & <b>", "((((",
    "1e", "dv/dt = <mi> : volt", "x" * 30_000, "+".join(["a"] * 9_000), "\u0000<&\ud800",
])  # fmt: skip
def test_text_that_is_no_equation_is_shown_as_it_is(text):
    for found in (*mathml.equations(text + " ="), mathml.condition(text), *mathml.statements(text)):
        tags = set(re.findall(r"<(/?\w+)", found))
        assert tags <= {f"{end}{tag}" for end in ("", "/") for tag in (
            "math", "mrow", "mtext", "mi", "mo", "mn", "mfrac", "msub", "msup")}  # fmt: skip
        assert "onerror" not in found or "&lt;img" in found


NAMES = st.sampled_from(["v", "u_S", "tau_m", "C1", "amplitude", "Delta_T", "I_S_post", "v_th2"])


def _binary(inner):
    signs = st.sampled_from([" + ", " - ", "*", "/", " % "])
    return st.tuples(inner, signs, inner).map("({0[0]}{0[1]}{0[2]})".format)


def _condition(inner):
    signs = st.sampled_from(["<", ">=", "=="])
    return st.tuples(inner, signs, inner).map("int({0[0]} {0[1]} {0[2]})".format)


TERMS = st.recursive(
    NAMES | NAMES.map("({} + 1)**2".format) | st.sampled_from(["0.5", "1e-3", "2.", "7"]),
    lambda inner: (
        _binary(inner) | _condition(inner) | inner.map("-{}".format) | inner.map("exp({})".format)
    ),
    max_leaves=12,
)


@given(TERMS)
def test_every_expression_gives_well_formed_markup_with_all_its_names(text):
    found = mathml.condition(text)
    tree = ElementTree.fromstring(found)
    assert {node.text for node in tree.iter("mtext")} <= {"mod"}
    numbers = [node.text for node in tree.iter("mn")]
    assert numbers.count("0.5") == text.count("0.5")
    greek = [node.text for node in tree.iter("mi")].count("τ")
    assert greek == text.count("tau")


@given(st.text(max_size=60))
def test_any_text_is_escaped(text):
    for found in (mathml.condition(text), mathml.symbol(text), *mathml.statements(text)):
        body = re.sub(
            r"</?(math|mrow|mtext|mi|mo|mn|msub|msup|mfrac|mspace|msqrt)[^<>]*>", "", found
        )
        assert "<" not in body
        assert ">" not in body
