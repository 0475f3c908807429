"""What a bound app does against its own end and against the broker's role, on a real PostgreSQL, with a superuser and with a
plain admin role: access is gone when the unbind is answered, and nothing of a tenant's runs with the broker's rights."""

import contextlib
import threading
import time

import psycopg2
import pytest

from harness import Postgres, Tsuru, postgres_service, wait_until

PLANS = """      - {name: small, description: a, retain: 0}
      - {name: kept, description: b, retain: 1h}
      - {name: trigrams, description: c, retain: 0, extensions: [pg_trgm]}
      - {name: earth, description: d, retain: 0, extensions: [earthdistance]}
      - {name: limited, description: e, retain: 0, connection_limit: 10, extensions: [earthdistance]}
"""


@pytest.fixture(scope="module", name="attacked")
def fixture_attacked():
    """One server for the file: transactions may be prepared on it."""
    server = Postgres()
    server.stop("fast")
    with open(server.data + "/postgresql.conf", "a", encoding="ascii") as file:
        file.write("max_prepared_transactions = 10\n")
    server.start()
    server.rows("CREATE ROLE plain LOGIN CREATEDB CREATEROLE PASSWORD 'plain'")
    yield server
    server.close()


class Ground:
    """A broker on the server, and what an app's view of it needs."""

    def __init__(self, start_broker, server, admin):
        text = postgres_service(server, "x", plans=PLANS)
        if admin == "plain":
            text = text.replace(f"admin:{server.password}", "plain:plain")
        self.server = server
        self.broker = start_broker(text)
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

    def role(self, env):
        rows = self.server.rows(f"SELECT rolcanlogin, rolsuper FROM pg_roles WHERE rolname = '{env['PG_USER']}'")
        return rows[0] if rows else None


@pytest.fixture(params=["superuser", "plain"], name="ground")
def fixture_ground(request, start_broker, attacked):
    return Ground(start_broker, attacked, request.param)


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


def test_what_others_granted_to_a_login_does_not_keep_it(ground):
    victim, other = ground.bound("victim"), ground.bound("other")
    granted(ground, other, victim).close()
    assert ground.tsuru.unbind("victim", "shop").status == 200
    assert not ground.is_in(victim) and ground.role(victim) is None
    assert ground.server.as_app(other, "SELECT count(*) FROM bait") == [(0,)]
    for name in ("victim", "other"):
        assert ground.tsuru.remove(name).status == 200


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
