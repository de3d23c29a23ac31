"""Where results come from: versions, compiler, processor, and the state of the code."""

from __future__ import annotations

import hashlib
import os
import platform
import re
import subprocess
from collections.abc import Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

from izhi.engine import cache as builds
from izhi.study import folder as folders

_LIBRARIES = ("brian2", "numpy", "hydra-core", "joblib", "xarray", "netCDF4", "pandas")

_MOST_OF_A_DIFF = 10_000_000
"""Bytes of a diff that are stored; a longer one is only said to be there."""

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
        By ``"izhi"`` and ``"working_folder"``, where these are in a repository: commit, whether the
        tree was clean, the file with the changes and its SHA-256.
    """
    found: dict[str, Any] = {}
    tops: dict[str, str] = {}
    for name, path in (("izhi", Path(__file__).parent), ("working_folder", Path.cwd())):
        top = _line(_git(path, "rev-parse", "--show-toplevel"))
        tracked = top and (name != "izhi" or _git(path, "ls-files", "--", Path(__file__).name))
        if not top or not tracked:
            continue
        if top in tops:
            found[name] = found[tops[top]]
            continue
        tops[top] = name
        found[name] = _state(Path(top), study)
    return found


def _state(top: Path, study: Path) -> dict[str, Any]:
    state: dict[str, Any] = {"commit": _line(_git(top, "rev-parse", "HEAD"))}
    changed = _git(top, "status", "--porcelain") or ""
    state["clean"] = not changed.strip()
    if state["clean"]:
        return state
    state["changed"] = [line[3:] for line in changed.splitlines()[:100]]
    diff = _git(top, "diff", "--no-ext-diff", "--no-textconv", "--binary", "HEAD") or ""
    if 0 < len(diff) <= _MOST_OF_A_DIFF:
        state |= _store(diff.encode("utf-8", errors="surrogateescape"), study)
    return state


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


def _line(text: str | None) -> str | None:
    return (text or "").rstrip("\n") or None


def _store(diff: bytes, study: Path) -> dict[str, str]:
    """Write a diff under a name that its contents give, once; return the name and the SHA-256."""
    digest = hashlib.sha256(diff).hexdigest()
    name = f"changes-{digest[:16]}.diff"
    if not (study / name).is_file():
        folders.write_atomic(study / name, lambda path: folders.write_bytes(path, diff))
    return {"diff": name, "sha256": digest}


def _git(folder: Path, *arguments: str) -> str | None:
    """Return what git says, None where it fails; no program that a repository names is started."""
    command = ["git", "-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null", *arguments]
    try:
        done = subprocess.run(
            command, cwd=folder, capture_output=True, check=False, timeout=5,
            env={**os.environ, "GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C"},
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired):
        return None
    if done.returncode != 0:
        return None
    return done.stdout.decode("utf-8", errors="surrogateescape")
