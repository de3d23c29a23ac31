"""Computing the statistics of stored shards anew, by other settings than they were run with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from izhi.errors import StudyError
from izhi.study import parallel, shardfile, statistics
from izhi.study.statistics import Recipe
from izhi.study.window import Source
from izhi.sweep.plan import Plan, Shard


def restated(plan: Plan, sources: Sequence[Source], folder: Path, workers: int) -> Sequence[Source]:
    """Return shard files with the statistics that a plan asks for.

    A shard file is never changed: where its statistics are others, those asked for are computed
    from its spikes and written to a file beside.

    Parameters
    ----------
    plan
        The plan.
    sources
        The shard files.
    folder
        Where further files go; it has to last as long as the sources are read.
    workers
        Processes to use; 1 for this one.

    Raises
    ------
    StudyError
        When a shard has other statistics and no spikes.
    """
    from joblib import delayed

    wanted = statistics.digest(statistics.settings_of(plan.sweep))
    other = [number for number, source in enumerate(sources) if source.stated != wanted]
    if not other:
        return sources
    batch_of = np.empty(plan.points, np.int64)
    for shard in plan.shards:
        batch_of[shard.points] = shard.batch
    tasks = []
    for number in other:
        points = sources[number].points
        recipe = Recipe.of(plan, Shard(0, int(batch_of[points[0]]), points))
        tasks.append(
            delayed(_restate)(number, sources[number].path, recipe, folder / f"{number}.nc")
        )
    result = list(sources)
    processes = parallel.processes(
        min(workers, len(tasks)), "loky" if workers > 1 else "sequential"
    )
    with parallel.results(processes, tasks) as done:
        for number, path in done:
            result[number] = replace(sources[number], statistics=path, stated=wanted)
    return result


def recomputed(plan: Plan, sources: Sequence[Source], version: int) -> int:
    """Return the number of points whose statistics :func:`restated` computes in a version."""
    wanted = statistics.digest(statistics.settings_of(plan.sweep), version)
    return sum(source.points.size for source in sources if source.stated != wanted)


def as_gathered(
    plan: Plan, sources: Sequence[Source], version: int, folder: Path, workers: int
) -> Sequence[Source]:
    """Return shard files with the statistics that a dataset was gathered with.

    Those of an earlier version of izhi are taken as they are stored: what has changed since would
    have other values now.

    Parameters
    ----------
    version
        The version of the statistics, as the log has it.
    plan, sources, folder, workers
        See :func:`restated`.
    """
    stated = statistics.digest(statistics.settings_of(plan.sweep), version)
    if version != statistics.VERSION and all(source.stated == stated for source in sources):
        return sources
    return restated(plan, sources, folder, workers)


def _restate(number: int, path: Path, recipe: Recipe, target: Path) -> tuple[int, Path]:
    data = shardfile.read(path)
    if data.step is None:
        raise StudyError(
            f"{path}: holds other statistics than are asked for, and no spikes to compute them from"
        )
    found = statistics.compute(recipe, data.step, data.count)
    stated = statistics.digest(recipe.settings)
    other = replace(data, statistics=found, stated=stated, step=None, traces={}, interval=None)
    shardfile.write(target, other, shardfile.read_points(path)[0])
    return number, target
