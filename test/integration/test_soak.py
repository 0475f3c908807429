"""Mixed load in tsuru's way on every driver's real server, while servers stop, hang and come back, the configuration is read
again, the broker is stopped, killed and started, and tenants and strangers mean harm; at the end what was acknowledged is there,
and nothing else.

test/soak.sh runs it for long. MINUTES is how long the load lasts, SEED repeats its choices, OUT keeps samples.csv and samples.svg. The
broker is killed in the first third only: the second half shows one process that is warm, whose memory has to be flat.

With SHARED=1 three brokers on one store are asked by turns; each of them is stopped, ended and killed, and so is their database.
"""

import collections
import concurrent.futures
import contextlib
import csv
import http.client
import os
import random
import re
import secrets
import shutil
import signal
import statistics
import tempfile
import threading
import time

from backends import PASSWORD, Backend, ExecFiles, MysqlBackend, PostgresBackend, RabbitmqBackend, RedisBackend, configuration, service
from harness import Broker, Postgres, Tsuru, closing, wait_until
from hostile import ATTACKS, Tenant, remove_all, see_to, start_all
from plot import write_svg
from replica_site import LEASE
from spread import NAMES as REPLICAS
from spread import SHARED, Spread
from strangers import GUESS, IDLE, SLOW, Strangers

MINUTES = float(os.environ.get("MINUTES", "0.5"))
SEED = int(os.environ.get("SEED", str(random.randrange(10**6))))
LONG = MINUTES >= 5  # then RabbitMQ, too, which takes a minute to come back
WORKERS = 4          # for each service
NAMES = 2            # instances that each of them works on
HOSTILE = 3          # tenants who mean harm, of each service where they can
STRANGERS = 200      # connections without a password, whenever the broker is there
KEPT = 12            # dead credentials that each instance keeps to be tried at the end
SETTLE = 240         # seconds until all has to have ended, once the trouble is over
KEPT_BETWEEN = 256   # idle connections that a broker keeps to whoever is active (src/relay/relay.c)
GROWTH = 2e6 if SHARED else 1e6  # bytes of its own memory, over the whole second half; who becomes active or stands by has another megabyte, or less
LIMITS = "limits: {pending: 20}\n"  # what hostile tenants pile up is memory, too, and has to stay the same
SHORT = {"wait": "2s", "bind_wait": "5s", "attempt_timeout": "5s"}


class ScriptedBackend(Backend):
    """The pretended server: its world is a file, and there is nothing to log in to."""

    name = "scripted"

    def start(self):
        self.directory = tempfile.mkdtemp(prefix="broker-soak-")
        self.trouble("")

    def trouble(self, *rules):
        with open(os.path.join(self.directory, "rules"), "w", encoding="ascii") as file:
            file.write("# " + secrets.token_hex(random.randrange(1, 40)) + "\n" + "\n".join(rules) + "\n")

    def stop(self):
        self.trouble("* fail-transient")

    def start_again(self):
        self.trouble("* fail-transient 3", "* lost 2 100ms", "* delay 0 5ms")

    def freeze(self):
        self.trouble("* hang 3", "* delay 0 20ms")

    def thaw(self):
        self.start_again()

    def close(self):
        shutil.rmtree(self.directory, ignore_errors=True)

    def service(self, name):
        return service(name, "scripted", {"state": os.path.join(self.directory, "state"), "rules": os.path.join(self.directory, "rules")})

    def objects(self):
        instances, logins = set(), set()
        with contextlib.suppress(FileNotFoundError), open(os.path.join(self.directory, "state"), encoding="ascii") as file:
            for line in file:
                kind, name, *_ = line.split()
                if kind == "mark":
                    continue
                {"instance": instances.add, "login": logins.add, "drop-instance": instances.discard,
                 "drop-login": logins.discard}[kind](name)
        return instances, logins

    def works(self, env):
        return True

    def refused(self, env):
        return True


KINDS = [PostgresBackend, RedisBackend, MysqlBackend, ExecFiles, ScriptedBackend, *([RabbitmqBackend] if LONG else [])]


class Life:
    """One name: what tsuru's user does with it, and what was acknowledged of that."""

    def __init__(self, tsuru, backend, name, chance):
        self.tsuru, self.backend, self.name, self.chance = tsuru, backend, name, chance
        self.state = "absent"  # or "present", or "unknown" after a call that was not answered well
        self.plan = None       # None: not known
        self.binds = {}        # app -> its environment; absent: not bound, or not known
        self.dead = collections.deque(maxlen=KEPT)
        self.counts = collections.Counter()

    def told(self, kind, answer, *good):
        self.counts[kind if answer.status in good else f"{kind} refused"] += 1
        return answer.status in good

    def step(self):
        if self.state != "present":
            self.create()
            return
        weights = {self.bind: 40, self.unbind: 20, self.undo: 6, self.update: 14, self.look: 10, self.remove: 10}
        self.chance.choices(list(weights), weights.values())[0]()

    def create(self):
        plan = self.chance.choice(["small", "large"])
        before, self.state, self.plan, self.binds = self.state, "unknown", None, {}
        answer = self.tsuru.create(self.name, plan)
        if self.told("create", answer, 201):
            self.state, self.plan = "present", plan
        elif answer.status == 409:  # an earlier removal was not heard of, or a create was
            assert before == "unknown", answer
            self.state = "present"

    def app(self):
        return f"app-{self.chance.randrange(3)}"

    def bind(self):
        app = self.app()
        before = self.binds.pop(app, None)
        answer = self.tsuru.bind(self.name, app)
        if self.told("bind", answer, 201):
            self.bound(app, answer.json)
            if before is not None and before != answer.json:
                self.dead.append(before)

    def bound(self, app, env):
        self.binds[app] = env
        if env in self.dead:
            self.dead.remove(env)

    def unbind(self):
        app, event = self.app(), secrets.token_hex(12)
        env = self.binds.pop(app, None)
        if self.told("unbind", self.tsuru.unbind(self.name, app, event), 200) and env is not None:
            self.dead.append(env)
        return app, event, env

    def undo(self):
        """An unbind that tsuru takes back: the same event."""
        app, event, env = self.unbind()
        if env is None or env not in self.dead:
            return
        self.dead.remove(env)
        answer = self.tsuru.bind(self.name, app, event)
        if self.told("bind again", answer, 201):
            assert answer.json == env, (self.name, app)
            self.bound(app, env)

    def update(self):
        plan, self.plan = self.chance.choice(["small", "large"]), None
        if self.told("update", self.tsuru.update(self.name, plan), 200):
            self.plan = plan

    def look(self):
        for ask, good in ((self.tsuru.status, (204, 202, 200)), (self.tsuru.info, (200,))):
            answer = ask(self.name)
            # One that says that it may be old may be older than what was acknowledged.
            assert self.told("look", answer, *good) or answer.headers["Age"] is not None, (self.backend.name, self.name, answer)

    def remove(self):
        envs, self.binds, self.state, self.plan = list(self.binds.values()), {}, "unknown", None
        if self.told("remove", self.tsuru.remove(self.name), 200):
            self.state = "absent"
            self.dead.extend(envs)

    # ---- the end ----

    def check(self):
        where = f"{self.backend.name} {self.name} (seed {SEED})"
        if self.state == "absent":
            assert self.tsuru.info(self.name).status == 404, where
        if self.state == "present":
            # A server whose check a busy machine held up is down until the next one.
            wait_until(f"{where} is up", lambda: self.tsuru.status(self.name).status == 204)
            assert self.plan in (None, self.tsuru.described(self.name)["Plan in force"]), where
            bound = {one["name"] for one in self.tsuru.send("GET", f"/resources/{self.name}/binds").json if one["state"] == "bound"}
            assert set(self.binds) <= bound, f"{where}: {self.binds.keys()} {bound}"
        assert all(self.backend.works(env) for env in self.binds.values()), where
        assert all(self.backend.refused(env) for env in self.dead), where


class Soak:
    """The load, the trouble and the samples."""

    def __init__(self, backends, store=None):
        """Of one broker; with the store's server, of three."""
        self.backends = backends
        self.store = store
        self.chance = random.Random(SEED)
        self.broker = Spread(store, self.configuration(0), LIMITS) if store else Broker(self.configuration(0), LIMITS)
        self.brokers = self.broker.brokers if store else [self.broker]
        self.over = threading.Event()
        self.lives = [Life(Tsuru(self.broker, backend.name, PASSWORD), backend, f"db-{i}-{j}", random.Random(f"{SEED} {backend.name} {i}"))
                      for backend in backends for i in range(WORKERS) for j in range(NAMES)]
        self.hostile = [Tenant(self.broker, backend, f"evil-{i}", random.Random(f"{SEED} evil {backend.name} {i}"))
                        for backend in backends if backend.name in ATTACKS for i in range(HOSTILE)]
        self.strangers = {}  # by broker
        self.events = collections.Counter()
        self.samples = {broker: [] for broker in self.brokers}
        self.starting = threading.Lock()  # held while a broker is ended and started on purpose
        self.end = None

    def close(self):
        self.broker.close()

    def configuration(self, generation):
        """The same services; each generation has another sentence and another limit."""
        services = [{**backend.service(backend.name), **SHORT} for backend in self.backends]
        for one in services:
            one["plans"][0]["description"] = f"generation {generation}"
            one["servers"][0]["parallel"] = 4 + generation % 5
        return configuration(*services)

    def name_of(self, broker):
        return REPLICAS[self.brokers.index(broker)] if self.store else "broker"

    # ---- load ----

    def work(self, lives):
        chance = random.Random(f"{SEED} {lives[0].name} {lives[0].backend.name}")
        while not self.over.is_set():
            try:
                chance.choice(lives).step()
            except (OSError, http.client.HTTPException):  # not answered: what is not known is not known already
                time.sleep(0.05)
            time.sleep(chance.uniform(0, 0.1))

    # ---- trouble ----

    def outage(self, backend):
        backend.stop()
        time.sleep(self.chance.uniform(0.5, 6))
        backend.start_again()

    def hang(self, backend):
        backend.freeze()
        time.sleep(self.chance.uniform(0.5, 8))
        backend.thaw()

    def reload(self):
        with self.starting:
            self.broker.write_config(self.configuration(self.events["reload"] + 1), "" if self.store else LIMITS)
            for broker in self.brokers:
                broker.process.send_signal(signal.SIGHUP)
            if self.store:
                self.broker.outdated = []

    def pause(self):
        self.stop_for(self.chance.uniform(0.2, 7), self.chance.choice(self.brokers))

    def stop_for(self, seconds, *brokers):
        with self.starting:
            processes = [broker.process for broker in brokers]
        for process in processes:
            process.send_signal(signal.SIGSTOP)
        time.sleep(seconds)
        for process in processes:
            process.send_signal(signal.SIGCONT)

    def warm_up(self):
        """Each becomes the active one once, while the others are stopped: what it needs for that it keeps."""
        for broker in self.brokers:
            others = [one for one in self.brokers if one is not broker]
            until = time.monotonic() + MINUTES * 60 / 20
            while self.broker.active() is not broker and not self.over.is_set():
                self.stop_for(3 * LEASE, *others)
                time.sleep(LEASE)  # in which those that were stopped come to know it
            time.sleep(max(0, until - time.monotonic()))

    def restart(self, how):
        broker = self.chance.choice(self.brokers)
        with self.starting:
            getattr(broker, how)()
            broker.start()
            for crowd, port in zip(self.strangers[broker], (broker.port, broker.admin_port)):
                crowd.target = port

    def lose_store(self):
        self.store.stop()
        time.sleep(self.chance.uniform(0.5, 6))
        self.store.start()

    def make_trouble(self):
        begin, last = time.monotonic(), self.end - min(60, MINUTES * 15)
        cold = self.store is not None
        while time.monotonic() < last:
            time.sleep(self.chance.uniform(0.5, 1 + MINUTES / 3))
            early = time.monotonic() < begin + MINUTES * 20
            if not early and cold:
                self.warm_up()
                cold = False
            kind = self.chance.choice(["outage", "outage", "hang", "hang", "reload", "pause", *(["kill", "kill", "stop"] if early else []),
                                       *(["lose_store", "pause"] if self.store else [])])
            self.events[kind] += 1
            if kind in ("outage", "hang"):
                getattr(self, kind)(self.chance.choice([one for one in self.backends if kind == "outage" or one.pids() or one.name == "scripted"]))
            elif kind in ("kill", "stop"):
                self.restart(kind)
            else:
                getattr(self, kind)()

    # ---- samples ----

    def sample(self, broker):
        pid = broker.process.pid
        with open(f"/proc/{pid}/status", encoding="ascii") as file:
            memory = dict(re.findall(r"(VmRSS|RssAnon):\s+(\d+) kB", file.read()))
        metrics = broker.admin("/metrics").body

        def total(name):
            return sum(float(value) for value in re.findall(rf"^tsuru_broker_{name}{{[^}}]*}} (\S+)$", metrics, re.M))

        return {"seconds": round(time.monotonic(), 2), "pid": pid, "resident_bytes": int(memory["VmRSS"]) * 1024,
                "own_bytes": int(memory["RssAnon"]) * 1024, "files": len(os.listdir(f"/proc/{pid}/fd")),
                "connections": total("server_connections"), "pending": total("operations_pending"),
                "requests": total("http_requests_total")}

    def watch(self, broker):
        while not self.over.is_set():
            if self.starting.acquire(timeout=1):
                try:
                    self.see_to(broker)
                finally:
                    self.starting.release()
            with contextlib.suppress(OSError, AttributeError, http.client.HTTPException):  # it is stopped, or ended
                self.samples[broker].append(self.sample(broker))
            if os.path.getsize(broker.log_path) > 1 << 28:
                os.truncate(broker.log_path, 0)  # it is appended to
            time.sleep(1)

    def see_to(self, broker):
        """One that shares its store may end where it cannot go on, and is started again; any other one has crashed."""
        if self.store:
            self.events["ended"] += broker.process.poll() is not None
            self.broker.replicas.revive(broker)
        assert broker.process.poll() is None, broker.log()[-4000:]

    def run(self):
        self.broker.start()
        count = STRANGERS // 2 // len(self.brokers)
        self.strangers = {broker: [Strangers(port, count, (IDLE, SLOW, GUESS)) for port in (broker.port, broker.admin_port)]
                          for broker in self.brokers}
        self.end = time.monotonic() + MINUTES * 60
        groups = [self.lives[i:i + NAMES] for i in range(0, len(self.lives), NAMES)]
        with contextlib.ExitStack() as all_of, concurrent.futures.ThreadPoolExecutor(len(groups) + 2 * len(self.hostile) + 4) as pool:
            for crowd in self.crowds():
                all_of.enter_context(crowd)
            jobs = [pool.submit(self.make_trouble), *(pool.submit(self.watch, broker) for broker in self.brokers), *(pool.submit(self.work, group) for group in groups),
                    *(pool.submit(work, self.over) for tenant in self.hostile for work in (tenant.run, tenant.press))]
            try:
                while time.monotonic() < self.end or not jobs[0].done():
                    failed = [job for job in jobs if job.done() and job.exception()]
                    if failed:
                        break
                    time.sleep(0.2)
            finally:
                self.over.set()
            for job in jobs:
                job.result()

    def crowds(self):
        return [crowd for crowds in self.strangers.values() for crowd in crowds]

    # ---- the end ----

    def end_hostile(self):
        remove_all(self.hostile)
        self.settle()
        for tenant in self.hostile:
            tenant.let_go_of_all()

    def settle(self):
        def quiet():
            see_to(self.backends)
            return self.sample(self.active())["pending"] == 0 and '"state":"down"' not in self.broker.admin("/ready").body

        try:
            wait_until("all operations end", quiet, SETTLE, 0.2)
        except AssertionError as error:
            raise AssertionError(f"{error} (seed {SEED}): {self.broker.admin('/v1/operations?state=pending').body[:2000]}"
                                 f" {self.broker.admin('/ready').body[:1000]}") from error

    def active(self):
        return wait_until("one is active", self.broker.active) if self.store else self.broker

    def check_servers(self):
        """Each server has what the broker knows of, and nothing else."""
        for backend in self.backends:
            known = self.broker.ctl("instances", "--service", backend.name, "--json")
            shown = [self.broker.ctl("show", one["id"], "--json") for one in known]
            resources = {one["resource"] for one in shown}
            logins = {bind["login"] for one in shown for bind in one["binds"] if bind["state"] == "bound"}
            assert backend.objects() == (resources, logins), f"{backend.name} (seed {SEED})"

    def remove_all(self):
        with concurrent.futures.ThreadPoolExecutor(16) as pool:
            list(pool.map(lambda life: life.tsuru.remove(life.name), self.lives))
        self.settle()
        for backend in self.backends:
            assert backend.objects() == (set(), set()), f"{backend.name} (seed {SEED})"

    def check_files(self):
        """Descriptors that are neither a server's or another broker's connection nor the few of the program's own were leaked."""
        for broker in self.brokers:
            wait_until(f"{self.name_of(broker)} has no more files than it needs", lambda broker=broker: self.fits(broker), pause=0.5)

    def fits(self, broker):
        """The ends of those who left come to it a while after them."""
        last, others = self.sample(broker), self.broker.between().get(broker, 0) if self.store else 0
        print(f"{self.name_of(broker)}: {last['files']} files, {last['connections']:.0f} connections to servers, {others} to other brokers, "
              f"{last['own_bytes'] / 1e6:.2f} MB at the end")
        return others <= 2 * KEPT_BETWEEN and last["files"] < last["connections"] + others + 40

    def check_flat(self, broker):
        """One process's own memory in the second half: the line through its samples hardly rises."""
        samples = self.samples[broker]
        half = [one for one in samples if one["seconds"] > samples[0]["seconds"] + MINUTES * 30]
        assert len({one["pid"] for one in half}) == 1
        times, sizes = [one["seconds"] for one in half], [one["own_bytes"] for one in half]
        slope = statistics.linear_regression(times, sizes).slope
        growth = slope * (times[-1] - times[0])
        print(f"{self.name_of(broker)}: own memory in the second half: {statistics.fmean(sizes) / 1e6:.2f} MB, {growth / 1e6:+.2f} MB over "
              f"{times[-1] - times[0]:.0f} s, {max(one['files'] for one in half)} files and {max(one['pending'] for one in half):.0f} pending at most")
        return growth

    def write(self, directory):
        samples = [{"broker": self.name_of(broker), **one} for broker in self.brokers for one in self.samples[broker]]
        with open(os.path.join(directory, "samples.csv"), "w", encoding="ascii", newline="") as file:
            writer = csv.DictWriter(file, samples[0])
            writer.writeheader()
            writer.writerows(samples)
        titles = {"resident_bytes": "resident memory, bytes", "own_bytes": "own memory, bytes", "files": "open files",
                  "connections": "connections to servers", "pending": "pending operations"}
        for broker, rows in self.samples.items():
            write_svg(os.path.join(directory, f"samples-{self.name_of(broker)}.svg" if self.store else "samples.svg"),
                      [one["seconds"] for one in rows], {title: [one[name] for one in rows] for name, title in titles.items()})


def is_sanitized(broker):
    with open(f"/proc/{broker.process.pid}/maps", encoding="utf-8") as maps:
        return "libasan" in maps.read()


def tell(soak, counts):
    """What was done, and the samples."""
    evil = sum((tenant.counts for tenant in soak.hostile), collections.Counter())
    print(f"seed {SEED}: {dict(counts)}\nhostile: {dict(evil)}\nstrangers: {[dict(crowd.told) for crowd in soak.crowds()]}\ntrouble: {dict(soak.events)}")


def test_soak(tmp_path):
    backends = [kind() for kind in KINDS]
    store = Postgres("log_statement = none\n") if SHARED else None
    with closing(*backends, *([store] if SHARED else [])):
        start_all(backends)
        soak = Soak(backends, store)
        with closing(soak):
            soak.run()
            soak.end_hostile()
            counts = sum((life.counts for life in soak.lives), collections.Counter())
            tell(soak, counts)
            out = os.environ.get("OUT", str(tmp_path))
            os.makedirs(out, exist_ok=True)
            soak.write(out)
            for life in soak.lives:
                life.check()
            soak.check_servers()
            soak.check_files()
            if not is_sanitized(soak.brokers[0]) and LONG:
                growths = [soak.check_flat(broker) for broker in soak.brokers]
                assert max(growths) < GROWTH, growths
            if SHARED:
                soak.broker.check()
            soak.remove_all()
            assert all(counts[kind] > 0 for kind in ("create", "bind", "unbind", "update", "remove"))
            assert "event=reload-failed" not in soak.broker.log()
            assert "Sanitizer" not in soak.broker.log() and "runtime error" not in soak.broker.log()
