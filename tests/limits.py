"""What an example may take at most."""

import gc
import time
from contextlib import contextmanager


class TooLongError(AssertionError):
    """More of the processor's time was taken than allowed."""


@contextmanager
def within(seconds=1):
    """Raise a TooLongError where more of the processor's time than that is taken.

    Garbage is not collected meanwhile: after 40,000 examples most of it is hypothesis's.
    """
    gc.disable()
    try:
        started = time.process_time()
        yield
        if (taken := time.process_time() - started) >= seconds:
            raise TooLongError(f"{taken:.2f} s of processor time, at most {seconds} s expected")
    finally:
        gc.enable()
