#!/usr/bin/env python3
"""Who may change something and who may follow: the cluster's secret, the token, and the commands
that tell and set what a data folder belongs to."""

import contextlib
import json
import os
import socket
import sqlite3
import subprocess
import unittest

from support import DEADLINE_S, PROGRAM, Node, wait_until

SECRET = "a secret of the test"
NOBODY = 65534


def post(port, target, body, headers):
    """Without a library, most of which a process without rights cannot load any more."""
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    with socket.socket() as client:
        client.settimeout(DEADLINE_S)
        client.connect((b"127.0.0.1", port))
        client.sendall(f"POST {target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
                       f"Content-Length: {len(body)}\r\n{head}\r\n".encode() + body)
        reply = b""
        while piece := client.recv(65536):
            reply += piece
    return reply.decode()


def as_nobody(function, *arguments):
    """What the function returns in a process that has given up its rights."""
    read_end, write_end = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.setgroups([])
            os.setgid(NOBODY)
            os.setuid(NOBODY)
            os.write(write_end, function(*arguments).encode())
        except BaseException as error:  # the test goes on in the parent alone
            os.write(write_end, repr(error).encode())
        finally:
            os._exit(0)
    os.close(write_end)
    with os.fdopen(read_end) as file:
        text = file.read()
    os.waitpid(child, 0)
    return text


def skerry(*words, environment=None):
    return subprocess.run([PROGRAM, *words], capture_output=True, text=True, timeout=DEADLINE_S,
                          check=False, env={**os.environ, **(environment or {})})


class ClusterSecret(unittest.TestCase):
    def node(self, **kwargs):
        node = Node(**kwargs)
        self.addCleanup(node.close)
        return node

    def follower(self, primary, secret):
        config = {"lease": {"advertise-url": primary.url}}
        if secret:
            config["cluster"] = {"secret": secret}
        return self.node(candidate=False, name="a", config=config)

    def a_file(self, node):
        path = node.dir / "file.db"
        with contextlib.closing(sqlite3.connect(path)) as db:
            db.execute("CREATE TABLE t (v)")
            db.commit()
        return path

    def test_streams_need_the_secret_where_there_is_one(self):
        primary = self.node(environment={"SKERRY_CLUSTER_SECRET": SECRET})
        with contextlib.closing(sqlite3.connect(primary.path("a.db"))) as db:
            db.execute("CREATE TABLE t (v)")
            db.commit()
        good = self.follower(primary, SECRET)
        wait_until(lambda: good.position("a.db") == primary.position("a.db") != (0, 0), "in step")
        other = self.follower(primary, "another secret of the test")
        other.wait_log("does not prove that it knows cluster.secret")
        none = self.follower(primary, None)
        none.wait_log("it asks for a proof of cluster.secret")
        self.assertEqual(none.txid("a.db"), 0)
        for node in (primary, good):
            self.assertNotIn(SECRET, node.log())
            for pid in (node.keeper(), node.worker()):
                with open(f"/proc/{pid}/cmdline", "rb") as file:
                    self.assertNotIn(SECRET.encode(), file.read())
        checked = skerry("config", "check", "-config", str(good.config_path))
        self.assertNotIn(SECRET, checked.stdout + checked.stderr)

    def test_changes_need_a_proof_or_the_owner(self):
        node = self.node(config={"cluster": {"secret": SECRET}})
        path = self.a_file(node)
        arguments = ("import", "-url", node.url, "-name", "a.db", str(path))
        done = skerry(*arguments, environment={"SKERRY_CLUSTER_SECRET": SECRET})
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(node.txid("a.db"), 1)
        done = skerry(*arguments, environment={"SKERRY_CLUSTER_SECRET": "another secret"})
        self.assertEqual(done.returncode, 1)
        self.assertIn("does not prove", done.stderr)
        self.assertEqual(skerry(*arguments).returncode, 0)  # root on this machine
        self.assertEqual(node.txid("a.db"), 2)
        token = node.data / "token"
        self.assertEqual(token.stat().st_mode & 0o777, 0o600)

        request = (node.port, "/import?name=b.db", path.read_bytes())
        refused = as_nobody(post, *request, {})
        self.assertTrue(refused.startswith("HTTP/1.1 403 "), refused)
        self.assertIn(str(token), refused)
        self.assertEqual(node.txid("b.db"), 0)
        with_token = {"Skerry-Token": token.read_text().strip()}
        taken = as_nobody(post, *request, with_token)
        self.assertTrue(taken.startswith("HTTP/1.1 200 "), taken)
        self.assertEqual(node.txid("b.db"), 1)

    def test_history_and_cluster_commands(self):
        node = self.node(name="first")
        data = ("-data", str(node.data))
        node.wait_log("no-secret")
        wait_until(lambda: json.loads(skerry("history", "-json", *data).stdout), "a reign")
        reign = json.loads(skerry("history", "-json", *data).stdout)[-1]
        self.assertEqual((reign["primary"], reign["self"]), ("first", True))
        self.assertIn("first (this node)", skerry("history", *data).stdout)
        self.assertRegex(skerry("cluster", "status", "-url", node.url).stdout, "first +primary, epoch")
        nodes = json.loads(skerry("cluster", "status", "-json", "-url", node.url).stdout)
        self.assertEqual([(n["name"], n["status"]["node"]["role"]) for n in nodes],
                         [("first", "primary")])
        own = skerry("cluster", "id", *data).stdout.strip()
        self.assertRegex(own, "^LFSC[0-9A-F]{16}$")
        busy = skerry("cluster", "reset", "-yes", *data)
        self.assertEqual(busy.returncode, 1)
        self.assertIn("must be stopped", busy.stderr)
        forced = skerry("cluster", "force-primary", "-yes", "-url", node.url)
        self.assertEqual(forced.returncode, 1)
        self.assertIn("lease.candidate", forced.stderr)
        self.assertEqual(node.stop(), 0)
        self.assertEqual(skerry("cluster", "reset", *data).returncode, 2)
        self.assertEqual(skerry("cluster", "reset", "-yes", *data).returncode, 0)
        self.assertEqual(json.loads(skerry("cluster", "id", "-json", *data).stdout),
                         {"clusterId": ""})
        self.assertEqual(skerry("cluster", "adopt", *data, "nonsense").returncode, 1)
        adopted = skerry("cluster", "adopt", "-json", *data, "LFSC0123456789ABCDEF")
        self.assertEqual(json.loads(adopted.stdout), {"clusterId": "LFSC0123456789ABCDEF"})
        node.config["lease"].update({"candidate": False, "hostname": "second",
                                     "advertise-url": "http://127.0.0.1:9"})
        node.start()
        wait_until(lambda: json.loads(skerry("history", "-json", *data).stdout)[-1]["primary"] ==
                   "second", "the next reign")
        reigns = json.loads(skerry("history", "-json", *data).stdout)
        self.assertEqual([r["primary"] for r in reigns], ["first", "second"])
        self.assertIn("until", reigns[0])


if __name__ == "__main__":
    unittest.main()
