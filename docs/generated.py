"""What the reference says of the program is read off the program: it cannot be out of date.

In a page, a block ``{generated} commands`` stands for the Markdown that a function of this module
returns: `commands`, `statistics`, or `configs` with the name of a group.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.util.docutils import SphinxDirective

from izhi import cli, commands, units
from izhi.config.keys import ChoiceKey, CountKey, FreeKey, QuantityKey, key_of
from izhi.errors import ConfigError
from izhi.spikes.summary import STATISTICS

ROOT = Path(__file__).resolve().parents[1]
CONF = ROOT / "conf"

TEXTS = ("equations", "threshold", "reset", "on_pre", "target", "current", "defaults")
"""Keys of models that are shown as they stand in the file."""


def all_commands() -> list[str]:
    """Return the names of all commands, in the order of ``izhi --help``."""
    known = {*cli.COMMANDS, "converge", *commands.COMMANDS}
    named = re.findall(r"^  izhi (\w+) ", cli.USAGE, re.MULTILINE)
    return [*(n for n in dict.fromkeys(named) if n in known), *sorted(known - set(named))]


def help_of(*command: str) -> str:
    """Return what ``izhi COMMAND --help`` prints."""
    printed = io.StringIO()
    before = os.environ.get("COLUMNS")
    os.environ["COLUMNS"] = "96"
    try:
        with contextlib.redirect_stdout(printed):
            status = cli.main([*command, "--help"])
    finally:
        del os.environ["COLUMNS"]
        if before is not None:
            os.environ["COLUMNS"] = before
    if status != 0:
        raise RuntimeError(f"izhi {' '.join(command)} --help ended with {status}")
    return printed.getvalue().rstrip()


def commands_page() -> str:
    """Return what each command prints when asked for help."""
    by_text: dict[str, list[str]] = {help_of(): ["izhi"]}
    for name in all_commands():  # run, plan, check and converge take the same, and say the same
        by_text.setdefault(help_of(name), []).append(f"izhi {name}")
    return "\n".join(
        f"## {', '.join(f'`{name}`' for name in names)}\n\n```text\n{text}\n```\n"
        for text, names in by_text.items()
    )


def statistics_page() -> str:
    """Return a table of the statistics of a dataset for each kind of thing that has them."""
    parts = []
    for per, title in (("cell", "Of cells"), ("projection", "Of synapses")):
        parts += [f"## {title}\n", "| variable | unit | what it is |", "| --- | --- | --- |"]
        for name, what in STATISTICS.items():
            if what.per == per:
                words = f" One of: {', '.join(what.words)}." if what.words else ""
                text = f"{what.long_name}. {what.comment}{words}"
                parts.append(f"| `{name}` | {what.units} | {_in_table(text)} |")
        parts.append("")
    return "\n".join(parts)


@dataclass
class Row:
    """A key of a config file: its name, what stands behind it, and the remark beside it."""

    name: str
    value: str
    remark: str


@dataclass
class ConfigFile:
    """What a config file says: what it is, from where, its keys, and texts such as equations."""

    choice: str
    about: str = ""
    source: str = ""
    based_on: list[str] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    texts: str = ""


_ROW = re.compile(r"(\w+):[ ]+([^|{\[#\s](?:[^#]*[^#\s])?)(?:\s+#\s*(.*))?$")
_REMARK = re.compile(r"\s+#\s*(.*)$")


def read_config(path: Path, choice: str) -> ConfigFile:
    """Read a config file by its lines, because what counts here are its remarks."""
    lines = path.read_text(encoding="utf-8").splitlines()
    head = [line for line in lines[: _length_of_head(lines)] if "@package" not in line]
    about, _, source = "\n".join(line.removeprefix("#") for line in head).partition(" Source:")
    found = ConfigFile(choice, _as_markdown(about), " ".join(source.split()))
    rest, texts = lines[_length_of_head(lines) :], []
    for line in rest:
        row = _ROW.fullmatch(line)
        if line.startswith("defaults: "):
            found.based_on = _based_on(line)
        elif row and row[1] not in TEXTS:
            found.rows.append(Row(row[1], row[2], row[3] or ""))
        elif (remark := _REMARK.fullmatch(line)) and found.rows and not texts:
            found.rows[-1].remark += f" {remark[1]}"
        elif line.strip():
            texts.append(line)
    found.texts = "\n".join(texts)
    return found


def _length_of_head(lines: list[str]) -> int:
    return next((n for n, line in enumerate(lines) if not line.startswith("#")), len(lines))


def _as_markdown(about: str) -> str:
    """Return a remark at the head of a file as Markdown; what is indented in it is a command."""
    lines = []
    for line in about.splitlines():
        indented = line.startswith("   ")
        lines.append(f"\n```text\n{line.strip()}\n```\n" if indented else line.strip())
    return "\n".join(lines).replace("```\n\n\n```text\n", "").strip()


def _based_on(line: str) -> list[str]:
    names = re.findall(r"/?([\w/]+)(?:@\w+)?", line.partition("[")[2])
    return [name for name in names if name != "_self_"]


def groups() -> list[str]:
    """Return the names of all groups of choices."""
    return sorted(path.name for path in CONF.iterdir() if path.is_dir())


def choices(group: str) -> list[ConfigFile]:
    """Return what the files of a group say, the files of its own folder first."""
    paths = sorted((CONF / group).rglob("*.yaml"), key=lambda p: (len(p.parts), p))
    return [
        read_config(path, str(path.relative_to(CONF / group).with_suffix(""))) for path in paths
    ]


def configs_page(group: str) -> str:
    """Return what every choice of a group is, with its keys, their values and units."""
    return "\n\n".join("\n\n".join(_choice(group, one)) for one in choices(group))


def _choice(group: str, one: ConfigFile) -> Iterator[str]:
    sign = "+" if group in ("pattern", "experiment") else ""
    yield f"## `{sign}{group}={one.choice}`"
    yield one.about
    if one.rows:
        lines = ["| key | value | unit | what it is |", "| --- | --- | --- | --- |"]
        yield "\n".join([*lines, *(_row(group, row) for row in one.rows)])
    if one.based_on:
        yield f"Other keys: those of {', '.join(f'`{name}`' for name in one.based_on)}."
    if one.texts:
        yield f"```yaml\n{one.texts}\n```"
    if one.source:
        yield f"Source: {one.source}"


def _row(group: str, row: Row) -> str:
    name = f"{group}.{row.name}"
    value, unit = _number_and_unit(row.value)
    remark = "; ".join(filter(None, [row.remark, _bound(name, row.remark)]))
    return f"| `{name}` | `{value}` | {unit} | {_in_table(remark)} |"


def _number_and_unit(value: str) -> tuple[str, str]:
    try:
        quantity = units.parse(value)
    except ConfigError:
        return value.strip('"'), ""
    written = re.match(r"[-+.\d]+(e[-+]?\d+)?", value)  # with the digits that the file has
    return written[0] if written else value, quantity.unit or "1"


def _bound(name: str, remark: str) -> str:
    """Return what values a key takes, where neither its dimension nor the remark beside it says."""
    key = key_of(name)
    if isinstance(key, QuantityKey | CountKey):
        return key.rule
    if isinstance(key, ChoiceKey) and not all(option in remark for option in key.options):
        return "one of " + ", ".join(f"`{option}`" for option in key.options)
    return key.expected if isinstance(key, FreeKey) and not remark else ""


def _in_table(text: str) -> str:
    return text.replace("|", "\\|").replace("*", "\\*")


class Generated(SphinxDirective):
    """``{generated} NAME [ARGUMENT]``: the Markdown of a function of this module."""

    required_arguments = 1
    optional_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Return it as nodes."""
        name, *arguments = self.arguments
        page = {"commands": commands_page, "statistics": statistics_page, "configs": configs_page}
        text = page[name](*arguments)
        return self.parse_text_to_nodes(text, allow_section_headings=True)


def notebooks() -> None:
    """Run the notebooks of ``analysis/`` where they lie; leave them with results for the build.

    One whose copy is newer than all of ``analysis/`` is not run again.
    """
    import nbformat
    from nbclient import NotebookClient

    target = ROOT / "docs" / "notebooks"
    target.mkdir(exist_ok=True)
    sources = sorted((ROOT / "analysis").glob("*.ipynb"))
    newest = max(p.stat().st_mtime for p in (ROOT / "analysis").rglob("*") if p.is_file())
    for source in sources:
        copy = target / source.name
        if copy.is_file() and copy.stat().st_mtime > newest:
            continue
        notebook = nbformat.read(source, as_version=4)
        where = {"metadata": {"path": str(source.parent)}}
        NotebookClient(
            notebook,
            kernel_name="python3",
            timeout=300,
            resources=where,
            extra_arguments=["--log-level=ERROR"],  # not one on how it is connected, for each
        ).execute()
        nbformat.write(notebook, copy)


def setup(app: Any) -> None:
    """Register the directive, and run the notebooks."""
    app.add_directive("generated", Generated)
    notebooks()
