"""The Izhikevich neuron with units, as equations in Brian2's notation.

E. M. Izhikevich, Simple model of spiking neurons, IEEE Trans. Neural Netw. 14:1569 (2003)::

    v' = 0.04 v^2 + 5 v + 140 - u + I        u' = a (b v - u)
    if v > 30: v <- c, u <- u + d

There v and u are numbers and time is in ms. Here both are in volt, which leaves b without and gives
a the unit 1/ms; the current enters as ``R*I``, where R is a number and I in volt, or R is a
resistance and I in ampere.

What drives a cell is computed where the stimulus may change, and kept as ``drive`` in between.
"""

from __future__ import annotations

from collections.abc import Mapping

PARAMETERS: Mapping[str, str] = {
    "a": "hertz", "b": "1", "c": "volt", "d": "volt", "v_th": "volt",
}  # fmt: skip
"""Parameters that each cell has, with Brian2's units; R and the current follow `current`."""

STATE = ("v", "u")
"""State variables, both in volt."""

THRESHOLD = "v > v_th"
RESET = "escapes += int(v > v_max); v = c; u = u + d"
"""A v beyond `v_max`, where no potential is, leaves no trace after the reset: it is counted."""

CONSTANTS: Mapping[str, tuple[float, str]] = {
    "C1": (0.04, "1/mV"), "C2": (5.0, "1"), "C3": (140.0, "mV"), "tau_m": (1.0, "ms"),
}  # fmt: skip
"""Constants of the equations, with their units."""


def equations(current: str, stimulus: list[str], synaptic: list[str]) -> str:
    """Return the equations of a cell.

    Parameters
    ----------
    current
        Brian2's unit of the current: ``"volt"`` or ``"amp"``.
    stimulus
        Terms of the current that change with time alone; empty for a cell that is not driven.
    synaptic
        Names of synaptic currents.
    """
    resistance = "1" if current == "volt" else "ohm"
    parameters = "\n".join(f"{name} : {unit} (constant)" for name, unit in PARAMETERS.items())
    drive = f"drive = {' + '.join(stimulus)} : {current} (constant over dt)"
    received = " + ".join(["drive"] * bool(stimulus) + synaptic)
    return f"""
        dv/dt = (C1*v**2 + C2*v + C3 - u{f" + R*({received})" if received else ""})/tau_m : volt
        du/dt = a*(b*v - u) : volt
        {drive if stimulus else ""}
        I = {" + ".join([*stimulus, *synaptic]) or f"0*{current}"} : {current}
        R : {resistance} (constant)
        escapes : integer
        {parameters}
        """
