"""The step of current is exact: to the time step, to the last bit, for each point by itself."""

import itertools

import numpy as np
import pytest

pytestmark = pytest.mark.usefixtures("quick_builds")

ENGINES = ["numpy", "compiled"]
FIRST_STEP = {  # of a time in ms: the first that starts at or after it
    0: 0, 0.04: 1, 0.1: 1, 0.3: 3, 1.3: 13, 2: 20, 2.04: 21, 2.0999: 21, 2.1: 21, 20: 200,
    49.9: 499,
}  # fmt: skip


@pytest.fixture(params=ENGINES)
def engine(request):
    if request.param == "compiled":
        request.getfixturevalue("compiler")
    return f"run.engine={request.param}"


def traced(run, *overrides):
    return run(
        "circuit=single", "simulation.duration=50 ms", "record.traces=all",
        "record.interval=0.1 ms", *overrides,
    )  # fmt: skip


def test_the_step_is_exact(engine, run):
    onsets = [0, 0.04, 2, 2.04, 2.0999]
    study = traced(
        run, engine, "stimulus.onset=" + ",".join(f"{x} ms" for x in onsets),
        "stimulus.offset=null,20 ms,33.33 ms,70 ms", "stimulus.baseline=-1.7 mV,0 mV",
        "stimulus.amplitude=9.3 mV",
    )  # fmt: skip
    grid = itertools.product(onsets, [None, 200, 334, 700], [-1.7 * 1e-3, 0.0])
    for number, (onset, offset, baseline) in enumerate(grid):
        expected = np.full(500, baseline)
        expected[FIRST_STEP[onset] : offset] = 9.3 * 1e-3
        current = study.traces["I"].sel(trace=number, cell="cell0").values
        assert np.array_equal(current, expected), (onset, offset, baseline)


def test_a_time_on_the_grid_is_on_the_grid(run):
    """In floating point numbers, 1.3 ms is a little more than 13 steps, and 0.3 ms less than 3."""
    onsets = ",".join(f"{x} ms" for x in FIRST_STEP)
    study = traced(run, "run.engine=numpy", f"stimulus.onset={onsets}", "stimulus.amplitude=1 mV")
    for number, step in enumerate(FIRST_STEP.values()):
        current = study.traces["I"].sel(trace=number, cell="cell0").values
        assert np.flatnonzero(current)[0] == step
        assert np.count_nonzero(current) == 500 - step


def test_points_have_their_own_steps(run):
    amplitudes, onsets = [4.1, 8.3, 15.7], [3.3, 11, 26.5]
    study = traced(
        run, "run.engine=numpy", "stimulus.amplitude=" + ",".join(f"{x} mV" for x in amplitudes),
        "stimulus.onset=" + ",".join(f"{x} ms" for x in onsets),
    )  # fmt: skip
    current = study.traces["I"].sel(cell="cell0").values.reshape(3, 3, 500)
    for (i, amplitude), (j, onset) in itertools.product(enumerate(amplitudes), enumerate(onsets)):
        expected = np.where(np.arange(500) < round(onset * 10), 0, amplitude * 1e-3)
        assert np.array_equal(current[i, j], expected)


def test_the_step_reaches_stimulated_cells_only(run):
    study = run("synapse=none", "stimulus.amplitude=14 mV", "run.engine=numpy")
    counts = study.dataset["spike_count"]
    assert counts.sel(cell="pre0") == counts.sel(cell="pre1") > 30
    assert counts.sel(cell="post0") == 0


def times(study):
    return study.spikes["spike_count"].values, study.spikes["spike_time"].values


def test_ampere_and_ohm_give_the_spikes_of_volt(run):
    neurons = "neuron=regular_spiking,chattering,thalamo_cortical"
    volt = run(
        neurons, "neuron.R=1", "stimulus.amplitude=6 mV,10 mV", "stimulus.baseline=-2 mV",
        "synapse.weight=8 mV", "run.engine=numpy",
    )  # fmt: skip
    ampere = run(
        neurons, "neuron.R=1 ohm", "stimulus.amplitude=6 mA,10 mA", "stimulus.baseline=-2 mA",
        "synapse.weight=8 mA", "run.engine=numpy",
    )  # fmt: skip
    for one, other in zip(times(volt), times(ampere), strict=True):
        assert np.array_equal(one, other)
    assert times(volt)[1].size > 1000


def test_resistance_multiplies_the_current(run):
    neurons = "neuron=regular_spiking,chattering"
    one = run(neurons, "stimulus.amplitude=10 mV", "synapse.weight=8 mV", "run.engine=numpy")
    two = run(
        neurons, "neuron.R=2 Mohm", "stimulus.amplitude=5 nA", "synapse.weight=4 nA",
        "run.engine=numpy",
    )  # fmt: skip
    counts = [study.dataset["spike_count"].values for study in (one, two)]
    assert np.array_equal(*counts) and counts[0].sum() > 100
    for a, b in zip(times(one), times(two), strict=True):
        np.testing.assert_allclose(a, b, atol=0.003)
