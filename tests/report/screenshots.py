"""Pictures of the page of the default sweep for the documentation.

Made by ``python -m tests.report.screenshots``: docs/report.png, 1280 pixels wide, and
docs/report_narrow.png, 600 wide, both from the page's top to the traces of a point.
"""

import base64
import subprocess
import sys
import tempfile
from pathlib import Path
from urllib.parse import urlencode

from tests.browser import open_page, started

DOCS = Path(__file__).parents[2] / "docs"
NAME = "presets_u0_amplitude"
VIEW = {
    "statistic": "firing_rate", "cell": "pre0", "x": "amplitude", "y": "neuron",
    "at.neuron": "chattering", "at.U_0": 0.5, "at.amplitude": 10,
}  # fmt: skip


def pictures():
    """Run the default sweep, write its page and take both pictures."""
    from tests.report.test_page import settle

    with tempfile.TemporaryDirectory() as folder:
        izhi = [sys.executable, "-m", "izhi"]
        command = [*izhi, "run", "-m", "+experiment=presets_u0_amplitude", f"study.name={NAME}"]
        subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)
        subprocess.run([*izhi, "report", f"studies/{NAME}"], cwd=folder, check=True)
        page = (Path(folder) / "studies" / NAME / "report.html").as_uri()
        browser = started(Path(folder))
        try:
            for name, width in (("report", 1280), ("report_narrow", 600)):
                open_page(browser, f"{page}#{urlencode(VIEW)}", width=width)
                settle(browser)
                (DOCS / f"{name}.png").write_bytes(picture(browser, width))
        finally:
            browser.quit()


def picture(browser, width):
    """Return a picture of the page down to the traces of its point, as PNG."""
    bottom = "return document.getElementById('traces').getBoundingClientRect().bottom + scrollY"
    clip = {
        "x": 0,
        "y": 0,
        "width": width,
        "height": browser.execute_script(bottom) + 24,
        "scale": 1,
    }
    given = {"captureBeyondViewport": True, "clip": clip}
    return base64.b64decode(browser.execute_cdp_cmd("Page.captureScreenshot", given)["data"])


if __name__ == "__main__":
    pictures()
