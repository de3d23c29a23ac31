"""Nothing in the working folder is run or read: no module, program, library, header, settings."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

import izhi
from izhi import children
from izhi.study import provenance

HOSTILE = ("random", "sympy", "numpy", "brian2", "joblib", "platform", "tempfile", "sitecustomize",
           "gmpy2", "lz4", "pylab", "zlib", "signal", "yaml")  # fmt: skip


@pytest.fixture
def hostile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a working folder with files in the place of Python's modules; each says that it ran."""
    for name in HOSTILE:
        text = f"import os\nos.open('ran-{name}', os.O_CREAT)\nraise SystemExit('{name}.py ran')\n"
        (tmp_path / f"{name}.py").write_text(text)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def ran(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.glob("ran-*"))


TINY = ["circuit=single", "simulation.duration='20 ms'", "stimulus.onset='2 ms'"]
TWO = ["-m", *TINY, "stimulus.amplitude=20,30", "run.n_jobs=2", "run.shard_points=1"]


@pytest.mark.parametrize("engine", ["numpy", "compiled"])
def test_modules_of_the_working_folder_are_run_by_no_process(
    engine, hostile, compiler, monkeypatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(hostile / "cache"))  # so that there is a build
    command = [sys.executable, "-m", "izhi", "run", *TWO, f"run.engine={engine}", "study.name=s"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert (done.returncode, ran(hostile)) == (0, []), done.stderr


def test_nor_where_the_process_itself_looks_there_first(hostile, compiler, monkeypatch) -> None:
    """As in a notebook: an empty entry is the first of the search path."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(hostile / "cache"))
    monkeypatch.syspath_prepend("")
    for engine in ("numpy", "compiled"):
        overrides = [word for word in TWO if word != "-m"]
        study = izhi.run([*overrides, f"run.engine={engine}"], name=engine, progress=False)
        assert (study.dataset.status == 0).all()
    assert ran(hostile) == []
    assert sys.path[0] == "" and "PYTHONSAFEPATH" not in os.environ


@pytest.mark.parametrize("entry", ["", ".", "{folder}", "{folder}/", "{folder}/../{name}", "link"])
def test_the_working_folder_is_left_out_however_it_is_written(entry, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "link").symlink_to(tmp_path)
    monkeypatch.setattr(sys, "path", [entry.format(folder=tmp_path, name=tmp_path.name), *sys.path])
    folders = [os.path.realpath(folder) for folder in children.search_path()]
    assert str(tmp_path) not in folders
    assert os.path.realpath(Path(izhi.__file__).parents[1]) in folders
    assert all(map(os.path.isabs, children.search_path()))


def test_izhi_and_installed_packages_are_found_wherever_one_works(monkeypatch) -> None:
    installed = Path(pytest.__file__).parents[1]
    monkeypatch.chdir(installed)
    assert str(installed) in children.search_path()
    root = Path(izhi.__file__).parents[1]
    monkeypatch.chdir(root)
    assert children.search_path()[-1] == str(root.resolve())


def test_a_child_gets_the_path_and_no_other(tmp_path, monkeypatch) -> None:
    (tmp_path / "mine.py").write_text(
        "import json, sys\ndef show(): print(json.dumps([sys.path, sys.flags.safe_path]))\n"
    )
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    shown = subprocess.run(children.command("mine:show"), capture_output=True, check=True).stdout
    assert json.loads(shown) == [children.search_path(), True]


PROGRAMS = ("git", "uname", "file", "fc-list", "g++", "as", "ld", "lscpu", "ldconfig", "sh", "env")


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a working folder with programs in it; each says that it ran."""
    folder = tmp_path / "here"
    (folder / "bin").mkdir(parents=True)
    for name in PROGRAMS:
        for place in (folder, folder / "bin"):
            (place / name).write_text(f"#!/bin/sh\n: > {folder}/ran-{name}\nexit 1\n")
            (place / name).chmod(0o755)
    monkeypatch.chdir(folder)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))  # so that there is a build
    monkeypatch.setenv("MPLCONFIGDIR", str(tmp_path / "matplotlib"))  # and a search for fonts
    return folder


RELATIVE = ":.:bin:./bin:"


@pytest.mark.parametrize(
    "command", [["run", *TWO, "study.name=s"], ["doctor"]], ids=["run", "doctor"]
)
def test_programs_of_the_working_folder_are_run_by_no_process(
    command, programs, compiler, monkeypatch
) -> None:
    monkeypatch.setenv("PATH", RELATIVE + os.environ["PATH"])
    done = subprocess.run([sys.executable, "-m", "izhi", *command], capture_output=True, text=True)
    assert (done.returncode, ran(programs)) == (0, []), done.stderr


SWEEP_OF_A_PROGRAM = """
import izhi
from izhi import doctor
from pathlib import Path
for engine in ("numpy", "compiled"):
    izhi.run([*{sweep}, f"run.engine={{engine}}", "run.report=none"], name=engine, progress=False)
assert all(finding.well for finding in doctor.examine(Path("studies")))
"""


def test_nor_by_a_program_that_calls_izhi(programs, compiler, monkeypatch) -> None:
    monkeypatch.setenv("PATH", RELATIVE + os.environ["PATH"])
    code = SWEEP_OF_A_PROGRAM.format(sweep=[word for word in TWO if word != "-m"])
    done = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True)
    assert (done.returncode, ran(programs)) == (0, []), done.stderr


@pytest.mark.parametrize("kept", ["", ".", "bin:", "/nowhere", ":/nowhere:./bin"])
def test_a_path_that_leads_nowhere_is_not_the_working_folder(kept, programs, monkeypatch) -> None:
    monkeypatch.setenv("PATH", kept)
    assert children.find_program("git") is None
    assert all(map(os.path.isabs, children.programs_path().split(os.pathsep)))
    subprocess.run(["/bin/sh", "-c", "git; uname"], env=children.safe_variables(), check=False)
    assert ran(programs) == []


def test_a_processor_without_a_name_is_asked_of_no_program(programs, monkeypatch) -> None:
    """As on ARM, whose /proc/cpuinfo tells of no model."""
    monkeypatch.setenv("PATH", RELATIVE + os.environ["PATH"])
    monkeypatch.setattr(Path, "read_text", lambda *_, **__: "")
    platform.uname().__dict__.pop("processor", None)
    assert provenance._processor() == platform.machine()
    assert ran(programs) == []


@pytest.mark.parametrize("kind", ["file", "pipe"])
def test_no_settings_of_netcdf_are_read(kind, tmp_path, monkeypatch) -> None:
    """A pipe stops for ever who opens it to read."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    names = (".ncrc", ".daprc", ".dodsrc")
    for folder in (tmp_path, tmp_path / "home"):
        folder.mkdir(exist_ok=True)
        for name in names:
            if kind == "pipe":
                os.mkfifo(folder / name)
            else:
                (folder / name).write_text("HTTP.USERAGENT=mine\n")
    command = [sys.executable, "-m", "izhi", "run", *TWO[:-2], "run.n_jobs=1", "run.engine=numpy",
               "study.name=s"]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    code = """
import os
from izhi import netcdf
with netcdf.open("studies/s/dataset.nc"):
    import netCDF4
assert "NCRCENV_RC" not in os.environ
print(netCDF4.rc_get("HTTP.USERAGENT"))
"""
    shown = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, timeout=60)
    assert shown.stdout == b"None\n", shown.stderr


@pytest.mark.parametrize("kind", ["bytes", "pipe"])
@pytest.mark.parametrize("command", [["run", "run.engine=numpy"], ["plot"]])
def test_no_settings_of_matplotlib_are_read(kind, command, tmp_path, monkeypatch) -> None:
    """Brian2 imports matplotlib, too."""
    monkeypatch.chdir(tmp_path)
    if kind == "pipe":
        os.mkfifo("matplotlibrc")
    else:
        Path("matplotlibrc").write_bytes(b"\xff\xfe: no text\n")
    asked = ["circuit=single", "simulation.duration='40 ms'"]
    words = [sys.executable, "-m", "izhi", *command, *asked]
    done = subprocess.run(words, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert "matplotlib" not in done.stderr and "Traceback" not in done.stderr


def test_settings_of_netcdf_that_a_user_names_are_read(tmp_path, monkeypatch) -> None:
    (tmp_path / "mine").write_text("HTTP.USERAGENT=mine\n")
    monkeypatch.setenv("NCRCENV_RC", str(tmp_path / "mine"))
    code = """
from izhi import netcdf
with netcdf.open("x.nc", "w"):
    import netCDF4
    print(netCDF4.rc_get("HTTP.USERAGENT"))
"""
    monkeypatch.chdir(tmp_path)
    shown = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, timeout=60)
    assert shown.stdout == b"mine\n", shown.stderr
