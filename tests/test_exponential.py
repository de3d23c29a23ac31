"""The exponential of both engines: its error, its special values, and its C++ text."""

from __future__ import annotations

import os
import platform
import subprocess
from pathlib import Path

import mpmath
import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from numpy.typing import NDArray

from izhi import exponential
from izhi.engine import build

OVERFLOW = float.fromhex("0x1.62e42fefa39efp+9")  # the largest x whose exp(x) is finite
UNDERFLOW = float.fromhex("-0x1.74910d52d3051p+9")  # the smallest x whose exp(x) rounds above 0
SUBNORMAL = float.fromhex("-0x1.6232bdd7abcd2p+9")  # the smallest x whose exp(x) is normal

# Wide floats hold exp(x) with 11 bits or more to spare; where long double is double, mpmath has to.
WIDE = np.finfo(np.longdouble).nmant >= 63 and np.finfo(np.longdouble).maxexp > 2000
PROCESSORS = ["native", *["x86-64"] * (platform.machine() in ("x86_64", "AMD64"))]


def arguments(size: int, seed: int) -> NDArray[np.float64]:
    """Return arguments from all over the range, crowded where something changes."""
    random = np.random.default_rng(seed)
    n = size // 8
    borders = random.choice([OVERFLOW, UNDERFLOW, SUBNORMAL], n)
    steps = random.choice([np.log(2) / 2, np.log(2) / 256], n)  # k changes at multiples of these
    multiples = steps * np.rint(random.uniform(UNDERFLOW, OVERFLOW, n) / steps)
    found = np.concatenate([
        random.uniform(-1, 1, n) * 2.0 ** random.integers(-70, 1, n),
        random.uniform(-0.3466, 0.3466, n),
        random.uniform(-50, 0, n),
        -(10 ** random.uniform(-6, np.log10(50), n)),
        random.uniform(SUBNORMAL, OVERFLOW, n),
        random.uniform(UNDERFLOW, SUBNORMAL, n),
        borders + random.integers(-1000, 1000, n) * np.spacing(borders),
        multiples + random.integers(-8, 9, n) * np.spacing(multiples),
    ])  # fmt: skip
    return np.concatenate([found, random.uniform(-750, 712, size - found.size)])


def errors(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the errors of exp(x) in units in the last place of what is exact."""
    assert WIDE
    x = x[x <= OVERFLOW]
    exact = np.exp(x.astype(np.longdouble))
    last = np.ldexp(np.longdouble(1), np.maximum(np.frexp(exact)[1] - 53, -1074))
    return np.abs(((exponential.exp(x) - exact) / last).astype(np.float64))


def worst(size: int, seed: int) -> tuple[float, float]:
    """Return the largest errors where the result is normal, and where it is subnormal."""
    x = arguments(size, seed)
    normal = x >= SUBNORMAL
    return errors(x[normal]).max(), errors(x[~normal]).max()


def exactly(x: float) -> mpmath.mpf:
    with mpmath.workprec(200):
        return mpmath.exp(mpmath.mpf(x))


# ---------------------------------------------------------------- how exact it is


def test_exp_against_mpmath() -> None:
    for x in arguments(4000, seed=1).tolist():
        if x <= OVERFLOW:
            exact = exactly(x)
            with mpmath.workprec(200):
                last = mpmath.mpf(2) ** max(mpmath.frexp(exact)[1] - 53, -1074)
                error = abs(mpmath.mpf(float(exponential.exp(x))) - exact) / last
            assert error < (0.52 if x >= SUBNORMAL else 0.77), x


@pytest.mark.skipif(not WIDE, reason="long double is no wider than double here")
def test_wide_floats_are_a_measure() -> None:
    for x in arguments(4000, seed=2).tolist():
        wide = np.exp(np.longdouble(x))
        high = float(wide) if x <= OVERFLOW else 0.0
        if high >= 2.0**-900:  # else the rest is no double
            with mpmath.workprec(200):
                rest = mpmath.mpf(high) + mpmath.mpf(float(wide - high)) - exactly(x)
                assert abs(rest) < exactly(x) * 2.0**-63, x


@pytest.mark.skipif(not WIDE, reason="long double is no wider than double here")
def test_exp_is_exact_to_less_than_an_ulp() -> None:
    normal, subnormal = worst(200_000, seed=3)  # measured: 0.511 and 0.751
    assert 0.5 < normal < 0.52
    assert 0.5 < subnormal < 0.77


@pytest.mark.soak
@pytest.mark.skipif(not WIDE, reason="long double is no wider than double here")
def test_exp_of_ten_million_numbers_is_exact_to_less_than_an_ulp() -> None:
    found = [worst(500_000, seed) for seed in range(100, 121)]
    normal, subnormal = np.max(found, axis=0)
    print(f"largest errors: {normal:.4f} ulp, {subnormal:.4f} ulp where subnormal")
    assert normal < 0.52
    assert subnormal < 0.77


# ---------------------------------------------------------------- special values, shapes, order


@pytest.mark.parametrize(
    ("x", "expected"),
    [
        (0.0, 1.0), (-0.0, 1.0), (5e-324, 1.0), (-5e-324, 1.0), (2.0**-54, 1.0), (-(2.0**-55), 1.0),
        (np.inf, np.inf), (-np.inf, 0.0), (1e308, np.inf), (-1e308, 0.0),
        (OVERFLOW, float.fromhex("0x1.fffffffffff2ap+1023")), (np.nextafter(OVERFLOW, 999), np.inf),
        (UNDERFLOW, 5e-324), (np.nextafter(UNDERFLOW, -999), 0.0),
        (SUBNORMAL, float.fromhex("0x1.000000000007cp-1022")),
    ],
)  # fmt: skip
def test_special_values(x: float, expected: float) -> None:
    found = exponential.exp(x)
    assert found == expected
    assert not np.signbit(found)


def test_not_a_number_stays_one() -> None:
    assert np.isnan(exponential.exp(np.array([np.nan, -np.nan]))).all()


@pytest.mark.parametrize("shape", [(), (0,), (5,), (2, 3), (2, 0, 3)])
def test_shapes_are_kept(shape: tuple[int, ...]) -> None:
    x = np.linspace(-1, 1, int(np.prod(shape))).reshape(shape)
    found = exponential.exp(x)
    assert found.shape == shape
    assert found.dtype == np.float64
    assert np.allclose(found, np.exp(x), rtol=1e-15)


def test_whatever_numpy_takes_for_numbers() -> None:
    x = np.linspace(-3, 3, 20)
    expected = exponential.exp(x)
    before = x.copy()
    assert exponential.exp(x.tolist()).tolist() == expected.tolist()
    assert exponential.exp(x[::-2]).tolist() == expected[::-2].tolist()
    assert exponential.exp(x.reshape(4, 5).T).tolist() == expected.reshape(4, 5).T.tolist()
    assert [float(exponential.exp(value)) for value in x] == expected.tolist()
    assert isinstance(exponential.exp(1), np.float64)
    assert np.array_equal(x, before)


def test_nothing_warns() -> None:
    with np.errstate(all="raise"):
        exponential.exp(np.array([0.0, -708.5, -745.0, -800.0, 800.0, np.inf, -np.inf, np.nan]))


@given(st.floats(-746, 710), st.integers(1, 10))
@example(-745.2, 1)
@example(np.log(2) / 2, 1)
def test_exp_does_not_fall(x: float, steps: int) -> None:
    more = x + steps * float(np.spacing(abs(x)))
    assert exponential.exp(more) >= exponential.exp(x)


def test_exp_does_not_fall_between_neighbours() -> None:
    x = arguments(200_000, seed=5)
    assert (exponential.exp(np.nextafter(x, np.inf)) >= exponential.exp(x)).all()


# ---------------------------------------------------------------- the same in C++

PROGRAM = """
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <vector>
FUNCTION
int main()
{
    std::vector<double> x(1 << 24), y(1 << 24);
    const size_t n = std::fread(x.data(), sizeof(double), x.size(), stdin);
    for (size_t i = 0; i < n; i++)
        y[i] = portable_exp(x[i]);
    return std::fwrite(y.data(), sizeof(double), n, stdout) != n;
}
"""


@pytest.fixture(scope="module", params=PROCESSORS)
def program(request, compiler, tmp_path_factory) -> tuple[Path, str]:
    """Give a program that takes numbers and gives their exponentials, and what g++ said."""
    folder = tmp_path_factory.mktemp("exponential")
    (folder / "exp.cpp").write_text(PROGRAM.replace("FUNCTION", exponential.CPP))
    command = os.environ.get("CXX", "").split() or ["g++"]
    done = subprocess.run(
        [*command, *build.flags(request.param), "-fopt-info-vec", "exp.cpp", "-o", "exp"],
        cwd=folder, check=True, capture_output=True, text=True,
    )  # fmt: skip
    return folder / "exp", done.stderr


def same_in_cpp(program: Path, x: NDArray[np.float64]) -> None:
    done = subprocess.run([program], input=x.tobytes(), capture_output=True, check=True)
    found = np.frombuffer(done.stdout, np.int64)
    expected = exponential.exp(x).view(np.int64)
    assert found.size == x.size
    different = x[found != expected]
    assert different.size == 0, different[:5]


def test_cpp_gives_the_same_bits(program) -> None:
    special = [0.0, -0.0, np.inf, -np.inf, OVERFLOW, UNDERFLOW, SUBNORMAL, 1e300, -1e300, 5e-324]
    x = np.concatenate([arguments(200_000, seed=4), special])
    same_in_cpp(program[0], x)


@pytest.mark.soak
def test_cpp_gives_the_same_bits_for_ten_million_numbers(program) -> None:
    for seed in range(200, 220):
        same_in_cpp(program[0], arguments(500_000, seed))


def test_cpp_vectorises(program) -> None:
    name = subprocess.run(
        [*(os.environ.get("CXX", "").split() or ["g++"]), "--version"],
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    if "Free Software Foundation" not in name:
        pytest.skip("only GCC says what it vectorised")
    assert "loop vectorized" in program[1]
