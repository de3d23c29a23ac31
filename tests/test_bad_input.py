"""What is wrong with the input is said in one line, before anything is built or written."""

import os
import shutil
import subprocess
import sys
from collections import namedtuple
from pathlib import Path

import pytest

from izhi.cli import main

NEURONS = (
    "book/*, chattering, fast_spiking, integrate_and_fire/*, intrinsically_bursting, "
    "low_threshold_spiking, network_2003/*, pattern/*, random, regular_spiking, resonator, "
    "resonator_forum, source/*, thalamo_cortical"
)
NOT_SWEPT = "cannot be swept; it says how a study is run and kept, not what is simulated"
NOT_LINEAR = (
    "dv/dt of pre is not linear in v, u; use one of euler, semi_implicit, rk2, rk4, located_rk2, "
    "located_rk4"
)
A_NAME = "expected a plain name of letters, digits and - _ . + = , @"
TRACES = (
    "expected null, all, a list of point numbers, or values by axis such as {neuron: chattering}"
)
NOT_USED = "izhi does not use this setting of Hydra's; --config-dir adds configs, study.dir says"
QUOTE = "write key=value, and quote text with special characters: \"key='5 mV'\""

# Each row: arguments, and text of the one error line.
COMMANDS = [
    (["rnu"], "rnu: no such command; did you mean run?"),
    (["plna", "neuron=chattering"], "plna: no such command; did you mean plan?"),
    (
        ["neuron=chattering"],
        "neuron=chattering: no such command; there are check, converge, diff, doctor, export, ",
    ),
    (["plan", "neuron=chatering"], "neuron = chatering: no such neuron; did you mean chattering?"),
    (["plan", "-m", "synapse.U_0=0.5,1.4"], "synapse.U_0 = 1.4: a release probability lies in"),
    (["plan", "--cfg", "job", "synapse.foo=1"], "synapse.foo: the chosen synapse has only syn"),
]

# The same, after `izhi run`.
CASES = [
    # flags
    (["--foo"], "unrecognized arguments: --foo; izhi run --hydra-help lists the flags"),
    (["--cfg", "jbo"], "argument --cfg/-c: invalid choice: 'jbo'"),
    (["--config-dir"], "argument --config-dir/-cd: expected one argument"),
    (["--config-dir", "nope"], "config_dir = nope: no such folder"),
    (["--config-name", "nope"], "config = nope: no such config"),
    (["-c", "job", "-m"], "Only one of --run, --multirun, --cfg, --info"),
    (["--resolve"], "--resolve flag can only be used in conjunction with --cfg"),
    (["--experimental-rerun", "file"], "--experimental-rerun: izhi keeps no jobs"),
    # choices
    (["neuron=chatering"], "neuron = chatering: no such neuron; did you mean chattering?"),
    (["-m", "neuron=resonator,chatering"], "neuron = chatering: no such neuron; did you mean chat"),
    (["neuron=5"], f"neuron = 5: no such neuron; there are {NEURONS}"),
    (["neuron=null"], "neuron = null: no such neuron; there are "),
    (["-m", "neuron=range(0,3)"], "neuron = 0: no such neuron; there are "),
    (["synapse={U_0: 0.3}"], "synapse = {'U_0': 0.3}: no such synapse; there are alpha, "),
    (["+experiment=nope"], "experiment = nope: no such experiment; there are burst_maps, "),
    (["neuron@post.neuron=chatering"], "neuron@post.neuron = chatering: no such neuron; did you m"),
    (["neuron@foo.neuron=chattering"], "Could not override 'neuron@foo.neuron'; Did you mean to"),
    (["+neuron@foo.neuron=chattering"], "neuron@foo.neuron: this circuit has no population foo; "),
    (["+neuron=chattering"], "Multiple values for neuron. To override a value use"),
    (["++neuron=chattering"], "force-add of config groups is not supported: '++neuron=chattering'"),
    # keys
    (["neurn=chattering"], "neurn: no such key; did you mean neuron?"),
    (["synapse.u_0=0.5"], "synapse.u_0: no such key; did you mean synapse.U_0?"),
    (["synapse.U0=0.5"], "synapse.U0: no such key; did you mean synapse.U_0?"),
    (["U_0=0.5"], "U_0: no such key; did you mean synapse.U_0?"),
    (["-m", "stimulus.amplitud=5,6"], "stimulus.amplitud: no such key; did you mean stimulus.amp"),
    (["circuit.populations.per.count=1"], "per.count: no such key; did you mean circuit.populatio"),
    (["foo.bar=1"], "foo.bar: no such key; there are circuit, experiment, neuron, pattern, "),
    (["+foo=1"], "foo: no such key; there are circuit, experiment, neuron, pattern, "),
    (["-m", "+synapse.zz=1,2"], "synapse.zz: the equations do not use it"),
    (["+synapse.U_0=0.5"], "Could not append to config. An item is already at 'synapse.U_0'"),
    (["synapse=static", "+synapse.U_0=1"], "synapse.U_0: the equations do not use it"),
    (["synapse=none", "synapse.U_0=1"], "synapse.U_0: the chosen synapse has only synapse.model"),
    (["-m", "synapse=none,static", "synapse.weight=3,4"], "synapse.weight: the chosen synapse has"),
    (["post.neuron.a=1"], "post.neuron.a: no such key; that population has no neuron of its own"),
    (["~synapse.U_0"], "on_pre: u_S += U_0*(1 - u_S): U_0 is not defined; give it a value, as "),
    (["~neuron.a"], "neuron.equations: du/dt: a is not defined; give it a value, as neuron.a"),
    (["~simulation.dt"], "simulation.dt: missing; expected a value such as 10 ms"),
    (["~simulation"], "simulation.duration: missing; expected a value such as 10 s"),
    (["~run.n_jobs"], "run.n_jobs: missing; expected a value"),
    (["~record"], "record.spikes: missing; expected a value"),
    (["~study.dir"], "study.dir: missing; expected a value"),
    (["-m", "~synapse.U_0=0.1,0.2"], "~synapse.U_0: a deletion cannot be swept"),
    (["-m", "~neuron=a,b"], "~neuron: a deletion cannot be swept"),
    # units and numbers
    (["stimulus.amplitude='8 ms'"], "stimulus.amplitude = 8 ms: expected a voltage or a current s"),
    (["stimulus.amplitude=8mm"], "stimulus.amplitude = 8mm: expected a voltage or a current such "
                                 "as 10 mV, not a quantity in m"),
    (["stimulus.amplitude='8 mv'"], "stimulus.amplitude = 8 mv: 'mv' is no unit; did you mean mV?"),
    (["stimulus.onset='8 mV'"], "stimulus.onset = 8 mV: expected a time such as 10 ms, not a volt"),
    (["neuron.a='8 mV'"], "neuron.a = 8 mV: expected a rate such as 10/ms, not a voltage"),
    (["neuron.u_0=resting"], "neuron.u_0 = resting: 'resting' is no quantity; write a number and"),
    (["-m", "stimulus.amplitude='1 mV','1 nA'"], "one axis holds a current and a voltage"),
    (["stimulus.amplitude=true"], "stimulus.amplitude = true: True is no quantity"),
    (["stimulus.amplitude=null"], "stimulus.amplitude = null: expected a voltage or a current"),
    (["stimulus.amplitude="], "stimulus.amplitude = '': '' is no quantity"),
    (["stimulus.amplitude={a: 1}"],
     "stimulus.amplitude = {a:1}: a mapping; expected a value such as 10 mV"),
    (["neuron.a={b: 1}"], "neuron.a = {b:1}: a mapping; expected a value such as 0.02/ms"),
    (["simulation.dt={a: 1}"], "simulation.dt = {a:1}: a mapping; expected a value such as 0.1 ms"),
    (["simulation.method={a: 1}"], "simulation.method = {a:1}: a mapping; expected a value such"),
    (["++stimulus.amplitude={a: 1}"],
     "stimulus.amplitude: a mapping without a current; a further stimulus has one, as "
     "stimulus.amplitude.current, and a parameter is one value, as stimulus.amplitude='10 mV'"),
    (["+stimulus.more={amplitude: 1}"], "stimulus.more: a mapping without a current; a further"),
    (["-m", "stimulus.amplitude={a: 1},2"], "stimulus.amplitude = {'a': 1}: {'a': 1} is no quant"),
    (["stimulus.amplitude=nan"], "stimulus.amplitude = nan: nan is not finite"),
    (["stimulus.amplitude='1e400 mV'"], "stimulus.amplitude = 1e400 mV: 1e400 mV is not finite"),
    (["stimulus.amplitude='1e308 GV'"], "1e308 GV is not finite in SI units"),
    (["stimulus.amplitude='__import__(\"os\").getcwd()'"], "is no quantity; write a number and a"),
    # values out of bounds
    (["synapse.U_0=1.4"], "synapse.U_0 = 1.4: a release probability lies in [0, 1]"),
    (["-m", "synapse.U_0=0.5,-0.1"], "synapse.U_0 = -0.1: a release probability lies in [0, 1]"),
    (["-m", "synapse.U_0=range(0.1,1.2,0.1)"], "synapse.U_0 = 1.1: a release probability lies in"),
    (["synapse.tau_f=0"], "synapse.tau_f = 0: a time constant is greater than 0"),
    (["synapse.tau_d='-3 ms'"], "synapse.tau_d = -3 ms: a time constant is greater than 0"),
    (["synapse.delay=-1"], "synapse.delay = -1: a delay is not negative"),
    (["simulation.dt=0"], "simulation.dt = 0: a time step is greater than 0"),
    (["simulation.duration=-1"], "simulation.duration = -1: a duration is greater than 0"),
    (["simulation.dt='2 s'"], "simulation.dt = 2 s with simulation.duration = 1 s: a time step is"),
    (["-m", "simulation.dt=0.1,2000"], "simulation.dt = 2000.0 ms with simulation.duration = 1 s"),
    (["simulation.dt=1e-300"], "simulation.duration: more than 2,147,483,646 time steps"),
    (["stimulus.onset='1 s'"], "stimulus.onset = 1 s with simulation.duration = 1 s: the onset l"),
    (["stimulus.onset=-1"], "stimulus.onset = -1: an onset is not negative"),
    (["stimulus.offset=10"], "stimulus.offset = 10 ms with stimulus.onset = 20 ms: the offset li"),
    (["-m", "stimulus.offset=null,5"], "stimulus.offset = 5 ms with stimulus.onset = 20 ms: the "),
    (["neuron.c='40 mV'"], "neuron.c = 40 mV with neuron.v_th = 30 mV: a spike resets below the "),
    (["neuron.R='1 Mohm'"], "give stimulus.amplitude in ampere (10 nA), or make neuron.R a number"),
    (["stimulus.amplitude='10 nA'"], "give stimulus.amplitude in volt (10 mV), or make neuron.R"),
    (["neuron.R='1 Mohm'", "stimulus.amplitude='10 nA'"], "give synapse.weight in ampere (10 nA)"),
    (["circuit.populations.pre.count=0"], "pre.count = 0: a population has 1 to 10,000 cells"),
    (["circuit.populations.pre.count=1000000000"], "a population has 1 to 10,000 cells"),
    (["circuit.populations.pre.stimulated=maybe"], "stimulated = maybe: expected true or false"),
    (["circuit.populations={}"], "circuit.populations: empty; a circuit has at least one populat"),
    (["circuit.populations=3"], "circuit.populations = 3: expected a mapping such as {a: {count:"),
    (["circuit.projections=[]"], "circuit.projections = []: expected a mapping such as {a_to_b: "),
    (["circuit.projections.pre_to_post.source=per"], "source = per: no such population; did you "),
    (["-m", "circuit.projections.pre_to_post.target=post,psot"], "psot: no such population; did y"),
    (["+circuit.projections.pre_to_post.connect=ring"], "connect = ring: a ring lies within one p"),
    (["+circuit.projections.pre_to_post.connect=chain"], "a chain lies within one population, but"),
    (["circuit=ring", "circuit.projections.onward.connect=rings"], "rings: no such choice; did yo"),
    (["simulation.method=exact"], f"simulation.method = exact: {NOT_LINEAR}"),
    (["-m", "simulation.method=euler,linear"],
     "simulation.method = linear: Brian2's old name of exact; write exact"),
    (["simulation.method=Euler"], "simulation.method = Euler: no such choice; did you mean euler?"),
    (["simulation.seed=-1"], "simulation.seed = -1: a seed is a whole number from 0 on"),
    (["neuron=random", "simulation.seed=x"], "simulation.seed = x: a seed is a whole number from"),
    (["-m", "neuron=random", "simulation.seed=1,1.5"], "simulation.seed = 1.5: a seed is a whole"),
    (["neuron=random", "neuron.draw=5"], "neuron.draw = 5: expected a list of neuron types"),
    (["neuron=random", "neuron.draw=[chatering]"], "neuron.draw = chatering: no such neuron; did"),
    (["neuron=random", "neuron.draw=[random]"], "neuron=random: drawn, but this is a draw itself"),
    # axes
    (["synapse.U_0=0.1,0.2"], "synapse.U_0=0.1,0.2: several values; add -m to sweep them"),
    (["neuron=glob(*)"], "neuron=glob(*): several values; add -m to sweep them"),
    (["-m", "synapse.U_0=range(1,1)"], "synapse.U_0=range(1,1): an empty axis, no value to run"),
    (["-m", "synapse.U_0=range(0,1,-0.1)"], "synapse.U_0=range(0,1,-0.1): an empty axis"),
    (["-m", "neuron=glob(zzz)"], "neuron=glob(zzz): an empty axis, no value to run"),
    (["-m", "synapse.U_0=choice()"], "synapse.U_0=choice(): choice takes one value or more"),
    (["-m", "synapse.U_0=range(0,1,0)"], "a range needs finite ends, and a step other than 0"),
    (["-m", "synapse.tau_f=range(1,inf)"], "a range needs finite ends, and a step other than 0"),
    (["-m", f"synapse.tau_f=range(1,2{'0' * 400})"], "a range needs finite ends, and a step"),
    (["-m", f"synapse.tau_f=range(1,2{'0' * 40})"], "more than 1,000,000 values on one axis"),
    (["-m", "synapse.U_0=0,1,range(0,1)"], "write one range, glob or choice for each key"),
    (["-m", "synapse.U_0=interval(0,1)"], "synapse.U_0 = interval(0.0,1.0): an interval has no c"
                                          "ount of values; write range(0.0,1.0,step) or choice(.."),
    (["-m", "synapse.U_0=0.5,0.50"], "synapse.U_0 = 0.5: this value is on the axis twice"),
    (["-m", "stimulus.amplitude='1 mV','1000 uV'"], "1000 uV, the same as 1 mV: this value is on"),
    (["-m", "stimulus.offset=null,'60 ms','0.06 s'"],
     "stimulus.offset = 0.06 s, the same as 60 ms: this value is on the axis twice"),
    (["-m", "neuron.u_0=rest,'-13 mV','-0.013 V'"],
     "neuron.u_0 = -0.013 V, the same as -13 mV: this value is on the axis twice"),
    (["-m", "stimulus.amplitude=511.96999999999997,511.97"],  # one number in volt
     "stimulus.amplitude = 511.97, the same as 511.96999999999997: this value is on the axis twi"),
    (["-m", "neuron=chattering,chattering"], "neuron = chattering: this value is on the axis twi"),
    (["-m", "neuron=random", "simulation.seed=1,1"], "simulation.seed = 1: this value is on the a"),
    (["-m", "synapse.tau_f=range(1,1e9)"], "range(1,1e9): more than 1,000,000 values"),
    (["-m", "synapse.tau_f=range(1,1e5)", "synapse.tau_d=range(0,1e4)"],
     "synapse.tau_f x synapse.tau_d: 999,990,000 points, at most 20,000,000 in one study"),
    (["-m", "simulation.duration=range(1,2000)"], "1,999 different networks, at most 1,000"),
    (["-m", "run.n_jobs=1,2"], f"run.n_jobs: {NOT_SWEPT}"),
    (["-m", "record.spikes=true,false"], f"record.spikes: {NOT_SWEPT}"),
    (["-m", "record=glob(*)"], f"record: {NOT_SWEPT}"),
    # running and keeping
    (["run.n_jobs=0"], "run.n_jobs = 0: write a number of workers, or -1 for one for each core"),
    (["run.shard_points=0"], "run.shard_points = 0: a shard holds at least 1 point"),
    (["run.engine=gpu"], "run.engine = gpu: no such choice; there are auto, compiled, numpy"),
    (["run.backend=dsk"], "run.backend = dsk: no such choice; did you mean dask?"),
    (["study.name=../x"], f"study.name = '../x': {A_NAME}"),
    (["study.name=a/b"], f"study.name = 'a/b': {A_NAME}"),
    (["study.name='a\nb'"], "study.name = "),
    (["study.name="], "study.name = '': expected a name for the study's folder"),
    (["study.dir="], "study.dir = '': expected a folder"),
    (["study.dir=file"], "study.dir: file is a file, not a folder"),
    (["study.dir=file/x"], "study.dir: file is a file, not a folder"),
    (["study.dir=nowhere"], "study.dir: nowhere is a link that leads nowhere, not a folder"),
    (["study.dir=.", "study.name=nowhere"],
     "study.name: nowhere is a link that leads nowhere, not a folder"),
    (["study.dir=loop/x"], "study.dir: loop is a link that leads nowhere, not a folder"),
    (["record.traces=foo"], f"record.traces = foo: {TRACES}"),
    (["record.traces={}"], f"record.traces = {{}}: {TRACES}"),
    (["record.traces=[5]"], "record.traces = [5]: 5 is no point number; expected 0 to 0"),
    (["record.traces={neuron: chattering}"], "record.traces: no axis neuron; nothing is swept"),
    (["-m", "neuron=chattering,resonator", "record.traces={neuorn: chattering}"],
     "record.traces: no axis neuorn; did you mean neuron?"),
    (["-m", "neuron=chattering,resonator", "record.traces={neuron: chatering}"],
     "record.traces: neuron = chatering: not on the axis; did you mean chattering?"),
    (["-m", "synapse.U_0=0.2,0.5", "record.traces={U_0: 0.3}"], "U_0 = 0.3: not on the axis"),
    (["-m", "neuron.a=0.02,0.1", "record.traces={a: 0.04}"], "the nearest is 0.02 1/ms"),
    (["-m", "synapse.U_0=0.2,0.5", "record.traces={U_0: []}"], "U_0 = []: expected one value or"),
    (["-m", "stimulus.amplitude=2,5", "record.traces={amplitude: 5 ms}"],
     "record.traces: amplitude = 5 ms: 5 ms is not a voltage"),
    (["record.traces=all", "record.interval='0.15 ms'"], "record.interval = 0.15 ms: expected a "
                                                         "multiple of simulation.dt"),
    # Hydra's grammar, interpolations, and settings of Hydra's that would do something else
    (["stimulus.amplitude=5(nA)"], f"5(nA): not Hydra's grammar (mismatched input '(' expecting <E"
                                   f"OF>); {QUOTE}"),
    (["stimulus.amplitude=[1,2"], "not Hydra's grammar (no viable alternative at input '[1,2')"),
    (["-m", "synapse.U_0=range(0,1"], "not Hydra's grammar (no viable alternative at input 'rang"),
    (["-m", "synapse.U_0=rnge(0,1)"], "not Hydra's grammar (Unknown function 'rnge')"),
    (["stimulus.amplitude='5 mV"], "not Hydra's grammar (a character is out of place)"),
    (["stimulus.amplitude=5", "mV"], "mV: not Hydra's grammar (missing EQUAL at '<EOF>')"),
    (["=5"], "=5: no key; write key=value"),
    ([""], "'': not Hydra's grammar"),
    (["stimulus.amplitude=${foo}"], "Interpolation key 'foo' not found; full_key: stimulus.ampli"),
    (["stimulus.amplitude=???"], "Missing mandatory value: amplitude; full_key: stimulus.amplitu"),
    (["+neuron._target_=os.getcwd"], "neuron._target_: no name for a parameter"),
    (["+hydra.callbacks.x={_target_: os.getcwd}"], f"hydra.callbacks.x: {NOT_USED}"),
    (["hydra.run.dir=x"], f"hydra.run.dir: {NOT_USED}"),
    (["-m", "hydra/sweeper=basic", "synapse.U_0=0.2,0.5"], f"hydra/sweeper: {NOT_USED}"),
    (["hydra/job_logging=default"], f"hydra/job_logging: {NOT_USED}"),
]  # fmt: skip

# Files in a folder given with --config-dir.
FILES = {
    "neuron/missing.yaml": "model: izhikevich\na: ???\n",
    "neuron/extra.yaml": "defaults: [regular_spiking]\nx: 3\n",
    "neuron/broken.yaml": "a: 1\n  b: [\n",
    "neuron/lacking.yaml": "model: izhikevich\na: 0.02/ms\n",
    "neuron/wrong_unit.yaml": "defaults: [regular_spiking]\na: 0.02 mV\n",
    "neuron/evaluated.yaml": "defaults: [regular_spiking]\n_target_: os.getcwd\n",
    "neuron/several.yaml": "defaults: [regular_spiking]\na: [1, 2]\n",
    "neuron/empty.yaml": "",
    "neuron/listed.yaml": "- 1\n",
    "synapse/odd.yaml": "defaults: [static]\nU_0: 0.3\n",
    "circuit/labels.yaml": "populations:\n  a: {count: 11, stimulated: true}\n"
                           "  a1: {count: 1, stimulated: true}\nprojections: {}\n",
    "circuit/twice.yaml": "populations:\n  pre: {count: 1, stimulated: true}\n"
    "  post: {count: 1, stimulated: false}\nprojections:\n  post: {source: pre, target: post}\n",
    "circuit/stimulus.yaml": "populations:\n  a: {count: 2, stimulated: true}\n"
    "projections:\n  stimulus: {source: a, target: a}\n",
    "circuit/named.yaml": "populations:\n  9x: {count: 1, stimulated: true}\nprojections: {}\n",
    "experiment/typo.yaml": "# @package _global_\n"
                            "hydra: {sweeper: {params: {synapse.U0: '0.2,0.5'}}}\n",
    "experiment/number.yaml": "# @package _global_\nsimulation: 5\n",
    "experiment/spikes.yaml": "# @package _global_\nrecord: {spikes: true}\n",
    "experiment/none.yaml": "# @package _global_\nrecord: {spikes: false}\n",
    "experiment/folder.yaml": "# @package _global_\nhydra: {run: {dir: x}, output_subdir: y}\n"
                              "synapse: {U_0: 2}\n",
}  # fmt: skip

FILE_CASES = [
    (["neuron=missing"], "Missing mandatory value: a; full_key: neuron.a"),
    (["neuron=extra"], "neuron.x: the equations do not use it"),
    (["-m", "neuron=extra,chattering"], "neuron.x: the equations do not use it"),
    (["neuron=broken"], "mapping values are not allowed here; in "),
    (["neuron=lacking"], "neuron.equations: missing; a neuron has equations and a threshold"),
    (["neuron=wrong_unit"], "du/dt: the term a * (b * v - u) is a quantity in V^2, but should be"),
    (["neuron=evaluated"], "neuron/evaluated.yaml: neuron._target_ = os.getcwd: a config cannot"),
    (["neuron=several"], "neuron.a = [1, 2]: [1, 2] is no quantity"),
    (["neuron=empty"], "neuron: expected keys below it, such as neuron.equations"),
    (["neuron=listed"], "neuron: expected keys below it, such as neuron.equations"),
    (["neuron=extr"], "neuron = extr: no such neuron; did you mean extra?"),
    (["synapse=odd"], "synapse.U_0: the equations do not use it"),
    (["circuit=labels"], "circuit.populations: two cells would have the same label"),
    (["circuit=twice"], "circuit.projections.post: circuit.populations.post has this name as well"),
    (["circuit=stimulus"], "circuit.projections.stimulus: stands for what drives cells"),
    (["circuit=named"], "circuit: '9x' is no name for a population or projection"),
    (["-m", "+experiment=typo"], "synapse.U0: no such key; did you mean synapse.U_0?"),
    (["+experiment=number"], "simulation: expected keys below it, such as simulation.dt"),
    (["-m", "+experiment=spikes,none"], "record.spikes: true by one of the choices, false by"),
    (["+experiment=folder"], "experiment/folder.yaml: hydra.run.dir = x: of Hydra's settings, a "),
]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Work in an empty folder, but for a file; at the end nothing else may be there."""
    monkeypatch.chdir(tmp_path)
    Path("file").touch()
    Path("nowhere").symlink_to("/nonexistent")
    Path("loop").symlink_to("loop")
    yield tmp_path
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["file", "loop", "nowhere"]


def check(arguments, text, capsys):
    status = main(arguments)
    printed = capsys.readouterr()
    lines = printed.err.splitlines()
    assert status == 2, printed.err
    assert len(lines) == 1, printed.err
    assert lines[0].startswith("error: ")
    assert text in lines[0]
    assert printed.out == ""


def names(cases):
    return [" ".join(arguments).replace("\n", "/") or "nothing" for arguments, _ in cases]


@pytest.mark.parametrize(("arguments", "text"), COMMANDS, ids=names(COMMANDS))
def test_one_line_says_what_is_wrong_with_a_command(arguments, text, folder, capsys):
    check(arguments, text, capsys)


@pytest.mark.parametrize(("arguments", "text"), CASES, ids=names(CASES))
def test_one_line_says_what_is_wrong(arguments, text, folder, capsys):
    check(["run", *arguments], text, capsys)


@pytest.fixture(scope="module")
def configs(tmp_path_factory):
    """Give a folder of configs that are wrong in one way each."""
    path = tmp_path_factory.mktemp("configs")
    for name, text in FILES.items():
        (path / name).parent.mkdir(exist_ok=True)
        (path / name).write_text(text)
    return str(path)


@pytest.mark.parametrize(("arguments", "text"), FILE_CASES, ids=names(FILE_CASES))
def test_one_line_says_what_is_wrong_in_a_file(arguments, text, folder, configs, capsys):
    check(["run", "--config-dir", configs, *arguments], text, capsys)


@pytest.mark.parametrize("full_error", ["0", "1"])
def test_hydras_own_switch_for_tracebacks_changes_nothing(full_error, folder, monkeypatch, capsys):
    monkeypatch.setenv("HYDRA_FULL_ERROR", full_error)
    check(["run", "neuron=chatering"], "no such neuron; did you mean chattering?", capsys)
    assert os.environ["HYDRA_FULL_ERROR"] == full_error


def test_a_study_that_the_disk_cannot_hold(folder, monkeypatch, capsys):
    usage = namedtuple("usage", "total used free")(10**6, 10**6 - 1000, 1000)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
    check(
        ["run", "-m", "synapse.U_0=0.2,0.5"],
        "has 1 kB free; choose another study.dir, fewer points or record.spikes=false",
        capsys,
    )


def test_traces_that_the_disk_cannot_hold(folder, capsys):
    check(
        ["run", "-m", "synapse.tau_f=range(1,1001)", "synapse.tau_d=range(1,1001)",
         "record.traces=all", "simulation.duration='100 s'"],
        "study.dir: the study needs about ",
        capsys,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["rnu"], "rnu: no such command; did you mean run?"),
        (["run", "neuron=chatering"], "neuron = chatering: no such neuron; did you mean chatt"),
        (["run", "-m", "synapse.U_0=0.5,1.4"], "synapse.U_0 = 1.4: a release probability lies in"),
        (["plan", "stimulus.amplitude=5(nA)"], "5(nA): not Hydra's grammar"),
        (["run", "study.dir=file/x"], "study.dir: file is a file, not a folder"),
    ],
    ids=["command", "choice", "sweep", "grammar", "folder"],
)  # fmt: skip
def test_python_m_izhi_says_the_same(arguments, text, folder):
    result = subprocess.run(
        [sys.executable, "-m", "izhi", *arguments], capture_output=True, text=True, timeout=60
    )
    assert result.returncode == 2
    assert result.stdout == ""
    assert result.stderr.startswith("error: ")
    assert text in result.stderr
    assert len(result.stderr.splitlines()) == 1
