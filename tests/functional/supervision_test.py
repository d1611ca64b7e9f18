"""The application under `exec`: its start, its signals, its end, what it leaves behind."""

import os
import signal
import subprocess
import time
import unittest

import support


class Supervision(unittest.TestCase):
    def node(self, *commands, **options):
        node = support.Node(config={"exec": list(commands), **options.pop("config", {})},
                            ready=False, **options)
        self.addCleanup(node.close)
        return node

    def stop_in_time(self, node, with_signal=signal.SIGTERM):
        began = time.monotonic()
        code = node.stop(with_signal)
        self.assertLess(time.monotonic() - began, 5.5)
        self.assertFalse(support.is_mounted(node.mount))
        return code

    def test_exit_code_of_the_application(self):
        for command, code in ((["sh", "-c", "exit 0"], 0), (["sh", "-c", "exit 7"], 7),
                              (["sh", "-c", "kill -9 $$$$"], 137), (["/none/such"], 127),
                              (["/etc/passwd"], 126)):
            with self.subTest(command=command):
                node = self.node({"cmd": " ".join(f"'{word}'" for word in command)})
                self.assertEqual(node.wait(), code, node.log())
                self.assertFalse(support.is_mounted(node.mount))

    def test_commands_run_in_order_on_the_mount(self):
        node = self.node({"cmd": "sqlite3 mount/a.db 'create table t(v)'"},
                         {"cmd": "sqlite3 mount/a.db 'insert into t values(41)'",
                          "if-candidate": True},
                         {"cmd": "echo $(sqlite3 mount/a.db 'select v+1 from t') > out; exit 3",
                          "shell": True})
        self.assertEqual(node.wait(), 3, node.log())
        self.assertEqual((node.dir / "out").read_text(), "42\n")

    def test_a_command_that_fails_ends_it(self):
        node = self.node({"cmd": "sh -c 'exit 5'"}, {"cmd": "touch second"})
        self.assertEqual(node.wait(), 5)
        self.assertFalse((node.dir / "second").exists())
        self.assertIn("exec-failed", node.log())

    def test_if_candidate(self):
        node = self.node({"cmd": "touch candidate", "if-candidate": True},
                         {"cmd": "touch everywhere"}, candidate=False,
                         config={"skip-sync": True})  # there is no primary to wait for
        self.assertEqual(node.wait(), 0, node.log())
        self.assertFalse((node.dir / "candidate").exists())
        self.assertTrue((node.dir / "everywhere").exists())

    def test_if_primary(self):
        """Migrations: on the node that is the primary, whatever else could be one."""
        primary = self.node({"cmd": "touch migrated", "if-primary": True}, {"cmd": "sleep 600"})
        support.wait_until((primary.dir / "migrated").exists, "the primary's commands run")
        replica = self.node({"cmd": "touch migrated", "if-primary": True}, {"cmd": "touch everywhere"},
                            candidate=False, config={"lease": {"advertise-url": primary.url}})
        self.assertEqual(replica.wait(), 0, replica.log())
        self.assertFalse((replica.dir / "migrated").exists())
        self.assertTrue((replica.dir / "everywhere").exists())

    def test_command_on_the_command_line(self):
        node = support.Node(start=False)
        self.addCleanup(node.close)
        node.start(ready=False, arguments=["--", "sh", "-c", "echo $0 $1 > out", "a b", "c"])
        self.assertEqual(node.wait(), 0, node.log())
        self.assertEqual((node.dir / "out").read_text(), "a b c\n")

    def test_signals_reach_the_application_first(self):
        for with_signal, name in ((signal.SIGTERM, "TERM"), (signal.SIGINT, "INT")):
            with self.subTest(name=name):
                script = (f"trap 'sqlite3 mount/a.db \"insert into t values(2)\"; echo {name} > got; "
                          f"exit 0' {name}; sqlite3 mount/a.db 'create table t(v)'; touch up; "
                          "while :; do sleep 0.1; done")
                node = self.node({"cmd": script, "shell": True})
                support.wait_until((node.dir / "up").exists, "the application is up")
                self.assertEqual(self.stop_in_time(node, with_signal), 0, node.log())
                # The mount was still there for its last words.
                self.assertEqual((node.dir / "got").read_text(), f"{name}\n")

    def test_hangup_is_passed_on(self):
        node = self.node({"cmd": "trap 'touch got' HUP; touch up; while :; do sleep 0.1; done",
                          "shell": True})
        support.wait_until((node.dir / "up").exists, "the application is up")
        os.kill(node.keeper(), signal.SIGHUP)
        support.wait_until((node.dir / "got").exists, "the application got the signal")
        self.assertIsNone(node.process.poll())

    def test_application_that_ignores_signals(self):
        node = self.node({"cmd": "trap '' TERM; touch up; while :; do sleep 0.1; done",
                          "shell": True})
        support.wait_until((node.dir / "up").exists, "the application is up")
        self.stop_in_time(node)

    def test_grandchildren_in_sessions_of_their_own(self):
        """As `npx next start` leaves them: out of the group, holding files of the mount open."""
        node = self.node({"cmd": "setsid sh -c 'trap \"\" TERM HUP; exec 5>mount/held.db; "
                                 "echo $$$$ > pid; while :; do sleep 0.1; done' & "
                                 "while :; do sleep 0.1; done", "shell": True})
        support.wait_until(lambda: (node.dir / "pid").exists() and
                           (node.dir / "pid").read_text().strip(), "the grandchild is up")
        pid = int((node.dir / "pid").read_text())
        self.stop_in_time(node)
        self.assertFalse(support.is_running(pid))

    def test_grandchildren_when_the_application_ends(self):
        node = self.node({"cmd": "setsid sh -c 'echo $$$$ > pid; exec sleep 1000' & "
                                 "while [ ! -s pid ]; do sleep 0.05; done; exit 4", "shell": True})
        self.assertEqual(node.wait(), 4, node.log())
        self.assertFalse(support.is_running(int((node.dir / "pid").read_text())))
        self.assertFalse(support.is_mounted(node.mount))

    def test_stop_with_files_of_the_mount_held_by_others(self):
        with support.Node() as node:
            open(node.path("a.db"), "w").close()
            held = os.open(node.path("a.db"), os.O_RDONLY)
            self.assertEqual(self.stop_in_time(node), 0)
            with support.contextlib.suppress(OSError):  # nobody is there to hear of it
                os.close(held)
            node.start()
            holder = subprocess.Popen(["sleep", "1000"], cwd=node.mount)
            try:
                self.assertEqual(self.stop_in_time(node), 0)
                self.assertIn("unmount-busy", node.log())
            finally:
                holder.kill()
                holder.wait()

    def test_stop_in_the_midst_of_writing(self):
        node = self.node({"cmd": "sqlite3 mount/a.db 'pragma journal_mode=wal; create table t(v)'; "
                                 "touch up; while :; do sqlite3 mount/a.db "
                                 "'insert into t values(randomblob(1000))' || exit 9; done",
                          "shell": True})
        support.wait_until((node.dir / "up").exists, "the application is up")
        support.wait_until(lambda: node.txid("a.db") > 10, "it writes")
        self.assertEqual(self.stop_in_time(node), 0, node.log())
        node.config.pop("exec")
        log_before = len(node.log())
        node.start()
        self.assertNotIn("recovered:", node.log()[log_before:])

    def test_exit_code_while_the_worker_dies(self):
        node = self.node({"cmd": "touch up; while [ ! -e go ]; do sleep 0.05; done; exit 11",
                          "shell": True})
        support.wait_until((node.dir / "up").exists, "the application is up")
        for _ in range(3):
            node.kill_worker()
        (node.dir / "go").touch()
        self.assertEqual(node.wait(), 11, node.log())
        self.assertFalse(support.is_mounted(node.mount))

    def test_application_starts_once(self):
        node = self.node({"cmd": "echo started >> starts; while :; do sleep 0.1; done",
                          "shell": True})
        support.wait_until((node.dir / "starts").exists, "the application is up")
        for _ in range(3):
            dead = node.kill_worker()
            support.wait_until(lambda: node.worker() not in (None, dead), "a successor")
            self.assertTrue(node.answers())
        self.assertEqual((node.dir / "starts").read_text(), "started\n")
        self.stop_in_time(node)

    def test_exec_user_sees_a_plain_environment(self):
        """Descriptors and variables of the machinery do not leak into the application."""
        node = self.node({"cmd": "ls -l /proc/self/fd > fds; env > environment; cat /proc/self/status"
                                 " > status", "shell": True})
        self.assertEqual(node.wait(), 0, node.log())
        fds = [line.split()[8] for line in (node.dir / "fds").read_text().splitlines()
               if len(line.split()) > 8]
        self.assertLessEqual(set(fds), {"0", "1", "2", "3"}, fds)  # 3: the folder that ls reads
        names = {line.split("=")[0] for line in (node.dir / "environment").read_text().splitlines()}
        self.assertEqual([name for name in names - set(os.environ) if "SKERRY" in name], [])
        status = (node.dir / "status").read_text()
        self.assertIn("SigBlk:\t0000000000000000", status)
        ignored = int(status.split("SigIgn:\t")[1].split()[0], 16)
        self.assertFalse(ignored >> (signal.SIGPIPE - 1) & 1)


if __name__ == "__main__":
    unittest.main()
