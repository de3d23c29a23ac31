"""Texts of a config file as they were typed: 1.10, 007, off and 1e5 are something else in YAML."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from omegaconf import Container, OmegaConf

from izhi.config import keys
from izhi.config.files import SAFE_LOADER

_PARAMS = ("hydra", "sweeper", "params")
"""Below it are keys with their sweeps."""

_MERGE = "tag:yaml.org,2002:merge"
"""Of ``<<``, whose value is a mapping, or several, of defaults."""

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
    lost = [(place, value) for place, value in _leaves(tree) if _is_lost(place, value)]
    if not lost:
        return
    root = yaml.compose(file.read_text(encoding="utf-8"), Loader=SAFE_LOADER)
    for place, value in lost:
        texts = _texts(root, place[len(package.split(".")) if package else 0 :])
        text = next((text for text in texts if OmegaConf.create(f"[{text}]")[0] == value), None)
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
    if place[:3] != _PARAMS:
        return keys.is_text(".".join(map(str, place)))
    key = ".".join(map(str, place[3:])).lstrip("+")
    chooses_a_file = "." not in key.partition("@")[0]
    return chooses_a_file or keys.is_text(key)


def _texts(node: Any, place: Place) -> Iterator[str]:
    """Give the texts of plain scalars by their place in a YAML document, merged ones last.

    Where several are merged, YAML's order and PyYAML's differ (6.0.3 compares identities of
    strings), so the value that was read has to decide.
    """
    if isinstance(node, yaml.SequenceNode):
        for merged in node.value:
            yield from _texts(merged, place)
    elif isinstance(node, yaml.MappingNode) and place:
        for key, value in node.value:
            if key.value == place[0] and not isinstance(value, yaml.SequenceNode):
                yield from _texts(value, place[1:])
        for key, value in node.value:
            if key.tag == _MERGE:
                yield from _texts(value, place)
    elif isinstance(node, yaml.ScalarNode) and not place and not node.style:
        yield node.value
