"""From shard files to one labelled dataset and one summary table, without holding either."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from izhi.study import dataset, table, window
from izhi.study.folder import PARTS, StudyFolder, write_atomic
from izhi.study.profile import Profile
from izhi.study.window import Source, Window
from izhi.sweep.plan import Plan


def gather(
    plan: Plan,
    folder: StudyFolder,
    shards: Mapping[Path, NDArray[np.int64]],
    failed: NDArray[np.int64],
    attributes: Mapping[str, str],
    workers: int,
    profile: Profile,
    progress: bool = False,
) -> int:
    """Put shard files together, by the labels of their points and cells.

    The table is written by the workers while this process writes the dataset.

    Parameters
    ----------
    plan
        The plan.
    folder
        Where ``dataset.nc`` and ``summary.csv`` go.
    shards
        The points of each shard file.
    failed
        Numbers of points that failed.
    attributes
        Global attributes of the dataset.
    workers
        Processes to use for the table; 1 for this one.
    profile
        Where to note how long dataset and table took.
    progress
        Whether to draw a progress bar on stderr, if that is a terminal.

    Returns
    -------
    int
        Rows of the table.
    """
    from joblib import Parallel, delayed
    from tqdm import tqdm

    sources = [Source.of(path, points, plan.cells) for path, points in shards.items()]
    windows = window.windows(plan.sweep.shape, sources, failed)
    layout = table.layout(plan.sweep.axes, plan.cells)
    parallel = Parallel(
        n_jobs=min(workers, len(windows)), return_as="generator",
        backend="sequential" if workers == 1 else str(plan.sweep.setting("run.backend")),
        batch_size=4, pre_dispatch=max(1, workers - 1),  # one core is left to this process
    )  # fmt: skip
    with tempfile.TemporaryDirectory(
        prefix=PARTS, dir=folder.path, ignore_cleanup_errors=True
    ) as parts:
        texts = parallel(
            delayed(table.write_part)(layout, part, Path(parts) / f"{number}")
            for number, part in enumerate(windows)
        )
        with tqdm(
            total=plan.points, unit=" points", desc="gathering", disable=None if progress else True
        ) as bar:
            write_atomic(
                folder.dataset,
                lambda path: _write(path, plan, sources, windows, attributes, bar.update),
            )
        profile.mark("dataset")
        rows: list[int] = []
        write_atomic(folder.summary, lambda path: _join(path, layout.header, texts, rows))
    profile.mark("table")
    return sum(rows)


def _write(
    path: Path,
    plan: Plan,
    sources: list[Source],
    windows: list[Window],
    attributes: Mapping[str, str],
    done: Callable[[int], object],
) -> None:
    dataset.write(path, plan, sources, windows, attributes, done)
    interval = {b.structure.digest for b in plan.batches if b.structure.trace_interval is not None}
    traced = [s.path for s in sources if s.path.name.split("-")[0] in interval]
    if traced:
        from izhi.study.traces import traces

        traces(plan, traced).to_netcdf(path, mode="a", group="traces", engine="netcdf4")


def _join(path: Path, header: str, parts: Iterable[tuple[Path, int]], rows: list[int]) -> None:
    with open(path, "wb") as file:
        file.write(header.encode())
        for part, n in parts:
            rows.append(n)
            with open(part, "rb") as text:
                shutil.copyfileobj(text, file, 1 << 20)
            part.unlink()
