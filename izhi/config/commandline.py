"""The part of the command line that is Hydra's: flags and overrides, composed."""

from __future__ import annotations

import os
import re
import sys
from argparse import Namespace
from typing import Any, NoReturn

import hydra
from hydra._internal.utils import get_args_parser
from omegaconf import DictConfig

from izhi.config.compose import compose, compose_with, config_error
from izhi.config.composer import Meanwhile
from izhi.config.folder import conf_folder
from izhi.config.sweep import Sweep
from izhi.errors import ConfigError

_HYDRA_KEYS = ("hydra.sweeper.params", "hydra.verbose", "hydra.mode", "hydra.help")
"""Settings of Hydra's that do something here; izhi itself writes the files and starts the jobs."""


_THROUGH_SWEEPER = "hydra.mode=MULTIRUN"


def compose_arguments(
    command: str, arguments: list[str], meanwhile: Meanwhile | None = None
) -> Sweep | None:
    """Compose what the command line asks for, or let Hydra answer it.

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
        The sweep; None when Hydra itself has answered: ``--help``, ``--cfg``, ``--info``.

    Raises
    ------
    ConfigError
        For anything the user wrote that cannot be run.
    """
    flags = _read_flags(arguments)
    several = flags.multirun or _THROUGH_SWEEPER in flags.overrides
    runs = not (flags.help or flags.hydra_help or flags.cfg or flags.info or flags.shell_completion)
    if runs:
        _check_hydra_keys(flags.overrides)
        # Always by way of izhi's sweeper: Hydra's own single job would make folders and log files.
        arguments = [*arguments, _THROUGH_SWEEPER]
    asked: list[Any] = []
    before, full = sys.argv, os.environ.get("HYDRA_FULL_ERROR")
    sys.argv = [f"izhi {command}", *arguments]
    os.environ["HYDRA_FULL_ERROR"] = "1"  # let Hydra's errors through, to be said in one line
    try:
        main = hydra.main(version_base="1.3", config_path=str(conf_folder()), config_name="config")
        main(asked.append)()
    except BrokenPipeError:
        raise
    except Exception as error:  # no line of izhi's runs in here, so it is what the user wrote
        raise _explained(error, flags, several) from error
    finally:
        sys.argv = before
        os.environ.pop("HYDRA_FULL_ERROR")
        if full is not None:
            os.environ["HYDRA_FULL_ERROR"] = full
    if not runs:
        return None
    if not asked or isinstance(asked[0], DictConfig):  # a config chose Hydra's basic sweeper
        raise ConfigError("hydra/sweeper: only izhi's own sweeper runs a study")
    request = asked[0]
    if request.params and not several:
        print(f"note: {', '.join(request.params)} would be swept with -m", file=sys.stderr)
    return compose_with(
        request.loader,
        [override for override in request.overrides if override != _THROUGH_SWEEPER],
        multirun=several,
        config_name=request.config_name,
        params=request.params if several else {},
        meanwhile=meanwhile,
    )


def _read_flags(arguments: list[str]) -> Namespace:
    """Read the arguments with Hydra's own parser, so that a wrong flag is one line too."""

    def fail(message: str) -> NoReturn:
        raise ConfigError(f"{message}; izhi run --hydra-help lists the flags")

    parser = get_args_parser()
    parser.error = fail  # type: ignore[method-assign]
    flags = parser.parse_args(arguments)
    if flags.experimental_rerun is not None:
        raise ConfigError("--experimental-rerun: izhi keeps no jobs of Hydra's to run again")
    return flags


def _check_hydra_keys(overrides: list[str]) -> None:
    for override in overrides:
        key = override.split("=", 1)[0].lstrip("+~")
        if re.match(r"hydra\b", key) and not key.startswith(_HYDRA_KEYS):
            raise ConfigError(
                f"{key}: izhi does not use this setting of Hydra's; --config-dir adds configs, "
                "study.dir says where files go, run.n_jobs and run.backend how points are run"
            )


def _explained(error: Exception, flags: Namespace, several: bool) -> Exception:
    """Return an error of Hydra's as izhi's: composing again names the nearest right word."""
    if flags.config_name is None and flags.config_path is None:
        try:
            compose(flags.overrides, multirun=several, config_dir=flags.config_dir)
        except Exception as again:
            if isinstance(again, ConfigError):
                return again
    return config_error(error)
