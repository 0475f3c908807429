"""Three brokers on one store that a test takes for one: what it asks, as tsuru or as an operator, goes to one of them after the other."""

import collections
import contextlib
import glob
import http.client
import itertools
import os

from harness import wait_until
from replica_site import LEASE, Replicas, make_database, role

SHARED = os.environ.get("SHARED") == "1"  # where that is said, they take one broker's place in tests of any number of them
TAIL = 1 << 20  # bytes of a log that a request's line is looked for in
NAMES = ("first", "second", "third")
OWN = ("health", "reload", "replicas")  # of ctl: about the one that is asked


class Spread:
    """Has of harness.Broker what tests of tsuru's API use. Its kill is that of the active one, and its start that of whoever was
    killed, or has another configuration by now."""

    def __init__(self, server, services, limits="", environment=None, lease=LEASE):
        self.server = server
        self.database = database = make_database(server)
        url = f"postgres://{database}:sekret@127.0.0.1:{server.port}/{database}"
        self.replicas = Replicas(None, url, services, limits, operators=True, lease=lease)
        self.brokers = [self.replicas.make(name) for name in NAMES]
        for broker in self.brokers:
            broker.environment.update(environment or {})
        self.turns = itertools.cycle(self.brokers)
        self.outdated = []

    def next(self):
        """Of those that run."""
        return next(broker for broker in self.turns if broker.process is not None)

    @property
    def port(self):
        return self.next().port

    def start(self):
        for broker in self.outdated:
            broker.kill()
        self.outdated = []
        for broker in self.brokers:
            if broker.process is None:
                broker.start()
        wait_until("all know the active one", self.is_settled)
        wait_until("one is active", self.active).claim_servers()
        return self

    def is_settled(self):
        for broker in self.brokers:
            self.replicas.revive(broker)
        try:
            told = [broker.admin("/ready").json for broker in self.brokers]
        except OSError:
            return False
        return {one["active"] for one in told} & set(NAMES) and len({one["active"] for one in told}) == 1 and \
            sorted(one["role"] for one in told) == ["active", "standby", "standby"]

    def write_config(self, services, limits=""):
        for name, broker in zip(NAMES, self.brokers):
            broker.write_config(services, self.replicas.store(name) + self.replicas.limits + limits)
        self.outdated = [broker for broker in self.brokers if broker.process is not None]

    def active(self):
        """None while there is none."""
        return next((broker for broker in self.brokers if broker.process is not None and role(broker) == "active"), None)

    def kill(self):
        """Of the active one; of any, where there is none at the moment."""
        broker = self.active() or self.brokers[0]
        self.outdated = [one for one in self.outdated if one is not broker]
        broker.kill()

    def admin(self, path, method="GET", **options):
        """Of any, and what is each one's own of whoever is active. An answer with an age comes of who had waited for an active one."""
        def choose():
            return self.next() if path.startswith("/v1/") and path != "/v1/replicas" else wait_until("one is active", self.active)

        def ask():
            with contextlib.suppress(OSError, http.client.HTTPException):
                answer = choose().admin(path, method, **options)
                return None if "Age" in answer.headers else answer
            assert method == "GET", f"it is not known what became of {method} {path}"
            return None
        return wait_until(f"{method} {path} is answered", ask)

    def ctl(self, *arguments, **options):
        broker = wait_until("one is active", self.active) if arguments[0] in OWN else self.next()
        return broker.ctl(*arguments, **options)

    @staticmethod
    def await_end(broker, process, request):
        """Until it has answered the request with that id, or the client that went away; or is not that process any more."""
        def has_ended():
            with open(broker.log_path, "rb") as log:
                log.seek(max(0, os.path.getsize(broker.log_path) - TAIL))
                return broker.process is not process or f"request={request}".encode() in log.read()
        wait_until(f"{request} has ended", has_ended)

    def log(self):
        return "".join(broker.log() for broker in self.brokers)

    def between(self):
        """How many descriptors each broker has for connections with the others, of which both ends are there."""
        owners, ends = {}, {}
        for broker in self.brokers:
            for path in glob.glob(f"/proc/{broker.process.pid}/fd/*"):
                with contextlib.suppress(OSError):  # closed meanwhile
                    owners[os.readlink(path)] = broker
        with open("/proc/net/tcp", encoding="ascii") as table:
            for _, local, remote, _, _, _, _, _, _, inode, *_ in map(str.split, list(table)[1:]):
                if f"socket:[{inode}]" in owners:
                    ends[local, remote] = owners[f"socket:[{inode}]"]
        return collections.Counter(broker for (local, remote), broker in ends.items() if (remote, local) in ends)

    def check(self):
        """Each epoch had one broker, and none wrote behind another's back."""
        self.replicas.check(self.server, self.database)

    def close(self):
        self.replicas.close()
