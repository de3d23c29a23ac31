"""Gathers a study's shards again, for its memory: ``python -m benchmarks.gathering NAME``."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

import izhi
from izhi.study import gather, shardfile
from izhi.study.folder import StudyFolder
from izhi.study.profile import Profile
from izhi.study.statistics import Columns
from izhi.study.window import Source


def main() -> None:
    """Gather ``studies/NAME`` in one process."""
    folder = StudyFolder(Path("studies") / sys.argv[1])
    planned = next(e for e in izhi.open_study(folder.path).log if e["event"] == "planned")
    plan = izhi.plan(planned["overrides"])
    sources = [Source.read(path, shardfile.read_points(path)[1], Columns.of(plan))
               for path in sorted(folder.shards.glob("*.nc"))]  # fmt: skip
    gather.gather(plan, folder, sources, np.empty(0, np.int64), {}, 1, Profile())


if __name__ == "__main__":
    main()
