"""Neurons, stimuli and synapses as a config holds them, made by chance but of the right kinds."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from izhi.config.keys import METHODS
from tests.random_models.choices import Choices
from tests.random_models.expressions import Expressions
from tests.random_models.names import Names

Config = dict[str, Any]

USUAL = (1.0, 0.5, 2.0, 0.1, 1.5, -1.0, 0.3, 3.0, -0.2, 0.7)
EXTREME = (0.0, -0.0, 1e-300, 1e300, 5e-324, -1e300, 3e9, 1e16, -7.0)
TIMES = ("5 ms", "2 ms", "10 ms", "1 ms", "20 ms", "0.7 ms", "3.3 ms")
EDGES = ("3 ms", "2 ms", "0 ms", "4.5 ms", "7.3 ms", "5.0001 ms", "100 s", "1 ms", "-2 ms",
         "0.3 ms", "3.00015 ms", "4.9998 ms")  # fmt: skip
_OF_ONE = ("1/{0}", "{0}/2", "{0} % 2", "-{0}", "2*{0}", "1/(0*{0})", "{0}**2", "sqrt({0})")
"""What follows from a variable of a reset's own, which may be a whole number."""

PERIODS = ("4 ms", "2 ms", "3.5 ms", "1 ms", "0.6 ms", "100 s", "2.00015 ms", "0.99995 ms")
RATES = ("100 Hz", "37 Hz", "250 Hz", "0 Hz")
FLAGS = ("constant over dt", "shared", "shared, constant over dt", "constant over dt, shared")


@dataclass(frozen=True)
class Neuron:
    """A neuron's config, and what others have to know of it.

    Attributes
    ----------
    config
        As a file holds it.
    states
        Its states.
    volt
        Whether its first state and its input are voltages.
    driven
        Whether it has an input.
    names
        All names that it uses.
    """

    config: Config
    states: tuple[str, ...]
    volt: bool
    driven: bool
    names: frozenset[str]


def value(choices: Choices) -> float:
    """Return the value of a parameter."""
    return choices.pick(EXTREME) if choices.chance(10) else choices.pick(USUAL)


def _time_line(choices: Choices, name: str) -> str:
    """Return what each cell or synapse makes of a time."""
    return choices.pick((f"{name}*lognormal(1, 0.2)", "uniform(1*ms, 9*ms)",
                         f"{name} + exponential(2*ms)"))  # fmt: skip


def named(texts: Iterable[Any]) -> set[str]:
    """Return all names in some texts."""
    return set(re.findall(r"[A-Za-z]\w*", " ".join(map(str, texts))))


class NeuronMaker:
    """Makes one neuron."""

    def __init__(self, choices: Choices, wild: bool, method: str) -> None:
        self.choices = choices
        self.names = Names(choices, wild, set())
        self.volt = choices.chance(30)
        self.own = choices.pick(METHODS) if choices.chance(35) else None
        self.method = self.own or method
        self.linear = self.method in ("exponential_euler", "exact")
        self.located = self.method.startswith("located")
        self.numbers: dict[str, Any] = {}
        self.times: dict[str, Any] = {}

    def parameter(self) -> str:
        """Return the name of a new parameter."""
        name = self.names.new()
        self.numbers[name] = value(self.choices)
        return name

    def time(self, options: tuple[str, ...] = TIMES) -> str:
        """Return the name of a new parameter that is a time."""
        name = self.names.new()
        self.times[name] = self.choices.pick(options)
        return name

    def make(self) -> Neuron:
        """Return the neuron."""
        choices = self.choices
        if choices.chance(8):
            return self._source()
        n_states = choices.weighted([(50, 1), (35, 2), (15, 3)])
        states = ["v"] if self.volt else [self.names.new()]
        self.names.taken.add("v")
        states += [self.names.new() for _ in range(n_states - 1)]
        parameters = [self.parameter() for _ in range(choices.number(1, 4))]
        shown = {s: s for s in states} | ({"v": "(v/mV)"} if self.volt else {})
        entering = "(I/mV)" if self.volt else "I"
        exponents = parameters[:2]
        slow = [] if self.linear else [*shown.values()]
        atoms = [*slow, entering, *parameters]
        if choices.chance(10) and self.method != "exact":
            atoms.append("(t/ms)")
        if choices.chance(5):
            atoms.append("(dt/ms)")
        inner, lines = self._subexpressions(atoms, parameters, exponents)
        expressions = Expressions(choices, [*atoms, *inner], exponents)
        tau = self.time()
        equations = [self._equation(state, shown, states, expressions, tau) for state in states]
        equations = [*lines, *equations] if choices.chance(50) else [*equations, *lines]
        counter = self.names.new() if choices.chance(15) else None
        if counter:
            equations.append(f"{counter} : 1")
        every = Expressions(
            choices, [*shown.values(), *parameters, *inner, *([counter] if counter else [])]
        )
        config: Config = {"model": "mine", "equations": "\n".join(equations)}
        config["threshold"] = self._threshold(states[0], shown, every, parameters)
        config["reset"] = self._reset(states, shown, every, parameters, counter)
        refractory = "" if self.located else self._refractory(every)
        if refractory:
            config["refractory"] = refractory
            config["equations"] = "\n".join(
                f"{line} (unless refractory)"
                if re.match(r"d\w+/dt", line) and choices.chance(60)
                else line
                for line in equations
            )
        if self.own:
            config["method"] = self.own
        return self._finished(config, states)

    def _subexpressions(
        self, atoms: list[str], parameters: list[str], exponents: list[str]
    ) -> tuple[list[str], list[str]]:
        """Return names of subexpressions, and their declarations."""
        choices, inner, lines = self.choices, list[str](), list[str]()
        for _ in range(choices.weighted([(45, 0), (30, 1), (18, 2), (7, 3)])):
            name = self.names.new()
            flag = choices.weighted([(74, ""), (16, FLAGS[0]), (5, FLAGS[1]), (5, "both")])
            flag = choices.pick(FLAGS[2:]) if flag == "both" else flag
            there = [*parameters, "(t/ms)"] if "shared" in flag else [*atoms, *inner]
            if self.method == "exact":
                there = [atom for atom in there if "t/ms" not in atom]
            expressions = Expressions(choices, there, exponents)
            bare = choices.chance(2)
            text = expressions.condition(1) if bare else expressions.bounded(choices.number(1, 3))
            lines.append(f"{name} = {text} : 1" + (f" ({flag})" if flag else ""))
            inner.append(name)
        return inner, lines

    def _equation(
        self, state: str, shown: dict[str, str], states: list[str], expressions: Expressions,
        tau: str,
    ) -> str:  # fmt: skip
        """Return one state's equation."""
        choices = self.choices
        unit, factor = ("volt", "mV*") if shown[state] != state else ("1", "")
        depth = choices.weighted([(30, 1), (40, 2), (20, 3), (10, 4)])
        entering = "(I/mV)" if self.volt else "I"
        term = expressions.bounded(depth)
        if choices.chance(65):
            term = f"{choices.pick(('10', '3', '1'))}*{entering} + {term}"
        if self.linear:
            others = [s for s in states if s != state]
            if others and choices.chance(40):
                term = f"{term} + {choices.pick(('0.5', '-1', '2'))}*{shown[others[0]]}"
            rate = choices.pick(("-1", "-0.5", "0.1", "-2"))
            return f"d{state}/dt = {factor}({rate}*{shown[state]} + {term})/{tau} : {unit}"
        pull = choices.weighted([(60, "-{x}"), (20, ""), (10, "-{x}**3"), (10, "+ {x}*(1 - {x})")])
        term += f" {pull.format(x=shown[state])}"
        if choices.chance(15):
            return f"d{state}/dt = {factor}({term})/(2*{tau}) : {unit}"
        return f"d{state}/dt = {factor}({term})/{tau} : {unit}"

    def _threshold(
        self, first: str, shown: dict[str, str], every: Expressions, parameters: list[str]
    ) -> str:
        choices = self.choices
        bound = choices.pick(("1", "0.5", *parameters, "2*0.4"))
        sign = choices.pick((">", ">="))
        if self.located:
            bound = f"({bound})*mV" if self.volt else bound
            return f"{first} {sign} {bound}"
        text = f"{shown[first]} {sign} {bound}"
        kind = choices.weighted([(70, ""), (10, "and"), (8, "or"), (5, "not"), (7, "draw")])
        if kind in ("and", "or"):
            return f"{text} {kind} {every.condition(1)}"
        if kind == "not":
            return f"not ({shown[first]} < {bound})"
        if kind == "draw":
            return f"uniform_at(floor(t/dt + 0.001)) < 0.2 {choices.pick(('and', 'or'))} {text}"
        return text

    def _reset(
        self, states: list[str], shown: dict[str, str], every: Expressions, parameters: list[str],
        counter: str | None,
    ) -> str:  # fmt: skip
        choices = self.choices
        factor = "*mV" if self.volt else ""
        lines = [f"{states[0]} = {choices.pick(('0', '-1', '0.1'))}{factor}"]
        for state in states[1:]:
            unit = "*mV" if shown[state] != state else ""
            change = choices.weighted([
                (30, f"{state} += {choices.pick(parameters)}{unit}"), (20, ""),
                (15, f"{state} *= 0.5"), (15, f"{state} = {every.bounded(2)}"),
                (10, f"{state} -= {every.leaf()}"), (10, f"{state} = clip({state} + 1, 0, 4)"),
                (8, self._cancelled(state, shown[state], parameters)),
            ])  # fmt: skip
            lines += [change] * bool(change)
        if choices.chance(15):
            name = self.names.new()
            first = choices.weighted([
                (30, choices.pick(list(shown.values()))), (50, every.bounded(1)),
                (20, choices.pick(("0", "1", "-0.0", "7", "0*2", *parameters[:1]))),
            ])  # fmt: skip
            lines.insert(0, f"{name} = {first}")
            if choices.chance(25):
                other = self.names.new()
                lines.insert(1, f"{other} = {choices.pick(_OF_ONE).format(name)}")
                name = other
            if choices.chance(35):
                change = f"{name} {choices.pick(('+=', '*=', '=', '-='))} {every.leaf()}"
                lines.insert(choices.number(1, len(lines)), change)
            lines.append(f"{states[-1]} += {name}{factor if len(states) == 1 else ''}")
        if counter:
            lines.append(f"{counter} {choices.pick(('+=', '-='))} 1")
        return choices.pick(("\n", "; ")).join(lines)

    def _cancelled(self, state: str, shown: str, parameters: list[str]) -> str:
        """Return a statement from which names fall out, if it is simplified."""
        p, q = parameters[0], parameters[-1]
        unit = "*mV" if shown != state else ""
        return self.choices.pick((
            f"{state} = {state} + {p}{unit} - {p}{unit}", f"{state} = {p}/{p}{unit}",
            f"{state} = 0*{p}{unit} + {q}{unit}", f"{state} *= {p}/{p}",
            f"{state} = {state} - {state}", f"{state} += ({shown} - {shown}){unit}",
        ))  # fmt: skip

    def _refractory(self, every: Expressions) -> str:
        kind = self.choices.weighted(
            [(55, ""), (15, "2*ms"), (5, "1.5 ms"), (10, "time"), (5, "sum"), (10, "condition")]
        )
        if kind == "time":
            return self.time()
        if kind == "sum":
            return f"{self.time()} + 0.5*ms"
        return every.condition(1) if kind == "condition" else kind

    def _finished(self, config: Config, states: list[str]) -> Neuron:
        """Add what the texts name, and what states start at."""
        choices = self.choices
        used = named(config.values())
        given = {n: v for n, v in {**self.numbers, **self.times}.items() if n in used}
        constants = {}
        for name in list(given):
            if choices.chance(12):
                constants[name] = given.pop(name)
        drawn = {}
        for name in list(given):
            if choices.chance(8):
                drawn[name] = (
                    self._line(name) if name in self.numbers else _time_line(choices, name)
                )
        config |= given
        if constants:
            config["constants"] = constants
        if drawn:
            config["per_cell"] = drawn
        for state in states:
            if choices.chance(60):
                start = (
                    value(choices) if choices.chance(10) else choices.pick((0.0, 0.2, 0.9, -0.5))
                )
                unit = self.volt and state == "v"
                config[f"{state}_0"] = f"{start} mV" if unit else start
                if choices.chance(6):
                    line = "uniform(-1*mV, 1*mV)" if unit else "uniform(-1, 1)"
                    config.setdefault("per_cell", {})[f"{state}_0"] = line
        if self.numbers.keys() & config.get("per_cell", {}).keys() and choices.chance(20):
            self._share_a_draw(config)
        return Neuron(config, tuple(states), self.volt, "I" in used, frozenset(used))

    def _share_a_draw(self, config: Config) -> None:
        """Let a number that a cell has of its own be used by some of its parameters."""
        lines, name = config["per_cell"], self.names.new()
        for key in lines:
            if key in self.numbers:
                lines[key] = f"{key}*{name}"
        lines[name] = "uniform(0.5, 1.5)"

    def _line(self, name: str) -> str:
        return self.choices.pick((
            f"{name} + uniform(0, 1)", "normal(0, 1)", f"{name}*lognormal(1, 0.2)",
            "int(uniform(0, 1) > 0.3) + int(uniform(0, 1) > 0.6)", "floor(uniform(-2, 2))",
            f"clip({name}, 0, 1)*exponential(0.5)", "1 - uniform(0, 1)**2",
        ))  # fmt: skip

    def _source(self) -> Neuron:
        """Return what spikes by itself, and has no state."""
        name, rate = self.names.new(), self.names.new()
        regular = self.choices.chance(60)
        test = (
            f"t + 0.001*dt >= {name}/{rate}" if regular
            else f"uniform_at(floor(t/dt + 0.001)) < {rate}*dt"
        )  # fmt: skip
        config = {
            "model": "mine", "equations": f"{name} : 1", "threshold": test,
            "reset": f"{name} += 1",
            rate: self.choices.pick(("200 Hz", "370 Hz", "0 Hz", "5000 Hz")),
        }  # fmt: skip
        if self.own:
            config["method"] = self.own
        return Neuron(config, (), False, False, frozenset({name, rate}))


class StimulusMaker:
    """Makes what drives a population: one current, or several that add up."""

    def __init__(self, choices: Choices, wild: bool, neuron: Neuron, steady: bool) -> None:
        self.choices, self.neuron, self.steady = choices, neuron, steady
        taken = set() if wild else set(neuron.names)
        self.names = Names(choices, wild, taken)
        self.wild = wild

    def make(self) -> Config:
        """Return the stimulus as a config holds it."""
        config = self._one()
        for _ in range(self.choices.weighted([(65, 0), (25, 1), (10, 2)])):
            name = self.names.new()
            if self.wild:
                self.names.taken = {name}
            config[name] = self._one()
        return config

    def _one(self) -> Config:
        choices = self.choices
        self.given: Config = {}
        self.times: list[str] = []
        pieces = [self._piece() for _ in range(choices.weighted([(45, 1), (35, 2), (20, 3)]))]
        lines = self.times
        for at, piece in enumerate(pieces):
            if choices.chance(25):
                name = self.names.new()
                flag = choices.weighted([(80, ""), (20, "flag")])
                flag = f" ({choices.pick(FLAGS)})" if flag else ""
                lines.append(f"{name} = {piece} : 1{flag}")
                pieces[at] = name
        text = pieces[0]
        for piece in pieces[1:]:
            text = f"{text} {choices.pick(('+', '*', '-', '+'))} ({piece})"
        if choices.chance(12):
            text = Expressions(choices, []).call(choices.pick(("tanh", "exp", "abs", "sin")), text)
        config: Config = {"model": "mine"}
        if lines:
            config["equations"] = "\n".join(lines)
        config["current"] = f"mV*({text})" if self.neuron.volt else text
        return config | self.given

    def _new(self, value: Any) -> str:
        name = self.names.new()
        self.given[name] = value
        return name

    def _piece(self) -> str:
        choices = self.choices
        kinds = [(25, "step"), (15, "constant"), (15, "noise"), (10, "count")]
        if not self.steady:
            kinds += [(12, "sine"), (8, "pulse"), (5, "ramp"), (5, "uniform"), (5, "decay")]
        kind = choices.weighted(kinds)
        amount = self._new(value(choices))
        if kind == "constant":
            more = Expressions(choices, [amount, self._new(value(choices))])
            return f"{amount}*({more.number(choices.number(0, 2))})" + self._use_all()
        if kind == "noise":
            every = f"floor(t/{self._time(self._new(choices.pick(PERIODS)))})"
            every = choices.weighted([(80, every), (10, f"{every} % 5"), (10, f"floor({every}/2)")])
            return f"({amount} + {self._new(value(choices))}*normal_at({every}))"
        if kind == "uniform":
            number = choices.pick(("0", "3", "floor(t/(2*ms))", "int(t >= 4*ms)"))
            return f"{amount}*uniform_at({number})"
        if kind == "sine":
            return (
                f"{amount}*{choices.pick(('sin', 'cos'))}(2*pi*{self._new(choices.pick(RATES))}*t)"
            )
        onset = self._new(choices.pick(EDGES))
        if kind == "step":
            return f"{amount}*int({self._step(onset)})"
        if kind == "ramp":
            return f"{amount}*(t - {onset})/(10*ms)"
        period = self._new(choices.pick(PERIODS))
        if kind == "count":
            first = f"{onset}*uniform_at(4)" if choices.chance(8) else self._time(onset)
            number = f"floor((t - {first})/{self._time(period)})"
            number = choices.weighted([(70, number), (20, f"({number} % 2)"),
                                       (10, f"floor({number}/2)")])  # fmt: skip
            return f"{amount}*{number}"
        if kind == "decay":
            return f"{amount}*exp(-clip(t - {onset}, 0*ms, 100*ms)/{period})"
        return (
            f"{amount}*int((t - {onset}) % {period} < {choices.pick(('1*ms', '0.5*ms', '2*ms'))})"
        )

    def _time(self, text: str) -> str:
        """Return a time, or the name of a subexpression that is this time."""
        if not self.choices.chance(15):
            return text
        name = self.names.new()
        more = self.choices.pick(("", " + 0.3*ms", "/2"))
        self.times.append(f"{name} = {text}{more} : second")
        return name

    def _use_all(self) -> str:
        """Return a term that names what else was given, so that all of it is used."""
        last = list(self.given)[-1]
        return f" + 0.5*{last}"

    def _step(self, onset: str) -> str:
        choices = self.choices
        kind = choices.weighted([(35, "from"), (20, "between"), (10, "until"), (10, "mirrored"),
                                 (10, "after"), (10, "chained"), (5, "sum"), (4, "drawn"),
                                 (6, "quotient")])  # fmt: skip
        if kind == "quotient":
            number, rate = self._new(choices.pick((0.0, 1.0, -2.0))), self._new(choices.pick(RATES))
            return f"t {choices.pick(('>=', '<', '<=', '>'))} {onset} + {number}/{rate}"
        if kind in ("between", "chained"):
            offset = self._time(self._new(None if choices.chance(8) else choices.pick(EDGES)))
            if kind == "chained":
                return f"{onset} <= t < {offset}"
            return f"t >= {onset} and t < {offset}"
        onset = self._time(onset)
        return {
            "from": f"t >= {onset}", "until": f"t <= {onset}", "mirrored": f"{onset} < t",
            "after": f"t > {onset}", "sum": f"not (t < {onset} + 2*ms)",
            "drawn": f"t >= {onset} + 3*ms*uniform_at({choices.pick(('1', '2.0', 'int(7.5)'))})",
        }[kind]  # fmt: skip


class SynapseMaker:
    """Makes a synapse onto some neuron."""

    def __init__(self, choices: Choices, wild: bool, target: Neuron, taken: set[str]) -> None:
        self.choices, self.target = choices, target
        self.names = Names(choices, wild, set() if wild else taken)
        self.names.taken |= {f"{s}" for s in target.states}
        self.inner: list[str] = []

    def make(self) -> Config:
        """Return the synapse as a config holds it."""
        choices, target = self.choices, self.target
        config: Config = {"model": "mine"}
        weight = self.names.new()
        given: Config = {weight: value(choices)}
        on_pre: list[str] = []
        added = weight
        if choices.chance(45):
            state, tau = self.names.new(), self.names.new()
            given[tau] = choices.pick(TIMES)
            rest = choices.pick(("-{s}", "(1 - {s})", "(0.3 - 2*{s})")).format(s=state)
            config["equations"] = f"d{state}/dt = {rest}/{tau} : 1 (event-driven)"
            if choices.chance(35):
                other = self.names.new()
                config["equations"] += (
                    f"\nd{other}/dt = ({state} - {other})/{tau} : 1 (event-driven)"
                )
                on_pre.append(f"{other} {choices.pick(('+=', '*='))} 0.5")
                added = f"{weight}*{other}"
            if choices.chance(50):
                given[f"{state}_0"] = choices.pick((1.0, 0.5, 0.0))
            on_pre.append(f"{state} += {choices.pick(('0.4', '0.3'))}*(1 - {state})")
            added = f"{added}*{state}"
            if choices.chance(40):
                name = self.names.new()
                on_pre.append(f"{name} = {added}")
                if choices.chance(30):
                    on_pre.append(f"{name} {choices.pick(('+=', '*='))} {state}")
                added = name
        numbers = [weight] if added == weight else [weight, state]
        if choices.chance(25):
            added = f"{weight}*{self._expressions(*numbers).bounded(2)}"
        for _ in range(choices.weighted([(86, 0), (9, 1), (5, 2)])):
            added = self._of_subexpression(config, numbers, added)
        if choices.chance(25):
            on_pre.append(self._reaching(weight))
        if target.driven and choices.chance(75):
            self._felt(config, given, on_pre, added)
        else:
            state = target.states[0]
            sign = choices.pick(("+=", "-="))
            on_pre.append(f"{state}_post {sign} ({added}){self._unit(state)}")
        if choices.chance(25):
            on_pre.append(self._reaching(weight))
        config["on_pre"] = choices.pick(("\n", "; ")).join(on_pre)
        if choices.chance(45):
            given["delay"] = choices.pick(("1 ms", "0 ms", "2.3 ms", "0.5 ms", "100 ms", "7 ms"))
        if choices.chance(12):
            config["per_synapse"] = {weight: choices.pick((
                f"{weight}*uniform(0.5, 1.5)", "normal(0.5, 0.3)", "int(uniform(0, 1) > 0.5)",
            ))}  # fmt: skip
        if choices.chance(12):
            delay = choices.pick(("uniform(0*ms, 4*ms)", "exponential(1*ms)", "delay + 2*ms"))
            config.setdefault("per_synapse", {})["delay"] = delay
            given.setdefault("delay", "0.5 ms")
        own = named([config.get("equations", ""), config["on_pre"]])
        for name in given:
            line = "uniform(0, 1)" if name.endswith("_0") else _time_line(choices, name)
            is_own = name in own or name.removesuffix("_0") in own
            if is_own and name not in (weight, "delay") and choices.chance(7):
                config.setdefault("per_synapse", {})[name] = line
        used = own | named([config.get("target", ""), config.get("current", "")])
        for name in list(given):
            drawn = config.get("per_synapse", {})
            if name in used and name != weight and name not in drawn and choices.chance(10):
                config.setdefault("constants", {})[name] = given.pop(name)
        return config | given

    def _of_subexpression(self, config: Config, numbers: list[str], added: str) -> str:
        """Declare a subexpression of the synapse, and return what names it."""
        choices, name = self.choices, self.names.new()
        flag = f" ({choices.pick(FLAGS)})" if choices.chance(50) else ""
        there = numbers[:1] if flag and choices.chance(80) else [*numbers, *self.inner]
        line = f"{name} = {Expressions(choices, [*there, '(t/ms)']).bounded(1)} : 1{flag}"
        lines = [*config.get("equations", "").split("\n"), line]
        config["equations"] = "\n".join(filter(None, lines))
        self.inner.append(name)
        return f"{added}*{name}"

    def _expressions(self, *numbers: str) -> Expressions:
        """Return expressions of some names, subexpressions and the target's states."""
        states = [f"({s}_post{self._unit(s, '/')})" for s in self.target.states]
        return Expressions(self.choices, [*numbers, *self.inner, *states])

    def _unit(self, state: str, times: str = "*") -> str:
        """Return the unit of a state of the target, with its operator; ``""`` for a number."""
        return f"{times}mV" if state == "v" and self.target.volt else ""

    def _reaching(self, weight: str) -> str:
        """Return a statement that changes a state of the target."""
        state = self.choices.pick(self.target.states)
        amount = f"({self._expressions(weight).bounded(1)}){self._unit(state)}"
        return f"{state}_post {self.choices.pick(('+=', '=', '-=', '+='))} {amount}"

    def _felt(self, config: Config, given: Config, on_pre: list[str], added: str) -> None:
        """Add what the target feels."""
        choices = self.choices
        first, tau = self.names.new(), self.names.new()
        given[tau] = choices.pick(TIMES)
        unit = "mV*" if self.target.volt else ""
        if choices.chance(35):
            second = self.names.new()
            config["target"] = (
                f"d{first}/dt = ({second} - {first})/{tau} : 1\nd{second}/dt = -{second}/{tau} : 1"
            )
            on_pre.append(f"{second}_post += {added}")
        else:
            config["target"] = f"d{first}/dt = -{first}/{tau} : 1"
            on_pre.append(f"{first}_post += {added}")
        text = f"{unit}{first}"
        if choices.chance(12):
            other = self.names.new()
            flag = f" ({choices.pick(FLAGS)})" if choices.chance(60) else ""
            inner = [] if "shared" in flag and choices.chance(90) else [first]
            term = Expressions(choices, [*inner, "(t/ms)"]).bounded(1)
            config["target"] += f"\n{other} = {term} : 1{flag}"
            text = f"{text}*{other}"
        if choices.chance(20):
            state = self.target.states[-1]
            amount = f"{first}_post{self._unit(state)}"
            on_pre.append(f"{state}_post {choices.pick(('=', '+='))} {amount}")
        if choices.chance(25):
            state = self.target.states[0]
            level = "(v/mV)" if self.target.volt else state
            text = f"{unit}{first}*(2 - {level})"
        config["current"] = text
        if choices.chance(25):
            given[f"{first}_0"] = choices.pick((0.5, 1.0, 0.0))
