"""One netCDF file that holds a study: all results, and how they came about."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from izhi import interrupts, netcdf
from izhi.errors import StudyError
from izhi.study.folder import write_atomic
from izhi.study.study import Study

_CHUNK = 1 << 18
"""Values that are read, compressed and written at a time."""

_CACHE = 1 << 21
"""Bytes that netCDF keeps of each variable: a piece of eight-byte values; pieces come but once."""

_LEVEL = 4
"""Of zlib, which every reader of netCDF 4 has; higher levels take longer and save little."""


def write(study: Study, path: Path) -> None:
    """Write the study to one file, compressed, its values the same bits.

    Besides the groups of ``dataset.nc`` it has a group ``provenance``: the log, ``study.yaml``,
    and the digest of the results where the log knows it.

    Parameters
    ----------
    study
        The study.
    path
        The file.

    Raises
    ------
    StudyError
        When the study cannot be read, or there is no room left.
    """
    try:
        write_atomic(path, lambda temporary: _write(study, temporary))
    except RuntimeError as error:  # how netCDF tells of a file that it cannot read or write
        raise StudyError(f"{path}: {error}") from error


def _write(study: Study, path: Path) -> None:
    with netcdf.open(study.folder.dataset) as source, netcdf.open(path, "w") as copy:
        copy.set_fill_off()  # every value is written
        _copy_group(source, copy)
        _add_provenance(study, copy.createGroup("provenance"))


def _copy_group(source: Any, target: Any) -> None:
    target.setncatts(_attributes(source))
    for name, dimension in source.dimensions.items():
        target.createDimension(name, None if dimension.isunlimited() else len(dimension))
    for name, variable in source.variables.items():
        _copy_variable(name, variable, target)
    for name, group in source.groups.items():
        _copy_group(group, target.createGroup(name))


def _copy_variable(name: str, source: Any, group: Any) -> None:
    chunk = _chunk(source.shape)
    packed = source.dtype is not str and source.size > 0 and source.ndim > 0
    layout = {"compression": "zlib", "complevel": _LEVEL, "shuffle": True, "chunksizes": chunk,
              "chunk_cache": _CACHE}  # fmt: skip
    attributes = _attributes(source)
    target = group.createVariable(
        name, source.dtype, source.dimensions, fill_value=attributes.pop("_FillValue", None),
        endian=source.endian(), **(layout if packed else {}),
    )  # fmt: skip
    target.setncatts(attributes)
    for variable in (source, target):
        variable.set_auto_maskandscale(False)
        variable.set_auto_chartostring(False)
    for box in _boxes(source.shape, chunk):
        interrupts.check()
        target[box] = source[box]


def _attributes(item: Any) -> dict[str, Any]:
    return {name: item.getncattr(name) for name in item.ncattrs()}


def _chunk(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return the shape of the pieces: whole along the last dimensions, as far as there is room."""
    room, chunk = _CHUNK, []
    for length in reversed(shape):
        chunk.append(max(1, min(length, room)))
        room //= chunk[-1]
    return tuple(reversed(chunk))


def _boxes(shape: tuple[int, ...], chunk: tuple[int, ...]) -> Iterator[Any]:
    """Return the pieces of an array, as indices; the whole of an array without dimensions."""
    if not shape:
        return iter([...])
    sides = (
        [slice(first, min(first + step, length)) for first in range(0, length, step)]
        for length, step in zip(shape, chunk, strict=True)
    )
    return itertools.product(*sides)


def _add_provenance(study: Study, group: Any) -> None:
    lines = _text(study.folder.log).splitlines()
    group.createDimension("event", len(lines))
    log = group.createVariable("log", str, ("event",))
    log.setncatts({"long_name": "events of the study's log", "media_type": "application/jsonl"})
    for number, line in enumerate(lines):
        log[number] = line
    asked = group.createVariable("study", str, ())
    asked.setncatts({"long_name": "axes and composed configs", "media_type": "application/yaml"})
    asked[...] = _text(study.folder.config)
    if study.digest is not None:
        group.digest = study.digest


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8")
