"""Private servers and clients for the integration tests: a PostgreSQL, the broker itself, and tsuru's requests.

Everything runs on 127.0.0.1 on free ports in directories of its own, and is gone at the end, however a test ends.
"""

import base64
import collections
import contextlib
import functools
import glob
import http.client
import json
import os
import pwd
import random
import re
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.parse

BROKER = os.environ.get("BROKER", "build-sanitize/tsuru-broker")
ROOT = os.path.join(os.path.dirname(__file__), "..", "..")
TIMEOUT = 60  # seconds that anything may take to come about


def wait_until(what, condition, timeout=TIMEOUT, pause=0.02):
    """Waits for the condition to be true and gives its value; fails with what after timeout seconds."""
    deadline = time.monotonic() + timeout
    while True:
        over = time.monotonic() > deadline  # before it is asked: this process may have stood still
        value = condition()
        if value:
            return value
        if over:
            raise AssertionError(f"not within {timeout} s: {what}")
        time.sleep(pause)


promised = collections.deque(maxlen=256)


def promise(port):
    """A name that one process at a time can have, for as long as it lives: tests beside this one choose another port."""
    name = socket.socket(socket.AF_UNIX)
    name.bind(f"\0broker-test-port-{port}")
    promised.append(name)


def free_port():
    """A port that nothing uses, below those that the system gives to connections: none of them takes it meanwhile."""
    with open("/proc/sys/net/ipv4/ip_local_port_range", encoding="ascii") as file:
        end = int(file.read().split()[0])
    while True:
        port = random.SystemRandom().randrange(end - 16000, end) if end > 20000 else 0
        with contextlib.suppress(OSError), socket.socket() as listener:
            listener.bind(("127.0.0.1", port))
            promise(listener.getsockname()[1])
            return listener.getsockname()[1]


def program(variable, name, *usual):
    """A server's program: from the directory that the variable of the environment names, or from where Debian puts it. So
    test/matrix.sh has the same tests run on other versions."""
    path = os.environ.get(variable) or os.pathsep.join((*usual, os.environ["PATH"], "/usr/sbin"))
    found = shutil.which(name, path=path)
    assert found, f"no {name} in {path}"
    return found


def removed(tsuru, *names):
    """Removes them, and waits for their ends."""
    for name in names:
        assert tsuru.remove(name).status == 200
    for name in names:
        wait_until(f"{name} is gone", lambda name=name: tsuru.info(name).status == 404)


NO_PASS = "limits: {verify_interval: 0}\n"  # of the broker's own, which would find and mend what a test has just done to a server


def await_mended(broker, instance, what=""):
    """Until a look at SERVICE/NAME finds nothing any more, and no mend is left to undo what the test does next: each look asks for
    one, which waits for those before it, and is no operation until then."""
    wait_until(f"{instance} is mended {what}", lambda: not any(
        broker.ctl("verify", instance, "--json", status=(0, 3))["drift"] or broker.ctl("operations", "--json") for _ in range(2)))


def manual(driver, pattern):
    """What the driver's manual tells to type, with "sekret" for the password: the pattern's first group, or all of it."""
    with open(os.path.join(ROOT, "docs", "drivers", f"{driver}.md"), encoding="utf-8") as file:
        found = re.search(pattern, file.read(), re.M | re.S)
    return found[1 if found.groups() else 0].replace("...", "sekret")


class Postgres:
    """A private PostgreSQL server; settings are lines of its postgresql.conf."""

    def __init__(self, settings=""):
        self.bin = os.path.dirname(program("POSTGRES_BIN", "initdb", *sorted(glob.glob("/usr/lib/postgresql/*/bin"), reverse=True)))
        self.directory = tempfile.mkdtemp(prefix="broker-postgres-")
        self.data = os.path.join(self.directory, "data")
        self.log = os.path.join(self.directory, "log")
        self.password = "admin-" + secrets.token_hex(8)
        self.port = None
        self.prefix = []  # of the commands: one that ends as the command
        password_file = os.path.join(self.directory, "password")
        with open(password_file, "w", encoding="ascii") as file:
            file.write(self.password)
        if os.getuid() == 0:
            user = pwd.getpwnam("postgres")
            for path in (self.directory, password_file):
                os.chown(path, user.pw_uid, user.pw_gid)
        self.make(password_file)
        with open(os.path.join(self.data, "postgresql.conf"), "a", encoding="ascii") as file:
            file.write("fsync = off\nlog_statement = all\nmax_connections = 300\n" + settings)
        self.start()

    def make(self, password_file):
        """Fills the data directory."""
        self.run("initdb", "-D", self.data, "-A", "scram-sha-256", "-U", "admin", f"--pwfile={password_file}",
                 "-E", "UTF8", "--no-sync")

    def run(self, program, *arguments, check=True):
        command = [os.path.join(self.bin, program), *arguments]
        if os.getuid() == 0:
            command = ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups", "--", *command]
        command = [*self.prefix, *command]
        # Not captured: the server would keep the pipe open.
        with open(os.path.join(self.directory, "output"), "ab") as output:
            return subprocess.run(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, check=check,
                                  cwd=self.directory, env={**os.environ, "HOME": self.directory}, timeout=TIMEOUT * 3).returncode

    def start(self):
        """Starts it, on the same port as before if there was one."""
        for _ in range(10):
            port = self.port or free_port()
            options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={self.directory}"
            if self.run("pg_ctl", "-D", self.data, "-w", "-l", self.log, "-o", options, "start", check=False) == 0:
                self.port = port
                return
        raise AssertionError("PostgreSQL does not start: " + open(self.log, encoding="utf-8").read()[-2000:])

    def stop(self, mode="immediate"):
        self.run("pg_ctl", "-D", self.data, "-w", "-m", mode, "stop", check=False)

    def url(self, **parameters):
        query = "?" + urllib.parse.urlencode(parameters) if parameters else ""
        return f"postgres://admin:{self.password}@127.0.0.1:{self.port}/postgres{query}"

    @functools.cached_property
    def plain_login(self):
        """The user and password of a role that is no superuser: what the manual has made for the broker, and managed servers give."""
        self.rows(manual("postgres", "^CREATE ROLE tsuru_broker [^;]*;"))
        return "tsuru_broker:sekret"

    def plain_url(self):
        return self.url().replace(f"admin:{self.password}", self.plain_login)

    @functools.cached_property
    def plain_plan(self):
        """What the manual has a plan say for such a role: before version 15 a template whose schema `public` is its own."""
        if self.version() >= 150000:
            return {}
        made, closed = manual("postgres", r"^CREATE DATABASE tsuru_template .*?^```").split("\\connect tsuru_template\n")
        for statement in made.split(";\n")[:-1]:
            self.rows(statement)
        self.rows(closed.removesuffix("```"), "tsuru_template")
        return {"template": "tsuru_template"}

    def version(self):
        return int(self.rows("SHOW server_version_num")[0][0])

    def rows(self, sql, database="postgres", user="admin", password=None):
        """Runs a statement and gives its rows."""
        import psycopg2  # pylint: disable=import-outside-toplevel

        connection = psycopg2.connect(host="127.0.0.1", port=self.port, dbname=database, user=user,
                                      password=password or self.password, connect_timeout=10)
        try:
            connection.autocommit = True
            cursor = connection.cursor()
            cursor.execute(sql)
            return cursor.fetchall() if cursor.description else []
        finally:
            connection.close()

    def as_app(self, env, sql):
        """The same as an app that has the environment of a bind."""
        return self.rows(sql, env["PG_DATABASE"], env["PG_USER"], env["PG_PASSWORD"])

    def databases(self):
        return {row[0] for row in self.rows(
            "SELECT datname FROM pg_database WHERE datname NOT IN"
            " ('postgres', 'template0', 'template1', 'tsuru_broker', 'tsuru_template')")}

    def roles(self):
        return {row[0] for row in self.rows(
            "SELECT rolname FROM pg_roles WHERE rolname NOT IN ('admin', 'tsuru_broker') AND rolname NOT LIKE 'pg\\_%'")}

    def close(self):
        self.stop()
        shutil.rmtree(self.directory, ignore_errors=True)


class Broker:
    """The program under test with a configuration and a data directory of its own."""

    def __init__(self, services, limits="", environment=None, listen="127.0.0.1:0"):
        self.admin_port = free_port()
        self.listen = listen
        self.directory = tempfile.mkdtemp(prefix="broker-test-")
        self.data = os.path.join(self.directory, "data")
        self.config = os.path.join(self.directory, "broker.yaml")
        self.log_path = os.path.join(self.directory, "log")
        self.environment = {**os.environ, "ASAN_OPTIONS": "detect_leaks=1:abort_on_error=0:exitcode=86",
                            "UBSAN_OPTIONS": "print_stacktrace=1", **(environment or {})}
        self.process = None
        self.port = None
        self.prefix = []     # a command that ends as the program
        self.preexec = None  # run in the child before
        self.claims = True   # whether it takes over servers that another test's broker has marked
        self.write_config(services, limits)

    def write_config(self, services, limits=""):
        with open(self.config, "w", encoding="utf-8") as file:
            file.write(f"listen: {self.listen}\nadmin: {{listen: '127.0.0.1:{self.admin_port}', password: operate}}\n"
                       f"data_dir: {self.data}\n{limits}services:\n{services}")

    def start(self):
        with open(self.log_path, "ab") as log:
            begin = log.tell()
            self.process = subprocess.Popen([*self.prefix, BROKER, "serve", "-c", self.config], stdin=subprocess.DEVNULL,
                                            stdout=log, stderr=log, env=self.environment, preexec_fn=self.preexec)
        self.port = int(wait_until("the broker listens", lambda: self.listening(begin)))
        if self.claims:
            self.claim_servers()
        return self

    def claim_servers(self):
        """Several tests use one server, each with a broker of its own: it takes over what the one before has marked."""
        with open(self.config, encoding="utf-8") as file:
            marked = re.search(r"""driver"?: *"?(mysql|postgres|rabbitmq|redis)""", file.read())
        if not marked:
            return
        try:
            wait_until("every server was checked", lambda: all(one["state"] != "unknown" for one in self.servers()))
            for one in self.servers():
                if "another broker's store" in (one.get("reason") or ""):
                    self.ctl("claim", f"{one['service']}/{one['server']}", "--yes")
        except (OSError, http.client.HTTPException) as error:  # the broker ended meanwhile
            raise AssertionError(f"the broker does not answer: {error!r}") from error

    def servers(self):
        """What the broker says of its servers."""
        return self.admin("/ready").json["servers"]

    def listening(self, begin):
        ended = self.process.poll()  # before its log is read, which may tell more than that by then
        with open(self.log_path, "rb") as log:
            log.seek(begin)
            found = re.search(rb"event=listening address=127\.0\.0\.1:(\d+)", log.read())
        if ended is not None and not found:
            raise AssertionError(f"the broker ended with {ended}: {self.log()[-4000:]}")
        return found and found.group(1)

    def reload(self, services, limits=""):
        """Writes another configuration and sends SIGHUP; gives what the log says of it."""
        begin = os.path.getsize(self.log_path)
        self.write_config(services, limits)
        self.process.send_signal(signal.SIGHUP)
        said = wait_until("the broker says how the reload went",
                          lambda: re.search(r"event=(reloaded|reload-failed).*", self.log()[begin:]))[0]
        if self.claims:
            self.claim_servers()
        return said

    def ctl(self, *arguments, status=0):
        """Runs tsuru-broker ctl; its output, which is what --json printed where that is among the arguments."""
        done = subprocess.run([BROKER, "ctl", *arguments, *([] if "--help" in arguments else ["-c", self.config])],
                              stdin=subprocess.DEVNULL, capture_output=True, env={**self.environment, "USER": "ops"},
                              timeout=TIMEOUT, check=False)
        output = done.stdout.decode()
        assert done.returncode in (status if isinstance(status, tuple) else (status,)), f"{arguments}: {done.returncode} {output} {done.stderr.decode()}"
        if status in (1, 2):
            return done.stderr.decode()
        return json.loads(output) if "--json" in arguments else output

    def admin(self, path, method="GET", user="admin:operate", fields=None, headers=None, body=None):
        """A request to the operators' listener; what is no GET is JSON, unless headers say otherwise."""
        sent = {"Authorization": "Basic " + base64.b64encode(user.encode()).decode()} if user else {}
        if method != "GET":
            sent["Content-Type"] = "application/json"
        sent.update(headers or {})
        if fields is not None:
            body = json.dumps(fields)
        connection = http.client.HTTPConnection("127.0.0.1", self.admin_port, timeout=TIMEOUT)
        try:
            connection.request(method, path, body, {name: value for name, value in sent.items() if value is not None})
            response = connection.getresponse()
            return Answer(response.status, response.headers, response.read().decode())
        finally:
            connection.close()

    def memory(self):
        """Resident bytes."""
        with open(f"/proc/{self.process.pid}/statm", encoding="ascii") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGESIZE")

    def log(self):
        with open(self.log_path, encoding="utf-8", errors="replace") as log:
            return log.read()

    def stop(self, timeout=TIMEOUT):
        """SIGTERM; the program must end well: with 0, and with nothing leaked."""
        if self.process is None:
            return
        process, self.process = self.process, None
        process.send_signal(signal.SIGTERM)
        try:
            status = process.wait(timeout)
        finally:
            process.kill()  # one that does not end is not left behind
        assert status == 0, f"the broker ended with {status}: {self.log()[-4000:]}"

    def kill(self):
        """kill -9."""
        process, self.process = self.process, None
        process.kill()
        process.wait(TIMEOUT)

    def close(self):
        try:
            self.stop()
        finally:
            if self.process is not None:
                self.kill()
            shutil.rmtree(self.directory, ignore_errors=True)


class Answer:
    """What the broker answered to one request."""

    def __init__(self, status, headers, body):
        self.status = status
        self.headers = headers
        self.body = body

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def message(self):
        """An error's sentence, after a check of its shape."""
        error = self.json
        assert set(error) == {"code", "message"} and error["code"] == self.status, self.body
        return error["message"]

    def __repr__(self):
        return f"<{self.status} {self.body[:300]!r}>"


def flatten(parameters):
    """The form's names: nested ones are joined by dots, and a dot that is in a name is escaped."""
    for name, value in parameters.items():
        escaped = name.replace("\\", "\\\\").replace(".", "\\.")
        if isinstance(value, dict):
            yield from ((f"{escaped}.{rest}", item) for rest, item in flatten(value))
        else:
            yield escaped, value


class Tsuru:
    """Sends what tsuru sends: each request on a connection of its own, with its headers, as form or JSON."""

    JSON_NAMES = {"app-name": "appName", "app-host": "appHost", "app-hosts": "appHosts", "eventid": "eventID",
                  "app-internal-hosts": "appInternalHosts", "app-pool-name": "appPoolName", "app-cluster-name": "appClusterName",
                  "app-cluster-addresses": "appClusterAddresses", "job-name": "jobName", "job-pool-name": "jobPoolName",
                  "job-cluster-name": "jobClusterName", "unit-host": "unitHost"}

    def __init__(self, broker, service, password, path=None, encoding="form", team="red"):
        self.broker = broker
        self.service = service
        self.password = password
        self.path = f"/{service}" if path is None else path
        self.encoding = encoding
        self.team = team
        self.user = "dev@example.com"

    def headers(self, event, more):
        credentials = base64.b64encode(f"{self.service}:{self.password}".encode()).decode()
        headers = {"Authorization": f"Basic {credentials}", "Accept": "application/json", "Connection": "close",
                   "traceparent": f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-01",
                   "X-Request-Id": secrets.token_hex(8)}
        if event:
            headers["X-Tsuru-User"] = self.user
            headers["X-Tsuru-Eventid"] = event
        return {**headers, **more}

    def encode(self, fields, parameters):
        if self.encoding == "json":
            body = {self.JSON_NAMES.get(name, name): value for name, value in fields.items()}
            if parameters:
                body["parameters"] = parameters
            return "application/json", json.dumps(body)
        pairs = [(name, value) for name, value in fields.items() if not isinstance(value, list)]
        pairs += [(name, item) for name, value in fields.items() if isinstance(value, list) for item in value]
        # tsuru's form leaves the zero value of every type empty: false and 0, too.
        pairs += [(f"parameters.{name}", str(value).lower() if isinstance(value, bool) and value else value or "")
                  for name, value in flatten(parameters or {})]
        return "application/x-www-form-urlencoded", urllib.parse.urlencode(pairs)

    def send(self, method, path, fields=None, parameters=None, event=None, headers=None, timeout=TIMEOUT * 3):
        more = dict(headers or {})
        body = None
        if fields is not None:
            more["Content-Type"], body = self.encode(fields, parameters)
        connection = http.client.HTTPConnection("127.0.0.1", self.broker.port, timeout=timeout)
        try:
            connection.request(method, self.path + path, body, self.headers(event, more))
            response = connection.getresponse()
            return Answer(response.status, response.headers, response.read().decode())
        finally:
            connection.close()

    # ---- tsuru's verbs ----

    def plans(self, **headers):
        return self.send("GET", "/resources/plans", headers=headers)

    def create(self, name, plan="", event=None, parameters=None, headers=None, **fields):
        event = event or secrets.token_hex(12)
        fields = {"name": name, "plan": plan, "team": self.team, "user": self.user, "eventid": event, **fields}
        return self.send("POST", "/resources", fields, parameters, event, headers)

    def update(self, name, plan="", event=None, parameters=None, **fields):
        event = event or secrets.token_hex(12)
        fields = {"plan": plan, "team": self.team, "user": self.user, "eventid": event, **fields}
        return self.send("PUT", f"/resources/{name}", fields, parameters, event)

    def remove(self, name, event=None):
        event = event or secrets.token_hex(12)
        return self.send("DELETE", f"/resources/{name}", {"user": self.user, "eventid": event}, None, event)

    def info(self, name):
        return self.send("GET", f"/resources/{name}")

    def described(self, name):
        """Info as a dictionary; every label and value must be a text, or tsuru cannot read it."""
        items = self.info(name).json
        assert all(isinstance(item["label"], str) and isinstance(item["value"], str) for item in items), items
        return {item["label"]: item["value"] for item in items}

    def status(self, name):
        return self.send("GET", f"/resources/{name}/status")

    def bind(self, name, app, event=None, parameters=None, **fields):
        """bind-app, and as tsuru does it, the old path when that answers 404."""
        event = event or secrets.token_hex(12)
        fields = {"app-name": app, "app-host": f"{app}.example.com", "app-hosts": [f"{app}.example.com"],
                  "user": self.user, "eventid": event, **fields}
        answer = self.send("POST", f"/resources/{name}/bind-app", fields, parameters, event)
        if answer.status == 404:
            answer = self.send("POST", f"/resources/{name}/bind", fields, parameters, event)
        return answer

    def unbind(self, name, app, event=None):
        event = event or secrets.token_hex(12)
        fields = {"app-name": app, "app-host": f"{app}.example.com", "user": self.user, "eventid": event}
        return self.send("DELETE", f"/resources/{name}/bind-app", fields, None, event)

    def bind_job(self, name, job, event=None):
        event = event or secrets.token_hex(12)
        return self.send("PUT", f"/resources/{name}/binds/jobs/{job}",
                         {"job-name": job, "user": self.user, "eventid": event}, None, event)

    def unbind_job(self, name, job, event=None):
        event = event or secrets.token_hex(12)
        return self.send("DELETE", f"/resources/{name}/binds/jobs/{job}", {"user": self.user, "eventid": event}, None,
                         event)

    def operations(self, name):
        return self.send("GET", f"/resources/{name}/operations").json

    def is_up(self, name):
        return self.status(name).status == 204

    def why_down(self, name):
        """The reason that the user is shown; "" when the instance is not down."""
        answer = self.status(name)
        return answer.body.removeprefix("down: ") if answer.status == 200 and answer.body.startswith("down: ") else ""


def postgres_service(server, password, name="postgres", more="", plans=None, server_more=""):
    plans = plans or """      - {name: small, description: "10 connections", connection_limit: 10, retain: 0}
      - {name: large, description: "100 connections", connection_limit: 100, retain: 0, extensions: [pg_trgm], statement_timeout: 90s}
"""
    return f"""  - name: {name}
    driver: postgres
    password: {password}
{more}    servers:
      - name: main
        url: {server.url()}
{server_more}    plans:
{plans}"""


def scripted_service(directory, password, name="scripted", more=""):
    return f"""  - name: {name}
    driver: scripted
    password: {password}
{more}    servers:
      - {{name: one, state: {directory}/state, rules: {directory}/rules}}
    plans:
      - {{name: small, description: a, weight: 1}}
      - {{name: large, description: b, weight: 2}}
"""


@contextlib.contextmanager
def closing(*things):
    """Closes all of them in reverse order, also when one of them fails to."""
    with contextlib.ExitStack() as stack:
        for thing in things:
            stack.callback(thing.close)
        yield things
