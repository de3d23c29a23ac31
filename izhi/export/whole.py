"""Writing a folder whole or not at all."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path


def write_folder(path: Path, write: Callable[[Path], None]) -> None:
    """Write a folder under a temporary name, flush its files to the disk, and give it its name.

    Parameters
    ----------
    path
        The folder, which does not exist yet.
    write
        Fills the folder that it is given.
    """
    temporary = Path(tempfile.mkdtemp(prefix=f".{path.name}-", suffix=".tmp", dir=path.parent))
    try:
        write(temporary)
        for name in temporary.rglob("*"):
            if name.is_file():
                with open(name, "rb") as file:
                    os.fsync(file.fileno())
        umask = os.umask(0)
        os.umask(umask)
        temporary.chmod(0o777 & ~umask)
        os.rename(temporary, path)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
