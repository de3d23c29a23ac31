"""The page on methods: what its command draws and writes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis import methods
from benchmarks import report

DOCS = Path(__file__).resolve().parents[1] / "docs"


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    """Give errors that fall with the first order, for the located methods with a higher one."""
    steps = 4e-4 / 2.0 ** np.arange(7)
    index = pd.MultiIndex.from_product(
        [methods.METHODS, methods.NEURONS, ["cell0"], steps],
        names=["method", "neuron", "cell", "dt"],
    )
    order = index.get_level_values("method").map({"located_rk4": 4, "located_rk2": 2}).fillna(1)
    dt = index.get_level_values("dt").to_numpy(float)
    made = {"spikes": 9, "exact": 9, "matched": 9, "interval_error": -0.02 * (dt / 1e-4) ** order}
    return pd.DataFrame(made, index)


def test_the_table_tells_errors_steps_and_times(frame) -> None:
    cost = {method: 2.0 + k for k, method in enumerate(methods.METHODS)}
    head, _, *rows = methods.table(frame, cost).split("\n\n")[0].splitlines()
    assert head.count("|") == rows[0].count("|") == 10
    assert [row.split("`")[1] for row in rows] == list(methods.METHODS)
    euler = [word.strip() for word in rows[0].split("|")][2:-1]
    # 2 % at 0.1 ms is 0.1 % at 0.005 ms: 200,000 steps of 2 ns
    assert euler == ["2.00", "1.0", "2 %", "2 %", "2 %", "2 %", "0.005 ms", "400 µs"]


def test_the_figure_has_a_line_for_each_method(frame, tmp_path) -> None:
    cost = dict.fromkeys(methods.METHODS, 1.0)
    methods.draw(frame, cost, tmp_path / "methods.png")
    assert (tmp_path / "methods.png").stat().st_size > 20_000
    assert set(methods.STYLE) == set(methods.METHODS)


def test_the_page_holds_what_the_command_writes() -> None:
    text = (DOCS / "methods.md").read_text(encoding="utf-8")
    assert "figures" in report.updated(text, "figures", "make methods")
    for method in methods.METHODS:
        assert f"| `{method}` |" in text
    assert (DOCS / "methods.png").is_file()
