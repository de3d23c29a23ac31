"""Other ways to run the same sweep, one module each: ``python -m benchmarks.peers.NAME``.

Each is tuned as its own knowledgeable users would tune it. The last line printed is JSON: the
points simulated, the seconds of setting up (imports, compiling), the seconds until all spike times
of those points lie in memory as numpy arrays, and what was run. A peer whose package is absent says
so.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import platform
import sys
from dataclasses import asdict, dataclass
from importlib import metadata

from benchmarks.points import Points, points, sample


@dataclass(frozen=True)
class Result:
    """What a peer reports; `how` is a short phrase."""

    points: int
    setup_seconds: float
    seconds: float
    spikes: int
    how: str


def arguments(description: str | None, default: int) -> argparse.ArgumentParser:
    """Return a parser that knows ``--points``."""
    parser = argparse.ArgumentParser(description=(description or "").splitlines()[0])
    parser.add_argument(
        "--points", type=int, default=default,
        help="10, 693, 10080, ...: that sweep; any other number: so many points of one of them",
    )  # fmt: skip
    return parser


def chosen(n: int) -> Points:
    """Return the sweep of `n` points, or where there is none, `n` points spread over a larger."""
    if n == 10 or n % 63 == 0:
        return points(n)
    return sample(points(693 if n <= 693 else 10_080), n)


def needs(**modules: str) -> None:
    """End the program, saying why, unless all modules are there; given as module=distribution."""
    for module, distribution in modules.items():
        try:
            found = importlib.util.find_spec(module)
        except ModuleNotFoundError:  # of the package that the module would be in
            found = None
        if found is None:
            print(json.dumps({"skipped": f"{distribution} is not installed"}))
            sys.exit(0)


def report(result: Result, *distributions: str) -> None:
    """Print a result, with the versions of what it ran on, as a line of JSON."""
    versions = {name: metadata.version(name) for name in (*distributions, "numpy")}
    versions["python"] = platform.python_version()
    print(json.dumps({**asdict(result), "versions": versions}))
