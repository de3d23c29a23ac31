"""A current from a file: a column of a CSV file, or a variable of a netCDF file, over time."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from izhi import hdf5, netcdf, units
from izhi.config import inputs
from izhi.errors import ConfigError, did_you_mean
from izhi.units import SECOND, Dimension

NAME = "recorded"
"""What a file holds is called so in the expression of a stimulus."""

_MOST = 20_000_000
"""Samples of a variable of netCDF, which may say that it has any number."""

_PARTS = ("column", "time", "unit", "time_unit")
NEARLY = 1e-3
"""Of a time step, as for the edges of stimuli."""

_WITH_UNIT = re.compile(r"(.*?)\s*[(\[]([^)\]]*)[)\]]", re.DOTALL)
_ROW = re.compile(r"at row (\d+)( with)?")

Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class Recording:
    """What is taken from a file.

    Attributes
    ----------
    file
        Its name as written.
    sha256
        Of its content.
    column, time
        Names of the columns, or variables; ``""`` for the only one beside the time, for the first.
    unit, time_unit
        Units of both; ``""`` for what the file says.
    between
        ``"linear"`` or ``"hold"``: what it is between two samples.
    dimension
        Of the values.
    """

    file: str
    sha256: str
    column: str
    time: str
    unit: str
    time_unit: str
    between: str
    dimension: Dimension = units.NUMBER


NONE = Recording("", "", "", "", "", "", "")
"""In the place of a recording: a program does not depend on what a file holds."""


def read(texts: Mapping[str, str], key: str) -> Recording | None:
    """Return what a stimulus takes from a file; None for one without.

    Raises
    ------
    ConfigError
        Naming the key, the file and what is wrong with it.
    """
    if not has_file(texts, key, "file"):
        return None
    column, time, unit, time_unit = (texts.get(name, "") for name in _PARTS)
    sha256, between = texts.get("sha256", ""), texts.get("between", "linear")
    found = Recording(texts["file"], sha256, column, time, unit, time_unit, between)
    return replace(found, dimension=_samples(found, key)[2])


def has_file(texts: Mapping[str, str], key: str, model: str) -> bool:
    """Whether a config names a file.

    Raises
    ------
    ConfigError
        When it does not, but is of the given model, or says what to take from one.
    """
    if "file" in texts:
        return True
    if texts.get("model") == model:
        raise ConfigError(f"{key}.file: missing; expected the name of a CSV or netCDF file")
    for name in (*_PARTS, "sha256", "between"):
        if name in texts:
            raise ConfigError(f"{key}.{name}: there is no {key}.file that it could be about")
    return False


def check_length(recording: Recording, key: str, dt: float, steps: int) -> None:
    """Check that a recording lasts as long as the simulation.

    Raises
    ------
    ConfigError
        With the times of both.
    """
    time = _samples(recording, key)[0]
    end = (steps - 1) * dt
    if time[0] > NEARLY * dt or time[-1] < end - NEARLY * dt:
        raise ConfigError(
            f"{key}.file = {recording.file}: covers {time[0]:g} s to {time[-1]:g} s, but the "
            f"simulation lasts from 0 s to its last step at {end:g} s"
        )


@lru_cache(maxsize=4)
def sampled(recording: Recording, key: str, dt: float, steps: int) -> Numbers:
    """Return a recording's values at the beginning of each time step, in SI units."""
    time, values, _ = _samples(recording, key)
    at = np.arange(steps) * dt
    if recording.between == "hold":
        here = np.searchsorted(time, at + NEARLY * dt, side="right") - 1
        return np.asarray(values[np.maximum(here, 0)])
    here = np.clip(np.searchsorted(time, at, side="right") - 1, 0, len(time) - 2)
    # sums and products of numpy's have the same bits everywhere, which np.interp need not have
    share = np.clip((at - time[here]) / (time[here + 1] - time[here]), 0.0, 1.0)
    return np.asarray(values[here] + share * (values[here + 1] - values[here]))


@lru_cache(maxsize=16)
def _samples(recording: Recording, key: str) -> tuple[Numbers, Numbers, Dimension]:
    """Return times in seconds, values in SI units, and their dimension."""
    where = f"{key}.file = {recording.file}"
    (time, time_unit), (values, unit) = _read(recording, key)
    seconds = time * _scale(recording.time_unit or time_unit, f"{key}.time_unit", recording, SECOND)
    values = values * _scale(recording.unit or unit, f"{key}.unit", recording)
    if len(seconds) < 2:
        raise ConfigError(f"{where}: {len(seconds)} samples; a current has two or more")
    for name, numbers in (("times", seconds), ("values", values)):
        if not np.isfinite(numbers).all():
            row = int(np.argmin(np.isfinite(numbers)))
            raise ConfigError(f"{where}: sample {row + 1}: {name} have to be finite")
    falling = np.diff(seconds) <= 0
    if falling.any():
        row = int(np.argmax(falling))
        raise ConfigError(f"{where}: sample {row + 2}: times have to rise from sample to sample")
    return seconds, values, units.dimension_of(recording.unit or unit)


def times(recording: Recording, key: str) -> tuple[Numbers, Numbers]:
    """Return times in seconds, and the numbers beside them as they are."""
    (time, unit), (numbers, _) = _read(recording, key)
    unit = recording.time_unit or unit
    return time * _scale(unit, f"{key}.time_unit", recording, SECOND), numbers


def _scale(
    unit: str, key: str, recording: Recording, wanted: Dimension | None = None
) -> float:  # fmt: skip
    if not unit:
        raise ConfigError(
            f"{key}: missing; {recording.file} does not say it, as a header such as I [nA] does"
        )
    try:
        found = units.with_unit(1.0, unit)
    except ConfigError as error:
        raise ConfigError(f"{key} = {unit[:80]}: {error}") from None
    if wanted is not None and found.dimension != wanted:
        raise ConfigError(f"{key} = {unit}: expected a time, not {units.name_of(found.dimension)}")
    return found.si


Column = tuple[Numbers, str]
"""Numbers and the unit that they are said to have; ``""`` for none."""


def _read(recording: Recording, key: str) -> tuple[Column, Column]:
    """Return the times and what is beside them."""
    data = inputs.content(recording.sha256, f"{key}.file = {recording.file}")
    binary = data[:3] == b"CDF" or data[:4] == b"\x89HDF"
    return _netcdf(data, recording, key) if binary else _csv(data, recording, key)


def _csv(data: bytes, recording: Recording, key: str) -> tuple[Column, Column]:
    where = f"{key}.file = {recording.file}"
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ConfigError(f"{where}: neither netCDF nor UTF-8 text") from None
    lines = text.splitlines()
    header = next(csv.reader(lines[:1]), [])
    names, said = [], []
    for title in header:
        match = _WITH_UNIT.fullmatch(title.strip())
        names.append(match[1] if match else title.strip())
        said.append(match[2].strip() if match else "")
    if not any(name and not _is_number(name) for name in names):
        raise ConfigError(f"{where}: its first line has to name the columns, as in t [ms],I [nA]")
    numbers = _columns(names, recording, key)
    try:
        table = np.loadtxt(
            io.StringIO("\n".join(lines[1:])), delimiter=",", usecols=numbers, ndmin=2,
            comments=None, quotechar='"',
        ) if any(map(str.strip, lines[1:])) else np.empty((0, 2))  # fmt: skip
    except ValueError as error:
        row = _ROW.search(str(error))
        # numpy counts rows from 0 where a number is none, from 1 where a row is short
        at = f"line {int(row[1]) + (1 if row[2] else 2)}" if row else "a line"
        raise ConfigError(f"{where}: {at}: expected numbers, separated by commas") from None
    time, column = numbers
    return (table[:, 0], said[time]), (table[:, 1], said[column])


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _columns(names: list[str], recording: Recording, key: str) -> tuple[int, int]:
    """Return the places of the time and of the value among names."""

    def place(name: str, part: str) -> int:
        if name not in names:
            near = did_you_mean(name, names)
            raise ConfigError(f"{key}.{part} = {name}: {recording.file} has no such column{near}")
        if names.count(name) > 1:
            raise ConfigError(
                f"{key}.{part} = {name}: {recording.file} has {names.count(name)} columns of "
                "this name; give each a name of its own"
            )
        return names.index(name)

    time = place(recording.time, "time") if recording.time else 0
    if recording.column:
        return time, place(recording.column, "column")
    others = [number for number in range(len(names)) if number != time]
    if len(others) != 1:
        there = ", ".join(names[number] for number in others) or "none"
        raise ConfigError(
            f"{key}.column: missing; {recording.file} has beside the time {there}: name one"
        )
    return time, others[0]


def _netcdf(data: bytes, recording: Recording, key: str) -> tuple[Column, Column]:
    where = f"{key}.file = {recording.file}"
    try:
        with netcdf.open("data.nc", memory=data) as file:
            found = None if recording.column else _ragged(file)
            if found is not None:
                return found
            columns = {
                name: (*_column(variable), variable.dimensions)
                for name, variable in file.variables.items()
                if variable.ndim == 1 and variable.dtype != str and variable.dtype.kind in "fiu"
            }  # fmt: skip
    except hdf5.ForeignStorageError:
        raise ConfigError(f"{where}: netCDF whose values lie in another file") from None
    except (OSError, RuntimeError, ValueError, AttributeError, TypeError, OverflowError) as error:
        why = str(error) if isinstance(error, _TooLong) else "netCDF that cannot be read"
        raise ConfigError(f"{where}: {why}") from None
    names = sorted(columns, key=lambda name: name not in columns[name][2])  # coordinates first
    if not names:
        raise ConfigError(f"{where}: no variables of numbers along one dimension")
    time, column = (names[number] for number in _columns(names, recording, key))
    if columns[time][2] != columns[column][2]:
        raise ConfigError(f"{where}: {column} is not along {time}")
    return columns[time][:2], columns[column][:2]


class _TooLong(ValueError):
    """A variable says that it holds more than any file of data."""


def _column(variable: Any) -> Column:
    """Return what a variable of netCDF holds, along one dimension, and its unit."""
    if variable.size > _MOST:
        raise _TooLong(f"{variable.size:,} samples; a file of data has at most {_MOST:,}")
    return (
        np.ma.filled(variable[:].astype(float), np.nan).ravel(),
        str(getattr(variable, "units", "")),
    )


def _ragged(file: Any) -> tuple[Column, Column] | None:
    """Return times and numbers of trains of a contiguous ragged array; None where there is none."""
    for group in (file, *file.groups.values()):
        for counts in group.variables.values():
            along = getattr(counts, "sample_dimension", None)
            for samples in group.variables.values():
                if along is not None and samples.dimensions == (along,):
                    number = _column(counts)[0].astype(np.int64)
                    time = _column(samples)
                    if (number < 0).any() or number.sum() != time[0].size:
                        raise ValueError("counts that are not those of the samples")
                    return time, (np.repeat(np.arange(number.size), number).astype(float), "")
    return None
