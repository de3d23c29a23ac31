"""Writing a folder whole or not at all."""

from __future__ import annotations

import os
import secrets
import shutil
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
    temporary = path.with_name(f".{path.name}-{secrets.token_hex(4)}.tmp")
    temporary.mkdir()
    try:
        write(temporary)
        for name in temporary.rglob("*"):
            if name.is_file():
                with open(name, "rb") as file:
                    os.fsync(file.fileno())
        os.rename(temporary, path)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
