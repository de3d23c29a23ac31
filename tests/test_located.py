"""Resets inside the step: as exact as the steps between spikes, on equations of any kind."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import izhi
from izhi import cli
from izhi.accuracy import converge
from izhi.config.compose import compose
from izhi.errors import ConfigError
from izhi.models import located
from izhi.models.declarations import parse

pytestmark = pytest.mark.usefixtures("quick_builds")

# The last interval in ms, and spikes, in 980 ms of 10 mV, found by adaptive methods of order 8 with
# located crossings. CH: the longest.
TYPES = {
    "regular_spiking": (44.812414, 23), "intrinsically_bursting": (31.218019, 33),
    "chattering": (47.950129, 87), "fast_spiking": (7.342650, 134),
    "low_threshold_spiking": (13.370124, 77), "thalamo_cortical": (3.673304, 272),
    "resonator": (5.123512, 192),
}  # fmt: skip
FIRST = {  # of the same
    "regular_spiking": (23.741439, 44.695662, 89.552340),
    "chattering": (23.741439, 25.110825, 26.606643, 28.266393, 30.152675),
    "fast_spiking": (23.532987, 27.484652, 32.944246),
    "thalamo_cortical": (22.360621, 24.886128, 27.456812),
}
LEAKY = """
model: leaky
equations: |
  dv/dt = (w - v)/tau : volt
  w = E_L + x : volt
  x = R*I : volt
threshold: v > v_th
reset: v = c
E_L: -70 mV
R: 1
tau: 10 ms
v_th: -50 mV
c: -60 mV
v_0: -70 mV
"""


@pytest.fixture(scope="module")
def configs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("configs")
    for name, text in {
        "leaky": LEAKY,
        "backward": LEAKY.replace("v > v_th", "v_th < v"),
        "two": LEAKY.replace("v > v_th", "v > v_th and v > c"),
        "pausing": LEAKY.replace("reset: v = c", "reset: v = c\nrefractory: 2*ms"),
        "rising": LEAKY.replace("v > v_th", "v > v_th + 0*mV*exp(-t/tau)"),
        "timed": LEAKY.replace("v > v_th", "v > v_th + later").replace(
            "  dv", "  later = 0*mV*sin(2*pi*t/second) : volt\n  dv"
        ),
        "noting": LEAKY.replace("reset: v = c", "reset: v = c + 0*mV*(t/second)"),
    }.items():
        (folder / "neuron").mkdir(exist_ok=True)
        (folder / "neuron" / f"{name}.yaml").write_text(text)
    return folder


# ---------------------------------------------------------------- how exact it is


@pytest.fixture(scope="module")
def types(run: Any, compiler: None) -> izhi.Study:
    """Give the seven types at 10 mV, with the reset inside the step and on the grid."""
    return run(f"neuron={','.join(TYPES)}", "circuit=single", "simulation.method=located_rk4,rk4",
               "run.engine=compiled")  # fmt: skip


def test_steady_intervals_at_a_tenth_of_a_millisecond(types) -> None:
    errors = {}
    for name, (exact, _) in TYPES.items():
        for method in ("located_rk4", "rk4"):
            interval = np.diff(types.spike_times("cell0", neuron=name, method=method) * 1e3)
            steady = interval.max() if name == "chattering" else interval[-1]
            errors[name, method] = abs(steady / exact - 1)
    assert errors["regular_spiking", "located_rk4"] < 5e-6
    assert max(errors[name, "located_rk4"] for name in TYPES) < 5e-5
    assert all(errors[name, "rk4"] > 20 * errors[name, "located_rk4"] for name in TYPES)


def test_spike_counts_and_first_spikes_are_the_exact_ones(types) -> None:
    found = types.dataset["spike_count"].sel(cell="cell0")
    for name, (_, count) in TYPES.items():
        assert abs(int(found.sel({"neuron": name, "method": "located_rk4"})) - count) <= 1
    for name, exact in FIRST.items():
        times = types.spike_times("cell0", neuron=name, method="located_rk4") * 1e3
        assert times[: len(exact)] == pytest.approx(exact, abs=2e-3)


@pytest.mark.parametrize(
    ("neuron", "amplitude"),
    [("regular_spiking", "10 mV"), ("leaky", "30 mV"),
     ("book/low_threshold_spiking", "200 pA"),  # its threshold falls with u, its reset is bounded
     ("integrate_and_fire/adaptive_exponential", "1 nA")],
)  # fmt: skip
def test_the_order_of_the_step_is_that_of_the_spikes(neuron, amplitude, configs) -> None:
    sweep = compose(
        [f"neuron={neuron}", f"stimulus.amplitude={amplitude}", "circuit=single",
         "stimulus.onset=0 ms", "simulation.duration=60 ms", "simulation.dt=0.05 ms",
         "simulation.method=located_rk2,located_rk4", "run.engine=numpy"], config_dir=configs,
    )  # fmt: skip
    table = converge.converge(sweep, converge.Options(points=1, halvings=1))
    assert (table["spikes"] == table["exact"]).all() and table["spikes"].min() > 1
    errors = table["time_error"].unstack("dt").to_numpy()
    (rk2_fine, rk2), (rk4_fine, rk4) = errors
    assert rk2 / rk2_fine == pytest.approx(4, rel=0.2)
    assert rk4 / rk4_fine > 10 or rk4 < 1e-12
    assert rk4 < rk2 / 50


def test_what_a_kick_lifts_over_the_threshold_spikes_when_the_step_begins(run, configs) -> None:
    """The leaky cell falls where the kick leaves it, so that no slope says when it crossed."""
    kick = "model: kick\non_pre: v_post += weight\nweight: 30 mV\n"
    (configs / "synapse").mkdir(exist_ok=True)
    (configs / "synapse" / "kick.yaml").write_text(kick)
    study = izhi.run(
        ["neuron@pre.neuron=chattering", "neuron@post.neuron=leaky", "circuit=pair", "synapse=kick",
         "simulation.method=located_rk4", "+pre.neuron.method=euler", "simulation.duration=100 ms",
         "run.engine=numpy"],
        config_dir=configs, dir=configs, name="kick", progress=False,
    )  # fmt: skip
    pre, post = (study.spike_times(f"{name}0") / 1e-4 for name in ("pre", "post"))
    assert pre.size == post.size > 5
    assert post == pytest.approx(pre + 1, abs=1e-6)


# ---------------------------------------------------------------- engines and the whole program


def test_both_engines_give_the_same_bits(types, run) -> None:
    other = run(f"neuron={','.join(TYPES)}", "circuit=single", "simulation.method=located_rk4",
                "run.engine=numpy", "simulation.duration=120 ms", "run.shard_points=4")  # fmt: skip
    for name in TYPES:
        times = types.spike_times("cell0", neuron=name, method="located_rk4")
        assert np.array_equal(other.spike_times("cell0", neuron=name), times[times < 0.12])


def test_spike_sources_stay_on_the_grid(run) -> None:
    study = run("neuron@pre.neuron=source/regular_train", "circuit=pair", "run.engine=numpy",
                "simulation.method=located_rk2", "simulation.duration=300 ms")  # fmt: skip
    steps = study.spike_times("pre0") / 1e-4
    assert steps.size == 6 and np.abs(steps - np.rint(steps)).max() < 1e-9


def test_a_whole_study_has_spikes_off_the_grid(tmp_path, capsys) -> None:
    def ask(*words: str) -> str:
        assert cli.main(list(words)) == 0
        return capsys.readouterr().out

    sweep = ["neuron=chattering,regular_spiking", "simulation.duration=60 ms", "run.engine=numpy",
             f"study.dir={tmp_path}", "study.name=s", "run.n_jobs=1"]  # fmt: skip
    ask("run", "-m", *sweep, "simulation.method=rk4")
    assert izhi.open_study(tmp_path / "s").spikes["spike_time"].encoding["dtype"] == np.int32
    ask("run", "-m", *sweep, "simulation.method=rk4,located_rk4")  # which extends the study
    study = izhi.open_study(tmp_path / "s")
    assert study.spikes["spike_time"].encoding["dtype"] == np.float64
    on_grid = study.spike_times("pre0", neuron="chattering", method="rk4") / 1e-4
    times = study.spike_times("pre0", neuron="chattering", method="located_rk4")
    assert np.abs(on_grid - np.rint(on_grid)).max() < 1e-9
    assert np.abs(times / 1e-4 - np.rint(times / 1e-4)).max() > 0.1
    assert times.size == on_grid.size and np.abs(times - on_grid * 1e-4).max() < 3e-3
    mean = study.dataset["isi_mean"].sel(
        {"neuron": "chattering", "method": "located_rk4", "cell": "pre0"}
    )
    assert float(mean) == pytest.approx(np.diff(times).mean(), rel=1e-12)
    path = str(tmp_path / "s")
    assert "the same bits" in ask("verify", path)
    assert "identical" in ask("reproduce", path)
    assert "all the same" in ask("diff", path, str(tmp_path / "s-again"))
    ask("summarise", path, "statistics.max_interval=8 ms")
    ask("export", path, "--to", "csv")
    assert f"{float(times[0])!r}" in (tmp_path / "s-csv" / "spikes.csv").read_text()


# ---------------------------------------------------------------- what it needs

BEGINNING = "t is that of the step's beginning, but located_rk4"
NEEDS = "needs one of the form v > v_th, a state variable (v) above a value"


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        (["neuron=backward", "simulation.method=located_rk4"],
         f"neuron.threshold = v_th < v: located_rk4 {NEEDS}"),
        (["neuron@post.neuron=two", "+post.neuron.method=located_rk2"],
         f"post.neuron.threshold = v > v_th and v > c: located_rk2 {NEEDS}"),
        (["neuron=pausing", "simulation.method=located_rk2"],
         "neuron.refractory = 2*ms: a refractory period ends on the grid, but located_rk2 resets "
         "inside the step; use rk2"),
        (["neuron=rising", "simulation.method=located_rk4"],
         f"neuron.threshold = v > v_th + 0*mV*exp(-t/tau): {BEGINNING} needs a threshold within "
         "the step; let a state follow the time, or use rk4"),
        (["neuron=timed", "simulation.method=located_rk4"],
         f"neuron.threshold = v > v_th + later: {BEGINNING} needs a threshold within the step; let "
         "a state follow the time, or use rk4"),
        (["neuron=noting", "simulation.method=located_rk4"],
         f"neuron.reset: v = c + 0*mV*(t/second): {BEGINNING} resets inside the step; let a state "
         "follow the time, or use rk4"),
    ],
)  # fmt: skip
def test_what_cannot_be_located_is_refused(overrides, said, configs) -> None:
    with pytest.raises(ConfigError) as error:
        izhi.plan(overrides, config_dir=configs)
    assert str(error.value) == said


def test_what_is_constant_over_a_step_keeps_its_name() -> None:
    text = "dv/dt = -v*x/tau : 1\nx = 2*y : 1\ny = v*z : 1\nz = t/tau : 1 (constant over dt)"
    system = parse(text, "neuron.equations")
    assert located.slopes_of(system) == {"v": "-v * (2 * (v * z)) / tau"}


NAMED = """
model: named
equations: |
  dv/dt = (low - v + R*I + x)/tau : volt
  dy/dt = (g*v - y)/tau_2 : volt
  dx/dt = (y - x)/tau_3 : volt
threshold: v > v_th
reset: |
  kick = 3*mV
  v = low
  x += kick
low: -65 mV
R: 1
g: 0.1
tau: 10 ms
tau_2: 3 ms
tau_3: 2 ms
v_th: -50 mV
v_0: -65 mV
method: located_rk4
"""
RENAMED = {  # with each of them, names of the scheme's own were names of the neuron's
    "x_d": {"y": "x_d"},
    "parts": {"low": "located_part", "y": "rise", "x": "back"},
    "steps": {"low": "located_step_0_0", "kick": "located_way_0_1", "g": "located_x_back_0"},
}


@pytest.mark.parametrize("engine", ["numpy", "compiled"])
def test_a_model_may_have_any_names(engine, run, compiler, tmp_path) -> None:
    (tmp_path / "neuron").mkdir()
    for name, others in {"named": {}, **RENAMED}.items():
        text = NAMED
        for old, new in others.items():
            text = re.sub(rf"\b(d?){old}\b", rf"\g<1>{new}", text)
        (tmp_path / "neuron" / f"{name}.yaml").write_text(text)
    settings = [f"run.engine={engine}", "simulation.duration=60 ms", "stimulus.amplitude=40 mV"]
    settings += ["circuit=single", "synapse=none", "stimulus.onset=1 ms"]
    times = [
        run(*settings, f"neuron={name}", config_dir=tmp_path).spike_times("cell0")
        for name in ("named", *RENAMED)
    ]
    assert times[0].size > 3
    for other in times[1:]:
        assert np.array_equal(other, times[0])
