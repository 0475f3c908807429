"""The ways of docs/operations.md on a real PostgreSQL, word by word, each with an attack at the end."""

import os
import re
import subprocess

import psycopg2
import pytest

from harness import BROKER, NO_PASS, Postgres, Tsuru, closing, postgres_service, wait_until

DOCUMENT = os.path.join(os.path.dirname(__file__), "..", "..", "docs", "operations.md")
PLANS = "      - {name: small, connection_limit: 10, statement_timeout: 30s, retain: 1h}\n"


def commands(title):
    """The lines of the block below the heading."""
    with open(DOCUMENT, encoding="utf-8") as file:
        section = re.search(rf"^### {title}\n(.*?)(?=^##)", file.read(), re.S | re.M)[1]
    return re.search(r"```sh\n(.*?)```", section, re.S)[1].splitlines()


def follow(title, server, broker, directory, **variables):
    """Runs them in a shell as an operator would, one after the other."""
    environment = {**os.environ, "PATH": f"{os.path.dirname(os.path.abspath(BROKER))}:{server.bin}:{os.environ['PATH']}",
                   "PGHOST": "127.0.0.1", "PGPORT": str(server.port), "PGUSER": "admin", "PGPASSWORD": server.password,
                   "TSURU_BROKER_CONFIG": broker.config, "USER": "ops", **variables}
    lines = commands(title)
    assert lines
    for line in lines:
        done = subprocess.run(["sh", "-c", line], env=environment, cwd=directory, stdin=subprocess.DEVNULL, capture_output=True,
                              timeout=180, check=False)
        # A verification that finds something says so by 3.
        assert done.returncode == 0 or " ctl verify" in line and done.returncode == 3, (line, done)
        yield line


def service(server, user=None):
    text = postgres_service(server, "x", plans=PLANS)
    return text if user is None else text.replace(f"admin:{server.password}", user)


def is_up(broker):
    return broker.ctl("services", "--json")["services"][0]["servers"][0]["state"] == "up"


def drift(broker, name):
    return broker.ctl("verify", f"postgres/{name}", "--json", status=(0, 3))["drift"]


def shut_out(server, env, database):
    """The attack: another tenant's login comes in neither by itself nor as anybody else."""
    with pytest.raises(psycopg2.OperationalError):
        server.as_app({**env, "PG_DATABASE": database}, "SELECT 1")
    with pytest.raises(psycopg2.errors.InsufficientPrivilege):
        server.as_app(env, f"SET ROLE {database}")
    assert server.rows(f"SELECT has_database_privilege('public', '{database}', 'CONNECT'),"
                       f" has_database_privilege('{env['PG_USER']}', '{database}', 'CONNECT')") == [(False, False)]


@pytest.fixture
def tenants(start_broker, own_server):
    """A broker, an instance with something in it, a writer, a reader, and another tenant's login."""
    broker = start_broker(service(own_server), limits=NO_PASS)
    wait_until("the server was checked", lambda: is_up(broker))
    tsuru = Tsuru(broker, "postgres", "x")
    for name in ("mydb", "theirs"):
        assert tsuru.create(name, "small").status == 201
    env, reader = tsuru.bind("mydb", "web").json, tsuru.bind("mydb", "report", parameters={"read_only": True}).json
    other = tsuru.bind("theirs", "web").json
    own_server.as_app(env, "CREATE SCHEMA deep; CREATE TABLE deep.kept AS SELECT generate_series(1, 100) AS n")
    return own_server, broker, tsuru, env, reader, other


def test_a_database_was_dropped(tenants, tmp_path):
    server, broker, _, env, reader, other = tenants
    name = env["PG_DATABASE"]
    dump = str(tmp_path / "dump")
    subprocess.run([os.path.join(server.bin, "pg_dump"), "--format=custom", f"--file={dump}", name], check=True, timeout=180,
                   env={**os.environ, "PGHOST": "127.0.0.1", "PGPORT": str(server.port), "PGUSER": "admin", "PGPASSWORD": server.password})
    server.rows(f"DROP DATABASE {name} WITH (FORCE)")
    for line in follow("A database was dropped", server, broker, tmp_path, INSTANCE="postgres/mydb", RESOURCE=name, DUMP=dump):
        if not line.startswith("createdb"):
            shut_out(server, other, name)
    wait_until("nothing differs", lambda: not drift(broker, "mydb"))
    for app in (env, reader):
        assert server.as_app(app, "SELECT count(*) FROM deep.kept") == [(100,)]
        assert server.as_app(app, "SHOW statement_timeout") == [("30s",)]
    server.as_app(env, "CREATE TABLE later (a int)")
    assert server.as_app(reader, "SELECT count(*) FROM later") == [(0,)]
    shut_out(server, other, name)


def test_one_that_was_restored_open_is_closed(tenants):
    """Without the second command: verify finds it, and the mend closes it, ends who is in it, and lets its apps in."""
    server, broker, _, env, _, other = tenants
    name = env["PG_DATABASE"]
    server.rows(f"DROP DATABASE {name} WITH (FORCE)")
    server.rows(f"CREATE DATABASE {name} OWNER {name}")
    stranger = psycopg2.connect(host="127.0.0.1", port=server.port, dbname=name, user=other["PG_USER"], password=other["PG_PASSWORD"])
    assert any("everybody may" in one["found"] for one in drift(broker, "mydb"))
    wait_until("nothing differs", lambda: not drift(broker, "mydb"))
    with pytest.raises(psycopg2.Error):
        stranger.cursor().execute("SELECT 1")
    stranger.close()
    assert server.as_app(env, "SELECT 1") == [(1,)]
    shut_out(server, other, name)


def test_a_second_look_waits_for_what_the_first_one_mends(tenants):
    """In the middle of the mend a bind's login would look like a stranger's, and be told to be taken away."""
    server, broker, _, env, reader, _ = tenants
    for _ in range(5):
        server.rows(f"REVOKE CONNECT ON DATABASE {env['PG_DATABASE']} FROM {env['PG_USER']}, {reader['PG_USER']}")
        assert drift(broker, "mydb")
        assert drift(broker, "mydb") == []
    assert server.as_app(reader, "SELECT count(*) FROM deep.kept") == [(100,)]


def test_another_role_for_the_broker(tenants, tmp_path):
    server, broker, tsuru, env, _, other = tenants
    before = broker.config
    changed = tmp_path / "changed.yaml"
    with open(before, encoding="utf-8") as file:
        changed.write_text(file.read().replace(f"admin:{server.password}", "next:next-password"))
    for _ in follow("Another role for the broker", server, broker, tmp_path, ROLE="next", PASSWORD="next-password",
                    CONFIGURATION=str(changed)):
        pass
    wait_until("the server was checked", lambda: is_up(broker))
    if int(server.rows("SHOW server_version_num")[0][0]) >= 160000:
        for one in drift(broker, "mydb"):
            server.rows(re.search(r"GRANT .*", one["found"])[0])
    wait_until("nothing differs", lambda: not drift(broker, "mydb"))
    second = tsuru.bind("mydb", "second").json
    assert server.as_app(second, "SELECT count(*) FROM deep.kept") == [(100,)]
    assert tsuru.unbind("mydb", "web").status == 200
    with pytest.raises(psycopg2.OperationalError):
        server.as_app(env, "SELECT 1")
    shut_out(server, other, env["PG_DATABASE"])
    assert tsuru.remove("mydb").status == 200


def test_a_server_moves_to_another_machine(tenants, tmp_path):
    server, broker, tsuru, env, reader, other = tenants
    second = Postgres()
    with closing(second):
        broker.stop()
        # The commands have one password for both.
        second.rows(f"ALTER ROLE admin PASSWORD '{server.password}'")
        second.password = server.password
        for _ in follow("A server moves to another machine", server, broker, tmp_path, NEWHOST="127.0.0.1", NEWPORT=str(second.port)):
            pass
        server.stop()
        broker.write_config(service(second), NO_PASS)
        broker.start()
        wait_until("the server was checked", lambda: is_up(broker) or "claim" in broker.ctl("health", status=(0, 3)))
        if not is_up(broker):
            broker.ctl("claim", "postgres/main", "--yes")
            wait_until("the server is the broker's", lambda: is_up(broker))
        wait_until("nothing differs", lambda: not drift(broker, "mydb") and not drift(broker, "theirs"))
        for app in (env, reader):
            assert second.as_app(app, "SELECT count(*) FROM deep.kept") == [(100,)]
            assert second.as_app(app, "SHOW statement_timeout") == [("30s",)]
        shut_out(second, other, env["PG_DATABASE"])
        assert tsuru.remove("mydb").status == 200
        broker.close()
