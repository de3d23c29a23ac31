"""The part of the command line that is Hydra's: flags and overrides, composed or shown."""

from __future__ import annotations

import copy
import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import NoReturn

from hydra._internal.hydra import Hydra
from hydra._internal.utils import get_args_parser
from hydra.core.hydra_config import HydraConfig

from izhi.config.compose import compose_with, parse
from izhi.config.composer import Meanwhile, load
from izhi.config.hydra_errors import config_error
from izhi.config.repository import Loader, loader_over
from izhi.config.sweep import Sweep
from izhi.errors import ConfigError, no_folder

_SEVERAL = "hydra.mode=MULTIRUN"
"""Hydra's other way to write ``-m``."""


def compose_arguments(
    command: str, arguments: list[str], meanwhile: Meanwhile | None = None
) -> Sweep | None:
    """Compose what the command line asks for, or let Hydra show it.

    Hydra's ``main`` would call and make what a config names before izhi has seen it; here its
    parsers and its loader do their part, and nothing else of it runs.

    Parameters
    ----------
    command
        ``"run"`` or ``"plan"``, for Hydra's help.
    arguments
        Flags and overrides.
    meanwhile
        What to be in while the rest is composed; see :func:`izhi.config.compose.compose_with`.

    Returns
    -------
    Sweep or None
        The sweep; None when something was shown instead: ``--help``, ``--cfg``, ``--info``.

    Raises
    ------
    ConfigError
        For anything the user wrote that cannot be run.
    """
    parser = get_args_parser()
    flags = _read_flags(parser, arguments)
    loader = _loader(flags)
    several = flags.multirun or _SEVERAL in flags.overrides
    overrides = [override for override in flags.overrides if override != _SEVERAL]

    def compose(meanwhile: Meanwhile | None = None) -> Sweep:
        return compose_with(
            loader,
            overrides,
            multirun=several,
            config_name=flags.config_name or "config",
            meanwhile=meanwhile,
            remark=lambda text: print(f"note: {text}", file=sys.stderr),
        )

    if not (flags.help or flags.hydra_help or flags.cfg or flags.info or flags.shell_completion):
        return compose(meanwhile)
    try:
        _show(command, loader, parser, flags)
    except (BrokenPipeError, ConfigError):
        raise
    except Exception as error:
        compose()  # names the nearest right word
        raise config_error(error) from error
    return None


def _read_flags(parser: ArgumentParser, arguments: list[str]) -> Namespace:
    """Read the arguments with Hydra's own parser, so that a wrong flag is one line too."""

    def fail(message: str) -> NoReturn:
        raise ConfigError(f"{message}; izhi run --hydra-help lists the flags")

    parser.error = fail  # type: ignore[method-assign]
    flags = parser.parse_args(arguments)
    if flags.experimental_rerun is not None:
        raise ConfigError("--experimental-rerun: izhi keeps no jobs of Hydra's to run again")
    if flags.resolve and not (flags.cfg or flags.help):
        raise ConfigError("The --resolve flag can only be used in conjunction with --cfg or --help")
    asked = (flags.run, flags.multirun, flags.cfg, flags.info, flags.shell_completion)
    if not (flags.help or flags.hydra_help) and sum(map(bool, asked)) > 1:
        raise ConfigError(
            "Only one of --run, --multirun, --cfg, --info and --shell_completion can be specified"
        )
    return flags


def _loader(flags: Namespace) -> Loader:
    """Return the loader over the folders that the flags name."""
    for flag in ("config_dir", "config_path"):
        folder = getattr(flags, flag)
        if folder is not None and not Path(folder).is_dir():
            raise ConfigError(f"{flag} = {folder}: {no_folder(folder)}")
    main = None if flags.config_path is None else Path(flags.config_path).resolve()
    return loader_over(flags.config_dir, main)


def _show(command: str, loader: Loader, parser: ArgumentParser, flags: Namespace) -> None:
    """Print what Hydra has to tell of a config."""
    name, overrides = flags.config_name or "config", flags.overrides
    hydra = Hydra("izhi", loader)
    before = sys.argv
    sys.argv = [f"izhi {command}"]  # the help on completion names it
    try:
        if not flags.shell_completion:
            parse(loader, overrides)
        if flags.help or flags.hydra_help:
            print(_help(hydra, parser, flags, name))
        elif flags.cfg:
            hydra.show_cfg(name, overrides, flags.cfg, flags.package, flags.resolve)
        elif flags.info:
            hydra.show_info(flags.info, name, overrides)
        else:
            hydra.shell_completion(name, overrides)
    finally:
        sys.argv = before


def _help(hydra: Hydra, parser: ArgumentParser, flags: Namespace, name: str) -> str:
    """Return Hydra's help, without the logs that Hydra would configure to print it."""
    config = load(hydra.config_loader, None if flags.hydra_help else name, flags.overrides)
    HydraConfig.instance().set_config(config)
    shown = copy.deepcopy(config)
    if flags.help:
        job = hydra.get_sanitized_cfg(shown, "job")
        return hydra.get_help(config.hydra.help, job, parser, resolve=flags.resolve)
    own = hydra.get_sanitized_hydra_cfg(shown)
    return hydra.get_help(config.hydra.hydra_help, own, parser, resolve=False)
