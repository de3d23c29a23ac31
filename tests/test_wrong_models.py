"""A table of models that are wrong, each as somebody may write it, and the line that it gets.

They are files in a folder of the user's own, composed and checked by the program.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml
from omegaconf import DictConfig, flag_override

from izhi import cli
from izhi.config import compose, composer
from izhi.config.repository import loader_over, reading_once
from izhi.errors import ConfigError
from izhi.study.check import check

LEAKY = {
    "equations": "dv/dt = (E_L - v + R*I)/tau : volt", "threshold": "v > v_th", "reset": "v = c",
    "E_L": "-70 mV", "R": "1", "tau": "10 ms", "v_th": "-50 mV", "c": "-60 mV", "v_0": "-70 mV",
}  # fmt: skip
IZHIKEVICH = {
    "equations": "dv/dt = (C1*v**2 + C2*v + C3 - u + R*I)/tau_m : volt\n"
                 "du/dt = a*(b*v - u) : volt",
    "threshold": "v > v_th", "reset": "v = c\nu += d", "rest": {"u": "b*v_0"},
    "constants": {"C1": "0.04/mV", "C2": 5, "C3": "140 mV", "tau_m": "1 ms"},
    "a": "0.02/ms", "b": 0.2, "c": "-65 mV", "d": "8 mV", "v_th": "30 mV", "R": 1,
    "v_0": "-65 mV", "u_0": "rest",
}  # fmt: skip
U_S = "du_S/dt = -u_S/tau_f : 1 (event-driven)\n"
X_S = "dx_S/dt = (1 - x_S)/tau_d : 1 (event-driven)"
TSODYKS_MARKRAM = {
    "equations": U_S + X_S,
    "on_pre": "u_S += U_0*(1 - u_S)\nr_S = u_S*x_S\nx_S -= r_S\nI_S_post += weight*r_S",
    "target": "dI_S/dt = -I_S/tau_s : current", "current": "I_S", "x_S_0": 1, "U_0": 0.6,
    "tau_f": "300 ms", "tau_d": "500 ms", "weight": "8 mV", "tau_s": "5 ms", "delay": "0 ms",
}  # fmt: skip
STEP = {"current": "amplitude*int(t >= onset)", "amplitude": "10 mV", "onset": "20 ms"}

V = "dv/dt = (E_L - v + R*I)/tau : volt"

# Each row: a right model and what is changed in it, None for what is left out; or a group and the
# text of a file. Then the line that it gets, where FILE stands for the file's path.
WRONG: list[tuple[Any, Any, str]] = [
    (LEAKY, {"equations": "dv/dt = (E_L - v + R*I)/tau"},
     "neuron.equations: dv/dt = (E_L - v + R*I)/tau: expected dx/dt = ... : unit, x = "
     "... : unit or x : unit; its unit is missing, as in : volt"),
    (LEAKY, {"equations": "dv/dt = (E_L - v + R*I)/tau : volts"},
     "neuron.equations: dv/dt = (E_L - v + R*I)/tau : volts: volts is no unit; did "
     "you mean volt?"),
    (LEAKY, {"equations": "dv/dt = (E_L - v + R*I)/tau : mV"},
     "neuron.equations: dv/dt = (E_L - v + R*I)/tau : mV: mV is no unit; write volt, "
     "whatever the size of its values"),
    (LEAKY, {"equations": "dv/dt (E_L - v + R*I)/tau : volt"},
     "neuron.equations: dv/dt (E_L - v + R*I)/tau : volt: expected dx/dt = ... : "
     "unit, x = ... : unit or x : unit; = is missing"),
    (LEAKY, {"equations": "v' = (E_L - v + R*I)/tau : volt"},
     "neuron.equations: v' = (E_L - v + R*I)/tau : volt: expected dx/dt = ... : unit, "
     "x = ... : unit or x : unit; a slope is written dv/dt"),
    (LEAKY, {"equations": "dv = (E_L - v + R*I)/tau : volt"},
     "neuron.equations: no state variable; write dv/dt = ... : unit"),
    (LEAKY, {"equations": "dv/dt = (E_L - v + R*I/tau : volt"},
     "neuron.equations: (E_L - v + R*I/tau: not an expression; a bracket is not closed"),
    (LEAKY, {"equations": "dv/dt = (E_L - v + R*I))/tau : volt"},
     "neuron.equations: (E_L - v + R*I))/tau: not an expression; there is a ) too many"),
    (LEAKY, {"equations": 'dv/dt = (E_L \u2212 v + R*I)/tau : volt'},
     "neuron.equations: (E_L \\u2212 v + R*I)/tau: '\\u2212' has no place in an "
     "equation; write -"),
    (LEAKY, {"equations": "dv/dt = E_L - v^2 : volt"},
     "neuron.equations: E_L - v^2: '^' has no place in an equation; a power is "
     "written **"),
    (LEAKY, {"equations": "dv/dt = (E_L - v + R I)/tau : volt"},
     "neuron.equations: (E_L - v + R I)/tau: not an expression; there is no operator "
     "between R and I"),
    (LEAKY, {"equations": "dv/dt = (E_L - v + 2v)/tau : volt"},
     "neuron.equations: 2v: not a number; write 2*v"),
    (LEAKY, {"equations": "dv/dt = (E_L - v + R*I)/tau; du/dt = v/tau : volt"},
     "neuron.equations: (E_L - v + R*I)/tau; du/dt = v/tau: ';' has no place in an "
     "equation; write one a line"),
    (LEAKY, {"equations": V + "\ndv/dt = (E_L - v + R*I)/tau : volt"},
     "neuron.equations: v is declared twice"),
    (LEAKY, {"equations": ""},
     "neuron.equations = '': expected equations such as dv/dt = (E_L - v + R*I)/tau : "
     "volt"),
    (LEAKY, {"equations": "dv/dt = (E_L - v + R*I)/tau : volt (unless refactory)"},
     "neuron.equations: dv/dt = (E_L - v + R*I)/tau : volt (unless refactory): no "
     "such flag as unless refactory"),
    (LEAKY, {"equations": "dt/dt = 1 : 1\ndv/dt = (E_L - v + R*I)/tau : volt"},
     "neuron.equations: t stands for the time, and cannot be declared"),
    (LEAKY, {"equations": "dmV/dt = (E_L - mV)/tau : volt"},
     "neuron.equations: mV is a unit, and cannot be a name"),
    (LEAKY, {"equations": V + "\nI : volt"},
     "neuron.equations: I stands for what stimuli and synapses add up to; it is not "
     "declared"),
    (LEAKY, {"equations": V + "\nx = y : volt\ny = x : volt"},
     "neuron.equations: x and y: defined by each other"),
    (LEAKY, {"equations": V + "\nx = v*x : volt"},
     "neuron.equations: x: the term v * x is a quantity in V^2, but should be a "
     "voltage"),
    (LEAKY, {"equations": "dv/dt = (E_L - v + R*I + rand()*mV)/tau : volt"},
     "neuron.equations: rand(): rand() draws at random, and a point is the same every "
     "time"),
    (LEAKY, {"equations": "dv/dt = (E_L - v + R*I)/tau + xi*mV : volt"},
     "neuron.equations: xi: xi is noise, and a point is the same every time"),
    (LEAKY, {"equations": "dv/dt = (E_L - v + R*sine(t/tau)*mV)/tau : volt"},
     "neuron.equations: sine(t / tau): no such function as sine; did you mean sin?"),
    (LEAKY, {"equations": "dv/dt = (E_L - v + R*I)/tau + __import__('os') : volt"},
     'neuron.equations: (E_L - v + R*I)/tau + __import__(\'os\'): "\'" has no place in '
     "an equation; a slope is written dv/dt"),
    (LEAKY, {"equations": "dv/dt = " + "-(" * 40 + "E_L" + ")" * 40 + "/tau : volt"},
     "neuron.equations: ----------------------------------------E_L / tau: nested "
     "deeper than 30 levels"),
    (LEAKY, {"equations": "dv/dt = (E_L - v + R*I)/tau + v**100/tau : volt"},
     "neuron.equations: v ** 100: an exponent is a name or a number up to 20"),
    (LEAKY, {"equations": "dv/dt = (-70 - v + R*I)/tau : volt", "E_L": None},
     "neuron.equations: dv/dt: the term -70 is a plain number, but should be a voltage"),
    (LEAKY, {"equations": "dv/dt = (-70*mv - v + R*I)/tau : volt", "E_L": None},
     "neuron.equations: dv/dt: mv is not defined; did you mean the unit mV?"),
    (LEAKY, {"equations": "dv/dt = (-70*mVolt - v + R*I)/tau : volt", "E_L": None},
     "neuron.equations: dv/dt: mVolt is not defined; did you mean the unit mV?"),
    (LEAKY, {"equations": "dv/dt = (E_L - v + R*I)/(10*msecond) : volt", "tau": None},
     "neuron.equations: dv/dt: msecond is not defined; did you mean the unit ms?"),
    (LEAKY, {"equations": "dv/dt = (E_L - v + R*I) : volt", "tau": None},
     "neuron.equations: dv/dt: the term E_L - v + R * I is a voltage, but should be a "
     "quantity in V/s; divide it by a time, such as (...)/tau"),
    (LEAKY, {"equations": "dv/dt = (E_L - v + R*I)*tau : volt"},
     "neuron.equations: dv/dt: the term (E_L - v + R * I) * tau is a quantity in V s, "
     "but should be a quantity in V/s; neuron.tau = 10 ms would have to be a rate"),
    (LEAKY, {"equations": "dv/dt = (E_L - v + R*I)/tau : 1"},
     "neuron.equations: dv/dt: the term E_L is a voltage, but should be a plain number"),
    (LEAKY, {"equations": "dv/dt = (E_L - v + R*I)/tau : amp"},
     "neuron.equations: dv/dt: the term E_L is a voltage, but should be a current"),
    (LEAKY, {"tau": "10"},
     "neuron.equations: dv/dt: the term (E_L - v + R * I) / tau is a voltage, but "
     "should be a quantity in V/s; neuron.tau = 10 would have to be a time"),
    (LEAKY, {"tau": "10 mV"},
     "neuron.equations: dv/dt: the term (E_L - v + R * I) / tau is a plain number, "
     "but should be a quantity in V/s; neuron.tau = 10 mV would have to be a time"),
    (LEAKY, {"tau": "-10 ms"},
     "neuron.tau = -10 ms: a time constant is greater than 0"),
    (LEAKY, {"tau": "ten"},
     "neuron.tau = ten: 'ten' is no quantity; write a number and a unit, as in 10 mV"),
    (LEAKY, {"tau": "10 msecs"},
     "neuron.tau = 10 msecs: 'msecs' is no unit; there are A, Hz, Mohm, V, kHz, kohm, "
     "mV, mmolar, ms, nA, nS, ohm, pA, pF, s, uA, uV, umolar, us"),
    (LEAKY, {"E_L": "-70"},
     "neuron.equations: dv/dt: the term E_L is a plain number, but should be a "
     "voltage; neuron.E_L = -70 would have to be a voltage"),
    (LEAKY, {"E_L": "-70mv"},
     "neuron.E_L = -70mv: 'mv' is no unit; did you mean mV?"),
    (LEAKY, {"E_L": ".nan"},
     "neuron.E_L = .nan: .nan is not finite"),
    (LEAKY, {"E_L": "inf"},
     "neuron.E_L = inf: inf is not finite"),
    (LEAKY, {"E_L": None},
     "neuron.equations: dv/dt: E_L is not defined; give it a value, as neuron.E_L"),
    (LEAKY, {"E_L": True},
     "neuron.E_L = true: True is no quantity; write a number and a unit, as in 10 mV"),
    (LEAKY, {"E_L": "1,5 mV"},
     "neuron.E_L = 1,5 mV: '1,5 mV' is no quantity; write - and a decimal point, as "
     "in -1.5 mV"),
    (LEAKY, {"E_L": '\u221270 mV'},
     "neuron.E_L = \u221270 mV: '\u221270 mV' is no quantity; write - and a decimal point, as "
     "in -1.5 mV"),
    (LEAKY, {"R": "100 Mohm"},
     "stimulus.amplitude = 10 mV is a voltage, but neuron.R = 100 Mohm is a "
     "resistance, and R*I has to be a voltage: give stimulus.amplitude in ampere (10 "
     "nA), or make neuron.R a number (1)"),
    (LEAKY, {"R": "1 nS"},
     "neuron.equations: dv/dt: the term R * I is a current, but should be a voltage"),
    (LEAKY, {"v_th": "-50"},
     "neuron.threshold = v > v_th: the term v_th is a plain number, but should be a "
     "voltage; neuron.v_th = -50 would have to be a voltage"),
    (LEAKY, {"v_th": None},
     "neuron.threshold = v > v_th: v_th is not defined; give it a value, as "
     "neuron.v_th"),
    (LEAKY, {"v_th": None, "V_th": "-50 mV"},
     "neuron.threshold = v > v_th: v_th is not defined, but V_th is: names differ by "
     "case; did you mean it?"),
    (LEAKY, {"v_th": "-70 mV"},
     "neuron.c = -60 mV with neuron.v_th = -70 mV: a spike resets below the threshold"),
    (LEAKY, {"threshold": "v"},
     "neuron.threshold = v: expected a condition such as v > v_th"),
    (LEAKY, {"threshold": "v > -50"},
     "neuron.threshold = v > -50: the term -50 is a plain number, but should be a "
     "voltage"),
    (LEAKY, {"threshold": "v = v_th"},
     "neuron.threshold = v = v_th: not an expression; a comparison is written >, >=, "
     "<, <= or =="),
    (LEAKY, {"threshold": "v >"},
     "neuron.threshold = v >: not an expression; it ends with an operator"),
    (LEAKY, {"threshold": "v > v_th;"},
     "neuron.threshold = v > v_th;: ';' has no place in an equation; write one a line"),
    (LEAKY, {"threshold": "v > Vth"},
     "neuron.threshold = v > Vth: Vth is not defined; did you mean v_th?"),
    (LEAKY, {"threshold": "v > v_th and u > 3"},
     "neuron.threshold = v > v_th and u > 3: u is not defined; give it a value, as "
     "neuron.u"),
    (LEAKY, {"threshold": "v > v_th mV"},
     "neuron.threshold = v > v_th mV: not an expression; there is no operator between "
     "v_th and mV"),
    (LEAKY, {"threshold": "v_th < v < tau"},
     "neuron.threshold = v_th < v < tau: the term tau is a time, but should be a "
     "voltage"),
    (LEAKY, {"reset": "v = c volt"},
     "neuron.reset: c volt: not an expression; there is no operator between c and volt"),
    (LEAKY, {"reset": "c = v"},
     "neuron.reset: c = v: c does not change; v can"),
    (LEAKY, {"reset": "v == c"},
     "neuron.reset: v == c: expected x = ... or x += ..."),
    (LEAKY, {"reset": "v -> c"},
     "neuron.reset: v -> c: expected x = ... or x += ..."),
    (LEAKY, {"reset": "v = -60"},
     "neuron.reset: v = -60: the term -60 is a plain number, but should be a voltage"),
    (LEAKY, {"reset": "v = c, u = u"},
     "neuron.reset: v = c, u = u: not a statement; statements are separated by ; or "
     "by lines"),
    (LEAKY, {"reset": "u += c"},
     "neuron.reset: u += c: u is not defined; there is no equation du/dt = ..."),
    (LEAKY, {"reset": "v = C"},
     "neuron.reset: v = C: C is not defined, but c is: names differ by case; did you "
     "mean it?"),
    (LEAKY, {"reset": "I = c"},
     "neuron.reset: I = c: I does not change; v can"),
    (LEAKY, {"reset": "v^=c"},
     "neuron.reset: v^=c: expected x = ... or x += ..."),
    (LEAKY, {"refractory": 2},
     "neuron.refractory = 2: expected a time such as 2*ms, or a condition"),
    (LEAKY, {"refractory": "2 mV"},
     "neuron.refractory = 2*mV: expected a time such as 2*ms, or a condition"),
    (IZHIKEVICH, {"method": "exact"},
     "neuron.method = exact: dv/dt of pre is not linear in v, u; use one of euler, "
     "semi_implicit, rk2, rk4, located_rk2, located_rk4"),
    (IZHIKEVICH, {"method": "exponential_euler"},
     "neuron.method = exponential_euler: dv/dt of pre is not linear in v; use one of "
     "euler, semi_implicit, rk2, rk4, located_rk2, located_rk4"),
    (IZHIKEVICH, {"method": "\u2018euler\u2019"},
     "neuron.method = \u2018euler\u2019: no such choice; did you mean euler?"),
    (IZHIKEVICH, {"method": "linear"},
     "neuron.method = linear: Brian2's old name of exact; write exact"),
    (STEP, {"current": "amplitude*(t >= onset)"},
     "stimulus.current: the term t >= onset is true or false; write int(t >= onset) "
     "for 1 or 0"),
    (LEAKY, {"refractory": "2*ms + v"},
     "neuron.refractory = 2*ms + v: the term v is a voltage, but should be a time"),
    (LEAKY, {"refractory": "tau_ref"},
     "neuron.refractory = tau_ref: tau_ref is not defined; give it a value, as "
     "neuron.tau_ref"),
    (LEAKY, {"ms": "5"},
     "neuron.ms: ms is a unit, and cannot be a name"),
    (LEAKY, {"I": "5 mV"},
     "neuron.I: what stimuli and synapses add up to; it is no parameter"),
    (LEAKY, {"dt": "1 ms"},
     "neuron.dt = 1 ms: the time step is one for all, simulation.dt"),
    (LEAKY, {"exp": "3"},
     "neuron.exp: exp is a function or a constant, and cannot be a name"),
    (LEAKY, {"lastspike": "3 ms"},
     "neuron.lastspike: lastspike stands for the time of a cell's last spike, and "
     "cannot be declared"),
    (LEAKY, {"w_0": "1 nA"},
     "neuron.w_0: the equations do not use it, nor have they a state w"),
    (LEAKY, {"v_0": "1 ms"},
     "neuron.v_0: a time, but v is a voltage"),
    (LEAKY, {"v_0": "rest"},
     "neuron.v_0 = rest: the neuron does not say what that is; give a value, or "
     "neuron.rest.v as an expression of parameters"),
    (LEAKY, {"for": "3"},
     "neuron.for: for is a word of Python, and cannot be a name"),
    (LEAKY, {"_x": "3"},
     "neuron._x: no name for a parameter; expected letters, digits and _, with a "
     "letter first"),
    (LEAKY, {"g-L": "3"},
     "neuron.g-L: no name for a parameter; expected letters, digits and _, with a "
     "letter first"),
    (LEAKY, {"v_0": "rest", "rest": {'v': 'E_l'}},
     "neuron.rest.v = E_l: E_l is not defined, but E_L is: names differ by case; did "
     "you mean it?"),
    (LEAKY, {"rest": {'u': 'E_L'}},
     "neuron.rest.u: no state variable; there are v"),
    (LEAKY, {"constants": {'E_L': '-70 mV'}},
     "neuron.E_L: is among the constants as well"),
    (LEAKY, {"constants": 5},
     "neuron.constants = 5: expected a mapping such as {C: 140 mV}"),
    (LEAKY, {"constants": {'k': '1'}},
     "neuron.k: the equations do not use it"),
    (LEAKY, {"rest": "E_L"},
     "neuron.rest = E_L: expected a mapping such as {C: 140 mV}"),
    (LEAKY, {"E_L": None, "constants": {'E_L': '5 5'}},
     "neuron.constants.E_L = 5 5: '5' is no unit"),
    (IZHIKEVICH, {"constants": {'C1': '0.04', 'C2': 5, 'C3': '140 mV', 'tau_m': '1 ms'}},
     "neuron.equations: dv/dt: the term C1 * v ** 2 is a quantity in V^2, but should "
     "be a voltage; neuron.constants.C1 = 0.04 would have to be a quantity in 1/V"),
    (IZHIKEVICH, {"constants": {'C1': '0.04/mV', 'C2': 5, 'C3': 140, 'tau_m': '1 ms'}},
     "neuron.equations: dv/dt: the term C3 is a plain number, but should be a "
     "voltage; neuron.constants.C3 = 140 would have to be a voltage"),
    (IZHIKEVICH, {"d": 8},
     "neuron.reset: u += d: the term d is a plain number, but should be a voltage; "
     "neuron.d = 8 would have to be a voltage"),
    (IZHIKEVICH, {"a": 0.02},
     "neuron.equations: du/dt: the term a * (b * v - u) is a voltage, but should be a "
     "quantity in V/s; neuron.a = 0.02 would have to be a rate"),
    (IZHIKEVICH, {"b": "0.2/ms"},
     "neuron.equations: du/dt: the term b * v is a quantity in V/s, but should be a "
     "voltage; neuron.b = 0.2 1/ms would have to be a plain number"),
    (IZHIKEVICH, {"b": "0.2 mV"},
     "neuron.equations: du/dt: the term b * v is a quantity in V^2, but should be a "
     "voltage; neuron.b = 0.2 mV would have to be a plain number"),
    (IZHIKEVICH, {"equations": IZHIKEVICH["equations"] + "\ndx/dt = (x_0 - x)/tau_m : 1", "x_0": 1},
     "neuron.equations: dx/dt: x_0 is what x starts at; give a constant another name"),
    (TSODYKS_MARKRAM, {"equations": U_S + X_S.replace("1 - x_S", "x_S_0 - x_S")},
     "synapse.equations: dx_S/dt: x_S_0 is what x_S starts at; give a constant another name"),
    (IZHIKEVICH, {"c": "30 mV", "v_th": "-65 mV"},
     "neuron.c = 30 mV with neuron.v_th = -65 mV: a spike resets below the threshold"),
    (TSODYKS_MARKRAM, {"on_pre": "u_S += U_0*(1 - u_S)\nr_S = u_S*x_S\nx_S -= r_S"},
     "synapse.on_pre: reaches no cell; add to a variable of the target, such as "
     "I_S_post += weight"),
    (TSODYKS_MARKRAM, {"on_pre": "I_S += weight"},
     "synapse.on_pre: I_S += weight: I_S is not defined; did you mean I_S_post, that "
     "of the target?"),
    (TSODYKS_MARKRAM, {"U_0": None},
     "synapse.on_pre: u_S += U_0*(1 - u_S): U_0 is not defined; give it a value, as "
     "synapse.U_0"),
    (TSODYKS_MARKRAM, {"U_0": None, "u_0": 0.6},
     "synapse.on_pre: u_S += U_0*(1 - u_S): U_0 is not defined, but u_0 is: names "
     "differ by case; did you mean it?"),
    (TSODYKS_MARKRAM, {"U_0": 1.4},
     "synapse.U_0 = 1.4: a release probability lies in [0, 1]"),
    (TSODYKS_MARKRAM, {"U_0": "0.6 mV"},
     "synapse.on_pre: u_S += U_0*(1 - u_S): the term U_0 * (1 - u_S) is a voltage, "
     "but should be a plain number; synapse.U_0 = 0.6 mV would have to be a plain "
     "number"),
    (TSODYKS_MARKRAM, {"equations": "du_S/dt = -u_S/tau_f : 1\ndx_S/dt = (1 - x_S)/tau_d : 1"},
     "synapse.equations: du_S/dt: a synapse's own equations are (event-driven); what "
     "goes on in every step is written under target"),
    (TSODYKS_MARKRAM, {"equations": "du_S/dt = -u_S**2/tau_f : 1 (event-driven)\n" + X_S},
     "synapse.equations: du_S/dt: an event-driven equation is solved from spike to "
     "spike, and has to be linear in u_S, x_S"),
    (TSODYKS_MARKRAM, {"current": None},
     "synapse.current: missing; I_S would reach no cell, write what enters its I, "
     "such as I_S"),
    (TSODYKS_MARKRAM, {"target": None},
     "synapse.on_pre: I_S_post += weight*r_S: I_S_post is not defined; the target has "
     "no I_S: give its equation as target"),
    (TSODYKS_MARKRAM, {"current": "I_s"},
     "synapse.current: I_s is not defined, but I_S is: names differ by case; did you "
     "mean it?"),
    (TSODYKS_MARKRAM, {"current": "0*mV"},
     "synapse.current = 0*mV: does not use I_S, which reaches no cell"),
    (TSODYKS_MARKRAM, {"current": "I_S*2*nS"},
     "synapse.current: the term I_S * 2 * nS is a current, but should be a voltage"),
    (TSODYKS_MARKRAM, {"target": "dI_S/dt = -I_S : current", "tau_s": None},
     "synapse.target: dI_S/dt: the term -I_S is a voltage, but should be a quantity "
     "in V/s; divide it by a time, such as (...)/tau"),
    (TSODYKS_MARKRAM, {"target": "dI_S/dt = -I_S/tau_s : amp"},
     "synapse.on_pre: I_S_post += weight*r_S: the term weight * r_S is a voltage, but "
     "should be a current"),
    (TSODYKS_MARKRAM, {"target": "I_S = 3*mV : current", "tau_s": None},
     "synapse.on_pre: I_S_post += weight*r_S: I_S_post is not defined; the target has "
     "no I_S: give its equation as target"),
    (TSODYKS_MARKRAM, {"tau_s": "5"},
     "synapse.target: dI_S/dt: the term -I_S / tau_s is a voltage, but should be a "
     "quantity in V/s; synapse.tau_s = 5 would have to be a time"),
    (TSODYKS_MARKRAM, {"tau_s": "-5 ms"},
     "synapse.tau_s = -5 ms: a time constant is greater than 0"),
    (TSODYKS_MARKRAM, {"delay": "-1 ms"},
     "synapse.delay = -1 ms: a delay is not negative"),
    (TSODYKS_MARKRAM, {"delay": "1 mV"},
     "synapse.delay = 1 mV: expected a time such as 10 ms, not a voltage"),
    (TSODYKS_MARKRAM, {"weight": 8},
     "synapse.on_pre: I_S_post += weight*r_S: the term weight * r_S is a plain "
     "number, but should be a voltage; synapse.weight = 8 would have to be a voltage"),
    (TSODYKS_MARKRAM, {"weight": "8 nA"},
     "synapse.weight = 8 nA is a current, but neuron.R = 1 is a plain number, and R*I "
     "has to be a voltage: give synapse.weight in volt (10 mV), or make neuron.R a "
     "resistance (1 Mohm)"),
    (TSODYKS_MARKRAM, {"dt": "20 ms"},
     "synapse.dt = 20 ms: a synapse has the time step of the simulation, "
     "simulation.dt; within longer ones of its own nothing would decay or recover "
     "between spikes"),
    (TSODYKS_MARKRAM, {"dt": "I_app_start"},
     "synapse.dt = I_app_start: a synapse has the time step of the simulation, "
     "simulation.dt; within longer ones of its own nothing would decay or recover "
     "between spikes"),
    (TSODYKS_MARKRAM, {"method": "exact"},
     "synapse.method = exact: a synapse's own equations are solved exactly from spike "
     "to spike, and those of its target like the neuron's, by simulation.method"),
    (TSODYKS_MARKRAM, {"x_S_0": "1 mV"},
     "synapse.x_S_0: a voltage, but x_S is a plain number"),
    (TSODYKS_MARKRAM, {"y_S_0": 1},
     "synapse.y_S_0: the equations do not use it, nor have they a state y_S"),
    (TSODYKS_MARKRAM, {"on_pre": "v_post += weight\nu_S=U_0\nx_S=u_S\nI_S_post += v_pre"},
     "synapse.on_pre: I_S_post += v_pre: v_pre is not defined; a synapse sees the "
     "target's variables, such as v_post, not the source's"),
    (TSODYKS_MARKRAM, {"on_pre": "I_S_post += weight*r_S"},
     "synapse.on_pre: I_S_post += weight*r_S: r_S is not defined; give it a value, as "
     "synapse.r_S"),
    (TSODYKS_MARKRAM, {"on_post": "I_S += weight"},
     "synapse.on_post = I_S += weight: a synapse does something at presynaptic "
     "spikes, on_pre"),
    (TSODYKS_MARKRAM, {"on_pre": "weight += 1*mV\nI_S_post += weight*u_S*x_S*U_0"},
     "synapse.on_pre: weight += 1*mV: weight does not change; I_S_post, u_S, u_post, "
     "v_post, x_S can"),
    (TSODYKS_MARKRAM, {"equations": U_S + "dx_S/dt = (1 - x_S)/tau_d*u_S : 1 (event-driven)"},
     "synapse.equations: dx_S/dt: an event-driven equation is solved from spike to "
     "spike, and has to be linear in u_S, x_S"),
    (STEP, {"current": "amplitude"},
     "stimulus.onset: the current does not use it"),
    (STEP, {"equations": "dx/dt = -x/onset : 1"},
     "stimulus.equations: dx/dt: a stimulus has no state; write x = ... : unit, an "
     "expression of t"),
    (STEP, {"current": "amplitude*int(t == onset)"},
     "stimulus.current: t == onset: compare the time by >= and <"),
    (STEP, {"current": "amplitud*int(t >= onset)"},
     "stimulus.current: amplitud is not defined; did you mean amplitude?"),
    (STEP, {"current": "amplitude*int(t >= amplitude)"},
     "stimulus.current: the term amplitude is a voltage, but should be a time"),
    (STEP, {"amplitude": "10 nA"},
     "stimulus.amplitude = 10 nA is a current, but neuron.R = 1 is a plain number, "
     "and R*I has to be a voltage: give stimulus.amplitude in volt (10 mV), or make "
     "neuron.R a resistance (1 Mohm)"),
    (STEP, {"amplitude": 10},
     "stimulus.amplitude = 10 is a plain number, but neuron.R = 1 is a plain number, "
     "and R*I has to be a voltage: give stimulus.amplitude in volt (10 mV), or make "
     "neuron.R a resistance (1 Mohm)"),
    (STEP, {"onset": "-1 ms"},
     "stimulus.onset = -1 ms: an onset is not negative"),
    (STEP, {"onset": "2 s"},
     "stimulus.onset = 2 s with simulation.duration = 1 s: the onset lies before the "
     "end"),
    (STEP, {"current": "amplitude*(t >= onset)"},
     "stimulus.current: the term t >= onset is true or false; write int(t >= onset) "
     "for 1 or 0"),
    (STEP, {"current": "amplitude*rand()*int(t>=onset)"},
     "stimulus.current: rand(): rand() draws at random, and a point is the same every "
     "time"),
    (STEP, {"current": "amplitude*int(t >= onset) + v"},
     "stimulus.current: v is not defined; give it a value, as stimulus.v"),
    (STEP, {"current": "amplitude*on", "equations": "on = int(t >= onset) : boolean"},
     "stimulus.equations: on: declare it : 1, which numbers, true and false all are"),
    (STEP, {"current": "amplitude*On", "equations": "on = int(t >= onset) : 1"},
     "stimulus.current: On is not defined, but on is: names differ by case; did you "
     "mean it?"),
    ("neuron", "equations: dv/dt = -v/tau : volt\nthreshold: v > v_th\n",
     'mapping values are not allowed here; in "FILE", line 1, '
     "column 27; text with a colon is quoted, or indented below |"),
    ("neuron", "	equations: 'x'\n",
     "while scanning for the next token; found character '\\t' that cannot start any "
     'token; in "FILE", line 1, column 1; YAML is indented with '
     "spaces"),
    ("neuron", "equations: |\ndv/dt = 3 : volt\n",
     "neuron.dv/dt = 3: no such key; lines of equations are indented below equations: "
     "|"),
    ("neuron", "equations 'dv/dt'\n",
     "neuron.equations 'dv/dt': no such key; lines of equations are indented below "
     "equations: |"),
    ("neuron", "- a\n- b\n",
     "neuron: expected keys below it, such as neuron.equations"),
    ("neuron", "a: 1\na: 2\n",
     'while constructing a mapping; in "FILE", line 1, column 1; '
     "found duplicate key a"),
    ("synapse", "model: none\nU_0: 3\n",
     "synapse.U_0 = 3: a release probability lies in [0, 1]"),
    ("circuit", "populations: {a: {count: 1}}\n",
     "circuit.populations.a.stimulated: missing"),
    ("circuit", "populations: {a: {count: 1.5, stimulated: true}}\nprojections: {}\n",
     "circuit.populations.a.count = 1.5: a population has 1 to 10,000 cells"),
    ("circuit", "populations: {a: {count: 2, stimulated: true}}\n"
                "projections: {p: {source: a, target: a, connect: rings}}\n",
     "circuit.projections.p.connect = rings: no such choice; did you mean ring?"),
    ("circuit", "populations: {a: {count: 2, stimulated: true, neurons: 3}}\nprojections: {}\n",
     "circuit.populations.a.neurons: no such key; write circuit.populations.a as "
     "{count: ..., stimulated: ...}"),
    ("circuit", "populations: {a: 3}\nprojections: {}\n",
     "circuit.populations.a: no such key; write circuit.populations.a as {count: ..., "
     "stimulated: ...}"),
]  # fmt: skip

_GROUPS = ((LEAKY, "neuron"), (IZHIKEVICH, "neuron"), (TSODYKS_MARKRAM, "synapse"),
           (STEP, "stimulus"))  # fmt: skip


def written(folder: Path, number: int) -> tuple[str, Path]:
    """Return the group and the file of a row."""
    base, changed, _ = WRONG[number]
    if isinstance(base, str):
        group, text = base, changed
    else:
        group = next(group for model, group in _GROUPS if model is base)
        held = {key: value for key, value in {**base, **changed}.items() if value is not None}
        text = yaml.safe_dump(held, allow_unicode=True, sort_keys=False)
    path = folder / group / f"row{number}.yaml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return group, path


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Give the loader over the folder of all files, which reads every file of izhi's once."""
    folder = tmp_path_factory.mktemp("wrong")
    paths = [written(folder, number) for number in range(len(WRONG))]
    return reading_once(loader_over(folder)), paths, folder


@pytest.fixture
def exchanged(monkeypatch, default):
    """Put what a file holds into a config composed before; to compose takes ten times as long."""

    def load(loader, config_name: str, overrides: list[str]) -> DictConfig:
        group, _, choice = overrides[0].partition("=")
        config = copy.deepcopy(default)
        with flag_override(config, ["struct", "readonly"], False):
            config[group] = loader.repository.load_config(f"{group}/{choice}").config
            config.hydra.runtime.choices[group] = choice
        return config

    monkeypatch.setattr(compose, "load", load)


@pytest.fixture(scope="module")
def default(files) -> DictConfig:
    return composer.load(files[0], "config", [])


def line_of(loader, group: str, path: Path) -> str:
    try:
        found = check(compose.compose_with(loader, [f"{group}={path.stem}"], multirun=False))
    except ConfigError as error:
        return str(error).replace(str(path), "FILE")
    return str(found.errors[0]) if found.errors else "nothing"


def assert_lines(files, rows: Sequence[int]) -> None:
    loader, paths, _ = files
    said = {number: line_of(loader, *paths[number]) for number in rows}
    assert rows and [line for line in said.values() if "\n" in line] == []
    different = [
        f"{WRONG[number][1]}\n    is {line}\nnot {WRONG[number][2]}"
        for number, line in said.items() if line != WRONG[number][2]
    ]  # fmt: skip
    assert not different, "\n".join(different)


CHANGED = [number for number, row in enumerate(WRONG) if isinstance(row[0], dict)]


@pytest.mark.parametrize("part", range(3))
def test_each_wrong_model_gets_its_line(files, exchanged, part) -> None:
    assert_lines(files, CHANGED[part::3])


def test_each_wrong_file_gets_its_line_and_so_do_models_composed_one_by_one(files) -> None:
    text = sorted({*range(len(WRONG))} - {*CHANGED})
    assert_lines(files, [*text, *CHANGED[::20]])


@pytest.mark.soak
def test_each_wrong_model_composed_by_itself_gets_its_line(files) -> None:
    assert_lines(files, CHANGED)


def test_there_are_many_of_them() -> None:
    assert len({row[2] for row in WRONG}) >= 120


@pytest.mark.parametrize(("number", "command"), [(0, "check"), (40, "plan"), (120, "run")])
def test_the_command_line_says_the_same(files, number, command, capsys) -> None:
    _, paths, folder = files
    group, path = paths[number]
    assert cli.main([command, "--config-dir", str(folder), f"{group}={path.stem}"]) == 2
    assert capsys.readouterr() == ("", f"error: {WRONG[number][2]}\n")
