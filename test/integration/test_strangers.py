"""Strangers, clients without a password, by the hundreds on both listeners: tsuru, operators and probes are not refused
anything, and guesses are bounded whatever connections they come on."""

import base64
import collections
import contextlib
import http.client
import os
import re
import resource
import select
import signal
import socket
import threading
import time

import pytest

from arrival import arrived, told_before
from harness import TIMEOUT, Broker, Tsuru, scripted_service, wait_until
from strangers import BARE, GUESS, IDLE, KINDS, SLOW, Strangers

ROUNDS = 40  # of what tsuru and probes ask, while strangers are there
HOSTS = range(10, 20)
FREE = 10        # guesses in a row that are compared at once, see src/http/throttle.h
FIRST_ONES = 6   # and those until they are 2 s apart
AHEAD = 6        # and those that have their moment when the time is over
BARE_RATE = 10   # answers at once in a second to an address that shows no password
HOLD = 2         # seconds until the others, see src/http/login.h
UNHURRIED = "limits: {request_timeout: 10m}\n"  # for requests that a test ends when all of them are there


class Open(Broker):
    """A broker with other keys at its top level, and operators on a socket file if need be."""

    def __init__(self, directory, more="", admin=None, services="", environment=None):  # pylint: disable=too-many-arguments
        self.more, self.operators = more, admin
        super().__init__(scripted_service(directory, "x") + services, environment=environment)

    def write_config(self, services, limits=""):
        admin = self.operators or f"'127.0.0.1:{self.admin_port}', password: operate"
        with open(self.config, "w", encoding="utf-8") as file:
            file.write(f"listen: 127.0.0.1:0\nadmin: {{listen: {admin}}}\ndata_dir: {self.data}\n{self.more}{limits}services:\n{services}")


@pytest.fixture(autouse=True)
def descriptors():
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.fixture
def start(tmp_path):
    brokers = []

    def begin(more="", **options):
        brokers.append(Open(tmp_path, more, **options))
        return brokers[-1].start()

    yield begin
    for broker in brokers:
        broker.close()


def ask(port, path, user=None, host=1, headers=None):
    """A request from 127.0.0.host on a connection of its own; its status, or what went wrong."""
    sent = {"Connection": "close", **(headers or {})}
    if user:
        sent["Authorization"] = "Basic " + base64.b64encode(user.encode()).decode()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT, source_address=(f"127.0.0.{host}", 0))
    try:
        connection.request("GET", path, headers=sent)
        response = connection.getresponse()
        response.read()
        return response.status
    except OSError as error:
        return repr(error)
    except http.client.HTTPException as error:
        return repr(error)
    finally:
        connection.close()


def ask_all(broker, told):
    """What tsuru, operators and probes ask."""
    told["tsuru", ask(broker.port, "/scripted/resources/plans", "scripted:x")] += 1
    told["operators", ask(broker.admin_port, "/v1/services", "admin:operate")] += 1
    for path in ("/ready", "/health", "/metrics"):
        told[path, ask(broker.admin_port, path)] += 1


def expect_no_refusal(broker, rounds=ROUNDS):
    told = collections.Counter()
    for _ in range(rounds):
        ask_all(broker, told)
    assert told == {(who, 200): rounds for who in ("tsuru", "operators", "/ready", "/health", "/metrics")}, told


def metric(broker, name, **labels):
    wanted = ",".join(f'{key}="{value}"' for key, value in labels.items())
    found = re.search(rf"^tsuru_broker_{name}{{{re.escape(wanted)}}} ([0-9.e+]+)$", broker.admin("/metrics").body, re.M)
    return float(found[1]) if found else 0


def floods(broker, count, **options):
    """Strangers on both listeners."""
    both = contextlib.ExitStack()
    both.enter_context(Strangers(broker.port, count, path="/scripted/resources/plans", user="scripted", **options))
    both.enter_context(Strangers(broker.admin_port, count, path="/v1/services", **options))
    return both


def expect_strangers(broker, count):
    for listener in ("service", "admin"):
        wait_until(f"{count} strangers are at the listener {listener}",
                   lambda name=listener: metric(broker, "http_strangers", listener=name) >= count)


def test_hundreds_of_strangers_keep_nobody_out(start):
    """Idle ones, slow ones, guessing ones and such as show no password, all within the limits."""
    broker = start()
    with floods(broker, 600, hosts=HOSTS):
        expect_strangers(broker, 500)
        wait_until("guesses wait", lambda: metric(broker, "http_logins_waiting", listener="service") > 100)
        expect_no_refusal(broker)
        wait_until("guesses wait there, too", lambda: metric(broker, "http_logins_waiting", listener="admin") > 0)


def readable(sockets):
    poll = select.poll()
    for one in sockets:
        poll.register(one, select.POLLIN)
    return poll.poll(0)


@pytest.mark.parametrize("kind", [IDLE, SLOW])
def test_the_oldest_makes_room_for_the_newest(start, kind):
    """Far more strangers than may be connected, from so many addresses that no address has too many."""
    broker = start("limits: {connections: 150, strangers: 100, strangers_per_address: 40}\n")
    with floods(broker, 400, kinds=(kind,), hosts=HOSTS, again=False):
        wait_until("some were closed", lambda: metric(broker, "http_strangers_closed_total", listener="admin") > 200)
        expect_no_refusal(broker)
        wait_until("no more than the limit are left", lambda: metric(broker, "http_strangers", listener="service") <= 100)
        assert metric(broker, "http_connections", listener="service") <= 150


def test_one_address_has_no_more_than_its_share(start):
    broker = start("limits: {strangers_per_address: 50, request_timeout: 10m}\n")
    others = [socket.create_connection(("127.0.0.1", port), source_address=("127.0.0.30", 0)) for port in (broker.port, broker.admin_port)]
    for one in others:
        one.sendall(b"GET ")
    with floods(broker, 300, kinds=(SLOW,), again=False):
        wait_until("all but its share are closed", lambda: metric(broker, "http_strangers_closed_total", listener="service") == 250)
        expect_no_refusal(broker, 5)
    for one, login in zip(others, ("c2NyaXB0ZWQ6eA==", "YWRtaW46b3BlcmF0ZQ==")):  # those of another one were not touched
        path = "/scripted/resources/plans" if one is others[0] else "/v1/services"
        one.sendall(f"{path} HTTP/1.1\r\nHost: x\r\nAuthorization: Basic {login}\r\n\r\n".encode())
        one.settimeout(TIMEOUT)
        assert one.recv(100).startswith(b"HTTP/1.1 200")
        one.close()


def test_who_logged_in_stays(start):
    """Kept connections of tsuru's, idle among strangers, are not closed for these."""
    broker = start("limits: {connections: 100, strangers: 20}\n")
    kept = [http.client.HTTPConnection("127.0.0.1", broker.port, timeout=TIMEOUT) for _ in range(30)]
    login = {"Authorization": "Basic c2NyaXB0ZWQ6eA=="}

    def use(one):
        one.request("GET", "/scripted/resources/plans", headers=login)
        response = one.getresponse()
        response.read()
        return response.status

    assert {use(one) for one in kept} == {200}
    numbers = [one.sock.fileno() for one in kept]
    with floods(broker, 200, hosts=HOSTS, again=False):
        wait_until("some were closed", lambda: metric(broker, "http_strangers_closed_total", listener="service") > 100)
        assert {use(one) for one in kept} == {200}
        assert [one.sock.fileno() for one in kept] == numbers  # http.client would have connected again
    for one in kept:
        one.close()


@pytest.mark.parametrize("which", ["service", "admin"])
def test_guesses_are_bounded_by_address(start, which):
    """From each of three addresses hundreds of connections guess: what is compared is what one connection could have."""
    broker = start()
    port, path, user = ((broker.port, "/scripted/resources/plans", "scripted") if which == "service" else
                        (broker.admin_port, "/v1/services", "admin"))
    begin = time.monotonic()
    with contextlib.ExitStack() as all_of:
        crowds = [all_of.enter_context(Strangers(port, 150, kinds=(GUESS,), hosts=(host,), path=path, user=user)) for host in (40, 41, 42)]
        wait_until("each was told", lambda: all(crowd.told["429"] > 200 for crowd in crowds))
        expect_no_refusal(broker, 5)
    seconds = time.monotonic() - begin
    for crowd in crowds:
        assert set(crowd.told) <= {"401", "429", "closed"}, crowd.told
        assert FREE <= crowd.told["401"] <= FREE + FIRST_ONES + seconds / 2 + 1, (crowd.told, seconds)
    most = 3 * (FREE + FIRST_ONES + AHEAD + seconds / 2)
    assert metric(broker, "http_logins_refused_total", listener=which, reason="wrong") <= most


def test_who_shares_tsurus_address_does_not_slow_tsuru(start):
    """tsuru has logged in from the address, and strangers of it guess: tsuru is answered, on new connections, too."""
    broker = start()
    assert ask(broker.port, "/scripted/resources/plans", "scripted:x") == 200
    assert ask(broker.admin_port, "/v1/services", "admin:operate") == 200
    with floods(broker, 200, kinds=(GUESS,), hosts=(1,)) as _:
        wait_until("guesses wait", lambda: metric(broker, "http_logins_waiting", listener="service") > 150)
        expect_no_refusal(broker)


@pytest.mark.parametrize("which", ["service", "admin"])
def test_who_shows_no_password_is_slowed(start, which):
    """Hundreds of connections of an address ask again at once: most wait for their answer, and who shows the password does not."""
    broker = start()
    port, path, login = ((broker.port, "/scripted/resources/plans", "scripted:x") if which == "service" else
                         (broker.admin_port, "/v1/services", "admin:operate"))
    begin = time.monotonic()
    with Strangers(port, 300, kinds=(BARE,), hosts=(43,), path=path) as crowd:
        wait_until("they wait", lambda: metric(broker, "http_logins_waiting", listener=which) > 200)
        assert ask(port, path, host=44) == 401  # a browser's or curl's first one
        expect_no_refusal(broker, 5)
        wait_until("each was told", lambda: crowd.told["401"] > 600)
        told, seconds = dict(crowd.told), time.monotonic() - begin
        assert ask(port, path, login, host=43) == 200
    assert set(told) == {"401"} and told["401"] <= FREE + BARE_RATE * seconds + 300 * (seconds / HOLD + 1), (told, seconds)


def test_who_logged_in_and_shows_no_password_is_not_slowed(start):
    """Clients that log in only when they are asked to, again and again."""
    broker = start()
    for _ in range(3 * FREE):
        assert ask(broker.port, "/scripted/resources/plans", host=45) == 401
        assert metric(broker, "http_logins_waiting", listener="service") == 0
        assert ask(broker.port, "/scripted/resources/plans", "scripted:x", host=45) == 200


@pytest.mark.parametrize("which", ["service", "admin"])
def test_a_turn_looks_at_some_of_the_strangers(start, which):
    """What 1,500 kept connections ask is all here at one moment, with tsuru's or a probe's behind it."""
    broker = start(UNHURRIED)
    port, path, good, login = ((broker.port, "/nothing", "/scripted/resources/plans", "Authorization: Basic c2NyaXB0ZWQ6eA==\r\n")
                               if which == "service" else (broker.admin_port, "/health", "/ready", ""))
    begun = f"GET {path} HTTP/1.1\r\nHost: x\r\n".encode()
    held = [connect(port, 10 + number % 10) for number in range(1500)]
    for one in held:
        one.sendall(begun)
    with connect(port, 1) as caller:
        for _ in range(2):
            caller.sendall(f"GET {good} HTTP/1.1\r\nHost: x\r\n{login}\r\n".encode())
            assert caller.recv(8192).startswith(b"HTTP/1.1 200")
        wait_until("all are there", lambda: metric(broker, "http_strangers", listener=which) >= 1500)
        broker.process.send_signal(signal.SIGSTOP)
        try:
            for one in held:
                one.sendall(b"\r\n")
            caller.sendall(f"GET {good} HTTP/1.1\r\nHost: x\r\n{login}\r\n".encode())
        finally:
            broker.process.send_signal(signal.SIGCONT)
        assert caller.recv(8192).startswith(b"HTTP/1.1 200")
        told = told_before(arrived(caller), held)
    assert told < 1000, told
    wait_until("all are answered", lambda: len(readable(held)) == 1500)
    for one in held:
        assert one.recv(12) == (b"HTTP/1.1 503" if which == "service" else b"HTTP/1.1 200")
        one.close()


def test_addresses_that_logged_in_go_first(start):
    """Strangers have an address each. tsuru, who was here before, comes on another connection."""
    broker = start(UNHURRIED)
    assert ask(broker.port, "/scripted/resources/plans", "scripted:x") == 200
    held = [connect(broker.port, 1 + number % 250, 10 + number // 250) for number in range(1500)]
    for one in held:
        one.sendall(b"GET /nothing HTTP/1.1\r\n")
    with connect(broker.port, 1) as caller:
        caller.sendall(b"GET /scripted/resources/plans HTTP/1.1\r\n")
        wait_until("all are there", lambda: metric(broker, "http_strangers", listener="service") >= 1501)
        broker.process.send_signal(signal.SIGSTOP)
        try:
            for one in held:
                one.sendall(b"Host: x\r\n\r\n")
            caller.sendall(b"Host: x\r\nAuthorization: Basic c2NyaXB0ZWQ6eA==\r\n\r\n")
        finally:
            broker.process.send_signal(signal.SIGCONT)
        assert caller.recv(8192).startswith(b"HTTP/1.1 200")
        told = told_before(arrived(caller), held)
    assert told < 1000, told
    for one in held:
        one.close()


def test_guesses_at_one_service_do_not_slow_another(tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    broker = Broker(scripted_service(tmp_path, "x") + scripted_service(other, "y").replace("scripted", "second", 1)).start()
    try:
        with Strangers(broker.port, 50, kinds=(GUESS,), path="/scripted/resources/plans", user="scripted") as crowd:
            wait_until("it is slowed down", lambda: crowd.told["429"] > 0)
            assert ask(broker.port, "/second/resources/plans", "second:y", host=2) == 200
    finally:
        broker.close()


def test_what_guessed_before_waits_for_its_turn(start):
    """A right password from an address that has only failed so far is let in at its moment, not before."""
    broker = start()
    for _ in range(FREE):
        assert ask(broker.port, "/scripted/resources/plans", "scripted:wrong", host=50) == 401
    assert ask(broker.port, "/scripted/resources/plans", "scripted:x", host=50) == 200
    assert ask(broker.port, "/scripted/resources/plans", "scripted:wrong", host=50) == 401


def through(broker, client, user, host=60, header="X-Forwarded-For"):
    return ask(broker.port, "/scripted/resources/plans", user, host, {header: client})


def test_trusted_proxies(start, tmp_path):
    broker = start("trusted_proxies: [127.0.0.60, 10.0.0.0/8]\n")
    assert through(broker, "192.0.2.1", "scripted:x") == 200
    assert through(broker, 'for="[2001:db8::1]:80"', "scripted:x", header="Forwarded") == 200
    assert through(broker, "192.0.2.66", "scripted:x", host=61) == 200  # nobody's proxy
    log = broker.log()
    assert "peer=192.0.2.1 " in log and "peer=2001:db8::1 " in log and "192.0.2.66" not in log and "peer=127.0.0.61:" in log
    with Strangers(broker.port, 60, kinds=(GUESS,), hosts=(60,), path="/scripted/resources/plans", user="scripted",
                   headers="X-Forwarded-For: 198.51.100.1, 192.0.2.7, 10.1.1.1\r\n") as crowd:  # one client of the proxy
        wait_until("it is slowed down", lambda: crowd.told["429"] > 20)
        assert {through(broker, "192.0.2.8", "scripted:x") for _ in range(10)} == {200}
    # By a reload they are others: now 127.0.0.60 is one client, and what it says is not heard.
    broker.more = "trusted_proxies: 127.0.0.62\n"
    assert "reloaded" in broker.reload(scripted_service(tmp_path, "x"))
    begin = len(broker.log())
    assert through(broker, "192.0.2.9", "scripted:x") == 200
    assert through(broker, "192.0.2.10", "scripted:x", host=62) == 200
    assert "peer=192.0.2.9 " not in broker.log()[begin:] and "peer=192.0.2.10 " in broker.log()[begin:]


def test_connections_of_a_proxy_are_not_one_address(start):
    broker = start("trusted_proxies: 127.0.0.60\nlimits: {strangers_per_address: 20}\n")
    with Strangers(broker.port, 100, kinds=(SLOW,), hosts=(60,), again=False):
        wait_until("all are connected", lambda: metric(broker, "http_strangers", listener="service") == 100)
        assert through(broker, "192.0.2.1", "scripted:x") == 200
    assert metric(broker, "http_strangers_closed_total", listener="service") == 0


def test_operators_on_a_socket_file(start, tmp_path):
    """Idle strangers at the socket file do not keep probes and operators from it."""
    path = str(tmp_path / "ops.sock")
    broker = start("limits: {strangers: 30}\n", admin=f"'unix:{path}'")
    with Strangers(path, 200, kinds=(IDLE,), again=False) as crowd:
        wait_until("some were closed", lambda: crowd.told["closed"] >= 170)
        for _ in range(10):
            one = socket.socket(socket.AF_UNIX)
            one.settimeout(TIMEOUT)
            one.connect(path)
            one.sendall(b"GET /ready HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            assert one.recv(100).startswith(b"HTTP/1.1 200")
            one.close()
        assert broker.ctl("health", "--json")


def test_limits_fit_under_the_files_of_the_process(tmp_path):
    """With 300 files there are fewer connections, which the log says; strangers do not take the files of anybody else."""
    broker = Open(tmp_path)
    broker.prefix = ["prlimit", "--nofile=300:300"]
    try:
        broker.start()
        assert re.search(r"level=warning .*event=connections-lowered files=300 connections=1\d\d admin_connections=\d\d ",
                         broker.log())
        with floods(broker, 400, kinds=(SLOW,), hosts=HOSTS, again=False):
            wait_until("some were closed", lambda: metric(broker, "http_strangers_closed_total", listener="service") > 200)
            expect_no_refusal(broker, 10)
            assert len(os.listdir(f"/proc/{broker.process.pid}/fd")) < 250
            tsuru = Tsuru(broker, "scripted", "x")
            assert tsuru.create("one").status == 201
    finally:
        broker.close()


def post(path, length, body=b"", user="scripted:wrong", more=""):
    guess = base64.b64encode(user.encode()).decode()
    size = "Transfer-Encoding: chunked" if length is None else f"Content-Length: {length}"
    return (f"POST {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Basic {guess}\r\n{size}\r\n"
            f"Content-Type: application/x-www-form-urlencoded\r\n{more}\r\n").encode() + body


def connect(port, host, network=0):
    one = socket.create_connection(("127.0.0.1", port), source_address=(f"127.0.{network}.{host}", 0))
    one.settimeout(TIMEOUT)
    return one


@pytest.mark.parametrize("chunked", [False, True], ids=["counted", "chunked"])
def test_bodies_of_strangers_are_not_kept(start, chunked):
    """Hundreds at each listener send a body of 1 MiB but its last bytes. One of whom a password is known is read."""
    broker = start()
    part = b"x" * 1_000_000
    before = broker.memory()
    held = []
    for number in range(300):
        port, path = ((broker.port, "/scripted/resources"), (broker.admin_port, "/v1/services"))[number % 2]
        held.append(connect(port, 10 + number % 10))
        with contextlib.suppress(ConnectionError):
            held[-1].sendall(post(path, None if chunked else 1048576, (b"100000\r\n" if chunked else b"") + part))
    wait_until("they are answered before their end", lambda: sum(
        metric(broker, "http_logins_refused_total", listener="admin", reason=why) for why in ("wrong", "early")) >= 100)
    assert broker.memory() - before < 48 << 20
    assert Tsuru(broker, "scripted", "x").create("one", unknown="x" * 900_000).status == 201
    for one in held:
        one.close()


def test_heads_of_strangers_have_a_measure(start):
    """Thousands send 60 kB of a head and then wait. One that is sent in one go is read, as large as it is."""
    broker = start(environment={"ASAN_OPTIONS": "exitcode=86:quarantine_size_mb=8"})
    before = broker.memory()
    held = []
    for number in range(3000):
        port, path = ((broker.port, "/scripted/resources"), (broker.admin_port, "/v1/services"))[number % 2]
        held.append(connect(port, 10 + number % 10))
        begin = f"GET {path} HTTP/1.1\r\nHost: x\r\n" if number % 4 < 2 else post(path, 10).decode()[:-2]
        with contextlib.suppress(ConnectionError):
            held[-1].sendall(begin.encode() + b"X: " + b"x" * 60_000 + (b"" if number % 4 < 2 else b"\r\n\r\nx"))
        if number % 500 == 0:
            for to, site, user in ((broker.port, "/scripted/resources/plans", "scripted:x"), (broker.admin_port, "/v1/services", "admin:operate")):
                assert ask(to, site, user, headers={"X-Large": "x" * 60_000}) == 200
    wait_until("the first of them were told", lambda: metric(broker, "http_requests_total", listener="admin", route="none", code="408") > 500)
    assert broker.memory() - before < 192 << 20
    for one in held:
        one.close()


def test_a_body_is_not_read_before_its_logins_turn(start):
    """Its password is right, but its address has to wait: that is told, and it is read when it comes again."""
    broker = start()
    for _ in range(FREE):
        assert ask(broker.port, "/scripted/resources/plans", "scripted:wrong", host=51) == 401
    body = b"name=two&team=t&unknown=" + b"x" * 100_000
    with connect(broker.port, 51) as one:
        one.sendall(post("/scripted/resources", len(body), b"", "scripted:x", "Expect: 100-continue\r\n"))
        assert b"a body of this size" in one.makefile("rb").read()
    with connect(broker.port, 51) as one:
        one.sendall(post("/scripted/resources", len(body), b"", "scripted:x", "Expect: 100-continue\r\nConnection: close\r\n"))
        assert one.recv(100).startswith(b"HTTP/1.1 100")
        one.sendall(body)
        assert one.makefile("rb").read().startswith(b"HTTP/1.1 201")


def test_who_lingers_makes_way(start):
    """Those that were refused while they send are kept for a moment: they take nobody's place."""
    broker = start("limits: {connections: 100, strangers: 80}\n")
    held = []
    over = threading.Event()

    def come(port):
        while not over.is_set():
            with contextlib.suppress(OSError):
                held.append(connect(port, 10 + len(held) % 10))
                held[-1].sendall(post("/", 2_000_000))
            time.sleep(0.002)

    crowds = [threading.Thread(target=come, args=(port,)) for port in (broker.port, broker.admin_port)]
    for crowd in crowds:
        crowd.start()
    try:
        wait_until("there were hundreds", lambda: len(held) > 800)
        expect_no_refusal(broker, 20)
    finally:
        over.set()
        for crowd in crowds:
            crowd.join()
    for one in held:
        one.close()


def test_open_answers_take_a_share_of_the_time(start):
    """However many ask for what needs no password: it is made for some of them, and the others get the same."""
    broker = start(services="".join(f"  - {{name: s{number}, driver: shared, password: x, plans: [{{name: one, description: a, env: {{X: y}}}}]}}\n"
                                    for number in range(300)))
    with connect(broker.admin_port, 10) as one:
        one.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n" * 299 + b"GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        answers = [answer.split(b"\r\n\r\n", 1)[1] for answer in one.makefile("rb").read().split(b"HTTP/1.1 200 OK")[1:]]
    assert len(answers) == 300 and len(set(answers)) < 150  # each would count the one before
    # Who asks now and then has what is now: a multiple of what an answer cost later, on a busy machine, too.
    wait_until("an answer is new", lambda: metric(broker, "http_requests_total", listener="admin", route="metrics", code="200") >= 300)


def test_kinds_are_complete():
    assert set(KINDS) == {IDLE, SLOW, GUESS, BARE}
