"""The records and a real PostgreSQL side by side: what is destroyed, adopted, compared and mended is exactly what the
records say, in the state that they say."""

import os
import shutil
import time

import psycopg2
import pytest

from harness import Tsuru, postgres_service, wait_until

PLANS = """      - {{name: small, description: a, connection_limit: 10, retain: {retain}}}
      - {{name: now, description: b, connection_limit: 10, retain: 0}}
"""


def service(server, retain="1h", user=None):
    text = postgres_service(server, "x", plans=PLANS.format(retain=retain))
    return text if user is None else text.replace(f"admin:{server.password}", user)


def start(start_broker, server, **options):
    broker = start_broker(service(server, **options))
    wait_until("the server was checked",
               lambda: broker.ctl("services", "--json")["services"][0]["servers"][0]["state"] == "up")
    return broker, Tsuru(broker, "postgres", "x")


def only(items):
    assert len(items) == 1, items
    return items[0]


def failed(broker):
    """The sentences of the operations that failed for good."""
    return " ".join(one["error"] for one in broker.ctl("operations", "--state", "failed", "--json"))


# ---- what is destroyed ----

def test_an_old_backup_drops_no_living_database(start_broker, own_server, tmp_path):
    """Retained when the backup was made, brought back afterwards, in use: the restored records drop nothing of it."""
    broker, tsuru = start(start_broker, own_server, retain="5s")
    tsuru.create("shop", "small")
    env = tsuru.bind("shop", "web").json
    own_server.as_app(env, "CREATE TABLE orders AS SELECT generate_series(1, 1000) AS n")
    tsuru.remove("shop")
    backup = str(tmp_path / "night.mdb")
    broker.ctl("backup", backup)
    broker.ctl("undelete", "postgres/shop")
    assert own_server.as_app(env, "SELECT count(*) FROM orders") == [(1000,)]
    ends = time.time() + 5
    broker.stop()
    shutil.copy(os.path.join(broker.data, "secret.key"), tmp_path / "key")
    shutil.rmtree(broker.data)
    os.mkdir(broker.data, 0o700)
    shutil.move(backup, os.path.join(broker.data, "data.mdb"))
    shutil.copy(tmp_path / "key", os.path.join(broker.data, "secret.key"))
    os.chmod(os.path.join(broker.data, "secret.key"), 0o600)
    wait_until("the retention is over by the restored records", lambda: time.time() > ends)
    broker.start()
    wait_until("the purge was refused", lambda: "is alive" in failed(broker))
    assert own_server.as_app(env, "SELECT count(*) FROM orders") == [(1000,)]
    assert f'RENAME TO "{env["PG_DATABASE"]}_retired"' in failed(broker)


def test_a_purge_drops_the_retired_one_and_spares_one_in_its_place(start_broker, own_server):
    broker, tsuru = start(start_broker, own_server)
    tsuru.create("shop", "small")
    name = tsuru.bind("shop", "web").json["PG_DATABASE"]
    tsuru.remove("shop")
    own_server.rows(f"CREATE DATABASE {name} OWNER {name}")
    own_server.rows("CREATE TABLE restored (a int)", name)
    retained = only(broker.ctl("instances", "--state", "retained", "--json"))
    broker.ctl("purge", retained["id"], status=(0, 1))
    wait_until("it is told", lambda: "is alive" in failed(broker))
    assert own_server.databases() == {name} and {name, f"{name}_r"} <= own_server.roles()
    assert own_server.rows("SELECT count(*) FROM restored", name) == [(0,)]


def test_a_removal_spares_one_that_is_put_away(start_broker, own_server):
    """The records say living, the server says retired: as with a backup from before a removal."""
    broker, tsuru = start(start_broker, own_server)
    tsuru.create("shop", "now")
    name = tsuru.bind("shop", "web").json["PG_DATABASE"]
    own_server.rows(f"ALTER DATABASE {name} RENAME TO {name}_retired")
    assert tsuru.remove("shop").status != 200
    assert "is put away" in failed(broker)
    assert own_server.databases() == {f"{name}_retired"} and name in own_server.roles()


@pytest.mark.parametrize("plan", ["small", "now"])
def test_a_database_of_somebody_elses_is_spared(start_broker, own_server, plan):
    broker, tsuru = start(start_broker, own_server)
    tsuru.create("shop", plan)
    env = tsuru.bind("shop", "web").json
    name = env["PG_DATABASE"]
    own_server.rows(f"CREATE ROLE joe LOGIN PASSWORD 'joe'; ALTER DATABASE {name} OWNER TO joe")
    session = psycopg2.connect(host="127.0.0.1", port=own_server.port, dbname=name, user="joe", password="joe")
    assert tsuru.remove("shop").status != 200
    assert f'ALTER DATABASE "{name}" OWNER TO "{name}"' in failed(broker)
    assert own_server.databases() == {name}
    session.cursor().execute("SELECT 1")
    session.close()
    # As the sentence says, and again.
    own_server.rows(f"ALTER DATABASE {name} OWNER TO {name}")
    broker.ctl("retry", "postgres/shop")
    wait_until("it is gone", lambda: name not in own_server.databases())


def test_roles_that_another_instance_marked_are_spared(start_broker, own_server):
    broker, tsuru = start(start_broker, own_server)
    tsuru.create("shop", "now")
    env = tsuru.bind("shop", "web").json
    name = env["PG_DATABASE"]
    marks = own_server.rows("SELECT rolname, shobj_description(oid, 'pg_authid') FROM pg_roles"
                            " WHERE rolname ~ '_[0-9a-f]{10}(_r)?$' ORDER BY length(rolname), rolname")
    incarnation = only(broker.ctl("instances", "--json"))["id"]
    assert dict(marks) == {name: f"tsuru-broker: instance {incarnation}", f"{name}_r": f"tsuru-broker: instance {incarnation}",
                           env["PG_USER"]: f"tsuru-broker: bind of {incarnation}"}
    # A tenant cannot change a mark of a role; that of its database counts for nothing.
    for role in (name, f"{name}_r", env["PG_USER"]):
        with pytest.raises(psycopg2.errors.InsufficientPrivilege):
            own_server.as_app(env, f"COMMENT ON ROLE {role} IS 'tsuru-broker: instance 0123456789abcdef'")
    own_server.as_app(env, f"COMMENT ON DATABASE {name} IS 'tsuru-broker: instance 0123456789abcdef'")
    assert tsuru.update("shop", "small").status == 200
    own_server.rows(f"COMMENT ON ROLE {name} IS 'tsuru-broker: instance 0123456789abcdef'")
    assert tsuru.bind("shop", "second").status != 201
    assert tsuru.remove("shop").status != 200
    assert "another instance's" in failed(broker)
    assert name in own_server.databases() and {name, f"{name}_r"} <= own_server.roles()


def test_an_instance_of_an_earlier_version_is_served_marked_and_removed(start_broker, own_server):
    """Without comments, as earlier versions made them."""
    _, tsuru = start(start_broker, own_server)
    tsuru.create("shop", "small")
    env = tsuru.bind("shop", "web").json
    name = env["PG_DATABASE"]
    for role in (name, f"{name}_r", env["PG_USER"]):
        own_server.rows(f"COMMENT ON ROLE {role} IS NULL")
    assert own_server.as_app(tsuru.bind("shop", "second").json, "SELECT 1") == [(1,)]
    assert tsuru.update("shop", "now").status == 200
    assert own_server.rows("SELECT count(*) FROM pg_roles WHERE rolname ~ '_[0-9a-f]{10}(_r)?$'"
                           " AND shobj_description(oid, 'pg_authid') LIKE 'tsuru-broker: %'") == [(4,)]
    for role in (name, f"{name}_r", env["PG_USER"]):
        own_server.rows(f"COMMENT ON ROLE {role} IS NULL")
    assert tsuru.remove("shop").status == 200
    assert not own_server.databases() and not own_server.roles()


# ---- adopting ----

def adopt(broker, name, status=0):
    return broker.ctl("adopt", f"postgres/{name}", "--team", "red", "--server", "main", "--resource", name, status=status)


@pytest.fixture(params=["superuser", "plain"])
def adopting(request, start_broker, own_server):
    """A server with a broker that is a superuser there, or has CREATEDB and CREATEROLE only."""
    own_server.rows("CREATE ROLE limited LOGIN CREATEDB CREATEROLE PASSWORD 'limited'")
    user = "limited:limited" if request.param == "plain" else None
    broker, tsuru = start(start_broker, own_server, user=user)
    return own_server, broker, tsuru


def test_an_adopted_database_gets_an_owner_that_may_nothing_else(adopting):
    server, broker, tsuru = adopting
    server.rows("CREATE ROLE dba LOGIN PASSWORD 'dba'; CREATE ROLE extra")
    server.rows("CREATE DATABASE blog OWNER dba")
    server.rows("CREATE TABLE posts (text text); INSERT INTO posts VALUES ('kept'); CREATE SCHEMA deep;"
                "CREATE FUNCTION deep.one() RETURNS int LANGUAGE sql AS 'SELECT 1'", "blog", "dba", "dba")
    assert adopt(broker, "blog") == "done\n"
    assert tsuru.create("blog", "small").status == 201
    env = tsuru.bind("blog", "web").json
    assert server.as_app(env, "SELECT text FROM posts") == [("kept",)]
    server.as_app(env, "ALTER TABLE posts ADD COLUMN more int; DROP FUNCTION deep.one(); DROP SCHEMA deep")
    assert server.rows("SELECT pg_has_role('blog', 'dba', 'MEMBER'), pg_has_role(%s, 'dba', 'MEMBER')"
                       % f"'{env['PG_USER']}'") == [(False, False)]
    with pytest.raises(psycopg2.errors.InsufficientPrivilege):
        server.as_app(env, "SET ROLE dba")
    # What the former owner gets later is not the apps', and it goes on to use its database.
    server.rows("GRANT extra TO dba; ALTER ROLE dba CREATEROLE")
    server.rows("CREATE DATABASE other OWNER dba")
    server.rows("REVOKE CONNECT ON DATABASE other FROM PUBLIC")
    with pytest.raises(psycopg2.OperationalError):
        server.as_app({**env, "PG_DATABASE": "other"}, "SELECT 1")
    with pytest.raises(psycopg2.errors.InsufficientPrivilege):
        server.as_app(env, "CREATE ROLE mallory")
    assert server.rows("INSERT INTO posts VALUES ('by dba'); SELECT count(*) FROM posts", "blog", "dba", "dba") == [(2,)]
    assert tsuru.update("blog", "now").status == 200
    assert tsuru.remove("blog").status == 200
    assert "blog" not in server.databases() and {"dba", "extra"} <= server.roles()
    assert not {"blog", "blog_r", env["PG_USER"]} & server.roles()


@pytest.mark.parametrize("right", ["CREATEROLE", "CREATEDB", "REPLICATION", "BYPASSRLS", "SUPERUSER"])
def test_an_owner_with_an_attribute_is_refused(start_broker, own_server, right):
    broker, _ = start(start_broker, own_server)
    own_server.rows(f"CREATE ROLE dba LOGIN {right}")
    own_server.rows("CREATE DATABASE blog OWNER dba")
    before = own_server.roles(), own_server.databases()
    assert right.lower() in adopt(broker, "blog", status=1).lower()
    assert (own_server.roles(), own_server.databases()) == before
    assert own_server.rows("SELECT rolname, datacl FROM pg_database JOIN pg_roles r ON r.oid = datdba"
                           " WHERE datname = 'blog'") == [("dba", None)]


def test_what_is_not_fit_for_adoption_is_left_as_it_is(adopting):
    server, broker, tsuru = adopting
    server.rows("CREATE ROLE two; CREATE ROLE member; GRANT pg_monitor TO member; CREATE ROLE elsewhere; CREATE ROLE reader;"
                "CREATE ROLE mine_r LOGIN; CREATE ROLE fine; CREATE ROLE hashed; CREATE TABLE t (a int); ALTER TABLE t OWNER TO elsewhere")
    for name, owner in (("one", "two"), ("another", "two"), ("members", "member"), ("elses", "elsewhere"), ("mine", "fine"),
                        ("brokers", "limited"), ("shop_0123456789", "hashed"), ("tpl", "reader")):
        server.rows(f"CREATE DATABASE {name} OWNER {owner}")
    server.rows("ALTER DATABASE tpl IS_TEMPLATE true")
    tsuru.create("mydb", "small")
    instance = tsuru.bind("mydb", "web").json["PG_DATABASE"]
    before = server.roles(), server.databases(), server.rows("SELECT datname, datdba, datacl::text FROM pg_database ORDER BY 1")
    for name, reason in (("one", 'owner of the database "another"'), ("members", 'member of "pg_monitor"'),
                         ("elses", 'rights in the database "postgres"'), ("mine", 'a role "mine_r" exists'),
                         ("brokers", "CREATEROLE, CREATEDB"), ("shop_0123456789", "that a broker made"), ("tpl", "a template"),
                         ("postgres", "the server or the broker"), ("template1", "the server or the broker"), ("absent", "no database"),
                         (instance, "")):
        assert reason in adopt(broker, name, status=1), name
    assert (server.roles(), server.databases(),
            server.rows("SELECT datname, datdba, datacl::text FROM pg_database ORDER BY 1")) == before


def test_an_adopted_one_is_adopted_by_nobody_else(adopting, start_broker):
    server, broker, _ = adopting
    server.rows("CREATE ROLE dba")
    server.rows("CREATE DATABASE blog OWNER dba")
    assert adopt(broker, "blog") == "done\n"
    before = server.rows("SELECT datname, datdba, datacl::text FROM pg_database ORDER BY 1")
    other, _ = start(start_broker, server)
    assert "another instance's" in adopt(other, "blog", status=1)
    assert server.rows("SELECT datname, datdba, datacl::text FROM pg_database ORDER BY 1") == before
