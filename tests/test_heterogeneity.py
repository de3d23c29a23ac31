"""Cells and synapses that differ: what a config draws for them, and that it folds."""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import Any

import numpy as np
import pytest

import izhi
from izhi.errors import ConfigError
from izhi.models import heterogeneity
from izhi.sweep import plan as plans
from izhi.units import NUMBER, SECOND, VOLT

from .slow_draws import slow_key, slow_then

CELLS = [
    "+neuron.per_cell.r='uniform(0, 1)'",
    "+neuron.per_cell.c='c + 15*mV*r**2'",
    "+neuron.per_cell.d='d - 6*mV*r**2'",
]
SYNAPSES = [
    "synapse=static",
    "+synapse.per_synapse.weight='weight*normal(1, 0.3)'",
    "+synapse.per_synapse.delay='uniform(1*ms, 4*ms)'",
]


def parameters(*overrides: str) -> dict[str, np.ndarray]:
    """Return the parameters of all points, which are of one structure."""
    plan = izhi.plan(list(overrides))
    (shard,) = plan.shards
    return plans.parameters(plan, shard)


def slow_uniform(seed: int, *names: str | int) -> float:
    words = [name for name in names if isinstance(name, str)]
    bits = slow_key(seed, *words)
    for count in names[len(words) :]:
        bits = slow_then(bits, int(count))
    return ((bits >> 12) + 0.5) * 2.0**-52


# ---------------------------------------------------------------- values


def test_each_cell_has_what_its_seed_population_and_number_give() -> None:
    found = parameters(
        "circuit=fan_in", *CELLS, "simulation.seed=3,8", "neuron.c='-65 mV','-60 mV'"
    )
    c, d = found["pre.c"], found["pre.d"]
    assert c.shape == d.shape == (4, 10)
    for point, (seed, base) in enumerate([(3, -65), (3, -60), (8, -65), (8, -60)]):
        for cell in range(10):
            r = slow_uniform(seed, "pre", "r_draw0", cell)
            assert c[point, cell] == pytest.approx((base + 15 * r * r) * 1e-3, rel=1e-14)
    assert found["pre.a"].shape == (1,)
    assert "pre.r" not in found  # what no equation uses is not handed on
    assert found["post.c"].shape == (4,) and found["post.c"][0] not in c  # one cell, another draw


def test_each_synapse_has_what_its_seed_projection_and_ends_give() -> None:
    found = parameters("circuit=ring", "circuit.populations.cell.count=5", *SYNAPSES)
    weight = found["onward.weight"]
    assert weight.shape == (1, 5)
    for source in range(5):
        u = slow_uniform(0, "onward", "weight_draw0", source, (source + 1) % 5)
        wanted = 4e-3 * (1 + 0.3 * NormalDist().inv_cdf(u))
        assert weight[0, source] == pytest.approx(wanted, rel=1e-14)
    assert found["onward.tau_s"].shape == (1,)


def test_points_of_one_seed_have_the_same_draws() -> None:
    sweep = ["stimulus.amplitude=4,5,6", "simulation.seed=1,2"]
    c = parameters("circuit=fan_in", *CELLS, *sweep)["pre.c"].reshape(3, 2, 10)
    assert (c == c[0]).all() and (c[0, 0] != c[0, 1]).all()
    alone = parameters("circuit=fan_in", *CELLS, "simulation.seed=2")["pre.c"]
    assert (alone == c[0, 1]).all()


def test_a_cell_has_the_same_whatever_the_count_of_cells() -> None:
    few, many = (
        parameters("circuit=fan_in", *CELLS, f"circuit.populations.pre.count={n}")["pre.c"]
        for n in (3, 30)
    )
    assert (many[:, :3] == few).all()


def test_rest_follows_what_a_cell_has() -> None:
    found = parameters("circuit=fan_in", "+neuron.per_cell.b='uniform(0.2, 0.25)'")
    assert (found["pre.u_0"] == found["pre.b"] * found["pre.v_0"]).all()
    assert np.unique(found["pre.u_0"]).size == 10


def test_a_state_can_start_anywhere() -> None:
    found = parameters("circuit=fan_in", "+neuron.per_cell.v_0='uniform(c, v_th)'")["pre.v_0"]
    assert found.shape == (1, 10) and (found > -65e-3).all() and (found < 30e-3).all()


DISTRIBUTIONS = {
    "uniform(2*mV, 4*mV)": (3e-3, 2e-3 / math.sqrt(12)),
    "normal(2*mV, 0.5*mV)": (2e-3, 0.5e-3),
    "lognormal(2*mV, 0.5)": (2e-3 * math.exp(0.125), 2e-3 * math.exp(0.125) * 0.53294),
    "exponential(2*mV)": (2e-3, 2e-3),
    "2*mV + 1*mV*(uniform(0, 1) + uniform(0, 1))": (3e-3, 1e-3 / math.sqrt(6)),
}


@pytest.mark.parametrize("text", DISTRIBUTIONS)
def test_means_and_deviations(text: str) -> None:
    found = parameters(
        "circuit=single", "circuit.populations.cell.count=10_000", f"+neuron.per_cell.d='{text}'"
    )["cell.d"]
    mean, deviation = DISTRIBUTIONS[text]
    assert found.mean() == pytest.approx(mean, abs=4 * deviation / 100)
    assert found.std() == pytest.approx(deviation, rel=0.06)


def test_arguments_of_distributions_are_axes() -> None:
    found = parameters("circuit=fan_in", "+neuron.per_cell.d='normal(d, 0.1*d)'", "neuron.d=4,8")
    d = found["pre.d"]
    assert d.shape == (2, 10)
    np.testing.assert_allclose(d[1], 2 * d[0], rtol=1e-14)


# ---------------------------------------------------------------- lines


def lines(**texts: str) -> tuple[heterogeneity.Line, ...]:
    known = {"c": VOLT, "d": VOLT, "b": NUMBER, "tau": SECOND}
    return heterogeneity.read(texts, known, "neuron.per_cell")[0]


def test_lines_come_in_an_order_in_which_they_can_be_computed() -> None:
    found = lines(c="c + a_c*r", a_c="2*mV*s", r="uniform(0, s)", s="normal(0, 1)")
    assert [line.name for line in found] == ["s", "a_c", "r", "c"]
    assert [line.name for line in lines(c="c + c_2", c_2="1*mV*uniform(0, 1)")] == ["c_2", "c"]


WRONG = {
    "uniform(0, 1": "not an expression",
    "uniform(0)": "uniform takes low and high: uniform(low, high)",
    "uniform(low=0, high=1)": "uniform takes low and high: uniform(low, high)",
    "exponential(1, 2)": "exponential takes mean: exponential(mean)",
    "gauss(0, 1)": "gauss(0, 1): no such function as gauss",
    "randn()": "randn(): randn() draws at random, and a point is the same every time",
    "uniform(0, 1*mV)": "high of uniform is 1 * mV, a voltage, but should be a plain number",
    "lognormal(1*mV, 1*mV)": "sigma of lognormal is 1 * mV, a voltage, but should be a plain ",
    "c + uniform(0, 1)": "the term c_draw0 is a plain number, but should be a voltage",
    "c + C": "C is not defined, but c is: names differ by case; did you mean it?",
    "c.real": "c.real: only numbers, names",
}


@pytest.mark.parametrize("text", WRONG)
def test_one_line_says_what_is_wrong(text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        lines(c=text)
    said = str(caught.value)
    assert said.startswith(f"neuron.per_cell.c = {text}: ")
    assert WRONG[text] in said and "\n" not in said


CONFIGS: list[tuple[list[str], str]] = [
    (["+neuron.per_cell.r='uniform(0, 1)'"], "neuron.per_cell.r: nothing uses it"),
    (["+neuron.per_cell.D='uniform(0*mV, d)'"], "per_cell.D: nothing uses it; did you mean d"),
    (["+neuron.per_cell.p=q", "+neuron.per_cell.q=p"], "p and q: defined by each other"),
    (["+neuron.per_cell.d=5"], "the term 5 is a plain number, but should be a voltage"),
    (["+neuron.per_synapse.d='1*mV'"], "neuron.per_synapse.d: no such key"),
    (["+synapse.per_synapse.tau_s='5*ms'"], "have one tau_s for all synapses onto a cell"),
    (["+synapse.per_synapse.U_0='uniform(0, 2)'"], "a release probability lies in [0, 1]"),
    (["+synapse.per_synapse.delay='normal(0*ms, 1*ms)'"], "a delay is not negative"),
    (["+neuron.per_cell.u_0='u_0 + 1*mV'"],
     "neuron.per_cell.u_0 = u_0 + 1*mV: u_0 is rest, which is no number here; write (b*v_0) in its "
     "place, or give neuron.u_0 a number"),
    (["neuron=integrate_and_fire/leaky", "neuron.v_0=rest", "~neuron.rest",
      "+neuron.per_cell.v_0='v_0 + 1*mV'"],
     "v_0 is rest, which is no number here; give neuron.v_0 a number"),
    (["+neuron.per_cell.u_0='u_0 + 1*mV'", "neuron.u_0=-13,rest"],
     "pre.neuron.per_cell.u_0: u_0 is rest, which is no number here; give u_0 numbers alone"),
    (["+neuron.per_cell.d='d/uniform(0, 0)'"], "neuron.per_cell.d: is not finite for every draw"),
]  # fmt: skip


@pytest.mark.parametrize(("overrides", "said"), CONFIGS)
def test_one_line_says_what_is_wrong_with_a_config(overrides, said) -> None:
    with pytest.raises(ConfigError) as caught:
        parameters("circuit=fan_in", *overrides)
    assert said in str(caught.value) and "\n" not in str(caught.value)


# ---------------------------------------------------------------- simulations


def found_in(study: izhi.Study, **chosen: Any) -> list[list[float]]:
    return [
        study.spike_times(cell=str(cell), **chosen).tolist() for cell in study.dataset.cell.values
    ]


def test_folded_cut_and_alone_the_spikes_are_the_same(run, compiler) -> None:
    """All seeds in one program, in shards of one point, and on the numpy engine."""
    overrides = [
        "circuit=fan_in", *CELLS, *SYNAPSES, "simulation.duration='100 ms'",
        "simulation.seed=range(0,12)", "stimulus.amplitude=7,9",
    ]  # fmt: skip
    together = run(*overrides, "run.engine=compiled")
    assert len([e for e in together.log if e["event"] == "built"]) <= 1
    spikes = together.dataset.spike_count.values
    assert spikes.shape == (12, 2, 11) and np.unique(spikes[..., :10], axis=0).shape[0] == 12
    for other in (run(*overrides, "run.engine=compiled", "run.shard_points=1", n_jobs=1),
                  run(*overrides, "run.engine=numpy")):  # fmt: skip
        for seed in (0, 5, 11):
            for amplitude in (7, 9):
                point = {"seed": seed, "amplitude": amplitude}
                assert found_in(other, **point) == found_in(together, **point)
        assert (other.dataset.spike_count.values == spikes).all()
