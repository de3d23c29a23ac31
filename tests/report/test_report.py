"""The page of a study: what is in it, and writing it."""

import base64
import json
import re
import zlib

import numpy as np
import pytest

import izhi
from izhi.report.page import make

SWEEP = ["-m", "neuron=chattering,resonator", "synapse.U_0=0.2,0.6", "stimulus.amplitude=4,8,12"]


@pytest.fixture(scope="module")
def study(run):
    return run(*SWEEP[1:], "run.engine=compiled")


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
    return unpacked(make.report(study.path))


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
    study = run("run.engine=numpy", "simulation.duration='30 ms'")
    assert unpacked(study.path / "report.html")["title"] == study.path.name
    silent = run("run.engine=numpy", "simulation.duration='30 ms'", "run.report=none")
    assert not (silent.path / "report.html").exists()


def test_a_page_that_cannot_be_written_fails_no_run(run, at_end, monkeypatch, capsys):
    def full(path, title, payload):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(make, "at_end", at_end)
    monkeypatch.setattr(make, "write", full)
    study = run("run.engine=numpy", "simulation.duration='30 ms'")
    assert int(study.dataset["status"]) == 0
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"warning: no report of {study.path}: ")
    assert "No space left on device" in line
    with pytest.raises(izhi.IzhiError, match="cannot be written"):
        izhi.write_report(study.path)
