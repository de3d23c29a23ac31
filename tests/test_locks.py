"""File systems that lock no files: a library in front of the C library's makes every lock fail."""

from __future__ import annotations

import errno
import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import izhi
from izhi import cli
from izhi.engine import cache

SHIM = """
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

static int refused(void) { errno = atoi(getenv("LOCK_ERRNO")); return -1; }

int flock(int file, int operation) { return refused(); }
int lockf(int file, int command, off_t length) { return refused(); }

static int control(int file, int command, long argument) {
    switch (command) {
    case F_SETLK: case F_SETLKW: case F_OFD_SETLK: case F_OFD_SETLKW: return refused();
    default: return syscall(SYS_fcntl, file, command, argument);
    }
}

int fcntl(int file, int command, ...) {
    va_list rest; va_start(rest, command);
    long argument = va_arg(rest, long);
    va_end(rest);
    return control(file, command, argument);
}

int fcntl64(int file, int command, ...) {
    va_list rest; va_start(rest, command);
    long argument = va_arg(rest, long);
    va_end(rest);
    return control(file, command, argument);
}
"""
SHORT = ["circuit=single", "simulation.duration='40 ms'", "run.report=none", "run.engine=numpy",
         "neuron=chattering", "stimulus.amplitude=8,12,16,20", "run.shard_points=2"]  # fmt: skip
NO_LOCKS = [
    errno.ENOLCK,
    pytest.param(errno.ENOSYS, marks=pytest.mark.soak),
    pytest.param(errno.EOPNOTSUPP, marks=pytest.mark.soak),
    pytest.param(errno.EINVAL, marks=pytest.mark.soak),
]


@pytest.fixture(scope="module")
def shim(tmp_path_factory) -> Path:
    """Give the library; skip where it cannot be compiled or nothing can be put in front."""
    compiler = shutil.which("cc")
    if compiler is None or not sys.platform.startswith("linux"):
        pytest.skip("there is no C compiler, or this is not Linux")
    folder = tmp_path_factory.mktemp("shim")
    source, library = folder / "shim.c", folder / "shim.so"
    source.write_text(SHIM)
    subprocess.run([compiler, "-shared", "-fPIC", str(source), "-o", str(library)], check=True)
    return library


def start(shim: Path, number: int, folder: Path, code: str, **variables: str) -> subprocess.Popen:
    """Start Python, in which every lock fails with a number."""
    told = {"LD_PRELOAD": str(shim), "LOCK_ERRNO": str(number), **variables}
    return subprocess.Popen(
        [sys.executable, "-c", f"from izhi import cli\n{code}"], cwd=folder, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={**os.environ, **told},
    )  # fmt: skip


def call(shim: Path, number: int, folder: Path, *commands: list[str]) -> tuple[list[int], str, str]:
    """Return exit statuses, output and errors of some commands, one after the other."""
    code = f"print([cli.main(words) for words in {list(commands)!r}])"
    out, err = start(shim, number, folder, code).communicate(timeout=300)
    *lines, statuses = out.splitlines() or [""]
    assert statuses.startswith("["), err
    return json.loads(statuses), "\n".join(lines), err


@pytest.fixture(scope="module")
def finished(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("finished")
    return izhi.run(SHORT, name="s", dir=folder / "studies", progress=False).path


@pytest.fixture
def copy(finished, tmp_path) -> Path:
    return Path(shutil.copytree(finished, tmp_path / "studies" / "s"))


@pytest.mark.parametrize("number", NO_LOCKS)
def test_all_commands_work_without_locks(shim, copy, tmp_path, number) -> None:
    (copy / "dataset.nc").unlink()
    next((copy / "shards").glob("*.nc")).unlink()
    named, folder = [*SHORT, "study.name=s"], str(Path("studies", "s"))
    statuses, out, err = call(
        shim, number, tmp_path, ["run", "-m", *named, "run.n_jobs=2"],
        ["run", "-m", *SHORT, "study.name=new"], ["verify", folder],
        ["report", folder, "--sample", "0"], ["show", folder], ["list"],
        ["summarise", folder, "statistics.max_interval='5 ms'"], ["export", folder, "--to", "csv"],
    )  # fmt: skip
    assert statuses == [0] * 8, err
    assert "damaged" not in err and "error" not in err
    assert [line for line in out.splitlines() if line.startswith("ok ")]
    state = next(line for line in out.splitlines() if line.startswith("state"))
    assert state.split() == ["state", "done"]
    first, second = izhi.open_study(copy), izhi.open_study(tmp_path / "studies" / "new")
    assert first.spikes.identical(second.spikes)
    assert not list(tmp_path.rglob(".*.lock-*"))


def test_without_locks_there_is_one_writer(shim, copy, tmp_path) -> None:
    words = ["run", "-m", *SHORT, "study.name=s"]
    code = f"""
from pathlib import Path
from izhi.study import log
with log.writing(Path("studies/s/log.jsonl")):
    print(cli.main({words!r}), cli.main(["verify", "studies/s"]), flush=True)
    import os, signal
    os.kill(os.getpid(), signal.SIGKILL)
"""
    process = start(shim, errno.ENOSYS, tmp_path, code)
    out, err = process.communicate(timeout=300)
    assert process.returncode == -signal.SIGKILL and out.split() == ["2", "2"], err
    assert err.count("is being written by") == 2
    assert len(list(copy.glob(".*.lock-*"))) == 1  # of the one that was killed
    assert call(shim, errno.ENOSYS, tmp_path, words)[0] == [0]
    assert not list(copy.glob(".*.lock-*"))


def test_the_file_that_a_crashed_machine_left_is_named_by_all(copy, tmp_path, monkeypatch, capsys):
    mark = copy / ".log.jsonl.lock-5-7-abcdefabcdef-00000000-otherhost"
    mark.touch()
    monkeypatch.chdir(tmp_path)
    folder = Path("studies", "s")
    expected = (
        f"error: study.name = s: {folder} is being written by another process; wait for its end, "
        f"or choose another name; if that machine runs it no more, remove {folder / mark.name}\n"
    )
    for words in (["run", "-m", *SHORT, "study.name=s"], ["verify", str(folder)],
                  ["summarise", str(folder), "statistics.max_interval='5 ms'"]):  # fmt: skip
        assert cli.main(words) == 2
        assert capsys.readouterr().err == expected
    assert mark.exists()


def test_a_study_that_another_process_holds_is_no_damaged_one(shim, copy, tmp_path) -> None:
    """EAGAIN says that somebody else holds the lock."""
    folder = str(Path("studies", "s"))
    statuses, out, err = call(
        shim, errno.EAGAIN, tmp_path, ["run", "-m", *SHORT, "study.name=s"], ["verify", folder],
        ["run", *SHORT[:-2], "study.name=new"], ["list"],
    )  # fmt: skip
    assert statuses == [2, 2, 2, 0]
    assert all("is being written by" in line for line in err.splitlines()), err
    assert [line.split()[-2:-1] for line in out.splitlines()[2:]] == [["running"]], out
    assert "damaged" not in out


def test_a_lock_that_fails_is_no_answer(shim, copy, tmp_path) -> None:
    folder = str(Path("studies", "s"))
    statuses, out, err = call(
        shim, errno.EIO, tmp_path, ["run", "-m", *SHORT, "study.name=s"], ["verify", folder],
        ["list"], ["report", folder, "--sample", "0"],
    )  # fmt: skip
    assert statuses == [1, 2, 0, 0]
    log = Path(folder, "log.jsonl")
    why = f"error: {log}: cannot be locked: {os.strerror(errno.EIO)}"
    assert err.splitlines()[:2] == [
        f"{why}; choose a study.dir on a file system that can lock files",
        f"{why}, so that nobody knows whether a run is writing the study",
    ]
    assert "unknown" in out.splitlines()[1].split()


@pytest.mark.parametrize(
    "number", [errno.ENOLCK, pytest.param(errno.EINVAL, marks=pytest.mark.soak)]
)
def test_two_first_builds_at_once_without_locks(shim, compiler, tmp_path, number) -> None:
    engine = [word.replace("numpy", "compiled") for word in SHORT]
    processes = [
        start(shim, number, tmp_path,
              f"raise SystemExit(cli.main({['run', '-m', *engine, f'study.name=s{name}']!r}))",
              XDG_CACHE_HOME=str(tmp_path / "cache"))
        for name in range(2)
    ]  # fmt: skip
    for process in processes:
        _, err = process.communicate(timeout=300)
        assert process.returncode == 0, err
    (build,) = (tmp_path / "cache" / "izhi" / "builds").iterdir()
    assert cache._whole(build) is not None


def test_a_build_that_waits_for_another_process_says_so(monkeypatch, tmp_path) -> None:
    remarks: list[str] = []
    lock = tmp_path / ".program.lock"
    monkeypatch.setattr(cache, "_PATIENCE", 0.01)
    stopped = cache.threading.Event()

    def remark(text: str) -> None:
        remarks.append(text)
        stopped.set()

    with open(lock, "wb") as file, cache.locks.attempt(file, lock) as locked:
        assert locked
        with pytest.raises(izhi.EngineError, match="stopped"), cache._alone(lock, stopped, remark):
            pass
    assert remarks == [
        f"waiting for another process that builds the same program: it has locked {lock}"
    ]
