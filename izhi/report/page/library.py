"""Plotly's library as a page holds it, compressed once and kept in izhi's cache."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import zlib
from dataclasses import dataclass
from importlib import metadata, resources
from pathlib import Path

from izhi.engine import cache
from izhi.study.folder import write_atomic, write_bytes


@dataclass(frozen=True)
class Library:
    """A script that a page holds.

    Attributes
    ----------
    text
        Compressed by zlib, in base64.
    source
        What a content security policy knows it by: see :func:`source`.
    """

    text: bytes
    source: str


def source(script: bytes) -> str:
    """Return the source expression of a script for a content security policy: its SHA-256."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(script).digest()).decode()}'"


def library() -> Library:
    """Return plotly's library.

    It is kept in the cache under its version and size. A copy there that is damaged is not taken,
    and one that cannot be written is not needed.
    """
    plotly = resources.files("plotly") / "package_data" / "plotly.min.js"
    with resources.as_file(plotly) as path:
        size = path.stat().st_size
        kept = cache.root().parent / "report" / f"plotly-{metadata.version('plotly')}-{size}.script"
        return _kept(kept) or _made(path, kept)


def _kept(path: Path) -> Library | None:
    """Return what is kept, if it is whole: a check sum, the source expression, the text."""
    try:
        check, _, rest = path.read_bytes().partition(b"\n")
    except OSError:
        return None
    known, _, text = rest.partition(b"\n")
    return Library(text, known.decode()) if text and check == _check(rest) else None


def _check(text: bytes) -> bytes:
    return b"%08x" % zlib.crc32(text)


def _made(path: Path, kept: Path) -> Library:
    script = path.read_bytes()
    made = Library(base64.b64encode(zlib.compress(script, 9)), source(script))
    rest = made.source.encode() + b"\n" + made.text
    with contextlib.suppress(OSError):
        kept.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(kept, lambda path: write_bytes(path, _check(rest) + b"\n" + rest))
    return made
