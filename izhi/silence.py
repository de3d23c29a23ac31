"""Ignoring warnings in several threads at once.

``warnings.catch_warnings`` puts back the filters that it met. All threads share them, so that of
two threads that are in it at a time, the one that leaves last may leave the other's for good.
"""

from __future__ import annotations

import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

_changing = threading.Lock()
_inside = 0
_before = warnings.catch_warnings()


@contextmanager
def warnings_ignored() -> Iterator[None]:
    """Ignore warnings, from the first thread that enters until the last one has left."""
    global _inside, _before
    with _changing:
        if not _inside:
            _before = warnings.catch_warnings()
            _before.__enter__()
            warnings.simplefilter("ignore")
        _inside += 1
    try:
        yield
    finally:
        with _changing:
            _inside -= 1
            if not _inside:
                _before.__exit__(None, None, None)
