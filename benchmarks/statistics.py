"""Spike statistics: izhi beside Elephant, and of many spikes: ``python -m benchmarks.statistics``.

Both compute the same measures of the same trains in one process on one core, in turns. Elephant
takes a train at a time, and is timed twice: from Neo's spike trains to the measure, and with what
is quickest for it, plain arrays, and intervals that were made before where it wants intervals. izhi
takes the trains and makes its intervals anew for each measure.

Before that, while Elephant is not loaded, all statistics are computed of many spikes, from two
arrays to the results; the memory is the most that the process has held, spikes and all.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import sys
import time
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from izhi.spikes import (
    STATISTICS,
    Settings,
    Synapses,
    Trains,
    cv2,
    firing_rate,
    isi,
    isi_cv,
    lv,
    lvr,
    summary_statistics,
    synapse_statistics,
)

DT = 1e-4  # s
DURATION = 2.0  # s, in which the trains with Elephant are
TRAINS = 20_000
SPIKES, IN_TRAINS = 130_000_000, 3_000_000
BLOCK = 100_000
"""Trains that are drawn at a time, so that drawing needs little memory."""

FloatArray = NDArray[np.float64]
Measure = Callable[[Any], object]


def summarised(trains: Trains, duration: float) -> dict[str, NDArray[Any]]:
    """Return all statistics, the first two of three trains being those of presynaptic cells."""
    found = summary_statistics(trains, duration=duration, onset=0.0)
    n = 2 * len(trains) // 3
    driving = Trains(trains.time[: trains.offset[n]], trains.count[:n])
    one = np.ones(len(driving))
    projecting = Synapses(
        driving, 0.6 * one, 0.3 * one, 0.5 * one, one, one, duration * one,
        Settings(tuple(STATISTICS)),
    )  # fmt: skip
    return found | synapse_statistics(projecting)


def counts(spikes: int, trains: int) -> NDArray[np.int64]:
    """Return how many spikes each train has: each spike is in any of them."""
    return np.random.default_rng(0).multinomial(spikes, np.full(trains, 1 / trains))


def steps(count: NDArray[np.int64], seed: int) -> NDArray[np.int64]:
    """Return the steps of the spikes of trains, every other one of which is bursty."""
    rng = np.random.default_rng(seed)
    interval = rng.exponential(22.5e-3 / DT, count.sum())
    bursty = np.repeat(np.arange(count.size) % 2 == 1, count)
    interval[bursty] *= np.where(rng.random(bursty.sum()) < 0.8, 0.1, 4.6)
    # Zero is no interval on the grid: a step has one spike.
    step = np.cumsum(np.ceil(interval), dtype=np.float64).astype(np.int64)
    before = np.concatenate([[0], step])[np.cumsum(count) - count]
    step -= np.repeat(before, count)
    return step


def spikes_of(count: NDArray[np.int64]) -> FloatArray:
    """Return the times of the spikes of all trains in seconds, drawn block by block."""
    spike = np.empty(count.sum())
    done = 0
    for seed, start in enumerate(range(0, count.size, BLOCK)):
        block = steps(count[start : start + BLOCK], seed)
        np.multiply(block, DT, out=spike[done : done + block.size])
        done += block.size
    return spike


def throughput(spikes: int, trains: int) -> dict[str, float]:
    """Time all statistics of many spikes."""
    count = counts(spikes, trains)
    spike = spikes_of(count)
    duration = float(spike.max()) + DT
    before = peak_memory()
    start = time.perf_counter()
    found = summarised(Trains(spike, count), duration)
    seconds = time.perf_counter() - start
    return {
        "spikes": int(count.sum()), "trains": trains, "statistics": len(found), "seconds": seconds,
        "spikes_per_second": spikes / seconds, "memory_bytes": peak_memory(),
        "memory_bytes_of_drawing": before,
    }  # fmt: skip


def peak_memory() -> int:
    """Return the most memory that this process has held, in bytes."""
    return 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def against_elephant(n: int, repetitions: int) -> dict[str, Any]:
    """Time the measures that Elephant has as well; the ratios are Elephant's time over izhi's."""
    try:
        from elephant import statistics as elephant
        from neo import SpikeTrain
    except ImportError:
        return {"skipped": "elephant is not installed"}
    count = np.random.default_rng(1).integers(0, 88, n)
    spike = spikes_of(count)
    spike *= DURATION / (spike.max() + DT)
    trains = Trains(spike, count)
    parts = np.split(spike, trains.offset[1:-1])
    # A train without spikes, of which Elephant raises an error, costs it nothing here.
    filled = [part for part in parts if part.size]
    of_neo = [SpikeTrain(part, units="s", t_stop=DURATION) for part in filled]
    intervals = [elephant.isi(part) for part in parts]
    milliseconds = [1000 * part for part in intervals]

    def rate(part: FloatArray) -> object:
        return elephant.mean_firing_rate(part, t_start=0.0, t_stop=DURATION)

    def cv2_of(interval: FloatArray) -> object:
        return elephant.cv2(interval, with_nan=True)

    def lv_of(interval: FloatArray) -> object:
        return elephant.lv(interval, with_nan=True)

    def lvr_of(interval: FloatArray) -> object:
        return elephant.lvr(interval, with_nan=True)

    def lvr_of_numbers(interval: FloatArray) -> object:
        return elephant.lvr(interval, R=5.0, with_nan=True)

    def from_train(measure: Measure) -> Measure:
        return lambda train: measure(elephant.isi(train))

    pairs: dict[str, tuple[Measure, tuple[Measure, Measure], Sequence[FloatArray]]] = {
        "firing_rate": (
            lambda all_: firing_rate(all_, DURATION), (elephant.mean_firing_rate, rate), filled
        ),
        "isi": (isi, (elephant.isi, elephant.isi), parts),
        "isi_cv": (isi_cv, (from_train(elephant.cv), elephant.cv), intervals),
        "cv2": (cv2, (from_train(cv2_of), cv2_of), intervals),
        "lv": (lv, (from_train(lv_of), lv_of), intervals),
        "lvr": (lvr, (from_train(lvr_of), lvr_of_numbers), milliseconds),
    }  # fmt: skip
    seconds: dict[str, list[tuple[float, ...]]] = {name: [] for name in pairs}
    for turn in range(repetitions):
        for name, (ours, (of_trains, of_arrays), given) in pairs.items():
            seconds[name].append(
                (timed(ours, [trains]), timed(of_trains, of_neo), timed(of_arrays, given))
            )
        print(f"elephant: turn {turn + 1} of {repetitions} done", file=sys.stderr)
    return {"trains": n, "spikes": int(spike.size)} | compared(seconds)


def timed(measure: Measure, given: Sequence[Any]) -> float:
    """Return how long a measure takes for all that is given."""
    with warnings.catch_warnings():
        # Elephant warns of every short train and every bare number.
        warnings.simplefilter("ignore")
        start = time.perf_counter()
        for each in given:
            measure(each)
        return time.perf_counter() - start


def compared(seconds: dict[str, list[tuple[float, ...]]]) -> dict[str, Any]:
    """Return medians of all times and of the ratios, per measure and of all measures together."""
    table = np.array(list(seconds.values()))
    rows = dict(zip(seconds, table, strict=True)) | {"all": table.sum(axis=0)}
    return {
        name: {
            "izhi": float(np.median(row[:, 0])),
            "elephant_of_neo": float(np.median(row[:, 1])),
            "elephant_of_arrays": float(np.median(row[:, 2])),
            "ratio_of_neo": float(np.median(row[:, 1] / row[:, 0])),
            "ratio_of_arrays": float(np.median(row[:, 2] / row[:, 0])),
        }
        for name, row in rows.items()
    }


def main() -> None:
    """Print both as a line of JSON."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--spikes", type=int, default=SPIKES)
    parser.add_argument("--in-trains", type=int, default=IN_TRAINS)
    parser.add_argument("--trains", type=int, default=TRAINS, help="timed beside Elephant")
    parser.add_argument("--repetitions", type=int, default=5)
    given = parser.parse_args()
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    print(json.dumps({
        "many": throughput(given.spikes, given.in_trains),
        "elephant": against_elephant(given.trains, given.repetitions),
    }))  # fmt: skip


if __name__ == "__main__":
    main()
