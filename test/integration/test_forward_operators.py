"""Operators' calls at a broker that stands by: passed on to the active one, but for those that are about the process itself."""

import base64
import contextlib
import http.client
import http.server
import json
import re
import signal
import socket
import threading

import pytest

from harness import Tsuru, free_port, scripted_service, wait_until
from proofs import impostor
from replicas import Later, active_and_standby, await_known, await_role, held_row, received, role, tsuru_of
from test_ctl import ctl
from test_forward import finish, rules, splice

WAITS = "    wait: 60s\n    bind_wait: 60s\n"
HEADER = "X-Tsuru-Broker-Forwarded"


@pytest.fixture
def pair(replicas):
    return active_and_standby(replicas, service=WAITS, operators=True)


def calls(broker, event="admin-request", **wanted):
    """The lines of operators' calls, or of other events, with these fields."""
    lines = [line for line in broker.log().splitlines() if f"event={event} " in line]
    return [line for line in lines if all(re.search(rf'\b{name}="?{re.escape(value)}', line) for name, value in wanted.items())]


def instance(broker, name="mydb"):
    [found] = [one for one in broker.ctl("instances", "--json") if one["name"] == name]
    return found["id"]


def known_to(broker):
    """The names of those that share, as it knows them; it does not at once."""
    answer = broker.admin("/v1/replicas")
    return [one["name"] for one in answer.json["replicas"]] if answer.status == 200 else []


def actions(broker):
    return [one["action"] for one in broker.ctl("audit", "--json")]


# ---- what goes to the active one ----

def test_ctl_at_a_standby(pair):
    first, second = pair
    tsuru = tsuru_of(first)
    for name in ("mydb", "other"):
        assert tsuru.create(name, "small").status == 201
    assert tsuru.bind("mydb", "shop").status == 201
    for command in (["instances"], ["operations", "--state", "any"], ["show", "scripted/mydb"], ["services"], ["audit"], ["drift"]):
        wait_until(f"both say the same of {command}", lambda command=command:  # which goes on meanwhile
                   (told := second.ctl(*command, "--json")) != [] and told == first.ctl(*command, "--json"))
    assert "has what" in second.ctl("verify", "scripted/mydb") and second.ctl("verify", "--json")["state"] == "resting"
    assert second.ctl("drain", "scripted/one") == "done\n"
    assert first.ctl("services", "--json")["services"][0]["servers"][0]["drained"]
    assert second.ctl("undrain", "scripted/one") == "done\n"
    assert not second.ctl("services", "--json")["services"][0]["servers"][0]["drained"]
    assert second.ctl("claim", "scripted/one", "--yes") == "claimed\n"
    assert second.ctl("rekey", "--json")["state"] == "resting"
    assert second.ctl("unbind", "scripted/mydb", "shop", "--yes") == "done\n"
    assert second.ctl("remove", "scripted/mydb", "--yes") == "done\n" and tsuru.info("mydb").status == 404
    assert second.ctl("forget", "scripted/other", "--reason", "it is another's now") == "done\n" and first.ctl("instances", "--json") == []
    assert "no instance" in second.ctl("show", "scripted/other", status=1)
    assert actions(first)[:7] == ["forget", "remove", "unbind", "rekey", "claim", "undrain", "drain"]
    assert {one["user"] for one in first.ctl("audit", "--json", "--limit", "7")} == {"ops"}
    assert not calls(second, route="remove", view_age_s="") and calls(first, route="remove", forwarded_by="second")
    assert re.search(r'forwarded_requests_total\{listener="admin",outcome="answered"\} \d\d', second.admin("/metrics").body)


def is_drained(broker, service=0):
    return broker.ctl("services", "--json")["services"][service]["servers"][0]["drained"]


@pytest.mark.takeover
@pytest.mark.parametrize("end", ["release", "kill"])
def test_what_is_said_to_be_done_is_durable(replicas, pair, end):
    """Something holds the row that a commit locks; the active one dies meanwhile, or does not."""
    first, second = pair
    with held_row(replicas):
        drain = Later(lambda: second.ctl("drain", "scripted/one"))
        wait_until("it is in force", lambda: is_drained(first))
        drain.join(1)
        assert drain.answer is None
        if end == "kill":
            first.kill()
    assert drain.result() == "done\n"
    if end == "release":
        first.kill()
    await_role(second, "active")
    assert is_drained(second)


def test_what_could_not_be_written_undoes_nothing_else(replicas, pair):
    """One commit fails while the next one is on its way: each is as it was told."""
    first, _ = pair
    services = scripted_service(replicas.directory, "x") + scripted_service(replicas.directory, "x", name="other")
    assert "event=reloaded" in first.reload(services, replicas.store("first", f", admin_address: 'http://127.0.0.1:{first.admin_port}'"))
    replicas.server.rows(
        "CREATE FUNCTION tsuru_broker.refuse() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'not this one'; END $$;"
        "CREATE TRIGGER refuse BEFORE INSERT OR UPDATE ON tsuru_broker.record FOR EACH ROW"
        " WHEN (NEW.key = convert_to('drained/scripted/one', 'UTF8')) EXECUTE FUNCTION tsuru_broker.refuse()",
        replicas.database)
    with held_row(replicas):
        refused = Later(lambda: first.ctl("drain", "scripted/one", status=1))
        wait_until("the first is on its way", lambda: is_drained(first) and replicas.server.rows(
            f"SELECT 1 FROM pg_stat_activity WHERE datname = '{replicas.database}' AND wait_event_type = 'Lock'"))
        written = Later(lambda: first.ctl("drain", "other/one"))
        wait_until("the other waits behind it", lambda: is_drained(first, 1))
    assert "not this one" in refused.result() and written.result() == "done\n"
    assert not is_drained(first) and is_drained(first, 1)


def test_pending_work_at_a_standby(replicas, pair):
    first, second = pair
    assert tsuru_of(first).create("mydb", "small").status == 201
    rules(replicas, "update fail-transient\n")
    asked = Later(lambda: tsuru_of(first).update("mydb", "large"))
    pending = wait_until("it is tried again", lambda: [one for one in second.ctl("operations", "--json") if one["attempts"]])[0]
    assert second.ctl("retry", pending["id"]) == "done\n"
    assert second.ctl("cancel", pending["id"]) == "done\n"
    assert asked.result().status != 200 and second.ctl("operations", "--json") == []
    assert "pending" in second.ctl("cancel", pending["id"], status=1)
    rules(replicas, "")
    second.ctl("retry", "scripted/mydb")
    wait_until("it is done", lambda: first.ctl("show", "scripted/mydb", "--json")["plan"] == "large")


def test_removed_ones_come_back_and_go(replicas):
    more = "    wait: 12s\n"
    first, second = active_and_standby(replicas, service=more, operators=True)
    for broker in (first, second):
        with open(broker.config, encoding="utf-8") as file:
            text = file.read()
        with open(broker.config, "w", encoding="utf-8") as file:
            file.write(text.replace("{name: small,", "{name: small, retain: 1h,"))
        assert broker.ctl("reload") == "done\n"
    for name in ("mydb", "other"):
        assert tsuru_of(second).create(name, "small").status == 201 and tsuru_of(second).remove(name).status == 200
    assert second.ctl("undelete", "mydb", "--as", "saved") == "done\n" and second.ctl("purge", "other") == "done\n"
    wait_until("one is back and the other gone", lambda: [(one["name"], one["state"]) for one in first.ctl("instances", "--json")] == [("saved", "ready")])


def test_pages_of_one_list_from_both(pair):
    """What one has answered leads on at the other."""
    first, second = pair
    names = [f"db{i}" for i in range(7)]
    for name in names:
        assert tsuru_of(second).create(name, "small").status == 201
    seen, after, turn = [], "", 0
    while after is not None:
        page = (second, first)[turn % 2].admin(f"/v1/instances?limit=2&after={after}").json
        seen += [one["name"] for one in page["instances"]]
        after, turn = page.get("next"), turn + 1
    assert sorted(seen) == names and turn >= 4
    assert sorted(one["name"] for one in second.ctl("instances", "--json", "--limit", "1000")) == names
    assert second.admin("/v1/instances?limit=0").status == 400 and second.admin("/v1/nothing").status == 404


def test_the_active_one_sees_the_operator(pair):
    """The client's address and one id are in both logs, the id and the name in the audit."""
    first, second = pair
    login = base64.b64encode(b"admin:operate").decode()
    with contextlib.closing(socket.create_connection(("127.0.0.1", second.admin_port), source_address=("127.0.0.7", 0))) as client:
        port = client.getsockname()[1]
        client.sendall(("POST /v1/servers/scripted/one/drain HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nX-Operator: ann\r\n"
                        f"Authorization: Basic {login}\r\nConnection: close\r\n\r\n").encode())
        answer = received(client)
    assert answer.startswith("HTTP/1.1 200") and answer.count("no-store") == 1
    [here] = calls(second, route="drain", peer=f"127.0.0.7:{port}", forwarded_to="first")
    request = re.search(r"\brequest=(\w+)", here)[1]
    assert calls(first, route="drain", peer=f"127.0.0.7:{port}", forwarded_by="second", request=request)
    [noted] = [one for one in first.ctl("audit", "--json") if one["action"] == "drain"]
    assert noted["user"] == "ann" and noted["request"] == request


def test_a_change_from_a_page_of_another_site_is_refused(pair):
    first, second = pair
    for headers in ({"Origin": "https://evil.example"}, {"Content-Type": "text/plain"}):
        assert second.admin("/v1/servers/scripted/one/drain", "POST", headers=headers).status in (403, 415)
    assert second.admin("/v1/servers/scripted/one/drain", "POST", headers={"Origin": f"http://127.0.0.1:{second.admin_port}"}).status == 200
    assert len(calls(first, route="drain")) == 1


# ---- what is each one's own ----

def test_each_answers_for_itself(pair):
    first, second = pair
    assert second.admin("/ready").json["role"] == "standby" and second.admin("/active").status == 503
    assert second.admin("/health").status == 200 and "store_lag_revisions" in second.admin("/metrics").body
    for path in ("/health", "/ready"):
        for broker, own in ((first, "active"), (second, "standby")):
            told = wait_until("it has told of itself", lambda path=path, broker=broker: "lag_revisions" in broker.admin(path).json
                              and broker.admin(path).json)
            assert (told["role"], told["epoch"], told["active"], told["warnings"]) == (own, 1, "first", []), (path, told)
            assert told["lag_revisions"] >= 0 and 0 <= told["age_seconds"] < 60, (path, told)
    wait_until("both have told", lambda: known_to(first) == known_to(second) == ["first", "second"])
    assert [one["name"] for one in second.ctl("replicas", "--json", status=(0, 3))["replicas"] if one["self"]] == ["second"]
    before = actions(first)
    assert second.ctl("reload") == "done\n"
    assert len(calls(second, "reloaded")) == 1 and not calls(first, "reloaded")
    assert actions(first) == before and "audit-not-written" not in second.log()
    with open(second.config, "a", encoding="utf-8") as file:
        file.write("nonsense: 1\n")
    assert "nonsense" in second.admin("/v1/reload", "POST").message and second.admin("/health").json["configuration"] != "good"
    assert first.admin("/health").json["configuration"] == "good"
    assert not calls(first, forwarded_by="second", route="reload") and not calls(first, forwarded_by="second", route="re")


# ---- hostile ----

def test_wrong_logins_end_at_the_standby(pair):
    """Those of tsuru's, too: whoever may ask a service is no operator, nor is an operator tsuru, at any broker."""
    first, second = pair
    for user in ("admin:wrong", "scripted:x", None):
        assert second.admin("/v1/instances", user=user).status == 401
        assert second.admin("/v1/step-down", "POST", user=user, fields={"force": "true"}).status == 401
    assert tsuru_of(second).send("GET", "/resources/plans", headers={
        "Authorization": "Basic " + base64.b64encode(b"admin:operate").decode()}).status == 401
    assert not calls(first, forwarded_by="second") and not calls(first, "request", forwarded_by="second")


@pytest.mark.parametrize("value", ["first 0011223344556677 198.51.100.9:1 " + "0" * 32, "junk", ""])
def test_forged_header_is_ignored(pair, value):
    first, second = pair
    for broker in (second, first):
        assert broker.admin("/v1/services", headers={HEADER: value}).status == 200
    assert "198.51.100.9" not in first.log() + second.log()
    assert len(calls(first, route="services", forwarded_by="second")) == 1


class Tap:
    """Stands where a listener is said to be, passes on to it, and keeps the headers that come by."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.seen = []
        self.stop = threading.Event()
        self.thread = None

    def lead_to(self, port):
        self.thread = threading.Thread(target=self.run, args=(port,))
        self.thread.start()

    def run(self, port):
        self.listener.settimeout(0.1)
        while not self.stop.is_set():
            with contextlib.suppress(TimeoutError), contextlib.closing(self.listener.accept()[0]) as client:
                client.settimeout(0.1)
                while not self.stop.is_set() and self.pass_on(client, port):
                    pass

    def pass_on(self, client, port):
        """One request and its answer; False at the end of the connection."""
        try:
            head = client.recv(65536)
        except TimeoutError:
            return True
        if head:
            self.seen.append(re.search(rf"{HEADER}: (.*)\r\n".encode(), head)[1].decode())
            with contextlib.closing(socket.create_connection(("127.0.0.1", port))) as server:
                server.sendall(head)
                client.sendall(server.recv(65536))
        return bool(head)

    def close(self):
        self.stop.set()
        self.thread.join()
        self.listener.close()


def test_a_voucher_is_of_one_listener(replicas):
    """One that a broker has signed for tsuru's request is nothing in an operator's call, and the other way round; each is good where it
    belongs, for its own method and target alone."""
    with contextlib.closing(Tap()) as service, contextlib.closing(Tap()) as admin:
        first = replicas.broker("first", f", address: 'http://127.0.0.1:{service.port}', admin_address: 'http://127.0.0.1:{admin.port}'")
        service.lead_to(first.port)
        admin.lead_to(first.admin_port)
        await_role(first, "active")
        second = replicas.broker("second")
        await_known(second, "first")
        assert second.admin("/v1/services").status == 200 and tsuru_of(second).plans().status == 200
        assert second.admin("/scripted/resources/plans").status == 404  # no route: it ends there
        to_admin, to_service = admin.seen[-1], service.seen[-1]  # behind that of the question who it is
    assert len(calls(first, forwarded_by="second")) == 1 and len(calls(first, "request", forwarded_by="second")) == 1
    # Replayed as they are they tell nothing new; anywhere else they are headers that nobody knows.
    assert first.admin("/v1/services", headers={HEADER: to_admin}).status == 200
    assert len(calls(first, forwarded_by="second")) == 2
    assert first.admin("/scripted/resources/plans", headers={HEADER: to_service}).status == 404
    assert Tsuru(first, "scripted", "x", path="/v1").send("GET", "/services", headers={HEADER: to_admin}).status == 503
    assert first.admin("/v1/services", headers={HEADER: to_service}).status == 200
    assert first.admin("/v1/drift", headers={HEADER: to_admin}).status == 200
    assert first.admin("/v1/services", "POST", headers={HEADER: to_admin}).status == 405
    assert tsuru_of(first).plans(**{HEADER: to_admin}).status == 200
    assert len(calls(first, forwarded_by="second")) == 2 and len(calls(first, "request", forwarded_by="second")) == 1


def test_addresses_that_are_swapped_let_nobody_in(replicas):
    ports = free_port(), free_port()
    first = replicas.broker("first", f", address: 'http://127.0.0.1:{ports[1]}', admin_address: 'http://127.0.0.1:{ports[0]}'")
    with splices({ports[0]: first.port, ports[1]: first.admin_port}):
        await_role(first, "active")
        second = replicas.broker("second", service="    wait: 12s\n")
        await_known(second, "first")
        asked = [Later(lambda: tsuru_of(second).create("mydb", "small")), Later(lambda: second.admin("/v1/instances")),
                 Later(lambda: second.admin("/v1/step-down", "POST", fields={"force": "true"}))]
        created, listed, stepped = (one.result() for one in asked)
    assert created.status == 503 and "nothing was done" in created.message and stepped.status == 503
    assert listed.status == 200 and "Age" in listed.headers
    assert role(first) == "active" and first.ctl("instances", "--json") == []
    assert not calls(first, forwarded_by="second") and not calls(first, "request", forwarded_by="second")


@contextlib.contextmanager
def splices(ports):
    stop = threading.Event()
    with contextlib.ExitStack() as stack:
        threads = []
        for at, to in ports.items():
            listener = stack.enter_context(contextlib.closing(socket.create_server(("127.0.0.1", at))))
            threads.append(threading.Thread(target=splice, args=(listener, to, stop)))
            threads[-1].start()
        try:
            yield
        finally:
            stop.set()
            for thread in threads:
                thread.join()


@pytest.mark.parametrize("whose", ["another", "itself"])
def test_a_call_is_never_passed_on_twice(replicas, whose):
    """Where the active one is said to be there is a standby, or the very one that asks: it refuses, and who has passed it on holds it.
    (Neither could show to be the active one: somebody else does.)"""
    target = free_port()
    first = replicas.broker("first", f", admin_address: 'http://127.0.0.1:{target}'")
    await_role(first, "active")
    second, third = replicas.broker("second", operators=True), replicas.broker("third", operators=True)
    for broker in (second, third):
        wait_until("the active one is known", lambda broker=broker: broker.admin("/ready").json["active"] == "first")
    other = {"itself": second, "another": third}[whose]
    with impostor(target, "first", other.admin_port, "operators") as shown:
        def is_refused():
            asked = Later(lambda: second.admin("/v1/services"))
            answer = asked.result()
            assert answer.status == 200 and "Age" in answer.headers and asked.took >= 4
            return calls(other, route="services", status="503", forwarded_by="second")

        refused = wait_until("it came to the other in time", is_refused)
    assert shown and not any("forwarded_to" in line for line in refused)
    assert not calls(first, route="services")


def test_bodies_and_heads_at_the_limit(replicas):
    limits = "limits: {body_bytes: 4KiB, header_bytes: 4KiB}\n"
    first, second = active_and_standby(replicas, limits=limits, service=WAITS, operators=True)
    assert tsuru_of(first).create("mydb", "small").status == 201
    path = f"/v1/instances/{instance(first)}/forget"
    body = json.dumps({"reason": "r" * 1024})
    body += " " * (4096 - len(body))
    assert second.admin(path, "POST", body=body + " ").status == 413
    assert first.ctl("instances", "--json") != []
    assert second.admin(path, "POST", body=body).status == 200
    assert first.ctl("instances", "--json") == []


def test_calls_of_clients_that_hang_up_are_counted_until_they_end(pair):
    """Their connections are free for the next, and the calls go on waiting: what an operator's script may pile up is bounded."""
    first, second = pair
    login = base64.b64encode(b"admin:operate").decode()
    body = "{}" + " " * 4096
    call = (f"POST /v1/servers/scripted/one/drain HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nAuthorization: Basic {login}\r\n"
            f"Content-Length: {len(body)}\r\n\r\n{body}").encode()

    def hang_up(wait):
        with contextlib.closing(socket.create_connection(("127.0.0.1", second.admin_port), timeout=wait)) as client:
            client.sendall(call)
            with contextlib.suppress(TimeoutError):
                return client.recv(4096).decode() if wait is not None else None
        return None

    first.process.send_signal(signal.SIGSTOP)
    for _ in range(1000):
        hang_up(None)

    def refused():
        for _ in range(100):  # in place of those that have waited for as long as they may
            hang_up(None)
        return hang_up(1)

    answer = wait_until("one is refused", refused)
    assert answer.startswith("HTTP/1.1 503") and "\r\nRetry-After: 1\r\n" in answer and "1000 requests wait" in answer
    read = second.admin("/v1/services")
    assert read.status == 200 and "Age" in read.headers and second.admin("/ready").status == 200
    first.process.send_signal(signal.SIGCONT)
    wait_until("it passes on again", lambda: second.admin("/v1/servers/scripted/one/undrain", "POST").status == 200)
    wait_until("reads, too", lambda: "Age" not in second.admin("/v1/services").headers)


# ---- without an active one ----

@pytest.mark.takeover
def test_calls_wait_for_the_next_active_one(replicas):
    replicas.lease = "3s"
    first, second = active_and_standby(replicas, service=WAITS, operators=True)
    third = replicas.broker("third", service=WAITS, operators=True)
    assert tsuru_of(third).create("mydb", "small").status == 201
    found = instance(third)
    first.kill()
    asked = [Later(lambda broker=broker: broker.admin("/v1/instances")) for broker in (second, third)]
    asked += [Later(lambda: third.admin("/v1/servers/scripted/one/drain", "POST")),
              Later(lambda: second.admin(f"/v1/instances/{found}/remove", "POST"))]
    answers = [one.result() for one in asked]
    assert [one.status for one in answers] == [200] * 4, answers
    assert all("Age" not in one.answer.headers or one.took >= 5 for one in asked)  # that is as long as a read waits
    assert sorted(actions(second)[:2]) == ["drain", "remove"]


def end_bind(broker, found):
    return broker.admin(f"/v1/instances/{found}/unbind", "POST", fields={"kind": "app", "name": "shop"})


@pytest.mark.parametrize("end", ["kill", "freeze"])
@pytest.mark.takeover
def test_end_of_the_active_one_fails_no_call(replicas, pair, end):
    """A removal hangs in it, and so does the end of a bind: the next one does both, once. A removal that comes again after it was done
    meets no instance any more."""
    first, second = pair
    third = replicas.broker("third", service=WAITS, operators=True)
    for name in ("mydb", "other"):
        assert tsuru_of(second).create(name, "small").status == 201
    assert tsuru_of(second).bind("other", "shop").status == 201
    removed, unbound = instance(second), instance(second, "other")
    rules(replicas, "deprovision hang\nunbind hang\n")
    asked = [Later(lambda: end_bind(third, unbound)), Later(lambda: third.admin(f"/v1/instances/{removed}/remove", "POST"))]
    wait_until("both are under way", lambda: sorted(one["kind"] for one in first.ctl("operations", "--json")) == ["remove", "unbind"])
    finish(first, end)
    rules(replicas, "")
    ended, gone = (one.result() for one in asked)
    assert ended.status == 200, ended
    assert gone.status == 200 or (gone.status == 404 and f'no instance "{removed}"' in gone.message), gone
    wait_until("it is gone", lambda: [one["name"] for one in third.ctl("instances", "--json")] == ["other"])
    assert third.ctl("show", "scripted/other", "--json")["binds"] == []
    assert actions(third).count("remove") == 1 and actions(third).count("unbind") == 1
    if end == "freeze":
        first.kill()


@pytest.mark.takeover
def test_what_waits_at_one_that_is_deposed_is_passed_on(replicas, pair):
    first, second = pair
    assert tsuru_of(first).create("mydb", "small").status == 201 and tsuru_of(first).bind("mydb", "shop").status == 201
    found = instance(first)
    rules(replicas, "unbind hang\n")
    asked = Later(lambda: end_bind(first, found))
    wait_until("it is under way", lambda: first.ctl("operations", "--json"))
    first.process.send_signal(signal.SIGSTOP)
    rules(replicas, "")
    await_role(second, "active")
    first.process.send_signal(signal.SIGCONT)
    answer = asked.result()
    assert answer.status == 200, answer
    assert calls(first, route="unbind", status="200", forwarded_to="second")
    assert second.ctl("show", "scripted/mydb", "--json")["binds"] == []


@pytest.mark.parametrize("which", ["active", "standby"])
def test_one_that_stops_answers_what_waits(replicas, pair, which):
    first, second = pair
    assert tsuru_of(first).create("mydb", "small").status == 201 and tsuru_of(first).bind("mydb", "shop").status == 201
    found = instance(first)
    rules(replicas, "unbind fail-transient\n")
    asked_of, other = (first, second) if which == "active" else (second, first)
    wait_until("each knows the other", lambda: len(known_to(first)) == 2)
    asked = Later(lambda: end_bind(asked_of, found))
    wait_until("it is under way", lambda: first.ctl("operations", "--json"))
    stopped = Later(asked_of.stop)
    wait_until("it stops", lambda: "event=stopping" in asked_of.log())
    rules(replicas, "")
    answer = asked.result()
    assert answer.status == 200, answer
    stopped.result()
    wait_until("it is done", lambda: other.ctl("show", "scripted/mydb", "--json")["binds"] == [])


def test_step_down_at_a_standby(replicas, pair):
    first, second = pair
    wait_until("each knows the other", lambda: len(known_to(first)) == 2)
    assert second.ctl("step-down") == '"second" is the active one now\n'
    await_role(second, "active")
    assert actions(first).count("step-down") == 1
    wait_until("it passes on", lambda: calls(first, route="audit", forwarded_to="second"))


@pytest.mark.parametrize("brokers", [2, 3])
@pytest.mark.takeover
def test_step_down_is_done_once(replicas, pair, brokers):
    """The active one has it, and answers nothing: whoever is the next does not step down for that, nor does the one that was asked."""
    first, second = pair
    asked_of = replicas.broker("third", service=WAITS, operators=True) if brokers == 3 else second
    wait_until("all know each other", lambda: len(known_to(first)) == brokers)
    wait_until("it has shown who it is", lambda: "Age" not in asked_of.admin("/v1/services").headers)
    first.process.send_signal(signal.SIGSTOP)
    asked = Later(lambda: asked_of.admin("/v1/step-down", "POST"))
    answer = asked.result()
    first.kill()
    assert answer.status == 503 and '"first" broke off' in answer.message and answer.headers["Retry-After"]
    assert calls(asked_of, route="step-down", status="503", forwarded_to="first", forward_failure="")
    wait_until("the next one says so", lambda: sum(len(calls(broker, "became-active")) for broker in replicas.brokers) == 2)
    assert actions(second).count("step-down") == 0
    assert 'forwarded_requests_total{listener="admin",outcome="broken"} 1' in asked_of.admin("/metrics").body


def test_nobody_for_long(replicas):
    """Reads are answered by what the standby knows, with its age; changes not at all."""
    replicas.lease = "60s"
    first, second = active_and_standby(replicas, operators=True)
    assert tsuru_of(second).create("mydb", "small").status == 201
    wait_until("it knows who shares", lambda: len(known_to(second)) == 2)
    wait_until("the standby has seen it", lambda: re.search(r"^tsuru_broker_store_lag_revisions 0$", second.admin("/metrics").body, re.M))
    first.kill()
    asked = [Later(lambda: second.admin("/v1/instances")), Later(lambda: second.admin("/v1/instances/none")),
             Later(lambda: second.admin("/v1/servers/scripted/one/drain", "POST")), Later(lambda: second.admin("/v1/replicas")),
             Later(lambda: second.admin("/v1/reload", "POST")),
             *(Later(lambda path=path: second.admin(path)) for path in ("/v1/drift", "/v1/rekey", "/v1/reconcile"))]
    listed, missing, changed, own, reloaded, *in_memory = (one.result() for one in asked)
    for answer in in_memory:  # only the active one has it
        assert answer.status == 503 and '"first" cannot be reached' in answer.message and "Age" not in answer.headers, answer
    assert [one["name"] for one in listed.json["instances"]] == ["mydb"] and 0 <= int(listed.headers["Age"]) < 60
    assert missing.status == 404 and "Age" in missing.headers
    assert changed.status == 503 and changed.headers["Retry-After"] == "1" and '"first" cannot be reached' in changed.message
    assert own.status == 200 and "Age" not in own.headers and reloaded.status == 200
    assert asked[3].took < asked[0].took < asked[2].took and 4 < asked[0].took and 20 < asked[2].took
    assert calls(second, route="instances", view_age_s="")
    shown = ctl("instances", "-c", second.config)
    assert shown.returncode == 0 and "mydb" in shown.stdout
    assert shown.stderr.startswith("tsuru-broker: not the active broker's: what this one knows by itself, ") and shown.stderr.count("\n") == 1


class Turning(http.server.BaseHTTPRequestHandler):
    """What is asked before the active one dies is asked of that one, the rest of the next one."""
    brokers = None

    def do_POST(self):  # pylint: disable=invalid-name
        first, second = self.brokers
        self.rfile.read(int(self.headers["Content-Length"]))
        self.answer(first.admin(self.path, "POST"))
        first.kill()
        await_role(second, "active")

    def do_GET(self):  # pylint: disable=invalid-name
        self.answer(self.brokers[1].admin(self.path))

    def answer(self, answer):
        self.send_response(answer.status)
        self.end_headers()
        self.wfile.write(answer.body.encode())

    def log_message(self, *_):  # pylint: disable=arguments-differ
        pass


@pytest.mark.takeover
def test_the_rest_of_the_next_one_is_no_end(pair):
    """A rekey that ended with its broker may have left secrets sealed with the old key, which is taken away next."""
    Turning.brokers = pair
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Turning) as turning:
        thread = threading.Thread(target=turning.serve_forever)
        thread.start()
        try:
            done = ctl("rekey", "--url", f"http://127.0.0.1:{turning.server_port}", password="operate")
        finally:
            turning.shutdown()
            thread.join()
    assert done.returncode == 1 and "run it again" in done.stderr, done
    assert pair[1].ctl("rekey", "--json")["began"]


def test_an_active_one_without_an_address_for_operators(replicas):
    """They are told at once where to ask, or shown what the standby knows; probes and tsuru's requests are as ever."""
    first, second = active_and_standby(replicas)
    assert tsuru_of(second).create("mydb", "small").status == 201
    listed = wait_until("the standby has seen it", lambda: (one := second.admin("/v1/instances")).json.get("instances") and one)
    assert "Age" in listed.headers
    for path in ("/v1/servers/scripted/one/drain", "/v1/step-down"):
        refused = second.admin(path, "POST")
        assert refused.status == 503 and '"first"' in refused.message and '"admin_address"' in refused.message
    assert '"admin_address"' in second.ctl("drift", status=1) and "no \"tsuru\"" not in second.admin("/v1/reconcile").message
    assert second.ctl("reload") == "done\n" and second.admin("/ready").status == 200
    assert not calls(first, forwarded_by="second")


# ---- keys, and how they are reached ----

def test_keys_that_change_part_nobody(replicas, tmp_path):
    """Each stage of a rotation, at one broker after the other, by reloads."""
    old, new = "0123456789abcdef" * 4, "fedcba9876543210" * 4
    files = {}
    for name in ("first", "second"):
        files[name] = tmp_path / f"{name}.key"
        files[name].write_text(old + "\n", encoding="ascii")
        files[name].chmod(0o600)
    brokers = {}
    for name, file in files.items():
        brokers[name] = replicas.broker(name, service=WAITS, operators=True, limits=f"secret_key_file: {file}\n", key="")
        await_role(brokers[name], "active" if name == "first" else "standby")
    first, second = brokers["first"], brokers["second"]
    await_known(second, "first")
    passed = 0
    for name, keys in (("second", f"{new} {old}"), ("first", f"{new} {old}"), ("second", new), ("first", new)):
        if keys == new and name == "second":
            assert second.ctl("rekey", "--json")["failed"] == 0
        files[name].write_text(keys + "\n", encoding="ascii")
        assert brokers[name].ctl("reload") == "done\n"
        assert second.admin("/v1/services").status == 200
        passed += 1
        assert len(calls(first, route="services", forwarded_by="second")) == passed, (name, keys)


def test_a_socket_file_at_a_standby(replicas):
    """Its operators log in with the password that the active one's listener asks for."""
    first, second = active_and_standby(replicas, operators=True)
    second.stop()
    path = f"{second.data}/admin.sock"
    with open(second.config, encoding="utf-8") as file:
        text = file.read()
    with open(second.config, "w", encoding="utf-8") as file:
        file.write(text.replace(f"127.0.0.1:{second.admin_port}'", f"unix:{path}'", 1).replace(
            f", admin_address: 'http://127.0.0.1:{second.admin_port}'", ""))
    second.start()
    wait_until("the standby knows the active one", lambda: second.ctl("health", "--json", status=(0, 3))["active"] == "first")
    assert second.ctl("drain", "scripted/one") == "done\n"
    assert calls(first, route="drain", forwarded_by="second", peer="unix")


def test_connections_are_kept(pair):
    first, second = pair
    for _ in range(20):
        assert second.admin("/v1/services").status == 200
    assert len(calls(first, route="services", forwarded_by="second")) == 20
    assert int(re.search(r'http_connections\{listener="admin"\} (\d+)', first.admin("/metrics").body)[1]) <= 4
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", second.admin_port, timeout=30)) as connection:
        headers = {"Authorization": "Basic " + base64.b64encode(b"admin:operate").decode(), "Content-Type": "application/json"}
        for method in ("HEAD", "GET", "OPTIONS", "PATCH"):
            connection.request(method, "/v1/services", headers=headers)
            answer = connection.getresponse()
            answer.read()
            assert answer.status == {"HEAD": 200, "GET": 200, "OPTIONS": 204}.get(method, 405)
