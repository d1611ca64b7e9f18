#!/usr/bin/env python3
"""Debian's Chromium looks at both regions of deploy/regions: what a person sees, in light and dark, without console errors.

The screenshots stay in $SKERRY_SCREENSHOTS (default: a folder "skerry-screenshots" among the temporary files). Chromium is
driven over its own debugging protocol, spoken on a WebSocket by the few lines below; nothing is installed for it.
"""
import base64
import http.client
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.parse

ROOT = pathlib.Path(__file__).resolve().parents[2]
SHOTS = pathlib.Path(os.environ.get("SKERRY_SCREENSHOTS", pathlib.Path(tempfile.gettempdir()) / "skerry-screenshots"))
SECONDS = 60
MESSAGE_BYTES_MAX = 64 << 20


class WebSocket:
    """A client of text messages, as far as Chromium's debugging port asks for it."""

    def __init__(self, url):
        parts = urllib.parse.urlsplit(url)
        self.socket = socket.create_connection((parts.hostname, parts.port), SECONDS)
        key = base64.b64encode(os.urandom(16)).decode()
        self.socket.sendall(f"GET {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode())
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += self._read(1)
        assert b" 101 " in head.split(b"\r\n")[0], head

    def _read(self, count):
        data = bytearray()
        while len(data) < count:
            piece = self.socket.recv(count - len(data))
            if not piece:
                raise ConnectionError("Chromium closed its debugging connection")
            data += piece
        return bytes(data)

    def send(self, text):
        data, mask = text.encode(), os.urandom(4)
        if len(data) < 126:
            length = bytes([0x80 | len(data)])
        else:
            length = b"\xfe" + struct.pack(">H", len(data)) if len(data) < 65536 else b"\xff" + struct.pack(">Q", len(data))
        masked = bytes(byte ^ mask[i % 4] for i, byte in enumerate(data))
        self.socket.sendall(b"\x81" + length + mask + masked)

    def receive(self):
        message = b""
        while True:
            first, second = self._read(2)
            length = second & 127
            if length == 126:
                length = struct.unpack(">H", self._read(2))[0]
            elif length == 127:
                length = struct.unpack(">Q", self._read(8))[0]
            assert len(message) + length <= MESSAGE_BYTES_MAX
            payload = self._read(length)
            if first & 15 in (0, 1):
                message += payload
                if first & 0x80:
                    return message.decode()


class Browser:
    def __init__(self):
        self.pages = []
        self.folder = tempfile.mkdtemp(prefix="skerry-chromium.")
        self.process = subprocess.Popen(
            ["chromium", "--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--no-first-run",
             "--disable-background-networking", "--disable-component-update", "--remote-debugging-port=0",
             f"--user-data-dir={self.folder}", "--window-size=1100,900", "about:blank"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
        port_file = pathlib.Path(self.folder) / "DevToolsActivePort"
        until(lambda: port_file.exists() and port_file.read_text().count("\n") >= 1, "Chromium to start")
        self.port = int(port_file.read_text().split("\n")[0])

    def page(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=SECONDS)
        connection.request("PUT", "/json/new?about:blank")
        page = Page(json.loads(connection.getresponse().read())["webSocketDebuggerUrl"])
        connection.close()
        self.pages.append(page)
        return page

    def close(self):
        for page in self.pages:
            page.socket.socket.close()
        os.killpg(self.process.pid, signal.SIGKILL)  # Chromium's own group: started above
        self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


class Page:
    def __init__(self, url):
        self.socket, self.number, self.complaints, self.loaded = WebSocket(url), 0, [], 0
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def call(self, method, **params):
        self.number += 1
        self.socket.send(json.dumps({"id": self.number, "method": method, "params": params}))
        while True:
            message = json.loads(self.socket.receive())
            if message.get("id") == self.number:
                if "error" in message:
                    raise RuntimeError(f"{method}: {message['error']}")
                return message["result"]
            self._event(message)

    def _event(self, message):
        method, params = message.get("method"), message.get("params", {})
        if method == "Page.loadEventFired":
            self.loaded += 1
        elif method == "Runtime.exceptionThrown":
            self.complaints.append(json.dumps(params["exceptionDetails"])[:500])
        elif method == "Runtime.consoleAPICalled" and params["type"] in ("error", "warning"):
            self.complaints.append(json.dumps(params["args"])[:500])
        elif method == "Log.entryAdded" and params["entry"]["level"] == "error":
            self.complaints.append(json.dumps(params["entry"])[:500])

    def run(self, script):
        result = self.call("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in result:
            raise RuntimeError(json.dumps(result["exceptionDetails"])[:500])
        return result["result"].get("value")

    def go(self, url):
        before = self.loaded
        self.call("Page.navigate", url=url)
        until(lambda: self.run("document.readyState") == "complete" and self.loaded > before, f"{url} to load")
        until(lambda: self.run("[...document.querySelectorAll('body *')].some(e => Object.keys(e).some(k => k.startsWith('__react')))"
                               " || !document.querySelector('script[src*=_next]')"), f"{url} to come alive")

    def text(self, selector="body"):
        return self.run(f"document.querySelector({json.dumps(selector)})?.innerText ?? ''")

    def fill(self, selector, value):
        self.run(f"document.querySelector({json.dumps(selector)}).focus()")
        self.call("Input.insertText", text=value)

    def press(self, selector):
        self.run(f"document.querySelector({json.dumps(selector)}).click()")

    def shoot(self, name, scheme, width=1100, height=900):
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        data = self.call("Page.captureScreenshot", format="png")["data"]
        self.call("Emulation.clearDeviceMetricsOverride")
        SHOTS.mkdir(parents=True, exist_ok=True)
        (SHOTS / f"{name}-{scheme}.png").write_bytes(base64.b64decode(data))


def until(condition, what, seconds=SECONDS):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(f"gave up waiting for {what}")
        time.sleep(0.05)


class Demonstration(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.regions = subprocess.Popen([ROOT / "deploy/regions"], stdout=subprocess.PIPE, text=True)
        cls.addClassCleanup(cls.stop_regions)
        cls.urls, cls.status = {}, {}
        for line in cls.regions.stdout:
            if found := re.match(r"(ams|fra), .*?:  (\S+)   status: (\S+)", line):
                cls.urls[found[1]], cls.status[found[1]] = found[2], found[3]
            if line.startswith("Ctrl-C"):
                break
        assert set(cls.urls) == {"ams", "fra"}, "deploy/regions did not come up"
        cls.browser = Browser()
        cls.addClassCleanup(cls.browser.close)

    @classmethod
    def stop_regions(cls):
        cls.regions.send_signal(signal.SIGINT)
        cls.regions.wait(60)
        cls.regions.stdout.close()

    def write(self, page, region, text, name):
        page.go(self.urls[region] + "/")
        page.fill("#text", text)
        if page.run("!!document.querySelector('#author')"):
            page.run("document.querySelector('#author').value = ''")
            page.fill("#author", name)
        page.press("form[data-testid=write] button")
        until(lambda: "Written on the primary in ams" in page.text("form[data-testid=write]"), "the write to be confirmed")

    def test_1_a_write_far_away_is_there_at_once_and_a_moment_later_here(self):
        far, near = self.browser.page(), self.browser.page()
        near.go(self.urls["ams"] + "/live")
        until(lambda: near.text("[data-testid=feed-state]") == "open", "the stream")
        lines = ["Two sails in the north, wind from the west", "The light at Skarvholmen is out, boat sent with a new lamp",
                 "Seal on the slip again", "Fog is lifting over the sound"]
        for text, name in zip(lines, ("Inge", "Bo", "Kari", "Per")):
            self.write(far, "fra", text, name)
            far.go(self.urls["fra"] + "/")
            self.assertIn(text, far.text("[data-testid=entries]"))
            until(lambda: text in near.text("[data-testid=feed]"), "the line on the other region's stream")
        self.assertEqual(far.text("[data-testid=role]"), "replica")
        self.assertEqual(near.text("[data-testid=role]"), "primary")
        for scheme in ("light", "dark"):
            far.shoot("log-fra", scheme)
            near.shoot("live-ams", scheme)
        far.shoot("log-fra-narrow", "light", 390, 844)
        self.assertEqual(far.complaints + near.complaints, [])

    def test_2_login_visits_and_files(self):
        page = self.browser.page()
        page.go(self.urls["fra"] + "/account")
        page.fill("#name", "Inge")
        before = page.loaded
        page.press("form[action='/api/login'] button")
        until(lambda: page.run("1") and page.loaded > before, "the page after the login")
        self.assertEqual(page.text("[data-testid=user]"), "Hello, Inge")
        page.shoot("account-fra", "light")
        counts = []
        for _ in range(2):
            page.go(self.urls["fra"] + "/visits")
            counts.append(int(page.text("[data-testid=visits]")))
        self.assertEqual(counts[1], counts[0] + 1)
        page.shoot("visits-fra", "dark")
        page.go(self.urls["fra"] + "/files")
        page.run("""(() => { const data = new DataTransfer();
          data.items.add(new File([new Uint8Array(3_000_000)], 'chart of the sound.bin'));
          document.querySelector('#file').files = data.files; })()""")
        page.press("form[data-testid=upload] button")
        until(lambda: "Kept on the primary" in page.text("form[data-testid=upload]"), "the upload")
        until(lambda: "chart of the sound.bin" in page.text("table"), "the file in the list")
        page.shoot("files-fra", "light")
        self.assertEqual(page.complaints, [])

    def test_3_the_status_page(self):
        page = self.browser.page()
        page.go(self.status["ams"])
        self.assertIn("app.db", page.text())
        for scheme in ("light", "dark"):
            page.shoot("status-ams", scheme)
        page.go(self.status["fra"])
        page.shoot("status-fra", "light")
        self.assertEqual(page.complaints, [])


if __name__ == "__main__":
    if shutil.which("chromium") is None:
        print("chromium is not there: skipped")
        sys.exit(77)
    unittest.main()
