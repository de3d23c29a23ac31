"""Spikes at a regular rate, to the step; and what synapses release at it, as theory has it."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest

import izhi
from izhi.errors import ConfigError
from izhi.models import cell
from izhi.units import HERTZ, NUMBER, SECOND

pytestmark = pytest.mark.usefixtures("quick_builds")

TRAIN = "neuron@pre.neuron=source/regular_train"


def test_spikes_come_in_the_first_step_at_or_after_they_are_due(run) -> None:
    """In floating-point numbers, 7/30 s, 0.3 ms and the like are a little off the grid."""
    rates = [3, 10, 30, 99.9, 128, 1000, 3333.3, 9999]
    starts = ["0", "0.3", "3.33", "7.1"]
    study = run(
        TRAIN, f"pre.neuron.rate={','.join(map(str, rates))}",
        f"pre.neuron.start={','.join(starts)}", "pre.neuron.stop=null,133.3 ms",
        "pre.neuron.count=null,3", "simulation.duration=200 ms", "run.engine=numpy",
    )  # fmt: skip
    for rate in rates:
        for start in starts:
            due, step, k = Fraction(start) / 1000, 0, 0
            steps = []
            while (step := math.ceil(due * 10_000 - Fraction(1, 1000))) < 2000:
                steps.append(step)
                k += 1
                due = Fraction(start) / 1000 + k / Fraction(str(rate))
            point = {"rate": rate, "start": float(start)}
            for stop, last in (("null", 2000), ("133.3 ms", 1333)):
                for count, most in (("null", None), ("3", 3)):
                    found = study.spike_times("pre0", **point, stop=stop, count=count)
                    expected = [step for step in steps if step < last][:most]
                    assert np.rint(found * 1e4).astype(int).tolist() == expected, point


# Omega_d, Omega_f and U_0 of the sets; then r* at 1, 10 and 50 Hz as computed elsewhere
SETS = {
    "depressing": (2, 3.33, 0.6, [0.55576482, 0.17527023, 0.03914463]),
    "facilitating": (2, 2, 0.15, [0.16511774, 0.15281529, 0.03887190]),
    "neutral": (3, 3, 0.5, [None, 0.24286713, None]),
}
FIRST = {  # the first five releases at 20 Hz
    "depressing": [0.6, 0.36713594, 0.15396302, 0.10350771, 0.09584241],
    "facilitating": [0.15, 0.22934970, 0.23712660, 0.20548554, 0.16593848],
    "neutral": [0.5, 0.40739772, 0.22532229, 0.15718603, 0.14148844],
}
RATES = [1, 2, 5, 10, 20, 50, 100]


def releases(Omega_d, Omega_f, U_0, interval, n):
    """Return what n spikes at an interval release, one by one."""
    u, x, found = U_0, 1.0, []
    for _ in range(n):
        found.append(u * x)
        x = 1 - (1 - x * (1 - u)) * math.exp(-Omega_d * interval)
        u = U_0 + (1 - U_0) * u * math.exp(-Omega_f * interval)
    return found


def steady(Omega_d, Omega_f, U_0, interval):
    e_f, e_d = math.exp(-Omega_f * interval), math.exp(-Omega_d * interval)
    u = U_0 / (1 - (1 - U_0) * e_f)
    return u * (1 - e_d) / (1 - (1 - u) * e_d)


def test_releases_are_those_of_theory(run, compiler) -> None:
    """With tau_s = dt, Euler leaves of a current nothing for the next step: it is the release."""
    study = run(
        TRAIN, f"synapse={','.join(SETS)}", f"pre.neuron.rate={','.join(map(str, RATES))}",
        "synapse.weight=1 mV", "synapse.tau_s=1 ms", "simulation.dt=1 ms", "circuit=pair",
        "simulation.duration=25 s", "record.traces=all", "record.interval=1 ms",
        "run.engine=compiled",
    )  # fmt: skip
    current = study.traces["I"].sel(cell="post0").values.reshape(len(SETS), len(RATES), -1) * 1e3
    for number, (name, (Omega_d, Omega_f, U_0, expected)) in enumerate(SETS.items()):
        for rate, train in zip(RATES, current[number], strict=True):
            interval = round(1000 / rate)
            spikes = np.arange(1, train.size, interval)
            assert not np.delete(train, spikes).any()
            found = train[spikes]
            known = releases(Omega_d, Omega_f, U_0, 1 / rate, found.size)
            np.testing.assert_allclose(found, known, rtol=1e-9)
            assert found[-1] == pytest.approx(steady(Omega_d, Omega_f, U_0, 1 / rate), abs=1e-9)
        for rate, r in zip([1, 10, 50], expected, strict=True):
            if r is not None:
                assert current[number, RATES.index(rate)].max() > r
                last = current[number, RATES.index(rate)][1 :: round(1000 / rate)][-1]
                assert last == pytest.approx(r, abs=1e-8)
        np.testing.assert_allclose(current[number, 4][1:202:50], FIRST[name], atol=1e-8)


def test_a_variable_that_only_the_reset_changes() -> None:
    texts = {
        "equations": "n : 1\ndx/dt = 1/tau : 1",
        "threshold": "x > n*rate*tau",
        "reset": "n+=1",
    }
    found = cell.read(texts, {"rate": HERTZ, "tau": SECOND}, {}, "neuron")
    assert [(one.name, one.kind) for one in found.declared] == [("n", "parameter"), ("x", "state")]
    assert found.states == ("x",) and [name for name, _ in found.parameters] == ["rate", "tau"]
    # what no reset changes has no value
    with pytest.raises(ConfigError, match=r"^neuron\.equations: n : 1 is declared, but has no val"):
        cell.read({**texts, "reset": "x = 0"}, {"rate": HERTZ, "tau": SECOND}, {}, "neuron")
    given = cell.read({**texts, "reset": "x = 0"}, {"rate": HERTZ, "tau": SECOND, "n": NUMBER}, {},
                      "neuron")  # fmt: skip
    assert [name for name, _ in given.parameters] == ["rate", "tau", "n"]


# Each row: overrides, and what is said of them.
WRONG = [
    ([TRAIN, "pre.neuron.stop=0"], "pre.neuron.stop = 0: a stop is "),
    ([TRAIN, "pre.neuron.count=-1"],
     "pre.neuron.count = -1: a number of spikes is greater than 0"),
    ([TRAIN, "pre.neuron.rate='20 ms'"],
     "pre.neuron.rate = 20 ms: expected a rate such as 10 Hz, not a time"),
    (["neuron=source/regular_train"], "synapse.target: the target cell has no I that a current c"),
]  # fmt: skip


@pytest.mark.parametrize(("overrides", "said"), WRONG, ids=[row[1][:50] for row in WRONG])
def test_trains_that_cannot_be(overrides, said) -> None:
    with pytest.raises(ConfigError) as error:
        izhi.plan(overrides)
    assert str(error.value).startswith(said)
