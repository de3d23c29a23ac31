"""Networks of random models: the engines, other folds and plain Brian2 have the same bits.

``python -m tests.random_models`` examines as many as it is asked for; `make soak`, 20,000 models.
"""

from __future__ import annotations

import pytest

from tests.random_models import blocks


@pytest.mark.parametrize("number", range(8))
def test_random_models_have_the_same_bits_everywhere(compiler, number) -> None:
    tally, finding = blocks.run(number, 4)
    assert finding is None, str(finding)
    assert tally.models > 10
    assert tally.refused < tally.models
