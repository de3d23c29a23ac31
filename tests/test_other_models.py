"""Models that are not izhi's own: both engines give the same, and what the equations say.

Each stands for a kind of model on which the engines once differed, or which passed the checks and
failed in the run.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import xarray
import yaml

import izhi
from izhi.sweep import plan as plans

pytestmark = pytest.mark.usefixtures("quick_builds")

SINGLE = ["circuit=single", "synapse=none"]


def write(folder: Path, **models) -> Path:
    """Write configs such as ``neuron_own={...}``; return the folder."""
    for name, config in models.items():
        group, _, choice = name.partition("_")
        path = folder / group / f"{choice}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(yaml.safe_dump(config))
    return folder


def both(folder: Path, *overrides: str, status: tuple[int, ...] = (0,)) -> xarray.Dataset:
    """Return what both engines give: all states and spikes have to be the same to the bit."""
    studies = [
        izhi.run(
            [*overrides, f"run.engine={engine}", "record.traces=all", "run.report=none"],
            name=engine, dir=folder / f"studies{len(list(folder.glob('studies*')))}",
            config_dir=folder, progress=False,
        )
        for engine in ("numpy", "compiled")
    ]  # fmt: skip
    for group in (None, "spikes", "traces"):
        numpy, compiled = (
            xarray.load_dataset(study.path / "dataset.nc", group=group) for study in studies
        )
        for name, values in numpy.data_vars.items():
            assert np.array_equal(values.values, compiled[name].values, equal_nan=(
                values.dtype.kind == "f")), name  # fmt: skip
    data: xarray.Dataset = studies[0].dataset
    assert sorted(set(data.status.values.ravel().tolist())) == list(status)
    return data


LEAKY = {
    "equations": "dx/dt = (b - x + I)/tau : 1 (unless refractory)", "threshold": "x > x_th",
    "reset": "x = 0", "refractory": "t_ref", "b": 1.1, "x_th": 1, "tau": "20 ms", "t_ref": "5 ms",
}  # fmt: skip


def test_what_is_drawn_but_once_is_drawn_with_its_parameters(compiler, tmp_path) -> None:
    """A product of parameters beside a draw has to be there before the first draw."""
    current = {"current": "mean + mean*cv*normal_at(number)", "mean": 1.5, "cv": 0.2, "number": 0}
    folder = write(tmp_path, neuron_own={**LEAKY, "b": 0}, stimulus_own=current)
    data = both(folder, *SINGLE, "neuron=own", "stimulus=own", "simulation.duration=200 ms")
    assert data.spike_count.values.ravel().tolist() == [2]


def test_two_stimuli_of_noise_add_up(compiler, tmp_path) -> None:
    stimuli = ["stimulus=noise", "+stimulus@stimulus.background=noise", "stimulus.mean=5 mV"]
    stimuli += ["stimulus.background.mean=5 mV"]
    for name in ("stimulus", "stimulus.background"):
        stimuli += [f"{name}.sd=1 mV", f"{name}.interval=500 ms"]
    data = both(tmp_path, *SINGLE, "neuron=regular_spiking", *stimuli, "simulation.duration=500 ms")
    assert data.spike_count.values.ravel().tolist() == [11]


HELD = {
    "equations": "dv/dt = (E - v + J + b)/tau : volt\nJ = 0.5*k*(E - v) : volt (constant over dt)",
    "threshold": "v > v_th", "reset": "v = E", "E": "-70 mV", "v_th": "-55 mV", "b": "30 mV",
    "k": 1, "tau": "10 ms", "v_0": "-70 mV",
}  # fmt: skip


def test_what_is_constant_over_a_step_is_computed_in_every_step(compiler, tmp_path) -> None:
    folder = write(tmp_path, neuron_own=HELD)
    run = [*SINGLE, "neuron=own", "simulation.duration=100 ms"]
    assert both(folder, *run, "stimulus=none").spike_count.values.ravel().tolist() == [10]
    driven = {**HELD, "equations": HELD["equations"].replace("J + b", "J + I")}
    driven.pop("b")
    write(tmp_path, neuron_driven=driven)
    both(folder, *run, "neuron=driven", "stimulus.amplitude=30 mV", "stimulus.onset=10 ms")


def test_functions_powers_and_conditions_of_all_kinds(compiler, tmp_path) -> None:
    equations = """
        dv/dt = (1.2 + 0.1*arctan(w) + 0.02*arcsin(w/10) + 0.01*log1p(abs(w)) - v + drift)/tau : 1
        dw/dt = (v*2 - w + 0.001*(exp(v) + cosh(v)))/(2*tau) : 1 (unless refractory)
        drift = 0.01*tan(w/4) + 0.02*log10(2 + w) + 0.1*h + cut : 1
        cut = 0.01*(w**2 % 0.7) + 0.001*floor(1e10*v) % 3 : 1
        h = abs(v)**n/(abs(v)**n + K**n) + 0.01*abs(v)**1.5 + int(v > 0.3 and w > 0.1 or w > 1) : 1
    """
    neuron = {
        "equations": "\n".join(line.strip() for line in equations.strip().splitlines()),
        "threshold": "v > 1",
        "reset": "high = w > 0.5; low = w > 0.1; v = 0.05*int(high) + 0.01*int(low)",
        "refractory": "2*ms", "tau": "20 ms", "n": 2.5, "K": 0.5, "v_0": 0.2,
    }  # fmt: skip
    folder = write(tmp_path, neuron_own=neuron)
    data = both(
        folder, *SINGLE, "neuron=own", "stimulus=none", "simulation.duration=100 ms",
    )  # fmt: skip
    assert data.spike_count.values.ravel()[0] > 0


def test_whole_numbers_have_no_end_and_no_negative_zero(compiler, tmp_path) -> None:
    """1/ceil(-0.7) is infinite, and its sign would be that of a negative zero."""
    neuron = {
        "equations": "dv/dt = (floor(big) - 2*int(-big) + ceil(big))/second : 1\n"
                     "dw/dt = sign(1/ceil(-0.7*x))/second : 1\ndx/dt = 0*x/second : 1",
        "threshold": "v > 1e30", "reset": "v = 0", "big": 3e10, "x_0": 1,
    }  # fmt: skip
    folder = write(tmp_path, neuron_own=neuron)
    data = both(
        folder, *SINGLE, "neuron=own", "stimulus=none", "simulation.duration=1 ms",
    )  # fmt: skip
    traces = xarray.load_dataset(
        next(tmp_path.glob("studies*/compiled/dataset.nc")), group="traces"
    )
    assert float(traces["v"].values.ravel()[-1]) == pytest.approx(4 * 3e10 * 0.9e-3, rel=1e-9)
    assert float(traces["w"].values.ravel()[-1]) == pytest.approx(0.9e-3, rel=1e-9)
    assert data.status.values.ravel().tolist() == [0]


@pytest.mark.parametrize(
    ("stimulus", "message"),
    [("normal_at(n) + uniform_at(n)", "a second draw with the number n"),
     ("x*normal_at(floor(t/a)) - normal_at(floor(t/a))", "a second draw with the number floor")],
)  # fmt: skip
def test_two_draws_with_the_same_number_are_refused(stimulus, message, tmp_path) -> None:
    config = {"current": stimulus, "n": 1, "x": 1, "a": "5 ms"}
    config = {name: value for name, value in config.items() if name in ("current", *stimulus)}
    folder = write(tmp_path, neuron_own=LEAKY, stimulus_own=config)
    with pytest.raises(izhi.ConfigError) as error:
        izhi.plan([*SINGLE, "neuron=own", "stimulus=own"], config_dir=folder)
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("change", "message"),
    [({"equations": "dv/dt = r : 1\nr = 100*Hz : Hz"}, "simulation.method = exact: dv/dt of cell "
      "names none of v; use one of euler"),
     ({"equations": "dv/dt = -v/tau : 1\nb = v : 1 (shared)", "tau": "5 ms", "threshold": "b > 1"},
      "b is shared by all cells, but v is not"),
     ({"equations": "dv/dt = -drive*v : 1", "drive": "1 Hz"}, "neuron.drive: stands for what all "
      "stimuli add up to"),
     ({"equations": "dv/dt = (drive - v)/tau : 1", "per_cell": {"drive": "uniform(0, 2)"},
       "tau": "5 ms"}, "neuron.per_cell.drive: stands for what all stimuli add up to")],
)  # fmt: skip
def test_models_that_cannot_run_are_refused(change, message, tmp_path) -> None:
    folder = write(tmp_path, neuron_own={"threshold": "v > 1", "reset": "v = 0", **change})
    with pytest.raises(izhi.ConfigError) as error:
        izhi.plan([*SINGLE, "neuron=own", "stimulus=none", "simulation.method=exact"],
                  config_dir=folder)  # fmt: skip
    assert message in str(error.value)


WORDS = ("long", "new", "default", "NAN", "x_pre", "x_post", "lastupdate", "N_incoming",
         "variables", "step", "chunk", "replicas", "stored", "output", "e_1", "log1")  # fmt: skip


def test_any_name_works(compiler, tmp_path) -> None:
    """Names of users are mangled: words of C++ and Brian2, suffixes, names that begin others."""
    terms = " + ".join(f"0.01*{name}" for name in WORDS)
    neuron = {
        "equations": f"dv/dt = (2 + {terms} - v)/tau : 1", "threshold": "v > 1", "reset": "v = 0",
        "tau": "5 ms", **dict.fromkeys(WORDS, 1),
    }  # fmt: skip
    synapse = {
        "equations": f"dz/dt = -z*({terms})/tau : 1 (event-driven)",
        "on_pre": "z += 1; v_post += z*w", "tau": "5 ms", "w": 0.01, **dict.fromkeys(WORDS, 1),
    }  # fmt: skip
    circuit = {
        "populations": {
            "p": {"count": 8, "stimulated": False}, "p_pre": {"count": 7, "stimulated": False},
        },
        "projections": {
            "e": {"source": "p", "target": "p_pre", "connect": "one_to_one"},
            "e_slow": {"source": "p_pre", "target": "p", "connect": "one_to_one"},
            "e_pre": {"source": "p", "target": "p", "connect": "ring"},
        },
    }  # fmt: skip
    folder = write(tmp_path, neuron_own=neuron, synapse_own=synapse, circuit_own=circuit)
    data = both(
        folder, "circuit=own", "neuron=own", "synapse=own", "stimulus=none",
        "simulation.duration=50 ms",
    )  # fmt: skip
    assert (data.spike_count.values > 5).all()


def test_a_projection_whose_name_begins_anothers(compiler, tmp_path) -> None:
    circuit = {
        "populations": {
            "a": {"count": 8, "stimulated": True}, "b": {"count": 7, "stimulated": True},
            "post": {"count": 8, "stimulated": False},
        },
        "projections": {
            "e": {"source": "b", "target": "post", "connect": "one_to_one"},
            "e_slow": {"source": "a", "target": "post", "connect": "one_to_one"},
        },
    }  # fmt: skip
    folder = write(tmp_path, circuit_own=circuit)
    data = both(
        folder, "circuit=own", "synapse=static", "synapse.weight=1 mV",
        "simulation.duration=100 ms", "stimulus.amplitude=8 mV",
        "+synapse@e_slow.synapse=depressing", "e_slow.synapse.weight=5 mV",
    )  # fmt: skip
    assert data.spike_count.sel(cell=[f"post{i}" for i in range(8)]).values.sum() == 0


def test_a_delay_beyond_the_end_never_comes(compiler, tmp_path) -> None:
    data = both(tmp_path, "neuron=chattering", "synapse.delay=300000 s",
                "simulation.duration=100 ms")  # fmt: skip
    assert data.spike_count.sel(cell="post0").values.ravel().tolist() == [0]


def test_what_all_cells_share_is_one_number_for_a_replica(compiler, tmp_path) -> None:
    neuron = {
        "equations": "dv/dt = (b - v)/tau : 1\nb = 1 + 0.5*sin(2*pi*f*t) : 1 (shared)",
        "threshold": "v > 1", "reset": "v = 0", "tau": "20 ms", "f": "10 Hz", "v_0": 0.2,
    }  # fmt: skip
    folder = write(tmp_path, neuron_own=neuron)
    data = both(folder, *SINGLE, "neuron=own", "stimulus=none", "simulation.duration=50 ms")
    assert data.spike_count.values.ravel()[0] > 0


def test_levels_of_a_draw_are_numbers(tmp_path) -> None:
    lines = "r: 'uniform(0, 1)', level: 'int(r > 1/3) + int(r > 2/3)', d: 'd + 2*mV*level'"
    levels = f"+neuron.per_cell={{{lines}}}"
    plan = izhi.plan([*SINGLE, levels, "circuit.populations.cell.count=200", "run.engine=numpy"])
    d = plans.parameters(plan, plan.shards[0])["cell.d"].ravel()
    assert np.unique(np.round(d * 1e3, 9)).size == 3


@pytest.mark.parametrize(
    ("equations", "message"),
    [("dv/dt = exp(v, v)/tau : 1", "exp takes 1 argument, not 2"),
     ("dv/dt = clip(v)/tau : 1", "clip takes 3 arguments, not 1")],
)  # fmt: skip
def test_a_function_has_as_many_arguments_as_it_takes(equations, message, tmp_path) -> None:
    neuron = {"equations": equations, "threshold": "v > 1", "reset": "v = 0", "tau": "5 ms"}
    folder = write(tmp_path, neuron_own=neuron)
    with pytest.raises(izhi.ConfigError, match=message):
        izhi.plan([*SINGLE, "neuron=own", "stimulus=none"], config_dir=folder)


PAIR = {
    "populations": {"a": {"count": 1, "stimulated": True}, "b": {"count": 1, "stimulated": True}},
    "projections": {"a_to_b": {"source": "a", "target": "b", "connect": "all"}},
}
"""Two populations with a neuron each, the first of which drives the second."""


def test_a_state_with_the_name_of_another_populations_parameter(compiler, tmp_path) -> None:
    """Traces of x are those of the cells whose state x is."""
    one = {"equations": "dx/dt = (1 - x)/tau : 1", "threshold": "x > 2", "tau": "5 ms"}
    other = {"equations": "dy/dt = (x - y)/tau : 1", "threshold": "y > 2", "x": 1, "tau": "5 ms"}
    folder = write(tmp_path, neuron_one=one, neuron_other=other, circuit_two=PAIR)
    run = ["circuit=two", "synapse=none", "stimulus=none", "+neuron@a.neuron=one"]
    both(folder, *run, "+neuron@b.neuron=other", "simulation.duration=2 ms")


def test_names_that_a_reset_makes_are_its_own(compiler, tmp_path) -> None:
    """A stimulus may have a parameter of that name; the reset does not change it."""
    neuron = {**LEAKY, "reset": "amount = 0.5*x; x = -amount"}
    stimulus = {"current": "amount*int(t >= 4*ms)", "amount": 2}
    folder = write(tmp_path, neuron_own=neuron, stimulus_own=stimulus)
    renamed = {"current": "height*int(t >= start)", "height": 2, "start": "4 ms"}
    write(tmp_path, stimulus_renamed=renamed)
    run = [*SINGLE, "neuron=own", "simulation.duration=100 ms"]
    spikes = [both(folder, *run, f"stimulus={name}").spike_count for name in ("own", "renamed")]
    assert spikes[0].values.ravel().tolist() == spikes[1].values.ravel().tolist() != [0]


@pytest.mark.parametrize("constant", [False, True])
def test_names_that_a_synapse_makes_are_its_own(compiler, tmp_path, constant) -> None:
    """A target's variable of the same name is neither read nor changed."""
    source = {**LEAKY, "b": 2}
    target = {"equations": "dx/dt = -x/tau + 0*gain*amount/tau : 1", "threshold": "x > 1",
              "reset": "x = 0", "gain": 30, "amount": 40, "tau": "20 ms"}  # fmt: skip
    synapse = {"on_pre": "amount = gain*0.5; x_post += amount", "gain": 0.6}
    if constant:
        synapse["constants"] = {"gain": synapse.pop("gain")}
    folder = write(
        tmp_path, neuron_source=source, neuron_target=target, synapse_own=synapse,
        circuit_two=PAIR,
    )  # fmt: skip
    data = both(
        folder, "circuit=two", "synapse=own", "stimulus=none", "+neuron@a.neuron=source",
        "+neuron@b.neuron=target", "simulation.duration=100 ms",
    )  # fmt: skip
    sent, received = data.spike_count.values.ravel().tolist()
    assert received == 0 < sent  # 0.3 for each spike, not 15


def test_what_follows_from_constants_alone_while_cells_are_refractory(compiler, tmp_path) -> None:
    neuron = {
        **LEAKY, "equations": f"{LEAKY['equations']}\nlow = floor(7)*0 : 1\n"
        "dy/dt = (floor(low) % 2 + x - y)/tau : 1 (unless refractory)",
    }  # fmt: skip
    folder = write(tmp_path, neuron_own=neuron)
    both(folder, *SINGLE, "neuron=own", "stimulus=none", "simulation.duration=60 ms")


def test_draws_with_a_number_that_is_written_out(compiler, tmp_path) -> None:
    folder = write(tmp_path, neuron_own=LEAKY, stimulus_own={"current": "a*uniform_at(3)", "a": 1})
    both(folder, *SINGLE, "neuron=own", "stimulus=own", "simulation.duration=20 ms")


def test_names_of_what_random_numbers_are_drawn_from_are_refused(tmp_path) -> None:
    current = {"current": "noise_low*normal_at(floor(t/(5*ms)))", "noise_low": 1}
    folder = write(tmp_path, neuron_own=LEAKY, stimulus_own=current)
    with pytest.raises(izhi.ConfigError) as error:
        izhi.plan([*SINGLE, "neuron=own", "stimulus=own"], config_dir=folder)
    assert "stimulus.noise_low: noise_low stands for half of what random numbers" in str(
        error.value
    )


@pytest.mark.parametrize("engine", ["numpy", "compiled"])
@pytest.mark.parametrize(
    "term", ["int(arcsin(7 + 0*b) < b*x)", "1/ceil(-0.7 + 0*b)", "1/floor(-0.0*x)", "1/(b - b)"]
)
def test_equations_that_brian_cannot_take_are_refused_before_a_run(tmp_path, term, engine) -> None:
    """Sympy finds what is no real number, and what is divided by zero."""
    neuron = {**LEAKY, "equations": f"dx/dt = (tanh({term}) + b - x + I)/tau : 1"}
    folder = write(tmp_path, neuron_own=neuron)
    run = [*SINGLE, "neuron=own", "stimulus=none", f"run.engine={engine}"]
    checked = izhi.check(run, config_dir=folder)
    with pytest.raises(izhi.ConfigError) as error:
        izhi.run(run, name="own", dir=tmp_path, config_dir=folder, progress=False)
    assert [str(checked.errors[0])] == [str(error.value)]
    assert "Brian2 cannot generate code for these equations" in str(error.value)


def test_a_single_cell_in_a_program_of_one_replica(compiler, tmp_path, monkeypatch) -> None:
    """Brian2 sets a variable of one element in another way; the cell was refractory at first."""
    monkeypatch.setattr("izhi.engine.cache.replicas", lambda structure: 1)
    folder = write(tmp_path, neuron_own=LEAKY)
    run = [*SINGLE, "neuron=own", "stimulus=none", "neuron.b=2,3", "simulation.duration=50 ms"]
    assert (both(folder, *run).spike_count.values > 1).all()


def test_a_constant_may_be_divided_by_zero(compiler, tmp_path) -> None:
    neuron = {
        **LEAKY, "equations": "dx/dt = (b - x + clip(gain/zero, -1, 1) + y + I)/tau : 1"
        "\ny = clip(1/sign(0/(2 + abs(x))), -1, 1) : 1 (constant over dt)",
        "constants": {"gain": 2, "zero": 0},
    }  # fmt: skip
    del neuron["refractory"], neuron["t_ref"]
    folder = write(tmp_path, neuron_own=neuron)
    both(folder, *SINGLE, "neuron=own", "stimulus=none", "simulation.duration=20 ms")


WRITTEN_OUT = {
    "2**-1": 0.5, "10**-1*5": 0.5, "(1 + 1)**-1": 0.5, "-2**-2": -0.25, "(-2)**-1": -0.5,
    "7 % 2**-1 + 1": 1, "True + True": 2, "True*True + True": 2, "-(b > 1)": -1, "abs(b > 1)": 1,
    "exp(b > 3)": 1, "int(b and True)": 1, "int(not not b)": 1, "int(b or False)": 1,
    "int(b and zero)": 0, "int(not zero)": 1, "int(b and b)": 1, "int(True + True)": 2,
    "0.5*exp(zero > 3) - (-(zero < 3))": 1.5,
}  # fmt: skip
"""Expressions of b = 1.5 and zero = 0, and what Python finds for them."""


def final(folder: Path, name: str) -> float:
    """Return the last sample of a trace of the newest study."""
    newest = max(folder.glob("studies*/compiled/dataset.nc"))
    return float(xarray.load_dataset(newest, group="traces")[name].values.ravel()[-1])


def test_numbers_and_conditions_mean_what_they_mean_in_python(compiler, tmp_path) -> None:
    states = {f"y{k}": text for k, text in enumerate(WRITTEN_OUT)}
    neuron = {
        "equations": "\n".join(
            [f"d{name}/dt = ({text})/ms : 1\ndset_{name}/dt = 0/ms : 1"
             for name, text in states.items()]
            + ["dx/dt = 1/ms : 1", "dcopy/dt = 0/ms : 1", "slow = 4*2**-1 : 1 (constant over dt)"]
        ),
        "threshold": "x > 2**-1*(True + True) - 2**-1 and (b and True)",
        "reset": "x = 0; copy = slow\n"
        + "\n".join(f"now_{name} = {text}; set_{name} = now_{name}"
                    for name, text in states.items()),
        "b": 1.5, "zero": 0,
    }  # fmt: skip
    folder = write(tmp_path, neuron_own=neuron)
    data = both(
        folder, *SINGLE, "neuron=own", "stimulus=none", "simulation.duration=1.2 ms",
        "record.interval=0.1 ms",
    )  # fmt: skip
    assert data.spike_count.values.tolist() == [2]  # after 0.6 and 1.2 ms
    assert final(tmp_path, "copy") == 2
    for name, text in states.items():
        assert final(tmp_path, f"set_{name}") == WRITTEN_OUT[text], text
        assert final(tmp_path, name) == pytest.approx(1.1 * WRITTEN_OUT[text]), text


def test_numbers_and_conditions_of_synapses_and_stimuli(compiler, tmp_path) -> None:
    folder = write(
        tmp_path,
        neuron_own={
            "equations": "dx/dt = (I - x)/tau : 1 (unless refractory)", "threshold": "x > 1",
            "reset": "x = 0", "refractory": "5*10**-1*ms", "tau": "1 ms",
        },
        stimulus_own={
            "current": "a*abs(t >= on) + a*exp(t >= on) + a*sign(-(t >= on))", "a": 3, "on": "2 ms",
        },
        synapse_own={
            "target": "dI_S/dt = 0*I_S/ts : 1", "current": "I_S*abs(I_S > 0.1)*(True + True)",
            "on_pre": "I_S_post += w*2**-1 - -(x_post < 9)*w", "w": 2, "ts": "3 ms",
        },
    )  # fmt: skip
    data = both(
        folder, "circuit=pair", "neuron=own", "stimulus=own", "synapse=own",
        "simulation.duration=1.5 ms", "record.interval=0.1 ms",
    )  # fmt: skip
    pre = data.sel(cell="pre0")
    assert float(pre.isi_min) == pytest.approx(0.0008)  # 4 steps, and 4 without a change
    assert final(tmp_path, "I") == 6 * int(pre.spike_count)
    both(folder, *SINGLE, "neuron=own", "stimulus=own", "simulation.duration=3 ms")
    assert final(tmp_path, "I") == pytest.approx(3 * np.e)


def test_a_refractory_period_may_be_longer_than_any_run(compiler, tmp_path) -> None:
    folder = write(tmp_path, neuron_own=LEAKY)
    run = [*SINGLE, "neuron=own", "stimulus=none", "simulation.duration=60 ms"]
    data = both(folder, *run, "neuron.t_ref=10001 s,1e9 s,1e30 s")
    assert (data.spike_count.values == 1).all()


def test_draws_of_a_stimulus_are_independent_however_their_numbers_are_written(
    compiler, tmp_path
) -> None:
    folder = write(
        tmp_path,
        stimulus_own={"current": "a*normal_at(k) + b*uniform_at(0.0) + c*normal_at(0)",
                      "a": "1 mV", "b": "1 mV", "c": "1 mV", "k": 0},
        circuit_many={"populations": {"cell": {"count": 400, "stimulated": True}}},
    )  # fmt: skip
    drawn = {}
    for name in "abc":
        others = [f"stimulus.{other}=0 mV" for other in "abc" if other != name]
        both(
            folder, "circuit=many", "synapse=none", "stimulus=own", *others,
            "simulation.duration=0.1 ms", "record.interval=0.1 ms",
        )  # fmt: skip
        newest = max(tmp_path.glob("studies*/compiled/dataset.nc"))
        drawn[name] = xarray.load_dataset(newest, group="traces").I.values.ravel()
    correlation = np.corrcoef(list(drawn.values()))
    assert np.abs(correlation - np.eye(3)).max() < 0.2  # four standard errors


@pytest.mark.parametrize(
    "on", ["int(t >= onset + jitter*uniform_at(0))", "floor((t - jitter*uniform_at(3))/onset)"]
)
def test_times_that_are_compared_may_be_drawn(compiler, tmp_path, on) -> None:
    folder = write(
        tmp_path,
        stimulus_own={"current": f"10*mV*{on}", "onset": "2 ms", "jitter": "3 ms"},
        circuit_many={"populations": {"cell": {"count": 20, "stimulated": True}}},
    )  # fmt: skip
    both(
        folder, "circuit=many", "synapse=none", "stimulus=own", "simulation.duration=6 ms",
        "record.interval=0.1 ms",
    )  # fmt: skip
    newest = max(tmp_path.glob("studies*/compiled/dataset.nc"))
    current = xarray.load_dataset(newest, group="traces").I.values.reshape(20, -1)
    assert len(np.unique((current >= current.max() / 2).argmax(axis=1))) > 5


def test_constants_that_are_found_to_be_no_numbers(compiler, tmp_path) -> None:
    """Brian2 computes 1e300*1e300, and the root of what oscillates, when it writes code."""
    folder = write(tmp_path, neuron_own={
        "equations": "dx/dt = (b - x + y)/tau : 1\ny = clip(1e300*(1e300*b), 0, 1) : 1",
        "threshold": "x > 1", "reset": "x = 0", "b": 1, "tau": "5 ms",
    }, neuron_waits={
        "equations": "dx/dt = (-x + 2*y)/tau : 1\n"
                     "dy/dt = (b - 2*y - x)/tau : 1 (unless refractory)",
        "threshold": "x > 1", "reset": "x = 0", "b": 1, "tau": "5 ms", "refractory": "3*ms",
    })  # fmt: skip
    run = [*SINGLE, "stimulus=none", "simulation.duration=20 ms"]
    assert both(folder, *run, "neuron=own").spike_count.values.ravel()[0] > 2
    for engine in ("numpy", "compiled"):
        study = izhi.run(
            [*run, "neuron=waits", "simulation.method=exact", f"run.engine={engine}"],
            name=engine, dir=tmp_path, config_dir=folder, progress=False,
        )  # fmt: skip
        assert study.dataset.status.values.ravel().tolist() == [3]


def last_values(traces: xarray.Dataset) -> list[tuple[float, float]]:
    """Return the last samples of x and y at each point."""
    ends = traces.isel(time=-1)
    return list(zip(ends.x.values.ravel(), ends.y.values.ravel(), strict=True))


COPIES = {
    "old = x; x += 1; y = old": (3, 2),
    "y = x; x *= 5": (10, 2),
    "y = x; x += y; y += x": (4, 6),
    "old = clip(x, 0, 9); x += 1; y = old**1; old += 7": (3, 2),
    "old = x**1; x += 1; y = old": (3, 2),
    "old = b; old += 1; y = old + b": (2, 9),
    "old = 2*b; old *= x; y = old; old = b; x = old": (4, 16),
    "big = b > 3; big = big and x > 5; y = int(big); x += int(not big)": (3, 0),
    "y = x; z = y; z += 1; y += z": (2, 5),
    "y = abs(-3); y += x; x = exp(0); x += b": (5, 5),
    "x = 0; y = int(1/x > b) + 2*int(1/(-x) < 0)": (0, 3),
    "x = 0*b; y = int(1/(-x) < 0)": (0, 1),
    "h = x > 5; y = int(1/(-h) < 0)": (2, 1),
    "h = int(x > 5) + int(x > 9); y = int(1/(-h) < 0)": (2, 1),
    "x = x*(3*mV)/mV": (6, 0),
    "x = x*b/b + 1; y = x; x = x*cos(0)": (3, 3),
    "x = (x*mV + b*mV)/mV; y = x": (6, 6),
    "y = int((-x)**power < 0) + 2*int((-x)**power*x < 0) + 4*int(x**power > 0)": (2, 7),
}
"""What a reset makes of x = 2 and y = 0, where b is 4 and power is 65.

The last ones: numbers that are written out are doubles, as in C++; units and names may cancel out,
which Brian2 by itself fails on; whole powers have a sign.
"""


@pytest.mark.parametrize("engine", ["numpy", "compiled"])
def test_a_copy_keeps_its_value_when_what_it_was_copied_from_changes(
    compiler, tmp_path, engine
) -> None:
    """Brian2 changes numpy's arrays in place: two names of one array would change together."""
    neurons = {
        f"neuron_own{k}": {
            "equations": "dx/dt = 0/ms : 1\ndy/dt = 0/ms : 1\ndz/dt = 0/ms : 1\nn : 1",
            "threshold": "n < 1", "reset": f"n += 1; {reset}", "x_0": 2,
            **({"b": 4} if "b" in reset else {}), **({"power": 65} if "power" in reset else {}),
        } for k, reset in enumerate(COPIES)
    }  # fmt: skip
    folder = write(tmp_path, **neurons)
    study = izhi.run(
        [*SINGLE, "stimulus=none", f"neuron={','.join(f'own{k}' for k in range(len(COPIES)))}",
         f"run.engine={engine}", "simulation.duration=0.2 ms", "record.traces=all",
         "record.interval=0.1 ms", "run.report=none"],
        name="copies", dir=tmp_path, config_dir=folder, progress=False,
    )  # fmt: skip
    assert dict(zip(COPIES, last_values(study.traces), strict=True)) == COPIES


@pytest.mark.parametrize("first", ["old = 2", "old = k", "begin = 2*k + t/ms; old = begin"])
@pytest.mark.parametrize("then", ["old += x", "old = x"])
def test_what_begins_as_one_number_for_all_cells_is_not_changed(tmp_path, first, then) -> None:
    """Brian2 refuses to make it a number of each cell."""
    neuron = {"equations": "dx/dt = k/ms : 1", "threshold": "x > 1", "constants": {"k": 3}}
    there = then.replace("x", "x_post")
    folder = write(
        tmp_path,
        neuron_own={**neuron, "reset": f"{first}; {then}; x = old"},
        neuron_renamed={**neuron, "reset": f"{first}; new = old + x; x = new - 9"},
        synapse_own={"on_pre": f"{first}; {there}; x_post += old*k", "constants": {"k": 3}},
    )
    said = "old is one number for all cells and cannot be changed; give the new value a name"
    (error,) = izhi.check([*SINGLE, "neuron=own"], config_dir=folder).errors
    assert str(error).startswith(f"neuron.reset: {then}: {said}")
    (error,) = izhi.check(["neuron=renamed", "synapse=own"], config_dir=folder).errors
    assert str(error).startswith(f"synapse.on_pre: {there}: {said}")
    assert not izhi.check([*SINGLE, "neuron=renamed"], config_dir=folder).errors


IN_ORDER = {
    "x_post += w - 1; y_post += x_post": (2, 3),
    "y_post += 1; y_post += w*y_post": (0, 12),
    "y_post += x_post; x_post += w": (4, 2),
    "x_post = w; y_post += x_post": (2, 4),
    "x_post = x_post + w; y_post = 10*y_post + x_post": (4, 24),
    "now = x_post; x_post *= w; x_post += 1; y_post += now": (3, 1),
}
"""What two synapses onto a cell, one after the other, make of x = 0 and y = 0; w is 2."""


@pytest.mark.parametrize("engine", ["numpy", "compiled"])
def test_synapses_onto_a_cell_run_one_after_the_other(compiler, tmp_path, engine) -> None:
    """Brian2's numpy code runs each statement on all synapses before the next statement."""
    fires = {"equations": "n : 1", "threshold": "n < 1", "reset": "n += 1"}
    cell = {"equations": "dx/dt = 0/ms : 1\ndy/dt = 0/ms : 1", "threshold": "x > 99",
            "reset": "x = 0"}  # fmt: skip
    synapses = {f"synapse_own{k}": {"on_pre": t, "w": 2} for k, t in enumerate(IN_ORDER)}
    folder = write(tmp_path, neuron_fires=fires, neuron_own=cell, **synapses)
    study = izhi.run(
        ["circuit=two_to_one", "neuron=own", "neuron@pre.neuron=fires", "stimulus=none",
         f"synapse={','.join(f'own{k}' for k in range(len(IN_ORDER)))}", f"run.engine={engine}",
         "simulation.duration=0.2 ms", "record.traces=all", "record.interval=0.1 ms",
         "run.report=none"],
        name="order", dir=tmp_path, config_dir=folder, progress=False,
    )  # fmt: skip
    values = last_values(study.traces.sel(cell="post0"))
    assert dict(zip(IN_ORDER, values, strict=True)) == IN_ORDER


@pytest.mark.parametrize("on_pre", ["x_post = 5", "x_post = 5; y_post += x_post", "x_post += 5"])
def test_synapses_leave_a_refractory_cell_what_it_keeps(compiler, tmp_path, on_pre) -> None:
    """Brian2's numpy code assigns to cells that are refractory, where C++ does not."""
    folder = write(
        tmp_path,
        neuron_own={
            "equations": "dx/dt = 0/ms : 1 (unless refractory)\ndy/dt = 0/ms : 1\nn : 1",
            "threshold": "n < 1", "reset": "n += 1", "refractory": "5*ms",
        },
        synapse_own={"on_pre": on_pre},
    )  # fmt: skip
    both(
        folder, "circuit=ring", "circuit.populations.cell.count=3", "neuron=own", "synapse=own",
        "stimulus=none", "simulation.duration=0.3 ms", "record.interval=0.1 ms",
    )  # fmt: skip
    assert final(tmp_path, "x") == 0  # all cells spike in the first step, and are refractory then


def test_what_a_target_feels_is_there_without_a_synapse(compiler, tmp_path) -> None:
    folder = write(
        tmp_path,
        neuron_own={"equations": "dx/dt = (I - x)/ms : 1", "threshold": "x > 9", "reset": "x = 0"},
        synapse_own={"target": "dg/dt = -g/tau : 1", "current": "g", "on_pre": "g_post += 1",
                     "tau": "5 ms", "g_0": 2},
    )  # fmt: skip
    data = both(
        folder, "circuit=ring", "circuit.populations.cell.count=1,2,3", "neuron=own",
        "synapse=own", "stimulus=none", "simulation.duration=5 ms", "record.interval=0.1 ms",
    )  # fmt: skip
    newest = max(tmp_path.glob("studies*/compiled/dataset.nc"))
    current = xarray.load_dataset(newest, group="traces").I
    assert data.spike_count.max() == 0
    felt = current.values.reshape(3, 3, -1)[np.tril_indices(3)]
    assert np.array_equal(felt, np.broadcast_to(felt[0], felt.shape))
    assert felt[0, 0] == 2 and felt[0, -1] == pytest.approx(2 * 0.98**49)


STEPS = {
    "constant over dt": "constant over dt",
    "shared": "shared",
    "both": "shared, constant over dt",
}


@pytest.mark.parametrize("flags", STEPS.values(), ids=STEPS.keys())
def test_flags_of_synapses_and_stimuli_change_no_value(compiler, tmp_path, flags) -> None:
    """What follows from parameters and the time is the same with a flag as without.

    The compiled engine updated as many synapses as there are source cells, and a stimulus never.
    """
    folder = tmp_path / "conf"
    for name, flag in {"plain": "", "flagged": f" ({flags})"}.items():
        write(folder, **{
            f"synapse_{name}": {"equations": f"gain = w*(1 + t/(10*ms)) : 1{flag}",
                                "on_pre": "x_post += gain", "w": 0.5},
            f"stimulus_{name}": {"equations": f"on = int(t >= onset) : 1{flag}",
                                 "current": "b*on", "b": 3, "onset": "2 ms"},
        })  # fmt: skip
    write(folder, neuron_own={"equations": "dx/dt = (I - x)/(5*ms) : 1", "threshold": "x > 1",
                              "reset": "x = 0"})  # fmt: skip
    sweep = [
        "circuit=two_to_one",
        "circuit.populations.post.count=3",
        "neuron=own",
        "synapse=plain,flagged",
        "stimulus=plain,flagged",
        "simulation.duration=20 ms",
    ]
    data = both(folder, *sweep)
    counts = data.spike_count
    assert counts.sel(cell="pre0").min() > 0
    assert (counts == counts.sel(synapse="plain", stimulus="plain")).all()


@pytest.mark.parametrize("term", ["1 + sin(2*pi*t/(10*ms))", "t/(10*ms) - 0.25"])
def test_what_cells_share_may_be_constant_over_a_step(compiler, tmp_path, term) -> None:
    """The compiled engine computed what follows from it only when the stimulus changes.

    It did not compile what follows from the time alone.
    """
    moving = f"mod = {term} : 1 (shared, constant over dt)"
    folder = write(
        tmp_path,
        neuron_own={"equations": f"{moving}\ndx/dt = (A*mod - x + I)/(5*ms) : 1",
                    "threshold": "x > 1", "reset": "x = 0", "A": 2},
        stimulus_own={"current": "b*int(t >= onset)", "b": 1, "onset": "15 ms"},
    )  # fmt: skip
    data = both(folder, *SINGLE, "neuron=own", "stimulus=own", "simulation.duration=30 ms")
    assert data.spike_count.item() > 2


def test_a_synapse_state_is_not_constant_over_a_step(tmp_path) -> None:
    equations = "dx_S/dt = -x_S/tau : 1 (event-driven)\ngain = 2*x_S : 1 (constant over dt)"
    synapse = {"equations": equations, "on_pre": "x_S += 1; v_post += gain*mV", "tau": "5 ms"}
    folder = write(tmp_path, synapse_own=synapse)
    (error,) = izhi.check(["synapse=own"], config_dir=folder).errors
    assert str(error) == (
        "synapse.equations: gain: is constant over dt, but x_S changes with every spike; leave the "
        "flag out"
    )


def test_a_subexpression_may_be_a_condition(compiler, tmp_path) -> None:
    """Brian2 would multiply by what is true or false, which sympy cannot."""
    neuron = {"equations": "high = x > 0.5 : 1\ndx/dt = (b + high*b - x + I)/(5*ms) : 1",
              "threshold": "x > 1", "reset": "x = 0", "b": 0.8}  # fmt: skip
    number = {**neuron, "equations": neuron["equations"].replace("x > 0.5", "int(x > 0.5)")}
    stimulus = {"current": "t >= onset", "onset": "2 ms"}
    folder = write(tmp_path, neuron_own=neuron, neuron_number=number, stimulus_own=stimulus)
    data = both(
        folder, *SINGLE, "neuron=own,number", "stimulus=own", "simulation.duration=30 ms"
    )  # fmt: skip
    first, second = data.spike_count.values.ravel()
    assert first == second > 1


CLOCKS = {
    "populations": {"a": {"count": 2, "stimulated": True}, "b": {"count": 1, "stimulated": False}},
    "projections": {"t": {"source": "a", "target": "b"}, "s": {"source": "a", "target": "b"}},
}
GIVEN = {
    "on_pre": "in_timesteps_post += w\ns_in_timesteps_post = 5\nx_post += s_in_timesteps_post*w",
    "target": "din_timesteps/dt = -in_timesteps/tau : 1", "current": "in_timesteps", "w": 1,
    "tau": "4 ms",
}  # fmt: skip


def test_a_synapses_names_are_apart_from_all_others(compiler, tmp_path) -> None:
    """A projection's name before that of its state makes no name that stands for something else."""
    neuron = {"equations": "dx/dt = (b - x + I)/tau : 1", "threshold": "x > 1", "reset": "x = 0",
              "b": 1.1, "tau": "20 ms"}  # fmt: skip
    other = {**GIVEN, "on_pre": GIVEN["on_pre"].replace("s_in_timesteps_post", "local")}
    for name, given in (("own", GIVEN), ("other", other)):
        write(tmp_path / name, neuron_own=neuron, synapse_own=given, circuit_own=CLOCKS)
    found = [
        both(tmp_path / name, "circuit=own", "neuron=own", "synapse=own", "stimulus=none",
             "simulation.duration=200 ms")
        for name in ("own", "other")
    ]  # fmt: skip
    counts = found[0].spike_count.values.ravel().tolist()
    assert counts == found[1].spike_count.values.ravel().tolist()
    assert counts[2] > counts[0] > 0


@pytest.mark.parametrize(
    ("dt", "duration", "interval", "steps", "samples"),
    [
        ("0.3333333 ms", "100 ms", "0.3333333 ms", 300, 300),  # 300.00003 steps
        ("0.1 ms", "100.00005 ms", "1 ms", 1001, 101),  # 1000.0005 steps, 100.00005 intervals
        ("0.1 ms", "99.999995 ms", "0.5 ms", 1000, 200),
    ],
)
def test_steps_and_samples_are_counted_as_brian2_counts_steps(
    dt, duration, interval, steps, samples, compiler, tmp_path
) -> None:
    neuron = {"equations": "dx/dt = (b - x + I)/tau : 1", "threshold": "x > -1", "b": 1,
              "tau": "20 ms"}  # fmt: skip
    write(tmp_path, neuron_own=neuron)
    data = both(tmp_path, *SINGLE, "neuron=own", "stimulus=none", f"simulation.dt={dt}",
                f"simulation.duration={duration}", f"record.interval={interval}")  # fmt: skip
    import brian2

    clock = brian2.core.clocks.Clock(1e-3 * float(dt.split()[0]) * brian2.second)
    clock.set_interval(0 * brian2.second, 1e-3 * float(duration.split()[0]) * brian2.second)
    assert data.spike_count.values.ravel().tolist() == [clock._i_end] == [steps]
    traces = xarray.load_dataset(next(tmp_path.glob("studies*/numpy/dataset.nc")), group="traces")
    assert traces.sizes["time"] == samples


@pytest.mark.parametrize("name", ["firing_rate", "regime", "spike_count", "trace", "y"])
def test_an_axis_leaves_its_name_to_what_else_a_dataset_has(name, tmp_path) -> None:
    """Statistics, states of any population, the input and dimensions keep their names."""
    own = {"equations": f"dx/dt = ({name} - x + I)/tau : 1", "threshold": "x > 1", "reset": "x = 0",
           "tau": "10 ms", name: 1.5}  # fmt: skip
    other = {"equations": "dy/dt = (I - y)/tau : 1", "threshold": "y > 1", "tau": "10 ms"}
    driven = {"current": "I*int(t >= onset)", "I": 0.5, "onset": "1 ms"}
    folder = write(tmp_path, neuron_own=own, neuron_other=other, stimulus_own=driven)
    study = izhi.run(
        ["circuit=pair", "synapse=none", "neuron=own", "neuron@post.neuron=other", "stimulus=own",
         f"neuron.{name}=1.5,2.5", "stimulus.I=0.5,1", "simulation.duration=30 ms",
         "record.traces=all", "run.engine=numpy", "run.report=none"],
        name="s", dir=tmp_path, config_dir=folder, progress=False,
    )  # fmt: skip
    axes = (f"neuron.{name}", "stimulus.I")
    assert study.dataset.firing_rate.dims == (*axes, "cell")
    assert set(study.traces.data_vars) == {"x", "y", "I"}
    counts = study.dataset.spike_count.sel({axes[1]: 1, "cell": "pre0"})
    assert counts.values.tolist() == sorted(counts.values) != [0, 0]
    assert {*axes} <= set(study.summary().index.names)
    assert study.spike_times("pre0", **{axes[0]: 2.5, axes[1]: 1}).size == counts.values[1]


NULLS = {
    "counted": {"equations": "begun = floor((t - onset)/period) : 1",
                "current": "a*int(t >= onset and begun < pulses)", "onset": "2 ms",
                "period": "5 ms", "pulses": None},
    "clipped": {"current": "a*(clip(t, onset, offset) - onset)/(10*ms)", "onset": "2 ms",
                "offset": None},
}  # fmt: skip


@pytest.mark.parametrize("name", NULLS)
def test_null_is_without_end_wherever_it_stands(name, compiler, tmp_path) -> None:
    write(tmp_path, neuron_own=LEAKY, stimulus_own={**NULLS[name], "a": 1.5})
    data = both(tmp_path, *SINGLE, "neuron=own", "stimulus=own", "simulation.duration=100 ms")
    assert data.spike_count.values.item() > 2


@pytest.mark.parametrize("b", [1, 0])
def test_a_rest_that_is_no_finite_number_has_diverged(b, compiler, tmp_path) -> None:
    """At 1/0, and at 0/0, the state begins as what no equation brings back."""
    neuron = {**LEAKY, "equations": "dx/dt = (b - k*x + I)/tau : 1", "rest": {"x": "b/k"},
              "refractory": "2*ms", "x_0": "rest", "k": 1, "b": b}  # fmt: skip
    del neuron["t_ref"]
    write(tmp_path, neuron_own=neuron)
    data = both(tmp_path, *SINGLE, "neuron=own", "stimulus=none", "neuron.k=0,1",
                "neuron.x_th=5", "simulation.duration=10 ms", status=(0, 3))  # fmt: skip
    assert data.status.values.tolist() == [3, 0]


def test_an_input_that_is_a_slope_needs_no_stimulus(compiler, tmp_path) -> None:
    """Its unit is one of those that equations may name, whatever it is made of."""
    neuron = {"equations": "dv/dt = (E_L - v)/tau + I : volt", "threshold": "v > v_th",
              "reset": "v = v_r", "E_L": "-50 mV", "v_th": "-55 mV", "v_r": "-70 mV",
              "tau": "10 ms", "v_0": "-70 mV"}  # fmt: skip
    folder = write(tmp_path, neuron_own=neuron)
    every = [*SINGLE, "neuron=own", "stimulus=none", "simulation.duration=100 ms"]
    assert both(folder, *every).spike_count.values.item() == 7
    assert both(folder, *every, "simulation.method=located_rk4").spike_count.values.item() == 7
