"""The runs that made a study, read from its log."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from izhi.study import versions
from izhi.study.study import Study
from izhi.study.versions import PLANS


@dataclass(frozen=True)
class Run:
    """What one run of the program did to the study.

    Attributes
    ----------
    started, ended
        Time of its first and of its last event, in ISO 8601.
    command
        The command line, or as much of it as the log knows.
    axes
        The axes that were asked for, by this run or the one before; None where the log does not
        know them.
    shards
        Names of the shard files that it wrote.
    failed
        Points that failed; None when it ended before the results were gathered.
    environment
        Versions and machine; empty where the log does not know them.
    """

    started: str
    ended: str
    command: str
    axes: list[dict[str, Any]] | None
    shards: tuple[str, ...]
    failed: int | None
    environment: dict[str, Any]


def runs(log: Sequence[dict[str, Any]]) -> list[Run]:
    """Return the runs that a log tells of, in order.

    A run begins with ``started``; in a log without that, with the plan or with going on.
    """
    parts: list[list[dict[str, Any]]] = []
    for event in log:
        kind = event["event"]
        told = bool(parts) and parts[-1][0]["event"] == "started"
        if not parts or kind == "started" or (kind in PLANS and not told):
            parts.append([])
        parts[-1].append(event)
    made: list[Run] = []
    for events in parts:
        made.append(_run(events, made[-1].axes if made else None))
    return made


def in_words(study: Study) -> str:
    """Return a study in a sentence: what ran it, how many points and cells, what was swept.

    Parameters
    ----------
    study
        The study.
    """
    swept = ", ".join(str(study.dataset[name].attrs["long_name"]) for name in study.axes)
    points, cells = study.dataset["status"].size, study.dataset.sizes["cell"]
    of_points = versions.counted(versions.of_shards(study.log).values()).get("izhi", {})
    used = sorted(set(of_points) - {versions.UNKNOWN})
    return (
        f"Spiking neurons, simulated with izhi {' and '.join(used)}".rstrip() + ": "
        f"{points} point{'s' * (points != 1)} of {cells} cell{'s' * (cells != 1)}"
        f"{', swept over ' * bool(swept)}{swept}."
    )


def versions_of_libraries(made: Sequence[Run]) -> dict[str, list[str]]:
    """Return all versions of each library that runs used, by its name."""
    found: dict[str, dict[str, None]] = {}
    for run in made:
        for name, version in run.environment.get("libraries", {}).items():
            if version:
                found.setdefault(name, {})[str(version)] = None
    return {name: list(used) for name, used in found.items()}


def makers_of_files(made: Sequence[Run]) -> dict[str, int]:
    """Return which run, counted from 0, was the last to write each file of the study."""
    makers: dict[str, int] = {}
    for number, run in enumerate(made):
        makers |= {f"shards/{name}": number for name in run.shards}
        if run.failed is not None:
            makers |= {"dataset.nc": number, "summary.csv": number}
    return makers


def _run(events: list[dict[str, Any]], axes: list[dict[str, Any]] | None) -> Run:
    def last(key: str, *kinds: str) -> Any:
        found = [e[key] for e in events if e["event"] in kinds and e.get(key) is not None]
        return found[-1] if found else None

    # what came after gathering, such as a verification, made nothing
    stop = max((n for n, e in enumerate(events) if e["event"] == "gathered"), default=-1)
    command = last("command", "started") or []
    return Run(
        events[0]["time"],
        events[stop]["time"],
        shlex.join(command).encode("utf-8", errors="backslashreplace").decode(),
        last("axes", *PLANS) or axes,
        tuple(e["shard"] for e in events if e["event"] == "shard_done" and "shard" in e),
        last("failed", "gathered"),
        _plain(last("environment", *PLANS)),
    )


def _plain(environment: Any) -> dict[str, Any]:
    """Return an environment as far as it is one."""
    told = environment.items() if isinstance(environment, dict) else ()
    return {name: v for name, v in told if name != "libraries" or isinstance(v, dict)}
