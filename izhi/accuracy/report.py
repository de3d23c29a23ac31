"""What runs beside exact spike times amount to: errors by method and time step, the step needed."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

_LEAST_ORDER, _MOST_ORDER = 0.5, 6.0


def summary(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the errors of all trains together, by method and time step.

    Parameters
    ----------
    frame
        What :func:`izhi.accuracy.converge.converge` returned.

    Returns
    -------
    DataFrame
        Per method and time step (largest first): how many `trains`; how many have another number
        of spikes (`differ`), and how many spikes more or less in all (`spikes`) of how many
        (`exact`); how many part before they end (`parted`); median and largest error of spike
        times in seconds, and of intervals relative to them; and the observed `order`, the power
        of the time step with which the median error of intervals falls from the step before.
    """
    import pandas as pd

    rows = []
    for (method, dt), group in frame.groupby(level=["method", "dt"], sort=False):
        differ = (group["spikes"] - group["exact"]).abs()
        interval = group["interval_error"].abs()
        rows.append(
            {"method": method, "dt": dt, "trains": len(group), "differ": int((differ > 0).sum()),
             "spikes": int(differ.sum()), "exact": int(group["exact"].sum()),
             "parted": int(parted(group).sum()),
             "time_median": group["time_error"].median(), "time_worst": group["time_error"].max(),
             "interval_median": interval.median(), "interval_worst": interval.max()}
        )  # fmt: skip
    found = pd.DataFrame(rows).sort_values(["method", "dt"], ascending=[True, False])
    before = found.groupby("method")["interval_median"].shift()
    halved = found.groupby("method")["dt"].shift() / found["dt"]
    with np.errstate(all="ignore"):
        found["order"] = np.log(before / found["interval_median"]) / np.log(halved)
    return found.set_index(["method", "dt"])


def parted(frame: pd.DataFrame) -> pd.Series[bool]:
    """Return which trains part from the exact ones before the shorter of both ends."""
    return frame["matched"] < frame[["spikes", "exact"]].min(axis=1)


def step_needed(frame: pd.DataFrame, method: str, accuracy: float) -> tuple[float, bool]:
    """Return the time step with which the intervals of all trains are as exact as wanted.

    Trains that part from the exact ones even in the smallest steps are left aside.

    Parameters
    ----------
    frame
        What :func:`izhi.accuracy.converge.converge` returned.
    method
        The integration method.
    accuracy
        The relative error that is wanted.

    Returns
    -------
    float
        Seconds; nan where no train has intervals. Not more than the largest step that was run.
    bool
        Whether it is smaller than all that were run, and follows from how the errors fell.
    """
    own = frame[frame.index.get_level_values("method") == method]
    errors = own["interval_error"].abs().unstack("dt").sort_index(axis=1, ascending=False)
    parts = parted(own).unstack("dt").sort_index(axis=1, ascending=False)
    steps = errors.columns.to_numpy(float)
    worst = errors[~parts.iloc[:, -1].to_numpy(bool)].max().to_numpy(float)
    if not np.isfinite(worst).all():
        return math.nan, False
    late = np.flatnonzero(worst > accuracy)
    if not late.size:
        return float(steps[0]), False
    k = int(late[-1])  # the smallest step that is too large
    beyond = k == steps.size - 1
    left, right = (0, k) if beyond else (k, k + 1)
    with np.errstate(divide="ignore"):
        order = np.log(worst[left] / worst[right]) / np.log(steps[left] / steps[right])
    order = float(np.clip(order, _LEAST_ORDER, _MOST_ORDER))
    return float(steps[k] * (accuracy / worst[k]) ** (1 / order)), beyond


def text(frame: pd.DataFrame, accuracy: float) -> str:
    """Return what a terminal shows: the summary with aligned columns, then the conclusions."""
    rows = _rows(frame)
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    table = []
    for method, *cells in rows:
        others = (cell.rjust(width) for cell, width in zip(cells, widths[1:], strict=True))
        table.append("  ".join([method.ljust(widths[0]), *others]))
    return "\n".join([*table, "", *conclusions(frame, accuracy)])


def _rows(frame: pd.DataFrame) -> list[list[str]]:
    """Return the summary as rows of text, a head first."""
    head = ["method", "dt/ms", "trains", "other count", "spikes off", "parted",
            "time/ms: median", "worst", "interval/%: median", "worst", "order"]  # fmt: skip
    rows = [head]
    for row in summary(frame).reset_index().to_dict("records"):
        rows.append(
            [str(row["method"]), f"{row['dt'] * 1e3:.5g}", str(row["trains"]), str(row["differ"]),
             f"{row['spikes']} of {row['exact']:,}", str(row["parted"]),
             *(_number(row[name] * 1e3) for name in ("time_median", "time_worst")),
             *(_number(row[name] * 100) for name in ("interval_median", "interval_worst")),
             _number(row["order"], 2)]
        )  # fmt: skip
    return rows


def conclusions(frame: pd.DataFrame, accuracy: float) -> list[str]:
    """Return, method by method, the time step that is needed and by which train, in words."""
    found = []
    for method in frame.index.get_level_values("method").unique():
        dt, beyond = step_needed(frame, method, accuracy)
        if math.isnan(dt):
            found.append(f"{method}: no train has intervals enough to say what step is needed")
        else:
            found.append(
                f"{method}: intervals to {accuracy * 100:g} % need dt = {dt * 1e3:.2g} ms"
                f"{', by extrapolation' * beyond}; hardest: {_hardest(frame, method)}"
            )
    return found


def _hardest(frame: pd.DataFrame, method: str) -> str:
    """Return which train has the largest error of intervals in the smallest steps."""
    own = frame[frame.index.get_level_values("method") == method]
    finest = own[own.index.get_level_values("dt") == own.index.get_level_values("dt").min()]
    labels = finest.index[int(finest["interval_error"].abs().reset_index(drop=True).idxmax())]
    units = frame.attrs.get("units", {})
    named = list(zip(frame.index.names, labels, strict=True))[1:-1]
    return ", ".join(f"{name} {value} {units.get(name, '')}".strip() for name, value in named)


def _number(value: Any, digits: int = 3) -> str:
    return "-" if not np.isfinite(value) else f"{value:.{digits}g}"
