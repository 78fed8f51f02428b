"""A real Chromium without a window, driven over a pipe by its DevTools protocol.

https://chromedevtools.github.io/devtools-protocol/; `--remote-debugging-pipe` speaks it on file
descriptors 3 and 4, one JSON message after the other with a NUL between them.
"""

from __future__ import annotations

import base64
import fcntl
import json
import os
import select
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

PROGRAM = (
    shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
)
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--remote-debugging-pipe",
)
PATIENCE = 60.0
TAB = {"key": "Tab", "code": "Tab", "windowsVirtualKeyCode": 9}


class Page:
    """One tab: what it says on its console and asks of the network, and a way to ask it."""

    def __init__(self, sending: int, receiving: int) -> None:
        self._sending, self._receiving = sending, receiving
        self._rest, self._count, self._session = b"", 0, ""
        self.said: list[str] = []
        self.asked: list[str] = []
        target = self._call("Target.createTarget", url="about:blank")["targetId"]
        attached = self._call("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self._call(f"{domain}.enable")

    def look(self, width: int, height: int, *, dark: bool = False, print: bool = False) -> None:
        """Set the window's size, the colour scheme and the medium."""
        self._call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=width < 600,
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        media = "print" if print else "screen"
        self._call("Emulation.setEmulatedMedia", media=media, features=[scheme])

    def scripts(self, *, allowed: bool) -> None:
        """Let pages run scripts or not."""
        self._call("Emulation.setScriptExecutionDisabled", value=not allowed)

    def open(self, path: Path, fragment: str = "") -> None:
        """Open a file and wait until it has loaded."""
        self._loaded = False
        self._call("Page.navigate", url=path.as_uri() + fragment)
        end = time.monotonic() + PATIENCE
        while not self._loaded and time.monotonic() < end:
            self._message()

    def ask(self, expression: str) -> Any:
        """Evaluate an expression in the page; raises AssertionError with what it threw."""
        answer = self._call(
            "Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True
        )
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def tab(self) -> None:
        """Press the tabulator key."""
        self._call("Input.dispatchKeyEvent", type="rawKeyDown", **TAB)
        self._call("Input.dispatchKeyEvent", type="keyUp", **TAB)

    def picture(self, path: Path, *, whole: bool = False) -> None:
        """Write a picture of what is seen, or of the whole page."""
        answer = self._call("Page.captureScreenshot", captureBeyondViewport=whole)
        path.write_bytes(base64.b64decode(answer["data"]))

    def _call(self, method: str, **params: Any) -> dict[str, Any]:
        self._count += 1
        message: dict[str, Any] = {"id": self._count, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._sending, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._message()
            if answer.get("id") == self._count:
                assert "error" not in answer, f"{method}: {answer['error']}"
                result: dict[str, Any] = answer["result"]
                return result

    def _message(self) -> dict[str, Any]:
        while b"\0" not in self._rest:
            ready, _, _ = select.select([self._receiving], [], [], PATIENCE)
            assert ready, "Chromium does not answer"
            more = os.read(self._receiving, 1 << 20)
            assert more, "Chromium has gone"
            self._rest += more
        text, _, self._rest = self._rest.partition(b"\0")
        message: dict[str, Any] = json.loads(text)
        self._noted(message.get("method"), message.get("params", {}))
        return message

    def _noted(self, method: str | None, params: dict[str, Any]) -> None:
        if method == "Page.loadEventFired":
            self._loaded = True
        elif method == "Runtime.exceptionThrown":
            self.said.append(str(params["exceptionDetails"]))
        elif method == "Runtime.consoleAPICalled":
            self.said.append(str(params["args"]))
        elif method == "Log.entryAdded":
            self.said.append(params["entry"]["text"])
        elif method == "Network.requestWillBeSent":
            self.asked.append(params["request"]["url"])


@contextmanager
def page() -> Iterator[Page]:
    """Start Chromium with an empty profile and give its one tab."""
    assert PROGRAM is not None
    here, there = os.pipe(), os.pipe()
    inner = [fcntl.fcntl(fd, fcntl.F_DUPFD, 10) for fd in (here[0], there[1])]

    def wired() -> None:
        for fd, place in zip(inner, (3, 4), strict=True):
            os.dup2(fd, place)

    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        process = subprocess.Popen(
            [PROGRAM, *FLAGS, f"--user-data-dir={profile}"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            preexec_fn=wired,
            pass_fds=(3, 4),
        )
        for fd in (here[0], there[1], *inner):
            os.close(fd)
        try:
            yield Page(here[1], there[0])
        finally:
            process.terminate()
            process.wait()
            os.close(here[1])
            os.close(there[0])
