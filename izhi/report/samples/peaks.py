"""Where spikes are drawn to: the threshold of the reset."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from izhi.errors import ConfigError
from izhi.models import located
from izhi.models.circuit import Population
from izhi.models.evaluate import evaluate
from izhi.report.samples.recorded import Recorded


def peaks(
    recorded: Recorded, population: Population, cells: NDArray[np.int64], name: str
) -> NDArray[np.float64]:
    """Return the value of a state at which cells are reset.

    Parameters
    ----------
    recorded
        The points.
    population
        The cells' population.
    cells
        The first cells of it, by their numbers in the circuit.
    name
        The state, such as ``"v"``.

    Returns
    -------
    ndarray
        SI values, shape (points, cells); NaN for cells that another condition resets. Of a
        threshold that moves with other states, the mean over time.
    """
    neuron, shape = population.neuron, (recorded.points.size, cells.size)
    parts = located.crossed(neuron.threshold, neuron.states)
    if parts is None or parts[0] != name:
        return np.full(shape, np.nan)
    values: dict[str, NDArray[np.float64]] = {
        constant: np.array(value) for constant, value, _ in neuron.constants
    }
    for parameter in neuron.held:
        given = recorded.parameters[f"{population.name}.{parameter}"]
        values[parameter] = given.reshape(len(given), -1, 1)[:, : cells.size]
    states = (state for state in neuron.states if state != name)
    values |= {state: recorded.traces[state][:, cells] for state in states}
    try:
        level = evaluate(parts[1], values)
    except ConfigError:  # it names what is neither
        return np.full(shape, np.nan)
    with np.errstate(over="ignore", invalid="ignore"):
        mean = np.broadcast_to(level, np.broadcast_shapes(level.shape, (*shape, 1))).mean(axis=-1)
    return np.asarray(mean)
