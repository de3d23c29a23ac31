"""What axes are called: as briefly as they can be, and as nothing else in a dataset."""

from __future__ import annotations

import re
from collections.abc import Iterable

from izhi.config.sweep import Axis, Base

STATISTICS = frozenset([
    "spike_count", "firing_rate", "transient_rate", "steady_rate", "first_spike_latency",
    "isi_mean", "isi_median", "isi_min", "isi_cv", "cv2", "lv", "lvr", "adaptation_index",
    "adaptation_ratio", "burst_count", "burst_rate", "spikes_per_burst", "burst_duration",
    "intraburst_frequency", "interburst_interval", "burst_share", "regime", "release_mean",
    "paired_pulse_ratio", "steady_release_ratio", "transmitted_charge", "transfer_ratio",
])  # fmt: skip
"""Names of all statistics, whichever a study keeps; those of `izhi.spikes.STATISTICS`."""

_DATASET = frozenset([
    "cell", "connection", "has_projection", "point", "projection", "spike", "spike_time", "spikes",
    "status", "time", "trace", "traces", "train",
])  # fmt: skip
"""Other names that datasets have."""

_INPUT = "I"
_STATE = re.compile(r"\bd([A-Za-z]\w*)/dt\s*=")


def named(axes: tuple[Axis, ...], bases: Iterable[Base]) -> tuple[Axis, ...]:
    """Name axes by the last part of their key, by the whole key where two names would clash.

    Parameters
    ----------
    axes
        All axes.
    bases
        The composed configs: what their neurons call states, traces have as names.
    """
    taken = {*STATISTICS, *_DATASET, *_traced(axes, bases)}
    last = [axis.key.rsplit(".", 1)[-1].rsplit("/", 1)[-1] for axis in axes]
    return tuple(
        axis.renamed(axis.key if last.count(name) > 1 or name in taken else name)
        for axis, name in zip(axes, last, strict=True)
    )


def _traced(axes: tuple[Axis, ...], bases: Iterable[Base]) -> set[str]:
    """Return the names that traces may have: those of all states, and of the input."""
    texts = [
        text for base in bases for key, text in (*base.values.items(), *base.swept.items())
        if _is_equations(key)
    ]  # fmt: skip
    for axis in axes:
        texts += [] if axis.values is None or not _is_equations(axis.key) else list(axis.values)
    return {_INPUT, *(name for text in texts for name in _STATE.findall(str(text)))}


def _is_equations(key: str) -> bool:
    return f".{key}".endswith(".neuron.equations")
