"""What apps on MariaDB may try: against other tenants, the server and the broker; to have what they made run with the broker's
rights; to stay in after their bind has ended, or to hold its end up."""

import threading
import time

import pymysql

from harness import TIMEOUT, Broker, Tsuru, wait_until
from mysql_server import MariaDb

ADMINS = ("plain", "superuser")
SECRET = "the-victim's-secret"
# Anything else than a refusal for want of a right would say nothing of rights. 1305: what a login may not see does not exist.
REFUSED = {1044, 1045, 1095, 1142, 1143, 1227, 1290, 1305, 1370, 1410, 1419, 1449, 1698, 3619, 4151, 1094, 1131, 1396, 1133}
PLANS = """      - {name: small, connection_limit: 20, retain: 1h}
      - {name: large, connection_limit: 30, retain: 1h}
      - {name: gone, connection_limit: 20, retain: 0}
"""


class Ground:
    """A server, a broker with the account of its kind, a victim, and an attacker that writes and one that reads."""

    def __init__(self, admin):
        self.server = MariaDb(options=("--event-scheduler=ON", "--local-infile=ON"))
        self.root = self.server.connect()
        url = self.server.plain_url() if admin == "plain" else self.server.url()
        self.admin = "tsuru_broker" if admin == "plain" else "admin"
        self.broker = Broker("  - name: mysql\n    driver: mysql\n    password: x\n    servers:\n"
                             f"      - {{name: main, url: '{url}'}}\n    plans:\n{PLANS}").start()
        self.tsuru = Tsuru(self.broker, "mysql", "x")
        self.number = 0
        self.victim, self.attacker = self.bind("victim_db"), self.bind("attacker")
        self.reader = self.tsuru.bind("attacker", "reader", parameters={"read_only": True}).json
        self.server.as_app(self.victim, "CREATE TABLE s (a varchar(99))", f"INSERT INTO s VALUES (\"{SECRET}\")",
                           "CREATE PROCEDURE p() SELECT * FROM s", "CREATE TABLE log (w varchar(99))")
        self.server.as_app(self.attacker, "CREATE TABLE t (a int)", "INSERT INTO t VALUES (1)")
        self.ask(f"CREATE DATABASE `{self.victim['MYSQL_DATABASE_NAME'].replace('_', 'x')}`")
        self.before = self.state()

    def ask(self, sql):
        self.root.ping()
        with self.root.cursor() as cursor:
            cursor.execute(sql)
            return cursor.fetchall()

    def bind(self, name, plan="small", app="app"):
        assert self.tsuru.create(name, plan).status == 201
        return self.tsuru.bind(name, app).json

    def fresh(self, plan="small"):
        """An app on an instance of its own, to be ended: (instance, environment)."""
        self.number += 1
        name = f"fresh{self.number}"
        return name, self.bind(name, plan)

    def log_in(self, env, database=True):
        return self.server.connect(env["MYSQL_USER"], env["MYSQL_PASSWORD"], env["MYSQL_DATABASE_NAME"] if database else None)

    def state(self):
        """The victim's content, all accounts and their rights, and what the server does."""
        return (self.ask(f"SELECT * FROM `{self.victim['MYSQL_DATABASE_NAME']}`.s"),
                self.ask("SELECT Host, User, JSON_REMOVE(Priv, '$.password_last_changed', '$.version_id') FROM mysql.global_priv ORDER BY 1, 2"),
                self.ask("SELECT * FROM mysql.db ORDER BY 1, 2, 3"), self.ask("SELECT * FROM mysql.tables_priv"),
                self.ask("SELECT * FROM mysql.roles_mapping"), self.ask("SELECT * FROM mysql.servers"), self.ask("SELECT * FROM mysql.plugin"),
                self.server.databases(), self.ask("SELECT @@GLOBAL.general_log, @@GLOBAL.event_scheduler, @@GLOBAL.init_connect, "
                                                  "@@GLOBAL.max_connections, @@GLOBAL.local_infile, @@GLOBAL.read_only, @@GLOBAL.sql_mode"))

    def is_shut(self, env):
        """None, or that the login still works."""
        try:
            self.log_in(env, False).close()
        except pymysql.Error as error:
            return None if error.args[0] in (1045, 4151) else f"refused for another reason: {error}"
        return "the login works"

    def close(self):
        self.root.close()
        self.broker.close()
        self.server.close()


# ---- statements that the server has to refuse, to writers and readers ----


def forbidden(*statements):
    """An attempt: the last one has to be refused, and nothing may have changed. {v} the victim's database and {u} its login,
    {o} the attacker's own and {me} its login, {x} a database whose name the victim's is when _ stands for any letter."""

    def attempt(ground):
        words = {"v": ground.victim["MYSQL_DATABASE_NAME"], "u": ground.victim["MYSQL_USER"], "o": ground.attacker["MYSQL_DATABASE_NAME"],
                 "me": ground.attacker["MYSQL_USER"], "x": ground.victim["MYSQL_DATABASE_NAME"].replace("_", "x"), "admin": ground.admin,
                 "thread": ground.root.thread_id()}
        for env in (ground.attacker, ground.reader):
            connection = ground.log_in(env)
            try:
                with connection.cursor() as cursor:
                    for statement in statements[:-1]:
                        try:
                            cursor.execute(statement.format(**words))
                        except pymysql.Error:
                            pass  # it is the last one that has to be refused
                    cursor.execute(statements[-1].format(**words))
                    return f"answered {str(cursor.fetchall())[:100]}"
            except pymysql.Error as error:
                if error.args[0] not in REFUSED:
                    return f"refused for another reason: {error}"
            finally:
                connection.close()
        return None if ground.state() == ground.before else "the victim's things, or the server's, are not what they were"

    return attempt


STATEMENTS = {
    "reads another's table": "SELECT * FROM `{v}`.s",
    "writes another's table": "INSERT INTO `{v}`.s VALUES (1)",
    "empties another's table": "TRUNCATE `{v}`.s",
    "changes another's table": "ALTER TABLE `{v}`.s ADD b int",
    "drops another's table": "DROP TABLE `{v}`.s",
    "makes a table in another's": "CREATE TABLE `{v}`.mine (a int)",
    "locks another's table": "LOCK TABLES `{v}`.s WRITE",
    "opens another's by HANDLER": "HANDLER `{v}`.s OPEN",
    "enters another's": "USE `{v}`",
    "enters a database like another's": "USE `{x}`",
    "makes a table in a database like another's": "CREATE TABLE `{x}`.t (a int)",
    "calls another's routine": "CALL `{v}`.p()",
    "makes a routine in another's": "CREATE PROCEDURE `{v}`.q() SELECT 1",
    "makes a view on another's": "CREATE VIEW bad AS SELECT * FROM `{v}`.s",
    "makes a view in another's": "CREATE VIEW `{v}`.bad AS SELECT 1",
    "makes a trigger on another's": "CREATE TRIGGER `{v}`.r BEFORE INSERT ON `{v}`.s FOR EACH ROW SET NEW.a = 1",
    "makes an event in another's": "CREATE EVENT `{v}`.e ON SCHEDULE EVERY 1 DAY DO SELECT 1",
    "copies another's table": "CREATE TABLE bad LIKE `{v}`.s",
    "copies another's rows": "CREATE TABLE bad AS SELECT * FROM `{v}`.s",
    "refers to another's by a foreign key": "CREATE TABLE bad (a varchar(99), FOREIGN KEY (a) REFERENCES `{v}`.s (a))",
    "merges another's": "CREATE TABLE bad (a varchar(99)) ENGINE = MERGE UNION = (`{v}`.s)",
    "moves its table into another's": "RENAME TABLE t TO `{v}`.t",
    "moves another's to itself": "RENAME TABLE `{v}`.s TO t2",
    "swaps its table with another's": "RENAME TABLE `{v}`.s TO `{o}`.x, t TO `{v}`.s",
    "shows another's table": "SHOW CREATE TABLE `{v}`.s",
    "shows another's routine": "SHOW CREATE PROCEDURE `{v}`.p",
    "explains another's": "EXPLAIN SELECT * FROM `{v}`.s",
    "counts another's": "CHECKSUM TABLE `{v}`.s",
    "changes another's database": "ALTER DATABASE `{v}` CHARACTER SET latin1",
    "drops another's database": "DROP DATABASE `{v}`",
    "makes a database": "CREATE DATABASE mine",
    "makes the retired one before the broker does": "CREATE DATABASE `{o}_retired`",
    "reads accounts": "SELECT * FROM mysql.user",
    "reads passwords": "SELECT * FROM mysql.global_priv",
    "reads all events": "SELECT * FROM mysql.event",
    "writes itself into mysql.db": "INSERT INTO mysql.db (Host, Db, User, Select_priv) VALUES ('%', '%', '{me}', 'Y')",
    "makes an account": "CREATE USER bad",
    "makes a role": "CREATE ROLE bad",
    "renames an account": "RENAME USER '{u}' TO bad",
    "drops another's login": "DROP USER '{u}'",
    "drops the server's mark": "DROP USER IF EXISTS `tsuru-broker-mark`@`x`",
    "sets another's password": "SET PASSWORD FOR '{u}' = PASSWORD('x')",
    "sets the admin's password": "SET PASSWORD FOR '{admin}'@'%' = PASSWORD('x')",
    "alters another's login": "ALTER USER '{u}' IDENTIFIED BY 'x'",
    "lifts its own limits": "ALTER USER '{me}' WITH MAX_USER_CONNECTIONS 0",
    "lifts its own limits by CURRENT_USER": "ALTER USER CURRENT_USER() WITH MAX_USER_CONNECTIONS 0",
    "unlocks itself": "ALTER USER CURRENT_USER() ACCOUNT UNLOCK",
    "gives itself rights": "GRANT ALL PRIVILEGES ON *.* TO '{me}'",
    "gives another rights on its own": "GRANT SELECT ON `{o}`.* TO '{u}'",
    "gives everybody rights": "GRANT SELECT ON `{o}`.* TO PUBLIC",
    "takes the admin's rights by proxy": "GRANT PROXY ON '{admin}'@'%' TO '{me}'@'%'",
    "takes everybody's by proxy": "GRANT PROXY ON ''@'' TO '{me}'@'%'",
    "defines as the admin": "CREATE DEFINER = '{admin}'@'%' PROCEDURE q() SELECT 1",
    "defines a view as the admin": "CREATE DEFINER = '{admin}'@'%' SQL SECURITY DEFINER VIEW w AS SELECT * FROM mysql.user",
    "defines an event as the admin": "CREATE DEFINER = '{admin}'@'%' EVENT e ON SCHEDULE EVERY 1 SECOND DO DROP DATABASE `{v}`",
    "defines a trigger as the admin": "CREATE DEFINER = '{admin}'@'%' TRIGGER r BEFORE INSERT ON t FOR EACH ROW SET NEW.a = 1",
    "defines as another's login": "CREATE DEFINER = '{u}'@'%' PROCEDURE q() SELECT * FROM `{v}`.s",
    "writes a file": "SELECT 1 INTO OUTFILE '/tmp/broker-attack'",
    "reads a file into a table": "LOAD DATA INFILE '/etc/passwd' INTO TABLE t",
    "defines a function as the admin": "CREATE DEFINER = '{admin}'@'%' FUNCTION g() RETURNS int RETURN (SELECT 1)",
    "loads a library": "INSTALL SONAME 'ha_federatedx'",
    "unloads a library": "UNINSTALL SONAME 'metadata_lock_info'",
    "makes a function from a library": "CREATE FUNCTION f RETURNS STRING SONAME 'x.so'",
    "makes a server to reach": "CREATE SERVER bad FOREIGN DATA WRAPPER mysql OPTIONS (HOST '127.0.0.1')",
    "ends another's session": "KILL {thread}",
    "ends another's statements": "KILL QUERY {thread}",
    "stops events": "SET GLOBAL event_scheduler = OFF",
    "has all logins run a statement": "SET GLOBAL init_connect = 'DROP DATABASE `{v}`'",
    "writes the log of statements": "SET GLOBAL general_log = 1",
    "takes all connections": "SET GLOBAL max_connections = 10",
    "makes the server read only": "SET GLOBAL read_only = 1",
    "changes the variables of others": "SET GLOBAL sql_mode = 'ANSI'",
    "writes no binary log": "SET SESSION sql_log_bin = 0",
    "turns the checks of definers off": "SET GLOBAL log_bin_trust_function_creators = 1",
    "stops the server": "SHUTDOWN",
    "reads anew": "FLUSH PRIVILEGES",
    "locks all tables": "FLUSH TABLES WITH READ LOCK",
    "locks all for a backup": "BACKUP STAGE START",
    "locks the accounts for a backup": "BACKUP LOCK mysql.global_priv",
    "follows another server": "CHANGE MASTER TO MASTER_HOST = 'x'",
    "stops following": "STOP SLAVE",
    "reads the binary logs": "SHOW BINARY LOGS",
    "reads the engine's state": "SHOW ENGINE INNODB STATUS",
    "reads all transactions": "SELECT * FROM information_schema.INNODB_TRX",
    "replays a binary log": "BINLOG 'x'",
}


# ---- what looks and finds nothing ----


def sees_nothing(query):
    """An attempt: neither the victim's names nor its content nor the admin's sessions are in the answer."""

    def attempt(ground):
        for env in (ground.attacker, ground.reader):
            told = str(ground.server.as_app(env, query))
            for word in (ground.victim["MYSQL_DATABASE_NAME"], ground.victim["MYSQL_USER"], "the-victim", ground.admin, "tsuru-broker-mark"):
                if word in told:
                    return f"it shows {word}"
        return None

    return attempt


LOOKS = {
    "lists databases": "SHOW DATABASES",
    "lists schemata": "SELECT * FROM information_schema.SCHEMATA",
    "lists sessions": "SELECT * FROM information_schema.PROCESSLIST",
    "shows sessions": "SHOW FULL PROCESSLIST",
    "lists all tables": "SELECT TABLE_SCHEMA, TABLE_NAME FROM information_schema.TABLES",
    "lists all columns": "SELECT TABLE_SCHEMA, TABLE_NAME FROM information_schema.COLUMNS",
    "lists all routines": "SELECT * FROM information_schema.ROUTINES",
    "lists all parameters": "SELECT * FROM information_schema.PARAMETERS",
    "lists all triggers": "SELECT * FROM information_schema.TRIGGERS",
    "lists all events": "SELECT * FROM information_schema.EVENTS",
    "lists rights": "SELECT * FROM information_schema.USER_PRIVILEGES",
    "lists rights on databases": "SELECT * FROM information_schema.SCHEMA_PRIVILEGES",
    "lists keys": "SELECT * FROM information_schema.KEY_COLUMN_USAGE",
    "lists statistics": "SELECT * FROM information_schema.STATISTICS",
    "lists partitions": "SELECT * FROM information_schema.PARTITIONS",
    "reads a file by a function": "SELECT LOAD_FILE('/etc/passwd')",
}


# ---- what the reader writes ----


def reader_writes(statement):
    def attempt(ground):
        try:
            ground.server.as_app(ground.reader, statement)
        except pymysql.Error as error:
            return None if error.args[0] in REFUSED else f"refused for another reason: {error}"
        return "a reader did it"

    return attempt


READER = {name: statement for name, statement in (
    ("a reader inserts", "INSERT INTO t VALUES (2)"), ("a reader updates", "UPDATE t SET a = 2"), ("a reader deletes", "DELETE FROM t"),
    ("a reader locks", "LOCK TABLES t WRITE"), ("a reader makes a table", "CREATE TABLE u (a int)"),
    ("a reader makes a temporary table", "CREATE TEMPORARY TABLE u (a int)"), ("a reader makes an event", "CREATE EVENT e ON SCHEDULE EVERY 1 DAY DO SELECT 1"),
    ("a reader makes a routine", "CREATE PROCEDURE q() SELECT 1"), ("a reader makes a view", "CREATE VIEW w AS SELECT 1"),
    ("a reader changes the database", "ALTER DATABASE CHARACTER SET latin1"), ("a reader locks for a backup", "BACKUP LOCK t"))}


# ---- to stay in ----


def holds(*statements, wait="SELECT SLEEP(300)"):
    """An attempt: a session that does this does not put its end off. Each way that ends a login is tried."""

    def attempt(ground):
        for end in ("unbind", "rotate", "remove", "deprovision"):
            instance, env = ground.fresh("gone" if end == "deprovision" else "small")
            session = ground.log_in(env)
            words = {"d": env["MYSQL_DATABASE_NAME"], "me": env["MYSQL_USER"]}
            with session.cursor() as cursor:
                for statement in statements:
                    cursor.execute(statement.format(**words))
            thread = threading.Thread(target=run_till_ended, args=(session, wait.format(**words)), daemon=True)
            thread.start()
            outcome = end_login(ground, end, instance, env)
            thread.join(TIMEOUT)
            if outcome is None and thread.is_alive():
                outcome = "its session lives"
            if outcome is not None:
                return f"{end}: {outcome}"
            finish(ground, end, instance)
        return None

    return attempt


def run_till_ended(session, statement):
    try:
        with session.cursor() as cursor:
            cursor.execute(statement)
            while True:
                cursor.execute("SELECT SLEEP(1)")
    except (pymysql.Error, OSError, AttributeError):
        session.close()


def end_login(ground, end, instance, env):
    if end == "unbind":
        status = ground.tsuru.unbind(instance, "app").status
    elif end == "rotate":
        status = ground.tsuru.send("POST", f"/resources/{instance}/rotate", {"eventid": "e"}, None, "e").status
    else:
        status = ground.tsuru.remove(instance).status
    if status not in (200, 202):
        return f"answered {status}"
    if status == 202:
        wait_until("it is done", lambda: ground.is_shut(env) is None)
    return ground.is_shut(env)


def finish(ground, end, instance):
    if end in ("unbind", "rotate"):
        assert ground.tsuru.remove(instance).status == 200


LOOP = ("CREATE PROCEDURE forever() BEGIN DECLARE CONTINUE HANDLER FOR SQLEXCEPTION BEGIN END; DECLARE CONTINUE HANDLER FOR SQLWARNING BEGIN END;"
        " WHILE TRUE DO DO SLEEP(1); END WHILE; END")
HOLDS = {
    "sleeps through its end": holds(),
    "takes the lock that was the broker's": holds("SELECT GET_LOCK(SHA1(DATABASE()), 5)"),
    "takes locks of many names": holds(*[f"SELECT GET_LOCK({name}, 5)" for name in (
        "DATABASE()", "CONCAT('tsuru-broker ', DATABASE())", "MD5(DATABASE())", "SHA2(DATABASE(), 256)", "'tsuru-broker'",
        "CONCAT('tsuru-broker ', LEFT(SHA1(DATABASE()), 32))")]),
    "loops and handles every error": holds(LOOP, wait="CALL forever()"),
    "holds an open transaction": holds("CREATE TABLE t (a int)", "BEGIN", "INSERT INTO t VALUES (1)"),
    "locks its tables": holds("CREATE TABLE t (a int)", "LOCK TABLES t WRITE"),
    "locks a table for a backup": holds("CREATE TABLE t (a int)", "BACKUP LOCK t"),
    "opens a handler": holds("CREATE TABLE t (a int)", "HANDLER t OPEN"),
    "makes a table from a query that does not end": holds(wait="CREATE TABLE slow AS SELECT SLEEP(300)"),
    "changes its own password": holds("SET PASSWORD = PASSWORD('mine')"),
    "has a temporary table and a prepared statement": holds("CREATE TEMPORARY TABLE t (a int)", "PREPARE s FROM 'SELECT SLEEP(300)'", wait="EXECUTE s"),
    "owns what is named oddly": holds("CREATE TABLE `a``b'c\"d\\\\;-- x` (`x``` int)", "CREATE TABLE `%` (a int)", "CREATE TABLE `_` (a int)",
                                      "CREATE TABLE `\u00e9\u2603` (a int)", "CREATE TABLE `a.b` (a int)", "CREATE VIEW `v``'` AS SELECT 1"),
    "says that its database is another's": holds("ALTER DATABASE COMMENT 'tsuru-broker: instance 0123456789abcdef 0123456789abcdef'"),
    "gives its rights away by proxy": holds("GRANT PROXY ON '{me}'@'%' TO '{me}'@'%' WITH GRANT OPTION"),
}


def events_outlive(kind):
    """An attempt: an event that writes each second does not go on after its login's end."""

    def attempt(ground):
        instance, env = ground.fresh()
        database = env["MYSQL_DATABASE_NAME"]
        other = ground.tsuru.bind(instance, "other").json
        ground.server.as_app(env, "CREATE TABLE beats (a int)", "CREATE VIEW v AS SELECT 1",
                             f"CREATE EVENT e ON SCHEDULE EVERY 1 SECOND DO {kind}")
        wait_until("the event runs", lambda: ground.ask(f"SELECT COUNT(*) FROM `{database}`.beats")[0][0])
        assert ground.tsuru.unbind(instance, "app").status == 200
        before = ground.ask(f"SELECT COUNT(*) FROM `{database}`.beats")[0][0]
        time.sleep(3)  # the event's own clock
        after = ground.ask(f"SELECT COUNT(*) FROM `{database}`.beats")[0][0]
        if after != before:
            return f"it ran {after - before} times"
        # It is there, and runs again as another's that takes it.
        ground.server.as_app(other, "ALTER EVENT e ENABLE")
        wait_until("the event runs as another's", lambda: ground.ask(f"SELECT COUNT(*) FROM `{database}`.beats")[0][0] > after)
        assert ground.tsuru.remove(instance).status == 200
        return None

    return attempt


EVENTS = {
    "leaves an event behind": events_outlive("INSERT INTO beats VALUES (1)"),
    "leaves an event that loops behind": events_outlive("BEGIN DECLARE CONTINUE HANDLER FOR SQLEXCEPTION BEGIN END; "
                                                        "WHILE TRUE DO INSERT INTO beats VALUES (1); DO SLEEP(0.2); END WHILE; END"),
}


def traps(ground):
    """A database full of what runs when it is looked at: nothing of it runs with the broker's rights, whatever is called."""
    instance, env = ground.fresh()
    database = env["MYSQL_DATABASE_NAME"]
    ground.server.as_app(
        env, "CREATE TABLE log (who varchar(200))",
        "CREATE FUNCTION trap() RETURNS int SQL SECURITY INVOKER MODIFIES SQL DATA BEGIN INSERT INTO log VALUES (CURRENT_USER()); RETURN 1; END",
        "CREATE PROCEDURE trapped() SQL SECURITY INVOKER INSERT INTO log VALUES (CURRENT_USER())",
        "CREATE SQL SECURITY INVOKER VIEW v1 AS SELECT trap() AS x", "CREATE ALGORITHM = TEMPTABLE SQL SECURITY INVOKER VIEW v2 AS SELECT * FROM v1",
        "CREATE SQL SECURITY INVOKER VIEW v3 AS SELECT * FROM (SELECT trap() AS y) q WHERE y = trap()",
        "CREATE TABLE watched (a int)", "CREATE TRIGGER r BEFORE INSERT ON watched FOR EACH ROW SET NEW.a = trap()",
        "CREATE TRIGGER d BEFORE DELETE ON watched FOR EACH ROW SET @x = trap()", "INSERT INTO watched VALUES (1)",
        "CREATE TABLE GET_LOCK (a int)", "CREATE FUNCTION `IS_USED_LOCK`(a int) RETURNS int SQL SECURITY INVOKER RETURN trap()",
        "CREATE FUNCTION `REGEXP_REPLACE`(a int) RETURNS int SQL SECURITY INVOKER RETURN trap()",
        "CREATE TABLE moved (a int)", "DELETE FROM log")
    assert ground.tsuru.bind(instance, "reader", parameters={"read_only": True}).status == 201
    assert ground.tsuru.update(instance, "large").status == 200
    wait_until("info shows the size", lambda: "Size" in ground.tsuru.described(instance))
    ground.broker.ctl("verify", f"mysql/{instance}", "--json")
    assert ground.tsuru.unbind(instance, "reader").status == 200
    assert ground.tsuru.remove(instance).status == 200
    ground.broker.ctl("undelete", f"mysql/{instance}")
    ran = {row[0] for row in ground.ask(f"SELECT DISTINCT who FROM `{database}`.log")}
    assert ground.tsuru.remove(instance).status == 200
    ground.broker.ctl("purge", f"mysql/{instance}")
    wait_until("it is gone", lambda: not {database, database + "_retired"} & ground.server.databases())
    return f"it ran as {ran}" if ran else None


def ends_the_admin(ground):
    """KILL USER ends those that one may end, and says nothing of the others."""
    other = ground.log_in(ground.victim)
    ground.server.as_app(ground.attacker, f"KILL USER '{ground.admin}'", "KILL USER 'admin'", f"KILL USER '{ground.victim['MYSQL_USER']}'")
    for session in (ground.root, other):
        try:
            with session.cursor() as cursor:
                cursor.execute("SELECT 1")
        except pymysql.Error as error:
            return f"a session ended: {error}"
    other.close()
    return None


def enters_the_retired(ground):
    instance, env = ground.fresh()
    ground.server.as_app(env, "CREATE TABLE t (a int)")
    other = ground.attacker
    assert ground.tsuru.remove(instance).status == 200
    try:
        ground.server.as_app(other, f"SELECT * FROM `{env['MYSQL_DATABASE_NAME']}_retired`.t")
    except pymysql.Error as error:
        return None if error.args[0] in REFUSED else f"refused for another reason: {error}"
    return "another reads it"


def takes_more_connections(ground):
    """Than its plan gives."""
    held = []
    try:
        for _ in range(21):
            held.append(ground.log_in(ground.attacker))
    except pymysql.Error as error:
        return None if error.args[0] == 1226 else f"refused for another reason: {error}"
    finally:
        for one in held:
            one.close()
    return "it has 21"


def proxies_as_another(ground):
    """What one login gives another by PROXY is of no use to either, and harms neither's end."""
    first, one = ground.fresh()
    second, two = ground.fresh()
    ground.server.as_app(one, f"GRANT PROXY ON '{one['MYSQL_USER']}'@'%' TO '{two['MYSQL_USER']}'@'%' WITH GRANT OPTION",
                         f"GRANT PROXY ON '{one['MYSQL_USER']}'@'%' TO '{ground.admin}'@'%'")
    if ground.server.as_app(two, "SELECT CURRENT_USER()") != ((two["MYSQL_USER"] + "@%",),):
        return "it is another"
    for instance, env in ((second, two), (first, one)):
        assert ground.tsuru.unbind(instance, "app").status == 200
        if ground.is_shut(env):
            return ground.is_shut(env)
        assert ground.tsuru.remove(instance).status == 200
    return None


def keeps_its_own_password(ground):
    """An app that changed its password is told of, and has the one that the broker gave again."""
    instance, env = ground.fresh()
    ground.server.as_app(env, "SET PASSWORD = PASSWORD('mine')")
    found = ground.broker.ctl("verify", f"mysql/{instance}", "--json", status=3)["drift"]
    wait_until("it is mended", lambda: not ground.is_shut({**env}) is None)
    still = ground.is_shut({**env, "MYSQL_PASSWORD": "mine"})
    assert ground.tsuru.remove(instance).status == 200
    return still or (None if [one["kind"] for one in found] == ["bind"] else f"verify says {found}")


ATTEMPTS = ([(name, forbidden(statement)) for name, statement in STATEMENTS.items()] +
            [(name, sees_nothing(query)) for name, query in LOOKS.items()] +
            [(name, reader_writes(statement)) for name, statement in READER.items()] +
            list(HOLDS.items()) + list(EVENTS.items()) +
            [("lays traps for the broker", traps), ("enters what was put away", enters_the_retired),
             ("ends all sessions of others", ends_the_admin),
             ("takes more connections than its plan gives", takes_more_connections), ("acts as another by proxy", proxies_as_another),
             ("keeps a password of its own", keeps_its_own_password)])
