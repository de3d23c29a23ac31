"""All of Hydra's grammar, from the command line's words to axes and points."""

import logging
import shutil

import numpy as np
import pytest
from hydra import initialize_config_dir
from hydra._internal.config_repository import ConfigRepository
from hydra.core.global_hydra import GlobalHydra
from hydra.errors import MissingConfigException
from omegaconf import OmegaConf

import izhi
from izhi.cli import main
from izhi.config import repository
from izhi.config.compose import compose
from izhi.config.composer import load
from izhi.config.folder import conf_folder
from izhi.config.repository import loader_over, reading_once
from izhi.sweep import points

TYPES = ["chattering", "fast_spiking", "intrinsically_bursting", "low_threshold_spiking", "random",
         "regular_spiking", "resonator", "resonator_forum", "thalamo_cortical"]  # fmt: skip


def axes(*overrides, **settings):
    """Return the axes as plain lists: ``{"synapse.U_0": [0.2, 0.5]}``."""
    return {axis.key: axis.labels.tolist() for axis in compose(overrides, **settings).axes}


@pytest.mark.parametrize(
    ("override", "labels"),
    [
        ("synapse.U_0=0.2,0.5", [0.2, 0.5]),
        ("synapse.U_0=choice(0.5,0.2)", [0.5, 0.2]),
        ("synapse.U_0=sort(0.5,0.2,0.3)", [0.2, 0.3, 0.5]),
        ("synapse.U_0=sort(0.5,0.2,reverse=true)", [0.5, 0.2]),
        ("synapse.U_0=sort(range(0.1,0.4,0.1),reverse=true)", [0.3, 0.2, 0.1]),
        ("synapse.U_0=range(0.1,0.5,0.1)", [0.1, 0.2, 0.3, 0.4]),
        ("synapse.U_0=range(0.5,0.1,-0.2)", [0.5, 0.3]),
        ("synapse.U_0=range(2)", [0, 1]),
        ("synapse.U_0=float(range(0,2))", [0.0, 1.0]),
        ("synapse.U_0=tag(low,choice(0.1,0.2))", [0.1, 0.2]),
        ("synapse.U_0='0.2',\"0.5\"", [0.2, 0.5]),
        ("stimulus.amplitude=range(4,7)", [4.0, 5.0, 6.0]),
        ("stimulus.amplitude=range(start=7,stop=4,step=-1.5)", [7.0, 5.5]),
        ("stimulus.amplitude=choice('4 mV','0.008 V')", [4.0, 8.0]),
        ("stimulus.amplitude=4 mV,8 mV", [4.0, 8.0]),
        ("stimulus.amplitude='8 mV',4mV,6", [8.0, 4.0, 6.0]),
        ("stimulus.offset=null,'50 ms'", ["null", "50 ms"]),
        ("neuron.u_0=rest,0", ["rest", "0 mV"]),
        ("neuron=chattering,resonator", ["chattering", "resonator"]),
        ("neuron=choice('resonator',chattering)", ["resonator", "chattering"]),
        ("neuron=glob(*)", TYPES),
        ("neuron=glob(*spiking)", [t for t in TYPES if t.endswith("spiking")]),
        ("neuron=glob(*,exclude=r*)", [t for t in TYPES if not t.startswith("r")]),
        ("neuron=glob([r*,c*],exclude=[random,*forum])", [TYPES[0], TYPES[5], TYPES[6]]),
        ("neuron=sort(chattering,resonator,reverse=true)", ["resonator", "chattering"]),
        ("neuron@post.neuron=chattering,fast_spiking", ["chattering", "fast_spiking"]),
        ("circuit=single,two_to_one", ["single", "two_to_one"]),
        ("circuit.populations.pre.count=range(1,4)", [1, 2, 3]),
        ("circuit.populations.post.stimulated=true,false", [True, False]),
        ("simulation.method=euler,rk4", ["euler", "rk4"]),
        ("simulation.dt=0.1,'50 us'", [0.1, 0.05]),
        ("simulation.seed=range(0,3)", [0, 1, 2]),
        ("++synapse.U_0=0.2,0.5", [0.2, 0.5]),
    ],
)  # fmt: skip
def test_values_of_an_axis(override, labels):
    (found,) = axes(override).values()
    assert found == labels
    assert izhi.plan([override]).points == len(labels)


def test_a_shuffle_has_the_same_values():
    for override in ("shuffle(4,5,6,7)", "shuffle(range(4,8))"):
        (found,) = axes(f"stimulus.amplitude={override}").values()
        assert sorted(found) == [4, 5, 6, 7]


def test_axes_keep_the_order_in_which_they_were_given():
    sweep = compose(["stimulus.amplitude=4,5", "neuron=glob(res*)", "synapse.U_0=0.1,0.2,0.3"])
    assert [axis.key for axis in sweep.axes] == ["stimulus.amplitude", "neuron", "synapse.U_0"]
    assert sweep.shape == (2, 2, 3)
    assert sweep.base_of.shape == (1, 2, 1)


def test_the_last_override_of_a_key_wins():
    assert axes("synapse.U_0=0.1,0.2", "synapse.U_0=0.3,0.4") == {"synapse.U_0": [0.3, 0.4]}
    assert axes("synapse.U_0=0.1,0.2", "synapse.U_0=0.3") == {}


@pytest.mark.parametrize(
    ("overrides", "key", "value"),
    [
        (["stimulus.amplitude=8"], "stimulus.amplitude", 8e-3),
        (["stimulus.amplitude='8000 uV'"], "stimulus.amplitude", 8e-3),
        (["++stimulus.amplitude=8"], "stimulus.amplitude", 8e-3),
        (["stimulus.amplitude=${neuron.d}"], "stimulus.amplitude", 8e-3),
        (["neuron.v_0=-70", "neuron.c=${neuron.v_0}"], "neuron.c", -70e-3),
        (["neuron=[chattering,resonator]"], "neuron.b", 0.26),
        (["neuron@post.neuron=fast_spiking", "post.neuron.d=3"], "post.neuron.d", 3e-3),
        (["synapse=static"], "synapse.weight", 4e-3),
    ],
)  # fmt: skip
def test_single_values(overrides, key, value):
    sweep = compose(overrides, multirun=False)
    assert sweep.axes == ()
    assert sweep.bases[0].values[key].si == pytest.approx(value, rel=1e-15)


def test_an_interpolation_reads_a_swept_value():
    plan = izhi.plan(["stimulus.amplitude=4,5", "stimulus.baseline=${stimulus.amplitude}"])
    found = points.grid(plan.sweep, "stimulus.baseline").tolist()
    assert found == pytest.approx([4e-3, 5e-3])


def test_a_deletion_of_a_choice_and_a_choice_of_none():
    sweep = compose(["synapse=none", "~stimulus.offset", "+stimulus.offset='50 ms'"])
    assert sweep.bases[0].values["stimulus.offset"].si == 0.05


@pytest.fixture(scope="module")
def configs(tmp_path_factory):
    """Give a folder with a neuron and two experiments of the user's own."""
    path = tmp_path_factory.mktemp("configs")
    (path / "neuron").mkdir()
    (path / "neuron" / "mine.yaml").write_text("defaults: [chattering]\nd: 3 mV\n")
    (path / "experiment").mkdir()
    (path / "experiment" / "mine.yaml").write_text(
        "# @package _global_\n"
        "defaults:\n  - override /neuron: mine\n"
        "stimulus: {onset: 30 ms}\n"
        "hydra:\n  sweeper:\n    params:\n"
        "      synapse.U_0: 0.2,0.5\n      stimulus.amplitude: range(4,7)\n"
    )
    return path


def test_a_folder_of_ones_own_neurons(configs):
    sweep = compose(["neuron=mine"], config_dir=configs)
    assert sweep.bases[0].values["neuron.d"].si == 3e-3
    assert axes("neuron=glob(*)", config_dir=configs)["neuron"] == sorted([*TYPES, "mine"])
    assert izhi.plan(["neuron=mine,resonator"], config_dir=configs).points == 2


def test_an_experiment_of_ones_own(configs):
    expected = {"synapse.U_0": [0.2, 0.5], "stimulus.amplitude": [4.0, 5.0, 6.0]}
    assert axes("+experiment=mine", config_dir=configs) == expected
    sweep = compose(["+experiment=mine"], config_dir=configs)
    assert sweep.choices["neuron"] == "mine"
    assert sweep.bases[0].values["stimulus.onset"].si == 0.03
    # what the command line says of a key replaces what the experiment says
    assert axes("+experiment=mine", "synapse.U_0=0.1", config_dir=configs) == {
        "stimulus.amplitude": [4.0, 5.0, 6.0]
    }
    given = axes("+experiment=mine", "synapse.U_0=0.7,0.8", "synapse.tau_f=1,2", config_dir=configs)
    assert given == {
        "stimulus.amplitude": [4.0, 5.0, 6.0],
        "synapse.U_0": [0.7, 0.8],
        "synapse.tau_f": [1.0, 2.0],
    }


def test_the_experiment_that_make_sweep_runs():
    plan = izhi.plan(["+experiment=presets_u0_amplitude"])
    assert plan.points == 693
    assert [len(axis) for axis in plan.sweep.axes] == [7, 9, 11]
    assert plan.sweep.axes[1].labels.tolist() == [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9]


def test_the_seed_draws_along_its_axis():
    sweep = compose(["neuron=random", "simulation.seed=range(0,30)"])
    drawn = np.broadcast_to(sweep.base_of, sweep.shape).ravel()
    found = {sweep.bases[number].values["neuron.c"].si for number in drawn}
    assert len(found) > 1
    again = compose(["neuron=random", "simulation.seed=7"])
    alone = again.bases[again.used[0]].values
    assert sweep.bases[drawn[7]].values["neuron.c"] == alone["neuron.c"]
    assert sweep.bases[drawn[7]].values["neuron.d"] == alone["neuron.d"]


# The command line itself


@pytest.fixture
def cli(tmp_path, monkeypatch, capsys):
    """Run the program in an empty folder and give what it prints; it has to leave nothing there."""
    monkeypatch.chdir(tmp_path)
    # --info logs to the stream of the moment, which is closed by the next test
    monkeypatch.setattr(logging.root, "handlers", logging.root.handlers.copy())
    level = logging.root.level

    def run(*arguments):
        status = main(list(arguments))
        printed = capsys.readouterr()
        assert status == 0, printed.err
        return printed

    yield run
    logging.root.setLevel(level)
    assert list(tmp_path.iterdir()) == []


def test_a_plan_names_points_and_axes(cli):
    printed = cli(
        "plan", "-m", "neuron=glob([f*,t*])", "stimulus.amplitude=choice(\"4 mV\",'8 mV')"
    )
    lines = printed.out.splitlines()
    assert lines[0] == "4 points, 3 cells each: pre0 pre1 post0"
    assert " ".join(lines[1].split()) == "neuron 2 values of neuron: fast_spiking, thalamo_cortical"
    assert " ".join(lines[2].split()) == "amplitude 2 values of stimulus.amplitude [mV]: 4.0, 8.0"
    assert printed.err == ""


def test_one_point_without_a_flag(cli):
    assert cli("plan", "stimulus.amplitude=8 mV").out.startswith("1 point, 3 cells each")
    assert cli("plan", "-m").out.startswith("1 point, 3 cells each")


def test_a_multirun_by_hydras_setting(cli):
    assert cli("plan", "synapse.U_0=0.2,0.5", "hydra.mode=MULTIRUN").out.startswith("2 points")


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["--help"], "neuron: chattering, fast_spiking, "),
        (["--hydra-help"], "--config-dir"),
        (["--cfg", "job"], "  amplitude: 10 mV\n"),
        (["-c", "job", "neuron=chattering"], "  c: -50 mV\n"),
        (["--cfg", "job", "--package", "stimulus"], "amplitude: 10 mV\n"),
        (["--cfg", "hydra"], "_target_: hydra_plugins.izhi_sweeper.sweeper.IzhiSweeper"),
        (["--cfg", "job", "--resolve"], "method: euler"),
        (["--info", "defaults"], "neuron/regular_spiking"),
        (["--info", "searchpath"], "hydra.conf"),
        (["--info", "plugins"], "IzhiSweeper"),
        (["-sc", "install=bash"], "hydra_bash_completion"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_hydras_own_flags(arguments, text, cli):
    assert text in cli("run", *arguments).out


def test_configs_of_ones_own(configs, cli):
    folder = ["--config-dir", str(configs)]
    assert "low_threshold_spiking, mine, random" in cli("run", *folder, "--help").out
    assert "d: 3 mV" in cli("run", *folder, "neuron=mine", "--cfg", "job").out
    assert cli("plan", *folder, "-m", "neuron=mine,resonator").out.startswith("2 points")
    assert cli("plan", *folder, "-m", "neuron@post.neuron=mine").out.startswith("1 point")
    assert cli("plan", *folder, "-m", "+experiment=mine").out.startswith("6 points")
    printed = cli("plan", *folder, "+experiment=mine")
    assert printed.out.startswith("1 point")
    assert printed.err == "note: synapse.U_0, stimulus.amplitude would be swept with -m\n"


@pytest.mark.parametrize("full_error", ["0", "1"])
def test_hydras_switch_for_tracebacks(full_error, cli, monkeypatch):
    monkeypatch.setenv("HYDRA_FULL_ERROR", full_error)
    assert cli("plan", "-m", "synapse.U_0=0.2,0.5").out.startswith("2 points")


def test_files_that_are_read_once_compose_the_same(tmp_path, monkeypatch):
    (tmp_path / "neuron").mkdir()
    (tmp_path / "neuron" / "mine.yaml").write_text("defaults: [chattering]\nd: 3 mV\n")
    path = f"hydra.searchpath=[file://{tmp_path}]"
    plain = [
        [],
        ["neuron=chattering"],
        ["neuron@post.neuron=resonator", "synapse.U_0=0.3"],
        ["+experiment=presets_u0_amplitude"],
        ["neuron=chattering", "~stimulus.onset"],
        [],
    ]
    found = [["neuron=mine", path], ["neuron=mine", "neuron.c='-60 mV'", path]]  # fmt: skip

    def composed(loader, asked):
        configs = (load(loader, "config", overrides) for overrides in asked)
        return [OmegaConf.to_container(config, resolve=False) for config in configs]

    read = []
    parse = ConfigRepository.load_config
    with initialize_config_dir(str(conf_folder()), job_name="izhi", version_base="1.3"):
        loader = GlobalHydra.instance().config_loader()
        expected = composed(loader, [*plain, *found, *plain])
        once = reading_once(loader)
        monkeypatch.setattr(repository, "_parsed", {})
        monkeypatch.setattr(
            ConfigRepository,
            "load_config",
            lambda self, name: read.append(name) or parse(self, name),
        )
        assert composed(once, plain) == expected[: len(plain)]
        assert len(read) == len(set(read)) > 10
        assert composed(once, [*plain, *found, *plain]) == expected
        assert read.count("neuron/mine") == len(found) and read.count("circuit/two_to_one") == 1
        assert composed(reading_once(loader), plain) == expected[: len(plain)]
        assert read.count("circuit/two_to_one") == 1  # by no other loader either
        once.repository.load_config("config").config.clear()
        assert composed(once, plain) == expected[: len(plain)]
        with pytest.raises(MissingConfigException):  # it lies where only some have looked
            load(once, "config", ["neuron=mine"])


def test_a_file_of_izhis_own_that_was_changed_is_read_anew(tmp_path, monkeypatch):
    folder = shutil.copytree(conf_folder(), tmp_path / "conf")
    monkeypatch.setattr(repository, "conf_folder", lambda: folder)
    path = folder / "neuron" / "chattering.yaml"

    def found():
        return load(loader_over(main=folder), "config", ["neuron=chattering"]).neuron.d

    before = found()
    path.write_text(path.read_text().replace(f"d: {before}", "d: 3.25 mV"))
    assert (before, found()) == ("2 mV", "3.25 mV")
