"""From Hydra overrides to a :class:`Sweep`: one composition per combination of choices.

Hydra composes a config in some 50 ms. What selects files (``neuron=a,b``), adds or deletes keys, or
is read by an interpolation is therefore composed once per combination; all other swept values are
numbers that are checked here and stay arrays from then on.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hydra import initialize_config_dir
from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra.core.config_loader import ConfigLoader
from hydra.core.config_search_path import SearchPathQuery
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.errors import HydraException, MissingConfigException, OverrideParseException
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

from izhi.config.composer import Composer, Meanwhile, load
from izhi.config.folder import conf_folder
from izhi.config.overrides import is_group, move_interpolated, sort
from izhi.config.repository import reading_once
from izhi.config.sweep import Sweep
from izhi.errors import ConfigError, did_you_mean


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
    with _hydra_loader(config_dir) as loader:
        return compose_with(loader, overrides, multirun=multirun, meanwhile=meanwhile)


@contextmanager
def _hydra_loader(config_dir: Path | str | None) -> Iterator[ConfigLoader]:
    """Give a config loader over izhi's configs, then those in a folder of the user's.

    A running Hydra application is left as it was.
    """
    shared = GlobalHydra.instance()
    running = shared.hydra
    shared.clear()
    try:
        with initialize_config_dir(str(conf_folder()), job_name="izhi", version_base="1.3"):
            loader = GlobalHydra.instance().config_loader()
            if config_dir is not None:  # where Hydra's --config-dir puts it
                path = loader.get_search_path()
                folder = f"file://{Path(config_dir).resolve()}"
                path.prepend("command-line", folder, SearchPathQuery(provider="schema"))
                loader = ConfigLoaderImpl(path)
            yield loader
    finally:
        GlobalHydra.set_instance(shared)  # Hydra leaves a copy of it in its place
        shared.hydra = running


def compose_with(
    loader: ConfigLoader,
    overrides: Sequence[str],
    *,
    multirun: bool,
    config_name: str = "config",
    params: Mapping[str, Any] | None = None,
    meanwhile: Meanwhile | None = None,
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
    params
        What the composed config itself sweeps, ``hydra.sweeper.params``; None to look it up.
    meanwhile
        What to be in while all but the first config is composed; given the number of points and
        that config, before it is checked.
    """
    try:
        return _compose(
            reading_once(loader), list(overrides), multirun, config_name, params, meanwhile
        )
    except (HydraException, OmegaConfBaseException, YAMLError, UnicodeDecodeError) as error:
        raise config_error(error) from error


def config_error(error: Exception) -> ConfigError:
    """Return an error of Hydra, OmegaConf or the YAML reader as one line."""
    if isinstance(error, OverrideParseException):
        return _grammar_error(str(error.override), str(error.message))
    if isinstance(error, MissingConfigException) and error.missing_cfg_file:
        group, _, choice = str(error.missing_cfg_file).rpartition("/")
        options = list(error.options or ())
        return ConfigError(
            f"{group or 'config'} = {choice}: no such {group or 'config'}"
            f"{did_you_mean(choice, options)}"
        )
    lines = str(error).splitlines()
    if isinstance(error.__cause__, OmegaConfBaseException):
        lines += str(error.__cause__).splitlines()[:1]
    said = [line.strip(" .:") for line in lines if line.strip() and "object_type=" not in line]
    return ConfigError("; ".join(said[:3]) or type(error).__name__)


def _grammar_error(override: str, message: str) -> ConfigError:
    """Return what Hydra's parser says of an override, without its repetitions."""
    lines = [line for line in message.splitlines() if not line.startswith(("Error", "See"))]
    what = re.sub(r"^\w+(Error|Exception) while evaluating '.*': |^Lexer\w+: .*", "", lines[0])
    what = re.sub(r" expecting \{.*", "", what) or "a character is out of place"
    return ConfigError(
        f"{override.strip() or repr(override)}: not Hydra's grammar ({what}); "
        "write key=value, and quote text with special characters: \"key='5 mV'\""
    )


def _compose(
    loader: ConfigLoader,
    overrides: list[str],
    multirun: bool,
    config_name: str,
    params: Mapping[str, Any] | None,
    meanwhile: Meanwhile | None,
) -> Sweep:
    parser = OverridesParser.create(config_loader=loader)
    try:
        parsed = parser.parse_overrides(overrides)
        if params is None:
            params = _params(loader, parsed, config_name) if multirun else {}
        given = {override.get_key_element().lstrip("+~") for override in parsed}
        swept_by_config = [f"{key}={value}" for key, value in params.items() if key not in given]
        parsed = parser.parse_overrides(swept_by_config) + parsed
    except RecursionError:
        raise ConfigError("an override is nested too deeply") from None
    request = sort(loader, parsed, multirun)
    texts = [swept.text(0) for swept in request.composed]
    first = load(loader, config_name, request.fixed + texts)
    choices = {
        str(group): str(choice)
        for group, choice in first.hydra.runtime.choices.items()
        if not str(group).startswith("hydra/")
    }
    composer = Composer(loader, config_name, request)
    if not move_interpolated(request, first):
        composer.loaded[tuple(request.fixed + texts)] = first
    return composer.sweep(choices, overrides, meanwhile)


def _params(loader: ConfigLoader, parsed: list[Override], config_name: str) -> dict[str, Any]:
    """Return what an experiment's config sweeps itself: ``hydra.sweeper.params``."""
    if not any(o.key_or_group.startswith(("experiment", "hydra.sweeper.params")) for o in parsed):
        return {}
    plain = [
        override.input_line or ""
        for override in parsed
        if not override.is_sweep_override()
        and (is_group(loader, override) or override.is_hydra_override())
    ]
    params = load(loader, config_name, plain).hydra.sweeper.get("params")
    return {} if params is None else {str(key): value for key, value in params.items()}
