"""What one spike of a synapse transmits: the time integral of the current that it gives.

Where the target's equations are linear in what the target feels, and name nothing else that
changes, the current after a spike is c exp(A t) b: A are the equations, b what the spike adds, c
what of it enters the cell. Its integral over all time is -c A⁻¹ b.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from izhi.errors import ConfigError
from izhi.models import declarations, dimensions
from izhi.models.declarations import Declaration
from izhi.models.evaluate import evaluate
from izhi.models.synapse import RELEASED, Synapse

Numbers = NDArray[np.float64]

_POST = "_post"


def transmitted(synapse: Synapse, values: Mapping[str, Any]) -> Numbers:
    """Return the integral of the current that a spike gives which releases all there is.

    Parameters
    ----------
    synapse
        The synapse.
    values
        SI values of its parameters and constants, arrays that broadcast.

    Returns
    -------
    ndarray
        In SI units, of the shape that the values broadcast to. NaN where it does not follow from
        the parameters: the current depends on the target's membrane potential or on the time, is
        not proportional to what was released, or does not decay; where a spike sets what the target
        feels instead of adding to it; and where there is no current.
    """
    shape = np.broadcast_shapes(*(np.shape(value) for value in values.values()))
    if synapse.exponential:
        return np.broadcast_to(values["weight"] * values["tau_s"], shape)
    if not synapse.current or not _follows(synapse):
        return np.full(shape, np.nan)
    try:
        with np.errstate(all="ignore"):
            return _integral(synapse, values, shape)
    except ConfigError:  # a function that has no value before a run
        return np.full(shape, np.nan)


def _follows(synapse: Synapse) -> bool:
    """Whether what a spike gives is linear in the felt states, and they in each other."""
    inner = {one.name: one.expression for one in synapse.target if one.kind == "subexpression"}
    linear = [one.expression for one in synapse.target if one.kind == "state"] + [synapse.current]
    fixed = {name for name, _ in (*synapse.parameters, *synapse.target_parameters)}
    fixed |= {name for name, _, _ in synapse.constants}
    named = set[str]().union(*map(dimensions.names, [*linear, *inner.values()]))
    return named - fixed - inner.keys() <= set(synapse.felt) and all(
        declarations.degree(text, set(synapse.felt), inner) <= 1 for text in linear
    )


def _integral(synapse: Synapse, values: Mapping[str, Any], shape: tuple[int, ...]) -> Numbers:
    n = len(synapse.felt)
    states = [one.expression for one in synapse.target if one.kind == "state"]
    none, *each = (
        [np.broadcast_to(value, shape) for value in _at(synapse, values, at, states)]
        for at in np.vstack([np.zeros(n), np.eye(n)])
    )
    matrix = np.stack([np.stack(column, -1) for column in each], -1)  # [..., row, column]
    entering, slopes = matrix[..., n, :], matrix[..., :n, :]
    added, half = (_added(synapse, values, release, shape) for release in (1.0, 0.5))
    result = -np.sum(entering * _solved(slopes, added), axis=-1)
    whole = np.stack(none, -1) == 0  # nothing without a spike
    sound = np.all(whole, axis=-1) & _decays(slopes)
    if synapse.releases:
        sound &= np.all(np.abs(added - 2 * half) <= 1e-9 * np.abs(added), axis=-1)
    return np.where(sound, result, np.nan)


def _at(
    synapse: Synapse, values: Mapping[str, Any], state: Numbers, expressions: list[str]
) -> list[Numbers]:
    """Return how fast the felt states change where they are `state`, and the current there."""
    scope = _resolved(synapse.target, {**values, **dict(zip(synapse.felt, state, strict=True))})
    return [evaluate(text, scope) for text in (*expressions, synapse.current)]


def _resolved(declared: Sequence[Declaration], values: Mapping[str, Any]) -> dict[str, Any]:
    """Return values with those of the subexpressions that follow from them."""
    scope = dict(values)
    left = [one for one in declared if one.kind == "subexpression"]
    while ready := [one for one in left if dimensions.names(one.expression) <= scope.keys()]:
        scope |= {one.name: evaluate(one.expression, scope) for one in ready}
        left = [one for one in left if one not in ready]
    return scope


def _added(
    synapse: Synapse, values: Mapping[str, Any], release: float, shape: tuple[int, ...]
) -> Numbers:
    """Return what a spike adds to the felt states; NaN where it does anything else to them."""
    scope = _resolved(synapse.declared, values)
    if synapse.releases:
        scope[RELEASED] = release
    added = dict.fromkeys(synapse.felt, np.zeros(shape))
    for name, operator, term in synapse.transmitting:
        value = evaluate(term, scope)
        state = name.removesuffix(_POST)
        if not name.endswith(_POST):
            before = scope.get(name, np.nan)
            scope[name] = value if not operator else evaluate(
                f"before {operator} value", {"before": before, "value": value}
            )  # fmt: skip
        elif state in added:
            sign = {"+": 1.0, "-": -1.0}.get(operator, np.nan)
            added[state] = added[state] + sign * value
    return np.stack([np.broadcast_to(added[name], shape) for name in synapse.felt], axis=-1)


def _decays(slopes: Numbers) -> NDArray[np.bool_]:
    """Return whether all that is felt fades away."""
    finite = np.asarray(np.isfinite(slopes).all(axis=(-2, -1)))
    checked = np.where(finite[..., None, None], slopes, 0.0)
    fades: NDArray[np.bool_] = np.all(np.linalg.eigvals(checked).real < 0, axis=-1)
    return fades & finite


def _solved(matrix: Numbers, right: Numbers) -> Numbers:
    """Return x of ``matrix x = right`` by Gauss's elimination, the same bits on every machine."""
    a, b = matrix.copy(), right.copy()
    n = b.shape[-1]
    for k in range(n):
        pivot = np.argmax(np.abs(a[..., k:, k]), axis=-1)[..., None] + k
        rows = np.arange(n)
        order = np.where(rows == k, pivot, np.where(rows == pivot, k, rows))
        a = np.take_along_axis(a, order[..., None], axis=-2)
        b = np.take_along_axis(b, order, axis=-1)
        factor = a[..., k + 1 :, k] / a[..., k, k][..., None]
        a[..., k + 1 :, :] -= factor[..., None] * a[..., k, None, :]
        b[..., k + 1 :] -= factor * b[..., k, None]
    for k in range(n - 1, -1, -1):
        known = np.sum(a[..., k, k + 1 :] * b[..., k + 1 :], axis=-1)
        b[..., k] = (b[..., k] - known) / a[..., k, k]
    return b
