"""The scripts of the Brian forum thread "Run error with modeling izhikevich neuron" (2021).

Each of them failed, or ran and was silently wrong. Here they are configs, as somebody who knows the
thread would write them, and what izhi says of each.
"""

from __future__ import annotations

import pytest

from izhi import cli

# The neuron of the first script: u in volt/second, b in 1/ms.
FIRST = """\
equations: |
  dv/dt = (0.04/ms/mV)*v**2 + (5/ms)*v + 140*mV/ms - u + I : volt
  du/dt = a*(b*v - u) : volt/second
threshold: v > v_th
reset: v = c; u = u + d
a: 0.02/ms
b: 0.2/ms
c: -65 mV
d: 6
v_th: 30 mV
v_0: -60 mV
u_0: 0 mV/ms
"""

# That of the second and third one, chattering, with the thread's starts.
SECOND = """\
equations: |
  dv/dt = (C1*v**2 + C2*v + C3 - u + C5*I)/(1*ms) : volt
  du/dt = a*(b*v - u) : volt
threshold: v > v_th
reset: v = c; u = u + d
constants: {C1: 0.04/mV, C2: 5, C3: 140 mV, C5: 1}
a: 0.02/ms
b: 0.2
c: -50 mV
d: 2 mV
v_th: 30 mV
v_0: -50 mV
u_0: 0 mV
"""

# The synapse of the third one, on_pre as it was posted.
SYNAPSE = """\
equations: |
  du_S/dt = -u_S/tau_f : 1 (event-driven)
  dx_S/dt = (1 - x_S)/tau_d : 1 (event-driven)
on_pre: |
  u_S += U_0*(1 - u_S)
  r_S = u_S*x_S
  x_S -= r_S
tau_f: 30 ms
tau_d: 50 ms
"""
REACHING = (
    SYNAPSE.replace("x_S -= r_S\n", "x_S -= r_S\n  I_S_post += weight*r_S\n")
    + 'target: "dI_S/dt = -I_S/tau_s : current"\ncurrent: I_S\n'
    + "weight: 8 mV\ntau_s: 5 ms\nU_0: 0.8\n"
)


@pytest.fixture
def izhi(tmp_path, monkeypatch, capsys):
    """Give a call of the program in a folder with configs of the user's: its status and lines."""

    def izhi(*arguments: str) -> tuple[int, list[str], list[str]]:
        with monkeypatch.context() as patch:
            patch.chdir(tmp_path)
            status = cli.main(list(arguments))
        out, err = capsys.readouterr()
        return status, out.splitlines(), err.splitlines()

    return izhi


@pytest.fixture
def check(izhi, tmp_path):
    """Give what ``izhi check`` says of configs: errors, or else doubts without the first line."""

    def check(*overrides: str, **files: str) -> list[str]:
        for name, text in files.items():
            path = tmp_path / "mine" / name / "thread.yaml"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        chosen = [f"{name}=thread" for name in files]
        status, out, err = izhi("check", "--config-dir", "mine", *chosen, *overrides)
        assert (status, bool(err)) in ((0, False), (2, True))
        return err or out[1:]

    return check


def test_the_first_script(check) -> None:
    """d = 6 without a unit, a current in uA beside u in volt/second, method exact, u at 0.

    In Brian2 it ended with "could not be separated into linear components", and once that was
    mended it went unstable.
    """
    single = "circuit=single"
    assert check(single, neuron=FIRST) == [
        "error: neuron.reset: u = u + d: the term d is a plain number, but should be a quantity in "
        "V/s; neuron.d = 6 would have to be a quantity in V/s"
    ]
    mended = FIRST.replace("d: 6\n", "d: 6 mV/ms\n")
    assert check(single, "stimulus.amplitude='12 uA'", neuron=mended) == [
        "error: stimulus.amplitude = 12 uA is a current, but I in neuron.equations is a quantity "
        "in V/s: give stimulus.amplitude as a quantity in V/s"
    ]
    driven = (single, "stimulus.amplitude='12 mV/ms'")
    assert check(*driven, neuron=mended + "method: exact\n") == [
        "error: neuron.method = exact: dv/dt of cell is not linear in v, u; use one of euler, "
        "semi_implicit, rk2, rk4, located_rk2, located_rk4"
    ]
    assert check(*driven, neuron=mended) == [
        "neuron.u_0: u starts at 0 V/s, but rests at -12 V/s; give neuron.u_0='-12 V/s'"
    ]
    assert check(*driven, "neuron.u_0='-12 V/s'", neuron=mended) == []


def test_a_group_that_is_defined_twice(check) -> None:
    """G = NeuronGroup(...) stood twice in the first script; the second one won, with its method."""
    (line,) = check("circuit=single", neuron=FIRST + FIRST)
    assert line.startswith("error: while constructing a mapping; in ")
    assert line.endswith("found duplicate key equations")


def test_a_mix_of_objects_that_have_run_and_new_ones(izhi, tmp_path) -> None:
    """Run again after a change, Brian2 refused: "a mix of objects that has been run before".

    A run of izhi has a network of its own: there is nothing to mix, and to run again after a change
    is right. What can be mixed are results. The same study with another neuron is refused, and
    under another name it runs.
    """
    path = tmp_path / "mine" / "neuron" / "thread.yaml"
    path.parent.mkdir(parents=True)
    command = ["run", "--config-dir", "mine", "neuron=thread", "circuit=single", "synapse=none",
               "run.engine=numpy", "run.n_jobs=1", "simulation.duration='30 ms'"]  # fmt: skip
    path.write_text(SECOND.replace("u_0: 0 mV", "u_0: -10 mV"))
    status, _, err = izhi(*command, "study.name=a")
    assert (status, err) == (0, [])
    path.write_text(SECOND.replace("u_0: 0 mV", "u_0: -10 mV").replace("d: 2 mV", "d: 4 mV"))
    status, _, err = izhi(*command, "study.name=a")
    assert status == 2
    assert len(err) == 1 and err[0].startswith("error: study.name = a: ")
    assert "neuron.d" in err[0]
    status, _, err = izhi(*command, "study.name=b")
    assert (status, err) == (0, [])


def test_u_0_is_not_release_probability(check) -> None:
    """The third script's on_pre names U_0, which is nowhere; u_0 was the neuron's start.

    In Brian2: KeyError, "The identifier "U_0" could not be resolved".
    """
    reaching = REACHING.replace("U_0: 0.8\n", "")
    assert check(neuron=SECOND, synapse=reaching) == [
        "error: synapse.on_pre: u_S += U_0*(1 - u_S): U_0 is not defined; give it a value, as "
        "synapse.U_0"
    ]
    assert check(neuron=SECOND, synapse=reaching + "u_0: 0.8\n") == [
        "error: synapse.on_pre: u_S += U_0*(1 - u_S): U_0 is not defined, but u_0 is: names differ "
        "by case; did you mean it?"
    ]


def test_a_synapse_with_steps_of_20_ms_that_starts_empty(check) -> None:
    """Synapses(..., dt=I_app_start): no recovery within 20 ms; and x_S starts at Brian2's 0."""
    no_clock = (
        "a synapse has the time step of the simulation, simulation.dt; within longer ones of its "
        "own nothing would decay or recover between spikes"
    )
    for given in ("I_app_start", "20 ms"):
        assert check(neuron=SECOND, synapse=f"{REACHING}dt: {given}\n") == [
            f"error: synapse.dt = {given}: {no_clock}"
        ]
    (line,) = check(neuron=SECOND, synapse=f"{REACHING}method: exact\n")
    assert line.startswith("error: synapse.method = exact: a synapse's own equations are solved ")
    u_0 = "neuron.u_0: u starts at 0 mV, but rests at -10 mV; give neuron.u_0='-10 mV'"
    x_S_0 = "synapse.x_S_0: missing; x_S starts at 0, but rests at 1; give synapse.x_S_0=1"
    assert check(neuron=SECOND, synapse=REACHING) == [u_0, x_S_0]


def test_a_synapse_that_reaches_nothing(check) -> None:
    """The last script ran, with three cells that did not hear each other: r_S went nowhere.

    The third cell spiked all the same, since it had the stimulus of the others.
    """
    assert check(neuron=SECOND, synapse=SYNAPSE + "U_0: 0.8\nx_S_0: 1\n") == [
        "error: synapse.on_pre: reaches no cell; add to a variable of the target, such as "
        "v_post += weight"
    ]
    found = check(
        "circuit.populations.post.stimulated=true", "neuron=resonator_forum",
        synapse=REACHING + "x_S_0: 1\n",
    )  # fmt: skip
    assert found == [
        "neuron.b: 0.25 with a = 0.1/ms and d = 8 mV is a resonator as posted in a forum; "
        "Izhikevich (2003) has b = 0.26 and d = 2 mV (neuron=resonator), which fires at twice the "
        "rate",
        "circuit.populations.post.stimulated: post gets the stimulus of pre and spikes with it, "
        "whatever its synapses do; give false, or a stimulus of its own (stimulus@post.stimulus)",
    ]
