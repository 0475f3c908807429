"""What an app bound to a PostgreSQL instance tries against the other tenants, the broker's role and the server."""

import contextlib
import re
import threading
import time

import psycopg2
import psycopg2.extras

from harness import Broker, Postgres, Tsuru, postgres_service, wait_until

ADMINS = ("plain", "superuser")
PLANS = """      - {name: small, connection_limit: 10, retain: 1h}
      - {name: large, connection_limit: 20, statement_timeout: 30s, extensions: [pg_trgm], retain: 1h}
"""
SECRET = "the victim's secret"


class Ground:
    """mine: the attacker's instance, with apps that write (web, second), one that only reads and one that was unbound;
    yours: the victim's; gone: one of another tenant's that is retained."""

    def __init__(self, admin):
        self.server = Postgres()
        self.server.rows("ALTER SYSTEM SET max_prepared_transactions = 10")
        self.server.rows("ALTER SYSTEM SET wal_level = 'logical'")
        self.server.stop("fast")
        self.server.start()
        service = postgres_service(self.server, "x", plans=PLANS)
        self.role = "admin"
        if admin == "plain":
            service = service.replace(self.server.url(), self.server.plain_url())
            more = "".join(f"{key}: {value}, " for key, value in self.server.plain_plan.items())
            service = service.replace("- {name:", "- {" + more + "name:")
            self.role = "tsuru_broker"
        if self.server.version() < 150000:
            for database in ("postgres", "template1"):
                self.server.rows("REVOKE CREATE ON SCHEMA public FROM PUBLIC", database)
        self.broker = Broker(service).start()
        self.tsuru = Tsuru(self.broker, "postgres", "x")
        for name in ("mine", "yours", "gone"):
            assert self.tsuru.create(name, "small").status == 201
        self.web = self.bind("mine", "web")
        self.second = self.bind("mine", "second")
        self.reader = self.bind("mine", "report", {"read_only": True})
        self.ended = self.bind("mine", "ended")
        assert self.tsuru.unbind("mine", "ended").status == 200
        self.victim = self.bind("yours", "shop")
        self.gone = self.bind("gone", "shop")
        assert self.tsuru.remove("gone").status == 200
        self.server.as_app(self.victim, f"CREATE TABLE secrets (text text); INSERT INTO secrets VALUES ('{SECRET.replace(chr(39), chr(39) * 2)}')")
        self.server.as_app(self.web, "CREATE TABLE mine (a int); INSERT INTO mine VALUES (1)")
        self.names = {"mine": self.web["PG_DATABASE"], "yours": self.victim["PG_DATABASE"], "me": self.web["PG_USER"],
                      "second": self.second["PG_USER"], "reader": self.reader["PG_USER"], "shop": self.victim["PG_USER"],
                      "gone": self.gone["PG_DATABASE"], "broker": self.role, "directory": self.server.directory}
        self.before = self.state()

    def close(self):
        try:
            self.broker.close()
        finally:
            self.server.close()

    def bind(self, name, app, parameters=None):
        answer = self.tsuru.bind(name, app, parameters=parameters)
        assert answer.status == 201, answer
        return answer.json

    def state(self):
        """What no attempt may change: roles, who is a member of those that are not the attacker's, the victim's all."""
        yours = self.names["yours"]
        return (self.server.rows("SELECT rolname, rolsuper, rolcreaterole, rolcreatedb, rolreplication, rolbypassrls, rolcanlogin,"
                                 f" rolconnlimit, rolpassword FROM pg_authid WHERE rolname NOT IN ('{self.names['me']}',"
                                 f" '{self.names['second']}', '{self.names['reader']}') ORDER BY 1"),
                self.server.rows("SELECT pg_get_userbyid(roleid), pg_get_userbyid(member) FROM pg_auth_members WHERE pg_get_userbyid(roleid)"
                                 f" NOT IN ('{self.names['me']}', '{self.names['second']}', '{self.names['reader']}') ORDER BY 1, 2"),
                self.server.rows(f"SELECT datname, datdba, datacl::text, datconnlimit FROM pg_database WHERE datname <> '{self.names['mine']}' ORDER BY 1"),
                self.server.rows("SELECT pg_get_userbyid(setrole), setconfig FROM pg_db_role_setting s JOIN pg_database d ON d.oid = setdatabase"
                                 f" WHERE datname <> '{self.names['mine']}' ORDER BY 1, 2"),
                self.server.rows("SELECT count(*) FROM pg_stat_file('postgresql.auto.conf')"),
                self.server.rows("SELECT text FROM secrets", yours))


@contextlib.contextmanager
def session(ground, env, database=None, **options):
    """A connection of an app's; autocommit."""
    connection = psycopg2.connect(host="127.0.0.1", port=ground.server.port, dbname=database or env["PG_DATABASE"],
                                  user=env["PG_USER"], password=env["PG_PASSWORD"], connect_timeout=20, **options)
    try:
        connection.autocommit = True
        yield connection
    finally:
        connection.close()


def is_wrongly_written(code):
    """Whether a statement failed before anybody looked at rights: a slip of the pen, a thing that is not there, a feature that the
    server has not, or an earlier failure of its transaction. 42501 is the one of its class that says "no right"."""
    return code != "42501" and (code[:2] in ("42", "22", "0A", "58") or code == "25P02")


OUTSIDE = "from the database postgres: "  # before a statement that nobody may do from within


def do_outside(connection, statement):
    """Done, or it is no attempt."""
    info = connection.info
    with contextlib.closing(psycopg2.connect(host=info.host, port=info.port, user=info.user, password=info.password, dbname="postgres")) as other:
        other.autocommit = True
        other.cursor().execute(statement)
    return [], None


def do(connection, statement, expected=()):
    """Its rows and None, or None and what refused it. What cannot win because it is wrongly written is none of the attempts,
    unless exactly that is expected."""
    if statement.startswith(OUTSIDE):
        return do_outside(connection, statement[len(OUTSIDE):])
    cursor = connection.cursor()
    try:
        cursor.execute(statement)
        return cursor.fetchall() if cursor.description else [], None
    except psycopg2.Error as error:
        code = error.pgcode or ""
        assert code in expected or not is_wrongly_written(code), f"{statement} is wrongly written: {code} {error}"
        return None, error


def run(ground, env, statements, database=None, expected=()):
    """Runs them as the app, each by itself; what the last gave, see do. An app that does not even come into its own database has
    not tried anything."""
    outcome = None, None
    try:
        with session(ground, env, database) as connection:
            for statement in statements:
                outcome = do(connection, statement, expected)
    except psycopg2.OperationalError as failure:
        assert database is not None, f"the app cannot connect: {failure}"
        return None, failure
    return outcome


def plant(ground, env, statements):
    """What all has to be there for the attempt to be one."""
    with session(ground, env) as connection:
        for statement in statements:
            _, refusal = do(connection, statement)
            assert refusal is None, f"{statement} is refused: {refusal}"


SHUT_OUT = ("permission denied for database", "password authentication failed", "is not permitted to log in", "not currently accepting connections")


def refused(*statements, who="web", database=None, expected=()):
    """The last of the statements has to be refused for want of a right, or as expected says; nothing that is not the attacker's
    may have changed."""

    def attempt(ground):
        filled = [statement.format(**ground.names) for statement in statements]
        rows, refusal = run(ground, getattr(ground, who), filled, database and database.format(**ground.names), expected)
        if refusal is None:
            return f"{filled[-1]} was done: {str(rows)[:200]}"
        if refusal.pgcode not in ("42501", *expected) and not any(sign in str(refusal) for sign in SHUT_OUT):
            return f"{filled[-1]} was refused for another reason: {refusal.pgcode} {refusal}"
        return changed(ground)

    return attempt


def changed(ground):
    now = ground.state()
    for old, new in zip(ground.before, now):
        if old != new:
            return f"changed: {set(map(str, old)) ^ set(map(str, new))}"
    return None


def harmless(*statements, who="web", database=None):
    """Whatever the server makes of it: nothing that is not the attacker's changes."""

    def attempt(ground):
        filled = [statement.format(**ground.names) for statement in statements]
        run(ground, getattr(ground, who), filled, database and database.format(**ground.names))
        return changed(ground)

    return attempt


def hidden(query, who="web"):
    """The query shows nothing."""

    def attempt(ground):
        rows, _ = run(ground, getattr(ground, who), [query.format(**ground.names)])
        return f"it shows {str(rows)[:200]}" if rows else None

    return attempt


def cannot_enter(database, who="web"):
    def attempt(ground):
        name = database.format(**ground.names)
        _, refusal = run(ground, getattr(ground, who), ["SELECT current_database()"], name)
        if refusal is None:
            return f"it is in {name}"
        return None if any(sign in str(refusal) for sign in SHUT_OUT) else f"kept out for another reason: {refusal}"

    return attempt


def told(attempt):
    """What went wrong on the way is an outcome, too."""

    def safely(ground):
        try:
            return attempt(ground)
        except AssertionError as failure:
            return f"failed: {str(failure)[:500]}"

    return safely


# ---- attempts that need more than statements ----

def replicates(ground):
    for factory in (psycopg2.extras.PhysicalReplicationConnection, psycopg2.extras.LogicalReplicationConnection):
        try:
            with session(ground, ground.web, connection_factory=factory) as connection:
                connection.cursor().execute("IDENTIFY_SYSTEM")
            return "it may stream the server's log"
        except psycopg2.Error as error:
            if not any(sign in str(error) for sign in ("replication role", "must be superuser", "REPLICATION attribute")):
                return f"refused for another reason: {error}"
    return None


def signals(name, who="web"):
    """Ends the sessions of others, or their statements, by the number of the session: the victim's, an app's of the attacker's own
    instance that is another login, and the broker's."""

    def attempt(ground):
        env = getattr(ground, who)
        others = (ground.victim, ground.web if who == "reader" else ground.reader)
        with contextlib.ExitStack() as stack:
            connections = [stack.enter_context(session(ground, other)) for other in others]
            targets = [connection.info.backend_pid for connection in connections]
            ground.tsuru.described("yours")
            wait_until("the broker has a session", lambda: brokers_sessions(ground))
            targets += brokers_sessions(ground)
            attacker = stack.enter_context(session(ground, env))
            outcomes = [do(attacker, f"SELECT {name}({target})") for target in targets]
            if any(rows and rows[0][0] for rows, _ in outcomes):
                return f"{name} reached one of {targets}: {outcomes}"
            for connection, (_, refusal) in zip(connections, outcomes):
                if refusal is None or refusal.pgcode != "42501":
                    return f"not refused for want of a right: {refusal}"
                if do(connection, "SELECT 1")[0] != [(1,)]:
                    return "a session has ended"
            if not any(refusal and refusal.pgcode == "42501" for _, refusal in outcomes[len(connections):]):
                return f"the broker's sessions were not tried: {outcomes}"
        return changed(ground)

    return attempt


def brokers_sessions(ground):
    rows = ground.server.rows("SELECT pid FROM pg_stat_activity WHERE usename = '{broker}' AND pid <> pg_backend_pid()"
                              " AND backend_type = 'client backend'".format(**ground.names))
    return [row[0] for row in rows]


def outlives_its_unbind(ground, *statements):
    """Does the statements as an app, is unbound meanwhile, and looks whether anything of it still works."""
    env = ground.bind("mine", "outlive")
    with session(ground, env) as connection:
        for statement in statements:
            do(connection, statement.format(**{**ground.names, "me": env["PG_USER"]}))
        answer = ground.tsuru.unbind("mine", "outlive")
        if answer.status != 200:
            return f"the unbind answers {answer}"
        try:
            connection.cursor().execute("SELECT 1")
            return "its session goes on"
        except psycopg2.Error:
            pass
    _, refusal = run(ground, env, ["SELECT 1"], env["PG_DATABASE"])
    if refusal is None:
        return "its login works"
    if "password authentication failed" not in str(refusal):
        return f"its login is refused for another reason: {refusal}"
    if env["PG_USER"] in ground.server.roles():
        return "its role is still there"
    return changed(ground)


def outlives(*statements):
    return lambda ground: outlives_its_unbind(ground, *statements)


def begins_slowly(ground, database, end):
    """A session that is past its password and sleeps before the server shows it, while end is called."""
    outcomes = []

    def begin(env):
        try:
            with session(ground, env, database, options="-c post_auth_delay=8") as connection:
                connection.cursor().execute("SELECT 1")
                outcomes.append("its session goes on")
        except psycopg2.Error:
            outcomes.append(None)

    def attempt(env):
        thread = threading.Thread(target=begin, args=(env,))
        thread.start()
        try:
            wait_until("it begins", lambda: ground.server.rows(
                "SELECT pid FROM pg_locks WHERE locktype = 'object' AND mode = 'RowExclusiveLock' AND pid NOT IN"
                " (SELECT pid FROM pg_stat_activity WHERE usesysid IS NOT NULL)"))
            answer = end()
        finally:
            thread.join()
        return outcomes[0] if answer.status == 200 else f"it answers {answer}"

    return attempt


def outlives_slowly(database=None):
    def attempt(ground):
        env = ground.bind("mine", "slow")
        return begins_slowly(ground, database, lambda: ground.tsuru.unbind("mine", "slow"))(env) or changed(ground)

    return attempt


def floods(ground):
    """What is granted to another's login is taken back at its unbind, which must not take as long as one likes: the server
    is told how long each attempt may take."""
    env = ground.bind("yours", "flooded")
    run(ground, ground.web, [f"DO $$ BEGIN FOR i IN 1..20000 LOOP PERFORM lo_create(900000 + i); EXECUTE format('GRANT SELECT ON LARGE OBJECT %s TO"
                             f" {env['PG_USER']}', 900000 + i); END LOOP; END $$"])
    answer = ground.tsuru.unbind("yours", "flooded")
    with open(ground.server.log, encoding="utf-8", errors="replace") as file:
        log = file.read()
    ends = [match.start() for match in re.finditer(f'DROP OWNED BY "?{env["PG_USER"]}', log)]
    unbounded = [log[end - 300:end] for end in ends if "statement_timeout" not in log[end - 300:end]]
    if env["PG_USER"] in ground.server.roles():
        ground.server.rows(f"DROP OWNED BY {env['PG_USER']}", ground.names["mine"])
        ground.server.rows(f"DROP ROLE {env['PG_USER']}")
    if answer.status != 200 or not ends or unbounded:
        return f"the unbind: {answer}, without a limit: {unbounded}"
    return changed(ground)


def keeps_the_broker_out(*statements, undo=()):
    """Does the statements, then the broker updates, binds for reading, unbinds and verifies; all of it has to work."""

    def attempt(ground):
        if statements:
            run(ground, ground.web, [statement.format(**ground.names) for statement in statements])
        try:
            answers = [ground.tsuru.update("mine", "large"), ground.tsuru.bind("mine", "probe", parameters={"read_only": True}),
                       ground.tsuru.unbind("mine", "probe"), ground.tsuru.update("mine", "small")]
            bad = [answer for answer in answers if answer.status not in (200, 201)]
            return f"the broker cannot work: {bad}" if bad else changed(ground)
        finally:
            for statement in undo:
                ground.server.rows(statement.format(**ground.names), ground.names["mine"] if "SCHEMA" in statement else "postgres")

    return attempt


def trojan(kind, *statements):
    """What is planted writes down who ran it; then the broker works in the database. Nobody else may have run it."""

    def attempt(ground):
        plant(ground, ground.web, ["CREATE TABLE IF NOT EXISTS public.ran (who text)", "GRANT ALL ON public.ran TO PUBLIC",
                                   *[statement.format(**ground.names) for statement in statements]])
        outcome = keeps_the_broker_out()(ground)
        who = {row[0] for row in run(ground, ground.web, ["SELECT who FROM public.ran"])[0]}
        run(ground, ground.web, ["DROP SCHEMA public CASCADE", "CREATE SCHEMA public", "CREATE TABLE mine (a int)", "INSERT INTO mine VALUES (1)"])
        strangers = who - {ground.names["mine"], ground.names["me"]}
        return f"{kind} was run by {strangers}" if strangers else outcome

    return attempt


LOG = "INSERT INTO public.ran SELECT current_user; INSERT INTO public.ran SELECT session_user"


def function(signature, returns, result):
    return f"CREATE OR REPLACE FUNCTION public.{signature} RETURNS {returns} LANGUAGE sql AS $$ {LOG}; SELECT {result} $$"


def removes(ground, _):
    answer = ground.tsuru.remove("brief")
    return None if answer.status == 200 else f"it answers {answer}"


def removes_slow(ground, env):
    return begins_slowly(ground, None, lambda: ground.tsuru.remove("brief"))(env)


def cannot_be_removed(ground, *statements, remove=removes):
    """Tries to make its own removal impossible; the end of the retention is asked for at once."""
    assert ground.tsuru.create("brief", "small").status == 201
    env = ground.bind("brief", "web")
    run(ground, env, [statement.format(**{**ground.names, "brief": env["PG_DATABASE"]}) for statement in statements])
    outcome = remove(ground, env)
    return f"its removal: {outcome}" if outcome is not None else discarded(ground, "brief", env)


def discard(ground, instance, env):
    """Removes an instance for good, or says that it cannot be."""
    answer = ground.tsuru.remove(instance)
    return f"the removal answers {answer}" if answer.status != 200 else discarded(ground, instance, env)


def discarded(ground, instance, env):
    """What is retained of it goes, too."""
    retained = [one for one in ground.broker.ctl("instances", "--state", "retained", "--json") if one["name"] == instance]
    for one in retained:
        ground.broker.ctl("purge", one["id"], status=(0, 1))
    name = env["PG_DATABASE"]
    with contextlib.suppress(AssertionError):
        wait_until("it is gone", lambda: not {name, f"{name}_retired"} & ground.server.databases() and name not in ground.server.roles(), 30)
        return None
    return f"its removal does not end: {ground.broker.ctl('operations', '--state', 'failed', '--json')}"


def plants_the_extensions(ground):
    """The schema is there before the broker's, and what an extension's script may call in it."""
    assert ground.tsuru.create("early", "small").status == 201
    env = ground.bind("early", "web")
    spy = function("similarity(text, text)", "real", "0::real").replace("FUNCTION public.", "FUNCTION extensions.")
    plant(ground, env, ["CREATE TABLE public.ran (who text)", "GRANT ALL ON public.ran TO PUBLIC", "CREATE SCHEMA extensions",
                        "GRANT ALL ON SCHEMA extensions TO PUBLIC", spy])
    answer = ground.tsuru.update("early", "large")
    ran = run(ground, env, ["SELECT who FROM public.ran"])[0]
    found = run(ground, env, ["SELECT extname FROM pg_extension WHERE extnamespace = 'extensions'::regnamespace"])[0]
    outcome = discard(ground, "early", env)
    if answer.status != 422 or ran or found:
        return f"the update answers {answer}; run by {ran}; there is {found}"
    return outcome or changed(ground)


def maps_itself(ground):
    """With a foreign data wrapper that an operator lets it use."""
    name = ground.names["mine"]
    ground.server.rows(f"CREATE EXTENSION postgres_fdw; GRANT USAGE ON FOREIGN DATA WRAPPER postgres_fdw TO {name}", name)
    try:
        return outlives_its_unbind(ground, "CREATE SERVER s FOREIGN DATA WRAPPER postgres_fdw", "CREATE USER MAPPING FOR {me} SERVER s",
                                   "GRANT USAGE ON FOREIGN SERVER s TO {me} WITH GRANT OPTION")
    finally:
        ground.server.rows("DROP EXTENSION postgres_fdw CASCADE", name)


def stays(*statements):
    return lambda ground: cannot_be_removed(ground, *statements)


def sees_passwords_in_statements(ground):
    """The broker binds while the attacker watches what runs on the server."""
    seen = set()
    with session(ground, ground.web) as connection:
        cursor = connection.cursor()
        for number in range(3):
            env = ground.bind("yours", f"watched-{number}")
            cursor.execute(f"SELECT query FROM pg_stat_activity WHERE usename NOT IN ('{ground.names['me']}', '{ground.names['second']}')")
            seen |= {row[0] for row in cursor.fetchall()}
            ground.tsuru.unbind("yours", f"watched-{number}")
            if any(env["PG_PASSWORD"] in text or "SCRAM" in text for text in seen):
                return "a password"
    told = {text for text in seen if text and "insufficient privilege" not in text}
    return f"statements of others: {told}" if told else None


def exceeds_its_connections(ground):
    with contextlib.ExitStack() as stack:
        for number in range(12):
            try:
                stack.enter_context(session(ground, ground.web))
            except psycopg2.OperationalError as error:
                assert "too many connections for" in str(error), error
                return None if number <= 10 else f"{number} connections"
    return "12 connections where the plan gives 10"


def verifies_clean(ground):
    """After all that: what the records say is what the server has, once the drift pass has mended what the attacker did."""
    wait_until("the mend is over", lambda: not ground.broker.ctl("verify", "postgres/mine", "--json", status=(0, 3))["drift"])
    drift = ground.broker.ctl("verify", "postgres/yours", "--json", status=(0, 3))["drift"]
    return f"the victim differs: {drift}" if drift else changed(ground)


SHUT = OUTSIDE + "SET ROLE {0}; ALTER DATABASE {0} ALLOW_CONNECTIONS false"
ATTEMPTS = [
    # elsewhere
    ("a writer enters the victim's database", cannot_enter("{yours}")),
    ("a reader enters the victim's database", cannot_enter("{yours}", "reader")),
    ("an unbound app enters its database", cannot_enter("{mine}", "ended")),
    ("an unbound app enters postgres", cannot_enter("postgres", "ended")),
    ("a retained tenant enters its database", cannot_enter("{gone}_retired", "gone")),
    ("a writer enters a retired database", cannot_enter("{gone}_retired")),
    ("a writer enters the broker's database", cannot_enter("tsuru_broker")),
    ("a reader enters the broker's database", cannot_enter("tsuru_broker", "reader")),
    ("a writer enters template0", cannot_enter("template0")),
    ("a table in postgres", refused("CREATE TABLE planted (a int)", database="postgres")),
    ("a schema in postgres", refused("CREATE SCHEMA planted", database="postgres")),
    ("a table in template1, for those that are made next", refused("CREATE TABLE planted (a int)", database="template1")),
    ("a function in template1", refused("CREATE FUNCTION planted() RETURNS int LANGUAGE sql AS 'SELECT 1'", database="template1")),
    ("dblink", refused("CREATE EXTENSION dblink")),
    ("postgres_fdw", refused("CREATE EXTENSION postgres_fdw")),
    ("file_fdw", refused("CREATE EXTENSION file_fdw")),
    ("pageinspect", refused("CREATE EXTENSION pageinspect")),
    ("a foreign data wrapper", refused("CREATE FOREIGN DATA WRAPPER mine")),
    # languages and programs
    ("a function in C", refused("CREATE FUNCTION mine_c() RETURNS int LANGUAGE c AS '/bin/true', 'main'")),
    ("a function of the server's own", refused("CREATE FUNCTION mine_i(text) RETURNS text LANGUAGE internal AS 'pg_read_file_all'")),
    ("adminpack, which writes files", refused("CREATE EXTENSION adminpack", expected=("0A000",))),  # PostgreSQL 17 has none
    ("pg_walinspect, which reads the server's log", refused("CREATE EXTENSION pg_walinspect", expected=("58P01",))),  # from 15 on
    ("an untrusted language", refused("CREATE LANGUAGE mine_l HANDLER plpgsql_call_handler")),
    ("a library", refused("LOAD '/tmp/mine.so'")),
    ("a preloaded library", refused("ALTER ROLE {me} SET session_preload_libraries TO 'mine'")),
    ("a program by COPY", refused("COPY (SELECT 1) TO PROGRAM 'true'")),
    ("a program's output by COPY", refused("CREATE TABLE IF NOT EXISTS got (a text)", "COPY got FROM PROGRAM 'id'")),
    ("a file by COPY", refused("COPY got FROM '/etc/passwd'")),
    ("a file written by COPY", refused("COPY (SELECT 1) TO '{directory}/planted'")),
    ("a file by pg_read_file", refused("SELECT pg_read_file('/etc/passwd')")),
    ("a file by pg_read_binary_file", refused("SELECT pg_read_binary_file('/etc/passwd')")),
    ("a directory", refused("SELECT pg_ls_dir('/')")),
    ("a file as a large object", refused("SELECT lo_import('/etc/passwd')")),
    ("a large object as a file", refused("SELECT lo_export(lo_from_bytea(0, 'x'), '{directory}/planted')")),
    # roles
    ("SET ROLE to the victim's owner", refused("SET ROLE {yours}")),
    ("SET ROLE to the victim's login", refused("SET ROLE {shop}")),
    ("SET ROLE to the broker's role", refused("SET ROLE {broker}")),
    ("SET SESSION AUTHORIZATION to the victim's login", refused("RESET ROLE", "SET SESSION AUTHORIZATION {shop}")),
    ("SET SESSION AUTHORIZATION to the broker's role", refused("SET SESSION AUTHORIZATION {broker}")),
    ("a new role", refused("CREATE ROLE planted LOGIN PASSWORD 'x'")),
    ("itself a superuser", refused("SET ROLE NONE", "ALTER ROLE {me} SUPERUSER")),
    ("itself CREATEROLE", refused("SET ROLE NONE", "ALTER ROLE {me} CREATEROLE")),
    ("itself CREATEDB", refused("SET ROLE NONE", "ALTER ROLE {me} CREATEDB")),
    ("itself BYPASSRLS", refused("SET ROLE NONE", "ALTER ROLE {me} BYPASSRLS")),
    ("itself REPLICATION", refused("SET ROLE NONE", "ALTER ROLE {me} REPLICATION")),
    ("itself without a limit", refused("SET ROLE NONE", "ALTER ROLE {me} CONNECTION LIMIT -1")),
    ("the victim's password", refused("ALTER ROLE {shop} PASSWORD 'mine'")),
    ("the broker's password", refused("ALTER ROLE {broker} PASSWORD 'mine'")),
    ("the other app's password", refused("ALTER ROLE {second} PASSWORD 'mine'")),
    ("the owner role as a login", refused("ALTER ROLE {mine} LOGIN PASSWORD 'mine'")),
    ("the victim's role dropped", refused("DROP ROLE {shop}")),
    ("the victim's role renamed", refused("ALTER ROLE {shop} RENAME TO planted")),
    ("its own role renamed", refused("SET ROLE NONE", "ALTER ROLE {me} RENAME TO planted", expected=("0A000",))),  # nobody may, for oneself
    ("another role of its instance renamed", refused("ALTER ROLE {second} RENAME TO planted")),
    ("its owner role renamed", refused("ALTER ROLE {mine} RENAME TO planted", expected=("0A000",))),
    ("the victim's owner role granted", refused("GRANT {yours} TO {me}")),
    ("the broker's role granted", refused("GRANT {broker} TO {me}")),
    ("its own owner role given away", refused("GRANT {mine} TO {shop}")),
    ("pg_execute_server_program", refused("GRANT pg_execute_server_program TO {me}")),
    ("pg_read_all_data", refused("GRANT pg_read_all_data TO {mine}", expected=("42704",))),  # from 14 on
    ("pg_signal_backend", refused("GRANT pg_signal_backend TO {mine}")),
    ("its own login given to the victim's and the broker's roles", harmless("SET ROLE NONE", "GRANT {me} TO {broker}")),
    ("what the victim owns reassigned", refused("REASSIGN OWNED BY {yours} TO {mine}")),
    ("what the victim owns dropped", refused("DROP OWNED BY {yours}")),
    ("a mark on a role", refused("COMMENT ON ROLE {mine} IS 'tsuru-broker: instance 0123456789abcdef'")),
    ("a mark on the victim's database", refused("COMMENT ON DATABASE {yours} IS 'mine'")),
    ("passwords in pg_authid", refused("SELECT rolpassword FROM pg_authid")),
    ("passwords in pg_shadow", refused("SELECT passwd FROM pg_shadow")),
    ("passwords in pg_user", hidden("SELECT passwd FROM pg_user WHERE passwd NOT LIKE '*%'")),
    # databases
    ("a new database", refused("CREATE DATABASE planted")),
    ("a copy of the victim's database", refused("CREATE DATABASE planted TEMPLATE {yours}")),
    ("the victim's database renamed", refused("ALTER DATABASE {yours} RENAME TO planted")),
    ("the victim's database dropped", refused("DROP DATABASE {yours} WITH (FORCE)")),
    ("the victim's database with settings", refused("ALTER DATABASE {yours} SET default_transaction_read_only TO on")),
    ("the victim's login with settings", refused("ALTER ROLE {shop} SET default_transaction_read_only TO on")),
    ("the retired database taken", refused("ALTER DATABASE {gone}_retired OWNER TO {mine}")),
    ("its own database renamed", refused("ALTER DATABASE {mine} RENAME TO planted")),
    ("its own database given away", refused("ALTER DATABASE {mine} OWNER TO {yours}")),
    ("a tablespace", refused("CREATE TABLESPACE planted LOCATION '{directory}'")),
    # the server
    ("ALTER SYSTEM", refused("ALTER SYSTEM SET log_statement TO 'none'")),
    ("the configuration read again", refused("SELECT pg_reload_conf()")),
    ("the log rotated", refused("SELECT pg_rotate_logfile()")),
    ("the write-ahead log switched", refused("SELECT pg_switch_wal()")),
    ("a restore point", refused("SELECT pg_create_restore_point('mine')")),
    ("a replication slot", refused("SELECT pg_create_physical_replication_slot('mine')")),
    ("a logical replication slot", refused("SELECT pg_create_logical_replication_slot('mine', 'test_decoding')")),
    ("the log streamed", replicates),
    ("a subscription", refused("CREATE SUBSCRIPTION mine CONNECTION 'dbname={yours}' PUBLICATION p WITH (connect = false)")),
    ("a publication of everything", refused("CREATE PUBLICATION mine FOR ALL TABLES")),
    ("an event trigger", refused("CREATE FUNCTION mine_e() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END'",
                                 "CREATE EVENT TRIGGER mine ON ddl_command_end EXECUTE FUNCTION mine_e()")),
    ("the log of statements off", refused("SET log_statement TO 'none'")),
    ("a limit of temporary files off", refused("SET temp_file_limit TO -1")),
    ("the rules of pg_hba.conf", refused("SELECT * FROM pg_hba_file_rules")),
    ("the server's files of settings", refused("SELECT * FROM pg_file_settings")),
    ("the sessions of others ended", signals("pg_terminate_backend")),
    ("the statements of others canceled", signals("pg_cancel_backend")),
    ("others' statements", hidden("SELECT query FROM pg_stat_activity WHERE usename NOT IN ('{me}', '{second}', '{mine}')"
                                  " AND query NOT IN ('', '<insufficient privilege>')")),
    ("passwords in statements", sees_passwords_in_statements),
    ("a lock on the catalog of roles", refused("BEGIN", "LOCK TABLE pg_catalog.pg_authid IN ACCESS EXCLUSIVE MODE")),
    ("rows of the catalog of databases locked", refused("BEGIN", "SELECT * FROM pg_catalog.pg_database FOR UPDATE")),
    ("the catalog written", refused("UPDATE pg_catalog.pg_database SET datacl = NULL")),
    ("the catalog of descriptions written", refused("DELETE FROM pg_catalog.pg_shdescription")),
    ("more connections than the plan gives", exceeds_its_connections),
    # a reader
    ("a reader acts as the owner", refused("SET ROLE {mine}", who="reader")),
    ("a reader writes", refused("SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE", "INSERT INTO mine VALUES (2)", who="reader")),
    ("a reader makes a table", refused("SET default_transaction_read_only TO off", "CREATE TABLE readers (a int)", who="reader")),
    ("a reader makes a temporary table", refused("SET default_transaction_read_only TO off", "CREATE TEMPORARY TABLE r (a int)", who="reader")),
    ("a reader makes a schema", refused("SET default_transaction_read_only TO off", "CREATE SCHEMA readers", who="reader")),
    ("a reader installs an extension", refused("SET default_transaction_read_only TO off", "CREATE EXTENSION hstore", who="reader")),
    ("a reader grants", refused("SET default_transaction_read_only TO off", "GRANT {mine}_r TO {shop}", who="reader")),
    ("a reader changes its database", refused("SET default_transaction_read_only TO off", "ALTER DATABASE {mine} SET work_mem TO '8MB'", who="reader")),
    ("a reader ends a writer's session", signals("pg_terminate_backend", "reader")),
    # traps for the broker
    ("functions that the broker's statements might call", trojan(
        "a function", function("format(text, name, text)", "text", "'x'"), function("format(text, text, text)", "text", "'x'"),
        function("pg_has_role(oid, text)", "bool", "true"), function("has_table_privilege(text, oid, text)", "bool", "false"),
        function("has_schema_privilege(text, oid, text)", "bool", "false"), function("count(anyelement)", "bigint", "1::bigint"),
        "ALTER DATABASE {mine} SET search_path TO public, pg_catalog")),
    ("operators that the broker's statements might use", trojan(
        "an operator", function("same(name, text)", "bool", "true"),
        "CREATE OPERATOR public.= (LEFTARG = name, RIGHTARG = text, FUNCTION = public.same)",
        "CREATE OPERATOR public.<> (LEFTARG = name, RIGHTARG = text, FUNCTION = public.same)",
        "CREATE OPERATOR public.!~ (LEFTARG = name, RIGHTARG = text, FUNCTION = public.same)",
        "ALTER DATABASE {mine} SET search_path TO public, pg_catalog")),
    ("views in place of the catalog", trojan(
        "a view", function("spy()", "oid", "0::oid"), "CREATE VIEW public.pg_namespace AS SELECT spy() AS oid, 'x'::name AS nspname, spy() AS nspowner",
        "CREATE VIEW public.pg_class AS SELECT spy() AS oid, 'x'::name AS relname", "ALTER DATABASE {mine} SET search_path TO public, pg_catalog")),
    ("triggers and rules on its tables", trojan(
        "a trigger", f"CREATE FUNCTION public.fire() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {LOG}; RETURN NEW; END $$",
        "CREATE TRIGGER fire BEFORE INSERT OR UPDATE OR DELETE ON public.mine EXECUTE FUNCTION public.fire()",
        "CREATE VIEW public.seen AS SELECT * FROM public.mine",
        f"CREATE RULE spy AS ON UPDATE TO public.seen DO ALSO {LOG.split(';', maxsplit=1)[0]}")),
    ("the schema of the broker's extensions, made first, with functions in it", plants_the_extensions),
    ("its database's settings keep the broker out", keeps_the_broker_out(
        "ALTER DATABASE {mine} SET default_transaction_read_only TO on", "ALTER DATABASE {mine} SET statement_timeout TO 1",
        "ALTER DATABASE {mine} SET lock_timeout TO 1", "ALTER DATABASE {mine} SET role TO {mine}",
        "ALTER DATABASE {mine} SET idle_in_transaction_session_timeout TO 1", "ALTER DATABASE {mine} SET search_path TO nowhere",
        undo=["ALTER DATABASE {mine} RESET ALL"])),
    ("a limit of no connections keeps the broker out", keeps_the_broker_out("ALTER DATABASE {mine} CONNECTION LIMIT 0")),
    ("a database that takes no connections keeps the broker out", keeps_the_broker_out(SHUT.format("{mine}"))),
    ("a database that is a template", keeps_the_broker_out("ALTER DATABASE {mine} IS_TEMPLATE true", undo=["ALTER DATABASE {mine} IS_TEMPLATE false"])),
    ("rights taken from the owner and the broker", keeps_the_broker_out(
        "REVOKE ALL ON DATABASE {mine} FROM {mine}", "REVOKE ALL ON DATABASE {mine} FROM {me}",
        undo=["GRANT ALL ON DATABASE {mine} TO {mine}"])),
    ("its database opened to all, and to the victim", harmless("GRANT ALL ON DATABASE {mine} TO PUBLIC", "GRANT ALL ON DATABASE {mine} TO {shop}")),
    # what stays
    ("a session outlives its unbind", outlives("SELECT 1")),
    ("a session that begins slowly outlives its unbind", outlives_slowly()),
    ("a session that begins slowly elsewhere outlives its unbind", outlives_slowly("postgres")),
    ("a transaction outlives its unbind", outlives("BEGIN", "CREATE TABLE left_over (a int)", "LOCK TABLE mine")),
    ("a prepared transaction outlives its unbind", outlives("BEGIN", "CREATE TABLE prepared_over (a int)", "PREPARE TRANSACTION 'mine-1'")),
    ("a prepared transaction of the login itself", outlives("SET ROLE NONE", "BEGIN", "SELECT lo_create(0)", "PREPARE TRANSACTION 'mine-2'")),
    ("objects of the login itself", outlives("SET ROLE NONE", "SELECT lo_create(0)", "ALTER ROLE {me} SET work_mem TO '8MB'",
                                             "CREATE TEMPORARY TABLE t (a int)")),
    ("grants to and by the login", outlives("CREATE TABLE IF NOT EXISTS granted (a int)", "GRANT ALL ON granted TO {me} WITH GRANT OPTION",
                                            "GRANT USAGE ON SCHEMA public TO {me}", "SET ROLE NONE",
                                            "GRANT SELECT ON granted TO {second}", "GRANT {me} TO {second}", "GRANT {me} TO {shop}")),
    ("default privileges for the login", outlives("ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO {me}", "GRANT CREATE ON DATABASE {mine} TO {me}",
                                                  "GRANT ALL ON DATABASE {mine} TO {me} WITH GRANT OPTION")),
    ("more grants to the victim's login than its unbind can take back", floods),
    ("a policy for the login", outlives("CREATE TABLE IF NOT EXISTS policed (a int)", "CREATE POLICY p ON policed TO {me} USING (true)")),
    ("a name that a function of the owner's keeps", outlives("CREATE FUNCTION keep() RETURNS int SECURITY DEFINER SET role TO {me} LANGUAGE sql AS 'SELECT 1'")),
    ("a user mapping for the login", maps_itself),
    ("locks that look like the broker's", outlives("SELECT count(pg_try_advisory_lock(n)) FROM generate_series(1, 1000) n",
                                                   "SELECT count(pg_try_advisory_lock(classid::bigint << 32 | objid::bigint)) FROM pg_locks WHERE locktype = 'advisory'")),
    ("its password changed before the unbind", outlives("SET ROLE NONE", "ALTER ROLE {me} PASSWORD 'mine' VALID UNTIL 'infinity'")),
    ("a database without connections at its unbind", outlives("ALTER DATABASE {mine} CONNECTION LIMIT 0")),
    ("the broker opens it to connections", keeps_the_broker_out()),
    ("a database that takes no connections at its unbind", outlives("SELECT lo_create(0)", SHUT.format("{mine}"))),
    ("the broker opens it again", keeps_the_broker_out()),
    # its own removal
    ("a removal of a template", stays("ALTER DATABASE {brief} IS_TEMPLATE true")),
    ("a removal with a comment that lies", stays("COMMENT ON DATABASE {brief} IS 'tsuru-broker: instance 0123456789abcdef'")),
    ("a removal without connections", stays("ALTER DATABASE {brief} CONNECTION LIMIT 0", SHUT.format("{brief}"))),
    ("a removal with a prepared transaction", stays("CREATE TABLE t (a int)", "BEGIN; INSERT INTO t VALUES (1); PREPARE TRANSACTION 'brief'")),
    ("a removal with grants to others", stays("GRANT ALL ON DATABASE {brief} TO PUBLIC", "GRANT ALL ON DATABASE {brief} TO {shop}", "GRANT ALL ON DATABASE {brief} TO {broker}")),
    ("a removal while a session begins slowly", lambda ground: cannot_be_removed(ground, remove=removes_slow)),
    ("a removal with settings", stays("ALTER DATABASE {brief} SET role TO {brief}", "ALTER DATABASE {brief} SET default_transaction_read_only TO on")),
    # and at the end
    ("what is left of it all", verifies_clean),
]
ATTEMPTS = [(name, told(attempt)) for name, attempt in ATTEMPTS]
