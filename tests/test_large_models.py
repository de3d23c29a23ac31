"""Large equations: what the checks accept runs on both engines, the rest is one line."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

import izhi
from izhi.errors import ConfigError

BASE = ["circuit=single", "synapse=none", "neuron=large", "simulation.duration=20 ms",
        "stimulus.onset=1 ms", "stimulus.amplitude=30 mV"]  # fmt: skip
LEVELS = "more than 150 operators inside one another, as in a sum of so many terms; expected fewer"


def total(number: int, between: str = " + ") -> str:
    return between.join(f"p{k}" for k in range(number))


def sum_of_sums(number: int) -> str:
    return " + ".join(f"({' + '.join(f'p{k + j}' for j in range(10))})"
                      for k in range(0, number, 10))  # fmt: skip


def chain(number: int) -> str:
    """Return subexpressions of which each names the next."""
    lines = [f"x{k} = x{k + 1}*2 : volt\n" for k in range(number)]
    return "".join(lines) + f"x{number} = v : volt"


def neuron(folder: Path, slope: str, lines: str = "", **texts: object) -> str:
    model = {"model": "large", "equations": f"dv/dt = ({slope} + I)/(10*ms) : volt\n{lines}",
             "threshold": "v > 20*mV", "reset": "v = 0*mV", **texts}  # fmt: skip
    words = str(model)
    model |= {f"p{k}": "0.1 mV" for k in range(1200) if f"p{k}" in words}
    (folder / "neuron").mkdir(exist_ok=True)
    (folder / "neuron" / "large.yaml").write_text(yaml.safe_dump(model))
    return str(folder)


LARGEST = {
    "a sum": {"slope": f"{total(146)} - v"},
    "a sum of sums": {"slope": f"{sum_of_sums(140)} - v"},
    "brackets": {"slope": f"{'(' * 149}-v{')' * 149}"},
    "subexpressions in one another": {"slope": "x0*1e-40 - v", "lines": chain(140)},
    "a threshold": {"slope": "-v", "threshold": f"v > {total(148)}"},
    "a reset": {"slope": "-v", "reset": f"v = -({total(148)})"},
    "a refractory period": {"slope": "-v", "refractory": f"ms*({total(146)})/mV"},
    "alternatives": {"slope": "-v", "threshold": total(400, " > 1*mV or ") + " > 1*mV or v > 9*mV"},
    "differences between cells": {"slope": "a - v", "per_cell": {"a": total(149)}},
    "functions": {"slope": f"mV*{'sin(' * 26}v/mV{')' * 26} - v"},
    "functions of any unit": {"slope": "clip(clip(clip(v, -mV, mV), -mV, mV), -mV, mV) - v"},
}


IN_SECONDS = ("a sum",)
"""What is built in a few seconds; the others are for the soak."""


@pytest.mark.parametrize("name", [
    pytest.param(name, marks=[pytest.mark.soak] * (name not in IN_SECONDS)) for name in LARGEST
])  # fmt: skip
def test_the_largest_equations_run(name, tmp_path, run, compiler) -> None:
    folder = neuron(tmp_path, **LARGEST[name])
    studies = [run(*BASE, f"run.engine={engine}", config_dir=folder)
               for engine in ("numpy", "compiled")]  # fmt: skip
    for study in studies:
        assert study.dataset.status.item() in (0, 3)
    numpy, compiled = (study.spike_times("cell0").tobytes() for study in studies)
    assert numpy == compiled


@pytest.mark.soak
def test_the_largest_equations_run_deep_inside_a_program(tmp_path, run) -> None:
    """Python's limit of calls inside one another leaves room for those of the caller."""
    folder = neuron(tmp_path, **LARGEST["a sum"])

    def inside(calls: int) -> izhi.Study:
        return inside(calls - 1) if calls else run(*BASE, "run.engine=numpy", config_dir=folder)

    assert inside(350).dataset.status.item() == 0


TOO_LARGE = {
    "a sum": ({"slope": total(196)}, f": {LEVELS}"),
    "a sum with what it names": ({"slope": f"x - {total(80)}", "lines": f"x = {total(80)} : volt"},
                                 f"dv/dt of cell, with all subexpressions that it names: {LEVELS}"),
    "a sum of sums": ({"slope": sum_of_sums(400)}, f": {LEVELS}"),
    "a sum of thousands": ({"slope": "+".join(["v"] * 5000)}, f": {LEVELS}"),
    "brackets": ({"slope": f"{'(' * 250}v{')' * 250}"},
                 ": more than 150 brackets inside one another"),
    "subexpressions in one another": (
        {"slope": "x0", "lines": chain(200)},
        f"x49 of cell, with all subexpressions that it names: {LEVELS}"),
    "subexpressions that double": (
        {"slope": "x0",
         "lines": "".join(f"x{k} = x{k + 1} + 2*x{k + 1} : volt\n" for k in range(60))
                  + "x60 = v : volt"},
        "with all subexpressions that it names: "),
    "a threshold": ({"slope": "-v", "threshold": f"v > {total(160)}"}, f": {LEVELS}"),
    "a reset": ({"slope": "-v", "reset": f"v = {total(160)}"}, f": {LEVELS}"),
    "differences between cells": ({"slope": "a - v", "per_cell": {"a": total(300)}}, f": {LEVELS}"),
    "a sum of 1,000 terms": ({"slope": "a - v", "per_cell": {"a": total(1000)}},
                             ": longer than 2,000 characters"),
    "functions of any unit": (
        {"slope": f"{'abs(' * 20}v{')' * 20}"},
        ": more than 6,000 names and numbers, where those inside abs, ceil, floor and sqrt count "
        "twice and those inside clip four times; expected fewer"),
}  # fmt: skip


@pytest.mark.parametrize("name", TOO_LARGE)
@pytest.mark.parametrize(
    "method", ["euler", pytest.param("exponential_euler", marks=pytest.mark.soak)]
)
def test_larger_equations_are_one_line(name, method, tmp_path) -> None:
    model, said = TOO_LARGE[name]
    overrides = [*BASE, f"simulation.method={method}"]
    folder = neuron(tmp_path, **model)
    (error,) = izhi.check(overrides, config_dir=folder).errors
    assert said in str(error) and "\n" not in str(error)
    with pytest.raises(ConfigError) as refused:
        izhi.run(overrides, config_dir=folder, dir=tmp_path)
    assert str(refused.value) == str(error)


@pytest.mark.soak
def test_equations_are_as_large_as_stimuli_and_methods_make_them(tmp_path, run, compiler) -> None:
    """What izhi puts around a text is counted as well: brackets, stages of a located reset."""
    nested = f"{'(v + ' * 14}v{')' * 14}"
    folder = neuron(tmp_path, f"-{nested}/100")
    overrides = [*BASE, "simulation.method=located_rk4", "+stimulus@stimulus.other=noise"]
    for engine in ("numpy", "compiled"):
        study = run(*overrides, f"run.engine={engine}", config_dir=folder)
        assert study.dataset.status.item() in (0, 3)
