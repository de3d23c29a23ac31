"""Overrides in Hydra's grammar, read and sorted by what they do to the composition."""

from __future__ import annotations

import fnmatch
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from hydra.core.config_loader import ConfigLoader
from hydra.core.object_type import ObjectType
from hydra.core.override_parser.types import Glob, Override, RangeSweep, Sweep
from omegaconf import DictConfig, OmegaConf

from izhi.config import keys
from izhi.config.bare_numbers import completed, units_of
from izhi.config.dotted import flat
from izhi.config.grammar import as_typed, plain, range_values, written
from izhi.config.references import referring
from izhi.errors import ConfigError, did_you_mean

_INTERPOLATION = re.compile(r"\$\{[^{}]*\}")


@dataclass(frozen=True)
class Swept:
    """One override with its values: plain ones, as :func:`izhi.config.grammar.plain` has them."""

    override: Override
    values: list[Any]

    @property
    def key(self) -> str:
        """The config key that the values land on."""
        return self.override.package or self.override.key_or_group

    @property
    def adds(self) -> bool:
        """Whether the key may be one that the config does not have."""
        return self.override.is_add() or self.override.is_force_add()

    def is_leaf(self, value: Any) -> bool:
        """Whether a value can be filled in: it refers to no other, and adds no mapping."""
        return "${" not in str(value) and not (self.adds and isinstance(value, dict | list))

    @property
    def is_of_numbers(self) -> bool:
        """Whether all values are quantities or counts, and none refers to another key."""
        if self.override.package or any("${" in str(value) for value in self.values):
            return False
        return isinstance(keys.key_of(self.key), keys.QuantityKey | keys.CountKey)

    def text(self, index: int) -> str:
        """Return the override that sets value `index` alone."""
        return f"{self.override.get_key_element()}={written(self.values[index])}"


@dataclass
class Request:
    """Overrides sorted by what they do to the composition.

    Beside them, `own` is what files sweep by themselves, `given` are the keys of all others,
    `links` the keys that only refer to one of `values`, by its key, and `completed` the keys and
    values in `fixed` that were bare numbers.
    """

    fixed: list[str] = field(default_factory=list)
    leaves: list[tuple[str, Any]] = field(default_factory=list)
    composed: list[Swept] = field(default_factory=list)
    values: list[Swept] = field(default_factory=list)
    order: list[Swept] = field(default_factory=list)
    own: dict[str, Any] = field(default_factory=dict)
    given: set[str] = field(default_factory=set)
    links: dict[str, list[str]] = field(default_factory=dict)
    completed: list[tuple[str, Any]] = field(default_factory=list)

    @property
    def first(self) -> list[str]:
        """The overrides that compose the first combination of choices."""
        return self.fixed + [swept.text(0) for swept in self.composed]


def sort(loader: ConfigLoader, parsed: list[Override], multirun: bool) -> Request:
    """Sort overrides; the last one for a key wins, as in Hydra."""
    request = Request()
    last = {override.get_key_element().lstrip("+~"): override for override in parsed}
    _check_added_once(loader, parsed)
    _check_given_once(parsed)
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
            is_leaf = not (group or key.endswith(".file")) and all(map(swept.is_leaf, swept.values))
            (request.values if is_leaf else request.composed).append(swept)
            if is_leaf and swept.adds:
                request.fixed.append(swept.text(0))
            request.order.append(swept)
            continue
        if override.is_delete() or override.is_hydra_override():
            request.fixed.append(override.input_line or "")
            continue
        value = _value(override, key, group)
        if group:
            _check_option(loader, override, value)
        text = override.input_line or ""
        if override.value() != value or "(" in text:  # else Hydra reads the same
            text = f"{override.get_key_element()}={written(value)}"
        if group or override.is_add() or override.is_force_add() or "${" in text:
            request.fixed.append(text)
        elif key in groups or (override.package and "." not in override.key_or_group):
            request.fixed.append(text)  # an unknown group: Hydra knows what to say
        else:
            request.leaves.append((key, value))
    return request


def _check_added_once(loader: ConfigLoader, parsed: list[Override]) -> None:
    """Check that no group is added twice: the first choice would be lost, with what it sweeps."""
    lines: dict[str, str] = {}
    for override in parsed:
        if override.is_add() and is_group(loader, override):
            key, line = override.get_key_element(), str(override.input_line)
            if lines.setdefault(key, line) != line:
                raise ConfigError(
                    f"{lines[key]} {line}: one file at a time can be chosen so; "
                    f"{key}=[A,B] chooses both, {key}=A,B sweeps them"
                )


def _check_given_once(parsed: list[Override]) -> None:
    """Check that no mapping gives a key a second value: single keys are filled in later."""
    lines: dict[str, str] = {}
    for override in parsed:
        key = override.get_key_element().lstrip("+~")
        for inner in keys_given(key, override.value()):
            if inner in lines and inner != key:
                raise ConfigError(
                    f"{lines[inner]} {override.input_line}: {inner} is given twice; give it once"
                )
        lines[key] = str(override.input_line)


def keys_given(key: str, value: Any) -> Iterator[str]:
    """Give the keys to which an override gives a value: those of a mapping, one by one."""
    if isinstance(value, dict) and value:
        for name, part in value.items():
            yield from keys_given(f"{key}.{plain(name)}", part)
    else:
        yield key


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
        try:
            values = range_values(sweep)
        except ConfigError as error:
            raise ConfigError(f"{keys.shown(override.input_line)}: {error}") from None
    elif isinstance(sweep, Glob):
        values = _globbed(sweep, files_of(loader, override.key_or_group))
    else:
        values = list(override.sweep_iterator())
    if any(isinstance(value, Sweep) for value in values):
        raise ConfigError(f"{override.input_line}: write one range, glob or choice for each key")
    if not values:
        raise ConfigError(f"{override.input_line}: an empty axis, no value to run")
    group = is_group(loader, override)
    return [_read(key, value, group) for value in values]


def _value(override: Override, key: str, group: bool) -> Any:
    """Return an override's one value, a text where its key takes one."""
    value = _read(key, override._value, group)
    if isinstance(override._value, bool) and isinstance(value, str):
        return override.get_value_string().strip()  # True is not true
    return value


def _read(key: str, value: Any, group: bool = False) -> Any:
    """Return a parsed value as a plain one: as it was typed where a key takes a text or a file."""
    if isinstance(value, dict):
        return {plain(name): _read(f"{key}.{name}", part) for name, part in value.items()}
    if not group and not keys.is_text(key):
        return plain(value)
    return as_typed(value) if value is not None or group or keys.takes_null(key) else "null"


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


def _check_option(loader: ConfigLoader, override: Override, value: Any) -> None:
    options = loader.get_group_options(override.key_or_group)
    for name in value if isinstance(value, list) else [value]:
        folder, _, leaf = str(name).rpartition("/")
        inner = loader.get_group_options(f"{override.key_or_group}/{folder}") if folder else options
        if leaf not in inner:
            key = override.get_key_element().lstrip("+~")
            if name is None and "null" in inner:
                raise ConfigError(
                    f"{key} = null: no {override.key_or_group}, which is what null means; quote "
                    f"the name of the file null.yaml: \"{key}='null'\""
                )
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
    """Compose, rather than fill in, what an interpolation of the config reads.

    What does no more than refer to a swept quantity goes along its axis, and is not composed.
    Returns whether there was anything to be composed.
    """
    content = OmegaConf.to_container(config, resolve=False)
    assert isinstance(content, dict)
    tree = {str(name): value for name, value in content.items() if name != "hydra"}
    found = _INTERPOLATION.findall(json.dumps(tree, default=str) + " ".join(request.fixed))
    if not found:
        return False
    read = " ".join(found)
    leaves = [leaf for leaf in request.leaves if leaf[0].rsplit(".", 1)[-1] in read]
    units = units_of(flat(tree))
    for key, value in leaves:
        request.leaves.remove((key, value))
        request.completed.append((key, value))
        if all(referring(tree, key).values()):  # else its referrers write the unit
            value = completed(key, value, units)
        request.fixed.append(f"{key}={written(value)}")
    values = []
    for swept in list(request.values):
        links = linked(request, tree, swept.key)
        quantity = isinstance(keys.key_of(swept.key), keys.QuantityKey)
        if quantity and links and all(links.values()) and all(map(keys.is_parameter, links)):
            request.links[swept.key] = sorted(links)
        elif links:
            values.append(swept)
            request.values.remove(swept)
            if swept.adds:
                request.fixed.remove(swept.text(0))
            composed = _in_units(swept, units) if all(links.values()) else swept
            request.composed.append(composed)
            request.order[request.order.index(swept)] = composed
    return bool(values or leaves)


def _in_units(swept: Swept, units: Mapping[str, str]) -> Swept:
    return replace(swept, values=[completed(swept.key, value, units) for value in swept.values])


def linked(request: Request, tree: Mapping[Any, Any], key: str) -> dict[str, bool]:
    """Return the keys of a config that refer to a swept one and that nothing else gives a value."""
    elsewhere = {swept.key for swept in request.values} | {name for name, _ in request.leaves}
    found = referring(tree, key)
    return {name: same for name, same in found.items() if name not in elsewhere}
