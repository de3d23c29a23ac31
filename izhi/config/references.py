"""Interpolations: a value may refer to other keys, ``${synapse.tau_f}``, and to nothing else.

OmegaConf's resolvers read the environment (``oc.env``) and the clock (``now``), and a program that
izhi is called from may have registered others, which run its code: ``${eval:...}`` is a common one.
A config from elsewhere must reach none of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from izhi.config.keys import shown
from izhi.errors import ConfigError

Path = tuple[str, ...]
"""Names from the root of a config down to a value."""

_REFERENCE = re.compile(r"\$\{\s*(\.*[\w-]+(?:\.[\w-]+|\[\w+\])*)\s*\}")
_DEEPEST = 40
_LONGEST = 100_000
"""Characters that a config may grow to when each reference is replaced by what it refers to."""


def check_references(name: str, tree: Any) -> None:
    """Check that interpolations are references to keys.

    Parameters
    ----------
    name
        Where the config is from, for the error.
    tree
        A config or a value, interpolations unresolved.

    Raises
    ------
    ConfigError
        Naming the value.
    """
    for _, text in _interpolated(tree):
        if "${" in _REFERENCE.sub("", text):
            raise ConfigError(
                f"{name}: {shown(text)}: a value can refer to another key, as in "
                "${synapse.tau_f}, and to nothing else"
            )


def check_growth(tree: Mapping[str, Any]) -> None:
    """Check that references do not multiply: a few of them to a few of them to a few of them.

    Parameters
    ----------
    tree
        The composed config, interpolations unresolved.

    Raises
    ------
    ConfigError
        Naming a key.
    """
    lengths: dict[Path, int] = {}
    for path, _ in _interpolated(tree):
        if _length(tree, path, lengths) > _LONGEST:
            raise ConfigError(
                f"{'.'.join(path)}: more than {_LONGEST:,} characters once its references to "
                "other keys are followed, or a circle of them"
            )


def referring(tree: Mapping[str, Any], key: str) -> dict[str, bool]:
    """Return the keys whose values refer to a key, directly or by others.

    Parameters
    ----------
    tree
        A composed config, interpolations unresolved.
    key
        A dotted key.

    Returns
    -------
    dict
        By dotted key, whether the value is that of `key` and nothing else.
    """
    texts = dict(_interpolated(tree))
    found: dict[Path, bool] = {tuple(key.split(".")): True}
    grows = True
    while grows:
        grows = False
        for path, text in texts.items():
            targets = [_target(name, path) for name in _REFERENCE.findall(text)]
            above = [to for to in targets if any(place[: len(to)] == to for place in found)]
            if above and path not in found:
                found[path] = bool(found.get(above[0]) and _REFERENCE.fullmatch(text))
                grows = True
    return {".".join(path): same for path, same in found.items() if path in texts}


def _length(tree: Any, path: Path, lengths: dict[Path, int]) -> int:
    """Return the characters of a value with all references replaced; many for a circle."""
    if path not in lengths:
        lengths[path] = _LONGEST + 1  # what a reference back to here finds
        if len(path) <= _DEEPEST:
            value, _ = _at(tree, path)
            own = len(value) if isinstance(value, str) else 1
            found = sum(_length(tree, part, lengths) for part in _parts(tree, path))
            lengths[path] = min(own + found, _LONGEST + 1)
    return lengths[path]


def _parts(tree: Any, path: Path) -> list[Path]:
    """Return the paths of what a value is put together from."""
    value, behind = _at(tree, path)
    if isinstance(value, str):
        here = path[: len(path) - len(behind)]
        if behind and not _REFERENCE.fullmatch(value):
            return []
        return [(*_target(name, here), *behind) for name in _REFERENCE.findall(value)]
    if isinstance(value, Mapping | list):
        return [(*path, name) for name, _ in _items(value)]
    return []


def _target(reference: str, path: Path) -> Path:
    """Return the path that a reference means; one dot starts beside it, two a level above."""
    name = reference.lstrip(".")
    dots = len(reference) - len(name)
    above = path[: max(0, len(path) - dots)] if dots else ()
    return (*above, *re.split(r"[.\[\]]+", name.rstrip("]")))


def _at(tree: Any, path: Path) -> tuple[Any, Path]:
    """Return what lies at a path, or the value on the way where it ends, and what is left."""
    for i, name in enumerate(path):
        below = dict(_items(tree)) if isinstance(tree, Mapping | list) else {}
        if name not in below:
            return (tree, path[i:]) if isinstance(tree, str) else (None, path[i:])
        tree = below[name]
    return tree, ()


def _items(tree: Mapping[Any, Any] | list[Any]) -> Iterator[tuple[str, Any]]:
    """Give names and values of a mapping, numbers and values of a list."""
    items = tree.items() if isinstance(tree, Mapping) else enumerate(tree)
    return ((str(name), value) for name, value in items)


def _interpolated(tree: Any, path: Path = ()) -> Iterator[tuple[Path, str]]:
    """Give the texts with an interpolation, with their paths."""
    if isinstance(tree, str):
        if "${" in tree:
            yield path, tree
    elif isinstance(tree, Mapping | list):
        for name, value in _items(tree):
            yield from _interpolated(value, (*path, name))
