"""Computing the statistics of a study anew, from its stored spikes."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from izhi.config import keys
from izhi.config.bare_numbers import is_bare
from izhi.config.compose import compose
from izhi.config.keys import Value
from izhi.config.sweep import Sweep
from izhi.errors import ConfigError, StudyError, did_you_mean
from izhi.study import description, execute, overview, statistics
from izhi.study.description import STATISTICS
from izhi.study.execute import Report
from izhi.sweep.doubts import repeats
from izhi.units import Quantity

MEASURES = f"{STATISTICS}measures"
"""The key of the statistics that a study has."""

_FEW = 6
"""Names that are listed in a line."""


@dataclass(frozen=True)
class Summarised:
    """What summarising did.

    Attributes
    ----------
    report
        What was run.
    lines
        Which statistics are kept, new or taken out, and which settings are others, in words.
    """

    report: Report
    lines: tuple[str, ...]


def summarise(
    path: Path,
    overrides: Sequence[str],
    *,
    config_dir: Path | str | None = None,
    only: bool = False,
    progress: bool = True,
) -> Summarised:
    """Compute the statistics of a study anew; nothing is simulated.

    Parameters
    ----------
    path
        The study's folder.
    overrides
        In Hydra's grammar: ``"statistics=log_isi"`` for all settings of a file,
        ``"statistics.max_interval='5 ms'"`` for one setting, the others staying as they are.
    config_dir
        A folder with more configs.
    only
        Whether statistics that the study has and the overrides do not ask for are taken out of it;
        they are kept otherwise.
    progress
        Whether a progress bar and remarks go to stderr.

    Raises
    ------
    ConfigError
        When an override is of something else, or wrong.
    StudyError
        When the study cannot be read, has no spikes, is being written, or a shard is damaged.
    """
    told = overview.overview(path)
    if not told.sweep.setting("record.spikes"):
        raise StudyError(
            f"{path}: its spikes were not kept (record.spikes=false), so that other statistics "
            "cannot be computed from them"
        )
    asked = _settings(told.sweep, overrides, config_dir)
    for doubt in repeats.find(overrides) if progress else ():
        print(f"warning: {doubt}", file=sys.stderr, flush=True)
    held = told.sweep.bases[told.sweep.used[0]].values
    kept = () if only else _kept(held, asked)
    if kept:
        before, now = _names(held[MEASURES]), _names(asked[MEASURES])
        if set(now) <= set(before):
            asked[MEASURES] = held[MEASURES]
        else:
            every = [name for name in _names("all") if name in before or name in now]
            asked[MEASURES] = "all" if every == _names("all") else list(every)
    changed = {key: value for key, value in asked.items() if value != held.get(key)}
    lines = [*_in_words(held, changed, kept)]
    command = ["izhi", "summarise", str(path), *overrides, *(["--only"] if only else [])]
    report = execute.execute(
        _with(told.sweep, changed), progress=progress, command=command, study=told.folder
    )
    return Summarised(report, tuple(lines))


def _names(measures: Value) -> list[str]:
    """Return the names of statistics that a setting asks for."""
    return list(statistics.measures(measures))


def _kept(held: Mapping[str, Value], asked: Mapping[str, Value]) -> tuple[str, ...]:
    """Return the statistics that a study has and that are not among those asked for."""
    if MEASURES not in asked:
        return ()
    names = _names(asked[MEASURES])
    return tuple(name for name in _names(held[MEASURES]) if name not in names)


def _in_words(
    held: Mapping[str, Value], changed: Mapping[str, Value], kept: Sequence[str]
) -> Iterator[str]:
    """Say what a summary changes, and what it leaves."""
    if kept:
        yield f"kept: {_few(kept)}, which the study has; --only takes out what is not asked for"
    before, now = (
        _names(values[MEASURES]) if MEASURES in values else [] for values in (held, changed)
    )
    if MEASURES in changed:
        for what, names in (
            ("new", [name for name in now if name not in before]),
            ("taken out", [name for name in before if name not in now]),
        ):
            if names:
                yield f"{what}: {_few(names)}"
    for key, value in changed.items():
        if key != MEASURES:
            yield (f"changed: {key}: {_shown(held.get(key))} before, {_shown(value)} now; what "
                   "depends on it is computed anew")  # fmt: skip


def _few(names: Sequence[str]) -> str:
    if len(names) <= _FEW:
        return ", ".join(names)
    return f"{', '.join(names[:_FEW])} and {len(names) - _FEW} more statistics"


def _shown(value: Any) -> str:
    return description.written(value) if isinstance(value, Quantity) else keys.shown(value)


def _settings(
    sweep: Sweep, overrides: Sequence[str], config_dir: Path | str | None
) -> dict[str, Value]:
    """Return the settings that overrides ask for, by their keys."""
    names, with_units = [], []
    held = sweep.bases[sweep.used[0]].values
    for override in overrides:
        name, equals, value = override.lstrip("+").partition("=")
        if not equals or (name != "statistics" and not name.startswith(STATISTICS)):
            known = ["statistics", *(k for k in keys.known_keys() if k.startswith(STATISTICS))]
            raise ConfigError(
                f"{keys.shown(override)}: expected statistics=... or one of its keys"
                f"{did_you_mean(name, known, ['statistics=log_isi'])}"
            )
        if "${" in value:
            raise ConfigError(
                f"{keys.shown(override)}: refers to another key, and izhi summarise composes none "
                "but statistics; write the value"
            )
        unit = _unit(name, held.get(name))
        names.append(name)
        with_units.append(f"{name}='{value} {unit}'" if unit and is_bare(value) else override)
    # with multirun, several values are refused as what cannot be swept
    composed = compose(with_units, multirun=True, config_dir=config_dir)
    every = {key: value for key, value in composed.bases[composed.used[0]].values.items()
             if key.startswith(STATISTICS)}  # fmt: skip
    chosen = every if "statistics" in names else {key: every[key] for key in names}
    return chosen


def _unit(key: str, held: Value) -> str:
    """Return the unit of a bare number: that of what the study has; where it has a word, the key's.

    A key that is no quantity has none, "".
    """
    kind = keys.key_of(key)
    if not isinstance(kind, keys.QuantityKey) or not isinstance(held, Quantity):
        return ""
    words = ("null" if word is None else word for word in kind.words)
    return kind.unit if held.unit in words else held.unit


def _with(sweep: Sweep, changed: dict[str, Value]) -> Sweep:
    bases = tuple(
        replace(base, values={**base.values, **changed}) if base.values else base
        for base in sweep.bases
    )
    return replace(sweep, bases=bases)
