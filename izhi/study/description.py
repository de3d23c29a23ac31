"""A sweep as plain data, for the reader, for comparing and for going on with: written and read."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray

from izhi import units
from izhi.config import keys
from izhi.config.sweep import Axis, Base, Sweep
from izhi.errors import ConfigError, StudyError
from izhi.units import Dimension, Quantity

if TYPE_CHECKING:
    import xarray as xr

NOT_RESULTS = ("run.", "study.")
"""Starts of the keys that change no result."""

STATISTICS = "statistics."
"""Start of the keys that change what is computed from the spikes, and no spike."""

_MOST_POINTS = 20_000_000


def as_json(sweep: Sweep) -> str:
    """Return the composed configs and axes as one JSON string."""
    return json.dumps(of(sweep), ensure_ascii=False)


def of(sweep: Sweep) -> dict[str, Any]:
    """Return axes, composed configs and overrides as plain data that :func:`read` takes back."""
    number = {base: n for n, base in enumerate(sweep.used)}
    renumbered = np.vectorize(number.__getitem__, otypes=[np.int64])(sweep.base_of)
    bases = [sweep.bases[n] for n in sweep.used]
    types = [dict(base.drawn) for base in bases]
    return {
        "overrides": list(sweep.overrides),
        "choices": dict(sweep.choices),
        "axes": [_axis(axis) for axis in sweep.axes],
        "configs": [{key: _plain(value) for key, value in base.values.items()} for base in bases],
        "swept": [list(base.swept) for base in bases],
        "config_of": {"shape": list(renumbered.shape), "number": renumbered.ravel().tolist()},
        **({"drawn": types} if any(types) else {}),
    }


def _plain(value: Any) -> Any:
    return written(value) if isinstance(value, Quantity) else value


def written(quantity: Quantity) -> str:
    """Return a quantity as text that reads back as the same bits."""
    if not math.isfinite(quantity.si):  # rest, null
        return quantity.unit
    return f"{quantity.number!r} {quantity.unit}".replace(".0 ", " ").strip()


def _axis(axis: Axis) -> dict[str, Any]:
    told = {
        "key": axis.key, "name": axis.name, "unit": axis.unit, "values": axis.labels.tolist()
    }  # fmt: skip
    if axis.values is None:
        told["kind"] = "choice"
    elif axis.dimension is not None:
        told["kind"] = "quantity"
        told["dimension"] = list(axis.dimension)
        if axis.unit is None or not np.array_equal(
            _from_labels(axis.labels, axis.unit), axis.values
        ):
            told["si"] = [si if math.isfinite(si) else None for si in axis.values.tolist()]
    if axis.links:
        told["links"] = [_axis(link) for link in axis.links]
    return told


def _from_labels(labels: NDArray[Any], unit: str) -> NDArray[np.float64]:
    return np.array([units.with_unit(float(label), unit).si for label in labels])


def fingerprint(sweep: Sweep) -> str:
    """Return what a study is known by: everything that its spikes depend on, in SI units."""
    told = of(sweep)
    axes = [
        [
            a["key"],
            a["name"],
            a["unit"],
            a["values"],
            _si(axis),
            *([link.key, _si(link)] for link in axis.links),
        ]
        for a, axis in zip(told["axes"], sweep.axes, strict=True)
    ]
    configs = [results_of(sweep.bases[n]) for n in sweep.used]
    text = json.dumps([SCHEMA, axes, configs, told["config_of"]], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


SCHEMA = 5
"""Version of the layout of a study."""


def _si(axis: Axis) -> Any:
    return None if axis.dimension is None else list(map(repr, axis.values.tolist()))  # type: ignore[union-attr]


def results_of(base: Base) -> dict[str, Any]:
    """Return what a config's spikes depend on, quantities as SI values with their dimension."""
    return {
        key: [repr(value.si), value.dimension] if isinstance(value, Quantity) else value
        for key, value in base.values.items()
        if not key.startswith((*NOT_RESULTS, STATISTICS))
    }


def read(told: Any, source: str) -> Sweep:
    """Return the sweep that a description tells of; nothing in it is taken unchecked.

    Parameters
    ----------
    told
        What :func:`of` made, from a file.
    source
        Where it is from, for errors.

    Raises
    ------
    StudyError
        When it is no description of a sweep.
    """
    try:
        axes = tuple(map(_read_axis, _list(told["axes"])))
        bases = tuple(
            _read_base(config, swept, types)
            for config, swept, types in zip(
                told["configs"],
                told["swept"],
                told.get("drawn", [{}] * len(told["configs"])),  # older studies do not say
                strict=True,
            )
        )
        shape = [_whole(n) for n in _list(told["config_of"]["shape"])]
        numbers = np.array([_whole(n) for n in _list(told["config_of"]["number"])], np.int64)
        config_of = numbers.reshape(shape)
        lengths = [len(axis) for axis in axes]
        if len(shape) != len(axes) or any(
            n not in (1, length) for n, length in zip(shape, lengths, strict=True)
        ):
            raise ValueError("config_of: not of the axes' shape")
        if math.prod(lengths) > _MOST_POINTS:
            raise ValueError(f"more than {_MOST_POINTS:,} points")
        if not bases or numbers.min(initial=0) < 0 or numbers.max(initial=0) >= len(bases):
            raise ValueError("config_of: no such config")
        choices = {str(k): str(v) for k, v in _mapping(told["choices"]).items()}
        return Sweep(axes, bases, config_of, choices, tuple(map(str, _list(told["overrides"]))))
    except (ConfigError, KeyError, TypeError, ValueError, OverflowError, AttributeError) as error:
        what = f"{error} is missing" if isinstance(error, KeyError) else str(error)
        raise StudyError(
            f"{source}: no description of a study: {' '.join(what.split())[:200]}"
        ) from error


def of_dataset(dataset: xr.Dataset, source: str) -> Sweep:
    """Return the sweep that a dataset is of.

    Parameters
    ----------
    dataset
        The dataset of a study, or a part of it.
    source
        Where it is from, for errors.

    Raises
    ------
    StudyError
        When the dataset does not say.
    """
    try:
        told = json.loads(dataset.attrs["config"])
    except (KeyError, ValueError, RecursionError) as error:
        raise StudyError(f"{source}: does not say what was asked for") from error
    return read(told, source)


def _read_axis(told: Any) -> Axis:
    key, name, unit = told["key"], told["name"], told["unit"]
    if not isinstance(key, str) or not isinstance(name, str) or not name:
        raise ValueError("an axis without key or name")
    if unit is not None and not isinstance(unit, str):
        raise ValueError(f"{key}: unit = {keys.shown(unit)}")
    given = _list(told["values"])
    if not given or not all(type(v) in (str, int, float, bool) for v in given):
        raise ValueError(f"{key}: an axis has one value or more, of text or numbers")
    kind = told.get("kind")
    if kind == "choice":
        return Axis(key, name, np.array([str(v) for v in given], dtype=object), None, None)
    if kind != "quantity":
        values = [keys.check_value(key, value) for value in given]
        return Axis.of(key, values, None).renamed(name)
    known = keys.key_of(key)
    if not isinstance(known, keys.QuantityKey):
        raise ValueError(f"{key}: takes no quantity")
    dimension = cast(Dimension, tuple(map(int, told["dimension"])))
    if (known.dimensions and dimension not in known.dimensions) or (
        unit and units.dimension_of(unit) != dimension
    ):
        raise ValueError(f"{key}: not of dimension {dimension}")
    if unit is None:
        labels = np.array([str(v) for v in given], dtype=object)
    else:
        labels = np.array([float(v) for v in given])
    si = _read_si(key, known, told.get("si"), labels, unit)
    links = tuple(map(_read_axis, _list(told.get("links", []))))
    if any(link.dimension is None or len(link) != len(labels) for link in links):
        raise ValueError(f"{key}: its links are not of its length")
    return Axis(key, name, labels, unit, si, dimension, links)


def _read_si(
    key: str, known: keys.QuantityKey, given: Any, labels: NDArray[Any], unit: str | None
) -> NDArray[np.float64]:
    """Return an axis's SI values: as told, else from its labels; words stand for their value."""
    if given is None:
        if unit is None:
            raise ValueError(f"{key}: si is missing")
        values = _from_labels(labels, unit)
    else:
        words = {("null" if word is None else word): si for word, si in known.words.items()}
        values = np.array(
            [words[label] if value is None else float(value)
             for label, value in zip(labels, _list(given), strict=True)]
        )  # fmt: skip
    finite = values[np.isfinite(values)]
    if (given is None and finite.size < values.size) or not all(map(known.holds, finite.tolist())):
        raise ValueError(f"{key}: {known.rule or 'not finite'}")
    return values


def _read_base(config: Any, swept: Any, types: Any) -> Base:
    values = {key: _read_value(key, value) for key, value in _mapping(config).items()}
    names = [name for name in _list(swept) if isinstance(name, str)]
    for name in names:
        if keys.key_of(name) is None:
            raise keys.unknown_key(name, keys.known_keys())
    present = {**values, **dict.fromkeys(names)}
    keys.check_whole(present)
    drawn = {group: str(name) for group, name in _mapping(types).items()}
    return Base(values, dict.fromkeys(names), drawn)


def _read_value(key: str, given: Any) -> keys.Value:
    """Return a value of a config; units are written out, so that a start without one has none."""
    value = keys.check_value(key, given)
    quantity = isinstance(value, Quantity) and math.isfinite(value.si)
    if quantity and keys.starts(key) and units.parse(given).unit == "":
        return keys.check_value(key, given, "")
    return value


def _list(given: Any) -> list[Any]:
    if not isinstance(given, list):
        raise TypeError(f"expected a list, not {keys.shown(given)}")
    return given


def _mapping(given: Any) -> Mapping[str, Any]:
    if not isinstance(given, dict) or not all(isinstance(key, str) for key in given):
        raise TypeError(f"expected a mapping, not {keys.shown(given)}")
    return given


def _whole(given: Any) -> int:
    if type(given) is not int or not 0 <= given < 2**31:
        raise ValueError(f"{keys.shown(given)}: expected a whole number")
    return given
