"""Files of data that configs name: read once, known by their SHA-256, kept with the study.

A config says ``file``; ``sha256`` beside it says what the file held. All that follows depends on
what it held, wherever that is now.
"""

from __future__ import annotations

import hashlib
import re
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePath
from typing import Any

import yaml

from izhi.config import keys
from izhi.config.files import SAFE_LOADER
from izhi.errors import ConfigError, did_you_mean

MOST_BYTES = 64_000_000

FOLDER = "inputs"
"""Of a study: what its files held, each under its SHA-256 and its name."""

_HELD: dict[str, bytes] = {}  # what was read, by SHA-256: it is the same for ever
_PLACES: dict[Path, None] = {}  # folders of studies


def pinned(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return a config, as dotted keys, with the SHA-256 of each file that it names.

    A file that is gone is looked for among those that the study keeps.

    Raises
    ------
    ConfigError
        Naming the key and the file that cannot be read, or is not what the config says it is.
    """
    found = dict(config)
    for key, name in files(config):
        path = _kept(config, name) or Path(name).expanduser()
        digest = _read(path, f"{key} = {keys.shown(name)}")
        given = config.get(_sha256(key))
        if given not in (None, digest):
            raise ConfigError(f"{key} = {keys.shown(name)}: its SHA-256 is {digest}, not {given}")
        found[_sha256(key)] = digest
    return found


def files(config: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Give the keys that name files, and what they name."""
    for key, value in config.items():
        if is_file(key) and isinstance(value, str):
            yield key, value


def is_file(key: str) -> bool:
    """Whether a key names a file of data."""
    return key.endswith(".file") and keys.key_of(key) == keys.FILE


def is_away(name: str) -> bool:
    """Whether a file lies elsewhere than below the working folder, be it behind a link."""
    if ".." in PurePath(name).parts or name.startswith(("/", "~")):
        return True
    try:
        return not Path(name).resolve().is_relative_to(Path.cwd().resolve())
    except (OSError, RuntimeError, ValueError):  # links in a circle, a NUL: what cannot be read
        return False


def content(sha256: str, where: str) -> bytes:
    """Return what a file held.

    Parameters
    ----------
    sha256
        Of its content.
    where
        The key and the file, for the error.

    Raises
    ------
    ConfigError
        When it is nowhere any more.
    """
    for place in _PLACES if sha256 not in _HELD else ():
        for path in _files_of(place, f"{sha256}-*") if re.fullmatch("[0-9a-f]{64}", sha256) else ():
            _read(path, where)
    if sha256 not in _HELD:
        raise ConfigError(f"{where}: the file with the SHA-256 {sha256} is gone")
    return _HELD[sha256]


def look_in(study: Path) -> None:
    """Have a study's files among those that are found by their SHA-256."""
    _PLACES[study / FOLDER] = None


def kept_as(sha256: str, name: str) -> str:
    """Return what a file is called in a study."""
    return f"{sha256}-{re.sub(r'[^A-Za-z0-9._-]', '_', PurePath(name).name)[-100:]}"


def _sha256(key: str) -> str:
    return f"{key.removesuffix('file')}sha256"


def _kept(config: Mapping[str, Any], name: str) -> Path | None:
    """Return the study's copy of a file that is gone."""
    study = config.get("study.name")
    if study is None or Path(name).expanduser().exists():
        return None
    folder = Path(str(config["study.dir"])).expanduser() / str(study)
    digests = {
        str(stored.get(_sha256(key)))
        for stored in _configs(folder / "study.yaml") for key, file in files(stored) if file == name
    }  # fmt: skip
    kept = [path for digest in digests for path in _files_of(folder / FOLDER, f"{digest}-*")
            if path.name == kept_as(digest, name)]  # fmt: skip
    return kept[0] if len(kept) == 1 else None


def _configs(file: Path) -> list[dict[str, Any]]:
    """Return the configs that a study says it holds; none of one that cannot be read."""
    try:
        content = yaml.load(file.read_text(encoding="utf-8"), Loader=SAFE_LOADER)
        return [config for config in content["configs"] if isinstance(config, dict)]
    except (OSError, UnicodeDecodeError, yaml.YAMLError, KeyError, TypeError, RecursionError):
        return []


def _files_of(place: Path, pattern: str) -> list[Path]:
    """Return the files that a study keeps; what a link leads to is none of its own."""
    if place.is_symlink():
        return []
    return [path for path in place.glob(pattern) if not path.is_symlink()]


def _read(path: Path, where: str) -> str:
    """Read a file and return its SHA-256."""
    try:
        told = path.stat()
        if not stat.S_ISREG(told.st_mode):
            raise ConfigError(f"{where}: no file to read data from")
        if told.st_size > MOST_BYTES:
            raise ConfigError(
                f"{where}: {told.st_size:,} bytes; a file of data has at most {MOST_BYTES:,}"
            )
        data = path.read_bytes()
    except FileNotFoundError:
        near = [other.name for other in path.parent.glob("*") if other.is_file()]
        said = did_you_mean(path.name, near, ()) if len(near) < 1000 else ""
        raise ConfigError(f"{where}: no such file{said}") from None
    except (OSError, ValueError) as error:
        said = getattr(error, "strerror", None) or "it cannot be read"
        raise ConfigError(f"{where}: {said}") from None
    digest = hashlib.sha256(data).hexdigest()
    _HELD[digest] = data
    return digest
