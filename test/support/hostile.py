"""Tenants who mean harm, for test_hostile.py and the soak: with a login of their own they hold what the broker's statements
touch, and pile up sessions. Those without any are in strangers.py."""

import collections
import concurrent.futures
import contextlib
import http.client
import os
import socket
import threading
import time

from backends import PASSWORD
from harness import Tsuru

MOMENT = 0.2   # seconds that an attacker waits between two attempts
PATIENCE = 10  # seconds for an answer that an attacker needs
HURRY = 0.3    # for one that it does not
WAIT = 2       # seconds for a statement of one, which may wait for a lock of its own


class Attack:
    """One login's sessions. The first is to hold what the broker needs, for as long as the server lets it, and is made anew whenever
    it was ended; each further attempt opens one and leaves it as it is. Ended, it lets go of all."""

    HELD_MAX = 4

    def __init__(self, server, env):
        self.server, self.env = server, env
        self.first = None
        self.sessions = collections.deque()
        self.tried = collections.Counter()

    def open(self, what):
        """Whatever the server says to it: a refusal is what everybody hopes for."""
        try:
            session = what(self)
            self.tried[what.__name__] += 1
            return session
        except Exception:  # pylint: disable=broad-except
            self.tried[what.__name__ + " refused"] += 1
            return None

    def hold(self):
        if self.first is not None and not self.lives(self.first):
            self.let_go()
        if self.first is None:
            self.first = self.open(self.WAYS[0])

    def let_go(self):
        if self.first is not None:
            self.end(self.first)
        self.first = None

    def attempt(self, what, holding):
        """What it holds is in the way of what else it does, too."""
        if holding:
            self.hold()
        else:
            self.let_go()
        session = self.open(what)
        if session is not None:
            self.sessions.append(session)
        while len(self.sessions) > self.HELD_MAX:
            self.end(self.sessions.popleft())

    def lives(self, session):
        try:
            self.touch(session)
            return True
        except Exception:  # pylint: disable=broad-except
            return False

    def touch(self, session):
        session.ping()

    def begin(self, session, statement):
        """Runs the statement, and nobody waits for it."""
        def run():
            with contextlib.suppress(Exception):
                session.cursor().execute(statement)

        threading.Thread(target=run, daemon=True).start()
        return session

    def hang_up(self, session):
        session.close()

    def end(self, session):
        with contextlib.suppress(Exception):
            self.hang_up(session)

    def close(self):
        self.let_go()
        while self.sessions:
            self.end(self.sessions.popleft())


class PostgresAttack(Attack):
    """Open transactions on rows of the catalogs that an unbind, an update and a removal change, settings that stop who
    comes into the database, and what outlives its session."""

    IMMUNE = (f"statement_timeout={WAIT}s", f"lock_timeout={WAIT}s", "idle_in_transaction_session_timeout=0", "idle_session_timeout=0",
              "default_transaction_read_only=off", "search_path=public")  # against what it sets itself

    def connect(self, database=None):
        import psycopg2  # pylint: disable=import-outside-toplevel

        return psycopg2.connect(host="127.0.0.1", port=self.server.port, dbname=database or self.env["PG_DATABASE"],
                                user=self.env["PG_USER"], password=self.env["PG_PASSWORD"], connect_timeout=PATIENCE,
                                options=" ".join(f"-c {setting}" for setting in self.IMMUNE))

    def touch(self, session):
        session.cursor().execute("SELECT 1")

    def hang_up(self, session):
        """close() alone would wait for a statement that runs."""
        with socket.socket(fileno=os.dup(session.fileno())) as wire:
            wire.shutdown(socket.SHUT_RDWR)
        session.close()

    def run(self, *statements, commit=False, database=None):
        session = self.connect(database)
        session.autocommit = commit
        cursor = session.cursor()
        for statement in statements:
            cursor.execute(statement.format(**self.env))
        return session

    def hold_the_login(self):
        return self.run("SET ROLE NONE", "ALTER ROLE CURRENT_USER SET work_mem = '1MB'")

    def hold_the_database(self):
        return self.run("CREATE TABLE IF NOT EXISTS held ()", "LOCK TABLE held IN ACCESS EXCLUSIVE MODE",
                        "GRANT CONNECT ON DATABASE {PG_DATABASE} TO CURRENT_USER")

    def hold_the_password(self):
        return self.run("SET ROLE NONE", "ALTER ROLE CURRENT_USER PASSWORD 'mine'", database="postgres")

    def hold_the_schemas(self):
        return self.run("CREATE TABLE own ()", "LOCK TABLE own IN ACCESS EXCLUSIVE MODE", "CREATE SCHEMA own",
                        "ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO PUBLIC")

    def set_against_others(self):
        return self.run(*(f"ALTER DATABASE {{PG_DATABASE}} SET {setting}" for setting in (
            "statement_timeout = 1", "lock_timeout = 1", "idle_in_transaction_session_timeout = 1", "idle_session_timeout = 1",
            "default_transaction_read_only = on", "search_path = nowhere")), commit=True)

    def shut_the_database(self):
        return self.run("SET ROLE {PG_DATABASE}", "ALTER DATABASE {PG_DATABASE} IS_TEMPLATE true",
                        "ALTER DATABASE {PG_DATABASE} CONNECTION LIMIT 1", commit=True)

    def prepare(self):
        session = self.run("SELECT lo_create(0)")
        session.cursor().execute(f"PREPARE TRANSACTION '{time.monotonic_ns()}'")
        return session

    def drop_all(self):
        return self.run("DROP SCHEMA public CASCADE", commit=True)

    def compute(self):
        return self.begin(self.run("SET statement_timeout = 0", commit=True), "SELECT pg_sleep(600)")

    WAYS = (hold_the_database, hold_the_login, hold_the_password, hold_the_schemas, set_against_others, shut_the_database, prepare,
            drop_all, compute)


class MysqlAttack(Attack):
    """Tables, names and transactions that are locked, and an account that changes itself."""

    def run(self, *statements):
        session = self.server.connect(self.env["MYSQL_USER"], self.env["MYSQL_PASSWORD"], self.env["MYSQL_DATABASE_NAME"])
        with session.cursor() as cursor:
            cursor.execute(f"SET lock_wait_timeout = {WAIT}, innodb_lock_wait_timeout = {WAIT}")
            for statement in statements:
                cursor.execute(statement.format(**self.env))
        return session

    def hold_a_table(self):
        return self.run("CREATE TABLE IF NOT EXISTS held (a int)", "LOCK TABLES held WRITE")

    def hold_a_transaction(self):
        return self.run("CREATE TABLE IF NOT EXISTS held (a int)", "BEGIN", "INSERT INTO held VALUES (1)")

    def prepare(self):
        name = time.monotonic_ns()
        return self.run("CREATE TABLE IF NOT EXISTS held (a int)", f"XA START '{name}'", "INSERT INTO held VALUES (1)",
                        f"XA END '{name}'", f"XA PREPARE '{name}'")

    def hold_the_name(self):
        return self.run("SELECT GET_LOCK(SHA1(DATABASE()), 1)", "SELECT GET_LOCK(DATABASE(), 1)")

    def change_the_password(self):
        return self.run("SET PASSWORD = PASSWORD('mine')")

    def compute(self):
        return self.begin(self.run(), "SELECT SLEEP(600)")

    WAYS = (hold_a_table, hold_a_transaction, prepare, hold_the_name, change_the_password, compute)


class RedisAttack(Attack):
    """Clients that wait, listen, and leave transactions open."""

    def connect(self):
        return self.server.client(self.env["REDIS_USER"], self.env["REDIS_PASSWORD"]).client()

    def touch(self, session):
        session.connection.send_command("PING")
        session.connection.read_response()

    def listen(self):
        client = self.connect()
        client.connection.send_command("SUBSCRIBE", self.env["REDIS_PREFIX"] + "all")
        return client

    def wait(self):
        client = self.connect()
        client.connection.send_command("BLPOP", self.env["REDIS_PREFIX"] + "nothing", 0)
        return client

    def leave_open(self):
        client = self.connect()
        client.execute_command("WATCH", self.env["REDIS_PREFIX"] + "key")
        client.connection.send_command("MULTI")
        return client

    def fill(self):
        client = self.connect()
        for number in range(2000):
            client.execute_command("SET", f"{self.env['REDIS_PREFIX']}{number}", "x" * 100)
        return client

    WAYS = (listen, wait, leave_open, fill)


class RabbitmqAttack(Attack):
    """Connections, queues and consumers."""

    HELD_MAX = 1

    def touch(self, session):
        session.process_data_events()

    def consume(self):
        connection = self.server.connect(self.env["RABBITMQ_USER"], self.env["RABBITMQ_PASSWORD"], self.env["RABBITMQ_VHOST"])
        channel = connection.channel()
        for number in range(20):
            channel.queue_declare(f"held-{number}")
        channel.basic_consume("held-0", lambda *_: None)
        return connection

    WAYS = (consume,)


ATTACKS = {"postgres": PostgresAttack, "mysql": MysqlAttack, "redis": RedisAttack, "rabbitmq": RabbitmqAttack}


def start_all(backends):
    """At once. On PostgreSQL there are prepared transactions for those who mean harm; MariaDB, when it comes back after a crash in the
    middle of a DROP that such a transaction held up, goes on with it first and waits for as long as its setting says."""
    with concurrent.futures.ThreadPoolExecutor(len(backends)) as pool:
        list(pool.map(lambda backend: backend.start(), backends))
    for backend in backends:
        if backend.name == "postgres":
            backend.server.rows("ALTER SYSTEM SET max_prepared_transactions = 10")
            backend.server.rows("ALTER SYSTEM SET max_connections = 400")
            backend.server.stop("fast")
            backend.server.start()
        if backend.name == "mysql":
            backend.server.options.append("--innodb-lock-wait-timeout=5")


def see_to(backends):
    """What only an operator can: MariaDB does not tell whose a prepared transaction is, and the broker's sentence asks to end it."""
    for backend in backends:
        if backend.name == "mysql":
            for *_, name in backend.server.ask("XA RECOVER"):
                backend.server.end_prepared(name.decode())


def remove_all(tenants):
    """While they hold all that they hold; accepted is not done."""
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(Tenant.leave, tenants))
    assert {answer and answer.status for answer in answers} <= {200, 404}, answers


class Patient(Tsuru):
    """A caller that waits for its answers no longer than it likes."""

    def __init__(self, patience, *arguments, **more):
        super().__init__(*arguments, **more)
        self.patience = patience

    def send(self, *arguments, **more):
        return super().send(*arguments, **{"timeout": self.patience, **more})


class Tenant:
    """One instance of the attacker's, bound to some apps. They attack, while another thread goes through everything that tsuru may
    ask for and waits for no answer; what is answered is of no matter to anybody but its owner."""

    APPS = ("one", "two", "three", "four")

    def __init__(self, broker, backend, name, chance):
        self.backend, self.name, self.chance = backend, name, chance
        self.patient, self.hasty, self.leaving = (Patient(patience, broker, backend.name, PASSWORD, team="evil")
                                                  for patience in (PATIENCE, HURRY, PATIENCE * 20))
        self.attacks = {}  # by app; what an app held before it was unbound stays held
        self.bound = set()
        self.counts = collections.Counter()

    def ask(self, tsuru, what, *arguments):
        try:
            answer = getattr(tsuru, what)(self.name, *arguments)
        except (OSError, http.client.HTTPException):  # not waited for, or the broker is away, on purpose
            self.counts[f"{what} not answered"] += 1
            return None
        self.counts[f"{what} {answer.status}"] += 1
        return answer

    def leave(self):
        """What is asked for at the end, while its sessions hold all that they hold."""
        return self.ask(self.leaving, "remove")

    def take_hold(self, app):
        answer = self.ask(self.patient, "bind", app)
        if answer is not None and answer.status == 201 and self.backend.name in ATTACKS:
            self.let_go(app)
            self.bound.add(app)
            self.attacks[app] = ATTACKS[self.backend.name](self.backend.server, answer.json)
            if len(self.attacks) == 1:
                self.begin(self.attacks[app])
            self.attacks[app].hold()

    def begin(self, attack):
        """Before it holds anything, which would be in its own way: each tenant in another way than the one before."""
        attack.attempt(attack.WAYS[int(self.name.rpartition("-")[2]) % len(attack.WAYS)], False)

    def let_go(self, app):
        if app in self.attacks:
            self.counts.update(self.attacks[app].tried)
            self.attacks.pop(app).close()

    def let_go_of_all(self):
        for app in self.APPS:
            self.let_go(app)

    def attack(self, holding):
        if self.attacks:
            attack = self.chance.choice(list(self.attacks.values()))
            attack.attempt(self.chance.choice(attack.WAYS), holding)

    def round(self, over):
        self.ask(self.patient, "create", "small")
        for app in self.APPS:
            if app not in self.bound and not over.is_set():
                self.take_hold(app)
        holding = self.chance.random() < 0.5
        for _ in range(self.chance.randrange(5, 20)):
            self.attack(holding)
            if over.wait(MOMENT):
                return
        for app in self.chance.sample(self.APPS, self.chance.randrange(len(self.APPS) + 1)):
            self.ask(self.hasty, "unbind", app)
            self.bound.discard(app)
        if self.chance.random() < 0.2:
            self.ask(self.hasty, "remove")
            self.bound.clear()

    def run(self, over):
        while not over.is_set():
            self.round(over)

    def press(self, over):
        calls = (("update", "large"), ("bind", "other"), ("bind", "another"), ("status",), ("unbind", "other"), ("unbind", "another"),
                 ("update", "small"))
        while not over.is_set():
            for call in calls:
                self.ask(self.hasty, *call)
            over.wait(MOMENT)
