"""Requests to end the program are not lost, wherever they come."""

import os
import signal

import pytest

from izhi import interrupts


class Interrupted:
    """Something whose destructor is where the request comes."""

    def __del__(self) -> None:
        os.kill(os.getpid(), signal.SIGTERM)


def test_a_request_that_python_drops_is_remembered_and_not_shown(capsys) -> None:
    with interrupts.heard():
        interrupts.check()
        Interrupted()
        assert capsys.readouterr().err == ""
        with pytest.raises(KeyboardInterrupt):
            interrupts.check()
    interrupts.check()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_other_errors_that_python_drops_are_still_shown(monkeypatch) -> None:
    class Broken:
        def __del__(self) -> None:
            raise ValueError("broken")

    seen = []
    monkeypatch.setattr("sys.unraisablehook", lambda dropped: seen.append(dropped.exc_type))
    with interrupts.heard():
        Broken()
    assert seen == [ValueError]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_request_is_an_interrupt_while_it_is_heard(number) -> None:
    before = signal.getsignal(number)
    with interrupts.heard(), pytest.raises(KeyboardInterrupt):
        os.kill(os.getpid(), number)
    assert signal.getsignal(number) == before
