"""Starting a study or going on with one: what it is known by, and what is done already."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray

from izhi.errors import StudyError
from izhi.study import description, log, shardfile
from izhi.study import folder as folders
from izhi.study.folder import StudyFolder
from izhi.sweep.plan import Plan, Shard

SCHEMA = 1
"""Version of the layout of a study."""

# Those written in C take a tenth of the time, which counts where an axis has thousands of values.
_SAFE_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_SAFE_DUMPER: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)


def fingerprint(plan: Plan) -> str:
    """Return what a study is known by: everything that its results depend on."""
    told = description.of(plan)
    configs = [
        {k: v for k, v in config.items() if not k.startswith(("run.", "study."))}
        for config in told["configs"]
    ]
    base_of = plan.sweep.base_of.tolist()
    text = json.dumps([SCHEMA, told["axes"], configs, base_of], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def open_folder(folder: StudyFolder, plan: Plan, fingerprint: str) -> dict[Path, NDArray[np.int64]]:
    """Create the study's folder, or return the points that its shards hold already.

    Raises
    ------
    StudyError
        When the folder holds another study, or files that are none.
    """
    if folder.config.is_file():
        held = yaml.load(folder.config.read_text(encoding="utf-8"), Loader=_SAFE_LOADER)
        if not isinstance(held, dict) or held.get("fingerprint") != fingerprint:
            raise StudyError(
                f"study.name = {folder.path.name}: {folder.path} holds another study; choose "
                f"another name, or remove that folder{_difference(held, plan)}"
            )
        folders.remove_unfinished(folder)
        folder.shards.mkdir(exist_ok=True)
        found = {}
        for path in sorted(folder.shards.glob("*.nc")):
            points = shardfile.read_points(path, fingerprint)
            if points is None:
                log.append(folder.log, "unreadable", shard=path.name)
            else:
                found[path] = points
        log.append(folder.log, "resumed", shards=len(found), environment=log.environment())
        return found
    unfinished = f".{folder.config.stem}-*.tmp"  # of a process that was killed here
    if folder.path.is_dir() and not all(p.match(unfinished) for p in folder.path.iterdir()):
        raise StudyError(
            f"study.name = {folder.path.name}: {folder.path} holds files that are no study; "
            "choose another name"
        )
    folder.path.mkdir(parents=True, exist_ok=True)
    told = {"schema": SCHEMA, "fingerprint": fingerprint, **description.of(plan)}
    text = yaml.dump(told, Dumper=_SAFE_DUMPER, sort_keys=False, allow_unicode=True)
    # first of all: what is stopped from here on can be gone on with
    folders.write_atomic(folder.config, lambda path: _write_text(path, text))
    folders.remove_unfinished(folder)
    folder.shards.mkdir(exist_ok=True)
    log.append(
        folder.log, "planned", points=plan.points, shards=len(plan.shards),
        overrides=list(plan.sweep.overrides), fingerprint=fingerprint,
        engines=[batch.engine for batch in plan.batches],
        structures=[batch.structure.digest for batch in plan.batches],
        environment=log.environment(),
    )  # fmt: skip
    return {}


def _write_text(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")


def _difference(held: Any, plan: Plan) -> str:
    """Return the first difference between a stored description and this plan's, in words."""
    told = description.of(plan)
    if not isinstance(held, dict):
        return ""
    axes = {a["key"]: a["values"] for a in told["axes"]}
    held_axes = {a["key"]: a["values"] for a in held.get("axes", [])}
    for key in dict.fromkeys([*held_axes, *axes]):
        if held_axes.get(key) != axes.get(key):
            return f" (axis {key}: {_cut(held_axes.get(key))} there, {_cut(axes.get(key))} here)"
    for there, here in zip(held.get("configs", []), told["configs"], strict=False):
        for key in dict.fromkeys([*there, *here]):
            if there.get(key) != here.get(key) and not key.startswith(("run.", "study.")):
                return f" ({key}: {there.get(key)} there, {here.get(key)} here)"
    return ""


def _cut(values: Any) -> str:
    text = "none" if values is None else str(values)
    return text if len(text) <= 60 else text[:57] + "..."


def remaining(plan: Plan, done: dict[Path, NDArray[np.int64]]) -> list[Shard]:
    """Return the shards without the points that are done."""
    if not done:
        return list(plan.shards)
    finished = np.zeros(plan.points, np.bool_)
    for points in done.values():
        finished[points] = True
    left = [replace(s, points=s.points[~finished[s.points]]) for s in plan.shards]
    return [shard for shard in left if shard.points.size]
