"""Folding is invisible: a point's spikes do not depend on what is simulated beside it.

The points differ in everything that can differ in one network. Each is simulated alone, in a
program of a single replica, and these spikes are the measure for all other ways to cut, order,
place and distribute the points.
"""

import itertools

import joblib
import numpy as np
import pytest

import izhi
from izhi.engine import cache
from izhi.spikes import Settings
from izhi.study import worker
from izhi.sweep import plan as plans

N_POINTS = 300

#       a,   b,    c,   d of the seven types, in hertz and mV
TYPES = np.array(
    [
        [20, 0.2, -65, 8], [20, 0.2, -55, 4], [20, 0.2, -50, 2], [100, 0.2, -65, 2],
        [20, 0.25, -65, 2], [20, 0.25, -65, 0.05], [100, 0.26, -65, 2],
    ]
)  # fmt: skip


def random_points(names, size, seed):
    """Return parameters of `size` points, all of them drawn at random, by owner and name."""
    random = np.random.default_rng(seed)
    types = {
        name: TYPES[random.integers(len(TYPES), size=size)] * random.uniform(0.9, 1.1, (size, 4))
        for name in ("pre", "post")
    }
    onset = random.integers(0, 400, size)
    draws = {
        "R": lambda: random.uniform(0.8, 1.2, size),
        "v_th": lambda: random.uniform(25e-3, 35e-3, size),
        "v_0": lambda: random.uniform(-75e-3, -55e-3, size),
        "u_0": lambda: random.uniform(-18e-3, -10e-3, size),
        "amplitude": lambda: random.uniform(3e-3, 16e-3, size),
        "baseline": lambda: random.uniform(-3e-3, 3e-3, size),
        "onset": lambda: onset * 1e-4,
        "offset": lambda: onset * 1e-4 + random.uniform(0.3, 1.2, size),
        "onset_step": lambda: onset.astype(np.int32),
        "offset_step": lambda: (onset + random.integers(3000, 12_000, size)).astype(np.int32),
        "U_0": lambda: random.uniform(0.05, 1, size),
        "tau_f": lambda: random.uniform(20e-3, 1, size),
        "tau_d": lambda: random.uniform(20e-3, 1, size),
        "x_S_0": lambda: random.uniform(0.95, 1, size),
        "tau_s": lambda: random.uniform(1e-3, 20e-3, size),
        "weight": lambda: random.uniform(-2e-3, 20e-3, size),
        "delay": lambda: random.uniform(0, 12e-3, size),
    }
    result = {}
    for name in names:
        owner, _, parameter = name.rpartition(".")
        if parameter in "abcd":
            column = "abcd".index(parameter)
            result[name] = types[owner][:, column] * (1e-3 if parameter in "cd" else 1)
        else:
            result[name] = draws[parameter]()
    return result


class Points:
    """Random points of the structure that some overrides describe."""

    def __init__(self, *overrides, size=N_POINTS, seed=1):
        plan = izhi.plan(list(overrides))
        (batch,) = plan.batches
        self.structure, self.size = batch.structure, size
        self.parameters = random_points(plans.parameters(plan, plan.shards[0]), size, seed)

    def simulate(self, build, shard_points=1, workers=1, order_seed=None):
        """Return spike steps and counts of each point, however the points are cut and ordered."""
        order = np.arange(self.size)
        if order_seed is not None:
            order = np.random.default_rng(order_seed).permutation(order)
        shards = np.split(order, np.arange(shard_points, self.size, shard_points))
        tasks = [
            worker.Task(
                points=points,
                structure=self.structure,
                parameters={name: values[points] for name, values in self.parameters.items()},
                onset=np.zeros((points.size, len(self.structure.circuit.cells))),
                offset=np.full((points.size, len(self.structure.circuit.cells)), np.inf),
                settings=Settings(("spike_count",)),
                engine="numpy" if build is None else "compiled",
                build=build,
                path=None,
                fingerprint="",
                keep_spikes=True,
            )
            for points in shards
        ]
        parallel = joblib.Parallel(n_jobs=workers, backend="loky" if workers > 1 else "sequential")
        found = {}
        for data in parallel(joblib.delayed(worker.simulate)(task) for task in tasks):
            ends = np.cumsum(data.count.sum(axis=1))
            for point, steps, count in zip(
                data.points.tolist(), np.split(data.step, ends[:-1]), data.count, strict=True
            ):
                found[point] = steps, count
        return [found[point] for point in range(self.size)]


def build_of(structure, replicas):
    """Return a program that runs so many replicas at a time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cache, "replicas", lambda structure: replicas)
        return cache.make(structure)


def assert_same(ours, theirs):
    different = [
        point
        for point, (one, other) in enumerate(zip(ours, theirs, strict=True))
        if not (np.array_equal(one[0], other[0]) and np.array_equal(one[1], other[1]))
    ]
    assert not different


@pytest.fixture(scope="module")
def points():
    return Points()


@pytest.fixture(scope="module")
def build(points, compiler):
    return cache.make(points.structure)


@pytest.fixture(scope="module")
def alone(points, compiler):
    """Give the spikes of points that have a network for themselves."""
    return points.simulate(build_of(points.structure, 1))


def test_the_points_differ_and_fire(points, alone):
    assert all(np.unique(values).size > 200 for values in points.parameters.values())
    counts = np.array([count for _, count in alone])
    assert (counts[:, :2] > 0).mean() > 0.8
    assert 0.3 < (counts[:, 2] > 0).mean() < 1  # the third cell fires, or not, by its input alone
    assert counts.sum() > 20_000
    assert len({steps.tobytes() for steps, _ in alone}) > 250


USUAL = {(2, 2), (7, 1), (64, 2)}  # the others take as long and part the points alike
SETTINGS = [
    pytest.param(size, workers, marks=() if (size, workers) in USUAL else pytest.mark.soak)
    for size in (1, 2, 7, 64, N_POINTS)
    for workers in (1, 2)
]


@pytest.mark.parametrize(("shard_points", "workers"), SETTINGS)
def test_a_shard_is_the_sum_of_its_points(shard_points, workers, points, build, alone):
    found = points.simulate(build, shard_points, workers, order_seed=shard_points + workers)
    assert_same(found, alone)


def test_together_in_the_order_given(points, build, alone):
    assert_same(points.simulate(build, N_POINTS), alone)


@pytest.mark.parametrize(
    "replicas",
    [pytest.param(5, marks=pytest.mark.soak), pytest.param(37, marks=pytest.mark.soak), 512],
)
def test_blocks_of_other_sizes(replicas, points, alone):
    build = build_of(points.structure, replicas)
    assert_same(points.simulate(build, 137, order_seed=replicas), alone)


def test_delays_do_not_reach_across_points(compiler):
    points = Points("synapse.delay=1 ms", "simulation.duration=300 ms", size=60, seed=2)
    assert "pre_to_post.delay" in points.parameters
    build = cache.make(points.structure)
    together = points.simulate(build, 60)
    assert_same(points.simulate(build, 2, order_seed=3), together)
    assert_same(points.simulate(build, 7, order_seed=4), together)
    assert sum(count[2] for _, count in together) > 150
    # and they reach the compiled program: it fires as the numpy engine does
    assert_same(points.simulate(None, 60), together)


def test_resets_inside_the_step_fold_on_both_engines(compiler):
    points = Points("simulation.method=located_rk4", "simulation.duration=80 ms", size=40, seed=5)
    together = points.simulate(None, 40)
    build = cache.make(points.structure)
    assert_same(points.simulate(build, 40), together)
    assert_same(points.simulate(build, 1, order_seed=6), together)
    steps = np.concatenate([steps for steps, _ in together])
    assert steps.size > 300 and np.unique(steps % 1).size > 200


@pytest.mark.soak
def test_resets_inside_the_step_are_those_of_a_cell_in_a_program_of_its_own(compiler):
    points = Points("simulation.method=located_rk4", "simulation.duration=200 ms", size=40, seed=5)
    alone = points.simulate(build_of(points.structure, 1))
    assert_same(points.simulate(cache.make(points.structure), 40), alone)


@pytest.mark.parametrize(
    ("method", "size"), [("euler", 5), pytest.param("rk4", 4, marks=pytest.mark.soak)]
)
def test_the_numpy_engine_folds_as_well(method, size):
    overrides = [f"simulation.method={method}", "simulation.duration=60 ms"]
    points = Points(*overrides, size=size, seed=8)
    together = points.simulate(None, size)
    assert_same(points.simulate(None, 1, order_seed=9), together)
    assert_same(points.simulate(None, 3, order_seed=10), together)
    assert sum(count.sum() for _, count in together) > 10 * size


SWEEP = {
    "neuron": ["chattering", "regular_spiking", "thalamo_cortical", "resonator", "fast_spiking"],
    "synapse.U_0": np.random.default_rng(11).uniform(0.1, 1, 3).round(3).tolist(),
    "synapse.tau_d": ["120 ms", "640 ms"],
    "stimulus.amplitude": ["4.5 mV", "7 mV", "13.25 mV"],
    "stimulus.onset": ["20 ms", "3.3 ms"],
}
DURATION = "simulation.duration=300 ms"


def sweep(run, shuffle_seed=None, **settings):
    random = np.random.default_rng(shuffle_seed)
    overrides = [
        f"{key}={','.join(map(str, random.permutation(v) if shuffle_seed is not None else v))}"
        for key, v in SWEEP.items()
    ]
    overrides += [f"run.{key}={value}" for key, value in settings.items()]
    return run(DURATION, *overrides)


def trains(study):
    """Return all spike times by the values of the point and the cell."""
    axes = {name: study.dataset[name].values.tolist() for name in study.axes}
    cells = study.dataset["cell"].values.tolist()
    return {
        (frozenset(zip(axes, point, strict=True)), cell): study.spike_times(
            cell, **dict(zip(axes, point, strict=True))
        ).tobytes()
        for point in itertools.product(*axes.values())
        for cell in cells
    }


@pytest.fixture(scope="module")
def study(run, compiler):
    study = sweep(run, engine="compiled", n_jobs=1)
    assert study.dataset["status"].size == 5 * 3 * 2 * 3 * 2 and not study.dataset["status"].any()
    return study


@pytest.mark.parametrize(
    "settings",
    [
        {"shard_points": 12, "n_jobs": 2},
        pytest.param({"shard_points": 7, "n_jobs": 1}, marks=pytest.mark.soak),
        pytest.param({"shard_points": 64, "n_jobs": 2}, marks=pytest.mark.soak),
        {"shard_points": 64, "backend": "sequential"},
    ],
    ids=str,
)
def test_whole_studies_are_the_same_however_cut(settings, study, run):
    other = sweep(run, engine="compiled", **settings)
    assert other.dataset.drop_attrs().identical(study.dataset.drop_attrs())
    assert other.spikes.identical(study.spikes)


def test_whole_studies_are_the_same_however_ordered(study, run):
    other = sweep(run, shuffle_seed=13, engine="compiled", shard_points=7, n_jobs=1)
    assert other.dataset["U_0"].values.tolist() != study.dataset["U_0"].values.tolist()
    assert trains(other) == trains(study)
    measure = study.dataset.drop_attrs()
    assert other.dataset.drop_attrs().reindex_like(measure).identical(measure)


def test_both_engines_give_the_same_study(study, run):
    other = trains(sweep(run, engine="numpy", shard_points=97))
    assert other == trains(study)


def test_what_is_swept_beside_a_key_does_not_change_a_point(study, run):
    release = SWEEP["synapse.U_0"][1]
    alone = run(
        DURATION, "neuron=resonator", f"synapse.U_0={release}", "synapse.tau_d=640 ms",
        "stimulus.amplitude=7 mV", "stimulus.onset=3.3 ms", "run.engine=compiled",
    )  # fmt: skip
    point = {"neuron": "resonator", "U_0": release, "tau_d": 640, "amplitude": 7, "onset": 3.3}
    for cell in ("pre0", "pre1", "post0"):
        assert np.array_equal(alone.spike_times(cell), study.spike_times(cell, **point))
        assert alone.spike_times(cell).size > 1
