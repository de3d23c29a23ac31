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

from izhi import draws, portable
from izhi.engine import target
from izhi.engine.names import mangled
from izhi.engine.network import DRIVE_UPDATE
from izhi.engine.schedule import CHUNK, Code, lines
from izhi.engine.shared import Blocks, SharedNumbers, changing, is_told
from izhi.models.assembly import ESCAPES
from izhi.portable import FUNCTIONS


class FoldedCodeGenerator(SharedNumbers, CPPCodeGenerator):
    """Writes what Brian2 writes, without Brian2's powers and modulo: they take the C library's."""

    universal_support_code = ""

    def joined(self, scalar: Blocks, of_replicas: Blocks, vector: Blocks) -> Any:
        """Return the code; what is the same until the stimulus changes is computed when it does."""
        before: Blocks = {}
        for block, statements in of_replicas.items():
            moving = changing([*scalar[block], *statements], self.variables)
            if is_told(self.owner):  # how many there are is not known when this is compiled
                moving |= {s.var for s in statements}
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

    `bounded` says whether it has a membrane potential, which has a bound. `traced` are the
    variables that can be recorded; others of its variables may have the names of such of another
    population's.
    """

    group: Any
    count: int
    first: int
    bounded: bool
    traced: tuple[str, ...]


@dataclass(frozen=True)
class Projection:
    """Synapses in the network: source and target cells of one replica's, by rising source.

    `pairs` is None where a program is told who projects onto whom.
    """

    synapses: Any
    sources: int
    targets: int
    pairs: NDArray[np.int32] | None

    def size(self, replicas: int) -> str:
        """Return the number of synapses in the network, as C++."""
        if self.pairs is None:
            return f"({replicas} * {self.synapses.pre.name}::synapses)"
        return str(replicas * len(self.pairs))


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
        tables: list[Any],
        trains: list[Any],
        traced: tuple[str, ...],
        v_max: float,
        located: bool,
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
        tables
            Variables that a shard gives a value for each time step.
        trains
            Variables of cells that are 1 in the steps of a file's spikes.
        traced
            Variables that the state monitors record, in the order of the output.
        v_max
            Volts beyond which a membrane potential has diverged.
        located
            Whether any spikes lie inside the step.

        Returns
        -------
        list of str
            The numpy types of the inputs.
        """
        sizes = {p.synapses.name: p.size(replicas) for p in projections}
        sizes |= {p.synapses.pre.name: p.size(replicas) for p in projections}
        paths = {p.synapses.name: p.synapses.pre.name for p in projections}
        paths |= {path: path for path in paths.values()}
        arrays = [self._array(var, sizes) for var in self._used(inputs, projections)]
        groups = [self._group(c, replicas, traced) for c in cells]
        clock = self.defaultclock
        text = FoldedCodeObject.templater.program(
            None,
            None,
            functions=portable.CPP + draws.CPP,
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
            tables=[self.arrays[var] for var in tables],
            trains=[(self.arrays[var], var.size // replicas) for var in trains],
            traced=traced,
            v_max=repr(v_max),
            spike_time="double" if located else "int32_t",
            timestep=self.arrays[clock.variables["timestep"]],
            t=self.arrays[clock.variables["t"]],
            dt=self.arrays[clock.variables["dt"]],
            dt_value=repr(float(clock.dt)),
            start=[*self._start(arrays)],
            connections=[*self._connections(projections)],
            inputs=[
                {
                    "name": self.arrays[var],
                    "type": c_data_type(var.dtype),
                    "each": each or f"{paths[var.owner.name]}::synapses",
                }
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

    def _array(self, var: Any, sizes: dict[str, str]) -> dict[str, Any]:
        dynamic = isinstance(var, DynamicArrayVariable)
        size = self._size(var.owner, sizes) if dynamic else str(max(var.size, 1))
        return {
            "name": self.arrays[var],
            "type": c_data_type(var.dtype),
            "size": size,
            "told": not size.isdigit(),
        }

    def _size(self, owner: Any, sizes: dict[str, str]) -> str:
        """Return how many elements a group has, as C++; synapses are counted in `sizes`."""
        cells = getattr(owner, "N", 1)
        return sizes.get(owner.name) or str(cells if isinstance(cells, int) else 1)  # of monitors 1

    def _group(self, cells: Cells, replicas: int, traced: tuple[str, ...]) -> dict[str, Any]:
        variables = cells.group.variables
        return {
            "name": cells.group.name,
            "cells": replicas * cells.count,
            "count": cells.count,
            "first": cells.first,
            "events": self.arrays[variables["_spikespace"]],
            "v": self.arrays[variables[mangled("v")]] if cells.bounded else None,
            "escapes": self.arrays[variables[mangled(ESCAPES)]],
            "state": [self.arrays[variables[name]] for name in cells.group.equations.diff_eq_names],
            "traced": [name for name in traced if name in cells.traced],
        }

    def _pathway(self, projection: Projection, replicas: int) -> dict[str, Any]:
        path = projection.synapses.pre
        source = path.source
        delay = path.variables["delay"]
        pairs = projection.pairs
        of_source = pairs[:, 0] if pairs is not None else np.empty(0, np.int32)
        first_of = np.searchsorted(of_source, np.arange(projection.sources + 1))
        return {
            "name": path.name,
            "sources": projection.sources,
            "targets": projection.targets,
            "told": pairs is None,
            "ends": self._ends(projection),
            "synapses": len(of_source),
            "first_of": first_of.tolist(),
            "delay": None if delay.scalar else self.arrays[delay],
            "events": self.arrays[source.variables["_spikespace"]],
            "cells": replicas * projection.sources,
        }

    def _ends(self, projection: Projection) -> list[str | None]:
        """Return the arrays of a projection's source and target cells, None for one not used."""
        used = {var for _, code in self.scheduled for var in code.variables.values()}
        ends = (projection.synapses.variables[f"_synaptic_{end}"] for end in ("pre", "post"))
        return [self.arrays[end] if end in used else None for end in ends]

    def _text(self, code: Any, sizes: dict[str, str]) -> str:
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
        # a monitor goes over the cells that it looks at
        owner = code.owner.source if code.template_name == "statemonitor" else code.owner
        return text.replace("%ELEMENTS%", self._size(owner, sizes))

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
                    kind="stimulus" if code.name.startswith(DRIVE_UPDATE) else kind,
                    group=getattr(owner, "source", owner).name,
                    stores="inline void before()" in code.code.cpp_file,
                    every=round(float(clock.dt) / float(self.defaultclock.dt)),
                    changing=frozenset(self.arrays[v] for v in variables if not v.constant),
                    delayed=kind == "synapses" and not owner.pre.variables["delay"].scalar,
                )
            )
        return result

    def _start(self, arrays: list[dict[str, Any]]) -> Iterator[tuple[str, str, str]]:
        """Give the values that variables start with, other than zero."""
        sizes = {array["name"]: array["size"] for array in arrays}
        for kind, arguments in self.main_queue:
            if kind == "set_by_constant":
                name, value, _ = arguments
                value = CPPNodeRenderer().render_expr(repr(value))
            elif kind == "set_by_single_value":  # of a variable with one element
                name, _, value = arguments
            else:
                continue
            name = name.removeprefix("_dynamic")
            if name in sizes:
                yield name, sizes[name], value

    def _connections(self, projections: list[Projection]) -> Iterator[tuple[str, int, list[int]]]:
        """Give the arrays of synapses' ends that the code uses, by what one replica has."""
        for projection in projections:
            counts = (projection.sources, projection.targets)
            for column, (name, count) in enumerate(
                zip(self._ends(projection), counts, strict=True)
            ):
                if name is not None and projection.pairs is not None:
                    yield name, count, projection.pairs[:, column].tolist()


all_devices.setdefault("izhi", FoldedDevice())
for _name in FUNCTIONS:
    DEFAULT_FUNCTIONS[_name].implementations.add_implementation(
        FoldedCodeObject, code=None, name=f"portable_{_name}"
    )
for _name, _function in target.NOISE.items():
    _function.implementations.add_implementation(
        FoldedCodeObject, code=None, name=f"portable_{_name}"
    )
