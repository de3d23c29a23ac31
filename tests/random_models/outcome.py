"""What becomes of a network: refused, the same everywhere, or a finding."""

from __future__ import annotations

import re
import traceback
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from izhi.engine.result import Raw
from tests.random_models import compare
from tests.random_models.engines import BuildFailed, Case, Engines, Refused, default_replicas
from tests.random_models.networks import Network


@dataclass(frozen=True)
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

    def __str__(self) -> str:
        swept = "".join(f"  {text}\n" for text in self.network.overrides)
        return (
            f"{self.kind}: {self.said}\n{self.network.circuit}{self.network.file}"
            f"replicas: {self.network.replicas}, chosen: {self.network.chosen}\n{swept}"
        )


@dataclass
class Tally:
    """How many there were of everything."""

    networks: int = 0
    models: int = 0
    refused: int = 0
    plain: int = 0
    without_plain: int = 0
    spikes: int = 0
    refusals: Counter[str] = field(default_factory=Counter)
    impossible: Counter[str] = field(default_factory=Counter)


def examine(network: Network, engines: Engines, tally: Tally) -> None:
    """Run a network in all ways, and compare.

    Raises
    ------
    Finding
        For what is not as it should be.
    """
    case = _passed(network, engines, tally)
    if case is None:
        return
    tally.networks += 1
    tally.models += case.network.models
    ours = _tried("numpy", case, lambda: engines.numpy(case))
    tally.spikes += int(ours.count.sum())
    _compare_plain(case, ours, tally)
    _compare_part("numpy, other points", case, ours, lambda rows: engines.numpy(case, rows))
    replicas = case.network.replicas
    if replicas == 24:
        replicas = default_replicas(case)
    real = case.network.chosen % 8 == 1
    program = _tried("build", case, lambda: engines.build(case, replicas, real))
    theirs = _tried("compiled", case, lambda: engines.compiled(case, program))
    _same(f"compiled, {replicas} replicas", case, ours, theirs)
    _compare_part("compiled, other points", case, ours,
                  lambda rows: engines.compiled(case, program, rows))  # fmt: skip
    program.program.unlink()


def _passed(network: Network, engines: Engines, tally: Tally) -> Case | None:
    """Return the part of a network that check passes; None where nothing is left."""
    while network.populations:
        try:
            return engines.prepare(network, confirm=True, whole=network.chosen % 40 == 1)
        except Refused as refused:
            said = refused.checked
            tally.refusals[_kind(said, network)] += 1
            if refused.run != said:
                raise Finding("refused otherwise", f"{said} | {refused.run}", network) from None
            if "\n" in said or len(said) > 2000:
                raise Finding("not a line", said, network) from None
            owner = _owner(said, network)
            tally.refused += owner in network.populations
            if owner is None:
                tally.refused += network.models
                return None
            network = network.without(owner)
        except Exception:
            raise _error("check", network) from None
    return None


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
    said = re.sub(r"'[^']*'|\"[^\"]*\"|‘[^’]*’|\S*/\S*", "'...'", said)
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


_COMMON = frozenset(
    ["neuron", "stimulus", "synapse", "equations", "threshold", "reset", "refractory", "current", "target", "on_pre", "exp", "log", "log10", "log1p", "sqrt", "arcsin", "arccos", "arctan", "tan", "sin", "cos", "sinh", "cosh", "tanh", "expm1", "exprel", "floor", "ceil", "int", "sign", "abs", "clip", "timestep", "volt", "dt", "shared", "over", "constant", "unless", "t", "v", "and", "or", "not", "I", "per_cell", "per_synapse", "method"]
)


def _same(what: str, case: Case, ours: Raw, theirs: Raw) -> None:
    said = compare.difference(case.structure, ours, theirs)
    if said:
        kind = re.sub(r"\d+", "N", what)
        raise Finding(f"differs: numpy against {kind}", f"{what}: {said}", case.network)


def _compare_part(what: str, case: Case, ours: Raw, run: Any) -> None:
    """Run some points in another order, and compare them."""
    if case.points == 1 and case.network.chosen % 3:
        return
    random = np.random.default_rng(case.network.chosen)
    rows = random.permutation(case.points)[: random.integers(1, case.points + 1)]
    theirs = _tried(what, case, lambda: run(rows))
    _same(f"{what} {rows.tolist()}", case, _rows(ours, rows), theirs)


def _rows(raw: Raw, rows: Any) -> Raw:
    """Return the results of some points, in some order."""
    points, cells = raw.count.shape
    ends = np.cumsum(raw.count.sum(axis=1))
    steps = np.split(raw.step, ends[:-1])
    step = np.concatenate([steps[row] for row in rows]) if len(rows) else raw.step[:0]
    return Raw(step, raw.count[rows], raw.sound[rows], {n: v[rows] for n, v in raw.traces.items()})


def _compare_plain(case: Case, ours: Raw, tally: Tally) -> None:
    """Compare a point with a plain network of Brian2's, as far as there is one."""
    from tests.random_models import plain

    populations = plain.comparable(case)
    tally.without_plain += case.network.models - len(populations)
    if not populations:
        return
    point = case.network.chosen % case.points
    try:
        found = plain.PlainPoint(case, point).run(populations)
    except Exception as error:  # Brian2 by itself cannot: nothing to compare with
        tally.impossible[_kind(f"{type(error).__name__}: {_root(error)}", case.network)] += 1
        tally.without_plain += len(populations)
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
