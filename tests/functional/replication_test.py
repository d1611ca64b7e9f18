#!/usr/bin/env python3
"""A primary and a replica: what one commits, readers of the other find, whatever is restarted or
killed, and the two are equal at equal positions."""

import contextlib
import random
import socket
import sqlite3
import threading
import unittest

import state
from support import Node, wait_until


def connect(node, name):
    return sqlite3.connect(node.path(name), isolation_level=None, timeout=60,
                           check_same_thread=False)


@contextlib.contextmanager
def sqlite_thread(work, ended):
    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join(60)


class Pair(unittest.TestCase):
    replica_config = {}
    primary_config = {}

    def setUp(self):
        self.primary = Node(name="primary", config=self.primary_config)
        self.addCleanup(self.primary.close)
        self.replica = Node(candidate=False, name="primary", config={
            "lease": {"advertise-url": self.primary.url}, **self.replica_config})
        self.addCleanup(self.replica.close)
        self.addCleanup(self.show_logs)

    def show_logs(self):
        if any(error for _, error in self._outcome.result.failures + self._outcome.result.errors):
            print(f"--- primary\n{self.primary.log()[-3000:]}\n--- replica\n{self.replica.log()[-3000:]}")

    def arrive(self, *names):
        for name in names:
            wait_until(lambda name=name: self.primary.txid(name) > 0 and
                       self.primary.position(name) == self.replica.position(name),
                       f"{name} on the replica stands where the primary's does")

    def check_equal(self, name):
        self.arrive(name)
        with contextlib.closing(connect(self.replica, name)) as reader:
            self.assertEqual(reader.execute("PRAGMA integrity_check").fetchall(), [("ok",)])
        self.assertEqual(state.checksum(self.replica.files(name)), self.primary.position(name)[1])


class ReplicationTest(Pair):
    def test_each_journal_mode(self):
        for mode in ("wal", "delete", "truncate", "persist"):
            with self.subTest(mode=mode):
                name = f"{mode}.db"
                writer = connect(self.primary, name)
                writer.execute(f"PRAGMA journal_mode = {mode}")
                writer.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, v)")
                for i in range(50):
                    writer.execute("INSERT INTO t (v) VALUES (?)", (f"row {i}",))
                writer.execute("UPDATE t SET v = v || '!' WHERE id % 3 = 0")
                self.check_equal(name)
                writer.execute("BEGIN")
                writer.executemany("INSERT INTO t (v) VALUES (?)",
                                   ((random.randbytes(700),) for _ in range(5000)))
                writer.execute("COMMIT")
                writer.execute("DELETE FROM t WHERE id > 1000")
                writer.execute("VACUUM")
                self.check_equal(name)
                with contextlib.closing(connect(self.replica, name)) as reader:
                    self.assertEqual(reader.execute("SELECT count(*) FROM t").fetchone(), (1000,))
                writer.close()

    def test_mode_size_and_existence_change(self):
        writer = connect(self.primary, "a.db")
        writer.execute("CREATE TABLE t (v)")
        writer.execute("INSERT INTO t VALUES (1)")
        self.check_equal("a.db")
        writer.execute("PRAGMA journal_mode = wal")
        writer.execute("INSERT INTO t VALUES (2)")
        self.check_equal("a.db")
        writer.execute("PRAGMA journal_mode = delete")
        writer.execute("PRAGMA page_size = 1024")
        writer.execute("VACUUM")
        self.check_equal("a.db")
        writer.close()
        (self.primary.mount / "a.db").unlink()
        self.arrive("a.db")
        wait_until(lambda: not (self.replica.mount / "a.db").exists(), "the drop arrived")
        writer = connect(self.primary, "a.db")
        writer.execute("CREATE TABLE other (v)")
        self.check_equal("a.db")
        writer.close()

    def test_restarts_on_either_side(self):
        writer = connect(self.primary, "a.db")
        writer.execute("PRAGMA journal_mode = wal")
        writer.execute("CREATE TABLE t (v)")
        self.arrive("a.db")
        self.replica.restart()
        writer.execute("INSERT INTO t VALUES ('while it was away')")
        self.check_equal("a.db")
        self.replica.kill()
        writer.execute("INSERT INTO t VALUES ('while it was dead')")
        self.replica.start()
        self.check_equal("a.db")
        writer.close()
        self.primary.restart()
        with contextlib.closing(connect(self.primary, "a.db")) as again:
            again.execute("INSERT INTO t VALUES ('after its restart')")
        self.check_equal("a.db")

    def test_workers_killed_under_load(self):
        writer = connect(self.primary, "a.db")
        writer.execute("PRAGMA journal_mode = wal")
        writer.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, v)")
        self.arrive("a.db")
        reader = connect(self.replica, "a.db")
        stop = threading.Event()
        seen = []

        def read():
            own = connect(self.replica, "a.db")
            while not stop.is_set():
                count, top = own.execute("SELECT count(*), max(id) FROM t").fetchone()
                if count != (top or 0) or (seen and count < seen[-1]):
                    seen.append(-1)
                    return
                seen.append(count)
            own.close()

        thread = threading.Thread(target=read)
        thread.start()
        try:
            for i in range(600):
                writer.execute("INSERT INTO t (v) VALUES (?)", (i,))
                if i % 100 == 50:
                    (self.replica if i % 200 == 50 else self.primary).kill_worker()
        finally:
            stop.set()
            thread.join()
        self.check_equal("a.db")
        self.assertNotIn(-1, seen, "a reader saw a torn or an older state")
        self.assertEqual(reader.execute("SELECT count(*) FROM t").fetchone(), (600,))
        reader.close()
        writer.close()

    def test_a_replica_that_is_killed_while_it_applies_ends_and_comes_back(self):
        """Threads of it wait for its own mount then, which nobody answers any more."""
        writer = connect(self.primary, "a.db")
        writer.execute("pragma journal_mode=wal")
        writer.execute("create table t(v)")
        ended = threading.Event()

        def write():
            while not ended.is_set():
                writer.execute("insert into t values(randomblob(500))")

        with sqlite_thread(write, ended):
            for _ in range(8):
                txid = self.primary.txid("a.db")
                wait_until(lambda: self.replica.txid("a.db") > txid, "the replica applies")
                self.replica.kill()
                self.replica.start()
        self.arrive("a.db")

    def test_lag_and_primary_files(self):
        with contextlib.closing(connect(self.primary, "a.db")) as writer:
            writer.execute("CREATE TABLE t (v)")
        self.arrive("a.db")
        self.assertEqual((self.replica.mount / ".primary").read_text(), "primary\n")
        wait_until(lambda: int((self.replica.mount / ".lag").read_text()) < 5000, "a lag is known")
        self.assertEqual((self.primary.mount / ".lag").read_text(), "+000000000\n")

    def test_hostile_peers(self):
        with contextlib.closing(connect(self.primary, "a.db")) as writer:
            writer.execute("CREATE TABLE t (v)")
        self.arrive("a.db")
        random.seed(7)
        for hello in (b"", b"\x01", b"\x01\x80\x80\x80\x80\x08", b"\xff" * 200,
                      *(random.randbytes(random.randrange(1, 400)) for _ in range(30))):
            with socket.create_connection(("127.0.0.1", self.primary.port), 60) as peer:
                peer.sendall(b"GET /skerry/stream HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n"
                             b"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                             b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
                answer = b""
                while not answer.endswith(b"\r\n\r\n"):
                    answer += peer.recv(1)
                self.assertIn(b" 101 ", answer)
                length = len(hello)
                head = bytes([0x82, 0x80 | length]) if length < 126 else \
                    bytes([0x82, 0xfe]) + length.to_bytes(2, "big")
                with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                    peer.sendall(head + bytes(4) + hello)
                    while peer.recv(4096):  # until it is told off
                        pass
        with contextlib.closing(connect(self.primary, "a.db")) as writer:
            writer.execute("INSERT INTO t VALUES (1)")
        self.check_equal("a.db")


class CatchUpTest(Pair):
    """A history that is soon forgotten."""

    primary_config = {"data": {"retention": "100ms", "retention-monitor-interval": "100ms"}}

    def test_past_retention_and_other_history(self):
        writer = connect(self.primary, "a.db")
        writer.execute("PRAGMA journal_mode = wal")
        writer.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, v)")
        writer.execute("BEGIN")
        writer.executemany("INSERT INTO t (v) VALUES (?)",
                           ((random.randbytes(500),) for _ in range(20_000)))
        writer.execute("COMMIT")
        self.check_equal("a.db")
        self.replica.stop()
        for _ in range(3):
            writer.execute("UPDATE t SET v = randomblob(500)")  # more than a segment of the log
        self.replica.start()
        self.check_equal("a.db")

        # The same folder under a node that writes: its history is none of the primary's.
        self.replica.stop()
        stray = Node(candidate=True, name="stray", dir=self.replica.dir)
        with contextlib.closing(connect(stray, "a.db")) as other:
            other.execute("DELETE FROM t WHERE id < 100")
        self.assertEqual(stray.stop(), 0)
        writer.execute("INSERT INTO t (v) VALUES ('on the primary')")
        self.replica.start()
        self.check_equal("a.db")
        with contextlib.closing(connect(self.replica, "a.db")) as reader:
            self.assertEqual(reader.execute("SELECT count(*) FROM t").fetchone(), (20_001,))
        writer.close()

    def test_snapshot_while_the_primary_writes(self):
        writer = connect(self.primary, "big.db")
        writer.execute("PRAGMA journal_mode = wal")
        writer.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, v)")
        writer.execute("BEGIN")
        writer.executemany("INSERT INTO t (v) VALUES (?)",
                           ((random.randbytes(1000),) for _ in range(30_000)))
        writer.execute("COMMIT")
        self.arrive("big.db")
        self.replica.stop()
        fresh = Node(candidate=False, name="primary",
                     config={"lease": {"advertise-url": self.primary.url}})
        self.addCleanup(fresh.close)
        for i in range(300):
            writer.execute("UPDATE t SET v = randomblob(1000) WHERE id = ?", (1 + i * 97,))
        self.replica = fresh
        self.check_equal("big.db")
        writer.close()


if __name__ == "__main__":
    unittest.main()
