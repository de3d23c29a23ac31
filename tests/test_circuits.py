"""Circuits: who projects onto whom, and that spikes go that way."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from izhi.models.circuit import Circuit, Population, Projection

COUNTS = st.integers(1, 7)


def population(name: str, count: int) -> Population:
    """Return cells of whatever neuron: who projects onto whom does not depend on it."""
    return Population(name=name, count=count, neuron=None, method="euler", stimuli=())  # type: ignore[arg-type]


def pairs_of(connect: str, sources: int, targets: int | None = None) -> list[tuple[int, int]]:
    """Return the synapses within one population, or from one to another."""
    populations = [population("a", sources)]
    if targets is not None:
        populations.append(population("b", targets))
    projection = Projection("p", "a", populations[-1].name, None, False, connect)  # type: ignore[arg-type]
    found = Circuit(tuple(populations), (projection,)).pairs(projection)
    assert found.dtype == np.int32 and found.shape[1:] == (2,)
    return [(int(i), int(j)) for i, j in found]


@given(COUNTS, COUNTS)
def test_pairs_between_populations_are_what_loops_give(n: int, m: int) -> None:
    assert pairs_of("all", n, m) == [(i, j) for i in range(n) for j in range(m)]
    assert pairs_of("one_to_one", n, m) == [(i, i) for i in range(min(n, m))]


@given(COUNTS)
def test_pairs_within_a_population_are_what_loops_give(n: int) -> None:
    assert pairs_of("all", n) == [(i, j) for i in range(n) for j in range(n) if i != j]
    assert pairs_of("chain", n) == [(i, i + 1) for i in range(n - 1)]
    assert pairs_of("ring", n) == [(i, (i + 1) % n) for i in range(n) if n > 1]
    assert pairs_of("one_to_one", n) == []


def test_a_million_pairs_take_no_list() -> None:
    projection = Projection("p", "a", "a", None, False)  # type: ignore[arg-type]
    circuit = Circuit((population("a", 1000),), (projection,))
    found = circuit.pairs(projection)
    assert found.shape == (999_000, 2)
    assert (np.diff(found[:, 0].astype(int) * 1000 + found[:, 1]) > 0).all()


# One spike of the driven cell: 30 mV for 5 ms; 30 mV of synaptic current pass it on.
PULSE = [
    "synapse=static", "synapse.weight='30 mV'", "stimulus.amplitude='30 mV'",
    "stimulus.offset='23 ms'", "simulation.duration='100 ms'", "run.engine=numpy",
]  # fmt: skip


def test_a_pair_is_one_cell_onto_another(run) -> None:
    study = run("circuit=pair", *PULSE)
    assert study.dataset.cell.values.tolist() == ["pre0", "post0"]
    first, second = (study.spike_times(cell=cell)[0] for cell in ("pre0", "post0"))
    assert 0.020 < first < second < first + 0.005


def test_a_chain_hands_a_spike_on_from_link_to_link(run) -> None:
    study = run("circuit=chain", "circuit.populations.next.count=6", *PULSE)
    cells = study.dataset.cell.values.tolist()
    assert cells == ["first0", *(f"next{i}" for i in range(6))]
    times = [study.spike_times(cell=cell)[0] for cell in cells]
    steps = np.diff(times)
    assert (steps > 0.0005).all() and (steps < 0.005).all()
    assert np.ptp(steps[1:]) < 1e-3  # every link takes as long


def test_a_chain_of_one_other_cell_is_a_pair(run) -> None:
    chain = run("circuit=chain", "circuit.populations.next.count=1", *PULSE)
    pair = run("circuit=pair", *PULSE)
    assert chain.spike_times(cell="next0").tolist() == pair.spike_times(cell="post0").tolist()


def test_the_more_cells_fan_in_the_more_their_target_fires(run) -> None:
    study = run(
        "circuit=fan_in", "circuit.populations.pre.count=1,3,9", "stimulus.amplitude='8 mV'",
        "synapse=static", "simulation.duration='100 ms'", "run.engine=numpy",
    )  # fmt: skip
    count = study.dataset.spike_count
    assert (np.diff(count.sel(cell="post0").values) > 0).all()
    drivers = count.sel(cell="pre8").values
    assert (drivers[:2] == -1).all() and drivers[2] > 0  # there is none but in the last
