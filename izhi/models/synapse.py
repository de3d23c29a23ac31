"""A synapse as a config writes it: what a presynaptic spike does, and what its target feels.

Its equations hold for each synapse, from spike to spike. What goes on between spikes in the
target, a synaptic current or conductance, is written under ``target`` and is one for all synapses
of a projection onto a cell; ``current`` says what of it enters the cell's ``I``. The unit
``current`` stands for the one that the target's ``I`` has.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace

from izhi import units
from izhi.errors import ConfigError, did_you_mean
from izhi.models import declarations, dimensions, heterogeneity, spike_values
from izhi.models.declarations import Declaration
from izhi.models.heterogeneity import Line
from izhi.models.substitution import reached
from izhi.units import SECOND, Dimension

_POST = "_post"
_CURRENT = re.compile(r":\s*current\b")
_DELAY = "delay"
_OWN_FLAGS = {"state": ("event-driven",), "subexpression": ("constant over dt", "shared"),
              "parameter": ("constant", "shared")}  # fmt: skip
_TARGET_FLAGS = {"state": ("unless refractory",), "subexpression": ("constant over dt", "shared"),
                 "parameter": ("constant", "shared")}  # fmt: skip
_TSODYKS_MARKRAM = {"u_S": "-u_S/tau_f", "x_S": "(1-x_S)/tau_d"}
_RELEASE = ["u_S+=U_0*(1-u_S)", "r_S=u_S*x_S", "x_S-=r_S"]
RELEASED = "r_S"
"""What Tsodyks and Markram's synapse calls the release of a spike."""
_UNIT_OF = {units.VOLT: "volt", units.AMPERE: "amp", units.NUMBER: "1",
            units.dimension_of("volt/second"): "volt/second"}  # fmt: skip


@dataclass(frozen=True)
class Synapse:
    """The equations of a synapse, checked.

    Attributes
    ----------
    declared
        States and subexpressions of each synapse.
    on_pre
        What a presynaptic spike does.
    target
        States and subexpressions of the target cell for a projection.
    current
        What enters the target's ``I``; ``""`` for nothing.
    parameters
        Name and dimension of the parameters that the synapse's own equations and `on_pre` use.
    target_parameters
        The same of those that `target` and `current` use.
    constants
        Name, SI value and dimension of those that are the same for all synapses.
    starts
        States, of the synapse and of the target for it, whose start is given, as ``x_S_0`` is.
    delay
        Whether it has a delay.
    given
        Names of all that a config gives: parameters, what states start at, the delay.
    drawn
        What each synapse makes of it, where synapses differ.
    """

    declared: tuple[Declaration, ...]
    on_pre: str
    target: tuple[Declaration, ...]
    current: str
    parameters: tuple[tuple[str, Dimension], ...]
    target_parameters: tuple[tuple[str, Dimension], ...]
    constants: tuple[tuple[str, float, Dimension], ...]
    starts: tuple[str, ...]
    delay: bool
    given: tuple[str, ...]
    drawn: tuple[Line, ...] = ()

    @property
    def felt(self) -> tuple[str, ...]:
        """Names of the target's state variables for it."""
        return tuple(one.name for one in self.target if one.kind == "state")

    @property
    def held(self) -> tuple[str, ...]:
        """Names of what synapses hold: parameters, what states start at, the delay."""
        both = dict.fromkeys([name for name, _ in (*self.parameters, *self.target_parameters)])
        return (*both, *(f"{state}_0" for state in self.starts), *["delay"] * self.delay)

    @property
    def releases(self) -> bool:
        """Whether it releases as Tsodyks and Markram's synapse does, by its equations."""
        own = {one.name: one.expression.replace(" ", "") for one in self.declared}
        own_statements = [text for text in self._statements if _plastic(text)]
        return own == _TSODYKS_MARKRAM and own_statements == _RELEASE

    @property
    def transmitting(self) -> list[tuple[str, str, str]]:
        """What a spike does beside releasing: name, operator and term of each statement."""
        return [declarations.parts(text) for text in declarations.statements(self.on_pre)
                if not (self.releases and _plastic(text))]  # fmt: skip

    @property
    def static(self) -> bool:
        """Whether every spike does the same."""
        return not any(one.kind == "state" for one in self.declared)

    @property
    def exponential(self) -> bool:
        """Whether a spike adds weight, times what is released, to a current that decays."""
        decays = [one.expression.replace(" ", "") for one in self.target]
        added = {True: "weight*r_S", False: "weight"}[self.releases]
        return (
            (self.static or self.releases)
            and len(self.felt) == 1
            and decays == [f"-{name}/tau_s" for name in self.felt]
            and self.felt == (self.current,)
            and self._statements[-1:] == [f"{self.current}_post+={added}"]
        )

    @property
    def at_spikes(self) -> str:
        """What a spike does, without subexpressions of states; see `spike_values`."""
        taken = [name for name, _ in (*self.parameters, *self.target_parameters)]
        taken += [name for name, *_ in self.constants] + [one.name for one in self.target]
        return spike_values.assigned_where_used(self.on_pre, self.declared, taken)

    @property
    def _statements(self) -> list[str]:
        return [part.replace(" ", "") for part in declarations.statements(self.on_pre)]


def _plastic(statement: str) -> bool:
    """Whether a statement changes a variable of Tsodyks and Markram's synapse."""
    return declarations.parts(statement)[0] in (*_TSODYKS_MARKRAM, RELEASED)


def read(
    texts: Mapping[str, str],
    parameters: Mapping[str, Dimension],
    constants: Mapping[str, units.Quantity],
    cell: Mapping[str, Dimension],
    current: Dimension | None,
    key: str,
    per_synapse: Mapping[str, str] | None = None,
) -> Synapse:
    """Return a synapse from its texts, or what is wrong with them.

    Parameters
    ----------
    texts
        ``on_pre``, and where they are given ``equations``, ``target`` and ``current``.
    parameters
        Dimensions of all parameters of its config, a delay and what states start at among them.
    constants
        Values that are the same for all synapses.
    cell
        Dimensions of the target cell's state variables.
    current
        Dimension of the target's ``I``; None for a cell without.
    key
        Where it is: ``"synapse"``.
    per_synapse
        What each synapse makes of parameters; see :mod:`izhi.models.heterogeneity`.

    Raises
    ------
    ConfigError
        Naming the key, and the line or term that is off.
    """
    texts = declarations.without_comments(texts, ("on_pre", "current"))
    if not texts.get("on_pre", "").strip():
        raise ConfigError(
            f"{key}.on_pre: missing; a synapse does something at a spike; synapse=none is without"
        )
    for name in [*parameters, *constants]:
        declarations.check_name(name, f"{key}.{name}")
    known = {name: quantity.dimension for name, quantity in constants.items()}
    drawn, known = heterogeneity.read(
        per_synapse or {}, known | dict(parameters), f"{key}.per_synapse"
    )  # fmt: skip
    own_given = {**parameters, **{line.name: known[line.name] for line in drawn}}
    own, target = (_declared(texts, name, current, key) for name in ("equations", "target"))
    _check_event_driven(own, f"{key}.equations")
    declarations.check_flags(own, _OWN_FLAGS, f"{key}.equations")
    declarations.check_flags(target, _TARGET_FLAGS, f"{key}.target")
    declarations.check_starts(own, known, f"{key}.equations")
    declarations.check_starts(target, known, f"{key}.target")
    _check_constant_over_step(own, f"{key}.equations")
    for one in own:
        if one.kind == "subexpression" and "shared" in one.flags:
            declarations.check_shared(one, own, f"{key}.equations", sharing="synapses")
    _check_new(target, cell, f"{key}.target")
    states = {one.name for one in own if one.kind == "state"}
    felt = {one.name: one.dimension for one in target if one.kind == "state"}
    scope = declarations.check(own, _without_starts(known, states), f"{key}.equations")
    reached = {f"{name}{_POST}": kind for name, kind in {**cell, **felt}.items()}
    own_names = [*parameters, *constants, *(declared.name for declared in own)]
    _check_not_of_target(own_names, reached, key)
    writable = [*sorted(states), *sorted(reached)]
    on_pre = texts["on_pre"].strip()
    changed = declarations.check_statements(
        on_pre, {**scope, **reached}, writable, f"{key}.on_pre", constants
    )
    if not changed & reached.keys():
        such = next(iter([*felt, *cell]), "v")
        raise ConfigError(
            f"{key}.on_pre: reaches no cell; add to a variable of the target, such as "
            f"{such}{_POST} += weight"
        )
    entering = texts.get("current", "").strip()
    beside = declarations.check(target, {**_without_starts(known, felt), **cell}, f"{key}.target")
    _check_current(entering, beside, current, target, changed, key)
    _check_starts(own_given, (*own, *target), key)
    used = declarations.names_of_statements(on_pre) | _names(own)
    used_there = (dimensions.names(entering) if entering else set()) | _names(target)
    _check_drawn(drawn, used, used_there, states, f"{key}.per_synapse")
    named = (used | used_there).union(*(line.names for line in drawn))
    _check_used(own_given, constants, named, {*states, *felt}, key)
    return Synapse(
        tuple(_at_spikes(one) for one in own if one.kind != "parameter"), on_pre,
        tuple(one for one in target if one.kind != "parameter"), entering,
        tuple((name, kind) for name, kind in own_given.items() if name in used),
        tuple((name, kind) for name, kind in own_given.items() if name in used_there),
        tuple((name, quantity.si, quantity.dimension) for name, quantity in constants.items()),
        tuple(name for name in (*sorted(states), *felt) if f"{name}_0" in own_given),
        _DELAY in own_given, tuple(parameters), drawn,
    )  # fmt: skip


def _declared(
    texts: Mapping[str, str], name: str, current: Dimension | None, key: str
) -> tuple[Declaration, ...]:
    text = texts.get(name, "")
    if current is None and _CURRENT.search(text):
        raise ConfigError(f"{key}.{name}: the target cell has no I that a current could enter")
    unit = _UNIT_OF[current] if current is not None else "1"
    return declarations.parse(_CURRENT.sub(f": {unit}", text), f"{key}.{name}")


def _check_new(target: tuple[Declaration, ...], cell: Mapping[str, Dimension], key: str) -> None:
    for one in target:
        if one.name in cell:
            raise ConfigError(
                f"{key}: {one.name} is a variable of the target's neuron; give it another name"
            )


def _check_not_of_target(names: Iterable[str], reached: Collection[str], key: str) -> None:
    """Check that no name of the synapse's own stands for a variable of its target."""
    for name in names:
        if name in reached:
            raise ConfigError(
                f"{key}.{name}: {name} is {name.removesuffix(_POST)} of the target; give what the "
                "synapse has another name"
            )


def _check_event_driven(declared: tuple[Declaration, ...], key: str) -> None:
    states = {one.name for one in declared if one.kind == "state"}
    inner = {one.name: one.expression for one in declared if one.kind == "subexpression"}
    for one in declared:
        if one.kind != "state":
            continue
        if "event-driven" not in one.flags:
            raise ConfigError(
                f"{key}: {one.left}: a synapse's own equations are (event-driven); what goes on in "
                "every step is written under target"
            )
        moving = sorted(reached(one.expression, _expressions(declared)) & {"t", "dt"})
        if moving:
            raise ConfigError(
                f"{key}: {one.left}: an event-driven equation is solved from spike to spike, and "
                f"cannot name {moving[0]}; what changes with the time is written under target"
            )
        degree = declarations.degree(one.expression, states, inner)
        if degree > 1:
            raise ConfigError(
                f"{key}: {one.left}: an event-driven equation is solved from spike to spike, and "
                f"has to be linear in {', '.join(sorted(states))}"
            )
        if degree == 0:  # Brian2 inverts the matrix of the equations
            raise ConfigError(
                f"{key}: {one.left}: an event-driven equation is solved from spike to spike, and "
                f"has to name {' or '.join(sorted(states))}, as -{one.name}/tau does"
            )


def _check_constant_over_step(declared: tuple[Declaration, ...], key: str) -> None:
    """Check that what is constant over a step follows from parameters and the time."""
    states = {one.name for one in declared if one.kind == "state"}
    for one in declared:
        if "constant over dt" not in one.flags:
            continue
        for state in sorted(reached(one.expression, _expressions(declared)) & states):
            raise ConfigError(
                f"{key}: {one.left}: is constant over dt, but {state} changes with every spike; "
                "leave the flag out"
            )


def _at_spikes(declared: Declaration) -> Declaration:
    """Return a declaration as a spike needs it: what it reads of the time is that of its step."""
    return replace(declared, flags=declarations.lasting_flags(declared))


def _without_starts(
    known: Mapping[str, Dimension], states: Mapping[str, Dimension] | set[str]
) -> dict[str, Dimension]:
    return {name: kind for name, kind in known.items() if name.removesuffix("_0") not in states
            or not name.endswith("_0")}  # fmt: skip


def _check_current(
    text: str, known: Mapping[str, Dimension], current: Dimension | None,
    target: tuple[Declaration, ...], changed: set[str], key: str,
) -> None:  # fmt: skip
    """Check what enters the target's I: its unit, and that spikes have a part in it."""
    felt = [one.name for one in target if one.kind == "state"]
    if not text:
        if felt:
            raise ConfigError(
                f"{key}.current: missing; {', '.join(felt)} would reach no cell, "
                f"write what enters its I, such as {next(iter(felt))}"
            )
        return
    if current is None:
        raise ConfigError(f"{key}.current: the target cell has no I that a current could enter")
    declarations.of_expression(text, known, current, f"{key}.current")
    entering = reached(text, _expressions(target))
    for name in felt:
        if name not in entering:
            raise ConfigError(f"{key}.current = {text}: does not use {name}, which reaches no cell")
    if felt and not changed & {f"{name}{_POST}" for name in felt}:
        first = next(iter(felt))
        raise ConfigError(
            f"{key}.on_pre: never changes {first}, which is what the target feels; add "
            f"{first}{_POST} += weight"
        )


def _expressions(declared: tuple[Declaration, ...]) -> dict[str, str]:
    return {line.name: line.expression for line in declared if line.expression}


def _check_starts(
    parameters: Mapping[str, Dimension], declared: tuple[Declaration, ...], key: str
) -> None:
    for one in declared:
        given = parameters.get(f"{one.name}_0")
        if one.kind == "state" and given not in (None, one.dimension):
            assert given is not None
            said, wanted = units.name_of(given), units.name_of(one.dimension)
            raise ConfigError(f"{key}.{one.name}_0: {said}, but {one.name} is {wanted}")


def _check_drawn(
    drawn: tuple[Line, ...], used: set[str], used_there: set[str], states: set[str], key: str
) -> None:  # fmt: skip
    """Check that lines are used, and not by what is one for all synapses onto a cell."""
    for line in drawn:
        if line.name in used_there:
            raise ConfigError(
                f"{key}.{line.name}: target and current have one {line.name} for all synapses onto "
                "a cell; only what on_pre and equations use can differ from synapse to synapse"
            )
    heterogeneity.check_used(drawn, used | {_DELAY}, states, key)


def _names(declared: tuple[Declaration, ...]) -> set[str]:
    found: set[str] = set()
    for one in declared:
        found |= dimensions.names(one.expression) if one.expression else set()
    return found


def _check_used(
    parameters: Mapping[str, Dimension], constants: Mapping[str, units.Quantity], used: set[str],
    states: set[str], key: str,
) -> None:  # fmt: skip
    for name in [*parameters, *constants]:
        starts = name.endswith("_0") and name.removesuffix("_0") in states
        if name == _DELAY:
            if parameters[name] != SECOND:
                said = units.name_of(parameters[name])
                raise ConfigError(f"{key}.{name}: expected a time, not {said}")
        elif name not in used and not starts:
            near = did_you_mean(name, used)
            near = near if "did you mean" in near else ""
            if name.endswith("_0") and not near:
                near = f", nor have they a state {name.removesuffix('_0')}"
            raise ConfigError(f"{key}.{name}: the equations do not use it{near}")
