"""Models that exist nowhere but here, as a user of Brian2 would write them: a network a point.

The two cells in front are adaptive exponential, the third is leaky, the synapse opens a
conductance; the configs in test_own_models.py say the same. Of izhi this takes the exponential and
the sine alone, whose last bits are the C library's otherwise. It reads points, a JSON list of
``[b in pA, E_rev in mV, amplitude in nA]``, from one file and writes spike times (s) and the states
at every step to another::

    python plain_own_models.py points.json results.npz
"""

import json
import sys

import numpy as np
from brian2 import (
    Network,
    NeuronGroup,
    SpikeMonitor,
    StateMonitor,
    Synapses,
    defaultclock,
    ms,
    mV,
    nA,
    nS,
    pA,
    pF,
    prefs,
    second,
    uS,
)
from brian2.codegen.generators.numpy_generator import NumpyCodeGenerator
from brian2.core.functions import DEFAULT_FUNCTIONS
from brian2.units import Hz, Mohm

from izhi import exponential, functions

prefs.codegen.target = "numpy"
for name, function in {"exp": exponential.exp, "sin": functions.FUNCTIONS["sin"]}.items():
    DEFAULT_FUNCTIONS[name].implementations.add_implementation(NumpyCodeGenerator, function)

PRE = """
dv/dt = (leak + growth - w + I)/C : volt (unless refractory)
dw/dt = (a*(v - E_L) - w)/tau_w : amp
leak = g_L*(E_L - v) : amp
growth = g_L*D_T*exp((v - v_T)/D_T) : amp
I = on*(amplitude + depth*ripple) : amp
on = int(t >= onset) : 1
ripple = sin(2*pi*frequency*t) : 1
"""
POST = """
dv/dt = (E_L - v + R*I)/tau_m : volt (unless refractory)
I = g*block*(E_rev - v) : amp
block = 1/(1 + exp(-v/slope)/3.57) : 1
dg/dt = (y - g)/tau_g : siemens
dy/dt = -y/tau_g : siemens
"""
SYNAPSE = """
dx/dt = (1 - x)/tau_rec : 1 (event-driven)
dp/dt = (p_rest - p)/tau_p : 1 (event-driven)
"""
RELEASE = """
released = p*x
x -= released
p += gain*(1 - p)
y_post += weight*released
"""


def simulate(b, E_rev, amplitude):
    """Return spike times of all cells and the states of one of each kind."""
    defaultclock.dt = 0.1 * ms
    of_pre = {
        "C": 200 * pF, "E_L": -70 * mV, "v_T": -50 * mV, "D_T": 2 * mV, "a": 2 * nS,
        "tau_w": 30 * ms, "b": b * pA, "v_r": -58 * mV, "tau_ref": 1 * ms, "v_cut": -30 * mV,
        "g_L": 10 * nS, "amplitude": amplitude * nA, "depth": 50 * pA, "frequency": 8 * Hz,
        "onset": 10 * ms,
    }  # fmt: skip
    of_post = {
        "E_L": -65 * mV, "R": 50 * Mohm, "tau_m": 20 * ms, "v_th": -50 * mV, "tau_g": 3 * ms,
        "E_rev": E_rev * mV, "slope": 16 * mV,
    }  # fmt: skip
    of_synapse = {
        "p_rest": 0.3, "gain": 0.2, "tau_rec": 120 * ms, "tau_p": 80 * ms, "weight": 3 * uS,
    }  # fmt: skip
    pre = NeuronGroup(
        2, PRE, threshold="v > v_cut", reset="v = v_r; w += b", refractory="tau_ref",
        method="euler", namespace=of_pre,
    )  # fmt: skip
    pre.v = of_pre["E_L"]
    pre.w = 0 * nA
    post = NeuronGroup(
        1, POST, threshold="v >= v_th", reset="v = E_L", refractory=3 * ms, method="euler",
        namespace=of_post,
    )  # fmt: skip
    post.v = of_post["E_L"]
    synapses = Synapses(pre, post, SYNAPSE, on_pre=RELEASE, delay=1.5 * ms, namespace=of_synapse)
    synapses.connect()
    synapses.x, synapses.p = 1, 0.3
    spikes = [SpikeMonitor(pre), SpikeMonitor(post)]
    states = [StateMonitor(pre, ["v", "w"], record=[0]), StateMonitor(post, ["v", "I"], record=[0])]
    Network(pre, post, synapses, spikes, states).run(0.2 * second, namespace={})
    times = [np.array(t / second) for m in spikes for t in m.spike_trains().values()]
    return times, [states[0].v_[0], states[0].w_[0], states[1].v_[0], states[1].I_[0]]


if __name__ == "__main__":
    with open(sys.argv[1]) as file:
        points = json.load(file)
    results = {}
    for number, point in enumerate(points):
        times, states = simulate(*point)
        for cell, train in zip(("pre0", "pre1", "post0"), times, strict=True):
            results[f"{number} {cell}"] = train
        for name, values in zip(("v pre0", "w pre0", "v post0", "I post0"), states, strict=True):
            results[f"{number} {name}"] = values
    np.savez(sys.argv[2], **results)
