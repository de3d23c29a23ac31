"""Elementary functions of both engines: their errors, special values, and C++ texts."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import textwrap
from pathlib import Path

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from izhi import functions, portable
from izhi.engine import build
from izhi.functions import FUNCTIONS

PROCESSORS = ["native", *["x86-64"] * (platform.machine() in ("x86_64", "AMD64"))]
_NAMED_OTHERWISE = {"exprel": lambda x: mpmath.expm1(x) / x, "arctan": mpmath.atan,
                    "arcsin": mpmath.asin, "arccos": mpmath.acos}  # fmt: skip
EXACT = {name: _NAMED_OTHERWISE.get(name) or getattr(mpmath, name) for name in FUNCTIONS}
# the largest error in units in the last place; measured with 20,000 arguments of each kind:
# 1.81, 1.72, 0.74, 1.95, 1.83, 1.96, 2.15, 1.70
BOUND = {"sin": 2, "cos": 2, "log": 0.8, "expm1": 2.2, "exprel": 2.2, "tanh": 2.2, "sinh": 2.5,
         "cosh": 1.9, "tan": 4, "log10": 2.5, "log1p": 2, "arctan": 1.2, "arcsin": 3,
         "arccos": 3}  # fmt: skip


def arguments(name: str, size: int, seed: int) -> NDArray[np.float64]:
    """Return arguments of a function, crowded where it changes its formula."""
    random = np.random.default_rng(seed)
    n = size // 4
    small = random.uniform(-1, 1, n) * 2.0 ** random.integers(-40, 1, n)
    if name in ("log", "log10"):
        return np.abs(np.concatenate([
            small, random.uniform(0, 30, n), 10 ** random.uniform(-320, 308, n), 1 + small * 1e-3,
        ]))  # fmt: skip
    if name in ("arcsin", "arccos"):
        return np.concatenate([small, random.uniform(-1, 1, 3 * n)])
    if name == "log1p":
        far = 10 ** random.uniform(-320, 308, n)
        return np.concatenate([small, random.uniform(-1, 30, n), far])
    if name in ("sin", "cos", "tan"):
        turns = np.rint(random.uniform(-6e5, 6e5, n)) * (np.pi / 2)
        far = random.uniform(-1e6, 1e6, n)
        return np.concatenate([small, random.uniform(-30, 30, n), far, turns])
    near = random.uniform(-0.6, 0.6, n)
    return np.concatenate([small, near, random.uniform(-30, 30, n), random.uniform(-700, 700, n)])


@pytest.mark.parametrize("name", FUNCTIONS)
def test_errors_are_a_few_units_in_the_last_place(name) -> None:
    x = arguments(name, 4000, seed=1)
    x = x[x != 0]
    for given_x, found in zip(x.tolist(), FUNCTIONS[name](x).tolist(), strict=True):
        with mpmath.workprec(300):
            exact = EXACT[name](mpmath.mpf(given_x))
            last = mpmath.mpf(2) ** max(mpmath.frexp(exact)[1] - 53, -1074)
            assert abs(mpmath.mpf(found) - exact) <= BOUND[name] * last, given_x


def test_special_values() -> None:
    inf, nan = np.inf, np.nan
    assert np.array_equal(functions.log([0.0, -0.0, inf, 1.0, 5e-324]),
                          [-inf, -inf, inf, 0.0, np.log(5e-324)])  # fmt: skip
    assert np.isnan(functions.log([-1.0, -inf, nan])).all()
    for name in ("sin", "cos"):
        assert np.isnan(FUNCTIONS[name]([inf, -inf, nan])).all()
    assert functions.sin(0.0) == 0 and functions.cos(0.0) == 1
    assert functions.exprel([0.0, -1e-300]).tolist() == [1, 1]
    assert functions.expm1([0.0, -inf, inf]).tolist() == [0, -1, inf]
    assert functions.tanh([0.0, -inf, inf, 400.0]).tolist() == [0, -1, 1, 1]
    assert functions.sinh([0.0, -inf, inf]).tolist() == [0, -inf, inf]
    assert functions.cosh([0.0, -inf, inf]).tolist() == [1, inf, inf]
    for name in ("exprel", "expm1", "tanh", "sinh", "cosh"):
        assert np.isnan(FUNCTIONS[name](nan))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_whatever_numpy_takes_for_numbers(name) -> None:
    x = np.linspace(0.1, 3, 20).reshape(4, 5)
    expected = FUNCTIONS[name](x)
    assert expected.shape == (4, 5) and expected.dtype == np.float64
    assert np.array_equal(FUNCTIONS[name](x.T), expected.T, equal_nan=True)
    one_by_one = [FUNCTIONS[name](value) for value in x[0].tolist()]
    assert np.array_equal(one_by_one, expected[0], equal_nan=True)
    with np.errstate(all="raise"):
        FUNCTIONS[name]([0.0, -1.0, np.inf, -np.inf, np.nan, 1e300])


@given(st.floats(-1e5, 1e5))
def test_sine_and_cosine_lie_on_the_circle(x: float) -> None:
    assert functions.sin(x) ** 2 + functions.cos(x) ** 2 == pytest.approx(1, abs=1e-15)
    assert functions.sin(-x) == -functions.sin(x) and functions.cos(-x) == functions.cos(x)


# ---------------------------------------------------------------- the same in C++

PROGRAM = """
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <vector>
FUNCTIONS
int main(int, char **named)
{
    std::vector<double> x(1 << 20), y(1 << 20);
    const size_t n = std::fread(x.data(), sizeof(double), x.size(), stdin);
    CALLS
    return std::fwrite(y.data(), sizeof(double), n, stdout) != n;
}
"""
CALL = """
    if (!std::strcmp(named[1], "NAME"))
        for (size_t i = 0; i < n; i++)
            y[i] = portable_NAME(x[i]);
"""


@pytest.fixture(scope="module", params=PROCESSORS)
def program(request, compiler, tmp_path_factory) -> Path:
    """Give a program that takes numbers and gives a function of them."""
    folder = tmp_path_factory.mktemp("functions")
    text = PROGRAM.replace("FUNCTIONS", portable.CPP)
    text = text.replace("CALLS", "".join(CALL.replace("NAME", name) for name in FUNCTIONS))
    (folder / "functions.cpp").write_text(text)
    command = os.environ.get("CXX", "").split() or ["g++"]
    subprocess.run(
        [*command, *build.flags(request.param), "functions.cpp", "-o", "functions"],
        cwd=folder, check=True, capture_output=True,
    )  # fmt: skip
    return folder / "functions"


@pytest.mark.parametrize("name", FUNCTIONS)
def test_cpp_gives_the_same_bits(name, program) -> None:
    special = [0.0, -0.0, np.inf, -np.inf, np.nan, 5e-324, -5e-324, 1e-310, 0.5, -0.5, 1e300, -1.0]
    x = np.concatenate([arguments(name, 100_000, seed=2), special])
    done = subprocess.run([program, name], input=x.tobytes(), capture_output=True, check=True)
    found, expected = np.frombuffer(done.stdout), FUNCTIONS[name](x)
    same = (found.view(np.int64) == expected.view(np.int64)) | (
        np.isnan(found) & np.isnan(expected)
    )
    assert same.all(), x[~same][:5]


# ---------------------------------------------------------------- in generated code

CALLING = """
dx/dt = (sin(x) + cos(2*x) + tanh(y) + abs(y))/(10*ms) : 1
dy/dt = (log(2 + clip(x, -1, 1)) - exprel(y) + sign(x)*sqrt(1 + y**2))/(20*ms) : 1
dz/dt = (expm1(-z) + sinh(x)/cosh(x) + floor(3*x) - ceil(y) + int(x > y) + powers)/(5*ms) : 1
powers = x**3 - (1 + y**2)**-1 + (1 + z**4)**0.5 : 1
"""


# Run in a process of its own: a device stays what it was first.
BOTH = """
    import subprocess, sys
    from pathlib import Path
    import numpy as np
    from izhi.engine import build, runtime

    start, steps, folder = np.linspace(-1, 1, 70), 50, Path(sys.argv[1])
    with runtime.quiet_brian() as b2:
        from izhi.engine import device

        def network():
            cells = b2.NeuronGroup(
                start.size, CALLING, threshold="v > 1e9", reset="escapes00 += 1", method="euler",
                namespace={"ms": b2.ms}, name="cells",
            )
            spikes = b2.SpikeMonitor(cells, name="spikes")
            traces = b2.StateMonitor(cells, list("xyz"), record=True, name="traces")
            return cells, traces, b2.Network(cells, spikes, traces)

        cells, traces, both = network()
        cells.x = start
        both.run(steps * b2.defaultclock.dt, namespace={})
        expected = np.stack([getattr(traces, name) for name in "xyz"])
        b2.set_device("izhi", build_on_run=False)
        cells, traces, both = network()
        both.run(steps * b2.defaultclock.dt, namespace={})
        b2.get_device().write(
            folder / "program.cpp", start.size,
            [device.Cells(cells, 1, 0, False, ("x", "y", "z"))], [],
            [(cells.variables["x"], 1)], [], [], ("x", "y", "z"), 1.0, False,
        )
    build.compile_program(folder / "program.cpp", folder / "main")
    changes, order = np.zeros(steps + -steps % 8, np.uint8), np.arange(start.size)
    parts = [np.array([steps, start.size]), changes, order, np.array([start.size, 1]), start]
    given = b"".join(part.tobytes() for part in parts)
    done = subprocess.run([folder / "main"], input=given, capture_output=True, check=True)
    found = np.frombuffer(done.stdout[-expected.nbytes:]).reshape(expected.shape)
    assert np.isfinite(expected).all() and np.ptp(expected[:, :, -1], axis=1).min() > 0.1
    assert np.array_equal(found.view(np.int64), expected.view(np.int64))
    np.save(folder / "found.npy", found)
"""


def test_generated_code_calls_them_and_has_the_same_bits_on_both_engines(
    compiler, tmp_path
) -> None:
    script = textwrap.dedent(BOTH).replace("CALLING", repr(CALLING + "v : 1\nescapes00 : 1"))
    subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=True)
    x, y, z = np.load(tmp_path / "found.npy")
    slope_x = functions.sin(x) + functions.cos(2 * x) + functions.tanh(y) + np.abs(y)
    slope_y = (functions.log(2 + np.clip(x, -1, 1)) - functions.exprel(y)
               + np.sign(x) * np.sqrt(1 + y * y))  # fmt: skip
    slope_z = (functions.expm1(-z) + functions.sinh(x) / functions.cosh(x) + np.floor(3 * x)
               - np.ceil(y) + (x > y) + x**3 - 1 / (1 + y * y) + np.sqrt(1 + z**4))  # fmt: skip
    for values, slope, tau in ((x, slope_x, 10), (y, slope_y, 20), (z, slope_z, 5)):
        assert np.diff(values) == pytest.approx(slope[:, :-1] * 0.1 / tau, rel=1e-9, abs=1e-12)
