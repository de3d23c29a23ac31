"""Spike trains beside NEST's: ``python -m benchmarks.against_nest``. See docs/nest.md.

A spike is the same where both have it in the same time step. izhi stamps a spike at the start of
its step, NEST at the end, one dt later.
"""

from __future__ import annotations

import itertools
import json
import sys
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import izhi
from benchmarks import points as p
from benchmarks.process import ROOT, run

CONF = ROOT / "benchmarks" / "nest_conf"
DURATION = 10_000.0  # ms
AMPLITUDES = (4.0, 6.0, 10.0, 15.0)  # mV
RELEASES = (0.1, 0.5)
DELAYS = (0.1, 1.0)  # ms, NEST's
WEIGHTS = (40.0, 160.0)  # mV

Point = dict[str, Any]
Train = NDArray[np.int64]


@dataclass(frozen=True)
class Agreement:
    """Spikes of some trains: izhi's, NEST's, and those of both in the same step."""

    trains: int
    same_trains: int
    ours: int
    theirs: int
    same: int

    @property
    def part(self) -> float:
        """The part of the spikes that both have."""
        return self.same / max(self.ours, self.theirs)


def agreement(ours: Sequence[Train], theirs: Sequence[Train]) -> Agreement:
    """Compare trains, as time steps, one by one."""
    pairs = list(zip(ours, theirs, strict=True))
    return Agreement(
        len(pairs), sum(np.array_equal(a, b) for a, b in pairs),
        sum(a.size for a in ours), sum(b.size for b in theirs),
        sum(np.intersect1d(a, b).size for a, b in pairs),
    )  # fmt: skip


def nest(points: list[Point]) -> list[list[Train]]:
    """Return the time steps in which NEST's cells spike, by point and cell."""
    with tempfile.TemporaryDirectory() as folder:
        asked = Path(folder) / "points.json"
        asked.write_text(json.dumps({"duration": DURATION, "points": points}))
        command = [sys.executable, "-m", "benchmarks.peers.nest_trains", str(asked)]
        told = run(command, folder).told["trains"]
    return [[np.rint(np.array(times) / p.DT).astype(int) - 1 for times in cells] for cells in told]


def single() -> list[Point]:
    """Return driven cells of all types."""
    return [{"neuron": n, "amplitude": a} for n in p.PRESETS for a in AMPLITUDES]


def pairs() -> list[Point]:
    """Return driven cells of all types, each onto another one."""
    return [
        {"neuron": neuron, "amplitude": amplitude, "U_0": release, "delay": delay, "weight": weight}
        for neuron, amplitude, release, delay, weight in itertools.product(
            p.PRESETS, AMPLITUDES, RELEASES, DELAYS, WEIGHTS
        )
    ]


def as_shipped(points: list[Point], folder: str, *changed: str) -> list[list[Train]]:
    """Return the time steps in which izhi's cells spike: its own neuron files, volts, seconds."""
    study = _run(folder, [
        "circuit=single", "synapse=none", f"neuron={','.join(p.PRESETS)}",
        f"stimulus.amplitude={_listed(AMPLITUDES, 'mV')}", *changed,
    ])  # fmt: skip
    return [[_steps(study, "cell0", **point)] for point in points]


def in_nests_order(points: list[Point], folder: str) -> list[list[Train]]:
    """Return the same of pairs, with NEST's arithmetic; see benchmarks/nest_conf."""
    found = []
    for neuron, (a, b, c, d) in p.PRESETS.items():
        study = _run(folder, [
            "circuit=pair", "synapse=tsodyks2", "neuron=nest_izhikevich",
            f"neuron.a={a}", f"neuron.b={b}", f"neuron.c={c}", f"neuron.d={d}",
            f"stimulus.amplitude={_listed(AMPLITUDES, '1')}",
            f"synapse.U_0={_listed(RELEASES)}", f"synapse.weight={_listed(WEIGHTS)}",
            f"synapse.delay={_listed([_less_dt(delay) for delay in DELAYS], 'ms')}",
        ])  # fmt: skip
        for point in points:
            if point["neuron"] == neuron:
                at = {k: x for k, x in point.items() if k != "neuron"}
                at["delay"] = _less_dt(point["delay"])
                found.append([_steps(study, cell, **at) for cell in ("pre0", "post0")])
    return found


def _run(folder: str, overrides: list[str]) -> izhi.Study:
    return izhi.run(
        [*overrides, f"simulation.duration={DURATION} ms", "statistics=basic",
         "run.backend=sequential"],
        name=f"nest{len(list(Path(folder).iterdir()))}", dir=folder, config_dir=CONF,
        n_jobs=1, progress=False,
    )  # fmt: skip


def _less_dt(delay: float) -> float:
    return round(delay - p.DT, 6)


def _listed(values: Sequence[float], unit: str = "") -> str:
    return ",".join(f"{value} {unit}".strip() for value in values)


def _steps(study: izhi.Study, cell: str, **at: Any) -> Train:
    return np.rint(study.spike_times(cell, **at) / (p.DT * 1e-3)).astype(int)


def compare() -> dict[str, Agreement]:
    """Return all comparisons by what is compared."""
    with tempfile.TemporaryDirectory() as folder:
        cells, both = single(), pairs()
        theirs, theirs_of_pairs = nest(cells), nest(both)
        shipped = as_shipped(cells, folder)
        moved = as_shipped(cells, folder, f"neuron.constants.C2={np.nextafter(5.0, 6.0)}")
        ordered = in_nests_order(both, folder)
    once = {(x["neuron"], x["amplitude"]): at for at, x in enumerate(both)}.values()
    strong = [at for at, x in enumerate(cells) if x["amplitude"] == AMPLITUDES[-1]]
    every = range(len(cells))
    weak, others, resonator = (
        [at for at, x in enumerate(both) if (x["weight"] == WEIGHTS[0], x["neuron"] == "resonator")
         in which]
        for which in ([(True, False), (True, True)], [(False, False)], [(False, True)])
    )  # fmt: skip
    return {
        "driven cells": _of(0, once, ordered, theirs_of_pairs),
        f"cells behind the synapse, {WEIGHTS[0]:g} mV": _of(1, weak, ordered, theirs_of_pairs),
        f"the same, {WEIGHTS[1]:g} mV, all but the resonator": _of(
            1, others, ordered, theirs_of_pairs
        ),
        f"the same, {WEIGHTS[1]:g} mV, resonator": _of(1, resonator, ordered, theirs_of_pairs),
        f"izhi's own files, {AMPLITUDES[-1]:g} mV": _of(0, strong, shipped, theirs),
        "izhi's own files, all amplitudes": _of(0, every, shipped, theirs),
        "izhi's own files against themselves, C2 one bit larger": _of(0, every, moved, shipped),
    }


def _of(
    cell: int, points: Iterable[int], ours: list[list[Train]], theirs: list[list[Train]]
) -> Agreement:
    chosen = list(points)
    return agreement([ours[at][cell] for at in chosen], [theirs[at][cell] for at in chosen])


def main() -> None:
    """Print a table."""
    print("| compared | trains | equal | spikes | NEST's | same step | % |")
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: |")
    for name, x in compare().items():
        print(f"| {name} | {x.trains} | {x.same_trains} | {x.ours:,} | {x.theirs:,} | {x.same:,} | "
              f"{100 * x.part:.2f} |")  # fmt: skip


if __name__ == "__main__":
    main()
