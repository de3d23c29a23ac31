"""What has to be known and made before shards can run: the machine, and the builds."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

import joblib

from izhi.config.sweep import Sweep
from izhi.engine import cache
from izhi.engine.cache import Build
from izhi.sweep.plan import Machine, Plan
from izhi.sweep.structures import StructurePoints


def machine(sweep: Sweep, structures: tuple[StructurePoints, ...]) -> Machine:
    """Return what the plan has to know of this machine."""
    asked = int(sweep.setting("run.n_jobs"))
    cores = joblib.cpu_count()
    workers = asked if asked > 0 else max(1, cores + 1 + asked)
    if sweep.setting("run.backend") == "sequential":
        workers = 1
    if sweep.setting("run.engine") == "numpy":
        return Machine(workers, compiler=False, built=frozenset())
    compiler = cache.compiler() is not None
    built = set()
    for found in structures if compiler else ():
        if cache.find(found.structure) is not None:
            built.add(found.structure.digest)
    return Machine(workers, compiler, frozenset(built))


def builds(plan: Plan, batches: Iterable[int]) -> dict[int, Build]:
    """Return the builds of some batches by their number, making the ones that are missing.

    Raises
    ------
    EngineError
        When a build fails.
    """
    wanted = {number: plan.batches[number].structure for number in batches}
    with ThreadPoolExecutor(max(1, plan.workers)) as pool:
        return dict(zip(wanted, pool.map(cache.make, wanted.values()), strict=True))
