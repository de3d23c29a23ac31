"""The sweeper, in a Hydra application of somebody else's over izhi's configs."""

import subprocess
import sys

from hydra.core.plugins import Plugins
from hydra.plugins.sweeper import Sweeper

from hydra_plugins.izhi_sweeper import IzhiSweeper

APPLICATION = """
import hydra
from izhi.config.compose import compose_with
from izhi.config.folder import conf_folder

@hydra.main(version_base="1.3", config_path=str(conf_folder()), config_name="config")
def main(request):
    sweep = compose_with(request.loader, request.overrides, multirun=True,
                         config_name=request.config_name)
    print(sorted(request.params))
    print([(axis.key, len(axis)) for axis in sweep.axes])

main()
"""


def run(folder, *arguments):
    (folder / "application.py").write_text(APPLICATION)
    done = subprocess.run(
        [sys.executable, "application.py", *arguments], cwd=folder, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert [path.name for path in folder.iterdir()] == ["application.py"]
    return done.stdout.splitlines()


def test_hydra_finds_it():
    assert IzhiSweeper in Plugins.instance().discover(Sweeper)


def test_it_hands_a_sweep_on_whole(tmp_path):
    lines = run(tmp_path, "-m", "neuron=chattering,resonator", "synapse.U_0=range(0.1,0.5,0.1)")
    assert lines == ["[]", "[('neuron', 2), ('synapse.U_0', 4)]"]


def test_it_hands_on_what_an_experiment_sweeps(tmp_path):
    lines = run(tmp_path, "-m", "+experiment=presets_u0_amplitude")
    assert lines[0] == "['neuron', 'stimulus.amplitude', 'synapse.U_0']"
    assert lines[1] == "[('neuron', 7), ('synapse.U_0', 9), ('stimulus.amplitude', 11)]"
