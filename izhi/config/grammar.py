"""Hydra's grammar of overrides, with numbers that remember their text and decimals that are exact.

Hydra's parser gives ``1.10`` as 1.1, which is no name any more; it sorts a range whose step does
not divide it into other values, adds up steps in binary floating point, and sorts quantities as
texts: ``10 mV`` before ``9 mV``.
"""

# No annotations as text here: Hydra checks the types of arguments by its functions' signatures.
import functools
import math
import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

from hydra._internal.grammar import grammar_functions
from hydra._internal.grammar.functions import FunctionCall, Functions
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
    Glob,
    IntervalSweep,
    Override,
    Quote,
    QuotedString,
    RangeSweep,
    Transformer,
)

from izhi import units
from izhi.config import keys
from izhi.errors import ConfigError

_MOST_VALUES = 1_000_000

_TAKES = {
    "bool": "true and false",
    "choice": "one value or more, as in choice(a,b)",
    "extend_list": "values, as in extend_list(a,b)",
    "float": "numbers",
    "glob": "patterns of names, as in glob(a*,exclude=ab)",
    "int": "numbers",
    "interval": "two numbers, as in interval(0,1)",
    "range": "numbers, as in range(start,stop,step)",
    "shuffle": "values, or one list, choice or range of them",
    "sort": "values that have an order, or one list, choice or range of them",
    "str": "values, or one list, choice or range of them",
    "tag": "names and at last a sweep, as in tag(a,range(1,4))",
}
"""By function of Hydra's grammar: what its arguments may be."""


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
        super().__init__(create_functions(), loader)

    def parse_rule(self, s: str, rule_name: str) -> Any:
        """Parse text by a rule of the grammar; see Hydra's ``OverridesParser``."""
        listener = HydraErrorListener()
        lexer = OverrideLexer(InputStream(s))
        parser = OverrideParser(CommonTokenStream(lexer))
        for part in (lexer, parser):
            part.removeErrorListeners()
            part.addErrorListener(listener)
        own: dict[str, Callable[..., Any]] = {
            "sort": functools.partial(_sort, self._takes_names(s)),
            "shuffle": _shuffle,
        }
        functions = _Functions(self.functions.definitions, self.functions.functions | own)
        found = _Visitor(functions).visit(getattr(parser, rule_name)())
        if isinstance(found, Override):
            found.input_line = s
            found.validate()
        return found

    def _takes_names(self, override: str) -> bool:
        """Return whether an override's values are names: 10 mV is no quantity among them."""
        key = override.lstrip("+~").partition("=")[0].strip()
        group = key.partition("@")[0]
        return keys.is_text(key) or bool(self.config_loader.get_group_options(group))  # type: ignore[union-attr]


class _Functions(Functions):
    """Hydra's functions, which say what they take where they are given something else."""

    def eval(self, func: FunctionCall) -> Any:
        """Return what a call gives."""
        try:
            return super().eval(func)
        except (ArithmeticError, AssertionError, AttributeError, TypeError, ValueError) as error:
            if func.name not in _TAKES:
                raise
            kinds = map(_kind, (*func.args, *func.kwargs.values()))
            wrong = "".join(f", not {kind}" for kind in dict.fromkeys(kinds) if kind)
            raise ConfigError(f"{func.name} takes {_TAKES[func.name]}{wrong}") from error


def _kind(value: Any) -> str:
    """Return what an argument is that few functions take; empty for all others."""
    if isinstance(value, Glob):
        return "a glob"
    if isinstance(value, IntervalSweep):
        return "an interval"
    return "null" if value is None else ""


@functools.wraps(grammar_functions.sort)
def _sort(as_names: bool, *args: Any, reverse: bool = False, **named: Any) -> Any:
    """Sort values, or those of a sweep: numbers and quantities by size, names as texts."""
    what = [_listed(value) for value in (*args, *named.values())]
    if not what:
        raise ValueError("nothing to sort")
    if len(what) > 1:
        return ChoiceSweep(list=_in_order(what, as_names, reverse), simple_form=True)
    if isinstance(what[0], ChoiceSweep):
        return replace(what[0], list=_in_order(what[0].list, as_names, reverse))
    return _in_order(what[0], as_names, reverse) if isinstance(what[0], list) else what[0]


def _in_order(values: Sequence[Any], as_names: bool, reverse: bool) -> list[Any]:
    return sorted(values, key=_order(list(map(plain, values)), as_names), reverse=reverse)


def _order(values: Sequence[Any], as_names: bool) -> Callable[[Any], Any]:
    """Return what values are sorted by.

    Raises
    ------
    ConfigError
        For quantities that differ in dimension, or among texts that are none.
    """
    if not any(isinstance(value, str) for value in values):
        return plain
    if as_names:
        return lambda value: str(as_typed(value))
    found = [(value, _dimension(value)) for value in values]
    kinds = {kind: value for value, kind in reversed(found)}
    if len(kinds) > 1:
        (kind, value), (other_kind, other) = list(kinds.items())[::-1][:2]
        raise ConfigError(
            f"sort: {keys.shown(value)} is {kind} and {keys.shown(other)} {other_kind}, which have "
            "no order; write all values with units of one dimension, or in the order that is meant"
        )
    return plain if "text" in kinds else lambda value: units.parse(plain(value)).si


def _dimension(value: Any) -> str:
    """Return words for the dimension of a value; of what is no quantity, for what it is."""
    try:
        return units.name_of(units.parse(value).dimension)
    except ConfigError:
        return "text" if isinstance(value, str) else "no quantity"


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
