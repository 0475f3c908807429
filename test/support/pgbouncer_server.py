"""A private pgbouncer before a private PostgreSQL: on a free port, as the user postgres when the tests are root's."""

import os
import pwd
import shutil
import subprocess
import tempfile

import psycopg2

from harness import TIMEOUT, free_port, wait_until

# In an app's database, as a superuser: pgbouncer 1.18 knows no auth_dbname, and its own query has names without a schema.
AUTH_QUERY = ("auth_query = SELECT rolname, CASE WHEN rolvaliduntil OPERATOR(pg_catalog.<) pg_catalog.now() THEN NULL ELSE rolpassword END"
              " FROM pg_catalog.pg_authid WHERE rolname OPERATOR(pg_catalog.=) $1 AND rolcanlogin")


class PgBouncer:
    """Every database of the server goes through it. Who is in users has its password in a file; others are asked for on the server."""

    def __init__(self, server, users, mode="session", settings="", user_modes="", tls=None):
        self.server = server
        self.port = free_port()
        self.directory = tempfile.mkdtemp(prefix="broker-pgbouncer-")
        self.log = os.path.join(self.directory, "log")
        self.process = None
        self.lines = [f"listen_addr = 127.0.0.1\nlisten_port = {self.port}\nunix_socket_dir =\nlogfile = {self.log}\n"
                      f"auth_type = scram-sha-256\nauth_file = {self.directory}/users\nauth_user = admin\n{AUTH_QUERY}\nmax_client_conn = 200\n{settings}\n"]
        if tls:
            for path in tls[:2]:
                shutil.copy(path, self.directory)
            names = [os.path.join(self.directory, os.path.basename(path)) for path in tls[:2]]
            self.lines.append(f"client_tls_sslmode = require\nclient_tls_cert_file = {names[0]}\nclient_tls_key_file = {names[1]}\n")
        self.user_modes = user_modes
        with open(os.path.join(self.directory, "users"), "w", encoding="ascii") as file:
            file.writelines(f'"{user}" "{password}"\n' for user, password in {"admin": server.password, **users}.items())
        self.write(mode)
        if os.getuid() == 0:
            user = pwd.getpwnam("postgres")
            for name in [self.directory, *(os.path.join(self.directory, name) for name in os.listdir(self.directory))]:
                os.chown(name, user.pw_uid, user.pw_gid)
        self.start()

    def write(self, mode):
        with open(os.path.join(self.directory, "ini"), "w", encoding="ascii") as file:
            file.write(f"[databases]\n* = host=127.0.0.1 port={self.server.port}\n[users]\n{self.user_modes}\n"
                       f"[pgbouncer]\npool_mode = {mode}\n" + "".join(self.lines))

    def start(self):
        own = {"user": "postgres", "group": "postgres"} if os.getuid() == 0 else {}
        with open(os.path.join(self.directory, "output"), "ab") as output:
            self.process = subprocess.Popen([shutil.which("pgbouncer") or "/usr/sbin/pgbouncer", "-q", os.path.join(self.directory, "ini")],
                                            stdin=subprocess.DEVNULL, stdout=output, stderr=output, **own)
        wait_until("pgbouncer answers", self.answers)

    def answers(self):
        assert self.process.poll() is None, open(os.path.join(self.directory, "output"), encoding="utf-8").read()[-2000:]
        try:
            return self.rows("SELECT 1")
        except psycopg2.OperationalError:
            return False

    def url(self, user="admin", password=None, **parameters):
        query = "?" + "&".join(f"{name}={value}" for name, value in parameters.items()) if parameters else ""
        return f"postgres://{user}:{password or self.server.password}@127.0.0.1:{self.port}/postgres{query}"

    def rows(self, sql, database="postgres", user="admin", password=None):
        """Runs a statement through it and gives its rows."""
        connection = psycopg2.connect(host="127.0.0.1", port=self.port, dbname=database, user=user,
                                      password=password or self.server.password, connect_timeout=10)
        try:
            connection.autocommit = True
            cursor = connection.cursor()
            cursor.execute(sql)
            return cursor.fetchall()
        finally:
            connection.close()

    def stop(self):
        if self.process is not None:
            self.process.terminate()
            self.process.wait(TIMEOUT)
            self.process = None

    def close(self):
        self.stop()
        shutil.rmtree(self.directory, ignore_errors=True)
