"""Writes the page of a study: one file that asks for nothing else."""

from __future__ import annotations

from html import escape
from importlib import resources
from pathlib import Path

from izhi.report.page import library
from izhi.report.page.payload import Packed
from izhi.study.folder import write_atomic, write_bytes


def write(path: Path, title: str, payload: Packed) -> None:
    """Write a page, whole or not at all.

    Parameters
    ----------
    path
        The file.
    title
        The study's name.
    payload
        What the page shows.

    Raises
    ------
    OSError
        When it cannot be written.
    """
    text = page(title, payload).encode(errors="replace")
    write_atomic(path, lambda temporary: write_bytes(temporary, text))


def page(title: str, payload: Packed) -> str:
    """Return the text of a page."""
    here = resources.files("izhi.report.page")
    files = {file.name: file for file in here.iterdir()}
    scripts = [files[name].read_text("utf-8") for name in sorted(files) if name.endswith(".js")]
    parts = {
        "title": escape(title),
        "style": files["page.css"].read_text("utf-8"),
        "script": "\n".join(scripts),
        "library": library.library(),
        "payload": f'<script type="application/octet-stream" id="payload" '
        f'data-json-length="{payload.json_length}">{payload.text}</script>',
    }
    # one mark after the other, from the left: what is filled in is not looked through again
    before, *after = files["page.html"].read_text("utf-8").split("<!--")
    filled = [before]
    for piece in after:
        name, end, rest = piece.partition("-->")
        filled.append(parts[name] + rest if end and name in parts else f"<!--{piece}")
    return "".join(filled)
