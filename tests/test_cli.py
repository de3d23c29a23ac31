"""The program as it is typed: what it prints where, its exit status, and stopping it."""

from __future__ import annotations

import importlib.metadata
import json
import os
import re
import signal
import subprocess
import sys
import time
from datetime import datetime
from pathlib import Path

import pandas as pd
import pytest

import izhi
from izhi import cli
from izhi.engine import cache

# What is printed, and where, does not depend on the engine; a program starts faster than Brian2.
ENGINE = "compiled" if cache.compiler() else "numpy"
SHORT = ["circuit=single", f"run.engine={ENGINE}", "run.n_jobs=1", "simulation.duration='50 ms'"]


def izhi_program(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "izhi", *arguments], cwd=cwd, capture_output=True, text=True
    )


@pytest.fixture(scope="module", autouse=True)
def built(tmp_path_factory) -> None:
    """Have the program of all tests: whoever lacks it says that it is built."""
    folder = tmp_path_factory.mktemp("built")
    izhi.run(SHORT, name="s", dir=folder, progress=False).close()


@pytest.fixture
def here(tmp_path: Path):
    """Work in an empty folder."""
    before = Path.cwd()
    os.chdir(tmp_path)
    yield tmp_path
    os.chdir(before)


@pytest.mark.parametrize("arguments", [[], ["--help"], ["-h"], ["help"]])
def test_help_says_what_to_type(arguments, capsys) -> None:
    assert cli.main(arguments) == 0
    out, err = capsys.readouterr()
    assert err == ""
    for line in ("izhi run  [-m] OVERRIDES...", "izhi plan [-m] OVERRIDES...", "Exit status:"):
        assert line in out


def test_starting_up_imports_nothing_that_takes_long(tmp_path) -> None:
    code = "import sys; from izhi import cli; cli.main(sys.argv[1:]); print(*sys.modules)"
    for flag in ("--help", "--version"):
        done = subprocess.run(
            [sys.executable, "-c", code, flag], cwd=tmp_path, capture_output=True, text=True
        )
        loaded = set(done.stdout.splitlines()[-1].split())
        assert "izhi.cli" in loaded
        slow = {"brian2", "xarray", "pandas", "hydra", "omegaconf", "numpy", "joblib", "netCDF4"}
        assert not loaded & slow


def test_the_version_is_the_installed_one(tmp_path) -> None:
    done = izhi_program("--version", cwd=tmp_path)
    version = importlib.metadata.version("izhi")
    assert (done.returncode, done.stdout, done.stderr) == (0, f"izhi {version}\n", "")
    assert izhi.__version__ == version


def test_the_installed_program_is_the_same(tmp_path) -> None:
    (script,) = importlib.metadata.entry_points(group="console_scripts", name="izhi")
    assert script.load() is cli.main


def test_a_sweep_prints_its_report_and_the_head_of_the_summary(tmp_path) -> None:
    done = izhi_program(
        "run", "-m", *SHORT, "stimulus.amplitude=range(4,15)", "study.name=demo", cwd=tmp_path
    )
    assert done.returncode == 0
    assert done.stderr == ""  # a progress bar is for terminals
    points, study, page, blank, *table = done.stdout.splitlines()
    told = rf"11 points in ([\d.]+) s \(([\d,]+) points/s\), {ENGINE} engine\b.*"
    found = re.fullmatch(told, points)
    assert found and float(found[1]) > 0
    assert study == "study: studies/demo/  (dataset.nc, summary.csv, log.jsonl, shards/)"
    assert page == "report: studies/demo/report.html"
    assert blank == ""
    assert table[0].split()[:4] == ["amplitude", "cell", "spike_count", "firing_rate"]
    assert [line.split()[:2] for line in table[1:10]] == [[str(a), "cell0"] for a in range(4, 13)]
    assert table[10] == "... 11 rows in studies/demo/summary.csv"
    assert len(table) == 11
    assert len({len(line) for line in table[:10]}) == 1
    stored = pd.read_csv(tmp_path / "studies" / "demo" / "summary.csv", comment="#")
    shown = [int(line.split()[2]) for line in table[1:10]]
    assert shown == stored["spike_count"].tolist()[:9]
    assert {path.name for path in tmp_path.iterdir()} == {"studies"}  # no folders of Hydra's


def test_one_point_has_cells_only(here, capsys) -> None:
    assert cli.main(["run", *SHORT, "neuron=chattering", "study.name=one"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert re.match(r"1 points? in ", out)
    assert "cell0" in out
    study = izhi.open_study("studies/one")
    assert study.dataset["firing_rate"].dims == ("cell",)
    study.close()


def test_running_again_says_that_all_is_there(here, capsys) -> None:
    command = ["run", "-m", *SHORT, "stimulus.amplitude=4,8", "study.name=twice"]
    assert cli.main(command) == 0
    first = capsys.readouterr().out.splitlines()
    assert cli.main(command) == 0
    again = capsys.readouterr().out.splitlines()
    assert again[0] == "all 2 points were there already"
    assert again[1:] == first[1:]


def test_a_study_without_a_name_gets_the_time_and_a_number_if_that_is_taken(
    here, capsys, monkeypatch
) -> None:
    class Noon(datetime):
        @classmethod
        def now(cls, tz=None):
            return cls(2026, 1, 2, 12, 30, 45, tzinfo=tz)

    monkeypatch.setattr("izhi.study.folder.datetime", Noon)
    for _ in range(3):
        assert cli.main(["run", *SHORT, "simulation.duration='21 ms'"]) == 0
    names = sorted(path.name for path in Path("studies").iterdir())
    assert names == [
        "run-20260102-123045", "run-20260102-123045-2", "run-20260102-123045-3",
    ]  # fmt: skip
    (here / "my").mkdir()
    (here / "my" / "experiment").mkdir()
    config = "# @package _global_\nstimulus: {amplitude: 5 mV}\n"
    (here / "my" / "experiment" / "mine.yaml").write_text(config)
    assert cli.main(["run", "--config-dir", "my", *SHORT, "+experiment=mine"]) == 0
    assert Path("studies/mine-20260102-123045/dataset.nc").is_file()


def test_a_plan_is_printed_and_nothing_is_written(here, capsys) -> None:
    arguments = ["neuron=chattering,resonator", "stimulus.amplitude=range(4,15)",
                 "run.engine=numpy", "run.n_jobs=2"]  # fmt: skip
    assert cli.main(["plan", "-m", *arguments]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    lines = out.splitlines()
    assert lines[0] == "22 points, 3 cells each: pre0 pre1 post0"
    words = [" ".join(line.split()) for line in lines]
    assert words[1] == "neuron 2 values of neuron: chattering, resonator"
    assert (
        words[2] == "amplitude 11 values of stimulus.amplitude [mV]: 4.0, 5.0, 6.0, 7.0, ..., 14.0"
    )
    assert lines[3] == "1 structure, 1 shard, 0 builds"
    assert "22 points of 1 s at 0.1 ms, euler; numpy engine (as asked)" in lines[4]
    assert re.fullmatch(r"about [\d.]+ s on 2 workers, about [\d.]+ [kM]?B on disk", lines[-1])
    assert list(here.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["rum"], "error: rum: no such command; did you mean run?"),
        (["run", "neuron=chatering"], "error: neuron = chatering: no such neuron; did you"),
        (["run", "synapse.U_0=1.4"], "error: synapse.U_0 = 1.4: a release probability lies in [0,"),
    ],
)  # fmt: skip
def test_wrong_input_is_one_line_and_status_2(here, capsys, arguments, message) -> None:
    assert cli.main(arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(message) and err.count("\n") == 1
    assert list(here.iterdir()) == []


def test_an_interrupted_sweep_goes_on_where_it_was(tmp_path) -> None:
    sweep = ["circuit=single", "run.engine=numpy", "simulation.duration='50 ms'",
             "stimulus.amplitude=range(1,7)"]  # fmt: skip
    command = ["run", "-m", *sweep, "run.n_jobs=2", "run.shard_points=1", "study.name=stopped"]
    process = subprocess.Popen(
        [sys.executable, "-m", "izhi", *command], cwd=tmp_path, start_new_session=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    log = tmp_path / "studies" / "stopped" / "log.jsonl"
    try:
        deadline = time.monotonic() + 60
        while not (log.is_file() and '"shard_done"' in log.read_text()):
            assert process.poll() is None and time.monotonic() < deadline
            time.sleep(0.02)
        os.killpg(process.pid, signal.SIGINT)
        out, err = process.communicate(timeout=30)
    finally:
        if process.poll() is None:
            process.kill()
    assert process.returncode == 130
    assert out == ""
    assert err == "interrupted; the same command with study.name=stopped goes on\n"
    folder = log.parent
    kept = {path.name for path in folder.iterdir() if path.suffix != ".diff"}
    assert kept == {"study.yaml", "log.jsonl", "shards"}
    done = {path.name for path in (folder / "shards").glob("*.nc")}
    assert 1 <= len(done) < 6
    assert json.loads(log.read_text().splitlines()[-1])["event"] == "interrupted"

    again = [word.replace("run.engine=numpy", f"run.engine={ENGINE}") for word in command]
    resumed = izhi_program(*again, cwd=tmp_path)
    assert (resumed.returncode, resumed.stderr) == (0, "")
    study = izhi.open_study(folder)
    assert (study.dataset["status"] == 0).all()
    events = [event["event"] for event in study.log]
    after = study.log[events.index("resumed") :]
    ran = {event["shard"] for event in after if event["event"] == "shard_done"}
    assert ran.isdisjoint(done) and len(ran) + len(done) == 6
    assert not list((folder / "shards").glob("*.tmp"))
    whole = [*sweep, "run.n_jobs=1", f"run.engine={ENGINE}"]
    other = izhi.run(whole, name="whole", dir=tmp_path, progress=False)
    assert study.summary().equals(other.summary())
    study.close()
    other.close()


LARGE = ["-m", "circuit=single", "simulation.duration='1 ms'", "stimulus.onset=0", "run.n_jobs=2",
         "stimulus.amplitude=range(0,15,0.0003)"]  # fmt: skip


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="looks processes up in /proc")
def test_workers_that_are_still_starting_do_not_answer_an_interrupt(tmp_path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "izhi", "run", *LARGE, "study.name=stopped"], cwd=tmp_path,
        start_new_session=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip

    def started() -> bool:
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        return any("popen_loky" in Path(f"/proc/{c}/cmdline").read_text() for c in children)

    try:
        deadline = time.monotonic() + 60
        while not started():
            assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.1)  # they import now
        os.killpg(process.pid, signal.SIGINT)
        out, err = process.communicate(timeout=30)
    finally:
        if process.poll() is None:
            process.kill()
    assert process.returncode == 130
    assert out == ""
    assert err.startswith("interrupted") and err.count("\n") == 1


def test_what_is_wrong_is_one_line_also_when_workers_have_started(tmp_path) -> None:
    neuron = tmp_path / "conf" / "neuron"
    neuron.mkdir(parents=True)
    (neuron / "odd.yaml").write_text("defaults: [chattering]\na: 5 mV\n")
    ended = izhi_program(
        "run", "--config-dir", "conf", *LARGE, "neuron=chattering,odd", cwd=tmp_path
    )
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.startswith("error: neuron.equations: du/dt: the term a * ")
    assert ended.stderr.count("\n") == 1
    assert not (tmp_path / "studies").exists()


def test_a_reader_that_goes_away_is_no_traceback(tmp_path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "izhi", "plan", "-m", "stimulus.amplitude=4,8", "run.engine=numpy"],
        cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    process.stdout.close()
    assert process.stderr is not None
    assert "Traceback" not in process.stderr.read()
    process.stderr.close()
    process.wait()


def test_a_profile_says_where_the_seconds_went(here, capsys) -> None:
    assert cli.main(["run", "-m", *SHORT, "stimulus.amplitude=4,10", "run.profile=true"]) == 0
    lines = capsys.readouterr().out.split("\n\n")[-1].splitlines()
    seconds = [
        (line.split("  ")[0], float(line.split()[-2])) for line in lines if " s" in line[-2:]
    ]
    stages = dict(seconds[: seconds.index(next(s for s in seconds if s[0] == "total"))])
    assert list(stages) == ["composing", "planning", "building", "shards", "gathering",
                            "reporting"]  # fmt: skip
    assert sum(stages.values()) == pytest.approx(dict(seconds[:7])["total"], abs=0.01)
    assert lines[7] == "shards, over 1 worker:"
    busy = [float(line.split()[-2]) for line in lines[8:]]
    assert sum(busy[:-1]) == pytest.approx(busy[-1], abs=0.01)
    assert busy[-1] == pytest.approx(stages["shards"], abs=0.002)


# ---------------------------------------------------------------- streams and signals


def shell(command: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", "-c", f"izhi() {{ '{sys.executable}' -m izhi \"$@\"; }}; {command}"], cwd=cwd,
        capture_output=True, text=True, check=False, env={**os.environ, **environment},
    )  # fmt: skip


QUICK = f"circuit=single run.engine={ENGINE} 'simulation.duration=\"25 ms\"' study.name=s"


@pytest.mark.parametrize("closed", ["2>&-", "<&- >&- 2>&-", ">&-"])
def test_a_run_does_not_need_its_streams(tmp_path, closed) -> None:
    done = shell(f"izhi run -m stimulus.amplitude=4,8 {QUICK} {closed}", tmp_path)
    assert done.returncode == 0
    assert (izhi.open_study(tmp_path / "studies" / "s").dataset["status"] == 0).all()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize("command", ["--help", "--version", "list .", f"run {QUICK}"])
def test_output_that_cannot_be_written_is_one_line(tmp_path, command) -> None:
    done = shell(f"izhi {command} >/dev/full", tmp_path)
    assert (done.returncode, done.stderr) == (1, "error: No space left on device\n")


@pytest.mark.parametrize("command", ["--help", "list .", f"run {QUICK}"])
def test_output_that_nobody_reads_is_no_error(tmp_path, command) -> None:
    done = shell(f"izhi {command} | true; exit ${{PIPESTATUS[0]}}", tmp_path)
    assert done.returncode in (0, 141)
    assert done.stderr == ""


def test_names_that_the_terminal_does_not_know_are_spelled_out(tmp_path) -> None:
    name = QUICK.replace("study.name=s", "'study.name=\"d\u00e9j\u00e0\"'")
    done = shell(f"izhi run {name} && izhi list", tmp_path, PYTHONIOENCODING="ascii")
    assert done.returncode == 0, done.stderr
    assert "d\\xe9j\\xe0" in done.stdout


def test_one_who_asks_twice_does_not_disturb_the_end(tmp_path) -> None:
    command = ["run", "-m", "circuit=single", "run.engine=numpy", "stimulus.amplitude=range(1,99)",
               "run.shard_points=1", "run.n_jobs=1", "study.name=s"]  # fmt: skip
    process = subprocess.Popen(
        [sys.executable, "-m", "izhi", *command], cwd=tmp_path, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    log = tmp_path / "studies" / "s" / "log.jsonl"
    while not (log.is_file() and "shard_done" in log.read_text()):
        assert process.poll() is None
        time.sleep(0.01)
    while process.poll() is None:
        process.send_signal(signal.SIGINT)
        time.sleep(0.01)
    out, err = process.communicate()
    assert (process.returncode, out) == (130, "")
    assert err == "interrupted; the same command with study.name=s goes on\n"
    assert '"interrupted"' in log.read_text()
