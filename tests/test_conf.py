"""The configs that come with izhi: sourced, in the units that bare numbers mean, and right."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

import izhi
from izhi import units
from izhi.config import keys
from izhi.config.folder import conf_folder

FILES = sorted(conf_folder().rglob("*.yaml"))
CHOICES = [path for path in FILES if path.parent != conf_folder()]
WHOLE = [path for path in CHOICES if path.parent.name != "model"]  # others are parts of these

# E. M. Izhikevich (2003), table of the types: a in 1/ms, b, c and d in mV
PRESETS = {
    "regular_spiking": (0.02, 0.2, -65, 8),
    "intrinsically_bursting": (0.02, 0.2, -55, 4),
    "chattering": (0.02, 0.2, -50, 2),
    "fast_spiking": (0.1, 0.2, -65, 2),
    "low_threshold_spiking": (0.02, 0.25, -65, 2),
    "thalamo_cortical": (0.02, 0.25, -65, 0.05),
    "resonator": (0.1, 0.26, -65, 2),
    "resonator_forum": (0.1, 0.25, -65, 8),
}


def id_of(path: Path) -> str:
    return str(path.relative_to(conf_folder()))


@pytest.mark.parametrize("path", FILES, ids=id_of)
def test_a_config_says_what_it_is_for_and_where_it_comes_from(path: Path) -> None:
    comments = [line for line in path.read_text().splitlines() if line.startswith("#")]
    assert len(comments) >= 2
    if path in CHOICES:
        assert any(line.startswith("# Source:") for line in comments)


@pytest.mark.parametrize("path", CHOICES, ids=id_of)
def test_quantities_are_text_with_the_unit_that_a_bare_number_means(path: Path) -> None:
    group = path.relative_to(conf_folder()).parts[0]
    for name, value in yaml.safe_load(path.read_text()).items():
        key = keys.key_of(f"{group}.{name}")
        if not isinstance(key, keys.QuantityKey) or not isinstance(value, str | float | int):
            continue
        if value in key.words:
            continue
        quantity = units.parse(value)
        if key.dimensions:  # others have no other unit than their default's
            assert quantity.unit == key.unit
        if quantity.dimension != units.NUMBER:
            assert isinstance(value, str)


@pytest.mark.parametrize("path", WHOLE, ids=id_of)
def test_every_choice_composes(path: Path, tmp_path: Path) -> None:
    group, *name = path.relative_to(conf_folder()).with_suffix("").parts
    override = f"{group}={'/'.join(name)}"
    overrides = ["+" * (group in ("experiment", "pattern")) + override]
    if override.startswith(("neuron=book", "neuron=integrate")):
        overrides += ["stimulus=step_current", "synapse.weight=800 pA"]
    elif override == "stimulus=step_current":
        overrides += ["neuron=book/regular_spiking", "synapse.weight=800 pA"]
    elif override == "stimulus=file":
        path = tmp_path / "current.csv"
        path.write_text("t [ms],I [mV]\n0,1\n1000,1\n")
        overrides += [f"stimulus.file={path}"]
    elif override == "neuron=source/spike_file":
        path = tmp_path / "spikes.csv"
        path.write_text("t [ms],cell\n5,0\n7,1\n")
        overrides = ["neuron@pre.neuron=source/spike_file", f"pre.neuron.file={path}"]
    elif override.startswith("neuron=source/"):  # no neuron that a synapse could reach
        overrides = [override.replace("neuron=", "neuron@pre.neuron=")]
    plan = izhi.plan(overrides)
    assert plan.points >= 1


@pytest.mark.parametrize("name", PRESETS)
def test_presets_hold_the_published_values(name: str) -> None:
    values = izhi.plan([f"neuron={name}"]).sweep.bases[0].values
    a, b, c, d = PRESETS[name]
    assert values["neuron.a"].si == a / 1e-3
    assert values["neuron.b"].si == b
    assert values["neuron.c"].si == c * 1e-3
    assert values["neuron.d"].si == d * 1e-3


def test_the_contract_s_choices_exist() -> None:
    neurons = {path.stem for path in (conf_folder() / "neuron").glob("*.yaml")}
    assert neurons == {*PRESETS, "random"}  # what glob(*) means: cells that can be driven
    synapses = {path.stem for path in (conf_folder() / "synapse").glob("*.yaml")}
    assert {"none", "static", "tsodyks_markram"} <= synapses


def test_a_star_means_the_neurons_that_fit_the_default_circuit() -> None:
    assert izhi.plan(["neuron=glob(*)"]).points == len(PRESETS) + 1
    assert izhi.plan(["neuron=glob(pattern/*)", "circuit=single"]).points == 20
    assert izhi.plan(["+pattern=glob([*spiking,*bursting],exclude=tonic*)"]).points == 4


def test_the_default_synapse_moves_the_third_cell_from_silence_into_firing(tmp_path: Path) -> None:
    study = izhi.run(
        ["synapse.U_0=0.1,0.3,0.4,0.6,0.9", "stimulus.amplitude=6,9,12", "run.engine=numpy"],
        name="middle", dir=tmp_path, progress=False,
    )  # fmt: skip
    count = study.dataset.spike_count.sel(cell="post0")
    assert (count.sel(U_0=0.1) == 0).all()
    assert (count.sel(U_0=[0.6, 0.9]) > 0).all()
    assert (count.sel(amplitude=9) == 0).any() and (count.sel(amplitude=9) > 0).any()
