"""A headless Chromium for tests of pages, and what it saw: requests and console messages."""

import json
import os
import shutil

import pytest

_FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
    "--window-size=1280,900", "--force-device-scale-factor=1", "--lang=en",
    # a page's requests are all that there are
    "--no-first-run", "--no-default-browser-check", "--disable-background-networking",
    "--disable-component-update", "--disable-default-apps", "--disable-sync",
    "--disable-extensions", "--disable-domain-reliability", "--disable-breakpad",
    "--disable-features=OptimizationHints,MediaRouter,Translate,NetworkTimeServiceQuerying",
    "--metrics-recording-only", "--no-pings", "--password-store=basic", "--use-mock-keychain",
)  # fmt: skip

_MISSING = "no Chromium: install the Debian packages chromium and chromium-driver"


@pytest.fixture(scope="session")
def browser(tmp_path_factory):
    """Give selenium's driver of a Chromium with an empty profile, one for the session.

    Start with :func:`open_page`: tests share it, with its windows and logs.
    """
    if None in _programs():
        if os.environ.get("CI"):
            pytest.fail(_MISSING)
        pytest.skip(_MISSING)
    browser = started(tmp_path_factory.mktemp("chromium"))
    yield browser
    browser.quit()


def _programs():
    return _found("chromium", "chromium-browser"), _found("chromedriver")


def _found(*names):
    return next(filter(None, map(shutil.which, names)), None)


def started(home):
    """Return selenium's driver of a Chromium that keeps all that it writes in a folder."""
    from selenium.webdriver import Chrome, ChromeOptions
    from selenium.webdriver.chrome.service import Service

    program, driver = _programs()
    options = ChromeOptions()
    options.binary_location = program  # both are given, so that selenium looks for neither
    for flag in (*_FLAGS, f"--user-data-dir={home / 'profile'}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    options.set_capability("goog:perfLoggingPrefs", {"enableNetwork": True, "enablePage": False})
    return Chrome(options, Service(driver, env={**os.environ, "HOME": str(home)}))


def open_page(driver, address, width=1280, height=900):
    """Open a page in a window of this size; what went before is out of the logs."""
    driver.get("about:blank")
    driver.set_window_size(width, height)
    requests(driver)
    messages(driver)
    driver.get(str(address))


def requests(driver):
    """Return the addresses that were asked for since the last call, but for a page's own data."""
    events = [json.loads(entry["message"])["message"] for entry in driver.get_log("performance")]
    addresses = [
        event["params"]["request"]["url"]
        for event in events
        if event["method"] == "Network.requestWillBeSent"
    ]
    return [a for a in addresses if not a.startswith(("data:", "blob:", "about:"))]


def messages(driver):
    """Return what the console said since the last call."""
    return [f"{entry['level']} {entry['message']}" for entry in driver.get_log("browser")]
