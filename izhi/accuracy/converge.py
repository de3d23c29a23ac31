"""Runs of a few points of a sweep in smaller and smaller steps, beside their exact spike times."""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from izhi import draws
from izhi.accuracy import exact
from izhi.accuracy.cell import Values
from izhi.accuracy.compare import compare
from izhi.config.sweep import Sweep
from izhi.engine import prepare
from izhi.engine.cache import Build
from izhi.errors import ConfigError
from izhi.sweep import plan as plans
from izhi.sweep import structures
from izhi.sweep.plan import Plan, Shard
from izhi.sweep.structures import Structure, StructurePoints

if TYPE_CHECKING:
    import pandas as pd

Trains = list[NDArray[np.float64]]
"""Spike times in seconds, cell by cell."""

_METHOD = "simulation.method"
_UNITS = {"dt": "s", "time_error": "s", "interval_error": "1", "spikes": "1", "exact": "1",
          "matched": "1"}  # fmt: skip


@dataclass(frozen=True)
class Options:
    """How much is compared.

    Attributes
    ----------
    points
        How many points of the sweep, at most.
    halvings
        How often the time step is halved.
    accuracy
        Relative error of intervals that is wanted.
    seconds
        Time that exact spike times may take.
    """

    points: int = 8
    halvings: int = 4
    accuracy: float = 1e-3
    seconds: float = 120.0

    def __post_init__(self) -> None:
        """Check the values."""
        for name, least in (("points", 1), ("halvings", 1)):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < least:
                raise ConfigError(
                    f"converge.{name} = {value}: expected a whole number from {least} on"
                )
        for name in ("accuracy", "seconds"):
            value = getattr(self, name)
            if not (isinstance(value, int | float) and 0 < value < math.inf):
                raise ConfigError(f"converge.{name} = {value}: expected a number greater than 0")


def sample(sweep: Sweep, count: int) -> NDArray[np.int64]:
    """Return the numbers of a few points that are spread over a sweep, in rising order.

    They are a Latin hypercube: evenly spread along each axis, in an order that a hash of its key
    gives; the same ones each time.

    Parameters
    ----------
    sweep
        The sweep. All integration methods that it has get the same points; these numbers are
        those with the first method.
    count
        How many, at most.
    """
    axes = [n for n, axis in enumerate(sweep.axes) if axis.key != _METHOD]
    shape = [len(sweep.axes[n]) for n in axes]
    total = math.prod(shape)
    if total <= count:
        places = list(itertools.product(*map(range, shape)))
    else:
        orders = [
            np.argsort(
                draws.uniform(draws.then(draws.key(np.uint64(0), axis.key), np.arange(count)))
            )
            for axis in map(sweep.axes.__getitem__, axes)
        ]
        at = (np.stack(orders, axis=1) + 0.5) / count * shape
        places = list(dict.fromkeys(map(tuple, at.astype(int).tolist())))
    found = np.zeros((len(places), len(sweep.axes)), np.int64)
    found[:, axes] = np.array(places, np.int64).reshape(len(places), len(axes))
    weights = [math.prod(sweep.shape[n + 1 :]) for n in range(len(sweep.axes))]
    return np.sort(found @ np.array(weights, np.int64))


def converge(
    sweep: Sweep, options: Options, remark: Callable[[str], None] = lambda text: None
) -> pd.DataFrame:
    """Hold runs of some points against their exact spike times.

    Parameters
    ----------
    sweep
        What was asked for.
    options
        How much is compared.
    remark
        Takes what is worth saying meanwhile.

    Returns
    -------
    DataFrame
        One row for each method, point, cell and time step, with the numbers of spikes in the run
        and in the exact train (`spikes`, `exact`), up to which spike they match (`matched`), and
        the errors of times and intervals; see :class:`izhi.accuracy.compare.Comparison`. Units
        are in ``attrs["units"]``, points that were left out in ``attrs["skipped"]``.

    Raises
    ------
    ConfigError
        For what cannot be run, or has no exact spike times.
    """
    import pandas as pd

    for axis in sweep.axes:
        if axis.key == "simulation.dt":
            raise ConfigError("simulation.dt: give one value; it is halved again and again")
    found = structures.find(sweep)
    chosen = sample(sweep, options.points)
    truths, skipped = _truths(sweep, found, chosen, options, remark)
    rows: list[dict[str, Any]] = []
    for structure, point, trains in _runs(sweep, found, list(truths), options, remark):
        labels = _labels(sweep, point)
        for cell, train, truth in zip(
            structure.circuit.cells, trains, truths[_without_method(sweep, point)], strict=True
        ):
            told = {"method": " and ".join(structure.methods), **labels, "cell": cell,
                    "dt": structure.dt}  # fmt: skip
            rows.append(told | asdict(compare(train, truth)))
    index = ["method", *_labels(sweep, int(chosen[0])), "cell", "dt"]
    columns = [*index, "spikes", "exact", "matched", "time_error", "interval_error"]
    frame = pd.DataFrame(rows, columns=columns).set_index(index)
    units = {axis.name: axis.unit for axis in sweep.axes if axis.unit}
    frame.attrs = {"units": units | _UNITS, "skipped": skipped}
    return frame


def _labels(sweep: Sweep, point: int) -> dict[str, Any]:
    """Return a point's values by axis, the method aside."""
    at = np.unravel_index(point, sweep.shape) if sweep.axes else ()
    return {
        axis.name: axis.labels[int(k)]
        for axis, k in zip(sweep.axes, at, strict=True) if axis.key != _METHOD
    }  # fmt: skip


def _without_method(sweep: Sweep, point: int) -> int:
    """Return the number of the point that differs by its method alone, and has the first one."""
    if not sweep.axes:
        return point
    at = np.unravel_index(point, sweep.shape)
    first = [0 if axis.key == _METHOD else int(k) for axis, k in zip(sweep.axes, at, strict=True)]
    return int(np.ravel_multi_index(first, sweep.shape))


def _truths(
    sweep: Sweep, found: tuple[StructurePoints, ...], chosen: NDArray[np.int64],
    options: Options, remark: Callable[[str], None],
) -> tuple[dict[int, Trains], list[str]]:  # fmt: skip
    """Return the exact trains by point, and of which points they are left out, and why."""
    end = time.monotonic() + options.seconds
    truths: dict[int, Trains] = {}
    skipped: list[str] = []
    for group in found:
        for point in np.intersect1d(group.points, chosen).tolist():
            structure = group.structure
            remark(f"exact spike times of point {len(truths) + len(skipped) + 1} of {chosen.size}")
            try:
                left = max(0.0, end - time.monotonic())
                truths[point] = exact.trains(structure, values(sweep, structure, point), left)
            except exact.Late:
                skipped.append(f"{_said(sweep, point)}: not within {options.seconds:g} s")
            except exact.Diverged as error:
                skipped.append(f"{_said(sweep, point)}: {error}")
    return truths, skipped


def values(sweep: Sweep, structure: Structure, point: int) -> Values:
    """Return the parameters of one point, in SI units by owner and name."""
    group = StructurePoints(structure, np.array([point]))
    plan = plans.make_plan(sweep, (group,), plans.Machine(1, compiler=False, built=frozenset()))
    given = plans.parameters(plan, plan.shards[0])
    return {name: value[0] for name, value in given.items()}


def _said(sweep: Sweep, point: int) -> str:
    labels = _labels(sweep, point)
    units = {axis.name: axis.unit for axis in sweep.axes}
    told = [f"{name} = {value} {units[name] or ''}".strip() for name, value in labels.items()]
    return ", ".join(told) or "the point"


def _runs(
    sweep: Sweep, found: tuple[StructurePoints, ...], chosen: list[int], options: Options,
    remark: Callable[[str], None],
) -> Iterator[tuple[Structure, int, Trains]]:  # fmt: skip
    """Run the points, all of them side by side, once for each method and time step."""
    groups = []
    for group in found:
        own = [p for p in group.points.tolist() if _without_method(sweep, p) in chosen]
        structure = replace(group.structure, trace_interval=None)
        for k in range(options.halvings + 1) if own else ():
            halved = replace(structure, dt=structure.dt / 2**k)
            groups.append(StructurePoints(halved, np.array(own)))
    if not groups:
        return
    plan = plans.make_plan(sweep, tuple(groups), prepare.machine(sweep, tuple(groups)))
    builds = _builds(plan, remark)
    remark(f"running {len(plan.shards)} shards, {plan.batches[0].engine} engine")
    for shard in plan.shards:
        structure = plan.batches[shard.batch].structure
        for point, trains in zip(shard.points, _simulate(plan, shard, builds), strict=True):
            yield structure, int(point), trains


def _builds(plan: Plan, remark: Callable[[str], None]) -> Mapping[int, Build]:
    needed = [k for k, batch in enumerate(plan.batches) if batch.engine == "compiled"]
    missing = sum(plan.batches[k].build for k in needed)
    if missing:
        remark(f"building {missing} C++ program{'s' * (missing > 1)}, once and for all ...")
    return prepare.builds(plan, needed)


def _simulate(plan: Plan, shard: Shard, builds: Mapping[int, Build]) -> list[Trains]:
    """Return the trains of a shard's points."""
    structure = plan.batches[shard.batch].structure
    parameters = plans.parameters(plan, shard)
    if shard.batch in builds:
        from izhi.engine import compiled

        raw = compiled.simulate(builds[shard.batch], structure, parameters, shard.points.size)
    else:
        from izhi.engine import runtime

        raw = runtime.simulate(structure, parameters, shard.points.size)
    times = raw.step * structure.dt
    ends = np.cumsum(raw.count.ravel())[:-1]
    cells = len(structure.circuit.cells)
    every = np.split(times, ends)
    return [every[first : first + cells] for first in range(0, len(every), cells)]
