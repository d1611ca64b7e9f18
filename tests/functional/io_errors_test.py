"""The data folder fails at each place where the program writes, reads, syncs, creates or removes
there: a commit is refused or acknowledged, and then it is not there, or it is; nothing ends."""

import contextlib
import os
import sqlite3
import unittest

import state
import support

ERRORS = ("EIO", "ENOSPC")
ROWS = 40


def work(database, mode):
    """Rows acknowledged, and the errors of the others."""
    acknowledged, errors = [], []
    try:
        db = database.open()
    except sqlite3.Error as error:
        errors.append(f"open: {error.sqlite_errorname}")
        db = database.open()
    with contextlib.closing(db):
        for i in range(ROWS):
            try:
                if i == 0:
                    db.execute(f"pragma journal_mode={mode}").fetchone()
                    db.execute("pragma wal_autocheckpoint=8")
                    db.execute("create table if not exists t(id integer primary key, v)")
                if i == 20:
                    db.execute("pragma cache_size=5")
                    db.execute("begin")
                    db.execute("insert into t(v) select randomblob(3000) from t")
                    db.execute("insert into t(v) select randomblob(3000) from t")
                    db.execute("rollback")
                db.execute("insert into t values(?, randomblob(?))", (i, i * 300))
                acknowledged.append(i)
            except sqlite3.Error as error:
                errors.append(f"row {i}: {error.sqlite_errorname}")
                if db.in_transaction:
                    db.execute("rollback")
    return acknowledged, errors


class IoErrors(unittest.TestCase):
    def node(self, **environment):
        return support.Node(environment=environment)

    def sites(self, mode):
        """Where the workload gets to and the start alone does not."""
        with support.Node(start=False) as node:
            log = node.dir / "sites"
            node.environment["SKERRY_FAILPOINT_LOG"] = str(log)
            node.start()
            before = set(log.read_text().split()) if log.exists() else set()
            work(state.Database(node, "a.db"), mode)
            os.unlink(node.path("a.db"))
            after = set(log.read_text().split())
        return sorted(after - before)

    def fail(self, mode, site, error, times):
        with support.Node(start=False) as node:
            node.environment["SKERRY_FAILPOINTS"] = f"{site}={error}@{times}"
            node.start()
            worker = node.worker()
            database = state.Database(node, "a.db")
            acknowledged, errors = work(database, mode)
            try:
                self.assertEqual(node.worker(), worker, "the worker is another")
                with database.connect() as db:
                    self.assertEqual(db.execute("pragma integrity_check").fetchall(), [("ok",)])
                    rows = [] if not acknowledged else [
                        row[0] for row in db.execute("select id from t where id < ? order by id",
                                                     (ROWS,))]
                    self.assertEqual(rows, acknowledged, errors)
                    db.execute("create table if not exists t(id integer primary key, v)")
                    try:
                        db.execute("insert into t values(1000, 'after')")
                    except sqlite3.OperationalError:
                        self.assertEqual(errors, [])  # this is the first call there
                        errors.append("row 1000")
                        db.execute("insert into t values(1000, 'after')")
                    database.check(db)
                node.environment.clear()
                state.restart_unchanged(node, ["a.db"])
                database.check()
            except AssertionError as failure:
                raise AssertionError(f"{site}={error}@{times}: {failure}; {errors}\n"
                                     f"{node.log()[-3000:]}") from None
            return bool(errors)

    def all_sites(self, mode):
        refused = 0
        sites = self.sites(mode)
        self.assertGreater(len(sites), 8)
        for site in sites:
            for error in ERRORS:
                for times in ("1", "3+") if support.LONG else ("3",):
                    if times == "3+" and "remove" not in site:
                        times = "3"
                    with self.subTest(mode=mode, site=site, error=error, times=times):
                        refused += self.fail(mode, site, error, times)
        print(f"{mode}: {len(sites)} sites, {refused} runs with refused operations", flush=True)
        self.assertGreater(refused, 0)

    def test_wal(self):
        self.all_sites("wal")

    def test_delete(self):
        self.all_sites("delete")

    def test_persist(self):
        self.all_sites("persist")


if __name__ == "__main__":
    unittest.main()
