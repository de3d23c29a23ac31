"""Structures: points that one network can hold side by side, because only numbers differ."""

from __future__ import annotations

import hashlib
import itertools
import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from izhi.config import keys
from izhi.config.sweep import Axis, Base, Sweep
from izhi.errors import ConfigError
from izhi.models import assembly, declarations, equations, located, recording, trains
from izhi.models import circuit as circuits
from izhi.models.circuit import Circuit, Population, Projection
from izhi.sweep import checks, models, points
from izhi.units import Quantity

_MOST_NETWORKS = 1_000
_MOST_SYNAPSES = 20_000_000
_EPSILON_DT = 1e-4
"""Of a time step: what Brian2's clocks take for nothing where they count steps."""


@dataclass(frozen=True)
class Structure:
    """What needs a network of its own.

    Attributes
    ----------
    circuit
        Populations and projections.
    dt, duration
        Time step and length, in seconds.
    v_max
        Volts beyond which, on either side of 0, a membrane potential has diverged.
    trace_interval
        Seconds between the samples of traces; None where none are recorded.
    """

    circuit: Circuit
    dt: float
    duration: float
    v_max: float
    trace_interval: float | None = None

    @property
    def steps(self) -> int:
        """Number of time steps, counted as Brian2 does."""
        steps = round(self.duration / self.dt)
        off = abs(steps * self.dt - self.duration) / self.dt
        return steps if off <= _EPSILON_DT else math.ceil(self.duration / self.dt)

    @property
    def end(self) -> float:
        """Seconds that all time steps last: what Brian2 counts as `steps`, whatever the clock."""
        return self.steps * self.dt

    def within_run(self, delay: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return delays in seconds; those beyond the end, of which nothing comes, just beyond it.

        Numbers of steps stay small, and queues of spikes as long as the run.
        """
        return np.minimum(delay, (self.steps + 1) * self.dt)

    @property
    def methods(self) -> tuple[str, ...]:
        """The integration methods of the populations, each once."""
        return tuple(dict.fromkeys(p.method for p in self.circuit.populations))

    @property
    def located(self) -> bool:
        """Whether any population has spikes off the grid."""
        return any(p.located for p in self.circuit.populations)

    @property
    def samples(self) -> int:
        """Number of samples of a trace, the first of them at time 0."""
        if self.trace_interval is None:
            return 0
        return -(-self.steps // self.sample_steps)

    @property
    def sample_steps(self) -> int:
        """Time steps from one sample of a trace to the next, where traces are recorded."""
        assert self.trace_interval is not None
        return round(self.trace_interval / self.dt)

    @property
    def traced(self) -> tuple[str, ...]:
        """Names of the variables whose traces are recorded: all states, and ``I``."""
        if self.trace_interval is None:
            return ()
        states = [state for p in self.circuit.populations for state in p.neuron.states]
        return (*dict.fromkeys(states), "I")

    @property
    def digest(self) -> str:
        """A short hash that is the same for equal structures."""
        text = json.dumps(asdict(self), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]


@dataclass(frozen=True)
class StructurePoints:
    """A structure and the numbers of its points, in rising order."""

    structure: Structure
    points: NDArray[np.int64]


def _is_array(axis: Axis) -> bool:
    """Whether an axis's values can differ from replica to replica in one network."""
    parts = axis.key.split(".")
    of_model = parts[0] in keys.TEXTS or parts[1] in keys.TEXTS or parts[-1] == "probability"
    is_quantity = isinstance(keys.key_of(axis.key), keys.QuantityKey)
    return of_model and is_quantity and "constants" not in parts


def find(sweep: Sweep) -> tuple[StructurePoints, ...]:
    """Sort all points of a sweep into structures, after checking all of them.

    Raises
    ------
    ConfigError
        For any point that cannot be run.
    """
    for number in sweep.used:
        checks.check_base(sweep, sweep.bases[number])
    checks.check_study(sweep)
    fixed = [
        (number, axis)
        for number, axis in enumerate(sweep.axes)
        if axis.values is not None and axis.key != "simulation.seed" and not _is_array(axis)
    ]
    networks = math.prod(len(axis) for _, axis in fixed)
    if networks > _MOST_NETWORKS:
        raise ConfigError(
            f"{' x '.join(axis.key for _, axis in fixed)}: {networks:,} different networks, "
            f"at most {_MOST_NETWORKS:,} in one study; give fewer values"
        )
    code = sweep.base_of.copy()
    for number, axis in fixed:
        shape = [1] * len(sweep.axes)
        shape[number] = len(axis)
        code = code * len(axis) + np.arange(len(axis)).reshape(shape)
    # the same structure from several bases (the seven neuron types) is one structure
    structures: dict[Structure, int] = {}
    number_of: dict[int, int] = {}
    for base in sweep.used:
        for values in itertools.product(*(range(len(axis)) for _, axis in fixed)):
            key = base
            for value, (_, axis) in zip(values, fixed, strict=True):
                key = key * len(axis) + value
            chosen = {
                axis.key: axis.values[value]  # type: ignore[index]
                for value, (_, axis) in zip(values, fixed, strict=True)
            }
            structure = _describe(sweep, sweep.bases[base], chosen)
            number_of[key] = structures.setdefault(structure, len(structures))
    checks.check_points(sweep)
    codes, inverse = np.unique(code, return_inverse=True)
    numbers = np.array([number_of[int(c)] for c in codes])[inverse].reshape(code.shape)
    every = np.broadcast_to(numbers, sweep.shape).ravel()
    found = tuple(
        StructurePoints(structure, np.flatnonzero(every == number))
        for structure, number in structures.items()
    )
    return _with_traces(sweep, found)


def _with_traces(sweep: Sweep, found: tuple[StructurePoints, ...]) -> tuple[StructurePoints, ...]:
    """Move points whose traces are recorded into structures of their own."""
    traced = checks.traced_points(sweep)
    if traced.size == 0:
        return found
    interval = sweep.setting("record.interval").si
    result = []
    for group in found:
        is_traced = np.isin(group.points, traced)
        s = group.structure
        recording = replace(s, trace_interval=interval)
        for structure, chosen in ((s, ~is_traced), (recording, is_traced)):
            if chosen.any():
                result.append(StructurePoints(structure, group.points[chosen]))
    return tuple(result)


def _check_size(sweep: Sweep, cells: Circuit, projection: Projection) -> None:
    """Check that a projection's synapses fit into memory, as they do in any of izhi's engines."""
    number = float(cells.most_synapses(projection))
    key = f"circuit.projections.{projection.name}"
    if projection.connect == "random":
        number *= float(np.nanmax(points.grid(sweep, f"{key}.probability")))
    if number > _MOST_SYNAPSES:
        raise ConfigError(
            f"{key}: {number:,.0f} synapses, at most {_MOST_SYNAPSES:,} in one projection; connect "
            "at random with a lower probability, or give fewer cells"
        )


def _describe(sweep: Sweep, base: Base, chosen: Mapping[str, Any]) -> Structure:
    """Return the structure of one base, with the values of axes that change structure."""

    def value(key: str) -> Any:
        found = chosen.get(key, base.values.get(key))
        return found.si if isinstance(found, Quantity) else found

    populations = []
    for name in circuits.names(base, "populations"):
        neuron = models.neuron(sweep, base, name, chosen)
        stimulated = bool(value(f"circuit.populations.{name}.stimulated"))
        driven = stimulated or circuits.group_of(base, name, "stimulus") != "stimulus"
        populations.append(
            Population(
                name=name,
                count=int(value(f"circuit.populations.{name}.count")),
                neuron=neuron,
                stimuli=models.stimuli(sweep, base, name, chosen)
                if driven and neuron.input is not None else (),
                method=str(value(method_key(base, name))),
            )
        )  # fmt: skip
    cells = Circuit(tuple(populations), ())
    projections = []
    for name in circuits.names(base, "projections"):
        source, target = (
            str(value(f"circuit.projections.{name}.{e}")) for e in ("source", "target")
        )
        synapse = models.synapse(sweep, base, name, target, chosen)
        if synapse is None:
            continue
        group = circuits.group_of(base, name, "synapse")
        delayed = bool(np.nan_to_num(points.grid(sweep, f"{group}.delay")).max() > 0)
        delayed |= any(line.name == "delay" for line in synapse.drawn)
        connect = str(value(f"circuit.projections.{name}.connect") or "all")
        projections.append(Projection(name, source, target, synapse, delayed, connect))
    for projection in projections:
        _check_size(sweep, cells, projection)
    circuit = Circuit(cells.populations, tuple(projections))
    for population in circuit.populations:
        _check_method(base, circuit, population)
    structure = Structure(
        circuit,
        float(value("simulation.dt")),
        float(value("simulation.duration")),
        float(value("simulation.v_max")),
    )
    for population in circuit.populations:
        _check_assembled(base, structure, population)
        if population.neuron.trains is not None:
            key = circuits.group_of(base, population.name, "neuron")
            trains.events(
                population.neuron.trains, key, population.count, structure.dt, structure.steps
            )
        group = circuits.group_of(base, population.name, "stimulus")
        for name, wave in population.stimuli:
            if wave.recording is not None:
                key = f"{group}{name.removeprefix('stimulus')}"
                recording.check_length(wave.recording, key, structure.dt, structure.steps)
    return structure


def _check_method(base: Base, circuit: Circuit, population: Population) -> None:
    """Check that a population's method can integrate its cells, with what synapses add to them."""
    key, method = method_key(base, population.name), population.method
    group = circuits.group_of(base, population.name, "neuron")
    if population.located:
        located.check(population.neuron, method, group)
    but = () if located.possible(population.neuron) else keys.LOCATED
    system = assembly.system(circuit, population)
    declarations.check_sizes(system, population.name)
    declarations.check_method(method, system, key, population.name, but)


def _check_assembled(base: Base, structure: Structure, population: Population) -> None:
    """Check the equations of a population once stimuli, synapses and the method are in them."""
    circuit, group = structure.circuit, circuits.group_of(base, population.name, "neuron")
    texts = assembly.assemble(circuit, population, structure.v_max)
    incoming = [p for p in circuit.projections if p.target == population.name]
    try:
        equations.equations(texts.equations)
        for text in filter(None, (texts.drive, texts.threshold, texts.refractory)):
            equations.expression(text)
        for text in (texts.reset, *(assembly.on_pre(circuit, p) for p in incoming)):
            equations.statements(text)
    except ConfigError as error:
        said = str(error).removeprefix("equations: ")
        raise ConfigError(
            f"{group}: with all stimuli and synapses, and {population.method}: {said}"
        ) from None


def method_key(base: Base, population: str) -> str:
    """Return the key of a population's integration method: its neuron's own, or that of all."""
    own = f"{circuits.group_of(base, population, 'neuron')}.method"
    return own if base.has(own) else "simulation.method"
