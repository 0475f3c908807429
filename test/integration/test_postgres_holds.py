"""What a tenant can set or hold against the broker, and what others hold without meaning it, on a real PostgreSQL with a
superuser and with a plain admin role: every call goes on, or says who has to do what, and goes on when that was done."""

import contextlib
import re
import threading

import psycopg2
import pytest

from harness import NO_PASS, Postgres, Tsuru, await_mended, postgres_service, wait_until
from holds_postgres import ROUNDS, Tenant, all_settings

PLANS = """      - {name: small, description: a, connection_limit: 20, retain: 0}
      - {name: kept, description: b, connection_limit: 20, retain: 1h}
      - {name: trigrams, description: c, connection_limit: 30, retain: 1h, extensions: [pg_trgm]}
"""
SETTINGS = "max_prepared_transactions = 20\nwal_level = logical\nmax_replication_slots = 4\n"


@pytest.fixture(scope="module", name="servers")
def fixture_servers():
    """A server for each kind of admin: the broker's own database belongs to whoever comes first."""
    servers = {admin: Postgres(SETTINGS) for admin in ("superuser", "plain")}
    for server in servers.values():
        server.rows("CREATE ROLE plain LOGIN CREATEDB CREATEROLE PASSWORD 'plain'")
    yield servers
    for server in servers.values():
        server.close()


class Ground:
    """A broker on the server, and both sides' view of it."""

    def __init__(self, start_broker, server, admin):
        text = postgres_service(server, "x", more="    wait: 2s\n    attempt_timeout: 30s\n", plans=PLANS)
        if admin == "plain":
            text = text.replace(f"admin:{server.password}", "plain:plain")
        self.server = server
        self.is_superuser = admin == "superuser"
        self.admin = "admin" if self.is_superuser else "plain"
        self.broker = start_broker(text, limits=NO_PASS)
        self.tsuru = Tsuru(self.broker, "postgres", "x")

    def create(self, name, plan="small"):
        answer = self.tsuru.create(name, plan)
        assert answer.status == 201, answer
        wait_until("it is up", lambda: self.tsuru.is_up(name))

    def bind(self, name, app, read_only=False):
        answer = self.tsuru.bind(name, app, parameters={"read_only": True} if read_only else None)
        assert answer.status == 201, answer
        return answer.json

    def made(self, name, plan="small"):
        """An instance with a table, an app that writes, and one that reads."""
        self.create(name, plan)
        writer = self.bind(name, "web")
        self.server.as_app(writer, "CREATE TABLE kept (a int); INSERT INTO kept VALUES (1)")
        return writer, self.bind(name, "report", read_only=True)

    def as_owner(self, env, statement, database="postgres"):
        """As an app that acts as the owner, whatever keeps it out of its database."""
        self.server.rows(f"""SET SESSION AUTHORIZATION "{env['PG_USER']}"; SET ROLE "{env['PG_DATABASE']}"; {statement}""", database)

    def reads(self, env):
        assert self.server.as_app(env, "SELECT a FROM public.kept") == [(1,)]

    def is_done(self, answer, name):
        assert answer.status in (200, 201, 202, 204), answer
        wait_until("the operation ends", lambda: not self.pending(name))
        newest = self.tsuru.operations(name)[0]
        assert newest["state"] == "done", newest

    def pending(self, name):
        """What its pending operations say, each."""
        found = self.broker.admin("/v1/operations?state=pending").json["operations"]
        return [one.get("error") or "nothing yet" for one in found if one["instance"] == name]

    def id_of(self, name):
        return next(one["id"] for one in self.broker.admin("/v1/instances").json["instances"] if one["name"] == name)

    def removed(self, name):
        answer = self.tsuru.remove(name)
        assert answer.status == 200, answer
        wait_until("the removal ends", lambda: not self.pending(name))

    def unbound(self, name, app, env):
        answer = self.tsuru.unbind(name, app)
        assert answer.status == 200, answer
        wait_until("the unbind ends", lambda: not self.pending(name))
        assert env["PG_USER"] not in self.server.roles()

    def is_gone(self, env):
        left = [row[0] for row in self.server.rows(f"SELECT datname FROM pg_database WHERE datname LIKE '{env['PG_DATABASE']}%'")]
        roles = [row[0] for row in self.server.rows(f"SELECT rolname FROM pg_roles WHERE rolname IN ('{env['PG_USER']}', '{env['PG_DATABASE']}')")]
        return not left and not roles

    def waits_for(self, name, *words):
        """The removal pends with the sentence."""
        self.tsuru.remove(name)

        def says():
            told = self.pending(name)
            assert told, "it has ended"
            return all(word in told[0] for word in words)

        wait_until(f"it says {words}: {self.pending(name)}", says)

    def goes_on(self, env):
        """By itself. Its roles go last."""
        wait_until(f"it is removed: {self.broker.log()[-800:]}", lambda: env["PG_DATABASE"] not in self.server.databases())
        wait_until("all has ended", lambda: not self.broker.admin("/v1/operations?state=pending").json["operations"])


@pytest.fixture(params=["superuser", "plain"], name="ground")
def fixture_ground(request, start_broker, servers):
    return Ground(start_broker, servers[request.param], request.param)


# ---- what a tenant sets ----

def every_call(ground, name, env, reader, tenant, pairs):
    """Each is made with all the settings as the tenant left them: they are set anew where a call has undone some."""
    taken = tenant.set(pairs)
    more = ground.bind(name, "more")
    ground.server.as_app(more, "BEGIN READ WRITE; CREATE TABLE public.mine (a int); COMMIT")  # what it may write by default, and where, is its own affair
    tenant.set(taken)
    ground.reads(ground.bind(name, "reader", read_only=True))
    tenant.set(taken)
    ground.is_done(ground.tsuru.update(name, "trigrams"), name)
    ground.reads(reader)
    ground.reads(env)
    tenant.set(taken)
    ground.is_done(ground.tsuru.send("POST", f"/resources/{name}/rotate", {"app-name": "report"}), name)
    ground.reads(ground.bind(name, "report", read_only=True))
    ground.broker.ctl("verify", f"postgres/{name}", "--json", status=(0, 3))
    wait_until("what it found is mended", lambda: not ground.pending(name))
    ground.unbound(name, "more", more)
    tenant.set(taken)
    ground.removed(name)
    assert env["PG_DATABASE"] + "_retired" in ground.server.databases()
    ground.broker.ctl("undelete", ground.id_of(name))
    wait_until("it is back", lambda: ground.tsuru.is_up(name))
    ground.reads(ground.bind(name, "again", read_only=True))
    ground.reads(ground.bind(name, "report", read_only=True))
    return taken


def guilty(ground, name, pairs):
    """Which of the settings keep the calls from working: halves are tried until it is one."""
    while len(pairs) > 1:
        half = pairs[:len(pairs) // 2]
        name += "x"
        env, reader = ground.made(name, "kept")
        try:
            every_call(ground, name, env, reader, Tenant(ground.server, env, reader), half)
            pairs = pairs[len(half):]
        except (AssertionError, psycopg2.Error):
            pairs = half
    return pairs[0]


@pytest.mark.parametrize("turn", range(ROUNDS))
def test_no_setting_that_a_tenant_may_give_stops_a_call(ground, turn):
    name = f"settings{turn}"
    env, reader = ground.made(name, "kept")
    settings = all_settings(ground.server)
    pairs = [(setting, values[turn]) for setting, values in settings if len(values) > turn]
    try:
        taken = every_call(ground, name, env, reader, Tenant(ground.server, env, reader), pairs)
    except (AssertionError, psycopg2.Error) as failure:
        raise AssertionError(f"{guilty(ground, name, pairs)} stops the calls: {failure}") from failure
    assert len({setting for setting, _ in taken}) > (100 if turn < 2 else 0), taken


def test_the_drift_pass_finds_what_keeps_sessions_out(ground):
    env, reader = ground.made("drifting")

    def drift():
        return [one["found"] for one in ground.broker.ctl("verify", "postgres/drifting", "--json", status=(0, 3))["drift"]]

    assert drift() == []
    ground.as_owner(env, f"ALTER DATABASE {env['PG_DATABASE']} SET work_mem TO '1MB'")
    ground.as_owner(env, f"ALTER DATABASE {env['PG_DATABASE']} SET idle_in_transaction_session_timeout TO '5min'")
    ground.as_owner(env, f"ALTER DATABASE {env['PG_DATABASE']} SET statement_timeout TO 0")
    assert drift() == []  # its own affair
    ground.as_owner(env, f"ALTER DATABASE {env['PG_DATABASE']} SET lock_timeout TO '0.2s'")
    ground.as_owner(env, f"ALTER DATABASE {env['PG_DATABASE']} SET local_preload_libraries TO 'nonexistent'")
    assert any("lock_timeout=0.2s" in one for one in drift())
    await_mended(ground.broker, "postgres/drifting")
    ground.reads(reader)
    ground.server.rows(f"""SET SESSION AUTHORIZATION "{reader['PG_USER']}"; ALTER ROLE CURRENT_USER SET statement_timeout TO 1""")
    assert drift() != []
    await_mended(ground.broker, "postgres/drifting")
    ground.reads(reader)
    assert ground.server.as_app(env, "SHOW work_mem") == [("1MB",)]
    ground.removed("drifting")


# A duration, as the server takes it.
WRITTEN = ["1.", "1.s", "0.s", "1e3", "0x10", " 5 s ", "00007", "0.9ms", "1.5d", "1 h", "2147483647", "2147483647000us", "0" * 60 + "1",
           "1." + "0" * 400 + "s", " " * 300 + "5s"]


def test_no_way_to_write_a_time_out_stops_a_call(ground):
    env, reader = ground.made("written")
    ground.create("bystander")
    for value in WRITTEN:
        ground.as_owner(env, f"ALTER DATABASE {env['PG_DATABASE']} SET statement_timeout TO '{value}'")
        ground.server.rows(f"""SET SESSION AUTHORIZATION "{reader['PG_USER']}"; ALTER ROLE CURRENT_USER SET lock_timeout TO '{value}'""")
        ground.bind("bystander", f"app{WRITTEN.index(value)}")
        ground.broker.ctl("verify", "postgres/written", "--json", status=(0, 3))
        wait_until(f"{value} is mended", lambda: not ground.pending("written"))
    ground.as_owner(env, f"ALTER DATABASE {env['PG_DATABASE']} SET statement_timeout TO '1.s'")
    ground.reads(ground.bind("written", "second", read_only=True))
    ground.as_owner(env, f"ALTER DATABASE {env['PG_DATABASE']} SET statement_timeout TO '1.s'")
    ground.is_done(ground.tsuru.unbind("written", "second"), "written")
    ground.is_done(ground.tsuru.update("written", "trigrams"), "written")
    ground.is_done(ground.tsuru.update("written", "small"), "written")
    ground.as_owner(env, f"ALTER DATABASE {env['PG_DATABASE']} SET statement_timeout TO '1.s'")
    for name in ("written", "bystander"):
        ground.removed(name)
    assert ground.is_gone(env)


FLAGS = ["CONNECTION LIMIT 0", "ALLOW_CONNECTIONS false CONNECTION LIMIT 0 IS_TEMPLATE true"]


@pytest.mark.parametrize("flags", FLAGS)
def test_no_flag_of_the_database_stops_a_call(ground, flags):
    env, _ = ground.made("flags", "kept")
    leaver = ground.bind("flags", "leaver")
    ground.server.as_app(leaver, "SET ROLE NONE; SELECT lo_create(0)")
    alter = f"ALTER DATABASE {env['PG_DATABASE']} {flags}"
    ground.as_owner(env, alter)
    ground.reads(ground.bind("flags", "second", read_only=True))
    ground.as_owner(env, alter)
    ground.unbound("flags", "leaver", leaver)
    for plan in ("trigrams", "small"):
        ground.as_owner(env, alter)
        ground.is_done(ground.tsuru.update("flags", plan), "flags")
    ground.as_owner(env, alter)
    ground.removed("flags")
    assert ground.is_gone(env)


# ---- what a tenant holds ----

def prepare(ground, env, statement, database=None, gid="left", user=None):
    """A transaction that nobody ends: by the app, which acts as the owner, or by user, an admin."""
    connection = psycopg2.connect(host="127.0.0.1", port=ground.server.port, dbname=database or env["PG_DATABASE"], connect_timeout=20,
                                  user=user or env["PG_USER"], password=ground.server.password if user else env["PG_PASSWORD"])
    connection.autocommit = True
    cursor = connection.cursor()
    if not user:
        cursor.execute(f"SET ROLE {env['PG_DATABASE']}")
    cursor.execute(f"BEGIN; {statement}; PREPARE TRANSACTION %s", (gid,))
    connection.close()


def prepared(ground):
    return [row[0] for row in ground.server.rows("SELECT gid FROM pg_prepared_xacts ORDER BY 1")]


LOCKS = ["ALTER DATABASE {PG_DATABASE} CONNECTION LIMIT 9", "GRANT TEMPORARY ON DATABASE {PG_DATABASE} TO {PG_DATABASE}_r"]


@pytest.mark.parametrize("lock", LOCKS)
def test_a_prepared_transaction_that_locks_the_row_of_the_database_stops_no_call(ground, lock):
    env, _ = ground.made("locked", "kept")
    prepare(ground, env, "CREATE TABLE of_an_app (a int)", gid="data")

    def hold(database=None):
        prepare(ground, env, lock.format(**env), database)
        assert prepared(ground) == ["data", "left"]

    hold()
    second = ground.bind("locked", "second")
    assert prepared(ground) == ["data"]  # what an app does with its own data stays
    hold("postgres")
    ground.unbound("locked", "second", second)
    assert prepared(ground) == ["data"]
    hold()
    ground.is_done(ground.tsuru.update("locked", "small"), "locked")
    assert prepared(ground) == ["data"]
    hold("postgres")
    ground.removed("locked")
    assert ground.is_gone(env) and prepared(ground) == []


@pytest.mark.parametrize("plan", ["small", "kept"])
def test_any_number_of_prepared_transactions_ends_with_the_instance(ground, plan):
    env, _ = ground.made("many", plan)
    for number in range(8):
        prepare(ground, env, f"CREATE TABLE t{number} (a int)", gid=f"left {number}")
    ground.removed("many")
    assert prepared(ground) == []
    assert re.findall(r"kind=remove outcome=(\w+) .*?attempts=(\d+)", ground.broker.log()) == [("done", "1")]  # all at the first attempt
    if plan == "kept":
        ground.broker.ctl("purge", ground.id_of("many"))
        ground.goes_on({**env, "PG_DATABASE": env["PG_DATABASE"] + "_retired"})
    assert ground.is_gone(env)


def tries(ground, *statements):
    """As an operator does, who tries again what the broker got in the way of: it is at the same object at the same moment, shuts the
    database or ends its sessions with each attempt, perhaps when the statement was done and its answer was not given yet. So what
    came of it is for the caller to look at. Statements are texts, or pairs with the database that they are for."""
    with contextlib.suppress(psycopg2.Error):
        for statement in statements:
            ground.server.rows(*([statement] if isinstance(statement, str) else statement))


def roll_back(ground, database, gid):
    tries(ground, f"ALTER DATABASE {database} ALLOW_CONNECTIONS true", (f"ROLLBACK PREPARED {gid}", database))
    return prepared(ground) == []


@pytest.mark.parametrize("plan", ["small", "kept"])
def test_a_transaction_that_a_superuser_prepared(ground, plan):
    env, _ = ground.made("supers", plan)
    prepare(ground, env, "CREATE TABLE t (a int)", gid="it's mine", user="admin")
    if ground.is_superuser:
        ground.removed("supers")
    else:
        ground.waits_for("supers", '"admin" prepared', "ROLLBACK PREPARED 'it''s mine'", 'GRANT "admin" TO "plain"')
        wait_until("it is rolled back", lambda: roll_back(ground, env["PG_DATABASE"], "'it''s mine'"))
        ground.goes_on(env)
    assert prepared(ground) == [] and env["PG_DATABASE"] not in ground.server.databases()


# ---- what others hold, who mean no harm ----

@contextlib.contextmanager
def session(ground, env, user, password):
    connection = psycopg2.connect(host="127.0.0.1", port=ground.server.port, dbname=env["PG_DATABASE"], user=user, password=password)
    try:
        connection.cursor().execute("SELECT 1")
        yield connection
    finally:
        connection.close()


@pytest.mark.parametrize("plan", ["small", "kept"])
def test_an_operator_s_open_session_ends_or_is_waited_for(ground, plan):
    env, _ = ground.made("visited", plan)
    ground.server.rows(f"CREATE ROLE ann LOGIN PASSWORD 'ann'; GRANT {env['PG_DATABASE']} TO ann; GRANT CONNECT ON DATABASE {env['PG_DATABASE']} TO ann")
    try:
        with session(ground, env, "ann", "ann"):
            if ground.is_superuser:
                ground.removed("visited")
            else:
                ground.waits_for("visited", '"ann" has a session in the database', 'GRANT pg_signal_backend TO "plain"')
                with pytest.raises(psycopg2.OperationalError):  # nobody comes in any more
                    ground.server.as_app(env, "SELECT 1")
                ground.server.rows("GRANT pg_signal_backend TO plain")
                ground.goes_on(env)
    finally:
        ground.server.rows("REVOKE pg_signal_backend FROM plain; DROP OWNED BY ann; DROP ROLE ann")


@pytest.mark.parametrize("plan", ["small", "kept"])
def test_a_superuser_s_open_session_ends_or_is_waited_for(ground, plan):
    env, _ = ground.made("visited", plan)
    with session(ground, env, "admin", ground.server.password) as visitor:
        if ground.is_superuser:
            ground.removed("visited")
        else:
            ground.waits_for("visited", 'the superuser "admin"', f"pg_terminate_backend({visitor.info.backend_pid})")
    ground.goes_on(env)


def test_what_is_put_away_is_purged_though_somebody_came_in(ground):
    env, _ = ground.made("purged", "kept")
    ground.removed("purged")
    retired = {**env, "PG_DATABASE": env["PG_DATABASE"] + "_retired"}
    ground.server.rows(f"ALTER DATABASE {retired['PG_DATABASE']} ALLOW_CONNECTIONS true IS_TEMPLATE true")
    with session(ground, retired, "admin", ground.server.password):
        ground.broker.ctl("purge", ground.id_of("purged"))
        if not ground.is_superuser:
            wait_until("it says who", lambda: any('the superuser "admin"' in one for one in ground.pending("purged")))
    ground.goes_on(retired)


def test_a_slot_does_not_keep_the_log_through_a_retention(ground):
    env, _ = ground.made("streamed", "kept")
    ground.server.rows("SELECT pg_create_logical_replication_slot('changes', 'pgoutput')", env["PG_DATABASE"])
    try:
        if ground.is_superuser:
            ground.removed("streamed")
        else:
            ground.waits_for("streamed", 'replication slot "changes"', "pg_drop_replication_slot('changes')", 'ALTER ROLE "plain" REPLICATION')
            ground.server.rows("ALTER ROLE plain REPLICATION")
            ground.goes_on(env)
        assert env["PG_DATABASE"] + "_retired" in ground.server.databases()
        assert ground.server.rows("SELECT slot_name FROM pg_replication_slots") == []
    finally:
        ground.server.rows("ALTER ROLE plain NOREPLICATION")


@pytest.mark.parametrize("plan", ["small", "kept"])
def test_a_subscription_does_not_keep_the_database(ground, plan):
    env, _ = ground.made("subscribed", plan)
    ground.server.rows("CREATE SUBSCRIPTION changes CONNECTION 'host=127.0.0.1 port=1 dbname=none password=x' PUBLICATION p WITH"
                       " (connect = false, slot_name = 'elsewhere')", env["PG_DATABASE"])
    ground.server.rows("ALTER SUBSCRIPTION changes ENABLE", env["PG_DATABASE"])
    if ground.is_superuser:
        ground.removed("subscribed")
    else:
        ground.waits_for("subscribed", 'the subscription changes of admin', 'GRANT admin TO plain')

        def drop():
            """In one transaction: the removal goes on as soon as the subscription is disabled."""
            tries(ground, ("ALTER SUBSCRIPTION changes DISABLE; ALTER SUBSCRIPTION changes SET (slot_name = NONE); DROP SUBSCRIPTION changes",
                           env["PG_DATABASE"]))
            return ground.server.rows("SELECT subname FROM pg_subscription") == []

        wait_until("it is dropped", drop)
        ground.goes_on(env)
    enabled = ground.server.rows("SELECT subenabled FROM pg_subscription")
    assert enabled == ([(False,)] if ground.is_superuser and plan == "kept" else [])
    if enabled:
        ground.broker.ctl("purge", ground.id_of("subscribed"))
        ground.goes_on({**env, "PG_DATABASE": env["PG_DATABASE"] + "_retired"})
        assert ground.server.rows("SELECT subname FROM pg_subscription") == []


def test_a_new_database_is_a_copy_of_template0(ground):
    ground.server.rows("CREATE TABLE IF NOT EXISTS planted (a int)", "template1")
    with contextlib.closing(psycopg2.connect(host="127.0.0.1", port=ground.server.port, dbname="template1", user="admin",
                                             password=ground.server.password)) as visitor:
        visitor.cursor().execute("SELECT 1")  # a template with a session in it is not copied
        env, _ = ground.made("fresh")
    assert ground.server.as_app(env, "SELECT to_regclass('planted')") == [(None,)]
    ground.removed("fresh")


def test_a_drop_that_the_server_did_not_finish_is_finished(ground):
    env, _ = ground.made("half")
    ground.server.rows(f"UPDATE pg_database SET datconnlimit = -2 WHERE datname = '{env['PG_DATABASE']}'")
    ground.removed("half")
    assert ground.is_gone(env)


def test_a_removal_that_lacks_a_right_waits_for_it(ground):
    if ground.is_superuser:
        pytest.skip("it lacks none")
    env, _ = ground.made("righted")
    ground.server.rows("ALTER ROLE plain NOCREATEROLE")
    try:
        ground.waits_for("righted", "42501")
    finally:
        ground.server.rows("ALTER ROLE plain CREATEROLE")
    ground.goes_on(env)


# ---- what depends on a role elsewhere ----

ELSEWHERE = {
    "a table": ("CREATE TABLE t (a int); ALTER TABLE t OWNER TO {PG_USER}",
                ("{PG_USER} stays behind", "owns a table", "in the database elsewhere; in there", "REASSIGN OWNED BY {PG_USER} TO admin; DROP OWNED BY {PG_USER}")),
    "functions and a schema": ("CREATE SCHEMA s AUTHORIZATION {PG_USER}; CREATE FUNCTION s.f() RETURNS int LANGUAGE sql AS 'SELECT 1';"
                               "ALTER FUNCTION s.f() OWNER TO {PG_USER}", ("owns a function, owns a schema", "in the database elsewhere")),
    "a large object and default rights": ("SELECT lo_create(7); ALTER LARGE OBJECT 7 OWNER TO {PG_USER}; ALTER DEFAULT PRIVILEGES FOR ROLE {PG_USER} GRANT SELECT ON TABLES TO PUBLIC",
                                          ("owns a large object, owns default privileges",)),
    "a database": ("ALTER DATABASE elsewhere OWNER TO {PG_USER}", ("owns the database elsewhere", "ALTER DATABASE elsewhere OWNER TO another role")),
}
SUPERS = {  # what a superuser gave, and a plain role cannot take away
    "rights on a table": ("CREATE TABLE t (a int); GRANT SELECT ON t TO {PG_USER}", ("has rights on a table", "in the database elsewhere")),
    "a tablespace": ("GRANT CREATE ON TABLESPACE pg_default TO {PG_USER}", ("has rights on the tablespace pg_default", "REVOKE ALL ON TABLESPACE pg_default FROM {PG_USER}")),
    "a parameter": ("GRANT SET ON PARAMETER log_statement TO {PG_USER}", ("has rights on the parameter log_statement", "REVOKE ALL ON PARAMETER log_statement FROM {PG_USER}")),
}
CURE = "ALTER DATABASE elsewhere OWNER TO admin; REASSIGN OWNED BY {PG_USER} TO admin; DROP OWNED BY {PG_USER}"


@pytest.fixture(name="elsewhere")
def fixture_elsewhere(ground):
    """A database of an operator's."""
    ground.server.rows("CREATE DATABASE elsewhere")
    yield
    ground.server.rows("DROP DATABASE elsewhere WITH (FORCE)")


def cure(ground, env):
    def is_cured():
        tries(ground, (CURE.format(**env), "elsewhere"))
        return ground.server.rows("SELECT refobjid FROM pg_shdepend JOIN pg_roles r ON r.oid = refobjid WHERE refclassid = 'pg_authid'::regclass"
                                  f" AND rolname = '{env['PG_USER']}'") == []

    wait_until("nothing depends on it", is_cured)


def depends(ground, env, kind):
    """Makes the login depend on something, and gives what has to be said of it."""
    if kind in SUPERS and ground.is_superuser:
        pytest.skip("it takes that away itself")
    if kind == "a parameter" and ground.server.rows("SHOW server_version_num")[0][0] < "150000":
        pytest.skip("parameters have no rights there")
    statements, words = {**ELSEWHERE, **SUPERS}[kind]
    ground.server.rows(statements.format(**env), "elsewhere")
    return [word.format(**env) for word in words]


@pytest.mark.parametrize("kind", [*ELSEWHERE, *SUPERS])
def test_a_removal_says_what_depends_on_a_role_and_goes_on_then(ground, elsewhere, kind):  # pylint: disable=unused-argument
    env, _ = ground.made("depended")
    words = depends(ground, env, kind)
    ground.waits_for("depended", *words)
    assert env["PG_DATABASE"] not in ground.server.databases()
    assert ground.server.rows(f"SELECT rolcanlogin FROM pg_roles WHERE rolname = '{env['PG_USER']}'") == [(False,)]
    cure(ground, env)
    wait_until("the role goes", lambda: not ground.pending("depended"))
    assert ground.is_gone(env)


OWNED = """CREATE SCHEMA own; CREATE TABLE own.t (a int PRIMARY KEY, b text); CREATE SEQUENCE own.s; CREATE VIEW own.v AS SELECT 1 AS a
CREATE MATERIALIZED VIEW own.m AS SELECT 1 AS a; CREATE TABLE own.parts (a int) PARTITION BY RANGE (a); CREATE TABLE own.part PARTITION OF own.parts DEFAULT
CREATE FUNCTION own.f() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT 1'; CREATE PROCEDURE own.p() LANGUAGE sql AS 'SELECT 1'
CREATE AGGREGATE own.agg (int) (SFUNC = int4pl, STYPE = int); CREATE OPERATOR own.## (LEFTARG = int, RIGHTARG = int, FUNCTION = int4pl)
CREATE TYPE own.c AS (a int); CREATE TYPE own.e AS ENUM ('a'); CREATE TYPE own.r AS RANGE (SUBTYPE = int); CREATE DOMAIN own.d AS int CHECK (VALUE > 0)
CREATE COLLATION own.col FROM "C"; CREATE CONVERSION own.conv FOR 'LATIN1' TO 'UTF8' FROM iso8859_1_to_utf8
CREATE TEXT SEARCH CONFIGURATION own.ts (COPY = pg_catalog.simple); CREATE TEXT SEARCH DICTIONARY own.dict (TEMPLATE = simple)
CREATE STATISTICS own.st ON a, b FROM own.t; CREATE PUBLICATION own_pub FOR TABLE own.t; SELECT lo_create(0); CREATE POLICY pol ON own.t TO PUBLIC
ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO PUBLIC; ALTER DEFAULT PRIVILEGES IN SCHEMA own GRANT SELECT ON TABLES TO PUBLIC
CREATE RULE ru AS ON INSERT TO own.v DO INSTEAD NOTHING; COMMENT ON SCHEMA own IS 'tsuru-broker: instance 0123456789abcdef'
ALTER ROLE CURRENT_USER IN DATABASE postgres SET work_mem TO '1MB'; LISTEN own""".replace("\n", "; ")


def test_whatever_a_login_can_own_goes_to_the_owner(ground):
    """What it made in its instance's database keeps no unbind from dropping it, and is still there."""
    env, _ = ground.made("owned")
    more = ground.bind("owned", "more")
    ground.server.as_app(more, f"GRANT CREATE ON DATABASE {env['PG_DATABASE']} TO {more['PG_USER']}")
    has_hstore = ground.server.rows("SELECT name FROM pg_available_extensions WHERE name = 'hstore'") != []
    ground.server.as_app(more, f"SET ROLE NONE; {OWNED}" + ("; CREATE EXTENSION hstore SCHEMA own" if has_hstore else ""))
    ground.unbound("owned", "more", more)
    assert ground.server.as_app(env, "SELECT own.f(), a FROM own.m") == [(1, 1)]
    owners = "SELECT nspowner::regrole::text FROM pg_namespace WHERE nspname = 'own' UNION SELECT pubowner::regrole::text FROM pg_publication"
    assert ground.server.rows(owners, env["PG_DATABASE"]) == [(env["PG_DATABASE"],)]
    ground.removed("owned")
    assert ground.is_gone(env)


@pytest.mark.parametrize("kind", ["a table", "a tablespace"])
def test_an_unbind_is_done_and_the_drift_pass_says_what_depends_on_the_login(ground, elsewhere, kind):  # pylint: disable=unused-argument
    """Whoever holds it, another tenant perhaps, holds up nothing else of the instance. The removal tries again."""
    env, reader = ground.made("depended")
    words = depends(ground, env, kind)
    ground.is_done(ground.tsuru.unbind("depended", "web"), "depended")
    with pytest.raises(psycopg2.OperationalError):
        ground.server.as_app(env, "SELECT 1")
    told = [one["found"] for one in ground.broker.ctl("verify", "postgres/depended", "--json", status=(0, 3))["drift"]]
    assert len(told) == 1 and all(word in told[0] for word in words), told
    ground.reads(reader)
    ground.waits_for("depended", *words)
    cure(ground, env)
    wait_until("the role goes", lambda: not ground.pending("depended"))
    assert ground.is_gone(env)


def test_a_removal_says_who_is_granting_something_to_a_role(ground, elsewhere):  # pylint: disable=unused-argument
    env, _ = ground.made("granted")
    with contextlib.closing(psycopg2.connect(host="127.0.0.1", port=ground.server.port, dbname="elsewhere", user="admin",
                                             password=ground.server.password, application_name="nightly")) as holder:
        holder.cursor().execute(f"CREATE TABLE t (a int); GRANT SELECT ON t TO {env['PG_USER']}")
        ground.waits_for("granted", f"{env['PG_USER']} stays behind", '"nightly" of admin is changing what it has')
        holder.rollback()
        wait_until("the role goes", lambda: not ground.pending("granted"))
    assert ground.is_gone(env)


# ---- those whom a tenant lets in ----

def begin_session(ground, env, database, options):
    """Of another instance's app, in a thread: its session may begin slowly. How it ended is put into the list."""
    ended = []

    def run():
        try:
            with contextlib.closing(psycopg2.connect(host="127.0.0.1", port=ground.server.port, dbname=database, user=env["PG_USER"],
                                                     password=env["PG_PASSWORD"], options=options)) as connection:
                connection.cursor().execute("SELECT pg_sleep(120)")
            ended.append("it was not ended")
        except psycopg2.Error as error:
            ended.append(str(error))

    thread = threading.Thread(target=run)
    thread.start()
    wait_until("it begins", lambda: ground.server.rows(
        f"SELECT l.pid FROM pg_locks l JOIN pg_database d ON d.oid IN (l.objid, l.database) WHERE datname = '{database}'"
        f" UNION SELECT pid FROM pg_stat_activity WHERE usename = '{env['PG_USER']}'"))
    return thread, ended


@pytest.mark.parametrize("delay", [0, 120])
@pytest.mark.parametrize("plan", ["small", "kept"])
def test_a_session_of_another_instance_s_app_does_not_keep_the_database(ground, plan, delay):
    env, reader = ground.made("host", plan)
    guest, _ = ground.made("guest")
    for name in ("other0", "other1", "other2"):  # the right one is found among others
        ground.create(name)
        ground.bind(name, "web")
    members = ("SELECT pg_get_userbyid(roleid), pg_get_userbyid(member) FROM pg_auth_members WHERE pg_get_userbyid(roleid) NOT IN"
               f" ('{env['PG_USER']}', '{reader['PG_USER']}', '{env['PG_DATABASE']}', '{env['PG_DATABASE']}_r') ORDER BY 1, 2")
    before = ground.server.rows(members)
    ground.server.as_app(env, f"GRANT CONNECT ON DATABASE {env['PG_DATABASE']} TO {guest['PG_USER']}")
    thread, ended = begin_session(ground, guest, env["PG_DATABASE"], f"-c role=none -c post_auth_delay={delay}")
    try:
        ground.removed("host")
    finally:
        thread.join()
    assert "it was not ended" not in ended and env["PG_DATABASE"] not in ground.server.databases()
    assert ground.server.rows(members) == before
    ground.reads(guest)
    for name in ("guest", "other0", "other1", "other2"):
        ground.removed(name)


def test_a_catalog_that_a_tenant_locks_is_a_lock_like_any_other(ground):
    """VACUUM FULL waits for a reader, and whoever begins a session waits for VACUUM FULL."""
    env, reader = ground.made("jammed")
    with contextlib.ExitStack() as stack:
        holder, waiter = (stack.enter_context(contextlib.closing(psycopg2.connect(
            host="127.0.0.1", port=ground.server.port, dbname=env["PG_DATABASE"], user=env["PG_USER"], password=env["PG_PASSWORD"]))) for _ in range(2))
        waiter.autocommit = True
        holder.cursor().execute("SELECT count(*) FROM pg_class")

        def wait():
            with contextlib.suppress(psycopg2.Error):
                waiter.cursor().execute("VACUUM FULL pg_catalog.pg_class")

        thread = threading.Thread(target=wait)
        thread.start()
        try:
            wait_until("it waits", lambda: ground.server.rows("SELECT pid FROM pg_locks WHERE mode = 'AccessExclusiveLock' AND NOT granted"))
            assert ground.tsuru.update("jammed", "trigrams").status == 200
            wait_until("it says so", lambda: any("locked a catalog of the database" in one for one in ground.pending("jammed")))
            wait_until("it holds no place", lambda: any(one.get("waits_for") == "lock" for one in ground.broker.admin(
                "/v1/operations?state=pending").json["operations"] if one["instance"] == "jammed"))
        finally:
            holder.close()
            thread.join()
    wait_until("it goes on", lambda: not ground.pending("jammed"))
    ground.reads(reader)
    ground.removed("jammed")
