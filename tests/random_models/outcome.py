"""What becomes of a network: refused, the same everywhere, or a finding."""

from __future__ import annotations

import re
import shutil
import traceback
from collections import Counter
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np

from izhi.engine.result import Raw
from izhi.portable import FUNCTIONS
from tests.programs import BuildFailed
from tests.random_models import compare
from tests.random_models.engines import Case, Engines, Refused, default_replicas
from tests.random_models.networks import Network, stimuli_of


@dataclass(eq=False)
class Finding(Exception):
    """Something that is not as it should be.

    Attributes
    ----------
    kind
        What it is, without names and numbers: findings of one kind have one cause, most likely.
    said
        The difference or the error, in a line.
    network
        The network.
    """

    kind: str
    said: str
    network: Network

    def __reduce__(self) -> tuple[Any, ...]:
        return Finding, (self.kind, self.said, self.network)

    def __str__(self) -> str:
        swept = "".join(f"  {text}\n" for text in self.network.overrides)
        return (
            f"{self.kind}: {self.said}\n{self.network.circuit}{self.network.file}"
            f"replicas: {self.network.replicas}, chosen: {self.network.chosen}\n{swept}"
        )


@dataclass
class Tally:
    """How many there were of everything.

    A model is a neuron, a stimulus or a synapse of a network's own.
    """

    networks: int = 0
    neurons: int = 0
    stimuli: int = 0
    synapses: int = 0
    points: int = 0
    spikes: int = 0
    plain: int = 0
    refusals: Counter[str] = field(default_factory=Counter)
    impossible: Counter[str] = field(default_factory=Counter)

    @property
    def models(self) -> int:
        """Return how many models ran."""
        return self.neurons + self.stimuli + self.synapses

    @property
    def refused(self) -> int:
        """Return how many models, or networks, check refused."""
        return self.refusals.total()

    def count(self, case: Case, spikes: int) -> None:
        """Count a network that ran."""
        populations = case.network.populations.values()
        self.networks += 1
        self.neurons += len(populations)
        self.stimuli += sum(len(stimuli_of(p.get("stimulus", {}))) for p in populations)
        self.synapses += len(case.network.projections)
        self.points += case.points
        self.spikes += spikes

    def add(self, other: Tally) -> None:
        """Count what another counted, too."""
        for name in (f.name for f in fields(self)):
            setattr(self, name, getattr(self, name) + getattr(other, name))

    def __str__(self) -> str:
        return (
            f"{self.networks} networks of {self.models} models ({self.neurons} neurons, of which "
            f"{self.plain} in plain Brian2, {self.stimuli} stimuli, {self.synapses} synapses), "
            f"{self.points} points, {self.spikes} spikes, {self.refused} refused"
        )

    def refusals_text(self) -> str:
        """Return what was refused, most frequent first, and what Brian2 by itself could not do."""
        lines = [f"{n:6} refused: {said}" for said, n in self.refusals.most_common(40)]
        lines += [
            f"{n:6} not in plain Brian2: {said}" for said, n in self.impossible.most_common(20)
        ]
        return "\n".join(lines)


def examine(network: Network, engines: Engines, tally: Tally) -> None:
    """Run a network in all ways, and compare.

    Raises
    ------
    Finding
        For what is not as it should be.
    """
    passed = _passed(network, engines, tally)
    if passed is None:
        return
    case, ours = passed
    tally.count(case, int(ours.count.sum()))
    _compare_plain(case, ours, tally)
    _compare_part("numpy, other points", case, ours, lambda rows: engines.numpy(case, rows))
    replicas = case.network.replicas
    if replicas == 24:
        replicas = default_replicas(case)
    program = _tried("build", case, lambda: engines.build(case, replicas, case.network.chosen))
    theirs = _tried("compiled", case, lambda: engines.compiled(case, program))
    _same(f"compiled, {replicas} replicas", case, ours, theirs)
    _compare_part("compiled, other points", case, ours,
                  lambda rows: engines.compiled(case, program, rows))  # fmt: skip
    shutil.rmtree(program.program.parent)


def _passed(network: Network, engines: Engines, tally: Tally) -> tuple[Case, Raw] | None:
    """Return the part of a network that check passes, and its results; None where none is left."""
    while network.populations:
        try:
            case = engines.prepare(network, confirm=True, whole=network.chosen % 40 == 1)
            return case, _simulated(case, engines)
        except Finding:
            raise
        except Refused as refused:
            said = refused.checked
            tally.refusals[_kind(said, network)] += 1
            if refused.run != said:
                raise Finding("refused otherwise", f"{said} | {refused.run}", network) from None
            if "\n" in said or len(said) > 2000:
                raise Finding("not a line", said, network) from None
            owner = _owner(said, network)
            if owner is None:
                return None
            network = network.without(owner)
        except Exception:
            raise _error("check", network) from None
    return None


def _simulated(case: Case, engines: Engines) -> Raw:
    """Return what the numpy engine finds; where it fails, check has to say so beforehand."""
    try:
        return engines.numpy(case)
    except Exception:
        finding = _error("numpy", case.network)
    engines.tried(case)
    raise finding


def _owner(said: str, network: Network) -> str | None:
    """Return the population or projection that an error is about."""
    named = [name for name in re.findall(r"\w+", said)
             if name in network.populations or name in network.projections]  # fmt: skip
    return named[0] if named else None


def _tried(what: str, case: Case, run: Any) -> Any:
    try:
        return run()
    except Exception:
        raise _error(what, case.network) from None


def _error(what: str, network: Network) -> Finding:
    import sys

    error = sys.exc_info()[1]
    said = " ".join(str(error).split()) or type(error).__name__
    last = traceback.extract_tb(error.__traceback__)[-1]
    place = "" if isinstance(error, BuildFailed) else f" at {last.name}"
    kind = f"{what} fails: {type(error).__name__}{place}: {_kind(_root(error), network)}"
    return Finding(kind, f"{type(error).__name__}: {said[:600]}", network)


def _root(error: BaseException | None) -> str:
    while error is not None and error.__cause__ is not None:
        error = error.__cause__
    return " ".join(str(error).split())


def _kind(said: str, network: Network) -> str:
    """Return a text without what is of this network alone."""
    said = re.sub(r"'[^']*'|\"[^\"]*\"|\S*/\S*", "'...'", said)
    said = re.sub(r"[-+]?\d[\d.,e+-]*", "0", said)
    names = sorted(_every_name(network), key=len, reverse=True)
    if names:
        said = re.sub(rf"\b(?:{'|'.join(map(re.escape, names))})\w*", "X", said)
    return said[:160]


def _every_name(network: Network) -> set[str]:
    found = {*network.populations, *network.projections}
    for part in (*network.populations.values(), *network.projections.values()):
        found |= {word for word in re.findall(r"[A-Za-z_]\w*", str(part)) if word not in _COMMON}
    return found


_COMMON = frozenset([
    *FUNCTIONS, "neuron", "stimulus", "synapse", "equations", "threshold", "reset", "refractory",
    "current", "target", "on_pre", "volt", "dt", "shared", "over", "constant", "unless", "t", "v",
    "and", "or", "not", "I", "per_cell", "per_synapse", "method", "with", "the", "of", "for", "is",
    "to", "in", "a", "an", "simulation", "types", "takes", "but", "defined", "variable", "object",
])  # fmt: skip
"""Words of messages and configs: a name that is one of them stays where findings are sorted."""


def _same(what: str, case: Case, ours: Raw, theirs: Raw) -> None:
    said = compare.difference(case.structure, ours, theirs)
    if said:
        kind = re.sub(r"\d+", "N", what)
        raise Finding(f"differs: numpy against {kind}", f"{what}: {said}", case.network)


def _compare_part(what: str, case: Case, ours: Raw, run: Any) -> None:
    """Run some points in another order, and compare them."""
    if what.startswith("numpy") and case.network.chosen % 4:
        return
    random = np.random.default_rng(case.network.chosen)
    rows = random.permutation(case.points)[: random.integers(1, case.points + 1)]
    theirs = _tried(what, case, lambda: run(rows))
    _same(f"{what} {rows.tolist()}", case, _rows(ours, rows), theirs)


def _rows(raw: Raw, rows: Any) -> Raw:
    """Return the results of some points, in some order."""
    ends = np.cumsum(raw.count.sum(axis=1))
    steps = np.split(raw.step, ends[:-1])
    step = np.concatenate([steps[row] for row in rows]) if len(rows) else raw.step[:0]
    return Raw(step, raw.count[rows], raw.sound[rows], {n: v[rows] for n, v in raw.traces.items()})


def _compare_plain(case: Case, ours: Raw, tally: Tally) -> None:
    """Compare a point with a plain network of Brian2's, as far as there is one."""
    from tests.random_models import plain

    populations = plain.comparable(case)
    if not populations:
        return
    point = case.network.chosen % case.points
    try:
        found = plain.PlainPoint(case, point).run(populations)
    except Exception as error:  # Brian2 by itself cannot: nothing to compare with
        if traceback.extract_tb(error.__traceback__)[-1].filename == plain.__file__:
            raise
        tally.impossible[_kind(f"{type(error).__name__}: {_root(error)}", case.network)] += 1
        return
    tally.plain += len(populations)
    labels = case.structure.circuit.cells
    trains = np.split(ours.step, np.cumsum(ours.count.ravel())[:-1])
    for label, cell in found.items():
        number = labels.index(label)
        said = None
        for name, values in cell.traces.items():
            own = ours.traces[name][point, number]
            different = ~compare.same_bits(own, values)
            if different.any():
                step = int(np.argmax(different))
                if said is None or step < said[0]:
                    said = step, f"step {step}: {name} is {own[step]!r}, {values[step]!r}"
        if said is None and not np.array_equal(trains[point * len(labels) + number], cell.steps):
            own = trains[point * len(labels) + number]
            said = 0, f"spikes at {own[:5]}, {cell.steps[:5]} (of {len(own)}, {len(cell.steps)})"
        if said:
            text = f"point {point}, {label}, {said[1]}"
            raise Finding("differs: numpy against plain Brian2", text, case.network)
