"""A synapse in continuous time: its state, solved from spike to spike, and what a spike does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from izhi.accuracy import expressions
from izhi.accuracy.cell import Values
from izhi.accuracy.expressions import Reader, Statement
from izhi.errors import ConfigError
from izhi.models import assembly
from izhi.models.circuit import Circuit, Projection


@dataclass(frozen=True)
class Synapse:
    """The synapses of a projection at a point.

    Attributes
    ----------
    start
        Their state at time 0.
    generator
        Of ``d(x, 1)/dt = generator @ (x, 1)``: their equations are linear.
    on_pre
        What a spike does; the target's state lies behind that of the synapse.
    delay
        From a spike to its effect, in seconds.
    """

    start: tuple[float, ...]
    generator: NDArray[np.float64]
    on_pre: tuple[Statement, ...]
    delay: float

    def later(self, state: Sequence[float], seconds: float) -> list[float]:
        """Return a state after a time without spikes."""
        from scipy.linalg import expm

        if not state:
            return []
        now = np.append(state, 1.0)
        after: list[float] = (expm(self.generator * seconds) @ now)[:-1].tolist()
        return after


def of(circuit: Circuit, projection: Projection, target: Sequence[str], values: Values) -> Synapse:
    """Return the synapses of a projection.

    Parameters
    ----------
    circuit, projection
        Where they are.
    target
        Names of the state variables of the cell that they reach.
    values
        Those of the point.

    Raises
    ------
    ConfigError
        For equations that are not the same at all times.
    """
    synapse, owner = projection.synapse, projection.name
    states = [one.name for one in synapse.declared if one.kind == "state"]
    posts = [f"{name}_post" for name in target]
    names = {name: expressions.constant(value) for name, value, _ in synapse.constants}
    names |= {n: expressions.constant(values[f"{owner}.{n}"]) for n, _ in synapse.parameters}
    at = {name: k for k, name in enumerate([*states, *posts])}
    names |= {name: expressions.element(k) for name, k in at.items()}
    inner = {one.name: one.expression for one in synapse.declared if one.kind == "subexpression"}
    expressions.add(names, inner, None)
    slopes = {one.name: Reader(names).read(one.expression)
              for one in synapse.declared if one.kind == "state"}  # fmt: skip
    for name, slope in slopes.items():
        if slope.moves:
            raise ConfigError(
                f"{owner}: d{name}/dt: names the time; the exact solution between spikes is known "
                "for equations that do not"
            )
    on_pre = expressions.statements(assembly.on_pre(circuit, projection), names, at)
    return Synapse(
        tuple(values.get(f"{owner}.{name}_0", 0.0) for name in states),
        _generator([slope.at for slope in slopes.values()]),
        tuple(on_pre),
        values[f"{owner}.delay"] if projection.delayed else 0.0,
    )


def _generator(slopes: Sequence[expressions.Function]) -> NDArray[np.float64]:
    """Return the matrix of linear equations, from their values at 0 and at unit vectors."""
    n = len(slopes)
    matrix = np.zeros((n + 1, n + 1))
    for row, slope in enumerate(slopes):
        matrix[row, n] = slope(0.0, [0.0] * n)
        for column in range(n):
            unit = [float(k == column) for k in range(n)]
            matrix[row, column] = slope(0.0, unit) - matrix[row, n]
    return matrix
