"""Spike trains from files: which cells spike when, what is kept, what is said of wrong files."""

from __future__ import annotations

import math
from fractions import Fraction
from pathlib import Path

import netCDF4
import numpy as np
import pytest

import izhi
from izhi.config import inputs
from izhi.errors import ConfigError
from izhi.models import trains
from izhi.models.recording import Recording
from izhi.study import reproduce

pytestmark = pytest.mark.usefixtures("quick_builds")

SOURCE = ["neuron@pre.neuron=source/spike_file", "simulation.duration=100 ms"]


def written(path: Path, rows: list[tuple[float, int]]) -> Path:
    path.write_text("t [ms],cell\n" + "".join(f"{float(t)!r},{cell}\n" for t, cell in rows))
    return path


@pytest.fixture
def spikes(tmp_path: Path) -> Path:
    """Give a file of random spikes in any order, some on the grid, some after the end."""
    random = np.random.default_rng(5)
    times = np.unique(random.integers(0, 400, 90)) * 0.3
    times = np.concatenate([times, random.permutation(1000)[:20] * 0.1 + 0.037])
    rows = {(round(t, 4), int(cell)) for t, cell in zip(times, random.integers(0, 2, times.size),
                                                        strict=True)}  # fmt: skip
    first = {(math.ceil(Fraction(str(t)) * 10 - Fraction(1, 1000)), cell): t for t, cell in rows}
    return written(tmp_path / "spikes.csv", [(t, cell) for (_, cell), t in first.items()])


def expected(path: Path, cell: int) -> list[int]:
    rows = [line.split(",") for line in path.read_text().splitlines()[1:]]
    steps = [math.ceil(Fraction(t) * 10 - Fraction(1, 1000)) for t, c in rows if int(c) == cell]
    return sorted(step for step in steps if step < 1000)


def test_spikes_come_in_their_steps_on_both_engines(spikes, run, compiler) -> None:
    other = written(spikes.with_name("other.csv"), [(0.0, 1), (0.1, 1), (99.9, 0), (50.0, 0)])
    sweep = [*SOURCE, f"pre.neuron.file={spikes},{other}", "synapse=alpha",
             "synapse.weight=3 mV,9 mV"]  # fmt: skip
    studies = [run(*sweep, f"run.engine={engine}") for engine in ("numpy", "compiled")]
    for study in studies:
        for path in (spikes, other):
            for cell, label in enumerate(("pre0", "pre1")):
                found = study.spike_times(label, file=str(path), weight=3)
                assert np.rint(found * 1e4).astype(int).tolist() == expected(path, cell)
    assert len(expected(spikes, 0)) > 30 and expected(other, 1) == [0, 1]
    numpy, compiled = (study.spikes["spike_time"].values for study in studies)
    assert numpy.tobytes() == compiled.tobytes()
    assert (studies[0].dataset.spike_count.sel(cell="post0") > 0).any()


FEW: dict[str, list[tuple[float, int]]] = {
    "no spikes": [],
    "one spike": [(10, 1)],
    "one spike in the first step": [(0, 0)],
    "one spike in the last step": [(99.9, 0)],
    "one cell of two": [(1, 1), (2, 1), (50, 1)],
    "all at one time": [(20, 0), (20, 1)],
    "one spike at the end": [(100, 0)],
    "all beyond the end": [(100.1, 0), (5000, 1), (1e300, 0)],
    "one of two beyond the end": [(200, 0), (30, 1)],
}


@pytest.mark.parametrize("name", FEW)
def test_files_of_few_spikes(name, tmp_path, run, compiler) -> None:
    path = written(tmp_path / "few.csv", FEW[name])
    for engine in ("numpy", "compiled"):
        study = run(*SOURCE, f"pre.neuron.file={path}", f"run.engine={engine}",
                    "synapse=delta", "synapse.weight=30 mV", "stimulus=none")  # fmt: skip
        assert study.dataset.status.item() == 0
        for cell, label in enumerate(("pre0", "pre1")):
            steps = np.rint(study.spike_times(label) * 1e4).astype(int).tolist()
            assert steps == expected(path, cell)


def test_files_of_few_spikes_in_one_step_of_time(tmp_path, run, compiler) -> None:
    path = written(tmp_path / "few.csv", [(0, 0), (7, 0)])
    for engine in ("numpy", "compiled"):
        study = run(*SOURCE, f"pre.neuron.file={path}", f"run.engine={engine}",
                    "simulation.duration=0.1 ms", "stimulus=none")  # fmt: skip
        assert study.spike_times("pre0").tolist() == [0.0]


def test_parameters_may_have_any_name_beside_a_file(tmp_path, run) -> None:
    """Parameters of a user's do not replace what izhi passes to a program."""
    path = written(tmp_path / "few.csv", [(10, 0), (20, 0)])
    study = run(*SOURCE, f"pre.neuron.file={path}", "run.engine=numpy",
                "pre.neuron.threshold='recorded*recorded_first > recorded_cells'",
                "+pre.neuron.recorded_first=2", "+pre.neuron.recorded_cells=1")  # fmt: skip
    assert study.spike_times("pre0").tolist() == pytest.approx([0.01, 0.02])


def test_spikes_of_a_study_go_into_another(spikes, tmp_path) -> None:
    """A file of izhi's own is a contiguous ragged array, as others write it, too."""
    settings = {"dir": tmp_path, "progress": False}
    first = izhi.run([*SOURCE, f"pre.neuron.file={spikes}", "run.engine=numpy",
                      "circuit.populations.post.count=1"], name="first", **settings)  # fmt: skip
    again = izhi.run(
        ["circuit.populations={pre: {count: 3, stimulated: false}}", "circuit.projections={}",
         *SOURCE, f"pre.neuron.file={first.path / 'dataset.nc'}", "run.engine=numpy"],
        name="again", **settings,
    )  # fmt: skip
    for label, source in (("pre0", "pre0"), ("pre1", "pre1"), ("pre2", "post0")):
        assert np.array_equal(again.spike_times(label), first.spike_times(source))
    spikes.unlink()
    inputs._HELD.clear()
    done = reproduce.reproduce(first.path, progress=False)
    assert done.before == done.now


def test_steps_and_cells() -> None:
    data = b"t [s],cell\n0.0003,1\n0,0\n0.00031,0\n9,0\n"
    inputs._HELD["x"] = data
    found = trains.events(Recording("x.csv", "x", "", "", "", "", ""), "neuron", 2, 1e-4, 5)
    assert found[0].tolist() == [0, 1, 1, 1, 2, 3] and found[1].tolist() == [0, 1, 0]


HEAD = "t [ms],cell\n"
# Each row: what a file holds, further overrides, and what is said of them.
WRONG = [
    (HEAD + "1,0\n2,2\n", [], ": spike 2: cell 2; the population has the cells 0 to 1"),
    (HEAD + "1,0\n2,0.5\n", [], ": spike 2: cell 0.5; the population has the cells 0 to 1"),
    (HEAD + "1,0\n2,nan\n", [], ": spike 2: cell nan; the population has the cells 0 to 1"),
    (HEAD + "1,0\n-2,0\n", [], ": spike 2: a time is a number from 0 s on"),
    (HEAD + "nan,0\n", [], ": spike 1: a time is a number from 0 s on"),
    (HEAD + "5.04,1\n1,0\n5.01,1\n", [],
     ": cell 1 spikes twice in the time step at 0.0051 s; give a smaller simulation.dt"),
    (HEAD + "1,a\n", [], ": line 2: expected numbers, separated by commas"),
    ("t,cell\n1,0\n", [], "pre.neuron.time_unit: missing; spikes.csv does not say it, as a header"),
    ("t [ms],a,b\n1,0,0\n", [], "pre.neuron.column: missing; spikes.csv has beside the time a, b"),
    (HEAD, ["pre.neuron.threshold='n < 1'"], "pre.neuron.file: nothing uses recorded"),
]  # fmt: skip


@pytest.mark.parametrize(("data", "others", "said"), WRONG, ids=[row[2][:60] for row in WRONG])
def test_files_that_cannot_be(data, others, said, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("spikes.csv").write_text(data)
    start = "pre.neuron.file = spikes.csv" if said.startswith(":") else ""
    with pytest.raises(ConfigError) as error:
        izhi.plan([*SOURCE, "pre.neuron.file=spikes.csv", *others])
    assert str(error.value).startswith(start + said)


def test_sources_raise_no_doubts(spikes) -> None:
    for source in ("regular_train", "poisson_train"):
        assert izhi.plan([f"neuron@pre.neuron=source/{source}"]).doubts == ()
    assert izhi.plan([*SOURCE, f"pre.neuron.file={spikes}"]).doubts == ()


def test_a_file_is_needed() -> None:
    with pytest.raises(ConfigError, match=r"^pre\.neuron\.file: missing; expected the name of a "):
        izhi.plan(SOURCE)
    with pytest.raises(ConfigError, match=r"^neuron\.column: there is no neuron\.file that it co"):
        izhi.plan(["+neuron.column=I"])


def test_no_memory_for_what_a_file_only_says(tmp_path) -> None:
    """A few bytes can claim a million million samples."""
    with netCDF4.Dataset(tmp_path / "much.nc", "w") as file:
        file.createDimension("time", 10**12)
        file.createVariable("time", "f8", ("time",), chunksizes=(1000,))
        file.createVariable("I", "f8", ("time",), chunksizes=(1000,))
    with pytest.raises(ConfigError, match=r"1,000,000,000,000 samples; a file of data has at most"):
        izhi.plan(["stimulus=file", f"stimulus.file={tmp_path / 'much.nc'}"])
