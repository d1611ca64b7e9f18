"""A primary that is cut off without a word: a network of its own, whose cable is pulled."""

import ctypes
import os
import shutil
import subprocess
import threading
import time
import unittest

from proxy_support import App, Proxy, Server
from support import DEADLINE_S, wait_until

CLONE_NEWNET = 0x40000000
NAME = f"skerry{os.getpid()}"
HERE, THERE = "10.213.77.1", "10.213.77.2"


def ip(*arguments):
    subprocess.run(["ip", *arguments], check=True, capture_output=True)


def can_have_a_network():
    if os.geteuid() != 0 or not shutil.which("ip"):
        return False
    made = subprocess.run(["ip", "netns", "add", NAME], capture_output=True, check=False)
    return made.returncode == 0


@unittest.skipUnless(can_have_a_network(), "needs root and iproute2")
class Partition(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.addClassCleanup(ip, "netns", "del", NAME)
        near, far = f"{NAME}a"[-15:], f"{NAME}b"[-15:]
        ip("link", "add", near, "type", "veth", "peer", "name", far, "netns", NAME)
        ip("addr", "add", f"{HERE}/30", "dev", near)
        ip("link", "set", near, "up")
        ip("-n", NAME, "addr", "add", f"{THERE}/30", "dev", far)
        cls.far = far
        cls.plug("up")

    @classmethod
    def plug(cls, state):
        ip("-n", NAME, "link", "set", cls.far, state)

    def server_there(self, serve):
        """A server in that network. Namespaces are a thread's, and a socket keeps the one it has."""
        made = []

        def make():
            with open(f"/run/netns/{NAME}", "rb") as namespace:
                assert ctypes.CDLL(None).setns(namespace.fileno(), CLONE_NEWNET) == 0
            made.append(Server(serve, host=THERE))
        thread = threading.Thread(target=make)
        thread.start()
        thread.join()
        self.addCleanup(made[0].close)
        return made[0]

    def test_requests_go_on_elsewhere_and_writes_on_their_way_are_in_doubt_within_seconds(self):
        def serve(wire):
            while True:
                _, fields = wire.head()
                wire.body(fields)
                wire.send("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nold")
        there = self.server_there(serve)
        settings = {"primary-redirect-timeout": "60s"}
        with App(lambda r: (200, b"new")) as elsewhere, App() as app, \
                Proxy(app.port, settings) as proxy:
            proxy.state(primary=0, known=1, hostname="p", proxy_url=f"http://{THERE}:{there.port}")
            self.assertEqual(proxy.post()[2], b"old")
            self.plug("down")
            self.addCleanup(self.plug, "up")
            answers = {}

            def ask(name, method):
                answers[name] = proxy.ask(method, "/", headers={"Read-Consistency": "primary"})
            began = time.monotonic()
            threads = [threading.Thread(target=ask, args=(m, m)) for m in ("POST", "GET")]
            threads[0].start()
            wait_until(lambda: proxy.metrics()["upstream_reused"] == 1, "the write is on its way")
            threads[1].start()
            wait_until(lambda: "POST" in answers, "the write's fate is said")
            self.assertLess(time.monotonic() - began, 20)
            status, fields, _ = answers["POST"]
            self.assertEqual((status, fields["skerry-write"]), (502, "in-doubt"))
            self.assertNotIn("GET", answers)
            proxy.state(hostname="q", proxy_url=f"http://127.0.0.1:{elsewhere.port}")
            for thread in threads:
                thread.join(DEADLINE_S)
            self.assertEqual(answers["GET"][2], b"new")
            self.assertEqual(proxy.post()[2], b"new")


if __name__ == "__main__":
    unittest.main()
