"""Computing the statistics of a study anew, from its stored spikes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from izhi.config import keys
from izhi.config.compose import compose
from izhi.config.keys import Value
from izhi.config.sweep import Sweep
from izhi.errors import ConfigError, StudyError, did_you_mean
from izhi.study import execute, overview
from izhi.study.description import STATISTICS
from izhi.study.execute import Report


def summarise(
    path: Path,
    overrides: Sequence[str],
    *,
    config_dir: Path | str | None = None,
    progress: bool = True,
) -> Report:
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
    progress
        Whether a progress bar and remarks go to stderr.

    Raises
    ------
    ConfigError
        When an override is of something else, or wrong.
    StudyError
        When the study cannot be read, has no spikes, or is being written.
    """
    told = overview.overview(path)
    if not told.sweep.setting("record.spikes"):
        raise StudyError(
            f"{path}: its spikes were not kept (record.spikes=false), so that other statistics "
            "cannot be computed from them"
        )
    sweep = _with(told.sweep, _settings(told.sweep, overrides, config_dir))
    command = ["izhi", "summarise", str(path), *overrides]
    return execute.execute(sweep, progress=progress, command=command, study=told.folder)


def _settings(
    sweep: Sweep, overrides: Sequence[str], config_dir: Path | str | None
) -> dict[str, Value]:
    """Return the settings that overrides ask for, by their keys."""
    names = []
    for override in overrides:
        name, equals, _ = override.lstrip("+").partition("=")
        if not equals or (name != "statistics" and not name.startswith(STATISTICS)):
            known = ["statistics", *(k for k in keys.known_keys() if k.startswith(STATISTICS))]
            raise ConfigError(
                f"{keys.shown(override)}: expected statistics=... or one of its keys"
                f"{did_you_mean(name, known, ['statistics=log_isi'])}"
            )
        names.append(name)
    # with multirun, several values are refused as what cannot be swept
    composed = compose(overrides, multirun=True, config_dir=config_dir)
    every = {key: value for key, value in composed.bases[composed.used[0]].values.items()
             if key.startswith(STATISTICS)}  # fmt: skip
    chosen = every if "statistics" in names else {key: every[key] for key in names}
    held = sweep.bases[sweep.used[0]].values
    return {key: value for key, value in chosen.items() if value != held.get(key)}


def _with(sweep: Sweep, changed: dict[str, Value]) -> Sweep:
    bases = tuple(
        replace(base, values={**base.values, **changed}) if base.values else base
        for base in sweep.bases
    )
    return replace(sweep, bases=bases)
