"""Neurons beside the seven of 2003: the book form, leaky and adaptive exponential ones."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import izhi
from izhi.accuracy import exact
from izhi.config.folder import conf_folder
from izhi.errors import ConfigError
from izhi.sweep import plan as plans

pytestmark = pytest.mark.usefixtures("quick_builds")

BOOK = sorted(f"book/{path.stem}" for path in (conf_folder() / "neuron" / "book").glob("*.yaml"))
FIRE = ["integrate_and_fire/adaptive_exponential", "integrate_and_fire/leaky"]
DRIVEN = {  # amplitudes in pA that each type answers
    "book/regular_spiking": [100], "book/intrinsically_bursting": [500], "book/chattering": [400],
    "book/low_threshold_spiking": [300], "book/fast_spiking": [200],
    "book/thalamo_cortical": [150, -1200], "book/reticular": [110, -350], FIRE[0]: [1000],
    FIRE[1]: [2000],
}  # fmt: skip


BUILT = ["book/low_threshold_spiking", FIRE[0]]  # with the rarest terms: clip() and exp()


@pytest.fixture(scope="module")
def driven(run):
    """Types driven by all amplitudes for 100 ms, and then released."""
    amplitudes = sorted({amplitude for row in DRIVEN.values() for amplitude in row})
    return lambda neurons, engine: run(
        f"neuron={neurons}", "circuit=single", "stimulus=step_current",
        "stimulus.amplitude=" + ",".join(f"{amplitude} pA" for amplitude in amplitudes),
        "stimulus.onset=10 ms", "stimulus.offset=110 ms", "simulation.duration=200 ms",
        f"run.engine={engine}",
    )  # fmt: skip


@pytest.fixture(scope="module")
def every(driven):
    return driven("glob([book/*,integrate_and_fire/*])", "numpy")


def test_the_seven_of_the_book_are_there(every):
    assert len(BOOK) == 7
    assert every.dataset["neuron"].values.tolist() == [*BOOK, *FIRE]


def test_both_engines_give_the_same_bits(every, driven, compiler):
    built = driven(",".join(BUILT), "compiled")
    for neuron in BUILT:
        for amplitude in built.dataset["amplitude"].values:
            point = {"neuron": neuron, "amplitude": amplitude}
            one, other = built.spike_times("cell0", **point), every.spike_times("cell0", **point)
            assert np.array_equal(one, other)
    assert built.spikes["spike_time"].size > 100


# The slow version: each type as its source writes it, in mV, ms and pA, one Euler step at a time.
# What is returned: the slopes of v and u, the peak, and what v and u are after a spike.


def quadratic(C, k, v_r, v_t):
    return lambda v, u, current: (k * (v - v_r) * (v - v_t) - u + current) / C


def simple(C, k, v_r, v_t, v_peak, a, b, c, d):
    return (
        v_r, quadratic(C, k, v_r, v_t), lambda v, u: a * (b * (v - v_r) - u),
        lambda u: v_peak, lambda u: (c, u + d),
    )  # fmt: skip


RULES = {
    "book/regular_spiking": simple(100, 0.7, -60, -40, 35, 0.03, -2, -50, 100),
    "book/intrinsically_bursting": simple(150, 1.2, -75, -45, 50, 0.01, 5, -56, 130),
    "book/chattering": simple(50, 1.5, -60, -40, 25, 0.03, 1, -40, 150),
    "book/low_threshold_spiking": (
        -56, quadratic(100, 1, -56, -42), lambda v, u: 0.03 * (8 * (v + 56) - u),
        lambda u: 40 - 0.1 * u, lambda u: (-53 + 0.04 * u, min(u + 20, 670)),
    ),
    "book/fast_spiking": (
        -55, quadratic(20, 1, -55, -40),
        lambda v, u: 0.2 * ((0 if v < -55 else 0.025 * (v + 55) ** 3) - u),
        lambda u: 25, lambda u: (-45, u),
    ),
    "book/thalamo_cortical": (
        -60, quadratic(200, 1.6, -60, -50),
        lambda v, u: 0.01 * ((15 if v <= -65 else 0) * (v + 65) - u),
        lambda u: 35 + 0.1 * u, lambda u: (-60 - 0.1 * u, u + 10),
    ),
    "book/reticular": (
        -65, quadratic(40, 0.25, -65, -45),
        lambda v, u: 0.015 * ((10 if v <= -65 else 2) * (v + 65) - u),
        lambda u: 0, lambda u: (-55, u + 50),
    ),
    FIRE[0]: (
        -70.6,
        lambda v, w, i: (30 * (-70.6 - v) + 60 * np.exp((v + 50.4) / 2) - w + i) / 281,
        lambda v, w: (4 * (v + 70.6) - w) / 144, lambda w: -40.4, lambda w: (-70.6, w + 80.5),
    ),
    FIRE[1]: (
        -65, lambda v, _, i: (-65 - v + 0.01 * i) / 10, lambda v, _: 0.0, lambda _: -50,
        lambda _: (-65, 0.0),
    ),
}  # fmt: skip


def slow(neuron, amplitude):
    """Return the steps in which a cell spikes: 100 without current, 1000 with, 900 without."""
    v, slope_v, slope_u, peak, after = RULES[neuron]
    u, found = 0.0, []
    for step in range(2000):
        current = amplitude if 100 <= step < 1100 else 0
        if not (neuron == FIRE[1] and found and step - found[-1] < 20):  # 2 ms of refractoriness
            v, u = v + 0.1 * slope_v(v, u, current), u + 0.1 * slope_u(v, u)
        if v > peak(u):
            found.append(step)
            v, u = after(u)
    return found


@pytest.mark.parametrize(
    ("neuron", "amplitude"), [(name, given) for name, row in DRIVEN.items() for given in row]
)
def test_every_type_spikes_as_its_source_says(neuron, amplitude, every):
    expected = slow(neuron, amplitude)
    assert expected
    times = every.spike_times("cell0", neuron=neuron, amplitude=amplitude)
    assert np.rint(times / 1e-4).astype(int).tolist() == expected
    assert (every.dataset["status"] == 0).all()


def test_a_thalamic_cell_bursts_when_it_is_released(every):
    times = every.spike_times("cell0", neuron="book/thalamo_cortical", amplitude=-1200)
    assert times[0] > 0.11 and np.diff(times)[0] < 0.02


# First spikes and steady intervals in ms of the regular-spiking cell at constant currents in pA, by
# an adaptive integrator of another project.
CONVERGED = {
    100: ([48.1801, 121.6459, 197.7697, 273.8019, 349.8371], 76.035), 85: ([], 100.690),
    70: ([100.0225], None), 60: ([172.1802, 400.2398], None),
}  # fmt: skip


def exactly(*overrides):
    """Return the exact spike times of a cell in ms."""
    plan = izhi.plan(["circuit=single", *overrides])
    (shard,) = plan.shards
    values = {key: float(given[0]) for key, given in plans.parameters(plan, shard).items()}
    (train,) = exact.trains(plan.batches[0].structure, values)
    return train * 1e3


def book(neuron, amplitude, *overrides):
    return exactly(
        f"neuron=book/{neuron}", "stimulus=step_current", f"stimulus.amplitude={amplitude} pA",
        "stimulus.onset=0 ms", "simulation.duration=520 ms", *overrides,
    )  # fmt: skip


@pytest.mark.parametrize("amplitude", CONVERGED)
def test_the_regular_spiking_cell_of_the_book_converges(amplitude):
    first, interval = CONVERGED[amplitude]
    times = book("regular_spiking", amplitude)
    assert times[: len(first)] == pytest.approx(first, abs=2e-4)
    if interval:
        assert np.diff(times)[-1] == pytest.approx(interval, abs=1e-3)


def test_the_weakest_current_of_the_book_fires_no_bursting_cell():
    assert book("intrinsically_bursting", 290).size == 0
    assert book("intrinsically_bursting", 370).size > 0


MAPPED = [
    "neuron.C=100 pF", "neuron.k=4 nS/mV", "neuron.v_r=-70 mV", "neuron.v_t=-55 mV",
    "neuron.v_peak=30 mV", "neuron.a=0.02/ms", "neuron.b=20 nS", "neuron.v_0=-65 mV",
]  # fmt: skip


def test_the_form_of_2003_and_that_of_the_book_are_one_model(run):
    """With C 100 pF: k 0.04 C, b 0.2 C, d and I times C, and v_r, v_t -70 and -55 mV."""
    common = [
        "circuit=single", "run.engine=numpy", "simulation.duration=400 ms",
        "neuron.c=-65 mV,-55 mV,-50 mV",
    ]  # fmt: skip
    one = run("neuron=regular_spiking", "stimulus.amplitude=10 mV", "neuron.d=8,4,2", *common)
    other = run(
        "neuron=book/regular_spiking", *MAPPED, "neuron.d=800,400,200", "stimulus=step_current",
        "stimulus.amplitude=1000 pA", *common,
    )  # fmt: skip
    for c, d in itertools.product((-65, -55, -50), (8, 4, 2)):
        times = one.spike_times("cell0", c=c, d=d)
        assert np.array_equal(times, other.spike_times("cell0", c=c, d=100 * d))
        assert times.size > 5


def test_both_forms_have_the_same_exact_spikes():
    one = exactly("neuron=chattering", "stimulus.amplitude=10 mV")
    other = book(
        "regular_spiking", 1000, "stimulus.onset=20 ms", "simulation.duration=1 s",
        "neuron.c=-50 mV", "neuron.d=200 pA", *MAPPED,
    )  # fmt: skip
    assert one.size == other.size == 87
    assert np.abs(one - other).max() < 1e-6


def test_a_start_at_rest_follows_what_it_is_made_of(run):
    study = run(
        "neuron=book/regular_spiking", "neuron.v_r=-60 mV,-62 mV", "neuron.v_0=rest,-50 mV",
        "circuit=single", "stimulus=step_current", "stimulus.onset=5 ms",
        "simulation.duration=10 ms", "record.traces=all", "record.interval=10 ms",
        "run.engine=numpy",
    )  # fmt: skip
    start = study.traces.isel(cell=0, time=0)
    assert start["v"].values == pytest.approx([-0.06, -0.05, -0.062, -0.05])
    assert start["u"].values == pytest.approx([0, -20e-12, 0, -24e-12], abs=1e-15)


def test_intervals_of_the_leaky_cell(run):
    """t_ref + tau_m ln((E_L + R I - v_reset)/(E_L + R I - v_th)), by analysis."""
    study = run(
        "neuron=integrate_and_fire/leaky", "circuit=single", "stimulus=step_current",
        "stimulus.amplitude=1600,2000,3000", "neuron.t_ref=0 ms,2 ms", "simulation.dt=0.01 ms",
        "simulation.duration=200 ms", "run.engine=numpy",
    )  # fmt: skip
    for amplitude, t_ref in itertools.product((1600, 2000, 3000), (0, 2)):
        times = study.spike_times("cell0", amplitude=amplitude, t_ref=t_ref)
        interval = np.diff(times)[-1] * 1e3
        expected = t_ref + 10 * np.log(amplitude / (amplitude - 1500))
        assert interval == pytest.approx(expected, abs=0.03)  # Euler's error


def test_a_neuron_with_currents_in_ampere_says_what_it_needs(run):
    wrong = {
        ("neuron=book/chattering",): "stimulus.amplitude = 10 mV is a voltage, but I in "
        "neuron.equations is a current: choose stimulus=step_current, or give stimulus.amplitude "
        "in ampere (100 pA)",
        ("neuron=book/chattering", "stimulus=step_current"): "synapse.weight = 8 mV is a voltage, "
        "but I in neuron.equations is a current: give synapse.weight in ampere (100 pA)",
        ("neuron=leaky",): "neuron = leaky: no such neuron; did you mean integrate_and_fire/leaky?",
        ("neuron=book",): "neuron = book: no such neuron; did you mean book/chattering?",
        ("neuron=book/chatering",): "neuron = book/chatering: no such neuron; did you mean "
        "book/chattering?",
    }  # fmt: skip
    for overrides, said in wrong.items():
        with pytest.raises(ConfigError) as error:
            run(*overrides)
        assert str(error.value) == said


def test_neurons_in_folders_can_be_drawn(tmp_path):
    (tmp_path / "neuron").mkdir()
    (tmp_path / "neuron" / "any.yaml").write_text(
        "draw: [book/chattering, book/fast_spiking]\n"
        "defaults: [/neuron/model/izhikevich_book@_here_, _self_]\n"
    )
    overrides = ["neuron=any", "stimulus=step_current", "circuit=single"]
    plan = izhi.plan([*overrides, "simulation.seed=range(0,20)"], config_dir=tmp_path)
    assert len(plan.batches) == 2
    (tmp_path / "neuron" / "any.yaml").write_text("draw: [book/chatering]")
    with pytest.raises(ConfigError, match=r"neuron.draw = book/chatering: no such neuron; did you"):
        izhi.plan(overrides, config_dir=tmp_path)
