"""Twenty tenants who mean harm and a thousand strangers, against every driver's real server at once, while others use the same
services well: these see no refusal. At the end every removal that was asked for has ended, and nothing of the broker's is left on
a server.

SECONDS is how long it goes on, SEED repeats its choices."""

import collections
import concurrent.futures
import contextlib
import os
import random
import threading
import time

from backends import PASSWORD, ExecFiles, MysqlBackend, OsbBackend, PostgresBackend, RabbitmqBackend, RedisBackend, configuration
from harness import Broker, Tsuru, closing, wait_until
from hostile import ATTACKS, Tenant, remove_all, see_to, start_all
from strangers import GUESS, IDLE, SLOW, Strangers

SECONDS = float(os.environ.get("SECONDS", "120"))
SEED = int(os.environ.get("SEED", str(random.randrange(10**6))))
STRANGERS = 1000
HOSTS = range(2, 252)  # their addresses
TENANTS = {"postgres": 8, "mysql": 6, "redis": 3, "rabbitmq": 1, "exec-sh": 1, "osb": 1}
KINDS = [PostgresBackend, MysqlBackend, RedisBackend, RabbitmqBackend, ExecFiles, OsbBackend]
SETTLE = 240  # seconds until all has to have ended, once nobody attacks any more


class Good:
    """Somebody who uses a service as it is meant, and notes whatever is not answered well, and how long it took."""

    def __init__(self, broker, backend, number):
        self.broker, self.backend = broker, backend
        self.tsuru = Tsuru(broker, backend.name, PASSWORD, team="good")
        self.name = f"good-{number}"
        self.refused = []
        self.seconds = collections.defaultdict(list)

    def ask(self, what, *arguments, good):
        begin = time.monotonic()
        answer = getattr(self.tsuru, what)(*arguments)
        self.seconds[what].append(time.monotonic() - begin)
        if answer.status not in good:
            self.refused.append(f"{self.backend.name} {what}: {answer}")
        return answer

    def round(self):
        self.ask("create", self.name, "small", good=(201,))
        bound = self.ask("bind", self.name, "shop", good=(201,))
        if bound.status == 201 and not self.backend.works(bound.json):
            self.refused.append(f"{self.backend.name}: the login of {self.name} does not work")
        self.ask("plans", good=(200,))
        self.ask("status", self.name, good=(202, 204))
        self.ask("update", self.name, "large", good=(200,))
        self.ask("unbind", self.name, "shop", good=(200,))
        self.ask("remove", self.name, good=(200,))
        if self.broker.admin("/ready", user=None).status != 200:
            self.refused.append("ready is not answered well")

    def run(self, over):
        while not over.is_set():
            self.round()


class Siege:
    """Everybody at once."""

    def __init__(self, backends):
        chance = random.Random(SEED)
        self.backends = backends
        services = [{**backend.service(backend.name), "bind_wait": "150s"} for backend in backends]
        for one in services:
            one["servers"][0]["parallel"] = 4
        self.broker = Broker(configuration(*services))
        self.over = threading.Event()
        self.good = [Good(self.broker, backend, number) for backend in backends for number in range(2)]
        self.tenants = [Tenant(self.broker, backend, f"evil-{number}", random.Random(f"{SEED} {backend.name} {number}"))
                        for backend in backends for number in range(TENANTS[backend.name])]
        self.strangers = []
        chance.shuffle(self.tenants)

    def close(self):
        self.broker.close()

    def run(self):
        self.broker.start()
        everybody = [*(one.run for one in self.good), *(one.run for one in self.tenants), *(one.press for one in self.tenants)]
        self.strangers = [Strangers(port, STRANGERS // 2, (IDLE, SLOW, GUESS), HOSTS, "/postgres/resources/plans", "postgres")
                          for port in (self.broker.port, self.broker.admin_port)]
        with contextlib.ExitStack() as all_of, concurrent.futures.ThreadPoolExecutor(len(everybody)) as pool:
            for crowd in self.strangers:
                all_of.enter_context(crowd)
            jobs = [pool.submit(one, self.over) for one in everybody]
            try:
                concurrent.futures.wait(jobs, SECONDS, concurrent.futures.FIRST_COMPLETED)
                wait_until(f"each way was tried (seed {SEED})", lambda: any(job.done() for job in jobs) or not self.untried(), SETTLE, 1)
            finally:
                self.over.set()
            for job in jobs:
                job.result()
            self.remove_tenants()

    def untried(self):
        tried = set()
        for tenant in self.tenants:
            tried.update(list(tenant.counts), *(list(attack.tried) for attack in list(tenant.attacks.values())))
        return {way.__name__ for attack in ATTACKS.values() for way in attack.WAYS} - tried

    def remove_tenants(self):
        remove_all(self.tenants)
        try:
            wait_until("every removal ends", lambda: not self.pending(), SETTLE, 1)
        except AssertionError as error:
            raise AssertionError(f"{error} (seed {SEED}): {self.broker.admin('/v1/operations?state=pending').body[:4000]}") from error
        for tenant in self.tenants:
            tenant.let_go_of_all()

    def pending(self):
        see_to(self.backends)
        return self.broker.ctl("operations", "--state", "pending", "--json")

    def report(self):
        counts = sum((tenant.counts for tenant in self.tenants), collections.Counter())
        print(f"seed {SEED}: {dict(counts)}\nstrangers: {[dict(crowd.told) for crowd in self.strangers]}")
        for what in self.good[0].seconds:
            seconds = sorted(second for one in self.good for second in one.seconds[what])
            print(f"{what}: {len(seconds)}, median {seconds[len(seconds) // 2] * 1000:.0f} ms, "
                  f"p99 {seconds[len(seconds) * 99 // 100] * 1000:.0f} ms")
        return counts

    def check_servers(self):
        for backend in self.backends:
            assert backend.objects() == (set(), set()), f"{backend.name} (seed {SEED})"


def left_on(backends):
    """Sessions and locks of the broker's that a server still has."""
    left = []
    for backend in backends:
        if backend.name == "postgres":
            left += backend.server.rows("SELECT state, query FROM pg_stat_activity WHERE application_name LIKE 'tsuru-broker%'")
            left += backend.server.rows("SELECT locktype, objid FROM pg_locks WHERE locktype = 'advisory'")
            left += backend.server.rows("SELECT gid FROM pg_prepared_xacts")
        elif backend.name == "mysql":
            left += backend.server.ask("SELECT id, info FROM information_schema.processlist WHERE user = 'admin' AND id <> connection_id()")
    return left


def test_a_siege():
    backends = [kind() for kind in KINDS]
    with closing(*backends):
        start_all(backends)
        siege = Siege(backends)
        with closing(siege):
            siege.run()
            counts = siege.report()
            assert [refusal for one in siege.good for refusal in one.refused] == []
            assert all(one.seconds["remove"] for one in siege.good)
            assert [way.__name__ for attack in ATTACKS.values() for way in attack.WAYS if not counts[way.__name__]] == []
            siege.check_servers()
            siege.broker.stop()
            wait_until("nothing of the broker's is left", lambda: not left_on(backends))
            assert "Sanitizer" not in siege.broker.log() and "runtime error" not in siege.broker.log()
