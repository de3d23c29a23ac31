"""The server of the page: on this machine only, for reading only, of a few fixed addresses."""

from __future__ import annotations

import base64
import json
import socket
import sys
import threading
import time
from dataclasses import dataclass
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import resources
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from izhi.errors import ConfigError, StudyError
from izhi.report.watch.state import Watched

HERE = "127.0.0.1"

_OURS = (HERE, "localhost")
"""What this machine is called in requests; of another site's page, a browser sends that site's
name, even where the name leads here. The port is the other end's, where ssh forwards it."""

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; connect-src 'self'; "
    "img-src data: blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)

_HEADERS = {
    "Allow": "GET, HEAD",
    "Cache-Control": "no-store",
    "Content-Security-Policy": _POLICY,
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}

_FILES = {
    "/": ("watch.html", "text/html; charset=utf-8"),
    "/watch.css": ("watch.css", "text/css; charset=utf-8"),
    "/watch.js": ("watch.js", "text/javascript; charset=utf-8"),
}

_PLOTLY = "/plotly.js"

_LINGER = 2.0
"""Seconds for which a server that ends by itself lets its pages see why."""


@dataclass(frozen=True)
class Answer:
    """What a request gets."""

    kind: str
    content: bytes
    encoding: str = ""


class _Server(ThreadingHTTPServer):
    daemon_threads = True  # a browser that keeps its connection open keeps nobody waiting

    def __init__(self, watched: Watched, port: int) -> None:
        self.watched = watched
        self.looking = threading.Lock()  # also because netCDF is for one thread at a time
        super().__init__((HERE, port), _Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of a browser that has gone away."""
        if not isinstance(sys.exception(), (ConnectionError, TimeoutError)):
            super().handle_error(request, client_address)

    def answer(self, path: str, query: str) -> Answer | None:
        """Return what is at an address; None where there is nothing."""
        if path in _FILES:
            name, kind = _FILES[path]
            return Answer(kind, _file(name))
        if path == _PLOTLY:
            return Answer("text/javascript; charset=utf-8", _plotly(), "deflate")
        if path == "/state":
            return Answer("application/json", self.told(dict(parse_qsl(query))).encode())
        return None

    def told(self, asked: dict[str, str]) -> str:
        """Return as JSON how the study is, or why that cannot be told."""
        with self.looking:
            try:
                return json.dumps(self.watched.told(asked), allow_nan=False)
            except StudyError as error:
                return json.dumps({"problem": str(error)})
            except (ArithmeticError, LookupError, TypeError, ValueError) as error:  # no log of ours
                where = self.watched.folder.path
                return json.dumps({"problem": f"{where}: is damaged: {str(error)[:200]}"})


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    timeout = 10
    server_version, sys_version = "izhi", ""

    def do_GET(self) -> None:
        try:
            where = urlsplit(self.path)
            named = where.hostname or self.headers.get("Host", "").partition(":")[0]
        except ValueError:  # such as http://[::1
            self.send_error(400)
            return
        if named not in _OURS:
            self.send_error(403, "for this machine only")
        elif (answer := self.server.answer(where.path, where.query)) is None:
            self.send_error(404)
        else:
            self._send(answer)

    do_HEAD = do_GET

    def _send(self, answer: Answer) -> None:
        self.send_response(200)
        self.send_header("Content-Type", answer.kind)
        self.send_header("Content-Length", str(len(answer.content)))
        if answer.encoding:
            self.send_header("Content-Encoding", answer.encoding)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.content)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Refuse a request; other methods than those above are not allowed."""
        super().send_error(405 if code == 501 else code, message, explain)

    def end_headers(self) -> None:
        """Send what all answers have in common, too."""
        for name, value in _HEADERS.items():
            self.send_header(name, value)
        super().end_headers()

    def log_message(self, *_: Any) -> None:
        """Say nothing of requests."""


@cache
def _file(name: str) -> bytes:
    return resources.files("izhi.report.watch").joinpath(name).read_bytes()


@cache
def _plotly() -> bytes:
    """Return the plotting library as zlib compresses it: ssh may be slow."""
    from izhi.report.page.library import library

    return base64.b64decode(library().text)


def serve(path: Path, port: int = 0, until_done: bool = False) -> Watched | None:
    """Show a study until the program is asked to end.

    Parameters
    ----------
    path
        The study's folder.
    port
        Where to listen, on this machine only; 0 for any port that is free.
    until_done
        Whether to end when the study's run does.

    Returns
    -------
    Watched or None
        The study whose run has ended; None where the program was asked to end.

    Raises
    ------
    StudyError
        When there is no study, or its log is gone.
    ConfigError
        For a port that cannot be had.
    """
    watched = Watched.of(path)
    watched.follow()
    with listening(watched, port) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            _say(path, server.server_port)
            _wait(server, until_done)
            return watched
        except KeyboardInterrupt:
            return None
        finally:
            server.shutdown()
            server.looking.acquire(timeout=_LINGER)  # who still looks into a file may end that


def listening(watched: Watched, port: int) -> _Server:
    """Return a server that listens, and answers once it is told to."""
    try:
        return _Server(watched, port)
    except (OSError, OverflowError) as error:
        why = getattr(error, "strerror", None) or "expected a number from 1 to 65535"
        raise ConfigError(
            f"--port = {port}: {why}; choose another, or leave it out for a free one"
        ) from error


def _say(path: Path, port: int) -> None:
    print(f"watching {path}: http://{HERE}:{port}/ (Ctrl-C ends it)\n"
          f"from another machine: ssh -L {port}:{HERE}:{port} {socket.gethostname()}, "
          "then the same address there", flush=True)  # fmt: skip


def _wait(server: _Server, until_done: bool) -> None:
    """Wait for the end of the run, or for ever."""
    while True:
        time.sleep(0.5)
        if until_done:
            with server.looking:
                server.watched.follow()
                running = server.watched.state() == "running"
            if not running:
                time.sleep(_LINGER)
                return
