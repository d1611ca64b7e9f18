"""What cannot be started says so, with the next step, and leaves nothing behind; faults of the disk
lose nothing."""

import os
import socket
import sqlite3
import subprocess
import unittest

import state
import support


class CannotStart(unittest.TestCase):
    def fails(self, *expected, code=1, **options):
        node = support.Node(ready=False, start=False, **options.pop("node", {}))
        self.addCleanup(node.close)
        prepare = options.pop("prepare", None)
        if prepare:
            prepare(node)
        node.start(ready=False, **options)
        self.assertEqual(node.wait(), code, node.log())
        for text in expected:
            self.assertIn(text, node.log())
        self.assertEqual(node.log().count("ERROR"), 1, node.log())
        return node

    def test_second_daemon_on_the_data_folder(self):
        with support.Node() as first:
            node = self.fails(f"process {first.keeper()}", "data.dir",
                              node={"config": {"data": {"dir": str(first.data)}}})
            self.assertFalse(support.is_mounted(node.mount))
            self.assertTrue(first.answers())

    def test_busy_mount_point(self):
        with support.Node() as first:
            self.fails("is mounted already", "fuse.dir",
                       node={"config": {"fuse": {"dir": str(first.mount)}}})
            self.assertTrue(first.answers())

    def test_mount_point_is_a_file(self):
        self.fails("mount", prepare=lambda node: node.mount.write_text("x"))

    def test_port_in_use(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            node = self.fails("http.addr", "another process listens there",
                              node={"port": taken.getsockname()[1]})
            self.assertFalse(support.is_mounted(node.mount))

    def test_data_folder_that_cannot_be_written(self):
        self.fails("data", node={"config": {"data": {"dir": "/proc/nothing/here"}}})

    def test_data_folder_on_a_read_only_file_system(self):
        def prepare(node):
            node.data.mkdir()
            subprocess.run(["mount", "-t", "tmpfs", "-o", "ro", "tmpfs", node.data], check=True)
            self.addCleanup(subprocess.run, ["umount", node.data], check=True)
        self.fails("Read-only file system", prepare=prepare)

    def test_no_fuse_device(self):
        """In a mount namespace of its own, where /dev is another."""
        node = support.Node(start=False)
        self.addCleanup(node.close)
        node.config_path.write_text(support.json.dumps(node.config))
        done = subprocess.run(
            ["unshare", "-m", "sh", "-c",
             f"mount -t tmpfs tmpfs /dev && mknod /dev/null c 1 3 && exec {support.PROGRAM} mount "
             f"-config {node.config_path}"], capture_output=True, text=True, check=False,
            timeout=support.DEADLINE_S)
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn("/dev/fuse is missing", done.stderr)
        self.assertIn("modprobe fuse", done.stderr)

    def test_unknown_key(self):
        self.fails("fuse.dri", code=2, node={"config": {"fuse": {"dri": "x"}}})

    def test_data_folder_is_the_mount_folder(self):
        node = support.Node(start=False)
        self.addCleanup(node.close)
        node.config["data"]["dir"] = node.config["fuse"]["dir"]
        node.start(ready=False)
        self.assertEqual(node.wait(), 2, node.log())

    def test_stays_up_if_asked(self):
        """exit-on-error: false keeps a node that cannot start, for a look at it."""
        node = support.Node(start=False, config={"exit-on-error": False})
        self.addCleanup(node.close)
        node.data.mkdir()
        (node.data / "dbs").write_text("in the way")
        node.start(ready=False)
        node.wait_log("staying up")
        self.assertIsNone(node.process.poll())
        (node.data / "dbs").unlink()
        self.assertEqual(node.upgrade().returncode, 0, node.log())
        node.wait_ready()
        self.assertEqual(node.stop(), 0)

    def test_ends_with_the_reason(self):
        node = support.Node(start=False)
        self.addCleanup(node.close)
        node.data.mkdir()
        (node.data / "dbs").write_text("in the way")
        node.start(ready=False)
        self.assertEqual(node.wait(), 1, node.log())
        self.assertIn("start-failed", node.log())
        self.assertFalse(support.is_mounted(node.mount))

    def test_upgrade_without_a_node(self):
        node = support.Node(start=False)
        self.addCleanup(node.close)
        node.config_path.write_text(support.json.dumps(node.config))
        done = node.upgrade()
        self.assertEqual(done.returncode, 1)
        self.assertIn("no node runs", done.stderr)


class Disk(unittest.TestCase):
    def test_full_disk(self):
        for mode in ("wal", "delete", "persist"):
            with self.subTest(mode=mode), support.Node(start=False) as node:
                node.data.mkdir()
                subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", node.data],
                               check=True)
                try:
                    self.fill(node, mode)
                finally:
                    if node.process:
                        node.stop()
                    subprocess.run(["umount", "-l", node.data], check=True)

    def fill(self, node, mode):
        node.start()
        database = state.Database(node, "a.db")
        with database.connect() as db:
            db.execute(f"pragma journal_mode={mode}").fetchone()
            db.execute("create table t(id integer primary key, v)")
            acknowledged, refused = 0, []
            ballast = node.data / "ballast"
            ballast.write_bytes(b"x" * (4 << 20))
            for _ in range(2000):
                try:
                    db.execute("insert into t(v) values(randomblob(20000))")
                    acknowledged += 1
                except sqlite3.OperationalError as error:
                    refused.append(str(error))
                    if len(refused) == 3:
                        break
            self.assertEqual(refused, ["database or disk is full"] * 3, node.log())
            count = db.execute("select count(*) from t").fetchone()[0]
            self.assertEqual(count, acknowledged)
            self.assertTrue(node.answers())
            ballast.unlink()
            with database.moves(1):
                db.execute("insert into t(v) values('again')")
            database.check(db)
        state.restart_unchanged(node, ["a.db"])
        with database.connect() as db:
            self.assertEqual(db.execute("select count(*) from t").fetchone(), (acknowledged + 1,))

    def test_damaged_checksum_table(self):
        with support.Node() as node:
            database = state.Database(node, "a.db")
            with database.connect() as db:
                db.execute("create table t(v)")
                db.execute("insert into t values(randomblob(100000))")
            before = node.position("a.db")
            node.stop()
            table = node.files("a.db") / "checksums"
            table.write_bytes(os.urandom(table.stat().st_size))
            node.start()
            self.assertEqual(node.position("a.db"), before, node.log())
            database.check()

    def test_database_changed_behind_the_mount(self):
        with support.Node() as node:
            database = state.Database(node, "a.db")
            with database.connect() as db:
                db.execute("create table t(v)")
                db.execute("insert into t values('before')")
            before = database.txid()
            node.stop()
            file = node.files("a.db") / "database"
            with support.contextlib.closing(sqlite3.connect(file, isolation_level=None)) as db:
                db.execute("insert into t values('behind the mount')")
                db.execute("insert into t values(randomblob(100000))")
            node.start()
            support.wait_until(lambda: database.txid() > before, "the change becomes a transaction")
            database.check()
            with database.connect() as db:
                self.assertEqual(db.execute("select count(*) from t").fetchone(), (3,))


if __name__ == "__main__":
    unittest.main()
