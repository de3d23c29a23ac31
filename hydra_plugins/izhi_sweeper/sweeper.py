"""A Hydra sweeper that hands a sweep on whole, to be composed once, instead of job by job."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from hydra.core.config_loader import ConfigLoader
from hydra.core.config_store import ConfigStore
from hydra.plugins.sweeper import Sweeper
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, OmegaConf


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


@dataclass(frozen=True)
class Request:
    """What the command line asks for, before izhi composes it.

    Attributes
    ----------
    loader
        Hydra's config loader, over izhi's configs and the user's.
    overrides
        All overrides, Hydra's own first.
    config_name
        Name of the primary config.
    params
        What the config itself sweeps, by key.
    """

    loader: ConfigLoader
    overrides: tuple[str, ...]
    config_name: str
    params: dict[str, str]


class IzhiSweeper(Sweeper):
    """Calls the task function once with the whole request, not once for each composed job."""

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
        """Hand `arguments` and what composes them to the task, as a :class:`Request`."""
        assert self.hydra_context is not None
        assert self.task_function is not None
        assert self.config is not None
        own = OmegaConf.to_container(self.config.hydra.overrides.hydra, resolve=False)
        assert isinstance(own, list)
        return self.task_function(
            Request(
                self.hydra_context.config_loader,
                (*own, *arguments),
                self.config.hydra.job.config_name,
                dict(self.params or {}),
            )
        )
