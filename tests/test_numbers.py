"""The right numbers: what analysis and converged integration say of neurons and synapses.

Converged values were computed with an adaptive Runge-Kutta integrator at tolerances of 1e-9 and
less that locates each crossing of 30 mV. Brian2 stamps a spike with the start of the step in whose
course v passed the threshold, so one time step is added before times are compared.
"""

import itertools

import numpy as np
import pytest

pytestmark = pytest.mark.usefixtures("quick_builds")

RS, IB, CH = "regular_spiking", "intrinsically_bursting", "chattering"
FS, LTS, TC, RZ = "fast_spiking", "low_threshold_spiking", "thalamo_cortical", "resonator"
SEVEN = (RS, IB, CH, FS, LTS, TC, RZ)

REST = {  # v and u in mV: the lower root of 0.04 v^2 + (5 - b) v + 140 = 0, and b v
    RS: (-70, -14), IB: (-70, -14), CH: (-70, -14), FS: (-70, -14),
    LTS: (-64.413911, -16.103478), TC: (-64.413911, -16.103478), RZ: (-62.5, -16.25),
    "resonator_forum": (-64.413911, -16.103478),
}  # fmt: skip

STEP = {  # first spikes in ms of a cell that starts at (-65, b*-65) and gets 10 mV from 20 ms on
    RS: [23.741439, 44.695662, 89.552340, 134.364753],
    CH: [23.741439, 25.110825, 26.606643, 28.266393, 30.152675, 32.388449, 35.315519, 81.373299],
    FS: [23.532987, 27.484652, 32.944246, 39.765616],
    TC: [22.360621, 24.886128, 27.456812],
    RZ: [20.544955, 23.775841, 27.701540],
}
FROM_ZERO = {  # the same of a cell that starts at (c, 0), as in the Brian forum thread
    RS: [39.685807, 84.419072],
    CH: [40.089888, 41.898604, 44.008846, 46.656574, 51.354958],
    FS: [24.026223],
}
RESET = {RS: -65, IB: -55, CH: -50, FS: -65}
STEADY = {RS: 44.812414, FS: 7.342650, TC: 3.673304, RZ: 5.123512}  # intervals in ms
CHATTERING_CYCLE = [1.811239, 2.114217, 2.655911, 4.779838, 47.950129]
LATENCY = {RS: 3.451625, FS: 3.494403, LTS: 2.431607, TC: 2.431607, RZ: 2.230832}

FIRST_SPIKE = {RS: 2.7103, FS: 3.3287, LTS: 0.3410, RZ: 0.2063}  # step from rest, in mV
SUSTAINED = {RS: 3.774, CH: 3.774, FS: 3.860, LTS: 0.656, TC: 0.656, RZ: 0.206}


def values(numbers, unit):
    return ",".join(f"{number:.10g} {unit}" for number in numbers)


def milliseconds(study, cell="cell0", **point):
    return study.spike_times(cell, **point) * 1e3


def test_cells_without_input_come_to_rest(run):
    study = run(
        "neuron=" + ",".join(REST), "circuit=single", "stimulus.amplitude=0 mV",
        "simulation.duration=1 s", "record.traces=all", "record.interval=999 ms",
        "run.engine=numpy",
    )  # fmt: skip
    for name, (v, u) in REST.items():
        assert milliseconds(study, neuron=name).max(initial=0) < 50
        trace = study.traces.isel(cell=0, time=-1, trace=study.traces["neuron"].values == name)
        assert trace["v"].item() * 1e3 == pytest.approx(v, abs=1e-6)
        assert trace["u"].item() * 1e3 == pytest.approx(u, abs=1e-6)


@pytest.fixture(scope="module")
def onsets(run):
    """Steps of many sizes from rest, to find the least that is answered, at two time steps."""
    amplitudes = [i + 1e-4 * k for i in FIRST_SPIKE.values() for k in range(-25, 8)]
    return run(
        "neuron=" + ",".join(FIRST_SPIKE),
        "neuron.v_0=" + values(sorted({REST[n][0] for n in FIRST_SPIKE}), "mV"),
        "stimulus.amplitude=" + values(sorted(amplitudes), "mV"), "stimulus.onset=0 ms",
        "circuit=single", "simulation.duration=150 ms", "simulation.dt=0.02 ms,0.01 ms",
        "run.engine=numpy",
    )  # fmt: skip


@pytest.mark.parametrize("neuron", FIRST_SPIKE)
def test_the_least_step_that_fires_a_resting_cell(neuron, onsets):
    expected = FIRST_SPIKE[neuron]
    found = []
    for dt in (0.02, 0.01):
        counts = onsets.dataset["spike_count"].sel(
            neuron=neuron, v_0=REST[neuron][0], dt=dt, cell="cell0"
        )
        counts = counts.where(abs(counts["amplitude"] - expected) < 0.003, drop=True)
        fires = counts.values > 0
        assert (np.diff(fires.astype(int)) >= 0).all()
        found.append(float(counts["amplitude"][np.argmax(fires)]))
        assert not fires[0] and fires[-1]
    # Euler's method is first order here as well: what is left goes with the time step
    assert 2 * found[1] - found[0] == pytest.approx(expected, abs=2e-4)
    assert found[1] == pytest.approx(expected, abs=1e-3)


@pytest.fixture(scope="module")
def lasting(run):
    """Long steps a little below and above the least that keep cells firing."""
    amplitudes = {limit + change for limit in SUSTAINED.values() for change in (-0.002, 0.002)}
    return run(
        "neuron=" + ",".join(SUSTAINED),
        "neuron.v_0=" + values(sorted({REST[n][0] for n in SUSTAINED}), "mV"),
        "stimulus.amplitude=" + values(sorted(amplitudes), "mV"), "stimulus.onset=0 ms",
        "circuit=single", "simulation.duration=1500 ms", "simulation.dt=0.02 ms",
        "run.engine=numpy",
    )  # fmt: skip


@pytest.mark.parametrize("neuron", SUSTAINED)
def test_the_least_step_that_keeps_a_cell_firing(neuron, lasting):
    def fired(amplitude):
        return milliseconds(lasting, neuron=neuron, v_0=REST[neuron][0], amplitude=amplitude)

    few, many = fired(SUSTAINED[neuron] - 0.002), fired(SUSTAINED[neuron] + 0.002)
    assert few.max(initial=0) < 100  # at most an answer to the onset, then silence
    assert (few.size > 0) == (neuron != RZ)
    assert many.size >= 5 and many[-1] > 1200  # still firing at the end


@pytest.fixture(scope="module")
def fine(run):
    """Steps to 10 mV at small time steps, from all starts, with the reset potentials as v_0."""
    return run(
        "neuron=" + ",".join([*STEP, IB]), "neuron.v_0=-65 mV,-55 mV,-50 mV",
        "neuron.u_0=rest,0 mV", "circuit=single", "simulation.duration=150 ms",
        "simulation.dt=0.008 ms,0.004 ms,0.002 ms", "run.engine=numpy",
    )  # fmt: skip


def errors(study, neuron, dt, expected, **start):
    times = milliseconds(study, neuron=neuron, dt=dt, **start)
    return times[: len(expected)] + dt - expected


@pytest.mark.parametrize("neuron", STEP)
def test_spike_times_converge(neuron, fine):
    for dt in (0.008, 0.004, 0.002):
        late = errors(fine, neuron, dt, STEP[neuron], v_0=-65, u_0="rest")
        assert (late > 0).all() and (late < 25 * dt).all()  # Euler's method is late
        assert late[0] < 3.5 * dt


def test_errors_halve_with_the_time_step(fine):
    total = {
        dt: sum(
            errors(fine, neuron, dt, expected, v_0=-65, u_0="rest").sum()
            for neuron, expected in STEP.items()
        )
        for dt in (0.008, 0.004, 0.002)
    }
    assert total[0.008] / total[0.004] == pytest.approx(2, rel=0.1)
    assert total[0.004] / total[0.002] == pytest.approx(2, rel=0.1)
    assert abs(2 * total[0.002] - total[0.004]) < 0.05 * total[0.002]  # and to nothing


@pytest.mark.parametrize("neuron", FROM_ZERO)
def test_spike_times_from_the_start_of_the_forum_thread(neuron, fine):
    late = errors(fine, neuron, 0.002, FROM_ZERO[neuron], v_0=RESET[neuron], u_0="0 mV")
    assert (late > 0).all() and (late < 0.035).all()


def test_a_start_at_zero_recovery_hides_the_burst_of_intrinsically_bursting_cells(fine):
    rest = np.diff(milliseconds(fine, neuron=IB, dt=0.002, v_0=-65, u_0="rest"))
    zero = np.diff(milliseconds(fine, neuron=IB, dt=0.002, v_0=-55, u_0="0 mV"))
    assert rest[:2] == pytest.approx([2.2, 3.8], abs=0.1) and (rest[2:] > 20).all()
    assert (zero > 25).all()


@pytest.mark.parametrize("neuron", LATENCY)
def test_latencies_from_rest(neuron, run):
    study = run(
        f"neuron={neuron}", f"neuron.v_0={REST[neuron][0]} mV", "circuit=single",
        "stimulus.onset=0 ms", "simulation.duration=6 ms", "simulation.dt=0.001 ms",
        "run.engine=numpy",
    )  # fmt: skip
    late = milliseconds(study)[0] + 0.001 - LATENCY[neuron]
    assert 0 < late < 0.004


@pytest.fixture(scope="module")
def coarse(run):
    """A step to 10 mV over the usual second, at usual time steps."""
    return run(
        "neuron=" + ",".join(SEVEN), "circuit=single", "run.engine=numpy",
        "simulation.dt=1 ms,0.5 ms,0.25 ms,0.1 ms,0.05 ms,0.0125 ms",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("neuron", "counts"),
    [  # at 1, 0.5, 0.25, 0.1 and 0.05 ms
        # At 0.5 and 0.25 ms this count hangs on rounding. A Brian2 script gives 110 and 120 when a
        # is a constant of the script, as here, and 111 and 120 when it is a parameter of the cell.
        (FS, [109, 110, 120, 128, 131]),
        (TC, [197, 219, 234, 255, 262]),
        (CH, [72, 77, 82, 86, 87]),
    ],
)
def test_counts_of_the_forward_euler_method(neuron, counts, coarse):
    found = coarse.dataset["spike_count"].sel(neuron=neuron, cell="cell0")
    assert found.values[:5].tolist() == counts


@pytest.mark.parametrize(
    ("neuron", "intervals"),
    [(RS, [47, 46, 45.5, 45.1, 44.95]), (LTS, [15, 14, 13.75, 13.68, 13.5])],
)
def test_steady_intervals_of_the_forward_euler_method(neuron, intervals, coarse):
    for dt, expected in zip((1, 0.5, 0.25, 0.1, 0.05), intervals, strict=True):
        last = np.diff(milliseconds(coarse, neuron=neuron, dt=dt))[-5:]
        # below 0.25 ms the low-threshold cell alternates between two multiples of dt
        slack = dt / 2 if neuron == LTS and dt < 0.25 else 1e-6
        assert last.mean() == pytest.approx(expected, abs=slack)


@pytest.mark.parametrize("neuron", STEADY)
def test_steady_intervals_approach_the_converged_ones(neuron, coarse):
    for dt in (0.1, 0.05, 0.0125):
        last = np.diff(milliseconds(coarse, neuron=neuron, dt=dt))[-8:]
        assert 1.5 * dt < last.mean() - STEADY[neuron] < 4.5 * dt


def test_the_cycle_of_chattering_cells(coarse):
    intervals = np.diff(milliseconds(coarse, neuron=CH, dt=0.0125))
    (pauses,) = np.nonzero(intervals > 20)
    for at in pauses[1:-1]:  # the first burst is longer
        cycle = intervals[at - 4 : at + 1]
        assert cycle == pytest.approx(CHATTERING_CYCLE, abs=0.12)
        assert 0 < cycle.sum() - sum(CHATTERING_CYCLE) < 0.3


def test_errors_of_steady_intervals_halve_with_the_time_step(run):
    """Intervals lock to the grid of steps; the mean over many amplitudes does not."""
    steps = (0.1, 0.05, 0.025)
    study = run(
        "neuron=" + ",".join([*STEADY, LTS]), "stimulus.amplitude=range(9.5,10.5,0.025)",
        "simulation.dt=" + values(steps, "ms"), "circuit=single", "run.engine=numpy",
        "simulation.duration=700 ms",
    )  # fmt: skip
    mean = []
    for dt in steps:
        last = [
            np.diff(milliseconds(study, neuron=neuron, dt=dt, amplitude=amplitude))[-6:].mean()
            for neuron in study.dataset["neuron"].values
            for amplitude in study.dataset["amplitude"].values
        ]
        mean.append(np.mean(last))
    gained = -np.diff(mean)
    assert gained[0] / gained[1] == pytest.approx(2, rel=0.1)


# Release of transmitter. The synaptic current is made to last one step, so that the trace of the
# third cell's current shows what each spike of the two equal inputs released.

WEIGHT = 2e-3
PERIODIC = ["neuron.a=0/ms", "neuron.d=0 mV", "neuron.v_0=-65 mV"]  # nothing that could adapt
TRACED = [
    f"synapse.weight={WEIGHT * 1e3} mV", "synapse.tau_s=0.1 ms", "simulation.duration=8 s",
    "record.traces=all", "record.interval=0.1 ms", "run.engine=compiled",
]  # fmt: skip
DT = 1e-4


def released(study, number, **point):
    """Return spike times of the inputs and what their synapses released at each, by measurement."""
    times = study.spike_times("pre0", **point)
    assert np.array_equal(times, study.spike_times("pre1", **point))
    steps = np.rint(times / DT).astype(int)
    current = study.traces["I"].sel(trace=number, cell="post0").values
    kept = steps + 1 < current.size  # a trace shows the state at the start of a step
    return times[kept], current[steps[kept] + 1] / (2 * WEIGHT)


def recurrence(times, U_0, tau_f, tau_d):
    """Return u and x at each spike, u after its jump and x before, and what is released."""
    u, x = [U_0], [1.0]
    for interval in np.diff(times):
        recovered = (1 - x[-1] * (1 - u[-1])) * np.exp(-interval / tau_d)
        u.append(U_0 + (1 - U_0) * u[-1] * np.exp(-interval / tau_f))
        x.append(1 - recovered)
    return np.array(u), np.array(x), np.array(u) * np.array(x)


def test_release_at_irregular_spikes(run, compiler):
    study = run(
        "neuron=chattering,intrinsically_bursting", "synapse.tau_f=30 ms,300 ms",
        "synapse.tau_d=50 ms,500 ms", "synapse.U_0=0.35", *TRACED,
    )  # fmt: skip
    for number, point in enumerate(itertools.product((CH, IB), (30, 300), (50, 500))):
        neuron, tau_f, tau_d = point
        times, r = released(study, number, neuron=neuron, tau_f=tau_f, tau_d=tau_d)
        expected = recurrence(times, 0.35, tau_f * 1e-3, tau_d * 1e-3)[2]
        np.testing.assert_allclose(r, expected, rtol=0, atol=1e-9)
        assert times.size > 200 and r[0] == pytest.approx(0.35, abs=1e-12)
        assert np.diff(times).max() > 5 * np.diff(times).min()


@pytest.mark.parametrize(
    ("U_0", "tau_f", "tau_d"), [(0.6, 300, 500), (0.15, 500, 500), (0.8, 30, 50)]
)
def test_release_at_regular_spikes(U_0, tau_f, tau_d, run, compiler):
    amplitudes = {10: 3.27, 20: 3.32, 50: 3.58, 100: 4.28}  # in mV, by the rate they give in Hz
    study = run(
        *PERIODIC, "stimulus.amplitude=" + values(amplitudes.values(), "mV"),
        f"synapse.U_0={U_0}", f"synapse.tau_f={tau_f} ms", f"synapse.tau_d={tau_d} ms", *TRACED,
    )  # fmt: skip
    for number, (rate, amplitude) in enumerate(amplitudes.items()):
        times, r = released(study, number, amplitude=amplitude)
        steps = np.unique(np.rint(np.diff(times) / DT))
        assert steps.size == 1  # the train is regular to the step
        period = steps[0] * DT
        assert 1 / period == pytest.approx(rate, rel=0.03)
        e_f, e_d = np.exp(-period / (tau_f * 1e-3)), np.exp(-period / (tau_d * 1e-3))
        u = U_0 / (1 - (1 - U_0) * e_f)
        x = (1 - e_d) / (1 - (1 - u) * e_d)
        assert r[-1] == pytest.approx(u * x, abs=1e-9)
        np.testing.assert_allclose(
            r, recurrence(times, U_0, tau_f * 1e-3, tau_d * 1e-3)[2], rtol=0, atol=1e-9
        )


def test_the_recurrence_gives_published_numbers():
    """Steady state and first releases of the depressing synapse of Stimberg et al. (2019)."""
    regular = np.arange(400) / 10
    u, x, r = recurrence(regular, 0.6, 1 / 3.33, 1 / 2)
    assert (u[-1], x[-1], r[-1]) == pytest.approx((0.84117033, 0.20836473, 0.17527023), abs=1e-8)
    _, _, r = recurrence(np.arange(5) / 20, 0.6, 1 / 3.33, 1 / 2)
    assert r == pytest.approx([0.6, 0.36713594, 0.15396302, 0.10350771, 0.09584241], abs=1e-8)


def test_traces_change_no_spike(run, compiler):
    """A traced shard is another program; its points fire as they do without traces."""
    neurons, amplitudes = (CH, RZ), (4.5, 11)
    point = ["neuron=" + ",".join(neurons), "stimulus.amplitude=" + values(amplitudes, "mV")]
    traced = run(*point, *[o for o in TRACED if "synapse" not in o])
    plain = run(*point, "run.engine=compiled")
    assert plain.spikes["spike_time"].size > 500
    for neuron, amplitude in itertools.product(neurons, amplitudes):
        for cell in ("pre0", "pre1", "post0"):
            times = traced.spike_times(cell, neuron=neuron, amplitude=amplitude)
            expected = plain.spike_times(cell, neuron=neuron, amplitude=amplitude)
            assert np.array_equal(times[times < 1], expected)


@pytest.mark.parametrize("model", ["static", "tsodyks_markram"])
def test_the_synaptic_current_jumps_and_decays(model, run):
    study = run(
        f"synapse={model}", "synapse.weight=8 mV", "synapse.tau_s=2 ms,5 ms",
        "synapse.delay=0 ms,3 ms", "simulation.duration=150 ms", "record.traces=all",
        "record.interval=0.1 ms", "run.engine=numpy",
    )  # fmt: skip
    for number, (tau_s, delay) in enumerate([(2, 0), (2, 3), (5, 0), (5, 3)]):
        current = study.traces["I"].sel(trace=number, cell="post0").values
        times = study.spike_times("pre0", tau_s=tau_s, delay=delay)
        arrivals = np.rint((times + delay * 1e-3) / DT).astype(int)
        assert arrivals.size == 4
        release = np.ones(4)
        if model == "tsodyks_markram":
            release = recurrence(times, 0.6, 0.3, 0.5)[2]
        jump = np.diff(current, append=0) + current * 0.1 / tau_s
        expected = np.zeros(current.size)
        expected[arrivals] = 2 * 8e-3 * release
        np.testing.assert_allclose(jump[:-1], expected[:-1], rtol=0, atol=1e-15)
