"""The postgres driver on servers in a state of their own: fenced off, of an older system, with rules for passwords."""

import psycopg2
import pytest

from harness import Postgres, Tsuru, closing, postgres_service, wait_until

BROKER = "tsuru_broker"
FENCED = "it is read-only by default_transaction_read_only"
PLANS = """      - {name: small, retain: 0}
      - {name: large, retain: 0, connection_limit: 9}
      - {name: copies, retain: 0, template: template1}
"""


class Limited(Postgres):
    """Its broker is no superuser."""

    def __init__(self, settings=""):
        super().__init__(settings)
        self.rows(f"CREATE ROLE {BROKER} LOGIN CREATEDB CREATEROLE PASSWORD 'sekret-12345'")

    def url(self, **_):
        return f"postgres://{BROKER}:sekret-12345@127.0.0.1:{self.port}/postgres"

    def set_up(self, *statements):
        """As a superuser whom the server's default does not bind."""
        connection = psycopg2.connect(host="127.0.0.1", port=self.port, dbname="postgres", user="admin", password=self.password,
                                      options="-c default_transaction_read_only=off")
        connection.autocommit = True
        for statement in (*statements, "SELECT pg_reload_conf()"):
            connection.cursor().execute(statement)
        connection.close()


@pytest.fixture(scope="module")
def server():
    one = Limited()
    yield one
    one.close()


@pytest.fixture
def tsuru(start_broker, server):
    """At the end nothing of the test may be left for the next one."""
    before = server.databases(), server.roles()
    yield Tsuru(start_broker(postgres_service(server, "x", more="    wait: 120s\n    bind_wait: 2s\n", plans=PLANS)), "postgres", "x")
    wait_until("nothing is left on the server", lambda: (server.databases(), server.roles()) == before)


def bind(tsuru, app, **more):
    """As a user does who is told to repeat it."""
    return wait_until("it is bound", lambda: (answer := tsuru.bind("mydb", app, **more)).status == 201 and answer.json)


def gone(tsuru, name):
    assert tsuru.remove(name).status == 200
    wait_until(f"{name} is gone", lambda: tsuru.info(name).status == 404)


def states(tsuru):
    return [(one["state"], one.get("reason", "")) for one in tsuru.broker.servers()]


def fence(server, value):
    server.set_up(f"ALTER SYSTEM SET default_transaction_read_only TO {value}")


def test_a_fence_of_the_operator_s_holds(tsuru, server):
    """A disk that is nearly full, or another server that takes over: whoever set it wants no changes."""
    assert tsuru.create("mydb", "small").status == 201
    env = bind(tsuru, "shop")
    before = server.databases(), server.roles()
    fence(server, "on")
    try:
        wait_until("it is told", lambda: states(tsuru)[0][0] == "down" and FENCED in states(tsuru)[0][1])
        wait_until("status tells it", lambda: FENCED in tsuru.why_down("mydb"))
        assert tsuru.create("other", "small").status == 201 and tsuru.bind("mydb", "web").status == 503
        assert tsuru.unbind("mydb", "shop").status == 200  # it waits, too
        assert (server.databases(), server.roles()) == before
        assert server.as_app(env, "SELECT 1") == [(1,)]
    finally:
        fence(server, "off")
    wait_until("all goes on", lambda: tsuru.is_up("other") and tsuru.is_up("mydb"))
    wait_until("the unbind, too", lambda: env["PG_USER"] not in server.roles())
    gone(tsuru, "mydb")
    gone(tsuru, "other")


def test_a_fence_that_lets_the_broker_through(tsuru, server):
    """To make room on a full disk by removals, for one."""
    assert tsuru.create("mydb", "small").status == 201
    wait_until("it is made", lambda: tsuru.is_up("mydb"))
    fence(server, "on")
    try:
        wait_until("it is told", lambda: FENCED in states(tsuru)[0][1])
        server.set_up(f"ALTER ROLE {BROKER} SET default_transaction_read_only TO off")
        wait_until("the server is up", lambda: states(tsuru)[0][0] == "up")
        bind(tsuru, "shop")
        gone(tsuru, "mydb")
        assert server.databases() == set()
    finally:
        fence(server, "off")
        server.set_up(f"ALTER ROLE {BROKER} RESET default_transaction_read_only")


def test_a_fence_around_the_url_s_database_alone(tsuru, server):
    """The broker's own is there: it needs no more of the other than to look."""
    assert tsuru.create("mydb", "small").status == 201
    wait_until("it is made", lambda: tsuru.is_up("mydb"))
    server.set_up("ALTER DATABASE postgres SET default_transaction_read_only TO on")
    try:
        tsuru.broker.stop()
        tsuru.broker.start()
        wait_until("the server is up", lambda: states(tsuru) == [("up", "")])
        bind(tsuru, "shop")
        gone(tsuru, "mydb")
    finally:
        server.set_up("ALTER DATABASE postgres RESET default_transaction_read_only")


def test_what_a_tenant_sets_is_no_fence(tsuru, server):
    assert tsuru.create("mydb", "small").status == 201
    env = bind(tsuru, "shop")
    server.as_app(env, f"ALTER DATABASE {env['PG_DATABASE']} SET default_transaction_read_only TO on")
    bind(tsuru, "reader", parameters={"read_only": True})
    assert tsuru.update("mydb", "large").status == 200
    wait_until("the plan is reached", lambda: tsuru.described("mydb")["Plan in force"] == "large")
    gone(tsuru, "mydb")
    assert server.databases() == set()


def test_a_template_of_an_older_system(tsuru, server):
    """Final at once, since no time cures it; template0, the default, has no such version."""
    before = server.databases(), server.roles()
    server.set_up("UPDATE pg_database SET datcollversion = '1.0' WHERE datname = 'template1'")
    try:
        answer = tsuru.create("mydb", "copies")
        assert answer.status == 422 and "REFRESH COLLATION VERSION" in answer.message
        wait_until("nothing is left of it", lambda: (server.databases(), server.roles()) == before)
        assert tsuru.create("other", "small").status == 201
    finally:
        server.set_up("UPDATE pg_database SET datcollversion = NULL WHERE datname = 'template1'")
    wait_until("its record is gone", lambda: tsuru.info("mydb").status == 404)
    assert tsuru.create("mydb", "copies").status == 201
    wait_until("it is made", lambda: tsuru.is_up("mydb"))
    gone(tsuru, "mydb")
    gone(tsuru, "other")


def test_rules_for_passwords(start_broker):
    """passwordcheck sees what the broker sends, which is never a password."""
    one = Limited("shared_preload_libraries = 'passwordcheck'\n")
    with closing(one):
        tsuru = Tsuru(start_broker(postgres_service(one, "x", plans=PLANS)), "postgres", "x")  # pylint: disable=redefined-outer-name
        assert tsuru.create("mydb", "small").status == 201
        env = bind(tsuru, "shop")
        assert one.as_app(env, "SELECT 1") == [(1,)]
        # What its rules ask of passwords in clear, those of the broker meet, too.
        one.set_up(f"ALTER ROLE {env['PG_USER']} PASSWORD '{env['PG_PASSWORD']}'")
        with pytest.raises(psycopg2.errors.InvalidParameterValue):
            one.set_up(f"ALTER ROLE {env['PG_USER']} PASSWORD 'short'")
        assert tsuru.remove("mydb").status == 200
