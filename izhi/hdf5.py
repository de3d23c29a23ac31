"""Refuse HDF5 files whose values lie in other files.

The HDF5 library follows three kinds of references to other files without asking: external links,
external storage of raw data, and virtual datasets. A stranger's study could so read any file of
the user's. The functions here are those of the library that netCDF4 brings, which no wrapper
offers: it walks through the links of a file and follows none that lead out of it.
"""

from __future__ import annotations

import ctypes
import os
from functools import cache
from typing import Any

_HANDLE = ctypes.c_int64
_DATASET, _VIRTUAL = 5, 3
"""``H5I_DATASET`` and ``H5D_VIRTUAL``."""

_HARD, _SOFT = 0, 1
"""Types of links that stay in a file."""

_VISITOR = ctypes.CFUNCTYPE(
    ctypes.c_int, _HANDLE, ctypes.c_char_p, ctypes.POINTER(ctypes.c_int), ctypes.c_void_p
)
"""Called with a group, a link's name and its properties, which begin with its type."""

_SIGNATURES: dict[str, tuple[Any, ...]] = {
    "H5open": (ctypes.c_int,),
    "H5Eset_auto2": (ctypes.c_int, _HANDLE, ctypes.c_void_p, ctypes.c_void_p),
    "H5Pcreate": (_HANDLE, _HANDLE),
    "H5Pset_file_locking": (ctypes.c_int, _HANDLE, ctypes.c_bool, ctypes.c_bool),
    "H5Fopen": (_HANDLE, ctypes.c_char_p, ctypes.c_uint, _HANDLE),
    "H5LTopen_file_image": (_HANDLE, ctypes.c_char_p, ctypes.c_size_t, ctypes.c_uint),
    "H5Lvisit2": (ctypes.c_int, _HANDLE, ctypes.c_int, ctypes.c_int, _VISITOR, ctypes.c_void_p),
    "H5Oopen": (_HANDLE, _HANDLE, ctypes.c_char_p, _HANDLE),
    "H5Iget_type": (ctypes.c_int, _HANDLE),
    "H5Idec_ref": (ctypes.c_int, _HANDLE),
    "H5Dget_create_plist": (_HANDLE, _HANDLE),
    "H5Pget_layout": (ctypes.c_int, _HANDLE),
    "H5Pget_external_count": (ctypes.c_int, _HANDLE),
}
"""Types of the result and of the arguments of each function, by its name."""


class ForeignStorageError(OSError):
    """A file refers to another file."""


def check_self_contained(path: str, memory: bytes | None = None) -> None:
    """Check that a file refers to no other file.

    Parameters
    ----------
    path
        The file, netCDF of any kind.
    memory
        Its contents; `path` is only a name then.

    Raises
    ------
    ForeignStorageError
        When the file refers to another file.
    OSError
        When the file cannot be read, or is neither HDF5 nor classic netCDF.
    """
    library = _library()
    library.H5Eset_auto2(0, None, None)  # errors are results here, not lines on stderr
    if memory is None:
        with open(path, "rb") as file:
            start = file.read(3)
        file_id = _open(library, path)
    else:
        start = memory[:3]
        file_id = library.H5LTopen_file_image(memory, len(memory), 0)
    if file_id < 0:
        if start != b"CDF":  # classic netCDF has no references
            raise OSError("neither HDF5 nor netCDF that can be read")
        return
    try:
        _check_links(library, file_id)
    finally:
        library.H5Idec_ref(file_id)


def _open(library: Any, path: str) -> int:
    """Open a file as the library does by itself, or, where that fails, without a lock."""
    access = library.H5Pcreate(_HANDLE.in_dll(library, "H5P_CLS_FILE_ACCESS_ID_g"))
    try:
        file_id: int = library.H5Fopen(os.fsencode(path), 0, access)
        if file_id < 0:
            library.H5Pset_file_locking(access, False, True)
            file_id = library.H5Fopen(os.fsencode(path), 0, access)
        return file_id
    finally:
        library.H5Idec_ref(access)


def _check_links(library: Any, file_id: int) -> None:
    """Check all links of an open file, and all datasets that they lead to."""
    links: list[tuple[bytes, int]] = []

    def visit(_group: int, name: bytes, properties: Any, _data: Any) -> int:
        links.append((name, properties[0]))
        return 0

    if library.H5Lvisit2(file_id, 0, 2, _VISITOR(visit), None) < 0:
        raise OSError("HDF5 whose links cannot be read")
    for name, kind in links:
        if kind == _SOFT:
            continue
        shown = ascii(name.decode(errors="replace"))[:80]
        if kind != _HARD:
            raise ForeignStorageError(f"{shown} is a link to another file, which is not followed")
        if _is_elsewhere(library, file_id, name):
            raise ForeignStorageError(f"values of {shown} lie in another file, which is not read")


def _is_elsewhere(library: Any, file_id: int, name: bytes) -> bool:
    """Whether an object of a file is a dataset with values in other files."""
    item = library.H5Oopen(file_id, name, 0)
    if item < 0:
        raise OSError("HDF5 with an object that cannot be read")
    creation = -1
    try:
        if library.H5Iget_type(item) != _DATASET:
            return False
        creation = library.H5Dget_create_plist(item)
        if creation < 0:
            raise OSError("HDF5 with a dataset that cannot be read")
        is_virtual = library.H5Pget_layout(creation) == _VIRTUAL
        return bool(is_virtual or library.H5Pget_external_count(creation) != 0)
    finally:
        for handle in (creation, item):
            if handle >= 0:
                library.H5Idec_ref(handle)


@cache
def _library() -> Any:
    """Return the HDF5 library of netCDF4.

    Raises
    ------
    OSError
        When it does not have the functions, which HDF5 has since 1.14.
    """
    from netCDF4 import _netCDF4

    library = ctypes.CDLL(_netCDF4.__file__)
    for name, (result, *arguments) in _SIGNATURES.items():
        try:
            function = getattr(library, name)
        except AttributeError:
            raise OSError(f"netCDF4 has an HDF5 without {name}; 1.14 is needed") from None
        function.restype, function.argtypes = result, arguments
    library.H5open()
    return library
