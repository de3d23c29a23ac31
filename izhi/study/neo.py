"""Spike trains for Neo (https://neuralensemble.org/neo), which Elephant's statistics are of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from izhi import interrupts
from izhi.errors import IzhiError
from izhi.study import selection
from izhi.study.study import Study
from izhi.study.trains import TrainTable, train_table

if TYPE_CHECKING:
    import xarray as xr
    from neo import SpikeTrain

_PIECE = 1 << 22
"""Spikes that are read at a time."""


def spike_trains(study: Study, cell: Any, point: Mapping[str, Any]) -> list[SpikeTrain]:
    """Return trains of a study; see :meth:`izhi.study.study.Study.to_neo`."""
    try:
        import quantities as pq
        from neo import SpikeTrain
    except ImportError:
        raise IzhiError(
            "trains for Neo are made with neo, which is not installed: pip install 'izhi[neo]'"
        ) from None
    dataset = study.dataset
    table = train_table(study, selection.points(dataset, point), selection.cells(dataset, cell))
    start = pq.Quantity(0.0, "s")
    rates = {dt: pq.Quantity(1 / dt, "Hz") for dt in np.unique(table.dt).tolist()}
    told = zip(
        _times(study.spikes["spike_time"], table),
        table.duration.tolist(),
        [rates[dt] for dt in table.dt.tolist()],
        _names(study, table),
        _annotations(study, table),
        strict=True,
    )
    trains = []
    for times, duration, rate, name, notes in told:
        # the last step starts before the end, but for rounding
        end = pq.Quantity(max(duration, *times[-1:].tolist(), 0.0), "s")
        train = SpikeTrain(
            times, units=pq.s, t_start=start, t_stop=end, sampling_rate=rate, name=name,
            file_origin=str(study.folder.dataset),
        )  # fmt: skip
        train.annotations = notes  # an axis may be called like an argument
        trains.append(train)
    return trains


def _times(spikes: xr.DataArray, table: TrainTable) -> Iterator[NDArray[np.float64]]:
    """Return the spike times of one train after the other, in seconds, each an array of its own."""
    begin = 0
    while begin < table.first.size:
        interrupts.check()
        start = table.first[begin]
        end = max(begin + 1, int(np.searchsorted(table.stop, start + _PIECE, side="right")))
        piece = np.asarray(spikes[start : table.stop[end - 1]].values, np.float64)
        ends = zip(table.first[begin:end] - start, table.stop[begin:end] - start, strict=True)
        yield from (piece[first:stop].copy() for first, stop in ends)
        begin = end


def _names(study: Study, table: TrainTable) -> Iterator[str]:
    """Return names of trains: ``"neuron=chattering, amplitude=8 mV, cell=post0"``."""
    parts = [_taken(_words(study, name), at) for name, at in zip(study.axes, table.at, strict=True)]
    cells = _taken([f"cell={label}" for label in study.dataset["cell"].values], table.cell)
    return map(", ".join, zip(*parts, cells, strict=True))


def _annotations(study: Study, table: TrainTable) -> Iterator[dict[str, Any]]:
    """Return annotations of trains: plain numbers and text, which can be sorted and grouped by."""
    columns: dict[str, list[Any]] = {}
    for name, at in zip(study.axes, table.at, strict=True):
        columns[name] = _taken(study.dataset[name].values.tolist(), at)
    columns["cell"] = _taken(study.dataset["cell"].values.tolist(), table.cell)
    columns["population"] = table.population.tolist()
    columns["point"] = table.point.tolist()
    columns["status"] = table.status.tolist()
    same = {f"{name}_units": unit for name in study.axes if (unit := _unit(study, name))}
    same["study"] = str(study.path)
    if study.digest is not None:
        same["digest"] = study.digest
    for row in zip(*columns.values(), strict=True):
        yield {**dict(zip(columns, row, strict=True)), **same}


def _words(study: Study, axis: str) -> list[str]:
    """Return the values of an axis in words: ``["amplitude=3 mV", "amplitude=8 mV"]``."""
    values, unit = study.dataset[axis].values.tolist(), _unit(study, axis)
    return [f"{axis}={str(value).removesuffix('.0')} {unit}".strip() for value in values]


def _unit(study: Study, axis: str) -> str:
    """Return the unit of an axis; "" where its values are text or plain numbers."""
    unit = str(study.dataset[axis].attrs.get("units", ""))
    return "" if unit == "1" else unit


def _taken(values: list[Any], at: NDArray[np.int64]) -> list[Any]:
    return [values[i] for i in at.tolist()]
