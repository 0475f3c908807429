"""The active broker is stopped (SIGSTOP) for longer than its lease, with a call under way, on every driver's real server: another
takes over and finishes the work, and the one that wakes up writes nothing and ends its sessions. And a wall clock that jumps, which
is nobody's lease."""

import concurrent.futures
import os
import re
import signal

from backends import PASSWORD, configuration
from harness import Tsuru, closing, wait_until
from machine import Machine
from postgres_pair import is_alive
from proxy import Fault, Proxy
from replica_site import Replicas, Site, await_role, make_database, role, tsuru_of
from replicas import outcome

# The request at which a create is held up: the server has done it, and its answer does not come.
ASKED = {"postgres": b"CREATE DATABASE", "mysql": b"CREATE DATABASE", "redis": b"SETUSER", "rabbitmq": b"PUT /api/vhosts",
         "osb": b"PUT /v2/service_instances"}

# What changes something at a server, in any of their languages. A check of whether it is up is none, nor is the end of a session.
CHANGES = re.compile(rb"\b(CREATE|ALTER|DROP|GRANT|REVOKE|INSERT|UPDATE|DELETE|REPLACE|RENAME|COMMENT ON|SETUSER|DELUSER|PUT|POST)\b")

WRAPPER = """#!/bin/sh
# DIRECTORY COMMAND [ARGS ...] ACTION: the first that provisions comes to no end by itself.
directory=$1
shift
for action; do :; done
if [ "$action" = provision ] && mkdir "$directory/taken" 2>/dev/null; then
    echo $$ >"$directory/pid"
    while :; do sleep 0.1; done
fi
exec "$@"
"""


class Wire:
    """The way of "first" to the server: a proxy that swallows an answer."""

    def __init__(self, backend):
        self.backend = backend
        self.proxy = Proxy(backend.port())

    def service(self):
        return self.backend.through("s", self.proxy.port)

    def hold(self):
        self.proxy.fault = Fault("lost-hang", at=ASKED[self.backend.name])

    def is_held(self):
        return self.proxy.hits > 0

    def watch(self):
        """From here on nothing may be changed."""
        self.proxy.fault = None
        assert self.changes()
        self.proxy.forwarded.clear()

    def changes(self):
        return [data for data in self.proxy.forwarded if CHANGES.search(data)]

    def is_over(self):
        return self.proxy.open() == 0

    def check(self):
        assert not self.changes(), self.changes()

    def close(self):
        self.proxy.close()


class Program:
    """A program of the driver exec that does not end."""

    def __init__(self, backend, directory):
        self.backend = backend
        self.directory = str(directory)

    def service(self):
        made = self.backend.service("s")
        wrapper = os.path.join(self.directory, "wrapper")
        with open(wrapper, "w", encoding="ascii") as file:
            file.write(WRAPPER)
        [server] = made["servers"]
        server["args"] = [wrapper, self.directory, server["command"], *server["args"]]
        server["command"] = "/bin/sh"
        return made

    def hold(self):
        pass

    def is_held(self):
        return os.path.exists(os.path.join(self.directory, "pid"))

    def watch(self):
        with open(os.path.join(self.directory, "pid"), encoding="ascii") as file:
            assert is_alive(int(file.read()))

    def is_over(self):
        with open(os.path.join(self.directory, "pid"), encoding="ascii") as file:
            return not is_alive(int(file.read()))

    def check(self):
        pass

    def close(self):
        pass


def started(replicas):
    """The pair; "first" has looked at the server."""
    first, second = replicas.pair()
    wait_until("the server was looked at", lambda: first.servers()[0]["state"] == "up")
    return first, second


def test_another_finishes_what_the_stopped_one_had_begun(backend, server, tmp_path):
    database = make_database(server)
    backend.hand_over()
    url = f"postgres://{database}:sekret@127.0.0.1:{server.port}/{database}"
    way = Wire(backend) if backend.wire else Program(backend, tmp_path)
    replicas = Replicas(tmp_path, url, services=configuration(backend.service("s")), limits="limits: {verify_rate: 1000}\n")
    with closing(way, replicas), concurrent.futures.ThreadPoolExecutor() as pool:
        replicas.make("first", services=configuration(way.service()))
        first, second = started(replicas)
        way.hold()
        create = pool.submit(outcome, lambda: Tsuru(first, "s", PASSWORD).create("mydb", "small"))
        wait_until("the create is under way", way.is_held)
        first.process.send_signal(signal.SIGSTOP)
        await_role(second, "active")
        tsuru = Tsuru(second, "s", PASSWORD)
        wait_until("another has finished it", lambda: tsuru.is_up("mydb"))
        env = wait_until("it is bound", lambda: (answer := tsuru.bind("mydb", "shop")).status == 201 and answer.json)
        assert backend.works(env)
        before = backend.objects()
        way.watch()
        first.process.send_signal(signal.SIGCONT)
        replicas.await_standby(first)
        wait_until("its calls have ended", way.is_over)
        assert create.result() in (None, 201, 503)
        way.check()
        assert backend.objects() == before and backend.works(env)
        drift = second.ctl("verify", "--json", status=(0, 3))
        assert drift["found"] == [] and drift["strays"] == [], drift
        assert tsuru.remove("mydb").status == 200
        wait_until("it is gone", lambda: tsuru.info("mydb").status == 404)
        replicas.check(server, database)


def test_the_stopped_ones_client_is_answered_what_became_of_its_create(server, tmp_path):
    with closing(Site(tmp_path, server)) as (site,), concurrent.futures.ThreadPoolExecutor() as pool:
        (tmp_path / "rules").write_text("provision hang\n", encoding="ascii")
        first, second = site.replicas.pair()
        create = pool.submit(outcome, lambda: tsuru_of(first).create("mydb", "small"))
        wait_until("it is under way", lambda: tsuru_of(first).status("mydb").status == 202)
        first.process.send_signal(signal.SIGSTOP)
        (tmp_path / "rules").write_text("", encoding="ascii")
        await_role(second, "active")
        wait_until("another has finished it", lambda: tsuru_of(second).is_up("mydb"))
        assert tsuru_of(second).bind("mydb", "shop").status == 201
        first.process.send_signal(signal.SIGCONT)
        assert create.result() in (None, 201, 503)
        site.replicas.await_standby(first)


# ---- the clock ----

HOUR = 3600 * 1000  # ms
YEAR = 365 * 24 * HOUR
BEATS = 4  # renewals, of which there are three in a lease


def test_a_jump_of_the_wall_clock_moves_no_lease(server, tmp_path):
    with closing(Site(tmp_path, server)) as (site,):
        machines = []
        for name in ("first", "second"):
            (tmp_path / name).mkdir()
            machines.append(Machine(str(tmp_path / name)))
            machines[-1].attach(site.replicas.make(name))
        first, second = site.replicas.pair()

        def beat():
            return server.rows("SELECT beat FROM tsuru_broker.pulse", site.database)[0][0]

        for number, jumps in enumerate(((5 * HOUR, 0), (0, 40 * YEAR), (-3 * YEAR, 5 * HOUR), (40 * YEAR, -3 * YEAR))):
            for machine, jump in zip(machines, jumps):
                machine.clock_ms = jump
            begin = beat()
            wait_until("it renews its lease as before", lambda begin=begin: beat() >= begin + BEATS)
            assert tsuru_of(first).create(f"db-{number}", "small").status == 201
            assert (role(first), role(second)) == ("active", "standby")
        first.kill()
        await_role(second, "active")
        site.check([f"db-{number}" for number in range(4)], epochs=False)  # its order is by the log's clocks
        assert {epoch for _, epoch, _ in site.replicas.epochs()} == {1, 2}
