"""Configs from a stranger: refused by name; nothing is executed, nothing lies outside the study."""

import ast
import logging
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from omegaconf import OmegaConf

import izhi
from izhi.cli import main
from izhi.config import keys
from izhi.errors import ConfigError, IzhiError
from izhi.models import circuit, equations
from izhi.study.folder import StudyFolder, study_folder

REPOSITORY = Path(__file__).resolve().parents[1]

# Whatever runs one of these leaves a file PWNED.
CODE = [
    '__import__("os").system("touch PWNED")',
    "$(touch PWNED)",
    "`touch PWNED`",
    "; touch PWNED",
    '"); system("touch PWNED"); //',
    "*/ #include </dev/stdin> /*",
    "../../PWNED",
    "{{7*7}}%s%n",
    "$(touch PWNED)\n- x: !!python/name:os.system",
]
GLOBAL = "# @package _global_\n"
SWEEPS = GLOBAL + "hydra:\n  sweeper:\n    params:\n"
CALL = "{_target_: os.system, command: touch PWNED}"
ONLY = "of Hydra's settings, a config can only make hydra.sweeper.params"
BOMB = "a0: &a0 [1,1,1,1,1,1,1,1,1]\n" + "".join(
    f"a{i}: &a{i} [{','.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, 9)
)
MERGES = "a0: &a0 {x: 1}\n" + "".join(
    f"a{i}: &a{i} {{<<: [*a{i - 1}, *a{i - 1}], x{i}: 1}}\n" for i in range(1, 40)
)
DOUBLED = "".join(f"x{i}: '${{.x{i + 1}}}${{.x{i + 1}}}'\n" for i in range(60)) + "x60: a\n"
# x0 refers to a value behind a reference, that one to two more, and so on
BEHIND = "".join(
    f"r{i}: ${{neuron.s{i}}}\ns{i}: {{x: '${{neuron.r{i + 1}.x}}${{neuron.r{i + 1}.x}}'}}\n"
    for i in range(30)
) + "r30: {x: a}\n"  # fmt: skip

# name: (files, arguments, what the error line says)
CONFIGS = {
    # what Hydra would call
    "callback": (
        {"experiment/x.yaml": f"{GLOBAL}hydra: {{callbacks: {{x: {CALL}}}}}\n"},
        ["+experiment=x"],
        ["experiment/x.yaml: hydra.callbacks.x._target_ = os.system: a config cannot name code"],
    ),
    "package": (
        {"experiment/x.yaml": f"# @package hydra\ncallbacks: {{x: {CALL}}}\n"},
        ["+experiment=x"],
        ["experiment/x.yaml: hydra.callbacks.x._target_ = os.system"],
    ),
    "package in defaults": (
        {"experiment/x.yaml": f"{GLOBAL}defaults: [/neuron/y@hydra.callbacks.x]\n",
         "neuron/y.yaml": "_target_: os.system\n"},
        ["+experiment=x"],
        ["neuron/y.yaml: hydra.callbacks.x._target_ = os.system"],
    ),
    "izhi's own files in Hydra's place": (
        {"experiment/x.yaml": f"{GLOBAL}defaults: [/neuron/chattering@hydra.callbacks.x]\n"},
        ["+experiment=x"],
        ["neuron/model/izhikevich.yaml: hydra.callbacks.x.model = izhikevich", ONLY],
    ),
    "sweeper": (
        {"experiment/x.yaml": f"{GLOBAL}hydra: {{sweeper: {{_target_: os.system}}}}\n"},
        ["+experiment=x"],
        ["hydra.sweeper._target_ = os.system"],
    ),
    "launcher": (
        {"experiment/x.yaml": f"{GLOBAL}hydra: {{launcher: {{_target_: os.system}}}}\n"},
        ["+experiment=x"],
        ["hydra.launcher._target_ = os.system"],
    ),
    "a sweeper in the place of izhi's": (
        {"hydra/sweeper/izhi.yaml": "_target_: os.system\n"},
        [],
        ["hydra/sweeper/izhi.yaml: a config in the place of one of Hydra's own"],
    ),
    "Hydra's whole config": (
        {"hydra/config.yaml": f"callbacks: {{x: {CALL}}}\n"},
        [],
        ["hydra/config.yaml: a config in the place of one of Hydra's own"],
    ),
    "another choice of Hydra's": (
        {"main.yaml": "defaults: [neuron: chattering, override hydra/job_logging: stdout]\n"},
        ["--config-name", "main"],
        ["hydra/job_logging = stdout: izhi does not use this choice", "none or default"],
    ),
    "log handler": (
        {"experiment/x.yaml": GLOBAL + "hydra:\n  job_logging:\n    handlers:\n"
                                       "      x: {(): os.system, command: touch PWNED}\n"},
        ["+experiment=x"],
        ["hydra.job_logging.handlers.x.() = os.system", ONLY],
    ),
    "log handler by class": (
        {"experiment/x.yaml": GLOBAL + "hydra:\n  hydra_logging:\n    handlers:\n"
                                       "      x: {class: logging.FileHandler, filename: PWNED}\n"},
        ["+experiment=x"],
        ["hydra.hydra_logging.handlers.x.class = logging.FileHandler", ONLY],
    ),
    "environment": (
        {"experiment/x.yaml": f"{GLOBAL}hydra: {{job: {{env_set: {{LD_PRELOAD: x}}}}}}\n"},
        ["+experiment=x"],
        ["hydra.job.env_set.LD_PRELOAD = x", ONLY],
    ),
    "environment copied": (
        {"experiment/x.yaml": f"{GLOBAL}hydra: {{job: {{env_copy: [NOT_THERE]}}}}\n"},
        ["+experiment=x"],
        ["hydra.job.env_copy.0 = NOT_THERE", ONLY],
    ),
    "folders": (
        {"experiment/x.yaml": f"{GLOBAL}hydra: {{run: {{dir: ../PWNED}}, job: {{chdir: true}}}}\n"},
        ["+experiment=x"],
        ["hydra.run.dir = ../PWNED", ONLY],
    ),
    "no node of Hydra's": (
        {"experiment/x.yaml": f"{GLOBAL}hydra: null\n"},
        ["+experiment=x"],
        ["experiment/x.yaml: hydra = null", ONLY],
    ),
    "search path": (
        {"main.yaml": "defaults: [config]\nhydra: {searchpath: ['pkg://stranger']}\n"},
        ["--config-name", "main"],
        ["hydra.searchpath = pkg://stranger: configs are read from folders only"],
    ),
    "search path by import": (
        {"main.yaml": "defaults: [config]\nhydra: {searchpath: ['structured://stranger']}\n"},
        ["--config-name", "main"],
        ["hydra.searchpath = structured://stranger: configs are read from folders only"],
    ),
    "search path of files": (
        {"main.yaml": "defaults: [config, _self_]\nhydra: {searchpath: ['file:///nowhere']}\n"},
        ["--config-name", "main"],
        ["main.yaml: hydra.searchpath.0 = file:///nowhere", ONLY],
    ),
    "_target_ of a neuron": (
        {"neuron/x.yaml": f"defaults: [chattering]\na: {CALL}\n"},
        ["neuron=x"],
        ["neuron/x.yaml: neuron.a._target_ = os.system"],
    ),
    "_target_ of a synapse": (
        {"synapse/x.yaml": "_target_: os.system\n"},
        ["synapse=x"],
        ["synapse/x.yaml: synapse._target_ = os.system"],
    ),
    "_target_ far down": (
        {"circuit/x.yaml": f"populations: {{a: {{count: [{CALL}], stimulated: true}}}}\n"},
        ["circuit=x"],
        ["circuit/x.yaml: circuit.populations.a.count.0._target_ = os.system"],
    ),
    "tag": (
        {"neuron/x.yaml": "a: !!python/object/apply:os.system [touch PWNED]\n"},
        ["neuron=x"],
        ["neuron/x.yaml: the tag tag:yaml.org,2002:python/object/apply:os.system"],
    ),
    "own tag": ({"neuron/x.yaml": "a: !mine 1\n"}, ["neuron=x"], ["x.yaml: the tag !mine"]),
    # sweeps of a config's own
    "sweep of Hydra's settings": (
        {"experiment/x.yaml": f"{SWEEPS}      hydra.run.dir: PWNED\n"},
        ["-m", "+experiment=x"],
        ["hydra.run.dir: izhi does not use this setting"],
    ),
    "sweep of the folder": (
        {"experiment/x.yaml": f"{SWEEPS}      study.dir: /tmp/PWNED\n"},
        ["-m", "+experiment=x"],
        ["study.dir = /tmp/PWNED: a config can only name a folder below this one"],
    ),
    "sweep of a group into Hydra's": (
        {"experiment/x.yaml": SWEEPS + "      +neuron@hydra.callbacks.x: chattering\n"},
        ["-m", "+experiment=x"],
        ["neuron@hydra.callbacks.x: izhi does not use this setting"],
    ),
    "sweep that is no mapping": (
        {"experiment/x.yaml": f"{GLOBAL}hydra: {{sweeper: {{params: x}}}}\n"},
        ["-m", "+experiment=x"],
        ["hydra.sweeper.params = x"],
    ),
    # interpolations
    "environment variable": (
        {"experiment/x.yaml": f"{GLOBAL}study: {{name: '${{oc.env:HOME}}'}}\n"},
        ["+experiment=x"],
        ["experiment/x.yaml: ${oc.env:HOME}: a value can refer to another key"],
    ),
    "a resolver of the program's": (
        {"neuron/x.yaml": "a: '${stranger:PWNED}'\n"},
        ["neuron=x"],
        ["neuron/x.yaml: ${stranger:PWNED}: a value can refer to another key"],
    ),
    "a resolver by reference": (
        {"neuron/x.yaml": "a: '${${neuron.b}:PWNED}'\nb: stranger\n"},
        ["neuron=x"],
        ["neuron/x.yaml: ${${neuron.b}:PWNED}: a value can refer to another key"],
    ),
    "a resolver in a sweep": (
        {"experiment/x.yaml": SWEEPS + "      synapse.U_0: ${oc.env:HOME}\n"},
        ["-m", "+experiment=x"],
        ["experiment/x.yaml: ${oc.env:HOME}"],
    ),
    "references that double": ({"neuron/x.yaml": DOUBLED}, ["neuron=x"],
                               ["neuron.x0: more than 100,000 characters"]),
    "references behind references": ({"neuron/x.yaml": BEHIND}, ["neuron=x"],
                                     ["more than 100,000 characters"]),
    "references in a circle": (
        {"neuron/x.yaml": "a: ${neuron.b}\nb: ${neuron.a}\n"},
        ["neuron=x"],
        ["neuron.a: more than 100,000 characters once", "a circle"],
    ),
    "reference to Hydra's node": (
        {"experiment/x.yaml": f"{GLOBAL}study: {{dir: '${{hydra.runtime.cwd}}'}}\n"},
        ["+experiment=x"],
        ["Interpolation key 'hydra.runtime.cwd' not found"],
    ),
    # names
    "study.dir above": ({"experiment/x.yaml": f"{GLOBAL}study: {{dir: a/../../PWNED}}\n"},
                        ["+experiment=x"], ["study.dir = a/../../PWNED: a config can only name"]),
    "study.dir anywhere": ({"experiment/x.yaml": f"{GLOBAL}study: {{dir: /tmp/PWNED}}\n"},
                           ["+experiment=x"], ["study.dir = /tmp/PWNED: a config can only name"]),
    "study.dir at home": ({"experiment/x.yaml": f"{GLOBAL}study: {{dir: ~/PWNED}}\n"},
                          ["+experiment=x"], ["study.dir = ~/PWNED: a config can only name"]),
    "study.dir by reference": (
        {"experiment/x.yaml": f"{GLOBAL}study: {{dir: '${{study.name}}', name: ../PWNED}}\n"},
        ["+experiment=x"],
        ["study.dir = ../PWNED: a config can only name"],
    ),
    "study.dir by a choice": ({"study/x.yaml": "dir: /tmp/PWNED\n"}, ["+study=x"],
                              ["study.dir = /tmp/PWNED: a config can only name"]),
    "study.name above": ({"experiment/x.yaml": f"{GLOBAL}study: {{name: ../PWNED}}\n"},
                         ["+experiment=x"], ["study.name = '../PWNED': expected a plain name"]),
    "a file above": ({"neuron/x.yaml": "defaults: [../../../../etc/passwd]\n"}, ["neuron=x"],
                     ["etc/passwd: a config lies in the folder that is read"]),
    "a file by another name": (
        {}, ["neuron=./chattering"],
        ["neuron/./chattering: not the name of a config; write neuron/chattering"]),
    "an experiment by another name": (
        {}, ["+experiment=.//presets_u0_amplitude"],
        ["experiment/.//presets_u0_amplitude: not the name of a config; write experiment/presets"]),
    "a population in C++": (
        {"circuit/x.yaml": "populations: {'a\"); system(\"touch PWNED': "
                           "{count: 1, stimulated: true}}\nprojections: {}\n"},
        ["circuit=x"],
        ["is no name for a population or projection", "ASCII"],
    ),
    "a population in Cyrillic": (
        {"circuit/x.yaml": "populations: {\u0430: {count: 1, stimulated: true}}\n"
                           "projections: {}\n"},
        ["circuit=x"],
        ["circuit: '\u0430' is no name for a population or projection"],
    ),
    "a projection in C++": (
        {"circuit/x.yaml": "populations: {a: {count: 2, stimulated: true}}\n"
                           "projections: {'a; }': {source: a, target: a}}\n"},
        ["circuit=x"],
        ["circuit: 'a; }' is no name for a population or projection"],
    ),
    "a long name": (
        {"circuit/x.yaml": f"populations: {{{'a' * 65}: {{count: 1, stimulated: true}}}}\n"
                           "projections: {}\n"},
        ["circuit=x"],
        ["up to 64 letters"],
    ),
    # files that take long
    "aliases": ({"neuron/x.yaml": BOMB}, ["neuron=x"], ["neuron/x.yaml: more than 5,000 keys"]),
    "merges": ({"neuron/x.yaml": MERGES}, ["neuron=x"], ["neuron/x.yaml: more than 5,000 keys"]),
    "an alias of itself": ({"neuron/x.yaml": "a: &x [*x]\n"}, ["neuron=x"],
                           ["neuron/x.yaml: the alias *x holds itself"]),
    "depth": ({"neuron/x.yaml": "a: " + "[" * 60_000}, ["neuron=x"],
              ["neuron/x.yaml: nested deeper than 40 levels"]),
    "a long list": ({"neuron/x.yaml": f"a: [{'1,' * 20_000}1]\n"}, ["neuron=x"],
                    ["neuron/x.yaml: more than 5,000 keys"]),
    "1 MB": ({"neuron/x.yaml": f"a: {'x' * 1_000_000}\n"}, ["neuron=x"],
             ["neuron/x.yaml: 1,000,004 bytes; a config has at most 128,000"]),
    "a number by sixties": ({"neuron/x.yaml": f"a: 1{':1' * 60_000}\n"}, ["neuron=x"],
                            ["neuron/x.yaml: a number of 120,001 characters"]),
    "a number by sixteens": ({"neuron/x.yaml": f"a: 0x{'f' * 60_000}\n"}, ["neuron=x"],
                             ["neuron/x.yaml: a number of 60,002 characters"]),
    "defaults that double": (
        {"neuron/x.yaml": "defaults: [x0@a, x0@b]\n", "neuron/x25.yaml": "a: 1\n"}
        | {f"neuron/x{i}.yaml": f"defaults: [x{i + 1}@a, x{i + 1}@b]\n" for i in range(25)},
        ["neuron=x"],
        ["its defaults lists name more than 1,000 files"],
    ),
    "defaults of itself": ({"neuron/x.yaml": "defaults: [x]\n"}, ["neuron=x"],
                           ["neuron/x.yaml: nested too deeply, or named by its own defaults"]),
    # files that are none
    "not UTF-8": ({"neuron/x.yaml": b"a: \xff\xfe\n"}, ["neuron=x"],
                  ["neuron/x.yaml: not UTF-8 text"]),
    "half a character": ({"experiment/x.yaml": '# @package _global_\nstudy: {name: "a\\ud800"}\n'},
                         ["+experiment=x"], ["study.name = a\\ud800: no text in UTF-8"]),
    "half a character in a list": (
        {"experiment/x.yaml": '# @package _global_\nrecord: {traces: {neuron: ["\\ud800"]}}\n'},
        ["+experiment=x"], ["record.traces = ", "no text in UTF-8"]),
    "NUL": ({"neuron/x.yaml": b"a: 'x\0'\n"}, ["neuron=x"], ["neuron/x.yaml: holds a NUL byte"]),
    "a key twice": ({"neuron/x.yaml": "a: 1\na: 2\n"}, ["neuron=x"],
                    ["neuron/x.yaml", "found duplicate key a"]),
    "a list as a key": ({"neuron/x.yaml": "? [a, b]\n: 1\n"}, ["neuron=x"],
                        ["neuron/x.yaml: line 1: a list as a key; a key is text"]),
    "a mapping as a key": ({"neuron/x.yaml": "a: {{b}}\n"}, ["neuron=x"],
                           ["neuron/x.yaml: line 1: a mapping as a key; a key is text"]),
    **{f"{key} as a key": (
        {"neuron/x.yaml": f"a: [1, {{b: 2}}]\nc:\n  {key}: 1\n"}, ["neuron=x"],
        [f"neuron/x.yaml: line 3: the key {key}, which YAML reads as {what}, not as text; quote "
         f"it: '{key}'"],
    ) for key, what in (("null", "null"), ("NULL", "null"), ("~", "null"), ("1", "a number"),
                        ("1.5", "a number"), ("true", "true or false"), ("on", "true or false"))},
    "a header too long": ({"neuron/x.yaml": "# @package a b c\na: 1\n"}, ["neuron=x"],
                          ["neuron/x.yaml: Too many components"]),
    "defaults of numbers": ({"neuron/x.yaml": "defaults: [{1: 2}]\n"}, ["neuron=x"],
                            ["neuron/x.yaml: "]),
}  # fmt: skip


def tree(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


@pytest.fixture
def here(tmp_path, tmp_path_factory, monkeypatch):
    """Work in a folder with a folder ``configs``; nothing may be added, there or around it."""
    home, work = tmp_path / "home", tmp_path / "around" / "here"
    home.mkdir()
    (work / "configs").mkdir(parents=True)
    (work / "stranger.py").write_text("open('PWNED', 'w')\n")
    monkeypatch.setenv("HOME", str(home))
    # Brian2 imports matplotlib where it is installed, which makes a folder when it is first
    monkeypatch.setenv("MPLCONFIGDIR", str(tmp_path_factory.mktemp("matplotlib")))
    monkeypatch.chdir(work)
    monkeypatch.syspath_prepend(work)
    # --info logs to the stream of the moment, which is closed by the next test
    monkeypatch.setattr(logging.root, "handlers", logging.root.handlers.copy())
    monkeypatch.setattr(logging.root, "level", logging.root.level)
    # such as a program may have registered that izhi is called from
    OmegaConf.register_new_resolver("stranger", lambda name: Path(name).touch())
    yield work
    OmegaConf.clear_resolver("stranger")
    assert not [path for path in tree(tmp_path) if "PWNED" in path]


def write(files):
    for name, text in files.items():
        path = Path("configs") / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())


def check_refused(arguments, words, folder, capsys):
    before = tree(folder.parent.parent)
    started = time.process_time()
    status = main(arguments)
    assert time.process_time() - started < 10  # it would be hours
    printed = capsys.readouterr()
    assert status == 2, printed.err
    (line,) = printed.err.splitlines()
    assert line.startswith("error: ") and len(line) < 1000
    for word in words:
        assert word in line
    assert printed.out == ""
    assert tree(folder.parent.parent) == before


@pytest.mark.parametrize("name", CONFIGS)
def test_a_hostile_config_is_refused_by_name(name, here, capsys):
    files, arguments, words = CONFIGS[name]
    write(files)
    check_refused(["run", "--config-dir", "configs", *arguments], words, here, capsys)


# one for each way in which a config is refused; the command line is asked of all of them above
IN_PYTHON = ("callback", "sweeper", "search path", "_target_ of a neuron", "environment variable",
             "references that double", "study.dir above", "a population in C++", "aliases",
             "not UTF-8")  # fmt: skip


@pytest.mark.parametrize("name", [
    pytest.param(name, marks=[pytest.mark.soak] * (name not in IN_PYTHON))
    for name, case in CONFIGS.items() if "-m" not in case[1]
])  # fmt: skip
def test_python_refuses_it_with_the_same_words(name, here):
    files, arguments, words = CONFIGS[name]
    if "--config-name" in arguments:
        pytest.skip("Python has no name of a primary config")
    write(files)
    before = tree(here.parent.parent)
    with pytest.raises(ConfigError) as caught:
        izhi.run(arguments, config_dir="configs", progress=False)
    assert all(word in str(caught.value) for word in words)
    assert tree(here.parent.parent) == before


SHOWN = [["--help"], ["--hydra-help"], ["--cfg", "all", "--resolve"], ["--info", "all"]]


@pytest.mark.parametrize("flags", SHOWN, ids=" ".join)
@pytest.mark.parametrize("name", ["callback", "log handler by class", "references that double"])
def test_what_only_shows_a_config_runs_none_of_it_either(name, flags, here, capsys):
    files, arguments, words = CONFIGS[name]
    write(files)
    words = [] if name == "references that double" else words  # Hydra's help has none of it
    if "--hydra-help" in flags and name == "references that double":
        pytest.skip("Hydra's own help composes no neuron")
    arguments = ["run", "--config-dir", "configs", *flags, *arguments]
    before = tree(here.parent.parent)
    assert main(arguments) == 2
    printed = capsys.readouterr().err
    assert printed.startswith("error: ") and printed.count("\n") == 1
    assert all(word in printed for word in words)
    assert tree(here.parent.parent) == before


@pytest.mark.parametrize("kind", ["fifo", "folder", "socket", "link to a device"])
def test_what_is_no_file_is_no_config(kind, here, capsys):
    path = here / "configs" / "neuron" / "x.yaml"
    path.parent.mkdir()
    if kind == "fifo":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    elif kind == "socket":
        os.mknod(path, 0o140600)
    else:
        path.symlink_to("/dev/zero")
    arguments = ["run", "--config-dir", "configs", "neuron=x"]
    check_refused(arguments, ["neuron = x: no such neuron"], here, capsys)


def test_a_link_to_a_config_is_fine(here):
    write({"neuron/x.yaml": "defaults: [chattering]\nd: 3 mV\n"})
    (here / "configs" / "neuron" / "y.yaml").symlink_to("x.yaml")
    plan = izhi.plan(["neuron=y"], config_dir="configs")
    assert plan.sweep.bases[0].values["neuron.d"].si == 3e-3


@pytest.mark.parametrize("kind", ["file", "folder", "main"])
def test_a_link_to_what_lies_elsewhere_is_not_read(kind, here, capsys):
    secret = here.parent / "secret.yaml"
    secret.write_text("root:x:0:0: !secret word\n")
    configs = here / "configs"
    (configs / "neuron").mkdir()
    flags = ["neuron=x"]
    if kind == "file":
        (configs / "neuron" / "x.yaml").symlink_to(secret)
    elif kind == "folder":
        (configs / "neuron" / "x").symlink_to(here.parent)
        flags = ["neuron=x/secret"]
    else:
        (configs / "x.yaml").symlink_to(secret)
        flags = ["--config-name", "x"]
    words = ["a link out of the folder that configs are read from"]
    check_refused(["run", "--config-dir", "configs", *flags], words, here, capsys)
    with pytest.raises(AssertionError):
        check_refused(["run", "--config-dir", "configs", *flags], ["word"], here, capsys)


def test_a_link_to_a_folder_above_ends(here, capsys):
    (here / "configs" / "neuron").mkdir()
    (here / "configs" / "neuron" / "x").symlink_to("..")
    started = time.process_time()
    assert main(["run", "--config-dir", "configs", "--help"]) == 0
    assert time.process_time() - started < 10
    assert "neuron/book: chattering" in capsys.readouterr().out


def test_a_config_cannot_name_data_behind_a_link(here, capsys):
    Path("data.csv").symlink_to("../secret.csv")
    Path("../secret.csv").write_text("t [ms],I [mV]\n0,1\n1000,1\n")
    write({"stimulus/x.yaml": "defaults: [file]\nfile: data.csv\n"})
    flags = ["run", "--config-dir", "configs", "stimulus=x"]
    words = ["stimulus.file = data.csv: a config can only name a file below this folder"]
    check_refused(flags, words, here, capsys)
    plan = izhi.plan(["stimulus=x", "stimulus.file=data.csv"], config_dir="configs")
    assert plan.sweep.bases[0].values["stimulus.file"] == "data.csv"


STRINGS = [key for key in keys.known_keys() if key not in ("study.dir",)]
# checked where they are used, and not by themselves
USED = ["study.name", "record.traces",
        *(f"{group}.{name}" for group, texts in keys.TEXTS.items() for name in texts)]  # fmt: skip
# one of each kind of those that test_no_field_takes_any_code tries with all code
KINDS = {type(keys.key_of(key)): key for key in reversed(STRINGS) if key not in USED}.values()


@pytest.mark.parametrize("number", [
    pytest.param(n, id=key, marks=[pytest.mark.soak] * (key not in (*USED, *KINDS)))
    for n, key in enumerate(STRINGS)
])  # fmt: skip
def test_code_in_a_field_is_a_value_that_is_wrong(number, here, capsys):
    key, text = STRINGS[number], CODE[number % len(CODE)]
    group, _, name = key.partition(".")
    write({"experiment/x.yaml": f"{GLOBAL}{group}:\n  {name}: {quoted(text)}\n"})
    check_refused(["run", "--config-dir", "configs", "+experiment=x"], [key], here, capsys)
    check_refused(["run", f"{key}={quoted(text)}"], [key], here, capsys)


def quoted(text):
    """Return text in double quotes, as YAML and Hydra's grammar both read them."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", " ") + '"'


@pytest.mark.parametrize("text", CODE)
def test_no_field_takes_any_code(text):
    for key in [*STRINGS, "circuit.populations.a.count", "circuit.populations.a.stimulated",
                "circuit.projections.a.connect"]:  # fmt: skip
        if key in USED:
            continue
        with pytest.raises(ConfigError, match=key):
            keys.check_value(key, text)


def test_a_folder_may_have_any_name_and_is_only_a_folder(here, capsys):
    name = "$(touch PWN) ; `x`"
    write({"experiment/x.yaml": f"{GLOBAL}study: {{dir: '{name}', name: x}}\n"})
    short = ["circuit=single", "run.engine=numpy", "run.n_jobs=1", "simulation.duration='21 ms'"]
    before = tree(here.parent.parent)
    assert main(["run", "--config-dir", "configs", "+experiment=x", *short]) == 0
    new = set(tree(here.parent.parent)) - set(before)
    assert new and all(path.startswith(f"around/here/{name}") for path in new)
    assert (here / name / "x" / "dataset.nc").is_file()


def test_the_command_line_may_say_where_studies_lie(here):
    write({"experiment/x.yaml": f"{GLOBAL}study: {{dir: /nowhere}}\n"})
    plan = izhi.plan(["+experiment=x", f"study.dir={here.parent}"], config_dir="configs")
    assert plan.sweep.setting("study.dir") == str(here.parent)


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("x=" + "y" * 1_000_000, "1,000,002 characters; an override has at most 200,000"),
        ("neuron.a=" + "[" * 5_000, "neuron.a=[[["),
        ("neuron.a=" + "float(" * 500 + "1" + ")" * 500, "neuron.a=float(float("),
        ("neuron.a=" + "9" * 5_000, "neuron.a=999"),
        ("neuron.a=" + "9" * 4_000, "neuron.a: a whole number of more than 10,000 bits"),
        ("neuron.a=${oc.env:HOME}", "an override: neuron.a=${oc.env:HOME}: a value can refer to"),
        ("neuron.a=${now:%Y}", "a value can refer to another key"),
        ("+neuron@hydra.callbacks.x=chattering", "neuron@hydra.callbacks.x: izhi does not use"),
        ("~hydra", "hydra: izhi does not use this setting"),
        ("+hydra.job.env_copy=[NOT_THERE]", "hydra.job.env_copy: izhi does not use this setting"),
        ("hydra.searchpath=[pkg://stranger]", "hydra.searchpath: izhi does not use this setting"),
        ("neuron=../../etc/passwd", "neuron = ../../etc/passwd: no such neuron"),
    ],
    ids=lambda text: text[:30],
)  # fmt: skip
def test_a_hostile_override_is_refused_by_name(override, words, here, capsys):
    check_refused(["run", override], [words], here, capsys)
    with pytest.raises(ConfigError):
        izhi.run([override], progress=False)


def test_ten_thousand_values_are_no_attack(here):
    values = ",".join(f"{1 + i / 7:.6f}" for i in range(10_000))
    assert izhi.plan([f"synapse.tau_f={values}", "run.engine=numpy"]).points == 10_000


def test_too_many_overrides(here, capsys):
    check_refused(["plan", *["neuron=chattering"] * 1001], ["1,001 overrides"], here, capsys)


NAMES = ["..", ".", "...", "../x", "a/../../x", "/tmp/x", "a/b", "a\\b", "a\0b", "a\nb", "-rf",
         "~", "~root", " a", "a ", "", ".hidden", "x" * 201, "a\u202eb", "a\u2215b", "a\u2044b",
         "a*b", "$HOME", "a;b", "a|b", "\x1b[31m", *CODE]  # fmt: skip


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_a_study_s_name_cannot_leave_its_folder(name, here):
    before = tree(here.parent.parent)
    with pytest.raises(IzhiError, match=r"study\.name|an override|Missing"):
        izhi.run("neuron=chattering", name=name, progress=False)
    assert tree(here.parent.parent) == before


@pytest.mark.parametrize("name", ["a", "a.b", "2026", "a b", "\u00e9t\u00e9", "x" * 200, "a..b"])
def test_a_plain_name_lies_in_the_folder(name, here):
    plan = izhi.plan([f"study.name='{name}'"])
    folder = study_folder(plan.sweep)
    assert folder == StudyFolder(Path("studies") / name)
    assert folder.path.resolve().parent == here / "studies"


def test_a_stranger_s_module_beside_the_configs_is_not_imported(here):
    write({"main.yaml": "defaults: [config]\nhydra: {searchpath: ['pkg://stranger']}\n"})
    done = subprocess.run(
        [sys.executable, "-m", "izhi", "run", "--config-path", "configs", "--config-name", "main"],
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.returncode == 2
    assert done.stderr.startswith("error: hydra.searchpath = pkg://stranger")
    assert done.stderr.count("\n") == 1


# Equations

ATTACKS = [
    "__import__('os').system('touch PWNED')", "().__class__", "a.__class__", "a.b", "a[0]",
    "lambda: 1", "x := 1", "f'{x}'", "[x for x in y]", "(x for x in y)", "1 if a else 2", "a; b",
    "a\nsystem(b)", "a /* b */", "a // b", 'a"b', "a'b", "#include <x>", "a # b", "a\\\nb",
    "\u0430 + 1", "v\u200b", "10**10**10", "2**x**y", "x**21", "((x**9)**9)**9", "x**(y)*2**(3*9)",
    "-" * 5_000 + "1", "(" * 5_000 + "1" + ")" * 5_000, "not " * 100 + "a", "rand()", "randn()",
    "poisson(3)", "xi", "xi_1*a", "exp(x=1)", "exp(*x)", "exp(**x)", "exp(exp)(x)", "eval(x)",
    "system(x)", "0x10", "1j", "1_000", "9" * 100, "1e9999", "None", "...", "a is b", "a in b",
    "~a", "a @ b", "a << 2", "a & b", "a ^ b", "", " ", "_x", "__x__", "x" * 101, "a) + (b",
    "a)}; system(b); {(c", "yield x", "await x", "a, b", "*a", "a b", "1 2", "a{b}", "a$b", "a`b`",
    "a" + " + a" * 10_000,
]  # fmt: skip


@pytest.mark.parametrize("text", ATTACKS, ids=lambda text: ascii(text)[:40])
def test_what_is_no_arithmetic_never_reaches_the_code_generator(text):
    with pytest.raises(ConfigError, match=r"^equations: "):
        equations.expression(text)
    with pytest.raises(ConfigError, match=r"^equations: "):
        equations.equations(f"dv/dt = {text} : volt")
    with pytest.raises(ConfigError, match=r"^equations: "):
        equations.statements(f"v = {text}")


@pytest.mark.parametrize(
    "text",
    ["v : volt; system(x)", "v : volt)", "v : __import__('os')", "v : volt (evil)", "v : mvolt",
     "v : 10**10**10", "v = 3 : volt : volt", "int main() {", "dv/dt : volt", "d/dt = 1 : volt",
     "\u0430 : volt", "_v : volt", "class : volt", "v : (constant)", "v = : volt", "v + u = 1 : 1"],
)  # fmt: skip
def test_what_is_no_declaration_is_refused(text):
    with pytest.raises(ConfigError, match=r"^equations: "):
        equations.equations(text)


@pytest.mark.parametrize("text", ["v == c", "v", "v = c = d", "v =", "v.x = 1", "v[0] = 1",
                                  "del v", "v **= 2", "import os", "_v = 1"])  # fmt: skip
def test_what_is_no_statement_is_refused(text):
    with pytest.raises(ConfigError, match=r"^equations: "):
        equations.statements(text)


def test_arithmetic_passes_as_it_is():
    term = (
        "-g*(v - E)**2/(1 + exp(-(v - vh)/k)) + clip(x, 0, 1)*int(t >= t0 and not a == b) % .5e-3"
    )
    assert equations.expression(term) == term
    text = f"dv/dt = {term} : volt (unless refractory)\n\nI = {term} : amp\ng : siemens*meter**-2\n"
    assert equations.equations(text) == text
    assert equations.statements("v = c; u += d\nw *= 0.5") == "v = c; u += d\nw *= 0.5"
    assert equations.expression("C**n/(K**n + C**n)")
    assert equations.expression("a" + " + a" * 150)


def test_names_of_populations_are_identifiers():
    assert circuit._NAME.fullmatch("pre_2")
    for name in ("_a", "2a", "a-b", "a b", "a\n", "\u0430", "", "a" * 65):
        assert not circuit._NAME.fullmatch(name)


# The code itself

FORBIDDEN_NAMES = {"eval", "exec", "compile", "__import__"}
FORBIDDEN_MODULES = {"pickle", "marshal", "shelve", "dill", "cloudpickle", "code", "codeop"}
FORBIDDEN_CALLS = {
    "os.system", "os.popen", "yaml.unsafe_load", "yaml.full_load", "yaml.load_all", "joblib.load",
    "joblib.dump", "hydra.main", "hydra.utils.instantiate", "np.fromregex",
}  # fmt: skip
SOURCES = [*(REPOSITORY / "izhi").rglob("*.py"), *(REPOSITORY / "hydra_plugins").rglob("*.py")]


SAFE_LOADER = "getattr(yaml, 'CSafeLoader', yaml.SafeLoader)"


def dangers(text):
    """Return what a source file does that could run what data says."""
    found = []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            given_to = {ast.unparse(target) for target in targets}
            if "SAFE_LOADER" in given_to and ast.unparse(node.value) != SAFE_LOADER:
                found.append("SAFE_LOADER is another loader")
        if isinstance(node, ast.Import | ast.ImportFrom):
            from_ = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            names = [*from_, *(alias.name for alias in node.names)]
            found += [
                n for n in names if n.split(".")[0] in FORBIDDEN_MODULES or n == "instantiate"
            ]
        if not isinstance(node, ast.Call):
            continue
        name, given = ast.unparse(node.func), {k.arg: ast.unparse(k.value) for k in node.keywords}
        if name in FORBIDDEN_NAMES | FORBIDDEN_CALLS:
            found.append(name)
        if name == "yaml.load" and given.get("Loader") != "SAFE_LOADER":
            found.append("yaml.load without a safe loader")
        if "shell" in given or given.get("allow_pickle", "False") != "False":
            found.append(f"{name} with shell or allow_pickle")
        if name.endswith("import_module") and not ast.unparse(node.args[0]).startswith(
            ("'importlib", "_WHERE[")
        ):
            found.append("import_module of a name from elsewhere")
    return found


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(REPOSITORY)))
def test_no_source_evaluates_or_unpickles(path):
    assert dangers(path.read_text(encoding="utf-8")) == []


def test_the_search_for_such_sources_finds_them():
    for text in ("eval('1')", "import pickle", "from pickle import load", "os.system('x')",
                 "yaml.load(x)", "subprocess.run(x, shell=True)", "np.load(x, allow_pickle=True)",
                 "importlib.import_module(name)", "hydra.main()(f)",
                 "from hydra.utils import instantiate", "yaml.load(x, Loader=yaml.Loader)",
                 "SAFE_LOADER = yaml.Loader", "SAFE_LOADER: Any = yaml.FullLoader"):  # fmt: skip
        assert dangers(text), text
    assert not dangers(f"SAFE_LOADER = {SAFE_LOADER}\nyaml.load(x, Loader=SAFE_LOADER)")


def test_a_config_cannot_have_a_study_written_behind_a_link(here, monkeypatch):
    (here / "elsewhere").mkdir()
    work = here / "work"
    (work / "studies").mkdir(parents=True)
    (work / "out").symlink_to(here / "elsewhere")
    (work / "studies" / "x").symlink_to(here / "elsewhere")
    monkeypatch.chdir(work)
    for number, (said, text) in enumerate({
        "study.dir = out: a link leads from there out of this folder": "{dir: out, name: y}",
        "study.dir = out/more: a link leads from there": "{dir: out/more, name: y}",
        "study.name = x: studies/x is a link": "{name: x}",
    }.items()):  # fmt: skip
        write({f"experiment/e{number}.yaml": f"# @package _global_\nstudy: {text}\n"})
        with pytest.raises(ConfigError) as caught:
            izhi.plan([f"+experiment=e{number}"], config_dir="configs")
        assert str(caught.value).startswith(said)
    assert izhi.plan(["+experiment=e0", "study.dir=out"], config_dir="configs").points == 1
    shutil.rmtree(work / "studies")
    (work / "studies").symlink_to(here / "elsewhere")  # by who chose where studies go
    assert izhi.plan(["study.name=y"], config_dir="configs").points == 1
