"""The usual way: one Brian2 network per parameter point, in a loop. Prints seconds per point.

Run as ``python -m benchmarks.plain_loop POINTS``. Brian2's numpy target, as a script without a
compiler would use; the first point warms up imports and caches and is not counted.
"""

from __future__ import annotations

import itertools
import json
import logging
import sys
import time

import brian2 as b2

PRESETS = {  # a (1/ms), b, c (mV), d (mV)
    "regular_spiking": (0.02, 0.2, -65, 8),
    "intrinsically_bursting": (0.02, 0.2, -55, 4),
    "chattering": (0.02, 0.2, -50, 2),
    "fast_spiking": (0.1, 0.2, -65, 2),
}

DRIVEN = """
dv/dt = (C1*v**2 + C2*v + C3 - u + I)/ms : volt
du/dt = a*(b*v - u) : volt
I = I_on*int(t >= onset) : volt
"""
LISTENING = """
dv/dt = (C1*v**2 + C2*v + C3 - u + I)/ms : volt
du/dt = a*(b*v - u) : volt
dI/dt = -I/tau_s : volt
"""
SYNAPSE = """
du_S/dt = -u_S/tau_f : 1 (event-driven)
dx_S/dt = (1 - x_S)/tau_d : 1 (event-driven)
"""
ON_PRE = """
u_S += U_0*(1 - u_S)
r_S = u_S*x_S
x_S -= r_S
I_post += weight*r_S
"""


def simulate(preset: str, release: float, amplitude: float) -> int:
    """Simulate one point for a second; return its number of spikes."""
    a, b, c, d = PRESETS[preset]
    ms, mV = b2.ms, b2.mV
    names = {
        "a": a / ms, "b": b, "c": c * mV, "d": d * mV, "v_th": 30 * mV,
        "C1": 0.04 / mV, "C2": 5.0, "C3": 140 * mV, "I_on": amplitude * mV, "onset": 20 * ms,
        "U_0": release, "tau_f": 300 * ms, "tau_d": 500 * ms, "tau_s": 5 * ms, "weight": 8 * mV,
    }  # fmt: skip
    groups = []
    for count, equations in ((2, DRIVEN), (1, LISTENING)):
        group = b2.NeuronGroup(
            count, equations, threshold="v > v_th", reset="v = c; u += d", method="euler",
            namespace=names,
        )  # fmt: skip
        group.v = -65 * mV
        group.u = "b*v"
        groups.append(group)
    synapses = b2.Synapses(*groups, SYNAPSE, on_pre=ON_PRE, namespace=names)
    synapses.connect()
    synapses.x_S = 1
    monitors = [b2.SpikeMonitor(group) for group in groups]
    b2.Network(*groups, synapses, *monitors).run(1 * b2.second, namespace={})
    return sum(monitor.num_spikes for monitor in monitors)


def main() -> None:
    """Time the loop."""
    logging.getLogger("brian2").setLevel(logging.ERROR)
    b2.prefs.codegen.target = "numpy"
    wanted = int(sys.argv[1])
    points = itertools.cycle(itertools.product(PRESETS, (0.2, 0.5, 0.8), (6.0, 10.0, 14.0)))
    simulate(*next(points))
    start = time.perf_counter()
    spikes = sum(int(simulate(*next(points))) for _ in range(wanted))
    seconds = time.perf_counter() - start
    print(json.dumps({"points": wanted, "seconds": seconds, "spikes": spikes}))


if __name__ == "__main__":
    main()
