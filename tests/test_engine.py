"""Builds, programs that fail, shards that fail: nothing is believed that is not whole."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import textwrap
import time
from pathlib import Path

import numpy as np
import pytest

import izhi
from izhi import cli
from izhi.engine import cache, compiled, prepare, schedule
from izhi.engine.cache import Build
from izhi.errors import EngineError
from izhi.spikes import Settings
from izhi.study import worker
from izhi.sweep import plan as plans

# The smallest network: one cell, 200 steps.
TINY = [
    "circuit=single", "simulation.duration='20 ms'", "stimulus.onset='2 ms'", "run.n_jobs=1",
]  # fmt: skip
SWEEP = ["stimulus.amplitude=10,20,30"]


def run_tiny(folder: Path, name: str, *overrides: str, progress: bool = False) -> izhi.Study:
    return izhi.run([*TINY, *overrides], name=name, dir=folder, progress=progress)


@pytest.fixture
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "izhi" / "builds"


@pytest.fixture
def costly_numpy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let `auto` choose the compiled engine for whatever it runs."""
    dear = {**plans._COSTS, "numpy": (1e6, 0.0, 0.0, 0.0)}
    monkeypatch.setattr(plans, "_COSTS", dear)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> izhi.Study:
    """Give a study of the compiled engine, after which its program is in the cache."""
    if cache.compiler() is None:
        pytest.skip("there is no C++ compiler")
    return run_tiny(tmp_path_factory.mktemp("built"), "built", *SWEEP, "run.engine=compiled")


# ---------------------------------------------------------------- compilers that are not there


def test_without_a_compiler_numpy_is_used_and_one_line_says_so(
    tmp_path, monkeypatch, capfd
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CXX", raising=False)
    study = run_tiny(tmp_path, "none", *SWEEP, progress=True)
    out, err = capfd.readouterr()
    assert err.splitlines()[-1] == "no C++ compiler (g++) found: using the numpy engine"
    assert out == ""
    assert (study.dataset.status == 0).all()
    assert next(e for e in study.log if e["event"] == "planned")["engines"] == ["numpy"]


def test_asked_for_numpy_nothing_is_said_of_a_missing_compiler(
    tmp_path, monkeypatch, capfd
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    run_tiny(tmp_path, "numpy", "run.engine=numpy", progress=True)
    assert "compiler" not in capfd.readouterr().err  # of git, which is not there, too, it says so


def test_a_compiler_is_looked_for_by_name(tmp_path, monkeypatch) -> None:
    for name in ("g++", "my-g++"):
        program = tmp_path / name
        program.write_text("#!/bin/sh\n")
        program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CXX", raising=False)
    assert cache.compiler() == str(tmp_path / "g++")
    monkeypatch.setenv("CXX", "my-g++ -O1")
    assert cache.compiler() == str(tmp_path / "my-g++")
    monkeypatch.setenv("CXX", "no-such-compiler")
    assert cache.compiler() is None


def test_a_compiler_that_fails_is_an_error_or_a_reason_for_numpy(
    tmp_path, monkeypatch, capfd, empty_cache, costly_numpy
) -> None:
    if cache.compiler() is None:
        pytest.skip("there is no C++ compiler")
    failing = tmp_path / "broken-g++"
    failing.write_text("#!/bin/sh\necho 'my compiler is broken' >&2\nexit 1\n")
    failing.chmod(0o755)
    monkeypatch.setenv("CXX", str(failing))
    study = run_tiny(tmp_path, "auto", *SWEEP, progress=True)
    lines = capfd.readouterr().err.splitlines()
    assert lines[0] == "building 1 C++ program, once and for all ..."
    assert lines[1] == "building the C++ program failed:"
    assert "my compiler is broken" in lines
    assert "File" not in "".join(lines)  # no traceback
    assert lines[-1] == "using the numpy engine"
    assert (study.dataset.status == 0).all()
    (event,) = [event for event in study.log if event["event"] == "warning"]
    assert "my compiler is broken" in event["text"]
    # neither a program nor a half-made folder stays
    assert list(empty_cache.iterdir()) == []


def test_a_build_that_fails_is_an_error_where_it_was_asked_for(
    tmp_path, monkeypatch, empty_cache, capsys
) -> None:
    def fail(structure, work, stopped):
        raise EngineError("building the C++ program failed:\nno space left")

    monkeypatch.setattr(cache, "compiler", lambda: "/usr/bin/g++")
    told = {"compiler": "13", "command": "g++", "variables": ""}
    monkeypatch.setattr(cache, "toolchain", lambda: told)
    monkeypatch.setattr(cache, "_run_build", fail)
    with pytest.raises(EngineError, match=r"building the C\+\+ program failed:\nno space left"):
        run_tiny(tmp_path, "asked", "run.engine=compiled")
    status = cli.main(["run", *TINY, "run.engine=compiled", f"study.dir={tmp_path}",
                       "study.name=asked"])  # fmt: skip
    out, err = capsys.readouterr()
    assert status == 1
    assert out == ""
    assert err.splitlines()[-1] == "error: building the C++ program failed: no space left"


# ---------------------------------------------------------------- the cache of builds


def test_a_second_run_builds_nothing(built, tmp_path, monkeypatch) -> None:
    (event,) = [event for event in built.log if event["event"] == "built"]

    def refuse(*_):
        raise AssertionError("this was built already")

    monkeypatch.setattr(cache, "_run_build", refuse)
    plan = izhi.plan([*TINY, "stimulus.amplitude=5,6", "neuron=chattering,resonator",
                      "run.engine=compiled"])  # fmt: skip
    assert plan.builds == 0
    builds = prepare.builds(plan, [0])
    assert builds[0].program.parent.name == event["key"]
    assert cache.make(plan.batches[0].structure) == builds[0]
    study = run_tiny(tmp_path, "again", *SWEEP, "run.engine=compiled")
    assert study.dataset.drop_attrs(deep=False).identical(built.dataset.drop_attrs(deep=False))


def test_a_warm_run_does_not_import_brian2(built, tmp_path) -> None:
    arguments = ["run", "-m", *TINY, *SWEEP, "run.engine=compiled", "study.name=warm"]
    code = textwrap.dedent(f"""
        import sys
        from izhi import cli
        status = cli.main({arguments!r})
        open("loaded", "w").write(" ".join(sys.modules))
        sys.exit(status)
    """)
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")
    loaded = set((tmp_path / "loaded").read_text().split())
    assert {"izhi.engine.compiled", "izhi.study.gather"} <= loaded
    assert not {"brian2", "xarray", "pandas"} & loaded


def test_both_engines_give_the_same_spikes(built, tmp_path) -> None:
    numpy = run_tiny(tmp_path, "numpy", *SWEEP, "run.engine=numpy")
    for amplitude in (10, 20, 30):
        ours = built.spike_times("cell0", amplitude=amplitude)
        assert ours.size > 0
        assert np.array_equal(ours, numpy.spike_times("cell0", amplitude=amplitude))


def test_a_broken_build_is_made_again(monkeypatch, empty_cache) -> None:
    plan = izhi.plan([*TINY, "run.engine=compiled"])
    structure = plan.batches[0].structure
    made: list[Path] = []

    def pretend(structure, work, stopped):
        made.append(work)
        (work / "build.json").write_text(json.dumps({"inputs": [["v", f"f{len(made)}"]]}))
        (work / "main").write_text("#!/bin/sh\n")
        (work / "main").chmod(0o755)
        (work / "objects.o").write_text("")

    monkeypatch.setattr(cache, "_run_build", pretend)
    assert cache.find(structure) is None
    first = cache.make(structure)
    assert first.inputs == (("v", "f1"),)
    assert cache.make(structure) == first and len(made) == 1
    assert sorted(p.name for p in first.program.parent.iterdir()) == ["build.json", "main"]
    (first.program.parent / "build.json").write_text('{"inputs"')
    assert cache.make(structure).inputs == (("v", "f2"),)
    first.program.unlink()
    assert cache.make(structure).inputs == (("v", "f3"),)
    first.program.chmod(0o644)
    if os.access(first.program, os.X_OK):
        pytest.skip("this user may execute anything")
    assert cache.make(structure).inputs == (("v", "f4"),)
    assert [p.name for p in empty_cache.iterdir()] == [first.program.parent.name]


CONCURRENT = """
import json, sys, time
from pathlib import Path
import izhi
from izhi.engine import cache

me, other, overrides = Path(sys.argv[1]), Path(sys.argv[2]), json.loads(sys.argv[3])

def pretend(structure, work, stopped):
    me.touch()
    time.sleep(0.5)  # the other one comes meanwhile
    (work / "build.json").write_text(json.dumps({"inputs": []}))
    (work / "main").write_text("#!/bin/sh\\n")
    (work / "main").chmod(0o755)

cache._run_build = pretend
cache.toolchain = lambda: {}
batch = izhi.plan(overrides).batches[0]
print(cache.make(batch.structure).program)
"""


def test_of_two_processes_that_need_the_same_build_one_makes_it(tmp_path, empty_cache) -> None:
    names = [str(tmp_path / "a"), str(tmp_path / "b")]
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", CONCURRENT, *order, json.dumps(TINY)],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        for order in (names, names[::-1])
    ]  # fmt: skip
    said = [process.communicate(timeout=60) for process in processes]
    assert [process.returncode for process in processes] == [0, 0], said
    assert said[0][0] == said[1][0]
    (folder,) = empty_cache.iterdir()
    assert Path(said[0][0].strip()) == folder / "main"
    assert sum(Path(name).exists() for name in names) == 1


def pretend_builds(monkeypatch: pytest.MonkeyPatch, made: list[Path] | None = None) -> list[Path]:
    """Have builds that take no time; return where they were made."""
    made = [] if made is None else made

    def pretend(structure, work, stopped):
        made.append(work)
        (work / "build.json").write_text(json.dumps({"inputs": [["v", f"f{len(made)}"]]}))
        (work / "main").write_text("#!/bin/sh\n")
        (work / "main").chmod(0o755)

    monkeypatch.setattr(cache, "_run_build", pretend)
    return made


@pytest.fixture
def no_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a folder for temporary files, where the cache is a file."""
    (tmp_path / "file").write_text("")
    (tmp_path / "tmp").mkdir()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    return tmp_path / "tmp"


@pytest.fixture
def programs() -> Path:
    """Give the cache of the session."""
    return cache.root()


def tiny_structure():
    return izhi.plan([*TINY, "run.engine=numpy"]).batches[0].structure


def test_without_a_cache_programs_are_kept_among_temporary_files(no_cache, monkeypatch) -> None:
    made = pretend_builds(monkeypatch)
    structure = tiny_structure()
    assert cache.find(structure) is None
    build = cache.make(structure)
    assert build.program.parent.parent == no_cache / f"izhi-{os.geteuid()}" / "builds"
    assert build.note == (
        f"{cache.root()}: the cache of builds cannot be written: Not a directory; "
        f"programs are in {cache.spare()}"
    )
    assert (no_cache / f"izhi-{os.geteuid()}").stat().st_mode & 0o777 == 0o700
    assert cache.find(structure) == cache.Build(build.program, build.inputs)
    assert cache.make(structure) == build and len(made) == 1


REASONS = {
    errno.EROFS: "Read-only file system", errno.ENOSPC: "No space left on device",
    errno.EACCES: "Permission denied", errno.EDQUOT: "Disk quota exceeded",
    errno.ENOENT: "No such file or directory",
}  # fmt: skip


@pytest.mark.parametrize("number", REASONS, ids=errno.errorcode.get)
def test_each_cause_is_told_by_its_name(number, empty_cache, tmp_path, monkeypatch, capfd) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    pretend_builds(monkeypatch)
    make = tempfile.mkdtemp

    def refuse(*arguments, **settings):
        if Path(settings["dir"]) == cache.root():
            raise OSError(number, os.strerror(number))
        return make(*arguments, **settings)

    monkeypatch.setattr(tempfile, "mkdtemp", refuse)
    build = cache.make(tiny_structure())
    assert build.note.startswith(f"{cache.root()}: the cache of builds cannot be written: ")
    assert REASONS[number] in build.note
    assert build.program.is_relative_to(cache.spare())


def test_where_no_program_can_be_run_there_is_no_cache(empty_cache, tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    pretend_builds(monkeypatch)
    access = os.access

    def refuse(path, mode):  # as a file system does that is mounted so
        return not Path(path).is_relative_to(empty_cache) and access(path, mode)

    monkeypatch.setattr(os, "access", refuse)
    build = cache.make(tiny_structure())
    assert "cannot be written: no program can be run there; programs are in " in build.note
    assert list(empty_cache.iterdir()) == []


@pytest.mark.parametrize("said", ["g++: No space left on device", "OSError: Disk quota exceeded"])
def test_a_disk_that_fills_up_during_a_build_is_no_fault_of_the_compiler(said) -> None:
    with pytest.raises(OSError, match=re.escape(said.partition(": ")[2])):
        cache._check_room(f"Traceback ...\n{said}\n")
    cache._check_room("error: expected ;")


def test_a_run_says_where_its_programs_are(
    built, programs, no_cache, tmp_path, monkeypatch, capfd
) -> None:
    structure = izhi.plan([*TINY, *SWEEP, "run.engine=compiled"]).batches[0].structure
    there = cache.spare() / cache.folder_of(structure).name
    there.parent.parent.mkdir(mode=0o700)
    (event,) = [event for event in built.log if event["event"] == "built"]
    shutil.copytree(programs / event["key"], there)
    study = run_tiny(tmp_path, "elsewhere", *SWEEP, "run.engine=compiled", progress=True)
    (line,) = capfd.readouterr().err.splitlines()
    assert line.startswith(
        f"{cache.root()}: the cache of builds cannot be written: Not a directory"
    )
    (event,) = [event for event in study.log if event["event"] == "warning"]
    assert event["text"] == line
    assert (study.dataset.status == 0).all()


def test_nobody_else_s_folder_is_taken(no_cache, monkeypatch) -> None:
    made = pretend_builds(monkeypatch)
    mine = no_cache / f"izhi-{os.geteuid()}"
    structure = tiny_structure()
    spoilt = "expected a folder of this user's alone"

    def check_refused() -> None:
        assert cache.find(structure) is None
        with pytest.raises(EngineError, match=spoilt) as raised:
            cache.make(structure)
        assert "\n" not in str(raised.value) and made == []
        assert "the cache of builds cannot be written: Not a directory" in str(raised.value)
        assert str(raised.value).endswith("set XDG_CACHE_HOME to a folder that can")

    mine.mkdir()
    for mode in (0o777, 0o770, 0o705, 0o1777):  # others may write there, or look
        mine.chmod(mode)
        check_refused()
    mine.chmod(0o700)
    others = os.geteuid() + 1
    monkeypatch.setattr(os, "geteuid", lambda: others)
    mine.rename(no_cache / f"izhi-{others}")
    check_refused()
    monkeypatch.undo()


def test_no_link_is_taken_for_a_folder_of_one_s_own(no_cache, tmp_path, monkeypatch) -> None:
    pretend_builds(monkeypatch)
    (tmp_path / "elsewhere").mkdir(mode=0o700)
    (no_cache / f"izhi-{os.geteuid()}").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(EngineError, match="expected a folder of this user's alone"):
        cache.make(tiny_structure())
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_a_path_that_depends_on_the_working_folder_is_no_cache(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for name in ("", "cache", "./cache", "~/cache"):
        monkeypatch.setenv("XDG_CACHE_HOME", name)
        assert cache.root() == tmp_path / "home" / ".cache" / "izhi" / "builds"
    monkeypatch.setenv("TMPDIR", "tmp")
    assert cache.spare().is_relative_to("/tmp")


DAMAGES = {
    "no description": lambda folder: (folder / "build.json").unlink(),
    "half a description": lambda folder: (folder / "build.json").write_text('{"inputs"'),
    "another description": lambda folder: (folder / "build.json").write_text("[]"),
    "no program": lambda folder: (folder / "main").unlink(),
    "half a program": lambda folder: (folder / "main").write_text("#!"),
    "a program that is a folder": lambda folder: [(folder / "main").unlink(),
                                                  (folder / "main").mkdir()],
    "a program that is a link": lambda folder: [(folder / "main").unlink(),
                                                (folder / "main").symlink_to("/bin/true")],
    "an empty folder": lambda folder: [shutil.rmtree(folder), folder.mkdir()],
    "a file": lambda folder: [shutil.rmtree(folder), folder.write_text("")],
    "a link to nowhere": lambda folder: [shutil.rmtree(folder), folder.symlink_to("nowhere")],
    "a link to a folder": lambda folder: [shutil.rmtree(folder),
                                          folder.symlink_to(folder.parent.parent)],
    "a pipe": lambda folder: [shutil.rmtree(folder), os.mkfifo(folder)],
    "a folder that nobody may enter": lambda folder: [(folder / "main").write_text(""),
                                                      folder.chmod(0)],
}  # fmt: skip


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_whatever_is_in_the_place_of_a_build_is_made_anew(damage, empty_cache, monkeypatch) -> None:
    made = pretend_builds(monkeypatch)
    structure = tiny_structure()
    folder = cache.make(structure).program.parent
    damage(folder)
    assert cache.find(structure) is None
    assert cache.make(structure).inputs == (("v", "f2"),)
    assert cache.make(structure).inputs == (("v", "f2"),) and len(made) == 2
    assert [path.name for path in empty_cache.iterdir()] == [folder.name]
    assert folder.is_dir() and not folder.is_symlink()


def test_what_a_killed_build_left_is_removed_at_the_next(empty_cache, monkeypatch) -> None:
    made = pretend_builds(monkeypatch)
    empty_cache.mkdir(parents=True)
    code = f"""
import os, signal
from izhi.engine import cache
def killed(structure, work, stopped):
    os.kill(os.getpid(), signal.SIGKILL)
cache._run_build = killed
import izhi
cache.make(izhi.plan({TINY!r}).batches[0].structure)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True)
    assert done.returncode == -signal.SIGKILL
    (left,) = empty_cache.glob(".building-*")
    young = empty_cache / ".building-about-to-be-locked"
    young.mkdir()
    alive = empty_cache / ".building-alive"
    alive.mkdir()
    with open(alive / "maker", "wb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        cache.make(tiny_structure())
        assert not left.exists() and young.is_dir() and alive.is_dir()
    assert len(made) == 1
    os.utime(young, (0, 0))
    monkeypatch.setattr(cache, "replicas", lambda structure: 24)  # another build
    cache.make(tiny_structure())
    assert list(empty_cache.glob(".building-*")) == []


def test_a_killed_run_takes_its_build_and_the_compiler_along(
    compiler, empty_cache, tmp_path, monkeypatch
) -> None:
    slow = tmp_path / "slow-g++"
    slow.write_text(f"#!/bin/sh\ncase $1 in --version) exit;; esac\n"
                    f"echo $$ > {tmp_path}/pid\nsleep 100\n")  # fmt: skip
    slow.chmod(0o755)
    process = subprocess.Popen(
        [sys.executable, "-m", "izhi", "run", *TINY, "run.engine=compiled", "study.name=s"],
        cwd=tmp_path, env={**os.environ, "CXX": str(slow)}, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    deadline = time.monotonic() + 60
    while not (tmp_path / "pid").exists() or not (tmp_path / "pid").read_text():
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.02)
    compiling = int((tmp_path / "pid").read_text())
    assert list(empty_cache.glob(".building-*"))
    process.kill()
    process.wait()
    while Path(f"/proc/{compiling}").exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not Path(f"/proc/{compiling}").exists()
    assert list(empty_cache.glob(".building-*")) == []


def test_the_key_of_a_build_holds_what_it_depends_on(monkeypatch) -> None:
    structure = izhi.plan(TINY).batches[0].structure
    before = cache.folder_of(structure)
    assert cache.folder_of(structure) == before
    longer = izhi.plan([*TINY, "simulation.duration='21 ms'"]).batches[0].structure
    assert cache.folder_of(longer) == before
    finer = izhi.plan([*TINY, "simulation.dt='0.05 ms'"]).batches[0].structure
    assert cache.folder_of(finer) != before
    found = cache.toolchain()
    assert {"brian2", "numpy", "python", "cpu", "sources", "compiler", "command",
            "variables"} == set(found)  # fmt: skip
    for name in found:
        monkeypatch.setattr(cache, "toolchain", lambda name=name: {**found, name: "another"})
        assert cache.folder_of(structure) != before
        monkeypatch.undo()
    monkeypatch.setattr(cache, "replicas", lambda structure: 24)
    assert cache.folder_of(structure) != before


# ---------------------------------------------------------------- programs that fail

POINTS = 2
WHOLE = (
    np.array([POINTS, 3], np.int64),  # points, spikes
    np.array([2, 1], np.int32),  # spikes of each train
    np.array([1, 0, 0, 0, 0, 0, 0, 0], np.int8),  # finite or not, up to 8 bytes
    np.array([5, 7, 5, 0], np.int32),  # their steps, up to 16 bytes
)


def simulate(folder: Path, script: str, **values: float):
    """Run a shell script as the program of a build, in a folder with ``whole`` results."""
    folder.mkdir(exist_ok=True)
    (folder / "whole").write_bytes(b"".join(part.tobytes() for part in WHOLE))
    program = folder / "main"
    program.write_text(f"#!/bin/sh\ncd {folder}\n{script}\n")
    program.chmod(0o755)
    plan = izhi.plan([*TINY, "run.engine=numpy", "stimulus.amplitude=10,20"])
    parameters = plans.parameters(plan, plan.shards[0])
    for name, value in values.items():
        parameters[name.replace("__", ".")] = np.array([1.0, value])
    build = Build(program, (("cells_0000.b00", "float64"),))
    return compiled.simulate(build, plan.batches[0].structure, parameters, POINTS)


def test_results_of_a_program(tmp_path) -> None:
    raw = simulate(tmp_path / "p", "cat whole")
    assert raw.step.tolist() == [5, 7, 5]
    assert raw.count.tolist() == [[2], [1]]
    assert raw.sound.tolist() == [True, False]


def test_what_a_program_is_given(tmp_path) -> None:
    simulate(tmp_path / "p", "cat > given; cat whole", cell__b=0.25)
    given = (tmp_path / "p" / "given").read_bytes()
    assert np.frombuffer(given[:16], np.int64).tolist() == [200, 2]  # steps, points
    changes = np.frombuffer(given[16:216], np.uint8)
    assert np.flatnonzero(changes).tolist() == [0, 20]  # at first, and at the onset
    assert np.frombuffer(given[216:232], np.int64).tolist() == [1, 0]  # runs in rising order of b
    assert np.frombuffer(given[232:248], np.int64).tolist() == [2, 1]  # of 2 points, 1 for each
    assert np.frombuffer(given[248:]).tolist() == [1.0, 0.25]


def test_points_whose_driven_cells_are_alike_run_together() -> None:
    plan = izhi.plan([
        "circuit=two_to_one", "stimulus.amplitude=12,4,8", "neuron.b=0.25,0.2",
        "synapse.U_0=0.9,0.5", "run.engine=compiled",
    ])  # fmt: skip
    (shard,) = plan.shards
    parameters = plans.parameters(plan, shard)
    order = compiled._order(plan.batches[0].structure, parameters, shard.points.size)
    names = ("pre.b", "pre.stimulus.amplitude", "pre_to_post.U_0")
    assert all(parameters[name].size == 12 for name in names)
    rows = np.stack([parameters[name][order] for name in names], axis=1)
    assert rows.tolist() == sorted(rows.tolist())
    assert sorted(order) == list(range(12))


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("exit 0", r"/main gave 0 bytes, expected at least 16$"),
        ("head -c 43 whole", r"/main gave 43 bytes, expected at least 44$"),
        ("head -c 47 whole", r"/main gave 47 bytes, expected 48$"),
        ("head -c 20 whole", r"/main gave 20 bytes, expected at least 24$"),
        ("cat whole whole", r"/main gave 96 bytes, expected 48$"),
        ("tail -c 40 whole", r"/main gave results of 3 points, expected 2$"),
        ("echo 'out of memory' >&2; exit 7", r"/main ended with status 7: out of memory$"),
        ("kill -9 $$", r"/main was ended by SIGKILL: it said nothing$"),
        ("cat whole; echo 'something is off' >&2", r"/main: something is off$"),
        ("cat whole; echo 'a remark'", r"/main gave 57 bytes, expected 48$"),
    ],
)  # fmt: skip
def test_results_that_are_not_whole_are_an_error(tmp_path, script, message) -> None:
    with pytest.raises(EngineError, match=message):
        simulate(tmp_path / "p", script)


def test_a_program_that_is_gone_fails_its_shards_alone(built, tmp_path, capfd) -> None:
    """The program of the build is taken away between planning and running."""
    plan = izhi.plan([*TINY, *SWEEP, "run.engine=compiled"])
    build = cache.find(plan.batches[0].structure)
    stimulus = plans.stimulus_times(plan, plan.shards[0])
    task = worker.Task(
        plan.shards[0].points, plan.batches[0].structure,
        plans.parameters(plan, plan.shards[0]), *stimulus, Settings(("spike_count",)),
        "compiled", Build(tmp_path / "gone", build.inputs), tmp_path / "shard.nc", "f", True,
    )  # fmt: skip
    outcome = worker.run(task)
    assert outcome.error is not None and "gone" in outcome.error
    assert outcome.points.tolist() == [0, 1, 2]
    assert not (tmp_path / "shard.nc").exists()


# ---------------------------------------------------------------- shards that fail


@pytest.fixture
def burning(monkeypatch: pytest.MonkeyPatch):
    """Let every shard with point 1 fail, until it is undone."""
    simulate = worker.simulate

    def fail(task: worker.Task, profile):
        if 1 in task.points:
            raise EngineError("the disk is on fire")
        return simulate(task, profile)

    monkeypatch.setattr(worker, "simulate", fail)
    return monkeypatch


def test_the_other_shards_go_on_and_the_same_command_completes_the_study(
    burning, tmp_path, monkeypatch, capsys
) -> None:
    monkeypatch.chdir(tmp_path)
    command = ["run", "-m", *TINY, *SWEEP, "run.engine=numpy", "run.shard_points=1",
               "study.name=burning"]  # fmt: skip
    assert cli.main(command) == 1
    out, err = capsys.readouterr()
    assert "failed: EngineError: the disk is on fire" in err
    assert re.search(r"(?m)^1 points? failed; see studies/burning/log\.jsonl$", err)
    assert "study: studies/burning/" in out
    study = izhi.open_study("studies/burning")
    assert study.dataset.status.values.tolist() == [0, 2, 0]
    assert study.dataset.spike_count.values[1, 0] == -1
    assert np.isnan(study.dataset.firing_rate.values[1, 0])
    assert (study.dataset.spike_count.values[[0, 2], 0] > 0).all()
    table = study.summary()
    assert table["status"].tolist() == [0, 2, 0]
    assert study.spike_times("cell0", amplitude=20).size == 0
    twice = [event for event in study.log if event["event"] == "shard_failed"]
    assert [event["reason"] for event in twice] == ["EngineError: the disk is on fire"] * 2
    assert [(event["first"], event["points"]) for event in twice] == [(1, 1)] * 2
    (event,) = [event for event in study.log if event["event"] == "point_failed"]
    assert (event["point"], event["at"]) == (1, {"amplitude": 20})
    assert event["reason"] == "EngineError: the disk is on fire"
    study.close()

    burning.undo()
    monkeypatch.chdir(tmp_path)
    before = {path: path.stat().st_mtime_ns for path in Path("studies/burning/shards").iterdir()}
    assert cli.main(command) == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert re.match(r"1 points? in ", out)
    study = izhi.open_study("studies/burning")
    assert study.dataset.status.values.tolist() == [0, 0, 0]
    assert study.spike_times("cell0", amplitude=20).size > 0
    assert all(path.stat().st_mtime_ns == then for path, then in before.items())
    assert study.log[-1]["failed"] == 0
    study.close()
    monkeypatch.undo()


def test_what_fails_unforeseen_leaves_its_traceback_in_the_log(tmp_path, monkeypatch) -> None:
    def fail(task, profile):
        raise RuntimeError("nobody thought of this")

    monkeypatch.setattr(worker, "simulate", fail)
    with pytest.raises(EngineError, match=r"(?s)all 3 points failed; the first one: .*nobody"):
        run_tiny(tmp_path, "unforeseen", *SWEEP, "run.engine=numpy")
    study = izhi.open_study(tmp_path / "unforeseen")
    assert (study.dataset.status == 2).all()
    told = [event for event in study.log if event["event"] == "point_failed"]
    assert sorted(event["point"] for event in told) == [0, 1, 2]
    for event in told:
        assert "Traceback" in event["reason"] and "nobody thought of this" in event["reason"]


def test_points_that_diverge_say_so_and_leave_the_others_alone(tmp_path) -> None:
    study = run_tiny(tmp_path, "nan", "neuron.a=0.02,1e6,0.1", "run.engine=numpy")
    assert study.dataset.status.values.tolist() == [0, 3, 0]
    assert study.summary()["status"].tolist() == [0, 3, 0]
    alone = run_tiny(tmp_path, "alone", "neuron.a=0.02,0.1", "run.engine=numpy")
    for a in (0.02, 0.1):
        ours = study.dataset.sel(a=a).drop_vars("a").drop_attrs(deep=False)
        assert ours.identical(alone.dataset.sel(a=a).drop_vars("a").drop_attrs(deep=False))
        assert np.array_equal(study.spike_times("cell0", a=a), alone.spike_times("cell0", a=a))
    (event,) = [event for event in study.log if event["event"] == "shard_done"]
    assert event["diverged"] == 1


def test_points_that_diverge_say_so_on_the_compiled_engine(built, tmp_path) -> None:
    study = run_tiny(tmp_path, "nan", "neuron.a=0.02,1e6,0.1", "run.engine=compiled")
    assert study.dataset.status.values.tolist() == [0, 3, 0]


# ---------------------------------------------------------------- the order of a time step


def code(kind: str, group: str, **more) -> schedule.Code:
    return schedule.Code(f"{group}_{kind}", kind, group, **more)


def test_a_time_step_joins_what_may_be_joined() -> None:
    codes = [
        code("stimulus", "a"), code("stateupdate", "a"), code("stateupdate", "b"),
        code("threshold", "b"), code("threshold", "a"), code("spikemonitor", "a"),
        code("spikemonitor", "b"), code("synapses", "a", changing=frozenset({"b_I"})),
        code("reset", "b", changing=frozenset({"b_v"})),
        code("reset", "a", changing=frozenset({"a_v"})),
    ]  # fmt: skip
    cells, spikes = {"a": 150, "b": 64}, {"a": "A", "b": "B"}
    assert list(schedule.lines(codes, cells, spikes)) == [
        "if (changes[step]) a_stimulus::run(0, 150);",
        "for (int from = 0; from < 128; from += 64) "
        "{ a_stateupdate::run(from, from + 64); a_threshold::run(from, from + 64); }",
        "a_stateupdate::run(128, 150); a_threshold::run(128, 150);",
        "for (int from = 0; from < 64; from += 64) "
        "{ b_stateupdate::run(from, from + 64); b_threshold::run(from, from + 64); }",
        "for (int32_t i = 0; i < A; i++) "
        "{ a_spikemonitor::run(i, i + 1); a_synapses::run(i, i + 1); a_reset::run(i, i + 1); }",
        "for (int32_t i = 0; i < B; i++) "
        "{ b_spikemonitor::run(i, i + 1); b_reset::run(i, i + 1); }",
    ]


@pytest.mark.parametrize(
    "synapses",
    [
        [code("synapses", "a", changing=frozenset({"a_v"}))],  # a reset would be seen
        [code("synapses", "a", delayed=True)],
        [code("synapses", "a"), code("synapses", "a")],  # sums would be added in another order
    ],
)
def test_a_time_step_keeps_brian2s_order_where_it_matters(synapses) -> None:
    codes = [code("spikemonitor", "a"), *synapses, code("reset", "a", changing=frozenset({"a_v"}))]
    assert list(schedule.lines(codes, {"a": 64}, {"a": "A"})) == [
        f"{c.name}::run(0, A);" for c in codes
    ]


@pytest.mark.parametrize("engine", ["numpy", "compiled"])
def test_a_ring_of_one_cell_has_no_synapse_and_runs(tmp_path, engine) -> None:
    if engine == "compiled" and cache.compiler() is None:
        pytest.skip("there is no C++ compiler")
    study = run_tiny(
        tmp_path, engine, "circuit=ring", "circuit.populations.cell.count=1", "synapse=static",
        "synapse.delay='1 ms'", f"run.engine={engine}", "stimulus.amplitude=20",
    )  # fmt: skip
    alone = run_tiny(tmp_path, "alone", "run.engine=numpy", "stimulus.amplitude=20")
    assert (study.dataset.status == 0).all()
    assert np.array_equal(study.spike_times("cell0"), alone.spike_times("cell0"))
    assert alone.spike_times("cell0").size > 0
