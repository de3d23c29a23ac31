"""What Python programs and notebooks call: the same grammar as the command line."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from izhi import floats
from izhi.config.compose import compose
from izhi.errors import EngineError
from izhi.report.page import make
from izhi.study import check as checking
from izhi.study import execute, parallel
from izhi.study.check import Check
from izhi.study.study import Study
from izhi.sweep.plan import Plan

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure


def _with(overrides: Sequence[str] | str, **settings: object) -> list[str]:
    listed = [overrides] if isinstance(overrides, str) else list(overrides)
    for key, value in settings.items():
        if value is not None:
            text = str(value).replace("\\", "\\\\").replace("'", "\\'")
            quoted = text if isinstance(value, int) else f"'{text}'"
            listed.append(f"{key.replace('__', '.')}={quoted}")
    return listed


@floats.usual()
def plan(overrides: Sequence[str] | str = (), *, config_dir: Path | str | None = None) -> Plan:
    """Return what would run, after checking all of it; nothing is built or written.

    Parameters
    ----------
    overrides
        Overrides in Hydra's grammar; several values of a key sweep it.
    config_dir
        A folder with more configs.

    Raises
    ------
    ConfigError
        For anything that cannot be run.
    EngineError
        When machines of a Dask cluster lack izhi.
    """
    return execute.make_plan(compose(_with(overrides), config_dir=config_dir))


@floats.usual()
def check(overrides: Sequence[str] | str = (), *, config_dir: Path | str | None = None) -> Check:
    """Return what is wrong with a sweep, and what is probably not meant; nothing runs.

    Parameters
    ----------
    overrides
        Overrides in Hydra's grammar; several values of a key sweep it.
    config_dir
        A folder with more configs.

    Raises
    ------
    ConfigError
        For overrides, files or single values that are wrong; errors of models are in the result.
    """
    return checking.check(compose(_with(overrides), config_dir=config_dir))


@floats.usual()
def converge(
    overrides: Sequence[str] | str = (),
    *,
    points: int = 8,
    halvings: int = 4,
    seconds: float = 120.0,
    config_dir: Path | str | None = None,
    progress: bool = True,
) -> pd.DataFrame:
    """Hold a few points of a sweep, run in smaller and smaller steps, against exact spike times.

    Parameters
    ----------
    overrides
        Overrides in Hydra's grammar; several values of a key sweep it.
    points
        How many points of the sweep, at most.
    halvings
        How often the time step is halved.
    seconds
        Time that exact spike times may take.
    config_dir
        A folder with more configs.
    progress
        Whether remarks go to stderr.

    Returns
    -------
    DataFrame
        One row for each method, point, cell and time step; see
        :func:`izhi.accuracy.converge.converge`.

    Raises
    ------
    ConfigError
        For what cannot be run, or has no exact spike times.
    """
    from izhi.accuracy import converge as converging

    options = converging.Options(points, halvings, seconds=seconds)
    remark = partial(print, file=sys.stderr) if progress else lambda text: None
    return converging.converge(compose(_with(overrides), config_dir=config_dir), options, remark)


@floats.usual()
def run(
    overrides: Sequence[str] | str = (),
    *,
    name: str | None = None,
    n_jobs: int | None = None,
    dir: Path | str | None = None,
    config_dir: Path | str | None = None,
    progress: bool = True,
) -> Study:
    """Run a sweep and return its study.

    Parameters
    ----------
    overrides
        Overrides in Hydra's grammar; several values of a key sweep it.
    name
        ``study.name``; by default the experiment's name and the time.
    n_jobs
        ``run.n_jobs``; by default one worker for each core.
    dir
        ``study.dir``; by default ``studies``.
    config_dir
        A folder with more configs.
    progress
        Whether a progress bar (on a terminal) and remarks go to stderr.

    Raises
    ------
    ConfigError
        For anything that cannot be run, before anything is built or written.
    EngineError
        When no point could be simulated; when machines of a Dask cluster lack izhi.
    """
    settings = {"study__name": name, "run__n_jobs": n_jobs,
                "study__dir": None if dir is None else str(dir)}  # fmt: skip
    sweep = compose(
        _with(overrides, **settings), config_dir=config_dir, meanwhile=parallel.starting
    )
    report = execute.execute(sweep, progress=progress)
    make.at_end(report.study.folder, sweep)
    if report.failed == report.points:
        raise EngineError(f"all {report.points} points failed; the first one: {report.first_error}")
    return report.study


@floats.usual()
def write_report(
    study: Study | Path | str, target: Path | str | None = None, *, sample: int | None = None
) -> Path:
    """Write a page that shows a study: one HTML file that opens without a network.

    Parameters
    ----------
    study
        A study, or its folder.
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
    return make.report(study.path if isinstance(study, Study) else study, target, sample)


def open_study(path: Path | str) -> Study:
    """Open a study's folder.

    Raises
    ------
    StudyError
        When there is no study in it.
    """
    return Study(path)


@floats.usual()
def plot(
    what: Study | Path | str | Sequence[str] = (),
    kind: str = "trace",
    *,
    config_dir: Path | str | None = None,
    **options: Any,
) -> Figure:
    """Draw a figure of a study, or of what is run for it.

    Parameters
    ----------
    what
        A study, or its folder; or overrides in Hydra's grammar, of which what the figure needs is
        run and nothing kept.
    kind
        ``"trace"``, ``"raster"``, ``"heatmap"``, ``"fi"``, ``"phase"`` or ``"gallery"``.
    config_dir
        A folder with more configs.
    **options
        Those of the function of that name in :mod:`izhi.report.figures`: ``cell``, ``of``, ``x``,
        ``y``, ``input``, ``width``, and labels by axis.

    Returns
    -------
    matplotlib.figure.Figure
        The figure; `izhi.report.figures.save` writes it to a file.

    Raises
    ------
    ConfigError
        For a kind or an option that there is not, what cannot be run, and without matplotlib.
    StudyError
        When a cell, an axis or a label does not exist, or an axis is left over.

    Examples
    --------
    >>> izhi.plot("neuron=chattering")                                       # doctest: +SKIP
    >>> izhi.plot("studies/demo", "heatmap", of="regime", U_0=0.5)           # doctest: +SKIP
    """
    from izhi.report import plot as plotting

    return plotting.draw(plotting.meant(what, config_dir), kind, options)
