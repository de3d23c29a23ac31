"""Tables in columns, as Apache Parquet: the summary, the spikes, the traces."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from izhi import interrupts
from izhi.errors import IzhiError, StudyError
from izhi.export.columns import column_of
from izhi.export.spikes import pieces
from izhi.export.whole import write_folder
from izhi.study.study import Study

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa
    import xarray as xr

_ROWS = 1 << 20
"""Rows that are made and written at a time, a row group."""


def write(study: Study, path: Path) -> None:
    """Write a folder of tables: the summary by cell and by projection, the spikes, the traces.

    Numbers are the same bits, NaN included; text is dictionary-encoded. Each field's metadata has
    ``unit``, ``long_name`` and ``comment``, as far as they are known. Of what a study does not
    have there is no table.

    Raises
    ------
    IzhiError
        When pyarrow is not installed.
    """
    try:
        import pyarrow.parquet  # noqa: F401
    except ImportError:
        raise IzhiError(
            "Parquet is written with pyarrow, which is not installed: pip install 'izhi[parquet]'"
        ) from None
    write_folder(path, lambda folder: _write(study, folder))


def _write(study: Study, folder: Path) -> None:
    _write_table(folder / "summary.parquet", [_summary(study, "cell")])
    for per in ("projection", "connection"):
        if any(per in variable.dims for variable in study.dataset.data_vars.values()):
            _write_table(folder / f"{per}s.parquet", [_summary(study, per)])
    if (spikes := _group(study, "spikes")) is not None:
        _write_table(folder / "spikes.parquet", _spikes(study, spikes))
    if (traces := _group(study, "traces")) is not None:
        _write_table(folder / "traces.parquet", _joined(_traces(study, traces)))


def _group(study: Study, name: str) -> xr.Dataset | None:
    try:
        return study.spikes if name == "spikes" else study.traces
    except StudyError:  # the study has none
        return None


def _write_table(path: Path, parts: Iterable[pa.Table]) -> None:
    """Write a table part by part, each a row group or more; there is at least one part."""
    import pyarrow.parquet as pq

    parts = iter(parts)
    first = next(parts)
    with pq.ParquetWriter(path, first.schema) as writer:
        writer.write_table(first, row_group_size=_ROWS)
        for part in parts:
            interrupts.check()
            writer.write_table(part, row_group_size=_ROWS)


# ---------------------------------------------------------------- tables


def _summary(study: Study, per: str) -> pa.Table:
    import pandas as pd

    frame, dataset = study.summary(per), study.dataset
    labels = [*study.axes, per]
    at = [
        pd.Index(dataset[name].values).get_indexer(frame.index.get_level_values(name))
        for name in labels
    ]
    columns = {str(name): (dataset[name], _values(frame[name])) for name in frame.columns}
    return _table({**_place(study, labels, at), **columns})


def _values(column: pd.Series[Any]) -> Any:
    """Return a column: words as a dictionary, null where there is none; numbers with their NaN."""
    return column.array if column.dtype == "category" else column.to_numpy()


def _spikes(study: Study, spikes: xr.Dataset) -> Iterator[pa.Table]:
    labels = [*study.axes, "cell"]
    shape = tuple(study.dataset.sizes[name] for name in labels)

    def table(trains: NDArray[np.int64], times: NDArray[np.float64]) -> pa.Table:
        at = np.unravel_index(trains, shape)
        return _table({**_place(study, labels, at), "time": (spikes["spike_time"], times)})

    if not spikes.sizes["spike"]:
        yield table(np.empty(0, np.int64), np.empty(0))
    for trains, count, times in pieces(spikes, _ROWS):
        yield table(np.repeat(trains, count), times)


def _traces(study: Study, traces: xr.Dataset) -> Iterator[pa.Table]:
    """Return the samples of one cell after the other; none of a cell that a point does not have."""
    shape = study.dataset["status"].shape
    cells = study.dataset["cell"].values.tolist()
    names = ["time", *map(str, traces.data_vars)]
    for trace, point in enumerate(traces["trace"].values):
        for number, cell in enumerate(traces["cell"].values):
            here = traces.isel(trace=trace, cell=number)
            at = [*(np.unravel_index(point, shape) if shape else ()), cells.index(cell)]
            for first in range(0, traces.sizes["time"], _ROWS):
                found = {name: here[name][first : first + _ROWS].values for name in names}
                if first == 0 and all(np.isnan(found[name][0]) for name in names[1:]):
                    break  # every state starts from a number
                rows = [np.full(found["time"].size, n) for n in at]
                columns = {name: (traces[name], values) for name, values in found.items()}
                yield _table({**_place(study, [*study.axes, "cell"], rows), **columns})


def _joined(parts: Iterable[pa.Table]) -> Iterator[pa.Table]:
    """Join small tables into such of `_ROWS` rows or somewhat more; the last one may be smaller."""
    import pyarrow as pa

    held: list[pa.Table] = []
    for part in parts:
        interrupts.check()
        held.append(part)
        if sum(table.num_rows for table in held) >= _ROWS:
            yield pa.concat_tables(held)
            held = []
    if held:
        yield pa.concat_tables(held)


# ---------------------------------------------------------------- columns


def _place(
    study: Study, labels: Sequence[str], at: Sequence[NDArray[np.int64]]
) -> dict[str, tuple[xr.DataArray, Any]]:
    """Return the columns that say whose a row is, given where on each of the axes that is."""
    return {
        name: (study.dataset[name], _taken(study.dataset[name].values, where))
        for name, where in zip(labels, at, strict=True)
    }


def _taken(labels: NDArray[Any], at: NDArray[np.int64]) -> Any:
    """Return labels at positions: numbers as they are, text as a dictionary."""
    import pyarrow as pa

    if labels.dtype.kind in "if":
        return labels[at]
    text = pa.array([str(label) for label in labels], pa.string())
    return pa.DictionaryArray.from_arrays(pa.array(at, pa.int32()), text)


def _table(columns: dict[str, tuple[xr.DataArray, Any]]) -> pa.Table:
    """Return a table of columns: the variable that tells what one is, and its values."""
    import pyarrow as pa

    arrays = [pa.array(values) for _, values in columns.values()]
    fields = []
    for (name, (variable, _)), array in zip(columns.items(), arrays, strict=True):
        told = column_of("", name, variable)
        known = {"unit": told.unit, "long_name": told.long_name, "comment": told.comment}
        metadata = {key: text for key, text in known.items() if text}
        fields.append(pa.field(name, array.type, metadata=metadata))
    return pa.Table.from_arrays(arrays, schema=pa.schema(fields))
