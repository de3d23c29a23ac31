"""Axes, points, structures and shards as plain data, computed before anything runs."""

from __future__ import annotations

import dataclasses
import itertools
import random
import tracemalloc
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
from hydra import compose as hydra_compose
from hydra import initialize_config_dir
from hypothesis import given, settings
from hypothesis import strategies as st

import izhi
from izhi import units
from izhi.config import axes
from izhi.config.compose import compose
from izhi.config.folder import conf_folder
from izhi.config.sweep import Axis, Base, Sweep
from izhi.models.waveform import NEVER
from izhi.spikes import STATISTICS
from izhi.sweep import plan as plans
from izhi.sweep import points, structures
from izhi.sweep.plan import Machine, Plan

pytestmark = pytest.mark.usefixtures("quick_builds")

PRESETS = [
    "regular_spiking", "intrinsically_bursting", "chattering", "fast_spiking",
    "low_threshold_spiking", "thalamo_cortical", "resonator",
]  # fmt: skip
HERE = Machine(workers=2, compiler=True, built=frozenset())


def plan_of(*overrides: str, machine: Machine = HERE) -> Plan:
    sweep = compose(list(overrides))
    return plans.make_plan(sweep, structures.find(sweep), machine)


def overrides_of(axes: dict[str, Sequence[str]]) -> list[str]:
    return [f"{key}={','.join(values)}" for key, values in axes.items()]


def by_point(plan: Plan) -> list[dict[str, float]]:
    """Return the parameters of every point, from whichever shard it lies in."""
    result: list[dict[str, float]] = [{} for _ in range(plan.points)]
    for shard in plan.shards:
        for name, values in plans.parameters(plan, shard).items():
            assert values.shape in {(1,), shard.points.shape}
            each = np.broadcast_to(values, shard.points.shape)
            for point, value in zip(shard.points.tolist(), each, strict=True):
                result[point][name] = value
        onset = np.broadcast_to(plans.stimulus_times(plan, shard)[0][:, 0], shard.points.shape)
        for point, value in zip(shard.points.tolist(), onset, strict=True):
            result[point]["onset"] = value
    return result


def bits(parameters: dict[str, float]) -> dict[str, str]:
    return {name: float(value).hex() for name, value in parameters.items()}


def structure_of(plan: Plan, point: int) -> structures.Structure:
    (found,) = [s for s in plan.shards if point in s.points]
    return plan.batches[found.batch].structure


# ---------------------------------------------------------------- structures


def test_one_point_is_one_structure_in_one_shard() -> None:
    plan = plan_of()
    assert (plan.points, len(plan.batches), len(plan.shards)) == (1, 1, 1)
    assert plan.sweep.axes == ()
    assert plan.cells == ("pre0", "pre1", "post0")
    structure = plan.batches[0].structure
    assert (structure.dt, structure.duration, structure.methods) == (1e-4, 1.0, ("euler",))
    assert structure.steps == 10_000
    assert structure.trace_interval is None


def test_the_seven_presets_are_one_structure() -> None:
    plan = plan_of(
        f"neuron={','.join(PRESETS)}", "synapse.U_0=range(0.1,1,0.1)", "stimulus.amplitude=4,8"
    )
    assert len(plan.batches) == 1
    assert plan.batches[0].points == plan.points == 7 * 9 * 2
    assert [axis.name for axis in plan.sweep.axes] == ["neuron", "U_0", "amplitude"]


@pytest.mark.parametrize(
    ("overrides", "networks"),
    [
        (["simulation.dt='0.1 ms','0.05 ms','0.2 ms'"], 3),
        (["simulation.duration=0.5,1"], 2),
        (["simulation.method=euler,rk2,rk4"], 3),
        (["circuit.populations.pre.count=1,2,3"], 3),
        (["circuit.populations.post.stimulated=true,false"], 2),
        (["circuit=single,two_to_one"], 2),
        (["synapse=none,static,tsodyks_markram,tsodyks_markram_forum"], 3),
        (["simulation.dt='0.1 ms','0.05 ms'", "synapse=none,static"], 4),
        (["simulation.seed=range(0,5)"], 1),
        (["neuron.R=1,2"], 1),
        (["synapse.delay='0 ms','1 ms'"], 1),
        (["stimulus.onset='10 ms','20 ms'", "stimulus.offset=null,'50 ms'"], 1),
        (["neuron=regular_spiking,chattering", "neuron@post.neuron=fast_spiking,resonator"], 1),
    ],
)
def test_what_cannot_vary_in_an_array_makes_another_structure(overrides, networks) -> None:
    plan = plan_of(*overrides, "stimulus.amplitude=4,8")
    assert len(plan.batches) == networks
    assert len({batch.structure.digest for batch in plan.batches}) == networks
    assert len({batch.structure for batch in plan.batches}) == networks
    assert sum(batch.points for batch in plan.batches) == plan.points


def test_a_time_step_sweep_gives_every_point_its_own_step() -> None:
    plan = plan_of("stimulus.amplitude=4,8", "simulation.dt='0.1 ms','0.05 ms'")
    assert [structure_of(plan, p).dt for p in range(4)] == [1e-4, 5e-5, 1e-4, 5e-5]


def test_circuits_keep_their_own_cells_and_the_plan_has_all_of_them() -> None:
    plan = plan_of("circuit=single,two_to_one", "stimulus.amplitude=4,8")
    assert plan.cells == ("cell0", "pre0", "pre1", "post0")
    cells = [structure_of(plan, p).circuit.cells for p in range(4)]
    assert cells == [("cell0",)] * 2 + [("pre0", "pre1", "post0")] * 2


@pytest.mark.parametrize(
    ("dt", "duration", "steps"),
    [("0.1 ms", "1 s", 10_000), ("0.1 ms", "50 ms", 500), ("0.3 ms", "1 ms", 4), ("1 s", "1 s", 1),
     ("0.07 ms", "7 ms", 100), ("0.01 ms", "10 s", 1_000_000)],
)  # fmt: skip
def test_steps_cover_the_duration(dt, duration, steps) -> None:
    plan = plan_of(f"simulation.dt='{dt}'", f"simulation.duration='{duration}'", "stimulus.onset=0")
    assert plan.batches[0].structure.steps == steps


def test_traced_points_are_structures_of_their_own() -> None:
    plan = plan_of("neuron=chattering,resonator", "synapse.U_0=0.2,0.5", "record.traces=[1,2]")
    plain, traced = plan.batches
    assert (plain.points, plain.structure.trace_interval) == (2, None)
    assert (traced.points, traced.structure.trace_interval) == (2, 1e-4)
    assert dataclasses.replace(traced.structure, trace_interval=None) == plain.structure
    chosen = [s.points.tolist() for s in plan.shards if plan.batches[s.batch] is traced]
    assert chosen == [[1, 2]]


# ---------------------------------------------------------------- parameters


SWEEPS: dict[str, dict[str, Sequence[str]]] = {
    "group and value axes": {
        "neuron": ["chattering", "thalamo_cortical", "resonator_forum"],
        "synapse.U_0": ["0.1", "0.3", "0.7"],
        "stimulus.amplitude": ["4", "'8 mV'", "'7500 uV'"],
    },
    "a value that a group holds too": {
        "neuron.d": ["2", "0.05"],
        "neuron": ["regular_spiking", "fast_spiking"],
        "neuron.b": ["0.2", "0.25", "0.26"],
    },
    "a population of its own type": {
        "neuron@post.neuron": ["fast_spiking", "low_threshold_spiking"],
        "neuron": ["regular_spiking", "chattering"],
        "neuron.c": ["-65", "-55"],
        "post.neuron.a": ["0.02", "0.1", "'30 Hz'"],
    },
    "drawn types": {
        "simulation.seed": ["0", "1", "2", "5", "11"],
        "neuron": ["random", "chattering"],
        "neuron.v_0": ["-70", "-60"],
    },
    "drawn types for one population": {
        "neuron@post.neuron": ["random", "resonator"],
        "synapse.weight": ["4", "8"],
        "simulation.seed": ["3", "4", "8"],
    },
    "starts": {
        "neuron.u_0": ["rest", "0", "'-13 mV'"],
        "neuron.b": ["0.2", "0.25"],
        "neuron.v_0": ["-65", "-70"],
    },
    "times": {
        "stimulus.onset": ["0", "20", "'20.04 ms'", "'20.05 ms'"],
        "stimulus.offset": ["null", "50", "'0.3 s'"],
        "simulation.dt": ["0.1", "0.05", "'70 us'"],
        "synapse.delay": ["0", "1.5"],
    },
    "other currents": {
        "neuron.R": ["'1 Mohm'", "'500 kohm'"],
        "stimulus.amplitude": ["'10 nA'", "'8000 pA'"],
        "synapse.weight": ["'8 nA'", "'1e-9 A'"],
    },
    "synapses with other parameters": {
        "synapse": ["tsodyks_markram_forum", "none", "static", "tsodyks_markram"],
        "stimulus.baseline": ["0", "1"],
    },
    "circuits": {
        "stimulus.amplitude": ["4", "8"],
        "circuit": ["single", "two_to_one"],
        "simulation.duration": ["0.5", "1"],
    },
}


@pytest.mark.parametrize("name", SWEEPS)
def test_a_point_has_the_parameters_that_it_has_alone(name: str) -> None:
    axes = SWEEPS[name]
    plan = plan_of(*overrides_of(axes), "run.shard_points=5", "run.engine=numpy")
    swept = by_point(plan)
    every = list(itertools.product(*axes.values()))
    assert plan.points == len(every)
    keys = [key.removeprefix("neuron@") for key in axes]
    assert [axis.key for axis in plan.sweep.axes] == keys
    chosen = sorted(random.Random(name).sample(range(len(every)), min(6, len(every))))
    for point in chosen:
        overrides = [f"{key}={value}" for key, value in zip(axes, every[point], strict=True)]
        alone = plan_of(*overrides)
        assert alone.points == 1
        assert bits(swept[point]) == bits(by_point(alone)[0]), overrides
        here, there = structure_of(plan, point), alone.batches[0].structure
        if name == "times":  # whether any synapse is delayed is the sweep's, not the point's
            projections = tuple(
                dataclasses.replace(p, delayed=True) for p in there.circuit.projections
            )
            there = dataclasses.replace(
                there, circuit=dataclasses.replace(there.circuit, projections=projections)
            )
        assert here == there


def test_parameters_are_what_hydra_alone_composes() -> None:
    """The same again without any of izhi's composition: Hydra's configs, one for each point."""
    axes = {
        "neuron": ["intrinsically_bursting", "resonator"],
        "neuron@pre.neuron": ["chattering", "thalamo_cortical"],
        "synapse.U_0": ["0.1", "0.3"],
        "stimulus.amplitude": ["4 mV", "11 mV"],
        "neuron.u_0": ["rest", "0 mV"],
    }
    quoted = {key: [f"'{v}'" if " " in v else v for v in values] for key, values in axes.items()}
    swept = by_point(plan_of(*overrides_of(quoted)))
    with initialize_config_dir(str(conf_folder()), version_base="1.3"):
        every = list(enumerate(itertools.product(*quoted.values())))
        for point, values in every[::3]:
            texts = [f"{key}={value}" for key, value in zip(quoted, values, strict=True)]
            config = hydra_compose("config", texts)
            neurons = {"pre": config.pre.neuron, "post": config.neuron}
            expected: dict[str, float] = {}
            for population, neuron in neurons.items():
                for key in ("a", "b", "c", "d", "v_th", "R", "v_0"):
                    expected[f"{population}.{key}"] = units.parse(neuron[key]).si
                u_0 = neuron.u_0
                expected[f"{population}.u_0"] = (
                    expected[f"{population}.b"] * expected[f"{population}.v_0"]
                    if u_0 == "rest" else units.parse(u_0).si
                )  # fmt: skip
            for key in ("U_0", "tau_f", "tau_d", "weight", "tau_s", "delay"):
                expected[f"pre_to_post.{key}"] = units.parse(config.synapse[key]).si
            expected["pre_to_post.x_S_0"] = 1.0
            for key in ("amplitude", "baseline", "onset"):
                expected[f"pre.stimulus.{key}"] = units.parse(config.stimulus[key]).si
            expected |= {"pre.stimulus.offset": np.inf, "onset": 0.02}
            expected |= {"pre.stimulus.onset_step": 200, "pre.stimulus.offset_step": NEVER}
            assert bits(swept[point]) == bits(expected), texts


def test_a_drawn_type_is_one_of_the_seven_and_the_same_for_the_same_seed() -> None:
    axes = {"simulation.seed": [str(seed) for seed in range(20)], "neuron": ["random"]}
    drawn = by_point(plan_of(*overrides_of(axes)))
    types = {}
    for name in PRESETS:
        (one,) = by_point(plan_of(f"neuron={name}"))
        types[name] = tuple(one[f"pre.{key}"] for key in "abcd")
    found = [tuple(point[f"pre.{key}"] for key in "abcd") for point in drawn]
    assert set(found) <= set(types.values())
    assert len(set(found)) >= 5
    again = by_point(plan_of("neuron=random", "simulation.seed=7"))[0]
    assert tuple(again[f"pre.{key}"] for key in "abcd") == found[7]


def test_a_population_of_another_type_is_swept_independently() -> None:
    plan = plan_of("neuron=regular_spiking,chattering", "neuron@post.neuron=fast_spiking,resonator")
    assert plan.sweep.shape == (2, 2)
    at = by_point(plan)
    assert [p["pre.c"] for p in at] == [-0.065, -0.065, -0.05, -0.05]
    assert [p["post.b"] for p in at] == [0.2, 0.26, 0.2, 0.26]
    assert {p["pre.a"] for p in at} == {0.02 / 1e-3}
    assert {p["post.a"] for p in at} == {0.1 / 1e-3}


def test_axes_are_named_by_the_last_part_of_their_key_or_all_of_it() -> None:
    def names(*overrides: str) -> list[str]:
        return [axis.name for axis in plan_of(*overrides).sweep.axes]

    assert names("neuron.a=0.02,0.1", "synapse.U_0=0.1,0.2") == ["a", "U_0"]
    assert names(
        "neuron@post.neuron=fast_spiking", "neuron.a=0.02,0.1", "post.neuron.a=0.02,0.1",
        "post.neuron.b=0.2,0.25",
    ) == ["neuron.a", "post.neuron.a", "b"]  # fmt: skip
    both = names("neuron=chattering,resonator", "neuron@post.neuron=fast_spiking,resonator")
    assert both == ["neuron", "post.neuron"]
    counts = names("circuit.populations.pre.count=1,2", "circuit.populations.post.count=1,2")
    assert counts == ["circuit.populations.pre.count", "circuit.populations.post.count"]


def test_the_names_that_axes_leave_to_statistics_are_those_of_all() -> None:
    assert STATISTICS.keys() == axes.STATISTICS


def test_labels_are_numbers_in_the_default_s_unit() -> None:
    amplitude, a, onset, u_0, seed, neuron = plan_of(
        "stimulus.amplitude=4,'8000 uV'", "neuron.a='20 Hz',0.1", "stimulus.onset='0.02 s',5",
        "neuron.u_0=rest,0", "simulation.seed=3,1", "neuron=chattering,resonator",
    ).sweep.axes  # fmt: skip
    assert (amplitude.labels.tolist(), amplitude.unit) == ([4, 8], "mV")
    assert (a.labels.tolist(), a.unit) == ([0.02, 0.1], "1/ms")
    assert (onset.labels.tolist(), onset.unit) == ([20, 5], "ms")
    assert (u_0.labels.tolist(), u_0.unit) == (["rest", "0 mV"], None)
    assert (seed.labels.tolist(), seed.unit) == ([3, 1], None)
    assert (neuron.labels.tolist(), neuron.unit) == (["chattering", "resonator"], None)


# ---------------------------------------------------------------- shards


def sweep_of(shape: tuple[int, ...], like: Sweep, structure_axis: int, **settings: object) -> Sweep:
    """Return a sweep of a shape over value axes, one of which makes structures."""
    keys = ["neuron.a", "neuron.b", "neuron.d", "synapse.U_0"][: len(shape)]
    keys[structure_axis % len(shape)] = "simulation.dt"
    axes = tuple(
        Axis(key, key, np.arange(n, dtype=float), "", (1.0 + np.arange(n)) * 1e-5,
             like.bases[0].values[key].dimension)
        for key, n in zip(keys, shape, strict=True)
    )  # fmt: skip
    values = {k: v for k, v in like.bases[0].values.items() if k not in keys} | settings
    base = Base(values, dict.fromkeys(keys))
    return Sweep(axes, (base,), np.zeros((1,) * len(shape), np.int64), {}, ())


@pytest.fixture(scope="module")
def plain_sweep() -> Sweep:
    return compose([])


@settings(deadline=None, max_examples=60)
@given(
    shape=st.lists(st.integers(1, 7), min_size=1, max_size=4).map(tuple),
    structure_axis=st.integers(0, 3),
    shard_points=st.none() | st.integers(1, 40),
    engine=st.sampled_from(["numpy", "compiled", "auto"]),
    workers=st.integers(1, 5),
)
def test_shards_part_the_points(
    plain_sweep, shape, structure_axis, shard_points, engine, workers
) -> None:
    sweep = sweep_of(
        shape, plain_sweep, structure_axis,
        **{"run.engine": engine, "run.shard_points": shard_points},
    )  # fmt: skip
    plan = plans.make_plan(sweep, structures.find(sweep), Machine(workers, True, frozenset()))
    total = int(np.prod(shape))
    assert plan.points == total
    together = np.concatenate([shard.points for shard in plan.shards])
    assert np.array_equal(np.sort(together), np.arange(total))
    assert [shard.number for shard in plan.shards] == list(range(len(plan.shards)))
    axis = structure_axis % len(shape)
    assert len(plan.batches) == shape[axis]
    for shard in plan.shards:
        batch = plan.batches[shard.batch]
        assert 1 <= shard.points.size <= batch.shard_points
        assert shard.points.size <= (shard_points or batch.points)
        assert (np.diff(shard.points) > 0).all()
        dts = sweep.axes[axis].values[np.unravel_index(shard.points, shape)[axis]]
        assert (dts == batch.structure.dt).all()
    for number, batch in enumerate(plan.batches):
        parts = [shard.points.size for shard in plan.shards if shard.batch == number]
        assert sum(parts) == batch.points == total // shape[axis]
        assert all(part == batch.shard_points for part in parts[:-1])


@given(st.lists(st.integers(1, 6), max_size=4).map(tuple), st.data())
def test_taking_a_grid_at_points_is_indexing_it_in_full(shape, data) -> None:
    sizes = tuple(data.draw(st.sampled_from([1, n])) for n in shape)
    grid = np.arange(np.prod(sizes, dtype=int), dtype=float).reshape(sizes)
    total = int(np.prod(shape, dtype=int))
    numbers = st.lists(st.integers(0, total - 1), min_size=1, max_size=9)
    chosen = np.array(data.draw(numbers), np.int64)
    sweep = cast(Any, SimpleNamespace(axes=shape, shape=shape))
    found = points.take(grid, points.index(sweep, chosen))
    expected = np.broadcast_to(grid, shape).ravel()[chosen]
    assert found.shape == (1 if (expected == expected[0]).all() else chosen.size,)
    assert np.array_equal(np.broadcast_to(found, chosen.shape), expected)


# ---------------------------------------------------------------- engines and costs


def test_without_a_compiler_everything_runs_on_numpy() -> None:
    none = Machine(workers=2, compiler=False, built=frozenset())
    for asked in ("auto", "compiled"):
        plan = plan_of("synapse.U_0=range(0,1,0.001)", f"run.engine={asked}", machine=none)
        assert [batch.engine for batch in plan.batches] == ["numpy"]
        assert plan.batches[0].why == plans.NO_COMPILER
        assert plan.builds == 0


def test_auto_takes_numpy_for_a_few_points_and_compiles_for_many() -> None:
    few = plan_of("synapse.U_0=0.1,0.2", "simulation.duration=50 ms").batches[0]
    assert (few.engine, few.build) == ("numpy", False)
    many = plan_of("synapse.U_0=range(0,1,0.0002)").batches[0]
    assert (many.engine, many.build) == ("compiled", True)
    for batch in (few, many):
        assert "would cost about" in batch.why
    for engine in ("numpy", "compiled"):
        batch = plan_of(f"run.engine={engine}").batches[0]
        assert (batch.engine, batch.why) == (engine, "as asked")


def test_a_build_at_hand_tips_the_balance_and_is_not_counted() -> None:
    sweep = compose(["synapse.U_0=range(0,1,0.01)"])
    (found,) = structures.find(sweep)
    built = frozenset([found.structure.digest])
    plan = plans.make_plan(sweep, (found,), Machine(2, True, built))
    assert (plan.batches[0].engine, plan.builds) == ("compiled", 0)
    asked = compose(["synapse.U_0=range(0,1,0.01)", "run.engine=compiled"])
    without = plans.make_plan(asked, (found,), HERE)
    assert without.builds == 1
    assert without.seconds > plan.seconds + 1


def test_each_structure_gets_its_own_engine() -> None:
    plan = plan_of("synapse.U_0=range(0,1,0.001)", "simulation.duration='50 ms','1 s'")
    assert [batch.engine for batch in plan.batches] == ["numpy", "compiled"]


def test_shards_are_as_large_as_asked_for() -> None:
    smaller = plan_of("synapse.U_0=range(0,1,0.01)", "run.engine=compiled", "run.shard_points=7")
    assert [shard.points.size for shard in smaller.shards] == [7] * 14 + [2]
    larger = plan_of("synapse.U_0=range(0,1,0.0002)", "run.engine=compiled",
                     "run.shard_points=2000")  # fmt: skip
    assert [shard.points.size for shard in larger.shards] == [2000, 2000, 1000]


def test_the_estimates_grow_with_what_is_kept() -> None:
    few = plan_of("synapse.U_0=range(0,1,0.01)")
    many = plan_of("synapse.U_0=range(0,1,0.001)")
    assert many.disk > 4 * few.disk
    statistics = plan_of("synapse.U_0=range(0,1,0.001)", "record.spikes=false")
    assert statistics.disk < many.disk
    traced = plan_of("synapse.U_0=range(0,1,0.001)", "record.traces=all")
    # 1,000 points of 3 cells with 3 variables of 10,000 samples of 8 bytes each
    assert traced.disk > many.disk + 1000 * 3 * 3 * 10_000 * 8
    coarse = plan_of("synapse.U_0=range(0,1,0.001)", "record.traces=all", "record.interval=1")
    assert many.disk < coarse.disk < traced.disk / 5
    one = plan_of("synapse.U_0=range(0,1,0.001)", "record.traces=[3]")
    assert many.disk < one.disk < coarse.disk
    assert few.seconds < plan_of("synapse.U_0=range(0,1,0.0001)").seconds


def test_more_workers_take_less_time() -> None:
    overrides = ("synapse.U_0=range(0,1,0.0001)", "run.engine=compiled")
    one, four = (plan_of(*overrides, machine=Machine(n, True, frozenset())) for n in (1, 4))
    assert (one.workers, four.workers) == (1, 4)
    assert four.seconds < one.seconds


# ---------------------------------------------------------------- size


def test_a_hundred_thousand_points_are_arrays_not_objects() -> None:
    overrides = [
        "synapse.U_0=range(0,1,0.01)", "stimulus.amplitude=range(0,10,0.1)",
        "neuron.b=range(0.2,0.3,0.01)", "run.engine=compiled",
    ]  # fmt: skip
    plan_of(*overrides[:1])  # what is imported and cached on the way is not counted
    tracemalloc.start()
    try:
        plan = plan_of(*overrides)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert plan.points == 100_000
    assert len(plan.batches) == 1
    # the numbers of the points are 0.8 MB; a Python object a point would be 6 MB and more
    assert peak < 4e6
    parameters = plans.parameters(plan, plan.shards[-1])
    varying = {name for name, values in parameters.items() if values.size > 1}
    assert varying == {
        "pre.b",
        "post.b",
        "pre.u_0",
        "post.u_0",
        "pre.stimulus.amplitude",
        "pre_to_post.U_0",
    }  # the others are given once
    assert parameters["pre_to_post.U_0"][-1] == 0.99
    assert parameters["pre.stimulus.amplitude"][-1] == 9.9 * 1e-3


def test_a_plan_writes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    izhi.plan(["neuron=chattering,resonator", "study.name=planned"])
    assert list(tmp_path.iterdir()) == []
    monkeypatch.undo()
