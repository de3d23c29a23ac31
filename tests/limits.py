"""What an example may take at most."""

import gc
import time
from contextlib import contextmanager


@contextmanager
def within(seconds=1):
    """Check that no more of the processor's time than that is taken.

    Garbage is not collected meanwhile: after 40,000 examples most of it is hypothesis's.
    """
    gc.disable()
    try:
        started = time.process_time()
        yield
        assert time.process_time() - started < seconds
    finally:
        gc.enable()
