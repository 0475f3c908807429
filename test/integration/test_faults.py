"""The network between the broker and each driver's real server fails (test/support/proxy.py): at every moment that a fault can
choose the broker goes on answering, acknowledges nothing that is not so, and all converges when the fault is over.

One broker serves a service for each moment of a fault, each through a proxy of its own, side by side.
"""

import concurrent.futures
import re
import statistics
import threading
import time

import pytest

from backends import BACKENDS, PASSWORD, configuration
from harness import Tsuru, closing, wait_until
from proxy import CONNECT, KINDS, SURVIVABLE, Fault, Proxy

MOMENTS = [CONNECT, 0, 1, 3, 6]  # answers that pass on each connection before the fault
SHORT = {"wait": "1s", "bind_wait": "1s", "attempt_timeout": "6s"}
PATIENT = {"wait": "60s", "bind_wait": "60s", "attempt_timeout": "60s"}  # slow is no failure
LIMIT = 1 + 30  # seconds until a call is answered: its wait, and what a busy machine adds; one that waits for the server has no end
PROMPT = 1      # seconds until what needs no server is answered: less than what waits for one
SESSIONS = 32  # connections at most: two for each that a driver may use


class Flow:
    """One service's way through the fault: what there was before, what is asked meanwhile, what has to be at the end."""

    def __init__(self, backend, name, fault):
        self.backend = backend
        self.name = name
        self.fault = fault
        self.proxy = Proxy(backend.port())
        self.tsuru = None
        self.envs = {}
        self.acknowledged = {}
        self.close = self.proxy.close

    def service(self):
        patience = PATIENT if self.fault.kind in SURVIVABLE else SHORT
        return {**self.backend.through(self.name, self.proxy.port), **patience}

    def prepare(self):
        for name in ("bound", "unbound", "changed", "removed"):
            assert self.tsuru.create(name, "small").status == 201
            wait_until(f"{name} is made", lambda name=name: self.tsuru.is_up(name))
        for name in ("unbound", "changed", "removed"):
            self.envs[name] = self.bind_at_last(name)

    def bind_at_last(self, name):
        """tsuru's user, told to repeat it, does."""
        return wait_until(f"{name} is bound", lambda: (answer := self.tsuru.bind(name, "shop")).status == 201 and answer.json)

    # ---- while the fault is on ----

    def asked(self):
        return [lambda: self.tsuru.create("new", "small"), lambda: self.tsuru.bind("bound", "shop"),
                lambda: self.tsuru.unbind("unbound", "shop"), lambda: self.tsuru.update("changed", "large"),
                lambda: self.tsuru.remove("removed")]

    def call(self, ask):
        begin = time.monotonic()
        answer = ask()
        return answer, time.monotonic() - begin

    def suffer(self, pool):
        """Asks for one of everything and judges the answers."""
        self.proxy.fault = self.fault
        calls = [pool.submit(self.call, ask) for ask in self.asked()]
        answers, times = zip(*(call.result() for call in calls))
        if self.fault.kind in SURVIVABLE:
            assert [answer.status for answer in answers] == [201, 201, 200, 200, 200], (self.name, answers)
        else:
            assert max(times) < LIMIT, (self.name, times)
        create, bind, *others = answers
        assert create.status == 201, (self.name, create)
        assert [answer.status for answer in others] == [200, 200, 200], (self.name, others)
        if bind.status == 201:
            self.envs["bound"] = bind.json
        else:
            assert bind.status == 503 and "repeat" in bind.message and len(bind.message) < 500, (self.name, bind)
        self.check_claims()

    def check_claims(self):
        """Whatever is said to be so, is."""
        tsuru = self.tsuru
        if tsuru.is_up("new"):
            assert tsuru.described("new")["Name on the server"] in self.backend.objects()[0], self.name
        if "bound" in self.envs:
            assert self.backend.works(self.envs["bound"]), self.name
        for name in ("unbound", "removed"):
            if self.has_ended(name):
                assert self.backend.refused(self.envs[name]), (self.name, name)
        assert self.backend.works(self.envs["changed"]), self.name

    def has_ended(self, name):
        answer = self.tsuru.send("GET", f"/resources/{name}/operations")
        return answer.status == 404 or all(one["state"] == "done" for one in answer.json)

    # ---- after it ----

    def is_dead(self, name):
        try:
            return self.backend.refused(self.envs[name])
        except Exception:  # pylint: disable=broad-except  # each client has its own: its session was ended just now
            return False

    def converge(self):
        tsuru = self.tsuru
        self.proxy.fault = None
        env = self.bind_at_last("bound")
        assert self.backend.works(env), self.name
        for name in ("new", "bound", "unbound", "changed"):
            wait_until(f"{self.name}: {name} is up", lambda name=name: tsuru.is_up(name))
        wait_until(f"{self.name}: the plan is reached", lambda: tsuru.described("changed")["Plan in force"] == "large")
        wait_until(f"{self.name}: the removed one is gone", lambda: tsuru.info("removed").status == 404)
        for name in ("unbound", "removed"):
            wait_until(f"{self.name}: the login of {name} is dead", lambda name=name: self.is_dead(name))
        assert self.backend.works(self.envs["changed"]) and self.backend.works(self.bind_at_last("new")), self.name
        for name in ("new", "bound", "unbound", "changed"):
            assert tsuru.remove(name).status == 200
        for name in ("new", "bound", "unbound", "changed"):
            wait_until(f"{self.name}: {name} is removed", lambda name=name: tsuru.info(name).status == 404)

    def counted(self):
        """Connections as the broker says; None where its driver does not count."""
        found = re.search(rf'tsuru_broker_server_connections{{service="{self.name}",server="main"}} (\d+)',
                          self.tsuru.broker.admin("/metrics").body)
        return int(found[1])


@pytest.fixture(scope="module", params=[kind for kind in BACKENDS if kind.wire], ids=lambda kind: kind.name)
def backend(request):
    """Each driver's server that is reached over a network."""
    server = request.param()
    server.start()
    yield server
    server.close()


def check_prompt(flows, over):
    """Plans, info and status of every service, until it is over."""
    times = []
    while not over.is_set() or len(times) < 20:
        for flow in flows:
            begin = time.monotonic()
            assert flow.tsuru.plans().status == 200
            assert flow.tsuru.info("changed").status == 200
            assert flow.tsuru.status("changed").status in (202, 204) or flow.tsuru.why_down("changed")
            times.append((time.monotonic() - begin) / 3)
    assert statistics.median(times) < PROMPT, statistics.median(times)


def check_connections(backend, flows):
    """None is leaked: the proxy sees those that the driver counts, and none more than it may have."""
    for flow in flows:
        wait_until(f"{flow.name}: {flow.proxy.open()} connections are open, the broker counts {flow.counted()}",
                   lambda flow=flow: flow.proxy.open() == flow.counted())
        assert flow.proxy.open() <= SESSIONS, flow.name


@pytest.mark.parametrize("kind", KINDS)
def test_a_fault_and_its_end(start_broker, backend, kind):
    before = backend.objects()
    moments = [CONNECT] if kind in SURVIVABLE else MOMENTS
    flows = [Flow(backend, f"s{i}", Fault(kind, after)) for i, after in enumerate(moments)]
    with closing(*flows), concurrent.futures.ThreadPoolExecutor(8 * len(flows)) as pool:
        broker = start_broker(configuration(*(flow.service() for flow in flows)))
        for flow in flows:
            flow.tsuru = Tsuru(broker, flow.name, PASSWORD)
        list(pool.map(Flow.prepare, flows))
        over = threading.Event()
        watch = pool.submit(check_prompt, flows, over)
        try:
            list(pool.map(lambda flow: flow.suffer(pool), flows))
        finally:
            over.set()
        watch.result()
        for flow in flows:
            wait_until(f"{flow.name} met its fault", lambda flow=flow: flow.proxy.hits)
        list(pool.map(Flow.converge, flows))
        wait_until("nothing is left on the server", lambda: backend.objects() == before)
        check_connections(backend, flows)
        broker.stop()
        wait_until("every connection is closed", lambda: not any(flow.proxy.open() for flow in flows))


def lose_a_release(start_broker, flow, service):
    """The fault meets what gives an instance's lock back after a call; the next call has to get it all the same."""
    broker = start_broker(configuration(service))
    flow.tsuru = tsuru = Tsuru(broker, flow.name, PASSWORD)
    assert tsuru.create("removed", "small").status == 201
    wait_until("removed is made", lambda: tsuru.is_up("removed"))
    flow.proxy.fault = flow.fault
    flow.bind_at_last("removed")
    wait_until("the release is lost", lambda: flow.proxy.hits)
    flow.proxy.fault = None
    assert tsuru.remove("removed").status == 200
    wait_until("removed is gone", lambda: tsuru.info("removed").status == 404)
    return broker


def test_a_lock_of_a_session_that_the_network_lost(start_broker, backend):
    """The server hears nothing of the session's end: it ends it by itself, and the instance is free again."""
    if not backend.ends_silent:
        pytest.skip("its server ends sessions by the probes of TCP, or there is no lock")
    flow = Flow(backend, "s0", Fault("gone", at=backend.unlocks))
    service = flow.service()
    service["servers"][0]["idle"] = "1s"
    with closing(flow):
        lose_a_release(start_broker, flow, service).stop()


def test_a_lock_whose_release_is_lost(start_broker, backend):
    """The session that holds it is given up: neither the instance nor the session's place waits for it for ever."""
    if backend.unlocks is None:
        pytest.skip("its driver takes no locks")
    flow = Flow(backend, "s0", Fault("half-open", at=backend.unlocks))
    with closing(flow):
        broker = lose_a_release(start_broker, flow, flow.service())
        check_connections(backend, [flow])
        broker.stop()
