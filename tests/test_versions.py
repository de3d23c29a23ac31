"""A study with points of several versions says so wherever somebody looks at it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
import xarray as xr

import izhi
from izhi import cli
from izhi.report.page import make, provenance
from izhi.study import overview, versions
from izhi.study.summarise import summarise
from izhi.study.verify import verify

SWEEP = ["circuit=single", "synapse=none", "simulation.duration='50 ms'", "run.engine=numpy"]
NAMES = ("izhi", "brian2", "numpy")


@contextmanager
def installed(**versions_here: str) -> Iterator[None]:
    """Act as if other versions were installed."""
    version = metadata.version
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(metadata, "version", lambda name: versions_here.get(name) or version(name))
        yield


def run(folder: Path, amplitudes: str, *others: str, **versions_here: str) -> None:
    """Run a sweep as if other versions were installed."""
    with installed(**versions_here):
        overrides = [*SWEEP, f"stimulus.amplitude={amplitudes}", *others]
        izhi.run(overrides, name="s", dir=folder, progress=True).close()


@pytest.fixture(scope="module", params=NAMES)
def mixed(tmp_path_factory: Any, request: Any) -> tuple[Path, str]:
    """Return a study of three points, and what is to be read of it."""
    name, folder = request.param, tmp_path_factory.mktemp("mixed")
    run(folder, "4,6")
    run(folder, "4,6,8", **{name: "99.9"})
    return folder / "s", f"{name} {metadata.version(name)} (2 points), 99.9 (1 point)"


def test_it_is_said_everywhere(mixed: tuple[Path, str], capsys: Any) -> None:
    study, expected = mixed
    several = f"points of several versions: {expected}"
    assert [e["text"] for e in izhi.open_study(study).log if e["event"] == "warning"] == [several]
    assert several in verify(study).notes
    assert cli.main(["verify", str(study)]) == 0
    assert f"note   {several}\n" in capsys.readouterr().out
    assert cli.main(["show", str(study)]) == 0
    rows = [line for line in capsys.readouterr().out.splitlines() if line.startswith("versions ")]
    assert [row.removeprefix("versions").strip() for row in rows] == [several]
    with xr.open_dataset(study / "dataset.nc") as dataset:
        assert expected in dataset.attrs["versions"]
    status = izhi.open_study(study).dataset["status"].values
    facts = dict(provenance.facts(overview.existing(study), izhi.open_study(study).log, status))
    assert facts["versions"] == several
    assert make.report(study, sample=0).is_file()


def test_an_nwb_file_names_all_versions(mixed: tuple[Path, str], tmp_path: Path) -> None:
    pynwb = pytest.importorskip("pynwb")
    study, expected = mixed
    name = expected.split()[0]
    assert cli.main(["export", str(study), "--to", "nwb", "-o", str(tmp_path / "s.nwb")]) == 0
    with pynwb.NWBHDF5IO(tmp_path / "s.nwb", "r") as io:
        told = io.read().experiment_description
    assert f"{name} {metadata.version(name)} and 99.9" in told
    assert f"Points of several versions: {expected}." in told


def test_statistics_of_other_versions_than_the_spikes_are_said_to_be(
    tmp_path: Path, capsys: Any
) -> None:
    run(tmp_path, "4,6")
    study = tmp_path / "s"
    summarise(study, ["statistics.min_spikes=4"])
    assert "versions" not in capsys.readouterr().err
    with installed(izhi="7.7", numpy="9.9"):
        summarise(study, ["statistics.min_spikes=5"])
    expected = "statistics of 2 points recomputed with izhi 7.7, numpy 9.9"
    assert f"warning: {expected}\n" in capsys.readouterr().err
    assert expected in verify(study).notes
    assert verify(study).problems == []
    assert cli.main(["show", str(study)]) == 0
    rows = [line for line in capsys.readouterr().out.splitlines() if line.startswith("versions ")]
    assert [row.removeprefix("versions").strip() for row in rows] == [expected]
    with xr.open_dataset(study / "dataset.nc") as dataset:
        assert dataset.attrs["versions"].endswith(f"; {expected}")
    status = izhi.open_study(study).dataset["status"].values
    facts = dict(provenance.facts(overview.existing(study), izhi.open_study(study).log, status))
    assert facts["versions"] == expected
    summarise(study, ["statistics.min_spikes=3"])  # those of the shards
    assert not any("recomputed" in note for note in verify(study).notes)
    assert verify(study).problems == []


def test_runs_that_go_on_say_it_too(tmp_path: Path, capsys: Any) -> None:
    run(tmp_path, "4,6", izhi="99.9")
    assert "versions" not in capsys.readouterr().err
    run(tmp_path, "4,6")  # nothing is simulated
    assert "versions" not in capsys.readouterr().err
    run(tmp_path, "4,6,8")
    here = izhi.__version__
    several = f"points of several versions: izhi 99.9 (2 points), {here} (1 point)"
    assert f"warning: {several}\n" in capsys.readouterr().err
    run(tmp_path, "4,6,8")
    assert f"warning: {several}\n" in capsys.readouterr().err
    summarise(tmp_path / "s", ["statistics.min_spikes=3"])
    assert f"warning: {several}\n" in capsys.readouterr().err


def test_a_study_of_one_version_says_nothing(tmp_path: Path, capsys: Any) -> None:
    run(tmp_path, "4,6")
    run(tmp_path, "4,6,8")
    assert "versions" not in capsys.readouterr().err
    assert not any("versions" in note for note in verify(tmp_path / "s").notes)


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ([], ""),
        ([(2, {})], "2 points of unknown versions"),
        ([(2, {name: "1" for name in versions.NAMES})], ""),
        ([(1, {name: "1" for name in versions.NAMES}), (2, {})],
         "points of several versions: izhi 1 (1 point), unknown (2 points); brian2 1 (1 point), "
         "unknown (2 points); numpy 1 (1 point), unknown (2 points); python 1 (1 point), unknown "
         "(2 points)"),
    ],
)  # fmt: skip
def test_versions_that_no_record_tells_of_are_unknown(parts: Any, expected: str) -> None:
    assert versions.several(parts) == expected
