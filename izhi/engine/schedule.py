"""The order of a time step: which generated functions run on which cells and spikes, as C++ lines.

Brian2 runs one piece of code on all cells or all spikes, then the next. Where that cannot change a
result, pieces are joined here: state update and threshold for a chunk of cells that stays in
registers, and all that follows from one spike while its cell is at hand.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

CHUNK = 64
"""Cells that are updated and then asked for spikes: eight of the widest vectors."""


@dataclass(frozen=True)
class Code:
    """A generated function.

    Attributes
    ----------
    name
        Its namespace in the program.
    kind
        Brian2's name of its template; ``"stimulus"`` for what is constant over a time step.
    group
        The group of cells that it runs on, or whose spikes it handles.
    every
        Runs at every so many steps.
    changing
        Arrays that it uses and that code changes.
    delayed
        Whether it handles spikes that arrive later.
    stores
        Whether it computes something where the stimulus changes, for all steps until it does again.
    """

    name: str
    kind: str
    group: str
    every: int = 1
    changing: frozenset[str] = frozenset()
    delayed: bool = False
    stores: bool = False


_CELLS = ("stateupdate", "threshold")
_SPIKES = ("spikemonitor", "synapses_push_spikes", "synapses", "reset")


def lines(codes: Sequence[Code], cells: dict[str, int], spikes: dict[str, str]) -> Iterator[str]:
    """Give the lines of a time step.

    Parameters
    ----------
    codes
        All functions in Brian2's order.
    cells
        Number of cells of each group.
    spikes
        An expression for the number of spikes of each group in this step.
    """
    first = next((n for n, code in enumerate(codes) if code.kind != "stimulus"), len(codes))
    later = [code for code in codes if code.stores and code.kind != "stimulus"]
    at = 0
    while at < len(codes):
        if at == first and later:
            calls = " ".join(f"{code.name}::before();" for code in later)
            yield f"if (changes[step]) {{ {calls} }}"
        kinds = next((k for k in (_CELLS, _SPIKES) if codes[at].kind in k), ())
        end = at + 1
        while end < len(codes) and codes[end].kind in kinds:
            end += 1
        run = codes[at:end]
        if kinds is _CELLS:
            yield from _over_cells(run, cells)
        elif kinds is _SPIKES:
            yield from _over_spikes(run, spikes)
        elif run[0].kind == "stimulus":
            # what it stores is for itself; what others store may follow from what drives the cells
            call = f"{run[0].name}::run(0, {cells[run[0].group]});"
            call = f"{{ {run[0].name}::before(); {call} }}" if run[0].stores else call
            yield f"if (changes[step]) {call}"
        else:
            yield f"if (step % {run[0].every} == 0) {run[0].name}::run();"
        at = end


def _over_cells(codes: Sequence[Code], cells: dict[str, int]) -> Iterator[str]:
    """Run state update and threshold of each group together; groups do not know each other."""
    for group in dict.fromkeys(code.group for code in codes):
        names = [code.name for code in codes if code.group == group]
        whole = cells[group] - cells[group] % CHUNK
        calls = " ".join(f"{name}::run(from, from + {CHUNK});" for name in names)
        if whole:
            yield f"for (int from = 0; from < {whole}; from += {CHUNK}) {{ {calls} }}"
        if cells[group] % CHUNK:
            yield " ".join(f"{name}::run({whole}, {cells[group]});" for name in names)


def _over_spikes(codes: Sequence[Code], spikes: dict[str, str]) -> Iterator[str]:
    if not _independent(codes):
        for code in codes:
            yield f"{code.name}::run(0, {spikes[code.group]});"
        return
    # groups in the order of their synapses, which may add to the same variable
    order = sorted(codes, key=lambda code: code.kind != "synapses")
    for group in dict.fromkeys(code.group for code in order):
        calls = " ".join(f"{code.name}::run(i, i + 1);" for code in codes if code.group == group)
        yield f"for (int32_t i = 0; i < {spikes[group]}; i++) {{ {calls} }}"


def _independent(codes: Sequence[Code]) -> bool:
    """Whether all that one spike does may be done before the next spike is looked at.

    So it is where synapses neither see nor change what a reset does, nor wait, and no two run on
    the spikes of one group: the order in which they add to a variable would change.
    """
    synapses = [code for code in codes if code.kind == "synapses"]
    touched = frozenset().union(*(code.changing for code in synapses))
    return (
        not any(code.delayed for code in synapses)
        and len({code.group for code in synapses}) == len(synapses)
        and not any(code.changing & touched for code in codes if code.kind == "reset")
    )
