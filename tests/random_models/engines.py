"""Runs a network by izhi's engines, in this process, and gives what each point does."""

from __future__ import annotations

import copy
import functools
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import yaml
from brian2.stateupdaters import explicit
from numpy.typing import NDArray
from omegaconf import DictConfig, OmegaConf, open_dict

from izhi.config.compose import compose, parse
from izhi.config.composer import Composer, load
from izhi.config.overrides import sort
from izhi.config.repository import loader_over
from izhi.config.sweep import Sweep
from izhi.engine import build, cache, compiled, runtime, trial
from izhi.engine.cache import Build
from izhi.engine.result import Raw
from izhi.errors import ConfigError
from izhi.study import check as checking
from izhi.study import execute
from izhi.sweep import plan as plans
from izhi.sweep import structures
from izhi.sweep.plan import Machine
from izhi.sweep.structures import Structure
from tests import programs
from tests.random_models.networks import Network

SANITIZED = (
    "-w", "-O1", "-g1", "-std=c++14", "-ffp-contract=off", "-fno-math-errno", "-fno-trapping-math",
    "-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-fno-omit-frame-pointer",
)  # fmt: skip
"""Flags of AddressSanitizer and UBSan. Division by 0 is no error: IEEE 754 defines it."""

ALONE = ("synapse=none", "stimulus=none", "run.engine=numpy")
"""What is chosen in the place of models that a network has for each of its parts."""

BESIDE = ("circuit=random", "+experiment=random", *ALONE)
"""What a run of a network's files is given."""

# the same few texts, those of Brian2's own methods, for every population
explicit.split_expression = functools.lru_cache(explicit.split_expression)


@dataclass(frozen=True)
class Case:
    """A network that check passed, ready to run.

    Attributes
    ----------
    network
        Its configs.
    structure
        What is simulated.
    parameters
        Of all points; see :func:`izhi.sweep.plan.parameters`.
    numbers
        The points of the sweep that have this structure, by number.
    """

    network: Network
    structure: Structure
    parameters: dict[str, NDArray[Any]]
    numbers: NDArray[np.int64]

    @property
    def points(self) -> int:
        """Number of points."""
        return self.numbers.size

    def part(self, rows: NDArray[np.int64]) -> dict[str, NDArray[Any]]:
        """Return the parameters of some points."""
        return {
            n: v[rows] if np.shape(v)[:1] == (self.points,) else v
            for n, v in self.parameters.items()
        }


class Refused(Exception):
    """What check says of a network, and what a run says of it."""

    def __init__(self, checked: str, run: str) -> None:
        super().__init__(checked)
        self.checked, self.run = checked, run


class Engines:
    """Runs networks; keeps its files in a folder of its own.

    Parameters
    ----------
    sanitize
        Whether programs are built with AddressSanitizer and UBSan.
    """

    def __init__(self, sanitize: bool = False) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="izhi-random-"))
        self.sanitize = sanitize
        self.loader = loader_over()
        self.base: DictConfig | None = None
        for group in ("experiment", "circuit"):
            (self.folder / "conf" / group).mkdir(parents=True)

    def close(self) -> None:
        """Remove all files."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def prepare(self, network: Network, confirm: bool = False, whole: bool = False) -> Case:
        """Return a network, ready to run.

        Parameters
        ----------
        network
            The network.
        confirm
            Whether a run of a network that check refuses is tried, too.
        whole
            Whether its files are composed by Hydra, and not only put in the place of others.

        Raises
        ------
        Refused
            When check refuses the network.
        """
        try:
            sweep = self._composed(network) if whole else self._put_together(network)
        except ConfigError as error:
            raise Refused(str(error), str(error)) from error
        with mock.patch.object(trial, "check"):  # an engine tries soon enough: see `tried`
            checked = checking.check(sweep)
        if checked.errors:
            said = str(checked.errors[0])
            raise Refused(said, self._run_says(sweep) if confirm else said)
        found = structures.find(sweep)
        plan = plans.make_plan(sweep, found, Machine(1, compiler=True, built=frozenset()))
        shard = plan.shards[network.chosen % len(plan.shards)]
        try:
            parameters = plans.parameters(plan, shard)
        except ConfigError as error:  # a draw that is not what it may be is known here first
            raise Refused(str(error), str(error)) from error
        return Case(network, plan.batches[shard.batch].structure, parameters, shard.points)

    def tried(self, case: Case) -> None:
        """Look whether check refuses a network on which an engine failed.

        Raises
        ------
        Refused
            When it does.
        """
        try:
            trial.check([case.structure])
        except ConfigError as error:
            raise Refused(str(error), str(error)) from None

    def _composed(self, network: Network) -> Sweep:
        """Return what a run would compose from files."""
        conf = self.folder / "conf"
        (conf / "experiment" / "random.yaml").write_text(network.file)
        (conf / "circuit" / "random.yaml").write_text(network.circuit)
        return compose([*BESIDE, *network.overrides], config_dir=conf)

    def _put_together(self, network: Network) -> Sweep:
        """Return the same in a tenth of the time: all other files are composed once."""
        if self.base is None:
            self.base = load(self.loader, "config", list(ALONE))
        config = copy.deepcopy(self.base)
        with open_dict(config):
            config.circuit = OmegaConf.create(yaml.safe_load(network.circuit))
            for name, models in (yaml.safe_load(network.file) or {}).items():
                config[name] = OmegaConf.create(models)
        request = sort(self.loader, parse(self.loader, network.overrides), True)
        composer = Composer(self.loader, "config", request, set())
        composer.loaded[tuple(request.first)] = config
        return composer.sweep({}, [*BESIDE, *network.overrides], None)

    def _run_says(self, sweep: Any) -> str:
        try:
            execute.make_plan(sweep)
        except ConfigError as error:
            return str(error)
        return "nothing"

    def numpy(self, case: Case, rows: NDArray[np.int64] | None = None) -> Raw:
        """Return what the numpy engine finds for all points, or some of them in some order."""
        rows = np.arange(case.points) if rows is None else rows
        return runtime.simulate(case.structure, case.part(rows), len(rows))

    def build(self, case: Case, replicas: int, number: int) -> Build:
        """Return a program for a network.

        Parameters
        ----------
        case
            The network.
        replicas
            Copies of it in a block.
        number
            Decides how it is compiled: one in twelve with izhi's own flags, the others with less
            optimisation, to be ready soon.
        """
        work = Path(tempfile.mkdtemp(dir=self.folder))
        with programs.fresh_device():
            inputs = build.write(case.structure, replicas, work / "program.cpp")
        if self.sanitize:
            programs.compile_with(SANITIZED, work)
        elif number % 12 == 1:
            try:
                build.compile_program(work / "program.cpp", work / "main")
            except SystemExit as error:
                raise programs.BuildFailed(
                    "the program does not compile with izhi's own flags"
                ) from error
        else:
            programs.compile_with(("-O1" if number % 4 == 0 else "-O0", *programs.QUICK), work)
        return Build(work / "main", tuple((str(name), str(kind)) for name, kind in inputs))

    def compiled(self, case: Case, program: Build, rows: NDArray[np.int64] | None = None) -> Raw:
        """Return what a program finds for all points, or some of them in some order."""
        rows = np.arange(case.points) if rows is None else rows
        return compiled.simulate(program, case.structure, case.part(rows), len(rows))


def default_replicas(case: Case) -> int:
    """Return how many replicas izhi gives a program of a network."""
    return cache.replicas(case.structure)
