"""The circuit in JAX: a jitted ``lax.scan`` over steps, in float64: ``benchmarks.peers.jax_scan``.

Replicas are side by side in arrays. Synapses decay in every step, by a factor, since an array
program has nothing to gain from waiting for a spike. What a spike does is put off to the next step,
where it is a comparison of what the loop carries; within a step XLA would compute all of a cell
anew for each array that depends on the spike. A step gives a byte per replica with a bit for each
cell that spiked in the step before; numpy decodes these, which is part of the seconds.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from math import exp
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks import points as p
from benchmarks.peers import Result, arguments, chosen, needs, report

FLAGS = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"


def one_core() -> None:
    """Keep this process, with the threads that XLA is going to start, on one core."""
    os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} {FLAGS}".strip()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


def program(unroll: int) -> Callable[..., Any]:
    """Return the jitted simulation: parameters by name to a byte per step and replica."""
    import jax
    import jax.numpy as jnp
    from jax import lax

    keep_u, keep_x = exp(-p.DT / p.TAU_F), exp(-p.DT / p.TAU_D)

    def cell(q: dict[str, Any], v: Any, u: Any, current: Any) -> tuple[Any, Any]:
        spike = v > p.V_TH
        v, u = jnp.where(spike, q["c"], v), jnp.where(spike, u + q["d"], u)
        v_next = v + p.DT * (p.C1 * v * v + p.C2 * v + p.C3 - u + current)
        return v_next, u + p.DT * q["a"] * (q["b"] * v - u)

    def step(q: dict[str, Any], drive: Any, state: Any) -> tuple[Any, Any]:
        cells, current, synapses = state
        spikes = [v > p.V_TH for v, _ in cells]
        bits = sum(spike.astype(jnp.uint8) << n for n, spike in enumerate(spikes))
        kept = []
        for spike, (u_s, x_s) in zip(spikes, synapses, strict=False):
            u_s = jnp.where(spike, u_s + q["U_0"] * (1 - u_s), u_s)
            released = jnp.where(spike, u_s * x_s, 0.0)
            kept.append((keep_u * u_s, 1 - keep_x * (1 - (x_s - released))))
            current = current + p.WEIGHT * released
        moved = [cell(q, *s, i) for s, i in zip(cells, (drive, drive, current), strict=True)]
        return (tuple(moved), current - p.DT / p.TAU_S * current, tuple(kept)), bits

    @jax.jit
    def simulate(q: dict[str, Any]) -> Any:
        zero = jnp.zeros_like(q["b"])
        start = (zero + p.V_START, q["b"] * p.V_START)
        state = ((start,) * 3, zero, ((zero, zero + 1.0),) * 2)
        onset = round(p.ONSET / p.DT)
        found = []
        for drive, steps in ((zero, onset), (q["amplitude"], p.STEPS - onset)):
            state, bits = lax.scan(
                lambda s, _, drive=drive: step(q, drive, s), state, length=steps, unroll=unroll
            )
            found.append(bits)
        last = sum((v > p.V_TH).astype(jnp.uint8) << n for n, (v, _) in enumerate(state[0]))
        return (*found, last[None])

    return simulate


def decoded(bits: NDArray[np.uint8], first_step: int) -> list[tuple[NDArray[Any], NDArray[Any]]]:
    """Return, for each cell, the replicas that spiked and when, in ms.

    Few bytes are other than 0, so eight are looked at together.
    """
    flat = bits.reshape(-1)
    words = np.flatnonzero(flat[: flat.size // 8 * 8].view(np.uint64))
    places = (words[:, None] * 8 + np.arange(8)).ravel()
    places = np.concatenate([places, np.arange(flat.size // 8 * 8, flat.size)])
    places = places[flat[places] != 0]
    values = flat[places]
    step, replica = np.divmod(places, bits.shape[1])
    time_of = (first_step + step) * p.DT
    return [(replica[on], time_of[on]) for on in (values >> n & 1 != 0 for n in range(p.CELLS))]


def run(simulate: Callable[..., Any], batch: p.Points) -> list[tuple[NDArray[Any], NDArray[Any]]]:
    """Simulate a batch; return replicas and times of its spikes."""
    found, step = [], -1
    for bits in map(np.asarray, simulate(vars(batch))):
        found += decoded(bits, step)
        step += len(bits)
    return found


def main() -> None:
    """Time the batches."""
    parser = arguments(__doc__, 10_080)
    parser.add_argument("--replicas", type=int, default=2600, help="of a batch")
    parser.add_argument("--unroll", type=int, default=1)
    given = parser.parse_args()
    needs(jax="jax")
    start = time.perf_counter()
    one_core()
    import jax

    jax.config.update("jax_enable_x64", True)
    sweep = chosen(given.points)
    runs = -(-len(sweep) // given.replicas)
    replicas = -(-len(sweep) // runs)
    filled = sweep[np.minimum(np.arange(runs * replicas), len(sweep) - 1)]
    simulate = program(given.unroll)
    run(simulate, filled[:replicas])  # compiles
    ready = time.perf_counter()
    spikes = []
    for k in range(runs):
        real = min(replicas, len(sweep) - k * replicas)
        found = run(simulate, filled[k * replicas :][:replicas])
        spikes += [times[replica < real] for replica, times in found]
    seconds = time.perf_counter() - ready
    count = sum(times.size for times in spikes)
    how = (
        f"jitted lax.scan over {replicas} replicas, float64, unroll {given.unroll}, spikes as bits "
        "of each step decoded by numpy, one core"
    )
    report(Result(len(sweep), ready - start, seconds, count, how), "jax", "jaxlib")


if __name__ == "__main__":
    main()
