"""Spike trains for Neo and Elephant, NWB files, Parquet: what others read is what the study has."""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import elephant.conversion
import elephant.spike_train_correlation
import elephant.statistics
import neo
import numpy as np
import pandas as pd
import pyarrow.parquet
import pynwb
import pytest
import quantities as pq

import izhi
from izhi.engine import cache
from izhi.errors import EngineError, StudyError
from izhi.export import export, nwb, parquet
from izhi.spikes import Trains, spike_time_tiling
from izhi.study import neo as for_neo
from izhi.study import worker

# What is handed over does not depend on the engine; a program starts faster than Brian2.
ENGINE = "compiled" if cache.compiler() else "numpy"
SHORT = [f"run.engine={ENGINE}", "run.n_jobs=1"]
GRIDS = ["simulation.duration='60 ms','80 ms'", "simulation.dt='0.1 ms','0.05 ms'"]
KINDS = {
    "swept": ["neuron=chattering,fast_spiking", "synapse.U_0=0.1,0.7", "stimulus.amplitude=3,12",
              "simulation.duration='100 ms'"],
    "grids": [*GRIDS, "stimulus.amplitude=12", "record.traces=all"],
    "failed": ["stimulus.amplitude=3,10,12", "circuit=single,two_to_one", "record.traces=all",
               "run.shard_points=1", "simulation.duration='60 ms'"],
    "quiet": ["stimulus.amplitude=0,1", "simulation.duration='60 ms'"],
    "silent": ["stimulus.amplitude=0,10", "simulation.duration='60 ms'", "record.spikes=false"],
    "point": ["simulation.duration='200 ms'"],
    "single": ["circuit=single", "simulation.duration='60 ms'"],
}  # fmt: skip
WITH_SPIKES = [name for name in KINDS if name not in ("silent", "single")]
FAILED = {1, 4}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder of studies, one of each kind; in one of them some points failed."""
    folder = tmp_path_factory.mktemp("studies")
    simulate = worker.simulate

    def fail(task: Any, *rest: Any) -> Any:
        if FAILED & set(task.points.tolist()):
            raise EngineError("it burns")
        return simulate(task, *rest)

    for name, overrides in KINDS.items():
        with pytest.MonkeyPatch.context() as patch:
            if name == "failed":
                patch.setattr(worker, "simulate", fail)
            izhi.run([*SHORT, *overrides], name=name, dir=folder, progress=False).close()
    return folder


@pytest.fixture
def opened(folder: Path) -> Iterator[Callable[[str], izhi.Study]]:
    """Give a function that opens one of the studies; tests only read them."""
    studies: list[izhi.Study] = []

    def opened(name: str) -> izhi.Study:
        studies.append(izhi.open_study(folder / name))
        return studies[-1]

    yield opened
    for study in studies:
        study.close()


@pytest.fixture(params=WITH_SPIKES)
def study(opened, request: pytest.FixtureRequest) -> izhi.Study:
    """Give each of the studies that kept spikes."""
    return opened(request.param)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Cut what is copied into many pieces, some of them within a train."""
    monkeypatch.setattr(for_neo, "_PIECE", 7)
    monkeypatch.setattr(nwb, "_CHUNK", 7)
    monkeypatch.setattr(parquet, "_ROWS", 7)


KNOWN: dict[Path, list[dict[str, Any]]] = {}


def expected(study: izhi.Study) -> list[dict[str, Any]]:
    """Return what is known of each train that has results, one by one, and its spike times."""
    if study.path not in KNOWN:
        KNOWN[study.path] = _expected(study)
    return KNOWN[study.path]


def _expected(study: izhi.Study) -> list[dict[str, Any]]:
    dataset, config = study.dataset, json.loads(study.dataset.attrs["config"])["configs"][0]

    def seconds(key: str, place: dict[str, Any]) -> float:
        told = config.get(f"simulation.{key}", "")
        number, _, unit = told.partition(" ")
        value = place.get(key, float(number or "nan"))
        unit = dataset[key].attrs["units"] if key in dataset else unit
        return {"s": value, "ms": value * 0.001}[unit]

    rows = []
    labels = [dataset[name].values.tolist() for name in study.axes]
    for point, values in enumerate(itertools.product(*labels)):
        place = dict(zip(study.axes, values, strict=True))
        here = dataset.sel(place)
        for cell in dataset["cell"].values.tolist():
            if here["status"] == 2 or here["spike_count"].sel(cell=cell) < 0:
                continue
            rows.append(
                {
                    **place, "cell": cell, "population": cell.rstrip("0123456789"),
                    "point": point, "status": "done", "duration_s": seconds("duration", place),
                    "dt_s": seconds("dt", place), "times": study.spike_times(cell, **place),
                    **{name: here[name].sel(cell=cell).item()
                       for name in ("firing_rate", "isi_mean", "isi_cv", "cv2", "lv")},
                }
            )  # fmt: skip
    return rows


# ---------------------------------------------------------------- Neo and Elephant


def test_every_train_is_there_with_its_times_and_what_it_is(study, small) -> None:
    trains, known = study.to_neo(), expected(study)
    assert len(trains) == len(known) > 0
    for train, row in zip(trains, known, strict=True):
        assert isinstance(train, neo.SpikeTrain)
        assert train.units == train.t_start.units == train.t_stop.units == pq.s
        assert train.dtype == np.float64
        assert train.magnitude.tobytes() == row["times"].tobytes()
        assert (train.t_start.item(), train.t_stop.item()) == (0.0, row["duration_s"])
        assert train.sampling_rate == 1 / row["dt_s"] * pq.Hz
        for name in (*study.axes, "cell", "population", "point", "status"):
            assert train.annotations[name] == row[name]
            assert type(train.annotations[name]) in (str, float, int)
        assert train.annotations["study"] == str(study.path)
        assert train.annotations["digest"] == study.log[-1]["digest"]
        assert train.file_origin == str(study.path / "dataset.nc")


def test_what_the_studies_are_of(opened) -> None:
    """The tests above and below say little if these are not among the trains."""
    grids, failed = expected(opened("grids")), expected(opened("failed"))
    assert {row["duration_s"] for row in grids} == {0.06, 0.08}
    assert {row["dt_s"] for row in grids} == {0.0001, 0.00005}
    assert {row["cell"] for row in failed} == {"cell0", "pre0", "pre1", "post0"}
    assert {row["point"] for row in failed} == set(range(6)) - FAILED
    assert len(failed) == 2 * (1 + 3)
    quiet = expected(opened("quiet"))
    assert not any(row["times"].size for row in quiet)


def test_a_train_is_named_by_its_place(opened) -> None:
    first, *_ = opened("swept").to_neo("post0", amplitude=12, U_0=0.7)
    assert first.name == "neuron=chattering, U_0=0.7, amplitude=12 mV, cell=post0"
    assert first.annotations["amplitude_units"] == "mV"
    assert "U_0_units" not in first.annotations and "neuron_units" not in first.annotations
    value = pq.Quantity(first.annotations["amplitude"], first.annotations["amplitude_units"])
    assert value == 0.012 * pq.V
    (train, *_) = opened("point").to_neo("pre1")
    assert train.name == "cell=pre1"


@pytest.mark.parametrize(
    ("cell", "point"),
    [
        ("post0", {"neuron": "chattering", "U_0": 0.1, "amplitude": "12 mV"}),
        (["post0", "pre0"], {"amplitude": [12, 3], "neuron": "fast_spiking"}),
        (("pre1",), {"U_0": np.array([0.7])}),
        (None, {"amplitude": ["0.003 V"]}),
        (["pre0", "pre0"], {"neuron": ("chattering", "chattering")}),
    ],
)
def test_trains_are_chosen_by_labels_in_the_order_of_the_study(opened, small, cell, point) -> None:
    study = opened("swept")

    def meant(name: str, value: Any) -> bool:
        given = point.get(name, [value])
        given = list(given) if isinstance(given, list | tuple | np.ndarray) else [given]
        return value in [{"12 mV": 12.0, "0.003 V": 3.0}.get(g, g) for g in given]

    rows = [
        row
        for row in expected(study)
        if all(meant(name, row[name]) for name in study.axes)
        and (cell is None or row["cell"] in cell)
    ]
    trains = study.to_neo(cell, **point)
    assert [t.annotations["point"] for t in trains] == [row["point"] for row in rows] != []
    assert [t.annotations["cell"] for t in trains] == [row["cell"] for row in rows]
    for train, row in zip(trains, rows, strict=True):
        assert np.array_equal(train.magnitude, row["times"])


@pytest.mark.parametrize(
    ("cell", "point", "told"),
    [
        ("post1", {}, "cell = post1: no such cell; did you mean post0?"),
        (["pre0", "prr1"], {}, "cell = prr1: no such cell; did you mean pre1?"),
        ([], {}, "cell = []: expected one value or more"),
        (None, {"neurn": "chattering"}, "neurn: no such axis; did you mean neuron?"),
        (None, {"neuron": ["chattering", "x"]}, "neuron = x: not on the axis"),
        (None, {"amplitude": "12 ms"}, "amplitude = 12 ms: 12 ms is not a voltage"),
        (None, {"amplitude": []}, "amplitude = []: expected one value or more"),
    ],
)
def test_what_cannot_be_chosen_is_an_error(opened, cell, point, told) -> None:
    with pytest.raises(StudyError) as error:
        opened("swept").to_neo(cell, **point)
    assert str(error.value).startswith(told)


def test_a_study_that_kept_no_spikes_has_no_trains(opened) -> None:
    with pytest.raises(StudyError, match=r"silent: no spikes in this study; run with record.spi"):
        opened("silent").to_neo()


def test_a_spike_never_lies_after_the_end(opened, monkeypatch) -> None:
    def rounded(*given: Any) -> Any:
        table = for_neo_table(*given)
        return replace(table, duration=np.full(table.duration.size, 0.03))

    for_neo_table = for_neo.train_table
    monkeypatch.setattr(for_neo, "train_table", rounded)
    trains = opened("swept").to_neo(amplitude=12)
    assert {t.t_stop.item() for t in trains} > {0.03}  # some have a spike later, some have none
    assert all(t.t_stop.item() == max([0.03, *t.magnitude]) for t in trains)


def test_a_cell_is_of_the_population_that_its_circuit_says(tmp_path) -> None:
    # x10 is the first cell of x1, not the eleventh of x
    more = [f"+circuit.populations.{name}={{count: 1, stimulated: true}}" for name in ("x1", "x")]
    counts = "circuit.populations.x.count=2,10"
    overrides = ["run.engine=numpy", "circuit=single", *more, counts, "simulation.duration='30 ms'"]
    with closing(izhi.run(overrides, name="s", dir=tmp_path, progress=False)) as study:
        for point, count in enumerate((2, 10)):
            trains = [t.annotations for t in study.to_neo(count=count)]
            found = {told["cell"]: told["population"] for told in trains}
            own = {f"x{n}": "x" for n in range(count)}
            assert found == {"cell0": "cell", "x10": "x1", **own}
            assert {told["point"] for told in trains} == {point}


def test_trains_can_be_changed_one_by_one(opened) -> None:
    first, second, *_ = opened("swept").to_neo("pre0", amplitude=12)
    before = second.magnitude.copy()
    first[:] = first + 1 * pq.ms
    first.annotations["cell"] = "mine"
    assert np.array_equal(second.magnitude, before)
    assert second.annotations["cell"] == "pre0"


def test_elephant_finds_what_the_study_has(study) -> None:
    several = 0
    for train, row in zip(study.to_neo(), expected(study), strict=True):
        rate = elephant.statistics.mean_firing_rate(train)
        assert rate.units == 1 / pq.s and rate.item() == row["firing_rate"]
        intervals = elephant.statistics.isi(train)
        assert np.array_equal(intervals.magnitude, np.diff(row["times"]))
        if train.size > 1:
            several += 1
            assert intervals.mean().item() == pytest.approx(row["isi_mean"], rel=1e-12)
            cv = elephant.statistics.cv(intervals)
            assert cv == pytest.approx(row["isi_cv"], rel=1e-12, abs=1e-12)
        if train.size > 2:
            assert elephant.statistics.cv2(intervals) == pytest.approx(row["cv2"], abs=1e-12)
            assert elephant.statistics.lv(intervals) == pytest.approx(row["lv"], abs=1e-12)
    assert several or study.path.name == "quiet"


def test_elephant_takes_the_trains_together(opened) -> None:
    study = opened("swept")
    trains = study.to_neo(amplitude=12)
    binned = elephant.conversion.BinnedSpikeTrain(trains, bin_size=0.1 * pq.ms)
    assert binned.shape == (len(trains), 1000)
    counts = study.dataset["spike_count"].sel(amplitude=12).values.ravel()
    assert np.array_equal(binned.get_num_of_spikes(axis=1), counts)
    one, same, post = study.to_neo(neuron="chattering", U_0=0.7, amplitude=12)
    tiling = elephant.spike_train_correlation.spike_time_tiling_coefficient
    assert np.array_equal(one.magnitude, same.magnitude) and post.size
    assert tiling(one, same) == 1.0
    pair = Trains(np.concatenate([one.magnitude, post.magnitude]), np.array([one.size, post.size]))
    (own,) = spike_time_tiling(pair, [0], [1], 0.0, 0.1, dt=0.001)
    assert tiling(one, post, dt=1 * pq.ms) == pytest.approx(own, rel=1e-9)
    assert 0 < abs(own) < 1


def test_neo_filters_by_the_annotations(opened) -> None:
    segment = neo.Segment()
    segment.spiketrains.extend(opened("swept").to_neo())
    wanted = [{"amplitude": 12}, {"cell": "post0"}, {"neuron": "chattering"}]
    found = segment.filter(wanted, objects=neo.SpikeTrain)
    assert [t.annotations["U_0"] for t in found] == [0.1, 0.7]


# ---------------------------------------------------------------- NWB


@pytest.fixture
def read(tmp_path: Path) -> Iterator[Callable[[izhi.Study], Any]]:
    """Give a function that writes a study as NWB, validates the file, and reads it."""
    files: list[Any] = []

    def read(study: izhi.Study) -> Any:
        path = export(study, "nwb", tmp_path / "study.nwb")
        assert pynwb.validate(path=str(path)) == []
        files.append(pynwb.NWBHDF5IO(str(path), "r"))
        return files[-1].read()

    yield read
    for file in files:
        file.close()


def test_nwb_has_every_train_as_a_row(study, small, read) -> None:
    units = read(study).units
    known = expected(study)
    columns = (*study.axes, "cell", "population", "point", "status")
    assert units.colnames[: len(columns) + 2] == ("spike_times", "obs_intervals", *columns)
    assert len(units) == len(known)
    table = units.to_dataframe()
    for (_, found), row in zip(table.iterrows(), known, strict=True):
        assert np.asarray(found["spike_times"], float).tobytes() == row["times"].tobytes()
        assert np.asarray(found["obs_intervals"]).tolist() == [[0.0, row["duration_s"]]]
        assert {name: found[name] for name in columns} == {name: row[name] for name in columns}
    steps = {row["dt_s"] for row in known}
    assert units.resolution == (steps.pop() if len(steps) == 1 else None)


def test_nwb_tells_units_and_that_it_is_simulated(opened, read) -> None:
    study = opened("swept")
    file = read(study)
    assert file.units["amplitude"].description == "swept: stimulus.amplitude in mV"
    assert file.units["U_0"].description == "swept: synapse.U_0"
    assert file.units["neuron"].description == "swept: neuron"
    assert file.identifier == study.log[-1]["digest"]
    assert file.session_start_time == datetime.fromisoformat(study.log[0]["time"])
    assert file.session_start_time.tzinfo is not None
    assert file.session_description == (
        f"Spiking neurons, simulated with izhi {izhi.__version__}: 8 points of 3 cells, swept over "
        "neuron, synapse.U_0, stimulus.amplitude."
    )
    assert file.experiment_description.startswith("Simulated data: no animal, no recording.")
    assert "brian2 " in file.experiment_description
    assert json.loads(file.notes) == json.loads(study.dataset.attrs["config"])
    assert file.source_script.startswith(f"izhi run -m run.engine={ENGINE}")
    for nobody in ("experimenter", "institution", "lab", "subject"):
        assert getattr(file, nobody) is None


def test_nwb_files_of_one_study_have_one_identifier(opened, tmp_path) -> None:
    paths = [export(opened("point"), "nwb", tmp_path / f"{n}.nwb") for n in range(2)]
    identifiers = set()
    for path in paths:
        with pynwb.NWBHDF5IO(str(path), "r") as file:
            identifiers.add(file.read().identifier)
    assert len(identifiers) == 1


@pytest.mark.parametrize("name", ["grids", "failed"])
def test_nwb_has_the_traces(opened, small, read, name) -> None:
    study = opened(name)
    file = read(study)
    table, traces = file.units.to_dataframe(), study.traces
    assert set(file.acquisition) == set(traces.data_vars) == {"v", "u", "I"}
    assert table["trace"].tolist() == list(range(len(expected(study))))
    for variable, series in file.acquisition.items():
        assert series.unit == "volts"
        assert 1 / series.rate == traces["time"].values[1]
        assert series.data.shape == (traces.sizes["time"], len(table))
        for _, row in table.iterrows():
            trace = traces[variable].isel(trace=traces["trace"].values == row["point"])
            samples = trace.sel(cell=row["cell"]).values.ravel()
            assert series.data[:, row["trace"]].tobytes() == samples.tobytes()
            assert np.isfinite(samples[0])


def test_nwb_says_which_trains_have_no_traces(tmp_path, read) -> None:
    overrides = [*SHORT, "stimulus.amplitude=3,10,12", "record.traces=[1]", *GRIDS[:1]]
    with closing(izhi.run(overrides, name="s", dir=tmp_path, progress=False)) as study:
        table = read(study).units.to_dataframe()
    assert table["trace"].tolist() == [-1, -1, -1, 0, 1, 2, *[-1] * 12]


def test_a_study_that_kept_no_spikes_is_no_nwb_file(opened, tmp_path) -> None:
    with pytest.raises(StudyError, match=r"silent: no spikes in this study; run with record.spi"):
        export(opened("silent"), "nwb", tmp_path / "s.nwb")
    assert list(tmp_path.iterdir()) == []


def test_the_validator_of_pynwb_passes_thousands_of_trains(tmp_path) -> None:
    overrides = [*SHORT, "stimulus.amplitude=range(1,100,0.03)", "simulation.duration='30 ms'"]
    with closing(izhi.run(overrides, name="s", dir=tmp_path, progress=False)) as study:
        path = export(study, "nwb")
        count = study.dataset["spike_count"].values.ravel()
        times = study.spikes["spike_time"].values
    program = Path(sys.executable).with_name("pynwb-validate")
    checked = subprocess.run([program, path], capture_output=True, text=True)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    with pynwb.NWBHDF5IO(str(path), "r") as file:
        units = file.read().units
        assert len(units) == 9900
        assert np.array_equal(units["spike_times"].target.data[:], times)
        assert np.array_equal(np.diff(units["spike_times"].data[:], prepend=0), count)


def test_the_validator_sees_what_is_wrong(opened, tmp_path) -> None:
    import h5py

    path = export(opened("swept"), "nwb", tmp_path / "study.nwb")
    with h5py.File(path, "a") as file:
        del file["session_start_time"]
    assert "session_start_time" in str(pynwb.validate(path=str(path)))


# ---------------------------------------------------------------- Parquet


@pytest.mark.parametrize(("per", "table"), [("cell", "summary"), ("projection", "projections")])
def test_parquet_has_the_summary(study, tmp_path, per, table) -> None:
    path = export(study, "parquet", tmp_path / "tables") / f"{table}.parquet"
    found, summary = pd.read_parquet(path), study.summary(per)
    assert list(found) == [*study.axes, per, *summary.columns]
    for name in (*study.axes, per):
        values = summary.index.get_level_values(name)
        assert found[name].tolist() == values.tolist()
        if values.dtype.kind not in "if":  # text
            labels = study.dataset[name].values.tolist()
            assert found[name].cat.categories.tolist() == labels
    for name in summary:
        assert found[name].dtype == summary[name].dtype
        if summary[name].dtype == "category":
            assert found[name].equals(summary[name].reset_index(drop=True))
        else:
            assert found[name].to_numpy().tobytes() == summary[name].to_numpy().tobytes()
    if per == "cell":
        assert "regime" in found


def test_parquet_has_every_spike_in_order_and_to_the_bit(study, tmp_path, small) -> None:
    path = export(study, "parquet", tmp_path / "tables") / "spikes.parquet"
    found, known = pd.read_parquet(path), expected(study)
    times = np.concatenate([row["times"] for row in known])
    assert list(found) == [*study.axes, "cell", "time"]
    assert found["time"].to_numpy().tobytes() == times.tobytes()
    for name in (*study.axes, "cell"):
        assert found[name].tolist() == [row[name] for row in known for _ in row["times"]]
    file = pyarrow.parquet.ParquetFile(path)
    assert file.read()["time"].to_numpy().tobytes() == times.tobytes()
    assert file.metadata.num_row_groups == max(1, -(-times.size // 7))  # memory is bounded


@pytest.mark.parametrize("name", ["grids", "failed"])
def test_parquet_has_every_sample_to_the_bit(opened, tmp_path, small, name) -> None:
    study = opened(name)
    path = export(study, "parquet", tmp_path / "tables") / "traces.parquet"
    found, traces = pd.read_parquet(path), study.traces
    assert list(found) == [*study.axes, "cell", "time", "v", "u", "I"]
    start, samples = 0, traces.sizes["time"]
    for row in expected(study):
        rows = found.iloc[start : start + samples]
        start += samples
        trace = traces.isel(trace=int(np.flatnonzero(traces["trace"] == row["point"])[0]))
        for name in ("v", "u", "I"):
            values = trace[name].sel(cell=row["cell"]).values
            assert rows[name].to_numpy().tobytes() == values.tobytes()
        assert np.array_equal(rows["time"], traces["time"])
        for name in (*study.axes, "cell"):
            assert (rows[name] == row[name]).all()
    assert start == len(found)


def test_which_tables_of_parquet_there_are(opened, tmp_path) -> None:
    for name, tables in (
        ("silent", {"summary", "projections"}),
        ("quiet", {"summary", "projections", "spikes"}),
        ("grids", {"summary", "projections", "spikes", "traces"}),
        ("single", {"summary", "spikes"}),
    ):  # fmt: skip
        path = export(opened(name), "parquet", tmp_path / name)
        assert {file.name for file in path.iterdir()} == {f"{t}.parquet" for t in tables}


def test_the_fields_of_parquet_tell_units(opened, tmp_path) -> None:
    path = export(opened("grids"), "parquet", tmp_path / "tables")

    def told(table: str, field: str) -> dict[bytes, bytes]:
        return pyarrow.parquet.read_schema(path / f"{table}.parquet").field(field).metadata

    assert told("summary", "firing_rate")[b"unit"] == b"Hz"
    assert told("summary", "firing_rate")[b"long_name"] == b"mean firing rate"
    assert told("summary", "status")[b"comment"] == b"0 done, 1 not_run, 2 failed, 3 diverged"
    assert told("spikes", "time")[b"unit"] == told("traces", "time")[b"unit"] == b"s"
    assert told("traces", "v")[b"unit"] == b"V"
    for table in ("summary", "spikes", "traces"):
        assert told(table, "dt")[b"unit"] == b"ms"
        assert b"unit" not in told(table, "cell")


# ---------------------------------------------------------------- what is not installed


@pytest.mark.parametrize(
    ("library", "call", "told"),
    [
        ("pynwb", "main(['export', sys.argv[1], '--to', 'nwb', '-o', 'out'])",
         "an NWB file is written with pynwb, which is not installed: pip install 'izhi[nwb]'"),
        ("pyarrow", "main(['export', sys.argv[1], '--to', 'parquet', '-o', 'out'])",
         "Parquet is written with pyarrow, which is not installed: pip install 'izhi[parquet]'"),
        ("neo", "str(catch(lambda: izhi.open_study(sys.argv[1]).to_neo()))",
         "trains for Neo are made with neo, which is not installed: pip install 'izhi[neo]'"),
    ],
)  # fmt: skip
def test_without_a_library_one_is_told_what_to_install(folder, tmp_path, library, call, told):
    code = f"""
import sys
sys.modules[{library!r}] = None
import izhi
from izhi.cli import main
from izhi.errors import IzhiError

def catch(call):
    try:
        call()
    except IzhiError as error:
        return f"error: {{error}}"

sys.exit({call})
"""
    done = subprocess.run(
        [sys.executable, "-c", code, folder / "point"], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode != 0
    assert done.stderr == f"error: {told}\n"
    assert done.stdout == ""
    assert list(tmp_path.iterdir()) == []


def test_the_program_writes_what_it_says(folder, tmp_path) -> None:
    for to, name in (("nwb", "a.nwb"), ("parquet", "tables")):
        command = ["export", folder / "point", "--to", to, "-o", tmp_path / name]
        done = subprocess.run(
            [sys.executable, "-m", "izhi", *command], capture_output=True, text=True, cwd=tmp_path
        )
        assert (done.returncode, done.stdout) == (0, f"{tmp_path / name}\n")
        assert done.stderr == ""


def test_the_libraries_of_others_are_loaded_only_when_they_are_needed() -> None:
    code = "import sys, izhi.study.study, izhi.export, izhi.commands; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"neo", "quantities", "pynwb", "hdmf", "h5py", "pyarrow"} & set(done.stdout.split())
