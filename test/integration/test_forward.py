"""Requests at a broker that stands by: passed on to the active one, held while there is none, answered from its own view."""

import base64
import contextlib
import http.client
import re
import signal
import socket
import ssl
import threading
import time

import pytest

from harness import Answer, Tsuru, free_port, wait_until
from proofs import TARGET, impostor, stranger
from replicas import Later, active_and_standby, await_known, await_role, held_row, received, tsuru_of
from test_tls import make_certificate

WAITS = "    wait: 60s\n    bind_wait: 60s\n"


@pytest.fixture
def pair(replicas):
    return active_and_standby(replicas, service=WAITS)


def rules(replicas, text):
    (replicas.directory / "rules").write_text(text, encoding="ascii")


def finish(broker, end):
    """It is killed, or answers nothing more."""
    if end == "kill":
        broker.kill()
    else:
        broker.process.send_signal(signal.SIGSTOP)


def access(broker, **wanted):
    """The lines of the access log with these fields."""
    lines = [line for line in broker.log().splitlines() if "event=request " in line]
    return [line for line in lines if all(re.search(rf'\b{name}="?{re.escape(value)}', line) for name, value in wanted.items())]


def test_every_request_goes_to_the_active_one(pair):
    first, second = pair
    tsuru = tsuru_of(second)
    assert tsuru.plans().json == tsuru_of(first).plans().json
    assert tsuru.create("mydb", "small").status == 201
    wait_until("it is up", lambda: tsuru.is_up("mydb"))
    bound = tsuru.bind("mydb", "shop", event="e1")
    assert bound.status == 201 and bound.headers["Cache-Control"] == "no-store"
    assert tsuru_of(first).bind("mydb", "shop", event="e1").json == bound.json
    assert tsuru.described("mydb") == tsuru_of(first).described("mydb")
    assert tsuru.update("mydb", "large").status == 200
    assert tsuru.unbind("mydb", "shop").status == 200
    assert [one["kind"] for one in tsuru.operations("mydb")] == [one["kind"] for one in tsuru_of(first).operations("mydb")]
    assert tsuru.remove("mydb").status == 200
    gone = tsuru.info("mydb")
    assert gone.status == 404 and gone.message == tsuru_of(first).info("mydb").message
    assert access(second, route="create", forwarded_to="first") and access(first, route="create", forwarded_by="second")
    metrics = second.admin("/metrics").body
    assert int(re.search(r'forwarded_requests_total\{listener="service",outcome="answered"\} (\d+)', metrics)[1]) >= 9
    assert re.search(r'forwarded_held\{listener="service"\} 0', metrics)


def test_json_bodies_queries_and_large_answers(pair):
    first, second = pair
    tsuru = Tsuru(second, "scripted", "x", encoding="json")
    assert tsuru.create("mydb", "small", description="ein \u00e4, \"zwei\"", tags=["a", "b"]).status == 201
    for app in range(60):
        assert tsuru.bind("mydb", f"app-{app}").status == 201
    path = "/resources/mydb/binds?with=%C3%A4%20b&x="
    there, here = tsuru_of(first).send("GET", path), tsuru.send("GET", path)
    assert here.status == 200 and here.body == there.body and len(here.json) == 60
    head, get = tsuru.send("HEAD", path), tsuru.send("GET", path)
    assert (head.status, head.body, head.headers["Content-Length"]) == (200, "", get.headers["Content-Length"])
    assert tsuru.send("PUT", "/resources/mydb", {}).status == 200 and tsuru.send("PUT", "/resources/mydb").status == 200
    unknown = tsuru.send("POST", "/resources/mydb/actions/none", {"parameters": {}})
    assert unknown.status == tsuru_of(first).send("POST", "/resources/mydb/actions/none", {}).status


def test_headers_are_those_of_the_active_ones_answer(pair):
    first, second = pair
    answers = [tsuru_of(broker).send("GET", "/resources/plans", headers={"X-Request-Id": "one-of-mine", "Connection": "keep-alive"})
               for broker in pair]
    for name in ("Content-Type", "Content-Length", "X-Request-Id", "X-Content-Type-Options"):
        assert answers[0].headers.get_all(name) == answers[1].headers.get_all(name)
    assert len(answers[1].headers.get_all("Date")) == 1
    assert access(first, request="one-of-mine", forwarded_by="second") and access(second, request="one-of-mine")


def test_the_active_one_sees_the_client(pair):
    """Its address is in both logs, and one id, which is also the answer's."""
    first, second = pair
    with contextlib.closing(socket.create_connection(("127.0.0.1", second.port), source_address=("127.0.0.7", 0))) as client:
        port = client.getsockname()[1]
        login = base64.b64encode(b"scripted:x").decode()
        client.sendall(f"GET /scripted/resources/plans HTTP/1.1\r\nHost: x\r\nAuthorization: Basic {login}\r\nConnection: close\r\n\r\n".encode())
        answer = received(client)
    assert answer.startswith("HTTP/1.1 200")
    request = re.search(r"\r\nX-Request-Id: (\w+)\r\n", answer)[1]
    assert access(first, route="plans", peer=f"127.0.0.7:{port}", forwarded_by="second", request=request)
    assert access(second, route="plans", peer=f"127.0.0.7:{port}", forwarded_to="first", request=request)


def test_wrong_password_ends_at_the_standby(pair):
    first, second = pair
    answer = Tsuru(second, "scripted", "wrong").create("mydb", "small")
    assert answer.status == 401 and access(second, status="401")
    assert not access(first, status="401") and not access(first, route="create")
    assert Tsuru(second, "scripted", "x", path="/none").plans().status == 503
    assert not access(first, forwarded_by="second")


@pytest.mark.parametrize("value", ["first 0011223344556677 198.51.100.9:1 " + "0" * 32, "junk", ""])
def test_forged_header_is_ignored(pair, value):
    first, second = pair
    for broker in (second, first):
        answer = tsuru_of(broker).plans(**{"X-Tsuru-Broker-Forwarded": value})
        assert answer.status == 200
    assert "198.51.100.9" not in first.log() + second.log()
    assert len(access(first, route="plans", forwarded_by="second")) == 1


def test_forwarded_request_is_never_forwarded_again(replicas):
    """A broker that stands by and is taken for the active one refuses what others pass on; they hold it. It would not even be sent that,
    as it cannot show to be the active one: somebody else does so here."""
    target = free_port()
    first = replicas.broker("first", f", address: 'http://127.0.0.1:{target}'", service=WAITS)
    await_role(first, "active")
    second = replicas.broker("second", service=WAITS)
    third = replicas.broker("third", service=WAITS)
    for broker in (second, third):
        wait_until("the active one is known", lambda broker=broker: broker.admin("/ready").json["active"] == "first")
    # Where the active one is said to be there is a standby.
    with impostor(target, "first", third.port) as shown:
        def is_refused():
            asked = Later(lambda: tsuru_of(second).info("mydb"))
            answer = asked.result()
            assert answer.status == 404 and "Age" in answer.headers and asked.took >= 4
            return access(third, route="info", status="503", forwarded_by="second")

        refused = wait_until("it came to the other in time", is_refused)
    assert shown and not any("forwarded_to" in line for line in refused) and not access(first, route="info")


def splice(listener, port, stop):
    """Passes each connection on, to the end of what it is answered."""
    listener.settimeout(0.1)

    def copy(source, sink):
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)

    while not stop.is_set():
        with contextlib.suppress(OSError):
            client = listener.accept()[0]
            server = socket.create_connection(("127.0.0.1", port))
            for pair_of in ((client, server), (server, client)):
                threading.Thread(target=copy, args=pair_of, daemon=True).start()


@pytest.mark.parametrize("end", ["kill", "freeze"])
@pytest.mark.takeover
def test_end_of_the_active_one_fails_nobody(replicas, pair, end):
    """A create and a bind hang in the active one when it is killed, or answers nothing more: who lives has both done by the next one."""
    first, second = pair
    third = replicas.broker("third", service=WAITS)
    assert tsuru_of(second).create("ready", "small").status == 201
    rules(replicas, "provision hang\nbind hang\n")
    asked = [Later(lambda: tsuru_of(third).create("mydb", "small", event="c1")), Later(lambda: tsuru_of(third).bind("ready", "shop", event="b1"))]
    wait_until("both are under way", lambda: any(one["kind"] == "bind" for one in tsuru_of(first).operations("ready")) and
               tsuru_of(first).status("mydb").status == 202)
    finish(first, end)
    rules(replicas, "")
    created, bound = (one.result() for one in asked)
    assert created.status == 201, created
    assert bound.status == 201, bound
    tsuru = tsuru_of(third)
    wait_until("it is up", lambda: tsuru.is_up("mydb"))
    assert tsuru.bind("ready", "shop", event="b1").json == bound.json
    if end == "freeze":
        first.kill()


@pytest.mark.takeover
def test_what_waits_at_one_that_is_deposed_is_passed_on(replicas, pair):
    """Its own clients, and those of others, when it wakes up after its lease: the next one answers them."""
    first, second = pair
    third = replicas.broker("third", service=WAITS)
    assert tsuru_of(first).create("ready", "small").status == 201
    rules(replicas, "provision hang\nbind hang\n")
    asked = [Later(lambda: tsuru_of(first).create("mydb", "small", event="c1")), Later(lambda: tsuru_of(first).bind("ready", "shop", event="b1")),
             Later(lambda: tsuru_of(third).create("other", "small", event="c2"))]
    wait_until("all are under way", lambda: any(one["kind"] == "bind" for one in tsuru_of(first).operations("ready")) and
               all(tsuru_of(first).status(name).status == 202 for name in ("mydb", "other")))
    first.process.send_signal(signal.SIGSTOP)
    rules(replicas, "")
    wait_until("another is active", lambda: any(broker.admin("/ready").json["role"] == "active" for broker in (second, third)))
    first.process.send_signal(signal.SIGCONT)
    assert [one.result().status for one in asked] == [201] * 3, [one.answer for one in asked]
    assert access(first, route="create", status="201", forwarded_to="") and access(first, route="bind-app", status="201", forwarded_to="")
    assert tsuru_of(second).bind("ready", "shop", event="b1").json == asked[1].answer.json


@pytest.mark.takeover
def test_requests_wait_for_the_next_active_one(replicas):
    replicas.lease = "3s"
    first, second = active_and_standby(replicas, service=WAITS)
    third = replicas.broker("third", service=WAITS)
    assert tsuru_of(third).create("mydb", "small").status == 201
    first.kill()
    asked = [Later(lambda i=i: tsuru_of((second, third)[i % 2]).create(f"db{i}", "small")) for i in range(20)]
    asked += [Later(lambda: tsuru_of(third).info("mydb")), Later(lambda: tsuru_of(second).info("mydb"))]
    assert [one.result().status for one in asked] == [201] * 20 + [200] * 2
    assert all("Age" not in one.answer.headers or one.took >= 5 for one in asked)  # that is as long as a read waits


def test_stop_of_the_active_one_is_not_noticed(replicas, pair):
    first, second = pair
    first.stop()
    begin = time.monotonic()
    assert tsuru_of(second).create("mydb", "small").status == 201
    assert time.monotonic() - begin < 30  # half of the lease


def alone(replicas, more=""):
    """A standby that nobody helps: the active one is dead, and the lease is a minute."""
    replicas.lease = "60s"
    first, second = active_and_standby(replicas, service=more)
    assert tsuru_of(second).create("mydb", "small").status == 201
    wait_until("the standby has seen it", lambda: [(one["name"], one["state"]) for one in second.ctl("instances", "--json")] == [("mydb", "ready")])
    first.kill()
    return second


def test_without_an_active_one_reads_come_from_the_view(replicas):
    second = alone(replicas, "    wait: 2s\n")
    asked = [Later(ask) for ask in (lambda: tsuru_of(second).info("mydb"), lambda: tsuru_of(second).plans(), lambda: tsuru_of(second).status("mydb"),
                                    lambda: tsuru_of(second).info("none"), lambda: tsuru_of(second).create("other", "small"))]
    info, plans, status, none, create = (one.result() for one in asked)
    assert info.status == 200 and {"label": "State", "value": "ready"} in info.json
    assert plans.status == 200 and status.status == 204 and none.status == 404
    for one in (info, plans, status, none):
        assert 0 <= int(one.headers["Age"]) < 60
    assert create.status == 503 and create.headers["Retry-After"] == "1" and '"first" cannot be reached' in create.message
    assert 1.5 < asked[-1].took < 20 and 4 < asked[0].took < 30
    assert access(second, route="info", view_age_s="") and not access(second, route="create", view_age_s="")
    assert re.search(r'forwarded_requests_total\{listener="service",outcome="late"\} 5', second.admin("/metrics").body)


def test_held_requests_are_bounded(replicas):
    replicas.lease = "60s"
    first, second = active_and_standby(replicas, service="    wait: 12s\n", limits="limits: {requests: 3}\n")
    first.kill()
    held = [Later(lambda i=i: tsuru_of(second).create(f"db{i}", "small")) for i in range(3)]
    wait_until("all are held", lambda: re.search(r'forwarded_held\{listener="service"\} 3', second.admin("/metrics").body))
    refused = tsuru_of(second).create("more", "small")
    assert refused.status == 503 and "too many requests" in refused.message
    assert all('"first" cannot be reached' in one.result().message for one in held)


def test_pending_work_shows_in_the_view(replicas):
    """The standby's own queue is empty: what has not ended is told by the records."""
    rules(replicas, "update hang\ndeprovision hang\n")
    replicas.lease = "60s"
    first, second = active_and_standby(replicas, service="    wait: 0s\n")
    for name in ("updated", "removed"):
        assert tsuru_of(second).create(name, "small").status == 201
        wait_until("it is up", lambda name=name: tsuru_of(second).is_up(name))
    assert tsuru_of(second).update("updated", "large").status == 200 and tsuru_of(second).remove("removed").status == 200
    wait_until("the standby has seen it", lambda: {one["name"]: one["state"] for one in second.ctl("instances", "--json")}["removed"] == "removing")
    first.kill()
    asked = [Later(lambda name=name: tsuru_of(second).status(name)) for name in ("updated", "removed")]
    for one in asked:
        assert one.result().status == 202 and "Age" in one.answer.headers, one.answer


def hang_up(broker, name):
    """A client that goes away while its create is held."""
    tsuru = tsuru_of(broker)
    kind, body = tsuru.encode({"name": name, "plan": "small", "team": "red", "user": "u"}, None)
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", broker.port, timeout=60)) as connection:
        connection.request("POST", tsuru.path + "/resources", body, tsuru.headers(None, {"Content-Type": kind}))
        wait_until("it is held", lambda: re.search(r'forwarded_held\{listener="service"\} 1', broker.admin("/metrics").body))


@pytest.mark.takeover
def test_a_client_that_has_gone_is_not_sent_late(replicas):
    """Held, and never sent: nobody does what nobody waits for, neither the next active one nor this broker as such."""
    first, second = active_and_standby(replicas, service=WAITS)
    third = replicas.broker("third", service=WAITS)
    with held_row(replicas):  # nobody takes over meanwhile
        first.kill()
        for broker in (second, third):
            hang_up(broker, f"db-{broker.port}")
    wait_until("somebody is active", lambda: any(broker.admin("/ready").json["role"] == "active" for broker in (second, third)))
    assert tsuru_of(second).create("mydb", "small").status == 201 and tsuru_of(third).info("mydb").status == 200
    for broker in (second, third):
        assert tsuru_of(broker).info(f"db-{broker.port}").status == 404
        wait_until("it is counted", lambda broker=broker: 'outcome="left"} 1' in broker.admin("/metrics").body)


def test_a_standby_that_stops_finishes_what_it_forwards(replicas, pair):
    first, second = pair
    rules(replicas, "provision fail-transient\n")
    asked = Later(lambda: tsuru_of(second).create("mydb", "small"))
    wait_until("it is under way", lambda: tsuru_of(first).status("mydb").status == 202)
    stopped = Later(second.stop)
    wait_until("it stops", lambda: "event=stopping" in second.log())
    assert asked.answer is None
    rules(replicas, "")
    assert asked.result().status == 201
    stopped.result()


def test_keys_that_change_part_nobody(replicas):
    new = "fedcba9876543210" * 4
    old = "0123456789abcdef" * 4
    first = replicas.broker("first", service=WAITS, key=f"{old}")
    await_role(first, "active")
    second = replicas.broker("second", service=WAITS, key=f"{new} {old}")
    await_known(second, "first")
    assert tsuru_of(second).plans().status == 200 and access(first, route="plans", forwarded_by="second")


def secure(broker, ca, path):
    """A GET over https, with a certificate that the ca has signed."""
    context = ssl.create_default_context(cafile=f"{ca}.pem")
    context.load_cert_chain(f"{ca.parent}/one.pem", f"{ca.parent}/one.key")
    connection = http.client.HTTPSConnection("127.0.0.1", broker.port, context=context, timeout=30)
    try:
        connection.request("GET", path, headers={"Authorization": "Basic " + base64.b64encode(b"scripted:x").decode()})
        response = connection.getresponse()
        return Answer(response.status, response.headers, response.read().decode())
    finally:
        connection.close()


def test_https_between_brokers_with_certificates_of_a_private_authority(replicas, tmp_path):
    make_certificate(tmp_path, "ca")
    make_certificate(tmp_path, "other")
    make_certificate(tmp_path, "one", ca=tmp_path / "ca")
    tls = f"tls: {{cert: {tmp_path}/one.pem, key: {tmp_path}/one.key, client_ca: {tmp_path}/ca.pem}}\n"
    more = f", peer_ca_file: {tmp_path}/ca.pem"
    first, second = active_and_standby(replicas, more=more, service=WAITS, limits=tls)
    answer = secure(second, tmp_path / "ca", "/scripted/resources/plans")
    assert answer.status == 200 and len(answer.json) == 2 and "Age" not in answer.headers
    assert access(first, route="plans", forwarded_by="second")
    # One that trusts somebody else passes nothing on, and says why.
    third = replicas.broker("third", f", peer_ca_file: {tmp_path}/other.pem", service=WAITS, limits=tls)
    wait_until("the active one is known", lambda: third.admin("/ready").json["active"] == "first")
    answer = secure(third, tmp_path / "ca", "/scripted/resources/plans")
    assert answer.status == 200 and "Age" in answer.headers
    assert "certificate" in access(third, route="plans", forward_failure="")[0]
    assert len(access(first, route="plans")) == 1


def test_an_address_that_no_broker_has_signed_gets_no_password(replicas):
    """Whoever may write in the store's database says where the active one is: nothing goes there."""
    first, second = active_and_standby(replicas, service="    wait: 12s\n")
    assert tsuru_of(second).create("mydb", "small").status == 201
    told = replicas.server.rows("SELECT address FROM tsuru_broker.head", replicas.database)[0][0]
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(1)
        evil = f"http://127.0.0.1:{listener.getsockname()[1]}"
        for text in (f"{evil}#{evil}", f"{evil}#{told.partition('#')[2]}"):
            replicas.server.rows(f"UPDATE tsuru_broker.head SET address = '{text}'", replicas.database)
            wait_until("it passes nothing on", lambda: second.admin("/ready").status == 503)
            refused = tsuru_of(second).create("other", "small")
            assert refused.status == 503 and "another master key" in refused.message
            assert "Age" in tsuru_of(second).plans().headers and "Age" in second.admin("/v1/services").headers
            with pytest.raises(socket.timeout):
                listener.accept()
            replicas.server.rows(f"UPDATE tsuru_broker.head SET address = '{told}'", replicas.database)
            wait_until("it passes requests on again", lambda: second.admin("/ready").status == 200)
    assert tsuru_of(second).create("other", "small").status == 201


@pytest.mark.takeover
def test_an_earlier_address_of_a_broker_gets_no_password(replicas, pair):
    """A broker has signed it, and somebody else has it by now: whoever may write in the store's database puts it back."""
    first, second = pair
    [was] = replicas.server.rows("SELECT active, address FROM tsuru_broker.head", replicas.database)
    first.kill()
    await_role(second, "active")
    third = replicas.broker("third", service="    wait: 12s\n", operators=True)
    await_known(third, "second")
    assert tsuru_of(third).create("mydb", "small").status == 201
    with stranger(first.port) as got:
        replicas.server.rows(f"UPDATE tsuru_broker.head SET (active, address) = ('{was[0]}', '{was[1]}')", replicas.database)
        wait_until("it takes the dead one for the active one", lambda: third.admin("/ready").json["active"] == "first")
        refused = tsuru_of(third).create("other", "small")
        assert refused.status == 503 and "nothing was done" in refused.message
        assert "Age" in tsuru_of(third).plans().headers
    assert {path for path, _ in got} == {TARGET} and not any("Authorization" in headers for _, headers in got)
    assert access(third, forward_failure="what listens there has not shown that it is that broker")


def test_many_at_once_over_kept_connections(pair):
    """Hundreds of requests side by side; the connections between the brokers are used again, and are kept for a while."""
    first, second = pair
    asked = [Later(lambda i=i: [tsuru_of(second).create(f"db{i}-{j}", "small").status for j in range(5)]) for i in range(40)]
    assert [one.result() for one in asked] == [[201] * 5] * 40
    assert len(access(first, route="create", forwarded_by="second")) == 200
    kept = int(re.search(r'http_connections\{listener="service"\} (\d+)', first.admin("/metrics").body)[1])
    assert 1 <= kept <= 40
