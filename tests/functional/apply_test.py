"""A replica's mount under readers, while transactions of another node are applied to it: what they
see are states of the primary, whole ones, and none of it waits for them.

The primary is a node; the replica a worker and a keeper of their own (apply_follower), which take
the transactions from the primary's commit log on disk.
"""

import contextlib
import json
import os
import pathlib
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
import unittest

import state
import support

SECONDS = 30 if support.LONG else 8

# Reads snapshots of the account table all the time, and looks at each twice.
READER = """
import json, random, select, sqlite3, sys, time
path, kind, timeout = sys.argv[1], sys.argv[2], float(sys.argv[3])
def connect(): return sqlite3.connect(path, isolation_level=None, timeout=timeout)
db = sqlite3.connect(path, isolation_level=None, timeout=60)
db.execute("select count(*) from acc").fetchone()
db.execute(f"pragma busy_timeout={timeout * 1000}")
LOOK = "select (select sum(v) from acc), (select n from counter), (select count(*) from acc)"
reads = last = 0
busy = []
slowest, errors = 0.0, []
print("ready", flush=True)
while not select.select([sys.stdin], [], [], 0)[0]:
    began = time.monotonic()
    try:
        if kind == "new":
            db.close()
            db = connect()
        db.execute("begin")
        total, count, accounts = db.execute(LOOK).fetchone()
        slowest = max(slowest, time.monotonic() - began)
        if total != 100 * accounts or accounts == 0: errors.append(f"total {total} of {accounts}")
        if count < last: errors.append(f"{count} after {last}")
        last = count
        if kind == "long": time.sleep(random.random() * 0.3)
        if db.execute(LOOK).fetchone() != (total, count, accounts): errors.append("it moved")
        db.execute("commit")
        reads += 1
        if kind == "long": time.sleep(random.random() * 0.1)
        if reads % 200 == 0 and kind != "long":
            check = db.execute("pragma integrity_check").fetchone()[0]
            if check != "ok": errors.append(check)
    except sqlite3.OperationalError as error:
        if "locked" in str(error): busy.append(error.sqlite_errorname)
        else: errors.append(f"{error.sqlite_errorname} {error}")
        if db.in_transaction: db.execute("rollback")
    except sqlite3.Error as error:
        errors.append(f"{error.sqlite_errorname} {error}")
        if db.in_transaction: db.execute("rollback")
    if len(errors) > 20: break
print(json.dumps({"reads": reads, "last": last, "busy": len(busy), "why": sorted(set(busy)), "errors": errors,
                  "slowest_ms": round(slowest * 1000)}))
"""


class Program:
    """A Python program that works until told to stop, then prints a JSON object."""

    def __init__(self, text, *arguments):
        self.process = subprocess.Popen([sys.executable, "-c", text, *arguments], text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        if self.process.stdout.readline() != "ready\n":
            raise AssertionError("the program does not start")

    def finish(self):
        out, _ = self.process.communicate("stop\n", support.DEADLINE_S)
        return json.loads(out)

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.communicate()


class Follower:
    """The replica: its mount, its data folder."""

    def __init__(self, source, environment=None):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="skerry-test-"))
        self.mount = self.dir / "mount"
        self.data = self.dir / "data"
        self.log_path = self.dir / "log"
        self.source = source
        self.environment = environment or {}
        self.mount.mkdir()
        self.data.mkdir()
        self.process = None
        self.start()

    def start(self):
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                [str(support.HELPERS / "apply_follower"), "keep", str(self.mount), str(self.data),
                 str(self.source)],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log,
                env={**os.environ, **self.environment})
        if self.process.stdout.readline() != b"ready\n":
            raise AssertionError(f"the replica does not start:\n{self.log()}")

    def stop(self):
        """As a crash of the whole node: nothing is closed in order."""
        self.process.communicate(timeout=support.DEADLINE_S)
        self.process = None

    def close(self):
        if self.process:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.communicate(timeout=15)
            if self.process.poll() is None:
                for pid in support.children_of(self.process.pid):
                    os.kill(pid, signal.SIGKILL)
                self.process.kill()
                self.process.communicate()
        if support.is_mounted(self.mount):
            subprocess.run(["umount", "-l", str(self.mount)], check=False)
        shutil.rmtree(self.dir, ignore_errors=True)

    def kill_worker(self):
        for pid in support.children_of(self.process.pid):
            if support.is_running(pid):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)

    @contextlib.contextmanager
    def held(self):
        (self.data / "hold").touch()
        try:
            yield
        finally:
            (self.data / "hold").unlink()

    def log(self):
        return self.log_path.read_text(errors="replace")

    def path(self, name):
        return str(self.mount / name)

    def files(self, name):
        return self.data / "dbs" / name

    position = support.Node.position


class ApplyTest(unittest.TestCase):
    log = ""

    def setUp(self):
        self.primary = support.Node()
        self.addCleanup(self.primary.close)
        self.replica = Follower(self.primary.data)
        self.addCleanup(self.replica.close)

    def run(self, result=None):
        failures = len(result.failures) + len(result.errors)
        super().run(result)
        if len(result.failures) + len(result.errors) > failures:
            print(f"--- log of the replica in {self.id()}:\n{self.log[-4000:]}\n---")

    def tearDown(self):
        self.log = self.replica.log()

    def make_bank(self, name, mode, accounts=300):
        db = sqlite3.connect(self.primary.path(name), isolation_level=None, timeout=30)
        self.addCleanup(db.close)
        db.execute(f"pragma journal_mode={mode}").fetchone()
        db.execute("pragma synchronous=normal")
        db.execute("begin")
        db.execute("create table acc(id integer primary key, v int, pad)")
        db.execute("create table counter(n)")
        db.execute("insert into counter values(0)")
        db.executemany("insert into acc values(?, 100, randomblob(300))",
                       [(i,) for i in range(accounts)])
        db.execute("commit")
        return db

    @staticmethod
    def transfer(db, n, accounts=300):
        a, b = random.sample(range(accounts), 2)
        db.execute("begin immediate")
        db.execute("update acc set v=v-1, pad=randomblob(300) where id=?", (a,))
        db.execute("update acc set v=v+1 where id=?", (b,))
        db.execute("update counter set n=?", (n,))
        db.execute("commit")

    def caught_up(self, name):
        support.wait_until(
            lambda: self.replica.position(name) == self.primary.position(name) != (0, 0),
            f"{name} of the replica is where the primary is")

    def check_equal(self, name):
        self.caught_up(name)
        self.assertEqual(state.image(self.replica.files(name)),
                         state.image(self.primary.files(name)))
        self.assertEqual(state.checksum(self.replica.files(name)), self.replica.position(name)[1])
        with contextlib.closing(sqlite3.connect(self.replica.path(name), timeout=30)) as db:
            self.assertEqual(db.execute("pragma integrity_check").fetchone()[0], "ok")

    def work(self, db, seconds, each=None):
        end, n = time.monotonic() + seconds, 0
        while time.monotonic() < end:
            n += 1
            self.transfer(db, n)
            if each:
                each(n)
        return n

    def readers(self, name, kinds, timeout):
        programs = [Program(READER, self.replica.path(name), kind, str(timeout)) for kind in kinds]
        for program in programs:
            self.addCleanup(program.close)
        return programs

    def check_readers(self, programs, last):
        results = [program.finish() for program in programs]
        for result in results:
            self.assertEqual(result["errors"], [])
            self.assertGreater(result["reads"], 0)
            self.assertLessEqual(result["last"], last)
        return results

    def test_readers_of_a_wal_database_see_whole_states_and_never_wait(self):
        db = self.make_bank("bank.db", "wal")
        self.caught_up("bank.db")
        programs = self.readers("bank.db", ["short", "long", "new", "short"], 0)
        n = self.work(db, SECONDS)
        self.check_equal("bank.db")
        short, long, _, other = self.check_readers(programs, n)  # opening may wait for closing
        for result in (short, long, other):
            self.assertEqual(result["busy"], 0, result)

    def test_readers_of_a_rollback_database_see_whole_states(self):
        for mode in ("delete", "truncate", "persist"):
            with self.subTest(mode=mode):
                name = f"{mode}.db"
                db = self.make_bank(name, mode)
                self.caught_up(name)
                programs = self.readers(name, ["short", "long", "new"], 30)
                n = self.work(db, SECONDS / 2, lambda n: time.sleep(0.005))
                self.check_equal(name)
                self.check_readers(programs, n)

    def test_journal_mode_and_page_size_change_under_idle_connections(self):
        db = self.make_bank("bank.db", "delete")
        self.caught_up("bank.db")
        idle = sqlite3.connect(self.replica.path("bank.db"), isolation_level=None, timeout=30)
        self.addCleanup(idle.close)
        n = 0
        for page_size in (4096, 1024, 16384):
            for mode in ("wal", "delete", "wal", "truncate"):
                db.execute(f"pragma page_size={page_size}")
                db.execute("vacuum")
                db.execute(f"pragma journal_mode={mode}").fetchone()
                for _ in range(5):
                    n += 1
                    self.transfer(db, n)
                self.check_equal("bank.db")
                self.assertEqual(idle.execute("select sum(v) from acc").fetchone()[0], 30000)
                self.assertEqual(idle.execute("select n from counter").fetchone()[0], n)
                self.assertEqual(idle.execute("pragma integrity_check").fetchone()[0], "ok")

    def test_databases_come_and_go(self):
        for i in range(4):
            with contextlib.closing(sqlite3.connect(self.primary.path("a.db"))) as db:
                db.execute("pragma journal_mode=" + ("wal" if i % 2 else "delete")).fetchone()
                db.execute("create table t(v)")
                db.execute("insert into t values(?)", (i,))
                db.commit()
            self.check_equal("a.db")
            held = sqlite3.connect(self.replica.path("a.db"))
            self.addCleanup(held.close)
            self.assertEqual(held.execute("select v from t").fetchall(), [(i,)])
            os.remove(self.primary.path("a.db"))
            support.wait_until(lambda: not os.path.exists(self.replica.path("a.db")),
                               "the database is gone from the replica")
            for suffix in ("", "-wal", "-shm", "-journal"):
                self.assertFalse(os.path.exists(self.replica.path("a.db" + suffix)))
            self.assertEqual(held.execute("select v from t").fetchall(), [(i,)])
            self.assertEqual(self.replica.position("a.db"), self.primary.position("a.db"))

    def test_a_large_transaction_under_readers(self):
        for mode in ("wal", "delete"):
            with self.subTest(mode=mode):
                name = f"{mode}.db"
                db = self.make_bank(name, mode)
                self.caught_up(name)
                programs = self.readers(name, ["short", "new"], 60)
                db.execute("create table big(v)")
                db.execute("with recursive n(i) as (select 1 union all select i+1 from n "
                           "where i<40000) insert into big select randomblob(1000) from n")
                db.execute("delete from big where rowid%2=0")
                db.execute("vacuum")
                self.transfer(db, 1)
                self.check_equal(name)
                self.check_readers(programs, 1)

    def test_a_local_writer_that_sits_on_the_lock_is_named(self):
        for mode in ("wal", "delete"):
            with self.subTest(mode=mode):
                name = f"{mode}.db"
                db = self.make_bank(name, mode)
                self.caught_up(name)
                blocker = subprocess.Popen(
                    [sys.executable, "-c",
                     "import sqlite3, sys\n"
                     "db = sqlite3.connect(sys.argv[1], isolation_level=None)\n"
                     "db.execute('begin immediate')\n"
                     "print('ready', flush=True)\n"
                     "sys.stdin.read()", self.replica.path(name)],
                    stdin=subprocess.PIPE, stdout=subprocess.PIPE)
                self.addCleanup(blocker.kill)
                self.assertEqual(blocker.stdout.readline(), b"ready\n")
                self.transfer(db, 1)
                support.wait_until(
                    lambda: f"pid={blocker.pid}" in self.replica.log(), "the log names the process")
                self.assertIn("apply-blocked", self.replica.log())
                self.assertNotEqual(self.replica.position(name), self.primary.position(name))
                blocker.communicate()
                self.check_equal(name)

    def test_a_long_reader_stops_nothing_and_the_wal_starts_over_behind_it(self):
        db = self.make_bank("bank.db", "wal")
        self.caught_up("bank.db")
        reader = sqlite3.connect(self.replica.path("bank.db"), isolation_level=None)
        self.addCleanup(reader.close)
        reader.execute("begin")
        before = reader.execute("select n from counter").fetchone()
        wal = self.replica.files("bank.db") / "wal"
        n = 0
        while wal.stat().st_size < 11_000 * 4120:
            db.execute("begin")
            n += 1
            db.execute("update acc set pad=randomblob(300)")
            db.execute("update counter set n=?", (n,))
            db.execute("commit")
            self.caught_up("bank.db")
        self.assertEqual(reader.execute("select n from counter").fetchone(), before)
        support.wait_until(lambda: "wal-grows" in self.replica.log(), "the log names the reader")
        reader.execute("commit")
        self.assertEqual(reader.execute("select n from counter").fetchone()[0], n)

        def starts_over():
            self.transfer(db, n)
            return len(state.wal_frames(state.read(wal))[1]) < 2000
        support.wait_until(starts_over, "the WAL starts over", every_s=0.05)
        self.check_equal("bank.db")

    def test_workers_die_under_readers(self):
        names = {mode: f"{mode}.db" for mode in ("wal", "delete")}
        banks = {mode: self.make_bank(name, mode) for mode, name in names.items()}
        for name in names.values():
            self.caught_up(name)
        programs = {mode: self.readers(name, ["short", "long", "new"], 60)
                    for mode, name in names.items()}
        stop = threading.Event()

        def kill():
            while not stop.wait(0.1):
                self.replica.kill_worker()
        killer = threading.Thread(target=kill)
        killer.start()
        try:
            end, n = time.monotonic() + 2 * SECONDS, 0
            while time.monotonic() < end:
                n += 1
                for db in banks.values():
                    self.transfer(db, n)
        finally:
            stop.set()
            killer.join()
        for mode, name in names.items():
            with self.subTest(mode=mode):
                self.check_equal(name)
                self.check_readers(programs[mode], n)

    def test_the_whole_replica_ends_anywhere(self):
        names = ["wal", "delete"]
        banks = [self.make_bank(mode, mode) for mode in names]
        n = 0
        for _ in range(5):
            end = time.monotonic() + 0.5
            while time.monotonic() < end:
                n += 1
                for db in banks:
                    self.transfer(db, n)
            self.replica.stop()
            self.replica.start()
        for name in names:
            self.check_equal(name)


if __name__ == "__main__":
    unittest.main(verbosity=2)
