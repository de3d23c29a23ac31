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


def test_every_experiment_config_has_its_folder() -> None:
    configs = {path.stem for path in (ROOT / "conf" / "experiment").glob("*.yaml")}
    assert configs == set(EXPERIMENTS)


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_experiment_gives_its_expected_results_and_reproduces(name, tmp_path, capsys) -> None:
    folder = ROOT / "experiments" / name
    assert f"izhi run -m +experiment={name}" in (folder / "README.md").read_text()
    digest = (folder / "expected_digest.txt").read_text().strip()
    expected = (folder / "expected_summary.csv").read_bytes()

    study = izhi.run([f"+experiment={name}"], name=name, dir=tmp_path, progress=False)
    assert (study.path / "summary.csv").read_bytes() == expected
    assert overview.overview(study.path).digest == digest
    table = pd.read_csv(folder / "expected_summary.csv", comment="#")
    found = study.summary().reset_index().astype({"regime": str} if "regime" in table else {})
    pd.testing.assert_frame_equal(found, table, check_dtype=False)
    study.close()

    told = study.path
    if (STUDIES / name).is_dir():  # what is stored has to tell how, too
        told = shutil.copytree(STUDIES / name, tmp_path / "stored" / name)
    assert cli.main(["reproduce", str(told), "run.shard_points=100"]) == 0
    again, identical = capsys.readouterr().out.splitlines()
    assert identical == f"identical: {digest}"
    path = Path(again.removeprefix("study: "))
    assert (path / "summary.csv").read_bytes() == expected


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
