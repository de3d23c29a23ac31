"""The command ``izhi converge``."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import Any

from izhi.accuracy.converge import Options
from izhi.errors import ConfigError, did_you_mean

_PREFIX = "converge."
_KINDS: dict[str, tuple[Callable[[str], float], str]] = {
    "points": (int, "a whole number"), "halvings": (int, "a whole number"),
    "accuracy": (float, "a number such as 0.001"), "seconds": (float, "a number"),
}  # fmt: skip


def main(arguments: Sequence[str]) -> int:
    """Compare, and print how exact the runs are.

    Parameters
    ----------
    arguments
        Flags, overrides, and options: ``converge.points=4``.

    Returns
    -------
    int
        The exit status: 1 where points were left out.
    """
    from izhi.config.commandline import compose_arguments

    given, rest = options(arguments)
    sweep = compose_arguments("converge", rest)
    if sweep is None:  # --help, --cfg, --info: Hydra has answered
        return 0
    from izhi.accuracy import report
    from izhi.accuracy.converge import converge
    from izhi.errors import IzhiError

    frame = converge(sweep, given, lambda text: print(text, file=sys.stderr, flush=True))
    for line in frame.attrs["skipped"]:
        print(f"left out: {line}", file=sys.stderr)
    if frame.empty:
        raise IzhiError(f"no point was compared: {frame.attrs['skipped'][0]}")
    print(report.text(frame, given.accuracy))
    return 1 if frame.attrs["skipped"] else 0


def options(arguments: Sequence[str]) -> tuple[Options, list[str]]:
    """Return the options among arguments, and the other arguments.

    Raises
    ------
    ConfigError
        For an option that there is not, or a wrong value.
    """
    rest = [one for one in arguments if not one.startswith(_PREFIX)]
    found: dict[str, Any] = {}
    for one in arguments:
        if not one.startswith(_PREFIX):
            continue
        name, _, text = one.removeprefix(_PREFIX).partition("=")
        if name not in _KINDS:
            raise ConfigError(f"{_PREFIX}{name}: no such option{did_you_mean(name, _KINDS)}")
        kind, expected = _KINDS[name]
        try:
            found[name] = kind(text)
        except ValueError:
            raise ConfigError(f"{_PREFIX}{name} = {text}: expected {expected}") from None
    return Options(**found), rest
