"""What a spike does with subexpressions of a synapse's states: their values where they are used."""

from __future__ import annotations

import numpy as np
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

import izhi
from izhi.models import declarations
from izhi.models.spike_values import assigned_where_used

DECLARED = declarations.parse(
    "da/dt = -a/tau : 1 (event-driven)\ndb/dt = (a - b)/tau : 1 (event-driven)\n"
    "q = p + b : 1\np = 2*a - a0 : 1\nfixed = 3*w : 1",
    "synapse.equations",
)
STATEMENTS = ("a += q", "b = p*q", "y_post += q + fixed", "y_post += p", "own = q - p", "a *= 0.5",
              "y_post -= own", "b -= fixed", "q0 = p", "y_post += q0 + a")  # fmt: skip


def values(statements: list[str]) -> dict[str, float]:
    """Run statements one after another; a subexpression is computed whenever it is read."""
    known = {"a": 0.25, "b": 1.5, "w": 0.5, "a0": 0.125, "y_post": 0.0, "own": 1.0, "q0": 2.0}
    for statement in statements:
        p = 2 * known["a"] - known["a0"]
        scope = {**known, "p": p, "q": p + known["b"], "fixed": 3 * known["w"]}
        name, operator, term = declarations.parts(statement)
        value = eval(term, {"__builtins__": {}}, scope)
        known[name] = eval(f"old {operator} value" if operator else "value", {},
                           {"old": known.get(name), "value": value})  # fmt: skip
    return known


@given(st.lists(st.sampled_from(STATEMENTS), min_size=1, max_size=7))
def test_statements_mean_what_they_say(statements) -> None:
    text = assigned_where_used("\n".join(statements), DECLARED, ["w", "a0", "tau", "q0"])
    left = declarations.names_of_statements(text) & {"p", "q"}
    assert not left
    expected, found = values(statements), values(text.split("\n"))
    assert {name: found[name] for name in expected} == expected


def test_what_follows_from_parameters_alone_stays_as_it_is() -> None:
    text = "a += fixed  # and no more\ny_post += fixed*a"
    assert assigned_where_used(text, DECLARED, []) is text


def test_subexpressions_of_subexpressions_are_assigned_once_each() -> None:
    rungs = [f"p{k} = p{k - 1} + q{k - 1} : 1\nq{k} = p{k - 1} - q{k - 1} : 1"
             for k in range(1, 60)]  # fmt: skip
    declared = declarations.parse(
        "\n".join(["da/dt = -a/tau : 1 (event-driven)", "p0 = a : 1", "q0 = 2*a : 1", *rungs]), "e"
    )
    text = assigned_where_used("y_post += p59", declared, [])
    assert len(text.split("\n")) == 2 * 59 + 2  # not 2**59


@pytest.mark.parametrize("engine", ["numpy", "compiled"])
def test_both_engines_read_the_states_of_the_moment(compiler, engine, tmp_path) -> None:
    """The compiled one read those of before the spike, and both did the second time."""
    synapse = {
        "equations": "da/dt = (1 - a)/tau_a : 1 (event-driven)\nc = 0.25*a : 1",
        "target": "dg/dt = -g/tau_s : 1", "current": "g",
        "on_pre": "g_post += c\na += 0.5*(1 - a)\ng_post += 10*c", "tau_a": "10 ms",
        "tau_s": "1e12 s",
    }  # fmt: skip
    neuron = {"equations": "dx/dt = (I - x)/tau : 1", "threshold": "x > 1e6", "reset": "x = 0",
              "tau": "5 ms"}  # fmt: skip
    source = {"equations": "n : 1", "threshold": "t + 0.001*dt >= (n + 1)*(4*ms)",
              "reset": "n += 1"}  # fmt: skip
    circuit = {
        "populations": {name: {"count": 1, "stimulated": False} for name in ("pre", "post")},
        "projections": {"pre_to_post": {"source": "pre", "target": "post", "connect": "all"}},
    }
    models = {"synapse/own": synapse, "neuron/own": neuron, "neuron/clock": source,
              "circuit/own": circuit}  # fmt: skip
    for name, config in models.items():
        path = tmp_path / f"{name}.yaml"
        path.parent.mkdir(exist_ok=True)
        path.write_text(yaml.safe_dump(config))
    study = izhi.run(
        ["circuit=own", "synapse=own", "neuron=own", "neuron@pre.neuron=clock", "stimulus=none",
         "simulation.duration=20 ms", f"run.engine={engine}", "record.traces=all",
         "run.report=none"],
        name="s", dir=tmp_path, config_dir=tmp_path, progress=False,
    )  # fmt: skip
    a, g = 0.0, 0.0
    spikes = study.spike_times("pre0")
    assert np.allclose(spikes, [0.004, 0.008, 0.012, 0.016], atol=1e-9)
    for before, at in zip([0.0, *spikes[:-1]], spikes, strict=True):
        a = 1 + (a - 1) * np.exp(-(at - before) / 0.01)
        g += 0.25 * a
        a += 0.5 * (1 - a)
        g += 10 * 0.25 * a
    assert study.traces["I"].sel(cell="post0").values.ravel()[-1] == pytest.approx(g, rel=1e-9)
