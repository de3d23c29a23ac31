"""Requests to end the program: Ctrl-C, SIGTERM, and a terminal that closes.

Each raises KeyboardInterrupt in the main thread. Where that happens to be in a destructor or a
callback of some library, Python prints and drops the exception; so the request is remembered, too,
and what takes long asks for it between its steps.
"""

from __future__ import annotations

import math
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_asked = threading.Event()

_NUMBERS: dict[signal.Signals, Any] = {
    signal.SIGINT: signal.default_int_handler,
    signal.SIGTERM: signal.SIG_DFL,
    signal.SIGHUP: signal.SIG_DFL,
}
"""What is taken for a request, with the handler that it has where nobody set another."""


def check() -> None:
    """Stop where there was a request to end.

    Raises
    ------
    KeyboardInterrupt
        Then.
    """
    if _asked.is_set():
        raise KeyboardInterrupt


@contextmanager
def heard() -> Iterator[None]:
    """Hear requests to end, as long as this lasts; in the main thread, which alone can."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    taken = []
    for number, usual in _NUMBERS.items():
        if signal.getsignal(number) == usual:
            signal.signal(number, _interrupt)
            taken.append(number)
    shown = sys.unraisablehook
    sys.unraisablehook = lambda dropped: None if _is_request(dropped) else shown(dropped)
    try:
        yield
    finally:
        sys.unraisablehook = shown
        for number in taken:
            signal.signal(number, _NUMBERS[number])
        _asked.clear()


def _is_request(dropped: sys.UnraisableHookArgs) -> bool:
    return issubclass(dropped.exc_type, KeyboardInterrupt) and _asked.is_set()


def ignore() -> None:
    """Take no more requests."""
    if threading.current_thread() is threading.main_thread():
        for number in _NUMBERS:
            signal.signal(number, signal.SIG_IGN)


_AGAIN = 1.0
"""Seconds after which another request is more than an impatient repetition of the last one."""

_last = -math.inf


def _interrupt(number: int, _: object) -> None:
    global _last
    now = time.monotonic()
    repeated, _last = _asked.is_set() and now - _last < _AGAIN, now
    _asked.set()
    if not repeated:  # what is being put in order because of the first one is not disturbed
        raise KeyboardInterrupt
