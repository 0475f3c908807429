"""Databases and logins on a real PostgreSQL: what apps can do, what they cannot, and what happens when it is away."""

import concurrent.futures
import statistics
import time

import psycopg2
import pytest

from harness import Postgres, Tsuru, closing, postgres_service, wait_until


# What is asked is answered when it is done, also by a machine that takes long.
PATIENT = "    wait: 120s\n    bind_wait: 170s\n"


@pytest.fixture
def tsuru(start_broker, server):
    return Tsuru(start_broker(postgres_service(server, "x", more=PATIENT)), "postgres", "x")


def test_apps_share_and_keep_what_they_make(tsuru, server):
    tsuru.create("mydb", "small")
    first = tsuru.bind("mydb", "first").json
    second = tsuru.bind("mydb", "second").json
    server.as_app(first, "CREATE TABLE notes (text text); INSERT INTO notes VALUES ('hello')")
    server.as_app(second, "ALTER TABLE notes ADD COLUMN author text; INSERT INTO notes VALUES ('bye', 'second')")
    server.as_app(first, "CREATE SCHEMA own; CREATE TABLE own.t (a int)")
    tsuru.unbind("mydb", "first")
    with pytest.raises(psycopg2.OperationalError):
        server.as_app(first, "SELECT 1")
    assert server.as_app(second, "SELECT count(*) FROM notes") == [(2,)]
    server.as_app(second, "DROP TABLE own.t; DROP SCHEMA own")
    tsuru.remove("mydb")


def test_unbinding_ends_sessions(tsuru, server):
    tsuru.create("mydb")
    env = tsuru.bind("mydb", "shop").json
    session = psycopg2.connect(env["DATABASE_URL"])
    tsuru.unbind("mydb", "shop")
    with pytest.raises(psycopg2.Error):
        session.cursor().execute("SELECT 1")
    session.close()
    tsuru.remove("mydb")
    assert server is not None


def test_instances_are_isolated(tsuru, server):
    tsuru.create("mine")
    tsuru.create("yours")
    mine = tsuru.bind("mine", "shop").json
    yours = tsuru.bind("yours", "shop").json
    with pytest.raises(psycopg2.OperationalError, match="permission denied for database"):
        server.as_app({**mine, "PG_DATABASE": yours["PG_DATABASE"]}, "SELECT 1")
    for attack in (f"SET ROLE {yours['PG_USER']}", "SET ROLE admin", "CREATE ROLE x", f"ALTER ROLE {yours['PG_USER']} PASSWORD 'x'",
                   f"DROP DATABASE {yours['PG_DATABASE']}", "COPY (SELECT 1) TO PROGRAM 'true'",
                   "SELECT pg_read_file('/etc/passwd')", f"ALTER ROLE {mine['PG_USER']} CONNECTION LIMIT -1", "SELECT * FROM pg_authid"):
        with pytest.raises(psycopg2.Error):
            server.as_app(mine, attack)
    tsuru.remove("mine")
    tsuru.remove("yours")


def test_read_only(tsuru, server):
    tsuru.create("mydb")
    writer = tsuru.bind("mydb", "writer").json
    server.as_app(writer, "CREATE TABLE before (a int); INSERT INTO before VALUES (1)")
    reader = tsuru.bind("mydb", "reader", parameters={"read_only": True}).json
    server.as_app(writer, "CREATE TABLE after (a int); CREATE SCHEMA more; CREATE TABLE more.t (a int)")
    assert server.as_app(reader, "SELECT a FROM before") == [(1,)]
    assert server.as_app(reader, "SELECT count(*) FROM after") == [(0,)]
    assert server.as_app(reader, "SELECT count(*) FROM more.t") == [(0,)]
    for attack in ("INSERT INTO before VALUES (2)", "DELETE FROM before", "CREATE TABLE mine (a int)", "DROP TABLE before",
                   "CREATE SCHEMA mine", "CREATE TEMPORARY TABLE t (a int)"):
        with pytest.raises(psycopg2.errors.InsufficientPrivilege):
            server.as_app(reader, "SET TRANSACTION READ WRITE; " + attack)
    tsuru.remove("mydb")


def test_read_only_by_the_instance(tsuru, server):
    assert tsuru.create("mydb", parameters={"binds.report.read_only": True}).status == 201
    writer, reader = tsuru.bind("mydb", "shop").json, tsuru.bind("mydb", "report").json
    job = tsuru.bind_job("mydb", "report").json
    server.as_app(writer, "CREATE TABLE t (a int); INSERT INTO t VALUES (1)")
    server.as_app(job, "INSERT INTO t VALUES (2)")
    assert server.as_app(reader, "SELECT count(*) FROM t") == [(2,)]
    with pytest.raises(psycopg2.errors.InsufficientPrivilege):
        server.as_app(reader, "SET TRANSACTION READ WRITE; INSERT INTO t VALUES (3)")
    # What changes is told until it holds.
    assert tsuru.update("mydb", parameters={"read_only": True, "binds.report.read_only": False}).status == 200
    wait_until("the update is done", lambda: tsuru.is_up("mydb"))
    server.as_app(writer, "INSERT INTO t VALUES (3)")
    old = tsuru.described("mydb")["Old parameters until bound again"]
    assert old == 'the app "report" (read_only), the app "shop" (read_only), the job "report" (read_only)'
    server.as_app(tsuru.bind("mydb", "report").json, "INSERT INTO t VALUES (4)")
    # A rotation makes it true at once, also for who is inside and acts as the owner.
    with closing(psycopg2.connect(writer["DATABASE_URL"])) as (session,):
        session.cursor().execute("INSERT INTO t VALUES (5)")
        assert tsuru.send("POST", "/resources/mydb/rotate", {"app-name": "shop"}).status == 202
        wait_until("it is done", lambda: old_of(tsuru, "mydb") == 'the job "report" (read_only)')
        with pytest.raises(psycopg2.OperationalError):
            session.cursor().execute("INSERT INTO t VALUES (6)")
    assert server.rows(f"SELECT r.rolname LIKE '%\\_r' FROM pg_auth_members m JOIN pg_roles r ON r.oid = m.roleid "
                       f"JOIN pg_roles u ON u.oid = m.member WHERE u.rolname = '{writer['PG_USER']}'") == [(True,)]
    tsuru.remove("mydb")


def old_of(tsuru, name):
    """Once nothing is under way."""
    if any(bind["state"] != "bound" for bind in tsuru.send("GET", f"/resources/{name}/binds").json):
        return None
    return tsuru.described(name).get("Old parameters until bound again")


def test_an_undone_unbind_stays_read_only(tsuru, server):
    tsuru.create("mydb")
    env = tsuru.bind("mydb", "shop", parameters={"read_only": True}).json
    tsuru.unbind("mydb", "shop", event="e2")
    # tsuru takes it back: the same event, no parameters, the answer thrown away.
    fields = {"app-name": "shop", "eventid": "e2"}
    assert tsuru.send("POST", "/resources/mydb/bind-app", fields, None, "e2").status == 201
    with pytest.raises(psycopg2.errors.InsufficientPrivilege):
        server.as_app(env, "SET TRANSACTION READ WRITE; CREATE TABLE t (a int)")
    tsuru.remove("mydb")


def test_environment(start_broker, server):
    more = PATIENT + """    env:
      DB_URL: "{url}"
      PG_HOST: ""
      GREETING: "{{{app}@{instance} of {team}}}"
"""
    tsuru = Tsuru(start_broker(postgres_service(server, "x", more=more, server_more="        public_host: db.example.com\n"
                                                "        public_port: 6432\n")), "postgres", "x")
    tsuru.create("mydb")
    env = tsuru.bind("mydb", "shop", parameters={"env_prefix": "MAIN_"}).json
    assert set(env) == {"MAIN_" + name for name in ("DATABASE_URL", "DB_URL", "PG_PORT", "PG_DATABASE", "PG_USER",
                                                    "PG_PASSWORD", "GREETING")}
    assert env["MAIN_GREETING"] == "{shop@mydb of red}"
    assert env["MAIN_PG_PORT"] == "6432"
    assert env["MAIN_DB_URL"] == (f"postgres://{env['MAIN_PG_USER']}:{env['MAIN_PG_PASSWORD']}@db.example.com:6432/"
                                  f"{env['MAIN_PG_DATABASE']}")
    tsuru.remove("mydb")


def test_plan_change_reaches_the_living_instance(tsuru, server):
    tsuru.create("mydb", "small")
    env = tsuru.bind("mydb", "shop").json
    limit = f"SELECT datconnlimit FROM pg_database WHERE datname = '{env['PG_DATABASE']}'"
    assert server.rows(limit) == [(10,)]
    assert server.as_app(env, "SHOW statement_timeout") == [("0",)]
    assert tsuru.update("mydb", "large").status == 200
    wait_until("the plan is reached", lambda: tsuru.described("mydb")["Plan in force"] == "large")
    assert server.rows(limit) == [(100,)]
    assert server.as_app(env, "SHOW statement_timeout") == [("90s",)]
    assert server.as_app(env, "SELECT similarity('word', 'words') > 0") == [(True,)]
    assert tsuru.update("mydb", "small").status == 200
    wait_until("the plan is reached", lambda: tsuru.described("mydb")["Plan in force"] == "small")
    assert server.rows(limit) == [(10,)]
    assert server.as_app(env, "SHOW statement_timeout") == [("0",)]
    tsuru.remove("mydb")


def test_extension_that_does_not_exist(start_broker, server):
    plans = """      - {name: plain}
      - {name: odd, extensions: [no_such_extension]}
"""
    tsuru = Tsuru(start_broker(postgres_service(server, "x", more=PATIENT, plans=plans)), "postgres", "x")
    before = server.databases(), server.roles()
    answer = tsuru.create("mydb", "odd")
    assert answer.status == 422 and "no_such_extension" in answer.message
    wait_until("nothing is left of it", lambda: (server.databases(), server.roles()) == before)
    wait_until("its record is gone", lambda: tsuru.info("mydb").status == 404)
    assert tsuru.create("mydb", "plain").status == 201
    assert tsuru.update("mydb", "odd").status == 422
    assert "no_such_extension" in tsuru.status("mydb").body
    tsuru.remove("mydb")


def test_two_servers(start_broker, server):
    second = Postgres()
    with closing(second):
        more = f"""        capacity: 1
      - name: second
        url: {second.url()}
        capacity: 2
"""
        tsuru = Tsuru(start_broker(postgres_service(server, "x", more=PATIENT, server_more=more)), "postgres", "x")
        placed = []
        for name in ("one", "two", "three"):
            assert tsuru.create(name).status == 201
            placed.append(tsuru.described(name)["Server"])
        assert sorted(placed) == ["main", "second", "second"] and placed[0] == "second"
        refused = tsuru.create("four")
        assert refused.status == 403 and "3 of 3" in refused.message
        assert tsuru.remove("one").status == 200
        wait_until("its place is free", lambda: tsuru.info("one").status == 404)
        assert tsuru.create("four").status == 201
        for name in ("two", "three", "four"):
            tsuru.remove(name)


def test_two_hundred_binds_at_once(tsuru, server):
    tsuru.create("mydb", "large")
    with concurrent.futures.ThreadPoolExecutor(200) as pool:
        answers = list(pool.map(lambda i: tsuru.bind("mydb", f"app-{i}"), range(200)))
    assert [answer.status for answer in answers] == [201] * 200
    envs = [answer.json for answer in answers]
    assert len({env["PG_USER"] for env in envs}) == 200
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        assert all(rows == [(1,)] for rows in pool.map(lambda env: server.as_app(env, "SELECT 1"), envs))
    assert tsuru.remove("mydb").status == 200
    wait_until("their logins are gone", lambda: not {env["PG_USER"] for env in envs} & server.roles())


def test_rotate(tsuru, server):
    tsuru.create("mydb")
    env = tsuru.bind("mydb", "shop").json
    assert tsuru.send("POST", "/resources/mydb/rotate", {"app-name": "shop"}).status == 202
    wait_until("it is rotated", lambda: tsuru.operations("mydb")[0]["state"] == "done")
    with pytest.raises(psycopg2.OperationalError):
        server.as_app(env, "SELECT 1")
    tsuru.unbind("mydb", "shop")
    assert server.as_app(tsuru.bind("mydb", "shop").json, "SELECT 1") == [(1,)]
    tsuru.remove("mydb")


def bind_at_last(tsuru, name, app):
    """As a user does who is told to repeat it."""
    return wait_until("it is bound", lambda: (answer := tsuru.bind(name, app)).status == 201 and answer.json)


def test_server_away_and_back(start_broker, own_server):
    """PostgreSQL stops in the middle of work: nothing is lost, nothing waits for it, all converges afterwards."""
    tsuru = Tsuru(start_broker(postgres_service(own_server, "x", more="    wait: 1s\n    bind_wait: 2s\n")), "postgres", "x")
    assert tsuru.create("old", "small").status == 201
    env = bind_at_last(tsuru, "old", "shop")
    own_server.stop()
    assert tsuru.create("new").status == 201
    assert tsuru.status("new").status == 202
    answer = tsuru.bind("new", "shop")
    assert answer.status == 412 and answer.message
    answer = tsuru.bind("old", "second")
    assert answer.status == 503 and "repeat" in answer.message
    assert tsuru.update("old", "large").status == 200
    wait_until("the status says down", lambda: tsuru.why_down("old"))
    assert "main" in tsuru.why_down("old")
    times = []
    for _ in range(100):
        begin = time.monotonic()
        assert tsuru.plans().status == 200 and tsuru.info("old").status == 200
        times.append((time.monotonic() - begin) / 2)
    assert statistics.median(times) < 0.5  # a wait for the server would be seconds
    own_server.start()
    wait_until("all converges", lambda: tsuru.is_up("new") and tsuru.described("old")["Plan in force"] == "large", 90)
    wait_until("the old one is up", lambda: tsuru.is_up("old"))
    assert own_server.as_app(env, "SELECT 1") == [(1,)]
    assert own_server.as_app(bind_at_last(tsuru, "old", "second"), "SELECT 1") == [(1,)]
    assert own_server.as_app(bind_at_last(tsuru, "new", "shop"), "SELECT 1") == [(1,)]


def test_a_vanished_database_is_seen(tsuru, server):
    tsuru.create("mydb")
    env = tsuru.bind("mydb", "shop").json
    server.rows(f"DROP DATABASE {env['PG_DATABASE']} WITH (FORCE)")
    wait_until("the status says down", lambda: tsuru.why_down("mydb"))
    assert tsuru.unbind("mydb", "shop").status == 200
    assert tsuru.remove("mydb").status == 200
    wait_until("its login is gone", lambda: env["PG_USER"] not in server.roles())


def test_names_that_the_server_keeps_to_itself(tsuru, server):
    """No role may begin with pg_, and servers that others run reserve more."""
    before = server.databases(), server.roles()
    for name in ("pg-main", "pg", "rdsadmin", "azure-things", "cloudsqlproxy"):
        assert tsuru.create(name, "small").status == 201
        wait_until("it is made", lambda name=name: tsuru.is_up(name))
        place = tsuru.described(name)["Name on the server"]
        assert place.startswith("tsuru_" + name.replace("-", "_") + "_") and place in server.databases()
        env = tsuru.bind(name, "pg-admin").json
        assert env["PG_USER"].startswith("tsuru_pg_admin_")
        assert server.as_app(env, "SELECT current_user") == [(place,)]
        reader = tsuru.bind(name, "postgres", parameters={"read_only": True}).json
        assert reader["PG_USER"].startswith("postgres_") and server.as_app(reader, "SELECT 1") == [(1,)]
        assert tsuru.unbind(name, "pg-admin").status == 200 and tsuru.remove(name).status == 200
    wait_until("nothing is left", lambda: (server.databases(), server.roles()) == before)
