"""Processes that izhi starts: they find no module and no program in the working folder.

Python looks there first when it is started with ``-m`` or ``-c``; a file ``random.py`` beside
somebody's data would be run in the place of Python's own module. So are programs looked for where
``PATH`` has an empty or another relative entry: a file ``git`` would be run in the place of git.
"""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator

_INSTALLED = ("site-packages", "dist-packages")


def search_path() -> list[str]:
    """Return where children look for modules: ``sys.path`` without the working folder.

    Where izhi itself lies in the working folder, that comes last.
    """
    working, root = _working_folder(), _parent(_parent(os.path.realpath(__file__)))
    python = _parent(os.path.realpath(os.__file__))
    folders = []
    for entry in filter(None, sys.path):
        folder = os.path.realpath(entry)
        needed = folder == python or os.path.basename(folder) in _INSTALLED
        if needed or folder != working:
            folders.append(os.path.abspath(entry))
    return folders if root in map(os.path.realpath, folders) else [*folders, root]


def _working_folder() -> str | None:
    try:
        return os.path.realpath(os.getcwd())
    except OSError:  # it was removed
        return None


def _parent(path: str) -> str:
    return os.path.dirname(path)


def command(function: str) -> list[str]:
    """Return the command that calls a function in a process of its own.

    Parameters
    ----------
    function
        Its module and name, such as ``"izhi.engine.build:main"``.
    """
    module, _, name = function.partition(":")
    code = f"import sys; sys.path[:] = sys.argv[1:]; from {module} import {name}; {name}()"
    return [sys.executable, "-P", "-c", code, *search_path()]


def programs_path() -> str:
    """Return the absolute entries of ``PATH``; others lead to the working folder."""
    folders = os.environ.get("PATH", os.defpath).split(os.pathsep)
    # an empty PATH is the working folder, too
    return os.pathsep.join(filter(os.path.isabs, folders)) or os.devnull


def find_program(name: str) -> str | None:
    """Return the path of a program on the absolute entries of ``PATH``; None where there is none.

    Parameters
    ----------
    name
        The program's name, without a folder.
    """
    import shutil  # which imports much, and __main__ imports this module before the path is safe

    return shutil.which(name, path=programs_path())


def safe_variables() -> dict[str, str]:
    """Return the variables that keep the working folder out of searches in a child.

    For modules, as Python's flag ``-P`` does; for the programs that the child starts, too.
    """
    return {"PYTHONSAFEPATH": "1", "PATH": programs_path()}


_starting = threading.Lock()


@contextlib.contextmanager
def started_safely() -> Iterator[None]:
    """Keep the working folder from processes that a library starts with this environment."""
    with _starting:
        safe = safe_variables()
        before = {name: os.environ.get(name) for name in safe}
        os.environ.update(safe)
        try:
            yield
        finally:
            for name, value in before.items():
                if value is None:
                    del os.environ[name]
                else:
                    os.environ[name] = value


_LOOK = 0.3
"""Seconds between two looks at whether the parent is alive."""


def end_with(parent: int, end: Callable[[], None]) -> None:
    """Have this process end soon after its parent: a killed one cannot end its children.

    Parameters
    ----------
    parent
        The process that started this one; it may have ended since.
    end
        What ends this process.
    """

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(_LOOK)
        end()

    threading.Thread(target=watch, daemon=True).start()
