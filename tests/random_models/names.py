"""Names that a user may give: most plain, some that mean something to a language or to Brian2."""

from __future__ import annotations

from tests.random_models.choices import Choices

PLAIN = (
    "a", "b", "c", "d", "g", "h", "k", "m", "p", "q", "r", "w", "x", "y", "z", "alpha", "beta",
    "gain", "level", "theta", "K", "G", "W", "x1", "x2", "xx", "ab", "abc", "a_b", "u",
)  # fmt: skip
WORDS = (
    # of C++
    "long", "new", "default", "double", "int32_t", "auto", "this", "delete", "template", "register",
    "NAN", "INFINITY", "M_PI", "size_t", "bool", "char", "float", "signed", "union", "using",
    "operator", "namespace", "std", "main", "abort", "stdin", "errno", "assert", "small", "near",
    # of Python and numpy
    "list", "len", "min", "max", "sum", "type", "id", "numpy", "np", "object", "print", "range",
    "self", "None_", "math", "sys", "array", "where", "nan", "Inf", "__name", "match",
    # of Brian2
    "lastupdate", "N_incoming", "N_outgoing", "variables", "group", "clock", "namespace_",
    "spikes", "indices", "delay", "source", "target", "pre", "post", "synapses", "state",
    "not_refractory_", "events", "run_regularly", "method", "order", "when", "name", "add",
    "t_", "i_", "j_", "rand_", "cells", "subgroup", "dynamic", "thresholder",
    # of izhi's own programs
    "drive", "v_max", "chunk", "step", "replicas", "input", "output", "recording", "Recording",
    "Queue", "Given", "changes", "stored", "storedx", "before", "simulate", "power", "fire",
    "circuit_cells", "bits_of", "first_of", "target_of", "recorded", "noise_low", "edge_0_step",
    "onset_step", "onset", "located_part", "portable_exp", "count", "cells_p0", "synapses_j0",
)  # fmt: skip
SUFFIXES = ("_pre", "_post", "_0", "_draw0", "_syn", "_step", "x", "_", "2", "_low", "_slow", "_d")
PREFIXES = ("stored", "d", "v_", "t_", "num", "ptr", "array_", "p0_", "j0_")

NOT_OFFERED = frozenset(
    ["e", "pi", "inf", "t", "dt", "i", "j", "N", "I", "xi", "s", "ms", "mV", "h", "g", "m",
     "equations", "threshold", "reset", "file", "sha256", "column", "time", "unit", "time_unit",
     "refractory", "method", "model", "rest", "constants", "per_cell", "per_synapse", "on_pre",
     "on_post", "target", "current", "between", "draw", "clock", "delay"]
)  # fmt: skip
"""What stands for something else in equations, or is another key of a model's config."""


class Names:
    """Names for what belongs together; each is given once."""

    def __init__(self, choices: Choices, wild: bool, taken: set[str]) -> None:
        self.choices, self.wild, self.taken = choices, wild, taken

    def new(self) -> str:
        """Return a name that nothing here has."""
        name = self._any()
        while name in self.taken or name in NOT_OFFERED or name.startswith("_"):
            name = f"{name}{self.choices.pick('abcdefgh')}" if name[0] != "_" else f"n{name}"
        self.taken.add(name)
        return name

    def _any(self) -> str:
        kind = self.choices.number(0, 99) if self.wild else 0
        if kind < 55:
            return self.choices.pick(PLAIN)
        if kind < 80:
            return self.choices.pick(WORDS)
        known = sorted(self.taken) or ["x"]
        if kind < 95:
            return self.choices.pick(known) + self.choices.pick(SUFFIXES)
        return self.choices.pick(PREFIXES) + self.choices.pick(known)
