"""Which versions of izhi, and of what it stands on, made the points of a study.

A shard says so itself, and the log for each shard. Points whose versions no record tells of are of
unknown versions, which is not the same as those of others.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

Versions = Mapping[str, str]
"""Versions by name; empty where they are not known."""

NAMES = ("izhi", "brian2", "numpy", "python", "compiler")

UNKNOWN = "unknown"

_OF_STATISTICS = ("izhi", "numpy", "python")
"""What statistics depend on, besides the spikes."""

PLANS = ("planned", "extended", "resumed", "summarised")


def here(compiled: bool) -> dict[str, str]:
    """Return the versions of this machine.

    Parameters
    ----------
    compiled
        Whether a compiler has a part in the results.
    """
    from izhi.study import provenance

    found = of_environment(provenance.environment())
    if not compiled:
        found.pop("compiler", None)
    return found


def read(text: Any) -> dict[str, str]:
    """Return versions as a file or the log tells of them; none where it does not."""
    if not isinstance(text, dict):
        return {}
    return {name: text[name] for name in NAMES if isinstance(text.get(name), str)}


def of_shards(events: Iterable[Mapping[str, Any]]) -> dict[str, tuple[int, Versions]]:
    """Return points and versions of each shard that a log tells of, by its name.

    Logs of earlier versions of izhi tell only what each run was made with.
    """
    result: dict[str, tuple[int, Versions]] = {}
    run: dict[str, str] = {}
    for event in events:
        name = event.get("shard")
        if event["event"] == "started":
            run = {}
        elif event["event"] in PLANS:
            run = of_environment(event.get("environment"))
            run.pop("compiler", None)  # which need not have had a part
        elif event["event"] == "shard_done" and name is not None:
            told = read(event["versions"]) if "versions" in event else run
            if event.get("adopted") and "versions" not in event:  # made by a run before
                told = {}
            result[name] = event.get("points", 0), told
        elif event["event"] == "damaged" and name is not None:
            result.pop(name, None)
    return result


def of_environment(told: Any) -> dict[str, str]:
    """Return the versions in what a run says of its environment; none where it does not."""
    if not isinstance(told, dict):
        return {}
    libraries = told.get("libraries")
    return read({**(libraries if isinstance(libraries, dict) else {}), **told})


def counted(parts: Iterable[tuple[int, Versions]]) -> dict[str, dict[str, int]]:
    """Return how many points are of each version, by name; of no compiler where none was used."""
    result: dict[str, dict[str, int]] = {name: {} for name in NAMES}
    for points, told in parts:
        for name in NAMES:
            version = told.get(name, UNKNOWN)
            if name != "compiler" or name in told:
                result[name][version] = result[name].get(version, 0) + points
    return {name: versions for name, versions in result.items() if versions}


def in_words(parts: Iterable[tuple[int, Versions]]) -> str:
    """Return all versions in words, with the points of each where there are several."""
    return "; ".join(_words(name, versions) for name, versions in counted(parts).items())


def several(parts: Iterable[tuple[int, Versions]]) -> str:
    """Return in words what points are of different, or unknown, versions of; "" for nothing."""
    found = counted(parts)
    differing = {
        name: versions for name, versions in found.items()
        if len(versions) > 1 or UNKNOWN in versions
    }  # fmt: skip
    if differing and all(set(versions) == {UNKNOWN} for versions in found.values()):
        return f"{_points(max(sum(v.values()) for v in found.values()))} of {UNKNOWN} versions"
    if not differing:
        return ""
    words = "; ".join(_words(name, versions) for name, versions in differing.items())
    return f"points of several versions: {words}"


def recomputed(points: int, here: Versions, shards: Iterable[tuple[int, Versions]]) -> str:
    """Return in words which versions recomputed statistics; "" where the spikes are of the same.

    Parameters
    ----------
    points
        Number of points whose statistics are not those of their shards.
    here
        The versions that computed them.
    shards
        Points and versions of the shards.
    """
    made = counted(shards)
    differing = [
        f"{name} {here.get(name, UNKNOWN)}" for name in _OF_STATISTICS
        if set(made.get(name, ())) != {here.get(name, UNKNOWN)}
    ]  # fmt: skip
    if not points or not differing:
        return ""
    return f"statistics of {_points(points)} recomputed with {', '.join(differing)}"


def recomputed_in(gathered: Mapping[str, Any] | None, events: Iterable[Mapping[str, Any]]) -> str:
    """Return in words which versions recomputed the statistics that an event gathered."""
    if gathered is None or "recomputed" not in gathered:  # by a version that did not say
        return ""
    here = read(gathered.get("versions"))
    return recomputed(gathered["recomputed"], here, of_shards(events).values())


def of_dataset(events: Sequence[Mapping[str, Any]]) -> str:
    """Return all versions in words, of points and of statistics, as a dataset has them.

    Parameters
    ----------
    events
        The log up to the event that gathered the dataset.
    """
    words = in_words(of_shards(events).values()), recomputed_in(events[-1], events)
    return "; ".join(filter(None, words))


def of_study(events: Sequence[Mapping[str, Any]]) -> str:
    """Return in words what is of several versions, points and statistics; "" for nothing."""
    last = next((event for event in reversed(events) if event["event"] == "gathered"), None)
    words = several(of_shards(events).values()), recomputed_in(last, events)
    return "; ".join(filter(None, words))


def _words(name: str, versions: Mapping[str, int]) -> str:
    if len(versions) == 1:
        return f"{name} {next(iter(versions))}"
    return f"{name} " + ", ".join(f"{v} ({_points(n)})" for v, n in versions.items())


def _points(number: int) -> str:
    return f"{number:,} point{'s' * (number != 1)}"
