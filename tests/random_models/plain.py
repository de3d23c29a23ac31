"""A point of a network as a user of Brian2 would write it, straight from the texts of its configs.

Nothing here comes from izhi's models or engines. Of izhi it takes the units of values, the numbers
that were drawn, and the portable functions: their last bits are those of a C library else, and
Brian2's ``clip`` depends on the target where the bounds are in the wrong order. Powers
are products, as izhi documents them. A parameter is a constant in the namespace; what drives cells
is one number for all of them; a time that is compared with t acts from a step on.
"""

from __future__ import annotations

import ast
import copy
import itertools
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from brian2.codegen.generators.numpy_generator import NumpyCodeGenerator
from brian2.codegen.runtime.numpy_rt import NumpyCodeObject
from brian2.codegen.targets import codegen_targets
from brian2.core.functions import DEFAULT_FUNCTIONS
from brian2.parsing.rendering import NumpyNodeRenderer
from numpy.typing import NDArray

from izhi import exponential, functions, portable, units
from izhi.engine import runtime
from izhi.sweep.plan import FIRST_OF, TARGET
from tests.random_models.engines import Case
from tests.random_models.networks import Config, Network, stimuli_of

TEXTS = ("model", "equations", "threshold", "reset", "refractory", "method", "constants",
         "per_cell", "per_synapse", "on_pre", "target", "current")  # fmt: skip
NEARLY = 0.001
"""Of a step: a time so close to the grid is on it."""

_LATER = "_t_later"
"""Stands for t, a thousandth of a step later, in a floor or what is left of a period."""
_DRAWS = re.compile(r"\b(?:normal_at|uniform_at)\b")
_OTHERWISE = re.compile(r"\b(?:True|False|not not)\b")
"""Where Brian2 takes conditions for numbers, or numbers for conditions, in ways of its own."""
_NUMBERS_OF_SYMPY = {"nan", "inf", "oo", "zoo"}
"""Names that sympy takes for numbers where a script has them; izhi's own names end otherwise."""
_STATE = re.compile(r"(?m)^d(\w+)/dt")
_SUBEXPRESSION = re.compile(r"(?m)^\w+\s*=([^:]+):")
_DECLARED = re.compile(r"(?m)^(?:d(\w+)/dt|(\w+))\s*[=:]")


# --------------------------------------------------------------- arithmetic with portable bits


class _Renderer(NumpyNodeRenderer):
    def render_BinOp(self, node: Any) -> str:
        kind = type(node.op).__name__
        if kind not in ("Pow", "Mod"):
            return str(super().render_BinOp(node))
        if kind == "Mod":
            return f"_rest({self.render_node(node.left)}, {self.render_node(node.right)})"
        base, exponent = self.render_node(node.left), self.render_node(node.right)
        return f"_pow({base}, {exponent})"


class PlainGenerator(NumpyCodeGenerator):
    """Brian2's generator, but for powers and remainders."""

    class_name = "plain_portable_generator"

    def translate_expression(self, expr: str) -> str:
        return str(_Renderer(auto_vectorise=self.auto_vectorise).render_expr(expr, self.variables))

    def translate_statement(self, statement: Any) -> str:
        if statement.op in ("=", ":=") and statement.expr.isidentifier():  # not the same array
            return f"{statement.var} = _numpy.copy({statement.expr})[()]"
        cases = statement.boolean_simplified_expressions
        if cases:
            statement = copy.copy(statement)
            statement.boolean_simplified_expressions = {
                values: self.translate_expression(text) for values, text in cases.items()
            }
        return str(super().translate_statement(statement))

    def ufunc_at_vectorisation(self, *args: Any, **kwargs: Any) -> Any:
        from brian2.codegen.generators.numpy_generator import VectorisationError

        raise VectorisationError  # it renders by itself


class PlainNumpy(NumpyCodeObject):
    """Brian2's numpy target with powers of its own."""

    class_name = "plain_portable"
    generator_class = PlainGenerator

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.namespace |= {"_pow": _pow, "_rest": _rest}


def _pow(base: Any, exponent: Any) -> Any:
    """Return a power: a product where it is whole, a root where it is a half."""
    if np.ndim(exponent):  # of each cell
        powers = [_pow(b, e) for b, e in np.broadcast(base, exponent)]
        return np.array(powers, np.float64)
    size = abs(float(exponent))
    if size == 0.5:
        found = np.sqrt(base)
    elif size.is_integer() and size <= 64:
        found = _product(np.asarray(base, np.float64), int(size))
    elif size.is_integer():
        large = exponential.exp(exponent * functions.log(np.abs(base)))
        return large * np.copysign(1.0, base) if size % 2 else large
    else:
        return exponential.exp(exponent * functions.log(base))
    return found if exponent > 0 else 1.0 / found


def _product(base: Any, n: int) -> Any:
    if n == 0:
        return np.ones_like(base)
    if n == 1:
        return base
    return _product(base, n - 1) * base if n % 2 else _product(base, n // 2) ** 2


def _rest(x: Any, y: Any) -> Any:
    return x - y * np.floor(np.asarray(x, np.float64) / y)


def _register() -> None:
    codegen_targets.add(PlainNumpy)
    own = {name: function.numpy for name, function in portable.FUNCTIONS.items()}
    for name, function in own.items():
        DEFAULT_FUNCTIONS[name].implementations.add_implementation(PlainNumpy, function)


_register()


# --------------------------------------------------------------- which populations, and their texts


def comparable(case: Case) -> list[str]:
    """Return the populations that a plain network can have: they, and what projects onto them."""
    network = case.network
    left = [name for name in network.populations if _is_plain(network, name)]
    while True:
        kept = [
            name for name in left
            if all(p["source"] in left for p in network.projections.values() if p["target"] == name)
        ]  # fmt: skip
        if kept == left:
            return left
        left = kept


def _is_plain(network: Network, name: str) -> bool:
    population = network.populations[name]
    neuron = population["neuron"]
    if _method(network, neuron).startswith("located") and _STATE.search(neuron["equations"]):
        return False
    texts = str([population, *(p["synapse"] for p in network.projections.values()
                               if name in (p["source"], p["target"]))])  # fmt: skip
    if _DRAWS.search(str(population)) or "file" in str(population):
        return False
    if _OTHERWISE.search(texts) or _has_powers_of_whole_numbers(texts):
        return False
    if _has_bare_conditions(neuron):
        return False
    onto = [p["synapse"] for p in network.projections.values() if p["target"] == name]
    if any(map(_reads_states_once, onto)):
        return False
    owned = [_names(neuron)]
    owned += [_names(one) for one in stimuli_of(population.get("stimulus", {}))]
    for projection in network.projections.values():
        if projection["target"] == name or projection["source"] == name:
            owned.append(_names(projection["synapse"]))
    every = [one for names in owned for one in names]
    return len(every) == len(set(every)) and not _NUMBERS_OF_SYMPY & set(every)


def _has_bare_conditions(config: Config) -> bool:
    """Whether a subexpression is a condition: numpy adds two of them up to True."""
    kinds = ast.Compare | ast.BoolOp | ast.Not
    texts = f"{config.get('equations', '')}\n{config.get('target', '')}"
    for term in _SUBEXPRESSION.findall(texts):
        top = ast.parse(term.strip(), mode="eval").body
        top = top.op if isinstance(top, ast.UnaryOp) else top
        if isinstance(top, kinds):
            return True
    return False


def _reads_states_once(synapse: Config) -> bool:
    """Whether a subexpression names a state: Brian2 computes it once for all that a spike does."""
    text = synapse.get("equations", "")
    terms = " ".join(_SUBEXPRESSION.findall(text))
    return any(re.search(rf"\b{state}\b", terms) for state in _STATE.findall(text))


def _has_powers_of_whole_numbers(texts: str) -> bool:
    """Whether a negative power is one of numbers that are written out: Brian2 may take it for 0."""
    for found in re.finditer(r"\*\*\(?-", texts):
        end, depth = found.start() - 1, 0
        for start in range(end, -1, -1):
            depth += {")": 1, "(": -1}.get(texts[start], 0)
            if depth == 0:
                break
        if not re.search("[A-Za-z]", texts[start:end]):
            return True
    return False


def _names(config: Config) -> set[str]:
    """Return the names that a model declares or is given."""
    given = {key for key in config if key not in TEXTS and not isinstance(config[key], dict)}
    declared = set[str]()
    for key in ("equations", "target"):
        declared |= {a or b for a, b in _DECLARED.findall(config.get(key, ""))}
    starts = {f"{state}_0" for state in declared}
    return (given - starts) | declared | set(config.get("constants", {}))


def _method(network: Network, neuron: Config) -> str:
    return str(neuron.get("method", network.simulation["method"]))


class _AsSteps(ast.NodeTransformer):
    """Compares steps in the place of times, and takes the time of a floor a little later."""

    def __init__(
        self, values: Mapping[str, float], dt: float, subexpressions: Mapping[str, str]
    ) -> None:
        self.values, self.dt = dict(values), dt
        self.scope = {**self.values, "ms": 0.001, "second": 1.0}
        for name in _times_of_parameters(subexpressions, values):
            self.scope[name] = self._value(subexpressions[name])
        self.moving = {"t", "dt", *subexpressions} - self.scope.keys()

    def _value(self, text: str) -> Any:
        return eval(text.strip(), {"__builtins__": {}}, self.scope)

    def visit_Compare(self, node: ast.Compare) -> ast.expr:
        terms = [node.left, *node.comparators]
        parts = [
            self._pair(a, op, b)
            for a, op, b in zip(terms[:-1], node.ops, terms[1:], strict=True)
        ]  # fmt: skip
        return parts[0] if len(parts) == 1 else ast.BoolOp(ast.And(), parts)

    def _pair(self, left: ast.expr, op: ast.cmpop, right: ast.expr) -> ast.expr:
        mirrored = {ast.Lt: ast.Gt, ast.LtE: ast.GtE, ast.Gt: ast.Lt, ast.GtE: ast.LtE}
        if _is_t(right) and type(op) in mirrored:
            left, op, right = right, mirrored[type(op)](), left
        names = {n.id for n in ast.walk(right) if isinstance(n, ast.Name)}
        if not _is_t(left) or names & self.moving:
            return ast.Compare(self.visit(left), [op], [self.visit(right)])
        at = self._value(ast.unparse(right)) / self.dt
        after, later = isinstance(op, ast.Gt | ast.LtE), isinstance(op, ast.Gt | ast.GtE)
        if math.isnan(at):  # no comparison with it holds
            at = math.inf if later else -math.inf
        at = min(max(at, -(2.0**40)), 2.0**40)
        step = math.floor(at + NEARLY) + 1 if after else math.ceil(at - NEARLY)
        step = min(max(step, -(2**31) + 1), 2**31 - 1)
        sign = ast.GtE() if later else ast.Lt()
        return ast.Compare(ast.Name("t_in_timesteps"), [sign], [ast.Constant(step)])

    def visit_Call(self, node: ast.Call) -> ast.expr:
        arguments = [self.visit(one) for one in node.args]
        if isinstance(node.func, ast.Name) and node.func.id == "floor":
            arguments = [_Later().visit(one) for one in arguments]
        return ast.Call(node.func, arguments, [])

    def visit_BinOp(self, node: ast.BinOp) -> ast.expr:
        self.generic_visit(node)
        if isinstance(node.op, ast.Mod):
            node.left = _Later().visit(node.left)
        return node


def _times_of_parameters(subexpressions: Mapping[str, str], values: Mapping[str, Any]) -> list[str]:
    """Return the subexpressions that are sums and quotients of parameters, and nothing else."""
    return [
        name for name, text in subexpressions.items()
        if set(re.findall(r"[A-Za-z]\w*", text)) <= values.keys() | {"ms", "second"}
        and not re.search("[<>=%]|[*]{2}", text)
    ]  # fmt: skip


class _Later(ast.NodeTransformer):
    def visit_Name(self, node: ast.Name) -> ast.expr:
        return ast.Name(_LATER) if node.id == "t" else node


def _is_t(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id == "t"


# --------------------------------------------------------------- the network of a point


@dataclass(frozen=True)
class Cell:
    """What a cell does: spikes in time steps, and all states and I at each step."""

    steps: NDArray[np.int64]
    traces: dict[str, NDArray[np.float64]]


class PlainPoint:
    """One point of a network.

    Parameters
    ----------
    case
        The network.
    point
        Number of the point.
    """

    def __init__(self, case: Case, point: int) -> None:
        self.case, self.point = case, point
        self.network = case.network
        self.dt, self.duration = (units.parse(self.network.simulation[key]).si
                                  for key in ("dt", "duration"))  # fmt: skip
        sizes = self.network.sweep.values()
        chosen = list(itertools.product(*sizes))[case.numbers[point]]
        self.swept = dict(zip(self.network.sweep, chosen, strict=True))

    def run(self, populations: list[str]) -> dict[str, Cell]:
        """Return what each cell of some populations does, by its label."""
        with runtime.quiet_brian() as b2, np.errstate(all="ignore"):
            b2.prefs.codegen.target = PlainNumpy.class_name
            b2.defaultclock.dt = self.dt * b2.second
            groups = {name: self._cells(b2, name) for name in populations}
            synapses = [
                self._synapses(b2, name, groups)
                for name, p in self.network.projections.items() if p["target"] in groups
            ]  # fmt: skip
            spikes = {n: b2.SpikeMonitor(g, name=f"spikes_{n}") for n, g in groups.items()}
            traces = {
                n: b2.StateMonitor(g, [*_states(self._neuron(n)), "I"], record=True,
                                   name=f"traces_{n}")
                for n, g in groups.items()
            }  # fmt: skip
            network = b2.Network(*groups.values(), *filter(None, synapses), *spikes.values(),
                                 *traces.values())  # fmt: skip
            network.run(self.duration * b2.second, namespace={})
            found = {}
            for name, group in groups.items():
                steps = np.rint(np.asarray(spikes[name].t_) / self.dt).astype(np.int64)
                cells = np.asarray(spikes[name].i)
                for cell in range(len(group)):
                    of_cell = {v: np.array(traces[name].variables[v].get_value()[:, cell])
                               for v in traces[name].record_variables}  # fmt: skip
                    found[f"{name}{cell}"] = Cell(steps[cells == cell], of_cell)
            return found

    def _neuron(self, name: str) -> Config:
        return self.network.populations[name]["neuron"]  # type: ignore[no-any-return]

    def _values(self, group: str, config: Config) -> dict[str, Any]:
        """Return the quantities that a model is given."""
        found = {}
        for key, text in {**config, **config.get("constants", {})}.items():
            if text is None:
                found[key] = units.Quantity(math.inf, units.SECOND, math.inf, "null")
            elif key not in TEXTS and not isinstance(text, dict):
                found[key] = units.parse(str(self.swept.get(f"{group}.{key}", text)).strip("'"))
        return found

    def _cells(self, b2: Any, name: str) -> Any:
        population, neuron = self.network.populations[name], self._neuron(name)
        volt = bool(re.search(r"(?m)^dv/dt.*: volt", neuron["equations"]))
        unit = "volt" if volt else "1"
        lines = [neuron["equations"]]
        values = self._values(f"{name}.neuron", neuron)
        entering, namespace = [], {}
        if "stimulus" in population:
            text, declared, given = self._drive(f"{name}.stimulus", population["stimulus"])
            entering.append("drive")
            lines += [f"drive = {text} : {unit} (shared, constant over dt)", *declared]
            namespace |= given
        for projection, p in self.network.projections.items():
            synapse = p["synapse"]
            if p["target"] != name:
                continue
            if "target" in synapse:
                lines.append(synapse["target"])
            if "current" in synapse:
                text = synapse["current"]
                entering.append(text if text.isidentifier() else f"({text})")
            there = self._values(f"{projection}.synapse", synapse)
            namespace |= {k: _quantity(b2, v) for k, v in there.items()}
        if "I" in re.findall(r"\w+", str(neuron)):
            lines.append(f"I = {' + '.join(entering) or f'0*{unit}'} : {unit}")
        else:
            lines.append("I = 0*volt : volt")
        namespace |= {k: _quantity(b2, v) for k, v in values.items()}
        drawn = [key for key in neuron.get("per_cell", {}) if key in values]
        states = {f"{state}_0": state for state in _states(neuron)}
        for key in drawn:
            namespace.pop(key)
            if key not in states:
                lines.append(f"{key} : {_unit(values[key])} (constant)")
        method = _method(self.network, neuron)
        refractory = self.swept.get(f"{name}.neuron.refractory", neuron.get("refractory", ""))
        group = b2.NeuronGroup(
            population["count"], "\n".join(lines), threshold=neuron["threshold"],
            reset=neuron["reset"],
            refractory=_refractory(refractory.strip("'")),
            method=_one_after_the_other("\n".join(lines)) if method == "semi_implicit" else
            "euler" if method.startswith("located") else method,
            namespace=namespace, name=f"cells_{name}",
        )  # fmt: skip
        for key, state in states.items():
            if key in values:
                _start(group, state, values[key].si)
        for key in drawn:
            row = self.case.parameters[f"{name}.{key}"][self._row(name, key)]
            _start(group, states.get(key, key), row)
        for projection, p in self.network.projections.items():
            if p["target"] == name:
                there = self._values(f"{projection}.synapse", p["synapse"])
                for state in _STATE.findall(p["synapse"].get("target", "")):
                    if f"{state}_0" in there:
                        _start(group, state, there[f"{state}_0"].si)
        return group

    def _row(self, owner: str, key: str) -> int:
        return self.point if len(self.case.parameters[f"{owner}.{key}"]) > 1 else 0

    def _drive(self, group: str, config: Config) -> tuple[str, list[str], dict[str, Any]]:
        """Return the text of all that drives cells, subexpressions, and what these are given."""
        import brian2 as b2

        parts, lines, given = [], [], {}
        for at, one in enumerate(stimuli_of(config)):
            key = group if at == 0 else f"{group}.{next(k for k, v in config.items() if v is one)}"
            values = self._values(key, one)
            inner = {
                line.partition("=")[0].strip(): line.partition("=")[2].rpartition(":")[0]
                for line in filter(None, one.get("equations", "").split("\n"))
            }
            steps = _AsSteps({k: np.float64(v.si) for k, v in values.items()}, self.dt, inner)
            parts.append(f"({self._stepped(steps, one['current'])})")
            for line in filter(None, one.get("equations", "").split("\n")):
                left, _, rest = line.partition("=")
                right, _, unit = rest.rpartition(":")
                unit = unit.partition("(")[0]
                lines.append(f"{left.strip()} = {self._stepped(steps, right)} : {unit} (shared)")
            given |= {k: _quantity(b2, v) for k, v in values.items()}
        return " + ".join(parts), lines, given

    def _stepped(self, steps: _AsSteps, text: str) -> str:
        tree = ast.fix_missing_locations(steps.visit(ast.parse(text.strip(), mode="eval")))
        return ast.unparse(tree).replace(_LATER, "(t + 0.001*dt)")

    def _pairs(self, name: str, projection: Config) -> list[tuple[int, int]]:
        sources, targets = (self.network.populations[projection[e]]["count"]
                            for e in ("source", "target"))  # fmt: skip
        kind, itself = projection["connect"], projection["source"] == projection["target"]
        if kind == "random":
            first = self.case.parameters[f"{name}.{FIRST_OF}"]
            target = self.case.parameters[f"{name}.{TARGET}"]
            row = self.point if len(first) > 1 else 0
            return [(i, int(target[row, k])) for i in range(sources)
                    for k in range(first[row, i], first[row, i + 1])]  # fmt: skip
        wanted = {
            "all": lambda i, j: True, "one_to_one": lambda i, j: i == j,
            "chain": lambda i, j: j == i + 1, "ring": lambda i, j: j == (i + 1) % sources,
        }[kind]  # fmt: skip
        return [(i, j) for i in range(sources) for j in range(targets)
                if wanted(i, j) and not (itself and i == j)]  # fmt: skip

    def _synapses(self, b2: Any, name: str, groups: Mapping[str, Any]) -> Any:
        projection = self.network.projections[name]
        pairs = self._pairs(name, projection)
        if not pairs:
            return None
        synapse = projection["synapse"]
        values = self._values(f"{name}.synapse", synapse)
        delay = values.pop("delay").si if "delay" in values else 0.0
        namespace = {k: _quantity(b2, v) for k, v in values.items()}
        lines = [synapse.get("equations", "")]
        drawn = [key for key in synapse.get("per_synapse", {}) if key in values or key == "delay"]
        states = {f"{s}_0": s for s in _STATE.findall(synapse.get("equations", ""))}
        for key in drawn:
            if key != "delay":
                namespace.pop(key)
                if key not in states:
                    lines.append(f"{key} : {_unit(values[key])} (constant)")
        found = b2.Synapses(
            groups[projection["source"]], groups[projection["target"]], "\n".join(lines),
            on_pre=synapse["on_pre"], delay=None if "delay" in drawn else delay * b2.second,
            namespace=namespace, name=f"synapses_{name}",
        )  # fmt: skip
        found.connect(i=[i for i, _ in pairs], j=[j for _, j in pairs])
        for key, state in states.items():
            if key in values:
                _start(found, state, values[key].si)
        for key in drawn:
            row = self.case.parameters[f"{name}.{key}"][self._row(name, key)]
            _start(found, states.get(key, key), row if np.ndim(row) == 0 else row[: len(pairs)])
        return found


def _start(group: Any, name: str, value: Any) -> None:
    """Set values in SI units; ``group.x_`` would be a variable of that name where there is one."""
    group.state(name, use_units=False)[:] = value


def _states(neuron: Config) -> list[str]:
    return _STATE.findall(neuron["equations"])


def _refractory(text: str) -> Any:
    if not text:
        return False
    number = re.fullmatch(r"([\d.]+) ms", text)
    return f"{number[1]}*ms" if number else text


def _one_after_the_other(text: str) -> Any:
    states = _STATE.findall(text)

    def step(equations: Any, variables: Any = None, method_options: Any = None) -> str:
        return "\n".join(f"{s} += dt*({equations[s].expr.code})" for s in states)

    return step


def _unit(value: units.Quantity) -> str:
    return {units.SECOND: "second", units.VOLT: "volt"}.get(value.dimension, "1")


def _quantity(b2: Any, value: units.Quantity) -> Any:
    kinds = {units.NUMBER: 1.0, units.SECOND: b2.second, units.VOLT: b2.volt,
             units.dimension_of("Hz"): b2.hertz}  # fmt: skip
    return value.si * kinds[value.dimension]
