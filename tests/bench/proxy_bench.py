#!/usr/bin/env python3
"""Measures the proxy beside nginx as a reverse proxy, one thread each, taking turns before the same
application (nginx that returns a small text). Needs nginx, wrk and curl; takes about a minute.

usage: tests/bench/proxy_bench.py [--build FOLDER] [--rounds N] [--seconds N]
"""

import argparse
import json
import os
import pathlib
import re
import resource
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
DEADLINE_S = 30
IDLE_CLIENTS = 10_000
BULK_BYTES = 1_000_000_000


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(port):
    end = time.monotonic() + DEADLINE_S
    while True:
        try:
            return socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            if time.monotonic() > end:
                sys.exit(f"nobody listens on port {port}")
            time.sleep(0.01)


class Program:
    def __init__(self, command, port, **more):
        self.port = port
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL, **more)
        wait_for(port)

    def pids(self):
        children = subprocess.run(["ps", "-o", "pid=", "--ppid", str(self.process.pid)],
                                  capture_output=True, text=True, check=False).stdout.split()
        return [self.process.pid, *map(int, children)]

    def cpu_s(self):
        ticks = 0
        for pid in self.pids():
            fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
            ticks += int(fields[11]) + int(fields[12])
        return ticks / os.sysconf("SC_CLK_TCK")

    def memory_kib(self):
        total = 0
        for pid in self.pids():
            status = pathlib.Path(f"/proc/{pid}/status").read_text()
            total += int(re.search(r"VmRSS:\s+(\d+)", status)[1])
        return total

    def stop(self):
        self.process.terminate()
        self.process.wait(DEADLINE_S)


def nginx(folder, name, port, location, upstream=""):
    path = folder / f"{name}.conf"
    temporary = "".join(f"{kind}_temp_path {folder}/{name}-{kind}; " for kind in
                        ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    path.write_text(
        f"worker_processes 1; worker_rlimit_nofile 65536; daemon off; pid {folder}/{name}.pid; "
        f"error_log {folder}/{name}.log; events {{ worker_connections 30000; }} "
        f"http {{ access_log off; sendfile on; keepalive_requests 1000000000; "
        f"client_max_body_size 0; {temporary} {upstream} "
        f"server {{ listen 127.0.0.1:{port} backlog=4096; root {folder}; {location} }} }}")
    return Program(["nginx", "-c", str(path)], port)


def nginx_proxy(folder, name, port, app_port):
    forwarding = ("proxy_http_version 1.1; proxy_set_header Connection \"\"; "
                  "proxy_set_header Host $host; proxy_request_buffering off; "
                  "proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for; "
                  "proxy_set_header X-Forwarded-Proto http; proxy_max_temp_file_size 0; "
                  "proxy_set_header X-Forwarded-Host $host;")
    return nginx(folder, name, port, f"location / {{ proxy_pass http://app; {forwarding} }}",
                 f"upstream app {{ server 127.0.0.1:{app_port}; keepalive 128; "
                 "keepalive_requests 1000000000; }")


def skerry_proxy(folder, port, app_port, build):
    path = folder / "skerry.yml"
    path.write_text(json.dumps({
        "lease": {"type": "static"},
        "proxy": {"addr": f"127.0.0.1:{port}", "target": f"127.0.0.1:{app_port}", "db": "app.db",
                  "threads": 1, "read-header-timeout": "5m", "idle-timeout": "5m"}}))
    program = Program([build / "tests/support/proxy_host", path], port, stdin=subprocess.PIPE)
    program.process.stdin.write(b"position app.db 1 1\n")
    program.process.stdin.flush()
    return program


def wrk(port, connections, seconds):
    text = subprocess.run(
        ["wrk", "-t1", f"-c{connections}", f"-d{seconds}", "--latency", f"http://127.0.0.1:{port}/"],
        capture_output=True, text=True, check=True).stdout
    if "Non-2xx" in text or "Socket errors" in text:
        print(text, file=sys.stderr)
    micros = {"us": 1, "ms": 1e3, "s": 1e6}
    found = {p: float(v) * micros[u] for p, v, u in
             re.findall(r"(50|99)%\s+([\d.]+)(us|ms|s)\b", text)}
    return {"rate": float(re.search(r"Requests/sec:\s+([\d.]+)", text)[1]),
            "requests": int(re.search(r"(\d+) requests in", text)[1]),
            "p50": found["50"], "p99": found["99"]}


def small_requests(app, proxies, rounds, seconds):
    for connections in (1, 32):
        results = {name: [] for name in proxies}
        direct = []
        for _ in range(rounds):
            direct.append(wrk(app.port, connections, seconds))
            for name, program in proxies.items():
                before = program.cpu_s()
                one = wrk(program.port, connections, seconds)
                one["cpu"] = (program.cpu_s() - before) / one["requests"] * 1e6
                results[name].append(one)

        def median(of, key):
            return statistics.median(one[key] for one in of)
        print(f"{connections:2} connections: direct {median(direct, 'rate'):.0f}/s")
        for name, of in results.items():
            print(f"   {name:7} {median(of, 'rate'):8.0f}/s   cpu {median(of, 'cpu'):5.1f} us/request"
                  f"   p50 {median(of, 'p50'):6.0f} us   p99 {median(of, 'p99'):6.0f} us")
        ratios = [s["rate"] / n["rate"] for s, n in zip(results["skerry"], results["nginx"])]
        cpu = [s["cpu"] / n["cpu"] for s, n in zip(results["skerry"], results["nginx"])]
        print(f"   skerry / nginx: rate {statistics.median(ratios):.2f} ({min(ratios):.2f} to "
              f"{max(ratios):.2f}), cpu {statistics.median(cpu):.2f}")


def sink():
    """Takes one request's body for each connection; returns its port."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=16)
    buffer = bytearray(1 << 20)

    def serve(connection):
        head = b""
        while b"\r\n\r\n" not in head:
            head += connection.recv(65536)
        head, begun = head.split(b"\r\n\r\n", 1)
        left = int(re.search(rb"(?i)content-length: (\d+)", head)[1]) - len(begun)
        while left > 0:
            left -= connection.recv_into(buffer)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        connection.close()

    def accept():
        while True:
            threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
    threading.Thread(target=accept, daemon=True).start()
    return listener.getsockname()[1]


def curl(*arguments):
    began = time.monotonic()
    subprocess.run(["curl", "-sSf", "-o", "/dev/null", *arguments], check=True,
                   stdout=subprocess.DEVNULL)
    return BULK_BYTES / 1e6 / (time.monotonic() - began)


def bulk(what, direct_port, proxies, arguments):
    direct = max(curl(*arguments(direct_port)) for _ in range(2))
    line = f"1 GB {what}: direct {direct:.0f} MB/s"
    for name, program in proxies.items():
        before = program.memory_kib()
        rate = max(curl(*arguments(program.port)) for _ in range(2))
        line += (f", {name} {rate:.0f} MB/s ({rate / direct:.2f}, memory "
                 f"{(program.memory_kib() - before) / 1024:+.1f} MB)")
    print(line)


def idle(proxies):
    for name, program in proxies.items():
        before = program.memory_kib()
        clients = [socket.create_connection(("127.0.0.1", program.port)) for _ in range(IDLE_CLIENTS)]
        for client in clients:
            client.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        for client in clients:
            client.recv(4096)
        each = (program.memory_kib() - before) * 1024 / IDLE_CLIENTS
        for client in clients:
            client.close()
        print(f"{IDLE_CLIENTS} idle connections, each after one request: {name} {each:.0f} bytes each")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build/release")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=2)
    arguments = parser.parse_args()
    for tool in ("nginx", "wrk", "curl"):
        if not shutil.which(tool):
            sys.exit(f"{tool} is not installed")

    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    folder = pathlib.Path(tempfile.mkdtemp(prefix="skerry-bench-", dir="/dev/shm"))
    folder.chmod(0o755)
    programs = []
    try:
        big = folder / "big"
        with open(big, "wb") as file:
            file.truncate(BULK_BYTES)
        app = nginx(folder, "app", free_port(),
                    'location = / { return 200 "hello world, this is a small response\\n"; } '
                    "location / { }")
        programs.append(app)

        def pair(port, suffix):
            found = {"nginx": nginx_proxy(folder, "nginx" + suffix, free_port(), port),
                     "skerry": skerry_proxy(folder, free_port(), port, arguments.build)}
            programs.extend(found.values())
            return found
        proxies = pair(app.port, "")
        small_requests(app, proxies, arguments.rounds, arguments.seconds)
        bulk("download", app.port, proxies, lambda port: [f"http://127.0.0.1:{port}/big"])
        taking = sink()
        bulk("upload", taking, pair(taking, "-up"),
             lambda port: ["-T", str(big), "-H", "Expect:", f"http://127.0.0.1:{port}/"])
        idle(proxies)
    finally:
        for program in programs:
            program.stop()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
