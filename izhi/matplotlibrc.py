"""matplotlib's settings, of which those in the working folder are not read.

matplotlib looks for ``matplotlibrc`` in the working folder before all other places, and the folder
may come from a stranger: a pipe of that name would stop the import for ever. No variable turns that
off. What a user has elsewhere, or names in ``MATPLOTLIBRC``, is read as ever.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_NAME = "matplotlibrc"


@contextmanager
def unread() -> Iterator[None]:
    """Import matplotlib, or what imports it, as if the working folder held no settings."""
    exists = os.path.exists

    def exists_elsewhere(path: Any) -> bool:
        return path != _NAME and exists(path)

    os.path.exists = exists_elsewhere
    try:
        yield
    finally:
        os.path.exists = exists
