"""A Brian2 device that writes the folded network as one C++ file.

Brian2 parses, checks units, chooses the integrator's steps and generates the statements; this
device puts them into templates of its own (``templates/``), where a block of replicas runs through
all time steps before the next block begins: its state stays in the first-level cache, the loops
have constant lengths, and every code object is inlined into one time step. The arithmetic is what
Brian2 generates for its own C++ device, statement by statement.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from brian2.codegen.generators.cpp_generator import CPPCodeGenerator, c_data_type
from brian2.core.functions import DEFAULT_FUNCTIONS
from brian2.core.variables import ArrayVariable, Constant, DynamicArrayVariable
from brian2.devices.cpp_standalone.codeobject import CPPStandaloneCodeObject
from brian2.devices.cpp_standalone.device import CPPStandaloneDevice
from brian2.devices.device import all_devices
from brian2.parsing.rendering import CPPNodeRenderer
from numpy.typing import NDArray

from izhi import exponential, functions
from izhi.engine import target
from izhi.engine.schedule import CHUNK, Code, lines
from izhi.engine.shared import Blocks, SharedNumbers, changing


class FoldedCodeGenerator(SharedNumbers, CPPCodeGenerator):
    """Writes what Brian2 writes, without Brian2's powers and modulo: they take the C library's."""

    universal_support_code = ""

    def joined(self, scalar: Blocks, of_replicas: Blocks, vector: Blocks) -> Any:
        """Return the code; what is the same until the stimulus changes is computed when it does."""
        before: Blocks = {}
        for block, statements in of_replicas.items():
            moving = changing([*scalar[block], *statements], self.variables)
            before[block] = [s for s in statements if s.var not in moving]
            vector[block] = [s for s in statements if s.var in moving] + vector[block]
        first = {f"before {block}": scalar[block] for block in before}
        then = {f"before {block}": statements for block, statements in before.items()}
        once, each, told = self.translate_statement_sequence(scalar | first, vector | then)
        told.update(stored={}, before_once=[], before_each=[])
        for block, statements in before.items():
            told["before_once"] += once.pop(f"before {block}")
            told["before_each"] += each.pop(f"before {block}")
            stored = {s.var: self.c_data_type(s.dtype) for s in statements}
            told["stored"] |= stored
            loads = [f"const {kind} {name} = stored{name}[_idx];" for name, kind in stored.items()]
            each[block] = loads + each[block]
        return once, each, told


class FoldedCodeObject(CPPStandaloneCodeObject):
    """A piece of generated code in this package's templates."""

    templater = CPPStandaloneCodeObject.templater.derive("izhi.engine")
    generator_class = FoldedCodeGenerator

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        target.check(self)

    def run_block(self, block: str) -> None:
        """Do nothing: the program is run later, and nothing comes before or after it."""


@dataclass(frozen=True)
class Cells:
    """A population in the network: its group, cells of one replica, number of its first cell.

    `bounded` says whether it has a membrane potential, which has a bound.
    """

    group: Any
    count: int
    first: int
    bounded: bool = False


@dataclass(frozen=True)
class Projection:
    """Synapses in the network: source and target cells of one replica's, by rising source."""

    synapses: Any
    sources: int
    targets: int
    pairs: NDArray[np.int32]


class FoldedDevice(CPPStandaloneDevice):
    """Collects what Brian2 generates for one run of one network."""

    def __init__(self) -> None:
        super().__init__()
        self.scheduled: list[tuple[Any, Any]] = []

    def code_object_class(self, codeobj_class: Any = None, fallback_pref: Any = None) -> Any:
        """Return the class whose templates are used."""
        return codeobj_class or FoldedCodeObject

    def network_run(self, network: Any, duration: Any, namespace: Any, **_: Any) -> None:
        """Have all code generated, and keep it in the order in which it runs in a step."""
        network._clocks = {obj.clock for obj in network.sorted_objects}
        for clock in network._clocks:
            clock.set_interval(network.t, network.t + duration)
        network.before_run(namespace)
        self.scheduled = [
            (obj.clock, code)
            for obj in network.sorted_objects
            if obj.active
            for code in obj._code_objects
        ]

    def write(
        self,
        path: Path,
        replicas: int,
        cells: list[Cells],
        projections: list[Projection],
        inputs: list[tuple[Any, int]],
        traced: tuple[str, ...],
        v_max: float,
    ) -> list[str]:
        """Write the program.

        Parameters
        ----------
        path
            The C++ file.
        replicas
            Copies of the circuit in the network.
        cells, projections
            All populations and projections.
        inputs
            Variables that a shard gives, with their number of elements in one replica.
        traced
            Variables that the state monitors record, in the order of the output.
        v_max
            Volts beyond which a membrane potential has diverged.

        Returns
        -------
        list of str
            The numpy types of the inputs.
        """
        sizes = {p.synapses.name: replicas * len(p.pairs) for p in projections}
        arrays = [self._array(var, sizes) for var in self._used(inputs, projections)]
        groups = [self._group(c, replicas, traced) for c in cells]
        clock = self.defaultclock
        text = FoldedCodeObject.templater.program(
            None,
            None,
            replicas=replicas,
            chunk=CHUNK,
            circuit_cells=sum(c.count for c in cells),
            arrays=arrays,
            groups=groups,
            pathways=[self._pathway(p, replicas) for p in projections],
            code_objects=[self._text(code, sizes) for _, code in self.scheduled],
            schedule=list(
                lines(
                    self._codes(),
                    {g["name"]: g["cells"] for g in groups},
                    {g["name"]: f"{g['events']}[{g['cells']}]" for g in groups},
                )
            ),
            traced=traced,
            v_max=repr(v_max),
            timestep=self.arrays[clock.variables["timestep"]],
            t=self.arrays[clock.variables["t"]],
            dt=self.arrays[clock.variables["dt"]],
            dt_value=repr(float(clock.dt)),
            start=[*self._start(arrays)],
            connections=[*self._connections(projections)],
            inputs=[
                {"name": self.arrays[var], "type": c_data_type(var.dtype), "each": each}
                for var, each in inputs
            ],
        )
        path.write_text(text, encoding="utf-8")
        return [np.dtype(var.dtype).name for var, _ in inputs]

    def _used(self, inputs: list[tuple[Any, int]], projections: list[Projection]) -> list[Any]:
        """Return the variables that the program holds as arrays."""
        clock = self.defaultclock.variables
        found = [clock["timestep"], clock["t"]]
        found += [var for _, code in self.scheduled for var in code.variables.values()]
        found += [var for var, _ in inputs]
        found = [v for v in found if isinstance(v, ArrayVariable) and getattr(v, "ndim", 1) == 1]
        return [v for v in dict.fromkeys(found) if v is not clock["dt"]]

    def _array(self, var: Any, sizes: dict[str, int]) -> dict[str, Any]:
        dynamic = isinstance(var, DynamicArrayVariable)
        size = self._size(var.owner, sizes) if dynamic else var.size
        return {"name": self.arrays[var], "type": c_data_type(var.dtype), "size": max(size, 1)}

    def _size(self, owner: Any, sizes: dict[str, int]) -> int:
        """Return how many elements a group has; synapses are counted in `sizes`."""
        found = next((n for name, n in sizes.items() if owner.name.startswith(name)), None)
        return getattr(owner, "N", 1) if found is None else found

    def _group(self, cells: Cells, replicas: int, traced: tuple[str, ...]) -> dict[str, Any]:
        variables = cells.group.variables
        return {
            "name": cells.group.name,
            "cells": replicas * cells.count,
            "count": cells.count,
            "first": cells.first,
            "events": self.arrays[variables["_spikespace"]],
            "v": self.arrays[variables["v"]] if cells.bounded else None,
            "escapes": self.arrays[variables["escapes"]],
            "state": [self.arrays[variables[name]] for name in cells.group.equations.diff_eq_names],
            "traced": [name for name in traced if name in variables],
        }

    def _pathway(self, projection: Projection, replicas: int) -> dict[str, Any]:
        path = projection.synapses.pre
        source = path.source
        delay = path.variables["delay"]
        first_of = np.searchsorted(projection.pairs[:, 0], np.arange(projection.sources + 1))
        return {
            "name": path.name,
            "sources": projection.sources,
            "synapses": len(projection.pairs),
            "first_of": first_of.tolist(),
            "delay": None if delay.scalar else self.arrays[delay],
            "events": self.arrays[source.variables["_spikespace"]],
            "cells": replicas * projection.sources,
        }

    def _text(self, code: Any, sizes: dict[str, int]) -> str:
        """Return a code object's function, with the constants that it names."""
        renderer = CPPNodeRenderer()
        lines: dict[str, None] = {}
        for name, var in code.variables.items():
            if isinstance(var, Constant):
                value = renderer.render_expr(repr(var.value))
                lines[f"const {c_data_type(var.dtype)} {name} = {value};"] = None
            elif isinstance(var, ArrayVariable) and not isinstance(var, DynamicArrayVariable):
                lines[f"const size_t _num{name} = {var.size};"] = None
        text = str(code.code.cpp_file.replace("%CONSTANTS%", "\n    ".join(lines)))
        return text.replace("%ELEMENTS%", str(self._size(code.owner, sizes)))

    def _codes(self) -> list[Code]:
        """Return what was scheduled, as the schedule needs it."""
        result = []
        for clock, code in self.scheduled:
            owner, kind = code.owner, code.template_name
            if kind == "synapses_push_spikes" and owner.variables["delay"].scalar:
                continue  # nothing to hand on: the synapses look at the spikes themselves
            variables = [v for v in code.variables.values() if isinstance(v, ArrayVariable)]
            result.append(
                Code(
                    name=code.name,
                    kind="stimulus" if "_subexpression_update" in code.name else kind,
                    group=getattr(owner, "source", owner).name,
                    stores="inline void before()" in code.code.cpp_file,
                    every=round(float(clock.dt) / float(self.defaultclock.dt)),
                    changing=frozenset(self.arrays[v] for v in variables if not v.constant),
                    delayed=kind == "synapses" and not owner.pre.variables["delay"].scalar,
                )
            )
        return result

    def _start(self, arrays: list[dict[str, Any]]) -> Iterator[tuple[str, int, str]]:
        """Give the values that variables start with, other than zero."""
        sizes = {array["name"]: array["size"] for array in arrays}
        for kind, arguments in self.main_queue:
            if kind == "set_by_constant":
                name = arguments[0].removeprefix("_dynamic")
                if name in sizes:
                    yield name, sizes[name], CPPNodeRenderer().render_expr(repr(arguments[1]))

    def _connections(self, projections: list[Projection]) -> Iterator[tuple[str, int, list[int]]]:
        """Give the arrays of synapses' ends that the code uses, by what one replica has."""
        used = {var for _, code in self.scheduled for var in code.variables.values()}
        for projection in projections:
            variables = projection.synapses.variables
            ends = (("_synaptic_pre", projection.sources), ("_synaptic_post", projection.targets))
            for column, (end, count) in enumerate(ends):
                if variables[end] in used:
                    pattern = projection.pairs[:, column].tolist()
                    yield self.arrays[variables[end]], count, pattern


all_devices.setdefault("izhi", FoldedDevice())
DEFAULT_FUNCTIONS["exp"].implementations.add_implementation(
    FoldedCodeObject, exponential.CPP, name="portable_exp"
)
for _name, _text in functions.CPP.items():
    DEFAULT_FUNCTIONS[_name].implementations.add_implementation(
        FoldedCodeObject, _text, name=f"portable_{_name}",
        dependencies={"exp": DEFAULT_FUNCTIONS["exp"]} if _name in functions.NEED_EXP else None,
    )  # fmt: skip
