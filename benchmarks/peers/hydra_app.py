"""A Hydra application that simulates one point with Brian2 and keeps its spikes in its folder.

Its config is a point's number in the sweep, which is the least that Hydra can have to compose.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import hydra
from hydra.core.config_store import ConfigStore
from hydra.core.hydra_config import HydraConfig


@dataclass
class Config:
    """Number of the point, of how many, and Brian2's code generation target."""

    point: int = 0
    points: int = 10
    target: str = "cython"


ConfigStore.instance().store(name="config", node=Config)


@hydra.main(version_base=None, config_name="config")
def main(config: Config) -> None:
    """Simulate the point."""
    import brian2 as b2
    import numpy as np

    from benchmarks.peers import chosen, circuit

    circuit.quiet()
    b2.prefs.codegen.target = config.target
    trains = circuit.simulate(chosen(config.points).rows()[config.point])
    folder = Path(HydraConfig.get().runtime.output_dir)
    np.savez(folder / "spikes.npz", **{str(cell): train for cell, train in enumerate(trains)})


if __name__ == "__main__":
    main()
