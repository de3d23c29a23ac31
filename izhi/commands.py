"""The commands on studies: list, show, watch, verify, diff, reproduce, report, ...; and doctor."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from izhi.errors import ConfigError

if TYPE_CHECKING:
    from izhi.study.compare import Comparison, Difference
    from izhi.study.overview import Overview

SAMPLE = 10
"""Points that ``izhi verify`` simulates again unless told otherwise."""

_MOST_POINTS = 20

_MOST_DIGITS = 18
"""Digits of a number of points."""


class _Parser(ArgumentParser):
    """A parser whose errors are izhi's."""

    def error(self, message: str) -> NoReturn:
        raise ConfigError(f"{message}; {self.format_usage().strip().removeprefix('usage: ')}")


def main(command: str, arguments: Sequence[str]) -> int:
    """Run a command on stored studies.

    Parameters
    ----------
    command
        One of :data:`COMMANDS`.
    arguments
        What follows it.

    Returns
    -------
    int
        The exit status.

    Raises
    ------
    IzhiError
        When it cannot be done.
    """
    summary, add, run = COMMANDS[command]
    parser = _Parser(prog=f"izhi {command}", description=summary)
    add(parser)
    return run(parser.parse_intermixed_args(list(arguments)))


def _study(parser: ArgumentParser) -> None:
    parser.add_argument("study", type=Path, metavar="STUDY", help="the study's folder")


def _add_list(parser: ArgumentParser) -> None:
    parser.add_argument(
        "folder", type=Path, nargs="?", default=Path("studies"), metavar="FOLDER",
        help="where the studies lie (studies)",
    )  # fmt: skip


def _list(given: Namespace) -> int:
    from izhi.errors import StudyError
    from izhi.study import overview

    rows = [["name", "when", "points", "state", "digest"]]
    for path in overview.studies(given.folder):
        try:
            found = overview.overview(path)
        except StudyError:
            rows.append([path.name, "", "", overview.unreadable_state(path), ""])
            continue
        rows.append([path.name, found.when[:16].replace("T", " "), f"{found.points:,}",
                     _state(found), (found.digest or "")[:12]])  # fmt: skip
    if len(rows) == 1:
        print(f"no studies in {given.folder}")
        return 0
    _print_table(rows)
    return 0


def _state(found: Overview) -> str:
    """Return how far a study is, in words."""
    words = found.state
    if found.done + found.failed < found.points:
        words += f", {found.done:,} of {found.points:,} points"
    for number, what in ((found.failed, "failed"), (found.diverged, "diverged")):
        words += f", {number:,} {what}" * bool(number)
    return words


def _print_table(rows: list[list[str]]) -> None:
    """Print rows of text with aligned columns; control characters are shown, not sent."""
    shown = [[safe(word) for word in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*shown, strict=True)]
    for row in shown:
        cells = (word.ljust(width) for word, width in zip(row, widths, strict=True))
        print("  ".join(cells).rstrip())


def safe(text: str) -> str:
    """Return a text whose control characters are shown, not sent to a terminal."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


def _show(given: Namespace) -> int:
    from izhi.study import compare, extend, log, overview, versions

    found = overview.overview(given.study)
    begun = f"{found.when[:19].replace('T', ' ')} UTC" if found.when else log.UNKNOWN
    rows = [
        ["study", str(found.folder.path)],
        ["begun", begun],
        ["state", _state(found)],
        ["points", f"{found.points:,}"],
        ["digest", found.digest or "none: not gathered since the last run"],
    ]
    rows += [[f"axis {axis.name}", f"{len(axis):,} values of {axis.key}: {extend.shown(axis)}"]
             for axis in found.sweep.axes]  # fmt: skip
    rows += [[f"choice {group}", choice] for group, choice in found.sweep.choices.items()
             if choice not in ("None", "default")]  # fmt: skip
    rows += [["command", command] for command in _commands(found)]
    if several := versions.of_study(found.events):
        rows.append(["versions", several])
    environment = compare.environment(found.folder)
    rows += [[key, value] for key, value in environment.items()]
    if not environment:
        rows.append(["environment", "unknown: the log does not tell of it"])
    _print_table(rows)
    print()
    _print_table([["time", "event", ""], *map(_event, found.events)])
    return 0


def _commands(found: Overview) -> list[str]:
    import shlex

    commands = [event.get("command") for event in found.events if event["event"] == "started"]
    told = [shlex.join(map(str, words)) for words in commands if isinstance(words, list)]
    return list(dict.fromkeys(told))


_LONG = ("axes", "configs", "swept", "config_of", "environment", "choices", "overrides", "files",
         "time", "event", "command", "schema", "sha256", "versions")  # fmt: skip


def _event(event: dict[str, Any]) -> list[str]:
    told = ", ".join(f"{key} {value if isinstance(value, str) else json.dumps(value)}"
                     for key, value in event.items() if key not in _LONG)  # fmt: skip
    line = " ".join(told.split())
    return [event["time"][:19].replace("T", " "), event["event"],
            line if len(line) <= 120 else line[:117] + "..."]  # fmt: skip


def _add_watch(parser: ArgumentParser) -> None:
    _study(parser)
    parser.add_argument("--port", type=int, default=0, metavar="N",
                        help="where on this machine the page is (any free port)")  # fmt: skip
    parser.add_argument("--until-done", action="store_true",
                        help="end with the run; status 0 if all points are done")  # fmt: skip


def _watch(given: Namespace) -> int:
    from izhi.report.watch import server

    ended = server.serve(given.study, given.port, given.until_done)
    return 0 if ended is None or (ended.state() == "done" and not ended.progress.failed) else 1


def _add_verify(parser: ArgumentParser) -> None:
    _study(parser)
    parser.add_argument(
        "--sample", type=_count, default=SAMPLE, metavar="N",
        help=f"points to simulate again, drawn at random ({SAMPLE})",
    )  # fmt: skip


def _count(text: str) -> int:
    from izhi.config.keys import shown

    if not text.isdecimal() or len(text) > _MOST_DIGITS:
        raise ConfigError(f"--sample = {shown(text)}: expected a whole number of points, of at "
                          f"most {_MOST_DIGITS} digits")  # fmt: skip
    return int(text)


def _verify(given: Namespace) -> int:
    from izhi.study import verify

    verdict = verify.verify(given.study, given.sample, _remark)
    for what in verdict.passed:
        print(f"ok     {safe(what)}")
    for note in verdict.notes:
        print(f"note   {safe(note)}")
    for problem in verdict.problems:
        print(f"wrong  {safe(problem)}")
    return 1 if verdict.problems else 0


def _remark(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _add_diff(parser: ArgumentParser) -> None:
    parser.add_argument("a", type=Path, metavar="A", help="a study's folder")
    parser.add_argument("b", type=Path, metavar="B", help="another one's")


def _diff(given: Namespace) -> int:
    from izhi.study import compare

    found = compare.compare(given.a, given.b)
    for title, lines in (("configs", found.configs), ("versions", found.versions)):
        for line in lines:
            print(f"{title + ':':<10}{safe(line)}")
    _print_results(found)
    return 0 if found.same_results else 1


def _print_results(found: Comparison) -> None:
    for line in found.only:
        print(f"points:   {safe(line)}")
    if not found.results:
        print(f"results:  {found.compared:,} points compared, all the same")
        return
    print(f"results:  {found.compared:,} points compared")
    rows = [["variable", "points", "largest", "there", ""]]
    _print_table([*rows, *map(_difference, found.results)])


def _difference(found: Difference) -> list[str]:
    return [found.name, f"{found.points:,}", f"{found.largest:.3g}",
            f"{found.a!r} | {found.b!r}", found.where]  # fmt: skip


def _add_reproduce(parser: ArgumentParser) -> None:
    _study(parser)
    parser.add_argument("settings", nargs="*", metavar="run.KEY=VALUE", help="how to run it here")
    parser.add_argument("--dir", type=Path, metavar="FOLDER",
                        help="where the new study goes (beside the old one)")  # fmt: skip


def _reproduce(given: Namespace) -> int:
    import numpy as np

    from izhi.study import overview, reproduce, shards

    done = reproduce.reproduce(given.study, given.settings, given.dir)
    print(f"study: {done.path}/")
    _report_at_end(done.path)
    if done.comparison is None:
        print(f"identical: {done.now}")
        return 0
    found = done.comparison
    print(f"different: {done.before} before, {done.now} now")
    for line in found.versions:
        print(f"versions: {safe(line)}")
    _print_results(found)
    sweep = overview.overview(done.path).sweep
    numbers = np.unique(np.concatenate([np.empty(0, int), *(r.numbers for r in found.results)]))
    for number in numbers[:_MOST_POINTS]:
        print(f"differs:  {safe(shards.in_words(sweep, int(number)))}")
    if numbers.size > _MOST_POINTS:
        print(f"          and {numbers.size - _MOST_POINTS:,} more points")
    return 1


def _add_summarise(parser: ArgumentParser) -> None:
    _study(parser)
    parser.add_argument("settings", nargs="+", metavar="statistics...=VALUE",
                        help="statistics=log_isi, statistics.max_interval='5 ms', ...")  # fmt: skip
    parser.add_argument("--config-dir", type=Path, metavar="FOLDER", help="more configs")
    parser.add_argument("--only", action="store_true",
                        help="take out the statistics that are not asked for")  # fmt: skip


def _summarise(given: Namespace) -> int:
    from izhi.study.summarise import summarise

    done = summarise(given.study, given.settings, config_dir=given.config_dir, only=given.only)
    report = done.report
    for line in done.lines:
        print(safe(line))
    print(f"study: {report.study.path}/  (dataset.nc, summary.csv)")
    print(f"{report.points:,} points in {report.seconds:.1f} s, nothing simulated")
    _report_at_end(report.study.path)
    return 0


def _add_report(parser: ArgumentParser) -> None:
    _study(parser)
    parser.add_argument(
        "--sample", type=_count, metavar="N",
        help="points that are simulated once more into the page, for their traces; 0 for none "
        "(as many as there is room for)",
    )  # fmt: skip
    parser.add_argument("-o", "--output", type=Path, metavar="FILE",
                        help="the page (report.html in the study's folder)")  # fmt: skip


def _report(given: Namespace) -> int:
    from izhi.report.page import make

    print(make.report(given.study, given.output, given.sample))
    return 0


def _report_at_end(path: Path) -> None:
    """Write the page of a study that a command has just run, and say where it is."""
    from izhi.report.page import make
    from izhi.study import overview

    found = overview.overview(path)
    page = make.at_end(found.folder, found.sweep)
    if page is not None:
        print(f"report: {page}")


def _add_export(parser: ArgumentParser) -> None:
    _study(parser)
    parser.add_argument("--to", required=True, metavar="FORMAT",
                        help="crate, csv, netcdf, nwb or parquet")  # fmt: skip
    parser.add_argument("-o", "--output", type=Path, metavar="PATH",
                        help="what to write (beside the study, and named after it)")  # fmt: skip


def _export(given: Namespace) -> int:
    from izhi.export import export
    from izhi.study.study import Study

    print(export(Study(given.study), given.to, given.output))
    return 0


def _add_plot(parser: ArgumentParser) -> None:
    from izhi.report import plot

    plot.add(parser)


def _plot(given: Namespace) -> int:
    from izhi.report import plot

    return plot.run(given)


def _add_doctor(parser: ArgumentParser) -> None:
    parser.add_argument(
        "folder", type=Path, nargs="?", default=Path("studies"), metavar="FOLDER",
        help="where studies are written (studies)",
    )  # fmt: skip


def _doctor(given: Namespace) -> int:
    from izhi import doctor

    findings = doctor.examine(given.folder)
    _print_table([["ok" if f.well else "WRONG", f.name, f.text] for f in findings])
    return 0 if all(f.well for f in findings) else 1


Command = tuple[str, Callable[[ArgumentParser], None], Callable[[Namespace], int]]

COMMANDS: dict[str, Command] = {
    "list": ("the studies in a folder: name, when, points, state, digest", _add_list, _list),
    "show": ("what a study is, where it comes from, what happened to it", _study, _show),
    "watch": ("a page that shows how far a study is, also through ssh -L", _add_watch, _watch),
    "verify": ("check a study's files, points, dataset, and some bits again", _add_verify, _verify),
    "diff": ("what differs between two studies", _add_diff, _diff),
    "reproduce": ("run a study again and compare", _add_reproduce, _reproduce),
    "summarise": ("compute a study's statistics anew from its spikes", _add_summarise, _summarise),
    "report": ("write a page that shows a study", _add_report, _report),
    "export": ("write a study in a format that others read", _add_export, _export),
    "plot": ("draw a figure of a study, or of a run that is made for it", _add_plot, _plot),
    "doctor": (
        "what izhi has to work with on this machine, and what is wrong",
        _add_doctor,
        _doctor,
    ),
}
"""By name: what a command does, its arguments, its function."""
