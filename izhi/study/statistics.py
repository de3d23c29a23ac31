"""The statistics of a study: what is asked for, and computing it from a shard's spikes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from izhi.config import keys
from izhi.config.sweep import Sweep
from izhi.errors import ConfigError, did_you_mean
from izhi.spikes import (
    STATISTICS,
    Settings,
    Trains,
    summary_statistics,
)
from izhi.study import projections
from izhi.study.description import STATISTICS as PREFIX
from izhi.study.draws import Draws, Variable
from izhi.sweep import plan as plans
from izhi.sweep import points
from izhi.sweep.plan import Plan, Shard
from izhi.sweep.structures import Structure
from izhi.units import Quantity

VERSION = 2
"""To be raised when a statistic is computed in another way, so that stored ones are not taken."""


def settings_of(sweep: Sweep) -> Settings:
    """Return what a sweep asks for, checked.

    Raises
    ------
    ConfigError
        For a statistic that does not exist, and limits that do not fit each other.
    """
    given = {field.name: sweep.setting(PREFIX + field.name) for field in fields(Settings)}
    given["measures"] = measures(given["measures"])
    values: dict[str, Any] = {
        name: value.si if isinstance(value, Quantity) else value for name, value in given.items()
    }
    settings = Settings(**values)
    _check(sweep, settings)
    return settings


def measures(given: Any) -> tuple[str, ...]:
    """Return the statistics that a setting asks for, checked, in their order.

    Raises
    ------
    ConfigError
        For one that does not exist.
    """
    key = f"{PREFIX}measures"
    if given == "all":
        return tuple(STATISTICS)
    if not given:
        raise ConfigError(f"{key} = []: expected all, or a list such as [firing_rate, isi_cv]")
    for name in given:
        if not isinstance(name, str) or name not in STATISTICS:
            near = did_you_mean(str(name), STATISTICS)
            raise ConfigError(f"{key} = {keys.shown(name)}: no such statistic{near}")
        if given.count(name) > 1:
            raise ConfigError(f"{key} = {name}: named twice")
    # spikes are counted always: where a count is absent, so is the cell
    return tuple(name for name in STATISTICS if name in given or name == "spike_count")


def _check(sweep: Sweep, s: Settings) -> None:
    def shown(name: str) -> str:
        return f"{PREFIX}{name} = {keys.shown(sweep.setting(PREFIX + name))}"

    if s.end_interval < s.begin_interval:
        raise ConfigError(
            f"{shown('end_interval')}: a burst goes on with intervals at least as long as those "
            f"that it begins with, {shown('begin_interval')}"
        )
    if s.start >= s.stop:
        raise ConfigError(f"{shown('start')}: is not before {shown('stop')}")
    shortest = float(points.grid(sweep, "simulation.duration").min())
    if s.start >= shortest:
        raise ConfigError(
            f"{shown('start')}: is not before the end of the simulation, simulation.duration = "
            f"{shortest:g} s"
        )


def digest(settings: Settings, version: int = VERSION) -> str:
    """Return what statistics are known by: equal where they are computed in the same way."""
    text = json.dumps([version, asdict(settings)], default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Columns:
    """What the results of all points have in common.

    Attributes
    ----------
    cells, synapses
        Labels.
    names
        Names of the statistics.
    draws
        What was drawn at random for cells and synapses; None where nothing was.
    """

    cells: tuple[str, ...]
    synapses: tuple[str, ...]
    names: tuple[str, ...]
    draws: Draws | None = None

    @classmethod
    def of(cls, plan: Plan) -> Columns:
        """Return the columns of a plan."""
        names = settings_of(plan.sweep).measures
        if not plan.synapses:
            names = tuple(name for name in names if STATISTICS[name].per != "projection")
        draws = Draws.of(plan)
        return cls(plan.cells, plan.synapses, names, draws if draws.variables else None)

    @property
    def drawn(self) -> tuple[Variable, ...]:
        """What was drawn at random, for cells and for synapses."""
        return self.draws.variables if self.draws else ()

    def labels(self, name: str) -> tuple[str, ...]:
        """Return the labels of what a statistic is of."""
        return self.synapses if STATISTICS[name].per == "projection" else self.cells


@dataclass(frozen=True)
class Recipe:
    """All that it takes to compute the statistics of a shard from its spikes.

    Attributes
    ----------
    settings
        What is computed.
    structure
        What was simulated.
    parameters
        One value per point or one for all, by owner and name.
    onset, offset
        Start and end of each cell's stimulus in seconds, of shape (points or 1, cells).
    """

    settings: Settings
    structure: Structure
    parameters: Mapping[str, NDArray[Any]]
    onset: NDArray[np.float64]
    offset: NDArray[np.float64]

    @classmethod
    def of(cls, plan: Plan, shard: Shard) -> Recipe:
        """Return the recipe of a shard."""
        onset, offset = plans.stimulus_times(plan, shard)
        structure = plan.batches[shard.batch].structure
        parameters = plans.parameters(plan, shard)
        return cls(settings_of(plan.sweep), structure, parameters, onset, offset)


def compute(
    recipe: Recipe, step: NDArray[Any], count: NDArray[np.int64]
) -> dict[str, NDArray[Any]]:
    """Return the statistics of a shard.

    Parameters
    ----------
    recipe
        What is computed, and of what.
    step
        Times of all spikes in time steps, train after train.
    count
        Spikes of each train, shape (points, cells).

    Returns
    -------
    dict
        Arrays of shape (points, cells) or (points, synapses) by name.
    """
    structure = recipe.structure
    n, n_cells = count.shape
    trains = Trains(np.multiply(step, structure.dt, dtype=np.float64), count.ravel())
    onset, offset = (
        np.broadcast_to(time, count.shape).ravel() for time in (recipe.onset, recipe.offset)
    )
    found = summary_statistics(
        trains, recipe.settings, duration=structure.duration, onset=onset, offset=offset
    )
    result = {name: values.reshape(n, n_cells) for name, values in found.items()}
    of_synapses = projections.statistics(recipe, trains, count)
    for name in of_synapses[0] if of_synapses else ():
        result[name] = np.concatenate([found[name] for found in of_synapses], axis=1)
    return result


def charge_unit(plan: Plan) -> str:
    """Return the unit of a transmitted charge: that of the currents, times seconds."""
    circuits = [batch.structure.circuit for batch in plan.batches]
    kinds = {c.population(p.target).current for c in circuits for p in c.projections}
    told = {"volt": "V s", "amp": "A s", "1": "s", "volt/second": "V"}
    return " or ".join(told.get(kind, f"{kind} s") for kind in sorted(kinds, reverse=True))
