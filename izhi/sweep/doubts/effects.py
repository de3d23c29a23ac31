"""Doubts on values that were given, but change nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from izhi.config import keys
from izhi.config.sweep import Sweep
from izhi.models.circuit import Circuit, Population
from izhi.models.waveform import Waveform
from izhi.sweep.doubts.doubt import Doubt
from izhi.sweep.doubts.scene import Scene, resolved, value_of

_WHY = {
    "neuron": "every population has a neuron of its own",
    "synapse": "no projection has such synapses",
    "stimulus": "it drives no cell",
}


def find(sweep: Sweep, scenes: Sequence[Scene]) -> Iterator[Doubt]:
    """Give the keys that overrides or axes give a value, without effect on any point."""
    used = set[str]().union(*(_groups(scene) for scene in scenes))
    for key in _given(sweep):
        group = _group(key)
        if group is not None and group not in used and _chooses(sweep, key):
            yield Doubt(key, f"without effect: {_WHY[group.rpartition('.')[2]]}")
        elif group is not None and group.rpartition(".")[2] == "stimulus" and key != group:
            if "@" not in key and not any(_moves(scene, key) for scene in scenes):
                yield Doubt(key, "without effect: the current is the same without it")
        elif key == "simulation.seed" and not any(map(_draws, _circuits(scenes))):
            if not _draws_type(sweep):
                yield Doubt(key, "without effect: nothing is drawn at random")
        elif key == "simulation.method" and _all_have_method(scenes):
            yield Doubt(key, "without effect: every neuron has a method of its own")
        elif key == "record.interval" and not sweep.setting("record.traces"):
            yield Doubt(key, "without effect: record.traces asks for none")


def late_window(sweep: Sweep, scenes: Sequence[Scene]) -> Iterator[Doubt]:
    """Give an analysis window that begins after the onset of all stimuli: it has no latencies."""
    key, measures = "statistics.start", sweep.setting("statistics.measures")
    if measures != "all" and "first_spike_latency" not in measures:
        return
    onsets = [
        scene.grid(population.name, "stimulus", f"{stimulus}.onset".removeprefix("stimulus."))
        for scene in scenes
        for population in scene.structure.circuit.populations
        for stimulus, wave in population.stimuli
        if "onset" in wave.given
    ]
    start = sweep.setting(key)
    if onsets and max(float(np.nanmax(onset)) for onset in onsets) < start.si * (1 - 1e-9):
        yield Doubt(
            key,
            f"{keys.shown(start)} is after the onset of every stimulus, so that "
            "first_spike_latency is NaN",
        )


def _given(sweep: Sweep) -> list[str]:
    """Return the keys that overrides name, and those that are swept."""
    named = [text.lstrip("+").partition("=")[0] for text in sweep.overrides if "=" in text]
    return list(dict.fromkeys([*named, *(axis.key for axis in sweep.axes)]))


def _group(key: str) -> str | None:
    """Return the group that a key is of: ``"neuron"``, ``"post.neuron"``; None for no model's."""
    parts = (key.partition("@")[2] or key).split(".")
    if parts[0] in keys.TEXTS:
        return parts[0]
    return ".".join(parts[:2]) if len(parts) > 1 and parts[1] in keys.TEXTS else None


def _chooses(sweep: Sweep, key: str) -> bool:
    """Whether a key gives more than the choice of nothing."""
    swept = any(axis.key == key for axis in sweep.axes)
    return swept or "." in key or sweep.choices.get(key) not in ("none", "None", None)


def _circuits(scenes: Sequence[Scene]) -> list[Circuit]:
    return [scene.structure.circuit for scene in scenes]


def _groups(scene: Scene) -> set[str]:
    """Return the groups that some config of a structure takes its models from."""
    found, circuit = set(), scene.structure.circuit
    for population in circuit.populations:
        found |= scene.groups(population.name, "neuron")
        if population.stimuli:
            found |= scene.groups(population.name, "stimulus")
    for projection in circuit.projections:
        found |= scene.groups(projection.name, "synapse")
    return found


def _draws(circuit: Circuit) -> bool:
    return bool(circuit.drawn) or any(p.connect == "random" for p in circuit.projections)


def _draws_type(sweep: Sweep) -> bool:
    """Whether a neuron type is drawn, as neuron=random does."""
    swept = [axis for axis in sweep.axes if axis.values is None]
    chosen = [str(choice) for choice in sweep.choices.values()]
    return "random" in chosen or any("random" in map(str, axis.labels) for axis in swept)


def _all_have_method(scenes: Sequence[Scene]) -> bool:
    return all(
        scene.sweep.bases[number].has(f"{group}.method")
        for scene in scenes for number in scene.bases
        for population in scene.structure.circuit.populations
        for group in scene.groups(population.name, "neuron")
    )  # fmt: skip


def _moves(scene: Scene, key: str) -> bool:
    """Whether a stimulus's parameter makes a difference to the current of some population."""
    name = key.rpartition(".")[2]
    for population in scene.structure.circuit.populations:
        for stimulus, wave in population.stimuli:
            group = f"{scene.group(population.name, 'stimulus')}"
            group += stimulus.removeprefix("stimulus")
            if key.rpartition(".")[0] == group and _makes_difference(
                scene, population, stimulus, wave, name
            ):
                return True
    return False


def _makes_difference(
    scene: Scene, population: Population, stimulus: str, wave: Waveform, name: str
) -> bool:
    """Compare currents before and after all edges, with a parameter and with half more of it.

    A current that moves between its edges would have to be looked at in every step: it is taken
    to depend on all that it names.
    """
    below = stimulus.removeprefix("stimulus")[1:]
    values = {
        n: scene.grid(population.name, "stimulus", f"{below}.{n}" if below else n)
        for n in wave.given
    }
    moves = not wave.steady or bool(wave.recurrences)
    if name not in values or moves or not np.isfinite(values[name]).any():
        return True
    dt, last = scene.structure.dt, scene.structure.steps - 1
    other = {**values, name: np.where(values[name] == 0, 0.5, 1.5 * values[name])}
    edges = [edge.step(v, dt) for v in (values, other) for edge in wave.edges]
    looks: list[Any] = [0, last, *edges, *(edge - 1 for edge in edges)]
    for step in looks:
        here = np.minimum(np.maximum(step, 0), last)
        different = _current(wave, values, here, dt) != _current(wave, other, here, dt)
        if scene.first(different) is not None:
            return True
    return False


def _current(wave: Waveform, values: Mapping[str, Any], step: Any, dt: float) -> Any:
    at = {**values, "t": step * dt, "t_in_timesteps": step, "dt": dt}
    at |= {edge.name: edge.step(values, dt) for edge in wave.edges}
    return np.asarray(value_of(wave.current, resolved(wave.declared, at)))
