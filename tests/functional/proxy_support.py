"""The proxy alone (tests/support/proxy_host.cc) between clients and applications made of sockets.

    with App(lambda request: Reply(200, b"hello")) as app, Proxy(app.port) as proxy:
        reply = proxy.get("/")
"""

import contextlib
import http.client
import json
import os
import pathlib
import socket
import subprocess
import tempfile
import threading

from support import ROOT, DEADLINE_S

HELPER = pathlib.Path(os.environ.get(
    "SKERRY_PROXY_HOST", str(ROOT / "build/dev/tests/support/proxy_host")))


class Closed(Exception):
    """The other side has closed the connection."""


class Wire:
    """A socket with exact reads; every read has a deadline."""

    def __init__(self, sock):
        self.sock = sock
        self.sock.settimeout(DEADLINE_S)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = b""

    def send(self, data):
        self.sock.sendall(data.encode() if isinstance(data, str) else data)

    def more(self):
        data = self.sock.recv(65536)
        if not data:
            raise Closed(self.buffer)
        self.buffer += data

    def until(self, end):
        while end not in self.buffer:
            self.more()
        found, self.buffer = self.buffer.split(end, 1)
        return found + end

    def exactly(self, n):
        while len(self.buffer) < n:
            self.more()
        found, self.buffer = self.buffer[:n], self.buffer[n:]
        return found

    def rest(self):
        """Everything up to the end of the connection."""
        try:
            while True:
                self.more()
        except (Closed, ConnectionResetError):
            found, self.buffer = self.buffer, b""
            return found

    def head(self):
        """(first line, headers with names in small letters; the last of equal names counts)."""
        lines = self.until(b"\r\n\r\n").decode("latin1").split("\r\n")
        fields = {}
        for line in lines[1:-2]:
            name, value = line.split(":", 1)
            fields[name.lower()] = value.strip()
        return lines[0], fields

    def chunks(self):
        """The payload of a chunked body, and its trailers."""
        payload = b""
        while True:
            size = int(self.until(b"\r\n").split(b";")[0], 16)
            if size == 0:
                break
            payload += self.exactly(size)
            self.exactly(2)
        trailers = b""
        while True:
            line = self.until(b"\r\n")
            if line == b"\r\n":
                return payload, trailers.decode()
            trailers += line

    def body(self, fields):
        if fields.get("transfer-encoding") == "chunked":
            return self.chunks()[0]
        return self.exactly(int(fields.get("content-length", 0)))

    def response(self, to_head=False):
        line, fields = self.head()
        status = int(line.split()[1])
        bodyless = to_head or status < 200 or status in (204, 304)
        return status, fields, b"" if bodyless else self.body(fields)

    def abort(self):
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        self.sock.close()

    def close(self):
        self.sock.close()

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.close()


class Server:
    """A thread for each connection, which `serve(wire)` has for itself."""

    def __init__(self, serve, port=0, listen=True, host="127.0.0.1"):
        self.serve = serve
        self.connections = 0
        self.wires = []
        self.listener = socket.socket()
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind((host, port))
        self.port = self.listener.getsockname()[1]
        if listen:
            self.listen()

    def listen(self):
        self.listener.listen(512)
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            self.connections += 1
            wire = Wire(sock)
            self.wires.append(wire)
            threading.Thread(target=self.run, args=(wire,), daemon=True).start()

    def run(self, wire):
        with contextlib.suppress(Closed, OSError):
            self.serve(wire)
        wire.close()

    def close_connections(self):
        for wire in self.wires:
            with contextlib.suppress(OSError):
                wire.sock.shutdown(socket.SHUT_RDWR)

    def close(self):
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.close_connections()

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.close()


class Request:
    def __init__(self, line, fields, body):
        self.method, self.target, _ = line.split(" ")
        self.fields = fields
        self.body = body


class App(Server):
    """Answers each request by what `answer(request)` returns: (status, body) or (…, headers)."""

    def __init__(self, answer=lambda request: (200, b"ok"), **more):
        self.answer = answer
        self.requests = []
        super().__init__(self.serve_requests, **more)

    def serve_requests(self, wire):
        while True:
            line, fields = wire.head()
            if fields.get("expect") == "100-continue":
                wire.send("HTTP/1.1 100 Continue\r\n\r\n")
            request = Request(line, fields, wire.body(fields))
            self.requests.append(request)
            status, body, *headers = self.answer(request)
            text = f"HTTP/1.1 {status} Status\r\nContent-Length: {len(body)}\r\n"
            text += "".join(f"{k}: {v}\r\n" for k, v in (headers[0] if headers else {}).items())
            wire.send(text.encode() + b"\r\n" + (b"" if request.method == "HEAD" else body))


class Proxy:
    def __init__(self, target, settings=None, node=None, secret=None, environment=None):
        self.dir = tempfile.TemporaryDirectory(prefix="skerry-proxy-")
        config = {"lease": {"type": "static", "hostname": "me"},
                  "proxy": {"addr": "127.0.0.1:0", "target": f"127.0.0.1:{target}", "db": "app.db",
                            "threads": int(os.environ.get("SKERRY_PROXY_THREADS", "1")),
                            **(settings or {})}}
        path = pathlib.Path(self.dir.name) / "skerry.yml"
        path.write_text(json.dumps(config))
        self.log = open(pathlib.Path(self.dir.name) / "log", "w+b")
        self.process = subprocess.Popen(
            [HELPER, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.log,
            env={**os.environ, **(environment or {})})
        first = self.process.stdout.readline().decode().split()
        if not first:
            output = self.output()
            self.release()
            raise AssertionError(f"the proxy did not start: {output}")
        self.port = int(first[1])
        if node:
            self.state(**node)

    def command(self, text):
        self.process.stdin.write(text.encode() + b"\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline().decode().strip()
        if not answer:
            raise AssertionError(f"the proxy ended with {self.process.wait()}: {self.output()}")
        return answer

    def output(self):
        self.log.seek(0)
        return self.log.read().decode(errors="replace")

    def state(self, **fields):
        assert self.command("state " + " ".join(f"{k}={v}" for k, v in fields.items())) == "ok"

    def replica_of(self, port, **more):
        self.state(primary=0, known=1, connected=1, lag=0, hostname="primary",
                   proxy_url=f"http://127.0.0.1:{port}", **more)

    def position(self, txid, epoch=1, db="app.db"):
        assert self.command(f"position {db} {txid} {epoch}") == "ok"

    def metrics(self):
        return json.loads(self.command("metrics"))

    def memory_kib(self):
        for line in pathlib.Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1])
        raise AssertionError("no VmRSS")

    def wire(self):
        return Wire(socket.create_connection(("127.0.0.1", self.port), DEADLINE_S))

    def ask(self, method, path, body=None, headers=None):
        """One request over a connection of its own: (status, headers, body)."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=DEADLINE_S)
        try:
            connection.request(method, path, body, headers or {})
            response = connection.getresponse()
            fields = {}
            for name, value in response.getheaders():
                fields[name.lower()] = value
            return response.status, fields, response.read()
        finally:
            connection.close()

    def get(self, path="/", **headers):
        return self.ask("GET", path, headers={k.replace("_", "-"): v for k, v in headers.items()})

    def post(self, path="/", body=b"x", **headers):
        return self.ask("POST", path, body,
                        headers={k.replace("_", "-"): v for k, v in headers.items()})

    def release(self):
        self.process.stdin.close()
        code = self.process.wait(DEADLINE_S)
        self.process.stdout.close()
        self.log.close()
        self.dir.cleanup()
        return code

    def close(self):
        output = self.output()
        code = self.release()
        if code != 0:
            raise AssertionError(f"the proxy ended with {code}: {output}")

    def __enter__(self):
        return self

    def __exit__(self, kind, *unused):
        try:
            self.close()
        except AssertionError:
            if kind is None:
                raise


