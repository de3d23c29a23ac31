"""izhi's engine alone, on one core: ``python -m benchmarks.engine --points 10080``.

Timed is what a worker does before statistics: parameters to a file, the program, its spikes back
in memory, shard after shard. The build and imports are set-up.
"""

from __future__ import annotations

import argparse
import json
import os
import time

import izhi
from benchmarks.points import NEURON_STEPS, overrides
from izhi.engine import cache, compiled
from izhi.engine.build import flags
from izhi.sweep import plan as plans


def main() -> None:
    """Print points, seconds and spikes as a line of JSON."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--points", type=int, default=10_080)
    n = parser.parse_args().points
    begun = time.perf_counter()
    plan = izhi.plan([*overrides(n), "run.engine=compiled", "run.n_jobs=1"])
    build = cache.make(plan.batches[0].structure)
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    start, spikes = time.perf_counter(), 0
    for shard in plan.shards:
        raw = compiled.simulate(
            build, plan.batches[0].structure, plans.parameters(plan, shard), shard.points.size
        )
        spikes += raw.step.size
    seconds = time.perf_counter() - start
    print(json.dumps({
        "points": n, "setup_seconds": start - begun, "seconds": seconds, "spikes": spikes,
        "ns_per_neuron_step": 1e9 * seconds / (n * NEURON_STEPS), "flags": " ".join(flags()),
    }))  # fmt: skip


if __name__ == "__main__":
    main()
