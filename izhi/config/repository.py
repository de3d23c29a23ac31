"""A config loader of Hydra's that reads every file once, however often it composes."""

from __future__ import annotations

import copy
from typing import Any

from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra._internal.config_repository import ConfigRepository
from hydra.core.config_loader import ConfigLoader
from hydra.core.config_search_path import ConfigSearchPath
from hydra.plugins.config_source import ConfigResult


class ReadOnce(ConfigRepository):
    """Config files, each parsed when it is first asked for; callers get copies of their own.

    A loader of Hydra's copies its repository for every composition, and parsing YAML is a third of
    the time that one takes. The copies share what has been read, until the search path changes.
    """

    def __init__(self, search_path: ConfigSearchPath) -> None:
        self._read: dict[str, ConfigResult | None] = {}
        super().__init__(search_path)

    def __deepcopy__(self, memo: dict[int, Any]) -> ReadOnce:
        return copy.copy(self)

    def initialize_sources(self, config_search_path: ConfigSearchPath) -> None:
        """Search other folders from now on."""
        self._read = {}
        super().initialize_sources(config_search_path)

    def load_config(self, config_path: str) -> ConfigResult | None:
        """Return a config file's contents; None where there is none of that name."""
        if config_path not in self._read:
            self._read[config_path] = super().load_config(config_path)
        return copy.deepcopy(self._read[config_path])


def reading_once(loader: ConfigLoader) -> ConfigLoader:
    """Return a loader with the search path of another, for many compositions in a row."""
    search_path = loader.get_search_path()
    once = ConfigLoaderImpl(search_path)
    once.repository = ReadOnce(search_path)
    return once
