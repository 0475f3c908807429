"""The records and a real PostgreSQL side by side: what is destroyed, adopted, compared and mended is exactly what the
records say, in the state that they say."""

import os
import shutil
import time

import psycopg2
import pytest

from harness import NO_PASS, Postgres, Tsuru, await_mended, postgres_service, wait_until

PLANS = """      - {{name: small, description: a, connection_limit: 10, retain: {retain}}}
      - {{name: now, description: b, connection_limit: 10, retain: 0}}
"""


def service(server, retain="1h", user=None):
    text = postgres_service(server, "x", more="    wait: 120s\n", plans=PLANS.format(retain=retain))
    return text if user is None else text.replace(f"admin:{server.password}", user)


def start(start_broker, server, **options):
    broker = start_broker(service(server, **options), limits=NO_PASS)
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
    retained = 25  # seconds, which a backup and an undelete fit into
    broker, tsuru = start(start_broker, own_server, retain=f"{retained}s")
    tsuru.create("shop", "small")
    env = tsuru.bind("shop", "web").json
    own_server.as_app(env, "CREATE TABLE orders AS SELECT generate_series(1, 1000) AS n")
    assert tsuru.remove("shop").status == 200
    ends = time.time() + retained
    backup = str(tmp_path / "night.mdb")
    broker.ctl("backup", backup)
    broker.ctl("undelete", "postgres/shop")
    assert own_server.as_app(env, "SELECT count(*) FROM orders") == [(1000,)]
    broker.stop()
    shutil.copy(os.path.join(broker.data, "secret.key"), tmp_path / "key")
    shutil.rmtree(broker.data)
    os.mkdir(broker.data, 0o700)
    shutil.move(backup, os.path.join(broker.data, "data.mdb"))
    shutil.copy(tmp_path / "key", os.path.join(broker.data, "secret.key"))
    os.chmod(os.path.join(broker.data, "secret.key"), 0o600)
    wait_until("the retention is over by the restored records", lambda: time.time() > ends)
    broker.start()
    wait_until("the server is shut", lambda: "a copy or a restored backup" in (broker.servers()[0].get("reason") or ""))
    broker.ctl("claim", "postgres/main", "--yes")
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
    wait_until("nothing is left", lambda: not own_server.databases() and not own_server.roles())


# ---- adopting ----

def adopt(broker, name, status=0):
    return broker.ctl("adopt", f"postgres/{name}", "--team", "red", "--server", "main", "--resource", name, status=status)


def test_an_owner_of_the_same_name_that_can_log_in_is_refused(start_broker, own_server):
    """Apps act as the owner, and a role may set its own password: a way in that no unbind would shut."""
    own_server.rows("CREATE ROLE blog LOGIN PASSWORD 'old'")
    own_server.rows("CREATE DATABASE blog OWNER blog")
    own_server.rows("CREATE TABLE posts AS SELECT 1 AS a", "blog", "blog", "old")
    broker, tsuru = start(start_broker, own_server)
    before = own_server.roles()
    assert "RENAME TO" in adopt(broker, "blog", status=1)
    assert own_server.roles() == before
    own_server.rows("ALTER ROLE blog RENAME TO writer")
    own_server.rows("ALTER ROLE writer PASSWORD 'old'")
    assert adopt(broker, "blog") == "done\n"
    tsuru.create("blog", "small")
    env = tsuru.bind("blog", "app").json
    with pytest.raises(psycopg2.Error):
        own_server.as_app(env, "ALTER ROLE writer PASSWORD 'mine'")
    own_server.as_app(env, "SET ROLE blog; ALTER ROLE blog PASSWORD 'mine'")  # its own, which does not log in
    assert tsuru.unbind("blog", "app").status == 200
    with pytest.raises(psycopg2.OperationalError):
        own_server.rows("SELECT 1", "blog", "blog", "mine")
    assert own_server.rows("SELECT a FROM posts", "blog", "writer", "old") == [(1,)]


@pytest.fixture(params=["superuser", "plain"])
def adopting(request, start_broker, own_server):
    """A server with a broker that is a superuser there, or has CREATEDB and CREATEROLE only."""
    own_server.rows("CREATE ROLE limited LOGIN CREATEDB CREATEROLE PASSWORD 'limited'")
    user = "limited:limited" if request.param == "plain" else None
    broker, tsuru = start(start_broker, own_server, user=user)
    return own_server, broker, tsuru


def make_owner(server, more=""):
    """A role dba that has databases. From version 16 on, a role that is no superuser acts for it only when it was let."""
    server.rows(f"CREATE ROLE dba {more}")
    if server.version() >= 160000:
        server.rows("GRANT dba TO limited WITH ADMIN OPTION")


def test_an_adopted_database_gets_an_owner_that_may_nothing_else(adopting):
    server, broker, tsuru = adopting
    make_owner(server, "LOGIN PASSWORD 'dba'")
    server.rows("CREATE ROLE extra")
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
    wait_until("it is gone", lambda: tsuru.info("blog").status == 404)
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
    make_owner(server)
    server.rows("CREATE DATABASE blog OWNER dba")
    assert adopt(broker, "blog") == "done\n"
    before = server.rows("SELECT datname, datdba, datacl::text FROM pg_database ORDER BY 1")
    other, _ = start(start_broker, server)  # which claims it
    assert "another instance's" in adopt(other, "blog", status=1)
    assert server.rows("SELECT datname, datdba, datacl::text FROM pg_database ORDER BY 1") == before


# ---- what verify compares ----

def found(broker, name="mydb"):
    """What differs, as (kind, sentence)."""
    return {(one["kind"], one["found"]) for one in broker.ctl("verify", f"postgres/{name}", "--json", status=(0, 3))["drift"]}


@pytest.fixture(params=["superuser", "plain"])
def ready(request, start_broker, own_server):
    """An instance with a writer and a reader, under both kinds of admin."""
    own_server.rows("CREATE ROLE limited LOGIN CREATEDB CREATEROLE PASSWORD 'limited'")
    broker, tsuru = start(start_broker, own_server, user="limited:limited" if request.param == "plain" else None)
    broker.is_superuser = request.param == "superuser"
    tsuru.create("mydb", "small")
    env = tsuru.bind("mydb", "web").json
    reader = tsuru.bind("mydb", "report", parameters={"read_only": True}).json
    assert found(broker) == set()
    return own_server, broker, tsuru, env, reader


def test_what_opens_the_database_is_found_and_closed(ready):
    server, broker, tsuru, env, reader = ready
    name = env["PG_DATABASE"]
    tsuru.create("other", "small")
    other = tsuru.bind("other", "web").json
    memberships = [f"GRANT {name} TO {other['PG_USER']}", f"GRANT {name}_r TO {other['PG_DATABASE']}",
                   f"GRANT pg_read_all_settings TO {name}_r", f"GRANT {other['PG_DATABASE']} TO {name}",
                   f"GRANT {other['PG_DATABASE']} TO {env['PG_USER']}", f"GRANT {name} TO {reader['PG_USER']}"]
    # From version 16 on, a role that is no superuser takes back only what it gave itself.
    told = memberships if server.version() >= 160000 and not broker.is_superuser else []
    for opening in (f"GRANT CONNECT ON DATABASE {name} TO PUBLIC", f"GRANT ALL ON DATABASE {name} TO PUBLIC",
                    f"GRANT CONNECT ON DATABASE {name} TO {other['PG_USER']}", *memberships,
                    f"ALTER ROLE {name} CREATEDB", f"ALTER ROLE {name} LOGIN PASSWORD 'x'",
                    f"ALTER ROLE {name}_r CREATEROLE", f"ALTER ROLE {env['PG_USER']} CREATEROLE",
                    f"ALTER ROLE {env['PG_USER']} CONNECTION LIMIT -1", f"ALTER ROLE {env['PG_USER']} INHERIT",
                    f"ALTER ROLE {env['PG_USER']} VALID UNTIL '2030-01-01'", f"ALTER ROLE {env['PG_USER']} NOLOGIN",
                    f"REVOKE CONNECT ON DATABASE {name} FROM {env['PG_USER']}",
                    f"REVOKE {name} FROM {env['PG_USER']}" + (" GRANTED BY limited" if told else ""),
                    f"ALTER ROLE {env['PG_USER']} IN DATABASE {name} RESET ALL",
                    f"ALTER ROLE {reader['PG_USER']} IN DATABASE {name} SET default_transaction_read_only TO off",
                    f"REVOKE CONNECT ON DATABASE {name} FROM {name}", f"ALTER DATABASE {name} IS_TEMPLATE true",
                    f"ALTER DATABASE {name} CONNECTION LIMIT 99", f"ALTER DATABASE {name} ALLOW_CONNECTIONS false"):
        server.rows(opening)
        differences = list(found(broker))
        kinds = {kind for kind, _ in differences}
        if opening in told:
            assert kinds == {"told"} and only(differences)[1].endswith('" GRANTED BY "admin"'), (opening, differences)
            server.rows(only(differences)[1].rpartition(": ")[2])
        else:
            assert kinds and kinds <= {"instance", "bind"}, (opening, kinds)
        await_mended(broker, "postgres/mydb", opening)
        assert server.as_app(env, "SELECT 1") == server.as_app(reader, "SELECT 1") == [(1,)], opening
    with pytest.raises(psycopg2.OperationalError):
        server.as_app({**other, "PG_DATABASE": name}, "SELECT 1")


def test_what_only_an_operator_can_mend_is_told_with_the_statement(ready):
    server, broker, tsuru, env, _ = ready
    name = env["PG_DATABASE"]
    server.rows("CREATE ROLE joe LOGIN")
    for opening, statements in (
            (f"GRANT {name} TO joe", [f'REVOKE "{name}" FROM "joe"', f"COMMENT ON ROLE \"joe\" IS 'tsuru-broker: guest of {name}'"]),
            (f"GRANT CONNECT ON DATABASE {name} TO joe", [f'REVOKE ALL ON DATABASE "{name}" FROM "joe"']),
            (f"ALTER DATABASE {name} OWNER TO joe", [f'ALTER DATABASE "{name}" OWNER TO "{name}"'])):
        server.rows(opening)
        told = {sentence for kind, sentence in found(broker) if kind == "told"}
        for statement in statements:
            sentence = only([one for one in told if statement in one])
            assert "joe" in sentence
        assert "joe" not in tsuru.info("mydb").body  # it is for operators, not for the instance's users
        # What the sentence says is what helps.
        server.rows(statements[0])
        await_mended(broker, "postgres/mydb")
    server.rows(f"GRANT {name} TO joe")
    server.rows(f"COMMENT ON ROLE joe IS 'tsuru-broker: guest of {name}'")
    assert found(broker) == set()
    assert tsuru.update("mydb", "now").status == 200 and found(broker) == set()
    assert server.rows(f"SELECT pg_has_role('joe', '{name}', 'MEMBER')") == [(True,)]


def opens(server, env):
    """Whether the login gets in."""
    try:
        return server.as_app(env, "SELECT 1") == [(1,)]
    except psycopg2.OperationalError:
        return False


def test_a_password_that_an_app_changed_is_set_back(ready):
    """A superuser reads the verifiers; another role tries the logins' doors."""
    server, broker, _, env, reader = ready
    changes = ((env, lambda: server.as_app(env, "SET ROLE NONE; ALTER ROLE CURRENT_USER PASSWORD 'mine'")),
               (reader, lambda: server.rows(f"ALTER ROLE {reader['PG_USER']} PASSWORD NULL")),
               (env, lambda: server.rows(f"SET password_encryption TO md5; ALTER ROLE {env['PG_USER']} PASSWORD 'mine'")))
    for one, change in changes:
        change()
        assert not opens(server, one)
        assert found(broker) == {("bind", one["PG_USER"])}
        await_mended(broker, "postgres/mydb")
        assert opens(server, one)


def test_a_login_that_is_kept_out_for_another_reason_is_not_told(ready):
    """Its connections are used up, or a rule of the server's shuts the door: neither says that the password is wrong."""
    server, broker, _, env, reader = ready
    held = [psycopg2.connect(host="127.0.0.1", port=server.port, dbname=env["PG_DATABASE"], user=env["PG_USER"],
                             password=env["PG_PASSWORD"]) for _ in range(10)]
    assert found(broker) == set()
    for one in held:
        one.close()
    rules = os.path.join(server.data, "pg_hba.conf")
    with open(rules, encoding="ascii") as file:
        before = file.read()
    with open(rules, "w", encoding="ascii") as file:
        file.write(f"host all {env['PG_USER']},{reader['PG_USER']} all reject\n" + before)
    server.rows("SELECT pg_reload_conf()")
    wait_until("the door is shut", lambda: not opens(server, env) and not opens(server, reader))
    assert found(broker) == set()


def test_doors_that_open_slowly_do_not_fail_the_inspection(start_broker):
    """The server makes whoever has a wrong password wait for longer than an inspection may take."""
    server = Postgres("shared_preload_libraries = auth_delay\nauth_delay.milliseconds = 60000\n")
    try:
        server.rows("CREATE ROLE limited LOGIN CREATEDB CREATEROLE PASSWORD 'limited'")
        broker, tsuru = start(start_broker, server, user="limited:limited")
        tsuru.create("mydb", "small")
        env = tsuru.bind("mydb", "web").json
        server.rows(f"ALTER ROLE {env['PG_USER']} PASSWORD 'mine'")
        assert found(broker) == set()
        server.rows(f"ALTER ROLE {env['PG_USER']} CONNECTION LIMIT 3")
        assert found(broker) == {("bind", env["PG_USER"])}
        await_mended(broker, "postgres/mydb")
        assert server.as_app(env, "SELECT 1") == [(1,)]
    finally:
        server.close()


def test_of_many_logins_each_has_its_turn(start_broker, own_server):
    """One inspection tries at most 20, and chance says where it begins."""
    own_server.rows("CREATE ROLE limited LOGIN CREATEDB CREATEROLE PASSWORD 'limited'")
    broker, tsuru = start(start_broker, own_server, user="limited:limited")
    tsuru.create("mydb", "small")
    envs = [tsuru.bind("mydb", f"app{i}").json for i in range(22)]
    own_server.rows("; ".join(f"ALTER ROLE {env['PG_USER']} PASSWORD 'mine'" for env in envs))
    assert not any(opens(own_server, env) for env in envs)
    assert 0 < len(found(broker)) <= 20
    wait_until("each is set back", lambda: not found(broker) and all(opens(own_server, env) for env in envs))


def test_attributes_of_a_superusers_are_mended_or_told(ready):
    server, broker, _, env, _ = ready
    for role in (env["PG_USER"], f"{env['PG_DATABASE']}_r"):
        for attribute in ("BYPASSRLS", "REPLICATION", "SUPERUSER"):
            server.rows(f"ALTER ROLE {role} {attribute}")
            kinds = {kind for kind, sentence in found(broker)}
            assert kinds <= {"bind", "instance"} if broker.is_superuser else "told" in kinds, (role, attribute, kinds)
            if not broker.is_superuser:
                server.rows(f"ALTER ROLE {role} NO{attribute}")
            await_mended(broker, "postgres/mydb")


def become(broker, server, role):
    """The broker works with that role from now on. What differs, by the first look: none is taken before the mark was seen."""
    assert "event=reloaded" in broker.reload(service(server, user=f"{role}:{role}"), NO_PASS)
    path = f"/v1/instances/{only(broker.ctl('instances', '--json'))['id']}/verify"
    answer = wait_until("the server's mark was seen", lambda: (got := broker.admin(path, "POST")).status == 200 and got)
    return {(one["kind"], one["found"]) for one in answer.json["drift"]}


def lose_membership(server, name):
    """Leaves the role next no more of the owner role than it takes the rest from: from version 16 on, its administration."""
    if server.version() < 160000:
        server.rows(f"REVOKE {name} FROM next")
    else:
        server.rows(f"REVOKE INHERIT OPTION FOR {name} FROM next; REVOKE {name} FROM next GRANTED BY next")
    assert server.rows(f"SELECT pg_has_role('next', '{name}', 'USAGE')") == [(False,)]


def test_a_new_admin_role_takes_its_rights_or_says_what_it_lacks(start_broker, own_server):
    """Another admin in the url, with the documented rights, which did not make what is there."""
    own_server.rows("CREATE ROLE limited LOGIN CREATEDB CREATEROLE PASSWORD 'limited';"
                    "CREATE ROLE next LOGIN CREATEDB CREATEROLE PASSWORD 'next'")
    broker, tsuru = start(start_broker, own_server, user="limited:limited")
    tsuru.create("mydb", "small")
    env = tsuru.bind("mydb", "web").json
    name = env["PG_DATABASE"]
    differs = become(broker, own_server, "next")
    if own_server.version() < 160000:
        assert {kind for kind, _ in differs} == {"instance"}
        await_mended(broker, "postgres/mydb")
    else:
        assert any(kind == "told" and f'GRANT "{name}" TO "next"' in sentence for kind, sentence in differs)
        own_server.rows(f"GRANT {name}, {name}_r, {env['PG_USER']} TO next WITH ADMIN OPTION")
        await_mended(broker, "postgres/mydb")
    lose_membership(own_server, name)
    second = tsuru.bind("mydb", "second")
    assert second.status == 201
    reader = tsuru.bind("mydb", "reader", parameters={"read_only": True}).json
    assert own_server.as_app(second.json, "SELECT 1") == own_server.as_app(reader, "SELECT 1") == [(1,)]
    assert found(broker) == set()
    lose_membership(own_server, name)
    assert tsuru.unbind("mydb", "web").status == 200
    with pytest.raises(psycopg2.OperationalError):
        own_server.as_app(env, "SELECT 1")
    lose_membership(own_server, name)
    assert tsuru.remove("mydb").status == 200
    lose_membership(own_server, name)
    broker.ctl("purge", only(broker.ctl("instances", "--state", "retained", "--json"))["id"])
    wait_until("it is gone", lambda: name not in own_server.databases() | own_server.roles())


def test_a_missing_extension_is_told_and_not_installed(start_broker, own_server):
    plans = "      - {name: small, connection_limit: 10, extensions: [pg_trgm]}\n"
    broker = start_broker(postgres_service(own_server, "x", plans=plans), limits=NO_PASS)
    tsuru = Tsuru(broker, "postgres", "x")
    tsuru.create("mydb", "small")
    name = tsuru.bind("mydb", "web").json["PG_DATABASE"]
    wait_until("nothing differs", lambda: not found(broker))
    own_server.rows("DROP EXTENSION pg_trgm", name)
    kind, sentence = only(list(found(broker)))
    assert kind == "told" and "pg_trgm" in sentence and "CREATE EXTENSION" in sentence
    assert own_server.rows("SELECT count(*) FROM pg_extension WHERE extname = 'pg_trgm'", name) == [(0,)]


def test_retired_ones_that_no_record_knows_are_told(start_broker, own_server):
    broker, tsuru = start(start_broker, own_server)
    tsuru.create("known", "small")
    assert tsuru.remove("known").status == 200
    wait_until("it is put away", lambda: only(broker.ctl("instances", "--json"))["state"] == "retained")
    own_server.rows("CREATE ROLE lost_0123456789")
    own_server.rows("CREATE DATABASE lost_0123456789_retired OWNER lost_0123456789")
    strays = broker.ctl("verify", "--json", status=3)["strays"]
    assert "lost_0123456789" in only(strays)["name"]
    assert "lost_0123456789_retired" in own_server.databases()
