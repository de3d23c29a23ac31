"""Many replicas side by side in one Brian2 network: ``python -m benchmarks.peers.brian2_folded``.

Standalone mode with Brian2's own compiler flags; what differs between points is a constant of each
cell. More points than replicas are several runs of the program, filled up with the last point.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks import points as p
from benchmarks.peers import Result, arguments, chosen, needs, report

CELLS = """
a : hertz (constant)
b : 1 (constant)
c : volt (constant)
d : volt (constant)
"""
DRIVEN = "amplitude : volt (constant)"


def build(folder: Path, replicas: int) -> tuple[list[Any], Any, list[Any]]:
    """Compile a network of replicas; return its groups, synapses and spike monitors."""
    import brian2 as b2

    from benchmarks.peers import circuit

    b2.set_device("cpp_standalone", build_on_run=False, directory=str(folder))
    b2.prefs.devices.cpp_standalone.openmp_threads = 0
    shared = circuit.constants()
    groups, monitors = [], []
    for name, count, current in (
        ("pre", 2, f"{circuit.STEP}\n{DRIVEN}"), ("post", 1, circuit.RECEIVED)
    ):  # fmt: skip
        group = b2.NeuronGroup(
            replicas * count, f"{circuit.NEURON}{current}{CELLS}", threshold="v > v_th",
            reset="v = c; u += d", method="euler", namespace=shared, name=name,
        )  # fmt: skip
        group.v = p.V_START * b2.mV
        groups.append(group)
        monitors.append(b2.SpikeMonitor(group, name=f"spikes_{name}"))
    synapses = b2.Synapses(
        *groups, f"{circuit.SYNAPSE}U_0 : 1 (constant)", on_pre=circuit.ON_PRE, namespace=shared,
        name="synapses",
    )  # fmt: skip
    source = np.arange(2 * replicas)
    synapses.connect(i=source, j=source // 2)
    synapses.x_S = 1
    b2.Network(*groups, synapses, *monitors).run(p.STEPS * p.DT * b2.ms, namespace={})
    b2.device.build(directory=str(folder), run=False)
    return groups, synapses, monitors


def simulate(
    built: tuple[list[Any], Any, list[Any]], sweep: p.Points
) -> list[NDArray[np.float64] | NDArray[np.int32]]:
    """Run the program once; return cell numbers and times of the spikes of each group."""
    import brian2 as b2

    groups, synapses, monitors = built
    a, b, c, d, release, amplitude = sweep.si()
    given = {synapses.U_0: np.repeat(release, 2), groups[0].amplitude: np.repeat(amplitude, 2)}
    for group, count in zip(groups, (2, 1), strict=True):
        start = b * p.V_START * 0.001
        for variable, value in (
            (group.a, a), (group.b, b), (group.c, c), (group.d, d), (group.u, start)
        ):  # fmt: skip
            given[variable] = np.repeat(value, count)
    with_units = {k: b2.Quantity.with_dimensions(v, k.dim) for k, v in given.items()}
    b2.device.run(run_args=with_units)
    return [np.array(array) for m in monitors for array in (m.i[:], m.t[:] / b2.second)]


def main() -> None:
    """Time the runs."""
    parser = arguments(__doc__, 10_080)
    parser.add_argument("--replicas", type=int, default=1000)
    given = parser.parse_args()
    needs(brian2="brian2")
    start = time.perf_counter()
    import brian2  # noqa: F401

    from benchmarks.peers import circuit

    circuit.quiet()
    sweep = chosen(given.points)
    runs = -(-len(sweep) // given.replicas)
    replicas = -(-len(sweep) // runs)  # so that the last run is filled up with little
    filled = sweep[np.minimum(np.arange(runs * replicas), len(sweep) - 1)]
    with tempfile.TemporaryDirectory() as name:
        built = build(Path(name), replicas)
        ready = time.perf_counter()
        found = [simulate(built, filled[k * replicas :][:replicas]) for k in range(runs)]
        real = [replicas] * (runs - 1) + [len(sweep) - (runs - 1) * replicas]
        spikes = []
        for (i0, t0, i1, t1), points in zip(found, real, strict=True):
            spikes += [t0[i0 < 2 * points], t1[i1 < points]]
        seconds = time.perf_counter() - ready
    how = (
        f"{replicas} replicas in one cpp_standalone network, {runs} runs of its program, Brian2's "
        "default flags, one core"
    )
    count = sum(times.size for times in spikes)
    report(Result(len(sweep), ready - start, seconds, count, how), "brian2")


if __name__ == "__main__":
    main()
