"""Planned failovers as clients of the proxies see them: requests are held, and none fails."""

import http.client
import signal
import sqlite3
import threading
import time
import unittest

from consul_support import Consul, is_primary, needs_consul, node_of, primary_file, wait_primary
from failover_support import percentile
from failover_test import failover
from proxy_support import App
from support import DEADLINE_S, free_port, wait_until


class Site:
    """A node with an address of its own, its proxy, and an application: POST inserts, GET counts."""

    def __init__(self, consul, host, name, proxy_port):
        self.host, self.proxy_port = host, proxy_port
        self.app = App(self.answer)
        port = free_port()
        self.node = node_of(consul.url(), name, port=port, config={
            "http": {"addr": f"{host}:{port}"},
            "lease": {"advertise-url": f"http://{host}:{port}"},
            "proxy": {"addr": f"{host}:{proxy_port}", "target": f"127.0.0.1:{self.app.port}",
                      "db": "app.db"}})
        self.node.url = f"http://{host}:{port}"

    def answer(self, request):
        try:
            db = sqlite3.connect(self.node.path("app.db"), timeout=5, isolation_level=None)
            try:
                if request.method == "POST":
                    db.execute("INSERT INTO t VALUES (?)", (request.target,))
                return 200, str(db.execute("SELECT count(*) FROM t").fetchone()[0]).encode()
            finally:
                db.close()
        except sqlite3.Error as error:
            return 500, f"{self.node.dir}: {error}".encode()

    def close(self):
        self.node.close()
        self.app.close()


class Client(threading.Thread):
    """One request after the other over one connection."""

    def __init__(self, site, method, number):
        super().__init__(daemon=True)
        self.site, self.method, self.number = site, method, number
        self.done, self.failures, self.times = 0, [], []
        self.told = threading.Event()

    def run(self):
        connection = http.client.HTTPConnection(self.site.host, self.site.proxy_port,
                                                timeout=DEADLINE_S)
        while not self.told.is_set():
            begin = time.monotonic()
            try:
                connection.request(self.method, f"/{self.number}/{self.done}")
                response = connection.getresponse()
                body = response.read()
                if response.status != 200:
                    self.failures.append((response.status, body))
            except (OSError, http.client.HTTPException) as error:
                self.failures.append(repr(error))
                connection.close()
            self.times.append(time.monotonic() - begin)
            self.done += 1
            time.sleep(0.002)
        connection.close()

    def stop(self):
        self.told.set()
        self.join(DEADLINE_S)


@needs_consul
class ThroughProxies(unittest.TestCase):
    def setUp(self):
        self.consul = Consul()
        self.addCleanup(self.consul.close)
        port = free_port()
        self.sites = []
        for host, name in (("127.0.0.2", "a"), ("127.0.0.3", "b")):
            site = Site(self.consul, host, name, port)
            self.addCleanup(site.close)
            self.sites.append(site)
            if name == "a":
                wait_primary(site.node)
                with sqlite3.connect(site.node.path("app.db"), timeout=10) as db:
                    db.execute("pragma journal_mode=wal")
                    db.execute("create table t (v)")
                db.close()
        self.addCleanup(self.show_logs)
        a, b = (site.node for site in self.sites)
        wait_until(lambda: a.position("app.db") == b.position("app.db"), "b is in step")

    def show_logs(self):
        outcome = self._outcome.result
        if any(error for _, error in outcome.failures + outcome.errors):
            for site in self.sites:
                print(f"--- {site.host}\n{site.node.log()[-4000:]}")

    def clients(self, *wanted):
        clients = [Client(site, method, i) for i, (site, method) in enumerate(wanted)]
        for client in clients:
            client.start()
        return clients

    def check(self, clients, *nodes):
        for client in clients:
            client.stop()
        failures = [failure for client in clients for failure in client.failures]
        self.assertEqual(failures, [])
        posted = sum(client.done for client in clients if client.method == "POST")
        for node in nodes:
            wait_until(lambda node=node: node.position("app.db") == nodes[0].position("app.db"),
                       "the nodes are in step")
            with sqlite3.connect(node.path("app.db"), timeout=30) as db:
                self.assertEqual(db.execute("select count(*), count(distinct v) from t").fetchone(),
                                 (posted, posted))
            db.close()
        writes = [t for client in clients if client.method == "POST" for t in client.times]
        return posted, percentile(writes, 0.99), max(writes)

    def test_there_and_back_and_no_request_fails(self):
        a, b = self.sites
        clients = self.clients((a, "POST"), (b, "POST"), (a, "POST"), (b, "GET"), (a, "GET"))
        for i in range(10):
            before = [client.done for client in clients]
            code, report = failover(self.sites[i % 2].node, "ba"[i % 2], "-timeout", "30s")
            self.assertEqual(code, 0, report)
            wait_until(lambda before=before: all(client.done > n + 10 for client, n in
                                                 zip(clients, before)), "requests are answered")
        posted, p99, longest = self.check(clients, a.node, b.node)
        print(f"10 failovers under {posted} writing requests through two proxies: 0 failed; "
              f"p99 {p99 * 1000:.0f} ms, longest {longest * 1000:.0f} ms")

    def test_the_primary_is_stopped_and_no_request_to_others_fails(self):
        a, b = self.sites
        clients = self.clients((b, "POST"), (b, "POST"), (b, "GET"))
        wait_until(lambda: all(client.done > 20 for client in clients), "requests are answered")
        a.node.process.send_signal(signal.SIGTERM)
        wait_primary(b.node)
        self.assertEqual(a.node.wait(), 0)
        before = [client.done for client in clients]
        wait_until(lambda: all(client.done > n + 20 for client, n in zip(clients, before)),
                   "requests are answered by the new primary")
        a.node.start()
        wait_until(lambda: primary_file(a.node) == "b", "the old one follows")
        posted, _, longest = self.check(clients, b.node, a.node)
        self.assertTrue(is_primary(b.node))
        print(f"the primary was stopped under {posted} writing requests: 0 failed, "
              f"longest {longest * 1000:.0f} ms")


if __name__ == "__main__":
    unittest.main()
