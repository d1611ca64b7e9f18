"""Real nodes with a lease in a real Consul: who may write, and what applications see of it."""

import os
import signal
import sqlite3
import subprocess
import sys
import time
import unittest

from consul_support import Consul, Relay, is_primary, needs_consul, node_of, primary_file, wait_primary
from support import wait_until


# Writes a row when told to, and says what came of it.
WRITER = """
import sqlite3, sys
db = sqlite3.connect(sys.argv[1], timeout=1)
print(db.execute("select count(*) from t").fetchone() and "ready", flush=True)
sys.stdin.readline()
try:
    with db:
        db.execute("insert into t values('late')")
    print("committed", flush=True)
except sqlite3.Error as error:
    print(error, flush=True)
"""


def create(node, name="a.db"):
    db = sqlite3.connect(node.path(name), timeout=10)
    db.execute("pragma journal_mode=wal")
    db.execute("create table t(v)")
    db.commit()
    return db


def try_insert(db, value):
    """The error's text, or None."""
    try:
        with db:
            db.execute("insert into t values(?)", (value,))
    except sqlite3.Error as error:
        return str(error)
    return None


def epoch_file(node):
    lines = (node.data / "lease").read_text().splitlines()
    return dict(line.split(" ", 1) for line in lines[1:])


@needs_consul
class ConsulLease(unittest.TestCase):
    def setUp(self):
        self.consul = Consul()
        self.addCleanup(self.consul.close)

    def node(self, name, url=None, **options):
        node = node_of(url or self.consul.url(), name, **options)
        self.addCleanup(node.close)
        return node

    def test_one_writes_the_other_follows_and_takes_over(self):
        a = self.node("a")
        self.assertIn(primary_file(a), ("", None))  # never missing before it is the primary
        wait_primary(a)
        db = create(a)
        self.assertIsNone(try_insert(db, 1))
        b = self.node("b")
        wait_until(lambda: primary_file(b) == "a", "b knows its primary")
        holder = self.consul.value("app/primary")
        self.assertEqual((holder["hostname"], holder["advertise-url"]), ("a", a.url))
        wait_until(lambda: any(c["hostname"] == "b" for c in
                               self.consul.value("app/primary/record")["candidates"]), "b is listed")
        self.assertEqual(int(epoch_file(a)["epoch"]), holder["epoch"])
        wait_until(lambda: int(epoch_file(b)["epoch"]) == holder["epoch"], "b keeps the epoch, too")
        self.assertEqual((a.data / "clusterid").read_text().strip(),
                         self.consul.call("GET", "/v1/kv/app/primary/clusterid?raw").strip())
        db.close()
        a.stop()
        self.assertLess(wait_primary(b), 2)  # it was handed over
        b.stop()
        # In order, with nobody to hand over to: given back at once.
        self.assertIsNone(self.consul.call("GET", "/v1/kv/app/primary"))
        self.assertTrue(self.consul.value("app/primary/record")["closed"])
        b.start()
        self.assertLess(wait_primary(b), 2)

    def test_a_killed_worker_takes_its_lease_up_again_and_no_write_fails(self):
        a = self.node("a")
        wait_primary(a)
        db = create(a)
        before = int(epoch_file(a)["epoch"])
        for value in range(3):
            a.kill_worker()
            begin = time.monotonic()
            self.assertIsNone(try_insert(db, value))
            self.assertLess(time.monotonic() - begin, 2)
        self.assertEqual(db.execute("select count(*) from t").fetchone(), (3,))
        self.assertGreater(int(epoch_file(a)["epoch"]), before)

    def test_a_killed_node_has_its_lease_again_at_once(self):
        a = self.node("a")
        wait_primary(a)
        create(a).close()
        b = self.node("b")
        wait_until(lambda: primary_file(b) == "a", "b knows its primary")
        a.kill()
        begin = time.monotonic()
        a.start()
        wait_primary(a)
        print(f"killed and started again: primary after {time.monotonic() - begin:.2f} s")
        self.assertFalse(is_primary(b))

    def test_a_frozen_worker_refuses_what_it_finds_when_it_thaws(self):
        a = self.node("a", config={"lease": {"failsafe": False}})
        wait_primary(a)
        db = create(a)
        b = self.node("b")
        wait_until(lambda: any(c["hostname"] == "b" for c in
                               self.consul.value("app/primary/record")["candidates"]), "b is listed")
        wait_until(lambda: a.txid("a.db") > 0 and a.position("a.db") == b.position("a.db"),
                   "b has what a has")
        # A process that is created, or ends, while the mount hangs, hangs with it.
        writer = subprocess.Popen([sys.executable, "-c", WRITER, a.path("a.db")], text=True,
                                  stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.addCleanup(writer.communicate)
        self.addCleanup(writer.kill)
        self.assertEqual(writer.stdout.readline(), "ready\n")
        worker = a.worker()
        os.kill(worker, signal.SIGSTOP)
        writer.stdin.write("go\n")
        writer.stdin.flush()
        begin = time.monotonic()
        while time.monotonic() - begin < 6:  # past its term: somebody else could be the primary
            self.assertIsNone(writer.poll())
            time.sleep(0.1)
        # It may touch its lease again once it thaws: until then no write of it counts.
        self.consul.signal_all(signal.SIGSTOP)
        os.kill(worker, signal.SIGCONT)
        self.assertNotEqual(writer.stdout.readline(), "committed\n")
        self.consul.signal_all(signal.SIGCONT)
        wait_primary(b)  # since a's term was over
        wait_until(lambda: primary_file(a) == "b", "a follows b")
        successor = sqlite3.connect(b.path("a.db"), timeout=10)
        self.addCleanup(successor.close)
        self.assertIsNone(try_insert(successor, "in time"))
        self.assertEqual(successor.execute("select v from t").fetchall(), [("in time",)])
        wait_until(lambda: db.execute("select v from t").fetchall() == [("in time",)],
                   "a, whose late write was refused, has what b has")

    def test_without_consul_the_right_ends_unless_nobody_else_could_have_it(self):
        relay = Relay(self.consul.http[0])
        self.addCleanup(relay.close)
        a = self.node("a", url=f"http://127.0.0.1:{relay.port}")
        wait_primary(a)
        db = create(a)
        for mode in ("hang", "gone"):
            relay.mode = mode
            begin = time.monotonic()
            while time.monotonic() - begin < 6:  # it is the only candidate: nobody to ask
                self.assertIsNone(try_insert(db, mode))
                time.sleep(0.05)
            relay.mode = "pass"
        b = self.node("b")
        wait_until(lambda: any(c["hostname"] == "b" for c in
                               self.consul.value("app/primary/record")["candidates"]), "b is listed")
        relay.mode = "hang"
        begin = time.monotonic()
        while time.monotonic() - begin < 6:  # b promises
            self.assertIsNone(try_insert(db, "promised"))
            time.sleep(0.05)
        b.kill()
        begin = time.monotonic()
        wait_until(lambda: try_insert(db, "alone"), "the right has run out")
        self.assertLess(time.monotonic() - begin, 4)
        self.assertEqual(primary_file(a), "")  # its own name would send requests in circles
        relay.mode = "pass"
        wait_primary(a)
        wait_until(lambda: try_insert(db, "again") is None, "it writes again")


if __name__ == "__main__":
    unittest.main()
