"""The two-to-one circuit as a user of Brian2 would write it: one network for each point.

This script shares nothing with the package; that is its point. It reads points, a JSON list of
``[neuron type, U_0, amplitude in mV]``, from one file, simulates some milliseconds of each, and
writes the spike times of all cells, in seconds, to another file::

    python plain_brian.py points.json spikes.npz 1000
"""

import json
import sys

import numpy as np
from brian2 import (
    Network,
    NeuronGroup,
    SpikeMonitor,
    Synapses,
    TimedArray,
    defaultclock,
    ms,
    mV,
    prefs,
    second,
)

prefs.codegen.target = "numpy"  # the results are the same, without compiling for minutes

#                                     a        b      c        d
abcd_neurons = {
    "regular_spiking":        [0.02 / ms, 0.2,  -65 * mV, 8 * mV],
    "intrinsically_bursting": [0.02 / ms, 0.2,  -55 * mV, 4 * mV],
    "chattering":             [0.02 / ms, 0.2,  -50 * mV, 2 * mV],
    "fast_spiking":           [0.10 / ms, 0.2,  -65 * mV, 2 * mV],
    "low_threshold_spiking":  [0.02 / ms, 0.25, -65 * mV, 2 * mV],
    "thalamo_cortical":       [0.02 / ms, 0.25, -65 * mV, 0.05 * mV],
    "resonator":              [0.10 / ms, 0.26, -65 * mV, 2 * mV],
}  # fmt: skip

neuron_eqs = """
dv/dt = (C1*v**2 + C2*v + C3 - u + C5*I)/ms : volt
du/dt = a*(b*v - u) : volt
"""
pre_input = """
I = I_app(t) : volt
"""
post_input = """
dI/dt = -I/tau_s : volt
"""

synapse_eqs = """
du_S/dt = -u_S/tau_f : 1 (event-driven)
dx_S/dt = (1 - x_S)/tau_d : 1 (event-driven)
"""
synapse_action = """
u_S += U_0*(1 - u_S)
r_S = u_S*x_S
x_S -= r_S
I_post += weight*r_S
"""


def simulate(neuron_type, U_0, amplitude, duration):
    """Return the spike times of pre0, pre1 and post0."""
    defaultclock.dt = 0.1 * ms
    a, b, c, d = abcd_neurons[neuron_type]
    constants = {
        "a": a, "b": b, "c": c, "d": d,
        "C1": 0.04 / mV, "C2": 5.0, "C3": 140 * mV, "C5": 1.0, "v_th": 30 * mV,
        "tau_s": 5 * ms, "U_0": U_0, "tau_f": 300 * ms, "tau_d": 500 * ms, "weight": 8 * mV,
        "I_app": TimedArray([0, amplitude] * mV, dt=20 * ms),
    }  # fmt: skip
    spiking = {"threshold": "v > v_th", "reset": "v = c; u += d", "method": "euler"}
    pre = NeuronGroup(2, neuron_eqs + pre_input, namespace=constants, **spiking)
    post = NeuronGroup(1, neuron_eqs + post_input, namespace=constants, **spiking)
    for group in (pre, post):
        group.v = -65 * mV
        group.u = "b*v"
    synapses = Synapses(pre, post, synapse_eqs, on_pre=synapse_action, namespace=constants)
    synapses.connect()
    synapses.x_S = 1
    pre_spikes, post_spikes = SpikeMonitor(pre), SpikeMonitor(post)
    network = Network(pre, post, synapses, pre_spikes, post_spikes)
    network.run(duration * ms, namespace={})
    trains = [*pre_spikes.spike_trains().values(), *post_spikes.spike_trains().values()]
    return [np.array(train / second) for train in trains]


if __name__ == "__main__":
    with open(sys.argv[1]) as file:
        points = json.load(file)
    trains = {}
    for number, point in enumerate(points):
        found = simulate(*point, duration=int(sys.argv[3]))
        for cell, times in zip(("pre0", "pre1", "post0"), found, strict=True):
            trains[f"{number} {cell}"] = times
    np.savez(sys.argv[2], **trains)
