"""Running commands: how long they take, and how much memory they and their children hold."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Done:
    """A command that ended: seconds, peak memory over all processes in bytes, output."""

    seconds: float
    memory: int
    output: str

    @property
    def told(self) -> dict[str, Any]:
        """The last line of the output as JSON."""
        found: dict[str, Any] = json.loads(self.output.strip().splitlines()[-1])
        return found


def run(command: list[str], folder: str, memory: bool = False, **environment: str) -> Done:
    """Run a command to its end, with its memory watched if asked for.

    Raises
    ------
    SystemExit
        When it fails, with what it said.
    """
    start = time.perf_counter()
    process = subprocess.Popen(
        command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
    )  # fmt: skip
    peak, over = 0, threading.Event()

    def watch() -> None:
        nonlocal peak
        while not over.wait(0.1):
            peak = max(peak, process_tree_memory(process.pid))

    watcher = threading.Thread(target=watch)
    if memory:
        watcher.start()
    output, said = process.communicate()
    seconds = time.perf_counter() - start
    over.set()
    if memory:
        watcher.join()
    if process.returncode != 0:
        sys.exit(f"{' '.join(command)} ended with status {process.returncode}:\n{said}")
    return Done(seconds, peak, output)


def module(name: str, *arguments: object) -> list[str]:
    """Return the command that runs a module."""
    return [sys.executable, "-m", name, *map(str, arguments)]


def process_tree_memory(root: int) -> int:
    """Return the proportional memory of a process and all below it, in bytes."""
    parents: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rsplit(")", 1)[1].split()
            except OSError:
                continue
            parents.setdefault(int(fields[1]), []).append(int(entry.name))
    total, waiting = 0, [root]
    while waiting:
        process = waiting.pop()
        waiting += parents.get(process, [])
        try:
            text = Path(f"/proc/{process}/smaps_rollup").read_text()
        except OSError:
            continue
        total += sum(1024 * int(line.split()[1]) for line in text.splitlines()
                     if line.startswith("Pss:"))  # fmt: skip
    return total
