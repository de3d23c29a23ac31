"""What tests/test_threads.py starts in a process of its own: runs and reads in eight threads.

A crash of the interpreter ends that process, and not pytest. It prints one line when all is right.
"""

from __future__ import annotations

import asyncio
import faulthandler
import random
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Lock
from typing import Any

import netCDF4
import numpy as np
import xarray as xr

import izhi
from izhi import netcdf
from izhi.errors import ConfigError, StudyError
from izhi.study import stored

THREADS = 8
KINDS = 4
SHORT = ["circuit=single", "simulation.duration='40 ms'", "run.report=none", "study.dir=."]


def overrides(kind: int, engine: str) -> list[str]:
    """Return a sweep of four points; the last kind records traces, too."""
    neuron = ("chattering", "resonator")[kind % 2]
    sweep = [f"neuron={neuron}", f"stimulus.amplitude={8 + kind},12,16,20"]
    traced = ["record.traces=all"] * (kind == KINDS - 1)
    return [*SHORT, *sweep, f"run.engine={engine}", *traced]


class Work:
    """Runs and reads, and what each of them has to give."""

    def __init__(self, engine: str) -> None:
        self.engine, self.lock = engine, Lock()
        self.first = [self._run(kind, f"first{kind}") for kind in range(KINDS)]
        self.digests = [study.digest for study in self.first]
        self.expected = {(kind, way): READS[way](self.first[kind])
                         for kind in range(KINDS) for way in range(len(READS))}  # fmt: skip
        self.paths = [(kind, study.path) for kind, study in enumerate(self.first)]
        self.own = own_file()

    def _run(self, kind: int, name: str, n_jobs: int = 1) -> izhi.Study:
        return izhi.run(overrides(kind, self.engine), name=name, n_jobs=n_jobs, progress=False)

    def run(self, number: int) -> None:
        """Run a sweep, or one that is refused: before it begins, or for its name."""
        kind = number % KINDS
        if number % 7 == 3:
            expect(ConfigError, lambda: izhi.run("neuron=nonsense", progress=False))
        if number % 7 == 5:
            expect(StudyError, lambda: self._run(kind, f"first{(kind + 1) % KINDS}"))
        study = self._run(kind, f"run{number}", 2 if number % 40 == 7 else 1)
        assert study.digest == self.digests[kind], f"run {number}: other results"
        with self.lock:
            self.paths.append((kind, study.path))

    def read(self, number: int) -> None:
        """Read a study that another thread may be reading, in one of several ways."""
        way = number % len(READS)
        with self.lock:
            kind, path = random.Random(number).choice(self.paths)
        shared = number % 3 == 0
        study = self.first[kind] if shared else izhi.open_study(path)
        value = READS[way](study)
        expected = self.expected[kind, way]
        assert np.array_equal(value, expected, equal_nan=True), f"read {number}: other values"
        read_own(self.own, number)
        if number % 9 == 4:
            expect(StudyError, lambda: izhi.open_study(path / "nothing"))


def expect(error: type[Exception], call: Callable[[], object]) -> None:
    """Check that a call fails with an error of izhi's."""
    try:
        call()
    except error:
        return
    raise AssertionError(f"{error.__name__} was expected")


def _table(study: izhi.Study) -> Any:
    return study.summary().select_dtypes("number").to_numpy()


def _small(study: izhi.Study) -> Any:
    return study.dataset["firing_rate"].mean("amplitude").values


def _spikes(study: izhi.Study) -> Any:
    return study.spikes["spike_time"].values


def _lazy(study: izhi.Study) -> Any:
    """Read as a large dataset is: opened by its path, loaded variable by variable."""
    groups = stored.groups(study.folder.dataset, None)
    rates = groups["/"]["firing_rate"].sel(amplitude=[12, 20]).mean("cell") * 2
    labels = [str(label) for label in groups["/"]["cell"].values]
    assert labels == [str(label) for label in study.dataset["cell"].values]
    return np.concatenate([rates.values.ravel(), groups["/spikes"]["spike_time"][::2].values])


def _chunked(study: izhi.Study) -> Any:
    dataset = stored.groups(study.folder.dataset, None)["/"]
    return dataset[["spike_count", "firing_rate"]].chunk(amplitude=1).sum().to_array().values


READS: list[Callable[[izhi.Study], Any]] = [_table, _small, _spikes, _lazy, _chunked]


def own_file() -> xr.Dataset:
    """Return a dataset of the user's, opened with xarray and read lazily."""
    xr.Dataset({"x": ("t", np.arange(5000.0))}, {"name": ("n", ["a", "bb"])}).to_netcdf("own.nc")
    return xr.open_dataset("own.nc", cache=False)


def read_own(own: xr.Dataset, number: int) -> None:
    """Use xarray and netCDF4 in the three ways that docs/threads.md allows."""
    assert float(own["x"][number % 5000].values) == number % 5000
    if number % 5 == 0:
        with netcdf.LOCK.for_xarray(), xr.open_dataset("first0/dataset.nc") as dataset:
            assert "firing_rate" in dataset
    if number % 5 == 1:
        with netcdf.LOCK, netCDF4.Dataset("own.nc") as file:
            assert file["x"][number % 5000] == number % 5000


def plain(tasks: list[Callable[[], None]]) -> None:
    """Work in plain threads."""
    with ThreadPoolExecutor(THREADS) as pool:
        for done in [pool.submit(task) for task in tasks]:
            done.result()


def joblib(tasks: list[Callable[[], None]]) -> None:
    """Work in joblib's threads."""
    from joblib import Parallel, delayed

    Parallel(n_jobs=THREADS, backend="threading")(delayed(task)() for task in tasks)


async def event_loop(tasks: list[Callable[[], None]]) -> None:
    """Work in the threads of an event loop."""
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(THREADS))
    await asyncio.gather(*(asyncio.to_thread(task) for task in tasks))


def tasks_of(engine: str, runs: int, reads: int) -> list[Callable[[], None]]:
    """Return what is to be done, in a random order."""
    work = Work(engine)
    tasks: list[Callable[[], None]] = [lambda n=n: work.run(n) for n in range(runs)]  # type: ignore[misc]
    tasks += [lambda n=n: work.read(n) for n in range(reads)]  # type: ignore[misc]
    random.Random(1).shuffle(tasks)
    return tasks


NOTEBOOK = """\
import sys; sys.path.insert(0, {folder!r})
import in_threads
await in_threads.event_loop(in_threads.tasks_of({engine!r}, {runs}, {reads}))
"""


def notebook(engine: str, runs: int, reads: int) -> None:
    """Work in the event loop of a Jupyter kernel."""
    import nbformat
    from nbclient import NotebookClient

    code = NOTEBOOK.format(folder=str(Path(__file__).parent), engine=engine, runs=runs, reads=reads)
    cells = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code)])
    NotebookClient(cells, timeout=None, kernel_name="python3").execute()


def main(scenario: str, engine: str, runs: int, reads: int, seconds: int) -> None:
    """Run a scenario; after so many seconds print where all threads are, and end."""
    faulthandler.dump_traceback_later(seconds, exit=True)
    if scenario == "notebook":
        notebook(engine, runs, reads)
    elif scenario == "event_loop":
        asyncio.run(event_loop(tasks_of(engine, runs, reads)))
    else:
        {"plain": plain, "joblib": joblib}[scenario](tasks_of(engine, runs, reads))
    print(f"{scenario}, {engine}: {runs} runs and {reads} reads")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], *map(int, sys.argv[3:]))
