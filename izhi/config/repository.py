"""A config loader of Hydra's that reads every file once, and only what a config may be and say."""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from hydra import version
from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra._internal.config_repository import CachingConfigRepository, ConfigRepository
from hydra._internal.utils import create_config_search_path
from hydra.core.config_loader import ConfigLoader
from hydra.core.config_search_path import ConfigSearchPath, SearchPathQuery
from hydra.core.default_element import ResultDefault
from hydra.core.override_parser.types import Override
from hydra.core.utils import setup_globals
from hydra.plugins.config_source import ConfigResult
from omegaconf import DictConfig, Node, OmegaConf
from yaml import YAMLError

from izhi.config.files import check_file
from izhi.config.folder import conf_folder
from izhi.config.foreign import check_choices, check_settings
from izhi.config.hydra_errors import config_error
from izhi.config.keys import is_unicode, shown
from izhi.config.references import check_growth
from izhi.config.texts import keep_texts
from izhi.errors import ConfigError
from izhi.silence import warnings_ignored

_MOST_FILES = 1_000
"""Files of one composition, each counted as often as defaults lists name it."""

_DEEPEST = 2
"""Folders below a group that its files are looked for in."""

_FORMULA = re.compile(r"\s*[=+@\uff1d\uff0b\uff0d\uff20-]|.*[\x00-\x1f\x7f]", re.DOTALL)
"""Names that a spreadsheet may take for a formula: a choice is a label in tables, too."""

_HYDRA_SOURCES = ("pkg://hydra.conf", "structured://")

_parsed: dict[tuple[str, int, int], ConfigResult | None] = {}
"""Files of izhi's own by path, time of change and size, and Hydra's: each is parsed once in a
process, however many loaders read it."""


class ReadOnce(ConfigRepository):
    """Config files, each parsed when it is first asked for; callers get copies of their own.

    A loader of Hydra's copies its repository for every composition, and parsing YAML is a third of
    the time that one takes. The copies share what has been read, until the search path changes.
    """

    def __init__(self, search_path: ConfigSearchPath) -> None:
        self._read: dict[str, ConfigResult | None] = {}
        self._given = {element.path for element in search_path.get_path()}
        super().__init__(search_path)

    def __deepcopy__(self, memo: dict[int, Any]) -> ReadOnce:
        return copy.copy(self)

    def initialize_sources(self, config_search_path: ConfigSearchPath) -> None:
        """Search other folders from now on; never packages, which would be imported."""
        for element in config_search_path.get_path():
            if element.path not in self._given and not element.path.startswith("file://"):
                raise ConfigError(
                    f"hydra.searchpath = {shown(element.path)}: configs are read from folders only"
                )
        self._read = {}
        super().initialize_sources(config_search_path)

    def load_config(self, config_path: str) -> ConfigResult | None:
        """Return a config file's contents; None where there is none of that name."""
        if config_path not in self._read:
            self._check_place(config_path)
            self._check_hidden(config_path)
            self._read[config_path] = self._load(config_path)
        return copy.deepcopy(self._read[config_path])

    def _load(self, config_path: str) -> ConfigResult | None:
        """Look a file through, and parse it; once in a process where it is izhi's or Hydra's."""
        key = self._key(config_path)
        if key not in _parsed:
            result = self._parse(config_path)
            if key is None:
                return result
            _parsed[key] = result
        return _parsed[key]

    def _key(self, config_path: str) -> tuple[str, int, int] | None:
        source = self._source(config_path)
        if source is None:
            return None
        if source.scheme() == "pkg":
            return f"{source.path}/{config_path}", 0, 0
        if source.path != str(conf_folder()):
            return None
        file = Path(source.path) / source._normalize_file_name(config_path)
        found = file.stat()
        return str(file), found.st_mtime_ns, found.st_size

    def _source(self, config_path: str) -> Any:
        return next((s for s in self.sources if s.is_config(config_path)), None)

    def _parse(self, config_path: str) -> ConfigResult | None:
        source = self._source(config_path)
        if source is not None and source.scheme() == "file":
            check_file(Path(source.path) / source._normalize_file_name(config_path))
        try:
            return super().load_config(config_path)
        except YAMLError:  # it names the file and the line
            raise
        except Exception as error:  # the rest of Hydra's reader does not
            raise ConfigError(f"{config_path}.yaml: {config_error(error)}") from error

    def _check_hidden(self, config_path: str) -> None:
        """Check that a choice is one file: the first folder's hides that of a later one."""
        group, _, name = config_path.rpartition("/")
        sources = [s for s in self.sources if s.scheme() == "file" and s.is_config(config_path)]
        if len(sources) < 2:
            return
        file = sources[0]._normalize_file_name(config_path)
        first, *others = (Path(source.path) / file for source in sources)
        for other in others:
            check_file(other)
            if other.read_bytes() != first.read_bytes():
                if not group:
                    raise ConfigError(
                        f"{other}: izhi has a {name}.yaml of its own, which holds; give it another "
                        f"name, and choose it by --config-name or as an experiment"
                    )
                raise ConfigError(
                    f"{group} = {name}: {other} is hidden by another {name}; give it "
                    "a name of its own"
                )

    def _check_place(self, config_path: str) -> None:
        """Check that a file is named and lies as configs may, and not in the place of Hydra's."""
        if ".." in Path(config_path).parts or Path(config_path).is_absolute():
            raise ConfigError(f"{shown(config_path)}: a config lies in the folder that is read")
        path = str(PurePosixPath(config_path))
        if path != config_path:  # a choice is a label: a file has one name
            raise ConfigError(f"{shown(config_path)}: not the name of a config; write {path}")
        folders = [s for s in self.sources if s.scheme() == "file"]
        sources = [s for s in folders if s.is_config(config_path)]
        if sources and any(map(_FORMULA.match, config_path.split("/"))):
            raise ConfigError(
                f"{shown(config_path)}.yaml: the name of a config begins with none of = + - @ and "
                "has no control characters: a spreadsheet would take it for a formula"
            )
        if not is_unicode(config_path):  # a choice is stored as a label
            raise ConfigError(f"{ascii(config_path)[1:-1]}.yaml: a config's name is UTF-8")
        roots = [Path(s.path).resolve() for s in folders]
        for source in sources:
            file = Path(source.path, source._normalize_file_name(config_path)).resolve()
            if source.path != str(conf_folder()) and not any(map(file.is_relative_to, roots)):
                raise ConfigError(
                    f"{shown(config_path)}.yaml: a link out of the folder that configs are read "
                    "from; copy the file, or name its folder"
                )
        if config_path.startswith("hydra/") and sources:
            raise ConfigError(
                f"{shown(config_path)}.yaml: a config in the place of one of Hydra's own, "
                "which izhi does not use"
            )


class _Counted(CachingConfigRepository):
    """The repository of one composition, which ends when it names too many files."""

    asked, last = 0, ""

    def load_config(self, config_path: str) -> ConfigResult | None:
        self.asked, self.last = self.asked + 1, config_path
        if self.asked > _MOST_FILES:
            raise ConfigError(
                f"{shown(config_path)}: its defaults lists name more than {_MOST_FILES:,} files"
            )
        return super().load_config(config_path)


class Loader(ConfigLoaderImpl):
    """Hydra's loader of configs, which never imports, calls or writes what they name.

    Nothing in Hydra that does is reached from here. What a config asks for in vain is refused by
    name (:mod:`izhi.config.foreign`), and so is what would take too long
    (:mod:`izhi.config.files`, :mod:`izhi.config.references`).

    Of the config composed last, `sweeping` says by file what it sweeps by itself, and `parents`
    whose defaults list names a file; `swept_by` is the last file that swept a key, of any config.
    """

    def __init__(self, config_search_path: ConfigSearchPath) -> None:
        self.config_search_path = config_search_path
        self.repository = ReadOnce(config_search_path)
        self._reading: _Counted | None = None
        self.sweeping: dict[str, Mapping[str, Any]] = {}
        self.swept_by: dict[str, str] = {}
        self.parents: dict[str, str | None] = {}

    def _parse_overrides_and_create_caching_repo(
        self, config_name: str | None, overrides: list[str]
    ) -> tuple[list[Override], CachingConfigRepository]:
        self.sweeping, self.parents = {}, {}
        parsed, repository = super()._parse_overrides_and_create_caching_repo(
            config_name, overrides
        )
        self._reading = _Counted(repository.delegate)
        self._reading.cache = repository.cache
        return parsed, self._reading

    def _process_config_searchpath(self, *args: Any) -> None:
        with warnings_ignored():  # of folders that are not there
            super()._process_config_searchpath(*args)

    def get_group_options(self, group_name: str, *args: Any, **kwargs: Any) -> list[str]:
        """Return the choices of a group; see Hydra's ``ConfigLoader``."""
        if group_name.count("/") > _DEEPEST:  # a link to a folder above it
            return []
        try:
            return super().get_group_options(group_name, *args, **kwargs)
        except (OSError, ValueError) as error:  # a folder that cannot be read, a NUL in its name
            raise ConfigError(f"{shown(group_name)}: {error}") from error

    def _load_single_config(self, default: ResultDefault, repo: Any) -> ConfigResult:
        result = super()._load_single_config(default, repo)
        own = result.path == f"file://{conf_folder()}" and not _in_hydra(default.package)
        name = str(default.config_path)
        if result.path in _HYDRA_SOURCES:
            return result
        if not own:
            check_settings(f"{name}.yaml", _raw(result.config))
            file = Path(result.path.removeprefix("file://"), f"{name.removesuffix('.yaml')}.yaml")
            keep_texts(result.config, str(default.package or ""), file)
        self.parents[name] = default.parent
        params = OmegaConf.select(result.config, "hydra.sweeper.params")
        if OmegaConf.is_dict(params):
            self.sweeping[name] = _raw(params)
            self.swept_by |= dict.fromkeys(map(str, params), name)
        return result

    def load_configuration(self, *args: Any, **kwargs: Any) -> DictConfig:
        """Compose one config; see Hydra's ``ConfigLoader``."""
        try:
            config = super().load_configuration(*args, **kwargs)
        except RecursionError:
            name = self._reading.last if self._reading else "config"
            raise ConfigError(
                f"{name}.yaml: nested too deeply, or named by its own defaults list"
            ) from None
        check_choices(config.hydra.runtime.choices)
        used = {str(key): _raw(config._get_node(key)) for key in config if key != "hydra"}
        params = config.hydra.sweeper._get_node("params")
        check_growth(used | {"hydra": {"params": _raw(params), "help": _raw(config.hydra.help)}})
        return config


def _in_hydra(package: str | None) -> bool:
    return f"{package}.".startswith("hydra.")


def _raw(node: Any) -> Any:
    """Return a node of a config as plain lists, mappings and values; interpolations as text."""
    if OmegaConf.is_config(node):
        return OmegaConf.to_container(node, resolve=False)
    return node._value() if isinstance(node, Node) else node


def loader_over(config_dir: Path | str | None = None, main: Path | None = None) -> Loader:
    """Return a loader over izhi's configs, then those in a folder of the user's.

    A running Hydra application is left as it is.

    Parameters
    ----------
    config_dir
        The user's folder.
    main
        A folder in the place of izhi's own.
    """
    version.setbase("1.3")
    setup_globals()
    path = create_config_search_path(str(main or conf_folder()))
    if config_dir is not None:  # where Hydra's --config-dir puts it
        folder = f"file://{Path(config_dir).resolve()}"
        path.prepend("command-line", folder, SearchPathQuery(provider="schema"))
    return Loader(path)


def reading_once(loader: ConfigLoader) -> Loader:
    """Return a loader with the search path of another, for many compositions in a row."""
    return Loader(loader.get_search_path())
