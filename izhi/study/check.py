"""What is wrong in a sweep, and what is probably not meant; nothing is built or written."""

from __future__ import annotations

from dataclasses import dataclass

from izhi.config.sweep import Sweep
from izhi.engine import prepare
from izhi.errors import ConfigError
from izhi.study import statistics
from izhi.sweep import doubts, points, structures
from izhi.sweep.doubts import Doubt
from izhi.sweep.wrong import wrong


@dataclass(frozen=True)
class Check:
    """What was looked at, and what was found.

    Attributes
    ----------
    points, structures
        Points of the sweep, and structures that they have.
    errors
        What cannot be run; the first of them is what ``izhi run`` ends with.
    doubts
        What is probably not meant; looked for where there is no error.
    """

    points: int
    structures: int
    errors: tuple[ConfigError, ...]
    doubts: tuple[Doubt, ...]


def check(sweep: Sweep) -> Check:
    """Check a sweep whose values have been checked one by one."""
    try:
        statistics.settings_of(sweep)
        prepare.check_compiler(sweep)
        found = structures.find(sweep)
        prepare.check_equations(sweep, found)
    except ConfigError as error:
        said = {str(other): other for other in (error, *wrong(sweep))}
        return Check(points.count(sweep), 0, tuple(said.values()), ())
    return Check(points.count(sweep), len(found), (), doubts.find(sweep, found))
