"""NEST with its own models, many replicas in one kernel: ``python -m benchmarks.peers.nest_sim``.

The neurons are NEST's ``izhikevich`` (forward Euler at the resolution, as here), the synapses its
``tsodyks2_synapse``. What differs from the circuit of the others: a release moves the membrane
potential at once, by weight*r_S, since NEST's model has no synaptic current that decays; and a
spike arrives after a delay, which cannot be 0. The driven cells and the releases are the same.
Building the network belongs to the seconds, as every batch builds its own.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks import points as p
from benchmarks.peers import Result, arguments, chosen, needs, report


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Keep NEST's greeting, which its C++ writes, off stdout."""
    kept, null = os.dup(1), os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    try:
        yield
    finally:
        os.dup2(kept, 1)
        os.close(kept)
        os.close(null)


def simulate(batch: p.Points, delay: float) -> list[NDArray[Any]]:
    """Simulate a batch in a kernel of its own; return senders and times (ms) of its spikes."""
    import nest

    nest.ResetKernel()
    nest.resolution, nest.local_num_threads = p.DT, 1
    n = len(batch)
    cells = {
        "a": batch.a, "b": batch.b, "c": batch.c, "d": batch.d, "V_m": np.full(n, p.V_START),
        "U_m": batch.b * p.V_START,
    }  # fmt: skip
    pre0, pre1, post = (
        nest.Create("izhikevich", n, params={**cells, "V_th": np.full(n, p.V_TH)}) for _ in range(3)
    )
    synapse = {
        "synapse_model": "tsodyks2_synapse", "weight": np.full(n, p.WEIGHT),
        "delay": np.full(n, delay), "U": batch.U_0, "u": batch.U_0,  # that of the first spike
        "tau_rec": np.full(n, p.TAU_D), "tau_fac": np.full(n, p.TAU_F),
    }  # fmt: skip
    for pre in (pre0, pre1):
        nest.Connect(pre, post, "one_to_one", synapse)
    recorder = nest.Create("spike_recorder", params={"record_to": "memory"})
    for cells_of in (pre0, pre1, post):
        nest.Connect(cells_of, recorder, syn_spec={"delay": delay})
    with nest.RunManager():  # prepares once for both parts
        nest.Run(p.ONSET)
        for pre in (pre0, pre1):
            pre.I_e = batch.amplitude
        nest.Run(p.STEPS * p.DT - p.ONSET)
    events = recorder.events
    return [np.asarray(events["senders"]), np.asarray(events["times"])]


def main() -> None:
    """Time the batches."""
    parser = arguments(__doc__, 1000)
    parser.add_argument("--replicas", type=int, default=500)
    parser.add_argument("--delay", type=float, default=1.0, help="ms")
    given = parser.parse_args()
    needs(nest="nest-simulator")
    start = time.perf_counter()
    with quiet():
        import nest

    nest.verbosity = nest.VerbosityLevel.ERROR
    sweep = chosen(given.points)
    simulate(sweep[:10], given.delay)  # loads what NEST loads on first use
    ready = time.perf_counter()
    runs = -(-len(sweep) // given.replicas)
    parts = [sweep[part] for part in np.array_split(np.arange(len(sweep)), runs)]
    spikes = [simulate(part, given.delay) for part in parts]
    seconds = time.perf_counter() - ready
    count = sum(times.size for _, times in spikes)
    how = (
        f"izhikevich and tsodyks2_synapse (no synaptic current, delay {given.delay} ms), "
        f"{len(parts[0])} replicas in a kernel, 1 thread, one core"
    )
    report(Result(len(sweep), ready - start, seconds, count, how), "nest-simulator")


if __name__ == "__main__":
    main()
