"""What is said of sweeps that can run, but probably are not meant; and where it is said."""

from __future__ import annotations

import json

import numpy as np
import pytest

import izhi
from izhi import cli
from izhi.config.compose import compose
from izhi.config.folder import conf_folder
from izhi.errors import ConfigError
from izhi.study import check
from izhi.sweep import doubts, structures
from izhi.sweep.doubts.scene import thinned

# Each row: overrides, and all that is said of them.
SLOW = (
    "near the threshold v grows with a time constant of 0.1351 ms, and intervals come out too long"
)
ALONE = ["circuit=single", "synapse=none", "stimulus=none"]
STEP = "simulation.dt = 0.1 ms"
ONE = "but a cell spikes once in a step at most: it spikes at"
LOWER = "give a lower rate, or a smaller simulation.dt"
DOUBTS = [
    # right ones
    ([], []),
    (["neuron=glob(*,exclude=resonator_forum)"], []),
    (["synapse=glob(*)"], []),
    (["circuit=glob(*)", "synapse=none,static"], []),
    (["+pattern=glob(*)"], []),
    (["stimulus=none,step,ramp,sine,chirp,pulse_train,paired_pulses,noise"], []),
    (["neuron=book/regular_spiking", "stimulus=step_current", "circuit=single"], []),
    (["neuron=integrate_and_fire/adaptive_exponential", "stimulus=step_current",
      "circuit=single"], []),
    # starts
    (["neuron.u_0='0 mV'"],
     ["neuron.u_0: u starts at 0 mV, but rests at -13 mV; give neuron.u_0=rest"]),
    (["~synapse.x_S_0"],
     ["synapse.x_S_0: missing; x_S starts at 0, but rests at 1; give synapse.x_S_0=1"]),
    (["synapse.x_S_0=0"],
     ["synapse.x_S_0: x_S starts at 0, but rests at 1; give synapse.x_S_0=1"]),
    (["synapse.x_S_0=0,1"], []),  # compared on purpose
    (["neuron.v_0='40 mV'"],
     ["neuron.v_0: v starts at 40 mV, where v > v_th holds: every cell spikes at once"]),
    (["neuron=resonator", "neuron.b=0.25", "neuron.d='8 mV'"],
     ["neuron.b: 0.25 with a = 0.1/ms and d = 8 mV is a resonator as posted in a forum; Izhikevich "
      "(2003) has b = 0.26 and d = 2 mV (neuron=resonator), which fires at twice the rate"]),
    # what reaches what
    (["synapse.weight=0"], ["synapse.weight: 0 at all points, and a spike does nothing with it"]),
    (["synapse.weight=0,8"], []),
    (["+circuit.projections.own={source: post, target: post}"],
     ["circuit.projections.own: connects nothing: a cell does not project onto itself, and there "
      "is no other"]),
    (["circuit.populations.post.stimulated=true"],
     ["circuit.populations.post.stimulated: post gets the stimulus of pre and spikes with it, "
      "whatever its synapses do; give false, or a stimulus of its own (stimulus@post.stimulus)"]),
    (["circuit.populations.post.stimulated=true", "neuron@post.neuron=chattering"], []),
    # the analysis window
    (["statistics.start='20 ms'"], []),
    (["statistics.start='0.5 s'", "statistics.measures=[firing_rate]"], []),
    (["statistics.start='0.5 s'", "stimulus=none"], []),
    (["statistics.start='0.5 s'", "stimulus.onset='20 ms','600 ms'"], []),
    (["statistics.start='0.5 s'", "stimulus.onset='20 ms','400 ms'"],
     ["statistics.start: 0.5 s is after the onset of every stimulus, so that first_spike_latency "
      "is NaN"]),
    # sources of spikes
    (["neuron=source/poisson_train,source/regular_train", "neuron.rate=20,100,1000", *ALONE], []),
    (["neuron=source/poisson_train", "neuron.rate=20,20000,30000", *ALONE],
     [f"neuron.rate: 20000.0 Hz is 2 spikes a time step ({STEP}), {ONE} 10000 Hz; {LOWER}"]),
    (["neuron=source/regular_train", "neuron.rate='20 kHz'", *ALONE],
     [f"neuron.rate: 20 kHz is 2 spikes a time step ({STEP}), {ONE} 10000 Hz; {LOWER}"]),
    (["neuron=source/regular_train", "neuron.rate='1.2 kHz'", "simulation.dt='1 ms'", *ALONE],
     ["neuron.rate: 1.2 kHz is 1.2 spikes a time step (simulation.dt = 1 ms), "
      f"{ONE} 1000 Hz; {LOWER}"]),
    (["neuron=source/regular_train", "neuron.rate='3 kHz','5 kHz'", *ALONE],
     [f"neuron.rate: 3000.0 Hz is 0.3 spikes a time step ({STEP}): intervals are of 3 and of 4 "
      f"steps, not regular; {LOWER}"]),
    (["neuron=source/poisson_train", "neuron.rate='4 kHz'", *ALONE],
     [f"neuron.rate: 4 kHz is 0.4 spikes a time step ({STEP}): the intervals of a cell have a "
      f"coefficient of variation of 0.77, those of a Poisson process of 1; {LOWER}"]),
    (["neuron=source/poisson_train", "neuron.rate='5 kHz'", *ALONE, "neuron.threshold="
      "'uniform_at(floor(t/dt + 0.001)) < 1 - exp(-rate*dt) and t >= start and t < stop'"],
     [f"neuron.rate: 5 kHz is 0.5 spikes a time step ({STEP}), {ONE} 3934.69 Hz; {LOWER}"]),
    # time steps
    (["simulation.dt='0.1 ms','0.5 ms'"],
     [f"simulation.dt: 0.5 ms is coarse for neuron: {SLOW}; izhi converge measures by how much"]),
    (["neuron.a='3/ms'"],
     ["neuron.a: du/dt of neuron has a time constant of 0.3333 ms, for which steps of 0.1 ms are "
      "coarse; give simulation.dt='0.02 ms'"]),
    (["synapse.tau_s='5 ms','0.2 ms'"],
     ["synapse.tau_s: dI_S/dt of synapse has a time constant of 0.2 ms, for which steps of 0.1 ms "
      "are coarse; give simulation.dt='0.02 ms'"]),
    (["synapse.tau_s='0.0999999998 ms'"],
     ["synapse.tau_s: dI_S/dt of synapse has a time constant of 0.1 ms, for which steps of 0.1 ms "
      "are coarse; give simulation.dt='0.005 ms'"]),
    (["synapse.tau_f='0.05 ms'"],
     ["synapse.tau_f: du_S/dt of synapse has a time constant of 0.05 ms, for which steps of 0.1 ms "
      "are coarse; give simulation.dt='0.005 ms'"]),
    (["synapse.delay='0.25 ms'"],
     ["synapse.delay: 0.25 ms is no multiple of simulation.dt = 0.1 ms: it acts after 0.3 ms"]),
    (["synapse.delay='0.1 ms','0.3 ms','0.7 ms'"], []),
    (["stimulus.offset='20.05 ms'"],
     ["stimulus: offset and onset are 0.05 ms apart, less than a time step (simulation.dt = 0.1 "
      "ms)"]),
    (["stimulus=pulse_train", "stimulus.width='0.05 ms'"],
     ["stimulus.width: 0.05 ms is shorter than a time step (simulation.dt = 0.1 ms)"]),
    (["stimulus=sine", "stimulus.frequency='5 kHz'"],
     ["stimulus.frequency: 5 kHz has less than 5 time steps (simulation.dt = 0.1 ms) a period"]),
    # without effect
    (["circuit=single", "synapse.U_0=0.2,0.5"],
     ["synapse.U_0: without effect: no projection has such synapses"]),
    (["circuit=single", "synapse=static,depressing"],
     ["synapse: without effect: no projection has such synapses"]),
    (["circuit=single,two_to_one", "synapse.U_0=0.2,0.5"], []),
    (["circuit=single", "synapse=none"], []),
    (["circuit.populations.pre.stimulated=false", "stimulus.amplitude=4,5"],
     ["stimulus.amplitude: without effect: it drives no cell"]),
    (["stimulus.onset='30 ms'", "stimulus.amplitude=0"],
     ["stimulus.onset: without effect: the current is the same without it"]),
    (["stimulus.onset='30 ms'", "stimulus.amplitude=0,8"], []),
    (["stimulus.offset='3 s'"],
     ["stimulus.offset: without effect: the current is the same without it"]),
    (["stimulus=pulse_train", "stimulus.width='3 ms'"], []),
    (["neuron.a=0.02,0.03", "neuron@pre.neuron=chattering", "neuron@post.neuron=chattering"],
     ["neuron.a: without effect: every population has a neuron of its own"]),
    (["neuron.a=0.02,0.03", "neuron@post.neuron=chattering"], []),
    (["simulation.seed=1,2"], ["simulation.seed: without effect: nothing is drawn at random"]),
    (["simulation.seed=1,2", "neuron=random"], []),
    (["simulation.method=rk4", "+neuron.method=euler"],
     ["simulation.method: without effect: every neuron has a method of its own"]),
    (["record.interval='1 ms'"], ["record.interval: without effect: record.traces asks for none"]),
]  # fmt: skip


def said(overrides: list[str], **settings: object) -> list[str]:
    sweep = compose(overrides, **settings)  # type: ignore[arg-type]
    return list(map(str, doubts.find(sweep, structures.find(sweep))))


@pytest.mark.parametrize(("overrides", "lines"), DOUBTS, ids=lambda x: " ".join(x)[:50])
def test_what_is_doubtful(overrides, lines) -> None:
    assert said(overrides) == lines


def test_a_file_that_another_one_hides_is_an_error(tmp_path) -> None:
    path = tmp_path / "neuron" / "resonator.yaml"
    path.parent.mkdir()
    path.write_text((conf_folder() / "neuron" / "resonator.yaml").read_text())
    assert said(["neuron=resonator"], config_dir=tmp_path) == []  # a copy
    path.write_text("defaults: [model/izhikevich@_here_, _self_]\na: 0.07/ms\n")
    line = f"^neuron = resonator: {path} is hidden by another resonator; give it a name of its own$"
    with pytest.raises(ConfigError, match=line):
        said(["neuron=resonator"], config_dir=tmp_path)
    assert said(["neuron=chattering"], config_dir=tmp_path) == []


def test_few_values_of_each_axis_are_looked_at() -> None:
    values = "neuron.a=range(0.03,3.03,0.03)", "neuron.b=range(0.1,1.1,0.01)"
    sweep = compose([*values, "synapse.U_0=range(0.01,1,0.01)", "neuron=chattering,resonator"])
    few = thinned(sweep)
    assert np.prod(sweep.shape) == 1_980_000
    assert np.prod(few.shape) <= 50_000
    for axis, kept in zip(sweep.axes, few.axes, strict=True):
        assert {axis.labels[0], axis.labels[-1]} <= set(kept.labels)
        assert len(kept) == (2 if axis.values is None else 9)
    assert few.base_of.shape == tuple(np.minimum(sweep.base_of.shape, few.shape))
    (line,) = doubts.find(sweep, structures.find(sweep))  # the greatest a is too fast
    assert line.key == "neuron.a"


DELAYS = ["circuit=fan_in", "+synapse.per_synapse.delay='normal(delay, 5*ms)'"]


def test_what_is_drawn_out_of_bounds_is_an_error_as_in_a_run(tmp_path) -> None:
    with pytest.raises(ConfigError) as error:
        izhi.run(DELAYS, dir=tmp_path, progress=False)
    assert [str(found) for found in izhi.check(DELAYS).errors] == [str(error.value)]
    assert str(error.value).endswith("; a delay is not negative")


@pytest.mark.parametrize("at", ["first", "last"])
def test_of_many_points_some_are_drawn_for(at, monkeypatch) -> None:
    monkeypatch.setattr(check, "_MOST_DRAWS", 100)
    seeds = "simulation.seed=range(0,400)"
    delays = "0,2" if at == "last" else "2,0"
    overrides = ["circuit=fan_in", "+synapse.per_synapse.delay='delay - 1*ms*uniform(0, 1)'"]
    (error,) = izhi.check([*overrides, f"synapse.delay={delays}", seeds]).errors
    assert "per_synapse.delay: from -" in str(error)
    assert not izhi.check([*overrides, "synapse.delay='1 ms'", seeds]).errors


def test_a_rest_at_zero_is_said_as_zero(tmp_path) -> None:
    (tmp_path / "neuron").mkdir()
    (tmp_path / "neuron/own.yaml").write_text(
        "equations: |\n  dv/dt = (1.1 - v)/tau : 1\n  dx/dt = -x/tau : 1\n"
        "  dw/dt = -w/tau : volt\nthreshold: v > 1\nreset: v = x + w/mV\n"
        "tau: 5 ms\nv_0: 0\nx_0: 0.1\nw_0: -65 mV\n"
    )
    found = izhi.check(
        ["neuron=own", "circuit=single", "synapse=none", "stimulus=none"], config_dir=tmp_path
    )
    assert [str(doubt) for doubt in found.doubts] == [
        "neuron.x_0: x starts at 0.1, but rests at 0; give neuron.x_0=0",
        "neuron.w_0: w starts at -65 mV, but rests at 0 mV; give neuron.w_0='0 mV'",
    ]


U_0 = "neuron.u_0: u starts at 0 mV, but rests at -13 mV; give neuron.u_0=rest"


def test_check_prints_what_it_found(capsys) -> None:
    assert cli.main(["check", "-m", "neuron.u_0='0 mV'", "synapse.U_0=0.2,0.5"]) == 0
    assert capsys.readouterr() == (f"2 points of 1 structure: 1 doubt\n{U_0}\n", "")
    assert cli.main(["check", "-m", "circuit=single,two_to_one"]) == 0
    assert capsys.readouterr() == ("2 points of 2 structures: no doubts\n", "")


def test_check_tells_all_models_that_are_wrong(capsys) -> None:
    wrong = ["stimulus.current=amp", "synapse.current=I_s"]
    assert cli.main(["check", *wrong]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert [line.partition(":")[2].partition(":")[0] for line in err.splitlines()] == [
        " stimulus.current", " synapse.current",
    ]  # fmt: skip


def test_check_from_python() -> None:
    found = izhi.check(["neuron.u_0='0 mV'", "synapse.U_0=0.2,0.5"])
    assert (found.points, found.structures, found.errors) == (2, 1, ())
    assert list(map(str, found.doubts)) == [U_0]
    with pytest.raises(izhi.ConfigError, match="no such neuron"):
        izhi.check("neuron=chatering")


def test_a_plan_warns(capsys) -> None:
    assert cli.main(["plan", "neuron.u_0='0 mV'"]) == 0
    assert capsys.readouterr().err == f"warning: {U_0}\n"
    assert list(map(str, izhi.plan("neuron.u_0='0 mV'").doubts)) == [U_0]


def test_a_run_warns_once_and_logs_it(tmp_path, capsys) -> None:
    study = izhi.run(
        ["neuron.u_0='0 mV',-1", "neuron.a=0.02,0.03", "simulation.duration='5 ms'",
         "stimulus.onset='1 ms'", "run.engine=numpy", "run.n_jobs=1", "synapse.x_S_0=0"],
        name="doubtful", dir=tmp_path,
    )  # fmt: skip
    lines = [line for line in capsys.readouterr().err.splitlines() if "warning" in line]
    line = "synapse.x_S_0: x_S starts at 0, but rests at 1; give synapse.x_S_0=1"
    assert lines == [f"warning: {line}"]
    events = map(json.loads, study.folder.log.read_text().splitlines())
    logged = [(e["key"], e["text"]) for e in events if e["event"] == "doubt"]
    assert logged == [("synapse.x_S_0", line.partition(": ")[2])]
