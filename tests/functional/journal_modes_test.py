"""Every journal mode, page size and kind of auto-vacuum through one life of a database."""

import itertools
import unittest

import state
import support

MODES = ["delete", "truncate", "persist", "memory", "off", "wal"]
PAGE_SIZES = [512, 1024, 4096, 16384, 65536] if support.LONG else [512, 4096, 65536]
AUTO_VACUUM = ["none", "full", "incremental"]


class JournalModes(support.NodeTest):
    def live(self, mode, page_size, auto_vacuum, synchronous):
        name = f"{mode}-{page_size}-{auto_vacuum}-{synchronous}.db"
        database = state.Database(self.node, name)
        with database.connect() as db:
            run = db.execute
            run(f"pragma page_size={page_size}")
            run(f"pragma auto_vacuum={auto_vacuum}")
            # Entering WAL mode writes the first page.
            with database.moves(1 if mode == "wal" else 0):
                self.assertEqual(run(f"pragma journal_mode={mode}").fetchone(), (mode,))
            run(f"pragma synchronous={synchronous}")
            with database.moves(1):
                run("create table t(id integer primary key, v)")
            # Without journal and sync nothing tells where one ends and the next begins.
            unmarked = mode in ("memory", "off") and synchronous == "off"
            with database.moves(*(range(1, 11) if unmarked else (10,))):
                for i in range(10):
                    run("insert into t(v) values(?)", (f"row {i}" * 30,))
            self.spill(database, db, page_size)
            self.savepoints(database, db)
            with database.moves(1):
                run("update t set v=randomblob(200) where id % 3 = 0")
            if mode != "off":  # which cannot roll back
                with database.moves(0):
                    run("begin")
                    run("delete from t where id > 5")
                    run("rollback")
            with database.moves(1):
                run("delete from t where id % 2 = 0")
            if auto_vacuum == "incremental":
                with database.moves(0, 1):
                    run("pragma incremental_vacuum(7)").fetchall()
                with database.moves(0, 1):
                    run("pragma incremental_vacuum").fetchall()
            with database.moves(1):
                run("vacuum")
            database.check(db)
            with database.moves(1):
                run("create index i on t(v)")
            rows = run("select count(*), sum(id) from t").fetchone()
        with database.moves(0):
            with database.connect() as db:
                self.assertEqual(db.execute("select count(*), sum(id) from t").fetchone(), rows)
        with database.connect() as db:
            with database.moves(1):
                db.execute("drop table t")
            database.check(db)
        return name

    def spill(self, database, db, page_size):
        db.execute("pragma cache_size=10")
        pages = 60 if page_size > 4096 else 150
        with database.moves(1):
            db.execute("begin")
            db.execute("with recursive c(i) as (select 1 union all select i+1 from c where i<?) "
                       "insert into t(v) select randomblob(?) from c", (pages, page_size))
            db.execute("update t set v=randomblob(length(v)) where id % 7 = 0")
            db.execute("commit")

    def savepoints(self, database, db):
        with database.moves(1):
            db.execute("begin")
            db.execute("insert into t(v) values('kept')")
            db.execute("savepoint a")
            db.execute("insert into t(v) select v from t limit 20")
            if db.execute("pragma journal_mode").fetchone() != ("off",):
                db.execute("rollback to a")
            db.execute("release a")
            db.execute("insert into t(v) values('kept, too')")
            db.execute("commit")

    def lives(self, mode):
        names = []
        for page_size, auto_vacuum in itertools.product(PAGE_SIZES, AUTO_VACUUM):
            synchronous = "off" if page_size == 512 else "full" if page_size == 4096 else "normal"
            with self.subTest(mode=mode, page_size=page_size, auto_vacuum=auto_vacuum):
                names.append(self.live(mode, page_size, auto_vacuum, synchronous))
        state.restart_unchanged(self.node, names)

    def test_delete(self):
        self.lives("delete")

    def test_truncate(self):
        self.lives("truncate")

    def test_persist(self):
        self.lives("persist")

    def test_memory(self):
        self.lives("memory")

    def test_off(self):
        self.lives("off")

    def test_wal(self):
        self.lives("wal")

    def test_pages_moved_and_cut_off_within_a_spilled_transaction(self):
        for mode in MODES:
            with self.subTest(mode=mode):
                database = state.Database(self.node, f"moved-{mode}.db")
                with database.connect() as db:
                    run = db.execute
                    run("pragma auto_vacuum=incremental")
                    run(f"pragma journal_mode={mode}").fetchone()
                    run("create table t(id integer primary key, v)")
                    run("create table u(id integer primary key, v)")
                    run("with recursive c(i) as (select 1 union all select i+1 from c where i<600) "
                        "insert into t(v) select randomblob(3000) from c")
                    run("pragma cache_size=5")
                    for i in range(4):
                        with database.moves(1):
                            run("begin")
                            run("insert into u(v) select v from t where id % 5 = ?", (i,))
                            run("delete from t where id % 5 = ?", (i,))
                            run("pragma incremental_vacuum(100)").fetchall()
                            run("update u set v=randomblob(2000) where id % 3 = 0")
                            run("pragma incremental_vacuum").fetchall()
                            run("commit")
                    self.assertEqual(run("select count(*) from u").fetchone(), (480,))
                    database.check(db)
                state.restart_unchanged(self.node, [database.name])

    def test_mode_and_page_size_change_both_ways(self):
        database = state.Database(self.node, "changes.db")
        with database.connect() as db:
            run = db.execute
            run("create table t(v)")
            for mode, page_size in [("wal", 4096), ("delete", 512), ("wal", 512),
                                    ("persist", 65536), ("truncate", 1024), ("memory", 4096),
                                    ("wal", 4096), ("off", 8192), ("wal", 8192), ("delete", 4096)]:
                with self.subTest(mode=mode, page_size=page_size):
                    # The header names the mode: WAL or not.
                    with database.moves(0, 1, 2):
                        self.assertEqual(run(f"pragma journal_mode={mode}").fetchone(), (mode,))
                    with database.moves(1):
                        run("insert into t values(randomblob(100000))")
                    if mode != "wal":  # where the page size cannot change
                        run(f"pragma page_size={page_size}")
                        with database.moves(1):
                            run("vacuum")
                        self.assertEqual(run("pragma page_size").fetchone(), (page_size,))
                    database.check(db)
            self.assertEqual(run("select count(*), sum(length(v)) from t").fetchone(),
                             (10, 1_000_000))
        state.restart_unchanged(self.node, ["changes.db"])

    def test_modes_change_while_others_have_it_open(self):
        database = state.Database(self.node, "attached.db")
        two = database.open()
        with database.connect() as one:
            one.execute("create table t(v)")
            for mode in ["wal", "delete", "wal", "truncate", "wal", "persist"]:
                with self.subTest(mode=mode):
                    two.execute("select count(*) from t").fetchone()
                    if mode != "wal":  # leaving it needs the database alone
                        two.close()
                        two = database.open()
                    one.execute(f"pragma journal_mode={mode}").fetchone()
                    with database.moves(1):
                        two.execute("insert into t values(?)", (mode,))
                    with database.moves(1):
                        one.execute("insert into t values(?)", (mode,))
                    database.check(one)
            self.assertEqual(two.execute("select count(*) from t").fetchone(), (12,))
            two.close()


if __name__ == "__main__":
    unittest.main()
