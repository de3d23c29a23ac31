"""Deliberate mistakes in the optimisations, which random models have to find.

``python -m tests.random_models.mutations`` makes them one by one in a copy of izhi, and says how
many networks were needed to find each.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
COPIED = ("izhi", "conf", "hydra_plugins", "tests/random_models")

MOST_NETWORKS = 400

_PROGRAM = "izhi/engine/templates/program.cpp"


@dataclass(frozen=True)
class Mutation:
    """A mistake.

    Attributes
    ----------
    optimisation
        What it is a mistake in: most are rows of the table of docs/design.md.
    file
        Where it is made.
    old, new
        The text that stands there once, and what takes its place.
    """

    optimisation: str
    file: str
    old: str
    new: str


MUTATIONS = (
    Mutation(
        "a block of replicas goes through all steps before the next block: its state begins anew",
        _PROGRAM, "std::memset({{array.name}}, 0,", "if (!from) std::memset({{array.name}}, 0,",
    ),
    Mutation(
        "a block of replicas: the last one is filled up with its last point",
        _PROGRAM, "output.add(order + from, (int)std::min<int64_t>(replicas, points - from));",
        "output.add(order + from, (int)std::min<int64_t>(replicas, points - from - (from > 0)));",
    ),
    Mutation(
        "one file, with constants compiled in",
        "izhi/engine/device.py", "renderer.render_expr(repr(var.value))",
        "renderer.render_expr(f'{float(var.value):.1g}')",
    ),
    Mutation(
        "state update and threshold on 64 cells at a time: the cells that are left over",
        "izhi/engine/schedule.py", 'f"{name}::run({whole}, {cells[group]});"',
        'f"{name}::run({whole}, {cells[group] - (whole > 0)});"',
    ),
    Mutation(
        "a word of 64 bits says which cells spike",
        _PROGRAM, "byte < 64; byte += 8", "byte < 56; byte += 8",
    ),
    Mutation(
        "points whose driven cells are alike stand together",
        _PROGRAM, "begins[order[r]] = before", "begins[r] = before",
    ),
    Mutation(
        "a synapse's number follows from its replica",
        _PROGRAM, "function(replica * synapses + k);\n}\n{% endif %}",
        "function(k);\n}\n{% endif %}",
    ),
    Mutation(
        "a queue only where there are delays",
        "izhi/engine/templates/synapses_push_spikes.cpp", "step + delay_steps[synapse]",
        "step + delay_steps[synapse] + (delay_steps[synapse] > 20)",
    ),
    Mutation(
        "steps, sorted by train for each block",
        _PROGRAM, "times[before + next[spike.train]++]",
        "times[before + next[spike.train + 1] - 1]",
    ),
    Mutation(
        "a stimulus only in the steps where it changes: recurrences",
        "izhi/engine/compiled.py",
        "found += [r.steps(given, structure.dt, structure.steps) for r in wave.recurrences]",
        "pass",
    ),
    Mutation(
        "a stimulus only in the steps where it changes: what it needs beforehand (W1)",
        "izhi/engine/schedule.py", 'f"{{ {run[0].name}::before(); {call} }}"',
        'f"{{ {call} {run[0].name}::before(); }}"',
    ),
    Mutation(
        "a stimulus only in the steps where it changes: what else is constant over a step (W2)",
        "izhi/engine/device.py", "code.name.startswith(DRIVE_UPDATE)",
        '(code.name.startswith(DRIVE_UPDATE) or "_subexpression_update" in code.name)',
    ),
    Mutation(
        "a stimulus only in the steps where it changes: how much later a floor takes the time",
        "izhi/models/waveform.py", 'f"{_TIME} + {_NEARLY}*{_DT}"', 'f"{_TIME} + 2*{_NEARLY}*{_DT}"',
    ),
    Mutation(
        "with all that follows from parameters alone",
        "izhi/engine/shared.py",
        "and not (variable.constant or (name == _DRIVE and getattr(variable, _MARK, False)))",
        "and not (name.startswith('x') or variable.constant or getattr(variable, _MARK, False))",
    ),
    Mutation(
        "values on stdin, a shard at a time",
        _PROGRAM, "row[columns == 1 ? 0 : k]", "row[0]",
    ),
    Mutation(
        "values on stdin: one for all points, or one for each",
        _PROGRAM, "(rows == 1 ? 0 : point * columns)", "(rows == 1 ? 0 : point / 2 * columns)",
    ),
    Mutation(
        "spikes are followed one by one where that changes no result",
        "izhi/engine/schedule.py", "    if not _independent(codes):", "    if False:",
    ),
    Mutation(
        "synapses are handled together, in numpy, where their order changes no result",
        "izhi/engine/shared.py", "= _commute(statements, variable_indices)", "= True",
    ),
    Mutation(
        "what is one number for a replica is ordered as in a script",
        "izhi/engine/shared.py", "    setattr(group.variables[name], _MARK, True)", "    pass",
    ),
    Mutation(
        "powers are products in one order",
        "izhi/portable.py", "return n % 2 ? part * x : part * part;",
        "return n % 2 ? x * part : part * part * (1.0 + 2.220446049250313e-16);",
    ),
    Mutation(
        "flags split expressions on both engines alike",
        _PROGRAM, "return condition ? one : other;", "return condition * one + !condition * other;",
    ),
    Mutation(
        "names of users never meet generated code",
        "izhi/engine/names.py", "return name if name in _OF_BRIAN else name + _SUFFIX",
        "return name",
    ),
)  # fmt: skip


def main() -> int:
    """Print how each mutation was found; return the number of those that were not."""
    missed = 0
    for mutation in MUTATIONS:
        networks, kind = found(mutation)
        missed += not kind
        print(f"| {mutation.optimisation} | {networks} | {kind or 'NOT FOUND'} |", flush=True)
    return missed


def found(mutation: Mutation, networks: int = MOST_NETWORKS) -> tuple[int, str]:
    """Return how many networks were examined until a mutation was found, and as what.

    Parameters
    ----------
    mutation
        The mistake.
    networks
        How many are examined at most.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for part in COPIED:
            shutil.copytree(
                ROOT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__")
            )
        shutil.copy(ROOT / "tests/programs.py", folder / "tests")
        make(mutation, folder)
        done = subprocess.run(
            [sys.executable, "-c", _SEARCH, str(networks)], cwd=folder, capture_output=True,
            text=True, check=True,
        )  # fmt: skip
    count, _, kind = done.stdout.strip().splitlines()[-1].partition(" ")
    return int(count), kind


def make(mutation: Mutation, folder: Path) -> None:
    """Make a mistake in a copy of izhi.

    Raises
    ------
    ValueError
        Where its place is not what it was.
    """
    file = folder / mutation.file
    text = file.read_text()
    if text.count(mutation.old) != 1:
        raise ValueError(f"{mutation.file}: {mutation.old}: expected once")
    file.write_text(text.replace(mutation.old, mutation.new))


_SEARCH = """
import sys
from tests.random_models import blocks
networks = 0
for number in range(1000, 100000):
    tally, finding = blocks.run(number, 6, shrink=False)
    networks += tally.networks
    if finding is not None or networks >= int(sys.argv[1]):
        break
print(networks, finding.kind if finding else "")
"""

if __name__ == "__main__":
    sys.exit(main())
