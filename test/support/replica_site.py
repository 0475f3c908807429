"""Brokers that share a store in PostgreSQL, and what has to hold of all of them, whatever befell them.

    site = Site(directory, server)          # a Postgres, or a Pair
    first, second = site.replicas.pair()
    load = site.load()
    ...
    site.goes_on(load)
    site.check(load.end())
"""

import http.client
import os
import re
import secrets
import signal
import threading
import time

from harness import Broker, Tsuru, closing, free_port, scripted_service, wait_until
from replicas import KEY, await_known

LEASE = 2  # seconds
CALM = 5   # that a busy machine keeps, too


def tsuru_of(broker):
    return Tsuru(broker, "scripted", "x")


def role(broker):
    """None when it does not answer."""
    try:
        return broker.admin("/ready").json["role"]
    except (OSError, ValueError):
        return None


def await_role(broker, wanted):
    wait_until(f"the broker is {wanted}", lambda: role(broker) == wanted)


def make_database(server):
    """A role with a database of its own, as docs/replicas.md has it made; gives both's name. Its password: sekret."""
    name = "replicas_" + secrets.token_hex(4)
    server.rows(f"CREATE ROLE {name} LOGIN PASSWORD 'sekret'")
    server.rows(f"CREATE DATABASE {name} OWNER {name}")
    return name


class Replicas:
    """Brokers on one database, with one configuration. Where it is the scripted service, they share its pretended server. operators:
    their calls are passed on, too; otherwise a standby shows them its view."""

    def __init__(self, directory, url=None, services=None, limits="", operators=False, lease=CALM):
        self.directory = directory
        self.url = url
        self.services = services or scripted_service(directory, "x", more="    wait: 2s\n")
        self.limits = limits
        self.operators = operators
        self.lease = lease  # seconds
        self.brokers = {}

    def store(self, name, url=None):
        more = f", admin_address: 'http://127.0.0.1:{self.brokers[name].admin_port}'" if self.operators else ""
        return f"store: {{postgres: '{url or self.url}', name: {name}, lease: {self.lease}s{more}}}\n"

    def make(self, name, url=None, services=None):
        """One that is told of the database by a url of its own, or the common one, and likewise of servers; not started yet."""
        broker = Broker(services or self.services, environment={"SECRET_KEY": KEY},
                        listen=f"127.0.0.1:{free_port()}")  # the others are told of it
        broker.claims = False
        self.brokers[name] = broker
        broker.write_config(services or self.services, self.store(name, url) + self.limits)
        return broker

    def start(self, name, url=None):
        return (self.brokers.get(name) or self.make(name, url)).start()

    def pair(self, first=None, second=None):
        """The active one "first", and "second", which knows of it; each by a url of its own, or as it was made."""
        first = self.start("first", first)
        await_role(first, "active")
        second = self.start("second", second)
        await_known(second, "first")
        return first, second

    def revive(self, broker):
        """Whoever cannot go on has ended, and its service manager starts it again; one that stands by by itself is let be."""
        if broker.process is not None and broker.process.poll() is not None:
            assert broker.process.returncode == 1, f"ended with {broker.process.returncode}: {broker.log()[-4000:]}"
            broker.process = None
        if broker.process is None:
            broker.start()

    def await_standby(self, broker):
        """That one has stepped down, in whatever way."""
        wait_until("it has stepped down", lambda: broker.process.poll() is not None or role(broker) == "standby")
        self.revive(broker)
        await_role(broker, "standby")

    def await_active(self):
        """The one that is, once there is one; whoever ended is started again."""
        def find():
            for broker in self.brokers.values():
                self.revive(broker)
                if role(broker) == "active":
                    return broker
            return None
        return wait_until("one is active", find)

    def keep_alive(self, what, condition):
        """Waits, and starts again whoever ends meanwhile."""
        def try_once():
            for broker in self.brokers.values():
                self.revive(broker)
            return condition()
        return wait_until(what, try_once)

    def epochs(self):
        """The epochs that brokers began, in the logs' order of time: (when, epoch, name)."""
        found = []
        for name, broker in self.brokers.items():
            for line in broker.log().splitlines():
                if "event=became-active" in line:
                    found.append((re.search(r"time=(\S+)", line)[1], int(re.search(r"epoch=(\d+)", line)[1]), name))
        return sorted(found)

    def check(self, server, database, epochs=True):
        """Each epoch had one broker, they rose, and no group of an earlier one came behind one of a later. A takeover that the
        database has lost has its epoch from another: without epochs then."""
        begun = [epoch for _, epoch, _ in self.epochs()]
        assert not epochs or begun == sorted(set(begun)), self.epochs()
        written = [row[0] for row in server.rows("SELECT epoch FROM tsuru_broker.log ORDER BY revision", database)]
        assert written == sorted(written), written

    def close(self):
        for name, broker in self.brokers.items():  # shown where a test has failed
            lines = [line for line in broker.log().splitlines() if not re.search("event=(request|admin-request|operation) ", line)]
            print(f"---- {name} ----", *lines[-40:], sep="\n")
        for broker in self.brokers.values():
            if broker.process is not None and broker.process.poll() is None:
                broker.process.send_signal(signal.SIGCONT)
            elif broker.process is not None:
                broker.process = None
        with closing(*self.brokers.values()):
            pass


class Watch:
    """Looks at two brokers by turns: who was active before the other was seen to be, and is so afterwards, was so meanwhile."""

    def __init__(self, one, other):
        self.brokers = (one, other)
        self.seen = []  # (when, roles of both) of overlaps
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self):
        one, other = self.brokers
        while not self.over.wait(0.01):
            if role(one) == "active" and role(other) == "active" and role(one) == "active":
                self.seen.append(time.monotonic())

    def end(self):
        """How often both were active at once."""
        self.over.set()
        self.thread.join()
        return len(self.seen)


PACE = 0.1  # seconds between a client's creates: what was made is looked at one by one in the end


class Load:
    """Clients that create instances one after the other until the end; whatever was acknowledged is in `made`."""

    def __init__(self, find, clients=3):
        self.find = find  # gives the broker to ask
        self.made, self.refused, self.odd = [], 0, []
        self.over = threading.Event()
        self.threads = [threading.Thread(target=self.run, args=(number,)) for number in range(clients)]
        for thread in self.threads:
            thread.start()

    def run(self, number):
        count = 0
        while not self.over.wait(PACE):
            count += 1
            name = f"load-{number}-{count}-{os.getpid()}"
            try:
                answer = tsuru_of(self.find()).create(name, "small")
            except (OSError, http.client.HTTPException):  # it ended, perhaps in the middle of an answer
                self.refused += 1
                continue
            if answer.status == 201:
                self.made.append(name)
            elif answer.status == 503:
                self.refused += 1
            else:
                self.odd.append(answer)

    def end(self):
        self.over.set()
        for thread in self.threads:
            thread.join()
        assert not self.odd, self.odd[:5]
        return self.made


class Site:
    """A server, or a pair of them, and brokers on it."""

    def __init__(self, directory, server, services=None):
        self.server = server
        self.database = make_database(server)
        url = server.url_of(self.database, "sekret", self.database) if hasattr(server, "url_of") else self.url(server.port)
        self.replicas = Replicas(directory, url, services, limits="limits: {verify_rate: 1000}\n")

    def url(self, port):
        return f"postgres://{self.database}:sekret@127.0.0.1:{port}/{self.database}"

    def active(self):
        """Whom to ask: the one that is active, or was a moment ago."""
        brokers = list(self.replicas.brokers.values())
        return next((one for one in brokers if role(one) == "active"), brokers[0])

    def load(self):
        """With work done already."""
        load = Load(self.active)
        wait_until("work is done", lambda: len(load.made) > 20)
        return load

    def goes_on(self, load):
        before = len(load.made)
        wait_until("work goes on", lambda: self.replicas.await_active() and len(load.made) > before + 20)

    def check(self, made=(), strays=0, epochs=True):
        """Whoever is active has what was acknowledged, and the pretended server has that and nothing else."""
        active = self.replicas.await_active()
        missing = [name for name in made if tsuru_of(active).info(name).status != 200]
        assert not missing, missing
        wait_until("the server was looked at", lambda: active.servers()[0]["state"] == "up")
        wait_until("all work has ended", lambda: not active.ctl("operations", "--json"))
        drift = active.ctl("verify", "--json", status=(0, 3))
        assert drift["found"] == [] and len(drift["strays"]) == strays, drift
        self.replicas.check(self.server, self.database, epochs)

    def close(self):
        self.replicas.close()
