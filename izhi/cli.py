"""The command line: ``izhi run``, ``izhi plan`` and ``izhi check``."""

from __future__ import annotations

import contextlib
import csv
import io
import itertools
import os
import shutil
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from contextlib import AbstractContextManager

    from izhi.config.sweep import Sweep
    from izhi.study.check import Check
    from izhi.study.execute import Report
    from izhi.sweep.plan import Plan

USAGE = """\
izhi explores Izhikevich neurons and Tsodyks-Markram synapses in Brian2, thousands at once.

  izhi run  [-m] OVERRIDES...    run one point, or with -m the product of all sweep values
  izhi plan [-m] OVERRIDES...    what would run: axes, points, structures, shards, time and disk
  izhi check [-m] OVERRIDES...   what is wrong, and what is probably not meant; runs nothing
  izhi converge [-m] OVERRIDES...   errors of spikes and intervals by time step, the step needed
  izhi list [FOLDER]             the studies in a folder: when, points, state, digest
  izhi show STUDY                what a study is, where it comes from, what happened to it
  izhi watch STUDY               a page on this machine that shows how far it is, and its maps
  izhi verify STUDY              its files, points and dataset, and some points simulated again
  izhi diff A B                  what differs: configs, versions, results point by point
  izhi reproduce STUDY           run it again from its own log and compare
  izhi summarise STUDY statistics=...   other statistics, from the stored spikes
  izhi report STUDY              a page that shows it: report.html, to be opened in a browser
  izhi export STUDY --to FORMAT  crate (a research object), csv or parquet (tables), netcdf, nwb
  izhi plot STUDY|OVERRIDES... --kind KIND -o FILE   trace, raster, heatmap, fi, phase, gallery
  izhi doctor [FOLDER]           versions, compiler, cache, locks, cores, configs: is all well?

  izhi run neuron=chattering
  izhi run -m neuron=chattering,resonator 'synapse.U_0=range(0.1,1.0,0.1)' stimulus.amplitude=8,10
  izhi plan -m 'neuron=glob(*)' 'stimulus.amplitude=choice("4 mV","8 mV")'

  izhi run --help        all choices and values        izhi run --cfg job     the composed config
  izhi --version         the version                   izhi run --hydra-help  Hydra's own flags

Quantities have units, in quotes: "stimulus.amplitude='8 mV'"; a bare number has the default's unit.
Exit status: 0 all is well, 1 points failed or results differ, 2 wrong input, 130 interrupted.
"""

COMMANDS = ("run", "plan", "check")

_MOST_NAMED = 16
"""Cells that a plan names one by one."""

_WIDTH = 120
"""Characters of a line where the terminal does not say."""

INTERRUPTED = 130
BROKEN_PIPE = 141
"""Exit statuses as shells have them: 128 and the number of the signal."""


def main(argv: list[str] | None = None) -> int:
    """Run the program; see ``izhi --help``.

    Parameters
    ----------
    argv
        Arguments after the program's name; those of the process by default.

    Returns
    -------
    int
        The exit status.
    """
    arguments = sys.argv[1:] if argv is None else list(argv)
    _open_streams()
    try:
        from izhi import children, interrupts

        os.environ["PATH"] = children.programs_path()  # libraries run programs, too: fc-list, uname

        with interrupts.heard():
            status = _ended(arguments)
        if status == INTERRUPTED and argv is None:
            interrupts.ignore()  # of one who asks twice: the program is about to end
        return status
    except KeyboardInterrupt:  # before or after it could be heard
        return INTERRUPTED


def _open_streams() -> None:
    """Have somewhere to write to, and a way to write all names."""
    while (unused := os.open(os.devnull, os.O_RDWR)) <= 2:
        pass  # a closed stream's number would go to the next file that is opened
    os.close(unused)
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115
        elif isinstance(stream, io.TextIOWrapper) and stream.errors == "strict":
            stream.reconfigure(errors="backslashreplace")


def _ended(arguments: list[str]) -> int:
    """Run a command to its end, whatever that is; return the exit status."""
    from izhi.errors import ConfigError, IzhiError, StudyError

    try:
        status = _dispatch(arguments)
        sys.stdout.flush()
        return status
    except (ConfigError, StudyError) as error:
        _say_error(error)
        return 2
    except IzhiError as error:
        _say_error(error)
        return 1
    except SystemExit as stop:  # Hydra's way to end after --help
        return int(stop.code or 0)
    except KeyboardInterrupt as interrupt:
        print("; ".join(["interrupted", *map(str, interrupt.args)]), file=sys.stderr)
        _let_queues_end()
        return INTERRUPTED
    except BrokenPipeError:
        _close_output()
        return BROKEN_PIPE
    except OSError as error:
        _close_output()
        where = f"{error.filename}: " if error.filename else ""
        _say_error(IzhiError(f"{where}{error.strerror or error}"))
        return 1


def _dispatch(arguments: list[str]) -> int:
    command = arguments[0] if arguments else "--help"
    if command in ("-h", "--help", "help"):
        print(USAGE, end="")
        return 0
    if command == "--version":
        from importlib.metadata import version

        print(f"izhi {version('izhi')}")
        return 0
    if command in COMMANDS:
        return _of_overrides(command, arguments[1:])
    if command == "converge":
        from izhi.accuracy import command as converging

        return converging.main(arguments[1:])
    from izhi import commands
    from izhi.errors import ConfigError, did_you_mean

    if command in commands.COMMANDS:
        return commands.main(command, arguments[1:])
    known = [*COMMANDS, "converge", *commands.COMMANDS]
    raise ConfigError(f"{command}: no such command{did_you_mean(command, known)}")


def _close_output() -> None:
    """Let nothing more be written to standard output, which cannot take it."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _let_queues_end() -> None:
    """Wait for the threads that fed the workers.

    Frozen at the end of the program, one may have removed a semaphore without saying so, and then
    joblib's resource tracker warns of it.
    """
    for thread in threading.enumerate():
        if thread.name == "QueueFeederThread":
            thread.join(timeout=0.3)


def _say_error(error: Exception) -> None:
    from izhi.commands import safe

    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    print(f"error: {safe(' '.join(lines))}", file=sys.stderr)


def _of_overrides(command: str, arguments: list[str]) -> int:
    """Run what the arguments compose to, show what would run, or what is doubtful in it."""
    from izhi.config.commandline import compose_arguments

    composed = compose_arguments(command, arguments, _starting if command == "run" else None)
    if composed is None:  # --help, --cfg, --info: Hydra has answered
        return 0
    if command == "check":
        from izhi.study.check import check

        return _print_check(check(composed))
    from izhi.study import execute
    from izhi.study.profile import Profile, process_began

    if command == "plan":
        plan = execute.make_plan(composed)
        for doubt in plan.doubts:
            print(f"warning: {doubt}", file=sys.stderr)
        _print_plan(plan)
        return 0
    profile = Profile(process_began())
    command_line = ["izhi", command, *arguments]
    report = execute.execute(composed, profile=profile, command=command_line)
    from izhi.report.page import make

    page = make.at_end(report.study.folder, composed)
    _print_report(report, page, composed)
    profile.mark("reporting")
    if composed.setting("run.profile"):
        print("\n" + "\n".join(profile.lines()))
    return 0 if report.failed == 0 else 1


def _print_check(found: Check) -> int:
    """Print what a check found; return the exit status."""
    for error in found.errors:
        _say_error(error)
    if found.errors:
        return 2
    structures = f"{found.structures} structure{'s' * (found.structures != 1)}"
    doubts = f"{len(found.doubts) or 'no'} doubt{'s' * (len(found.doubts) != 1)}"
    print(f"{_count(found.points)} of {structures}: {doubts}")
    for doubt in found.doubts:
        print(doubt)
    return 0


def _starting(points: int, config: Mapping[str, Any]) -> AbstractContextManager[None]:
    """Start the workers of a large sweep while it is composed."""
    from izhi.study import parallel

    return parallel.starting(points, config)


def _count(points: int) -> str:
    return f"{points:,} point{'s' * (points != 1)}"


def _print_plan(plan: Plan) -> None:
    from izhi.study.folder import size

    cells = list(plan.cells)
    if len(cells) > _MOST_NAMED:
        cells[_MOST_NAMED // 2 : -_MOST_NAMED // 2] = ["..."]
    of_each = f"{len(plan.cells):,} cell{'s' * (len(plan.cells) != 1)} each"
    print(f"{_count(plan.points)}, {of_each}: {' '.join(cells)}")
    for axis in plan.sweep.axes:
        labels = [str(label) for label in axis.labels[:4]]
        if len(axis) > 5:
            labels += ["...", str(axis.labels[-1])]
        elif len(axis) == 5:
            labels.append(str(axis.labels[4]))
        unit = f" [{axis.unit}]" if axis.unit else ""
        print(f"  {axis.name:<12} {len(axis):>7,} values of {axis.key}{unit}: {', '.join(labels)}")
    print(f"{len(plan.batches)} structure{'s' * (len(plan.batches) != 1)}, "
          f"{len(plan.shards)} shard{'s' * (len(plan.shards) != 1)}, "
          f"{plan.builds} build{'s' * (plan.builds != 1)}")  # fmt: skip
    for batch in plan.batches:
        s = batch.structure
        traces = "" if s.trace_interval is None else ", with traces"
        print(f"  {s.digest}: {_count(batch.points)} of {s.duration:g} s at {s.dt * 1e3:g} ms, "
              f"{' and '.join(s.methods)}{traces}; {batch.engine} engine ({batch.why}), "
              f"shards of {batch.shard_points:,}{', to be built' * batch.build}")  # fmt: skip
    print(f"about {plan.seconds:.1f} s on {plan.workers} worker{'s' * (plan.workers != 1)}, "
          f"about {size(plan.disk)} on disk")  # fmt: skip


def _print_report(report: Report, page: Path | None, sweep: Sweep) -> None:
    if report.computed:
        rate = report.computed / report.seconds
        speed = f" ({rate:,.0f} points/s)" if report.computed > 1 else ""
        engines = " and ".join(report.engines)
        print(f"{_count(report.computed)} in {report.seconds:.1f} s{speed}, {engines}")
    else:
        print(f"all {report.points:,} points were there already")
    path = report.study.path
    print(f"study: {path}/  (dataset.nc, summary.csv, log.jsonl, shards/)")
    if page is not None:
        print(f"report: {page}")
    if report.failed:
        print(f"{report.failed:,} points failed; see {report.study.folder.log}", file=sys.stderr)
    print()
    texts = {axis.name for axis in sweep.axes if axis.labels.dtype == object}
    print(_head(report.study.folder.summary, 9, {*texts, "cell", "neuron_type"}))
    if report.rows > 9:
        print(f"... {report.rows:,} rows in {report.study.folder.summary}")


def _head(path: Path, rows: int, texts: Collection[str]) -> str:
    """Return the first rows of a table, its columns aligned, and as many of them as fit.

    Those at the end, regime and status, come before those in the middle. The columns named `texts`
    are as they are: a choice of the name 1.10 is no number.
    """
    with open(path, newline="", encoding="utf-8") as file:
        file.readline()  # the comment with the units
        lines = [line for line, _ in zip(csv.reader(file), range(rows + 1), strict=False)]
    columns = [
        (name, *(words if name in texts else map(_shown, words)))
        for name, *words in zip(*lines, strict=True)
    ]
    widths = [2 + max(map(len, column)) for column in columns]
    room, last = shutil.get_terminal_size((_WIDTH, 0)).columns, 2
    if sum(widths) > room:
        room -= sum(widths[-last:]) + 5
        fit = sum(total <= room for total in itertools.accumulate(widths[:-last]))
        columns[fit:-last] = [("...",) * len(lines)]
        widths[fit:-last] = [5]
    return "\n".join(
        "".join(word.rjust(width) for word, width in zip(line, widths, strict=True))[2:]
        for line in zip(*columns, strict=True)
    )


def _shown(word: str) -> str:
    if not word:
        return "NaN"
    try:
        return word if word.lstrip("-").isdigit() else f"{float(word):.4g}"
    except ValueError:
        return word
