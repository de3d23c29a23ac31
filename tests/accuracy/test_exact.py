"""Exact spike times: against values known otherwise, closed forms, and very small steps."""

from __future__ import annotations

import itertools
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import izhi
from izhi.accuracy import exact, synapse
from izhi.errors import ConfigError, IzhiError
from izhi.sweep import plan as plans
from izhi.sweep.structures import Structure

# Protocol: v_0 = -65 mV, u_0 = b*v_0, step to 10 mV at 20 ms, 1 s. Spikes; the first ones and the
# steady cycle of intervals in ms, computed elsewhere by an adaptive method of order 8.
STEPS = {
    "regular_spiking": (23, [23.741439, 44.695662, 89.552340, 134.364753], [44.812414]),
    "chattering": (
        87, [23.741439, 25.110825, 26.606643, 28.266393, 30.152675, 32.388449, 35.315519,
             81.373299], [1.811239, 2.114217, 2.655911, 4.779838, 47.950129],
    ),
    "fast_spiking": (134, [23.532987, 27.484652, 32.944246, 39.765616], [7.342650]),
    "thalamo_cortical": (272, [22.360621, 24.886128, 27.456812], [3.673304]),
    "resonator": (192, [20.544955, 23.775841, 27.701540], [5.123512]),
}  # fmt: skip
# From exact rest, a step at time 0: latency in ms
LATENCY = {
    "regular_spiking": 3.451625, "intrinsically_bursting": 3.451625, "chattering": 3.451625,
    "fast_spiking": 3.494403, "low_threshold_spiking": 2.431607, "thalamo_cortical": 2.431607,
    "resonator": 2.230832,
}  # fmt: skip
A_B = {
    "regular_spiking": (0.02, 0.2), "intrinsically_bursting": (0.02, 0.2),
    "chattering": (0.02, 0.2), "fast_spiking": (0.1, 0.2), "low_threshold_spiking": (0.02, 0.25),
    "thalamo_cortical": (0.02, 0.25), "resonator": (0.1, 0.26),
}  # fmt: skip
C_D = {
    "regular_spiking": (-65, 8), "chattering": (-50, 2), "fast_spiking": (-65, 2),
    "low_threshold_spiking": (-65, 2), "resonator": (-65, 2),
}  # fmt: skip

BOOK = """
model: book
equations: |
  dv/dt = (k*(v - v_r)*(v - v_t) - u + I)/C_m : volt
  du/dt = a*(b*(v - v_r) - u) : amp
threshold: v > v_peak
reset: |
  v = c
  u = u + d
a: 0.03/ms
b: -2 nS
c: -50 mV
d: 100 pA
k: 0.7 nS/mV
C_m: 100 pF
v_r: -60 mV
v_t: -40 mV
v_peak: 35 mV
v_0: -60 mV
u_0: 0 pA
"""
MAPPED = """
model: mapped
equations: |
  dv/dt = (k*(v - v_r)*(v - v_t) - u + I)/tau_m : volt
  du/dt = a*(b*(v - v_r) - u) : volt
threshold: v > v_peak
reset: |
  v = c
  u = u + d
rest:
  u: b*(v_0 - v_r)
constants: {tau_m: 1 ms, k: 0.04/mV}
a: 0.02/ms
b: 0.2
c: -65 mV
d: 8 mV
v_r: -70 mV
v_t: -55 mV
v_peak: 30 mV
v_0: -65 mV
u_0: rest
"""
LEAKY = """
model: leaky
equations: "dv/dt = (R*I - v)/tau_m : volt (unless refractory)"
threshold: v > v_th
reset: v = 0*volt
refractory: tau_r
R: 1
tau_m: 20 ms
tau_r: 2 ms
v_th: 15 mV
v_0: 0 mV
"""


def trains(*overrides: str, config_dir: Path | None = None) -> list[np.ndarray]:
    """Return the exact spike times of all cells of one point, in ms."""
    structure, values = point(*overrides, config_dir=config_dir)
    return [train * 1e3 for train in exact.trains(structure, values)]


def point(*overrides: str, config_dir: Path | None = None) -> tuple[Structure, dict[str, Any]]:
    """Return the structure and the values of one point."""
    plan = izhi.plan(list(overrides), config_dir=config_dir)
    (shard,) = plan.shards
    parameters = plans.parameters(plan, shard)
    return plan.batches[0].structure, {name: given[0] for name, given in parameters.items()}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "neuron").mkdir()
    (tmp_path / "stimulus").mkdir()
    (tmp_path / "synapse").mkdir()
    return tmp_path


def single(folder: Path, neuron: str, *overrides: str) -> np.ndarray:
    """Return the exact spike times of one cell of a neuron of one's own, in ms."""
    (folder / "neuron" / "mine.yaml").write_text(neuron)
    (train,) = trains("neuron=mine", "circuit=single", *overrides, config_dir=folder)
    return train


@pytest.mark.parametrize("neuron", STEPS)
def test_a_step_gives_the_known_spike_times(neuron: str) -> None:
    count, first, cycle = STEPS[neuron]
    (train,) = trains(f"neuron={neuron}", "circuit=single")
    assert train.size == count
    assert train[: len(first)] == pytest.approx(first, abs=1e-6)
    last = np.diff(train)[-len(cycle) :]
    turned = [np.roll(cycle, k) for k in range(len(cycle))]
    assert min(np.abs(last - one).max() for one in turned) < 2e-6


@pytest.mark.parametrize("neuron", LATENCY)
def test_from_exact_rest_the_known_latency(neuron: str) -> None:
    _, b = A_B[neuron]
    rest = (b - 5 - math.sqrt((5 - b) ** 2 - 0.16 * 140)) / 0.08
    (train,) = trains(
        f"neuron={neuron}", "circuit=single", f"neuron.v_0={rest!r} mV", "stimulus.onset=0",
        "simulation.duration='20 ms'",
    )  # fmt: skip
    assert train[0] == pytest.approx(LATENCY[neuron], abs=1e-6)


def test_a_neuron_of_the_book_has_its_known_times(folder: Path) -> None:
    first = [48.1801, 121.6459, 197.7697, 273.8019, 349.8371, 425.8721, 501.9071]
    train = single(folder, BOOK, "stimulus.amplitude='100 pA'", "stimulus.baseline='0 pA'",
                   "stimulus.onset=0")  # fmt: skip
    assert train[:7] == pytest.approx(first, abs=1e-4)
    assert np.diff(train)[-1] == pytest.approx(76.035, abs=5e-4)


@pytest.mark.parametrize("neuron", C_D)
def test_the_map_to_the_book_is_exact(neuron: str, folder: Path) -> None:
    (a, b), (c, d) = A_B[neuron], C_D[neuron]
    rest = (b - 5 - math.sqrt(max(0, (5 - b) ** 2 - 0.16 * 140))) / 0.08
    mapped = single(
        folder, MAPPED, f"neuron.a={a}/ms", f"neuron.b={b}", f"neuron.c={c} mV",
        f"neuron.d={d} mV", f"neuron.v_r={rest!r} mV", f"neuron.v_t={-125 - rest!r} mV",
        "simulation.duration='300 ms'",
    )  # fmt: skip
    (train,) = trains(f"neuron={neuron}", "circuit=single", "simulation.duration='300 ms'")
    assert train.size == mapped.size > 5
    assert mapped == pytest.approx(train, abs=1e-6)


def test_a_leaky_cell_with_a_refractory_period_in_closed_form(folder: Path) -> None:
    train = single(folder, LEAKY, "stimulus.amplitude='20 mV'", "stimulus.onset='3.21 ms'")
    climb = 20 * math.log(20 / (20 - 15))
    expected = 3.21 + climb + (climb + 2) * np.arange(train.size)
    assert train.size > 20
    assert train == pytest.approx(expected, abs=1e-7)


def test_pulses_that_a_rest_of_division_makes_are_met_exactly(folder: Path) -> None:
    (folder / "stimulus" / "pulses.yaml").write_text(
        "model: pulses\ncurrent: height*int(t % period < width)\n"
        "height: 1 mV\nperiod: 70 ms\nwidth: 2 ms\n"
    )
    neuron = (
        "model: sum\nequations: 'dv/dt = I/tau_m : volt'\nthreshold: v > v_th\n"
        "reset: v = v - v_th\ntau_m: 1 ms\nv_th: 5 mV\nv_0: 0 mV\n"
    )
    train = single(folder, neuron, "stimulus=pulses")
    # 2 mV a pulse: every 2.5 pulses, in the midst of the third and at the end of the fifth
    middle = [70 * k + 1 for k in range(2, 14, 5)]
    assert train[::2][:3] == pytest.approx(middle, abs=1e-7)


def test_a_threshold_that_moves_and_one_of_two_conditions(folder: Path) -> None:
    neuron = (
        "model: ramp\nequations: |\n  dv/dt = I/tau_m : volt\n  dw/dt = 1/tau_w : 1\n"
        "threshold: v + w*mV > v_th and not w < 20\nreset: v = 0*volt\n"
        "tau_m: 1 ms\ntau_w: 1 ms\nv_th: 30 mV\nv_0: 0 mV\n"
    )
    train = single(folder, neuron, "stimulus.amplitude='0.5 mV'", "stimulus.onset=0",
                   "simulation.duration='29 ms'")  # fmt: skip
    # v + w is 30 where w is 20 only by then; from there on the threshold alone decides
    second = 20 + 10 / 1.5
    assert train == pytest.approx([20, second, second + (30 - second) / 1.5], abs=1e-8)


def test_a_delayed_kick_fires_at_once(folder: Path) -> None:
    (folder / "neuron" / "mine.yaml").write_text(LEAKY)
    (folder / "synapse" / "kick.yaml").write_text(
        "model: kick\non_pre: v_post += weight\nweight: 16 mV\ndelay: 1.234 ms\n"
    )
    pre, _, post = trains("neuron=mine", "synapse=kick", "stimulus.amplitude='20 mV'",
                          config_dir=folder)  # fmt: skip
    assert post == pytest.approx(pre[: post.size] + 1.234, abs=1e-9)
    assert pre.size == 33 and post.size == 32  # the last one would arrive after the end


def test_releases_are_those_of_the_recurrences() -> None:
    structure, values = point("neuron=chattering", "synapse.U_0=0.4")
    (projection,) = structure.circuit.projections
    found = synapse.of(structure.circuit, projection, ["v", "u", "I_S"], values)
    times = [0.021, 0.0235, 0.031, 0.2, 0.2001]
    state, since, current = list(found.start), 0.0, [0.0, 0.0, 0.0]
    u, x, before, release = 0.0, 1.0, 0.0, []
    for t in times:
        link = exact.Link(found, None, state, since)  # type: ignore[arg-type]
        current = link.deliver(t, current)
        state, since = link.state, link.since
        u *= math.exp(-(t - before) / 0.3)
        x = 1 - (1 - x) * math.exp(-(t - before) / 0.5)
        u += 0.4 * (1 - u)
        release.append(u * x)
        x -= u * x
        before = t
    weight = values["pre_to_post.weight"]
    assert current[2] == pytest.approx(weight * sum(release), rel=1e-12)


def test_a_run_in_very_small_steps_comes_close(compiler, run) -> None:
    given = ["neuron=chattering", "synapse.U_0=0.5", "synapse.weight='12 mV'",
             "simulation.duration='150 ms'"]  # fmt: skip
    expected = trains(*given)
    assert expected[2].size > 3
    study = run(*given, "simulation.dt='0.002 ms'", "run.engine=compiled")
    for cell, train in zip(("pre0", "pre1", "post0"), expected, strict=True):
        assert study.spike_times(cell=cell) * 1e3 == pytest.approx(train, abs=0.1)


def test_a_regular_train_comes_when_it_is_due() -> None:
    pre, _, post = trains(
        "neuron@pre.neuron=source/regular_train", "pre.neuron.rate='40 Hz'",
        "pre.neuron.start='7.03 ms'", "synapse.weight='30 mV'", "synapse.U_0=0.9",
        "simulation.duration='200 ms'",
    )  # fmt: skip
    assert pre == pytest.approx(7.03 + 25 * np.arange(8), abs=1e-9)
    assert post.size > 0 and post[0] > 7.03


def test_a_ring_of_equal_cells_fires_together() -> None:
    found = trains("circuit=ring", "circuit.populations.cell.count=3", "synapse=static",
                   "simulation.duration='60 ms'")  # fmt: skip
    assert found[0].size > 1
    for a, b in itertools.pairwise(found):
        assert a == pytest.approx(b, abs=1e-9)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("R*I - v", "R*I - v*dt/tau_r"), "cell: dv/dt names the time step dt; there are no exact"),
        (("v = 0*volt", "v = 2*v_th"), "cell: spikes without end at"),
    ],
)
def test_what_has_no_exact_spike_times(change, said, folder: Path) -> None:
    neuron = LEAKY.replace(*change)
    if "2*v_th" in neuron:
        neuron = neuron.replace("refractory: tau_r\n", "").replace("tau_r: 2 ms\n", "")
    with pytest.raises((ConfigError, IzhiError), match=said):
        single(folder, neuron, "stimulus.amplitude='20 mV'")


def test_the_time_that_it_may_take_is_kept() -> None:
    structure, values = point("circuit=single")
    with pytest.raises(exact.Late):
        exact.trains(structure, values, seconds=0)


def test_cells_and_synapses_that_differ(folder: Path) -> None:
    (folder / "neuron" / "mine.yaml").write_text(
        LEAKY + "per_cell: {tau_m: 'tau_m*uniform(1, 2)'}\n"
    )
    (folder / "synapse" / "kick.yaml").write_text(
        "model: kick\non_pre: v_post += weight\nweight: 1 mV\ndelay: 1 ms\n"
        "per_synapse: {delay: 'delay*uniform(1, 9)', weight: weight + 15*mV}\n"
    )
    structure, values = point("neuron=mine", "synapse=kick", "stimulus.amplitude='20 mV'",
                              "simulation.duration='90 ms'", config_dir=folder)  # fmt: skip
    *pre, post = (train * 1e3 for train in exact.trains(structure, values))
    climb = values["pre.tau_m"] * 1e3 * math.log(20 / (20 - 15))
    assert values["pre.tau_m"].size == 2 and [one[0] - 20 for one in pre] == pytest.approx(climb)
    arrivals = [one[0] + 1e3 * d for one, d in zip(pre, values["pre_to_post.delay"], strict=True)]
    assert abs(arrivals[0] - arrivals[1]) > 2  # beyond the refractory period of the first
    assert post[:2] == pytest.approx(sorted(arrivals), abs=1e-7)


def test_a_synapse_whose_parameters_have_the_names_of_its_cells() -> None:
    found = trains("synapse=double_exponential", "simulation.duration='150 ms'")
    assert [one.size for one in found] == [4, 4, 2]
