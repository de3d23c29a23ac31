"""Traces on a page: those of the study, or simulated again with the very spikes of the study."""

import numpy as np
import pytest

from izhi.report.samples import samples
from izhi.spikes import Trains, release

SWEEP = [
    "neuron=regular_spiking,chattering", "synapse.U_0=0.2,0.6",
    "stimulus.amplitude=15,20,25", "stimulus.onset=5 ms", "simulation.duration=100 ms",
    "run.engine=numpy",
]  # fmt: skip


@pytest.fixture(scope="module")
def study(run):
    return run(*SWEEP)


@pytest.fixture(scope="module")
def traced(run):
    return run(*SWEEP, "record.traces=all")


@pytest.fixture(scope="module")
def found(study):
    return samples(study)


def values(trace, n):
    """Return a trace's values at the n-th point shown, without what is behind its end."""
    offset, factor = trace.packed.scale
    number = trace.packed.values[trace.row[n]]
    return np.where(number == -32768, np.nan, offset + factor * number)


def times(trace, n):
    time = trace.packed.time
    return time if time.ndim == 1 else time[trace.row[n]]


def one(found, variable, label):
    return next(t for t in found.traces if (t.variable, t.label) == (variable, label))


def test_simulated_again_they_are_the_traces_that_a_study_would_have(found, traced) -> None:
    assert found.point.tolist() == list(range(12)) and found.duration == 0.1
    assert found.origin == "Simulated once more for this report: 12 points."
    for variable in ("v", "u", "I"):
        for cell in ("pre0", "pre1", "post0"):
            trace = one(found, variable, cell)
            assert trace.unit == "mV" and trace.of == "cell"
            assert trace.packed.time == pytest.approx(traced.traces["time"].values, abs=1e-8)
            exact = traced.traces[variable].sel(cell=cell).values * 1e3
            for n in range(12):
                within = 0.501 * trace.packed.scale[1]
                assert np.abs(values(trace, n) - exact[n]).max() < within


def test_stored_traces_are_taken_as_they_are(found, traced) -> None:
    taken = samples(traced, simulate=False)
    assert taken.origin == "Stored with the study: 12 points."
    for ours, theirs in zip(taken.traces, found.traces, strict=True):
        assert (ours.variable, ours.label) == (theirs.variable, theirs.label)
        np.testing.assert_array_equal(ours.packed.values, theirs.packed.values)
        np.testing.assert_array_equal(ours.row, theirs.row)


def test_equal_traces_are_stored_once(found) -> None:
    v = [one(found, "v", cell) for cell in ("pre0", "pre1", "post0")]
    assert len({id(trace.packed) for trace in v}) == 1
    np.testing.assert_array_equal(v[0].row, v[1].row)
    assert len(np.unique(v[0].row)) == 6  # the driven cells do not feel U_0
    assert len(v[0].packed.values) <= 6 + 12


def test_spikes_are_drawn_to_the_threshold_of_the_reset(found) -> None:
    assert found.peak.shape == (12, 3) and (found.peak == 30).all()


def test_release_is_that_of_the_closed_form(found, study) -> None:
    r_S = one(found, "r_S", "pre_to_post.pre0")
    u_S, x_S = (one(found, name, "pre_to_post.pre0") for name in ("u_S", "x_S"))
    assert u_S.packed.time is x_S.packed.time is r_S.packed.time
    axes = {name: study.dataset[name].values for name in study.axes}
    for n in range(12):
        neuron, U_0, amplitude = np.unravel_index(n, (2, 2, 3))
        spikes = study.spike_times(
            "pre0", neuron=axes["neuron"][neuron], U_0=axes["U_0"][U_0],
            amplitude=axes["amplitude"][amplitude],
        )  # fmt: skip
        assert spikes.size > 2
        expected = release(Trains(spikes, [spikes.size]), axes["U_0"][U_0], 0.3, 0.5)
        time = times(r_S, n)
        for k, spike in enumerate(spikes):
            before, after = np.flatnonzero(np.abs(time - spike) < 1e-6)[[0, -1]]
            assert values(r_S, n)[after] == pytest.approx(expected[k], abs=2e-4)
            released = values(x_S, n)[before] - values(x_S, n)[after]
            assert released == pytest.approx(expected[k], abs=4e-4)
        assert np.isnan(values(r_S, n)[time < spikes[0] - 1e-6]).all()
        assert values(x_S, n)[0] == pytest.approx(1, abs=2e-4)
