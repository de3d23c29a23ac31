"""Draws the error of each integration method against the time that it takes, and tabulates both.

python -m analysis.methods docs/methods.md docs/methods.png

Errors are those of the steady interval between spikes, against exact spike times (`izhi converge`);
times are what a cell's time step costs on the compiled engine, measured here and now, times steps.
"""

from __future__ import annotations

import platform
import sys
from pathlib import Path

import matplotlib
import numpy as np
import pandas as pd

import izhi
from benchmarks import methods as timing
from benchmarks import report
from benchmarks.bench import cpu
from izhi.accuracy import report as exactness
from izhi.report import colours

matplotlib.use("Agg")

import matplotlib.pyplot as plt
from matplotlib.lines import Line2D
from numpy.typing import NDArray

NEURONS = ("regular_spiking", "fast_spiking", "thalamo_cortical", "chattering")
METHODS = timing.METHODS
LARGEST, HALVINGS = 0.4, 6
"""The largest time step in ms, and how often it is halved."""

POINTS, ROUNDS, CELL_STEPS = 4_032, 25, 10_000
"""What is timed: so many cells, so often, for a second each in steps of 0.1 ms."""

Line = tuple[NDArray[np.float64], NDArray[np.float64]]
"""Time steps in s, and errors with them."""

SHOWN = 1e-4
"""The time step in s whose errors the table has, and whose points are filled."""

WANTED = 1e-3
"""The relative error for which the table has the time step."""

# Okabe and Ito's colours, which the colour-blind tell apart; markers tell the methods apart, too
STYLE = {
    "euler": (colours.BLACK, "o"), "semi_implicit": ("#999999", "v"), "rk2": (colours.SKY, "s"),
    "rk4": (colours.BLUE, "D"), "located_rk2": (colours.ORANGE, "^"),
    "located_rk4": (colours.VERMILION, "P"),
}  # fmt: skip


def compared() -> pd.DataFrame:
    """Return runs of all neurons by all methods beside their exact spike times."""
    return izhi.converge(
        [f"neuron={','.join(NEURONS)}", f"simulation.method={','.join(METHODS)}",
         "circuit=single", f"simulation.dt='{LARGEST} ms'"],
        points=len(NEURONS), halvings=HALVINGS,
    )  # fmt: skip


def coupled() -> str:
    """Return how exact a few points of the default experiment are, as the command says it."""
    frame = izhi.converge(
        ["+experiment=presets_u0_amplitude", "simulation.method=euler,located_rk4"],
    )
    return f"<!-- not run: takes minutes -->\n```text\n{exactness.text(frame, WANTED)}\n```"


def errors(frame: pd.DataFrame) -> dict[tuple[str, str], Line]:
    """Return errors of intervals by method and neuron."""
    rows = frame["interval_error"].abs().reset_index()
    return {
        (str(method), str(neuron)): (
            own["dt"].to_numpy(float),
            own["interval_error"].to_numpy(float),
        )
        for (method, neuron), own in rows.groupby(["method", "neuron"])
    }


def costs() -> dict[str, float]:
    """Return nanoseconds of a cell's time step by method."""
    found = timing.costs(POINTS, ROUNDS, "circuit=single")
    steps = POINTS * CELL_STEPS
    return {
        method: 1e9 * seconds / (steps * cells) for method, (seconds, cells, _) in found.items()
    }


def draw(frame: pd.DataFrame, cost: dict[str, float], picture: Path) -> None:
    """Draw error against time, a panel for each neuron."""
    found = errors(frame)
    figure, panels = plt.subplots(2, 2, figsize=(9, 7), sharex=True, sharey=True,
                                layout="constrained")  # fmt: skip
    for axes, neuron in zip(panels.flat, NEURONS, strict=True):
        for method in METHODS:
            dt, error = found[method, neuron]
            x, y = cost[method] * 1e-3 / dt, 100 * error
            colour, marker = STYLE[method]
            axes.loglog(x, y, color=colour, marker=marker, markersize=6, markerfacecolor="white",
                        linewidth=1.3)  # fmt: skip
            here = np.isclose(dt, SHOWN)
            axes.loglog(x[here], y[here], color=colour, marker=marker, markersize=8, linestyle="")
        axes.set_ylim(1e-8, 1e2)
        axes.axhline(100 * WANTED, color="0.6", linewidth=0.8, linestyle=":")
        axes.set_title(_name(neuron), fontsize=11)
        axes.grid(True, which="major", color="0.92", linewidth=0.6)
        axes.set_axisbelow(True)
    figure.supxlabel("time for a second of one cell (µs); filled: steps of 0.1 ms", fontsize=11)
    figure.supylabel("error of the steady interval (%)", fontsize=11)
    handles = [Line2D([], [], color=colour, marker=marker, markerfacecolor="white", label=method)
               for method, (colour, marker) in STYLE.items() if method in METHODS]  # fmt: skip
    figure.legend(handles=handles, loc="outside upper center", ncols=6, frameon=False, fontsize=10)
    figure.savefig(picture, dpi=150)


def table(frame: pd.DataFrame, cost: dict[str, float]) -> str:
    """Return costs and errors as Markdown."""
    found = errors(frame)
    names = [_name(neuron) for neuron in NEURONS]
    lines = [
        f"| method | ns per step | times `euler` | {' | '.join(names)} | step for "
        f"{100 * WANTED:g} % | its time |",
        "| --- | ---: | ---: |" + " ---: |" * (len(names) + 2),
    ]
    for method in METHODS:
        shown = [error[np.isclose(dt, SHOWN)][0] for dt, error in
                 (found[method, neuron] for neuron in NEURONS)]  # fmt: skip
        each = " | ".join(f"{_digits(100 * error)} %" for error in shown)
        dt, _ = exactness.step_needed(frame, method, WANTED)
        lines.append(
            f"| `{method}` | {cost[method]:.2f} | {cost[method] / cost['euler']:.1f} | {each} | "
            f"{_digits(1e3 * dt, 2)} ms | {_digits(cost[method] * 1e-3 / dt, 2)} µs |"
        )
    lines += [
        "",
        f"Errors of the steady interval at {1e3 * SHOWN:g} ms, in a step to 10 mV; the time step "
        f"with which none of the four is larger than {100 * WANTED:g} %, and what a second of one "
        f"cell then takes. {cpu()}, one core, Python {platform.python_version()}.",
    ]
    return "\n".join(lines)


def _name(neuron: str) -> str:
    return neuron.replace("thalamo_", "thalamo-").replace("_", " ")


def _digits(value: float, digits: int = 2) -> str:
    return np.format_float_positional(value, digits, fractional=False, trim="-")


def main(page: Path, picture: Path) -> None:
    """Measure, draw, and put the table into the page."""
    frame, circuits = compared(), coupled()
    cost = costs()  # last, since it keeps the process on one core
    draw(frame, cost, picture)
    text = page.read_text(encoding="utf-8")
    text = report.updated(text, table(frame, cost), "make methods")
    page.write_text(report.updated(text, circuits, "make methods, circuits"), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
