"""Overrides in Hydra's grammar, read and sorted by what they do to the composition."""

from __future__ import annotations

import fnmatch
import json
import math
import random
import re
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from hydra.core.config_loader import ConfigLoader
from hydra.core.object_type import ObjectType
from hydra.core.override_parser.types import (
    Glob,
    Override,
    QuotedString,
    RangeSweep,
    Sweep,
    Transformer,
)
from omegaconf import DictConfig, OmegaConf

from izhi.config import keys
from izhi.errors import ConfigError, did_you_mean

_MOST_VALUES = 1_000_000
_INTERPOLATION = re.compile(r"\$\{[^{}]*\}")


@dataclass(frozen=True)
class Swept:
    """One override with its values, as Hydra's parser reads them."""

    override: Override
    values: list[Any]

    @property
    def key(self) -> str:
        """The config key that the values land on."""
        return self.override.package or self.override.key_or_group

    def text(self, index: int) -> str:
        """Return the override that sets value `index` alone."""
        value = Transformer.str(self.values[index])
        return f"{self.override.get_key_element()}={value}"


@dataclass
class Request:
    """Overrides sorted by what they do to the composition."""

    fixed: list[str] = field(default_factory=list)
    leaves: list[tuple[str, Any]] = field(default_factory=list)
    composed: list[Swept] = field(default_factory=list)
    values: list[Swept] = field(default_factory=list)
    order: list[Swept] = field(default_factory=list)

    @property
    def first(self) -> list[str]:
        """The overrides that compose the first combination of choices."""
        return self.fixed + [swept.text(0) for swept in self.composed]


def sort(loader: ConfigLoader, parsed: list[Override], multirun: bool) -> Request:
    """Sort overrides; the last one for a key wins, as in Hydra."""
    request = Request()
    last = {override.get_key_element().lstrip("+~"): override for override in parsed}
    groups = {group for group in loader.list_groups("") if group != "hydra"}
    for override in last.values():
        key = override.package or override.key_or_group
        if not key:
            raise ConfigError(f"{override.input_line}: no key; write key=value")
        group = is_group(loader, override)
        if override.is_sweep_override():
            if not multirun:
                raise ConfigError(f"{override.input_line}: several values; add -m to sweep them")
            swept = Swept(override, _values(loader, override, key))
            _check_sweepable(key, override)
            if group:
                for value in swept.values:
                    _check_option(loader, override, value)
            # what a file holds is found when a config that names it is composed
            is_leaf = not (group or key.endswith(".file"))
            is_leaf &= not (override.is_add() or override.is_force_add())
            (request.values if is_leaf else request.composed).append(swept)
            request.order.append(swept)
            continue
        if group and not override.is_delete():
            _check_option(loader, override, override.value())
        changes = not (override.is_add() or override.is_force_add() or override.is_delete())
        text = override.input_line or ""
        if group or override.is_hydra_override() or not changes or "${" in text:
            request.fixed.append(text)
        elif key in groups or (override.package and "." not in override.key_or_group):
            request.fixed.append(text)  # an unknown group: Hydra knows what to say
        else:
            request.leaves.append((key, override.value()))
    return request


def _check_sweepable(key: str, override: Override) -> None:
    if override.is_hydra_override() or f"{key}.".startswith(keys.STUDY_WIDE):
        raise ConfigError(
            f"{key}: cannot be swept; it says how a study is run and kept, not what is simulated"
        )
    if override.is_delete():
        raise ConfigError(f"~{key}: a deletion cannot be swept")


def _values(loader: ConfigLoader, override: Override, key: str) -> list[Any]:
    """Return a sweep's values as Hydra's parser reads them."""
    sweep: Any = override.value()
    if override.is_interval_sweep():
        start, end = getattr(sweep, "start", "a"), getattr(sweep, "end", "b")
        raise ConfigError(
            f"{key} = interval({start},{end}): an interval has no count of values; "
            f"write range({start},{end},step) or choice(...)"
        )
    if isinstance(sweep, RangeSweep):
        start, stop, step = sweep.start, sweep.stop, sweep.step
        try:
            finite = bool(step) and all(map(math.isfinite, (start, stop, step)))  # type: ignore[arg-type]
            count = (stop - start) / step if finite else 0  # type: ignore[operator]
        except OverflowError:  # a whole number beyond all floating-point numbers
            finite, count = False, 0
        if not finite:
            raise ConfigError(
                f"{keys.shown(override.input_line)}: a range needs finite ends, and a step other "
                "than 0"
            )
        if count > _MOST_VALUES:
            raise ConfigError(f"{key}: more than {_MOST_VALUES:,} values on one axis")
    if isinstance(sweep, RangeSweep):
        values: list[Any] = list(_range(sweep))
    elif isinstance(sweep, Glob):
        values = _globbed(sweep, files_of(loader, override.key_or_group))
    else:
        values = list(override.sweep_iterator())
    if any(isinstance(value, Sweep) for value in values):
        raise ConfigError(f"{override.input_line}: write one range, glob or choice for each key")
    if not values:
        raise ConfigError(f"{override.input_line}: an empty axis, no value to run")
    return values


def _range(sweep: RangeSweep) -> list[float] | list[int]:
    """Return a range's values as the decimals that were written: 0.3, not 0.30000000000000004."""
    # 15 digits undo the binary arithmetic that sort(range(...)) does on its way here
    start, stop, step = (
        Decimal(f"{x:.15g}" if isinstance(x, float) else str(x))
        for x in (sweep.start, sweep.stop, sweep.step)
    )
    count = max(0, math.ceil((stop - start) / step))
    whole = all(isinstance(x, int) for x in (sweep.start, sweep.stop, sweep.step))
    values = [(int if whole else float)(start + i * step) for i in range(count)]
    if sweep.shuffle:
        random.shuffle(values)
    return values


def _globbed(glob: Glob, files: list[str]) -> list[str]:
    """Return the files that a glob means; as in a shell, a star stays within its folder."""

    def means(patterns: list[str], name: str) -> bool:
        return any(
            fnmatch.fnmatchcase(name, pattern) and name.count("/") == pattern.count("/")
            for pattern in patterns
        )

    return [name for name in files if means(glob.include, name) and not means(glob.exclude, name)]


def files_of(loader: ConfigLoader, group: str) -> list[str]:
    """Return the files of a group, with those in folders below it: ``book/chattering``."""
    found = list(loader.get_group_options(group))
    for folder in loader.get_group_options(group, ObjectType.GROUP):
        found += [f"{folder}/{name}" for name in loader.get_group_options(f"{group}/{folder}")]
    return found


def plain(value: Any) -> Any:
    """Return a parsed value without the marks of its quotes."""
    return value.text if isinstance(value, QuotedString) else value


def _check_option(loader: ConfigLoader, override: Override, value: Any) -> None:
    options = loader.get_group_options(override.key_or_group)
    for choice in value if isinstance(value, list) else [value]:
        name = plain(choice)
        folder, _, leaf = str(name).rpartition("/")
        inner = loader.get_group_options(f"{override.key_or_group}/{folder}") if folder else options
        if leaf not in inner:
            key = override.get_key_element().lstrip("+~")
            files = files_of(loader, override.key_or_group)
            folders = {f"{file.partition('/')[0]}/*" for file in files if "/" in file}
            listed = [*options, *(folders - {"model/*"})]
            below = [f for f in files if f.startswith(f"{name}/") or f.endswith(f"/{name}")]
            near = f"; did you mean {below[0]}?" if below else ""
            raise ConfigError(
                f"{key} = {keys.shown(name)}: no such {override.key_or_group}"
                f"{near or did_you_mean(str(name), files, listed)}"
            )


def is_group(loader: ConfigLoader, override: Override) -> bool:
    """Return whether an override chooses a file of a config group."""
    return bool(loader.get_group_options(override.key_or_group))


def move_interpolated(request: Request, config: DictConfig) -> bool:
    """Compose, rather than fill in, what an interpolation of the config may read.

    Returns whether there was any such key.
    """
    tree = OmegaConf.to_container(config, resolve=False)
    assert isinstance(tree, dict)
    tree.pop("hydra", None)
    found = _INTERPOLATION.findall(json.dumps(tree, default=str) + " ".join(request.fixed))
    if not found:
        return False
    read = " ".join(found)

    def is_read(key: str) -> bool:
        return key.rsplit(".", 1)[-1] in read

    values = [swept for swept in request.values if is_read(swept.key)]
    leaves = [leaf for leaf in request.leaves if is_read(leaf[0])]
    for swept in values:
        request.values.remove(swept)
        request.composed.append(swept)
    for key, value in leaves:
        request.leaves.remove((key, value))
        request.fixed.append(f"{key}={Transformer.str(value)}")
    return bool(values or leaves)
