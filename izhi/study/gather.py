"""From shard files to one labelled dataset and one summary table, without holding either."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from izhi.study import dataset, table, window
from izhi.study.digest import Digest
from izhi.study.folder import StudyFolder, Written, parts_of_table, write_atomic
from izhi.study.parallel import processes, results
from izhi.study.profile import Profile
from izhi.study.restate import restated
from izhi.study.statistics import Columns
from izhi.study.window import Source, Window
from izhi.sweep.plan import Plan


@dataclass(frozen=True)
class Gathered:
    """What was put together.

    Attributes
    ----------
    rows
        Rows of the table.
    diverged
        Number of points whose state diverged.
    digest
        Digest of the results.
    files
        The files by name, as they were written.
    """

    rows: int
    diverged: int
    digest: str
    files: dict[str, Written]


def gather(
    plan: Plan,
    folder: StudyFolder,
    sources: Sequence[Source],
    failed: NDArray[np.int64],
    attributes: Mapping[str, str],
    workers: int,
    profile: Profile,
    progress: bool = False,
) -> Gathered:
    """Put shard files together, by the labels of their points and cells.

    One worker writes the dataset while the others write the table, and then joins them.

    Parameters
    ----------
    plan
        The plan.
    folder
        Where ``dataset.nc`` and ``summary.csv`` go.
    sources
        The shard files.
    failed
        Numbers of points that failed.
    attributes
        Global attributes of the dataset.
    workers
        Processes to use; 1 for this one.
    profile
        Where to note how long it took.
    progress
        Whether to draw a progress bar on stderr, if that is a terminal.
    """
    from joblib import delayed
    from tqdm import tqdm

    layout = table.layout(plan.sweep.axes, Columns.of(plan))
    backend = "sequential" if workers == 1 else "loky"
    with (
        parts_of_table(folder) as parts,
        tqdm(
            total=plan.points, unit=" points", desc="gathering", disable=None if progress else True
        ) as bar,
    ):
        sources = restated(plan, sources, parts, workers)
        windows = window.windows(plan.sweep.shape, sources, failed)
        parallel = processes(min(workers, len(windows)), backend, batch_size=1)
        tasks = [delayed(_write)(folder.dataset.absolute(), plan, sources, windows, attributes)]
        tasks += [
            delayed(table.write_part)(layout, part, parts, number)
            for number, part in enumerate(windows)
        ]

        def join(path: Path) -> None:
            with results(parallel, tasks) as done:
                datasets.extend(_join(path, layout.header, parts, done, told))

        def told(number: int, rows: int) -> None:
            counts.append(rows)
            bar.update(windows[number].stop - windows[number].first)

        counts: list[int] = []
        datasets: list[_Dataset] = []
        summary = write_atomic(folder.summary, join)
    profile.mark("gathering")
    (found,) = datasets
    files = {folder.dataset.name: found.written, folder.summary.name: summary}
    return Gathered(sum(counts), found.diverged, found.digest, files)


@dataclass(frozen=True)
class _Dataset:
    """The dataset as it was written."""

    written: Written
    digest: str
    diverged: int


def _write(
    path: Path,
    plan: Plan,
    sources: Sequence[Source],
    windows: Sequence[Window],
    attributes: Mapping[str, str],
) -> _Dataset:
    digest, diverged = Digest(plan.sweep.axes, Columns.of(plan)), 0

    def write(temporary: Path) -> None:
        nonlocal diverged
        diverged = dataset.write(
            temporary, plan, sources, windows, attributes, digest, write_traces
        )

    def write_traces(file: Any) -> None:
        if traced:
            from izhi.study import traces  # xarray takes long to import

            found = traces.traces(plan, traced)
            for name in ("trace", *found.data_vars):
                digest.add(f"traces/{name}", found[name].values)
            traces.write(file, found)

    traced = window.traced(plan, sources)
    written = write_atomic(path, write)
    return _Dataset(written, digest.hexdigest(), diverged)


def _join(
    path: Path,
    header: str,
    parts: Path,
    done: Iterable[tuple[int, int] | _Dataset],
    told: Callable[[int, int], None],
) -> list[_Dataset]:
    """Write the parts of the table one after the other, each as soon as those before are there.

    Returns the one thing that is no part of the table.
    """
    ready: set[int] = set()
    following = 0
    others: list[_Dataset] = []
    with open(path, "wb") as file:
        file.write(header.encode())
        for result in done:
            if isinstance(result, _Dataset):
                others.append(result)
                continue
            ready.add(result[0])
            told(*result)
            while following in ready:
                with open(parts / str(following), "rb") as text:
                    shutil.copyfileobj(text, file, 1 << 20)
                (parts / str(following)).unlink()
                following += 1
            file.flush()
            os.fsync(file.fileno())  # while others make the next: at the end all would wait
    return others
