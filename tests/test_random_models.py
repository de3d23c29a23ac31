"""Networks of random models: the engines, other folds and plain Brian2 have the same bits.

``python -m tests.random_models`` examines as many as it is asked for; `make soak`, 20,000 models.
"""

from __future__ import annotations

import shutil
import subprocess
import sys

import pytest

from tests.random_models import blocks, mutations


@pytest.mark.parametrize("number", range(6))
def test_random_models_have_the_same_bits_everywhere(compiler, number) -> None:
    tally, finding = blocks.run(number, 4)
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
