"""What generated code may call: Brian2's numpy target, with a guard and izhi's own functions.

Both are for objects of these classes alone: other networks in the process keep Brian2's functions.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from brian2.codegen.runtime.numpy_rt import NumpyCodeObject
from brian2.codegen.targets import codegen_targets
from brian2.core.functions import DEFAULT_FUNCTIONS, Function
from numpy.typing import ArrayLike, NDArray

from izhi import draws
from izhi.engine import powers
from izhi.engine.shared import SharedNumpyGenerator
from izhi.errors import EngineError
from izhi.models import equations
from izhi.portable import FUNCTIONS

PORTABLE = tuple(sorted([*FUNCTIONS, *equations.NOISE]))
"""Functions that give the same bits on every machine."""


def check(code: Any) -> None:
    """Refuse a code object that calls a function whose bits may depend on the machine.

    Raises
    ------
    EngineError
        With the name of the function.
    """
    for name, variable in code.variables.items():
        if isinstance(variable, Function) and name not in PORTABLE:
            raise EngineError(
                f"{code.name}: {name}() may have other bits on other machines: "
                f"expected one of {', '.join(PORTABLE)}"
            )


class PortableNumpy(NumpyCodeObject):
    """A piece of generated Python."""

    class_name = "portable"
    generator_class = SharedNumpyGenerator

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        check(self)
        self.namespace |= powers.NAMESPACE
        self.namespace |= {
            name: FUNCTIONS[name].numpy for name in FUNCTIONS if name in self.namespace
        }

    def variables_to_namespace(self) -> None:
        """Make numbers of numpy of all numbers: Python's raise an error when divided by 0."""
        super().variables_to_namespace()
        for name in self.variables:
            if isinstance(self.namespace.get(name), float):
                self.namespace[name] = np.float64(self.namespace[name])


codegen_targets.add(PortableNumpy)


def _noise(of: Callable[[draws.Bits], NDArray[np.float64]]) -> Function:
    """Return a function of a cell's two halves, a whole number and a place, for generated code."""

    def at(low: ArrayLike, high: ArrayLike, number: ArrayLike, place: float) -> NDArray[np.float64]:
        return of(np.atleast_1d(draws.at(low, high, number, place)))

    function = Function(
        at, arg_units=[1, 1, 1, 1], return_unit=1, return_type="float",
        arg_types=["integer", "integer", "any", "any"],
    )  # fmt: skip
    function.implementations.add_implementation(PortableNumpy, at)
    return function


NOISE = {"normal_at": _noise(draws.normal), "uniform_at": _noise(draws.uniform)}
"""What stimuli may call: izhi's own functions, which Brian2 does not have."""

for _name, _function in FUNCTIONS.items():
    DEFAULT_FUNCTIONS[_name].implementations.add_implementation(PortableNumpy, _function.numpy)
