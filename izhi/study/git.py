"""What git tells of a repository, while it starts no program that the repository names.

A repository's config names programs: filters, an external diff, a monitor of files, hooks, ssh. A
working folder may come from a stranger, so all of these are off. Filters have no switch of their
own: each that a config names is replaced by none, be it the repository's config, a submodule's or
the user's (git-lfs, for one, starts programs that the repository names).
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from izhi import children

PATIENCE = 5.0
"""Seconds that git is given for an answer."""

_SETTINGS = {
    "core.fsmonitor": "false",
    "core.hooksPath": os.devnull,
    "status.showUntrackedFiles": "normal",
    "color.ui": "false",
    "color.diff": "false",
    "diff.noprefix": "false",
    "diff.mnemonicPrefix": "false",
    "diff.relative": "false",
    "diff.context": "3",
    "diff.submodule": "short",
    "diff.orderFile": os.devnull,
}
"""Settings in the place of a config's: no programs, all changes, a diff that can be applied."""

_KEPT = ("GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM", "GIT_CONFIG_NOSYSTEM",
         "GIT_CEILING_DIRECTORIES", "GIT_DISCOVERY_ACROSS_FILESYSTEM")  # fmt: skip
"""Variables of git's that say nothing of a repository.

Others, such as ``GIT_DIR`` in hooks and in ``git rebase --exec``, lead to another one.
"""

DIFF = ("diff", "--no-ext-diff", "--no-textconv", "--ignore-submodules=none")
"""The command that compares files with a commit."""

_SUBMODULE = "160000"
"""The mode of a submodule in git's index."""


@dataclass(frozen=True)
class Answer:
    """What git says.

    Attributes
    ----------
    text
        The output; None where git failed.
    reason
        Why git failed, or what it warns of.
    """

    text: str | None
    reason: str = ""

    @property
    def line(self) -> str:
        """An output of one line; a folder's name may itself end in a newline."""
        return (self.text or "").removesuffix("\n")

    @property
    def items(self) -> list[str]:
        """The parts of an output that has NUL between them."""
        return [item for item in (self.text or "").split("\0") if item]


@dataclass(frozen=True)
class Repository:
    """A git repository.

    Attributes
    ----------
    folder
        A folder in it.
    filters
        The names of filters that are replaced by none.
    submodules
        The folders of its submodules that are there, and of theirs.
    """

    folder: Path
    filters: frozenset[str] = field(default=frozenset())
    submodules: tuple[Path, ...] = ()

    def ask(self, *arguments: str, stdin: Iterable[str] = ()) -> Answer:
        """Ask git.

        Parameters
        ----------
        *arguments
            The command and its arguments.
        stdin
            What git reads, with NUL behind each.

        Returns
        -------
        Answer
            What git says, or why it says nothing.
        """
        options = [f"{key}={value}" for key, value in _SETTINGS.items()]
        for name in sorted(self.filters):
            options += [f"filter.{name}.{key}" for key in ("clean=", "process=", "required=false")]
        command = ["--no-pager", *(word for option in options for word in ("-c", option))]
        return _run([*command, *arguments], f"git {arguments[0]}", self.folder, stdin)


def _run(words: list[str], name: str, folder: Path, stdin: Iterable[str]) -> Answer:
    program = children.find_program("git")
    if program is None:
        return Answer(None, "there is no git")
    try:
        done = subprocess.run(
            [program, *words], cwd=folder, env=_environment(), capture_output=True, check=False,
            input="".join(f"{item}\0" for item in stdin).encode(errors="surrogateescape"),
            timeout=PATIENCE,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return Answer(None, f"{name} did not answer within {PATIENCE:g} s")
    except OSError as error:
        return Answer(None, f"git cannot be started: {error.strerror}")
    if done.returncode < 0:
        return Answer(None, f"{name} was ended by signal {-done.returncode}")
    lines = done.stderr.decode("utf-8", errors="replace").strip().splitlines()
    if done.returncode != 0:
        return Answer(None, f"{name}: {lines[0][:200] if lines else f'status {done.returncode}'}")
    warning = f"{name}: {lines[0][:200]}" if lines else ""
    return Answer(done.stdout.decode("utf-8", errors="surrogateescape"), warning)


def _environment() -> dict[str, str]:
    """Return git's environment: its repository is that of its folder, and it asks nobody."""
    given = {k: v for k, v in os.environ.items() if not k.startswith("GIT_") or k in _KEPT}
    return {
        **given,
        **children.safe_variables(),
        "LC_ALL": "C",
        "GIT_NO_REPLACE_OBJECTS": "1",  # a commit is compared with, not what stands in its place
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ALLOW_PROTOCOL": "",  # so that no transport fetches what a partial clone lacks
        "GIT_NO_LAZY_FETCH": "1",
    }


def without_filters(folder: Path) -> tuple[Repository, str]:
    """Return the repository of a folder, with all filters off that it or a submodule may run.

    Parameters
    ----------
    folder
        The repository's top folder.

    Returns
    -------
    tuple of Repository and str
        The repository with its submodules, and why its filters are not known; then git may not
        compare files. "" where they are.
    """
    names: set[str] = set()
    seen: dict[str, Path] = {}
    folders = [folder]
    while folders:
        repository = Repository(folders.pop())
        if (real := os.path.realpath(repository.folder)) in seen:
            continue
        seen[real] = repository.folder
        config = repository.ask("config", "--list", "-z", "--name-only")
        index = repository.ask("ls-files", "--stage", "-z")
        for answer in (config, index):
            if answer.text is None:
                return Repository(folder), answer.reason
        names |= {".".join(key.split(".")[1:-1]) for key in config.items if _is_filter(key)}
        folders += [
            repository.folder / path for mode, path in map(_mode_and_path, index.items)
            if mode == _SUBMODULE and os.path.lexists(repository.folder / path / ".git")
        ]  # fmt: skip
    if unswitchable := [name for name in names if "=" in name]:  # -c ends a key at the first =
        return Repository(folder), f"filter.{unswitchable[0]} cannot be turned off"
    _top, *submodules = seen.values()
    return Repository(folder, frozenset(names), tuple(submodules)), ""


def _is_filter(key: str) -> bool:
    return key.startswith("filter.") and key.endswith((".clean", ".process"))


def _mode_and_path(entry: str) -> tuple[str, str]:
    about, _, path = entry.partition("\t")
    return about.split(" ")[0], path


def changed_behind_filters(repository: Repository) -> list[str]:
    """Return the changed files that git would compare only after a filter that is off.

    Parameters
    ----------
    repository
        The repository, whose folder is its top.

    Returns
    -------
    list of str
        Their paths; of submodules with such files, the submodule's.
    """
    if not repository.filters:
        return []
    paths = repository.ask(*DIFF, "--name-only", "-z", "HEAD").items
    attributes = repository.ask("check-attr", "-z", "--stdin", "filter", stdin=paths).items
    filters = dict(zip(attributes[::3], attributes[2::3], strict=False))
    return [
        path for path in paths
        if filters.get(path) in repository.filters or _is_submodule_behind_filters(repository, path)
    ]  # fmt: skip


def _is_submodule_behind_filters(repository: Repository, path: str) -> bool:
    folder = repository.folder / path
    if not os.path.lexists(folder / ".git"):
        return False
    return bool(changed_behind_filters(Repository(folder, repository.filters)))
