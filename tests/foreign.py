"""HDF5 files whose values lie in other files, as a stranger would make them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np

KINDS = ("external storage", "virtual dataset", "external link")


def move_values(path: Path, name: str, kind: str, target: Path) -> None:
    """Replace a variable of an HDF5 file by a reference to another file.

    Parameters
    ----------
    path
        The file.
    name
        The variable, with its group.
    kind
        One of `KINDS`.
    target
        The other file, which is written.
    """
    with h5py.File(path, "r+") as file:
        values: Any = file[name][...]
        del file[name]
        if kind == "external storage":
            target.write_bytes(values.tobytes())
            size = max(values.nbytes, 1)
            file.create_dataset(name, values.shape, values.dtype, external=[(target, 0, size)])
            return
        with h5py.File(target, "w") as other:
            other["values"] = values
        if kind == "external link":
            file[name] = h5py.ExternalLink(target, "/values")
            return
        layout = h5py.VirtualLayout(np.shape(values), values.dtype)
        layout[...] = h5py.VirtualSource(target, "values", np.shape(values))
        file.create_virtual_dataset(name, layout)
