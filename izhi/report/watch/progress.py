"""How far a study is, as its log tells it, event by event."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from izhi.study import log

A_WHILE = 60.0
"""Seconds over which the rate is taken."""

_MOST_RECENT = 500

PLANS = ("planned", "resumed", "extended", "summarised")
"""Events that say what the study is from then on."""

_BEFORE_SHARDS = ("started", *PLANS, "built")


@dataclass(frozen=True)
class Stored:
    """A shard whose results are on the disk: its SHA-256 and its numbers of points."""

    sha256: str
    points: int
    diverged: int


@dataclass
class Progress:
    """What the events so far come to.

    Attributes
    ----------
    total
        Points of the study; 0 before they are known.
    begun, last
        The event that began the last run, and the last one of those that begin or end one.
    stored
        The shards that should be there, by name.
    done, diverged, failed
        Points whose results are stored, those of them that diverged, points that failed in the
        last run.
    error
        The first error of the last run; empty without one.
    """

    total: int = 0
    begun: dict[str, Any] = field(default_factory=dict)
    last: dict[str, Any] = field(default_factory=dict)
    stored: dict[str, Stored] = field(default_factory=dict)
    done: int = 0
    diverged: int = 0
    failed: int = 0
    error: str = ""
    _run: int = 0
    _recent: deque[tuple[float, int]] = field(default_factory=lambda: deque(maxlen=_MOST_RECENT))

    def add(self, event: dict[str, Any]) -> None:
        """Take note of an event."""
        what = event["event"]
        if what in ("started", *log.ENDS):
            self.last = event
        if what == "started":
            self.begun, self.failed, self.error, self._run = event, 0, "", 0
        elif what in PLANS:
            self.total = int(event.get("points", 0))
        elif what == "shard_done" and "shard" in event:
            self._store(event)
        elif what == "damaged" and "shard" in event:
            self._forget(event["shard"])
        elif what == "point_failed":
            self.failed += 1
            self._note(event, 1)
        if what in ("point_failed", "shard_failed"):
            self.error = self.error or str(event.get("reason", ""))
        if what in _BEFORE_SHARDS:
            self._recent.clear()
            self._note(event, 0)

    def _store(self, event: dict[str, Any]) -> None:
        self._forget(event["shard"])
        shard = Stored(str(event.get("sha256")), event.get("points", 0), event.get("diverged", 0))
        self.stored[event["shard"]] = shard
        self.done += shard.points
        self.diverged += shard.diverged
        if not event.get("adopted"):
            self._note(event, shard.points)

    def _forget(self, name: str) -> None:
        shard = self.stored.pop(name, Stored("", 0, 0))
        self.done -= shard.points
        self.diverged -= shard.diverged

    def _note(self, event: dict[str, Any], points: int) -> None:
        when = seconds(event)
        self._run += points
        self._recent.append((when, points))
        while when - self._recent[0][0] > A_WHILE and len(self._recent) > 2:
            self._recent.popleft()

    @property
    def ended(self) -> bool:
        """Whether the last run has ended in order."""
        return self.last.get("event") in log.ENDS

    @property
    def rate(self) -> float | None:
        """Points per second over the last while; of a run that has ended, over all of it."""
        if self.ended and self.begun:
            points, time = self._run, seconds(self.last) - seconds(self.begun)
        elif len(self._recent) > 1:
            first, *others = self._recent
            points, time = sum(n for _, n in others), others[-1][0] - first[0]
        else:
            return None
        return points / time if points and time > 0 else None

    @property
    def left(self) -> float | None:
        """Seconds until all points are done, at that rate; None where there is none."""
        rate = self.rate
        return None if rate is None or self.ended else (self.total - self.done - self.failed) / rate

    @property
    def latest(self) -> float | None:
        """When the last results came, in seconds since 1970."""
        return self._recent[-1][0] if self._run else None


def seconds(event: dict[str, Any]) -> float:
    """Return when an event was, in seconds since 1970; 0 where it does not say."""
    try:
        when = datetime.fromisoformat(event["time"])
    except ValueError:
        return 0.0
    return (when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp()
