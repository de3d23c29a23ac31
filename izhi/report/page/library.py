"""Plotly's library as a page holds it, compressed once and kept in izhi's cache."""

from __future__ import annotations

import base64
import contextlib
import zlib
from importlib import metadata, resources
from pathlib import Path

from izhi.engine import cache
from izhi.study.folder import write_atomic, write_bytes


def library() -> bytes:
    """Return plotly's library, compressed and in base64.

    It is kept in the cache under its version and size. A copy there that is damaged is not taken,
    and one that cannot be written is not needed.
    """
    source = resources.files("plotly") / "package_data" / "plotly.min.js"
    with resources.as_file(source) as path:
        size = path.stat().st_size
        kept = cache.root().parent / "report" / f"plotly-{metadata.version('plotly')}-{size}.txt"
        return _kept(kept) or _made(path, kept)


def _kept(path: Path) -> bytes | None:
    """Return what is kept, if it is whole: a check sum, then the text."""
    try:
        check, _, text = path.read_bytes().partition(b"\n")
    except OSError:
        return None
    return text if text and check == _check(text) else None


def _check(text: bytes) -> bytes:
    return b"%08x" % zlib.crc32(text)


def _made(source: Path, kept: Path) -> bytes:
    text = base64.b64encode(zlib.compress(source.read_bytes(), 9))
    with contextlib.suppress(OSError):
        kept.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(kept, lambda path: write_bytes(path, _check(text) + b"\n" + text))
    return text
