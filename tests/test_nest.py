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
def found(compiler):
    """Give all comparisons; NEST runs in processes of its own."""
    if importlib.util.find_spec("nest") is None:
        assert not HAS_WHEELS, "nest-simulator belongs to the dev extra"
        pytest.skip("there is no NEST for this machine")
    return against_nest.compare()


@pytest.mark.parametrize(("row", "spikes"), ROWS, ids=[row[0] for row in ROWS])
def test_the_same_spikes_as_nest(row, spikes, found) -> None:
    compared = found[row]
    assert compared.theirs >= spikes
    assert compared.part >= 0.999
    assert compared.same_trains == compared.trains


def test_where_trains_differ_a_last_bit_of_a_constant_moves_as_many(found) -> None:
    beside_nest = found["izhi's own files, all amplitudes"]
    beside_itself = found["izhi's own files against themselves, C2 one bit larger"]
    for compared in (beside_nest, beside_itself):
        assert abs(compared.ours - compared.theirs) <= 5  # of 27,000
        assert 10 <= compared.same_trains < compared.trains
    assert abs(beside_nest.part - beside_itself.part) < 0.05


def test_a_generator_of_nest_s_is_felt_a_step_late(found) -> None:
    cell = {"neuron": "chattering", "amplitude": 10.0}
    starts = (points.ONSET, points.ONSET - points.DT)
    given = [cell, *({**cell, "generator_start": start} for start in starts)]
    (at_once,), (late,), (earlier,) = against_nest.nest(given)
    assert at_once.size > 500
    assert np.array_equal(earlier, at_once)
    assert late[0] == at_once[0] + 1


def test_a_train_that_is_a_step_late_does_not_agree() -> None:
    train = np.array([240, 456, 908, 1359])
    assert against_nest.agreement([train], [train]).part == 1
    assert against_nest.agreement([train + 1], [train]).part == 0
    assert against_nest.agreement([train], [train[:3]]).part == 0.75


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
