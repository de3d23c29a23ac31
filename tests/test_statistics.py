"""Statistics by config: what is asked for is computed, logged, and computed anew from spikes."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

import izhi
from izhi import cli
from izhi.config import keys
from izhi.engine import cache
from izhi.errors import ConfigError, StudyError
from izhi.spikes import DETECTORS, REGIMES, STATISTICS, Settings, Trains, summary_statistics
from izhi.study import overview, shardfile, statistics, window
from izhi.sweep import plan as plans

pytestmark = pytest.mark.usefixtures("quick_builds")

ENGINE = "compiled" if cache.compiler() else "numpy"  # a program starts faster than Brian2
SHORT = ["simulation.duration='250 ms'", f"run.engine={ENGINE}", "run.n_jobs=1",
         "run.shard_points=5"]  # fmt: skip
AXES = ["neuron=chattering,regular_spiking", "synapse.U_0=0.2,0.6", "stimulus.amplitude=6,8,10"]


def run(folder: Path, name: str, *overrides: str) -> izhi.Study:
    return izhi.run([*SHORT, *overrides], name=name, dir=folder, progress=False)


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> izhi.Study:
    """Give a study that tests only read."""
    return run(tmp_path_factory.mktemp("demo"), "demo", *AXES)


@pytest.fixture
def copy(demo: izhi.Study, tmp_path: Path) -> Path:
    shutil.copytree(demo.path, tmp_path / "demo")
    return tmp_path / "demo"


def digest(path: Path) -> str | None:
    return overview.overview(path).digest


def summarise(path: Path, *settings: str) -> int:
    return cli.main(["summarise", str(path), *settings])


# ---------------------------------------------------------------- what is asked for


def test_the_defaults_of_config_and_code_are_the_same() -> None:
    found = statistics.settings_of(izhi.plan().sweep)
    core = {"core_interval": 0.010}  # 100 ms, of the authors, is for cultures
    assert found == Settings(tuple(STATISTICS), **core)
    assert len(STATISTICS) == plans._ALL_STATISTICS  # by which a plan estimates the disk
    known = keys.key_of("statistics.detector")
    assert isinstance(known, keys.ChoiceKey) and known.options == DETECTORS


@pytest.mark.parametrize(
    ("overrides", "expected"),
    [
        (["statistics=basic"], {"measures": (
            "spike_count", "firing_rate", "first_spike_latency", "isi_mean", "isi_cv",
            "burst_count", "burst_rate", "spikes_per_burst")}),
        (["statistics=max_interval"], {"detector": "max_interval"}),
        (["statistics=log_isi", "statistics.void=0.5"], {"detector": "log_isi", "void": 0.5}),
        (["statistics=poisson_surprise"], {"detector": "poisson_surprise"}),
        (["statistics.measures=[lv,isi_cv]"], {"measures": ("spike_count", "isi_cv", "lv")}),
        (["statistics.max_interval=0.006 s"], {"max_interval": 0.006}),
        (["statistics.max_interval=6"], {"max_interval": 0.006}),
        (["statistics.start='100 ms'", "statistics.stop='0.2 s'"], {"start": 0.1, "stop": 0.2}),
    ],
)  # fmt: skip
def test_settings_are_values_of_the_config(overrides, expected) -> None:
    found = statistics.settings_of(izhi.plan(overrides).sweep)
    assert {name: getattr(found, name) for name in expected} == expected


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("statistics.measures=[firing_rat]",
         "statistics.measures = firing_rat: no such statistic; did you mean firing_rate?"),
        ("statistics.measures=[]",
         "statistics.measures = []: expected all, or a list such as [firing_rate, isi_cv]"),
        ("statistics.measures=[lv,lv]", "statistics.measures = lv: named twice"),
        ("statistics.measures=some",
         "statistics.measures = some: expected all, or a list such as [firing_rate, isi_cv]"),
        ("statistics.detector=poison_surprise",
         "statistics.detector = poison_surprise: no such choice; did you mean poisson_surprise?"),
        ("statistics.max_interval=10 mV",
         "statistics.max_interval = 10 mV: expected a time such as 10 ms, not a voltage"),
        ("statistics.max_interval=0 ms",
         "statistics.max_interval = 0 ms: an interval is greater than 0"),
        ("statistics.min_spikes=1", "statistics.min_spikes = 1: a burst has at least 2 spikes"),
        ("statistics.void=1.1", "statistics.void = 1.1: a void parameter lies in [0, 1]"),
        ("statistics.slowing=0.5", "statistics.slowing = 0.5: a ratio of intervals is at least 1"),
        ("statistics.end_interval=5 ms",
         "statistics.end_interval = 5 ms: a burst goes on with intervals at least as long as those "
         "that it begins with, statistics.begin_interval = 10 ms"),
        ("statistics.start=1 s", "statistics.start = 1 s: is not before the end of the simulation, "
         "simulation.duration = 1 s"),
        ("statistics.stop=0 ms", "statistics.stop = 0 ms: a window's stop is greater than 0"),
        ("statistics.maxinterval=1 ms",
         "statistics.maxinterval: no such key; did you mean statistics.max_interval?"),
        ("statistics=log_isy", "statistics = log_isy: no such statistics; did you mean log_isi?"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_before_anything_is_built(override, said) -> None:
    with pytest.raises(ConfigError) as caught:
        izhi.plan([override])
    assert str(caught.value) == said


def test_a_window_that_is_empty_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"^statistics\.start = 30 ms: is not before "
                                          r"statistics\.stop = 20 ms$"):  # fmt: skip
        izhi.plan(["statistics.start=30 ms", "statistics.stop=20 ms"])
    with pytest.raises(ConfigError, match=r"simulation\.duration = 0\.1 s$"):
        izhi.plan(["statistics.start='200 ms'", "simulation.duration='1 s','100 ms'"])


def test_statistics_are_not_swept() -> None:
    with pytest.raises(ConfigError, match=r"statistics\.max_interval"):
        izhi.plan(["statistics.max_interval='5 ms','6 ms'"])


# ---------------------------------------------------------------- what is computed


def trains_of(study: izhi.Study) -> tuple[Trains, tuple[int, ...]]:
    count = np.asarray(study.spikes["spike_count"].values, np.int64)
    shape = tuple(study.dataset.sizes[name] for name in [*study.axes, "cell"])
    return Trains(study.spikes["spike_time"].values, count), shape


def check(study: izhi.Study, settings: Settings) -> None:
    """Compare a dataset with the statistics of the spikes beside it."""
    trains, shape = trains_of(study)
    expected = summary_statistics(trains, settings, duration=0.25, onset=0.02)
    for name, values in expected.items():
        np.testing.assert_array_equal(study.dataset[name].values, values.reshape(shape), name)


def test_a_dataset_holds_the_statistics_of_its_spikes(demo) -> None:
    check(demo, Settings(tuple(STATISTICS), core_interval=0.01))


def test_the_synapses_of_a_dataset(demo) -> None:
    release = demo.dataset["release_mean"]
    assert release.dims == ("neuron", "U_0", "amplitude", "projection")
    assert (
        release.sel(projection="pre_to_post.pre0") == release.sel(projection="pre_to_post.pre1")
    ).all()
    assert demo.dataset["transmitted_charge"].attrs["units"] == "V s"
    for U_0 in (0.2, 0.6):
        time = demo.spike_times("pre0", neuron="chattering", U_0=U_0, amplitude=8)
        r, u, x, before = [], 0.0, 1.0, time[0]
        for t in time:
            u *= np.exp(-(t - before) / 0.3)
            x = 1 - (1 - x) * np.exp(-(t - before) / 0.5)
            u += U_0 * (1 - u)
            r.append(u * x)
            x, before = x - u * x, t
        here = demo.dataset.sel(neuron="chattering", U_0=U_0, amplitude=8,
                                projection="pre_to_post.pre0")  # fmt: skip
        assert float(here["release_mean"]) == pytest.approx(np.mean(r), rel=1e-9)
        assert float(here["transmitted_charge"]) == pytest.approx(np.sum(r) * 8e-3 * 5e-3, rel=1e-9)
        rate = demo.dataset["firing_rate"].sel(neuron="chattering", U_0=U_0, amplitude=8)
        assert float(here["transfer_ratio"]) == pytest.approx(
            float(rate.sel(cell="post0") / rate.sel(cell="pre0"))
        )


def test_circuits_with_other_synapses_come_together_by_label(tmp_path) -> None:
    study = run(tmp_path, "s", "circuit=two_to_one,single", "synapse=tsodyks_markram,none",
                "run.engine=numpy")  # fmt: skip
    charge = study.dataset["transmitted_charge"]
    assert np.isnan(charge.sel(circuit="single")).all()
    assert np.isnan(charge.sel(synapse="none")).all()


def test_a_circuit_without_synapses_has_no_statistics_of_them(tmp_path) -> None:
    study = run(tmp_path, "s", "circuit=single")
    assert "projection" not in study.dataset.dims
    assert "release_mean" not in study.dataset


def test_charges_are_in_coulomb_where_currents_are_in_ampere(tmp_path) -> None:
    study = run(tmp_path, "s", "neuron.R='1 Mohm'", "stimulus.amplitude='10 nA'",
                "synapse.weight='8 nA'", "run.engine=numpy")  # fmt: skip
    assert study.dataset["transmitted_charge"].attrs["units"] == "A s"


def test_only_what_is_asked_for_is_there(tmp_path) -> None:
    study = run(tmp_path, "s", *AXES, "statistics.measures=[lv,release_mean]")
    assert set(study.dataset.data_vars) == {"spike_count", "lv", "release_mean", "status"}
    assert study.summary().columns.tolist() == ["spike_count", "lv", "status"]


# ---------------------------------------------------------------- computed anew


def test_summarise_gives_what_a_run_with_the_same_settings_gives(copy, demo, tmp_path, capsys):
    settings = ["statistics=log_isi", "statistics.start='20 ms'", "statistics.min_spikes=2"]
    shards = {path: path.read_bytes() for path in (copy / "shards").iterdir()}
    assert summarise(copy, *settings) == 0
    assert "nothing simulated" in capsys.readouterr().out
    assert {path: path.read_bytes() for path in (copy / "shards").iterdir()} == shards
    fresh = run(tmp_path, "fresh", *AXES, *settings)
    assert digest(copy) == digest(fresh.path) != digest(demo.path)
    again = izhi.open_study(copy)
    assert (copy / "summary.csv").read_bytes() == (fresh.path / "summary.csv").read_bytes()
    asked = Settings(tuple(STATISTICS), start=0.02, detector="log_isi", min_spikes=2,
                     core_interval=0.01)  # fmt: skip
    check(again, asked)
    told = yaml.safe_load((copy / "study.yaml").read_text())
    assert {config["statistics.detector"] for config in told["configs"]} == {"log_isi"}
    event = [event for event in again.log if event["event"] == "summarised"][-1]
    assert event["configs"] == told["configs"]
    assert cli.main(["verify", str(copy)]) == 0


def test_a_setting_that_is_given_twice_is_doubted_as_by_run(copy, capsys) -> None:
    assert summarise(copy, "statistics.min_spikes=2", "statistics.min_spikes=4") == 0
    said = "warning: statistics.min_spikes: given twice, 2 and then 4, which holds\n"
    assert capsys.readouterr().err == said
    assert statistics.settings_of(overview.overview(copy).sweep).min_spikes == 4


def test_settings_that_are_not_named_stay_as_they_are(copy) -> None:
    assert summarise(copy, "statistics.max_interval='6 ms'") == 0
    assert summarise(copy, "statistics.min_spikes=4") == 0
    found = statistics.settings_of(overview.overview(copy).sweep)
    assert (found.max_interval, found.min_spikes, found.start) == (0.006, 4, 0.0)
    assert summarise(copy, "statistics=default", "statistics.start='10 ms'") == 0
    found = statistics.settings_of(overview.overview(copy).sweep)
    assert (found.max_interval, found.min_spikes, found.start) == (0.01, 3, 0.01)


def test_there_and_back_is_the_same_study(copy, demo) -> None:
    assert summarise(copy, "statistics=basic", "--only") == 0
    assert digest(copy) != digest(demo.path)
    assert summarise(copy, "statistics=default") == 0
    assert digest(copy) == digest(demo.path)
    assert (copy / "summary.csv").read_bytes() == (demo.path / "summary.csv").read_bytes()


def test_a_study_goes_on_with_its_new_statistics(copy, tmp_path) -> None:
    new = "statistics.max_interval='6 ms'"
    assert summarise(copy, new) == 0
    with pytest.raises(StudyError) as caught:
        run(copy.parent, "demo", *AXES)
    assert str(caught.value) == (
        f"study.name = demo: {copy} has other statistics, which izhi summarise {copy} computes "
        "anew (statistics.max_interval: 6 ms there, 10 ms here)"
    )
    more = [*AXES[:2], "stimulus.amplitude=6,8,9,10", new]
    run(copy.parent, "demo", *more)
    fresh = run(tmp_path, "fresh", *more)
    assert digest(copy) == digest(fresh.path)
    assert cli.main(["verify", str(copy)]) == 0
    assert cli.main(["reproduce", str(copy)]) == 0


def test_what_was_stopped_in_between_is_finished(copy, monkeypatch) -> None:
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(window, "read", stop)
        assert summarise(copy, "statistics=log_isi") == 130
    assert overview.overview(copy).state == "interrupted"
    assert overview.overview(copy).digest is None
    assert summarise(copy, "statistics=log_isi") == 0
    check(
        izhi.open_study(copy), Settings(tuple(STATISTICS), detector="log_isi", core_interval=0.01)
    )
    assert cli.main(["verify", str(copy)]) == 0


def test_points_that_failed_stay_failed(tmp_path, monkeypatch) -> None:
    from izhi.study import worker

    simulate = worker.simulate

    def burn(task, profile=None):
        if 1 in task.points:
            raise RuntimeError("burnt")
        return simulate(task, profile)

    with monkeypatch.context() as patch:
        patch.setattr(worker, "simulate", burn)
        study = run(tmp_path, "s", *AXES)
    study.close()
    assert summarise(study.path, "statistics=basic", "--only") == 0
    assert izhi.open_study(study.path).dataset["status"].values.ravel()[:3].tolist() == [0, 2, 0]
    run(tmp_path, "s", *AXES, "statistics=basic")
    assert (izhi.open_study(study.path).dataset["status"] == shardfile.DONE).all()


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (["neuron=chattering"], "neuron=chattering: expected statistics=... or one of its keys; "
         "there are statistics=log_isi"),
        (["statistics.max_intervall=5"], "statistics.max_intervall: no such key; did you mean "
         "statistics.max_interval?"),
        (["statistics.max_interval=5 mV"], "statistics.max_interval = 5 mV: expected a time such "
         "as 10 ms, not a voltage"),
        (["statistics.start=1 s"], "statistics.start = 1 s: is not before the end of the "
         "simulation, simulation.duration = 0.25 s"),
        (["statistics=basic,log_isi"], "statistics: cannot be swept; it says how a study is run "
         "and kept, not what is simulated"),
        (["statistics.min_spikes=3,4"], "statistics.min_spikes: cannot be swept; it says how a "
         "study is run and kept, not what is simulated"),
    ],
)  # fmt: skip
def test_wrong_settings_change_nothing(copy, capsys, settings, said) -> None:
    before = {path: path.read_bytes() for path in copy.rglob("*") if path.is_file()}
    assert summarise(copy, *settings) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line == f"error: {said}"
    assert {path: path.read_bytes() for path in copy.rglob("*") if path.is_file()} == before


def test_without_spikes_there_is_nothing_to_compute_from(tmp_path, capsys) -> None:
    study = run(tmp_path, "s", "record.spikes=false")
    assert summarise(study.path, "statistics=log_isi") != 0
    assert re.search(r"s: its spikes were not kept \(record\.spikes=false\)",
                     capsys.readouterr().err)  # fmt: skip


def test_the_table_has_words_for_regimes(demo) -> None:
    table = pd.read_csv(demo.path / "summary.csv", comment="#")
    words = np.array(["silent", "single_spike", "tonic", "adapting", "bursting", "irregular"])
    assert table["regime"].tolist() == words[demo.dataset["regime"].values.ravel()].tolist()


# ---------------------------------------------------------------- latencies

DUE = ["run.engine=numpy", "run.n_jobs=1", "run.report=none", "simulation.duration='150 ms'",
       "statistics.measures=[first_spike_latency]"]  # fmt: skip
OWN = ["stimulus@post.stimulus=step", "post.stimulus.onset='60 ms'",
       "circuit.populations.post.stimulated=true"]  # fmt: skip
NOISE = ["+stimulus@stimulus.background=step", "stimulus.background.onset='50 ms'",
         "stimulus.background.amplitude='1 mV'"]  # fmt: skip
LATENCIES: list[tuple[list[str], dict[str, float | None]]] = [
    ([], {"pre0": 20, "post0": 20}),  # the third cell is driven by what drives the others
    (["statistics.start='20 ms'"], {"pre0": 20}),
    (["statistics.start='21 ms'"], {"pre0": None, "post0": None}),
    (["statistics.start='100 ms'"], {"pre0": None}),
    (["statistics.stop='20 ms'"], {"pre0": None}),
    (["stimulus=none"], {"pre0": None}),
    (["neuron@pre.neuron=source/regular_train", "pre.neuron.rate='100 Hz'"],
     {"pre0": None, "post0": None}),  # a stimulus that no cell receives
    (["circuit.populations.pre.stimulated=false", "neuron.v_0='0 mV'"], {"pre0": None}),
    (OWN, {"pre0": 20, "post0": 60}),
    (["neuron@pre.neuron=source/regular_train", "pre.neuron.rate='100 Hz'", *OWN],
     {"pre0": 60, "post0": 60}),
    (NOISE, {"pre0": 20}),
    (["stimulus.onset='70 ms'", "stimulus.amplitude='20 mV'", *NOISE[:2],
      "stimulus.background.amplitude='20 mV'"], {"pre0": 50}),
    (["stimulus=noise", "stimulus.mean='10 mV'", *NOISE], {"pre0": 50}),
]  # fmt: skip


@pytest.mark.parametrize(("overrides", "onsets"), LATENCIES)
def test_a_latency_is_from_the_onset_of_the_stimulus_that_a_cell_receives(
    overrides, onsets, tmp_path
) -> None:
    study = izhi.run([*DUE, *overrides], name="x", dir=tmp_path, progress=False)
    latency = study.dataset["first_spike_latency"]
    for cell, onset in onsets.items():
        time = study.spike_times(cell)
        later = time[time >= (onset or 0) / 1000 - 1e-9]
        expected = np.nan if onset is None or not later.size else later[0] - onset / 1000
        assert latency.sel(cell=cell).item() == pytest.approx(expected, abs=1e-12, nan_ok=True)
    assert "no cell of the circuit receives" in latency.attrs["comment"]


def test_the_regime_of_a_window_after_the_stimulus_is_of_the_window() -> None:
    time = [0.3 + 0.02 * n for n in range(10)]
    settings = Settings(("regime",), start=0.25)
    found = summary_statistics(
        Trains(time, [10]), settings, duration=0.5, onset=0.02, offset=0.2
    )  # fmt: skip
    assert REGIMES[found["regime"][0]] == "tonic"


def test_cells_that_spike_in_one_step_after_the_other_are_warned_of(tmp_path, capsys) -> None:
    study = izhi.run(
        ["neuron=book/low_threshold_spiking", "stimulus=step_current", "circuit=single",
         "stimulus.amplitude='300 pA','2000 pA','5000 pA'", "run.engine=numpy", "run.report=none",
         "simulation.duration='200 ms'"], name="reset", dir=tmp_path,
    )  # fmt: skip
    said = capsys.readouterr().err
    text = (
        "2 points, the first of them point 1 (amplitude=2000.0), cell0: a cell spikes in one time "
        "step after the other"
    )
    assert text in said and said.count("step after the other") == 1
    assert [e["key"] for e in study.log if e["event"] == "doubt"] == ["neuron.reset"]


def test_a_source_whose_rate_is_drawn_is_warned_of_by_its_spikes(tmp_path, capsys) -> None:
    izhi.run(
        ["neuron=source/poisson_train", "circuit=single", "synapse=none", "stimulus=none",
         "+neuron.per_cell.rate='rate*uniform(1000, 2000)'", "run.engine=numpy", "run.report=none",
         "simulation.duration='50 ms'"], name="drawn", dir=tmp_path,
    )  # fmt: skip
    assert "1 point, the first of them point 0, cell0: a cell spikes in" in capsys.readouterr().err
