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
    text = page(title, payload)
    write_atomic(path, lambda temporary: write_bytes(temporary, text))


def page(title: str, payload: Packed) -> bytes:
    """Return a page, in UTF-8."""
    files = {file.name: file for file in resources.files("izhi.report.page").iterdir()}
    scripts = [files[name].read_bytes() for name in sorted(files) if name.endswith(".js")]
    script = b'(() => {\n"use strict";\n%b\nstart();\n})();' % b"\n".join(scripts)
    plotly = library.library()
    element = '<script type="application/octet-stream" id="payload" data-json-length="{}">'
    parts = {
        b"title": escape(title).encode(errors="replace"),
        b"style": files["page.css"].read_bytes(),
        b"sources": f"{library.source(script)} {plotly.source}".encode(),  # and no script but these
        b"script": script,
        b"library": plotly.text,
        b"payload": element.format(payload.json_length).encode() + payload.text + b"</script>",
    }
    # one mark after the other, from the left: what is filled in is not looked through again
    before, *after = files["page.html"].read_bytes().split(b"<!--")
    filled = [before]
    for piece in after:
        name, end, rest = piece.partition(b"-->")
        filled += [parts[name], rest] if end and name in parts else [b"<!--", piece]
    return b"".join(filled)
