"""A page that is read without a network: nothing in the built site is fetched from elsewhere."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from sphinx.errors import SphinxError

FETCHED = {"script": "src", "img": "src", "iframe": "src", "source": "src", "link": "href"}
"""What a browser fetches as it opens a page, by element."""


class _Fetched(HTMLParser):
    """Collects the addresses of what a page fetches."""

    def __init__(self) -> None:
        super().__init__()
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        address = dict(attrs).get(FETCHED.get(tag, "")) or ""
        if address.startswith(("http:", "https:", "//")):
            self.addresses.append(address)


def fetched(page: str) -> list[str]:
    """Return the addresses on other machines that a page of HTML fetches as it opens."""
    parser = _Fetched()
    parser.feed(page)
    return parser.addresses


def _check(app: Any, error: Exception | None) -> None:
    if error is not None or app.builder.format != "html":
        return
    for path in sorted(Path(app.outdir).rglob("*.html")):
        if found := fetched(path.read_text(encoding="utf-8")):
            raise SphinxError(f"{path.name} fetches {', '.join(found)}")


def setup(app: Any) -> None:
    """Have each build checked at its end."""
    app.connect("build-finished", _check)
