"""Brian2's preferences and device while izhi uses Brian2: its own defaults, read from no file.

Brian2 evaluates the values in a file ``brian_preferences`` of the working folder as Python, and
numbers of another precision, or another order of a step's parts, would be other results.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from types import ModuleType
from typing import Any

_MODULE = "brian2.core.preferences"

_SCHEDULE = ["start", "groups", "thresholds", "synapses", "resets", "end"]
"""Parts of a time step in Brian2's own order: a program may have changed the default in place."""


class _Loader(SourceFileLoader):
    """Loads Brian2's module of preferences, with nothing in the place of what reads files."""

    def exec_module(self, module: ModuleType) -> None:
        super().exec_module(module)
        preferences: Any = module.BrianGlobalPreferences
        self.reads_files = preferences.load_preferences
        preferences.load_preferences = lambda _: None


class _Finder:
    """Finds Brian2's module of preferences for `_Loader`."""

    loader: _Loader | None = None

    def find_spec(self, name: str, path: Any, _: ModuleType | None = None) -> ModuleSpec | None:
        spec = PathFinder.find_spec(name, path) if name == _MODULE else None
        if spec is not None and spec.origin is not None:
            self.loader = spec.loader = _Loader(name, spec.origin)
        return spec


@contextlib.contextmanager
def without_files() -> Iterator[None]:
    """Let an import of Brian2 read no preferences; afterwards a program may have them read."""
    finder: Any = _Finder()
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)
        if finder.loader is not None and _MODULE in sys.modules:
            module: Any = sys.modules[_MODULE]
            module.BrianGlobalPreferences.load_preferences = finder.loader.reads_files


@contextlib.contextmanager
def pinned(**values: Any) -> Iterator[None]:
    """Set all of Brian2's preferences to its defaults, and its device to that of this process.

    What a program has set, its device and its clock are given back at the end.

    Parameters
    ----------
    **values
        Preferences that are others than Brian2's defaults, with ``__`` for a dot.
    """
    from brian2.core.preferences import prefs

    devices: Any = sys.modules["brian2.devices.device"]  # in Brian2's package, a device is that
    set_before = dict(prefs.prefs)
    defaults = {
        f"{category}.{name}": preference.default
        for category, (preferences, _) in prefs.pref_register.items()
        for name, preference in preferences.items()
    }
    fixed = {name.replace("__", "."): value for name, value in values.items()}
    active, active_before = devices.active_device, list(devices.previous_devices)
    runtime = devices.runtime_device
    clock, limit = runtime.defaultclock, runtime._maximum_run_time
    try:
        prefs.prefs.update(defaults | {"core.network.default_schedule": _SCHEDULE} | fixed)
        devices.active_device = runtime
        runtime.defaultclock = None
        runtime.activate()  # has a clock made, and sets no limit to a run
        _forget_statements()
        yield
    finally:
        runtime.defaultclock, runtime._maximum_run_time = clock, limit
        devices.active_device, devices.previous_devices[:] = active, active_before
        prefs.prefs.clear()
        prefs.prefs.update(set_before)
        _forget_statements()


def _forget_statements() -> None:
    """Have statements made anew: Brian2 keeps them, whatever preferences they were made with."""
    from brian2.codegen.translation import make_statements

    make_statements._cache.clear()
