"""npm's litefs-js, unchanged, in an application behind the proxies of two real nodes."""

import atexit
import http.client
import json
import pathlib
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/functional"))

from support import DEADLINE_S, Node, free_port, wait_until

PACKAGE = "litefs-js@2.0.2"
APPLICATION = """
import http from "node:http";
import os from "node:os";
import path from "node:path";
import { execFileSync } from "node:child_process";
import { getInstanceInfo, getInstanceInfoSync, getInternalInstanceDomain, getTxNumber } from "litefs-js";
import { ensurePrimary, handleTransactionalConsistency, setTxCookie } from "litefs-js/http";

const file = path.join(process.env.LITEFS_DIR, process.env.DATABASE_FILENAME);
const python = `
import sqlite3, sys
with sqlite3.connect(sys.argv[1], timeout=30) as db:
    print(db.execute(sys.argv[2]).fetchone())`;
const sql = text => execFileSync("python3", ["-c", python, file, text], { encoding: "utf8" }).trim();

const server = http.createServer(async (request, response) => {
  if (request.url === "/info") {
    const info = await getInstanceInfo();
    response.end(JSON.stringify({ ...info, sync: getInstanceInfoSync(), host: os.hostname(),
      tx: await getTxNumber(), domain: getInternalInstanceDomain(info.primaryInstance) }));
  } else if (request.method === "POST") {
    if (await ensurePrimary(response)) return;
    sql("INSERT INTO t VALUES (1)");
    await setTxCookie(response);
    response.writeHead(201).end();
  } else {
    if (await handleTransactionalConsistency(request, response)) return;
    response.end(sql("SELECT count(*) FROM t"));
  }
});
server.listen(Number(process.env.PORT), "127.0.0.1");
"""


def ask(port, method, path, headers):
    """(status, fields with the values of equal names joined, body)."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=DEADLINE_S)
    try:
        connection.request(method, path, headers=headers)
        response = connection.getresponse()
        fields = {}
        for name, value in response.getheaders():
            fields[name.lower()] = ", ".join(filter(None, (fields.get(name.lower()), value)))
        return response.status, fields, response.read()
    finally:
        connection.close()


def cookies(fields):
    return dict(re.findall(r"(__txid|txnum)=([^;,]*)", fields.get("set-cookie", "")))


class Site:
    """A node that supervises the application, which only its proxy and this test know."""

    def __init__(self, modules, advertise=None, forward=None):
        self.port, self.app_port = free_port(), free_port()
        config = {"proxy": {"addr": f"127.0.0.1:{self.port}", "target": f"127.0.0.1:{self.app_port}",
                            "db": "app.db"},
                  "exec": [{"cmd": "node app.mjs"}]}
        if advertise:
            config["proxy"]["forward-url"] = forward
            config["lease"] = {"advertise-url": advertise}
        self.node = Node(name="primary", candidate=advertise is None, config=config, start=False)
        self.node.environment = {
            "LITEFS_DIR": str(self.node.mount), "DATABASE_FILENAME": "app.db",
            "PORT": str(self.app_port), "FLY_APP_NAME": ""}
        (self.node.dir / "app.mjs").write_text(APPLICATION)
        (self.node.dir / "node_modules").symlink_to(modules)
        self.node.start()

    def ask(self, method, path="/", port=None, **headers):
        return ask(port or self.port, method, path, headers)

    def info(self):
        return json.loads(self.ask("GET", "/info")[2])


class LitefsJs(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = pathlib.Path(tempfile.mkdtemp(prefix="skerry-litefs-js-"))
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        (folder / "package.json").write_text("{}")
        subprocess.run(["npm", "install", "--no-audit", "--no-fund", PACKAGE], cwd=folder,
                       check=True, stdout=subprocess.DEVNULL, timeout=300)
        modules = folder / "node_modules"
        cls.primary = Site(modules)
        cls.addClassCleanup(cls.primary.node.close)
        with sqlite3.connect(cls.primary.node.path("app.db")) as db:
            db.execute("PRAGMA journal_mode = wal")
            db.execute("CREATE TABLE t (v)")
        cls.replica = Site(modules, cls.primary.node.url, f"http://127.0.0.1:{cls.primary.port}")
        cls.addClassCleanup(cls.replica.node.close)
        wait_until(lambda: cls.replica.ask("GET")[0] == 200, "the replica's application answers")

    def test_it_knows_the_instances(self):
        here, there = self.primary.info(), self.replica.info()
        self.assertEqual(here["currentIsPrimary"], True)
        self.assertEqual(here["primaryInstance"], here["host"])
        self.assertEqual((there["currentIsPrimary"], there["primaryInstance"]), (False, "primary"))
        for info in (here, there):
            self.assertEqual(info["sync"]["primaryInstance"], info["primaryInstance"])
        self.assertIn("http://primary.vm.", there["domain"])

    def test_it_reads_positions(self):
        wait_until(lambda: self.replica.info()["tx"] == self.primary.info()["tx"],
                   "both are at one position")
        self.assertEqual(self.primary.info()["tx"], self.primary.node.txid("app.db"))

    def test_a_client_of_the_replica_reads_what_it_wrote(self):
        carried, count = {}, None
        for _ in range(10):
            status, fields, _ = self.replica.ask("POST", Cookie=self.text(carried))
            self.assertEqual(status, 201)  # the primary's application; the replica's says 409
            carried.update(cookies(fields))
            self.assertEqual(int(carried["txnum"]), self.primary.node.txid("app.db"))
            self.assertIn("__txid", carried)
            status, fields, body = self.replica.ask("GET", Cookie=self.text(carried))
            self.assertEqual(status, 200)
            self.assertEqual(cookies(fields).get("txnum"), "0")  # caught up: the cookie goes
            if count is not None:
                self.assertEqual(body, b"(%d,)" % (count + 1))
            count = int(body.strip(b"(,)"))
            carried.update(cookies(fields))

    def test_its_own_replays_reach_the_edge(self):
        status, fields, _ = self.replica.ask("GET", Cookie="txnum=999999999")
        self.assertEqual((status, fields["fly-replay"]), (409, "instance=primary"))
        status, fields, _ = self.replica.ask("POST", port=self.replica.app_port)
        self.assertEqual((status, fields["fly-replay"]), (409, "instance=primary"))
        status, fields, _ = self.primary.ask("GET", Cookie="txnum=999999999")
        self.assertEqual((status, cookies(fields)["txnum"]), (200, "0"))

    @staticmethod
    def text(carried):
        return "; ".join(f"{name}={value}" for name, value in carried.items())


if __name__ == "__main__":
    unittest.main()
