"""What a time step of each integration method costs: ``python -m benchmarks.methods``.

All methods run the same sweep on the compiled engine, on one core, in turns; the fastest of some
rounds counts. Printed is a table: nanoseconds for a cell's time step, and how many times Euler's.
"""

from __future__ import annotations

import argparse
import os
import time

import izhi
from benchmarks.points import NEURON_STEPS, overrides
from izhi.engine import cache, compiled
from izhi.sweep import plan as plans

METHODS = ("euler", "semi_implicit", "rk2", "rk4", "located_rk2", "located_rk4")


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--points", type=int, default=2016)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--circuit", default="two_to_one")
    given = parser.parse_args()
    found = costs(given.points, given.rounds, f"circuit={given.circuit}")
    print(f"{'method':<14} {'ns per step':>11} {'x euler':>8} {'spikes':>9}")
    for method, (seconds, cells, spikes) in found.items():
        each = 1e9 * seconds / (given.points * NEURON_STEPS * cells / 3)
        print(f"{method:<14} {each:>11.2f} {seconds / found['euler'][0]:>8.2f} {spikes:>9,}")


def costs(points: int, rounds: int, circuit: str) -> dict[str, tuple[float, int, int]]:
    """Return seconds, cells of a point and spikes by method."""
    runs, best = {}, dict[str, tuple[float, int, int]]()
    for method in METHODS:
        given = [*overrides(points), circuit, f"simulation.method={method}",
                 "run.engine=compiled", "run.n_jobs=1", f"run.shard_points={points}"]  # fmt: skip
        plan = izhi.plan(given)
        structure = plan.batches[0].structure
        parameters = plans.parameters(plan, plan.shards[0])
        runs[method] = (cache.make(structure), structure, parameters, points)
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    for _ in range(rounds):
        for method, run in runs.items():
            start = time.perf_counter()
            raw = compiled.simulate(*run)
            seconds = time.perf_counter() - start
            now = (seconds, len(run[1].circuit.cells), raw.step.size)
            best[method] = min(now, best.get(method, now))
    return best


if __name__ == "__main__":
    main()
