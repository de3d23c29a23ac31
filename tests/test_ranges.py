"""Ranges, sorted, reversed and shuffled: the values that Hydra documents, as exact decimals."""

from __future__ import annotations

import re
from fractions import Fraction
from functools import lru_cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from izhi.config.compose import compose, parse
from izhi.config.overrides import sort
from izhi.config.repository import Loader, loader_over
from izhi.errors import ConfigError


@lru_cache(maxsize=1)
def loader() -> Loader:
    return loader_over()


def values(text: str) -> list[float]:
    """Return the values of one sweep of a number."""
    request = sort(loader(), parse(loader(), [f"stimulus.amplitude={text}"]), True)
    return request.order[0].values


def documented(start: str, stop: str, step: str) -> list[float]:
    """Return what Hydra documents: start + i*step while that is before stop; slowly, and exact."""
    first, last, by = Fraction(start), Fraction(stop), Fraction(step)
    found = []
    while (first < last) if by > 0 else (first > last):
        found.append(float(first))
        first += by
    return found


decimals = st.decimals(-20, 20, places=3).map(lambda x: f"{x.normalize():f}")
steps = st.decimals("0.05", 9, places=3).map(lambda x: f"{x.normalize():f}")


@settings(max_examples=150, deadline=None)
@given(decimals, decimals, steps, st.booleans())
def test_ranges_of_all_kinds(start: str, stop: str, step: str, down: bool) -> None:
    step = f"-{step}" if down else step
    text = f"range({start},{stop},{step})"
    expected = documented(start, stop, step)
    if not expected:
        for empty in (text, f"sort({text})", f"shuffle({text})"):
            with pytest.raises(ConfigError, match="an empty axis"):
                values(empty)
        return
    assert values(text) == expected
    assert values(f"sort({text})") == sorted(expected)
    assert values(f"sort({text},reverse=true)") == sorted(expected, reverse=True)
    assert values(f"sort(sort({text},reverse=true))") == sorted(expected)
    assert values(f"sort(shuffle({text}))") == sorted(expected)
    assert values(f"tag(x,sort(float({text})))") == sorted(expected)
    shuffled = values(f"shuffle({text})")
    assert sorted(shuffled) == sorted(expected)
    assert shuffled == values(f"shuffle({text})") == values(f"float(shuffle({text}))")


@settings(max_examples=50, deadline=None)
@given(st.lists(decimals, min_size=2, max_size=6))
def test_choices_of_all_kinds(words: list[str]) -> None:
    listed, numbers = ",".join(words), [float(word) for word in words]
    for text in (listed, f"choice({listed})", f"float({listed})"):
        assert values(text) == numbers
    for text in (f"sort({listed})", f"sort(choice({listed}))", f"sort(shuffle({listed}))"):
        assert values(text) == sorted(numbers)
        with_reverse = f"{text[:-1]},reverse=true)"
        assert values(with_reverse) == sorted(numbers, reverse=True)
    assert sorted(values(f"shuffle({listed})")) == sorted(numbers)
    assert values(f"shuffle({listed})") == values(f"shuffle(choice({listed}))")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("sort(range(1.3,0,-0.5))", [0.3, 0.8, 1.3]),
        ("sort(range(0,1.3,0.5),reverse=true)", [1.0, 0.5, 0.0]),
        ("range(0,0.3,0.1)", [0.0, 0.1, 0.2]),
        ("range(0.3,0,-0.1)", [0.3, 0.2, 0.1]),
        ("sort(range(5,1,-2))", [3, 5]),
        ("sort(sweep=range(3),reverse=true)", [2, 1, 0]),
        ("range(1e300,1.3e300,1e299)", [1e300, 1.1e300, 1.2e300]),
        ("range(1e-320,3e-320,1e-320)", [1e-320, 2e-320]),
        ("sort(range(true,3))", [1, 2]),
    ],
)
def test_values_that_were_others(text: str, expected: list[float]) -> None:
    assert values(text) == expected


@pytest.mark.parametrize("range_", ["range(0,inf)", "range(1,2,0)", "range(1e400)", "range(nan)"])
def test_a_range_without_an_end_is_an_error_in_functions_too(range_: str) -> None:
    for text in (range_, f"sort({range_})", f"shuffle({range_})"):
        with pytest.raises(ConfigError, match="a range needs finite ends"):
            values(text)
    with pytest.raises(ConfigError, match="more than 1,000,000 values on one axis"):
        values("sort(range(0,1e9,0.5))")


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        ("'10 mV','9 mV','8.5 mV'", ["8.5 mV", "9 mV", "10 mV"]),
        ("'5000 uV','10 mV','4 mV'", ["4 mV", "5000 uV", "10 mV"]),
        ("'10','9'", ["9", "10"]),
        ("b,10a,9a", ["10a", "9a", "b"]),  # no quantities: texts as ever
    ],
)
def test_quantities_are_sorted_by_what_they_are(texts: str, expected: list[str]) -> None:
    for what in (texts, f"choice({texts})", f"sort({texts},reverse=true)"):
        assert values(f"sort({what})") == expected
        assert values(f"sort({what},reverse=true)") == expected[::-1]


@pytest.mark.parametrize(
    ("texts", "said"),
    [
        ("'4 mV','5 ms'", "4 mV is a voltage and 5 ms a time, which have no order"),
        ("'4 mV','5000 uV',3", "4 mV is a voltage and 3 a plain number, which have no order"),
        ("rest,'4 mV'", "rest is text and 4 mV a voltage, which have no order"),
        ("true,rest", "true is no quantity and rest text, which have no order"),
    ],
)
def test_what_has_no_order_is_an_error(texts: str, said: str) -> None:
    for text in (f"sort({texts})", f"sort(choice({texts}),reverse=true)"):
        with pytest.raises(ConfigError, match=f"{re.escape(text)}: sort: {said}"):
            values(text)


def test_names_of_files_are_no_quantities() -> None:
    parsed = parse(loader(), ["neuron=sort(10s,9A,9.10,tonic)"])
    assert [str(value) for value in parsed[0].value().list] == ["10s", "9.10", "9A", "tonic"]  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("shuffle(glob(*))", "shuffle takes values, or one list, choice or range of them, not a"),
        ("sort(glob(*))", "sort takes values that have an order, or one list, choice or range"),
        ("sort(null,1)", "sort takes values that have an order, or one list, choice or range"),
        ("sort(1,[2])", "sort takes values that have an order, or one list, choice or range"),
        ("sort()", "sort takes values that have an order, or one list, choice or range of them"),
        ("tag(1,range(3))", "tag takes names and at last a sweep, as in tag(a,range(1,4))"),
        ("float(abc)", "float takes numbers"),
        ("sort(int(abc))", "int takes numbers"),
        ("range(a,b)", "range takes numbers, as in range(start,stop,step)"),
        ("str(interval(0,1))", "str takes values, or one list, choice or range of them, not an"),
    ],
)
def test_a_function_says_what_it_takes(text: str, said: str) -> None:
    with pytest.raises(ConfigError) as error:
        values(text)
    assert str(error.value).startswith(f"stimulus.amplitude={text}: {said}")
    assert not re.search("Typed|Union|<class|Sweep|NoneType|base 10", str(error.value))


def test_a_shuffled_axis_is_the_same_in_the_next_process() -> None:
    assert values("shuffle(range(4,8))") == [4, 5, 7, 6]


@pytest.mark.parametrize(
    "override", ["++stimulus.amplitude=range(4,7)", "++stimulus.amplitude='4 mV',5,'6000 uV'"]
)
def test_a_key_that_may_be_added_is_swept_as_numbers(override: str) -> None:
    sweep = compose([override, "neuron=chattering,resonator"])
    (axis, _) = sweep.axes
    assert (axis.labels.tolist(), axis.unit) == ([4.0, 5.0, 6.0], "mV")
    assert sweep.base_of.shape == (1, 2)


def test_an_added_key_that_is_there_is_still_an_error() -> None:
    assert compose(["+stimulus.offset=60,70"]).axes[0].labels.tolist() == [60.0, 70.0]
    with pytest.raises(ConfigError, match=r"An item is already at 'stimulus\.amplitude'"):
        compose(["+stimulus.amplitude=4,5"])
