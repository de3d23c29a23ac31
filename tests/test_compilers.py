"""The compiler: what CXX may hold, what is a part of a build's key, strict arithmetic."""

from __future__ import annotations

import json
import os
import stat
import subprocess
from pathlib import Path

import pytest

import izhi
from izhi import cli
from izhi.engine import build, cache, compilers
from izhi.errors import ConfigError

TINY = [
    "circuit=single", "simulation.duration='20 ms'", "stimulus.onset='2 ms'", "run.n_jobs=1",
]  # fmt: skip


def program(path: Path, text: str = "#!/bin/sh\n") -> Path:
    path.write_text(text)
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a folder of programs that is the whole PATH, and no CXX."""
    (tmp_path / "bin").mkdir()
    program(tmp_path / "bin" / "g++")
    program(tmp_path / "bin" / "ccache")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.delenv("CXX", raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    "option",
    ["-ffast-math", "-Ofast", "-funsafe-math-optimizations", "-fassociative-math",
     "-freciprocal-math", "-ffp-contract=fast", "-mfpmath=387", "-m32", "-mx32", "-march=i686",
     "-fsingle-precision-constant", "-mno-sse2", "-ffinite-math-only", "-fno-signed-zeros",
     "-mfma", "-mtune=native", "-fexcess-precision=fast", "-include x.h", "-Dexp=sin", "-Uexp",
     "@options", "-specs=mine", "-fplugin=x.so", "-Wl,-z,now", "-Wa,-x", "-Wp,-Dx", "-flto", "-x c",
     "-fp-model=fast", "--param x=1", "-ffp-model=aggressive", "-fdenormal-fp-math=preserve-sign",
     "-fno-rounding-math", "-Xclang -menable-unsafe-fp-math", "-mrecip", "-o x", "-O3 -Ofast"],
)  # fmt: skip
def test_options_that_may_change_results_are_refused(option, here, monkeypatch) -> None:
    monkeypatch.setenv("CXX", f"g++ {option}")
    with pytest.raises(ConfigError) as raised:
        compilers.command()
    named = option.removeprefix("-O3 ").split()[0]
    assert str(raised.value) == (
        f"CXX = g++ {option}: {named} may change results; expected a compiler such as CXX=g++, "
        "without options for its arithmetic or machine"
    )


@pytest.mark.parametrize("command", ["run", "plan", "check"])
def test_they_are_refused_before_anything_runs(command, here, monkeypatch, capsys) -> None:
    monkeypatch.setenv("CXX", "g++ -ffast-math")
    assert cli.main([command, *TINY]) == 2
    err = capsys.readouterr().err
    assert err.startswith("error: CXX = g++ -ffast-math: ") and err.count("\n") == 1
    assert not (here / "studies").exists()
    assert cli.main([command, *TINY, "run.engine=numpy"]) == 0  # which needs no compiler


@pytest.mark.parametrize(
    ("given", "options"),
    [("g++", []), ("", []), ("g++ -O1 -g", ["-O1", "-g"]),
     ("g++ -m64 -pthread", ["-m64", "-pthread"]),
     ("g++ -std=gnu++17 -fPIC -Wall -Wno-x=y", ["-std=gnu++17", "-fPIC", "-Wall", "-Wno-x=y"]),
     ("g++ -isystem '/a b' -B/usr/bin", ["-isystem", "/a b", "-B/usr/bin"]),
     ("g++ -I -ffast-math --sysroot=/", ["-I", "-ffast-math", "--sysroot=/"])],
)  # fmt: skip
def test_options_that_change_nothing_are_taken(given, options, here, monkeypatch) -> None:
    monkeypatch.setenv("CXX", given)
    assert compilers.command() == (str(here / "bin" / "g++"), *options)


def test_a_launcher_is_followed_by_the_compiler(here, monkeypatch) -> None:
    monkeypatch.setenv("CXX", "ccache g++ -O2")
    assert compilers.command() == (str(here / "bin/ccache"), str(here / "bin/g++"), "-O2")
    monkeypatch.setenv("CXX", "ccache no-such")
    assert compilers.command() is None
    monkeypatch.setenv("CXX", "g++ '")
    with pytest.raises(ConfigError, match=r"^CXX = g\+\+ ': no closing quotation; expected a"):
        compilers.command()


@pytest.mark.parametrize("path", ["", ".", ":/nowhere", "/nowhere:", "./bin:relative"])
def test_the_working_folder_has_no_compiler_unless_it_is_named(path, here, monkeypatch) -> None:
    program(here / "g++")
    monkeypatch.setenv("PATH", path)
    assert compilers.command() is None
    monkeypatch.setenv("CXX", "./g++")
    assert compilers.command() == (str(here / "g++"),)


def test_all_that_reaches_a_compiler_is_in_the_key(here, monkeypatch) -> None:
    structure = izhi.plan([*TINY, "run.engine=numpy"]).batches[0].structure
    keys = [cache.folder_of(structure)]

    def changed() -> bool:
        keys.append(cache.folder_of(structure))
        return len(set(keys)) == len(keys)

    monkeypatch.setenv("CXX", "g++ -O1")
    assert changed()
    monkeypatch.setenv("CXX", "ccache g++")
    assert changed()
    for name in compilers.READ:
        monkeypatch.setenv(name, "/somewhere")
        assert changed(), name
    program(here / "bin" / "new-g++", "#!/bin/sh\necho new-g++ 99\n")
    monkeypatch.setenv("CXX", "new-g++")
    assert changed()
    assert cache.toolchain()["compiler"] == "new-g++ 99"


def test_no_further_file_is_written(monkeypatch) -> None:
    for name in compilers.WRITTEN:
        monkeypatch.setenv(name, "written")
    assert not set(compilers.WRITTEN) & compilers.environment().keys()


FLAGS = {
    "-ffast-math": "-ffast-math or one of its parts",
    "-Ofast": "-ffast-math or one of its parts",
    "-funsafe-math-optimizations": "sums in another order",
    "-fassociative-math -fno-signed-zeros": "sums in another order",
    "-freciprocal-math": "divisions by way of the reciprocal",
    "-fsingle-precision-constant": "constants of single precision",
    "-ffinite-math-only": "-ffast-math or one of its parts",
    "-fno-signed-zeros": "no sign of 0",
}


@pytest.mark.parametrize("flags", ["", *FLAGS])
def test_a_program_finds_out_whether_its_arithmetic_is_strict(flags, compiler, tmp_path) -> None:
    """As where a compiler is a script that adds options of its own."""
    (tmp_path / "main.cpp").write_text("int main() { return 7; }\n")
    command = [*compilers.command(), *build.flags(), compilers.CHECK, "main.cpp", *flags.split()]
    if subprocess.run([*command, "-o", "main"], cwd=tmp_path, stderr=subprocess.DEVNULL).returncode:
        pytest.skip("a compiler without these options")
    done = subprocess.run([tmp_path / "main"], capture_output=True, text=True)
    said = f"{compilers.NOT_STRICT}: {FLAGS[flags]}\n" if flags else ""
    assert (done.returncode, done.stderr) == (3 if flags else 7, said)


def test_a_compiler_with_options_of_its_own_makes_no_program(
    compiler, tmp_path, monkeypatch
) -> None:
    real = compilers.command()[0]
    loose = program(tmp_path / "g++", f'#!/bin/sh\nexec {real} "$@" -funsafe-math-optimizations\n')
    monkeypatch.setenv("CXX", str(loose))
    (tmp_path / "main.cpp").write_text("int main() {}\n")
    with pytest.raises(SystemExit):
        build.compile_program(tmp_path / "main.cpp", tmp_path / "main")


def test_a_run_says_what_compiled_its_program(compiler, tmp_path, monkeypatch) -> None:
    """Headers, libraries and an empty path do not lead to the working folder."""
    monkeypatch.chdir(tmp_path)
    for name in ("cmath", "math.h", "stdint.h", "cstdio", "specs"):
        (tmp_path / name).write_text("#error this is the working folder\n")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("CXX", "g++ -O2 -I.")
    monkeypatch.setenv("CPATH", f":{tmp_path / 'headers'}")
    monkeypatch.setenv("DEPENDENCIES_OUTPUT", str(tmp_path / "dependencies"))
    study = izhi.run([*TINY, "run.engine=compiled"], name="s", progress=False)
    (built,) = [event for event in study.log if event["event"] == "built"]
    (planned,) = [event for event in study.log if event["event"] == "planned"]
    compiling = f"{compilers.command()[0]} -O2 -I. {' '.join(build.flags())} "
    assert built["compiler"].startswith(compiling)
    told = planned["environment"]
    assert told["compiler_command"] == f"{compilers.command()[0]} -O2 -I."
    assert told["compiler_variables"] == f"CPATH=:{tmp_path}/headers"
    stored = tmp_path / "cache" / "izhi" / "builds" / built["key"] / "build.json"
    assert json.loads(stored.read_text())["command"] == built["compiler"]
    assert sorted(os.listdir(tmp_path)) == sorted(
        ["cache", "cmath", "cstdio", "math.h", "specs", "stdint.h", "studies"]
    )
