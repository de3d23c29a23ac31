"""Keys that refer to a swept one: they go along its axis, and are composed once."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import izhi
from izhi.config.compose import compose
from izhi.config.references import referring
from izhi.errors import ConfigError, StudyError
from izhi.study import description
from izhi.sweep import points

SHORT = ["simulation.duration='120 ms'", "run.engine=numpy", "run.n_jobs=1", "run.report=none"]
REFERS = "synapse.weight=${stimulus.amplitude}"


@pytest.mark.parametrize(
    ("swept", "refers", "key", "si"),
    [
        ("stimulus.amplitude=range(4,8,2)", REFERS, "synapse.weight", [4e-3, 6e-3]),
        ("++stimulus.amplitude=4,'6000 uV'", f"++{REFERS}", "synapse.weight", [4e-3, 6e-3]),
        ("neuron.v_0=-60,-70", "neuron.c=${neuron.v_0}", "neuron.c", [-60e-3, -70e-3]),
        ("neuron.v_0=-60,-70", "neuron.c=${.v_0}", "neuron.c", [-60e-3, -70e-3]),
        ("simulation.duration='0.1 s','0.2 s'", "stimulus.offset=${simulation.duration}",
         "stimulus.offset", [0.1, 0.2]),
        # more than a reference: composed for each value, with the same numbers
        ("stimulus.amplitude=4,6", "synapse.weight='${stimulus.amplitude} mV'", "synapse.weight",
         [4e-3, 6e-3]),
    ],
)  # fmt: skip
def test_what_refers_to_a_swept_key_has_its_value(
    swept: str, refers: str, key: str, si: list[float]
) -> None:
    sweep = compose([swept, refers, "synapse.U_0=0.1,0.2,0.3"])
    axis = sweep.axes[0]
    assert axis.labels.dtype == float and axis.unit is not None
    assert points.grid(sweep, key)[:, 0].tolist() == pytest.approx(si, rel=1e-15)
    assert points.grid(sweep, axis.key)[:, 0].tolist() == axis.values.tolist()  # type: ignore[union-attr]
    assert sweep.bases[sweep.used[0]].has(key)
    assert izhi.plan([swept, refers, "synapse.U_0=0.1,0.2,0.3"]).points == 6


def test_a_reference_to_a_reference() -> None:
    sweep = compose(["stimulus.amplitude=4,5", REFERS, "stimulus.baseline=${synapse.weight}"])
    assert len(sweep.bases) == 1
    for key in ("stimulus.amplitude", "synapse.weight", "stimulus.baseline"):
        assert points.grid(sweep, key).tolist() == [4e-3, 5e-3]


def test_ten_thousand_values_are_composed_once() -> None:
    for overrides in (["stimulus.amplitude=range(0,10,0.001)", REFERS],
                      ["++stimulus.amplitude=range(0,10,0.001)"]):  # fmt: skip
        started = time.process_time()
        sweep = compose(overrides)
        assert (len(sweep.axes[0]), len(sweep.bases)) == (10_000, 1)
        assert time.process_time() - started < 5  # it was 15 minutes


def test_points_are_those_of_values_that_are_written_out(tmp_path: Path) -> None:
    study = izhi.run(
        [*SHORT, "stimulus.amplitude=8,12", REFERS], name="x", dir=tmp_path, progress=False
    )
    for value in (8, 12):
        alone = izhi.run(
            [*SHORT, f"stimulus.amplitude={value}", f"synapse.weight={value}"],
            name=f"x{value}", dir=tmp_path, progress=False,
        )  # fmt: skip
        for cell in ("pre0", "post0"):
            here = study.spike_times(cell, amplitude=value)
            assert np.array_equal(here, alone.spike_times(cell))
    sweep = compose([*SHORT, "stimulus.amplitude=8,12", REFERS])
    again = description.read(description.of(sweep), "test")
    assert description.of(again) == description.of(sweep)
    assert description.fingerprint(again) == description.fingerprint(sweep)


def test_a_study_grows_along_such_an_axis_and_by_nothing_else(tmp_path: Path) -> None:
    def run(*overrides: str) -> izhi.Study:
        return izhi.run([*SHORT, *overrides], name="x", dir=tmp_path, progress=False)

    run("stimulus.amplitude=8,12", REFERS)
    assert run("stimulus.amplitude=8,10,12", REFERS).dataset.sizes["amplitude"] == 3
    for others in (
        ["stimulus.amplitude=8,10,12", "synapse.weight=8"],
        ["stimulus.amplitude=8,10,12", "stimulus.baseline=${stimulus.amplitude}"],
        ["stimulus.amplitude=8,10,12", "synapse.weight='${stimulus.amplitude} uV'"],
    ):
        with pytest.raises(StudyError):
            run(*others)


def test_a_new_axis_with_such_a_key_holds_a_study_of_the_same_value(tmp_path: Path) -> None:
    for weight, name in (("8", "same"), ("5", "other")):
        first = [*SHORT, "stimulus.amplitude=8", f"synapse.weight={weight}"]
        izhi.run(first, name=name, dir=tmp_path, progress=False)
    more = [*SHORT, "stimulus.amplitude=8,12", REFERS]
    assert izhi.run(more, name="same", dir=tmp_path, progress=False).dataset.sizes["amplitude"] == 2
    with pytest.raises(StudyError, match=r"synapse\.weight: another value there"):
        izhi.run(more, name="other", dir=tmp_path, progress=False)


def test_files_of_which_some_refer_to_a_swept_key(tmp_path: Path) -> None:
    (tmp_path / "neuron").mkdir()
    file = tmp_path / "neuron" / "mine.yaml"
    file.write_text("defaults: [chattering]\nc: ${neuron.v_0}\n")
    sweep = compose(["neuron=mine", "neuron.v_0=-60,-65"], config_dir=tmp_path)
    assert points.grid(sweep, "neuron.c").tolist() == [-60e-3, -65e-3]
    for names in ("chattering,mine", "mine,chattering"):
        with pytest.raises(ConfigError, match=r"neuron\.c: refers to neuron\.v_0, which is swept"):
            compose([f"neuron={names}", "neuron.v_0=-60,-65"], config_dir=tmp_path)
    overrides = ["neuron=chattering,mine", "neuron.v_0=-60,-65", "neuron.c=-50"]
    assert compose(overrides, config_dir=tmp_path).shape == (2, 2)


NAMES = ["a", "b", "c", "d", "e"]


@settings(max_examples=100, deadline=None)
@given(st.lists(st.sampled_from([None, *NAMES]), min_size=5, max_size=5))
def test_references_are_followed_to_their_ends(targets: list[str | None]) -> None:
    tree = {"g": {name: "1" if to is None else f"${{g.{to}}}"
                  for name, to in zip(NAMES, targets, strict=True)}}  # fmt: skip

    def leads(name: str) -> bool:
        seen: set[str] = set()
        while (to := targets[NAMES.index(name)]) is not None and name not in seen:
            seen.add(name)
            if to == "a":
                return True
            name = to
        return False

    expected = {f"g.{name}" for name in NAMES[1:] if leads(name)}
    assert set(referring(tree, "g.a")) - {"g.a"} == expected
