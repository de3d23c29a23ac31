"""Where results come from: versions, compiler, processor, and the state of the code."""

from __future__ import annotations

import hashlib
import os
import platform
import re
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from izhi.engine import cache as builds
from izhi.study import folder as folders

_LIBRARIES = ("brian2", "numpy", "hydra-core", "joblib", "xarray", "netCDF4", "pandas")

_MOST_OF_A_DIFF = 10_000_000
"""Bytes of a diff that are stored; a longer one is only said to be there."""

PATIENCE = 5.0
"""Seconds that git is given for an answer."""

UNKNOWN = "unknown"
"""The state of a repository that git did not tell of."""

_DIFF = re.compile(r"changes-[0-9a-f]{16}\.diff")


def environment() -> dict[str, Any]:
    """Return what a result may depend on besides the config."""
    from izhi.engine.build import flags

    tools = builds.toolchain()
    return {
        "izhi": metadata.version("izhi"),
        "python": platform.python_version(),
        "libraries": {name: metadata.version(name) for name in _LIBRARIES},
        "compiler": tools["compiler"] or None,
        "compiler_command": tools["command"] or None,
        "compiler_variables": tools["variables"] or None,
        "flags": list(flags()),
        "cpu": _processor(),
        "host": platform.node(),
        "machine": platform.machine(),
        "system": f"{platform.system()} {platform.release()}",
        "cores": os.cpu_count(),
    }


def _processor() -> str:
    """Return the processor's name."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def repositories(study: Path) -> dict[str, Any]:
    """Return the state of the git repositories that the code and the user's files are in.

    Changes that are not committed are stored in the study's folder.

    Parameters
    ----------
    study
        The study's folder.

    Returns
    -------
    dict
        By ``"izhi"`` and ``"working_folder"``, where these are in a repository: ``commit``;
        ``state``, which is ``"clean"``, ``"changed"``, or ``"unknown"`` where git did not say;
        ``reason``, why something is not known or not stored; the file with the changes and its
        SHA-256.
    """
    found: dict[str, Any] = {}
    tops: dict[str, str] = {}
    for name, path in (("izhi", Path(__file__).parent), ("working_folder", Path.cwd())):
        answer = _git(path, "rev-parse", "--show-toplevel")
        top = (answer.text or "").rstrip("\n")
        if not top:
            if _repository(path) is not None:
                found[name] = _unknown(answer)
            continue
        if name == "izhi":
            tracked = _git(path, "ls-files", "--", Path(__file__).name)
            if tracked.text is None:
                found[name] = _unknown(tracked)
            if not tracked.text:
                continue
        if top in tops:
            found[name] = found[tops[top]]
            continue
        tops[top] = name
        found[name] = _state(Path(top), study)
    return found


def remarks(repositories: Mapping[str, Any]) -> list[str]:
    """Return what is not known of repositories, in words: a line for each."""
    names_of: dict[str, list[str]] = {}
    for name, state in repositories.items():
        if state.get("reason"):
            what = (
                "state is unknown" if state["state"] == UNKNOWN else "changes are not kept in full"
            )
            names_of.setdefault(f"{what}: {state['reason']}", []).append(name.replace("_", " "))
    return [f"git repository of {' and '.join(names)}: its {what}"
            for what, names in names_of.items()]  # fmt: skip


def _repository(path: Path) -> Path | None:
    """Return the folder that makes a path part of a repository; None where there is none."""
    for folder in (path, *path.parents):
        if os.path.lexists(folder / ".git"):
            return folder
    return None


def _unknown(answer: _Answer) -> dict[str, Any]:
    return {"commit": None, "state": UNKNOWN, "reason": answer.reason or "git said nothing"}


def _state(top: Path, study: Path) -> dict[str, Any]:
    commit = _git(top, "rev-parse", "--verify", "HEAD")
    status = _git(top, "status", "--porcelain", "--branch")
    state: dict[str, Any] = {"commit": (commit.text or "").rstrip("\n") or None}
    branch, *changed = (status.text or "").splitlines() or [""]
    if not branch.startswith("## "):  # which a git that works always says
        return state | {"state": UNKNOWN, "reason": status.reason or "git status said nothing"}
    if not changed and status.reason:
        return state | {"state": UNKNOWN, "reason": status.reason}
    state["state"] = "changed" if changed else "clean"
    if changed:
        state["changed"] = [line[3:] for line in changed[:100]]
    if commit.text is None:
        state["reason"] = f"there is no commit; {commit.reason}"
    elif changed:
        tracked = any(not line.startswith("??") for line in changed)
        state |= _changes(_git(top, "diff", "--no-ext-diff", "--no-textconv", "--binary", "HEAD"),
                          tracked, study)  # fmt: skip
    return state


def _changes(diff: _Answer, tracked: bool, study: Path) -> dict[str, str]:
    """Store a diff; return where it is, or the reason why it is nowhere."""
    if diff.text is None:
        return {"reason": diff.reason}
    if len(diff.text) > _MOST_OF_A_DIFF:
        return {"reason": f"git diff has {folders.size(len(diff.text))}"}
    if not diff.text:
        return {"reason": "git diff said nothing"} if tracked else {}
    return _store(diff.text.encode("utf-8", errors="surrogateescape"), study)


def diffs(events: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Return the SHA-256 of the files with uncommitted changes that a log tells of, by name."""
    found = {}
    for event in events:
        environment = event.get("environment")
        told = environment.get("repositories") if isinstance(environment, dict) else None
        for state in told.values() if isinstance(told, dict) else ():
            if isinstance(state, dict) and _DIFF.fullmatch(str(state.get("diff"))):
                found[str(state["diff"])] = str(state.get("sha256"))
    return found


def is_named_by_contents(path: Path) -> bool:
    """Whether a file with uncommitted changes has the name that its contents give it."""
    return path.name == f"changes-{(folders.sha256(path) or '')[:16]}.diff"


def _store(diff: bytes, study: Path) -> dict[str, str]:
    """Write a diff under a name that its contents give, once; return the name and the SHA-256."""
    digest = hashlib.sha256(diff).hexdigest()
    name = f"changes-{digest[:16]}.diff"
    if not (study / name).is_file():
        folders.write_atomic(study / name, lambda path: folders.write_bytes(path, diff))
    return {"diff": name, "sha256": digest}


@dataclass(frozen=True)
class _Answer:
    """What git says, None where it does not; and why not, or what it warns of."""

    text: str | None
    reason: str = ""


def _git(folder: Path, *arguments: str) -> _Answer:
    """Ask git; no program that a repository names is started."""
    command = ["git", "-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null", *arguments]
    what = f"git {arguments[0]}"
    try:
        done = subprocess.run(
            command, cwd=folder, capture_output=True, check=False, timeout=PATIENCE,
            env={**os.environ, "GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C"},
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return _Answer(None, f"{what} did not answer within {PATIENCE:g} s")
    except FileNotFoundError:
        return _Answer(None, "there is no git")
    except OSError as error:
        return _Answer(None, f"git cannot be started: {error.strerror}")
    if done.returncode < 0:
        return _Answer(None, f"{what} was ended by signal {-done.returncode}")
    lines = done.stderr.decode("utf-8", errors="replace").strip().splitlines()
    if done.returncode != 0:
        return _Answer(None, f"{what}: {lines[0][:200] if lines else f'status {done.returncode}'}")
    warning = f"{what}: {lines[0][:200]}" if lines else ""
    return _Answer(done.stdout.decode("utf-8", errors="surrogateescape"), warning)
