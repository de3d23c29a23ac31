"""Gathers a study's shards again, for its memory: ``python -m benchmarks.gathering NAME``."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

import izhi
from izhi.study import gather, shardfile
from izhi.study.folder import StudyFolder
from izhi.study.profile import Profile
from izhi.study.window import Source


def main() -> None:
    """Gather ``studies/NAME`` in one process."""
    folder = StudyFolder(Path("studies") / sys.argv[1])
    planned = izhi.open_study(folder.path).log[0]
    plan, known = izhi.plan(planned["overrides"]), planned["fingerprint"]
    shards = {p: shardfile.read_points(p, known) for p in sorted(folder.shards.glob("*.nc"))}
    sources = [Source.read(path, points, plan.cells) for path, points in shards.items()
               if points is not None]  # fmt: skip
    gather.gather(plan, folder, sources, np.empty(0, np.int64), {}, 1, Profile())


if __name__ == "__main__":
    main()
