"""Whether the runs in a log followed on each other as the log says."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from izhi.study import log, resume, versions
from izhi.study.resume import Grid

Event = Mapping[str, Any]
Planned = tuple[Event, Grid | None]
"""An event that tells of a plan, with what it tells; None where that cannot be read."""


def problems(events: Sequence[Event], planned: Iterable[Planned]) -> Iterator[str]:
    """Say what a log tells of its runs that cannot have been so.

    Nothing is said of a log in which a run found a line that is no event, since what such lines
    said is not known.

    Parameters
    ----------
    events
        The log.
    planned
        Its plans.
    """
    if any(event["event"] == "damaged" and "line" in event for event in events):
        return
    yield from _doubled(events)
    grids = {id(event): grid for event, grid in planned}
    before: list[Event] = []
    last: Planned | None = None  # the plan of the run before, if that has one
    for run in _runs(events):
        plans = [event for event in run if event["event"] in versions.PLANS]
        if not plans and any(map(_is_result, run)):
            yield "a run has results, and no plan"
        if plans[1:] or (plans and run[0]["event"] != "started"):
            yield f"{plans[-1]['event']}: its run has no start"
        for event in plans[:1]:
            yield from _differences(event, before, run)
            if last is not None:
                yield from _changes(last, (event, grids[id(event)]))
        last = (plans[0], grids[id(plans[0])]) if plans else None
        before += run


def _runs(events: Sequence[Event]) -> list[list[Event]]:
    """Return the events of each run; first of all, those that come before all runs."""
    runs: list[list[Event]] = [[]]
    for event in events:
        if event["event"] == "started":
            runs.append([])
        runs[-1].append(event)
    return runs


def _is_result(event: Event) -> bool:
    """Whether only a run with a plan has an event; adopting shards comes before the plan."""
    made = event["event"] == "shard_done" and not event.get("adopted")
    return made or event["event"] == "gathered"


def _doubled(events: Sequence[Event]) -> Iterator[str]:
    """Say which events are there twice, with the same time; remarks may be."""
    kinds = {"started", *versions.PLANS, "shard_done", *log.ENDS}
    lines = Counter(json.dumps(e, sort_keys=True) for e in events if e["event"] in kinds)
    for line, times in lines.items():
        if times > 1:
            yield f"{json.loads(line)['event']}: the same line is there {times} times"


def _differences(event: Event, before: Sequence[Event], run: Sequence[Event]) -> Iterator[str]:
    """Say what a plan tells otherwise than the runs before it, and what its run found.

    That of a new study says nothing of a run before.
    """
    kind = event["event"]
    first = not any(e["event"] in versions.PLANS for e in before)
    if (kind == "planned" and not first) or (kind == "resumed" and first):
        yield f"{kind}: is {'' if first else 'not '}the first plan of the study"
    own = next(n for n, e in enumerate(run) if e is event)
    shards = versions.of_shards([*before, *run[:own]]).values()
    expected = {"done": sum(points for points, _ in shards), "after": resume.last_end(before)}
    if kind == "planned" and not {"done", "after"} & event.keys() and not shards:
        return
    for name, value in expected.items():
        if event.get(name) != value:
            yield f"{kind}: its {name} is {event.get(name)}, not {value}"


def _changes(last: Planned, plan: Planned) -> Iterator[str]:
    """Say what a plan changes of that of the run before though its kind says otherwise.

    A run without a plan, which was killed, may have written another one to ``study.yaml``.
    """
    (before, there), (event, here) = last, plan
    kind = event["event"]
    if there is None or here is None or kind == "planned":
        return
    if (there.fingerprint != here.fingerprint) != (kind == "extended"):
        yield f"{kind}: is {'' if kind == 'extended' else 'not '}of the sweep before it"
    if kind != "summarised" and (other := resume.other_statistics(there.sweep, here.sweep)):
        yield f"{kind}: has other statistics than {before['event']} ({'; '.join(other)})"
