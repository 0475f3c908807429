"""The programs that are measured: started on free ports with directories of their own, read from /proc, and ended by
their pids. What test/support has for the tests (a private PostgreSQL, free ports) is used here, too."""

import contextlib
import glob
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
from harness import free_port, wait_until  # noqa: E402 pylint: disable=wrong-import-position

PASSWORD = "bench-password"
HERE = os.path.dirname(os.path.abspath(__file__))


class Machine:
    """Where the built programs and scratch directories are."""

    def __init__(self, build, scratch):
        self.build = build
        self.scratch = scratch

    def program(self, name):
        return os.path.join(self.build, "bench", f"bench_{name}")

    def directory(self, name):
        return tempfile.mkdtemp(prefix=f"{name}-", dir=self.scratch)


def slow_disk(machine, delay_ms):
    """The environment under which each sync takes delay_ms longer."""
    if not delay_ms:
        return dict(os.environ)
    shim = os.path.join(machine.build, "bench", "libbench_slow_disk.so")
    return {**os.environ, "LD_PRELOAD": shim, "SLOW_DISK_US": str(delay_ms * 1000)}


class Process:
    """A server with its children, and what they cost."""

    def __init__(self, command, environment=None, **options):
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, env=environment, **options)
        self.pid = self.process.pid

    def pids(self):
        found = [self.pid]
        for path in glob.glob(f"/proc/{self.pid}/task/*/children"):
            with open(path, encoding="ascii") as file:
                found += [int(pid) for pid in file.read().split()]
        return found

    def cpu(self):
        """Seconds on a processor so far, by the kernel's own accounting in nanoseconds, all threads and children."""
        total = 0
        for pid in self.pids():
            for path in glob.glob(f"/proc/{pid}/task/*/schedstat"):
                with contextlib.suppress(OSError), open(path, encoding="ascii") as file:
                    total += int(file.read().split()[0])
        return total / 1e9

    def memory(self, kind="RssAnon"):
        """Bytes of its own (RssAnon) or all that are resident (VmRSS)."""
        with open(f"/proc/{self.pid}/status", encoding="ascii") as file:
            return int(re.search(kind + r":\s+(\d+) kB", file.read())[1]) * 1024

    def end(self, number=signal.SIGTERM):
        if self.process.poll() is None:
            self.process.send_signal(number)
        self.process.wait(120)


class Server:
    """A contestant: name, port, prefix of its paths, process."""

    name = ""
    prefix = ""
    credentials = f"bench:{PASSWORD}"
    port = 0
    process = None

    def close(self):
        if self.process is not None:
            self.process.end()


class Broker(Server):
    """The program itself with the services that it is given, by default one of the shared driver."""

    prefix = "/bench"

    def __init__(self, machine, services=None, delay_ms=0, data=None, name="broker", limits=None, store=None):
        self.name = name
        self.machine = machine
        self.directory = machine.directory("broker")
        self.data = data or os.path.join(self.directory, "data")
        self.config = os.path.join(self.directory, "broker.yaml")
        self.log_path = os.path.join(self.directory, "log")
        self.program = os.path.join(machine.build, "tsuru-broker")
        self.environment = {**slow_disk(machine, delay_ms), "SECRET_KEY": "0123456789abcdef" * 4}
        self.port = free_port()
        self.admin_port = free_port()
        with open(self.config, "w", encoding="utf-8") as file:
            json.dump({"listen": f"127.0.0.1:{self.port}", "data_dir": self.data, "log": {"level": "info"},
                       "limits": limits or {}, **({"store": store} if store else {}),
                       "admin": {"listen": f"127.0.0.1:{self.admin_port}", "password": PASSWORD},
                       "services": services or [shared_service()]}, file)

    def start(self):
        with open(self.log_path, "ab") as log:
            begin = log.tell()
            self.process = Process([self.program, "serve", "-c", self.config], self.environment, stderr=log)
        wait_until("the broker listens", lambda: self.listens(begin), timeout=600, pause=0.005)
        return self

    def listens(self, begin):
        if self.process.process.poll() is not None:
            raise AssertionError(f"the broker ended: {self.log()[-2000:]}")
        return "event=listening" in self.log()[begin:]

    def log(self):
        with open(self.log_path, encoding="utf-8", errors="replace") as file:
            return file.read()

    def ctl(self, *arguments):
        done = subprocess.run([self.program, "ctl", *arguments, "-c", self.config], capture_output=True, check=True)
        return done.stdout.decode()

    def close(self):
        super().close()
        shutil.rmtree(self.directory, ignore_errors=True)


class Operators(Server):
    """The operators' listener of a broker."""

    name = "operators"
    credentials = f"admin:{PASSWORD}"

    def __init__(self, broker):
        self.port, self.process = broker.admin_port, broker.process


def shared_service(name="bench"):
    return {"name": name, "driver": "shared", "password": PASSWORD,
            "plans": [{"name": "small", "description": "a small one", "env": {"HOST": "127.0.0.1"}},
                      {"name": "large", "description": "a large one", "env": {"HOST": "127.0.0.1"}}]}


class Bare(Server):
    """evhttp as it comes (bare.c)."""

    def __init__(self, machine, name, *arguments, delay_ms=0):
        self.name = name
        self.process = Process([machine.program("bare"), *arguments], slow_disk(machine, delay_ms),
                               stdout=subprocess.PIPE)
        self.port = int(self.process.process.stdout.readline())


NGINX = """daemon off;
master_process off;
pid {directory}/pid;
error_log {directory}/error;
events {{ worker_connections 4096; multi_accept on; }}
http {{
  access_log {directory}/access;
  keepalive_requests 1000000000;
  client_body_temp_path {directory}/body; proxy_temp_path {directory}/proxy; fastcgi_temp_path {directory}/fastcgi;
  uwsgi_temp_path {directory}/uwsgi; scgi_temp_path {directory}/scgi;
  server {{
    listen 127.0.0.1:{port} backlog=4096;
    location / {{ default_type application/json; return {status} '{body}'; }}
  }}
}}
"""


class Nginx(Server):
    """nginx with one process, an access log, and a static answer: what a web server that does nothing else reaches."""

    name = "nginx"

    def __init__(self, machine, status, body):
        self.port = free_port()
        self.directory = machine.directory("nginx")
        text = body.replace("\\", "\\\\").replace("'", "\\'")
        with open(os.path.join(self.directory, "conf"), "w", encoding="utf-8") as file:
            file.write(NGINX.format(directory=self.directory, port=self.port, status=status, body=text))
        self.process = Process(["nginx", "-p", self.directory, "-c", "conf", "-e", "error"])
        wait_until("nginx listens", lambda: os.path.exists(os.path.join(self.directory, "pid")))

    def close(self):
        super().close()
        shutil.rmtree(self.directory, ignore_errors=True)


class Flask(Server):
    """The tutorial's API under gunicorn with two workers."""

    name = "flask"

    def __init__(self, machine):
        self.port = free_port()
        self.process = Process(["/usr/bin/gunicorn", "--workers", "2", "--bind", f"127.0.0.1:{self.port}", "--chdir",
                                HERE, "--worker-tmp-dir", machine.scratch, "--log-level", "error", "flask_api:api"])
        wait_until("gunicorn's workers run", lambda: len(self.process.pids()) == 3)
        wait_until("gunicorn answers", self.answers)

    def answers(self):
        import http.client  # pylint: disable=import-outside-toplevel

        with contextlib.suppress(OSError):
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
            connection.request("GET", "/resources/plans")
            return connection.getresponse().status == 200
        return False


def load(machine, server, *steps, clients=1, seconds=None, requests=None, keep=False, first=0, spread=0):
    """bench_load's report of (method, path, body) steps; with the server's CPU per request beside it."""
    command = [machine.program("load"), "-c", str(clients), "-a", server.credentials, "-s", str(first)]
    command += ["-d", str(seconds)] if seconds else []
    command += ["-n", str(requests)] if requests else []
    command += ["-k"] if keep else []
    command += ["-r", str(spread)] if spread else []
    command += [str(server.port)]
    for method, path, body in steps:
        command += [method, server.prefix + path, body]
    before = server.process.cpu()
    report = json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)
    return finish(report, server, before)


def finish(report, server, before):
    report["cpu_us"] = (server.process.cpu() - before) * 1e6 / max(report["requests"], 1)
    report["rate"] = report["requests"] / report["seconds"]
    bad = sum(count for status, count in report["statuses"].items() if not 200 <= int(status) < 300)
    if report["failed"] or bad:
        raise AssertionError(f"{server.name}: {report}")
    return report


def wrk(server, path, clients, seconds):
    """The same from wrk, on kept connections."""
    import base64  # pylint: disable=import-outside-toplevel

    login = base64.b64encode(server.credentials.encode()).decode()
    before = server.process.cpu()
    output = subprocess.run(["wrk", "-t1", "-c", str(clients), "-d", f"{max(1, round(seconds))}s", "--latency", "-H",
                             f"Authorization: Basic {login}", f"http://127.0.0.1:{server.port}{server.prefix}{path}"],
                            stdout=subprocess.PIPE, check=True).stdout.decode()
    count, spent = re.search(r"(\d+) requests in ([0-9.]+)s", output).groups()
    units = {"us": 1, "ms": 1e3, "s": 1e6}
    steps = {f"p{share}_us": float(value) * units[unit]
             for share, value, unit in re.findall(r"(50|90|99)%\s+([0-9.]+)(us|ms|s)", output)}
    bad = re.search(r"Non-2xx or 3xx responses: (\d+)", output)
    errors = re.search(r"Socket errors: .*", output)
    if bad or errors:
        raise AssertionError(f"{server.name}: {output}")
    report = {"requests": int(count), "seconds": float(spent), "failed": 0, "statuses": {}, "steps": [steps]}
    return finish(report, server, before)


@contextlib.contextmanager
def running(*servers):
    try:
        yield servers
    finally:
        for server in servers:
            server.close()


def settle():
    """Lets what the last load left behind (sockets in TIME_WAIT, dirty pages) not reach into the next."""
    time.sleep(0.05)
