"""How numpy takes what is no number: as it does by itself, whatever a program has asked for."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np


@contextmanager
def usual() -> Iterator[None]:
    """Compute as if nobody had called ``np.seterr``; also a decorator of functions."""
    with np.errstate(divide="warn", over="warn", under="ignore", invalid="warn"):
        yield
