"""Opens a study and looks at one point and one cell: ``python -m benchmarks.loading NAME``."""

from __future__ import annotations

import json
import resource
import sys
import time
from pathlib import Path


def main() -> None:
    """Print how long it took and how much memory this process has held."""
    start = time.perf_counter()
    import izhi

    study = izhi.open_study(Path("studies") / sys.argv[1])
    last = {name: study.dataset[name].values[-1] for name in study.axes}
    rates = study.dataset["firing_rate"].sel(last).values
    times = study.spike_times(str(study.dataset["cell"].values[-1]), **last)
    told = {
        "points": study.dataset["status"].size,
        "rates": rates.size,
        "spikes": times.size,
        "seconds": time.perf_counter() - start,
        "memory_bytes": 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss,
    }
    print(json.dumps(told))


if __name__ == "__main__":
    main()
