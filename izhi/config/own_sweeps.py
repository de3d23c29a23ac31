"""What config files sweep by themselves, ``hydra.sweeper.params``: taken whole, or an error."""

from __future__ import annotations

import copy
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from omegaconf import DictConfig, OmegaConf

from izhi.config.grammar import written
from izhi.config.keys import shown
from izhi.config.repository import Loader
from izhi.errors import ConfigError


def own_sweeps(
    loader: Loader, config: DictConfig, given: Collection[str], leaves: Sequence[tuple[str, Any]]
) -> dict[str, Any]:
    """Return what the config that was composed last sweeps by itself.

    Parameters
    ----------
    loader
        What composed the config.
    config
        The config, with Hydra's own node.
    given
        Keys that overrides give a value, which replaces what a file says.
    leaves
        Keys and values that are not in the config yet; a sweep may refer to them.

    Raises
    ------
    ConfigError
        When the sweep of one file would replace that of another, or is no sweep.
    """
    params = _with(config, leaves).hydra.sweeper.get("params")
    if params is None:
        return {}
    if not OmegaConf.is_dict(params):
        raise ConfigError(
            f"hydra.sweeper.params = {shown(params)}: expected a mapping such as "
            "{synapse.U_0: '0.2,0.5'}"
        )
    sweeps: dict[str, Any] = {}
    for bare in dict.fromkeys(_bare(str(key)) for key in params):
        spelled = [str(key) for key in params if _bare(str(key)) == bare]
        if bare in given:
            _check_not_chosen_by(loader, bare, spelled[-1])
        else:
            key = _last_spelling(loader, bare, spelled)
            _check_value(_where(loader, key), key, params[key])
            sweeps[key] = params[key]
    return sweeps


def _with(config: DictConfig, leaves: Sequence[tuple[str, Any]]) -> DictConfig:
    """Return a config in which keys have their values, where its sweeps refer to any."""
    params = config.hydra.sweeper._get_node("params")
    if not leaves or "${" not in str(params):
        return config
    changed = copy.deepcopy(config)
    for key, value in leaves:
        if OmegaConf.select(changed, key) is not None:
            OmegaConf.update(changed, key, value, merge=False)
    return changed


def _check_not_chosen_by(loader: Loader, bare: str, key: str) -> None:
    """Check that a sweep which is replaced is not that of the file which replaces it."""
    file = loader.swept_by.get(key, "")
    if file.startswith(f"{bare.partition('@')[0]}/"):
        raise ConfigError(
            f"{file}.yaml: sweeps {bare}, by which it was chosen itself: that sweep would be lost; "
            f"sweep {bare} on the command line"
        )


def _last_spelling(loader: Loader, bare: str, spelled: list[str]) -> str:
    """Return how the file whose sweep of a key holds spells it: ``++synapse.U_0``, or without."""
    last: tuple[str, str, Any] | None = None
    for file, values in loader.sweeping.items():
        own = [key for key in values if _bare(key) == bare]
        if len(own) > 1:
            raise ConfigError(
                f"{file}.yaml: sweeps {' and '.join(own)}, which is one key; keep one"
            )
        for key in own:
            if last is not None and values[key] != last[2] and not _related(loader, last[0], file):
                raise ConfigError(
                    f"{last[0]}.yaml: sweeps {last[1]} = {shown(last[2])} by itself, and "
                    f"{file}.yaml {key} = {shown(values[key])}; choose one of the files, or sweep "
                    f"{bare} on the command line"
                )
            last = file, key, values[key]
    return spelled[-1] if last is None or last[1] not in spelled else last[1]


def _check_value(file: str, key: str, value: Any) -> None:
    if OmegaConf.is_dict(value):
        inner = next(iter(value), "NAME")
        raise ConfigError(
            f"{file}: sweeps {key} = {shown(value)}: one key for each sweep is expected, with "
            f"dots, such as {key}.{inner}: '1,2'"
        )
    if OmegaConf.is_list(value):
        raise ConfigError(
            f"{file}: sweeps {key} = {shown(value)}: the values of a sweep are text, such as "
            f"'{','.join(map(str, value))}' or range(0,3)"
        )


def overrides(sweeps: Mapping[str, Any]) -> list[str]:
    """Return sweeps of files as overrides in Hydra's grammar."""
    return [
        f"{key}={value.strip() if isinstance(value, str) else written(value)}"
        for key, value in sweeps.items()
    ]


def check_same(
    loader: Loader, sweeps: Mapping[str, Any], first: Mapping[str, Any], swept: str
) -> None:
    """Check that a further config sweeps by itself what the first one does.

    Parameters
    ----------
    loader
        What composed the further config.
    sweeps, first
        What the further and the first config sweep by themselves.
    swept
        The keys that choose files.

    Raises
    ------
    ConfigError
        Naming a sweep that not all files have, and its file.
    """
    for key, value in [*sweeps.items(), *first.items()]:
        if sweeps.get(key) != value or first.get(key) != value:
            raise ConfigError(
                f"{_where(loader, key)}: sweeps {key} = {shown(value)} by itself, and not all "
                f"files of {swept} do the same; run these files one by one, or sweep {key} on the "
                "command line"
            )


def _where(loader: Loader, key: str) -> str:
    """Return the last file that sweeps a key."""
    file = loader.swept_by.get(key)
    return "hydra.sweeper.params" if file is None else f"{file}.yaml"


def _bare(key: str) -> str:
    return key.lstrip("+~")


def _related(loader: Loader, one: str, other: str) -> bool:
    """Return whether one of two files names the other, or one between, in its defaults list."""
    return other in _ancestors(loader, one) or one in _ancestors(loader, other)


def _ancestors(loader: Loader, file: str) -> list[str]:
    found: list[str] = []
    while (above := loader.parents.get(file)) is not None and above not in found:
        found.append(above)
        file = above
    return found
