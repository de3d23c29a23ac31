"""Makes the small studies that the notebooks read: analysis/studies.

python -m analysis.stored_studies analysis/studies

They are committed, so they do not name the machine. Run it in a clean checkout: what was not
committed is told of in their logs.
"""

from __future__ import annotations

import contextlib
import shutil
import sys
import tempfile
from pathlib import Path
from unittest import mock

import izhi

NAMES = ("fi_curves", "fi_curves_located", "burst_maps", "short_term_plasticity")
"""Of experiments whose studies are stored."""


def make(parent: Path) -> None:
    """Run the experiments anew, and put their studies in the place of those that are there."""
    parent = parent.resolve()
    nameless = mock.patch.multiple("platform", node=lambda: "localhost", release=lambda: "")
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder), nameless:
        for name in NAMES:
            izhi.run([f"+experiment={name}", "run.report=none"], name=name).close()
        for name in NAMES:  # not before: a new file in the checkout is a change
            shutil.rmtree(parent / name, ignore_errors=True)
            shutil.copytree(Path("studies", name), parent / name)


if __name__ == "__main__":
    make(Path(sys.argv[1]))
