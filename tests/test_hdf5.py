"""Files that refer to other files are refused before the HDF5 library follows them."""

from __future__ import annotations

from pathlib import Path

import h5py
import netCDF4
import numpy as np
import pytest

from izhi import netcdf
from izhi.hdf5 import ForeignStorageError, check_self_contained
from tests.foreign import KINDS, move_values

ROOT = Path(__file__).parents[1]


@pytest.fixture(params=["earliest", "latest"])
def file(tmp_path, request) -> Path:
    """Return an HDF5 file in the oldest or the newest layout of links."""
    path = tmp_path / "file.nc"
    with h5py.File(path, "w", libver=request.param) as made:
        made["x"] = np.arange(5.0)
        made["group/inner/y"] = np.arange(3)
        for number in range(20):  # more than the header of a group holds
            made[f"many/{number}"] = [number]
    return path


def read(path: Path, in_memory: bool) -> list[str]:
    data = path.read_bytes() if in_memory else None
    with netcdf.open(path, memory=data) as opened:
        return list(opened.variables)


@pytest.mark.parametrize("in_memory", [False, True])
@pytest.mark.parametrize("name", ["x", "group/inner/y", "many/7"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_reference_to_another_file_is_refused(file, tmp_path, kind, name, in_memory) -> None:
    assert read(file, in_memory) == ["x"]
    move_values(file, name, kind, tmp_path / "secret")
    with pytest.raises(ForeignStorageError, match=f"'{name}'.* another file"):
        read(file, in_memory)


def test_a_file_that_has_changed_is_looked_at_again(file, tmp_path) -> None:
    for _ in range(2):
        assert read(file, False) == ["x"]
    move_values(file, "x", "external storage", tmp_path / "secret")
    for _ in range(2):
        with pytest.raises(ForeignStorageError):
            read(file, False)


def test_a_link_that_leads_nowhere_is_not_followed(file) -> None:
    with h5py.File(file, "r+") as made:
        made["group/link"] = h5py.ExternalLink("/nowhere\n/at all", "/\u00e4")
        made["na\nme"] = h5py.ExternalLink("/nowhere", "/")
    with pytest.raises(ForeignStorageError) as caught:
        read(file, False)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("in_memory", [False, True])
def test_links_within_a_file_are_read(file, in_memory) -> None:
    with h5py.File(file, "r+") as made:
        made["soft"] = h5py.SoftLink("/x")
        made["hard"] = made["x"]
        made["group/loop"] = made["many"]
    assert set(read(file, in_memory)) == {"x", "soft", "hard"}


@pytest.mark.parametrize("in_memory", [False, True])
@pytest.mark.parametrize("layout", ["NETCDF3_CLASSIC", "NETCDF3_64BIT_OFFSET", "NETCDF4"])
def test_every_kind_of_netcdf_is_read(tmp_path, layout, in_memory) -> None:
    with netCDF4.Dataset(tmp_path / "x.nc", "w", format=layout) as made:
        made.createDimension("x", 2)
        made.createVariable("x", "f8", ("x",))[:] = 1
    assert read(tmp_path / "x.nc", in_memory) == ["x"]


@pytest.mark.parametrize("data", [b"", b"no netCDF", b"\x89HDF\r\n\x1a\n" + bytes(60), b"CDF"])
def test_what_is_no_file_of_netcdf_is_an_error(tmp_path, data) -> None:
    (tmp_path / "x.nc").write_bytes(data)
    for in_memory in (False, True):
        with pytest.raises(OSError):
            read(tmp_path / "x.nc", in_memory)


def test_a_missing_file_is_said_to_be_missing(tmp_path) -> None:
    with pytest.raises(FileNotFoundError):
        read(tmp_path / "x.nc", False)


@pytest.mark.parametrize("in_memory", [False, True])
def test_a_file_that_others_have_open_is_read(file, in_memory) -> None:
    with netCDF4.Dataset(file), netcdf.open(file), h5py.File(file):
        assert read(file, in_memory) == ["x"]
        check_self_contained(str(file))


@pytest.mark.parametrize("path", sorted((ROOT / "analysis" / "studies").rglob("*.nc")), ids=str)
def test_studies_of_earlier_versions_are_read(path) -> None:
    check_self_contained(str(path))
    check_self_contained(str(path), path.read_bytes())
