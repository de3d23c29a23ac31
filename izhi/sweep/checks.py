"""Checks that need more than one key: all points at once, before anything is built."""

from __future__ import annotations

import re
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


def check_base(sweep: Sweep, base: Base) -> None:
    """Check that one composed config is whole and its units agree.

    Raises
    ------
    ConfigError
        Naming the key.
    """
    circuits.check_names(base, lambda key: models.values(sweep, base, key))
    if not base.has("synapse.model") and not base.has("synapse.on_pre"):
        raise ConfigError(
            "synapse.on_pre: missing; a synapse does something at a spike; synapse=none is without"
        )
    if not base.has("stimulus.model") and not base.has("stimulus.current"):
        raise ConfigError(
            "stimulus.current: missing; a stimulus is a current, an expression of t; stimulus=none "
            "is without"
        )


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
            # A stored config may lack a key that has no part in results.
            if key.startswith(keys.STUDY_WIDE) and values.get(key, value) != value:
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
    ]  # fmt: skip
    for group in _groups(sweep, "stimulus"):
        onset, offset = f"{group}.onset", f"{group}.offset"
        rules += [
            (onset, "simulation.duration", np.less, "the onset lies before the end"),
            (offset, onset, np.greater, "the offset lies after the onset"),
            (f"{group}.width", f"{group}.period", np.less, "a pulse is shorter than its period"),
            (f"{group}.width", f"{group}.interval", np.less_equal, "a pulse ends before the next"),
            (
                f"{group}.period",
                "simulation.dt",
                np.greater_equal,
                "a period is at least a time step",
            ),
        ]
    for group in _groups(sweep, "synapse"):
        rules.append(
            (
                f"{group}.tau_rise",
                f"{group}.tau_s",
                np.less,
                "a current rises faster than it decays; synapse=alpha has one time for both",
            )
        )
    for group in _groups(sweep, "neuron"):
        c, v_th = f"{group}.c", f"{group}.v_th"
        if _says(sweep, f"{group}.reset", r"v\s*=\s*c") and _says(sweep, *_threshold(group)):
            rules.append((c, v_th, np.less, "a spike resets below the threshold"))
        if _is_voltage(sweep, v_th) and _says(sweep, *_threshold(group)):
            rules.append((v_th, "simulation.v_max", np.less, "what spikes has not diverged yet"))
    for key, other, holds, rule in rules:
        left, right = grid(key), grid(other)
        bad = ~(holds(left, right) | np.isnan(left) | np.isnan(right))
        if bad.any():
            at = np.unravel_index(int(np.argmax(bad)), bad.shape)
            raise ConfigError(
                f"{key} = {_at(sweep, key, at)} with {other} = {_at(sweep, other, at)}: {rule}"
            )
    steps = grid("simulation.duration") / grid("simulation.dt")
    if (steps >= 2**31 - 1).any():
        raise ConfigError("simulation.duration: more than 2,147,483,646 time steps")


def _threshold(group: str) -> tuple[str, str]:
    return f"{group}.threshold", r"v\s*>=?\s*v_th"


def _says(sweep: Sweep, key: str, statement: str) -> bool:
    """Return whether a text of every config has a statement: names mean what equations make them.

    A parameter c may be a capacitance.
    """
    texts = [sweep.bases[number].values.get(key) for number in sweep.used]
    found = (re.split("[;\n]", text) if isinstance(text, str) else [] for text in texts)
    return all(any(re.fullmatch(statement, one.strip()) for one in parts) for parts in found)


def _is_voltage(sweep: Sweep, key: str) -> bool:
    used = map(sweep.bases.__getitem__, sweep.used)
    return all(models.dimension(sweep, base, key) == units.VOLT for base in used)


def _groups(sweep: Sweep, kind: str) -> list[str]:
    """Return the groups that neurons and stimuli of populations, or synapses, come from."""
    owners = "projections" if kind == "synapse" else "populations"
    found = set()
    for base in map(sweep.bases.__getitem__, sweep.used):
        for name in circuits.names(base, owners):
            group = circuits.group_of(base, name, kind)
            further = models.further_stimuli(base, group) if kind == "stimulus" else []
            found |= {f"{group}{name}" for name in ("", *further)}
    return sorted(found)


def _lookup(sweep: Sweep) -> Callable[[str], NDArray[np.float64]]:
    cache: dict[str, NDArray[np.float64]] = {}
    return lambda key: cache.setdefault(key, points.grid(sweep, key))


def _at(sweep: Sweep, key: str, at: Any) -> str:
    """Return the value of a grid at a position, in the unit it was written in."""
    if (found := sweep.along(key)) is not None:
        return f"{found[1].labels[at[found[0]]]} {found[1].unit or ''}".strip()
    base_at = tuple(i if n > 1 else 0 for i, n in zip(at, sweep.base_of.shape, strict=True))
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
            here[match(axis.labels, axis.unit, value, f"record.traces: {name}")] = True
        shape = [1] * len(sweep.axes)
        shape[names[name]] = len(axis)
        chosen &= here.reshape(shape)
    return np.flatnonzero(chosen.ravel())


def match(labels: NDArray[Any], unit: str | None, value: Any, what: str) -> int:
    """Return the position of the label that a value means: text, a number, or a quantity.

    The label that is equal wins. Otherwise it is the nearest one within 1e-9 of the number, as one
    writes 0.3 for 0.30000000000000004; whole numbers are other ones, however near.

    Raises
    ------
    ConfigError
        When no label is meant.
    """
    if labels.dtype == object:
        equal = np.flatnonzero(labels == value)
        found = int(equal[0]) if equal.size else None
        near = did_you_mean(str(value), map(str, labels[:20]))
    else:
        try:
            number = _number(labels, unit, value.item() if isinstance(value, np.generic) else value)
        except ConfigError as error:
            raise ConfigError(f"{what} = {keys.shown(value)}: {error}") from None
        nearest = int(np.argmin(np.abs(labels.astype(float) - float(number))))
        found = _equal(labels, number, nearest)
        of = "" if unit in (None, "1") else unit
        near = f"; the nearest is {float(labels[nearest]):.10g} {of}".rstrip()
    if found is None:
        raise ConfigError(f"{what} = {keys.shown(value)}: not on the axis{near}")
    return found


def _equal(labels: NDArray[Any], number: float, nearest: int) -> int | None:
    """Return the position of the label that is a number, but for rounding; None where none is."""
    equal = np.flatnonzero(labels == number)
    if equal.size:
        return int(equal[0])
    near = labels.dtype.kind == "f" and np.isclose(labels[nearest], number, rtol=1e-9, atol=0)
    return nearest if near else None


def _number(labels: NDArray[Any], unit: str | None, value: Any) -> float:
    """Return a value as a number in the unit of an axis; as it is where the axis has whole ones."""
    quantity = units.parse(value)
    if labels.dtype.kind == "i" and re.fullmatch(r"\s*[+-]?\d+\s*", str(value)):
        return int(value)  # a large one is no floating point number
    return quantity.number if quantity.unit == "" else units.in_unit(quantity, unit or "")
