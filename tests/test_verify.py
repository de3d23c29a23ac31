"""What verify finds of what somebody who may write to a study changes, and what it cannot find.

`FORGERIES` are the lines of the table in SECURITY.md. Where nothing else is said, the log is given
the SHA-256 of what was changed, as by somebody who wants it to stay unnoticed.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import h5py
import netCDF4
import numpy as np
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import izhi
from izhi import cli
from izhi.engine import cache
from izhi.errors import IzhiError
from izhi.report.watch.state import Watched
from izhi.study import folder as folders
from izhi.study import versions
from izhi.study.log import read
from izhi.study.summarise import summarise
from izhi.study.verify import verify
from tests.foreign import KINDS, move_values

ENGINE = "compiled" if cache.compiler() else "numpy"  # a program starts faster than Brian2
OTHER_ENGINE = "numpy" if ENGINE == "compiled" else "compiled"
SWEEP = ["circuit=two_to_one", f"run.engine={ENGINE}", "run.n_jobs=1",
         "simulation.duration='40 ms'", "neuron=chattering,resonator", "stimulus.amplitude=6,10",
         "stimulus.onset='5 ms'", "record.traces={neuron: resonator, amplitude: 10}",
         "record.interval=1"]  # fmt: skip


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("made")
    izhi.run(SWEEP, name="s", dir=folder, progress=False).close()
    return folder / "s"


@pytest.fixture
def study(made, tmp_path) -> Path:
    return shutil.copytree(made, tmp_path / "s")


@pytest.fixture(scope="module")
def grown(made, tmp_path_factory) -> Path:
    """Give a study that has grown and was summarised since."""
    folder = shutil.copytree(made, tmp_path_factory.mktemp("grown") / "s")
    larger = [word.replace("amplitude=6,10", "amplitude=6,10,14") for word in SWEEP]
    izhi.run(larger, name="s", dir=folder.parent, progress=False).close()
    summarise(folder, ["statistics.min_spikes=2"], progress=False)
    assert verify(folder).problems == []
    return folder


def told(study: Path) -> None:
    """Give the log the SHA-256 of the files as they are now."""
    path = study / "log.jsonl"
    events = [json.loads(line) for line in path.read_text().splitlines()]
    for event in events:
        if "shard" in event:
            event["sha256"] = folders.sha256(study / "shards" / event["shard"])
        for name, file in event.get("files", {}).items():
            file["sha256"] = folders.sha256(study / name)
    path.write_text("".join(json.dumps(event) + "\n" for event in events))


def changed(path: Path, change: Callable[[Any], None]) -> None:
    with netCDF4.Dataset(str(path), "a") as file:
        file.set_auto_maskandscale(False)
        change(file)


def shards(study: Path) -> list[Path]:
    return sorted((study / "shards").iterdir())


# ---------------------------------------------------------------- the table of SECURITY.md


def forged(study: Path, change: Callable[[Any], None]) -> None:
    """Change shards, and have izhi itself make again all that follows from them."""
    for shard in shards(study):
        changed(shard, change)
    told(study)
    izhi.run(SWEEP, name="s", dir=study.parent, progress=False).close()


def logged(study: Path, event: str, change: Callable[[Any], Any]) -> None:
    """Change the events of one kind in the log."""
    path = study / "log.jsonl"
    events = [json.loads(line) for line in path.read_text().splitlines()]
    for told in events:
        if told["event"] == event:
            change(told)
    path.write_text("".join(json.dumps(told) + "\n" for told in events))


def appended(study: Path, **event: Any) -> None:
    """Append an event to the log."""
    with open(study / "log.jsonl", "a") as file:
        file.write(json.dumps({"time": "2026-01-01T00:00:00", **event}) + "\n")


def with_group(file: Any, inside: str = "") -> None:
    """Make a group with a variable."""
    group = (file[inside] if inside else file).createGroup("extra")
    group.createDimension("k", 1)
    group.createVariable("v", "f8", ("k",))[:] = 1


def with_config(change: Callable[[Any], Any]) -> Callable[[Any], None]:
    """Change what a dataset says was asked for."""

    def make(file: Any) -> None:
        config = json.loads(file.config)
        change(config)
        file.config = json.dumps(config, ensure_ascii=False)

    return make


def earlier_statistics_changed(study: Path) -> None:
    """Change what a shard has by settings that hold no more."""
    summarise(study, ["statistics.min_spikes=2"], progress=False)
    changed(shards(study)[0], put_into("statistic_isi_mean", 7))
    told(study)


def put_aside(study: Path) -> None:
    """Put a file beside the shards, and write that a run did so."""
    (study / "shards" / "x.nc.aside").write_bytes(b"x")
    appended(study, event="damaged", shard="x.nc", reason="it is not whole, and not in the log")


def as_of_before(study: Path) -> None:
    """Take out what earlier versions did not write."""
    removed(study / "dataset.nc", "has_projection")
    dataset_changed(study, lambda file: file.delncattr("coordinates"))
    logged(study, "gathered", lambda event: (event.pop("versions"), event.pop("recomputed")))


def run_again(study: Path, event: str, change: Callable[[Any], Any]) -> None:
    """Run a study again, and change what the log says of a run."""
    izhi.run(SWEEP, name="s", dir=study.parent, progress=False).close()
    kinds = [json.loads(line)["event"] for line in (study / "log.jsonl").read_text().splitlines()]
    number = iter(range(kinds.count(event)))
    logged(study, event, lambda told: change(told) if next(number) == 0 else None)


def lines_changed(
    study: Path, event: str, change: Callable[[dict[str, Any]], list[dict[str, Any]]]
) -> None:
    """Put other lines in the place of the first one of a kind."""
    path = study / "log.jsonl"
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    first = next(number for number, line in enumerate(lines) if line["event"] == event)
    lines[first : first + 1] = change(lines[first])
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))


def of_first(event: str, change: Callable[[dict[str, Any]], Any]) -> Callable[[Path], None]:
    """Return what changes the first event of a kind."""

    def changed(line: dict[str, Any]) -> list[dict[str, Any]]:
        change(line)
        return [line]

    return lambda study: lines_changed(study, event, changed)


def put_into(name: str, value: Any) -> Callable[[Any], None]:
    def change(file: Any) -> None:
        if name in file.variables and file[name].size:
            file[name][-1] = value

    return change


def edited(path: Path, *replacements: tuple[str, str]) -> None:
    text = path.read_text()
    for old, new in replacements:
        assert old in text
        text = text.replace(old, new)
    path.write_text(text)


def removed(path: Path, name: str) -> None:
    """Remove a variable or a group, which netCDF cannot do."""
    with h5py.File(path, "r+") as file:
        del file[name]


def dataset_changed(study: Path, change: Callable[[Any], None]) -> None:
    changed(study / "dataset.nc", change)
    told(study)


def versions_changed(study: Path) -> None:
    """Write other versions wherever they stand."""
    here = izhi.__version__
    edited(study / "log.jsonl", (f'"izhi": "{here}"', '"izhi": "99.9"'))
    for shard in shards(study):
        changed(shard, lambda file: file.setncattr(
            "versions", file.versions.replace(f'"izhi": "{here}"', '"izhi": "99.9"')))  # fmt: skip
    dataset_changed(study, lambda file: file.setncattr(
        "versions", file.versions.replace(f"izhi {here}", "izhi 99.9")))  # fmt: skip


def points_lost(study: Path) -> None:
    """Remove results, and write that their points failed."""
    shard = shards(study)[0]
    with netCDF4.Dataset(str(shard)) as file:
        points = file["point"][:].tolist()
    shard.unlink()
    path = study / "log.jsonl"
    lines = path.read_text().splitlines()
    lost = (line.replace('"shard_done"', '"shard_failed"') for line in lines if shard.name in line)
    path.write_text("\n".join([*(x for x in lines if shard.name not in x), *lost]) + "\n")
    with pytest.MonkeyPatch.context() as patch:  # as if they had failed
        from izhi.study import shards as running

        original = running.run

        def run(job: Any, *others: Any) -> Any:
            results = original(replace(job, shards=[]), *others)
            results.failed.update(dict.fromkeys(points, "so it is said"))
            record = others[0]
            for point in points:
                record.append("point_failed", point=point, reason="so it is said")
            return results

        patch.setattr(running, "run", run)
        izhi.run(SWEEP, name="s", dir=study.parent, progress=False).close()


def data_changed(study: Path) -> None:
    (path,) = (study / "inputs").iterdir()
    edited(path, ("4.0", "5.0"))


@dataclass(frozen=True)
class Forgery:
    """A line of the table: what is changed, and by which of three ways it is found.

    Some are made in a study that has grown and was summarised since.
    """

    file: str
    what: str
    make: Callable[[Path], None]
    opening: bool = False
    verify: bool = False
    sample: bool = False
    grown: bool = False

    @property
    def line(self) -> tuple[str, str]:
        """What the line of the table is about."""
        return self.file, self.what


ALL, EVEN_PLAIN = (True, True, True), (False, True, True)
DRAWN = (False, False, True)
EARLIER = "sizes of files; overrides, choices, `run.*`, `study.*` and digests of earlier runs"
PLANNED = "what was planned, SHA-256, digests, numbers of points, versions"
UNCOMPARED = "versions of libraries other than Brian2 and numpy; of a compiler that made nothing"
NEVER = (False, False, False)
LINES = "lines of starts, plans, shards and datasets taken out, doubled, or under another name"
GATHERED = ("what an earlier run says of its dataset and table: SHA-256, versions, statistics, "
            "numbers of points that failed, diverged or were recomputed")  # fmt: skip
BESIDE_DAMAGE = (
    "lines taken out or doubled where a run found one that is no event, or is said to have"
)
OTHER_LINES = "lines of builds, failed shards and remarks, added or taken out"
FORGERIES = [
    Forgery("`dataset.nc`", "anything, with the log left as it is",
            lambda s: changed(s / "dataset.nc", lambda f: f.setncattr("title", "x")), *ALL),
    Forgery("`dataset.nc`", "values that lie in other files",
            lambda s: (move_values(s / "dataset.nc", "isi_cv", KINDS[0], s.parent / "x"),
                       told(s)), *ALL),
    Forgery("`dataset.nc`", "statistics",
            lambda s: dataset_changed(s, put_into("isi_mean", 7)), *EVEN_PLAIN),
    Forgery("`dataset.nc`", "statistics",
            lambda s: dataset_changed(s, lambda f: f["burst_share"].__setitem__(
                ..., -f["burst_share"][:])), *EVEN_PLAIN),
    Forgery("`dataset.nc`", "the state of points",
            lambda s: dataset_changed(s, put_into("status", 3)), *EVEN_PLAIN),
    Forgery("`dataset.nc`", "labels of axes and cells",
            lambda s: dataset_changed(s, put_into("amplitude", 12)), *EVEN_PLAIN),
    Forgery("`dataset.nc`", "spike times, and the points and cells of trains",
            lambda s: dataset_changed(s, lambda f: put_into("cell", b"x")(f["spikes"])),
            *EVEN_PLAIN),
    *(Forgery("`dataset.nc`", "spike times, and the points and cells of trains",
              lambda s, n=name, v=value: dataset_changed(
                  s, lambda f: put_into(n, v)(f["spikes"])), *EVEN_PLAIN)
      for name, value in (("point", 0), ("spike_time", 399), ("spike_count", 0))),
    *(Forgery("`dataset.nc`", "traces, their times and units",
              lambda s, c=change: dataset_changed(s, lambda f: c(f["traces"])), *EVEN_PLAIN)
      for change in (
          put_into("v", 0.0), put_into("time", 1.0), put_into("amplitude", 4.0),
          put_into("trace", 2), put_into("cell", "x"),
          lambda g: g["v"].setncattr("units", "mV"), lambda g: g["v"].setncattr("scale_factor", 2),
          lambda g: g["time"].setncattr("units", "ms"),
          lambda g: g["u"].setncattr("missing_value", g["u"][0, 0, 0]),
          lambda g: g.createVariable("w", "f8", ("cell",)),
          lambda g: g.renameVariable("u", "w"))),
    Forgery("`dataset.nc`", "units, scales, missing values, further variables and groups",
            lambda s: dataset_changed(s, lambda f: f.createGroup("more")), *EVEN_PLAIN),
    *(Forgery("`dataset.nc`", "units, scales, missing values, further variables and groups",
              lambda s, c=change: dataset_changed(s, c), *EVEN_PLAIN)
      for change in (
          lambda f: f["isi_cv"].setncattr("units", "x"),
          lambda f: f["spike_count"].setncattr("_Unsigned", "true"),
          lambda f: f["lv"].setncattr("valid_min", 9.0),
          lambda f: f["spikes"]["spike_count"].setncattr("valid_max", 0),
          lambda f: f["spikes"].createVariable("more", "f8", ("spike",)),
          with_group,
          lambda f: with_group(f, "spikes"),
          lambda f: with_group(f, "traces"),
          lambda f: f.createDimension("more", 3),
          lambda f: f.createEnumType("i1", "more", {"a": 0}),
          lambda f: f.setncattr("units", "furlong"),
          lambda f: f["spikes"].setncattr("scale_factor", 3.0),
          lambda f: f["traces"].setncattr("units", "kV"),
          lambda f: f["firing_rate"].setncattr("coordinates", "isi_mean cell"),
          lambda f: f["traces"]["v"].setncattr("coordinates", "u"))),
    *(Forgery("`dataset.nc`", "units, scales, missing values, further variables and groups",
              lambda s, n=name: (removed(s / "dataset.nc", n), told(s)), *EVEN_PLAIN)
      for name in ("spikes", "traces", "lv", "spikes/cell", "traces/u")),
    Forgery("`dataset.nc`", "the configs and versions in it",
            lambda s: dataset_changed(s, lambda f: f.setncattr("versions", "x")), *EVEN_PLAIN),
    *(Forgery("`dataset.nc`", "the configs and versions in it",
              lambda s, c=change: dataset_changed(s, c), *EVEN_PLAIN)
      for change in (
          lambda f: f.delncattr("versions"),
          with_config(lambda told: told["choices"].update(neuron="evil")),
          with_config(lambda told: told.update(overrides=["evil"])),
          with_config(lambda told: told["configs"][0].update({"run.engine": OTHER_ENGINE})))),
    Forgery("`dataset.nc`", "titles, long names, comments, history, `izhi_version`",
            lambda s: dataset_changed(s, lambda f: f["isi_cv"].setncattr("comment", "x")), *NEVER),
    Forgery("`summary.csv`", "anything",
            lambda s: (edited(s / "summary.csv", ("tonic", "TONIC")), told(s)), *EVEN_PLAIN),
    Forgery("`dataset.nc`, `log.jsonl` together",
            "`has_projection` taken out, which earlier versions of izhi did not write",
            as_of_before, *NEVER),
    Forgery("`shards/`", "anything, with dataset, table or log left as they are",
            lambda s: (changed(shards(s)[0], put_into("statistic_isi_mean", 7)), told(s)),
            *EVEN_PLAIN),
    *(Forgery("`shards/`", "anything, with dataset, table or log left as they are",
              lambda s, c=change: (changed(shards(s)[0], c), told(s)), *EVEN_PLAIN)
      for change in (
          lambda f: f.createVariable("more", "f8", ("cell",)),
          lambda f: f.setncattr("more", "1"),
          lambda f: f.createDimension("more", 1),
          lambda f: f["status"].setncattr("units", "s"),
          with_group,
          lambda f: f.delncattr("versions"),
          lambda f: f.setncattr("versions", f.versions.replace("}", ', "more": "1"}')),
          lambda f: f.setncattr("stated", "0" * 16))),
    Forgery("`shards/`", "statistics by earlier settings, which nothing reads",
            earlier_statistics_changed, *NEVER),
    Forgery("`shards/`", "values that lie in other files",
            lambda s: (move_values(shards(s)[0], "statistic_isi_cv", KINDS[1], s.parent / "x"),
                       told(s)), *EVEN_PLAIN),
    Forgery("`shards/`", "files that the log does not tell of",
            lambda s: shutil.copy(shards(s)[0], s / "shards" / "more.nc"), *EVEN_PLAIN),
    *(Forgery("`shards/`", "files that the log does not tell of",
              lambda s, n=name: (s / "shards" / n).write_bytes(b"x"), *EVEN_PLAIN)
      for name in ("x.nc4", ".h", "x.nc.aside")),
    Forgery("`shards/`", "files that the log does not tell of",
            lambda s: (s / "shards" / "sub").mkdir(), *EVEN_PLAIN),
    Forgery("`shards/`, `log.jsonl` together",
            "a file `*.aside` that a run is said to have put aside; verify names it in a note",
            put_aside, *NEVER),
    Forgery("`shards/`, `dataset.nc`, `summary.csv`, `log.jsonl` together", "statistics",
            lambda s: forged(s, put_into("statistic_isi_mean", 0.25)), *DRAWN),
    Forgery("`shards/`, `dataset.nc`, `summary.csv`, `log.jsonl` together", "spike times",
            lambda s: forged(s, put_into("spike_step", 399)), *DRAWN),
    Forgery("`shards/`, `dataset.nc`, `summary.csv`, `log.jsonl` together", "traces",
            lambda s: forged(s, put_into("trace_v", 0.01)), *DRAWN),
    Forgery("`shards/`, `dataset.nc`, `summary.csv`, `log.jsonl` together",
            "results taken out, their points said to have failed", points_lost, *NEVER),
    Forgery("`shards/`, `dataset.nc`, `log.jsonl` together", "versions", versions_changed, *NEVER),
    Forgery("`study.yaml`", "axes, and all that results depend on",
            lambda s: edited(s / "study.yaml", ("simulation.seed: 0", "simulation.seed: 5")),
            *EVEN_PLAIN),
    Forgery("`study.yaml`", "settings of statistics",
            lambda s: edited(s / "study.yaml", ("statistics.min_spikes: 3",
                                                "statistics.min_spikes: 2")), *EVEN_PLAIN),
    Forgery("`study.yaml`", "overrides, choices, `run.*`, `study.*`",
            lambda s: edited(s / "study.yaml", ("neuron: chattering", "neuron: resonator")),
            *NEVER),
    *(Forgery("`log.jsonl`", PLANNED, lambda s, c=change: edited(s / "log.jsonl", c), *EVEN_PLAIN)
      for change in (('"digest": "', '"digest": "0'),
                     ('"simulation.seed": 0', '"simulation.seed": 5'))),
    *(Forgery("`log.jsonl`", PLANNED,
              lambda s, e=event, n=name, v=value: logged(s, e, lambda told: told.update({n: v})),
              *EVEN_PLAIN)
      for event, name, value in (
          ("planned", "points", 99), ("planned", "shards", 44), ("planned", "shards", 3),
          ("planned", "seeds", [5]), ("planned", "engines", [OTHER_ENGINE] * 2),
          ("planned", "structures", ["aa"]), ("shard_done", "points", 1),
          ("shard_done", "first", 1), ("shard_done", "spikes", "a"), ("shard_done", "diverged", 1),
          ("shard_done", "versions", {}), ("gathered", "failed", 1), ("gathered", "diverged", 1),
          ("gathered", "recomputed", 1), ("gathered", "files", [1]), ("gathered", "files", {}),
          ("gathered", "statistics", 0), ("gathered", "statistics", 1),
          ("gathered", "statistics", 99), ("gathered", "statistics", 1 << 40))),
    *(Forgery("`log.jsonl`", PLANNED, lambda s, e=event: appended(s, **e), *EVEN_PLAIN)
      for event in ({"event": "note", "digest": "deadbeef"},
                    {"event": "point_failed", "point": 0, "reason": "so it is said"})),
    *(Forgery("`log.jsonl`", PLANNED,
              lambda s, n=name: logged(s, "shard_done", lambda told: told.pop(n)), *EVEN_PLAIN)
      for name in ("points", "first", "spikes", "versions")),
    *(Forgery("`log.jsonl`", PLANNED, of_first(event, change), *EVEN_PLAIN, grown=True)
      for event, change in (
          ("planned", lambda told: told["configs"][0].update({"statistics.min_spikes": 7})),
          ("planned", lambda told: told["configs"][0].update({"statistics.surprise": 9.0})),
          ("planned", lambda told: told["swept"][0].__setitem__(0, "neuron.b")),
          ("planned", lambda told: told["swept"][0].pop(0)),
          ("summarised", lambda told: told.update(done=1)),
          ("summarised", lambda told: told.pop("done")),
          ("summarised", lambda told: told.update(after="killed")),
          ("summarised", lambda told: told.pop("after")))),
    *(Forgery("`log.jsonl`", LINES, of_first(event, lambda told, k=kind: told.update(event=k)),
              *EVEN_PLAIN, grown=True)
      for event, kind in (("planned", "extended"), ("planned", "resumed"), ("planned", "note"),
                          ("extended", "planned"), ("extended", "resumed"),
                          ("extended", "summarised"), ("gathered", "stopped"))),
    *(Forgery("`log.jsonl`", LINES,
              lambda s, e=event, n=times: lines_changed(s, e, lambda line: [line] * n),
              *EVEN_PLAIN, grown=True)
      for event in ("started", "planned", "extended", "summarised", "shard_done", "gathered")
      for times in (0, 2)),
    Forgery("`log.jsonl`", "the log taken away", lambda s: (s / "log.jsonl").unlink(),
            *EVEN_PLAIN),
    Forgery("`log.jsonl`", "times, commands, machines, repositories, warnings",
            lambda s: edited(s / "log.jsonl", ('"time": "2', '"time": "1'),
                             ('"host": "', '"host": "x')), *NEVER),
    Forgery("`log.jsonl`", EARLIER,
            lambda s: logged(s, "shard_done", lambda told: told.update(bytes=1)), *NEVER),
    Forgery("`log.jsonl`", EARLIER,
            lambda s: run_again(s, "gathered", lambda told: told.update(digest="deadbeef")),
            *NEVER),
    Forgery("`log.jsonl`", EARLIER,
            lambda s: run_again(s, "planned", lambda told: told.update(overrides=["evil"])),
            *NEVER),
    *(Forgery("`log.jsonl`", GATHERED, of_first("gathered", change), *NEVER, grown=True)
      for change in (
          lambda told: told["files"]["dataset.nc"].update(sha256="0" * 64),
          lambda told: told.pop("files"), lambda told: told.pop("versions"),
          lambda told: told.update(failed=3), lambda told: told.update(diverged=3),
          lambda told: told.update(recomputed=3), lambda told: told.update(statistics=1))),
    Forgery("`log.jsonl`", BESIDE_DAMAGE,
            lambda s: (lines_changed(s, "started", lambda line: [line] * 2),
                       appended(s, event="damaged", line=99, reason="it is no event")), *NEVER),
    Forgery("`log.jsonl`", OTHER_LINES,
            lambda s: appended(s, event="built", structure="x"), *NEVER),
    Forgery("`log.jsonl`", OTHER_LINES,
            lambda s: [appended(s, event="warning", text="x") for _ in range(2)], *NEVER),
    Forgery("`log.jsonl`", "number of shards, and engines chosen, of runs that simulated nothing",
            lambda s: run_again(s, "resumed", lambda told: told.update(shards=3)), *NEVER),
    *(Forgery("`log.jsonl`", PLANNED,
              lambda s, n=name: logged(s, "planned", lambda told: told["environment"].update(
                  {n: "99.9"})), *EVEN_PLAIN) for name in ("izhi", "python")),
    Forgery("`log.jsonl`", PLANNED,
            lambda s: logged(s, "planned",
                             lambda told: told["environment"]["libraries"].update(brian2="99.9")),
            *EVEN_PLAIN),
    Forgery("`log.jsonl`", PLANNED,
            lambda s: logged(s, "planned", lambda told: told.pop("environment")), *EVEN_PLAIN),
    Forgery("`log.jsonl`", PLANNED,
            lambda s: logged(s, "planned", lambda told: told.update(engines=[["numpy"], {}])),
            *EVEN_PLAIN),
    Forgery("`log.jsonl`", UNCOMPARED,
            lambda s: logged(s, "planned",
                             lambda told: told["environment"]["libraries"].update(xarray="99.9")),
            *NEVER),
    Forgery("`inputs/`", "anything", data_changed, *EVEN_PLAIN),
    Forgery("`inputs/`", "anything", lambda s: (s / "inputs" / "evil.py").write_text("evil"),
            *EVEN_PLAIN),
    Forgery("`changes-*.diff`", "anything, with the log left as it is",
            lambda s: edited(s / "changes-0123456789abcdef.diff", ("+", "-")), *EVEN_PLAIN),
    Forgery("`changes-*.diff`", "anything, with the log left as it is",
            lambda s: (s / "changes-0000000000000000.diff").write_text("evil"), *EVEN_PLAIN),
    Forgery("`changes-*.diff`, `log.jsonl` together", "anything",
            lambda s: (edited(s / "changes-0123456789abcdef.diff", ("+", "-")),
                       diff_logged(s)), *NEVER),
    Forgery("`report.html`", "anything; verify says that it is not checked",
            lambda s: (s / "report.html").write_text("<p>all is well</p>"), *NEVER),
]  # fmt: skip
"""What somebody may change, and whether opening, verify and verify --sample find it."""

FIRST = list({forgery.line: forgery for forgery in reversed(FORGERIES)}.values())
"""The first ones of each line of the table."""


def diff_logged(study: Path) -> None:
    """Write an event about changes to a repository into the log."""
    name = "changes-0123456789abcdef.diff"
    path = study / "log.jsonl"
    events = [json.loads(line) for line in path.read_text().splitlines()]
    for event in events:
        if event["event"] == "planned":
            state = {"diff": name, "sha256": folders.sha256(study / name)}
            event["environment"]["repositories"]["more"] = state
    path.write_text("".join(json.dumps(event) + "\n" for event in events))


def is_found_by_opening(study: Path) -> bool:
    try:
        izhi.open_study(study).dataset.load()
    except IzhiError as error:
        assert "\n" not in str(error) and "dataset.nc" in str(error)
        return True
    return False


@pytest.mark.parametrize("forgery", FORGERIES, ids=lambda f: f"{f.file}: {f.what}")
def test_what_a_forger_can_change_unnoticed(forgery, study, grown, tmp_path) -> None:
    if forgery.grown:
        study = shutil.copytree(grown, tmp_path / "grown")
    if forgery.file == "`inputs/`":
        study = with_data(tmp_path)
    if forgery.file.startswith("`changes"):
        (study / "changes-0123456789abcdef.diff").write_text("+ a line\n")
        diff_logged(study)
    forgery.make(study)
    verdict = verify(study, 0)
    assert bool(verdict.problems) == forgery.verify, verdict.problems
    if not verdict.problems or forgery in FIRST:
        assert bool(verify(study, 4).problems) == forgery.sample
    else:  # points that are simulated again take none of them away
        assert forgery.sample
    assert is_found_by_opening(study) == forgery.opening
    assert ("report.html is not checked; izhi report writes it anew" in verdict.notes) == (
        forgery.file == "`report.html`"
    )
    for problem in verdict.problems:
        assert "\n" not in problem


def test_a_digest_is_that_of_what_was_gathered(study) -> None:
    before = izhi.open_study(study).digest
    appended(study, event="note", digest="deadbeef")
    assert izhi.open_study(study).digest == before


def test_changes_that_a_killed_run_left_are_noted(study) -> None:
    contents = b"+ a line\n"
    path = study / f"changes-{hashlib.sha256(contents).hexdigest()[:16]}.diff"
    path.write_bytes(contents)
    assert verify(study).problems == [f"{path}: is not in the log"]
    appended(study, event="started", command=["izhi", "run"])
    verdict = verify(study)
    assert verdict.problems == []
    assert f"{path}: was left by a run that was killed" in verdict.notes


def with_data(folder: Path) -> Path:
    """Return a study with a file of data."""
    data = folder / "current.csv"
    data.write_text("t [ms],I [mV]\n0,4.0\n60,9.0\n")
    sweep = ["circuit=single", "synapse=none", "stimulus=file", f"stimulus.file={data}",
             "simulation.duration='40 ms'", "run.engine=numpy"]  # fmt: skip
    izhi.run(sweep, name="data", dir=folder, progress=False).close()
    return folder / "data"


def test_the_table_says_what_was_tried() -> None:
    words = {True: "found", False: "no"}
    expected = []
    for forgery in FORGERIES:
        sample = "if drawn" if forgery.sample and not forgery.verify else words[forgery.sample]
        cells = (forgery.file, forgery.what, words[forgery.opening], words[forgery.verify], sample)
        expected.append("| " + " | ".join(cells) + " |")
    page = (Path(__file__).parents[1] / "SECURITY.md").read_text()
    table = page.split("| file | what is changed |")[1].split("\n\n")[0].splitlines()[2:]
    assert table == list(dict.fromkeys(expected))


def test_a_dataset_that_was_changed_is_found_with_its_points(study) -> None:
    def change(file: Any) -> None:
        file["isi_mean"][1, 1, 0] = 7.0
        file["spikes"]["spike_time"][-1] += 1  # far beyond the number of points
        file["traces"]["v"][0, 1, 3] += 1e-12

    changed(study / "dataset.nc", change)
    told(study)
    at = "is not what the shards hold at point 3 (neuron=resonator, amplitude=10.0)"
    assert verify(study).problems == [
        f"{study / 'dataset.nc'}: {name} {at}" for name in ("isi_mean", "spike_time", "traces/v")
    ]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda file: file["amplitude"].setncattr("units", "V"), "amplitude: its units is not the"),
        (lambda file: file["isi_mean"].setncattr("units", "ms"), "isi_mean: its units is not the"),
        (lambda file: file["spikes"]["spike_time"].setncattr("scale_factor", 1e-3),
         "spikes/spike_time: its scale_factor is not the"),
        (lambda file: file["status"].setncattr("flag_meanings", "failed done not_run diverged"),
         "status: its flag_meanings is not the"),
        (lambda file: file["isi_mean"].setncattr("missing_value", 0.5), "its missing_value is not"),
        (lambda file: file.createVariable("cv", "f8", ("cell",)), "cv is a variable that the"),
        (lambda file: file.renameVariable("isi_cv", "isi_cw"), "isi_cv is missing"),
        (lambda file: file.setncattr("versions", "izhi 9.9"), "its versions is not the study's"),
        (lambda file: file.setncattr("config", "{}"), "its config is not the study's"),
        (lambda file: file.setncattr("config", file.config.replace("chattering", "resonator")),
         "its config is not the study's"),
    ],
)  # fmt: skip
def test_what_a_dataset_says_of_its_numbers_is_checked(study, change, said) -> None:
    changed(study / "dataset.nc", change)
    told(study)
    problems = verify(study).problems
    assert any(problem.startswith(f"{study / 'dataset.nc'}: ") and said in problem
               for problem in problems)  # fmt: skip


@pytest.mark.parametrize("at", [0, 1, 4, -1])
def test_a_table_that_was_changed_is_found_with_its_line(study, at) -> None:
    path = study / "summary.csv"
    lines = path.read_text().splitlines(keepends=True)
    lines[at] = lines[at].replace("0", "1", 1) if "0" in lines[at] else lines[at].upper()
    path.write_text("".join(lines))
    told(study)
    number = range(1, len(lines) + 1)[at]
    assert verify(study).problems == [f"{path}: line {number} is not what the shards hold"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda text: text + "more\n", "has more lines than there are results"),
        (lambda text: text[: len(text) // 2], "is not what the shards hold"),
        (lambda _: "x" * 1_000_000, "line 1 is not what the shards hold"),
    ],
)
def test_a_table_of_another_length_is_found(study, change, said) -> None:
    path = study / "summary.csv"
    path.write_text(change(path.read_text()))
    told(study)
    (problem,) = verify(study).problems
    assert problem.startswith(f"{path}: ") and said in problem


def test_statistics_by_later_settings_are_simulated_again_too(study) -> None:
    """What the shards have was computed with the settings before."""
    summarise(study, ["statistics.max_interval='6 ms'"], progress=False)
    assert verify(study, 4).problems == []

    def other(*_: Any) -> Any:
        found = compute(*_)
        return {**found, "isi_cv": found["isi_cv"] + 1}

    from izhi.study import worker

    compute = worker.statistics.compute
    with pytest.MonkeyPatch.context() as patch:
        simulate = worker.simulate

        def again(task: Any) -> Any:
            with pytest.MonkeyPatch.context() as inner:
                inner.setattr(worker.statistics, "compute", other)
                return simulate(task)

        patch.setattr(worker, "simulate", again)
        problems = verify(study, 4).problems
    assert problems and all("another isi_cv when run again" in problem for problem in problems)


def test_versions_of_a_shard_that_differ_from_the_logs_are_found(study) -> None:
    changed(shards(study)[0], lambda file: file.setncattr("versions", '{"izhi": "9.9"}'))
    told(study)
    assert f"{shards(study)[0]}: its versions are not the logged ones" in verify(study).problems


def test_a_study_yaml_of_another_study_is_found(study) -> None:
    path = study / "study.yaml"
    asked = yaml.safe_load(path.read_text())
    asked["configs"][0]["simulation.seed"] = 5
    path.write_text(yaml.safe_dump(asked))
    assert any("changed after it was written" in problem for problem in verify(study).problems)


@pytest.mark.parametrize(
    ("event", "name", "value"),
    [("gathered", "statistics", "x"), ("gathered", "statistics", None),
     ("shard_done", "points", -5), ("point_failed", "point", 10**30),
     ("point_failed", "point", -3), ("point_failed", "point", "x")],
)  # fmt: skip
def test_a_log_with_other_values_gives_a_line(study, event, name, value) -> None:
    path = study / "log.jsonl"
    events = [json.loads(line) for line in path.read_text().splitlines()]
    if event == "point_failed":
        events.insert(-1, {"time": "2026", "event": event})
    bad = [number for number, line in enumerate(events, 1) if line["event"] == event]
    for number in bad:
        events[number - 1][name] = value
    path.write_text("".join(json.dumps(line) + "\n" for line in events))
    expected = {f"{path}: line {number} is no event" for number in bad}
    assert expected <= set(verify(study).problems)
    summarise(study, ["statistics.min_spikes=2"], progress=False)
    assert verify(study).problems == []


def test_files_that_are_missing_are_said_to_be(study, capsys) -> None:
    (study / "summary.csv").unlink()
    assert verify(study).problems[0] == f"{study / 'summary.csv'}: is not there"
    (study / "log.jsonl").unlink()
    assert f"{study / 'log.jsonl'}: is not there" in verify(study).problems
    assert cli.main(["show", str(study)]) == 0
    out = capsys.readouterr().out
    assert "state   " in out and "unknown" in out
    assert "environment" in out and "unknown: the log does not tell of it" in out
    cli.main(["diff", str(study), str(study)])
    assert f"versions: {study}: unknown; it has no log" in capsys.readouterr().out


# ---------------------------------------------------------------- contents of shards


def rebuilt(path: Path, change: Callable[[dict[str, Any]], None]) -> None:
    """Write a shard file anew, as it was but for a change, under a seal of its own."""
    with netCDF4.Dataset(str(path)) as file:
        file.set_auto_maskandscale(False)
        parts: dict[str, Any] = {name: np.asarray(v[:]) for name, v in file.variables.items()}
        dimensions = {name: v.dimensions for name, v in file.variables.items()}
        parts["attributes"] = {name: file.getncattr(name) for name in file.ncattrs()}
    change(parts)

    def write(temporary: Path) -> None:
        with netCDF4.Dataset(str(temporary), "w") as file:
            file.setncatts(parts["attributes"])
            for name, values in parts.items():
                if name == "attributes":
                    continue
                names = []
                for axis, size in enumerate(np.shape(values)):
                    old = (dimensions.get(name, ()) + ("x",) * 4)[axis]
                    sized = old
                    while sized in file.dimensions and len(file.dimensions[sized]) != size:
                        sized += "_"
                    if sized not in file.dimensions:
                        file.createDimension(sized, size)
                    names.append(sized)
                kind = str if values.dtype.kind in "OU" else values.dtype
                file.createVariable(name, kind, names)[...] = (
                    values.astype(object) if kind is str else values
                )

    folders.write_atomic(path, write, sealed=True)


def put(name: str, value: Callable[[Any], Any]) -> Callable[[dict[str, Any]], None]:
    def change(parts: dict[str, Any]) -> None:
        parts[name] = value(parts[name])

    return change


def attribute(name: str, value: Any) -> Callable[[dict[str, Any]], None]:
    def change(parts: dict[str, Any]) -> None:
        parts["attributes"].pop(name)
        if value is not None:
            parts["attributes"][name] = value

    return change


def first(value: Any) -> Callable[[Any], Any]:
    def change(values: Any) -> Any:
        values = values.copy()
        values.flat[0] = value
        return values

    return change


WRONG: dict[str, tuple[Callable[[dict[str, Any]], None], str]] = {
    "no counts": (lambda parts: parts.pop("train_count"), "train_count is missing"),
    "no points": (lambda parts: parts.pop("point"), "it cannot be read"),
    "no status": (lambda parts: parts.pop("status"), "status is missing"),
    "no spikes": (lambda parts: parts.pop("spike_step"), "spike_step is missing"),
    "no statistic": (lambda parts: parts.pop("statistic_lv"), "statistic_lv is missing"),
    "further statistic": (
        lambda parts: parts.update(statistic_new=parts["statistic_lv"]),
        "statistic_new is a statistic that its points do not have",
    ),
    "negative counts": (put("train_count", first(-1)), "train_count is not from 0 to the number"),
    "counts beyond": (put("train_count", first(2**30)), "train_count is not from 0 to the number"),
    "counts that do not sum": (put("train_count", lambda n: n + 1), "train_count sums to"),
    "counts as text": (put("train_count", lambda n: n.astype(str)), "train_count is of type"),
    "counts of one cell": (put("train_count", lambda n: n[:, :1]), "train_count is of shape"),
    "points of float": (put("point", lambda n: n + 0.0), "no list of whole numbers"),
    "points in a square": (put("point", lambda n: n[:, None]), "no list of whole numbers"),
    "points beyond": (put("point", lambda n: n + 100), "its points are not the study's"),
    "negative points": (put("point", lambda n: n - 100), "its points are not the study's"),
    "points twice": (put("point", lambda n: n * 0), "its points are not the study's"),
    "no points at all": (put("point", lambda n: n[:0]), "its points are not the study's"),
    "points of both structures": (put("point", lambda n: np.arange(4)), "of several structures"),
    "a status": (put("status", first(7)), "status is neither done nor diverged"),
    "a statistic's type": (put("statistic_lv", lambda x: x.astype("f4")), "statistic_lv is of typ"),
    "a statistic's shape": (put("statistic_lv", lambda x: x.T[None]), "statistic_lv is of shape"),
    "spikes of float": (put("spike_step", lambda x: x + 0.5), "spike_step is of type float64"),
    "negative spikes": (put("spike_step", first(-5)), "spike_step is not from 0 to 399"),
    "spikes beyond": (put("spike_step", first(400)), "spike_step is not from 0 to 399"),
    "two spikes in a step": (put("spike_step", lambda x: x * 0 + 1), "spike_step does not rise"),
    "spikes out of order": (put("spike_step", lambda x: x[::-1]), "spike_step does not rise"),
    "a trace where none is": (
        lambda parts: parts.update(trace_w=parts["statistic_lv"]), "its traces are of "),
    "other cells": (attribute("cells", '["a"]'), "its cells are not those of its points' circuit"),
    "cells of a number": (attribute("cells", 5), "it cannot be read"),
    "cells of brackets": (attribute("cells", "[" * 9999), "it cannot be read"),
    "no synapses": (attribute("synapses", None), "its attribute synapses is missing"),
    "several dt": (attribute("dt", [1e-4, 1e-4]), "its dt is not that of its points"),
    "text for an interval": (
        lambda parts: parts["attributes"].update(interval="a"), "its interval is not that of"),
    "another dt": (attribute("dt", 0.1), "its dt is not that of its points"),
    "another fingerprint": (attribute("fingerprint", "x"), "it is of another study"),
}  # fmt: skip


@pytest.mark.parametrize("what", WRONG)
def test_a_shard_that_holds_something_else_is_named_with_the_problem(study, what) -> None:
    change, said = WRONG[what]
    sample = 2 if what in ("no counts", "a status", "a statistic's type") else 0
    shard = max(shards(study), key=lambda path: path.stat().st_size)
    with netCDF4.Dataset(str(shard)) as file:
        traced = any(name.startswith("trace_") for name in file.variables)
    if traced:  # the other ones are of a structure without traces
        shard = next(path for path in shards(study) if path != shard)
    before = izhi.open_study(study).digest
    rebuilt(shard, change)
    told(study)
    assert any(
        problem.startswith(f"{shard}: ") and said in problem
        for problem in verify(study, sample).problems
    )
    try:
        summarise(study, ["statistics.min_spikes=2"], progress=False)
    except IzhiError as error:
        assert str(error).startswith(f"{shard}: ") and "\n" not in str(error)
        assert izhi.run(SWEEP, name="s", dir=study.parent, progress=False).digest == before
        assert verify(study).problems == []
    else:  # what is computed anew from the spikes may be anything
        assert what in ("no statistic", "further statistic", "a statistic's type",
                        "a statistic's shape")  # fmt: skip


@pytest.mark.parametrize(
    ("name", "attribute"),
    [("spike_step", "scale_factor"), ("train_count", "add_offset"), ("status", "valid_max"),
     ("statistic_lv", "missing_value"), ("spike_step", "_Unsigned")],
)  # fmt: skip
def test_a_shard_whose_numbers_are_scaled_is_named(study, name, attribute) -> None:
    for shard in shards(study):
        changed(shard, lambda file: file[name].setncattr(attribute, file[name].dtype.type(1)))
    told(study)
    expected = f"{name} has an attribute, {attribute}; it is written without"
    for shard in shards(study):
        assert f"{shard}: {expected}" in verify(study).problems
    before = izhi.open_study(study).digest
    assert izhi.run(SWEEP, name="s", dir=study.parent, progress=False).digest == before


def test_a_word_that_a_shard_does_not_have_is_named(study) -> None:
    changed(shards(study)[0], put_into("statistic_regime", 100))
    told(study)
    problem = f"{shards(study)[0]}: statistic_regime is not from 0 to "
    assert any(line.startswith(problem) for line in verify(study).problems)


@pytest.fixture(scope="module")
def located(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("located")
    sweep = ["circuit=single", "synapse=none", "run.engine=numpy", "stimulus.onset='5 ms'",
             "simulation.duration='40 ms'", "simulation.method=located_rk2"]  # fmt: skip
    izhi.run(sweep, name="s", dir=folder, progress=False).close()
    return folder / "s"


@pytest.mark.parametrize(
    ("at", "value", "expected"),
    [(0, np.nan, "is not from 0 to 400"), (0, -0.5, "is not from 0 to 400"),
     (-1, np.inf, "is not from 0 to 400"), (-1, 400.5, "is not from 0 to 400"),
     (-1, 0.0, "does not rise within a train")],
)  # fmt: skip
def test_located_spikes_lie_within_the_run(located, tmp_path, at, value, expected) -> None:
    study = shutil.copytree(located, tmp_path / "s")
    changed(shards(study)[0], lambda file: file["spike_step"].__setitem__(at, value))
    told(study)
    assert any(f"spike_step {expected}" in problem for problem in verify(study).problems)


def test_points_that_two_shards_hold_are_named(study) -> None:
    one, _two, *_ = shards(study)
    data = one.read_bytes()
    name = "-".join([*one.stem.split("-")[:2], "000000000", "7.nc"])
    (study / "shards" / name).write_bytes(data)
    line = {"time": "2026-01-01T00:00:00", "event": "shard_done", "shard": name, "points": 1,
            "sha256": hashlib.sha256(data).hexdigest()}  # fmt: skip
    with open(study / "log.jsonl", "a") as file:
        file.write(json.dumps(line) + "\n")
    assert any("in two shards; a further run repairs it" in p for p in verify(study).problems)
    izhi.run(SWEEP, name="s", dir=study.parent, progress=False).close()
    assert verify(study).problems == []


VALUES = st.sampled_from([-1, 0, 1, 7, 399, 2**31 - 1, -(2**31)])
CHANGES = st.sampled_from(
    ["drop", "type", "text", "shorter", "longer", "turn", "flat", "value", "nothing"]
)


def examples(number: int) -> settings:
    """Run a test on so many examples, the same ones each time."""
    return settings(
        max_examples=number, deadline=None, derandomize=True,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip


@examples(20)
@given(data=st.data())
def test_shards_with_anything_in_them_give_a_result_or_a_line(made, data, tmp_path_factory) -> None:
    result_or_line(made, data, tmp_path_factory)


@pytest.mark.soak
@examples(200)
@given(data=st.data())
def test_many_shards_with_anything_in_them_do(made, data, tmp_path_factory) -> None:
    result_or_line(made, data, tmp_path_factory)


def result_or_line(made: Path, data: st.DataObject, tmp_path_factory: Any) -> None:
    """Change a shard in some way; all that reads it gives a result or an error of izhi's."""
    study = shutil.copytree(made, tmp_path_factory.mktemp("x") / "s")
    shard = data.draw(st.sampled_from(shards(study)))

    def change(parts: dict[str, Any]) -> None:
        for _ in range(data.draw(st.integers(1, 2))):
            names = sorted(parts.keys() - {"attributes"})
            name = data.draw(st.sampled_from([*names[:2], "train_count", "spike_step", "point",
                                              *parts["attributes"], *names]))  # fmt: skip
            if name in parts["attributes"]:
                parts["attributes"][name] = data.draw(
                    st.sampled_from(["", "[]", "{}", "null", 5, 0.5, '["cell0"]', "NaN"])
                )
            elif name in parts:
                one_change(data.draw, parts, name)

    rebuilt(shard, change)
    told(study)
    for call in (
        lambda: verify(study, 0),
        lambda: Watched.of(study).told({}),
        lambda: summarise(study, ["statistics.min_spikes=2"], progress=False),
        lambda: izhi.run(SWEEP, name="s", dir=study.parent, progress=False).close(),
    ):
        try:
            call()
        except IzhiError as error:
            assert str(error) and "\n" not in str(error)
    shutil.rmtree(study)


def one_change(draw: Any, parts: dict[str, Any], name: str) -> None:
    values = parts[name]
    match draw(CHANGES):
        case "drop":
            del parts[name]
        case "type":
            kind = draw(st.sampled_from(["f4", "f8", "i1", "i4", "i8", "u4"]))
            with np.errstate(all="ignore"):
                parts[name] = values.astype(kind)
        case "text":
            parts[name] = values.astype(str)
        case "shorter":
            parts[name] = values[:-1]
        case "longer":
            parts[name] = np.concatenate([values, values])
        case "turn":
            parts[name] = values.T
        case "flat":
            parts[name] = values.ravel()
        case "value" if values.size and values.dtype.kind in "if":
            with np.errstate(all="ignore"):
                parts[name] = first(np.array(draw(VALUES)).astype(values.dtype))(values)


def test_the_log_says_which_versions_made_which_shard(made) -> None:
    events = read(made / "log.jsonl")
    told = [event["versions"] for event in events if event["event"] == "shard_done"]
    names = {"izhi", "brian2", "numpy", "python", *(["compiler"] if ENGINE == "compiled" else [])}
    assert told and all(set(part) == names for part in told)
    assert os.path.isfile(made / "dataset.nc")


def test_a_check_reads_the_installed_versions_once_for_all_shards(made, monkeypatch) -> None:
    calls, here = [], versions.here

    def counted(compiled: bool) -> dict[str, str]:
        calls.append(compiled)
        return here(compiled)

    monkeypatch.setattr(versions, "here", counted)
    assert verify(made).problems == []
    assert len([*(made / "shards").iterdir()]) > 1 and len(calls) == 1
