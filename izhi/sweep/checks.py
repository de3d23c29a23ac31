"""Checks that need more than one key: all points at once, before anything is built."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from izhi import units
from izhi.config import keys
from izhi.config.sweep import Base, Sweep
from izhi.errors import ConfigError, did_you_mean
from izhi.models import circuit as circuits
from izhi.sweep import models, points
from izhi.units import AMPERE, VOLT, Dimension


def check_base(sweep: Sweep, base: Base) -> None:
    """Check that one composed config is whole and its units agree.

    Raises
    ------
    ConfigError
        Naming the key.
    """
    circuits.check_names(base, lambda key: models.values(sweep, base, key))
    if not base.has("synapse.model"):
        raise ConfigError("synapse.model: missing; synapse=none is a circuit without synapses")
    chosen = models.values(sweep, base, "synapse.model")
    needed = circuits.needed_keys(base, chosen)
    for key in needed:
        if not base.has(key):
            raise keys.missing_key(key)
    for key in [*base.values, *base.swept]:
        if (
            key.startswith("synapse.")
            and key not in [*needed, "synapse.model"]
            and chosen != ["none"]
        ):
            raise ConfigError(f"{key}: not used by synapse.model = {' or '.join(chosen)}")
    for name in circuits.names(base, "populations"):
        _check_currents(sweep, base, name)


def _check_currents(sweep: Sweep, base: Base, population: str) -> None:
    """Check what enters a neuron's I against what its equations take it for."""
    group = circuits.neuron_group(base, population)
    wanted = models.neuron(sweep, base, group, {}).input
    fed = []
    if any(models.values(sweep, base, f"circuit.populations.{population}.stimulated")):
        fed += ["stimulus.amplitude", "stimulus.baseline"]
    if models.values(sweep, base, "synapse.model") != ["none"] and any(
        population in models.values(sweep, base, f"circuit.projections.{name}.target")
        for name in circuits.names(base, "projections")
    ):
        fed.append("synapse.weight")
    for key in fed:
        given = models.dimension(sweep, base, key)
        if wanted is None or given in (None, wanted) or not np.any(points.grid(sweep, key)):
            continue
        raise ConfigError(_mismatch(sweep, base, key, group, wanted))


def _mismatch(sweep: Sweep, base: Base, key: str, group: str, wanted: Dimension) -> str:
    """Return what is said of a current that does not fit a neuron."""
    given = models.dimension(sweep, base, key)
    assert given is not None
    said = f"{key} = {_shown(sweep, base, key)} is {units.name_of(given)}, but "
    such = {VOLT: "in volt (10 mV)", AMPERE: "in ampere (10 nA)"}
    r_kind = models.dimension(sweep, base, f"{group}.R")
    if r_kind is None or wanted not in such:
        way = such.get(wanted, f"as {units.name_of(wanted)}")
        return f"{said}I in {group}.equations is {units.name_of(wanted)}: give {key} {way}"
    other = "make {}.R a number (1)" if wanted == AMPERE else "make {}.R a resistance (1 Mohm)"
    return (
        f"{said}{group}.R = {_shown(sweep, base, f'{group}.R')} is {units.name_of(r_kind)}, and "
        f"R*I has to be a voltage: give {key} {such[wanted]}, or {other.format(group)}"
    )


def _shown(sweep: Sweep, base: Base, key: str) -> str:
    for axis in sweep.axes:
        if axis.key == key:
            return f"{axis.labels[0]} {axis.unit or ''}".strip()
    return keys.shown(base.values.get(key))


def check_study(sweep: Sweep) -> None:
    """Check that what holds for a whole study is the same in all of its configs.

    Raises
    ------
    ConfigError
        Naming the first key that is not.
    """
    first, *others = (sweep.bases[number].values for number in sweep.used)
    for values in others:
        for key, value in first.items():
            if key.startswith(keys.STUDY_WIDE) and values[key] != value:
                raise ConfigError(
                    f"{key}: {keys.shown(value)} by one of the choices, {keys.shown(values[key])} "
                    "by another; it has to be the same for the whole study"
                )


def check_points(sweep: Sweep) -> None:
    """Check values against each other over all points.

    Raises
    ------
    ConfigError
        Naming the first point's values that do not fit together.
    """
    grid = _lookup(sweep)
    rules: list[tuple[str, str, Callable[[Any, Any], Any], str]] = [
        ("simulation.dt", "simulation.duration", np.less_equal,
         "a time step is at most the duration"),
        ("stimulus.onset", "simulation.duration", np.less, "the onset lies before the end"),
        ("stimulus.offset", "stimulus.onset", np.greater, "the offset lies after the onset"),
    ]  # fmt: skip
    groups = {
        circuits.neuron_group(sweep.bases[b], name)
        for b in sweep.used for name in circuits.names(sweep.bases[b], "populations")
    }  # fmt: skip
    for group in sorted(groups):
        rules.append((f"{group}.c", f"{group}.v_th", np.less, "a spike resets below the threshold"))
        rules.append(
            (f"{group}.v_th", "simulation.v_max", np.less, "what spikes has not diverged yet")
        )
    for key, other, holds, rule in rules:
        left, right = grid(key), grid(other)
        bad = ~(holds(left, right) | np.isnan(left) | np.isnan(right))
        if bad.any():
            at = np.unravel_index(int(np.argmax(bad)), bad.shape)
            raise ConfigError(
                f"{key} = {_at(sweep, key, left, at)} with {other} = "
                f"{_at(sweep, other, right, at)}: {rule}"
            )
    steps = grid("simulation.duration") / grid("simulation.dt")
    if (steps >= 2**31 - 1).any():
        raise ConfigError("simulation.duration: more than 2,147,483,646 time steps")


def _lookup(sweep: Sweep) -> Callable[[str], NDArray[np.float64]]:
    cache: dict[str, NDArray[np.float64]] = {}
    return lambda key: cache.setdefault(key, points.grid(sweep, key))


def _at(sweep: Sweep, key: str, values: NDArray[np.float64], at: Any) -> str:
    """Return the value of a grid at a position, in the unit it was written in."""
    position = tuple(i if n > 1 else 0 for i, n in zip(at, values.shape, strict=True))
    for number, axis in enumerate(sweep.axes):
        if axis.key == key and axis.values is not None:
            return f"{axis.labels[at[number]]} {axis.unit or ''}".strip()
    base_at = tuple(i if n > 1 else 0 for i, n in zip(at, sweep.base_of.shape, strict=True))
    del position
    return keys.shown(sweep.bases[int(sweep.base_of[base_at])].values.get(key))


def traced_points(sweep: Sweep) -> NDArray[np.int64]:
    """Return the numbers of the points whose traces are recorded.

    Raises
    ------
    ConfigError
        For a selection that names a point, axis or value that is not there.
    """
    given = sweep.setting("record.traces")
    total = points.count(sweep)
    if given is None or given == []:
        return np.empty(0, np.int64)
    interval = points.grid(sweep, "record.interval")
    ratio = interval / points.grid(sweep, "simulation.dt")
    if (np.abs(ratio - np.round(ratio)) > 1e-6).any() or (ratio < 0.5).any():
        raise ConfigError(
            f"record.interval = {keys.shown(sweep.setting('record.interval'))}: "
            "expected a multiple of simulation.dt"
        )
    if given == "all":
        return np.arange(total)
    if isinstance(given, list):
        for number in given:
            if isinstance(number, bool) or not isinstance(number, int) or not 0 <= number < total:
                raise ConfigError(
                    f"record.traces = {keys.shown(given)}: {number} is no point number; "
                    f"expected 0 to {total - 1}"
                )
        return np.unique(np.array(given, np.int64))
    if isinstance(given, dict) and given:
        return _selected(sweep, given)
    raise ConfigError(
        f"record.traces = {keys.shown(given)}: expected null, all, a list of point numbers, "
        "or values by axis such as {neuron: chattering}"
    )


def _selected(sweep: Sweep, selection: Mapping[Any, Any]) -> NDArray[np.int64]:
    chosen = np.ones(sweep.shape, bool)
    names = {name: n for n, axis in enumerate(sweep.axes) for name in (axis.name, axis.key)}
    for name, wanted in selection.items():
        if name not in names:
            there = did_you_mean(str(name), names) or "; nothing is swept"
            raise ConfigError(f"record.traces: no axis {name}{there}")
        axis = sweep.axes[names[name]]
        here = np.zeros(len(axis), bool)
        if wanted == []:
            raise ConfigError(f"record.traces: {name} = []: expected one value or more")
        for value in wanted if isinstance(wanted, list) else [wanted]:
            here |= match(axis.labels, axis.unit, value, f"record.traces: {name}")
        shape = [1] * len(sweep.axes)
        shape[names[name]] = len(axis)
        chosen &= here.reshape(shape)
    return np.flatnonzero(chosen.ravel())


def match(labels: NDArray[Any], unit: str | None, value: Any, what: str) -> NDArray[np.bool_]:
    """Return which labels are meant by a value: text, a number, or a quantity.

    Raises
    ------
    ConfigError
        When none is.
    """
    if labels.dtype == object:
        found = labels == value
    else:
        try:
            quantity = units.parse(value.item() if isinstance(value, np.generic) else value)
            number = quantity.number if quantity.unit == "" else units.in_unit(quantity, unit or "")
        except ConfigError as error:
            raise ConfigError(f"{what} = {keys.shown(value)}: {error}") from None
        found = np.isclose(labels.astype(float), number, rtol=1e-9, atol=0)
    if not np.any(found):
        raise ConfigError(
            f"{what} = {keys.shown(value)}: not on the axis"
            f"{did_you_mean(str(value), map(str, labels[:20]))}"
        )
    return np.asarray(found, bool)
