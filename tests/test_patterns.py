"""The 20 patterns of Izhikevich (2004): as published, and what they are when time steps vanish."""

from __future__ import annotations

import numpy as np
import pytest

import izhi
from izhi.accuracy import exact
from izhi.config.folder import conf_folder
from izhi.report.figures import galleries
from izhi.sweep import plan as plans

pytestmark = pytest.mark.usefixtures("quick_builds")

# The program that drew the paper's figure: a, b, c, d, V at the start, time step, end.
CELLS = {
    "tonic_spiking": (0.02, 0.2, -65, 6, -70, 0.25, 100),
    "phasic_spiking": (0.02, 0.25, -65, 6, -64, 0.25, 200),
    "tonic_bursting": (0.02, 0.2, -50, 2, -70, 0.25, 220),
    "phasic_bursting": (0.02, 0.25, -55, 0.05, -64, 0.2, 200),
    "mixed_mode": (0.02, 0.2, -55, 4, -70, 0.25, 160),
    "spike_frequency_adaptation": (0.01, 0.2, -65, 8, -70, 0.25, 85),
    "class_1_excitable": (0.02, -0.1, -55, 6, -60, 0.25, 300),
    "class_2_excitable": (0.2, 0.26, -65, 0, -64, 0.25, 300),
    "spike_latency": (0.02, 0.2, -65, 6, -70, 0.2, 100),
    "subthreshold_oscillations": (0.05, 0.26, -60, 0, -62, 0.25, 200),
    "resonator": (0.1, 0.26, -60, -1, -62, 0.25, 400),
    "integrator": (0.02, -0.1, -55, 6, -60, 0.25, 100),
    "rebound_spike": (0.03, 0.25, -60, 4, -64, 0.2, 200),
    "rebound_burst": (0.03, 0.25, -52, 0, -64, 0.2, 200),
    "threshold_variability": (0.03, 0.25, -60, 4, -64, 0.25, 100),
    "bistability": (0.1, 0.26, -60, 0, -61, 0.25, 300),
    "depolarizing_afterpotential": (1, 0.2, -60, -21, -70, 0.1, 50),
    "accommodation": (0.02, 1, -55, 4, -65, 0.5, 400),
    "inhibition_induced_spiking": (-0.02, -1, -60, 8, -63.8, 0.5, 350),
    "inhibition_induced_bursting": (-0.026, -1, -45, -2, -63.8, 0.5, 350),
}


def within(t, *pulses):
    return any(begin < t < end for begin, end in pulses)


def two_ramps(t):
    return t / 25 if t < 200 else 0 if t < 300 else (t - 300) / 12.5 * 4 if t < 312.5 else 0


INPUTS = {
    "tonic_spiking": lambda t: 14 * (t > 10),
    "phasic_spiking": lambda t: 0.5 * (t > 20),
    "tonic_bursting": lambda t: 15 * (t > 22),
    "phasic_bursting": lambda t: 0.6 * (t > 20),
    "mixed_mode": lambda t: 10 * (t > 16),
    "spike_frequency_adaptation": lambda t: 30 * (t > 8.5),
    "class_1_excitable": lambda t: 0.075 * (t - 30) if t > 30 else 0,
    "class_2_excitable": lambda t: -0.5 + (0.015 * (t - 30) if t > 30 else 0),
    "spike_latency": lambda t: 7.04 * within(t, (10, 13)),
    "subthreshold_oscillations": lambda t: 2 * within(t, (20, 25)),
    "resonator": lambda t: 0.65 * within(t, (40, 44), (60, 64), (280, 284), (320, 324)),
    "integrator": lambda t: (
        9 * within(t, (100 / 11, 100 / 11 + 2), (100 / 11 + 5, 100 / 11 + 7), (70, 72), (80, 82))
    ),
    "rebound_spike": lambda t: -15 * within(t, (20, 25)),
    "rebound_burst": lambda t: -15 * within(t, (20, 25)),
    "threshold_variability": lambda t: within(t, (10, 15), (80, 85)) - 6 * within(t, (70, 75)),
    "bistability": lambda t: 1.24 if within(t, (37.5, 42.5), (216, 221)) else 0.24,
    "depolarizing_afterpotential": lambda t: 20 * (abs(t - 10) < 1),
    "accommodation": two_ramps,
    "inhibition_induced_spiking": lambda t: 75 if 50 <= t <= 250 else 80,
    "inhibition_induced_bursting": lambda t: 75 if 50 <= t <= 250 else 80,
}


def slow(name):
    """Return the steps in which the published program records a spike."""
    a, b, c, d, v, dt, end = CELLS[name]
    linear, constant = (4.1, 108) if name in ("class_1_excitable", "integrator") else (5, 140)
    accommodates = name == "accommodation"
    u, found = -16 if accommodates else b * v, []
    for step in range(round(end / dt)):
        current = INPUTS[name](step * dt)
        v = v + dt * (0.04 * v**2 + linear * v + constant - u + current)
        u = u + dt * a * (b * (v + 65) if accommodates else b * v - u)
        if v > 30:
            found.append(step)
            v, u = c, u + d
    return found


COUNTS = {  # of spikes: as published, and exactly
    "tonic_spiking": (5, 5), "phasic_spiking": (1, 1), "tonic_bursting": (28, 29),
    "phasic_bursting": (6, 8), "mixed_mode": (6, 7), "spike_frequency_adaptation": (6, 6),
    "class_1_excitable": (10, 10), "class_2_excitable": (14, 18), "spike_latency": (1, 1),
    "subthreshold_oscillations": (1, 1), "resonator": (1, 1), "integrator": (1, 1),
    "rebound_spike": (1, 1), "rebound_burst": (7, 14), "threshold_variability": (1, 1),
    "bistability": (5, 7), "depolarizing_afterpotential": (1, 8), "accommodation": (1, 1),
    "inhibition_induced_spiking": (3, 4), "inhibition_induced_bursting": (12, None),
}  # fmt: skip


@pytest.fixture(scope="module")
def published(run):
    return run("+pattern=glob(*)", "run.engine=numpy")


def test_there_are_twenty(published):
    assert sorted(CELLS) == published.dataset["pattern"].values.tolist()
    assert (published.dataset["status"] == 0).all()


@pytest.mark.parametrize("name", CELLS)
def test_a_pattern_has_the_spikes_of_the_published_program(name, published):
    times = published.spike_times("cell0", pattern=name)
    steps = times * 1e3 / CELLS[name][5]
    assert np.rint(steps).astype(int).tolist() == slow(name)
    assert len(times) == COUNTS[name][0]


@pytest.mark.parametrize(("name", "first"), [("spike_latency", 26.6), ("rebound_spike", 68)])
def test_spikes_that_the_published_numerics_delay(name, first, published):
    assert published.spike_times("cell0", pattern=name)[0] * 1e3 == pytest.approx(first, abs=1e-9)


# What Open Source Brain's IzhikevichModel stores of the same program, which draws Fig. 2 of the
# paper of 2003 as well: it tells spikes by a lower potential, in the same sample or the one before.
# Start in mV, input in mV and its onset in ms, spikes in ms.
STORED = {
    "regular_spiking": (-63, 14, 15, [18.25, 24, 54.25, 87.5, 120.75]),
    "intrinsically_bursting": (-70, 11, 15, [18.5, 21, 24.75, 58.25, 87.5, 117.25, 146.75]),
    "chattering": (
        -70, 10, 15,
        [18.75, 20.75, 22.5, 24.75, 27.25, 30.25, 34.25, 81.75, 84.25, 87, 90.5, 137.25, 139.75,
         142.5, 146],
    ),
    "thalamo_cortical": (-63, 1.5, 30, [39.25, 53.25, 82.75, 120.25]),
}  # fmt: skip


def early(times, stored):
    """Return how many samples of 0.25 ms before its spikes a program stored them."""
    assert len(times) == len(stored)
    return set(np.round((times * 1e3 - stored) / 0.25, 6))


def test_spikes_that_others_stored_of_a_pattern(published):
    times = published.spike_times("cell0", pattern="tonic_spiking")
    assert early(times, [13, 17, 31.25, 59, 86.75]) == {0, 1}


def test_spikes_that_others_stored_of_the_neurons_of_2003(run):
    study = run(
        "neuron=" + ",".join(STORED), "neuron.v_0=-63,-70", "stimulus=pattern/step",
        "stimulus.amplitude=14,11,10,1.5", "stimulus.onset=15,30", "circuit=single",
        "simulation.method=semi_implicit", "simulation.dt=0.25", "simulation.duration=150 ms",
        "run.engine=numpy",
    )  # fmt: skip
    for neuron, (v_0, amplitude, onset, stored) in STORED.items():
        point = {"neuron": neuron, "v_0": v_0, "amplitude": amplitude, "onset": onset}
        assert early(study.spike_times("cell0", **point), stored) <= {0, 1}


def test_the_compiled_engine_gives_the_same_spikes(published, run, compiler):
    built = run("+pattern=class_1_excitable", "run.engine=compiled")
    expected = published.spike_times("cell0", pattern="class_1_excitable")
    assert np.array_equal(built.spike_times("cell0"), expected)


def exactly(name, *overrides):
    """Return the exact spike times in ms."""
    plan = izhi.plan([f"+pattern={name}", *overrides])
    (shard,) = plan.shards
    values = {key: float(given[0]) for key, given in plans.parameters(plan, shard).items()}
    (train,) = exact.trains(plan.batches[0].structure, values)
    return train * 1e3


# from one spike to many, and the two whose first spike is known
LEFT = ("tonic_spiking", "phasic_bursting", "mixed_mode", "class_1_excitable", "spike_latency",
        "rebound_spike", "inhibition_induced_spiking")  # fmt: skip


@pytest.mark.parametrize("name", [
    pytest.param(name, marks=[pytest.mark.soak] * (name not in LEFT))
    for name, (_, count) in COUNTS.items() if count
])  # fmt: skip
def test_what_is_left_of_a_pattern_when_time_steps_vanish(name):
    times = exactly(name)
    assert len(times) == COUNTS[name][1]
    first = {"spike_latency": 16.59, "rebound_spike": 57.63}
    assert times[0] == pytest.approx(first.get(name, times[0]), abs=0.005)


def test_inhibition_induced_bursting_runs_away_when_time_steps_vanish():
    intervals = np.diff(exactly("inhibition_induced_bursting", "simulation.duration=130 ms"))
    assert len(intervals) > 30 and (np.diff(intervals) < 0).all()


def test_tonic_spiking_is_known_to_the_microsecond():
    known = [12.6305, 16.1171, 28.9216, 55.9179, 82.6647]
    assert exactly("tonic_spiking") == pytest.approx(known, abs=1e-4)


def test_a_pattern_s_file_says_whether_it_lasts():
    """The line of its file on exact spikes names both counts, or says that they agree."""
    for name, (published, exact_count) in COUNTS.items():
        text = (conf_folder() / "pattern" / f"{name}.yaml").read_text()
        (line,) = [part for part in text.splitlines() if part.startswith("# Converged: ")]
        if exact_count is not None and exact_count != published:
            assert f"{exact_count} spikes instead of {published}" in line
        elif exact_count:
            assert "the same" in line or "the spike comes at" in line


def test_patterns_are_swept_like_any_other_choice(run):
    study = run("+pattern=tonic_spiking,mixed_mode", "neuron.d=2 mV,6 mV", "run.engine=numpy")
    assert study.dataset["spike_count"].sizes == {"pattern": 2, "d": 2, "cell": 1}
    counts = study.dataset["spike_count"].isel(cell=0)
    assert counts.sel(pattern="tonic_spiking", d=6) == 5
    assert (counts.sel(d=2) > counts.sel(d=6)).all()


def test_the_figure_draws_each_spike_up_to_its_peak():
    names = ("tonic_spiking", "depolarizing_afterpotential")  # of two time steps
    assert set(CELLS) == set(galleries.PATTERNS)
    figure = izhi.plot(f"+pattern={','.join(names)}", "gallery")
    for number, (letter, name) in enumerate(zip("AQ", names, strict=True)):
        upper, lower = figure.axes[2 * number : 2 * number + 2]
        assert upper.get_title() == f"({letter}) {name.replace('_', ' ')}"
        t, v = upper.lines[0].get_data()
        (peaks,) = np.nonzero(v == 30)
        assert v.max() == 30 and peaks.size == COUNTS[name][0]
        assert t[peaks] == pytest.approx(t[peaks + 1]) and (v[peaks + 1] < -50).all()
        t, current = lower.lines[0].get_data()
        inputs = [INPUTS[name](round(time, 6)) for time in t]
        assert current == pytest.approx(inputs, abs=1e-12)
