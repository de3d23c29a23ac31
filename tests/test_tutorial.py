"""The tutorial is run as it stands: its files, commands and programs, with what they print."""

from __future__ import annotations

import doctest
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import matplotlib.image
import numpy as np
import pytest

DOCS = Path(__file__).parents[1] / "docs"
PAGE = DOCS / "tutorial_own_model.md"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
MATCH = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


def blocks() -> list[tuple[str, str]]:
    """Return kind and text of all blocks, in order."""
    return BLOCK.findall(PAGE.read_text())


def printed_by(command: list[str], folder: Path) -> str:
    """Run a command in a folder; return what it prints, or its error."""
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, env={**os.environ, "MPLBACKEND": "agg"}
    )
    refused = done.returncode == 2 and done.stderr.startswith("error: ")
    assert refused or done.returncode == 0, f"{command}\n{done.stderr}"
    return done.stderr if refused else done.stdout


def assert_printed(wanted: str, printed: str) -> None:
    same = doctest.OutputChecker().check_output(wanted.strip(), printed.strip(), MATCH)
    assert same, f"the page says\n{wanted}\nprinted was\n{printed}"


def run_commands(text: str, folder: Path) -> None:
    """Run the commands of a console block, and compare what each prints."""
    parts = re.split(r"^\$ izhi ", text, flags=re.MULTILINE)
    assert not parts[0]
    for part in parts[1:]:
        command, _, wanted = part.partition("\n")
        assert_printed(
            wanted, printed_by([sys.executable, "-m", "izhi", *shlex.split(command)], folder)
        )


@pytest.fixture(scope="module")
def worked_through(tmp_path_factory, compiler) -> Path:
    """Give the folder in which the whole page was worked through."""
    folder = tmp_path_factory.mktemp("tutorial")
    printed = ""
    for kind, text in blocks():
        if kind == "yaml":
            path = folder / text.splitlines()[0].removeprefix("# ")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        elif kind == "console":
            run_commands(text, folder)
        elif kind == "python":
            (folder / "program.py").write_text(text)
            printed = printed_by([sys.executable, "program.py"], folder)
        else:
            assert kind == "text"
            assert_printed(text, printed)
    return folder


def test_the_page_does_what_it_says(worked_through) -> None:
    assert {path.name for path in (worked_through / "studies").iterdir()} >= {"one", "map", "pair"}
    kinds = [kind for kind, _ in blocks()]
    assert kinds.count("yaml") == 3 and kinds.count("python") == kinds.count("text") == 4
    assert kinds.count("console") >= 5


def test_the_picture_is_the_one_that_its_program_draws(worked_through) -> None:
    drawn = matplotlib.image.imread(worked_through / "tutorial_regimes.png")
    shown = matplotlib.image.imread(DOCS / "tutorial_regimes.png")
    assert drawn.shape == shown.shape
    # text may be drawn otherwise by another version
    assert np.mean(np.any(np.abs(drawn - shown) > 0.1, axis=-1)) < 0.02
