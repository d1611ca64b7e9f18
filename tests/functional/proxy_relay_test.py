"""HTTP/1.1 through the proxy: framing, streams, upgrades, time limits, and clients that mean ill."""

import http.client
import socket
import threading
import unittest

from proxy_support import App, Closed, Proxy, Server
from support import DEADLINE_S, wait_until

MEMORY_GROWTH_MAX_KIB = 16 * 1024


class Messages(unittest.TestCase):
    def test_heads_lose_what_belongs_to_the_connection_and_gain_where_they_come_from(self):
        with App() as app, Proxy(app.port) as proxy, proxy.wire() as client:
            client.send("GET /a?b=%20 HTTP/1.1\r\nHost: site\r\nConnection: keep-alive, X-Hop\r\n"
                        "X-Hop: 1\r\nX-Kept: yes\r\nX-Forwarded-For: 9.9.9.9\r\n\r\n")
            self.assertEqual(client.response()[0], 200)
            request = app.requests[0]
            self.assertEqual(request.target, "/a?b=%20")
            self.assertNotIn("x-hop", request.fields)
            self.assertNotIn("connection", request.fields)
            self.assertEqual(request.fields["x-kept"], "yes")
            self.assertEqual(request.fields["x-forwarded-for"], "9.9.9.9, 127.0.0.1")
            self.assertEqual(request.fields["x-forwarded-host"], "site")
            self.assertIn("for=127.0.0.1", request.fields["forwarded"])

    def test_connections_are_reused_on_both_sides(self):
        with App() as app, Proxy(app.port) as proxy, proxy.wire() as client:
            for i in range(200):
                method = "POST" if i % 3 == 0 else "GET"
                client.send(f"{method} /{i} HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx")
                self.assertEqual(client.response()[2], b"ok")
            self.assertEqual(app.connections, 1)
            self.assertEqual([r.target for r in app.requests], [f"/{i}" for i in range(200)])
            self.assertEqual(proxy.metrics()["upstream_reused"], 199)

    def test_pipelined_requests_are_answered_in_order(self):
        with App(lambda r: (200, r.target.encode() + r.body)) as app, Proxy(app.port) as proxy, \
                proxy.wire() as client:
            sent = "".join(f"POST /{i} HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n{i:03}"
                           for i in range(50))
            client.send(sent + "GET /litefs/health HTTP/1.1\r\nHost: a\r\n\r\n" +
                        "GET /last HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            for i in range(50):
                self.assertEqual(client.response()[2], f"/{i}{i:03}".encode())
            self.assertEqual(client.response()[2], b"OK\n")
            status, fields, body = client.response()
            self.assertEqual((body, fields["connection"]), (b"/last", "close"))
            self.assertEqual(client.rest(), b"")

    def test_chunked_bodies_pass_byte_for_byte_with_their_trailers(self):
        seen = []

        def serve(wire):
            wire.head()
            seen.append(wire.chunks())
            wire.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: T\r\n\r\n"
                      "3;x=y\r\nabc\r\n")
            wire.send("0\r\nT: later\r\n\r\n")
        with Server(serve) as app, Proxy(app.port) as proxy, proxy.wire() as client:
            client.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel")
            client.send("lo\r\n0\r\nChecksum: z\r\n\r\n")
            _, fields = client.head()
            self.assertEqual(fields["trailer"], "T")
            self.assertEqual(client.until(b"\r\n"), b"3;x=y\r\n")
            client.buffer = b"3\r\n" + client.buffer
            self.assertEqual(client.chunks(), (b"abc", "T: later\r\n"))
            self.assertEqual(seen, [(b"hello", "Checksum: z\r\n")])

    def test_an_expectation_is_the_applications_to_meet(self):
        def answer(request):
            return 200, request.body
        with App(answer) as app, Proxy(app.port) as proxy, proxy.wire() as client:
            client.send("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n"
                        "Expect: 100-continue\r\n\r\n")
            self.assertEqual(client.response()[0], 100)
            client.send("body")
            self.assertEqual(client.response()[2], b"body")

        def refuse(wire):
            wire.head()
            wire.send("HTTP/1.1 417 No\r\nContent-Length: 0\r\n\r\n")
        with Server(refuse) as app, Proxy(app.port) as proxy, proxy.wire() as client:
            client.send("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n"
                        "Expect: 100-continue\r\n\r\n")
            self.assertEqual(client.response()[0], 417)
            self.assertEqual(client.rest(), b"")  # whether the body comes now is anybody's guess

    def test_interim_responses_go_before_the_final_one(self):
        def serve(wire):
            wire.head()
            wire.send("HTTP/1.1 103 Early Hints\r\nLink: </s>\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n")
            wire.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        with Server(serve) as app, Proxy(app.port) as proxy, proxy.wire() as client:
            client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            status, fields, _ = client.response()
            self.assertEqual((status, fields["link"]), (103, "</s>"))
            self.assertEqual(client.response()[0], 102)
            self.assertEqual(client.response()[2], b"ok")

    def test_responses_without_a_body(self):
        def serve(wire):
            while True:
                line, _ = wire.head()
                status = {"/204": 204, "/304": 304}.get(line.split()[1], 200)
                length = "" if status == 204 else "Content-Length: 12345\r\n"
                wire.send(f"HTTP/1.1 {status} X\r\n{length}\r\n")
        with Server(serve) as app, Proxy(app.port) as proxy, proxy.wire() as client:
            for method, path, status in [("HEAD", "/", 200), ("GET", "/204", 204),
                                         ("GET", "/304", 304), ("HEAD", "/304", 304)]:
                client.send(f"{method} {path} HTTP/1.1\r\nHost: a\r\n\r\n")
                self.assertEqual(client.response(to_head=True)[0], status)
            self.assertEqual(app.connections, 1)

    def test_http_1_0_clients_get_bodies_that_they_understand(self):
        def serve(wire):
            while True:
                wire.head()
                wire.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n")
                wire.send("2\r\nde\r\n0\r\n\r\n")
        with Server(serve) as app, Proxy(app.port) as proxy, proxy.wire() as client:
            client.send("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
            _, fields = client.head()
            self.assertNotIn("transfer-encoding", fields)
            self.assertEqual(fields["connection"], "close")
            self.assertEqual(client.rest(), b"abcde")
        def drip(wire):  # each byte by itself, trailers too
            wire.head()
            for byte in (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: T\r\n\r\n"
                         b"a;x=y\r\n0123456789\r\n1\r\n\n\r\n0\r\nT: later\r\n\r\n"):
                wire.send(bytes([byte]))
        with Server(drip) as app, Proxy(app.port) as proxy, proxy.wire() as client:
            client.send("GET / HTTP/1.0\r\n\r\n")
            _, fields = client.head()
            self.assertNotIn("transfer-encoding", fields)
            self.assertEqual(client.rest(), b"0123456789\n")
        with App() as app, Proxy(app.port) as proxy, proxy.wire() as client:
            for _ in range(2):
                client.send("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
                self.assertEqual(client.response()[1]["connection"], "keep-alive")

    def test_a_body_that_ends_with_its_connection(self):
        def serve(wire):
            wire.head()
            wire.send("HTTP/1.0 200 OK\r\n\r\nsome ")
            wire.send("text")
        with Server(serve) as app, Proxy(app.port) as proxy, proxy.wire() as client:
            client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            _, fields = client.head()
            self.assertEqual(fields["connection"], "close")
            self.assertEqual(client.rest(), b"some text")

    def test_half_a_response_does_not_look_whole(self):
        def serve(wire):
            line, _ = wire.head()
            framing = "Transfer-Encoding: chunked" if "c" in line else "Content-Length: 99"
            wire.send(f"HTTP/1.1 200 OK\r\n{framing}\r\n\r\n3\r\nabc\r\n")
        with Server(serve) as app, Proxy(app.port) as proxy:
            for path in ("/c", "/l"):
                with self.assertRaises((http.client.IncompleteRead, ConnectionResetError)):
                    proxy.get(path)

    def test_an_early_response_arrives_though_the_body_is_still_coming(self):
        def serve(wire):
            wire.head()
            wire.send("HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\nConnection: close\r\n\r\nbig")
            wire.sock.shutdown(socket.SHUT_WR)
            wire.rest()
        with Server(serve) as app, Proxy(app.port) as proxy, proxy.wire() as client:
            client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000000\r\n\r\n")
            client.send(b"x" * 300_000)
            self.assertEqual(client.response()[::2], (413, b"big"))

    def test_a_client_that_has_finished_sending_still_gets_its_answer(self):
        with App() as app, Proxy(app.port) as proxy, proxy.wire() as client:
            client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            client.sock.shutdown(socket.SHUT_WR)
            self.assertEqual(client.response()[2], b"ok")
            self.assertEqual(client.rest(), b"")


class Streams(unittest.TestCase):
    def test_events_arrive_when_they_happen(self):
        go_on = threading.Event()

        def serve(wire):
            wire.head()
            wire.send("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
                      "Transfer-Encoding: chunked\r\n\r\n9\r\ndata: 1\n\n\r\n")
            go_on.wait(DEADLINE_S)
            wire.send("9\r\ndata: 2\n\n\r\n0\r\n\r\n")
        with Server(serve) as app, Proxy(app.port) as proxy, proxy.wire() as client:
            client.send("GET /events HTTP/1.1\r\nHost: a\r\n\r\n")
            client.until(b"data: 1\n\n\r\n")
            go_on.set()
            client.until(b"data: 2\n\n\r\n0\r\n\r\n")

    def test_an_upgraded_connection_carries_any_bytes_both_ways(self):
        def serve(wire):
            _, fields = wire.head()
            assert fields["connection"] == "Upgrade", fields
            wire.send("HTTP/1.1 101 Switching\r\nUpgrade: " + fields["upgrade"] +
                      "\r\nConnection: Upgrade\r\n\r\nfirst")
            while True:
                if not wire.buffer:
                    wire.more()
                wire.send(wire.buffer)
                wire.buffer = b""
        with Server(serve) as app, Proxy(app.port) as proxy, proxy.wire() as client:
            client.send("GET /ws HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, upgrade\r\n"
                        "Upgrade: websocket\r\n\r\nearly")
            line, fields = client.head()
            self.assertIn("101", line)
            self.assertEqual(fields["upgrade"], "websocket")
            self.assertEqual(client.exactly(10), b"firstearly")
            sent = bytes(range(256)) * 4096
            threading.Thread(target=client.send, args=(sent,), daemon=True).start()
            self.assertEqual(client.exactly(len(sent)), sent)
            client.sock.shutdown(socket.SHUT_WR)  # the other direction stays open until it ends
            self.assertEqual(client.rest(), b"")
            wait_until(lambda: proxy.metrics()["clients"] == 0, "the tunnel is gone")

    def test_each_direction_of_a_tunnel_ends_alone(self):
        def serve(wire):
            wire.head()
            wire.send("HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n")
            said = wire.rest()
            wire.send(b"you said " + said)
        with Server(serve) as app, Proxy(app.port) as proxy, proxy.wire() as client:
            client.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n")
            client.head()
            client.send("all of this")
            client.sock.shutdown(socket.SHUT_WR)
            self.assertEqual(client.rest(), b"you said all of this")

    def test_an_upgrade_that_is_declined_is_an_ordinary_response(self):
        with App() as app, Proxy(app.port) as proxy, proxy.wire() as client:
            for _ in range(2):
                client.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n")
                self.assertEqual(client.response()[2], b"ok")

    def test_large_bodies_take_little_memory(self):
        total = 100_000_000
        piece = b"x" * 1_000_000

        def serve(wire):
            line, fields = wire.head()
            if line.startswith("POST"):
                left = int(fields["content-length"]) - len(wire.buffer)
                while left > 0:
                    left -= len(wire.sock.recv(min(left, 1 << 20)))
                wire.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")
            else:
                wire.send(f"HTTP/1.1 200 OK\r\nContent-Length: {total}\r\n\r\n")
                for _ in range(total // len(piece)):
                    wire.send(piece)
        with Server(serve) as app, Proxy(app.port) as proxy:
            proxy.get("/litefs/health")
            before = proxy.memory_kib()
            most = 0
            with proxy.wire() as client:
                client.send(f"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {total}\r\n\r\n")
                for _ in range(total // len(piece)):
                    client.send(piece)
                    most = max(most, proxy.memory_kib())
                self.assertEqual(client.response()[2], b"ok")
            with proxy.wire() as client:
                client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
                client.head()
                left = total - len(client.buffer)
                while left > 0:
                    left -= len(client.sock.recv(1 << 20))
                    most = max(most, proxy.memory_kib())
            self.assertLess(most - before, MEMORY_GROWTH_MAX_KIB)

    def test_a_client_that_does_not_read_stops_the_application_not_the_proxy(self):
        sent = [0]

        def serve(wire):
            wire.head()
            wire.send("HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n")
            while True:
                sent[0] += wire.sock.send(b"x" * 65536)
        with Server(serve) as app, Proxy(app.port) as proxy, proxy.wire() as client:
            before = proxy.memory_kib()
            client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")

            def stands():
                last = sent[0]
                threading.Event().wait(0.3)
                return last > 0 and sent[0] == last
            wait_until(stands, "the application cannot send any more")
            self.assertLess(proxy.memory_kib() - before, MEMORY_GROWTH_MAX_KIB)
            self.assertEqual(proxy.get("/litefs/health")[0], 200)


class Troubles(unittest.TestCase):
    def test_an_application_that_is_starting_is_waited_for(self):
        app = App(listen=False)
        with app, Proxy(app.port) as proxy:
            threading.Timer(0.5, app.listen).start()
            self.assertEqual(proxy.post()[0], 200)
            self.assertEqual(len(app.requests), 1)

    def test_a_write_over_a_connection_that_is_just_being_closed_is_done_at_most_once(self):
        # The application closes each connection behind its first response, without announcing it,
        # so that requests and ends cross each other in every way.
        done = []

        def serve(wire):
            line, fields = wire.head()
            wire.body(fields)
            done.append(line.split()[1])
            wire.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        with Server(serve) as app, Proxy(app.port) as proxy, proxy.wire() as client:
            answered = []
            for i in range(300):
                client.send(f"POST /{i} HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc")
                status, fields, _ = client.response()
                if status == 200:
                    answered.append(f"/{i}")
                else:
                    self.assertEqual((status, fields["skerry-write"]), (502, "in-doubt"))
            self.assertEqual(len(done), len(set(done)))
            self.assertLessEqual(set(answered), set(done))
            self.assertGreater(len(answered), 100)

    def test_a_write_that_may_have_been_done_is_not_repeated(self):
        seen = []

        def serve(wire):
            line, fields = wire.head()
            wire.body(fields)
            seen.append(line)
        with Server(serve) as app, Proxy(app.port) as proxy:
            status, fields, _ = proxy.post()
            self.assertEqual((status, fields["skerry-write"]), (502, "in-doubt"))
            self.assertEqual(len(seen), 1)
            status, fields, _ = proxy.get()
            self.assertEqual(status, 502)
            self.assertNotIn("skerry-write", fields)
            self.assertEqual(len(seen), 1 + 3)  # a read may be tried again

    def test_responses_that_cannot_be_relied_on_are_not_passed_on(self):
        for bad in ("HTTP/1.1 200 OK\nContent-Length: 0\n\n",
                    "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
                    "HTTP/1.1 101 Surprise\r\n\r\n", "SSH-2.0-OpenSSH\r\n\r\n",
                    "HTTP/1.1 200 OK\r\nX: " + "y" * 100_000 + "\r\n\r\n",
                    "HTTP/1.1 102 X\r\n\r\n" * 1000):
            def serve(wire, text=bad):
                wire.head()
                wire.send(text)
                wire.rest()
            with self.subTest(bad[:60]), Server(serve) as app, Proxy(app.port) as proxy, \
                    proxy.wire() as client:
                client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
                status, fields, body = client.response()
                while status == 102:
                    status, fields, body = client.response()
                self.assertEqual(status, 502)
                self.assertIn(b"cannot be passed on", body)

    def test_an_application_that_does_not_answer_costs_a_gateway_timeout(self):
        def serve(wire):
            wire.head()
            wire.rest()
        with Server(serve) as app, Proxy(app.port, {"response-timeout": "300ms"}) as proxy:
            status, _, body = proxy.get()
            self.assertEqual(status, 504)
            self.assertIn(b"proxy.response-timeout", body)

    def test_a_client_that_leaves_takes_its_request_with_it(self):
        left = threading.Event()

        def serve(wire):
            wire.head()
            wire.rest()
            left.set()
        with Server(serve) as app, Proxy(app.port) as proxy:
            client = proxy.wire()
            client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            wait_until(lambda: app.connections == 1, "the request arrived")
            client.abort()
            self.assertTrue(left.wait(DEADLINE_S))
            wait_until(lambda: proxy.metrics()["clients"] == 0, "the client is forgotten")

    def test_names_that_do_not_resolve_are_an_answer(self):
        with App() as app, Proxy(app.port, {"primary-redirect-timeout": "300ms"}) as proxy:
            proxy.state(primary=0, known=1, hostname="p", proxy_url="http://nowhere.invalid:80")
            status, fields, body = proxy.post()
            self.assertEqual((status, fields["retry-after"]), (503, "1"))
            self.assertIn(b"nowhere.invalid", body)


class IllMeaning(unittest.TestCase):
    def refused(self, proxy, text, status):
        with proxy.wire() as client:
            client.send(text)
            answer = client.response()
            self.assertEqual(answer[0], status, answer)
            self.assertEqual(answer[1].get("connection"), "close")
            self.assertEqual(client.rest(), b"")

    def test_what_could_be_read_in_two_ways_reaches_nobody(self):
        smuggled = "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"
        post = "POST / HTTP/1.1\r\nHost: a\r\n"
        with App() as app, Proxy(app.port) as proxy:
            for text, status in [
                    (post + f"Content-Length: 3\r\nContent-Length: {len(smuggled)}\r\n\r\n", 400),
                    (post + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
                    (post + "Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n\r\n", 400),
                    (post + "Transfer-Encoding: xchunked\r\n\r\n", 501),
                    (post + "Transfer-Encoding : chunked\r\n\r\n", 400),
                    (post + "Content-Length: 3\n\nabc", 400),
                    ("GET / HTTP/1.1\nHost: a\r\n\r\n", 400),
                    ("GET / HTTP/1.1\r\nHost: a\r\nX: y\r\n z\r\n\r\n", 400),
                    ("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
                    ("GET / HTTP/1.1\r\nHost: a\r\nX: a\0b\r\n\r\n", 400),
                    ("GET / HTTP/1.1\r\n\r\n", 400),
                    ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
                    ("CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n", 501)]:
                with self.subTest(text):
                    self.refused(proxy, text + smuggled, status)
            self.assertEqual(app.requests, [])

    def test_a_chunked_body_that_is_malformed_is_cut_off(self):
        seen = []

        def serve(wire):
            seen.append(wire.head())
            seen.append(wire.rest())
        with Server(serve) as app, Proxy(app.port) as proxy:
            for body in ("5\nhello\r\n0\r\n\r\n", "-1\r\n", "5\r\nhelloX\r\n0\r\n\r\n",
                         "0\r\nContent-Length: 3\r\n\r\n", "fffffffffffffffff\r\n"):
                with self.subTest(body):
                    self.refused(proxy, "POST / HTTP/1.1\r\nHost: a\r\n"
                                 "Transfer-Encoding: chunked\r\n\r\n" + body, 400)

    def test_what_is_too_large_has_its_own_answers(self):
        with App() as app, Proxy(app.port, {"max-body-size": "1KB"}) as proxy:
            get = "GET / HTTP/1.1\r\nHost: a\r\n"
            self.refused(proxy, get + "X: " + "y" * 100_000 + "\r\n\r\n", 431)
            self.refused(proxy, get + "X: y\r\n" * 1000 + "\r\n", 431)
            self.refused(proxy, "GET /" + "y" * 20_000 + " HTTP/1.1\r\nHost: a\r\n\r\n", 414)
            post = "POST / HTTP/1.1\r\nHost: a\r\n"
            self.refused(proxy, post + "Content-Length: 1001\r\n\r\n" + "x" * 1001, 413)
            self.refused(proxy, post + "Transfer-Encoding: chunked\r\n\r\n400\r\n" + "x" * 1024, 413)
            self.assertEqual(proxy.post(body=b"x" * 1000)[0], 200)

    def test_slow_clients_are_not_waited_for_for_ever(self):
        times = {"read-header-timeout": "500ms", "idle-timeout": "300ms", "read-timeout": "700ms"}
        with App() as app, Proxy(app.port, times) as proxy:
            slow = [proxy.wire() for _ in range(20)]
            for client in slow:
                client.send("GET / HTTP/1.1\r\nHost: a\r\nX: ")
            silent = proxy.wire()
            idle = proxy.wire()
            idle.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            idle.response()
            self.assertEqual(proxy.get()[0], 200)  # others are served meanwhile
            for client in slow:
                self.assertEqual(client.response()[0], 408)
                self.assertEqual(client.rest(), b"")
            self.assertEqual(silent.rest(), b"")
            self.assertEqual(idle.rest(), b"")
            with proxy.wire() as client:
                client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nab")
                self.assertEqual(client.response()[0], 408)
            for client in [*slow, silent, idle]:
                client.close()
            wait_until(lambda: proxy.metrics()["clients"] == 0, "all are gone")

    def test_a_body_that_ends_early_is_no_request(self):
        whole = []

        def serve(wire):
            _, fields = wire.head()
            whole.append(wire.body(fields))
        with Server(serve) as app, Proxy(app.port) as proxy, proxy.wire() as client:
            client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc")
            client.sock.shutdown(socket.SHUT_WR)
            self.assertEqual(client.response()[0], 400)
            self.assertEqual(whole, [])

    def test_many_idle_connections_cost_little(self):
        count = 2000
        with App() as app, Proxy(app.port, {"read-header-timeout": "60s"}) as proxy:
            proxy.get()
            before = proxy.memory_kib()
            clients = [proxy.wire() for _ in range(count)]
            for client in clients:
                client.send("GET /litefs/health HTTP/1.1\r\nHost: a\r\n\r\n")
            for client in clients:
                self.assertEqual(client.response()[0], 200)
            each = (proxy.memory_kib() - before) * 1024 / count
            for client in clients:
                client.close()
            self.assertLess(each, 10_000)


class Ends(unittest.TestCase):
    def test_the_applications_idle_connections_are_closed_before_it_stops(self):
        ended = threading.Event()

        def serve(wire):
            try:
                while True:
                    wire.head()
                    wire.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
            except Closed:
                ended.set()
        with Server(serve) as app, Proxy(app.port) as proxy, proxy.wire() as client:
            client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            client.response()
            self.assertFalse(ended.is_set())
            proxy.command("application-stops")
            self.assertTrue(ended.wait(DEADLINE_S))

    def test_draining_ends_idle_connections_at_once_and_others_after_their_response(self):
        arrived, go_on = threading.Event(), threading.Event()

        def answer(request):
            if request.target == "/slow":
                arrived.set()
                go_on.wait(DEADLINE_S)
            return 200, b"ok"
        with App(answer) as app, Proxy(app.port) as proxy:
            idle, busy = proxy.wire(), proxy.wire()
            idle.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            idle.response()
            busy.send("GET /slow HTTP/1.1\r\nHost: a\r\n\r\n")
            arrived.wait(DEADLINE_S)
            proxy.command("drain 0")
            self.assertEqual(idle.rest(), b"")
            waiting = proxy.wire()  # into the listener's queue, for a successor
            go_on.set()
            status, fields, body = busy.response()
            self.assertEqual((status, fields["connection"], body), (200, "close", b"ok"))
            self.assertEqual(proxy.metrics()["connections"], 2)
            for client in (idle, busy, waiting):
                client.close()


if __name__ == "__main__":
    unittest.main()
