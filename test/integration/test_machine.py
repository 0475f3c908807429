"""The machine under the broker fails: its disk, its file descriptors, its clock, and the processor that is taken away for a
while (test/support/machine.py). What was acknowledged stays, nothing else is acknowledged, reads go on, and all is well when the
machine is. test/unit/store/commit_test.c has the store's part of it, to every single write."""

import concurrent.futures
import errno
import os
import re
import resource
import secrets
import signal
import socket
import subprocess
import time

import pytest

from harness import BROKER, TIMEOUT, Broker, Tsuru, postgres_service, scripted_service, wait_until
from machine import Machine

HOUR = 3600 * 1000  # ms
YEAR = 365 * 24 * HOUR


class Site:
    """A broker on a machine that fails, with the scripted driver and its rules."""

    def __init__(self, directory, more="", wait="25s"):
        self.directory = directory
        self.machine = Machine(str(directory))
        more = f"    wait: {wait}\n" + more
        self.broker = Broker(scripted_service(directory, "x", more=more).replace("name: one,", "name: one, parallel: 16,"))
        self.machine.attach(self.broker)
        self.broker.start()
        self.tsuru = Tsuru(self.broker, "scripted", "x")

    def rules(self, *lines):
        (self.directory / "rules").write_text("# " + secrets.token_hex(len(lines) + 1) + "\n" + "\n".join(lines) + "\n")

    def world(self):
        """Instances on the pretended server; how often each was made."""
        made = {}
        for line in (self.directory / "state").read_text().splitlines():
            words = line.split()
            if words[0] == "instance":
                made[words[1]] = made.get(words[1], 0) + 1
            elif words[0] == "drop-instance":
                del made[words[1]]
        return made

    def close(self):
        self.machine.heal()
        self.broker.close()


@pytest.fixture(params=["25s"])
def site(tmp_path, request):
    built = Site(tmp_path, wait=request.param)
    yield built
    built.close()


# A call that the disk keeps from its end is answered after a moment.
waits_a_moment = pytest.mark.parametrize("site", ["2s"], indirect=True)


def changes(tsuru):
    """One of each call that has to be durable before it is acknowledged."""
    return [lambda: tsuru.create("new"), lambda: tsuru.bind("old", "other"), lambda: tsuru.unbind("old", "shop"),
            lambda: tsuru.update("old", "large"), lambda: tsuru.remove("old")]


def all_at_once(calls):
    with concurrent.futures.ThreadPoolExecutor(len(calls)) as pool:
        return [one.result() for one in [pool.submit(call) for call in calls]]


def check_reads(tsuru):
    assert tsuru.plans().status == 200
    assert tsuru.described("old")["Plan in force"] == "small"
    assert tsuru.status("old").status == 204


# ---- the disk ----


@pytest.mark.parametrize("fault, code", [("sync_error", errno.EIO), ("write_error", errno.EIO), ("write_error", errno.EROFS),
                                         ("meta_error", errno.EIO)],
                         ids=["sync-fails", "write-fails", "becomes-read-only", "last-write-fails"])
def test_nothing_is_acknowledged_once_a_write_failed(site, fault, code):
    tsuru, broker = site.tsuru, site.broker
    assert tsuru.create("old", "small").status == 201
    env = tsuru.bind("old", "shop").json
    setattr(site.machine, fault, code)
    refused = all_at_once(changes(tsuru))
    assert site.machine.failed > 0
    assert {answer.status for answer in refused} <= {500, 503}, refused
    assert all("restart" in answer.message for answer in refused), refused
    check_reads(tsuru)
    assert broker.admin("/ready").status == 503 and "restart" in broker.admin("/ready").body
    assert broker.admin("/health").status == 200
    assert "tsuru_broker_store_broken 1" in broker.admin("/metrics").body
    assert broker.log().count("event=store-broken") == 1
    # The disk is well again, but what is on it nobody knows before it is read afresh.
    site.machine.heal()
    assert {answer.status for answer in all_at_once(changes(tsuru))} <= {500, 503}
    check_reads(tsuru)
    broker.stop()
    broker.start()
    assert broker.admin("/ready").status == 200
    check_recovered(site, env)


def check_recovered(site, env):
    """What was acknowledged is there; what was refused succeeds when tsuru's user repeats it."""
    tsuru = site.tsuru
    if tsuru.info("old").status == 200:  # a refused removal may have come onto the disk with the write that failed
        check_reads(tsuru)
        assert tsuru.bind("old", "shop").status == 201
    assert tsuru.create("new").status == 201
    assert tsuru.remove("old").status == 200 and tsuru.remove("new").status == 200
    wait_until("nothing is left", lambda: site.world() == {})
    assert env


@waits_a_moment
def test_work_under_way_when_the_disk_fails_ends_after_the_restart(site):
    site.rules("provision hold")
    with concurrent.futures.ThreadPoolExecutor() as pool:
        create = pool.submit(site.tsuru.create, "old", "small")
        wait_until("it is accepted", lambda: site.tsuru.status("old").status == 202)
        site.machine.sync_error = errno.EIO
        site.rules()
        wait_until("the server has it", site.world)
        answer = create.result()
    # Its acceptance was durable, its end is not: it may be called accepted, never done.
    assert answer.status in (201, 500, 503)
    assert site.tsuru.status("old").status != 204
    site.broker.kill()
    site.machine.heal()
    site.broker.start()
    wait_until("it is up", lambda: site.tsuru.is_up("old"))
    assert len(site.world()) == 1
    check_reads(site.tsuru)


@waits_a_moment
def test_a_full_disk_refuses_and_recovers_by_itself(site):
    tsuru, broker = site.tsuru, site.broker
    assert tsuru.create("old", "small").status == 201
    assert tsuru.bind("old", "shop").status == 201
    wait_until("it is up", lambda: tsuru.is_up("old"))
    site.rules("provision hold")
    with concurrent.futures.ThreadPoolExecutor() as pool:
        create = pool.submit(tsuru.create, "begun")
        wait_until("it is accepted", lambda: tsuru.status("begun").status == 202)
        site.machine.write_error = errno.ENOSPC
        refused = all_at_once(changes(tsuru))
        assert {answer.status for answer in refused} == {507}, refused
        assert all("full" in answer.message for answer in refused)
        check_reads(tsuru)
        assert broker.admin("/ready").status == 200  # room is all it needs
        site.rules()
        wait_until("the server has what was begun", lambda: len(site.world()) == 2)
        assert create.result().status == 201 and tsuru.status("begun").status == 202
    site.machine.heal()
    wait_until("what was begun has ended", lambda: tsuru.is_up("begun"))
    assert [call().status for call in changes(tsuru)] == [201, 201, 200, 200, 200]
    wait_until("the server has what is left", lambda: len(site.world()) == 2)


SMALL = 4 * 1024 * 1024  # bytes of the disk


def on_a_small_disk(broker):
    """The broker in a mount namespace of its own, its data on a disk of 4 MiB; false where that is not allowed."""
    inside = ["unshare", "-rm", "sh", "-c", f'mount -t tmpfs -o size={SMALL} none "$0" && exec "$@"', broker.data]
    os.makedirs(broker.data, 0o700)
    if subprocess.run([*inside, "true"], capture_output=True, check=False).returncode != 0:
        return False
    broker.prefix = inside
    return True


def test_a_small_disk_runs_full(tmp_path):
    broker = Broker(scripted_service(tmp_path, "x"))
    if not on_a_small_disk(broker):
        pytest.skip("no mounts here")
    try:
        broker.start()
        tsuru = Tsuru(broker, "scripted", "x")
        inside = f"/proc/{broker.process.pid}/root{broker.data}"
        with open(os.path.join(inside, "ballast"), "wb") as file:
            file.write(bytes(SMALL // 2))
        created, note = [], "x" * 4000
        while (answer := tsuru.create(f"db-{len(created)}", description=note)).status == 201:
            created.append(f"db-{len(created)}")
            assert len(created) < 5000
        assert answer.status == 507 and "full" in answer.message and len(created) > 5
        assert all(tsuru.is_up(name) for name in created)
        assert broker.admin("/ready").status == 200
        os.unlink(os.path.join(inside, "ballast"))
        assert tsuru.create("later").status == 201
        assert all(tsuru.remove(name).status == 200 for name in created)
    finally:
        broker.close()


def test_a_read_only_data_directory_at_the_start(site):
    assert site.tsuru.create("old", "small").status == 201
    site.broker.stop()
    site.machine.open_error = errno.EROFS
    done = subprocess.run([BROKER, "serve", "-c", site.broker.config], env=site.broker.environment, stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=TIMEOUT, check=False)
    assert done.returncode == 1
    assert site.broker.data in done.stderr and "Read-only file system" in done.stderr, done.stderr
    assert "Sanitizer" not in done.stderr
    site.machine.heal()
    site.broker.start()
    check_reads(site.tsuru)


# ---- file descriptors ----


FILES = 64


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as file:
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def crowd(port, count):
    """Clients that have begun a request, so that they are accepted, and go no further."""
    clients = []
    for _ in range(count):
        client = socket.create_connection(("127.0.0.1", port), timeout=10)
        client.sendall(b"GET /postgres/resources/plans HTTP/1.1\r\nX-Slow: ")
        clients.append(client)
    return clients


def test_without_file_descriptors_it_rests_and_recovers(server):
    before = server.databases()
    broker = Broker(postgres_service(server, "x", more="    attempt_timeout: 10s\n"),
                    limits="limits: {request_timeout: 10m}\n")
    broker.start()
    clients = []
    try:
        tsuru = Tsuru(broker, "postgres", "x")
        assert tsuru.create("old", "small").status == 201
        pid = broker.process.pid
        # From the start, its limits would have been lowered to what fits.
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (FILES, FILES))
        clients = crowd(broker.port, 3 * FILES)
        wait_until("it has hardly a descriptor left", lambda: len(os.listdir(f"/proc/{pid}/fd")) >= FILES - 20)
        time.sleep(0.5)
        begin, cpu, log = time.monotonic(), cpu_seconds(pid), len(broker.log())
        time.sleep(2)
        used, told = cpu_seconds(pid) - cpu, broker.log()[log:]
        seconds = time.monotonic() - begin
        print(f"starved: {used / seconds:.1%} of a processor, {told.count(chr(10))} log lines in {seconds:.1f} s")
        assert used < 0.2 * seconds
        assert told.count("\n") <= 10 * seconds, told[-3000:]
        # The pooled connections die meanwhile: none can be opened anew.
        server.rows("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'admin' AND pid <> pg_backend_pid()")
        time.sleep(1)
        for client in clients:
            client.close()
        wait_until("it is up again", lambda: tsuru.is_up("old"))
        assert server.as_app(tsuru.bind("old", "shop").json, "SELECT 1") == [(1,)]
        assert tsuru.create("new", "small").status == 201
        wait_until("the new one is up", lambda: tsuru.is_up("new"))
        wait_until("the descriptors are free", lambda: len(os.listdir(f"/proc/{pid}/fd")) < FILES / 2)
        assert tsuru.remove("old").status == 200 and tsuru.remove("new").status == 200
        wait_until("nothing is left", lambda: server.databases() == before)
    finally:
        for client in clients:
            client.close()
        broker.close()


# ---- the clock ----


def test_a_jump_of_the_clock_ends_no_work_early_and_stalls_none(tmp_path):
    began = time.monotonic()
    site = Site(tmp_path, "    retry_for: 1h\n")
    try:
        for number, jump in enumerate((5 * HOUR, -3 * YEAR, 40 * YEAR, 0)):
            name = f"db-{number}"
            site.rules("provision fail-transient 5")
            with concurrent.futures.ThreadPoolExecutor() as pool:
                create = pool.submit(site.tsuru.create, name)
                wait_until("it is tried", lambda name=name: "fail" in site.tsuru.status(name).body or
                           site.tsuru.operations(name)[0]["attempts"] > 0 if site.tsuru.info(name).status == 200 else False)
                site.machine.clock_ms = jump
                begin = time.monotonic()
                assert create.result().status == 201
                assert time.monotonic() - begin < 60  # the wait is of the monotonic clock, and the jumps are of hours
            wait_until(f"{name} is up after a jump of {jump} ms", lambda name=name: site.tsuru.is_up(name))
            assert site.tsuru.operations(name)[0]["state"] == "done"
            age = re.search(r"operations_oldest_age_seconds{[^}]*} (\S+)", site.broker.admin("/metrics").body)
            assert 0 <= float(age[1]) < 60
        assert 0 <= site.broker.admin("/health").json["uptime_seconds"] <= time.monotonic() - began
    finally:
        site.close()


def test_the_audit_keeps_its_order_behind_a_clock_that_was_set_back(site):
    names = [f"db-{i}" for i in range(6)]
    for i, name in enumerate(names):
        if i == 2:
            site.machine.clock_ms = -3 * YEAR
        if i == 4:
            site.broker.stop()
            site.broker.start()
        assert site.tsuru.create(name).status == 201
    page = site.broker.admin("/v1/audit").json["audit"]
    created = [one["instance"] for one in page if one["action"] == "create" and one["outcome"] == "done"]
    assert created == names[::-1]


def test_what_jumps_do_to_retention(tmp_path):
    """Its end is a wall time: a clock that goes back keeps a removed instance longer, one that goes forward drops it early."""
    site = Site(tmp_path)
    with open(site.broker.config, encoding="utf-8") as file:
        text = file.read()
    with open(site.broker.config, "w", encoding="utf-8") as file:
        file.write(text.replace("description: a, weight: 1", "description: a, weight: 1, retain: 10h"))
    try:
        site.broker.stop()
        site.broker.start()
        for name in ("one", "two"):
            assert site.tsuru.create(name, "small").status == 201
        assert site.tsuru.remove("one").status == 200
        for jump in (-3 * YEAR, 9 * HOUR):
            site.machine.clock_ms = jump
            site.broker.stop()  # a start looks at once
            site.broker.start()
            assert len(site.broker.ctl("instances", "--state", "retained", "--json")) == 1, jump
        site.machine.clock_ms = 11 * HOUR
        assert site.tsuru.remove("two").status == 200  # and so does a removal
        wait_until("the first is dropped", lambda: len(site.world()) == 1)
        assert site.broker.ctl("undelete", "scripted/two") == "done\n"
    finally:
        site.close()


# ---- the processor ----


def test_stopped_in_the_middle_of_work(server):
    """SIGSTOP for longer than every deadline: attempts time out and are made again, and no call is answered wrongly."""
    before = server.databases(), server.roles()
    broker = Broker(postgres_service(server, "x", more="    wait: 2s\n    bind_wait: 2s\n    attempt_timeout: 4s\n"))
    broker.start()
    try:
        tsuru = Tsuru(broker, "postgres", "x")
        names = [f"db-{i}" for i in range(8)]
        with concurrent.futures.ThreadPoolExecutor(len(names)) as pool:
            creates = [pool.submit(tsuru.create, name, "small") for name in names]
            wait_until("the first is made", lambda: len(server.databases()) > len(before[0]))
            for _ in range(2):
                os.kill(broker.process.pid, signal.SIGSTOP)
                time.sleep(5)
                os.kill(broker.process.pid, signal.SIGCONT)
                assert tsuru.plans().status == 200
            assert [create.result().status for create in creates] == [201] * len(names)
        for name in names:
            wait_until(f"{name} is up", lambda name=name: tsuru.is_up(name))
            env = wait_until("it is bound", lambda name=name: (a := tsuru.bind(name, "shop")).status == 201 and a.json)
            assert server.as_app(env, "SELECT 1") == [(1,)]
        for name in names:
            assert tsuru.remove(name).status == 200
        wait_until("nothing is left", lambda: (server.databases(), server.roles()) == before)
    finally:
        broker.close()
