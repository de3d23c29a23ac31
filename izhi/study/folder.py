"""A study's folder: its name, its files, and writing them whole or not at all."""

from __future__ import annotations

import glob
import hashlib
import os
import re
import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path

from izhi.config import inputs
from izhi.config.keys import is_unicode
from izhi.config.sweep import Sweep
from izhi.errors import ConfigError, StorageError, StudyError, did_you_mean
from izhi.sweep.plan import Plan

_LONGEST_NAME = 200
_NAME = re.compile(rf"\w[\w.+=,@ -]{{0,{_LONGEST_NAME - 1}}}")


UNREADABLE = (OSError, RuntimeError, AttributeError, LookupError, TypeError, ValueError)
"""What a file that is no netCDF, or not ours, raises when it is read."""

PARTS = ".summary-"
"""What a folder with parts of the table is called while they are made."""

_RANDOM = "[0-9a-f]{8}"
"""What :func:`random_part` puts into a name."""

_SHARD = r"[0-9a-f]+-[0-9a-f]{8}-[0-9]{9,}-[0-9]+"
"""The name of a shard file, see :func:`izhi.study.worker.file_name`."""

_UNFINISHED = {
    "": re.compile(
        rf"\.(study|dataset|summary|report|changes-[0-9a-f]{{16}})-{_RANDOM}\.tmp"
        rf"|{re.escape(PARTS)}{_RANDOM}"
    ),
    "shards": re.compile(rf"\.{_SHARD}-{_RANDOM}\.tmp"),
    inputs.FOLDER: re.compile(rf"\.[0-9a-f]{{64}}-.*-{_RANDOM}\.tmp"),
}
"""What files are called while they are written, by the folder in the study: only izhi's names."""

_FILES = re.compile(
    r"study\.yaml|log\.jsonl|dataset\.nc|summary\.csv|report\.html|changes-[0-9a-f]{16}\.diff"
)
"""The files of a study, besides those in its folders."""


@dataclass(frozen=True)
class StudyFolder:
    """Where the parts of a study lie."""

    path: Path

    @property
    def config(self) -> Path:
        """What was asked for: ``study.yaml``."""
        return self.path / "study.yaml"

    @property
    def shards(self) -> Path:
        """The folder of shard files."""
        return self.path / "shards"

    @property
    def dataset(self) -> Path:
        """The gathered dataset."""
        return self.path / "dataset.nc"

    @property
    def summary(self) -> Path:
        """The summary table."""
        return self.path / "summary.csv"

    @property
    def inputs(self) -> Path:
        """The folder of what files of data held."""
        return self.path / inputs.FOLDER

    @property
    def log(self) -> Path:
        """The log, one event a line."""
        return self.path / "log.jsonl"


def around(path: Path) -> Path | None:
    """Return the study that a path lies in; None where it lies in none."""
    return next((folder for folder in path.parents if (folder / "study.yaml").is_file()), None)


def meant(path: Path, file: str) -> str:
    """Return a hint at the study that is probably meant by a path with none.

    One of that name a folder further down comes first, since a study is easily named without the
    folder of studies.

    Parameters
    ----------
    path
        What was given.
    file
        The file that makes a folder a study.
    """
    if (study := around(path)) is not None:
        return f"; did you mean {study}?"
    for below in sorted(path.parent.glob(f"*/{glob.escape(path.name)}/{file}")):
        return f"; did you mean {below.parent}?"
    near = [found.parent.name for found in path.parent.glob(f"*/{file}")]
    return did_you_mean(path.name, near) if near else ""


def plain(name: str) -> str:
    """Return a name for a study like that of any folder, with room for more."""
    safe = re.sub(r"[^\w.+=,@-]", "_", name)[:100]
    return safe if re.match(r"\w", safe) else f"s{safe}"


def study_folder(sweep: Sweep) -> StudyFolder:
    """Return the folder that a sweep's config names; a free name with the time if it names none.

    Raises
    ------
    ConfigError
        For a name that is no plain folder name, or a folder that netCDF cannot write to.
    """
    name, given = sweep.setting("study.name"), str(sweep.setting("study.dir"))
    if "\\" in given or "\0" in given:  # netCDF takes a backslash for a folder of Windows'
        raise ConfigError(f"study.dir = {given[:80]!r}: a folder without backslashes is expected")
    try:
        parent = Path(given).expanduser()
    except RuntimeError:
        raise ConfigError(f"study.dir = {given[:80]}: there is no such user's home") from None
    if not is_unicode(str(parent.absolute())):  # netCDF takes no other names
        whole = ascii(str(parent.absolute()))[1:-1]
        raise ConfigError(f"study.dir: a folder is expected whose name is UTF-8, not {whole}")
    if name is not None:
        if not _NAME.fullmatch(str(name)) or str(name).endswith(" "):
            raise ConfigError(f"study.name = {str(name)[:80]!r}: {_name_rule(str(name))}")
        return StudyFolder(parent / str(name))
    stem = f"{sweep.choices.get('experiment') or 'run'}-{datetime.now():%Y%m%d-%H%M%S}"
    return StudyFolder(free(parent / stem))


def _name_rule(name: str) -> str:
    """Return the rule for names of studies that a name breaks."""
    rule = "expected a plain name of letters, digits and - _ . + = , @"
    if re.search(r"[^\w.+=,@ -]", name) or not name.strip():
        return rule
    if not re.match(r"\w", name):
        return f"{rule}, the first a letter, a digit or _"
    if name.endswith(" "):
        return f"{rule}, without a blank at its end"
    return f"{rule}, at most {_LONGEST_NAME} of them"


def free(path: Path) -> Path:
    """Return a path at which there is nothing: itself, or one with a number behind."""
    result, number = path, 1
    while os.path.lexists(result):
        number += 1
        result = path.with_name(f"{path.name}-{number}")
    return result


def create(folder: StudyFolder, sweep: Sweep) -> StudyFolder:
    """Make a study's folder; where the sweep names none, one that nobody else makes.

    Raises
    ------
    StorageError
        When it cannot be made.
    """
    try:
        if sweep.setting("study.name") is not None:
            folder.path.mkdir(parents=True, exist_ok=True)
            return folder
        folder.path.parent.mkdir(parents=True, exist_ok=True)
        while True:
            try:
                folder.path.mkdir()
                return folder
            except FileExistsError:  # another process made it a moment ago
                folder = study_folder(sweep)
    except OSError as error:
        raise StorageError(f"{folder.path}: cannot be made: {error.strerror}") from error


def input_files(folder: StudyFolder, sweep: Sweep) -> dict[Path, tuple[str, str]]:
    """Return the files of data that a study keeps: SHA-256, and the key and name of each."""
    found = {}
    for number in sweep.used:
        values = sweep.bases[number].values
        for key, name in inputs.files(values):
            digest = str(values[f"{key.removesuffix('file')}sha256"])
            found[folder.inputs / inputs.kept_as(digest, name)] = digest, f"{key} = {name}"
    return found


def keep_inputs(folder: StudyFolder, sweep: Sweep) -> None:
    """Keep what files of data held, so that the study does not depend on them any more."""
    for path, (digest, where) in input_files(folder, sweep).items():
        if sha256(path) != digest:
            path.parent.mkdir(exist_ok=True)
            write_atomic(path, partial(write_bytes, data=inputs.content(digest, where)))


def check_writable(folder: StudyFolder, plan: Plan) -> None:
    """Check that a study of this size can be written here, without writing anything.

    Raises
    ------
    ConfigError
        When the folder cannot be written or the disk has too little room.
    """
    existing = folder.path
    while not os.path.lexists(existing) and existing != existing.parent:
        existing = existing.parent
    key = "study.name" if existing == folder.path else "study.dir"
    if existing.is_symlink() and not existing.exists():
        raise ConfigError(f"{key}: {existing} is a link that leads nowhere, not a folder")
    if not existing.is_dir():
        raise ConfigError(f"{key}: {existing} is a file, not a folder")
    if not os.access(existing, os.W_OK | os.X_OK):
        raise ConfigError(f"{key}: {existing} cannot be written")
    free = shutil.disk_usage(existing).free
    needed = plan.disk - sum(path.stat().st_size for path in folder.shards.glob("*.nc"))
    if needed > free:
        raise ConfigError(
            f"study.dir: the study needs about {size(needed)}, but {existing} has {size(free)} "
            "free; choose another study.dir, fewer points or record.spikes=false"
        )


def size(n_bytes: float) -> str:
    """Return a size in words: ``"1.2 GB"``."""
    for unit in ("bytes", "kB", "MB", "GB", "TB"):
        if n_bytes < 1000 or unit == "TB":
            break
        n_bytes /= 1000
    return f"{n_bytes:.3g} {unit}"


def check_own(folder: StudyFolder) -> None:
    """Check that a study's files are its own: no link leads from its names to elsewhere.

    The folder itself may be reached by links. What else lies in it is not looked at.

    Raises
    ------
    StudyError
        Naming a link, or what is neither a file nor a folder, such as a pipe.
    """
    for name, entry in _entries(folder):
        ours = bool(name) or _FILES.fullmatch(entry.name) or entry.name in _UNFINISHED
        if ours and entry.is_symlink():
            raise StudyError(
                f"{entry.path}: is a link, and a study holds its own files; put what it stands "
                f"for ({_shown(Path(entry.path))}) in its place, or remove it"
            )
        if ours and name != "shards" and not entry.is_file() and not entry.is_dir():
            raise StudyError(f"{entry.path}: is no file, but a pipe or a device; remove it")


def _shown(link: Path) -> str:
    target = ascii(os.readlink(link))[1:-1]
    return target if len(target) <= 80 else target[:77] + "..."


def _entries(folder: StudyFolder) -> Iterator[tuple[str, os.DirEntry[str]]]:
    """Give what lies in a study: the folder in it, ``""`` for the study itself, and the entry."""
    for name in _UNFINISHED:
        place = folder.path / name
        if not place.is_dir() or (name and place.is_symlink()):
            continue
        with os.scandir(place) as entries:
            for entry in entries:
                yield name, entry


def is_shard(name: str, fingerprint: str) -> bool:
    """Whether a file has the name of a shard that was planned under a fingerprint."""
    parts = name.split("-")
    return bool(re.fullmatch(rf"{_SHARD}\.nc", name)) and parts[1] == fingerprint[:8]


def unfinished(folder: StudyFolder) -> list[Path]:
    """Return what a process that was killed was writing."""
    return sorted(
        Path(entry.path) for name, entry in _entries(folder)
        if _UNFINISHED[name].fullmatch(entry.name)
    )  # fmt: skip


def remove_unfinished(folder: StudyFolder) -> None:
    """Remove what a process that was killed was writing."""
    for path in unfinished(folder):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def random_part() -> str:
    """Return what makes the name of something unfinished one that nobody else has."""
    return secrets.token_hex(4)


@contextmanager
def parts_of_table(folder: StudyFolder) -> Iterator[Path]:
    """Give an empty folder in a study for parts of the table, and remove it at the end."""
    path = folder.path.absolute() / f"{PARTS}{random_part()}"
    path.mkdir(mode=0o700)
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


@dataclass(frozen=True)
class Written:
    """A file as it was written: its SHA-256 and its size in bytes."""

    sha256: str
    bytes: int


def write_atomic(path: Path, write: Callable[[Path], None], sealed: bool = False) -> Written:
    """Write a file under a temporary name, flush it to the disk, and give it its name.

    Parameters
    ----------
    path
        The file.
    write
        Writes the file that it is given.
    sealed
        Whether the SHA-256 of the contents is appended to them, for :func:`is_sealed`.

    Returns
    -------
    Written
        What is on the disk now.
    """
    temporary = path.with_name(f".{path.stem}-{random_part()}.tmp")
    temporary.touch(exist_ok=False)  # with the rights that the umask leaves
    try:
        write(temporary)
        with open(temporary, "rb+") as file:
            digest = hashlib.file_digest(file, "sha256")
            if sealed:
                seal = digest.digest()
                file.write(seal)
                file.flush()
                digest.update(seal)
            written = Written(digest.hexdigest(), file.tell())
            os.fsync(file.fileno())
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
    flush_folder(path.parent)
    return written


def write_bytes(path: Path, data: bytes) -> None:
    """Write bytes to a file."""
    path.write_bytes(data)


def flush_folder(path: Path) -> None:
    """Flush the names in a folder to the disk, so that a power cut leaves them."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sha256(path: Path) -> str | None:
    """Return a file's SHA-256; None where it cannot be read, or is none, such as a link."""
    try:
        if path.is_symlink() or not path.is_file():
            return None
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return None


def unreadable(path: Path) -> str:
    """Return in words why a file cannot be read; "" where it can."""
    try:
        if path.is_symlink():
            return "is a link"
        if not path.is_file():
            return "is no file" if path.exists() else "is not there"
        with open(path, "rb") as file:
            file.read(1)
    except OSError as error:
        return f"cannot be read: {error.strerror}"
    return ""


def is_sealed(path: Path) -> bool:
    """Whether a file ends in the SHA-256 of what is before, as :func:`write_atomic` left it."""
    contents = path.read_bytes()
    return contents[-32:] == hashlib.sha256(contents[:-32]).digest()
