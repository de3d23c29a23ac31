"""Tables as text: the summary, the spikes, the traces, and what each of their columns is."""

from __future__ import annotations

import csv
import io
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from izhi import interrupts
from izhi.errors import StudyError
from izhi.export.columns import Column, column_of
from izhi.export.spikes import pieces
from izhi.export.whole import write_folder
from izhi.study.study import Study
from izhi.study.table import inert, one_line

if TYPE_CHECKING:
    import xarray as xr

_CHUNK = 1 << 18
"""Rows that are made and written at a time."""


def write(study: Study, path: Path) -> None:
    """Write a folder of tables: ``summary.csv``, ``spikes.csv``, ``traces.csv``, ``units.csv``.

    A number is the shortest text that reads back as the same bits; NaN is empty. A study without
    spikes or traces has no table of them.
    """
    write_folder(path, lambda folder: _write(study, folder))


def _write(study: Study, folder: Path) -> None:
    shutil.copyfile(study.folder.summary, folder / "summary.csv")
    columns = _summary_columns(study)
    for name, write_table in (("spikes", _write_spikes), ("traces", _write_traces)):
        group = _group(study, name)
        if group is not None:
            with open(folder / f"{name}.csv", "w", encoding="utf-8", newline="") as file:
                columns += write_table(study, group, file)
    with open(folder / "units.csv", "w", encoding="utf-8", newline="") as file:
        file.write(_line(Column._fields))
        file.writelines(map(_line, columns))


def _group(study: Study, name: str) -> xr.Dataset | None:
    try:
        return study.spikes if name == "spikes" else study.traces
    except StudyError:  # the study has none
        return None


# ---------------------------------------------------------------- columns


def _summary_columns(study: Study) -> list[Column]:
    with open(study.folder.summary, encoding="utf-8", newline="") as file:
        file.readline()  # the comment with the units
        names = next(csv.reader(file))
    return [column_of("summary.csv", name, study.dataset[name]) for name in names]


def _place_columns(file: str, study: Study) -> list[Column]:
    return [column_of(file, name, study.dataset[name]) for name in [*study.axes, "cell"]]


# ---------------------------------------------------------------- spikes


def _write_spikes(study: Study, spikes: xr.Dataset, file: io.TextIOBase) -> list[Column]:
    time = column_of("spikes.csv", "spike_time", spikes["spike_time"])._replace(column="time")
    columns = [*_place_columns("spikes.csv", study), time]
    file.write(_line([column.column for column in columns]))
    starts = _starts(study)
    for trains, count, times in pieces(spikes, _CHUNK):
        file.write("".join(np.repeat(starts(trains), count) + _ends(times)))
    return columns


def _starts(study: Study) -> Callable[[NDArray[np.int64]], NDArray[Any]]:
    """Return a function that gives the first fields of trains' rows, by their numbers."""
    labels = [_fields(study.dataset[name].values) for name in [*study.axes, "cell"]]
    shape = tuple(column.size for column in labels)

    def starts(trains: NDArray[np.int64]) -> NDArray[Any]:
        text: NDArray[Any] = np.full(trains.size, "", object)
        for column, at in zip(labels, np.unravel_index(trains, shape), strict=True):
            text = text + column[at]
        return text

    return starts


def _fields(labels: NDArray[Any]) -> NDArray[Any]:
    """Return labels as fields, each with the comma that follows it."""
    words = [inert(label) if isinstance(label, str) else repr(label) for label in labels.tolist()]
    return np.array([one_line([word]).removesuffix("\n") + "," for word in words], object)


def _ends(values: NDArray[np.float64]) -> NDArray[Any]:
    """Return numbers as last fields, each different one made once."""
    different, where = np.unique(values, return_inverse=True)
    return np.array([repr(value) + "\n" for value in different.tolist()], object)[where]


# ---------------------------------------------------------------- traces


def _write_traces(study: Study, traces: xr.Dataset, file: io.TextIOBase) -> list[Column]:
    names = ["time", *(str(name) for name in traces.data_vars)]
    columns = [
        *_place_columns("traces.csv", study),
        *(column_of("traces.csv", name, traces[name]) for name in names),
    ]
    file.write(_line([column.column for column in columns]))
    starts = _starts(study)
    cells = study.dataset["cell"].values.tolist()
    for trace, point in enumerate(traces["trace"].values):
        for number, cell in enumerate(traces["cell"].values):
            (start,) = starts(np.array([point * len(cells) + cells.index(cell)]))
            for rows in _samples(traces.isel(trace=trace, cell=number), names):
                file.writelines(start + row for row in rows)
    return columns


def _samples(trace: xr.Dataset, names: list[str]) -> Iterator[list[str]]:
    """Return the rows of one cell's trace, piece by piece; none of a cell that is not there."""
    for first in range(0, trace.sizes["time"], _CHUNK):
        interrupts.check()
        values = [trace[name][first : first + _CHUNK].values for name in names]
        if first == 0 and all(np.isnan(column[0]) for column in values[1:]):
            return  # every state starts from a number
        fields = ([repr(x) if x == x else "" for x in column.tolist()] for column in values)
        yield [",".join(row) + "\n" for row in zip(*fields, strict=True)]


def _line(fields: Any) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow([inert(str(field)) for field in fields])
    return text.getvalue()
