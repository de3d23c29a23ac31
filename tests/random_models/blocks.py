"""A block of random networks: hypothesis makes them, and shrinks one with a finding."""

from __future__ import annotations

import gc
from functools import lru_cache

from hypothesis import HealthCheck, Phase, given, seed, settings

from tests.random_models.engines import Engines
from tests.random_models.networks import Network, networks
from tests.random_models.outcome import Finding, Tally, examine


def run(
    number: int, size: int, sanitize: bool = False, shrink: bool = True
) -> tuple[Tally, Finding | None]:
    """Examine the networks of a block.

    Parameters
    ----------
    number
        Decides which networks these are.
    size
        Their number.
    sanitize
        Whether programs are built with AddressSanitizer and UBSan.
    shrink
        Whether a smaller network is looked for that shows the same.

    Returns
    -------
    tuple
        How many there were of everything, and a finding in the smallest network that shows it.
    """
    tally, findings = Tally(), list[Finding]()
    engines = _engines(sanitize)

    @seed(number)
    @settings(
        max_examples=size, database=None, deadline=None, suppress_health_check=list(HealthCheck),
        phases=[Phase.generate, *[Phase.shrink] * shrink], print_blob=False,
        report_multiple_bugs=False,
    )  # fmt: skip
    @given(networks())
    def all_agree(network: Network) -> None:
        try:
            examine(network, engines, Tally() if findings else tally)
        except Finding as finding:
            if not findings or finding.kind == findings[0].kind:  # a network that shows the same
                findings.append(finding)
                raise

    try:
        all_agree()
    except Finding as smallest:
        return tally, smallest
    return tally, None


@lru_cache
def _engines(sanitize: bool) -> Engines:
    gc.freeze()  # hypothesis collects garbage before each network
    return Engines(sanitize)
