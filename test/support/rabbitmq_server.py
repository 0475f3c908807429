"""Private RabbitMQ servers with the management plugin and, unless told otherwise, nothing else, plain or with TLS: on free ports of 127.0.0.1, in
directories of their own, known to an epmd of their own."""

import base64
import functools
import hashlib
import http.client
import json
import logging
import os
import secrets
import shlex
import shutil
import socket
import ssl
import struct
import subprocess
import tempfile
import urllib.parse

from harness import TIMEOUT, free_port, manual, program, wait_until

DEBIAN = "/usr/lib/rabbitmq/bin"  # what is in /usr/sbin insists on a user
START = 180  # seconds that a server may take to begin


class RabbitMQ:
    """One rabbitmq-server with an administrator of its own."""

    def __init__(self, tls=None, plugins=(), settings=()):
        self.directory = tempfile.mkdtemp(prefix="broker-rabbitmq-")
        self.username, self.password = "admin", secrets.token_hex(8)
        self.port, self.api_port, self.epmd_port, self.dist_port = (free_port() for _ in range(4))
        self.tls = tls  # (certificate, key)
        self.more_settings = list(settings)
        self.process = self.epmd = None
        with open(self.path("rabbitmq.conf"), "w", encoding="ascii") as file:
            file.write("\n".join(self.settings() + self.more_settings) + "\n")
        with open(self.path("enabled_plugins"), "w", encoding="ascii") as file:
            file.write(f"[{','.join(('rabbitmq_management', *plugins))}].\n")
        self.environment = {
            "PATH": os.environ["PATH"], "LANG": "C.UTF-8", "HOME": self.directory, "RUNNING_UNDER_SYSTEMD": "true",
            "RABBITMQ_CONF_ENV_FILE": self.path("none"), "RABBITMQ_NODENAME": "broker@localhost",
            "RABBITMQ_MNESIA_BASE": self.path("mnesia"), "RABBITMQ_LOG_BASE": self.path("log"),
            "RABBITMQ_CONFIG_FILE": self.path("rabbitmq.conf"), "RABBITMQ_ENABLED_PLUGINS_FILE": self.path("enabled_plugins"),
            "RABBITMQ_PID_FILE": self.path("pid"), "RABBITMQ_DIST_PORT": str(self.dist_port),
            "ERL_EPMD_PORT": str(self.epmd_port), "ERL_EPMD_ADDRESS": "127.0.0.1",
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "+sbwt none +sbwtdcpu none +sbwtdio none -kernel inet_dist_use_interface {127,0,0,1}"}
        self.start()

    def path(self, name):
        return os.path.join(self.directory, name)

    def settings(self):
        """The lines of rabbitmq.conf."""
        lines = [f"default_user = {self.username}", f"default_pass = {self.password}", "default_user_tags.administrator = true",
                 "disk_free_limit.absolute = 1MB", "log.console = false"]
        if not self.tls:
            return lines + [f"listeners.tcp.1 = 127.0.0.1:{self.port}", "management.tcp.ip = 127.0.0.1",
                            f"management.tcp.port = {self.api_port}"]
        certificate, key = self.tls
        return lines + ["listeners.tcp = none", f"listeners.ssl.1 = 127.0.0.1:{self.port}", f"ssl_options.certfile = {certificate}",
                        f"ssl_options.keyfile = {key}", "management.ssl.ip = 127.0.0.1", f"management.ssl.port = {self.api_port}",
                        f"management.ssl.certfile = {certificate}", f"management.ssl.keyfile = {key}"]

    def start(self):
        with open(self.path("output"), "ab") as output:
            # In the foreground, so that it is ours to end; a server that finds none leaves one behind.
            self.epmd = subprocess.Popen(["epmd", "-port", str(self.epmd_port), "-address", "127.0.0.1"], stdin=subprocess.DEVNULL,
                                         stdout=output, stderr=output, env=self.environment, cwd=self.directory)
            self.process = subprocess.Popen([program("RABBITMQ_BIN", "rabbitmq-server", DEBIAN)], stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                                            env=self.environment, cwd=self.directory)
        wait_until("RabbitMQ answers", self.answers, START, 0.2)

    def answers(self):
        assert self.process.poll() is None, open(self.path("output"), encoding="utf-8").read()[-2000:]
        try:
            socket.create_connection(("127.0.0.1", self.port), TIMEOUT).close()
            return self.ask("GET", "/api/whoami")[0] == 200
        except (OSError, http.client.HTTPException):
            return False

    # ---- the management API ----

    def url(self):
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.api_port}"

    def ask(self, method, path, body=None, user=None, password=None):
        """(status, answer): of the administrator, or of another user."""
        login = f"{user or self.username}:{password or self.password}"
        headers = {"Authorization": "Basic " + base64.b64encode(login.encode()).decode(), "Content-Type": "application/json"}
        if self.tls:
            trust = ssl.create_default_context(cafile=self.tls[0])
            connection = http.client.HTTPSConnection("127.0.0.1", self.api_port, timeout=TIMEOUT, context=trust)
        else:
            connection = http.client.HTTPConnection("127.0.0.1", self.api_port, timeout=TIMEOUT)
        try:
            connection.request(method, path, json.dumps(body) if body is not None else None, headers)
            response = connection.getresponse()
            text = response.read().decode()
            return response.status, json.loads(text) if text.startswith(("{", "[")) else text
        finally:
            connection.close()

    def vhosts(self):
        return {vhost["name"] for vhost in self.ask("GET", "/api/vhosts")[1]} - {"/"}

    def users(self):
        return {user["name"] for user in self.ask("GET", "/api/users")[1]} - {self.username, "tsuru_broker"}

    @functools.cached_property
    def plain_login(self):
        """The name and password of a user with the rights that the manual names."""
        for line in manual("rabbitmq", "```\n(rabbitmqctl .*?)\n```").splitlines():
            self.ctl(*shlex.split(line)[1:])
        return "tsuru_broker", "sekret"

    def add_user(self, name, password, tags=""):
        salt = secrets.token_bytes(4)
        digest = base64.b64encode(salt + hashlib.sha256(salt + password.encode()).digest()).decode()
        return self.ask("PUT", "/api/users/" + urllib.parse.quote(name, ""), {"password_hash": digest, "tags": tags})

    def ctl(self, *arguments):
        """rabbitmqctl, as an operator runs it."""
        done = subprocess.run([program("RABBITMQ_BIN", "rabbitmqctl", DEBIAN), *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True, env=self.environment,
                              cwd=self.directory, timeout=START, check=False)
        assert done.returncode == 0, done.stdout + done.stderr

    # ---- AMQP ----

    def connect(self, user=None, password=None, vhost="/"):
        """A connection as an app makes it; pika's own exceptions."""
        import pika  # pylint: disable=import-outside-toplevel

        credentials = pika.PlainCredentials(user or self.username, password or self.password)
        tls = pika.SSLOptions(ssl.create_default_context(cafile=self.tls[0]), "127.0.0.1") if self.tls else None
        logging.getLogger("pika").setLevel(logging.CRITICAL)
        return pika.BlockingConnection(pika.ConnectionParameters(
            "127.0.0.1", self.port, vhost, credentials, ssl_options=tls, socket_timeout=TIMEOUT, stack_timeout=TIMEOUT,
            blocked_connection_timeout=TIMEOUT))

    def stop(self):
        for process in (self.process, self.epmd):
            if process is not None:
                process.kill()
                process.wait(TIMEOUT)
        self.process = self.epmd = None

    def close(self):
        self.stop()
        shutil.rmtree(self.directory, ignore_errors=True)


class Halfway:
    """A session that has shown its password and not yet named its vhost: RabbitMQ leaves it 10 s for that."""

    def __init__(self, server, env):
        self.socket = socket.create_connection(("127.0.0.1", server.port), TIMEOUT)
        self.socket.sendall(b"AMQP\0\0\x09\x01")
        self.read()
        response = f"\0{env['RABBITMQ_USER']}\0{env['RABBITMQ_PASSWORD']}".encode()
        self.send(10, 11, struct.pack(">IB5sI", 0, 5, b"PLAIN", len(response)) + response + b"\x05en_US")
        assert self.read() == (10, 30), "tune: the password is accepted"
        self.send(10, 31, struct.pack(">HIH", 10, 131072, 0))

    def send(self, group, method, arguments):
        body = struct.pack(">HH", group, method) + arguments
        self.socket.sendall(struct.pack(">BHI", 1, 0, len(body)) + body + b"\xce")

    def exactly(self, count):
        data = b""
        while len(data) < count:
            part = self.socket.recv(count - len(data))
            if not part:
                raise ConnectionResetError("closed")
            data += part
        return data

    def read(self):
        """The method of the next frame."""
        length = struct.unpack(">BHI", self.exactly(7))[2]
        return struct.unpack(">HH", self.exactly(length + 1)[:4])

    def open(self, vhost):
        self.send(10, 40, bytes([len(vhost)]) + vhost.encode() + b"\0\0")
        return self.read()
