"""A synapse in continuous time: its state, solved from spike to spike, and what a spike does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from izhi.accuracy import expressions
from izhi.accuracy.cell import Values, number
from izhi.accuracy.expressions import Reader, Statement
from izhi.errors import ConfigError
from izhi.models import assembly
from izhi.models.circuit import Circuit, Projection


@dataclass(frozen=True)
class Synapse:
    """A synapse of a projection at a point.

    Attributes
    ----------
    start
        Its state at time 0.
    generator
        Of ``d(x, 1)/dt = generator @ (x, 1)``: its equations are linear.
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


def of(
    circuit: Circuit, projection: Projection, target: Sequence[str], values: Values, k: int = 0
) -> Synapse:
    """Return a synapse of a projection.

    Parameters
    ----------
    circuit, projection
        Where it is.
    target
        Names of the state variables of the cell that it reaches.
    values
        Those of the point.
    k
        Its number in the projection.

    Raises
    ------
    ConfigError
        For equations that are not the same at all times.
    """
    synapse, owner = projection.synapse, projection.name
    called = assembly.synapse_names(circuit, projection)
    declared = [assembly.as_called(one, owner, called) for one in synapse.declared]
    evolving = [one for one in synapse.declared if one.kind == "state"]
    states = [called[owner, one.name] for one in evolving]
    names = {
        called[projection.name, name]: expressions.constant(value)
        for name, value, _ in synapse.constants
    }
    for name, _ in synapse.parameters:
        value = number(values[f"{owner}.{name}"], k)
        names[called[owner, name]] = expressions.constant(value)
    at = {name: n for n, name in enumerate([*states, *(f"{name}_post" for name in target)])}
    names |= {name: expressions.element(n) for name, n in at.items()}
    inner = {one.name: one.expression for one in declared if one.kind == "subexpression"}
    expressions.add(names, inner, None)
    slopes = [Reader(names).read(one.expression) for one in declared if one.kind == "state"]
    for slope, one in zip(slopes, evolving, strict=True):
        if slope.moves:
            raise ConfigError(
                f"{owner}: {one.left} names the time; the exact solution between spikes is known "
                "for equations that do not"
            )
    starts = [values.get(f"{owner}.{one.name}_0", 0.0) for one in evolving]
    return Synapse(
        tuple(number(start, k) for start in starts),
        _generator([slope.at for slope in slopes]),
        tuple(expressions.statements(assembly.on_pre(circuit, projection), names, at)),
        number(values[f"{owner}.delay"], k) if projection.delayed else 0.0,
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
