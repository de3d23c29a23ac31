"""From Hydra overrides to a :class:`Sweep`: one composition per combination of choices.

Hydra composes a config in some 50 ms. What selects files (``neuron=a,b``), adds or deletes keys, or
is read by an interpolation is therefore composed once per combination; all other swept values are
numbers that are checked here and stay arrays from then on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from hydra.core.config_loader import ConfigLoader
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

from izhi.config.composer import Composer, Meanwhile, load
from izhi.config.foreign import check_hydra_overrides
from izhi.config.hydra_errors import config_error
from izhi.config.keys import shown
from izhi.config.overrides import Request, is_group, move_interpolated, sort
from izhi.config.references import check_references
from izhi.config.repository import loader_over, reading_once
from izhi.config.sweep import Sweep
from izhi.errors import ConfigError

_MOST_CHARACTERS = 200_000
"""Of one override: 10,000 values with 17 digits, which Hydra's parser reads in some two seconds."""

_MOST_OVERRIDES = 1_000


def compose(
    overrides: Sequence[str],
    *,
    multirun: bool = True,
    config_dir: Path | str | None = None,
    meanwhile: Meanwhile | None = None,
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
    meanwhile
        What to be in while the rest is composed; see :func:`compose_with`.

    Raises
    ------
    ConfigError
        For anything the user wrote that cannot be run.
    """
    if config_dir is not None and not Path(config_dir).is_dir():
        raise ConfigError(f"config_dir = {config_dir}: no such folder")
    loader = loader_over(config_dir)
    return compose_with(loader, overrides, multirun=multirun, meanwhile=meanwhile)


def compose_with(
    loader: ConfigLoader,
    overrides: Sequence[str],
    *,
    multirun: bool,
    config_name: str = "config",
    meanwhile: Meanwhile | None = None,
    remark: Callable[[str], None] = lambda text: None,
) -> Sweep:
    """Compose overrides through a config loader of Hydra's; see :func:`compose`.

    Parameters
    ----------
    loader
        Hydra's config loader.
    overrides, multirun
        As for :func:`compose`.
    config_name
        Name of the primary config.
    meanwhile
        What to be in while all but the first config is composed; given the number of points and
        that config, before it is checked.
    remark
        Takes what is worth saying but not wrong.
    """
    try:
        return _compose(
            reading_once(loader), list(overrides), multirun, config_name, meanwhile, remark
        )
    except (HydraException, OmegaConfBaseException, YAMLError, UnicodeDecodeError) as error:
        raise config_error(error) from error


def parse(loader: ConfigLoader, overrides: Sequence[str]) -> list[Override]:
    """Parse overrides in Hydra's grammar, and check what they are about.

    Raises
    ------
    ConfigError
        Naming the override.
    """
    if len(overrides) > _MOST_OVERRIDES:
        raise ConfigError(f"{len(overrides):,} overrides; at most {_MOST_OVERRIDES:,}")
    parser = OverridesParser.create(config_loader=loader)
    parsed: list[Override] = []
    for override in overrides:
        if not isinstance(override, str):
            raise ConfigError(f"{shown(override)}: an override is text, such as neuron=chattering")
        if len(override) > _MOST_CHARACTERS:
            raise ConfigError(
                f"{shown(override)}: {len(override):,} characters; an override has at most "
                f"{_MOST_CHARACTERS:,}"
            )
        check_references("an override", override)
        try:
            parsed += parser.parse_overrides([override])
        except HydraException as error:
            raise config_error(error) from error
        except Exception as error:
            raise ConfigError(f"{shown(override)}: {config_error(error)}") from error
    check_hydra_overrides(parsed)
    return parsed


def _compose(
    loader: ConfigLoader,
    overrides: list[str],
    multirun: bool,
    config_name: str,
    meanwhile: Meanwhile | None,
    remark: Callable[[str], None],
) -> Sweep:
    given = parse(loader, overrides)
    asks = any(o.key_or_group.startswith(("experiment", "hydra.sweeper.params")) for o in given)
    params = _own_sweep(loader, given, config_name) if multirun and asks else {}
    request, first = _first(loader, given, params, multirun, config_name)
    found = _params(first)
    if found and not multirun:
        remark(f"{', '.join(found)} would be swept with -m")
    elif found and not asks:  # not in an experiment, where sweeps are looked for first
        params = _own_sweep(loader, given, config_name)
        request, first = _first(loader, given, params, multirun, config_name)
    choices = {
        str(group): str(choice)
        for group, choice in first.hydra.runtime.choices.items()
        if not str(group).startswith("hydra/")
    }
    values = {_key(override) for override in given if not is_group(loader, override)}
    composer = Composer(loader, config_name, request, values)
    if not move_interpolated(request, first):
        composer.loaded[tuple(request.first)] = first
    return composer.sweep(choices, overrides, meanwhile)


def _first(
    loader: ConfigLoader,
    given: list[Override],
    params: Mapping[str, Any],
    multirun: bool,
    config_name: str,
) -> tuple[Request, DictConfig]:
    """Return the overrides sorted, with what the config sweeps itself, and the first config."""
    keys = {_key(override) for override in given}
    added = parse(loader, [f"{key}={value}" for key, value in params.items() if key not in keys])
    request = sort(loader, added + given, multirun)
    return request, load(loader, config_name, request.first)


def _key(override: Override) -> str:
    return override.get_key_element().lstrip("+~")


def _own_sweep(loader: ConfigLoader, parsed: list[Override], config_name: str) -> dict[str, Any]:
    """Return what the chosen configs sweep themselves."""
    plain = [
        override.input_line or ""
        for override in parsed
        if not override.is_sweep_override()
        and (is_group(loader, override) or override.is_hydra_override())
    ]
    return _params(load(loader, config_name, plain))


def _params(config: DictConfig) -> dict[str, Any]:
    """Return what a composed config sweeps itself, ``hydra.sweeper.params``."""
    params = config.hydra.sweeper.get("params")
    if params is None:
        return {}
    if not OmegaConf.is_dict(params):
        raise ConfigError(
            f"hydra.sweeper.params = {shown(params)}: expected a mapping such as "
            "{synapse.U_0: '0.2,0.5'}"
        )
    return {str(key): value for key, value in params.items()}
