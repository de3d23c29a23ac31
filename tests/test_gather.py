"""Dataset and table, put together window by window, against the same put together at once."""

import csv
import io
import itertools

import hypothesis.strategies as st
import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import given, settings

import izhi
from izhi.spikes import REGIMES, STATISTICS
from izhi.study import dataset, shardfile, table, window
from izhi.study.digest import Digest
from izhi.study.profile import Profile
from izhi.study.shardfile import ShardData
from izhi.study.statistics import Columns
from izhi.study.window import Source


@given(st.lists(st.integers(1, 7), max_size=4), st.integers(1, 60))
def test_boxes_part_all_points_in_order(shape, most) -> None:
    numbers = np.arange(np.prod(shape, dtype=int)).reshape(shape)
    at = 0
    for first, stop, box in window.boxes(shape, most):
        assert first == at
        assert numbers[box].ravel().tolist() == list(range(first, stop))
        assert 1 <= stop - first <= most
        at = stop
    assert at == numbers.size


def test_a_window_is_not_much_smaller_than_it_may_be() -> None:
    sizes = [stop - first for first, stop, _ in window.boxes((7, 9, 1600), 16_384)]
    assert sizes == [14_400] * 7
    assert [stop - first for first, stop, _ in window.boxes((100_000,), 40_000)] == [
        40_000, 40_000, 20_000,
    ]  # fmt: skip


def random_shard(random, points, cells, synapses) -> ShardData:
    count = random.integers(0, 4, (points.size, len(cells)))
    statistics = {
        name: random.integers(0, 6, (points.size, len(labels))).astype(what.dtype)
        for name, what in STATISTICS.items()
        for labels in ((synapses if what.per == "projection" else cells),)
        if labels
    }
    statistics["isi_cv"][random.random(count.shape) < 0.3] = np.nan
    statistics["isi_mean"] = random.random(count.shape)
    step = random.integers(0, 1000, count.sum()).astype(np.int32)
    status = np.where(random.random(points.size) < 0.9, shardfile.DONE, shardfile.DIVERGED)
    return ShardData(
        points,
        cells,
        synapses,
        status.astype(np.int8),
        statistics,
        "s",
        count,
        step,
        1e-4,
        {},
        None,
    )


@pytest.fixture(scope="module")
def plan():
    """Give a plan whose structures take turns along the innermost axis."""
    return izhi.plan(
        ["neuron=chattering,resonator", "stimulus.amplitude=range(4,9)",
         "circuit=two_to_one,single", "run.engine=numpy"]
    )  # fmt: skip


SHARDS = {"seed": st.integers(0, 2**31), "size": st.integers(1, 9), "most": st.integers(1, 30)}


@settings(max_examples=10, deadline=None)
@given(**SHARDS)
def test_shards_in_any_order_come_together_by_label(
    plan, seed, size, most, tmp_path_factory
) -> None:
    come_together(plan, seed, size, most, tmp_path_factory.mktemp("shards"))


@pytest.mark.soak
@settings(max_examples=200, deadline=None)
@given(**SHARDS)
def test_very_many_shards_in_any_order(plan, seed, size, most, tmp_path_factory) -> None:
    come_together(plan, seed, size, most, tmp_path_factory.mktemp("shards"))


def come_together(plan, seed, size, most, folder) -> None:
    """Write random shards, some of them missing or failed, and compare what is put together."""
    random = np.random.default_rng(seed)
    names = plan.cells
    assert names == ("pre0", "pre1", "post0", "cell0")
    columns = Columns.of(plan)
    assert columns.synapses == ("pre_to_post.pre0", "pre_to_post.pre1")
    expected = {
        name: np.full(
            (20, len(columns.labels(name))), -1 if what.dtype.kind == "i" else np.nan, what.dtype
        )
        for name, what in STATISTICS.items()
    }
    status = np.full(20, shardfile.NOT_RUN, np.int8)
    trains = {(point, cell): np.empty(0) for point in range(20) for cell in names}
    failed = np.array([6, 3]) if seed % 2 else np.empty(0, np.int64)
    status[failed] = shardfile.FAILED
    sources = []
    for batch, cells in enumerate((names[:3], names[3:])):
        points = np.setdiff1d(np.arange(batch, 20, 2), failed)
        for number, chosen in enumerate(np.split(points, range(size, points.size, size))):
            if chosen.size == 0 or random.random() < 0.2:  # a shard that was never run
                continue
            shard = random_shard(random, chosen, cells, () if batch else columns.synapses)
            path = folder / f"{batch}-{number}.nc"
            shardfile.write(path, shard, "f")
            at = np.array([names.index(cell) for cell in cells])
            sources.append(Source.read(path, chosen, columns))
            for name, values in shard.statistics.items():
                own = [0, 1] if STATISTICS[name].per == "projection" else at
                expected[name][np.ix_(chosen, own)] = values
            status[chosen] = shard.status
            pieces = np.split(shard.step, np.cumsum(shard.count)[:-1])
            trains.update(zip(itertools.product(chosen.tolist(), cells), pieces, strict=True))
    random.shuffle(sources)
    windows = window.windows(plan.sweep.shape, sources, failed, most)
    digest = Digest(plan.sweep.axes, columns)
    dataset.write(folder / "all.nc", plan, sources, windows, {"title": "random"}, digest)
    with xr.open_dataset(folder / "all.nc") as found:
        assert found["status"].dims == ("neuron", "amplitude", "circuit")
        assert np.array_equal(found["status"].values.ravel(), status)
        for name, values in expected.items():
            np.testing.assert_array_equal(found[name].values.reshape(values.shape), values)
    if sources:
        with xr.open_dataset(folder / "all.nc", group="spikes", decode_cf=False) as spikes:
            counts = spikes["spike_count"].values
            assert counts.tolist() == [train.size for train in trains.values()]
            together = np.concatenate(list(trains.values()))
            assert spikes["spike_time"].values.tolist() == together.tolist()
        with xr.open_dataset(folder / "all.nc", group="spikes") as spikes:
            assert list(zip(spikes["point"].values.tolist(), spikes["cell"].values.tolist(),
                            strict=True)) == list(trains)  # fmt: skip
    check_table(plan, windows, expected, status)


def check_table(plan, windows, expected, status) -> None:
    columns = Columns.of(plan)
    layout = table.layout(plan.sweep.axes, columns)
    lines = [
        line for part in windows for line in table.rows(layout, part, window.read(part, columns))
    ]
    found = pd.read_csv(
        io.StringIO(layout.header + "".join(lines)), comment="#", index_col=[0, 1, 2, 3]
    )
    levels = [axis.labels for axis in plan.sweep.axes]
    index = pd.MultiIndex.from_product([*levels, plan.cells], names=found.index.names)
    values = {name: expected[name].ravel() for name in layout.names}
    values["regime"] = np.array([*REGIMES, np.nan], dtype=object)[values["regime"]]
    whole = pd.DataFrame({**values, "status": np.repeat(status, 4)}, index=index)
    simulated = whole["status"].isin([shardfile.DONE, shardfile.DIVERGED])
    whole = whole[(whole["spike_count"] != -1) | ~simulated]
    pd.testing.assert_frame_equal(
        found, whole, check_dtype=False, check_exact=True, check_index_type=False
    )


def test_labels_that_need_quotes_are_quoted() -> None:
    layout = table.Layout(
        ("a",), ("mV",), (('x,"y"',),), Columns(("cell0",), (), ("spike_count", "lv"))
    )
    assert next(csv.reader([table._word('x,"y"')])) == ['x,"y"']
    assert layout.header.splitlines() == [
        '# units: a mV; read with pandas.read_csv(path, comment="#")',
        "a,cell,spike_count,lv,status",
    ]
    assert table._word("a#b") == '"a#b"' and table.one_line(["a#b", "c"]) == '"a#b",c\n'


def test_numbers_in_the_table_read_back_as_they_were() -> None:
    values = np.array([0.1, 1 / 3, 1e300, 5e-324, -0.0, np.nan, 2.0])
    words = table._words(values)
    assert words[5] == ""
    assert [float(word) for word in words[:5]] == values[:5].tolist()
    assert words[6] == "2.0"


def test_the_stages_of_a_profile_add_up() -> None:
    profile = Profile(workers=2)
    for stage in ("composing", "shards", "dataset"):
        profile.mark(stage)
    profile.stages.update(shards=3.0)
    profile.add({"simulating": 2.0, "writing": 0.5})
    profile.add({"simulating": 1.5})
    lines = [line.split() for line in profile.lines()]
    seconds = {" ".join(line[:-2]): float(line[-2]) for line in lines if line[-1] == "s"}
    assert seconds["simulating"] == 3.5
    assert seconds["starting and waiting"] == 2 * 3.0 - 4.0
    assert lines[-1] == ["total", "6.000", "s"]
