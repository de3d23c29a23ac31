"""Whether the log says of plans, shards and the dataset what can be computed from these."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from izhi import netcdf
from izhi.errors import ConfigError, StudyError
from izhi.spikes import Settings
from izhi.study import contents, restate, resume, runcheck, shardfile, statistics, versions
from izhi.study.folder import UNREADABLE, StudyFolder
from izhi.study.resume import Grid
from izhi.study.window import Source
from izhi.sweep.plan import Plan

Event = Mapping[str, Any]


class LogCheck:
    """A log beside the plans that it should tell of.

    Parameters
    ----------
    folder
        The study's folder.
    events
        The log.
    plans
        The plan of each sweep of the study, by fingerprint, oldest first.
    """

    def __init__(
        self, folder: StudyFolder, events: Sequence[dict[str, Any]], plans: Mapping[str, Plan]
    ) -> None:
        self.folder, self.events, self.plans = folder, list(events), plans
        self.plan = list(plans.values())[-1]

    @cached_property
    def _planned(self) -> list[tuple[Event, Grid | None]]:
        """The events that tell of a plan, with what they tell; None where that cannot be read."""
        result: list[tuple[Event, Grid | None]] = []
        for event in self.events:
            if event["event"] in versions.PLANS:
                try:
                    result.append((event, Grid.read(event, str(self.folder.log))))
                except StudyError:
                    result.append((event, None))
        return result

    @cached_property
    def gathered(self) -> Event | None:
        """The event that ended the last run which gathered; None where there is none."""
        return next((e for e in reversed(self.events) if e["event"] == "gathered"), None)

    @cached_property
    def until_gathered(self) -> list[dict[str, Any]]:
        """All events up to the last one that gathered."""
        last = max((n for n, e in enumerate(self.events) if e["event"] == "gathered"), default=-1)
        return self.events[: last + 1]

    @cached_property
    def _known_settings(self) -> set[str]:
        """What statistics of this study may be known by."""
        digests = set()
        for settings in self._settings:
            digests |= {statistics.digest(settings, version) for version in self._versions}
        return digests

    @cached_property
    def _versions(self) -> set[int]:
        """Versions of the statistics that runs of this study had."""
        logged = (e.get("statistics", 1) for e in self.events if e["event"] == "gathered")
        return {*range(1, statistics.VERSION + 1), *logged}

    @cached_property
    def _settings(self) -> list[Settings]:
        sweeps = [grid.sweep for _, grid in self._planned if grid is not None]
        result: list[Settings] = []
        for sweep in (*sweeps, self.plan.sweep):
            try:
                result.append(statistics.settings_of(sweep))
            except ConfigError:  # of a version with other statistics
                continue
        return result

    @cached_property
    def _version_here(self) -> str:
        """The version of izhi that runs this check."""
        return versions.here(compiled=False)["izhi"]

    @cached_property
    def _was_repaired(self) -> bool:
        """Whether a run found damage: what lines that are no events said is not known."""
        return any(e["event"] == "damaged" for e in self.events)

    # ------------------------------------------------------------ plans

    def plan_problems(self) -> Iterator[str]:
        """Say which plans are not those of the study's sweeps."""
        for event, grid in self._planned:
            if grid is None or grid.fingerprint not in self.plans:
                yield f"{event['event']}: no plan of this study"
                continue
            for name in self._differences(event, self.plans[grid.fingerprint]):
                yield f"{event['event']}: its {name} are not those of its sweep"
        if self._planned and (grid := self._planned[-1][1]) is not None:
            now = [statistics.settings_of(s) for s in (grid.sweep, self.plan.sweep)]
            if grid.fingerprint != list(self.plans)[-1] or now[0] != now[1]:
                yield f"{self._planned[-1][0]['event']}: not what study.yaml says"
        yield from runcheck.problems(self.events, self._planned)
        if any("digest" in event and event["event"] != "gathered" for event in self.events):
            yield "an event has a digest, and gathered nothing"

    def _differences(self, event: Event, plan: Plan) -> Iterator[str]:
        """Yield the names of what an event says of a plan that is not so."""
        expected = resume.summary(plan)
        yield from (n for n in ("points", "seeds", "structures") if event.get(n) != expected[n])
        if not self._are_engines(event, plan):
            yield "engines"
        swept = [sorted(plan.sweep.bases[n].swept) for n in plan.sweep.used]
        if [sorted(map(str, names)) for names in event["swept"]] != swept:
            yield "swept keys"
        if not self._is_number_of_shards(event, plan):
            yield "shards"
        if not self._are_versions(event):
            yield "versions"

    def _of_run(self, event: Event) -> list[Event]:
        """Return what followed on an event in its run."""
        start = next(n for n, e in enumerate(self.events) if e is event) + 1
        ends = (n for n in range(start, len(self.events)) if self.events[n]["event"] == "started")
        return list(self.events[start : next(ends, len(self.events))])

    def _are_engines(self, event: Event, plan: Plan) -> bool:
        """Whether the engines of a plan may have made the shards of its run."""
        engines, run = event.get("engines"), self._of_run(event)
        if not isinstance(engines, list) or len(engines) != len(plan.batches):
            return False
        config = event["configs"][0]
        asked = {"compiled", "numpy"} & {config.get("run.engine")} or {"compiled", "numpy"}
        if not all(isinstance(engine, str) and engine in asked for engine in engines):
            return False
        if config.get("run.backend") == "dask" or _fell_back(run):
            return True  # workers without a compiler compute otherwise than planned
        engine_of = {
            batch.structure.digest: engine
            for batch, engine in zip(plan.batches, engines, strict=True)
        }
        return all(
            engine_of.get(done["shard"].split("-")[0]) == _engine(done)
            for done in _made(run) if "versions" in done
        )  # fmt: skip

    def _are_versions(self, event: Event) -> bool:
        """Whether what a run made, in its own processes, has the versions of its environment."""
        environment, run = versions.of_environment(event.get("environment")), self._of_run(event)
        made = [done for done in run if done["event"] == "gathered"]
        if event["configs"][0].get("run.backend") != "dask":
            made += _made(run)
        if not environment:  # of an earlier version, or taken out: nothing to compare
            return not any("versions" in done for done in made)
        return all(
            environment.get(name) == version
            for done in made
            for name, version in versions.read(done.get("versions")).items()
        )

    def _is_number_of_shards(self, event: Event, plan: Plan) -> bool:
        number, run = event.get("shards"), self._of_run(event)
        if type(number) is not int or not len(plan.batches) <= number <= plan.points:
            return False
        split = any(e["event"] == "shard_failed" for e in run)
        if split or _fell_back(run) or self._was_repaired:
            return True
        made = len(list(_made(run)))
        whole = "after" not in event and any(e["event"] == "gathered" for e in run)
        return made == number if whole else made <= number

    # ------------------------------------------------------------ shards

    def shard_problems(self, found: Mapping[Path, NDArray[np.int64]]) -> Iterator[str]:
        """Say which shard files hold more than results, or are not what the log says of them.

        Parameters
        ----------
        found
            Numbers of points by shard file.
        """
        logged = {e["shard"]: e for e in self.events if e["event"] == "shard_done" and "shard" in e}
        for path in found:
            try:
                contents.check_names(path, self.plan)
                for difference in self._shard_differences(path, logged[path.name]):
                    yield f"{path}: {difference}"
                if not self._has_known_settings(path, logged[path.name]):
                    yield f"{path}: its statistics are by settings that the study never had"
            except StudyError as error:
                yield f"{path}: {error}"
            except UNREADABLE as error:
                yield f"{path}: cannot be read: {' '.join(str(error).split())[:200]}"

    def _shard_differences(self, path: Path, event: Event) -> Iterator[str]:
        adopted = bool(event.get("adopted"))
        told = shardfile.read_all_versions(path)
        if adopted and "versions" in event:
            told = versions.read(told)
        if told != event.get("versions", {}):  # earlier versions said them in neither
            yield "its versions are not the logged ones"
        sizes = _sizes(path)
        if adopted and "first" not in event:  # which is a number of the plan of that time
            yield "its first is not logged"
        own = ("points",) if adopted else tuple(sizes)
        for name in own:
            if event.get(name, 0 if name == "diverged" else None) != sizes[name]:
                yield f"its {name} is not the logged number"

    def _has_known_settings(self, path: Path, event: Event) -> bool:
        """Whether the statistics of a shard are by settings that the study has had.

        Also where that cannot be known: another version of izhi may have had other settings, and
        a log that was lost, or a line of it, may have told of more.
        """
        made = versions.read(event.get("versions")).get("izhi")
        other = made is None or made != self._version_here
        unknown = other or event.get("adopted") or self._was_repaired
        return bool(unknown) or shardfile.read_head(path).stated in self._known_settings

    def failure_problems(self, found: Mapping[Path, NDArray[np.int64]]) -> Iterator[str]:
        """Say which points have results, and are said to have failed."""
        failed = resume.failed(self.events)
        for path, points in found.items():
            for point in np.intersect1d(failed, points)[:1]:
                yield f"{self.folder.log}: says that point {point} failed, which {path} holds"

    # ------------------------------------------------------------ the dataset

    def gathering_problems(self, sources: Sequence[Source]) -> Iterator[str]:
        """Say what the last event that gathered says otherwise than the shards do."""
        event = self.gathered or {}
        diverged = sum(_sizes(source.path)["diverged"] for source in sources)
        counts = {"failed": resume.failed(self.until_gathered).size, "diverged": diverged}
        if "recomputed" in event or "versions" in event:
            counts["recomputed"] = restate.recomputed(
                self.plan, sources, event.get("statistics", 1)
            )
        for name, number in counts.items():
            if event.get(name, 0) != number:
                yield f"gathered: its {name} is {event.get(name, 0)}, not {number}"
        yield from self._version_problems({source.stated for source in sources})

    def _version_problems(self, stated: Collection[str]) -> Iterator[str]:
        event = self.gathered or {}
        version = event.get("statistics", 1)
        if not {"statistics", "versions"} & event.keys():  # by a version that said neither
            return
        now = statistics.settings_of(self.plan.sweep)
        if version == statistics.VERSION or set(stated) == {statistics.digest(now, version)}:
            return
        later = {
            statistics.digest(settings, n)
            for settings in self._settings
            for n in range(max(version, 0) + 1, statistics.VERSION + 1)
        }
        if not 1 <= version < statistics.VERSION or later & set(stated):
            yield f"gathered: its statistics is {version}, a version that the shards are not of"


def _sizes(path: Path) -> dict[str, int]:
    """Return what the log tells of a shard file in numbers."""
    with netcdf.open(path) as file:
        file.set_auto_maskandscale(False)
        point, status, count = (file[name][:] for name in ("point", "status", "train_count"))
    return {
        "points": point.size,
        "first": int(point[0]),
        "spikes": int(count.sum(dtype=np.int64)),
        "diverged": int(np.count_nonzero(status == shardfile.DIVERGED)),
    }


def _made(run: Sequence[Event]) -> Iterator[Event]:
    """Yield the shards that a run made itself."""
    for event in run:
        if event["event"] == "shard_done" and "shard" in event and not event.get("adopted"):
            yield event


def _engine(done: Event) -> str:
    """Return the engine that made a shard: a compiler has a part in one of them."""
    return "compiled" if "compiler" in versions.read(done.get("versions")) else "numpy"


def _fell_back(run: Sequence[Event]) -> bool:
    """Whether a run used the numpy engine where it had planned the compiled one."""
    return any(
        e["event"] == "warning" and str(e.get("text")).endswith("using the numpy engine")
        for e in run
    )
