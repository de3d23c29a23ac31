"""The numpy engine: a folded network in Brian2's runtime. Needs no compiler."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from unittest import mock

import numpy as np
from numpy.typing import NDArray

from izhi import children, interrupts, matplotlibrc
from izhi.engine import network, preferences
from izhi.engine.names import mangled
from izhi.engine.result import Raw, fold_back
from izhi.models import recording
from izhi.models.assembly import ESCAPES
from izhi.models.located import SINCE
from izhi.models.trains import CELLS, FIRST
from izhi.silence import warnings_ignored
from izhi.sweep import drawn
from izhi.sweep.plan import FIRST_OF, TARGET
from izhi.sweep.structures import Structure

_ALONE = threading.RLock()
"""Held by the thread that uses Brian2: its device, preferences and clock are the process's."""

_RECURSION = 5_000
"""Calls inside one another that Brian2 may make: 5 or so for each operator inside another."""


@contextlib.contextmanager
def quiet_brian() -> Iterator[Any]:
    """Give Brian2 to this thread alone, without the hooks and the files that its import leaves."""
    with _ALONE, warnings_ignored():
        if "brian2" not in sys.modules:
            _import_brian()
        with _own_settings() as brian2:
            yield brian2


def _import_brian() -> None:
    hooks = sys.excepthook, warnings.showwarning
    # Brian2 runs the program `file` to learn the architecture
    with (
        _no_handlers(),
        preferences.without_files(),
        children.started_safely(),
        matplotlibrc.unread(),
    ):
        import brian2  # noqa: F401
    _remove_log_files()
    logging.getLogger("brian2").setLevel(logging.ERROR)  # also of what is removed after a run
    sys.excepthook, warnings.showwarning = hooks


@contextlib.contextmanager
def _no_handlers() -> Iterator[None]:
    """Keep this thread from setting handlers of signals, which only the main thread can do."""
    here, set_handler = threading.get_ident(), signal.signal

    def signal_of_others(number: int, handler: Any) -> Any:
        return None if threading.get_ident() == here else set_handler(number, handler)

    with mock.patch("signal.signal", signal_of_others):
        yield


@contextlib.contextmanager
def _own_settings() -> Iterator[Any]:
    """Give Brian2 with the preferences that izhi needs, and leave those of before."""
    import brian2

    from izhi.engine.target import PortableNumpy

    log = logging.getLogger("brian2")
    level = log.level
    log.setLevel(logging.ERROR)
    recursion = sys.getrecursionlimit()
    sys.setrecursionlimit(max(recursion, _RECURSION))
    try:
        # Brian2 would end a run where it is, as if that were all, and half a result be stored
        with preferences.pinned(
            codegen__target=PortableNumpy.class_name, core__stop_on_keyboard_interrupt=False
        ):
            yield brian2
    finally:
        sys.setrecursionlimit(recursion)
        log.setLevel(level)


def _remove_log_files() -> None:
    """Remove Brian2's own log and its copy of the main script: a killed process leaves them."""
    from brian2.utils.logger import BrianLogger

    handler = BrianLogger.file_handler
    if handler is not None:
        logging.getLogger("brian2").removeHandler(handler)
        handler.close()
    for name in (BrianLogger.tmp_log, BrianLogger.tmp_script):
        if name is not None:
            with contextlib.suppress(OSError):
                os.remove(name)
    BrianLogger.file_handler = BrianLogger.tmp_log = BrianLogger.tmp_script = None


def simulate(structure: Structure, parameters: dict[str, NDArray[Any]], n_points: int) -> Raw:
    """Simulate points as one network in this process.

    Parameters
    ----------
    structure
        What is simulated.
    parameters
        One SI value per point, or one for all; see :func:`izhi.sweep.plan.parameters`.
    n_points
        Number of points.
    """
    with quiet_brian() as b2, np.errstate(all="ignore"):
        connected = _connected(structure, parameters, n_points)
        folded = network.build(structure, n_points, {n: c.ends for n, c in connected.items()})
        objects = {obj.name: obj for obj in (*folded.cells.values(), *folded.synapses.values())}
        for given in network.variables(structure):
            owner, variable = given.name.split(".")
            if owner not in objects:  # no synapse in any point
                continue
            values = parameters[given.parameter]
            values = values.reshape(len(values), -1)
            there = connected.get(given.parameter.split(".")[0]) if given.each == 0 else None
            if there is None:
                values = np.broadcast_to(values, (n_points, given.each)).ravel()
            else:
                values = np.broadcast_to(values, there.present.shape)[there.present]
            if variable == "delay":
                values = structure.within_run(values)
                objects[owner].pre.delay = values * b2.second
            else:
                setattr(objects[owner], variable + "_" * (values.dtype != np.int32), values)
        folded.network.add(b2.NetworkOperation(interrupts.check))
        for population in network.trains(structure):
            first, cells = (parameters[f"{population.name}.{name}"][0] for name in (FIRST, CELLS))
            variable = folded.cells[population.name].variables[mangled(recording.NAME)]
            put = _firing(variable, first, cells, (n_points, population.count))
            folded.network.add(b2.NetworkOperation(put, when="before_start", order=-2))
        for name, parameter in network.tables(structure):
            owner, _, variable = name.partition(".")
            put = _putting(objects[owner].variables[variable], parameters[parameter])
            folded.network.add(b2.NetworkOperation(put, when="before_start", order=-2))
        folded.network.run(structure.end * b2.second, namespace={})
        names = [p.name for p in structure.circuit.populations]
        return fold_back(
            structure,
            n_points,
            {n: (np.array(folded.spikes[n].i), _steps(folded.spikes[n], structure)) for n in names},
            {p.name: _sound(folded.cells[p.name], structure, p.neuron.bounded)
             for p in structure.circuit.populations},
            {p.name: {name: np.array(getattr(folded.traces[p.name], f"{mangled(name)}_"))
                      for name in network.traced(p)}
             for p in structure.circuit.populations if folded.traces},
        )  # fmt: skip


@dataclass(frozen=True)
class _Connected:
    """Who projects onto whom in all points, and which of the places for synapses are taken."""

    ends: network.Ends
    present: NDArray[np.bool_]


def _connected(
    structure: Structure, parameters: dict[str, NDArray[Any]], n_points: int
) -> dict[str, _Connected]:
    """Return the synapses of projections that are passed with the parameters, by name."""
    found, circuit = {}, structure.circuit
    for projection in filter(circuit.passed, circuit.projections):
        first_of, target = (parameters[f"{projection.name}.{n}"] for n in (FIRST_OF, TARGET))
        source = drawn.sources(first_of, target.shape[1])
        present = np.arange(target.shape[1]) < first_of[:, -1:]
        present = np.broadcast_to(present, (n_points, target.shape[1]))
        replica = np.arange(n_points, dtype=np.int32)[:, None]
        sources, targets = (
            (replica * circuit.population(name).count + cells)[present]
            for name, cells in ((projection.source, source), (projection.target, target))
        )
        found[projection.name] = _Connected((sources, targets), present)
    return found


def _firing(
    variable: Any, first: NDArray[np.int64], cells: NDArray[np.int32], shape: tuple[int, int]
) -> Callable[[], None]:
    """Return what makes the cells of a file's spikes 1, and those of the step before 0 again."""
    target = variable.get_value().reshape(shape)
    spikes = iter(np.split(cells, first[1:-1]))
    last: list[NDArray[np.int32]] = [cells[:0]]

    def put() -> None:
        target[:, last.pop()] = 0
        last.append(next(spikes))
        target[:, last[0]] = 1

    return put


def _putting(variable: Any, table: NDArray[np.float64]) -> Callable[[], None]:
    """Return what gives a variable the next value of a table, step by step."""
    target, values = variable.get_value(), iter(table.ravel().tolist())

    def put() -> None:
        target[:] = next(values)

    return put


def _sound(cells: Any, structure: Structure, bounded: bool) -> NDArray[np.bool_]:
    """Return which cells have not diverged."""
    within = np.ones(len(cells), np.bool_)
    for name in cells.equations.diff_eq_names:
        within &= np.isfinite(getattr(cells, f"{name}_"))
    if bounded:
        v, escapes = (getattr(cells, f"{mangled(name)}_") for name in ("v", ESCAPES))
        within &= (np.abs(v) <= structure.v_max) & (np.asarray(escapes) == 0)
    return np.asarray(within, np.bool_)


def _steps(spikes: Any, structure: Structure) -> NDArray[Any]:
    """Return when spikes are in time steps, with a fraction where they lie inside the step."""
    start = np.rint(np.asarray(spikes.t_) / structure.dt)
    if not structure.located:
        return start.astype(np.int32)
    since = mangled(SINCE)
    if since not in spikes.record_variables:
        return start
    return start + 1 - np.asarray(getattr(spikes, f"{since}_")) / structure.dt
