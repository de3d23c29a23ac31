"""The page of a study: by command, and at the end of a run."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from izhi import netcdf
from izhi.config.sweep import Sweep
from izhi.errors import StorageError, StudyError
from izhi.report.page import grid, payload
from izhi.report.page.write import write
from izhi.study import log, overview
from izhi.study.folder import UNREADABLE, StudyFolder, size
from izhi.study.study import Study

if TYPE_CHECKING:
    from izhi.report.samples import Samples

NAME = "report.html"
"""What the page of a study is called in its folder."""

STORED = "stored"
"""What ``run.report`` is in studies that do not have it yet."""


def report(path: Path | str, target: Path | str | None = None, sample: int | None = None) -> Path:
    """Write a page that shows a study: one HTML file that opens without a network.

    Parameters
    ----------
    path
        The study's folder.
    target
        The file to write; by default ``report.html`` in the study's folder.
    sample
        Over how many points at most those are spread that are simulated once more into the page,
        for their traces; 0 for none, by default as many as there is room for.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    StudyError
        When there is no study, it was not gathered yet, or its dataset cannot be read.
    StorageError
        When the file cannot be written.
    """
    with closing(Study(path)) as study:
        sweep = overview.asked(study)  # and the dataset is the one that the log tells of
    folder = StudyFolder(Path(path))
    page = folder.path / NAME if target is None else Path(target)
    _check_target(page)
    _write(folder, sweep, page, sample)
    return page


def _check_target(page: Path) -> None:
    if page.suffix.lower() not in (".html", ".htm"):
        raise StudyError(f"{page}: expected a name that ends in .html")
    if page.exists() and not page.is_file():
        raise StudyError(f"{page}: is no file that a page could take the place of")
    if not page.parent.is_dir():
        raise StudyError(f"{page}: no folder {page.parent} to write it to")


def at_end(folder: StudyFolder, sweep: Sweep) -> Path | None:
    """Write the page of a study that was just run, as ``run.report`` has it.

    What keeps the page from being written is said in one line on stderr: the study is done.

    Parameters
    ----------
    folder
        The study's folder.
    sweep
        What was run.

    Returns
    -------
    Path or None
        The file; None where there is none.
    """
    wanted = sweep.bases[sweep.used[0]].values.get("run.report", STORED)
    if wanted == "none":
        return None
    page = folder.path / NAME
    problem = _tried(folder, sweep, page, 0 if wanted == STORED else None)
    if not problem:
        return page
    written = wanted != STORED and not _tried(folder, sweep, page, 0)
    said = f"no traces in {page}" if written else f"no report of {folder.path}"
    print(f"warning: {said}: {problem}", file=sys.stderr)
    return page if written else None


def _tried(folder: StudyFolder, sweep: Sweep, page: Path, sample: int | None) -> str:
    """Write a page; return in a line what kept it from being written, "" for nothing."""
    try:
        _write(folder, sweep, page, sample)
    except Exception as error:  # whatever it is, the results are there
        return " ".join(str(error).split()) or type(error).__name__
    return ""


def _write(folder: StudyFolder, sweep: Sweep, page: Path, sample: int | None) -> None:
    try:
        data = _collect(folder, sweep, sample)
        packed = payload.pack(data)
    except UNREADABLE as error:
        said = " ".join(str(error).split())[:200]
        raise StudyError(f"{folder.path}: cannot be reported: {said}") from error
    try:
        write(page, data["title"], packed)
    except OSError as error:
        free = size(shutil.disk_usage(page.parent).free)
        said = error.strerror or str(error)
        raise StorageError(f"{page}: cannot be written ({free} free): {said}") from error


def _collect(folder: StudyFolder, sweep: Sweep, sample: int | None) -> dict[str, Any]:
    events = log.read(folder.log) if folder.log.is_file() else []
    traced = sample != 0 or sweep.setting("record.traces") is not None
    found = _samples(folder, sweep, sample) if traced else None
    with _opened(folder) as file:
        return payload.collect(file, folder, sweep, events, found)


def _samples(folder: StudyFolder, sweep: Sweep, sample: int | None) -> Samples | None:
    """Return traces of points that stand for places."""
    from izhi.report.samples import samples

    with _opened(folder) as file:
        among = [np.sort(block.middle) for block in grid.plan(file, sweep).blocks]
    with closing(Study(folder.path)) as study:
        return samples(study, sample or None, sample != 0, among)


@contextmanager
def _opened(folder: StudyFolder) -> Iterator[Any]:
    with netcdf.open(folder.dataset) as file:
        file.set_auto_maskandscale(False)
        yield file
