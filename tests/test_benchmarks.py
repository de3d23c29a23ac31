"""The benchmark measures what it says: one sweep, one set of spikes, figures that are kept."""

import json
import subprocess
import sys

import numpy as np
import pytest
import xarray as xr

import izhi
from benchmarks import limit, report, statistics
from benchmarks.points import overrides, points, sample
from benchmarks.process import ROOT, module, run
from izhi.engine import cache, compiled
from izhi.spikes import Trains, burst_count, bursts, isi
from izhi.sweep import plan as plans


@pytest.mark.parametrize("n", [10, 693])
def test_all_contestants_run_the_sweep_that_izhi_runs(n) -> None:
    plan = izhi.plan([*overrides(n), "run.engine=compiled", "run.shard_points=2000"])
    found = plans.parameters(plan, plan.shards[0])
    a, b, c, d, release, amplitude = points(n).si()
    given = {"pre_to_post.U_0": release, "pre.stimulus.amplitude": amplitude}
    for population in ("pre", "post"):
        given |= {f"{population}.{name}": x for name, x in zip("abcd", (a, b, c, d), strict=True)}
    for name, values in given.items():
        assert np.array_equal(np.broadcast_to(found[name], n), values), name


def test_the_limit_has_the_spikes_of_the_engine(tmp_path, compiler) -> None:
    """Hand-written C that shares no code with izhi or Brian2, compiled strictly."""
    plan = izhi.plan([*overrides(693), "run.engine=compiled", "run.shard_points=693"])
    build = cache.make(plan.batches[0].structure)
    parameters = plans.parameters(plan, plan.shards[0])
    raw = compiled.simulate(build, plan.batches[0].structure, parameters, 693)
    limit.run(points(693), 1, "strict", tmp_path / "spikes")
    train, step = np.fromfile(tmp_path / "spikes", np.int32).reshape(-1, 2).T
    assert np.array_equal(np.bincount(train, minlength=3 * 693), raw.count.ravel())
    assert np.array_equal(step[np.lexsort((step, train))], raw.step)
    assert raw.step.size > 100_000


def test_a_sample_is_spread_over_the_sweep() -> None:
    chosen = sample(points(693), 7)
    assert len(chosen) == 7
    assert len(set(zip(chosen.a, chosen.b, chosen.c, chosen.d, strict=True))) == 7


@pytest.mark.parametrize("peer", ["nest_sim", "jax_scan"])
def test_a_peer_that_is_not_installed_says_so(peer, tmp_path) -> None:
    hidden = (
        "import runpy, sys; sys.modules.update(dict.fromkeys(['nest', 'jax'])); sys.argv = ['x']; "
        f"runpy.run_module('benchmarks.peers.{peer}', run_name='__main__')"
    )
    done = subprocess.run([sys.executable, "-c", hidden], cwd=ROOT, capture_output=True, text=True)
    name = {"nest_sim": "nest-simulator", "jax_scan": "jax"}[peer]
    assert json.loads(done.stdout) == {"skipped": f"{name} is not installed"}, done.stderr
    assert done.returncode == 0


def test_the_pages_show_the_figures_that_are_kept() -> None:
    results = json.loads(report.RESULTS.read_text())
    for page, figures in report.PAGES.items():
        text = page.read_text(encoding="utf-8")
        assert report.updated(text, figures(results)) == text
    assert report.FIGURE.is_file()
    assert len(report.checks(results).splitlines()) > 10


def test_times_are_told_in_units_that_one_can_imagine() -> None:
    seconds = (0.044, 7.2, 193, 4000, 400_000, 1e6)
    told = ["0.044 s", "7.2 s", "3.2 min", "67 min", "4.6 days", "12 days"]
    assert [report._time(s) for s in seconds] == told


def test_a_study_is_opened_and_gathered_again(tmp_path) -> None:
    study = izhi.run(
        ["stimulus.amplitude=3,12", "run.engine=numpy"], name="turn", dir=tmp_path / "studies",
        progress=False,
    )  # fmt: skip
    before = study.dataset.load().copy()
    study.close()
    told = run(module("benchmarks.loading", "turn"), str(tmp_path)).told
    assert told["points"] == 2
    assert told["rates"] == before.sizes["cell"]
    assert told["spikes"] == before["spike_count"].values[-1, -1]
    assert told["seconds"] > 0
    assert told["memory_bytes"] > 2**20
    run(module("benchmarks.gathering", "turn"), str(tmp_path))
    with xr.open_dataset(study.folder.dataset) as again:
        assert again.equals(before)


def test_statistics_are_timed_of_the_spikes_that_were_asked_for(tmp_path) -> None:
    numbers = ("--spikes", 3001, "--in-trains", 70, "--trains", 50, "--repetitions", 1)
    told = run(module("benchmarks.statistics", *numbers), str(tmp_path)).told
    assert (told["many"]["spikes"], told["many"]["trains"]) == (3001, 70)
    assert told["many"]["memory_bytes"] > 2**20
    # All columns add up, and none is empty.
    together = told["elephant"].pop("all")
    timed = [row for row in told["elephant"].values() if isinstance(row, dict)]
    for whose in ("izhi", "elephant_of_neo", "elephant_of_arrays"):
        assert sum(row[whose] for row in timed) == pytest.approx(together[whose])
        assert min(row[whose] for row in timed) > 0


def test_spikes_for_statistics_are_on_the_grid_and_in_order() -> None:
    count = statistics.counts(50_000, 2000)
    assert count.sum() == 50_000
    trains = Trains(statistics.spikes_of(count), count)
    interval, train = isi(trains)
    assert interval.min() > 0.99 * statistics.DT
    np.testing.assert_allclose(interval / statistics.DT, np.rint(interval / statistics.DT))
    assert np.array_equal(np.unique(train % 2), [0, 1])
    bursty, poisson = (burst_count(bursts(trains))[rest::2].mean() for rest in (1, 0))
    assert bursty > 1.5 * poisson
