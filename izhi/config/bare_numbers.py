"""The unit that a number without one has: that of the value which the config gives the key."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from izhi.config import keys
from izhi.units import Quantity


def is_bare(value: Any) -> bool:
    """Return whether a value is a number without a unit, be it typed as text."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return False
    try:
        float(value)
    except ValueError:
        return False
    return True


def units_of(defaults: Mapping[str, Any]) -> dict[str, str]:
    """Return the units of a config's values, by key.

    Parameters
    ----------
    defaults
        The config as dotted keys, references unresolved.
    """
    units = {k: unit for k, v in defaults.items() if (unit := _unit(k, v)) is not None}
    plain_numbers = {_group(k) for k, unit in units.items() if keys.starts(k) and unit == ""}
    for key, value in defaults.items():  # u_0: rest is a number where v_0 is one
        if keys.starts(key) and value == "rest" and _group(key) in plain_numbers:
            units[key] = ""
    return units


def completed(key: str, value: Any, units: Mapping[str, str]) -> Any:
    """Return a bare number with the unit that its key has, as text; all else, as it is.

    Parameters
    ----------
    key, value
        The key and its value.
    units
        What :func:`units_of` says of a config.
    """
    kind = keys.key_of(key)
    if not isinstance(kind, keys.QuantityKey) or not is_bare(value):
        return value
    return f"{value} {units.get(key, kind.unit)}".rstrip()


def _group(key: str) -> str:
    return key.rpartition(".")[0]


def _unit(key: str, default: Any) -> str | None:
    """Return the unit that a default is written in; None where it has none to give."""
    kind = keys.key_of(key)
    if not isinstance(kind, keys.QuantityKey) or not isinstance(default, str | int | float):
        return None
    if default in kind.words or (isinstance(default, str) and "${" in default):
        return None
    if keys.starts(key) and not isinstance(default, str):
        return ""  # of a state without a unit
    checked = keys.check_value(key, default)
    assert isinstance(checked, Quantity)
    return checked.unit
