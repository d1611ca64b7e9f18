#!/usr/bin/env python3
"""Two nodes whose histories part: what the losing one had committed is kept, and each write of it is
found again with the program's own commands and with stock SQLite."""

import contextlib
import json
import sqlite3
import subprocess
import unittest
import urllib.request

from support import DEADLINE_S, PROGRAM, Node, wait_until


def connect(node, name):
    return contextlib.closing(sqlite3.connect(node.path(name), isolation_level=None, timeout=60))


class Orphans(unittest.TestCase):
    def setUp(self):
        self.a = Node(name="a")
        self.addCleanup(self.a.close)
        self.b = Node(candidate=False, name="a", config={"lease": {"advertise-url": self.a.url}})
        self.addCleanup(self.b.close)
        self.addCleanup(self.show_logs)

    def show_logs(self):
        if any(error for _, error in self._outcome.result.failures + self._outcome.result.errors):
            print(f"--- a\n{self.a.log()[-4000:]}\n--- b\n{self.b.log()[-2000:]}")

    def orphans(self, *words, fails=False, data=True):
        where = ("-data", str(self.a.data)) if data else ("-config", str(self.a.config_path))
        done = subprocess.run([PROGRAM, "orphans", words[0], *where, *words[1:]],
                              capture_output=True, text=True, timeout=DEADLINE_S, check=False)
        if fails:
            self.assertNotEqual(done.returncode, 0, done.stdout)
            return done.stderr
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def part(self, mode):
        """Both write after they were equal, and neither knows of the other's."""
        with connect(self.a, "app.db") as db:
            db.execute(f"PRAGMA journal_mode = {mode}")
            db.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, v)")
            db.execute("CREATE TABLE w (k PRIMARY KEY, v) WITHOUT ROWID")
            for i in range(50):
                db.execute("INSERT INTO t VALUES (?, 'shared')", (i,))
            wait_until(lambda: self.b.position("app.db") == self.a.position("app.db"), "in step")
            self.fork = self.a.position("app.db")
            self.assertEqual(self.b.stop(), 0)
            for i in range(20):
                db.execute("INSERT INTO t VALUES (?, ?)", (1000 + i, f"lost\n'{i}'"))
            db.execute("UPDATE t SET v = 'lost update' WHERE id = 7")
            db.execute("DELETE FROM t WHERE id = 9")
            db.execute("INSERT INTO w VALUES ('lost', x'00ff')")
        self.end = self.a.position("app.db")
        self.assertEqual(self.a.stop(), 0)
        self.b.config["lease"].update({"candidate": True, "hostname": "b",
                                       "advertise-url": self.b.url})
        self.b.start()
        with connect(self.b, "app.db") as db:
            for i in range(5):
                db.execute("INSERT INTO t VALUES (?, 'of b')", (2000 + i,))
        self.a.config["lease"].update({"candidate": False, "hostname": "b",
                                       "advertise-url": self.b.url})

    def in_step(self):
        wait_until(lambda: self.a.position("app.db") == self.b.position("app.db"),
                   f"a follows b\n{self.a.log()[-2000:]}")

    def check_kept(self):
        listed = json.loads(self.orphans("list", "-json", data=False))
        self.assertEqual(len(listed), 1, listed)
        orphan = listed[0]
        self.assertEqual(orphan["database"], "app.db")
        self.assertEqual(orphan["fork"], "%016x/%016x" % self.fork)
        self.assertEqual(orphan["end"], "%016x/%016x" % self.end)
        self.assertEqual(orphan["transactions"], self.end[0] - self.fork[0])
        self.assertIs(orphan["certain"], True)
        self.assertIn(orphan["id"], self.orphans("list"))
        self.assertIn(orphan["id"], self.a.log())
        return orphan["id"]

    def metric(self, name):
        with urllib.request.urlopen(self.a.url + "/metrics", timeout=DEADLINE_S) as reply:
            for line in reply.read().decode().splitlines():
                if line.startswith(name + " "):
                    return float(line.split()[1])
        return None

    def check_found(self, name):
        shown = json.loads(self.orphans("show", "-json", name))
        self.assertEqual(shown["against"], "fork")
        self.assertEqual({table["table"]: (table["inserted"], table["changed"], table["deleted"])
                          for table in shown["tables"]}, {"t": (20, 1, 1), "w": (1, 0, 0)})
        shown = json.loads(self.orphans("show", "-json", "-present", name))["tables"]
        self.assertEqual({table["table"]: (table["onlyInOrphan"], table["different"],
                                           table["onlyInDatabase"]) for table in shown},
                         {"t": (20, 1, 6), "w": (1, 0, 0)})
        rows = [json.loads(line) for line in self.orphans("diff", "-json", name).splitlines()]
        lost = {row["orphan"]["id"]: row["orphan"]["v"] for row in rows
                if row["table"] == "t" and "orphan" in row}
        self.assertEqual(lost, {7: "lost update", **{1000 + i: f"lost\n'{i}'" for i in range(20)}})
        self.assertEqual([(row["change"], row["before"]) for row in rows
                          if row["table"] == "t" and "before" in row],
                         [("changed", {"id": 7, "v": "shared"}),
                          ("deleted", {"id": 9, "v": "shared"})])
        self.assertEqual([row["orphan"] for row in rows if row["table"] == "w"],
                         [{"k": "lost", "v": "x'00ff'"}])

    def check_exported(self, name):
        path = self.a.dir / "orphan.db"
        self.orphans("export", name, str(path))
        self.assertIn(str(path), self.orphans("export", name, str(path), fails=True))
        path.chmod(0o444)
        with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as db:
            self.assertEqual(db.execute("PRAGMA integrity_check").fetchall(), [("ok",)])
            self.assertEqual(db.execute("SELECT count(*) FROM t WHERE v LIKE 'lost%'").fetchone(),
                             (21,))
            self.assertEqual(db.execute("SELECT count(*) FROM t WHERE v = 'of b'").fetchone(), (0,))

    def check_brought_back(self, name):
        script = self.orphans("diff", name)
        with connect(self.b, "app.db") as db:
            db.executescript(script)
            self.assertEqual(db.execute("SELECT count(*) FROM t WHERE v LIKE 'lost%'").fetchone(),
                             (21,))
            self.assertEqual(db.execute("SELECT count(*) FROM t WHERE v = 'of b'").fetchone(), (5,))
            self.assertEqual(db.execute("SELECT * FROM w").fetchall(), [("lost", b"\x00\xff")])
            self.assertIsNone(db.execute("SELECT * FROM t WHERE id = 9").fetchone())
        self.in_step()
        self.assertIn("0 only in the orphan", self.orphans("show", "-present", name))

    def test_each_lost_write_is_found_again(self):
        self.part("wal")
        self.a.start()
        self.a.wait_log("orphan-kept")
        self.in_step()
        name = self.check_kept()
        self.assertEqual(self.metric("skerry_orphans"), 1)
        self.assertEqual(self.metric("skerry_orphan_transactions_total"), 23)
        self.check_found(name)
        self.check_exported(name)
        self.check_brought_back(name)
        self.a.restart()
        self.in_step()
        self.check_kept()  # no second one
        self.assertIn("-yes", self.orphans("drop", name, fails=True))
        self.assertIn(name, self.orphans("drop", "-yes", "nothing", fails=True))
        self.orphans("drop", "-yes", name)
        self.assertEqual(json.loads(self.orphans("list", "-json")), [])

    def test_a_full_disk_refuses_the_replacement_until_there_is_room(self):
        self.part("delete")
        self.a.environment["SKERRY_FAILPOINTS"] = "orphan:write=ENOSPC@1"
        self.a.start()
        self.a.wait_log("cannot be kept, so the database stays as it is")
        self.in_step()
        log = self.a.log()
        self.assertLess(log.index("cannot be kept"), log.index("orphan-kept"))
        name = self.check_kept()
        self.check_found(name)


if __name__ == "__main__":
    unittest.main()
