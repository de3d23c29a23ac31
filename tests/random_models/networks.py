"""Networks of random models: populations with a neuron and a stimulus each, and projections."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import yaml
from hypothesis import strategies as st

from izhi.config.keys import METHODS
from tests.random_models.choices import Choices
from tests.random_models.models import (
    TIMES,
    USUAL,
    Config,
    Neuron,
    NeuronMaker,
    StimulusMaker,
    SynapseMaker,
)
from tests.random_models.names import Names

MOST_POINTS = 8

MANY = 70
"""Cells of a population that programs take in more than one chunk of 64, and a rest."""

REPLICAS = (24, 1, 2, 3, 5, 8, 64, 33)


@dataclass(frozen=True)
class Network:
    """A network as configs hold it.

    Attributes
    ----------
    populations
        By name: ``count``, ``neuron`` and, where it is driven, ``stimulus``.
    projections
        By name: ``source``, ``target``, ``connect``, ``synapse``.
    simulation
        ``dt``, ``duration``, ``method``, ``seed``.
    sweep
        Values of each key that is swept, as texts.
    replicas
        Replicas of the program that its points run in.
    chosen
        Numbers that decide which points run alone, and in which order.
    wild
        Whether names need not differ between a population's models.
    """

    populations: dict[str, Config]
    projections: dict[str, Config]
    simulation: Config
    sweep: dict[str, list[str]] = field(default_factory=dict)
    replicas: int = 24
    chosen: int = 0
    wild: bool = False

    @property
    def file(self) -> str:
        """All models as one file of configs, for ``+experiment=``."""
        content: Config = {}
        for name, population in self.populations.items():
            content[name] = {k: v for k, v in population.items() if k in ("neuron", "stimulus")}
        for name, projection in self.projections.items():
            content.setdefault(name, {})["synapse"] = projection["synapse"]
        return "# @package _global_\n" + _yaml(content)

    @property
    def circuit(self) -> str:
        """The circuit as a file of configs."""
        return _yaml({
            "populations": {
                name: {"count": p["count"], "stimulated": "stimulus" in p}
                for name, p in self.populations.items()
            },
            "projections": {
                name: {k: v for k, v in p.items() if k != "synapse"}
                for name, p in self.projections.items()
            },
        })  # fmt: skip

    @property
    def overrides(self) -> list[str]:
        """What ``izhi run`` is given beside the files."""
        fixed = ((f"simulation.{key}", value) for key, value in self.simulation.items())
        given = [f"{key}={value}" for key, value in fixed if key not in self.sweep]
        given += [f"{key}={','.join(values)}" for key, values in self.sweep.items()]
        return ["record.traces=all", f"record.interval={self.simulation['dt']}", *given]

    def without(self, owner: str) -> Network:
        """Return the network without a population or projection, and what belongs to it."""
        populations = {n: p for n, p in self.populations.items() if n != owner}
        projections = {
            n: p for n, p in self.projections.items()
            if n != owner and p["source"] in populations and p["target"] in populations
        }  # fmt: skip
        left = {*populations, *projections}
        sweep = {k: v for k, v in self.sweep.items()
                 if k.partition(".")[0] in {*left, "simulation"}
                 and (not k.startswith("circuit.") or k.split(".")[2] in left)}  # fmt: skip
        return replace(self, populations=populations, projections=projections, sweep=sweep)


def stimuli_of(config: Config) -> list[Config]:
    """Return the stimuli that a population's config adds up; none for ``{}``."""
    if not config:
        return []
    return [config, *(value for value in config.values() if isinstance(value, dict))]


def _yaml(content: Any) -> str:
    return str(yaml.dump(content, sort_keys=False, width=10_000, Dumper=_Dumper))


class _Dumper(yaml.SafeDumper):
    """Writes texts of several lines as blocks, and each mapping in full."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _text(dumper: yaml.SafeDumper, text: str) -> Any:
    style = "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _text)


@st.composite
def networks(draw: Any) -> Network:
    """Give networks."""
    choices = Choices(draw)
    wild = choices.chance(35)
    method = choices.weighted([(50, "euler"), (50, "other")])
    if method == "other":
        method = choices.pick(METHODS)
    names = Names(choices, wild and choices.chance(50), set())
    steady = choices.chance(35)  # one current that moves has all be computed in every step
    made: dict[str, Neuron] = {}
    populations: dict[str, Config] = {}
    for number in range(choices.number(1, 8)):
        name = names.new() if wild else f"p{number}"
        neuron = NeuronMaker(choices, wild, method).make()
        made[name] = neuron
        count = choices.weighted([(24, 1), (24, 2), (24, 3), (24, 5), (4, MANY)])
        populations[name] = {"count": count, "neuron": neuron.config}
        if neuron.driven and choices.chance(85):
            populations[name]["stimulus"] = StimulusMaker(choices, wild, neuron, steady).make()
    projections = _projections(choices, wild, names, made, populations)
    simulation = {
        "dt": choices.pick(("0.5 ms", "0.1 ms", "0.3 ms", "1 ms")),
        "duration": "0 ms", "method": method, "seed": choices.pick((0, 1, 2**31 - 1)),
    }  # fmt: skip
    steps = choices.pick((40, 20, 60))
    rest = choices.weighted([(80, 0.0), (5, 0.3), (5, 0.5), (5, 0.999), (5, 1e-9)])
    simulation["duration"] = f"{float(simulation['dt'].split()[0]) * (steps + rest):.12g} ms"
    sweep = _sweep(choices, populations, projections)
    return Network(
        populations, projections, simulation, sweep, choices.pick(REPLICAS),
        choices.number(0, 1000), wild,
    )  # fmt: skip


def _projections(
    choices: Choices, wild: bool, names: Names, made: dict[str, Neuron],
    populations: dict[str, Config],
) -> dict[str, Config]:  # fmt: skip
    found: dict[str, Config] = {}
    ends = list(populations)
    targets = [name for name in ends if made[name].states]
    if not targets:
        return found
    used = {name: set(made[name].names) for name in ends}
    for name, population in populations.items():
        used[name] |= _words(population.get("stimulus", {}))
    for number in range(choices.number(0, min(6, len(ends)))):
        name = names.new() if wild else f"j{number}"
        if choices.chance(1):
            name = choices.pick(ends)
        source, target = choices.pick(ends), choices.pick(targets)
        synapse = SynapseMaker(choices, wild, made[target], used[source] | used[target]).make()
        used[target] |= _words(synapse)
        connect = choices.weighted(
            [(40, "all"), (20, "one_to_one"), (25, "random"), (15, "itself")]
        )
        if connect == "itself":
            source = target
            connect = choices.pick(("ring", "chain"))
        projection: Config = {"source": source, "target": target, "connect": connect}
        if connect == "random":
            projection["probability"] = choices.pick((0.5, 0.0, 1.0, 0.2))
        found[name] = projection | {"synapse": synapse}
    return found


def _words(config: Config) -> set[str]:
    """Return all names in a config."""
    import re

    return set(re.findall(r"[A-Za-z]\w*", str(config)))


def _sweep(
    choices: Choices, populations: dict[str, Config], projections: dict[str, Config]
) -> dict[str, list[str]]:
    """Return a few keys with values, at most so many points in all."""
    keys: dict[str, Any] = {}
    for name, population in populations.items():
        for group in ("neuron", "stimulus"):
            for key, value in population.get(group, {}).items():
                if isinstance(value, float) or _is_time(value):
                    keys[f"{name}.{group}.{key}"] = value
    for name, projection in projections.items():
        for key, value in projection["synapse"].items():
            if isinstance(value, float) or _is_time(value):
                keys[f"{name}.synapse.{key}"] = value
        if "probability" in projection:
            keys[f"circuit.projections.{name}.probability"] = projection["probability"]
    keys["simulation.seed"] = None
    found: dict[str, list[str]] = {}
    points = 1
    for _ in range(choices.weighted([(25, 1), (25, 0), (30, 2), (20, 3)])):
        key = choices.pick(list(keys))
        size = choices.pick((2, 3))
        if key in found or points * size > MOST_POINTS:
            continue
        points *= size
        found[key] = _values(choices, key, keys[key], size)
    return found


def _is_time(value: Any) -> bool:
    return isinstance(value, str) and value.endswith(" ms") and value.count(" ") == 1


def _values(choices: Choices, key: str, value: Any, size: int) -> list[str]:
    if key == "simulation.seed":
        return ["3", "4", "5"][:size]
    if "probability" in key:
        return ["0.3", "0.7", "1"][:size]
    if isinstance(value, float):
        start = choices.number(0, len(USUAL) - 1)
        return [repr(USUAL[(start + k) % len(USUAL)]) for k in range(size)]
    start = choices.number(0, len(TIMES) - 1)
    return [f"'{TIMES[(start + k) % len(TIMES)]}'" for k in range(size)]
