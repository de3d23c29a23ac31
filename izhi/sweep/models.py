"""The models that a composed config holds, read from its texts and the units of its values."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from operator import itemgetter
from typing import Any, TypeVar

import numpy as np

from izhi import units
from izhi.config import keys
from izhi.config.sweep import Base, Sweep
from izhi.errors import ConfigError
from izhi.models import cell as cells
from izhi.models import synapse as synapses
from izhi.models import waveform as waveforms
from izhi.models.cell import CURRENTS, Cell
from izhi.models.circuit import group_of
from izhi.models.declarations import DIVIDE
from izhi.models.synapse import Synapse
from izhi.models.waveform import Waveform
from izhi.units import AMPERE, NUMBER, VOLT, Dimension, Quantity

_KINDS = tuple(
    units.dimension_of(unit)
    for unit in ("1", "V", "A", "s", "Hz", "ohm", "S", "F", "V/s", "1/V", "S/V", "A/s", "A/V")
)
"""What a parameter of a model may be."""

Model = TypeVar("Model")
Kind = TypeVar("Kind")


def values(sweep: Sweep, base: Base, key: str) -> list[Any]:
    """Return all values of a key, one where it is not swept."""
    if (found := sweep.along(key)) is not None:
        return list(found[1].values)  # type: ignore[arg-type]
    return [base.values.get(key)]


def dimension(sweep: Sweep, base: Base, key: str) -> Dimension | None:
    """Return the dimension of a key's value, swept or not."""
    if (found := sweep.along(key)) is not None:
        return found[1].dimension
    value = base.values.get(key)
    return value.dimension if isinstance(value, Quantity) else None


@dataclass(frozen=True)
class Held:
    """What a config says of one model.

    It is sorted by name: a structure is the same whichever of its parameters are swept.

    Attributes
    ----------
    group
        Where it is: ``"neuron"``, ``"post.neuron"``.
    texts, rest, drawn
        Name and text.
    constants
        Name and value.
    parameters
        Name and dimension; None where all values are the word rest.
    """

    group: str
    texts: tuple[tuple[str, str], ...]
    rest: tuple[tuple[str, str], ...]
    constants: tuple[tuple[str, Quantity], ...]
    parameters: tuple[tuple[str, Dimension | None], ...]
    drawn: tuple[tuple[str, str], ...] = ()

    @property
    def kinds(self) -> dict[str, Dimension]:
        """The dimensions of all parameters."""
        return {name: kind for name, kind in self.parameters if kind is not None}


def neuron(sweep: Sweep, base: Base, population: str, chosen: Mapping[str, Any]) -> Cell:
    """Return the neuron of a population.

    Parameters
    ----------
    sweep, base
        The sweep, and one of its composed configs.
    population
        Its name.
    chosen
        Values of axes that are no parameters, such as texts and constants.

    Raises
    ------
    ConfigError
        Naming what is wrong with it.
    """
    held = _held(sweep, base, group_of(base, population, "neuron"), chosen)
    try:
        return _neuron(held)
    except ConfigError as error:
        raise _with_wanted(sweep, base, held, error, _neuron) from None


@lru_cache(maxsize=256)
def _neuron(held: Held) -> Cell:
    return cells.read(
        dict(held.texts), dict(held.parameters), dict(held.constants), held.group,
        dict(held.rest), dict(held.drawn),
    )  # fmt: skip


def synapse(
    sweep: Sweep, base: Base, projection: str, population: str, chosen: Mapping[str, Any]
) -> Synapse | None:
    """Return the synapse of a projection onto a population; None for ``synapse=none``.

    Raises
    ------
    ConfigError
        Naming what is wrong with it.
    """
    held = _held(sweep, base, group_of(base, projection, "synapse"), chosen)
    if dict(held.texts) == {"model": "none"}:
        return None
    return _fitting(sweep, base, held, population, chosen, _synapse)


@lru_cache(maxsize=256)
def _synapse(held: Held, target: Cell) -> Synapse:
    states = {one.name: one.dimension for one in target.declared if one.kind == "state"}
    return synapses.read(
        dict(held.texts), held.kinds, dict(held.constants), states, target.input, held.group,
        dict(held.drawn),
    )  # fmt: skip


def stimuli(
    sweep: Sweep, base: Base, population: str, chosen: Mapping[str, Any]
) -> tuple[tuple[str, Waveform], ...]:
    """Return what drives the cells of a population: name and current of each stimulus.

    Raises
    ------
    ConfigError
        Naming what is wrong with one.
    """
    group = group_of(base, population, "stimulus")
    found = []
    every = [
        (further, _held(sweep, base, f"{group}{further}", chosen))
        for further in ("", *further_stimuli(base, group))
    ]
    for further, held in every:
        if further and not held.texts:
            raise ConfigError(
                f"{held.group}: a mapping without a current; a further stimulus has one, as "
                f"{held.group}.current, and a parameter is one value, as {held.group}='10 mV'"
            )
    for further, held in every:
        if held.texts and dict(held.texts) != {"model": "none"}:
            wave = _fitting(sweep, base, held, population, chosen, _stimulus)
            found.append((f"stimulus{further}", wave))
    return tuple(found)


def further_stimuli(base: Base, group: str) -> list[str]:
    """Return the names of stimuli beside the first, with a point: ``".background"``."""
    parts = [
        key.removeprefix(f"{group}.").split(".")
        for key in (*base.values, *base.swept) if key.startswith(f"{group}.")
    ]  # fmt: skip
    return [f".{name}" for name in dict.fromkeys(part[0] for part in parts if len(part) == 2)]


@lru_cache(maxsize=256)
def _stimulus(held: Held, target: Cell) -> Waveform:
    wanted = VOLT if target.input is None else target.input
    return waveforms.read(dict(held.texts), held.kinds, wanted, held.group)


def _held(sweep: Sweep, base: Base, group: str, chosen: Mapping[str, Any]) -> Held:
    texts: dict[str, str] = {}
    rest: dict[str, str] = {}
    drawn: dict[str, str] = {}
    constants: dict[str, Quantity] = {}
    parameters: dict[str, Dimension | None] = {}
    for key in [*base.values, *base.swept]:
        if not key.startswith(f"{group}."):
            continue
        above, _, name = key.removeprefix(f"{group}.").rpartition(".")
        value = chosen.get(key, base.values.get(key))
        if above == "constants":
            constants[name] = _constant(sweep, base, key, value)
        elif above == "rest":
            rest[name] = str(value)
        elif above in ("per_cell", "per_synapse"):
            drawn[name] = str(value)
        elif above:
            continue
        elif isinstance(keys.key_of(key), keys.QuantityKey):
            parameters[name] = _kind(sweep, base, key)
        elif isinstance(value, str):
            texts[name] = value
    return Held(
        group, _sorted(texts), _sorted(rest), _sorted(constants), _sorted(parameters),
        _sorted(drawn),
    )  # fmt: skip


def _sorted(held: Mapping[str, Kind]) -> tuple[tuple[str, Kind], ...]:
    return tuple(sorted(held.items(), key=itemgetter(0)))


def _constant(sweep: Sweep, base: Base, key: str, value: Any) -> Quantity:
    if isinstance(value, Quantity):
        return value
    kind = dimension(sweep, base, key)
    assert kind is not None
    return Quantity(float(value), kind, float(value), "")


def _kind(sweep: Sweep, base: Base, key: str) -> Dimension | None:
    """Return a parameter's dimension; None where all of its values are the word rest."""
    given = values(sweep, base, key)
    numbers = [value.si if isinstance(value, Quantity) else value for value in given]
    return None if np.isnan(np.array(numbers, float)).all() else dimension(sweep, base, key)


def _fitting(
    sweep: Sweep, base: Base, held: Held, population: str, chosen: Mapping[str, Any],
    read: Callable[[Held, Cell], Model],
) -> Model:  # fmt: skip
    """Read what enters the I of cells; where its unit alone is off, say which value has it."""
    target = neuron(sweep, base, population, chosen)
    wanted = target.input
    if wanted is None:
        return read(held, target)
    with_zeros = tuple(
        (name, wanted if kind in CURRENTS[:2] and _is_zero(sweep, base, held.group, name) else kind)
        for name, kind in held.parameters
    )
    # 0 mV is no current in every unit where it is a reversal potential
    if not _reads(held, lambda given: read(given, target)):
        held = replace(held, parameters=with_zeros)
    try:
        return read(held, target)
    except ConfigError as error:
        off = [name for name, kind in held.parameters if kind in CURRENTS and kind != wanted]
        for name in off:
            fitting = [(n, wanted if n in off and held.kinds[n] == held.kinds[name] else kind)
                       for n, kind in held.parameters]  # fmt: skip
            if _reads(replace(held, parameters=tuple(fitting)), lambda other: read(other, target)):
                key = f"{held.group}.{name}"
                group = group_of(base, population, "neuron")
                raise ConfigError(_mismatch(sweep, base, key, group, wanted)) from None
        raise _with_wanted(sweep, base, held, error, lambda other: read(other, target)) from None


def _with_wanted(
    sweep: Sweep, base: Base, held: Held, error: ConfigError, read: Callable[[Held], Any]
) -> ConfigError:
    """Add to an error which one value would have to be of which kind, if that mends it."""
    wanted = _wanted(sweep, base, held, read) if "but should be" in str(error) else ""
    return ConfigError(f"{str(error).removesuffix(DIVIDE)}{wanted}") if wanted else error


def _wanted(sweep: Sweep, base: Base, held: Held, read: Callable[[Held], Any]) -> str:
    mending = _mending(held, read)
    if mending is None:
        return ""
    key = f"{held.group}.{mending[0]}"
    return f"; {key} = {_shown(sweep, base, key)} would have to be {units.name_of(mending[1])}"


@lru_cache(maxsize=64)
def _mending(held: Held, read: Callable[[Held], Any]) -> tuple[str, Dimension] | None:
    """Return the one value, and the kind, with which a model holds; None for none, or several."""
    found: list[tuple[Dimension, str, Dimension]] = []
    for name, given in held.kinds.items():
        for kind in _KINDS:
            other = tuple((n, kind if n == name else k) for n, k in held.parameters)
            if kind != given and _reads(replace(held, parameters=other), read):
                found.append((given, name, kind))
    for name, value in held.constants:
        for kind in _KINDS:
            put = replace(value, dimension=kind)
            changed = tuple((n, put if n == name else k) for n, k in held.constants)
            if kind != value.dimension and _reads(replace(held, constants=changed), read):
                found.append((value.dimension, f"constants.{name}", kind))
    bare = [one for one in found if one[0] == NUMBER]  # a unit that was left out, most likely
    return (bare or found)[0][1:] if len(bare or found) == 1 else None


def _is_zero(sweep: Sweep, base: Base, group: str, name: str) -> bool:
    given = values(sweep, base, f"{group}.{name}")
    return not any(value.si if isinstance(value, Quantity) else value for value in given)


def _reads(held: Held, read: Callable[[Held], Any]) -> bool:
    try:
        read(held)
    except ConfigError:
        return False
    return True


def _mismatch(sweep: Sweep, base: Base, key: str, group: str, wanted: Dimension) -> str:
    """Return what is said of a current that does not fit a neuron."""
    given = dimension(sweep, base, key)
    assert given is not None
    said = f"{key} = {_shown(sweep, base, key)} is {units.name_of(given)}, but "
    such = {
        VOLT: "in volt (10 mV)",
        AMPERE: "in ampere (10 nA)",
        NUMBER: "as a plain number (10 1)",
    }
    r_kind = dimension(sweep, base, f"{group}.R")
    if r_kind is None or wanted not in (VOLT, AMPERE):
        such[AMPERE] = "in ampere (100 pA)"
        way = such.get(wanted, f"as {units.name_of(wanted)}")
        other = "choose stimulus=step_current, or " * (
            (key, wanted) == ("stimulus.amplitude", AMPERE)
        )
        return f"{said}I in {group}.equations is {units.name_of(wanted)}: {other}give {key} {way}"
    other = "make {}.R a number (1)" if wanted == AMPERE else "make {}.R a resistance (1 Mohm)"
    return (
        f"{said}{group}.R = {_shown(sweep, base, f'{group}.R')} is {units.name_of(r_kind)}, and "
        f"R*I has to be a voltage: give {key} {such[wanted]}, or {other.format(group)}"
    )


def _shown(sweep: Sweep, base: Base, key: str) -> str:
    if (found := sweep.along(key)) is not None:
        return f"{found[1].labels[0]} {found[1].unit or ''}".strip()
    return keys.shown(base.values.get(key))
