"""What tsuru has lost: ctl remove and ctl unbind, and a create by the only tsuru there is that takes an instance over with its binds."""

import base64
import contextlib
import http.client
import subprocess

import psycopg2
import pytest

from harness import BROKER, TIMEOUT, Tsuru, postgres_service, scripted_service, wait_until

CRASH_STATUS = 99
ALONE = "    single_tsuru: true\n"


@pytest.fixture
def scripted(start_broker, tmp_path):
    """A broker with the scripted driver, which keeps removed instances, and tsuru in front of it."""
    services = scripted_service(tmp_path, "x").replace("{name: small,", "{name: small, retain: 1h,")
    assert "retain" in services
    broker = start_broker(services)
    broker.rules = tmp_path / "rules"
    return broker, Tsuru(broker, "scripted", "x")


def typed(broker, text, *arguments):
    """ctl whose user types text: its exit code, and all that it prints."""
    done = subprocess.run([BROKER, "ctl", *arguments, "-c", broker.config], input=text, capture_output=True, text=True,
                          env={**broker.environment, "USER": "ops"}, timeout=TIMEOUT, check=False)
    return done.returncode, done.stdout + done.stderr


def shown(broker, name, service="scripted"):
    return broker.ctl("show", f"{service}/{name}", "--json")


def bound(broker, name, service="scripted"):
    return {(one["kind"], one["name"]) for one in shown(broker, name, service)["binds"]}


def last_entry(broker, action):
    return next(one for one in broker.ctl("audit", "--json") if one["action"] == action)


def works(server, env):
    try:
        return server.as_app(env, "SELECT 1") == [(1,)]
    except psycopg2.OperationalError:
        return False


class Asked:
    """A POST of an operator that has reached the broker, and is answered later."""

    def __init__(self, broker, path):
        login = base64.b64encode(b"admin:operate").decode()
        self.connection = http.client.HTTPConnection("127.0.0.1", broker.admin_port, timeout=TIMEOUT)
        self.connection.request("POST", path, "{}", {"Authorization": f"Basic {login}", "Content-Type": "application/json"})
        for _ in range(3):  # what came before these was read before them
            assert broker.admin("/v1/services").status == 200

    def status(self):
        with contextlib.closing(self.connection):
            return self.connection.getresponse().status


# ---- ctl remove ----

def test_an_instance_is_removed_by_its_name(scripted):
    broker, tsuru = scripted
    tsuru.create("mydb", "small")
    tsuru.bind("mydb", "shop")
    for text in ("", "\n", "y\n", "scripted/mydb\n", "mydb2\n"):
        code, told = typed(broker, text, "remove", "scripted/mydb")
        assert code == 1 and "nothing was done" in told and 'the team "red" is ready and has 1 bind.' in told, told
    assert shown(broker, "mydb")["state"] == "ready" and tsuru.is_up("mydb")
    code, told = typed(broker, "mydb\n", "remove", "scripted/mydb")
    assert code == 0 and told.startswith("done\n"), told
    assert tsuru.info("mydb").status == 404 and tsuru.remove("mydb").status == 200  # as after a removal by tsuru
    entry = last_entry(broker, "remove")
    assert (entry["user"], entry["outcome"], entry["instance"]) == ("ops", "done", "mydb")
    # It is retained as its plan says, and is no second time removed.
    assert shown(broker, "mydb")["state"] == "retained"
    assert "ctl purge" in broker.ctl("remove", "scripted/mydb", "--yes", status=1)
    assert "retained" in broker.ctl("unbind", "scripted/mydb", "shop", "--yes", status=1)
    assert broker.ctl("undelete", "mydb") == "done\n" and tsuru.is_up("mydb")


def test_nothing_is_removed_that_is_not_there(scripted):
    broker, _ = scripted
    assert "no instance" in broker.ctl("remove", "scripted/mydb", "--yes", status=1)
    assert "missing argument" in broker.ctl("remove", status=2)
    assert "there is no instance" in broker.ctl("remove", "0123456789abcdef", "--yes", status=1)


def test_a_protection_is_told_and_overridden_on_purpose(scripted):
    broker, tsuru = scripted
    assert tsuru.create("mydb", "small", parameters={"deletion_protection": "true"}).status == 201
    refused = broker.ctl("remove", "scripted/mydb", "--yes", status=1)
    assert "is protected from removal" in refused and "deletion_protection=false" in refused and "--protected" in refused
    assert tsuru.is_up("mydb")
    assert broker.ctl("remove", "scripted/mydb", "--yes", "--protected") == "done\n"
    assert last_entry(broker, "override-protection")["user"] == "ops"
    assert tsuru.info("mydb").status == 404


def test_no_protection_is_told_where_none_is(scripted):
    broker, tsuru = scripted
    tsuru.create("mydb", "small")
    assert broker.ctl("remove", "scripted/mydb", "--yes", "--protected") == "done\n"
    assert not [one for one in broker.ctl("audit", "--json") if one["action"] == "override-protection"]
    answer = broker.admin(f"/v1/instances/{shown(broker, 'mydb')['id']}/remove", "POST", fields={"protected": "yes"})
    assert answer.status == 400 and '"protected" is "yes"' in answer.message


def test_a_removal_under_way_is_joined(scripted):
    broker, tsuru = scripted
    tsuru.create("mydb", "large")
    broker.rules.write_text("deprovision hold\n")
    with subprocess.Popen([BROKER, "ctl", "remove", "scripted/mydb", "--yes", "-c", broker.config], env=broker.environment) as first:
        wait_until("it is being removed", lambda: shown(broker, "mydb")["state"] == "removing")
        second = Asked(broker, f"/v1/instances/{shown(broker, 'mydb')['id']}/remove")
        broker.rules.write_text("")
        assert second.status() == 200
        assert first.wait(TIMEOUT) == 0
    assert len([one for one in broker.ctl("audit", "--json") if one["action"] == "remove"]) == 1


def test_a_removal_that_failed_is_done_again(scripted):
    broker, tsuru = scripted
    tsuru.create("mydb", "large")
    tsuru.bind("mydb", "shop")
    broker.rules.write_text("deprovision fail-final 1\n")
    assert tsuru.remove("mydb").status == 422
    assert broker.ctl("remove", "scripted/mydb", "--yes") == "done\n"
    assert "no instance" in broker.ctl("show", "scripted/mydb", status=1)


def test_one_that_could_not_be_made_is_removed(scripted):
    broker, tsuru = scripted
    services = scripted_service(broker.rules.parent, "x", more="    wait: 0s\n")
    assert "event=reloaded" in broker.reload(services)
    broker.rules.write_text("provision fail-final 1 300ms\n")
    assert tsuru.create("mydb", "small").status in (201, 202)  # nobody is told of the failure, so that its record stays
    wait_until("it failed", lambda: shown(broker, "mydb")["state"] == "failed")
    assert broker.ctl("remove", "scripted/mydb", "--yes").startswith(("done", "accepted"))
    wait_until("it is gone", lambda: not broker.ctl("instances", "--json"))


def test_a_removal_ends_the_tries_of_work_under_way(scripted):
    broker, tsuru = scripted
    tsuru.create("mydb", "small")
    services = scripted_service(broker.rules.parent, "x", more="    wait: 0s\n")
    assert "event=reloaded" in broker.reload(services)
    broker.rules.write_text("update fail-transient\n")
    assert tsuru.update("mydb", "large").status == 200
    assert broker.ctl("remove", "scripted/mydb", "--yes").startswith("accepted")
    wait_until("it is gone", lambda: not broker.ctl("instances", "--json"))
    assert last_entry(broker, "update")["outcome"] == "canceled"


# ---- ctl unbind ----

def test_a_bind_is_ended_by_its_name(scripted):
    broker, tsuru = scripted
    tsuru.create("mydb", "small")
    before = tsuru.bind("mydb", "shop", event="e1").json
    for job in ("shop", "nightly"):
        assert tsuru.bind_job("mydb", job).status == 201
    told = broker.ctl("unbind", "scripted/mydb", "shop", "--yes", status=1)
    assert "app/shop" in told and "job/shop" in told
    for wrong in ("other", "job/other", "app/nightly", "jo/nightly", "/nightly", "job/", "nightly/"):
        assert "is bound to the instance" in broker.ctl("unbind", "scripted/mydb", wrong, "--yes", status=1), wrong
    assert 'missing argument "APP|JOB"' in broker.ctl("unbind", "scripted/mydb", status=2)
    assert "unexpected argument" in broker.ctl("unbind", "scripted/mydb", "shop", "more", status=2)
    for text in ("", "y\n", "job/nightly\n"):
        code, told = typed(broker, text, "unbind", "scripted/mydb", "nightly")
        assert code == 1 and "nothing was done" in told and 'bind of the job "nightly", which is bound' in told, told
    assert len(bound(broker, "mydb")) == 3
    assert typed(broker, "nightly\n", "unbind", "scripted/mydb", "nightly")[0] == 0
    assert broker.ctl("unbind", "scripted/mydb", "app/shop", "--yes") == "done\n"
    assert bound(broker, "mydb") == {("job", "shop")}
    entry = last_entry(broker, "unbind")
    assert (entry["user"], entry["bind"], entry["outcome"]) == ("ops", "shop", "done")
    # tsuru's own way goes on, and brings no credentials of before back.
    assert tsuru.unbind("mydb", "shop").status == 200
    assert tsuru.bind("mydb", "shop", event="e1").json != before


def test_an_end_says_what_is_wrong(scripted):
    broker, tsuru = scripted
    tsuru.create("mydb", "small")
    path = f"/v1/instances/{shown(broker, 'mydb')['id']}/unbind"
    for fields, status, text in (({"name": "shop"}, 400, '"kind"'), ({"kind": "unit", "name": "shop"}, 400, "allowed are app and job"),
                                 ({"kind": "app"}, 400, '"name" is missing'),
                                 ({"kind": "app", "name": "shop", "changed": "now"}, 400, '"changed" is "now"'), ({"kind": "app", "name": "a/b"}, 400, "a/b"),
                                 ({"kind": "job", "name": "shop"}, 404, 'the job "shop" is not bound')):
        answer = broker.admin(path, "POST", fields=fields)
        assert answer.status == status and text in answer.message, answer
    assert broker.admin("/v1/instances/0123456789abcdef/unbind", "POST", fields={"kind": "app", "name": "shop"}).status == 404


def test_a_bind_that_was_asked_for_again_is_not_meant(scripted):
    """While an operator looks at it, tsuru unbinds and binds the app."""
    broker, tsuru = scripted
    tsuru.create("mydb", "small")
    tsuru.bind("mydb", "shop")
    looked_at = shown(broker, "mydb")["binds"][0]["changed"]
    path = f"/v1/instances/{shown(broker, 'mydb')['id']}/unbind"
    assert tsuru.unbind("mydb", "shop").status == 200
    kept = tsuru.bind("mydb", "shop", event="e2").json
    told = broker.admin(path, "POST", fields={"kind": "app", "name": "shop", "changed": looked_at})
    assert told.status == 503 and "has changed" in told.message
    assert tsuru.bind("mydb", "shop", event="e2").json == kept
    looked_at = shown(broker, "mydb")["binds"][0]["changed"]
    assert broker.admin(path, "POST", fields={"kind": "app", "name": "shop", "changed": looked_at}).status == 200


def test_a_bind_by_an_old_clients_host_is_ended(scripted):
    broker, tsuru = scripted
    tsuru.create("mydb", "small")
    assert tsuru.send("POST", "/resources/mydb/bind-app", {"app-host": "shop.example.com:8080"}).status == 201
    assert broker.ctl("unbind", "scripted/mydb", "shop.example.com:8080", "--yes") == "done\n"
    assert not bound(broker, "mydb")


def test_an_end_that_failed_for_good_is_done_again(scripted):
    broker, tsuru = scripted
    tsuru.create("mydb", "small")
    tsuru.bind("mydb", "shop")
    broker.rules.write_text("unbind fail-final 1\n")
    assert "tsuru-broker: " in broker.ctl("unbind", "scripted/mydb", "shop", "--yes", status=1)
    assert bound(broker, "mydb") == {("app", "shop")}
    assert broker.ctl("unbind", "scripted/mydb", "shop", "--yes") == "done\n"
    assert not bound(broker, "mydb")


# ---- a create of the only tsuru there is ----

def test_a_bound_instance_is_nobodys_to_take_where_several_share_it(start_broker, server):
    broker = start_broker(postgres_service(server, "x", name="several"))
    tsuru = Tsuru(broker, "several", "x")
    tsuru.create("mydb", "small")
    env = tsuru.bind("mydb", "shop").json
    refused = tsuru.create("mydb", "small")
    assert refused.status == 409 and "in use already" in refused.message
    assert works(server, env)
    tsuru.remove("mydb")


def lose(server, tsuru, broker):
    """A database with an app, a job and rows that tsuru then knows nothing of: both environments."""
    assert tsuru.create("mydb", "small").status == 201
    app, job = tsuru.bind("mydb", "shop").json, tsuru.bind_job("mydb", "nightly").json
    server.as_app(app, "CREATE TABLE notes (text text); INSERT INTO notes VALUES ('precious')")
    assert works(server, app) and works(server, job) and len(bound(broker, "mydb", "postgres")) == 2
    return app, job


def test_a_lost_database_comes_back_without_its_logins(start_broker, server):
    broker = start_broker(postgres_service(server, "x", more=ALONE))
    tsuru = Tsuru(broker, "postgres", "x")
    lost = lose(server, tsuru, broker)
    session = psycopg2.connect(lost[0]["DATABASE_URL"])
    theirs = Tsuru(broker, "postgres", "x", team="blue").create("mydb", "small")
    assert theirs.status == 409 and "another team" in theirs.message
    assert tsuru.create("mydb", "nothing").status == 400
    assert all(works(server, env) for env in lost)
    assert tsuru.create("mydb", "large").status == 201
    assert not any(works(server, env) for env in lost)
    with pytest.raises(psycopg2.Error):
        session.cursor().execute("SELECT 1")
    assert not bound(broker, "mydb", "postgres") and shown(broker, "mydb", "postgres")["plan"] == "large"
    for action, count in (("unbind", 2), ("update", 1)):
        entries = [one for one in broker.ctl("audit", "--json") if one["action"] == action]
        assert len(entries) == count and all(one["user"] == tsuru.user and one["outcome"] == "done" for one in entries), entries
    env = tsuru.bind("mydb", "shop").json
    assert env["PG_PASSWORD"] != lost[0]["PG_PASSWORD"]
    assert server.as_app(env, "SELECT text FROM notes") == [("precious",)]
    assert tsuru.remove("mydb").status == 200 and not server.roles()


def test_a_server_that_is_away_keeps_no_login_alive(start_broker, own_server):
    """The create is answered at once, and nothing new is bound before the old logins are dead."""
    broker = start_broker(postgres_service(own_server, "x", more=ALONE + "    wait: 1s\n    bind_wait: 120s\n"))
    tsuru = Tsuru(broker, "postgres", "x")
    lost = lose(own_server, tsuru, broker)
    own_server.stop()
    assert tsuru.create("mydb", "small").status in (201, 202)
    assert tsuru.create("mydb", "small").status in (201, 202)  # and once more
    broker.kill()
    own_server.start()
    broker.start()
    env = tsuru.bind("mydb", "shop").json
    assert not any(works(own_server, one) for one in lost) and works(own_server, env)
    wait_until("all has ended", lambda: not broker.ctl("operations", "--json"))
    assert bound(broker, "mydb", "postgres") == {("app", "shop")}


def test_one_without_servers_comes_back_too(start_broker):
    broker = start_broker("""  - name: relay
    driver: shared
    password: x
    single_tsuru: true
    plans:
      - {name: only, env: {RELAY: "smtp://{instance}"}}
""")
    tsuru = Tsuru(broker, "relay", "x")
    assert tsuru.create("mydb", "only").status == 201 and tsuru.bind("mydb", "shop").status == 201
    assert tsuru.create("mydb", "only").status == 201
    assert not bound(broker, "mydb", "relay") and tsuru.is_up("mydb")
    assert tsuru.bind("mydb", "shop").json == {"RELAY": "smtp://mydb"}


POINTS = ["intent:before", "intent:durable", *(f"result:{when}:{number}" for number in (1, 2, 3) for when in ("before", "durable")), "reply:before"]


@pytest.mark.parametrize("point", POINTS)
def test_the_program_ends_in_the_middle(start_broker, server, point):
    """tsuru has no row then, and its user creates it again."""
    broker = start_broker(postgres_service(server, "x", more=ALONE))
    tsuru = Tsuru(broker, "postgres", "x")
    lost = lose(server, tsuru, broker)
    broker.stop()
    broker.environment["CRASH_POINT"] = point
    broker.start()
    with pytest.raises(OSError):
        tsuru.create("mydb", "small")
    assert broker.process.wait(TIMEOUT) == CRASH_STATUS
    del broker.environment["CRASH_POINT"]
    broker.start()
    assert tsuru.create("mydb", "small").status == 201
    assert not any(works(server, env) for env in lost) and not bound(broker, "mydb", "postgres")
    env = tsuru.bind("mydb", "shop").json
    assert server.as_app(env, "SELECT text FROM notes") == [("precious",)]
    wait_until("all has ended", lambda: not broker.ctl("operations", "--json"))
    assert tsuru.remove("mydb").status == 200 and not server.roles()


@pytest.mark.parametrize("command", [("remove", "postgres/mydb"), ("unbind", "postgres/mydb", "shop")], ids=lambda words: words[0])
@pytest.mark.parametrize("point", ["intent:durable", "result:before", "result:durable"])
def test_what_an_operator_ended_ends_after_a_crash(start_broker, server, point, command):
    broker = start_broker(postgres_service(server, "x"))
    tsuru = Tsuru(broker, "postgres", "x")
    app, job = lose(server, tsuru, broker)
    broker.stop()
    broker.environment["CRASH_POINT"] = point
    broker.start()
    del broker.environment["CRASH_POINT"]
    broker.ctl(*command, "--yes", status=1)
    assert broker.process.wait(TIMEOUT) == CRASH_STATUS
    broker.start()
    wait_until("all has ended", lambda: not broker.ctl("operations", "--json"))
    assert not works(server, app) and works(server, job) == (command[0] == "unbind")
    if command[0] == "unbind":
        assert bound(broker, "mydb", "postgres") == {("job", "nightly")}
        tsuru.remove("mydb")
    assert not server.roles()
