"""A study's files are its own: no link in it is followed, and nothing else in it is removed."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import izhi
from izhi import cli
from izhi.errors import IzhiError, StudyError
from izhi.export import FORMATS
from izhi.study import folder as folders
from izhi.study import log, shardfile
from izhi.study.folder import StudyFolder
from izhi.study.verify import verify

SWEEP = ["circuit=single", "synapse=none", "run.engine=numpy", "run.n_jobs=1",
         "simulation.duration='40 ms'", "stimulus=file", "stimulus.file=a.csv",
         "stimulus.scale=1,2", "run.shard_points=1"]  # fmt: skip
SECRET = b"what is nobody's business\n"


def run(folder: Path, *overrides: str) -> izhi.Study:
    return izhi.run([*SWEEP, *overrides], name="s", dir=folder, progress=False)


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    """Give a folder with a study that keeps a file of data; tests only read it."""
    folder, before = tmp_path_factory.mktemp("made"), Path.cwd()
    (folder / "a.csv").write_text("time [ms],current [mV]\n0,0\n40,12\n")
    os.chdir(folder)
    try:
        run(folder).close()
    finally:
        os.chdir(before)
    (folder / "s" / "report.html").write_text("a page")
    return folder


@pytest.fixture
def here(made, tmp_path, monkeypatch) -> Path:
    """Give a working folder with a copy of it, and with what is private beside."""
    shutil.copytree(made, tmp_path / "work")
    private = tmp_path / "private"
    private.mkdir()
    (private / "data.nc").write_bytes(SECRET)
    (private / "profile").write_bytes(SECRET)
    monkeypatch.chdir(tmp_path / "work")
    yield tmp_path / "work"
    monkeypatch.undo()


def tree(path: Path) -> dict[str, bytes]:
    return {str(p): p.read_bytes() for p in path.rglob("*") if p.is_file()}


def replaced(study: Path, name: str) -> Path:
    """Put a link in the place of a file or a folder of a study."""
    private = study.parents[1] / "private"
    if name == "a shard":
        path = min((study / "shards").glob("*.nc"))
    elif name == "an input":
        path = next((study / "inputs").iterdir())
    else:
        path = study / name
    if path.is_dir():
        shutil.rmtree(path)
        path.symlink_to(private)
    else:
        path.unlink(missing_ok=True)
        path.symlink_to(private / "profile")
    return path


LINKS = ["shards", "inputs", "study.yaml", "log.jsonl", "dataset.nc", "summary.csv", "report.html",
         "a shard", "an input", "changes-0123456789abcdef.diff", "shards/mine.nc"]  # fmt: skip

CALLS: dict[str, Callable[[Path], object]] = {
    "run": lambda study: run(study.parent, "stimulus.scale=1,2,3"),
    "open": izhi.open_study,
    **{
        name: lambda study, name=name: cli.main([name, str(study)])
        for name in ("show", "verify", "report", "reproduce")
    },
    "summarise": lambda study: cli.main(["summarise", str(study), "statistics.min_spikes=2"]),
    "diff": lambda study: cli.main(["diff", str(study), str(study)]),
    "watch": lambda study: cli.main(["watch", str(study), "--until-done"]),
    **{
        f"export to {to}": lambda study, to=to: cli.main(["export", str(study), "--to", to])
        for to in FORMATS
    },
}


@pytest.mark.parametrize("link", LINKS)
def test_no_link_in_a_study_is_followed(here, capsys, link) -> None:
    path = replaced(here / "s", link)
    before, private = tree(here), tree(here.parent / "private")
    for name, call in CALLS.items():
        try:
            assert call(here / "s") == 2, name
            said = capsys.readouterr().err
        except IzhiError as error:
            said = f"error: {error}\n"
        assert said.startswith(f"error: {path}: is a link, and a study holds its own files"), name
        assert said.count("\n") == 1
        assert SECRET.decode().strip() not in said
    assert tree(here) == before
    assert tree(here.parent / "private") == private
    assert [p.name for p in here.iterdir() if p.name.startswith("s-") or p.suffix == ".nc"] == []


def test_the_folder_of_a_study_and_that_of_studies_may_be_links(here, tmp_path) -> None:
    (here / "s").rename(tmp_path / "elsewhere")
    (here / "s").symlink_to(tmp_path / "elsewhere")
    run(here, "stimulus.scale=1,2,3").close()
    assert verify(here / "s", 1).problems == []
    (tmp_path / "studies").symlink_to(here)
    assert cli.main(["export", str(tmp_path / "studies" / "s"), "--to", "csv"]) == 0


def test_a_link_that_is_none_of_a_studys_names_is_left_alone(here, tmp_path) -> None:
    (here / "s" / "figures").symlink_to(tmp_path / "private")
    run(here).close()
    assert verify(here / "s").problems == []
    assert os.readlink(here / "s" / "figures") == str(tmp_path / "private")


def test_a_log_names_no_shard_of_another_folder(here) -> None:
    (here / "mine.nc").write_bytes(SECRET)
    line = '{"time": "2026-01-01T00:00:00", "event": "shard_done", "shard": "%s", "points": 1}\n'
    with open(here / "s" / "log.jsonl", "a") as file:
        file.write(line % "../../mine.nc")
    assert len(log.damaged(here / "s" / "log.jsonl")) == 1
    run(here).close()
    assert (here / "mine.nc").read_bytes() == SECRET


# ---------------------------------------------------------------- what is removed


def test_nothing_is_removed_that_is_not_the_studys(here, capsys) -> None:
    shards = here / "s" / "shards"
    mine = {shards / "mine.nc": SECRET, shards / ".notes.tmp": b"1", here / "s" / ".x.tmp": b"2",
            here / "s" / "inputs" / ".y.tmp": b"3"}  # fmt: skip
    (here / "s" / ".summary-of-mine").mkdir()
    (here / "s" / ".summary-archived").mkdir()
    mine[here / "s" / ".summary-of-mine" / "0"] = b"4"
    mine[here / "s" / ".summary-archived" / "0"] = b"5"
    mine[here / "s" / ".report-draft_01.tmp"] = b"6"
    for path, data in mine.items():
        path.write_bytes(data)
    cli.main(["run", "-m", *SWEEP, "study.name=s", "study.dir=."])
    assert {path: path.read_bytes() for path in mine} == mine
    said = capsys.readouterr().err
    assert (
        "warning: s/shards/mine.nc: neither the log nor a seal shows that it is the study's; it is "
        "left alone\n" in said
    )
    assert verify(here / "s").problems == [
        f"{shards / '.notes.tmp'}: is not in the log",
        f"{shards / 'mine.nc'}: is not in the log",
        f"{here / 's' / 'inputs' / '.y.tmp'}: no file of data of this study",
    ]


def test_a_hard_link_to_a_log_is_not_written(here, capsys) -> None:
    shutil.copytree(here / "s", here / "linked", copy_function=os.link)
    before = (here / "s" / "log.jsonl").read_bytes()
    for command in (["summarise", "linked", "statistics.min_spikes=2"],
                    ["run", "-m", *SWEEP, "study.name=linked", "study.dir=."]):  # fmt: skip
        assert cli.main(command) == 2
        (line,) = capsys.readouterr().err.splitlines()
        assert line.startswith("error: linked/log.jsonl: this file has 2 names (hard links), so ")
    assert (here / "s" / "log.jsonl").read_bytes() == before
    assert verify(here / "s").problems == []
    shutil.copytree(here / "linked", here / "copied")
    more = [*SWEEP, "stimulus.scale=1,2,3"]
    izhi.run(more, name="copied", dir=here, progress=False).close()


@pytest.mark.parametrize("whole", [False, True])
def test_a_file_with_a_shards_name_is_set_aside(here, whole) -> None:
    """It may be a shard of another study, or a part of one: a new one needs its name."""
    shard = min((here / "s" / "shards").iterdir())
    before = izhi.open_study(here / "s").digest
    if whole:
        shardfile.write(shard, shardfile.read(shard), "another study's")
    else:
        shard.write_bytes(SECRET)
    data, path = shard.read_bytes(), here / "s" / "log.jsonl"
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(line for line in lines if shard.name not in line))
    for copy in (f"{shard.name}.aside", f"{shard.name}.aside-2"):
        assert run(here).digest == before
        assert shard.with_name(copy).read_bytes() == data
        text = path.read_text().splitlines(keepends=True)
        assert verify(here / "s").problems == []
        assert any(copy in note for note in verify(here / "s").notes)
        path.write_text("".join(line for line in text if shard.name not in line))
        shard.write_bytes(data)


def test_names_that_izhi_gives_while_it_writes_are_its_own(tmp_path) -> None:
    (tmp_path / "shards").mkdir()
    study = StudyFolder(tmp_path)
    shard = tmp_path / "shards" / "0123456789abcdef-01234567-000000012-5.nc"
    for path in (study.config, study.dataset, study.summary, shard):

        def look(temporary: Path, path: Path = path) -> None:
            temporary.write_bytes(b"")
            assert folders.unfinished(study) == [temporary], path

        folders.write_atomic(path, look)
    assert folders.is_shard(shard.name, "0123456789") and not folders.is_shard(shard.name, "1")


# ---------------------------------------------------------------- inputs


def test_a_crate_holds_no_other_inputs_than_the_studys(here, tmp_path, capsys) -> None:
    (here / "s" / "inputs" / "more.csv").write_bytes(SECRET)
    (here / "s" / "shards" / "more.nc").write_bytes(SECRET)
    crate = tmp_path / "crate"
    assert cli.main(["export", str(here / "s"), "--to", "crate", "-o", str(crate)]) == 0
    assert SECRET not in tree(crate).values()
    (kept,) = (p for p in (here / "s" / "inputs").iterdir() if p.name != "more.csv")
    assert (crate / "inputs" / kept.name).read_bytes() == kept.read_bytes()
    kept.write_bytes(SECRET)
    assert cli.main(["export", str(here / "s"), "--to", "crate", "-o", str(tmp_path / "b")]) == 2
    assert capsys.readouterr().err == (
        f"error: {kept}: not the file that the study's study.yaml tells of\n"
    )
    assert not (tmp_path / "b").exists()


def test_statistics_are_not_computed_from_damaged_shards(here) -> None:
    from izhi.study.summarise import summarise

    shard = min((here / "s" / "shards").iterdir())
    shard.write_bytes(shard.read_bytes()[:-40])
    before = tree(here)
    with pytest.raises(
        StudyError, match=r"nc: its SHA-256 is not the logged one; run the study ag"
    ):
        summarise(here / "s", ["statistics.min_spikes=2"], progress=False)
    assert tree(here) == before
    assert np.isin(run(here).dataset["status"], 0).all()
