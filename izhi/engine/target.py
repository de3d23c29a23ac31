"""What generated code may call: Brian2's numpy target, with a guard and izhi's own functions.

Both are for objects of these classes alone: other networks in the process keep Brian2's functions.
"""

from __future__ import annotations

from typing import Any

from brian2.codegen.runtime.numpy_rt import NumpyCodeObject
from brian2.codegen.targets import codegen_targets
from brian2.core.functions import DEFAULT_FUNCTIONS, Function

from izhi import exponential, functions
from izhi.engine import powers
from izhi.engine.shared import SharedNumpyGenerator
from izhi.errors import EngineError

_EXACT = ("abs", "ceil", "clip", "floor", "int", "sign", "sqrt", "timestep")
"""Functions that IEEE 754 or whole numbers define to the last bit."""

PORTABLE = tuple(sorted(["exp", *functions.FUNCTIONS, *_EXACT]))
"""Functions of Brian2 that give the same bits on every machine, most because they are izhi's."""


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


codegen_targets.add(PortableNumpy)
for _name, _function in {"exp": exponential.exp, **functions.FUNCTIONS}.items():
    DEFAULT_FUNCTIONS[_name].implementations.add_implementation(PortableNumpy, _function)
