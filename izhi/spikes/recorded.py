"""Trains as a study records them, with what several statistics take from them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from izhi.spikes import burst, log_isi, rates, regimes, surprise, synapses
from izhi.spikes.burst import Bursts
from izhi.spikes.settings import Settings
from izhi.spikes.trains import ROUNDING, FloatArray, Trains, count_before


@dataclass(frozen=True, eq=False)
class Cells:
    """Spike trains of cells; other attributes have one value per train.

    Attributes
    ----------
    recorded
        The trains, from the beginning of the recording to its end.
    duration
        Length of the recording in seconds.
    onset, offset
        Start and end of the stimulus in seconds; NaN and infinite where there is none.
    settings
        The analysis window, and limits.
    """

    recorded: Trains
    duration: FloatArray
    onset: FloatArray
    offset: FloatArray
    settings: Settings

    @cached_property
    def trains(self) -> Trains:
        """The trains in the analysis window."""
        s = self.settings
        return self.recorded if s.everything else self.recorded.during(s.start, s.stop)

    @cached_property
    def stop(self) -> FloatArray:
        """The end of the analysis window."""
        return np.minimum(self.duration, self.settings.stop)

    @property
    def length(self) -> FloatArray:
        """The length of the analysis window."""
        return self.stop - self.settings.start

    def rate(self, start: FloatArray, stop: FloatArray) -> FloatArray:
        """Return firing rates in a part of the analysis window."""
        start, stop = (np.clip(edge, self.settings.start, self.stop) for edge in (start, stop))
        return rates.firing_rate_during(self.trains, start, stop)

    @property
    def transient_rate(self) -> FloatArray:
        """The firing rate from the onset until the steady state begins."""
        return self.rate(self.onset, np.minimum(self.onset + self.settings.transient, self.offset))

    @property
    def steady_rate(self) -> FloatArray:
        """The firing rate from then on, as long as the stimulus lasts."""
        return self.rate(self.onset + self.settings.transient, self.offset)

    @property
    def first_spike_latency(self) -> FloatArray:
        """The time from the onset to the first spike, where the analysis window has the onset."""
        seen = self.onset >= self.settings.start * (1 - ROUNDING)
        return rates.first_spike_latency(self.trains, np.where(seen, self.onset, np.nan))

    @cached_property
    def bursts(self) -> Bursts:
        """The bursts, by the detector that was chosen."""
        s, trains = self.settings, self.trains
        if s.detector == "interval":
            return burst.bursts(trains, s.max_interval, s.min_spikes)
        if s.detector == "max_interval":
            return burst.max_interval_bursts(
                trains, s.begin_interval, s.end_interval, s.min_gap, s.min_duration, s.min_spikes
            )
        if s.detector == "log_isi":
            return log_isi.log_isi_bursts(
                trains, s.void, s.core_interval, s.longest_interval, s.min_spikes
            )
        return surprise.poisson_surprise_bursts(trains, s.surprise, s.min_spikes)

    @cached_property
    def whole_bursts(self) -> Bursts:
        """The bursts that were not cut: by a spike beyond the window, or the recording's end."""
        recorded, s = self.recorded, self.settings
        first, stop = recorded.offset[:-1], recorded.offset[1:]
        before = first + count_before(recorded, s.start)
        after = first + count_before(recorded, self.stop)
        start, end = np.full(len(recorded), -math.inf), self.duration.copy()
        start[before > first] = recorded.time[before[before > first] - 1]
        end[after < stop] = recorded.time[after[after < stop]]
        return burst.whole(self.bursts, start, end)

    @property
    def regime(self) -> NDArray[np.int8]:
        """The firing regimes, in the analysis window and as long as the stimulus lasts."""
        s = self.settings
        driven = self.offset > s.start  # else the window is all that was seen
        end = np.where(driven, np.fmin(self.offset, self.stop), self.stop)
        return regimes.regime(
            self.trains, end, s.max_interval, s.min_spikes, s.separation, s.slowing, s.irregularity
        )


@dataclass(frozen=True, eq=False)
class Synapses:
    """The synapses of one projection from some cells; arrays have one value per cell.

    Attributes
    ----------
    recorded
        Spike trains of the presynaptic cells, from the beginning of the simulation on.
    U_0, tau_f, tau_d
        See `izhi.spikes.release`; None for synapses that release all at every spike.
    charge
        What a full release transmits: weight times time constant of the synaptic current.
    target_rate
        Mean firing rate of the postsynaptic cells of each cell, in the analysis window, in Hz.
    duration
        Length of the recording in seconds.
    settings
        The analysis window, and limits.
    known
        Whether what is released is known; else it is NaN.
    u_0, x_0
        See `izhi.spikes.release`; None for rest.
    """

    recorded: Trains
    U_0: FloatArray | None
    tau_f: FloatArray | None
    tau_d: FloatArray | None
    charge: FloatArray
    target_rate: FloatArray
    duration: FloatArray
    settings: Settings
    known: bool = True
    u_0: FloatArray | None = None
    x_0: FloatArray | None = None

    @cached_property
    def trains(self) -> Trains:
        """The presynaptic trains in the analysis window."""
        s = self.settings
        return self.recorded if s.everything else self.recorded.during(s.start, s.stop)

    @cached_property
    def release(self) -> FloatArray:
        """The release at each spike in the analysis window."""
        if not self.known:
            return np.full(self.trains.time.size, np.nan)
        if self.U_0 is None or self.tau_f is None or self.tau_d is None:
            return np.ones(self.trains.time.size)
        starts = (0.0 if self.u_0 is None else self.u_0, 1.0 if self.x_0 is None else self.x_0)
        value = synapses.release(self.recorded, self.U_0, self.tau_f, self.tau_d, *starts)
        s = self.settings
        return value if s.everything else value[self.recorded.within(s.start, s.stop)]

    @property
    def transmitted_charge(self) -> FloatArray:
        """What all spikes in the analysis window transmit."""
        return synapses.total(self.trains, self.release) * self.charge

    @property
    def transfer_ratio(self) -> FloatArray:
        """The rate of the postsynaptic cells over that of the presynaptic cell."""
        length = np.minimum(self.duration, self.settings.stop) - self.settings.start
        ratio = np.full(len(self.trains), np.nan)
        rate = self.trains.count / length
        np.divide(self.target_rate, rate, out=ratio, where=rate > 0)
        return ratio
