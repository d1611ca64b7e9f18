"""Files are files: copied in, removed while open, made anew, oddly named, empty; and what the mount
does not serve."""

import errno
import os
import shutil
import sqlite3
import subprocess
import time
import unittest

import state
import support


def make_database(path, mode="delete", rows=50, page_size=4096):
    with state.contextlib.closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute(f"pragma page_size={page_size}")
        db.execute(f"pragma journal_mode={mode}")
        db.execute("create table t(id integer primary key, v)")
        db.execute("begin")
        db.executemany("insert into t(v) values(?)", [(f"row {i}" * 50,) for i in range(rows)])
        db.execute("commit")


def count(database):
    with database.connect() as db:
        return db.execute("select count(*) from t").fetchone()[0]


class CopiedIn(support.NodeTest):
    def copy_in(self, mode, page_size, how):
        source = self.node.dir / f"{how.__name__}-{mode}-{page_size}"
        make_database(source, mode, 400, page_size)
        database = state.Database(self.node, source.name)
        with database.moves(1):
            how(source, database.path)
        self.assertEqual(count(database), 400)
        database.check()
        # Over the one that is there, by another of another size.
        source.unlink()
        make_database(source, mode, 90, page_size)
        with database.moves(1):
            how(source, database.path)
        self.assertEqual(count(database), 90)
        database.check()
        return database.name

    def test_copies_are_one_transaction_each(self):
        def cp(source, target):
            subprocess.run(["cp", source, target], check=True)

        def dd(source, target):
            subprocess.run(["dd", f"if={source}", f"of={target}", "bs=1000", "status=none"],
                           check=True)

        def python(source, target):
            shutil.copyfile(source, target)

        names = []
        for how in (cp, dd, python):
            for mode, page_size in (("delete", 4096), ("wal", 4096), ("delete", 512),
                                    ("wal", 65536)):
                with self.subTest(how=how.__name__, mode=mode, page_size=page_size):
                    names.append(self.copy_in(mode, page_size, how))
        state.restart_unchanged(self.node, names)

    def test_a_copy_that_comes_slowly_is_one_transaction(self):
        for mode in ("delete", "wal"):
            with self.subTest(mode=mode):
                source = self.node.dir / f"{mode}-slowly"
                make_database(source, mode, 400)
                data = source.read_bytes()
                database = state.Database(self.node, source.name)
                for rows in (400, 400):
                    with database.moves(1):
                        with open(database.path, "wb", buffering=0) as file:
                            for at in range(0, len(data), len(data) // 5):
                                time.sleep(0.1)  # slower than what is taken for the end
                                file.write(data[at:at + len(data) // 5])
                    self.assertEqual(count(database), rows)
                    with database.connect() as db, database.moves(1):
                        db.execute("delete from t where id < 100")

    def test_a_database_emptied_is_empty(self):
        database = state.Database(self.node, "emptied.db")
        make_database(database.path)
        with database.moves(1):
            open(database.path, "w").close()
        self.assertEqual(self.node.position("emptied.db")[1], state.EMPTY_CHECKSUM)
        with database.connect() as db, database.moves(1):
            db.execute("create table t(v)")

    def test_vacuum_into_and_backup_and_restore(self):
        source = state.Database(self.node, "source.db")
        make_database(source.path, "wal", 300)
        into = state.Database(self.node, "into.db")
        with source.connect() as db, into.moves(1):
            db.execute(f"vacuum into '{into.path}'")
        self.assertEqual(count(into), 300)
        into.check()
        for mode in ("delete", "wal"):
            with self.subTest(mode=mode):
                backup = state.Database(self.node, f"backup-{mode}.db")
                with source.connect() as db, backup.connect() as target:
                    target.execute(f"pragma journal_mode={mode}")
                    with backup.moves(1):
                        db.backup(target)
                    self.assertEqual(target.execute("select count(*) from t").fetchone(), (300,))
                    backup.check(target)
                    target.execute(f"pragma journal_mode={mode}").fetchone()  # the source's is WAL
                file = self.node.dir / f"restore-{mode}"
                make_database(file, mode, 77, 1024 if mode == "delete" else 4096)
                subprocess.run(["sqlite3", backup.path, f".restore {file}"], check=True)
                self.assertEqual(count(backup), 77)
                backup.check()
        state.restart_unchanged(self.node, ["source.db", "into.db", "backup-delete.db",
                                            "backup-wal.db"])


class ComeAndGo(support.NodeTest):
    def test_empty_databases(self):
        database = state.Database(self.node, "empty.db")
        with database.connect() as db:
            self.assertEqual(db.execute("select count(*) from sqlite_schema").fetchone(), (0,))
        self.assertIn("empty.db", os.listdir(self.node.mount))
        self.assertEqual(os.stat(database.path).st_size, 0)
        with database.connect() as db:
            db.execute("pragma user_version")
        state.restart_unchanged(self.node, ["empty.db"])
        self.assertIn("empty.db", os.listdir(self.node.mount))
        os.unlink(database.path)
        self.assertNotIn("empty.db", os.listdir(self.node.mount))
        with self.assertRaises(FileNotFoundError):
            os.stat(database.path)

    def test_removed_while_open_and_made_anew(self):
        for mode in ("delete", "wal"):
            with self.subTest(mode=mode):
                database = state.Database(self.node, f"anew-{mode}.db")
                make_database(database.path, mode)
                with database.connect() as old:
                    old.execute("begin immediate")
                    old.execute("select count(*) from t").fetchone()
                    with database.moves(1):
                        for suffix in ("", "-wal", "-shm", "-journal"):
                            try:
                                os.unlink(database.path + suffix)
                            except FileNotFoundError:
                                pass
                    # Its holders go on.
                    self.assertEqual(old.execute("select count(*) from t").fetchone(), (50,))
                    # Locks, pages, page size, mode and shared memory are forgotten.
                    make_database(database.path, "delete" if mode == "wal" else "wal", 7, 1024)
                    self.assertEqual(count(database), 7)
                    database.check()
                    with database.connect() as new, database.moves(1):
                        new.execute("insert into t(v) values('new')")
                    self.assertEqual(old.execute("select count(*) from t").fetchone(), (50,))
                    old.execute("rollback")
                    before = database.txid()
                self.assertEqual(database.txid(), before)
                self.assertEqual(count(database), 8)
                database.check()
        state.restart_unchanged(self.node, ["anew-delete.db", "anew-wal.db"])

    def test_dropped_by_rm(self):
        for mode in ("delete", "wal", "persist"):
            with self.subTest(mode=mode):
                name = f"dropped-{mode}.db"
                database = state.Database(self.node, name)
                keep = database.open()
                keep.execute(f"pragma journal_mode={mode}")
                keep.execute("create table t(v)")
                keep.close()
                with database.moves(1):
                    subprocess.run(f"rm {database.path}*", shell=True, check=False,
                                   capture_output=True)
                self.assertEqual(self.node.position(name)[1], state.EMPTY_CHECKSUM)
                self.assertNotIn(name, os.listdir(self.node.mount))
                state.restart_unchanged(self.node, [name])
                with database.moves(1):
                    with database.connect() as db:
                        db.execute("create table other(v)")
                database.check()

    def test_unlinked_files_outlive_a_worker(self):
        path = self.node.path("outlives.db")
        make_database(path, "delete")
        with open(path, "r+b") as file:
            os.unlink(path)
            make_database(path, "delete", 5)
            self.node.kill_worker()
            self.assertEqual(os.pread(file.fileno(), 16, 0), b"SQLite format 3\0")
            os.pwrite(file.fileno(), b"x", 10_000)
            self.assertEqual(os.fstat(file.fileno()).st_nlink, 0)
        state.Database(self.node, "outlives.db").check()
        support.wait_until(lambda: os.listdir(self.node.data / "unlinked") == [],
                           "the unlinked file's content is removed")

    def test_odd_names(self):
        names = [b"with space.db", b"caf\xc3\xa9.db", b"\xff\xfe\x80.db", b"a'b\"c\\d.db",
                 b"new\nline.db", b"-rf", b"db", b"x" * 240, b".hidden", b"tab\t",
                 b"%s%n.db", "\N{SNOWMAN}".encode() * 70]
        for name in names:
            with self.subTest(name=name):
                path = os.path.join(os.fsencode(self.node.mount), name)
                make_database(path, "wal")
                with state.contextlib.closing(sqlite3.connect(path)) as db:
                    self.assertEqual(db.execute("select count(*) from t").fetchone(), (50,))
                self.assertIn(name, os.listdir(os.fsencode(self.node.mount)))
                with open(path + b"-pos", "rb") as file:
                    self.assertEqual(len(file.read()), 34)
        self.node.restart()
        for name in names:
            self.assertIn(name, os.listdir(os.fsencode(self.node.mount)))
            os.unlink(os.path.join(os.fsencode(self.node.mount), name))

    def test_names_that_are_too_long(self):
        for name in ("x" * 256, "x" * 250 + "-journal", "y" * 256 + "-wal"):
            with self.subTest(length=len(name)):
                with self.assertRaises(OSError) as raised:
                    open(self.node.path(name), "w").close()
                self.assertEqual(raised.exception.errno, errno.ENAMETOOLONG)


class NotServed(support.NodeTest):
    def refused(self, call, *errnos):
        with self.assertRaises(OSError) as raised:
            call()
        self.assertIn(raised.exception.errno, errnos)

    def test_calls_that_a_flat_folder_does_not_serve(self):
        began = time.monotonic()
        path = self.node.path("a.db")
        make_database(path)
        inside = self.node.path
        self.refused(lambda: os.mkdir(inside("folder")), errno.EPERM)
        self.refused(lambda: os.symlink("a.db", inside("link")), errno.EPERM)
        self.refused(lambda: os.link(path, inside("hard")), errno.EPERM)
        self.refused(lambda: os.rename(path, inside("b.db")), errno.EXDEV)
        self.refused(lambda: os.mkfifo(inside("pipe")), errno.EPERM)
        self.refused(lambda: os.rmdir(inside("a.db")), errno.ENOTDIR)
        self.refused(lambda: os.setxattr(path, "user.x", b"1"), errno.EOPNOTSUPP)
        self.refused(lambda: os.getxattr(path, "user.x"), errno.EOPNOTSUPP, errno.ENODATA)
        self.refused(lambda: os.listdir(inside("a.db")), errno.ENOTDIR)
        self.refused(lambda: open(inside("none/a.db")), errno.ENOENT)
        self.refused(lambda: open(inside("a.db/b")), errno.ENOTDIR)
        for name in (".lag", "a.db-pos"):
            self.refused(lambda name=name: open(inside(name), "w"), errno.EACCES)
            self.refused(lambda name=name: os.unlink(inside(name)), errno.EACCES)
        self.refused(lambda: open(inside("new-pos"), "w"), errno.EACCES)
        # What works all the same.
        os.chmod(path, 0o600)
        os.utime(path)
        subprocess.run(["sync", "-f", path], check=True)
        os.statvfs(path)
        self.assertEqual(count(state.Database(self.node, "a.db")), 50)
        # A line a second at most, which names the call and the program.
        self.assertIn("call-unsupported", self.node.log())
        self.assertIn("call=mkdir name=folder", self.node.log())
        self.assertIn("program=python3", self.node.log())
        self.assertLessEqual(self.node.log().count("call-unsupported"),
                             2 + time.monotonic() - began)

    def test_chosen_modes_count(self):
        """chmod is kept, for the files beside the database, too; root may do all the same."""
        path = self.node.path("modes.db")
        make_database(path)
        self.assertEqual(os.stat(path).st_mode & 0o777, 0o666)
        os.chmod(path, 0o600)
        self.assertEqual(os.stat(path).st_mode & 0o777, 0o600)
        with state.contextlib.closing(sqlite3.connect(path, isolation_level=None)) as db:
            db.execute("pragma journal_mode=wal").fetchone()
            db.execute("insert into t(v) values(1)")
            self.assertEqual(os.stat(path + "-wal").st_mode & 0o777, 0o600)
            self.node.restart()
        self.assertEqual(os.stat(path).st_mode & 0o777, 0o600)
        os.chmod(path, 0o444)
        with state.Database(self.node, "modes.db").connect() as db:
            db.execute("insert into t(v) values(2)")

    def test_mv_copies_and_is_one_transaction(self):
        outside = self.node.dir / "outside.db"
        make_database(outside, "wal", 33)
        database = state.Database(self.node, "moved-in.db")
        with database.moves(1):
            subprocess.run(["mv", outside, database.path], check=True)
        self.assertEqual(count(database), 33)
        database.check()

    def test_writes_that_mean_nothing(self):
        """Torn and foreign writes end nothing, and what follows is right."""
        database = state.Database(self.node, "torn.db")
        make_database(database.path, "delete")
        with open(self.node.path("garbage.db"), "wb") as file:
            file.write(b"this is no database" * 1000)
        with open(self.node.path("torn.db-wal"), "wb") as file:
            file.write(os.urandom(10_000))
        with open(self.node.path("torn.db-journal"), "wb") as file:
            file.write(os.urandom(10_000))
        os.unlink(self.node.path("torn.db-wal"))
        os.unlink(self.node.path("torn.db-journal"))
        fd = os.open(database.path, os.O_RDWR)
        page = os.pread(fd, 4096, 8192)
        with database.moves(0):
            os.pwrite(fd, page[100:300], 8292)  # as it was
        with database.moves(1):
            os.pwrite(fd, bytes(10), 8192 + 4000)
            os.pwrite(fd, page, 8192)
            os.pwrite(fd, b"\0\0\0\1", 60)  # user_version
        os.close(fd)
        self.assertEqual(count(database), 50)
        database.check()
        with self.assertRaises(sqlite3.DatabaseError):
            count(state.Database(self.node, "garbage.db"))
        os.unlink(self.node.path("garbage.db"))
        state.restart_unchanged(self.node, ["torn.db"])


if __name__ == "__main__":
    unittest.main()
