"""A Dask cluster: a real scheduler and real worker processes, on this machine."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import izhi
from izhi.engine import cache
from izhi.errors import ConfigError, EngineError
from izhi.study import log, overview, shardfile
from izhi.study.verify import verify

distributed = pytest.importorskip("distributed")

SWEEP = ["circuit=single", "simulation.duration='50 ms'", "stimulus.amplitude=range(1,41)",
         "run.shard_points=4"]  # fmt: skip
# Where a run need not last, a program starts faster than Brian2.
QUICK = f"run.engine={'compiled' if cache.compiler() else 'numpy'}"


class Cluster:
    """A scheduler, and workers that can be started and killed."""

    def __init__(self, folder: Path, at: Cluster | None = None, **environment: str) -> None:
        """Start a scheduler, or take that of another cluster."""
        self.folder = folder
        self.environment = {**os.environ, "DASK_DISTRIBUTED__WORKER__MEMORY__TERMINATE": "false",
                            **environment}  # fmt: skip
        self.processes: list[subprocess.Popen] = []
        self.scheduler = at.scheduler if at else self._start("scheduler", "--port", "0")
        self.address = self._said(self.scheduler, r"Scheduler at:\s+(tcp://\S+)")

    def _start(self, *command: str, **environment: str) -> subprocess.Popen:
        number = len(self.processes)
        with open(self.folder / f"dask-{number}.log", "w") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "distributed.cli.dask_" + command[0], "--host", "127.0.0.1",
                 "--no-dashboard", *command[1:]],
                cwd=self.folder, env={**self.environment, **environment}, stdout=output,
                stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip
        process.log = Path(output.name)  # type: ignore[attr-defined]
        self.processes.append(process)
        return process

    def _said(self, process: subprocess.Popen, pattern: str) -> str:
        deadline = time.monotonic() + 60
        while not (found := re.search(pattern, process.log.read_text())):  # type: ignore[attr-defined]
            assert process.poll() is None, process.log.read_text()  # type: ignore[attr-defined]
            assert time.monotonic() < deadline
            time.sleep(0.05)
        return found[1]

    def worker(self, *arguments: str, wait: bool = True, **environment: str) -> subprocess.Popen:
        """Start a worker of one thread; by default wait until the scheduler knows it."""
        process = self._start(
            "worker", self.address, "--nthreads", "1", "--no-nanny", *arguments, **environment
        )
        if wait:
            self._said(process, r"(Registered to)")
        return process

    def stop(self) -> None:
        """End all that was started here."""
        for process in reversed(self.processes):
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def forgotten(self) -> None:
        """Wait until the scheduler knows no worker any more."""
        deadline = time.monotonic() + 60
        with distributed.Client(self.address, set_as_default=False) as client:
            while client.nthreads():
                assert time.monotonic() < deadline
                time.sleep(0.02)

    def run(self, name: str, *overrides: str, **settings) -> izhi.Study:
        """Run the sweep on the cluster."""
        return izhi.run(
            [*SWEEP, "run.backend=dask", f"run.scheduler={self.address}", *overrides],
            name=name, dir=self.folder / "studies", progress=False, **settings,
        )  # fmt: skip

    def program(self, name: str, *overrides: str) -> subprocess.Popen:
        """Run the sweep on the cluster, from the command line."""
        return subprocess.Popen(
            [sys.executable, "-m", "izhi", "run", "-m", *SWEEP, "run.backend=dask",
             f"run.scheduler={self.address}", f"study.name={name}", *overrides],
            cwd=self.folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip


@pytest.fixture(scope="module")
def scheduler(tmp_path_factory) -> Iterator[Cluster]:
    found = Cluster(tmp_path_factory.mktemp("scheduler"))
    yield found
    found.stop()


@pytest.fixture
def cluster(tmp_path, scheduler) -> Iterator[Cluster]:
    """Give a cluster without workers; its scheduler is that of all tests."""
    found = Cluster(tmp_path, scheduler)
    yield found
    found.stop()
    found.forgotten()


@pytest.fixture(scope="module")
def expected(tmp_path_factory) -> str:
    """Give the digest of the sweep's results as loky's workers compute them."""
    study = izhi.run([*SWEEP, QUICK, "run.n_jobs=2"], name="loky",
                     dir=tmp_path_factory.mktemp("loky"), progress=False)  # fmt: skip
    return digest(study.path)


def digest(path: Path) -> str:
    found = overview.overview(path).digest
    assert found is not None
    return found


def events(path: Path, kind: str) -> list[dict]:
    if not (path / "log.jsonl").is_file():
        return []
    return [event for event in log.read(path / "log.jsonl") if event["event"] == kind]


def wait_for(condition, process: subprocess.Popen) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_one_of_three_workers_is_killed_and_one_joins_late(cluster, expected) -> None:
    workers = [cluster.worker() for _ in range(3)]
    process = cluster.program("s", "run.engine=numpy")
    path = cluster.folder / "studies" / "s"
    wait_for(lambda: len(events(path, "shard_done")) >= 2, process)
    workers[0].kill()
    late = cluster.worker(wait=False)
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    assert "40 points in" in out
    assert digest(path) == expected
    done = [shardfile.read_points(path / "shards" / e["shard"])[1] for e in
            events(path, "shard_done")]  # fmt: skip
    assert sorted(np.concatenate(done).tolist()) == list(range(40))
    assert verify(path, 3).problems == []
    assert [p for p in path.rglob(".*")] == []
    assert late.poll() is None


def test_workers_build_for_their_own_processor(compiler, cluster, expected, tmp_path) -> None:
    caches = [tmp_path / "here", tmp_path / "there"]
    for folder in caches:
        cluster.worker("--nthreads", "2", XDG_CACHE_HOME=str(folder))
    study = cluster.run("s", "run.engine=compiled")
    assert digest(study.path) == expected
    assert events(study.path, "built") == []
    for folder in caches:  # two threads of a worker make one build
        assert [p.name for p in folder.glob("izhi/builds/*/main")] == ["main"]
        assert not list(folder.glob("izhi/builds/.*"))


def test_workers_without_a_compiler_give_the_same_bits(cluster) -> None:
    cluster.worker(PATH=str(cluster.folder), CXX="no-such-compiler")
    few = "stimulus.amplitude=range(8,16)"
    study = cluster.run("s", few)
    assert events(study.path, "planned")[0]["engines"] == ["compiled"]
    here = izhi.run([*SWEEP, few, "run.engine=numpy"], name="here", dir=cluster.folder, n_jobs=1,
                    progress=False)  # fmt: skip
    assert digest(study.path) == digest(here.path)


FAR = """
from pathlib import Path
from izhi.study import worker

def nowhere(task):
    Path("asked").touch()
    return False

worker._is_here = nowhere
"""


def test_workers_that_do_not_see_the_folder_send_the_files(cluster, expected) -> None:
    (cluster.folder / "sitecustomize.py").write_text(FAR)
    cluster.worker(PYTHONPATH=str(cluster.folder))
    study = cluster.run("s", QUICK)
    assert (cluster.folder / "asked").exists()
    assert digest(study.path) == expected
    assert verify(study.path, 0).problems == []


DEADLY = """
import os, signal
from izhi.study import worker
simulate = worker.simulate

def deadly(task, profile=None):
    if 3 in task.points:
        os.kill(os.getpid(), signal.SIGKILL)
    return simulate(task, profile)

worker.simulate = deadly
"""


def test_a_point_that_kills_its_workers_ends_alone(tmp_path) -> None:
    (tmp_path / "sitecustomize.py").write_text(DEADLY)
    cluster = Cluster(tmp_path, DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES="0",
                      PYTHONPATH=str(tmp_path))  # fmt: skip
    try:
        for _ in range(4):  # it is tried, tried again, and then alone
            cluster.worker()
        study = cluster.run("s", QUICK, "stimulus.amplitude=range(1,7)", "run.shard_points=1")
        dead = [process.poll() for process in cluster.processes]
    finally:
        cluster.stop()
    assert dead.count(-signal.SIGKILL) == 3
    assert np.flatnonzero(study.dataset["status"].values).tolist() == [3]
    (event,) = events(study.path, "point_failed")
    assert event["reason"] == "its process ended, on several workers"


@pytest.mark.soak
def test_other_code_on_a_worker_is_refused(cluster) -> None:
    (cluster.folder / "sitecustomize.py").write_text(
        "from izhi.engine import cache\ncache.toolchain = lambda: {'sources': 'other'}\n"
    )
    cluster.worker(PYTHONPATH=str(cluster.folder))
    with pytest.raises(EngineError, match="another version of izhi; install the same on all work"):
        cluster.run("s", "stimulus.amplitude=4,8", QUICK)


WITHOUT = """
import os, sys

class Hidden:
    def find_spec(name, path=None, target=None):
        if name == "izhi":
            raise ModuleNotFoundError("No module named 'izhi'")

sys.meta_path.insert(0, Hidden)
"""
DYING = WITHOUT.replace("""raise ModuleNotFoundError("No module named 'izhi'")""", "os._exit(7)")


@pytest.fixture
def without(tmp_path) -> str:
    """Give the PYTHONPATH of a machine on which izhi is not installed."""
    folder = tmp_path / "without"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(WITHOUT)
    return str(folder)


def refused(process: subprocess.Popen) -> str:
    """Return the one line that a program ends with, and soon."""
    try:
        out, err = process.communicate(timeout=30)
    finally:
        process.kill()
    assert (process.returncode, out) == (1, "")
    (line,) = err.splitlines()
    return line


def test_a_worker_without_izhi_is_named_before_anything_is_begun(cluster, without) -> None:
    cluster.worker()
    lacking = cluster.worker(PYTHONPATH=without)
    address = re.search(r"Start worker at:\s+(\S+)", lacking.log.read_text())[1]
    assert refused(cluster.program("s")) == (
        f"error: izhi cannot be imported on worker {address}: No module named 'izhi'; install "
        "the same izhi there as here: pip install 'izhi[dask]'"
    )
    assert not (cluster.folder / "studies").exists()
    assert [process.poll() for process in cluster.processes] == [None] * 2


@pytest.mark.soak
def test_a_first_worker_without_izhi_is_refused_when_it_comes(cluster, without) -> None:
    process = cluster.program("s")
    path = cluster.folder / "studies" / "s"
    wait_for(lambda: events(path, "planned"), process)
    cluster.worker(PYTHONPATH=without, wait=False)
    line = refused(process)
    assert re.match(
        r"error: izhi cannot be imported on worker tcp://\S+: No module named 'izhi'; ", line
    )
    (stopped,) = events(path, "stopped")
    assert line == f"error: {stopped['reason']}"


@pytest.mark.soak
def test_a_cluster_without_izhi_is_refused(tmp_path, without, monkeypatch) -> None:
    monkeypatch.setattr("izhi.engine.cluster._NAMED", 2)
    cluster = Cluster(tmp_path, PYTHONPATH=without)
    try:
        for _ in range(2):
            cluster.worker()
        with pytest.raises(EngineError, match=r"on the scheduler, worker tcp://\S+ and 1 more: No"):
            cluster.run("s")
    finally:
        cluster.stop()


@pytest.mark.soak
def test_a_worker_that_ends_while_it_is_asked_is_one_less(cluster, without) -> None:
    Path(without, "sitecustomize.py").write_text(DYING)
    cluster.worker()
    dying = cluster.worker(PYTHONPATH=without)
    study = cluster.run("s", "stimulus.amplitude=4,8", QUICK)
    assert dying.poll() == 7
    assert study.dataset["status"].values.tolist() == [0, 0]


def test_a_cluster_without_workers_is_given_up(cluster, monkeypatch) -> None:
    monkeypatch.setattr("izhi.engine.cluster._PATIENCE", 1)
    with pytest.raises(EngineError) as refusal:
        cluster.run("s")
    assert str(refusal.value) == (
        f"{cluster.address}: the scheduler has no worker, nor had one after 1 s; start one: "
        f"dask worker {cluster.address}"
    )


def test_an_interrupt_ends_a_run_on_a_cluster(cluster, expected) -> None:
    cluster.worker()
    process = cluster.program("s", "run.engine=numpy")
    path = cluster.folder / "studies" / "s"
    wait_for(lambda: events(path, "shard_done"), process)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert (process.returncode, out) == (130, ""), err
    assert err.splitlines()[-1] == "interrupted; the same command with study.name=s goes on"
    assert digest(cluster.run("s", QUICK).path) == expected


# ---------------------------------------------------------------- no cluster


@pytest.mark.parametrize(
    ("scheduler", "message"),
    [
        ("null", r"^run\.scheduler: missing; run\.backend=dask needs the address of a Dask sched"),
        ("here", r"^run\.scheduler = here: expected the address of a Dask scheduler such as tcp"),
        ("tcp://127.0.0.1:1", r"^run\.scheduler = tcp://127\.0\.0\.1:1: no scheduler answers: "),
    ],
)
def test_without_a_scheduler_nothing_is_begun(tmp_path, monkeypatch, scheduler, message) -> None:
    monkeypatch.setattr("izhi.engine.cluster._PATIENCE", 1)
    with pytest.raises(ConfigError, match=message):
        izhi.run([*SWEEP, "run.backend=dask", f"run.scheduler='{scheduler}'" if scheduler != "null"
                  else "run.scheduler=null"], name="s", dir=tmp_path, progress=False)  # fmt: skip
    assert list(tmp_path.iterdir()) == []


def test_without_dask_one_line_says_what_to_install(tmp_path, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(ConfigError, match=r"pip install 'izhi\[dask\]'$"):
        izhi.plan(["run.backend=dask", "run.scheduler='tcp://127.0.0.1:1'"])
