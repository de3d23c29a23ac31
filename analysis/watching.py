"""The picture of the page of ``izhi watch``: ``python -m analysis.watching docs/watch.png``.

The default experiment is run, a copy of its study is put back to when half of it was there, and
that is watched as if it were running.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import sys
import tempfile
import threading
import time
from pathlib import Path

import izhi
from izhi.report.watch import server, state
from izhi.study import log

SHARDS = 17
"""Of 33, each of 21 points."""


def draw(picture: Path) -> None:
    """Run, watch, and write a picture 1280 pixels wide."""
    picture = picture.absolute()
    with tempfile.TemporaryDirectory() as name, contextlib.chdir(name):
        folder = Path("studies")
        sweep = ["+experiment=presets_u0_amplitude", "run.shard_points=21", "run.report=none"]
        study = izhi.run(sweep, name="whole", dir=folder)
        half = folder / "presets_u0_amplitude"
        shutil.copytree(study.path, half)
        cut_off(half / "log.jsonl", SHARDS)
        with log.writing(half / "log.jsonl"), server.listening(state.Watched.of(half), 0) as here:
            threading.Thread(target=here.serve_forever, daemon=True).start()
            take(f"http://127.0.0.1:{here.server_port}/", picture, Path(name, "profile"))
            here.shutdown()


def cut_off(path: Path, shards: int) -> None:
    """Leave of a log what it was when so many shards were done."""
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    done = [n for n, line in enumerate(lines) if json.loads(line)["event"] == "shard_done"]
    path.write_text("".join(lines[: done[shards - 1] + 1]), encoding="utf-8")


def take(address: str, picture: Path, profile: Path) -> None:
    """Take a picture of a page once all its shards are drawn."""
    from selenium.webdriver import Chrome, ChromeOptions
    from selenium.webdriver.chrome.service import Service

    options = ChromeOptions()
    for flag in ("headless", "no-sandbox", "disable-gpu", "disable-dev-shm-usage",
                 "hide-scrollbars", "window-size=1280,940",
                 f"user-data-dir={profile}"):  # fmt: skip
        options.add_argument(f"--{flag}")
    browser = Chrome(options, Service(shutil.which("chromedriver")))
    try:
        browser.get(address)
        deadline = time.monotonic() + 60
        while f"{21 * SHARDS} of 693 points" not in browser.find_element("id", "words").text:
            if time.monotonic() > deadline:
                raise TimeoutError("the map does not fill")
            time.sleep(0.2)
        time.sleep(1)
        browser.save_screenshot(str(picture))
    finally:
        browser.quit()


if __name__ == "__main__":
    draw(Path(sys.argv[1]))
