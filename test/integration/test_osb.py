"""The driver osb through the whole program: every answer of an upstream broker, and what becomes of it."""

import base64
import concurrent.futures
import json
import os
import random
import re
import subprocess
import threading
import time
import urllib.parse

import pytest

from harness import BROKER, Tsuru, wait_until
from osb_broker import OsbBroker

SEED = int(os.environ.get("SEED", str(random.randrange(10**6))))


def osb_service(upstream, more="", server_more="", plans=None, login=True):
    plans = plans or """      - {name: small, parameters: {zone: a, size: 5}}
      - {name: big, upstream_plan: large}
      - {name: fixed}
      - {name: unbindable}
"""
    if "    wait: " not in more:
        more += "    wait: 120s\n"
    if login:
        server_more += f"        username: {upstream.username}\n        password: {upstream.password}\n"
    return f"""  - name: kv
    driver: osb
    password: x
{more}    servers:
      - name: main
        url: {upstream.url()}
        service: kv
        polling_interval: 50ms
{server_more}    plans:
{plans}"""


@pytest.fixture
def upstream():
    broker = OsbBroker()
    yield broker
    broker.stop()
    assert broker.complaints == []


@pytest.fixture
def tsuru(start_broker, upstream):
    return Tsuru(start_broker(osb_service(upstream)), "kv", "x")


def value(env, name="key", put=None):
    """What an app with the environment of a bind reads, or writes with put, at the service itself."""
    login = f"{env['USERNAME']}:{env['PASSWORD']}"
    status, answer = OsbBroker.talk("PUT" if put is not None else "GET", f"{env['URI'].replace(login + '@', '')}/{name}",
                                    login, put)
    return answer["value"] if status == 200 else (status, answer)


def is_dead(env):
    answer = value(env)
    return isinstance(answer, tuple) and answer[0] == 401


def bind_at_last(tsuru, name, app):
    """As a user does who is told to repeat it."""
    return wait_until("it is bound", lambda: (answer := tsuru.bind(name, app)).status == 201 and answer.json)


def has_failed(broker, name):
    """Whether its creation failed for good; what is left of one that did goes soon after."""
    return re.search(f"kind=create outcome=failed .*instance={name} ", broker.log())


def is_idle(tsuru, name):
    operations = tsuru.operations(name)
    # An instance that went since it was looked for has none, but an error.
    return isinstance(operations, list) and all(one["state"] in ("done", "failed", "canceled") for one in operations)


def sent(upstream, method, path=""):
    return [request for request in upstream.requests if request[0] == method and path in request[1]]


def makes(upstream):
    """The requests that change instances, in order."""
    return [method for method, path, _, _ in upstream.requests
            if method in ("PUT", "DELETE") and "/service_bindings/" not in path]


@pytest.mark.parametrize("asynchronous", [False, True])
def test_life(tsuru, upstream, asynchronous):
    upstream.asynchronous = asynchronous
    assert tsuru.create("mydb", "small", parameters={"size": "10", "deletion_protection": "false"}).status == 201
    wait_until("it is up", lambda: tsuru.is_up("mydb"))
    (instance,) = upstream.instances.values()
    assert instance["body"]["parameters"] == {"size": 10, "zone": "a"}
    assert instance["body"]["context"] == {"platform": "tsuru", "service_name": "kv", "instance_name": "mydb",
                                           "resource": tsuru.described("mydb")["Name on the server"], "team": "red"}
    env = tsuru.bind("mydb", "shop").json
    assert env["TLS"] == "false" and env["HOSTS_0_NAME"] == "127.0.0.1" and env["PORT"] == str(upstream.port)
    value(env, put="content")
    assert value(env) == "content"
    (binding,) = upstream.bindings.values()
    assert binding["body"]["bind_resource"] == {"app_guid": "shop"}
    wait_until("the dashboard is shown", lambda: tsuru.described("mydb").get("Dashboard", "").startswith("http://dash/"))
    assert tsuru.update("mydb", "big").status == 200
    wait_until("the plan is changed", lambda: tsuru.described("mydb")["Plan in force"] == "big")
    assert instance["body"]["plan_id"] == "id of large"
    job = tsuru.bind_job("mydb", "shop").json
    assert value(job) == "content" and job["USERNAME"] != env["USERNAME"]
    assert tsuru.unbind("mydb", "shop").status == 200
    assert is_dead(env) and value(job) == "content"
    assert tsuru.remove("mydb").status == 200
    wait_until("nothing is left", lambda: not upstream.instances and not upstream.bindings)


def test_identity(tsuru, upstream):
    tsuru.user = 'd"ev@exämple.com'.encode().decode("latin-1")
    tsuru.create("mydb")
    (_, path, headers, _), = sent(upstream, "PUT")
    assert path.endswith("?accepts_incomplete=true")
    platform, user = headers["X-Broker-API-Originating-Identity"].split()
    assert platform == "tsuru" and json.loads(base64.b64decode(user))["user"]
    identities = [headers["X-Broker-API-Request-Identity"] for _, _, headers, _ in upstream.requests]
    assert len(set(identities)) == len(identities)


def test_bearer(start_broker):
    upstream = OsbBroker(token="a-token")
    tsuru = Tsuru(start_broker(osb_service(upstream, login=False, server_more="        token: a-token\n")), "kv", "x")
    assert tsuru.create("mydb").status == 201
    wait_until("it is up", lambda: tsuru.is_up("mydb"))
    assert tsuru.remove("mydb").status == 200
    upstream.stop()


def test_private_authority(start_broker, tmp_path):
    certificate, key = str(tmp_path / "cert.pem"), str(tmp_path / "key.pem")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=upstream",
                    "-addext", "subjectAltName=IP:127.0.0.1", "-out", certificate, "-keyout", key], check=True,
                   capture_output=True)
    upstream = OsbBroker(tls=(certificate, key))
    more = f"        ca_file: {certificate}\n"
    trusting = Tsuru(start_broker(osb_service(upstream, server_more=more)), "kv", "x")
    assert trusting.create("mydb").status == 201
    wait_until("it is up", lambda: trusting.is_up("mydb"))
    assert trusting.remove("mydb").status == 200
    trusting.broker.stop()
    requests = len(upstream.requests)
    other = Tsuru(start_broker(osb_service(upstream, more="    wait: 1s\n")), "kv", "x")
    assert other.create("mydb").status == 201 and other.status("mydb").status == 202
    assert len(upstream.requests) == requests
    upstream.stop()


def test_wrong_credentials(start_broker, upstream):
    broker = start_broker(osb_service(upstream, more="    wait: 1s\n"))
    tsuru = Tsuru(broker, "kv", "x")
    tsuru.create("old")
    secret, upstream.password = upstream.password, "changed"
    tsuru.create("new")
    wait_until("the status says down", lambda: "401" in tsuru.status("old").body)
    upstream.password = secret
    wait_until("it is made", lambda: tsuru.is_up("new"))
    assert secret not in broker.log() and base64.b64encode(f"upstream:{secret}".encode()).decode() not in broker.log()


# ---- orphans ----

@pytest.mark.parametrize("does", [{"drop": True}, {"drop": True, "act": True}, {"status": 500},
                                  {"status": 500, "act": True}])
def test_orphan_is_removed_first(tsuru, upstream, does):
    """What may have had an effect is removed before its id is used again."""
    upstream.rule("PUT", "/v2/service_instances/", **does)
    assert tsuru.create("mydb").status == 201
    wait_until("it is up", lambda: tsuru.is_up("mydb"))
    assert makes(upstream) == ["PUT", "DELETE", "PUT"] and len(upstream.instances) == 1
    upstream.rule("PUT", "/service_bindings/", **does)
    env = tsuru.bind("mydb", "shop").json
    assert value(env) is None and len(upstream.bindings) == 1
    assert [method for method, path, _, _ in upstream.requests if "/service_bindings/" in path] == \
        ["PUT", "DELETE", "PUT"]


def test_no_orphan(tsuru, upstream):
    """408 and ConcurrencyError say that nothing was done."""
    upstream.rule("PUT", "/v2/service_instances/", status=408)
    upstream.rule("PUT", "/v2/service_instances/", status=422, body='{"error": "ConcurrencyError"}')
    assert tsuru.create("mydb").status == 201
    wait_until("it is up", lambda: tsuru.is_up("mydb"))
    assert makes(upstream) == ["PUT", "PUT", "PUT"]


def test_removal_of_an_orphan_is_repeated(tsuru, upstream):
    upstream.rule("PUT", "/v2/service_instances/", status=500, act=True)
    upstream.rule("DELETE", "/v2/service_instances/", times=2, status=500)
    upstream.asynchronous = True
    tsuru.create("mydb")
    wait_until("it is up", lambda: tsuru.is_up("mydb"))
    first, *others, last = makes(upstream)
    assert first == last == "PUT" and set(others) == {"DELETE"} and len(others) >= 3


@pytest.mark.parametrize("does, words", [
    ({"status": 400, "body": '{"description": "no quota left"}'}, "no quota left"),
    ({"status": 409, "body": "{}"}, "409"),
    ({"status": 201, "body": "{", "act": True}, "201"),
    ({"status": 204, "body": "", "act": True}, "204"),
    ({"status": 200, "body": "[]"}, "200")])
def test_refused(tsuru, upstream, does, words):
    upstream.rule("PUT", "/v2/service_instances/", **does)
    answer = tsuru.create("mydb")
    assert answer.status == 422 and words in answer.message and "main" in answer.message
    wait_until("nothing is left", lambda: tsuru.info("mydb").status == 404 and not upstream.instances)


def test_failed_operations(tsuru, upstream):
    upstream.asynchronous = True
    upstream.fail_operations = 1
    answer = tsuru.create("mydb")
    assert answer.status == 422 and "it was told to fail" in answer.message
    wait_until("nothing is left", lambda: not upstream.instances and tsuru.info("mydb").status == 404)
    tsuru.create("mydb")
    wait_until("it is up", lambda: tsuru.is_up("mydb"))
    upstream.fail_operations = 1
    answer = tsuru.bind("mydb", "shop")
    assert answer.status == 422 and "it was told to fail" in answer.message
    wait_until("no binding is left", lambda: not upstream.bindings)
    upstream.fail_operations = 1
    tsuru.update("mydb", "big")
    wait_until("the status says so", lambda: "it was told to fail" in tsuru.status("mydb").body)
    upstream.fail_operations = 1
    tsuru.remove("mydb")
    wait_until("nothing is left", lambda: not upstream.instances)


# ---- long work ----

def test_longer_than_an_attempt(start_broker, upstream):
    """One request, however many attempts poll for it."""
    tsuru = Tsuru(start_broker(osb_service(upstream, more="    attempt_timeout: 4s\n    wait: 1s\n    bind_wait: 1s\n")), "kv", "x")
    upstream.asynchronous, upstream.polls = True, 10**6
    assert tsuru.create("mydb").status == 201
    assert tsuru.status("mydb").status == 202
    assert tsuru.bind("mydb", "shop").status == 412
    wait_until("some attempts are over", lambda: tsuru.operations("mydb")[-1]["attempts"] >= 3)
    (operation,) = upstream.operations.values()
    operation["left"] = 0
    wait_until("it is up", lambda: tsuru.is_up("mydb"))
    assert makes(upstream) == ["PUT"]


def test_long_work_holds_no_place(start_broker, upstream):
    """More of it than there are places: another team's instance is up before any of it was asked for again."""
    broker = start_broker(osb_service(upstream, more="    wait: 0s\n"))
    red, blue = Tsuru(broker, "kv", "x", team="red"), Tsuru(broker, "kv", "x", team="blue")
    upstream.asynchronous, upstream.polls, upstream.retry_after = True, 10**6, 600
    for number in range(6):
        assert red.create(f"long-{number}").status == 201
    wait_until("all are under way", lambda: len(upstream.operations) == 6)
    upstream.asynchronous = False
    assert blue.create("short").status == 201
    wait_until("it is up", lambda: blue.is_up("short"))
    assert blue.bind("short", "shop").status == 201
    assert not sent(upstream, "GET", "last_operation")


def test_retry_after(tsuru, upstream):
    upstream.asynchronous, upstream.polls, upstream.retry_after = True, 1, 1
    begin = time.monotonic()
    assert tsuru.create("mydb").status == 201
    wait_until("it is up", lambda: tsuru.is_up("mydb"))
    assert time.monotonic() - begin >= 2
    assert upstream.count("GET", "last_operation") == 2


def test_work_may_take_longer_than_failures_are_retried(start_broker, upstream):
    """The upstream says when to come back (Retry-After), and how long it may take is maximum_polling's to say."""
    tsuru = Tsuru(start_broker(osb_service(upstream, more="    retry_for: 1s\n    wait: 1s\n    bind_wait: 30s\n")), "kv", "x")
    upstream.asynchronous, upstream.polls, upstream.retry_after = True, 1, 8
    assert tsuru.create("mydb").status == 201 and tsuru.status("mydb").status == 202
    wait_until("it is up", lambda: tsuru.is_up("mydb"), 60)
    assert makes(upstream) == ["PUT"] and upstream.count("GET", "last_operation") == 2
    assert value(tsuru.bind("mydb", "shop").json) is None


def test_busy_for_longer_than_failures_are_retried(start_broker, upstream):
    """A Retry-After of a failure is waited for, but one that comes again and again does not put the end off for ever."""
    broker = start_broker(osb_service(upstream, more="    retry_for: 1s\n    wait: 1s\n"))
    tsuru = Tsuru(broker, "kv", "x")
    upstream.rule("PUT", "/v2/service_instances/", times=1000, status=429, body="{}", headers={"Retry-After": "20"})
    tsuru.create("mydb")
    wait_until("it was refused", lambda: upstream.count("PUT"))
    time.sleep(2)  # more than failures are retried
    upstream.rules.clear()
    wait_until("it is up", lambda: tsuru.is_up("mydb"), 60)
    upstream.rule("PUT", "/v2/service_instances/", times=1000, status=503, body="{}", headers={"Retry-After": "2"})
    tsuru.create("other")
    wait_until("it has failed", lambda: has_failed(broker, "other"))


def test_maximum_polling(start_broker, upstream):
    tsuru = Tsuru(start_broker(osb_service(upstream, server_more="        maximum_polling: 1s\n")), "kv", "x")
    upstream.asynchronous, upstream.polls = True, 10**6
    answer = tsuru.create("mydb")
    assert answer.status == 422 and "within 1s" in answer.message
    wait_until("its removal is asked for", lambda: sent(upstream, "DELETE"))
    upstream.polls = 1
    with upstream.lock:
        for operation in upstream.operations.values():
            operation["left"] = 0
    wait_until("nothing is left", lambda: not upstream.instances, 90)


def test_lost_work_ends_the_time_that_it_was_given(start_broker, upstream):
    """The upstream asked for time for what it then forgot: that failure is counted as any other."""
    more = "    retry_for: 3s\n    wait: 1s\n    attempt_timeout: 4s\n"
    broker = start_broker(osb_service(upstream, more=more, server_more="        maximum_polling: 10m\n"))
    tsuru = Tsuru(broker, "kv", "x")
    upstream.asynchronous, upstream.polls = True, 10**6
    tsuru.create("mydb")
    wait_until("two attempts are over", lambda: tsuru.operations("mydb")[-1]["attempts"] >= 3)
    assert tsuru.operations("mydb")[-1]["state"] in ("pending", "running")  # beyond retry_for
    upstream.polls = 1
    with upstream.lock:
        upstream.operations.clear()
    wait_until("it has failed", lambda: has_failed(broker, "mydb"))
    assert makes(upstream).count("PUT") == 1


def test_nonsense_while_polling(tsuru, upstream):
    upstream.asynchronous = True
    for does in ({"status": 500}, {"status": 200, "body": "<html>"},
                 {"status": 410, "body": "{}"}, {"status": 200, "body": '{"state": "done"}'}, {"drop": True}):
        upstream.rule("GET", "last_operation", **does)
    tsuru.create("mydb")
    wait_until("it is up", lambda: tsuru.is_up("mydb"))
    assert makes(upstream) == ["PUT"]


def test_an_operation_that_the_upstream_forgot_is_asked_for_anew(tsuru, upstream):
    upstream.asynchronous = True
    upstream.rule("GET", "last_operation", status=404, body="{}")
    tsuru.create("mydb")
    wait_until("it is up", lambda: tsuru.is_up("mydb"))
    assert makes(upstream) == ["PUT", "PUT"]


def test_killed_while_polling(start_broker, upstream):
    broker = start_broker(osb_service(upstream, more="    wait: 0\n    bind_wait: 1s\n"))
    tsuru = Tsuru(broker, "kv", "x")
    upstream.asynchronous, upstream.polls = True, 10**6

    def interrupted(request, kind):
        before = len(sent(upstream, "GET", "last_operation"))
        request()
        wait_until("it is polled", lambda: len(sent(upstream, "GET", "last_operation")) > before + 1)
        broker.kill()
        with upstream.lock:
            (operation,) = upstream.operations.values()
        assert operation["kind"] == kind
        operation["left"] = 0
        broker.start()

    interrupted(lambda: tsuru.create("mydb"), "make")
    wait_until("it is up", lambda: tsuru.is_up("mydb"))
    assert makes(upstream) == ["PUT", "PUT"] and len(upstream.instances) == 1
    interrupted(lambda: tsuru.bind("mydb", "shop"), "bind")
    wait_until("it is bound", lambda: is_idle(tsuru, "mydb"))
    assert len(upstream.bindings) == 1
    interrupted(lambda: tsuru.update("mydb", "big"), "change")
    wait_until("the plan is changed", lambda: tsuru.described("mydb")["Plan in force"] == "big")
    upstream.asynchronous = False
    env = bind_at_last(tsuru, "mydb", "shop")
    wait_until("it is idle", lambda: is_idle(tsuru, "mydb"))
    assert value(env) is None and len(upstream.bindings) == 1
    upstream.asynchronous = True
    interrupted(lambda: tsuru.unbind("mydb", "shop"), "unbind")
    wait_until("it is unbound", lambda: not upstream.bindings)
    interrupted(lambda: tsuru.remove("mydb"), "remove")
    wait_until("nothing is left", lambda: not upstream.instances)


def test_dead_and_back(start_broker, upstream):
    broker = start_broker(osb_service(upstream, more="    wait: 1s\n    bind_wait: 2s\n"))
    tsuru = Tsuru(broker, "kv", "x")
    tsuru.create("old")
    env = bind_at_last(tsuru, "old", "shop")
    upstream.stop()
    assert tsuru.create("new").status == 201 and tsuru.status("new").status == 202
    assert tsuru.bind("old", "second").status == 503
    assert tsuru.unbind("old", "shop").status == 200
    wait_until("the status says down", lambda: tsuru.why_down("old"))
    assert "main" in tsuru.why_down("old") and upstream.password not in tsuru.status("old").body
    begin = time.monotonic()
    assert tsuru.info("old").status == 200 and time.monotonic() - begin < 30
    upstream.start()
    wait_until("all converges", lambda: tsuru.is_up("new") and is_idle(tsuru, "old") and is_dead(env), 90)
    assert value(bind_at_last(tsuru, "new", "shop")) is None


def test_answers_nothing(start_broker, upstream):
    """An upstream that takes the request and is silent: the deadline of the attempt counts."""
    tsuru = Tsuru(start_broker(osb_service(upstream, more="    attempt_timeout: 1s\n")), "kv", "x")
    upstream.rule("PUT", "/v2/service_instances/", delay=3, drop=True, act=True)
    tsuru.create("mydb")
    wait_until("it is up", lambda: tsuru.is_up("mydb"))
    assert len(upstream.instances) == 1 and makes(upstream)[:2] == ["PUT", "DELETE"]


# ---- binds ----

def test_rebind(tsuru, upstream):
    tsuru.create("mydb")
    first = tsuru.bind("mydb", "shop").json
    second = tsuru.bind("mydb", "shop").json
    assert is_dead(first) and value(second) is None and len(upstream.bindings) == 1
    assert tsuru.send("POST", "/resources/mydb/rotate", {"app-name": "shop"}).status == 202
    wait_until("it is rotated", lambda: is_dead(second) and is_idle(tsuru, "mydb"))
    assert len(upstream.bindings) == 1
    assert tsuru.unbind("mydb", "shop").status == 200
    wait_until("it is unbound", lambda: not upstream.bindings)
    third = tsuru.bind("mydb", "shop").json
    assert value(third) is None and is_dead(first) and is_dead(second)
    identifiers = {path.split("/")[5].split("?")[0] for _, path, _, _ in sent(upstream, "PUT", "/service_bindings/")}
    assert len(identifiers) == 4
    event = "0123456789abcdef01234567"
    fourth = tsuru.bind("mydb", "shop", event=event).json
    assert tsuru.bind("mydb", "shop", event=event).json == fourth  # a repeat is no new bind


@pytest.mark.parametrize("asynchronous", [False, True])
def test_credentials_that_are_told_once(start_broker, upstream, asynchronous):
    broker = start_broker(osb_service(upstream))
    tsuru = Tsuru(broker, "kv", "x")
    upstream.credentials_once, upstream.asynchronous = True, asynchronous
    tsuru.create("mydb")
    wait_until("it is up", lambda: tsuru.is_up("mydb"))
    event = "0123456789abcdef01234567"
    env = tsuru.bind("mydb", "shop", event=event).json
    assert value(env) is None
    broker.stop()
    broker.start()
    assert tsuru.bind("mydb", "shop", event=event).json == env and value(env) is None
    with open(os.path.join(broker.data, "data.mdb"), "rb") as store:
        assert env["PASSWORD"].encode() not in store.read()
    other = tsuru.bind("mydb", "shop").json
    assert is_dead(env) and value(other) is None


@pytest.mark.parametrize("document", [{}, {"credentials": {}}, {"credentials": None}, {"credentials": {}, "volume_mounts": []}])
@pytest.mark.parametrize("asynchronous", [False, True])
def test_a_binding_without_credentials_is_a_binding(tsuru, upstream, asynchronous, document):
    tsuru.create("mydb")
    upstream.asynchronous = asynchronous
    upstream.rule("GET" if asynchronous else "PUT", "/service_bindings/", status=200 if asynchronous else 201, act=True, body=json.dumps(document))
    if asynchronous:
        upstream.rules.insert(0, {"method": "GET", "path": "last_operation", "times": 3, "act": True})
    event = "0123456789abcdef01234567"
    answer = tsuru.bind("mydb", "shop", event=event)
    assert answer.status == 201 and answer.json == {} and len(upstream.bindings) == 1
    upstream.rule("PUT", "/service_bindings/", status=200, act=True, body=json.dumps(document))
    assert tsuru.bind("mydb", "shop", event=event).json == {} and not sent(upstream, "DELETE", "/service_bindings/")
    assert tsuru.unbind("mydb", "shop").status == 200
    wait_until("it is unbound", lambda: not upstream.bindings)


def test_credentials_that_nobody_knows(tsuru, upstream):
    """They were told once, and the broker lost them before it had recorded them: another binding takes its place."""
    upstream.credentials_once = True
    tsuru.create("mydb")
    upstream.rule("PUT", "/service_bindings/", status=408, body="{}", act=True)
    env = tsuru.bind("mydb", "shop").json
    assert value(env) is None and len(upstream.bindings) == 1
    assert [method for method, path, _, _ in upstream.requests if "/service_bindings/" in path] == ["PUT", "PUT", "DELETE", "PUT"]


LONG = 12345678901234567
EXACT = {"account": 123456789012345678, "round": 100000000000000000, "negative": -9007199254740993, "most": 9007199254740991}


@pytest.mark.parametrize("encoding", ["form", "json"])
def test_numbers_are_passed_on_as_they_are(start_broker, upstream, encoding):
    """Beyond what a double holds: users' parameters, the plan's, the upstream's answers, and what is kept of them."""
    plans = f"      - {{name: small, parameters: {{zone: a, quota: {LONG}, limits: '[{LONG}, 1]'}}}}\n"
    tsuru = Tsuru(start_broker(osb_service(upstream, plans=plans)), "kv", "x", encoding=encoding)
    as_sent, more = (LONG, {"list": [LONG]}) if encoding == "json" else (str(LONG), str(LONG))
    assert tsuru.create("mydb", "small", parameters={"size": LONG, "more": more}).status == 201
    (instance,) = upstream.instances.values()
    assert instance["body"]["parameters"] == {"size": LONG, "more": more, "zone": "a", "quota": LONG, "limits": [LONG, 1]}
    upstream.credentials_once = True
    body = json.dumps({"credentials": {**EXACT, "pi": 0}}).replace('"pi": 0', '"pi": 3.14159265358979323846')
    upstream.rule("PUT", "/service_bindings/", status=201, act=True, body=body)
    event = "0123456789abcdef01234567"
    env = tsuru.bind("mydb", "shop", event=event, parameters={"quota": LONG}).json
    assert env == {**{name.upper(): str(number) for name, number in EXACT.items()}, "PI": "3.14159265358979323846"}
    (binding,) = upstream.bindings.values()
    assert binding["body"]["parameters"] == {"quota": as_sent}
    upstream.rule("PUT", "/service_bindings/", status=200, act=True, body="{}")
    assert tsuru.bind("mydb", "shop", event=event, parameters={"quota": LONG}).json == env


@pytest.mark.parametrize("text", ['{"a\\u0000": 1}', '["\\u0000"]'])
def test_a_plan_with_a_nul_is_refused(tmp_path, upstream, text):
    path = tmp_path / "broker.yaml"
    plans = f"      - {{name: small, parameters: {{zone: '{text}'}}}}\n"
    path.write_text(f"data_dir: {tmp_path}/data\nservices:\n{osb_service(upstream, plans=plans)}")
    result = subprocess.run([BROKER, "check", "-c", str(path)], capture_output=True, text=True, timeout=60, check=False)
    assert result.returncode == 1 and '"zone" holds a NUL' in result.stderr, result.stderr


@pytest.mark.parametrize("encoding", ["form", "json"])
def test_users_texts_with_a_nul_are_refused(start_broker, upstream, encoding):
    tsuru = Tsuru(start_broker(osb_service(upstream)), "kv", "x", encoding=encoding)
    for parameters in ({"note": "a\0b"}, {"a\0b": "note"}):
        assert tsuru.create("mydb", parameters=parameters).status == 400
    assert not sent(upstream, "PUT")


def test_earlier_bindings_are_never_left(start_broker, upstream):
    """Binds whose upstream fails in the middle: what was made by any of them goes with the unbind."""
    tsuru = Tsuru(start_broker(osb_service(upstream, more="    bind_wait: 1s\n")), "kv", "x")
    tsuru.create("mydb")
    tsuru.bind("mydb", "shop")
    upstream.rule("DELETE", "/service_bindings/", times=3, status=500)
    tsuru.bind("mydb", "shop")
    upstream.rule("PUT", "/service_bindings/", times=2, status=500, act=True)
    tsuru.bind("mydb", "shop")
    tsuru.bind("mydb", "shop")
    tsuru.unbind("mydb", "shop")
    wait_until("no binding is left", lambda: not upstream.bindings and is_idle(tsuru, "mydb"))


def test_undone_unbind(tsuru, upstream):
    """The upstream chooses credentials: what comes back after its own removal are others, and they work."""
    tsuru.create("mydb")
    before = tsuru.bind("mydb", "shop").json
    event = "0123456789abcdef01234567"
    tsuru.unbind("mydb", "shop", event=event)
    after = tsuru.bind("mydb", "shop", event=event).json
    assert is_dead(before) and value(after) is None and len(upstream.bindings) == 1
    assert tsuru.unbind("mydb", "shop").status == 200
    wait_until("it is unbound", lambda: not upstream.bindings)


def test_environment(start_broker, upstream):
    more = """    env:
      KV_URL: "{URI}"
      URI: ""
      KV_HOST: "{HOSTS_0_NAME}:{PORT}"
      NOTHING: "{NOT_GIVEN}"
"""
    tsuru = Tsuru(start_broker(osb_service(upstream, more=more)), "kv", "x")
    tsuru.create("mydb")
    env = tsuru.bind("mydb", "shop", parameters={"env_prefix": "MAIN_", "role": "reader"}).json
    assert env["MAIN_KV_URL"].startswith("http://u-") and "MAIN_URI" not in env
    assert env["MAIN_KV_HOST"] == f"127.0.0.1:{upstream.port}" and env["MAIN_NOTHING"] == ""
    (binding,) = upstream.bindings.values()
    assert binding["body"]["parameters"] == {"role": "reader"}


def test_parameters_by_the_instance(start_broker, upstream):
    """What an upstream's bindings take can be given by tsuru's client; its instances are not told of it."""
    tsuru = Tsuru(start_broker(osb_service(upstream)), "kv", "x")
    given = {"size": "10", "env_prefix": "MAIN_", "binds.shop.role": "reader", "binds.shop.env_prefix": "SHOP_", "read_only": "x"}
    assert tsuru.create("mydb", parameters=given).status == 201
    (instance,) = upstream.instances.values()
    assert instance["body"]["parameters"] == {"size": 10, "zone": "a", "read_only": "x"}
    assert "SHOP_URI" in tsuru.bind("mydb", "shop").json and "MAIN_URI" in tsuru.bind_job("mydb", "shop").json
    assert sorted(str(binding["body"].get("parameters")) for binding in upstream.bindings.values()) == ["None", "{'role': 'reader'}"]
    assert tsuru.create("other", parameters={"binds": "x"}).status == 400


def test_isolation(tsuru, upstream):
    tsuru.create("one")
    tsuru.create("two")
    env = tsuru.bind("one", "shop").json
    other = tsuru.bind("two", "shop").json
    value(other, put="secret of two")
    assert is_dead({**env, "URI": other["URI"].replace(other["USERNAME"], env["USERNAME"]).replace(
        other["PASSWORD"], env["PASSWORD"])})
    tsuru.remove("one")
    assert value(other) == "secret of two" and len(upstream.instances) == 1


# ---- hostile ones ----

@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(start_broker, upstream, status):
    """Where to would be the upstream's choice, with the broker's credentials and from the broker's network."""
    trap = OsbBroker(username=upstream.username, password=upstream.password)
    tsuru = Tsuru(start_broker(osb_service(upstream, more="    retry_for: 1s\n    bind_wait: 2s\n")), "kv", "x")
    assert tsuru.create("first").status == 201
    for method, path, act in (("PUT", "service_bindings", lambda: tsuru.bind("first", "shop")), ("PUT", "service_instances", lambda: tsuru.create("second")),
                              ("DELETE", "service_instances", lambda: tsuru.remove("first"))):
        upstream.rule(method, path, times=1, status=status, headers={"Location": trap.url() + "/v2/catalog"})
        act()
        wait_until("it was led astray", lambda: upstream.rules[-1]["times"] == 0)
    wait_until("the removal is asked for again", lambda: upstream.count("DELETE") > 2)
    assert trap.requests == []
    trap.stop()


@pytest.mark.parametrize("body", ["x" * (9 << 20), '{"credentials": {"a": "' + "x" * (9 << 20) + '"}}', "[" * 200000,
                                  '{"credentials": {' + ", ".join(f'"k{i}": "v"' for i in range(201)) + "}}",
                                  '{"credentials": ' + '{"a": ' * 40 + "1" + "}" * 41, '{"credentials": {"a": "x\\u001b[2J"}}',
                                  '{"credentials": {"' + "k" * 200 + '": "v"}}', '{"credentials": []}', "\0" * 100, "null",
                                  '{"credentials": {"password": "a\\u0000b"}}', '{"credentials": {"big": "' + "x" * (65 << 10) + '"}}'],
                         ids=["huge", "huge-text", "tower", "many", "deep", "escape", "long-name", "list", "nul", "null", "nul-text", "long"])
def test_answers_that_no_app_should_get(start_broker, upstream, body, request):
    """What is wrong is the upstream's answer, and nothing that the caller sent: never 400 or 413."""
    name = request.node.callspec.id
    broker = start_broker(osb_service(upstream, more="    retry_for: 1s\n"))
    tsuru = Tsuru(broker, "kv", "x")
    tsuru.create("mydb")
    upstream.rule("PUT", "service_bindings", times=100, status=201, body=body)
    upstream.rule("GET", "service_bindings", times=100, status=200, body=body)
    answer = tsuru.bind("mydb", "shop")
    assert answer.status == (422 if name in ("nul", "null") else 502) and len(answer.body) < 2000, answer
    named = {"nul-text": "PASSWORD", "long": "BIG", "escape": '"A"', "long-name": "_...", "many": "200", "deep": "deep", "list": "credentials"}
    assert named.get(name, "") in answer.message and "xxxx" not in answer.message, answer
    assert "\x1b" not in broker.log() and len(broker.log()) < 100000
    upstream.rules.clear()
    assert value(tsuru.bind("mydb", "other").json, put="fine") == "fine"


def test_names_of_credentials_are_no_more_than_names(tsuru, upstream):
    tsuru.create("mydb")
    given = {"PATH=/tmp; x": "1", "a\nb": "2", "LD PRELOAD\u0000": "3", "9": "4", "é": "5"}
    upstream.rule("PUT", "service_bindings", status=201, body=json.dumps({"credentials": given}), act=True)
    env = tsuru.bind("mydb", "shop").json
    assert env and all(set(name) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") and not name[0].isdigit() for name in env), env


@pytest.mark.parametrize("echo", ["upstream-secret", "dXBzdHJlYW06dXBzdHJlYW0tc2VjcmV0", "upstream\\u002dsecret"])
def test_an_upstream_that_echoes_the_credentials(start_broker, upstream, echo):
    """Users read what an upstream says, but not the broker's password there, cut off or not."""
    broker = start_broker(osb_service(upstream))
    tsuru = Tsuru(broker, "kv", "x")
    tsuru.create("mydb")
    for padding in (0, 190):
        upstream.rule("PUT", "service_bindings", times=1, status=400, body='{"description": "' + "x" * padding + f'you sent {echo}"' + "}")
        answer = tsuru.bind("mydb", f"shop{padding}")
        assert answer.status == 422 and "are not shown" in answer.message and echo[:6] not in answer.body, answer
    wait_until("all has ended", lambda: is_idle(tsuru, "mydb"))
    assert echo not in broker.log() and echo not in tsuru.send("GET", "/resources/mydb/operations").body
    assert "upstream-secret" not in broker.log() + tsuru.send("GET", "/resources/mydb/operations").body


def test_what_tenants_send_stays_in_its_place(start_broker, upstream):
    """No text of a tenant becomes a header, a path or another member of a body."""
    tsuru = Tsuru(start_broker(osb_service(upstream)), "kv", "x")
    evil = ['x", "plan_id": "id of large', "x\r\nX-Evil: 1", "../../catalog?x=", "x&service_id=other#", "${x}", "é\u202e"]
    expected = {"Host", "Authorization", "Accept", "Content-Type", "Content-Length", "X-Broker-API-Version", "X-Broker-API-Request-Identity",
                "X-Broker-API-Originating-Identity", "User-Agent", "Accept-Encoding"}
    for number, text in enumerate(evil):
        name = f"db{number}"
        assert tsuru.create(name, "small", parameters={"note": text}, user=text, description=text, tags=[text]).status in (201, 400)
        tsuru.bind(name, "shop", parameters={"note": text, text: "x"}, user=text)
        tsuru.create(text, "small")
        tsuru.bind(name, text)
        tsuru.team = text
        tsuru.create(f"other{number}", "small")
        tsuru.team = "red"
    assert len([one for one in upstream.instances.values() if one["body"].get("parameters", {}).get("note") in evil]) == len(evil)
    for method, path, headers, body in upstream.requests:
        assert set(headers) <= expected, headers
        assert re.fullmatch(r"/v2/(catalog|service_instances/[0-9a-f-]{36}(/service_bindings/[0-9a-f-]{36})?(/last_operation)?)", path.partition("?")[0]), path
        assert method == "GET" or "service_id=id%20of%20kv" in path or body["service_id"] == "id of kv", (path, body)
        assert body is None or body.get("plan_id") == "id of small", body


@pytest.mark.parametrize("name", ["x&service_id=other", "../../x", "x\r\nX-Evil: 1", "?#", "é", "x" * 9000])
def test_names_of_operations_stay_in_the_query(tsuru, upstream, name):
    tsuru.create("mydb")
    upstream.rule("PUT", "service_bindings", status=202, body=json.dumps({"operation": name}), times=1)
    upstream.rule("GET", "last_operation", status=200, body='{"state": "failed"}', times=1)
    tsuru.bind("mydb", "shop")
    asked = sent(upstream, "GET", "last_operation")
    assert asked
    for _, path, headers, _ in asked:
        query = urllib.parse.parse_qs(urllib.parse.urlsplit(path).query, keep_blank_values=True)
        assert query["operation"] == [name] and query["service_id"] == ["id of kv"] and "X-Evil" not in headers, path


def test_plans_that_cannot(tsuru, upstream):
    tsuru.create("mydb", "fixed")
    tsuru.update("mydb", "big")
    wait_until("the status says so", lambda: "cannot change" in tsuru.status("mydb").body)
    assert not sent(upstream, "PATCH")
    tsuru.create("other", "unbindable")
    answer = tsuru.bind("other", "shop")
    assert answer.status == 422 and "cannot be bound" in answer.message
    tsuru.remove("mydb")
    tsuru.remove("other")
    wait_until("nothing is left", lambda: not upstream.instances)


# ---- the catalog ----

def test_catalog_lacks_a_plan(start_broker, upstream):
    plans = "      - {name: small}\n      - {name: huge}\n"
    tsuru = Tsuru(start_broker(osb_service(upstream, plans=plans, more="    wait: 20s\n")), "kv", "x")
    tsuru.create("mydb", "small")
    wait_until("the status says down", lambda: tsuru.why_down("mydb"))
    assert '"huge"' in tsuru.why_down("mydb") and "small, large, fixed" in tsuru.why_down("mydb")
    answer = tsuru.create("other", "huge")
    assert answer.status == 422 and '"huge"' in answer.message
    wait_until("it leaves nothing", lambda: tsuru.info("other").status == 404)
    upstream.services[0]["plans"].append({"id": "new", "name": "huge"})
    wait_until("it is up", lambda: tsuru.is_up("mydb"))
    assert tsuru.create("other", "huge").status == 201


def test_catalog_is_cached(tsuru, upstream):
    for i in range(5):
        tsuru.create(f"db-{i}")
        tsuru.bind(f"db-{i}", "shop")
    assert upstream.count("GET", "/v2/catalog") <= 3


def test_malformed_catalog(start_broker, upstream):
    tsuru = Tsuru(start_broker(osb_service(upstream, more="    wait: 1s\n")), "kv", "x")
    upstream.rule("GET", "/v2/catalog", times=4, status=200, body="<html>no catalog</html>")
    tsuru.create("mydb")
    wait_until("it is up", lambda: tsuru.is_up("mydb"))


# ---- kill -9 ----

def test_killed_at_random(start_broker, upstream):
    """Concurrent work, an upstream that fails at times, kill -9: nothing stays that the broker does not know."""
    chance = random.Random(SEED)
    broker = start_broker(osb_service(upstream, more="    wait: 2s\n    bind_wait: 2s\n",
                                      server_more="        parallel: 16\n"))
    tsuru = Tsuru(broker, "kv", "x")
    upstream.asynchronous = True
    names = [f"db-{i}" for i in range(8)]

    def work(name):
        mine = random.Random(f"{SEED}-{name}")
        for _ in range(6):
            try:
                mine.choice([tsuru.create, tsuru.create, lambda name: tsuru.bind(name, "shop"),
                             lambda name: tsuru.unbind(name, "shop"), tsuru.remove])(name)
            except (OSError, ValueError, EOFError):
                return
            except Exception:  # pylint: disable=broad-except  # a cut answer
                return

    for _ in range(3):
        for method in ("PUT", "DELETE", "GET"):
            upstream.rule(method, "/v2/service_instances/", times=3, status=500, act=chance.random() < 0.5)
        with concurrent.futures.ThreadPoolExecutor(len(names)) as pool:
            done = threading.Event()
            futures = [pool.submit(work, name) for name in names]
            time.sleep(chance.uniform(0.2, 1))
            broker.kill()
            done.set()
            concurrent.futures.wait(futures)
        broker.start()
    for name in names:
        wait_until(f"the operations of {name} end (seed {SEED})",
                   lambda name=name: tsuru.info(name).status == 404 or is_idle(tsuru, name), 120)
        tsuru.remove(name)
    wait_until(f"nothing is left (seed {SEED})", lambda: not upstream.instances and not upstream.bindings, 120)


def test_sample_is_good():
    root = os.path.join(os.path.dirname(__file__), "..", "..")
    result = subprocess.run([BROKER, "check", "-c", os.path.join(root, "conf", "samples", "osb.yaml")],
                            capture_output=True, text=True, timeout=60, check=False)
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("key, words", [("token: t", "one is enough"), ("url: ftp://x", "url"),
                                        ("ca_file: /nowhere.pem", "/nowhere.pem")])
def test_mistakes_in_the_configuration(tmp_path, upstream, key, words):
    path = tmp_path / "broker.yaml"
    service = osb_service(upstream, server_more=f"        {key}\n")
    if key.startswith("url"):
        service = service.replace(f"        url: {upstream.url()}\n", "")
    path.write_text(f"data_dir: {tmp_path}/data\nservices:\n{service}")
    result = subprocess.run([BROKER, "serve", "-c", str(path)], capture_output=True, text=True, timeout=60, check=False)
    assert result.returncode == 1 and words in result.stderr and upstream.password not in result.stderr
