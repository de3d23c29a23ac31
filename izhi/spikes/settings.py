"""By which windows and limits the statistics of a study are computed."""

from __future__ import annotations

import math
from dataclasses import dataclass

from izhi.spikes import burst, intervals, log_isi, regimes
from izhi.spikes import surprise as surprises

DETECTORS = ("interval", "max_interval", "log_isi", "poisson_surprise")
"""Ways to find bursts."""


@dataclass(frozen=True)
class Settings:
    """What is computed of each train, and by which limits; times in seconds.

    Attributes
    ----------
    measures
        Names of `izhi.spikes.STATISTICS`.
    start, stop
        The analysis window; an infinite stop is the end of the recording.
    transient
        How long after the onset of the stimulus the steady state begins.
    refractory
        See `izhi.spikes.lvr`.
    detector
        How bursts are found, one of `DETECTORS`.
    max_interval, min_spikes
        See `izhi.spikes.bursts`; the regime takes them as well.
    begin_interval, end_interval, min_gap, min_duration
        See `izhi.spikes.max_interval_bursts`.
    void, core_interval, longest_interval
        See `izhi.spikes.log_isi_bursts`.
    surprise
        See `izhi.spikes.poisson_surprise_bursts`.
    separation, slowing, irregularity
        See `izhi.spikes.regime`.
    """

    measures: tuple[str, ...]
    start: float = 0.0
    stop: float = math.inf
    transient: float = 0.2
    refractory: float = intervals.REFRACTORY
    detector: str = "interval"
    max_interval: float = burst.MAX_INTERVAL
    min_spikes: int = burst.MIN_SPIKES
    begin_interval: float = burst.MAX_INTERVAL
    end_interval: float = burst.MAX_INTERVAL
    min_gap: float = 2 * burst.MAX_INTERVAL
    min_duration: float = 0.0
    void: float = log_isi.VOID
    core_interval: float = log_isi.CORE_INTERVAL
    longest_interval: float = log_isi.LONGEST_INTERVAL
    surprise: float = surprises.SURPRISE
    separation: float = regimes.SEPARATION
    slowing: float = regimes.SLOWING
    irregularity: float = regimes.IRREGULARITY

    @property
    def everything(self) -> bool:
        """Whether the analysis window is the whole recording."""
        return self.start == 0 and self.stop == math.inf
