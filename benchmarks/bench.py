"""Times izhi beside the plain loop, in turns, and prints both: ``python -m benchmarks.bench``.

Every figure is of a whole process, from the command to its end; the table holds the median and the
range over the repetitions. Machines are noisy: trust the ratios, which compare neighbours in time.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from importlib import metadata
from pathlib import Path
from typing import Any

SEVEN = (
    "regular_spiking,intrinsically_bursting,chattering,fast_spiking,low_threshold_spiking,"
    "thalamo_cortical,resonator"
)
SWEEPS = {
    693: ["synapse.U_0=range(0.1,1.0,0.1)", "stimulus.amplitude=range(4,15)"],
    10_080: ["synapse.U_0=range(0.1,1.0,0.1)", "stimulus.amplitude=range(4,20,0.1)"],
}
HUNDRED_THOUSAND = [
    "neuron=chattering",
    "synapse.U_0=range(0.1,0.9,0.008)",
    "stimulus.amplitude=range(4,14,0.01)",
]


def process_tree_memory(root: int) -> int:
    """Return the proportional memory of a process and all below it, in bytes."""
    parents: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rsplit(")", 1)[1].split()
            except OSError:
                continue
            parents.setdefault(int(fields[1]), []).append(int(entry.name))
    total, waiting = 0, [root]
    while waiting:
        process = waiting.pop()
        waiting += parents.get(process, [])
        try:
            text = Path(f"/proc/{process}/smaps_rollup").read_text()
        except OSError:
            continue
        total += sum(1024 * int(line.split()[1]) for line in text.splitlines()
                     if line.startswith("Pss:"))  # fmt: skip
    return total


def timed(command: list[str], folder: str, memory: bool = False) -> tuple[float, int, str]:
    """Run a command; return its seconds, its peak memory over all processes, and its output."""
    start = time.perf_counter()
    process = subprocess.Popen(
        command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[1])},
    )  # fmt: skip
    peak, over = 0, threading.Event()

    def watch() -> None:
        nonlocal peak
        while not over.wait(0.03):
            peak = max(peak, process_tree_memory(process.pid))

    watcher = threading.Thread(target=watch)
    if memory:
        watcher.start()
    output, said = process.communicate()
    seconds = time.perf_counter() - start
    over.set()
    if memory:
        watcher.join()
    if process.returncode != 0:
        sys.exit(f"{' '.join(command)} ended with status {process.returncode}:\n{said}")
    return seconds, peak, output


def izhi(*arguments: str) -> list[str]:
    """Return a command of izhi's."""
    return [sys.executable, "-m", "izhi", *arguments]


def summary(values: list[float]) -> dict[str, float]:
    """Return median, least and most."""
    return {"median": statistics.median(values), "min": min(values), "max": max(values)}


def measure(repetitions: int, plain_points: int) -> dict[str, Any]:
    """Run everything in turns and return the figures."""
    rates: dict[str, list[float]] = {"plain": [], "693": [], "10080": []}
    seconds: dict[str, list[float]] = {"693": [], "10080": [], "plan": [], "help": []}
    ratios: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        sweeps = {n: ["run", "-m", f"neuron={SEVEN}", *axes, "run.engine=compiled"]
                  for n, axes in SWEEPS.items()}  # fmt: skip
        # the first run builds what is missing, so that all timed runs are warm
        timed(izhi(*sweeps[693], "study.name=warm"), folder)
        _, peak, _ = timed(izhi(*sweeps[10_080], "study.name=memory"), folder, memory=True)
        for turn in range(repetitions):
            loop = [sys.executable, "-m", "benchmarks.plain_loop", str(plain_points)]
            _, _, output = timed(loop, folder)
            told = json.loads(output.strip().splitlines()[-1])
            rates["plain"].append(told["points"] / told["seconds"])
            for n, sweep in sweeps.items():
                took, _, _ = timed(izhi(*sweep, f"study.name=turn{turn}-{n}"), folder)
                seconds[str(n)].append(took)
                rates[str(n)].append(n / took)
            ratios.append(rates["10080"][-1] / rates["plain"][-1])
            seconds["plan"].append(timed(izhi("plan", "-m", *HUNDRED_THOUSAND), folder)[0])
            seconds["help"].append(timed(izhi("--help"), folder)[0])
            print(f"turn {turn + 1} of {repetitions} done", file=sys.stderr)
    return {
        "machine": {
            "cpu": cpu(), "cores": os.cpu_count(), "python": platform.python_version(),
            **{name: metadata.version(name) for name in ("brian2", "numpy", "hydra-core")},
        },
        "repetitions": repetitions,
        "points_per_second": {name: summary(values) for name, values in rates.items()},
        "seconds": {name: summary(values) for name, values in seconds.items()},
        "ratio_to_plain": summary(ratios),
        "peak_memory_bytes": peak,
    }  # fmt: skip


def cpu() -> str:
    """Return the processor's name."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((li.split(":")[1].strip() for li in lines if li.startswith("model name")), "")


def table(result: dict[str, Any]) -> str:
    """Return the figures as a Markdown table."""

    def cell(values: dict[str, float], digits: str) -> str:
        return " | ".join(format(values[name], digits) for name in ("median", "min", "max"))

    rates, seconds = result["points_per_second"], result["seconds"]
    rows = [
        "| what (whole command, warm) | median | least | most |",
        "| --- | --- | --- | --- |",
        f"| plain Brian2 loop, points/s | {cell(rates['plain'], '.2f')} |",
        f"| izhi, 693 points, points/s | {cell(rates['693'], ',.0f')} |",
        f"| izhi, 10,080 points, points/s | {cell(rates['10080'], ',.0f')} |",
        f"| izhi at 10,080 points over the plain loop | {cell(result['ratio_to_plain'], ',.0f')} |",
        f"| izhi, 693 points, seconds | {cell(seconds['693'], '.2f')} |",
        f"| izhi, 10,080 points, seconds | {cell(seconds['10080'], '.2f')} |",
        f"| planning 100,000 points, seconds | {cell(seconds['plan'], '.2f')} |",
        f"| izhi --help, seconds | {cell(seconds['help'], '.2f')} |",
    ]
    machine = result["machine"]
    rows += [
        "",
        f"Peak memory of all processes at 10,080 points: {result['peak_memory_bytes'] / 2**20:.0f} "
        f"MiB. {machine['cpu']}, {machine['cores']} cores, Python {machine['python']}, Brian2 "
        f"{machine['brian2']}; {result['repetitions']} repetitions in turns.",
    ]
    return "\n".join(rows)


def main() -> None:
    """Measure, print the table, and keep the figures in ``benchmarks/results.json``."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--plain-points", type=int, default=8)
    parser.add_argument("--output", type=Path, default=Path("benchmarks/results.json"))
    given = parser.parse_args()
    result = measure(given.repetitions, given.plain_points)
    given.output.write_text(json.dumps(result, indent=2) + "\n")
    print(table(result))


if __name__ == "__main__":
    main()
