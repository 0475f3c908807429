"""What tenants of a MariaDB set and hold against their removal, and what the broker leaves behind on the server: nothing."""

import contextlib
import re
import threading

import pymysql
import pytest

from harness import TIMEOUT, Broker, Tsuru, wait_until
from mysql_server import MariaDb
from proxy import Fault, Proxy
from test_mysql import refused_all, service

PLANS = """      - {name: small, connection_limit: 10, retain: 0}
      - {name: kept, connection_limit: 20, retain: 1h}
"""


@pytest.fixture(scope="module")
def server():
    one = MariaDb()
    yield one
    one.close()


@pytest.fixture(scope="module")
def account(server):
    """The broker's account: its sessions are its own alone."""
    server.ask("CREATE USER broker@'%' IDENTIFIED BY 'sekret'")
    server.ask("GRANT ALL ON *.* TO broker@'%' WITH GRANT OPTION")
    return "broker:sekret"


def start(start_broker, account, port, more="", wait="120s"):
    services = service([f"url: 'mysql://{account}@127.0.0.1:{port}'"], PLANS, wait)
    return start_broker(services.replace("    password: x\n", "    password: x\n" + more))


@pytest.fixture
def broker(start_broker, server, account):
    return start(start_broker, account, server.port)


@pytest.fixture
def tsuru(broker, server):
    yield Tsuru(broker, "mysql", "x")
    wait_until("nothing is left on the server", lambda: (server.databases(), server.users() - {"broker"}) == (set(), set()))


def sessions(server):
    return {row[0]: row[1] for row in server.ask("SELECT ID, COALESCE(INFO, '') FROM information_schema.PROCESSLIST WHERE USER = 'broker'")}


@contextlib.contextmanager
def held(server, *statements):
    """An operator's session that keeps what the statements took."""
    session = server.connect()
    try:
        with session.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
        yield session
    finally:
        session.close()


def gone(server, *names):
    wait_until("the databases are gone", lambda: not set(names) & server.databases())


# ---- nothing goes on on the server ----


def test_no_statement_outlives_the_broker(start_broker, server, account):
    """Killed while the server has its statement wait for a lock that nobody gives back: a MariaDB that waits looks after its client."""
    broker = start(start_broker, account, server.port, "    attempt_timeout: 4s\n    bind_wait: 1s\n")
    tsuru = Tsuru(broker, "mysql", "x")
    tsuru.create("mydb")
    with held(server, "FLUSH TABLES WITH READ LOCK"):
        tsuru.bind("mydb", "shop")
        wait_until("it waits", lambda: any("CREATE USER" in info for info in sessions(server).values()))
        broker.kill()
        wait_until("nothing of the broker is left", lambda: not sessions(server))
    broker.start()
    wait_until("the bind is done", lambda: tsuru.bind("mydb", "shop").status == 201)
    assert tsuru.remove("mydb").status == 200
    wait_until("it is gone", lambda: tsuru.info("mydb").status == 404)
    broker.stop()


def test_every_statement_has_a_limit_within_its_attempt(start_broker, server, account):
    """A server does not look whether somebody still waits for the answer: one that computes or copies goes on until its limit."""
    server.ask("SET GLOBAL log_output = 'TABLE'")
    server.ask("TRUNCATE mysql.general_log")
    server.ask("SET GLOBAL general_log = 1")
    try:
        broker = start(start_broker, account, server.port, "    attempt_timeout: 90s\n")
        tsuru = Tsuru(broker, "mysql", "x")
        tsuru.create("mydb", "kept")
        tsuru.bind("mydb", "shop")
        tsuru.unbind("mydb", "shop")
        assert tsuru.remove("mydb").status == 200
        broker.ctl("purge", "mysql/mydb")
        wait_until("it is gone", lambda: broker.ctl("instances", "--json") == [])
        assert not server.databases()
        broker.stop()
    finally:
        server.ask("SET GLOBAL general_log = 0")
    seen = set()
    for text, in server.ask("SELECT CONVERT(argument USING utf8mb4) FROM mysql.general_log WHERE user_host LIKE '%broker%' AND command_type = 'Query'"):
        if text.startswith("SET SESSION sql_mode"):  # the login's own, at once
            continue
        limit, *others = text.split(";\n")
        assert 0 < float(re.fullmatch(r"SET SESSION max_statement_time = ([0-9.]+)", limit).group(1)) < 90, text
        seen |= {other.split()[0] for other in others if other}
    assert seen >= {"SELECT", "CREATE", "ALTER", "DROP", "GRANT", "DO"}, seen


def test_what_was_given_up_is_ended_on_the_server(start_broker, server, account):
    """The network loses sessions in the middle of a call. No end of theirs reaches the server, which would wait for idle."""
    proxy = Proxy(server.port)
    try:
        broker = start(start_broker, account, proxy.port, "    attempt_timeout: 5s\n    bind_wait: 1s\n", wait="1s")
        tsuru = Tsuru(broker, "mysql", "x")
        assert tsuru.create("mydb").status == 201
        wait_until("it is made", lambda: tsuru.is_up("mydb"))
        proxy.fault = Fault("gone", at=b"SUM(DATA_LENGTH")
        # What was seen is fresh for 10 s; then info has the server asked again.
        wait_until("a session is lost", lambda: tsuru.info("mydb") and {connection for connection in proxy.connections if connection.gone}, pause=0.5)
        proxy.fault = None
        wait_until("the broker has as many as the server", lambda: told_sessions(broker) == (len(sessions(server)),) * 2)
        wait_until("none of them does anything", lambda: not any(sessions(server).values()))
        # And one that holds the instance's lock.
        hits = proxy.hits
        proxy.fault = Fault("gone", at=b"DO RELEASE_LOCK")
        tsuru.bind("mydb", "shop")
        wait_until("its session is lost", lambda: proxy.hits > hits)
        proxy.fault = None
        wait_until("the instance is free", lambda: tsuru.bind("mydb", "other").status == 201)
        assert tsuru.remove("mydb").status == 200
        wait_until("it is gone", lambda: tsuru.info("mydb").status == 404)
        assert not server.databases()
        broker.stop()
    finally:
        proxy.close()


def told_sessions(broker):
    """As the server and as the broker count them, and its connections, which have to be no more."""
    found = dict(re.findall(r'tsuru_broker_server_sessions\{[^}]*side="(\w+)"\} (\d+)', broker.admin("/metrics").body))
    return tuple(int(found.get(side, -1)) for side in ("server", "broker"))


# ---- what is held ----


def test_what_holds_a_lock_is_named_and_holds_no_place(tsuru, broker, server):
    tsuru.create("mydb")
    env = tsuru.bind("mydb", "shop").json
    name = env["MYSQL_DATABASE_NAME"]
    server.as_app(env, "CREATE TABLE t (a int)")
    with held(server, f"USE `{name}`", "BEGIN", "SELECT * FROM t") as session:
        thread = threading.Thread(target=tsuru.remove, args=("mydb",))
        thread.start()
        wait_until("who holds it is told", lambda: f"KILL {session.thread_id()} ends it" in broker.log())
        assert refused_all(server, env), "access is shut first"
        # Each wait is short: a wait of 20 s, as it was once, would allow three.
        wait_until("it has come back often", lambda: re.search(r"attempts=4 .*error=locked", broker.log()), 3 * TIMEOUT)
        assert "error=locked" in broker.log() and "outcome=failed" not in broker.log()
    gone(server, name)
    thread.join()


def test_prepared_transactions_are_named_and_left(tsuru, broker, server):
    """The server does not say whose they are: no other tenant's is touched."""
    tsuru.create("mydb")
    tsuru.create("yours")
    env, other = tsuru.bind("mydb", "shop").json, tsuru.bind("yours", "shop").json
    mine, theirs = r"X'27600a00ff',X'42'", r"X'7965'"
    server.as_app(env, "CREATE TABLE t (a int)", f"XA START {mine}", "INSERT INTO t VALUES (1)", f"XA END {mine}", f"XA PREPARE {mine}")
    thread = threading.Thread(target=tsuru.remove, args=("mydb",))
    thread.start()
    wait_until("it is told", lambda: re.search(r"XA ROLLBACK X'27600a00ff',X'42' ends it", broker.log()))
    server.as_app(other, "CREATE TABLE t (a int)", f"XA START {theirs}", "INSERT INTO t VALUES (1)", f"XA END {theirs}", f"XA PREPARE {theirs}")
    assert refused_all(server, env)
    server.ask(f"XA ROLLBACK {mine}")
    gone(server, env["MYSQL_DATABASE_NAME"])
    thread.join()
    # An unbind needs no lock of theirs.
    assert tsuru.unbind("yours", "shop").status == 200
    assert refused_all(server, other)
    server.ask(f"XA COMMIT {theirs}")
    assert server.ask(f"SELECT COUNT(*) FROM `{other['MYSQL_DATABASE_NAME']}`.t") == ((1,),)
    tsuru.remove("yours")


def test_tables_that_refer_to_each_other_across_what_was_put_away(tsuru, broker, server):
    """A table with a trigger stays where it is: foreign keys lead from one database to the other, and back."""
    tsuru.create("mydb", "kept")
    env = tsuru.bind("mydb", "shop").json
    name = env["MYSQL_DATABASE_NAME"]
    server.as_app(env, *(f"CREATE TABLE parent{n} (a int PRIMARY KEY)" for n in (1, 2)),
                  *(f"CREATE TABLE child{n} (a int, FOREIGN KEY (a) REFERENCES parent{n} (a))" for n in (1, 2)),
                  *(f"CREATE TRIGGER r_{table} BEFORE INSERT ON {table} FOR EACH ROW SET NEW.a = NEW.a" for table in ("parent1", "child2")))
    assert tsuru.remove("mydb").status == 200
    # Another database's goes first: it is told, and the purge is tried again.
    server.ask("CREATE DATABASE theirs")
    server.ask(f"CREATE TABLE theirs.t (a int, FOREIGN KEY (a) REFERENCES `{name}`.parent1 (a))")
    thread = threading.Thread(target=broker.ctl, args=("purge", "mysql/mydb"), kwargs={"status": (0, 1)})
    thread.start()
    wait_until("it is told", lambda: "the table theirs/t of another database refers to" in broker.log())
    assert name in server.databases()
    server.ask("DROP DATABASE theirs")
    gone(server, name, name + "_retired")
    thread.join()


def test_a_right_that_is_missing_is_named_and_the_removal_goes_on(start_broker, server):
    server.ask("CREATE USER less@'%' IDENTIFIED BY 'sekret'")
    server.ask("GRANT ALL ON *.* TO less@'%' WITH GRANT OPTION")
    broker = start(start_broker, "less:sekret", server.port)
    tsuru = Tsuru(broker, "mysql", "x")
    tsuru.create("mydb")
    env = tsuru.bind("mydb", "shop").json
    server.ask("REVOKE DROP ON *.* FROM less@'%'")
    server.ask("GRANT DROP ON `other`.* TO less@'%'")
    for row in server.ask("SELECT ID FROM information_schema.PROCESSLIST WHERE USER = 'less'"):
        with contextlib.suppress(pymysql.Error):
            server.ask(f"KILL {row[0]}")
    thread = threading.Thread(target=tsuru.remove, args=("mydb",))
    thread.start()
    wait_until("the right is named", lambda: "GRANT DROP ON *.* TO 'less'@'%' WITH GRANT OPTION" in broker.log())
    assert refused_all(server, env)
    server.ask("GRANT DROP ON *.* TO less@'%' WITH GRANT OPTION")
    gone(server, env["MYSQL_DATABASE_NAME"])
    thread.join()
    wait_until("all has ended", lambda: tsuru.info("mydb").status == 404)
    broker.stop()
    server.ask("DROP USER less@'%'")


def test_an_unbind_waits_for_no_statement_of_another_app(tsuru, broker, server):
    """It has tables for itself, of which the server can say nothing meanwhile: the login stays, locked, until the instance goes."""
    tsuru.create("mydb")
    env, other = tsuru.bind("mydb", "shop").json, tsuru.bind("mydb", "other").json
    threads = [threading.Thread(target=run_till_killed, args=(server, other, f"CREATE TABLE slow{number} AS SELECT SLEEP(3000)")) for number in range(3)]
    for thread in threads:
        thread.start()
    wait_until("they run", lambda: len(server.ask("SELECT 1 FROM information_schema.PROCESSLIST WHERE INFO LIKE 'CREATE TABLE slow%'")) == len(threads))
    wait_until("info shows the size", lambda: "Size" in tsuru.described("mydb"))
    assert tsuru.unbind("mydb", "shop").status == 200
    assert refused_all(server, env) and env["MYSQL_USER"] in server.users()
    assert tsuru.remove("mydb").status == 200
    for thread in threads:
        thread.join()


def test_a_session_that_nothing_ends_keeps_no_access():
    """Inside a function that looks for no end, for hours. What it holds is told; it holds up no unbind, and no place."""
    server = MariaDb()  # only its own end ends that
    broker = Broker(service([f"url: '{server.url()}'"], PLANS)).start()
    try:
        tsuru = Tsuru(broker, "mysql", "x")
        tsuru.create("mydb")
        env = tsuru.bind("mydb", "shop").json
        server.as_app(env, "CREATE TABLE t (a int)", "INSERT INTO t VALUES (1)")
        thread = threading.Thread(target=run_till_killed, args=(
            server, env, "SELECT a FROM t WHERE INSTR(REPEAT('a', 8000000), CONCAT(REPEAT('a', 4000000), 'b')) > a"))
        thread.start()
        wait_until("it runs", lambda: server.ask("SELECT 1 FROM information_schema.PROCESSLIST WHERE USER = %s AND INFO LIKE '%%INSTR%%'", env["MYSQL_USER"]))
        tsuru.unbind("mydb", "shop")
        wait_until("its login is gone", lambda: env["MYSQL_USER"] not in server.users())
        thread.join()
        wait_until("it is ended", lambda: server.ask("SELECT COMMAND FROM information_schema.PROCESSLIST WHERE USER = %s", env["MYSQL_USER"]) ==
                   (("Killed",),))
        assert tsuru.bind("mydb", "other").status == 201
        removal = threading.Thread(target=tsuru.remove, args=("mydb",))
        removal.start()
        wait_until("it is told", lambda: "it was ended, and has not come to its end" in broker.log())
        server.stop()
        server.start()
        gone(server, env["MYSQL_DATABASE_NAME"])
        removal.join()
        broker.stop()
    finally:
        broker.close()
        server.close()


def run_till_killed(server, env, statement):
    with contextlib.suppress(pymysql.Error, OSError):
        server.as_app(env, statement)


# ---- what is set, and what is named oddly ----

OBJECTS = ("CREATE TABLE parent (a int PRIMARY KEY)", "CREATE TABLE child (a int, d date DEFAULT '2020-01-01', FOREIGN KEY (a) REFERENCES parent (a))",
           "CREATE VIEW v AS SELECT a FROM parent", "CREATE FUNCTION f() RETURNS int DETERMINISTIC RETURN 7",
           "CREATE PROCEDURE p() SELECT 'x'", "CREATE TABLE watched (a int)",
           "CREATE TRIGGER r BEFORE INSERT ON watched FOR EACH ROW SET NEW.a = NEW.a", "CREATE EVENT e ON SCHEDULE EVERY 1 DAY DO DO 1")


def settings(server, session, last):
    """Sets every variable that a session may set for itself to its first or its last value; how many took it."""
    count = 0
    for name, kind, low, high, values in server.ask(
            "SELECT VARIABLE_NAME, VARIABLE_TYPE, NUMERIC_MIN_VALUE, NUMERIC_MAX_VALUE, ENUM_VALUE_LIST FROM information_schema.SYSTEM_VARIABLES"
            " WHERE VARIABLE_SCOPE LIKE 'SESSION%' AND READ_ONLY = 'NO'"):
        if kind.startswith(("BIGINT", "INT")):
            value = high if last else low
        elif kind == "DOUBLE":
            value = "1000000" if last else "0.5"
        elif values:
            value = "'" + values.split(",")[-1 if last else 0] + "'"
        else:
            value = "'utf8mb4'" if "character_set" in name.lower() else "''"
        if name.lower() in KEEPS_STATEMENTS_ALIVE:
            continue
        with contextlib.suppress(pymysql.Error), session.cursor() as cursor:
            cursor.execute(f"SET SESSION {name} = {value}")
            count += 1
    return count


# What makes the app's own session unable to go on says nothing of the broker's.
KEEPS_STATEMENTS_ALIVE = {"max_statement_time", "sql_select_limit", "max_allowed_packet", "wait_timeout", "interactive_timeout", "idle_transaction_timeout",
                          "idle_readonly_transaction_timeout", "idle_write_transaction_timeout", "net_buffer_length", "thread_stack", "max_session_mem_used",
                          "character_set_client", "character_set_connection", "collation_connection", "character_set_results", "net_read_timeout",
                          "net_write_timeout", "max_recursive_iterations", "tx_read_only", "autocommit", "completion_type", "max_error_count",
                          "max_sp_recursion_depth", "timestamp", "max_prepared_stmt_count", "default_storage_engine", "storage_engine", "enforce_storage_engine",
                          "check_constraint_checks", "gtid_domain_id", "server_id", "transaction_read_only", "sql_mode"}


@pytest.mark.parametrize("last", [False, True], ids=["first", "last"])
def test_no_variable_of_an_app_holds_up_a_call(tsuru, broker, server, last):
    """Each that its session may set, at either end, while it makes what is stored with them and keeps locks."""
    tsuru.create("mydb", "kept")
    env = tsuru.bind("mydb", "shop").json
    name = env["MYSQL_DATABASE_NAME"]
    app = server.connect(env["MYSQL_USER"], env["MYSQL_PASSWORD"], name)
    assert settings(server, app, last) > 100
    with app.cursor() as cursor:
        cursor.execute("SET SESSION sql_mode = %s", "ANSI_QUOTES,NO_BACKSLASH_ESCAPES,PIPES_AS_CONCAT,PAD_CHAR_TO_FULL_LENGTH" if last else "")
        for statement in ("ALTER DATABASE CHARACTER SET utf32 COLLATE utf32_bin" if last else "ALTER DATABASE CHARACTER SET latin1", *OBJECTS,
                          "SET SESSION autocommit = 0", "INSERT INTO watched VALUES (1)", "SET SESSION net_write_timeout = 31536000",
                          "SET SESSION net_read_timeout = 31536000", "SET SESSION wait_timeout = 31536000"):
            cursor.execute(statement)
    assert tsuru.bind("mydb", "reader", parameters={"read_only": True}).status == 201
    assert tsuru.update("mydb", "small").status == 200 and tsuru.update("mydb", "kept").status == 200
    wait_until("info shows the size", lambda: "Size" in tsuru.described("mydb"))
    broker.ctl("verify", "mysql/mydb", status=(0, 3))
    assert tsuru.send("POST", "/resources/mydb/rotate", {"eventid": "e"}, None, "e").status in (200, 202)
    wait_until("the session has ended", lambda: not server.ask(
        "SELECT 1 FROM information_schema.PROCESSLIST WHERE USER = %s", env["MYSQL_USER"]))
    assert tsuru.unbind("mydb", "reader").status == 200
    assert tsuru.bind("mydb", "shop").status == 201
    assert tsuru.unbind("mydb", "shop").status == 200
    assert tsuru.bind("mydb", "late").status == 201
    assert tsuru.remove("mydb").status == 200
    broker.ctl("undelete", "mysql/mydb")
    assert tsuru.remove("mydb").status == 200
    broker.ctl("purge", "mysql/mydb")
    gone(server, name, name + "_retired")


ODD = ("CREATE TABLE `{long}` (a int)", "CREATE TABLE `a\nb``c'\"\\\\` (a int)", "CREATE TABLE `\u00e9\u2603\u0001%_` (a int)", "CREATE TABLE `#sql-1` (a int)",
       "CREATE TABLE `a/../b` (a int)", "CREATE TABLE `T` (a int)", "CREATE TABLE `t` (a int)", "CREATE TABLE d (a int)", "ALTER TABLE d DISCARD TABLESPACE",
       "CREATE TABLE m (a int) ENGINE=MyISAM", "CREATE TABLE mg (a int) ENGINE=MERGE UNION=(m)", "CREATE TABLE parts (a int) PARTITION BY HASH (a) PARTITIONS 3",
       "CREATE SEQUENCE numbers", "CREATE TABLE defaults (a int DEFAULT NEXTVAL(numbers))", "CREATE TABLE versions (a int) WITH SYSTEM VERSIONING",
       "CREATE TABLE generated (a int, b int AS (a + 1) PERSISTENT, CHECK (a > 0))", "CREATE TABLE csv (a int NOT NULL) ENGINE=CSV",
       "CREATE TABLE aria (a int) ENGINE=Aria", "CREATE TABLE x (a int)", "CREATE TABLE y (a int)", "CREATE VIEW v AS SELECT * FROM x",
       "CREATE VIEW w AS SELECT * FROM y", "DROP TABLE x, y", "RENAME TABLE w TO x", "RENAME TABLE v TO y",
       "CREATE TABLE lost (a int)", "CREATE VIEW broken AS SELECT * FROM lost", "DROP TABLE lost", "CREATE PROCEDURE `p\n``q`() SELECT 1",
       "CREATE TABLE `watc\thed` (a int)", "CREATE TRIGGER `r\n``` BEFORE INSERT ON `watc\thed` FOR EACH ROW SET NEW.a = 1", "SET sql_mode = 'ORACLE'",
       "CREATE PACKAGE pk AS PROCEDURE a; END", "CREATE EVENT \"e\n`\" ON SCHEDULE EVERY 1 DAY DO DO 1")


def test_what_is_named_or_made_oddly_holds_up_no_call(tsuru, broker, server):
    """Names of every kind, views in circles and in ruins, tables without their files."""
    tsuru.create("mydb", "kept")
    env, other = tsuru.bind("mydb", "shop").json, tsuru.bind("mydb", "other").json
    name = env["MYSQL_DATABASE_NAME"]
    server.as_app(env, *(statement.replace("{long}", "x" * 64) for statement in ODD))
    wait_until("info shows the size", lambda: "Size" in tsuru.described("mydb"))
    assert broker.ctl("verify", "mysql/mydb", "--json")["drift"] == []
    assert tsuru.update("mydb", "kept").status == 200
    assert tsuru.unbind("mydb", "shop").status == 200
    assert server.as_app(other, "SELECT COUNT(*) FROM `t`") == ((0,),)
    assert tsuru.remove("mydb").status == 200
    broker.ctl("undelete", "mysql/mydb")
    assert server.as_app(other, "SELECT COUNT(*) FROM `t`") == ((0,),)
    assert tsuru.remove("mydb").status == 200
    broker.ctl("purge", "mysql/mydb")
    gone(server, name, name + "_retired")


# ---- one database's objects ----


def test_an_unbind_reads_no_other_database(tsuru, server):
    """Nor does it make the server read what stands beside its tables."""
    tsuru.create("mydb")
    for app in ("shop", "other"):
        env = tsuru.bind("mydb", app).json
    server.as_app(env, "CREATE TABLE t (a int)", "CREATE VIEW v AS SELECT * FROM t")
    others = 40
    with held(server, "CREATE DATABASE many", *(f"CREATE TABLE many.t{n} (a int)" for n in range(others)),
              *(f"CREATE TRIGGER many.r{n} BEFORE INSERT ON many.t{n} FOR EACH ROW SET NEW.a = 1" for n in range(others))):
        server.ask("FLUSH TABLES")
        before = triggers(server)
        assert tsuru.unbind("mydb", "shop").status == 200
        assert triggers(server) - before < others
    server.ask("DROP DATABASE many")
    tsuru.remove("mydb")


def triggers(server):
    """How often the server has read a table's."""
    return int(server.ask("SHOW GLOBAL STATUS LIKE 'Feature_trigger'")[0][1])
