"""Where the results of a page come from: summary lines, versions, events, the composed config."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray

from izhi.config.sweep import Sweep
from izhi.study import compare, description, extend, log, versions
from izhi.study.folder import StudyFolder
from izhi.sweep import points

_MOST_EVENTS = 100
"""Events of a log that are listed: as many of its first and of its last."""

_MOST_SEEDS = 20
_MOST_CONFIGS = 50

_LONG = ("axes", "configs", "swept", "config_of", "environment", "choices", "overrides", "files",
         "time", "event", "command", "schema", "sha256", "fingerprint", "versions")  # fmt: skip


def facts(
    folder: StudyFolder, events: Sequence[Mapping[str, Any]], status: NDArray[np.int8]
) -> list[list[str]]:
    """Return what a reader wants to know first: when, how far, how many points, by what command.

    Parameters
    ----------
    folder
        The study's folder.
    events
        The study's log.
    status
        State of every point.
    """
    planned = next((str(event["time"]) for event in events if event["event"] == "planned"), "")
    rows = [
        ["begun", f"{planned[:19].replace('T', ' ')} UTC" if planned else ""],
        ["state", _state(folder, events)],
        ["points", _points(status)],
        ["versions", versions.of_study(events)],
        *(["command", command] for command in commands(events)),
        ["digest", log.last_digest(events) or ""],
    ]
    return [row for row in rows if row[1]]


def _state(folder: StudyFolder, events: Sequence[Mapping[str, Any]]) -> str:
    ends = [event["event"] for event in events if event["event"] in ("started", *log.ENDS)]
    last = ends[-1] if ends else log.UNKNOWN
    state = log.state(folder.log, {"gathered": "done", "started": "killed"}.get(last, last))
    return "being written" if state == "running" else state


def _points(status: NDArray[np.int8]) -> str:
    number = np.bincount(status.ravel(), minlength=4)
    words = ("done", "not run", "failed", "diverged")
    told = [f"{n:,} {word}" for n, word in zip(number, words, strict=True) if n]
    return f"{status.size:,}: {', '.join(told)}"


def commands(events: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the commands that worked on a study, each once."""
    found = [event.get("command") for event in events if event["event"] == "started"]
    told = [shlex.join(map(str, words)) for words in found if isinstance(words, list)]
    return list(dict.fromkeys(told))


def provenance(
    folder: StudyFolder, sweep: Sweep, events: Sequence[Mapping[str, Any]]
) -> list[list[str]]:
    """Return versions, machine, compiler flags, state of the code, seeds, and events."""
    seeds = np.unique(points.grid(sweep, "simulation.seed")).astype(np.int64)
    several = ", ..." if seeds.size > _MOST_SEEDS else ""
    return [
        *map(list, compare.environment(folder).items()),
        ["seeds", ", ".join(map(str, seeds[:_MOST_SEEDS])) + several],
        *_events(events),
    ]


def _events(events: Sequence[Mapping[str, Any]]) -> Iterator[list[str]]:
    for number, event in enumerate(events):
        if number == _MOST_EVENTS and len(events) > 2 * _MOST_EVENTS:
            yield ["...", f"{len(events) - 2 * _MOST_EVENTS:,} events"]
        if _MOST_EVENTS <= number < len(events) - _MOST_EVENTS:
            continue
        told = ", ".join(
            f"{key} {value if isinstance(value, str) else json.dumps(value)}"
            for key, value in event.items() if key not in _LONG
        )  # fmt: skip
        line = " ".join(f"{event['event']} {told}".split())
        yield [str(event["time"])[:19].replace("T", " "), line[:200]]


class _Dumper(getattr(yaml, "CSafeDumper", yaml.SafeDumper)):  # type: ignore[misc]
    """Writes texts of several lines as they are read, and everything out."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _text(dumper: Any, text: str) -> Any:
    style = "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _text)


def config(sweep: Sweep) -> str:
    """Return the composed config as YAML: what all points have, then what differs by choice."""
    told = description.of(sweep)
    configs: list[dict[str, Any]] = told["configs"]
    common = {
        key: value for key, value in configs[0].items()
        if all(key in other and other[key] == value for other in configs)
    }  # fmt: skip
    text: dict[str, Any] = {"choices": told["choices"], "overrides": told["overrides"],
            "axes": {axis.key: extend.shown(axis) for axis in sweep.axes}}  # fmt: skip
    text["config"] = _nested(common)
    if len(configs) > 1:
        text["differing"] = [
            _nested({key: value for key, value in one.items() if key not in common})
            for one in configs[:_MOST_CONFIGS]
        ]
    return str(yaml.dump(text, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100))


def _nested(flat: Mapping[str, Any]) -> dict[str, Any]:
    tree: dict[str, Any] = {}
    for key, value in flat.items():
        *above, name = key.split(".")
        branch = tree
        for part in above:
            inner = branch.setdefault(part, {})
            branch = inner if isinstance(inner, dict) else {}
        branch[name] = value
    return tree
