"""SQLite's less usual ways: exclusive locking, attached databases, memory maps, size limits, chunks,
checkpoints beside writers, extensions."""

import contextlib
import ctypes
import ctypes.util
import os
import sqlite3
import subprocess
import sys
import threading
import unittest

import state
import support

CHECKPOINTER = """
import select, sqlite3, sys
db = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=30)
print("ready", flush=True)
n = 0
while not select.select([sys.stdin], [], [], 0)[0]:
    for kind in ("passive", "full", "restart", "truncate"):
        db.execute(f"pragma wal_checkpoint({kind})").fetchone()
        n += 1
        if n == 400: print("enough", flush=True)
print(db.execute("pragma integrity_check").fetchone()[0])
"""

COMMITS_BESIDE_CHECKPOINTS = 500


class SqliteWays(support.NodeTest):
    def database(self, name):
        return state.Database(self.node, name)

    def test_exclusive_locking(self):
        names = []
        for mode in ("wal", "delete", "truncate", "persist", "memory"):
            with self.subTest(mode=mode):
                database = self.database(f"exclusive-{mode}.db")
                names.append(database.name)
                db = database.open()
                with contextlib.closing(db):
                    db.execute("pragma locking_mode=exclusive").fetchone()
                    self.assertEqual(db.execute(f"pragma journal_mode={mode}").fetchone(), (mode,))
                    with database.moves(1):
                        db.execute("create table t(v)")
                    with database.moves(20):
                        for i in range(20):
                            db.execute("insert into t values(?)", (i,))
                    with database.moves(0):
                        db.execute("begin")
                        db.execute("delete from t")
                        db.execute("rollback")
                    if mode == "wal":
                        self.assertFalse(os.path.exists(database.path + "-shm"))
                    with self.assertRaises(sqlite3.OperationalError):
                        with database.connect() as other:
                            other.execute("pragma busy_timeout=0")
                            other.execute("select * from t").fetchone()
                    if mode == "wal":  # which is left only with the connection
                        db.close()
                        db = database.open()
                    db.execute("pragma locking_mode=normal").fetchone()
                    with database.moves(1):
                        db.execute("insert into t values('normal')")
                    with database.connect() as other:
                        self.assertEqual(other.execute("select count(*) from t").fetchone(), (21,))
                database.check()
        state.restart_unchanged(self.node, names)

    def test_commits_over_attached_databases(self):
        for mode in ("delete", "truncate", "persist", "wal"):
            with self.subTest(mode=mode):
                all_three = [self.database(f"attached-{mode}-{i}.db") for i in range(3)]
                with all_three[0].connect() as db:
                    db.execute(f"attach '{all_three[1].path}' as b")
                    db.execute(f"attach '{all_three[2].path}' as c")
                    for schema in ("main", "b", "c"):
                        db.execute(f"pragma {schema}.journal_mode={mode}").fetchone()
                        db.execute(f"create table {schema}.t(v)")
                    before = [database.txid() for database in all_three]
                    for i in range(5):
                        db.execute("begin")
                        for schema in ("main", "b", "c"):
                            db.execute(f"insert into {schema}.t values(?)", (i,))
                        db.execute("commit" if i < 4 else "rollback")
                    self.assertEqual([database.txid() for database in all_three],
                                     [txid + 4 for txid in before])
                for database in all_three:
                    database.check()
                    with database.connect() as db:
                        self.assertEqual(db.execute("select count(*) from t").fetchone(), (4,))
                self.assertFalse([name for name in os.listdir(self.node.mount) if "-mj" in name])

    def test_super_journal_of_a_writer_that_dies(self):
        names = ["super-0.db", "super-1.db"]
        program = """
import os, sqlite3, sys
db = sqlite3.connect(sys.argv[1], isolation_level=None)
db.execute(f"attach '{sys.argv[2]}' as b")
db.execute("begin")
db.execute("insert into main.t select randomblob(500) from t limit 500")
db.execute("insert into b.t select randomblob(500) from b.t limit 500")
print("in", flush=True)
sys.stdin.readline()
db.execute("commit")
"""
        databases = [self.database(name) for name in names]
        for database in databases:
            with database.connect() as db:
                db.execute("create table t(v)")
                db.execute("insert into t values(1)")
                for _ in range(9):
                    db.execute("insert into t select randomblob(100) from t")
        for delay in range(12):
            with self.subTest(delay=delay):
                writer = subprocess.Popen([sys.executable, "-c", program, *[d.path for d in databases]],
                                          stdin=subprocess.PIPE, stdout=subprocess.PIPE)
                writer.stdout.readline()
                writer.stdin.write(b"\n")
                writer.stdin.flush()
                threading.Event().wait(delay * 0.0015)
                writer.kill()
                writer.communicate()
                counts = []
                for database in databases:
                    with database.connect() as db:
                        counts.append(db.execute("select count(*) from t").fetchone()[0])
                    database.check()
                self.assertEqual(counts[0], counts[1])

    def test_memory_maps(self):
        for mode in ("delete", "wal"):
            with self.subTest(mode=mode):
                database = self.database(f"mmap-{mode}.db")
                with database.connect() as db, database.connect() as other:
                    for one in (db, other):
                        one.execute("pragma mmap_size=100000000").fetchone()
                    db.execute(f"pragma journal_mode={mode}").fetchone()
                    db.execute("create table t(id integer primary key, v)")
                    for i in range(30):
                        with database.moves(1):
                            db.execute("insert into t(v) values(randomblob(9000))")
                        with database.moves(1):
                            other.execute("update t set v=randomblob(9000) where id=?", (i // 2 + 1,))
                        self.assertEqual(other.execute("select count(*) from t").fetchone(),
                                         db.execute("select count(*) from t").fetchone())
                    with database.moves(1):
                        db.execute("delete from t where id > 5")
                    with database.moves(1):
                        db.execute("vacuum")
                    self.assertEqual(other.execute("select count(*) from t").fetchone(), (5,))
                    if mode == "wal":
                        with database.moves(0):
                            db.execute("pragma wal_checkpoint(truncate)").fetchone()
                    database.check(db)
                    database.check(other)

    def test_journal_size_limit(self):
        for mode, suffix in (("persist", "-journal"), ("wal", "-wal")):
            with self.subTest(mode=mode):
                database = self.database(f"limit-{mode}.db")
                with database.connect() as db:
                    db.execute(f"pragma journal_mode={mode}").fetchone()
                    db.execute("pragma journal_size_limit=16384").fetchone()
                    db.execute("create table t(v)")
                    db.execute("insert into t values(zeroblob(2000000))")
                    with database.moves(1):
                        db.execute("update t set v=randomblob(2000000)")
                    if mode == "wal":
                        self.assertGreater(os.stat(database.path + suffix).st_size, 1_000_000)
                        db.execute("pragma wal_checkpoint(restart)").fetchone()
                    with database.moves(1):
                        db.execute("insert into t values(1)")
                    self.assertLessEqual(os.stat(database.path + suffix).st_size, 16384)
                    database.check(db)

    def test_chunk_size(self):
        library = ctypes.CDLL(ctypes.util.find_library("sqlite3"))
        for mode in ("delete", "wal"):
            with self.subTest(mode=mode):
                database = self.database(f"chunks-{mode}.db")
                db = ctypes.c_void_p()
                self.assertEqual(library.sqlite3_open(database.path.encode(), ctypes.byref(db)), 0)

                def run(sql):
                    self.assertEqual(library.sqlite3_exec(db, sql.encode(), None, None, None), 0)
                size = ctypes.c_int(1 << 20)
                run(f"pragma journal_mode={mode}")
                self.assertEqual(library.sqlite3_file_control(db, b"main", 6, ctypes.byref(size)), 0)
                with database.moves(1):
                    run("create table t(v)")
                with database.moves(1):
                    run("insert into t values(randomblob(300000))")
                if mode == "wal":
                    with database.moves(0):
                        run("pragma wal_checkpoint")
                self.assertEqual(os.stat(database.path).st_size, 1 << 20)
                database.check()
                with database.moves(1):
                    run("insert into t values(randomblob(1500000))")
                with database.moves(1):
                    run("delete from t")
                with database.moves(1):
                    run("vacuum")
                with database.moves(1):
                    run("create table u(v)")
                self.assertEqual(library.sqlite3_close(db), 0)
                database.check()
        state.restart_unchanged(self.node, ["chunks-delete.db", "chunks-wal.db"])

    def test_checkpoints_in_one_process_beside_a_writer_in_another(self):
        database = self.database("checkpoints.db")
        with database.connect() as db:
            db.execute("pragma journal_mode=wal").fetchone()
            db.execute("create table t(id integer primary key, v)")
            other = subprocess.Popen([sys.executable, "-c", CHECKPOINTER, database.path],
                                     stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            self.assertEqual(other.stdout.readline(), "ready\n")
            before, n = database.txid(), 0
            # Until both have done their share, whichever of them the machine favours.
            while n < COMMITS_BESIDE_CHECKPOINTS or not support.readable(other.stdout):
                db.execute("insert into t(v) values(randomblob(?))", (n * 37 % 5000,))
                n += 1
                if n % 7 == 0:
                    db.execute("delete from t where id=?", (n // 2,))
                    n += 1
            out, _ = other.communicate("stop\n", support.DEADLINE_S)
            self.assertEqual((other.returncode, out), (0, "enough\nok\n"))
            self.assertEqual(database.txid() - before, n)
            database.check(db)
        state.restart_unchanged(self.node, ["checkpoints.db"])

    def test_full_text_search_trees_and_json(self):
        for mode in ("delete", "wal"):
            with self.subTest(mode=mode):
                database = self.database(f"features-{mode}.db")
                with database.connect() as db:
                    db.execute(f"pragma journal_mode={mode}").fetchone()
                    db.execute("pragma cache_size=20")
                    db.execute("create virtual table f using fts5(text)")
                    db.execute("create virtual table r using rtree(id, x0, x1, y0, y1)")
                    db.execute("create table j(doc, kind generated always as (doc->>'$.kind'))")
                    db.execute("create index k on j(kind)")
                    for i in range(30):
                        words = " ".join(f"w{i * k % 97}" for k in range(200))
                        with database.moves(1):
                            db.execute("insert into f values(?)", (words,))
                        with database.moves(1):
                            db.execute("insert into r values(?,?,?,?,?)", (i, i, i + 2, -i, i))
                        with database.moves(1):
                            db.execute("insert into j values(json_object('kind', ?, 'list', "
                                       "json_array(1,2,3)))", (i % 3,))
                    with database.moves(1):
                        db.execute("insert into f(f) values('optimize')")
                    with database.moves(1):
                        db.execute("delete from r where x0 > 10")
                    self.assertEqual(db.execute("select count(*) from f where f match 'w5'")
                                     .fetchone()[0] > 0, True)
                    self.assertEqual(db.execute("select count(*) from j where kind=1").fetchone(),
                                     (10,))
                    db.execute("insert into f(f) values('integrity-check')")
                    database.check(db)

    def test_large_blobs(self):
        for mode in ("delete", "wal"):
            with self.subTest(mode=mode):
                database = self.database(f"blobs-{mode}.db")
                data = os.urandom(1 << 20) * 24
                with database.connect() as db:
                    db.execute(f"pragma journal_mode={mode}").fetchone()
                    with database.moves(2):
                        db.execute("create table t(id integer primary key, v blob)")
                        db.execute("insert into t values(1, ?)", (data,))
                    db.execute("begin")
                    with database.moves(1):
                        with db.blobopen("t", "v", 1) as blob:
                            blob.seek(12_345_678)
                            blob.write(b"x" * 100_000)
                        db.execute("commit")
                    with database.moves(1):
                        db.execute("insert into t select 2, v from t")
                    with database.connect() as other:
                        for row in (1, 2):
                            got = other.execute("select v from t where id=?", (row,)).fetchone()[0]
                            self.assertEqual(len(got), len(data))
                            self.assertEqual(got[12_345_678:12_345_688], b"x" * 10)
                    database.check(db)


if __name__ == "__main__":
    unittest.main()
