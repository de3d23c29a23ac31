"""Brian2's preferences: none are read from files, a program's own change no bit and stay."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

import izhi
from izhi.engine import runtime

TINY = ["circuit=single", "simulation.duration='100 ms'", "stimulus.amplitude=20", "run.n_jobs=1"]
READ = "core.default_float_dtype = __import__('os').system('touch was-read') or float32\n"


def test_no_file_of_preferences_is_read(tmp_path) -> None:
    for name in ("brian_preferences", "home/.brian/user_preferences"):
        (tmp_path / name).parent.mkdir(exist_ok=True, parents=True)
        (tmp_path / name).write_text(READ)
    code = """
import sys
from izhi.engine.runtime import quiet_brian
with quiet_brian() as brian2:
    assert brian2.prefs.core.default_float_dtype.__name__ == "float64"
assert not __import__("os").path.exists("was-read")
assert not any("izhi" in type(finder).__module__ for finder in sys.meta_path)
brian2.prefs.load_preferences()  # what a program does on purpose
assert __import__("os").path.exists("was-read")
"""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True,
        env={"HOME": str(tmp_path / "home"), "PATH": "/usr/bin:/bin"},
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")


@pytest.fixture
def brian2():
    """Give Brian2, and leave its preferences and its device as they were."""
    with runtime.quiet_brian() as module:
        pass
    preferences, device = module.prefs, sys.modules["brian2.devices.device"]
    before = dict(preferences), device.active_device, list(device.previous_devices)
    schedule = list(preferences.core.network.default_schedule)
    yield module
    preferences.prefs.update(before[0])
    preferences.core.network.default_schedule[:] = schedule
    device.active_device, device.previous_devices[:] = before[1:]


def test_what_a_program_has_set_changes_no_bit_and_is_given_back(brian2, tmp_path) -> None:
    def spikes(name: str):
        study = izhi.run([*TINY, "run.engine=numpy"], name=name, dir=tmp_path, progress=False)
        return study.spike_times("cell0")

    expected = spikes("before")
    assert expected.size > 0
    preferences, device = brian2.prefs, sys.modules["brian2.devices.device"]
    preferences.core.default_float_dtype = np.float32
    preferences.core.default_integer_dtype = np.int64
    preferences.codegen.loop_invariant_optimisations = False
    preferences.codegen.target = "numpy"
    preferences.core.network.default_schedule.reverse()
    brian2.defaultclock.dt = 0.3 * brian2.ms
    clock, times = device.active_device.defaultclock, brian2.defaultclock.t
    state = dict(preferences)
    assert np.array_equal(spikes("set"), expected)
    assert dict(preferences) == state
    assert device.active_device.defaultclock is clock
    assert (brian2.defaultclock.dt, brian2.defaultclock.t) == (0.3 * brian2.ms, times)
    brian2.set_device("cpp_standalone", build_on_run=False, directory=str(tmp_path / "theirs"))
    previous = list(device.previous_devices)
    assert np.array_equal(spikes("device"), expected)
    assert brian2.get_device() is brian2.all_devices["cpp_standalone"]
    assert device.previous_devices == previous
    assert not (tmp_path / "theirs").exists()


def test_a_run_that_fails_gives_all_back(brian2) -> None:
    brian2.prefs.codegen.target = "numpy"
    state = dict(brian2.prefs)
    with pytest.raises(ZeroDivisionError), runtime.quiet_brian():
        raise ZeroDivisionError
    assert dict(brian2.prefs) == state
