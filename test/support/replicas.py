"""Brokers on one store in a private PostgreSQL."""

import contextlib
import http.client
import secrets
import signal
import threading
import time

from harness import Broker, Tsuru, free_port, scripted_service, wait_until

KEY = "0123456789abcdef" * 4


class Replicas:
    """A database of the server's, and brokers on it. They share the pretended server, too."""

    def __init__(self, server, directory, lease="5s"):
        self.server = server
        self.lease = lease
        self.directory = directory
        self.database = "replicas_" + secrets.token_hex(4)
        self.brokers = []
        server.rows(f"CREATE ROLE {self.database} LOGIN PASSWORD 'sekret'")
        server.rows(f"CREATE DATABASE {self.database} OWNER {self.database}")

    def store(self, name, more=""):
        url = f"postgres://{self.database}:sekret@127.0.0.1:{self.server.port}/{self.database}"
        return f"store: {{postgres: '{url}', name: {name}, lease: {self.lease}{more}}}\n"

    def broker(self, name, more="", service="", limits="", key=KEY, operators=False):
        """more is of the store's, limits are lines of the top level; operators: their calls may be passed on to it."""
        services = scripted_service(self.directory, "x", more=service)
        broker = Broker(services, environment={"SECRET_KEY": key}, listen=f"127.0.0.1:{free_port()}")
        if operators:
            more += f", admin_address: 'http://127.0.0.1:{broker.admin_port}'"
        broker.write_config(services, self.store(name, more) + limits)
        self.brokers.append(broker)
        return broker.start()

    def close(self):
        with contextlib.ExitStack() as stack:  # all of it, also when one does not end well
            stack.callback(self.server.rows, f"DROP ROLE {self.database}")
            stack.callback(self.server.rows, f"DROP DATABASE {self.database} WITH (FORCE)")
            for broker in reversed(self.brokers):
                stack.callback(broker.close)
                if broker.process is not None:
                    stack.callback(broker.process.send_signal, signal.SIGCONT)


def role(broker):
    return broker.admin("/ready").json["role"]


def await_role(broker, wanted):
    wait_until(f"the broker is {wanted}", lambda: role(broker) == wanted)


def await_known(broker, active):
    """It knows who is the active one, and where."""
    def is_known():
        told = broker.admin("/ready")
        return told.status == 200 and told.json["active"] == active
    wait_until(f"{active} is known to be the active one", is_known)


def outcome(ask):
    """The status; None when the broker ended before it had answered."""
    try:
        return ask().status
    except (OSError, http.client.HTTPException):
        return None


@contextlib.contextmanager
def held_row(replicas):
    """The row that each commit, and each takeover, locks."""
    import psycopg2  # pylint: disable=import-outside-toplevel

    holder = psycopg2.connect(host="127.0.0.1", port=replicas.server.port, dbname=replicas.database, user="admin",
                              password=replicas.server.password)
    with contextlib.closing(holder):
        holder.cursor().execute("SELECT 1 FROM tsuru_broker.head FOR UPDATE")
        yield
        holder.rollback()


class Later(threading.Thread):
    """A request that is answered some time; its answer is the result."""

    def __init__(self, ask):
        super().__init__()
        self.ask, self.answer, self.took, self.failure = ask, None, None, None
        self.start()

    def run(self):
        begin = time.monotonic()
        try:
            self.answer = self.ask()
        except BaseException as failure:  # pylint: disable=broad-except  # told by whoever wants the result
            self.failure = failure
        self.took = time.monotonic() - begin

    def result(self):
        self.join()
        if self.failure is not None:
            raise self.failure
        return self.answer


def received(client):
    """All that comes, to the end of the connection."""
    return b"".join(iter(lambda: client.recv(65536), b"")).decode()


def tsuru_of(broker):
    return Tsuru(broker, "scripted", "x")


def active_and_standby(replicas, **options):
    first = replicas.broker("first", **options)
    await_role(first, "active")
    second = replicas.broker("second", **options)
    await_known(second, "first")
    return first, second
