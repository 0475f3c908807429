"""The mysql driver on a real MariaDB: what apps can do, what they cannot, retirement, drift, TLS, and a server that stalls."""

import contextlib
import os
import re
import shutil
import socket
import subprocess
import threading
import time

import pymysql
import pytest

from harness import BROKER, NO_PASS, TIMEOUT, Tsuru, await_mended, wait_until
from mysql_server import MariaDb
from test_tls import make_certificate

ROOT = os.path.join(os.path.dirname(__file__), "..", "..")
PLANS = """      - {name: small, connection_limit: 3, retain: 0}
      - {name: large, connection_limit: 50, statement_timeout: 1500ms, retain: 1h}
"""


def service(servers, plans=PLANS, wait="120s"):
    lines = "".join(f"      - {{name: s{number}, {server}}}\n" for number, server in enumerate(servers))
    return f"  - name: mysql\n    driver: mysql\n    password: x\n    wait: {wait}\n    servers:\n{lines}    plans:\n{plans}"


@pytest.fixture(scope="module")
def server():
    one = MariaDb()
    yield one
    one.close()


@pytest.fixture
def broker(start_broker, server):
    return start_broker(service([f"url: '{server.url()}'"]), limits=NO_PASS)


@pytest.fixture
def tsuru(broker, server):
    before = server.databases(), server.users()
    yield Tsuru(broker, "mysql", "x")
    wait_until("nothing is left on the server", lambda: (server.databases(), server.users()) == before)


def refused(server, env, *statements):
    """The number of the error that ends them."""
    with pytest.raises(pymysql.Error) as caught:
        server.as_app(env, *statements)
    return caught.value.args[0]


def test_a_bound_app_reaches_nothing_but_its_own(tsuru, server):
    tsuru.create("my_db", "small")
    tsuru.create("yours", "small")
    mine, yours = tsuru.bind("my_db", "shop").json, tsuru.bind("yours", "shop").json
    own, other = mine["MYSQL_DATABASE_NAME"], yours["MYSQL_DATABASE_NAME"]
    server.as_app(yours, "CREATE TABLE secret (a int)")
    server.as_app(mine, "CREATE TABLE t (a int)", "INSERT INTO t VALUES (1)", "CREATE VIEW v AS SELECT * FROM t",
                  "CREATE TEMPORARY TABLE x (a int)", "CREATE PROCEDURE p() SELECT 1", "LOCK TABLES t WRITE", "UNLOCK TABLES")
    # A name in which every "_" is another letter is another database.
    admin = server.connect()
    lookalike = own.replace("_", "x")
    server.ask(f"CREATE DATABASE `{lookalike}`")
    for attack in (f"SELECT * FROM `{other}`.secret", f"USE `{other}`", f"USE `{lookalike}`", f"CREATE TABLE `{lookalike}`.t (a int)",
                   f"DROP DATABASE `{other}`", "CREATE DATABASE mine", "SELECT * FROM mysql.user", "SELECT * FROM mysql.global_priv",
                   "CREATE USER x", f"SET PASSWORD FOR '{yours['MYSQL_USER']}' = PASSWORD('x')", f"DROP USER '{yours['MYSQL_USER']}'",
                   f"GRANT SELECT ON `{own}`.* TO '{yours['MYSQL_USER']}'", f"ALTER USER '{mine['MYSQL_USER']}' WITH MAX_USER_CONNECTIONS 0",
                   "SELECT LOAD_FILE('/etc/passwd') FROM mysql.user", "SELECT 1 INTO OUTFILE '/tmp/broker-attack'",
                   "LOAD DATA INFILE '/etc/passwd' INTO TABLE t", "SET GLOBAL max_connections = 1", "SHUTDOWN", "FLUSH PRIVILEGES",
                   "CHANGE MASTER TO MASTER_HOST = 'x'", "SHOW MASTER STATUS", "INSTALL SONAME 'x'", "SET GLOBAL general_log = 1",
                   "CREATE FUNCTION f RETURNS STRING SONAME 'x.so'", f"RENAME TABLE t TO `{other}`.t", f"KILL {admin.thread_id()}",
                   "CREATE DEFINER = admin@'%' PROCEDURE q() SELECT 1", "SHOW BINARY LOGS"):
        refused(server, mine, attack)
    assert {row[0] for row in server.as_app(mine, "SHOW DATABASES")} == {own, "information_schema"}
    assert [row for row in server.as_app(mine, "SHOW PROCESSLIST") if row[1] != mine["MYSQL_USER"]] == []
    admin.ping(reconnect=False)
    admin.close()
    server.ask(f"DROP DATABASE `{lookalike}`")
    tsuru.remove("my_db")
    tsuru.remove("yours")


def test_read_only(tsuru, server):
    tsuru.create("mydb", "small")
    writer = tsuru.bind("mydb", "writer").json
    server.as_app(writer, "CREATE TABLE t (a int)", "INSERT INTO t VALUES (1)", "CREATE VIEW v AS SELECT * FROM t")
    reader = tsuru.bind("mydb", "reader", parameters={"read_only": True}).json
    assert server.as_app(reader, "SELECT a FROM v") == ((1,),)
    for attack in ("INSERT INTO t VALUES (2)", "DELETE FROM t", "DROP TABLE t", "CREATE TABLE u (a int)", "TRUNCATE t",
                   "CREATE TEMPORARY TABLE x (a int)", "ALTER TABLE t ADD b int", "LOCK TABLES t WRITE"):
        refused(server, reader, attack)
    # The same login, bound again to write and to read.
    again = tsuru.bind("mydb", "reader").json
    server.as_app(again, "INSERT INTO t VALUES (2)")
    back = tsuru.bind("mydb", "reader", parameters={"read_only": True}).json
    refused(server, back, "INSERT INTO t VALUES (3)")
    assert tsuru.bind("mydb", "odd", parameters={"read_only": "perhaps"}).status == 400
    tsuru.remove("mydb")


def test_read_only_by_the_instance(tsuru, server):
    assert tsuru.create("mydb", "small", parameters={"read_only": True, "binds.writer.read_only": False}).status == 201
    writer, reader, job = tsuru.bind("mydb", "writer").json, tsuru.bind("mydb", "reader").json, tsuru.bind_job("mydb", "writer").json
    server.as_app(writer, "CREATE TABLE t (a int)", "INSERT INTO t VALUES (1)")
    for env in (reader, job):
        assert server.as_app(env, "SELECT a FROM t") == ((1,),)
        refused(server, env, "INSERT INTO t VALUES (2)")
    assert tsuru.update("mydb", "small", parameters={"read_only": True}).status == 200
    wait_until("the update is done", lambda: tsuru.is_up("mydb"))
    assert tsuru.described("mydb")["Old parameters until bound again"] == 'the app "writer" (read_only)'
    server.as_app(writer, "INSERT INTO t VALUES (2)")
    assert tsuru.send("POST", "/resources/mydb/rotate", {"app-name": "writer"}).status == 202
    wait_until("it is done", lambda: {one["state"] for one in tsuru.send("GET", "/resources/mydb/binds").json} == {"bound"})
    grants = str(server.ask(f"SHOW GRANTS FOR '{writer['MYSQL_USER']}'"))
    assert "SELECT" in grants and "INSERT" not in grants and "ALL" not in grants, grants
    refused(server, tsuru.bind("mydb", "writer").json, "INSERT INTO t VALUES (3)")
    tsuru.remove("mydb")


def test_names_that_who_runs_a_server_for_others_keeps(tsuru, server):
    for name in ("rdsadmin", "azure-superuser", "cloudsqladmin"):
        assert tsuru.create(name, "small").status == 201
        place, user = tsuru.described(name)["Name on the server"], tsuru.bind(name, name).json["MYSQL_USER"]
        for made in (place, user):
            assert made.startswith(f"tsuru_{name.replace('-', '_')}_") and len(made) <= 32
        assert place in server.databases()
        tsuru.remove(name)


def test_what_a_login_defined_outlives_it(tsuru, server):
    tsuru.create("mydb", "small")
    first, second = tsuru.bind("mydb", "first").json, tsuru.bind("mydb", "second").json
    server.as_app(first, "CREATE TABLE t (a int)", "INSERT INTO t VALUES (1)", "CREATE VIEW v AS SELECT a FROM t",
                  "CREATE TABLE log (a int)", "CREATE TRIGGER r AFTER INSERT ON t FOR EACH ROW INSERT INTO log VALUES (NEW.a)",
                  "CREATE FUNCTION f() RETURNS int DETERMINISTIC RETURN 7")
    tsuru.unbind("mydb", "first")
    refused(server, first, "SELECT 1")
    assert server.as_app(second, "INSERT INTO t VALUES (2)", "SELECT COUNT(*), f(), (SELECT COUNT(*) FROM log) FROM v") == ((2, 7, 1),)
    again = tsuru.bind("mydb", "first").json
    assert server.as_app(again, "SELECT f()") == ((7,),)
    tsuru.remove("mydb")


def test_limits_of_the_plan(tsuru, server):
    tsuru.create("mydb", "small")
    env = tsuru.bind("mydb", "shop").json
    held = [server.connect(env["MYSQL_USER"], env["MYSQL_PASSWORD"]) for _ in range(3)]
    assert refused(server, env, "SELECT 1") == 1226
    assert tsuru.update("mydb", "large").status == 200
    assert server.as_app(env, "SELECT 1") == ((1,),)
    for one in held:
        one.close()
    assert refused(server, env, "SELECT SLEEP(10), (SELECT COUNT(*) FROM information_schema.COLUMNS a, information_schema.COLUMNS b, "
                                "information_schema.COLUMNS c)") == 1969
    tsuru.update("mydb", "small")
    tsuru.remove("mydb")


def test_sessions_end_with_the_bind(tsuru, server):
    tsuru.create("mydb", "small")
    env = tsuru.bind("mydb", "shop").json
    session = server.connect(env["MYSQL_USER"], env["MYSQL_PASSWORD"], env["MYSQL_DATABASE_NAME"])
    session.cursor().execute("CREATE TABLE t (a int)")
    session.begin()
    session.cursor().execute("INSERT INTO t VALUES (1)")
    assert tsuru.unbind("mydb", "shop").status == 200
    with pytest.raises(pymysql.Error):
        session.cursor().execute("SELECT 1")
    tsuru.remove("mydb")


def test_retired_and_brought_back(tsuru, broker, server):
    """With all that does not move: triggers with their tables, views, routines."""
    tsuru.create("mydb", "large")
    env = tsuru.bind("mydb", "shop").json
    name = env["MYSQL_DATABASE_NAME"]
    server.as_app(env, "CREATE TABLE parent (a int PRIMARY KEY)", "CREATE TABLE child (a int, FOREIGN KEY (a) REFERENCES parent (a))",
                  "INSERT INTO parent VALUES (1)", "INSERT INTO child VALUES (1)", "CREATE VIEW v AS SELECT a FROM parent",
                  "CREATE TABLE watched (a int)", "CREATE TRIGGER r BEFORE INSERT ON watched FOR EACH ROW SET NEW.a = NEW.a + 1",
                  "CREATE SEQUENCE numbers", "INSERT INTO watched VALUES (1)",
                  *[f"CREATE TABLE many{number} (a int)" for number in range(250)])
    assert tsuru.remove("mydb").status == 200
    assert refused(server, env, "SELECT 1") == 4151
    assert name + "_retired" in server.databases()
    assert server.ask(f"SELECT COUNT(*) FROM `{name}_retired`.child") == ((1,),)
    broker.ctl("undelete", "mysql/mydb")
    assert name + "_retired" not in server.databases()
    assert server.as_app(env, "SELECT (SELECT a FROM v), (SELECT a FROM watched), (SELECT a FROM child), NEXTVAL(numbers) > 0") == \
        ((1, 2, 1, 1),)
    assert refused(server, env, "INSERT INTO child VALUES (2)") == 1452
    assert tsuru.remove("mydb").status == 200
    broker.ctl("purge", "mysql/mydb")
    wait_until("it is gone", lambda: name not in server.databases() and name + "_retired" not in server.databases())


def test_drift(tsuru, broker, server):
    tsuru.create("mydb", "small")
    env = tsuru.bind("mydb", "shop").json
    user = env["MYSQL_USER"]
    for harm in (f"DROP USER '{user}'@'%'", f"ALTER USER '{user}'@'%' ACCOUNT LOCK", f"ALTER USER '{user}'@'%' WITH MAX_USER_CONNECTIONS 99",
                 f"REVOKE ALL PRIVILEGES, GRANT OPTION FROM '{user}'@'%'"):
        server.ask(harm)
        assert broker.ctl("verify", "mysql/mydb", "--json", status=3)["drift"][0]["kind"] == "bind"
        await_mended(broker, "mysql/mydb")
        assert server.as_app(env, "SELECT 1") == ((1,),)
    server.ask("CREATE USER stray_0123456789")
    assert broker.ctl("verify", "--json", status=3)["strays"][0]["name"] == "stray_0123456789"
    server.ask("DROP USER stray_0123456789")
    tsuru.remove("mydb")


def test_a_living_database_is_adopted(tsuru, broker, server):
    server.ask("CREATE DATABASE legacy")
    server.ask("CREATE TABLE legacy.t (a int)")
    assert broker.ctl("adopt", "mysql/old", "--team", "red", "--server", "s0", "--resource", "legacy") == "done\n"
    env = tsuru.bind("old", "shop").json
    assert env["MYSQL_DATABASE_NAME"] == "legacy"
    assert server.as_app(env, "SELECT COUNT(*) FROM t") == ((0,),)
    for name, wanted in (("mysql", "server's own"), ("nobody", "no database")):
        assert wanted in broker.ctl("adopt", "mysql/bad", "--team", "red", "--server", "s0", "--resource", name, status=1)
    tsuru.remove("old")


def test_charsets(start_broker, server):
    plans = "      - {name: odd, charset: latin1, collation: latin1_bin, retain: 0}\n      - {name: bad, charset: klingon}\n"
    tsuru = Tsuru(start_broker(service([f"url: '{server.url()}'"], plans)), "mysql", "x")
    tsuru.create("mydb", "odd")
    env = tsuru.bind("mydb", "shop").json
    assert server.as_app(env, "SELECT @@collation_database") == (("latin1_bin",),)
    answer = tsuru.create("other", "bad")
    assert answer.status == 422 and "klingon" in answer.message
    tsuru.remove("mydb")


def test_tls(start_broker, tmp_path):
    certificate, key = make_certificate(tmp_path, "db.example.com")
    server = MariaDb(tls=(certificate, key))
    try:
        plans = "      - {name: small, require_tls: true, retain: 0}\n"
        good = f"url: '{server.url()}', tls: true, ca_file: {certificate}, tls_name: db.example.com"
        tsuru = Tsuru(start_broker(service([good], plans)), "mysql", "x")
        assert tsuru.create("mydb").status == 201
        env = tsuru.bind("mydb", "shop").json
        assert env["DATABASE_URL"].endswith("?ssl-mode=REQUIRED")
        assert refused(server, env, "SELECT 1") == 1045
        app = server.connect(env["MYSQL_USER"], env["MYSQL_PASSWORD"], ssl={"ca": str(certificate), "check_hostname": False})
        app.close()
        tsuru.remove("mydb")
        other, _ = make_certificate(tmp_path, "other")
        for bad in (f"tls: true, ca_file: {other}, tls_name: db.example.com", f"tls: true, ca_file: {certificate}, tls_name: evil.example.com"):
            broker = start_broker(service([f"url: '{server.url()}', {bad}"], plans))
            wait_until("the certificate is refused", lambda: re.search("certificate|Hostname verification", broker.log()))
            broker.kill()
    finally:
        server.close()


class Mute:
    """Greets as the server does, byte by byte what it was given, and then says nothing: where a handshake would block."""

    def __init__(self, greeting):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.greeting, self.taken = greeting, []
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                taken, _ = self.listener.accept()
            except OSError:
                return
            self.taken.append(taken)
            taken.sendall(self.greeting)

    def close(self):
        self.listener.close()
        for one in self.taken:
            one.close()


@pytest.mark.parametrize("tls", [False, True])
def test_a_server_that_stalls_holds_nobody_up(start_broker, tmp_path, tls):
    certificate, _ = make_certificate(tmp_path, "db.example.com")
    mute = Mute(fake_greeting())
    more = f", tls: true, ca_file: {certificate}" if tls else ""
    try:
        tsuru = Tsuru(start_broker(service([f"url: 'mysql://admin:x@127.0.0.1:{mute.port}', connect_timeout: 60s{more}"])), "mysql", "x")
        wait_until("the broker connects", lambda: mute.taken)
        times = []
        until = time.monotonic() + 3
        while time.monotonic() < until:
            begin = time.monotonic()
            assert tsuru.plans().status == 200
            times.append(time.monotonic() - begin)
        assert max(times) < 20, "a handshake that waits for 60 s would be seen"
    finally:
        mute.close()


def fake_greeting():
    """Protocol 10, with CLIENT_SSL, CLIENT_PLUGIN_AUTH and the rest that a MariaDB 10.11 says."""
    body = (b"\x0a5.5.5-10.11.6-MariaDB\0" + (7).to_bytes(4, "little") + b"12345678\0" + b"\xfe\xff" + b"\x2d" + b"\x02\0" + b"\xff\x81" +
            b"\x15" + b"\0" * 6 + b"\x1d\0\0\0" + b"123456789012\0" + b"mysql_native_password\0")
    return len(body).to_bytes(3, "little") + b"\0" + body


def test_the_rights_that_the_manual_names_are_enough(start_broker, server):
    """The statements of docs/drivers/mysql.md, word by word."""
    broker = start_broker(service([f"url: '{server.plain_url()}'"]))
    tsuru = Tsuru(broker, "mysql", "x")
    assert tsuru.create("mydb", "large").status == 201
    env = tsuru.bind("mydb", "shop").json
    server.as_app(env, "CREATE TABLE t (a int)", "CREATE VIEW v AS SELECT * FROM t")
    session = server.connect(env["MYSQL_USER"], env["MYSQL_PASSWORD"])
    assert tsuru.bind("mydb", "reader", parameters={"read_only": True}).status == 201
    wait_until("info shows the size", lambda: "Size" in tsuru.described("mydb"))
    assert broker.ctl("verify", "mysql/mydb", "--json")["drift"] == []
    assert tsuru.update("mydb", "small").status == 200 and tsuru.update("mydb", "large").status == 200
    assert tsuru.unbind("mydb", "shop").status == 200
    session.close()
    assert tsuru.remove("mydb").status == 200
    broker.ctl("undelete", "mysql/mydb")
    assert tsuru.remove("mydb").status == 200
    broker.ctl("purge", "mysql/mydb")
    wait_until("it is gone", lambda: env["MYSQL_DATABASE_NAME"] not in server.databases())


def test_a_broker_without_rights_says_so(start_broker, server):
    server.ask("CREATE USER weak@'%' IDENTIFIED BY 'sekret'")
    broker = start_broker(service([f"url: 'mysql://weak:sekret@127.0.0.1:{server.port}'"]))
    reason = wait_until("the broker says why", lambda: broker.servers()[0].get("reason"))
    assert "lacks the right" in reason and "mysql" in reason and "sekret" not in reason
    server.ask("DROP USER weak@'%'")


# ---- what is destroyed, and what is not ----


def restored(broker, path):
    """The broker with the store that was backed up to path: what happened since is forgotten."""
    broker.stop()
    store = os.path.join(broker.data, "data.mdb")
    os.remove(store)
    shutil.copy(path, store)
    for other in ("lock.mdb", "data.mdb-lock"):
        with contextlib.suppress(FileNotFoundError):
            os.remove(os.path.join(broker.data, other))
    broker.start()
    broker.ctl("claim", "mysql/s0", "--yes")


def test_an_old_backup_drops_no_living_database(broker, server, tmp_path):
    """Backed up while it was retained, undeleted and used since, restored, purged."""
    tsuru = Tsuru(broker, "mysql", "x")
    tsuru.create("mydb", "large")
    env = tsuru.bind("mydb", "shop").json
    server.as_app(env, "CREATE TABLE orders (a int)", "INSERT INTO orders VALUES (1)")
    assert tsuru.remove("mydb").status == 200
    path = str(tmp_path / "night.mdb")
    broker.ctl("backup", path)
    broker.ctl("undelete", "mysql/mydb")
    server.as_app(env, "INSERT INTO orders VALUES (2)")
    restored(broker, path)
    said = broker.ctl("purge", "mysql/mydb", status=1)
    assert "alive" in said and "left alone" in said
    assert server.as_app(env, "SELECT COUNT(*) FROM orders") == ((2,),)
    # What the sentence names: without the broker.
    broker.ctl("forget", "mysql/mydb", "--reason", "it lives")
    assert server.as_app(env, "SELECT COUNT(*) FROM orders") == ((2,),)
    server.ask(f"DROP DATABASE `{env['MYSQL_DATABASE_NAME']}`")
    server.ask(f"DROP USER '{env['MYSQL_USER']}'@'%'")


def test_a_removal_spares_what_is_put_away(tsuru, broker, server):
    tsuru.create("mydb", "small")
    env = tsuru.bind("mydb", "shop").json
    name = env["MYSQL_DATABASE_NAME"]
    server.ask(f"CREATE DATABASE `{name}_retired`")
    server.ask(f"CREATE TABLE `{name}_retired`.precious (a int)")
    assert [one["kind"] for one in broker.ctl("verify", "mysql/mydb", "--json", status=3)["drift"]] == ["told"]
    answer = tsuru.remove("mydb")
    assert answer.status >= 400 and "left alone" in answer.message, answer
    assert refused(server, env, "SELECT 1") == 4151, "access is shut first"
    assert server.ask(f"SELECT COUNT(*) FROM `{name}_retired`.precious") == ((0,),)
    server.ask(f"DROP DATABASE `{name}_retired`")
    assert tsuru.remove("mydb").status == 200


def test_a_database_of_another_instance_is_left_alone(tsuru, broker, server):
    """Its comment says so in a way that no tenant can make up; one that a tenant made up says nothing."""
    tsuru.create("first", "small")
    tsuru.create("second", "small")
    one, two = tsuru.bind("first", "shop").json, tsuru.bind("second", "shop").json
    name, other = one["MYSQL_DATABASE_NAME"], two["MYSQL_DATABASE_NAME"]

    def comment(database):
        return server.ask("SELECT SCHEMA_COMMENT FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = %s", database)[0][0]

    assert comment(name).startswith("tsuru-broker: instance ") and comment(name) != comment(other)
    server.as_app(one, f"ALTER DATABASE COMMENT '{comment(other)}'")
    assert broker.ctl("verify", "mysql/first", "--json", status=3)["drift"][0]["kind"] == "instance"
    await_mended(broker, "mysql/first")
    server.as_app(one, "ALTER DATABASE COMMENT 'tsuru-broker: instance 0123456789abcdef 0123456789abcdef'")
    assert tsuru.remove("first").status == 200
    wait_until("it is gone", lambda: tsuru.info("first").status == 404)
    assert name not in server.databases()
    # The same name, adopted by another instance since.
    server.ask("CREATE DATABASE legacy")
    broker.ctl("adopt", "mysql/old", "--team", "red", "--server", "s0", "--resource", "legacy")
    assert "already" in broker.ctl("adopt", "mysql/again", "--team", "red", "--server", "s0", "--resource", "legacy", status=1)
    assert "already" in broker.ctl("adopt", "mysql/again", "--team", "red", "--server", "s0", "--resource", other, status=1)
    signed = comment("legacy")
    broker.ctl("forget", "mysql/old", "--reason", "it lives")
    assert comment("legacy") == signed
    server.ask("DROP DATABASE legacy")
    tsuru.remove("second")


# ---- access goes first ----


def test_who_holds_the_broker_s_lock_is_ended(tsuru, server):
    """Also when its name has become known: the log of statements has it."""
    tsuru.create("mydb", "small")
    env = tsuru.bind("mydb", "shop").json
    tsuru.bind("mydb", "other")
    server.ask("SET GLOBAL log_output = 'TABLE'")
    server.ask("SET GLOBAL general_log = 1")
    assert tsuru.update("mydb", "large").status == 200
    server.ask("SET GLOBAL general_log = 0")
    told = str(server.ask("SELECT argument FROM mysql.general_log"))
    name = re.search(r"GET_LOCK\(\\*'(tsuru-broker [0-9a-f]+)", told).group(1)
    session = server.connect(env["MYSQL_USER"], env["MYSQL_PASSWORD"])
    with session.cursor() as cursor:
        cursor.execute("SELECT GET_LOCK(%s, 5)", name)
        assert cursor.fetchall() == ((1,),)
    assert tsuru.update("mydb", "small").status == 200
    with pytest.raises(pymysql.Error):
        session.cursor().execute("SELECT 1")
    tsuru.remove("mydb")


def test_a_prepared_transaction_is_told_and_access_is_shut(start_broker, server):
    """It outlives its session, and the server does not say whose it is."""
    broker = start_broker(service([f"url: '{server.url()}'"]))
    tsuru = Tsuru(broker, "mysql", "x")
    tsuru.create("mydb", "small")
    env = tsuru.bind("mydb", "shop").json
    server.as_app(env, "CREATE TABLE t (a int)", "XA START 'mine'", "INSERT INTO t VALUES (1)", "XA END 'mine'", "XA PREPARE 'mine'")
    thread = threading.Thread(target=tsuru.remove, args=("mydb",))
    thread.start()
    wait_until("access is shut", lambda: refused_all(server, env))
    wait_until("it is told", lambda: "XA RECOVER" in broker.log(), timeout=3 * TIMEOUT)
    server.ask("XA ROLLBACK 'mine'")
    wait_until("it is gone", lambda: env["MYSQL_DATABASE_NAME"] not in server.databases(), timeout=3 * TIMEOUT)
    thread.join()


def refused_all(server, env):
    try:
        server.as_app(env, "SELECT 1")
    except pymysql.Error:
        return True
    return False


# ---- what isolation and use rest on ----


def test_what_opens_a_database_or_shuts_its_apps_out_is_found(tsuru, broker, server):
    tsuru.create("mydb", "small")
    tsuru.create("yours", "small")
    env, other = tsuru.bind("mydb", "shop").json, tsuru.bind("yours", "shop").json
    user, name, foreign = env["MYSQL_USER"], env["MYSQL_DATABASE_NAME"], other["MYSQL_DATABASE_NAME"]
    pattern = name.replace("_", "\\_")
    server.as_app(env, "CREATE TABLE t (a int)")
    for harm, attack in ((f"GRANT SELECT ON *.* TO '{user}'@'%'", f"SELECT * FROM `{foreign}`.t"),
                         (f"GRANT ALL PRIVILEGES ON `{foreign}`.* TO '{user}'@'%'", f"CREATE TABLE `{foreign}`.t (a int)"),
                         (f"GRANT SELECT ON mysql.db TO '{user}'@'%'", "SELECT * FROM mysql.db"),
                         (f"GRANT ALL PRIVILEGES ON `{pattern}`.* TO '{user}'@'%' WITH GRANT OPTION",
                          f"GRANT SELECT ON `{pattern}`.* TO '{other['MYSQL_USER']}'@'%'"),
                         (f"ALTER USER '{user}'@'%' PASSWORD EXPIRE", None),
                         (f"ALTER USER '{user}'@'%' PASSWORD EXPIRE INTERVAL 10 DAY", None),
                         (f"ALTER USER '{user}'@'%' WITH MAX_STATEMENT_TIME 5", None),
                         (f"ALTER USER '{user}'@'%' REQUIRE SSL", None),
                         (f"SET PASSWORD FOR '{user}'@'%' = PASSWORD('other')", None),
                         (f"CREATE USER '{user}'@'10.%' IDENTIFIED BY 'other'", None),
                         (f"REVOKE EVENT ON `{pattern}`.* FROM '{user}'@'%'", None)):
        server.ask(harm)
        found = broker.ctl("verify", "mysql/mydb", "--json", status=3)["drift"]
        assert "bind" in [one["kind"] for one in found], (harm, found)
        await_mended(broker, "mysql/mydb", harm)
        assert server.as_app(env, "SELECT COUNT(*) FROM t") == ((0,),)
        if attack:
            assert refused(server, env, attack) in (1044, 1142)
    for harm, mend in ((f"GRANT SELECT ON `{name}`.* TO dba@'%'", None), ("GRANT SELECT ON `mydb%`.* TO dba@'%'", None),
                       (f"GRANT SELECT ON `{name}`.t TO dba@'%'", None), (f"GRANT SELECT ON `{pattern}`.* TO PUBLIC", None),
                       (f"ALTER DATABASE `{name}` CHARACTER SET latin1", f"ALTER DATABASE `{name}` CHARACTER SET utf8mb4"),
                       (f"GRANT dbas TO '{user}'@'%'", None), (f"GRANT PROXY ON dba@'%' TO '{user}'@'%'", None)):
        server.ask("CREATE USER dba@'%' IDENTIFIED BY 'x'")
        server.ask("CREATE ROLE dbas")
        server.ask(harm) if "PROXY" not in harm else server_root(server, harm)
        found = broker.ctl("verify", "mysql/mydb", "--json", status=3)["drift"]
        assert [one["kind"] for one in found] == ["told"], (harm, found)
        if mend or "PUBLIC" in harm:
            server.ask(mend or f"REVOKE SELECT ON `{pattern}`.* FROM PUBLIC")
        if "PROXY" in harm:
            server_root(server, f"REVOKE PROXY ON dba@'%' FROM '{user}'@'%'")
        server.ask("DROP ROLE dbas")
        server.ask("DROP USER dba@'%'")
        assert broker.ctl("verify", "mysql/mydb", "--json")["drift"] == [], harm
    tsuru.remove("mydb")
    tsuru.remove("yours")


def server_root(server, statement):
    connection = pymysql.connect(unix_socket=os.path.join(server.data, "s"), user="root", password=server.password, autocommit=True)
    with connection.cursor() as cursor:
        cursor.execute(statement)
    connection.close()


def test_a_dead_login_that_lives_is_shut(tsuru, broker, server):
    """As one whose events an earlier version left running."""
    tsuru.create("mydb", "small")
    env, other = tsuru.bind("mydb", "shop").json, tsuru.bind("mydb", "other").json
    server.as_app(env, "CREATE VIEW v AS SELECT 1 AS one")
    assert tsuru.unbind("mydb", "shop").status == 200
    pattern = env["MYSQL_DATABASE_NAME"].replace("_", "\\_")
    for harm in (f"ALTER USER '{env['MYSQL_USER']}'@'%' ACCOUNT UNLOCK", f"GRANT EVENT ON `{pattern}`.* TO '{env['MYSQL_USER']}'@'%'"):
        server.ask(harm)
        assert broker.ctl("verify", "mysql/mydb", "--json", status=3)["drift"][0]["kind"] == "instance"
        await_mended(broker, "mysql/mydb")
        assert refused(server, env, "SELECT 1") == 4151
    assert server.as_app(other, "SELECT one FROM v") == ((1,),)
    tsuru.remove("mydb")


def test_the_server_s_own_expiry_ends_no_login(tsuru, broker, server):
    server.ask("SET GLOBAL default_password_lifetime = 1")
    try:
        tsuru.create("mydb", "small")
        env = tsuru.bind("mydb", "shop").json
        assert broker.ctl("verify", "mysql/mydb", "--json")["drift"] == []
        assert "EXPIRE NEVER" in server.ask(f"SHOW CREATE USER '{env['MYSQL_USER']}'@'%'")[0][0]
    finally:
        server.ask("SET GLOBAL default_password_lifetime = 0")
    tsuru.remove("mydb")


def test_what_a_new_admin_lacks_is_told_with_the_grant(start_broker, server):
    server.ask("CREATE USER admin2@'%' IDENTIFIED BY 'sekret'")
    server.ask("GRANT CREATE USER, PROCESS, SELECT, CREATE, DROP ON *.* TO admin2@'%' WITH GRANT OPTION")
    broker = start_broker(service([f"url: '{server.url()}'"]), limits=NO_PASS)
    tsuru = Tsuru(broker, "mysql", "x")
    tsuru.create("mydb", "small")
    env = tsuru.bind("mydb", "shop").json
    broker.reload(service([f"url: 'mysql://admin2:sekret@127.0.0.1:{server.port}'"]), NO_PASS)
    [instance] = broker.ctl("instances", "--json")
    wait_until("the server's mark was seen", lambda: broker.admin(f"/v1/instances/{instance['id']}/verify", "POST").status == 200)
    found = broker.ctl("verify", "mysql/mydb", "--json", status=3)["drift"]
    assert [one["kind"] for one in found] == ["told"], found
    grant = next(re.search("GRANT .*", text).group(0) for text in found[0].values() if "GRANT " in str(text))
    for word in ("CONNECTION ADMIN", "INSERT", "DELETE HISTORY", "ON *.* TO 'admin2'@'%' WITH GRANT OPTION"):
        assert word in grant
    server.ask(re.match(r"GRANT .* WITH GRANT OPTION", grant).group(0))
    wait_until("nothing is lacking", lambda: broker.ctl("verify", "mysql/mydb", "--json", status=(0, 3))["drift"] == [])
    # Sessions have the rights that they began with; those that lacked some are not used again.
    wait_until("a session has the rights", lambda: tsuru.unbind("mydb", "shop").status == 200)
    wait_until("the login is gone", lambda: refused_all(server, env))
    assert refused(server, env, "SELECT 1") == 1045
    assert tsuru.remove("mydb").status == 200
    wait_until("it is gone", lambda: tsuru.info("mydb").status == 404)
    broker.close()
    server.ask("DROP USER admin2@'%'")


def test_another_broker_s_server_is_left_alone(tsuru, broker, server):
    tsuru.create("mydb", "small")
    env = tsuru.bind("mydb", "shop").json
    (mark,), = server.ask("SELECT Host FROM mysql.user WHERE User = 'tsuru-broker-mark'")
    server.ask(f"RENAME USER 'tsuru-broker-mark'@'{mark}' TO 'tsuru-broker-mark'@'00112233445566ff-9-0a0b0c0d'")
    tsuru.unbind("mydb", "shop")
    assert server.as_app(env, "SELECT 1") == ((1,),), "nothing was done"
    with pytest.raises(pymysql.Error):
        server.connect("tsuru-broker-mark", "x")
    wait_until("the broker has seen it", lambda: "another broker's store" in (broker.servers()[0].get("reason") or ""))
    broker.ctl("claim", "mysql/s0", "--yes")
    wait_until("its mark is there", lambda: server.ask("SELECT Host FROM mysql.user WHERE User = 'tsuru-broker-mark'")[0][0].split('-')[0] ==
               mark.split('-')[0])
    wait_until("what waited is done", lambda: refused_all(server, env))
    tsuru.remove("mydb")


def test_bad_configuration(tmp_path):
    url = "url: 'mysql://admin:sekret@127.0.0.1'"
    for entry, plans, wanted in (("url: 'http://admin:sekret@127.0.0.1'", "", "mysql://"),
                                 ("url: 'mysql://127.0.0.1'", "", "names no user and password"),
                                 ("url: 'mysql://admin:sekret@127.0.0.1/mysql'", "", "nothing but /"),
                                 (url + ", ca_file: /ca.pem", "", "tls: true"),
                                 (url + ", app_host: \"a'b\"", "", "host of an account"),
                                 (url + ", port: 3306", "", "port"),
                                 (url, "      - {name: p, charset: 'utf8; DROP'}\n", "utf8mb4"),
                                 (url, "      - {name: p, connection_limit: -1}\n", "connection_limit")):
        path = tmp_path / "broker.yaml"
        path.write_text(f"listen: 127.0.0.1:0\ndata_dir: {tmp_path}\nservices:\n" + service([entry], plans or PLANS))
        checked = subprocess.run([BROKER, "check", "-c", path], capture_output=True, text=True, timeout=TIMEOUT, check=False)
        assert checked.returncode != 0 and wanted in checked.stderr, (entry, checked.stderr)
        assert "sekret" not in checked.stderr


def test_the_sample_is_good_and_names_every_key():
    sample = os.path.join(ROOT, "conf", "samples", "mysql.yaml")
    checked = subprocess.run([BROKER, "check", "-c", sample], capture_output=True, text=True, timeout=TIMEOUT, check=False)
    assert checked.returncode == 0, checked.stderr
    with open(sample, encoding="utf-8") as file:
        shown = file.read()
    with open(os.path.join(ROOT, "docs", "drivers", "mysql.md"), encoding="utf-8") as file:
        told = file.read()
    with open(os.path.join(ROOT, "src", "driver", "mysql", "mysql.c"), encoding="utf-8") as file:
        keys = re.findall(r'\.name = "(\w+)"', file.read())
    assert [key for key in keys if key != "mysql" and (f"{key}:" not in shown or f"`{key}`" not in told)] == []
