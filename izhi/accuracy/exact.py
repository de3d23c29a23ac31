"""Exact spike times of small circuits, from spike to spike.

Between spikes a cell depends on nothing but itself and the time. So every cell has a solver of its
own, an explicit Runge-Kutta method of order 8 with adaptive steps (DOP853: E. Hairer, S. P.
Norsett, G. Wanner, Solving ordinary differential equations I, 2nd ed., Springer 1993), which starts
anew wherever something jumps: at its spikes, at those that reach it, at the edges of stimuli. The
cell that is furthest behind makes the next step. When it is a spike that is next, all cells that
it reaches have made a step past it, and go back to it.

A crossing is looked for in the solver's own interpolant, of order 7, and then mended by a step of
order 8 that ends there.
"""

from __future__ import annotations

import heapq
import itertools
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeGuard

import numpy as np
from numpy.typing import NDArray

from izhi import interrupts
from izhi.accuracy import cell as cells
from izhi.accuracy import expressions
from izhi.accuracy import synapse as synapses
from izhi.accuracy.cell import Cell, Values
from izhi.accuracy.synapse import Synapse
from izhi.errors import IzhiError
from izhi.models.circuit import Circuit, Projection
from izhi.sweep.drawn import sources
from izhi.sweep.plan import FIRST_OF, TARGET
from izhi.sweep.structures import Structure

TOLERANCE = 1e-10
"""Relative error of a step; its absolute error is a hundredth of that of the largest value yet."""

_NOTHING = 1e-30
"""SI units: what is below is 0, where a variable has never been more."""

_TOGETHER = 1e-12
"""Seconds: spikes that are closer to each other are at the same time."""

_LOOKS = 8
"""Places in a step at which a crossing is looked for."""


class Diverged(IzhiError):
    """The equations have no solution up to the end."""


class Late(IzhiError):
    """The time that was given is over."""


def trains(
    structure: Structure, values: Values, seconds: float = math.inf
) -> list[NDArray[np.float64]]:
    """Return the exact spike times of all cells of a point.

    Parameters
    ----------
    structure
        The circuit and its duration; its time step and method do not matter.
    values
        Those of the point, in SI units, by owner and name.
    seconds
        Time that it may take.

    Returns
    -------
    list of ndarray
        For each cell, the times in seconds at which its threshold's condition comes true.

    Raises
    ------
    ConfigError
        For equations without an exact solution.
    Diverged
        When the state grows without bound, or a cell spikes without end at one time.
    Late
        When the time is over.
    """
    deadline = time.monotonic() + seconds
    return _Circuit(structure, values, deadline).run(deadline)


@dataclass
class _Event:
    """What happens to a cell next: a ``"spike"``, the ``"end"`` of waiting, a ``"jump"``."""

    kind: str
    t: float
    y: list[float]


class _Track:
    """A cell on its way through time."""

    def __init__(self, cell: Cell, name: str, end: float, method: Any) -> None:
        self.cell, self.name, self.method = cell, name, method
        self.stops = [*cell.jumps, end]
        self.derivatives = {waits: cell.derivative(waits) for waits in (False, True)}
        self.refractory, self.last, self.spikes = False, -math.inf, []  # type: ignore[var-annotated]
        self.largest = np.zeros(len(cell.states))
        self.step: float | None = None
        self.begin(0.0, list(cell.start))

    @property
    def t(self) -> float:
        """How far it is: the time of what happens next, or of the end of its last step."""
        return self.event.t if self.event else float(self.solver.t)

    def begin(self, t: float, y: list[float]) -> None:
        """Start anew from a time and a state."""
        while len(self.stops) > 1 and self.stops[0] <= t:
            del self.stops[0]
        stop = self.stops[0]
        self.cell.switches.hold(t + (stop - t) / 2)
        self.event: _Event | None = None
        self.solver: Any = None
        if not self.refractory and self.cell.spiking(t, y) > 0:
            self.event = _Event("spike", t, y)
        elif t >= stop:
            self.event = _Event("jump", t, y)
        else:
            self.solver = self._solver(t, y, stop, self.step)

    def _solver(self, t: float, y: list[float], stop: float, step: float | None) -> Any:
        start = np.array(y)
        self.largest = np.maximum(self.largest, np.abs(start))
        if not np.isfinite(start).all():
            raise Diverged(f"{self.name}: its state is not finite at {t * 1e3:.6g} ms")
        return self.method(
            self.derivatives[self.refractory], t, start, stop, rtol=TOLERANCE,
            atol=self._absolute(),
            first_step=None if step is None else min(step, stop - t),
        )  # fmt: skip

    def _absolute(self) -> NDArray[np.float64]:
        return 1e-2 * TOLERANCE * self.largest + _NOTHING

    def advance(self) -> None:
        """Make a step, and find what happens in it."""
        solver = self.solver
        said = solver.step()
        if solver.status == "failed":
            raise Diverged(f"{self.name}: no solution beyond {solver.t * 1e3:.6g} ms: {said}")
        self.step = solver.t - solver.t_old
        self.largest = np.maximum(self.largest, np.abs(solver.y))
        solver.atol = self._absolute()
        self._find_crossing()
        if self.event is None and solver.status == "finished":
            self.event = _Event("jump", float(solver.t), solver.y.tolist())

    def _watched(self, t: float, y: list[float]) -> float:
        """Return what gets positive when something happens between jumps."""
        if self.refractory:
            assert self.cell.refractory is not None
            return -self.cell.refractory(t, y, self.last)
        return self.cell.spiking(t, y)

    def _find_crossing(self) -> None:
        before, after = self.solver.t_old, self.solver.t
        inside = self.solver.dense_output()

        def watched(t: float) -> float:
            try:
                return self._watched(t, inside(t).tolist())
            except expressions.UNDEFINED:
                return -1.0

        places = np.linspace(before, after, _LOOKS + 1).tolist()
        for k, state in enumerate(inside(np.array(places[1:])).T.tolist()):
            if self._holds(places[k + 1], state):
                t = _root(watched, places[k], places[k + 1])
                t, y = self._mended(t, watched, before, after)
                self.event = _Event("end" if self.refractory else "spike", t, y)
                return

    def _holds(self, t: float, y: list[float]) -> bool:
        try:
            return self._watched(t, y) > 0
        except expressions.UNDEFINED:
            return False

    def _mended(
        self, t: float, watched: Callable[[float], float], before: float, after: float
    ) -> tuple[float, list[float]]:
        """Return a crossing and the state at it, by a step of full order instead of in between."""
        y = self.at(t)
        apart = 1e-4 * (after - before)
        slope = (watched(t) - watched(t - apart)) / apart
        if slope > 0:
            moved = t - self._watched(t, y) / slope
            if before < moved <= after and abs(moved - t) < apart:
                return moved, self.at(moved)
        return t, y

    def at(self, t: float) -> list[float]:
        """Return the state at a time within the last step."""
        if self.event is not None and (self.solver is None or self.event.t == t):
            return self.event.y
        from_, y = self.solver.t_old, self.solver.y_old
        if from_ is None or t <= from_:
            old: list[float] = (self.solver.y if from_ is None else y).tolist()
            return old
        again = self._solver(from_, y.tolist(), t, t - from_)
        while again.status == "running":
            again.step()
        state: list[float] = again.y.tolist()
        return state

    def spike(self, t: float, y: list[float]) -> list[float]:
        """Note a spike; return the state after it."""
        if t - self.last < _TOGETHER:
            raise Diverged(f"{self.name}: spikes without end at {t * 1e3:.6g} ms")
        self.spikes.append(t)
        self.last, self.step = t, None
        self.refractory = self.cell.refractory is not None
        return expressions.run(list(self.cell.reset), t, y)


def _root(function: Callable[[float], float], left: float, right: float) -> float:
    """Return where a function that is positive on the right, and not on the left, gets so."""
    from scipy.optimize import brentq

    if function(left) >= 0:
        return left
    return float(brentq(function, left, right, xtol=1e-17, rtol=1e-15))


@dataclass
class Link:
    """One synapse: onto whom, and its state since when."""

    synapse: Synapse
    target: _Track
    state: list[float]
    since: float = 0.0

    def deliver(self, t: float, y: list[float]) -> list[float]:
        """Have a spike arrive; return the target's state after it."""
        own = self.synapse.later(self.state, t - self.since)
        after = expressions.run(list(self.synapse.on_pre), t, [*own, *y])
        self.state, self.since = after[: len(own)], t
        return after[len(own) :]


def _pairs(circuit: Circuit, projection: Projection, values: Values) -> NDArray[np.int32]:
    """Return source and target cell of a projection's synapses, by what a point has of it."""
    if not circuit.passed(projection):
        return circuit.pairs(projection)
    first_of, target = (np.atleast_2d(values[f"{projection.name}.{n}"]) for n in (FIRST_OF, TARGET))
    n = int(first_of[0, -1])
    source = sources(first_of, target.shape[1])
    return np.stack([source[0, :n], target[0, :n]], axis=1)


class _Circuit:
    """All cells and synapses of a point."""

    def __init__(self, structure: Structure, values: Values, deadline: float) -> None:
        from scipy.integrate import DOP853 as method  # of order 8

        circuit = structure.circuit
        self.end = structure.duration
        reached = {projection.target for projection in circuit.projections}
        groups: dict[str, list[_Track]] = {}
        for population in circuit.populations:
            # equal cells that nothing reaches do the same: one of them goes for all
            differing = any(n.startswith(f"{population.name}.") for n in circuit.drawn)
            alike = population.name not in reached and not differing
            own: list[_Track] = []
            for k in range(1 if alike else population.count):
                _check_time(deadline)
                cell = cells.of(structure, population, values, k)
                own.append(_Track(cell, population.name, self.end, method))
            groups[population.name] = own * population.count if alike else own
        self.cells = [track for group in groups.values() for track in group]
        self.tracks = list(dict.fromkeys(self.cells))
        self.links: dict[_Track, list[Link]] = {track: [] for track in self.tracks}
        for projection in circuit.projections:
            target = groups[projection.target]
            states, drawn = target[0].cell.states, bool(projection.synapse.drawn)
            synapse = synapses.of(circuit, projection, states, values)
            for k, (i, j) in enumerate(_pairs(circuit, projection, values)):
                if drawn and k:
                    synapse = synapses.of(circuit, projection, states, values, k)
                source = groups[projection.source][i]
                self.links[source].append(Link(synapse, target[j], list(synapse.start)))
        self.coming: list[tuple[float, int, Link]] = []
        self.order = itertools.count()

    def run(self, deadline: float) -> list[NDArray[np.float64]]:
        """Go to the end; return the spike times of each cell."""
        while True:
            _check_time(deadline)
            interrupts.check()
            track = min(self.tracks, key=lambda one: one.t)
            if self.coming and self.coming[0][0] <= track.t:
                self._happen(self.coming[0][0])
            elif track.t >= self.end:
                return [np.array(one.spikes) for one in self.cells]
            elif track.event is None:
                track.advance()
            elif track.event.kind == "spike":
                self._happen(track.event.t)
            else:
                track.refractory &= track.event.kind != "end"
                track.begin(track.event.t, track.event.y)

    def _happen(self, now: float) -> None:
        """Have all spikes of a time, and those that arrive then, do what they do."""
        firing = [(track, track.event) for track in self.tracks if _fires(track.event, now)]
        after = {track: event.y for track, event in firing}
        for track, event in firing:
            for link in self.links[track]:
                arrival = event.t + link.synapse.delay
                heapq.heappush(self.coming, (arrival, next(self.order), link))
        while self.coming and self.coming[0][0] <= now + _TOGETHER:
            link = heapq.heappop(self.coming)[-1]
            target = link.target
            after[target] = link.deliver(now, after.get(target) or target.at(now))
        for track, event in firing:
            after[track] = track.spike(event.t, after[track])
        for track, y in after.items():
            track.begin(now, y)


def _check_time(deadline: float) -> None:
    if time.monotonic() > deadline:
        raise Late("the time for exact spike times is over")


def _fires(event: _Event | None, now: float) -> TypeGuard[_Event]:
    return event is not None and event.kind == "spike" and event.t <= now + _TOGETHER
