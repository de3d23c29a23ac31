"""The models of a study, from its own description: equations, and parameters with their units."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from izhi.config import keys
from izhi.config.sweep import Axis, Base, Sweep
from izhi.models import circuit
from izhi.models.cell import INPUT
from izhi.models.declarations import lines
from izhi.report.page import mathml
from izhi.study.description import written
from izhi.sweep.models import further_stimuli
from izhi.units import Quantity

_BELOW = {"constants": "constant", "per_cell": "for each cell", "per_synapse": "for each synapse"}
"""What parameters are that lie a level below a model's own."""

_NO_EQUATIONS = ("refractory", "method", "file", "column", "between")
"""Texts of a model that are listed with its parameters."""

_MOST_NAMED = 12
"""Values of a parameter that are named one by one."""


@dataclass
class _Model:
    """The same texts, in some of a study's configs: where they are, and of what."""

    kind: str
    group: str
    texts: Mapping[str, str]
    owners: dict[str, None] = field(default_factory=dict)
    bases: dict[int, None] = field(default_factory=dict)


def models(sweep: Sweep) -> list[dict[str, Any]]:
    """Return every model of a study, and its circuits, as a page shows them.

    Parameters
    ----------
    sweep
        What was asked for.

    Returns
    -------
    list of dict
        ``title``, ``kind``; ``equations``, ``threshold``, ``reset`` and ``on_pre`` as lists of
        MathML; ``parameters``: name (MathML), key, value, unit, remark.
    """
    found: dict[Any, _Model] = {}
    for number in sweep.used:
        base = sweep.bases[number]
        for kind, group, owner in _groups(base):
            texts = _texts(sweep, base, kind, group)
            if not texts or texts.get("model") == "none":
                continue
            model = found.setdefault(
                (kind, group, *texts.items()), _Model(kind, group, texts)
            )  # fmt: skip
            model.owners[owner] = model.bases[number] = None
    return [*(_shown(sweep, model) for model in found.values()), *_circuits(sweep)]


def _groups(base: Base) -> Iterator[tuple[str, str, str]]:
    """Give kind, group and owner of all models of a config."""
    populations = circuit.names(base, "populations")
    for name in populations:
        yield "neuron", circuit.group_of(base, name, "neuron"), name
    for name in circuit.names(base, "projections"):
        yield "synapse", circuit.group_of(base, name, "synapse"), name
    for name in populations:
        group = circuit.group_of(base, name, "stimulus")
        driven = base.values.get(f"circuit.populations.{name}.stimulated", True)
        if _has_input(base, name) and (driven or group != "stimulus"):
            for further in ("", *further_stimuli(base, group)):
                yield "stimulus", f"{group}{further}", name


def _has_input(base: Base, population: str) -> bool:
    """Whether the neuron of a population has an ``I``; sources of spikes have none."""
    group = circuit.group_of(base, population, "neuron")
    texts = [base.values.get(f"{group}.{name}", INPUT) for name in ("equations", "threshold")]
    return any(re.search(rf"\b{INPUT}\b", str(text)) for text in texts)


def _texts(sweep: Sweep, base: Base, kind: str, group: str) -> dict[str, str]:
    """Return the texts of a model by name, those that are swept one after the other."""
    found = {}
    for name in ("model", *keys.TEXTS[kind]):
        key = f"{group}.{name}"
        axis = _axis(sweep, key)
        if axis is not None:
            found[name] = "\n".join(map(str, axis.labels))
        elif isinstance(base.values.get(key), str):
            found[name] = str(base.values[key])
    return found


def _shown(sweep: Sweep, model: _Model) -> dict[str, Any]:
    text = model.texts
    owners = list(model.owners)
    shown = mathml.equations(text.get("equations", "")) + mathml.equations(text.get("target", ""))
    for whose in owners if model.kind == "synapse" else [model.group]:
        shown += [mathml.current(whose, line) for line in text.get("current", "").splitlines()]
    return {
        "title": f"{text.get('model', model.group)} ({model.kind} of {_named(owners)})",
        "kind": model.kind,
        "equations": shown,
        "threshold": [mathml.condition(line) for line in lines(text.get("threshold", ""))],
        "reset": mathml.statements(text.get("reset", "")),
        "on_pre": mathml.statements(text.get("on_pre", "")),
        "parameters": [*_parameters(sweep, model)],
    }


def _parameters(sweep: Sweep, model: _Model) -> Iterator[list[str]]:
    """Give name, key, value, unit and remark of all that a model has beside its equations."""
    prefix, seen = f"{model.group}.", dict[str, None]()
    bases = [sweep.bases[number] for number in model.bases]
    for base in bases:
        seen |= dict.fromkeys(k for k in [*base.swept, *base.values] if k.startswith(prefix))
    texts = {"model", *keys.TEXTS[model.kind]}.difference(_NO_EQUATIONS)
    for key in seen:
        below, _, name = key.removeprefix(prefix).rpartition(".")
        if (below and below not in _BELOW) or (not below and name in texts):
            continue
        values = {
            n: sweep.bases[n].values[key] for n in model.bases if key in sweep.bases[n].values
        }
        axis = _axis(sweep, key)
        if axis is None and all(value is None for value in values.values()):
            continue
        value, unit, remark = _swept(axis) if axis else _values(sweep, values)
        rest = "" if below else _rest(bases, prefix, name)
        remark = "; ".join(filter(None, [_BELOW.get(below, ""), remark, rest]))
        yield [mathml.symbol(name), key, value, unit, remark]


def _rest(bases: Sequence[Base], prefix: str, name: str) -> str:
    """Return what the word rest means for a start, as ``u_0``."""
    key = f"{prefix}rest.{name.removesuffix('_0')}"
    told = dict.fromkeys(str(base.values[key]) for base in bases if key in base.values)
    return f"rest is {' or '.join(told)}" if name.endswith("_0") and told else ""


def _axis(sweep: Sweep, key: str) -> Axis | None:
    found = sweep.along(key)
    return None if found is None else found[1]


def _swept(axis: Axis) -> tuple[str, str, str]:
    """Return values, unit and remark of a parameter that is an axis."""
    labels = axis.labels.tolist()
    number = f"{len(labels):,} value{'s' * (len(labels) != 1)}"
    if axis.labels.dtype.kind in "if":
        ends = f"{min(labels):.6g} to {max(labels):.6g}"
        return ends, axis.unit or "", f"swept: {ends}, {number}"
    named = ", ".join(map(str, labels[:_MOST_NAMED])) + ", ..." * (len(labels) > _MOST_NAMED)
    return named, axis.unit or "", f"swept: {number}"


def _values(sweep: Sweep, values: Mapping[int, Any]) -> tuple[str, str, str]:
    """Return value, unit and remark of a parameter that has a value in each config."""
    units = {value.unit for value in values.values() if isinstance(value, Quantity)}
    unit = next(iter(units)) if len(units) == 1 else ""
    if unit in ("rest", "null"):
        return unit, "", ""
    by_text: dict[str, list[int]] = {}
    for number, value in values.items():
        text = written(value) if isinstance(value, Quantity) else keys.shown(value)
        by_text.setdefault(text.removesuffix(unit).strip() if unit else text, []).append(number)
    if len(by_text) == 1:
        return next(iter(by_text)), unit, ""
    named = ", ".join([*by_text][:_MOST_NAMED]) + ", ..." * (len(by_text) > _MOST_NAMED)
    return named, unit, _by_choice(sweep, by_text)


def _by_choice(sweep: Sweep, by_text: Mapping[str, Sequence[int]]) -> str:
    """Return which choice has which value, where one axis decides that."""
    choices = [n for n, axis in enumerate(sweep.axes) if axis.values is None]
    if len(choices) != 1 or len(by_text) > _MOST_NAMED:
        return f"by {' and '.join(sweep.axes[n].name for n in choices)}" if choices else ""
    axis, base_of = sweep.axes[choices[0]], sweep.base_of.ravel().tolist()
    told = []
    for text, numbers in by_text.items():
        of = [
            str(label) for label, base in zip(axis.labels, base_of, strict=True) if base in numbers
        ]
        told.append(f"{text}: {', '.join(of)}")
    return f"by {axis.name}: {'; '.join(told)}"


def _circuits(sweep: Sweep) -> list[dict[str, Any]]:
    """Return each circuit: its populations and projections, and what goes into them."""
    found: dict[tuple[str, ...], dict[str, Any]] = {}
    ends = ("stimulated", "source", "target")
    rewired = any(a.key.startswith("circuit.") and a.key.endswith(ends) for a in sweep.axes)
    for number in sweep.used:
        base = sweep.bases[number]
        rows = [*_populations(sweep, base), *_projections(sweep, base)]
        told = tuple(" ".join(row[1:]) for row in rows)
        if told not in found:
            found[told] = {
                "title": f"circuit of {_named(circuit.names(base, 'populations'))}",
                "kind": "circuit", "equations": [] if rewired else [*_inputs(base)],
                "threshold": [], "reset": [], "on_pre": [], "parameters": rows,
            }  # fmt: skip
    return list(found.values())


def _named(owners: Sequence[str]) -> str:
    return " and ".join(owners) if len(owners) < 4 else f"{', '.join(owners[:3])}, ..."


def _inputs(base: Base) -> Iterator[str]:
    """Give what the ``I`` of each population is made of."""
    groups = [*_groups(base)]
    for name in circuit.names(base, "populations"):
        entering = [
            group if kind == "stimulus" else owner
            for kind, group, owner in groups if _target(base, kind, owner) == name
            and kind != "neuron" and base.has(f"{group}.current")
        ]  # fmt: skip
        if entering:
            yield mathml.inputs(name, entering)


def _target(base: Base, kind: str, owner: str) -> str:
    """Return the population that a model is for."""
    return str(base.values.get(f"circuit.projections.{owner}.target")
               if kind == "synapse" else owner)  # fmt: skip


def _populations(sweep: Sweep, base: Base) -> Iterator[list[str]]:
    for name in circuit.names(base, "populations"):
        key = f"circuit.populations.{name}"
        count, unit, swept = _one(sweep, base, f"{key}.count")
        driven = _one(sweep, base, f"{key}.stimulated")[0] == "true"
        remark = "with stimulus" if driven else "without stimulus"
        plural = "cell" if count == "1" else "cells"
        yield [mathml.symbol(name), key, f"{count} {plural}", unit,
               "; ".join(filter(None, [remark, swept]))]  # fmt: skip


def _projections(sweep: Sweep, base: Base) -> Iterator[list[str]]:
    for name in circuit.names(base, "projections"):
        key = f"circuit.projections.{name}"
        source, target, how, probability = (
            _one(sweep, base, f"{key}.{part}")
            for part in ("source", "target", "connect", "probability")
        )
        connect = (how[0] or "all").replace("_", " ")
        remark = f"connects {connect}" + f" with probability {probability[0]}" * bool(
            probability[0]
        )
        yield [mathml.symbol(name), key, f"{source[0]} → {target[0]}", "",
               "; ".join(filter(None, [remark, probability[2]]))]  # fmt: skip


def _one(sweep: Sweep, base: Base, key: str) -> tuple[str, str, str]:
    """Return value, unit and remark of one key of one config; "" where it does not have it."""
    axis = _axis(sweep, key)
    if axis is not None:
        return _swept(axis)
    value = base.values.get(key)
    return ("", "", "") if value is None else _values(sweep, {0: value})
