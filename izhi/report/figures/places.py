"""Which points of a sweep a figure shows: labels on axes, as one writes them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from izhi.config import inputs
from izhi.config.keys import Value
from izhi.config.sweep import Axis, Sweep
from izhi.errors import ConfigError, StudyError, did_you_mean
from izhi.study import overview
from izhi.study.study import Study
from izhi.sweep import checks


def sweep_of(what: Study | Sweep) -> Sweep:
    """Return what was asked for in a study, if it is one."""
    if isinstance(what, Sweep):
        return what
    inputs.look_in(what.path)
    return overview.asked(what)


def of(sweep: Sweep, labels: Mapping[str, Any]) -> list[NDArray[np.int64]]:
    """Return the positions of labels on each axis, each once; all of them where none is given.

    Raises
    ------
    StudyError
        When an axis or a label does not exist.
    """
    names = {**{a.name.replace(".", "_"): a for a in sweep.axes}, **{a.name: a for a in sweep.axes}}
    for name in labels:
        if name not in names:
            near = did_you_mean(name, [axis.name for axis in sweep.axes]) or "; nothing is swept"
            raise StudyError(f"{name}: no such axis{near}")
    chosen = {names[name].name: given for name, given in labels.items()}
    return [_places(axis, chosen.get(axis.name)) for axis in sweep.axes]


def _places(axis: Axis, given: Any) -> NDArray[np.int64]:
    if given is None:
        return np.arange(len(axis))
    several = given if isinstance(given, list | tuple) else [given]
    try:
        found = [checks.match(axis.labels, axis.unit, one, axis.name) for one in several]
    except ConfigError as error:
        raise StudyError(str(error)) from None
    return np.array(list(dict.fromkeys(found)), np.int64)


def part(sweep: Sweep, chosen: Sequence[NDArray[np.int64]]) -> Sweep:
    """Return the sweep of some of the values of each axis, without traces of its own."""
    axes = tuple(
        replace(a, labels=a.labels[at], values=None if a.values is None else a.values[at])
        for a, at in zip(sweep.axes, chosen, strict=True)
    )
    base_of = sweep.base_of
    for axis, at in enumerate(chosen):
        if base_of.shape[axis] > 1:
            base_of = base_of.take(at, axis)
    none: dict[str, Value] = {"record.traces": None}
    bases = tuple(replace(base, values={**base.values, **none}) for base in sweep.bases)
    return replace(sweep, axes=axes, bases=bases, base_of=base_of)


def unspread(sweep: Sweep, chosen: Sequence[NDArray[np.int64]], but: str | None = None) -> None:
    """Check that one value is chosen on each axis, but for one of them.

    Raises
    ------
    StudyError
        Naming the axis, with an example of what to give.
    """
    for axis, at in zip(sweep.axes, chosen, strict=True):
        if at.size != 1 and axis.name != but:
            raise StudyError(several(axis.name, [str(axis.labels[n]) for n in at]))


def several(name: str, labels: Sequence[str]) -> str:
    """Return what to say where one of several labels has to be chosen."""
    return f"{name}: say which of its {len(labels)} values is meant, as in {name}={labels[0]}"


def open_axes(sweep: Sweep, chosen: Sequence[NDArray[np.int64]]) -> Iterator[str]:
    """Give the names of the axes on which there is more than one value."""
    return (a.name for a, at in zip(sweep.axes, chosen, strict=True) if at.size > 1)
