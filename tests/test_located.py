"""Resets inside the step: as exact as the steps between spikes, on equations of any kind."""

from __future__ import annotations

import numpy as np
import pytest

from izhi import units
from izhi.engine import runtime
from izhi.errors import ConfigError
from izhi.models import cell, located
from tests.test_cell import CONSTANTS, IZHIKEVICH, LEAKY

# type: a, b, c, d; the steady interval in ms at 10 mV, found by an adaptive method of order 8 with
# located crossings
TYPES = {
    "RS": ("0.02/ms", "0.2", "-65 mV", "8 mV", 44.812414),
    "FS": ("0.1/ms", "0.2", "-65 mV", "2 mV", 7.342650),
    "TC": ("0.02/ms", "0.25", "-65 mV", "0.05 mV", 3.673304),
    "RZ": ("0.1/ms", "0.26", "-65 mV", "2 mV", 5.123512),
}


def parsed(config: dict[str, str], constants: dict[str, str]) -> cell.Cell:
    texts = {k: config[k] for k in ("equations", "threshold", "reset")}
    parameters = {k: units.parse(v).dimension for k, v in config.items() if k not in texts}
    return cell.read(texts, parameters, {k: units.parse(v) for k, v in constants.items()}, "neuron")


def crossings(
    config: dict[str, str], constants: dict[str, str], method: str, dt: float, current: float,
    duration: float, on_grid: bool = False,
) -> np.ndarray:  # fmt: skip
    """Return the times of the crossings of one cell, in ms."""
    found = parsed(config, constants)
    values = {k: units.parse(v) for k, v in {**config, **constants}.items()
              if k in dict(found.parameters) or k in constants}  # fmt: skip
    with runtime.quiet_brian() as b2:
        dimensions = b2.get_or_create_dimension
        kinds = {k: dict(zip(("m", "kg", "s", "A", "mol"), q.dimension, strict=True))
                 for k, q in values.items()}  # fmt: skip
        namespace = {k: b2.Quantity(q.si, dim=dimensions(**kinds[k])) for k, q in values.items()}
        cells = b2.NeuronGroup(
            1, config["equations"] + "\n" + located.DECLARED, threshold=found.threshold,
            reset=found.reset if on_grid else located.reset(found, method, "neuron"),
            method=method, namespace={**namespace, "I": current * b2.volt, "mV": b2.mV},
            dt=dt * b2.ms,
        )  # fmt: skip
        cells.v = units.parse(config.get("v_0", "-65 mV")).si * b2.volt
        if "u" in found.states:
            cells.u = "b*v"
        spikes = b2.SpikeMonitor(cells, variables=["since_crossing"], when="after_resets")
        b2.Network(cells, spikes).run(duration * b2.ms, namespace={})
        end = np.array(spikes.t / b2.ms) + dt
        return end - np.array(spikes.since_crossing / b2.ms)


def interval(type_: str, method: str, dt: float, on_grid: bool = False) -> float:
    """Return the error of the steady interval, as a ratio."""
    *values, exact = TYPES[type_]
    config = {**IZHIKEVICH, **dict(zip("abcd", values, strict=True))}
    times = crossings(config, CONSTANTS, method, dt, 10e-3, 500, on_grid)
    return float(np.diff(times)[-1] / exact - 1)


@pytest.mark.parametrize(
    ("type_", "most"), [("RS", 5e-5), ("FS", 1e-3), ("TC", 1e-3), ("RZ", 1e-3)]
)
def test_steady_intervals_on_a_runge_kutta_of_order_4(type_, most) -> None:
    assert abs(interval(type_, "rk4", 0.1)) < most
    assert abs(interval(type_, "rk4", 0.1, on_grid=True)) > 5 * most


@pytest.mark.parametrize("type_", ["RS", "FS"])
def test_on_a_runge_kutta_of_order_2_the_error_falls_fourfold(type_) -> None:
    errors = [abs(interval(type_, "rk2", dt)) for dt in (0.1, 0.05, 0.025)]
    assert errors[0] / errors[2] == pytest.approx(16, rel=0.25)


def test_a_leaky_cell_against_its_exact_interval() -> None:
    exact = 10 * np.log((-70 + 30 + 60) / (-70 + 30 + 50))
    for method, most in (("rk2", 2e-5), ("rk4", 1e-8)):
        times = crossings(LEAKY, {}, method, 0.1, 30e-3, 100)
        assert np.diff(times) == pytest.approx(np.full(times.size - 1, exact), rel=most)


def test_subexpressions_are_put_in() -> None:
    config = {
        **LEAKY,
        "equations": "dv/dt = (w - v)/tau : volt\nw = E_L + x : volt\nx = R*I : volt",
    }
    plain = crossings(LEAKY, {}, "rk4", 0.1, 30e-3, 50)
    assert crossings(config, {}, "rk4", 0.1, 30e-3, 50) == pytest.approx(plain, rel=1e-12)


@pytest.mark.parametrize(
    "threshold", ["v_th < v", "v > v_th and v > c", "c > v_th", "not (v < v_th)"]
)
def test_a_threshold_that_nothing_crosses_is_named(threshold) -> None:
    found = parsed({**LEAKY, "threshold": threshold}, {})
    with pytest.raises(ConfigError, match="a located reset needs one of the form v > v_th"):
        located.reset(found, "rk4", "neuron")
