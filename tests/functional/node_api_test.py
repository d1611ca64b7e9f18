#!/usr/bin/env python3
"""The node API and the commands that use it, on a node that is really mounted."""

import http.client
import json
import os
import random
import re
import socket
import sqlite3
import subprocess
import threading
import unittest
import urllib.error
import urllib.parse
import urllib.request

from support import DEADLINE_S, PROGRAM, ROOT, Node, NodeTest, wait_until

HEX16 = re.compile(r"^[0-9a-f]{16}$")


def request(node, path, method="GET", body=None):
    """(status, headers, body) of one request."""
    connection = http.client.HTTPConnection("127.0.0.1", node.port, timeout=DEADLINE_S)
    try:
        connection.request(method, path, body)
        reply = connection.getresponse()
        return reply.status, reply.headers, reply.read()
    finally:
        connection.close()


def get_json(node, path):
    status, _, body = request(node, path)
    if status != 200:
        raise AssertionError(f"{path}: {status} {body!r}")
    return json.loads(body)


def command(*words, **more):
    return subprocess.run([PROGRAM, *map(str, words)], capture_output=True, text=True,
                          timeout=DEADLINE_S, check=False, **more)


def content(connection):
    return "\n".join(connection.iterdump())


class Events:
    """A client of /events."""

    def __init__(self, node):
        self.reply = urllib.request.urlopen(f"{node.url}/events", timeout=DEADLINE_S)

    def next(self):
        return json.loads(self.reply.readline())

    def close(self):
        self.reply.close()


class ReadingTest(NodeTest):
    def test_info(self):
        status, headers, body = request(self.node, "/info")
        self.assertEqual(200, status)
        info = json.loads(body)
        cluster = (self.node.data / "clusterid").read_text()
        self.assertRegex(cluster, r"^LFSC[0-9A-F]{16}\n$")
        self.assertEqual({"clusterID": cluster.strip(), "isPrimary": True, "candidate": True,
                          "path": str(self.node.data), "primary": {"hostname": "a"}}, info)
        self.assertIn(b'\n  "isPrimary": true', body)
        self.assertRegex(headers["Litefs-Id"], r"^[0-9A-F]{16}$")
        self.assertEqual(cluster.strip(), headers["Litefs-Cluster-Id"])

    def test_events(self):
        events = Events(self.node)
        self.addCleanup(events.close)
        self.assertEqual({"type": "init", "data": {"isPrimary": True}}, events.next())
        database = sqlite3.connect(self.node.path("events.db"), isolation_level=None)
        self.addCleanup(database.close)
        database.execute("CREATE TABLE t (x)")
        for i in range(3):
            database.execute("INSERT INTO t VALUES (?)", (i,))
        txid = self.node.txid("events.db")
        seen = []
        while not seen or int(seen[-1]["data"]["txID"], 16) < txid:
            event = events.next()
            if event["db"] == "events.db":
                seen.append(event)
        self.assertEqual(list(range(1, txid + 1)), [int(e["data"]["txID"], 16) for e in seen])
        last = seen[-1]
        self.assertEqual("tx", last["type"])
        self.assertEqual({"txID", "postApplyChecksum", "pageSize", "commit", "timestamp"},
                         set(last["data"]))
        self.assertEqual(self.node.position("events.db")[1],
                         int(last["data"]["postApplyChecksum"], 16))
        self.assertEqual(4096, last["data"]["pageSize"])
        self.assertEqual(2, last["data"]["commit"])
        self.assertRegex(last["data"]["timestamp"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")

    def test_who_does_not_read_events_slows_nobody(self):
        deaf = socket.create_connection(("127.0.0.1", self.node.port))
        self.addCleanup(deaf.close)
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        deaf.sendall(b"GET /events HTTP/1.1\r\nHost: h\r\n\r\n")
        wait_until(lambda: get_json(self.node, "/skerry/status") and
                   b"litefs_subscriber_count 1" in request(self.node, "/metrics")[2],
                   "the client is counted")
        database = sqlite3.connect(self.node.path("deaf.db"), isolation_level=None)
        self.addCleanup(database.close)
        database.execute("PRAGMA journal_mode=WAL")
        database.execute("PRAGMA synchronous=NORMAL")
        database.execute("CREATE TABLE t (x)")
        for i in range(5000):
            database.execute("INSERT INTO t VALUES (?)", (i,))
        self.assertEqual(5000, database.execute("SELECT count(*) FROM t").fetchone()[0])
        deaf.close()
        wait_until(lambda: b"litefs_subscriber_count 0" in request(self.node, "/metrics")[2],
                   "the client's end is noticed")

    def test_metrics(self):
        with sqlite3.connect(self.node.path("metrics.db")) as database:
            database.execute("CREATE TABLE t (x)")
        database.close()
        text = request(self.node, "/metrics")[2].decode()
        txid = self.node.txid("metrics.db")
        self.assertIn(f'litefs_db_txid{{db="metrics.db"}} {txid}\n', text)
        self.assertIn(f'litefs_db_commit_count{{db="metrics.db"}} {txid}\n', text)
        self.assertIn("litefs_is_primary 1\n", text)
        for name in ("litefs_db_count", "litefs_subscriber_count", "litefs_lag_seconds",
                     "litefs_http_stream_count", "litefs_http_frame_send_count",
                     "litefs_db_database_write_count", "litefs_db_journal_write_count",
                     "litefs_db_wal_write_count", "litefs_db_shm_write_count",
                     "litefs_db_ltx_count", "litefs_db_ltx_bytes", "litefs_db_ltx_reap_count",
                     "litefs_db_lag_seconds", "skerry_epoch", "skerry_db_wal_frames",
                     "process_resident_memory_bytes"):
            self.assertIn(f"# TYPE {name} ", text)
        documented = (ROOT / "daemon/admin/API.md").read_text()
        names = re.findall(r"(?m)^# TYPE (\S+) ", text)
        self.assertEqual([], [name for name in names if f"`{name}`" not in documented])
        self.assertEqual(len(names), len(set(names)))
        value = re.search(r'litefs_db_journal_write_count\{db="metrics.db"\} (\d+)', text)
        self.assertGreater(int(value.group(1)), 0)

    def test_status(self):
        with sqlite3.connect(self.node.path("status.db")) as database:
            database.execute("CREATE TABLE t (x)")
        database.close()
        status = get_json(self.node, "/skerry/status")
        self.assertEqual("primary", status["node"]["role"])
        found = [d for d in status["databases"] if d["name"] == "status.db"][0]
        self.assertEqual(self.node.position("status.db"),
                         (int(found["txid"], 16), int(found["checksum"], 16)))
        shown = command("status", "-url", self.node.url)
        self.assertEqual((0, ""), (shown.returncode, shown.stderr))
        self.assertRegex(shown.stdout, r"(?m)^role      primary, epoch \d+, static lease$")
        self.assertIn(f'{found["txid"]}/{found["checksum"]}', shown.stdout)
        as_json = command("status", "-json", "-url", self.node.url)
        self.assertEqual(status["node"]["id"], json.loads(as_json.stdout)["node"]["id"])
        nobody = command("status", "-url", "http://127.0.0.1:1")
        self.assertEqual(1, nobody.returncode)
        self.assertRegex(nobody.stderr, r"^ERROR: http://127.0.0.1:1/skerry/status: nobody answers "
                                        r"there \(Connection refused\)")

    def test_health_and_vars(self):
        self.assertEqual((200, b"OK\n"), request(self.node, "/skerry/health/live")[::2])
        self.assertEqual((200, b"OK\n"), request(self.node, "/skerry/health/ready")[::2])
        self.assertIs(True, get_json(self.node, "/debug/vars")["store"]["isPrimary"])

    def test_no_request_fails_while_the_program_is_replaced(self):
        failed, served, stop = [], [], threading.Event()

        def ask():
            while not stop.is_set():
                try:
                    served.append(request(self.node, "/info")[0])
                except OSError as error:
                    failed.append(error)

        threads = [threading.Thread(target=ask) for _ in range(4)]
        for thread in threads:
            thread.start()
        try:
            for _ in range(3):
                self.assertEqual("", self.node.upgrade().stderr)
                so_far = len(served)
                wait_until(lambda: len(served) > so_far + 100, "the next one serves")
        finally:
            stop.set()
            for thread in threads:
                thread.join()
        self.assertEqual([], failed)
        self.assertEqual({200}, set(served))

    def test_the_api_goes_on_with_the_next_worker(self):
        before = get_json(self.node, "/skerry/status")["node"]["id"]
        self.node.kill_worker()
        after = get_json(self.node, "/skerry/status")["node"]["id"]  # waits in the socket's queue
        self.assertNotEqual(before, after)


class ExportTest(NodeTest):
    def setUp(self):
        self.name = f"{self.id().rsplit('.', 1)[1]}.db"
        self.to = str(self.node.dir / self.name)
        self.database = sqlite3.connect(self.node.path(self.name), isolation_level=None)
        self.addCleanup(self.database.close)

    def export(self):
        return command("export", "-url", self.node.url, "-name", self.name, self.to)

    def test_replaces_the_file_and_what_lay_beside_it(self):
        self.database.execute("CREATE TABLE t (x)")
        self.database.execute("INSERT INTO t VALUES ('row')")
        for suffix in ("", "-journal", "-wal", "-shm"):
            with open(self.to + suffix, "w", encoding="ascii") as file:
                file.write("old")
        done = self.export()
        self.assertEqual((0, ""), (done.returncode, done.stderr))
        self.assertRegex(done.stdout,
                         rf'^Export of database "{self.name}" in (\d+ms|[\d.]+s)\n$')
        for suffix in ("-journal", "-wal", "-shm", ".tmp"):
            self.assertFalse(os.path.exists(self.to + suffix), suffix)
        copy = sqlite3.connect(self.to)
        self.addCleanup(copy.close)
        self.assertEqual(content(self.database), content(copy))

    def test_is_of_one_state_while_writers_go_on(self):
        # Each transaction keeps the sum of all rows at 0.
        self.database.execute("PRAGMA journal_mode=WAL")
        self.database.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, x INTEGER, filler BLOB)")
        self.database.execute("BEGIN")
        for i in range(2000):
            self.database.execute("INSERT INTO t VALUES (?, 0, randomblob(2000))", (i,))
        self.database.execute("COMMIT")
        stop = threading.Event()
        written = []

        def write():
            writer = sqlite3.connect(self.node.path(self.name), isolation_level=None,
                                     timeout=DEADLINE_S)
            dice = random.Random(1)
            while not stop.is_set():
                amount = dice.randrange(100)
                writer.execute("BEGIN IMMEDIATE")
                writer.execute("UPDATE t SET x = x + ? WHERE id = ?", (amount, dice.randrange(2000)))
                writer.execute("UPDATE t SET x = x - ? WHERE id = ?", (amount, dice.randrange(2000)))
                writer.execute("COMMIT")
                written.append(amount)
            writer.close()

        thread = threading.Thread(target=write)
        thread.start()
        try:
            for _ in range(10):
                before = len(written)
                done = self.export()
                self.assertEqual((0, ""), (done.returncode, done.stderr))
                copy = sqlite3.connect(self.to)
                self.assertEqual("ok", copy.execute("PRAGMA integrity_check").fetchone()[0])
                self.assertEqual((2000, 0),
                                 copy.execute("SELECT count(*), sum(x) FROM t").fetchone())
                copy.close()
                wait_until(lambda: len(written) > before, "the writer goes on")
        finally:
            stop.set()
            thread.join()

    def test_of_nothing_leaves_the_old_file(self):
        self.name = "none.db"
        with open(self.to, "w", encoding="ascii") as file:
            file.write("old")
        done = self.export()
        self.assertEqual((1, "ERROR: database not found: none.db\n"),
                         (done.returncode, done.stderr))
        with open(self.to, encoding="ascii") as file:
            self.assertEqual("old", file.read())
        self.assertFalse(os.path.exists(self.to + ".tmp"))


class ImportTest(NodeTest):
    def import_it(self, name, path):
        return command("import", "-url", self.node.url, "-name", name, path)

    def file(self, name, page_size=4096, rows=100, mode="DELETE", seed=1):
        """A database file with rows of random content; (path, dump)."""
        path = str(self.node.dir / name)
        for suffix in ("", "-wal", "-shm", "-journal"):
            if os.path.exists(path + suffix):
                os.remove(path + suffix)
        dice = random.Random(seed)
        database = sqlite3.connect(path, isolation_level=None)
        database.execute(f"PRAGMA page_size={page_size}")
        database.execute(f"PRAGMA journal_mode={mode}")
        database.execute(f"CREATE TABLE t{seed} (id INTEGER PRIMARY KEY, x BLOB)")
        database.execute("BEGIN")
        for _ in range(rows):
            database.execute(f"INSERT INTO t{seed} (x) VALUES (?)",
                             (dice.randbytes(dice.randrange(1, 3 * page_size)),))
        database.execute("COMMIT")
        dump = content(database)
        database.close()
        return path, dump

    def test_round_trip(self):
        for page_size in (512, 1024, 4096, 16384, 65536):
            for mode in ("DELETE", "WAL"):
                with self.subTest(page_size=page_size, mode=mode):
                    path, dump = self.file("in.db", page_size, mode=mode, seed=page_size)
                    name = f"trip-{page_size}-{mode}.db"
                    done = self.import_it(name, path)
                    self.assertEqual((0, ""), (done.returncode, done.stderr))
                    self.assertRegex(done.stdout,
                                     rf'^Import of database "{name}" in (\d+ms|[\d.]+s)\n$')
                    here = sqlite3.connect(self.node.path(name))
                    self.assertEqual("ok", here.execute("PRAGMA integrity_check").fetchone()[0])
                    self.assertEqual(dump, content(here))
                    here.close()
                    out = str(self.node.dir / "out.db")
                    done = command("export", "-url", self.node.url, "-name", name, out)
                    self.assertEqual((0, ""), (done.returncode, done.stderr))
                    with open(path, "rb") as before, open(out, "rb") as after:
                        self.assertEqual(before.read(), after.read())
                    self.assertEqual(1, self.node.txid(name))

    def test_over_a_database_in_use(self):
        for mode in ("DELETE", "WAL"):
            with self.subTest(mode=mode):
                name = f"used-{mode}.db"
                user = sqlite3.connect(self.node.path(name), isolation_level=None,
                                       timeout=DEADLINE_S)
                user.execute(f"PRAGMA journal_mode={mode}")
                user.execute("CREATE TABLE old (x)")
                for seed in (11, 12, 13):
                    path, dump = self.file("in.db", seed=seed)
                    done = self.import_it(name, path)
                    self.assertEqual((0, ""), (done.returncode, done.stderr))
                    # The open connection sees the new schema and content, and can write.
                    self.assertEqual(dump, content(user))
                    self.assertEqual(mode.lower(),
                                     user.execute("PRAGMA journal_mode").fetchone()[0])
                    user.execute(f"INSERT INTO t{seed} (x) VALUES ('more')")
                    self.assertEqual("ok", user.execute("PRAGMA integrity_check").fetchone()[0])
                user.close()

    def test_what_is_no_database_changes_nothing(self):
        path, dump = self.file("in.db")
        self.assertEqual(0, self.import_it("kept.db", path).returncode)
        position = self.node.position("kept.db")
        bad = self.node.dir / "bad"
        bad.write_bytes(b"x" * 10_000)
        done = self.import_it("kept.db", bad)
        self.assertEqual((1, "ERROR: the file is no SQLite database\n"),
                         (done.returncode, done.stderr))
        self.assertEqual(position, self.node.position("kept.db"))
        done = self.import_it("a/b", path)
        self.assertEqual(1, done.returncode)
        self.assertIn("cannot be the name of a database", done.stderr)
        done = self.import_it("kept.db", self.node.dir / "none")
        self.assertEqual(1, done.returncode)
        self.assertIn("No such file or directory", done.stderr)
        here = sqlite3.connect(self.node.path("kept.db"))
        self.assertEqual(dump, content(here))
        here.close()

    def test_survives_a_restart(self):
        path, dump = self.file("in.db", seed=5)
        self.assertEqual(0, self.import_it("stays.db", path).returncode)
        self.node.restart()
        here = sqlite3.connect(self.node.path("stays.db"))
        self.assertEqual(dump, content(here))
        here.close()


class HostileTest(NodeTest):
    """Clients that do what they should not, while others are served."""

    def connect(self):
        client = socket.create_connection(("127.0.0.1", self.node.port), timeout=DEADLINE_S)
        self.addCleanup(client.close)
        return client

    def served(self):
        self.assertEqual(200, request(self.node, "/info")[0])

    def test_slow_headers(self):
        clients = [self.connect() for _ in range(100)]
        for client in clients:
            client.sendall(b"GET /info HTTP/1.1\r\nX: ")
        self.served()
        self.assertEqual(b"", clients[0].recv(1000))  # it ran into its deadline
        self.served()

    def test_garbage(self):
        dice = random.Random(2)
        for _ in range(50):
            client = self.connect()
            client.sendall(dice.randbytes(dice.randrange(1, 5000)))
            client.shutdown(socket.SHUT_WR)
            answer = b""
            try:
                while piece := client.recv(4096):
                    answer += piece
            except ConnectionResetError:
                pass
            self.assertTrue(answer == b"" or answer.startswith(b"HTTP/1.1 4"), answer)
        self.served()

    def test_huge_headers(self):
        for text in (b"GET /" + b"a" * 1_000_000, b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 100_000):
            client = self.connect()
            try:
                client.sendall(text)
            except (BrokenPipeError, ConnectionResetError):
                pass
            answer = b""
            try:
                answer = client.recv(4096)
            except ConnectionResetError:
                pass
            self.assertTrue(answer == b"" or answer.startswith(b"HTTP/1.1 431 "), answer)
        self.served()

    def test_more_connections_than_there_may_be(self):
        clients = [self.connect() for _ in range(700)]
        turned_away = 0
        for client in reversed(clients):
            client.settimeout(0.001)
            try:
                turned_away += client.recv(4096).startswith(b"HTTP/1.1 503 ")
            except (TimeoutError, ConnectionResetError):
                pass
        self.assertGreater(turned_away, 0)
        for client in clients:
            client.close()
        wait_until(lambda: request(self.node, "/info")[0] == 200, "the node serves again")

    def test_uploads_that_break_off(self):
        for _ in range(5):
            client = self.connect()
            client.sendall(b"POST /import?name=x.db HTTP/1.1\r\nHost: h\r\n"
                           b"Content-Length: 100000\r\n\r\n" + b"S" * 5000)
            client.close()
        self.served()
        self.assertFalse(os.path.exists(self.node.path("x.db")))
        wait_until(lambda: not os.listdir(self.node.data / "tmp"), "nothing is left of them")


class RunTest(NodeTest):
    def run_it(self, *words, **more):
        return command("run", "-url", self.node.url, *words, **more)

    def test_becomes_the_command(self):
        done = self.run_it("--", "sh", "-c", "cat; echo out; echo err >&2; exit 7", input="in\n")
        self.assertEqual((7, "in\nout\n", "err\n"), (done.returncode, done.stdout, done.stderr))
        missing = self.run_it("--", "/no/such/program")
        self.assertEqual((1, "ERROR: running /no/such/program: No such file or directory\n"),
                         (missing.returncode, missing.stderr))

    def test_on_the_primary_there_is_nothing_to_promote(self):
        done = self.run_it("-promote", "-if-candidate", "-v", "--", "echo", "ran")
        self.assertEqual((0, "ran\n"), (done.returncode, done.stdout))
        self.assertIn("node is already primary, skipping promotion\n", done.stderr)

    def test_halt_lock(self):
        path = self.node.path("halt.db")
        with sqlite3.connect(path) as database:
            database.execute("CREATE TABLE t (x)")
        database.close()
        # The command finds the locked file as descriptor 3, and writes.
        done = self.run_it("-with-halt-lock-on", path, "--", "sh", "-c",
                           f"readlink /proc/self/fd/3; sqlite3 {path} 'INSERT INTO t VALUES (1)'")
        self.assertEqual((0, f"{path}-lock\n", ""), (done.returncode, done.stdout, done.stderr))
        missing = self.run_it("-with-halt-lock-on", self.node.path("none.db"), "--", "true")
        self.assertEqual((1, f"ERROR: database does not exist: {self.node.path('none.db')}\n"),
                         (missing.returncode, missing.stderr))
        elsewhere = self.run_it("-with-halt-lock-on", __file__, "--", "true")
        self.assertEqual(1, elsewhere.returncode)
        self.assertIn("lock file not available", elsewhere.stderr)


class ReplicaTest(NodeTest):
    candidate = False

    def test_says_what_it_cannot_do_and_who_can(self):
        self.assertIs(False, get_json(self.node, "/info")["isPrimary"])
        self.assertEqual(409, request(self.node, "/promote", "POST")[0])
        self.assertEqual(503, request(self.node, "/handoff?nodeID=00000000000000AA", "POST")[0])
        status, _, body = request(self.node, "/import?name=x.db", "POST", b"x" * 100_000)
        self.assertEqual(503, status)
        self.assertIn(b"this node is a replica; send the import to the primary", body)
        status, _, body = request(self.node, "/skerry/health/ready")
        self.assertEqual(503, status)
        skipped = command("run", "-url", self.node.url, "-if-candidate", "-promote", "--", "false")
        self.assertEqual((0, "", "node is not a candidate, skipping execution\n"),
                         (skipped.returncode, skipped.stdout, skipped.stderr))
        refused = command("run", "-url", self.node.url, "-promote", "--", "true")
        self.assertEqual(1, refused.returncode)
        self.assertTrue(refused.stderr.startswith("ERROR: node is not eligible"), refused.stderr)

    def test_a_static_lease_is_moved_by_configuration(self):
        refused = command("failover", "-url", self.node.url, "-to", "fra")
        self.assertEqual((1, ""), (refused.returncode, refused.stdout))
        self.assertIn("the lease is static (lease.type: static)", refused.stderr)
        self.assertIn("change lease.candidate on both nodes", refused.stderr)
        self.assertEqual(501, request(self.node, "/skerry/failover?to=fra", "POST")[0])
        self.assertEqual(400, request(self.node, "/skerry/failover?to=a&timeout=1h", "POST")[0])

    def test_has_no_halt_lock_to_give(self):
        with Node() as node:
            with sqlite3.connect(node.path("halt.db")) as database:
                database.execute("CREATE TABLE t (x)")
            database.close()
            self.assertEqual(0, node.stop())
            node.config["lease"].update(candidate=False, hostname="the-primary")
            node.start()
            refused = command("run", "-with-halt-lock-on", node.path("halt.db"), "--", "true")
            self.assertEqual(1, refused.returncode)
            self.assertIn("run the command on the primary, the-primary\n", refused.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
