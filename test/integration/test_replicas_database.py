"""What befalls the database that brokers share: it fails over, is restarted, is full, or is cut off from one of them. At most one
broker is active at a time, what was acknowledged is there, and all goes on by itself."""

import os
import pwd
import re
import subprocess

import pytest

from harness import Postgres, closing, wait_until
from postgres_pair import Pair
from proxy import Fault
from replica_site import Site, await_role, role, tsuru_of


@pytest.fixture
def pair(request):
    built = Pair(getattr(request, "param", True))
    yield built
    built.close()


@pytest.fixture
def site(pair, tmp_path):
    built = Site(tmp_path, pair)
    yield built
    built.close()


@pytest.fixture
def alone(server, tmp_path):
    """One server for several tests, each with a database of its own."""
    built = Site(tmp_path, server)
    yield built
    built.close()


asynchronous = pytest.mark.parametrize("pair", [False], indirect=True, ids=["asynchronous"])


def says_lost(broker):
    return "event=commits-lost" in broker.log()


# ---- failovers ----


@pytest.mark.parametrize("door", [None, "half-open"], ids=["hangs-up", "hangs"])
def test_failover_to_the_synchronous_standby(site, door):
    """What is left of the primary's address takes connections and hangs up, or says nothing."""
    first, second = site.replicas.pair()
    assert tsuru_of(first).create("old", "small").status == 201
    bound = tsuru_of(first).bind("old", "shop", event="e1").json
    load = site.load()
    try:
        site.server.doors[0].fault = Fault(door) if door else None
        site.server.fail_over()
        site.goes_on(load)
    finally:
        made = load.end()
    site.check(made)
    assert tsuru_of(site.replicas.await_active()).bind("old", "shop", event="e1").json == bound
    assert not says_lost(first) and not says_lost(second)


@asynchronous
def test_failover_to_a_server_that_lacks_the_last_commits(site):
    first, second = site.replicas.pair()
    assert tsuru_of(first).create("old", "small").status == 201
    bound = tsuru_of(first).bind("old", "shop", event="e1").json
    site.server.caught_up()
    site.server.cut()
    tsuru = tsuru_of(first)
    assert tsuru.create("lost", "small").status == 201 and tsuru.bind("lost", "shop").status == 201
    assert tsuru.unbind("old", "shop").status == 200
    wait_until("the standby has them, too", lambda: len(second.ctl("instances", "--json")) == 2)
    site.server.fail_over()
    site.replicas.keep_alive("both notice it", lambda: says_lost(first) and says_lost(second))
    active = site.replicas.await_active()
    tsuru = tsuru_of(active)
    for one in (first, second):
        wait_until("the view is made afresh", lambda one=one: [row["name"] for row in one.ctl("instances", "--json")] == ["old"])
        assert 'level=error event=commits-lost reason="the database lacks commits' in one.log()
        assert one.log().count("event=commits-lost") == 1
        assert "tsuru_broker_store_losses_total 1" in one.admin("/metrics").body
    assert tsuru.info("lost").status == 404 and tsuru.is_up("old")
    # The login that was dropped for a lost unbind is made again; what nobody knows of any more is told, and stays.
    wait_until("the login is mended", lambda: active.ctl("verify", "--json", status=(0, 3))["found"] == [])
    assert re.search("event=drift .* kind=bind .* action=mend", active.log())
    site.check(["old"], strays=2)
    assert tsuru.bind("old", "shop", event="e1").json == bound
    assert tsuru.create("next", "small").status == 201


def take_over_unseen(site, first, second):
    """Second becomes the active one, and marks the server; what the database fails over to next has nothing of it."""
    assert tsuru_of(first).create("old", "small").status == 201
    site.server.caught_up()
    site.server.cut()
    first.stop()
    await_role(second, "active")
    wait_until("it has marked the server", lambda: second.servers()[0]["state"] == "up")
    assert tsuru_of(second).create("lost", "small").status == 201


@asynchronous
def test_failover_that_takes_a_takeover_back(site):
    """Lost with the rest is that another had become active, which has marked the server since. The brokers have seen it."""
    first, second = site.replicas.pair()
    take_over_unseen(site, first, second)
    first.start()
    wait_until("it knows of the other", lambda: first.admin("/v1/replicas").status == 200)
    site.server.fail_over()
    site.replicas.keep_alive("it is noticed", lambda: says_lost(second))
    active = site.replicas.await_active()
    wait_until("the server is taken over", lambda: active.servers()[0]["state"] == "up")
    assert tsuru_of(active).create("next", "small").status == 201
    assert tsuru_of(active).info("lost").status == 404
    site.check(["old", "next"], strays=1, epochs=False)


@asynchronous
def test_failover_that_takes_a_takeover_back_unseen(site):
    """Nobody lives that knows of it: as after a restored backup, nothing is done there before somebody has looked."""
    first, second = site.replicas.pair()
    take_over_unseen(site, first, second)
    second.kill()
    site.server.fail_over()
    first.start()
    await_role(first, "active")
    found = wait_until("the server was looked at", lambda: first.servers()[0]["state"] != "unknown" and first.servers()[0])
    assert found["state"] == "down" and "a later start of this store" in found["reason"], found
    first.ctl("claim", "scripted/one", "--yes")
    wait_until("changes are taken", lambda: tsuru_of(first).create("next", "small").status == 201)
    second.start()
    site.check(["old", "next"], strays=1, epochs=False)


def test_the_synchronous_standby_is_away_for_longer_than_the_lease(site):
    """No commit comes to its end, not even a renewal or a claim: nobody is active, and nothing is acknowledged. Statements that
    were given up meanwhile come through when it is back."""
    site.server.rows(f"ALTER ROLE {site.database} SET synchronous_commit = local")
    first, second = site.replicas.pair()
    load = site.load()
    try:
        site.server.cut()
        site.replicas.await_standby(first)
        wait_until("a claim was given up", lambda: "event=store-unreachable" in second.log())
        before = len(load.made)
        assert (role(first), role(second)) == ("standby", "standby")
        wait_until("changes are refused", lambda refused=load.refused: load.refused > refused + 10)
        assert len(load.made) == before
        site.server.join()
        site.goes_on(load)
    finally:
        made = load.end()
    site.check(made)
    assert not says_lost(first) and not says_lost(second)


WAITS = "FROM pg_stat_activity WHERE wait_event = 'SyncRep'"


@pytest.mark.parametrize("afterwards", ["fails-over", "comes-back"])
@pytest.mark.parametrize("how", ["pg_cancel_backend", "pg_terminate_backend"])
def test_the_wait_for_the_synchronous_standby_is_ended(site, how, afterwards):
    """Whatever waits for it is committed on the primary then, with a success for an answer or with none. Nothing is acknowledged, no
    lease renewed, and nobody becomes active by it."""
    site.server.rows(f"ALTER ROLE {site.database} SET client_min_messages = error")
    first, second = site.replicas.pair()
    load = site.load()
    ended = 0

    def end_waits():
        nonlocal ended
        ended += site.server.rows(f"SELECT count({how}(pid)) {WAITS}")[0][0]
        return ended

    try:
        site.server.cut()
        wait_until("work waits", lambda: site.server.rows(f"SELECT count(*) {WAITS}")[0][0])
        before = len(load.made)
        wait_until("nobody is active", lambda: end_waits() and (role(first), role(second)) == ("standby", "standby"))
        last = ended
        wait_until("claims were ended, too", lambda: end_waits() > last + 5)
        assert len(load.made) == before and (role(first), role(second)) == ("standby", "standby")
        if afterwards == "fails-over":
            site.server.fail_over()
        else:
            site.server.join()
        site.goes_on(load)
    finally:
        made = load.end()
    site.check(made)


# ---- restarts ----


@pytest.mark.parametrize("mode", ["fast", "immediate"])
def test_restart_under_load(alone, server, mode):
    alone.replicas.pair()
    load = alone.load()
    try:
        for _ in range(3):
            server.stop(mode)
            server.start()
            alone.goes_on(load)
    finally:
        made = load.end()
    alone.check(made)
    assert not any(says_lost(broker) for broker in alone.replicas.brokers.values())


# ---- a full disk ----

SMALL = 24 * 1024 * 1024  # bytes of the disk


def on_a_small_disk(server):
    """Starts the server anew, in a mount namespace of its own with a disk for a tablespace; false where that is not allowed."""
    place = os.path.join(server.directory, "small")
    os.mkdir(place, 0o700)
    owner = pwd.getpwnam("postgres") if os.getuid() == 0 else pwd.getpwuid(os.getuid())
    os.chown(place, owner.pw_uid, owner.pw_gid)
    server.stop("fast")
    server.prefix = ["unshare", "-m", "sh", "-c",
                     f'mount -t tmpfs -o size={SMALL},uid={owner.pw_uid},mode=700 none "$0" && exec "$@"', place]
    if subprocess.run([*server.prefix, "true"], capture_output=True, check=False).returncode != 0:
        return False
    server.start()
    server.prefix = []
    server.rows(f"CREATE TABLESPACE small LOCATION '{place}'")
    return True


def inside(server, path):
    """What the server sees at the path."""
    with open(os.path.join(server.data, "postmaster.pid"), encoding="ascii") as file:
        return f"/proc/{int(file.readline())}/root{path}"


def fill(path):
    """Takes what room is left, but for a few pages."""
    with open(path, "wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            file.truncate(os.path.getsize(path) - 16 * 4096)


def test_a_full_disk_refuses_and_recovers_by_itself(tmp_path):
    with closing(Postgres("autovacuum = off\n")) as (server,):
        if not on_a_small_disk(server):
            pytest.skip("no mounts here")
        site = Site(tmp_path, server)
        server.rows(f"ALTER DATABASE {site.database} SET TABLESPACE small")
        with closing(site):
            check_full_disk(site, inside(server, os.path.join(server.directory, "small", "ballast")))


def check_full_disk(site, ballast):
    first, second = site.replicas.pair()
    tsuru, created = tsuru_of(first), []
    assert tsuru.create("old", "small").status == 201
    fill(ballast)
    while (answer := tsuru.create(f"db-{len(created)}", "small", description="x" * 4000)).status == 201:
        created.append(f"db-{len(created)}")
        assert len(created) < 5000
    assert answer.status in (503, 507) and "No space left on device" in answer.message, answer
    for call in (lambda: tsuru.create("new", "small", description="x" * 4000), lambda: tsuru.bind("old", "shop")):
        assert call().status in (201, 503, 507)
    assert tsuru.plans().status == 200 and tsuru.is_up("old") and all(tsuru.info(name).status == 200 for name in created)
    assert role(first) == "active" and role(second) == "standby"
    os.unlink(ballast)
    assert tsuru.create("later", "small").status == 201
    site.check([*created, "later"])
    assert [epoch for _, epoch, _ in site.replicas.epochs()] == [1]
