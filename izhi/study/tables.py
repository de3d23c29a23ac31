"""The results of a study as tables of pandas, with their units."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from izhi.errors import StudyError, did_you_mean
from izhi.study.accessor import LABELS, names
from izhi.study.dataset import PRESENT
from izhi.study.shardfile import DIVERGED, DONE


def summary(dataset: xr.Dataset, per: str = "cell") -> pd.DataFrame:
    """Return one row per point and cell, or per point and projection; see ``Study.summary``."""
    known = [name for name in LABELS if name in dataset.dims]
    if per not in known:
        raise StudyError(f"per = {per}: no such rows{did_you_mean(per, known)}")
    axes = [str(name) for name in dataset["status"].dims]
    columns: dict[str, Any] = {
        str(name): _column(variable.transpose(*axes, per))
        for name, variable in dataset.data_vars.items()
        if per in variable.dims
    }
    columns["status"] = np.repeat(dataset["status"].values.ravel(), dataset.sizes[per])
    levels = [dataset[name].values for name in [*axes, per]]
    index: pd.Index = pd.Index(levels[0], name=per)
    if axes:
        index = pd.MultiIndex.from_product(levels, names=[*axes, per])
    table = pd.DataFrame(columns, index=index)
    # rows of cells that a point's circuit does not have say nothing; failed points do
    return _with_units(table[~_absent(dataset, table, axes, per)], dataset)


def _absent(dataset: xr.Dataset, table: pd.DataFrame, axes: list[str], per: str) -> Any:
    """Return which rows are of what the point's circuit does not have; any number may be NaN.

    Of a point without results that is not known, so that none of its rows are.
    """
    simulated = table["status"].isin([DONE, DIVERGED])
    if per == "cell":
        return simulated & (table["spike_count"] < 0 if "spike_count" in table else False)
    if PRESENT in dataset and per in dataset[PRESENT].dims:
        return simulated & (dataset[PRESENT].transpose(*axes, per).values.ravel() == 0)
    # a study of an earlier version of izhi: a projection without any number, which one whose
    # point has diverged may have none of, too
    return (table["status"] == DONE) & table.drop(columns="status").isna().all(axis=1)


def _column(variable: xr.DataArray) -> Any:
    values = variable.values.ravel()
    if "flag_meanings" not in variable.attrs:
        return values
    words = variable.attrs["flag_meanings"].split()
    return pd.Categorical.from_codes(np.where(values < len(words), values, -1), categories=words)


def _with_units(table: pd.DataFrame, dataset: xr.Dataset) -> pd.DataFrame:
    every = [str(name) for name in (*table.index.names, *table.columns)]
    for attribute in ("units", "long_name"):
        table.attrs[attribute] = {
            name: str(dataset[name].attrs[attribute])
            for name in every
            if name in dataset.variables and attribute in dataset[name].attrs
        }
    return table


def table(
    dataset: xr.Dataset, by: str | Iterable[str], of: str | Iterable[str], agg: Any, per: str
) -> pd.DataFrame:
    """Return statistics grouped by axes and put together; see ``Study.table``."""
    rows = summary(dataset, per)
    by, of = names(by), names(of)
    groups = [str(name) for name in rows.index.names] + [
        str(name) for name in rows.columns if isinstance(rows[name].dtype, pd.CategoricalDtype)
    ]
    for name in by:
        if name not in groups:
            raise StudyError(f"by = {name}: no such axis{did_you_mean(name, groups)}")
    columns = [str(name) for name in rows.columns if name != "status"]
    for name in of:
        if name not in columns:
            raise StudyError(f"of = {name}: no such statistic{did_you_mean(name, columns)}")
    units = rows.attrs
    rows = rows[rows["status"].isin([DONE, DIVERGED])]
    if not by:
        raise StudyError("by = []: expected the name of an axis, or several")
    try:
        grouped = rows.reset_index().groupby(by, sort=False, observed=True)[of]
        found: pd.DataFrame = grouped.agg(agg)
    except (TypeError, ValueError, AttributeError) as error:
        said = " ".join(str(error).split())[:120]
        raise StudyError(f"agg = {agg} of {', '.join(of)}: {said}") from None
    found.attrs = {key: {n: u for n, u in told.items() if n in (*by, *of)}
                   for key, told in units.items()}  # fmt: skip
    return found
