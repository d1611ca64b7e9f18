"""Where the proxy sends requests, what it waits for, and what it tells clients to remember."""

import random
import threading
import unittest

from proxy_support import App, Proxy, Server
from support import DEADLINE_S, free_port, wait_until

SECRET = "between the nodes"


def named(name):
    return App(lambda request: (200, name.encode() + b" " + request.body))


def cookie(fields):
    return fields["set-cookie"].split(";")[0].split("=", 1)[1]


class Region:
    """An application with its proxy."""

    def __init__(self, name, settings=None, app=None):
        self.app = app or named(name)
        self.proxy = Proxy(self.app.port, settings)

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.proxy.close()
        self.app.close()


class Reads(unittest.TestCase):
    def test_a_read_waits_until_this_node_is_where_its_client_was(self):
        with Region("p") as primary, Region("r") as replica:
            primary.proxy.position(7)
            replica.proxy.position(6)
            replica.proxy.replica_of(primary.proxy.port)
            _, fields, _ = primary.proxy.post()
            for carried in ({"Cookie": "a=b; __txid=" + cookie(fields)},
                            {"Skerry-Token": fields["skerry-token"]},
                            {"Cookie": "__txid=0000000000000007"}):  # as LiteFS writes it
                with self.subTest(carried):
                    replica.proxy.position(6)
                    answers = []
                    asking = threading.Thread(
                        target=lambda: answers.append(replica.proxy.get(**carried)))
                    before = replica.proxy.metrics()["waits"]
                    asking.start()
                    wait_until(lambda: replica.proxy.metrics()["waits"] == before + 1, "it waits")
                    self.assertEqual(answers, [])
                    replica.proxy.position(7)
                    asking.join(DEADLINE_S)
                    self.assertEqual(answers[0][0], 200)
                    self.assertEqual(answers[0][2], b"r ")

    def test_a_wait_ends_as_configured(self):
        for policy, status, where in (("forward", 200, b"p "), ("stale", 200, b"r "),
                                      ("fail", 504, b"Proxy timeout")):
            with self.subTest(policy), Region("p") as primary, \
                    Region("r", {"on-timeout": policy, "wait-timeout": "200ms"}) as replica:
                primary.proxy.position(7)
                replica.proxy.position(6)
                replica.proxy.replica_of(primary.proxy.port)
                token = primary.proxy.post()[1]["skerry-token"]
                answer = replica.proxy.get(Skerry_Token=token)
                self.assertEqual(answer[0], status)
                self.assertTrue(answer[2].startswith(where))

    def test_a_token_from_a_branch_that_lost_is_answered_at_once_and_replaced(self):
        with Region("p") as primary, Region("r", {"wait-timeout": "60s"}) as replica:
            primary.proxy.state(epoch=5)
            primary.proxy.position(100, 5)
            token = primary.proxy.post()[1]["skerry-token"]
            replica.proxy.replica_of(primary.proxy.port, epoch=6)
            replica.proxy.position(90, 6)  # another node wrote on from an earlier position
            status, fields, body = replica.proxy.get(Skerry_Token=token)
            self.assertEqual((status, body), (200, b"r "))
            self.assertNotEqual(fields["skerry-token"], token)
            self.assertEqual(replica.proxy.metrics()["waits"], 0)
            status, again, _ = replica.proxy.get(Skerry_Token=fields["skerry-token"])
            self.assertNotIn("set-cookie", again)

    def test_the_primary_waits_until_its_applications_see_what_replicas_have(self):
        with Region("p", {"wait-timeout": "60s"}) as primary:
            primary.proxy.position(3)
            token = primary.proxy.get()[1]["skerry-token"]
            primary.proxy.position(4)
            primary.proxy.command("appearing app.db 1")
            self.assertEqual(primary.proxy.get(Skerry_Token=token)[0], 200)  # 3 is there
            self.assertEqual(primary.proxy.get()[0], 200)
            self.assertEqual(primary.proxy.metrics()["waits"], 0)
            for ask in (primary.proxy.get, primary.proxy.post):
                with self.subTest(ask.__name__):
                    primary.proxy.command("appearing app.db 1")
                    before = primary.proxy.metrics()
                    answers = []
                    asking = threading.Thread(
                        target=lambda: answers.append(ask(Cookie="__txid=0000000000000004")))
                    asking.start()
                    wait_until(lambda: primary.proxy.metrics()["looks"] > before["looks"],
                               "somebody is to look")
                    self.assertEqual(primary.proxy.metrics()["waits"], before["waits"] + 1)
                    self.assertEqual(answers, [])
                    primary.proxy.command("appearing app.db 0")
                    asking.join(DEADLINE_S)
                    self.assertEqual(answers[0][0], 200)

    def test_a_writer_that_keeps_its_commit_to_itself_is_not_waited_for_for_ever(self):
        for policy, status in (("forward", 200), ("stale", 200), ("fail", 504)):
            with self.subTest(policy), Region(
                    "p", {"on-timeout": policy, "wait-timeout": "200ms"}) as primary:
                primary.proxy.position(4)
                primary.proxy.command("appearing app.db 1")
                self.assertEqual(primary.proxy.get(Cookie="__txid=0000000000000004")[0], status)
                self.assertEqual(primary.proxy.post(Cookie="__txid=0000000000000004")[0], 200)

    def test_the_primary_does_not_wait_for_what_it_does_not_have(self):
        with Region("p") as primary:
            primary.proxy.position(3)
            status, fields, _ = primary.proxy.get(Cookie="__txid=00000000000000ff")
            self.assertEqual(status, 200)
            self.assertIn("set-cookie", fields)

    def test_forged_foreign_and_damaged_tokens_cost_nothing(self):
        with Region("p", {"secret": SECRET}) as ours, Region("q", {"secret": "other"}) as theirs:
            ours.proxy.state(primary=0, connected=1, lag=0)
            ours.proxy.position(1)
            theirs.proxy.position(99)
            foreign = theirs.proxy.post()[1]["skerry-token"]
            for token in (foreign, foreign[:-1], "s1.", "s1.!!!!", "x" * 5000, "\xff\xfe"):
                self.assertEqual(ours.proxy.get(Skerry_Token=token)[2], b"p ")
            self.assertEqual(ours.proxy.metrics()["waits"], 0)

    def test_reads_are_monotonic_over_databases(self):
        with Region("r", {"db": "a.db, b.db"}) as one, Region("s", {"db": "*"}) as two:
            for region in (one, two):
                region.proxy.state(primary=0, connected=1, lag=0)
            one.proxy.position(5, db="a.db")
            one.proxy.position(9, db="b.db")
            two.proxy.position(6, db="a.db")
            two.proxy.position(8, db="b.db")
            token = one.proxy.get()[1]["skerry-token"]
            answers = []
            asking = threading.Thread(target=lambda: answers.append(two.proxy.get(Skerry_Token=token)))
            asking.start()
            wait_until(lambda: two.proxy.metrics()["waits"] == 1, "b.db is waited for")
            two.proxy.position(9, db="b.db")
            asking.join(DEADLINE_S)
            later = answers[0][1]["skerry-token"]
            self.assertNotEqual(later, token)  # a.db is further now

    def test_a_client_says_what_it_wants_of_a_read(self):
        with Region("p") as primary, Region("r", {"wait-timeout": "60s"}) as replica:
            primary.proxy.position(7)
            replica.proxy.position(6)
            replica.proxy.replica_of(primary.proxy.port)
            replica.proxy.state(lag=500)
            token = primary.proxy.post()[1]["skerry-token"]
            for wish, body in (("any", b"r "), ("bounded=1s", b"r "), ("bounded=100ms", b"p "),
                               ("primary", b"p ")):
                self.assertEqual(
                    replica.proxy.get(Skerry_Token=token, Read_Consistency=wish)[2], body, wish)

    def test_what_shared_caches_keep_carries_no_token(self):
        caching = App(lambda r: (200, b"", {"Cache-Control": r.fields.get("x-cache", "private")}))
        with Region("p", {"passthrough": ["*.png"]}, app=caching) as region:
            region.proxy.position(1)
            self.assertIn("set-cookie", region.proxy.get()[1])
            self.assertNotIn("set-cookie", region.proxy.get(X_Cache="public, max-age=60")[1])
            self.assertNotIn("set-cookie", region.proxy.get("/a.png")[1])


class Writes(unittest.TestCase):
    def test_a_write_reaches_the_primary_whole(self):
        big = bytes(range(256)) * 20_000
        with Region("p") as primary, Region("r") as replica:
            primary.proxy.position(7)
            replica.proxy.position(6)
            replica.proxy.replica_of(primary.proxy.port)
            for i in range(20):
                status, fields, body = replica.proxy.post(body=big)
                self.assertEqual((status, body), (200, b"p " + big))
            self.assertEqual(cookie(fields), primary.proxy.post()[1]["skerry-token"])
            with replica.proxy.wire() as client:
                client.send("DELETE /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                            "3\r\nabc\r\n0\r\n\r\n")
                self.assertEqual(client.response()[0], 200)
            self.assertEqual(replica.app.requests, [])
            self.assertEqual(replica.proxy.metrics()["upstream_connections"], 1)

    def test_lists_and_rules_send_reads_there_and_keep_writes_here(self):
        settings = {"always-forward": ["/oauth/*"], "passthrough": ["*.png"],
                    "rules": ["POST /graphql local X-Operation=query", "GET /admin/* primary"]}
        with Region("p") as primary, Region("r", settings) as replica:
            replica.proxy.replica_of(primary.proxy.port)
            proxy = replica.proxy
            self.assertEqual(proxy.get("/oauth/callback?x")[2], b"p ")
            self.assertEqual(proxy.get("/admin/x")[2], b"p ")
            self.assertEqual(proxy.post("/graphql", X_Operation="query")[2], b"r x")
            self.assertEqual(proxy.post("/graphql", X_Operation="mutation")[2], b"p x")
            self.assertEqual(proxy.post("/up.png")[2], b"r x")
            self.assertEqual(proxy.ask("OPTIONS", "/x")[2], b"r ")

    def test_a_clients_address_survives_two_proxies(self):
        for secret in (SECRET, ""):
            settings = {"secret": secret} if secret else {}
            with Region("p", settings) as primary, Region("r", settings) as replica:
                replica.proxy.replica_of(primary.proxy.port)
                replica.proxy.post(X_Forwarded_For="9.9.9.9", Skerry_Forwarded="1;liar;proof")
                request = primary.app.requests[0]
                hops = "9.9.9.9, 127.0.0.1" + ("" if secret else ", 127.0.0.1")
                self.assertEqual(request.fields["x-forwarded-for"], hops)
                self.assertNotIn("skerry-forwarded", request.fields)

    def test_replicas_that_take_each_other_for_the_primary_notice(self):
        with Region("a") as one, Region("b") as two:
            one.proxy.replica_of(two.proxy.port)
            two.proxy.replica_of(one.proxy.port)
            status, _, body = one.proxy.post()
            self.assertEqual(status, 508)
            self.assertIn(b"forward-url", body)
            self.assertEqual(one.app.requests + two.app.requests, [])

    def test_the_edge_replays_where_it_is_in_front(self):
        app = named("r")
        with app, Proxy(app.port, environment={"FLY_APP_NAME": "x"}) as proxy, named("p") as far, \
                Proxy(far.port) as primary:
            proxy.replica_of(primary.port)
            status, fields, _ = proxy.post(Fly_Request_Id="01")
            self.assertEqual((status, fields["fly-replay"]), (409, "instance=primary"))
            self.assertEqual(proxy.post(body=b"x" * 2_000_000, Fly_Request_Id="01")[0], 200)
            self.assertEqual(proxy.post(Fly_Request_Id="01", Fly_Replay_Src="i")[0], 200)
            self.assertEqual(proxy.post()[0], 200)
            self.assertEqual(len(far.requests), 3)


class Failover(unittest.TestCase):
    def in_background(self, region, count=1):
        answers = []

        def ask():
            answers.append(region.proxy.post())
        threads = [threading.Thread(target=ask) for _ in range(count)]
        for thread in threads:
            thread.start()
        return answers, threads

    def test_requests_are_held_until_there_is_a_primary(self):
        with Region("p") as primary, Region("r", {"primary-redirect-timeout": "60s"}) as replica:
            replica.proxy.state(primary=0)
            answers, threads = self.in_background(replica, 20)
            wait_until(lambda: replica.proxy.metrics()["held"] == 20, "they are held")
            self.assertEqual(primary.app.requests, [])
            self.assertEqual(replica.proxy.get()[2], b"r ")  # reads go on
            replica.proxy.replica_of(primary.proxy.port)
            for thread in threads:
                thread.join(DEADLINE_S)
            self.assertEqual([a[2] for a in answers], [b"p x"] * 20)
            self.assertEqual(len(primary.app.requests), 20)
            self.assertEqual(replica.proxy.metrics()["held"], 0)

    def test_a_handover_is_a_pause(self):
        with Region("old") as old, Region("new") as new:
            self.assertEqual(old.proxy.post()[2], b"old x")
            old.proxy.state(handing_over=1)
            answers, threads = self.in_background(old)
            wait_until(lambda: old.proxy.metrics()["held"] == 1, "it is held")
            self.assertEqual(old.proxy.get()[2], b"old ")
            old.proxy.replica_of(new.proxy.port)
            threads[0].join(DEADLINE_S)
            self.assertEqual(answers[0][2], b"new x")
            self.assertEqual(len(old.app.requests) + len(new.app.requests), 3)

    def test_a_large_body_waits_at_its_client_and_arrives_whole_and_once(self):
        body = bytes(range(256)) * 20_000
        with Region("old") as old, Region("new") as new, Region("r") as replica:
            replica.proxy.replica_of(old.proxy.port)
            old.proxy.state(handing_over=1)
            answers = []
            asking = [threading.Thread(target=lambda at=at: answers.append(at.proxy.post(body=body)))
                      for at in (old, replica)]
            for thread in asking:
                thread.start()
            wait_until(lambda: old.proxy.metrics()["held"] == 2, "both are held")
            self.assertEqual(replica.proxy.metrics()["held"], 0)  # it went to the old primary's
            old.proxy.replica_of(new.proxy.port)
            for thread in asking:
                thread.join(DEADLINE_S)
            self.assertEqual([a[2] for a in answers], [b"new " + body] * 2)
            self.assertEqual((len(old.app.requests), len(new.app.requests)), (0, 2))
            self.assertEqual(old.proxy.metrics()["held"], 0)

    def test_a_handover_that_is_called_off_is_a_pause_too(self):
        with Region("old") as old:
            old.proxy.state(handing_over=1)
            answers, threads = self.in_background(old)
            wait_until(lambda: old.proxy.metrics()["held"] == 1, "it is held")
            old.proxy.state(handing_over=0)
            threads[0].join(DEADLINE_S)
            self.assertEqual(answers[0][2], b"old x")

    def test_holding_ends_with_a_word_when_to_come_back(self):
        with Region("r", {"primary-redirect-timeout": "200ms"}) as replica:
            replica.proxy.state(primary=0)
            with replica.proxy.wire() as client:
                client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n"
                            "Expect: 100-continue\r\n\r\n")
                status, fields, _ = client.response()  # no 100: the body was not asked for
                self.assertEqual((status, fields["retry-after"]), (503, "1"))

    def test_an_old_primary_passes_on_what_still_comes_to_it(self):
        with Region("old") as old, Region("new") as new, Region("r") as replica:
            replica.proxy.replica_of(old.proxy.port)  # has not heard yet
            old.proxy.replica_of(new.proxy.port)
            self.assertEqual(replica.proxy.post()[2], b"new x")
            self.assertEqual(old.app.requests, [])

    def test_a_primary_that_cannot_be_reached_is_waited_for(self):
        port = free_port()
        with Region("p") as primary, Region("r", {"primary-redirect-timeout": "60s"}) as replica:
            replica.proxy.replica_of(port)
            answers, threads = self.in_background(replica)
            wait_until(lambda: replica.proxy.metrics()["held"] == 1, "it is held")
            replica.proxy.replica_of(primary.proxy.port)
            threads[0].join(DEADLINE_S)
            self.assertEqual(answers[0][2], b"p x")
        with Region("r", {"primary-redirect-timeout": "300ms"}) as replica:
            replica.proxy.replica_of(port)
            status, fields, body = replica.proxy.post()
            self.assertEqual((status, fields["retry-after"]), (503, "1"))
            self.assertIn(b"Connection refused", body)

    def test_nothing_is_refused_while_a_node_starts(self):
        with Region("p", {"primary-redirect-timeout": "60s"}) as region:
            region.proxy.state(ready=0)
            self.assertEqual(region.proxy.get("/skerry/health/live")[0], 200)
            self.assertEqual(region.proxy.get("/skerry/health/ready")[0], 503)
            answers, threads = self.in_background(region)
            wait_until(lambda: region.proxy.metrics()["held"] == 1, "it is held")
            region.proxy.state(ready=1)
            threads[0].join(DEADLINE_S)
            self.assertEqual(answers[0][0], 200)

    def test_a_client_that_leaves_is_not_held_any_longer(self):
        with Region("r", {"primary-redirect-timeout": "60s"}) as replica:
            replica.proxy.state(primary=0)
            client = replica.proxy.wire()
            client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n")
            wait_until(lambda: replica.proxy.metrics()["held"] == 1, "it is held")
            client.abort()
            wait_until(lambda: replica.proxy.metrics()["held"] == 0, "it is forgotten")
            self.assertEqual(replica.app.requests, [])


class ReadsThatWrite(unittest.TestCase):
    def failing_app(self, refuse):
        def answer(request):
            if request.method in ("GET", "HEAD") or refuse:
                holder["proxy"].command("refuse")
            return 500, b"readonly"
        holder = {}
        return App(answer), holder

    def test_a_get_that_failed_for_writing_is_answered_by_the_primary(self):
        app, holder = self.failing_app(refuse=True)
        with Region("p") as primary, Region("r", app=app) as replica:
            holder["proxy"] = replica.proxy
            replica.proxy.replica_of(primary.proxy.port)
            self.assertEqual(replica.proxy.get("/counts")[2], b"p ")
            self.assertEqual(replica.proxy.metrics()["replayed"], 1)
            self.assertIn("/counts", replica.proxy.output())
            self.assertEqual(len(primary.app.requests), 1)

    def test_other_failures_and_other_methods_are_not(self):
        with Region("p") as primary, \
                Region("r", {"rules": ["POST /here local"]},
                       app=App(lambda r: (500, b"broken"))) as replica:
            replica.proxy.replica_of(primary.proxy.port)
            self.assertEqual(replica.proxy.get()[::2], (500, b"broken"))
        app, holder = self.failing_app(refuse=True)
        with Region("p") as primary, Region("r", {"rules": ["POST /here local"]}, app=app) as replica:
            holder["proxy"] = replica.proxy
            replica.proxy.replica_of(primary.proxy.port)
            self.assertEqual(replica.proxy.post("/here")[0], 500)
            self.assertEqual(primary.app.requests, [])


class OutputGate(unittest.TestCase):
    def test_a_response_waits_for_replicas(self):
        with Region("p", {"durability": "2", "durability-timeout": "60s"}) as region:
            region.proxy.position(5)
            region.proxy.command("acknowledge 1 5")
            answers = []
            asking = threading.Thread(target=lambda: answers.append(region.proxy.post()))
            asking.start()
            wait_until(lambda: region.proxy.metrics()["gate_waits"] == 1, "it waits")
            region.proxy.command("acknowledge 2 4")
            self.assertEqual(answers, [])
            region.proxy.command("acknowledge 2 5")
            asking.join(DEADLINE_S)
            self.assertEqual(answers[0][::2], (200, b"p x"))
            self.assertEqual(region.proxy.get()[0], 200)

    def test_without_them_the_write_is_in_doubt(self):
        with Region("p", {"durability": "1", "durability-timeout": "200ms"}) as region:
            region.proxy.position(5)
            status, fields, _ = region.proxy.post()
            self.assertEqual((status, fields["skerry-write"]), (503, "in-doubt"))
            self.assertNotIn("retry-after", fields)


class Words(unittest.TestCase):
    """What the proxy tells operators."""

    def test_the_access_log_has_a_line_for_each_request(self):
        with Region("p", {"access-log": True}) as region:
            region.proxy.post("/x?y", body=b"abc")
            wait_until(lambda: "POST /x?y 200" in region.proxy.output(), "it is logged")
            self.assertIn("reason=writes bytes_in=3", region.proxy.output())

    def test_decisions_are_told_on_request(self):
        with Region("p", {"debug": True}) as region:
            region.proxy.get("/x")
            self.assertIn("proxy-decision", region.proxy.output())

    def test_patterns_that_match_nothing_are_refused_or_warned_of(self):
        with self.assertRaisesRegex(AssertionError, "METHODS PATH"):
            Proxy(1, {"rules": ["GET ^/x$ primary"]})
        with self.assertRaisesRegex(AssertionError, "proxy.forward-url"):
            Proxy(1, {"forward-url": "somewhere"})

    def test_upgrades_go_where_they_are_told(self):
        def serve(wire):
            wire.head()
            wire.send("HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\nhello")
            wire.rest()
        with Server(serve) as app, Proxy(app.port) as primary, \
                Region("r", {"upgrades": "primary"}) as replica:
            replica.proxy.replica_of(primary.port)
            with replica.proxy.wire() as client:
                client.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n")
                client.head()
                self.assertEqual(client.exactly(5), b"hello")

    def test_several_threads_share_the_clients(self):
        with Region("p", {"threads": 3}) as region:
            wires = [region.proxy.wire() for _ in range(9)]
            for wire in wires:
                wire.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            for wire in wires:
                self.assertEqual(wire.response()[2], b"p ")
                wire.close()
            self.assertEqual(region.proxy.metrics()["connections"], 9)


class Health(unittest.TestCase):
    def test_each_path_says_what_it_is_about(self):
        with Region("r") as region:
            proxy = region.proxy
            self.assertEqual(proxy.get("/litefs/health")[::2], (200, b"OK\n"))
            proxy.state(primary=0)
            self.assertEqual(proxy.get("/litefs/health")[0], 503)
            proxy.replica_of(1)
            self.assertEqual(proxy.get("/skerry/health/ready")[0], 200)
            proxy.state(lag=20_000)
            self.assertEqual(proxy.get("/skerry/health/ready")[0], 200)
            status, fields, body = proxy.get("/skerry/health/lag")
            self.assertEqual((status, fields["content-type"]), (503, "application/json"))
            self.assertIn(b'"lag_ms":20000', body)
            status, fields, body = proxy.ask("HEAD", "/skerry/health/live")
            self.assertEqual((status, body), (200, b""))
            self.assertEqual(region.app.requests, [])


class Walk(unittest.TestCase):
    def test_clients_that_wander_between_regions_never_see_the_past(self):
        """One database of one number, three regions that lag behind, a primary that changes."""
        seed = random.randrange(1 << 30)
        rng = random.Random(seed)
        world = {"primary": 0, "epoch": 1, "values": [0, 0, 0], "epoch_of": [1]}
        lock = threading.Lock()

        def place(i):
            value = world["values"][i]
            regions[i].proxy.position(value, world["epoch_of"][value])

        def app_of(i):
            def answer(request):
                with lock:
                    if request.method == "POST":
                        assert world["primary"] == i, "a write at a replica"
                        world["values"][i] += 1
                        world["epoch_of"].append(world["epoch"])
                        place(i)
                    return 200, str(world["values"][i]).encode()
            return App(answer)
        regions = [Region(str(i), app=app_of(i)) for i in range(3)]

        def announce():
            for i, region in enumerate(regions):
                if i == world["primary"]:
                    region.proxy.state(primary=1, epoch=world["epoch"])
                else:
                    region.proxy.replica_of(regions[world["primary"]].proxy.port,
                                            epoch=world["epoch"])
                place(i)

        def replicate(i):
            with lock:
                world["values"][i] = max(world["values"])
                place(i)

        def fail_over():
            with lock:
                world["primary"] = rng.randrange(3)
                world["values"][world["primary"]] = max(world["values"])
                world["epoch"] += 1
                announce()
        try:
            announce()
            tokens, least = [None] * 5, [0] * 5
            for _ in range(600):
                if rng.random() < 0.05:
                    fail_over()
                behind = rng.randrange(3)
                later = threading.Timer(0.002, replicate, [behind])
                later.start()
                who, where = rng.randrange(5), rng.randrange(3)
                headers = {"Skerry_Token": tokens[who]} if tokens[who] else {}
                ask = regions[where].proxy.post if rng.random() < 0.3 else regions[where].proxy.get
                if where != world["primary"] and where != behind:
                    more = threading.Timer(0.004, replicate, [where])
                    more.start()
                else:
                    more = later
                status, fields, body = ask(**headers)
                later.join()
                more.join()
                self.assertEqual(status, 200, f"seed {seed}")
                self.assertGreaterEqual(int(body), least[who], f"seed {seed}")
                least[who] = int(body)
                tokens[who] = fields.get("skerry-token", tokens[who])
        finally:
            for region in regions:
                region.__exit__()


if __name__ == "__main__":
    unittest.main()
