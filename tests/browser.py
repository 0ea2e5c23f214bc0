"""Headless Chromium for the tests of the player's page."""

import shutil
from contextlib import contextmanager

import pytest

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_GRAPHICS = ("--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--ignore-gpu-blocklist")
NO_GRAPHICS = ("--disable-gpu", "--disable-3d-apis")


@contextmanager
def chromium():
    """Lend ``launch(*arguments)``; without arguments the browser draws 3-D graphics in software. Skip where none is."""
    sync_api = pytest.importorskip("playwright.sync_api")
    found = next((path for name in _NAMES if (path := shutil.which(name))), None)
    if found is None:
        pytest.skip(f"no Chromium on this machine (looked for {', '.join(_NAMES)}); install Debian's chromium")
    with sync_api.sync_playwright() as playwright:
        always = ["--no-sandbox", "--autoplay-policy=no-user-gesture-required"]
        yield lambda *arguments: playwright.chromium.launch(
            executable_path=found, args=[*always, *(arguments or _GRAPHICS)]
        )


class Opened:
    """A page, with what it complained of and what it asked the network for."""

    def __init__(self, browser, file, **options):
        self.page = browser.new_page(**{"viewport": {"width": 640, "height": 480}, **options})
        self.complaints, self.requests = [], []
        self.page.on("console", lambda m: self.complaints.append(m.text) if m.type in ("error", "warning") else None)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("dialog", lambda dialog: (self.complaints.append(dialog.message), dialog.dismiss()))
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.goto(file.as_uri())
        self.page.wait_for_selector(".controls")

    def get(self, expression: str):
        """The value of a JavaScript expression in the page."""
        return self.page.evaluate(expression)

    def until(self, expression: str, timeout_s: float = 20.0):
        """Wait until an expression is true; a page's own policy forbids the usual way of asking for that."""
        for _ in range(round(timeout_s / 0.05)):
            if value := self.get(expression):
                return value
            self.page.wait_for_timeout(50)
        raise AssertionError(f"{expression} did not become true")

    def close(self):
        self.page.close()
