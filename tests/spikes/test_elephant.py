"""Every measure that Elephant has, against Elephant, on random trains of all kinds."""

import warnings

import numpy as np
import pytest
import quantities as pq
from elephant import statistics
from elephant.conversion import BinnedSpikeTrain
from elephant.spike_train_correlation import correlation_coefficient, spike_time_tiling_coefficient
from elephant.spike_train_dissimilarity import van_rossum_distance
from neo import SpikeTrain

from izhi import spikes
from izhi.spikes import Trains

from .random_trains import STOP, parts, random_trains

N_TRAINS = 4_000
EXACT = {"rtol": 1e-12, "atol": 1e-12}


@pytest.fixture(scope="module")
def trains() -> Trains:
    return random_trains(N_TRAINS)


@pytest.fixture(scope="module")
def intervals(trains):
    return [statistics.isi(part) for part in parts(trains)]


def test_the_trains_are_of_all_kinds(trains) -> None:
    assert len(trains) == N_TRAINS
    assert {0, 1, 2} <= set(trains.count.tolist()) and trains.count.max() > 100
    assert np.mean(trains.count > 2) > 0.5


def test_mean_firing_rate(trains) -> None:
    found = spikes.firing_rate(trains, STOP)
    expected = [  # Elephant has no rate of an empty train
        statistics.mean_firing_rate(part, t_start=0.0, t_stop=STOP) if part.size else 0.0
        for part in parts(trains)
    ]
    np.testing.assert_allclose(found, expected, **EXACT)


def test_isi(trains, intervals) -> None:
    found, train = spikes.isi(trains)
    np.testing.assert_allclose(found, np.concatenate(intervals), **EXACT)
    assert np.bincount(train, minlength=len(trains)).tolist() == [i.size for i in intervals]


@pytest.mark.parametrize("name", ["cv", "cv2", "lv", "lvr"])
def test_variation(trains, intervals, name) -> None:
    ours = {"cv": "isi_cv"}.get(name, name)
    found = getattr(spikes, ours)(trains)
    theirs = getattr(statistics, name)
    given = {} if name == "cv" else {"with_nan": True}
    scale = 1000 if name == "lvr" else 1  # its R of 5 is in the unit of bare intervals
    with warnings.catch_warnings(), np.errstate(invalid="ignore", divide="ignore"):
        warnings.simplefilter("ignore")  # of what has too few intervals, which is NaN
        expected = [
            theirs(part * scale, **given) if part.size > (name != "cv") else np.nan
            for part in intervals
        ]
    np.testing.assert_allclose(found, expected, **EXACT)
    assert np.isnan(found).sum() == np.sum(trains.count < (2 if name == "cv" else 3))


def test_refractoriness_is_in_seconds_here_and_in_milliseconds_there(trains, intervals) -> None:
    found = spikes.lvr(trains, refractory=0.002)
    some = [n for n in range(0, N_TRAINS, 50) if intervals[n].size > 1]
    expected = [statistics.lvr(intervals[n] * 1000, R=2.0) for n in some]
    np.testing.assert_allclose(found[some], expected, **EXACT)


def test_values_that_are_known() -> None:
    train = Trains(np.cumsum([0, 0.3, 4.5, 6.7, 9.3]), [5])
    assert spikes.cv2(train) == pytest.approx(0.8226190476190478, rel=1e-14)
    assert spikes.lv(train) == pytest.approx(0.8306154336734695, rel=1e-14)
    assert spikes.lvr(train) == pytest.approx(0.833907445980624, rel=1e-14)
    assert spikes.firing_rate(Trains([0.3, 4.5, 6.7, 9.3], [4]), 9.3) == 0.4301075268817204


@pytest.mark.parametrize(
    ("order", "expected"),
    [(1, (1, 1, 1)), (2, (2**-0.5, 0.7498, 0.6)), (4, (0.5, 0.5467, 1 / 3))],
)
def test_processes_of_known_variation(order, expected) -> None:
    rng = np.random.default_rng(order)
    count = np.full(100, 4001)
    time = np.cumsum(rng.gamma(order, 1 / order, (100, 4001)), axis=1).ravel()
    trains = Trains(time, count)
    for name, value in zip(("isi_cv", "cv2", "lv"), expected, strict=True):
        found = getattr(spikes, name)(trains)
        error = found.std() / 10  # of the mean of a hundred trains
        assert abs(found.mean() - value) < 4 * error + 1e-4
    assert spikes.lvr(trains, 0.0) == pytest.approx(spikes.lv(trains))
    for name in ("isi_cv", "cv2", "lv", "lvr", "adaptation_index"):
        periodic = getattr(spikes, name)(Trains(np.arange(1000) * 0.01, [1000]))
        assert periodic == pytest.approx(0, abs=1e-12)


# ---------------------------------------------------------------- pairs


def neo_trains(trains):
    return [SpikeTrain(part * pq.s, t_start=0 * pq.s, t_stop=STOP * pq.s) for part in parts(trains)]


@pytest.fixture(scope="module")
def pairs():
    """Give trains and pairs of them, equal and nearly equal ones among them."""
    few = random_trains(350, seed=1)
    rng = np.random.default_rng(2)
    moved = [np.sort(np.clip(p + rng.normal(0, 0.004, p.size), 0, STOP)) for p in parts(few)[:70]]
    count = np.concatenate([few.count, [part.size for part in moved]])
    trains = Trains(np.concatenate([few.time, *moved]), count)
    first = np.concatenate([rng.integers(0, 350, 2000), np.arange(70), np.arange(70)])
    second = np.concatenate([rng.integers(0, 350, 2000), np.arange(350, 420), np.arange(70)])
    return trains, first, second


@pytest.mark.parametrize("dt", [0.005, 0.02])
def test_spike_time_tiling(pairs, dt) -> None:
    trains, first, second = pairs
    found = spikes.spike_time_tiling(trains, first, second, 0.0, STOP, dt)
    theirs = neo_trains(trains)
    expected = [
        spike_time_tiling_coefficient(theirs[a], theirs[b], dt=dt * pq.s)
        for a, b in zip(first, second, strict=True)
    ]
    np.testing.assert_allclose(found, expected, **EXACT)
    assert np.nanmax(found) == 1 and np.nanmin(found) < 0


@pytest.mark.parametrize("tau", [0.002, 0.05])
def test_van_rossum_distance(pairs, tau) -> None:
    trains, _, _ = pairs
    chosen = np.concatenate([np.arange(0, 70), np.arange(350, 420)])
    theirs = neo_trains(trains)
    theirs = van_rossum_distance([theirs[n] for n in chosen], tau * pq.s)
    a, b = np.triu_indices(chosen.size, 1)
    found = spikes.van_rossum_distance(trains, chosen[a], chosen[b], tau)
    np.testing.assert_allclose(found**2, theirs[a, b] ** 2, rtol=1e-12, atol=2e-12)
    clear = theirs[a, b] > 0.1  # Elephant's difference of large numbers is accurate from there on
    np.testing.assert_allclose(found[clear], theirs[a, b][clear], **EXACT)


def test_correlation_of_counts(pairs) -> None:
    trains, _, _ = pairs
    filled, theirs = np.flatnonzero(trains.count > 0)[:60], neo_trains(trains)
    binned = BinnedSpikeTrain(
        [theirs[n] for n in filled], bin_size=20 * pq.ms, t_start=0 * pq.s,
        t_stop=STOP * pq.s,
    )  # fmt: skip
    theirs = correlation_coefficient(binned, fast=False)
    a, b = np.triu_indices(filled.size)
    edges = np.arange(101) * 0.02
    found = spikes.pairwise_correlation(trains, filled[a], filled[b], edges)
    np.testing.assert_allclose(found, theirs[a, b], **EXACT)
