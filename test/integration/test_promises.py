"""Promises on real servers: a removal that fails, is canceled and is asked for again keeps what its plan said at first, and
what was half removed can be taken back into use. In the way of the removal is each time somebody who is not the broker's."""

import contextlib
import time

import psycopg2
import pytest

from harness import Tsuru, wait_until
from mysql_server import MariaDb

SETTINGS = "    password: x\n    wait: 2s\n    attempt_timeout: 5s\n"
KEPT, NOTHING = "retain: 24h", "retain: 0"


class InPostgres:
    """A database, of an admin who is no superuser; a stranger is connected to it."""

    name = "postgres"

    def __init__(self, server):
        self.server = server
        server.rows("DROP DATABASE IF EXISTS tsuru_broker WITH (FORCE)")  # it is plain_admin's
        server.rows("DROP ROLE IF EXISTS plain_admin, stranger")
        server.rows("CREATE ROLE plain_admin LOGIN CREATEDB CREATEROLE PASSWORD 'plain'")
        server.rows("CREATE ROLE stranger LOGIN PASSWORD 'stranger'")

    def services(self, plan):
        url = f"postgres://plain_admin:plain@127.0.0.1:{self.server.port}/postgres"
        return f"  - name: postgres\n    driver: postgres\n{SETTINGS}    servers: [{{name: main, url: '{url}'}}]\n    plans: {plan}\n"

    def ask(self, env, *statements):
        rows = []
        for statement in statements:
            rows = self.server.as_app(env, statement)
        return rows

    @contextlib.contextmanager
    def in_the_way(self, env):
        self.server.rows(f"GRANT CONNECT ON DATABASE \"{env['PG_DATABASE']}\" TO stranger")
        stranger = psycopg2.connect(host="127.0.0.1", port=self.server.port, dbname=env["PG_DATABASE"], user="stranger",
                                    password="stranger")
        try:
            stranger.cursor().execute("SELECT 1")
            yield
        finally:
            stranger.close()
        wait_until("the stranger has left", lambda: not self.server.rows(
            "SELECT 1 FROM pg_stat_activity WHERE usename = 'stranger'"))
        self.server.rows("DROP OWNED BY stranger")  # the right to connect, which the drift pass would tell of

    def tidy(self):
        self.server.rows("DROP OWNED BY stranger")
        self.server.rows("DROP ROLE stranger")


class InMariaDb:
    """A database; somebody holds the metadata of its table, which cannot move for that."""

    name = "mysql"

    def __init__(self, server):
        self.server = server

    def services(self, plan):
        return (f"  - name: mysql\n    driver: mysql\n{SETTINGS}    servers: [{{name: main, url: '{self.server.url()}'}}]\n"
                f"    plans: {plan}\n")

    def ask(self, env, *statements):
        return self.server.as_app(env, *statements)

    @contextlib.contextmanager
    def in_the_way(self, env):
        stranger = self.server.connect()
        try:
            stranger.cursor().execute(f"LOCK TABLES `{env['MYSQL_DATABASE_NAME']}`.precious READ")
            yield
        finally:
            stranger.close()

    def tidy(self):
        pass


@pytest.fixture(scope="module")
def mariadb():
    server = MariaDb()
    yield server
    server.close()


@pytest.fixture(params=[InPostgres, InMariaDb], ids=lambda kind: kind.name)
def place(request):
    made = request.param(request.getfixturevalue("server" if request.param is InPostgres else "mariadb"))
    yield made
    made.tidy()


def plans(retain):
    return f"[{{name: small, {retain}}}]"


@pytest.fixture
def used(start_broker, place):
    """A broker, tsuru, and an instance with something in it: what its app was given."""
    broker = start_broker(place.services(plans(KEPT)))
    tsuru = Tsuru(broker, place.name, "x")
    assert tsuru.create("mydb", "small").status == 201
    env = tsuru.bind("mydb", "shop", event="bound").json
    place.ask(env, "CREATE TABLE precious (a int)", "INSERT INTO precious VALUES (7)")
    return broker, tsuru, env


def hinder(broker, tsuru, place, env):
    """The first removal: it fails, or is canceled when it would be tried on and on."""
    with place.in_the_way(env):
        answer = tsuru.remove("mydb")
        assert answer.status in (200, 422), answer
        for operation in broker.ctl("operations", "--json"):
            broker.ctl("cancel", operation["id"], status=(0, 1))  # 1: it has failed meanwhile
        wait_until("the removal has ended", lambda: not broker.ctl("operations", "--json"))
        shown = broker.ctl("show", f"{place.name}/mydb", "--json")
        assert shown["state"] == "removal-failed" and shown["failure"] and shown["retain_seconds"] == 24 * 3600, shown
        assert "asked for again" in tsuru.why_down("mydb")
        assert tsuru.described("mydb")["State"] == "removal-failed"
        assert "removal-failed" in broker.ctl("instances") and tsuru.bind("mydb", "other").status == 422
    return shown["id"]


def remove_by_tsuru(_broker, tsuru):
    assert tsuru.remove("mydb").status == 200


def retry_by_the_user(_broker, tsuru):
    assert tsuru.send("POST", "/resources/mydb/operations/retry", {}).status == 202


def retry_by_an_operator(broker, tsuru):
    broker.ctl("retry", f"{tsuru.service}/mydb")


@pytest.mark.parametrize("again", [remove_by_tsuru, retry_by_the_user, retry_by_an_operator])
def test_a_removal_that_is_asked_for_again_keeps_the_content(used, place, again):
    broker, tsuru, env = used
    instance = hinder(broker, tsuru, place, env)
    # Neither a restart nor a plan that says otherwise by now changes what was promised.
    broker.kill()
    broker.write_config(place.services(plans(NOTHING)))
    broker.start()
    again(broker, tsuru)
    wait_until("it is locked away", lambda: broker.ctl("show", instance, "--json")["state"] == "retained")
    until = broker.ctl("show", instance, "--json")["retained_until"]
    assert until > time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(time.time() + 23 * 3600))
    with pytest.raises(Exception):
        place.ask(env, "SELECT 1")
    assert broker.ctl("undelete", instance) == "done\n"
    wait_until("it is back", lambda: tsuru.is_up("mydb"))
    assert [tuple(row) for row in place.ask(env, "SELECT a FROM precious")] == [(7,)]
    assert tsuru.remove("mydb").status == 200
    wait_until("what the plan of now drops is gone", lambda: not broker.ctl("instances", "--json"))


def test_a_removal_that_failed_is_taken_back(used, place):
    broker, tsuru, env = used
    instance = hinder(broker, tsuru, place, env)
    assert broker.ctl("undelete", instance) == "done\n"
    wait_until("it is back", lambda: tsuru.is_up("mydb"))
    assert [tuple(row) for row in place.ask(env, "INSERT INTO precious VALUES (8)", "SELECT count(*) FROM precious")] == [(2,)]
    assert tsuru.bind("mydb", "shop", event="bound").json == env
    wait_until("the server was checked", lambda: broker.ctl("services", "--json")["services"][0]["servers"][0]["state"] == "up")
    assert broker.ctl("verify", f"{place.name}/mydb", "--json")["drift"] == []
    assert tsuru.remove("mydb").status == 200
    wait_until("it is locked away", lambda: broker.ctl("show", instance, "--json")["state"] == "retained")
    broker.ctl("purge", instance)
