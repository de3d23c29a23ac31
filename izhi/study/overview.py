"""What a study is and how far it is, from its log and config alone."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from izhi.config.sweep import Sweep
from izhi.errors import StudyError, no_folder
from izhi.study import description, log, resume, statistics
from izhi.study.folder import StudyFolder, around, check_own, meant
from izhi.study.study import Study
from izhi.sweep import points


@dataclass(frozen=True)
class Overview:
    """A study in short.

    Attributes
    ----------
    folder
        Where it lies.
    when
        When it was begun, ISO 8601, UTC; empty where the log does not say.
    points, done, failed, diverged
        Points of the study, points whose results are stored, points that failed or diverged in the
        last run.
    state
        ``"running"``, ``"done"``, or how its last run ended; ``"unknown"`` where no log tells.
    digest
        Digest of the results; None where they were not gathered since the last run.
    sweep
        What was asked for.
    events
        The log.
    """

    folder: StudyFolder
    when: str
    points: int
    done: int
    failed: int
    diverged: int
    state: str
    digest: str | None
    sweep: Sweep
    events: list[dict[str, Any]]


def existing(path: Path) -> StudyFolder:
    """Return the folder of a study that is there, or has begun to be.

    Raises
    ------
    StudyError
        When there is none, or a link in it leads to elsewhere.
    """
    folder = StudyFolder(path)
    check_own(folder)
    if not folder.log.is_file() and not folder.config.is_file():
        what = "no study in it" if path.is_dir() else no_folder(path)
        raise StudyError(f"{path}: {what}{meant(path, 'study.yaml')}")
    return folder


def overview(path: Path) -> Overview:
    """Return a study in short.

    Raises
    ------
    StudyError
        When there is no study, or its log and config cannot be read.
    """
    folder = existing(path)
    events = log.read(folder.log) if folder.log.is_file() else []
    sweep = resume.grids(folder)[-1].sweep
    ends = [event for event in events if event["event"] in ("started", *log.ENDS)]
    last = ends[-1] if ends else {"event": log.UNKNOWN}
    gathered = last if last["event"] == "gathered" else {}
    logged = resume.checksums(events)
    sizes = {e.get("shard"): e.get("points", 0) for e in events if e["event"] == "shard_done"}
    state = {"gathered": "done", "started": "killed"}.get(last["event"], last["event"])
    return Overview(
        folder,
        next((e["time"] for e in events if e["event"] == "planned"), ""),
        points.count(sweep),
        sum(int(sizes.get(name, 0)) for name in logged),
        int(gathered.get("failed", 0)),
        int(gathered.get("diverged", 0)),
        log.state(folder.log, state),
        gathered.get("digest"),
        sweep,
        events,
    )


def unreadable_state(path: Path) -> str:
    """Return the state of a study of which there is no overview.

    Returns
    -------
    str
        ``"damaged"``; where its log is empty and nothing else is there, ``"running"``,
        ``"not begun"``, or ``"unknown"`` where its lock fails.
    """
    folder = StudyFolder(path)
    begun = folder.config.exists() or not folder.log.is_file() or folder.log.stat().st_size
    return "damaged" if begun else log.state(folder.log, "not begun")


def studies(folder: Path) -> list[Path]:
    """Return the studies in a folder, by name.

    Raises
    ------
    StudyError
        When there is no such folder.
    """
    if not folder.is_dir():
        study = around(folder)
        hint = "" if study is None else f"; did you mean {study.parent}?"
        raise StudyError(f"{folder}: {no_folder(folder)}{hint}")
    found = {
        path.parent for name in ("study.yaml", "log.jsonl") for path in folder.glob(f"*/{name}")
    }
    return sorted(found)


def check_gathered(study: Study) -> None:
    """Check that the dataset of a study is of all that was asked for.

    Raises
    ------
    StudyError
        When the study has been extended since.
    """
    folder = study.folder
    of_dataset, now = asked(study), resume.grids(folder)[-1]
    if description.fingerprint(of_dataset) != now.fingerprint or _digest(of_dataset) != _digest(
        now.sweep
    ):
        raise StudyError(
            f"{folder.dataset}: is not of all that was asked for since; run the study again first"
        )


def _digest(sweep: Sweep) -> str:
    return statistics.digest(statistics.settings_of(sweep))


def asked(study: Study) -> Sweep:
    """Return the sweep that the dataset of a study is of.

    Raises
    ------
    StudyError
        When the dataset does not say.
    """
    return description.of_dataset(study.dataset, str(study.folder.dataset))
