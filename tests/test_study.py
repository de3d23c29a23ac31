"""The folder that a sweep leaves: its dataset, spikes, traces, tables, and going on with it."""

from __future__ import annotations

import contextlib
import itertools
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr
import yaml
from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra

import izhi
from izhi.config.folder import conf_folder
from izhi.engine import cache
from izhi.errors import ConfigError, StorageError, StudyError
from izhi.spikes import STATISTICS
from izhi.study import compare, dataset, gather, shardfile
from izhi.study import folder as folders

ENGINE = "compiled" if cache.compiler() else "numpy"  # a program starts faster than Brian2
SHORT = [f"run.engine={ENGINE}", "run.n_jobs=1", "simulation.duration='50 ms'"]
AXES = ["neuron=chattering,resonator", "synapse.U_0=0.2,0.5,0.8", "stimulus.amplitude=4,10"]


def run(folder: Path, name: str, *overrides: str) -> izhi.Study:
    return izhi.run([*SHORT, *overrides], name=name, dir=folder, progress=False)


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> izhi.Study:
    """Give a study of three axes, in five shards; tests only read it."""
    return run(tmp_path_factory.mktemp("demo"), "demo", *AXES, "run.shard_points=5")


@pytest.fixture
def copy(demo: izhi.Study, tmp_path: Path) -> izhi.Study:
    """Give a copy of the study that a test may damage."""
    shutil.copytree(demo.path, tmp_path / "demo")
    return izhi.open_study(tmp_path / "demo")


def same_results(a: izhi.Study, b: izhi.Study) -> bool:
    """Compare everything but the global attributes, which tell the time."""
    for get in (lambda s: s.dataset, lambda s: s.spikes):
        ours, theirs = (get(study).copy() for study in (a, b))
        ours.attrs, theirs.attrs = {}, {}
        if not ours.identical(theirs):
            return False
    return True


def names(folder: Path) -> list[str]:
    """Return what is in a study, without changes to the code that were not committed."""
    return sorted(path.name for path in folder.iterdir() if path.suffix != ".diff")


def events(study: izhi.Study, kind: str) -> list[dict]:
    return [event for event in study.log if event["event"] == kind]


# ---------------------------------------------------------------- the dataset


def test_the_dataset_has_a_dimension_for_each_axis_and_one_for_cells(demo) -> None:
    dataset = xr.open_dataset(demo.path / "dataset.nc")
    assert dict(dataset.sizes) == {
        "neuron": 2,
        "U_0": 3,
        "amplitude": 2,
        "cell": 3,
        "projection": 2,
    }
    assert dataset["status"].dims == ("neuron", "U_0", "amplitude")
    for name, what in STATISTICS.items():
        assert dataset[name].dims == ("neuron", "U_0", "amplitude", what.per)
    assert set(dataset.data_vars) == {*STATISTICS, "status"}
    assert dataset["neuron"].values.tolist() == ["chattering", "resonator"]
    assert dataset["U_0"].values.tolist() == [0.2, 0.5, 0.8]
    assert dataset["amplitude"].values.tolist() == [4, 10]
    assert dataset["cell"].values.tolist() == ["pre0", "pre1", "post0"]
    assert dataset["projection"].values.tolist() == ["pre_to_post.pre0", "pre_to_post.pre1"]
    dataset.close()


def test_coordinates_name_their_key_and_unit(demo) -> None:
    dataset = demo.dataset
    assert dataset["amplitude"].attrs == {"long_name": "stimulus.amplitude", "units": "mV"}
    assert dataset["U_0"].attrs == {"long_name": "synapse.U_0", "units": "1"}
    assert dataset["neuron"].attrs == {"long_name": "neuron"}


def test_variables_say_what_they_are(demo) -> None:
    for name, what in STATISTICS.items():
        variable = demo.dataset[name]
        assert variable.dtype == what.dtype
        assert variable.attrs.get("units") == {"charge": "V s"}.get(
            what.units, None if what.words else what.units
        )
        assert variable.attrs["long_name"] == what.long_name
        assert variable.attrs["comment"].startswith(what.comment)
    assert demo.dataset["spike_count"].dtype.kind == "i"
    assert demo.dataset["firing_rate"].attrs["units"] == "Hz"
    regime = demo.dataset["regime"].attrs
    assert regime["flag_meanings"] == "silent single_spike tonic adapting bursting irregular"
    assert regime["flag_values"].tolist() == [0, 1, 2, 3, 4, 5]
    status = demo.dataset["status"]
    assert status.dtype == np.int8
    assert (status == shardfile.DONE).all()
    assert status.attrs["flag_values"].tolist() == [0, 1, 2, 3]
    assert status.attrs["flag_meanings"] == "done not_run failed diverged"


def test_global_attributes_say_where_it_comes_from(demo) -> None:
    attributes = demo.dataset.attrs
    assert attributes["Conventions"].startswith("CF-1.")
    assert attributes["title"] == "demo"
    assert attributes["izhi_version"] == izhi.__version__
    assert "Brian2" in attributes["source"]
    assert re.match(r"\d{4}-\d\d-\d\dT\S+ izhi run ", attributes["history"])
    for override in AXES:
        assert override in attributes["history"]
    config = json.loads(attributes["config"])
    assert [axis["key"] for axis in config["axes"]] == [
        "neuron", "synapse.U_0", "stimulus.amplitude",
    ]  # fmt: skip
    assert config["axes"][2] == {
        "key": "stimulus.amplitude", "name": "amplitude", "unit": "mV", "values": [4, 10],
        "kind": "quantity", "dimension": [2, 1, -3, -1, 0],
    }  # fmt: skip
    assert config["configs"][0]["simulation.duration"] == "50 ms"


def test_statistics_agree_with_the_spikes(demo) -> None:
    for neuron in ("chattering", "resonator"):
        for u_0 in (0.2, 0.8):
            for cell in ("pre0", "post0"):
                point = {"neuron": neuron, "U_0": u_0, "amplitude": 10}
                times = demo.spike_times(cell, **point)
                here = demo.dataset.sel(cell=cell, **point)
                assert here["spike_count"] == times.size
                assert here["firing_rate"] == pytest.approx(times.size / 0.05)
                if times.size:
                    latency = times[times >= 0.02][0] - 0.02
                    assert here["first_spike_latency"] == pytest.approx(latency, abs=1e-12)
                if times.size > 1:
                    assert here["isi_mean"] == pytest.approx(np.diff(times).mean())
    assert demo.dataset["spike_count"].sum() > 50


# ---------------------------------------------------------------- spikes


def test_spikes_are_a_contiguous_ragged_array(demo) -> None:
    raw = xr.open_dataset(demo.path / "dataset.nc", group="spikes", decode_cf=False)
    assert raw["spike_count"].attrs["sample_dimension"] == "spike"
    assert raw["spike_count"].dims == ("train",)
    assert raw["spike_time"].dims == ("spike",)
    assert raw["spike_time"].attrs["units"] == "s"
    assert raw["spike_time"].dtype == np.int32 and raw["spike_time"].attrs["scale_factor"] == 1e-4
    assert raw["spike_count"].sum() == raw.sizes["spike"]
    assert raw.sizes["train"] == 12 * 3
    raw.close()
    counts = demo.spikes["spike_count"].values.reshape(2, 3, 2, 3)
    assert np.array_equal(counts, demo.dataset["spike_count"].values)
    assert demo.spikes["point"].values.tolist() == [p for p in range(12) for _ in range(3)]
    assert demo.spikes["cell"].values.tolist() == ["pre0", "pre1", "post0"] * 12


def test_trains_are_in_order_and_in_the_run(demo) -> None:
    times = demo.spikes["spike_time"].values
    assert times.dtype == np.float64
    assert ((times >= 0) & (times < 0.05)).all()
    ends = np.cumsum(demo.spikes["spike_count"].values)
    inside = np.ones(times.size - 1, bool)
    inside[ends[(ends > 0) & (ends < times.size)] - 1] = False
    assert (np.diff(times)[inside] > 0).all()


@pytest.mark.parametrize(
    "point",
    [
        {"neuron": "resonator", "U_0": 0.8, "amplitude": 10},
        {"neuron": "resonator", "U_0": "0.8", "amplitude": "10 mV"},
        {"amplitude": "0.01 V", "U_0": np.float64(0.8), "neuron": np.str_("resonator")},
        {"neuron": "resonator", "U_0": 0.1 + 0.7, "amplitude": "10000*uV"},
    ],
)
def test_spike_times_are_found_by_label(demo, point) -> None:
    times = demo.spike_times("pre1", **point)
    assert times.dtype == np.float64 and times.size > 0
    train = (np.ravel_multi_index((1, 2, 1), (2, 3, 2))) * 3 + 1
    spikes = demo.spikes
    first = int(spikes["spike_count"].values[:train].sum())
    count = int(spikes["spike_count"].values[train])
    assert np.array_equal(times, spikes["spike_time"].values[first : first + count])


@pytest.mark.parametrize(
    ("cell", "point", "message"),
    [
        ("post", {}, r"^cell = post: no such cell; did you mean post0\?$"),
        ("pre0", {"neuron": "resonator", "U_0": 0.2}, r"^amplitude: say which of its 2 "),
        ("pre0", {"amplitud": 4}, r"^amplitud: no such axis; did you mean amplitude\?$"),
        ("pre0", {"tau_f": 4}, r"^tau_f: no such axis; there are U_0, amplitude, neuron$"),
        ("pre0", {"neuron": "reson"}, r"^neuron = reson: not on the axis; did you mean reson"),
        ("pre0", {"neuron": "chattering", "U_0": 0.3}, r"^U_0 = 0\.3: not on the axis"),
        ("pre0", {"neuron": "chattering", "U_0": 0.2, "amplitude": "4 ms"},
         r"^amplitude = 4 ms: 4 ms is not a voltage$"),
        ("pre0", {"neuron": "chattering", "U_0": 0.2, "amplitude": "4 mv"},
         r"^amplitude = 4 mv: 'mv' is no unit; did you mean mV\?$"),
    ],
)  # fmt: skip
def test_what_is_not_in_the_study_is_an_error(demo, cell, point, message) -> None:
    with pytest.raises(StudyError, match=message):
        demo.spike_times(cell, **point)


def test_axes_with_dots_are_selected_with_underscores_and_single_values_left_out(tmp_path) -> None:
    study = run(
        tmp_path, "dots", "neuron=chattering,resonator", "neuron@post.neuron=fast_spiking",
        "neuron.a=0.02,0.1", "post.neuron.a=0.05,0.1", "stimulus.amplitude=choice(10)",
    )  # fmt: skip
    assert study.axes == ["neuron", "neuron.a", "post.neuron.a", "amplitude"]
    times = study.spike_times("pre0", neuron="resonator", neuron_a=0.1, post_neuron_a="50 Hz")
    assert times.size > 0
    with pytest.raises(StudyError, match=r"^post\.neuron\.a: say which of its 2 values is meant$"):
        study.spike_times("pre0", neuron="resonator", neuron_a=0.1)


def test_without_spikes_there_is_no_group_and_the_statistics_stay(demo, tmp_path) -> None:
    study = run(tmp_path, "statistics", *AXES, "record.spikes=false")
    assert study.dataset.drop_attrs(deep=False).identical(demo.dataset.drop_attrs(deep=False))
    message = r"statistics: no spikes in this study; run with record\.spikes=true to keep them$"
    with pytest.raises(StudyError, match=message):
        study.spike_times("pre0", neuron="chattering", U_0=0.2, amplitude=4)
    with pytest.raises(StudyError, match=message):
        _ = study.spikes
    with pytest.raises(OSError):
        xr.open_dataset(study.path / "dataset.nc", group="spikes")


def test_structures_with_different_steps_keep_their_own_times(tmp_path) -> None:
    study = run(
        tmp_path, "steps", "circuit=single", "simulation.dt='0.1 ms','0.03 ms'",
        "stimulus.amplitude=10,20", "run.engine=numpy",
    )  # fmt: skip
    raw = xr.open_dataset(study.path / "dataset.nc", group="spikes", decode_cf=False)
    assert raw["spike_time"].dtype == np.float64
    assert "scale_factor" not in raw["spike_time"].attrs
    raw.close()
    assert study.dataset["dt"].attrs["units"] == "ms"
    for dt in (0.1, 0.03):
        times = study.spike_times("cell0", dt=dt, amplitude=20)
        assert times.size > 2
        steps = times / (dt * 1e-3)
        assert steps == pytest.approx(np.rint(steps), abs=1e-6)
    alone = run(tmp_path, "alone", "circuit=single", "simulation.dt='0.03 ms'",
                "stimulus.amplitude=20", "run.engine=numpy")  # fmt: skip
    assert np.array_equal(alone.spike_times("cell0"), times)


# ---------------------------------------------------------------- circuits


def test_cells_that_a_circuit_does_not_have_are_left_blank(tmp_path) -> None:
    study = run(tmp_path, "circuits", "circuit=single,two_to_one", "stimulus.amplitude=4,10")
    dataset = study.dataset
    assert dataset["cell"].values.tolist() == ["cell0", "pre0", "pre1", "post0"]
    assert (dataset["status"] == 0).all()
    absent = dataset.sel(circuit="single", cell=["pre0", "pre1", "post0"])
    assert (absent["spike_count"] == -1).all() and (absent["burst_count"] == -1).all()
    assert absent["firing_rate"].isnull().all()
    assert (dataset["spike_count"].sel(circuit="two_to_one", cell="cell0") == -1).all()
    assert (dataset["spike_count"].sel(circuit="single", cell="cell0") >= 0).all()
    table = study.summary()
    assert len(table) == 2 * 1 + 2 * 3
    assert table.loc[("single",)].index.get_level_values("cell").unique().tolist() == ["cell0"]
    cell, pre = (study.spike_times(name, circuit=circuit, amplitude=10)
                 for name, circuit in (("cell0", "single"), ("pre0", "two_to_one")))  # fmt: skip
    assert cell.size > 0 and np.array_equal(cell, pre)
    assert study.spike_times("pre0", circuit="single", amplitude=10).size == 0


# ---------------------------------------------------------------- traces


def brian2_traces(amplitude: float, interval: float) -> dict[str, np.ndarray]:
    """Simulate one regular-spiking cell with nothing but Brian2."""
    import brian2 as b2

    before = b2.prefs.codegen.target
    b2.prefs.codegen.target = "numpy"
    try:
        cell = b2.NeuronGroup(
            1,
            """
            dv/dt = (0.04/mV*v**2 + 5*v + 140*mV - u + I)/ms : volt
            du/dt = (0.02/ms)*(0.2*v - u) : volt
            I = int(t >= 20*ms)*strength : volt
            strength : volt (constant)
            """,
            threshold="v > 30*mV", reset="v = -65*mV; u = u + 8*mV", method="euler",
            dt=0.1 * b2.ms,
        )  # fmt: skip
        cell.v, cell.u, cell.strength = -65 * b2.mV, -13 * b2.mV, amplitude * b2.mV
        monitor = b2.StateMonitor(cell, ["v", "u", "I"], record=True, dt=interval * b2.ms)
        b2.Network(cell, monitor).run(50 * b2.ms, namespace={"mV": b2.mV, "ms": b2.ms})
        return {
            "v": np.array(monitor.v_[0]), "u": np.array(monitor.u_[0]),
            "I": np.array(monitor.I_[0]), "t": np.array(monitor.t_),
        }  # fmt: skip
    finally:
        b2.prefs.codegen.target = before


@pytest.mark.parametrize("engine", ["numpy", "compiled"])
def test_traces_are_what_brian2_alone_records(tmp_path, engine) -> None:
    if engine == "compiled" and cache.compiler() is None:
        pytest.skip("there is no C++ compiler")
    study = run(
        tmp_path, "traces", "circuit=single", "stimulus.amplitude=10,4", "record.traces=all",
        "record.interval=0.5", f"run.engine={engine}",
    )  # fmt: skip
    assert events(study, "planned")[0]["engines"] == [engine]
    traces = study.traces
    assert dict(traces.sizes) == {"trace": 2, "cell": 1, "time": 100}
    assert traces["amplitude"].dims == ("trace",)
    assert traces["amplitude"].attrs["units"] == "mV"
    assert [traces[name].attrs["units"] for name in ("v", "u", "I", "time")] == ["V", "V", "V", "s"]
    for trace, amplitude in enumerate((10, 4)):
        expected = brian2_traces(amplitude, 0.5)
        ours = traces.isel(trace=trace, cell=0)
        assert ours["amplitude"] == amplitude
        assert ours["time"].values == pytest.approx(expected["t"], abs=1e-12)
        for name in ("v", "u", "I"):
            np.testing.assert_allclose(ours[name].values, expected[name], rtol=1e-9, atol=1e-15)
    assert (traces["I"].values == [[[0.0] * 40 + [a * 1e-3] * 60] for a in (10, 4)]).all()


@pytest.mark.skipif(cache.compiler() is None, reason="there is no C++ compiler")
def test_traces_of_both_engines_are_of_the_same_points_and_cells(tmp_path) -> None:
    numpy, compiled = (
        run(
            tmp_path, engine, "neuron=resonator,chattering", "stimulus.amplitude=10,4,7",
            "record.traces=all", "record.interval=0.5", "simulation.duration='60 ms'",
            f"run.engine={engine}",
        ).traces
        for engine in ("numpy", "compiled")
    )  # fmt: skip
    assert dict(compiled.sizes) == {"trace": 6, "cell": 3, "time": 120}
    for name in ("v", "u", "I"):  # which numpy's own exp may round otherwise
        np.testing.assert_allclose(compiled[name], numpy[name], rtol=0, atol=1e-12)
        assert len(np.unique(compiled[name].values[..., -1].round(9)[:, 2])) > 1


@pytest.mark.parametrize(
    ("chosen", "expected"),
    [
        ("all", [0, 1, 2, 3]),
        ("[3]", [3]),
        ("[2,0]", [0, 2]),
        ("{neuron: resonator}", [2, 3]),
        ("{stimulus.amplitude: 10 mV}", [1, 3]),
        ("{neuron: [chattering, resonator], amplitude: [4]}", [0, 2]),
    ],
)
def test_traces_are_recorded_for_the_points_that_are_chosen(tmp_path, chosen, expected) -> None:
    study = run(
        tmp_path, "chosen", "neuron=chattering,resonator", "stimulus.amplitude=4,10",
        f"record.traces={chosen}", "simulation.duration='25 ms'", "record.interval=1",
    ) if chosen in ("all", "[2,0]") else None  # fmt: skip
    overrides = ["neuron=chattering,resonator", "stimulus.amplitude=4,10",
                 f"record.traces={chosen}"]  # fmt: skip
    plan = izhi.plan(overrides)
    traced = [
        shard.points.tolist() for shard in plan.shards
        if plan.batches[shard.batch].structure.trace_interval is not None
    ]  # fmt: skip
    assert sorted(itertools.chain(*traced)) == expected
    if study is not None:
        assert study.traces["trace"].values.tolist() == expected
        assert dict(study.traces.sizes) == {"trace": len(expected), "cell": 3, "time": 25}
        names = study.traces["neuron"].values.tolist()
        assert names == [["chattering", "resonator"][p // 2] for p in expected]
        assert (study.dataset["status"] == 0).all()
        assert study.traces["v"].notnull().all()


@pytest.mark.parametrize(
    ("chosen", "message"),
    [
        ("[4]", r"^record\.traces = \[4\]: 4 is no point number; expected 0 to 3$"),
        ("some", r"^record\.traces = some: expected null, all, a list"),
        ("{neurons: chattering}", r"^record\.traces: no axis neurons; did you mean neuron\?$"),
        ("{amplitude: 5}", r"^record\.traces: amplitude = 5: not on the axis"),
    ],
)
def test_traces_of_points_that_are_not_there_are_an_error(chosen, message) -> None:
    with pytest.raises(ConfigError, match=message):
        izhi.plan(["neuron=chattering,resonator", "stimulus.amplitude=4,10",
                   f"record.traces={chosen}"])  # fmt: skip


def test_without_traces_a_study_says_how_to_get_them(demo) -> None:
    with pytest.raises(StudyError, match=r"demo: no traces in this study; choose points with "):
        _ = demo.traces


# ---------------------------------------------------------------- the summary


def test_the_summary_has_a_row_for_each_point_and_cell(demo) -> None:
    table = demo.summary()
    assert table.index.names == ["neuron", "U_0", "amplitude", "cell"]
    names = [name for name, what in STATISTICS.items() if what.per == "cell"]
    assert table.columns.tolist() == [*names, "status"]
    assert len(table) == 12 * 3
    row = table.loc[("resonator", 0.5, 10.0, "post0")]
    here = demo.dataset.sel(neuron="resonator", U_0=0.5, amplitude=10, cell="post0")
    assert row["regime"] == here["regime"].attrs["flag_meanings"].split()[int(here["regime"])]
    for name in set(names) - {"regime"}:
        assert row[name] == here[name] or (np.isnan(row[name]) and np.isnan(here[name]))
    means = table.groupby("neuron").firing_rate.describe()
    assert means["count"].tolist() == [18, 18]


def test_the_summary_is_stored_as_it_is(demo) -> None:
    stored = pd.read_csv(demo.path / "summary.csv", comment="#", index_col=[0, 1, 2, 3])
    table = demo.summary().astype({"regime": str})
    pd.testing.assert_frame_equal(
        stored, table, check_dtype=False, check_exact=True, check_index_type=False
    )


def test_one_point_has_cells_only(tmp_path) -> None:
    study = run(tmp_path, "one", "neuron=chattering")
    assert study.axes == []
    assert dict(study.dataset.sizes) == {"cell": 3, "projection": 2}
    assert study.dataset["status"].dims == () and study.dataset["status"] == 0
    table = study.summary()
    assert table.index.name == "cell" and table.index.tolist() == ["pre0", "pre1", "post0"]
    stored = pd.read_csv(study.path / "summary.csv", comment="#", index_col="cell")
    pd.testing.assert_frame_equal(
        stored, table.astype({"regime": str}), check_dtype=False, check_index_type=False
    )
    assert study.spike_times("pre0").size == table.loc["pre0", "spike_count"] > 0


# ---------------------------------------------------------------- the folder


def test_the_config_and_log_are_on_disk(demo) -> None:
    assert names(demo.path) == [
        "dataset.nc", "log.jsonl", "shards", "study.yaml", "summary.csv",
    ]  # fmt: skip
    told = yaml.safe_load((demo.path / "study.yaml").read_text(encoding="utf-8"))
    assert told["schema"] == 5
    assert [axis["values"] for axis in told["axes"]] == [
        ["chattering", "resonator"], [0.2, 0.5, 0.8], [4, 10],
    ]  # fmt: skip
    assert set(AXES) <= set(told["overrides"])
    assert told["choices"]["circuit"] == "two_to_one"
    assert [config["neuron.c"] for config in told["configs"]] == ["-50 mV", "-65 mV"]
    log = demo.log
    assert [event["event"] for event in log if event["event"] != "built"] == [
        "started", "planned", *["shard_done"] * 3, "gathered",
    ]  # fmt: skip
    planned = log[1]
    assert planned["points"] == 12 and planned["engines"] == [ENGINE]
    assert {key: planned[key] for key in told} == told  # enough to run it again
    assert sum(event["points"] for event in events(demo, "shard_done")) == 12
    assert (
        sum(event["spikes"] for event in events(demo, "shard_done")) == demo.spikes.sizes["spike"]
    )
    files = {path.name for path in (demo.path / "shards").iterdir()}
    assert files == {event["shard"] for event in events(demo, "shard_done")}
    assert log[-1]["failed"] == 0


def test_a_line_of_the_log_that_was_cut_off_is_left_out(copy) -> None:
    with open(copy.folder.log, "a") as file:
        file.write('{"time": "2026-01-01T0')
    assert [event["event"] for event in copy.log][-1] == "gathered"


def test_opening_what_is_no_study_is_an_error(demo, tmp_path) -> None:
    with pytest.raises(StudyError, match=r"nothing: no such folder$"):
        izhi.open_study(tmp_path / "nothing")
    (tmp_path / "alone" / "empty").mkdir(parents=True)  # beside what tests leave are studies
    with pytest.raises(StudyError, match=r"empty: no dataset\.nc in it$"):
        izhi.open_study(tmp_path / "alone" / "empty")
    with pytest.raises(StudyError, match=r"demos: no such folder; did you mean demo\?$"):
        izhi.open_study(demo.path.parent / "demos")
    below = shutil.copytree(demo.path, tmp_path / "studies" / "demo")
    with pytest.raises(StudyError, match=rf"; did you mean {re.escape(str(below))}\?$"):
        izhi.open_study(tmp_path / "demo")


def test_a_study_opens_again_after_it_was_closed(copy) -> None:
    before = copy.spike_times("pre0", neuron="chattering", U_0=0.2, amplitude=10)
    assert "neuron: 2" in repr(copy) and str(copy.path) in repr(copy)
    copy.close()
    again = copy.spike_times("pre0", neuron="chattering", U_0=0.2, amplitude=10)
    assert np.array_equal(before, again)
    copy.close()
    shutil.rmtree(copy.path)


def test_studies_that_are_open_are_opened_and_compared_again_and_again(demo, copy) -> None:
    with contextlib.closing(izhi.open_study(copy.path)) as first:
        before = first.dataset["firing_rate"].values
        for _ in range(2):
            assert compare.compare(demo.path, copy.path).same_results
            with contextlib.closing(izhi.open_study(copy.path)) as again:
                assert np.array_equal(again.dataset["firing_rate"].values, before)
        assert first.spikes["spike_time"].size == demo.spikes["spike_time"].size > 0


@pytest.mark.parametrize("name", ["two words", "größe-αβ", "a+b=1,2@3.4", "2026", "it_s"])
def test_names_of_studies_may_have_spaces_and_letters_of_any_language(tmp_path, name) -> None:
    study = run(tmp_path / "some folder", name, "circuit=single", "simulation.duration='25 ms'")
    assert study.path == tmp_path / "some folder" / name
    assert study.dataset.attrs["title"] == name
    assert izhi.open_study(study.path).summary().equals(study.summary())


@pytest.mark.parametrize("name", ["a/b", "..", ".hidden", " a", "a ", "a\nb", "a:b", "x" * 300])
def test_names_that_are_no_folder_names_are_an_error(tmp_path, name) -> None:
    with pytest.raises(ConfigError, match=r"^study\.name = .*: expected a plain name of letters"):
        run(tmp_path, name)
    assert list(tmp_path.iterdir()) == []


def test_files_are_written_whole_or_not_at_all(tmp_path) -> None:
    path = tmp_path / "a.txt"

    def fail(to: Path) -> None:
        to.write_text("half of")
        raise OSError("no space left on device")

    with pytest.raises(OSError, match="no space left"):
        folders.write_atomic(path, fail)
    assert list(tmp_path.iterdir()) == []
    folders.write_atomic(path, lambda to: to.write_text("whole"))
    with pytest.raises(OSError, match="no space left"):
        folders.write_atomic(path, fail)
    assert [p.name for p in tmp_path.iterdir()] == ["a.txt"]
    assert path.read_text() == "whole"
    (tmp_path / "b").touch()
    assert path.stat().st_mode == (tmp_path / "b").stat().st_mode


def test_a_dataset_that_cannot_be_written_leaves_no_file_behind(tmp_path, monkeypatch) -> None:
    def fail(path, *_):
        Path(path).write_bytes(b"half")
        raise OSError("no space left on device")

    monkeypatch.setattr(dataset, "write", fail)
    with pytest.raises(
        StorageError, match=r"full: .* free on the disk, and gathering failed: no s"
    ):
        run(tmp_path, "full", "circuit=single")
    assert names(tmp_path / "full") == ["log.jsonl", "shards", "study.yaml"]
    monkeypatch.undo()
    assert (run(tmp_path, "full", "circuit=single").dataset["status"] == 0).all()


# ---------------------------------------------------------------- going on with a study


def again(copy: izhi.Study, *overrides: str) -> izhi.Study:
    copy.close()
    return run(copy.path.parent, "demo", *AXES, "run.shard_points=5", *overrides)


def contents(folder: Path) -> dict[str, tuple[int, bytes]]:
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    return {str(p): (p.stat().st_mtime_ns, p.read_bytes()) for p in files}


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:700])


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[-100] ^= 1
    path.write_bytes(data)


def swap(path: Path) -> None:
    other = sorted(path.parent.iterdir())[2]
    path.write_bytes(other.read_bytes())


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (Path.unlink, "it is not there"),
        (cut, "its SHA-256 is not the logged one"),
        (lambda path: path.write_bytes(b""), "its SHA-256 is not the logged one"),
        (flip, "its SHA-256 is not the logged one"),
        (swap, "its SHA-256 is not the logged one"),
    ],
    ids=["missing", "truncated", "empty", "flipped", "swapped"],
)
def test_only_what_is_missing_is_run_again(
    demo, copy, damage: Callable[[Path], object], reason: str
) -> None:
    shards = sorted((copy.path / "shards").iterdir())
    kept = contents(shards[0].parent)
    before = len(events(copy, "shard_done"))
    damage(shards[1])
    study = again(copy)
    assert same_results(study, demo)
    done = events(study, "shard_done")[3:]
    assert [event["shard"] for event in done] == [shards[1].name]
    after = contents(shards[0].parent)
    for path in (shards[0], shards[2]):
        assert after[str(path)] == kept[str(path)]
    assert events(study, "resumed")[0]["done"] == 12 - events(study, "shard_done")[1]["points"]
    assert before == 3
    (damaged,) = events(study, "damaged")
    assert damaged["shard"] == shards[1].name
    assert damaged["reason"] == reason


def test_what_a_killed_run_left_unfinished_is_removed(demo, copy) -> None:
    whole = set(contents(copy.path))
    (copy.path / "shards" / ".0a1b2c-0123abcd-000000005-5-ab12c9ef.tmp").write_bytes(
        b"half a shard"
    )
    (copy.path / ".dataset-ab12c9ef.tmp").write_bytes(b"half a dataset")
    (copy.path / ".summary-ab12c9ef").mkdir()
    (copy.path / ".summary-ab12c9ef" / "0").write_text("a part of the table")
    study = again(copy)
    assert set(contents(study.path)) == whole
    assert same_results(study, demo)


def test_a_gathering_that_is_interrupted_is_done_again(demo, copy, monkeypatch, recwarn) -> None:
    def interrupt(*_):
        raise KeyboardInterrupt

    (copy.path / "dataset.nc").unlink()
    (copy.path / "summary.csv").unlink()
    whole = set(contents(copy.path))
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt, match="name=demo"):
        patch.setattr(gather, "_join", interrupt)
        again(copy, "run.n_jobs=2")
    assert set(contents(copy.path)) == whole
    assert copy.log[-1]["event"] == "interrupted"
    assert not [warning for warning in recwarn if "joblib" in warning.filename]
    assert same_results(again(copy), demo)


def test_a_study_that_is_whole_is_not_run_again(demo, copy) -> None:
    shards = contents(copy.path / "shards")
    study = again(copy)
    assert same_results(study, demo)
    assert contents(copy.path / "shards") == shards
    assert len(events(study, "shard_done")) == 3


def test_how_a_study_is_run_may_change_while_going_on(demo, copy) -> None:
    shards = sorted((copy.path / "shards").iterdir())
    for path in shards[:2]:
        path.unlink()
    study = again(copy, "run.shard_points=3", "run.backend=sequential")
    assert same_results(study, demo)
    points = [event["points"] for event in events(study, "shard_done")[3:]]
    assert sum(points) == 10 and max(points) <= 3


def test_shards_of_another_study_are_not_taken(demo, copy) -> None:
    shards = sorted((copy.path / "shards").iterdir())
    data = shardfile.read(shards[0])
    shardfile.write(shards[0], data, "another study's fingerprint")
    study = again(copy)
    assert same_results(study, demo)
    assert [event["shard"] for event in events(study, "shard_done")[3:]] == [shards[0].name]
    copy.folder.log.unlink()  # nor those that no log knows, unless they say what they are of
    shardfile.write(shards[0], data, "another study's fingerprint")
    study = again(copy)
    assert same_results(study, demo)
    assert [event["reason"] for event in events(study, "damaged")] == ["it is of another study"]
    assert [event.get("adopted", False) for event in events(study, "shard_done")] == [
        True, True, False,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("overrides", "difference"),
    [
        (["neuron=chattering,resonator", "synapse.U_0=0.2,0.5", "stimulus.amplitude=4,10"],
         r"\(synapse\.U_0: 0\.2, 0\.5, 0\.8 there, 0\.2, 0\.5 here, without 0\.8\)$"),
        (["neuron=chattering,resonator", "synapse.U_0=0.2,0.5,0.8"],
         r"\(stimulus\.amplitude: 4, 10 mV there, not swept here\)$"),
        ([*AXES, "synapse.tau_f='200 ms'"], r"\(synapse\.tau_f: 300 ms there, 200 ms here\)$"),
        ([*AXES, "simulation.dt='0.05 ms'"], r"\(simulation\.dt: 0\.1 ms there, 0\.05 ms here\)$"),
        ([*AXES, "record.spikes=false"], r"\(record\.spikes: true there, false here\)$"),
    ],
)  # fmt: skip
def test_another_sweep_under_the_same_name_is_refused(copy, overrides, difference) -> None:
    copy.close()
    before = contents(copy.path)
    message = r"^study\.name = demo: .*demo holds another study; choose another name, or remove "
    with pytest.raises(StudyError, match=message) as caught:
        run(copy.path.parent, "demo", *overrides)
    assert re.search(difference, str(caught.value))
    assert contents(copy.path) == before


def test_a_folder_with_other_files_is_refused(tmp_path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").write_text("")
    with pytest.raises(StudyError, match=r"mine holds files that are no study; choose another"):
        run(tmp_path, "mine")
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["thesis.tex"]


@pytest.mark.parametrize(
    "at", ["yaml.dump", "os.replace", "folders.remove_unfinished", "log.Writer.append"]
)
@pytest.mark.parametrize("killed", [False, True], ids=["interrupted", "killed"])
def test_a_study_that_is_stopped_at_its_very_beginning_is_begun_again(
    demo, tmp_path, monkeypatch, at, killed
) -> None:
    def stop(*_, **__):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(f"izhi.study.{'folder' if at == 'os.replace' else 'resume'}.{at}", stop)
        if killed:  # nothing is cleaned up
            patch.setattr(Path, "unlink", lambda *_, **__: None)
        run(tmp_path, "demo", *AXES, "run.shard_points=5")
    study = run(tmp_path, "demo", *AXES, "run.shard_points=5")
    assert same_results(study, demo)
    assert {path.name for path in study.path.iterdir()} == {
        path.name for path in demo.path.iterdir()
    }


@pytest.mark.parametrize("damage", ["", "{", "schema: 1", "schema: 3", "- 1", None])
def test_a_study_yaml_that_is_damaged_is_written_again_from_the_log(demo, copy, damage) -> None:
    path = copy.path / "study.yaml"
    path.unlink() if damage is None else path.write_text(damage)
    study = again(copy)
    assert same_results(study, demo)
    assert path.read_bytes() == (demo.path / "study.yaml").read_bytes()
    assert len(events(study, "shard_done")) == 3


def test_a_study_yaml_that_was_changed_is_refused_where_the_log_cannot_help(copy) -> None:
    path = copy.path / "study.yaml"
    path.write_text(path.read_text().replace("300 ms", "200 ms"))
    copy.folder.log.unlink()
    with pytest.raises(StudyError, match=r"study\.yaml: changed after it was written \(its finger"):
        again(copy)


# ---------------------------------------------------------------- inside of other programs


def test_a_running_hydra_application_is_left_as_it_was(tmp_path) -> None:
    with initialize_config_dir(str(conf_folder()), job_name="mine", version_base="1.2"):
        running = GlobalHydra.instance().hydra
        izhi.plan(["neuron=chattering,resonator"])
        with pytest.raises(ConfigError):
            izhi.plan(["neuron=chatering"])
        run(tmp_path, "inside", "circuit=single", "simulation.duration='25 ms'")
        assert GlobalHydra.instance().hydra is running
        assert compose("config", ["neuron=resonator"]).neuron.b == 0.26
    assert not GlobalHydra.instance().is_initialized()


def test_a_study_runs_from_another_folder_without_leaving_anything_there(
    tmp_path, monkeypatch
) -> None:
    (tmp_path / "cwd").mkdir()
    monkeypatch.chdir(tmp_path / "cwd")
    run(tmp_path / "out", "s", "circuit=single", "simulation.duration='25 ms'")
    assert list((tmp_path / "cwd").iterdir()) == []
    monkeypatch.undo()


def test_settings_given_as_arguments_are_taken_as_they_are(tmp_path) -> None:
    study = izhi.run(
        "circuit=single", name="its, unquoted", n_jobs=1, dir=tmp_path / "a'b",
        progress=False,
    )  # fmt: skip
    assert study.path == tmp_path / "a'b" / "its, unquoted"
    assert study.dataset["status"] == 0
