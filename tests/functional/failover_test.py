"""Planned failovers of real nodes with a lease in a real Consul: under load, and when they fail."""

import json
import os
import signal
import sqlite3
import subprocess
import time
import unittest
import urllib.error
import urllib.request

from consul_support import Consul, is_primary, needs_consul, node_of, primary_file, wait_primary
from failover_support import DATABASE, Load, Tap, percentile
from support import DEADLINE_S, LONG, PROGRAM, free_port, wait_until

FAILOVERS = 1000 if LONG else 20


def failover(node, to, *flags):
    """(exit code, report or error text) of the command, asked of any node."""
    done = subprocess.run([PROGRAM, "failover", "-url", node.url, "-to", to, "-json", *flags],
                          capture_output=True, text=True, timeout=2 * DEADLINE_S, check=False)
    try:
        return done.returncode, json.loads(done.stdout)
    except ValueError:
        return done.returncode, done.stdout + done.stderr


def call(node, path, method="POST"):
    request = urllib.request.Request(node.url + path, method=method)
    try:
        with urllib.request.urlopen(request, timeout=DEADLINE_S) as answer:
            return answer.status, answer.read().decode(), dict(answer.getheaders())
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode(), dict(error.headers)


class Failover(unittest.TestCase):
    def setUp(self):
        self.consul = Consul()
        self.addCleanup(self.consul.close)
        self.nodes = []
        self.addCleanup(self.show_logs)

    def show_logs(self):
        outcome = self._outcome.result
        if any(error for _, error in outcome.failures + outcome.errors):
            for node in self.nodes:
                print(f"--- {node.config['lease']['hostname']}\n{node.log()[-4000:]}")

    def node(self, name, **options):
        node = node_of(self.consul.url(), name, **options)
        self.addCleanup(node.close)
        self.nodes.append(node)
        return node

    def pair(self, **second):
        a = self.node("a", environment={"FLY_REGION": "ams"})
        wait_primary(a)
        self.create(a, DATABASE, "wal")
        b = self.node("b", environment={"FLY_REGION": "fra"}, **second)
        self.in_step(a, b)
        return a, b

    def create(self, node, name, mode):
        db = sqlite3.connect(node.path(name), timeout=10)
        db.execute(f"pragma journal_mode={mode}")
        db.execute("create table load (key, row, primary key (key, row)) without rowid")
        db.commit()
        db.close()

    def in_step(self, *nodes, name=DATABASE):
        wait_until(lambda: len({node.position(name) for node in nodes}) == 1 and
                   nodes[0].txid(name) > 0, "the nodes stand at the same position")

    def load(self, *nodes, **options):
        load = Load(nodes, **options)
        self.addCleanup(load.close)
        return load

    def check(self, result, *nodes, name=DATABASE, key=0):
        """Nothing failed, and every row that was acknowledged is there, once, on every node."""
        self.assertEqual((result["failed"], result["doubled"]), (0, 0), result)
        self.in_step(*nodes, name=name)
        for node in nodes:
            db = sqlite3.connect(node.path(name), timeout=30)
            self.assertEqual(db.execute("pragma integrity_check").fetchone(), ("ok",))
            self.assertEqual(db.execute("select count(*), max(row) from load where key = ?",
                                        (key,)).fetchone(), (result["rows"], result["rows"] - 1))
            db.close()


@needs_consul
class UnderLoad(Failover):
    def test_there_and_back_many_times_and_no_operation_fails(self):
        a, b = self.pair()
        load = self.load(a, b, rate=500)
        pauses = []
        for i in range(FAILOVERS):
            asked, to = (a, b)[i // 2 % 2], (b, a)[i % 2]  # at times the primary, at times not
            code, report = failover(asked, "ab"[1 - i % 2], "-timeout", "30s")
            self.assertEqual(code, 0, report)
            self.assertTrue(report["handedOver"])
            pauses.append(report["pauseMs"])
            wait_primary(to)
        result = load.stop()
        self.check(result, a, b)
        print(f"{FAILOVERS} failovers under {result['rows']} writes: 0 failed, {result['retried']} "
              f"retried; pause p50 {percentile(pauses, 0.5)} ms, p99 {percentile(pauses, 0.99)} ms; "
              f"operations over 50 ms: {len(result['slow'])}, longest "
              f"{max(result['slow'], default=0) * 1000:.0f} ms")
        self.assertLess(percentile(pauses, 0.5), 300)

    def test_several_databases_in_each_journal_mode_with_several_writers(self):
        a, b = self.pair()
        modes = ("wal", "delete", "truncate", "persist")
        for mode in modes:
            self.create(a, f"{mode}.db", mode)
            self.in_step(a, b, name=f"{mode}.db")
        wanted = [(f"{mode}.db", 0) for mode in modes] + [("wal.db", 1), ("delete.db", 1)]
        loads = [self.load(a, b, rate=40, key=key, database=name) for name, key in wanted]
        for i in range(6):
            code, report = failover((a, b)[i % 2], "ba"[i % 2], "-timeout", "30s")
            self.assertEqual(code, 0, report)
            self.assertEqual(len(report["databases"]), 1 + len(modes))
        results = [load.stop() for load in loads]
        for (name, key), result in zip(wanted, results):
            self.check(result, a, b, name=name, key=key)
        print(f"6 failovers of {len(modes)} databases with {len(wanted)} writers: longest operation "
              f"{max(max(r['slow'], default=0) for r in results) * 1000:.0f} ms; answers on the way: "
              f"{sorted({e for r in results for e in r['errors']})}")

    def test_a_primary_that_is_stopped_hands_over_first(self):
        a, b = self.pair()
        load = self.load(a, b, rate=200)
        for old, new in ((a, b), (b, a), (a, b)):
            self.in_step_lately(old, new)
            begin = time.monotonic()
            old.process.send_signal(signal.SIGTERM)
            gap = wait_primary(new)
            self.assertEqual(old.wait(), 0)
            self.assertLess(gap, 1)
            print(f"stopped: another node is the primary after {gap * 1000:.0f} ms, the node has "
                  f"ended after {time.monotonic() - begin:.2f} s")
            old.start()
            wait_until(lambda: primary_file(old) == new.config["lease"]["hostname"], "it follows")
        self.check(load.stop(), a, b)

    def in_step_lately(self, primary, replica):
        """The replica's stream is open, so that it counts as one that could take over."""
        name = replica.config["lease"]["hostname"]

        def follows():
            _, body, _ = call(primary, "/skerry/status", "GET")
            return any(s["direction"] == "to-replica" and s["peer"] == name
                       for s in json.loads(body)["streams"])
        wait_until(follows, f"{name} follows")

    def test_a_node_that_wants_the_lease_asks_for_it_once_it_is_in_step(self):
        a, b = self.pair()
        load = self.load(a, b, rate=200)
        self.assertEqual(b.stop(), 0)
        b.config["lease"]["promote"] = True
        b.config["exec"] = f"sh -c 'ls -A {b.mount}; sleep 60'"  # no .primary: it is the primary
        b.start()
        wait_primary(b)
        b.wait_log(f"{DATABASE}-shm")
        self.assertNotIn("\n.primary\n", b.log())
        worker = b.kill_worker()
        wait_until(lambda: b.worker() not in (None, worker), "a successor runs")
        self.check(load.stop(), a, b)
        self.assertEqual(a.log().count("handed-over"), 1)

    def test_by_litefs_ways(self):
        a, b = self.pair()
        promoted = subprocess.run([PROGRAM, "run", "-url", b.url, "-promote", "-v", "--", "echo", "ran"],
                                  capture_output=True, text=True, timeout=DEADLINE_S, check=False)
        self.assertEqual((promoted.returncode, promoted.stdout), (0, "ran\n"), promoted.stderr)
        self.assertTrue(is_primary(b))
        self.assertEqual(call(b, "/promote")[0], 200)  # it is already
        self.in_step_lately(b, a)
        self.assertEqual(call(a, "/promote")[0], 200)
        self.assertTrue(is_primary(a))
        self.in_step_lately(a, b)
        node_id = call(b, "/info", "GET")[2]["Litefs-Id"]
        status, body, _ = call(a, f"/handoff?nodeID={node_id}")
        self.assertEqual(status, 200, body)
        wait_primary(b)
        self.assertEqual(call(b, "/handoff?nodeID=00000000000000AA")[0], 404)


@needs_consul
class Checks(Failover):
    def test_what_it_says_before_it_does_anything(self):
        a, b = self.pair()
        c = self.node("c", config={"lease": {"candidate": False}}, environment={"FLY_REGION": "gru"})
        wait_until(lambda: primary_file(c) == "a", "c follows")
        self.in_step(a, c)
        for asked in (a, b):
            code, report = failover(asked, "fra", "-dry-run")
            self.assertEqual(code, 0, report)
            self.assertEqual((report["from"], report["to"], report["handedOver"]), ("a", "b", False))
            self.assertEqual(report["databases"][0]["name"], DATABASE)
        self.assertTrue(is_primary(a))
        for to, reason in (("c", "c: it is not a candidate"), ("gru", "not a candidate"),
                           ("a", "it is the primary already"), ("mars", "no node, and no region, mars")):
            code, report = failover(a, to)
            self.assertEqual(code, 1)
            self.assertIn(reason, report["error"])
        text = subprocess.run([PROGRAM, "failover", "-url", b.url, "-to", "fra", "-dry-run"],
                              capture_output=True, text=True, timeout=DEADLINE_S, check=True).stdout
        self.assertIn("b would become the primary in place of a", text)
        self.assertRegex(text, r"c +gru +it is not a candidate")
        self.assertTrue(is_primary(a))

    def test_a_transaction_that_does_not_end_keeps_the_primary_where_it_is(self):
        a, b = self.pair()
        db = sqlite3.connect(a.path(DATABASE), timeout=1, isolation_level=None)
        db.execute("begin immediate")
        code, report = failover(a, "b", "-timeout", "1s")
        self.assertEqual(code, 1)
        self.assertIn("hold-writers", report["error"])
        self.assertIn(DATABASE, report["error"])
        db.execute("insert into load values (1, 1)")
        db.execute("commit")
        db.close()
        self.assertEqual(failover(a, "b")[0], 0)
        self.in_step(a, b)

    def test_a_replica_that_lags_does_not_take_over(self):
        a, b = self.pair()
        blocker = sqlite3.connect(b.path(DATABASE), timeout=10, isolation_level=None)
        blocker.execute("begin immediate")  # what comes cannot be applied
        with sqlite3.connect(a.path(DATABASE), timeout=1) as db:
            db.execute("insert into load values (1, 1)")
        db.close()
        code, report = failover(a, "b", "-timeout", "1s")
        self.assertEqual(code, 1)
        self.assertIn("1 transactions behind", report["error"])
        self.assertEqual([step["step"] for step in report["steps"]], ["prepare"])  # nobody waited
        blocker.execute("rollback")
        blocker.close()
        self.in_step(a, b)
        self.assertEqual(failover(a, "b")[0], 0)

    def test_without_anybody_to_hand_over_to_it_ends_as_ever(self):
        a = self.node("a")
        wait_primary(a)
        begin = time.monotonic()
        self.assertEqual(a.stop(), 0)
        self.assertLess(time.monotonic() - begin, 3)
        self.assertIn("no-successor", a.log())


@needs_consul
class Aborted(Failover):
    """The target fails at each step: the old primary goes on, and no write is lost or fails."""

    STEPS = {
        "prepare": (b'"kind":"prepare"', True),
        "prove": (b'"kind":"prove"', True),
        "grant": (b"POST /skerry/granted", True),
        "granted": (b'"key-index"', False),
    }

    def tapped_pair(self):
        port = free_port()
        tap = Tap(port)
        self.addCleanup(tap.close)
        # The old primary reaches b through the tap; b's own stream goes straight to a.
        a, b = self.pair(port=port, config={"lease": {"advertise-url": f"http://127.0.0.1:{tap.port}"}})
        return a, b, tap

    def test_the_target_is_frozen(self):
        a, b, tap = self.tapped_pair()
        load = self.load(a, rate=100)
        for step, (text, first) in self.STEPS.items():
            with self.subTest(step=step):
                worker = b.worker()
                tap.on(text, lambda: os.kill(worker, signal.SIGSTOP), first)
                code, report = failover(a, "b", "-timeout", "3s")
                os.kill(worker, signal.SIGCONT)
                if step == "granted" and code == 0:
                    # It heard, and took it in the moment that it had.
                    wait_primary(b)
                    self.assertEqual(failover(b, "a", "-timeout", "20s")[0], 0)
                else:
                    self.assertEqual(code, 1, report)
                    self.assertFalse(report["handedOver"])
                wait_primary(a)
                wait_until(lambda: primary_file(b) == "a", "b follows a")
        result = load.stop()
        print(f"target frozen at each step: longest operation {max(result['slow'], default=0):.2f} s")
        self.check(result, a, b)
        self.assertEqual(failover(a, "b", "-timeout", "20s")[0], 0)

    def test_consul_is_silent_from_the_moment_at_which_the_right_was_given_up(self):
        a, b, tap = self.tapped_pair()
        load = self.load(a, rate=100)
        tap.on(b'"kind":"prove"', lambda: self.consul.signal_all(signal.SIGSTOP), first=False)
        try:
            code, report = failover(a, "b", "-timeout", "3s")
        finally:
            self.consul.signal_all(signal.SIGCONT)
        self.assertEqual(code, 1, report)
        self.assertIn("at step yield", report["error"])
        wait_primary(a)
        result = load.stop()
        print(f"Consul silent from the yield on: longest operation {max(result['slow']):.2f} s")
        self.check(result, a, b)

    def test_the_target_dies(self):
        a, b, tap = self.tapped_pair()
        load = self.load(a, rate=100)

        def die():
            os.kill(b.keeper(), signal.SIGKILL)
            os.kill(worker, signal.SIGKILL)

        for step, (text, first) in self.STEPS.items():
            with self.subTest(step=step):
                worker = b.worker()
                tap.on(text, die, first)
                code, report = failover(a, "b", "-timeout", "3s")
                b.wait()
                if step != "granted":
                    self.assertEqual(code, 1, report)
                wait_primary(a)  # also if b died with the lease in its hand
                b.start()
                wait_until(lambda: primary_file(b) == "a", "b follows a")
                self.in_step_soon(a, b)
        result = load.stop()
        print(f"target killed at each step: longest operation {max(result['slow'], default=0):.2f} s")
        self.check(result, a, b)

    def in_step_soon(self, a, b):
        wait_until(lambda: b.txid(DATABASE) >= a.txid(DATABASE) - 50, "b has caught up")


if __name__ == "__main__":
    unittest.main()
