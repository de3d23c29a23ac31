"""What befalls a study: points that fail, processes that die, two at once, growth."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import izhi
from izhi import cli
from izhi.engine import cache
from izhi.errors import EngineError, StorageError, StudyError
from izhi.study import failures, log, overview, shardfile, worker
from izhi.study.verify import verify

# What is stored, lost and found does not depend on the engine; a program starts faster than Brian2.
ENGINE = "compiled" if cache.compiler() else "numpy"
SHORT = ["circuit=single", f"run.engine={ENGINE}", "simulation.duration='25 ms'"]
# what is to be stopped on its way lasts long enough for that
SLOW = ["circuit=single", "run.engine=numpy", "simulation.duration='25 ms'"]
HUNDRED = "stimulus.amplitude=range(1,101)"


def run(folder: Path, name: str, *overrides: str, **settings) -> izhi.Study:
    return izhi.run([*SHORT, *overrides], name=name, dir=folder, progress=False,
                    **{"n_jobs": 1, **settings})  # fmt: skip


def digest(path: Path) -> str:
    found = overview.overview(path).digest
    assert found is not None
    return found


def events(path: Path, kind: str) -> list[dict]:
    return [event for event in log.read(path / "log.jsonl") if event["event"] == kind]


def points_run(path: Path) -> list[int]:
    """Return the points of the shards that were logged done, as often as they were."""
    ran: list[int] = []
    for event in events(path, "shard_done"):
        ran += shardfile.read_points(path / "shards" / event["shard"])[1].tolist()
    return ran


# ---------------------------------------------------------------- points that fail


@pytest.fixture
def failing(monkeypatch):
    """Let some points fail: ``failing({3, 7})``; returns the sizes of what was tried."""
    simulate = worker.simulate

    def arrange(bad) -> list[int]:
        tried: list[int] = []

        def sometimes(task, profile=None):
            tried.append(task.points.size)
            if bad(task.points) if callable(bad) else set(task.points.tolist()) & set(bad):
                raise EngineError("it burns")
            return simulate(task, profile)

        monkeypatch.setattr(worker, "simulate", sometimes)
        return tried

    return arrange


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> izhi.Study:
    """Give the study of a hundred points none of which fails."""
    return run(tmp_path_factory.mktemp("whole"), "whole", HUNDRED)


@pytest.mark.parametrize("bad", [[0], [42], [99], [10, 11], [7, 70], list(range(20, 45))])
def test_bad_points_end_alone_and_all_others_are_done(tmp_path, whole, failing, bad) -> None:
    tried = failing(bad)
    study = run(tmp_path, "s", HUNDRED)
    assert tried[:2] == [100, 100]  # once again first
    status = study.dataset["status"].values
    assert np.flatnonzero(status == 2).tolist() == bad
    good = np.setdiff1d(np.arange(100), bad)
    assert (status[good] == 0).all()
    for name in ("spike_count", "firing_rate", "first_spike_latency"):
        ours, theirs = (s.dataset[name].values[good] for s in (study, whole))
        assert np.array_equal(ours, theirs, equal_nan=True)
    assert [e["point"] for e in events(study.path, "point_failed")] == sorted(
        e["point"] for e in events(study.path, "point_failed")
    ) or len(bad) > 1
    assert {e["point"]: (e["at"], e["reason"]) for e in events(study.path, "point_failed")} == {
        point: ({"amplitude": point + 1}, "EngineError: it burns") for point in bad
    }
    assert sorted(points_run(study.path)) == good.tolist()


def test_what_fails_once_is_done_when_it_is_tried_again(tmp_path, failing) -> None:
    attempts = iter([True])
    tried = failing(lambda points: next(attempts, False))
    study = run(tmp_path, "s", HUNDRED)
    assert tried == [100, 100]
    assert (study.dataset["status"] == 0).all()
    assert len(events(study.path, "shard_failed")) == 1
    assert not events(study.path, "point_failed")


def test_where_all_points_failed_their_spikes_and_traces_say_so(tmp_path, failing) -> None:
    failing(lambda points: True)
    two = ["stimulus.amplitude=8,9", "record.traces=all", "record.interval='1 ms'"]
    with pytest.raises(EngineError, match="all 2 points failed"):
        run(tmp_path, "s", *two)
    study = izhi.open_study(tmp_path / "s")
    assert (study.dataset["status"] == 2).all()
    for name, group in (("spikes", lambda: study.spike_times("cell0", amplitude=8)),
                        ("traces", lambda: study.traces)):  # fmt: skip
        with pytest.raises(StudyError) as error:
            group()
        assert str(error.value) == (
            f"{study.path}: no {name} in this study; every point that was to record them failed "
            f"(EngineError: it burns); see {study.path / 'log.jsonl'}"
        )


def test_where_no_point_runs_the_run_stops_after_a_few(tmp_path, failing, capsys) -> None:
    tried = failing(lambda points: True)
    with pytest.raises(EngineError, match=r"^16 points were tried alone and none of them"):
        run(tmp_path, "s", HUNDRED, "run.shard_points=100")
    assert tried == [100, 100, *[1] * 16]
    assert events(tmp_path / "s", "stopped")[0]["reason"].startswith("16 points were tried alone")
    failing([])
    assert not points_run(tmp_path / "s")


def test_where_many_points_are_bad_the_others_are_still_found(tmp_path, failing) -> None:
    bad = [n for n in range(100) if n % 2]
    failing(bad)
    study = run(tmp_path, "s", HUNDRED)
    assert np.flatnonzero(study.dataset["status"].values == 2).tolist() == bad
    ran = points_run(study.path)
    assert sorted(ran) == [n for n in range(100) if n % 2 == 0]  # none of them twice


def test_a_run_may_stop_at_the_first_failure(tmp_path, failing, monkeypatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    tried = failing([55])
    command = ["run", "-m", *SHORT, HUNDRED, "run.n_jobs=1", "run.shard_points=25",
               "run.on_failure=stop", "study.name=s"]  # fmt: skip
    assert cli.main(command) == 1
    assert tried == [25, 25, 25]
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("error: stopped at the first failure: EngineError: it burns")
    assert err.count("\n") == 1
    assert not Path("studies/s/dataset.nc").exists()
    failing([])
    assert cli.main(command) == 0
    assert sorted(points_run(Path("studies/s"))) == list(range(100))
    monkeypatch.undo()


def test_the_first_failure_is_shown_when_it_happens(tmp_path, failing, monkeypatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    failing([3, 60])
    command = ["run", "-m", *SHORT, HUNDRED, "run.n_jobs=1", "run.shard_points=50", "study.name=s"]
    assert cli.main(command) == 1
    _, err = capsys.readouterr()
    lines = err.splitlines()
    assert lines[0] == "50 points, from point 0 on, failed: EngineError: it burns"
    assert lines[1] == "trying them again ..."
    assert lines[2] == "2 points failed; see studies/s/log.jsonl"
    monkeypatch.undo()


def test_a_task_taken_apart_keeps_its_points_parameters() -> None:
    plan = izhi.plan([*SHORT, "stimulus.amplitude=range(1,8)", "neuron.b=0.2,0.25"])
    from izhi.study import shards
    from izhi.study.folder import StudyFolder

    task = shards.task(plan, plan.shards[0], {}, StudyFolder(Path("x")), "f" * 64)
    outcome = worker.failed(task, worker.Profile(), "no")
    attempts, seen = [failures.Attempt(task, 1)], []
    while attempts:
        attempt = attempts.pop()
        size = attempt.task.points.size
        for name, values in attempt.task.parameters.items():
            whole = np.broadcast_to(task.parameters[name], 14)[attempt.task.points]
            assert np.array_equal(np.broadcast_to(values, size), whole), name
        further = failures.after(attempt, outcome)
        attempts += further
        seen += [] if further else attempt.task.points.tolist()
    assert sorted(seen) == list(range(14))


# ---------------------------------------------------------------- processes that die


def program(*arguments: str, cwd: Path, **more) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-m", "izhi", *arguments], cwd=cwd, text=True, start_new_session=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, **more,
    )  # fmt: skip


DEADLY = """
import os, signal, sys
from pathlib import Path
import numpy as np
from izhi.study import worker
simulate = worker.simulate

def deadly(task, profile=None):
    mark = Path(os.environ["MARK"])
    bad = {int(n) for n in os.environ["BAD"].split()}
    if bad & set(task.points.tolist()) and (os.environ["ALWAYS"] or not mark.exists()):
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return simulate(task, profile)

worker.simulate = deadly
"""


@pytest.mark.parametrize(
    "always",
    [pytest.param("", marks=pytest.mark.soak, id="once"), pytest.param("yes", id="always")],
)
def test_a_worker_that_dies_takes_nobody_along(tmp_path, always) -> None:
    # what a worker imports is patched there, too
    (tmp_path / "sitecustomize.py").write_text(DEADLY)
    environment = {**os.environ, "PYTHONPATH": str(tmp_path), "MARK": str(tmp_path / "mark"),
                   "BAD": "3 13", "ALWAYS": always}  # fmt: skip
    command = ["run", "-m", *SHORT, "stimulus.amplitude=range(1,17)", "run.n_jobs=2",
               "run.shard_points=4", "study.name=s"]  # fmt: skip
    process = program(*command, cwd=tmp_path, env=environment)
    err = process.communicate(timeout=120)[1]
    path = tmp_path / "studies" / "s"
    failed = [3, 13] if always else []
    assert (process.returncode, len(failed)) == ((1, 2) if always else (0, 0)), err
    status = izhi.open_study(path).dataset["status"].values
    assert np.flatnonzero(status).tolist() == failed
    assert "its process ended (SIGKILL)" in err
    assert sorted(points_run(path)) == [n for n in range(16) if n not in failed]
    for event in events(path, "point_failed"):
        assert event["reason"] == "its process ended (SIGKILL)"


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="looks processes up in /proc")
def test_workers_end_soon_after_a_parent_that_is_killed(tmp_path) -> None:
    command = ["run", "-m", "circuit=single", "run.engine=numpy", HUNDRED, "run.n_jobs=2",
               "run.shard_points=2", "study.name=s"]  # fmt: skip
    process = program(*command, cwd=tmp_path)
    path = tmp_path / "studies" / "s"
    wait_for(lambda: (path / "log.jsonl").is_file() and events(path, "shard_done"), process)
    children = children_of(process.pid)
    assert len(children) >= 2
    process.kill()
    process.wait()
    deadline = time.monotonic() + 20
    while any(is_alive(child) for child in children):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    process.communicate()


def test_a_worker_whose_parent_was_killed_while_it_started_ends() -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    code = f"from izhi.study.worker import get_ready; get_ready({gone.pid}); input()"
    worker = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE)
    assert worker.wait(timeout=60) == 1


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="looks processes up in /proc")
def test_workers_without_work_end_with_their_parent(tmp_path) -> None:
    code = (
        "import time\nfrom izhi.study.parallel import processes\nfrom joblib import delayed\n"
        "print(list(processes(2, 'loky')(delayed(int)() for _ in range(2))), flush=True)\n"
        "time.sleep(60)"
    )
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert parent.stdout.readline() == "[0, 0]\n"
    children = children_of(parent.pid)
    assert len(children) >= 2
    parent.kill()
    deadline = time.monotonic() + 20
    while any(is_alive(child) for child in children):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    parent.communicate()


def test_workers_that_are_ended_with_tasks_waiting_print_nothing(tmp_path) -> None:
    # joblib's executor asked for tasks that it had dropped: a KeyError in its thread
    script = tmp_path / "script.py"
    script.write_text(
        "import time\nfrom izhi.study import parallel\nfrom joblib import delayed\n"
        "naps = (delayed(time.sleep)(0.02) for _ in range(40))\n"
        "workers = parallel.processes(2, 'loky', pre_dispatch='all')\n"
        "with parallel.results(workers, naps) as returned:\n    next(returned)\n"
    )
    for _ in range(2):  # it happened in two of three runs
        ended = subprocess.run([sys.executable, script], capture_output=True, text=True)
        assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")


def wait_for(condition, process: subprocess.Popen, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.01)


def children_of(pid: int) -> list[int]:
    """Return the processes that a process started, in /proc."""
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            found += map(int, task.read_text().split())
        except OSError:
            continue
    return found


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.parametrize(
    ("number", "n_jobs"),
    [(signal.SIGTERM, 2), (signal.SIGINT, 1),
     *(pytest.param(number, n_jobs, marks=pytest.mark.soak)
       for number, n_jobs in ((signal.SIGTERM, 1), (signal.SIGINT, 2), (signal.SIGHUP, 1),
                              (signal.SIGHUP, 2)))],
)  # fmt: skip
def test_a_request_to_end_keeps_what_is_done_and_says_how_to_go_on(
    tmp_path, monkeypatch, capsys, number, n_jobs
) -> None:
    command = ["run", "-m", *SLOW, "stimulus.amplitude=range(1,11)", f"run.n_jobs={n_jobs}",
               "run.shard_points=1", "study.name=s"]  # fmt: skip
    process = program(*command, cwd=tmp_path)
    path = tmp_path / "studies" / "s"
    wait_for(lambda: (path / "log.jsonl").is_file() and events(path, "shard_done"), process)
    os.kill(process.pid, number)
    out, err = process.communicate(timeout=30)
    assert (process.returncode, out) == (130, "")
    assert err == "interrupted; the same command with study.name=s goes on\n"
    assert events(path, "interrupted")
    done = points_run(path)
    assert 0 < len(done) < 10
    with monkeypatch.context() as patch:
        patch.chdir(tmp_path)
        going_on = [*command, f"run.engine={ENGINE}", "run.n_jobs=1"]  # both start faster
        assert cli.main(going_on) == 0, capsys.readouterr().err
    assert sorted(points_run(path)) == list(range(10))
    assert verify(path, 10).problems == []  # no shard is one that ended early


@pytest.mark.parametrize(
    "number", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.soak)]
)
def test_a_request_to_end_ends_a_build_with_its_compiler(compiler, tmp_path, number) -> None:
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    environment = {**whole_cache(tmp_path / "cache"), "TMPDIR": str(temporary)}
    command = ["run", "circuit=single", "run.engine=compiled", "study.name=s"]
    process = program(*command, cwd=tmp_path, env=environment)

    def compilers() -> list[int]:
        found = [process.pid]
        for pid in found:
            found += children_of(pid)
        return [pid for pid in found if "cc1plus" in command_of(pid)]

    wait_for(compilers, process)
    compiling = compilers()
    os.kill(process.pid, number)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 130, err
    assert err.endswith("interrupted; the same command with study.name=s goes on\n")
    assert not [pid for pid in compiling if is_alive(pid)]
    assert list(temporary.iterdir()) == []
    process = program(*command, cwd=tmp_path, env=environment)
    _, err = process.communicate(timeout=120)
    assert process.returncode == 0, err


def command_of(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except OSError:
        return ""


# ---------------------------------------------------------------- two at once


def test_a_second_writer_is_refused_with_who_holds_the_study(tmp_path) -> None:
    study = run(tmp_path, "s", "stimulus.amplitude=4,8")
    before = study.folder.log.read_bytes()
    with log.writing(study.folder.log) as record:
        record.append("started", **log.started(["izhi", "run"]))
        with pytest.raises(
            StudyError,
            match=rf"^study\.name = s: .*s is being written by process {os.getpid()} on \S+ since "
            r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC; wait for its end, or choose another name$",
        ):
            run(tmp_path, "s", "stimulus.amplitude=4,8")
        assert overview.overview(study.path).state == "running"
    assert len(log.read(study.folder.log)) == len(before.splitlines()) + 1
    assert overview.overview(study.path).state == "killed"
    assert (run(tmp_path, "s", "stimulus.amplitude=4,8").dataset["status"] == 0).all()


def together(tmp_path: Path, times: int) -> None:
    for number in range(times):
        command = ["run", "-m", *SHORT, "stimulus.amplitude=4,8,12", "run.n_jobs=1",
                   "run.shard_points=1", f"study.name=s{number}"]  # fmt: skip
        both = [program(*command, cwd=tmp_path) for _ in range(2)]
        told = [process.communicate(timeout=120) for process in both]
        codes = sorted(process.returncode for process in both)
        path = tmp_path / "studies" / f"s{number}"
        assert points_run(path) == [0, 1, 2], told  # none of them twice
        assert codes in ([0, 2], [0, 0]), told
        if codes == [0, 2]:
            (err,) = [err for (_, err), p in zip(told, both, strict=True) if p.returncode == 2]
            assert err.startswith(f"error: study.name = s{number}: studies/s{number} is being")
            assert err.count("\n") == 1 and "process" in err
        else:  # the second one came when the first had just ended
            assert len(events(path, "resumed")) == 1
        assert (izhi.open_study(path).dataset["status"] == 0).all()


def test_of_two_writers_at_the_same_instant_one_runs(tmp_path) -> None:
    together(tmp_path, 2)


@pytest.mark.soak
def test_of_two_writers_at_the_same_instant_one_runs_fifty_times(tmp_path) -> None:
    together(tmp_path, 50)


def test_studies_without_names_do_not_meet(tmp_path) -> None:
    command = ["run", *SHORT, "run.n_jobs=1"]
    four = [program(*command, cwd=tmp_path) for _ in range(4)]
    assert [process.communicate(timeout=120) and process.returncode for process in four] == [0] * 4
    assert len(list((tmp_path / "studies").iterdir())) == 4


# ---------------------------------------------------------------- kills at any moment


def whole_cache(folder: Path) -> dict[str, str]:
    return {**os.environ, "XDG_CACHE_HOME": str(folder)}


def killed_until_done(
    tmp_path: Path, command: list[str], name: str, chance: random.Random, longest: float,
    environment: dict[str, str],
) -> int:  # fmt: skip
    """Run a command until it ends by itself, killing one of its processes now and then."""
    kills = 0
    while True:
        process = program(*command, f"study.name={name}", cwd=tmp_path, env=environment)
        # each time later, lest a busy machine never come further than the start
        end = time.monotonic() + chance.uniform(0.2, longest + kills)
        while process.poll() is None and time.monotonic() < end:
            time.sleep(0.003)
        if process.poll() is None:
            family = [process.pid, *(c for c in children_of(process.pid))]
            family += [g for c in family[1:] for g in children_of(c)]
            victim = chance.choice(family)
            try:
                os.kill(victim, signal.SIGKILL)
                kills += 1
            except ProcessLookupError:
                pass
        err = process.communicate(timeout=120)[1]
        if process.returncode == 0:
            return kills
        assert process.returncode in (-signal.SIGKILL, 1), (process.returncode, err)
        assert "Traceback" not in err.split("failed:")[0], err


def check_whole(path: Path, expected: str, points: int) -> None:
    assert digest(path) == expected
    assert sorted(points_run(path)) == list(range(points))  # none after it was logged
    assert not events(path, "damaged")
    left = [p.name for p in path.rglob("*") if p.name.startswith(".")]
    assert left == []


KILLED = ["run", "-m", "circuit=single", "stimulus.amplitude=range(1,21,0.004)", "run.n_jobs=2",
          "run.shard_points=250", "run.engine=compiled"]  # fmt: skip


def kill_many(tmp_path: Path, times: int, seed: int) -> None:
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    environment = {**whole_cache(tmp_path / "cache"), "TMPDIR": str(temporary)}
    process = program(*KILLED, "study.name=whole", cwd=tmp_path, env=environment)
    _, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    expected, chance, kills = digest(tmp_path / "studies" / "whole"), random.Random(seed), 0
    for number in range(times):
        kills += killed_until_done(tmp_path, KILLED, f"s{number}", chance, 3.0, environment)
        check_whole(tmp_path / "studies" / f"s{number}", expected, 5000)
        shutil.rmtree(tmp_path / "studies" / f"s{number}")
    assert list(temporary.iterdir()) == []  # nor one outside the studies
    assert kills >= (times + 1) // 2


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="looks processes up in /proc")
def test_a_study_that_is_killed_at_any_moment_is_the_same_in_the_end(compiler, tmp_path) -> None:
    kill_many(tmp_path, 1, seed=1)


@pytest.mark.soak
@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="looks processes up in /proc")
def test_a_hundred_studies_that_are_killed_are_the_same_in_the_end(compiler, tmp_path) -> None:
    kill_many(tmp_path, 100, seed=2)


# ---------------------------------------------------------------- growth


def grown(folder: Path, name: str, *overrides: str) -> izhi.Study:
    return run(folder, name, "run.shard_points=3", *overrides)


@pytest.mark.parametrize(
    ("first", "then", "ran"),
    [
        (["stimulus.amplitude=4,8"], ["stimulus.amplitude=4,6,8,10"], 2),
        pytest.param(["stimulus.amplitude=8"], ["stimulus.amplitude=4,8,12"],
                     2, marks=pytest.mark.soak),
        pytest.param([], ["stimulus.amplitude=4,10,12"], 2,  # 10 mV is the config's
                     marks=pytest.mark.soak),
        (["stimulus.amplitude=4,8"], ["stimulus.amplitude=4,8", "neuron.b=0.2,0.25"], 2),
        (["stimulus.amplitude=4,8"], ["neuron.b=0.25,0.2", "stimulus.amplitude=4,8"], 2),
        (["neuron=chattering,resonator"],
         ["neuron=chattering,fast_spiking,resonator", "stimulus.amplitude=10,12"], 4),
        (["neuron=chattering"], ["neuron=regular_spiking,chattering", "neuron.d=2,8"], 3),
        (["stimulus.amplitude=4,8"],
         ["stimulus.amplitude=4,8", "simulation.dt='0.1 ms','0.05 ms'"], 2),
        pytest.param(["stimulus.amplitude=4,8"], ["stimulus.amplitude=4,8", "simulation.seed=0,1"],
                     2, marks=pytest.mark.soak),
        (["stimulus.amplitude=4,8"], ["stimulus.amplitude=4,8", "simulation.method=rk2,euler"], 2),
        pytest.param(["stimulus.amplitude='4 mV','8000 uV'"], ["stimulus.amplitude=4,8,'0.012 V'"],
                     1, marks=pytest.mark.soak),
        (["stimulus.amplitude=4,8", "record.traces=all"],
         ["stimulus.amplitude=4,6,8", "record.traces=all"], 1),
        pytest.param(["neuron.u_0=rest,'-14 mV'"], ["neuron.u_0=rest,'-14 mV','-12 mV'"],
                     1, marks=pytest.mark.soak),
    ],
)  # fmt: skip
def test_a_study_grows_by_values_and_axes(tmp_path, first, then, ran) -> None:
    before = grown(tmp_path, "s", *first)
    done = len(points_run(before.path))
    before.close()
    study, fresh = grown(tmp_path, "s", *then), grown(tmp_path, "fresh", *then)
    assert len(events(study.path, "extended")) == 1
    new = [e["points"] for e in events(study.path, "shard_done")]
    assert sum(new) - done == ran
    assert digest(study.path) == digest(fresh.path)
    assert (study.path / "summary.csv").read_bytes() == (fresh.path / "summary.csv").read_bytes()
    study.close()
    again = grown(tmp_path, "s", *then)  # and the same command once more
    assert sum(e["points"] for e in events(again.path, "shard_done")) - done == ran
    assert len(events(again.path, "extended")) == 1


def test_a_study_grows_more_than_once_and_after_being_stopped(tmp_path, monkeypatch) -> None:
    grown(tmp_path, "s", "stimulus.amplitude=4,8").close()
    grown(tmp_path, "s", "stimulus.amplitude=4,6,8", "neuron=regular_spiking,chattering").close()
    last = ["stimulus.amplitude=2,4,6,8", "neuron=regular_spiking,chattering", "neuron.b=0.2,0.3"]

    def stop(*_, **__):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(worker, "simulate", stop)
        grown(tmp_path, "s", *last)
    study, fresh = grown(tmp_path, "s", *last), grown(tmp_path, "fresh", *last)
    assert digest(study.path) == digest(fresh.path)
    assert sum(e["points"] for e in events(study.path, "shard_done")) == 16
    held = izhi.open_study(study.path)
    assert held.spike_times("cell0", neuron="chattering", amplitude=8, b=0.2).size > 0


@pytest.mark.parametrize(
    ("first", "then", "difference"),
    [
        (["stimulus.amplitude=4,8"], ["stimulus.amplitude=4,6"],
         "stimulus.amplitude: 4, 8 mV there, 4, 6 mV here, without 8"),
        (["stimulus.amplitude=4,8"], ["stimulus.amplitude=8,4,6"],
         "stimulus.amplitude: 4, 8 mV there, 8, 4, 6 mV here; its values have to keep their order"),
        (["stimulus.amplitude=4,8"], ["stimulus.amplitude=4,6,8", "neuron.b=0.25,0.3"],
         "neuron.b: 0.2 there, 0.25, 0.3 here; that value has to be among them"),
        (["stimulus.amplitude=4,8", "neuron.b=0.2,0.25"],
         ["neuron.b=0.2,0.25", "stimulus.amplitude=4,8"],
         "axes: stimulus.amplitude neuron.b there, neuron.b stimulus.amplitude here; they have to "
         "keep their order"),
        (["neuron=chattering,fast_spiking"],
         ["neuron=chattering,fast_spiking", "neuron.a=0.02,0.1"],
         "neuron.a: differs from point to point there, so it cannot be an axis here"),
        (["stimulus.amplitude=4,8"],
         ["stimulus.amplitude='4e-3 V','8e-3 V','9e-3 V'", "neuron.c=-60"],
         "neuron.c: -65 mV there, -60 mV here"),
        (["stimulus.amplitude=4,8", "record.traces=[0]"],
         ["stimulus.amplitude=2,4,8", "record.traces=[0]"],
         "record.traces: point numbers change when a study grows; choose the points by values, "
         "such as {neuron: chattering}"),
        (["stimulus.amplitude=9,10"], ["stimulus.amplitude='9000 uV','10 mV'"],  # one ulp apart
         "stimulus.amplitude: 9, 10 mV there, 9, 10 mV here, without 9: 0.009000000000000001 V "
         "there, 0.009 V here; write it as it was written there"),
        (["stimulus.amplitude=9"], ["stimulus.amplitude='9000 uV','10 mV'"],
         "stimulus.amplitude: 9 mV there, 9, 10 mV here; that value has to be among them: "
         "0.009000000000000001 V there, 0.009 V here; write it as it was written there"),
        (["stimulus.amplitude=9"], ["stimulus.amplitude='9000 uV'"],
         "stimulus.amplitude: 9 mV there, 9000 uV here: 0.009000000000000001 V there, 0.009 V "
         "here; write it as it was written there"),
        (["neuron=chattering"], ["neuron=fast_spiking,resonator"],
         "neuron: chattering there, fast_spiking, resonator here; that value has to be among them"),
    ],
)  # fmt: skip
def test_what_is_no_growth_is_refused_with_what_differs(tmp_path, first, then, difference) -> None:
    study = run(tmp_path, "s", *first)
    study.close()
    before = {p: (p.stat().st_mtime_ns, p.read_bytes()) for p in study.path.rglob("*.*")}
    with pytest.raises(StudyError) as caught:
        run(tmp_path, "s", *then)
    assert str(caught.value) == (
        f"study.name = s: {study.path} holds another study; choose another name, or remove that "
        f"folder ({difference})"
    )
    assert {p: (p.stat().st_mtime_ns, p.read_bytes()) for p in study.path.rglob("*.*")} == before


def test_values_written_in_another_unit_are_the_same_values(tmp_path) -> None:
    study = run(tmp_path, "s", "stimulus.amplitude=8", "neuron.c='-65 mV'")
    study.close()
    again = run(tmp_path, "s", "stimulus.amplitude='0.008 V'", "neuron.c='-0.065 V'")
    assert len(events(again.path, "shard_done")) == 1


# ---------------------------------------------------------------- the file system


def test_a_folder_that_cannot_be_made_is_named(tmp_path, monkeypatch) -> None:
    def refuse(*_, **__):
        raise PermissionError(13, "Permission denied")

    with (
        monkeypatch.context() as patch,
        pytest.raises(StorageError, match=r"s: cannot be made: Permission denied$"),
    ):
        patch.setattr(Path, "mkdir", refuse)
        run(tmp_path, "s")


def test_a_log_that_was_cut_off_is_gone_on_with(tmp_path) -> None:
    study = run(tmp_path, "s", "stimulus.amplitude=4,8", "run.shard_points=1")
    study.close()
    path = study.folder.log
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:-2]) + lines[-2][:40])  # the second shard is there, unlogged
    again = run(tmp_path, "s", "stimulus.amplitude=4,8", "run.shard_points=1")
    adopted = [event.get("adopted", False) for event in events(again.path, "shard_done")]
    assert adopted == [False, True]
    assert events(again.path, "resumed")[0]["after"] == "killed"
    for line in path.read_text().splitlines()[len(lines) - 1 :]:
        assert json.loads(line)
    assert log.damaged(path) == []
