"""What is measured. A case is a function that gives its samples, round by round: the contestants take turns within a
round, in the other order in every second one, so that a machine that slows down slows all of them alike."""

import contextlib
import json
import os
import re
import resource
import shutil
import signal
import socket
import subprocess
import threading
import time
import http.client

from contestants import (Bare, Broker, Flask, Nginx, Operators, PASSWORD, Process, free_port, load, running, settle, shared_service,
                         slow_disk, wait_until, wrk)

CLIENTS = (1, 16, 64, 256)
READS = {"plans": "/resources/plans", "status": "/resources/bench/status", "info": "/resources/bench"}
IDLE = 10000  # connections
STRANGERS = 5000
GIVEN_BACK = 5  # seconds after which what a peak has left is with the system again


class Samples:
    """Every figure that was measured: of a case, a variant of it, a contestant, a quantity."""

    def __init__(self, progress):
        self.values = {}
        self.progress = progress

    def add(self, case, variant, contestant, **quantities):
        for quantity, value in quantities.items():
            self.values.setdefault((case, variant, contestant, quantity), []).append(value)

    def add_load(self, case, variant, contestant, report):
        step = report["steps"][0]
        self.add(case, variant, contestant, rate=report["rate"], cpu_us=report["cpu_us"],
                 p50_us=step["p50_us"], p99_us=step["p99_us"])


def in_turn(rounds, contestants):
    """Each round's contestants, forwards and backwards."""
    for number in range(rounds):
        yield from contestants if number % 2 == 0 else reversed(contestants)


def ask(server, path, method="GET", body=None, port=None, timeout=120):
    """One request; its answer's body."""
    import base64  # pylint: disable=import-outside-toplevel

    connection = http.client.HTTPConnection("127.0.0.1", port or server.port, timeout=timeout)
    try:
        user = server.credentials if port is None else f"admin:{PASSWORD}"
        headers = {"Authorization": "Basic " + base64.b64encode(user.encode()).decode()}
        if body:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        connection.request(method, (server.prefix if port is None else "") + path, body, headers)
        response = connection.getresponse()
        text = response.read().decode()
        if not 200 <= response.status < 300:
            raise AssertionError(f"{method} {path}: {response.status} {text}")
        return text
    finally:
        connection.close()


def create_body(name, plan="small"):
    return f"name={name}&plan={plan}&team=bench&user=bench%40example.com&eventid=5f0c1e%d"


# ---- answers from the store ----

def reads(machine, options, samples):
    """plans, status and info: the broker, evhttp and nginx with the same answer, Flask."""
    with running(Broker(machine).start()) as (broker,):
        ask(broker, "/resources", "POST", create_body("bench").replace("%d", ""))
        wait_until("the instance is up", lambda: "up" in broker.ctl("show", "bench/bench"))
        for what, path in READS.items():
            body = "" if what == "status" else ask(broker, path)
            status = "204" if what == "status" else "200"
            with running(Bare(machine, "bare evhttp", "static", status, body), Nginx(machine, status, body),
                         Flask(machine)) as others:
                read_rounds(machine, options, samples, what, path, (broker, *others))


def read_rounds(machine, options, samples, what, path, contestants):
    for clients in options.clients:
        for server in in_turn(options.rounds, contestants):
            samples.progress(f"{what}, {clients} clients, {server.name}")
            samples.add_load(f"{what}, a new connection each", clients, server.name,
                             load(machine, server, ("GET", path, ""), clients=clients, seconds=options.seconds))
            settle()
            samples.add_load(f"{what}, kept connections", clients, server.name,
                             wrk(server, path, clients, options.seconds))
            settle()


# ---- durable writes ----

def creates(machine, options, samples):
    """Durable creates on the shared driver beside a commit a request and a batched raw log, on this disk and on slow ones."""
    for delay in (0, 2, 10):
        directories = [machine.directory("limit") for _ in range(3)]
        with running(Broker(machine, delay_ms=delay).start(),
                     Bare(machine, "a commit a request", "commit", directories[0], delay_ms=delay),
                     Bare(machine, "a batched log", "log", directories[1], delay_ms=delay)) as contestants:
            create_rounds(machine, options, samples, delay, contestants)
        disk_limit(machine, options, samples, delay, directories[2])
        for directory in directories:
            shutil.rmtree(directory)


def create_case(delay):
    return "durable creates" + (f", {delay} ms a sync" if delay else "")


def create_rounds(machine, options, samples, delay, contestants):
    first = 0
    for clients in options.clients:
        for server in in_turn(options.rounds, contestants):
            samples.progress(f"{create_case(delay)}, {clients} clients, {server.name}")
            report = load(machine, server, ("POST", "/resources", create_body("db%d")), clients=clients,
                          seconds=options.seconds, first=first)
            first = max(first, report["next"])
            samples.add_load(create_case(delay), clients, server.name, report)
            settle()


def disk_limit(machine, options, samples, delay, directory):
    for _ in range(options.rounds):
        report = json.loads(subprocess.run([machine.program("disk"), directory, str(options.seconds)], check=True,
                                           stdout=subprocess.PIPE, env=slow_disk(machine, delay)).stdout)
        samples.add(create_case(delay), 1, "fdatasync alone", rate=report["requests"] / report["seconds"])


def reads_beside_writes(machine, options, samples):
    """status by four clients while 64 create, each sync 10 ms longer."""
    with running(Broker(machine, delay_ms=10).start()) as (broker,):
        ask(broker, "/resources", "POST", create_body("bench").replace("%d", ""))
        first = 0
        for _ in range(options.rounds):
            samples.progress("reads beside writers")
            written = {}
            writer = threading.Thread(target=lambda start=first, into=written: into.update(
                load(machine, broker, ("POST", "/resources", create_body("db%d")), clients=64,
                     seconds=options.seconds + 0.4, first=start)))
            writer.start()
            time.sleep(0.2)
            report = load(machine, broker, ("GET", READS["status"], ""), clients=4, seconds=options.seconds)
            writer.join()
            first = written["next"]
            samples.add_load("status beside 64 writers, 10 ms a sync", 4, broker.name, report)
            samples.add("status beside 64 writers, 10 ms a sync", 4, broker.name, writes=written["rate"])


# ---- binds on PostgreSQL ----

def binds(machine, options, samples):
    """bind and unbind on PostgreSQL, and the very same SQL by pgbench."""
    import sql  # pylint: disable=import-outside-toplevel

    sql.measure(machine, options, samples)


def hostile(machine, options, samples):
    """Creates and binds on PostgreSQL, alone and beside 20 tenants who hold locks against the broker."""
    import hostile as case  # pylint: disable=import-outside-toplevel

    case.measure(machine, options, samples, ask, measured)


# ---- start-up, memory, size ----

def fill(machine, broker, count):
    """Creates instances i0, i1, ... as many clients would."""
    load(machine, broker, ("POST", "/resources", create_body("i%d")), clients=256, requests=count)


def stores(machine, options, samples):
    """A store for each size, made once with the broker itself: {size: its directory}."""
    made = {}
    for size in options.sizes:
        samples.progress(f"making a store with {size} instances")
        data = os.path.join(machine.directory("store"), "data")
        with running(Broker(machine, data=data).start()) as (broker,):
            if size:
                fill(machine, broker, size)
        made[size] = data
    return made


def size(machine, options, samples):
    """Start-up, memory, look-ups, pages and backups with 0 to 1,000,000 instances."""
    made = stores(machine, options, samples)
    for instances in [size for _ in range(options.rounds) for size in made]:
        start_up(machine, samples, instances, made[instances])
    lookups(machine, options, samples, {size: data for size, data in made.items() if size})
    largest = max(made)
    pages(machine, options, samples, largest, made[largest])
    backup(machine, options, samples, largest, made[largest])


def start_up(machine, samples, instances, data):
    broker = Broker(machine, data=data)
    samples.progress(f"start-up with {instances} instances")
    with open(broker.log_path, "ab") as log:
        done = subprocess.run([machine.program("start"), str(broker.port), "GET /bench/resources/plans",
                               broker.credentials, broker.program, "serve", "-c", broker.config],
                              stdout=subprocess.PIPE, stderr=log, check=True)
    report = json.loads(done.stdout)
    try:
        with open(f"/proc/{report['pid']}/status", encoding="ascii") as file:
            status = file.read()
        samples.add("start-up", instances, "broker", first_answer_ms=report["us"] / 1000,
                    own_mb=int(re.search(r"RssAnon:\s+(\d+)", status)[1]) / 1024,
                    resident_mb=int(re.search(r"VmRSS:\s+(\d+)", status)[1]) / 1024)
    finally:
        os.kill(report["pid"], signal.SIGTERM)
        wait_until("the broker ends", lambda: not os.path.exists(f"/proc/{report['pid']}"))
        broker.close()


def lookups(machine, options, samples, made):
    """status of an instance chosen at random: what the size of the store costs."""
    with running(*[Broker(machine, data=data, name=f"{size} instances").start() for size, data in made.items()]) as all_of:
        for broker in all_of:  # what is read is in memory
            load(machine, broker, ("GET", "/resources/i%d/status", ""), clients=16, seconds=2 * options.seconds,
                 spread=int(broker.name.split()[0]))
        for broker in in_turn(options.rounds, all_of):
            samples.progress(f"look-ups, {broker.name}")
            samples.add_load("status of one of many", int(broker.name.split()[0]), "broker",
                             load(machine, broker, ("GET", "/resources/i%d/status", ""), clients=16,
                                  seconds=options.seconds, spread=int(broker.name.split()[0])))


def pages(machine, options, samples, instances, data):
    """Pages of the operators' list, walked from the first on."""
    with running(Broker(machine, data=data).start()) as (broker,):
        after = ""
        for _ in range(max(options.rounds * 5, 20)):
            begin = time.monotonic()
            page = json.loads(ask(broker, f"/v1/instances?limit=100{after}", port=broker.admin_port))
            samples.add("a page of 100 instances", instances, "broker", ms=(time.monotonic() - begin) * 1000)
            after = f"&after={page['next']}" if "next" in page else ""


def stall(machine, broker, work):
    """The longest that a status takes while work goes on, in ms."""
    stop = threading.Event()
    longest = []

    def watch():
        while not stop.is_set():
            report = load(machine, broker, ("GET", "/resources/i1/status", ""), clients=1, requests=500)
            longest.append(report["steps"][0]["max_us"] / 1000)

    watcher = threading.Thread(target=watch)
    watcher.start()
    begin = time.monotonic()
    work()
    seconds = time.monotonic() - begin
    stop.set()
    watcher.join()
    return max(longest), seconds


def loop_stall(broker):
    """The loop's own measure of its longest turn, in ms."""
    text = ask(broker, "/metrics", port=broker.admin_port)
    return max(float(value) for value in re.findall(r"^tsuru_broker_loop_stall_max_seconds ([0-9.e+-]+)$", text, re.M)) * 1000


def backup(machine, options, samples, instances, data):
    """A backup of a running broker: how long, and what a caller feels of it; then of as many bytes written by dd."""
    with running(Broker(machine, data=data).start()) as (broker,):
        path = os.path.join(broker.directory, "backup")
        for _ in range(min(options.rounds, 3)):
            samples.progress(f"backup with {instances} instances")
            longest, seconds = stall(machine, broker, lambda: broker.ctl("backup", path))
            samples.add("backup while running", instances, "broker", seconds=seconds, longest_status_ms=longest)
            zeros = ["dd", "if=/dev/zero", f"of={path}", "bs=1M", f"count={os.path.getsize(path) >> 20}", "conv=fsync", "status=none"]
            os.unlink(path)
            longest, seconds = stall(machine, broker, lambda command=zeros: subprocess.run(command, check=True))
            samples.add("backup while running", instances, "dd", seconds=seconds, longest_status_ms=longest)
            os.unlink(path)


# ---- connections ----

def raise_files():
    """As many file descriptors as the machine lets us have; the broker does the same for itself."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if hard != resource.RLIM_INFINITY and hard < IDLE + 200:
        raise SystemExit(f"{IDLE} idle connections need a limit of {IDLE + 200} open files; here it is {hard} (ulimit -Hn)")
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def connections(machine, options, samples):
    """Idle connections, memory after a peak, a burst of 1,024, and life without file descriptors."""
    raise_files()
    for _ in range(min(options.rounds, 3)):
        with running(Broker(machine).start()) as (broker,):
            idle(broker, samples)
            peak(machine, broker, samples)
    with running(Broker(machine).start()) as (broker,):
        for _ in range(options.rounds):
            burst(machine, broker, samples)
    for _ in range(min(options.rounds, 3)):
        starved(machine, options, samples)


def idle(broker, samples, count=IDLE):
    samples.progress(f"{count} idle connections")
    before = broker.process.memory()
    request = (f"GET {broker.prefix}/resources/plans HTTP/1.1\r\nHost: b\r\n"
               f"Authorization: Basic {login(broker)}\r\n\r\n").encode()
    held = []
    for _ in range(count):
        held.append(socket.create_connection(("127.0.0.1", broker.port)))
        held[-1].sendall(request)
        answer = held[-1].recv(65536)
        assert answer.startswith(b"HTTP/1.1 200") and answer.endswith(b"]"), answer
    after = broker.process.memory()
    for one in held:
        one.close()
    wait_until("the connections are gone", lambda: len(os.listdir(f"/proc/{broker.process.pid}/fd")) < 100)
    time.sleep(GIVEN_BACK)
    samples.add("idle connections", count, broker.name, bytes_each=(after - before) / count,
                own_mb_before=before / 2**20, own_mb_with=after / 2**20, own_mb_after=broker.process.memory() / 2**20)


def login(server):
    import base64  # pylint: disable=import-outside-toplevel

    return base64.b64encode(server.credentials.encode()).decode()


def peak(machine, broker, samples):
    """Memory before and after a load of writes and reads by many."""
    before = broker.process.memory()
    load(machine, broker, ("POST", "/resources", create_body("peak%d")), clients=1024, requests=20000)
    time.sleep(GIVEN_BACK)
    samples.add("memory after a peak", 1024, broker.name, own_mb_before=before / 2**20,
                own_mb_after=broker.process.memory() / 2**20)


def burst(machine, broker, samples):
    samples.progress("1024 connections at once")
    report = load(machine, broker, ("GET", "/resources/plans", ""), clients=1024, requests=1024)
    samples.add("1,024 new connections at once", 1024, broker.name, p99_ms=report["steps"][0]["p99_us"] / 1000,
                max_ms=report["steps"][0]["max_us"] / 1000, failed=report["failed"])
    settle()


def starved(machine, options, samples):
    """More clients than file descriptors: what the waiting costs, and whether all is well afterwards."""
    samples.progress("out of file descriptors")
    broker = Broker(machine)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    command = ["prlimit", "--nofile=100:100", broker.program, "serve", "-c", broker.config]
    with open(broker.log_path, "ab") as log:
        broker.process = Process(command, stderr=log)
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    with running(broker):
        wait_until("the broker listens", lambda: "event=listening" in broker.log())
        held = [socket.create_connection(("127.0.0.1", broker.port)) for _ in range(300)]
        for one in held:
            one.sendall(b"GET ")
        time.sleep(0.5)
        cpu, lines, begin = broker.process.cpu(), broker.log().count("\n"), time.monotonic()
        time.sleep(2)
        seconds = time.monotonic() - begin
        samples.add("out of file descriptors", 100, broker.name,
                    cpu_percent=(broker.process.cpu() - cpu) / seconds * 100,
                    log_lines=broker.log().count("\n") - lines)
        for one in held:
            one.close()
        wait_until("it answers again", lambda: answers(broker))


def answers(broker):
    with contextlib.suppress(OSError):
        return "small" in ask(broker, "/resources/plans", timeout=5)
    return False


# ---- strangers ----

def strangers(machine, options, samples):
    """tsuru's calls, and probes of the operators' listener, with and without 5,000 strangers at both listeners: idle ones, slow
    ones, and such as guess passwords or show none, from 20 addresses; they come again as soon as they are closed or answered."""
    raise_files()
    for _ in range(min(options.rounds, 3)):
        with running(Broker(machine).start()) as (broker,):
            ask(broker, "/resources", "POST", create_body("bench").replace("%d", ""))
            for name in ("quiet", "flooded"):
                with strangers_at(broker, STRANGERS if name == "flooded" else 0):
                    strangers_round(machine, broker, options, samples, name)


@contextlib.contextmanager
def strangers_at(broker, count):
    """Half of them at each listener, in processes of their own."""
    program = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support", "strangers.py")
    both = ((broker.port, "/bench/resources/plans", "bench"), (broker.admin_port, "/v1/services", "admin")) if count else ()
    crowds = [subprocess.Popen(["/usr/bin/python3", program, "--port", str(port), "--count", str(count // 2), "--path", path, "--user",
                                user, "--hosts", ",".join(map(str, range(10, 30)))], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
              for port, path, user in both]
    try:
        if count:  # the kernel shows a connection only once it has something to say, or its patience is over
            wait_until("the strangers are there", lambda: present_strangers(broker) > count * 9 // 10)
            time.sleep(3)
        yield
    finally:
        for crowd in crowds:
            crowd.stdin.close()
            crowd.wait(60)


def present_strangers(broker):
    text = ask(broker, "/metrics", port=broker.admin_port)
    return sum(float(value) for value in re.findall(r"^tsuru_broker_http_strangers{[^}]*} ([0-9.e+]+)$", text, re.M))


def strangers_round(machine, broker, options, samples, name):
    for what, server, path in (("tsuru's calls", broker, READS["status"]), ("/ready", Operators(broker), "/ready")):
        samples.progress(f"{what}, {name}")
        report = load(machine, server, ("GET", path, ""), clients=4, seconds=options.seconds)
        step = report["steps"][0]
        samples.add(f"{what} beside {STRANGERS:,} strangers", 4, name, rate=report["rate"], p50_us=step["p50_us"],
                    p99_us=step["p99_us"], failed=report["failed"])
        settle()


# ---- recovery ----

def recovery(machine, options, samples):
    """50,000 creates that were acknowledged while Redis was down, a kill -9, and then both come back."""
    for _ in range(min(options.rounds, 3)):
        recover(machine, options, samples)


def redis_service(port):
    return {"name": "bench", "driver": "redis", "password": PASSWORD, "wait": "0s", "retry_for": "1d",
            "servers": [{"name": "main", "url": f"redis://default:{PASSWORD}@127.0.0.1:{port}", "parallel": 64,
                         "connections": 64}],
            "plans": [{"name": "small", "description": "a prefix"}]}


def recover(machine, options, samples):
    port = free_port()
    broker = Broker(machine, services=[redis_service(port)]).start()
    with running(broker):
        samples.progress(f"{options.pending} pending operations")
        load(machine, broker, ("POST", "/resources", create_body("i%d")), clients=256, requests=options.pending)
        broker.process.end(signal.SIGKILL)
        directory = machine.directory("redis")
        redis = Process(["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--dir", directory, "--save", "",
                         "--requirepass", PASSWORD, "--loglevel", "warning"], stdout=subprocess.DEVNULL)
        try:
            begin = time.monotonic()
            broker.start()
            ask(broker, "/resources/plans")
            samples.add("recovery", options.pending, broker.name, first_answer_ms=(time.monotonic() - begin) * 1000)
            wait_until("all is done", lambda: pending(broker) == 0, timeout=600)
            samples.add("recovery", options.pending, broker.name, all_done_s=time.monotonic() - begin,
                        own_mb=broker.process.memory() / 2**20)
        finally:
            redis.end()
            shutil.rmtree(directory)


def measured(broker, name):
    """The sum of a metric."""
    text = ask(broker, "/metrics", port=broker.admin_port)
    return sum(float(value) for value in re.findall(rf"^tsuru_broker_{name}{{[^}}]*}} ([0-9.e+]+)$", text, re.M))


def pending(broker):
    return measured(broker, "operations_pending")


# ---- turns of the loop ----

def longest_turns(machine, options, samples):
    """The longest turn of the loop with 64 binds at once, and beside rogue servers of each driver."""
    import turns  # pylint: disable=import-outside-toplevel

    turns.measure(machine, options, samples, loop_stall)


def shared_store(machine, options, samples):
    import shared  # pylint: disable=import-outside-toplevel

    shared.measure(machine, options, samples, create_body, in_turn)


def replicas(machine, options, samples):
    import several  # pylint: disable=import-outside-toplevel

    several.measure(machine, options, samples, create_body, ask, in_turn)


CASES = {"reads": reads, "creates": creates, "shared": shared_store, "replicas": replicas, "beside": reads_beside_writes, "binds": binds, "hostile": hostile,
         "size": size, "connections": connections, "strangers": strangers, "recovery": recovery,
         "turns": longest_turns}
