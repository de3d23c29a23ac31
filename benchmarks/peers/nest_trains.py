"""Spike trains of NEST's own models: ``python -m benchmarks.peers.nest_trains points.json``.

Each point is a cell of NEST's ``izhikevich``, driven by a step of current; where the point has a
weight, a second cell of the type hears it through a ``tsodyks2_synapse``. The step is ``I_e``, or,
for points with ``generator_start``, a ``dc_generator`` that starts then. Prints JSON: for each
point the spike times of each cell, in ms, as NEST stamps them.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from benchmarks import points as p
from benchmarks.peers import needs
from benchmarks.peers.nest_sim import quiet


def simulate(points: list[dict[str, Any]], duration: float) -> list[list[list[float]]]:
    """Simulate all points in one kernel, for `duration` ms."""
    import nest

    nest.ResetKernel()
    nest.resolution, nest.local_num_threads = p.DT, 1
    driven, recorders = [], []
    for point in points:
        cells = [_cell(nest, point) for _ in range(2 if "weight" in point else 1)]
        if "weight" in point:
            nest.Connect(*cells, syn_spec=_synapse(point))
        if "generator_start" in point:
            step = {"start": point["generator_start"], "amplitude": point["amplitude"]}
            nest.Connect(
                nest.Create("dc_generator", params=step), cells[0], syn_spec={"delay": p.DT}
            )
        else:
            driven.append((cells[0], point["amplitude"]))
        recorders.append([nest.Create("spike_recorder") for _ in cells])
        for cell, recorder in zip(cells, recorders[-1], strict=True):
            nest.Connect(cell, recorder, syn_spec={"delay": p.DT})
    with nest.RunManager():
        nest.Run(p.ONSET)
        for cell, amplitude in driven:
            cell.I_e = amplitude
        nest.Run(duration - p.ONSET)
    return [[r.events["times"].tolist() for r in of_point] for of_point in recorders]


def _cell(nest: Any, point: dict[str, Any]) -> Any:
    a, b, c, d = p.PRESETS[point["neuron"]]
    start = {"V_m": p.V_START, "U_m": b * p.V_START, "V_th": p.V_TH}
    return nest.Create("izhikevich", params={"a": a, "b": b, "c": c, "d": d, **start})


def _synapse(point: dict[str, Any]) -> dict[str, Any]:
    return {
        "synapse_model": "tsodyks2_synapse", "weight": point["weight"], "delay": point["delay"],
        "U": point["U_0"], "u": point["U_0"], "tau_rec": p.TAU_D, "tau_fac": p.TAU_F,
    }  # fmt: skip


def main() -> None:
    """Read points, print trains."""
    needs(nest="nest-simulator")
    asked = json.loads(Path(sys.argv[1]).read_text())
    with quiet():
        import nest

    nest.verbosity = nest.VerbosityLevel.ERROR
    print(json.dumps({"trains": simulate(asked["points"], asked["duration"])}))


if __name__ == "__main__":
    main()
