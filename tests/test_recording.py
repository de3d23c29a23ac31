"""Currents from files: what reaches the cells, what is kept, and what is said of wrong files."""

from __future__ import annotations

import shutil
from pathlib import Path

import netCDF4
import numpy as np
import pytest

import izhi
from izhi import cli
from izhi.config import inputs
from izhi.engine import cache
from izhi.errors import ConfigError, StudyError
from izhi.study import reproduce, verify
from tests.foreign import KINDS, move_values

pytestmark = pytest.mark.usefixtures("quick_builds")

TIMES = np.arange(0, 61) * 0.85  # ms
VALUES = 4 + 9 * np.sin(TIMES / 7)  # mV
FILE = ["stimulus=file", "circuit=single", "simulation.duration=50 ms", "record.traces=all"]


def written(path: Path, header: str, *columns: object) -> Path:
    rows = [",".join(map(repr, map(float, row))) for row in zip(*columns, strict=True)]
    path.write_text("\n".join([header, *rows]) + "\n")
    return path


@pytest.fixture
def current(tmp_path: Path) -> Path:
    return written(tmp_path / "current.csv", "t [ms],I [mV]", TIMES, VALUES)


@pytest.fixture(autouse=True)
def nothing_held(monkeypatch) -> None:
    """Files are read anew in each test, as in a process of its own."""
    monkeypatch.setattr(inputs, "_HELD", {})
    monkeypatch.setattr(inputs, "_PLACES", {})


def given(path: Path, *others: str) -> list[str]:
    return [*FILE, f"stimulus.file={path}", *others]


def test_a_current_reaches_the_cells(current, run, compiler) -> None:
    other = written(current.with_name("other.csv"), "t [ms],I [mV]", TIMES, VALUES[::-1])
    sweep = [*FILE, f"stimulus.file={current},{other}", "stimulus.scale=1,-0.5",
             "stimulus.between=linear,hold", "stimulus.baseline=0.25 mV"]  # fmt: skip
    numpy, compiled = (run(*sweep, f"run.engine={engine}") for engine in ("numpy", "compiled"))
    for variable in "Ivu":
        found = compiled.traces[variable].values
        assert numpy.traces[variable].values.tobytes() == found.tobytes()
    at = np.arange(500) * 0.1
    found = compiled.traces["I"].values.reshape(2, 2, 2, 500)
    for values, of_file in zip((VALUES, VALUES[::-1]), found, strict=True):
        linear = np.interp(at, TIMES, values)
        hold = values[np.searchsorted(TIMES, at + 1e-9, side="right") - 1]
        for scale, of_scale in zip((1, -0.5), of_file, strict=True):
            for samples, trace in zip((linear, hold), of_scale, strict=True):
                np.testing.assert_allclose(
                    trace, (0.25 + scale * samples) * 1e-3, rtol=1e-12, atol=1e-17
                )
    alone = run(*given(other, "stimulus.scale=-0.5"), "stimulus.baseline=0.25 mV",
                "run.engine=compiled")  # fmt: skip
    for variable in "Iv":
        folded = compiled.traces[variable].values[6]
        assert alone.traces[variable].values[0].tobytes() == folded.tobytes()
    # one program serves all files
    programs = {cache.folder_of(b.structure) for b in izhi.plan(sweep).batches}
    assert len(programs) == 1 and len(izhi.plan(sweep).batches) == 4


def test_a_file_in_other_forms(current, tmp_path, run) -> None:
    expected = run(*given(current), "run.engine=numpy").traces["I"].values
    plain = written(tmp_path / "plain.csv", "x,I,seconds", VALUES, VALUES, TIMES / 1000)
    found = run(
        *given(plain), "stimulus.column=I", "stimulus.time=seconds", "stimulus.unit=mV",
        "stimulus.time_unit=s", "run.engine=numpy",
    )  # fmt: skip
    np.testing.assert_allclose(found.traces["I"].values, expected, rtol=1e-9, atol=1e-15)
    with netCDF4.Dataset(tmp_path / "current.nc", "w") as file:
        file.createDimension("time", TIMES.size)
        for name, unit, numbers in (("I", "uV", VALUES * 1000), ("time", "ms", TIMES)):
            variable = file.createVariable(name, "f8", ("time",))
            variable[:], variable.units = numbers, unit
    found = run(*given(tmp_path / "current.nc"), "run.engine=numpy")
    np.testing.assert_allclose(found.traces["I"].values, expected, rtol=1e-9, atol=1e-15)


def test_a_sum_with_a_current_of_another_unit(current, run) -> None:
    """A file of one's own config, in a sum, for a cell whose I is in ampere."""
    study = run(
        "circuit=single", "simulation.duration=50 ms", "record.traces=all", "neuron.R=1 Mohm",
        "stimulus=step", "stimulus.amplitude=2 nA", "stimulus.onset=10 ms",
        "+stimulus@stimulus.noise=file", f"stimulus.noise.file={current}",
        "stimulus.noise.unit=nA", "run.engine=numpy",
    )  # fmt: skip
    at = np.arange(500) * 0.1
    expected = np.interp(at, TIMES, VALUES) + np.where(at < 10 - 1e-9, 0, 2)
    np.testing.assert_allclose(study.traces["I"].values[0, 0], expected * 1e-9, rtol=1e-12)


def test_a_study_keeps_its_files(current, tmp_path) -> None:
    settings = {"name": "kept", "dir": tmp_path, "progress": False}
    study = izhi.run([*given(current), "run.engine=numpy"], **settings)
    (kept,) = (study.path / "inputs").iterdir()
    assert kept.read_bytes() == current.read_bytes()
    assert cli.main(["export", str(study.path), "--to", "crate"]) == 0
    assert (tmp_path / "kept-crate" / "inputs" / kept.name).read_bytes() == current.read_bytes()
    again = written(tmp_path / "again.csv", "t [ms],I [mV]", TIMES, VALUES[::-1])

    # changed under its name: other settings
    shutil.move(current, tmp_path / "before.csv")
    shutil.copy(again, current)
    with pytest.raises(StudyError, match=r"study.name = kept: .*stimulus\.sha256: .* there, "):
        izhi.run([*given(current), "run.engine=numpy"], **settings)
    inputs._HELD.clear()
    assert verify.verify(study.path, 1, lambda text: None).problems == []
    done = reproduce.reproduce(study.path, ["run.n_jobs=1"], progress=False)
    assert done.before == done.now
    assert [path.name for path in (done.path / "inputs").iterdir()] == [kept.name]

    # gone: the study goes on with what it keeps
    current.unlink()
    inputs._HELD.clear()
    grown = izhi.run([*given(current), "run.engine=numpy", "stimulus.scale=1,2"], **settings)
    assert grown.dataset["status"].size == 2
    with pytest.raises(ConfigError, match=r"^stimulus\.file = .*: no such file"):
        izhi.run([*given(current), "run.engine=numpy"], dir=tmp_path, progress=False, name="new")

    # and a damaged copy is found
    kept.write_text("t [ms],I [mV]\n0,1\n99,1\n")
    inputs._HELD.clear()
    problems = verify.verify(study.path, 1, lambda text: None).problems
    assert len(problems) == 1 and "not what stimulus.file = " in problems[0]


HEAD = "t [ms],I [mV]\n"
# Each row: what a file holds, further overrides, and what is said of them.
WRONG = [
    ("", [], ": its first line has to name the columns, as in t [ms],I [nA]"),
    ("0,1\n1,2\n", [], ": its first line has to name the columns, as in t [ms],I [nA]"),
    (HEAD, [], ": 0 samples; a current has two or more"),
    (HEAD + "0,1\n", [], ": 1 samples; a current has two or more"),
    (HEAD + "0,1\n1,x\n2,3\n", [], ": line 3: expected numbers, separated by commas"),
    (HEAD + "0,1\n1\n2,3\n", [], ": line 3: expected numbers, separated by commas"),
    (HEAD + "0,1\n1,nan\n60,3\n", [], ": sample 2: values have to be finite"),
    (HEAD + "0,1\n1,1e999\n60,3\n", [], ": sample 2: values have to be finite"),
    (HEAD + "0,1\n2,2\n2,3\n60,3\n", [], ": sample 3: times have to rise from sample to sample"),
    (HEAD + "0,1\n40,3\n", [], ": covers 0 s to 0.04 s, but the simulation lasts from 0 s to its "),
    (HEAD + "5,1\n60,3\n", [], ": covers 0.005 s to 0.06 s, but the simulation lasts from 0 s to "),
    ("t,I\n0,1\n60,1\n", [], "stimulus.time_unit: missing; current.csv does not say it, as a head"),
    ("t [ms],I\n0,1\n60,1\n", [], "stimulus.unit: missing; current.csv does not say it, as a head"),
    ("t [ms],I [mv]\n0,1\n60,1\n", [], "stimulus.unit = mv: 'mv' is no unit; did you mean mV?"),
    ("t [mV],I [mV]\n0,1\n60,1\n", [], "stimulus.time_unit = mV: expected a time, not a voltage"),
    ("t [ms],I [nA]\n0,1\n60,1\n", [], "stimulus.current: the term scale * recorded is a curre"),
    (HEAD + "0,1\n60,1\n", ["stimulus.column=J"],
     "stimulus.column = J: current.csv has no such column; there are I, t"),
    ("t [ms],I [mV],J [mV]\n0,1,2\n60,1,2\n", [],
     "stimulus.column: missing; current.csv has beside the time I, J: name one"),
    ("t [ms],I [mV],I [mV]\n0,1,2\n60,1,2\n", ["stimulus.column=I"],
     "stimulus.column = I: current.csv has 2 columns of this name; give each a name of its own"),
    (HEAD + "0,1\n60,1\n", ["stimulus.between=cubic"], "stimulus.between = cubic: no such choic"),
    (HEAD + "0,1\n60,1\n", [f"stimulus.sha256={'0' * 64}"], ": its SHA-256 is "),
    (HEAD + "0,1\n60,1\n", ["stimulus.current='scale*10*mV'"],
     "stimulus.file: the current does not use recorded"),
    (b"\xff\xfe\x00", [], ": neither netCDF nor UTF-8 text"),
    (b"CDF\x01" + b"\xff" * 60, [], ": netCDF that cannot be read"),
    (b"\x89HDF\r\n\x1a\n" + b"\0" * 60, [], ": netCDF that cannot be read"),
]  # fmt: skip


@pytest.mark.parametrize(("data", "others", "said"), WRONG, ids=[row[2][:60] for row in WRONG])
def test_files_that_cannot_be(data, others, said, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("current.csv").write_bytes(data if isinstance(data, bytes) else data.encode())
    start = "stimulus.file = current.csv" if said.startswith(":") else ""
    with pytest.raises(ConfigError) as error:
        izhi.plan([*FILE, "stimulus.file=current.csv", *others])
    assert str(error.value).startswith(start + said)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("kind", KINDS)
def test_values_in_another_file_are_not_read(kind, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    with netCDF4.Dataset("current.nc", "w") as file:
        file.createDimension("time", TIMES.size)
        for name, unit, numbers in (("I", "mV", VALUES), ("time", "ms", TIMES)):
            variable = file.createVariable(name, "f8", ("time",))
            variable[:], variable.units = numbers, unit
    izhi.plan([*FILE, "stimulus.file=current.nc"])
    move_values(tmp_path / "current.nc", "I", kind, tmp_path / "secret")
    with pytest.raises(ConfigError, match=r"current\.nc: netCDF whose values lie in another file$"):
        izhi.plan([*FILE, "stimulus.file=current.nc"])


def test_what_is_no_file_is_not_opened(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("folder").mkdir()
    for name in ("folder", "/dev/zero"):
        with pytest.raises(ConfigError, match=f"^stimulus.file = {name}: no file to read data fr"):
            izhi.plan([*FILE, f"stimulus.file={name}"])
    monkeypatch.setattr(inputs, "MOST_BYTES", 10)
    Path("current.csv").write_text("t [ms],I [mV]\n0,1\n60,1\n")
    with pytest.raises(ConfigError, match=r"current\.csv: 23 bytes; a file of data has at most 10"):
        izhi.plan([*FILE, "stimulus.file=current.csv"])
    with pytest.raises(ConfigError, match=r"curent\.csv: no such file; did you mean current\.csv"):
        izhi.plan([*FILE, "stimulus.file=curent.csv"])
    with pytest.raises(ConfigError, match=r"^stimulus\.file: missing; expected the name of a CSV"):
        izhi.plan(FILE)


@pytest.mark.parametrize("name", ["/etc/passwd", "../secret.csv", "~/secret.csv"])
def test_a_config_names_files_below_the_working_folder_only(name, tmp_path) -> None:
    (tmp_path / "stimulus").mkdir()
    (tmp_path / "stimulus" / "theirs.yaml").write_text(
        f"model: theirs\nfile: {name}\ncurrent: scale*recorded\nscale: 1\n"
    )
    with pytest.raises(ConfigError) as error:
        izhi.plan(["stimulus=theirs"], config_dir=tmp_path)
    assert str(error.value) == (
        f"stimulus.file = {name}: a config can only name a file below this folder; give "
        "stimulus.file yourself, on the command line or in Python"
    )
