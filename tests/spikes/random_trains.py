"""Random spike trains of all kinds, many at once."""

import numpy as np

from izhi.spikes import Trains

KINDS = ("poisson", "gamma", "periodic", "bursty", "empty", "one", "two")
STOP = 2.0


def intervals(rng, kind, n, size):
    """Return the intervals of `size` trains of at most `n` spikes, in seconds."""
    rate = rng.uniform(5, 60, (size, 1))
    if kind == "gamma":
        order = rng.integers(2, 9, (size, 1))
        return rng.gamma(order, 1 / order, (size, n)) / rate
    if kind == "periodic":
        return np.broadcast_to(1 / rate, (size, n))
    if kind == "bursty":
        return np.where(rng.random((size, n)) < 0.75, 0.002 + 0.003 * rng.random((size, n)),
                        rng.exponential(0.1, (size, n)))  # fmt: skip
    return rng.exponential(1, (size, n)) / rate


def random_trains(n_trains, seed=0):
    """Return trains of each kind in turn, between 0 and `STOP`."""
    rng = np.random.default_rng(seed)
    kind = np.arange(n_trains) % len(KINDS)
    n = 120
    time = np.full((n_trains, n), np.inf)
    for number, name in enumerate(KINDS):
        rows = kind == number
        found = np.cumsum(intervals(rng, name, n, rows.sum()), axis=1)
        most = {"empty": 0, "one": 1, "two": 2}.get(name, n)
        found[:, most:] = np.inf
        time[rows] = found
    kept = time < STOP
    return Trains(time[kept], kept.sum(axis=1))


def parts(trains):
    return np.split(trains.time, trains.offset[1:-1])
