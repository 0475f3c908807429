"""Several brokers on one PostgreSQL: how long a takeover takes, how fast a view is built, how far a standby is behind, and what
one costs that has nothing to do."""

import math
import os
import re
import signal
import threading
import time

from harness import Postgres, wait_until  # found by contestants

from contestants import Broker, load, running, settle
from shared import ask_operators, wait_until_active

LEASE = 2  # seconds
CLIENTS = 64
LAG_SECONDS = 10
REST = 10  # seconds that an idle standby is watched


class Store:
    """A database for the records of the brokers of one measurement."""

    def __init__(self):
        self.server = Postgres("max_wal_size = 4GB\n")
        self.server.rows("ALTER SYSTEM SET fsync = 'on'")
        self.server.rows("ALTER SYSTEM SET log_statement = 'none'")
        self.server.rows("SELECT pg_reload_conf()")
        self.server.rows("CREATE DATABASE records")

    def broker(self, machine, name):
        url = self.server.url().replace("/postgres", "/records")
        return Broker(machine, name=name, store={"postgres": url, "name": name, "lease": f"{LEASE}s"})


def measure(machine, options, samples, create_body, ask, in_turn):
    store = Store()
    try:
        with running(store.broker(machine, "first").start()) as (first,):
            wait_until_active(first)
            with running(store.broker(machine, "second").start()) as (second,):
                await_view(second, ask, first, create_body)
                idle(samples, second)
                forwarded(machine, options, samples, first, second, in_turn)
                lag(machine, samples, first, second, create_body)
            views(machine, options, samples, store, first, create_body)
        takeovers(machine, options, samples, store)
    finally:
        store.server.close()


def shows(broker, name):
    return f'"name":"{name}"' in ask_operators(broker, f"/v1/instances?service=bench&name={name}", login=True)


def await_view(standby, ask, active, create_body):
    ask(active, "/resources", "POST", create_body("begun").replace("%d", ""))
    wait_until("the standby follows", lambda: shows(standby, "begun"))


def idle(samples, standby):
    samples.progress("an idle standby")
    before, begin = standby.process.cpu(), time.monotonic()
    time.sleep(REST)
    samples.add("an idle standby", 1, "standby", cpu_percent=100 * (standby.process.cpu() - before) / (time.monotonic() - begin),
                own_mb=standby.process.memory() / 2**20)


def forwarded(machine, options, samples, active, standby, in_turn):
    """status of an instance: of the active one itself, and by the standby. Both processes' time on a processor counts."""
    for asked, how in in_turn(options.rounds, ((active, "direct"), (standby, "forwarded"))):
        samples.progress(f"status, {how}")
        before = active.process.cpu() + standby.process.cpu()
        report = load(machine, asked, ("GET", "/resources/begun/status", ""), clients=CLIENTS, seconds=options.seconds, keep=True)
        report["cpu_us"] = (active.process.cpu() + standby.process.cpu() - before) * 1e6 / report["requests"]
        samples.add_load("status, passed on by a standby", CLIENTS, how, report)
        settle()


def lag(machine, samples, active, standby, create_body):
    """How long ago the standby had all that there was, beside writers, looked at again and again."""
    samples.progress(f"a standby's lag beside {CLIENTS} writers")
    writer = threading.Thread(target=load, args=(machine, active, ("POST", "/resources", create_body("lag%d"))),
                              kwargs={"clients": CLIENTS, "seconds": LAG_SECONDS})
    writer.start()
    while writer.is_alive():
        time.sleep(0.02)
        samples.add("a standby's lag", CLIENTS, "standby", ms=1000 * metric(standby, "store_lag_seconds"))
    writer.join()


def metric(broker, name):
    return float(re.search(rf"^tsuru_broker_{name} (\S+)$", ask_operators(broker, "/metrics"), re.M)[1])


def is_whole(broker):
    """It has had all that there was; before that the lag has no end."""
    return metric(broker, "store_lag_seconds") < math.inf


def views(machine, options, samples, store, active, create_body):
    """A standby that has nothing reads all records."""
    made = 0
    for size in (size for size in options.sizes if size >= 1000):
        samples.progress(f"{size} instances, and views of them")
        load(machine, active, ("POST", "/resources", create_body("view%d")), clients=256, requests=size - made, first=made)
        made = size
        for _ in range(min(options.rounds, 3)):
            standby = store.broker(machine, "viewer")
            begin = time.monotonic()
            with running(standby.start()):
                wait_until("it has them all", lambda standby=standby: is_whole(standby), timeout=600, pause=0.01)
                samples.add("a view made afresh", size, "standby", seconds=time.monotonic() - begin,
                            mb=os.path.getsize(os.path.join(standby.data, "data.mdb")) / 2**20)


def takeovers(machine, options, samples, store):
    brokers = [store.broker(machine, name).start() for name in ("first", "second")]
    wait_until("one is active", lambda: any(is_active(one) for one in brokers))
    try:
        for number in range(2 * options.rounds):
            brokers.sort(key=is_active, reverse=True)
            how = signal.SIGKILL if number % 2 else signal.SIGTERM
            samples.progress(f"a takeover after {how.name}")
            begin = time.monotonic()
            os.kill(brokers[0].process.pid, how)
            wait_until("the other is active", lambda: is_active(brokers[1]), pause=0.005)
            took = time.monotonic() - begin
            samples.add("a takeover", 2, how.name, seconds=took, over_the_lease=took - LEASE)
            brokers[0].process.process.wait(60)
            brokers[0].start()
            wait_until("it follows", lambda: '"role":"standby"' in ready(brokers[0]))
    finally:
        for one in brokers:
            one.close()


def ready(broker):
    return ask_operators(broker, "/ready")


def is_active(broker):
    return '"role":"active"' in ready(broker)
