"""The commands on stored studies, through the command line: list, show, verify, diff, reproduce."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import netCDF4
import numpy as np
import pytest
import yaml

import izhi
from izhi import cli
from izhi.engine import cache
from izhi.study import compare, description, log, overview, provenance, shardfile
from izhi.study import git as git_of_izhi
from izhi.study.verify import verify

ENGINE = "compiled" if cache.compiler() else "numpy"  # a program starts faster than Brian2
SHORT = ["circuit=two_to_one", f"run.engine={ENGINE}", "simulation.duration='60 ms'",
         "run.n_jobs=1"]  # fmt: skip
AXES = ["neuron=chattering,resonator", "stimulus.amplitude=6,10,14"]


@pytest.fixture(scope="module")
def studies(tmp_path_factory) -> Path:
    """Give a folder with two studies; tests only read them."""
    folder = tmp_path_factory.mktemp("studies")
    izhi.run([*SHORT, *AXES, "run.shard_points=2"], name="first", dir=folder, progress=False)
    izhi.run(
        [*SHORT, "stimulus.amplitude=10,14,18", "neuron=resonator,chattering",
         "synapse.weight='9 mV'"],
        name="second", dir=folder, progress=False,
    )  # fmt: skip
    return folder


@pytest.fixture
def copy(studies, tmp_path) -> Path:
    """Give copies that a test may damage."""
    shutil.copytree(studies, tmp_path / "studies")
    return tmp_path / "studies"


def call(capsys, *arguments: object) -> tuple[int, str, str]:
    status = cli.main([str(argument) for argument in arguments])
    out, err = capsys.readouterr()
    return status, out, err


# ---------------------------------------------------------------- list, show


def test_studies_are_listed_with_their_state_and_digest(copy, capsys) -> None:
    with open(copy / "second" / "log.jsonl", "a") as file:
        file.write(json.dumps({"time": "2026-01-01T00:00:00", "event": "started"}) + "\n")
    (copy / "third").mkdir()
    (copy / "third" / "study.yaml").write_text("schema: 2")
    (copy / "third" / "log.jsonl").write_text("")
    (copy / "none").mkdir()
    status, out, err = call(capsys, "list", copy)
    assert (status, err) == (0, "")
    header, first, second, third = out.splitlines()
    assert header.split() == ["name", "when", "points", "state", "digest"]
    digest = overview.overview(copy / "first").digest
    assert re.fullmatch(
        rf"first   \d{{4}}-\d\d-\d\d \d\d:\d\d  6       done     {digest[:12]}", first
    )
    assert second.split()[-2:] == ["6", "killed"]
    assert third.split() == ["third", "damaged"]


def test_where_there_are_no_studies_list_says_so(tmp_path, capsys, monkeypatch) -> None:
    assert call(capsys, "list", tmp_path) == (0, f"no studies in {tmp_path}\n", "")
    assert call(capsys, "list", tmp_path / "x") == (2, "", f"error: {tmp_path}/x: no such folder\n")


def test_a_file_is_said_to_be_no_folder(studies, capsys, tmp_path) -> None:
    within, other = studies / "first" / "dataset.nc", tmp_path / "notes.txt"
    other.touch()
    what = "is a file and no folder"
    for command, path, expected in (
        (["show"], within, f"{within}: {what}; did you mean {within.parent}?"),
        (["export", "--to", "csv"], within, f"{within}: {what}; did you mean {within.parent}?"),
        (["list"], within, f"{within}: {what}; did you mean {studies}?"),
        (["list"], other, f"{other}: {what}"),
        (["show"], other, f"{other}: {what}"),
        (["show"], within.parent / "shards",
         f"{within.parent}/shards: no study in it; did you mean {within.parent}?"),
    ):  # fmt: skip
        assert call(capsys, command[0], path, *command[1:]) == (2, "", f"error: {expected}\n")
    assert (
        call(capsys, "plan", "--config-dir", other)[2] == f"error: config_dir = {other}: {what}\n"
    )


def test_a_study_that_is_not_done_says_how_far_it_is(copy, capsys) -> None:
    path = copy / "first" / "log.jsonl"
    lines = path.read_text().splitlines()
    path.write_text("\n".join(lines[:-2]) + "\n")
    (line,) = [x for x in call(capsys, "list", copy)[1].splitlines() if x.startswith("first")]
    assert "killed, 4 of 6 points" in line


def test_a_study_is_shown_with_all_that_it_comes_from(studies, capsys) -> None:
    status, out, err = call(capsys, "show", studies / "first")
    assert (status, err) == (0, "")
    for expected in (
        r"points +6\n", r"state +done\n", r"axis neuron +2 values of neuron: chattering, reson",
        r"axis amplitude +3 values of stimulus.amplitude: 6, 10, 14 mV\n",
        r"choice circuit +two_to_one\n", r"command +izhi run -m circuit=two_to_one ",
        r"python +3\.", r"libraries.brian2 +2\.", r"compiler ", r"flags .*-ffp-contract=off",
        r"\d  shard_done  shard \w+-\w{8}-\d{9}-2\.nc, first 0, points 2",
        r"gathered .*digest \w{64}",
    ):  # fmt: skip
        assert re.search(expected, out), expected


@pytest.mark.parametrize("command", ["show", "verify", "reproduce"])
def test_what_is_no_study_is_one_line(studies, capsys, command) -> None:
    status, out, err = call(capsys, command, studies / "frist")
    assert (status, out) == (2, "")
    assert err == f"error: {studies}/frist: no such folder; did you mean first?\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["show"], "the following arguments are required: STUDY; izhi show"),
        (["verify", "x", "--sample", "many"], "--sample = many: expected a whole number of points"),
        (
            ["verify", "x", "--sample", "9" * 5000],
            f"--sample = {'9' * 77}...: expected a whole number of points, of at most 18 digits",
        ),
        (["report", "x", "--sample", "²"], "--sample = ²: expected a whole number of points"),
        (["report", "\x1b[2Jx"], "\\x1b[2Jx: no such folder"),
        (["verify", "x", "--smaple", "1"], "unrecognized arguments: --smaple"),
        (["diff", "x"], "the following arguments are required: B; izhi diff"),
        (["veryfy", "x"], "veryfy: no such command; did you mean verify?"),
    ],
)
def test_wrong_arguments_are_one_line(capsys, arguments, message) -> None:
    status, out, err = call(capsys, *arguments)
    assert (status, out) == (2, "")
    assert err.startswith(f"error: {message}") and err.count("\n") == 1


@pytest.mark.parametrize("command", ["list", "show", "verify", "diff", "reproduce", "export"])
def test_each_command_has_help(capsys, command) -> None:
    status, out, _ = call(capsys, command, "--help")
    assert status == 0
    assert out.startswith(f"usage: izhi {command}")


# ---------------------------------------------------------------- the log


def test_the_log_tells_what_a_result_comes_from(studies) -> None:
    events = log.read(studies / "first" / "log.jsonl")
    assert events[0]["command"][:3] == ["izhi", "run", "-m"]
    environment = events[1]["environment"]
    assert {"izhi", "python", "libraries", "compiler", "flags", "cpu", "host", "machine", "system",
            "cores", "repositories"} <= environment.keys()  # fmt: skip
    assert events[1]["seeds"] == [0]
    told = yaml.safe_load((studies / "first" / "study.yaml").read_text())
    for part in (told, events[1]):
        sweep = description.read(part, "here")
        assert description.fingerprint(sweep) == told["fingerprint"]
    for event in events:
        if event["event"] == "shard_done":
            path = studies / "first" / "shards" / event["shard"]
            assert path.stat().st_size == event["bytes"]


def git(folder: Path, *arguments: str) -> str:
    setup = ["-c", "user.name=x", "-c", "user.email=x@example.org", "-c", "commit.gpgsign=false"]
    done = subprocess.run(
        ["git", *setup, *arguments], cwd=folder, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


@pytest.mark.skipif(shutil.which("git") is None, reason="there is no git")
def test_the_state_of_the_users_repository_is_kept_with_its_changes(tmp_path, monkeypatch) -> None:
    mine = tmp_path / "mine"
    mine.mkdir()
    git(mine, "init", "-q")
    (mine / "notes.txt").write_text("one\n")
    git(mine, "add", ".")
    git(mine, "commit", "-qm", "x")
    commit = git(mine, "rev-parse", "HEAD")
    (tmp_path / "study").mkdir()
    (mine / "inner").mkdir()
    monkeypatch.chdir(mine / "inner")
    found = provenance.repositories(tmp_path / "study")["working_folder"]
    assert found == {"commit": commit, "state": "clean"}
    (mine / "notes.txt").write_text("two\n")
    found = provenance.repositories(tmp_path / "study")["working_folder"]
    assert (found["commit"], found["state"]) == (commit, "changed")
    assert found["changed"] == ["notes.txt"]
    diff = (tmp_path / "study" / found["diff"]).read_text()
    assert "-one\n+two\n" in diff
    git(mine, "checkout", "-q", ".")
    (tmp_path / "study" / found["diff"]).rename(tmp_path / "changes.diff")
    git(mine, "apply", str(tmp_path / "changes.diff"))
    assert (mine / "notes.txt").read_text() == "two\n"
    monkeypatch.undo()


SLOW = '#!/bin/sh\ncase "$*" in *\' status \'*) exec sleep 9;; esac\nexec {git} "$@"\n'
REFUSING = """#!/bin/sh
echo "fatal: detected dubious ownership in repository at '/x'" >&2
exit 128
"""


@pytest.mark.skipif(shutil.which("git") is None, reason="there is no git")
@pytest.mark.parametrize(
    ("program", "reason"),
    [(SLOW, "git status did not answer within 0.5 s"),
     (REFUSING, "git rev-parse: fatal: detected dubious ownership in repository at '/x'"),
     ("#!/bin/sh\nkill -9 $$\n", "git rev-parse was ended by signal 9"),
     ("", "there is no git")],
    ids=["slow", "refusing", "killed", "missing"],
)  # fmt: skip
def test_a_git_that_gives_no_answer_is_no_clean_repository(
    tmp_path, monkeypatch, program, reason
) -> None:
    mine, bin = tmp_path / "mine", tmp_path / "bin"
    mine.mkdir()
    bin.mkdir()
    git(mine, "init", "-q")
    (mine / "a.txt").write_text("one\n")
    git(mine, "add", ".")
    git(mine, "commit", "-qm", "x")
    if program:
        (bin / "git").write_text(program.format(git=shutil.which("git")))
        (bin / "git").chmod(0o755)
    monkeypatch.setenv("PATH", f"{bin}:/usr/bin:/bin" if program is SLOW else str(bin))
    monkeypatch.setattr(git_of_izhi, "PATIENCE", 0.5)
    monkeypatch.chdir(mine)
    found = provenance.repositories(tmp_path)
    mine_found = found["working_folder"]
    assert (mine_found["state"], mine_found["reason"]) == ("unknown", reason)
    assert (
        f"its state is unknown: {reason}" in provenance.remarks({"working_folder": mine_found})[0]
    )
    monkeypatch.undo()


@pytest.mark.skipif(shutil.which("git") is None, reason="there is no git")
def test_no_program_that_a_repository_names_is_started(tmp_path, monkeypatch) -> None:
    mine = tmp_path / "mine"
    mine.mkdir()
    git(mine, "init", "-q")
    (mine / "a.txt").write_text("one\n")
    (mine / ".gitattributes").write_text("*.txt diff=evil\n")
    git(mine, "add", ".")
    git(mine, "commit", "-qm", "x")
    (mine / "a.txt").write_text("two\n")
    canary = tmp_path / "canary"
    for key in ("core.fsmonitor", "diff.external", "diff.evil.command", "diff.evil.textconv",
                "core.pager"):  # fmt: skip
        git(mine, "config", key, f"touch {canary};")
    (tmp_path / "study").mkdir()
    monkeypatch.chdir(mine)
    assert provenance.repositories(tmp_path / "study")["working_folder"]["state"] == "changed"
    assert not canary.exists()
    monkeypatch.undo()


# ---------------------------------------------------------------- verify


def test_a_whole_study_verifies(studies, capsys) -> None:
    status, out, err = call(capsys, "verify", studies / "first", "--sample", 4)
    assert (status, err) == (0, "simulating 4 points again ...\n")
    assert [line.split()[0] for line in out.splitlines()] == ["ok"] * 6
    assert "4 points, simulated again: the same bits, the same statistics" in out
    assert call(capsys, "verify", studies / "first", "--sample", 0)[1].count("\n") == 5


def rewrite(path: Path, change) -> None:
    """Change a netCDF file, and the log so that its checksum agrees: only its contents are off."""
    with netCDF4.Dataset(str(path), "a") as file:
        change(file)
    from izhi.study import folder as folders

    study = next(p for p in path.parents if (p / "log.jsonl").is_file())
    events = [json.loads(line) for line in (study / "log.jsonl").read_text().splitlines()]
    for event in events:
        if event.get("shard") == path.name:
            event["sha256"] = folders.sha256(path)
        if path.name in event.get("files", {}):
            event["files"][path.name]["sha256"] = folders.sha256(path)
    (study / "log.jsonl").write_text("".join(json.dumps(event) + "\n" for event in events))


def test_a_dataset_that_is_not_what_the_shards_hold_is_named(copy) -> None:
    path = copy / "first" / "dataset.nc"

    def change(file) -> None:
        file["firing_rate"][1, 2, 0] += 1e-9
        file["spikes"]["spike_time"].set_auto_scale(False)
        file["spikes"]["spike_time"][3] += 1

    rewrite(path, change)
    problems = verify(copy / "first").problems
    assert len(problems) == 2
    assert problems[0].startswith(f"{path}: firing_rate is not what the shards hold at point 5 (n")
    assert problems[1].startswith(f"{path}: spike_time is not what the shards hold at point")


def test_results_that_cannot_be_computed_again_are_named(copy, capsys) -> None:
    shard = sorted((copy / "first" / "shards").iterdir())[1]
    points = shardfile.read_points(shard)[1]

    def change(file) -> None:
        file["statistic_firing_rate"][0, 0] += 1e-12

    rewrite(shard, change)
    status, out, _ = call(capsys, "verify", copy / "first", "--sample", 1000)
    assert status == 1
    assert f"{shard}: point {points[0]} (neuron=" in out and "other results when run again" in out
    assert "the digest of the results is not the logged one" in out
    assert "firing_rate is not what the shards hold" in out


def test_points_without_results_are_named(copy) -> None:
    path = copy / "first" / "log.jsonl"
    lines = path.read_text().splitlines()
    gone = next(line for line in lines if '"shard_done"' in line)
    path.write_text("\n".join(line for line in lines if line != gone) + "\n")
    problems = verify(copy / "first").problems
    assert any(p.endswith("is not in the log") for p in problems)
    first = "2 points, the first of them point 0 (neuron=chattering, amplitude=6.0): not run"
    assert any(p.startswith(first) for p in problems)


def test_a_line_of_the_log_that_is_damaged_is_named(copy) -> None:
    path = copy / "first" / "log.jsonl"
    lines = path.read_text().splitlines()
    lines.insert(3, '{"time": "2026-')
    path.write_text("\n".join(lines) + "\n")
    assert f"{path}: line 4 is no event" in verify(copy / "first").problems


def test_files_that_were_left_unfinished_are_named(copy) -> None:
    left = copy / "first" / "shards" / ".0a1b2c3d4e5f6071-0123abcd-000000000-2-ab12c9ef.tmp"
    left.write_text("")
    assert verify(copy / "first").problems == [f"{left}: was left unfinished"]


def test_a_study_with_traces_verifies_and_shows_other_ones(tmp_path) -> None:
    study = izhi.run(
        [*SHORT, *AXES, "record.traces={neuron: resonator}", "record.interval=1"],
        name="t", dir=tmp_path, progress=False,
    )  # fmt: skip
    study.close()
    assert verify(study.path, 6).problems == []

    def change(file) -> None:
        file["traces"]["u"][1, 0, 7] *= 1.0000001

    rewrite(study.path / "dataset.nc", change)
    (problem,) = verify(study.path, 0).problems
    assert "traces/u is not what the shards hold" in problem


# ---------------------------------------------------------------- diff


def test_a_study_does_not_differ_from_itself(studies, capsys) -> None:
    status, out, err = call(capsys, "diff", studies / "first", studies / "first")
    assert (status, out, err) == (0, "results:  6 points compared, all the same\n", "")


def test_two_studies_are_compared_by_label(studies, capsys) -> None:
    status, out, err = call(capsys, "diff", studies / "first", studies / "second")
    assert (status, err) == (1, "")
    lines = out.splitlines()
    assert "configs:  synapse.weight: 8 mV | 9 mV" in lines
    assert "configs:  stimulus.amplitude: 6, 10, 14 mV | 10, 14, 18 mV" in lines
    assert "points:   stimulus.amplitude: 1 of 3 values only in the first" in lines
    assert "results:  4 points compared" in lines
    found = compare.compare(studies / "first", studies / "second")
    one, two = (izhi.open_study(studies / name) for name in ("first", "second"))
    shared = {"neuron": ["chattering", "resonator"], "amplitude": [10.0, 14.0]}
    ours, theirs = (s.dataset.sel(shared).transpose("neuron", "amplitude", ...) for s in (one, two))
    for name in ("spike_count", "firing_rate", "isi_mean"):
        a, b = (d[name].values.astype(float) for d in (ours, theirs))
        bad = (a != b) & ~(np.isnan(a) & np.isnan(b))
        told = [d for d in found.results if d.name == name]
        assert len(told) == bad.any()
        if told:
            assert told[0].points == bad.any(axis=-1).sum()
            assert told[0].largest == np.nanmax(np.abs(a - b)[bad])
    spikes = next(d for d in found.results if d.name == "spike_time")
    differ = [
        any(
            not np.array_equal(
                one.spike_times(cell, neuron=n, amplitude=a),
                two.spike_times(cell, neuron=n, amplitude=a),
            )
            for cell in ("pre0", "pre1", "post0")
        )
        for n in shared["neuron"]
        for a in shared["amplitude"]
    ]
    assert spikes.points == sum(differ) > 0


def test_results_of_points_that_an_axis_only_states_are_compared(tmp_path, studies) -> None:
    izhi.run([*SHORT, *AXES, "neuron.v_0=-65,-60"], name="more", dir=tmp_path, progress=False)
    found = compare.compare(studies / "first", tmp_path / "more")
    assert found.compared == 6 and found.results == []
    assert found.only == ["neuron.v_0: swept only in the second"]
    assert not found.same_results


def test_studies_without_common_points_differ(tmp_path, studies) -> None:
    izhi.run([*SHORT, "stimulus.amplitude=7,8"], name="other", dir=tmp_path, progress=False)
    found = compare.compare(studies / "first", tmp_path / "other")
    assert found.compared == 0 and not found.same_results


@pytest.mark.parametrize("turned", [False, True])
def test_what_a_study_states_need_not_be_on_the_other_s_axis(tmp_path, turned) -> None:
    for name, neurons in (("a", "regular_spiking"), ("b", "chattering,resonator")):
        izhi.run([*SHORT, f"neuron={neurons}"], name=name, dir=tmp_path, progress=False)
    found = compare.compare(*(tmp_path / name for name in ("ba" if turned else "ab")))
    assert found.compared == 0 and not found.results and not found.same_results


def test_traces_are_compared(tmp_path, capsys) -> None:
    asked = [*SHORT, "stimulus.amplitude=6,10", "record.traces=all"]
    izhi.run(asked, name="a", dir=tmp_path, progress=False)
    shutil.copytree(tmp_path / "a", tmp_path / "b")

    def change(file) -> None:
        file["traces"]["v"][1, 2, 5] += 0.25

    rewrite(tmp_path / "b" / "dataset.nc", change)
    status, out, err = call(capsys, "diff", tmp_path / "a", tmp_path / "b")
    assert (status, err) == (1, "")
    (line,) = [line for line in out.splitlines() if "traces/" in line]
    assert line.split()[:3] == ["traces/v", "1", "0.25"]
    assert line.endswith("point 1 (amplitude=10.0), post0")


def test_what_only_one_study_traces_is_said(tmp_path) -> None:
    for name, chosen in (("a", "all"), ("b", "[0]")):
        asked = [*SHORT, "stimulus.amplitude=6,10", f"record.traces={chosen}"]
        izhi.run(asked, name=name, dir=tmp_path, progress=False)
    found = compare.compare(tmp_path / "a", tmp_path / "b")
    assert not found.results and found.only == ["traces: of 1 points only in the first"]


def test_cells_of_only_one_study_are_named(tmp_path) -> None:
    for name, circuit in (("single", "single"), ("pair", "pair")):
        asked = [*SHORT[1:], f"circuit={circuit}", "stimulus.amplitude=6,10"]
        izhi.run(asked, name=name, dir=tmp_path, progress=False)
    found = compare.compare(tmp_path / "single", tmp_path / "pair")
    labels = {
        name: izhi.open_study(tmp_path / name).dataset["cell"].values.tolist()
        for name in ("single", "pair")
    }
    for name, other, which in (("single", "pair", "first"), ("pair", "single", "second")):
        only = [label for label in labels[name] if label not in labels[other]]
        line = f"cell: {', '.join(only)} only in the {which}"
        assert (line in found.only) == bool(only)
    assert any(line.startswith("projection: ") for line in found.only)
    assert not found.same_results


def test_words_are_compared_and_not_the_numbers_that_stand_for_them(tmp_path) -> None:
    for name, seeds in (("a", "0,1,2"), ("b", "0,1,2,3,4,5")):
        asked = [*SHORT, "neuron=random", f"simulation.seed={seeds}"]
        izhi.run(asked, name=name, dir=tmp_path, progress=False)
    a, b = (izhi.open_study(tmp_path / name).dataset["neuron_type"] for name in "ab")
    assert a.attrs["flag_meanings"] != b.attrs["flag_meanings"]
    assert compare.compare(tmp_path / "a", tmp_path / "b").results == []

    def change(file) -> None:
        file["neuron_type"].flag_meanings = "x y z"

    shutil.copytree(tmp_path / "a", tmp_path / "c")
    rewrite(tmp_path / "c" / "dataset.nc", change)
    (difference,) = compare.compare(tmp_path / "a", tmp_path / "c").results
    assert (difference.name, difference.points) == ("neuron_type", 3)
    assert difference.a in a.attrs["flag_meanings"].split() and difference.b in "xyz"


# ---------------------------------------------------------------- reproduce


def test_a_study_reproduces_from_its_log(copy, capsys, monkeypatch) -> None:
    monkeypatch.chdir(copy)
    (copy / "first" / "study.yaml").write_text("schema: 2\n")  # the log is enough
    status, out, _ = call(capsys, "reproduce", copy / "first", "run.n_jobs=1", "run.engine=numpy")
    assert status == 0
    path = Path(re.search(r"study: (.*)/\n", out)[1])
    assert path == copy / "first-again"
    assert out.splitlines()[1] == f"identical: {overview.overview(copy / 'first').digest}"
    told = log.read(path / "log.jsonl")[0]["command"]
    assert told == ["izhi", "reproduce", str(copy / "first"), "run.n_jobs=1", "run.engine=numpy"]
    assert "study.name" not in os.environ
    monkeypatch.undo()


def test_a_setting_that_is_given_twice_is_doubted(copy, capsys) -> None:
    status, _, err = call(capsys, "reproduce", copy / "first", "run.n_jobs=2", "run.n_jobs=1")
    assert (status, err) == (0, "warning: run.n_jobs: given twice, 2 and then 1, which holds\n")


def test_a_reproduction_that_was_interrupted_goes_on(copy, capsys, monkeypatch) -> None:
    def stop(*_, **__):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("izhi.study.gather.gather", stop)
        status, _, err = call(capsys, "reproduce", copy / "first", "run.n_jobs=1")
    assert (status, err) == (130, "interrupted; the same command goes on\n")
    status, out, _ = call(capsys, "reproduce", copy / "first", "run.n_jobs=1")
    assert status == 0
    assert out.startswith(f"study: {copy / 'first-again'}/\nidentical: ")
    assert "resumed" in [event["event"] for event in log.read(copy / "first-again" / "log.jsonl")]
    status, out, _ = call(capsys, "reproduce", copy / "first", "run.n_jobs=1")
    assert status == 0
    assert out.startswith(f"study: {copy / 'first-again-2'}/\n")


@pytest.mark.parametrize("name", ["first (copy)", "\u65e5" * 80, "a" * 200, ".hidden", "two words"])
def test_a_study_of_any_name_is_reproduced(copy, capsys, name) -> None:
    (copy / "first").rename(copy / name)
    status, out, err = call(capsys, "reproduce", copy / name, "run.n_jobs=1", "run.engine=numpy")
    assert status == 0, err
    assert "identical" in out


def test_what_does_not_reproduce_is_named_point_by_point(copy, capsys, tmp_path) -> None:
    def change(file) -> None:
        file["firing_rate"][1, 2, 0] += 1

    rewrite(copy / "first" / "dataset.nc", change)
    path = copy / "first" / "log.jsonl"
    text = path.read_text().replace(str(overview.overview(copy / "first").digest), "0" * 64)
    path.write_text(re.sub(r'"brian2": "[^"]*"', '"brian2": "1.0"', text))
    status, out, _ = call(
        capsys, "reproduce", copy / "first", "run.n_jobs=1", "run.engine=numpy", "--dir", tmp_path
    )
    assert status == 1
    lines = out.splitlines()
    assert lines[1].startswith(f"different: {'0' * 64} before, ")
    assert any(line.startswith("versions: libraries.brian2: 1.0 | 2.") for line in lines)
    assert "differs:  point 5 (neuron=resonator, amplitude=14.0)" in lines
    assert sum(line.startswith("differs:") for line in lines) == 1


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        (
            "run.n_job=1",
            "run.n_job=1: expected a setting such as run.n_jobs=2; did you mean run",
        ),
        ("run.n_jobs=0", "run.n_jobs = 0: write a number of workers"),
        ("neuron.a=1", "neuron.a=1: expected a setting such as run.n_jobs=2"),
        ("run.engine=fast", "run.engine = fast: no such choice"),
        ("run.n_jobs=--5", "run.n_jobs = --5: write a number of workers"),
        ("run.n_jobs=" + "9" * 5000, "run.n_jobs=999"),
        ("run.shard_points=²", "run.shard_points=²: not Hydra's grammar"),
        ("run.backend=loky,dask", "run.backend=loky,dask: several values; a study is run again"),
    ],
)
def test_wrong_settings_of_a_reproduction_are_one_line(studies, capsys, setting, message) -> None:
    status, out, err = call(capsys, "reproduce", studies / "first", setting)
    assert (status, out) == (2, "")
    assert err.startswith(f"error: {message}") and err.count("\n") == 1


def test_a_study_that_was_not_finished_cannot_be_reproduced(copy, capsys) -> None:
    path = copy / "first" / "log.jsonl"
    path.write_text("\n".join(path.read_text().splitlines()[:-1]) + "\n")
    status, _, err = call(capsys, "reproduce", copy / "first")
    assert status == 2
    assert "was not run to its end, so there is nothing to compare with" in err


# ---------------------------------------------------------------- export


def test_a_study_is_exported_beside_itself_or_where_it_is_said(copy, capsys, tmp_path) -> None:
    status, out, err = call(capsys, "export", copy / "first", "--to", "csv")
    assert (status, err) == (0, "")
    assert out == f"{copy / 'first-csv'}\n"
    assert (copy / "first-csv" / "summary.csv").read_bytes() == (
        copy / "first" / "summary.csv"
    ).read_bytes()
    one = tmp_path / "one.nc"
    assert call(capsys, "export", copy / "first", "--to", "netcdf", "-o", one)[0] == 0
    assert one.is_file()
    assert call(capsys, "export", copy / "first", "--to", "netcdf", "-o", one)[0] == 2
    status, out, err = call(capsys, "export", copy / "first", "--to", "cvs")
    assert (status, out) == (2, "")
    assert err == "error: to = cvs: no such format; did you mean csv?\n"


# ---------------------------------------------------------------- doctor


def doctor(capsys, *arguments: str) -> tuple[int, dict[str, str]]:
    status = cli.main(["doctor", *arguments])
    lines = capsys.readouterr().out.splitlines()
    return status, {line.split()[1]: line for line in lines}


def test_doctor_tells_what_there_is_to_work_with(tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    status, lines = doctor(capsys)
    named = ["python", "izhi", "brian2", "numpy", "netCDF4", "compiler", "cache", "studies",
             "cores", "configs"]  # fmt: skip
    assert list(lines) == named
    assert np.__version__ in lines["numpy"] and "can be written and locked" in lines["studies"]
    assert status == int(any(line.startswith("WRONG") for line in lines.values()))
    assert list(tmp_path.iterdir()) == []


def test_doctor_names_what_is_wrong(tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.setenv("CXX", "no_such_compiler")
    monkeypatch.setenv("XDG_CACHE_HOME", "/dev/null")
    monkeypatch.setattr(fcntl, "flock", no_lock)
    status, lines = doctor(capsys, str(tmp_path))
    assert status == 1
    assert lines["compiler"].startswith("WRONG  compiler  no no_such_compiler on the PATH: only")
    assert "set XDG_CACHE_HOME" in lines["cache"] and lines["cache"].startswith("WRONG")
    assert "without flock (Function not implemented): izhi locks by files" in lines["studies"]
    assert lines["studies"].startswith("ok")


def no_lock(file, how) -> None:
    raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))


@pytest.mark.skipif(not cache.compiler(), reason="no C++ compiler")
def test_doctor_runs_the_compiler(tmp_path, monkeypatch, capsys) -> None:
    compiler = tmp_path / "broken"
    compiler.write_text("#!/bin/sh\necho the licence has expired >&2\nexit 1\n")
    compiler.chmod(0o755)
    monkeypatch.setenv("CXX", str(compiler))
    status, lines = doctor(capsys, str(tmp_path))
    monkeypatch.undo()
    assert status == 1
    assert "a tiny program does not compile: the licence has expired" in lines["compiler"]
