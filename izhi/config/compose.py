"""From Hydra overrides to a :class:`Sweep`: one composition per combination of choices.

Hydra composes a config in some 50 ms. What selects files (``neuron=a,b``), adds or deletes keys, or
is read by an interpolation is therefore composed once per combination; all other swept values are
numbers that are checked here and stay arrays from then on.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from hydra.core.config_loader import ConfigLoader
from hydra.core.override_parser.types import Override
from hydra.errors import HydraException
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

from izhi.config.composer import Composer, Meanwhile, load
from izhi.config.foreign import check_hydra_overrides
from izhi.config.grammar import Parser
from izhi.config.hydra_errors import config_error
from izhi.config.keys import is_unicode, shown
from izhi.config.overrides import is_group, keys_given, move_interpolated, sort
from izhi.config.own_sweeps import overrides as as_overrides
from izhi.config.own_sweeps import own_sweeps
from izhi.config.references import check_references
from izhi.config.repository import Loader, loader_over, reading_once
from izhi.config.sweep import Sweep
from izhi.errors import ConfigError, no_folder

_MOST_CHARACTERS = 200_000
"""Of one override: 10,000 values with 17 digits, which Hydra's parser reads in some two seconds."""

_MOST_OVERRIDES = 1_000

_MOST_ROUNDS = 10
"""Sweeps that choose files that sweep, one after the other."""


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
        raise ConfigError(f"config_dir = {config_dir}: {no_folder(config_dir)}")
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
    parser = Parser(loader)
    parsed: list[Override] = []
    for override in overrides:
        if not isinstance(override, str):
            raise ConfigError(f"{shown(override)}: an override is text, such as neuron=chattering")
        if len(override) > _MOST_CHARACTERS:
            raise ConfigError(
                f"{shown(override)}: {len(override):,} characters; an override has at most "
                f"{_MOST_CHARACTERS:,}"
            )
        if not is_unicode(override):
            raise ConfigError(f"{shown(override)!a}: an override is text in UTF-8")
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
    loader: Loader,
    overrides: list[str],
    multirun: bool,
    config_name: str,
    meanwhile: Meanwhile | None,
    remark: Callable[[str], None],
) -> Sweep:
    given = parse(loader, overrides)
    keys = {_key(override) for override in given}
    request = sort(loader, given, multirun)
    first = load(loader, config_name, request.first)
    sweeps = own_sweeps(loader, first, keys, request.leaves)
    if sweeps and not multirun:
        remark(f"{', '.join(sweeps)} would be swept with -m")
    rounds = 0
    while multirun and sweeps != request.own:  # what a sweep chooses may sweep more by itself
        rounds += 1
        if rounds > _MOST_ROUNDS:
            raise ConfigError(
                f"hydra.sweeper.params: sweeps {', '.join(sweeps)}, whose files sweep other keys "
                "without an end; name these files in a defaults list"
            )
        request = sort(loader, parse(loader, as_overrides(sweeps)) + given, multirun)
        request.own = sweeps
        first = load(loader, config_name, request.first)
        sweeps = own_sweeps(loader, first, keys, request.leaves)
    request.given = keys
    choices = {
        str(group): str(choice)
        for group, choice in first.hydra.runtime.choices.items()
        if not str(group).startswith("hydra/")
    }
    values = {
        key for override in given if not is_group(loader, override)
        for key in keys_given(_key(override), override.value())
    }  # fmt: skip
    composer = Composer(loader, config_name, request, values)
    if not move_interpolated(request, first):
        composer.loaded[tuple(request.first)] = first
    return composer.sweep(choices, overrides, meanwhile)


def _key(override: Override) -> str:
    return override.get_key_element().lstrip("+~")
