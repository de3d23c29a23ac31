"""Every experiment still gives the results that are stored beside it, to the bit, and again."""

from pathlib import Path

import pandas as pd
import pytest

import izhi
from izhi import cli
from izhi.study import overview

ROOT = Path(__file__).resolve().parents[1]
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

    assert cli.main(["reproduce", str(study.path), "run.shard_points=100"]) == 0
    again, identical = capsys.readouterr().out.splitlines()
    assert identical == f"identical: {digest}"
    path = Path(again.removeprefix("study: "))
    assert (path / "summary.csv").read_bytes() == expected
