"""The pages' tables and the figure, from ``results.json``: ``python -m benchmarks.report``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
RESULTS = Path(__file__).with_name("results.json")
README = ROOT / "README.md"
BENCHMARKS = ROOT / "docs" / "benchmarks.md"
FIGURE = ROOT / "docs" / "benchmarks.png"
SCALE = ROOT / "docs" / "scale.md"

LIMIT = "the limit, strict, 1 core"
LIMIT_2 = "the limit, strict, 2 cores"
ENGINE = "izhi's engine, 1 core"
BESIDE = {"Brian2, Cython, a network a point": "Brian2, a network a point", "NEST": "NEST",
          "the limit, strict, 1 core": "the circuit in C"}  # fmt: skip
"""What README has beside izhi, and what it calls it."""


def short(results: dict[str, Any]) -> str:
    """Return README's table as Markdown: what a sweep takes, as a whole and in other ways."""
    beside = {
        words: results["alone"][name]["points_per_second"]["median"]
        for name, words in BESIDE.items()
        if "skipped" not in results["alone"][name]
    }
    lines = [
        f"| points | `izhi run`, whole command, 2 cores | {' | '.join(beside)} |",
        f"| ---: | ---: |{' ---: |' * len(beside)}",
    ]
    for name, seconds in results["whole"]["seconds"].items():
        if name.isdigit() and int(name) > 10:
            points = int(name)
            others = " | ".join(_time(points / rate) for rate in beside.values())
            lines.append(f"| {points:,} | **{_time(seconds['median'])}** | {others} |")
    return "\n".join(lines)


def _time(seconds: float) -> str:
    for unit, length in (("s", 1), ("min", 60), ("h", 3600)):
        if seconds < 100 * length:
            return f"{seconds / length:.2g} {unit}"
    return f"{seconds / 86_400:.2g} days"


def table(results: dict[str, Any]) -> str:
    """Return the figures as Markdown."""
    lines = [
        "| from parameters to spikes in memory | points/s | ns per neuron-step | times the limit |",
        "| --- | ---: | ---: | ---: |",
    ]
    skipped = []
    for name, entry in results["alone"].items():
        if "skipped" in entry:
            skipped.append(f"{name} ({entry['skipped']})")
            continue
        rate, cost = (entry[k]["median"] for k in ("points_per_second", "ns_per_neuron_step"))
        ratio = "{} ({} to {})".format(*(_number(v) for v in entry["ratio_to_limit"].values()))
        bold = "**" if name == ENGINE else ""
        lines.append(f"| {bold}{name}{bold} | {_number(rate)} | {_number(cost)} | {ratio} |")
    whole, limit = results["whole"], results["alone"][LIMIT_2]["points_per_second"]["median"]
    lines += [
        "",
        "| `izhi run`, whole command, 2 workers | seconds | points/s | of the limit on 2 cores |",
        "| --- | ---: | ---: | ---: |",
    ]
    for name, seconds in whole["seconds"].items():
        points = int(name.split()[0])
        rate = points / seconds["median"]
        label = f"{points:,} points{name.removeprefix(name.split()[0])}"
        took = "{:.2f} ({:.2f} to {:.2f})".format(*seconds.values())
        share = f"{100 * rate / limit:.2g} %"
        lines.append(f"| {label} | {took} | {_number(rate)} | {share} |")
    machine, times = results["machine"], results["best_of"]
    short = f"; runs in memory of less than 2 s are the best of {times}" if times > 1 else ""
    lines += [
        "",
        f"Medians of {results['repetitions']} turns, with the range{short}. The sweep is the "
        "default experiment's, with more amplitudes: two cells onto one, 1 s at 0.1 ms, "
        "Euler, every spike recorded. The limit is the same circuit written out by hand in C "
        f"(`benchmarks/limit.c`). {machine['cpu']}, {machine['cores']} cores, Python "
        f"{machine['python']}, Brian2 {machine['brian2']}.",
    ]
    if skipped:
        lines += ["", f"Not run: {'; '.join(skipped)}."]
    return "\n".join(lines)


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def checks(results: dict[str, Any]) -> str:
    """Return what was aimed at, beside what was measured."""
    alone, whole, rings = results["alone"], results["whole"], results["rings"]
    seconds = {name: s["median"] for name, s in whole["seconds"].items()}
    limit = alone[LIMIT_2]["points_per_second"]["median"]
    rates = {name: e["points_per_second"]["median"] for name, e in alone.items() if e["runs"]}
    rows = [("engine, times the limit", "at most 2.5", alone[ENGINE]["ratio_to_limit"]["median"])]
    rows += [
        (f"engine, times faster than {name}", f"at least {wanted:,}", rates[ENGINE] / rates[name])
        for name, wanted in (("JAX, lax.scan", 2), ("NEST", 10), ("Brian2, run_args", 300),
                             ("Hydra, joblib launcher, Brian2 (2 jobs)", 3000))
        if name in rates
    ]  # fmt: skip
    hundred, million = 100_800 / seconds["100800"], 1_008_000 / seconds["1008000"]
    build, run = rings["build_seconds"], rings["run_seconds"]
    gathering, loading = results["gathering"], results["loading"]
    rows += [
        ("100,800 points, per cent of the limit", "at least 10", 100 * hundred / limit),
        ("1,008,000 points, per cent of the limit", "at least 15", 100 * million / limit),
        ("two workers, times one", "at least 1.8", whole["one_worker_over_two"]["median"]),
        ("time per point, 1,008,000 over 100,800", "at most 1.1", hundred / million),
        ("memory at 1,008,000 points, MiB", "at most 2048", whole["memory_bytes"] / 2**20),
        ("memory of gathering, MiB", "at most 500", gathering["memory_bytes"] / 2**20),
        ("opening 1,008,000 points, seconds", "at most 2", loading["seconds"]["median"]),
        ("opening 1,008,000 points, MiB", "at most 500",
         loading["memory_bytes"]["median"] / 2**20),
        ("ten points, warm, seconds", "at most 2.5", seconds["10"]),
        ("ten points, fresh, no compiler, seconds", "at most 6", results["fresh"]["no compiler"]),
        ("build, times Brian2's own", "at most 1",
         build["izhi"]["median"] / build["Brian2"]["median"]),
        ("rings, times faster than Brian2's own", "at least 1",
         run["Brian2"]["median"] / run["izhi"]["median"]),
    ]  # fmt: skip
    return "\n".join(f"{what:<58}{wanted:>16}{_number(value):>12}" for what, wanted, value in rows)


def costs(results: dict[str, Any]) -> str:
    """Return what a point costs, and a hundred million of them, as Markdown."""
    points, many = 1_008_000, 100_000_000
    spent = {line[:34].strip(): float(line.split()[-2]) for line in results["whole"]["profile"]
             if line.endswith(" s")}  # fmt: skip
    rows = [(f"{name}, core time", spent[name]) for name in ("simulating", "statistics", "writing")]
    rows.append(("dataset and table, one process", results["gathering"]["seconds"]))
    lines = [
        "| | a point | 100 million points |",
        "| --- | ---: | ---: |",
    ]
    for name, seconds in rows:
        each = seconds / points
        lines.append(f"| {name} | {1e6 * each:.1f} µs | {many * each / 3600:.2f} h |")
    for name in ("shards", "dataset.nc", "summary.csv"):
        each = results["gathering"][name] / points
        lines.append(f"| `{name}` | {each:,.0f} bytes | {many * each / 1e9:,.0f} GB |")
    memory = results["gathering"]["memory_bytes"] / 2**20
    lines += ["", f"Gathering 1,008,000 points held {memory:.0f} MiB, all processes of the run "
              f"{results['whole']['memory_bytes'] / 2**20:.0f} MiB."]  # fmt: skip
    return "\n".join(lines)


def updated(text: str, figures: str, command: str = "make bench") -> str:
    """Return a page with these figures between its two marks."""
    begin, end = (f"<!-- figures of {command}: {mark} -->\n" for mark in ("begin", "end"))
    before, rest = text.split(begin)
    after = rest.split(end)[1]
    return f"{before}{begin}{figures}\n{end}{after}"


def figure(results: dict[str, Any], path: Path) -> None:
    """Draw seconds against points for all contestants; dashed where a slow one is extended."""
    import matplotlib as mpl

    mpl.use("agg")
    from matplotlib import pyplot as plt

    chart, axes = plt.subplots(figsize=(7.2, 5.4), layout="constrained")
    styles = iter(["#999999", "#D55E00", "#E69F00", "#CC79A7", "#56B4E9", "#009E73", "#0072B2",
                   "#882255", "#44AA99"])  # fmt: skip
    ends = []
    for name, entry in results["alone"].items():
        if "skipped" in entry or "2 cores" in name or "fast-math" in name:
            continue
        runs = [*entry["once"], *entry["runs"][:1]]
        colour = "black" if name == LIMIT else next(styles)
        ends.append((name, colour, sorted((r["points"], r["seconds"]) for r in runs)))
    seconds = results["whole"]["seconds"]
    told = sorted((int(n), s["median"]) for n, s in seconds.items() if n.isdigit())
    ends.append(("izhi run, whole command, 2 workers", "#000099", told))
    for name, colour, points in ends:
        x, y = zip(*points, strict=True)
        thick = 2.6 if name.startswith("izhi") else 1.4
        marker = "o" if name.startswith("izhi") else "."
        axes.plot(x, y, marker=marker, color=colour, lw=thick, label=name)
        last, cost = points[-1]
        if last < 1_008_000:
            axes.plot([last, 1_008_000], [cost, cost * 1_008_000 / last], "--", color=colour, lw=1)
    axes.set(xscale="log", yscale="log", xlabel="points", ylabel="seconds",
             xlim=(8, 1_500_000), ylim=(1e-4, 2e6))  # fmt: skip
    for value, word in (
        (60, "a minute"),
        (3600, "an hour"),
        (86_400, "a day"),
        (604_800, "a week"),
    ):
        axes.axhline(value, color="#dddddd", lw=0.8, zorder=0)
        axes.text(8.6, value * 1.15, word, color="#777777", fontsize=8)
    axes.set_title("One second of the two-to-one circuit at every point", fontsize=10)
    axes.legend(title="dashed: not run, in proportion", title_fontsize=7.5, fontsize=7.5,
                loc="upper left", bbox_to_anchor=(1.01, 1), frameon=False)  # fmt: skip
    chart.savefig(path, dpi=150)
    plt.close(chart)


PAGES = {README: short, BENCHMARKS: table, SCALE: costs}
"""Each page with what it has between its marks."""


def main() -> None:
    """Write the pages' tables and, with matplotlib at hand, the figure."""
    results = json.loads(RESULTS.read_text(encoding="utf-8"))
    for page, figures in PAGES.items():
        text = figures(results)
        page.write_text(updated(page.read_text(encoding="utf-8"), text), encoding="utf-8")
    try:
        figure(results, FIGURE)
    except ImportError:
        print("matplotlib is not installed: no figure")


if __name__ == "__main__":
    main()
