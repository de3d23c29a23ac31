"""Works through a page of the documentation as a reader would: files, commands, programs, in order.

=========================================  =====================================================
block                                      what is done
=========================================  =====================================================
``yaml``, or any with a file's name        written to the file
``console``                                each ``$ command`` is run, what it prints is compared
``python``                                 run, in one namespace for the whole page
``text`` behind ``python``                 compared with what the program printed
any, behind ``<!-- not run: reason -->``   left out; the reason is one of `REASONS`
=========================================  =====================================================

A file's name is the first line of its block, ``# conf/neuron/mine.yaml``, or stands before it:
``<!-- file: current.csv -->``. In what is printed, ``...`` stands for anything. A command without
anything behind it has to end well; what it prints is not compared.

``python tests/docs/runner.py PAGE...`` works through pages where izhi is installed and nothing
else, with a process for each command, as the reader does.
"""

from __future__ import annotations

import contextlib
import doctest
import io
import os
import re
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

REASONS = {
    "another machine": "a cluster or a server that a test does not have",
    "installs": "changes the environment that the tests run in",
    "make": "a target of the Makefile, which is there",
    "notation": "no command: a picture, a form, an excerpt of a file",
    "takes minutes": "too long for a test",
}
"""Why a block is not run."""

MATCH = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
WIDTH = "100"
"""Columns of the terminal that pages are written for."""

SHELL = ("cat", "cd", "head", "ls", "mkdir", "rm", "wc")
"""Commands of the shell that a page may give beside izhi."""

_BLOCK = re.compile(
    r"(?:^<!-- (?P<mark>not run|file): (?P<what>[^>]+?) -->\n+)?"
    r"^(?P<fence>`{3,})(?P<kind>[^\n`]*)\n(?P<text>.*?)^(?P=fence)[ ]*$",
    re.MULTILINE | re.DOTALL,
)


class Wrong(AssertionError):
    """A page says something that is not so."""


@dataclass(frozen=True)
class Block:
    """A block of a page: its kind, its text, where it begins, and what is noted before it."""

    kind: str
    text: str
    line: int
    not_run: str | None
    file: str | None


@dataclass(frozen=True)
class Said:
    """What a command ended with and printed."""

    status: int
    out: str
    err: str


def blocks(page: str) -> list[Block]:
    """Return all fenced blocks of a page, in order."""
    found = []
    for match in _BLOCK.finditer(page):
        mark, what = match["mark"], match["what"]
        line = page.count("\n", 0, match.start("fence")) + 1
        not_run, file = (what if mark == kind else None for kind in ("not run", "file"))
        found.append(Block(match["kind"].strip(), match["text"], line, not_run, file))
    return found


def by_process(arguments: Sequence[str], folder: Path) -> Said:
    """Run izhi as a process of its own."""
    command = [sys.executable, "-m", "izhi", *arguments]
    environment = {**os.environ, "COLUMNS": WIDTH}
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, env=environment)
    return Said(done.returncode, done.stdout, done.stderr)


def in_process(arguments: Sequence[str], folder: Path) -> Said:
    """Run izhi in this process, which spares the start of a new one."""
    from izhi.cli import main

    out, err = io.StringIO(), io.StringIO()
    with (
        contextlib.chdir(folder),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        status = main(list(arguments))
    return Said(status, out.getvalue(), err.getvalue())


@dataclass
class Reader:
    """Someone who works through a page in a folder."""

    folder: Path
    izhi: Callable[[Sequence[str], Path], Said]

    def __post_init__(self) -> None:
        self.names: dict[str, Any] = {"__name__": "__main__"}
        self.printed: str | None = None

    def read(self, page: str) -> None:
        """Do what each block says.

        Raises
        ------
        Wrong
            With the line of the block, what it says, and what is so.
        """
        for block in blocks(page):
            if block.not_run is None and not block.kind.startswith("{"):
                try:
                    self.do(block)
                except Wrong as error:
                    raise Wrong(f"line {block.line}: {error}") from None
                except Exception as error:
                    said = f"{type(error).__name__}: {error}"
                    raise Wrong(f"line {block.line}: {said}") from error

    def do(self, block: Block) -> None:
        """Do what a block says."""
        before, self.printed = self.printed, None
        if block.file or block.kind == "yaml":
            self.write(block)
        elif block.kind == "console":
            self.run_all(block.text)
        elif block.kind == "python":
            self.printed = self.execute(block.text)
        elif block.kind == "text" and before is not None:
            compare(block.text, before)
        else:
            raise Wrong(f"a block of kind {block.kind!r} is neither run nor marked")

    def write(self, block: Block) -> None:
        """Write the file that a block holds."""
        first = re.match(r"# ([\w./-]+\.\w+)(?=[:\s])", block.text)
        if not (block.file or first):
            raise Wrong("no name of a file")
        path = self.folder / (block.file or first[1])
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(block.text, encoding="utf-8")

    def run_all(self, text: str) -> None:
        """Run the commands of a console block, and compare what each prints."""
        before, *parts = re.split(r"^\$ ", text, flags=re.MULTILINE)
        if before or not parts:
            raise Wrong("a console block begins with '$ '")
        for part in parts:
            command, wanted = re.fullmatch(
                r"((?:[^\n]*\\\n)*[^\n]*)\n(.*)", part, re.DOTALL
            ).groups()
            self.run(command.replace("\\\n", " "), wanted)

    def run(self, command: str, wanted: str) -> None:
        """Run a command and compare what it prints: doubts and errors, then results."""
        words = shlex.split(command, comments=True)
        if words[0] == "izhi":
            said = self.izhi(words[1:], self.folder)
        elif words[0] in SHELL:
            shell = ["bash", "-c", command]
            done = subprocess.run(shell, cwd=self.folder, capture_output=True, text=True)
            said = Said(done.returncode, done.stdout, done.stderr)
        else:
            raise Wrong(f"{command}: neither izhi nor one of {', '.join(SHELL)}")
        expected = 2 if "error: " in wanted else 1 if words[:2] == ["izhi", "diff"] else 0
        if said.status != expected:
            raise Wrong(f"{command} ended with {said.status}\n{said.out}{said.err}")
        told = [x for x in said.err.splitlines() if x.startswith(("error: ", "warning: "))]
        if wanted.strip():
            compare(wanted, "\n".join([*told, said.out]))

    def execute(self, text: str) -> str:
        """Run a program in the folder; return what it prints."""
        printed = io.StringIO()
        with contextlib.chdir(self.folder), contextlib.redirect_stdout(printed):
            exec(compile(text, "<page>", "exec"), self.names)
        return printed.getvalue()


def compare(wanted: str, printed: str) -> None:
    """Compare what a page says is printed with what is.

    Raises
    ------
    Wrong
        When they differ.
    """
    if not doctest.OutputChecker().check_output(wanted.strip(), printed.strip(), MATCH):
        raise Wrong(f"the page says\n{wanted}\nprinted was\n{printed}")


def main(pages: Sequence[str]) -> None:
    """Work through pages, each in an empty folder."""
    for page in pages:
        with tempfile.TemporaryDirectory() as folder:
            Reader(Path(folder), by_process).read(Path(page).read_text(encoding="utf-8"))
        print(f"{page}: all is as it says")


if __name__ == "__main__":
    main(sys.argv[1:])
