"""The browser that tests of pages share says what a page asks for and says."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.browser import messages, open_page, requests

ROOT = Path(__file__).parent.parent

_PAGE = """\
<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,"><title>old</title>
<script>document.title = "new"; console.error("a word");</script>
<img src="http://127.0.0.1:9/nowhere.png">
"""


@pytest.mark.pages
def test_a_page_is_run_and_what_it_asks_for_is_known(browser, tmp_path):
    page = tmp_path / "page.html"
    page.write_text(_PAGE)
    open_page(browser, page.as_uri())
    assert browser.title == "new"
    assert requests(browser) == [page.as_uri(), "http://127.0.0.1:9/nowhere.png"]
    said = messages(browser)
    assert any("a word" in line and line.startswith("SEVERE") for line in said)
    open_page(browser, "about:blank")
    assert requests(browser) == messages(browser) == []


@pytest.mark.parametrize(("ci", "outcome"), [("", "1 skipped"), ("true", "1 error")])
def test_without_chromium(ci, outcome, tmp_path):
    test = tmp_path / "test_it.py"
    test.write_text("from tests.browser import browser\ndef test_it(browser): pass\n")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-ra", str(test)],
        cwd=tmp_path, capture_output=True, text=True,
        env={**os.environ, "PATH": str(tmp_path), "CI": ci, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert outcome in done.stdout
    assert "install the Debian packages chromium and chromium-driver" in done.stdout
