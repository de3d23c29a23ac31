"""Hydra's grammar of overrides, with numbers that remember their text and decimals that are exact.

Hydra's parser gives ``1.10`` as 1.1, which is no name any more; it sorts a range whose step does
not divide it into other values, and adds up steps in binary floating point.
"""

# No annotations as text here: Hydra checks the types of arguments by its functions' signatures.
import functools
import math
import random
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from hydra._internal.grammar import grammar_functions
from hydra.core.config_loader import ConfigLoader
from hydra.core.override_parser.overrides_parser import (  # type: ignore[attr-defined]
    CommonTokenStream,
    InputStream,
    OverrideLexer,
    OverrideParser,
    OverridesParser,
    create_functions,
)
from hydra.core.override_parser.overrides_visitor import HydraErrorListener, HydraOverrideVisitor
from hydra.core.override_parser.types import (
    ChoiceSweep,
    Override,
    Quote,
    QuotedString,
    RangeSweep,
    Transformer,
)

from izhi.errors import ConfigError

_MOST_VALUES = 1_000_000


class TypedInt(int):
    """A whole number with the text that it was typed as: ``1_000``."""

    text = ""

    def __str__(self) -> str:
        """Return the text."""
        return self.text


class TypedFloat(float):
    """A number with the text that it was typed as: ``1.10``."""

    text = ""

    def __str__(self) -> str:
        """Return the text."""
        return self.text


class _Visitor(HydraOverrideVisitor):
    """Reads the parts of an override; numbers remember their text."""

    def _createPrimitive(self, ctx: Any) -> Any:
        value = super()._createPrimitive(ctx)
        if type(value) not in (int, float):
            return value
        number = TypedInt(value) if type(value) is int else TypedFloat(value)  # type: ignore[arg-type]
        number.text = ctx.getText().strip()
        return number


class Parser(OverridesParser):
    """Hydra's parser, which reads with :class:`_Visitor`, sorts and shuffles all values."""

    def __init__(self, loader: ConfigLoader) -> None:
        functions = create_functions()
        functions.functions |= {"sort": _sort, "shuffle": _shuffle}
        super().__init__(functions, loader)

    def parse_rule(self, s: str, rule_name: str) -> Any:
        """Parse text by a rule of the grammar; see Hydra's ``OverridesParser``."""
        listener = HydraErrorListener()
        lexer = OverrideLexer(InputStream(s))
        parser = OverrideParser(CommonTokenStream(lexer))
        for part in (lexer, parser):
            part.removeErrorListeners()
            part.addErrorListener(listener)
        found = _Visitor(self.functions).visit(getattr(parser, rule_name)())
        if isinstance(found, Override):
            found.input_line = s
            found.validate()
        return found


@functools.wraps(grammar_functions.sort)
def _sort(*args: Any, **settings: Any) -> Any:
    """Sort values, or those of a sweep."""
    named = {name: _listed(value) for name, value in settings.items()}
    return grammar_functions.sort(*map(_listed, args), **named)


@functools.wraps(grammar_functions.shuffle)
def _shuffle(*args: Any, **named: Any) -> Any:
    """Shuffle values, or those of a sweep: the same values always into the same order."""
    what = [_listed(value) for value in (*args, *named.values())]
    if len(what) != 1:
        return ChoiceSweep(list=_shuffled(what), simple_form=True)
    if isinstance(what[0], ChoiceSweep):
        return ChoiceSweep(tags=what[0].tags, list=_shuffled(what[0].list))
    return _shuffled(what[0]) if isinstance(what[0], list) else what


def _shuffled(values: Sequence[Any]) -> list[Any]:
    return random.Random(repr(values)).sample(values, len(values))


def _listed(sweep: Any) -> Any:
    """Return a range as the choice of its values, and all else as it is."""
    if not isinstance(sweep, RangeSweep):
        return sweep
    return ChoiceSweep(tags=sweep.tags, list=range_values(sweep))


def range_values(sweep: RangeSweep) -> list[Any]:
    """Return a range's values as the decimals that were written: 0.3, not 0.30000000000000004.

    Raises
    ------
    ConfigError
        When it has no end, or more values than an axis may have.
    """
    ends = [sweep.start, sweep.stop, sweep.step]
    try:
        finite = bool(sweep.step) and all(map(math.isfinite, ends))  # type: ignore[arg-type]
        count = (sweep.stop - sweep.start) / sweep.step if finite else 0  # type: ignore[operator]
    except OverflowError:  # a whole number beyond all floating-point numbers
        finite, count = False, 0
    if not finite:
        raise ConfigError("a range needs finite ends, and a step other than 0")
    if count > _MOST_VALUES:
        raise ConfigError(f"more than {_MOST_VALUES:,} values on one axis")
    if all(isinstance(x, int) for x in ends):
        return list(range(*map(int, ends)))  # type: ignore[arg-type]
    exact = [x if isinstance(x, int) else Decimal(float.__repr__(x)) for x in ends]
    digits = [-int(x.as_tuple().exponent) for x in exact if isinstance(x, Decimal)]
    # whole numbers over a power of ten: no sum is rounded, and each quotient correctly
    scale = 10 ** max(0, *digits)
    return [n / scale for n in range(*(int(x * scale) for x in exact))]


def plain(value: Any) -> Any:
    """Return a parsed value without the marks of its quotes and its text, however nested."""
    if isinstance(value, QuotedString):
        return value.text
    if isinstance(value, TypedInt):
        return int(value)
    if isinstance(value, TypedFloat):
        return float(value)
    if isinstance(value, list):
        return [plain(part) for part in value]
    if isinstance(value, dict):
        return {plain(name): plain(part) for name, part in value.items()}
    return value


def as_typed(value: Any) -> Any:
    """Return a parsed value with numbers and truth values as the texts that they were typed as."""
    if isinstance(value, TypedInt | TypedFloat):
        return value.text
    if isinstance(value, list):
        return [as_typed(part) for part in value]
    return str(value).lower() if isinstance(value, bool) else plain(value)


def written(value: Any) -> str:
    """Return a plain value in Hydra's grammar, so that text stays text."""
    if isinstance(value, str):
        return QuotedString(value, Quote.single).with_quotes()
    if isinstance(value, list):
        return f"[{','.join(map(written, value))}]"
    if isinstance(value, dict):
        items = (f"{Transformer.str(name)}:{written(part)}" for name, part in value.items())
        return "{" + ",".join(items) + "}"
    return Transformer.str(value)
