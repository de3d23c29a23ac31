"""The synapses of conf/synapse: the currents that spikes give, and what is released when."""

from __future__ import annotations

import numpy as np
import pytest

import izhi
from izhi.errors import ConfigError
from izhi.models import assembly

pytestmark = pytest.mark.usefixtures("quick_builds")

COMMON = ["simulation.duration=90 ms", "record.traces=all", "run.engine=numpy"]
NAMES = ("facilitating", "alpha", "double_exponential", "conductance", "delta")


def traces(study, variable, cell="post0"):
    return study.traces[variable].sel(cell=cell).values


def each(*names):
    """Return a circuit with a target for each synapse, named for it, and firing sources."""
    targets = ", ".join(f"on_{name}: {{count: 1, stimulated: false}}" for name in names)
    projections = ", ".join(f"{name}: {{source: pre, target: on_{name}}}" for name in names)
    return [
        f"circuit.populations={{pre: {{count: 2, stimulated: true}}, {targets}}}",
        f"circuit.projections={{{projections}}}", "stimulus=pulse_train",
        "stimulus.amplitude=30 mV", *COMMON[:2],
        *(f"+synapse@{name}.synapse={name}" for name in names),
    ]  # fmt: skip


def test_all_synapses_fold_with_the_same_bits(run, compiler) -> None:
    point = ["alpha.synapse.delay=1.3 ms", "conductance.synapse.weight=0.05"]
    further = ["alpha.synapse.delay=0 ms,1.3 ms", "conductance.synapse.weight=0.05,0.1"]
    alone = run(*each(*NAMES), *point, "run.engine=numpy")
    numpy, compiled = (
        run(*each(*NAMES), *further, f"run.engine={engine}") for engine in ("numpy", "compiled")
    )
    for variable in "Ivu":
        found = compiled.traces[variable].values
        assert numpy.traces[variable].values.tobytes() == found.tobytes()
        assert alone.traces[variable].values[0].tobytes() == found[2].tobytes()
    at_rest = traces(run("circuit=single", "stimulus=none", *COMMON), "v", "cell0")
    for name in NAMES:
        assert np.abs(traces(numpy, "v", f"on_{name}0") - at_rest).max() > 1e-3
    v = traces(numpy, "v", "on_alpha0")
    assert np.array_equal(v[0], v[1]) and np.any(v[0] != v[2])  # the delay is its own


# One presynaptic spike, at step 20: its effect is there from the next step on. RK4 at 0.02 ms.
ONE = [
    "circuit.populations.pre.count=1", "stimulus=pulse_train", "stimulus.amplitude=3 V",
    "stimulus.onset=0.4 ms", "stimulus.width=0.04 ms", "stimulus.pulses=1",
    "simulation.dt=0.02 ms", "simulation.duration=30 ms", "simulation.method=rk4",
    "record.traces=all", "record.interval=0.02 ms", "run.engine=numpy",
    "simulation.v_max=1000 V",
]  # fmt: skip


def response(run, *overrides):
    """Return the time since a presynaptic spike, and I and v of its target."""
    study = run(*ONE, *overrides)
    (spike,) = study.spike_times("pre0")
    after = round(spike / 2e-5) + 1
    current, v = (traces(study, name)[0] for name in "Iv")
    assert not current[:after].any()
    return np.arange(current.size - after) * 2e-5, current[after:], v[after - 1 :]


def test_an_alpha_function(run) -> None:
    t, found, _ = response(run, "synapse=alpha", "synapse.weight=2 mV", "synapse.tau_s=4 ms")
    np.testing.assert_allclose(found, 2e-3 * t / 4e-3 * np.exp(1 - t / 4e-3), atol=2e-12)
    assert found.max() == pytest.approx(2e-3, rel=1e-9) and t[found.argmax()] == pytest.approx(4e-3)


@pytest.mark.parametrize("rise", [0.5e-3, 1e-3, 3.9e-3])
def test_a_double_exponential(rise, run) -> None:
    t, found, _ = response(
        run, "synapse=double_exponential", "synapse.weight=2 mV", "synapse.tau_s=4 ms",
        f"synapse.tau_rise={rise * 1e3} ms",
    )  # fmt: skip
    shape = np.exp(-t / 4e-3) - np.exp(-t / rise)
    peak = np.log(4e-3 / rise) * rise * 4e-3 / (4e-3 - rise)
    highest = np.exp(-peak / 4e-3) - np.exp(-peak / rise)
    np.testing.assert_allclose(found, 2e-3 * shape / highest, atol=1e-9)
    assert found.max() == pytest.approx(2e-3, rel=1e-4) and abs(t[found.argmax()] - peak) <= 2e-5


def test_an_exponential_current(run) -> None:
    t, found, _ = response(run, "synapse=static", "synapse.weight=2 mV", "synapse.tau_s=4 ms")
    np.testing.assert_allclose(found, 2e-3 * np.exp(-t / 4e-3), rtol=1e-8)


@pytest.mark.parametrize(
    ("overrides", "weight"),
    [(["synapse.weight=0.2"], 0.2),
     (["synapse.weight=2 nS", "neuron.R=100 Mohm", "stimulus.amplitude=30 nA"], 2e-9)],
)  # fmt: skip
def test_a_conductance(overrides, weight, run) -> None:
    """In siemens where I is in ampere; its current is that of Ohm's law at each moment."""
    t, found, v = response(
        run, "synapse=conductance", "synapse.tau_s=4 ms", "synapse.E_S=-80 mV", *overrides
    )
    np.testing.assert_allclose(found, weight * np.exp(-t / 4e-3) * (-80e-3 - v[1:]), rtol=1e-8)
    assert (found < 0).all()


def test_a_jump_of_the_potential(run) -> None:
    _, _, v = response(run, "synapse=delta", "synapse.weight=2 mV", "neuron.v_0=-70 mV")
    assert v[0] == pytest.approx(-70e-3, abs=1e-12)
    assert v[1] - v[0] == pytest.approx(2e-3, rel=1e-9)


def test_a_synapse_may_call_its_parameters_as_its_cells_do() -> None:
    """Which Brian2 does not take: a parameter of the synapse, and one of the target for it."""
    (batch,) = izhi.plan(["synapse=double_exponential"]).batches
    circuit = batch.structure.circuit
    (projection,) = circuit.projections
    called = assembly.synapse_names(circuit, projection)
    assert called["pre_to_post", "tau_s"] == "tau_s_syn"
    assert called["pre_to_post", "weight"] == "weight"
    assert "log(tau_s_syn/tau_rise_syn)" in assembly.on_pre(circuit, projection)


# Each row: overrides, and what is said of them.
WRONG = [
    (["synapse=double_exponential", "synapse.tau_s=1,5"],
     "synapse.tau_rise = 1 ms with synapse.tau_s = 1.0 ms: a current rises faster than it decays; "
     "synapse=alpha has one time for both"),
    (["synapse=alpha", "synapse.weight='1 nA'"],
     "synapse.weight = 1 nA is a current, but neuron.R = 1 is a plain number, and R*I has to be a"),
    (["synapse=conductance", "synapse.weight='1 nS'"],
     "synapse.on_pre: g_S_post += weight: the term weight is a quantity in S, but should be a p"),
    (["synapse=conductance", "synapse.E_S=0 ms"],
     "synapse.E_S = 0 ms: expected a voltage or a current such as 10 mV, not a time"),
    (["synapse=depresing"], "synapse = depresing: no such synapse; did you mean depressing?"),
    (["synapse=neutral", "synapse.U_0=1.5"],
     "synapse.U_0 = 1.5: a release probability lies in [0, 1]"),
]  # fmt: skip


@pytest.mark.parametrize(("overrides", "said"), WRONG, ids=[row[1][:50] for row in WRONG])
def test_synapses_that_cannot_be(overrides, said) -> None:
    with pytest.raises(ConfigError) as error:
        izhi.plan(overrides)
    assert str(error.value).startswith(said)
