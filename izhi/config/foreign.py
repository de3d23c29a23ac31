"""What a config that does not come with izhi may say: which circuit to simulate, and no more.

Hydra's configs can name Python code to be called (``_target_``, handlers of logs), folders to be
made and variables to be set. izhi calls and makes nothing that a config names; a config that asks
for it is refused all the same, so that nobody takes it for done.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path, PurePath
from typing import Any

from hydra.core.override_parser.types import Override
from omegaconf import OmegaConf

from izhi.config import inputs
from izhi.config.folder import conf_folder
from izhi.config.keys import shown
from izhi.config.references import check_references
from izhi.errors import ConfigError

_HYDRA_SETTINGS = ("hydra.sweeper.params.", "hydra.help.")
_HYDRA_OVERRIDES = ("hydra.verbose", "hydra.mode", "hydra.help")
_TARGETS = ("hydra_plugins.izhi_sweeper.sweeper.IzhiSweeper",
            "hydra._internal.core_plugins.basic_sweeper.BasicSweeper",
            "hydra._internal.core_plugins.basic_launcher.BasicLauncher")  # fmt: skip
_CHOICES: Mapping[str, tuple[str | None, ...]] = {
    "hydra/sweeper": ("izhi", "basic"),
    "hydra/launcher": ("basic",),
    "hydra/job_logging": ("none", "default"),
    "hydra/hydra_logging": ("none", "default"),
    "hydra/help": ("default",),
    "hydra/hydra_help": ("default",),
    "hydra/output": ("default",),
    "hydra/env": ("default",),
    "hydra/callbacks": (None,),
}
"""Choices of Hydra's groups: what izhi's own config chooses, and what Hydra does by itself."""


def check_settings(name: str, tree: Any) -> None:
    """Check a config file of the user's, placed where it will stand.

    Parameters
    ----------
    name
        The file, for the error.
    tree
        Its contents, interpolations unresolved.

    Raises
    ------
    ConfigError
        Naming the file, the key and the value.
    """
    for key, value in _leaves(tree):
        last = key.rsplit(".", 1)[-1]
        if "sweeper.params" in key and not key.startswith(_HYDRA_SETTINGS):
            raise ConfigError(
                f"{name}: {key} = {shown(value)}: sweeps nothing there; hydra.sweeper.params does, "
                "in a file that begins with # @package _global_"
            )
        if last == "_target_" and value not in _TARGETS:
            raise ConfigError(
                f"{name}: {key} = {shown(value)}: a config cannot name code to be called"
            )
        if last == "_target_" or not f"{key}.".startswith("hydra."):
            continue
        if not key.startswith(_HYDRA_SETTINGS) and not _is_own(key, value):
            raise ConfigError(
                f"{name}: {key} = {shown(value)}: of Hydra's settings, a config can only make "
                "hydra.sweeper.params, which sweeps, and hydra.help"
            )
    for key in tree if isinstance(tree, Mapping) else ():
        if str(key).startswith("hydra."):
            raise ConfigError(
                f"{name}: {key}: Hydra's settings lie one below the other, {{hydra: ...}}"
            )
    check_references(name, tree)


def check_hydra_overrides(overrides: Sequence[Override]) -> None:
    """Check that overrides make no settings of Hydra's that would do nothing, or anything else.

    Raises
    ------
    ConfigError
        Naming the key.
    """
    for override in overrides:
        key = override.get_key_element().lstrip("+~")
        inside = f"{override.package}.".startswith("hydra.") or re.match(r"hydra\b", key)
        if re.match(r"hydra[./]sweeper[./]params", key):
            raise ConfigError(
                f"{shown(override.input_line)}: a sweep is written KEY=A,B here, and in a config "
                "such as experiment/NAME.yaml below hydra.sweeper.params"
            )
        if inside and not key.startswith(_HYDRA_OVERRIDES):
            raise ConfigError(
                f"{key}: izhi does not use this setting of Hydra's; --config-dir adds configs, "
                "study.dir says where files go, run.n_jobs and run.backend how points are run"
            )


def check_choices(choices: Mapping[str, Any]) -> None:
    """Check which files of Hydra's own groups were chosen, by whatever config.

    Raises
    ------
    ConfigError
        Naming the group and the choice.
    """
    for group, choice in choices.items():
        if group.split("@")[0].startswith("hydra") and choice not in _CHOICES.get(group, ()):
            expected = " or ".join(str(known) for known in _CHOICES.get(group, ()))
            raise ConfigError(
                f"{group} = {shown(choice)}: izhi does not use this choice of Hydra's"
                + (f"; expected {expected}" if expected else "")
            )


def check_left_to_user(config: Mapping[str, Any], given: Collection[str]) -> None:
    """Check what only the user may choose: where files go, and who is trusted with code.

    Parameters
    ----------
    config
        The composed config, as dotted keys.
    given
        The keys that overrides give a value.

    Raises
    ------
    ConfigError
        Naming the key and the value.
    """
    folder = str(config["study.dir"])
    away = ".." in PurePath(folder).parts or folder.startswith(("/", "~"))
    if away and "study.dir" not in given:
        raise ConfigError(
            f"study.dir = {shown(folder)}: a config can only name a folder below this one; give "
            "study.dir yourself, on the command line or in Python"
        )
    _check_links(folder, config.get("study.name"), given)
    for key, name in inputs.files(config):
        if inputs.is_away(name) and key not in given:
            raise ConfigError(
                f"{key} = {shown(name)}: a config can only name a file below this folder; give "
                f"{key} yourself, on the command line or in Python"
            )
    scheduler = config.get("run.scheduler")
    if scheduler is not None and "run.scheduler" not in given:
        raise ConfigError(
            f"run.scheduler = {shown(scheduler)}: code goes to and fro with a scheduler, so a "
            "config cannot choose it; give run.scheduler yourself"
        )


def _check_links(folder: str, name: Any, given: Collection[str]) -> None:
    """Check that no config has a study written behind a link that leads elsewhere.

    The folder that izhi itself names may be a link: whoever made it chose where studies go.
    """
    if "study.dir" in given:
        return
    if folder != _own_settings().get("study.dir") and inputs.is_away(folder):
        raise ConfigError(
            f"study.dir = {shown(folder)}: a link leads from there out of this folder; give "
            "study.dir yourself, on the command line or in Python"
        )
    if "study.name" not in given and name is not None and Path(folder, str(name)).is_symlink():
        raise ConfigError(
            f"study.name = {shown(name)}: {folder}/{shown(name)} is a link, behind which a config "
            "has nothing written; give study.name yourself, on the command line or in Python"
        )


def _is_own(key: str, value: Any) -> bool:
    """Return whether izhi's own config makes this very setting."""
    own = _own_settings()
    return key in own and own[key] == value


@lru_cache(maxsize=1)
def _own_settings() -> dict[str, Any]:
    text = (conf_folder() / "config.yaml").read_text(encoding="utf-8")
    return dict(_leaves(OmegaConf.to_container(OmegaConf.create(text), resolve=False)))


def _leaves(tree: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Give the values of nested mappings and lists by dotted key; empty ones count as values."""
    if isinstance(tree, Mapping | list) and tree:
        items = tree.items() if isinstance(tree, Mapping) else enumerate(tree)
        for name, value in items:
            yield from _leaves(value, f"{prefix}.{name}" if prefix else str(name))
    else:
        yield prefix, tree
