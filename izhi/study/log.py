"""The study's log: one JSON object a line, appended as things happen."""

from __future__ import annotations

import json
import os
import platform
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

_LIBRARIES = ("brian2", "numpy", "hydra-core", "joblib", "xarray", "netCDF4", "pandas")


def append(path: Path, event: str, **details: Any) -> None:
    """Append an event to the log."""
    stamp = datetime.now(UTC).isoformat(timespec="milliseconds")
    line = json.dumps({"time": stamp, "event": event, **details}, ensure_ascii=False)
    with open(path, "a", encoding="utf-8") as file:
        file.write(line + "\n")


def read(path: Path) -> list[dict[str, Any]]:
    """Return the events of a log; a last line that was cut off is left out."""
    events = []
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            events.append(json.loads(line))
        except ValueError:
            continue
    return events


def environment() -> dict[str, Any]:
    """Return what a result may depend on besides the config."""
    return {
        "izhi": metadata.version("izhi"),
        "python": platform.python_version(),
        "libraries": {name: metadata.version(name) for name in _LIBRARIES},
        "host": platform.node(),
        "machine": platform.machine(),
        "system": f"{platform.system()} {platform.release()}",
        "cores": os.cpu_count(),
    }
