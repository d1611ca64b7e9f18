"""What a write on a replica gets, from the mount and in the log."""

import errno
import os
import re
import sqlite3
import time
import unittest

import state
import support


class ReplicaWrites(unittest.TestCase):
    """A node that was the primary, restarted as a replica of a primary that is not there."""

    @classmethod
    def setUpClass(cls):
        cls.node = support.Node(name="old")
        cls.addClassCleanup(cls.node.close)
        for mode in ("delete", "truncate", "persist", "wal", "memory"):
            with state.Database(cls.node, f"{mode}.db").connect() as db:
                db.execute(f"pragma journal_mode={mode}")
                db.execute("create table t(v)")
                db.execute("insert into t values(1)")
        cls.node.stop()
        cls.node.config["lease"].update({"candidate": False, "hostname": "elsewhere",
                                         "advertise-url": "http://127.0.0.1:9"})
        cls.node.start()

    def refused(self, database, db, text):
        with self.assertRaises(sqlite3.OperationalError) as raised:
            db.execute("insert into t values(2)")
        self.assertIn(text, str(raised.exception))
        self.assertFalse(db.in_transaction)
        self.assertEqual(db.execute("select count(*) from t").fetchone(), (1,))

    def test_rollback_modes_are_read_only(self):
        for mode in ("delete", "truncate", "persist"):
            with self.subTest(mode=mode):
                database = state.Database(self.node, f"{mode}.db")
                with database.connect() as db, database.moves(0):
                    db.execute(f"pragma journal_mode={mode}")
                    for _ in range(3):
                        self.refused(database, db, "readonly database")
                    database.check_integrity(db)

    def test_wal_frames_and_pages_without_a_journal_are_refused(self):
        for mode in ("wal", "memory"):
            with self.subTest(mode=mode):
                database = state.Database(self.node, f"{mode}.db")
                with database.connect() as db, database.connect() as other, database.moves(0):
                    db.execute(f"pragma journal_mode={mode}")
                    for _ in range(3):
                        self.refused(database, db, "disk I/O error")
                        self.assertEqual(other.execute("select count(*) from t").fetchone(), (1,))
                    database.check_integrity(db)

    def test_names(self):
        for call in (lambda: open(self.node.path("new.db"), "w"),
                     lambda: os.unlink(self.node.path("wal.db"))):
            with self.assertRaises(OSError) as raised:
                call()
            self.assertEqual(raised.exception.errno, errno.EACCES)
        self.assertNotIn("new.db", os.listdir(self.node.mount))
        # Shown as read-only, but open for writing, so that a connection can write after a failover.
        self.assertEqual(os.stat(self.node.path("delete.db")).st_mode & 0o777, 0o444)
        open(self.node.path("delete.db"), "r+b").close()

    def test_one_log_line_a_second_names_all(self):
        database = state.Database(self.node, "delete.db")
        began, before = time.monotonic(), self.node.log().count("write-refused")
        with database.connect() as db:
            for _ in range(200):
                self.refused(database, db, "readonly database")
        seconds = time.monotonic() - began
        lines = self.node.log().count("write-refused") - before
        self.assertLessEqual(lines, seconds + 2)
        # Its own line may have been another test's.
        time.sleep(1.1)
        before = len(self.node.log())
        with database.connect() as db:
            self.refused(database, db, "readonly database")
        support.wait_until(lambda: "write-refused" in self.node.log()[before:], "a line")
        line = re.search(".*write-refused.*", self.node.log()[before:]).group()
        for text in (f"pid={os.getpid()}", "program=python3", "db=delete.db", "elsewhere"):
            self.assertIn(text, line)

    def test_connections_of_before_can_write_after(self):
        """A connection that was opened, and refused, on the replica writes once it is primary."""
        node = support.Node(name="old")
        self.addCleanup(node.close)
        for mode in ("delete", "wal"):
            with state.Database(node, f"{mode}.db").connect() as db:
                db.execute(f"pragma journal_mode={mode}")
                db.execute("create table t(v)")
                db.execute("insert into t values(1)")
        node.stop()
        node.config["lease"]["candidate"] = False
        node.start()
        databases = [state.Database(node, "delete.db"), state.Database(node, "wal.db")]
        connections = [database.open() for database in databases]
        for database, db in zip(databases, connections):
            self.refused(database, db, "")
        node.config["lease"]["candidate"] = True
        node.config_path.write_text(support.json.dumps(node.config))
        self.assertEqual(node.upgrade().returncode, 0, node.log())
        for database, db in zip(databases, connections):
            with database.moves(1):
                db.execute("insert into t values(2)")
            database.check(db)
            db.close()


if __name__ == "__main__":
    unittest.main()
