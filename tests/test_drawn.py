"""What was drawn at random is in the dataset, and synapses that differ have their statistics."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import netCDF4
import numpy as np
import pandas as pd
import pytest
import yaml

import izhi
from izhi import cli
from izhi.models import charge
from izhi.spikes import Trains, release
from izhi.study import draws, log, shardfile, statistics
from izhi.study.folder import sha256
from izhi.study.verify import verify
from izhi.sweep import plan as plans

pytestmark = pytest.mark.usefixtures("quick_builds")

SHORT = ["simulation.duration='150 ms'", "run.engine=numpy", "run.n_jobs=1", "run.report=none"]
DIFFERENT = ["synapse=tsodyks_markram", "+synapse.per_synapse.U_0='uniform(0.05, 0.95)'"]
TYPES = ["neuron=random", "simulation.seed=range(0,6)", "circuit=single"]


def run(folder: Path, name: str, *overrides: str) -> izhi.Study:
    return izhi.run([*SHORT, *overrides], name=name, dir=folder, progress=False)


def drawn(study_overrides: list[str]) -> dict[str, np.ndarray]:
    plan = izhi.plan([*SHORT, *study_overrides])
    (shard,) = plan.shards
    return plans.parameters(plan, shard)


@pytest.fixture(scope="module")
def different(tmp_path_factory) -> izhi.Study:
    """Give a study of a ring, each cell onto every other one, whose synapses differ."""
    folder = tmp_path_factory.mktemp("different")
    return run(folder, "ring", *RING)


RING = [*DIFFERENT, "circuit=ring", "circuit.populations.cell.count=4", "stimulus.amplitude=8,14",
        "circuit.projections.onward.connect=all", "simulation.seed=1,2",
        "+synapse.per_synapse.weight='weight*lognormal(1, 0.3)'"]  # fmt: skip


def test_what_each_synapse_has_is_a_variable(different) -> None:
    expected = drawn(RING)
    for name, scale, unit in (("U_0", 1.0, "1"), ("weight", 1e-3, "mV")):
        variable = different.dataset[f"synapse_{name}"]
        assert variable.dims == ("amplitude", "seed", "connection")
        assert variable.attrs["units"] == unit and "per_synapse" in variable.attrs["comment"]
        values = expected[f"onward.{name}"] / scale
        np.testing.assert_allclose(variable.values.reshape(4, 12), values, rtol=1e-15)
    labels = different.dataset["connection"].values.tolist()
    assert labels[:3] == ["onward.cell0.cell1", "onward.cell0.cell2", "onward.cell0.cell3"]
    seeds = different.dataset["synapse_U_0"].isel(amplitude=0).values
    assert (seeds[0] != seeds[1]).all()


def test_statistics_of_synapses_that_differ_are_means_over_those_of_a_cell(different) -> None:
    data = different.dataset
    for amplitude in (8.0, 14.0):
        time = [different.spike_times(f"cell{n}", amplitude=amplitude, seed=2) for n in range(4)]
        point = data.sel(amplitude=amplitude, seed=2)
        for cell in range(4):
            mine = slice(3 * cell, 3 * cell + 3)
            U_0, weight = (point[f"synapse_{n}"].values[mine] for n in ("U_0", "weight"))
            trains = Trains(np.tile(time[cell], 3), [time[cell].size] * 3)
            r = release(trains, U_0, 0.3, 0.5).reshape(3, -1)
            found = point.isel(projection=cell)
            assert found.release_mean.item() == pytest.approx(r.mean(), rel=1e-12)
            assert found.paired_pulse_ratio.item() == pytest.approx((r[:, 1] / r[:, 0]).mean())
            charge = (r.sum(axis=1) * weight * 1e-3 * 5e-3).mean()
            assert found.transmitted_charge.item() == pytest.approx(charge, rel=1e-12)
    assert len(different.summary("projection")) == 16
    assert len(different.summary("connection")) == 48


def test_what_a_synapse_starts_with_is_part_of_its_releases(tmp_path) -> None:
    study = run(tmp_path, "starts", "synapse.x_S_0=0.2,1", "circuit=pair", "synapse.delay='3 ms'")
    time = study.spike_times("pre0", x_S_0=1)
    trains = Trains(time + 0.003, [time.size])
    for start in (0.2, 1.0):
        r = release(trains, 0.6, 0.3, 0.5, x_0=start)
        found = study.dataset.sel(x_S_0=start, projection="pre_to_post.pre0")
        assert found.release_mean.item() == pytest.approx(r.mean(), rel=1e-12)
    first = release(trains, 0.6, 0.3, 0.5, u_0=0.5, x_0=0.2)[0]
    decayed, t = 0.5 * np.exp(-trains.time[0] / 0.3), trains.time[0]
    assert first == pytest.approx((0.6 + 0.4 * decayed) * (1 - 0.8 * np.exp(-t / 0.5)), rel=1e-12)


def test_random_wiring_has_nan_where_there_is_no_synapse(tmp_path) -> None:
    wiring = ["circuit=excitatory_inhibitory", "circuit.populations.e.count=5",
              "circuit.populations.i.count=2", "synapse=static", "simulation.seed=1,2",
              "+synapse.per_synapse.weight='weight*uniform(1, 2)'"]  # fmt: skip
    study = run(tmp_path, "random", *wiring)
    expected = drawn(wiring)
    weights = study.dataset["synapse_weight"]
    for seed in range(2):
        for i, number in enumerate(np.diff(expected[f"e_to_e.{plans.FIRST_OF}"][seed])):
            first = expected[f"e_to_e.{plans.FIRST_OF}"][seed][i]
            targets = expected[f"e_to_e.{plans.TARGET}"][seed][first : first + number]
            for j in set(range(5)) - {i}:
                value = weights.sel(connection=f"e_to_e.e{i}.e{j}").values[seed]
                at = np.flatnonzero(targets == j)
                if at.size:
                    own = expected["e_to_e.weight"][seed][first + at[0]] * 1e3
                    assert value == pytest.approx(own, rel=1e-15)
                else:
                    assert np.isnan(value)
    assert verify(study.path).problems == []


def test_what_each_cell_has_is_a_variable_and_a_column(tmp_path) -> None:
    cells = [
        "circuit=fan_in",
        "circuit.populations.pre.count=3",
        "neuron.c='-65 mV','-60 mV'",
        "+neuron.per_cell.r='uniform(0, 1)'",
        "+neuron.per_cell.c='c + 15*mV*r**2'",
    ]
    study = run(tmp_path, "cells", *cells)
    c, r = study.dataset["neuron_c"], study.dataset["neuron_r"]
    assert c.dims == ("c", "cell") and c.attrs["units"] == "mV" and r.attrs["units"] == "1"
    np.testing.assert_allclose(c - c["c"], 15 * r**2, atol=1e-12)
    np.testing.assert_allclose(c.values[:, :3], drawn(cells)["pre.c"] * 1e3, rtol=1e-14)
    table = pd.read_csv(study.path / "summary.csv", comment="#")
    np.testing.assert_array_equal(table["neuron_c"], study.summary()["neuron_c"])
    assert study.summary().attrs["units"]["neuron_c"] == "mV"
    assert "neuron_c mV" in (study.path / "summary.csv").read_text().splitlines()[0]


def test_the_drawn_type_is_a_variable_and_a_column(tmp_path, capsys) -> None:
    study = run(tmp_path, "types", *TYPES)
    alone = {seed: izhi.plan([*SHORT, "neuron=random", f"simulation.seed={seed}"])
             for seed in range(6)}  # fmt: skip
    types = [next(iter(plan.sweep.bases[plan.sweep.used[0]].drawn.values()))
             for plan in alone.values()]  # fmt: skip
    assert study.summary()["neuron_type"].tolist() == types and len(set(types)) > 2
    table = pd.read_csv(study.path / "summary.csv", comment="#")
    assert table["neuron_type"].tolist() == types
    by_type = study.table(by="neuron_type", of="firing_rate")
    assert set(by_type.index) == set(types)
    assert cli.main(["verify", str(study.path), "--sample", "2"]) == 0
    assert cli.main(["export", str(study.path), "--to", "csv"]) == 0


def test_a_study_of_an_earlier_version_opens_verifies_and_goes_on(tmp_path) -> None:
    """Without the variables, the types in study.yaml, and the version of statistics in the log."""
    cells = [*TYPES, "+neuron.per_cell.c='c + 1*mV*uniform(0, 1)'"]
    study = run(tmp_path, "old", *cells)
    digest = study.digest
    study.close()
    as_before(study.path)
    assert verify(study.path).problems == []
    assert "neuron_type" not in izhi.open_study(study.path).summary()
    again = run(tmp_path, "old", *cells)
    assert again.digest == digest and {"neuron_type", "neuron_c"} <= set(again.summary())
    assert verify(study.path).problems == []


def as_before(path: Path) -> None:
    """Take out of a study what earlier versions did not write."""
    drawn = ("neuron_type", "neuron_c")
    with netCDF4.Dataset(path / "dataset.nc") as old, netCDF4.Dataset(path / "new.nc", "w") as new:
        copied(old, new, drawn)
        config = without(json.loads(old.config), "drawn", "statistics")
        new.config = json.dumps(config, ensure_ascii=False)
    (path / "new.nc").replace(path / "dataset.nc")
    units, rows = (path / "summary.csv").read_text().split("\n", 1)
    table = pd.read_csv(io.StringIO(rows), dtype=str, keep_default_na=False)
    rows = table.drop(columns=list(drawn)).to_csv(index=False)
    (path / "summary.csv").write_text(units.replace(", neuron_c mV", "") + "\n" + rows)
    config = path / "study.yaml"
    before = config.read_text()
    config.write_text(yaml.safe_dump(without(yaml.safe_load(before), "drawn")))
    assert "drawn" in before
    events = [without(event, "drawn", "statistics") for event in log.read(path / "log.jsonl")]
    gathered = next(event for event in events if event["event"] == "gathered")
    del gathered["versions"], gathered["recomputed"]
    for name in ("dataset.nc", "summary.csv"):
        gathered["files"][name]["sha256"] = sha256(path / name)
    (path / "log.jsonl").write_text("".join(json.dumps(event) + "\n" for event in events))


def copied(old: Any, new: Any, but: tuple[str, ...]) -> None:
    """Copy a netCDF group without some of its variables."""
    new.setncatts({name: old.getncattr(name) for name in old.ncattrs()})
    for name, dimension in old.dimensions.items():
        new.createDimension(name, dimension.size)
    for name, variable in old.variables.items():
        if name not in but:
            attrs = {a: variable.getncattr(a) for a in variable.ncattrs()}
            copy = new.createVariable(
                name, variable.dtype, variable.dimensions, fill_value=attrs.pop("_FillValue", None)
            )
            copy.setncatts(attrs)
            variable.set_auto_maskandscale(False)
            copy.set_auto_maskandscale(False)
            copy[:] = variable[:]
    for name, group in old.groups.items():
        copied(group, new.createGroup(name), but)


def without(tree: Any, *names: str) -> Any:
    """Return nested data without some keys, wherever they are."""
    if isinstance(tree, dict):
        return {k: without(v, *names) for k, v in tree.items() if k not in names}
    return [without(each, *names) for each in tree] if isinstance(tree, list) else tree


def test_statistics_of_an_earlier_version_are_verified_as_they_were_gathered(
    tmp_path, monkeypatch
) -> None:
    monkeypatch.setattr(statistics, "VERSION", 1)
    monkeypatch.setattr(statistics.digest, "__defaults__", (1,))
    monkeypatch.setattr(charge, "transmitted", lambda one, values: np.full((1, 1), np.nan))
    study = run(tmp_path, "first", "synapse=alpha")
    study.close()
    monkeypatch.undo()
    shard = next((study.path / "shards").iterdir())
    settings = statistics.settings_of(izhi.plan(SHORT).sweep)
    assert shardfile.read_head(shard).stated == statistics.digest(settings, 1)
    assert statistics.digest(settings) != statistics.digest(settings, 1)
    events = log.read(study.path / "log.jsonl")
    assert [e["statistics"] for e in events if e["event"] == "gathered"] == [1]
    assert verify(study.path).problems == []
    assert np.isnan(izhi.open_study(study.path).dataset["transmitted_charge"]).all()
    again = run(tmp_path, "first", "synapse=alpha")  # which computes them anew
    assert not np.isnan(again.dataset["transmitted_charge"]).any()
    assert verify(study.path).problems == []


def test_many_synapses_are_not_stored(monkeypatch, tmp_path) -> None:
    monkeypatch.setattr(draws, "MOST_CONNECTIONS", 11)
    study = run(tmp_path, "many", *RING[:-2], *RING[-1:])
    assert "connection" not in study.dataset.dims
    assert not np.isnan(study.dataset["release_mean"]).any()


def test_draws_of_two_models_with_one_name_stay_apart(tmp_path) -> None:
    lines = {"volts": {"r": "k*uniform(0, 1)", "d": "d + r"}, "numbers": {"r": "uniform(0, 1)",
             "d": "d*r"}}  # fmt: skip
    (tmp_path / "neuron").mkdir()
    for name, per_cell in lines.items():
        constants = {"constants": {"k": "1 mV"}} if name == "volts" else {}
        model = {"defaults": ["/neuron/regular_spiking@_here_", "_self_"], **constants}
        text = yaml.safe_dump({**model, "per_cell": per_cell})
        (tmp_path / f"neuron/{name}.yaml").write_text(text)
    study = izhi.run([*SHORT, "circuit=single", "synapse=none", "neuron=volts,numbers"],
                     name="s", dir=tmp_path, config_dir=tmp_path, progress=False)  # fmt: skip
    data = study.dataset
    volts, numbers = data["neuron_r"].values.ravel(), data["neuron_r_drawn"].values.ravel()
    assert 0 < volts[0] < 1e-3 and np.isnan(volts[1])
    assert np.isnan(numbers[0]) and 0 < numbers[1] < 1
    assert data["neuron_r"].attrs["comment"].startswith("neuron.per_cell.r: k*uniform(0, 1); drawn")
    assert data["neuron_r_drawn"].attrs["comment"].startswith("neuron.per_cell.r: uniform(0, 1); d")
    assert data["neuron_d"].attrs["comment"] == (
        "neuron.per_cell.d: d + r; neuron.per_cell.d: d*r; drawn by simulation.seed."
    )
    assert verify(study.path).problems == []
