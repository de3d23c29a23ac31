"""What is said of sweeps that can run, but probably are not meant; and where it is said."""

from __future__ import annotations

import json

import pytest

import izhi
from izhi import cli
from izhi.config.compose import compose
from izhi.sweep import doubts, structures

# Each row: overrides, and all that is said of them.
DOUBTS = [
    ([], []),
    (["neuron=glob(*,exclude=regular_train)"], []),
    (["circuit=single,two_to_one", "synapse=none,static"], []),
    (["neuron.u_0='0 mV'"],
     ["neuron.u_0: u starts at 0 mV, but rests at -13 mV; give neuron.u_0=rest"]),
    (["~synapse.x_S_0"],
     ["synapse.x_S_0: missing; x_S starts at 0, but rests at 1; give synapse.x_S_0=1"]),
    (["synapse.x_S_0=0"],
     ["synapse.x_S_0: x_S starts at 0, but rests at 1; give synapse.x_S_0=1"]),
    (["synapse.x_S_0=0,1"], []),  # compared on purpose
    (["synapse.weight=0"], ["synapse.weight: 0 at all points, and a spike does nothing with it"]),
    (["synapse.weight=0,8"], []),
    (["neuron.v_0='40 mV'"],
     ["neuron.v_0: v starts at 40 mV, where v > v_th holds: every cell spikes at once"]),
]  # fmt: skip


def said(overrides: list[str], **settings: object) -> list[str]:
    sweep = compose(overrides, **settings)  # type: ignore[arg-type]
    return list(map(str, doubts.find(sweep, structures.find(sweep))))


@pytest.mark.parametrize(("overrides", "lines"), DOUBTS, ids=lambda x: " ".join(x)[:50])
def test_what_is_doubtful(overrides, lines) -> None:
    assert said(overrides) == lines


U_0 = "neuron.u_0: u starts at 0 mV, but rests at -13 mV; give neuron.u_0=rest"


def test_check_prints_what_it_found(capsys) -> None:
    assert cli.main(["check", "-m", "neuron.u_0='0 mV'", "synapse.U_0=0.2,0.5"]) == 0
    assert capsys.readouterr() == (f"2 points of 1 structure: 1 doubt\n{U_0}\n", "")
    assert cli.main(["check", "-m", "circuit=single,two_to_one"]) == 0
    assert capsys.readouterr() == ("2 points of 2 structures: no doubts\n", "")


def test_check_tells_all_models_that_are_wrong(capsys) -> None:
    wrong = ["stimulus.current=amp", "synapse.current=I_s"]
    assert cli.main(["check", *wrong]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert [line.partition(":")[2].partition(":")[0] for line in err.splitlines()] == [
        " stimulus.current", " synapse.current",
    ]  # fmt: skip


def test_check_from_python() -> None:
    found = izhi.check(["neuron.u_0='0 mV'", "synapse.U_0=0.2,0.5"])
    assert (found.points, found.structures, found.errors) == (2, 1, ())
    assert list(map(str, found.doubts)) == [U_0]
    with pytest.raises(izhi.ConfigError, match="no such neuron"):
        izhi.check("neuron=chatering")


def test_a_plan_warns(capsys) -> None:
    assert cli.main(["plan", "neuron.u_0='0 mV'"]) == 0
    assert capsys.readouterr().err == f"warning: {U_0}\n"
    assert list(map(str, izhi.plan("neuron.u_0='0 mV'").doubts)) == [U_0]


def test_a_run_warns_once_and_logs_it(tmp_path, capsys) -> None:
    study = izhi.run(
        ["neuron.u_0='0 mV',-1", "neuron.a=0.02,0.03", "simulation.duration='5 ms'",
         "stimulus.onset='1 ms'", "run.engine=numpy", "run.n_jobs=1", "synapse.x_S_0=0"],
        name="doubtful", dir=tmp_path,
    )  # fmt: skip
    lines = [line for line in capsys.readouterr().err.splitlines() if "warning" in line]
    line = "synapse.x_S_0: x_S starts at 0, but rests at 1; give synapse.x_S_0=1"
    assert lines == [f"warning: {line}"]
    events = map(json.loads, study.folder.log.read_text().splitlines())
    logged = [(e["key"], e["text"]) for e in events if e["event"] == "doubt"]
    assert logged == [("synapse.x_S_0", line.partition(": ")[2])]
