"""What the page of a study shows: its log and shards, each looked at once as they come.

Nothing is written and the log is not held: a run does not notice that it is watched.
"""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from izhi.errors import StudyError
from izhi.report import colours
from izhi.report.watch.maps import Choice, Maps
from izhi.report.watch.progress import PLANS, Progress, Stored
from izhi.spikes import STATISTICS
from izhi.study import folder as folders
from izhi.study import log, overview, resume, shardfile, statistics
from izhi.study.extend import Place
from izhi.study.folder import UNREADABLE, StudyFolder

A_TURN = 0.2
"""Seconds for which new shards are looked into at a time; the rest of them have to wait."""

_CHUNK = 1 << 20


@dataclass
class Watched:
    """A study that is watched.

    Attributes
    ----------
    folder
        Where it lies.
    progress
        What its log has told.
    maps
        What its shards have; None before it is known what it is.
    """

    folder: StudyFolder
    progress: Progress = field(default_factory=Progress)
    maps: Maps | None = None
    _plans: int = 0
    _position: int = 0
    _file: int = 0
    _places: dict[str, Place] = field(default_factory=dict)
    _stated: str = ""
    _waiting: deque[str] = field(default_factory=deque)
    _failed: list[int] = field(default_factory=list)

    @classmethod
    def of(cls, path: Path) -> Watched:
        """Return a study that is there.

        Raises
        ------
        StudyError
            When there is none.
        """
        return cls(overview.existing(path))

    def follow(self) -> None:
        """Read what the log has more than before.

        Raises
        ------
        StudyError
            When the log is gone.
        """
        try:
            with open(self.folder.log, "rb") as file:
                self._begin_anew(file.fileno())
                file.seek(self._position)
                while lines := file.readlines(_CHUNK):
                    whole = [line for line in lines if line.endswith(b"\n")]
                    self._position += sum(map(len, whole))
                    for event in log.events(b"".join(whole)):
                        self._add(event)
                    if len(whole) < len(lines):  # the last one is being written
                        break
        except OSError as error:
            raise StudyError(f"{self.folder.log}: cannot be read: {error.strerror}") from error

    def _begin_anew(self, handle: int) -> None:
        """Forget everything where the log is another one."""
        told = os.fstat(handle)
        if told.st_size < self._position or self._file not in (0, told.st_ino):
            vars(self).update(vars(Watched(self.folder, _plans=self._plans)))
        self._file = told.st_ino

    def _add(self, event: dict[str, Any]) -> None:
        self.progress.add(event)
        what = event["event"]
        if what == "started":
            self._failed.clear()
        elif what in PLANS:
            self.maps = None
            self._plans += 1
            self._waiting = deque(self.progress.stored)
        elif what == "shard_done" and "shard" in event:
            self._waiting.append(event["shard"])
        elif what == "point_failed" and isinstance(event.get("point"), int):
            self._failed.append(event["point"])

    def look(self, seconds: float = A_TURN) -> None:
        """Look into new shards, for so many seconds.

        Raises
        ------
        StudyError
            When it cannot be read what the study is.
        """
        deadline = time.monotonic() + seconds
        if self.maps is None and self.progress.total:
            self._begin_maps()
        if self.maps is None:
            return
        while self._failed:
            self.maps.fail(self._failed.pop())
        while self._waiting and time.monotonic() < deadline:
            name = self._waiting.popleft()
            shard = self.progress.stored.get(name)
            if shard is not None:
                self._look_into(self.maps, self.folder.shards / name, shard)

    def _begin_maps(self) -> None:
        folders.check_own(self.folder)
        held = resume.grids(self.folder)
        sweep = held[-1].sweep
        self._places = resume.places(held, sweep, self.folder)
        self._stated = statistics.digest(statistics.settings_of(sweep))
        self.maps = Maps.of(sweep.axes)

    def _look_into(self, maps: Maps, path: Path, shard: Stored) -> None:
        """Add a shard to the maps, if it is whole: netCDF may look for ever in one that is not."""
        if folders.sha256(path) != shard.sha256:
            maps.unseen += shard.points
            return
        try:
            found = shardfile.read_results(path)
            points = resume.renumber(found.fingerprint, found.points, self._places)
        except (StudyError, *UNREADABLE):
            maps.unseen += shard.points
            return
        rows = found.rows
        if found.stated != self._stated:  # computed anew when the dataset is put together
            maps.unseen += shard.points
            rows = {"status": rows["status"]}
        try:
            maps.add(points, rows, found.cells, found.synapses)
        except UNREADABLE:  # what it holds is not of its points
            maps.unseen += shard.points

    def state(self) -> str:
        """Return ``"running"``, ``"done"``, or how the last run ended."""
        if self.progress.ended:
            return str(self.progress.last["event"]).replace("gathered", "done")
        return log.state(self.folder.log, "killed")

    def told(self, asked: Mapping[str, str]) -> dict[str, Any]:
        """Return all that the page shows, as plain data.

        Parameters
        ----------
        asked
            What map to show, see :meth:`Maps.choice`; ``seen``, the mark of the map that is shown
            already, which is not told again then.

        Raises
        ------
        StudyError
            When the study cannot be read.
        """
        self.follow()
        self.look()
        p, now = self.progress, time.time()
        return {
            "name": self.folder.path.absolute().name,
            "path": str(self.folder.path),
            "state": self.state(),
            "who": log.who(p.begun) if p.begun else "",
            "reason": str(p.last.get("reason", "")),
            "total": p.total, "done": p.done, "failed": p.failed, "diverged": p.diverged,
            "rate": p.rate, "left": p.left,
            "latest": None if p.latest is None else max(0.0, now - p.latest),
            "error": p.error,
            "waiting": len(self._waiting),
            "maps": None if self.maps is None else _maps(self.maps, self._plans, asked),
        }  # fmt: skip


def _maps(maps: Maps, plan: int, asked: Mapping[str, str]) -> dict[str, Any]:
    """Return what can be shown, and the map that was asked for."""
    choice = maps.choice(asked)
    return {
        "statistics": [_statistic(name) for name in maps.statistics],
        "cells": maps.cells, "projections": maps.projections,
        "axes": [
            {"name": axis.name, "unit": axis.unit or "", "per": block.per,
             "labels": [f"{label:.6g}" if isinstance(label, float) else str(label)
                        for label in block.labels(axis.labels)]}
            for axis, block in zip(maps.axes, maps.blocks, strict=True)
        ],
        "points": maps.points, "unseen": maps.unseen,
        "map": None if choice is None else _map(maps, choice, plan, asked.get("seen")),
    }  # fmt: skip


def _statistic(name: str) -> dict[str, Any]:
    what = STATISTICS[name]
    return {"name": name, "title": what.long_name, "unit": what.units, "per": what.per,
            "words": list(what.words), "colours": colours.words(what.words)}  # fmt: skip


def _map(maps: Maps, choice: Choice, plan: int, seen: str | None) -> dict[str, Any] | None:
    mark = f"{plan} {maps.version} {choice}"
    if mark == seen:
        return None
    values = np.where(np.isfinite(found := maps.values(choice)), found, np.nan)
    return {
        "mark": mark, "statistic": choice.statistic, "label": choice.label,
        "x": choice.x, "y": choice.y, "at": list(choice.at),
        "values": [[None if v != v else float(f"{v:.7g}") for v in row] for row in values.tolist()],
        "failed": maps.marked(choice, shardfile.FAILED),
        "diverged": maps.marked(choice, shardfile.DIVERGED),
    }  # fmt: skip
