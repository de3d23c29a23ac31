"""Stimuli: what drives a cell from outside, as a term of its current."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

PARAMETERS = ("amplitude", "baseline", "onset_step", "offset_step")
"""Per-cell parameters of the step; the last two are whole numbers of time steps."""

LAST_STEP = 2**31 - 1


def terms() -> list[str]:
    """Return the step as terms: exactly `amplitude` while it is on, exactly `baseline` else."""
    on = "t_in_timesteps >= onset_step and t_in_timesteps < offset_step"
    return [f"amplitude*int({on})", f"baseline*int(not ({on}))"]


def equations(current: str) -> str:
    """Return the declarations that :func:`terms` needs, for a current in `current`."""
    return f"""
        amplitude : {current} (constant)
        baseline : {current} (constant)
        onset_step : integer (constant)
        offset_step : integer (constant)
        """


def changes(parameters: Mapping[str, NDArray[Any]], steps: int) -> NDArray[np.bool_]:
    """Return the time steps at which a stimulus may differ from the step before.

    Parameters
    ----------
    parameters
        Values of the points, by owner and name: ``"pre.onset_step"``.
    steps
        Number of time steps.

    Returns
    -------
    ndarray
        One truth value for each time step; the first is True.
    """
    result = np.zeros(steps, np.bool_)
    result[:1] = True
    for name, values in parameters.items():
        if name.endswith((".onset_step", ".offset_step")):
            result[values[(values >= 0) & (values < steps)]] = True
    return result


def first_step(time: NDArray[np.float64], dt: float) -> NDArray[np.int32]:
    """Return the first time step that starts at or after `time`.

    Parameters
    ----------
    time
        Seconds, any shape; inf for never.
    dt
        The time step in seconds.

    Returns
    -------
    ndarray
        Step numbers, same shape. A time that lies on the grid up to rounding is on the grid.
    """
    return np.asarray(np.minimum(np.ceil(time / dt - 1e-3), LAST_STEP), np.int32)
