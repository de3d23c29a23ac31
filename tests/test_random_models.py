"""Networks of random models: the engines, other folds and plain Brian2 have the same bits.

``python -m tests.random_models`` examines as many as it is asked for; `make soak`, 20,000 models.
"""

from __future__ import annotations

import shutil
import subprocess
import sys

import pytest

from izhi.config.compose import compose
from izhi.engine import cache, compiled
from izhi.sweep import plan as plans
from izhi.sweep import structures
from izhi.sweep.plan import Machine
from tests.random_models import blocks, compare, mutations
from tests.random_models.engines import Case, Engines
from tests.random_models.networks import Network


@pytest.mark.parametrize("number", range(8))
def test_random_models_have_the_same_bits_everywhere(compiler, number) -> None:
    tally, finding = blocks.run(number, 6)
    assert finding is None, str(finding)
    assert tally.models > 10
    assert tally.refused < tally.models


@pytest.mark.parametrize("mutation", mutations.MUTATIONS, ids=lambda mutation: mutation.file)
def test_the_places_of_mutations_are_there(mutation, tmp_path) -> None:
    target = tmp_path / mutation.file
    target.parent.mkdir(parents=True)
    shutil.copy(mutations.ROOT / mutation.file, target)
    mutations.make(mutation, tmp_path)
    assert target.read_text() != (mutations.ROOT / mutation.file).read_text()


@pytest.mark.soak
@pytest.mark.parametrize("mutation", mutations.MUTATIONS, ids=lambda mutation: mutation.file)
def test_random_models_find_mistakes_in_optimisations(compiler, mutation) -> None:
    _, kind = mutations.found(mutation)
    assert kind


@pytest.mark.soak
@pytest.mark.parametrize("options", [["--models", "20000"], ["--models", "2000", "--sanitize"]])
def test_many_random_models(compiler, options) -> None:
    command = [sys.executable, "-m", "tests.random_models", *options]
    subprocess.run(command, cwd=mutations.ROOT, check=True)


@pytest.mark.soak
def test_sanitizers_find_nothing_in_the_default_sweep(compiler) -> None:
    engines = Engines(sanitize=True)
    sweep = compose(["+experiment=presets_u0_amplitude"])
    plan = plans.make_plan(sweep, structures.find(sweep), Machine(1, True, frozenset()))
    assert plan.points > 500
    for shard in plan.shards:
        structure, parameters = plan.batches[shard.batch].structure, plans.parameters(plan, shard)
        case = Case(Network({}, {}, {}), structure, parameters, shard.points)
        program = engines.build(case, cache.replicas(structure), number=0)
        checked = engines.compiled(case, program)
        usual = compiled.simulate(cache.make(structure), structure, parameters, shard.points.size)
        assert compare.difference(structure, usual, checked) is None
        assert usual.step.size > 0
    engines.close()
