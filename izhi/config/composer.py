"""Composes each combination of choices once, and puts bases and axes together."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Collection, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from typing import Any

import numpy as np
from hydra.core.config_loader import ConfigLoader
from hydra.errors import HydraException
from hydra.types import RunMode
from numpy.typing import NDArray
from omegaconf import DictConfig, OmegaConf, open_dict
from omegaconf.errors import OmegaConfBaseException

from izhi.config import inputs, keys
from izhi.config.axes import named
from izhi.config.bare_numbers import is_bare, units_of
from izhi.config.dotted import flat
from izhi.config.foreign import check_left_to_user
from izhi.config.grammar import written
from izhi.config.hydra_errors import config_error
from izhi.config.overrides import Request, Swept, files_of, linked
from izhi.config.own_sweeps import check_same, own_sweeps
from izhi.config.repository import Loader
from izhi.config.sweep import Axis, Base, Sweep
from izhi.errors import ConfigError, IzhiError, did_you_mean

_MOST_COMPOSITIONS = 10_000
_MOST_POINTS = 20_000_000
_SEED = "simulation.seed"

Meanwhile = Callable[[int, Mapping[str, Any]], AbstractContextManager[None]]
"""Given the number of points and a config that is not checked yet: what to be in while the rest is
composed."""


def load(loader: ConfigLoader, config_name: str | None, overrides: list[str]) -> DictConfig:
    """Compose one config, with Hydra's own node."""
    try:
        return loader.load_configuration(
            config_name=config_name, overrides=overrides, run_mode=RunMode.RUN, from_shell=False
        )
    except (IzhiError, HydraException, OmegaConfBaseException):
        raise
    except Exception as error:
        raise config_error(error) from error


class Composer:
    """Composes each combination of choices once, and puts the bases and axes together.

    `given` holds the keys that overrides give a value: some are not for a config to choose.
    """

    def __init__(
        self, loader: Loader, config_name: str, request: Request, given: Collection[str]
    ) -> None:
        self.loader, self.config_name, self.request = loader, config_name, request
        self.given = given
        self.loaded: dict[tuple[str, ...], DictConfig] = {}
        self.bases: dict[tuple[str, ...], int] = {}
        self.configs: list[dict[str, Any]] = []
        self.units: list[dict[str, str]] = []
        self.files: dict[tuple[str, ...], dict[str, str]] = {}
        self.drawn: dict[int, dict[str, str]] = {}

    def sweep(
        self, choices: dict[str, str], overrides: list[str], meanwhile: Meanwhile | None
    ) -> Sweep:
        """Return the sweep.

        Parameters
        ----------
        choices
            The choice made in each group, for the record.
        overrides
            The overrides as given, for the record.
        meanwhile
            What to be in while all but the first config is composed.
        """
        request = self.request
        sizes = [len(swept.values) for swept in request.composed]
        if np.prod(sizes, dtype=float) > _MOST_COMPOSITIONS:
            raise ConfigError(
                f"{' x '.join(s.key for s in request.composed)}: {int(np.prod(sizes)):,} "
                f"combinations of choices, at most {_MOST_COMPOSITIONS:,}; sweep values instead"
            )
        lengths = [len(swept.values) for swept in request.order]
        if math.prod(lengths) > _MOST_POINTS:
            raise ConfigError(
                f"{' x '.join(s.key for s in request.order)}: {math.prod(lengths):,} points, "
                f"at most {_MOST_POINTS:,} in one study"
            )
        self._base(self._texts((0,) * len(sizes)))
        beside = meanwhile(math.prod(lengths), self.configs[0]) if meanwhile else nullcontext()
        with beside:
            return self._rest(sizes, choices, overrides)

    def _rest(self, sizes: list[int], choices: dict[str, str], overrides: list[str]) -> Sweep:
        request = self.request
        base_of = np.zeros(sizes, np.int64)
        for index in np.ndindex(*sizes):
            base_of[index] = self._base(self._texts(index))
        drawn = self._with_draws(base_of)
        for key, value in [*request.leaves, *request.completed]:
            self._check_one_unit(key, [value])
        bases = [self._checked(number) for number in range(len(self.configs))]
        axes = tuple(self._axis(swept, bases) for swept in request.order)
        seen = [swept.key for swept in request.order]
        for key in seen:
            if seen.count(key) > 1:
                raise ConfigError(f"{key}: swept twice")
        return Sweep(
            named(axes, bases), tuple(bases), self._by_axis(drawn), choices, tuple(overrides)
        )

    def _texts(self, index: tuple[int, ...]) -> list[str]:
        """Return the overrides of one combination of choices."""
        return [s.text(i) for s, i in zip(self.request.composed, index, strict=True)]

    def _base(self, texts: list[str]) -> int:
        """Return the number of the base that these choices compose to, composing it if new."""
        known = self.bases.get(tuple(texts))
        if known is not None:
            return known
        overrides = self.request.fixed + texts
        config = self.loaded.pop(tuple(overrides), None)
        if config is None:
            config = load(self.loader, self.config_name, overrides)
            self._check_own_sweeps(config)
        return self._add(texts, config)

    def _check_own_sweeps(self, config: DictConfig) -> None:
        """Check that a further config sweeps by itself what the first does: all have its axes."""
        request = self.request
        if request.order:
            chosen = [s.key for s in request.composed if s.key not in request.own]
            sweeps = own_sweeps(self.loader, config, request.given, request.leaves)
            check_same(self.loader, sweeps, request.own, " and ".join(chosen or request.own))

    def _with_draws(self, base_of: NDArray[np.int64]) -> NDArray[np.int64]:
        """Replace bases that ask for a draw by those that are drawn, along a last axis of seeds."""
        draws = {int(n): self._draws(int(n)) for n in np.unique(base_of)}
        swept = next((s for s in self.request.values if s.key == _SEED), None)
        if swept is None or not any(draws.values()):
            seeds: list[int | None] = [None]
        else:
            seeds = [_seed(value) for value in swept.values]
        result = np.repeat(base_of[..., None], len(seeds), axis=-1)
        for index in np.ndindex(*base_of.shape):
            names = draws[int(base_of[index])]
            if not names:
                continue
            for k, seed in enumerate(seeds):
                if seed is None:
                    seed = _seed(self.configs[int(base_of[index])].get(_SEED, 0))
                types = {group: _drawn(options, group, seed) for group, options in names}
                texts = [f"{group}={name}" for group, name in types.items()]
                drawn = self._base([*self._texts(index), *texts])
                if self._draws(drawn):
                    raise ConfigError(f"{', '.join(texts)}: drawn, but this is a draw itself")
                self.drawn[drawn] = {
                    group.partition("@")[2] or group: name for group, name in types.items()
                }
                result[(*index, k)] = drawn
        return result

    def _draws(self, base: int) -> list[tuple[str, list[str]]]:
        """Return the groups of a config that ask for a draw, with what is drawn from."""
        found = []
        for key, names in self.configs[base].items():
            if not _is_draw(key):
                continue
            types = files_of(self.loader, "neuron")
            if not isinstance(names, list) or not names:
                raise ConfigError(f"{key} = {keys.shown(names)}: expected a list of neuron types")
            for name in names:
                if name not in types:
                    near = did_you_mean(str(name), types)
                    raise ConfigError(f"{key} = {keys.shown(name)}: no such neuron{near}")
            package = key.removesuffix(".draw")
            found.append((package if package == "neuron" else f"neuron@{package}", names))
        return found

    def _add(self, texts: list[str], config: DictConfig) -> int:
        with open_dict(config):
            del config["hydra"]
        tree = OmegaConf.to_container(config, resolve=False)
        assert isinstance(tree, dict)
        defaults = flat(tree)
        draws = any(map(_is_draw, defaults))
        if not draws:
            self._check_links(tree)
        for key, value in self.request.leaves:
            if draws and key not in defaults:
                continue  # it is for the config that will be drawn
            if key not in defaults and key not in keys.WHOLE:
                raise keys.unknown_key(key, [*defaults, *self._groups()])
            _check_chooses(key, value)
            _check_is_value(key, value, defaults.get(key))
            OmegaConf.update(config, key, value, merge=False)
        resolved = OmegaConf.to_container(config, resolve=True, throw_on_missing=True)
        values = flat(resolved)
        keys.check_whole(values)
        _check_unicode(values)
        check_left_to_user(values, self.given)
        self.configs.append(inputs.pinned(values))
        self.units.append(units_of(defaults) | self._units_of_files(self.request.fixed + texts))
        self.bases[tuple(texts)] = len(self.configs) - 1
        return len(self.configs) - 1

    def _check_links(self, tree: Mapping[Any, Any]) -> None:
        """Check that the same keys refer to those that are swept in all configs."""
        for swept in self.request.values:
            links = linked(self.request, tree, swept.key)
            expected = self.request.links.get(swept.key, [])
            if sorted(links) != expected:
                (key, *_) = sorted(set(links).symmetric_difference(expected))
                raise ConfigError(
                    f"{key}: refers to {swept.key}, which is swept, in some of the chosen files "
                    "and not in others; run these files one by one"
                )

    def _units_of_files(self, overrides: list[str]) -> dict[str, str]:
        """Return the units of the files alone, where overrides that were composed hide them."""
        files = tuple(text for text in overrides if not _is_quantity(text))
        if len(files) == len(overrides):
            return {}
        if files not in self.files:
            config = load(self.loader, self.config_name, list(files))
            with open_dict(config):
                del config["hydra"]
            self.files[files] = units_of(flat(OmegaConf.to_container(config, resolve=False)))
        return self.files[files]

    def _groups(self) -> list[str]:
        return [group for group in self.loader.list_groups("") if group != "hydra"]

    def _checked(self, index: int) -> Base:
        config, unit = self.configs[index], self.units[index]
        if any(map(_is_draw, config)):
            return Base({}, {})  # only ever a stand-in: its points use the drawn neuron's base
        config = {k: v for k, v in config.items() if not _is_empty_package(k, v)}
        for key in config:
            if keys.key_of(key) is None:
                raise keys.unknown_key(key, [*keys.known_keys(), *self._groups()])
        swept = {s.key for s in self.request.values}
        swept |= {key for links in self.request.links.values() for key in links}
        swept |= {s.key for s in self.request.composed if s.is_of_numbers}
        return Base(
            {
                key: keys.check_value(key, value, unit.get(key))
                for key, value in config.items()
                if key not in swept
            },
            {key: config[key] for key in config if key in swept},
            self.drawn.get(index, {}),
        )

    def _axis(self, swept: Swept, bases: list[Base]) -> Axis:
        key = swept.key
        values = swept.values
        _check_chooses(key, values[0])
        if swept not in self.request.values and not swept.is_of_numbers:
            labels = [v if isinstance(v, str) else keys.in_words(v) for v in values]
            _check_distinct(key, labels, labels)
            return Axis(key, key, np.array(labels, dtype=object), None, None)
        for base in bases:
            if (base.values or base.swept) and key not in base.swept:
                present = [*base.values, *base.swept, *self._groups()]
                raise keys.unknown_key(key, present)
        axis = self._along(key, values)
        _check_distinct(key, axis.in_one_unit, values)
        if axis.dimension is not None:  # two numbers may be one in SI units
            _check_distinct(key, axis.values, values)
        links = [self._along(link, values, axis.unit) for link in self.request.links.get(key, [])]
        return replace(axis, links=tuple(links))

    def _along(self, key: str, values: list[Any], unit: str | None = None) -> Axis:
        """Return the values of a key along an axis, checked.

        Bare numbers are in `unit`, that of the key which this one refers to, or else in that of the
        configs.
        """
        if not unit:
            self._check_one_unit(key, values)
            unit = next((units[key] for units in self.units if key in units), unit)
        checked = [keys.check_value(key, value, unit) for value in values]
        return Axis.of(key, checked, unit)

    def _check_one_unit(self, key: str, values: list[Any]) -> None:
        """Check that bare numbers mean the same in all configs."""
        units = sorted({unit[key] for unit in self.units if key in unit})
        for value in filter(is_bare, values if len(units) > 1 else ()):
            raise ConfigError(
                f"{key} = {keys.shown(value)}: the choices give this key in different units "
                f"({', '.join(unit or 'a plain number' for unit in units)}); write the unit"
            )

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


def _seed(given: Any) -> int:
    checked = keys.check_value(_SEED, given)
    assert isinstance(checked, int)
    return checked


def _drawn(names: list[str], group: str, seed: int) -> str:
    """Draw one of `names`: a function of the seed and the group alone."""
    digest = hashlib.sha256(f"{group} {seed}".encode()).digest()
    return names[int.from_bytes(digest[:8], "big") % len(names)]


def _check_chooses(key: str, value: Any) -> None:
    """Check that a key is none that only names what its file holds."""
    if keys.key_of(key) is keys.MODEL:
        group = key.removesuffix(".model")
        choice = group if "." not in group else f"{group.rpartition('.')[2]}@{group}"
        raise ConfigError(
            f"{key} = {keys.shown(value)}: names the equations of a file; {choice}=NAME "
            "chooses another"
        )


def _check_unicode(config: Mapping[str, Any]) -> None:
    """Check that all texts can be stored: YAML can write half of a character."""
    for key, value in config.items():
        if not keys.is_unicode(key + json.dumps(value, ensure_ascii=False, default=str)):
            raise ConfigError(f"{ascii(f'{key} = {keys.shown(value)}')[1:-1]}: no text in UTF-8")


def _is_draw(key: str) -> bool:
    return key == "neuron.draw" or key.endswith(".neuron.draw")


def _is_empty_package(key: str, value: Any) -> bool:
    return value is None and key.split(".")[-1] in keys.TEXTS


def _check_is_value(key: str, value: Any, default: Any) -> None:
    """Check that no mapping takes the place of a value: its parts would be other keys."""
    known = keys.key_of(key)
    takes = key in keys.WHOLE or (isinstance(known, keys.FreeKey) and dict in known.types)
    if isinstance(value, dict) and not takes:
        raise ConfigError(
            f"{key} = {keys.shown(written(value))}: a mapping; expected a value such as "
            f"{keys.shown(default)}"
        )


def _is_quantity(override: str) -> bool:
    key = override.lstrip("+~").partition("=")[0]
    return isinstance(keys.key_of(key), keys.QuantityKey)


def _check_distinct(key: str, labels: Any, given: Any) -> None:
    seen: dict[Any, Any] = {}
    for label, value in zip(labels, given, strict=True):
        if label in seen:
            twice = keys.shown(value)
            first = keys.shown(seen[label])
            same = "" if twice == first else f", the same as {first}"
            raise ConfigError(f"{key} = {twice}{same}: this value is on the axis twice")
        seen[label] = value
