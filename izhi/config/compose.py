"""From Hydra overrides to a :class:`Sweep`: one composition per combination of choices.

Hydra composes a config in some 50 ms. What selects files (``neuron=a,b``), adds or deletes keys, or
is read by an interpolation is therefore composed once per combination; all other swept values are
numbers that are checked here and stay arrays from then on.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import math
import random
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
from hydra import initialize_config_dir
from hydra.core.config_loader import ConfigLoader
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import (
    Override,
    QuotedString,
    RangeSweep,
    Transformer,
)
from hydra.errors import HydraException, MissingConfigException, OverrideParseException
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf, open_dict
from omegaconf.errors import OmegaConfBaseException

from izhi.config import keys
from izhi.config.folder import conf_folder
from izhi.config.sweep import Axis, Base, Sweep
from izhi.errors import ConfigError, did_you_mean
from izhi.units import Quantity

_MOST_VALUES = 10_000_000
_MOST_COMPOSITIONS = 10_000
_INTERPOLATION = re.compile(r"\$\{[^{}]*\}")


@dataclass(frozen=True)
class _Swept:
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
class _Request:
    """Overrides sorted by what they do to the composition."""

    fixed: list[str] = field(default_factory=list)
    leaves: list[tuple[str, Any]] = field(default_factory=list)
    composed: list[_Swept] = field(default_factory=list)
    values: list[_Swept] = field(default_factory=list)
    order: list[_Swept] = field(default_factory=list)


def compose(
    overrides: Sequence[str], *, multirun: bool = True, config_dir: Path | str | None = None
) -> Sweep:
    """Compose overrides in Hydra's grammar, outside of a Hydra application.

    Parameters
    ----------
    overrides
        As on the command line: ``["neuron=chattering,resonator", "synapse.U_0=0.2,0.5"]``.
    multirun
        Whether several values of a key sweep it; else they are an error.
    config_dir
        A folder with more configs, searched after izhi's own.

    Raises
    ------
    ConfigError
        For anything the user wrote that cannot be run.
    """
    search = (
        [] if config_dir is None else [f"hydra.searchpath=['file://{Path(config_dir).resolve()}']"]
    )
    with _hydra_loader() as loader:
        return compose_with(loader, [*search, *overrides], multirun=multirun)


@contextmanager
def _hydra_loader() -> Iterator[ConfigLoader]:
    """Give a config loader over izhi's configs, leaving a running Hydra application as it was."""
    shared = GlobalHydra.instance()
    running = shared.hydra
    shared.clear()
    try:
        with initialize_config_dir(str(conf_folder()), job_name="izhi", version_base="1.3"):
            yield GlobalHydra.instance().config_loader()
    finally:
        shared.hydra = running


def compose_with(
    loader: ConfigLoader,
    overrides: Sequence[str],
    *,
    multirun: bool,
    config_name: str = "config",
) -> Sweep:
    """Compose overrides through a config loader of Hydra's; see :func:`compose`."""
    try:
        return _compose(loader, list(overrides), multirun, config_name)
    except (HydraException, OmegaConfBaseException) as error:
        raise config_error(error) from error


def config_error(error: Exception) -> ConfigError:
    """Return an error of Hydra or OmegaConf as one line."""
    if isinstance(error, OverrideParseException):
        first = str(error.message).strip().splitlines()[0]
        return ConfigError(
            f"{error.override}: Hydra's grammar cannot read this ({first}); "
            "quote values with special characters, as in \"key='5 mV'\""
        )
    if isinstance(error, MissingConfigException) and error.missing_cfg_file:
        group, _, choice = str(error.missing_cfg_file).rpartition("/")
        options = list(error.options or ())
        return ConfigError(
            f"{group or 'config'} = {choice}: no such {group or 'config'}"
            f"{did_you_mean(choice, options)}"
        )
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    cause = error.__cause__
    if isinstance(cause, OmegaConfBaseException):
        lines += [line.strip() for line in str(cause).splitlines()[:1]]
    return ConfigError("; ".join(lines[:2]) or type(error).__name__)


def _compose(loader: ConfigLoader, overrides: list[str], multirun: bool, config_name: str) -> Sweep:
    parser = OverridesParser.create(config_loader=loader)
    try:
        parsed = parser.parse_overrides(overrides)
        params = _experiment_params(loader, parsed, config_name) if multirun else {}
        given = {override.get_key_element().lstrip("+~") for override in parsed}
        swept_by_config = [f"{key}={value}" for key, value in params.items() if key not in given]
        parsed = parser.parse_overrides(swept_by_config) + parsed
    except RecursionError:
        raise ConfigError("an override is nested too deeply") from None
    request = _sorted(loader, parsed, multirun)
    texts = [swept.text(0) for swept in request.composed]
    first = _load(loader, config_name, request.fixed + texts)
    composer = _Composer(loader, config_name, request)
    if not _move_interpolated(request, first):
        composer.loaded[tuple(request.fixed + texts)] = first
    return composer.sweep(choices=dict(first.hydra.runtime.choices), overrides=overrides)


def _experiment_params(
    loader: ConfigLoader, parsed: list[Override], config_name: str
) -> dict[str, Any]:
    """Return what the composed config itself sweeps: ``hydra.sweeper.params``."""
    if not any(
        o.key_or_group in ("experiment", "hydra.sweeper.params")
        or o.key_or_group.startswith(("hydra.sweeper.params.", "experiment"))
        for o in parsed
    ):
        return {}
    plain = [
        override.input_line or ""
        for override in parsed
        if not override.is_sweep_override()
        and (_is_group(loader, override) or override.is_hydra_override())
    ]
    params = _load(loader, config_name, plain).hydra.sweeper.get("params")
    return {} if params is None else {str(k): v for k, v in params.items()}


def _is_group(loader: ConfigLoader, override: Override) -> bool:
    return bool(loader.get_group_options(override.key_or_group))


def _load(loader: ConfigLoader, config_name: str, overrides: list[str]) -> DictConfig:
    return loader.load_configuration(
        config_name=config_name, overrides=overrides, run_mode=RunMode.RUN, from_shell=False
    )


def _sorted(loader: ConfigLoader, parsed: list[Override], multirun: bool) -> _Request:
    """Sort overrides; the last one for a key wins, as in Hydra."""
    request = _Request()
    last = {override.get_key_element().lstrip("+~"): override for override in parsed}
    groups = {group for group in loader.list_groups("") if group != "hydra"}
    for override in last.values():
        key = override.package or override.key_or_group
        group = _is_group(loader, override)
        if override.is_sweep_override():
            if not multirun:
                raise ConfigError(f"{override.input_line}: several values; add -m to sweep them")
            swept = _Swept(override, _values(override, key))
            _check_sweepable(key, override)
            if group:
                for value in swept.values:
                    _check_option(loader, override, value)
            is_leaf = not group and not (override.is_add() or override.is_force_add())
            (request.values if is_leaf else request.composed).append(swept)
            request.order.append(swept)
            continue
        if group and not override.is_delete():
            _check_option(loader, override, override.value())
        plain = not (override.is_add() or override.is_force_add() or override.is_delete())
        text = override.input_line or ""
        if group or override.is_hydra_override() or not plain or "${" in text:
            request.fixed.append(text)
        elif key in groups or (override.package and "." not in override.key_or_group):
            request.fixed.append(text)  # an unknown group: Hydra knows what to say
        else:
            request.leaves.append((key, override.value()))
    return request


def _check_sweepable(key: str, override: Override) -> None:
    if override.is_hydra_override() or key.startswith(keys.STUDY_WIDE):
        raise ConfigError(
            f"{key}: cannot be swept; it says how a study is run and kept, not what is simulated"
        )
    if override.is_delete():
        raise ConfigError(f"~{key}: a deletion cannot be swept")


def _values(override: Override, key: str) -> list[Any]:
    """Return a sweep's values as Hydra's parser reads them."""
    sweep = override.value()
    if override.is_interval_sweep():
        start, end = getattr(sweep, "start", "a"), getattr(sweep, "end", "b")
        raise ConfigError(
            f"{key} = interval({start},{end}): an interval has no count of values; "
            f"write range({start},{end},step) or choice(...)"
        )
    if isinstance(sweep, RangeSweep):
        start, stop, step = sweep.start, sweep.stop, sweep.step
        if not step or not np.isfinite([start, stop, step]).all():  # type: ignore[arg-type]
            raise ConfigError(f"{override.input_line}: a range needs a finite, non-zero step")
        if (stop - start) / step > _MOST_VALUES:  # type: ignore[operator]
            raise ConfigError(f"{key}: more than {_MOST_VALUES:,} values on one axis")
    values = _range(sweep) if isinstance(sweep, RangeSweep) else list(override.sweep_iterator())
    if not values:
        raise ConfigError(f"{override.input_line}: an empty axis, no value to run")
    return values


def _range(sweep: RangeSweep) -> list[float] | list[int]:
    """Return a range's values as the decimals that were written: 0.3, not 0.30000000000000004."""
    start, stop, step = (Decimal(str(x)) for x in (sweep.start, sweep.stop, sweep.step))
    count = max(0, math.ceil((stop - start) / step))
    whole = all(isinstance(x, int) for x in (sweep.start, sweep.stop, sweep.step))
    values = [(int if whole else float)(start + i * step) for i in range(count)]
    if sweep.shuffle:
        random.shuffle(values)
    return values


def _plain(value: Any) -> Any:
    return value.text if isinstance(value, QuotedString) else value


def _check_option(loader: ConfigLoader, override: Override, value: Any) -> None:
    options = loader.get_group_options(override.key_or_group)
    for choice in value if isinstance(value, list) else [value]:
        name = _plain(choice)
        if name is not None and str(name) not in options:
            key = override.get_key_element().lstrip("+~")
            raise ConfigError(
                f"{key} = {keys.shown(name)}: no such {override.key_or_group}"
                f"{did_you_mean(str(name), options)}"
            )


def _move_interpolated(request: _Request, config: DictConfig) -> bool:
    """Compose, rather than fill in, what an interpolation of the config may read.

    Returns whether there was any such key.
    """
    plain = OmegaConf.to_container(config, resolve=False)
    assert isinstance(plain, dict)
    plain.pop("hydra", None)
    found = _INTERPOLATION.findall(json.dumps(plain, default=str) + " ".join(request.fixed))
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


class _Composer:
    """Composes each combination of choices once, and puts the bases and axes together."""

    def __init__(self, loader: ConfigLoader, config_name: str, request: _Request) -> None:
        self.loader, self.config_name, self.request = loader, config_name, request
        self.loaded: dict[tuple[str, ...], DictConfig] = {}
        self.bases: dict[tuple[str, ...], int] = {}
        self.configs: list[dict[str, Any]] = []
        self.units: list[dict[str, str]] = []

    def sweep(self, choices: Mapping[str, Any], overrides: Sequence[str]) -> Sweep:
        request = self.request
        sizes = [len(s.values) for s in request.composed]
        if np.prod(sizes, dtype=float) > _MOST_COMPOSITIONS:
            raise ConfigError(
                f"{' x '.join(s.key for s in request.composed)}: {int(np.prod(sizes)):,} "
                f"combinations of choices, at most {_MOST_COMPOSITIONS:,}; sweep values instead"
            )
        seeds = self._seeds()
        base_of = np.zeros((*sizes, len(seeds)), np.int64)
        for index in itertools.product(*map(range, sizes)):
            texts = [s.text(i) for s, i in zip(request.composed, index, strict=True)]
            for k, seed in enumerate(seeds):
                base_of[(*index, k)] = self._base(texts, seed)
        bases = [self._checked(i) for i in range(len(self.configs))]
        axes = tuple(self._axis(swept, bases) for swept in request.order)
        keys_in_order = [swept.key for swept in request.order]
        duplicated = {k for k in keys_in_order if keys_in_order.count(k) > 1}
        if duplicated:
            raise ConfigError(f"{duplicated.pop()}: swept twice")
        return Sweep(
            axes=_named(axes),
            bases=tuple(bases),
            base_of=self._by_axis(base_of),
            choices={k: str(v) for k, v in choices.items() if not k.startswith("hydra/")},
            overrides=tuple(overrides),
        )

    def _seeds(self) -> list[Any]:
        for swept in self.request.values:
            if swept.key == "simulation.seed" and self._draws():
                return [_plain(value) for value in swept.values]
        return [None]

    def _draws(self) -> bool:
        """Whether any combination may hold a drawn neuron."""
        named = self.request.fixed + [
            s.text(i) for s in self.request.composed for i in range(len(s.values))
        ]
        return any(re.match(r"\+?neuron(@[\w.]+)?=['\"]?random", text) for text in named)

    def _base(self, texts: list[str], seed: Any) -> int:
        """Return the number of the base that these choices compose to, composing it if new."""
        known = self.bases.get(tuple(texts))
        if known is None:
            overrides = self.request.fixed + texts
            config = self.loaded.pop(tuple(overrides), None)
            if config is None:
                config = _load(self.loader, self.config_name, overrides)
            known = self._add(texts, config)
        drawn = {
            key.removesuffix("draw").rstrip("."): _drawn(names, key, self._seed(known, seed))
            for key, names in self.configs[known].items()
            if key.rsplit(".", 1)[-1] == "draw" and isinstance(names, list) and names
        }
        if not drawn:
            return known
        named = [f"{'neuron' if k == 'neuron' else f'neuron@{k}'}={v}" for k, v in drawn.items()]
        return self._base([*texts, *named], seed)

    def _seed(self, base: int, seed: Any) -> int:
        given = self.configs[base].get("simulation.seed", 0) if seed is None else seed
        checked = keys.check_value("simulation.seed", given)
        assert isinstance(checked, int)
        return checked

    def _add(self, texts: list[str], config: DictConfig) -> int:
        with open_dict(config):
            del config["hydra"]
        defaults = _flat(OmegaConf.to_container(config, resolve=False))
        for key, value in self.request.leaves:
            if key not in defaults and key not in keys.WHOLE:
                raise keys.unknown_key(key, [*defaults, *self._groups()])
            OmegaConf.update(config, key, value, merge=False)
        resolved = OmegaConf.to_container(config, resolve=True, throw_on_missing=True)
        self.configs.append(_flat(resolved))
        self.units.append({k: u for k, v in defaults.items() if (u := _unit(k, v)) is not None})
        self.bases[tuple(texts)] = len(self.configs) - 1
        return len(self.configs) - 1

    def _groups(self) -> list[str]:
        return [group for group in self.loader.list_groups("") if group != "hydra"]

    def _checked(self, index: int) -> Base:
        config, unit = self.configs[index], self.units[index]
        if any(key.endswith("draw") for key in config):
            return Base({}, {})  # only ever a stand-in: its points use the drawn neuron's base
        config = {k: v for k, v in config.items() if not _is_empty_package(k, v)}
        for key in config:
            if keys.key_of(key) is None and key not in keys.WHOLE:
                raise keys.unknown_key(key, [*keys.known_keys(), *self._groups()])
        swept = {s.key for s in self.request.values}
        return Base(
            {
                key: keys.check_value(key, value, unit.get(key))
                for key, value in config.items()
                if key not in keys.WHOLE or key == "record.traces"
                if key not in swept
            },
            {key: config[key] for key in config if key in swept},
        )

    def _axis(self, swept: _Swept, bases: list[Base]) -> Axis:
        key = swept.key
        values = [_plain(value) for value in swept.values]
        if swept not in self.request.values:
            labels = [v if isinstance(v, str) else keys.shown(v) for v in values]
            _check_distinct(key, labels, labels)
            return Axis(key, key, np.array(labels, dtype=object), None, None)
        for base in bases:
            if (base.values or base.swept) and key not in base.swept:
                present = [*base.values, *base.swept, *self._groups()]
                raise keys.unknown_key(key, present)
        units_here = {unit[key] for unit in self.units if key in unit}
        if len(units_here) > 1 and not all(isinstance(v, str) for v in values):
            raise ConfigError(
                f"{key} = {keys.shown(values[0])}: the choices give this key in different units "
                f"({', '.join(sorted(units_here))}); write the unit"
            )
        unit = next(iter(units_here), None)
        checked = [keys.check_value(key, value, unit) for value in values]
        axis = Axis.of(key, checked, unit)
        _check_distinct(key, axis.labels, values)
        return axis

    def _by_axis(self, base_of: np.ndarray) -> np.ndarray:
        """Lay `base_of` (composed..., seed) out along all axes, size 1 where an axis is plain."""
        request = self.request
        order = [request.composed.index(s) for s in request.order if s in request.composed]
        seed_axis = len(request.composed)
        laid = np.transpose(base_of, (*order, seed_axis))
        shape = [len(s.values) if s in request.composed else 1 for s in request.order]
        at = [i for i, s in enumerate(request.order) if s.key == "simulation.seed"]
        if laid.shape[-1] == 1:
            return laid.reshape(shape)
        before = sum(s in request.composed for s in request.order[: at[0]])
        laid = np.moveaxis(laid, -1, before)
        shape[at[0]] = base_of.shape[-1]
        return laid.reshape(shape)


def _drawn(names: list[Any], key: str, seed: int) -> str:
    """Draw one of `names`: a function of the seed and the key alone."""
    digest = hashlib.sha256(f"{key} {seed}".encode()).digest()
    return str(names[int.from_bytes(digest[:8], "big") % len(names)])


def _is_empty_package(key: str, value: Any) -> bool:
    return value is None and key.split(".")[-1] == "neuron"


def _flat(tree: Any, prefix: str = "") -> dict[str, Any]:
    """Return a nested config as dotted keys; lists, and mappings that are values, stay whole."""
    flat: dict[str, Any] = {}
    for name, value in tree.items():
        key = f"{prefix}{name}"
        if isinstance(value, dict) and key != "record.traces" and value:
            flat |= _flat(value, key + ".")
        else:
            flat[key] = value
    return flat


def _unit(key: str, default: Any) -> str | None:
    """Return the unit that a default is written in; None where it has none to give."""
    known = keys.key_of(key)
    if not isinstance(known, keys.QuantityKey) or default is None or default in known.words:
        return None
    if isinstance(default, str) and "${" in default:
        return None
    checked = keys.check_value(key, default)
    assert isinstance(checked, Quantity)
    return checked.unit


def _check_distinct(key: str, labels: Any, given: Any) -> None:
    seen: dict[Any, Any] = {}
    for label, value in zip(labels, given, strict=True):
        if label in seen:
            twice = keys.shown(value)
            first = keys.shown(seen[label])
            same = "" if twice == first else f", the same as {first}"
            raise ConfigError(f"{key} = {twice}{same}: this value is on the axis twice")
        seen[label] = value


def _named(axes: tuple[Axis, ...]) -> tuple[Axis, ...]:
    """Name axes by the last part of their key, by the whole key where two would clash."""
    taken = {"cell", "point", "synapse", "spike", "train", "time", "status"}
    last = [axis.key.rsplit(".", 1)[-1].rsplit("/", 1)[-1] for axis in axes]
    return tuple(
        axis.renamed(axis.key if last.count(name) > 1 or name in taken else name)
        for axis, name in zip(axes, last, strict=True)
    )
