"""What is done about shards that fail: again, then in halves until the bad points are alone."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from izhi.study.worker import Outcome, Task

PROBES = 16
"""Points that are tried alone before a large shard is taken apart."""

LARGE = 32
"""Points from which on a shard is large."""


@dataclass(frozen=True)
class Attempt:
    """A shard, or a part of one, that is tried.

    Attributes
    ----------
    task
        What is run.
    failed
        How often it failed, or what it is a part of.
    apart
        Whether nothing else runs beside it: when a process ends, nobody knows which of the shards
        in the processes was at fault.
    """

    task: Task
    failed: int = 0
    apart: bool = False


def after(attempt: Attempt, outcome: Outcome) -> list[Attempt]:
    """Return what to try after an attempt failed; nothing after a point that failed alone."""
    if attempt.failed == 0:
        return [replace(attempt, failed=1)]
    if outcome.cause == "process" and not attempt.apart:
        return [replace(attempt, failed=2, apart=True)]
    rows = np.arange(attempt.task.points.size)
    if rows.size == 1:
        return []
    return [Attempt(attempt.task.part(half), 2, attempt.apart) for half in np.array_split(rows, 2)]


def probes(attempt: Attempt) -> tuple[list[Attempt], Attempt]:
    """Return some points of a large shard, each alone, and the shard without them."""
    rows = np.arange(attempt.task.points.size)
    chosen = np.sort(np.random.default_rng(0).choice(rows, PROBES, replace=False))
    alone = [replace(attempt, task=attempt.task.part(np.array([row]))) for row in chosen]
    return alone, replace(attempt, task=attempt.task.part(np.setdiff1d(rows, chosen)))
