"""Circuits: populations of cells and the projections between them."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from izhi.config.keys import LOCATED
from izhi.config.sweep import Base
from izhi.errors import ConfigError, did_you_mean
from izhi.models import dimensions, recording
from izhi.models.cell import Cell
from izhi.models.synapse import Synapse
from izhi.models.waveform import Waveform
from izhi.units import VOLT

_MOST_COMPILED = 4096
"""Synapses that a program holds in its text."""

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}")
"""Names become names of variables in Python, in C++, and in files."""

_PARTS = frozenset(["circuit", "hydra", "neuron", "record", "run", "simulation", "statistics",
                    "study", "synapse"])  # fmt: skip
"""What configs hold at their root: settings there would be taken for those of a population."""


@dataclass(frozen=True)
class Population:
    """Cells of one neuron model.

    Attributes
    ----------
    name
        Cells are labelled with it and a number: ``pre0``, ``pre1``.
    count
        Number of cells.
    neuron
        Their equations.
    stimuli
        What drives every cell: name (``"stimulus"``, ``"stimulus.noise"``) and current of each
        stimulus; none for cells that get none.
    method
        How their equations are integrated: a name of :data:`izhi.config.keys.METHODS`.
    """

    name: str
    count: int
    neuron: Cell
    stimuli: tuple[tuple[str, Waveform], ...]
    method: str

    @property
    def located(self) -> bool:
        """Whether resets lie inside the step, and spikes off the grid; never without states."""
        return self.method in LOCATED and bool(self.neuron.states)

    @property
    def current(self) -> str:
        """Brian2's unit of ``I``; that of a voltage where the equations have none."""
        return dimensions.unit(VOLT if self.neuron.input is None else self.neuron.input)


@dataclass(frozen=True)
class Projection:
    """Synapses of one model from the cells of a population onto those of another.

    Attributes
    ----------
    name
        Its name in the circuit's config.
    source, target
        Names of populations. Cells do not project onto themselves.
    synapse
        Their equations.
    delayed
        Whether any synapse has a delay.
    connect
        ``"all"``: every cell onto every other one; ``"one_to_one"``: every cell onto the one of
        the same number, as far as both populations go; ``"chain"``: every cell of a population
        onto the next one; ``"ring"``: likewise, and the last onto the first; ``"random"``: every
        cell onto every other one with a probability, by seed.
    """

    name: str
    source: str
    target: str
    synapse: Synapse
    delayed: bool
    connect: str = "all"


@dataclass(frozen=True)
class Circuit:
    """Populations and projections, as each replica in a network repeats them."""

    populations: tuple[Population, ...]
    projections: tuple[Projection, ...]

    @property
    def without_recordings(self) -> Circuit:
        """The same circuit, whatever its files hold."""
        return replace(self, populations=tuple(map(_without_recordings, self.populations)))

    @property
    def cells(self) -> tuple[str, ...]:
        """Labels of all cells: ``("pre0", "pre1", "post0")``."""
        return tuple(f"{p.name}{i}" for p in self.populations for i in range(p.count))

    @property
    def synapses(self) -> tuple[str, ...]:
        """Labels of what each source cell has in each projection: ``("pre_to_post.pre0", ...)``.

        All synapses of a cell in a projection release the same.
        """
        return tuple(f"{p.name}.{cell}" for p in self.projections for cell in self.sources(p))

    @property
    def drawn(self) -> frozenset[str]:
        """What differs from cell to cell or synapse to synapse: ``{"pre.c"}``."""
        owners = [(p.name, p.neuron.drawn) for p in self.populations]
        owners += [(p.name, p.synapse.drawn) for p in self.projections]
        found = {f"{owner}.{line.name}" for owner, lines in owners for line in lines}
        for p in self.populations:
            found |= {f"{p.name}.{name}" for name in p.neuron.noise}
            found |= {f"{p.name}.{owner}.{name}" for owner, w in p.stimuli for name in w.noise}
        return frozenset(found)

    def sources(self, projection: Projection) -> tuple[str, ...]:
        """Return the labels of a projection's source cells."""
        count = self.population(projection.source).count
        return tuple(f"{projection.source}{i}" for i in range(count))

    def population(self, name: str) -> Population:
        """Return a population by name."""
        return next(p for p in self.populations if p.name == name)

    def most_synapses(self, projection: Projection) -> int:
        """Return how many synapses a projection has; how many it can have, where it is random."""
        ends = (projection.source, projection.target)
        sources, targets = (self.population(name).count for name in ends)
        if projection.connect in ("all", "random"):
            return sources * targets - (sources if ends[0] == ends[1] else 0)
        return len(self.pairs(projection))

    def passed(self, projection: Projection) -> bool:
        """Whether programs are told who projects onto whom.

        So they are where it differs by point, where it is long, and where there is no synapse.
        """
        return projection.connect == "random" or not (
            1 <= self.most_synapses(projection) <= _MOST_COMPILED
        )

    def pairs(self, projection: Projection) -> NDArray[np.int32]:
        """Return source and target cell of a projection's synapses, shape (synapses, 2).

        Cells are counted per population; synapses rise by source, then by target. Those of a
        random projection are drawn: see :func:`izhi.sweep.drawn.connections`.
        """
        assert projection.connect != "random"
        sources, targets = (
            self.population(name).count for name in (projection.source, projection.target)
        )
        if projection.connect != "all":
            source = np.arange(min(sources, targets), dtype=np.int32)
            target = source + (projection.connect != "one_to_one")
            if projection.connect == "ring":
                target %= sources
            found = np.stack([source, target], axis=1)[target < targets]
        else:
            found = np.indices((sources, targets), np.int32).reshape(2, -1).T
        itself = projection.source == projection.target
        return found[found[:, 0] != found[:, 1]] if itself else found


def _without_recordings(population: Population) -> Population:
    stimuli = tuple(
        (name, wave if wave.recording is None else replace(
            wave, recording=replace(recording.NONE, dimension=wave.recording.dimension)
        )) for name, wave in population.stimuli
    )  # fmt: skip
    neuron = population.neuron
    if neuron.trains is not None:
        neuron = replace(neuron, trains=recording.NONE)
    return replace(population, neuron=neuron, stimuli=stimuli)


def names(base: Base, kind: str) -> list[str]:
    """Return the names of the populations or projections that a config holds, in its order."""
    prefix = f"circuit.{kind}."
    found = [key.split(".")[2] for key in [*base.values, *base.swept] if key.startswith(prefix)]
    return list(dict.fromkeys(found))


def group_of(base: Base, owner: str, kind: str) -> str:
    """Return the group that a population's neuron or stimulus, a projection's synapse comes from.

    Parameters
    ----------
    base
        The composed config.
    owner
        Name of the population or projection.
    kind
        ``"neuron"``, ``"stimulus"`` or ``"synapse"``.
    """
    own = f"{owner}.{kind}"
    return own if any(key.startswith(f"{own}.") for key in (*base.values, *base.swept)) else kind


def check_names(base: Base, values_of: Callable[[str], Sequence[Any]]) -> None:
    """Check that a circuit's names can be used and refer to what exists.

    Parameters
    ----------
    base
        The composed config.
    values_of
        Gives all values of a key, one where it is not swept.

    Raises
    ------
    ConfigError
        Naming the key that is off.
    """
    populations = names(base, "populations")
    if not populations:
        raise ConfigError("circuit.populations: empty; a circuit has at least one population")
    for name in [*populations, *names(base, "projections")]:
        if not _NAME.fullmatch(name):
            raise ConfigError(
                f"circuit: {name[:80]!r} is no name for a population or projection; expected "
                "up to 64 letters, digits and _ (ASCII), with a letter first"
            )
    _check_apart(populations, names(base, "projections"))
    for name in populations:
        for part in ("count", "stimulated"):
            if not base.has(f"circuit.populations.{name}.{part}"):
                raise ConfigError(f"circuit.populations.{name}.{part}: missing")
    counts = {p: max(values_of(f"circuit.populations.{p}.count")) for p in populations}
    labels = [f"{p}{i}" for p, count in counts.items() for i in range(count)]
    if len(set(labels)) < len(labels):
        raise ConfigError("circuit.populations: two cells would have the same label")
    for projection in names(base, "projections"):
        for end in ("source", "target"):
            key = f"circuit.projections.{projection}.{end}"
            if not base.has(key):
                raise ConfigError(f"{key}: missing; expected the name of a population")
            for given in values_of(key):
                if given not in populations:
                    raise ConfigError(
                        f"{key} = {given}: no such population{did_you_mean(given, populations)}"
                    )
        _check_within(base, f"circuit.projections.{projection}", values_of)
        _check_probability(base, f"circuit.projections.{projection}", values_of)
    for key in [*base.values, *base.swept]:
        owner, _, rest = key.partition(".")
        kind = rest.partition(".")[0]
        there = {"neuron": populations, "stimulus": populations,
                 "synapse": names(base, "projections")}.get(kind, [owner])  # fmt: skip
        if owner not in there and rest != kind:
            what = "projection" if kind == "synapse" else "population"
            raise ConfigError(
                f"{kind}@{owner}.{kind}: this circuit has no {what} {owner}"
                f"{did_you_mean(owner, there)}"
            )


def _check_apart(populations: list[str], projections: list[str]) -> None:
    """Check that no two owners of parameters have one name: parameters are known by it."""
    for name in projections:
        if name in populations:
            raise ConfigError(
                f"circuit.projections.{name}: circuit.populations.{name} has this name as well; "
                "expected a projection's own, such as pre_to_post"
            )
    for name in (*populations, *projections):
        kind = "populations" if name in populations else "projections"
        if name == "stimulus":
            raise ConfigError(
                f"circuit.{kind}.{name}: stands for what drives cells, and cannot be a name here"
            )
        if name in _PARTS:
            raise ConfigError(
                f"circuit.{kind}.{name}: configs have a {name} of their own; expected another name"
            )


def _check_within(
    base: Base, projection: str, values_of: Callable[[str], Sequence[Any]]
) -> None:  # fmt: skip
    """Check that what goes from cell to cell of one population does."""
    connect = values_of(f"{projection}.connect") if base.has(f"{projection}.connect") else ()
    sources, targets = (set(values_of(f"{projection}.{end}")) for end in ("source", "target"))
    for kind in ("ring", "chain"):
        if kind in connect and (sources != targets or len(sources) > 1):
            raise ConfigError(
                f"{projection}.connect = {kind}: a {kind} lies within one population, but source "
                f"is {', '.join(sorted(sources))} and target {', '.join(sorted(targets))}"
            )


def _check_probability(
    base: Base, projection: str, values_of: Callable[[str], Sequence[Any]]
) -> None:  # fmt: skip
    """Check that a random projection, and no other, has a probability."""
    random = "random" in (
        values_of(f"{projection}.connect") if base.has(f"{projection}.connect") else ()
    )
    given = base.has(f"{projection}.probability")
    if random and not given:
        raise ConfigError(
            f"{projection}.probability: missing; connect: random has one, such as 0.1"
        )
    if given and not random:
        raise ConfigError(f"{projection}.probability: is for connect: random")
