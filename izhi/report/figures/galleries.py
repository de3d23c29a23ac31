"""Many small traces beside each other: the neuron types, the 20 patterns of Izhikevich (2004)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from izhi.config.sweep import Sweep
from izhi.errors import StudyError
from izhi.models.cell import INPUT
from izhi.report import colours
from izhi.report.figures import cells, places, scales, style
from izhi.report.figures.recorded import Recorded
from izhi.study.study import Study

PATTERNS = (
    "tonic_spiking", "phasic_spiking", "tonic_bursting", "phasic_bursting", "mixed_mode",
    "spike_frequency_adaptation", "class_1_excitable", "class_2_excitable", "spike_latency",
    "subthreshold_oscillations", "resonator", "integrator", "rebound_spike", "rebound_burst",
    "threshold_variability", "bistability", "depolarizing_afterpotential", "accommodation",
    "inhibition_induced_spiking", "inhibition_induced_bursting",
)  # fmt: skip
"""In the order of the letters of the paper of 2004, A to T."""

PRESETS = (
    "regular_spiking", "intrinsically_bursting", "chattering", "fast_spiking", "thalamo_cortical",
    "resonator", "low_threshold_spiking",
)  # fmt: skip
"""In the order of Fig. 2 of the paper of 2003."""

_MOST = 40
_MAGNIFIED, _TIMES, _AFTER = "subthreshold_oscillations", 20, 0.055
"""What the paper magnifies, how much, and from what second on."""


@style.styled
def gallery(
    what: Study | Sweep, *, cell: str | None = None, width: float = 2, **labels: Any
) -> Figure:
    """Draw traces for all values of one axis, each above its input and with a bar for the time.

    Patterns and neuron types come in the order of their papers, patterns with their letters.

    Parameters
    ----------
    what
        A study or a sweep, see :func:`izhi.report.figures.trace`.
    cell
        The cell's label; by default the first cell.
    width
        In columns: 1, 1.5 or 2.
    **labels
        Labels on the axes, one on each but one.

    Returns
    -------
    matplotlib.figure.Figure
        Two axes for each value, potential and input.

    Raises
    ------
    StudyError
        When something does not exist, or an axis is left over.
    ConfigError
        For another width, and what cannot be run.
    """
    sweep = places.sweep_of(what)
    chosen = places.of(sweep, labels)
    axis = next(places.open_axes(sweep, chosen), None)
    places.unspread(sweep, chosen, axis)
    total = math.prod(at.size for at in chosen)
    if total > _MOST:
        raise StudyError(
            f"{axis}: {total} traces do not fit into one figure; give at most {_MOST} values, "
            f"as in {axis}={','.join(str(label) for label in _axis(sweep, axis).labels[:2])}"
        )
    columns = min(total, {1.0: 2, 1.5: 3}.get(width, 4))
    rows = -(-total // columns)
    figure = style.picture(width, 4 + 21 * rows)
    shown = cells.of(what, chosen, cell)
    if axis is not None and _axis(sweep, axis).values is None:
        order = PATTERNS if axis == "pattern" else PRESETS
        shown.sort(key=lambda one: _rank(one.labels[axis], order))
    _fill(figure, shown, axis, rows, columns)
    return figure


def _axis(sweep: Sweep, name: str | None) -> Any:
    return next(axis for axis in sweep.axes if axis.name == name)


def _rank(kind: str, order: Sequence[str]) -> tuple[int, str]:
    return (order.index(kind) if kind in order else len(order), kind)


def _fill(
    figure: Figure, shown: list[Recorded], axis: str | None, rows: int, columns: int
) -> None:  # fmt: skip
    figure.set_layout_engine("none")
    height = 25.4 * figure.get_figheight()
    top, bottom = 1 - 5 / height, 1 / height
    grid = figure.add_gridspec(
        rows, columns, hspace=0.3, wspace=0.1, left=0.01, right=0.99, top=top, bottom=bottom
    )
    low, high = _range(shown)
    for number, one in enumerate(shown):
        cell = grid[divmod(number, columns)].subgridspec(2, 1, height_ratios=[3, 1], hspace=0.05)
        upper, lower = figure.add_subplot(cell[0]), figure.add_subplot(cell[1])
        _draw(upper, lower, one)
        upper.set_ylim(low, high)
        upper.set_title(_title(one, axis), fontsize=style.SMALL, pad=2)


def _range(shown: list[Recorded]) -> tuple[float, float]:
    """Return from where to where potentials go, of all traces."""
    values = np.concatenate([scales.of(s.dimension(s.potential))[0] * s.with_peaks()[1]
                             for s in shown])  # fmt: skip
    low, high = float(values.min()), float(values.max())
    room = 0.03 * (high - low) or 1.0
    return low - room, high + room


def _title(one: Recorded, axis: str | None) -> str:
    if axis is None or one.labels[axis] == one.kind:
        letter = f"({chr(ord('A') + PATTERNS.index(one.kind))}) " if axis == "pattern" and (
            one.kind in PATTERNS) else ""  # fmt: skip
        return letter + scales.words(one.kind)
    return f"{axis} = {scales.words(one.labels[axis])}"


def _draw(upper: Axes, lower: Axes, one: Recorded) -> None:
    potential = scales.of(one.dimension(one.potential))[0]
    t, v = one.with_peaks()
    t, v = 1e3 * t, potential * v
    current = scales.of(one.dimension(INPUT))[0] * one.input
    upper.plot(t, v, color=colours.POTENTIAL, linewidth=0.6)
    lower.plot(1e3 * one.time, current, color=colours.STIMULUS, drawstyle="steps-post")
    spread = float(np.ptp(current)) or abs(float(current.max())) or 1.0
    below = float(current.min()) - 1.2 * spread
    lower.set_ylim(below - 0.5 * spread, current.max() + 0.15 * spread)
    end = 1e3 * one.duration
    bar = _bar(end)
    lower.plot([end - bar, end], [below, below], color="black", linewidth=1.5)
    lower.text(end - bar, below, f"{bar:g} ms ", ha="right", va="center", fontsize=6)
    for axes in (upper, lower):
        axes.set_xlim(0, end)
        axes.axis("off")
    if one.kind == _MAGNIFIED:
        _magnify(upper, t, v)


def _bar(end: float) -> float:
    """Return a round number of milliseconds, a fifth of the end or less: the paper's 20, or so."""
    most = end / 5
    power = 10.0 ** math.floor(math.log10(most))
    return max(n * power for n in (1, 2, 5) if n * power <= most)


def _magnify(axes: Axes, t: NDArray[np.float64], v: NDArray[np.float64]) -> None:
    """Draw what comes after the spike once more, as the paper does."""
    late = t > 1e3 * _AFTER
    if not late.any():
        return
    above = -10 + _TIMES * (v[late] - v[late].mean())
    axes.plot(t[late], above, color=colours.BLUE, linewidth=0.6)
    axes.text(t[-1], 15, f"× {_TIMES}", ha="right", va="bottom", fontsize=6, color=colours.BLUE)
