"""The stimuli of conf/stimulus: their currents, to the step and to the bit; sums of them."""

from __future__ import annotations

import math
import re
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

import izhi
from izhi import units
from izhi.config.folder import conf_folder
from izhi.errors import ConfigError
from izhi.models import waveform
from izhi.models.evaluate import evaluate
from izhi.units import VOLT

pytestmark = pytest.mark.usefixtures("quick_builds")

DT = Fraction(1, 10)  # ms


def read(name: str) -> waveform.Waveform:
    config = yaml.safe_load((conf_folder() / "stimulus" / f"{name}.yaml").read_text())
    texts = {k: config.pop(k) for k in ("equations", "current")}
    kinds = {
        k: units.parse(v).dimension for k, v in config.items() if k != "model" and v is not None
    }
    kinds |= {"pulses": units.NUMBER} if "pulses" in config else {}
    kinds |= {"offset": units.SECOND} if "offset" in config else {}
    return waveform.read(texts, {**kinds, "baseline": VOLT}, VOLT, "stimulus")


def current(wave: waveform.Waveform, values: dict[str, float], steps: int) -> Any:
    """Return the current at each step, as the engines compute it."""
    step = np.arange(steps)
    scope: dict[str, Any] = {**values, "t_in_timesteps": step, "t": step * 1e-4, "dt": 1e-4}
    scope |= {edge.name: edge.step(values, 1e-4) for edge in wave.edges}
    for one in wave.declared:
        scope[one.name] = evaluate(one.expression, scope)
    return np.broadcast_to(evaluate(wave.current, scope), steps)


def first_step(time: Fraction) -> int:
    """Return the first step at or after a time, a thousandth of a step early at most."""
    return math.ceil(time / DT - Fraction(1, 1000))


TIMES = st.one_of(
    st.integers(0, 300).map(lambda n: Fraction(n, 10)),  # on the grid
    st.integers(0, 3000).map(lambda n: Fraction(n, 97)),
    st.integers(0, 30000).map(lambda n: Fraction(n, 1000)),
)


@given(TIMES, TIMES, TIMES, st.sampled_from([math.inf, 1, 2, 7]))
@example(Fraction(3, 10), Fraction(1, 10), Fraction(3, 10), math.inf)
@example(Fraction(0), Fraction(1, 10), Fraction(11, 10), 7)
def test_the_edges_of_pulses_lie_where_arithmetic_has_them(onset, width, rest, pulses) -> None:
    """In floating-point numbers, 3*0.3 ms is less than 9 steps, and 7*0.3 ms more than 21."""
    width, rest = max(width, DT), max(rest, DT)
    wave, steps = read("pulse_train"), 1500
    values = {
        "amplitude": 2.0, "baseline": -1.0, "onset": float(onset) / 1e3,
        "width": float(width) / 1e3, "period": float(width + rest) / 1e3, "pulses": pulses,
    }  # fmt: skip
    expected, pulse = np.full(steps, -1.0), 0
    while pulse < pulses and first_step(begin := onset + pulse * (width + rest)) < steps:
        expected[first_step(begin) : first_step(begin + width)] = 2.0
        pulse += 1
    found = current(wave, values, steps)
    near = [onset + k * (width + rest) + w for k in range(pulse + 1) for w in (0, width)]
    if any(abs((time / DT) % 1 - Fraction(1, 1000)) < 1e-9 for time in near):
        return  # within rounding of the thousandth, either step is right
    assert np.array_equal(found, expected)

    at = [edge.step(values, 1e-4) for edge in wave.edges]
    at += [recurrence.steps(values, 1e-4, steps) for recurrence in wave.recurrences]
    marked = waveform.changes(steps, *map(np.atleast_1d, at))
    assert marked[np.flatnonzero(np.diff(found)) + 1].all()
    assert np.count_nonzero(marked) <= 4 * (steps * DT / (width + rest) + 3)


@settings(max_examples=25)
@given(TIMES, TIMES, TIMES)
def test_pulses_by_remainders_are_those_by_counts(onset, width, rest) -> None:
    width, rest = max(width, DT), max(rest, DT)
    text = "high*int(t >= onset and (t - onset) % period < width)"
    values = {"high": 2.0, "onset": float(onset) / 1e3, "width": float(width) / 1e3,
              "period": float(width + rest) / 1e3}  # fmt: skip
    kinds = {name: VOLT if name == "high" else units.SECOND for name in values}
    found = current(waveform.read({"current": text}, kinds, VOLT, "stimulus"), values, 1500)
    others = {**values, "amplitude": 2.0, "baseline": 0.0, "pulses": math.inf}
    near = [(onset + k * (width + rest) + w) / DT % 1 for k in range(1000) for w in (0, width)]
    if not any(abs(part - Fraction(1, 1000)) < 1e-9 for part in near):
        assert np.array_equal(found, current(read("pulse_train"), others, 1500))


def test_steps_of_points_that_differ() -> None:
    found = waveform.Recurrence("first", "period").steps(
        {"first": np.array([0.0, 0.05e-3]), "period": np.array([1e-3, 3e-3])}, 1e-4, 50
    )
    assert set(found.tolist()) == {0, 10, 20, 30, 40, 1, 31}
    every = waveform.Recurrence("first", "period").steps({"first": 0.0, "period": 5e-5}, 1e-4, 50)
    assert every.tolist() == list(range(50))


def test_what_changes_at_edges_only_is_computed_there_only() -> None:
    steady = {name: read(name).steady for name in ("pulse_train", "paired_pulses", "ramp", "sine")}
    assert steady == {"pulse_train": True, "paired_pulses": True, "ramp": False, "sine": False}


@pytest.mark.parametrize(
    ("text", "steady", "then"),
    [
        ("high*floor((t - onset)/period)", True, "floor((t + 0.001 * dt - onset) / period)"),
        ("high*floor(t/period)", True, "floor((t + 0.001 * dt) / period)"),
        ("high*floor((onset + t)/period)", True, "floor((onset + (t + 0.001 * dt)) / period)"),
        ("high*floor((onset - t)/period)", False, "floor((onset - (t + 0.001 * dt)) / period)"),
        ("high*floor(t*t/period/period)", False, "0.001 * dt"),
        ("high*floor(t/period)*(t/period)", False, "floor((t + 0.001 * dt) / period) * (t / peri"),
        ("high*floor(onset/period)", True, "floor(onset / period)"),
        ("high*int(t % period < onset)", False, "int((t + 0.001 * dt) % period < onset)"),
        ("high*((t - onset) % period)/period", False, "(t + 0.001 * dt - onset) % period"),
    ],
)
def test_counts_of_periods(text, steady, then) -> None:
    given_as = {"high": VOLT, "onset": units.SECOND, "period": units.SECOND}
    given_as = {name: kind for name, kind in given_as.items() if name in text}
    found = waveform.read({"current": text}, given_as, VOLT, "stimulus")
    assert found.steady is steady
    assert then in found.current


ON = {"onset": 3.3e-3, "offset": 71.25e-3}


def on(t: Any, onset: float, offset: float = math.inf) -> Any:
    return (t >= onset - 1e-9) & (t < offset - 1e-9)


def ramp(t: Any) -> Any:
    return 8e-3 * np.clip((t - 3.3e-3) / 40e-3, 0, 1) * on(t, **ON)


def sine(t: Any) -> Any:
    return 8e-3 * np.sin(2 * np.pi * 55 * (t - 3.3e-3) + 0.4) * on(t, **ON)


def chirp(t: Any) -> Any:
    since = t - 3.3e-3
    phase = 2 * np.pi * (4 * since + (90 - 4) / (2 * 60e-3) * since**2)
    return 8e-3 * np.sin(phase) * on(t, 3.3e-3, 63.3e-3)


def pulse_train(t: Any) -> Any:
    return 8e-3 * sum(on(t, 3.3e-3 + k * 9.7e-3, 3.3e-3 + k * 9.7e-3 + 2e-3) for k in range(5))


def paired_pulses(t: Any) -> Any:
    return 8e-3 * (on(t, 3.3e-3, 5.3e-3) + on(t, 15.8e-3, 17.8e-3))


EXPECTED = {
    "pulse_train": pulse_train, "paired_pulses": paired_pulses, "ramp": ramp, "sine": sine,
    "chirp": chirp,
}  # fmt: skip
SETTINGS = {
    "pulse_train": ["period=9.7 ms", "pulses=5"],
    "paired_pulses": ["interval=12.5 ms"],
    "ramp": ["rise=40 ms", "offset=71.25 ms"],
    "sine": ["frequency=55", "phase=0.4", "offset=71.25 ms"],
    "chirp": ["f_start=4", "f_stop=90", "length=60 ms"],
}
COMMON = ["simulation.duration=90 ms", "record.traces=all", "synapse=none"]


def each(*names: str) -> list[str]:
    """Return a circuit with a population for each stimulus, named for it."""
    cells = ", ".join(f"{name}: {{count: 1, stimulated: false}}" for name in names)
    found = [f"circuit.populations={{{cells}}}", "circuit.projections={}", *COMMON]
    for name in names:
        found += [f"+stimulus@{name}.stimulus={name}"]
        found += [f"{name}.stimulus.{setting}" for setting in SETTINGS[name]]
        found += [f"{name}.stimulus.amplitude=8 mV"]
    return found


def test_the_currents_of_all_stimuli(run, compiler) -> None:
    point = ["neuron=chattering", "sine.stimulus.baseline=0 mV"]
    sweep = [*each(*EXPECTED), *(f"{name}.stimulus.onset=3.3 ms" for name in EXPECTED),
             # a remainder, which is the same sine
             "chirp.stimulus.current='baseline + amplitude*sin(2*pi*(cycles % 1))*on'"]  # fmt: skip
    further = ["neuron=regular_spiking,chattering", "sine.stimulus.baseline=0 mV,1 mV",
               "ramp.stimulus.onset=3.3 ms,20 ms", "chirp.stimulus.onset=3.3 ms,9 ms"]  # fmt: skip
    alone = run(*sweep, *point, "run.engine=numpy")
    numpy, compiled = (
        run(*sweep, *further, f"run.engine={engine}") for engine in ("numpy", "compiled")
    )
    assert list(compiled.axes)[2] == "neuron"  # the keys that were given before come first
    number = np.ravel_multi_index((0, 0, 1, 0), (2, 2, 2, 2))
    for variable in "Ivu":
        found = compiled.traces[variable].values
        assert numpy.traces[variable].values.tobytes() == found.tobytes()
        assert alone.traces[variable].values[0].tobytes() == found[number].tobytes()
    for name, expected in EXPECTED.items():
        current = alone.traces["I"].sel(cell=f"{name}0").values[0]
        np.testing.assert_allclose(current, expected(np.arange(900) * 1e-4), rtol=1e-9, atol=1e-15)


SUM = ["+stimulus@stimulus.background=sine", "stimulus=pulse_train"]


def test_a_sum_of_stimuli(run) -> None:
    study = run(
        *SUM, *COMMON, "run.engine=numpy", "stimulus.background.amplitude=1 mV,2 mV",
        "stimulus.background.frequency=55,12", "stimulus.amplitude=8 mV,9 mV",
        "stimulus@post.stimulus=step", "post.stimulus.amplitude=4 mV",
    )  # fmt: skip
    assert list(study.axes) == [
        "stimulus.background.amplitude", "frequency", "stimulus.amplitude",
    ]  # fmt: skip
    pre0, pre1, post0 = study.traces["I"].values[np.ravel_multi_index((0, 1, 1), (2, 2, 2))]
    t = np.arange(900) * 1e-4
    pulses = 9e-3 * (on(t, 20e-3, 22e-3) + on(t, 70e-3, 72e-3))
    swinging = 1e-3 * np.sin(2 * np.pi * 12 * (t - 20e-3)) * on(t, 20e-3)
    np.testing.assert_allclose(pre0, pulses + swinging, rtol=1e-12, atol=1e-15)
    assert np.array_equal(pre0, pre1)
    # a population's own stimulus is all that it gets
    assert np.array_equal(post0, np.where(np.arange(900) < 200, 0, 4 * 1e-3))


# Each row: overrides, and what is said of them.
WRONG = [
    (["stimulus=pulse_train", "stimulus.width=60"],
     "stimulus.width = 60 ms with stimulus.period = 50 ms: a pulse is shorter than its period"),
    (["stimulus=pulse_train", "stimulus.period=0.08", "stimulus.width=0.01"],
     "stimulus.period = 0.08 ms with simulation.dt = 0.1 ms: a period is at least a time step"),
    (["stimulus=paired_pulses", "stimulus.interval=1"],
     "stimulus.width = 2 ms with stimulus.interval = 1 ms: a pulse ends before the next"),
    (["stimulus=pulse_train", "stimulus.pulses=2.5"],
     "stimulus.pulses = 2.5: a number of pulses is whole, from 1 on, or null"),
    (["stimulus=ramp", "stimulus.rise=0"],
     "stimulus.rise = 0: the time of a rise is greater than 0"),
    (["stimulus=sine", "stimulus.frequency='10 ms'"],
     "stimulus.frequency = 10 ms: expected a rate such as 10 Hz, not a time"),
    (["stimulus=puls_train"], "stimulus = puls_train: no such stimulus; did you mean pulse_train?"),
    (["+stimulus@stimulus.background=sin"],
     "stimulus@stimulus.background = sin: no such stimulus; did you mean sine?"),
    ([*SUM, "stimulus.background.amplitud=3"],
     "stimulus.background.amplitud: no such key; did you mean stimulus.background.amplitude?"),
    ([*SUM, "stimulus.background.amplitude='1 nA'"],
     "stimulus.background.amplitude = 1 nA is a current, but neuron.R = 1 is a plain number, and "),
]  # fmt: skip


@pytest.mark.parametrize(("overrides", "said"), WRONG, ids=[row[1][:50] for row in WRONG])
def test_stimuli_that_cannot_be(overrides, said) -> None:
    with pytest.raises(ConfigError) as error:
        izhi.plan(overrides)
    assert str(error.value).startswith(said)


@pytest.mark.parametrize("kind", ["stimulus", "synapse"])
def test_the_examples_of_the_docs_are_right(kind, tmp_path) -> None:
    text = (conf_folder().parent / "docs" / "models.md").read_text()
    (example,) = re.findall(rf"```yaml\n(# conf/{kind}/mine.yaml.*?)```", text, re.DOTALL)
    (tmp_path / kind).mkdir()
    (tmp_path / kind / "mine.yaml").write_text(example)
    plan = izhi.plan([f"{kind}=mine"], config_dir=tmp_path)
    assert plan.points == 1 and not plan.doubts
