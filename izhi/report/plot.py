"""The command ``izhi plot``, and ``izhi.plot``: a figure of a study, or of what is run for it."""

from __future__ import annotations

import tempfile
from argparse import ArgumentParser, Namespace, RawDescriptionHelpFormatter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from izhi.errors import ConfigError, EngineError, StudyError, did_you_mean

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from izhi.config.sweep import Sweep
    from izhi.study.study import Study

KINDS: Mapping[str, tuple[str, ...]] = {
    "trace": ("cell",),
    "raster": ("cell", "y"),
    "heatmap": ("cell", "of", "x", "y"),
    "fi": ("cell", "of", "x", "y"),
    "phase": ("cell", "input"),
    "gallery": ("cell",),
}
"""By kind, the options that it has beside the width."""

OPTIONS = ("cell", "of", "x", "y", "input")

_OF_TRACES = ("trace", "phase", "gallery")
"""Kinds that need the state of cells over time; others need a study's spikes and statistics."""

_TYPES = ("neuron", "pattern")
"""Axes whose values get a figure each, where a figure has room for one."""

DESCRIPTION = """\
Draw a figure of a study, or of a run that is made for it and leaves nothing behind.

kinds:
  trace     membrane potential above input, each spike up to its peak
  raster    spikes of all cells at a point, or of one cell along an axis: --y AXIS
  heatmap   a statistic over two axes: --of regime --x amplitude --y neuron
  fi        a statistic along an axis of numbers, a line for each value of another
  phase     nullclines, fixed points and trajectory of a neuron with two states
  gallery   small traces for all values of an axis: neuron types, patterns

examples:
  izhi plot neuron=chattering                    izhi_chattering.png
  izhi plot neuron=chattering --kind phase --input '4 mV' -o phase.pdf
  izhi plot 'neuron=glob(*)' circuit=single simulation.duration='250 ms' --kind gallery
  izhi plot '+pattern=glob(*)' --kind gallery -o patterns.svg --width 2
  izhi plot studies/demo U_0=0.5 --kind fi --cell pre0
  izhi plot studies/demo neuron=chattering U_0=0.2,0.5 --kind fi --of burst_rate
  izhi plot studies/demo amplitude='8 mV' --kind heatmap --of regime --cell post0
"""

EPILOG = """\
After a study come labels: one on each axis that the figure has no room for, or several, as in
U_0=0.2,0.5. Of several neuron types (or patterns), trace and phase are a figure each, in files of
their own, izhi_<type>.png or izhi_phase_<type>.png; name no other file then.
"""


def add(parser: ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.formatter_class = RawDescriptionHelpFormatter
    parser.description, parser.epilog = DESCRIPTION, EPILOG
    parser.add_argument("what", nargs="*", metavar="STUDY|OVERRIDES",
                        help="a study's folder and labels on its axes, or what to run")  # fmt: skip
    parser.add_argument("--kind", default="trace", metavar="KIND",
                        help=f"{', '.join(KINDS)} (trace)")  # fmt: skip
    parser.add_argument("-o", "--output", type=Path, metavar="FILE",
                        help="a name that ends in .png, .pdf or .svg; what is there is replaced "
                        "(izhi_<type>.png for a trace, else izhi_<kind>.png)")  # fmt: skip
    for name, text in (
        ("cell", "the cell's label: post0 (the first cell; of a raster, all)"),
        ("of", "the statistic of heatmap and fi (firing_rate)"),
        ("x", "the axis to the right (the one with numbers)"),
        ("y", "the axis upwards; of fi, whose values are lines; of raster, whose values are rows"),
        ("input", "at which input the nullclines are: '4 mV' (before the stimulus, and in it)"),
    ):
        parser.add_argument(f"--{name}", metavar=name.upper(), help=text)
    parser.add_argument("--width", default="1", metavar="COLUMNS",
                        help="1, 1.5 or 2 columns: 85, 114 or 174 mm (1; gallery: 2)")  # fmt: skip
    parser.add_argument("--config-dir", type=Path, metavar="FOLDER", help="more configs")
    parser.add_argument("-m", "--multirun", action="store_true",
                        help="as for izhi run; not needed")  # fmt: skip
    parser.set_defaults(width=None)


def run(given: Namespace) -> int:
    """Draw what the arguments ask for, and print which files that are."""
    style = _style()
    if given.output is not None:
        style.check_target(given.output)
    options = {name: value for name in OPTIONS if (value := getattr(given, name)) is not None}
    options |= {} if given.width is None else {"width": _columns(given.width)}
    what, labels = _meant(given.what, given.config_dir)
    _check(given.kind, options)
    for path in _drawn(what, given.kind, {**options, **labels}, given.output):
        print(path)
    return 0


def _drawn(
    what: Study | Sweep, kind: str, options: Mapping[str, Any], output: Path | None
) -> Iterator[Path]:
    """Draw figures, and give the files that they were written to."""
    style = _style()
    each = _each(what, kind, options)
    if output is not None and len(each) > 1:
        raise ConfigError(
            f"{output}: {len(each)} figures do not go into one file; without -o they have a file "
            "each, and --kind gallery is one figure"
        )
    for own in each:
        figure = draw(what, kind, own)
        yield style.save(figure, output or _name(kind, figure.get_label(), len(each) > 1))


def _name(kind: str, label: object, several: bool) -> Path:
    """Return the name of a figure's file, in the working folder."""
    parts = {"trace": (label,), "phase": ("phase", label) if several else ("phase",)}
    return Path("_".join(["izhi", *map(str, parts.get(kind, (kind,)))]).replace("/", "_") + ".png")


def _each(what: Study | Sweep, kind: str, options: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the options of each figure: of trace and phase, one for each neuron type."""
    if kind not in ("trace", "phase"):
        return [dict(options)]
    from izhi.report.figures import places

    sweep = places.sweep_of(what)
    labels = {name: value for name, value in options.items() if name not in (*OPTIONS, "width")}
    chosen = places.of(sweep, labels)
    types = next((n for n in places.open_axes(sweep, chosen) if n in _TYPES), None)
    places.unspread(sweep, chosen, types)
    for axis, at in zip(sweep.axes, chosen, strict=True):
        if axis.name == types:
            return [{**options, types: str(axis.labels[n])} for n in at]
    return [dict(options)]


def draw(what: Study | Sweep, kind: str, options: Mapping[str, Any]) -> Figure:
    """Return a figure.

    Parameters
    ----------
    what
        A study; or a sweep, of which what is needed is run.
    kind
        One of `KINDS`.
    options
        Those of the kind, the width, and labels by axis; see :mod:`izhi.report.figures`.

    Raises
    ------
    ConfigError
        When there is no such kind, it has no such option, or matplotlib is not installed.
    """
    _check(kind, options)
    _style()
    from izhi.report import figures

    functions: Mapping[str, Any] = vars(figures)
    with _with_results(what, kind) as source:
        figure: Figure = functions[kind](source, **options)
    return figure


def _check(kind: str, options: Mapping[str, Any]) -> None:
    if kind not in KINDS:
        raise ConfigError(f"kind = {kind}: no such kind{did_you_mean(kind, KINDS)}")
    for name in OPTIONS:
        if name in options and name not in KINDS[kind]:
            raise ConfigError(f"{name} = {options[name]}: not for kind {kind}, which has "
                              f"{', '.join(KINDS[kind])}")  # fmt: skip


@contextmanager
def _with_results(what: Study | Sweep, kind: str) -> Iterator[Study | Sweep]:
    """Give what a kind of figure is drawn of: a study that lasts as long as that, if need be."""
    from izhi.config.sweep import Sweep
    from izhi.study import execute

    if not isinstance(what, Sweep) or kind in _OF_TRACES:
        yield what
        return
    with tempfile.TemporaryDirectory(prefix="izhi-") as folder:
        report = execute.execute(_moved(what, folder))
        if report.failed == report.points:
            raise EngineError(f"all {report.points} points failed; the first: {report.first_error}")
        try:
            yield report.study
        finally:
            report.study.close()


def _moved(sweep: Sweep, folder: str) -> Sweep:
    """Return a sweep whose study goes into a folder, and is nothing but its dataset."""
    from dataclasses import replace

    changed = {"study.dir": folder, "study.name": "plot"}
    return replace(sweep, bases=tuple(
        replace(base, values={**base.values, **changed}) for base in sweep.bases))  # fmt: skip


def meant(what: Study | Path | str | Sequence[str], config_dir: Path | str | None) -> Study | Sweep:
    """Return the study of a folder, or the sweep of overrides."""
    from izhi.study.study import Study

    if isinstance(what, Study):
        return what
    words = [str(what)] if isinstance(what, Path | str) else list(what)
    found, labels = _meant(words, config_dir)
    if labels:
        raise ConfigError(f"{' '.join(words[1:])}: give labels by name, after the kind")
    return found


def _meant(
    words: Sequence[str], config_dir: Path | str | None
) -> tuple[Study | Sweep, dict[str, Any]]:
    """Return a study and labels, or a sweep and none."""
    from izhi.config.compose import compose
    from izhi.study.study import Study

    if not words or not _is_study(words[0]):
        return compose(list(words), config_dir=config_dir), {}
    return Study(words[0]), dict(map(_label, words[1:]))


def _is_study(word: str) -> bool:
    return ("=" not in word and word[:1] != "~") or (Path(word) / "dataset.nc").is_file()


def _label(word: str) -> tuple[str, Any]:
    name, equals, value = word.partition("=")
    if not equals or not name or not value:
        raise StudyError(f"{word}: expected a label on an axis, such as neuron=chattering")
    if name in (*OPTIONS, "width"):
        raise StudyError(f"{word}: no axis; write --{name} {value}")
    several = [part.strip() for part in value.split(",")]
    return name, several if len(several) > 1 else value


def _columns(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ConfigError(f"width = {text}: expected 1, 1.5 or 2 columns") from None


def _style() -> Any:
    """Return the module of styles; it is the first to need matplotlib."""
    try:
        from izhi.report.figures import style
    except ImportError as error:
        if (error.name or "").partition(".")[0] not in ("matplotlib", "contourpy"):
            raise
        raise ConfigError(
            "plot: matplotlib is not installed; pip install 'izhi[plot]' gets it"
        ) from None
    return style
