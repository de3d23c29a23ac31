"""Studies in formats that others read: a research object, tables, one netCDF or NWB file."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np

from izhi.errors import ConfigError, StorageError, StudyError, did_you_mean
from izhi.study.folder import sha256, size, unreadable
from izhi.study.overview import check_gathered
from izhi.study.resume import logged_files
from izhi.study.shardfile import FAILED, NOT_RUN
from izhi.study.study import Study

FORMATS = {
    "crate": "-crate", "csv": "-csv", "netcdf": ".nc", "nwb": ".nwb", "parquet": "-parquet"
}  # fmt: skip
"""The formats, each with what the study's name is followed by where no target is given."""


def export(study: Study, to: str, target: Path | str | None = None) -> Path:
    """Write a study in another format: whole, or not at all.

    Parameters
    ----------
    study
        The study.
    to
        ``crate`` (a Workflow Run RO-Crate), ``csv`` (a folder of tables), ``netcdf`` (one file),
        ``nwb`` (Neurodata Without Borders, one file) or ``parquet`` (a folder of tables).
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
        When the target exists already, or no point of the study has results, or its files are not
        those that its log tells of, or an NWB file is asked for and it kept no spikes.
    StorageError
        When the target cannot be written.
    IzhiError
        When the library that writes the format is not installed: rocrate, pynwb, pyarrow.
    """
    if to not in FORMATS:
        raise ConfigError(f"to = {to}: no such format{did_you_mean(to, FORMATS)}")
    path = Path(target) if target is not None else _beside(study, FORMATS[to])
    if os.path.lexists(path):
        raise StudyError(f"{path}: exists already; remove it or name another target")
    if not path.parent.is_dir():
        raise StudyError(f"{path}: no folder {path.parent} to write it to")
    _check_results(study)
    check_gathered(study)
    _check_files(study)
    try:
        _writer(to)(study, path)
    except OSError as error:
        free = size(shutil.disk_usage(path.parent).free)
        said = error.strerror or error
        raise StorageError(f"{path}: cannot be written ({free} free): {said}") from error
    return path


def _beside(study: Study, ending: str) -> Path:
    folder = Path(os.path.abspath(study.path))
    return folder.with_name(folder.name + ending)


def _check_results(study: Study) -> None:
    if np.isin(study.dataset["status"].values, (NOT_RUN, FAILED)).all():
        raise StudyError(f"{study.path}: nothing to export; none of its points has results")


def _check_files(study: Study) -> None:
    logged = logged_files(study.folder, study.log)
    for file in (study.folder.dataset, study.folder.summary):
        if file in logged and sha256(file) != logged[file]:
            why = unreadable(file) or "not the file that the study's log tells of"
            raise StudyError(f"{file}: {why}")


def _writer(to: str) -> Callable[[Study, Path], None]:
    # imported late: each needs libraries that the others do not
    if to == "crate":
        from izhi.export.crate import write
    elif to == "csv":
        from izhi.export.tables import write
    elif to == "nwb":
        from izhi.export.nwb import write
    elif to == "parquet":
        from izhi.export.parquet import write
    else:
        from izhi.export.netcdf import write
    return write
