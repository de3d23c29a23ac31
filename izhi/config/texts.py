"""Texts of a config file as they were typed: 1.10, 007, off and 1e5 are something else in YAML."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from omegaconf import Container, OmegaConf

from izhi.config import keys

_SAFE_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_PARAMS = ("hydra", "sweeper", "params")
"""Below it are keys with their sweeps."""

Place = tuple[str, ...]
"""Names from the root of a config down to a value."""


def keep_texts(config: Container, package: str, file: Path) -> None:
    """Give the keys that take a text what the file says, letter by letter.

    Parameters
    ----------
    config
        What Hydra read from the file, placed where it will stand; it is changed.
    package
        Where that is: ``"stimulus"``; empty for the root.
    file
        The file, whose YAML has been read before.
    """
    tree = OmegaConf.to_container(config, resolve=False)
    lost = [place for place, value in _leaves(tree) if _is_lost(place, value)]
    if not lost:
        return
    root = yaml.compose(file.read_text(encoding="utf-8"), Loader=_SAFE_LOADER)
    for place in lost:
        text = _text(root, place[len(package.split(".")) if package else 0 :])
        if text is not None:
            node: Any = config
            for name in place[:-1]:
                node = node[name]
            node[place[-1]] = text


def _leaves(tree: Any, place: Place = ()) -> Iterator[tuple[Place, Any]]:
    if isinstance(tree, dict):
        for name, value in tree.items():
            yield from _leaves(value, (*place, name))
    else:
        yield place, tree


def _is_lost(place: Place, value: Any) -> bool:
    """Whether YAML made a number or a truth value of what a key takes as text."""
    if not isinstance(value, bool | int | float):
        return False
    key = place[3:] if place[:3] == _PARAMS else place
    return keys.is_text(".".join(map(str, key)).lstrip("+"))


def _text(node: Any, place: Place) -> str | None:
    """Return the text of a scalar by its place in a YAML document."""
    for name in place:
        if not isinstance(node, yaml.MappingNode):
            return None
        node = next((value for key, value in node.value if key.value == name), None)
    return node.value if isinstance(node, yaml.ScalarNode) else None
