"""Where the two states of a neuron stand still: nullclines, fixed points and their kinds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from contourpy import contour_generator
from numpy.typing import NDArray

from izhi.errors import StudyError
from izhi.models.cell import INPUT
from izhi.report.figures import scales
from izhi.report.figures.recorded import Recorded

Numbers = NDArray[np.float64]
Flow = Callable[[Numbers, Numbers], Numbers]
"""Of x and y from 0 to 1: both slopes, shape (2, ...), in parts of their range per second."""

GRID = 400
"""Places on each axis at which signs of slopes are looked at."""

_STEP = 1e-5


@dataclass(frozen=True)
class FixedPoint:
    """Where neither state changes.

    Attributes
    ----------
    x, y
        The states there, in SI units.
    kind
        By the eigenvalues of the Jacobian: ``"stable node"``, ``"stable focus"``, ``"saddle"``,
        ``"unstable node"``, ``"unstable focus"`` or ``"centre"``.
    """

    x: float
    y: float
    kind: str


@dataclass(frozen=True)
class Plane:
    """The two states of a neuron.

    Attributes
    ----------
    shown
        The cell.
    x, y
        Names of the states.
    low, high
        A box in SI units, (x, y) each, in which to look.
    """

    shown: Recorded
    x: str
    y: str
    low: Numbers
    high: Numbers

    @classmethod
    def of(cls, shown: Recorded) -> Plane:
        """Return the plane around a trajectory.

        Raises
        ------
        StudyError
            For a neuron without two states.
        """
        states = shown.population.neuron.states
        if len(states) != 2:
            raise StudyError(
                f"phase: {scales.words(shown.kind)} has {len(states)} state"
                f"{'s' * (len(states) != 1)} ({', '.join(states)}); a phase plane needs two"
            )
        x = shown.potential
        y = states[1 - states.index(x)]
        low, high = box(shown, x, y)
        span = np.where(high > low, high - low, np.abs(high) + 1e-3)
        return cls(shown, x, y, low - 0.5 * span, high + span * [0.3, 1.0])

    def flow(self, current: float) -> Flow:
        """Return the slopes at an input, on the unit square."""
        declared = {one.name: one.expression for one in self.shown.population.neuron.declared}
        span = self.high - self.low

        def slopes(x: Numbers, y: Numbers) -> Numbers:
            state = {self.x: self.low[0] + span[0] * x, self.y: self.low[1] + span[1] * y,
                     INPUT: np.float64(current)}  # fmt: skip
            found = [self.shown.value(declared[name], state) / s
                     for name, s in zip((self.x, self.y), span, strict=True)]  # fmt: skip
            return np.stack(found)

        return slopes

    def nullcline(self, of: str, current: float) -> list[Numbers]:
        """Return where a state does not change, as lines of shape (n, 2) in SI units.

        Signs on a grid say where to look, Newton's method makes each place exact.
        """
        k = (self.x, self.y).index(of)
        return [self._si(line) for line in _zero(self.flow(current), k)]

    def fixed_points(self, current: float) -> list[FixedPoint]:
        """Return where neither state changes at an input, by x."""
        flow = self.flow(current)
        found: list[Numbers] = []
        for line in _zero(flow, 0):
            other = flow(*line.T)[1]
            for k in np.flatnonzero(np.diff(np.sign(other)) != 0):
                place = _newton(flow, line[k] if abs(other[k]) < abs(other[k + 1]) else line[k + 1])
                if place is not None and all(np.abs(place - one).max() > 1e-7 for one in found):
                    found.append(place)
        found.sort(key=lambda place: float(place[0]))
        kinds = [kind(_jacobian(flow, place)) for place in found]
        places = [self._si(place) for place in found]
        return [FixedPoint(float(x), float(y), k) for (x, y), k in zip(places, kinds, strict=True)]

    def _si(self, places: Numbers) -> Numbers:
        return self.low + (self.high - self.low) * places


def box(shown: Recorded, x: str, y: str) -> tuple[Numbers, Numbers]:
    """Return the least and the greatest values of both states, with the peaks of spikes."""
    ways = [shown.with_peaks(name)[1] for name in (x, y)]
    if not all(np.isfinite(way).all() for way in ways):
        raise StudyError(f"phase: {shown.details or shown.kind}: its state has diverged")
    return np.array([way.min() for way in ways]), np.array([way.max() for way in ways])


def _zero(flow: Flow, k: int) -> list[Numbers]:
    """Return the lines on the unit square where a slope is 0."""
    grid = np.linspace(0, 1, GRID)
    x, y = np.meshgrid(grid, grid)
    slope = flow(x, y)[k]
    size = np.median(np.abs(slope[np.isfinite(slope)])) or 1.0
    # an exponential is beyond all numbers somewhere: what counts is the sign
    bounded = np.nan_to_num(np.tanh(slope / size), nan=1.0)
    lines = contour_generator(grid, grid, bounded).lines(0.0)
    return [found for line in lines if len(found := _exact(flow, k, np.asarray(line))) > 1]


def _exact(flow: Flow, k: int, places: Numbers) -> Numbers:
    """Move places to where a slope is 0, along its gradient; drop those that do not get there."""
    moved = places
    for _ in range(20):
        value = flow(*moved.T)[k]
        across = np.stack([_along(flow, moved.T, axis)[k] for axis in (0, 1)], axis=1)
        with np.errstate(all="ignore"):
            moved = moved - (value / (across**2).sum(axis=1))[:, None] * across
    near = np.abs(moved - places).max(axis=1) < 3 / GRID
    exact: Numbers = moved[near & np.isfinite(moved).all(axis=1)]
    return exact


def _along(flow: Flow, place: Numbers, axis: int) -> Numbers:
    """Return the derivatives of both slopes along x or y, to fourth order."""
    shift = np.zeros_like(place)
    shift[axis] = _STEP
    one, two = (flow(*(place + n * shift)) - flow(*(place - n * shift)) for n in (1, 2))
    return (8 * one - two) / (12 * _STEP)


def _jacobian(flow: Flow, place: Numbers) -> Numbers:
    """Return the Jacobian in 1/s; its eigenvalues do not depend on the scales of the states."""
    return np.stack([_along(flow, place, axis) for axis in (0, 1)], axis=1)


def _newton(flow: Flow, place: Numbers) -> Numbers | None:
    """Return the fixed point near a place; None where there is none on the unit square."""
    for _ in range(30):
        try:
            step = np.linalg.solve(_jacobian(flow, place), flow(*place))
        except np.linalg.LinAlgError:
            return None
        place = place - step
        if not np.isfinite(place).all():
            return None
    return place if ((place >= 0) & (place <= 1)).all() and np.abs(step).max() < 1e-8 else None


def kind(jacobian: Numbers) -> str:
    """Return what kind of fixed point a Jacobian of shape (2, 2) belongs to."""
    values = np.linalg.eigvals(jacobian)
    real = values.real
    if np.abs(real).max() <= 1e-9 * np.abs(values).max():
        return "centre"
    if real.min() < 0 < real.max():
        return "saddle"
    turns = np.abs(values.imag).max() > 1e-9 * np.abs(values).max()
    return f"{'stable' if real.max() < 0 else 'unstable'} {'focus' if turns else 'node'}"
