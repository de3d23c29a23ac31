"""The rooms import one way only, and starting up loads nothing heavy."""

import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]
HEAVY = ("brian2", "xarray", "hydra", "pandas")


def test_imports_follow_the_contracts():
    code = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports())"
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True
    )
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize(
    "start",
    [
        "import izhi",
        "sys.argv = ['izhi', '--help']; runpy.run_module('izhi', run_name='__main__')",
    ],
    ids=["import izhi", "python -m izhi --help"],
)
def test_starting_up_loads_nothing_heavy(start, tmp_path):
    # The list goes to a file because --help has standard output to itself.
    code = f"""
import runpy, sys
try:
    {start}
except SystemExit as stop:
    assert not stop.code, stop.code
open("loaded", "w").write(" ".join(sys.modules))
"""
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True, capture_output=True)
    loaded = set((tmp_path / "loaded").read_text().split())
    assert "izhi" in loaded
    assert loaded.isdisjoint(HEAVY), sorted(loaded.intersection(HEAVY))
