"""Writers that live through failovers, and a way to do something to a node at a step of one.

    load = Load([a, b], rate=500)
    …
    result = load.stop()

As a program of its own this is one such writer: it inserts numbered rows at a steady pace where the
primary is, as an application with a pooled connection does: it waits at the lock as long as its
busy_timeout says; if the node turns out to be the primary no more, it connects to the one that is,
and tries that row again.
"""

import json
import pathlib
import sqlite3
import subprocess
import sys
import threading
import time

from consul_support import Relay
from support import DEADLINE_S

PATIENCE_S = 20  # of one operation
DATABASE = "load.db"


class Load:
    """A writer in a process of its own: a process that hangs with its mount must not be the test."""

    def __init__(self, nodes, rate=500, key=0, database=DATABASE):
        self.process = subprocess.Popen(
            [sys.executable, __file__, str(rate), str(key), database,
             *(str(node.mount) for node in nodes)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        if self.process.stdout.readline() != "writing\n":
            raise AssertionError("the writer does not write")

    def stop(self):
        """{"rows", "failed", "retried", "doubled", "slow": [seconds, of operations over 50 ms]}"""
        out, _ = self.process.communicate("stop\n", timeout=DEADLINE_S + PATIENCE_S)
        return json.loads(out)

    def close(self):
        self.process.kill()
        self.process.communicate()


def primary_of(mounts):
    """A node shows no .primary while it is the primary, and while its mount is not there at all."""
    for mount in mounts:
        if (mount / ".lag").exists() and not (mount / ".primary").exists():
            return mount
    return None


class Writer:
    def __init__(self, rate, key, database, mounts):
        self.rate, self.key, self.database, self.mounts = rate, key, database, mounts
        self.db = None
        self.told = threading.Event()
        self.result = {"rows": 0, "failed": 0, "retried": 0, "doubled": 0, "slow": [], "errors": []}

    def connect(self):
        mount = primary_of(self.mounts)
        if mount is None:
            return False
        # SQLite's own default of its command line's users: five seconds at the lock.
        self.db = sqlite3.connect(mount / self.database, timeout=5, isolation_level=None)
        return True

    def leave(self):
        if self.db is not None:
            self.db.close()
        self.db = None

    def insert(self, row):
        """False: not within its patience. Refused ones are tried again where the primary is."""
        give_up = time.monotonic() + PATIENCE_S
        tries = 0
        while time.monotonic() < give_up:
            try:
                if self.db is None and not self.connect():
                    time.sleep(0.001)
                    continue
                tries += 1
                self.db.execute("INSERT INTO load VALUES (?, ?)", (self.key, row))
                return True
            except sqlite3.IntegrityError:  # the one that was refused is there: a phantom
                self.result["doubled"] += 1
                return True
            except sqlite3.Error as error:
                self.result["retried"] += 1
                text = str(error)
                if text not in self.result["errors"]:
                    self.result["errors"].append(text)
                self.leave()
                time.sleep(0.001)
        return False

    def run(self):
        threading.Thread(target=lambda: (sys.stdin.readline(), self.told.set()), daemon=True).start()
        begin = time.monotonic()
        while not self.told.is_set():
            row = self.result["rows"]
            wait = begin + row / self.rate - time.monotonic()
            if wait > 0:
                time.sleep(wait)
            before = time.monotonic()
            if not self.insert(row):
                self.result["failed"] += 1
            took = time.monotonic() - before
            if took > 0.05:
                self.result["slow"].append(took)
                begin += took  # it does not make up for it
            self.result["rows"] += 1
            if row == 0:
                print("writing", flush=True)
        self.leave()
        print(json.dumps(self.result), flush=True)


class Tap(Relay):
    """A relay that calls `then` once when `text` has come through it: before or after it is passed."""

    def __init__(self, to_port):
        self.text, self.then, self.first = None, None, True
        super().__init__(to_port)

    def on(self, text, then, first=True):
        self.text, self.then, self.first = text, then, first

    def passed(self, data, before):
        if self.text is None or self.first != before or self.text not in data:
            return
        self.text = None
        self.then()

    def pump(self, source):
        sink = self.other_end[source]
        try:
            data = source.recv(1 << 16)
            if data:
                self.passed(data, True)
                sink.sendall(data)
                self.passed(data, False)
                return
        except OSError:
            pass
        for one in (source, sink):
            self.other_end.pop(one, None)
            one.close()


def percentile(values, share):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


if __name__ == "__main__":
    Writer(float(sys.argv[1]), int(sys.argv[2]), sys.argv[3],
           [pathlib.Path(m) for m in sys.argv[4:]]).run()
