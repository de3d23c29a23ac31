"""Registers izhi's sweeper with Hydra as ``hydra/sweeper: izhi``."""

from hydra_plugins.izhi_sweeper.sweeper import IzhiSweeper

__all__ = ["IzhiSweeper"]
