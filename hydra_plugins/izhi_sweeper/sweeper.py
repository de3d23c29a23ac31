"""A Hydra sweeper that composes a sweep once and hands it on whole, instead of job by job."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from hydra.core.config_store import ConfigStore
from hydra.plugins.sweeper import Sweeper
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig


@dataclass
class IzhiSweeperConf:
    """The config node behind ``hydra/sweeper: izhi``.

    ``params`` holds sweeps that a config asks for itself, as in Hydra's own sweeper.
    """

    _target_: str = "hydra_plugins.izhi_sweeper.sweeper.IzhiSweeper"
    params: dict[str, str] | None = None


ConfigStore.instance().store(
    group="hydra/sweeper", name="izhi", node=IzhiSweeperConf, provider="izhi"
)


class IzhiSweeper(Sweeper):
    """Composes all points of a multirun and calls the task function once, with the whole sweep."""

    def __init__(self, params: dict[str, str] | None = None) -> None:
        self.params = params
        self.hydra_context: HydraContext | None = None
        self.task_function: Callable[[Any], Any] | None = None
        self.config: DictConfig | None = None

    def setup(
        self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig
    ) -> None:
        """Keep what Hydra gives; see Hydra's ``Sweeper``."""
        self.hydra_context = hydra_context
        self.task_function = task_function
        self.config = config

    def sweep(self, arguments: list[str]) -> Any:
        """Compose `arguments` into an ``izhi.config.sweep.Sweep`` and hand it to the task."""
        from izhi.config.compose import compose_with

        assert self.hydra_context is not None
        assert self.task_function is not None
        assert self.config is not None
        composed = compose_with(
            self.hydra_context.config_loader,
            [*self.config.hydra.overrides.hydra, *arguments],
            multirun=True,
            config_name=self.config.hydra.job.config_name,
        )
        return self.task_function(composed)
