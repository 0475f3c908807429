"""The records beside tsuru's own list: what either side lacks, and the end of binds that tsuru has forgotten.

tsurud itself is not here: test/support/tsuru_list.py answers with the bytes that its source makes."""

import copy
import re
import subprocess
import threading
import time

import psycopg2
import pytest

from harness import TIMEOUT, Tsuru, closing, postgres_service, scripted_service, wait_until
from tsuru_list import TsuruList, encode

GRACE = 1  # seconds


def section(tsuru, directory, interval="0", grace=f"{GRACE}s", more=""):
    token = directory / "token"
    token.write_text(tsuru.token + "\n")
    return f"tsuru: {{url: {tsuru.url}, token_file: {token}, interval: {interval}, grace: {grace}{more}}}\n"


class World:
    """A broker with the scripted driver, tsuru's requests, and tsuru's list."""

    def __init__(self, start_broker, directory, listed, **options):
        self.directory = directory
        self.listed = listed
        self.rules = directory / "rules"
        self.services = scripted_service(directory, "x")
        self.broker = start_broker(self.services, limits=section(listed, directory, **options))
        self.tsuru = Tsuru(self.broker, "scripted", "x")

    def make(self, name, apps=(), jobs=()):
        """An instance that both sides have, with its binds."""
        assert self.tsuru.create(name, "small").status == 201
        for app in apps:
            assert self.tsuru.bind(name, app).status == 201
        for job in jobs:
            assert self.tsuru.bind_job(name, job).status == 201
        self.listed.services.setdefault("scripted", {})[name] = {"apps": list(apps), "jobs": list(jobs)}

    def compare(self, apply=False, broker=None):
        """One whole comparison; what GET /v1/reconcile says behind it."""
        broker = broker or self.broker
        assert broker.admin("/v1/reconcile" + ("/apply" if apply else ""), "POST").status == 202
        return wait_until("it rests", lambda: (lambda told: told["state"] == "resting" and told)(broker.admin("/v1/reconcile").json))

    def found(self, **options):
        return sorted((one["kind"], one["instance"], one.get("bind_kind"), one.get("bind"))
                      for one in self.compare(**options)["differences"])

    def binds(self, name="mydb"):
        return sorted(one["name"] for one in self.tsuru.send("GET", f"/resources/{name}/binds").json)

    def logins(self):
        """What is on the server."""
        return set(re.findall(r"(?m)^login (\S+)", (self.directory / "state").read_text()))


@pytest.fixture
def listed():
    tsuru = TsuruList()
    yield tsuru
    tsuru.close()


@pytest.fixture
def world(start_broker, tmp_path, listed):
    return World(start_broker, tmp_path, listed)


ORPHANS = [("orphaned-bind", "mydb", "app", "gone"), ("orphaned-bind", "mydb", "job", "nightly")]


@pytest.fixture
def orphaned(world):
    """Two binds that tsuru has forgotten, found so long ago that they are due; and one that it knows."""
    world.make("mydb", apps=["shop", "gone"], jobs=["nightly"])
    world.listed.services["scripted"]["mydb"] = {"apps": ["shop"], "jobs": []}
    assert world.found() == ORPHANS
    time.sleep(GRACE + 0.1)
    return world


# ---- what is shown ----

def test_what_either_side_lacks(world):
    world.make("mydb", apps=["shop", "gone"], jobs=["daily", "nightly"])
    world.make("alone", apps=["shop"])
    world.make("both")
    assert world.found() == []
    assert "differences" not in world.broker.ctl("reconcile")
    began = time.monotonic()
    listed = world.listed.services["scripted"]
    del listed["alone"]
    listed["mydb"] = {"apps": ["shop", "unknown"], "jobs": ["daily", "weekly"]}
    listed["theirs"] = {"apps": ["shop"], "jobs": []}
    world.listed.services["others"] = {"mydb": {"apps": ["x"], "jobs": []}, "theirs": {"apps": ["x"], "jobs": []}}
    time.sleep(GRACE + 0.1)  # an instance is not missed by tsuru while its create may be under way there
    assert world.found() == [("bind-without-record", "mydb", "app", "unknown"), ("bind-without-record", "mydb", "job", "weekly"),
                             ("instance-unknown-to-tsuru", "alone", None, None), ("instance-without-record", "theirs", None, None),
                             *ORPHANS]
    shown = world.broker.ctl("reconcile", status=3)
    for text in ("binds that tsuru does not know", "instances that tsuru does not know", "instances of tsuru's that there is no record of",
                 "binds of tsuru's that there is no record of", "nightly", "weekly"):
        assert text in shown, shown
    ready = world.broker.admin("/ready", user=None).json
    assert ready["tsuru"] == "compared" and ready["tsuru_differences"] == 6 and ready["tsuru_compared"]
    assert "mydb" not in str(ready)
    assert "tsuru_differences" in world.broker.ctl("health")
    metrics = world.broker.admin("/metrics").body
    assert 'tsuru_broker_tsuru_differences{service="scripted",kind="orphaned-bind"} 2' in metrics
    assert 'tsuru_broker_tsuru_differences{service="scripted",kind="instance-without-record"} 1' in metrics
    assert float(re.search(r"(?m)^tsuru_broker_tsuru_compared_age_seconds (\S+)", metrics)[1]) < time.monotonic() - began
    assert world.binds("alone") == ["shop"]
    assert [one["since"] for one in world.compare()["differences"]] == [one["since"] for one in world.compare()["differences"]]


def test_without_the_section_there_is_nothing(start_broker, tmp_path):
    broker = start_broker(scripted_service(tmp_path, "x"))
    assert 'the configuration has no "tsuru"' in broker.ctl("reconcile", status=1)
    assert broker.admin("/v1/reconcile").status == 400
    assert "tsuru" not in broker.admin("/ready").json
    assert not re.search(r"(?m)^tsuru_broker_tsuru_compared_age_seconds ", broker.admin("/metrics").body)


# ---- the end of orphans ----

def test_orphans_end_after_the_grace(world):
    world.make("mydb", apps=["shop", "gone"], jobs=["nightly"])
    time.sleep(GRACE + 0.1)  # the binds are old enough, and nobody has found them to be orphans yet
    world.listed.services["scripted"]["mydb"] = {"apps": ["shop"], "jobs": []}
    first = world.compare(apply=True)
    assert first["ended"] == 0 and not any(one["due"] for one in first["differences"])
    assert world.binds() == ["gone", "nightly", "shop"]
    time.sleep(GRACE + 0.1)
    assert all(one["due"] for one in world.compare()["differences"])  # a look ends nothing
    assert world.binds() == ["gone", "nightly", "shop"]
    out = world.broker.ctl("reconcile", "--apply", status=3)
    assert re.search(r"(?m)^ended +2$", out), out
    wait_until("they are gone", lambda: world.binds() == ["shop"])
    assert world.found() == []
    ended = [one for one in world.broker.admin("/v1/audit").json["audit"] if one["action"] == "unbind"]
    assert sorted((one["bind"], one["outcome"]) for one in ended) == [("gone", "done"), ("nightly", "done")]
    assert {one["user"] for one in ended} == {"ops"}
    assert any(one["action"] == "reconcile" and one["user"] == "ops" for one in world.broker.admin("/v1/audit").json["audit"])


def test_a_young_bind_is_left_alone(world):
    world.make("mydb", apps=["shop"])
    world.listed.services["scripted"]["mydb"]["apps"] = []
    assert world.found() == [("orphaned-bind", "mydb", "app", "shop")]
    time.sleep(GRACE + 0.1)
    assert world.tsuru.bind("mydb", "shop").status == 201  # asked for again: it is wanted
    assert world.compare(apply=True)["ended"] == 0
    assert world.binds() == ["shop"]


def test_one_that_tsuru_knows_again_begins_anew(world):
    world.make("mydb", apps=["shop"])
    listed = world.listed.services["scripted"]["mydb"]
    listed["apps"] = []
    assert len(world.found()) == 1
    time.sleep(GRACE + 0.1)
    listed["apps"] = ["shop"]
    assert world.found() == []
    listed["apps"] = []
    assert world.compare(apply=True)["ended"] == 0
    assert world.binds() == ["shop"]


def test_the_schedule(start_broker, tmp_path, listed):
    world = World(start_broker, tmp_path, listed, interval="200ms", more=", end_orphans: true")
    world.make("mydb", apps=["shop", "gone"])
    began = time.monotonic()
    world.listed.services["scripted"]["mydb"]["apps"] = ["shop"]
    wait_until("the orphan is gone", lambda: world.binds() == ["shop"])
    assert time.monotonic() - began >= GRACE
    ended = [one for one in world.broker.admin("/v1/audit").json["audit"] if one["action"] == "unbind"]
    assert [(one["bind"], one["user"]) for one in ended] == [("gone", "reconcile")]


def test_the_schedule_alone_ends_nothing(start_broker, tmp_path, listed):
    world = World(start_broker, tmp_path, listed, interval="100ms")
    world.make("mydb", apps=["gone"])
    world.listed.services["scripted"]["mydb"]["apps"] = []
    wait_until("it is due", lambda: [one["due"] for one in world.broker.admin("/v1/reconcile").json["differences"]] == [True])
    looks = len(listed.requests)
    wait_until("it was looked at again", lambda: len(listed.requests) > looks + 2)
    assert world.binds() == ["gone"]


def test_no_more_than_the_limit(start_broker, tmp_path, listed):
    world = World(start_broker, tmp_path, listed, more=", limit: 2")
    world.make("mydb", apps=[f"app-{i}" for i in range(3)])
    world.make("other", apps=[f"app-{i}" for i in range(2)])
    world.listed.services["scripted"] = {name: {"apps": [], "jobs": []} for name in ("mydb", "other")}
    world.compare()
    time.sleep(GRACE + 0.1)
    for ended, left in ((2, 3), (2, 1), (1, 0), (0, 0)):
        assert world.compare(apply=True)["ended"] == ended
        wait_until("they are gone", lambda left=left: len(world.binds() + world.binds("other")) == left)


# ---- what is not known to be gone ----

def test_jobs_of_a_tsuru_that_does_not_tell_them(orphaned):
    orphaned.listed.services["scripted"]["mydb"] = {"apps": ["shop"]}
    assert orphaned.found(apply=True) == ORPHANS[:1]
    wait_until("the app's bind is gone", lambda: orphaned.binds() == ["nightly", "shop"])


def test_an_old_clients_host_is_no_name_of_tsurus(world):
    world.make("mydb")
    assert world.tsuru.send("POST", "/resources/mydb/bind", {"app-host": "shop.example.com"}).status == 201
    assert world.found() == []


def test_an_instance_that_tsuru_does_not_list_keeps_its_binds(orphaned):
    orphaned.listed.services["scripted"] = {"another": {"apps": [], "jobs": []}}
    assert orphaned.found(apply=True) == [("instance-unknown-to-tsuru", "mydb", None, None),
                                          ("instance-without-record", "another", None, None)]
    assert orphaned.binds() == ["gone", "nightly", "shop"]


def test_services_beside_each_other(start_broker, tmp_path, listed):
    (tmp_path / "second").mkdir()
    services = scripted_service(tmp_path, "x") + scripted_service(tmp_path / "second", "x", name="second")
    broker = start_broker(services, limits=section(listed, tmp_path))
    world = World.__new__(World)
    world.broker = broker
    first, second = Tsuru(broker, "scripted", "x"), Tsuru(broker, "second", "x")
    for tsuru in (first, second):
        assert tsuru.create("mydb", "small").status == 201
        assert tsuru.bind("mydb", "shop").status == 201
    listed.services.update({"scripted": {"mydb": {"apps": ["shop"], "jobs": []}}, "second": {"mydb": {"apps": [], "jobs": []}},
                            "third": {"mydb": {"apps": [], "jobs": []}}})
    world.compare()
    time.sleep(GRACE + 0.1)
    assert [(one["service"], one["bind"]) for one in world.compare(apply=True)["differences"]] == [("second", "shop")]
    wait_until("it is gone", lambda: second.send("GET", "/resources/mydb/binds").json == [])
    assert len(first.send("GET", "/resources/mydb/binds").json) == 1


def test_what_is_under_way_is_left_alone(orphaned):
    orphaned.rules.write_text("update hold\n")
    services = scripted_service(orphaned.directory, "x", more="    wait: 0s\n")
    assert "event=reloaded" in orphaned.broker.reload(services, section(orphaned.listed, orphaned.directory))
    assert orphaned.tsuru.update("mydb", "large").status == 200
    answer = orphaned.compare(apply=True)
    assert orphaned.tsuru.status("mydb").status == 202  # the update goes on
    assert answer["ended"] == 0 and all(one["due"] for one in answer["differences"])
    assert orphaned.binds() == ["gone", "nightly", "shop"]
    orphaned.rules.write_text("")
    wait_until("it is done", lambda: orphaned.tsuru.is_up("mydb"))
    assert orphaned.compare(apply=True)["ended"] == 2


# ---- answers that are of no use ----

def drop(handler):
    handler.close_connection = True
    handler.connection.shutdown(2)


def cut(headers):
    """The connection ends in the middle of the answer."""
    def act(handler):
        body = handler.tsuru.body().encode()
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n" + headers % {b"length": len(body)} + b"\r\n")
        handler.wfile.write((b"%x\r\n" % len(body) if b"chunked" in headers else b"") + body[:len(body) // 2])
        handler.close_connection = True
    return act


def told(status, body, content_type="application/json", **headers):
    return lambda handler: handler.answer(status, body, content_type, **headers)


def changed(change):
    """What tsuru would have sent, and something else about it."""
    def act(handler):
        model = handler.tsuru.model()
        handler.answer(200, encode(change(model) or model))
    return act


def rename(model):
    model[0]["service_instances"][0]["service_name"] = "others"


def lose_apps(model):
    del model[0]["service_instances"][0]["apps"]


def lose_instances(model):
    del model[0]["service_instances"]


def append(value):
    return changed(lambda model: model[0]["service_instances"].append(value))


ODD = {
    "dropped": (drop, "cannot be asked"),
    "cut, with its length": (cut(b"Content-Length: %(length)d\r\n"), "cannot be asked"),
    "cut, in chunks": (cut(b"Transfer-Encoding: chunked\r\n"), "cannot be asked"),
    "cut, without a length": (cut(b"Connection: close\r\n"), "cut off"),
    "204": (lambda handler: (handler.send_response(204), handler.end_headers()), "answered 204"),
    "empty": (told(200, ""), "no JSON"),
    "no services": (told(200, "[]\n"), "has no service"),
    "null": (told(200, "null\n"), "it is no list"),
    "301": (told(301, "", Location="/1.0/services/instances/"), "answered 301: it sends elsewhere"),
    "302": (told(302, "", Location="http://127.0.0.1:1/"), "answered 302"),
    "206": (lambda handler: handler.answer(206, handler.tsuru.body()), "answered 206"),
    "401": (told(401, "Invalid token", "text/plain"), "answered 401: it does not take the token"),
    "403": (told(403, "You don't have permission", "text/plain"), "answered 403"),
    "404": (told(404, "404 page not found", "text/plain"), "answered 404"),
    "500": (told(500, "boom", "text/plain"), "answered 500"),
    "503 with a list": (lambda handler: handler.answer(503, handler.tsuru.body()), "answered 503"),
    "html": (told(200, "<html></html>", "text/html"), "no JSON"),
    "a list as text": (lambda handler: handler.answer(200, handler.tsuru.body(), "text/plain"), 'it is "text/plain", not JSON'),
    "no type": (lambda handler: handler.answer(200, handler.tsuru.body(), None), 'it is "", not JSON'),
    "an error behind it": (lambda handler: handler.answer(200, handler.tsuru.body() + "boom\n"), "no JSON"),
    "another's services": (changed(lambda model: [{**model[0], "service": "x", "instances": [], "service_instances": None}]),
                           'lacks the service "scripted"'),
    "our service under another name": (changed(rename), "of another one"),
    "no apps": (changed(lose_apps), "lacks its name, its service or its apps"),
    "no instances": (changed(lose_instances), "a service lacks"),
    "an instance that is none": (append(None), "an item of a list"),
    "an instance without anything": (append({}), "an instance lacks"),
    "an instance twice": (changed(lambda model: model[0]["service_instances"].append(copy.deepcopy(model[0]["service_instances"][0]))
                                  or model[0]["instances"].append("mydb")), "scripted/mydb twice"),
    "more names than instances": (changed(lambda model: model[0]["instances"].append("more")), "more or fewer names"),
    "the service twice": (changed(lambda model: model + [{**model[0], "instances": [], "service_instances": None}]), "twice"),
    "apps that are no names": (changed(lambda model: model[0]["service_instances"][0].update(apps=[1])), "an item of a list"),
    "apps as a text": (changed(lambda model: model[0]["service_instances"][0].update(apps="shop")), '"apps" is not'),
    "too deep": (told(200, "[" * 100 + "]" * 100), "tsuru's list of instances is odd"),
    "a header too large": (told(200, "[]", Padding="x" * 200000), "cannot be asked"),
}


def test_odd_answers_end_nothing(orphaned):
    world = orphaned
    for name, (act, why) in ODD.items():
        world.listed.instead = act
        answer = world.compare(apply=True)
        assert why in answer.get("failure", ""), (name, answer)
        assert world.binds() == ["gone", "nightly", "shop"], name
    assert "see ctl reconcile" in world.broker.admin("/ready").json["tsuru"]
    assert "failure" in world.broker.ctl("reconcile", status=3)
    world.listed.instead = None
    assert world.compare(apply=True)["ended"] == 2  # what was found before them counts on
    wait_until("they are gone", lambda: world.binds() == ["shop"])
    assert not [one for one in world.broker.admin("/v1/audit").json["audit"] if one["action"] == "unbind" and one["user"] == "reconcile"]


def test_an_odd_first_look_is_none(world):
    """An orphan that only a list of no use has shown is not known to be one."""
    world.make("mydb", apps=["gone"])
    world.make("other")
    world.listed.services["scripted"]["mydb"]["apps"] = []
    world.listed.instead = append({})
    assert "failure" in world.compare()
    time.sleep(GRACE + 0.1)
    world.listed.instead = None
    assert world.compare(apply=True)["ended"] == 0


# ---- the token, another configuration, crashes ----

def test_the_token(orphaned):
    world = orphaned
    path, headers = world.listed.requests[-1]
    assert path == "/1.0/services/instances" and headers["Authorization"] == "Bearer s3cret-t0ken"
    (world.directory / "token").write_text("an-0ther\n")
    world.listed.token = "an-0ther"
    assert "answered 401" in world.compare()["failure"]  # it is read with the configuration
    assert "event=reloaded" in world.broker.reload(world.services, section(world.listed, world.directory))
    assert "failure" not in world.compare()
    for shown in (world.broker.log(), world.broker.ctl("reconcile", status=3), world.broker.ctl("health"), world.broker.ctl("audit")):
        assert "t0ken" not in shown and "0ther" not in shown
    (world.directory / "token").write_text("")
    world.broker.write_config(world.services, section(world.listed, world.directory).replace(str(world.directory / "token"), "/nowhere"))
    assert "token file" in world.broker.ctl("reload", status=1)


def test_another_tsuru_begins_anew(orphaned):
    other = TsuruList(copy.deepcopy(orphaned.listed.services))
    with closing(other):
        assert "event=reloaded" in orphaned.broker.reload(orphaned.services, section(other, orphaned.directory))
        asked = len(orphaned.listed.requests)
        assert orphaned.compare(apply=True)["ended"] == 0
        assert len(orphaned.listed.requests) == asked and len(other.requests) == 1
        assert "event=reloaded" in orphaned.broker.reload(orphaned.services)
        assert orphaned.broker.admin("/v1/reconcile").status == 400


def test_a_reload_in_the_middle(world):
    world.make("mydb")
    reloaded = threading.Event()
    def hang(handler):
        world.listed.instead = None
        reloaded.wait(TIMEOUT)
        drop(handler)
    world.listed.instead = hang
    assert world.broker.admin("/v1/reconcile", "POST").status == 202
    wait_until("tsuru is asked", lambda: world.listed.requests and world.listed.instead is None)
    assert "event=reloaded" in world.broker.reload(world.services, section(world.listed, world.directory))
    reloaded.set()
    told_now = wait_until("it rests", lambda: (lambda now: now["state"] == "resting" and now)(world.broker.admin("/v1/reconcile").json))
    assert "failure" not in told_now and told_now["compared"] and len(world.listed.requests) == 2


def test_kill_in_the_middle(orphaned):
    """An end that was begun goes on; one that was not has its whole grace again."""
    orphaned.rules.write_text("unbind hold\n")
    orphaned.broker.reload(orphaned.services, section(orphaned.listed, orphaned.directory, more=", limit: 1"))
    assert orphaned.compare(apply=True)["ended"] == 1
    wait_until("it is under way", lambda: len(orphaned.broker.admin("/v1/operations?state=pending").json["operations"]) == 1)
    orphaned.broker.kill()
    orphaned.rules.write_text("")
    orphaned.broker.start()
    wait_until("it has ended", lambda: orphaned.binds() == ["nightly", "shop"])
    assert orphaned.compare(apply=True)["ended"] == 0
    assert orphaned.binds() == ["nightly", "shop"]


def test_tls(start_broker, tmp_path):
    certificate, key = str(tmp_path / "cert.pem"), str(tmp_path / "key.pem")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1",
                    "-addext", "subjectAltName=IP:127.0.0.1", "-out", certificate, "-keyout", key], check=True, capture_output=True)
    listed = TsuruList({"scripted": {}}, tls=(certificate, key))
    with closing(listed):
        world = World(start_broker, tmp_path, listed, more=f", ca_file: {certificate}")
        world.make("mydb", apps=["shop"])
        assert world.found() == []
        world.broker.reload(world.services, section(listed, tmp_path))
        assert "certificate" in world.compare()["failure"]
        world.broker.reload(world.services, section(listed, tmp_path, more=", ca_file: /nowhere.pem"))
        assert "/nowhere.pem" in world.compare()["failure"]


def test_many_instances(world):
    """20,000 of tsuru's, of which there is no record: they are counted, and the broker goes on to answer."""
    world.make("mydb", apps=["gone"])
    world.listed.services["scripted"] = {f"db-{i}": {"apps": [f"app-{i}"], "jobs": []} for i in range(20000)}
    world.listed.services["scripted"]["mydb"] = {"apps": [], "jobs": []}
    answer = world.compare()
    assert answer["differ"] == 20001 and len(answer["differences"]) == 10000
    assert ("orphaned-bind", "gone") in [(one["kind"], one.get("bind")) for one in answer["differences"]]
    assert 'kind="instance-without-record"} 20000' in world.broker.admin("/metrics").body


# ---- a real server ----

def test_the_login_is_dead(start_broker, tmp_path, server, listed):
    broker = start_broker(postgres_service(server, "x"), limits=section(listed, tmp_path))
    world = World.__new__(World)
    world.broker, tsuru = broker, Tsuru(broker, "postgres", "x")
    assert tsuru.create("mydb", "small").status == 201
    shop, gone, job = tsuru.bind("mydb", "shop").json, tsuru.bind("mydb", "gone").json, tsuru.bind_job("mydb", "nightly").json
    session = psycopg2.connect(gone["DATABASE_URL"])
    listed.services["postgres"] = {"mydb": {"apps": ["shop"], "jobs": []}}
    assert len(world.compare(apply=True)["differences"]) == 2
    time.sleep(GRACE + 0.1)
    assert server.as_app(gone, "SELECT 1") == [(1,)]
    assert world.compare(apply=True)["ended"] == 2
    wait_until("they are gone", lambda: len(tsuru.send("GET", "/resources/mydb/binds").json) == 1)
    for env in (gone, job):
        with pytest.raises(psycopg2.OperationalError):
            server.as_app(env, "SELECT 1")
    with pytest.raises(psycopg2.Error):
        session.cursor().execute("SELECT 1")
    session.close()
    assert server.as_app(shop, "SELECT 1") == [(1,)]
    again = tsuru.bind("mydb", "gone").json
    assert again["PG_PASSWORD"] != gone["PG_PASSWORD"] and server.as_app(again, "SELECT 1") == [(1,)]
    tsuru.remove("mydb")
