"""What a config file may be: plain, small YAML, looked through before Hydra reads it.

Hydra's reader is written in Python and expands what it reads. A few lines can make it work for
hours ("YAML bombs": aliases of aliases, brackets in brackets), so the parser's events are counted
here first, as they come.
"""

from __future__ import annotations

import re
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from izhi.errors import ConfigError

MOST_BYTES = 128_000
MOST_NODES = 5_000
"""Keys and values of one file, those behind aliases counted each time: a second of reading."""

_DEEPEST = 40
_TOO_DEEP = f"nested deeper than {_DEEPEST} levels"
_LONGEST_NUMBER = 400
_NUMBER_LIKE = re.compile(r"[-+]?[\da-fA-FxobE_.:+-]+", re.ASCII)
SAFE_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_TAGS = {f"tag:yaml.org,2002:{kind}" for kind in
         ("bool", "float", "int", "map", "null", "seq", "str")} | {"!"}  # fmt: skip

_RESOLVER: Any = yaml.resolver.Resolver()
_NO_TEXTS = {
    "tag:yaml.org,2002:null": "null",
    "tag:yaml.org,2002:bool": "true or false",
    "tag:yaml.org,2002:int": "a number",
    "tag:yaml.org,2002:float": "a number",
}
"""What YAML makes of a key that is not quoted, by its tag."""


def check_file(path: Path) -> None:
    """Check that a file holds no more than a config needs.

    What is no YAML at all passes: Hydra names the line.

    Raises
    ------
    ConfigError
        Naming the file and what is wrong with it.
    """
    try:
        wrong = _wrong(path)
    except OSError as error:
        wrong = error.strerror or type(error).__name__
    except yaml.YAMLError as error:
        if "nesting depth" not in str(error):  # libyaml's own limit, which is beyond ours
            return
        wrong = _TOO_DEEP
    if wrong:
        raise ConfigError(f"{path}: {wrong}")


def _wrong(path: Path) -> str | None:
    """Return what is wrong with a file."""
    found = path.stat()
    if not stat.S_ISREG(found.st_mode):
        return "no file to read a config from"
    if found.st_size > MOST_BYTES:
        return f"{found.st_size:,} bytes; a config has at most {MOST_BYTES:,}"
    data = path.read_bytes()
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        return "not UTF-8 text"
    if "\0" in text:
        return "holds a NUL byte; a config is text"
    return _wrong_events(yaml.parse(text, Loader=SAFE_LOADER))


def _wrong_events(events: Iterator[Any]) -> str | None:
    """Return what is wrong with YAML, seen as the parser's events."""
    keys = _Keys()
    anchored: dict[Any, int | None] = {}  # nodes behind an anchor; None while it is being read
    opened: list[tuple[str | None, int]] = []
    nodes = 0
    for event in events:
        if wrong := keys.wrong(event):
            return wrong
        if isinstance(event, yaml.AliasEvent):
            behind = anchored.get(event.anchor, 0)
            if behind is None:
                return f"the alias *{event.anchor} holds itself"
            nodes += behind
        elif isinstance(event, yaml.ScalarEvent | yaml.CollectionStartEvent):
            if event.tag is not None and event.tag not in _TAGS:
                return f"the tag {event.tag[:80]}: a config holds text, numbers, lists, mappings"
            nodes += 1
            if isinstance(event, yaml.ScalarEvent) and _is_long_number(event):
                return f"a number of {len(event.value):,} characters"
            if isinstance(event, yaml.CollectionStartEvent):
                opened.append((event.anchor, nodes))
            if event.anchor is not None:
                anchored[event.anchor] = 1 if isinstance(event, yaml.ScalarEvent) else None
        elif isinstance(event, yaml.CollectionEndEvent):
            anchor, before = opened.pop()
            if anchor is not None:
                anchored[anchor] = nodes - before + 1
        if nodes > MOST_NODES:
            return f"more than {MOST_NODES:,} keys and values (aliases count each time)"
        if len(opened) > _DEEPEST:
            return _TOO_DEEP
    return None


class _Keys:
    """Finds keys that are no text among the parser's events: OmegaConf takes some, and names none.

    `_next` says of each collection that is open, the innermost last, whether a key comes next;
    None of lists.
    """

    def __init__(self) -> None:
        self._next: list[bool | None] = []

    def wrong(self, event: Any) -> str | None:
        """Return what is wrong with the next event as a key; None where nothing is."""
        if isinstance(event, yaml.CollectionEndEvent):
            self._next.pop()
            return None
        if not isinstance(event, yaml.NodeEvent):
            return None
        is_key = bool(self._next and self._next[-1])
        if self._next and self._next[-1] is not None:
            self._next[-1] = not is_key
        if isinstance(event, yaml.CollectionStartEvent):
            self._next.append(True if isinstance(event, yaml.MappingStartEvent) else None)
        what, mark = _no_text(event) if is_key else None, event.start_mark
        return f"line {mark.line + 1}: {what}" if what and mark else None


def _no_text(key: Any) -> str | None:
    """Return what a key is that is no text."""
    if isinstance(key, yaml.CollectionStartEvent):
        kind = "mapping" if isinstance(key, yaml.MappingStartEvent) else "list"
        return f"a {kind} as a key; a key is text"
    if not isinstance(key, yaml.ScalarEvent) or not key.implicit[0]:
        return None
    tag = _RESOLVER.resolve(yaml.ScalarNode, key.value, (True, False))
    if tag not in _NO_TEXTS:
        return None
    text = key.value[:80]
    return f"the key {text}, which YAML reads as {_NO_TEXTS[tag]}, not as text; quote it: '{text}'"


def _is_long_number(event: Any) -> bool:
    """Return whether a scalar could be a number that takes long to read, 1:1:1:... among them."""
    long = event.implicit[0] and len(event.value) > _LONGEST_NUMBER
    return long and _NUMBER_LIKE.fullmatch(event.value) is not None
