"""izhi: parameter sweeps of Izhikevich neurons and Tsodyks-Markram synapses in Brian2.

Examples
--------
>>> import izhi
>>> study = izhi.run(["neuron=chattering", "stimulus.amplitude=8,10"])   # doctest: +SKIP
>>> study.summary()                                                      # doctest: +SKIP
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from izhi.api import check, converge, open_study, plan, plot, run, write_report
    from izhi.errors import ConfigError, EngineError, IzhiError, StorageError, StudyError
    from izhi.study.check import Check
    from izhi.study.study import Study
    from izhi.sweep.plan import Plan

    __version__: str

_WHERE = {
    "run": "izhi.api",
    "plan": "izhi.api",
    "check": "izhi.api",
    "converge": "izhi.api",
    "open_study": "izhi.api",
    "plot": "izhi.api",
    "write_report": "izhi.api",
    "Plan": "izhi.sweep.plan",
    "Check": "izhi.study.check",
    "Study": "izhi.study.study",
    "IzhiError": "izhi.errors",
    "ConfigError": "izhi.errors",
    "EngineError": "izhi.errors",
    "StudyError": "izhi.errors",
    "StorageError": "izhi.errors",
}

# Grouped by purpose: what to call, what it gives, what can go wrong.
__all__ = [  # noqa: RUF022
    "run",
    "plan",
    "check",
    "converge",
    "open_study",
    "plot",
    "write_report",
    "Plan",
    "Check",
    "Study",
    "IzhiError",
    "ConfigError",
    "EngineError",
    "StudyError",
    "StorageError",
]


def __getattr__(name: str) -> Any:
    """Import what is asked for when it is asked for: ``import izhi`` itself costs nothing."""
    if name == "__version__":
        return importlib.import_module("importlib.metadata").version("izhi")
    if name in _WHERE:
        return getattr(importlib.import_module(_WHERE[name]), name)
    raise AttributeError(f"module 'izhi' has no attribute {name!r}")


def __dir__() -> list[str]:
    """Return the public names."""
    return sorted([*__all__, "__version__"])
