"""A study as a research object, as tables of text, as one file: nothing lost, nothing changed."""

from __future__ import annotations

import csv
import hashlib
import json
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import netCDF4
import numpy as np
import pandas as pd
import pytest
import requests
import xarray as xr
from rocrate_validator import services
from rocrate_validator.models import Severity, ValidationSettings

import izhi
from izhi import cli
from izhi.engine import cache
from izhi.errors import ConfigError, IzhiError, StorageError, StudyError
from izhi.export import FORMATS, crate, export, netcdf, nwb, parquet, tables
from izhi.export.runs import runs
from izhi.study.compare import compare
from izhi.study.verify import verify

ENGINE = "compiled" if cache.compiler() else "numpy"  # a program starts faster than Brian2
SHORT = [f"run.engine={ENGINE}", "run.n_jobs=1", "simulation.duration='60 ms'"]
AXES = ["neuron=chattering,fast_spiking", "synapse.U_0=0.1,0.7", "stimulus.amplitude=3,12"]
KINDS = {
    "swept": [*AXES, "run.shard_points=3"],
    # two structures, for each of which a program would be built for once
    "traced": ["circuit=single,two_to_one", "stimulus.amplitude=3,12", "record.traces=all",
               "run.engine=numpy"],
    "silent": ["stimulus.amplitude=0,10", "record.spikes=false"],
    "point": [],
}  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder of studies, one of each kind."""
    folder = tmp_path_factory.mktemp("studies")
    for name, overrides in KINDS.items():
        izhi.run([*SHORT, *overrides], name=name, dir=folder, progress=False).close()
    return folder


@pytest.fixture(params=KINDS)
def study(folder: Path, request: pytest.FixtureRequest) -> Iterator[izhi.Study]:
    """Give each of the studies; tests only read them."""
    with closing(izhi.open_study(folder / request.param)) as study:
        yield study


@pytest.fixture
def swept(folder: Path) -> Iterator[izhi.Study]:
    with closing(izhi.open_study(folder / "swept")) as study:
        yield study


@pytest.fixture
def copy(folder: Path, tmp_path: Path) -> Iterator[izhi.Study]:
    """Give a copy of a study that a test may damage."""
    with closing(izhi.open_study(shutil.copytree(folder / "swept", tmp_path / "swept"))) as study:
        yield study


# ---------------------------------------------------------------- what all formats share


def test_a_time_that_is_none_is_one_line(copy, tmp_path, capsys) -> None:
    log = copy.path / "log.jsonl"
    events = [json.loads(line) for line in log.read_text().splitlines()]
    events[0]["time"] = "yesterday"
    log.write_text("".join(json.dumps(event) + "\n" for event in events))
    for to in ("nwb", "parquet", "csv", "netcdf", "crate"):
        status = cli.main(["export", str(copy.path), "--to", to, "-o", str(tmp_path / to)])
        lines = capsys.readouterr().err.splitlines()
        assert status in (0, 2) and not any("Traceback" in line for line in lines)
        if to == "nwb":
            assert lines == [
                f"error: {log}: the first run began at yesterday: expected a time such as "
                "2026-01-31T12:00:00+00:00"
            ]


@pytest.mark.parametrize(
    ("to", "name"),
    [
        ("crate", "swept-crate"),
        ("csv", "swept-csv"),
        ("netcdf", "swept.nc"),
        ("nwb", "swept.nwb"),
        ("parquet", "swept-parquet"),
    ],
)
def test_a_study_is_exported_beside_itself(copy, to, name) -> None:
    before = set(copy.path.parent.iterdir())
    path = export(copy, to)
    assert path == copy.path.parent / name
    assert set(copy.path.parent.iterdir()) - before == {path}  # and no temporary name is left


def test_an_unknown_format_names_the_nearest(swept, tmp_path) -> None:
    with pytest.raises(ConfigError, match="netcfd: no such format; did you mean netcdf"):
        export(swept, "netcfd", tmp_path / "x")


@pytest.mark.parametrize("to", FORMATS)
def test_nothing_that_exists_is_overwritten(swept, tmp_path, to) -> None:
    target = tmp_path / "there"
    target.write_text("mine")
    with pytest.raises(StudyError, match="there: exists already"):
        export(swept, to, target)
    assert target.read_text() == "mine"
    with pytest.raises(StudyError, match="no folder"):
        export(swept, to, tmp_path / "not" / "there")


def test_a_study_without_results_is_not_exported(copy) -> None:
    copy.close()
    with netCDF4.Dataset(copy.folder.dataset, "a") as file:
        file["status"][:] = 2
    copy.folder.log.unlink()  # which tells of another file
    with pytest.raises(StudyError, match="nothing to export"):
        export(copy, "csv")


@pytest.mark.parametrize("to", FORMATS)
@pytest.mark.parametrize("name", ["dataset.nc", "summary.csv"])
def test_a_damaged_study_is_not_exported(copy, to, name) -> None:
    copy.close()
    with open(copy.path / name, "rb+") as file:
        file.seek(-2, 2)
        file.write(b"9")
    with pytest.raises(StudyError, match=f"{name}: not the file that the study's log tells of"):
        export(copy, to)


@pytest.fixture(scope="module")
def half_extended(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a study that was stopped while it was extended."""
    folder = tmp_path_factory.mktemp("extended")
    izhi.run(SHORT, name="s", dir=folder, progress=False).close()

    def stop(*_, **__):
        raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr("izhi.study.shards.run", stop)
        izhi.run([*SHORT, "stimulus.amplitude=10,12"], name="s", dir=folder, progress=False)
    return folder / "s"


@pytest.mark.parametrize("to", FORMATS)
def test_a_study_that_is_being_extended_is_not_exported(half_extended, to) -> None:
    with closing(izhi.open_study(half_extended)) as study:
        with pytest.raises(StudyError, match=r"dataset\.nc: is not of all that was asked for"):
            export(study, to)
        with pytest.raises(StudyError, match=r"dataset\.nc: is not of all that was asked for"):
            compare(study.path, study.path)


@pytest.mark.parametrize(
    ("to", "module", "name"),
    [
        ("csv", tables, "_write_spikes"),
        ("netcdf", netcdf, "_add_provenance"),
        ("crate", shutil, "copy"),
        ("nwb", nwb, "_fill_spikes"),
        ("parquet", parquet, "_spikes"),
    ],
)
@pytest.mark.parametrize("stop", [KeyboardInterrupt(), OSError(28, "No space left on device")])
def test_an_export_that_is_stopped_leaves_nothing(
    swept, tmp_path, monkeypatch, to, module, name, stop
) -> None:
    def fail(*args: object) -> None:
        raise stop

    monkeypatch.setattr(module, name, fail)
    with pytest.raises(
        StorageError if isinstance(stop, OSError) else KeyboardInterrupt,
        match="out: cannot be written .* free.: No space left" if isinstance(stop, OSError) else "",
    ):
        export(swept, to, tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_the_folders_have_the_permissions_of_others(swept, tmp_path) -> None:
    (tmp_path / "plain").mkdir()
    written = export(swept, "csv", tmp_path / "tables")
    assert written.stat().st_mode == (tmp_path / "plain").stat().st_mode


# ---------------------------------------------------------------- crate

_SCHEMA_ORG = """
    ComputerLanguage CreateAction CreativeWork Dataset PropertyValue SoftwareApplication
    SoftwareSourceCode about actionStatus additionalType contentSize datePublished description
    encodingFormat endTime error exampleOfWork hasPart instrument license mainEntity mentions name
    object programmingLanguage result softwareRequirements softwareVersion startTime unitText url
    value version workExample
"""
CONTEXT = {term: f"http://schema.org/{term}" for term in _SCHEMA_ORG.split()} | {
    "File": "http://schema.org/MediaObject",
    "conformsTo": "http://purl.org/dc/terms/conformsTo",
    "ComputationalWorkflow": "https://bioschemas.org/ComputationalWorkflow",
    "FormalParameter": "https://bioschemas.org/FormalParameter",
    "input": "https://bioschemas.org/ComputationalWorkflow#input",
    "output": "https://bioschemas.org/ComputationalWorkflow#output",
}
"""The terms of RO-Crate 1.1's context (https://w3id.org/ro/crate/1.1/context) that crates use.

The validator refuses a term that is not in here, so a new one has to be looked up there first.
"""


@pytest.fixture
def validate(monkeypatch: pytest.MonkeyPatch):
    """Give a function that returns what roc-validator objects to, without the network.

    The validator fetches one document, RO-Crate's context; it gets the terms above.
    """

    def send(session: object, request: requests.PreparedRequest, **_: object) -> requests.Response:
        assert request.url == "https://w3id.org/ro/crate/1.1/context"
        response = requests.Response()
        response.status_code, response.url = 200, request.url
        response.headers["Content-Type"] = "application/ld+json"
        response._content = json.dumps({"@context": CONTEXT}).encode()
        return response

    def validate(path: Path, profile: str = "workflow-run-crate") -> list[str]:
        settings = ValidationSettings(
            rocrate_uri=path,
            profile_identifier=profile,
            requirement_severity=Severity.REQUIRED,
            no_cache=True,
        )
        return [issue.message for issue in services.validate(settings).get_issues()]

    monkeypatch.setattr(requests.Session, "send", send)
    return validate


def described(path: Path) -> dict[str, dict]:
    """Return the entities of a crate by their identifiers."""
    graph = json.loads((path / "ro-crate-metadata.json").read_text("utf-8"))["@graph"]
    entities = {entity["@id"]: entity for entity in graph}
    assert len(entities) == len(graph)
    return entities


def referred(value: object) -> list[str]:
    """Return the identifiers that a property refers to."""
    return [item["@id"] for item in (value if isinstance(value, list) else [value])]


def of_type(entities: dict[str, dict], kind: str) -> list[dict]:
    return [entity for entity in entities.values() if kind in entity["@type"]]


def test_a_crate_is_valid(study, tmp_path, validate) -> None:
    assert validate(export(study, "crate", tmp_path / "crate")) == []


def test_a_crate_is_valid_as_any_crate(swept, tmp_path, validate) -> None:
    assert validate(export(swept, "crate", tmp_path / "crate"), "ro-crate-1.1") == []


def test_the_validator_sees_what_is_wrong(swept, tmp_path, validate) -> None:
    path = export(swept, "crate", tmp_path / "crate")
    file = path / "ro-crate-metadata.json"
    text = json.loads(file.read_text())
    for entity in text["@graph"]:
        if entity["@id"] == "#input/neuron":
            del entity["additionalType"]
        if entity["@id"] == "./":
            entity["made_up"] = "a term that no context has"
    file.write_text(json.dumps(text))
    (path / "summary.csv").unlink()
    issues = " ".join(validate(path))
    assert "FormalParameter MUST have an additionalType" in issues
    assert "summary.csv" in issues
    assert "made_up" in issues


def test_a_crate_holds_the_study(study, tmp_path) -> None:
    path = export(study, "crate", tmp_path / "crate")
    entities = described(path)
    files = {str(p.relative_to(path)) for p in path.rglob("*") if p.is_file()}
    assert set(referred(entities["./"]["hasPart"])) == files - {"ro-crate-metadata.json"}
    assert {"study.yaml", "dataset.nc", "summary.csv", "log.jsonl"} < files
    assert sum(name.startswith("shards/") for name in files) == len(
        list(study.folder.shards.glob("*.nc"))
    )
    for name in files - {"ro-crate-metadata.json"}:
        content = (study.path / name).read_bytes()
        assert (path / name).read_bytes() == content
        entity = entities[name]
        assert entity["sha256"] == hashlib.sha256(content).hexdigest()
        assert int(entity["contentSize"]) == len(content)
        assert entity["encodingFormat"] and entity["description"]
    with closing(izhi.open_study(path)) as again:
        assert again.dataset.identical(study.dataset)


def test_a_crate_holds_the_changes_that_were_not_committed(tmp_path, monkeypatch, validate) -> None:
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "notes.txt").write_text("one\n")
    for command in ("init -q", "add notes.txt", "-c user.name=a -c user.email=b commit -qm one"):
        subprocess.run(["git", *command.split()], cwd=mine, check=True)
    (mine / "notes.txt").write_text("two\n")
    monkeypatch.chdir(mine)
    with closing(izhi.run(SHORT, name="s", dir=tmp_path, progress=False)) as study:
        path = export(study, "crate")
        names = {state["diff"] for state in study.log[1]["environment"]["repositories"].values()
                 if "diff" in state}  # fmt: skip
        assert any("-one\n+two\n" in (path / name).read_text() for name in names)
        assert names <= set(referred(described(path)["./"]["hasPart"]))
        assert validate(path) == []
        changed = study.path / min(names)
        changed.write_text("three\n")
        told = verify(study.path, remark=lambda text: None).problems
        assert told == [f"{changed}: its SHA-256 is not the logged one"]
        with pytest.raises(StudyError, match="diff: not the file that the study's log tells of"):
            export(study, "crate", tmp_path / "other")


def test_a_crate_may_be_one_zip_file(swept, tmp_path) -> None:
    folder = export(swept, "crate", tmp_path / "crate")
    path = export(swept, "crate", tmp_path / "crate.zip")
    with zipfile.ZipFile(path) as archive:
        names = set(archive.namelist())
        assert names == {str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file()}
        assert archive.read("dataset.nc") == (folder / "dataset.nc").read_bytes()


def test_a_crate_has_the_values_of_every_key_with_their_units(swept, tmp_path) -> None:
    entities = described(export(swept, "crate", tmp_path / "crate"))
    workflow = entities[entities["./"]["mainEntity"]["@id"]]
    values = {}
    for slot in map(entities.get, referred(workflow["input"])):
        value = entities[slot["workExample"]["@id"]]
        assert value["exampleOfWork"] == {"@id": slot["@id"]}
        assert value["name"] == slot["name"]
        values[slot["name"]] = (value["value"], value.get("unitText"), slot["additionalType"])
    asked = json.loads(swept.dataset.attrs["config"])["configs"]
    keys = {
        key for config in asked for key in config if not key.startswith(("run", "study", "rec"))
    }
    assert set(values) == keys | {"neuron", "synapse.U_0", "stimulus.amplitude"}
    assert values["neuron"] == (["chattering", "fast_spiking"], None, "Text")
    assert values["synapse.U_0"] == ([0.1, 0.7], None, "Float")
    assert values["stimulus.amplitude"] == ([3, 12], "mV", "Float")
    assert values["neuron.c"] == ([-50, -65], "mV", "Float")
    assert values["neuron.v_th"] == (30, "mV", "Float")
    assert values["neuron.u_0"] == ("rest", None, "Text")
    assert values["simulation.dt"] == (0.1, "ms", "Float")
    assert values["simulation.seed"] == (0, None, "Integer")
    assert values["circuit.populations.pre.stimulated"] == (True, None, "Boolean")


def test_a_crate_tells_how_the_results_were_made(swept, tmp_path) -> None:
    entities = described(export(swept, "crate", tmp_path / "crate"))
    (action,) = of_type(entities, "CreateAction")
    assert referred(entities["./"]["mentions"]) == [action["@id"]]
    assert action["startTime"] == swept.log[0]["time"]
    assert action["endTime"] == swept.log[-1]["time"]
    assert action["instrument"] == entities["./"]["mainEntity"] == {"@id": "study.yaml"}
    made = {name for name in referred(entities["./"]["hasPart"]) if name.endswith((".nc", ".csv"))}
    assert set(referred(action["result"])) == made
    assert set(referred(action["object"])) == {e["@id"] for e in of_type(entities, "PropertyValue")}
    assert "agent" not in action  # nobody is invented
    assert entities["./"]["description"] == (
        f"Spiking neurons, simulated with izhi {izhi.__version__}: 8 points of 3 cells, swept over "
        "neuron, synapse.U_0, stimulus.amplitude."
    )
    (environment,) = (e["environment"] for e in swept.log if "environment" in e)
    software = {e["name"]: e["softwareVersion"] for e in of_type(entities, "SoftwareApplication")}
    told = {
        "izhi": environment["izhi"],
        "python": environment["python"],
        **environment["libraries"],
    }
    assert {name: software[name] for name in told} == told
    assert not of_type(entities, "Person") and not of_type(entities, "Organization")


def test_each_run_of_a_study_is_an_action_and_has_what_it_made(tmp_path) -> None:
    overrides = [*SHORT, "neuron=chattering,resonator", "run.shard_points=1"]
    study = izhi.run(overrides, name="again", dir=tmp_path, progress=False)
    lost = max(study.folder.shards.iterdir())
    lost.unlink()
    study.close()
    study = izhi.run(overrides, name="again", dir=tmp_path, progress=False)
    path = export(study, "crate")
    first, second = of_type(described(path), "CreateAction")
    kept = min(study.folder.shards.iterdir())
    assert referred(first["result"]) == [f"shards/{kept.name}"]
    assert set(referred(second["result"])) == {"dataset.nc", "summary.csv", f"shards/{lost.name}"}
    assert first["endTime"] <= second["startTime"]
    study.close()


def test_runs_of_a_log_that_says_more() -> None:
    swept, more = [{"key": "a", "values": [1]}], [{"key": "a", "values": [1, 2]}]
    log = [
        {"time": "1", "event": "started", "command": ["izhi", "run", "a=1 ms"]},
        {"time": "2", "event": "planned", "axes": swept, "environment": {"izhi": "1"}},
        {"time": "3", "event": "shard_done", "shard": "one.nc"},
        {"time": "4", "event": "interrupted"},
        {"time": "5", "event": "started", "command": ["izhi", "run", "-m", "a=1,2"]},
        {"time": "6", "event": "extended", "axes": more, "environment": {"izhi": "2"}},
        {"time": "7", "event": "resumed", "environment": {"izhi": "2"}},
        {"time": "8", "event": "shard_done", "shard": "two.nc"},
        {"time": "9", "event": "gathered", "failed": 0},
        {"time": "99", "event": "verified"},
    ]
    first, second = runs(log)
    assert (first.started, first.ended, first.failed) == ("1", "4", None)
    assert (second.started, second.ended, second.failed) == ("5", "9", 0)
    assert (first.command, second.command) == ("izhi run 'a=1 ms'", "izhi run -m a=1,2")
    assert (first.axes, second.axes) == (swept, more)
    assert (first.shards, second.shards) == (("one.nc",), ("two.nc",))
    assert (first.environment, second.environment) == ({"izhi": "1"}, {"izhi": "2"})


def rewritten(study: izhi.Study, change) -> None:
    """Change the events of a study's log."""
    events = study.log
    change(events)
    study.folder.log.write_text("".join(json.dumps(event) + "\n" for event in events))


def test_an_earlier_run_with_other_values_is_not_said_to_have_had_these(copy, validate) -> None:
    def grow(events: list[dict]) -> None:
        axes = json.loads(copy.dataset.attrs["config"])["axes"]
        fewer = [{**axes[0], "values": axes[0]["values"][:1]}, *axes[1:]]
        stamp = events[0]["time"]
        events[0] |= {"event": "extended", "axes": axes}
        events[:0] = [
            {"time": stamp, "event": "started", "command": ["izhi", "run", "a"]},
            {"time": stamp, "event": "planned", "axes": fewer},
            {"time": stamp, "event": "started", "command": ["izhi", "run", "b"]},
        ]

    rewritten(copy, grow)
    path = export(copy, "crate")
    first, second = of_type(described(path), "CreateAction")
    assert "object" not in first and "object" in second
    assert first["actionStatus"] == "http://schema.org/FailedActionStatus"
    assert second["actionStatus"] == "http://schema.org/CompletedActionStatus"
    assert second["description"].startswith("izhi run b; ")
    assert validate(path) == []


@pytest.mark.parametrize("name", ["dataset.nc", "summary.csv", "shards"])
def test_a_file_that_is_not_the_one_in_the_log_is_not_exported(copy, name) -> None:
    shard = min(copy.folder.shards.iterdir())

    def add_digests(events: list[dict]) -> None:
        def digest(path: Path) -> str:
            return hashlib.sha256(path.read_bytes()).hexdigest()

        names = ("dataset.nc", "summary.csv")
        events[-1]["files"] = {n: {"sha256": digest(copy.path / n)} for n in names}
        for event in events:
            if event["event"] == "shard_done":
                event["sha256"] = digest(copy.folder.shards / event["shard"])

    rewritten(copy, add_digests)
    shutil.rmtree(export(copy, "crate"))  # all is well
    with open(shard if name == "shards" else copy.path / name, "ab") as file:
        file.write(b"\n")
    with pytest.raises(StudyError, match=f"{name}.*: not the file that the study's log tells of"):
        export(copy, "crate")
    assert [path.name for path in copy.path.parent.iterdir()] == ["swept"]


def test_a_crate_needs_a_log_that_tells_of_a_run(copy) -> None:
    copy.folder.log.write_text("")
    with pytest.raises(StudyError, match="tells of no run"):
        export(copy, "crate")


def test_a_crate_without_a_file_of_the_study_is_not_made(copy) -> None:
    copy.folder.config.unlink()
    with pytest.raises(StudyError, match=r"study\.yaml: missing"):
        export(copy, "crate")


def test_without_rocrate_one_is_told_what_to_install(swept, tmp_path, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "rocrate.rocrate", None)
    with pytest.raises(IzhiError, match=r"pip install 'izhi\[crate\]'"):
        export(swept, "crate", tmp_path / "crate")


def test_text_of_a_config_is_data(tmp_path, validate) -> None:
    name = '<b>x, "y" é'
    configs = tmp_path / "conf" / "neuron"
    configs.mkdir(parents=True)
    chattering = Path(izhi.__file__).parents[1] / "conf" / "neuron" / "chattering.yaml"
    shutil.copy(chattering, configs / f"{name}.yaml")
    study = izhi.run(
        [*SHORT, f"neuron=resonator,'{name}'"],
        name="odd", dir=tmp_path, config_dir=configs.parent, progress=False,
    )  # fmt: skip
    path = export(study, "crate")
    assert described(path)["#value/neuron"]["value"] == ["resonator", name]
    assert validate(path) == []
    spikes = read(export(study, "csv") / "spikes.csv")
    assert list(spikes["neuron"].unique()) == ["resonator", name]


# ---------------------------------------------------------------- csv


def read(path: Path, *numbers: str) -> pd.DataFrame:
    """Return a table of text, some columns as the numbers that Python reads there."""
    table = pd.read_csv(path, dtype=str, keep_default_na=False, comment="#")
    return table.assign(**{name: table[name].map(float) for name in numbers})


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Cut what is copied into many pieces, some of them within a train."""
    monkeypatch.setattr(tables, "_CHUNK", 7)
    monkeypatch.setattr(netcdf, "_CHUNK", 7)


def test_tables_have_every_spike_in_order_and_to_the_bit(swept, tmp_path, small) -> None:
    path = export(swept, "csv", tmp_path / "csv")
    table = read(path / "spikes.csv", "time", "U_0", "amplitude")
    assert list(table) == [*swept.axes, "cell", "time"]
    assert len(table) == swept.spikes.sizes["spike"] > 20
    assert np.array_equal(table["time"].values, swept.spikes["spike_time"].values)
    for (neuron, weight, amplitude, cell), rows in table.groupby([*swept.axes, "cell"]):
        times = swept.spike_times(cell, neuron=neuron, U_0=weight, amplitude=amplitude)
        assert np.array_equal(rows["time"].values, times)
    counts = swept.dataset["spike_count"].values
    assert len(table.groupby([*swept.axes, "cell"])) == np.count_nonzero(counts > 0)


def test_tables_do_not_depend_on_the_pieces(study, tmp_path, monkeypatch) -> None:
    whole = export(study, "csv", tmp_path / "whole")
    # the samples are many more than the spikes, which are cut into threes in the other studies
    monkeypatch.setattr(tables, "_CHUNK", 37 if study.path.name == "traced" else 3)
    pieces = export(study, "csv", tmp_path / "pieces")
    for path in whole.iterdir():
        assert (pieces / path.name).read_bytes() == path.read_bytes()


def test_which_tables_there_are(study, tmp_path) -> None:
    path = export(study, "csv", tmp_path / "csv")
    expected = {"summary.csv", "spikes.csv", "traces.csv", "units.csv"}
    if study.path.name != "traced":
        expected.remove("traces.csv")
    if study.path.name == "silent":
        expected.remove("spikes.csv")
    assert {file.name for file in path.iterdir()} == expected
    assert (path / "summary.csv").read_bytes() == study.folder.summary.read_bytes()


def test_tables_have_every_sample_to_the_bit(folder, tmp_path, small) -> None:
    study = izhi.open_study(folder / "traced")
    path = export(study, "csv", tmp_path / "csv")
    table = read(path / "traces.csv", "amplitude", "time", "v", "u", "I")
    assert list(table) == [*study.axes, "cell", "time", "v", "u", "I"]
    trains = 0
    for (circuit, amplitude, cell), rows in table.groupby([*study.axes, "cell"]):
        here = (study.traces["circuit"] == circuit) & (study.traces["amplitude"] == amplitude)
        trace = study.traces.isel(trace=int(np.flatnonzero(here)[0])).sel(cell=cell)
        for name in ("time", "v", "u", "I"):
            assert np.array_equal(rows[name].values, trace[name].values)
        trains += 1
    assert trains == 2 * (1 + 3)  # cells that a circuit does not have have no rows


def test_every_column_is_explained(study, tmp_path) -> None:
    path = export(study, "csv", tmp_path / "csv")
    told = read(path / "units.csv")
    assert list(told) == ["file", "column", "unit", "long_name", "comment"]
    for file in path.iterdir():
        if file.name != "units.csv":
            with open(file, newline="", encoding="utf-8") as text:
                header = next(csv.reader(line for line in text if not line.startswith("#")))
            assert list(told[told["file"] == file.name]["column"]) == header
    assert (told["long_name"] != "").all()
    units = dict(zip(told["column"], told["unit"], strict=True))
    assert units["firing_rate"] == "Hz" and units["burst_rate"] == "1/min"
    assert units.get("time", "s") == "s" and units.get("v", "V") == "V"
    assert units.get("amplitude", "mV") == "mV"
    status = told[told["column"] == "status"]["comment"].item()
    assert status == "0 done, 1 not_run, 2 failed, 3 diverged"


def test_no_name_in_the_tables_is_a_formula(swept, tmp_path, monkeypatch) -> None:
    rate = swept.dataset["firing_rate"].attrs
    monkeypatch.setitem(rate, "long_name", '=HYPERLINK("http://x","y")')
    monkeypatch.setitem(rate, "comment", "+1+cmd|x")
    told = read(export(swept, "csv", tmp_path / "csv") / "units.csv")
    (row,) = told[told["column"] == "firing_rate"].itertuples()
    assert row.long_name == '\'=HYPERLINK("http://x","y")' and row.comment == "'+1+cmd|x"


# ---------------------------------------------------------------- netcdf


def groups(path: Path) -> dict[str, xr.Dataset]:
    """Return all groups of a file, read and closed: netCDF must not have one file open twice."""
    opened = dict(xr.open_groups(path))
    try:
        return {name: group.load() for name, group in opened.items()}
    finally:
        for group in opened.values():
            group.close()


def test_one_file_has_all_groups_with_their_attributes(study, tmp_path) -> None:
    path = export(study, "netcdf", tmp_path / "all.nc")
    study.close()
    copied, original = groups(path), groups(study.folder.dataset)
    assert set(copied) == {*original, "/provenance"}
    for name, group in original.items():
        assert copied[name].identical(group)
        assert {v: list(copied[name][v].attrs) for v in group.variables} == {
            v: list(group[v].attrs) for v in group.variables
        }
    with xr.open_dataset(path) as dataset:
        assert dataset.identical(original["/"])
        assert dataset.attrs["Conventions"] == "CF-1.11"


def leaves(group: netCDF4.Group) -> dict[str, netCDF4.Variable]:
    """Return the variables of a file by their paths, as they are stored."""
    found = {f"{group.path}/{name}": variable for name, variable in group.variables.items()}
    for part in group.groups.values():
        found |= leaves(part)
    for variable in found.values():
        variable.set_auto_maskandscale(False)
        variable.set_auto_chartostring(False)
    return found


def test_one_file_has_the_same_bits_compressed(study, tmp_path, small) -> None:
    path = export(study, "netcdf", tmp_path / "all.nc")
    study.close()
    with netCDF4.Dataset(path) as copied, netCDF4.Dataset(study.folder.dataset) as original:
        copies, originals = leaves(copied), leaves(original)
        assert {name for name in copies if not name.startswith("/provenance")} == set(originals)
        for name, variable in originals.items():
            copy = copies[name]
            assert (copy.dtype, copy.dimensions) == (variable.dtype, variable.dimensions)
            assert np.asarray(copy[...]).tobytes() == np.asarray(variable[...]).tobytes() or (
                variable.dtype is str and copy[...].tolist() == variable[...].tolist()
            )
            if variable.dtype is not str and variable.size and variable.shape:
                assert copy.filters()["zlib"] and copy.filters()["shuffle"]
                assert not copy.filters()["zstd"]
                assert np.prod(copy.chunking()) <= 7
            told = {a: np.asarray(variable.getncattr(a)).tolist() for a in variable.ncattrs()}
            assert str({a: np.asarray(copy.getncattr(a)).tolist() for a in told}) == str(told)
        for name, dimension in original.dimensions.items():
            assert copied.dimensions[name].isunlimited() == dimension.isunlimited()


def test_one_file_tells_how_it_was_made(copy, tmp_path) -> None:
    rewritten(copy, lambda events: events[-1].update(digest="0123abcd"))
    path = export(copy, "netcdf", tmp_path / "all.nc")
    with xr.open_dataset(path, group="provenance") as told:
        assert [json.loads(line) for line in told["log"].values] == copy.log
        assert told["study"].item() == copy.folder.config.read_text("utf-8")
        assert told.attrs["digest"] == "0123abcd"


def test_a_file_without_a_digest_says_nothing_of_it(swept, tmp_path) -> None:
    path = export(swept, "netcdf", tmp_path / "all.nc")
    known = any(event.get("digest") for event in swept.log)
    with xr.open_dataset(path, group="provenance") as told:
        assert ("digest" in told.attrs) == known


@pytest.mark.parametrize("to", ["csv", "netcdf"])
def test_a_dataset_that_cannot_be_read_is_an_error(copy, to) -> None:
    size = copy.folder.dataset.stat().st_size
    with open(copy.folder.dataset, "r+b") as file:
        file.truncate(size // 2)
    with pytest.raises(StudyError, match=r"swept/dataset\.nc: "):
        export(copy, to)
    assert list(copy.path.parent.iterdir()) == [copy.path]


def test_a_description_is_made_without_writing_anything(swept) -> None:
    before = sorted(swept.path.rglob("*"))
    crate.describe(swept)
    assert sorted(swept.path.rglob("*")) == before
