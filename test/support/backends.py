"""The servers behind the drivers, as the shared tests see them (test_drivers.py, test_recovery.py): every driver's real
server goes through the same tests.

A driver joins with one class of about 40 lines and its place in BACKENDS:

    class Redis(Backend):
        name = "redis"                       # the tests' id: pytest -k redis
        def start(self): ...                 # begins a private server; called once, before all else
        def stop(self): ...                  # the server goes away, as by a crash ...
        def start_again(self): ...           # ... and comes back at the same place with what it had
        def close(self): ...                 # ends it and removes every trace; also after stop
        def service(self, name): ...         # its service for the configuration, by service() below
        def write(self, env, key, value): ...  # what an app does with the environment of a bind: logs in afresh, stores
        def read(self, env, key): ...          # gives the value, or None when there is none; both raise Denied when the
                                               # server does not let the login in, and nothing else for that reason
        def objects(self): ...               # what the broker made on the server: (instances' names, logins' names)
        def pids(self): ...                  # the server's processes, for the tests that stop them; none: not tested
        def port(self): ...                  # where the broker reaches it, for the proxy between
        wire = True                          # whether there is such a thing
        unlocks = None                       # what its driver asks to give an instance's lock back; None: it has none
        ends_silent = False                  # whether its server soon ends a session that asks nothing: the driver told it to
        restores = False                     # when the server chooses the credentials: an unbind that is taken back
                                             # then gives others

The broker logs in with the rights that the driver's manual names, and no more. Keys and values are letters and digits. write and read of two apps of one instance see the same content. The plans must be
"small" (the default) and "large". What only this driver can do is tested in a file of its own, test_NAME.py.
"""

import contextlib
import glob
import json
import os
import secrets
import shutil
import signal
import sqlite3
import subprocess
import tempfile

from harness import Postgres
from osb_broker import OsbBroker

SAMPLES = os.path.join(os.path.dirname(__file__), "..", "..", "conf", "samples", "exec")
PASSWORD = "api-password"


class Denied(Exception):
    """The server does not let this login in."""


def service(name, driver, server, small=None, large=None):
    """A service with one server and the two plans, from the keys that are the driver's own."""
    return {"name": name, "driver": driver, "password": PASSWORD, "servers": [{"name": "main", "parallel": 8, **server}],
            "plans": [{"name": "small", **(small or {})}, {"name": "large", **(large or {})}]}


def configuration(*services):
    """The services as the YAML that harness.Broker takes: each a mapping in JSON, which is YAML too."""
    return "".join(f"  - {json.dumps(one)}\n" for one in services)


class Backend:
    """What follows from the methods above."""

    name = ""
    restores = True
    wire = True
    unlocks = None
    ends_silent = False

    def hand_over(self):
        """Another broker is the next to have it. (The harness claims what a driver marks; what is behind exec marks itself.)"""

    def pids(self):
        return []

    def port(self):
        return self.server.port

    def through(self, name, port):
        """The service, with the broker's connections led through another port; apps and the tests go the direct way."""
        text = json.dumps(self.service(name))
        there = f"127.0.0.1:{self.port()}"
        assert there in text
        return json.loads(text.replace(there, f"127.0.0.1:{port}"))

    def works(self, env):
        """Logs in with the app's environment, writes and reads."""
        key, value = secrets.token_hex(4), secrets.token_hex(4)
        self.write(env, key, value)
        return self.read(env, key) == value

    def refused(self, env):
        """Whether the login is dead."""
        try:
            self.read(env, "any")
        except Denied:
            return True
        return False

    def freeze(self):
        """The server takes connections and answers nothing."""
        self.signal(signal.SIGSTOP)
        self.signal(signal.SIGSTOP)  # those that were begun while the first were being stopped

    def thaw(self):
        self.signal(signal.SIGCONT)

    def signal(self, number):
        for pid in self.pids():
            with contextlib.suppress(ProcessLookupError):  # one that has ended since
                os.kill(pid, number)


class PostgresBackend(Backend):
    """Databases and logins."""

    name = "postgres"
    unlocks = b"pg_advisory_unlock_all"

    def start(self):
        self.server = Postgres()

    def stop(self):
        self.server.stop()

    def start_again(self):
        self.server.start()

    def close(self):
        self.server.close()

    def service(self, name):
        return service(name, "postgres", {"url": self.server.plain_url(), "connections": 16, "connect_timeout": "3s"},
                       {"connection_limit": 10, "retain": 0, **self.server.plain_plan},
                       {"connection_limit": 100, "statement_timeout": "90s", "retain": 0, **self.server.plain_plan})

    def ask(self, env, sql):
        import psycopg2  # pylint: disable=import-outside-toplevel

        try:
            return self.server.as_app(env, "CREATE TABLE IF NOT EXISTS kept (key text PRIMARY KEY, value text);" + sql)
        except psycopg2.OperationalError as error:
            raise Denied(str(error)) from error

    def write(self, env, key, value):
        self.ask(env, f"INSERT INTO kept VALUES ('{key}', '{value}') ON CONFLICT (key) DO UPDATE SET value = '{value}'")

    def read(self, env, key):
        rows = self.ask(env, f"SELECT value FROM kept WHERE key = '{key}'")
        return rows[0][0] if rows else None

    def objects(self):
        databases = self.server.databases()
        # A database has an owner and a reader; every other role is a bind's.
        return databases, self.server.roles() - databases - {name + "_r" for name in databases}

    def pids(self):
        with open(os.path.join(self.server.data, "postmaster.pid"), encoding="ascii") as file:
            postmaster = int(file.readline())
        children = [int(path.split("/")[2]) for path in glob.glob("/proc/[0-9]*/stat") if parent(path) == postmaster]
        return [postmaster, *children]


def parent(stat):
    """The parent of the process with that /proc/PID/stat; None when it has gone."""
    try:
        with open(stat, encoding="ascii", errors="replace") as file:
            return int(file.read().rpartition(")")[2].split()[1])
    except OSError:
        return None


class ExecBackend(Backend):
    """A sample program of the driver exec. Its server is a directory: it is away when that is."""

    wire = False

    def start(self):
        self.parent = tempfile.mkdtemp(prefix="broker-exec-")
        self.root = os.path.join(self.parent, "root")
        os.mkdir(self.root)

    def stop(self):
        os.rename(self.root, self.root + ".away")

    def start_again(self):
        os.rename(self.root + ".away", self.root)

    def close(self):
        shutil.rmtree(self.parent, ignore_errors=True)


class ExecFiles(ExecBackend):
    """backend.sh: directories with a file of users."""

    name = "exec-sh"

    def hand_over(self):
        with contextlib.suppress(FileNotFoundError):
            os.remove(os.path.join(self.root, "store"))

    def start(self):
        super().start()
        os.mkdir(os.path.join(self.root, "instances"))
        os.mkdir(os.path.join(self.root, "retired"))

    def service(self, name):
        return service(name, "exec", {"command": os.path.realpath(os.path.join(SAMPLES, "backend.sh")),
                                      "args": [self.root, "https://files.example.com"]})

    def log_in(self, env):
        """As the web server would; gives the directory."""
        home = os.path.join(self.root, "instances", env["FILES_URL"].split("/")[3])
        try:
            with open(os.path.join(home, "htpasswd"), encoding="ascii") as file:
                hashes = dict(line.rstrip("\n").split(":", 1) for line in file)
            salt = hashes[env["FILES_USER"]].split("$")[2]
        except (OSError, KeyError) as error:
            raise Denied(env["FILES_USER"]) from error
        given = subprocess.run(["openssl", "passwd", "-6", "-salt", salt, "-stdin"], input=env["FILES_PASSWORD"],
                               capture_output=True, text=True, check=True).stdout.strip()
        if given != hashes[env["FILES_USER"]]:
            raise Denied(env["FILES_USER"])
        return os.path.join(home, "content")

    def write(self, env, key, value):
        with open(os.path.join(self.log_in(env), key), "w", encoding="ascii") as file:
            file.write(value)

    def read(self, env, key):
        path = os.path.join(self.log_in(env), key)
        if not os.path.exists(path):
            return None
        with open(path, encoding="ascii") as file:
            return file.read()

    def objects(self):
        homes = glob.glob(os.path.join(self.root, "*", "*"))
        logins = set()
        for path in glob.glob(os.path.join(self.root, "*", "*", "htpasswd")):
            with open(path, encoding="ascii") as file:
                logins |= {line.split(":")[0] for line in file}
        return {os.path.basename(home) for home in homes}, logins


class ExecSettings(ExecBackend):
    """backend.py: spaces and accounts in a SQLite database."""

    name = "exec-py"

    def start(self):
        super().start()
        self.path = os.path.join(self.root, "settings.db")
        self.program = os.path.realpath(os.path.join(SAMPLES, "backend.py"))
        subprocess.run([self.program, self.path, "init"], check=True)

    def service(self, name):
        return service(name, "exec", {"command": "/usr/bin/python3", "args": ["-I", self.program, self.path]},
                       {"options": {"quota": "1000"}}, {"options": {"quota": "100000"}})

    def hand_over(self):
        if self.rows("SELECT 1 FROM sqlite_master WHERE name = 'store'"):
            self.rows("DELETE FROM store")

    def rows(self, sql, *values):
        database = sqlite3.connect(self.path, timeout=30)
        try:
            with database:
                return database.execute(sql, values).fetchall()
        finally:
            database.close()

    def log_in(self, env):
        import hashlib  # pylint: disable=import-outside-toplevel

        found = self.rows("SELECT salt, hash FROM accounts JOIN spaces ON spaces.name = space "
                          "WHERE login = ? AND space = ? AND NOT retired", env["SETTINGS_USER"], env["SETTINGS_SPACE"])
        if not found or hashlib.scrypt(env["SETTINGS_PASSWORD"].encode(), salt=found[0][0], n=2**14, r=8,
                                       p=1) != found[0][1]:
            raise Denied(env["SETTINGS_USER"])
        return env["SETTINGS_SPACE"]

    def write(self, env, key, value):
        self.rows("INSERT OR REPLACE INTO entries VALUES (?, ?, ?)", self.log_in(env), key, value)

    def read(self, env, key):
        found = self.rows("SELECT value FROM entries WHERE space = ? AND key = ?", self.log_in(env), key)
        return found[0][0] if found else None

    def objects(self):
        return ({row[0] for row in self.rows("SELECT name FROM spaces")},
                {row[0] for row in self.rows("SELECT login FROM accounts")})


class OsbBackend(Backend):
    """An upstream broker whose service is a store of keys and values; it works in the background."""

    name = "osb"
    restores = False

    def start(self):
        self.server = OsbBroker()
        self.server.asynchronous, self.server.polls = True, 1

    def stop(self):
        self.server.stop()

    def start_again(self):
        self.server.start()

    def close(self):
        self.server.stop()

    def service(self, name):
        return service(name, "osb", {"url": self.server.url(), "username": self.server.username,
                                     "password": self.server.password, "service": "kv", "polling_interval": "50ms"})

    def ask(self, env, key, value=None):
        login = f"{env['USERNAME']}:{env['PASSWORD']}"
        status, answer = self.server.talk("PUT" if value is not None else "GET",
                                          env["URI"].replace(login + "@", "") + "/" + key, login, value)
        if status == 401:
            raise Denied(env["USERNAME"])
        return answer["value"]

    def write(self, env, key, value):
        self.ask(env, key, value)

    def read(self, env, key):
        return self.ask(env, key)

    def objects(self):
        with self.server.lock:
            return ({one["body"]["context"]["resource"] for one in self.server.instances.values()},
                    {one["body"]["context"]["login"] for one in self.server.bindings.values()})

    def pids(self):
        return [os.getpid()]  # threads of this process: their lock holds them up

    def freeze(self):
        self.server.lock.acquire()

    def thaw(self):
        self.server.lock.release()


class RedisBackend(Backend):
    """Key prefixes on a shared Redis."""

    name = "redis"

    def start(self):
        from redis_server import Redis  # pylint: disable=import-outside-toplevel

        self.server = Redis()

    def stop(self):
        self.server.stop()

    def start_again(self):
        self.server.start()

    def close(self):
        self.server.close()

    def service(self, name):
        return service(name, "redis", {"url": self.server.plain_url(), "connect_timeout": "3s"}, {}, {"commands": ["+sort"]})

    def ask(self, env, *command):
        import redis  # pylint: disable=import-outside-toplevel

        client = self.server.client(env["REDIS_USER"], env["REDIS_PASSWORD"])
        try:
            return client.execute_command(*command)
        except (redis.exceptions.AuthenticationError, redis.exceptions.ResponseError) as error:
            # What is a ResponseError to redis-py 4 is an AuthenticationError, without the server's word, to later ones.
            if isinstance(error, redis.exceptions.AuthenticationError) or "WRONGPASS" in str(error) or "NOAUTH" in str(error):
                raise Denied(str(error)) from error
            raise
        finally:
            client.close()

    def write(self, env, key, value):
        self.ask(env, "SET", env["REDIS_PREFIX"] + key, value)

    def read(self, env, key):
        return self.ask(env, "GET", env["REDIS_PREFIX"] + key)

    def objects(self):
        users = self.server.users()
        keys = {key.split(":")[0] for key in self.server.client().scan_iter(count=1000)}
        return ({user.split(":")[1] for user in users if ":" in user} | keys, {user for user in users if ":" not in user})

    def pids(self):
        return [self.server.process.pid]


class MysqlBackend(Backend):
    """Databases and accounts on a MariaDB."""

    name = "mysql"
    unlocks = b"DO RELEASE_LOCK"
    ends_silent = True

    def start(self):
        from mysql_server import MariaDb  # pylint: disable=import-outside-toplevel

        self.server = MariaDb()

    def stop(self):
        self.server.stop()

    def start_again(self):
        self.server.start()

    def close(self):
        self.server.close()

    def service(self, name):
        return service(name, "mysql", {"url": self.server.plain_url(), "connections": 16, "connect_timeout": "3s"},
                       {"connection_limit": 10, "retain": 0},
                       {"connection_limit": 100, "statement_timeout": "90s", "retain": 0})

    def ask(self, env, sql):
        import pymysql  # pylint: disable=import-outside-toplevel

        try:
            return self.server.as_app(env, "CREATE TABLE IF NOT EXISTS kept (k varchar(99) PRIMARY KEY, v text)", sql)
        except pymysql.err.OperationalError as error:
            if error.args[0] in (1044, 1045, 4151):  # 4151: the account is locked
                raise Denied(str(error)) from error
            raise

    def write(self, env, key, value):
        self.ask(env, f"REPLACE INTO kept VALUES ('{key}', '{value}')")

    def read(self, env, key):
        rows = self.ask(env, f"SELECT v FROM kept WHERE k = '{key}'")
        return rows[0][0] if rows else None

    def objects(self):
        return self.server.databases(), self.server.users()

    def pids(self):
        return [self.server.process.pid]


class RabbitmqBackend(Backend):
    """Vhosts. A key is a durable queue that holds its value as the only message, which is read and put back."""

    name = "rabbitmq"

    def start(self):
        from rabbitmq_server import RabbitMQ  # pylint: disable=import-outside-toplevel

        self.server = RabbitMQ()

    def stop(self):
        self.server.stop()

    def start_again(self):
        self.server.start()

    def close(self):
        self.server.close()

    def service(self, name):
        username, password = self.server.plain_login
        server = {"url": self.server.url(), "username": username, "password": password,
                  "amqp_port": self.server.port, "connect_timeout": "3s"}
        return service(name, "rabbitmq", server, {"max_connections": 50, "retain": 0},
                       {"max_connections": 500, "max_user_channels": 100, "retain": 0})

    def log_in(self, env):
        import pika  # pylint: disable=import-outside-toplevel

        try:
            return self.server.connect(env["RABBITMQ_USER"], env["RABBITMQ_PASSWORD"], env["RABBITMQ_VHOST"])
        except (pika.exceptions.ProbableAuthenticationError, pika.exceptions.ProbableAccessDeniedError) as error:
            raise Denied(repr(error)) from error
        except pika.exceptions.ConnectionClosedByBroker as error:
            if error.reply_code == 530:  # access to the vhost refused, or no such vhost
                raise Denied(repr(error)) from error
            raise

    def write(self, env, key, value):
        import pika  # pylint: disable=import-outside-toplevel

        with contextlib.closing(self.log_in(env)) as connection:
            channel = connection.channel()
            channel.confirm_delivery()
            # The newest value pushes the one before it out.
            channel.queue_declare(key, durable=True, arguments={"x-max-length": 1})
            channel.basic_publish("", key, value.encode(), pika.BasicProperties(delivery_mode=2), mandatory=True)

    def read(self, env, key):
        import pika  # pylint: disable=import-outside-toplevel

        with contextlib.closing(self.log_in(env)) as connection:
            try:
                channel = connection.channel()
                method, _, value = channel.basic_get(key)
            except pika.exceptions.ChannelClosedByBroker as error:
                if error.reply_code != 404:
                    raise
                return None
            if method is None:
                return None
            channel.basic_nack(method.delivery_tag)
            channel.queue_declare(key, passive=True)  # answered behind the nack: the message is back
            return value.decode()

    def objects(self):
        return self.server.vhosts(), self.server.users()

    def port(self):
        return self.server.api_port

    def pids(self):
        return [self.server.process.pid]


BACKENDS = [PostgresBackend, ExecFiles, ExecSettings, OsbBackend, RedisBackend, MysqlBackend, RabbitmqBackend]
