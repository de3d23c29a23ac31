"""Where results come from: versions, compiler, processor, and the state of the code."""

from __future__ import annotations

import hashlib
import os
import platform
import re
from collections.abc import Iterator, Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

from izhi.engine import cache as builds
from izhi.study import folder as folders
from izhi.study import git

_LIBRARIES = ("brian2", "numpy", "hydra-core", "joblib", "xarray", "netCDF4", "pandas")

_MOST_OF_A_DIFF = 10_000_000
"""Bytes of a diff that are stored; a longer one is only said to be there."""

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
    # platform.processor() would run the first uname on the PATH
    return names[0] if names else platform.machine()


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
        ``reason``, why something is not known or not stored; ``commit_reason``, why the commit is
        not known; the file with the changes and its SHA-256.
    """
    states: dict[str, Any] = {}
    tops: dict[str, str] = {}
    for name, path in (("izhi", Path(__file__).parent), ("working_folder", Path.cwd())):
        repository = git.Repository(path)
        answer = repository.ask("rev-parse", "--show-toplevel")
        top = answer.line
        if not top:
            if _repository(path) is not None:
                states[name] = _unknown(answer.reason)
            continue
        if name == "izhi":
            tracked = repository.ask("ls-files", "--", Path(__file__).name)
            if tracked.text is None:
                states[name] = _unknown(tracked.reason)
            if not tracked.text:
                continue
        if top in tops:
            states[name] = states[tops[top]]
            continue
        tops[top] = name
        states[name] = _state(path, Path(top), study)
    return states


def remarks(repositories: Mapping[str, Any]) -> list[str]:
    """Return what is not known of repositories, in words: a line for each."""
    names_of: dict[str, list[str]] = {}
    for name, state in repositories.items():
        for what in _gaps(state):
            names_of.setdefault(what, []).append(name.replace("_", " "))
    return [f"git repository of {' and '.join(names)}: its {what}"
            for what, names in names_of.items()]  # fmt: skip


def _gaps(state: Mapping[str, Any]) -> Iterator[str]:
    if state.get("commit_reason"):
        yield f"commit is unknown: {state['commit_reason']}"
    if state.get("reason"):
        unknown = state["state"] == UNKNOWN
        what = "state is unknown" if unknown else "changes are not kept in full"
        yield f"{what}: {state['reason']}"


def _repository(path: Path) -> Path | None:
    """Return the folder that makes a path part of a repository; None where there is none."""
    for folder in (path, *path.parents):
        if os.path.lexists(folder / ".git"):
            return folder
    return None


def _unknown(reason: str) -> dict[str, Any]:
    return {"commit": None, "state": UNKNOWN, "reason": reason or "git said nothing"}


def _state(path: Path, top: Path, study: Path) -> dict[str, Any]:
    """Return the state of a path's repository, whose files are in `top` as git says."""
    here, there = (git.Repository(f).ask("rev-parse", "--absolute-git-dir") for f in (path, top))
    if here.text is None:
        return _unknown(here.reason)
    if here.text != there.text:  # anybody's files: a diff would have what is in them
        return _unknown(f"its files are in {top}: {there.reason or 'another repository'}")
    repository, unsafe = git.without_filters(top)
    commit = repository.ask("rev-parse", "--verify", "HEAD")
    state: dict[str, Any] = {"commit": commit.line or None}
    if unsafe:
        return state | {"state": UNKNOWN, "reason": unsafe}
    status = repository.ask("status", "--porcelain", "--branch", "--ignore-submodules=none")
    branch, *changed = status.line.split("\n")
    if not branch.startswith("## "):  # which a git that works always says
        return state | {"state": UNKNOWN, "reason": status.reason or "git status said nothing"}
    if not changed and status.reason:
        return state | {"state": UNKNOWN, "reason": status.reason}
    if hidden := _hidden(repository):
        return state | {"state": UNKNOWN, "reason": hidden}
    state["state"] = "changed" if changed else "clean"
    if changed:
        state["changed"] = [line[3:] for line in changed[:100]]
    if branch.startswith("## No commits yet on "):
        return state | ({"reason": "there is no commit"} if changed else {})
    if commit.text is None:
        state["commit_reason"] = commit.reason
    return state | (_kept(repository, changed, study) if changed else {})


def _hidden(repository: git.Repository) -> str:
    """Return in words at which files git does not look, in submodules as well; "" for none.

    These are assumed unchanged, or skipped and there.
    """
    hidden: list[Path] = []
    for folder in (repository.folder, *repository.submodules):
        listed = git.Repository(folder).ask("ls-files", "-v", "-z")
        if listed.text is None:
            return listed.reason
        hidden += [
            folder / line[2:] for line in listed.items
            if line[:1].islower() or (line[:1].upper() == "S" and (folder / line[2:]).exists())
        ]  # fmt: skip
    names = [str(path.relative_to(repository.folder)) for path in hidden]
    return f"git is told to take {_and_more(names)} for unchanged" if names else ""


def _and_more(names: Sequence[str]) -> str:
    return names[0] + (f" and {len(names) - 1} more" if names[1:] else "")


def _kept(repository: git.Repository, changed: Sequence[str], study: Path) -> dict[str, str]:
    """Store changes; return where they are, and what is not known of them."""
    filtered = git.changed_behind_filters(repository)
    reasons = []
    if filtered:
        reasons.append(f"the filter that git has for {_and_more(filtered)} is a program, which is "
                       "not run")  # fmt: skip
    if len(filtered) == len(changed):
        return {"state": UNKNOWN, "reason": reasons[0]}
    if submodules := _changed_submodules(repository):
        reasons.append(f"git's diff does not have what changed in the submodule "
                       f"{_and_more(submodules)}")  # fmt: skip
    tracked = any(not line.startswith("??") for line in changed)
    kept = _changes(repository.ask(*git.DIFF, "--binary", "HEAD"), tracked, study)
    reasons += [kept.pop("reason")] if "reason" in kept else []
    return ({"reason": "; ".join(reasons)} if reasons else {}) | kept


def _changed_submodules(repository: git.Repository) -> list[str]:
    """Return the submodules with changes that are not committed, or of which git says nothing."""
    return [
        str(folder.relative_to(repository.folder)) for folder in repository.submodules
        if git.Repository(folder, repository.filters).ask(
            "status", "--porcelain", "--ignore-submodules=all"
        ).text != ""
    ]  # fmt: skip


def _changes(diff: git.Answer, tracked: bool, study: Path) -> dict[str, str]:
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
