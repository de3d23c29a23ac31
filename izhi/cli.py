"""The command line: ``izhi run`` and ``izhi plan``."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from izhi.config.sweep import Sweep
    from izhi.study.execute import Report
    from izhi.sweep.plan import Plan

USAGE = """\
izhi explores Izhikevich neurons and Tsodyks-Markram synapses in Brian2, thousands at once.

  izhi run  [-m] OVERRIDES...    run one point, or with -m the product of all sweep values
  izhi plan [-m] OVERRIDES...    what would run: axes, points, structures, shards, time and disk

  izhi run neuron=chattering
  izhi run -m neuron=chattering,resonator 'synapse.U_0=range(0.1,1.0,0.1)' stimulus.amplitude=8,10
  izhi plan -m 'neuron=glob(*)' 'stimulus.amplitude=choice("4 mV","8 mV")'

  izhi run --help        all choices and values        izhi run --cfg job     the composed config
  izhi --version         the version                   izhi run --hydra-help  Hydra's own flags

Quantities have units, in quotes: "stimulus.amplitude='8 mV'"; a bare number has the default's unit.
Exit status: 0 all points done, 1 some failed, 2 wrong input, 130 interrupted.
"""

COMMANDS = ("run", "plan")


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
    command = arguments[0] if arguments else "--help"
    if command in ("-h", "--help", "help"):
        print(USAGE, end="")
        return 0
    if command == "--version":
        from importlib.metadata import version

        print(f"izhi {version('izhi')}")
        return 0
    from izhi.errors import ConfigError, IzhiError, StudyError, did_you_mean

    try:
        if command not in COMMANDS:
            raise ConfigError(f"{command}: no such command{did_you_mean(command, COMMANDS)}")
        return _with_hydra(command, arguments[1:])
    except (ConfigError, StudyError) as error:
        _say_error(error)
        return 2
    except IzhiError as error:
        _say_error(error)
        return 1
    except KeyboardInterrupt as interrupt:
        print("; ".join(["interrupted", *map(str, interrupt.args)]), file=sys.stderr)
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


def _say_error(error: Exception) -> None:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    print(f"error: {' '.join(lines)}", file=sys.stderr)


def _with_hydra(command: str, arguments: list[str]) -> int:
    """Let Hydra read the command line, then run or show what it composed."""
    composed = _compose(command, arguments)
    if composed is None:  # --help, --cfg, --info: Hydra has answered
        return 0
    from izhi.study import execute

    if command == "plan":
        _print_plan(execute.make_plan(composed))
        return 0
    report = execute.execute(composed)
    _print_report(report)
    return 0 if report.failed == 0 else 1


def _compose(command: str, arguments: list[str]) -> Sweep | None:
    """Return the sweep that the arguments compose to; None when Hydra itself answered."""
    import hydra
    from hydra.core.global_hydra import GlobalHydra
    from hydra.core.hydra_config import HydraConfig
    from hydra.errors import HydraException
    from omegaconf import DictConfig
    from omegaconf.errors import OmegaConfBaseException

    from izhi.config.compose import compose_with
    from izhi.config.folder import conf_folder

    caught: list[Any] = []

    def task(composed: Any) -> None:
        if isinstance(composed, DictConfig):  # one point: Hydra composed it, izhi reads it itself
            settings = HydraConfig.get()
            loader = GlobalHydra.instance().config_loader()
            overrides = [*settings.overrides.hydra, *settings.overrides.task]
            if settings.sweeper.get("params"):
                print(f"note: {', '.join(settings.sweeper.params)} would be swept with -m",
                      file=sys.stderr)  # fmt: skip
            name = settings.job.config_name
            try:
                composed = compose_with(loader, overrides, multirun=False, config_name=str(name))
            except Exception as error:
                composed = error
        caught.append(composed)

    before, full = sys.argv, os.environ.get("HYDRA_FULL_ERROR")
    sys.argv = [f"izhi {command}", *arguments]
    os.environ["HYDRA_FULL_ERROR"] = "1"  # let Hydra's errors through, to be said in one line
    try:
        hydra.main(version_base="1.3", config_path=str(conf_folder()), config_name="config")(task)()
    except (HydraException, OmegaConfBaseException) as error:
        raise _explained(error, arguments) from error
    finally:
        sys.argv = before
        os.environ.pop("HYDRA_FULL_ERROR")
        if full is not None:
            os.environ["HYDRA_FULL_ERROR"] = full
    if caught and isinstance(caught[0], Exception):
        raise caught[0]
    if not caught:
        return None
    sweep: Sweep = caught[0]
    return sweep


def _explained(error: Exception, arguments: list[str]) -> Exception:
    """Return an error of Hydra's as izhi's: composing again names the nearest right word."""
    from izhi.config.compose import compose, config_error
    from izhi.errors import ConfigError

    overrides = [a for a in arguments if not a.startswith("-") and ("=" in a or a.startswith("~"))]
    flags = [a for a in arguments if a.startswith("-")]
    multirun = any(flag in ("-m", "--multirun") for flag in flags)
    if not any(flag.startswith(("--config", "-c")) for flag in flags):
        try:
            compose(overrides, multirun=multirun)
        except ConfigError as clearer:
            return clearer
    return config_error(error)


def _print_plan(plan: Plan) -> None:
    from izhi.study.folder import size

    print(f"{plan.points:,} points, {len(plan.cells)} cells each: {' '.join(plan.cells)}")
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
        print(f"  {s.digest}: {batch.points:,} points of {s.duration:g} s at {s.dt * 1e3:g} ms, "
              f"{s.method}{traces}; {batch.engine} engine ({batch.why}), "
              f"{batch.capacity} replicas{', to be built' if batch.build else ''}")  # fmt: skip
    print(f"about {plan.seconds:.1f} s on {plan.workers} worker{'s' * (plan.workers != 1)}, "
          f"about {size(plan.disk)} on disk")  # fmt: skip


def _print_report(report: Report) -> None:
    if report.computed:
        rate = report.computed / report.seconds
        print(f"{report.computed:,} points in {report.seconds:.1f} s ({rate:,.0f} points/s), "
              f"{' and '.join(report.engines)} engine")  # fmt: skip
    else:
        print(f"all {report.points:,} points were there already")
    path = report.study.path
    print(f"study: {path}/  (dataset.nc, summary.csv, log.jsonl, shards/)")
    if report.failed:
        print(f"{report.failed:,} points failed; see {report.study.folder.log}", file=sys.stderr)
    table = report.study.summary()
    print()
    print(table.head(9).to_string(float_format=lambda value: f"{value:.4g}"))
    if len(table) > 9:
        print(f"... {len(table):,} rows in {report.study.folder.summary}")
