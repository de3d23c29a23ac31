"""What generated code may call: Brian2's numpy target, with a guard and izhi's own exponential.

Both are for objects of these classes alone: other networks in the process keep Brian2's ``exp``.
"""

from __future__ import annotations

from typing import Any

from brian2.codegen.runtime.numpy_rt import NumpyCodeObject
from brian2.codegen.targets import codegen_targets
from brian2.core.functions import DEFAULT_FUNCTIONS, Function

from izhi import exponential
from izhi.engine.shared import SharedNumpyGenerator
from izhi.errors import EngineError

PORTABLE = ("exp", "int")
"""Functions of Brian2 that give the same bits on every machine; ``exp`` because it is izhi's."""


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
                f"expected {' or '.join(PORTABLE)}"
            )


class PortableNumpy(NumpyCodeObject):
    """A piece of generated Python."""

    class_name = "portable"
    generator_class = SharedNumpyGenerator

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        check(self)


codegen_targets.add(PortableNumpy)
DEFAULT_FUNCTIONS["exp"].implementations.add_implementation(PortableNumpy, exponential.exp)
