"""What a bound app does against its own end and against the broker's role, on a real PostgreSQL, with a superuser and with a
plain admin role: access is gone when the unbind is answered, and nothing of a tenant's runs with the broker's rights."""

import contextlib
import threading
import time

import psycopg2
import pytest

import trojans
from harness import NO_PASS, Postgres, Tsuru, postgres_service, wait_until

PLANS = """      - {name: small, description: a, retain: 0}
      - {name: kept, description: b, retain: 1h}
      - {name: kept_trigrams, description: b, retain: 1h, extensions: [pg_trgm]}
      - {name: trigrams, description: c, retain: 0, extensions: [pg_trgm]}
      - {name: earth, description: d, retain: 0, extensions: [earthdistance]}
      - {name: limited, description: e, retain: 0, connection_limit: 10, extensions: [earthdistance]}
"""


def start_server():
    """Transactions may be prepared on it."""
    server = Postgres()
    server.stop("fast")
    with open(server.data + "/postgresql.conf", "a", encoding="ascii") as file:
        file.write("max_prepared_transactions = 10\n")
    server.start()
    server.rows("CREATE ROLE plain LOGIN CREATEDB CREATEROLE PASSWORD 'plain'")
    return server


@pytest.fixture(scope="module", name="attacked")
def fixture_attacked():
    """A server for each kind of admin: the broker's own database belongs to whoever comes first."""
    servers = {admin: start_server() for admin in ("superuser", "plain")}
    yield servers
    for server in servers.values():
        server.close()


class Ground:
    """A broker on the server, and what an app's view of it needs."""

    def __init__(self, start_broker, server, admin):
        text = postgres_service(server, "x", plans=PLANS)
        if admin == "plain":
            text = text.replace(f"admin:{server.password}", "plain:plain")
        self.server = server
        self.broker_is_superuser = admin == "superuser"
        self.broker = start_broker(text, limits=NO_PASS)
        self.tsuru = Tsuru(self.broker, "postgres", "x")

    def bound(self, instance, plan="small", app="shop"):
        assert self.tsuru.create(instance, plan).status == 201
        return self.tsuru.bind(instance, app).json

    def connect(self, env, database=None):
        return psycopg2.connect(host="127.0.0.1", port=self.server.port, dbname=database or env["PG_DATABASE"],
                                user=env["PG_USER"], password=env["PG_PASSWORD"], connect_timeout=20)

    def is_in(self, env):
        try:
            self.connect(env).close()
            return True
        except psycopg2.OperationalError:
            return False

    def log(self):
        with open(self.server.log, encoding="utf-8", errors="replace") as file:
            return file.read()

    def role(self, env):
        rows = self.server.rows(f"SELECT rolcanlogin, rolsuper FROM pg_roles WHERE rolname = '{env['PG_USER']}'")
        return rows[0] if rows else None


@pytest.fixture(params=["superuser", "plain"], name="ground")
def fixture_ground(request, start_broker, attacked):
    return Ground(start_broker, attacked[request.param], request.param)


# ---- a login that wrote and is to read only ----

PREPARE = ["CREATE TABLE t (a int)", "CREATE SCHEMA s", "GRANT INSERT ON t TO {PG_USER}", "GRANT CREATE ON SCHEMA s TO {PG_USER}",
           "ALTER DEFAULT PRIVILEGES GRANT INSERT ON TABLES TO {PG_USER}", "GRANT CREATE, TEMPORARY ON DATABASE {PG_DATABASE} TO {PG_USER}",
           "SET ROLE NONE", "CREATE TABLE s.own (a int)", "RESET ROLE", "CREATE TABLE later (a int)"]
WRITES = ["INSERT INTO t VALUES (1)", "INSERT INTO later VALUES (1)", "INSERT INTO s.own VALUES (1)", "INSERT INTO s.others VALUES (1)", "CREATE TABLE s.more (a int)",
          "CREATE SCHEMA more", "CREATE TEMPORARY TABLE more (a int)", "SET ROLE {PG_DATABASE}"]


@pytest.mark.parametrize("way", ["rotate", "bind"])
def test_a_writer_that_is_to_read_only_keeps_no_rights(ground, way):
    """Its login stays, and with it what it owns as itself and what it gave itself as the owner."""
    env = ground.bound("mydb")
    other = ground.tsuru.bind("mydb", "other").json
    ground.server.as_app(env, "; ".join(PREPARE).format(**env))
    ground.server.as_app(env, f"GRANT CREATE, USAGE ON SCHEMA s TO {other['PG_USER']}")
    ground.server.as_app(other, f"SET ROLE NONE; CREATE TABLE s.others (a int); GRANT INSERT ON s.others TO {env['PG_USER']}")
    if way == "rotate":
        assert ground.tsuru.update("mydb", "small", parameters={"read_only": True}).status == 200
        assert ground.tsuru.send("POST", "/resources/mydb/rotate", {"app-name": "shop"}).status == 202
        wait_until("it is done", lambda: ground.tsuru.operations("mydb")[0]["state"] == "done")
    reader = ground.tsuru.bind("mydb", "shop", parameters={"read_only": True}).json
    with contextlib.closing(ground.connect(reader)) as connection:
        connection.autocommit = True
        cursor = connection.cursor()
        cursor.execute("SET default_transaction_read_only TO off")
        for statement in WRITES:
            with pytest.raises(psycopg2.errors.InsufficientPrivilege):
                cursor.execute(statement.format(**env))
        cursor.execute("SELECT (SELECT count(*) FROM t) + (SELECT count(*) FROM later)")
        assert cursor.fetchall() == [(0,)]
    admin = "admin" if ground.broker_is_superuser else "plain"
    assert ground.server.rows(f"SELECT pg_get_userbyid(roleid) FROM pg_auth_members WHERE pg_get_userbyid(member) = '{admin}' AND"
                              f" pg_get_userbyid(roleid) IN ('{env['PG_USER']}', '{other['PG_USER']}') AND pg_get_userbyid(grantor) = '{admin}'") == []
    # What the owner gives it as a reader stays its own.
    other = ground.tsuru.bind("mydb", "other", parameters={"read_only": False}).json
    ground.server.as_app(other, f"GRANT INSERT ON t TO {reader['PG_USER']}")
    reader = ground.tsuru.bind("mydb", "shop", parameters={"read_only": True}).json
    ground.server.as_app(reader, "SET default_transaction_read_only TO off; COMMIT; INSERT INTO t VALUES (1)")
    assert ground.tsuru.remove("mydb").status == 200


# ---- access is shut first ----

def test_the_lock_is_out_of_reach(ground):
    """The old way: the lock's number is read in pg_locks and taken in a database that every app can enter."""
    victim = ground.bound("victim")
    attacker = ground.bound("attacker")
    with pytest.raises(psycopg2.OperationalError, match="permission denied"):
        ground.connect(attacker, "tsuru_broker")
    thief = ground.connect(attacker, "postgres")
    thief.autocommit = True
    numbers = set()

    def watch():
        cursor = thief.cursor()
        while not stop.is_set():
            cursor.execute("SELECT (classid::bigint << 32) + objid::bigint FROM pg_locks WHERE locktype = 'advisory'")
            numbers.update(row[0] for row in cursor.fetchall())

    stop = threading.Event()
    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        wait_until("a lock was seen", lambda: ground.tsuru.update("victim", "small").status == 200 and numbers)
    finally:
        stop.set()
        watcher.join()
    for number in numbers:
        thief.cursor().execute(f"SELECT pg_advisory_lock({number})")
    assert ground.tsuru.unbind("victim", "shop").status == 200
    assert not ground.is_in(victim) and ground.role(victim) is None
    thief.close()
    for name in ("victim", "attacker"):
        assert ground.tsuru.remove(name).status == 200


HELD = {
    "password": "ALTER ROLE CURRENT_USER PASSWORD 'mine'",
    "setting": "ALTER ROLE CURRENT_USER SET work_mem = '1MB'",
    "setting of the database": "ALTER ROLE CURRENT_USER IN DATABASE {PG_DATABASE} SET work_mem = '1MB'",
    "row of the database": "SET ROLE {PG_DATABASE}; ALTER DATABASE {PG_DATABASE} CONNECTION LIMIT 7",
    "rights of the database": "SET ROLE {PG_DATABASE}; GRANT TEMPORARY ON DATABASE {PG_DATABASE} TO {PG_USER}",
    "comment": "SET ROLE {PG_DATABASE}; COMMENT ON DATABASE {PG_DATABASE} IS 'mine'",
}


def hold(ground, env, what, database=None):
    """A transaction of the app's that is left open."""
    holder = ground.connect(env, database)
    cursor = holder.cursor()
    cursor.execute("SET ROLE NONE; " + HELD[what].format(**env))
    return holder


@pytest.mark.parametrize("what", HELD)
def test_a_transaction_that_is_left_open_does_not_put_an_end_off(ground, what):
    env = ground.bound("mine")
    kept = hold(ground, env, what, "postgres" if what == "setting" else None)
    assert ground.tsuru.unbind("mine", "shop").status == 200
    assert not ground.is_in(env) and ground.role(env) is None
    kept.close()
    env = ground.tsuru.bind("mine", "shop").json
    kept = hold(ground, env, what)
    assert ground.tsuru.remove("mine").status == 200
    assert ground.role(env) is None and env["PG_DATABASE"] not in ground.server.databases()
    kept.close()


@pytest.mark.parametrize("what", HELD)
def test_nor_a_rotation_nor_what_is_kept(ground, what):
    env = ground.bound("mine", "kept")
    kept = hold(ground, env, what)
    assert ground.tsuru.send("POST", "/resources/mine/rotate", {"app-name": "shop"}).status == 202
    wait_until("it is rotated", lambda: ground.tsuru.operations("mine")[0]["state"] == "done")
    assert not ground.is_in(env)
    kept.close()
    ground.tsuru.unbind("mine", "shop")
    env = ground.tsuru.bind("mine", "shop").json
    kept = hold(ground, env, what)
    assert ground.tsuru.remove("mine").status == 200
    assert ground.role(env) == (False, False) and env["PG_DATABASE"] + "_retired" in ground.server.databases()
    kept.close()


class Nuisance:
    """An app that logs in again and again and leaves each time a transaction open that changes its own role."""

    def __init__(self, ground, env):
        self.stop = threading.Event()
        self.logins = 0
        self.threads = [threading.Thread(target=self.run, args=(ground, env)) for _ in range(4)]
        for thread in self.threads:
            thread.start()

    def run(self, ground, env):
        while not self.stop.is_set():
            with contextlib.suppress(psycopg2.Error):
                connection = ground.connect(env)
                self.logins += 1
                cursor = connection.cursor()
                cursor.execute("SET ROLE NONE; ALTER ROLE CURRENT_USER PASSWORD 'mine'")
                cursor.execute("SELECT pg_sleep(60)")

    def close(self):
        self.stop.set()
        for thread in self.threads:
            thread.join()


def test_nor_do_sessions_that_come_back(ground):
    env = ground.bound("mine")
    nuisance = Nuisance(ground, env)
    with contextlib.closing(nuisance):
        wait_until("it is at it", lambda: nuisance.logins > 3)
        assert ground.tsuru.unbind("mine", "shop").status == 200
        assert not ground.is_in(env) and ground.role(env) is None
    assert ground.tsuru.remove("mine").status == 200


@pytest.mark.parametrize("statement", ["SET ROLE NONE; BEGIN; ALTER ROLE CURRENT_USER PASSWORD 'mine'",
                                       "SET ROLE NONE; BEGIN; SELECT lo_create(0)", "BEGIN; CREATE TABLE t (a int)"])
def test_nor_a_prepared_transaction(ground, statement):
    env = ground.bound("mine")

    def prepare():
        connection = ground.connect(env)
        connection.autocommit = True
        connection.cursor().execute(statement + "; PREPARE TRANSACTION 'left'")
        connection.close()

    prepare()
    assert ground.tsuru.unbind("mine", "shop").status == 200
    assert not ground.is_in(env) and ground.role(env) is None
    # What the owner role prepared is another app's as well, and stays until the instance goes.
    left = ground.server.rows("SELECT gid FROM pg_prepared_xacts")
    assert left == ([("left",)] if statement.startswith("BEGIN") else [])
    env = ground.tsuru.bind("mine", "shop").json
    if not left:
        prepare()
    assert ground.tsuru.remove("mine").status == 200
    assert env["PG_DATABASE"] not in ground.server.databases() and ground.role(env) is None
    assert ground.server.rows("SELECT gid FROM pg_prepared_xacts") == []


# ---- what others do to a login ----

def granted(ground, other, victim, held=False):
    """Another tenant grants the login something on an object of its own."""
    connection = ground.connect(other)
    cursor = connection.cursor()
    cursor.execute(f"""CREATE TABLE IF NOT EXISTS bait (a int); GRANT SELECT ON bait TO {victim['PG_USER']};
        ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO {victim['PG_USER']};
        GRANT USAGE ON SCHEMA public TO {victim['PG_USER']}; CREATE POLICY p ON bait TO {victim['PG_USER']}""")
    if not held:
        connection.commit()
    return connection


KINDS_IN_SCHEMAS = {
    "function": "CREATE FUNCTION public.first() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "table": "CREATE TABLE public.first (a int)",
    "type": "CREATE TYPE public.first AS (a int)",
}


@pytest.mark.parametrize("kind", KINDS_IN_SCHEMAS)
def test_nor_does_what_it_made_before_its_schema(ground, kind):
    """What it owns is handed on in the order in which it was made, and the next owner has to be allowed into its schema."""
    env = ground.bound("mine")
    with contextlib.closing(ground.connect(env)) as connection:
        connection.autocommit = True
        for statement in ("GRANT CREATE ON SCHEMA public TO {PG_USER}", "GRANT CREATE ON DATABASE {PG_DATABASE} TO {PG_USER}", "SET ROLE NONE",
                          KINDS_IN_SCHEMAS[kind], "CREATE SCHEMA own", f"ALTER {kind} public.first SET SCHEMA own"):
            connection.cursor().execute(statement.format(**env))
    assert ground.tsuru.unbind("mine", "shop").status == 200
    assert not ground.is_in(env) and ground.role(env) is None
    assert ground.server.rows("SELECT nspowner::regrole::text FROM pg_namespace WHERE nspname = 'own'", env["PG_DATABASE"]) == [(env["PG_DATABASE"],)]
    assert ground.tsuru.remove("mine").status == 200


def test_nor_does_what_it_made_in_the_schema_of_another(ground):
    env, other = ground.bound("mine"), ground.tsuru.bind("mine", "other").json
    for who, statements in ((other, ("GRANT CREATE ON DATABASE {PG_DATABASE} TO {PG_USER}", "SET ROLE NONE", "CREATE SCHEMA theirs",
                                     f"GRANT ALL ON SCHEMA theirs TO {env['PG_USER']}")),
                            (env, ("SET ROLE NONE", "CREATE FUNCTION theirs.first() RETURNS int LANGUAGE sql AS 'SELECT 1'"))):
        with contextlib.closing(ground.connect(who)) as connection:
            connection.autocommit = True
            for statement in statements:
                connection.cursor().execute(statement.format(**who))
    assert ground.tsuru.unbind("mine", "shop").status == 200
    assert not ground.is_in(env) and ground.role(env) is None
    assert ground.server.rows("SELECT nspowner::regrole::text FROM pg_namespace WHERE nspname = 'theirs'", env["PG_DATABASE"]) == [(other["PG_USER"],)]
    assert ground.server.rows("SELECT theirs.first()", env["PG_DATABASE"]) == [(1,)]
    assert ground.tsuru.remove("mine").status == 200


def test_the_broker_is_a_member_of_no_login_when_it_is_done(ground):
    """It joins those of the instance to hand on what one of them made; before version 15 an app can make another's login one of
    these."""
    victim = ground.bound("victim", app="shop")
    mine = ground.bound("mine", app="web")
    ended = ground.tsuru.bind("mine", "second").json
    with contextlib.closing(ground.connect(mine)) as connection:
        connection.autocommit = True
        cursor = connection.cursor()
        cursor.execute("CREATE TABLE t (a int)")
        cursor.execute(f'GRANT SELECT ON t TO "{ended["PG_USER"]}"')
        with contextlib.suppress(psycopg2.errors.InsufficientPrivilege):
            cursor.execute(f'SET ROLE NONE; GRANT "{mine["PG_USER"]}" TO "{victim["PG_USER"]}"')
    assert ground.tsuru.unbind("mine", "second").status == 200 and ground.role(ended) is None
    admin = "admin" if ground.broker_is_superuser else "plain"
    for env in (mine, victim):
        assert ground.server.rows(f"SELECT count(*) FROM pg_auth_members WHERE pg_get_userbyid(roleid) = '{env['PG_USER']}' AND"
                                  f" pg_get_userbyid(member) = '{admin}' AND pg_get_userbyid(grantor) = '{admin}'") == [(0,)], env
    for name in ("mine", "victim"):
        assert ground.tsuru.remove(name).status == 200


def test_what_others_granted_to_a_login_does_not_keep_it(ground):
    victim, other = ground.bound("victim"), ground.bound("other")
    granted(ground, other, victim).close()
    assert ground.tsuru.unbind("victim", "shop").status == 200
    assert not ground.is_in(victim) and ground.role(victim) is None
    assert ground.server.as_app(other, "SELECT count(*) FROM bait") == [(0,)]
    for name in ("victim", "other"):
        assert ground.tsuru.remove(name).status == 200


def test_what_a_login_owns_in_another_database_is_left_there(ground):
    """Another tenant lets it in: what it makes there is no content of its own instance."""
    victim, other = ground.bound("victim"), ground.bound("other")
    ground.server.as_app(other, f"""GRANT CONNECT ON DATABASE {other['PG_DATABASE']} TO {victim['PG_USER']};
        GRANT ALL ON SCHEMA public TO {victim['PG_USER']}""")
    guest = ground.connect(victim, other["PG_DATABASE"])
    guest.cursor().execute("CREATE TABLE common AS SELECT 1 AS a; GRANT SELECT ON common TO PUBLIC")
    guest.commit()
    guest.close()
    assert ground.tsuru.unbind("victim", "shop").status == 200
    assert not ground.is_in(victim) and ground.role(victim) == (False, False)
    assert ground.server.as_app(other, "SELECT a FROM common") == [(1,)]
    assert ground.tsuru.remove("victim").status == 200
    assert ground.server.as_app(other, "SELECT a FROM common") == [(1,)]
    assert ground.tsuru.remove("other").status == 200
    ground.server.rows(f"DROP ROLE IF EXISTS {victim['PG_USER']}, {victim['PG_DATABASE']}, {victim['PG_DATABASE']}_r")


@pytest.mark.parametrize("how", ["held", "full", "closed"])
def test_nor_where_the_other_database_cannot_be_mended(ground, how):
    """The unbind is done: the role stays behind, shut. It can be bound again, and goes with its instance or later."""
    victim, other = ground.bound("victim"), ground.bound("other")
    connection = granted(ground, other, victim, held=how == "held")
    if how == "closed":
        connection.cursor().execute(f"ALTER DATABASE {other['PG_DATABASE']} SET local_preload_libraries TO 'nothing';"
                                    f"REVOKE CONNECT ON DATABASE {other['PG_DATABASE']} FROM {other['PG_DATABASE']}")
        connection.commit()
    if how == "full":
        connection.cursor().execute(f"ALTER DATABASE {other['PG_DATABASE']} CONNECTION LIMIT 0")
        connection.commit()
    begun = time.monotonic()
    assert ground.tsuru.unbind("victim", "shop").status == 200
    assert time.monotonic() - begun < 60
    assert not ground.is_in(victim) and ground.role(victim) in (None, (False, False))
    again = ground.tsuru.bind("victim", "shop").json
    assert ground.server.as_app(again, "SELECT 1") == [(1,)]
    assert ground.tsuru.remove("victim").status == 200
    assert victim["PG_DATABASE"] not in ground.server.databases()
    assert not ground.is_in(again) and ground.role(again) in (None, (False, False))
    connection.close()
    assert ground.tsuru.remove("other").status == 200
    for one in (victim, other):
        ground.server.rows(f"DROP ROLE IF EXISTS {one['PG_USER']}, {one['PG_DATABASE']}, {one['PG_DATABASE']}_r")


def test_an_app_of_the_same_instance_holds_what_has_to_be_tidied(ground):
    first = ground.bound("mine")
    second = ground.tsuru.bind("mine", "second").json
    holder = ground.connect(second)
    holder.cursor().execute(f"CREATE TABLE t (a int); GRANT SELECT ON t TO {first['PG_USER']};"
                            f"ALTER DATABASE {first['PG_DATABASE']} CONNECTION LIMIT 9")
    assert ground.tsuru.unbind("mine", "shop").status == 200
    assert not ground.is_in(first) and ground.role(first) in (None, (False, False))
    holder.close()
    assert ground.tsuru.remove("mine").status == 200
    assert ground.role(first) is None


# ---- nothing of a tenant's runs with the broker's rights ----

# What the script of earthdistance names without a schema: each would make the app a superuser.
TROJAN = """CREATE SCHEMA x; CREATE EXTENSION cube SCHEMA x;
CREATE FUNCTION public.evil(t text) RETURNS bool LANGUAGE plpgsql AS $$ BEGIN
 IF (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) THEN EXECUTE 'ALTER ROLE {PG_USER} SUPERUSER'; END IF;
 RETURN true; END $$;
CREATE DOMAIN public.trap AS text CHECK (public.evil(VALUE));
CREATE TYPE public.cube AS (a public.trap);
CREATE FUNCTION public.cube_is_point(public.cube) RETURNS bool LANGUAGE sql AS 'SELECT true';
CREATE FUNCTION public.cube_dim(public.cube) RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION public.cube_distance(public.cube, public.cube) RETURNS float8 LANGUAGE sql AS 'SELECT 0::float8';
CREATE FUNCTION public.cube(float8) RETURNS public.cube LANGUAGE sql AS 'SELECT NULL::public.cube';
CREATE FUNCTION public.cube(public.cube, float8) RETURNS public.cube LANGUAGE sql AS 'SELECT NULL::public.cube';
CREATE FUNCTION public.cube_ll_coord(public.cube, int) RETURNS float8 LANGUAGE sql AS 'SELECT 0::float8';
CREATE FUNCTION public.cube_enlarge(public.cube, float8, int) RETURNS public.cube LANGUAGE sql AS 'SELECT NULL::public.cube'"""
ANEW = "DROP SCHEMA public CASCADE; CREATE SCHEMA public; "


@pytest.fixture(name="super_ground")
def fixture_super_ground(start_broker, attacked):
    return Ground(start_broker, attacked["superuser"], "superuser")


def extensions(ground, env):
    return dict(ground.server.rows("SELECT extname, nspname FROM pg_extension JOIN pg_namespace n ON n.oid = extnamespace"
                                   " WHERE extname <> 'plpgsql'", env["PG_DATABASE"]))


def test_a_plan_change_runs_no_script_that_sees_a_tenants_objects(super_ground):
    env = super_ground.bound("mine")
    super_ground.server.as_app(env, TROJAN.format(**env))
    answer = super_ground.tsuru.update("mine", "earth")
    assert answer.status == 422 and "earthdistance" in answer.message and "stands in the schema x" in answer.message
    assert super_ground.role(env) == (True, False) and extensions(super_ground, env) == {"cube": "x"}
    assert super_ground.tsuru.remove("mine").status == 200


@pytest.mark.parametrize("plan", ["earth", "limited"])
def test_nor_does_an_update_after_all_was_dropped(super_ground, plan):
    env = super_ground.bound("mine", plan)
    assert extensions(super_ground, env) == {"cube": "extensions", "earthdistance": "extensions"}
    assert super_ground.server.as_app(env, "SELECT round(earth_distance(ll_to_earth(0, 0), ll_to_earth(0, 1)) / 1000)") == [(111,)]
    with pytest.raises(psycopg2.errors.InsufficientPrivilege):
        super_ground.server.as_app(env, "CREATE TABLE extensions.mine (a int)")
    with pytest.raises(psycopg2.Error):
        super_ground.server.as_app(env, "DROP EXTENSION earthdistance")
    with pytest.raises(psycopg2.Error):
        super_ground.server.as_app(env, "DROP SCHEMA extensions CASCADE")
    super_ground.server.as_app(env, ANEW + TROJAN.format(**env).replace("CREATE EXTENSION cube SCHEMA x;", ""))
    assert super_ground.tsuru.update("mine", plan).status == 200
    assert super_ground.role(env) == (True, False)
    assert extensions(super_ground, env) == {"cube": "extensions", "earthdistance": "extensions"}
    assert super_ground.tsuru.remove("mine").status == 200


def test_nor_does_an_update_of_a_database_of_an_earlier_version(super_ground):
    """Its extensions stand in the schema public, which the app drops, extensions and all."""
    env = super_ground.bound("mine")
    super_ground.server.rows("CREATE EXTENSION earthdistance SCHEMA public CASCADE", env["PG_DATABASE"])
    assert super_ground.tsuru.update("mine", "limited").status == 200
    assert extensions(super_ground, env) == {"cube": "public", "earthdistance": "public"}
    super_ground.server.as_app(env, ANEW + TROJAN.format(**env))
    answer = super_ground.tsuru.update("mine", "limited")
    assert answer.status == 422 and "cube, which belongs to" in answer.message
    # Nor does what the drift pass mends, although the app makes it mend.
    super_ground.server.as_app(env, f"ALTER DATABASE {env['PG_DATABASE']} CONNECTION LIMIT 77")
    super_ground.broker.ctl("verify", status=(0, 1, 2, 3))
    wait_until("the limit is mended", lambda: super_ground.server.rows(
        f"SELECT datconnlimit FROM pg_database WHERE datname = '{env['PG_DATABASE']}'") == [(10,)])
    assert super_ground.role(env) == (True, False) and extensions(super_ground, env) == {"cube": "x"}
    assert super_ground.tsuru.remove("mine").status == 200


def test_a_schema_that_a_tenant_made_first_is_not_used(ground):
    env = ground.bound("mine")
    ground.server.as_app(env, "CREATE SCHEMA extensions")
    answer = ground.tsuru.update("mine", "trigrams")
    assert answer.status == 422 and "is not the broker's alone" in answer.message
    assert extensions(ground, env) == {}
    ground.server.as_app(env, "ALTER SCHEMA extensions RENAME TO mine")
    assert ground.tsuru.update("mine", "trigrams").status == 200
    assert extensions(ground, env) == {"pg_trgm": "extensions"}
    assert ground.server.as_app(env, "SELECT similarity('word', 'word')") == [(1,)]
    assert ground.tsuru.remove("mine").status == 200


def test_what_an_extension_needs_is_seen_to_by_an_operator(super_ground):
    env = super_ground.bound("mine")
    answer = super_ground.tsuru.update("mine", "earth")
    assert answer.status == 422 and "cube, which is not installed" in answer.message
    super_ground.server.rows("CREATE SCHEMA extensions", env["PG_DATABASE"])
    super_ground.server.rows("CREATE EXTENSION cube SCHEMA extensions", env["PG_DATABASE"])
    assert super_ground.tsuru.update("mine", "earth").status == 200
    assert extensions(super_ground, env) == {"cube": "extensions", "earthdistance": "extensions"}
    assert super_ground.tsuru.remove("mine").status == 200


def test_no_trojan_runs_with_the_brokers_rights(ground):
    """Each name that a statement of the driver could mean, planted where a tenant can, and each call made."""
    admin = "admin" if ground.broker_is_superuser else "plain"
    env = ground.bound("mine", "kept")
    with contextlib.closing(ground.connect(env)) as connection:
        assert trojans.plant(connection, env["PG_DATABASE"]) > 400
    with contextlib.closing(ground.connect(env)) as connection:
        connection.cursor().execute("SET statement_timeout = 0; SELECT public.format('x'::pg_catalog.text)")
    assert f"TROJAN run by {env['PG_USER']}" in ground.log()
    tsuru, name = ground.tsuru, env["PG_DATABASE"]
    assert tsuru.update("mine", "kept_trigrams").status == 200
    assert tsuru.bind("mine", "second").status == 201
    assert tsuru.bind("mine", "reader", parameters={"read_only": True}).status == 201
    assert tsuru.send("POST", "/resources/mine/rotate", {"app-name": "second"}).status == 202
    wait_until("it is rotated", lambda: tsuru.operations("mine")[0]["state"] == "done")
    ground.server.rows(f"ALTER DATABASE {name} CONNECTION LIMIT 77")
    ground.broker.ctl("verify", status=(0, 1, 2, 3))
    wait_until("it is mended", lambda: ground.server.rows(
        f"SELECT datconnlimit FROM pg_database WHERE datname = '{name}'") == [(-1,)])
    wait_until("the mend has ended", lambda: tsuru.status("mine").status != 202)
    for app in ("second", "reader"):
        assert tsuru.unbind("mine", app).status == 200
    assert tsuru.remove("mine").status == 200
    wait_until("it is put away", lambda: f"{name}_retired" in ground.server.databases())
    ground.broker.ctl("undelete", "postgres/mine")
    wait_until("it is back", lambda: name in ground.server.databases())
    assert tsuru.update("mine", "small").status == 200
    assert tsuru.remove("mine").status == 200
    wait_until("it is gone", lambda: name not in ground.server.databases())
    assert f"TROJAN run by {admin}" not in ground.log()
    assert ground.server.rows("SELECT count(*) FROM pg_roles WHERE rolsuper") == [(1,)]


def test_no_trojan_runs_while_a_database_is_adopted(ground):
    admin = "admin" if ground.broker_is_superuser else "plain"
    ground.server.rows("DROP DATABASE IF EXISTS blog")
    ground.server.rows("CREATE ROLE writer LOGIN PASSWORD 'writer'")
    ground.server.rows("CREATE DATABASE blog OWNER writer")
    writer = {"PG_DATABASE": "blog", "PG_USER": "writer", "PG_PASSWORD": "writer"}
    with contextlib.closing(ground.connect(writer)) as connection:
        assert trojans.plant(connection, "writer") > 400
    if admin == "plain":
        ground.server.rows("GRANT writer TO plain")
    ground.broker.ctl("adopt", "postgres/blog", "--team", ground.tsuru.team, "--server", "main", "--resource", "blog", "--plan", "small")
    wait_until("it is adopted", lambda: ground.tsuru.info("blog").status == 200)
    assert ground.tsuru.bind("blog", "reader", parameters={"read_only": True}).status == 201
    assert ground.tsuru.remove("blog").status == 200
    assert f"TROJAN run by {admin}" not in ground.log()
    ground.server.rows("DROP ROLE IF EXISTS writer")
