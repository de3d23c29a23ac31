"""What a page shows of many points: neighbouring values joined, against a loop over labels."""

import itertools
import math
from collections import Counter
from types import SimpleNamespace

import netCDF4
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from izhi.config.sweep import Base
from izhi.report.page import grid as grids
from izhi.report.page import rasters
from izhi.study import populations

WORDS = ("silent", "tonic", "bursting")


@pytest.fixture
def dataset():
    """Give a dataset of random values over some axes, in memory."""
    opened = []

    def make(axes, cells, seed=0, **counts):
        file = netCDF4.Dataset("grid", "w", diskless=True)
        opened.append(file)
        rng = np.random.default_rng(seed)
        for name, labels in {**axes, "cell": np.array(cells)}.items():
            file.createDimension(name, len(labels))
            text = labels.dtype.kind == "U"
            file.createVariable(name, str if text else labels.dtype, (name,))[:] = (
                labels.astype(object) if text else labels
            )
        shape = tuple(map(len, axes.values()))
        rate = rng.random((*shape, len(cells)))
        rate[rng.random(rate.shape) < 0.3] = np.nan
        count = rng.integers(-1, 5, rate.shape).astype(np.int32)
        regime = rng.integers(-1, len(WORDS), rate.shape).astype(np.int8)
        for name, values in (("firing_rate", rate), ("spike_count", count), ("regime", regime)):
            variable = file.createVariable(name, values.dtype, (*axes, "cell"))
            variable[...] = values
        file["regime"].flag_meanings = " ".join(WORDS)
        status = rng.choice(4, shape, p=[0.97, 0.01, 0.01, 0.01]).astype(np.int8)
        file.createVariable("status", np.int8, tuple(axes))[...] = status
        file.set_auto_maskandscale(False)
        base = Base({f"circuit.populations.{name}.count": n for name, n in counts.items()}, {})
        axes = [SimpleNamespace(name=name, key=name) for name in axes]
        return file, SimpleNamespace(axes=axes, bases=[base], used=[0])

    yield make
    for file in opened:
        file.close()


AXES = {
    "neuron": np.array(["chattering", "resonator"]),
    "U_0": np.array([0.3, 0.1, 0.2]),  # as given: not in order
    "amplitude": np.random.default_rng(1).permutation(np.arange(37) / 4),
}


def slow(file, name, per, join):
    """Return what joined places show, by going over the labels of each."""
    axes = []
    for axis, number in zip(AXES, per, strict=True):
        labels = AXES[axis]
        rising = sorted(labels) if number > 1 else list(labels)
        axes.append([[list(labels).index(label) for label in rising[i : i + number]]
                     for i in range(0, len(labels), number)])  # fmt: skip
    values = np.asarray(file[name][...])
    rest = values.shape[len(AXES) :]
    result = np.empty((*map(len, axes), *rest), object)
    for place in np.ndindex(*map(len, axes)):
        points = [*itertools.product(*(axis[i] for axis, i in zip(axes, place, strict=True)))]
        for last in np.ndindex(*rest):
            result[(*place, *last)] = join([values[(*point, *last)] for point in points])
    return result


def mean(values):
    there = [value for value in values if not (math.isnan(value) or value == -1)]
    return sum(there) / len(there) if there else math.nan


def most_frequent(values):
    times = Counter(value for value in values if value >= 0)
    return min(times, key=lambda word: (-times[word], word)) if times else -1


@pytest.mark.parametrize("most, per", [(60, [1, 1, 4]), (30, [1, 1, 8]), (9, [1, 2, 32])])
def test_joined_values_are_those_of_a_loop_over_labels(dataset, monkeypatch, most, per):
    monkeypatch.setattr(grids.joined, "__defaults__", (most,))
    file, sweep = dataset(AXES, ["a0", "a1"])
    grid = grids.plan(file, sweep)
    assert [block.per for block in grid.blocks] == per
    assert math.prod(grid.shape) <= most
    rate, count = (
        grids.values(grid, file[name]).astype(float) for name in ("firing_rate", "spike_count")
    )
    np.testing.assert_allclose(rate, slow(file, "firing_rate", per, mean).astype(float), rtol=1e-6)
    np.testing.assert_allclose(count, slow(file, "spike_count", per, mean).astype(float), rtol=1e-6)
    found = grids.values(grid, file["regime"])
    np.testing.assert_array_equal(found, slow(file, "regime", per, most_frequent).astype(int))
    worst = grids.status(grid, file["status"])
    np.testing.assert_array_equal(worst, slow(file, "status", per, max).astype(int))
    assert f" {per[2]} neighbouring values of amplitude" in grid.aggregation
    assert ("values of U_0" in grid.aggregation) == (per[1] > 1)


def test_the_point_of_a_place_is_one_of_its_own(dataset, monkeypatch):
    monkeypatch.setattr(grids.joined, "__defaults__", (30,))
    file, sweep = dataset(AXES, ["a0"])
    grid = grids.plan(file, sweep)
    for place, point in np.ndenumerate(grid.points):
        at = np.unravel_index(point, tuple(map(len, AXES.values())))
        assert at[:2] == place[:2]
        amplitude = AXES["amplitude"][at[2]]
        joined = np.sort(AXES["amplitude"])[8 * place[2] : 8 * place[2] + 8]
        assert joined[(len(joined) - 1) // 2] == amplitude
    shown = grid.blocks[2].labels(AXES["amplitude"])
    np.testing.assert_allclose(shown[:2], [np.arange(8).mean() / 4, np.arange(8, 16).mean() / 4])


def test_few_points_are_shown_as_they_are(dataset):
    file, sweep = dataset(AXES, ["a0", "a1"])
    grid = grids.plan(file, sweep)
    assert grid.aggregation == ""
    for name, kind in (("firing_rate", np.float32), ("spike_count", np.int32), ("regime", np.int8)):
        found = grids.values(grid, file[name])
        assert found.dtype == kind
        np.testing.assert_array_equal(found, np.asarray(file[name][...]).astype(kind))
    assert grid.blocks[1].labels(AXES["U_0"]) == [0.3, 0.1, 0.2]
    np.testing.assert_array_equal(grid.points.ravel(), np.arange(2 * 3 * 37))


def test_a_study_without_axes_is_one_place(dataset):
    file, sweep = dataset({}, ["a0"])
    grid = grids.plan(file, sweep)
    assert (grid.shape, grid.points.shape, int(grid.points)) == ((), (), 0)
    assert grids.values(grid, file["firing_rate"]).shape == (1,)


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(1, 3_000), st.booleans()), max_size=6), st.integers(1, 500))
def test_there_are_as_few_places_as_asked_for(axes, most):
    lengths, numeric = [n for n, _ in axes], [is_numeric for _, is_numeric in axes]
    per = grids.joined(lengths, numeric, most)
    places = [-(-n // p) for n, p in zip(lengths, per, strict=True)]
    assert math.prod(places) <= most
    if math.prod(lengths) <= most:
        assert per == [1] * len(per)
    # text is joined only where numbers are down to their ends
    if any(p > 1 and not number for p, number in zip(per, numeric, strict=True)):
        assert all(n <= 2 for n, number in zip(places, numeric, strict=True) if number)


def test_of_many_cells_the_first_of_each_population_are_shown(dataset, monkeypatch):
    counts = {"e": 80, "i": 20}
    cells = [f"{name}{i}" for name, count in counts.items() for i in range(count)]
    file, sweep = dataset({"seed": np.arange(50)}, cells, **counts)
    assert grids.plan(file, sweep).shown("cell") == cells
    monkeypatch.setattr(grids, "MOST_VALUES", 50 * 3 * 10)
    grid = grids.plan(file, sweep)
    assert grid.shown("cell") == [*(f"e{i}" for i in range(8)), "i0", "i1"]
    assert "Of 100 cells, 10 are shown." in grid.aggregation
    columns = [cells.index(cell) for cell in grid.shown("cell")]
    np.testing.assert_array_equal(
        grids.values(grid, file["spike_count"]), file["spike_count"][:, columns]
    )


def test_populations_and_projections_are_told_apart_by_the_circuit(dataset):
    counts = {"e": 2, "e1": 20, "e_1": 4}
    cells = [f"{name}{i}" for name, count in counts.items() for i in range(count)]
    _, sweep = dataset({}, cells, **counts)
    few = grids.some(populations.groups(sweep, cells).values(), 0.1)
    assert [cells[n] for n in few] == ["e0", "e10", "e11", "e_10"]
    labels = [f"{name}.{cell}" for name in ("a", "b") for cell in cells]
    few = grids.some(grids._by_source(sweep, labels), 0.1)
    assert [labels[n] for n in few] == [
        f"{name}.{cell}" for name in ("a", "b") for cell in ("e0", "e10", "e11", "e_10")
    ]


def test_spikes_are_of_as_many_points_as_there_is_room_for(dataset, monkeypatch):
    file, sweep = dataset({"seed": np.arange(50)}, ["a0", "b0"])
    group = file.createGroup("spikes")
    count = np.random.default_rng(2).integers(0, 9, 100).astype(np.int32)
    group.createDimension("train", 100)
    group.createDimension("spike", count.sum())
    group.createVariable("spike_count", np.int32, ("train",))[:] = count
    time = group.createVariable("spike_time", np.int32, ("spike",))
    time.set_auto_maskandscale(False)
    time[:] = np.arange(count.sum())
    time.scale_factor = 0.5
    grid = grids.plan(file, sweep)
    every = rasters.rasters(file, grid)
    np.testing.assert_array_equal(every["point"], np.arange(50))
    np.testing.assert_array_equal(every["time"], np.arange(count.sum()) / 2)
    monkeypatch.setattr(rasters, "MOST_SPIKES", 100)
    some = rasters.rasters(file, grid, np.array([7, 31]))
    assert {7, 31} <= set(some["point"].tolist())
    assert 50 < some["time"].size == some["count"].sum() <= 100
    starts = np.cumsum(count) - count
    wanted = [starts[2 * p] + np.arange(count[2 * p] + count[2 * p + 1]) for p in some["point"]]
    np.testing.assert_array_equal(some["time"], np.concatenate(wanted) / 2)
