"""What a user gives is what runs: values, units and files, whatever configs say beside them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

import izhi
from izhi.config.compose import compose
from izhi.errors import ConfigError, IzhiError
from izhi.study.summarise import summarise

SHORT = ("circuit=single", "synapse=none", "run.engine=numpy", "run.report=none",
         "simulation.duration=25 ms")  # fmt: skip


def write(folder: Path, **files: Any) -> Path:
    """Write configs such as ``experiment_x={...}``; return the folder."""
    for name, content in files.items():
        group, _, choice = name.partition("_")
        path = folder / group / f"{choice}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        package = "# @package _global_\n" * (group == "experiment")
        path.write_text(package + yaml.safe_dump(content))
    return folder


def error_of(overrides: list[str], folder: Path | None = None) -> str:
    with pytest.raises(ConfigError) as error:
        compose(overrides, config_dir=folder)
    return str(error.value)


@pytest.mark.parametrize(
    "content",
    [{"stimulus.amplitude": "5 mV"}, {"stimulus": {"x": {"a.b": 1}}}, {"study.dir": "/tmp"},
     {"pre": {"neuron.b": 0.3}}],
)  # fmt: skip
def test_a_name_with_a_dot_cannot_give_a_key_a_second_value(content, tmp_path) -> None:
    folder = write(tmp_path, experiment_x=content)
    said = error_of([*SHORT, "+experiment=x", "stimulus.amplitude=8", "study.dir=s"], folder)
    assert "a name in a config has no dots; write the keys one below the other, " in said


def test_a_mapping_on_the_command_line_has_no_dots_either() -> None:
    said = error_of(["++pre={neuron.b: 0.4}", "neuron@pre.neuron=chattering"])
    assert said == (
        "pre.neuron.b: a name in a config has no dots; write the keys one below the other, "
        "neuron: {b: ...}"
    )


@pytest.mark.parametrize("override", ["++study={name: e4}", "study.name=e4", "+study=named"])
def test_only_who_gives_study_dir_may_lead_elsewhere(override, tmp_path) -> None:
    folder = write(tmp_path, experiment_x={"study": {"dir": "/elsewhere"}})
    if "named" in override:
        write(tmp_path, study_named={"name": "a"})
    said = error_of([*SHORT, "+experiment=x", override], folder)
    assert "study.dir = /elsewhere: a config can only name a folder below this one" in said


def test_a_mapping_gives_study_dir(tmp_path) -> None:
    folder = write(tmp_path, experiment_x={"study": {"dir": "/elsewhere"}})
    given = compose([*SHORT, "+experiment=x", "++study={dir: /mine}"], config_dir=folder)
    assert given.setting("study.dir") == "/mine"


@pytest.mark.parametrize("name", ["run", "study", "statistics", "record", "synapse"])
def test_no_population_has_the_name_of_a_part_of_all_configs(name, tmp_path) -> None:
    circuit = {"populations": {name: {"count": 1, "stimulated": True}}, "projections": {}}
    folder = write(tmp_path, circuit_own=circuit)
    (error,) = izhi.check(["circuit=own", *SHORT[1:]], config_dir=folder).errors
    assert str(error) == (
        f"circuit.populations.{name}: configs have a {name} of their own; expected another name"
    )


@pytest.fixture
def in_volts(tmp_path) -> Path:
    """Give a folder with a step whose amplitude is in volts."""
    volts = {"defaults": ["step", "_self_"], "amplitude": "0.010 V"}
    return write(tmp_path, stimulus_volts=volts)


DIFFERENT = "the choices give this key in different units (V, mV); write the unit"


@pytest.mark.parametrize("amplitude", ["'5','6'", "5,6", "'5 mV',6", "5", "'5'"])
def test_a_bare_number_is_none_where_choices_have_different_units(amplitude, in_volts) -> None:
    overrides = [*SHORT, "stimulus=step,volts", f"stimulus.amplitude={amplitude}"]
    assert DIFFERENT in error_of(overrides, in_volts)


@pytest.mark.parametrize("choices", ["step,volts", "volts,step"])
def test_the_unit_of_an_axis_is_that_of_the_first_choice(choices, in_volts) -> None:
    overrides = [*SHORT, f"stimulus={choices}", "stimulus.amplitude=5 mV,6 mV"]
    axis = compose(overrides, config_dir=in_volts).axes[1]
    assert axis.unit == {"step": "mV", "volts": "V"}[choices.partition(",")[0]]
    assert axis.values.tolist() == [0.005, 0.006]


@pytest.mark.parametrize(
    ("overrides", "key", "expected"),
    [
        (["stimulus.offset=500", "simulation.duration=${stimulus.offset}"],
         "simulation.duration", [0.5]),
        (["stimulus.offset=500,800", "simulation.duration=${stimulus.offset}"],
         "simulation.duration", [0.5, 0.8]),
        (["simulation.duration=0.5", "stimulus.offset=${simulation.duration}"],
         "stimulus.offset", [0.5]),
        (["simulation.duration=0.5,0.6", "stimulus.offset=${simulation.duration}"],
         "stimulus.offset", [0.5, 0.6]),
        (["stimulus.onset=3,'5 ms'", "stimulus.offset=${stimulus.onset}"],
         "stimulus.offset", [0.003, 0.005]),
    ],
)  # fmt: skip
def test_who_refers_to_a_bare_number_has_its_unit(overrides, key, expected) -> None:
    sweep = compose(["circuit=single", "synapse=none", *overrides])
    along = [axis for axis in sweep.axes if key in (axis.key, *(link.key for link in axis.links))]
    if along:
        link = next(link for axis in along for link in (axis, *axis.links) if link.key == key)
        assert link.values.tolist() == pytest.approx(expected)
    else:
        found = [sweep.bases[number].values[key].si for number in sweep.used]
        assert found == pytest.approx(expected)


def test_counts_that_others_refer_to_are_numbers() -> None:
    sweep = compose([
        "circuit.populations.post.count=9,10",
        "circuit.populations.pre.count=${circuit.populations.post.count}",
    ])  # fmt: skip
    assert sweep.axes[0].values.tolist() == [9, 10]


def test_an_added_stimulus_may_be_swept() -> None:
    sweep = compose([*SHORT, "+stimulus@stimulus.background=noise,sine"])
    assert sweep.axes[0].labels.tolist() == ["noise", "sine"]


def test_sweeps_of_a_file_refer_to_what_the_user_gives(tmp_path) -> None:
    params = {"stimulus.amplitude": "${stimulus.baseline},5"}
    folder = write(tmp_path, experiment_x={"hydra": {"sweeper": {"params": params}}})
    sweep = compose([*SHORT, "+experiment=x", "stimulus.baseline=2"], config_dir=folder)
    assert sweep.axes[0].labels.tolist() == ["2 mV", "5 mV"] or (
        sweep.axes[0].values.tolist() == [0.002, 0.005]
    )


def test_a_file_cannot_sweep_the_group_by_which_it_was_chosen(tmp_path) -> None:
    params = {"+experiment": "u,w"}
    sweeping = {"hydra": {"sweeper": {"params": params}}}
    folder = write(tmp_path, experiment_x=sweeping, experiment_u={}, experiment_w={})
    assert error_of([*SHORT, "+experiment=x"], folder) == (
        "experiment/x.yaml: sweeps experiment, by which it was chosen itself: that sweep would be "
        "lost; sweep experiment on the command line"
    )


@pytest.mark.parametrize(
    ("first", "second", "key"),
    [
        ("pre.neuron.b=0.3", "++pre.neuron={b: 0.4}", "pre.neuron.b"),
        ("pre.neuron.b=0.3,0.5", "++pre.neuron={b: 0.4}", "pre.neuron.b"),
        ("circuit.populations.post.count=2", "++circuit.populations={post:{count:5}}",
         "circuit.populations.post.count"),
    ],
)  # fmt: skip
def test_a_mapping_that_gives_a_key_again_is_an_error(first, second, key) -> None:
    said = error_of(["neuron@pre.neuron=chattering", first, second])
    assert said == f"{first} {second}: {key} is given twice; give it once"


def test_a_file_that_is_gone_is_taken_from_the_study_by_its_whole_name(
    tmp_path, monkeypatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("d1/a.csv", "d1/b.csv"):
        Path(name).parent.mkdir(exist_ok=True)
        Path(name).write_text(f"time [s],I [mV]\n0,{len(name)}\n1,2\n")
    overrides = [*SHORT, "stimulus=file", "stimulus.time_unit=s"]

    def run(*files: str) -> izhi.Study:
        given = [*overrides, f"stimulus.file={','.join(files)}"]
        return izhi.run(given, name="s", progress=False)

    before = run("d1/a.csv", "d1/b.csv").digest
    Path("d1/b.csv").unlink()
    assert run("d1/a.csv", "d1/b.csv").digest == before
    with pytest.raises(IzhiError) as error:
        run("d1/a.csv", "d1/b.csv", "d2/b.csv")
    assert str(error.value).startswith("stimulus.file = d2/b.csv: no such file")


def test_summarise_knows_the_units_of_the_study_and_refers_to_nothing(tmp_path) -> None:
    study = izhi.run([*SHORT, "statistics.transient=0.002 s"], name="s", dir=tmp_path,
                     progress=False)  # fmt: skip
    summarise(study.path, ["statistics.transient=0.003"], progress=False)
    assert "statistics.transient: 0.003 s" in (study.path / "study.yaml").read_text()
    summarise(study.path, ["statistics.stop=30"], progress=False)  # which was null
    assert "statistics.stop: 30 ms" in (study.path / "study.yaml").read_text()
    with pytest.raises(ConfigError) as error:
        summarise(study.path, ["statistics.start=${stimulus.onset}"], progress=False)
    assert str(error.value) == (
        "statistics.start=${stimulus.onset}: refers to another key, and izhi summarise composes "
        "none but statistics; write the value"
    )


def test_a_label_is_that_of_one_cell_in_all_circuits(tmp_path) -> None:
    folder = write(
        tmp_path,
        circuit_a={"populations": {"p": {"count": 11, "stimulated": True}}, "projections": {}},
        circuit_b={"populations": {"p1": {"count": 1, "stimulated": True}}, "projections": {}},
    )
    with pytest.raises(ConfigError) as error:
        izhi.plan([*SHORT[1:], "circuit=a,b"], config_dir=folder)
    assert str(error.value) == (
        "circuit.populations: p10 is a cell of p in one circuit, and of p1 in another; expected "
        "names with which all cells of a study differ"
    )
