"""Traces on a page: those of the study, or simulated again with the very spikes of the study."""

from dataclasses import replace

import numpy as np
import pytest

import izhi
from izhi.engine.result import Raw
from izhi.errors import EngineError
from izhi.report.samples import collect, samples
from izhi.spikes import Trains, release
from izhi.study import worker
from izhi.sweep import plan as plans
from izhi.sweep.plan import Shard

SWEEP = [
    "neuron=regular_spiking,chattering", "synapse.U_0=0.2,0.6",
    "stimulus.amplitude=15,20,25", "stimulus.onset=5 ms", "simulation.duration=100 ms",
]  # fmt: skip


COMPILED = "run.engine=compiled"  # one program for all, one more with traces
NUMPY = "run.engine=numpy"


@pytest.fixture(scope="module")
def study(run):
    return run(*SWEEP, COMPILED)


@pytest.fixture(scope="module")
def traced(run):
    return run(*SWEEP, COMPILED, "record.traces=all")


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


def labels(found, of):
    return list(dict.fromkeys(trace.label for trace in found.traces if trace.of == of))


def test_some_points_only(study) -> None:
    assert samples(study, count=0) is None and samples(study, simulate=False) is None
    few = samples(study, count=4)
    assert few.point.tolist() == [0, 2, 6, 8]  # both types, the ends of the amplitude
    among = samples(study, among=[np.array([1]), np.arange(2), np.array([0, 2])])
    assert among.point.tolist() == [6, 8, 9, 11]


def test_stored_traces_and_others_beside_them(run, found) -> None:
    some = run(*SWEEP, NUMPY, "record.traces=[1,4]", "record.interval='0.5 ms'")
    both = samples(some, count=4)
    assert both.point.tolist() == [0, 1, 2, 4, 6, 8]
    assert both.origin == (
        "Stored with the study: 2 points. Simulated once more for this report: 4 points."
    )
    v, whole = one(both, "v", "post0"), one(found, "v", "post0")
    for n, point in enumerate(both.point):
        time, exact = times(v, n), values(whole, point)
        assert np.isnan(time).sum() == (800 if point in (1, 4) else 0)
        there = ~np.isnan(time)
        every = 5 if point in (1, 4) else 1
        assert values(v, n)[there] == pytest.approx(exact[::every], abs=0.06)
    u_S = one(both, "u_S", "pre_to_post.pre1")
    for n, point in enumerate(both.point):
        ours, theirs = values(u_S, n), values(one(found, "u_S", "pre_to_post.pre1"), point)
        assert ours[~np.isnan(ours)] == pytest.approx(theirs[~np.isnan(theirs)], abs=1e-3)


def test_only_points_with_results_have_traces(run, monkeypatch) -> None:
    simulate = worker.simulate

    def failing(task, profile=None):
        if set(task.points.tolist()) & {2, 7}:
            raise EngineError("it burns")
        return simulate(task, profile)

    monkeypatch.setattr(worker, "simulate", failing)
    with_failures = run(*SWEEP, COMPILED, "record.traces=[3,7]", n_jobs=1)
    monkeypatch.undo()
    assert np.flatnonzero(with_failures.dataset["status"].values == 2).tolist() == [2, 7]
    shown = samples(with_failures)
    assert shown.point.tolist() == [0, 1, 3, 4, 5, 6, 8, 9, 10, 11]


def test_points_that_diverged_are_shown_as_far_as_they_go(run) -> None:
    study = run("circuit=single", "neuron.a=0.02,1e6,0.1", "simulation.duration=50 ms",
                NUMPY)  # fmt: skip
    assert study.dataset["status"].values.tolist() == [0, 3, 0]
    found = samples(study)
    v, u = one(found, "v", "cell0"), one(found, "u", "cell0")
    assert v.packed.scale[1] < 0.1 and u.packed.scale[1] < 0.1  # finite ones set the scale
    assert np.isfinite(values(v, 0)).all() and np.isfinite(values(u, 2)).all()
    assert np.isnan(values(u, 1)).any() and values(v, 1)[0] == pytest.approx(-65, abs=0.1)


def test_spikes_that_were_not_kept_are_those_of_the_simulation(run, found) -> None:
    study = run(*SWEEP, COMPILED, "record.spikes=false")
    again = samples(study)
    assert again.origin == "Simulated once more for this report: 12 points."
    for ours, theirs in zip(again.traces, found.traces, strict=True):
        np.testing.assert_array_equal(ours.packed.values, theirs.packed.values)
    stored = samples(
        run(*SWEEP, COMPILED, "record.spikes=false", "record.traces=[0]"), simulate=False
    )
    assert labels(stored, "projection") == []
    assert stored.origin == (
        "Stored with the study: 1 point. States of synapses are not shown where spikes were not "
        "recorded."
    )


@pytest.mark.parametrize("kept", [True, False])
def test_other_spikes_than_the_stored_ones_are_told(run, study, monkeypatch, kept) -> None:
    if not kept:
        study = run(*SWEEP, COMPILED, "record.spikes=false")
    results = worker.results

    def other(task):
        raw = results(task)
        step, count = raw.step.copy(), raw.count.copy()
        if kept:
            step[0] += 1
        else:
            count[4, 0] += 1
            step = np.insert(step, int(raw.count.ravel()[:13].sum()), 999)
        return Raw(step, count, raw.sound, raw.traces)

    monkeypatch.setattr(worker, "results", other)
    assert (
        "Of these, 1 point did not give the spikes that are stored: the study may be from another "
        "version of izhi." in samples(study).origin
    )


def test_networks_show_the_first_cells_and_the_synapses_that_they_have(run) -> None:
    study = run("circuit=excitatory_inhibitory", "synapse=tsodyks_markram", "simulation.seed=1,2",
                "simulation.duration=50 ms", "record.traces=all", NUMPY,
                "+synapse.per_synapse.U_0='uniform(0.2, 0.8)'")  # fmt: skip
    found = samples(study, simulate=False)
    assert "The first 10 cells of each population are shown." in found.origin
    assert "i_to_e: of a cell, its first synapse is shown." in found.origin
    assert labels(found, "cell") == [f"{p}{k}" for p in "ei" for k in range(10)]
    assert found.peak.shape == (2, 100) and np.isnan(found.peak[:, 10:80]).all()
    plan = izhi.plan(
        [
            "circuit=excitatory_inhibitory",
            "synapse=tsodyks_markram",
            "simulation.seed=1,2",
            "+synapse.per_synapse.U_0='uniform(0.2, 0.8)'",
        ]
    )
    given = plans.parameters(plan, Shard(0, 0, np.arange(2)))
    first_of, U_0 = given["i_to_i.connectivity.first_of"], given["i_to_i.U_0"]
    for k in range(10):
        r_S = one(found, "r_S", f"i_to_i.i{k}")
        for point in range(2):
            there = first_of[point, k + 1] > first_of[point, k]
            assert (r_S.row[point] >= 0) == there
            spikes = study.spike_times(f"i{k}", seed=point + 1)
            if there and spikes.size:
                released = values(r_S, point)
                first = released[~np.isnan(released)][0]
                assert first == pytest.approx(U_0[point, first_of[point, k]], abs=1e-3)


def test_delays_are_waited_for(run) -> None:
    study = run("circuit=pair", "synapse.delay=0 ms,3 ms", "simulation.duration=50 ms",
                "stimulus.amplitude=20", "stimulus.onset=5 ms", "record.traces=all",
                NUMPY)  # fmt: skip
    found = samples(study, simulate=False)
    r_S = one(found, "r_S", "pre_to_post.pre0")
    spikes = study.spike_times("pre0", delay=3)
    for n, delay in enumerate((0, 3e-3)):
        time = times(r_S, n)
        assert time[~np.isnan(values(r_S, n))][0] == pytest.approx(spikes[0] + delay, abs=1e-6)


def test_a_synapse_that_cannot_be_replayed_is_named(run, tmp_path) -> None:
    (tmp_path / "synapse").mkdir()
    (tmp_path / "synapse" / "felt.yaml").write_text(
        "model: felt\n"
        'equations: "dx_S/dt = (1 - x_S)/tau_d : 1 (event-driven)"\n'
        "on_pre: |\n  x_S -= 0.1*int(v_post > -60*mV)\n  v_post += weight*x_S\n"
        "tau_d: 100 ms\nweight: 2 mV\n"
    )
    study = run("synapse=felt,static", "simulation.duration=50 ms", "record.traces=all", NUMPY,
                config_dir=tmp_path)  # fmt: skip
    found = samples(study, simulate=False)
    assert labels(found, "projection") == [] and found.point.size == 2
    assert (
        "pre_to_post: its states are not shown: x_S changes by more than presynaptic spikes: "
        "x_S -= 0.1*int(v_post > -60*mV)." in found.origin
    )


def test_other_neurons_and_thresholds_that_move(run) -> None:
    study = run(
        "circuit=pair",
        "neuron@pre.neuron=source/regular_train",
        "neuron=book/low_threshold_spiking",
        "stimulus.amplitude=300 pA",
        "synapse.weight=100 pA",
        "simulation.duration=50 ms",
        "record.traces=all",
        NUMPY,
    )
    found = samples(study, simulate=False)
    assert [(t.variable, t.unit, t.label) for t in found.traces if t.of == "cell"] == [
        ("v", "mV", "post0"), ("u", "nA", "post0"), ("I", "nA", "post0")
    ]  # fmt: skip
    assert np.isnan(found.peak[0, 0])
    u = values(one(found, "u", "post0"), 0) * 1e3  # in pA
    assert found.peak[0, 1] == pytest.approx(40 - 0.1 * u.mean(), abs=0.1)


def test_what_does_not_fit_on_a_page_is_thinned(study, monkeypatch) -> None:
    whole = samples(study)
    size = collect._packed_size(whole)
    monkeypatch.setattr(collect, "_MOST_BYTES", size // 2)
    fewer = samples(study)
    assert 1 < fewer.point.size < 12 and collect._packed_size(fewer) <= size // 2
    assert {0, 11} - set(fewer.point.tolist()) <= {11}


def test_a_simulation_that_takes_long_is_told_and_of_fewer_points(study, monkeypatch) -> None:
    plan_of, said = collect.recorded.plan_of, []

    def slow(sweep, found, points, interval):
        plan = plan_of(sweep, found, points, interval)
        return replace(
            plan, batches=tuple(replace(b, seconds=9.0 * b.points) for b in plan.batches)
        )

    monkeypatch.setattr(collect.recorded, "plan_of", slow)
    few = samples(study, remark=said.append)
    assert few.point.tolist() == [0, 6] and said == [
        "simulating 2 points once more, about 18 s ..."
    ]
    assert samples(study, count=4, remark=said.append).point.size == 4
    assert said[1:] == ["simulating 4 points once more, about 36 s ..."]


def test_few_points_have_every_time_step_and_many_do_not(run, monkeypatch) -> None:
    study = run("circuit=single", "stimulus.amplitude=4,8", "simulation.duration=300 ms",
                "record.traces=all", NUMPY)  # fmt: skip
    exact = study.traces["v"].values[:, 0] * 1e3
    for most, every in ((10_000_000, 1), (12_000, 3)):
        monkeypatch.setattr(collect, "_MOST_VALUES", most)
        v = one(samples(study), "v", "cell0")
        assert v.packed.time.size == 3000 // every
        assert values(v, 1) == pytest.approx(exact[1, ::every], abs=0.02)
    monkeypatch.setattr(collect, "_MOST_VALUES", 10_000_000)
    monkeypatch.setattr(collect, "_MOST_BYTES", 4_000)
    assert samples(study).traces[0].packed.time.size == 1000
    monkeypatch.setattr(collect, "_MOST_BYTES", 1)
    assert samples(study).point.size == 1  # there is nothing less
