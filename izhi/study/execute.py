"""Runs a plan: builds, shards in parallel, dataset, summary."""

from __future__ import annotations

import hashlib
import json
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray

from izhi.config.sweep import Sweep
from izhi.engine import prepare
from izhi.engine.cache import Build
from izhi.errors import EngineError, StudyError
from izhi.study import folder as folders
from izhi.study import gather, log, shardfile, worker
from izhi.study.folder import StudyFolder
from izhi.study.study import Study
from izhi.sweep import plan as plans
from izhi.sweep import structures
from izhi.sweep.plan import Batch, Plan, Shard

SCHEMA = 1
"""Version of the layout of a study."""


@dataclass(frozen=True)
class Report:
    """What a run did.

    Attributes
    ----------
    study
        The study; None when not even a dataset could be written.
    points, computed, failed
        Points of the study, points computed now, points that failed.
    seconds
        Time taken.
    engines
        Engines used.
    first_error
        Why the first shard that failed did.
    """

    study: Study
    points: int
    computed: int
    failed: int
    seconds: float
    engines: tuple[str, ...]
    first_error: str | None


def make_plan(sweep: Sweep) -> Plan:
    """Return the plan of a sweep on this machine, after checking all points."""
    found = structures.find(sweep)
    return plans.make_plan(sweep, found, prepare.machine(sweep, found))


def execute(sweep: Sweep, *, progress: bool = True) -> Report:
    """Run a sweep, or what is missing of it, and gather the study.

    Parameters
    ----------
    sweep
        What was asked for.
    progress
        Whether a progress bar and remarks go to stderr.

    Raises
    ------
    ConfigError
        Before anything is built or written.
    StudyError
        When the folder holds another study.
    """
    start = time.perf_counter()

    def remark(text: str) -> None:
        if progress:
            print(text, file=sys.stderr, flush=True)

    plan = make_plan(sweep)
    folder = folders.study_folder(sweep)
    folders.check_writable(folder, plan)
    fingerprint = _fingerprint(plan)
    done = _open_folder(folder, plan, fingerprint)
    todo = _remaining(plan, done)
    if sweep.setting("run.engine") != "numpy" and any(
        b.why.startswith("there is no") for b in plan.batches
    ):
        remark("no C++ compiler (g++ and make) found: using the numpy engine")
    plan, todo, builds = _built(plan, todo, done, folder, remark)
    outcomes = _run(plan, todo, builds, folder, fingerprint, remark, progress)
    failed = [o for o in outcomes if o.error is not None]
    paths = [*done, *(o.path for o in outcomes if o.error is None)]
    failed_points = np.concatenate([np.empty(0, np.int64), *(o.points for o in failed)])
    study = _gather(plan, folder, paths, failed_points)
    seconds = time.perf_counter() - start
    log.append(folder.log, "gathered", seconds=round(seconds, 3), failed=int(failed_points.size))
    return Report(
        study,
        plan.points,
        sum(o.points.size for o in outcomes if o.error is None),
        int(failed_points.size),
        seconds,
        tuple(sorted({plan.batches[shard.batch].engine for shard in todo})),
        failed[0].error if failed else None,
    )


def _fingerprint(plan: Plan) -> str:
    """Return what a study is known by: everything that its results depend on."""
    told = gather.description(plan)
    configs = [
        {k: v for k, v in config.items() if not k.startswith(("run.", "study."))}
        for config in told["configs"]
    ]
    base_of = plan.sweep.base_of.tolist()
    text = json.dumps([SCHEMA, told["axes"], configs, base_of], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def _open_folder(
    folder: StudyFolder, plan: Plan, fingerprint: str
) -> dict[Path, NDArray[np.int64]]:
    """Create the study's folder, or return the points that its shards hold already."""
    if folder.config.is_file():
        held = yaml.safe_load(folder.config.read_text(encoding="utf-8"))
        if not isinstance(held, dict) or held.get("fingerprint") != fingerprint:
            raise StudyError(
                f"study.name = {folder.path.name}: {folder.path} holds another study; choose "
                f"another name, or remove that folder{_difference(held, plan)}"
            )
        found = {}
        for path in sorted(folder.shards.glob("*.nc")):
            points = shardfile.read_points(path, fingerprint)
            if points is None:
                path.unlink()
                log.append(folder.log, "discarded", shard=path.name)
            else:
                found[path] = points
        log.append(folder.log, "resumed", shards=len(found), environment=log.environment())
        return found
    if folder.path.is_dir() and any(folder.path.iterdir()):
        raise StudyError(
            f"study.name = {folder.path.name}: {folder.path} holds files that are no study; "
            "choose another name"
        )
    folder.shards.mkdir(parents=True, exist_ok=True)
    told = {"schema": SCHEMA, "fingerprint": fingerprint, **gather.description(plan)}
    text = yaml.safe_dump(told, sort_keys=False, allow_unicode=True)
    folders.write_atomic(folder.config, lambda path: _write_text(path, text))
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
    told = gather.description(plan)
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


def _remaining(plan: Plan, done: dict[Path, NDArray[np.int64]]) -> list[Shard]:
    """Return the shards without the points that are done."""
    if not done:
        return list(plan.shards)
    finished = np.concatenate(list(done.values()))
    left = [replace(s, points=np.setdiff1d(s.points, finished)) for s in plan.shards]
    return [shard for shard in left if shard.points.size]


def _built(
    plan: Plan,
    todo: list[Shard],
    done: dict[Path, NDArray[np.int64]],
    folder: StudyFolder,
    remark: Callable[[str], None],
) -> tuple[Plan, list[Shard], dict[int, Build]]:
    """Make the builds that the shards need; on failure go back to numpy, unless told not to."""
    needed = {shard.batch for shard in todo}
    batches = [
        batch if n in needed else replace(batch, engine="numpy")
        for n, batch in enumerate(plan.batches)
    ]
    missing = sum(batch.build and batch.engine == "compiled" for batch in batches)
    if missing:
        remark(f"building {missing} C++ program{'s' * (missing > 1)}, once and for all ...")
    start = time.perf_counter()
    try:
        builds = prepare.builds(replace(plan, batches=tuple(batches)))
    except EngineError as error:
        log.append(folder.log, "build_failed", reason=str(error))
        if plan.sweep.setting("run.engine") == "compiled":
            raise
        remark(f"{error}\nusing the numpy engine")
        without = plans.Machine(plan.workers, compiler=False, built=frozenset())
        plan = plans.make_plan(plan.sweep, structures.find(plan.sweep), without)
        return plan, _remaining(plan, done), {}
    for number, build in builds.items():
        log.append(
            folder.log, "built", structure=plan.batches[number].structure.digest,
            replicas=build.replicas, fresh=plan.batches[number].build,
            seconds=round(time.perf_counter() - start, 3), key=build.program.parent.name,
        )  # fmt: skip
    return plan, todo, builds


def _tasks(
    plan: Plan, todo: list[Shard], builds: dict[int, Build], folder: StudyFolder, fingerprint: str
) -> Iterator[worker.Task]:
    for shard in todo:
        batch: Batch = plan.batches[shard.batch]
        name = f"{batch.structure.digest}-{shard.points[0]:09d}-{shard.points.size}.nc"
        yield worker.Task(
            shard.points,
            batch.structure,
            plans.parameters(plan, shard),
            plans.onset(plan, shard),
            builds.get(shard.batch),
            (folder.shards / name).absolute(),
            fingerprint,
            bool(plan.sweep.setting("record.spikes")),
        )


def _run(
    plan: Plan,
    todo: list[Shard],
    builds: dict[int, Build],
    folder: StudyFolder,
    fingerprint: str,
    remark: Callable[[str], None],
    progress: bool,
) -> list[worker.Outcome]:
    from joblib import Parallel, delayed
    from tqdm import tqdm

    workers = min(plan.workers, len(todo))
    one = workers <= 1
    backend = "sequential" if one else str(plan.sweep.setting("run.backend"))
    tasks = (delayed(worker.run)(t) for t in _tasks(plan, todo, builds, folder, fingerprint))
    outcomes: list[worker.Outcome] = []
    parallel = Parallel(n_jobs=max(1, workers), backend=backend, return_as="generator_unordered")
    total = sum(shard.points.size for shard in todo)
    with tqdm(
        total=total, unit=" points", file=sys.stderr, disable=None if progress else True,
        smoothing=0.1,
    ) as bar:  # fmt: skip
        results = parallel(tasks)
        import pandas  # noqa: F401  (while the workers work)
        import xarray  # noqa: F401

        for outcome in results:
            outcomes.append(outcome)
            bar.update(outcome.points.size)
            _note(folder, outcome)
            if outcome.error is not None and sum(o.error is not None for o in outcomes) == 1:
                bar.clear()
                remark(f"points {outcome.points[0]} to {outcome.points[-1]} failed: "
                       f"{outcome.error}")  # fmt: skip
    return outcomes


def _note(folder: StudyFolder, outcome: worker.Outcome) -> None:
    log.append(
        folder.log, "shard_done" if outcome.error is None else "shard_failed",
        shard=outcome.path.name, first=int(outcome.points[0]), points=int(outcome.points.size),
        seconds=round(outcome.seconds, 4), spikes=outcome.spikes,
        **({"diverged": outcome.diverged} if outcome.diverged else {}),
        **({"reason": outcome.error} if outcome.error is not None else {}),
    )  # fmt: skip


def _gather(plan: Plan, folder: StudyFolder, paths: list[Path], failed: NDArray[np.int64]) -> Study:
    import izhi

    free = shutil.disk_usage(folder.path).free
    if free < plan.disk // 8:
        raise StudyError(
            f"{folder.path}: {folders.size(free)} left on the disk, too little to gather the "
            "dataset; make room and run the same command again"
        )
    attributes = {
        "title": folder.path.name,
        "izhi_version": izhi.__version__,
        "config": gather.config_json(plan),
    }
    gather.gather(plan, folder, paths, failed, attributes)
    study = Study(folder.path)
    folders.write_atomic(folder.summary, lambda path: study.summary().to_csv(path))
    return study
