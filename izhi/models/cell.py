"""A neuron as a config writes it: equations, threshold, reset, refractory period, parameters.

``I`` is all that stimuli and synapses add up to. The equations do not declare it: its unit is the
one with which they hold.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from izhi import units
from izhi.errors import ConfigError, did_you_mean
from izhi.models import declarations, dimensions, heterogeneity, noise, recording, trains
from izhi.models.declarations import Declaration
from izhi.models.equations import NOISE
from izhi.models.heterogeneity import Line
from izhi.models.recording import Recording
from izhi.units import AMPERE, NUMBER, SECOND, VOLT, Dimension

INPUT = "I"
"""The name of what stimuli and synapses add up to."""

CURRENTS = (VOLT, AMPERE, NUMBER, units.dimension_of("volt/second"))
"""What an input can be, in the order in which it is tried."""

_FLAGS = {"state": ("unless refractory",), "subexpression": ("constant over dt", "shared"),
          "parameter": ("constant",)}  # fmt: skip
_OWN = {"drive": "what all stimuli add up to"}
"""Names that a neuron's equations have beside their own."""

_START = "_0"
"""End of the names of parameters that a state variable starts at: ``v_0``."""


@dataclass(frozen=True)
class Cell:
    """The equations of a neuron, checked.

    Attributes
    ----------
    declared
        States, subexpressions, and variables that only the reset changes, which start at 0.
    threshold
        A spike is when this condition holds.
    reset
        Statements that a spike runs.
    refractory
        A time, or a condition, after a spike; ``""`` for none.
    parameters
        Name and dimension of each number that a cell has of its own and its equations use.
    constants
        Name, SI value and dimension of those that are the same for all cells.
    starts
        States whose start is given, as ``v_0`` is; the others start at 0.
    rest
        State and expression of the starts for which the word rest may be given.
    input
        Dimension of ``I``; None for equations without.
    given
        Names of all that a config gives: parameters, and what states start at.
    drawn
        What each cell makes of it, where cells differ.
    noise
        Names of the two halves of what a cell's own numbers are drawn from, where the threshold
        draws; see :mod:`izhi.models.noise`.
    trains
        Where ``recorded`` is from, which is 1 in the time steps in which a cell spikes in a file
        and else 0; None where there is none.
    """

    declared: tuple[Declaration, ...]
    threshold: str
    reset: str
    refractory: str
    parameters: tuple[tuple[str, Dimension], ...]
    constants: tuple[tuple[str, float, Dimension], ...]
    starts: tuple[str, ...]
    rest: tuple[tuple[str, str], ...]
    input: Dimension | None
    given: tuple[str, ...]
    drawn: tuple[Line, ...] = ()
    noise: tuple[str, ...] = ()
    trains: Recording | None = None

    @property
    def states(self) -> tuple[str, ...]:
        """Names of the state variables, in the order of the equations."""
        return tuple(one.name for one in self.declared if one.kind == "state")

    @property
    def held(self) -> tuple[str, ...]:
        """Names of what cells hold: parameters, and what states start at."""
        return (*(name for name, _ in self.parameters), *(f"{s}{_START}" for s in self.starts))

    @property
    def bounded(self) -> bool:
        """Whether there is a membrane potential, by which one sees that a cell has diverged."""
        return any(one.name == "v" and one.dimension == VOLT for one in self.declared)


def read(
    texts: Mapping[str, str],
    parameters: Mapping[str, Dimension | None],
    constants: Mapping[str, units.Quantity],
    key: str,
    rest: Mapping[str, str] | None = None,
    per_cell: Mapping[str, str] | None = None,
) -> Cell:
    """Return a neuron from its texts, or what is wrong with them.

    Parameters
    ----------
    texts
        ``equations``, ``threshold``, and where they are given ``reset`` and ``refractory``.
    parameters
        Dimensions of all parameters of its config, those that states start at among them; None
        for the word rest.
    constants
        Values that are the same for all cells.
    key
        Where it is: ``"neuron"``.
    rest
        By state, what the word rest means for its start, an expression of parameters.
    per_cell
        What each cell makes of parameters; see :mod:`izhi.models.heterogeneity`.

    Raises
    ------
    ConfigError
        Naming the key, and the line or term that is off.
    """
    texts = declarations.without_comments(texts, ("threshold", "reset", "refractory"))
    for name in ("equations", "threshold"):
        if not texts.get(name, "").strip():
            raise ConfigError(f"{key}.{name}: missing; a neuron has equations and a threshold")
    declared = declarations.parse(texts["equations"], f"{key}.equations")
    counts = _counts(declared, texts.get("reset", ""), {*parameters, *constants, *(per_cell or {})})
    _check_kinds(declared, counts, f"{key}.equations")
    for name in [*parameters, *constants, *(d.name for d in declared)]:
        _check_name(name, f"{key}.{name}")
    for name in per_cell or {}:
        _check_name(name, f"{key}.per_cell.{name}")
    both = sorted(set(parameters) & set(constants))
    if both:
        raise ConfigError(f"{key}.{both[0]}: is among the constants as well")
    declarations.check_starts(declared, {**parameters, **(per_cell or {})}, f"{key}.equations")
    states = [one.name for one in declared if one.kind == "state"]
    fixed = {name: quantity.dimension for name, quantity in constants.items()}
    every = {name: kind for name, kind in parameters.items() if kind} | fixed
    resting = {
        name: (rest or {}).get(name.removesuffix(_START))
        for name, kind in parameters.items() if kind is None
    }  # fmt: skip
    drawn, every = heterogeneity.read(per_cell or {}, every, f"{key}.per_cell", resting)
    known = {name: kind for name, kind in every.items() if not _starts(name, states)}
    counted = {one.name: one.dimension for one in declared if one.name in counts}
    of_file = trains.read(texts, key)
    counted |= {recording.NAME: NUMBER} if of_file else {}
    scope, current = _with_input(declared, {**known, **counted}, f"{key}.equations")
    used = _check_texts(texts, scope, [*states, *counts], key, constants)
    if of_file and recording.NAME not in used:
        raise ConfigError(f"{key}.file: nothing uses {recording.NAME}")
    for one in declared:
        used |= dimensions.names(one.expression) if one.expression else set()
    own = {**parameters, **{line.name: every[line.name] for line in drawn}}
    _check_starts(own, declared, states, key)
    heterogeneity.check_used(drawn, used, states, f"{key}.per_cell")
    named = used.union(*(line.names for line in drawn))
    _check_used([*parameters, *constants], named, states, key)
    noise.check_numbers([texts["threshold"]], f"{key}.threshold")
    threshold, halves = noise.streamed(texts["threshold"].strip())
    return Cell(
        tuple(one for one in declared if one.kind != "parameter" or one.name in counts),
        threshold,
        texts.get("reset", "").strip(),
        _refractory(texts),
        tuple((name, kind) for name, kind in known.items() if name in own and name in used),
        tuple((name, quantity.si, quantity.dimension) for name, quantity in constants.items()),
        tuple(name for name in states if f"{name}{_START}" in own),
        _check_rest(rest or {}, own, declared, key),
        current if INPUT in used else None,
        tuple(parameters),
        drawn,
        halves,
        of_file,
    )


def _check_name(name: str, key: str) -> None:
    """Check that a name of a neuron's stands for nothing else."""
    declarations.check_name(name, key)
    if name in _OWN:
        raise ConfigError(f"{key}: stands for {_OWN[name]}; give it another name")
    if name == INPUT:
        raise ConfigError(f"{key}: what stimuli and synapses add up to; it is no parameter")


def _starts(name: str, states: Collection[str]) -> bool:
    return name.endswith(_START) and name.removesuffix(_START) in states


def _counts(
    declared: tuple[Declaration, ...], reset: str, given: Collection[str]
) -> tuple[str, ...]:  # fmt: skip
    """Return the names of variables that nothing but the reset changes: counts of spikes."""
    changed = {line.rstrip("+-*/ ") for line in re.findall(r"(?m)(?:^|;)\s*([^;=]+)=", reset)}
    return tuple(
        one.name for one in declared
        if one.kind == "parameter" and one.name in changed and one.name not in given
    )  # fmt: skip


def _check_kinds(declared: tuple[Declaration, ...], counts: tuple[str, ...], key: str) -> None:
    if not counts and not any(one.kind == "state" for one in declared):
        raise ConfigError(f"{key}: no state variable; write dv/dt = ... : unit")
    for one in declared:
        if one.name == INPUT:
            raise ConfigError(
                f"{key}: {INPUT} stands for what stimuli and synapses add up to; it is not declared"
            )
        if "shared" in one.flags:
            declarations.check_shared(one, declared, key, INPUT)
        for flag in one.flags:
            if flag in ("event-driven", "clock-driven", "summed", "linked"):
                raise ConfigError(f"{key}: {one.left}: {flag} is for synapses")
            if flag == "unless refractory" and one.kind != "state":
                raise ConfigError(f"{key}: {one.name}: only dx/dt can be {flag}")
        if one.name in counts and "constant" in one.flags:
            raise ConfigError(f"{key}: {one.name} is constant, but the reset changes it")
    declarations.check_flags(declared, _FLAGS, key)


def _with_input(
    declared: tuple[Declaration, ...], known: Mapping[str, Dimension], key: str
) -> tuple[dict[str, Dimension], Dimension]:
    """Return all dimensions, and that of I with which the equations hold."""
    first: ConfigError | None = None
    for current in CURRENTS:
        try:
            return declarations.check(declared, {**known, INPUT: current}, key), current
        except ConfigError as error:
            first = first or error
    assert first is not None
    raise first


def _check_texts(
    texts: Mapping[str, str], scope: dict[str, Dimension], states: list[str], key: str,
    constants: Collection[str],
) -> set[str]:  # fmt: skip
    """Check threshold, reset and refractory period; return the names that they use."""
    threshold, reset = texts["threshold"].strip(), texts.get("reset", "").strip()
    drawing = {**scope, **dict.fromkeys(NOISE, NUMBER)}
    declarations.check_condition(threshold, drawing, f"{key}.threshold")
    used = dimensions.names(threshold)
    declarations.check_statements(reset, scope, states, f"{key}.reset", constants)
    for name in declarations.assigned(reset):
        if name in _OWN:
            raise ConfigError(
                f"{key}.reset: {name} stands for {_OWN[name]}; give what the reset makes another "
                "name"
            )
    used |= declarations.names_of_statements(reset)
    refractory = _refractory(texts)
    if refractory:
        where = f"{key}.refractory = {refractory}"
        found = declarations.of_expression(refractory, scope, None, where)
        if found != SECOND:
            such = "a time such as 2*ms, or a condition"
            declarations.check_condition(refractory, scope, f"{key}.refractory", such)
        used |= dimensions.names(refractory)
    return used


def _refractory(texts: Mapping[str, str]) -> str:
    """Return the refractory period as an expression, also where it is written as a value: 2 ms."""
    text = texts.get("refractory", "").strip()
    value = re.fullmatch(r"([\d.]+(?:e[-+]?\d+)?)\s*([A-Za-z]+)", text)
    return f"{value[1]}*{value[2]}" if value else text


def _check_rest(
    rest: Mapping[str, str], parameters: Mapping[str, Dimension | None],
    declared: tuple[Declaration, ...], key: str,
) -> tuple[tuple[str, str], ...]:  # fmt: skip
    """Check what the word rest means; return it for the states that start somewhere."""
    kinds = {one.name: one.dimension for one in declared if one.kind == "state"}
    known = {name: kind for name, kind in parameters.items() if kind is not None}
    known |= {f"{s}{_START}": kinds[s] for s in rest if s in kinds and f"{s}{_START}" in parameters}
    for state, expression in rest.items():
        if state not in kinds:
            raise ConfigError(f"{key}.rest.{state}: no state variable{did_you_mean(state, kinds)}")
        where = f"{key}.rest.{state} = {expression}"
        declarations.of_expression(expression, known, kinds[state], where)
    for name, kind in parameters.items():
        if kind is None and name.removesuffix(_START) not in rest:
            raise ConfigError(
                f"{key}.{name} = rest: the neuron does not say what that is; give a value, or "
                f"{key}.rest.{name.removesuffix(_START)} as an expression of parameters"
            )
    return _in_order({s: t for s, t in rest.items() if f"{s}{_START}" in parameters}, key)


def _in_order(rest: Mapping[str, str], key: str) -> tuple[tuple[str, str], ...]:
    """Return what the word rest means, a start before those that are made of it."""
    left, found = dict(rest), []
    while left:
        waiting = {f"{state}{_START}" for state in left}
        ready = [state for state, text in left.items() if not dimensions.names(text) & waiting]
        if not ready:
            raise ConfigError(f"{key}.rest: {' and '.join(sorted(left))}: defined by each other")
        found += [(state, left.pop(state)) for state in ready]
    return tuple(found)


def _check_starts(
    parameters: Mapping[str, Dimension | None], declared: tuple[Declaration, ...],
    states: list[str], key: str,
) -> None:  # fmt: skip
    kinds = {one.name: one.dimension for one in declared}
    for name, kind in parameters.items():
        if kind and _starts(name, states) and kind != kinds[name.removesuffix(_START)]:
            wanted = units.name_of(kinds[name.removesuffix(_START)])
            raise ConfigError(
                f"{key}.{name}: {units.name_of(kind)}, but {name.removesuffix(_START)} is {wanted}"
            )


def _check_used(given: list[str], used: set[str], states: list[str], key: str) -> None:
    for name in given:
        if name not in used and not _starts(name, states):
            wanted = sorted(used - set(given))
            near = did_you_mean(name, wanted) if wanted else ""
            near = near if "did you mean" in near else ""
            if name.endswith(_START) and not near:
                near = f", nor have they a state {name.removesuffix(_START)}"
            raise ConfigError(f"{key}.{name}: the equations do not use it{near}")
