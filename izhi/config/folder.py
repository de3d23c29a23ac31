"""Where the configs that come with izhi lie."""

from __future__ import annotations

from pathlib import Path


def conf_folder() -> Path:
    """Return the folder of ``config.yaml``: in an installed package, or beside it in a checkout."""
    package = Path(__file__).resolve().parents[1]
    installed = package / "conf"
    return installed if installed.is_dir() else package.parent / "conf"
