"""The little of the WebDriver protocol these tests need, spoken to Debian's chromedriver."""

import base64
import json
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2

ELEMENT = "element-6066-11e4-a52e-4f735466cecf"
PATIENCE_S = 10.0


def missing() -> str:
    """The first program that is not installed; empty when all are."""
    return next((one for one in ("chromium", "chromedriver") if shutil.which(one) is None), "")


class Missed(AssertionError):
    """The browser could not do it now, e.g. while a page is being replaced."""


class Chrome:
    """One window of a real browser."""

    def __init__(self, http: httpx2.Client, session: str) -> None:
        self._http = http
        self._base = f"/session/{session}"

    def call(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        answer = self._http.request(method, self._base + path, json=body if method == "POST" else None)
        value = answer.json()["value"]
        if answer.is_error:
            raise Missed(f"{path}: {value['message'].splitlines()[0]}")
        return value

    def open(self, address: str) -> None:
        self.call("POST", "/url", {"url": address})

    @property
    def address(self) -> str:
        return str(self.call("GET", "/url"))

    def find(self, css: str) -> str:
        return str(self.call("POST", "/element", {"using": "css selector", "value": css})[ELEMENT])

    def click(self, css: str) -> None:
        self.call("POST", f"/element/{self.find(css)}/click", {})

    def type(self, css: str, text: str) -> None:
        self.call("POST", f"/element/{self.find(css)}/value", {"text": text})

    def text(self, css: str = "body") -> str:
        return str(self.call("GET", f"/element/{self.find(css)}/text"))

    def run(self, script: str) -> Any:
        return self.call("POST", "/execute/sync", {"script": script, "args": []})

    def logs(self) -> list[dict[str, Any]]:
        """What the browser complained of since the last call."""
        return list(self.call("POST", "/se/log", {"type": "browser"}))

    def size(self, width: int, height: int) -> None:
        """The page's own size, whatever the window's least width is."""
        params = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500}
        self.devtools("Emulation.setDeviceMetricsOverride", params)

    def devtools(self, command: str, params: dict[str, Any]) -> Any:
        return self.call("POST", "/goog/cdp/execute", {"cmd": command, "params": params})

    def picture(self, path: Path) -> None:
        """The whole page as a PNG."""
        shot = self.devtools("Page.captureScreenshot", {"captureBeyondViewport": True})
        path.write_bytes(base64.b64decode(shot["data"]))

    def wait(self, holds: Callable[[], object], what: str) -> None:
        """Wait until it holds. Raises AssertionError after PATIENCE_S."""
        end = time.monotonic() + PATIENCE_S
        while not holds():
            assert time.monotonic() < end, f"never: {what}\n{self.text()[:2000]}"
            time.sleep(0.05)

    def wait_for(self, text: str, css: str = "main") -> None:
        self.wait(lambda: self._shows(text, css), f"{text!r} in {css}")

    def _shows(self, text: str, css: str) -> bool:
        try:
            return text in self.text(css)
        except Missed:
            return False


@contextmanager
def chrome(port: int, profile: Path) -> Iterator[Chrome]:
    """A headless Chromium, gone afterwards."""
    driver = subprocess.Popen(["chromedriver", f"--port={port}", "--silent"])
    try:
        with httpx2.Client(base_url=f"http://127.0.0.1:{port}", timeout=30, trust_env=False) as http:
            session = _begin(http, profile)
            try:
                yield Chrome(http, session)
            finally:
                http.delete(f"/session/{session}")
    finally:
        driver.terminate()
        driver.wait(timeout=10)


def _begin(http: httpx2.Client, profile: Path) -> str:
    flags = [
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        f"--user-data-dir={profile}",
    ]
    always = {
        "browserName": "chrome",
        "goog:chromeOptions": {"args": flags, "binary": shutil.which("chromium")},
        "goog:loggingPrefs": {"browser": "ALL"},
    }
    end = time.monotonic() + PATIENCE_S
    while True:
        try:
            answer = http.post("/session", json={"capabilities": {"alwaysMatch": always}})
            break
        except httpx2.ConnectError:
            assert time.monotonic() < end, "chromedriver did not come up"
            time.sleep(0.1)
    value = answer.json()["value"]
    assert "sessionId" in value, json.dumps(value)[:500]
    return str(value["sessionId"])
