"""Whatever is written: a result or an error of izhi's, never another exception, never a second.

Most of the text is nearly right: real quantities and overrides, changed in a place or two. The
usual run looks at a few hundred examples of each; ``make soak`` at more than 200,000 in all. Each
may take a second of the processor's time, which does not depend on what else the machine does.
"""

import math
import string

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import izhi
from izhi import units
from izhi.config import keys
from izhi.config.compose import parse
from izhi.config.files import check_file
from izhi.config.overrides import sort
from izhi.config.references import check_growth, check_references
from izhi.config.repository import loader_over
from izhi.errors import ConfigError, IzhiError
from izhi.models import equations
from tests.limits import within

LOADER = None


def loader():
    """Return one loader for all examples."""
    global LOADER
    LOADER = LOADER or loader_over()
    return LOADER


def examples(number):
    """Run a test on so many examples."""
    return settings(
        max_examples=number, deadline=None, print_blob=True,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
    )  # fmt: skip


QUANTITIES = [
    "10 mV", "0.02/ms", "1e-3*volt", "-65mV", "140", "5 nA", "1/ms", "2.5 Mohm", ".5", "3.", "",
    "8000 uV", "1 Ω", "3 µs", "4 mV/ms", "1e308 GV", "2**3 mV", "1 mV^2", "7 s**-1", "1 1/ms",
    "nan", "inf", "0x10", "1_0 mV", "\uff11 mV", "1e5e5", "10 mV ms", "1 molar", "1*2", "rest",
]  # fmt: skip
OVERRIDES = [
    "neuron=chattering", "neuron=chattering,resonator", "neuron=glob(*)", "~synapse.U_0", "=", "",
    "neuron=glob(r*,exclude=x)", "neuron@post.neuron=fast_spiking", "synapse.U_0=0.2,0.5",
    "+experiment=presets_u0_amplitude", "synapse.U_0=range(0.1,1.0,0.1)", "stimulus.offset=null",
    "synapse.tau_f=sort(3,1,2,reverse=true)", "stimulus.amplitude='8 mV'", "record.spikes=true",
    'stimulus.amplitude=choice("4 mV",\'8 mV\')', "stimulus.amplitude=shuffle(range(4,8))",
    "stimulus.amplitude=tag(a,choice(1,2))", "stimulus.baseline=${stimulus.amplitude}",
    "synapse.U_0=interval(0,1)", "++synapse.U_0=0.2,0.5", "record.traces={neuron: chattering}",
    "record.traces=[1,2]", "circuit.populations={}", "circuit.populations.pre.count=range(1,4)",
    "study.name=../x", "study.dir=/tmp", "run.n_jobs=-1", "simulation.dt=float(range(1,3))",
    "simulation.seed=99999999999999999999", "a.b.c={d:{e:[1,{}]}}", "hydra.run.dir=x",
    "hydra.sweeper.params={a: b}", "x=${oc.env:HOME}", "x='\\\\'", "x=\\,",
    "neuron=json_str({a:1})", "synapse.U_0=int('3'),str(4),bool(yes)", "synapse.tau_f=range(1,1e9)",
    "synapse.tau_f=range(0,1,0)", "synapse.U_0=extend_list(1,2)",
]  # fmt: skip
CONFIGS = [
    "defaults: [chattering]\nd: 3 mV\n", "model: izhikevich\na: 0.02/ms\nb: 0.2\n", "a: ???\n",
    "# @package _global_\nhydra: {sweeper: {params: {neuron: 'a,b'}}}\n", "- 1\n- 2\n",
    "a: ${neuron.b}\nb: 0.2\n", "a: {b: {c: [1, null, true, 2.5e3, 0x1f, 1:30]}}\n",
    "a: !!str 5\n", "<<: {a: 1}\n", "? a\n: b\n", "a: |\n  text\n", "a: &x [1, 2]\nb: *x\n",
    "defaults: [/synapse: static]\n", "_target_: os.system\n", "a: 'x'\na: 'y'\n",
    "%YAML 1.1\n---\na: 1\n...\n", "a: 2001-01-01\n",
]  # fmt: skip
TERMS = [
    "a*(b*v - u)/dt", "v > v_th", "exp(-x/tau)", "clip(x, 0, 1)**2", "int(t >= 3 and not a)",
    "-u_S*rate_f", "1e-3*x % 2", "C**n/(K**n + C**n)",
]  # fmt: skip
LINES = [
    "dv/dt = (a - v)/tau : volt (unless refractory)", "I = R*x : amp", "x : 1 (constant)",
    "v = c; u += d", "x -= y*z\ng_post += w",
]  # fmt: skip
PIECES = st.sampled_from([
    *"'\"\\,;:=+~@{}[]()<>*/-_.&!#%$^|`? \t\n\0", "${", "$(", "..", "__", "e9", "1e400", "nan",
    "null", "range(", "glob(*", "choice(", "_target_", "${oc.env:HOME}", "é", "\uff11", "\u202e",
    "\ud7ff", "0x", "~~", "<<: ", "*x", "&x ", "!!python/name:os.system ", "\x1b[0m", "9" * 40,
    "((((((", "[[[[[[",
])  # fmt: skip


def nearly(texts):
    """Return real text, changed: pieces put in, cut out, doubled, and two of them joined."""

    @st.composite
    def changed(draw):
        text = draw(st.sampled_from(texts))
        for _ in range(draw(st.integers(0, 3))):
            at = draw(st.integers(0, len(text)))
            end = draw(st.integers(at, min(len(text), at + 6)))
            match draw(st.sampled_from("icdjs")):
                case "i":
                    text = text[:at] + draw(PIECES) + text[at:]
                case "c":
                    text = text[:at] + text[end:]
                case "d":
                    text = text[:end] + text[at:end] * draw(st.integers(1, 20)) + text[end:]
                case "j":
                    text = text[:at] + draw(st.sampled_from(texts))
                case "s":
                    text = text[:at] + draw(PIECES) + text[end:]
        return text

    return st.one_of(changed(), changed(), changed(), st.text(max_size=60),
                     st.text(string.printable, max_size=120))  # fmt: skip


VALUES = st.one_of(
    nearly(QUANTITIES),
    st.none(),
    st.booleans(),
    st.integers(),
    st.sampled_from([10**400, 10**5000, -(10**5000)]),
    st.floats(),
    st.lists(st.integers(), max_size=3),
    st.dictionaries(st.text(max_size=5), st.integers(), max_size=3),
)
KEYS = st.one_of(
    st.sampled_from(keys.known_keys()),
    nearly([*keys.known_keys(), "circuit.populations.pre.count", "post.neuron.a"]),
)


def one_line(error):
    """Check that an error is izhi's, in one line that fits a screen."""
    assert isinstance(error, IzhiError)
    text = " ".join(str(error).split())
    assert text and len(text) < 2_000


@within()
def a_quantity(text):
    try:
        quantity = units.parse(text)
    except ConfigError as error:
        one_line(error)
        return
    assert math.isfinite(quantity.si) and len(quantity.dimension) == 5
    again = units.parse(f"{quantity.number!r} {quantity.unit}")
    assert (again.si, again.dimension) == (quantity.si, quantity.dimension)


@within()
def a_value(key, value):
    try:
        keys.check_value(key, value)
    except ConfigError as error:
        one_line(error)


@within()
def some_overrides(texts, multirun):
    try:
        request = sort(loader(), parse(loader(), texts), multirun)
        for swept in [*request.composed, *request.values]:
            assert all(isinstance(swept.text(i), str) for i in range(min(3, len(swept.values))))
        for key, value in request.leaves:
            a_value(key, value)
    except ConfigError as error:
        one_line(error)


@within(5)  # nine neurons are nine compositions
def a_composition(texts):
    try:
        izhi.plan([*texts, "run.engine=numpy", "run.n_jobs=1"])
    except IzhiError as error:
        one_line(error)


@within()
def a_config(text, folder):
    path = folder / "neuron" / "x.yaml"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    try:
        check_file(path)
        izhi.plan(["neuron=x", "run.engine=numpy", "run.n_jobs=1"], config_dir=folder)
    except IzhiError as error:
        one_line(error)


@within()
def some_references(tree):
    try:
        check_references("x", tree)
        check_growth(tree)
    except ConfigError as error:
        one_line(error)


@within()
def some_equations(text):
    for check in (equations.equations, equations.statements, equations.expression):
        try:
            assert check(text) == text
            assert not set(text) & set("'\"\\#$`{}[]@&|~^?")
        except ConfigError as error:
            one_line(error)


TREES = st.recursive(
    st.sampled_from(
        ["${a}${b}", "${.a}", "${..b.a}", "${a.b}", "${c[0]}", "x", "${d}", "${b.c.d}"]
    ),
    lambda below: st.one_of(
        st.dictionaries(st.sampled_from("abcd"), below, max_size=4), st.lists(below, max_size=3)
    ),
    max_leaves=12,
)
ROOTS = st.dictionaries(st.sampled_from("abcd"), TREES, max_size=4)
OVERRIDE_LISTS = st.lists(nearly(OVERRIDES), min_size=1, max_size=3)

FEW, SOME = 300, 20


@given(nearly(QUANTITIES))
@examples(FEW)
def test_a_quantity(text):
    a_quantity(text)


@given(KEYS, VALUES)
@examples(FEW)
def test_a_value_of_a_key(key, value):
    a_value(key, value)


@given(OVERRIDE_LISTS, st.booleans())
@examples(FEW)
def test_overrides(texts, multirun):
    some_overrides(texts, multirun)


@given(ROOTS)
@examples(FEW)
def test_references(tree):
    some_references(tree)


@given(nearly([*TERMS, *LINES]))
@examples(FEW)
def test_equations(text):
    some_equations(text)


@given(OVERRIDE_LISTS)
@examples(SOME)
def test_a_composition(texts):
    a_composition(texts)


@given(text=nearly(CONFIGS))
@examples(SOME)
def test_a_config_file(text, tmp_path):
    a_config(text, tmp_path)


@pytest.mark.soak
class TestSoak:
    """The same, 206,000 examples in all."""

    @given(nearly(QUANTITIES))
    @examples(80_000)
    def test_a_quantity(self, text):
        a_quantity(text)

    @given(KEYS, VALUES)
    @examples(40_000)
    def test_a_value_of_a_key(self, key, value):
        a_value(key, value)

    @given(OVERRIDE_LISTS, st.booleans())
    @examples(40_000)
    def test_overrides(self, texts, multirun):
        some_overrides(texts, multirun)

    @given(ROOTS)
    @examples(20_000)
    def test_references(self, tree):
        some_references(tree)

    @given(nearly([*TERMS, *LINES]))
    @examples(20_000)
    def test_equations(self, text):
        some_equations(text)

    @given(OVERRIDE_LISTS)
    @examples(3_000)
    def test_a_composition(self, texts):
        a_composition(texts)

    @given(text=nearly(CONFIGS))
    @examples(3_000)
    def test_a_config_file(self, text, tmp_path):
        a_config(text, tmp_path)
