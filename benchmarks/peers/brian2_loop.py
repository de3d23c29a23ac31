"""One Brian2 network per point in a loop: ``python -m benchmarks.peers.brian2_loop``.

The usual way. The first point, which fills caches (and with Cython compiles), is set-up and is not
counted. With ``--reuse`` one network is built, and each point restores it and gives it other
parameters.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from benchmarks import points as p
from benchmarks.peers import Result, arguments, chosen, needs, report


def reused() -> Any:
    """Return a function that simulates a point on one network, built here."""
    import brian2 as b2

    from benchmarks.peers import circuit

    network, groups, monitors = circuit.build(circuit.constants())
    for group in groups:
        group.namespace.update(circuit.parameters(p.points(10).rows()[0]))
    network.store()

    def simulate(row: Sequence[float]) -> list[Any]:
        network.restore()
        values = circuit.parameters(row)
        for owner in (*groups, network["synapses"]):
            owner.namespace.update(values)
        for group in groups:
            group.u = "b*v"
        network.run(p.STEPS * p.DT * b2.ms, namespace={})
        return circuit.trains(monitors)

    return simulate


def main() -> None:
    """Time the loop."""
    parser = arguments(__doc__, 8)
    parser.add_argument("--target", choices=("numpy", "cython"), default="numpy")
    parser.add_argument("--reuse", action="store_true")
    given = parser.parse_args()
    needs(brian2="brian2", **({"Cython": "cython"} if given.target == "cython" else {}))
    start = time.perf_counter()
    import brian2 as b2

    from benchmarks.peers import circuit

    circuit.quiet()
    b2.prefs.codegen.target = given.target
    simulate = reused() if given.reuse else circuit.simulate
    rows = chosen(given.points).rows()
    simulate(rows[0])
    ready = time.perf_counter()
    spikes = [simulate(row) for row in rows]
    seconds = time.perf_counter() - ready
    count = sum(train.size for trains in spikes for train in trains)
    network = "one network restored" if given.reuse else "a network built"
    how = f"{network} for each point, {given.target} target, one core"
    report(Result(len(rows), ready - start, seconds, count, how), "brian2")


if __name__ == "__main__":
    main()
