"""Drives the real program: one node in a temporary folder, started, stopped, killed and restarted.

    with Node() as node:
        db = sqlite3.connect(node.path("a.db"))

The program is $SKERRY, or build/dev/skerry. Nothing here sleeps to synchronise: wait_until() polls a
condition up to a generous deadline.
"""

import contextlib
import json
import os
import pathlib
import select
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = os.environ.get("SKERRY", str(ROOT / "build/dev/skerry"))
HELPERS = pathlib.Path(os.environ.get("SKERRY_HELPERS", str(ROOT / "build/dev/tests/functional")))
LONG = os.environ.get("SKERRY_TESTS_LONG") == "1"
DEADLINE_S = 60


def wait_until(condition, what, deadline_s=DEADLINE_S, every_s=0.01):
    """The condition's first true value; fails after the deadline, naming `what`."""
    end = time.monotonic() + deadline_s
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"not within {deadline_s} s: {what}")
        time.sleep(every_s)


def readable(stream):
    """Something can be read from it, or it is at its end."""
    return bool(select.select([stream], [], [], 0)[0])


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def process_state(pid):
    """(state, parent, name) from /proc, or None if there is no such process."""
    try:
        text = pathlib.Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    name, rest = text[text.index("(") + 1:].rsplit(")", 1)
    fields = rest.split()
    return fields[0], int(fields[1]), name


def children_of(pid):
    found = []
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            state = process_state(int(entry))
            if state and state[1] == pid:
                found.append(int(entry))
    return found


def is_running(pid):
    state = process_state(pid)
    return state is not None and state[0] not in "ZX"


def is_mounted(path):
    with open("/proc/self/mounts", "rb") as mounts:
        return any(os.fsdecode(line.split()[1]) == str(path) for line in mounts)


def merged(base, more):
    result = dict(base)
    for key, value in more.items():
        both = isinstance(value, dict) and isinstance(result.get(key), dict)
        result[key] = merged(result[key], value) if both else value
    return result


class Node:
    """One `skerry mount`. Everything of it lies below `dir`, a new temporary folder by default."""

    def __init__(self, candidate=True, config=None, dir=None, name="a", port=None, start=True,
                 ready=True, environment=None):
        self.own_dir = dir is None
        self.dir = pathlib.Path(dir or tempfile.mkdtemp(prefix="skerry-test-"))
        self.mount = self.dir / "mount"
        self.data = self.dir / "data"
        self.log_path = self.dir / "log"
        self.config_path = self.dir / "litefs.yml"
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.config = merged({
            "fuse": {"dir": str(self.mount)},
            "data": {"dir": str(self.data)},
            "http": {"addr": f"127.0.0.1:{self.port}"},
            "lease": {"type": "static", "candidate": candidate, "hostname": name,
                      "advertise-url": self.url},
        }, config or {})
        self.environment = environment or {}
        self.process = None
        self.exit_code = None
        try:
            if start:
                self.start(ready)
        except BaseException:
            self.close()
            raise

    # --- Life ------------------------------------------------------------------------------------

    def start(self, ready=True, arguments=()):
        # YAML is a superset of JSON.
        self.config_path.write_text(json.dumps(self.config, indent=1))
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                [PROGRAM, "mount", "-config", str(self.config_path), *arguments], stdout=log,
                stderr=log, stdin=subprocess.DEVNULL, cwd=self.dir,
                env={**os.environ, **self.environment})
        self.exit_code = None
        if ready:
            self.wait_ready()

    def wait_ready(self):
        def ready():
            if self.process.poll() is not None:
                raise AssertionError(f"the node ended with {self.process.returncode}:\n{self.log()}")
            return is_mounted(self.mount) and self.worker() and self.answers()
        wait_until(ready, "the node is ready")

    def answers(self):
        """The mount serves: asked by another process, since it may hang until a worker is there."""
        try:
            return subprocess.run(["stat", "-t", str(self.mount / ".lag")], timeout=DEADLINE_S,
                                  capture_output=True, check=False).returncode == 0
        except subprocess.TimeoutExpired:
            return False

    def stop(self, with_signal=signal.SIGTERM):
        """Stops it in order and returns the exit code."""
        if self.process and self.process.poll() is None:
            self.process.send_signal(with_signal)
        return self.wait()

    def wait(self):
        if self.process is None:
            return self.exit_code
        try:
            self.exit_code = self.process.wait(DEADLINE_S)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"the node does not end:\n{self.log()}") from None
        self.process = None
        return self.exit_code

    def restart(self):
        code = self.stop()
        if code != 0:
            raise AssertionError(f"the node ended with {code}:\n{self.log()}")
        self.start()

    def kill(self):
        """Kills keeper and worker, as a crash of the whole node does; the mount stays behind."""
        worker = self.worker()
        self.process.kill()
        self.wait()
        if worker:
            wait_until(lambda: not is_running(worker), "the worker ended with its keeper")

    def close(self):
        """Stops and removes everything, whatever state it is in."""
        if self.process and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                for pid in children_of(self.process.pid):
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)
                self.process.kill()
                self.process.wait()
        self.process = None
        if is_mounted(self.mount):
            subprocess.run(["umount", "-l", str(self.mount)], check=False)
        if self.own_dir:
            shutil.rmtree(self.dir, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.close()

    # --- A look at it ----------------------------------------------------------------------------

    def keeper(self):
        return self.process.pid

    def worker(self):
        """Process id of the worker, or None while there is none."""
        for pid in children_of(self.process.pid):
            state = process_state(pid)
            try:
                command = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
            except (FileNotFoundError, ProcessLookupError):
                continue
            if state and state[0] not in "ZX" and b"mount" in command[1:2]:
                return pid
        return None

    def kill_worker(self):
        """Kills the worker and returns the id of the dead one."""
        pid = wait_until(self.worker, "a worker runs")
        os.kill(pid, signal.SIGKILL)
        return pid

    def upgrade(self):
        return subprocess.run([PROGRAM, "upgrade", "-config", str(self.config_path)],
                              capture_output=True, text=True, timeout=DEADLINE_S, check=False)

    def log(self):
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    def wait_log(self, text, deadline_s=DEADLINE_S):
        wait_until(lambda: text in self.log(), f"{text!r} in the log", deadline_s)

    def path(self, name):
        return str(self.mount / name)

    def files(self, database):
        """The folder of a database in the data folder."""
        return self.data / "dbs" / database

    def position(self, database):
        """(transaction id, checksum) as the mount shows it; (0, …) if there is no database."""
        try:
            with open(self.path(f"{database}-pos"), encoding="ascii") as file:
                txid, checksum = file.read().strip().split("/")
        except FileNotFoundError:
            return 0, 0
        return int(txid, 16), int(checksum, 16)

    def txid(self, database):
        return self.position(database)[0]


class NodeTest(unittest.TestCase):
    """A test case with one node for all of its tests: `self.node`. `config` may be overridden."""

    config = {}
    candidate = True

    @classmethod
    def setUpClass(cls):
        cls.node = Node(config=cls.config, candidate=cls.candidate)
        cls.addClassCleanup(cls.node.close)

    def run(self, result=None):
        failures = len(result.failures) + len(result.errors) if result is not None else 0
        super().run(result)
        if result is not None and len(result.failures) + len(result.errors) > failures:
            print(f"--- log of the node in {self.id()}:\n{self.node.log()[-4000:]}\n---")
