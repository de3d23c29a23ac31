"""Every page of the documentation is worked through, and what it names is there."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import matplotlib.image
import numpy as np
import pytest

from izhi import cli, commands
from izhi.config.keys import key_of
from izhi.report.page import make
from tests.docs.runner import REASONS, WIDTH, Reader, Said, Wrong, blocks, in_process

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = sorted(
    str(path.relative_to(ROOT))
    for path in [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *DOCS.rglob("*.md")]
    if "notebooks" not in path.parts
)
COMMANDS = {*cli.COMMANDS, "converge", *commands.COMMANDS}


@pytest.fixture
def as_a_reader(monkeypatch, at_end, compiler):
    """Have the terminal that pages are written for, reports, and pictures that need no screen."""
    monkeypatch.setenv("COLUMNS", WIDTH)
    monkeypatch.setenv("MPLBACKEND", "agg")
    monkeypatch.setattr(make, "at_end", at_end)


@pytest.mark.pages
@pytest.mark.parametrize("page", PAGES)
def test_a_page_does_what_it_says(page, tmp_path, as_a_reader) -> None:
    """Files, commands and programs in an empty folder, and all that they print."""
    Reader(tmp_path, in_process).read((ROOT / page).read_text())
    for picture in tmp_path.glob("*.png"):
        if (shown := DOCS / picture.name).is_file():
            assert_alike(picture, shown)


def assert_alike(picture: Path, shown: Path) -> None:
    drawn, kept = (matplotlib.image.imread(path) for path in (picture, shown))
    assert drawn.shape == kept.shape
    # text may be drawn otherwise by another version
    assert np.mean(np.any(np.abs(drawn - kept) > 0.1, axis=-1)) < 0.02


@pytest.mark.parametrize("page", PAGES)
def test_what_is_not_run_says_why(page) -> None:
    for block in blocks((ROOT / page).read_text()):
        assert block.not_run is None or block.not_run in REASONS, f"{page}:{block.line}"


def code(text: str) -> list[str]:
    """Return the commands of a page: in blocks, indented, and in running text."""
    fenced = [line for block in blocks(text) if not block.kind.startswith("{")
              for line in block.text.splitlines()]  # fmt: skip
    outside = re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
    indented = re.findall(r"^    (.*)$", outside, re.MULTILINE)
    inline = [" ".join(x.split()) for x in re.findall(r"`([^`]+)`", outside)]
    return [line.removeprefix("$ ") for line in (*fenced, *indented, *inline)]


@pytest.fixture(scope="module")
def options():
    """Give the options of a command, as its ``--help`` tells them."""

    def options(command: str, known={}) -> set[str]:  # noqa: B006
        if command not in known:
            flags = ["--hydra-help"] if command in cli.COMMANDS else ["--help"]
            said = in_process([command, *flags], ROOT)
            known[command] = {*re.findall(r"--?[a-z][\w-]*", said.out), "--hydra-help"}
        return known[command]

    return options


@pytest.mark.parametrize("page", PAGES)
def test_commands_and_options_that_a_page_names_are_there(page, options) -> None:
    for line in code((ROOT / page).read_text()):
        found = re.match(r"izhi (-*\w[\w-]*)(.*)", line)
        if found and not found[1].startswith("-"):
            assert found[1] in COMMANDS, f"{page}: {line}"
            command = "run" if found[1] == "converge" else found[1]
            given = re.findall(r"(?<=\s)--?[a-z][\w-]*", found[2].partition(" # ")[0])
            assert set(given) <= options(command), f"{page}: {line}"


@pytest.mark.pages
def test_all_that_one_may_want_can_be_planned() -> None:
    rows = re.findall(r"^\| ([^|]+) \| (`[^|]+) \|$", (DOCS / "howto/sweep.md").read_text(), re.M)
    assert len(rows) > 15
    for want, write in rows:
        for words in re.findall(r"`([^`]+)`", write):
            said = in_process(["plan", *shlex.split(words)], ROOT)
            assert said.status == 0, f"{want}: {said.err}"


@pytest.mark.parametrize("page", PAGES)
def test_targets_of_make_that_a_page_names_are_there(page) -> None:
    targets = set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for line in code((ROOT / page).read_text()):
        if found := re.match(r"make (\w+)", line):
            assert found[1] in targets, f"{page}: {line}"


@pytest.mark.parametrize("page", PAGES)
def test_keys_that_a_page_names_are_there(page) -> None:
    """Of runs, statistics and the like; those of models depend on the model."""
    fixed = r"(?<![\w.])((?:run|record|statistics|simulation|study)\.\w+)=?"
    for line in code((ROOT / page).read_text()):
        for name in re.findall(fixed, line):
            public = ("study.table", "study.summary")
            assert key_of(name) or not re.search(rf"{re.escape(name)}=", line) or name in public, (
                f"{page}: {line}"
            )


def test_a_page_that_is_wrong_is_found_out(tmp_path) -> None:
    def said(words, folder):
        return Said(2 if "bad" in words else 0, "two points\n", "error: bad\n")

    for page, why in (
        ("```console\n$ izhi run\nthree points\n```", "line 1: .*printed was"),
        ("text\n```console\n$ izhi run bad\n```", "line 2: .*ended with 2"),
        ("```console\n$ make\n```", "neither izhi nor"),
        ("```python\nprint(1 / 0)\n```", "ZeroDivisionError"),
        ("```python\nprint(1)\n```\n```text\n2\n```", "line 4: "),
        ("```text\nanything\n```", "neither run nor marked"),
        ("```\nizhi run\n```", "neither run nor marked"),
        ("```yaml\na: 1\n```", "no name of a file"),
    ):
        with pytest.raises(Wrong, match="(?s)" + why):
            Reader(tmp_path, said).read(page)
    reader = Reader(tmp_path, said)
    reader.read("<!-- not run: make -->\n```console\n$ make\n```\n")
    reader.read("```console\n$ izhi run\n...two...\n```")
    reader.read(
        "<!-- file: a/b.csv -->\n```text\nt [ms]\n```\n```console\n$ cat a/b.csv\nt...\n```"
    )
