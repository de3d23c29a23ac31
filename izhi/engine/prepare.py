"""What has to be known and made before shards can run: the machine, and the builds."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import joblib

from izhi.config.sweep import Sweep
from izhi.engine import cache, cluster, methods, trial
from izhi.engine.cache import Build
from izhi.errors import ConfigError
from izhi.sweep import structures
from izhi.sweep.plan import Machine, Plan
from izhi.sweep.structures import StructurePoints


def workers(n_jobs: int, backend: str, scheduler: str | None = None) -> int:
    """Return how many workers ``run.n_jobs``, ``run.backend`` and ``run.scheduler`` ask for.

    Raises
    ------
    ConfigError
        When there is no cluster where there should be one.
    EngineError
        When machines of the cluster lack izhi.
    """
    if backend == "sequential":
        return 1
    if backend == "dask":
        return n_jobs if n_jobs > 0 else cluster.workers(scheduler)
    return n_jobs if n_jobs > 0 else max(1, joblib.cpu_count() + 1 + n_jobs)


def check_compiler(sweep: Sweep) -> None:
    """Check the compiler's command, where a run on this machine may use it.

    Raises
    ------
    ConfigError
        For options in ``CXX`` that may change results.
    """
    if sweep.setting("run.engine") != "numpy" and sweep.setting("run.backend") != "dask":
        cache.compiler()


def check_equations(sweep: Sweep, found: tuple[StructurePoints, ...]) -> None:
    """Check that Brian2 can take all equations, and solve those for which the method is exact.

    Raises
    ------
    ConfigError
        Naming the equations, or the method and those that can integrate the population.
    """
    for structure in (points.structure for points in found):
        for population in structure.circuit.populations:
            is_exact = population.method == "exact" and population.neuron.states
            why = methods.why_not_exact(structure, population) if is_exact else ""
            if why:
                key = structures.method_key(sweep.bases[sweep.used[0]], population.name)
                possible = ", ".join(methods.others(structure.circuit, population))
                raise ConfigError(
                    f"{key} = exact: Brian2 cannot solve the equations of {population.name}, "
                    f"{why}; use one of {possible}"
                )
    trial.check(points.structure for points in found)


def machine(sweep: Sweep, found: tuple[StructurePoints, ...]) -> Machine:
    """Return the workers, compiler and builds of this machine, once Brian2 can take all equations.

    Raises
    ------
    ConfigError
        See :func:`check_equations`.
    """
    check_equations(sweep, found)
    backend, scheduler = str(sweep.setting("run.backend")), sweep.setting("run.scheduler")
    count = workers(int(sweep.setting("run.n_jobs")), backend, scheduler)
    if sweep.setting("run.engine") == "numpy":
        return Machine(count, compiler=False, built=frozenset())
    if backend == "dask":  # its workers build for themselves, or do without
        return Machine(count, compiler=True, built=frozenset(f.structure.digest for f in found))
    compiler = cache.compiler() is not None
    built = set()
    for structure in (points.structure for points in found) if compiler else ():
        if cache.find(structure) is not None:
            built.add(structure.digest)
    return Machine(count, compiler, frozenset(built))


def builds(
    plan: Plan, batches: Iterable[int], remark: Callable[[str], None] = lambda text: None
) -> dict[int, Build]:
    """Return the builds of some batches by their number, making the ones that are missing.

    Parameters
    ----------
    plan
        The plan.
    batches
        Numbers of its batches.
    remark
        Takes one line when another process makes the same build and takes long.

    Raises
    ------
    EngineError
        When a build fails.
    """
    wanted = {number: plan.batches[number].structure for number in batches}
    with ThreadPoolExecutor(max(1, plan.workers)) as pool, cache.stopped_when_left() as stopped:
        made = pool.map(partial(cache.make, stopped=stopped, remark=remark), wanted.values())
        return dict(zip(wanted, made, strict=True))
