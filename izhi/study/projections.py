"""The statistics of projections: of what their synapses release, transmit and pass on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from izhi.exponential import exp
from izhi.models import charge
from izhi.models.circuit import Circuit, Projection
from izhi.spikes import STATISTICS, Synapses, Trains, synapse_statistics
from izhi.sweep import drawn
from izhi.sweep.plan import FIRST_OF, TARGET

if TYPE_CHECKING:
    from izhi.study.statistics import Recipe

_MOST_RATES = 2_000_000
"""Rates of target cells, one for each synapse, that are held at a time."""

_MOST_SPIKES = 2_000_000
"""Spikes at single synapses that are looked at a time."""

_RELEASE = ("U_0", "tau_f", "tau_d", "u_S_0", "x_S_0", "delay")
"""What the releases of Tsodyks and Markram's synapse follow from."""

Numbers = NDArray[np.float64]


def statistics(
    recipe: Recipe, trains: Trains, count: NDArray[np.int64]
) -> list[dict[str, NDArray[Any]]]:
    """Return the statistics of each projection.

    Parameters
    ----------
    recipe
        What is computed, and of what.
    trains
        The trains of all cells, point after point.
    count
        Spikes of each train, shape (points, cells).

    Returns
    -------
    list of dict
        By name, arrays of shape (points, source cells).
    """
    settings, circuit = recipe.settings, recipe.structure.circuit
    if all(STATISTICS[name].per != "projection" for name in settings.measures):
        return []
    duration = recipe.structure.duration
    length = min(duration, settings.stop) - settings.start
    within = trains if settings.everything else trains.during(settings.start, settings.stop)
    rate = within.count.reshape(count.shape) / length
    return [_of_projection(recipe, projection, trains, rate) for projection in circuit.projections]


def _of_projection(
    recipe: Recipe, projection: Projection, trains: Trains, rate: Numbers
) -> dict[str, NDArray[Any]]:
    circuit, n, settings = recipe.structure.circuit, rate.shape[0], recipe.settings
    columns = _columns(circuit, circuit.sources(projection))
    rows = np.arange(n)[:, None] * rate.shape[1] + columns
    synapse, own = projection.synapse, _values(recipe, projection)
    differing = {line.name for line in synapse.drawn}  # among the synapses of one cell
    several = synapse.releases and bool(differing.intersection(_RELEASE))
    charges = np.full((1, 1), np.nan)
    if "transmitted_charge" in settings.measures and synapse.current:
        charges = charge.transmitted(synapse, own)
    shape, of_cells, synapses = rows.shape, charges, None
    if several or charges.shape[1] > 1:
        synapses = _PerSynapse.of(recipe, projection, rows)
        of_cells = synapses.mean(synapses.each(charges))
    released: dict[str, Numbers | None] = dict.fromkeys(("U_0", "tau_f", "tau_d"))
    known = synapse.static
    if synapse.releases and not several:
        known = True
        released = {name: _flat(v, shape) for name, v in _released(projection, own).items()}
    statistics_of_cells = synapse_statistics(
        Synapses(
            trains.take(rows.ravel()),
            charge=_flat(of_cells, shape),
            target_rate=_target_rate(recipe, projection, rate).ravel(),
            duration=np.full(rows.size, recipe.structure.duration),
            settings=settings,
            known=known,
            **released,
        )
    )
    result = {name: values.reshape(shape) for name, values in statistics_of_cells.items()}
    if several and synapses is not None:
        result |= _of_each(recipe, projection, trains, own, charges, synapses)
    return result


def _values(recipe: Recipe, projection: Projection) -> dict[str, Numbers]:
    """Return what synapses hold, and their constants, of shape (points or 1, synapses or 1)."""
    synapse = projection.synapse
    held = {name: recipe.parameters[f"{projection.name}.{name}"] for name in synapse.held}
    fixed = {name: np.full((1, 1), value) for name, value, _ in synapse.constants}
    return fixed | {name: values.reshape(len(values), -1) for name, values in held.items()}


def _flat(values: Numbers, shape: tuple[int, int]) -> Numbers:
    return np.broadcast_to(values, shape).ravel()


def _released(projection: Projection, own: Mapping[str, Numbers]) -> dict[str, Numbers]:
    """Return what releases follow from: what is at time 0 is felt from the delay on."""
    synapse, zero = projection.synapse, np.zeros((1, 1))
    tau_f, tau_d, delay = own["tau_f"], own["tau_d"], own.get("delay", zero)
    at_rest = "u_S" not in synapse.starts
    u_0 = zero if at_rest else own["u_S_0"] * np.asarray(exp(-delay / tau_f))
    x_0 = own["x_S_0"] if "x_S" in synapse.starts else zero
    x_0 = 1 - (1 - x_0) * np.asarray(exp(-delay / tau_d))
    return {"U_0": own["U_0"], "tau_f": tau_f, "tau_d": tau_d, "u_0": u_0, "x_0": x_0}


@dataclass(frozen=True)
class _PerSynapse:
    """The synapses of a projection at all points of a shard, one after the other.

    Attributes
    ----------
    place
        Each one's place among (points, synapses); where there is none, at some points, it is left
        out.
    source
        Its source cell at its point, a place among (points, source cells).
    train
        Its presynaptic train.
    shape, sources
        Numbers of points and synapses; of points and source cells.
    """

    place: NDArray[np.int64]
    source: NDArray[np.int64]
    train: NDArray[np.int64]
    shape: tuple[int, int]
    sources: tuple[int, int]

    @classmethod
    def of(cls, recipe: Recipe, projection: Projection, rows: NDArray[np.int64]) -> _PerSynapse:
        """Return the synapses of some points; `rows` are the trains of (points, source cells)."""
        n, n_sources = rows.shape
        circuit = recipe.structure.circuit
        if circuit.passed(projection):
            first_of, target = (
                recipe.parameters[f"{projection.name}.{name}"] for name in (FIRST_OF, TARGET)
            )
            source = drawn.sources(first_of, target.shape[1])
            number = first_of[:, -1:]
        else:
            source = circuit.pairs(projection)[:, 0][None]
            number = np.array([[source.shape[1]]])
        shape = (n, source.shape[1])
        there = np.broadcast_to(np.arange(shape[1]) < number, shape)
        cell = np.broadcast_to(source, shape) + np.arange(n)[:, None] * n_sources
        place = np.flatnonzero(there)
        at = cell.ravel()[place].astype(np.int64)
        return cls(place, at, rows.ravel()[at], shape, (n, n_sources))

    def each(self, values: Numbers) -> Numbers:
        """Return values of shape (points or 1, synapses or 1) for each synapse."""
        return np.broadcast_to(values, self.shape).ravel()[self.place]

    def mean(self, values: Numbers) -> Numbers:
        """Return the mean over the synapses of each source cell that have a number."""
        number = ~np.isnan(values)
        size = self.sources[0] * self.sources[1]
        count = np.bincount(self.source[number], minlength=size)
        total = np.bincount(self.source[number], values[number], minlength=size)
        with np.errstate(invalid="ignore"):
            return np.asarray(total / count).reshape(self.sources)

    def blocks(self, spikes: NDArray[np.int64]) -> Iterator[slice]:
        """Give synapses with few enough spikes, but one at least; `spikes` are each train's."""
        ends = np.cumsum(spikes[self.train])
        start = 0
        while start < ends.size:
            most = (ends[start - 1] if start else 0) + _MOST_SPIKES
            stop = max(start + 1, int(np.searchsorted(ends, most, side="right")))
            yield slice(start, stop)
            start = stop


def _of_each(
    recipe: Recipe, projection: Projection, trains: Trains, own: Mapping[str, Numbers],
    charges: Numbers, synapses: _PerSynapse,
) -> dict[str, Numbers]:  # fmt: skip
    """Return the statistics of synapses that release differently, as means over those of a cell."""
    measures = tuple(name for name in recipe.settings.measures if name != "transfer_ratio")
    settings = replace(recipe.settings, measures=measures)
    released = {name: synapses.each(v) for name, v in _released(projection, own).items()}
    charges_of = synapses.each(charges)
    parts = []
    for some in synapses.blocks(trains.count):
        train = synapses.train[some]
        parts.append(
            synapse_statistics(
                Synapses(
                    trains.take(train),
                    charge=charges_of[some],
                    target_rate=np.zeros(train.size),
                    duration=np.full(train.size, recipe.structure.duration),
                    settings=settings,
                    known=True,
                    **{name: numbers[some] for name, numbers in released.items()},
                )
            )
        )
    return {
        name: synapses.mean(np.concatenate([part[name] for part in parts]))
        for name in (parts[0] if parts else ())
    }


def _columns(circuit: Circuit, labels: Sequence[str]) -> NDArray[np.int64]:
    cells = {cell: number for number, cell in enumerate(circuit.cells)}
    return np.array([cells[label] for label in labels], np.int64)


def _target_rate(
    recipe: Recipe, projection: Projection, rate: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the mean rate of the cells that each source cell projects onto, (points, sources).

    NaN for a source cell that projects onto none.
    """
    circuit = recipe.structure.circuit
    first = _columns(circuit, [f"{projection.target}0"])[0]
    if projection.connect == "random":
        first_of, target = (recipe.parameters[f"{projection.name}.{n}"] for n in (FIRST_OF, TARGET))
        last = len(first_of) - 1  # of one row for all points, or of one for each
        return np.stack([
            _mean_felt(own[first:], first_of[min(point, last)], target[min(point, last)])
            for point, own in enumerate(rate)
        ])  # fmt: skip
    source, target = circuit.pairs(projection).T
    present, start, targets = np.unique(source, return_index=True, return_counts=True)
    result = np.full((len(rate), circuit.population(projection.source).count), np.nan)
    some = max(1, _MOST_RATES // max(1, source.size))
    for at in range(0, len(rate), some):
        felt = rate[at : at + some, first + target]
        result[at : at + some, present] = np.add.reduceat(felt, start, axis=1) / targets
    return result


def _mean_felt(
    rate: NDArray[np.float64], first_of: NDArray[np.int32], target: NDArray[np.int32]
) -> NDArray[np.float64]:
    """Return the mean rate of the targets of each source cell of one point."""
    number = np.diff(first_of)
    source = np.repeat(np.arange(number.size), number)
    total = np.bincount(source, rate[target[: source.size]], minlength=number.size)
    with np.errstate(invalid="ignore"):
        return np.asarray(total / number)
