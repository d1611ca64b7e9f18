"""The worker dies, again and again, under working applications, which notice a pause at most."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
import unittest

import state
import support

SECONDS = 60 if support.LONG else 20
EVERY_S = 0.1

# Inserts one row per transaction until told to stop; reports what it was told and its slowest call.
WRITER = """
import json, select, sqlite3, sys, time
path, mode, synchronous = sys.argv[1:]
db = sqlite3.connect(path, isolation_level=None, timeout=60)
db.execute(f"pragma journal_mode={mode}").fetchone()
db.execute(f"pragma synchronous={synchronous}")
acknowledged, slowest, errors = 0, 0.0, []
print("ready", flush=True)
while not select.select([sys.stdin], [], [], 0)[0]:
    began = time.monotonic()
    try:
        db.execute("insert into t values(?, randomblob(300))", (acknowledged + 1,))
        acknowledged += 1
    except sqlite3.Error as error:
        errors.append(f"{error.sqlite_errorname} {error}")
        if len(errors) > 20: break
        if db.in_transaction: db.execute("rollback")
    slowest = max(slowest, time.monotonic() - began)
print(json.dumps({"rows": acknowledged, "slowest_ms": round(slowest * 1000), "errors": errors}))
"""

# Reads all the time, over one connection and over new ones.
READER = """
import json, select, sqlite3, sys, time
def connect(): return sqlite3.connect(sys.argv[1], isolation_level=None, timeout=60)
db = connect()
reads, last, slowest, errors = 0, 0, 0.0, []
print("ready", flush=True)
while not select.select([sys.stdin], [], [], 0)[0]:
    began = time.monotonic()
    try:
        if reads % 50 == 49:
            db.close()
            db = connect()
        count, most = db.execute("select count(*), ifnull(max(id), 0) from t").fetchone()
        if count != most or count < last:
            errors.append(f"{count} rows, the last is {most}, {last} were there before")
        last = count
        reads += 1
    except sqlite3.Error as error:
        errors.append(f"{error.sqlite_errorname} {error}")
        if len(errors) > 20: break
    slowest = max(slowest, time.monotonic() - began)
print(json.dumps({"reads": reads, "slowest_ms": round(slowest * 1000), "errors": errors}))
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


def kill_again_and_again(node, seconds, every_s=EVERY_S):
    """The number of workers killed."""
    killed, end = 0, time.monotonic() + seconds
    while time.monotonic() < end:
        worker = node.worker()
        if worker:
            os.kill(worker, signal.SIGKILL)
            killed += 1
        time.sleep(every_s)  # the pace of the faults is what is tested
    return killed


class Takeover(unittest.TestCase):
    def survive(self, mode, synchronous, disturb):
        with support.Node() as node:
            database = state.Database(node, "a.db")
            with database.connect() as db:
                db.execute("create table t(id integer primary key, v)")
            before = database.txid()
            writer = Program(WRITER, database.path, mode, synchronous)
            reader = Program(READER, database.path)
            disturbed = disturb(node)
            wrote, read = writer.finish(), reader.finish()
            print(f"{mode}/{synchronous}: {disturbed} disturbances, {wrote['rows']} commits, "
                  f"slowest {wrote['slowest_ms']} ms; {read['reads']} reads, slowest "
                  f"{read['slowest_ms']} ms", flush=True)
            try:
                self.assertEqual(wrote["errors"], [])
                self.assertEqual(read["errors"], [])
                self.assertGreater(wrote["rows"], 0)
                with database.connect() as db:
                    rows = db.execute("select count(*), max(id) from t").fetchone()
                    self.assertEqual(rows, (wrote["rows"], wrote["rows"]))
                    database.check(db)
                # Entering WAL mode may be one more.
                self.assertIn(database.txid() - before - wrote["rows"], (0, 1))
                state.restart_unchanged(node, ["a.db"])
            except AssertionError:
                print(node.log()[-6000:])
                raise

    def killed(self, mode, synchronous="normal"):
        self.survive(mode, synchronous, lambda node: kill_again_and_again(node, SECONDS / 2))

    def test_wal(self):
        self.killed("wal")

    def test_wal_full(self):
        self.killed("wal", "full")

    def test_delete(self):
        self.killed("delete", "full")

    def test_truncate(self):
        self.killed("truncate")

    def test_persist(self):
        self.killed("persist", "off")

    def test_memory(self):
        self.killed("memory")

    def test_upgrades_under_load(self):
        def upgrade(node):
            done, end = 0, time.monotonic() + 5
            while time.monotonic() < end or done < 3:
                result = node.upgrade()
                self.assertEqual(result.returncode, 0, result.stderr + node.log()[-2000:])
                done += 1
            return done
        for mode in ("wal", "delete"):
            with self.subTest(mode=mode):
                self.survive(mode, "full", upgrade)

    def test_many_writers(self):
        with support.Node() as node:
            database = state.Database(node, "a.db")
            with database.connect() as db:
                db.execute("pragma journal_mode=wal").fetchone()
                db.execute("create table t(id integer primary key, v)")
            text = WRITER.replace("insert into t values(?, randomblob(300))\", (acknowledged + 1,)",
                                  "insert into t(v) values(randomblob(300))\"")
            self.assertNotEqual(text, WRITER)
            writers = [Program(text, database.path, "wal", "normal") for _ in range(4)]
            killed = kill_again_and_again(node, 5)
            results = [writer.finish() for writer in writers]
            print(f"4 writers: {killed} kills, {sum(r['rows'] for r in results)} commits, slowest "
                  f"{max(r['slowest_ms'] for r in results)} ms")
            self.assertEqual([r["errors"] for r in results], [[]] * 4)
            with database.connect() as db:
                self.assertEqual(db.execute("select count(*) from t").fetchone(),
                                 (sum(r["rows"] for r in results),))
                database.check(db)
            state.restart_unchanged(node, ["a.db"])

    def test_names_come_and_go_meanwhile(self):
        """Files made, removed and made anew while workers die: none is another's."""
        with support.Node() as node:
            stop = threading.Event()
            errors = []

            def churn(number):
                n = 0
                while not stop.is_set():
                    database = state.Database(node, f"churn-{number}-{n % 3}.db")
                    try:
                        with database.connect() as db:
                            db.execute(f"pragma journal_mode={'wal' if n % 2 else 'delete'}")
                            db.execute("create table if not exists t(v)")
                            db.execute("delete from t")
                            db.execute("insert into t values(?)", (n,))
                            if db.execute("select v from t").fetchall() != [(n,)]:
                                errors.append(f"{database.name}: not what was written")
                        os.unlink(database.path)
                    except (sqlite3.Error, OSError) as error:
                        errors.append(f"{database.name}: {error}")
                        return
                    n += 1
            threads = [threading.Thread(target=churn, args=(i,)) for i in range(2)]
            for thread in threads:
                thread.start()
            kill_again_and_again(node, 6)
            stop.set()
            for thread in threads:
                thread.join()
            self.assertEqual(errors, [], node.log()[-4000:])
            support.wait_until(lambda: not os.listdir(node.data / "unlinked"),
                               "no unlinked file is left")


class Stuck(unittest.TestCase):
    def test_stopped_worker_that_is_killed(self):
        """Killed while a request waits in it: the successor answers that."""
        with support.Node() as node:
            database = state.Database(node, "a.db")
            with database.connect() as db:
                db.execute("create table t(v)")
                for i in range(5):
                    worker = node.worker()
                    os.kill(worker, signal.SIGSTOP)
                    done = threading.Event()

                    def write(n=i):
                        with database.connect() as other:
                            other.execute("insert into t values(?)", (n,))
                        done.set()
                    thread = threading.Thread(target=write)
                    thread.start()
                    self.assertFalse(done.wait(0.2))
                    os.kill(worker, signal.SIGKILL)
                    thread.join(support.DEADLINE_S)
                    self.assertTrue(done.is_set())
                self.assertEqual(db.execute("select count(*) from t").fetchone(), (5,))
                database.check(db)

    def test_worker_killed_while_it_waits_on_its_own_mount(self):
        """Its peer opens files of the mount while everything that would answer is stopped."""
        with support.Node() as node:
            names = [f"{i}.db" for i in range(40)]
            for round in range(3):
                for name in names:
                    with state.Database(node, name).connect() as db:
                        db.execute("pragma journal_mode=off")
                        db.execute("pragma synchronous=off")
                        db.execute("create table if not exists t(v)")
                        db.execute("insert into t values(?)", (round,))
                node.kill_worker()
            databases = [state.Database(node, name) for name in names]
            for database in databases:
                with database.connect() as db:
                    self.assertEqual(db.execute("select count(*) from t").fetchone(), (3,))
                    database.check(db)
            state.restart_unchanged(node, names)

    def test_writer_that_dies_between_its_commit_and_the_wal_index(self):
        with support.Node() as node:
            database = state.Database(node, "a.db")
            with database.connect() as db:
                db.execute("pragma journal_mode=wal").fetchone()
                db.execute("create table t(id integer primary key, v)")
                for i in range(40):
                    writer = Program(WRITER, database.path, "wal", "normal") if i == 0 else None
                    if writer:
                        writer.finish()
                    child = subprocess.Popen(
                        [sys.executable, "-c", "import sqlite3,sys\n"
                         "db=sqlite3.connect(sys.argv[1],isolation_level=None,timeout=30)\n"
                         "print('ready',flush=True)\n"
                         "while True: db.execute('insert into t(v) values(randomblob(2000))')",
                         database.path], stdout=subprocess.PIPE)
                    child.stdout.readline()
                    threading.Event().wait(0.01 + i * 0.0007)
                    child.kill()
                    child.communicate()
                    count, most = db.execute("select count(*), max(id) from t").fetchone()
                    self.assertEqual(count, most)
                    database.check_position()
                database.check(db)
            state.restart_unchanged(node, ["a.db"])


class KeeperEnds(unittest.TestCase):
    def test_keeper_killed(self):
        with support.Node() as node:
            database = state.Database(node, "a.db")
            with database.connect() as db:
                db.execute("create table t(v)")
                db.execute("insert into t values(1)")
                before = node.position("a.db")
                worker, keeper = node.worker(), node.keeper()
                os.kill(keeper, signal.SIGKILL)
                node.wait()
                support.wait_until(lambda: not support.is_running(worker),
                                   "the worker ends with its keeper")
                with self.assertRaises(sqlite3.Error):
                    db.execute("insert into t values(2)")
            self.assertTrue(support.is_mounted(node.mount))
            node.start()
            self.assertIn("mount-left-over", node.log())
            self.assertEqual(node.position("a.db"), before)
            with database.connect() as db:
                self.assertEqual(db.execute("select count(*) from t").fetchone(), (1,))
                with database.moves(1):
                    db.execute("insert into t values(2)")

    def test_whole_node_killed_under_load(self):
        with support.Node() as node:
            for mode in ("wal", "delete", "memory"):
                name = f"{mode}.db"
                database = state.Database(node, name)
                with database.connect() as db:
                    db.execute("create table t(id integer primary key, v)")
                writer = Program(WRITER, database.path, mode, "full")
                support.wait_until(lambda: database.txid() > 20, "some commits")
                node.kill()
                wrote = writer.finish()
                node.start()
                with database.connect() as db:
                    rows = db.execute("select count(*) from t").fetchone()[0]
                    # The one that was under way may have been committed.
                    self.assertIn(rows - wrote["rows"], (0, 1), mode)
                    database.check(db)
                state.restart_unchanged(node, [name])

    def test_worker_that_cannot_come_up_is_retried_with_backoff(self):
        with support.Node() as node:
            database = state.Database(node, "a.db")
            with database.connect() as db:
                db.execute("create table t(v)")
                program = node.data / "dbs"
                hidden = node.data / "hidden"
                # The data folder is not what it was: no worker can open it.
                program.rename(hidden)
                program.write_text("in the way")
                node.kill_worker()
                node.wait_log("worker-backoff")
                program.unlink()
                hidden.rename(program)
                with database.moves(1):
                    db.execute("insert into t values(1)")
                database.check(db)


if __name__ == "__main__":
    unittest.main()
