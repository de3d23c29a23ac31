"""What all tests share: builds that last for the session, and a guard of the process's state."""

import functools
import gc
import itertools
import os

import pytest
from hypothesis import settings

import izhi
from izhi.engine import cache, runtime
from izhi.report.page import make

from . import programs
from .browser import browser  # noqa: F401

# What gives no number of examples of its own has this one. Each run draws others.
settings.register_profile("izhi", max_examples=30)
settings.load_profile("izhi")


def pytest_collection_finish() -> None:
    """Let the collector of garbage pass over what stays: all that was imported, and the tests."""
    gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def builds_of_the_session(tmp_path_factory):
    """Keep C++ programs in a folder of this session: neither take the user's nor leave any.

    The processes of pytest-xdist have it in common; each has a folder of its own inside that of the
    session, and what one of them has built the others need not build.
    """
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(folder / "cache"))
        yield


@pytest.fixture(scope="session", autouse=True)
def split_expressions():
    """Take apart each text of Brian2's methods once, and not for every group of cells again."""
    with runtime.quiet_brian():
        from brian2.stateupdaters import explicit
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(explicit, "split_expression", functools.cache(explicit.split_expression))
        yield


@pytest.fixture(scope="session", autouse=True)
def at_end():
    """Write no page at the end of runs in this process; give what would have written it."""
    with pytest.MonkeyPatch.context() as patch:
        real = make.at_end
        patch.setattr(make, "at_end", lambda folder, sweep: None)
        yield real


@pytest.fixture(autouse=True)
def process_left_as_it_was(builds_of_the_session):
    """Fail a test after which the working folder or the environment is another."""
    folder, before = os.getcwd(), _environment()
    yield
    folder_now, now = os.getcwd(), _environment()
    changed = {
        name: (before.get(name), now.get(name))
        for name in before.keys() | now.keys()
        if before.get(name) != now.get(name)
    }
    os.chdir(folder)
    for name, (value, _) in changed.items():
        os.environ.pop(name, None)
        if value is not None:
            os.environ[name] = value
    assert folder_now == folder
    assert not changed


def _environment():
    # pytest notes the running test, and netCDF4 and joblib set theirs once they are imported
    others = ("PYTEST_CURRENT_TEST", "HDF5_PLUGIN_PATH", "KMP_INIT_AT_FORK")
    return {name: value for name, value in os.environ.items() if name not in others}


@pytest.fixture(scope="module")
def quick_builds(builds_of_the_session):
    """Write programs in this process and compile them with less optimisation; keep them apart."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", f"{os.environ['XDG_CACHE_HOME']}-quick")
        patch.setattr(cache, "_run_build", programs.build_here)
        yield


@pytest.fixture(scope="session")
def compiler():
    """Skip a test of the compiled engine where nothing can be compiled."""
    if cache.compiler() is None:
        pytest.skip("there is no C++ compiler")


@pytest.fixture(scope="session")
def run(tmp_path_factory):
    """Give ``izhi.run`` with name, folder and one process: ``run("neuron=chattering", ...)``."""
    folder, numbers = tmp_path_factory.mktemp("studies"), itertools.count()

    def run(*overrides, **settings):
        if not any(override.lstrip("+").startswith("run.n_jobs=") for override in overrides):
            settings.setdefault("n_jobs", 1)  # several processes test at once already
        name = f"study{next(numbers)}"
        return izhi.run(list(overrides), name=name, dir=folder, progress=False, **settings)

    return run
