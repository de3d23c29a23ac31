"""Runs and reads in many threads: no crash, no deadlock, the results of one thread."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import izhi
from izhi import netcdf
from izhi.engine import cache
from izhi.study import study as studies
from izhi.study import verify

ROOT = Path(__file__).resolve().parents[1]
SCENARIOS = ("plain", "event_loop", "notebook", "joblib")
ENGINES = ("numpy", "compiled")


def call(folder: Path, *command: str, seconds: int) -> subprocess.CompletedProcess[str]:
    """Run Python in a process of its own, which may crash."""
    paths = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    return subprocess.run(
        [sys.executable, *command], cwd=folder, capture_output=True, text=True, timeout=seconds,
        env={**os.environ, "PYTHONPATH": paths, "PYTHONWARNINGS": "ignore"},
    )  # fmt: skip


def run_scenario(folder: Path, scenario: str, engine: str, runs: int, reads: int, limit: int):
    if engine == "compiled" and not cache.compiler():
        pytest.skip("there is no C++ compiler")
    script, numbers = str(ROOT / "tests" / "in_threads.py"), map(str, (runs, reads, limit))
    done = call(folder, script, scenario, engine, *numbers, seconds=limit + 60)
    assert done.returncode == 0, done.stderr[-5000:]
    assert done.stdout == f"{scenario}, {engine}: {runs} runs and {reads} reads\n"


def test_a_few_runs_and_reads_in_eight_threads(tmp_path) -> None:
    run_scenario(tmp_path, "plain", "numpy", 6, 20, 600)  # two of the runs are refused first


@pytest.mark.soak
@pytest.mark.parametrize("number", range(len(SCENARIOS)))
def test_some_runs_and_reads_in_eight_threads(tmp_path, number) -> None:
    run_scenario(tmp_path, SCENARIOS[number], ENGINES[number % 2], 8, 40, 600)


@pytest.mark.soak
@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_two_hundred_runs_and_two_thousand_reads_in_eight_threads(
    tmp_path, scenario, engine
) -> None:
    run_scenario(tmp_path, scenario, engine, 200, 2000, 3600)


# Two threads with worker processes of different numbers, and one that is stopped meanwhile.
WORKERS = """
import izhi, threading
from izhi.errors import StorageError
from izhi.study import shards
sweep = ["circuit=single", "simulation.duration='30 ms'", "run.report=none", "run.engine=numpy",
         "neuron=chattering", "stimulus.amplitude=range(4,10)", "run.shard_points=2"]
digests, note = [], shards._Running._note
def full(self, *event):
    if threading.current_thread().name == "stopped":
        raise StorageError("the disk is full")
    note(self, *event)
shards._Running._note = full
def run(number):
    study = izhi.run(sweep, name=f"s{number}", n_jobs=2 + number % 2, progress=False)
    assert not [event for event in study.log if event["event"] == "shard_failed"]
    digests.append(study.digest)
def stopped():
    try:
        run(2)
    except StorageError:
        digests.append("")
calls = [threading.Thread(target=run, args=(number,)) for number in range(2)]
calls.insert(1, threading.Thread(target=stopped, name="stopped"))
for call in calls: call.start()
for call in calls: call.join()
assert sorted(map(bool, digests)) == [False, True, True] and len({*digests}) == 2, digests
"""


def test_threads_take_turns_with_worker_processes(tmp_path) -> None:
    """joblib has one set of workers: two threads that ask for different numbers wait for ever."""
    done = call(tmp_path, "-c", WORKERS, seconds=120)
    assert done.returncode == 0, done.stderr[-3000:]


# A user has two handles on the dataset, as xarray opens one for each group, and closes one.
HANDLES = """
import netCDF4, izhi
from izhi.study import study as studies, stored
path = "s/dataset.nc"
def read():
    for data in (None, open(path, "rb").read()):
        assert stored.groups(studies.Path(path), data)["/"]["cell"].values.tolist() == ["cell0"]
first = netCDF4.Dataset(path); first["cell"][:]
read()
second = netCDF4.Dataset(path, "r")
for _ in range(3): read()
first.close()
for _ in range(3): read()
third = netCDF4.Dataset(path); third["cell"][:]
read()
second.close()
for _ in range(3): read()
"""


@pytest.fixture
def single(tmp_path) -> izhi.Study:
    return izhi.run(
        ["circuit=single", "neuron=chattering", "simulation.duration='40 ms'", "run.engine=numpy",
         "stimulus.amplitude=10,14", "record.traces=all"],
        name="s", dir=tmp_path, progress=False,
    )  # fmt: skip


def test_a_user_may_have_handles_on_a_dataset_of_any_size(single, tmp_path) -> None:
    """HDF5 crashes when a file with text is opened after some of three handles were closed."""
    done = call(tmp_path, "-c", HANDLES, seconds=120)
    assert done.returncode == 0, done.stderr[-3000:]


def test_a_large_dataset_is_read_piece_by_piece(single, monkeypatch) -> None:
    """Datasets are large from 64 MB on; here all are."""
    monkeypatch.setattr(studies, "_SMALL", 0)
    large = izhi.open_study(single.path)
    for group in ("dataset", "spikes", "traces"):
        assert getattr(large, group).identical(getattr(single, group))
    assert large.summary().equals(single.summary())
    assert np.array_equal(
        large.spike_times("cell0", amplitude=14), single.spike_times("cell0", amplitude=14)
    )


@pytest.mark.soak
def test_a_dataset_that_is_large_indeed(tmp_path) -> None:
    study = izhi.run(
        ["circuit=single", "neuron=chattering", "stimulus.amplitude=range(4,34,0.1)",
         "record.traces=all", "run.report=none"],
        name="s", dir=tmp_path, progress=False,
    )  # fmt: skip
    assert study.folder.dataset.stat().st_size > studies._SMALL
    done = call(tmp_path, "-c", HANDLES, seconds=300)
    assert done.returncode == 0, done.stderr[-3000:]
    stored = pd.read_csv(study.folder.summary, comment="#")
    assert np.allclose(study.summary()["firing_rate"], stored["firing_rate"], rtol=1e-12)
    assert study.traces["v"].shape[0] == 300
    assert verify.verify(study.path, 1).problems == []


def test_a_build_is_stopped_by_its_own_run_only() -> None:
    with cache.stopped_when_left() as ours:
        with pytest.raises(ValueError, match="broken"), cache.stopped_when_left() as theirs:
            raise ValueError("broken")
        assert theirs.is_set() and not ours.is_set()


def test_threads_that_fail_leave_the_builds_of_others_alone(monkeypatch, tmp_path) -> None:
    """One thread's build goes on while another's run ends with an error."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    if not cache.compiler():
        pytest.skip("there is no C++ compiler")
    structure = izhi.plan(["circuit=single", "run.engine=compiled"]).batches[0].structure
    builds: list[cache.Build] = []

    def build() -> None:
        with cache.stopped_when_left() as stopped:
            builds.append(cache.make(structure, stopped))

    thread = threading.Thread(target=build)
    thread.start()
    while not cache._under_way and thread.is_alive():
        thread.join(0.01)
    with pytest.raises(ValueError), cache.stopped_when_left():
        raise ValueError
    thread.join()
    assert len(builds) == 1


def test_what_is_written_is_opened_once(tmp_path, monkeypatch) -> None:
    """A process that another thread is starting may hold HDF5's lock of a file for a while."""
    opened: list[tuple[str, str]] = []
    real = netcdf._open

    def noted(file, path, mode, **settings) -> None:
        opened.append((path, mode))
        real(file, path, mode, **settings)

    monkeypatch.setattr(netcdf, "_open", noted)
    izhi.run(["circuit=single", "synapse=none", "run.engine=numpy", "simulation.duration=25 ms",
              "record.traces=all", "run.report=none"],
             name="s", dir=tmp_path, n_jobs=1, progress=False)  # fmt: skip
    written = [path for path, mode in opened if mode != "r"]
    assert len(written) == len(set(written)) > 1
    assert {mode for _, mode in opened} <= {"r", "w"}
