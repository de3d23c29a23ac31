"""The page of a study: what is in it, and writing it."""

import base64
import json
import re
import shutil
import zlib
from dataclasses import replace

import netCDF4
import numpy as np
import pytest
import yaml

import izhi
from izhi.cli import main
from izhi.config.compose import compose
from izhi.errors import StorageError
from izhi.report import samples
from izhi.report.page import grid, library, make, mathml, models, payload, provenance
from izhi.study import description, overview
from izhi.study.folder import StudyFolder

SHORT = ["run.engine=numpy", "simulation.duration='100 ms'"]


@pytest.fixture(scope="module")
def study(run):
    axes = ["neuron=chattering,resonator", "synapse.U_0=0.2,0.6", "stimulus.amplitude=4,8,12"]
    return run(*axes, *SHORT)


def unpacked(path):
    """Return what the payload of a page holds, with numpy arrays in it."""
    text = path.read_text("utf-8")
    length, packed = re.search(r'id="payload" data-json-length="(\d+)">([^<]*)<', text).groups()
    data = zlib.decompress(base64.b64decode(packed))
    assert int(length) % 4 == 0
    return _with_arrays(json.loads(data[: int(length)]), data[int(length) :])


def _with_arrays(value, blob):
    if isinstance(value, list):
        return [_with_arrays(inner, blob) for inner in value]
    if not isinstance(value, dict):
        return value
    if value.keys() == {"dtype", "shape", "offset"}:
        assert value["offset"] % 4 == 0
        count = int(np.prod(value["shape"]))
        dtype = np.dtype(value["dtype"]).newbyteorder("<")
        return np.frombuffer(blob, dtype, count, value["offset"]).reshape(value["shape"])
    return {name: _with_arrays(inner, blob) for name, inner in value.items()}


@pytest.fixture(scope="module")
def shown(study):
    return unpacked(make.report(study.path, sample=0))


def test_a_page_holds_the_numbers_of_the_dataset(study, shown):
    dataset = study.dataset
    assert [axis["name"] for axis in shown["axes"]] == ["neuron", "U_0", "amplitude"]
    assert [axis["labels"] for axis in shown["axes"]] == [
        dataset[name].values.tolist() for name in study.axes
    ]
    assert shown["cells"] == dataset["cell"].values.tolist()
    names = {one["name"]: one for one in shown["statistics"]}
    assert set(names) == set(dataset.data_vars) - {"status"}
    for name, one in names.items():
        wanted = dataset[name].values
        wanted = wanted.astype(np.float32) if wanted.dtype.kind == "f" else wanted
        np.testing.assert_array_equal(one["values"], wanted)
    np.testing.assert_array_equal(shown["status"], dataset["status"].values)
    np.testing.assert_array_equal(shown["points"].ravel(), np.arange(12))


def test_a_page_holds_the_spikes(study, shown):
    raster = shown["rasters"]
    np.testing.assert_array_equal(raster["point"], np.arange(12))
    np.testing.assert_array_equal(raster["count"].ravel(), study.spikes["spike_count"].values)
    np.testing.assert_array_equal(
        raster["time"], study.spikes["spike_time"].values.astype(np.float32)
    )


def test_izhi_run_writes_a_page_at_its_end(run, at_end, monkeypatch):
    monkeypatch.setattr(make, "at_end", at_end)
    study = run(*SHORT)
    assert unpacked(study.path / "report.html")["title"] == study.path.name
    silent = run(*SHORT, "run.report=none")
    assert not (silent.path / "report.html").exists()


def test_a_page_that_cannot_be_written_fails_no_run(run, at_end, monkeypatch, capsys):
    def full(path, title, payload):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(make, "at_end", at_end)
    monkeypatch.setattr(make, "write", full)
    study = run(*SHORT)
    assert int(study.dataset["status"]) == 0
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"warning: no report of {study.path}: ")
    assert "No space left on device" in line
    with pytest.raises(StorageError, match=r"cannot be written .* free.: No space left on device"):
        izhi.write_report(study.path, sample=0)


def test_a_page_whose_traces_fail_has_none(study, at_end, monkeypatch, tmp_path, capsys):
    def fail(*given):
        raise izhi.EngineError("the program\nended with 1")

    copy = tmp_path / "copy"
    shutil.copytree(study.path, copy, ignore=shutil.ignore_patterns("report.html"))
    monkeypatch.setattr(samples, "samples", fail)
    sweep = overview.asked(study)
    sampled = tuple(replace(b, values={**b.values, "run.report": "sample"}) for b in sweep.bases)
    page = at_end(StudyFolder(copy), replace(sweep, bases=sampled))
    assert unpacked(page)["samples"] is None
    said = f"warning: no traces in {page}: the program ended with 1\n"
    assert capsys.readouterr().err == said
    with pytest.raises(izhi.EngineError):
        make.report(copy)


def test_a_dataset_alone_of_points_that_failed_has_a_page(study, tmp_path):
    alone = tmp_path / "alone"
    alone.mkdir()
    shutil.copy(study.path / "dataset.nc", alone)
    with netCDF4.Dataset(alone / "dataset.nc", "a") as file:
        file.set_auto_maskandscale(False)
        file["status"][...] = 2
        for variable in file.variables.values():
            if variable.dimensions[-1] in ("cell", "projection") and len(variable.shape) > 1:
                variable[...] = np.nan if variable.dtype.kind == "f" else -1
    data = unpacked(make.report(alone))
    assert dict(data["facts"]) == {"state": "unknown", "points": "12: 12 failed"}
    assert data["samples"] is None
    assert not any(np.isfinite(one["values"]).any() for one in data["statistics"]
                   if one["values"].dtype.kind == "f")  # fmt: skip


def test_models_have_their_equations_and_their_parameters(shown):
    neuron, synapse, _, circuit = shown["models"]
    assert [m["kind"] for m in shown["models"]] == ["neuron", "synapse", "stimulus", "circuit"]
    assert [len(neuron[part]) for part in ("equations", "threshold", "reset")] == [2, 1, 2]
    assert (len(synapse["equations"]), len(synapse["on_pre"])) == (4, 4)
    assert circuit["equations"] == [
        mathml.inputs("pre", ["stimulus"]), mathml.inputs("post", ["pre_to_post"]),
    ]  # fmt: skip
    rows = {key: rest for m in shown["models"] for _, key, *rest in m["parameters"]}
    assert rows["synapse.U_0"] == ["0.2 to 0.6", "", "swept: 0.2 to 0.6, 2 values"]
    assert rows["synapse.tau_f"] == ["300", "ms", ""]
    assert rows["neuron.c"] == ["-50, -65", "mV", "by neuron: -50: chattering; -65: resonator"]
    assert rows["neuron.u_0"] == ["rest", "", "rest is b*v_0"]
    assert rows["neuron.constants.C1"] == ["0.04", "1/mV", "constant"]
    assert rows["circuit.populations.pre"] == ["2 cells", "", "with stimulus"]
    assert "neuron.equations" not in rows


def test_models_of_other_circuits():
    def told(*overrides):
        found = models.models(compose(overrides, multirun=True))
        return {m["title"]: m["equations"] for m in found}, [m["kind"] for m in found]

    source, kinds = told("neuron@pre.neuron=source/poisson_train")
    assert kinds == ["neuron", "neuron", "synapse", "circuit"]  # a source has no stimulus
    assert source["circuit of pre and post"] == [mathml.inputs("post", ["pre_to_post"])]
    rewired, kinds = told("circuit.populations.post.stimulated=true,false")
    assert "stimulus" in kinds
    assert rewired["circuit of pre and post"] == []
    network, _ = told("circuit=excitatory_inhibitory")
    assert network["circuit of e and i"] == [
        mathml.inputs("e", ["e_to_e", "i_to_e", "stimulus"]),
        mathml.inputs("i", ["e_to_i", "i_to_i", "stimulus"]),
    ]


def test_a_text_that_is_swept_is_shown_with_all_its_values():
    sweep = compose(["neuron.threshold=choice('v > v_th','v >= v_th')"], multirun=True)
    assert models.models(sweep)[0]["threshold"] == [
        mathml.condition("v > v_th"), mathml.condition("v >= v_th"),
    ]  # fmt: skip


def test_a_page_says_where_it_comes_from(study, shown):
    facts, told = dict(shown["facts"]), dict(shown["provenance"])
    assert facts["points"] == "12: 12 done"
    assert facts["digest"] == study.digest
    assert facts["state"] == "done"
    assert told["izhi"] == izhi.__version__
    assert {"flags", "cpu", "libraries.brian2", "seeds"} <= told.keys()
    config = yaml.safe_load(shown["config"])
    assert config["config"]["synapse"]["tau_f"] == "300 ms"
    assert [part["neuron"]["c"] for part in config["differing"]] == ["-50 mV", "-65 mV"]


def test_traces_are_simulated_into_a_page(study, tmp_path):
    page = make.report(study.path, tmp_path / "x.html", sample=2)
    samples = unpacked(page)["samples"]
    assert 1 <= samples["point"].size <= 2
    trace = next(t for t in samples["traces"] if (t["variable"], t["label"]) == ("v", "pre0"))
    offset, factor = trace["scale"]
    assert offset + factor * trace["values"][trace["row"][0], 0] == pytest.approx(-65, abs=0.1)
    assert samples["peak"].shape == (samples["point"].size, 3)


HOSTILE = "</script><script>alert(1)</script><!--payload--><!-- & \"'"


def test_hostile_names_and_texts_are_escaped(study, tmp_path, monkeypatch):
    folder = tmp_path / "<img src=x onerror=alert(1)>&amp;<!--payload-->"
    shutil.copytree(study.path, folder)
    real = payload.collect

    def collect(*given):
        data = real(*given)
        return {**data, "config": HOSTILE, "facts": [["command", HOSTILE]]}

    monkeypatch.setattr(payload, "collect", collect)
    page = make.report(folder, sample=0)
    text, data = page.read_text("utf-8"), unpacked(page)
    assert data["config"] == HOSTILE
    assert data["title"] == folder.name
    assert "alert(1)" not in re.sub(r"<(title|h1)[^>]*>[^<]*</", "", text)
    escaped = "&lt;img src=x onerror=alert(1)&gt;&amp;amp;&lt;!--payload--&gt;"
    assert re.search(r"<title>([^<]*)</title>", text)[1] == escaped
    assert text.count('id="payload"') == 1


def test_a_hostile_description_becomes_no_markup(study):
    sweep = overview.asked(study)
    base = sweep.bases[0]
    values = {**base.values, "neuron.threshold": HOSTILE, "neuron.model": HOSTILE,
              "synapse.current": HOSTILE, "neuron.reset": HOSTILE}  # fmt: skip
    bad = replace(sweep, bases=(replace(base, values=values),) * len(sweep.bases))
    for model in models.models(bad):
        math = [m for part in ("equations", "threshold", "reset", "on_pre") for m in model[part]]
        math += [row[0] for row in model["parameters"]]
        assert not any("<script" in m or "<!--" in m for m in math)
    assert yaml.safe_load(provenance.config(bad))["config"]["neuron"]["model"] == HOSTILE


def test_attributes_that_are_no_text_and_numbers_without_a_word(study, tmp_path):
    path = shutil.copy(study.folder.dataset, tmp_path / "forged.nc")
    with netCDF4.Dataset(path, "r+") as file:
        file.set_auto_maskandscale(False)
        regime = file["regime"]
        regime.setncatts({"long_name": 3, "units": 2.5, "flag_meanings": "one two"})
        regime[...] = np.array([1, 2, -1])  # of the three cells
        found = payload._statistic(regime, grid.plan(file, overview.asked(study)))
    assert (found["title"], found["unit"], found["words"]) == ("3", "2.5", ["one", "two"])
    assert np.unique(found["values"].reshape(-1, 3), axis=0).tolist() == [[1, -1, -1]]


def test_a_study_without_spikes_or_with_few_statistics_has_a_page(run):
    study = run(*SHORT, "record=statistics", "statistics=basic", "stimulus.amplitude=4,8")
    data = unpacked(make.report(study.path, sample=0))
    assert data["rasters"] is None
    assert {one["name"] for one in data["statistics"]} == set(study.dataset.data_vars) - {"status"}


def test_a_library_that_was_damaged_in_the_cache_is_made_again(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    made = library.library()
    (kept,) = (tmp_path / "izhi" / "report").iterdir()
    code = zlib.decompress(base64.b64decode(made.text))
    assert b"plotly.js v" in code[:200]
    for damaged in (kept.read_bytes()[:-5], b"00000000\nabc"):
        kept.write_bytes(damaged)
        assert library.library() == made
        assert kept.read_bytes().endswith(made.text)
    kept.unlink()
    kept.parent.rmdir()
    kept.parent.write_text("a file where a folder is expected")
    assert library.library() == made


@pytest.mark.parametrize("target, said", [
    ("no/such/folder/x.html", "no folder .*no/such/folder to write it to"),
    ("dataset.nc", "expected a name that ends in .html"),
    ("folder.html", "is no file that a page could take the place of"),
])  # fmt: skip
def test_where_a_page_cannot_go(study, tmp_path, target, said):
    (tmp_path / "folder.html").mkdir()
    with pytest.raises(izhi.StudyError, match=said):
        make.report(study.path, tmp_path / target, sample=0)


def test_a_study_may_be_given_in_the_place_of_its_folder(study, tmp_path):
    page = izhi.write_report(study, tmp_path / "x.html", sample=0)
    assert page.read_bytes() == make.report(study.path, tmp_path / "y.html", 0).read_bytes()


def test_an_axis_with_holes_is_one_line(study, tmp_path, monkeypatch):
    real = payload.collect

    def with_hole(*args):
        data = real(*args)
        data["axes"][1]["labels"][0] = float("nan")
        return data

    monkeypatch.setattr(payload, "collect", with_hole)
    with pytest.raises(izhi.StudyError, match="cannot be reported: Out of range float values"):
        make.report(study.path, tmp_path / "x.html", sample=0)
    assert not list(tmp_path.iterdir())


def test_what_is_no_study_has_no_page(study, tmp_path, capsys):
    with pytest.raises(izhi.StudyError, match="no such folder"):
        make.report(tmp_path / "none")
    damaged = tmp_path / "damaged"
    shutil.copytree(study.path, damaged, ignore=shutil.ignore_patterns("report.html"))
    (damaged / "dataset.nc").write_bytes((study.path / "dataset.nc").read_bytes()[:-1000])
    assert main(["report", str(damaged)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: ")
    assert not (damaged / "report.html").exists()


def test_an_older_study_has_a_page_and_its_runs_one_at_their_end(study, at_end):
    sweep = overview.asked(study)
    older = tuple(
        replace(b, values={k: v for k, v in b.values.items() if k != "run.report"})
        for b in sweep.bases
    )
    assert description.read(description.of(replace(sweep, bases=older)), "x").bases[0] == older[0]
    page = at_end(study.folder, replace(sweep, bases=older))
    assert page == study.path / "report.html"
    assert unpacked(page)["samples"] is None


def test_the_report_is_no_part_of_what_a_study_is_known_by(study):
    sweep = overview.asked(study)
    other = tuple(replace(b, values={**b.values, "run.report": "none"}) for b in sweep.bases)
    assert description.fingerprint(replace(sweep, bases=other)) == description.fingerprint(sweep)


def test_commands_write_pages_and_say_where(study, at_end, monkeypatch, tmp_path, capsys):
    copy = tmp_path / "copy"
    shutil.copytree(study.path, copy)
    assert main(["report", str(copy), "--sample", "0", "-o", str(tmp_path / "x.html")]) == 0
    assert capsys.readouterr().out == f"{tmp_path / 'x.html'}\n"
    assert unpacked(tmp_path / "x.html")["title"] == "copy"
    monkeypatch.setattr(make, "at_end", at_end)
    (copy / "report.html").unlink(missing_ok=True)
    assert main(["summarise", str(copy), "statistics.measures=[isi_cv]"]) == 0
    assert f"report: {copy / 'report.html'}" in capsys.readouterr().out.splitlines()
    names = [one["name"] for one in unpacked(copy / "report.html")["statistics"]]
    assert names[0] == "spike_count" and "isi_cv" in names


def test_the_page_of_the_default_sweep_is_small(compiler, run):
    """Its traces take two megabytes at most, see :mod:`izhi.report.samples`."""
    study = run("+experiment=presets_u0_amplitude")
    page = make.report(study.path, sample=0)
    assert unpacked(page)["points"].size == 693
    assert page.stat().st_size <= 6_000_000 - 2_000_000 * 4 / 3
