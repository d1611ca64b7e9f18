"""Real Consul servers on loopback, and a relay that misbehaves between a node and one of them.

tests/support/install_consul puts a `consul` into PATH; without one these tests are skipped.
"""

import contextlib
import json
import pathlib
import select
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
import unittest
import urllib.error
import urllib.request

from support import DEADLINE_S, Node, free_port, wait_until

needs_consul = unittest.skipUnless(shutil.which("consul"), "no consul in PATH")


class Consul:
    """One server, or several as a cluster."""

    def __init__(self, servers=1):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="skerry-consul-"))
        self.http = [free_port() for _ in range(servers)]
        self.rpc = [free_port() for _ in range(servers)]
        serf = [free_port() for _ in range(servers)]
        config = self.dir / "config.json"
        config.write_text(json.dumps({"performance": {"raft_multiplier": 1}}))
        self.words = []
        for i in range(servers):
            self.words.append([
                "consul", "agent", "-server", "-bind=127.0.0.1", "-client=127.0.0.1",
                "-log-level=warn", "-disable-host-node-id", "-dns-port=-1", "-grpc-port=-1",
                "-serf-wan-port=-1", f"-config-file={config}", f"-data-dir={self.dir}/{i}",
                f"-node=server{i}", f"-bootstrap-expect={servers}", f"-http-port={self.http[i]}",
                f"-server-port={self.rpc[i]}", f"-serf-lan-port={serf[i]}", "-retry-interval=1s",
                *(f"-retry-join=127.0.0.1:{port}" for port in serf if port != serf[i])])
        self.processes = [None] * servers
        for i in range(servers):
            self.start(i)
        self.wait_for_leader()

    def start(self, server):
        with open(self.dir / "log", "ab") as log:
            self.processes[server] = subprocess.Popen(self.words[server], stdout=log, stderr=log)

    def kill(self, server):
        self.processes[server].kill()
        self.processes[server].wait()

    def signal_all(self, number):
        for process in self.processes:
            if process.poll() is None:
                process.send_signal(number)

    def url(self, server=0):
        return f"http://127.0.0.1:{self.http[server]}"

    def call(self, method, path, body=None):
        """The answer's body from the first server that gives one; None if there is none."""
        for i, process in enumerate(self.processes):
            if process.poll() is not None:
                continue
            request = urllib.request.Request(self.url(i) + path, method=method,
                                             data=body.encode() if body is not None else None)
            with contextlib.suppress(OSError):
                with urllib.request.urlopen(request, timeout=5) as answer:
                    return answer.read().decode()
        return None

    def wait_for_leader(self):
        wait_until(lambda: self.call("PUT", "/v1/kv/probe", "x") == "true", "Consul has a leader",
                   every_s=0.05)

    def value(self, key):
        text = self.call("GET", f"/v1/kv/{key}?raw")
        return json.loads(text) if text else None

    def close(self):
        for process in self.processes:
            process.send_signal(signal.SIGCONT)
            process.kill()
            process.wait()
        shutil.rmtree(self.dir, ignore_errors=True)


class Relay:
    """A TCP relay on loopback: passes, hangs (accepts, and nothing moves), or is gone."""

    def __init__(self, to_port):
        self.to_port = to_port
        self.mode = "pass"
        self.ended = False
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.port = self.listening.getsockname()[1]
        self.other_end = {}
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        while not self.ended:
            watched = [self.listening]
            if self.mode == "pass":
                watched += list(self.other_end)
            elif self.mode == "gone":
                self.close_all()
            for one in select.select(watched, [], [], 0.01)[0]:
                if one is self.listening:
                    self.accept_one()
                elif one in self.other_end:
                    self.pump(one)
        self.close_all()
        self.listening.close()

    def accept_one(self):
        client, _ = self.listening.accept()
        if self.mode == "gone":
            return client.close()
        try:
            server = socket.create_connection(("127.0.0.1", self.to_port), timeout=5)
        except OSError:
            return client.close()
        self.other_end[client] = server
        self.other_end[server] = client

    def pump(self, source):
        sink = self.other_end[source]
        with contextlib.suppress(OSError):
            data = source.recv(1 << 16)
            if data:
                return sink.sendall(data)
        for one in (source, sink):
            self.other_end.pop(one, None)
            one.close()

    def close_all(self):
        for one in list(self.other_end):
            one.close()
        self.other_end.clear()

    def close(self):
        self.ended = True
        self.thread.join(DEADLINE_S)


def node_of(consul_url, name, key="app/primary", start=True, ready=True, config=None, **options):
    """A node whose lease is in Consul."""
    lease = {"lease": {"type": "consul", "hostname": name,
                       "consul": {"url": consul_url, "key": key}}}
    for section, values in (config or {}).items():
        lease.setdefault(section, {}).update(values)
    return Node(name=name, config=lease, start=start, ready=ready, **options)


def primary_file(node):
    """The content of .primary, or None where there is none: on the primary."""
    try:
        return (node.mount / ".primary").read_text().strip()
    except FileNotFoundError:
        return None


def is_primary(node):
    return primary_file(node) is None


def wait_primary(node, deadline_s=DEADLINE_S):
    begin = time.monotonic()
    wait_until(lambda: is_primary(node), f"{node.dir} is the primary", deadline_s, every_s=0.005)
    return time.monotonic() - begin
