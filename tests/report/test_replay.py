"""Synapses replayed from spikes: against integration, closed forms, and Brian2 itself."""

import json
import subprocess
import sys

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from izhi.models import synapse
from izhi.report.samples.replay import UnknownReplay, replay
from izhi.spikes import Trains, release
from izhi.units import NUMBER, SECOND, VOLT

CELL = {"v": VOLT, "u": VOLT}
TARGET = {"target": "dI_S/dt = -I_S/tau_s : current", "current": "I_S"}
DIMENSIONS = {
    "U_0": NUMBER, "x_S_0": NUMBER, "tau_f": SECOND, "tau_d": SECOND, "tau_s": SECOND,
    "weight": VOLT,
}  # fmt: skip
TSODYKS_MARKRAM = (
    "du_S/dt = -u_S/tau_f : 1 (event-driven)\ndx_S/dt = (1 - x_S)/tau_d : 1 (event-driven)",
    "u_S += U_0*(1 - u_S); r_S = u_S*x_S; x_S -= r_S; I_S_post += weight*r_S",
)
DURATION = 0.5
RANDOM = np.random.default_rng(7)


def read(equations, on_pre, **constants):
    texts = {"equations": equations, "on_pre": on_pre, **TARGET}
    used = {k: v for k, v in DIMENSIONS.items() if k.removesuffix("_0") in equations + on_pre}
    return synapse.read(texts, used | {"tau_s": SECOND}, constants, CELL, VOLT, "synapse")


def events(*trains):
    found = np.full((len(trains), max(map(len, trains))), np.nan)
    for at, train in enumerate(trains):
        found[at, : len(train)] = train
    return found


def many(number):
    """Return values and events of some synapses, the first of them without spikes."""
    values = {
        "U_0": RANDOM.uniform(0.1, 0.9, number), "tau_f": RANDOM.uniform(0.02, 0.5, number),
        "tau_d": RANDOM.uniform(0.02, 0.5, number), "x_S_0": np.ones(number),
    }  # fmt: skip
    trains = [np.sort(RANDOM.uniform(0, DURATION, n)) for n in range(number)]
    return values, events(*trains)


def at_spike(found, name, row, time):
    """Return a variable before and after a spike."""
    places = np.flatnonzero(found.time[row] == time)
    return found.values[name][row, places[0]], found.values[name][row, places[-1]]


def test_tsodyks_and_markram_release_as_the_closed_form_says() -> None:
    values, spikes = many(20)
    found = replay(read(*TSODYKS_MARKRAM), values, spikes, DURATION)
    assert list(found.values) == ["u_S", "x_S", "r_S"]
    for row in range(20):
        train = spikes[row][~np.isnan(spikes[row])]
        expected = release(
            Trains(train, [train.size]), *(values[name][row] for name in ("U_0", "tau_f", "tau_d"))
        )
        for k, time in enumerate(train):
            before, after = at_spike(found, "x_S", row, time)
            assert before - after == pytest.approx(expected[k], rel=1e-9)
            assert at_spike(found, "r_S", row, time)[1] == pytest.approx(expected[k], rel=1e-9)
        time, r_S = found.time[row], found.values["r_S"][row]
        assert np.isnan(r_S[time < train.min(initial=np.inf)]).all()
        assert (np.diff(time[~np.isnan(time)]) >= 0).all() and np.nanmax(time) == DURATION


def step(on_pre, state, names):
    """Run statements in Python."""
    scope = {**names, **state}
    exec(on_pre, {"__builtins__": {}}, scope)
    return {name: scope[name] for name in state}


MODELS = {
    "to U_0": (  # G. Mongillo et al., 2008: u decays to U_0 and is used before it is raised
        "du_S/dt = (U_0 - u_S)/tau_f : 1 (event-driven)\n"
        "dx_S/dt = (1 - x_S)/tau_d : 1 (event-driven)",
        "r_S = u_S*x_S; x_S -= r_S; u_S += U_0*(1 - u_S); I_S_post += weight*r_S",
        lambda t, y, U_0, tau_f, tau_d, **_: [(U_0 - y[0]) / tau_f, (1 - y[1]) / tau_d],
    ),
    "three states": (  # by way of an inactive state; its matrix has no basis of eigenvectors
        "dy_S/dt = -y_S/tau_d : 1 (event-driven)\n"
        "dx_S/dt = rest/tau_d : 1 (event-driven)\nrest = 1 - x_S - y_S : 1",
        "r_S = U_0*x_S; x_S -= r_S; y_S += r_S; I_S_post += weight*r_S",
        lambda t, y, tau_d, **_: [-y[0] / tau_d, (1 - y[1] - y[0]) / tau_d],
    ),
    "turning": (
        "dp_S/dt = (q_S - 0.1*p_S)/tau_f : 1 (event-driven)\n"
        "dx_S/dt = -x_S/tau_f : 1 (event-driven)\n"
        "dq_S/dt = (-p_S - 0.1*q_S)/tau_f : 1 (event-driven)",
        "p_S += U_0; x_S += p_S; I_S_post += weight*x_S",
        lambda t, y, tau_f, **_: [
            (y[2] - 0.1 * y[0]) / tau_f, -y[1] / tau_f, (-y[0] - 0.1 * y[2]) / tau_f
        ],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", MODELS)
def test_synapses_of_ones_own_are_replayed_as_integration_has_them(name) -> None:
    equations, on_pre, slopes = MODELS[name]
    model = read(equations, on_pre)
    values, spikes = many(5)
    found = replay(model, values, spikes, DURATION)
    states = [one.name for one in model.declared if one.kind == "state"]
    for row in range(5):
        numbers = {name: float(v[row]) for name, v in values.items()}
        state = {state: numbers["x_S_0"] if state == "x_S" else 0.0 for state in states}
        last = 0.0
        train = spikes[row][~np.isnan(spikes[row])]
        for stop in (*train, DURATION):
            within = (found.time[row] > last) & (found.time[row] < stop)
            solved = solve_ivp(
                lambda t, y, n=numbers: slopes(t, y, **n), (last, stop), list(state.values()),
                method="DOP853", rtol=1e-11, atol=1e-12, dense_output=True,
            )  # fmt: skip
            for k, state_name in enumerate(states):
                ours = found.values[state_name][row, within]
                expected = [solved.sol(t)[k] for t in found.time[row, within]]
                assert ours == pytest.approx(expected, abs=1e-8)
            state = dict(zip(states, solved.y[:, -1], strict=True))
            if stop < DURATION:
                own = on_pre.replace("; I_S_post += weight*r_S", "")
                own = own.replace("; I_S_post += weight*x_S", "")
                state = step(own, state, numbers)
            last = stop


SCRIPT = """
import json
from brian2 import *
prefs.codegen.target = "numpy"
times = [3.0, 7.5, 9.0, 30.2, 55.0]
source = SpikeGeneratorGroup(1, [0]*5, times*ms)
target = NeuronGroup(2, "w : 1")
pairs = Synapses(source, target, '''
    du_S/dt = -u_S/(30*ms) : 1 (event-driven)
    dx_S/dt = (1 - x_S)/(50*ms) : 1 (event-driven)
    U_0 : 1
    r_S : 1''', on_pre='''
    u_S += U_0*(1 - u_S)
    r_S = u_S*x_S
    x_S -= r_S
    w_post += r_S''')
pairs.connect()
pairs.U_0, pairs.x_S = [0.2, 0.7], 1
network, found = Network(source, target, pairs), []
for time in times:
    network.run(time*ms + 0.1*ms - network.t)
    found.append([[float(x) for x in getattr(pairs, name)] for name in ("u_S", "x_S", "r_S")])
print(json.dumps(found))
"""


def test_brian2_has_the_same_states_after_each_spike() -> None:
    plain = [sys.executable, "-W", "ignore", "-c", SCRIPT]
    told = subprocess.run(plain, capture_output=True, text=True, check=True).stdout
    times = np.array([3.0, 7.5, 9.0, 30.2, 55.0]) * 1e-3
    values = {"U_0": np.array([0.2, 0.7]), "tau_f": np.full(2, 0.03), "tau_d": np.full(2, 0.05),
              "x_S_0": np.ones(2)}  # fmt: skip
    found = replay(read(*TSODYKS_MARKRAM), values, events(times, times), 0.06)
    for time, states in zip(times, json.loads(told), strict=True):
        for name, expected in zip(("u_S", "x_S", "r_S"), states, strict=True):
            ours = [at_spike(found, name, row, time)[1] for row in range(2)]
            assert ours == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(
    ("equations", "on_pre", "said"),
    [
        ("dx_S/dt = -x_S/tau_d : 1 (event-driven)",
         "x_S += v_post/mV; I_S_post += weight*x_S", "x_S changes by more than presynaptic spikes"),
        ("dx_S/dt = -x_S/tau_d : 1 (event-driven)",
         "felt = u_post/mV; x_S = felt; I_S_post += weight*x_S", "more than presynaptic spikes"),
        ("dx_S/dt = -x_S/tau_d : 1 (event-driven)",
         "x_S += int(t > 5*ms); I_S_post += weight*x_S", "more than presynaptic spikes"),
    ],
)  # fmt: skip
def test_what_does_not_follow_from_spikes_alone_is_not_replayed(equations, on_pre, said) -> None:
    values, spikes = many(2)
    with pytest.raises(UnknownReplay, match=said):
        replay(read(equations, on_pre), values, spikes, DURATION)


def test_what_a_spike_takes_from_the_target_is_left_out_and_nothing_else() -> None:
    model = read(
        "dx_S/dt = (1 - x_S)/tau_d : 1 (event-driven)",
        "r_S = U_0*x_S; x_S -= r_S; full = weight*exp(1); drive = -v_post/mV; "
        "felt = r_S*drive; I_S_post += full*felt",
    )
    values, spikes = many(3)
    found = replay(model, {**values, "weight": np.ones(3)}, spikes, DURATION)
    assert list(found.values) == ["x_S", "r_S"]  # what is always the same is no state either


def test_a_sample_at_the_time_of_a_spike_is_of_what_comes_after_it() -> None:
    values, _ = many(1)
    found = replay(read(*TSODYKS_MARKRAM), values, events([0.25]), DURATION)
    at = np.flatnonzero(found.time[0] == 0.25)
    assert at.size == 3  # before, after, and the sample
    x_S, r_S = found.values["x_S"][0, at], found.values["r_S"][0, at]
    assert x_S == pytest.approx([1, 1 - values["U_0"][0], 1 - values["U_0"][0]])
    assert np.isnan(r_S[0]) and r_S[1:] == pytest.approx(values["U_0"][0])
