"""Hydra's multirun with its joblib launcher: ``python -m benchmarks.peers.hydra_joblib``.

Every point is a job of :mod:`benchmarks.peers.hydra_app`, a Brian2 network of its own. The whole
command is timed, and reading the spikes that the jobs left in their folders. A run of one point
before that fills Brian2's caches.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from benchmarks.peers import Result, arguments, needs, report

ROOT = Path(__file__).resolve().parents[2]


def command(folder: Path, points: int, target: str, *overrides: str) -> None:
    """Run the application in a folder."""
    subprocess.run(
        [sys.executable, "-m", "benchmarks.peers.hydra_app", *overrides, f"points={points}",
         f"target={target}"],
        cwd=folder, env={**os.environ, "PYTHONPATH": str(ROOT)}, check=True, capture_output=True,
    )  # fmt: skip


def main() -> None:
    """Time a multirun."""
    parser = arguments(__doc__, 16)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--target", choices=("numpy", "cython"), default="cython")
    given = parser.parse_args()
    needs(hydra="hydra-core", brian2="brian2")
    needs(**{"hydra_plugins.hydra_joblib_launcher": "hydra-joblib-launcher"})
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        start = time.perf_counter()
        command(folder, given.points, given.target)
        ready = time.perf_counter()
        command(
            folder, given.points, given.target, "-m", f"point=range(0,{given.points})",
            "hydra/launcher=joblib", f"hydra.launcher.n_jobs={given.jobs}",
            "hydra.launcher.batch_size=auto", "hydra.sweep.dir=sweep",
        )  # fmt: skip
        files = sorted((folder / "sweep").glob("*/spikes.npz"))
        assert len(files) == given.points
        spikes = [dict(np.load(file)) for file in files]
        seconds = time.perf_counter() - ready
    count = sum(train.size for trains in spikes for train in trains.values())
    how = (
        f"hydra -m with the joblib launcher, {given.jobs} jobs, Brian2's {given.target} target, "
        "warm cache, the whole command"
    )
    result = Result(given.points, ready - start, seconds, count, how)
    report(result, "hydra-core", "hydra-joblib-launcher", "joblib", "brian2")


if __name__ == "__main__":
    main()
