"""Starting a study or going on with one: what it is, how it may grow, what is done already."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray

from izhi.config import inputs, keys
from izhi.config.files import SAFE_LOADER
from izhi.config.keys import Value
from izhi.config.sweep import Sweep
from izhi.errors import StorageError, StudyError
from izhi.study import contents, description, extend, log, provenance, shardfile, versions
from izhi.study import folder as folders
from izhi.study.extend import Place
from izhi.study.folder import StudyFolder
from izhi.sweep import points as numbering
from izhi.sweep.plan import Plan, Shard
from izhi.units import Quantity

# Those written in C take a tenth of the time, which counts where an axis has thousands of values.


class _Dumper(getattr(yaml, "CSafeDumper", yaml.SafeDumper)):  # type: ignore[misc]
    """Writes everything out: what refers to other places may stand for any amount of data."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


_NESTED = 100
"""Brackets within brackets that a study's file may have; reading them takes quadratic time."""


@dataclass(frozen=True)
class Grid:
    """A sweep that a study was planned for, under the fingerprint that its shards bear."""

    fingerprint: str
    sweep: Sweep
    told: dict[str, Any]

    @classmethod
    def read(cls, told: Any, source: str) -> Grid:
        """Return what a description tells of.

        Raises
        ------
        StudyError
            When it is damaged, or of another version of izhi.
        """
        if not isinstance(told, dict):
            raise StudyError(f"{source}: is no description of a study")
        if told.get("schema") != description.SCHEMA:
            schema = told.get("schema")
            raise StudyError(
                f"{source}: no study of this version of izhi (schema {description.SCHEMA})"
                + (f", but of schema {schema}" if isinstance(schema, int) else "")
            )
        sweep = description.read(told, source)
        fingerprint = description.fingerprint(sweep)
        if told.get("fingerprint") != fingerprint:
            raise StudyError(f"{source}: changed after it was written (its fingerprint is another)")
        return cls(fingerprint, sweep, {key: told[key] for key in _told(sweep)})


def grids(folder: StudyFolder) -> list[Grid]:
    """Return the sweeps that a study was planned for, one after the other; the last one holds.

    They are in ``study.yaml``; the log has them, too, where that is damaged.

    Raises
    ------
    StudyError
        When neither can be read.
    """
    try:
        return grids_of_config(folder)
    except StudyError as error:
        try:
            found = grids_of_log(folder)
        except StudyError:
            raise error from None
        if not found:
            raise
        return found


def grids_of_config(folder: StudyFolder) -> list[Grid]:
    """Return the sweeps that ``study.yaml`` holds; see :func:`grids`."""
    inputs.look_in(folder.path)
    told = load(folder.config)
    earlier = told.get("earlier", []) if isinstance(told, dict) else []
    if not isinstance(earlier, list):
        raise StudyError(f"{folder.config}: earlier: expected a list")
    return [Grid.read(part, str(folder.config)) for part in [*earlier, told]]


def grids_of_log(folder: StudyFolder) -> list[Grid]:
    """Return the sweeps that the log holds; see :func:`grids`."""
    inputs.look_in(folder.path)
    found = [Grid.read(event, str(folder.log)) for event in _planned(folder)]
    return [grid for n, grid in enumerate(found) if n + 1 == len(found) or
            grid.fingerprint != found[n + 1].fingerprint]  # fmt: skip


def _planned(folder: StudyFolder) -> list[dict[str, Any]]:
    return [
        event for event in _events(folder)
        if event["event"] in ("planned", "extended", "summarised")
    ]  # fmt: skip


def _events(folder: StudyFolder) -> list[dict[str, Any]]:
    return log.read(folder.log) if folder.log.is_file() else []


def load(path: Path) -> Any:
    """Return what a YAML file of a study holds.

    Raises
    ------
    StudyError
        When it cannot be read.
    """
    try:
        text = path.read_text(encoding="utf-8")
        _check_plain(text)
        return yaml.load(text, Loader=SAFE_LOADER)
    except (OSError, yaml.YAMLError, UnicodeDecodeError, ValueError, RecursionError) as error:
        raise StudyError(f"{path}: cannot be read: {' '.join(str(error).split())[:120]}") from error


def _check_plain(text: str) -> None:
    """Check that YAML is no larger than it looks: no nested brackets, and nothing said twice.

    Raises
    ------
    ValueError
        When it is.
    """
    depth = 0
    for bracket in re.findall(r"[\[{\]}]", text):
        depth = depth + 1 if bracket in "[{" else max(0, depth - 1)
        if depth > _NESTED:
            raise ValueError(f"more than {_NESTED} brackets within each other")
    for event in yaml.parse(text, Loader=SAFE_LOADER):
        if isinstance(event, yaml.AliasEvent):
            raise ValueError("a reference to another place in it")


def check_free(folder: StudyFolder) -> None:
    """Check that a folder holds a study, the beginning of one, or nothing.

    Raises
    ------
    StudyError
        When it holds other files, or folders where files are expected.
    """
    files = [folder.config, folder.log, folder.dataset, folder.summary]
    for path in [*files, *folder.shards.glob("*.nc")]:
        if path.is_dir():
            raise StudyError(f"{path}: is a folder, where a file is expected; remove it")
    if folder.shards.is_file():
        raise StudyError(f"{folder.shards}: is a file, where a folder is expected; remove it")
    if folder.config.is_file() or not folder.path.is_dir() or _planned(folder):
        return
    # by a process that was killed here, or runs
    begun = (folder.log.name, f".{folder.log.name}.lock-*", f".{folder.config.stem}-*.tmp")
    others = [p for p in folder.path.iterdir() if not any(p.match(name) for name in begun)]
    if others and not folder.config.is_file():  # which another process may just have written
        raise StudyError(
            f"study.name = {folder.path.name}: {folder.path} holds files that are no study; "
            "choose another name"
        )


def open_folder(
    folder: StudyFolder,
    plan: Plan,
    record: log.Writer,
    command: Sequence[str],
    remark: Callable[[str], None],
    summarise: bool = False,
) -> dict[Path, NDArray[np.int64]]:
    """Begin a study, or return the points that its shards hold already.

    Parameters
    ----------
    folder
        The study's folder, whose log is held.
    plan
        What was asked for.
    record
        The log.
    command
        What the user called.
    remark
        Where to say what is not as it should be.
    summarise
        Whether the statistics may be others than before.

    Returns
    -------
    dict
        Numbers of points, in the plan's axes, by shard file.

    Raises
    ------
    StudyError
        When the folder holds a study that does not grow into this one; when statistics are to be
        computed from shards that are damaged.
    """

    def warn(text: str) -> None:
        remark(f"warning: {text}")
        record.append("warning", text=text)

    if not folder.config.is_file() and not _planned(folder):
        record.append("started", **log.started(command, record.run))
        _write(folder, [_told(plan.sweep)])
        folders.remove_unfinished(folder)
        folder.shards.mkdir(exist_ok=True)
        _plan_logged("planned", folder, plan, record, warn)
        return {}
    held = grids(folder)
    fingerprint = description.fingerprint(plan.sweep)
    where = places(held, plan.sweep, folder)
    grown = held[-1].fingerprint != fingerprint
    if not summarise:
        _check_statistics(held[-1].sweep, plan.sweep, folder)
    events = _events(folder)
    stored = _look(folder, where, plan, events)
    if summarise and stored.damaged:
        name, reason = next(iter(stored.damaged.items()))
        raise StudyError(
            f"{folder.shards / name}: {reason}; run the study again first, which computes it anew"
        )
    record.append("started", **log.started(command, record.run))
    told = [grid.told for grid in held]
    described = _told(plan.sweep)
    if grown or summarise:
        told = [*(told if grown else told[:-1]), described]
    elif "drawn" in described and "drawn" not in told[-1]:  # earlier versions did not say
        told = [*told[:-1], {**told[-1], "drawn": described["drawn"]}]
    _write(folder, told)
    for line in log.damaged(folder.log):
        record.append("damaged", line=line, reason="it is no event")
    folders.remove_unfinished(folder)
    folder.shards.mkdir(exist_ok=True)
    _repair(folder, stored, record, warn)
    event = "extended" if grown else "resumed" if _planned(folder) else "planned"
    if summarise:
        event = "summarised"
        whole = np.concatenate([np.empty(0, np.int64), *stored.points.values()])
        for point in np.setdiff1d(failed(events), whole):
            record.append("point_failed", point=int(point), reason="in an earlier run")
    _plan_logged(
        event, folder, plan, record, warn,
        done=sum(p.size for p in stored.points.values()), after=last_end(events),
    )  # fmt: skip
    _warn_of_versions(folder, plan, stored, warn, summarise)
    return stored.points


def _warn_of_versions(
    folder: StudyFolder,
    plan: Plan,
    stored: _Stored,
    warn: Callable[[str], None],
    summarise: bool,
) -> None:
    """Say that points are, or are about to be, of several versions."""
    parts = [*versions.of_shards(_events(folder)).values()]
    left = plan.points - sum(points.size for points in stored.points.values())
    if left and not summarise:
        parts.append((left, versions.here(any(b.engine == "compiled" for b in plan.batches))))
    if said := versions.several(parts):
        warn(said)


def _check_statistics(there: Sweep, here: Sweep, folder: StudyFolder) -> None:
    """Check that statistics are asked for as before: those of all points are computed alike."""
    if differences := other_statistics(there, here):
        raise StudyError(
            f"study.name = {folder.path.name}: {folder.path} has other statistics, which "
            f"izhi summarise {folder.path} computes anew ({'; '.join(differences)})"
        )


def other_statistics(there: Sweep, here: Sweep) -> list[str]:
    """Return in words which settings of statistics two sweeps have differently."""
    old, new = (sweep.bases[sweep.used[0]].values for sweep in (there, here))
    return [
        f"{key}: {_shown(value)} there, {_shown(new.get(key))} here"
        for key, value in old.items()
        if key.startswith(description.STATISTICS) and new.get(key) != value
    ]


def _shown(value: Value) -> str:
    return description.written(value) if isinstance(value, Quantity) else keys.shown(value)


def failed(events: list[dict[str, Any]]) -> NDArray[np.int64]:
    """Return the points that failed in the last run."""
    found: list[int] = []
    for event in events:
        if event["event"] == "started":
            found = []
        elif event["event"] == "point_failed" and isinstance(event.get("point"), int):
            found.append(event["point"])
    return np.array(sorted(set(found)), np.int64)


def _told(sweep: Sweep) -> dict[str, Any]:
    """Return what a study is, as plain data."""
    return {
        "schema": description.SCHEMA,
        "fingerprint": description.fingerprint(sweep),
        **description.of(sweep),
    }


def _write(folder: StudyFolder, told: list[dict[str, Any]]) -> None:
    """Write what the study is, first of all: what is stopped from here on can be gone on with."""
    earlier = {"earlier": told[:-1]} if told[1:] else {}
    text = yaml.dump({**told[-1], **earlier}, Dumper=_Dumper, sort_keys=False, allow_unicode=True)
    if not folder.config.is_file() or folder.config.read_bytes() != text.encode():
        folders.write_atomic(folder.config, lambda path: folders.write_bytes(path, text.encode()))


def _plan_logged(
    event: str,
    folder: StudyFolder,
    plan: Plan,
    record: log.Writer,
    warn: Callable[[str], None],
    **details: Any,
) -> None:
    """Write a plan to the log; say what the log cannot tell."""
    told = _logged(folder, plan)
    record.append(event, **details, **told)
    for line in provenance.remarks(told["environment"]["repositories"]):
        warn(line)


def _logged(folder: StudyFolder, plan: Plan) -> dict[str, Any]:
    """Return what the log tells of a plan: all that it takes to run it again."""
    return {
        **_told(plan.sweep),
        **summary(plan),
        "environment": {
            **provenance.environment(), "repositories": provenance.repositories(folder.path)
        },
    }  # fmt: skip


def summary(plan: Plan) -> dict[str, Any]:
    """Return what the log tells of a plan besides its description: numbers, engines, structures."""
    return {
        "points": plan.points,
        "shards": len(plan.shards),
        "seeds": np.unique(numbering.grid(plan.sweep, "simulation.seed")).astype(int).tolist(),
        "engines": [batch.engine for batch in plan.batches],
        "structures": [batch.structure.digest for batch in plan.batches],
    }


def last_end(events: Sequence[Mapping[str, Any]]) -> str:
    """Return how the last run ended that a log tells of."""
    last = next((e["event"] for e in reversed(events) if e["event"] in ("started", *log.ENDS)), "")
    return last if last in log.ENDS else "killed"


def places(held: list[Grid], sweep: Sweep, folder: StudyFolder) -> dict[str, Place]:
    """Return where the points of each sweep of the study are now, by fingerprint."""
    result = {}
    for grid in reversed(held):
        found = extend.place(grid.sweep, sweep)
        if isinstance(found, list):
            raise StudyError(
                f"study.name = {folder.path.name}: {folder.path} holds another study; choose "
                f"another name, or remove that folder ({'; '.join(found)})"
            )
        result[grid.fingerprint] = found
    return result


@dataclass(frozen=True)
class _Stored:
    """What lies in the folder of shards.

    Attributes
    ----------
    points
        Points of the shard files that are whole, in the plan's numbers.
    adopted
        Those of them that the log does not know, with their SHA-256.
    damaged
        Why shards of the study are none, by name; some of these files are not there.
    in_the_way
        Files that have a shard's name and that nothing shows to be the study's, with why.
    foreign
        Other files that nothing shows to be the study's.
    """

    points: dict[Path, NDArray[np.int64]]
    adopted: dict[Path, str]
    damaged: dict[str, str]
    in_the_way: dict[Path, str]
    foreign: list[Path]


def _look(
    folder: StudyFolder, where: dict[str, Place], plan: Plan, events: list[dict[str, Any]]
) -> _Stored:
    """Look through the folder of shards; nothing is changed.

    Raises
    ------
    StorageError
        When a file cannot be read now: that does not show that it is damaged.
    """
    logged = checksums(events)
    paths = sorted(folder.shards.glob("*.nc"), key=lambda path: path.name not in logged)
    missing = logged.keys() - {path.name for path in paths}
    stored = _Stored({}, {}, dict.fromkeys(sorted(missing), "it is not there"), {}, [])
    finished, batch_of = np.zeros(plan.points, np.bool_), contents.batches(plan)
    with ThreadPoolExecutor(plan.workers) as pool:
        for path, sha256 in zip(paths, pool.map(folders.sha256, paths), strict=True):
            if sha256 is None and path.is_file() and not path.is_symlink():
                why = folders.unreadable(path) or "cannot be read to its end"
                raise StorageError(f"{path}: {why}; make it readable, or remove it, and run again")
            if path.name not in logged and (why := _not_own(path, sha256, where)):
                if any(folders.is_shard(path.name, fingerprint) for fingerprint in where):
                    stored.in_the_way[path] = why
                else:
                    stored.foreign.append(path)
                continue
            try:
                if sha256 is None:
                    raise StudyError("it cannot be read")
                if logged.get(path.name, sha256) != sha256:
                    raise StudyError("its SHA-256 is not the logged one")
                points = renumbered(path, where)
                if finished[points].any():
                    raise StudyError("another shard holds its points")
                contents.check(path, points, plan, batch_of)
            except StudyError as error:
                stored.damaged[path.name] = str(error)
                continue
            finished[points] = True
            stored.points[path] = points
            if path.name not in logged:  # whole, but its process was killed before the log knew
                stored.adopted[path] = sha256
    return stored


def _not_own(path: Path, sha256: str | None, where: dict[str, Place]) -> str:
    """Return why a file that the log does not know bears no seal of the study; "" if it does."""
    if sha256 is None:
        return "it cannot be read"
    if not folders.is_sealed(path):
        return "it is not whole, and not in the log"
    try:
        return "" if shardfile.read_points(path)[0] in where else "it is of another study"
    except StudyError as error:
        return str(error)


def _repair(
    folder: StudyFolder, stored: _Stored, record: log.Writer, warn: Callable[[str], None]
) -> None:
    """Take note of what was found, and remove damaged shards.

    Nothing is removed that neither the log nor a seal shows to be the study's: it is left alone, or
    gets another name where a shard could take its place.
    """
    for name, reason in stored.damaged.items():
        record.append("damaged", shard=name, reason=reason)
        (folder.shards / name).unlink(missing_ok=True)
    for path, reason in stored.in_the_way.items():
        record.append("damaged", shard=path.name, reason=reason)
        aside = folders.free(path.with_name(f"{path.name}.aside"))
        path.rename(aside)
        warn(f"{path}: {reason}; it is now {aside.name}")
    for path in stored.foreign:
        warn(f"{path}: neither the log nor a seal shows that it is the study's; it is left alone")
    for path, sha256 in stored.adopted.items():
        points = stored.points[path]
        record.append("shard_done", shard=path.name, first=int(points[0]),
                      points=int(points.size), sha256=sha256, adopted=True,
                      versions=shardfile.read_versions(path))  # fmt: skip


def checksums(events: list[dict[str, Any]]) -> dict[str, str]:
    """Return the logged SHA-256 of the shard files that should be there, by name."""
    result: dict[str, str] = {}
    for event in events:
        name = event.get("shard")
        if name is None:
            continue
        if event["event"] == "shard_done":
            result[name] = str(event.get("sha256"))
        elif event["event"] == "damaged":
            result.pop(name, None)
    return result


def logged_files(folder: StudyFolder, events: list[dict[str, Any]]) -> dict[Path, str]:
    """Return the logged SHA-256 of the files that should be there, besides log and config."""
    result = {folder.shards / name: sha256 for name, sha256 in checksums(events).items()}
    gathered = [event for event in events if event["event"] == "gathered"]
    files = gathered[-1].get("files") if gathered else None
    for name, written in (files if isinstance(files, dict) else {}).items():
        if name in (folder.dataset.name, folder.summary.name) and isinstance(written, dict):
            result[folder.path / name] = str(written.get("sha256"))
    return result | {folder.path / name: sha for name, sha in provenance.diffs(events).items()}


def renumbered(path: Path, places: dict[str, Place]) -> NDArray[np.int64]:
    """Return the points of a shard file, in the numbers of the sweep that the places are in.

    Raises
    ------
    StudyError
        When it is none of this study's.
    """
    return renumber(*shardfile.read_points(path), places)


def renumber(
    fingerprint: str, points: NDArray[np.int64], places: dict[str, Place]
) -> NDArray[np.int64]:
    """Return points of a sweep in the numbers of the one that the places are in.

    Raises
    ------
    StudyError
        When they are none of this study's.
    """
    if fingerprint not in places:
        raise StudyError("it is of another study")
    where = places[fingerprint]
    total = int(np.prod(where.shape, dtype=np.int64))
    if not points.size or points[0] < 0 or points[-1] >= total or np.any(np.diff(points) <= 0):
        raise StudyError("its points are not the study's")
    return where.renumber(points)


def remaining(plan: Plan, done: dict[Path, NDArray[np.int64]]) -> list[Shard]:
    """Return the shards without the points that are done."""
    if not done:
        return list(plan.shards)
    finished = np.zeros(plan.points, np.bool_)
    for points in done.values():
        finished[points] = True
    left = [replace(s, points=s.points[~finished[s.points]]) for s in plan.shards]
    return [shard for shard in left if shard.points.size]
