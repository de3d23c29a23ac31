"""Studies in formats that others read: a research object, tables as text, one netCDF file."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np

from izhi.errors import ConfigError, StudyError, did_you_mean
from izhi.study.shardfile import FAILED, NOT_RUN
from izhi.study.study import Study

FORMATS = {"crate": "-crate", "csv": "-csv", "netcdf": ".nc"}
"""The formats, each with what the study's name is followed by where no target is given."""


def export(study: Study, to: str, target: Path | str | None = None) -> Path:
    """Write a study in another format: whole, or not at all.

    Parameters
    ----------
    study
        The study.
    to
        ``crate`` (a Workflow Run RO-Crate), ``csv`` (a folder of tables) or ``netcdf`` (one file).
    target
        The folder or file to write; a crate becomes a zip file where its name ends in ``.zip``.
        By default beside the study, and named after it.

    Returns
    -------
    Path
        What was written.

    Raises
    ------
    ConfigError
        When there is no such format.
    StudyError
        When the target exists already or cannot be written, or no point of the study has results.
    IzhiError
        When a crate is asked for and rocrate is not installed.
    """
    if to not in FORMATS:
        raise ConfigError(f"to = {to}: no such format{did_you_mean(to, FORMATS)}")
    path = Path(target) if target is not None else _beside(study, FORMATS[to])
    if os.path.lexists(path):
        raise StudyError(f"{path}: exists already; remove it or name another target")
    if not path.parent.is_dir():
        raise StudyError(f"{path}: no folder {path.parent} to write it to")
    try:
        _check_results(study)
        _writer(to)(study, path)
    except OSError as error:
        raise StudyError(f"{error.filename or path}: {error.strerror or error}") from error
    return path


def _beside(study: Study, ending: str) -> Path:
    folder = Path(os.path.abspath(study.path))
    return folder.with_name(folder.name + ending)


def _check_results(study: Study) -> None:
    if np.isin(study.dataset["status"].values, (NOT_RUN, FAILED)).all():
        raise StudyError(f"{study.path}: nothing to export; none of its points has results")


def _writer(to: str) -> Callable[[Study, Path], None]:
    # imported late: each needs libraries that the others do not
    if to == "crate":
        from izhi.export.crate import write
    elif to == "csv":
        from izhi.export.tables import write
    else:
        from izhi.export.netcdf import write
    return write
