"""The postgres driver through pgbouncer: in session mode all that it does without, in another mode a sentence that says so."""

import concurrent.futures
import os

import psycopg2
import pytest

import test_drivers
from backends import PASSWORD, PostgresBackend, configuration
from harness import NO_PASS, Postgres, Tsuru, closing, manual, postgres_service, wait_until
from pgbouncer_server import PgBouncer
from test_drivers import tsuru  # noqa: F401  pylint: disable=unused-import  (a fixture)
from test_tls import make_certificate

BROKER = "tsuru_broker"
SHARED = "its pooler lets several sessions share one of the server's"

# The shared suite, here with the broker behind a pooler and the apps before the server.
test_a_life = test_drivers.test_a_life
test_content_outlives_binds_and_plans = test_drivers.test_content_outlives_binds_and_plans
test_instances_do_not_see_each_other = test_drivers.test_instances_do_not_see_each_other
test_many_binds_at_once = test_drivers.test_many_binds_at_once
test_s5_unbind_twice = test_drivers.test_s5_unbind_twice
test_s9_remove_again_and_new_incarnation = test_drivers.test_s9_remove_again_and_new_incarnation
test_the_server_goes_and_comes_back = test_drivers.test_the_server_goes_and_comes_back
test_the_server_goes_in_the_middle_of_work = test_drivers.test_the_server_goes_in_the_middle_of_work
test_a_server_that_answers_nothing = test_drivers.test_a_server_that_answers_nothing


class PooledBackend(PostgresBackend):
    """The broker is no superuser, and comes through a pgbouncer in session mode that refuses options, or leaves them out and lets a
    process have what the session before left there."""

    def __init__(self, settings):
        self.settings = settings

    def start(self):
        super().start()
        user, password = self.server.plain_login.split(":")
        self.pooler = PgBouncer(self.server, {user: password}, settings=f"{self.settings}\nserver_login_retry = 1")

    def close(self):
        self.pooler.close()
        super().close()

    def service(self, name):
        described = super().service(name)
        described["servers"][0].update(url=self.pooler.url(BROKER, "sekret"), connections=12, public_port=self.server.port)
        return described


@pytest.fixture(scope="module", params=["", "ignore_startup_parameters = options\nserver_reset_query ="], ids=["refuses", "ignores"])
def backend(request):
    one = PooledBackend(request.param)
    one.start()
    yield one
    one.close()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    return make_certificate(tmp_path_factory.mktemp("tls"), "pooler")


@pytest.fixture(scope="module")
def server():
    postgres = Postgres()
    postgres.rows(f"CREATE ROLE {BROKER} LOGIN CREATEDB CREATEROLE PASSWORD 'sekret'")
    yield postgres
    postgres.close()


def service(pooler, bind_wait="120s", idle="2s", **parameters):
    class Through:  # pylint: disable=too-few-public-methods
        url = staticmethod(lambda: pooler.url(BROKER, "sekret", **parameters))

    return postgres_service(Through, PASSWORD, more=f"    bind_wait: {bind_wait}\n    wait: 120s\n", server_more=f"        idle: {idle}\n")


def reason(broker):
    return next(iter(broker.servers())).get("reason") or ""


def is_up(broker):
    """Once the mark can be read, the server may turn out to be an earlier test's."""
    broker.claim_servers()
    return [one["state"] for one in broker.servers()] == ["up"]


def sessions(server):
    return server.rows(f"SELECT count(*) FROM pg_stat_activity WHERE usename = '{BROKER}' AND application_name LIKE 'tsuru-broker %'")[0][0]


def test_all_of_it_by_tls(start_broker, server, certificate):
    """Apps come through it, too: pgbouncer asks the server for their verifiers, in the app's database and as a superuser, whose
    session there the broker cannot end: a removal waits until pgbouncer lets go of it."""
    pooler = PgBouncer(server, {BROKER: "sekret"}, tls=certificate, settings="server_idle_timeout = 3")
    with closing(pooler):
        before = server.databases(), server.roles()
        broker = start_broker(service(pooler, sslmode="verify-full", sslrootcert=certificate[0]), limits=NO_PASS)
        tsuru = Tsuru(broker, "postgres", PASSWORD)  # pylint: disable=redefined-outer-name
        assert tsuru.create("mydb", "large").status == 201
        env = tsuru.bind("mydb", "shop").json
        reader = tsuru.bind("mydb", "reader", parameters={"read_only": True}).json
        assert env["PG_PORT"] == str(pooler.port) and env["DATABASE_URL"].endswith("?sslmode=require")
        ask = lambda env, sql: pooler.rows(sql, env["PG_DATABASE"], env["PG_USER"], env["PG_PASSWORD"])  # noqa: E731
        assert ask(env, "CREATE TABLE t (a int); SELECT similarity('word', 'words') > 0") == [(True,)]
        assert ask(reader, "SELECT count(*) FROM t") == [(0,)]
        server.rows(f"ALTER ROLE {env['PG_USER']} NOLOGIN; GRANT CONNECT ON DATABASE {env['PG_DATABASE']} TO PUBLIC")
        assert broker.ctl("verify", "postgres/mydb", "--json", status=(0, 3))["drift"] != []
        wait_until("it is mended", lambda: broker.ctl("verify", "postgres/mydb", "--json", status=(0, 3))["drift"] == [])
        assert tsuru.send("POST", "/resources/mydb/rotate", {"app-name": "shop"}).status == 202
        wait_until("it is rotated", lambda: tsuru.operations("mydb")[0]["state"] == "done")
        assert ask(tsuru.bind("mydb", "shop").json, "SELECT count(*) FROM t") == [(0,)]
        assert tsuru.unbind("mydb", "shop").status == 200 and tsuru.remove("mydb").status == 200
        wait_until("nothing is left", lambda: (server.databases(), server.roles()) == before)
        wait_until("the server is well", lambda: [one["state"] for one in broker.servers()] == ["up"] and not reason(broker))


class ManualPooler(PgBouncer):
    """The file of docs/drivers/postgres.md, word by word but for its places; apps' transactions share sessions there."""

    def write(self, mode):
        text = manual("postgres", r"^```ini\n(.*?)^```")
        for place, here in (("host=10.0.0.5 port=5432", f"host=127.0.0.1 port={self.server.port}"),
                            ("/etc/pgbouncer/userlist.txt", f"{self.directory}/users"),
                            ("[pgbouncer]\n", f"[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {self.port}\nunix_socket_dir =\n"
                                              f"logfile = {self.log}\npool_mode = {mode}\n")):
            assert place in text
            text = text.replace(place, here)
        with open(os.path.join(self.directory, "ini"), "w", encoding="ascii") as file:
            file.write(text)


# What pgbouncer's own auth_query would run in the app's database, as a superuser.
TRAP = """CREATE SCHEMA trap; CREATE FUNCTION trap.spring() RETURNS text LANGUAGE plpgsql
    AS $$ BEGIN EXECUTE 'ALTER ROLE {PG_USER} SUPERUSER'; RETURN NULL; EXCEPTION WHEN insufficient_privilege THEN RETURN NULL; END $$;
    CREATE VIEW trap.pg_authid AS SELECT rolname, trap.spring() AS rolpassword, NULL::timestamptz AS rolvaliduntil, true AS rolcanlogin FROM pg_roles;
    CREATE VIEW trap.pg_shadow AS SELECT rolname AS usename, trap.spring() AS passwd FROM pg_roles;
    CREATE FUNCTION trap.is(name, text) RETURNS bool LANGUAGE sql AS 'SELECT trap.spring() IS NULL';
    CREATE OPERATOR trap.= (LEFTARG = name, RIGHTARG = text, FUNCTION = trap.is);
    CREATE FUNCTION trap.now() RETURNS timestamptz LANGUAGE sql AS 'SELECT NULL::timestamptz WHERE trap.spring() IS NULL';
    ALTER DATABASE {PG_DATABASE} SET search_path TO trap, pg_catalog"""


def test_the_file_of_the_manual(start_broker, server):
    before = server.databases(), server.roles()
    server.rows("CREATE ROLE pgbouncer LOGIN SUPERUSER PASSWORD 'asks'")
    pooler = ManualPooler(server, {BROKER: "sekret", "pgbouncer": "asks"}, mode="transaction")
    with closing(pooler):
        tsuru = Tsuru(start_broker(service(pooler)), "postgres", PASSWORD)  # pylint: disable=redefined-outer-name
        assert tsuru.create("mydb", "small").status == 201
        env = tsuru.bind("mydb", "shop").json
        server.as_app(env, TRAP.format(**env))
        assert pooler.rows("SELECT 1", env["PG_DATABASE"], env["PG_USER"], env["PG_PASSWORD"]) == [(1,)]
        assert server.rows(f"SELECT rolsuper FROM pg_roles WHERE rolname = '{env['PG_USER']}'") == [(False,)]
        # Its own session in the app's database, a superuser's, would keep that for as long as pgbouncer keeps it.
        server.rows("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'pgbouncer'")
        assert tsuru.unbind("mydb", "shop").status == 200 and tsuru.remove("mydb").status == 200
        server.rows("DROP ROLE pgbouncer")
        wait_until("nothing is left", lambda: (server.databases(), server.roles()) == before)


def test_who_holds_a_statement_up_is_named(start_broker, backend):
    """The server is asked of its own process, not of the number that the pooler made up."""
    tsuru = Tsuru(start_broker(configuration({**backend.service("s"), "wait": "1s"})), "s", PASSWORD)  # pylint: disable=redefined-outer-name
    assert tsuru.create("mydb", "small").status == 201
    wait_until("it is made", lambda: tsuru.is_up("mydb"))
    name = tsuru.described("mydb")["Name on the server"]
    holder = psycopg2.connect(host="127.0.0.1", port=backend.server.port, dbname="postgres", user="admin",
                              password=backend.server.password, application_name="nightly")
    holder.cursor().execute(f"UPDATE pg_database SET datconnlimit = datconnlimit WHERE datname = '{name}'")
    assert tsuru.update("mydb", "large").status == 200
    wait_until("who holds it is named", lambda: 'held by "nightly" of admin' in str(tsuru.operations("mydb")))
    holder.close()
    wait_until("the plan is reached", lambda: tsuru.described("mydb")["Plan in force"] == "large")
    assert tsuru.remove("mydb").status == 200
    wait_until("it is gone", lambda: tsuru.info("mydb").status == 404)


@pytest.mark.parametrize("mode", ["transaction", "statement"])
def test_another_mode_is_named_and_nothing_is_made(start_broker, server, mode):
    pooler = PgBouncer(server, {BROKER: "sekret"}, mode=mode)
    with closing(pooler):
        before = server.databases(), server.roles()
        broker = start_broker(service(pooler))
        tsuru = Tsuru(broker, "postgres", PASSWORD)  # pylint: disable=redefined-outer-name
        wait_until("it is named", lambda: SHARED in reason(broker) and "pool_mode = session" in reason(broker))
        assert tsuru.create("mydb", "small").status == 201
        assert tsuru.status("mydb").status == 202 and (server.databases(), server.roles()) == before
        assert tsuru.remove("mydb").status == 200
        # The user's own mode comes before the database's.
        pooler.user_modes = f"{BROKER} = pool_mode=session"
        pooler.write(mode)
        pooler.stop()
        pooler.start()
        wait_until("the server is up", lambda: is_up(broker))
        wait_until("it is gone", lambda: tsuru.info("mydb").status == 404)
        assert tsuru.create("other", "small").status == 201 and tsuru.bind("other", "shop").status == 201
        assert tsuru.remove("other").status == 200
        wait_until("nothing is left", lambda: (server.databases(), server.roles()) == before)


def test_the_mode_may_change_at_work(start_broker, server):
    """While sessions are open and calls are made: each query asks whether the process is still its own."""
    pooler = PgBouncer(server, {BROKER: "sekret"}, settings="server_round_robin = 1")
    with closing(pooler):
        before = server.databases(), server.roles()
        broker = start_broker(service(pooler, bind_wait="2s"))
        tsuru = Tsuru(broker, "postgres", PASSWORD)  # pylint: disable=redefined-outer-name
        names = [f"db-{i}" for i in range(6)]
        with concurrent.futures.ThreadPoolExecutor(len(names)) as pool:
            assert set(pool.map(lambda name: tsuru.create(name, "small").status, names)) == {201}
            wait_until("they are made", lambda: all(tsuru.is_up(name) for name in names))
            pooler.write("transaction")
            pooler.stop()
            pooler.start()
            bound = list(pool.map(lambda name: tsuru.bind(name, "shop"), names))
            wait_until("it is named", lambda: SHARED in reason(broker))
            assert {answer.status for answer in bound} <= {201, 503}
            pooler.write("session")
            pooler.stop()
            pooler.start()
            wait_until("the server is up", lambda: is_up(broker))
            for name in names:
                env = wait_until("it is bound", lambda name=name: (lambda got: got.status == 201 and got.json)(tsuru.bind(name, "shop")))
                assert server.rows("SELECT 1", env["PG_DATABASE"], env["PG_USER"], env["PG_PASSWORD"]) == [(1,)]
                assert tsuru.remove(name).status == 200
        wait_until("nothing is left", lambda: (server.databases(), server.roles()) == before)


def test_its_sessions_have_the_limits_of_any_other(start_broker, server):
    """Where options are left out, the session sets for itself what they would have set."""
    pooler = PgBouncer(server, {BROKER: "sekret"}, settings="ignore_startup_parameters = options")
    server.rows(f"ALTER ROLE {BROKER} SET search_path TO nowhere; ALTER ROLE {BROKER} SET statement_timeout TO 1000")
    try:
        with closing(pooler):
            broker = start_broker(service(pooler, idle="5m"))
            tsuru = Tsuru(broker, "postgres", PASSWORD)  # pylint: disable=redefined-outer-name
            assert tsuru.create("mydb", "large").status == 201 and tsuru.remove("mydb").status == 200
            wait_until("it is gone", lambda: tsuru.info("mydb").status == 404)
            assert sessions(server) > 0
    finally:
        server.rows(f"ALTER ROLE {BROKER} RESET ALL")
