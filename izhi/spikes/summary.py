"""The statistics that are kept of a study: what each of them is, and all of them at once."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from izhi.spikes import burst, intervals, rates, synapses
from izhi.spikes.recorded import Cells, Synapses
from izhi.spikes.regimes import REGIMES
from izhi.spikes.settings import Settings
from izhi.spikes.trains import Trains, per_train

_BLOCK = 1 << 17
"""Spikes that are looked at a time: what is made of them stays in the processor's cache."""


@dataclass(frozen=True)
class Statistic:
    """What a statistic is.

    Attributes
    ----------
    units
        The unit it is given in; "charge" for that of a current times seconds.
    long_name
        Its name in words.
    comment
        Its definition, with when it is NaN.
    per
        What has one: a ``"cell"``, or a ``"projection"`` from each of its presynaptic cells.
    compute
        Returns it for each of some `Cells` or of some `Synapses`.
    dtype
        The type of its values.
    words
        What the values stand for, from 0 on; empty where they are numbers.
    """

    units: str
    long_name: str
    comment: str
    per: str
    compute: Callable[[Any], NDArray[Any]]
    dtype: np.dtype[Any]
    words: tuple[str, ...] = ()


_INT: np.dtype[Any] = np.dtype(np.int32)
_REAL: np.dtype[Any] = np.dtype(np.float64)


def _cell(
    units: str, name: str, comment: str, compute: Callable[[Cells], NDArray[Any]],
    dtype: np.dtype[Any] = _REAL, words: tuple[str, ...] = (),
) -> Statistic:  # fmt: skip
    return Statistic(units, name, comment, "cell", compute, dtype, words)


def _synapse(
    units: str, name: str, comment: str, compute: Callable[[Synapses], NDArray[Any]]
) -> Statistic:
    return Statistic(units, name, comment, "projection", compute, _REAL)


_FEW = "NaN with fewer than three spikes, or three at one time."
_WHOLE = (
    "over the bursts that neither the window nor the end of the recording has cut; NaN where there "
    "is none."
)

STATISTICS: Mapping[str, Statistic] = MappingProxyType(
    {
        "spike_count": _cell(
            "1", "number of spikes", "Spikes in the analysis window; never NaN.",
            lambda c: rates.spike_count(c.trains), _INT,
        ),
        "firing_rate": _cell(
            "Hz", "mean firing rate",
            "Number of spikes over the length of the analysis window; never NaN.",
            lambda c: rates.firing_rate(c.trains, c.length),
        ),
        "transient_rate": _cell(
            "Hz", "mean firing rate in the transient",
            "Number of spikes over time, from the onset of the stimulus until "
            "statistics.transient after it; NaN where nothing of that is in the analysis window.",
            lambda c: c.transient_rate,
        ),
        "steady_rate": _cell(
            "Hz", "mean firing rate in the steady state",
            "Number of spikes over time, from statistics.transient after the onset of the stimulus "
            "to its offset; NaN where nothing of that is in the analysis window.",
            lambda c: c.steady_rate,
        ),
        "first_spike_latency": _cell(
            "s", "first-spike latency",
            "Time from the onset of the stimulus to the first spike at or after it; NaN where "
            "there is no such spike, where no cell of the circuit receives a stimulus with an "
            "onset, and where the analysis window begins after the onset.",
            lambda c: c.first_spike_latency,
        ),
        "isi_mean": _cell(
            "s", "mean interspike interval",
            "Mean of all interspike intervals; NaN with fewer than two spikes.",
            lambda c: intervals.isi_mean(c.trains),
        ),
        "isi_median": _cell(
            "s", "median interspike interval",
            "Median of all interspike intervals; NaN with fewer than two spikes.",
            lambda c: intervals.isi_median(c.trains),
        ),
        "isi_min": _cell(
            "s", "shortest interspike interval",
            "The shortest interspike interval; NaN with fewer than two spikes.",
            lambda c: intervals.isi_min(c.trains),
        ),
        "isi_cv": _cell(
            "1", "coefficient of variation of the interspike intervals",
            "Standard deviation (ddof 0) of all interspike intervals over their mean, 0 for a "
            "single interval; NaN with fewer than two spikes, or with all spikes at one time.",
            lambda c: intervals.isi_cv(c.trains),
        ),
        "cv2": _cell(
            "1", "local coefficient of variation CV2",
            f"Holt et al. (1996): mean of 2|I'-I|/(I'+I) over successive intervals; {_FEW}",
            lambda c: intervals.cv2(c.trains),
        ),
        "lv": _cell(
            "1", "local variation LV",
            "Shinomoto et al. (2003): mean of 3(I'-I)^2/(I'+I)^2 over successive intervals; "
            + _FEW,
            lambda c: intervals.lv(c.trains),
        ),
        "lvr": _cell(
            "1", "local variation LvR, with refractoriness",
            "Shinomoto et al. (2009): mean of 3(1-4II'/(I+I')^2)(1+4R/(I+I')) over successive "
            f"intervals, R being statistics.refractory; {_FEW}",
            lambda c: intervals.lvr(c.trains, c.settings.refractory),
        ),
        "adaptation_index": _cell(
            "1", "adaptation index",
            f"Mean of (I'-I)/(I'+I) over successive intervals, above 0 where a cell slows; {_FEW}",
            lambda c: intervals.adaptation_index(c.trains),
        ),
        "adaptation_ratio": _cell(
            "1", "adaptation ratio",
            "Last interspike interval over the first; NaN with fewer than three spikes, or the "
            "first two at one time.",
            lambda c: intervals.adaptation_ratio(c.trains),
        ),
        "burst_count": _cell(
            "1", "number of bursts",
            "Bursts in the analysis window, found by statistics.detector; never NaN.",
            lambda c: burst.burst_count(c.bursts), _INT,
        ),
        "burst_rate": _cell(
            "1/min", "burst rate",
            "Number of bursts over the length of the analysis window; never NaN.",
            lambda c: burst.burst_rate(c.bursts, c.length),
        ),
        "spikes_per_burst": _cell(
            "1", "mean number of spikes per burst", f"Mean number of spikes {_WHOLE}",
            lambda c: burst.spikes_per_burst(c.whole_bursts),
        ),
        "burst_duration": _cell(
            "s", "mean duration of bursts",
            f"Mean time from the first spike of a burst to its last, {_WHOLE}",
            lambda c: burst.burst_duration(c.whole_bursts),
        ),
        "intraburst_frequency": _cell(
            "Hz", "mean firing frequency within bursts",
            f"Mean of (number of spikes - 1) / duration {_WHOLE}",
            lambda c: burst.intraburst_frequency(c.whole_bursts),
        ),
        "interburst_interval": _cell(
            "s", "mean interval between bursts",
            "Mean time from the last spike of a burst to the first of the next; NaN with fewer "
            "than two bursts.",
            lambda c: burst.interburst_interval(c.bursts),
        ),
        "burst_share": _cell(
            "1", "share of spikes in bursts",
            "Spikes in bursts over all spikes of the analysis window; NaN with no spikes.",
            lambda c: burst.burst_share(c.bursts),
        ),
        "regime": _cell(
            "1", "firing regime",
            "The first that holds of: silent; single spike; bursting, with intervals within bursts "
            "and between them parted by a factor of statistics.separation; irregular, with LV from "
            "statistics.irregularity on; adapting, with an adaptation ratio from "
            "statistics.slowing on; tonic.",
            lambda c: c.regime, np.dtype(np.int8), REGIMES,
        ),
        "release_mean": _synapse(
            "1", "mean release",
            "Mean over presynaptic spikes of the released fraction of resources, 1 for a static "
            "synapse; the mean over the synapses of a cell where these differ; NaN without a "
            "presynaptic spike, and for synapses with states of their own that are not those of "
            "Tsodyks and Markram.",
            lambda s: synapses.mean_per_train(s.trains, s.release),
        ),
        "paired_pulse_ratio": _synapse(
            "1", "paired-pulse ratio",
            "Release at the second presynaptic spike over that at the first; NaN with fewer than "
            "two presynaptic spikes, or where the first releases nothing.",
            lambda s: synapses.paired_pulse_ratio(s.trains, s.release),
        ),
        "steady_release_ratio": _synapse(
            "1", "steady-state release over the first",
            "Mean release at the last five presynaptic spikes over that at the first; NaN with "
            "fewer than six presynaptic spikes, or where the first releases nothing.",
            lambda s: synapses.steady_release_ratio(s.trains, s.release),
        ),
        "transmitted_charge": _synapse(
            "charge", "transmitted charge",
            "Time integral of the synaptic current that all presynaptic spikes give to a "
            "postsynaptic cell: the sum of releases times the integral of the current of a full "
            "release, weight times tau_s where it decays exponentially; the mean over the synapses "
            "of a cell where these differ. NaN where it does not follow from the parameters: where "
            "the current depends on the membrane potential (conductance), where there is none "
            "(delta), and where the release is not known.",
            lambda s: s.transmitted_charge,
        ),
        "transfer_ratio": _synapse(
            "1", "rate transfer from pre to post",
            "Mean firing rate of the postsynaptic cells over that of the presynaptic cell; NaN "
            "without a presynaptic spike.",
            lambda s: s.transfer_ratio,
        ),
    }
)  # fmt: skip
"""What each statistic is, by its name."""


def chosen(settings: Settings, per: str) -> list[str]:
    """Return which statistics are computed per ``"cell"`` or per ``"projection"``."""
    return [name for name in settings.measures if STATISTICS[name].per == per]


def summary_statistics(
    trains: Trains,
    settings: Settings | None = None,
    *,
    duration: ArrayLike,
    onset: ArrayLike = np.nan,
    offset: ArrayLike = np.inf,
) -> dict[str, NDArray[Any]]:
    """Return the statistics of cells for each train.

    Parameters
    ----------
    trains
        The spike trains, from time 0 on.
    settings
        What is computed, in which window and by which limits; by default all statistics of cells.
    duration
        Length of the recording in seconds, for all trains or each.
    onset, offset
        Start and end of the stimulus in seconds, for all trains or each; by default there is none.

    Returns
    -------
    dict
        An array per statistic, of the types of `STATISTICS`.
    """
    settings = settings or Settings(tuple(STATISTICS))
    edges = {
        "duration": rates.positive_duration(trains, duration),
        "onset": per_train(trains, onset, "onset"),
        "offset": per_train(trains, offset, "offset"),
    }
    if not (settings.start < np.minimum(edges["duration"], settings.stop)).all():
        raise ValueError(
            f"the analysis window from {settings.start} s to {settings.stop} s is empty, or begins "
            f"after the recording's end at {edges['duration'].min()} s"
        )
    names = chosen(settings, "cell")
    result = {name: np.empty(len(trains), STATISTICS[name].dtype) for name in names}
    for part, block in trains.blocks(_BLOCK):
        cells = Cells(block, **{k: v[part] for k, v in edges.items()}, settings=settings)
        for name, values in result.items():
            values[part] = STATISTICS[name].compute(cells)
    return result


def synapse_statistics(synapses: Synapses) -> dict[str, NDArray[Any]]:
    """Return the statistics of synapses for each presynaptic train.

    Parameters
    ----------
    synapses
        The presynaptic trains and their synapses; its settings say what is computed.

    Returns
    -------
    dict
        An array per statistic.
    """
    names = chosen(synapses.settings, "projection")
    result = {name: np.empty(len(synapses.recorded)) for name in names}
    each = [
        field.name for field in dataclasses.fields(synapses)
        if isinstance(getattr(synapses, field.name), np.ndarray)
    ]  # fmt: skip
    for part, block in synapses.recorded.blocks(_BLOCK):
        arrays = {name: getattr(synapses, name)[part] for name in each}
        some = dataclasses.replace(synapses, recorded=block, **arrays)
        for name, values in result.items():
            values[part] = STATISTICS[name].compute(some)
    return result
