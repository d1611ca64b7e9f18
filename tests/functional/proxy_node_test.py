"""The proxy of real nodes, before applications that use real databases in the mount."""

import http.client
import os
import signal
import sqlite3
import subprocess
import threading
import time
import unittest

from proxy_support import App
from support import DEADLINE_S, Node, PROGRAM, free_port, is_running, wait_until


def ask(port, method, path, body=None, headers=None):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=DEADLINE_S)
    try:
        connection.request(method, path, body, headers or {})
        response = connection.getresponse()
        return response.status, {k.lower(): v for k, v in response.getheaders()}, response.read()
    finally:
        connection.close()


class Site:
    """A node, and an application in this process: POST inserts, GET counts, GET /w inserts too."""

    def __init__(self, name="a", candidate=True, config=None, advertise=None, **more):
        self.app = App(self.answer)
        self.port = free_port()
        proxy = {"addr": f"127.0.0.1:{self.port}", "target": f"127.0.0.1:{self.app.port}",
                 "db": "app.db", **(config or {})}
        lease = {"advertise-url": advertise} if advertise else {}
        self.node = Node(name=name, candidate=candidate, config={"proxy": proxy, "lease": lease},
                         **more)

    def database(self):
        return sqlite3.connect(self.node.path("app.db"), timeout=30, isolation_level=None)

    def answer(self, request):
        try:
            db = self.database()
            try:
                if request.method == "POST" or request.target == "/w":
                    db.execute("INSERT INTO t VALUES (1)")
                return 200, str(db.execute("SELECT count(*) FROM t").fetchone()[0]).encode()
            finally:
                db.close()
        except sqlite3.Error as error:
            return 500, str(error).encode()

    def ask(self, method, path="/", **headers):
        return ask(self.port, method, path,
                   headers={k.replace("_", "-"): v for k, v in headers.items()})

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.node.close()
        self.app.close()


class OneNode(unittest.TestCase):
    def test_what_moves_the_database_moves_the_token(self):
        with Site() as site:
            with site.database() as db:
                db.execute("PRAGMA journal_mode = wal")
                db.execute("CREATE TABLE t (v)")
            _, first, _ = site.ask("GET")
            self.assertIn("skerry-token", first)
            _, same, _ = site.ask("GET", Skerry_Token=first["skerry-token"])
            self.assertNotIn("set-cookie", same)
            status, moved, body = site.ask("POST", Skerry_Token=first["skerry-token"])
            self.assertEqual((status, body), (200, b"1"))
            self.assertNotEqual(moved["skerry-token"], first["skerry-token"])
            _, written, _ = site.ask("GET", "/w", Cookie="__txid=" + moved["skerry-token"])
            self.assertNotEqual(written["skerry-token"], moved["skerry-token"])
            self.assertEqual(site.ask("GET", "/litefs/health")[::2], (200, b"OK\n"))

    def test_an_upgrade_of_the_program_fails_no_request(self):
        with Site() as site:
            with site.database() as db:
                db.execute("PRAGMA journal_mode = wal")
                db.execute("CREATE TABLE t (v)")
            stop, failures, answered = threading.Event(), [], [0]

            def load(method):
                while not stop.is_set():
                    try:
                        status, _, body = site.ask(method)
                        if status != 200:
                            failures.append((status, body))
                    except (OSError, http.client.HTTPException) as error:
                        failures.append(repr(error))
                    answered[0] += 1
            threads = [threading.Thread(target=load, args=(m,)) for m in ("GET", "GET", "POST")]
            for thread in threads:
                thread.start()
            try:
                for _ in range(2):
                    before = answered[0]
                    worker = site.node.worker()
                    done = subprocess.run([PROGRAM, "upgrade", "-config", site.node.config_path],
                                          capture_output=True, timeout=DEADLINE_S, check=False)
                    self.assertEqual(done.returncode, 0, done.stderr)
                    self.assertNotEqual(site.node.worker(), worker)
                    wait_until(lambda: answered[0] > before + 50, "requests are answered again")
            finally:
                stop.set()
                for thread in threads:
                    thread.join(DEADLINE_S)
            self.assertEqual(failures, [], site.node.log())

    def test_a_killed_worker_refuses_no_connection(self):
        with Site() as site:
            with site.database() as db:
                db.execute("CREATE TABLE t (v)")
            for _ in range(3):
                worker = site.node.worker()
                os.kill(worker, signal.SIGKILL)
                self.assertEqual(site.ask("GET")[0], 200)
                wait_until(lambda: not is_running(worker), "the worker is gone")

    def test_a_worker_that_is_killed_under_load_fails_only_what_was_in_its_hands(self):
        clients, kills = 3, 3
        with Site() as site:
            with site.database() as db:
                db.execute("PRAGMA journal_mode = wal")
                db.execute("CREATE TABLE t (v)")
            stop, failures, answered, written = threading.Event(), [], [0], [0]

            def load(method):
                while not stop.is_set():
                    try:
                        status, _, body = site.ask(method)
                        if status != 200:
                            failures.append((status, body))
                        elif method == "POST":
                            written[0] += 1
                    except (OSError, http.client.HTTPException) as error:
                        failures.append(error)
                    answered[0] += 1
            threads = [threading.Thread(target=load, args=(m,)) for m in ("GET", "GET", "POST")]
            for thread in threads:
                thread.start()
            try:
                for _ in range(kills):
                    before = answered[0]
                    wait_until(lambda: answered[0] > before + 50, "requests are answered")
                    worker = site.node.worker()
                    os.kill(worker, signal.SIGKILL)
                    wait_until(lambda: site.node.worker() not in (None, worker), "a successor")
                before = answered[0]
                wait_until(lambda: answered[0] > before + 50, "requests are answered again")
            finally:
                stop.set()
                for thread in threads:
                    thread.join(DEADLINE_S)
            self.assertFalse([f for f in failures if isinstance(f, ConnectionRefusedError)])
            self.assertLessEqual(len(failures), clients * kills, failures)
            with site.database() as db:
                rows = db.execute("SELECT count(*) FROM t").fetchone()[0]
            self.assertGreaterEqual(rows, written[0])
            self.assertLessEqual(rows, written[0] + kills)

    def test_an_application_that_waits_for_idle_connections_stops_at_once(self):
        # As Next.js does: after SIGTERM it ends when nobody is connected any more.
        app_port = free_port()
        program = f"""
import signal, socket, threading
left = []
def serve(s):
    left.append(s)
    try:
        while s.recv(65536):
            s.sendall(b"HTTP/1.1 200 OK\\r\\nContent-Length: 0\\r\\n\\r\\n")
    finally:
        s.close(); left.remove(s)
listener = socket.socket()
listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
listener.bind(("127.0.0.1", {app_port})); listener.listen()
def stop(*_):
    import time, os
    while left: time.sleep(0.01)
    print("nobody is connected", flush=True)
    os._exit(0)
signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=stop).start())
def accept():
    while True: threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
threading.Thread(target=accept, daemon=True).start()
threading.Event().wait()
"""
        port = free_port()
        node = Node(config={"proxy": {"addr": f"127.0.0.1:{port}", "db": "app.db",
                                      "target": f"127.0.0.1:{app_port}"},
                            "exec": [{"cmd": "python3 app.py"}]}, start=False)
        (node.dir / "app.py").write_text(program)
        try:
            node.start()
            self.assertEqual(ask(port, "GET", "/")[0], 200)
            began = time.monotonic()
            node.stop()
            self.assertIn("nobody is connected", node.log())
            self.assertLess(time.monotonic() - began, 3)
        finally:
            node.close()


class TwoNodes(unittest.TestCase):
    """A static lease: one primary, one replica that knows where its proxy is."""

    def test_a_write_at_the_replica_reaches_the_primarys_application(self):
        with Site("primary") as primary:
            with primary.database() as db:
                db.execute("CREATE TABLE t (v)")
            there = {"forward-url": f"http://127.0.0.1:{primary.port}"}
            with Site("primary", candidate=False, config=there) as replica:
                status, fields, body = replica.ask("POST")
                self.assertEqual((status, body), (200, b"1"))
                self.assertIn("skerry-token", fields)
                self.assertEqual(replica.app.requests, [])
                self.assertEqual(replica.ask("GET", Read_Consistency="primary")[2], b"1")
                self.assertEqual(replica.ask("GET", "/litefs/health")[0], 503)  # never in sync

    def test_a_get_that_writes_at_the_replica_is_answered_by_the_primary(self):
        with Site("primary") as primary:
            with primary.database() as db:
                db.execute("CREATE TABLE t (v)")
            for mode in ("delete", "wal"):
                with self.subTest(mode), Site("primary") as replica:
                    with replica.database() as db:  # before it becomes one
                        db.execute(f"PRAGMA journal_mode = {mode}")
                        db.execute("CREATE TABLE t (v)")
                    replica.node.stop()
                    replica.node.config["lease"]["candidate"] = False
                    replica.node.config["proxy"]["forward-url"] = f"http://127.0.0.1:{primary.port}"
                    replica.node.start()
                    before = int(primary.ask("GET")[2])
                    self.assertEqual(replica.ask("GET", "/w")[::2], (200, str(before + 1).encode()))
                    self.assertEqual(len(replica.app.requests), 1)
                    self.assertIn("proxy-get-that-wrote", replica.node.log())


if __name__ == "__main__":
    unittest.main()
