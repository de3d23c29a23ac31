"""A study as a file of Neurodata Without Borders (NWB 2, https://nwb-schema.readthedocs.io).

Each spike train is a row of the table ``units``, the place that the schema has for event times of
cells; what was swept are columns of it. Sampled traces are time series among the acquired data.
"""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from izhi import interrupts
from izhi.config.keys import shown
from izhi.errors import IzhiError, StudyError
from izhi.export.runs import Run, in_words, runs, versions_of_libraries
from izhi.export.spikes import pieces
from izhi.silence import warnings_ignored
from izhi.study import versions
from izhi.study.folder import sha256, write_atomic
from izhi.study.study import Study
from izhi.study.trains import TrainTable, train_table

_CHUNK = 1 << 18
"""Values that are read, compressed and written at a time."""

_UNITS = {"V": "volts", "A": "amperes"}
"""How the schema writes the units of time series."""


def write(study: Study, path: Path) -> None:
    """Write the study to one file.

    Parameters
    ----------
    study
        The study.
    path
        The file.

    Raises
    ------
    StudyError
        When the study kept no spikes, its log tells of no run, or it cannot be read.
    IzhiError
        When pynwb is not installed.
    """
    try:
        import pynwb  # noqa: F401
    except ImportError:
        raise IzhiError(
            "an NWB file is written with pynwb, which is not installed: pip install 'izhi[nwb]'"
        ) from None
    table, made = train_table(study), runs(study.log)
    if not made:
        raise StudyError(f"{study.folder.log}: tells of no run that made the study")
    try:
        write_atomic(path, lambda temporary: _write(study, table, made, temporary))
    except RuntimeError as error:  # how HDF5 tells of a file that it cannot read or write
        raise StudyError(f"{path}: {error}") from error


def _write(study: Study, table: TrainTable, made: list[Run], path: Path) -> None:
    from pynwb import NWBHDF5IO

    spikes, traced = _room((study.spikes.sizes["spike"],)), _traced(study, table)
    file = _described(study, made)
    file.units = _units(study, table, spikes, traced)
    traces = _traces(study, traced)
    for series in traces.values():
        file.add_acquisition(series)
    with warnings_ignored():  # of a temporary name
        io = NWBHDF5IO(path, "w")
    with io:
        io.write(file)
        _fill_spikes(study, spikes)
        for name, series in traces.items():
            _fill_trace(study, table, traced, name, series.data)


def _room(shape: tuple[int, ...]) -> Any:
    """Return what stands for numbers that are written later, compressed."""
    from pynwb import H5DataIO

    if 0 in shape:  # HDF5 has no pieces of nothing
        return H5DataIO(np.empty(shape))
    chunks = (min(shape[0], _CHUNK), *[1] * (len(shape) - 1))
    return H5DataIO(shape=shape, dtype=np.dtype(np.float64), chunks=chunks,
                    compression="gzip", compression_opts=4, shuffle=True)  # fmt: skip


def _described(study: Study, made: list[Run]) -> Any:
    from pynwb import NWBFile

    told = in_words(study)
    libraries = ", ".join(
        f"{name} {' and '.join(used)}" for name, used in versions_of_libraries(made).items()
    )
    several = versions.of_study(study.log)
    return NWBFile(
        session_description=told,
        identifier=study.digest or str(sha256(study.folder.dataset)),
        session_start_time=_start(study, made),
        experiment_description=f"Simulated data: no animal, no recording. {told}"
        + f" With {libraries}." * bool(libraries)
        + f" {several[:1].upper()}{several[1:]}." * bool(several),
        source_script="\n".join(run.command for run in made),
        source_script_file_name="command line",
        notes=study.dataset.attrs["config"],
    )


def _start(study: Study, made: list[Run]) -> datetime:
    """Return when the first run began."""
    try:
        return datetime.fromisoformat(made[0].started)
    except (IndexError, ValueError):
        given = shown(made[0].started) if made else "nothing"
        raise StudyError(
            f"{study.folder.log}: the first run began at {given}: expected a time such as "
            "2026-01-31T12:00:00+00:00"
        ) from None


# ---------------------------------------------------------------- units


def _units(study: Study, table: TrainTable, spikes: Any, traced: NDArray[np.int64] | None) -> Any:
    from pynwb.core import VectorData
    from pynwb.misc import Units

    dataset = study.dataset
    columns = [
        *_ragged("spike_times", "times of the spikes in seconds", spikes, table.stop - table.first),
        *_ragged("obs_intervals", "when the cell was simulated, in seconds",
                 np.column_stack([np.zeros_like(table.duration), table.duration]),
                 np.ones_like(table.point)),
    ]  # fmt: skip
    for name, at in zip(study.axes, table.at, strict=True):
        told = dataset[name].attrs
        unit = f" in {told['units']}" if told.get("units", "1") != "1" else ""
        columns.append(
            VectorData(name=_name(name), description=f"swept: {told['long_name']}{unit}",
                       data=_values(dataset[name].values, at))
        )  # fmt: skip
    for name, text, values in (
        ("cell", "cell of the circuit", _values(dataset["cell"].values, table.cell)),
        ("population", "population that the cell is of", table.population.tolist()),
        ("point", "number of the point, in row-major order of the axes", table.point),
        ("status", "state of the point: done, or diverged", table.status.tolist()),
    ):
        columns.append(VectorData(name=name, description=text, data=values))
    if traced is not None:
        text = "column in the time series of traces; -1: not recorded"
        columns.append(VectorData(name="trace", description=text, data=traced))
    return Units(
        name="units",
        description="a simulated spike train in each row",
        id=np.arange(table.point.size),
        columns=columns,
        colnames=[column.name for column in columns if not column.name.endswith("_index")],
        resolution=study.spikes["spike_time"].encoding.get("scale_factor"),  # none off the grid
    )


def _ragged(name: str, text: str, values: Any, count: NDArray[np.int64]) -> list[Any]:
    """Return a column that has several values in each row."""
    from pynwb.core import VectorData, VectorIndex

    column = VectorData(name=name, description=text, data=values)
    return [VectorIndex(name=f"{name}_index", target=column, data=np.cumsum(count)), column]


def _values(labels: NDArray[Any], at: NDArray[np.int64]) -> Any:
    """Return labels at positions: an array of numbers, or a list of text."""
    if labels.dtype.kind in "if":
        return labels[at]
    text = [str(label) for label in labels]
    return [text[i] for i in at.tolist()]


def _name(axis: str) -> str:
    """Return an axis's name without the characters that separate the parts of an HDF5 path."""
    return re.sub("[/:]", "_", axis)


def _fill_spikes(study: Study, spikes: Any) -> None:
    first = 0
    for _, _, times in pieces(study.spikes, _CHUNK):
        spikes.dataset[first : first + times.size] = times
        first += times.size


# ---------------------------------------------------------------- traces


def _traced(study: Study, table: TrainTable) -> NDArray[np.int64] | None:
    """Return which column of the time series each train has; None where there are no traces."""
    try:
        points = study.traces["trace"].values
    except StudyError:
        return None
    traced = np.isin(table.point, points)
    return np.where(traced, np.cumsum(traced) - 1, -1)


def _traces(study: Study, traced: NDArray[np.int64] | None) -> dict[str, Any]:
    """Return a time series, (time, train), for each variable that was recorded."""
    from pynwb import TimeSeries

    if traced is None:
        return {}
    time = study.traces["time"].values
    sampled = {"rate": 1 / (time[1] - time[0])} if time.size > 1 else {"timestamps": time}
    return {
        str(name): TimeSeries(
            name=str(name),
            description=f"{variable.attrs['long_name']}; the column trace of units tells whose "
            "each column is; NaN after the end of a simulation that was shorter",
            data=_room((time.size, int(traced.max(initial=-1)) + 1)),
            unit=_UNITS.get(variable.attrs["units"], variable.attrs["units"]),
            **sampled,
        )
        for name, variable in study.traces.data_vars.items()
    }


def _fill_trace(
    study: Study, table: TrainTable, traced: NDArray[np.int64] | None, name: str, room: Any
) -> None:
    if traced is None:
        return
    samples = study.traces[name].transpose("trace", "cell", "time")
    cells = study.dataset["cell"].values.tolist()
    row = {cells.index(cell): n for n, cell in enumerate(samples["cell"].values.tolist())}
    for trace, point in enumerate(samples["trace"].values):
        trains = slice(*np.searchsorted(table.point, [point, point + 1]))
        rows, columns = [row[cell] for cell in table.cell[trains].tolist()], traced[trains]
        for first in range(0, samples.sizes["time"], _CHUNK):
            interrupts.check()
            piece = slice(first, first + _CHUNK)
            values = samples[trace, :, piece].values[rows]
            room.dataset[piece, columns[0] : columns[-1] + 1] = values.T
