"""Private Redis servers: single, with TLS, with sentinels, as a cluster. On free ports, in directories of their own."""

import functools
import os
import secrets
import shutil
import subprocess
import tempfile

import redis

from harness import TIMEOUT, free_port, manual, program, wait_until


class Redis:
    """One redis-server with an admin of its own and, unless told otherwise, a file for its users."""

    def __init__(self, aclfile=True, tls=None, port=None, options=()):
        self.directory = tempfile.mkdtemp(prefix="broker-redis-")
        self.password = secrets.token_hex(8)
        self.port = port or free_port()
        self.tls = tls  # (certificate, key)
        self.process = None
        self.options = ["--bind", "127.0.0.1", "--dir", self.directory, "--save", "", "--appendonly", "yes", "--appendfsync", "no",
                        *options]
        self.options += (["--port", "0", "--tls-port", str(self.port), "--tls-cert-file", tls[0], "--tls-key-file", tls[1],
                          "--tls-ca-cert-file", tls[0], "--tls-auth-clients", "no"] if tls else ["--port", str(self.port)])
        if aclfile:
            path = os.path.join(self.directory, "users.acl")
            with open(path, "w", encoding="ascii") as file:
                file.write(f"user default off\nuser admin on >{self.password} ~* &* +@all\n")
            self.options += ["--aclfile", path]
        else:
            self.options += ["--user", "default", "off", "--user", "admin", "on", f">{self.password}", "~*", "&*", "+@all"]
        self.start()

    def start(self):
        with open(os.path.join(self.directory, "log"), "ab") as log:
            self.process = subprocess.Popen([program("REDIS_BIN", "redis-server"), *self.options], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        wait_until("Redis answers", self.answers)

    def answers(self):
        assert self.process.poll() is None, open(os.path.join(self.directory, "log"), encoding="utf-8").read()[-2000:]
        try:
            return self.client().ping()
        except redis.RedisError:
            return False

    def client(self, user="admin", password=None, **more):
        tls = {"ssl": True, "ssl_ca_certs": self.tls[0]} if self.tls else {}
        return redis.Redis(host="127.0.0.1", port=self.port, username=user, password=password or self.password,
                           decode_responses=True, socket_timeout=TIMEOUT, **tls, **more)

    def url(self, scheme="redis"):
        return f"{scheme}://admin:{self.password}@127.0.0.1:{self.port}"

    @functools.cached_property
    def plain_login(self):
        """The user and password that the manual has made for the broker."""
        self.client().execute_command(*manual("redis", "^ACL SETUSER tsuru_broker .*?$").split())
        self.client().execute_command("ACL", "SAVE")
        return "tsuru_broker:sekret"

    def plain_url(self):
        return f"redis://{self.plain_login}@127.0.0.1:{self.port}"

    def users(self):
        """Those that are neither the operator's nor the broker's own."""
        return {user for user in self.client().acl_users() if user not in ("default", "admin", "tsuru_broker") and not user.startswith("tsuru-broker-")}

    def stop(self):
        if self.process is not None:
            self.process.kill()
            self.process.wait(TIMEOUT)
            self.process = None

    def close(self):
        self.stop()
        shutil.rmtree(self.directory, ignore_errors=True)
