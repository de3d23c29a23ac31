"""Integration methods: a neuron's own, the published scheme, and refractory periods.

Every point has the bits of a plain Brian2 script in which its parameters are constants.
"""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import izhi
from izhi import units
from izhi.engine import runtime
from izhi.errors import ConfigError

pytestmark = pytest.mark.usefixtures("quick_builds")

LEAKY = """
model: leaky
equations: '{equations}'
threshold: v > v_th
reset: v = c
{more}
E_L: -70 mV
R: 1
tau_m: 10 ms
v_th: -50 mV
c: -60 mV
v_0: -70 mV
"""
MEMBRANE = "dv/dt = (E_L - v + R*I)/tau_m : volt"
LEAKY_NUMBERS = {"E_L": "-70 mV", "R": "1", "tau_m": "10 ms", "v_th": "-50 mV", "c": "-60 mV",
                 "v_0": "-70 mV", "amplitude": "30 mV"}  # fmt: skip
CONDUCTANCE = """
model: opening
on_pre: g_post += weight
target: 'dg/dt = -g/tau_s : 1'
current: g*(E - v)
weight: 0.3
E: 0 mV
tau_s: 5 ms
"""
ONE = ["circuit=single", "stimulus.onset=0 ms", "simulation.duration=200 ms"]


@pytest.fixture(params=["numpy", "compiled"])
def engine(request: pytest.FixtureRequest) -> str:
    if request.param == "compiled":
        request.getfixturevalue("compiler")
    return str(request.param)


@pytest.fixture
def configs(tmp_path: Path) -> Path:
    """Give a folder with neurons that are refractory in several ways, and a synapse."""
    for folder in ("neuron", "synapse"):
        (tmp_path / folder).mkdir()
    for name, equations, more in (
        ("leaky", MEMBRANE, ""),
        ("pausing", f"{MEMBRANE} (unless refractory)",
         "refractory: t_ref\nt_ref: 2 ms\nmethod: exact"),
        ("deaf", MEMBRANE, "refractory: 8 ms"),
        ("waiting", MEMBRANE, "refractory: v < E_L + 25*mV"),
        ("timed", "dv/dt = (E_L - v + R*I + 2*mV*int(t > 5*ms))/tau_m : volt", ""),
    ):  # fmt: skip
        text = LEAKY.format(equations=equations, more=more)
        (tmp_path / "neuron" / f"{name}.yaml").write_text(text)
    (tmp_path / "synapse" / "opening.yaml").write_text(CONDUCTANCE)
    return tmp_path


def script(
    equations: str, numbers: dict[str, str], step: str = "", **settings: Any
) -> NDArray[np.int64]:
    """Return the spikes of one cell in plain Brian2; `step` is code that runs in each time step."""
    with runtime.quiet_brian() as b2:
        given = {name: units.parse(text) for name, text in numbers.items()}
        bases = ("m", "kg", "s", "A", "mol")
        namespace = {
            name: b2.Quantity(
                q.si, dim=b2.get_or_create_dimension(**dict(zip(bases, q.dimension, strict=True)))
            )
            for name, q in given.items()
        }
        cells = b2.NeuronGroup(
            1, equations, threshold="v > v_th", dt=0.1 * b2.ms,
            namespace={**namespace, "mV": b2.mV, "ms": b2.ms}, **settings,
        )  # fmt: skip
        cells.v = namespace["v_0"]
        if "u" in cells.variables:
            cells.u = namespace["b"] * namespace["v_0"]
        if step:
            cells.run_regularly(step, when="groups")
        spikes = b2.SpikeMonitor(cells)
        b2.Network(cells, spikes).run(200 * b2.ms, namespace={})
        assert spikes.count[0] > 3
        return np.rint(np.array(spikes.t_) / 1e-4).astype(np.int64)


def steps(study: izhi.Study, cell: str = "cell0", **point: Any) -> list[int]:
    return [round(time / 1e-4) for time in study.spike_times(cell, **point)]


# ---------------------------------------------------------------- the published scheme

TYPES = {"regular_spiking": (0.02, 0.2, -65, 8), "chattering": (0.02, 0.2, -50, 2),
         "fast_spiking": (0.1, 0.2, -65, 2)}  # fmt: skip
PUBLISHED = "v += dt*((C1*v**2 + C2*v + C3 - u + R*amplitude)/tau_m)\nu += dt*(a*(b*v - u))"
NUMBERS = {"C1": "0.04/mV", "C2": "5", "C3": "140 mV", "tau_m": "1 ms", "R": "1", "v_th": "30 mV",
           "v_0": "-65 mV"}  # fmt: skip


def by_hand(a: float, b: float, c: float, d: float, current: float) -> list[int]:
    """Return the spikes of the scheme of figure1.m (Izhikevich, 2004), at steps of 0.1 ms."""
    v, u, found = -65.0, b * -65, []
    for step in range(2000):
        v += 0.1 * (0.04 * v**2 + 5 * v + 140 - u + current)
        u += 0.1 * a * (b * v - u)
        if v > 30:
            v, u = c, u + d
            found.append(step)
    return found


@functools.cache
def published(name: str, amplitude: int) -> list[int]:
    """Return the spikes of the scheme as a script has it, the same for both engines."""
    a, b, c, d = TYPES[name]
    values = {"a": f"{a}/ms", "b": f"{b}", "c": f"{c} mV", "d": f"{d} mV",
              "amplitude": f"{amplitude} mV"}  # fmt: skip
    found: list[int] = script(
        "v : volt\nu : volt", {**NUMBERS, **values}, PUBLISHED, reset="v = c\nu = u + d"
    ).tolist()
    return found


def test_the_published_scheme_has_the_bits_of_a_script(engine, run) -> None:
    study = run(
        f"neuron={','.join(TYPES)}", "stimulus.amplitude=7 mV,14 mV", *ONE,
        "simulation.method=semi_implicit", f"run.engine={engine}",
    )  # fmt: skip
    euler = run(*ONE, "stimulus.amplitude=14 mV", f"run.engine={engine}")
    for name, abcd in TYPES.items():
        for amplitude in (7, 14):
            found = steps(study, neuron=name, amplitude=amplitude)
            assert found == published(name, amplitude) == by_hand(*abcd, amplitude)
    assert steps(euler) != steps(study, neuron="regular_spiking", amplitude=14)


def test_the_states_that_it_leaves_have_the_same_bits_on_both_engines(compiler, run) -> None:
    given = ["simulation.method=semi_implicit", "record.traces=all", "simulation.duration=100 ms"]
    one, other = (run(*given, f"run.engine={engine}") for engine in ("numpy", "compiled"))
    for name in ("v", "u", "I"):
        assert np.array_equal(one.traces[name], other.traces[name], equal_nan=True)


# ---------------------------------------------------------------- methods of neurons' own


def test_two_populations_integrate_by_two_methods(run) -> None:
    short = ["simulation.duration=200 ms", "run.engine=numpy", "synapse=none"]
    mixed = run("neuron@post.neuron=fast_spiking", "+post.neuron.method=rk4",
                "stimulus@post.stimulus=step", *short)  # fmt: skip
    euler, rk4 = (
        run("neuron@post.neuron=fast_spiking", "stimulus@post.stimulus=step",
            f"simulation.method={method}", *short) for method in ("euler", "rk4")
    )  # fmt: skip
    assert steps(mixed, "pre0") == steps(euler, "pre0") != steps(rk4, "pre0")
    assert steps(mixed, "post0") == steps(rk4, "post0") != steps(euler, "post0")


def test_a_plan_names_the_methods_of_each_structure(configs) -> None:
    plan = izhi.plan(["neuron@post.neuron=pausing", "simulation.method=rk2"], config_dir=configs)
    assert plan.batches[0].structure.methods == ("rk2", "exact")
    plan = izhi.plan(["neuron=leaky", "+neuron.method=exact,euler"], config_dir=configs)
    assert [b.structure.methods for b in plan.batches] == [("exact",), ("euler",)]


USE = "use one of euler, semi_implicit, rk2, rk4, located_rk2, located_rk4"


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        (["neuron=leaky", "simulation.method=exact", "synapse=opening"],
         "simulation.method = exact: dv/dt of post is not linear in v, g; "
         f"{USE}, exponential_euler"),
        (["neuron@post.neuron=pausing", "synapse=opening"],
         "post.neuron.method = exact: dv/dt of post is not linear in v, g; "
         "use one of euler, semi_implicit, rk2, rk4, exponential_euler"),
        (["neuron=timed", "simulation.method=exact"],
         "simulation.method = exact: dv/dt of pre changes with the time within a step; "
         f"{USE}, exponential_euler"),
        (["neuron=regular_spiking,chattering", "simulation.method=exponential_euler"],
         f"simulation.method = exponential_euler: dv/dt of pre is not linear in v; {USE}"),
        (["+neuron.method=Exact"],
         "neuron.method = Exact: no such choice; did you mean exact?"),
    ],
)  # fmt: skip
def test_methods_that_cannot_integrate_are_refused(overrides, said, configs) -> None:
    with pytest.raises(ConfigError) as error:
        izhi.plan(overrides, config_dir=configs)
    assert str(error.value) == said


# ---------------------------------------------------------------- refractory periods


def drives(name: str, engine: str, configs: Path, *more: str) -> izhi.Study:
    return izhi.run(
        [f"neuron={name}", "stimulus.amplitude=30 mV", *ONE, f"run.engine={engine}", *more],
        config_dir=configs, dir=configs / "studies", name=f"{name}_{engine}", progress=False,
    )  # fmt: skip


@functools.cache
def leaky(flag: str, method: str, refractory: str | None = None) -> list[int]:
    """Return the spikes of a leaky cell as a script has it, the same for both engines."""
    more = {} if refractory is None else {"refractory": refractory}
    found: list[int] = script(
        MEMBRANE + flag + "\nI = amplitude : volt (constant over dt)",
        LEAKY_NUMBERS | {"t_ref": "2 ms"}, reset="v = c", method=method, **more,
    ).tolist()  # fmt: skip
    return found


@pytest.mark.parametrize(
    ("name", "method", "refractory"),
    [("pausing", "exact", "t_ref"), ("deaf", "exponential_euler", "8*ms"),
     ("waiting", "euler", "v < E_L + 25*mV")],
)  # fmt: skip
def test_refractory_cells_spike_as_in_a_script(name, method, refractory, engine, configs) -> None:
    study = drives(name, engine, configs, f"simulation.method={method}")
    flag = " (unless refractory)" if name == "pausing" else ""
    plain = leaky(flag, method, refractory)
    assert steps(study) == plain != leaky("", method)


def test_a_refractory_period_is_a_parameter(configs) -> None:
    study = drives("pausing", "numpy", configs, "neuron.t_ref=0 ms,2 ms,4.05 ms")
    counts = study.dataset["spike_count"].values.ravel().tolist()
    assert counts == sorted(counts, reverse=True) and len(set(counts)) == 3
    first, *_, last = steps(study, t_ref=2)
    # 2 ms, and from -60 mV on what an exact solution takes: 10 ms ln(20/10)
    assert (last - first) / (counts[1] - 1) == pytest.approx(20 + 69.3, abs=1)


def test_what_synapses_do_to_a_refractory_cell_is_lost_on_both_engines(compiler, configs) -> None:
    kick = "model: kick\non_pre: v_post += weight\nweight: 4 mV\n"
    (configs / "synapse" / "kick.yaml").write_text(kick)
    trains = {
        (name, engine): izhi.run(
            ["stimulus.amplitude=40 mV", f"neuron@post.neuron={name}", "synapse=kick",
             "simulation.duration=300 ms", "stimulus@post.stimulus=step", f"run.engine={engine}",
             "post.stimulus.amplitude=28 mV"],
            config_dir=configs, dir=configs / "studies", name=f"{name}_{engine}", progress=False,
        ).spike_times("post0").tolist()
        for name in ("pausing", "leaky") for engine in ("numpy", "compiled")
    }  # fmt: skip
    assert trains["pausing", "numpy"] == trains["pausing", "compiled"]
    assert trains["leaky", "numpy"] == trains["leaky", "compiled"]
    assert len(trains["pausing", "numpy"]) > 10


EXACT = {
    "oscillates": ("dv/dt = (u - v)/tau : 1\ndu/dt = (1 - v - u)/tau : 1",
                   "Brian2 cannot solve the equations of cell, their solution oscillates; use"),
    "no inverse": ("dv/dt = (u - v)/tau + 1/tau : 1\ndu/dt = (v - u)/tau : 1",
                   "Brian2 cannot solve the equations of cell, their matrix has no inverse; use"),
    "cancels": ("dv/dt = (v - v + 2)/tau : 1",
                "Brian2 cannot solve the equations of cell, their matrix has no inverse; use"),
    "compares": ("dv/dt = (2*int(tau > 1*ms) - v)/tau : 1",
                 "Brian2 cannot solve the equations of cell, sympy does not solve them (Poly"),
    "circular": ("dv/dt = (x - v)/tau : 1\ndx/dt = (y - x)/tau : 1\ndy/dt = (v - 2*y)/tau : 1",
                 "dv/dt of cell is one of 3 equations that depend on each other; exact solves at "),
    "many": ("dv/dt = (x1 - v)/tau : 1\n"
             + "\n".join(f"dx{k}/dt = (2 - x{k})/tau : 1" for k in range(1, 6)),
             "dv/dt of cell is one of 6 equations; exact solves at most 4; use one of euler"),
}  # fmt: skip


@pytest.mark.parametrize("name", EXACT)
def test_what_brian_cannot_solve_exactly_is_refused_by_check_and_run(name, tmp_path) -> None:
    equations, said = EXACT[name]
    (tmp_path / "neuron").mkdir()
    (tmp_path / "neuron" / "linear.yaml").write_text(
        f"equations: {json.dumps(equations)}\nthreshold: v > 1\nreset: v = 0\ntau: 10 ms\n"
    )
    overrides = ["circuit=single", "synapse=none", "neuron=linear", "stimulus=none",
                 "simulation.method=exact"]  # fmt: skip
    (error,) = izhi.check(overrides, config_dir=tmp_path).errors
    assert str(error).startswith(f"simulation.method = exact: {said}")
    assert str(error).endswith("exponential_euler") and "\n" not in str(error)
    for run in (izhi.plan, izhi.run):
        with pytest.raises(ConfigError) as refused:
            run(overrides, config_dir=tmp_path)
        assert str(refused.value) == str(error)
