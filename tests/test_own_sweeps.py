"""Sweeps that config files ask for by themselves: all their points, or an error that names one."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from izhi.cli import main
from izhi.config.compose import compose
from izhi.errors import ConfigError

GLOBAL = "# @package _global_\n"


def write(folder: Path, **files: str) -> Path:
    """Write files of a folder of configs: ``kind__name="params"``."""
    for name, params in files.items():
        group, _, stem = name.partition("__")
        (folder / group).mkdir(exist_ok=True)
        text = params if params.startswith("#") else f"{GLOBAL}{params}"
        (folder / group / f"{stem}.yaml").write_text(text + "\n")
    return folder


def sweeps(params: str) -> str:
    return f"hydra: {{sweeper: {{params: {params}}}}}"


@pytest.fixture
def configs(tmp_path: Path) -> Path:
    return write(
        tmp_path,
        experiment__a=sweeps("{stimulus.amplitude: '4,6', neuron: 'chattering,resonator'}"),
        experiment__b=sweeps("{stimulus.amplitude: '8,9,10', synapse.U_0: 'range(0.1,0.5,0.1)'}"),
        experiment__same=sweeps("{stimulus.amplitude: '4,6', neuron: 'chattering,resonator'}"),
        experiment__none="stimulus: {amplitude: 7 mV}",
        experiment__child="defaults: [a]\n" + sweeps("{synapse.U_0: '0.2,0.3'}"),
        experiment__heir="defaults: [a]\n" + sweeps("{stimulus.amplitude: '1,2,3'}"),
        preset__c=sweeps("{stimulus.amplitude: 'choice(5,7)'}"),
        preset__d=sweeps("{synapse.U_0: 0.3, simulation.seed: 'range(2)'}"),
        values__p="stimulus: {amplitude: 4 mV}",
        values__q="stimulus: {amplitude: 8 mV}",
        neuron__mine="# mine\ndefaults: [chattering]",
        experiment__forced=sweeps("{++synapse.U_0: '0.6,0.7'}"),
        experiment__bare=sweeps("{synapse.U_0: '0.2,0.3,0.4'}"),
        experiment__twice=sweeps("{synapse.U_0: '0.2,0.3', ++synapse.U_0: '0.6,0.7'}"),
        experiment__forcing="defaults: [bare]\n" + sweeps("{++synapse.U_0: '0.6,0.7'}"),
        experiment__bared="defaults: [forced]\n" + sweeps("{synapse.U_0: '0.2,0.3,0.4'}"),
        experiment__chooses=sweeps("{+experiment@_global_: bare}"),
        experiment__choose=sweeps("{+preset: 'c,d'}"),
        experiment__alike=sweeps("{+preset: 'd,e'}"),
        experiment__deeper=sweeps("{+preset: f}"),
        preset__e=sweeps("{synapse.U_0: 0.3, simulation.seed: 'range(2)'}"),
        preset__f=sweeps("{+values: 'p,q', synapse.U_0: '0.2,0.3,0.4'}"),
    )


@pytest.mark.parametrize(
    ("overrides", "shape"),
    [
        (["+experiment=a"], (2, 2)),
        (["+experiment=b"], (3, 4)),
        (["+experiment=child"], (2, 2, 2)),
        (["+experiment=heir"], (3, 2)),  # it says another thing than what it begins with
        (["+experiment=a,same"], (2, 2, 2)),
        (["+experiment=a", "+preset=d"], (2, 2, 2)),
        (["+experiment=a", "neuron=chattering"], (2,)),
        (["+experiment=a", "neuron=chattering,random"], (2, 2)),
        (["+experiment=a", "+values=p,q"], (2, 2, 2)),
        (["+experiment=a", "synapse.U_0=0.2,0.3,0.4"], (2, 2, 3)),
        (["+experiment=[a,b]", "stimulus.amplitude=3"], (2, 4)),
        (["+experiment=a,none", "neuron=mine", "stimulus.amplitude=4,6"], (2, 2)),
        (["+experiment=a,b", "neuron=mine", "stimulus.amplitude=4,6", "synapse.U_0=0.2"], (2, 2)),
        (["+preset=d", "neuron=random"], (2,)),
        (["+experiment=forced"], (2,)),
        (["+experiment=forcing"], (2,)),
        (["+experiment=bared"], (3,)),
        (["+experiment=[forced,bare]", "synapse.U_0=0.2,0.3,0.4"], (3,)),
        (["+experiment=chooses"], (3,)),
        (["+experiment=alike"], (2, 2)),
        (["+experiment=deeper"], (2, 3)),
    ],
    ids=lambda value: " ".join(map(str, value)),
)
def test_all_points_of_all_sweeps(
    overrides: list[str], shape: tuple[int, ...], configs: Path
) -> None:
    assert compose(overrides, config_dir=configs).shape == shape


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        (["+experiment=a,b"], ["experiment/b.yaml: sweeps stimulus.amplitude = 8,9,10 by itself"]),
        (["+experiment=b,a"], ["experiment/a.yaml: sweeps stimulus.amplitude = 4,6 by itself"]),
        (["+experiment=a,none"], ["sweeps stimulus.amplitude = 4,6", "files of experiment"]),
        (["+experiment=none,a"], ["experiment/a.yaml: sweeps stimulus.amplitude = 4,6"]),
        (["+experiment=a,child"], ["experiment/child.yaml: sweeps synapse.U_0 = 0.2,0.3"]),
        (["+preset=d,c"], ["preset/c.yaml: sweeps stimulus.amplitude = choice(5,7)"]),
        (["+experiment=a", "+preset=c"], ["experiment/a.yaml: sweeps stimulus.amplitude = 4,6",
                                          "preset/c.yaml stimulus.amplitude = choice(5,7)"]),
        (["+experiment=[a,b]"], ["experiment/a.yaml", "experiment/b.yaml"]),
        (["+experiment=a", "+experiment=b"], ["+experiment=a +experiment=b: one file at a time"]),
        (["+experiment=a,b", "stimulus.amplitude=3"], ["sweeps", "yaml"]),
        (["+experiment=[forced,bare]"], ["experiment/forced.yaml: sweeps ++synapse.U_0 = 0.6,0.7",
                                         "experiment/bare.yaml synapse.U_0 = 0.2,0.3,0.4"]),
        (["+experiment=[bare,forced]"], ["experiment/bare.yaml: sweeps synapse.U_0 = 0.2,0.3,0.4"]),
        (["+experiment=bare,forced"], ["experiment/forced.yaml: sweeps ++synapse.U_0"]),
        (["+experiment=twice"], ["experiment/twice.yaml: sweeps synapse.U_0 and ++synapse.U_0"]),
        (["+experiment=choose"], ["preset/", "sweeps ", "files of preset"]),
        (["hydra.sweeper.params={synapse.U_0:'1,2'}"], ["a sweep is written KEY=A,B here"]),
        (["hydra/sweeper/params=grid"], ["hydra/sweeper/params=grid: a sweep is written KEY=A,B"]),
    ],
    ids=lambda value: " ".join(map(str, value)),
)  # fmt: skip
def test_a_sweep_that_would_be_lost_is_named(
    overrides: list[str], words: list[str], configs: Path
) -> None:
    with pytest.raises(ConfigError) as caught:
        compose(overrides, config_dir=configs)
    assert "\n" not in str(caught.value)
    for word in words:
        assert word in str(caught.value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (sweeps("{stimulus.amplitude: [4, 6]}"), "the values of a sweep are text, such as '4,6'"),
        (sweeps("{neuron: [chattering, resonator]}"), "the values of a sweep are text"),
        (sweeps("{stimulus: {amplitude: '4,6'}}"), "such as stimulus.amplitude: '1,2'"),
        (sweeps("[a, b]"), "Cannot merge DictConfig with ListConfig"),
        (sweeps("null"), "hydra.sweeper.params = null"),
        (sweeps("x"), "hydra.sweeper.params = x"),
        ("hydra: {mode: MULTIRUN}", "hydra.mode = MULTIRUN"),
        ("hydra: {sweeper: {param: {synapse.U_0: '1,2'}}}", "hydra.sweeper.param.synapse.U_0"),
        ("hydra.sweeper.params: {synapse.U_0: '1,2'}", "Hydra's settings lie one below the other"),
        ("sweeper: {params: {synapse.U_0: '1,2'}}", "sweeps nothing there"),
        ("# mine\n" + sweeps("{synapse.U_0: '1,2'}"), "begins with # @package _global_"),
    ],
)
def test_a_sweep_written_in_another_way_is_named(text: str, words: str, tmp_path: Path) -> None:
    write(tmp_path, experiment__x=text)
    with pytest.raises(ConfigError) as caught:
        compose(["+experiment=x"], config_dir=tmp_path)
    assert "experiment/x" in str(caught.value) or words == "hydra.sweeper.params = x"
    assert words in str(caught.value) and "\n" not in str(caught.value)


def test_a_value_that_a_file_sweeps_twice_is_named(tmp_path: Path) -> None:
    write(tmp_path, experiment__x=sweeps("""{stimulus.offset: "null,'60 ms','0.06 s'"}"""))
    with pytest.raises(ConfigError) as caught:
        compose(["+experiment=x"], config_dir=tmp_path)
    assert str(caught.value) == (
        "stimulus.offset = 0.06 s, the same as 60 ms: this value is on the axis twice"
    )


def test_a_file_placed_at_the_sweeps_sweeps(tmp_path: Path) -> None:
    write(tmp_path, experiment__x="# @package hydra.sweeper.params\nsynapse.U_0: |\n  0.2,0.3\n")
    assert compose(["+experiment=x"], config_dir=tmp_path).shape == (2,)


def test_without_a_flag_the_sweeps_are_remarked_on(
    configs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["plan", "--config-dir", str(configs), "+experiment=b", "synapse.U_0=0.2"]
    assert main(arguments) == 0
    assert capsys.readouterr().err == "note: stimulus.amplitude would be swept with -m\n"


KEYS = {"stimulus.amplitude": ["4,6", "8,9,10"], "synapse.U_0": ["0.2,0.3", "choice(0.6,0.7,0.8)"]}
ONE = st.fixed_dictionaries({}, optional={k: st.sampled_from(v) for k, v in KEYS.items()})


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    files=st.lists(ONE, min_size=2, max_size=3),
    merged=st.booleans(),
    extra=st.sampled_from([None, "1,2"]),
)
def test_two_or_three_files_never_lose_a_sweep(
    files: list[dict[str, str]], merged: bool, extra: str | None, tmp_path: Path
) -> None:
    names = [f"f{number}" for number in range(len(files))]
    for name, params in zip(names, files, strict=True):
        items = ", ".join(f"{key}: '{value}'" for key, value in params.items())
        write(tmp_path, **{f"experiment__{name}": sweeps(f"{{{items}}}") if items else "{}"})
    overrides = [f"+experiment={'[' * merged}{','.join(names)}{']' * merged}"]
    overrides += [f"stimulus.amplitude={extra}"] if extra else []
    left = [{k: v for k, v in f.items() if not (extra and k in overrides[-1])} for f in files]
    agree = all(f == left[0] for f in left)
    if merged:
        agree = all(a.get(k, v) == v for a in left for b in left for k, v in b.items())
    if not agree:
        with pytest.raises(ConfigError, match=r"experiment/f\d\.yaml: sweeps "):
            compose(overrides, config_dir=tmp_path)
        return
    axes = {axis.key: len(axis) for axis in compose(overrides, config_dir=tmp_path).axes}
    expected = {k: v.count(",") + 1 for f in left for k, v in f.items()}
    expected |= {"stimulus.amplitude": 2} if extra else {}
    expected |= {} if merged else {"experiment": len(files)}
    assert axes == expected
