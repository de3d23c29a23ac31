"""What a key takes as text is the text that was typed, wherever it was typed, and harmless."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import izhi
from izhi.api import _with
from izhi.cli import main
from izhi.config.compose import compose, parse
from izhi.config.overrides import sort
from izhi.config.repository import loader_over
from izhi.errors import ConfigError
from izhi.study import table
from izhi.study.folder import study_folder

NAMES = ["1.10", "20261129_0042", "12e4567", "1e5", "0x10", "007", "true", "True", "off", "1_000",
         "2026-11-29", "nan", "inf", "1.", "5", "0b11", "1e-3", "no", "TRUE", "0.50"]  # fmt: skip


TYPED = ("1.10", "12e4567", "True", "1_000")


@pytest.mark.parametrize("name", [
    pytest.param(name, marks=[pytest.mark.soak] * (name not in TYPED))
    for name in (*NAMES[:7], "True", "off", "1_000")
])  # fmt: skip
def test_a_study_s_name_is_the_text_as_typed(name: str, tmp_path: Path) -> None:
    for folder in ("experiment", "study"):
        (tmp_path / folder).mkdir()
    (tmp_path / "experiment/x.yaml").write_text(f"# @package _global_\nstudy: {{name: {name}}}\n")
    (tmp_path / "study/y.yaml").write_text(f"name: {name}\n")
    sweep = "hydra: {sweeper: {params: {study.name: " + name + "}}}"
    (tmp_path / "experiment/z.yaml").write_text(f"# @package _global_\n{sweep}\n")
    named = f"{{name: {name}}}"
    for file, merged in (("merged", named), ("merges", f"[{{dir: d}}, {named}]")):
        (tmp_path / f"experiment/{file}.yaml").write_text(
            f"# @package _global_\nstudy: {{<<: {merged}}}\n"
        )
    refers = "synapse.weight=${stimulus.amplitude}"  # composes the rest, too
    for overrides in (
        [f"study.name={name}"],
        [f"study.name= {name}"],
        [f"study.name='{name}'"],
        [f'++study.name="{name}"'],
        [f"++study.name={name}"],
        [f"study.name={name}", refers],
        _with([], study__name=name),
        ["+experiment=x"],
        ["+study=y"],
        ["+experiment=z"],
        ["+experiment=merged"],
        ["+experiment=merges"],
    ):
        assert compose(overrides, config_dir=tmp_path).setting("study.name") == name


@pytest.mark.parametrize("name", ["1.10", "007", "off"])
def test_a_file_that_a_config_sweeps_is_the_name_as_typed(name: str, tmp_path: Path) -> None:
    for folder in ("experiment", "neuron"):
        (tmp_path / folder).mkdir()
    for file in ("1.1", "1.10", "007", "7", "off"):
        (tmp_path / f"neuron/{file}.yaml").write_text("defaults: [chattering]\n")
    sweep = "hydra: {sweeper: {params: {neuron: " + name + "}}}"
    (tmp_path / "experiment/x.yaml").write_text(f"# @package _global_\n{sweep}\n")
    sweep = compose(["+experiment=x"], config_dir=tmp_path)
    assert sweep.choices["neuron"] == name


def test_null_is_no_name_unless_it_is_quoted() -> None:
    assert compose(["study.name=null"]).setting("study.name") is None
    assert compose(["study.name='null'"]).setting("study.name") == "null"
    assert compose(_with([], study__name="null")).setting("study.name") == "null"
    assert compose(["study.dir=null"]).setting("study.dir") == "null"


def test_two_names_of_one_number_are_two_studies(tmp_path: Path) -> None:
    short = ["circuit=single", "synapse=none", "run.engine=numpy", "simulation.duration='25 ms'"]
    for name in ("1.1", "1.10"):
        izhi.run([*short, "run.report=none"], name=name, dir=tmp_path, progress=False)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["1.1", "1.10"]


def test_names_of_choices_are_printed_as_typed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    names = ["1.10", "1.1", "1e3", "1000", "1.0"]
    Path("c/neuron").mkdir(parents=True)
    for name in names:
        Path(f"c/neuron/{name}.yaml").write_text("defaults: [chattering]\n")
    short = ["circuit=single", "synapse=none", "run.engine=numpy", "simulation.duration='25 ms'"]
    assert main(["run", "-m", "--config-dir", "c", *short, f"neuron={','.join(names)}",
                 "study.name=s", "run.report=none"]) == 0  # fmt: skip
    table = capsys.readouterr().out.split("\n\n")[1].splitlines()
    assert [line.split()[0] for line in table[1:]] == names
    assert main(["show", "studies/s"]) == 0
    assert f"5 values of neuron: {', '.join(names)}\n" in capsys.readouterr().out


def test_null_is_no_choice_unless_it_is_quoted(tmp_path: Path) -> None:
    (tmp_path / "neuron").mkdir()
    (tmp_path / "neuron/null.yaml").write_text("defaults: [chattering]\n")
    for override in ("neuron=null", "neuron=null,chattering"):
        with pytest.raises(ConfigError) as error:
            compose([override], config_dir=tmp_path)
        assert str(error.value) == (
            "neuron = null: no neuron, which is what null means; "
            "quote the name of the file null.yaml: \"neuron='null'\""
        )
    assert compose(["neuron='null'"], config_dir=tmp_path).choices["neuron"] == "null"


def test_a_quoted_key_is_a_name(tmp_path: Path) -> None:
    (tmp_path / "neuron").mkdir()
    model = "equations: 'dv/dt = (NULL - v)/tau : 1'"
    (tmp_path / "neuron/x.yaml").write_text(
        f"{model}\nthreshold: v > 1\nreset: v = 0\ntau: 5 ms\nv_0: 0\n'NULL': 3\n"
    )
    sweep = compose(["neuron=x"], config_dir=tmp_path)
    assert sweep.setting("neuron.NULL").si == 3.0


@pytest.mark.parametrize(
    ("name", "said"),
    [
        *((name, ", the first a letter, a digit or _")
          for name in (".5", "+5", "-0", ".inf", "..", "-m")),
        ("a/b", ""),
        ("'a '", ", without a blank at its end"),
        ("a" * 201, ", at most 200 of them"),
    ],
)  # fmt: skip
def test_a_name_for_a_study_says_which_rule_it_breaks(name: str, said: str) -> None:
    with pytest.raises(ConfigError) as error:
        study_folder(compose([f"study.name={name}"]))
    rule = "expected a plain name of letters, digits and - _ . + = , @"
    assert str(error.value).endswith(f": {rule}{said}")


def values(override: str) -> list[object]:
    loader = loader_over()
    return sort(loader, parse(loader, [override]), True).order[0].values


@settings(max_examples=80, deadline=None)
@given(st.lists(st.sampled_from(NAMES), min_size=2, max_size=4))
def test_an_axis_of_texts_holds_them_as_typed(names: list[str]) -> None:
    listed = ",".join(names)
    lower = [name.lower() if name in ("True", "TRUE") else name for name in names]
    assert values(f"stimulus.column={listed}") == lower
    assert values(f"stimulus.column=choice({listed})") == lower
    quoted = ",".join(f"'{name}'" for name in names)
    assert values(f"stimulus.column=choice({quoted})") == names


def test_files_of_data_and_configs_have_any_plain_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    names = ["001.csv", "1e5", "1.10", "1_000"]
    for number, name in enumerate(names):
        Path(name).write_text(f"t [ms],I [mV]\n0,{number}\n50,1\n")
    sweep = compose(["stimulus=file", f"stimulus.file={','.join(names)}"])
    assert sweep.axes[0].labels.tolist() == names
    held = [sweep.bases[n].values["stimulus.file"] for n in sweep.base_of.ravel()]
    assert held == names
    Path("configs/neuron").mkdir(parents=True)
    for name in ("007", "1e5", "true"):
        Path(f"configs/neuron/{name}.yaml").write_text("defaults: [chattering]\nd: 3 mV\n")
    sweep = compose(["neuron=007,1e5,true"], config_dir="configs")
    assert sweep.axes[0].labels.tolist() == ["007", "1e5", "true"]
    assert compose(["neuron=007"], config_dir="configs").choices["neuron"] == "007"


# No text becomes a formula

CURRENT = "(baseline + (amplitude - baseline)*int(t >= onset)*int(t < offset))"


@pytest.mark.parametrize("name", ["=1+1", "+x", "-x", "@x", " =1", "a\tb", "=x;y"])
def test_no_choice_has_a_name_that_spreadsheets_compute(name: str, tmp_path: Path) -> None:
    (tmp_path / "neuron").mkdir()
    (tmp_path / "neuron" / f"{name}.yaml").write_text("defaults: [chattering]\n")
    quoted = "'" + name.replace("'", "\\'") + "'"
    for override in (f"neuron={quoted}", f"neuron=chattering,{quoted}", "neuron=glob(*)"):
        with pytest.raises(ConfigError, match="name of a config begins with none of =") as caught:
            compose([override], config_dir=tmp_path)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "cell"),
    [("=1+1", "'=1+1"), ("-amplitude", "'-amplitude"), ("+5+3", "'+5+3"), ("@x", "'@x"),
     (" =1", "' =1"), ("\t=1", "'\t=1"), ("-2+3+cmd|' /C calc'!A0", "'-2+3+cmd|' /C calc'!A0"),
     ("-65 mV", "-65 mV"), ("-1.5", "-1.5"), ("chattering", "chattering"), ("a=b", "a=b"),
     ("a;=1", "a;=1")],
)  # fmt: skip
def test_a_label_is_no_formula(text: str, cell: str) -> None:
    assert next(csv.reader(io.StringIO(table._word(text)))) == [cell]
    assert ";" not in text or table._word(text).startswith('"')


def test_no_table_of_a_study_holds_a_formula(tmp_path: Path) -> None:
    study = izhi.run(
        ["circuit=single", "synapse=none", "simulation.duration='25 ms'", "run.engine=numpy",
         "run.report=none", f"stimulus.current='-{CURRENT}','+{CURRENT}'"],
        name="x", dir=tmp_path, progress=False,
    )  # fmt: skip
    assert main(["export", str(study.path), "--to", "csv"]) == 0
    tables = [study.folder.summary, *tmp_path.rglob("spikes.csv")]
    assert len(tables) == 2
    for path in tables:
        for cell in pd.read_csv(path, comment="#", dtype=str).fillna("").to_numpy().ravel():
            if cell.startswith(("=", "+", "-", "@")):
                float(cell)
    assert "'-(baseline" in study.folder.summary.read_text()
    assert study.dataset["current"].values.tolist()[0] == f"-{CURRENT}"


# A key given twice


@pytest.mark.parametrize(
    ("overrides", "text"),
    [
        (["stimulus.amplitude=4,6", "stimulus.amplitude=8,9"], "4,6 and then 8,9, which holds"),
        (["stimulus.amplitude=4", "stimulus.amplitude=5"], "4 and then 5, which holds"),
        (["++stimulus.amplitude=4", "stimulus.amplitude=5"], "4 and then 5, which holds"),
        (["stimulus.amplitude=4,5", "stimulus.amplitude=5"], "4,5 and then 5, which holds"),
        (["neuron=chattering", "neuron=resonator"], "chattering and then resonator, which holds"),
        (["neuron=glob(r*)", "neuron=resonator"], "glob(r*) and then resonator, which holds"),
    ],
    ids=" ".join,
)
def test_a_key_that_is_given_twice_is_doubted(overrides: list[str], text: str) -> None:
    key = overrides[1].partition("=")[0]
    doubts = [str(doubt) for doubt in izhi.plan(overrides).doubts]
    assert f"{key}: given twice, {text}" in doubts


def test_what_an_experiment_says_may_be_said_otherwise() -> None:
    overrides = ["+experiment=presets_u0_amplitude", "stimulus.amplitude=4,6", "~stimulus.offset",
                 "+stimulus.offset=60"]  # fmt: skip
    assert not any("twice" in str(doubt) for doubt in izhi.plan(overrides).doubts)


def test_labels_of_quantities_among_words_are_whole() -> None:
    sweep = compose(["neuron.u_0=rest,'-10.1234567 mV','-10.1234568 mV',-10"])
    assert sweep.axes[0].labels.tolist() == [
        "rest", "-10.1234567 mV", "-10.1234568 mV", sweep.axes[0].labels[3]
    ]  # fmt: skip
    assert sweep.axes[0].labels[3].startswith("-10 ")
