"""Examine random networks of random models: ``python -m tests.random_models --models 20000``.

Ends with status 1 where a network is not the same everywhere, and shows the smallest such network.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from itertools import count
from multiprocessing import get_context

from tests.random_models import blocks
from tests.random_models.outcome import Finding, Tally

NETWORKS = 20
"""In a block."""

BLOCKS = 10
"""Of one process: Brian2 keeps what it made for all of them."""


def main() -> int:
    """Examine networks until there were so many models."""
    options = _options()
    tally, findings, started = Tally(), list[Finding](), time.monotonic()
    for number, part, finding in _blocks(options):
        tally.add(part)
        if finding is not None:
            findings.append(finding)
            print(f"block {number}: {finding}", flush=True)
        minutes = (time.monotonic() - started) / 60
        print(f"block {number}, {minutes:.1f} min: {tally}, {len(findings)} findings", flush=True)
        if tally.models >= options.models or len(findings) >= options.findings:
            break
    print(tally.refusals_text())
    return int(bool(findings))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.random_models", description=__doc__)
    parser.add_argument("--models", type=int, default=1000, help="least number of models")
    parser.add_argument("--seed", type=int, default=0, help="number of the first block")
    parser.add_argument("--jobs", type=int, default=2, help="processes")
    parser.add_argument("--findings", type=int, default=5, help="when to stop")
    parser.add_argument("--sanitize", action="store_true", help="with AddressSanitizer and UBSan")
    return parser.parse_args()


def _blocks(options: argparse.Namespace) -> Iterator[tuple[int, Tally, Finding | None]]:
    """Run blocks one after another on all processes, for as long as their results are taken."""
    numbers = count(options.seed)
    pool = ProcessPoolExecutor(
        options.jobs, mp_context=get_context("spawn"), max_tasks_per_child=BLOCKS
    )
    running: dict[Future[tuple[Tally, Finding | None]], int] = {}
    try:
        while True:
            while len(running) < options.jobs:
                number = next(numbers)
                running[pool.submit(blocks.run, number, NETWORKS, options.sanitize)] = number
            done, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                yield running.pop(future), *future.result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


if __name__ == "__main__":
    sys.exit(main())
