"""Every experiment still gives the results that are stored beside it, to the bit, and again."""

import json
import re
import shutil
from pathlib import Path

import pandas as pd
import pytest

import izhi
from analysis import stored_studies
from izhi import cli
from izhi.study import overview

ROOT = Path(__file__).resolve().parents[1]
STUDIES = ROOT / "analysis" / "studies"
A_PATH = re.compile(rb"/(?:home|root|tmp|work|Users|mnt|opt|var)/")
EXPERIMENTS = sorted(path.name for path in (ROOT / "experiments").iterdir() if path.is_dir())
REPRODUCED = ("fi_curves", "preset_regimes")
"""A stored one, and one that is not; a soak reproduces the others."""


def test_every_experiment_config_has_its_folder() -> None:
    configs = {path.stem for path in (ROOT / "conf" / "experiment").glob("*.yaml")}
    assert configs == set(EXPERIMENTS)


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_experiment_gives_its_expected_results(name, tmp_path, capsys) -> None:
    run(name, tmp_path)
    if name in REPRODUCED:
        reproduce(name, tmp_path, capsys)


@pytest.mark.soak
@pytest.mark.parametrize("name", [name for name in EXPERIMENTS if name not in REPRODUCED])
def test_experiment_reproduces(name, tmp_path, capsys) -> None:
    run(name, tmp_path)
    reproduce(name, tmp_path, capsys)


def run(name: str, folder: Path) -> None:
    """Run an experiment; its results are those that are stored."""
    beside = ROOT / "experiments" / name
    assert f"izhi run -m +experiment={name}" in (beside / "README.md").read_text()
    digest = (beside / "expected_digest.txt").read_text().strip()
    expected = (beside / "expected_summary.csv").read_bytes()

    study = izhi.run([f"+experiment={name}"], name=name, dir=folder, progress=False)
    assert (study.path / "summary.csv").read_bytes() == expected
    assert overview.overview(study.path).digest == digest
    table = pd.read_csv(beside / "expected_summary.csv", comment="#")
    found = study.summary().reset_index().astype({"regime": str} if "regime" in table else {})
    pd.testing.assert_frame_equal(found, table, check_dtype=False)
    study.close()


def reproduce(name: str, folder: Path, capsys) -> None:
    """Run what tells of an experiment again; its results are those that are stored."""
    told = folder / name
    if (STUDIES / name).is_dir():  # what is stored has to tell how, too
        told = shutil.copytree(STUDIES / name, folder / "stored" / name)
    assert cli.main(["reproduce", str(told), "run.shard_points=100"]) == 0
    again, identical = capsys.readouterr().out.splitlines()
    digest = (ROOT / "experiments" / name / "expected_digest.txt").read_text().strip()
    assert identical == f"identical: {digest}"
    path = Path(again.removeprefix("study: "))
    assert (path / "summary.csv").read_bytes() == (
        ROOT / "experiments" / name / "expected_summary.csv"
    ).read_bytes()


def test_stored_studies_are_small_and_all_that_make_studies_makes() -> None:
    sizes = {path.name: size_of(path) for path in STUDIES.iterdir()}
    assert sorted(sizes) == sorted(stored_studies.NAMES)
    assert max(sizes.values()) < 300_000 and sum(sizes.values()) < 1_000_000


def size_of(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize("name", stored_studies.NAMES)
def test_a_stored_study_is_whole_and_its_points_come_out_again(name, capsys) -> None:
    expected = ROOT / "experiments" / name
    found = overview.overview(STUDIES / name)
    assert found.digest == (expected / "expected_digest.txt").read_text().strip()
    summary = (STUDIES / name / "summary.csv").read_bytes()
    assert summary == (expected / "expected_summary.csv").read_bytes()
    assert cli.main(["verify", str(STUDIES / name), "--sample", "3"]) == 0
    said = capsys.readouterr().out.splitlines()
    assert len(said) == 6
    assert said[-1].endswith("3 points, simulated again: the same bits, the same statistics")


@pytest.mark.parametrize("name", stored_studies.NAMES)
def test_a_stored_study_tells_nothing_of_the_machine_that_made_it(name) -> None:
    files = [path for path in (STUDIES / name).rglob("*") if path.is_file()]
    assert {path.suffix for path in files} == {".nc", ".csv", ".jsonl", ".yaml"}
    for path in files:
        assert not A_PATH.search(path.read_bytes()), path
    log = (STUDIES / name / "log.jsonl").read_text()
    events = [json.loads(line) for line in log.splitlines()]
    told = [event.get("environment", event) for event in events]
    assert {each["host"] for each in told if "host" in each} == {"localhost"}
    states = [each["repositories"] for each in told if "repositories" in each]
    assert [list(state) for state in states] == [["izhi"]] and states[0]["izhi"]["clean"]
