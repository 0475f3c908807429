"""What an operator does: health, metrics, ctl, undelete, drift, adoption, reload, backups, another master key."""

import concurrent.futures
import json
import os
import re
import shutil
import signal
import subprocess
import threading
import time

import psycopg2
import pytest

from harness import BROKER, NO_PASS, TIMEOUT, Tsuru, postgres_service, scripted_service, wait_until

ROUTES = os.path.join(os.path.dirname(__file__), "..", "..", "src", "admin", "routes.c")
PLANS = """      - {{name: small, connection_limit: 10, retain: {retain}}}
      - {{name: large, connection_limit: 100, retain: 0}}
"""




def postgres(server, retain="1h", password="x"):
    return postgres_service(server, password, plans=PLANS.format(retain=retain))


@pytest.fixture
def scripted(start_broker, tmp_path):
    """A broker with the scripted driver, and tsuru in front of it."""
    broker = start_broker(scripted_service(tmp_path, "x"))
    broker.rules = tmp_path / "rules"
    broker.services = scripted_service(tmp_path, "x")
    return broker, Tsuru(broker, "scripted", "x")


def only(items):
    assert len(items) == 1, items
    return items[0]


# ---- health and metrics ----

def test_health_and_readiness_are_open_and_the_rest_is_not(scripted):
    broker, _ = scripted
    health = broker.admin("/health", user=None).json
    assert health["status"] == "ok" and health["configuration"] == "good" and health["version"]
    ready = wait_until("the server was checked",
                       lambda: (lambda now: now["servers"][0]["state"] == "up" and now)(broker.admin("/ready", user=None).json))
    assert ready["ready"] is True and ready["store"] == "writable"
    assert broker.admin("/metrics", user=None).status == 200
    for path in ("/v1/services", "/v1/instances", "/v1/audit", "/", "/health/", "/metrics/x"):
        assert broker.admin(path, user=None).status == 401, path
        assert broker.admin(path, user="admin:wrong").status == 401, path
    assert broker.admin("/v1/nothing").status == 404
    assert broker.admin("/v1/services", method="POST").status == 405


FORMS = ("application/x-www-form-urlencoded", "text/plain", "multipart/form-data; boundary=x", "", None, "application/jsonp")
FOREIGN = ({"Origin": "https://evil.example"}, {"Origin": "null"}, {"Origin": ""}, {"Origin": "http://127.0.0.1"}, {"Origin": "http://127.0.0.1:1"},
           {"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}, {"Sec-Fetch-Site": ""})


def state_changing_paths(instance):
    """Every POST that the table of routes has."""
    with open(ROUTES, encoding="utf-8") as file:
        table = file.read().replace(" ", "").replace('INSTANCE"', '"/v1/instances/{id}').replace('OPERATION"', '"/v1/operations/{id}').replace(
            'SERVER"', '"/v1/servers/{service}/{server}')
    paths = [path.format(id=instance, service="scripted", server="one") for path in re.findall(r'(?:{|ROUTE\()"POST","([^"]*)"', table)]
    assert len(paths) >= 13
    return paths


def test_no_page_of_another_site_changes_anything(scripted):
    """A browser that remembers the operators' password sends it along with the forms of any site."""
    broker, tsuru = scripted
    assert tsuru.create("mydb").status == 201
    instance = only(broker.admin("/v1/instances").json["instances"])
    entries = broker.admin("/v1/audit").json
    for path in state_changing_paths(instance["id"]):
        for kind in FORMS:
            for body in ("", "reason=because&name=other"):
                answer = broker.admin(path, "POST", headers={"Content-Type": kind}, body=body)
                assert answer.status == 415 and "application/json" in answer.message, (path, kind, body, answer)
        for foreign in FOREIGN:
            answer = broker.admin(path, "POST", headers=foreign, fields={"reason": "because"})
            assert answer.status == 403 and "page" in answer.message, (path, foreign, answer)
        assert broker.admin(path, "OPTIONS", headers={"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}).status != 500
    assert broker.admin("/v1/audit").json == entries
    assert only(broker.admin("/v1/instances").json["instances"])["state"] == "ready"
    own = {"Origin": f"http://127.0.0.1:{broker.admin_port}", "Sec-Fetch-Site": "same-origin"}
    for headers in ({}, own, {"Sec-Fetch-Site": "none"}, {"Content-Type": "application/json; charset=utf-8"}):
        assert broker.admin(f"/v1/instances/{instance['id']}/verify", "POST", headers=headers).status == 200, headers
    # tsuru's own API is a form.
    assert tsuru.bind("mydb", "shop").status == 201


def test_what_browsers_are_told(scripted):
    broker, tsuru = scripted
    tsuru.create("mydb")
    bound = tsuru.bind("mydb", "shop")
    answers = [broker.admin(path, headers={"Origin": "https://evil.example"}) for path in ("/health", "/metrics", "/v1/instances", "/nothing")]
    answers += [bound, tsuru.info("mydb"), tsuru.send("GET", "/nothing"), broker.admin("/v1/audit", user=None)]
    for answer in answers:
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert not [name for name in answer.headers if name.lower().startswith("access-control-")]
    assert bound.status == 201 and bound.headers["Cache-Control"] == "no-store"
    assert all(answer.headers["Cache-Control"] == "no-store" for answer in answers[:4])


def test_metrics_are_what_promtool_accepts(scripted):
    broker, tsuru = scripted
    wait_until("the server was checked", lambda: broker.servers()[0]["state"] == "up")
    tsuru.create("mydb")
    tsuru.bind("mydb", "shop")
    tsuru.send("GET", "/nothing")
    text = broker.admin("/metrics").body
    checked = subprocess.run(["promtool", "check", "metrics"], input=text.encode(), capture_output=True, check=False)
    assert checked.returncode == 0 and not checked.stdout and not checked.stderr, checked
    for line in ('tsuru_broker_http_requests_total{listener="service",route="create",code="201"} 1',
                 'tsuru_broker_operations_total{service="scripted",kind="create",outcome="done"} 1',
                 'tsuru_broker_operations_total{service="scripted",kind="bind",outcome="done"} 1',
                 'tsuru_broker_operations_pending{service="scripted"} 0',
                 'tsuru_broker_server_up{service="scripted",server="one"} 1',
                 'tsuru_broker_server_instances{service="scripted",server="one"} 1',
                 'tsuru_broker_configuration_good 1', 'tsuru_broker_store_broken 0'):
        assert line in text.splitlines(), line
    for name in ("store_commits_total", "store_commit_duration_seconds_count", "loop_stall_max_seconds", "store_bytes"):
        assert float(re.search(rf"^tsuru_broker_{name} (\S+)$", text, re.M)[1]) >= 0
    assert "mydb" not in text and "shop" not in text


# ---- lists and verbs ----

def test_lists_are_filtered_and_paged(scripted):
    broker, tsuru = scripted
    for i in range(7):
        assert tsuru.create(f"db{i}", "large" if i % 2 else "small").status == 201
    assert {one["name"] for one in broker.ctl("instances", "--json")} == {f"db{i}" for i in range(7)}
    assert len(broker.ctl("instances", "--json", "--limit", "3")) == 3
    assert only(broker.ctl("instances", "--json", "--name", "db3"))["plan"] == "large"
    assert broker.ctl("instances", "--json", "--team", "nobody") == []
    assert len(broker.ctl("instances", "--json", "--state", "ready", "--service", "scripted", "--server", "one")) == 7
    page = broker.admin("/v1/instances?limit=5").json
    rest = broker.admin(f"/v1/instances?limit=5&after={page['next']}").json
    assert len(page["instances"]) == 5 and len(rest["instances"]) == 2 and "next" not in rest
    assert broker.admin("/v1/instances?limit=0").status == 400
    for path in ("instances", "operations", "audit"):
        refused = broker.admin(f"/v1/{path}?state=redy")
        assert refused.status == 400 and "failed" in refused.message, path
    assert broker.admin("/v1/instances?after=xyz").status == 400
    assert len(broker.ctl("operations", "--json", "--state", "done")) == 7
    assert broker.ctl("operations", "--json") == []
    assert "db3" in broker.ctl("instances") and "SERVICE" in broker.ctl("instances")


def test_an_instance_is_shown_with_binds_and_history(scripted):
    broker, tsuru = scripted
    tsuru.create("mydb")
    password = tsuru.bind("mydb", "shop").json["SCRIPTED_PASSWORD"]
    shown = broker.ctl("show", "scripted/mydb", "--json")
    assert shown["name"] == "mydb" and only(shown["binds"])["name"] == "shop"
    assert [one["kind"] for one in shown["operations"]] == ["bind", "create"]
    assert broker.ctl("show", shown["id"], "--json") == shown
    assert password not in json.dumps(shown) and "shop" in broker.ctl("show", "scripted/mydb")
    assert "no instance" in broker.ctl("show", "scripted/other", status=1)
    assert "SERVICE/NAME" in broker.ctl("show", "other", status=1)


def test_pending_work_is_retried_and_canceled(scripted):
    broker, tsuru = scripted
    assert "reloaded" in broker.reload(broker.services.replace("    servers:", "    wait: 280s\n    servers:"))  # the update is answered when it is canceled
    tsuru.create("mydb")
    broker.rules.write_text("update fail-transient\n")
    threads = concurrent.futures.ThreadPoolExecutor(1)
    update = threads.submit(tsuru.update, "mydb", "large")
    pending = only(wait_until("the update is pending", lambda: broker.ctl("operations", "--json")))
    assert pending["kind"] == "update" and pending["instance"] == "mydb"
    assert broker.ctl("retry", pending["id"]) == "done\n"
    assert broker.ctl("cancel", pending["id"]) == "done\n"
    assert "canceled" in update.result().message
    assert broker.ctl("operations", "--json") == []
    assert "pending" in broker.ctl("cancel", pending["id"], status=1)
    assert broker.ctl("show", "scripted/mydb", "--json")["update_failed"] is True
    broker.rules.write_text("")
    broker.ctl("retry", "scripted/mydb")
    wait_until("the plan is there", lambda: broker.ctl("show", "scripted/mydb", "--json")["plan"] == "large")
    threads.shutdown()


def test_a_drained_server_takes_nothing_new(scripted):
    broker, tsuru = scripted
    tsuru.create("mydb")
    broker.ctl("drain", "scripted/one")
    answer = tsuru.create("new")
    assert answer.status == 403 and "drained" in answer.message
    assert tsuru.bind("mydb", "shop").status == 201
    broker.stop()
    broker.start()
    assert tsuru.create("new").status == 403
    broker.ctl("undrain", "scripted/one")
    assert tsuru.create("new").status == 201
    assert "no server" in broker.ctl("drain", "scripted/nine", status=1)


def test_limits_say_the_numbers(start_broker, tmp_path):
    services = scripted_service(tmp_path, "x", more="    instances_per_team: 2\n")
    tsuru = Tsuru(start_broker(services), "scripted", "x")
    assert tsuru.create("one").status == 201 and tsuru.create("two").status == 201
    refused = tsuru.create("three")
    assert refused.status == 403 and "2 of 2" in refused.message and "red" in refused.message
    tsuru.remove("one")
    assert tsuru.create("three").status == 201


def test_a_record_is_forgotten_with_a_reason(scripted):
    broker, tsuru = scripted
    tsuru.create("mydb")
    assert "--reason" in broker.ctl("forget", "scripted/mydb", status=2)
    assert broker.admin(f"/v1/instances/{broker.ctl('show', 'scripted/mydb', '--json')['id']}/forget", "POST",
                        fields={}).status == 400
    broker.ctl("forget", "scripted/mydb", "--reason", "its server burnt down")
    assert tsuru.info("mydb").status == 404
    entry = broker.ctl("audit", "--json")[0]
    assert (entry["action"], entry["user"], entry["text"]) == ("forget", "ops", "its server burnt down")


def test_the_audit_says_who_did_what(scripted):
    broker, tsuru = scripted
    tsuru.create("mydb")
    tsuru.bind("mydb", "shop")
    broker.rules.write_text("update fail-final\n")
    tsuru.update("mydb", "large")
    broker.ctl("reload")
    entries = wait_until("the reload is written down", lambda: (
        lambda told: told if told[0]["action"] == "reload" else None)(broker.ctl("audit", "--json")))
    assert [(one["action"], one["outcome"]) for one in entries] == [
        ("reload", "done"), ("update", "failed"), ("bind", "done"), ("create", "done")]
    assert entries[1]["user"] == tsuru.user and entries[1]["event"] and entries[1]["text"]
    assert entries[2]["bind"] == "shop" and entries[2]["instance"] == "mydb"
    assert only(broker.ctl("audit", "--json", "--state", "failed"))["action"] == "update"
    assert len(broker.ctl("audit", "--json", "--limit", "2")) == 2


def test_help_of_every_command(scripted):
    broker, _ = scripted
    overview = subprocess.run([BROKER, "ctl", "--help"], capture_output=True, check=True).stdout.decode()
    commands = re.findall(r"^  (\S+) ", overview, re.M)
    assert len(commands) > 15
    man = subprocess.run([BROKER, "man"], capture_output=True, check=True).stdout.decode()
    completion = subprocess.run([BROKER, "completion"], capture_output=True, check=True).stdout.decode()
    for command in commands:
        assert f"usage: tsuru-broker ctl {command} " in broker.ctl(command, "--help")
        assert f".SS ctl {command}" in man and f'"ctl {command}")' in completion
    formatted = subprocess.run(["man", "--warnings", "-l", "-"], input=man.encode(), capture_output=True, check=True)
    assert not formatted.stderr, formatted.stderr
    subprocess.run(["bash", "-n"], input=completion.encode(), check=True)
    done = subprocess.run(["bash", "-c", completion + "\nCOMP_WORDS=(tsuru-broker ctl un) COMP_CWORD=2; _tsuru_broker; "
                           "echo ${COMPREPLY[@]}"], capture_output=True, check=True)
    assert done.stdout.split() == [b"undrain", b"unbind", b"undelete"]


# ---- soft removal ----

def test_a_removed_database_comes_back_with_rows_and_credentials(start_broker, server):
    broker = start_broker(postgres(server))
    tsuru = Tsuru(broker, "postgres", "x")
    tsuru.create("mydb", "small")
    env = tsuru.bind("mydb", "shop").json
    server.as_app(env, "CREATE TABLE notes (text text); INSERT INTO notes VALUES ('precious')")
    session = psycopg2.connect(env["DATABASE_URL"])
    assert tsuru.remove("mydb").status == 200
    with pytest.raises(psycopg2.Error):
        session.cursor().execute("SELECT 1")
    with pytest.raises(psycopg2.OperationalError):
        server.as_app(env, "SELECT 1")
    assert env["PG_DATABASE"] + "_retired" in server.databases() and env["PG_DATABASE"] not in server.databases()
    assert tsuru.info("mydb").status == 404 and tsuru.remove("mydb").status == 200
    # The same name can be had anew meanwhile, and is another database.
    assert tsuru.create("mydb", "small").status == 201
    other = tsuru.bind("mydb", "shop").json
    assert other["PG_DATABASE"] != env["PG_DATABASE"]
    retained = only(broker.ctl("instances", "--state", "retained", "--json"))
    assert "newer instance" in broker.ctl("undelete", retained["id"], status=1)
    assert broker.ctl("undelete", retained["id"], "--as", "saved") == "done\n"
    assert server.as_app(env, "SELECT text FROM notes") == [("precious",)]
    server.as_app(env, "INSERT INTO notes VALUES ('more')")
    # Its team gets it in tsuru by a create of that name.
    assert tsuru.create("saved", "small").status == 201
    again = tsuru.bind("saved", "shop").json
    assert server.as_app(again, "SELECT count(*) FROM notes") == [(2,)]
    tsuru.remove("saved")
    tsuru.remove("mydb")
    for one in broker.ctl("instances", "--state", "retained", "--json"):
        broker.ctl("purge", one["id"])
    assert server.databases() == set() and server.roles() == set()


def test_parameters_for_binds_come_back(start_broker, tmp_path):
    """An instance that is brought back has what it had for its binds, and they what holds for them, also under another name; the
    team's create of that name says anew what it has."""
    broker = start_broker(scripted_service(tmp_path, "x").replace("{name: small,", "{name: small, retain: 1h,"))
    tsuru = Tsuru(broker, "scripted", "x")
    assert tsuru.create("mydb", parameters={"binds.shop.env_prefix": "A_"}).status == 201
    assert tsuru.bind("mydb", "shop").json.keys() >= {"A_SCRIPTED_USER"}
    assert tsuru.remove("mydb").status == 200
    assert broker.ctl("undelete", "mydb", "--as", "saved") == "done\n"
    assert "binds.shop.env_prefix" in broker.ctl("show", "scripted/saved")
    assert not re.search(r"^shop .* env_prefix\b", broker.ctl("show", "scripted/saved"), re.M)
    assert tsuru.create("saved", parameters={"env_prefix": "B_"}).status == 201
    wait_until("it is taken over", lambda: tsuru.is_up("saved"))
    assert re.search(r"^shop .* env_prefix\b", broker.ctl("show", "scripted/saved"), re.M)
    assert tsuru.bind("saved", "shop").json.keys() >= {"B_SCRIPTED_USER"}
    assert not re.search(r"^shop .* env_prefix\b", broker.ctl("show", "scripted/saved"), re.M)


def test_a_removed_instance_is_named_by_its_name(start_broker, tmp_path):
    """By its name alone, also beside a newer one of the name; of several none is chosen."""
    services = scripted_service(tmp_path, "x").replace("{name: small,", "{name: small, retain: 1h,")
    assert "retain" in services
    broker = start_broker(services)
    tsuru = Tsuru(broker, "scripted", "x")
    assert "no instance" in broker.ctl("undelete", "mydb", status=1)
    tsuru.create("mydb", "small")
    assert "only one that is retained" in broker.ctl("undelete", "mydb", status=1)
    assert "only a retained one" in broker.ctl("purge", "mydb", status=1)
    tsuru.remove("mydb")
    first = only(broker.ctl("instances", "--state", "retained", "--json"))
    assert first["removed"] >= first["created"]
    tsuru.create("mydb", "small")
    for name in ("mydb", "scripted/mydb"):
        assert "newer instance" in broker.ctl("undelete", name, status=1)
    assert broker.ctl("undelete", "scripted/mydb", "--as", "saved") == "done\n"
    assert tsuru.is_up("mydb") and tsuru.is_up("saved")
    tsuru.remove("mydb")
    assert broker.ctl("undelete", "mydb") == "done\n" and tsuru.is_up("mydb")
    tsuru.remove("mydb")
    tsuru.create("mydb", "small")
    tsuru.remove("mydb")
    kept = broker.ctl("instances", "--state", "retained", "--name", "mydb", "--json")
    assert len(kept) == 2
    for verb in ("undelete", "purge"):
        told = broker.ctl(verb, "mydb", status=1)
        assert "2 removed instances" in told and "REMOVED" in told
        assert all(one[what] in told for one in kept for what in ("id", "removed", "retained_until")), told
    assert broker.ctl("purge", kept[0]["id"]) == "done\n"
    assert broker.ctl("undelete", "mydb") == "done\n"
    assert only(broker.ctl("instances", "--name", "mydb", "--json"))["id"] == kept[1]["id"]


def test_a_retained_database_goes_when_its_time_is_over(start_broker, own_server):
    broker = start_broker(postgres(own_server, retain="2s"))
    tsuru = Tsuru(broker, "postgres", "x")
    tsuru.create("mydb", "small")
    tsuru.bind("mydb", "shop")
    tsuru.remove("mydb")
    broker.kill()
    broker.start()
    wait_until("database and roles are gone", lambda: not own_server.databases() and not own_server.roles())
    assert wait_until("the record is gone", lambda: not broker.ctl("instances", "--json") or None) is True


# ---- drift ----

def test_a_dropped_role_is_mended_and_a_dropped_database_is_not(start_broker, own_server):
    broker = start_broker(postgres(own_server), limits=NO_PASS)
    tsuru = Tsuru(broker, "postgres", "x")
    tsuru.create("mydb", "small")
    env = tsuru.bind("mydb", "shop").json
    wait_until("the server was checked", lambda: broker.ctl("services", "--json")["services"][0]["servers"][0]["state"] == "up")
    assert "has what" in broker.ctl("verify", "postgres/mydb")
    own_server.rows(f"DROP OWNED BY {env['PG_USER']}", env["PG_DATABASE"])
    own_server.rows(f"DROP OWNED BY {env['PG_USER']}; DROP ROLE {env['PG_USER']}")
    own_server.rows(f"ALTER DATABASE {env['PG_DATABASE']} CONNECTION LIMIT 7")
    with pytest.raises(psycopg2.OperationalError):
        own_server.as_app(env, "SELECT 1")
    found = broker.ctl("verify", "postgres/mydb", "--json", status=3)
    assert {one["kind"] for one in found["drift"]} == {"bind", "instance"}
    wait_until("the drift is mended", lambda: broker.admin("/v1/drift").json["found"] == [])
    assert own_server.as_app(env, "SELECT 1") == [(1,)]
    assert own_server.rows(f"SELECT datconnlimit FROM pg_database WHERE datname = '{env['PG_DATABASE']}'") == [(10,)]
    assert "event=drift" in broker.log() and "action=mend" in broker.log()
    assert {one["action"] for one in broker.ctl("audit", "--json") if one["user"] == "drift"} == {"bind", "update"}
    # What is lost is told, and nothing empty takes its place.
    own_server.rows(f"DROP DATABASE {env['PG_DATABASE']} WITH (FORCE)")
    assert only(only(broker.ctl("verify", "--json", status=3)["found"])["drift"])["kind"] == "lost"
    for command in (("verify", "postgres/mydb"), ("drift",)):
        assert "KIND" in (table := broker.ctl(*command, status=3)) and "lost" in table
    wait_until("status turns down", lambda: tsuru.why_down("mydb"))
    assert any(item["label"] == "Drift" for item in tsuru.info("mydb").json)
    assert "the database is not there" in tsuru.described("mydb")["Problem"]
    assert own_server.databases() == set()
    assert 'tsuru_broker_drift{service="postgres",kind="instance"} 1' in broker.admin("/metrics").body


def test_strays_are_reported_and_left_alone(start_broker, own_server):
    broker = start_broker(postgres(own_server), limits=NO_PASS)
    tsuru = Tsuru(broker, "postgres", "x")
    tsuru.create("mydb", "small")
    tsuru.bind("mydb", "shop")
    tsuru.create("gone", "small")
    tsuru.remove("gone")
    own_server.rows("CREATE DATABASE stray_0123456789")
    own_server.rows("CREATE ROLE role_abcdef0123")
    own_server.rows("CREATE DATABASE somebody_elses")
    wait_until("the server was checked", lambda: broker.ctl("services", "--json")["services"][0]["servers"][0]["state"] == "up")
    strays = broker.ctl("verify", "--json", status=3)["strays"]
    assert {(one["kind"], one["name"]) for one in strays} == {("instance", "stray_0123456789"), ("login", "role_abcdef0123")}
    assert "stray_0123456789" in broker.ctl("drift", status=3) and "stray_0123456789" in own_server.databases()
    own_server.rows("DROP DATABASE stray_0123456789")
    assert only(broker.ctl("verify", "--json", status=3)["strays"])["name"] == "role_abcdef0123"


def test_what_another_service_has_on_the_server_is_no_stray(start_broker, own_server):
    broker = start_broker(postgres(own_server) + postgres(own_server).replace("name: postgres", "name: second"))
    first, second = Tsuru(broker, "postgres", "x"), Tsuru(broker, "second", "x")
    for tsuru in (first, second):
        assert tsuru.create("mydb", "small").status == 201
        assert tsuru.bind("mydb", "shop").status == 201
        assert tsuru.create("gone", "small").status == 201
        assert tsuru.remove("gone").status == 200
    assert broker.ctl("verify", "--json")["strays"] == []
    own_server.rows("CREATE ROLE role_abcdef0123")
    assert [one["name"] for one in broker.ctl("verify", "--json", status=3)["strays"]] == ["role_abcdef0123"] * 2


def test_a_living_database_in_the_place_of_a_retained_one_is_told(start_broker, own_server):
    broker = start_broker(postgres(own_server))
    tsuru = Tsuru(broker, "postgres", "x")
    assert tsuru.create("mydb", "small").status == 201
    resource = only(broker.ctl("instances", "--json"))["resource"]
    assert tsuru.remove("mydb").status == 200
    own_server.rows(f'CREATE DATABASE "{resource}"')
    assert [(one["kind"], one["name"]) for one in broker.ctl("verify", "--json", status=3)["strays"]] == [("instance", resource)]


# ---- adoption ----

def test_an_existing_database_is_adopted(start_broker, own_server):
    own_server.rows("CREATE ROLE blog LOGIN PASSWORD 'old'")
    own_server.rows("CREATE DATABASE blog OWNER blog")
    own_server.rows("CREATE DATABASE wiki")
    own_server.rows("CREATE ROLE other LOGIN PASSWORD 'old'")
    own_server.rows("CREATE DATABASE shop OWNER other")
    own_server.rows("CREATE TABLE posts (text text); INSERT INTO posts VALUES ('kept')", "blog", "blog", "old")
    own_server.rows("CREATE TABLE goods (text text); INSERT INTO goods VALUES ('kept')", "shop", "other", "old")
    broker = start_broker(postgres(own_server))
    tsuru = Tsuru(broker, "postgres", "x")
    assert "superuser" in broker.ctl("adopt", "postgres/wiki", "--team", "red", "--server", "main", "--resource", "wiki", status=1)
    assert "no database" in broker.ctl("adopt", "postgres/x1", "--team", "red", "--server", "main", "--resource", "x1", status=1)
    assert "--resource" in broker.ctl("adopt", "postgres/x1", "--team", "red", status=2)
    assert {"wiki", "blog", "shop"} <= own_server.databases() and broker.ctl("instances", "--json") == []
    for name, table, user in (("blog", "posts", "blog"), ("shop", "goods", "other")):
        arguments = ("adopt", f"postgres/{name}", "--team", "red", "--server", "main", "--resource", name)
        if user == name:
            assert "--keep-owner" in broker.ctl(*arguments, status=1)
            arguments += ("--keep-owner",)
        assert broker.ctl(*arguments) == "done\n"
        assert tsuru.create(name, "small").status == 201
        env = tsuru.bind(name, "app").json
        assert env["PG_DATABASE"] == name
        assert own_server.as_app(env, f"SELECT text FROM {table}") == [("kept",)]
        own_server.as_app(env, f"ALTER TABLE {table} ADD more int; INSERT INTO {table} VALUES ('new', 1)")
        reader = tsuru.bind(name, "report", parameters={"read_only": True}).json
        assert own_server.as_app(reader, f"SELECT count(*) FROM {table}") == [(2,)]
        assert own_server.rows(f"SELECT count(*) FROM {table}", name, user, "old") == [(2,)]

def test_what_is_an_instance_already_is_not_adopted(start_broker, own_server):
    own_server.rows("CREATE ROLE blog LOGIN PASSWORD 'old'")
    own_server.rows("CREATE DATABASE blog OWNER blog")
    broker = start_broker(postgres(own_server) + postgres(own_server).replace("name: postgres", "name: second"))
    assert broker.ctl("adopt", "postgres/blog", "--team", "red", "--server", "main", "--resource", "blog", "--keep-owner") == "done\n"
    Tsuru(broker, "postgres", "x").create("mydb", "small")
    resource = [one["resource"] for one in broker.ctl("instances", "--json") if one["name"] == "mydb"][0]
    for service in ("postgres", "second"):
        for name in ("blog", resource):
            said = broker.ctl("adopt", f"{service}/again", "--team", "red", "--server", "main", "--resource", name, status=1)
            assert f'"{name}" is the instance' in said
    assert Tsuru(broker, "postgres", "x").remove("mydb").status == 200
    said = broker.ctl("adopt", "second/again", "--team", "red", "--server", "main", "--resource", resource, status=1)
    assert "which is retained" in said


# ---- reload ----

def test_password_and_plan_change_under_load_without_a_failed_request(start_broker, server):
    broker = start_broker(postgres(server, password="one"))
    tsuru = Tsuru(broker, "postgres", "one")
    tsuru.create("mydb", "small")
    failures, count, over, used = [], [0], threading.Event(), ["one"] * 8

    def load(number):
        mine = Tsuru(broker, "postgres", tsuru.password)
        while not over.is_set():
            mine.password = used[number] = tsuru.password
            answers = [mine.plans(), mine.info("mydb"), mine.bind("mydb", f"app{number}"), mine.unbind("mydb", f"app{number}")]
            count[0] += len(answers)
            failures.extend(answer for answer in answers if answer.status >= 300)
            time.sleep(0.05)

    with concurrent.futures.ThreadPoolExecutor(8) as threads:
        loads = [threads.submit(load, number) for number in range(8)]
        began = time.monotonic()
        assert "reloaded" in broker.reload(postgres(server, password="[one, two]"))
        wait_until("some load", lambda: count[0] > 100)
        tsuru.password = "two"
        wait_until("nobody uses the old password any more", lambda: used == ["two"] * 8, TIMEOUT * 3)
        at = count[0]
        wait_until("load with the new password", lambda: count[0] > at + 100)
        assert "reloaded" in broker.reload(postgres(server, password="two").replace("connection_limit: 100", "connection_limit: 50"))
        at = count[0]
        wait_until("load with the new plan", lambda: count[0] > at + 100)
        for _ in range(5):
            assert "reloaded" in broker.reload(postgres(server, password="two").replace("connection_limit: 100", "connection_limit: 60"))
        seconds = time.monotonic() - began
        over.set()
        for one in loads:
            one.result()
    print(f"{count[0] / seconds:.0f} requests a second")
    assert failures == []
    assert Tsuru(broker, "postgres", "one").plans().status == 401
    tsuru.update("mydb", "large")
    assert server.rows("SELECT datconnlimit FROM pg_database WHERE datname LIKE 'mydb%'") == [(60,)]
    tsuru.remove("mydb")


def test_a_bad_file_changes_nothing_and_says_why(scripted):
    broker, tsuru = scripted
    assert "reload-failed" in broker.reload(broker.services + "    colour: red\n")
    assert tsuru.create("mydb").status == 201
    health = broker.admin("/health").json
    assert "colour" in health["configuration"]
    assert "colour" in broker.ctl("reload", status=1)
    broker.write_config(broker.services)
    broker.ctl("reload")
    assert broker.admin("/health").json["configuration"] == "good"
    assert "reloaded" in broker.reload(broker.services, limits="limits: {history: 5}\n")


def reload_text(broker, text):
    """Writes the whole file and sends SIGHUP; gives what the log says of it."""
    begin = os.path.getsize(broker.log_path)
    with open(broker.config, "w", encoding="utf-8") as file:
        file.write(text)
    broker.process.send_signal(signal.SIGHUP)
    return wait_until("the broker says how the reload went",
                      lambda: re.search(r"event=(reloaded|reload-failed).*", broker.log()[begin:]))[0]


# What the file has, what comes in its place, what the refusal names.
NEED_RESTART = {
    "admin-to-a-socket-without-a-password": (r"admin: .*", "admin: {listen: 'unix:DIR/admin.sock'}", ('"admin.listen"', "unix:DIR/admin.sock")),
    "admin-to-another-port": (r"admin: .*", "admin: {listen: '127.0.0.1:1', password: other}", ('"admin.listen"', "127.0.0.1:1")),
    "no-admin": (r"admin: .*", "", ('"admin.listen"', '"none"')),
    "listen": (r"listen: 127.0.0.1:0", "listen: 127.0.0.2:0", ('"listen"', "127.0.0.1:0", "127.0.0.2:0")),
    "one-more-listener": (r"listen: 127.0.0.1:0", "listen: ['127.0.0.1:0', 'unix:DIR/more.sock']", ('"listen"', "unix:DIR/more.sock")),
    "tls": (r"data_dir", "tls: {cert: DIR/cert.pem, key: DIR/key.pem}\ndata_dir", ('"tls"', '"none"')),
    "data_dir": (r"data_dir: .*", "data_dir: DIR/elsewhere", ('"data_dir"', "DIR/elsewhere")),
    "store_bytes": (r"services:", "limits: {store_bytes: 1GiB}\nservices:", ('"limits.store_bytes"', "1073741824")),
}


@pytest.mark.parametrize("case", NEED_RESTART)
def test_what_needs_a_restart_is_refused_as_a_whole(scripted, tmp_path, case):
    """The file changes an address, its password, and a service's password: all of it or nothing."""
    broker, tsuru = scripted
    pattern, replacement, named = NEED_RESTART[case]
    with open(broker.config, encoding="utf-8") as file:
        good = file.read()
    changed, count = re.subn(pattern, replacement.replace("DIR", str(tmp_path)), good, count=1)
    assert count == 1 and "password: x\n" in changed
    outcome = reload_text(broker, changed.replace("password: x\n", "password: y\n"))
    assert "reload-failed" in outcome and "needs a restart" in outcome, outcome
    for name in named:
        assert name.replace("DIR", str(tmp_path)).replace('"', '\\"') in outcome, outcome
    assert "operate" not in outcome and "other" not in outcome
    for user in (None, "admin:", "admin:other", "admin:x"):
        for path in ("/v1/services", "/v1/instances", "/v1/audit"):
            assert broker.admin(path, user=user).status == 401, (user, path)
        assert broker.admin("/v1/reload", "POST", user=user).status == 401
    assert broker.admin("/v1/services").status == 200
    assert tsuru.plans().status == 200 and Tsuru(broker, "scripted", "y").plans().status == 401
    assert "needs a restart" in broker.admin("/health").json["configuration"]
    assert "reloaded" in reload_text(broker, good)


def test_a_reload_that_fails_late_puts_nothing_in_force(scripted):
    """What is found by the last part to be opened takes back the parts before it: credentials, log, plans."""
    broker, tsuru = scripted
    with open(broker.config, encoding="utf-8") as file:
        good = file.read()
    bad = good.replace("password: x\n", "password: y\n").replace("password: operate", "password: other").replace("name: small", "name: tiny")
    bad += """  - name: program
    driver: exec
    password: z
    servers: [{name: one, command: /bin/true, user: nobody-of-that-name}]
    plans: [{name: small}]
"""
    assert "nobody-of-that-name" in reload_text(broker, bad)
    assert broker.admin("/v1/services", user="admin:other").status == 401 and broker.admin("/v1/services").status == 200
    assert Tsuru(broker, "scripted", "y").plans().status == 401 and "small" in tsuru.plans().body
    assert Tsuru(broker, "program", "z").plans().status == 503
    assert "reloaded" in reload_text(broker, bad.replace(", user: nobody-of-that-name", ""))
    assert broker.admin("/v1/services", user="admin:other").status == 200 and broker.admin("/v1/services").status == 401
    assert "tiny" in Tsuru(broker, "scripted", "y").plans().body and tsuru.plans().status == 401


SHARED = """  - name: scripted
    driver: shared
    password: x
    env: {A: b}
    plans: [{name: small}, {name: large}]
"""


def test_a_service_with_instances_keeps_its_driver(scripted):
    """Under another driver, unbinds and removals would be called done while all lives on."""
    broker, tsuru = scripted
    for name in ("one", "two"):
        assert tsuru.create(name, "small").status == 201
    assert tsuru.bind("one", "shop").status == 201
    outcome = broker.reload(SHARED)
    assert "reload-failed" in outcome
    for part in ("scripted", "2 instances", "shared"):
        assert part in outcome, outcome
    assert "2 instances" in broker.ctl("reload", status=1)
    checked = subprocess.run([BROKER, "check", "-c", broker.config], capture_output=True, text=True, check=False)
    assert checked.returncode == 1 and "2 instances" in checked.stderr, checked
    broker.stop()
    with pytest.raises(AssertionError, match="2 instances"):
        broker.start()
    broker.process = None
    broker.write_config(broker.services)
    broker.start()
    for name in ("one", "two"):
        assert tsuru.remove(name).status == 200
    wait_until("they are gone", lambda: broker.ctl("instances", "--json") == [])
    assert "reloaded" in broker.reload(SHARED)
    assert tsuru.create("three", "small").status == 201
    assert "1 instance " in broker.reload(broker.services)


def test_instances_of_a_server_that_the_file_lost_are_told(scripted):
    broker, tsuru = scripted
    assert tsuru.create("mydb", "small").status == 201
    other = broker.services.replace("name: one", "name: two")
    assert "reloaded" in broker.reload(other)
    assert "event=server-missing server=scripted/one instances=1" in broker.log()
    checked = subprocess.run([BROKER, "check", "-c", broker.config], capture_output=True, text=True, check=False)
    assert checked.returncode == 0 and "scripted/one" in checked.stderr and "1 instance" in checked.stderr, checked
    assert tsuru.send("DELETE", "/resources/mydb", {}, timeout=120).status == 200
    assert broker.ctl("instances", "--json")
    assert "reloaded" in broker.reload(broker.services)
    wait_until("it is removed there", lambda: broker.ctl("instances", "--json") == [])


def test_a_service_with_instances_that_the_file_lost_is_told(scripted):
    """tsuru asks for what the broker does not serve any more: it must not hear that all of that is gone."""
    broker, tsuru = scripted
    both = broker.services + SHARED.replace("name: scripted", "name: mail")
    assert "reloaded" in broker.reload(both)
    mail = Tsuru(broker, "mail", "x")
    for name in ("one", "two"):
        assert mail.create(name).status == 201
    assert mail.bind("one", "shop").status == 201
    assert tsuru.create("mydb", "small").status == 201
    wait_until("nothing is missing", lambda: broker.admin("/ready").json["missing_services"] == [])
    assert "reloaded" in broker.reload(broker.services)
    told = "event=service-missing service=mail instances=2"
    assert broker.log().count(told) == 1 and "service-missing service=scripted" not in broker.log()
    checked = subprocess.run([BROKER, "check", "-c", broker.config], capture_output=True, text=True, check=False)
    assert checked.returncode == 0 and checked.stderr.count('2 instances of the service "mail"') == 1, checked
    wait_until("it is told", lambda: broker.admin("/ready").json["missing_services"] == [{"service": "mail", "instances": 2}])
    health = broker.ctl("health", status=3)
    assert re.search(r"NOT IN THE CONFIGURATION +INSTANCES\nmail +2\n", health), health
    for answer in (mail.update("one"), mail.unbind("one", "shop"), mail.remove("two"), mail.bind("one", "other"), mail.status("one")):
        assert answer.status == 503 and "/mail/resources/" in answer.message and "configuration" in answer.message
    broker.stop()
    broker.start()
    assert broker.log().count(told) == 2
    assert "reloaded" in broker.reload(both)
    assert mail.status("one").status == mail.status("two").status == 204
    wait_until("nothing is missing", lambda: broker.admin("/ready").json["missing_services"] == [])
    assert "reloaded" in broker.reload(broker.services)
    for instance in broker.ctl("instances", "--service", "mail", "--json"):
        broker.ctl("forget", instance["id"], "--reason", "the service went")
    wait_until("nothing is missing", lambda: broker.admin("/ready").json["missing_services"] == [])


def test_work_under_way_ends_under_the_configuration_it_began_with(scripted):
    broker, tsuru = scripted
    broker.rules.write_text("provision hold\n")
    with concurrent.futures.ThreadPoolExecutor(1) as threads:
        create = threads.submit(tsuru.create, "mydb", "small")
        wait_until("the create runs", lambda: any(one["state"] == "running" for one in broker.ctl("operations", "--json")))
        assert "reloaded" in broker.reload(broker.services.replace("name: small", "name: tiny"))
        broker.rules.write_text("")
        assert create.result().status == 201
    assert "tiny" in tsuru.plans().body and tsuru.info("mydb").status == 200


# ---- the store ----

def copy_of(broker, start, services, path):
    """A broker on the data at path."""
    other = start(services)
    other.stop()
    shutil.rmtree(other.data)
    os.mkdir(other.data, 0o700)
    shutil.copy(path, os.path.join(other.data, "data.mdb"))
    shutil.copy(os.path.join(broker.data, "secret.key"), other.data)
    return other.start()


def test_backup_under_load_and_start_on_it(scripted, start_broker, tmp_path):
    broker, tsuru = scripted
    with concurrent.futures.ThreadPoolExecutor(4) as threads:
        creates = [threads.submit(tsuru.create, f"db{i}") for i in range(100)]
        broker.ctl("backup", str(tmp_path / "copy"))
        assert all(one.result().status == 201 for one in creates)
    tsuru.bind("db1", "shop", event="e")
    broker.ctl("backup", str(tmp_path / "after"))
    assert "cannot be made" in broker.ctl("backup", str(tmp_path / "after"), status=1)
    before = broker.ctl("instances", "--json")
    for name in ("copy", "after"):
        other = copy_of(broker, start_broker, broker.services, tmp_path / name)
        names = {one["id"]: one["name"] for one in other.ctl("instances", "--json")}
        assert set(names) <= {one["id"] for one in before}
        assert name == "copy" or len(names) == 100
        other.stop()


def test_export_and_import_keep_everything(scripted, start_broker, tmp_path):
    broker, tsuru = scripted
    tsuru.create("mydb", parameters={"binds.shop.read_only": True})
    env = tsuru.bind("mydb", "shop", event="e").json
    broker.ctl("export", str(tmp_path / "lines"))
    assert '"sent parameters":' in (tmp_path / "lines").read_text()
    assert env["SCRIPTED_PASSWORD"] not in (tmp_path / "lines").read_text()
    other = start_broker(broker.services)
    assert "in use" in other.ctl("import", str(tmp_path / "lines"), status=1)
    other.stop()
    assert "not empty" in other.ctl("import", str(tmp_path / "lines"), status=1)
    shutil.rmtree(other.data)
    (tmp_path / "bad").write_text((tmp_path / "lines").read_text() + '{"keyspace":"instances","key":["x"],"record":{"colour":1}}\n')
    assert "line " in other.ctl("import", str(tmp_path / "bad"), status=1)
    shutil.rmtree(other.data)
    other.ctl("import", str(tmp_path / "lines"))
    assert sorted(other.ctl("export", "-").splitlines()) == sorted((tmp_path / "lines").read_text().splitlines())
    shutil.copy(os.path.join(broker.data, "secret.key"), other.data)
    broker.stop()
    other.start()
    other.ctl("claim", "scripted/one", "--yes")  # to the server it is another store
    assert Tsuru(other, "scripted", "x").bind("mydb", "shop", event="e").json == env


def test_the_master_key_is_changed_while_running(scripted):
    broker, tsuru = scripted
    tsuru.create("mydb")
    envs = {f"app{i}": tsuru.bind("mydb", f"app{i}", event=f"e{i}").json for i in range(30)}
    path = os.path.join(broker.data, "secret.key")
    old = open(path, encoding="ascii").read()
    new = subprocess.run([BROKER, "new-key"], capture_output=True, check=True).stdout.decode()
    assert re.fullmatch(r"[0-9a-f]{64}\n", new) and new != old
    with open(path, "w", encoding="ascii") as file:
        file.write(new)
    assert "another master key" in broker.ctl("reload", status=1)
    with open(path, "w", encoding="ascii") as file:
        file.write(new + old)
    broker.ctl("reload")
    assert broker.ctl("rekey", "--json")["failed"] == 0
    with open(path, "w", encoding="ascii") as file:
        file.write(new)
    broker.ctl("reload")
    broker.stop()
    broker.start()
    for app, env in envs.items():
        assert tsuru.bind("mydb", app, event="e" + app[3:]).json == env
    broker.stop()
    with open(path, "w", encoding="ascii") as file:
        file.write(old)
    with pytest.raises(AssertionError, match="another master key"):
        broker.start()
    broker.process = None


def test_sighup_does_what_reload_does(scripted):
    broker, _ = scripted
    broker.process.send_signal(signal.SIGHUP)
    wait_until("the reload is in the audit",
               lambda: any(one["action"] == "reload" and one["user"] == "SIGHUP" for one in broker.ctl("audit", "--json")))
