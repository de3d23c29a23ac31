"""What the cells of a population compute: their neuron, what drives them, what synapses leave.

All of it is one set of equations in Brian2's notation. A name keeps the form in which its config
has it wherever only one of neuron, stimuli and projections uses it; where two do, those of stimuli
and projections get their owner's name in front.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from izhi.models import declarations, dimensions, located, recording
from izhi.models.cell import INPUT
from izhi.models.circuit import Circuit, Population, Projection
from izhi.models.declarations import Declaration
from izhi.units import Dimension

DRIVE = "drive"
"""What all stimuli add up to."""

ESCAPES = "escapes"
"""Counts how often a membrane potential was beyond its bound."""

_OWN = (INPUT, DRIVE, ESCAPES, located.SINCE)

Names = Mapping[tuple[str, str], str]
"""By owner (``""`` for the neuron, else a stimulus or projection) and name: what it is called."""


@dataclass(frozen=True)
class Given:
    """A variable that points give.

    Attributes
    ----------
    name
        What it is called in the equations.
    parameter
        The parameter that it comes from: ``"pre.a"``; see :func:`izhi.sweep.plan.parameters`.
    """

    name: str
    parameter: str


@dataclass(frozen=True)
class Assembly:
    """The equations of a population's cells.

    Attributes
    ----------
    equations
        In Brian2's notation.
    drive
        What all stimuli add up to, for as long as a time step; ``""`` without stimuli.
    threshold, reset, refractory
        Likewise; ``""`` for no refractory period.
    constants
        Name, SI value and dimension.
    given
        The variables that points give, in the order in which a program takes them.
    """

    equations: str
    drive: str
    threshold: str
    reset: str
    refractory: str
    constants: tuple[tuple[str, float, Dimension], ...]
    given: tuple[Given, ...]


def assemble(circuit: Circuit, population: Population, v_max: float) -> Assembly:
    """Return what the cells of a population compute.

    Parameters
    ----------
    circuit
        All populations and projections.
    population
        One of them.
    v_max
        Volts beyond which a membrane potential has diverged.
    """
    called = names(circuit, population)
    cell, incoming = population.neuron, _incoming(circuit, population)
    declared = system(circuit, population)
    drive = next((d.expression for d in declared if d.name == DRIVE and population.stimuli), "")
    lines = [f"{d.name} : {d.unit}" if drive and d.name == DRIVE else declaration(_unshared(d))
             for d in declared]  # fmt: skip
    lines.append(f"{ESCAPES} : 1")
    lines += _parameters(population, incoming, called)
    reset = cell.reset
    if population.located:
        lines.append(located.DECLARED)
        every, method = system(circuit, population), located.base(population.method)
        reset = located.reset(every, cell.threshold, reset, method)
    # a v beyond v_max, where no potential is, leaves no trace after the reset: it is counted
    counted = f"{ESCAPES} += int(v > {v_max!r}*volt)\n" if cell.bounded else ""
    constants = list(cell.constants)
    for p in incoming:
        constants += [(called[p.name, n], value, kind) for n, value, kind in p.synapse.constants]
    return Assembly(
        "\n".join(lines) + "\n", drive, cell.threshold, counted + reset, cell.refractory,
        tuple(constants), tuple(_given(population, incoming, called)),
    )  # fmt: skip


def system(circuit: Circuit, population: Population) -> tuple[Declaration, ...]:
    """Return all states and subexpressions that the cells of a population have.

    The neuron's come first, what synapses leave in its cells last.
    """
    called = names(circuit, population)
    incoming, unit = _incoming(circuit, population), population.current
    drive = [f"({_renamed(w.current, owner, called)})" for owner, w in population.stimuli]
    entering = [DRIVE] * bool(drive)
    entering += [_entering(p, called) for p in incoming if p.synapse.current]
    found = [*population.neuron.declared]
    found.append(Declaration("subexpression", INPUT, " + ".join(entering) or f"0*{unit}", unit))
    if drive:
        flags = ("constant over dt",)
        found.append(Declaration("subexpression", DRIVE, " + ".join(drive), unit, flags))
    for owner, wave in population.stimuli:
        found += [as_called(one, owner, called) for one in wave.declared]
    for p in incoming:
        found += [as_called(one, p.name, called) for one in p.synapse.target]
    return tuple(found)


def on_pre(circuit: Circuit, projection: Projection) -> str:
    """Return what a presynaptic spike does, with all variables as they are called."""
    there = names(circuit, circuit.population(projection.target))
    called = {name: new for (_, name), new in synapse_names(circuit, projection).items()}
    called |= {f"{n}_post": f"{there[projection.name, n]}_post" for n in projection.synapse.felt}
    return declarations.renamed(projection.synapse.at_spikes, called)


def synapse_names(circuit: Circuit, projection: Projection) -> Names:
    """Return the names of a synapse's variables; no variable of its cells has one of them.

    The variables are states, parameters, constants, and those that a spike assigns for itself.
    """
    taken: set[str] = set()
    for population in (projection.source, projection.target):
        taken |= set(names(circuit, circuit.population(population)).values())
    synapse = projection.synapse
    own = [one.name for one in synapse.declared] + [name for name, _ in synapse.parameters]
    own += [name for name, *_ in synapse.constants]
    states = circuit.population(projection.target).neuron.states
    reached = {*own, *(f"{name}_post" for name in (*states, *synapse.felt))}
    own += sorted(set(declarations.assigned(synapse.at_spikes)) - reached)
    taken |= {f"{name}_post" for name in taken}  # what Brian2 calls variables of the target
    found = {}
    for name in own:
        called = name
        while called in taken:
            called += "_syn"
        taken.add(called)
        found[projection.name, name] = called
    return found


def names(circuit: Circuit, population: Population) -> Names:
    """Return what all that the cells of a population hold is called."""
    cell = population.neuron
    own = [one.name for one in cell.declared] + [name for name, *_ in cell.parameters]
    own += [*(name for name, *_ in cell.constants), *_OWN, *cell.noise]
    own += set(declarations.assigned(cell.reset)) - set(own)  # what a reset makes for itself
    own += [recording.NAME] * (cell.trains is not None)
    others: list[tuple[str, str]] = []
    for owner, wave in population.stimuli:
        held = [*(one.name for one in wave.declared), *wave.whole]
        held += [recording.NAME] * (wave.recording is not None)
        others += [(owner, name) for name in (*held, *(name for name, _ in wave.parameters))]
    for p in _incoming(circuit, population):
        held = [one.name for one in p.synapse.target]
        held += [name for name, _ in p.synapse.target_parameters]
        held += [name for name, *_ in p.synapse.constants]
        others += [(p.name, name) for name in held]
    times = Counter([*own, *(name for _, name in others)])
    found = {("", name): name for name in own}
    taken = set(own)
    for owner, name in others:
        called = name if times[name] == 1 else f"{owner.replace('.', '_')}_{name}"
        while called in taken or (called != name and declarations.is_reserved(called)):
            called += "x"
        taken.add(called)
        found[owner, name] = called
    return found


def _incoming(circuit: Circuit, population: Population) -> list[Projection]:
    return [p for p in circuit.projections if p.target == population.name]


def _renamed(text: str, owner: str, called: Names) -> str:
    of_owner = {name: new for (whose, name), new in called.items() if whose == owner}
    return declarations.renamed(text, of_owner)


def _entering(projection: Projection, called: Names) -> str:
    text = _renamed(projection.synapse.current, projection.name, called)
    return text if text.isidentifier() else f"({text})"


def declaration(one: Declaration) -> str:
    """Return a declaration in Brian2's notation."""
    flags = f" ({', '.join(one.flags)})" if one.flags else ""
    equals = f" = {one.expression}" if one.expression else ""
    return f"{one.left}{equals} : {one.unit}{flags}"


def _unshared(one: Declaration) -> Declaration:
    """Return a declaration that holds for a replica: what its cells share, others do not."""
    return replace(one, flags=tuple(flag for flag in one.flags if flag != "shared"))


def shared(circuit: Circuit, population: Population) -> list[str]:
    """Return what the variables are called that the equations say are one number for all cells."""
    return [d.name for d in system(circuit, population) if "shared" in d.flags]


def as_called(one: Declaration, owner: str, called: Names) -> Declaration:
    """Return a declaration with all names as they are called."""
    expression = _renamed(one.expression, owner, called)
    return replace(one, name=called[owner, one.name], expression=expression)


def _parameters(
    population: Population, incoming: list[Projection], called: Names
) -> Iterable[str]:  # fmt: skip
    """Give what points give, but for what states start at, in Brian2's notation."""
    for name, kind in population.neuron.parameters:
        yield f"{name} : {dimensions.unit(kind)} (constant)"
    if population.neuron.trains is not None:
        yield f"{recording.NAME} : 1"
    for name in population.neuron.noise:
        yield f"{name} : integer (constant)"
    for owner, wave in population.stimuli:
        for name, kind in wave.parameters:
            yield f"{called[owner, name]} : {dimensions.unit(kind)} (constant)"
        for name in wave.whole:
            yield f"{called[owner, name]} : integer (constant)"
        if wave.recording is not None:
            unit = dimensions.unit(wave.recording.dimension)
            yield f"{called[owner, recording.NAME]} : {unit} (shared)"
    for p in incoming:
        for name, kind in p.synapse.target_parameters:
            yield f"{called[p.name, name]} : {dimensions.unit(kind)} (constant)"


def _given(
    population: Population, incoming: list[Projection], called: Names
) -> Iterable[Given]:  # fmt: skip
    owner = population.name
    for name in (*(name for name, _ in population.neuron.parameters), *population.neuron.noise):
        yield Given(name, f"{owner}.{name}")
    for stimulus, wave in population.stimuli:
        for name in (*(name for name, _ in wave.parameters), *wave.whole):
            yield Given(called[stimulus, name], f"{owner}.{stimulus}.{name}")
    for state in population.neuron.starts:
        yield Given(state, f"{owner}.{state}_0")
    for p in incoming:
        for name, _ in p.synapse.target_parameters:
            yield Given(called[p.name, name], f"{p.name}.{name}")
        for state in p.synapse.felt:
            if state in p.synapse.starts:
                yield Given(called[p.name, state], f"{p.name}.{state}_0")
