"""Synapses replayed from presynaptic spikes: thousands at once, exact from spike to spike.

A synapse's own equations are linear, so that its state after a time without spikes is a matrix
exponential of its state before. All synapses take their first spike together, then the second one
of those that have it, and so on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from izhi.errors import ConfigError
from izhi.models import declarations, dimensions
from izhi.models.evaluate import evaluate
from izhi.models.synapse import Synapse

Values = Mapping[str, NDArray[np.float64]]
"""SI values by name, one for each synapse."""

_FEWEST = 50
_MOST = 500
_FINE = 0.25
"""Samples between the jumps: how many, and how far apart in times of the fastest decay."""

_CLOSE = 1e-9


class UnknownReplay(Exception):
    """Why a synapse cannot be replayed, in words."""


@dataclass(frozen=True, eq=False)
class Replay:
    """Synapses over time, with two samples at each spike: before and after it.

    Attributes
    ----------
    time
        In seconds, shape (synapses, samples); NaN behind the end.
    values
        By variable, SI values of the same shape; NaN where there is none yet.
    """

    time: NDArray[np.float64]
    values: dict[str, NDArray[np.float64]]


def replay(
    synapse: Synapse, values: Values, events: NDArray[np.float64], duration: float
) -> Replay:
    """Return what the states of synapses, and what their spikes release, are over time.

    Parameters
    ----------
    synapse
        Their equations.
    values
        Their parameters, and what states start at (``x_S_0``), each of shape (synapses,).
    events
        When spikes reach them, in seconds, rising; shape (synapses, most spikes), NaN behind the
        last one.
    duration
        Until when, in seconds.

    Raises
    ------
    UnknownReplay
        When what happens does not follow from the presynaptic spikes alone.
    """
    model = _Model.of(synapse, values)
    flow = Flow.of(model.generator())
    before, after = _at_events(model, flow, events)
    grid = np.linspace(0, duration, _samples(flow, duration))
    last = np.array([np.searchsorted(row, grid, side="right") for row in _ended(events)])
    moments = np.concatenate([np.zeros((len(events), 1)), events], axis=1)
    rows = np.arange(len(events))[:, None]
    since = grid - moments[rows, last]
    between = after[rows, last]
    n = len(model.states)
    between[..., : n + 1] = flow(between[..., : n + 1], since)
    time = np.concatenate([events, events, np.broadcast_to(grid, since.shape)], axis=1)
    found = np.concatenate([before, after[:, 1:], between], axis=1)
    order = np.argsort(time, axis=1, kind="stable")
    time, found = time[rows, order], found[rows, order]
    found[np.isnan(time)] = np.nan
    shown = {name: found[..., k] for k, name in enumerate(model.states)}
    shown |= {name: found[..., n + 1 + k] for k, name in enumerate(model.released)}
    return Replay(time, shown)


def _ended(events: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(np.isnan(events), np.inf, events)


def _samples(flow: Flow, duration: float) -> int:
    """Return how many samples it takes for straight lines between them to look like the curve."""
    fastest = float(np.abs(flow.rates).max(initial=0.0))
    return int(np.clip(duration * fastest / _FINE, _FEWEST, _MOST)) + 1


def _at_events(
    model: _Model, flow: Flow, events: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return states, 1 and what was released, before each spike, and after it.

    Returns
    -------
    before
        Shape (synapses, spikes, variables).
    after
        Likewise, with the start as the first of spikes + 1.
    """
    rows, most = events.shape
    n = len(model.states) + 1
    after = np.full((rows, most + 1, n + len(model.released)), np.nan)
    before = np.full((rows, most, n + len(model.released)), np.nan)
    after[:, 0, :n] = model.start()
    moment = np.zeros(rows)
    for k in range(most):
        here = np.flatnonzero(~np.isnan(events[:, k]))
        since = events[here, k] - moment[here]
        moment[here] = events[here, k]
        before[here, k] = after[here, k]
        before[here, k, :n] = flow.of_rows(here)(after[here, k, None, :n], since[:, None])[:, 0]
        after[here, k + 1] = model.spike(here, before[here, k])
    return before, after


@dataclass(frozen=True, eq=False)
class Flow:
    """What linear equations make of a state in a time: ``expm(generator*seconds) @ state``.

    Attributes
    ----------
    generator
        Shape (synapses, n, n).
    rates, modes, inverse
        Eigenvalues, eigenvectors and the inverse of their matrix; no `modes` where these are too
        much alike for it.
    """

    generator: NDArray[np.float64]
    rates: NDArray[np.complexfloating] | NDArray[np.float64]
    modes: NDArray[np.complexfloating] | NDArray[np.float64] | None
    inverse: NDArray[np.complexfloating] | NDArray[np.float64] | None

    @classmethod
    def of(cls, generator: NDArray[np.float64]) -> Flow:
        """Return the flow of generators, shape (synapses, n, n)."""
        rates, modes = np.linalg.eig(generator)
        try:
            inverse = np.linalg.inv(modes)
        except np.linalg.LinAlgError:
            return cls(generator, rates, None, None)
        again = modes @ (rates[..., None] * inverse)
        size = np.abs(generator).max(axis=(1, 2), initial=0.0)[:, None, None]
        whole = (np.abs(again - generator) <= _CLOSE * size).all()
        return cls(generator, rates, *((modes, inverse) if whole else (None, None)))

    def of_rows(self, rows: NDArray[np.int64]) -> Flow:
        """Return the flow of some of the synapses."""
        if self.modes is None or self.inverse is None:
            return Flow(self.generator[rows], self.rates[rows], None, None)
        return Flow(self.generator[rows], self.rates[rows], self.modes[rows], self.inverse[rows])

    def __call__(
        self, state: NDArray[np.float64], seconds: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Return states, shape (synapses, times, n), after as many seconds, (synapses, times)."""
        if self.modes is None or self.inverse is None:
            from scipy.linalg import expm

            steps = expm(self.generator[:, None] * seconds[..., None, None])
            return np.asarray((steps @ state[..., None])[..., 0])
        parts = state @ self.inverse.swapaxes(1, 2)
        parts = parts * np.exp(self.rates[:, None] * seconds[..., None])
        return np.asarray((parts @ self.modes.swapaxes(1, 2)).real)


@dataclass(frozen=True, eq=False)
class _Model:
    """The equations of synapses, with their numbers.

    Attributes
    ----------
    synapse
        The equations.
    values
        Parameters and constants.
    states
        Names of the states.
    statements
        Variable, operator and right side of what a spike does to the synapse itself.
    released
        Names of what a spike computes from the states, as r_S.
    """

    synapse: Synapse
    values: Values
    states: tuple[str, ...]
    statements: tuple[tuple[str, str, str], ...]
    released: tuple[str, ...]

    @classmethod
    def of(cls, synapse: Synapse, values: Values) -> _Model:
        held = {name: np.asarray(value)[None] for name, value, _ in synapse.constants}
        states = tuple(one.name for one in synapse.declared if one.kind == "state")
        known = _known_statements(synapse, states, {**held, **values})
        return cls(synapse, {**held, **values}, states, *known)

    @property
    def rows(self) -> int:
        return max(len(value) for value in self.values.values())

    def start(self) -> NDArray[np.float64]:
        """Return the states at time 0, and 1."""
        starts = [self.values.get(f"{name}_0", np.zeros(1)) for name in self.states]
        return np.stack(np.broadcast_arrays(*starts, np.ones(self.rows)), axis=-1)

    def generator(self) -> NDArray[np.float64]:
        """Return the matrices of ``d(x, 1)/dt = generator @ (x, 1)``, by values at unit vectors."""
        n = len(self.states)
        matrix = np.zeros((self.rows, n + 1, n + 1))
        slopes = [one.expression for one in self.synapse.declared if one.kind == "state"]
        for column in (n, *range(n)):
            unit = {name: np.array([float(k == column)]) for k, name in enumerate(self.states)}
            names = _with_inner(self.synapse, {**self.values, **unit})
            for row, slope in enumerate(slopes):
                matrix[:, row, column] = evaluate(slope, names)
        matrix[:, :n, :n] -= matrix[:, :n, n:]
        return matrix

    def spike(self, rows: NDArray[np.int64], before: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return states, 1 and what is released after a spike of some synapses."""
        n = len(self.states)
        names = {name: v if len(v) == 1 else v[rows] for name, v in self.values.items()}
        names |= {name: before[:, k] for k, name in enumerate(self.states)}
        for name, sign, text in self.statements:
            names[name] = _assigned(self.synapse, names, name, sign, text)
        after = before.copy()
        for k, name in enumerate(self.states):
            after[:, k] = names[name]
        for k, name in enumerate(self.released):
            after[:, n + 1 + k] = names[name]
        return after


_OPERATORS: Mapping[str, Callable[..., NDArray[np.float64]]] = {
    "+": np.add, "-": np.subtract, "*": np.multiply, "/": np.divide,
}  # fmt: skip


def _assigned(
    synapse: Synapse, names: Mapping[str, NDArray[np.float64]], name: str, sign: str, text: str
) -> NDArray[np.float64]:
    value = evaluate(text, _with_inner(synapse, names))
    with np.errstate(all="ignore"):
        return _OPERATORS[sign](names[name], value) if sign else value


def _with_inner(
    synapse: Synapse, names: Mapping[str, NDArray[np.float64]]
) -> dict[str, NDArray[np.float64]]:
    """Return names with the values of the synapse's subexpressions."""
    found = dict(names)
    for name, text in _inner(synapse):
        found[name] = evaluate(text, found)
    return found


def _inner(synapse: Synapse) -> Iterator[tuple[str, str]]:
    """Give the subexpressions of a synapse, each after those that it uses."""
    left = {one.name: one.expression for one in synapse.declared if one.kind == "subexpression"}
    while left:
        for name, text in list(left.items()):
            if not dimensions.names(text) & left.keys():
                yield name, left.pop(name)


def _known_statements(
    synapse: Synapse, states: tuple[str, ...], values: Values
) -> tuple[tuple[tuple[str, str, str], ...], tuple[str, ...]]:
    """Return the statements that follow from the synapse alone, and what they release.

    Raises
    ------
    UnknownReplay
        When a state of the synapse takes part in others.
    """
    names = {**values, **dict.fromkeys(states, np.ones(1))}
    _check_equations(synapse, names)
    moving = {*states}
    for name, text in _inner(synapse):
        moving |= {name} if dimensions.names(text) & moving else set()
    found: list[tuple[str, str, str]] = []
    released: dict[str, None] = {}
    for line in declarations.statements(synapse.on_pre):
        name, sign, text = declarations.parts(line)
        if name.endswith("_post"):
            continue
        try:
            names[name] = _assigned(synapse, names, name, sign, text)
        except (ConfigError, KeyError):  # it reads the target, the time, or draws
            if name in states:
                raise UnknownReplay(
                    f"{name} changes by more than presynaptic spikes: {line}"
                ) from None
            names.pop(name, None)
            released.pop(name, None)
            continue
        found.append((name, sign, text))
        if (dimensions.names(text) | ({name} if sign else set())) & moving:
            moving.add(name)
            if name not in states:
                released[name] = None
    return tuple(found), tuple(released)


def _check_equations(synapse: Synapse, names: Values) -> None:
    for one in synapse.declared:
        try:
            evaluate(one.expression, _with_inner(synapse, names))
        except ConfigError:
            raise UnknownReplay(
                f"{one.left} = {one.expression}: not the same at all times"
            ) from None
