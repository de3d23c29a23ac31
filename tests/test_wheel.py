"""The built wheel works by itself, away from the repository."""

import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]


def call(*command, cwd):
    """Run a command that sees neither the repository nor this environment's settings."""
    hidden = {"PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV"}
    environment = {name: value for name, value in os.environ.items() if name not in hidden}
    result = subprocess.run(
        list(map(str, command)), cwd=cwd, env=environment, capture_output=True, text=True
    )
    assert result.returncode == 0, f"{command}\n{result.stdout}\n{result.stderr}"
    return result.stdout


PIP = [sys.executable, "-m", "pip", "--disable-pip-version-check", "-q"]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    build = ["wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", folder]
    call(*PIP, *build, REPOSITORY, cwd=folder)
    (path,) = folder.glob("izhi-*.whl")
    return path


def test_the_wheel_holds_configs_and_templates(wheel):
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    assert {"izhi/conf/config.yaml", "hydra_plugins/izhi_sweeper/__init__.py"} <= names
    assert "izhi/engine/templates/program.cpp" in names
    assert "hydra_plugins/__init__.py" not in names


@pytest.mark.soak  # .ci/run runs a sweep from the wheel, too
def test_the_wheel_runs_a_point_by_itself(wheel, tmp_path):
    environment = tmp_path / "venv"
    venv.create(environment)
    python = environment / "bin" / "python"
    call(*PIP, "--python", python, "install", "--no-deps", "--no-index", wheel, cwd=tmp_path)

    # Dependencies come from the running environment, to save their installation. A folder that a
    # .pth file adds has its own .pth files ignored, so the editable izhi in there stays out.
    (site_packages,) = environment.glob("lib/python*/site-packages")
    borrowed = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    (site_packages / "borrowed.pth").write_text("\n".join(sorted(borrowed)) + "\n")

    work = tmp_path / "work"
    work.mkdir()
    probe = "import sys, izhi; print(izhi.__file__, *sys.path, sep='\\n')"
    origin, *search_path = call(python, "-c", probe, cwd=work).splitlines()
    assert Path(origin).is_relative_to(environment)
    assert str(REPOSITORY) not in search_path
    overrides = ["neuron=chattering", "simulation.duration=100 ms", "study.name=w"]
    call(environment / "bin" / "izhi", "run", *overrides, "run.engine=numpy", cwd=work)
    assert (work / "studies" / "w" / "dataset.nc").is_file()
    assert 'id="payload"' in (work / "studies" / "w" / "report.html").read_text("utf-8")
