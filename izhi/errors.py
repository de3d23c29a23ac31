"""What goes wrong, said in one line that names the key, the value and the way out."""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterable


class IzhiError(Exception):
    """Base class of every error that izhi raises on purpose."""


class ConfigError(IzhiError):
    """What the user wrote cannot be run: a wrong name, value or unit."""


class EngineError(IzhiError):
    """A build or a simulation failed, or left incomplete results."""


class StudyError(IzhiError):
    """A study on disk cannot be read, or is not the one that was asked for."""


class StorageError(IzhiError):
    """Files cannot be written: there is too little room, or no leave to."""


def no_folder(path: str | os.PathLike[str]) -> str:
    """Return in words why a path is no folder."""
    return "is a file and no folder" if os.path.exists(path) else "no such folder"


def did_you_mean(word: str, known: Iterable[str], listed: Iterable[str] | None = None) -> str:
    """Return ``"; did you mean X?"``, or the list of what exists when nothing is near.

    Parameters
    ----------
    word
        What was given.
    known
        What would have been right.
    listed
        What to list when nothing is near; all of `known` by default.
    """
    names = sorted(known)
    folded = {name.casefold(): name for name in names}
    given = str(word).casefold()
    near = difflib.get_close_matches(given, folded, n=1, cutoff=0.6)
    last = given.rpartition(".")[2]  # an axis is named by the last part of its key
    if near or last in folded:
        return f"; did you mean {folded[near[0] if near else last]}?"
    if listed is not None:
        names = sorted(listed)
    return f"; there are {', '.join(names)}" if names else ""
