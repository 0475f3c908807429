"""A private MariaDB: on a free port, in a directory of its own, as the user mysql when the tests are root's."""

import functools
import os
import secrets
import shutil
import subprocess
import tempfile

import pymysql

from harness import TIMEOUT, free_port, manual, program, wait_until

OVERHEAD = {"mysql", "information_schema", "performance_schema", "sys"}


class MariaDb:
    """One mariadbd with an admin of its own."""

    def __init__(self, tls=None, options=()):
        self.directory = tempfile.mkdtemp(prefix="broker-mysql-")
        self.data = os.path.join(self.directory, "data")
        self.password = "aA1-" + secrets.token_hex(8)
        self.port = free_port()
        self.process = None
        self.user = ["--user=mysql"] if os.getuid() == 0 else []
        # A server that starts deletes the temporary tables of all others that share its directory for them.
        scratch = os.path.join(self.directory, "tmp")
        for path in (self.data, scratch):
            os.mkdir(path)
        if self.user:
            os.chmod(self.directory, 0o755)
            for path in (self.data, scratch):
                shutil.chown(path, "mysql", "mysql")
        self.options = ["--no-defaults", *self.user, f"--datadir={self.data}", f"--tmpdir={scratch}", f"--port={self.port}",
                        "--bind-address=127.0.0.1",
                        f"--socket={os.path.join(self.data, 's')}", f"--pid-file={os.path.join(self.data, 'pid')}",
                        "--skip-name-resolve", "--innodb-buffer-pool-size=32M", "--max-connections=400",
                        "--innodb-flush-log-at-trx-commit=2", *options]
        if tls:
            self.options += [f"--ssl-cert={self.own(tls[0])}", f"--ssl-key={self.own(tls[1])}"]
        subprocess.run([program("MARIADB_BIN", "mariadb-install-db"), "--no-defaults", f"--datadir={self.data}", *self.user,
                        "--auth-root-authentication-method=normal", "--skip-test-db"], check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={**os.environ, "TMPDIR": scratch})
        init = os.path.join(self.directory, "init.sql")
        with open(init, "w", encoding="ascii") as file:
            file.write(f"CREATE USER admin@'%' IDENTIFIED BY '{self.password}';\n"
                       "GRANT ALL ON *.* TO admin@'%' WITH GRANT OPTION;\n"
                       f"ALTER USER root@localhost IDENTIFIED BY '{self.password}';\n")
        self.start(f"--init-file={init}")
        os.unlink(init)

    def own(self, path):
        """A copy of the file that the server's user may read: pytest keeps its directories to itself."""
        copy = shutil.copy(path, self.directory)
        if self.user:
            shutil.chown(copy, "mysql", "mysql")
        return copy

    def start(self, *more):
        with open(os.path.join(self.directory, "log"), "ab") as log:
            self.process = subprocess.Popen([program("MARIADB_BIN", "mariadbd"), *self.options, *more],
                                            stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        wait_until("MariaDB answers", self.answers, 3 * TIMEOUT)

    def answers(self):
        with open(os.path.join(self.directory, "log"), encoding="utf-8") as log:
            assert self.process.poll() is None, log.read()[-2000:]
        try:
            return self.ask("SELECT 1")
        except pymysql.Error:
            return False

    def connect(self, user="admin", password=None, database=None, **more):
        return pymysql.connect(host="127.0.0.1", port=self.port, user=user, password=password or self.password,
                               database=database, autocommit=True, connect_timeout=TIMEOUT, read_timeout=TIMEOUT, **more)

    def ask(self, sql, *values):
        connection = self.connect()
        try:
            with connection.cursor() as cursor:
                cursor.execute(sql, values or None)
                return cursor.fetchall()
        finally:
            connection.close()

    def end_prepared(self, name):
        """A prepared transaction whose session has gone; one whose session is still there stays."""
        try:
            self.ask(f"XA ROLLBACK '{name}'")
        except pymysql.err.OperationalError as error:
            if error.args[0] != 1397:  # not known here, which means that it is another session's
                raise

    def as_app(self, env, *statements):
        """Runs them as the app would; the last one's rows."""
        connection = self.connect(env["MYSQL_USER"], env["MYSQL_PASSWORD"], env["MYSQL_DATABASE_NAME"])
        try:
            with connection.cursor() as cursor:
                for statement in statements:
                    cursor.execute(statement)
                return cursor.fetchall()
        finally:
            connection.close()

    def url(self):
        return f"mysql://admin:{self.password}@127.0.0.1:{self.port}"

    @functools.cached_property
    def plain_login(self):
        """The user and password of an account with the rights that the manual names."""
        for statement in manual("mysql", r"```sql\n-- MariaDB\n(.*?);\n```").split(";\n"):
            self.ask(statement)
        return "tsuru_broker:sekret"

    def plain_url(self):
        return f"mysql://{self.plain_login}@127.0.0.1:{self.port}"

    def databases(self):
        return {row[0] for row in self.ask("SHOW DATABASES")} - OVERHEAD

    def users(self):
        return {row[0] for row in self.ask("SELECT User FROM mysql.user")} - {"admin", "root", "mysql", "mariadb.sys", "PUBLIC", "tsuru_broker", "tsuru-broker-mark"}

    def stop(self):
        if self.process is not None:
            self.process.kill()
            self.process.wait(TIMEOUT)
            self.process = None

    def close(self):
        self.stop()
        shutil.rmtree(self.directory, ignore_errors=True)
