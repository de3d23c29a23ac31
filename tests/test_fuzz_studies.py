"""Studies with anything in their files: a result or an IzhiError, nothing else, within a second."""

from __future__ import annotations

import copy
import io
import json
import shutil
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

import izhi
from izhi import commands
from izhi.engine import cache
from izhi.errors import IzhiError, StudyError
from izhi.export.runs import runs
from izhi.study import description, log, overview, resume
from izhi.study.folder import StudyFolder, is_sealed
from izhi.study.verify import verify
from tests.limits import within

ENGINE = "compiled" if cache.compiler() else "numpy"  # a program starts faster than Brian2
WORDS = st.sampled_from(
    ["", "rest", "null", "neuron", "neuron.a", "synapse.U_0", "simulation.dt", "stimulus.amplitude",
     "quantity", "choice", "mV", "1/ms", "10 mV", "1e400", "nan", "-1 s", "../..", "a" * 3000,
     "__import__('os').system('false')", "${oc.env:HOME}", "\x00", "\ud800", "izhikevich", "euler"]
)  # fmt: skip
NUMBERS = st.one_of(
    st.integers(-3, 40), st.sampled_from([2**31, -(2**63), 10**30, 0.1, -0.0, 1e308, float("inf"),
                                          float("nan")]),
)  # fmt: skip
LEAVES = st.one_of(st.none(), st.booleans(), NUMBERS, WORDS)
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(WORDS, inner, max_size=4),
    max_leaves=8,
)


@pytest.fixture(scope="module")
def study(tmp_path_factory) -> Path:
    """Give a small study of two structures with traces and two grids."""
    folder = tmp_path_factory.mktemp("fuzz")
    sweep = [f"run.engine={ENGINE}", "simulation.duration='10 ms'", "stimulus.onset=0",
             "record.traces={neuron: resonator}", "run.shard_points=2",
             "neuron=chattering,resonator"]  # fmt: skip
    for amplitude in ("stimulus.amplitude=20", "stimulus.amplitude=20,40"):
        izhi.run([*sweep, amplitude], name="s", dir=folder, n_jobs=1, progress=False).close()
    izhi.open_study(folder / "s").summary()  # what is imported for that is not imported again
    return folder / "s"


def places(tree: Any, here: tuple = ()) -> list[tuple]:
    """Return where every part of nested lists and mappings is."""
    found = [here]
    items = (
        tree.items()
        if isinstance(tree, dict)
        else enumerate(tree)
        if isinstance(tree, list)
        else ()
    )
    for name, part in items:
        found += places(part, (*here, name))
    return found


def mutated(draw: Any, tree: Any) -> Any:
    """Return nested data with some parts replaced, dropped, doubled or moved."""
    tree = copy.deepcopy(tree)
    for _ in range(draw(st.integers(1, 3))):
        where = draw(st.sampled_from(places(tree)))
        if not where:
            tree = draw(VALUES) if draw(st.integers(0, 20)) == 0 else tree
            continue
        owner = tree
        for name in where[:-1]:
            owner = owner[name]
        match draw(st.sampled_from(["replace", "drop", "double", "text"])):
            case "replace":
                owner[where[-1]] = draw(VALUES)
            case "drop":
                del owner[where[-1]]
            case "double":
                if isinstance(owner, list):
                    owner.insert(0, copy.deepcopy(owner[where[-1]]))
                else:
                    owner[draw(WORDS)] = owner[where[-1]]
            case "text":
                owner[where[-1]] = str(owner[where[-1]])
        if not isinstance(tree, dict | list):
            break
    return tree


def mangled(draw: Any, data: bytes) -> bytes:
    """Return bytes with some flipped, cut out, doubled or put in."""
    result = bytearray(data)
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, max(0, len(result) - 1)))
        match draw(st.sampled_from(["flip", "cut", "double", "insert", "end"])):
            case "flip":
                if result:
                    result[at] ^= 1 << draw(st.integers(0, 7))
            case "cut":
                del result[at : at + draw(st.integers(1, 400))]
            case "double":
                result[at:at] = result[at : at + draw(st.integers(1, 400))]
            case "insert":
                result[at:at] = draw(st.binary(max_size=20))
            case "end":
                del result[at:]
    return bytes(result)


def told(path: Path) -> dict:
    return yaml.safe_load((path / "study.yaml").read_text(encoding="utf-8"))


def only_errors_of_izhi(call: Any) -> None:
    """Call something that may raise an IzhiError, and nothing else, and not take long."""
    with within():
        try:
            call()
        except IzhiError as error:
            assert str(error) and "\n" not in str(error)


def few(examples: int) -> Any:
    return settings(
        max_examples=examples, deadline=None, print_blob=True,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    )  # fmt: skip


def descriptions(study: Path, examples: int) -> None:
    whole = told(study)

    @few(examples)
    @given(st.data())
    def check(data) -> None:
        changed = mutated(data.draw, whole)

        def call() -> None:
            grid = resume.Grid.read(changed, "here")
            assert description.of(grid.sweep)["axes"] is not None

        def call_without_fingerprint() -> None:
            sweep = description.read(changed, "here")
            description.read(description.of(sweep), "there")

        only_errors_of_izhi(call)
        only_errors_of_izhi(call_without_fingerprint)

    check()


LOG = "log.jsonl"


def shown(study: Path) -> None:
    """Print what a study is, and the table that it is in."""
    with redirect_stdout(io.StringIO()):
        commands.main("list", [str(study.parent)])
        commands.main("show", [str(study)])


def files(study: Path, folder: Path, examples: int) -> None:
    """Damage one file of a study, then look at it in every way."""
    names = ["study.yaml", "log.jsonl", "summary.csv"]
    whole = {name: (study / name).read_bytes() for name in names}
    shutil.copytree(study, folder / "s", dirs_exist_ok=True)
    looks = (overview.overview, verify, shown, lambda path: runs(log.read(path / LOG)))
    for look in looks:  # which loads the libraries, before time is taken
        look(folder / "s")

    @few(examples)
    @given(st.data())
    def check(data) -> None:
        name = data.draw(st.sampled_from(names))
        if name == "study.yaml" and data.draw(st.booleans()):
            changed = yaml.safe_dump(mutated(data.draw, told(study)), sort_keys=False).encode()
        elif name == "log.jsonl" and data.draw(st.booleans()):
            lines = [json.loads(line) for line in whole[name].splitlines()]
            changed = "".join(
                json.dumps(event) + "\n" for event in _listed(mutated(data.draw, lines))
            ).encode()
        else:
            changed = mangled(data.draw, whole[name])
        assume(changed != whole[name])
        (folder / "s" / name).write_bytes(changed)
        try:
            for look in looks:
                only_errors_of_izhi(lambda look=look: look(folder / "s"))
        finally:
            (folder / "s" / name).write_bytes(whole[name])

    check()


def _listed(tree: Any) -> list:
    return tree if isinstance(tree, list) else [tree]


def netcdf(study: Path, folder: Path, examples: int) -> None:
    """Damage netCDF files, and read them as what they were."""
    shutil.copytree(study, folder / "n", dirs_exist_ok=True)
    paths = [folder / "n" / "dataset.nc", *sorted((folder / "n" / "shards").iterdir())]
    whole = {path: path.read_bytes() for path in paths}
    assert not verify(folder / "n").problems  # which loads the libraries, before time is taken

    @few(examples)
    @given(st.data())
    def check(data) -> None:
        path = data.draw(st.sampled_from(paths))
        path.write_bytes(mangled(data.draw, whole[path]))
        try:
            if path.name == "dataset.nc":
                only_errors_of_izhi(lambda: izhi.open_study(folder / "n").dataset)
            elif path.read_bytes() != whole[path]:
                assert not is_sealed(path)  # so it is never read
            only_errors_of_izhi(lambda: verify(folder / "n"))
        finally:
            path.write_bytes(whole[path])

    check()


def test_a_description_with_anything_in_it(study) -> None:
    descriptions(study, 120)


@pytest.mark.parametrize("number", [0, 1])
def test_a_config_without_a_key_that_has_no_part_in_results(study, tmp_path, number) -> None:
    shutil.copytree(study, tmp_path / "s")
    description = told(study)
    for part in (description, *description["earlier"]):
        assert len(part["configs"]) == 2
        del part["configs"][number]["run.report"]
    (tmp_path / "s" / "study.yaml").write_text(yaml.safe_dump(description, sort_keys=False))
    assert verify(tmp_path / "s").problems == []


def test_a_study_with_anything_in_its_files(study, tmp_path) -> None:
    files(study, tmp_path, 25)


def test_a_study_with_damaged_netcdf_files(study, tmp_path) -> None:
    netcdf(study, tmp_path, 40)


@pytest.mark.soak
def test_descriptions_with_anything_in_them(study) -> None:
    descriptions(study, 60_000)


@pytest.mark.soak
def test_studies_with_anything_in_their_files(study, tmp_path) -> None:
    files(study, tmp_path, 10_000)


@pytest.mark.soak
def test_studies_with_damaged_netcdf_files(study, tmp_path) -> None:
    netcdf(study, tmp_path, 5_000)


@pytest.mark.parametrize(
    "text",
    [
        "a: &a [x, x]\n" + "".join(f"b{n}: &b{n} [*a, *a]\n" for n in range(30)),
        "[" * 50_000,
        "{a: " * 50_000,
        "overrides: [" + "9" * 100_000 + "]",
        "!!python/object/apply:os.system [touch PWNED]",
        "\n".join(["a: &x [1]", *["- *x"] * 9]),
    ],
)
def test_a_study_yaml_that_is_a_bomb_is_refused(study, tmp_path, text) -> None:
    shutil.copytree(study, tmp_path / "s")
    (tmp_path / "s" / "study.yaml").write_text(text)
    (tmp_path / "s" / "log.jsonl").write_text("")

    def look() -> None:
        with pytest.raises(StudyError, match=r"study\.yaml: (cannot be read|no study of this)"):
            overview.overview(tmp_path / "s")

    only_errors_of_izhi(look)


def test_the_study_itself_is_whole(study) -> None:
    assert verify(study, 2).problems == []
    assert StudyFolder(study).config.is_file()
