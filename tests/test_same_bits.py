"""A point has the same bits on any engine, C library, processor, Python and Brian2.

The engines are compared with each other; what another machine, Python or Brian2 gives is compared
through digests, which are the same everywhere. They hold all spikes, and v, u and I at samples. u_S
and x_S are in no result: I stands for them, to which every spike adds weight*u_S*x_S.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import hashlib
import platform
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest

import izhi
from izhi import portable
from izhi.engine import build, cache, compiled, runtime
from izhi.engine.cache import Build
from izhi.engine.result import Raw
from izhi.sweep import plan as plans

# The default sweep with three times as many amplitudes: 2,079 points.
SWEEP = [
    "+experiment=presets_u0_amplitude",
    "stimulus.amplitude=" + ",".join(str(4 + k * 10 / 32) for k in range(33)),
    "run.shard_points=3000",
    "record.traces=all",
]
# By the interval of the samples. Made with Python 3.11, numpy 2.3 and Brian2 2.9, found again with
# 3.13, 2.5 and 2.11. They change with the equations, the sweep's configs and the exponential only.
DIGESTS = {
    "10 ms": "cb7805ed285b9431797f2bfbdd596aa960197115e81d4525e84d8e66a2f5b4d6",
    "1 ms": "29705b98aa7e577f3e40b6e650c526bb3080e79504fbce3773bb6a5e98ac3b7b",
}


class Sweep:
    """Points as an engine takes them."""

    def __init__(self, *overrides: str):
        plan = izhi.plan(list(overrides))
        (batch,), (shard,) = plan.batches, plan.shards
        self.structure, self.size = batch.structure, shard.points.size
        self.parameters = plans.parameters(plan, shard)

    def numpy(self) -> Raw:
        return runtime.simulate(self.structure, self.parameters, self.size)

    def compiled(self, program: Build | None = None) -> Raw:
        program = program or cache.make(self.structure)
        return compiled.simulate(program, self.structure, self.parameters, self.size)

    def plainest(self, folder: Path) -> Build:
        """Return the program for the oldest x86-64 processor, from the very same text."""
        native = cache.make(self.structure)
        program = folder / "plainest"
        build.compile_program(native.program.with_name("program.cpp"), program, "x86-64")
        assert program.read_bytes() != native.program.read_bytes()
        return Build(program, native.inputs)


def python(text: str) -> str:
    """Return what a Python of its own says, for what a process would be left changed by."""
    command = [sys.executable, "-c", textwrap.dedent(text)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def library_calls(program: Path) -> set[str]:
    """Return what a program calls in the mathematical library."""
    libraries = [ctypes.util.find_library(name) for name in ("m", "c")]
    if shutil.which("nm") is None or None in libraries:
        pytest.skip("there is no nm, or no C library to ask")
    listed = subprocess.run(["nm", "-D", "-u", program], capture_output=True, text=True, check=True)
    names = {line.split()[-1].split("@")[0] for line in listed.stdout.splitlines()}
    math, rest = (ctypes.CDLL(name) for name in libraries)
    return {name for name in names if hasattr(math, name) and not hasattr(rest, name)}


def assert_same(ours: Raw, theirs: Raw) -> None:
    assert np.array_equal(ours.count, theirs.count)
    assert np.array_equal(ours.step, theirs.step)
    assert ours.traces.keys() == theirs.traces.keys()
    for name, samples in ours.traces.items():
        different = samples.view(np.int64) != theirs.traces[name].view(np.int64)
        assert not different.any(), (name, np.argwhere(different)[:5])


def digest(raw: Raw) -> str:
    """Return the SHA-256 of all spikes and samples, whatever order of bytes the machine has."""
    found = hashlib.sha256()
    for values in (raw.count, raw.step, *(raw.traces[name] for name in ("v", "u", "I"))):
        found.update(np.ascontiguousarray(values, values.dtype.newbyteorder("<")).tobytes())
    return found.hexdigest()


@pytest.fixture(scope="module")
def sweep() -> Sweep:
    return Sweep(*SWEEP, "record.interval=10 ms")


@pytest.fixture(scope="module")
def found(sweep) -> Raw:
    return sweep.compiled() if cache.compiler() else sweep.numpy()


def test_the_points_are_worth_comparing(sweep, found) -> None:
    assert sweep.size == 2079
    assert found.traces["v"].shape == (2079, 3, 100)
    assert found.step.size > 100_000
    assert 500 < np.count_nonzero(found.count[:, 2]) < 2079
    assert np.unique(found.traces["I"][:, 2]).size > 50_000  # what the synapses make of the spikes
    assert all(np.isfinite(samples).all() for samples in found.traces.values())


def test_the_digest_is_what_it_is_everywhere(found) -> None:
    assert digest(found) == DIGESTS["10 ms"]


def test_numpy_gives_the_same_bits(sweep, found, compiler) -> None:
    assert_same(sweep.numpy(), found)


@pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="another processor")
def test_the_plainest_processor_gives_the_same_bits(sweep, found, compiler, tmp_path) -> None:
    assert_same(sweep.compiled(sweep.plainest(tmp_path)), found)


@pytest.mark.soak
def test_all_give_the_same_bits_in_every_millisecond(compiler, tmp_path) -> None:
    sweep = Sweep(*SWEEP, "record.interval=1 ms")
    found = sweep.compiled()
    assert digest(found) == DIGESTS["1 ms"]
    assert_same(sweep.numpy(), found)
    if platform.machine() in ("x86_64", "AMD64"):
        assert_same(sweep.compiled(sweep.plainest(tmp_path)), found)


# ---------------------------------------------------------------- the other structures

OTHERS = {
    "rk2": ["simulation.method=rk2"],
    "rk4": ["simulation.method=rk4"],
    "delay": ["synapse.delay=1.5 ms"],
    "static": ["synapse=static"],
    "ring": [
        "circuit=ring",
        "synapse=static",
        "synapse.delay=2 ms",
        "circuit.populations.cell.count=10",
    ],
}


@pytest.mark.parametrize(
    "name",
    [pytest.param(n, marks=[pytest.mark.soak] * (n not in ("rk4", "ring"))) for n in OTHERS],
)
def test_both_engines_give_the_same_bits(name, compiler) -> None:
    sweep = Sweep(
        *OTHERS[name], "neuron=chattering,resonator", "stimulus.amplitude=range(8,14)",
        "simulation.duration=300 ms", "record.traces=all", "record.interval=1 ms",
        "run.shard_points=100",
    )  # fmt: skip
    found = sweep.compiled()
    assert found.count.sum() > 100
    assert_same(sweep.numpy(), found)
    assert library_calls(cache.make(sweep.structure).program) == set()


# ---------------------------------------------------------------- what would not be the same


def test_no_program_calls_the_mathematical_library(sweep, compiler, tmp_path) -> None:
    source = tmp_path / "calls.cpp"
    source.write_text("#include <cmath>\nint main(int n, char **) { return std::exp(n); }\n")
    build.compile_program(source, tmp_path / "calls")
    assert library_calls(tmp_path / "calls") == {"exp"}
    assert library_calls(cache.make(sweep.structure).program) == set()


@pytest.mark.parametrize("engine", ["numpy", "compiled"])
def test_a_function_of_the_library_is_refused(engine) -> None:
    """Whoever adds a model that needs one is told to make it portable first."""
    said = python(f"""
        from izhi.engine import runtime
        from izhi.errors import EngineError
        with runtime.quiet_brian() as b2:
            from izhi.engine import device
            if {engine!r} == "compiled":
                b2.set_device("izhi", build_on_run=False)
            cells = b2.NeuronGroup(1, "x : 1", name="cells")
            cells.run_regularly("x = rand()", name="draw")
            try:
                b2.Network(cells).run(b2.ms, namespace={{}})
            except b2.BrianObjectException as error:
                print(error.__cause__)
        """)
    message = "draw_codeobject: rand() may have other bits on other machines"
    functions = ", ".join(sorted([*portable.FUNCTIONS, "normal_at", "uniform_at"]))
    assert said.splitlines()[-1] == f"{message}: expected one of {functions}"


def test_no_librarys_power_is_called(compiler) -> None:
    native = cache.make(izhi.plan(["run.engine=compiled"]).batches[0].structure)
    text = native.program.with_name("program.cpp").read_text()
    assert "_product(v00, 2)" in text
    assert "pow(" not in text


def test_powers_are_products() -> None:
    x = np.random.default_rng(1).normal(0, 2, 10_000)
    assert np.array_equal(portable.product(x, 2), x * x)
    assert np.array_equal(portable.product(x, 3), x * x * x)
    assert np.array_equal(portable.product(x, 7), ((x * x) * x) * ((x * x) * x) * x)
    for n in range(21):
        assert portable.product(x, n) == pytest.approx(x**n, rel=1e-14)
        assert np.array_equal(portable.power(x, n), portable.product(x, n))
        assert np.array_equal(portable.power(x, -n), 1 / portable.product(x, n))


def test_remainders_have_the_sign_of_what_divides() -> None:
    x = np.random.default_rng(2).normal(0, 50, 10_000)
    for y in (0.7, -3.1):
        found = portable.remainder(x, y)
        assert np.array_equal(found, x - y * np.floor(x / y))
        np.testing.assert_allclose(found, np.mod(x, y), atol=1e-13)


@pytest.mark.parametrize("exponent", [0.3, 1.5, -2.5, 0.5, -0.5, 70.0, 0.0])
def test_a_power_that_is_no_product_is_near_the_librarys(exponent) -> None:
    x = np.random.default_rng(3).uniform(0.01, 30, 1000)
    assert portable.power(x, exponent) == pytest.approx(x**exponent, rel=1e-13)
    assert np.isnan(portable.power(-x, 0.3)).all()


def test_other_networks_in_the_process_keep_brian2s_exp(tmp_path) -> None:
    said = python(f"""
        import brian2 as b2
        import numpy as np
        from brian2.devices.cpp_standalone.codeobject import CPPStandaloneCodeObject
        import izhi
        from izhi import exponential
        from izhi.engine import device

        def values(target):
            b2.prefs.codegen.target = target
            cells = b2.NeuronGroup(1000, "x : 1")
            x = cells.x = np.linspace(-50, 0, 1000)
            cells.run_regularly("x = exp(x)")
            b2.Network(cells).run(b2.defaultclock.dt, namespace={{}})
            return x, np.array(cells.x)

        for name in "ab":
            x, found = values("numpy")
            assert np.array_equal(found, np.exp(x))
            izhi.run(
                ["run.engine=numpy", "simulation.duration=30 ms"], name=name, dir={str(tmp_path)!r}
            )
            assert b2.prefs.codegen.target == "numpy"
        x, found = values("portable")
        assert np.array_equal(found, exponential.exp(x))
        assert not np.array_equal(found, np.exp(x))
        in_cpp = b2.DEFAULT_FUNCTIONS["exp"].implementations[CPPStandaloneCodeObject]
        assert in_cpp.name is None and in_cpp.get_code(None) is None  # std::exp
        print("all asserted")
        """)
    assert said.splitlines()[-1] == "all asserted"
