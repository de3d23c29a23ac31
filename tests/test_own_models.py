"""Neurons, synapses and stimuli of a user's own, written as YAML in a folder."""

from __future__ import annotations

import contextlib
import io
import itertools
import json
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import izhi
import izhi.units
from izhi import cli
from izhi.errors import ConfigError

pytestmark = pytest.mark.usefixtures("quick_builds")

# ------------------------------------------- two neurons, a synapse and a stimulus of one's own

ADAPTIVE = """
# Adaptive exponential integrate-and-fire, written in parts.
model: mine
equations: |
  dv/dt = (leak + growth - w + I)/C : volt (unless refractory)
  dw/dt = (a*(v - E_L) - w)/tau_w : amp
  leak = g_L*(E_L - v) : amp
  growth = g_L*D_T*exp((v - v_T)/D_T) : amp
threshold: v > v_cut
reset: |
  v = v_r
  w += b
refractory: tau_ref
rest:
  v: E_L
  w: a*(v_0 - E_L)
constants: {v_cut: -30 mV, g_L: 10 nS}
C: 200 pF
E_L: -70 mV
v_T: -50 mV
D_T: 2 mV
a: 2 nS
tau_w: 30 ms
b: 60 pA
v_r: -58 mV
tau_ref: 1 ms
v_0: rest
w_0: rest
"""
LEAKY = """
model: leaky
equations: "dv/dt = (E_L - v + R*I)/tau_m : volt (unless refractory)"
threshold: v >= v_th
reset: v = E_L
refractory: 3*ms
E_L: -65 mV
R: 50 Mohm
tau_m: 20 ms
v_th: -50 mV
v_0: -65 mV
"""
SYNAPSE = """
# A conductance that rises and falls, released by a probability and resources of its own.
model: mine
equations: |
  dx/dt = (1 - x)/tau_rec : 1 (event-driven)
  dp/dt = (p_rest - p)/tau_p : 1 (event-driven)
on_pre: |
  released = p*x
  x -= released
  p += gain*(1 - p)
  y_post += weight*released
target: |
  dg/dt = (y - g)/tau_g : siemens
  dy/dt = -y/tau_g : siemens
  block = 1/(1 + exp(-v/slope)/3.57) : 1
current: g*block*(E_rev - v)
x_0: 1
p_0: 0.3
p_rest: 0.3
gain: 0.2
tau_rec: 120 ms
tau_p: 80 ms
tau_g: 3 ms
E_rev: 0 mV
slope: 16 mV
weight: 3 uS
delay: 1.5 ms
"""
STIMULUS = """
# A step with a ripple.
model: mine
equations: |
  on = int(t >= onset) : 1
  ripple = sin(2*pi*frequency*t) : 1
current: on*(amplitude + depth*ripple)
amplitude: 0.5 nA
depth: 50 pA
frequency: 8 Hz
onset: 10 ms
"""
CHOSEN = ["neuron=mine", "neuron@post.neuron=leaky", "synapse=mine", "stimulus=mine",
          "simulation.duration=200 ms", "record.traces=all"]  # fmt: skip
SWEPT = ["neuron.b=60 pA,100 pA", "synapse.E_rev=0 mV,-20 mV", "stimulus.amplitude=0.4 nA,0.6 nA"]
POINTS = list(itertools.product((60, 100), (0, -20), (0.4, 0.6)))
CELLS = ("pre0", "pre1", "post0")
SCRIPT = Path(__file__).with_name("plain_own_models.py")


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Path:
    """Give a folder with the configs, in which commands run."""
    folder = tmp_path_factory.mktemp("own")
    folder_with(folder, neuron__mine=ADAPTIVE, neuron__leaky=LEAKY, synapse__mine=SYNAPSE,
                stimulus__mine=STIMULUS)  # fmt: skip
    return folder


def command(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command of izhi's in a folder, in this process."""
    with (
        contextlib.chdir(folder),
        contextlib.redirect_stdout(io.StringIO()) as out,
        contextlib.redirect_stderr(io.StringIO()) as err,
    ):
        status = cli.main(list(arguments))
    return subprocess.CompletedProcess(arguments, status, out.getvalue(), err.getvalue())


def sweep_of(name: str) -> list[str]:
    """Return the command of a sweep by an engine."""
    return ["run", "-m", "--config-dir", "conf", *CHOSEN, *SWEPT, f"run.engine={name}",
            f"study.name={name}"]  # fmt: skip


@pytest.fixture(scope="module")
def swept(place, compiler) -> dict[str, izhi.Study]:
    """Give the studies of both engines; tests only read them."""
    for engine in ("numpy", "compiled"):
        done = command(place, *sweep_of(engine))
        assert done.returncode == 0, done.stderr
        assert "doubt" not in done.stderr and "warning" not in done.stderr
    return {name: izhi.open_study(place / "studies" / name) for name in ("numpy", "compiled")}


@pytest.fixture(scope="module")
def plain(tmp_path_factory) -> dict[str, Any]:
    """Give what plain Brian2 finds, one network for each point."""
    folder = tmp_path_factory.mktemp("plain")
    (folder / "points.json").write_text(json.dumps(POINTS))
    asked = [sys.executable, str(SCRIPT), "points.json", "results.npz"]
    done = subprocess.run(asked, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    with np.load(folder / "results.npz") as file:
        return dict(file)


def test_the_points_are_worth_comparing(plain) -> None:
    for cell in CELLS:
        counts = [plain[f"{number} {cell}"].size for number in range(len(POINTS))]
        assert min(counts) >= (1 if cell == "post0" else 5)
        assert len(set(counts)) > 1


@pytest.mark.parametrize("engine", ["numpy", "compiled"])
def test_own_models_have_the_spikes_of_a_plain_script(engine, swept, plain) -> None:
    for (number, (b, E_rev, amplitude)), cell in itertools.product(enumerate(POINTS), CELLS):
        times = swept[engine].spike_times(cell, b=b, E_rev=E_rev, amplitude=amplitude)
        assert np.array_equal(times, plain[f"{number} {cell}"])


@pytest.mark.parametrize("engine", ["numpy", "compiled"])
def test_own_models_have_the_states_of_a_plain_script_to_the_last_bit(engine, swept, plain) -> None:
    traces = swept[engine].traces
    for number, (name, cell) in itertools.product(
        range(len(POINTS)), [("v", "pre0"), ("w", "pre0"), ("v", "post0"), ("I", "post0")]
    ):
        values = traces[name].sel(cell=cell, trace=number).values
        assert np.array_equal(values, plain[f"{number} {name} {cell}"])


def test_traces_hold_what_a_cell_has(swept) -> None:
    for study in swept.values():
        assert study.traces["w"].sel(cell="post0").isnull().all()  # it has no such state
        assert study.traces["w"].attrs["units"] == "A"
        assert not study.traces["I"].isnull().any()


def test_one_point_alone_has_the_same_bits(swept, place, run) -> None:
    alone = run(
        *CHOSEN, "neuron.b=100 pA", "synapse.E_rev=-20 mV", "stimulus.amplitude=0.6 nA",
        "run.engine=numpy", config_dir=place / "conf",
    )  # fmt: skip
    for cell in CELLS:
        times = swept["compiled"].spike_times(cell, b=100, E_rev=-20, amplitude=0.6)
        assert np.array_equal(alone.spike_times(cell), times)


def test_statistics_of_own_models(swept, plain) -> None:
    table = swept["compiled"].summary()
    for (number, (b, E_rev, amplitude)), cell in itertools.product(enumerate(POINTS), CELLS):
        row = table.loc[(b, E_rev, amplitude, cell)]
        assert row.spike_count == plain[f"{number} {cell}"].size
        assert row.firing_rate == pytest.approx(row.spike_count / 0.2)
    strong, weak = (table.xs((cell, 0.6), level=("cell", "amplitude")).spike_count
                    for cell in ("pre0", "post0"))  # fmt: skip
    assert (strong.loc[60] > strong.loc[100]).all()  # more adaptation, fewer spikes
    assert (weak.xs(0, level="E_rev") >= weak.xs(-20, level="E_rev")).all()


def test_a_study_goes_on_where_it_was_and_grows(swept, place) -> None:
    folder = place / "grown"
    shutil.copytree(place / "studies" / "compiled", folder / "compiled")
    for shard in (folder / "compiled" / "shards").iterdir():
        shard.unlink()
    (folder / "compiled" / "dataset.nc").unlink()
    again = command(place, *sweep_of("compiled"), "study.dir=grown")
    assert again.returncode == 0, again.stderr
    assert izhi.open_study(folder / "compiled").digest == swept["compiled"].digest
    more = [text.replace("0.4 nA,", "0.4 nA,0.5 nA,") for text in sweep_of("compiled")]
    grown = command(place, *more, "study.dir=grown")
    assert grown.returncode == 0, grown.stderr
    assert izhi.open_study(folder / "compiled").dataset.sizes["amplitude"] == 3


def test_zero_is_no_current_where_it_is_a_reversal_potential(place) -> None:
    plan = izhi.plan(["synapse.E_rev=0 mV", *CHOSEN], config_dir=place / "conf")
    assert plan.sweep.bases[0].values["synapse.E_rev"].dimension == izhi.units.VOLT
    none = ["stimulus=step_current", "stimulus.baseline=0 mV"]  # here it is one in any unit
    assert izhi.plan([*CHOSEN[:3], *none], config_dir=place / "conf").points == 1


def test_other_equations_are_another_study(swept, place, tmp_path) -> None:
    shutil.copytree(place / "studies" / "compiled", tmp_path / "studies" / "compiled")
    folder_with(tmp_path, neuron__mine=ADAPTIVE, neuron__leaky=LEAKY, stimulus__mine=STIMULUS,
                synapse__mine=SYNAPSE.replace("(1 - x)/tau_rec", "2*(1 - x)/tau_rec"))  # fmt: skip
    done = command(tmp_path, *sweep_of("compiled"))
    assert done.returncode == 2
    assert "holds another study" in done.stderr and "synapse.equations" in done.stderr


def test_a_study_needs_its_configs_no_longer(swept, place, tmp_path) -> None:
    shutil.copytree(place / "studies" / "compiled", tmp_path / "compiled")
    again = command(tmp_path, "reproduce", "compiled")
    assert again.returncode == 0, again.stderr
    assert "identical" in again.stdout
    checked = command(tmp_path, "verify", "compiled")
    assert checked.returncode == 0, checked.stderr
    others = command(tmp_path, "summarise", "compiled", "statistics=log_isi")
    assert others.returncode == 0, others.stderr


# ------------------------------------------- one of Hodgkin and Huxley's kind

CHANNELS = """
# Sodium and potassium channels, as in the COBAHH benchmark of Brette et al. (2007).
model: channels
equations: |
  dv/dt = (g_L*(E_L - v) + g_Na*m**3*h*(E_Na - v) + g_K*n**4*(E_K - v) + I)/C : volt
  dm/dt = alpha_m*(1 - m) - beta_m*m : 1
  dh/dt = alpha_h*(1 - h) - beta_h*h : 1
  dn/dt = alpha_n*(1 - n) - beta_n*n : 1
  alpha_m = 0.32*4/exprel((13*mV - v + V_T)/(4*mV))/ms : Hz
  beta_m = 0.28*5/exprel((v - V_T - 40*mV)/(5*mV))/ms : Hz
  alpha_h = 0.128*exp((17*mV - v + V_T)/(18*mV))/ms : Hz
  beta_h = 4/(1 + exp((40*mV - v + V_T)/(5*mV)))/ms : Hz
  alpha_n = 0.032*5/exprel((15*mV - v + V_T)/(5*mV))/ms : Hz
  beta_n = 0.5*exp((10*mV - v + V_T)/(40*mV))/ms : Hz
threshold: v > -20*mV
refractory: v > -20*mV
C: 200 pF
g_L: 10 nS
E_L: -60 mV
g_Na: 20 uS
E_Na: 50 mV
g_K: 6 uS
E_K: -90 mV
V_T: -63 mV
v_0: -60 mV
m_0: 0.03
h_0: 0.99
n_0: 0.06
"""


def test_channels_by_exponential_euler(tmp_path, run, compiler) -> None:
    conf = folder_with(tmp_path, neuron__channels=CHANNELS)
    studies = [
        run(
            "neuron=channels", "circuit=single", "synapse=none", "stimulus=step_current",
            "stimulus.amplitude=0.1 nA,0.3 nA,1 nA", "simulation.duration=60 ms",
            "simulation.dt=0.05 ms", "simulation.method=exponential_euler",
            f"run.engine={engine}", config_dir=conf,
        )
        for engine in ("numpy", "compiled")
    ]  # fmt: skip
    counts = studies[0].dataset.spike_count.values.ravel().tolist()
    assert counts == sorted(counts) and counts[-1] >= 5
    assert studies[0].digest == studies[1].digest


# ------------------------------------------- neurons of plain numbers, and of other letters

PLAIN_NUMBERS = """
model: without_units
equations: |
  dv/dt = (0.04*v**2 + 5*v + 140 - u + I)/ms : 1
  du/dt = a*(b*v - u)/ms : 1
threshold: v >= v_th
reset: "v = c; u += d"
rest: {u: b*v_0}
a: 0.02
b: 0.2
c: -65
d: 8
v_th: 30
v_0: -70
u_0: rest
"""
CAPACITANCE = """
model: leaky_of_a_capacitance
equations: "dv/dt = (-(v - E_L)/R + I)/c : volt"
threshold: v > v_th
reset: v = E_L
c: 100 pF
R: 100 Mohm
E_L: -70 mV
v_th: -50 mV
v_0: -70 mV
"""


def folder_with(tmp_path: Path, **files: str) -> Path:
    """Write configs, given as neuron__mine="...", into a folder of configs."""
    for name, text in files.items():
        path = tmp_path / "conf" / f"{name.replace('__', '/')}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path / "conf"


def bare(tmp_path: Path, text: str, *overrides: str) -> izhi.Plan:
    conf = folder_with(tmp_path, neuron__mine=text)
    return izhi.plan(["circuit=single", "synapse=none", "neuron=mine", *overrides], config_dir=conf)


def test_states_of_plain_numbers_start_at_plain_numbers(tmp_path) -> None:
    for start, value in (("rest", None), ("-14", -14.0)):
        plan = bare(tmp_path, PLAIN_NUMBERS, "stimulus.amplitude=10 1", f"neuron.u_0={start}")
        found = plan.sweep.bases[0].values
        assert found["neuron.v_0"].si == -70
        assert value is None or found["neuron.u_0"].si == value


def test_a_plain_number_drives_a_neuron_of_plain_numbers(tmp_path, run) -> None:
    conf = folder_with(tmp_path, neuron__mine=PLAIN_NUMBERS)
    study = run(
        "circuit=single", "synapse=none", "neuron=mine", "stimulus.amplitude=4 1,10 1",
        "simulation.duration=300 ms", "run.engine=numpy", config_dir=conf,
    )  # fmt: skip
    with_units = run(
        "circuit=single", "synapse=none", "neuron.v_0=-70 mV", "stimulus.amplitude=4,10",
        "simulation.duration=300 ms", "run.engine=numpy",
    )  # fmt: skip
    checked = command(study.path.parent, "verify", study.path.name)
    assert checked.returncode == 0, checked.stderr  # read back, the starts are numbers still
    for amplitude, at_least in ((4, 2), (10, 5)):
        times = study.spike_times("cell0", amplitude=amplitude)
        assert times.size >= at_least
        # the same equations, up to the rounding of their units
        assert times == pytest.approx(
            with_units.spike_times("cell0", amplitude=amplitude), abs=2e-4
        )


def test_what_else_drives_it_is_said(tmp_path) -> None:
    with pytest.raises(ConfigError, match=r"give stimulus\.amplitude as a plain number \(10 1\)"):
        bare(tmp_path, PLAIN_NUMBERS, "stimulus.amplitude=10 mV")


def test_a_letter_means_what_the_equations_make_of_it(tmp_path) -> None:
    bare(tmp_path, CAPACITANCE, "stimulus.amplitude=1 nA")
    with pytest.raises(ConfigError, match="a spike resets below the threshold"):
        izhi.plan(["neuron.c=40 mV"])
    with pytest.raises(ConfigError, match="what spikes has not diverged yet"):
        bare(tmp_path, CAPACITANCE, "stimulus.amplitude=1 nA", "neuron.v_th=2 V")


COMMENTED = {
    "neuron/mine.yaml": """
        model: mine
        equations: |
          dv/dt = (-v + I)/tau : volt  # leak
        threshold: |
          # fires
          v > (10*mV
               + 0*mV)  # high
        reset: |
          # back to rest; not below
          v = (-1*mV  # a little less
               + 1*mV)
        refractory: |
          1*ms  # short
        tau: 10 ms
        """,
    "synapse/mine.yaml": """
        model: mine
        on_pre: |
          # a kick
          v_post += (weight  # half
                     + weight)/2
        weight: 4 mV
        """,
}
BARE = {
    "neuron/mine.yaml": """
        model: mine
        equations: "dv/dt = (-v + I)/tau : volt"
        threshold: v > (10*mV + 0*mV)
        reset: v = (-1*mV + 1*mV)
        refractory: 1*ms
        tau: 10 ms
        """,
    "synapse/mine.yaml": """
        model: mine
        on_pre: v_post += (weight + weight)/2
        weight: 4 mV
        """,
}


def test_comments_and_brackets_over_lines_change_nothing(tmp_path, run) -> None:
    studies = []
    for name, files in (("commented", COMMENTED), ("bare", BARE)):
        for file, text in files.items():
            path = tmp_path / name / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(textwrap.dedent(text))
        studies.append(run(
            "circuit=pair", "neuron=mine", "synapse=mine", "stimulus.amplitude=12,20",
            "simulation.duration='60 ms'", "run.engine=numpy", config_dir=tmp_path / name,
        ))  # fmt: skip
    commented, bare = (study.spikes["spike_time"].values for study in studies)
    assert bare.size > 4 and np.array_equal(commented, bare)
