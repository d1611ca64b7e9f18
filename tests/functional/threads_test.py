"""Many threads in many processes on one database (many_threads.c)."""

import os
import signal
import subprocess
import sys
import unittest

import state
import support
import takeover_test

SECONDS = 30 if support.LONG else 4


def threads_are_stopped(pid):
    return all(support.process_state(f"{pid}/task/{thread}")[0] == "T"
               for thread in os.listdir(f"/proc/{pid}/task"))


class Threads(unittest.TestCase):
    def run_processes(self, mode, processes, threads, disturb=None):
        with support.Node() as node:
            database = state.Database(node, "a.db")
            running = []
            for _ in range(processes):
                running.append(subprocess.Popen(
                    [support.HELPERS / "many_threads", database.path, mode, str(threads),
                     str(SECONDS)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True))
            disturbed = disturb(node) if disturb else 0
            commits = 0
            for process in running:
                out, err = process.communicate(timeout=SECONDS + 120)
                self.assertEqual((process.returncode, err), (0, ""), node.log()[-3000:])
                commits += int(out.split()[0])
            print(f"{mode}: {processes} x {threads} threads, {disturbed} disturbances, {commits} "
                  "commits", flush=True)
            with database.connect() as db:
                self.assertEqual(db.execute("select count(*) from log").fetchone(), (commits,))
                self.assertEqual(db.execute("select sum(amount) from account").fetchone(),
                                 (100_000,))
                database.check(db)
            state.restart_unchanged(node, ["a.db"])

    def test_a_database_is_closed_at_once(self):
        """A close that lasts is the end of locks that another thread takes meanwhile."""
        program = """
import os, sys
file = os.open(sys.argv[1], os.O_RDWR)
print("open", flush=True)
sys.stdin.readline()
os.close(file)
print("closed", flush=True)
"""
        with support.Node() as node:
            database = state.Database(node, "a.db")
            with database.connect() as db:
                db.execute("create table t(v)")
            with subprocess.Popen([sys.executable, "-c", program, database.path], text=True,
                                  stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
                self.assertEqual(process.stdout.readline(), "open\n")
                worker = node.worker()
                os.kill(worker, signal.SIGSTOP)
                try:
                    support.wait_until(lambda: threads_are_stopped(worker), "the worker stands")
                    process.stdin.write("\n")
                    process.stdin.flush()
                    support.wait_until(lambda: support.readable(process.stdout),
                                       "the file is closed while nobody answers", 10)
                finally:
                    os.kill(worker, signal.SIGCONT)
                self.assertEqual(process.stdout.readline(), "closed\n")

    def test_wal(self):
        self.run_processes("wal", 3, 8)

    def test_delete(self):
        self.run_processes("delete", 2, 4)

    def test_wal_while_workers_die(self):
        self.run_processes("wal", 2, 6,
                           lambda node: takeover_test.kill_again_and_again(node, SECONDS - 1))

    def test_persist_while_workers_die(self):
        self.run_processes("persist", 2, 4,
                           lambda node: takeover_test.kill_again_and_again(node, SECONDS - 1))


if __name__ == "__main__":
    unittest.main()
