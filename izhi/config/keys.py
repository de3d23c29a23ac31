"""Every key that a config may hold: the kind of its value, its unit and its bounds."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from izhi import units
from izhi.errors import ConfigError, did_you_mean
from izhi.units import AMPERE, NUMBER, OHM, SECOND, SIEMENS, VOLT, Dimension, Quantity

REST = math.nan
"""The SI value of ``u_0: rest``: u starts at b*v_0."""

NEVER = math.inf
"""The SI value of null where it stands for no end: ``offset``, ``pulses``, ``stop``, ``count``."""

Value = Quantity | int | bool | str | None | list[Any] | dict[str, Any]
"""A checked value: a quantity, or what YAML can hold where a key takes no quantity."""


@dataclass(frozen=True)
class QuantityKey:
    """A key that takes a quantity.

    Attributes
    ----------
    dimensions
        The dimensions that are allowed; none for a parameter of a model, which has that of its
        default.
    unit
        The unit of a bare number where the config's default names none.
    rule
        The bound in words, for the error; ``""`` for no bound.
    holds
        Whether an SI value keeps the rule.
    words
        Words that stand for a value, with the SI value: ``{"rest": nan}``.
    """

    dimensions: tuple[Dimension, ...]
    unit: str
    rule: str = ""
    holds: Callable[[float], bool] = lambda value: True
    words: Mapping[str | None, float] = field(default_factory=dict)


@dataclass(frozen=True)
class ChoiceKey:
    """A key that takes one of a few words."""

    options: tuple[str, ...]
    why: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class CountKey:
    """A key that takes a whole number, or None where `optional`."""

    rule: str
    holds: Callable[[int], bool]
    optional: bool = False


@dataclass(frozen=True)
class FreeKey:
    """A key that takes any value of some Python types; text of a form, where there is one."""

    types: tuple[type, ...]
    expected: str
    form: str = ".*"


@dataclass(frozen=True)
class RefusedKey:
    """A key that one might look for, and why there is none."""

    why: str


Key = QuantityKey | ChoiceKey | CountKey | FreeKey | RefusedKey


def _positive(what: str) -> tuple[str, Callable[[float], bool]]:
    return f"{what} is greater than 0", lambda value: value > 0


def _not_negative(what: str) -> tuple[str, Callable[[float], bool]]:
    return f"{what} is not negative", lambda value: value >= 0


_CURRENT = (VOLT, AMPERE)
_INPUTS = (*_CURRENT, NUMBER, units.dimension_of("volt/second"))
"""What the I of a neuron may be: a current that is written in one may be given in another."""
_PAIRS = (_CURRENT, (AMPERE, VOLT), (NUMBER, OHM, SIEMENS), (OHM, NUMBER), (SIEMENS, NUMBER))
LOCATED = ("located_rk2", "located_rk4")
"""Integration methods whose resets lie inside the step."""

METHODS = ("euler", "semi_implicit", "rk2", "rk4", *LOCATED, "exponential_euler", "exact")
"""Integration methods: Brian2's, by its names, and izhi's own."""

_METHOD = ChoiceKey(METHODS, {"linear": "Brian2's old name of exact; write exact"})

_NAME = re.compile(r"[A-Za-z]\w{0,63}", re.ASCII)
"""Names of parameters become names of variables in Python and in C++."""

FILE = FreeKey((type(None), str), "the name of a CSV or netCDF file")
"""A file of data; ``sha256`` beside it says what it held."""

SHA256 = FreeKey((type(None), str), "64 hexadecimal digits", "[0-9a-f]{64}")

TEXTS: dict[str, dict[str, Key]] = {
    "neuron": {
        "equations": FreeKey((str,), "equations such as dv/dt = (E_L - v + R*I)/tau : volt"),
        "threshold": FreeKey((str,), "a condition such as v > v_th"),
        "reset": FreeKey((str,), "statements such as v = c"),
        "file": FILE,
        "sha256": SHA256,
        "column": FreeKey((type(None), str), "the name of a column"),
        "time": FreeKey((type(None), str), "the name of a column"),
        "time_unit": FreeKey((type(None), str), "a unit such as ms"),
        "refractory": FreeKey((str,), "a time such as 2*ms, or a condition"),
        "method": _METHOD,
    },
    "synapse": {
        "equations": FreeKey((str,), "equations such as dx/dt = -x/tau : 1 (event-driven)"),
        "on_pre": FreeKey((str,), "statements such as I_S_post += weight"),
        "target": FreeKey((str,), "equations such as dI_S/dt = -I_S/tau_s : current"),
        "current": FreeKey((str,), "an expression such as I_S"),
    },
    "stimulus": {
        "current": FreeKey((str,), "an expression such as amplitude*int(t >= onset)"),
        "equations": FreeKey((str,), "equations such as phase = frequency*t : 1"),
        "file": FILE,
        "sha256": SHA256,
        "column": FreeKey((type(None), str), "the name of a column"),
        "time": FreeKey((type(None), str), "the name of a column"),
        "unit": FreeKey((type(None), str), "a unit such as nA"),
        "time_unit": FreeKey((type(None), str), "a unit such as ms"),
        "between": ChoiceKey(("linear", "hold")),
    },
}
"""What a model's config holds beside its name and its parameters, by group.

``constants``, a neuron's ``rest`` and what `DRAWN` names lie a level down.
"""

MODEL = FreeKey((str,), "a name such as izhikevich", r"[A-Za-z][\w-]{0,63}")
"""What a file calls its equations: said of them, and nothing that chooses others."""

DRAWN = {"neuron": "per_cell", "synapse": "per_synapse"}
"""Where a group's config says what each cell or synapse makes of its parameters."""

_PARAMETERS: dict[tuple[str, str], Key] = {
    ("synapse", "U_0"): QuantityKey(
        (), "", "a release probability lies in [0, 1]", lambda value: 0 <= value <= 1
    ),
    ("synapse", "delay"): QuantityKey((SECOND,), "ms", *_not_negative("a delay")),
    ("neuron", "stop"): QuantityKey((SECOND,), "ms", *_positive("a stop"), words={None: NEVER}),
    ("neuron", "count"): QuantityKey(
        (NUMBER,), "", *_positive("a number of spikes"), words={None: NEVER}
    ),
    ("stimulus", "onset"): QuantityKey((SECOND,), "ms", *_not_negative("an onset")),
    ("stimulus", "offset"): QuantityKey(
        (SECOND,), "ms", *_positive("an offset"), words={None: NEVER}
    ),
    ("stimulus", "period"): QuantityKey((SECOND,), "ms", *_positive("a period")),
    ("stimulus", "width"): QuantityKey((SECOND,), "ms", *_positive("a pulse's width")),
    ("stimulus", "interval"): QuantityKey((SECOND,), "ms", *_positive("an interval")),
    ("stimulus", "rise"): QuantityKey((SECOND,), "ms", *_positive("the time of a rise")),
    ("stimulus", "length"): QuantityKey((SECOND,), "ms", *_positive("a length")),
    ("stimulus", "pulses"): QuantityKey(
        (NUMBER,),
        "",
        "a number of pulses is whole, from 1 on, or null",
        lambda value: value >= 1 and value == math.floor(value),
        words={None: NEVER},
    ),
}
"""Parameters that mean the same in whatever model has them, by group and name."""

_NO_CLOCK = RefusedKey(
    "a synapse has the time step of the simulation, simulation.dt; within longer ones of its own "
    "nothing would decay or recover between spikes"
)
_NO_STEP = RefusedKey("the time step is one for all, simulation.dt")

_REFUSED: dict[tuple[str, str], RefusedKey] = {
    ("synapse", "dt"): _NO_CLOCK,
    ("synapse", "clock"): _NO_CLOCK,
    ("neuron", "dt"): _NO_STEP,
    ("stimulus", "dt"): _NO_STEP,
    ("synapse", "method"): RefusedKey(
        "a synapse's own equations are solved exactly from spike to spike, and those of its target "
        "like the neuron's, by simulation.method"
    ),
    ("synapse", "on_post"): RefusedKey("a synapse does something at presynaptic spikes, on_pre"),
}
"""By group and name."""

_FIXED: dict[str, Key] = {
    "simulation.duration": QuantityKey((SECOND,), "s", *_positive("a duration")),
    "simulation.dt": QuantityKey((SECOND,), "ms", *_positive("a time step")),
    "simulation.method": _METHOD,
    "simulation.v_max": QuantityKey((VOLT,), "V", *_positive("a bound")),
    "simulation.seed": CountKey("a seed is a whole number from 0 on", lambda value: value >= 0),
    "record.spikes": FreeKey((bool,), "true or false"),
    "record.traces": FreeKey(
        (type(None), str, list, dict),
        "null, all, a list of point numbers, or values by axis such as {neuron: chattering}",
    ),
    "record.interval": QuantityKey((SECOND,), "ms", *_positive("an interval")),
    "statistics.measures": FreeKey(
        (str, list), "all, or a list such as [firing_rate, isi_cv]", "all"
    ),
    "statistics.start": QuantityKey((SECOND,), "ms", *_not_negative("a window's start")),
    "statistics.stop": QuantityKey(
        (SECOND,), "ms", *_positive("a window's stop"), words={None: NEVER}
    ),
    "statistics.transient": QuantityKey((SECOND,), "ms", *_not_negative("a transient")),
    "statistics.refractory": QuantityKey((SECOND,), "ms", *_not_negative("a refractoriness")),
    "statistics.detector": ChoiceKey(("interval", "max_interval", "log_isi", "poisson_surprise")),
    **{
        f"statistics.{name}": QuantityKey((SECOND,), "ms", *_positive("an interval"))
        for name in (
            "max_interval",
            "begin_interval",
            "end_interval",
            "core_interval",
            "longest_interval",
        )
    },
    "statistics.min_spikes": CountKey("a burst has at least 2 spikes", lambda value: value >= 2),
    "statistics.min_gap": QuantityKey((SECOND,), "ms", *_not_negative("a gap")),
    "statistics.min_duration": QuantityKey((SECOND,), "ms", *_not_negative("a duration")),
    "statistics.void": QuantityKey(
        (NUMBER,), "", "a void parameter lies in [0, 1]", lambda value: 0 <= value <= 1
    ),
    "statistics.surprise": QuantityKey((NUMBER,), "", *_not_negative("a surprise")),
    "statistics.irregularity": QuantityKey((NUMBER,), "", *_not_negative("a local variation")),
    **{
        f"statistics.{name}": QuantityKey(
            (NUMBER,), "", "a ratio of intervals is at least 1", lambda value: value >= 1
        )
        for name in ("separation", "slowing")
    },
    "run.engine": ChoiceKey(("auto", "numpy", "compiled")),
    "run.n_jobs": CountKey(
        "write a number of workers, or -1 for one for each core", lambda value: value != 0
    ),
    "run.profile": FreeKey((bool,), "true or false"),
    "run.report": ChoiceKey(("stored", "sample", "none")),
    "run.backend": ChoiceKey(("loky", "sequential", "dask")),
    "run.scheduler": FreeKey(
        (type(None), str),
        "the address of a Dask scheduler such as tcp://10.0.0.1:8786",
        r"(tcp|tls|ucx|ws|wss)://[\w.:\[\]-]+:\d+",
    ),
    "run.on_failure": ChoiceKey(("continue", "stop")),
    "run.shard_points": CountKey(
        "a shard holds at least 1 point", lambda value: value >= 1, optional=True
    ),
    "study.name": FreeKey((type(None), str, int, float), "a name for the study's folder"),
    "study.dir": FreeKey((str,), "a folder"),
    "circuit.populations": FreeKey((dict,), "a mapping such as {a: {count: 2, stimulated: true}}"),
    "circuit.projections": FreeKey((dict,), "a mapping such as {a_to_b: {source: a, target: b}}"),
}
_POPULATION: dict[str, Key] = {
    "count": CountKey("a population has 1 to 10,000 cells", lambda value: 1 <= value <= 10_000),
    "stimulated": FreeKey((bool,), "true or false"),
}
_PROJECTION: dict[str, Key] = {
    "source": FreeKey((str,), "the name of a population"),
    "target": FreeKey((str,), "the name of a population"),
    "connect": ChoiceKey(("all", "one_to_one", "chain", "ring", "random")),
    "probability": QuantityKey(
        (NUMBER,), "", "a probability lies in [0, 1]", lambda value: 0 <= value <= 1
    ),
}

_MOST_BITS = 10_000

WHOLE = ("record.traces", "circuit.projections", "circuit.populations")
"""Keys whose value may be a mapping, and an empty one at that."""

STUDY_WIDE = ("study.", "run.", "record.", "statistics.")
"""Starts of keys that hold for a whole study: sweeping them would give the same points twice."""

_LATER = ("run.report",)
"""Keys that older studies do not have."""

_NEEDED = (
    "simulation.duration", "simulation.dt", "simulation.method", "simulation.v_max", "study.dir",
    *(key for key in _FIXED if key.startswith(("run.", "record.", "statistics."))
      and key not in _LATER),
)  # fmt: skip
"""Keys that every config has, whatever its circuit."""


def key_of(name: str) -> Key | None:
    """Return what the dotted key `name` takes, or None where there is no such key."""
    parts = name.split(".")
    if name in _FIXED:
        return _FIXED[name]
    if parts[:2] == ["circuit", "populations"] and len(parts) == 4:
        return _POPULATION.get(parts[3])
    if parts[:2] == ["circuit", "projections"] and len(parts) == 4:
        return _PROJECTION.get(parts[3])
    if parts[0] in TEXTS:
        return _model_key(parts[0], parts[1:])
    if len(parts) > 1 and parts[1] in TEXTS:  # post.neuron.a: one population's own neuron
        return _model_key(parts[1], parts[2:])
    return None


def _model_key(group: str, parts: list[str]) -> Key | None:
    """Return what a key of a model takes: a text, or a parameter that its equations name."""
    if len(parts) == 2 and _NAME.fullmatch(parts[1]):
        if parts[0] == "rest" and group == "neuron":
            return FreeKey((str,), "an expression such as b*v_0")
        if parts[0] == DRAWN.get(group):
            return FreeKey((str, int, float), "an expression such as uniform(0, 1)")
        if parts[0] == "constants" and group != "stimulus":
            return QuantityKey((), "")
        if group != "stimulus":
            return None
        parts = parts[1:]  # stimulus.background.amplitude: one of several stimuli
    if len(parts) != 1 or not _NAME.fullmatch(parts[0]):
        return None
    name = parts[0]
    if name == "model":
        return MODEL
    if name in ("constants", DRAWN.get(group)) or (group, name) == ("neuron", "rest"):
        return FreeKey((dict,), "a mapping such as {C: 140 mV}")
    known = TEXTS[group].get(name) or _PARAMETERS.get((group, name)) or _REFUSED.get((group, name))
    return known or _parameter(name, group == "neuron" and name.endswith("_0"))


def is_parameter(name: str) -> bool:
    """Return whether a key is a quantity of a model, which may differ from cell to cell."""
    parts = name.split(".")
    of_model = parts[0] in TEXTS or (len(parts) > 1 and parts[1] in TEXTS)
    return of_model and isinstance(key_of(name), QuantityKey) and "constants" not in parts


def is_text(name: str) -> bool:
    """Return whether a key takes a text: a name or an expression, as it was typed."""
    key = key_of(name)
    return name == "study.name" or (isinstance(key, FreeKey) and {*key.types} <= {type(None), str})


def takes_null(name: str) -> bool:
    """Return whether a key that takes a text may be null, too."""
    key = key_of(name)
    return isinstance(key, FreeKey) and type(None) in key.types


def starts(name: str) -> bool:
    """Return whether a key gives what a neuron's state starts at, as ``neuron.v_0`` does."""
    parts = name.split(".")
    return parts[-1].endswith("_0") and "neuron" in parts[-2:-1]


def _parameter(name: str, starts: bool) -> QuantityKey:
    words: dict[str | None, float] = {"rest": REST} if starts else {}
    if name.startswith("tau"):
        return QuantityKey((), "", *_positive("a time constant"), words=words)
    return QuantityKey((), "mV" if starts else "", words=words)


def known_keys() -> list[str]:
    """Return the keys that need no name of a population."""
    texts = [f"{group}.{name}" for group, found in TEXTS.items() for name in ("model", *found)]
    return [*_FIXED, *texts]


def missing_key(name: str) -> ConfigError:
    """Return the error for a key that is not there, with a value that it may have."""
    known = key_of(name)
    such = f" such as {example(known.unit)}" if isinstance(known, QuantityKey) else ""
    return ConfigError(f"{name}: missing; expected a value{such}")


def check_whole(config: Mapping[str, Any]) -> None:
    """Check that a config, as dotted keys, says how long and how to simulate, record and run.

    Raises
    ------
    ConfigError
        Naming the key that is missing.
    """
    for key in _NEEDED:
        if key not in config:
            group = key.partition(".")[0]
            raise unknown_key(group, known_keys()) if group in config else missing_key(key)


def unknown_key(name: str, present: Iterable[str]) -> ConfigError:
    """Return the error for a key that does not exist, with the nearest one that does."""
    names = list(present)
    known = key_of(name)
    if isinstance(known, RefusedKey):
        return ConfigError(f"{name}: {known.why}")
    last_part = name.rpartition(".")[2]
    if known is None and name.partition(".")[0] in TEXTS and not _NAME.fullmatch(last_part):
        if not re.search(r"/dt|[= ]", name):
            said = "no name for a parameter; expected letters, digits and _, with a letter first"
            return ConfigError(f"{name}: {said}")
        return ConfigError(
            f"{name}: no such key; lines of equations are indented below equations: |"
        )
    if known is None and name.startswith("circuit.") and name.count(".") > 1:
        return ConfigError(f"{name}: no such key; {_of_circuit(name)}")
    below = [other for other in names if other.startswith(f"{name}.")]
    if below:
        main = [f"{name}.{text}" for text in ("on_pre", "equations", "current")]
        such = next((key for key in main if key in below), min(below))
        return ConfigError(f"{name}: expected keys below it, such as {such}")
    last = {known.rsplit(".", 1)[-1]: known for known in names}
    if "." not in name and name in last:
        return ConfigError(f"{name}: no such key; did you mean {last[name]}?")
    group = name.rpartition(".")[0]
    siblings = [known for known in names if known.rpartition(".")[0] == group]
    if not siblings:
        top = {known.partition(".")[0] for known in names}
        owner, _, kind = group.rpartition(".")
        if key_of(name) is not None and owner and kind in TEXTS:
            what = "projection" if kind == "synapse" else "population"
            such = {"neuron": "regular_spiking", "synapse": "static", "stimulus": "step"}[kind]
            return ConfigError(
                f"{name}: no such key; that {what} has no {kind} of its own, "
                f"which {kind}@{group}={such} gives it"
            )
        return ConfigError(f"{name}: no such key{did_you_mean(name, names, top)}")
    leaves = (key.rpartition(".")[2] for key in siblings if group)
    near = did_you_mean(name.rpartition(".")[2], leaves, ())
    if key_of(name) is not None and not near:
        return ConfigError(f"{name}: the chosen {group} has only {', '.join(sorted(siblings))}")
    if near:
        return ConfigError(f"{name}: no such key{near.replace('mean ', f'mean {group}.')}")
    return ConfigError(f"{name}: no such key{did_you_mean(name, siblings)}")


def _of_circuit(name: str) -> str:
    """Return what a key of a circuit that does not exist may have been meant to be."""
    kind, parts = name.split(".")[1], name.split(".")[2:]
    there = {"populations": _POPULATION, "projections": _PROJECTION}.get(kind)
    if there is None:
        return "a circuit has populations and projections"
    such = ", ".join(f"{key}: ..." for key in there)
    return f"write circuit.{kind}.{parts[0]} as {{{such}}}"


def is_unicode(text: str) -> bool:
    """Return whether a text is one in UTF-8: Python reads other bytes of a name as surrogates."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def shown(given: Any) -> str:
    """Return a value as the user may have written it, cut to a line."""
    line = in_words(given) or "''"
    return line if len(line) <= 80 else line[:77] + "..."


def in_words(given: Any) -> str:
    """Return a value as the user may have written it, on one line."""
    if isinstance(given, Quantity) and given.unit in ("null", "rest"):
        text = given.unit
    elif isinstance(given, Quantity):
        text = f"{given.number!r} {given.unit}".replace(".0 ", " ").strip()
    elif given is None or isinstance(given, bool):
        text = {None: "null", True: "true", False: "false"}[given]
    else:
        try:
            text = str(given)
        except ValueError:  # Python writes no whole number of more than 4300 digits
            text = "a number of thousands of digits"
    return " ".join(text.split())


def check_value(name: str, given: Any, default_unit: str | None = None) -> Value:
    """Check one value of one key.

    Parameters
    ----------
    name
        The dotted key.
    given
        What the config or the override holds.
    default_unit
        The unit of a bare number; None for the key's own.

    Raises
    ------
    ConfigError
        Naming the key, the value, what was expected.
    """
    key = key_of(name)
    if key is None:
        raise unknown_key(name, known_keys())
    if isinstance(given, int) and given.bit_length() > _MOST_BITS:  # Python cannot write it
        raise ConfigError(f"{name}: a whole number of more than {_MOST_BITS:,} bits")
    if isinstance(key, RefusedKey):
        raise ConfigError(f"{name} = {shown(given)}: {key.why}")
    if isinstance(key, QuantityKey):
        return _check_quantity(name, key, given, default_unit)
    if isinstance(key, ChoiceKey):
        if not isinstance(given, str) or given not in key.options:
            text = shown(given)
            why = key.why.get(text) or f"no such choice{did_you_mean(text, key.options)}"
            raise ConfigError(f"{name} = {shown(given)}: {why}")
        return given
    if isinstance(key, CountKey):
        if given is None and key.optional:
            return None
        if isinstance(given, float) and given.is_integer():
            given = int(given)
        if isinstance(given, bool) or not isinstance(given, int) or not key.holds(given):
            raise ConfigError(f"{name} = {shown(given)}: {key.rule}")
        if abs(given) > 2**31 - 1:
            raise ConfigError(f"{name} = {shown(given)}: at most {2**31 - 1}")
        return given
    return _check_free(name, key, given)


def _check_free(name: str, key: FreeKey, given: Any) -> Value:
    if not isinstance(given, key.types) or (
        given == ""
        or (isinstance(given, bool) and bool not in key.types)
        or (isinstance(given, str) and not re.fullmatch(key.form, given, re.DOTALL))
    ):
        raise ConfigError(f"{name} = {shown(given)}: expected {key.expected}")
    if isinstance(given, int | float) and not isinstance(given, bool):
        return str(given)  # a study named 2026
    return cast(Value, given)


def _check_quantity(name: str, key: QuantityKey, given: Any, default_unit: str | None) -> Quantity:
    if given is None or isinstance(given, str):
        for word, si in key.words.items():
            if given == word or (word is None and given in ("null", "none")):
                dimension = (*key.dimensions, VOLT)[0]  # a word's is of no consequence
                return Quantity(si, dimension, si, "null" if word is None else word)
    unit = key.unit if default_unit is None else default_unit
    allowed = key.dimensions or _like(default_unit)
    if given is None:
        raise ConfigError(f"{name} = null: expected {_expected(key, allowed, unit)}")
    try:
        quantity = units.parse(given)
        if quantity.unit == "" and unit and quantity.dimension == NUMBER:
            quantity = units.with_unit(quantity.number, unit)
    except ConfigError as error:
        raise ConfigError(f"{name} = {shown(given)}: {error}") from None
    entering = not key.dimensions and set(allowed) == set(_CURRENT)
    if allowed and quantity.dimension not in (_INPUTS if entering else allowed):
        raise ConfigError(
            f"{name} = {shown(given)}: expected {_expected(key, allowed, unit)}, "
            f"not {units.name_of(quantity.dimension)}"
        )
    if not key.holds(quantity.si):
        raise ConfigError(f"{name} = {shown(given)}: {key.rule}")
    return quantity


def _like(default_unit: str | None) -> tuple[Dimension, ...]:
    """Return what a parameter may be: as its default.

    Currents may be in volt or ampere, and R a number or in ohm; so then are conductances numbers
    or in siemens.
    """
    if default_unit is None:
        return ()
    own = units.dimension_of(default_unit)
    return next((pair for pair in _PAIRS if own == pair[0]), (own,))


def _expected(key: QuantityKey, allowed: tuple[Dimension, ...], unit: str) -> str:
    words = ["null" if word is None else word for word in key.words]
    kinds = " or ".join(map(units.name_of, allowed)) or "a quantity"
    return f"{' or '.join([kinds, *words])} such as {example(unit)}"


def example(unit: str) -> str:
    """Return a value in a unit, to show how one is written: ``"10 mV"``."""
    if unit == "":
        return "0.5"
    return f"10{unit[1:]}" if unit.startswith("1/") else f"10 {unit}"
