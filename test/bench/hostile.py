"""Creates and binds on PostgreSQL, alone and beside tenants who hold locks against all that the broker does with their own
instances: each has an open transaction in its database, begins another when its session is ended, and goes on asking."""

import contextlib
import functools
import json
import threading

import psycopg2
from harness import Postgres, wait_until  # found by contestants

import sql
from contestants import Broker, PASSWORD, load, running

TENANTS = 20
CLIENTS = 8
LEAST_SECONDS = 10  # of one measurement: a create takes a third of a second
CASE = f"creates and binds on PostgreSQL beside {TENANTS} hostile instances"
# What an update and a bind change of the database, and what an unbind clears, by the one who owns both.
HOLD = """CREATE TABLE IF NOT EXISTS held (); LOCK TABLE held IN ACCESS EXCLUSIVE MODE;
          DO $$BEGIN EXECUTE format('GRANT CONNECT ON DATABASE %I TO CURRENT_USER', current_database()); END$$"""


def service(server):
    return {"name": "bench", "driver": "postgres", "password": PASSWORD,
            "servers": [{"name": "main", "url": server.url()}],
            "plans": [{"name": name, "description": "a database", "retain": 0} for name in ("small", "large")]}


class Tenant:
    """One hostile instance: a session that holds locks, and a user who never stops asking."""

    def __init__(self, ask, server, number):
        self.ask = ask
        self.server = server
        self.path = f"/resources/hostile{number}"
        self.user = "user=h%40example.com"
        self.held, self.stopped = threading.Event(), threading.Event()
        self.session, self.threads = None, []
        ask("/resources", "POST", f"name=hostile{number}&plan=small&team=hostile{number}&{self.user}")
        self.env = json.loads(ask(self.path + "/bind-app", "POST", f"app-name=keeper&{self.user}"))

    def start(self):
        self.stopped.clear()
        self.held.clear()
        self.threads = [threading.Thread(target=work) for work in (self.hold, self.call)]
        for thread in self.threads:
            thread.start()

    def hold(self):
        while not self.stopped.is_set():
            with contextlib.suppress(psycopg2.Error):
                self.session = psycopg2.connect(host="127.0.0.1", port=self.server.port, dbname=self.env["PG_DATABASE"],
                                                user=self.env["PG_USER"], password=self.env["PG_PASSWORD"])
                with contextlib.closing(self.session), self.session.cursor() as cursor:
                    cursor.execute(HOLD)
                    self.held.set()
                    cursor.execute("SELECT pg_sleep(3600)")
            self.stopped.wait(0.1)

    def call(self):
        """What each is answered is its own affair."""
        while not self.stopped.is_set():
            for method, path, body in (("PUT", "", "plan=large&"), ("POST", "/bind-app", "app-name=other&"),
                                       ("POST", "/rotate", "app-name=other&"),
                                       ("DELETE", "/bind-app", "app-name=other&"), ("PUT", "", "plan=small&")):
                with contextlib.suppress(AssertionError, OSError):
                    self.ask(self.path + path, method, body + self.user)

    def stop(self):
        self.stopped.set()
        with contextlib.suppress(psycopg2.Error):
            self.session.cancel()

    def join(self):
        for thread in self.threads:
            thread.join()


@contextlib.contextmanager
def at_work(tenants, measured):
    """The tenants hold their locks, ask, and have met them once; afterwards all that they asked for has ended."""
    for tenant in tenants:
        tenant.start()
    try:
        for tenant in tenants:
            wait_until("it holds its locks", tenant.held.is_set)
        wait_until("each has been held up", lambda: measured("server_operations_held_up") == len(tenants))
        yield
        assert measured("server_operations_held_up") == len(tenants), "some hold nothing up any more"
    finally:
        for tenant in tenants:
            tenant.stop()
        for tenant in tenants:
            tenant.join()
        wait_until("all has ended", lambda: measured("operations_pending") == 0, timeout=120)


def measure(machine, options, samples, ask, measured):
    server = Postgres()
    sql.commit_durably(server)
    sql.quiet_log(server)
    try:
        with running(Broker(machine, services=[service(server)]).start()) as (broker,):
            tenants = [Tenant(lambda *words: ask(broker, *words), server, number) for number in range(TENANTS)]
            first = 0
            for number in range(options.rounds * 2):
                hostile = number % 4 in (1, 2)
                samples.progress(f"{CASE}: {'all' if hostile else 'alone'}")
                with at_work(tenants, functools.partial(measured, broker)) if hostile else contextlib.nullcontext():
                    first = one(machine, options, samples, broker, hostile, first)
    finally:
        server.close()


def one(machine, options, samples, broker, hostile, first):
    body = "app-name=a&user=b%40example.com"
    report = load(machine, broker, ("POST", "/resources", "name=i%d&plan=small&team=bench&user=b%40example.com"),
                  ("POST", "/resources/i%d/bind-app", body), ("DELETE", "/resources/i%d/bind-app", body),
                  ("DELETE", "/resources/i%d", "user=b%40example.com"), clients=CLIENTS,
                  seconds=max(LEAST_SECONDS, 10 * options.seconds), first=first)
    create, bind = report["steps"][:2]
    samples.add(CASE, CLIENTS, "beside them" if hostile else "alone", rate=report["rate"] / len(report["steps"]),
                create_p50_ms=create["p50_us"] / 1000, create_p99_ms=create["p99_us"] / 1000,
                bind_p50_ms=bind["p50_us"] / 1000, bind_p99_ms=bind["p99_us"] / 1000)
    return report["next"]
