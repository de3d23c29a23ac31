"""Stimuli as configs write them: when they are on, to the step, and what is said of wrong ones."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from izhi import units
from izhi.errors import ConfigError
from izhi.models import waveform
from izhi.models.evaluate import evaluate
from izhi.units import AMPERE, VOLT

ON = "t >= onset and t < offset"
STEP = {
    "current": f"amplitude*int({ON}) + baseline*int(not ({ON}))",
    "amplitude": "10 mV", "baseline": "0 mV", "onset": "20 ms", "offset": "80 ms",
}  # fmt: skip
RAMP = {
    "current": "slope*(t - onset)*int(onset <= t < onset + length)",
    "slope": "1 mV/ms", "onset": "20 ms", "length": "30 ms",
}  # fmt: skip
SINE = {
    "equations": "phase = 2*3.141592653589793*frequency*(t - onset) : 1",
    "current": "amplitude*sin(phase)*int(t >= onset)",
    "amplitude": "5 mV", "frequency": "10 Hz", "onset": "20 ms",
}  # fmt: skip


def but(config: dict[str, Any], **changed: str | None) -> dict[str, Any]:
    return {k: v for k, v in {**config, **changed}.items() if v is not None}


def read(config: dict[str, Any], wanted: units.Dimension = VOLT) -> waveform.Waveform:
    texts = {k: v for k, v in config.items() if k in ("current", "equations")}
    given_as = {k: units.parse(v).dimension for k, v in config.items() if k not in texts}
    return waveform.read(texts, given_as, wanted, "stimulus")


def values(config: dict[str, Any]) -> dict[str, float]:
    return {k: units.parse(v).si for k, v in config.items() if k not in ("current", "equations")}


def test_a_step_changes_at_its_edges_only() -> None:
    found = read(STEP)
    on = "t_in_timesteps >= onset_step and t_in_timesteps < offset_step"
    assert found.current == f"amplitude * int({on}) + baseline * int(not ({on}))"
    assert [edge.name for edge in found.edges] == ["onset_step", "offset_step"]
    assert set(dict(found.parameters)) == {"amplitude", "baseline"}
    assert found.steady
    steps = [edge.step(values(STEP), 1e-4) for edge in found.edges]
    assert steps[0] == 200 and steps[1] == 800
    assert np.flatnonzero(waveform.changes(1000, *map(np.atleast_1d, steps))).tolist() == [
        0, 200, 800,
    ]  # fmt: skip


def test_what_moves_is_computed_in_every_step() -> None:
    ramp = read(RAMP)
    assert not ramp.steady and set(dict(ramp.parameters)) == {"slope", "onset"}
    assert [edge.time for edge in ramp.edges] == ["onset", "onset + length"]
    sine = read(SINE)
    assert not sine.steady and [one.name for one in sine.declared] == ["phase"]
    assert read(but(STEP, amplitude="1 nA", baseline="0 nA"), AMPERE).steady


@given(
    st.integers(0, 3000), st.sampled_from([Fraction(1, 10), Fraction(1, 40), Fraction(3, 10)]),
    st.sampled_from([Fraction(0), Fraction(1, 2), Fraction(9, 10), Fraction(1, 100)]),
    st.sampled_from([">=", ">", "<", "<="]), st.booleans(),
)  # fmt: skip
@example(3, Fraction(1, 10), Fraction(0), ">=", False)
def test_an_edge_lies_where_it_is_written(number, dt, between, operator, mirrored) -> None:
    """With times that are exact in decimals and not in binary: t is the edge, or is not."""
    edge = (number + between) * dt  # ms
    text = f"edge {operator} t" if mirrored else f"t {operator} edge"
    found = read({"current": f"high*int({text})", "high": "1 mV", "edge": "1 ms"})
    (only,) = found.edges
    step = only.step({"edge": float(edge) * 1e-3}, float(dt) * 1e-3)
    for k in range(max(0, number - 2), number + 3):
        expected = eval(text, {"t": k * dt, "edge": edge})
        scope = {"t_in_timesteps": k, only.name: step, "high": 1.0}
        assert evaluate(found.current, scope) == expected, k


@pytest.mark.parametrize("operator", ["<", "<=", ">", ">="])
def test_no_comparison_with_what_is_not_a_number_holds(operator) -> None:
    found = read({"current": f"high*int(t {operator} n/rate) + low*int(t >= n/rate)",
                  "high": "1 mV", "low": "1 mV", "n": "0", "rate": "0 Hz"})  # fmt: skip
    values = {"n": np.array([0.0, 0.0, 1.0, -1.0]), "rate": np.array([0.0, 10.0, 0.0, 0.0])}
    first = found.edges[0]
    never = waveform.NEVER if ">" in operator else -waveform.NEVER
    at_0 = int(operator in ("<=", ">"))
    steps = first.step(values, 1e-4).tolist()
    assert steps == [never, at_0, waveform.NEVER, -waveform.NEVER]
    assert found.edges[-1].step(values, 1e-4)[0] == waveform.NEVER


@pytest.mark.parametrize(
    ("time", "names"),
    [("edge", ["edge_step"]), ("edge + 2*width - 3*ms", ["edge_0_step"]),
     ("-edge/2", ["edge_0_step"]), ("edge - width", ["edge_0_step", "before_1_step"]),
     ("0*edge", ["edge_0_step", "before_1_step"]), ("edge*k", ["edge_0_step", "before_1_step"])],
)  # fmt: skip
def test_both_comparisons_have_one_edge_where_that_is_a_number(time, names) -> None:
    text = f"high*int(t >= {time}) + high*int(t < {time})"
    text += " + high*int(0*k*width/edge > 0)"  # all have a part
    given = {"high": "1 mV", "edge": "1 ms", "width": "1 ms", "k": "2"}
    found = read({"current": text, **given})
    assert [edge.name for edge in found.edges] == names


def test_an_edge_that_never_comes() -> None:
    offset = read(STEP).edges[1]
    assert offset.step({"offset": np.array([np.inf, 1e9])}, 1e-4).tolist() == [waveform.NEVER] * 2


# Each row: a stimulus, and what is said of it.
WRONG = [
    (but(STEP, current=None), "stimulus.current: missing; a stimulus is a current, an expression"),
    (but(STEP, equations="on = int(t >= onset) : 1 (event-driven)"),
     "stimulus.equations: on cannot be"),
    (but(STEP, equations="on = int(t >= onset) : 1 (constant)"),
     "stimulus.equations: on cannot be (cons"),
    (but(STEP, equations="dx/dt = 1/onset : 1"), "dx/dt: a stimulus has no state; write x = ... "),
    (but(STEP, amplitude="10 nA"), "stimulus.current: the term amplitude * int(t >= onset and t <"),
    (but(STEP, amplitude="10"), "is a plain number, but should be a voltage"),
    (but(STEP, onset="20"), "stimulus.current: the term onset is a plain number, but should be a "),
    (but(STEP, onset=None), "stimulus.current: onset is not defined; give it a value, as "),
    (but(STEP, onset=None, Onset="20 ms"), "onset is not defined, but Onset is: names differ by "),
    (but(STEP, width="20 ms"), "stimulus.width: the current does not use it"),
    (but(STEP, current="amplitude*int(t == onset)"), "stimulus.current: t == onset: compare the t"),
    (but(STEP, current="amplitude*(t >= onset)*rand()"), "rand() draws at random, and a point is"),
    (but(SINE, frequency="10 ms"), "stimulus.equations: phase: the term 2 * 3.141592653589793 * f"),
    (but(SINE, phase="1"), "stimulus.equations: phase is declared, but is a parameter as well"),
]  # fmt: skip


@pytest.mark.parametrize(("config", "said"), WRONG, ids=[row[1][:50] for row in WRONG])
def test_stimuli_that_are_wrong(config, said) -> None:
    with pytest.raises(ConfigError) as error:
        read(config)
    assert str(error.value).startswith("stimulus.")
    assert said in str(error.value)


COUNTS = {
    "current": "amplitude*(floor(t/period) % 2)",
    "amplitude": "10 mV",
    "period": "2.00015 ms",
}


@pytest.mark.parametrize("count", [
    "floor(t/period) % 2", "floor(floor(t/period)/2)", "floor((t % period)/ms)",
    "normal_at(floor(t/period) % 5)",
])  # fmt: skip
def test_a_time_in_several_floors_is_moved_once(count) -> None:
    current = read(but(COUNTS, current=f"amplitude*({count})")).current
    assert current.count("t + 0.001 * dt") == 1
    assert "+ 0.001 * dt + 0.001" not in current


@given(st.integers(0, 40), st.sampled_from(("floor(t/period) % 2", "floor(floor(t/period)/2)")))
def test_counts_in_counts_change_where_they_are_computed(offset, count) -> None:
    dt, steps = 1e-4, 1000
    config = but(COUNTS, current=f"amplitude*({count})", period=f"{2 + offset * 1e-5} ms")
    wave = read(config)
    computed = np.union1d(0, wave.recurrences[0].steps(values(config), dt, steps))
    step = np.arange(steps)
    current = evaluate(wave.current, values(config) | {"t": step * dt, "dt": dt})
    assert np.isin(np.flatnonzero(np.diff(current)) + 1, computed).all()


NAMED = {
    "equations": "offset = onset + more : second\nmore = width/2 + width/2 : second",
    "current": "amplitude*int(t >= onset and t < offset)",
    "amplitude": "10 mV", "onset": "5 ms", "width": "2.6 ms",
}  # fmt: skip


@given(st.integers(0, 600), st.integers(1, 600))
def test_an_edge_that_a_subexpression_names_is_an_edge(onset, width) -> None:
    config = but(NAMED, onset=f"{onset / 10} ms", width=f"{width / 10} ms")
    wave = read(config)
    assert wave.steady
    assert [edge.time for edge in wave.edges] == ["onset", "onset + (width / 2 + width / 2)"]
    assert [int(edge.step(values(config), 1e-4)) for edge in wave.edges] == [onset, onset + width]


def test_a_period_that_a_subexpression_names_is_a_period() -> None:
    wave = read({
        "equations": "period = 1/rate : second\nfirst = period/2 : second",
        "current": "amplitude*floor((t - first)/period)", "amplitude": "1 mV", "rate": "100 Hz",
    })  # fmt: skip
    assert wave.steady
    (recurrence,) = wave.recurrences
    assert (recurrence.first, recurrence.period) == ("0 * second + 1 / rate / 2", "1 / rate")


def test_an_edge_that_names_the_time_or_a_draw_is_compared_in_every_step() -> None:
    for text in ("2*ms + t/2", "2*ms + ms*uniform_at(0)", "more"):
        config = but(NAMED, equations=f"offset = {text} : second\nmore = t/2 + width : second")
        wave = read(config)
        assert not wave.steady
        assert [edge.time for edge in wave.edges] == ["onset"]


def ladder(rungs: int, first: str, unit: str) -> str:
    """Return subexpressions of which the last has 2**rungs terms once all is put in."""
    lines = [f"a0 = {first} : {unit}", f"b0 = {first} : {unit}"]
    for k in range(1, rungs):
        lines += [f"a{k} = a{k - 1} + b{k - 1} : {unit}", f"b{k} = a{k - 1} - b{k - 1} : {unit}"]
    return "\n".join(lines)


def test_subexpressions_that_would_grow_without_end_are_not_put_in() -> None:
    config = but(NAMED, equations=ladder(60, "onset + width", "second"))
    wave = read(but(config, current="amplitude*int(t >= onset)*(a59/ms)"))
    assert [edge.time for edge in wave.edges] == ["onset"]
    assert not read(but(config, equations=ladder(60, "onset + width + t", "second"),
                        current="amplitude*int(t >= a59)")).edges  # fmt: skip
    with pytest.raises(ConfigError, match=r"^stimulus.current: a59: .*longer than 20,000 charact"):
        read(but(config, current="amplitude*int(t >= a59)"))
