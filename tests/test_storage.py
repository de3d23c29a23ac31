"""File systems that are full or cannot be written, programs and files that are damaged."""

from __future__ import annotations

import errno
import hashlib
import os
import random
import shutil
import subprocess
from pathlib import Path

import netCDF4
import pytest

import izhi
from izhi import cli
from izhi.engine import cache
from izhi.errors import ConfigError, IzhiError, StorageError, StudyError
from izhi.study import execute, gather, log, overview, verify, worker
from izhi.study import folder as folders
from izhi.sweep import plan as plans

# What is stored, lost and found does not depend on the engine; a program starts faster than Brian2.
ENGINE = "compiled" if cache.compiler() else "numpy"
SWEEP = ["circuit=single", f"run.engine={ENGINE}", "simulation.duration='25 ms'", "run.n_jobs=1",
         "stimulus.amplitude=range(1,61)", "run.shard_points=10"]  # fmt: skip


def run(folder: Path, name: str = "s", *overrides: str) -> izhi.Study:
    return izhi.run([*SWEEP, *overrides], name=name, dir=folder, progress=False)


def digest(path: Path) -> str:
    found = overview.overview(path).digest
    assert found is not None
    return found


def events(path: Path, kind: str) -> list[dict]:
    return [event for event in log.read(path / "log.jsonl") if event["event"] == kind]


@pytest.fixture(scope="module")
def finished(tmp_path_factory) -> Path:
    """Give the folder of a study, for copies."""
    study = run(tmp_path_factory.mktemp("finished"))
    study.close()
    return study.path


@pytest.fixture
def study(finished, tmp_path) -> izhi.Study:
    """Give a study of one's own, in ``tmp_path``, that is like one just run."""
    shutil.copytree(finished, tmp_path / "s")
    return izhi.open_study(tmp_path / "s")


@pytest.fixture
def mounted(tmp_path):
    """Give a function that mounts a small file system in memory; skip where that is not allowed."""
    folder = tmp_path / "small"
    folder.mkdir()

    def mount(size: str) -> Path:
        done = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={size}", "izhi-test", str(folder)],
            capture_output=True, check=False,
        )  # fmt: skip
        if done.returncode != 0:
            pytest.skip("file systems cannot be mounted here")
        return folder

    yield mount
    if os.path.ismount(folder):
        subprocess.run(["umount", "-l", str(folder)], check=True)


def fill(folder: Path, spare: int = 0) -> Path:
    """Take all room but a few bytes; return the file that takes it."""
    path = folder / "ballast"
    free = os.statvfs(folder).f_bavail * os.statvfs(folder).f_frsize
    with open(path, "wb") as file:
        file.write(bytes(max(0, free - spare)))
    return path


# ---------------------------------------------------------------- too little room


def test_too_little_room_for_the_plan_is_found_before_anything_is_written(mounted) -> None:
    folder = mounted("128k")
    with pytest.raises(ConfigError, match=r"^study\.dir: the study needs about .* has .* free; ch"):
        run(folder)
    assert list(folder.iterdir()) == []


def test_room_that_runs_out_during_the_shards(mounted, tmp_path, monkeypatch, capsys) -> None:
    folder = mounted("8m")
    simulate, left = worker.simulate, [2]

    def filling(task, profile=None):
        left[0] -= 1
        if left[0] == 0:
            fill(folder, 4096)
        return simulate(task, profile)

    command = ["run", "-m", *SWEEP, "study.name=s", f"study.dir={folder}"]
    with monkeypatch.context() as patch:
        patch.setattr(worker, "simulate", filling)
        assert cli.main(command) == 1
    out, err = capsys.readouterr()
    assert out == ""
    (line,) = [line for line in err.splitlines() if line.startswith("error: ")]
    assert "cannot be written" in line and "make room and run the same command again" in line
    assert not [p for p in folder.rglob(".*")]
    assert len(events(folder / "s", "shard_done")) == 1
    (folder / "ballast").unlink()
    assert cli.main(command) == 0
    assert digest(folder / "s") == digest(run(tmp_path, "whole").path)
    assert sum(event["points"] for event in events(folder / "s", "shard_done")) == 60
    assert verify.verify(folder / "s", 3).problems == []


@pytest.mark.parametrize("spare", [0, 4096, 100_000, 150_000])
def test_room_that_runs_out_while_gathering(mounted, tmp_path, monkeypatch, spare) -> None:
    folder = mounted("8m")

    def filling(*arguments, **more):
        fill(folder, spare)
        monkeypatch.setattr(execute.shutil, "disk_usage", lambda path: usage)
        return gathering(*arguments, **more)

    gathering, usage = gather.gather, execute.shutil.disk_usage(folder)
    with monkeypatch.context() as patch:
        patch.setattr(gather, "gather", filling)
        try:
            run(folder)
            failed = False
        except StorageError as error:
            assert "make room and run the same command again with study.name=s" in str(error)
            failed = True
    assert failed == (spare < 100_000)
    monkeypatch.undo()
    assert not [p for p in folder.rglob(".*")]
    if failed:
        assert not (folder / "s" / "dataset.nc").exists()
    (folder / "ballast").unlink()
    again = run(folder)
    assert len(events(again.path, "shard_done")) == 6
    assert digest(again.path) == digest(run(tmp_path, "whole").path)


def test_a_log_that_cannot_be_written_ends_the_run(mounted, tmp_path, monkeypatch) -> None:
    folder = mounted("8m")
    simulate = worker.simulate

    def filling(task, profile=None):
        data = simulate(task, profile)
        return data

    append = log.Writer.append

    def full(self, event, **told):
        if event == "shard_done" and not (folder / "ballast").exists():
            fill(folder)
            told["note"] = "x" * 10_000
        append(self, event, **told)

    with (
        monkeypatch.context() as patch,
        pytest.raises(
            StorageError, match=r"log\.jsonl: cannot be written: No space left on device; make r"
        ),
    ):
        patch.setattr(log.Writer, "append", full)
        patch.setattr(worker, "simulate", filling)
        run(folder)
    (folder / "ballast").unlink()
    again = run(folder)
    assert digest(again.path) == digest(run(tmp_path, "whole").path)
    assert verify.verify(again.path, 0).problems == []


# ---------------------------------------------------------------- no leave to write


def test_a_file_system_that_is_only_read_is_named(mounted, tmp_path) -> None:
    folder = mounted("8m")
    study = run(folder)
    study.close()
    subprocess.run(["mount", "-o", "remount,ro", str(folder)], check=True)
    for name, key in (("s", "study.name"), ("t", "study.dir")):
        with pytest.raises(ConfigError, match=rf"^{key}: .* cannot be written$"):
            run(folder, name)
    assert verify.verify(folder / "s", 2).problems == []  # reading is enough for that
    assert izhi.open_study(folder / "s").summary().shape[0] == 60


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_is_only_read_is_named(tmp_path) -> None:
    (tmp_path / "closed").mkdir(mode=0o500)
    with pytest.raises(ConfigError, match=r"^study\.dir: .*closed cannot be written$"):
        run(tmp_path / "closed")


# ---------------------------------------------------------------- damaged files


def truncate(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[random.Random(0).randrange(len(data))] ^= 1 << random.Random(1).randrange(8)
    path.write_bytes(data)


def swap(path: Path) -> None:
    other = next(p for p in sorted(path.parent.glob("*.nc")) if p != path)
    ours, theirs = path.read_bytes(), other.read_bytes()
    path.write_bytes(theirs)
    other.write_bytes(ours)


@pytest.mark.parametrize("damage", [Path.unlink, truncate, flip, swap])
@pytest.mark.parametrize("which", ["shard", "dataset.nc", "summary.csv"])
def test_damage_is_named_and_a_further_run_repairs_it(study, tmp_path, damage, which) -> None:
    shards = sorted((study.path / "shards").iterdir())
    path = shards[2] if which == "shard" else study.path / which
    if damage is swap and which != "shard":
        pytest.skip("there is one of these")
    before, others = digest(study.path), {p: p.read_bytes() for p in shards if p != path}
    damage(path)
    verdict = verify.verify(study.path, 0)
    assert any(problem.startswith(f"{path}: ") for problem in verdict.problems)
    named = {problem.split(": ")[0] for problem in verdict.problems if ".nc: " in problem}
    harmed = {str(shards[0]), str(path)} if damage is swap else {str(path)}
    assert named == ({n for n in harmed if n.endswith(".nc")})
    again = run(tmp_path)
    assert digest(again.path) == before
    assert {event["shard"] for event in events(again.path, "damaged")} == (
        {Path(n).name for n in harmed} if which == "shard" else set()
    )
    for other, data in others.items():
        assert other.read_bytes() == data
    assert verify.verify(again.path, 5).problems == []


def inside(path: Path) -> None:
    """Change a result, in a way that netCDF does not notice."""
    with netCDF4.Dataset(path, "a") as file:
        file["statistic_firing_rate"][0, 0] += 1


def cut_results(path: Path) -> None:
    """Make netCDF's library look for something for ever, in some versions of it."""
    data = bytearray(path.read_bytes())
    at = len(data) // 3
    data[at : at + 8] = bytes(255 - byte for byte in data[at : at + 8])
    path.write_bytes(data)


def test_a_damaged_dataset_is_not_opened(study, tmp_path) -> None:
    before = study.folder.dataset.read_bytes()
    flip(study.folder.dataset)
    with pytest.raises(StudyError, match=r"dataset\.nc: not the file that .* run the study again"):
        izhi.open_study(study.path).dataset  # noqa: B018
    with log.writing(study.folder.log):  # the log may not know of it yet
        study.folder.dataset.write_bytes(before)
        assert izhi.open_study(study.path).dataset.sizes["amplitude"] == 60
    run(tmp_path).close()
    assert izhi.open_study(study.path).dataset.sizes["amplitude"] == 60


@pytest.mark.parametrize("damage", [inside, cut_results, truncate, flip])
@pytest.mark.parametrize("lost", ["line", "log"])
def test_a_damaged_shard_that_the_log_does_not_know_is_not_believed(
    study, tmp_path, damage, lost
) -> None:
    before, shard = digest(study.path), sorted(study.folder.shards.iterdir())[2]
    damage(shard)
    if lost == "log":
        study.folder.log.unlink()
    else:
        lines = study.folder.log.read_text().splitlines(keepends=True)
        study.folder.log.write_text("".join(line for line in lines if shard.name not in line))
    run(tmp_path).close()
    assert digest(study.path) == before
    assert [e["shard"] for e in events(study.path, "damaged")] == [shard.name]
    assert sum(e["points"] for e in events(study.path, "shard_done") if not e.get("adopted")) == (
        10 if lost == "log" else 60
    )
    assert verify.verify(study.path, 60).problems == []


def test_a_whole_shard_that_the_log_does_not_know_is_taken(study, tmp_path) -> None:
    before = digest(study.path)
    study.folder.log.unlink()
    run(tmp_path).close()
    assert all(event["adopted"] for event in events(study.path, "shard_done"))
    assert digest(study.path) == before
    assert verify.verify(study.path).problems == []


def test_a_pipe_in_the_place_of_a_shard_is_not_opened(study, tmp_path) -> None:
    shard = min(study.folder.shards.iterdir())
    shard.unlink()
    os.mkfifo(shard)
    run(tmp_path).close()
    assert [(e["shard"], e["reason"]) for e in events(study.path, "damaged")] == [
        (shard.name, "it cannot be read")
    ]
    assert verify.verify(study.path).problems == []


@pytest.mark.parametrize("name", ["dataset.nc", "summary.csv", "log.jsonl", "shards/x.nc"])
def test_a_folder_in_the_place_of_a_file_is_named(study, tmp_path, name) -> None:
    path = study.path / name
    path.unlink(missing_ok=True)
    path.mkdir()
    with pytest.raises(StudyError, match=f"{name}: is a folder, where a file is expected; remove"):
        run(tmp_path)


@pytest.mark.parametrize("number", range(1, 10))
@pytest.mark.parametrize("how", ["#", ""])
def test_a_damaged_line_of_the_log_is_named_and_a_further_run_makes_up_for_it(
    study, tmp_path, number, how
) -> None:
    before, lines = digest(study.path), study.folder.log.read_text().splitlines()
    lines[number - 1] = how + lines[number - 1][: 10 if not how else None]
    study.folder.log.write_text("\n".join(lines) + "\n")
    if number < len(lines):  # the last one may have been cut off by a kill
        assert (
            f"{study.folder.log}: line {number} is no event" in verify.verify(study.path).problems
        )
    run(tmp_path).close()
    assert digest(study.path) == before
    assert verify.verify(study.path).problems == []


@pytest.mark.parametrize("name", ["log.jsonl", "study.yaml"])
def test_a_lost_file_is_named_and_a_further_run_writes_it(study, tmp_path, name) -> None:
    (study.path / name).unlink()
    assert any(p.startswith(f"{study.path / name}: ") for p in verify.verify(study.path).problems)
    assert [path.name for path in overview.studies(tmp_path)] == ["s"]
    run(tmp_path).close()
    assert verify.verify(study.path).problems == []


def test_room_for_what_is_there_already_is_not_asked_for(study, tmp_path, monkeypatch) -> None:
    plan = izhi.plan(SWEEP)
    shards = sum(path.stat().st_size for path in study.folder.shards.iterdir())
    usage = folders.shutil.disk_usage(tmp_path)
    monkeypatch.setattr(
        folders.shutil, "disk_usage", lambda _: usage._replace(free=plan.disk - shards)
    )
    run(tmp_path).close()
    monkeypatch.setattr(
        folders.shutil, "disk_usage", lambda _: usage._replace(free=plan.disk - shards - 1)
    )
    with pytest.raises(ConfigError, match=r"^study\.dir: the study needs about .* free; choose"):
        run(tmp_path)


def test_a_program_that_dies_by_a_signal_is_named_and_built_again(
    compiler, tmp_path, monkeypatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    overrides = ["run.engine=compiled", "run.shard_points=30"]
    whole = run(tmp_path, "whole", *overrides)
    (program,) = (tmp_path / "cache").glob("izhi/builds/*/main")
    builds = execute.prepare.builds

    def replaced(*arguments):  # after it was found to be whole
        found = builds(*arguments)
        program.write_text("#!/bin/sh\nkill -SEGV $$\n")
        return found

    with monkeypatch.context() as patch:
        patch.setattr(execute.prepare, "builds", replaced)
        with pytest.raises(IzhiError, match=r"main was ended by SIGSEGV"):
            run(tmp_path, "s", *overrides)
    assert events(tmp_path / "s", "shard_failed")
    again = run(tmp_path, "s", *overrides)
    assert digest(again.path) == digest(whole.path)
    assert events(again.path, "built")[-1]["fresh"] is True


def test_writing_flushes_the_file_and_its_folder(tmp_path, monkeypatch) -> None:
    flushed: list[str] = []
    monkeypatch.setattr(
        os, "fsync", lambda handle: flushed.append(os.readlink(f"/proc/self/fd/{handle}"))
    )
    written = folders.write_atomic(tmp_path / "a", lambda path: path.write_bytes(b"abc") and None)
    assert [Path(name).parent == tmp_path for name in flushed[:1]] == [True]
    assert flushed[1] == str(tmp_path)
    assert written.bytes == 3
    assert written.sha256 == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_the_disk_that_a_plan_asks_for_is_enough(tmp_path) -> None:
    study = run(tmp_path)
    size = sum(path.stat().st_size for path in study.path.rglob("*") if path.suffix != ".diff")
    assert size < izhi.plan(SWEEP).disk < 40 * size
    assert plans.COMPILED_TRAINS and cache.root()


# ---------------------------------------------------------------- files that cannot be read now


def test_a_shard_that_cannot_be_read_now_is_not_taken_for_damaged(
    study, tmp_path, monkeypatch
) -> None:
    """A network file system may fail for a moment: nothing is removed or computed again."""
    shard = sorted(study.folder.shards.glob("*.nc"))[1]
    study.folder.dataset.unlink()
    real = hashlib.file_digest

    def failing(file, name):
        if file.name == str(shard):
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return real(file, name)

    before = shard.read_bytes()
    monkeypatch.setattr(hashlib, "file_digest", failing)
    with pytest.raises(
        StorageError, match=f"^{shard}: cannot be read to its end; make it readable, or remove it,"
    ):
        run(tmp_path)
    problems = verify.verify(study.path, 0).problems
    assert f"{shard}: cannot be read to its end" in problems
    monkeypatch.undo()
    assert shard.read_bytes() == before and events(study.path, "damaged") == []
    run(tmp_path)
    assert events(study.path, "damaged") == []
