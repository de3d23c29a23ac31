"""Where the seconds of a run went: stages of this process that add up, and of the workers."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Profile:
    """Stages one after the other, each from the end of the one before.

    Attributes
    ----------
    began
        When the run began, on the clock of ``time.perf_counter``.
    stages
        Seconds by stage, in order.
    workers
        Number of processes that ran the shards.
    busy
        Seconds that the workers took by what they did, all together.
    """

    began: float = field(default_factory=time.perf_counter)
    stages: dict[str, float] = field(default_factory=dict)
    workers: int = 1
    busy: dict[str, float] = field(default_factory=dict)

    def mark(self, stage: str) -> None:
        """End a stage here."""
        now = time.perf_counter() - self.began
        self.stages[stage] = self.stages.get(stage, 0.0) + now - sum(self.stages.values())

    def add(self, busy: Mapping[str, float]) -> None:
        """Add what a worker did."""
        for name, seconds in busy.items():
            self.busy[name] = self.busy.get(name, 0.0) + seconds

    def lines(self) -> list[str]:
        """Return both as a table; the rest of the workers' time is waiting and starting up."""
        total = sum(self.stages.values())
        lines = [f"{name:<34}{seconds:9.3f} s" for name, seconds in self.stages.items()]
        lines.append(f"{'total':<34}{total:9.3f} s")
        if self.busy:
            spent = self.workers * self.stages.get("shards", 0.0)
            busy = {**self.busy, "starting and waiting": spent - sum(self.busy.values())}
            plural = "s" * (self.workers != 1)
            lines.append(f"shards, over {self.workers} worker{plural}:")
            lines += [f"  {name:<32}{seconds:9.3f} s" for name, seconds in busy.items()]
            lines.append(f"  {'total':<32}{spent:9.3f} s")
        return lines


def process_began() -> float:
    """Return when this process was started, on the clock of ``time.perf_counter``."""
    now = time.perf_counter()
    try:
        ticks = float(Path("/proc/self/stat").read_text().rsplit(")", 1)[1].split()[19])
        age = time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / os.sysconf("SC_CLK_TCK")
    except (OSError, AttributeError, ValueError, IndexError):
        return now
    return now - max(age, 0.0)
