"""Runs a study again from its own log, in a folder of its own, and compares what comes out."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from izhi.config import keys
from izhi.config.compose import parse
from izhi.config.grammar import plain
from izhi.config.keys import Value
from izhi.config.repository import loader_over
from izhi.config.sweep import Sweep
from izhi.errors import ConfigError, StudyError, did_you_mean
from izhi.study import compare, execute, overview, resume
from izhi.study import folder as folders
from izhi.study.compare import Comparison
from izhi.sweep.doubts import repeats

_HERE: dict[str, Value] = {
    "run.engine": "auto", "run.n_jobs": -1, "run.backend": "loky", "run.shard_points": None,
    "run.on_failure": "continue", "run.profile": False, "run.scheduler": None,
    "run.report": "stored",
}  # fmt: skip
"""How it is run: nothing of this changes a result, and another machine has other means."""


@dataclass(frozen=True)
class Reproduction:
    """A study that was run again.

    Attributes
    ----------
    path
        The new study.
    before, now
        Digests of the results.
    comparison
        What differs; None where the digests are the same.
    """

    path: Path
    before: str
    now: str
    comparison: Comparison | None


def reproduce(
    path: Path, settings: Sequence[str] = (), parent: Path | None = None, progress: bool = True
) -> Reproduction:
    """Run a study again.

    Parameters
    ----------
    path
        The study's folder.
    settings
        ``run.*`` settings for this run, such as ``"run.n_jobs=2"``.
    parent
        Where the new study goes; by default beside the old one.
    progress
        Whether a progress bar and remarks go to stderr.

    Raises
    ------
    StudyError
        When the study was not run to its end, or cannot be read.
    ConfigError
        For a setting that is none.
    """
    told = overview.overview(path)
    if told.digest is None:
        raise StudyError(f"{path}: was not run to its end, so there is nothing to compare with")
    logged = resume.grids_of_log(told.folder)
    where = path.resolve().parent if parent is None else parent.absolute()
    name = _free(where, f"{folders.plain(path.resolve().name)}-again")
    changed = {
        **_HERE,
        **dict(map(_setting, settings)),
        "study.name": name,
        "study.dir": str(where),
    }
    for doubt in repeats.find(settings) if progress else ():
        print(f"warning: {doubt}", file=sys.stderr, flush=True)
    sweep = _with(logged[-1].sweep if logged else told.sweep, changed)
    command = ["izhi", "reproduce", str(path), *settings]
    try:
        execute.execute(sweep, progress=progress, command=command)
    except KeyboardInterrupt:
        raise KeyboardInterrupt("the same command goes on") from None
    new = overview.overview(where / name)
    now = str(new.digest)
    differs = None if now == told.digest else compare.compare(path, where / name)
    return Reproduction(where / name, told.digest, now, differs)


def _free(where: Path, name: str) -> str:
    """Return the name of a new study, or of a reproduction that did not come to its end."""
    number, found = 1, name
    while (where / found).exists():
        try:
            if overview.overview(where / found).state not in ("done", "running"):
                break
        except StudyError:  # something else
            pass
        number += 1
        found = f"{name}-{number}"
    return found


def _with(sweep: Sweep, changed: dict[str, Value]) -> Sweep:
    bases = tuple(replace(base, values={**base.values, **changed}) for base in sweep.bases)
    return replace(sweep, bases=bases)


def _setting(text: str) -> tuple[str, Value]:
    key, equals, _ = text.partition("=")
    if not equals or key not in _HERE:
        raise ConfigError(f"{keys.shown(text)}: expected a setting such as run.n_jobs=2"
                          f"{did_you_mean(key, _HERE)}")  # fmt: skip
    (override,) = parse(loader_over(None), [text])
    if override.is_sweep_override():
        raise ConfigError(f"{keys.shown(text)}: several values; a study is run again with one")
    return key, keys.check_value(key, plain(override.value()))
