"""Times izhi beside its peers and the limit: ``python -m benchmarks.bench``, or ``make bench``.

All run the sweep of :mod:`benchmarks.points`, in turns, so that a ratio compares neighbours in
time: machines are noisy. A ratio is to the limit, ``limit.c`` in its strict build on one core, of
the same turn. Peers that are not installed are skipped by name; ``pip install -e .[bench]`` has
them all. Results go to ``benchmarks/results.json``; README's table and the figure are made of them.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from benchmarks import own_device, report, ring
from benchmarks.points import NEURON_STEPS, overrides
from benchmarks.process import Done, module, run
from izhi.engine import compiled
from izhi.engine.cache import make


@dataclass(frozen=True)
class Contestant:
    """Something that is timed.

    Attributes
    ----------
    name
        What it is called.
    module, options
        What prints a line of JSON with ``points`` and ``seconds``, given ``--points``.
    points
        Points in each turn.
    more
        Further numbers of points, once each, for the figure.
    """

    name: str
    module: str
    options: tuple[str, ...]
    points: int
    more: tuple[int, ...] = ()


LIMIT = "the limit, strict, 1 core"
ENGINE = "izhi's engine, 1 core"
ALONE = (
    Contestant(LIMIT, "benchmarks.limit", (), 10_080, (10, 693, 100_800, 1_008_000)),
    Contestant("the limit, strict, 2 cores", "benchmarks.limit", ("--cores", "2"), 100_800),
    Contestant("the limit, fast-math, 1 core", "benchmarks.limit", ("--build", "fast"), 10_080),
    Contestant("the limit, fast-math, 2 cores", "benchmarks.limit",
               ("--build", "fast", "--cores", "2"), 100_800),
    Contestant(ENGINE, "benchmarks.engine", (), 10_080, (10, 693, 100_800, 1_008_000)),
    Contestant("Brian2, folded, default flags", "benchmarks.peers.brian2_folded", (), 10_080,
               (693, 100_800)),
    Contestant("JAX, lax.scan", "benchmarks.peers.jax_scan", (), 10_080, (10, 693, 100_800)),
    Contestant("NEST", "benchmarks.peers.nest_sim", (), 10_080, (10, 693)),
    Contestant("Brian2, run_args", "benchmarks.peers.brian2_run_args", (), 100, (10,)),
    Contestant("Brian2, Cython, a network a point", "benchmarks.peers.brian2_loop",
               ("--target", "cython"), 10),
    Contestant("Brian2, numpy, a network a point", "benchmarks.peers.brian2_loop",
               ("--target", "numpy"), 10),
    Contestant("Hydra, joblib launcher, Brian2 (2 jobs)", "benchmarks.peers.hydra_joblib", (), 16),
)  # fmt: skip

WHOLE = {"10": 10, "693": 693, "10080": 10_080, "100800": 100_800, "1008000": 1_008_000}


def izhi(points: int, name: str, *more: str) -> list[str]:
    """Return a whole command of izhi's."""
    return module("izhi", "run", "-m", *overrides(points), "run.engine=compiled", "run.n_jobs=2",
                  f"study.name={name}", *more)  # fmt: skip


SHORT, BEST_OF = 2.0, 3
"""Below so many seconds a contestant runs so many times in a turn, of which the fastest counts: a
machine that stalls for a moment would otherwise be all that is seen."""


def once(contestant: Contestant, points: int, folder: str) -> dict[str, Any]:
    """Run a contestant; seconds and points, or why it was skipped."""
    command = module(contestant.module, "--points", points, *contestant.options)
    told = run(command, folder).told
    if "skipped" in told or told["seconds"] > SHORT:
        return told
    return min(
        [told, *(run(command, folder).told for _ in range(BEST_OF - 1))], key=lambda t: t["seconds"]
    )


def alone(repetitions: int, folder: str) -> dict[str, Any]:
    """Run all that are timed from parameters to spikes in memory, in turns."""
    found: dict[str, Any] = {c.name: {"runs": []} for c in ALONE}
    for turn in range(repetitions):
        for contestant in ALONE:
            entry = found[contestant.name]
            if "skipped" in entry:
                continue
            told = once(contestant, contestant.points, folder)
            if "skipped" in told:
                entry["skipped"] = told["skipped"]
                print(f"{contestant.name}: {told['skipped']}", file=sys.stderr)
                continue
            entry.update({k: told[k] for k in ("how", "flags", "versions") if k in told})
            entry["runs"].append({k: told[k] for k in ("points", "seconds", "spikes")})
        print(f"engines: turn {turn + 1} of {repetitions} done", file=sys.stderr)
    for contestant in ALONE:
        entry = found[contestant.name]
        if "skipped" not in entry:
            entry["once"] = [
                {k: once(contestant, n, folder)[k] for k in ("points", "seconds")}
                for n in contestant.more
            ]
    return {name: _figures(entry, found[LIMIT]) for name, entry in found.items()}


def _figures(entry: dict[str, Any], limit: dict[str, Any]) -> dict[str, Any]:
    """Add points a second, nanoseconds a neuron-step, and the ratio to the limit of the turn."""
    if entry["runs"]:
        per_point = [r["seconds"] / r["points"] for r in entry["runs"]]
        entry["points_per_second"] = spread([1 / s for s in per_point])
        entry["ns_per_neuron_step"] = spread([1e9 * s / NEURON_STEPS for s in per_point])
        limits = [r["seconds"] / r["points"] for r in limit["runs"]]
        entry["ratio_to_limit"] = spread([s / m for s, m in zip(per_point, limits, strict=True)])
    return entry


def spread(values: list[float]) -> dict[str, float]:
    """Return median, least and most."""
    return {"median": statistics.median(values), "min": min(values), "max": max(values)}


def whole(repetitions: int, folder: str) -> dict[str, Any]:
    """Time whole commands, from the shell and back, warm, on two workers and at last on one."""
    run(izhi(10, "warm"), folder)
    seconds: dict[str, list[float]] = {name: [] for name in [*WHOLE, "1008000 on one worker"]}
    for turn in range(repetitions):
        for name, points in WHOLE.items():
            seconds[name].append(_timed(izhi(points, "turn"), folder).seconds)
        single = izhi(WHOLE["1008000"], "turn", "run.n_jobs=1")
        seconds["1008000 on one worker"].append(_timed(single, folder).seconds)
        print(f"whole commands: turn {turn + 1} of {repetitions} done", file=sys.stderr)
    two, one = seconds["1008000"], seconds["1008000 on one worker"]
    profiled = _timed(izhi(WHOLE["1008000"], "turn", "run.profile=true"), folder, memory=True)
    return {
        "seconds": {name: spread(values) for name, values in seconds.items()},
        "one_worker_over_two": spread([a / b for a, b in zip(one, two, strict=True)]),
        "memory_bytes": profiled.memory,
        "profile": profiled.output.split("\n\n")[-1].splitlines(),
    }


def gathering(folder: str) -> dict[str, float]:
    """Gather the last study of a million points again: seconds, memory, sizes on disk."""
    done = run(module("benchmarks.gathering", "turn"), folder, memory=True)
    study = Path(folder) / "studies" / "turn"
    shards = sum(path.stat().st_size for path in (study / "shards").iterdir())
    sizes = {name: (study / name).stat().st_size for name in ("dataset.nc", "summary.csv")}
    return {"seconds": done.seconds, "memory_bytes": done.memory, "shards": shards, **sizes}


def loading(repetitions: int, folder: str) -> dict[str, Any]:
    """Open the last study of a million points, with the import of all that it takes."""
    command = module("benchmarks.loading", "turn")
    told = [run(command, folder).told for _ in range(repetitions)]
    return {name: spread([t[name] for t in told]) for name in ("seconds", "memory_bytes")}


def _timed(command: list[str], folder: str, memory: bool = False) -> Done:
    shutil.rmtree(Path(folder) / "studies", ignore_errors=True)
    return run(command, folder, memory)


def fresh(folder: str) -> dict[str, float]:
    """Time ten points where nothing was built, without a compiler, and with one."""
    cache = str(Path(folder) / "cache")
    nowhere = run(
        [*module("izhi", "run", "-m", *overrides(10), "study.name=fresh")], folder,
        XDG_CACHE_HOME=cache, CXX="no-such-compiler",
    )  # fmt: skip
    built = run(
        [*module("izhi", "run", "-m", *overrides(10), "study.name=built")], folder,
        XDG_CACHE_HOME=cache,
    )  # fmt: skip
    return {"no compiler": nowhere.seconds, "with a build": built.seconds}


def builds(repetitions: int, folder: str) -> dict[str, Any]:
    """Time builds and runs of rings of 50 cells, in izhi's device and in Brian2's own."""
    structure, one = ring.structure()
    replicas = 64
    given = ring.parameters(one, replicas)
    ours: list[float] = []
    theirs: list[float] = []
    times: dict[str, list[float]] = {"izhi": [], "Brian2": []}
    for turn in range(repetitions):
        os.environ["XDG_CACHE_HOME"] = str(Path(folder) / f"ring-{turn}")
        ours.append(_seconds(lambda: make(structure)))
        build = make(structure)
        times["izhi"].append(
            min(_seconds(lambda: compiled.simulate(build, structure, given, replicas))  # noqa: B023
                for _ in range(3))
        )  # fmt: skip
        answer = own_device.ask(ring.request(structure, given, replicas, strict=False, runs=3))
        theirs.append(answer.build)
        times["Brian2"].append(min(answer.runs))
        print(f"rings: turn {turn + 1} of {repetitions} done", file=sys.stderr)
    del os.environ["XDG_CACHE_HOME"]
    pairs = zip(times["Brian2"], times["izhi"], strict=True)
    return {
        "build_seconds": {"izhi": spread(ours), "Brian2": spread(theirs)},
        "run_seconds": {name: spread(values) for name, values in times.items()},
        "ring_speedup": spread([b / i for b, i in pairs]),
        "replicas": replicas,
    }


def _seconds(work: Callable[[], Any]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def machine() -> dict[str, Any]:
    """Return what the figures depend on besides the code."""
    names = ("brian2", "numpy", "hydra-core", "joblib", "netCDF4")
    return {
        "cpu": cpu(), "cores": os.cpu_count(), "python": platform.python_version(),
        **{name: metadata.version(name) for name in names},
    }  # fmt: skip


def cpu() -> str:
    """Return the processor's name."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((li.split(":")[1].strip() for li in lines if li.startswith("model name")), "")


def main() -> None:
    """Measure, keep the figures, print the table, and make README's table and the figure anew."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--output", type=Path, default=report.RESULTS)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        results = {
            "machine": machine(),
            "repetitions": given.repetitions,
            "best_of": BEST_OF,
            "alone": alone(given.repetitions, folder),
            "whole": whole(given.repetitions, folder),
            "loading": loading(given.repetitions, folder),
            "gathering": gathering(folder),
            "fresh": fresh(folder),
            "rings": builds(given.repetitions, folder),
        }
    given.output.write_text(json.dumps(results, indent=1) + "\n")
    if given.output == report.RESULTS:
        report.main()
    print(report.table(results) + "\n\n" + report.checks(results))


if __name__ == "__main__":
    main()
