"""Neurons, synapses and stimuli of a user's own, written as YAML in a folder."""

from __future__ import annotations

from pathlib import Path

import pytest

import izhi
from izhi.errors import ConfigError

PLAIN_NUMBERS = """
model: without_units
equations: |
  dv/dt = (0.04*v**2 + 5*v + 140 - u + I)/ms : 1
  du/dt = a*(b*v - u)/ms : 1
threshold: v >= v_th
reset: "v = c; u += d"
rest: {u: b*v_0}
a: 0.02
b: 0.2
c: -65
d: 8
v_th: 30
v_0: -70
u_0: rest
"""
LEAKY = """
model: leaky_of_a_capacitance
equations: "dv/dt = (-(v - E_L)/R + I)/c : volt"
threshold: v > v_th
reset: v = E_L
c: 100 pF
R: 100 Mohm
E_L: -70 mV
v_th: -50 mV
v_0: -70 mV
"""


def folder_with(tmp_path: Path, **files: str) -> Path:
    """Write configs, given as neuron__mine="...", into a folder of configs."""
    for name, text in files.items():
        path = tmp_path / "conf" / f"{name.replace('__', '/')}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path / "conf"


def bare(tmp_path: Path, text: str, *overrides: str) -> izhi.Plan:
    conf = folder_with(tmp_path, neuron__mine=text)
    return izhi.plan(["circuit=single", "synapse=none", "neuron=mine", *overrides], config_dir=conf)


def test_states_of_plain_numbers_start_at_plain_numbers(tmp_path) -> None:
    for start, value in (("rest", None), ("-14", -14.0)):
        plan = bare(tmp_path, PLAIN_NUMBERS, "stimulus.amplitude=10 1", f"neuron.u_0={start}")
        found = plan.sweep.bases[0].values
        assert found["neuron.v_0"].si == -70
        assert value is None or found["neuron.u_0"].si == value


def test_a_plain_number_drives_a_neuron_of_plain_numbers(tmp_path, run) -> None:
    conf = folder_with(tmp_path, neuron__mine=PLAIN_NUMBERS)
    study = run(
        "circuit=single", "synapse=none", "neuron=mine", "stimulus.amplitude=4 1,10 1",
        "simulation.duration=300 ms", "run.engine=numpy", config_dir=conf,
    )  # fmt: skip
    with_units = run(
        "circuit=single", "synapse=none", "neuron.v_0=-70 mV", "stimulus.amplitude=4,10",
        "simulation.duration=300 ms", "run.engine=numpy",
    )  # fmt: skip
    for amplitude, at_least in ((4, 2), (10, 5)):
        times = study.spike_times("cell0", amplitude=amplitude)
        assert times.size >= at_least
        # the same equations, up to the rounding of their units
        assert times == pytest.approx(
            with_units.spike_times("cell0", amplitude=amplitude), abs=2e-4
        )


def test_what_else_drives_it_is_said(tmp_path) -> None:
    with pytest.raises(ConfigError, match=r"give stimulus\.amplitude as a plain number \(10 1\)"):
        bare(tmp_path, PLAIN_NUMBERS, "stimulus.amplitude=10 mV")


def test_a_letter_means_what_the_equations_make_of_it(tmp_path) -> None:
    bare(tmp_path, LEAKY, "stimulus.amplitude=1 nA")
    with pytest.raises(ConfigError, match="a spike resets below the threshold"):
        izhi.plan(["neuron.c=40 mV"])
    with pytest.raises(ConfigError, match="what spikes has not diverged yet"):
        bare(tmp_path, LEAKY, "stimulus.amplitude=1 nA", "neuron.v_th=2 V")
