"""Tables and maps of a study: summary, table, and the selections of ``dataset.izhi``."""

from __future__ import annotations

import functools
import itertools
import json
import statistics

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import izhi
from izhi.engine import cache
from izhi.errors import ConfigError, StudyError
from izhi.report.figures import places
from izhi.study import overview, shardfile, table
from izhi.study.verify import verify
from izhi.sweep import checks

ENGINE = "compiled" if cache.compiler() else "numpy"  # a program starts faster than Brian2
AXES = ["neuron=regular_spiking,chattering", "synapse.U_0=0.2,0.6", "stimulus.amplitude=2,6,10"]
SHORT = ["simulation.duration='200 ms'", f"run.engine={ENGINE}", "run.n_jobs=1"]


@pytest.fixture(scope="module")
def study(tmp_path_factory) -> izhi.Study:
    return izhi.run([*SHORT, *AXES], name="s", dir=tmp_path_factory.mktemp("s"), progress=False)


@pytest.fixture
def partly(study) -> xr.Dataset:
    """Give the dataset as it would be with a point that failed and one that was not run."""
    dataset = study.dataset.load().copy(deep=True)
    for at, status in (((0, 0, 1), shardfile.FAILED), ((1, 1, 2), shardfile.NOT_RUN)):
        dataset["status"].values[at] = status
        for name, variable in dataset.data_vars.items():
            if name != "status":
                variable.values[at] = -1 if variable.dtype.kind == "i" else np.nan
    return dataset


# ---------------------------------------------------------------- summary


def test_the_units_are_with_the_columns(study) -> None:
    frame = study.summary()
    units = json.loads(json.dumps(frame.attrs))["units"]
    assert units["amplitude"] == "mV" and units["firing_rate"] == "Hz"
    assert units["burst_rate"] == "1/min" and units["isi_cv"] == "1"
    assert "regime" not in units and "neuron" not in units
    assert frame.attrs["long_name"]["lv"] == "local variation LV"
    assert set(units) <= {*frame.columns, *frame.index.names}
    assert frame["firing_rate"].attrs["units"]["firing_rate"] == "Hz"


def test_regimes_are_words(study) -> None:
    frame = study.summary()
    assert frame["regime"].dtype == "category"
    assert frame["regime"].cat.categories.tolist() == [
        "silent", "single_spike", "tonic", "adapting", "bursting", "irregular",
    ]  # fmt: skip
    assert frame.loc[("chattering", 0.2, 10.0, "pre0"), "regime"] == "bursting"
    assert frame.loc[("regular_spiking", 0.2, 2.0, "post0"), "regime"] == "silent"


def test_a_summary_of_projections(study) -> None:
    frame = study.summary("projection")
    assert frame.index.names == ["neuron", "U_0", "amplitude", "projection"]
    assert len(frame) == 12 * 2
    assert frame.attrs["units"]["transmitted_charge"] == "V s"
    here = frame.loc[("chattering", 0.6, 10.0, "pre_to_post.pre1")]
    there = study.dataset.sel(
        neuron="chattering", U_0=0.6, amplitude=10, projection="pre_to_post.pre1"
    )
    for name in ("release_mean", "paired_pulse_ratio", "transfer_ratio"):
        assert here[name] == float(there[name])
    with pytest.raises(StudyError, match=r"^per = synapse: no such rows; there are cell, proj"):
        study.summary("synapse")


# ---------------------------------------------------------------- table


def grouped(study, by, of, function, keep=lambda row: True):
    """Group the rows of the summary by hand."""
    rows = study.summary().reset_index().to_dict("records")
    groups: dict = {}
    for row in rows:
        if keep(row):
            groups.setdefault(tuple(row[name] for name in by), []).append(row[of])
    found = {}
    for key, values in groups.items():
        numbers = [x for x in values if x == x]
        found[key if len(by) > 1 else key[0]] = function(numbers) if numbers else float("nan")
    return found


@pytest.mark.parametrize("by", [["neuron"], ["cell"], ["amplitude", "cell"], ["neuron", "U_0"]])
@pytest.mark.parametrize(
    ("agg", "function"), [("mean", statistics.fmean), ("median", statistics.median), ("max", max)]
)
@pytest.mark.parametrize("of", ["firing_rate", "isi_cv"])
def test_a_table_is_what_a_loop_over_rows_gives(study, by, agg, function, of) -> None:
    expected = grouped(study, by, of, function)
    found = study.table(by=by if len(by) > 1 else by[0], of=of, agg=agg)
    assert found.index.tolist() == list(expected)  # in the order of the axes
    np.testing.assert_allclose(found[of], list(expected.values()), rtol=1e-12)
    assert found.attrs["units"][of] == {"firing_rate": "Hz", "isi_cv": "1"}[of]


def test_a_table_of_some_labels(study) -> None:
    found = study.table("neuron", "firing_rate", cell="post0", amplitude=["6 mV", 10])
    expected = grouped(
        study, ["neuron"], "firing_rate", statistics.fmean,
        lambda row: row["cell"] == "post0" and row["amplitude"] > 5,
    )  # fmt: skip
    assert found["firing_rate"].to_dict() == pytest.approx(expected)


def test_tables_of_several_statistics_and_functions(study) -> None:
    found = study.table("neuron", ["firing_rate", "isi_cv"], ["mean", "count"])
    assert found.columns.tolist() == list(
        itertools.product(["firing_rate", "isi_cv"], ["mean", "count"])
    )
    largest = study.table("neuron", "spike_count", lambda x: x.max() - x.min())
    frame = study.summary()["spike_count"]
    assert largest.loc["chattering", "spike_count"] == np.ptp(frame.loc["chattering"])


def test_regimes_are_counted_and_grouped_by(study) -> None:
    frame = study.summary()
    found = study.table("regime", "spike_count", "count")
    assert (
        found["spike_count"].to_dict() == frame["regime"].value_counts().loc[found.index].to_dict()
    )
    assert study.table("neuron", "regime", "count")["regime"].tolist() == [18, 18]
    rates = study.table(["neuron", "regime"], "firing_rate")
    assert rates.loc[("chattering", "bursting"), "firing_rate"] > 0


def test_a_table_of_projections(study) -> None:
    found = study.table("U_0", "paired_pulse_ratio", per="projection")
    assert found.loc[0.2, "paired_pulse_ratio"] > found.loc[0.6, "paired_pulse_ratio"]


def test_points_without_results_are_left_out(partly) -> None:
    from izhi.study import tables

    found = tables.table(partly, "neuron", "spike_count", "count", "cell")
    assert found["spike_count"].tolist() == [15, 15]
    assert len(tables.summary(partly)) == 36
    assert tables.summary(partly)["regime"].isna().sum() == 6


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda s: s.table("neurn", "firing_rate"),
         "by = neurn: no such axis; did you mean neuron?"),
        (lambda s: s.table("neuron", "firing_rat"),
         "of = firing_rat: no such statistic; did you mean firing_rate?"),
        (lambda s: s.table([], "firing_rate"),
         "by = []: expected the name of an axis, or several"),
        (lambda s: s.table("neuron", "firing_rate", cell="pst0"),
         "cell = pst0: no such cell; did you mean post0?"),
        (lambda s: s.table("neuron", "firing_rate", amplitude="8 mV"),
         "amplitude = 8 mV: not on the axis; the nearest is 6 mV"),
        (lambda s: s.table("neuron", "firing_rate", amplitud=8),
         "amplitud: no such axis; did you mean amplitude?"),
        (lambda s: s.dataset.izhi.map("regim", x="amplitude", y="neuron"),
         "regim: no such variable; did you mean regime?"),
        (lambda s: s.dataset.izhi.map("regime", x="amplitude", y="neuron", cell="pre0"),
         "U_0: say which of its 2 labels is meant"),
        (lambda s: s.dataset.izhi.map("regime", x="amplitud", y="neuron"),
         "amplitud: no axis of regime; did you mean amplitude?"),
        (lambda s: s.dataset.izhi.population("pos"),
         "population = pos: no such population; did you mean post?"),
        (lambda s: s.dataset.izhi.gain("amplitude", of="firing_rat"),
         "firing_rat: no such variable; did you mean firing_rate?"),
    ],
)  # fmt: skip
def test_names_that_do_not_exist(study, call, said) -> None:
    with pytest.raises(StudyError) as caught:
        call(study)
    assert str(caught.value) == said


def test_words_have_no_mean(study) -> None:
    with pytest.raises(StudyError, match=r"^agg = mean of regime: "):
        study.table("neuron", "regime")
    with pytest.raises(StudyError, match=r"^agg = men of firing_rate: "):
        study.table("neuron", "firing_rate", "men")


# ---------------------------------------------------------------- selections


def test_labels_and_quantities_select(study) -> None:
    found = study.dataset.izhi.sel(neuron="chattering", U_0=0.6, amplitude="10000 uV", cell="pre1")
    expected = study.dataset.sel(neuron="chattering", U_0=0.6, amplitude=10, cell="pre1")
    xr.testing.assert_identical(found, expected)
    some = study.dataset.izhi.sel(amplitude=["6 mV", 10])
    assert some["amplitude"].values.tolist() == [6, 10]
    assert study.dataset.izhi.axes == ["neuron", "U_0", "amplitude"]


@pytest.fixture(scope="module")
def near(tmp_path_factory) -> izhi.Study:
    """Give a study of values that lie within 1e-9 of each other, and populations with alike names.

    Of the three values of v_0, only the last one makes a neuron spike.
    """
    folder = tmp_path_factory.mktemp("near")
    (folder / "circuit").mkdir()
    populations = {name: {"count": n, "stimulated": False} for name, n in COUNTS.items()}
    told = {"populations": populations, "projections": {}}
    (folder / "circuit" / "alike.yaml").write_text(json.dumps(told))
    overrides = [
        "circuit=alike", "synapse=none", "stimulus=none", "simulation.duration='100 ms'",
        "run.engine=numpy", "run.n_jobs=1", "run.report=none", "simulation.seed=7,8",
        f"neuron.v_0='-55 mV','{BELOW} mV','{ABOVE} mV'", f"record.traces={{v_0: {ABOVE}}}",
    ]  # fmt: skip
    return izhi.run(overrides, name="n", dir=folder, config_dir=folder, progress=False)


COUNTS = {"e": 2, "e1": 2, "e_1": 1}
BELOW, ABOVE = -50.000000005820766, -49.999999997671694


def test_a_value_selects_its_own_point_and_no_near_one(near) -> None:
    assert near.dataset["spike_count"].values[0, :, 0].tolist() == [0, 0, 1]
    selections = near.dataset.izhi
    for one in (ABOVE, f"{ABOVE} mV", np.float64(ABOVE)):
        assert selections.sel(v_0=one, seed=7, cell="e0")["spike_count"].item() == 1
        assert near.spike_times("e0", v_0=one, seed=7).size == 1
    assert near.spike_times("e0", v_0=f"{BELOW} mV", seed=7).size == 0
    assert selections.sel(v_0=[BELOW, ABOVE])["v_0"].values.tolist() == [BELOW, ABOVE]
    assert selections.sel(v_0=-50.00000001)["v_0"] == BELOW  # the nearest one within 1e-9
    with pytest.raises(
        StudyError, match=r"^v_0 = -50\.0000002: not on the axis; the nearest is -50"
    ):
        selections.sel(v_0=-50.0000002)
    found = near.table("v_0", "spike_count", v_0=[BELOW, ABOVE], seed=7, cell="e0")
    assert found["spike_count"].to_dict() == {BELOW: 0, ABOVE: 1}
    assert np.unique(near.traces["v_0"]).tolist() == [ABOVE]
    (at_seed, at_v_0) = places.of(overview.asked(near), {"v_0": [ABOVE, f"{ABOVE} mV"], "seed": 8})
    assert (at_seed.tolist(), at_v_0.tolist()) == ([1], [2])


def test_a_label_that_is_given_twice_is_counted_once(near) -> None:
    assert near.dataset.izhi.sel(cell=["e1", "e0", "e1"])["cell"].values.tolist() == ["e1", "e0"]
    once = near.table("seed", "spike_count", "sum", v_0=ABOVE)
    twice = near.table("seed", "spike_count", "sum", v_0=[ABOVE, f"{ABOVE} mV", ABOVE])
    assert once["spike_count"].tolist() == twice["spike_count"].tolist() == [5, 5]


def test_whole_numbers_are_other_ones_however_near() -> None:
    seeds = np.array([2**53 + 1, 2**53, 10**10])
    for value, at in ((2**53, 1), (2**53 + 1, 0), (str(2**53 + 1), 0), (1e10, 2)):
        assert checks.match(seeds, None, value, "seed") == at
    with pytest.raises(
        ConfigError, match=r"^seed = 10000000001: not on the axis; the nearest is 1"
    ):
        checks.match(seeds, None, 10**10 + 1, "seed")


def test_the_circuit_tells_which_cells_a_population_has(near) -> None:
    for dataset in (near.dataset, near.dataset[["firing_rate"]].izhi.sel(seed=7, v_0="-55 mV")):
        found = {name: dataset.izhi.population(name)["cell"].values.tolist() for name in COUNTS}
        assert found == {"e": ["e0", "e1"], "e1": ["e10", "e11"], "e_1": ["e_10"]}
    with pytest.raises(StudyError, match=r"^population = e_: no such population; did you mean e_1"):
        near.dataset.izhi.population("e_")
    with pytest.raises(StudyError, match=r"^population = e: the dataset has lost its attributes, "):
        near.dataset.drop_attrs().izhi.population("e")


def test_a_dataset_that_xarray_opened_has_the_selections_too(study) -> None:
    with xr.open_dataset(study.path / "dataset.nc") as dataset:
        assert dataset.izhi.population("pre")["cell"].values.tolist() == ["pre0", "pre1"]
        assert dataset.izhi.population("post").sizes["cell"] == 1


def test_only_points_with_results_have_numbers(partly) -> None:
    done = partly.izhi.done
    assert np.isnan(done["spike_count"].values[0, 0, 1]).all()
    assert np.isnan(done["firing_rate"].values[1, 1, 2]).all()
    assert done["spike_count"].count() == 30
    assert partly["spike_count"].dtype.kind == "i"
    assert done["spike_count"].attrs == partly["spike_count"].attrs


def test_a_map_of_regimes(study) -> None:
    found = study.dataset.izhi.map("regime", x="amplitude", y="neuron", U_0=0.2, cell="pre0")
    assert found.dims == ("neuron", "amplitude")
    assert found.sel(neuron="chattering").values.tolist() == ["silent", "bursting", "bursting"]
    assert found.attrs["long_name"] == "firing regime"
    rates = study.dataset.izhi.map("firing_rate", x="U_0", y="cell", neuron="chattering",
                                   amplitude=10)  # fmt: skip
    assert rates.dims == ("cell", "U_0") and rates.attrs["units"] == "Hz"


def test_the_gain_is_the_slope_of_the_rate(study) -> None:
    found = study.dataset.izhi.gain("amplitude")
    rate = study.dataset["firing_rate"]
    assert found.dims == rate.dims and found.attrs["units"] == "Hz/mV"
    slope = (rate.sel(amplitude=10) - rate.sel(amplitude=2)) / 8
    np.testing.assert_allclose(found.sel(amplitude=6), slope)
    with pytest.raises(StudyError, match=r"^neuron: has no slope; "):
        study.dataset.izhi.gain("neuron")
    for name in ("regime", "status"):
        with pytest.raises(StudyError, match=rf"^{name}: has no slope; its values are words$"):
            study.dataset.izhi.gain("amplitude", name)


# ---------------------------------------------------------------- the file


def test_the_summary_file_tells_its_units(study) -> None:
    first, header = (study.path / "summary.csv").read_text().splitlines()[:2]
    assert first.startswith("# units: amplitude mV, firing_rate Hz, ")
    assert first.endswith('; read with pandas.read_csv(path, comment="#")')
    units = dict(word.split(" ") for word in first[9:].split(";")[0].split(", "))
    told = study.summary().attrs["units"]
    assert units == {name: unit for name, unit in told.items() if unit != "1"}
    assert set(units) <= set(header.split(","))


def test_labels_with_the_sign_of_a_comment_are_whole(tmp_path) -> None:
    folder = tmp_path / "conf" / "neuron"
    folder.mkdir(parents=True)
    own = {"defaults": ["model/izhikevich@_here_", "_self_"], "c": "-60 mV"}
    (folder / "a#b.yaml").write_text(json.dumps(own))
    study = izhi.run([*SHORT, "neuron=chattering,'a#b'"], name="s", dir=tmp_path,
                     config_dir=tmp_path / "conf", progress=False)  # fmt: skip
    table = pd.read_csv(study.path / "summary.csv", comment="#")
    assert table["neuron"].tolist() == ["chattering"] * 3 + ["a#b"] * 3
    assert table["status"].tolist() == [0] * 6


def test_cells_that_a_point_that_diverged_does_not_have_are_in_no_table(tmp_path) -> None:
    asked = ["circuit=single,pair", "neuron.a=0.02,1e6"]
    study = izhi.run([*SHORT, *asked], name="s", dir=tmp_path, progress=False)
    assert study.dataset["status"].values.tolist() == [[0, 3], [0, 3]]
    summary = study.summary()
    assert len(summary) == 2 * 1 + 2 * 2 and (summary["spike_count"] >= 0).all()
    least = study.table("circuit", "spike_count", agg="min")
    assert (least["spike_count"] >= 0).all()
    assert len(study.summary("projection")) == 2
    stored = pd.read_csv(study.path / "summary.csv", comment="#")
    assert len(stored) == len(summary) and (stored["spike_count"] >= 0).all()
    assert verify(study.path).problems == []


def test_a_table_of_an_earlier_version_verifies(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(table, "rows", functools.partial(table.rows, earlier=True))
    asked = ["circuit=single,pair", "neuron.a=0.02,1e6", "run.n_jobs=1"]
    study = izhi.run([*SHORT, *asked], name="s", dir=tmp_path, progress=False)
    monkeypatch.undo()
    assert "-1" in (study.path / "summary.csv").read_text()
    assert verify(study.path).problems == []
