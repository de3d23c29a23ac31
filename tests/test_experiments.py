"""Every experiment still gives the summary that is stored beside it."""

from pathlib import Path

import pandas as pd
import pytest
import yaml

import izhi

ROOT = Path(__file__).resolve().parents[1]
EXPERIMENTS = sorted(path.name for path in (ROOT / "experiments").iterdir() if path.is_dir())


def test_every_experiment_config_has_its_folder() -> None:
    configs = {path.stem for path in (ROOT / "conf" / "experiment").glob("*.yaml")}
    assert configs == set(EXPERIMENTS)


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_experiment_gives_its_expected_summary(name: str, tmp_path: Path) -> None:
    folder = ROOT / "experiments" / name
    assert f"izhi run -m +experiment={name}" in (folder / "README.md").read_text()

    study = izhi.run([f"+experiment={name}"], name=name, dir=tmp_path, progress=False)

    expected = pd.read_csv(folder / "expected_summary.csv")
    pd.testing.assert_frame_equal(
        study.summary().reset_index(), expected, check_dtype=False, rtol=1e-12, atol=0
    )
    written = pd.read_csv(study.path / "summary.csv")
    pd.testing.assert_frame_equal(written, expected, rtol=1e-12, atol=0)
    held = yaml.safe_load((study.path / "study.yaml").read_text())
    assert [axis["key"] for axis in held["axes"]] == [
        "neuron", "synapse.U_0", "stimulus.amplitude",
    ]  # fmt: skip
