"""A config as dotted keys."""

from __future__ import annotations

from typing import Any

from izhi.errors import ConfigError


def flat(tree: Any, prefix: str = "") -> dict[str, Any]:
    """Return a nested config as dotted keys; lists, and mappings that are values, stay whole.

    Raises
    ------
    ConfigError
        For a name with a dot, which would be a second key with the same dotted name.
    """
    values: dict[str, Any] = {}
    for name, value in tree.items():
        key = f"{prefix}{name}"
        if "." in str(name):
            first, _, rest = str(name).partition(".")
            raise ConfigError(
                f"{key}: a name in a config has no dots; write the keys one below the other, "
                f"{first}: {{{rest}: ...}}"
            )
        if isinstance(value, dict) and key != "record.traces" and value:
            values |= flat(value, key + ".")
        else:
            values[key] = value
    return values
