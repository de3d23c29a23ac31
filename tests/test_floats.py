"""What a program has told numpy of overflows and the like is no matter to izhi."""

from __future__ import annotations

import numpy as np
import pytest

import izhi
from izhi import floats

TINY = ["circuit=single", "simulation.duration='50 ms'", "stimulus.onset='2 ms'", "run.n_jobs=1"]


@pytest.fixture
def strict():
    """Have numpy raise errors where it warns, or is silent, by itself."""
    before = np.seterr(all="raise")
    yield
    assert np.geterr() == dict.fromkeys(before, "raise")
    np.seterr(**before)


@pytest.mark.parametrize("engine", ["numpy", "compiled"])
@pytest.mark.parametrize("amplitude", ["1e-300 mV", "1e300 mV"])
def test_a_run_is_the_same(engine, amplitude, compiler, strict, tmp_path) -> None:
    overrides = [*TINY, f"stimulus.amplitude='{amplitude}'", f"run.engine={engine}"]
    assert izhi.check(overrides).errors == ()
    assert izhi.plan(overrides).points == 1
    study = izhi.run(overrides, name="strict", dir=tmp_path, progress=False)
    with floats.usual():
        plain = izhi.run(overrides, name="plain", dir=tmp_path, progress=False)
    assert study.digest == plain.digest
    study.summary()
    study.spike_times("cell0")


def test_accuracy_pages_and_figures_are_made(strict, tmp_path) -> None:
    overrides = [*TINY, "neuron=chattering", "stimulus.amplitude=0,20", "run.engine=numpy"]
    study = izhi.run(overrides, name="s", dir=tmp_path, progress=False)
    assert izhi.write_report(study, tmp_path / "page.html").is_file()
    assert izhi.plot(study, "trace", amplitude=20) is not None
    rows = izhi.converge([*TINY, "neuron=chattering", "stimulus.amplitude=20"], points=1,
                         halvings=1, progress=False)  # fmt: skip
    assert len(rows)


def test_what_was_asked_for_is_given_back(strict) -> None:
    @floats.usual()
    def smallest() -> float:
        return float(np.float64(1e-200) * np.float64(1e-200))

    assert smallest() == smallest() == 0
    with pytest.raises(FloatingPointError), floats.usual():
        raise FloatingPointError
