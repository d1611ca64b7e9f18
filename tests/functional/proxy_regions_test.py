"""Two real nodes, each with its proxy and an application: what a client sees that goes from one to
the other, and what it is told when replicas do not have its write yet."""

import os
import re
import signal
import subprocess
import sys
import threading
import unittest
import urllib.request

from proxy_node_test import Site
from support import DEADLINE_S, HELPERS, process_state, wait_until

STOPS_COMMITS = HELPERS / "libstopped_commit.so"
INSERT = """
import sqlite3, sys
db = sqlite3.connect(sys.argv[1], timeout=30, isolation_level=None)
db.execute("PRAGMA synchronous = normal")
db.execute("INSERT INTO t VALUES (1)")
db.close()
"""


def metric(node, name):
    with urllib.request.urlopen(node.url + "/metrics", timeout=DEADLINE_S) as reply:
        text = reply.read().decode()
    values = re.findall(rf"^{re.escape(name)} (\S+)$", text, re.M)
    return float(values[0]) if values else None


class Regions:
    """A primary and a replica of it, in sync, with an empty table t in app.db."""

    def __init__(self, mode="wal", **primary_config):
        self.primary = Site("primary", config=primary_config)
        self.replica = None
        try:
            with self.primary.database() as db:
                db.execute(f"PRAGMA journal_mode = {mode}")
                db.execute("CREATE TABLE t (v)")
            self.replica = Site("primary", candidate=False, advertise=self.primary.node.url, config={
                "forward-url": f"http://127.0.0.1:{self.primary.port}"})
            wait_until(lambda: self.replica.ask("GET")[::2] == (200, b"0"), "the replica is in sync")
        except BaseException:
            self.close()
            raise

    def close(self):
        for site in (self.replica, self.primary):
            if site:
                site.__exit__()

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.close()


class WhatAClientSees(unittest.TestCase):
    def insert_stopped(self, site):
        """A writer that stands still between its last frame and the wal-index."""
        writer = subprocess.Popen(
            [sys.executable, "-c", INSERT, site.node.path("app.db")],
            env={**os.environ, "LD_PRELOAD": str(STOPS_COMMITS)})
        wait_until(lambda: (process_state(writer.pid) or "Z")[0] in "TZ", "the writer stops")
        self.assertIsNone(writer.poll())
        return writer

    def test_what_it_saw_at_the_replica_is_there_at_the_primary(self):
        with Regions(**{"wait-timeout": "60s"}) as regions:
            writer = self.insert_stopped(regions.primary)
            try:
                fields = {}

                def seen_there():
                    status, found, body = regions.replica.ask("GET")
                    fields.update(found)
                    return (status, body) == (200, b"1")
                wait_until(seen_there, "the replica has the commit")
                self.assertEqual(regions.primary.ask("GET")[2], b"0")  # who saw nothing else
                answers = []
                asking = threading.Thread(target=lambda: answers.append(
                    regions.primary.ask("GET", Skerry_Token=fields["skerry-token"])))
                asking.start()
                wait_until(lambda: answers or
                           metric(regions.primary.node, "skerry_proxy_waits_total"), "it waits")
                self.assertEqual(answers, [])
                os.kill(writer.pid, signal.SIGCONT)
                asking.join(DEADLINE_S)
                self.assertEqual(answers[0][::2], (200, b"1"))
                self.assertEqual(writer.wait(DEADLINE_S), 0)
            finally:
                if writer.poll() is None:
                    writer.kill()
                    writer.wait()

    def test_a_writer_that_dies_there_keeps_nothing_to_itself(self):
        with Regions(**{"wait-timeout": "60s"}) as regions:
            writer = self.insert_stopped(regions.primary)
            wait_until(lambda: regions.replica.ask("GET")[2] == b"1", "the replica has the commit")
            token = regions.replica.ask("GET")[1]["skerry-token"]
            writer.kill()
            writer.wait()
            self.assertEqual(regions.primary.ask("GET", Skerry_Token=token)[::2], (200, b"1"))

    def test_metrics_say_where_requests_went(self):
        with Regions() as regions:
            self.assertEqual(regions.replica.ask("POST")[0], 200)
            self.assertEqual(regions.replica.ask("GET", Read_Consistency="any")[0], 200)
            there, here = regions.primary.node, regions.replica.node
            requests = "skerry_proxy_requests_total"
            self.assertEqual(metric(there, f'{requests}{{action="local",reason="writes"}}'), 1)
            self.assertEqual(metric(here, f'{requests}{{action="forward",reason="write"}}'), 1)
            self.assertEqual(metric(here, f'{requests}{{action="local",reason="any-version"}}'), 1)
            self.assertIsNone(metric(here, f'{requests}{{action="local",reason="writes"}}'))
            for name in ("clients", "held", "writing", "waits_total", "wait_seconds_total", "holds_total",
                         "hold_seconds_total", "gate_waits_total", "gate_seconds_total",
                         "gate_timeouts_total", "replayed_total", "retried_total",
                         "upstream_errors_total", "refused_total", "tunnels_total"):
                self.assertIsNotNone(metric(here, "skerry_proxy_" + name), name)


class WhatReplicasHave(unittest.TestCase):
    """proxy.durability: 1."""

    def test_an_answer_to_a_write_waits_for_the_replica(self):
        with Regions(**{"durability": "1", "durability-timeout": "30s"}) as regions:
            for i in range(1, 6):
                self.assertEqual(regions.primary.ask("POST")[::2], (200, str(i).encode()))
            self.assertEqual(regions.replica.ask("POST")[::2], (200, b"6"))
            self.assertEqual(metric(regions.primary.node, "skerry_proxy_gate_timeouts_total"), 0)
            self.assertGreater(metric(regions.primary.node, "skerry_proxy_gate_waits_total"), 0)

    def test_without_a_replica_the_write_is_in_doubt(self):
        with Regions(**{"durability": "1", "durability-timeout": "200ms"}) as regions:
            regions.replica.node.stop()
            status, fields, _ = regions.primary.ask("POST")
            self.assertEqual((status, fields["skerry-write"]), (503, "in-doubt"))
            self.assertNotIn("skerry-token", fields)
            with regions.primary.database() as db:
                self.assertEqual(db.execute("SELECT count(*) FROM t").fetchone()[0], 1)


if __name__ == "__main__":
    unittest.main()
