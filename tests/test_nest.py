"""The same spikes, step for step, as NEST's izhikevich and tsodyks2_synapse. See docs/nest.md."""

from __future__ import annotations

import importlib.util
import platform
import re
import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks import against_nest, points

HAS_WHEELS = sys.platform == "linux" and platform.machine() == "x86_64"
ROWS = [  # what is compared, spikes at least
    ("driven cells", 25_000), ("cells behind the synapse, 40 mV", 100),
    ("the same, 160 mV, all but the resonator", 3_000), ("izhi's own files, 15 mV", 10_000),
]  # fmt: skip


@pytest.fixture(scope="module")
def nest():
    """Skip where there is no NEST; it runs in processes of its own."""
    if importlib.util.find_spec("nest") is None:
        assert not HAS_WHEELS, "nest-simulator belongs to the dev extra"
        pytest.skip("there is no NEST for this machine")


@pytest.fixture(scope="module")
def found(compiler, nest):
    """Give all comparisons that the page shows, of 10 s."""
    return against_nest.compare()


DRIVEN = [{"neuron": name, "amplitude": 15.0} for name in points.PRESETS]
PAIR = {"neuron": "chattering", "amplitude": 6.0, "U_0": 0.5, "delay": 1.0, "weight": 160.0}
STEP = {"neuron": "chattering", "amplitude": 10.0}
STARTS = (points.ONSET, points.ONSET - points.DT)  # of NEST's generators


@pytest.fixture(scope="module")
def second(nest):
    """Give the trains that NEST has of a second: driven cells, a pair, three ways to drive one."""
    generators = [{**STEP, "generator_start": start} for start in STARTS]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(against_nest, "DURATION", 1000.0)
        theirs = against_nest.nest([*DRIVEN, PAIR, STEP, *generators])
    return theirs[: len(DRIVEN)], theirs[len(DRIVEN)], [train for (train,) in theirs[-3:]]


def test_driven_cells_of_all_types_have_the_spikes_of_nest_for_a_second(
    second, monkeypatch, tmp_path
) -> None:
    monkeypatch.setattr(against_nest, "DURATION", 1000.0)
    ours = against_nest.as_shipped(DRIVEN, str(tmp_path), "run.engine=numpy")
    theirs, _, _ = second
    assert sum(train.size for (train,) in theirs) >= 1_000
    for (our,), (their,) in zip(ours, theirs, strict=True):
        assert np.array_equal(our, their)


def test_a_cell_behind_the_synapse_has_the_spikes_of_nest_for_a_second(
    second, monkeypatch, tmp_path
) -> None:
    monkeypatch.setattr(against_nest, "DURATION", 1000.0)
    monkeypatch.setattr(points, "PRESETS", {PAIR["neuron"]: points.PRESETS[PAIR["neuron"]]})
    (ours,), (_, theirs, _) = against_nest.in_nests_order([PAIR], str(tmp_path)), second
    assert min(train.size for train in theirs) >= 20
    for our, their in zip(ours, theirs, strict=True):
        assert np.array_equal(our, their)


@pytest.mark.pages
@pytest.mark.parametrize(("row", "spikes"), ROWS, ids=[row[0] for row in ROWS])
def test_the_same_spikes_as_nest(row, spikes, found) -> None:
    compared = found[row]
    assert compared.theirs >= spikes
    assert compared.part >= 0.999
    assert compared.same_trains == compared.trains


@pytest.mark.pages
def test_where_trains_differ_a_last_bit_of_a_constant_moves_as_many(found) -> None:
    beside_nest = found["izhi's own files, all amplitudes"]
    beside_itself = found["izhi's own files against themselves, C2 one bit larger"]
    for compared in (beside_nest, beside_itself):
        assert abs(compared.ours - compared.theirs) <= 5  # of 27,000
        assert 10 <= compared.same_trains < compared.trains
    assert abs(beside_nest.part - beside_itself.part) < 0.05


def test_a_generator_of_nest_s_is_felt_a_step_late(second) -> None:
    _, _, (at_once, late, earlier) = second
    assert at_once.size > 50
    assert np.array_equal(earlier, at_once)
    assert late[0] == at_once[0] + 1


def test_a_train_that_is_a_step_late_does_not_agree() -> None:
    train = np.array([240, 456, 908, 1359])
    assert against_nest.agreement([train], [train]).part == 1
    assert against_nest.agreement([train + 1], [train]).part == 0
    assert against_nest.agreement([train], [train[:3]]).part == 0.75


@pytest.mark.pages
def test_the_page_shows_what_was_found(found) -> None:
    page = Path(__file__).parents[1].joinpath("docs", "nest.md").read_text()
    for row in [row for row, _ in ROWS]:
        said = re.search(
            rf"^\| {re.escape(row)} \| (\d+) \| (\d+) \| ([\d,]+) ", page, re.MULTILINE
        )
        assert said is not None
        compared = found[row]
        assert [int(n.replace(",", "")) for n in said.groups()] == [
            compared.trains, compared.same_trains, compared.ours
        ]  # fmt: skip
