"""Every driver on its real server, through the whole contract and the sequences that tsuru creates (docs/tsuru.md).

What a driver brings for this is a class in test/support/backends.py. Faults that no real server has at will (an answer
that is lost, a refusal at one moment) are in test_sequences.py, on the scripted driver.
"""

import concurrent.futures
import os
import re
import secrets
import statistics
import time

import pytest

from backends import BACKENDS, PASSWORD, configuration
from harness import Tsuru, closing, removed, wait_until

SECONDS = float(os.environ.get("SECONDS", "5"))  # that all drivers work side by side
WORKERS = 64


@pytest.fixture
def tsuru(start_broker, backend):
    """tsuru, for a service of the backend; at the end nothing of the test may be left on the server."""
    before = backend.objects()
    yield Tsuru(start_broker(configuration(patient(backend.service("s")))), "s", PASSWORD)
    wait_until("nothing is left on the server", lambda: backend.objects() == before)


def patient(service):
    """The service, of which what is asked is answered when it is done, also by a machine that takes long."""
    service["servers"][0].pop("connect_timeout", None)
    return {**service, "wait": "120s"}


def place(tsuru, name):
    """The instance's name on the server."""
    return tsuru.described(name)["Name on the server"]


# ---- the contract ----


@pytest.mark.parametrize("encoding", ["form", "json"])
def test_a_life(tsuru, backend, encoding):
    tsuru.encoding = encoding
    before_instances, before_logins = backend.objects()
    assert tsuru.create("mydb", "small").status == 201
    wait_until("it is up", lambda: tsuru.is_up("mydb"))
    assert backend.objects() == (before_instances | {place(tsuru, "mydb")}, before_logins)
    env = tsuru.bind("mydb", "shop").json
    assert all(isinstance(value, str) for value in env.values())
    assert backend.works(env)
    login, = backend.objects()[1] - before_logins
    assert login == tsuru.send("GET", "/resources/mydb/binds").json[0]["login"]
    assert tsuru.unbind("mydb", "shop").status == 200
    assert backend.refused(env)
    assert backend.objects()[1] == before_logins
    removed(tsuru, "mydb")
    assert backend.objects() == (before_instances, before_logins)


def test_content_outlives_binds_and_plans(tsuru, backend):
    tsuru.create("mydb", "small")
    first = tsuru.bind("mydb", "first").json
    second = tsuru.bind("mydb", "second").json
    backend.write(first, "colour", "red")
    assert backend.read(second, "colour") == "red"
    backend.write(second, "colour", "green")
    assert tsuru.update("mydb", "large").status == 200
    wait_until("the plan is reached", lambda: tsuru.described("mydb")["Plan in force"] == "large")
    assert backend.works(first) and backend.works(second)
    tsuru.unbind("mydb", "first")
    assert backend.refused(first)
    assert backend.read(second, "colour") == "green"
    assert backend.read(tsuru.bind("mydb", "first").json, "colour") == "green"
    assert tsuru.update("mydb", "small").status == 200
    assert backend.read(second, "colour") == "green"
    tsuru.remove("mydb")


def test_instances_do_not_see_each_other(tsuru, backend):
    tsuru.create("mine")
    tsuru.create("yours")
    mine, yours = tsuru.bind("mine", "shop").json, tsuru.bind("yours", "shop").json
    backend.write(mine, "colour", "red")
    assert backend.read(yours, "colour") is None
    backend.write(yours, "colour", "green")
    assert backend.read(mine, "colour") == "red"
    removed(tsuru, "mine")
    assert backend.refused(mine)
    assert backend.read(yours, "colour") == "green"
    tsuru.remove("yours")


def test_a_wrong_password_is_refused(tsuru, backend):
    """What the other tests take for a dead login is one that never had this password."""
    tsuru.create("mydb")
    env = tsuru.bind("mydb", "shop").json
    binds = tsuru.send("GET", "/resources/mydb/binds").json
    tsuru.unbind("mydb", "shop")
    again = tsuru.bind("mydb", "shop").json
    assert tsuru.send("GET", "/resources/mydb/binds").json[0]["login"] == binds[0]["login"]
    assert backend.works(again) and backend.refused(env)
    tsuru.remove("mydb")


def test_a_prefix_of_the_environment(tsuru, backend):
    tsuru.create("mydb")
    env = tsuru.bind("mydb", "shop", parameters={"env_prefix": "MAIN_"}).json
    assert env and all(name.startswith("MAIN_") for name in env)
    assert backend.works({name[len("MAIN_"):]: value for name, value in env.items()})
    tsuru.remove("mydb")


def test_two_instances_at_one_app(tsuru, backend):
    """By what tsuru's client can send: without prefixes the variables of one were those of the other."""
    assert tsuru.create("orders", parameters={"binds.shop.env_prefix": "ORDERS_"}).status == 201
    assert tsuru.create("stock", parameters={"env_prefix": "STOCK_", "binds.job:shop.env_prefix": ""}).status == 201
    orders, stock = tsuru.bind("orders", "shop").json, tsuru.bind("stock", "shop").json
    assert not orders.keys() & stock.keys()
    for env, prefix in ((orders, "ORDERS_"), (stock, "STOCK_")):
        assert env and all(name.startswith(prefix) for name in env)
        assert backend.works({name[len(prefix):]: value for name, value in env.items()})
    assert backend.works(tsuru.bind_job("stock", "shop").json) and backend.works(tsuru.bind("orders", "mail").json)
    assert tsuru.update("orders", parameters={"binds.shop.env_prefix": ""}).status == 200
    wait_until("the update is done", lambda: tsuru.is_up("orders"))
    assert backend.works(tsuru.bind("orders", "shop").json)
    tsuru.remove("orders")
    tsuru.remove("stock")


RESERVED = ["pg-main", "postgres", "template0", "public", "none", "mysql", "mariadb-sys", "information-schema", "guest", "amq-things",
            "default", "rdsadmin", "azure-superuser", "cloudsqladmin"]


def test_names_that_servers_keep_to_themselves(tsuru, backend):
    """As names of instances, and of apps."""
    for name in RESERVED:
        assert tsuru.create(name, "small").status == 201, name
        assert backend.works(tsuru.bind(name, name).json), name
        assert tsuru.unbind(name, name).status == 200 and tsuru.remove(name).status == 200


def test_many_binds_at_once(tsuru, backend):
    tsuru.create("mydb", "large")
    with concurrent.futures.ThreadPoolExecutor(32) as pool:
        answers = list(pool.map(lambda i: tsuru.bind("mydb", f"app-{i}"), range(32)))
    assert [answer.status for answer in answers] == [201] * 32
    assert all(backend.works(answer.json) for answer in answers)
    removed(tsuru, "mydb")
    assert all(backend.refused(answer.json) for answer in answers)


# ---- the sequences, while the server works ----


def test_s4_binds_of_one_app_at_once(tsuru, backend):
    tsuru.create("mydb")
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: tsuru.bind("mydb", "shop"), range(4)))
    assert [answer.status for answer in answers] == [201] * 4
    assert any(not backend.refused(answer.json) for answer in answers)
    assert backend.works(tsuru.bind("mydb", "shop").json)
    tsuru.remove("mydb")


def test_s5_unbind_twice(tsuru, backend):
    tsuru.create("mydb")
    env = tsuru.bind("mydb", "shop", event="e1").json
    assert backend.works(env)
    assert tsuru.unbind("mydb", "shop", event="e1").status == 200
    assert backend.refused(env)
    assert tsuru.unbind("mydb", "shop", event="e1").status == 200
    assert tsuru.unbind("mydb", "never-bound").status == 200
    tsuru.remove("mydb")


def test_s6_undone_unbind(tsuru, backend):
    tsuru.create("mydb")
    env = tsuru.bind("mydb", "shop").json
    tsuru.unbind("mydb", "shop", event="e2")
    assert backend.refused(env)
    # tsuru takes it back: the same event, no parameters, the answer thrown away.
    fields = {"app-name": "shop", "eventid": "e2"}
    again = tsuru.send("POST", "/resources/mydb/bind-app", fields, None, "e2")
    assert again.status == 201
    assert backend.works(env if backend.restores else again.json)
    tsuru.remove("mydb")


def test_s7_name_of_a_removed_app(tsuru, backend):
    tsuru.create("mydb")
    first = tsuru.bind("mydb", "shop").json
    # The app was removed while the broker could not be reached: no unbind came. Another team's app takes the name.
    second = tsuru.bind("mydb", "shop").json
    assert backend.works(second) and backend.refused(first)
    tsuru.remove("mydb")


def test_s8_jobs(tsuru, backend):
    tsuru.create("mydb")
    app = tsuru.bind("mydb", "shop").json
    job = tsuru.bind_job("mydb", "shop", event="e1").json
    tsuru.unbind_job("mydb", "shop", event="e2")
    assert backend.refused(job) and backend.works(app)
    again = tsuru.bind_job("mydb", "shop", event="e2").json
    assert backend.works(job if backend.restores else again)
    # The job is removed without an unbind, then the instance: nothing of either is left.
    removed(tsuru, "mydb")
    assert backend.refused(job) and backend.refused(app)


def test_s9_remove_again_and_new_incarnation(tsuru, backend):
    tsuru.create("mydb")
    env, first = tsuru.bind("mydb", "shop").json, place(tsuru, "mydb")
    backend.write(env, "mine", "1")
    assert tsuru.remove("mydb").status == 200
    assert tsuru.remove("mydb").status == 200
    assert tsuru.create("mydb").status == 201
    again = tsuru.bind("mydb", "shop").json
    assert place(tsuru, "mydb") != first
    assert backend.refused(env)
    assert backend.read(again, "mine") is None
    tsuru.remove("mydb")


def test_s12_units(tsuru, backend):
    tsuru.create("mydb")
    env = tsuru.send("POST", "/resources/mydb/bind", {"app-host": "shop.example.com"}).json
    unit = {"unit-host": "10.1.2.3", "app-host": "shop.example.com"}
    for _ in range(2):
        assert tsuru.send("POST", "/resources/mydb/bind", unit).status == 201
    assert backend.works(env)
    for _ in range(2):
        assert tsuru.send("DELETE", "/resources/mydb/bind", unit).status == 200
    tsuru.remove("mydb")


def test_s13_commands_answer_at_once(tsuru, backend):
    tsuru.create("mydb")
    env = tsuru.bind("mydb", "shop").json
    assert tsuru.send("POST", "/resources/mydb/rotate", {"app-name": "shop"}).status == 202
    wait_until("it is rotated", lambda: tsuru.operations("mydb")[0]["state"] == "done")
    assert tsuru.operations("mydb")[0]["kind"] == "rotate"
    assert backend.refused(env)
    assert backend.works(tsuru.bind("mydb", "shop").json)
    tsuru.remove("mydb")


# ---- the sequences, while the server is away ----
#
# Each goes on at its yields: it begins with the server there, goes on while it is away, and ends when it is back. One
# outage serves them all, for some servers take a minute to start.


def s1_create_again(tsuru, _):
    yield
    assert tsuru.create("s1", "small").status == 201
    assert tsuru.status("s1").status == 202
    assert tsuru.create("s1", "large").status == 201
    yield
    wait_until("the new plan is reached", lambda: tsuru.is_up("s1") and tsuru.described("s1")["Plan in force"] == "large")
    other = Tsuru(tsuru.broker, "s", PASSWORD, team="blue")
    assert other.create("s1").status == 409


def s2_remove_while_creating(tsuru, _):
    yield
    assert tsuru.create("s2").status == 201
    assert tsuru.remove("s2").status == 200
    yield
    wait_until("it is gone", lambda: tsuru.info("s2").status == 404)


def s3_update(tsuru, _):
    make(tsuru, "s3")
    yield
    assert tsuru.update("s3", "large").status == 200
    described = tsuru.described("s3")
    assert described["Plan in force"] == "small" and described["Wanted plan"] == "large"
    yield
    wait_until("the plan is reached", lambda: tsuru.described("s3")["Plan in force"] == "large")


def s4_bind_again(tsuru, backend):
    make(tsuru, "s4")
    yield
    answer = tsuru.bind("s4", "shop")
    assert answer.status == 503 and "repeat" in answer.message
    yield
    assert backend.works(bind_until_it_works(tsuru, "s4", "shop"))


def s5_unbind(tsuru, backend):
    make(tsuru, "s5")
    env = bind_until_it_works(tsuru, "s5", "shop")
    assert tsuru.unbind("s5", "never-bound").status == 200
    yield
    assert tsuru.unbind("s5", "shop").status == 200
    yield
    wait_until("the login is dead", lambda: backend.refused(env))


def s8_remove_with_binds(tsuru, backend):
    make(tsuru, "s8")
    env = bind_until_it_works(tsuru, "s8", "shop")
    yield
    assert tsuru.remove("s8").status == 200
    yield
    wait_until("it is gone", lambda: tsuru.info("s8").status == 404)
    assert backend.refused(env)


def s9_create_after_remove(tsuru, backend):
    make(tsuru, "s9")
    env = bind_until_it_works(tsuru, "s9", "shop")
    backend.write(env, "mine", "1")
    yield
    assert tsuru.remove("s9").status == 200
    assert tsuru.create("s9").status == 201
    yield
    again = bind_until_it_works(tsuru, "s9", "shop")
    assert backend.read(again, "mine") is None
    wait_until("the earlier one is gone", lambda: backend.refused(env))


def s10_answers_do_not_wait(tsuru, backend):
    make(tsuru, "s10")
    env = bind_until_it_works(tsuru, "s10", "shop")
    yield
    wait_until("the status says down", lambda: tsuru.why_down("s10"))
    assert "main" in tsuru.why_down("s10")
    assert tsuru.described("s10")["Plan in force"] == "small"
    assert answer_time(tsuru, "s10") < 0.5  # a wait for the server would be seconds
    yield
    wait_until("it is up", lambda: tsuru.is_up("s10"))
    assert backend.works(env)


SEQUENCES = [s1_create_again, s2_remove_while_creating, s3_update, s4_bind_again, s5_unbind, s8_remove_with_binds,
             s9_create_after_remove, s10_answers_do_not_wait]
NAMES = ["s1", "s2", "s3", "s4", "s5", "s8", "s9", "s10"]
SHORT = {"wait": "1s", "bind_wait": "1s", "attempt_timeout": "10s"}


def make(tsuru, name):
    assert tsuru.create(name, "small").status == 201
    wait_until("it is made", lambda: tsuru.is_up(name))


def bind_until_it_works(tsuru, name, app):
    """As a user does who is told to repeat it."""
    return wait_until("the bind succeeds", lambda: (answer := tsuru.bind(name, app)).status == 201 and answer.json)


def answer_time(tsuru, name):
    times = []
    for _ in range(50):
        begin = time.monotonic()
        assert tsuru.plans().status == 200 and tsuru.info(name).status == 200
        times.append((time.monotonic() - begin) / 2)
    return statistics.median(times)


@pytest.mark.parametrize("killed", [False, True], ids=["", "s11"])
def test_the_server_goes_and_comes_back(start_broker, backend, killed):
    before = backend.objects()
    tsuru = Tsuru(start_broker(configuration({**backend.service("s"), **SHORT})), "s", PASSWORD)
    flows = [sequence(tsuru, backend) for sequence in SEQUENCES]
    for flow in flows:
        next(flow)
    backend.stop()
    try:
        for flow in flows:
            next(flow)
        if killed:
            tsuru.broker.kill()
    finally:
        backend.start_again()
    if killed:
        tsuru.broker.start()
    for flow in flows:
        assert next(flow, None) is None
    removed(tsuru, *NAMES)
    wait_until("nothing is left on the server", lambda: backend.objects() == before)


def connections(broker):
    """How many the broker says that it has to its only server."""
    return int(re.search(r"^tsuru_broker_server_connections{.*} (\d+)$", broker.admin("/metrics").body, re.M)[1])


def test_unused_connections_are_counted_and_closed(start_broker, backend):
    described = backend.service("s")
    if backend.name not in ("postgres", "redis", "mysql"):
        pytest.skip("the driver keeps no connections")
    described["servers"][0]["idle"] = "1s"
    tsuru = Tsuru(start_broker(configuration(described)), "s", PASSWORD)
    assert tsuru.create("mine").status == 201
    # Each look at the server opens one again.
    wait_until("there are connections", lambda: connections(tsuru.broker) > 0)
    wait_until("the connections are closed", lambda: connections(tsuru.broker) == 0)
    assert tsuru.bind("mine", "shop").status == 201
    removed(tsuru, "mine")


def test_the_server_goes_in_the_middle_of_work(start_broker, backend):
    """It goes while creates and binds are under way: each is done when it is back, none is lost."""
    before = backend.objects()
    tsuru = Tsuru(start_broker(configuration({**backend.service("s"), "attempt_timeout": "10s"})), "s", PASSWORD)
    names = [f"db-{i}" for i in range(16)]
    with concurrent.futures.ThreadPoolExecutor(len(names)) as pool:
        created = [pool.submit(tsuru.create, name) for name in names]
        wait_until("the first is made", lambda: backend.objects()[0] - before[0])
        backend.stop()
        backend.start_again()
        assert [future.result().status for future in created] == [201] * len(names)
        for name in names:
            wait_until(f"{name} is up", lambda name=name: tsuru.is_up(name))
        assert all(pool.map(lambda name: backend.works(bind_until_it_works(tsuru, name, "shop")), names))
    removed(tsuru, *names)
    wait_until("nothing is left on the server", lambda: backend.objects() == before)


def test_a_server_that_answers_nothing(start_broker, backend):
    if not backend.pids():
        pytest.skip("the server is no process that could be stopped")
    before = backend.objects()
    service = {**backend.service("s"), **SHORT}
    tsuru = Tsuru(start_broker(configuration(service)), "s", PASSWORD)
    make(tsuru, "old")
    backend.freeze()
    try:
        assert tsuru.create("new").status == 201
        assert tsuru.status("new").status == 202
        answer = tsuru.bind("old", "shop")
        assert answer.status == 503 and "repeat" in answer.message
        assert answer_time(tsuru, "old") < 0.5
        wait_until("the status says down", lambda: tsuru.why_down("old"))
        wait_until("an attempt is over", lambda: tsuru.operations("new")[0].get("error"))
    finally:
        backend.thaw()
    wait_until("all converges", lambda: tsuru.is_up("new") and tsuru.is_up("old"))
    for name in ("old", "new"):
        assert backend.works(bind_until_it_works(tsuru, name, "shop"))
    removed(tsuru, "old", "new")
    wait_until("nothing is left on the server", lambda: backend.objects() == before)


# ---- all drivers in one process ----


def live(tsuru, backend, name, until):
    """One instance after the other under the name, each bound and tried."""
    rounds = 0
    while time.monotonic() < until:
        assert tsuru.create(name).status == 201
        env = bind_until_it_works(tsuru, name, f"app-{secrets.token_hex(3)}")
        assert backend.works(env)
        assert tsuru.remove(name).status == 200
        wait_until("it is gone", lambda: tsuru.info(name).status == 404)
        rounds += 1
    return rounds


def check_memory(broker, before):
    """It is back to where it began, but for a few MB of caches and fragments. A sanitizer keeps what was freed."""
    after = broker.memory()
    print(f"memory: {before / 1e6:.1f} MB before, {after / 1e6:.1f} MB after {SECONDS:.0f} s")
    with open(f"/proc/{broker.process.pid}/maps", encoding="utf-8") as maps:
        assert "libasan" in maps.read() or after < before + 16e6


def test_all_drivers_side_by_side(start_broker):
    backends = [kind() for kind in BACKENDS]
    for backend in backends:
        backend.start()
    with closing(*backends):
        before = [backend.objects() for backend in backends]
        broker = start_broker(configuration(*(backend.service(backend.name) for backend in backends)))
        before_memory = broker.memory()
        until = time.monotonic() + SECONDS
        with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
            lives = [pool.submit(live, Tsuru(broker, backends[i % len(backends)].name, PASSWORD),
                                 backends[i % len(backends)], f"db-{i}", until) for i in range(WORKERS)]
            assert all(future.result() > 0 for future in lives)
        wait_until("nothing is left on the servers", lambda: [backend.objects() for backend in backends] == before)
        check_memory(broker, before_memory)
