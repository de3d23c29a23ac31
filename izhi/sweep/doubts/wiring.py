"""Doubts on what reaches what: projections without synapses, variables that nothing uses."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from izhi.config.sweep import Sweep
from izhi.models import circuit as circuits
from izhi.models import declarations, dimensions
from izhi.models.cell import Cell
from izhi.models.circuit import Population, Projection
from izhi.models.declarations import Declaration
from izhi.sweep import points
from izhi.sweep.doubts.doubt import Doubt
from izhi.sweep.doubts.scene import Scene


def unconnected(sweep: Sweep, scenes: Sequence[Scene]) -> Iterator[Doubt]:
    """Give the projections that have synapses, but at no point any that connects cells."""
    all_circuits = [scene.structure.circuit for scene in scenes]
    connected = {p.name for circuit in all_circuits for p in circuit.projections
                 if circuit.most_synapses(p)}  # fmt: skip
    for base in map(sweep.bases.__getitem__, sweep.used):
        for name in circuits.names(base, "projections"):
            group = circuits.group_of(base, name, "synapse")
            if name not in connected and base.has(f"{group}.on_pre"):
                yield Doubt(
                    f"circuit.projections.{name}",
                    "connects nothing: a cell does not project onto itself, and there is no other",
                )


def sparse(scene: Scene) -> Iterator[Doubt]:
    """Give the random projections that are expected to have less than a synapse."""
    circuit = scene.structure.circuit
    for projection in circuit.projections:
        if projection.connect == "random":
            key = f"circuit.projections.{projection.name}.probability"
            most = circuit.most_synapses(projection)
            at = scene.first(points.grid(scene.sweep, key) * most < 1)
            if at is not None:
                said = f"{scene.written(key, at)} of {most:,} synapses is less than one"
                yield Doubt(key, f"{said}; it connects nothing with most seeds")


def of_neuron(scene: Scene, population: Population) -> Iterator[Doubt]:
    """Give what a neuron's equations compute, but nothing uses."""
    cell = population.neuron
    used = dimensions.names(cell.threshold) | declarations.names_of_statements(cell.reset)
    used |= dimensions.names(cell.refractory) if cell.refractory else set()
    for projection in scene.structure.circuit.projections:
        if projection.target == population.name:
            used |= _used_of_target(projection)
    group = scene.group(population.name, "neuron")
    yield from _unused(cell.declared, used, f"{group}.equations")


def of_synapse(scene: Scene, projection: Projection) -> Iterator[Doubt]:
    """Give what a synapse's equations compute, but nothing uses."""
    synapse = projection.synapse
    group = scene.group(projection.name, "synapse")
    used = declarations.names_of_statements(synapse.on_pre)
    yield from _unused(synapse.declared, used, f"{group}.equations")


def _used_of_target(projection: Projection) -> set[str]:
    """Return the names of its target's variables that a synapse uses."""
    synapse = projection.synapse
    names = declarations.names_of_statements(synapse.on_pre)
    found = {name.removesuffix("_post") for name in names if name.endswith("_post")}
    found |= dimensions.names(synapse.current) if synapse.current else set()
    return found.union(*(_names(one) for one in synapse.target))


def _unused(declared: Sequence[Declaration], used: set[str], key: str) -> Iterator[Doubt]:
    for one in declared:
        others = set[str]().union(*(_names(other) for other in declared if other is not one))
        # a count of spikes, which only the reset changes, may be there for its own sake
        if one.kind != "parameter" and one.name not in used | others:
            yield Doubt(key, f"nothing uses {one.name}, which {one.left} = ... computes")


def _names(one: Declaration) -> set[str]:
    return dimensions.names(one.expression) if one.expression else set()


def driven_alike(scene: Scene) -> Iterator[Doubt]:
    """Give the targets that the stimulus of their sources fires, whatever their synapses do."""
    circuit = scene.structure.circuit
    sources = {projection.source for projection in circuit.projections}
    for projection in circuit.projections:
        source, target = (
            circuit.population(name) for name in (projection.source, projection.target)
        )
        if target.name in sources or not _alike(scene, source, target):
            continue
        yield Doubt(
            f"circuit.populations.{target.name}.stimulated",
            f"{target.name} gets the stimulus of {source.name} and spikes with it, whatever its "
            f"synapses do; give false, or a stimulus of its own (stimulus@{target.name}.stimulus)",
        )


def _alike(scene: Scene, source: Population, target: Population) -> bool:
    """Whether two populations are the same cells under the same stimulus."""
    same: list[tuple[Cell | str, Cell | str]] = [(source.neuron, target.neuron)]
    for kind in ("neuron", "stimulus"):
        same.append((scene.group(source.name, kind), scene.group(target.name, kind)))
    alike = all(a == b for a, b in same)
    alike &= not any(wave.noise for _, wave in target.stimuli)
    return alike and bool(source.stimuli and target.stimuli) and not target.neuron.drawn
