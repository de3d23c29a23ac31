"""The plan: structures, shards and what they will cost, as plain data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np
from numpy.typing import NDArray

from izhi.config.sweep import Sweep
from izhi.errors import ConfigError
from izhi.models import circuit as circuits
from izhi.models import recording, trains
from izhi.models.cell import Cell
from izhi.models.circuit import Population, Projection
from izhi.models.evaluate import evaluate
from izhi.sweep import drawn, points
from izhi.sweep.doubts import Doubt
from izhi.sweep.structures import Structure, StructurePoints

NUMPY_POINTS = 2048
"""Points of a shard on the numpy engine: the cost of a step is spread over many cells by then."""

COMPILED_TRAINS = 24_576
"""Trains of a second in a shard on the compiled engine: a few million spikes at most."""

MOST_SYNAPSES = 8_000_000
"""Synapses of all points of a shard: each may have numbers of its own."""

FEWEST_POINTS = 256
"""Points below which a shard is not cut in two: starting a program costs as much."""

TRACED_POINTS = 16
"""Points of a shard that records traces, whose samples are kept in memory."""

# What things cost, in seconds, on one core of a 2020s machine; they only have to rank the engines.
# By engine: its start, a time step of a shard, a time step of a cell, a point.
_COSTS = {"numpy": (1.2, 280e-6, 45e-9, 30e-6), "compiled": (0.01, 0.0, 1.2e-9, 30e-6)}
_BUILD = 2.2
_BUILD_SHARE = 0.7  # a build is kept and used again, so one run bears a part of its cost

NO_COMPILER = "there is no C++ compiler"

_LARGEST = float(np.finfo(np.float64).max)
_MEAN_RATE = 40.0  # spikes per second and cell, for the estimate of disk space
_ALL_STATISTICS = 27
_NUMBER = 12  # bytes of a number in the table


FIRST_OF, TARGET = "connectivity.first_of", "connectivity.target_of"
"""Names, below their projection's, of who projects onto whom."""


@dataclass(frozen=True)
class Machine:
    """What the plan has to know of the machine.

    Attributes
    ----------
    workers
        Number of workers.
    compiler
        Whether there is a C++ compiler.
    built
        Digests of structures for which a build is at hand.
    why
        Why the compiled engine cannot be used, where it cannot.
    """

    workers: int
    compiler: bool
    built: frozenset[str]
    why: str = NO_COMPILER


@dataclass(frozen=True)
class Shard:
    """A run of points that are simulated as one network.

    Attributes
    ----------
    number
        Its number in the plan.
    batch
        Number of the batch that it belongs to.
    points
        Numbers of its points, in rising order.
    """

    number: int
    batch: int
    points: NDArray[np.int64]


@dataclass(frozen=True)
class Batch:
    """A structure with the engine that runs it.

    Attributes
    ----------
    structure
        What is simulated.
    points
        Number of points.
    engine
        ``"numpy"`` or ``"compiled"``.
    shard_points
        Points of a shard; the last may have fewer.
    build
        Whether it has to be built first.
    seconds
        Estimated time on all workers, without the build.
    why
        Why this engine.
    """

    structure: Structure
    points: int
    engine: str
    shard_points: int
    build: bool
    seconds: float
    why: str


@dataclass(frozen=True)
class Plan:
    """All that will run.

    Attributes
    ----------
    sweep
        Axes and values.
    batches
        Structures with their engines.
    shards
        Runs of points.
    cells, synapses
        Labels of the cells and synapses of all circuits, in the order of the dataset.
    disk
        Estimated size of the study in bytes.
    workers
        Number of workers.
    doubts
        What is not wrong, but probably not meant.
    """

    sweep: Sweep
    batches: tuple[Batch, ...]
    shards: tuple[Shard, ...]
    cells: tuple[str, ...]
    synapses: tuple[str, ...]
    disk: int
    workers: int
    doubts: tuple[Doubt, ...] = ()

    @property
    def points(self) -> int:
        """Number of points."""
        return points.count(self.sweep)

    @property
    def builds(self) -> int:
        """Number of builds that are still to be made."""
        return sum(batch.build for batch in self.batches)

    @property
    def seconds(self) -> float:
        """Estimated time."""
        return self.running + self.builds * _BUILD

    @property
    def running(self) -> float:
        """Estimated time without builds."""
        return sum(batch.seconds for batch in self.batches)


def most_points(structure: Structure, engine: str) -> int:
    """Return the most points of a shard, by what its spikes and traces take in memory."""
    if structure.trace_interval is not None:
        return TRACED_POINTS
    circuit = structure.circuit
    synapses = sum(circuit.most_synapses(p) for p in circuit.projections)
    held = max(1, MOST_SYNAPSES // max(1, synapses))
    if engine == "numpy":
        return min(NUMPY_POINTS, held)
    seconds = max(1.0, structure.duration)
    return max(1, min(held, int(COMPILED_TRAINS / (len(circuit.cells) * seconds))))


def shard_size(
    structure: Structure, engine: str, asked: int | None, total: int, workers: int
) -> int:
    """Return how many points a shard has.

    Parameters
    ----------
    structure
        What is simulated.
    engine
        ``"numpy"`` or ``"compiled"``.
    asked
        Points of a shard as the config has it; None for what is best.
    total
        Points of the structure.
    workers
        Number of workers; each gets as many shards as the others, or nearly so.
    """
    most = asked or most_points(structure, engine)
    if asked or total <= FEWEST_POINTS:
        return min(most, total)
    shards = max(-(-total // most), min(workers, total // FEWEST_POINTS))
    shards += -shards % workers if shards > 1 else 0
    return -(-total // shards)


def make_plan(sweep: Sweep, structures: tuple[StructurePoints, ...], machine: Machine) -> Plan:
    """Choose engines and cut the points of each structure into shards."""
    batches: list[Batch] = []
    shards: list[Shard] = []
    asked = sweep.setting("run.engine")
    shard_points = sweep.setting("run.shard_points")
    for found in structures:
        batch = _batch(found, asked, shard_points, machine)
        for start in range(0, found.points.size, batch.shard_points):
            part = found.points[start : start + batch.shard_points]
            shards.append(Shard(len(shards), len(batches), part))
        batches.append(batch)
    return Plan(
        sweep,
        tuple(batches),
        tuple(shards),
        _cells(batches),
        _synapses(batches),
        _disk(sweep, batches),
        machine.workers,
    )


def _cells(batches: list[Batch]) -> tuple[str, ...]:
    """Return the cells of all circuits: population by population, each as large as it gets."""
    counts: dict[str, int] = {}
    for batch in batches:
        for population in batch.structure.circuit.populations:
            counts[population.name] = max(population.count, counts.get(population.name, 0))
    populations: dict[str, str] = {}
    for name, count in counts.items():
        for label in (f"{name}{i}" for i in range(count)):
            if populations.setdefault(label, name) != name:
                raise ConfigError(
                    f"circuit.populations: {label} is a cell of {populations[label]} in one "
                    f"circuit, and of {name} in another; expected names with which all cells of a "
                    "study differ"
                )
    return tuple(populations)


def _synapses(batches: list[Batch]) -> tuple[str, ...]:
    """Return the synapses of all circuits: projection by projection, each as large as it gets."""
    found: dict[str, dict[str, None]] = {}
    for batch in batches:
        for label in batch.structure.circuit.synapses:
            found.setdefault(label.partition(".")[0], {})[label] = None
    return tuple(label for labels in found.values() for label in labels)


def _batch(found: StructurePoints, asked: str, shard_points: int | None, machine: Machine) -> Batch:
    structure, total = found.structure, found.points.size
    build = structure.digest not in machine.built
    steps, cells = structure.steps, len(structure.circuit.cells) * structure.steps
    costs = {}
    for engine, (start, step, cell, point) in _COSTS.items():
        size = shard_size(structure, engine, shard_points, total, machine.workers)
        rounds = -(-total // size) / machine.workers
        busy = rounds if total > size else 1.0
        costs[engine] = start + busy * (steps * step + size * (cells * cell + point))
    weighed = {**costs, "compiled": costs["compiled"] + build * _BUILD * _BUILD_SHARE}
    engine, why = _choose(asked, weighed, machine)
    build = build and engine == "compiled"
    size = shard_size(structure, engine, shard_points, total, machine.workers)
    return Batch(structure, total, engine, size, build, costs[engine], why)


def _choose(asked: str, costs: Mapping[str, float], machine: Machine) -> tuple[str, str]:
    if asked == "numpy":
        return "numpy", "as asked"
    if not machine.compiler:
        return "numpy", machine.why
    if asked == "compiled":
        return "compiled", "as asked"
    engine = min(costs, key=lambda name: costs[name])
    other = max(costs, key=lambda name: costs[name])
    return engine, f"about {costs[engine]:.1f} s; {other} would cost about {costs[other]:.1f} s"


def _disk(sweep: Sweep, batches: list[Batch]) -> int:
    spikes = bool(sweep.setting("record.spikes"))
    measures = sweep.setting("statistics.measures")
    statistics = _ALL_STATISTICS if measures == "all" else len(measures)
    total = 200_000.0
    for batch in batches:
        structure = batch.structure
        trains = batch.points * len(structure.circuit.cells)
        total += trains * _NUMBER * (statistics + 1)
        total += 2 * trains * 8 * (statistics + 2)
        per_spike = spikes * (8 if structure.located else 4)
        total += 2 * trains * per_spike * min(_MEAN_RATE * structure.duration, structure.steps)
        if structure.trace_interval:
            total += 2 * trains * 3 * 8 * structure.duration / structure.trace_interval
    return int(total)


def parameters(plan: Plan, shard: Shard) -> dict[str, NDArray[Any]]:
    """Return the parameters of a shard's points.

    Returns
    -------
    dict
        By owner and name (``"pre.a"``, ``"pre_to_post.U_0"``), one SI value per point, or one
        for all of them; where cells or synapses differ, an array of shape (points or 1, cells).
        Edges of stimuli are step numbers; the word rest is resolved. Of projections that programs
        are told of, also what :func:`izhi.sweep.drawn.connections` returns, as `FIRST_OF` and
        `TARGET`; of stimuli from files, an array of shape (1, time steps).
    """
    sweep, structure = plan.sweep, plan.batches[shard.batch].structure
    position = points.index(sweep, shard.points)

    def at(grid: NDArray[np.float64]) -> NDArray[np.float64]:
        return points.take(grid, position)

    seed = np.nan_to_num(at(points.grid(sweep, "simulation.seed"))).astype(np.int64)
    result: dict[str, NDArray[Any]] = {}
    for population in structure.circuit.populations:
        p = population.name
        cell = population.neuron
        own = _of_cells(sweep, population, position, seed)
        for state, expression in cell.rest:
            start = own[f"{state}_0"]
            rest = evaluate(expression, own) if np.isnan(start).any() else start
            own[f"{state}_0"] = np.where(np.isnan(start), rest, start)
        result |= {f"{p}.{name}": own[name] for name in cell.held}
        if cell.noise:
            halves = drawn.of_noise(seed, p, "neuron", population.count)
            result |= {f"{p}.{n}": half for n, half in zip(cell.noise, halves, strict=True)}
        if cell.trains is not None:
            first, cells = trains.events(
                cell.trains, p, population.count, structure.dt, structure.steps
            )
            result |= {f"{p}.{trains.FIRST}": first[None], f"{p}.{trains.CELLS}": cells[None]}
        for stimulus, wave in population.stimuli:
            below = stimulus.removeprefix("stimulus")[1:]
            given = {
                name: at(_of(sweep, p, "stimulus", f"{below}.{name}" if below else name))
                for name in wave.given
            }
            # beside edges, which are steps, programs calculate with them
            given |= {name: _without_infinity(given[name]) for name, _ in wave.parameters}
            result |= {f"{p}.{stimulus}.{name}": values for name, values in given.items()}
            for edge in wave.edges:
                step = np.atleast_1d(edge.step(given, structure.dt))  # a literal time is one number
                result[f"{p}.{stimulus}.{edge.name}"] = step
            if wave.noise:
                halves = drawn.of_noise(seed, p, stimulus, population.count)
                for name, half in zip(wave.noise, halves, strict=True):
                    result[f"{p}.{stimulus}.{name}"] = half
            if wave.recording is not None:
                table = recording.sampled(wave.recording, stimulus, structure.dt, structure.steps)
                result[f"{p}.{stimulus}.{recording.NAME}"] = table[None, :]
    for projection in structure.circuit.projections:
        synapse, p = projection.synapse, projection.name
        passed = structure.circuit.passed(projection)
        if passed or synapse.drawn:
            first_of, target = _connections(plan, structure, projection, position, seed)
        if passed:
            result |= {f"{p}.{FIRST_OF}": first_of, f"{p}.{TARGET}": target}
        own = {
            name: _without_infinity(at(_of(sweep, p, "synapse", name))) for name in synapse.given
        }
        if synapse.drawn:
            own |= _of_synapses(projection, own, seed, first_of, target)
        result |= {f"{p}.{name}": own[name] for name in synapse.held}
    return {name: v[:, 0] if _is_column(name, v) else v for name, v in result.items()}


def _without_infinity(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return given numbers with the largest there is for null, without end.

    Infinite numbers times 0, and their differences, are no numbers.
    """
    return np.minimum(values, _LARGEST)


def _of_cells(
    sweep: Sweep, population: Population, position: tuple[NDArray[np.int64], ...],
    seed: NDArray[np.int64],
) -> dict[str, NDArray[Any]]:  # fmt: skip
    """Return what the cells of a population have, by name: what is given, and all that is drawn."""
    p, cell = population.name, population.neuron
    own = {
        name: _without_infinity(points.take(_of(sweep, p, "neuron", name), position))
        for name in cell.given
    }
    if cell.drawn:
        _check_numbers(cell, own, p)
        own = {name: values[:, None] for name, values in own.items()}
        fixed = {name: np.array([[value]]) for name, value, _ in cell.constants}
        own |= drawn.of_cells(cell.drawn, {**fixed, **own}, seed, p, population.count)
    return own


def _check_numbers(cell: Cell, own: Mapping[str, NDArray[Any]], population: str) -> None:
    """Check that what is drawn for cells uses no start that is the word rest at some point."""
    drawn_names = {line.name for line in cell.drawn}
    for line in cell.drawn:
        for name in sorted(line.names & own.keys() - (drawn_names - {line.name})):
            if np.isnan(own[name]).any():
                raise ConfigError(
                    f"{population}.neuron.per_cell.{line.name}: {name} is rest, which is no number "
                    f"here; give {name} numbers alone"
                )


def _of_synapses(
    projection: Projection, own: Mapping[str, NDArray[Any]], seed: NDArray[np.int64],
    first_of: NDArray[np.int32], target: NDArray[np.int32],
) -> dict[str, NDArray[Any]]:  # fmt: skip
    """Return what is drawn for the synapses of a projection, by name."""
    synapse = projection.synapse
    fixed = {name: np.array([[value]]) for name, value, _ in synapse.constants}
    columns = {name: values[:, None] for name, values in own.items()}
    source = drawn.sources(first_of, target.shape[1])
    return drawn.of_synapses(
        synapse.drawn, {**fixed, **columns}, seed, projection.name, source, target
    )


@dataclass(frozen=True)
class Drawn:
    """What differs from cell to cell, or from synapse to synapse, at some points.

    Attributes
    ----------
    values
        By name, SI values of shape (points or 1, cells or synapses, or 1).
    first_of, target
        Of synapses, see :func:`izhi.sweep.drawn.connections`; None of cells.
    """

    values: Mapping[str, NDArray[Any]]
    first_of: NDArray[np.int32] | None = None
    target: NDArray[np.int32] | None = None


def draws(plan: Plan, shard: Shard) -> dict[str, Drawn]:
    """Return what is drawn for a shard's points, by population or projection."""
    sweep, structure = plan.sweep, plan.batches[shard.batch].structure
    position = points.index(sweep, shard.points)
    seed = points.take(points.grid(sweep, "simulation.seed"), position)
    seed = np.nan_to_num(seed).astype(np.int64)
    result = {}
    for population in structure.circuit.populations:
        if population.neuron.drawn:
            own = _of_cells(sweep, population, position, seed)
            names = [line.name for line in population.neuron.drawn]
            result[population.name] = Drawn({name: own[name] for name in names})
    for projection in structure.circuit.projections:
        synapse, p = projection.synapse, projection.name
        if synapse.drawn:
            ends = _connections(plan, structure, projection, position, seed)
            own = {
                name: _without_infinity(points.take(_of(sweep, p, "synapse", name), position))
                for name in synapse.given
            }
            result[p] = Drawn(_of_synapses(projection, own, seed, *ends), *ends)
    return result


def _is_column(name: str, values: NDArray[Any]) -> bool:
    """Whether values are one of each point: not a list that happens to have one entry."""
    is_list = name.endswith((f".{FIRST_OF}", f".{TARGET}", f".{trains.FIRST}", f".{trains.CELLS}"))
    return values.ndim == 2 and values.shape[1] == 1 and not is_list


def _connections(
    plan: Plan, structure: Structure, projection: Projection,
    position: tuple[NDArray[np.int64], ...], seed: NDArray[np.int64],
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:  # fmt: skip
    """Return who projects onto whom; see :func:`izhi.sweep.drawn.connections`."""
    circuit, ends = structure.circuit, (projection.source, projection.target)
    if projection.connect == "random":
        key = f"circuit.projections.{projection.name}.probability"
        probability = points.take(points.grid(plan.sweep, key), position)
        counts = (circuit.population(ends[0]).count, circuit.population(ends[1]).count)
        return drawn.connections(probability, seed, projection.name, counts, ends[0] == ends[1])
    source, target = circuit.pairs(projection).T
    every = np.arange(circuit.population(ends[0]).count + 1)
    first_of = np.searchsorted(source, every)[None].astype(np.int32)
    return first_of, (target if target.size else np.zeros(1, np.int32))[None]


def _of(sweep: Sweep, owner: str, kind: str, name: str) -> NDArray[np.float64]:
    """Return the grid of a parameter of a population's neuron or stimulus, or of a synapse."""
    return points.grid_by_base(sweep, lambda base: f"{circuits.group_of(base, owner, kind)}.{name}")


Times = tuple[NDArray[np.float64], NDArray[np.float64]]
"""Onsets and offsets in seconds, one of each point or one of all."""


def stimulus_times(plan: Plan, shard: Shard) -> Times:
    """Return from when to when the cells of a shard's points are driven.

    A cell's stimuli begin at the earliest of their onsets and end at the last of their offsets, or
    never. A cell that receives none with an onset has the times of those that other cells of its
    circuit receive.

    Returns
    -------
    onset, offset
        Seconds, of shape (points or 1, cells). Where no cell receives a stimulus with an onset, it
        is nowhere, nan, and the offset never, inf.
    """
    circuit = plan.batches[shard.batch].structure.circuit
    of_populations = {p.name: _times(plan, shard, p) for p in circuit.populations}
    every = _together([time for times in of_populations.values() for time in times])
    onsets, offsets = [], []
    for population in circuit.populations:
        times = of_populations[population.name]
        onset, offset = _together(times) if times else every
        onsets += [onset] * population.count
        offsets += [offset] * population.count
    return _columns(onsets), _columns(offsets)


def _times(plan: Plan, shard: Shard, population: Population) -> list[Times]:
    """Return onset and offset of each of a population's stimuli that has an onset."""
    position = points.index(plan.sweep, shard.points)

    def at(stimulus: str, name: str) -> NDArray[np.float64]:
        key = f"{stimulus}.{name}".removeprefix("stimulus.")
        return points.take(_of(plan.sweep, population.name, "stimulus", key), position)

    names = [name for name, wave in population.stimuli if "onset" in wave.given]
    offsets = [np.nan_to_num(at(name, "offset"), nan=np.inf, posinf=np.inf) for name in names]
    return [(at(name, "onset"), offset) for name, offset in zip(names, offsets, strict=True)]


def _together(times: list[Times]) -> Times:
    if not times:
        return np.array([np.nan]), np.array([np.inf])
    onsets, offsets = zip(*times, strict=True)
    return reduce(np.minimum, onsets), reduce(np.maximum, offsets)


def _columns(times: list[NDArray[np.float64]]) -> NDArray[np.float64]:
    return np.stack(np.broadcast_arrays(*times), axis=-1)
