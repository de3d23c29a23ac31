"""Firing regimes: which of a few words describes a train."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from izhi.spikes.burst import MAX_INTERVAL, MIN_SPIKES, burst_count, bursts
from izhi.spikes.intervals import adaptation_ratio, lv
from izhi.spikes.trains import ROUNDING, Trains, per_train, reduce_per_train

REGIMES = ("silent", "single_spike", "tonic", "adapting", "bursting", "irregular")
"""What the numbers that `regime` returns stand for."""

SEPARATION = 3.0
"""Default of how much longer intervals between bursts are than those within."""
SLOWING = 2.0
"""Default of how much longer the last interval of an adapting train is than its first."""
IRREGULARITY = 0.5
"""Default of the local variation from which on a train is irregular."""

SILENT, SINGLE_SPIKE, TONIC, ADAPTING, BURSTING, IRREGULAR = range(len(REGIMES))


def regime(
    trains: Trains,
    stop: ArrayLike,
    max_interval: float = MAX_INTERVAL,
    min_spikes: int = MIN_SPIKES,
    separation: float = SEPARATION,
    slowing: float = SLOWING,
    irregularity: float = IRREGULARITY,
) -> NDArray[np.int8]:
    """Return the firing regime of each train: the first of these that it is.

    - silent: no spike.
    - single spike: one.
    - bursting: it has a burst, `min_spikes` spikes or more with intervals of at most
      `max_interval`, and its intervals are of two kinds: the shortest above `max_interval` is at
      least `separation` times the longest below. A train of short intervals alone is bursting if it
      falls silent, before `stop`, for that long.
    - irregular: its local variation LV is at least `irregularity`.
    - adapting: its last interval is at least `slowing` times its first.
    - tonic: any other.

    The second condition on a burst is what tells a burst from fast tonic firing: of the cells of
    Izhikevich (2003), the fast spiking, the thalamo-cortical and the resonator cell fire tonically
    at intervals below 10 ms, and their trains have no void. A cell that fires one burst and then
    single spikes, as the intrinsically bursting one, is bursting. The words are those of Izhikevich
    (2003); the rule is one of this project. LV, unlike CV, is small where the rate changes slowly,
    and S. Shinomoto et al. (2003) take 0.5 to 1.5 for random.

    Parameters
    ----------
    trains
        The spike trains.
    stop
        Until when each train was seen, or driven, in seconds, for all trains or each.
    max_interval, min_spikes
        See `izhi.spikes.bursts`.
    separation, slowing, irregularity
        The limits in the rule.

    Returns
    -------
    NDArray[np.int8]
        Positions in `REGIMES`.
    """
    stop = per_train(trains, stop, "stop")
    interval, count = trains.interval, trains.interval_count
    short = interval <= max_interval * (1 + ROUNDING)
    within = reduce_per_train(np.maximum, np.where(short, interval, 0.0), count, 0.0)
    between = reduce_per_train(np.minimum, np.where(short, np.inf, interval), count, np.inf)
    spiking = trains.count > 0
    silence = np.full(len(trains), -np.inf)
    silence[spiking] = stop[spiking] - trains.time[trains.offset[1:][spiking] - 1]
    between = np.where(np.isinf(between), silence, between)
    parted = between >= separation * within * (1 - ROUNDING)
    with np.errstate(invalid="ignore"):
        rules = [
            (ADAPTING, adaptation_ratio(trains) >= slowing * (1 - ROUNDING)),
            (IRREGULAR, lv(trains) >= irregularity),
            (BURSTING, parted & (burst_count(bursts(trains, max_interval, min_spikes)) > 0)),
            (SINGLE_SPIKE, trains.count == 1),
            (SILENT, trains.count == 0),
        ]
    result = np.full(len(trains), TONIC, dtype=np.int8)
    for number, holds in rules:
        result[holds] = number
    return result
